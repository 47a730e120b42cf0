/*
 * The copy is copied once more, so that it can be gone back to again, looked over, and only then
 * renamed over the database, which has a second name by then: at no moment is there none.
 */
#include "store/rollback.h"

#include "base/file.h"
#include "base/limits.h"
#include "store/db.h"
#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

QUERY(sql_rollback_version, "PRAGMA user_version");

enum { CHUNK_BYTES = 64 * KIB, DIGITS_MAX = 18 };

struct rollback {
	const char *dir;
	const struct env *env;
	char *database, *part, *aside;
	char *why;
	size_t why_bytes;
};

static enum err fail(struct rollback *rollback, enum err err, const char *sentence)
{
	(void)snprintf(rollback->why, rollback->why_bytes, "%s", sentence);
	return err;
}

/* Digits, then `behind`; where that ends. NULL: something else, or no number we write. */
static const char *read_number(const char *text, const char *behind, int64_t *out)
{
	char *end = NULL;
	size_t digits = strspn(text, "0123456789");
	if (digits == 0 || digits > DIGITS_MAX) {
		return NULL;
	}
	*out = strtoll(text, &end, 10);
	size_t len = strlen(behind);
	return strncmp(end, behind, len) == 0 ? end + len : NULL;
}

/* kith-v<version>-<wall ms>.db, and nothing behind it. */
static bool read_name(const char *name, struct rollback_copy *out)
{
	static const char start[] = "kith-v";
	if (strncmp(name, start, sizeof(start) - 1) != 0 || strlen(name) >= sizeof(out->name)) {
		return false;
	}
	const char *at = read_number(name + sizeof(start) - 1, "-", &out->version);
	at = at == NULL ? NULL : read_number(at, ".db", &out->at_ms);
	if (at == NULL || *at != '\0' || out->version < 1) {
		return false;
	}
	memcpy(out->name, name, strlen(name) + 1);
	return true;
}

static int by_age(const void *a, const void *b)
{
	const struct rollback_copy *one = a;
	const struct rollback_copy *two = b;
	return one->at_ms == two->at_ms ? 0 : one->at_ms > two->at_ms ? -1 : 1;
}

