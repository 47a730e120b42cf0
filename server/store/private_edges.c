/*
 * Contact messages of our own that only we can read: the latest word about somebody decides,
 * whether all can read it or only we. `contacts` has what all can read, without its number; so
 * where there is a private word, our messages after it are looked through for an open one.
 */
#include "store/private_inside.h"

#include "base/log.h"
#include "store/layer.h"
#include "store/pack.h"

#include <stdlib.h>

QUERY(sql_private_own,
	"SELECT sequence, body FROM messages WHERE feed = 1 AND sequence > ?1 ORDER BY sequence");

/* SCAN: of one row. */
QUERY(sql_private_lifted, "SELECT feed FROM lifted LIMIT 1");

struct word {
	struct layer_edge edge;
	uint64_t sequence;
	bool is_over; /* there is a later one that all can read */
};

struct words {
	struct word *at;
	size_t count;
};

static struct word *word_about(struct words *words, const struct feed_id *of)
{
	for (size_t i = 0; i < words->count; i++) {
		if (feed_id_equal(&words->at[i].edge.of, of)) {
			return &words->at[i];
		}
	}
	return NULL;
}

static void take_word(struct words *words, const struct private_entry *entry)
{
	struct feed_id of;
	memcpy(of.at, entry->root, ID_BYTES);
	struct word *word = word_about(words, &of);
	if (word == NULL) {
		word = &words->at[words->count++];
		*word = (struct word){.edge = {.of = of}};
	}
	if (entry->sequence > word->sequence) {
		word->sequence = entry->sequence;
		word->edge.edge = (enum contact_edge)entry->edge;
	}
}

/* The latest private word about everybody. */
static enum err gather(struct private_book *book, struct words *out)
{
	size_t most = 0;
	(void)pthread_mutex_lock(&book->lock);
	for (size_t i = 0; i < book->by_row.count; i++) {
		const struct private_entry *entry = book->by_row.at[i];
		most += entry->is_own && entry->type == CONTENT_CONTACT;
	}
	out->at = most == 0 ? NULL : calloc(most, sizeof(*out->at));
	for (size_t i = 0; out->at != NULL && i < book->by_row.count; i++) {
		const struct private_entry *entry = book->by_row.at[i];
		if (entry->is_own && entry->type == CONTENT_CONTACT &&
			memcmp(entry->root, book->self.at, ID_BYTES) != 0) {
			take_word(out, entry);
		}
	}
	(void)pthread_mutex_unlock(&book->lock);
	return most > 0 && out->at == NULL ? ERR_NOMEM : ERR_OK;
}

/* Is one of them named in this body? Packed, an id is its bytes. */
static bool names_one(const struct words *words, struct span body)
{
	if (body.len > 0 && body.at[0] == '{') {
		return true;
	}
	for (size_t i = 0; i < words->count; i++) {
		if (memmem(body.at, body.len, words->at[i].edge.of.at, ID_BYTES) != NULL) {
			return true;
		}
	}
	return false;
}

static enum err take_open_word(
	struct private_book *book, struct words *words, uint64_t sequence, struct span body)
{
	struct json_doc *doc = NULL;
	struct content *content = calloc(1, sizeof(*content));
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	enum err err = content == NULL ? ERR_NOMEM : pack_text(body, &book->self, sequence, &text);
	if (err == ERR_OK) {
		err = json_parse(buf_span(&text), LIMIT_JSON_DEPTH, &doc);
	}
	if (err == ERR_OK) {
		content_read_json(json_get(json_root(doc), "content"), content);
		struct word *word = content->type == CONTENT_CONTACT
					    ? word_about(words, &content->contact.contact)
					    : NULL;
		if (word != NULL && sequence > word->sequence) {
			word->is_over = true;
		}
	}
	json_doc_free(doc);
	free(content);
	buf_fini(&text);
	return err == ERR_NOMEM ? err : ERR_OK;
}

