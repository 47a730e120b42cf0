/* Lists of tags: one row for each in `tag_counts`, which is small. What is hidden in posts
 * (store/veil) has no tags. */
#include "store/tags.h"

#include "store/reader_inside.h"
#include "store/timeline.h"
#include "store/veil.h"

#include <stdio.h>

/* SCAN: one row for each tag there is. */
QUERY(sql_tags_newest, "SELECT tag, n, at FROM tag_counts ORDER BY at DESC, tag LIMIT ?1");
QUERY(sql_tags_like, "SELECT tag, n, at FROM tag_counts WHERE tag >= ?2 AND tag < ?3 ORDER BY n "
		     "DESC, at DESC, tag LIMIT ?1");

static enum err read_rows(
	struct db *db, sqlite3_stmt *stmt, struct tag_count *out, size_t room, size_t *count)
{
	enum err err = ERR_OK;
	while (*count < room && (err = db_step(db, stmt)) == ERR_OK) {
		struct span text = span_take(db_column(stmt, 0), LIMIT_TAG_BYTES - 1);
		struct tag_count *row = &out[(*count)++];
		memset(row, 0, sizeof(*row));
		memcpy(row->tag.text, text.at, text.len);
		row->posts = (uint64_t)sqlite3_column_int64(stmt, 1);
		row->at_ms = sqlite3_column_int64(stmt, 2);
	}
	db_reset(stmt);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* A tag that somebody we block wrote too may be in posts only where these quote: those are counted
 * one by one, as far as a page goes. */
static enum err recount(struct reader *reader, struct tag_count *row)
{
	struct posts posts;
	const struct timeline_query query = {
		.kind = TIMELINE_TAG, .tag = row->tag.text, .limit = LIMIT_PAGE_ROWS};
	enum err err = row->posts > LIMIT_PAGE_ROWS ? ERR_NOT_FOUND
						    : timeline_page(reader, &query, &posts);
	if (err == ERR_OK) {
		row->posts = posts.count;
		posts_free(&posts);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err veil_rows(struct reader *reader, struct tag_count *rows, size_t *count)
{
	struct veil *veil = NULL;
	size_t kept = 0;
	enum err err = *count == 0 ? ERR_OK : veil_of(reader, &veil);
	for (size_t i = 0; err == ERR_OK && veil != NULL && i < *count; i++) {
		if (veil_has(veil, VEIL_TAG, veil_tag_hash(rows[i].tag.text), INT64_MAX)) {
			err = recount(reader, &rows[i]);
		}
		if (rows[i].posts > 0) {
			rows[kept++] = rows[i];
		}
	}
	*count = err == ERR_OK && veil != NULL ? kept : *count;
	veil_release(veil);
	return err;
}

enum err tags_newest(struct reader *reader, struct tag_count *out, size_t room, size_t *count)
{
	sqlite3_stmt *stmt = NULL;
	*count = 0;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, &sql_tags_newest, &stmt);
	if (err == ERR_OK) {
		db_int(stmt, 1, (int64_t)room);
		err = read_rows(reader->db, stmt, out, room, count);
	}
	if (err == ERR_OK) {
		err = veil_rows(reader, out, count);
	}
	return reader_end(reader, err);
}

enum err tags_like(struct reader *reader, const struct tag *start, struct tag_count *out,
	size_t room, size_t *count)
{
	sqlite3_stmt *stmt = NULL;
	char end[LIMIT_TAG_BYTES + 4];
	*count = 0;
	(void)snprintf(end, sizeof(end), "%s\xf4\x8f\xbf\xbf", start->text);
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, &sql_tags_like, &stmt);
	if (err == ERR_OK) {
		db_int(stmt, 1, (int64_t)room);
		db_text(stmt, 2, span_text(start->text));
		db_text(stmt, 3, span_text(end));
		err = read_rows(reader->db, stmt, out, room, count);
	}
	if (err == ERR_OK) {
		err = veil_rows(reader, out, count);
	}
	return reader_end(reader, err);
}
