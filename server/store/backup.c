/*
 * The database is copied page by page on a connection of its own, inside one read transaction: the
 * writer goes on, and the copy is of the moment it began. What the manifest says is read from the
 * copy, so the two cannot differ. The file is synced, its memory given up, and then read back from
 * the disk with the same passphrase: a backup that has its name has been opened once.
 */
#include "store/backup.h"

#include "base/file.h"
#include "store/reader_inside.h"
#include "store/vfs.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

QUERY(sql_page_count, "PRAGMA page_count");
QUERY(sql_page_size, "PRAGMA page_size");
QUERY(sql_backup_self, "SELECT id, sequence, head FROM feeds WHERE feed = 1");
QUERY(sql_backup_figures, "SELECT name, n FROM figures");
QUERY(sql_backup_holders, "SELECT f.id, h.sequence, h.at FROM holders h CROSS JOIN feeds f ON "
			  "f.feed = h.peer ORDER BY h.sequence DESC LIMIT ?1");
QUERY(sql_backup_served, "SELECT 1 FROM clocks WHERE feed = 1 AND note > 0 LIMIT 1");

/* Sessions and witnesses are of this machine; what is held ahead was never checked one by one, and
 * comes again; what came alone may be asked for again. */
static const char sql_leave_out[] =
	"DELETE FROM sessions; DELETE FROM witnesses; DELETE FROM posts WHERE message >= "
	"281474976710656; DELETE FROM ahead; DELETE FROM ahead_feeds; DELETE FROM strays";

enum { COPY_PAGES = 256, READ_BYTES = 64 * KIB, PROGRESS_OPS = 20000 };

struct backup {
	const struct backup_opts *opts;
	struct bundle_manifest *manifest;
	char *copy;    /* the database's copy on its way */
	char *partial; /* the file on its way */
	uint64_t database_bytes;
	enum backup_phase phase;
	char *why;
	size_t why_bytes;
};

const char *backup_phase_text(enum backup_phase phase)
{
	static const char *const texts[] = {"copying", "sealing", "checking"};
	return texts[phase];
}

static enum err fail(struct backup *backup, enum err err, const char *sentence)
{
	(void)snprintf(backup->why, backup->why_bytes, "%s", sentence);
	return err;
}

static enum err fail_at(struct backup *backup, enum err err, const char *doing)
{
	const char *reason = err == ERR_DISK_FULL ? "the disk is full"
			     : err == ERR_NOMEM   ? "there is no memory left"
			     : err == ERR_CLOSED  ? "it was stopped"
						  : "the disk reported an error";
	(void)snprintf(backup->why, backup->why_bytes, "%s failed: %s.", doing, reason);
	return err;
}

static enum err tell(struct backup *backup, uint64_t done, uint64_t total)
{
	const struct backup_opts *opts = backup->opts;
	return opts->on_progress == NULL || opts->on_progress(opts->ctx, backup->phase, done, total)
		       ? ERR_OK
		       : ERR_CLOSED;
}

static enum err ask_number(struct db *db, const struct query *query, int64_t *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(db, query, &stmt);
	if (err == ERR_OK) {
		err = db_step(db, stmt);
	}
	if (err == ERR_OK) {
		*out = sqlite3_column_int64(stmt, 0);
		db_reset(stmt);
	}
	return err;
}

static enum err database_size(struct db *db, uint64_t *out)
{
	int64_t pages = 0;
	int64_t bytes = 0;
	enum err err = ask_number(db, &sql_page_count, &pages);
	if (err == ERR_OK) {
		err = ask_number(db, &sql_page_size, &bytes);
	}
	*out = (uint64_t)(pages * bytes);
	return err;
}

/* Room. */

static int64_t free_bytes(const char *dir, dev_t *device)
{
	struct statvfs at;
	struct stat is;
	if (statvfs(dir, &at) != 0 || stat(dir, &is) != 0) {
		return -1;
	}
	*device = is.st_dev;
	return (int64_t)at.f_bavail * (int64_t)at.f_frsize;
}

