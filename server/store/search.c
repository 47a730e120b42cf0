/*
 * A search with words, people or tags is one match in the full-text table, whose rows are in the
 * order of time, so that a page costs what is on it and what was passed over; with days alone it is
 * a part of the timeline.
 */
#include "store/search.h"

#include "base/limits.h"
#include "store/post.h"
#include "store/search_match.h"
#include "store/search_rows.h"
#include "store/search_veil.h"

#include <stdlib.h>

QUERY(sql_search, "SELECT " POST_COLUMNS " FROM search s CROSS JOIN " POST_TABLES
		  " WHERE s.words MATCH ?1 AND s.rowid < ?2 AND s.rowid >= ?4 AND p.message = "
		  "(s.rowid & 268435455) AND p.at < ?5 AND p.at >= ?6 "
		  "ORDER BY s.rowid DESC LIMIT ?3");
QUERY(sql_search_days, "SELECT " POST_COLUMNS " FROM " POST_TABLES " WHERE " POST_IS_HELD
		       " AND (p.at, p.message) < (?1, ?2) AND p.at < ?5 AND p.at >= ?6 ORDER BY "
		       "p.at DESC, p.message DESC LIMIT ?3");
/* SCAN: a few rows, one for each interruption of a bulk. */
QUERY(sql_search_behind, "SELECT coalesce(sum(last - first + 1), 0) FROM behind WHERE part = 1");
/* SCAN: at most LIMIT_AHEAD_FEEDS rows. */
QUERY(sql_search_ahead,
	"SELECT coalesce(sum(a.newest - max(a.first, f.sequence + 1) + 1), 0) FROM ahead_feeds a "
	"CROSS JOIN feeds f ON f.feed = a.feed WHERE a.newest > f.sequence");
_Static_assert((1 << SEARCH_MESSAGE_BITS) - 1 == 268435455, "the mask in sql_search");

static void bind_days(sqlite3_stmt *stmt, const struct search_ask *ask)
{
	db_int(stmt, 5, ask->has_before ? ask->before_ms : INT64_MAX);
	db_int(stmt, 6, ask->has_after ? ask->after_ms : 0);
}

/* The rows at the two ends: those of one day begin and end with it, to some minutes. */
static void bind_rows(sqlite3_stmt *stmt, const struct search_query *query)
{
	const struct search_ask *ask = &query->search->ask;
	int64_t before = query->has_before ? query->before : INT64_MAX;
	if (ask->has_before) {
		int64_t end = ((ask->before_ms >> SEARCH_TIME_BITS) + 1) << SEARCH_MESSAGE_BITS;
		before = end < before ? end : before;
	}
	db_int(stmt, 2, before);
	db_int(stmt, 4, ask->has_after ? search_row(0, ask->after_ms) : 0);
}

static enum err start(struct reader *reader, const struct search_query *query, struct span match,
	sqlite3_stmt **out)
{
	bool is_match = match.len > 0;
	enum err err = db_query(reader->db, is_match ? &sql_search : &sql_search_days, out);
	if (err != ERR_OK) {
		return err;
	}
	if (is_match) {
		db_text(*out, 1, match);
		bind_rows(*out, query);
	} else {
		db_int(*out, 1, query->has_before ? query->before_ms : INT64_MAX);
		db_int(*out, 2, query->has_before ? query->before : INT64_MAX);
	}
	db_int(*out, 3, (int64_t)query->limit + 1);
	bind_days(*out, &query->search->ask);
	return ERR_OK;
}

static enum err read_rows(struct reader *reader, const struct search_query *query,
	struct span match, struct posts *out, struct search_cursor *cursor)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = start(reader, query, match, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	while ((err = db_step(reader->db, stmt)) == ERR_OK) {
		if (out->count == query->limit) {
			out->has_more = true;
			break;
		}
		err = post_from(out, stmt, &out->at[out->count], NULL);
		if (err != ERR_OK) {
			break;
		}
		const struct post *post = &out->at[out->count++];
		cursor->at_ms = match.len > 0 ? 0 : post->at_ms;
		cursor->order = match.len > 0 ? search_row(post->order, post->at_ms) : post->order;
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

/* Is there anything that could be found? Words that are none, or a name of nobody, find nothing;
 * days alone find everything in them. */
static bool may_find(const struct search *search, struct span match)
{
	const struct search_ask *ask = &search->ask;
	if (ask->has_from && search->from_count == 0) {
		return false;
	}
	return match.len > 0 || (ask->count == 0 && (ask->has_before || ask->has_after));
}

static enum err read_page(struct reader *reader, const struct search_query *query,
	struct posts *out, struct search_cursor *cursor)
{
	struct buf match = BUF_INIT(SEARCH_MATCH_BYTES);
	db_deadline(reader->db, LIMIT_SEARCH_MS);
	enum err err = search_match(reader->db, query->search, &match);
	if (err == ERR_OK && may_find(query->search, buf_span(&match))) {
		err = read_rows(reader, query, buf_span(&match), out, cursor);
	}
	if (err == ERR_OK) {
		err = post_count_all(reader, out);
	}
	if (err == ERR_OK && match.len > 0) {
		err = search_veil(reader, buf_span(&match), out);
	}
	buf_fini(&match);
	return err;
}

enum err search_page(struct reader *reader, const struct search_query *query, struct posts *out,
	struct search_cursor *cursor)
{
	*cursor = (struct search_cursor){0};
	*out = (struct posts){0};
	if (query->limit < 1 || query->limit > LIMIT_PAGE_ROWS) {
		return ERR_LIMIT;
	}
	enum err err = post_page_init(out, query->limit);
	if (err == ERR_OK) {
		err = reader_begin(reader);
	}
	if (err == ERR_OK) {
		err = reader_end(reader, read_page(reader, query, out, cursor));
	}
	if (err != ERR_OK) {
		posts_free(out);
		return err;
	}
	qsort(out->at, out->count, sizeof(*out->at), newest_first);
	return ERR_OK;
}

static enum err read_number(struct reader *reader, const struct query *query, uint64_t *out)
{
	sqlite3_stmt *stmt = NULL;
	*out = 0;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, query, &stmt);
	if (err == ERR_OK) {
		err = db_step(reader->db, stmt);
	}
	if (err == ERR_OK) {
		*out = (uint64_t)sqlite3_column_int64(stmt, 0);
		db_reset(stmt);
	}
	return reader_end(reader, err);
}

enum err search_behind(struct reader *reader, uint64_t *out)
{
	return read_number(reader, &sql_search_behind, out);
}

enum err search_ahead(struct reader *reader, uint64_t *out)
{
	return read_number(reader, &sql_search_ahead, out);
}
