/*
 * People are found by going through all names there are: each is one short row, and there are
 * LIMIT_FEEDS_KNOWN of them at most. Names are compared word by word as the full-text engine
 * compares words, so case and accents do not matter. A key is found by the beginning of its text.
 */
#include "store/search.h"

#include "base/encode.h"
#include "base/limits.h"
#include "store/reader_inside.h"
#include "store/search_words.h"

#include <stdlib.h>

enum {
	NAME_BYTES = 2 * KIB,
	CANDIDATES_MAX = 256,
	KEY_CHARS_MIN = 4,
	SELF_CHARS = 2,
	BASE64_BITS = 6
};

/* How well a name fits; less is not enough. */
enum fit { FIT_NOT, FIT_INSIDE, FIT_BEGINS, FIT_KEY, FIT_WHOLE };

/* SCAN: every name there is. */
QUERY(sql_search_names,
	"SELECT feed, name FROM profiles WHERE name <> '' UNION ALL SELECT feed, "
	"name FROM petnames UNION ALL SELECT feed, name FROM ahead_feeds WHERE name "
	"<> ''");
QUERY(sql_search_keys, "SELECT feed FROM feeds WHERE id >= ?1 AND id <= ?2 LIMIT ?3");
QUERY(sql_search_person,
	"SELECT f.id, coalesce((SELECT edge FROM contacts WHERE feed = 1 AND about = f.feed), 0), "
	"f.at, EXISTS (SELECT 1 FROM mutes WHERE feed = f.feed) FROM feeds f WHERE f.feed = ?1");

struct candidate {
	int64_t feed, at_ms;
	struct feed_id id;
	enum fit fit;
	bool is_followed;
};

struct names {
	struct db *db;
	struct buf asked; /* words, each with a NUL */
	struct buf name;  /* the same of the present name */
	struct candidate *at;
	size_t count;
	enum fit least;
};

static enum err add_word(void *ctx, struct span word)
{
	enum err err = buf_append(ctx, word);
	return err == ERR_OK ? buf_append_byte(ctx, 0) : err;
}

static enum err split(struct db *db, struct span text, struct buf *out)
{
	enum err err = search_words_of(db, text, add_word, out);
	return err == ERR_LIMIT ? ERR_OK : err; /* a longer name is not longer in the table */
}

static struct span next_word(struct span *words)
{
	size_t len = strnlen((const char *)words->at, words->len);
	struct span word = span_take(*words, len);
	*words = span_skip(*words, len + 1);
	return word;
}

static enum fit fit_word(struct span asked, struct span name)
{
	enum fit fit = FIT_NOT;
	while (name.len > 0 && fit < FIT_BEGINS) {
		struct span word = next_word(&name);
		if (word.len >= asked.len && memcmp(word.at, asked.at, asked.len) == 0) {
			fit = FIT_BEGINS;
		} else if (asked.len >= 3 &&
			   memmem(word.at, word.len, asked.at, asked.len) != NULL) {
			fit = FIT_INSIDE;
		}
	}
	return fit;
}

/* All words that are asked for must be there. */
static enum fit fit_name(const struct names *names)
{
	struct span asked = buf_span(&names->asked);
	enum fit fit = FIT_BEGINS;
	if (span_equal(asked, buf_span(&names->name))) {
		return FIT_WHOLE;
	}
	while (asked.len > 0 && fit != FIT_NOT) {
		enum fit one = fit_word(next_word(&asked), buf_span(&names->name));
		fit = one < fit ? one : fit;
	}
	return fit;
}

static void take(struct names *names, int64_t feed, enum fit fit)
{
	for (size_t i = 0; i < names->count; i++) {
		if (names->at[i].feed == feed) {
			names->at[i].fit = fit > names->at[i].fit ? fit : names->at[i].fit;
			return;
		}
	}
	if (names->count < CANDIDATES_MAX) {
		names->at[names->count++] = (struct candidate){.feed = feed, .fit = fit};
		return;
	}
	for (size_t i = 0; i < names->count; i++) { /* a better one takes the place of another */
		if (names->at[i].fit < fit) {
			names->at[i] = (struct candidate){.feed = feed, .fit = fit};
			return;
		}
	}
}