enum err rollback_list(const char *dir, struct rollback_copy *copies, size_t *count)
{
	char *path = NULL;
	*count = 0;
	if (asprintf(&path, "%s/snapshots", dir) < 0) {
		return ERR_NOMEM;
	}
	DIR *open = opendir(path);
	free(path);
	if (open == NULL) {
		return errno == ENOENT ? ERR_OK : ERR_IO;
	}
	struct dirent *entry = NULL;
	while (*count < ROLLBACK_COPIES_MAX && (entry = readdir(open)) != NULL) {
		struct rollback_copy *copy = &copies[*count];
		struct stat is;
		if (read_name(entry->d_name, copy) &&
			fstatat(dirfd(open), entry->d_name, &is, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISREG(is.st_mode)) {
			copy->bytes = (uint64_t)is.st_size;
			(*count)++;
		}
	}
	(void)closedir(open);
	qsort(copies, *count, sizeof(*copies), by_age);
	return ERR_OK;
}

static enum err ask_version(struct db *db, int64_t *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(db, &sql_rollback_version, &stmt);
	if (err == ERR_OK) {
		err = db_step(db, stmt);
	}
	if (err == ERR_OK) {
		*out = sqlite3_column_int64(stmt, 0);
		db_reset(stmt);
	}
	return err;
}

/* Its version, and its log folded into it, as the file alone is kept. */
static enum err close_present(struct rollback *rollback, int64_t *version)
{
	struct db *db = NULL;
	struct stat is;
	char *wal = NULL;
	*version = 0;
	if (lstat(rollback->database, &is) != 0) {
		return ERR_OK;
	}
	enum err err = db_open(rollback->database, DB_WRITER, rollback->env, &db);
	if (err == ERR_OK) {
		err = ask_version(db, version);
		db_close(db);
	}
	if (err == ERR_DAMAGED) {
		return ERR_OK; /* one more reason to go back */
	}
	if (err == ERR_OK && asprintf(&wal, "%s-wal", rollback->database) >= 0) {
		err = lstat(wal, &is) == 0 && is.st_size > 0 ? ERR_BUSY : ERR_OK;
		free(wal);
	}
	return err == ERR_OK ? ERR_OK
			     : fail(rollback, err,
				       "The database is in use or cannot be opened; nothing was "
				       "changed.");
}

static enum err choose(struct rollback *rollback, struct rollback_result *out)
{
	struct rollback_copy *copies = calloc(ROLLBACK_COPIES_MAX, sizeof(*copies));
	size_t count = 0;
	enum err err = copies == NULL ? ERR_NOMEM : rollback_list(rollback->dir, copies, &count);
	if (err != ERR_OK) {
		free(copies);
		return fail(rollback, err, "The folder snapshots cannot be read.");
	}
	size_t i = 0;
	while (i < count && out->version != 0 && copies[i].version >= out->version) {
		i++;
	}
	if (i < count) {
		out->copy = copies[i];
	}
	free(copies);
	if (i == count) {
		return fail(rollback, ERR_NOT_FOUND,
			"There is no copy of an earlier version: none was made here yet.");
	}
	if (out->copy.version > (int64_t)embedded_schema_count) {
		return fail(rollback, ERR_NEWER,
			"The copy of the version before is of a newer kith than this one too.");
	}
	return ERR_OK;
}

static enum err copy_bytes(int from, int to)
{
	uint8_t *chunk = malloc(CHUNK_BYTES);
	enum err err = chunk == NULL ? ERR_NOMEM : ERR_OK;
	while (err == ERR_OK) {
		ssize_t count = read(from, chunk, CHUNK_BYTES);
		if (count <= 0) {
			err = count < 0 ? ERR_IO : ERR_OK;
			break;
		}
		err = file_write_all(to, span_of(chunk, (size_t)count));
	}
	free(chunk);
	return err;
}

static enum err copy_file(struct rollback *rollback, const struct rollback_copy *copy)
{
	struct statvfs room;
	char *path = NULL;
	if (statvfs(rollback->dir, &room) == 0 &&
		copy->bytes + (uint64_t)LIMIT_DISK_FREE_OWN_BYTES >
			(uint64_t)room.f_bavail * (uint64_t)room.f_frsize) {
		return ERR_DISK_FULL;
	}
	if (asprintf(&path, "%s/snapshots/%s", rollback->dir, copy->name) < 0) {
		return ERR_NOMEM;
	}
	(void)unlink(rollback->part);
	int from = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int to = open(rollback->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	free(path);
	enum err err = from < 0 || to < 0 ? ERR_IO : copy_bytes(from, to);
	if (from >= 0) {
		(void)close(from);
	}
	if (to >= 0 && close(to) != 0 && err == ERR_OK) {
		err = ERR_IO;
	}
	return err;
}

static enum err check_copy(struct rollback *rollback, int64_t version)
{
	struct db *db = NULL;
	int64_t have = 0;
	bool is_sound = false;
	enum err err = db_open(rollback->part, DB_COPY, rollback->env, &db);
	if (err == ERR_OK) {
		err = ask_version(db, &have);
	}
	if (err == ERR_OK) {
		err = db_quick_check(db, &is_sound);
	}
	db_close(db);
	return is_sound && have == version ? ERR_OK : err == ERR_OK ? ERR_DAMAGED : err;
}

/* The database gets its second name; then the copy takes its first. */
static enum err exchange(struct rollback *rollback)
{
	struct stat is;
	if (lstat(rollback->database, &is) == 0 && link(rollback->database, rollback->aside) != 0 &&
		/* Some disks know no second names. */
		rename(rollback->database, rollback->aside) != 0) {
		return ERR_IO;
	}
	return file_move(rollback->part, rollback->database);
}

static enum err go_back(struct rollback *rollback, struct rollback_result *out)
{
	struct stat is;
	enum err err = close_present(rollback, &out->version);
	if (err == ERR_OK) {
		err = choose(rollback, out);
	}
	if (err != ERR_OK) {
		return err;
	}
	bool has_present = lstat(rollback->database, &is) == 0;
	err = copy_file(rollback, &out->copy);
	if (err == ERR_OK) {
		err = check_copy(rollback, out->copy.version);
	}
	if (err == ERR_OK) {
		err = exchange(rollback);
	}
	if (err != ERR_OK) {
		(void)unlink(rollback->part);
		return fail(rollback, err,
			err == ERR_DISK_FULL ? "There is not enough room on the disk; nothing was "
					       "changed."
			: err == ERR_DAMAGED ? "The copy is damaged; nothing was changed."
					     : "The copy cannot be put in its place; nothing was "
					       "changed.");
	}
	if (has_present) {
		(void)snprintf(
			out->aside, sizeof(out->aside), "%s", strrchr(rollback->aside, '/') + 1);
	}
	return ERR_OK;
}

enum err rollback_run(const char *dir, const struct env *env, struct rollback_result *out,
	char *why, size_t why_bytes)
{
	struct rollback rollback = {.dir = dir, .env = env, .why = why, .why_bytes = why_bytes};
	*out = (struct rollback_result){.version = 0};
	bool has_all = asprintf(&rollback.database, "%s/kith.db", dir) >= 0;
	has_all = asprintf(&rollback.part, "%s/kith.db.restore", dir) >= 0 && has_all;
	has_all = asprintf(&rollback.aside, "%s/kith.db.aside-%" PRId64, dir, env_wall_ms(env)) >=
			  0 &&
		  has_all;
	enum err err = has_all ? go_back(&rollback, out)
			       : fail(&rollback, ERR_NOMEM, "There is no memory left.");
	free(rollback.database);
	free(rollback.part);
	free(rollback.aside);
	return err;
}
