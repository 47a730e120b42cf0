/*
 * One connection. Settings follow security.md §1: a database file from elsewhere cannot run
 * anything (defensive, no trusted schema, no extensions, no double-quoted strings), statements are
 * bounded, and the page cache is part of the memory budget: 4 MiB for the writer, 16 while a bulk
 * is under way, 1 MiB for each reader.
 */
#include "store/db.h"

#include "base/limits.h"
#include "base/memory.h"
#include "store/vfs.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	STATEMENTS_MAX = 128,
	PROGRESS_OPS = 2000,
	CHECKPOINT_PAGES = 4096,
	CHECKPOINT_PRESSES = 2, /* times as many pages, and it is done at once */
	BUSY_MS = 2000,
	/* Page caches, and all that SQLite takes; less of each with a budget (base/memory). */
	READER_CACHE_KIB = 1024,
	WRITER_CACHE_KIB = 4096,
	BULK_CACHE_KIB = 16384,
	CACHE_BYTES_MIN = 256 * KIB,
	HEAP_BYTES = 64 * MIB,
	HEAP_BYTES_MIN = 8 * MIB
};

/* May something in the WAL be missing on the disk, though it can be read? See trust_wal(). */
enum doubt {
	DOUBT_NONE,
	DOUBT_OLD, /* perhaps: an earlier process left it there */
	DOUBT_LOST /* a sync failed */
};

struct db {
	sqlite3 *handle;
	const struct env *env;
	int64_t deadline_ms; /* monotonic; 0: none */
	bool (*may_go_on)(void *ctx);
	void *watch_ctx;
	sqlite3_stmt *rollback; /* prepared early: without memory it is needed most */
	int checkpoint_pages;
	bool is_bulk;
	atomic_bool is_checkpoint_due; /* tests use the writer's connection while it rests */
	enum doubt doubt;
	uint64_t undone;
	bool is_unsettled;
	void *kept;
	void (*drop)(void *kept);
	struct {
		const struct query *query;
		sqlite3_stmt *stmt;
	} statements[STATEMENTS_MAX]; /* open addressing by the query's address */
	size_t statement_count;
};

extern const struct query *const __start_kith_queries[];
extern const struct query *const __stop_kith_queries[];

const struct query *const *db_queries(size_t *count)
{
	/* The linker lays the section out as one array between these two. */
	*count =
		((uintptr_t)__stop_kith_queries - (uintptr_t)__start_kith_queries) / sizeof(void *);
	return __start_kith_queries;
}

static void configure_once(void)
{
	/* Each connection belongs to one thread at a time; no counters under a lock. Ignored when
	 * somebody initialised SQLite before. */
	int64_t heap = memory_share(HEAP_BYTES, HEAP_BYTES_MIN);
	(void)sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, heap < HEAP_BYTES ? 1 : 0);
	if (heap < HEAP_BYTES) {
		/* All connections together; above it a page that nobody uses is given up before
		 * another is taken. Counting is what it costs. */
		(void)sqlite3_soft_heap_limit64(heap);
	}
}

static enum err from_rc(struct db *db, int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return ERR_OK;
	case SQLITE_FULL:
		return ERR_DISK_FULL;
	case SQLITE_NOMEM:
		return ERR_NOMEM;
	case SQLITE_INTERRUPT:
		return ERR_TIMEOUT;
	case SQLITE_BUSY:
		return ERR_BUSY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return ERR_DAMAGED;
	case SQLITE_TOOBIG:
		return ERR_LIMIT;
	case SQLITE_IOERR: {
		if (rc == SQLITE_IOERR_NOMEM) {
			return ERR_NOMEM;
		}
		db->doubt = rc == SQLITE_IOERR_FSYNC ? DOUBT_LOST : db->doubt;
		int error = db->handle == NULL ? 0 : sqlite3_system_errno(db->handle);
		return error == ENOSPC || error == EDQUOT ? ERR_DISK_FULL : ERR_IO;
	}
	default:
		return ERR_IO;
	}
}

static int on_progress(void *ctx)
{
	struct db *db = ctx;
	if (db->may_go_on != NULL && !db->may_go_on(db->watch_ctx)) {
		return 1;
	}
	return db->deadline_ms != 0 && env_mono_ms(db->env) >= db->deadline_ms;
}

static void set_limits(sqlite3 *handle)
{
	static const struct {
		int id, value;
	} limits[] = {
		{SQLITE_LIMIT_LENGTH, 1000000},
		{SQLITE_LIMIT_SQL_LENGTH, 100000},
		{SQLITE_LIMIT_COLUMN, 100},
		{SQLITE_LIMIT_EXPR_DEPTH, 20},
		{SQLITE_LIMIT_VDBE_OP, 25000},
		{SQLITE_LIMIT_ATTACHED, 1},
		{SQLITE_LIMIT_VARIABLE_NUMBER, 100},
		{SQLITE_LIMIT_TRIGGER_DEPTH, 1},
	};
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		(void)sqlite3_limit(handle, limits[i].id, limits[i].value);
	}
}

