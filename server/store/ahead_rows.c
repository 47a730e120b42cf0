/* Rows held ahead. Each function is a statement or two; who may call when is the writer's. */
#include "store/ahead_rows.h"

#include "store/tag_rows.h"

QUERY(sql_ahead_get,
	"SELECT message, key_head, key_tail, is_checked FROM ahead WHERE feed = ?1 AND "
	"sequence = ?2");
QUERY(sql_ahead_body, "SELECT body FROM ahead WHERE feed = ?1 AND sequence = ?2");
QUERY(sql_ahead_number, "SELECT max(message) FROM ahead");
QUERY(sql_ahead_add, "INSERT INTO ahead (feed, sequence, message, key_head, key_tail, received, "
		     "is_checked, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
QUERY(sql_ahead_check, "UPDATE ahead SET is_checked = 1 WHERE feed = ?1 AND sequence = ?2");
QUERY(sql_ahead_post_drop,
	"DELETE FROM posts WHERE message = (SELECT message FROM ahead WHERE feed "
	"= ?1 AND sequence = ?2)");
QUERY(sql_ahead_drop, "DELETE FROM ahead WHERE feed = ?1 AND sequence = ?2");
QUERY(sql_ahead_last, "DELETE FROM ahead_feeds WHERE feed = ?1 AND NOT EXISTS (SELECT 1 FROM ahead "
		      "WHERE feed = ?1)");
QUERY(sql_ahead_posts_below, "DELETE FROM posts WHERE message IN (SELECT message FROM ahead WHERE "
			     "feed = ?1 AND sequence "
			     "< ?2)");
QUERY(sql_ahead_posts_above, "DELETE FROM posts WHERE message IN (SELECT message FROM ahead WHERE "
			     "feed = ?1 AND sequence "
			     "> ?2)");
QUERY(sql_ahead_is, "SELECT message FROM ahead WHERE feed = ?1 AND sequence = ?2");
QUERY(sql_ahead_below, "SELECT message FROM ahead WHERE feed = ?1 AND sequence < ?2");
QUERY(sql_ahead_above, "SELECT message FROM ahead WHERE feed = ?1 AND sequence > ?2");
QUERY(sql_ahead_drop_below, "DELETE FROM ahead WHERE feed = ?1 AND sequence < ?2");
QUERY(sql_ahead_drop_above, "DELETE FROM ahead WHERE feed = ?1 AND sequence > ?2");

static enum err start(struct db *db, const struct query *query, const struct feed_entry *author,
	uint64_t sequence, sqlite3_stmt **out)
{
	enum err err = db_query(db, query, out);
	if (err == ERR_OK) {
		db_int(*out, 1, author->feed);
		if (sqlite3_bind_parameter_count(*out) > 1) {
			db_int(*out, 2, sequence > INT64_MAX ? INT64_MAX : (int64_t)sequence);
		}
	}
	return err;
}

static enum err run(struct db *db, const struct query *query, const struct feed_entry *author,
	uint64_t sequence)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = start(db, query, author, sequence, &stmt);
	return err == ERR_OK ? db_run(db, stmt) : err;
}

enum err ahead_row_get(
	struct db *db, const struct feed_entry *author, uint64_t sequence, struct ahead_row *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = start(db, &sql_ahead_get, author, sequence, &stmt);
	if (err == ERR_OK) {
		err = db_step(db, stmt);
	}
	if (err == ERR_OK) {
		out->message = sqlite3_column_int64(stmt, 0);
		out->is_checked = sqlite3_column_int(stmt, 3) != 0;
		err = db_column_key(stmt, 1, 2, &out->key) ? ERR_OK : ERR_IO;
		db_reset(stmt);
	}
	return err;
}

enum err ahead_row_body(
	struct db *db, const struct feed_entry *author, uint64_t sequence, struct buf *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = start(db, &sql_ahead_body, author, sequence, &stmt);
	if (err == ERR_OK) {
		err = db_step(db, stmt);
	}
	if (err == ERR_OK) {
		err = buf_append(out, db_column(stmt, 0));
		db_reset(stmt);
	}
	return err;
}

static enum err next_number(struct db *db, int64_t *out)
{
	sqlite3_stmt *stmt = NULL;
	*out = AHEAD_MESSAGE_FIRST;
	enum err err = db_query(db, &sql_ahead_number, &stmt);
	if (err == ERR_OK) {
		err = db_step(db, stmt);
	}
	if (err == ERR_OK) {
		int64_t last = sqlite3_column_int64(stmt, 0);
		*out = last < AHEAD_MESSAGE_FIRST ? AHEAD_MESSAGE_FIRST : last + 1;
		db_reset(stmt);
	}
	return err;
}

enum err ahead_row_put(struct db *db, const struct feed_entry *author,
	const struct message *message, int64_t received_ms, bool is_checked, int64_t *number)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = next_number(db, number);
	if (err == ERR_OK) {
		err = start(db, &sql_ahead_add, author, message->sequence, &stmt);
	}
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 3, *number);
	db_int(stmt, 4, db_key_head(message->key.at));
	db_blob(stmt, 5, db_key_tail(message->key.at));
	db_int(stmt, 6, received_ms);
	db_int(stmt, 7, is_checked);
	db_blob(stmt, 8, message->compact);
	return db_run(db, stmt);
}

enum err ahead_row_check(struct db *db, const struct feed_entry *author, uint64_t sequence)
{
	return run(db, &sql_ahead_check, author, sequence);
}

/* The tags of those messages that `which` names. */
static enum err drop_tags(struct db *db, const struct query *which, const struct feed_entry *author,
	uint64_t sequence)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = start(db, which, author, sequence, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	while (err == ERR_OK && (err = db_step(db, stmt)) == ERR_OK) {
		err = tag_rows_drop_ahead(db, sqlite3_column_int64(stmt, 0));
	}
	db_reset(stmt);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err ahead_row_drop(struct db *db, struct feed_entry *author, uint64_t sequence)
{
	enum err err = drop_tags(db, &sql_ahead_is, author, sequence);
	if (err == ERR_OK) {
		err = run(db, &sql_ahead_post_drop, author, sequence);
	}
	if (err == ERR_OK) {
		err = run(db, &sql_ahead_drop, author, sequence);
	}
	if (err == ERR_OK) {
		err = run(db, &sql_ahead_last, author, 0);
	}
	if (err == ERR_OK && sqlite3_changes(db_handle(db)) > 0) {
		author->ahead_first = 0;
		author->ahead_newest = 0;
	}
	return err;
}

enum err ahead_rows_keep(
	struct db *db, const struct feed_entry *author, uint64_t first, uint64_t newest)
{
	enum err err = drop_tags(db, &sql_ahead_below, author, first);
	if (err == ERR_OK) {
		err = drop_tags(db, &sql_ahead_above, author, newest);
	}
	if (err == ERR_OK) {
		err = run(db, &sql_ahead_posts_below, author, first);
	}
	if (err == ERR_OK) {
		err = run(db, &sql_ahead_posts_above, author, newest);
	}
	if (err == ERR_OK) {
		err = run(db, &sql_ahead_drop_below, author, first);
	}
	return err == ERR_OK ? run(db, &sql_ahead_drop_above, author, newest) : err;
}

enum err ahead_drop_all(struct db *db, struct feed_entry *author)
{
	enum err err = ahead_rows_keep(db, author, INT64_MAX, INT64_MAX);
	if (err == ERR_OK) {
		err = run(db, &sql_ahead_last, author, 0);
	}
	if (err == ERR_OK) {
		author->ahead_first = 0;
		author->ahead_newest = 0;
	}
	return err;
}
