/*
 * A backup is read to its very end before anything of it gets a name that counts: only then is it
 * known that it is whole. The database in it is looked over and must be whose the manifest says it
 * is; then it learns that it was restored.
 */
#include "store/restore.h"

#include "base/file.h"
#include "store/fence.h"
#include "store/inside.h"
#include "store/migrate.h"
#include "store/vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

QUERY(sql_restore_self, "SELECT id, sequence, head FROM feeds WHERE feed = 1");
QUERY(sql_restore_setting, "INSERT OR REPLACE INTO settings (name, text) VALUES (?1, ?2)");
QUERY(sql_restore_state, "DELETE FROM settings WHERE name = ?1");
QUERY(sql_restore_witness,
	"INSERT OR REPLACE INTO witnesses (name, sequence, key, at) VALUES (?1, ?2, ?3, ?4)");

enum { SECRET_ENTRY = 1, DATABASE_ENTRY = 2 };

struct restore {
	const struct restore_opts *opts;
	struct bundle_manifest *manifest;
	struct buf *secret;
	int fd; /* of the database on its way */
	char *why;
	size_t why_bytes;
};

static char *path_in(const char *dir, const char *name)
{
	char *path = NULL;
	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

#define DATABASE_PART "kith.db.restore"

static enum err fail(struct restore *restore, enum err err, const char *sentence)
{
	(void)snprintf(restore->why, restore->why_bytes, "%s", sentence);
	return err;
}

static enum err fail_at(struct restore *restore, enum err err)
{
	return fail(restore, err,
		err == ERR_DISK_FULL ? "There is not enough room on the disk for what is in it."
		: err == ERR_NOMEM   ? "There is no memory left."
				     : "The data directory cannot be written.");
}

/* Bytes. */

static enum err on_database(void *ctx, struct span bytes)
{
	struct restore *restore = ctx;
	enum err err = file_write_all(restore->fd, bytes);
	return err == ERR_OK ? ERR_OK : fail_at(restore, err);
}

static enum err on_secret(void *ctx, struct span bytes)
{
	struct restore *restore = ctx;
	enum err err = buf_append(restore->secret, bytes);
	return err == ERR_OK ? ERR_OK
			     : fail(restore, err, "The key in this backup is not a secret file.");
}

static enum err check_room(struct restore *restore, uint64_t bytes)
{
	struct statvfs at;
	if (statvfs(restore->opts->dir, &at) != 0 ||
		bytes + (uint64_t)LIMIT_DISK_FREE_OWN_BYTES <=
			(uint64_t)at.f_bavail * (uint64_t)at.f_frsize) {
		return ERR_OK;
	}
	return fail_at(restore, ERR_DISK_FULL);
}

static enum err take_entries(struct restore *restore, struct bundle_reader *reader)
{
	const struct bundle_manifest *manifest = restore->manifest;
	int seen = 0;
	enum err err = ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < manifest->entry_count; i++) {
		const struct bundle_entry *entry = &manifest->entries[i];
		bool is_secret = strcmp(entry->name, "secret") == 0;
		bool is_database = strcmp(entry->name, "kith.db") == 0;
		int what = is_secret ? SECRET_ENTRY : is_database ? DATABASE_ENTRY : 0;
		if (what == 0 || (seen & what) != 0) {
			return fail(restore, ERR_NEWER,
				"There is something in this backup that this kith does not know.");
		}
		seen |= what;
		err = is_database ? check_room(restore, entry->bytes) : ERR_OK;
		if (err == ERR_OK) {
			restore->why[0] = '\0';
			err = bundle_read_entry(
				reader, is_secret ? on_secret : on_database, restore);
			if (err != ERR_OK && restore->why[0] == '\0') {
				(void)fail(restore, err, bundle_why(reader));
			}
		}
	}
	if (err == ERR_OK && (seen & DATABASE_ENTRY) == 0) {
		err = fail(restore, ERR_REFUSED, "There is no database in this backup.");
	}
	if (err == ERR_OK && (err = bundle_end(reader)) != ERR_OK) {
		(void)fail(restore, err, bundle_why(reader));
	}
	return err;
}

