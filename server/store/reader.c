/*
 * Read-only connections. Each query runs in a deferred transaction, so that its statements agree,
 * and under a deadline, so that no reader holds the WAL for long. A thread's own reader is kept in
 * thread-specific data and closed by its destructor.
 */
#include "store/reader_inside.h"

#include "base/limits.h"
#include "store/keys.h"
#include "store/pack.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

enum err reader_open(struct store *store, struct reader **out)
{
	struct reader *reader = calloc(1, sizeof(*reader));
	if (reader == NULL) {
		return ERR_NOMEM;
	}
	reader->store = store;
	enum err err = db_open_in(store->vfs, store->database, DB_READER, store->env, &reader->db);
	if (err != ERR_OK) {
		free(reader);
		return err == ERR_NOT_FOUND ? ERR_IO : err;
	}
	(void)atomic_fetch_add(&store->readers, 1);
	*out = reader;
	return ERR_OK;
}

void reader_close(struct reader *reader)
{
	if (reader == NULL) {
		return;
	}
	db_close(reader->db);
	(void)atomic_fetch_sub(&reader->store->readers, 1);
	free(reader);
}

/* A thread's reader, and which opening of which store it belongs to. */
struct kept {
	struct reader *reader;
	uint64_t store_number;
};

static pthread_key_t kept_key;
static pthread_once_t kept_once = PTHREAD_ONCE_INIT;

static void kept_free(void *value)
{
	struct kept *kept = value;
	reader_close(kept->reader);
	free(kept);
}

static void make_kept_key(void)
{
	if (pthread_key_create(&kept_key, kept_free) != 0) {
		abort(); /* fewer than 128 keys exist in the whole program */
	}
}

struct reader *reader_of_thread(struct store *store)
{
	(void)pthread_once(&kept_once, make_kept_key);
	struct kept *kept = pthread_getspecific(kept_key);
	if (kept != NULL && kept->store_number == store->number) {
		return kept->reader;
	}
	reader_close_thread();
	kept = calloc(1, sizeof(*kept));
	if (kept == NULL || reader_open(store, &kept->reader) != ERR_OK) {
		free(kept);
		return NULL;
	}
	kept->store_number = store->number;
	if (pthread_setspecific(kept_key, kept) != 0) {
		kept_free(kept);
		return NULL;
	}
	return kept->reader;
}

void reader_close_thread(void)
{
	(void)pthread_once(&kept_once, make_kept_key);
	struct kept *kept = pthread_getspecific(kept_key);
	if (kept != NULL) {
		(void)pthread_setspecific(kept_key, NULL);
		kept_free(kept);
	}
}

enum err reader_begin(struct reader *reader)
{
	if (reader->depth++ > 0) {
		return ERR_OK;
	}
	db_deadline(reader->db, LIMIT_QUERY_MS);
	enum err err = reader_lay(reader);
	if (err == ERR_OK) {
		err = db_begin_reading(reader->db);
	}
	if (err != ERR_OK) {
		reader->depth--;
	}
	return err;
}

enum err reader_end(struct reader *reader, enum err err)
{
	if (--reader->depth > 0) {
		return err;
	}
	db_deadline(reader->db, 0);
	db_rollback(reader->db); /* there is nothing to commit */
	return err;
}

QUERY(sql_number, "SELECT feed FROM feeds WHERE id = ?1");
QUERY(sql_head, "SELECT sequence, head, timestamp FROM feeds WHERE id = ?1 AND sequence > 0");
QUERY(sql_heads, "SELECT id, sequence, head, timestamp FROM feeds WHERE sequence > 0");

enum err reader_feed_number(struct reader *reader, const struct feed_id *id, int64_t *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(reader->db, &sql_number, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_blob(stmt, 1, span_of(id->at, ID_BYTES));
	err = db_step(reader->db, stmt);
	if (err == ERR_OK) {
		*out = sqlite3_column_int64(stmt, 0);
		db_reset(stmt);
	}
	return err;
}

static bool head_from(sqlite3_stmt *stmt, int at, struct chain_head *out)
{
	out->sequence = (uint64_t)sqlite3_column_int64(stmt, at);
	out->timestamp = sqlite3_column_double(stmt, at + 2);
	return db_column_id(stmt, at + 1, out->key.at);
}

enum err reader_head(struct reader *reader, const struct feed_id *feed, struct chain_head *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, &sql_head, &stmt);
	if (err == ERR_OK) {
		db_blob(stmt, 1, span_of(feed->at, ID_BYTES));
		err = db_step(reader->db, stmt);
	}
	if (err == ERR_OK) {
		err = head_from(stmt, 0, out) ? ERR_OK : ERR_IO;
		db_reset(stmt);
	}
	return reader_end(reader, err);
}

enum err reader_heads(struct reader *reader,
	void (*on_head)(void *ctx, const struct feed_id *feed, const struct chain_head *head),
	void *ctx)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, &sql_heads, &stmt);
	while (err == ERR_OK && (err = db_step(reader->db, stmt)) == ERR_OK) {
		struct feed_id id;
		struct chain_head head;
		if (!db_column_id(stmt, 0, id.at) || !head_from(stmt, 1, &head)) {
			db_reset(stmt);
			err = ERR_IO;
			break;
		}
		on_head(ctx, &id, &head);
	}
	return reader_end(reader, err == ERR_NOT_FOUND ? ERR_OK : err);
}

