/* Rows of `blob_links`. */
#include "store/blob_links.h"

QUERY(sql_blob_link_put,
	"INSERT OR IGNORE INTO blob_links (blob, message, feed) VALUES (?1, ?2, ?3)");
QUERY(sql_blob_link_get, "SELECT feed FROM blob_links WHERE blob = ?1 AND message = ?2");
QUERY(sql_blob_links_drop, "DELETE FROM blob_links WHERE feed = ?1");
QUERY(sql_blob_links_clear, "DELETE FROM blob_links");
QUERY(sql_blob_links_count, "SELECT count(*) FROM blob_links WHERE feed = ?1");

void blob_links_read(struct span text, struct blob_links *out)
{
	struct blob_ref ref;
	size_t at = 0;
	out->count = 0;
	while (out->count < BLOB_LINKS_MAX && blob_ref_next(text, &at, &ref)) {
		size_t i = 0;
		while (i < out->count && !blob_id_equal(&out->ids[i], &ref.id)) {
			i++;
		}
		if (i == out->count) {
			out->ids[out->count++] = ref.id;
		}
	}
}

enum err blob_links_put(
	struct db *db, const struct blob_links *links, int64_t message, int64_t feed)
{
	enum err err = ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < links->count; i++) {
		sqlite3_stmt *stmt = NULL;
		err = db_query(db, &sql_blob_link_put, &stmt);
		if (err == ERR_OK) {
			db_int(stmt, 1, db_key_head(links->ids[i].at));
			db_int(stmt, 2, message);
			db_int(stmt, 3, feed);
			err = db_run(db, stmt);
		}
	}
	return err;
}

enum err blob_links_drop_feed(struct db *db, int64_t feed)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(db, &sql_blob_links_drop, &stmt);
	if (err == ERR_OK) {
		db_int(stmt, 1, feed);
		err = db_run(db, stmt);
	}
	return err;
}

enum err blob_links_clear(struct db *db)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(db, &sql_blob_links_clear, &stmt);
	return err == ERR_OK ? db_run(db, stmt) : err;
}

enum err blob_links_missing(
	struct db *db, const struct blob_links *links, int64_t message, size_t *missing)
{
	enum err err = ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < links->count; i++) {
		sqlite3_stmt *stmt = NULL;
		err = db_query(db, &sql_blob_link_get, &stmt);
		if (err != ERR_OK) {
			break;
		}
		db_int(stmt, 1, db_key_head(links->ids[i].at));
		db_int(stmt, 2, message);
		err = db_step(db, stmt);
		*missing += err == ERR_NOT_FOUND;
		db_reset(stmt);
		err = err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	return err;
}

enum err blob_links_count(struct db *db, int64_t feed, size_t *count)
{
	sqlite3_stmt *stmt = NULL;
	*count = 0;
	enum err err = db_query(db, &sql_blob_links_count, &stmt);
	if (err == ERR_OK) {
		db_int(stmt, 1, feed);
		err = db_step(db, stmt);
	}
	if (err == ERR_OK) {
		*count = (size_t)sqlite3_column_int64(stmt, 0);
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}