static enum err check_room(struct backup *backup)
{
	const struct backup_opts *opts = backup->opts;
	char *parent = strdup(opts->path);
	if (parent == NULL) {
		return fail_at(backup, ERR_NOMEM, "The backup");
	}
	dev_t here = 0;
	dev_t there = 0;
	int64_t size = (int64_t)backup->database_bytes;
	int64_t free_here = free_bytes(store_dir(opts->store), &here);
	int64_t free_there = free_bytes(dirname(parent), &there);
	free(parent);
	if (free_there < 0) {
		(void)snprintf(backup->why, backup->why_bytes, "The folder of %s is not there.",
			opts->path);
		return ERR_NOT_FOUND;
	}
	int64_t wanted = opts->room_bytes + size * (here == there ? 2 : 1);
	if (free_here >= 0 && (free_here < wanted || free_there < wanted)) {
		int64_t is_free = free_here < wanted ? free_here : free_there;
		(void)snprintf(backup->why, backup->why_bytes,
			"There is not enough room on the disk: %lld MB are free, %lld MB are "
			"needed.",
			(long long)is_free / 1000000, (long long)wanted / 1000000 + 1);
		return ERR_DISK_FULL;
	}
	return ERR_OK;
}

/* The copy. */

static enum err copy_pages(struct backup *backup, struct db *from, struct db *to)
{
	sqlite3_backup *run = sqlite3_backup_init(db_handle(to), "main", db_handle(from), "main");
	if (run == NULL) {
		return ERR_IO;
	}
	int rc = SQLITE_OK;
	enum err err = ERR_OK;
	while (err == ERR_OK && rc == SQLITE_OK) {
		rc = sqlite3_backup_step(run, COPY_PAGES);
		uint64_t total = (uint64_t)sqlite3_backup_pagecount(run);
		uint64_t left = (uint64_t)sqlite3_backup_remaining(run);
		err = total == 0 ? ERR_OK
				 : tell(backup, backup->database_bytes / total * (total - left),
					   backup->database_bytes);
	}
	int end = sqlite3_backup_finish(run);
	if (err != ERR_OK) {
		return err;
	}
	if (rc == SQLITE_DONE && end == SQLITE_OK) {
		return ERR_OK;
	}
	return (end & 0xff) == SQLITE_FULL    ? ERR_DISK_FULL
	       : (end & 0xff) == SQLITE_NOMEM ? ERR_NOMEM
					      : ERR_IO;
}

static int on_work(void *ctx)
{
	struct backup *backup = ctx;
	return tell(backup, backup->database_bytes, backup->database_bytes) == ERR_OK ? 0 : 1;
}

static enum err check_copy(struct backup *backup, struct db *copy)
{
	bool is_sound = false;
	enum err err = db_quick_check(copy, &is_sound);
	if (err == ERR_TIMEOUT) {
		return fail_at(backup, ERR_CLOSED, "Looking over the copy");
	}
	if (err == ERR_OK && is_sound) {
		return ERR_OK;
	}
	return err == ERR_OK || err == ERR_DAMAGED || err == ERR_NOT_FOUND
		       ? fail(backup, ERR_DAMAGED,
				 "The database is damaged, so no backup was made of it: run "
				 "kith check.")
		       : fail_at(backup, err, "Looking over the copy");
}

/* The manifest. */

static enum err read_self(struct db *copy, struct bundle_manifest *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(copy, &sql_backup_self, &stmt);
	if (err == ERR_OK) {
		err = db_step(copy, stmt);
	}
	if (err == ERR_OK) {
		out->sequence = (uint64_t)sqlite3_column_int64(stmt, 1);
		bool is_whole = db_column_id(stmt, 0, out->identity.at) &&
				(out->sequence == 0 || db_column_id(stmt, 2, out->head.at));
		db_reset(stmt);
		err = is_whole ? ERR_OK : ERR_DAMAGED;
	}
	return err;
}

