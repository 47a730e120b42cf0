/*
 * One data directory's database. The read-write connection is opened here, used for the migration,
 * and then lent to the writer; readers open their own. Feed 1 is the node's owner: a database is
 * never used with another key.
 */
#include "store/inside.h"

#include "base/limits.h"
#include "store/layer.h"
#include "store/migrate.h"
#include "store/veil.h"
#include "store/vfs.h"

#include <assert.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static atomic_uint_fast64_t stores_opened;

QUERY(sql_self, "SELECT id FROM feeds WHERE feed = 1");
QUERY(sql_self_put, "INSERT INTO feeds (feed, id) VALUES (1, ?1)");

char *store_path(const struct store *store, const char *name)
{
	char *path = NULL;
	return asprintf(&path, "%s/%s", store->dir, name) < 0 ? NULL : path;
}

int64_t store_disk_free(const struct store *store)
{
	struct statvfs at;
	if (store->vfs != NULL || statvfs(store->dir, &at) != 0) {
		return -1;
	}
	return (int64_t)at.f_bavail * (int64_t)at.f_frsize;
}

void store_reserve_take(const struct store *store)
{
	char *path = store_path(store, "reserve");
	if (path == NULL || vfs_look(store->vfs, path) != ERR_NOT_FOUND ||
		store_disk_free(store) <
			LIMIT_DISK_FREE_REPLICATION_BYTES + LIMIT_DISK_RESERVE_BYTES) {
		free(path);
		return;
	}
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0) {
		if (posix_fallocate(fd, 0, (off_t)LIMIT_DISK_RESERVE_BYTES) != 0) {
			(void)unlink(path);
		}
		(void)close(fd);
	}
	free(path);
}

bool store_reserve_give(const struct store *store)
{
	char *path = store_path(store, "reserve");
	bool is_given = path != NULL && vfs_remove(store->vfs, path);
	free(path);
	return is_given;
}

void store_room_ring(struct store *store)
{
	(void)pthread_mutex_lock(&store->room.lock);
	store->room.is_rung = true;
	(void)pthread_cond_signal(&store->room.bell);
	(void)pthread_mutex_unlock(&store->room.lock);
}

void store_room_take(struct store *store, int64_t bytes)
{
	long long before = atomic_fetch_sub(&store->room.left, bytes);
	long long low = atomic_load(&store->room.low);
	if (atomic_load(&store->room.is_set) && before >= low && before - bytes < low) {
		store_room_ring(store);
	}
}

bool store_room_is_left(struct store *store)
{
	return !atomic_load(&store->room.is_set) || atomic_load(&store->room.left) > 0;
}

bool store_room_for(struct store *store, int64_t bytes)
{
	if (!atomic_load(&store->room.is_set) || atomic_load(&store->room.left) >= bytes) {
		return true;
	}
	if (atomic_load(&store->room.wanted) < bytes) {
		atomic_store(&store->room.wanted, bytes);
	}
	store_room_ring(store);
	return false;
}

void store_place(const struct store *store, uint64_t *device, uint64_t *inode)
{
	struct stat is;
	uint64_t place[2] = {0};
	if (store->vfs == NULL && stat(store->dir, &is) == 0) {
		place[0] = (uint64_t)is.st_dev;
		place[1] = (uint64_t)is.st_ino;
	}
	if (store->vfs != NULL && sqlite3_file_control(db_handle(store->writer), "main",
					  VFS_CONTROL_PLACE, place) != SQLITE_OK) {
		memset(place, 0, sizeof(place));
	}
	*device = place[0];
	*inode = place[1];
}

static enum err take_self(struct store *store, const struct store_opts *opts, struct db *db,
	char *why, size_t why_bytes)
{
	static const struct feed_id nobody;
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(db, &sql_self, &stmt);
	if (err == ERR_OK) {
		err = db_step(db, stmt);
	}
	if (err == ERR_OK) {
		bool is_whole = db_column_id(stmt, 0, store->self.at);
		db_reset(stmt);
		if (is_whole &&
			(feed_id_equal(&store->self, &opts->self) ||
				(opts->is_read_only && feed_id_equal(&opts->self, &nobody)))) {
			return ERR_OK;
		}
		(void)snprintf(why, why_bytes,
			"The database in %s belongs to another key than the one beside it.",
			store->dir);
		return ERR_REFUSED;
	}
	store->self = opts->self;
	if (err == ERR_NOT_FOUND && opts->is_read_only) {
		return ERR_OK;
	}
	if (err == ERR_NOT_FOUND) {
		err = db_query(db, &sql_self_put, &stmt);
		if (err == ERR_OK) {
			db_blob(stmt, 1, span_of(store->self.at, ID_BYTES));
			err = db_run(db, stmt);
		}
	}
	if (err != ERR_OK) {
		(void)snprintf(why, why_bytes, "The database in %s cannot be used: %s.", store->dir,
			db_why(db));
	}
	return err;
}

