/*
 * One post on its way to a reader. Ranges of bytes to take out are gathered, merged, and replaced;
 * a quote goes as a whole when a part of it does.
 */
#include "store/veil.h"

#include "base/limits.h"
#include "feed/quote.h"

#include <stdlib.h>
#include <string.h>

enum { RANGES_MAX = 256, LONG_WORDS = 3, MANY_WORDS = 8, SOURCES_MAX = 10, NAMES_MAX = 16 };

struct range {
	uint32_t from, to;
	enum { HIDES_WORDS, HIDES_BLOCK, HIDES_NAME } what;
};

struct source {
	struct quote quote; /* what somebody else said there, without what they quoted */
};

struct veiling {
	struct reader *reader;
	const struct veil *veil;
	struct posts *posts;
	struct post *post;
	struct span text;
	struct quote quote;
	bool is_talk;    /* in a conversation with somebody we block */
	bool *is_theirs; /* of each word: in a run of theirs */
	struct range ranges[RANGES_MAX];
	size_t count;
	struct posts scratch;
	struct source sources[SOURCES_MAX];
	size_t source_count;
	bool are_sources_read;
};

static void add_range(struct veiling *it, uint32_t from, uint32_t to, int what)
{
	if (it->count < RANGES_MAX) {
		it->ranges[it->count].from = from;
		it->ranges[it->count].to = to;
		it->ranges[it->count++].what = what;
	} else { /* far more than people write: the rest of the text goes */
		it->ranges[RANGES_MAX - 1].to = (uint32_t)it->text.len;
	}
}

/* Names and keys. */

static bool is_base64(uint8_t byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= '0' && byte <= '9') || byte == '+' || byte == '/' || byte == '-' ||
	       byte == '_';
}

/* A key of somebody we block that begins here, `@…=.ed25519` or as in an ssb: address; its bytes,
 * or 0. */
static size_t blocked_key_len(const struct veiling *it, size_t at)
{
	char text[FEED_ID_TEXT_BYTES] = "@";
	struct feed_id id;
	struct span rest = span_skip(it->text, at + 1);
	size_t len = 0;
	for (; len < rest.len && len < 43 && is_base64(rest.at[len]); len++) {
		uint8_t byte = rest.at[len];
		text[1 + len] = (char)(byte == '-' ? '+' : byte == '_' ? '/' : byte);
	}
	if (len < 43) {
		return 0;
	}
	memcpy(text + 44, "=.ed25519", 10);
	if (feed_id_parse(span_of(text, 53), &id) != ERR_OK || !veil_has_person(it->veil, &id)) {
		return 0;
	}
	for (len++; len <= rest.len && rest.at[len - 1] > ' ' &&
		    strchr("()<>[]\"", rest.at[len - 1]) == NULL;
		len++) {
	}
	return len;
}

static uint32_t back_to(struct span text, size_t at, uint8_t byte)
{
	size_t low = at > 400 ? at - 400 : 0;
	for (size_t i = at; i > low; i--) {
		if (text.at[i - 1] == byte) {
			return (uint32_t)(i - 1);
		}
	}
	return (uint32_t)at;
}

/* [label](key) as a whole; else the key alone, with what stands before it in one word. */
static void hide_key(struct veiling *it, size_t at, size_t len)
{
	size_t from = at;
	size_t to = at + len;
	while (from > 0 && it->text.at[from - 1] > ' ' &&
		strchr("()<>[]\"", it->text.at[from - 1]) == NULL) {
		from--;
	}
	size_t open = from > 0 && it->text.at[from - 1] == '<' ? from - 1 : from;
	bool is_link = open > 1 && it->text.at[open - 1] == '(' && it->text.at[open - 2] == ']';
	const uint8_t *close =
		to < it->text.len ? memchr(it->text.at + to, ')', it->text.len - to) : NULL;
	if (is_link && close != NULL) {
		from = back_to(it->text, open - 2, '[');
		to = (size_t)(close - it->text.at) + 1;
	}
	add_range(it, (uint32_t)from, (uint32_t)to, HIDES_NAME);
}