void db_checkpoint(struct db *db)
{
	int rc = sqlite3_wal_checkpoint_v2(
		db->handle, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	db->doubt = (rc & 0xff) == SQLITE_IOERR ? DOUBT_LOST : db->doubt;
	atomic_store(&db->is_checkpoint_due, false);
}

bool db_checkpoint_is_due(const struct db *db)
{
	return atomic_load(&db->is_checkpoint_due);
}

/* As SQLite's own automatic checkpoint, which would keep a failure to itself, and make whoever
 * commits wait for it: it can wait for a quiet moment until there is twice as much. */
static int on_wal(void *ctx, sqlite3 *handle, const char *name, int pages)
{
	struct db *db = ctx;
	(void)handle;
	(void)name;
	if (pages >= db->checkpoint_pages * CHECKPOINT_PRESSES) {
		db_checkpoint(db);
	} else {
		atomic_store(&db->is_checkpoint_due, !db->is_bulk && pages >= db->checkpoint_pages);
	}
	return SQLITE_OK;
}

void db_checkpoint_at(struct db *db, int pages)
{
	db->checkpoint_pages = pages;
}

static enum err set_cache(struct db *db, int kib)
{
	char text[48];
	(void)snprintf(text, sizeof(text), "PRAGMA cache_size = -%lld",
		(long long)memory_share((int64_t)kib * KIB, CACHE_BYTES_MIN) / KIB);
	return db_exec(db, text);
}

void db_bulk_begins(struct db *db)
{
	db->is_bulk = true;
	/* Without memory for it the present one does. */
	(void)!set_cache(db, BULK_CACHE_KIB);
}

void db_empty_wal(struct db *db)
{
	(void)sqlite3_busy_timeout(db->handle, 0);
	int rc = sqlite3_wal_checkpoint_v2(
		db->handle, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	(void)sqlite3_busy_timeout(db->handle, BUSY_MS);
	db->doubt = (rc & 0xff) == SQLITE_IOERR ? DOUBT_LOST : db->doubt;
}

void db_bulk_ends(struct db *db)
{
	db->is_bulk = false;
	db_empty_wal(db);
	(void)!set_cache(db, WRITER_CACHE_KIB);
	(void)sqlite3_db_release_memory(db->handle);
}

/* Of a new file only: a page that is free can be given back to the disk (writer_shrink()). How a
 * file of an older kith becomes so stands in store/migrate. */
static enum err set_vacuum(struct db *db)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db->handle, "PRAGMA page_count", -1, &stmt, NULL);
	bool is_new = rc == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW &&
		      sqlite3_column_int64(stmt, 0) == 0;
	rc = sqlite3_finalize(stmt);
	if (rc != SQLITE_OK || !is_new) {
		return from_rc(db, rc);
	}
	return db_exec(db, "PRAGMA auto_vacuum = INCREMENTAL");
}

