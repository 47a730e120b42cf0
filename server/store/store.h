/**
 * store/store: one data directory's database: opening, migrating, closing. No other floor sees
 * sqlite3.h.
 *
 * Directory: `kith.db` (WAL), `fence` (store/fence), `reserve` (a file given up when the disk is
 * full), `snapshots/`. The process lock of the directory is the caller's (base/file file_lock_dir).
 * One store per process; its connections are the writer's one and one per reader.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/env.h"
#include "feed/id.h"

struct store;

/* How far a database has come on its way to the form of this program. */
struct store_progress {
	/* Called now and then, on the thread that opens it, at most every LIMIT_STARTING_MS; false:
	 * stop, nothing was changed. NULL: nobody wants to know. */
	bool (*on_progress)(void *ctx, int per_mille);
	void *ctx;
};

struct store_opts {
	const char *dir; /* copied; must exist */
	const struct env *env;
	struct feed_id self; /* whose node this is */
	const char *vfs; /* name of the SQLite VFS that database, fence and copies go through; NULL:
			    the system's. Static */
	bool is_read_only; /* for commands beside a running node: no migration, no writer */
	struct store_progress progress; /* of a migration */
};

/**
 * Open or create the database and bring its schema up to date (a dated copy by VACUUM INTO is made
 * before an existing database is changed). ERR_NEWER: made by a newer kith; ERR_NOT_FOUND:
 * read-only and there is none; ERR_IO, ERR_DISK_FULL; `why` gets one sentence for people.
 */
MUST_USE enum err store_open(
	const struct store_opts *opts, struct store **out, char *why, size_t why_bytes);
/** The writer is gone, but somebody still holds a reader, so that the store cannot be closed: copy
 * back what the WAL has. */
void store_settle(struct store *store);
/** After every reader and the writer are gone. Checkpoints the WAL. */
void store_close(struct store *store);

/** The version of the library behind it, for people. */
const char *store_engine(void);
const struct env *store_env(const struct store *store);
const struct feed_id *store_self(const struct store *store);
const char *store_dir(const struct store *store);

/** Schema files built into the program, in order; provided by the embed tool (see
 * server/tools/embed.c). */
struct embedded_file {
	const char *name; /* "001-log.sql", or the path below web/ */
	const unsigned char *at;
	size_t len;
	const unsigned char *gzip_at; /* NULL when compressing did not pay */
	size_t gzip_len;
	const char *mime; /* web files only */
};
extern const struct embedded_file embedded_schema[];
extern const size_t embedded_schema_count;

#endif