static enum err unpack_to(struct restore *restore, const char *path)
{
	struct bundle_reader *reader = NULL;
	(void)unlink(path);
	restore->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (restore->fd < 0) {
		return fail_at(restore, errno == ENOSPC ? ERR_DISK_FULL : ERR_IO);
	}
	enum err err = bundle_open(restore->opts->fd, &restore->opts->opener, &reader, restore->why,
		restore->why_bytes);
	if (err == ERR_OK) {
		*restore->manifest = *bundle_manifest(reader);
		err = take_entries(restore, reader);
	}
	bundle_reader_free(reader);
	if (close(restore->fd) != 0 && err == ERR_OK) {
		err = fail_at(restore, ERR_IO);
	}
	return err;
}

/* What was unpacked. */

static enum err check_sound(struct restore *restore, struct db *db)
{
	bool is_sound = false;
	enum err err = db_quick_check(db, &is_sound);
	return is_sound ? ERR_OK
			: fail(restore, err == ERR_NOMEM ? err : ERR_DAMAGED,
				  "The database in this backup is damaged.");
}

static enum err check_self(struct restore *restore, struct db *db)
{
	const struct bundle_manifest *manifest = restore->manifest;
	sqlite3_stmt *stmt = NULL;
	struct feed_id self;
	struct message_id head;
	bool is_same = false;
	enum err err = db_query(db, &sql_restore_self, &stmt);
	if (err == ERR_OK) {
		err = db_step(db, stmt);
	}
	if (err == ERR_OK) {
		is_same = db_column_id(stmt, 0, self.at) &&
			  feed_id_equal(&self, &manifest->identity) &&
			  (uint64_t)sqlite3_column_int64(stmt, 1) == manifest->sequence &&
			  (manifest->sequence == 0 ||
				  (db_column_id(stmt, 2, head.at) &&
					  message_id_equal(&head, &manifest->head)));
		db_reset(stmt);
	}
	return is_same ? ERR_OK
		       : fail(restore, err == ERR_NOMEM ? err : ERR_DAMAGED,
				 "The database in this backup is not the one its list of contents "
				 "speaks of.");
}

/* An older schema is brought up to date by the next start; one before 3 has no place for what is
 * written here, and no backup was ever made of it. */
static enum err check_schema(struct restore *restore, struct db *db)
{
	char why[200] = "";
	enum err err = migrate_check(db, embedded_schema_count, why, sizeof(why));
	if (err == ERR_NEWER) {
		return fail(restore, err,
			"The database in this backup was made by a newer kith: bring this one up "
			"to date first.");
	}
	return err == ERR_OK || err == ERR_REFUSED ? ERR_OK : fail_at(restore, err);
}

static enum err put_setting(struct db *db, const char *name, int64_t number)
{
	sqlite3_stmt *stmt = NULL;
	char text[24];
	(void)snprintf(text, sizeof(text), "%lld", (long long)number);
	enum err err = db_query(db, &sql_restore_setting, &stmt);
	if (err == ERR_OK) {
		db_blob(stmt, 1, span_text(name));
		db_blob(stmt, 2, span_text(text));
		err = db_run(db, stmt);
	}
	return err;
}

static enum err put_witness(struct restore *restore, struct db *db, const char *name,
	uint64_t sequence, const struct message_id *key)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(db, &sql_restore_witness, &stmt);
	if (err == ERR_OK) {
		db_blob(stmt, 1, span_text(name));
		db_int(stmt, 2, (int64_t)sequence);
		if (key != NULL) {
			db_blob(stmt, 3, span_of(key->at, ID_BYTES));
		}
		db_int(stmt, 4, env_wall_ms(restore->opts->env));
		err = db_run(db, stmt);
	}
	return err;
}

/* A safety file without its database: it may know of messages that are not in the backup. */
static enum err keep_fence(struct restore *restore, struct db *db)
{
	char *path = path_in(restore->opts->dir, "fence");
	struct fence *fence = NULL;
	enum err err = ERR_OK;
	if (path != NULL && fence_open(path, &fence) == ERR_OK) {
		const struct fence_facts *facts = fence_facts(fence);
		bool has_intent = facts->intent_sequence > facts->sequence;
		uint64_t sequence = has_intent ? facts->intent_sequence : facts->sequence;
		if (feed_id_equal(&facts->identity, &restore->manifest->identity) && sequence > 0) {
			err = put_witness(restore, db, "fence", sequence,
				has_intent ? &facts->intent_key : &facts->head);
		}
	}
	fence_close(fence);
	free(path);
	return err;
}

