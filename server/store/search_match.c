/*
 * What people type never reaches the engine as it is: it is taken apart into words by the engine's
 * own tokenizer, and those are quoted. One word of letters stands for all words it is a part of;
 * several that hang together (see-saw, an address, a phrase) stand for themselves, in a row.
 */
#include "store/search_match.h"

#include "base/limits.h"
#include "store/search_text.h"
#include "store/search_words.h"

enum { PART_BYTES = 16 * LIMIT_SEARCH_CHARS, PREFIX_CHARS = 3, LIKE_CHARS = 2 };

/* The words of one part, with blanks between them. */
struct split {
	struct buf text;
	size_t count;
	size_t last; /* where the last one begins */
};

static enum err add_word(void *ctx, struct span word)
{
	struct split *split = ctx;
	enum err err = split->count == 0 ? ERR_OK : buf_append_text(&split->text, " ");
	split->last = split->text.len;
	split->count++;
	return err == ERR_OK ? buf_append(&split->text, word) : err;
}

static size_t count_chars(struct span word)
{
	size_t count = 0;
	for (size_t i = 0; i < word.len; i++) {
		count += (word.at[i] & 0xc0) != 0x80;
	}
	return count;
}

static enum err put_phrase(const struct split *split, bool may_go_on, struct buf *out)
{
	enum err err = buf_append_text(out, "\"");
	if (err == ERR_OK) {
		err = buf_append(out, buf_span(&split->text));
	}
	return err == ERR_OK ? buf_append_text(out, may_go_on ? "\" *" : "\"") : err;
}

static enum err put_words(struct db *db, const struct search_part *part, const struct split *split,
	bool is_open, struct buf *out)
{
	struct span last = span_skip(buf_span(&split->text), split->last);
	size_t len = 0;
	size_t chars = count_chars(last);
	bool is_run = search_is_run_letter(search_point(last, &len));
	if (is_open || is_run || part->is_phrase || part->is_not) {
		return put_phrase(split, is_open, out);
	}
	if (split->count == 1 && (search_is_listed(last) || chars == LIKE_CHARS)) {
		struct buf like = BUF_INIT(SEARCH_MATCH_BYTES);
		enum err err = search_words_like(db, last, &like);
		if (err == ERR_OK) {
			err = buf_append(out, buf_span(&like));
		}
		buf_fini(&like);
		return err;
	}
	return put_phrase(split, chars >= PREFIX_CHARS, out);
}

/* `glue` before it, unless it is the first; nothing when there is no word in it. */
static enum err put_part(
	struct db *db, const struct search_part *part, const char *glue, struct buf *out)
{
	struct buf text = BUF_INIT(PART_BYTES);
	struct split split = {.text = BUF_INIT(PART_BYTES)};
	bool is_open = false;
	enum err err = search_text_ask(part->text, &text, &is_open);
	if (err == ERR_OK) {
		err = search_words_of(db, buf_span(&text), add_word, &split);
	}
	if (err == ERR_OK && split.count > 0) {
		err = buf_append_text(out, out->len == 0 ? "(" : glue);
		if (err == ERR_OK) {
			err = put_words(db, part, &split, is_open, out);
		}
		if (err == ERR_OK) {
			err = buf_append_text(out, ")");
		}
	}
	buf_fini(&split.text);
	buf_fini(&text);
	return err;
}

static enum err put_mark(const char *mark, const char *glue, struct buf *out)
{
	enum err err = buf_append_text(out, glue);
	return err == ERR_OK ? buf_printf(out, "\"%s\"", mark) : err;
}

static enum err put_from(const struct search *search, struct buf *out)
{
	char mark[SEARCH_MARK_BYTES];
	enum err err = ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < search->from_count; i++) {
		search_mark_author(search->feeds[i], mark);
		err = put_mark(mark, i > 0 ? " OR " : out->len == 0 ? "(" : " AND (", out);
	}
	return err == ERR_OK && search->from_count > 0 ? buf_append_text(out, ")") : err;
}

enum err search_match(struct db *db, const struct search *search, struct buf *out)
{
	const struct search_ask *ask = &search->ask;
	char mark[SEARCH_MARK_BYTES];
	enum err err = put_from(search, out);
	for (size_t i = 0; err == ERR_OK && i < ask->tag_count; i++) {
		search_mark_tag(ask->tags[i].text, mark);
		err = put_mark(mark, out->len == 0 ? "(" : " AND (", out);
		err = err == ERR_OK ? buf_append_text(out, ")") : err;
	}
	for (size_t i = 0; err == ERR_OK && i < ask->count; i++) {
		err = ask->parts[i].is_not ? ERR_OK : put_part(db, &ask->parts[i], " AND (", out);
	}
	for (size_t i = 0; err == ERR_OK && out->len > 0 && i < ask->count; i++) {
		err = ask->parts[i].is_not ? put_part(db, &ask->parts[i], " NOT (", out) : ERR_OK;
	}
	return err;
}
