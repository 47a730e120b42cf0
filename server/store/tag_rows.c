/* Tags are counted as they come and go: a list of all tags would otherwise read all their posts. */
#include "store/tag_rows.h"

#include "feed/tag.h"

QUERY(sql_tag_add, "INSERT OR IGNORE INTO tags (tag, at, message) VALUES (?1, ?2, ?3)");
QUERY(sql_tag_drop, "DELETE FROM tags WHERE tag = ?1 AND at = ?2 AND message = ?3");
QUERY(sql_tag_count_up,
	"INSERT INTO tag_counts (tag, n, at) VALUES (?1, 1, ?2) ON CONFLICT (tag) DO UPDATE SET n "
	"= n + 1, at = max(at, ?2)");
QUERY(sql_tag_count_down, "UPDATE tag_counts SET n = n - 1, at = coalesce((SELECT max(t.at) FROM "
			  "tags t WHERE t.tag = ?1), 0) WHERE tag = ?1");
QUERY(sql_tag_count_none, "DELETE FROM tag_counts WHERE tag = ?1 AND n < 1");
QUERY(sql_tags_ahead, "SELECT tag, at FROM tags WHERE message = ?1 AND message >= 281474976710656");
/* SCAN: everything is made again. */
QUERY(sql_tags_clear, "DELETE FROM tags");
QUERY(sql_tag_counts_clear, "DELETE FROM tag_counts");

static enum err run(
	struct db *db, const struct query *query, const char *tag, int64_t at_ms, int64_t message)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(db, query, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	int count = sqlite3_bind_parameter_count(stmt);
	if (count > 0) {
		db_text(stmt, 1, span_text(tag));
	}
	if (count > 1) {
		db_int(stmt, 2, at_ms);
	}
	if (count > 2) {
		db_int(stmt, 3, message);
	}
	return db_run(db, stmt);
}

enum err tag_rows_put(struct db *db, int64_t message, int64_t at_ms, struct span tags)
{
	enum err err = ERR_OK;
	for (const char *tag = tag_set_next(&tags); err == ERR_OK && tag != NULL;
		tag = tag_set_next(&tags)) {
		err = run(db, &sql_tag_add, tag, at_ms, message);
		if (err == ERR_OK && sqlite3_changes(db_handle(db)) > 0) {
			err = run(db, &sql_tag_count_up, tag, at_ms, 0);
		}
	}
	return err;
}

enum err tag_rows_drop(struct db *db, int64_t message, int64_t at_ms, struct span tags)
{
	enum err err = ERR_OK;
	for (const char *tag = tag_set_next(&tags); err == ERR_OK && tag != NULL;
		tag = tag_set_next(&tags)) {
		err = run(db, &sql_tag_drop, tag, at_ms, message);
		if (err == ERR_OK && sqlite3_changes(db_handle(db)) > 0) {
			err = run(db, &sql_tag_count_down, tag, 0, 0);
		}
		if (err == ERR_OK) {
			err = run(db, &sql_tag_count_none, tag, 0, 0);
		}
	}
	return err;
}

enum err tag_rows_drop_ahead(struct db *db, int64_t message)
{
	struct tags tags = {.len = 0};
	sqlite3_stmt *stmt = NULL;
	int64_t at_ms = 0;
	enum err err = db_query(db, &sql_tags_ahead, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, message);
	while ((err = db_step(db, stmt)) == ERR_OK) {
		struct span tag = db_column(stmt, 0);
		at_ms = sqlite3_column_int64(stmt, 1);
		if (tag.len + 1 <= sizeof(tags.at) - tags.len) {
			memcpy(tags.at + tags.len, tag.at, tag.len);
			tags.at[tags.len + tag.len] = '\0';
			tags.len += tag.len + 1;
		}
	}
	db_reset(stmt);
	return err == ERR_NOT_FOUND ? tag_rows_drop(db, message, at_ms, tag_set_span(&tags)) : err;
}

enum err tag_rows_clear(struct db *db)
{
	enum err err = run(db, &sql_tags_clear, NULL, 0, 0);
	return err == ERR_OK ? run(db, &sql_tag_counts_clear, NULL, 0, 0) : err;
}
