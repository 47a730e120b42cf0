/**
 * store/db, inside: one SQLite connection with our settings, its prepared statements, and its
 * errors as ours.
 *
 * Every statement is a QUERY: a named constant above the function that runs it. Each connection
 * prepares a query once and keeps it. All queries of the program stand in one list, from which a
 * test prints the plans.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include "base/env.h"
#include "feed/id.h"

#include <sqlite3.h>

struct query {
	const char *name;
	const char *sql;
};

#define QUERY(id, text)                             \
	static const struct query id = {#id, text}; \
	__attribute__((                             \
		section("kith_queries"), used)) static const struct query *const id##_listed = &id

/** All queries of the program. */
const struct query *const *db_queries(size_t *count);

struct db;

enum db_role {
	DB_WRITER, /* creates the file; one per store */
	DB_READER,
	DB_COPY, /* a file nobody else opens, on its way to somewhere; created. Its bytes are on the
		    disk when the caller has synced it */
};

/** How this program wants SQLite, once, before anything else of it is called. */
void db_configure(void);

/** Through the VFS of that name; NULL: the system's. ERR_NOT_FOUND (a reader, and no file), ERR_IO,
 * ERR_NOMEM, ERR_DISK_FULL. */
MUST_USE enum err db_open_in(const char *vfs, const char *path, enum db_role role,
	const struct env *env, struct db **out);
MUST_USE static inline enum err db_open(
	const char *path, enum db_role role, const struct env *env, struct db **out)
{
	return db_open_in(NULL, path, role, env, out);
}
void db_close(struct db *db);
sqlite3 *db_handle(struct db *db);

/** Run SQL without parameters or results: pragmas, schema files, BEGIN. */
MUST_USE enum err db_exec(struct db *db, const char *sql);
/** Begin a transaction that writes. When an earlier sync failed, first make sure that what follows
 * can be found again. */
MUST_USE enum err db_begin(struct db *db);
/** Begin one that only reads: from its first question on it sees one moment. End it by
 * db_rollback(). */
MUST_USE enum err db_begin_reading(struct db *db);
/** End a transaction as if it had not been; nothing when there is none. Takes no memory. */
void db_rollback(struct db *db);
/** The WAL is due to be copied back when it has so many pages, and is with twice as many, whoever
 * waits for that commit; tests make it small. */
void db_checkpoint_at(struct db *db, int pages);
/** Is it due? Then do it in a quiet moment. */
bool db_checkpoint_is_due(const struct db *db);
/** Copy back what no reader needs any more; its failure shows at the next commit. */
void db_checkpoint(struct db *db);
/** Much is going to be written: a larger page cache and fewer checkpoints, until it ends; then the
 * memory is given back and the WAL is emptied. Between transactions. */
void db_bulk_begins(struct db *db);
void db_bulk_ends(struct db *db);
/** The WAL is copied back and cut to nothing, unless a reader is in the way. Between transactions.
 */
void db_empty_wal(struct db *db);
/** What the last failure of this connection was, for logs and sentences. */
const char *db_why(struct db *db);

/** Something that lives as long as the connection (store/search_words): NULL until somebody gave
 * it, then `drop`ped with it. */
void *db_kept(const struct db *db);
void db_keep(struct db *db, void *kept, void (*drop)(void *kept));
/** How many transactions of this connection were undone. */
uint64_t db_undone(const struct db *db);
/** Did SQLite undo one by itself, in the middle of a statement, since db_is_settled()? */
bool db_is_unsettled(const struct db *db);
void db_is_settled(struct db *db);

/** While something long runs `may_go_on` is called now and then; false stops it (ERR_TIMEOUT).
 * NULL: no longer. */
void db_watch(struct db *db, bool (*may_go_on)(void *ctx), void *ctx);
/** Queries started from now on are stopped (ERR_TIMEOUT) when `ms` have passed; 0: never. */
void db_deadline(struct db *db, int64_t ms);

/**
 * The statement of `query`, ready to be bound. Borrowed; db_reset() when done with it. Bindings are
 * borrowed until then. A failed binding leaves NULL, which NOT NULL columns refuse.
 */
MUST_USE enum err db_query(struct db *db, const struct query *query, sqlite3_stmt **out);
void db_reset(sqlite3_stmt *stmt);
static inline void db_int(sqlite3_stmt *stmt, int at, int64_t value)
{
	(void)sqlite3_bind_int64(stmt, at, value);
}
static inline void db_blob(sqlite3_stmt *stmt, int at, struct span value)
{
	(void)sqlite3_bind_blob(stmt, at, value.len == 0 ? (const void *)"" : value.at,
		(int)value.len, SQLITE_STATIC);
}
static inline void db_text(sqlite3_stmt *stmt, int at, struct span value)
{
	(void)sqlite3_bind_text(stmt, at, value.len == 0 ? "" : (const char *)value.at,
		(int)value.len, SQLITE_STATIC);
}
/** ERR_OK: there is a row; ERR_NOT_FOUND: no more; the statement is reset on everything but ERR_OK.
 */
MUST_USE enum err db_step(struct db *db, sqlite3_stmt *stmt);
/** Run a statement that gives no rows, and reset it. */
MUST_USE enum err db_run(struct db *db, sqlite3_stmt *stmt);
static inline struct span db_column(sqlite3_stmt *stmt, int at)
{
	const void *bytes = sqlite3_column_blob(stmt, at);
	return span_of(bytes, (size_t)sqlite3_column_bytes(stmt, at));
}
/** Look the whole file over, page by page, without the indexes' contents: it takes as long as
 * reading it once. */
MUST_USE enum err db_quick_check(struct db *db, bool *is_sound);
/** Copy a column of exactly 32 bytes; false when it is not. */
bool db_column_id(sqlite3_stmt *stmt, int at, uint8_t id[static ID_BYTES]);

/** The first 8 bytes of a key as the index has them. */
static inline int64_t db_key_head(const uint8_t key[static ID_BYTES])
{
	uint64_t head = 0;
	for (int i = 0; i < 8; i++) {
		head = head << 8 | key[i];
	}
	return (int64_t)head;
}
enum { DB_KEY_HEAD_BYTES = 8, DB_KEY_TAIL_BYTES = ID_BYTES - DB_KEY_HEAD_BYTES };
static inline struct span db_key_tail(const uint8_t key[static ID_BYTES])
{
	return span_of(key + DB_KEY_HEAD_BYTES, DB_KEY_TAIL_BYTES);
}
/** Put a key together again from two columns; false when the tail has not its length. */
bool db_column_key(sqlite3_stmt *stmt, int head, int tail, struct message_id *out);

#endif