static enum err open_for_writing(
	struct store *store, const struct store_opts *opts, char *why, size_t why_bytes)
{
	enum err err =
		db_open_in(store->vfs, store->database, DB_WRITER, store->env, &store->writer);
	if (err != ERR_OK) {
		(void)snprintf(why, why_bytes, "The database %s cannot be opened: %s.",
			store->database, err_text(err));
		return err;
	}
	char *snapshots = store_path(store, "snapshots");
	if (snapshots == NULL) {
		return ERR_NOMEM;
	}
	const struct migrate_plan plan = {.files = embedded_schema,
		.count = embedded_schema_count,
		.snapshot_dir = snapshots,
		.vfs = store->vfs,
		.progress = opts->progress};
	err = migrate_run(store->writer, &plan, store->env, why, why_bytes);
	free(snapshots);
	if (err == ERR_OK) {
		err = take_self(store, opts, store->writer, why, why_bytes);
	}
	if (err == ERR_OK) {
		store_reserve_take(store);
	}
	return err;
}

static enum err open_for_reading(
	struct store *store, const struct store_opts *opts, char *why, size_t why_bytes)
{
	struct db *db = NULL;
	enum err err = db_open_in(store->vfs, store->database, DB_READER, store->env, &db);
	if (err != ERR_OK) {
		(void)snprintf(why, why_bytes,
			err == ERR_NOT_FOUND ? "There is no database in %s yet."
			: err == ERR_DAMAGED ? "The database in %s is damaged."
					     : "The database in %s cannot be opened: you may "
					       "need the right to write there.",
			store->dir);
		return err;
	}
	err = migrate_check(db, embedded_schema_count, why, why_bytes);
	if (err == ERR_OK) {
		err = take_self(store, opts, db, why, why_bytes);
	}
	db_close(db);
	return err;
}

static void room_init(struct store_room *room)
{
	pthread_condattr_t attr;
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&room->bell, &attr);
	(void)pthread_condattr_destroy(&attr);
	(void)pthread_mutex_init(&room->lock, NULL);
}

enum err store_open(const struct store_opts *opts, struct store **out, char *why, size_t why_bytes)
{
	(void)snprintf(why, why_bytes, "There is no memory left.");
	struct store *store = calloc(1, sizeof(*store));
	if (store == NULL) {
		return ERR_NOMEM;
	}
	store->env = opts->env;
	store->vfs = opts->vfs;
	store->number = atomic_fetch_add(&stores_opened, 1) + 1;
	(void)pthread_mutex_init(&store->veil_lock, NULL);
	(void)pthread_mutex_init(&store->layer_lock, NULL);
	room_init(&store->room);
	store->dir = strdup(opts->dir);
	store->database = store->dir == NULL ? NULL : store_path(store, "kith.db");
	enum err err = ERR_NOMEM;
	if (store->database != NULL) {
		err = opts->is_read_only ? open_for_reading(store, opts, why, why_bytes)
					 : open_for_writing(store, opts, why, why_bytes);
	}
	if (err != ERR_OK) {
		store_close(store);
		return err;
	}
	why[0] = '\0';
	*out = store;
	return ERR_OK;
}

void store_settle(struct store *store)
{
	db_empty_wal(store->writer);
}

void store_close(struct store *store)
{
	if (store == NULL) {
		return;
	}
	assert(atomic_load(&store->readers) == 0);
	veil_release(store->veil);
	(void)pthread_mutex_destroy(&store->veil_lock);
	layer_release(store, store->layer);
	(void)pthread_mutex_destroy(&store->layer_lock);
	(void)pthread_cond_destroy(&store->room.bell);
	(void)pthread_mutex_destroy(&store->room.lock);
	/* Closing the last connection copies the WAL back and removes it. */
	db_close(store->writer);
	free(store->database);
	free(store->dir);
	free(store);
}

const char *store_engine(void)
{
	return sqlite3_libversion();
}

const struct env *store_env(const struct store *store)
{
	return store->env;
}

const struct feed_id *store_self(const struct store *store)
{
	return &store->self;
}

const char *store_dir(const struct store *store)
{
	return store->dir;
}