static bool find_keys(struct veiling *it)
{
	bool is_any = false;
	for (size_t at = 0; at + 44 < it->text.len; at++) {
		uint8_t byte = it->text.at[at];
		size_t len =
			byte == '@' || byte == '/' || byte == ':' ? blocked_key_len(it, at) : 0;
		if (len > 0) {
			hide_key(it, at, len);
			is_any = true;
			at += len;
		}
	}
	return is_any;
}

static bool is_same_ascii(uint8_t a, uint8_t b)
{
	return a == b || ((a | 32) == (b | 32) && (a | 32) >= 'a' && (a | 32) <= 'z');
}

/* @name as plain text, of somebody the message's own list of mentions calls so. */
static void find_name(struct veiling *it, struct span name)
{
	struct span text = it->text;
	name = name.len > 0 && name.at[0] == '@' ? span_skip(name, 1) : name;
	for (size_t at = 0; name.len > 0 && at + 1 + name.len <= text.len; at++) {
		size_t same = 0;
		while (text.at[at] == '@' && same < name.len &&
			is_same_ascii(text.at[at + 1 + same], name.at[same])) {
			same++;
		}
		size_t end = at + 1 + same;
		if (same == name.len && (end == text.len || !is_base64(text.at[end]))) {
			add_range(it, (uint32_t)at, (uint32_t)end, HIDES_NAME);
		}
	}
}

/* The list of mentions without those whom we block. */
static enum err veil_mentions(struct veiling *it, bool *is_any)
{
	struct json_doc *doc = NULL;
	struct buf left = BUF_INIT(LIMIT_MESSAGE_BYTES);
	if (it->post->mentions.len == 0) {
		return ERR_OK;
	}
	enum err err = json_parse(it->post->mentions, LIMIT_JSON_DEPTH, &doc);
	if (err != ERR_OK) {
		return err == ERR_NOMEM ? err : ERR_OK;
	}
	err = buf_append_text(&left, "[");
	for (size_t i = 0; err == ERR_OK && i < json_count(json_root(doc)); i++) {
		const struct json *item = json_at(json_root(doc), i);
		struct span link;
		struct span name;
		struct feed_id id;
		if (json_text(json_get(item, "link"), &link) &&
			feed_id_parse(link, &id) == ERR_OK && veil_has_person(it->veil, &id)) {
			if (i < NAMES_MAX && json_text(json_get(item, "name"), &name)) {
				find_name(it, name);
			}
			*is_any = true;
			continue;
		}
		err = left.len > 1 ? buf_append_text(&left, ",") : ERR_OK;
		if (err == ERR_OK) {
			err = json_write_compact(item, &left);
		}
	}
	if (err == ERR_OK) {
		err = buf_append_text(&left, "]");
	}
	if (err == ERR_OK && *is_any) {
		it->post->mentions = span_of(post_keep(it->posts, buf_span(&left)), left.len);
		err = it->post->mentions.at == NULL ? ERR_NOMEM : ERR_OK;
	}
	json_doc_free(doc);
	buf_fini(&left);
	return err;
}

/* Is it a conversation with somebody we block? */

static bool is_talk(const struct veiling *it, const struct message_id *id)
{
	return veil_has(it->veil, VEIL_TALK, (uint64_t)db_key_head(id->at), it->post->at_ms);
}

/* Is it not here, so that it may be theirs? */
static enum err may_be_theirs(struct reader *reader, const struct message_id *id, bool *out)
{
	struct post gap;
	enum err err = post_gap(reader, id, out, &gap);
	*out = *out && gap.gap != GAP_MUTED;
	return err;
}

static enum err find_talk(struct veiling *it)
{
	const struct post *post = it->post;
	enum err err = ERR_OK;
	it->is_talk = it->is_talk || is_talk(it, &post->key) ||
		      (post->has_root && is_talk(it, &post->root)) ||
		      (post->has_fork && is_talk(it, &post->fork));
	for (size_t i = 0; err == ERR_OK && !it->is_talk && i < post->branch_count; i++) {
		it->is_talk = is_talk(it, &post->branches[i]);
		if (!it->is_talk) {
			err = may_be_theirs(it->reader, &post->branches[i], &it->is_talk);
		}
	}
	return err;
}

