/* Rows of `strays`. Each function is a statement or two; what may be held is judged in
 * writer_stray.c. */
#include "store/stray.h"

#include "store/feeds.h"
#include "store/reader_inside.h"

QUERY(sql_stray_message,
	"SELECT s.key_head, s.key_tail, s.sequence, s.received, f.id, s.body FROM strays s CROSS "
	"JOIN feeds f ON f.feed = s.feed WHERE s.key_head = ?1 AND s.key_tail = ?2");
QUERY(sql_stray_add,
	"INSERT OR IGNORE INTO strays (key_head, key_tail, feed, sequence, at, received, is_post, "
	"root, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
/* SCAN: at most LIMIT_STRAYS rows, when the owner has asked for something. */
QUERY(sql_stray_count, "SELECT count(*) FROM strays");
QUERY(sql_stray_oldest_drop, "DELETE FROM strays WHERE stray = (SELECT min(stray) FROM strays)");
QUERY(sql_stray_get,
	"SELECT key_head, key_tail, body FROM strays WHERE feed = ?1 AND sequence = ?2");
QUERY(sql_stray_drop, "DELETE FROM strays WHERE feed = ?1 AND sequence = ?2");
QUERY(sql_stray_drop_all, "DELETE FROM strays WHERE feed = ?1");

enum err reader_stray_message(
	struct reader *reader, const struct message_id *key, struct buf *text, struct stored *out)
{
	return reader_one(reader, &sql_stray_message, key, text, out);
}

static enum err count(struct db *db, int64_t *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(db, &sql_stray_count, &stmt);
	if (err == ERR_OK) {
		err = db_step(db, stmt);
	}
	if (err == ERR_OK) {
		*out = sqlite3_column_int64(stmt, 0);
		db_reset(stmt);
	}
	return err;
}

static enum err run(struct db *db, const struct query *query, const struct feed_entry *author,
	uint64_t sequence)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(db, query, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, author->feed);
	if (sqlite3_bind_parameter_count(stmt) > 1) {
		db_int(stmt, 2, sequence > INT64_MAX ? INT64_MAX : (int64_t)sequence);
	}
	return db_run(db, stmt);
}

/* The number that is remembered with its author may be one too high then, which costs a look. */
static enum err make_room(struct db *db)
{
	sqlite3_stmt *stmt = NULL;
	int64_t held = 0;
	enum err err = count(db, &held);
	for (; err == ERR_OK && held > LIMIT_STRAYS; held--) {
		err = db_query(db, &sql_stray_oldest_drop, &stmt);
		if (err == ERR_OK) {
			err = db_run(db, stmt);
		}
	}
	return err;
}

enum err stray_put(struct db *db, struct feed_entry *author, const struct stray_row *row)
{
	const struct message *message = row->message;
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(db, &sql_stray_add, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, db_key_head(message->key.at));
	db_blob(stmt, 2, db_key_tail(message->key.at));
	db_int(stmt, 3, author->feed);
	db_int(stmt, 4, (int64_t)message->sequence);
	db_int(stmt, 5, row->at_ms);
	db_int(stmt, 6, row->received_ms);
	db_int(stmt, 7, row->is_post);
	if (row->has_root) {
		db_int(stmt, 8, db_key_head(row->root.at));
	}
	db_blob(stmt, 9, message->compact);
	err = db_run(db, stmt);
	if (err == ERR_OK && sqlite3_changes(db_handle(db)) > 0) {
		author->strays++;
		err = make_room(db);
	}
	return err;
}

enum err stray_get(struct db *db, const struct feed_entry *author, uint64_t sequence,
	struct message_id *key, struct buf *body)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(db, &sql_stray_get, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, author->feed);
	db_int(stmt, 2, sequence > INT64_MAX ? INT64_MAX : (int64_t)sequence);
	err = db_step(db, stmt);
	if (err != ERR_OK) {
		return err;
	}
	err = db_column_key(stmt, 0, 1, key) ? buf_append(body, db_column(stmt, 2)) : ERR_IO;
	db_reset(stmt);
	return err;
}

enum err stray_drop(struct db *db, struct feed_entry *author, uint64_t sequence)
{
	enum err err = run(db, &sql_stray_drop, author, sequence);
	if (err == ERR_OK && sqlite3_changes(db_handle(db)) > 0 && author->strays > 0) {
		author->strays--;
	}
	return err;
}

enum err stray_drop_all(struct db *db, struct feed_entry *author)
{
	enum err err = author->strays == 0 ? ERR_OK : run(db, &sql_stray_drop_all, author, 0);
	if (err == ERR_OK) {
		author->strays = 0;
	}
	return err;
}