/* Which of them a later open word ended. */
static enum err look_through(struct private_book *book, struct words *words)
{
	sqlite3_stmt *stmt = NULL;
	uint64_t first = UINT64_MAX;
	for (size_t i = 0; i < words->count; i++) {
		first = words->at[i].sequence < first ? words->at[i].sequence : first;
	}
	enum err err = reader_begin(book->reader);
	if (err != ERR_OK) {
		return err;
	}
	db_deadline(book->reader->db, 0);
	err = db_query(book->reader->db, &sql_private_own, &stmt);
	if (err == ERR_OK) {
		db_int(stmt, 1, (int64_t)first);
	}
	while (err == ERR_OK && (err = db_step(book->reader->db, stmt)) == ERR_OK) {
		struct span body = db_column(stmt, 1);
		if (names_one(words, body)) {
			err = take_open_word(
				book, words, (uint64_t)sqlite3_column_int64(stmt, 0), body);
		}
	}
	private_reset(stmt);
	return reader_end(book->reader, err == ERR_NOT_FOUND ? ERR_OK : err);
}

/* Who is in it has a row in `feeds` before anybody reads it. */
static enum err make_rows(struct private_book *book, const struct layer_edge *edges, size_t count)
{
	enum err err = ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < count; i++) {
		const struct change change = {.kind = CHANGE_EDGES, .feed = edges[i].of};
		int64_t feed = 0;
		err = reader_begin(book->reader);
		if (err == ERR_OK) {
			err = reader_end(book->reader,
				reader_feed_number(book->reader, &edges[i].of, &feed));
		}
		if (err == ERR_NOT_FOUND) {
			err = writer_change_wait(book->opts.writer, &change);
		}
	}
	return err;
}

/* Some block is ended by a private word, as a database says that is older or was mended. */
static enum err has_lifted(struct private_book *book, bool *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = reader_begin(book->reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(book->reader->db, &sql_private_lifted, &stmt);
	if (err == ERR_OK) {
		err = db_step(book->reader->db, stmt);
		*out = err == ERR_OK;
	}
	private_reset(stmt);
	return reader_end(book->reader, err == ERR_NOT_FOUND ? ERR_OK : err);
}

static enum err settle(struct private_book *book, struct words *words, bool *is_changed)
{
	const struct change again = {.kind = CHANGE_EDGES, .feed = book->self};
	size_t count = 0;
	struct layer_edge *edges = calloc(words->count + 1, sizeof(*edges));
	if (edges == NULL) {
		return ERR_NOMEM;
	}
	for (size_t i = 0; i < words->count; i++) {
		if (!words->at[i].is_over) {
			edges[count++] = words->at[i].edge;
		}
	}
	enum err err = book->opts.writer == NULL ? ERR_OK : make_rows(book, edges, count);
	if (err == ERR_OK) {
		err = layer_set(book->opts.store, edges, count, is_changed);
	}
	/* No private word, then none ended anything. */
	bool is_stale = *is_changed;
	if (err == ERR_OK && count == 0 && !is_stale) {
		err = has_lifted(book, &is_stale);
	}
	if (err == ERR_OK && is_stale && book->opts.writer != NULL) {
		err = writer_change_wait(book->opts.writer, &again);
	}
	free(edges);
	return err;
}

bool private_edges_settle(struct private_book *book)
{
	struct words words = {.count = 0};
	bool is_changed = false;
	enum err err = gather(book, &words);
	if (err == ERR_OK && words.count > 0) {
		err = look_through(book, &words);
	}
	if (err == ERR_OK) {
		err = settle(book, &words, &is_changed);
	}
	free(words.at);
	if (err != ERR_OK) {
		book->is_edges_stale = true; /* with the next turn */
		LOG(book->env, LOG_WARN, "private.edges", LOG_TEXT("why", err_text(err)));
	}
	return is_changed;
}

bool private_edge(struct private_book *book, const struct feed_id *of, enum contact_edge *out)
{
	struct layer *layer = layer_take(book->opts.store);
	bool is_there = layer_says(layer, of, out);
	layer_release(book->opts.store, layer);
	return is_there;
}