/* Words. */

static void find_runs(struct veiling *it)
{
	const struct quote *quote = &it->quote;
	for (size_t i = 0; i + QUOTE_RUN_WORDS <= quote->count; i++) {
		if (veil_has(it->veil, VEIL_RUN, quote_hash(quote->words + i, QUOTE_RUN_WORDS),
			    it->post->at_ms)) {
			for (size_t k = 0; k < QUOTE_RUN_WORDS; k++) {
				it->is_theirs[i + k] = true;
			}
		}
	}
}

/* A run that is not inside a quote: whose words can it be but theirs? */
static bool is_telling(const struct veiling *it, size_t first, size_t end)
{
	size_t words = 0;
	size_t longs = 0;
	for (size_t i = first; i < end; i++) {
		words += !it->quote.words[i].is_link;
		longs += it->quote.words[i].is_long && !it->quote.words[i].is_link;
	}
	return words >= QUOTE_RUN_WORDS &&
	       (it->is_talk || words >= MANY_WORDS || longs >= LONG_WORDS);
}

static bool has_run(const struct veiling *it, const struct quote_part *part)
{
	size_t words = 0;
	for (size_t i = part->first; i < part->end; i++) {
		words = !it->is_theirs[i] ? 0 : words + !it->quote.words[i].is_link;
		if (words >= QUOTE_RUN_WORDS) {
			return true;
		}
	}
	return false;
}

static bool is_whole(const struct veiling *it, size_t first, size_t end)
{
	const struct quote_word *words = it->quote.words + first;
	size_t count = end - first;
	bool is_little = count == 1 && !it->is_talk && words->to - words->from < 8;
	return count > 0 && count < QUOTE_RUN_WORDS && !is_little &&
	       veil_has(it->veil, VEIL_WHOLE, quote_hash(words, count), it->post->at_ms);
}

/* Whose words are they, when they are in a conversation with somebody we block but not known as
 * theirs? */

