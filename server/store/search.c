/*
 * A search is one match in the full-text table, whose rows are in the order of time, so that a page
 * costs what is on it and what was passed over. What people type is taken apart at white space, and
 * each part is quoted: nothing they type means anything to the full-text engine. A part of which
 * the engine makes several words is found where these stand one behind the other.
 */
#include "store/search.h"

#include "base/limits.h"
#include "store/post.h"
#include "store/search_rows.h"

#include <stdlib.h>

QUERY(sql_search, "SELECT " POST_COLUMNS " FROM search s CROSS JOIN " POST_TABLES
		  " WHERE s.words MATCH ?1 AND s.rowid < ?2 AND p.message = (s.rowid & 268435455) "
		  "ORDER BY s.rowid DESC LIMIT ?3");
/* SCAN: a few rows, one for each interruption of a bulk. */
QUERY(sql_search_behind, "SELECT coalesce(sum(last - first + 1), 0) FROM behind WHERE part = 1");
_Static_assert((1 << SEARCH_MESSAGE_BITS) - 1 == 268435455, "the mask in sql_search");

static bool is_space(uint8_t byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* `part` as a string of the full-text engine. */
static enum err quote(struct span part, struct buf *out)
{
	enum err err = buf_append_text(out, out->len == 0 ? "\"" : " \"");
	for (size_t i = 0; err == ERR_OK && i < part.len; i++) {
		err = part.at[i] == '"' ? buf_append_text(out, "\"\"")
					: buf_append(out, span_of(part.at + i, 1));
	}
	return err == ERR_OK ? buf_append_text(out, "\"") : err;
}

static size_t count_chars(struct span text)
{
	size_t count = 0;
	for (size_t i = 0; i < text.len; i++) {
		count += (text.at[i] & 0xc0) != 0x80;
	}
	return count;
}

static enum err make_match(struct span words, struct buf *out)
{
	size_t count = 0;
	if (count_chars(words) > LIMIT_SEARCH_CHARS) {
		return ERR_LIMIT;
	}
	if (memchr(words.at, '\0', words.len) != NULL) {
		return ERR_REFUSED;
	}
	while (words.len > 0) {
		size_t len = 0;
		while (len < words.len && !is_space(words.at[len])) {
			len++;
		}
		if (len > 0 && ++count > LIMIT_SEARCH_WORDS) {
			return ERR_LIMIT;
		}
		enum err err = len > 0 ? quote(span_take(words, len), out) : ERR_OK;
		if (err != ERR_OK) {
			return err;
		}
		words = span_skip(words, len < words.len ? len + 1 : len);
	}
	return count == 0 ? ERR_REFUSED : ERR_OK;
}

static enum err read_rows(struct reader *reader, const struct search_query *query,
	struct span match, struct posts *out, int64_t *cursor)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(reader->db, &sql_search, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_text(stmt, 1, match);
	db_int(stmt, 2, query->has_before ? query->before : INT64_MAX);
	db_int(stmt, 3, (int64_t)query->limit + 1);
	while ((err = db_step(reader->db, stmt)) == ERR_OK) {
		if (out->count == query->limit) {
			out->has_more = true;
			break;
		}
		err = post_from(out, stmt, &out->at[out->count], NULL);
		if (err != ERR_OK) {
			break;
		}
		*cursor = search_row(out->at[out->count].order, out->at[out->count].at_ms);
		out->count++;
	}
	db_reset(stmt);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* The rows are in the order of time only to some minutes. */
static int newest_first(const void *a, const void *b)
{
	const struct post *one = a;
	const struct post *two = b;
	if (one->at_ms != two->at_ms) {
		return one->at_ms > two->at_ms ? -1 : 1;
	}
	return one->order > two->order ? -1 : one->order < two->order;
}

enum err search_page(
	struct reader *reader, const struct search_query *query, struct posts *out, int64_t *cursor)
{
	struct buf match = BUF_INIT(8 * LIMIT_SEARCH_CHARS + 3 * LIMIT_SEARCH_WORDS);
	*cursor = 0;
	*out = (struct posts){0};
	if (query->limit < 1 || query->limit > LIMIT_PAGE_ROWS) {
		return ERR_LIMIT;
	}
	enum err err = make_match(query->words, &match);
	if (err == ERR_OK) {
		err = post_page_init(out, query->limit);
	}
	if (err == ERR_OK) {
		err = reader_begin(reader);
		if (err == ERR_OK) {
			db_deadline(reader->db, LIMIT_SEARCH_MS);
			err = read_rows(reader, query, buf_span(&match), out, cursor);
			if (err == ERR_OK) {
				err = post_count_all(reader, out);
			}
			err = reader_end(reader, err);
		}
	}
	buf_fini(&match);
	if (err != ERR_OK) {
		posts_free(out);
		return err;
	}
	qsort(out->at, out->count, sizeof(*out->at), newest_first);
	return ERR_OK;
}

enum err search_behind(struct reader *reader, uint64_t *out)
{
	sqlite3_stmt *stmt = NULL;
	*out = 0;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, &sql_search_behind, &stmt);
	if (err == ERR_OK) {
		err = db_step(reader->db, stmt);
	}
	if (err == ERR_OK) {
		*out = (uint64_t)sqlite3_column_int64(stmt, 0);
		db_reset(stmt);
	}
	return reader_end(reader, err);
}