static enum err read_figures(struct db *copy, struct bundle_manifest *out)
{
	const struct {
		const char *name;
		uint64_t *n;
	} rows[] = {{"feeds", &out->feeds}, {"messages", &out->messages}, {"posts", &out->posts}};
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(copy, &sql_backup_figures, &stmt);
	while (err == ERR_OK && (err = db_step(copy, stmt)) == ERR_OK) {
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			if (span_equal_text(db_column(stmt, 0), rows[i].name)) {
				*rows[i].n = (uint64_t)sqlite3_column_int64(stmt, 1);
			}
		}
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err read_holders(struct db *copy, struct bundle_manifest *out)
{
	sqlite3_stmt *stmt = NULL;
	int64_t one = 0;
	enum err err = db_query(copy, &sql_backup_holders, &stmt);
	if (err == ERR_OK) {
		db_int(stmt, 1, LIMIT_HOLDERS);
	}
	while (err == ERR_OK && (err = db_step(copy, stmt)) == ERR_OK) {
		struct bundle_holder *holder = &out->holders[out->holder_count];
		holder->sequence = (uint64_t)sqlite3_column_int64(stmt, 1);
		holder->seen_ms = sqlite3_column_int64(stmt, 2);
		out->holder_count += db_column_id(stmt, 0, holder->peer.at) ? 1 : 0;
	}
	if (err == ERR_NOT_FOUND) {
		err = ask_number(copy, &sql_backup_served, &one);
	}
	out->was_served = one == 1 || out->holder_count > 0;
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err read_manifest(struct backup *backup, struct db *copy)
{
	struct bundle_manifest *manifest = backup->manifest;
	manifest->kind = backup->opts->kind;
	manifest->created_ms = env_wall_ms(store_env(backup->opts->store));
	enum err err = read_self(copy, manifest);
	if (err == ERR_OK) {
		err = read_figures(copy, manifest);
	}
	if (err == ERR_OK) {
		err = read_holders(copy, manifest);
	}
	if (err == ERR_OK) {
		/* Emptied pages were copied with what they held: secure_delete overwrites it. */
		err = db_exec(copy, sql_leave_out);
	}
	return err == ERR_NOT_FOUND ? ERR_DAMAGED : err;
}

static enum err finish_copy(struct backup *backup, struct db *copy)
{
	sqlite3_progress_handler(db_handle(copy), PROGRESS_OPS, on_work, backup);
	/* One file that stands alone: the copy of a WAL's database says it has one. */
	enum err err = db_exec(copy, "PRAGMA journal_mode = OFF");
	if (err == ERR_OK) {
		err = check_copy(backup, copy);
		if (err != ERR_OK) {
			return err;
		}
		err = read_manifest(backup, copy);
	}
	if (err == ERR_OK) {
		err = database_size(copy, &backup->database_bytes);
	}
	return err == ERR_OK ? ERR_OK : fail_at(backup, err, "The copy of the database");
}

static enum err make_copy(struct backup *backup)
{
	struct store *store = backup->opts->store;
	struct reader *reader = NULL;
	struct db *copy = NULL;
	enum err err = reader_open(store, &reader);
	if (err == ERR_OK) {
		/* From the first question on, the reader sees one moment. */
		err = db_begin_reading(reader->db);
	}
	if (err == ERR_OK) {
		err = database_size(reader->db, &backup->database_bytes);
	}
	if (err != ERR_OK) {
		(void)fail_at(backup, err, "Reading the database");
		goto out;
	}
	err = check_room(backup);
	if (err != ERR_OK) {
		goto out;
	}
	err = db_open_in(store->vfs, backup->copy, DB_COPY, store->env, &copy);
	if (err == ERR_OK) {
		err = copy_pages(backup, reader->db, copy);
	}
	if (err != ERR_OK) {
		(void)fail_at(backup, err, "The copy of the database");
		goto out;
	}
	/* The writer's log may be emptied again. */
	reader_close(reader);
	reader = NULL;
	err = finish_copy(backup, copy);
out:
	db_close(copy);
	reader_close(reader);
	return err;
}

/* Sealing. */

static enum err each_part(
	struct backup *backup, enum err (*on_part)(void *ctx, struct span bytes), void *ctx)
{
	struct vfs_file *file = NULL;
	uint8_t *bytes = malloc(READ_BYTES);
	enum err err =
		bytes == NULL ? ERR_NOMEM : vfs_open(backup->opts->store->vfs, backup->copy, &file);
	for (uint64_t at = 0; err == ERR_OK && at < backup->database_bytes;) {
		uint64_t left = backup->database_bytes - at;
		size_t count = left < READ_BYTES ? (size_t)left : READ_BYTES;
		err = vfs_read(file, at, bytes, count);
		if (err == ERR_OK) {
			err = on_part(ctx, span_of(bytes, count));
		}
		at += count;
		if (err == ERR_OK) {
			err = tell(backup, at, backup->database_bytes);
		}
	}
	vfs_close(file);
	free(bytes);
	return err;
}

static enum err hash_part(void *ctx, struct span bytes)
{
	return crypto_hash_sha256_update(ctx, bytes.at, bytes.len) == 0 ? ERR_OK : ERR_NOMEM;
}

static enum err seal_part(void *ctx, struct span bytes)
{
	return bundle_write(ctx, bytes);
}

static enum err list_entries(struct backup *backup)
{
	struct bundle_manifest *manifest = backup->manifest;
	struct span secret = backup->opts->secret;
	crypto_hash_sha256_state state;
	if (secret.len > 0) {
		struct bundle_entry *entry = &manifest->entries[manifest->entry_count++];
		(void)snprintf(entry->name, sizeof(entry->name), "secret");
		entry->bytes = secret.len;
		if (crypto_hash_sha256(entry->sha256, secret.at, secret.len) != 0) {
			return ERR_NOMEM;
		}
	}
	struct bundle_entry *entry = &manifest->entries[manifest->entry_count++];
	(void)snprintf(entry->name, sizeof(entry->name), "kith.db");
	entry->bytes = backup->database_bytes;
	if (crypto_hash_sha256_init(&state) != 0) {
		return ERR_NOMEM;
	}
	enum err err = each_part(backup, hash_part, &state);
	return err == ERR_OK && crypto_hash_sha256_final(&state, entry->sha256) != 0 ? ERR_NOMEM
										     : err;
}

static enum err seal_into(struct backup *backup, int fd)
{
	const struct backup_opts *opts = backup->opts;
	struct bundle_writer *writer = NULL;
	enum err err =
		bundle_create(fd, &opts->opener, store_env(opts->store), backup->manifest, &writer);
	if (err == ERR_OK) {
		err = bundle_write(writer, opts->secret);
	}
	if (err == ERR_OK) {
		err = each_part(backup, seal_part, writer);
	}
	if (err == ERR_OK) {
		err = bundle_finish(writer);
	}
	if (err == ERR_OK && fsync(fd) != 0) {
		err = errno == ENOSPC || errno == EDQUOT ? ERR_DISK_FULL : ERR_IO;
	}
	bundle_writer_free(writer);
	return err;
}

static enum err seal(struct backup *backup)
{
	backup->phase = BACKUP_SEALING;
	(void)unlink(backup->partial);
	int fd = open(backup->partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		(void)snprintf(backup->why, backup->why_bytes, "%s cannot be written: %s.",
			backup->opts->path, strerror(errno));
		return ERR_IO;
	}
	enum err err = list_entries(backup);
	if (err == ERR_OK) {
		err = seal_into(backup, fd);
	}
	if (close(fd) != 0 && err == ERR_OK) {
		err = ERR_IO;
	}
	return err == ERR_OK ? ERR_OK : fail_at(backup, err, "Writing the backup");
}

/* Reading it back. */

struct watched {
	struct backup *backup;
	uint64_t done;
};

static enum err on_checked(void *ctx, struct span bytes)
{
	struct watched *watched = ctx;
	watched->done += bytes.len;
	return tell(watched->backup, watched->done, watched->backup->database_bytes);
}

static enum err check_from(struct backup *backup, int fd)
{
	struct bundle_reader *reader = NULL;
	struct watched watched = {.backup = backup};
	char why[200] = "";
	enum err err = bundle_open(fd, &backup->opts->opener, &reader, why, sizeof(why));
	size_t count = err == ERR_OK ? bundle_manifest(reader)->entry_count : 0;
	for (size_t i = 0; err == ERR_OK && i < count; i++) {
		err = bundle_read_entry(reader, on_checked, &watched);
	}
	if (err == ERR_OK) {
		err = bundle_end(reader);
	}
	if (err == ERR_CLOSED) {
		(void)fail_at(backup, err, "Reading the backup back");
	} else if (err != ERR_OK) {
		(void)snprintf(backup->why, backup->why_bytes,
			"What was written cannot be read back, so it was thrown away: %s",
			reader == NULL ? why : bundle_why(reader));
	}
	bundle_reader_free(reader);
	return err;
}

static enum err check(struct backup *backup, uint64_t *bytes)
{
	struct stat is;
	backup->phase = BACKUP_CHECKING;
	int fd = open(backup->partial, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &is) != 0) {
		if (fd >= 0) {
			(void)close(fd);
		}
		return fail_at(backup, ERR_IO, "Reading the backup back");
	}
	/* From the disk, not from memory. */
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	enum err err = check_from(backup, fd);
	*bytes = (uint64_t)is.st_size;
	(void)close(fd);
	return err;
}

/* All of it. */

static void remove_copy(struct backup *backup)
{
	static const char *const endings[] = {"", "-journal", "-wal", "-shm"};
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		char *path = NULL;
		if (asprintf(&path, "%s%s", backup->copy, endings[i]) >= 0) {
			(void)vfs_remove(backup->opts->store->vfs, path);
			free(path);
		}
	}
}

