/*
 * Schema versions. All files that a database lacks and the number are committed together, so a kill
 * leaves it at the old version or the new. The snapshot is written beside its final name and
 * renamed, so a file with that name is whole.
 */
#include "store/migrate.h"

#include "base/limits.h"
#include "store/vfs.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

QUERY(sql_user_version, "PRAGMA user_version");

static enum err read_version(struct db *db, int64_t *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(db, &sql_user_version, &stmt);
	if (err == ERR_OK) {
		err = db_step(db, stmt);
	}
	if (err == ERR_OK) {
		*out = sqlite3_column_int64(stmt, 0);
		db_reset(stmt);
	}
	return err;
}

/* What is under way. The copy is one half of it, as far as its file has grown; of the other each
 * file of the schema has a share, and counts when it is done: nobody can say how far into one it
 * is.
 */
struct way {
	const struct migrate_plan *plan;
	const struct env *env;
	const char *part;   /* the copy that is made; NULL: none */
	int64_t part_bytes; /* about as large as it becomes */
	size_t first, done; /* files of the schema */
	int64_t told_ms;
};

enum { COPY_PER_MILLE = 500, WHOLE_PER_MILLE = 1000 };

static int per_mille(const struct way *way)
{
	struct stat is;
	if (way->part != NULL) {
		int64_t bytes = stat(way->part, &is) == 0 ? (int64_t)is.st_size : 0;
		bytes = bytes > way->part_bytes ? way->part_bytes : bytes;
		return way->part_bytes == 0 ? 0 : (int)(bytes * COPY_PER_MILLE / way->part_bytes);
	}
	size_t all = way->plan->count - way->first;
	return COPY_PER_MILLE +
	       (int)((size_t)(WHOLE_PER_MILLE - COPY_PER_MILLE) * (way->done - way->first) / all);
}

static bool may_go_on(void *ctx)
{
	struct way *way = ctx;
	int64_t now_ms = env_mono_ms(way->env);
	if (now_ms - way->told_ms < LIMIT_STARTING_MS) {
		return true;
	}
	way->told_ms = now_ms;
	return way->plan->progress.on_progress(way->plan->progress.ctx, per_mille(way));
}

/* Between two parts, however short they are. */
static enum err go_on(struct way *way)
{
	return way->plan->progress.on_progress == NULL || way->first == 0 || may_go_on(way)
		       ? ERR_OK
		       : ERR_TIMEOUT;
}

static enum err snapshot_to(struct db *db, const char *path)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db_handle(db), "VACUUM INTO ?1", -1, &stmt, NULL);
	if (rc != SQLITE_OK) {
		return ERR_IO;
	}
	db_text(stmt, 1, span_text(path));
	enum err err = db_run(db, stmt);
	(void)sqlite3_finalize(stmt);
	return err;
}

/* Of the copies that were made at this version only `keep` is needed, and nothing that was begun
 * and not finished: a node that is killed at each start must not fill the disk. */
static void drop_other_snapshots(const char *dir, int64_t version, const char *keep)
{
	char prefix[32];
	int len = snprintf(prefix, sizeof(prefix), "kith-v%lld-", (long long)version);
	DIR *open = opendir(dir);
	struct dirent *entry = NULL;
	while (open != NULL && (entry = readdir(open)) != NULL) {
		size_t name_len = strlen(entry->d_name);
		bool is_part = name_len > 5 && strcmp(entry->d_name + name_len - 5, ".part") == 0;
		char *path = NULL;
		if (strncmp(entry->d_name, is_part ? "kith-v" : prefix,
			    is_part ? 6 : (size_t)len) != 0 ||
			asprintf(&path, "%s/%s", dir, entry->d_name) < 0) {
			continue;
		}
		if (strcmp(path, keep) != 0) {
			(void)unlink(path);
		}
		free(path);
	}
	if (open != NULL) {
		(void)closedir(open);
	}
}

static int64_t bytes_of(struct db *db)
{
	static const char *const asks[] = {"PRAGMA page_count", "PRAGMA page_size"};
	int64_t product = 1;
	for (size_t i = 0; i < 2; i++) {
		sqlite3_stmt *stmt = NULL;
		bool is_known =
			sqlite3_prepare_v2(db_handle(db), asks[i], -1, &stmt, NULL) == SQLITE_OK &&
			sqlite3_step(stmt) == SQLITE_ROW;
		product *= is_known ? sqlite3_column_int64(stmt, 0) : 0;
		(void)sqlite3_finalize(stmt);
	}
	return product;
}