QUERY(sql_message,
	"SELECT m.key_head, m.key_tail, m.sequence, m.received, f.id, m.body FROM " KEYS_MESSAGES
	" CROSS JOIN feeds f ON f.feed = m.feed WHERE " KEYS_IS);
QUERY(sql_feed, "SELECT key_head, key_tail, sequence, received, ?3, body FROM messages WHERE feed "
		"= ?1 AND sequence >= ?2 ORDER BY sequence");

/* The text is appended to `text`. */
static enum err stored_from(sqlite3_stmt *stmt, struct buf *text, struct stored *out)
{
	size_t before = text->len;
	out->sequence = (uint64_t)sqlite3_column_int64(stmt, 2);
	out->received_ms = sqlite3_column_double(stmt, 3);
	if (!db_column_key(stmt, 0, 1, &out->key) || !db_column_id(stmt, 4, out->author.at)) {
		return ERR_IO;
	}
	enum err err = pack_text(db_column(stmt, 5), &out->author, out->sequence, text);
	if (err != ERR_OK) {
		return err == ERR_DAMAGED ? ERR_IO : err;
	}
	out->compact = span_skip(buf_span(text), before);
	return ERR_OK;
}

enum err reader_message(
	struct reader *reader, const struct message_id *key, struct buf *text, struct stored *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, &sql_message, &stmt);
	if (err == ERR_OK) {
		keys_bind(stmt, key);
		err = db_step(reader->db, stmt);
	}
	if (err == ERR_OK) {
		err = stored_from(stmt, text, out);
		db_reset(stmt);
	}
	return reader_end(reader, err);
}

enum err reader_feed(struct reader *reader, const struct feed_id *feed, uint64_t sequence,
	size_t count_max, bool (*on_message)(void *ctx, const struct stored *message), void *ctx)
{
	sqlite3_stmt *stmt = NULL;
	int64_t number = 0;
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = reader_feed_number(reader, feed, &number);
	if (err == ERR_OK) {
		err = db_query(reader->db, &sql_feed, &stmt);
	}
	if (err == ERR_OK) {
		db_int(stmt, 1, number);
		db_int(stmt, 2, sequence > INT64_MAX ? INT64_MAX : (int64_t)sequence);
		db_blob(stmt, 3, span_of(feed->at, ID_BYTES));
	}
	for (size_t i = 0; err == ERR_OK && i < count_max; i++) {
		struct stored stored;
		err = db_step(reader->db, stmt);
		if (err == ERR_OK) {
			buf_clear(&text);
			err = stored_from(stmt, &text, &stored);
		}
		if (err == ERR_OK && !on_message(ctx, &stored)) {
			break;
		}
	}
	if (stmt != NULL) {
		db_reset(stmt);
	}
	buf_fini(&text);
	return reader_end(reader, err == ERR_NOT_FOUND ? ERR_OK : err);
}

QUERY(sql_clocks, "SELECT f.id, c.note FROM clocks c JOIN feeds f ON f.feed = c.feed WHERE c.peer "
		  "= (SELECT feed FROM feeds WHERE id = ?1)");
/* All of them, once at the start. */
QUERY(sql_shares,
	"SELECT f.id, s.since, s.day, s.messages, s.bytes FROM shares s CROSS JOIN feeds f ON "
	"f.feed = s.feed");
QUERY(sql_addresses, "SELECT f.id, a.text, a.added, a.tried, a.reached, a.failures FROM addresses "
		     "a JOIN feeds f ON f.feed = a.feed");
QUERY(sql_sessions, "SELECT name, text, expires FROM sessions");
QUERY(sql_setting, "SELECT text FROM settings WHERE name = ?1");
QUERY(sql_figures, "SELECT name, n FROM figures");
QUERY(sql_pages,
	"SELECT c.page_count * s.page_size FROM pragma_page_count() c, pragma_page_size() s");

enum err reader_clocks(struct reader *reader, const struct feed_id *peer,
	void (*on_clock)(void *ctx, const struct feed_id *feed, int64_t note), void *ctx)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, &sql_clocks, &stmt);
	if (err == ERR_OK) {
		db_blob(stmt, 1, span_of(peer->at, ID_BYTES));
	}
	while (err == ERR_OK && (err = db_step(reader->db, stmt)) == ERR_OK) {
		struct feed_id id;
		if (db_column_id(stmt, 0, id.at)) {
			on_clock(ctx, &id, sqlite3_column_int64(stmt, 1));
		}
	}
	return reader_end(reader, err == ERR_NOT_FOUND ? ERR_OK : err);
}