static enum err set_up(struct db *db, enum db_role role)
{
	static const struct {
		int op, on;
	} flags[] = {
		{SQLITE_DBCONFIG_DEFENSIVE, 1},
		{SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
		{SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
		{SQLITE_DBCONFIG_DQS_DML, 0},
		{SQLITE_DBCONFIG_DQS_DDL, 0},
		{SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
		{SQLITE_DBCONFIG_ENABLE_VIEW, 0},
	};
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		int rc = sqlite3_db_config(db->handle, flags[i].op, flags[i].on, NULL);
		if (rc != SQLITE_OK) {
			return from_rc(db, rc);
		}
	}
	set_limits(db->handle);
	(void)sqlite3_extended_result_codes(db->handle, 1);
	(void)sqlite3_busy_timeout(db->handle, BUSY_MS);
	(void)sqlite3_progress_handler(db->handle, PROGRESS_OPS, on_progress, db);
	enum err err = db_exec(db,
		"PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON");
	if (err != ERR_OK) {
		return err;
	}
	if (role == DB_READER) {
		err = set_cache(db, READER_CACHE_KIB);
		return err == ERR_OK ? db_exec(db, "PRAGMA query_only = ON") : err;
	}
	if (role == DB_COPY) {
		return db_exec(db, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -4096;"
				   "PRAGMA synchronous = OFF; PRAGMA secure_delete = ON");
	}
	/* The WAL is copied back at 16 MiB (4,096 pages) when there is a quiet moment, at once and
	 * in a bulk at 32, and cut to 32 after a longer reader let it grow: below LIMIT_WAL_BYTES
	 * with room for one batch. */
	err = set_vacuum(db);
	if (err != ERR_OK) {
		return err;
	}
	err = db_exec(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
			  "PRAGMA journal_size_limit = 33554432; PRAGMA foreign_keys = OFF");
	if (err == ERR_OK) {
		err = set_cache(db, WRITER_CACHE_KIB);
	}
	db_checkpoint_at(db, CHECKPOINT_PAGES);
	(void)sqlite3_wal_hook(db->handle, on_wal, db);
	/* What an earlier process left in the WAL may have failed to reach the disk then. */
	db->doubt = DOUBT_OLD;
	return err;
}

void db_configure(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	(void)pthread_once(&once, configure_once);
}

enum err db_open_in(const char *vfs, const char *path, enum db_role role, const struct env *env,
	struct db **out)
{
	db_configure();
	enum err err = role == DB_READER ? vfs_look(vfs, path) : ERR_OK;
	if (err != ERR_OK) {
		return err;
	}
	struct db *db = calloc(1, sizeof(*db));
	if (db == NULL) {
		return ERR_NOMEM;
	}
	db->env = env;
	/* A reader opens for writing too, as the WAL's shared memory asks for it beside a stopped
	 * node; query_only holds it back. */
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
		    (role == DB_READER ? 0 : SQLITE_OPEN_CREATE);
	int rc = sqlite3_open_v2(path, &db->handle, flags, vfs);
	err = rc == SQLITE_OK ? set_up(db, role) : from_rc(db, rc);
	if (err != ERR_OK) {
		db_close(db);
		return err;
	}
	*out = db;
	return ERR_OK;
}

void db_close(struct db *db)
{
	if (db == NULL) {
		return;
	}
	if (db->kept != NULL) {
		db->drop(db->kept);
	}
	for (size_t i = 0; i < STATEMENTS_MAX; i++) {
		(void)sqlite3_finalize(db->statements[i].stmt);
	}
	(void)sqlite3_finalize(db->rollback);
	int rc = sqlite3_close(db->handle);
	assert(rc == SQLITE_OK);
	(void)rc;
	free(db);
}

sqlite3 *db_handle(struct db *db)
{
	return db->handle;
}

const char *db_why(struct db *db)
{
	return sqlite3_errmsg(db->handle);
}

enum err db_exec(struct db *db, const char *sql)
{
	return from_rc(db, sqlite3_exec(db->handle, sql, NULL, NULL, NULL));
}

/* Is what is committed now promised to somebody? */
static bool is_promising(struct db *db)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db->handle, "PRAGMA synchronous", -1, &stmt, NULL);
	/* When it cannot be asked, yes. */
	bool is_full = rc != SQLITE_OK || sqlite3_step(stmt) != SQLITE_ROW ||
		       sqlite3_column_int(stmt, 0) >= 2;
	(void)sqlite3_finalize(stmt);
	return is_full;
}

/* A sync that failed may have lost what it was for, though it can still be read: Linux forgets that
 * it is not on the disk. What is written behind it in the WAL would be lost with it when the power
 * fails. So all of the WAL goes into the database first, and the next commit begins a new one. A
 * reader that needs the old one is in the way of that: what promises nothing goes on, a promise
 * waits for the reader, and is not given while it stays. */
static enum err trust_wal(struct db *db)
{
	bool must_wait = db->doubt == DOUBT_LOST && is_promising(db);
	(void)sqlite3_busy_timeout(db->handle, must_wait ? BUSY_MS : 0);
	int rc = sqlite3_wal_checkpoint_v2(
		db->handle, "main", SQLITE_CHECKPOINT_RESTART, NULL, NULL);
	(void)sqlite3_busy_timeout(db->handle, BUSY_MS);
	bool is_busy = (rc & 0xff) == SQLITE_BUSY;
	if (!is_busy) {
		db->doubt = rc == SQLITE_OK ? DOUBT_NONE : DOUBT_LOST;
	}
	return is_busy && !must_wait ? ERR_OK : from_rc(db, rc);
}

void *db_kept(const struct db *db)
{
	return db->kept;
}

void db_keep(struct db *db, void *kept, void (*drop)(void *kept))
{
	assert(db->kept == NULL);
	db->kept = kept;
	db->drop = drop;
}

uint64_t db_undone(const struct db *db)
{
	return db->undone;
}

bool db_is_unsettled(const struct db *db)
{
	return db->is_unsettled;
}

void db_is_settled(struct db *db)
{
	db->is_unsettled = false;
}