/* One at a time in a directory, in whatever process: then what lies about is of a dead one. */
static enum err take_turn(struct backup *backup, int *lock)
{
	char *path = store_path(backup->opts->store, "backup.lock");
	if (path == NULL) {
		return fail_at(backup, ERR_NOMEM, "The backup");
	}
	*lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	free(path);
	if (*lock < 0) {
		return fail(backup, errno == ENOSPC ? ERR_DISK_FULL : ERR_IO,
			"The data directory cannot be written.");
	}
	return flock(*lock, LOCK_EX | LOCK_NB) == 0
		       ? ERR_OK
		       : fail(backup, ERR_BUSY, "Another backup of this node is being made.");
}

static enum err run(struct backup *backup, struct backup_result *out)
{
	const struct bundle_manifest *manifest = backup->manifest;
	struct stat is;
	if (lstat(backup->opts->path, &is) == 0) {
		(void)snprintf(backup->why, backup->why_bytes, "%s is there already, and stays.",
			backup->opts->path);
		return ERR_EXISTS;
	}
	remove_copy(backup);
	enum err err = make_copy(backup);
	if (err == ERR_OK) {
		err = seal(backup);
	}
	if (err == ERR_OK) {
		err = check(backup, &out->bytes);
	}
	if (err == ERR_OK) {
		err = file_move(backup->partial, backup->opts->path);
		if (err != ERR_OK) {
			(void)fail_at(backup, err, "Naming the backup");
		}
	}
	remove_copy(backup);
	if (err != ERR_OK) {
		(void)unlink(backup->partial);
	}
	out->created_ms = manifest->created_ms;
	out->sequence = manifest->sequence;
	out->head = manifest->head;
	out->messages = manifest->messages;
	out->holders = manifest->holder_count;
	return err;
}

enum err backup_write(
	const struct backup_opts *opts, struct backup_result *out, char *why, size_t why_bytes)
{
	struct backup backup = {.opts = opts, .why = why, .why_bytes = why_bytes};
	int lock = -1;
	*out = (struct backup_result){.bytes = 0};
	why[0] = '\0';
	backup.manifest = calloc(1, sizeof(*backup.manifest));
	backup.copy = store_path(opts->store, "backup.copy");
	if (asprintf(&backup.partial, "%s.partial", opts->path) < 0) {
		backup.partial = NULL;
	}
	enum err err = backup.manifest == NULL || backup.copy == NULL || backup.partial == NULL
			       ? fail_at(&backup, ERR_NOMEM, "The backup")
			       : take_turn(&backup, &lock);
	if (err == ERR_OK) {
		err = run(&backup, out);
	}
	if (lock >= 0) {
		(void)close(lock);
	}
	free(backup.manifest);
	free(backup.copy);
	free(backup.partial);
	return err;
}