enum err reader_shares(
	struct reader *reader, void (*on_share)(void *ctx, const struct share_row *row), void *ctx)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, &sql_shares, &stmt);
	while (err == ERR_OK && (err = db_step(reader->db, stmt)) == ERR_OK) {
		struct share_row row = {.since = sqlite3_column_int64(stmt, 1),
			.day = sqlite3_column_int64(stmt, 2),
			.messages = sqlite3_column_int64(stmt, 3),
			.bytes = sqlite3_column_int64(stmt, 4)};
		if (db_column_id(stmt, 0, row.feed.at)) {
			on_share(ctx, &row);
		}
	}
	return reader_end(reader, err == ERR_NOT_FOUND ? ERR_OK : err);
}

enum err reader_addresses(struct reader *reader,
	void (*on_address)(void *ctx, const struct address_row *row), void *ctx)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, &sql_addresses, &stmt);
	while (err == ERR_OK && (err = db_step(reader->db, stmt)) == ERR_OK) {
		struct address_row row = {
			.added_ms = sqlite3_column_int64(stmt, 2),
			.tried_ms = sqlite3_column_int64(stmt, 3),
			.reached_ms = sqlite3_column_int64(stmt, 4),
			.failures = (unsigned)sqlite3_column_int64(stmt, 5),
		};
		struct span text = span_take(db_column(stmt, 1), sizeof(row.text) - 1);
		memcpy(row.text, text.at, text.len);
		if (db_column_id(stmt, 0, row.feed.at)) {
			on_address(ctx, &row);
		}
	}
	return reader_end(reader, err == ERR_NOT_FOUND ? ERR_OK : err);
}

enum err reader_sessions(struct reader *reader,
	void (*on_session)(void *ctx, struct span name, struct span text, int64_t expires_ms),
	void *ctx)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, &sql_sessions, &stmt);
	while (err == ERR_OK && (err = db_step(reader->db, stmt)) == ERR_OK) {
		on_session(
			ctx, db_column(stmt, 0), db_column(stmt, 1), sqlite3_column_int64(stmt, 2));
	}
	return reader_end(reader, err == ERR_NOT_FOUND ? ERR_OK : err);
}

enum err reader_setting(struct reader *reader, const char *name, struct buf *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, &sql_setting, &stmt);
	if (err == ERR_OK) {
		db_blob(stmt, 1, span_text(name));
		err = db_step(reader->db, stmt);
	}
	if (err == ERR_OK) {
		err = buf_append(out, db_column(stmt, 0));
		db_reset(stmt);
	}
	return reader_end(reader, err);
}

static void take_figure(sqlite3_stmt *stmt, struct store_figures *out)
{
	const struct {
		const char *name;
		uint64_t *n;
	} rows[] = {{"feeds", &out->feeds}, {"messages", &out->messages}, {"posts", &out->posts},
		{"forks", &out->forks}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (span_equal_text(db_column(stmt, 0), rows[i].name)) {
			*rows[i].n = (uint64_t)sqlite3_column_int64(stmt, 1);
		}
	}
}

enum err reader_figures(struct reader *reader, struct store_figures *out)
{
	sqlite3_stmt *stmt = NULL;
	*out = (struct store_figures){.disk_free_bytes = store_disk_free(reader->store)};
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, &sql_figures, &stmt);
	while (err == ERR_OK && (err = db_step(reader->db, stmt)) == ERR_OK) {
		take_figure(stmt, out);
	}
	if (err == ERR_NOT_FOUND) {
		err = db_query(reader->db, &sql_pages, &stmt);
	}
	if (err == ERR_OK && (err = db_step(reader->db, stmt)) == ERR_OK) {
		out->database_bytes = (uint64_t)sqlite3_column_int64(stmt, 0);
		db_reset(stmt);
	}
	return reader_end(reader, err);
}

enum err reader_each(struct reader *reader, const struct query *query, int64_t number,
	const struct span *bytes, void (*on_row)(void *ctx, sqlite3_stmt *stmt), void *ctx)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, query, &stmt);
	if (err == ERR_OK) {
		if (bytes != NULL) {
			db_blob(stmt, 1, *bytes);
		} else {
			db_int(stmt, 1, number);
		}
		while ((err = db_step(reader->db, stmt)) == ERR_OK) {
			on_row(ctx, stmt);
		}
	}
	return reader_end(reader, err == ERR_NOT_FOUND ? ERR_OK : err);
}

enum err reader_one(struct reader *reader, const struct query *query, const struct message_id *key,
	struct buf *text, struct stored *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, query, &stmt);
	if (err == ERR_OK) {
		db_int(stmt, 1, db_key_head(key->at));
		db_blob(stmt, 2, db_key_tail(key->at));
		err = db_step(reader->db, stmt);
	}
	if (err == ERR_OK) {
		size_t before = text->len;
		out->sequence = (uint64_t)sqlite3_column_int64(stmt, 2);
		out->received_ms = sqlite3_column_double(stmt, 3);
		err = db_column_key(stmt, 0, 1, &out->key) && db_column_id(stmt, 4, out->author.at)
			      ? buf_append(text, db_column(stmt, 5))
			      : ERR_IO;
		if (err == ERR_OK) {
			out->compact = span_skip(buf_span(text), before);
		}
		db_reset(stmt);
	}
	return reader_end(reader, err);
}