void db_rollback(struct db *db)
{
	db->undone++;
	db->is_unsettled = db->is_unsettled || sqlite3_get_autocommit(db->handle) != 0;
	if (sqlite3_get_autocommit(db->handle) == 0) {
		(void)sqlite3_step(db->rollback);
		(void)sqlite3_reset(db->rollback);
	}
}

/* To end a transaction is needed most without memory. So the statement for it is made before there
 * is one, and made again when the schema changed, which a step outside of a transaction does before
 * it fails. */
static enum err ready_rollback(struct db *db)
{
	int rc = SQLITE_OK;
	if (db->rollback == NULL) {
		rc = sqlite3_prepare_v3(
			db->handle, "ROLLBACK", -1, SQLITE_PREPARE_PERSISTENT, &db->rollback, NULL);
	}
	if (rc == SQLITE_OK) {
		rc = sqlite3_step(db->rollback);
		(void)sqlite3_reset(db->rollback);
	}
	return (rc & 0xff) == SQLITE_ERROR ? ERR_OK : from_rc(db, rc);
}

enum err db_begin(struct db *db)
{
	enum err err = db->doubt != DOUBT_NONE ? trust_wal(db) : ERR_OK;
	if (err == ERR_OK) {
		err = ready_rollback(db);
	}
	return err == ERR_OK ? db_exec(db, "BEGIN IMMEDIATE") : err;
}

enum err db_begin_reading(struct db *db)
{
	enum err err = ready_rollback(db);
	return err == ERR_OK ? db_exec(db, "BEGIN") : err;
}

void db_watch(struct db *db, bool (*may_go_on)(void *ctx), void *ctx)
{
	db->may_go_on = may_go_on;
	db->watch_ctx = ctx;
}

void db_deadline(struct db *db, int64_t ms)
{
	db->deadline_ms = ms == 0 ? 0 : env_mono_ms(db->env) + ms;
}

enum err db_query(struct db *db, const struct query *query, sqlite3_stmt **out)
{
	size_t at = ((uintptr_t)query >> 4) * 2654435761u % STATEMENTS_MAX;
	while (db->statements[at].query != NULL && db->statements[at].query != query) {
		at = (at + 1) % STATEMENTS_MAX;
	}
	if (db->statements[at].query == NULL) {
		assert(db->statement_count < STATEMENTS_MAX - 1);
		sqlite3_stmt *stmt = NULL;
		int rc = sqlite3_prepare_v3(
			db->handle, query->sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
		if (rc != SQLITE_OK) {
			return from_rc(db, rc);
		}
		db->statements[at].query = query;
		db->statements[at].stmt = stmt;
		db->statement_count++;
	}
	*out = db->statements[at].stmt;
	return ERR_OK;
}

void db_reset(sqlite3_stmt *stmt)
{
	(void)sqlite3_reset(stmt); /* repeats the error that db_step() told */
	(void)sqlite3_clear_bindings(stmt);
}

enum err db_step(struct db *db, sqlite3_stmt *stmt)
{
	int rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		return ERR_OK;
	}
	enum err err = rc == SQLITE_DONE ? ERR_NOT_FOUND : from_rc(db, rc);
	db_reset(stmt);
	return err;
}

enum err db_run(struct db *db, sqlite3_stmt *stmt)
{
	enum err err = db_step(db, stmt);
	if (err == ERR_OK) {
		db_reset(stmt); /* a pragma may give a row; nobody wants it */
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

QUERY(sql_quick_check, "PRAGMA quick_check(1)");

enum err db_quick_check(struct db *db, bool *is_sound)
{
	sqlite3_stmt *stmt = NULL;
	*is_sound = false;
	enum err err = db_query(db, &sql_quick_check, &stmt);
	if (err == ERR_OK) {
		err = db_step(db, stmt);
	}
	if (err == ERR_OK) {
		*is_sound = span_equal_text(db_column(stmt, 0), "ok");
		db_reset(stmt);
	}
	return err;
}

bool db_column_id(sqlite3_stmt *stmt, int at, uint8_t id[static ID_BYTES])
{
	struct span bytes = db_column(stmt, at);
	if (bytes.len != ID_BYTES) {
		return false;
	}
	memcpy(id, bytes.at, ID_BYTES);
	return true;
}

bool db_column_key(sqlite3_stmt *stmt, int head, int tail, struct message_id *out)
{
	uint64_t first = (uint64_t)sqlite3_column_int64(stmt, head);
	struct span rest = db_column(stmt, tail);
	if (rest.len != DB_KEY_TAIL_BYTES) {
		return false;
	}
	for (int i = 0; i < DB_KEY_HEAD_BYTES; i++) {
		out->at[i] = (uint8_t)(first >> (56 - 8 * i));
	}
	memcpy(out->at + DB_KEY_HEAD_BYTES, rest.at, DB_KEY_TAIL_BYTES);
	return true;
}