/* What one machine moved out, another goes on with: there it is a restored node like any other. */
static enum err let_go_on(struct db *db)
{
	static const char *const names[] = {"state", "state_why", "cause"};
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(db, &sql_restore_state, &stmt);
	for (size_t i = 0; err == ERR_OK && i < sizeof(names) / sizeof(names[0]); i++) {
		db_blob(stmt, 1, span_text(names[i]));
		err = db_run(db, stmt);
	}
	return err;
}

static enum err mark(struct restore *restore, struct db *db)
{
	const struct bundle_manifest *manifest = restore->manifest;
	bool is_move = manifest->kind == BUNDLE_MOVE;
	enum err err = put_setting(db, "restored_at", env_wall_ms(restore->opts->env));
	if (err == ERR_OK) {
		err = put_setting(db, "backup_ok", manifest->created_ms);
	}
	if (err == ERR_OK && manifest->sequence > 0) {
		err = put_witness(restore, db, is_move ? "move" : "backup", manifest->sequence,
			is_move ? &manifest->head : NULL);
	}
	if (err == ERR_OK) {
		err = keep_fence(restore, db);
	}
	if (err == ERR_OK && is_move) {
		err = let_go_on(db);
	}
	return err == ERR_OK ? ERR_OK : fail_at(restore, err);
}

static enum err judge(struct restore *restore, const char *path)
{
	struct db *db = NULL;
	enum err err = db_open(path, DB_COPY, restore->opts->env, &db);
	if (err != ERR_OK) {
		return err == ERR_DAMAGED
			       ? fail(restore, err, "The database in this backup is damaged.")
			       : fail_at(restore, err);
	}
	err = check_sound(restore, db);
	if (err == ERR_OK) {
		err = check_schema(restore, db);
	}
	if (err == ERR_OK) {
		err = check_self(restore, db);
	}
	if (err == ERR_OK) {
		err = mark(restore, db);
	}
	db_close(db);
	return err;
}

enum err restore_unpack(const struct restore_opts *opts, struct bundle_manifest *manifest,
	struct buf *secret, char *why, size_t why_bytes)
{
	struct restore restore = {.opts = opts,
		.manifest = manifest,
		.secret = secret,
		.fd = -1,
		.why = why,
		.why_bytes = why_bytes};
	struct stat is;
	char *database = path_in(opts->dir, "kith.db");
	char *part = path_in(opts->dir, DATABASE_PART);
	enum err err = ERR_OK;
	if (database == NULL || part == NULL) {
		err = fail_at(&restore, ERR_NOMEM);
	} else if (lstat(database, &is) == 0) {
		(void)snprintf(why, why_bytes,
			"There is a database in %s already, and it stays: restore into an empty "
			"directory.",
			opts->dir);
		err = ERR_EXISTS;
	}
	if (err == ERR_OK) {
		err = unpack_to(&restore, part);
		if (err == ERR_OK) {
			err = judge(&restore, part);
		}
		if (err != ERR_OK) {
			restore_undo(opts->dir);
		}
	}
	free(database);
	free(part);
	return err;
}

/* Files of a database that is gone: SQLite would mix them into the one that comes. */
static void remove_remains(const char *database)
{
	static const char *const endings[] = {"-wal", "-shm", "-journal"};
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		char *path = NULL;
		if (asprintf(&path, "%s%s", database, endings[i]) >= 0) {
			(void)unlink(path);
			free(path);
		}
	}
}

enum err restore_finish(const char *dir, char *why, size_t why_bytes)
{
	char *database = path_in(dir, "kith.db");
	char *part = path_in(dir, DATABASE_PART);
	char *fence = path_in(dir, "fence");
	char *aside = path_in(dir, "fence.before");
	enum err err = ERR_NOMEM;
	if (database != NULL && part != NULL && fence != NULL && aside != NULL) {
		/* First: a database with a fence that fits by chance must never be started. */
		err = file_move(fence, aside);
		err = err == ERR_NOT_FOUND ? ERR_OK : err;
		if (err == ERR_OK) {
			remove_remains(database);
			err = file_move(part, database);
		}
	}
	if (err != ERR_OK) {
		(void)snprintf(why, why_bytes, "The database cannot be put in its place: %s.",
			err_text(err));
	}
	free(database);
	free(part);
	free(fence);
	free(aside);
	return err;
}

void restore_undo(const char *dir)
{
	static const char *const names[] = {DATABASE_PART, DATABASE_PART "-journal",
		DATABASE_PART "-wal", DATABASE_PART "-shm"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *path = path_in(dir, names[i]);
		if (path != NULL) {
			(void)unlink(path);
		}
		free(path);
	}
}