static enum err take_snapshot(struct db *db, struct way *way, int64_t version)
{
	const struct migrate_plan *plan = way->plan;
	char *path = NULL;
	char *part = NULL;
	enum err err = vfs_make_dir(plan->vfs, plan->snapshot_dir);
	if (err == ERR_OK && asprintf(&path, "%s/kith-v%lld-%lld.db", plan->snapshot_dir,
				     (long long)version, (long long)env_wall_ms(way->env)) < 0) {
		path = NULL;
		err = ERR_NOMEM;
	}
	if (err == ERR_OK && asprintf(&part, "%s.part", path) < 0) {
		part = NULL;
		err = ERR_NOMEM;
	}
	if (err == ERR_OK) {
		(void)vfs_remove(plan->vfs, part);
		way->part = part;
		way->part_bytes = bytes_of(db);
		err = snapshot_to(db, part);
		way->part = NULL;
	}
	if (err == ERR_OK) {
		err = vfs_move(plan->vfs, part, path);
	}
	if (err == ERR_OK && plan->vfs == NULL) {
		drop_other_snapshots(plan->snapshot_dir, version, path);
	}
	if (err != ERR_OK && part != NULL) {
		(void)vfs_remove(plan->vfs, part);
	}
	free(part);
	free(path);
	return err;
}

static enum err apply(struct db *db, const struct embedded_file *file, size_t version)
{
	char number[64];
	(void)snprintf(number, sizeof(number), "PRAGMA user_version = %zu", version);
	char *sql = strndup((const char *)file->at, file->len);
	if (sql == NULL) {
		return ERR_NOMEM;
	}
	enum err err = db_exec(db, sql);
	if (err == ERR_OK) {
		err = db_exec(db, number);
	}
	free(sql);
	return err;
}

/* All or nothing: a kill between two files would leave a version that no kith was made for. A
 * failure leaves the transaction open, until its reason was said. */
static enum err apply_all(struct db *db, struct way *way, const char **at)
{
	const struct migrate_plan *plan = way->plan;
	enum err err = db_begin(db);
	for (; err == ERR_OK && way->done < plan->count; way->done++) {
		*at = plan->files[way->done].name;
		err = go_on(way);
		if (err == ERR_OK) {
			err = apply(db, &plan->files[way->done], way->done + 1);
		}
	}
	if (err == ERR_OK) {
		err = db_exec(db, "COMMIT");
	}
	return err;
}

enum err migrate_check(struct db *db, size_t version, char *why, size_t why_bytes)
{
	int64_t have = 0;
	enum err err = read_version(db, &have);
	if (err != ERR_OK) {
		(void)snprintf(why, why_bytes, "The database cannot be read: %s.", db_why(db));
		return err == ERR_NOT_FOUND ? ERR_IO : err;
	}
	if (have > (int64_t)version) {
		(void)snprintf(why, why_bytes,
			"The database was made by a newer kith (version %lld; this one knows %zu). "
			"Nothing was changed.",
			(long long)have, version);
		return ERR_NEWER;
	}
	if (have < (int64_t)version) {
		(void)snprintf(why, why_bytes,
			"The database is of an older kith; start the node once to bring it up to "
			"date.");
		return ERR_REFUSED;
	}
	return ERR_OK;
}

enum err migrate_run(struct db *db, const struct migrate_plan *plan, const struct env *env,
	char *why, size_t why_bytes)
{
	int64_t have = 0;
	enum err err = migrate_check(db, plan->count, why, why_bytes);
	if (err != ERR_REFUSED) {
		return err;
	}
	err = read_version(db, &have);
	struct way way = {.plan = plan,
		.env = env,
		.first = (size_t)have,
		.done = (size_t)have,
		.told_ms = INT64_MIN / 2};
	if (plan->progress.on_progress != NULL && have > 0) {
		db_watch(db, may_go_on, &way);
	}
	if (err == ERR_OK) {
		err = go_on(&way);
	}
	if (err == ERR_OK && have > 0) {
		err = take_snapshot(db, &way, have);
		if (err != ERR_OK) {
			(void)snprintf(why, why_bytes,
				"The copy before the change of the database failed (%s); nothing "
				"was changed.",
				err_text(err));
			return err;
		}
	}
	if (err == ERR_OK) {
		const char *at = "";
		err = apply_all(db, &way, &at);
		if (err != ERR_OK) {
			(void)snprintf(why, why_bytes,
				"The database could not be changed by %s: %s.", at, db_why(db));
			db_rollback(db);
		}
	}
	db_watch(db, NULL, NULL);
	return err;
}