static enum err read_source(struct veiling *it, const struct message_id *id)
{
	sqlite3_stmt *stmt = NULL;
	struct post found;
	struct quote *quote = &it->sources[it->source_count].quote;
	enum err err = post_find(it->reader, id, &stmt);
	if (err != ERR_OK) {
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	err = post_from(&it->scratch, stmt, &found, NULL);
	db_reset(stmt);
	if (err != ERR_OK) {
		return err == ERR_NOMEM ? err : ERR_OK;
	}
	it->source_count++;
	err = quote_read(found.text, quote);
	for (size_t i = 0; err == ERR_OK && i < quote->part_count; i++) {
		const struct quote_part *part = &quote->parts[i];
		for (size_t k = part->first; part->kind != QUOTE_WEAK && k < part->end; k++) {
			quote->words[k].hash = 0; /* not their own */
		}
	}
	return err;
}

static enum err read_sources(struct veiling *it)
{
	const struct post *post = it->post;
	enum err err = ERR_OK;
	if (it->are_sources_read) {
		return ERR_OK;
	}
	it->are_sources_read = true;
	if (post->has_root) {
		err = read_source(it, &post->root);
	}
	if (err == ERR_OK && post->has_fork) {
		err = read_source(it, &post->fork);
	}
	for (size_t i = 0; err == ERR_OK && i < post->branch_count; i++) {
		bool is_root = post->has_root && message_id_equal(&post->root, &post->branches[i]);
		if (!is_root && it->source_count < SOURCES_MAX) {
			err = read_source(it, &post->branches[i]);
		}
	}
	return err;
}

static bool stands_in(const struct quote *source, const struct quote_word *words, size_t count)
{
	for (size_t i = 0; i + count <= source->count; i++) {
		size_t same = 0;
		while (same < count && source->words[i + same].hash == words[same].hash) {
			same++;
		}
		if (same == count) {
			return true;
		}
	}
	return false;
}

static enum err is_somebody_elses(struct veiling *it, const struct quote_part *part, bool *out)
{
	enum err err = read_sources(it);
	*out = false;
	for (size_t i = 0; err == ERR_OK && !*out && i < it->source_count; i++) {
		*out = stands_in(&it->sources[i].quote, it->quote.words + part->first,
			part->end - part->first);
	}
	return err;
}

static enum err veil_part(struct veiling *it, const struct quote_part *part)
{
	bool is_hidden = has_run(it, part) || ((part->kind != QUOTE_WEAK || it->is_talk) &&
						      is_whole(it, part->first, part->end));
	bool is_quote = part->kind == QUOTE_BLOCK ||
			(part->kind == QUOTE_MARKS && part->end - part->first > 1);
	enum err err = ERR_OK;
	if (!is_hidden && it->is_talk && is_quote) {
		bool is_elses = false;
		err = is_somebody_elses(it, part, &is_elses);
		is_hidden = err == ERR_OK && !is_elses;
	}
	if (is_hidden) {
		add_range(it, part->from, part->to,
			part->kind == QUOTE_BLOCK ? HIDES_BLOCK : HIDES_WORDS);
	}
	return err;
}

/* Marks that hold nothing but words of the run go with it. */
static void hide_run(struct veiling *it, size_t first, size_t end)
{
	uint32_t from = it->quote.words[first].from;
	uint32_t to = it->quote.words[end - 1].to;
	for (size_t i = 0; i < it->quote.part_count; i++) {
		const struct quote_part *part = &it->quote.parts[i];
		if (part->first >= first && part->end <= end) {
			from = part->from < from ? part->from : from;
			to = part->to > to ? part->to : to;
		}
	}
	add_range(it, from, to, HIDES_WORDS);
}

static void veil_runs(struct veiling *it)
{
	const struct quote *quote = &it->quote;
	for (size_t i = 0; i < quote->count; i++) {
		size_t end = i;
		while (end < quote->count && it->is_theirs[end]) {
			end++;
		}
		if (end > i && is_telling(it, i, end)) {
			hide_run(it, i, end);
		}
		for (size_t n = 2; end == i && it->is_talk && n < QUOTE_RUN_WORDS; n++) {
			if (i + n <= quote->count && is_whole(it, i, i + n)) {
				hide_run(it, i, i + n);
			}
		}
		i = end > i ? end - 1 : i;
	}
}

static enum err find_words(struct veiling *it)
{
	enum err err = quote_read(it->text, &it->quote);
	if (err != ERR_OK || it->quote.count == 0) {
		return err;
	}
	it->is_theirs = calloc(it->quote.count, sizeof(*it->is_theirs));
	if (it->is_theirs == NULL) {
		return ERR_NOMEM;
	}
	find_runs(it);
	for (size_t i = 0; err == ERR_OK && i < it->quote.part_count; i++) {
		err = veil_part(it, &it->quote.parts[i]);
	}
	veil_runs(it);
	return err;
}

/* Out of the text. */

static int by_place(const void *a, const void *b)
{
	const struct range *one = a;
	const struct range *two = b;
	return one->from != two->from ? (one->from < two->from ? -1 : 1)
				      : (one->to > two->to ? -1 : one->to < two->to);
}

/* Ranges that touch become one, and the larger says what it was. */
static void merge(struct veiling *it)
{
	size_t kept = 0;
	qsort(it->ranges, it->count, sizeof(it->ranges[0]), by_place);
	for (size_t i = 1; i < it->count; i++) {
		struct range *last = &it->ranges[kept];
		const struct range *next = &it->ranges[i];
		if (next->from >= last->to) {
			it->ranges[++kept] = *next;
			continue;
		}
		last->to = next->to > last->to ? next->to : last->to;
		last->what = next->what > last->what && last->what == HIDES_WORDS &&
					     next->what == HIDES_BLOCK
				     ? HIDES_BLOCK
				     : last->what;
	}
	it->count = it->count == 0 ? 0 : kept + 1;
}

static enum err replace(struct veiling *it, struct buf *out)
{
	enum err err = ERR_OK;
	size_t at = 0;
	for (size_t i = 0; err == ERR_OK && i < it->count; i++) {
		const struct range *range = &it->ranges[i];
		err = buf_append(out, span_of(it->text.at + at, range->from - at));
		if (err == ERR_OK) {
			err = buf_append_text(out, range->what == HIDES_BLOCK  ? "> " VEIL_QUOTE
						   : range->what == HIDES_NAME ? VEIL_NAME
									       : VEIL_QUOTE);
		}
		at = range->to;
	}
	return err == ERR_OK ? buf_append(out, span_skip(it->text, at)) : err;
}

static void fini(struct veiling *it)
{
	for (size_t i = 0; i < it->source_count; i++) {
		quote_free(&it->sources[i].quote);
	}
	posts_free(&it->scratch);
	quote_free(&it->quote);
	free(it->is_theirs);
}

/* A line in front of a post: it is no quote by itself. */
static enum err veil_warning(struct veiling *it)
{
	struct veiling line = {.reader = it->reader,
		.veil = it->veil,
		.posts = it->posts,
		.post = it->post,
		.text = it->post->warning,
		.is_talk = it->is_talk};
	enum err err = find_words(&line);
	bool is_hidden = line.count > 0 || is_whole(&line, 0, line.quote.count);
	if (err == ERR_OK && is_hidden) {
		it->post->warning = span_text(VEIL_QUOTE);
		it->post->hidden++;
	}
	fini(&line);
	return err;
}

static enum err veil_into(struct veiling *it)
{
	bool is_named = false;
	struct buf out = BUF_INIT(2 * LIMIT_MESSAGE_BYTES + RANGES_MAX * sizeof(VEIL_NAME));
	enum err err = veil_mentions(it, &is_named);
	it->is_talk = find_keys(it) || is_named;
	if (err == ERR_OK) {
		err = find_talk(it);
	}
	if (err == ERR_OK) {
		err = find_words(it);
	}
	merge(it);
	if (err == ERR_OK && it->count > 0) {
		err = replace(it, &out);
	}
	if (err == ERR_OK && it->count > 0) {
		it->post->hidden += (uint32_t)it->count;
		it->post->text = span_of(post_keep(it->posts, buf_span(&out)), out.len);
		err = it->post->text.at == NULL ? ERR_NOMEM : ERR_OK;
	}
	buf_fini(&out);
	return err == ERR_OK && it->post->warning.len > 0 ? veil_warning(it) : err;
}

enum err veil_post(
	struct reader *reader, const struct veil *veil, struct posts *posts, struct post *post)
{
	struct veiling *it = calloc(1, sizeof(*it));
	if (it == NULL) {
		return ERR_NOMEM;
	}
	it->reader = reader;
	it->veil = veil;
	it->posts = posts;
	it->post = post;
	it->text = post->text;
	enum err err = veil_into(it);
	fini(it);
	free(it);
	return err;
}

enum err veil_posts(struct reader *reader, struct posts *posts)
{
	struct veil *veil = NULL;
	enum err err = posts->count == 0 ? ERR_OK : veil_of(reader, &veil);
	for (size_t i = 0; err == ERR_OK && veil != NULL && i < posts->count; i++) {
		if (!posts->at[i].is_missing && !posts->at[i].is_veiled) {
			err = veil_post(reader, veil, posts, &posts->at[i]);
			posts->at[i].is_veiled = true;
		}
	}
	veil_release(veil);
	return err;
}

enum err veil_text(struct reader *reader, char *text, size_t room)
{
	struct posts posts = {.count = 0};
	struct post post = {.text = span_text(text), .at_ms = INT64_MAX};
	struct veil *veil = NULL;
	enum err err = text[0] == '\0' ? ERR_OK : veil_of(reader, &veil);
	if (err == ERR_OK && veil != NULL) {
		err = veil_post(reader, veil, &posts, &post);
	}
	if (err == ERR_OK && post.hidden > 0) {
		size_t len = post.text.len < room ? post.text.len : room - 1;
		memmove(text, post.text.at, len);
		text[len] = '\0';
	}
	posts_free(&posts);
	veil_release(veil);
	return err;
}
