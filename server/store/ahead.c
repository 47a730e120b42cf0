/* What is held ahead, for people. Whoever serves peers or counts has no use for these functions. */
#include "store/ahead.h"

#include "store/reader_inside.h"

QUERY(sql_ahead_state, "SELECT min(sequence), max(sequence), count(*), min(is_checked) FROM ahead "
		       "WHERE feed = ?1 AND sequence > ?2");
/* SCAN: at most LIMIT_AHEAD_FEEDS rows. */
QUERY(sql_ahead_all,
	"SELECT f.id, f.feed, f.sequence FROM ahead_feeds a CROSS JOIN feeds f ON f.feed "
	"= a.feed");
QUERY(sql_ahead_feed, "SELECT f.id, f.feed, f.sequence FROM feeds f WHERE f.id = ?1");
QUERY(sql_ahead_message, "SELECT a.key_head, a.key_tail, a.sequence, a.received, f.id, a.body FROM "
			 "ahead a CROSS JOIN "
			 "feeds f ON f.feed = a.feed WHERE a.key_head = ?1 AND a.key_tail = ?2");

/* The part of it that the chain has not reached. */
static enum err read_state(
	struct reader *reader, int64_t feed, int64_t head, struct ahead_state *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(reader->db, &sql_ahead_state, &stmt);
	if (err == ERR_OK) {
		db_int(stmt, 1, feed);
		db_int(stmt, 2, head);
		err = db_step(reader->db, stmt);
	}
	if (err != ERR_OK) {
		return err;
	}
	*out = (struct ahead_state){.first = (uint64_t)sqlite3_column_int64(stmt, 0),
		.newest = (uint64_t)sqlite3_column_int64(stmt, 1),
		.count = (uint64_t)sqlite3_column_int64(stmt, 2),
		.is_checked = sqlite3_column_int(stmt, 3) != 0};
	db_reset(stmt);
	return out->count > 0 ? ERR_OK : ERR_NOT_FOUND;
}

enum err reader_ahead(struct reader *reader, const struct feed_id *feed, struct ahead_state *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, &sql_ahead_feed, &stmt);
	if (err == ERR_OK) {
		db_blob(stmt, 1, span_of(feed->at, ID_BYTES));
		err = db_step(reader->db, stmt);
	}
	if (err == ERR_OK) {
		int64_t number = sqlite3_column_int64(stmt, 1);
		int64_t head = sqlite3_column_int64(stmt, 2);
		db_reset(stmt);
		err = read_state(reader, number, head, out);
	}
	return reader_end(reader, err);
}

enum err reader_ahead_all(struct reader *reader,
	void (*on_feed)(void *ctx, const struct feed_id *feed, const struct ahead_state *state),
	void *ctx)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, &sql_ahead_all, &stmt);
	while (err == ERR_OK && (err = db_step(reader->db, stmt)) == ERR_OK) {
		struct feed_id id;
		struct ahead_state state;
		err = db_column_id(stmt, 0, id.at)
			      ? read_state(reader, sqlite3_column_int64(stmt, 1),
					sqlite3_column_int64(stmt, 2), &state)
			      : ERR_IO;
		if (err == ERR_OK) {
			on_feed(ctx, &id, &state);
		}
		err = err == ERR_NOT_FOUND ? ERR_OK : err;
		if (err != ERR_OK) {
			db_reset(stmt);
			return reader_end(reader, err);
		}
	}
	return reader_end(reader, err == ERR_NOT_FOUND ? ERR_OK : err);
}

enum err reader_ahead_message(
	struct reader *reader, const struct message_id *key, struct buf *text, struct stored *out)
{
	return reader_one(reader, &sql_ahead_message, key, text, out);
}