static enum err read_names(struct names *names)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = names->asked.len == 0 ? ERR_NOT_FOUND
					     : db_query(names->db, &sql_search_names, &stmt);
	if (err != ERR_OK) {
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	while (err == ERR_OK && (err = db_step(names->db, stmt)) == ERR_OK) {
		buf_clear(&names->name);
		err = split(names->db, db_column(stmt, 1), &names->name);
		enum fit fit = err == ERR_OK ? fit_name(names) : FIT_NOT;
		if (fit >= names->least) {
			take(names, sqlite3_column_int64(stmt, 0), fit);
		}
	}
	db_reset(stmt);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static int digit_of(uint8_t byte)
{
	if (byte >= 'A' && byte <= 'Z') {
		return byte - 'A';
	}
	if (byte >= 'a' && byte <= 'z') {
		return byte - 'a' + 26;
	}
	if (byte >= '0' && byte <= '9') {
		return byte - '0' + 52;
	}
	return byte == '+' || byte == '-' ? 62 : byte == '/' || byte == '_' ? 63 : -1;
}

/* The first and the last key whose text begins so (one blank in it is how the page shows them);
 * false: no key does. */
static bool read_key_range(struct span text, struct feed_id *first, struct feed_id *last)
{
	size_t bits = 0;
	memset(first->at, 0, ID_BYTES);
	memset(last->at, 0xff, ID_BYTES);
	text = span_skip(text, text.len > 0 && text.at[0] == '@');
	for (size_t i = 0; i < text.len && text.at[i] != '='; i++) {
		int digit = digit_of(text.at[i]);
		if (text.at[i] == ' ' && i == KEY_CHARS_MIN) {
			continue;
		}
		if (digit < 0 || bits + BASE64_BITS > 8 * ID_BYTES) {
			return false;
		}
		for (int bit = BASE64_BITS - 1; bit >= 0; bit--, bits++) {
			uint8_t mask = (uint8_t)(0x80 >> bits % 8);
			if ((digit >> bit & 1) != 0) {
				first->at[bits / 8] |= mask;
			} else {
				last->at[bits / 8] &= (uint8_t)~mask;
			}
		}
	}
	return bits >= (size_t)KEY_CHARS_MIN * BASE64_BITS;
}

static enum err read_keys(struct names *names, struct span text)
{
	sqlite3_stmt *stmt = NULL;
	struct feed_id first;
	struct feed_id last;
	if (!read_key_range(text, &first, &last)) {
		return ERR_OK;
	}
	enum err err = db_query(names->db, &sql_search_keys, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_blob(stmt, 1, span_of(first.at, ID_BYTES));
	db_blob(stmt, 2, span_of(last.at, ID_BYTES));
	db_int(stmt, 3, LIMIT_SEARCH_PEOPLE);
	while ((err = db_step(names->db, stmt)) == ERR_OK) {
		take(names, sqlite3_column_int64(stmt, 0), FIT_KEY);
	}
	db_reset(stmt);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* What else is to be known of a candidate; somebody we block or mute is none. */
static enum err look_up(struct names *names, struct candidate *one)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(names->db, &sql_search_person, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, one->feed);
	err = db_step(names->db, stmt);
	if (err != ERR_OK) {
		one->fit = FIT_NOT;
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	bool is_out = !db_column_id(stmt, 0, one->id.at) ||
		      sqlite3_column_int(stmt, 1) == EDGE_BLOCK || sqlite3_column_int(stmt, 3) != 0;
	one->is_followed = sqlite3_column_int(stmt, 1) == EDGE_FOLLOW;
	one->at_ms = sqlite3_column_int64(stmt, 2);
	one->fit = is_out ? FIT_NOT : one->fit;
	db_reset(stmt);
	return ERR_OK;
}

static int best_first(const void *a, const void *b)
{
	const struct candidate *one = a;
	const struct candidate *two = b;
	if (one->fit != two->fit) {
		return one->fit > two->fit ? -1 : 1;
	}
	if (one->is_followed != two->is_followed) {
		return one->is_followed ? -1 : 1;
	}
	if (one->at_ms != two->at_ms) {
		return one->at_ms > two->at_ms ? -1 : 1;
	}
	return one->feed < two->feed ? -1 : one->feed > two->feed;
}

/* Who is meant, the best first; `names` is filled, and freed by the caller. */
static enum err find(struct names *names, struct span words, struct span key)
{
	names->at = calloc(CANDIDATES_MAX, sizeof(*names->at));
	enum err err = names->at == NULL ? ERR_NOMEM : split(names->db, words, &names->asked);
	if (err == ERR_OK) {
		err = read_names(names);
	}
	if (err == ERR_OK) {
		err = read_keys(names, key);
	}
	for (size_t i = 0; err == ERR_OK && i < names->count; i++) {
		err = look_up(names, &names->at[i]);
	}
	if (err != ERR_OK) {
		return err;
	}
	qsort(names->at, names->count, sizeof(*names->at), best_first);
	while (names->count > 0 && names->at[names->count - 1].fit == FIT_NOT) {
		names->count--;
	}
	return ERR_OK;
}

static void fini(struct names *names)
{
	buf_fini(&names->asked);
	buf_fini(&names->name);
	free(names->at);
}

#define NAMES_INIT(reader, fit)                \
	((struct names){.db = (reader)->db,    \
		.asked = BUF_INIT(NAME_BYTES), \
		.name = BUF_INIT(NAME_BYTES),  \
		.least = (fit)})

enum err search_people(struct reader *reader, const struct search *search,
	struct feed_id out[static LIMIT_SEARCH_PEOPLE], size_t *count)
{
	const struct search_ask *ask = &search->ask;
	struct buf words = BUF_INIT(8 * LIMIT_SEARCH_CHARS);
	struct names names = NAMES_INIT(reader, FIT_INSIDE);
	*count = 0;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	for (size_t i = 0; err == ERR_OK && i < ask->count; i++) {
		if (!ask->parts[i].is_not) {
			err = buf_append(&words, ask->parts[i].text);
			err = err == ERR_OK ? buf_append_byte(&words, ' ') : err;
		}
	}
	bool is_plain = !ask->has_from && ask->tag_count == 0 && words.len > 0;
	if (err == ERR_OK && is_plain) {
		err = find(&names, buf_span(&words), span_take(buf_span(&words), words.len - 1));
	}
	for (size_t i = 0; err == ERR_OK && i < names.count && i < LIMIT_SEARCH_PEOPLE; i++) {
		out[(*count)++] = names.at[i].id;
	}
	fini(&names);
	buf_fini(&words);
	return reader_end(reader, err);
}

static enum err take_from(struct reader *reader, struct search *out)
{
	struct names names = NAMES_INIT(reader, FIT_BEGINS);
	struct feed_id id;
	struct span from = out->ask.from;
	if (feed_id_parse_any(from, &id) == ERR_OK ||
		(from.len == SELF_CHARS && memcmp(from.at, "me", SELF_CHARS) == 0)) {
		out->from[0] = from.len == SELF_CHARS ? reader->store->self : id;
		enum err err = reader_feed_number(reader, &out->from[0], &out->feeds[0]);
		out->from_count = err == ERR_OK;
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	enum err err = find(&names, from, from);
	for (size_t i = 0; err == ERR_OK && i < names.count && i < LIMIT_SEARCH_PEOPLE; i++) {
		if (names.at[i].fit == names.at[0].fit) {
			out->from[out->from_count] = names.at[i].id;
			out->feeds[out->from_count++] = names.at[i].feed;
		}
	}
	fini(&names);
	return err;
}

enum err search_read(struct reader *reader, struct span text, int zone_minutes, struct search *out)
{
	*out = (struct search){.from_count = 0};
	enum err err = search_ask_read(text, zone_minutes, &out->ask);
	if (err != ERR_OK || !out->ask.has_from) {
		return err;
	}
	err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = reader_end(reader, take_from(reader, out));
	if (err == ERR_OK && out->from_count == 0 && out->ask.said == SEARCH_SAID_NOTHING) {
		out->ask.said = SEARCH_SAID_NOBODY;
		out->ask.said_about = out->ask.from;
	}
	return err;
}
