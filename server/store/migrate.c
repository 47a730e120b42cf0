/*
 * Schema versions. All files that a database lacks and the number are committed together, so a kill
 * leaves it at the old version or the new. The snapshot is written beside its final name and
 * renamed, so a file with that name is whole.
 */
#include "store/migrate.h"

#include "store/vfs.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
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

static enum err take_snapshot(
	struct db *db, const struct migrate_plan *plan, int64_t version, const struct env *env)
{
	char *path = NULL;
	char *part = NULL;
	enum err err = vfs_make_dir(plan->vfs, plan->snapshot_dir);
	if (err == ERR_OK && asprintf(&path, "%s/kith-v%lld-%lld.db", plan->snapshot_dir,
				     (long long)version, (long long)env_wall_ms(env)) < 0) {
		path = NULL;
		err = ERR_NOMEM;
	}
	if (err == ERR_OK && asprintf(&part, "%s.part", path) < 0) {
		part = NULL;
		err = ERR_NOMEM;
	}
	if (err == ERR_OK) {
		(void)vfs_remove(plan->vfs, part);
		err = snapshot_to(db, part);
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
static enum err apply_all(
	struct db *db, const struct migrate_plan *plan, size_t have, const char **at)
{
	enum err err = db_begin(db);
	for (size_t i = have; err == ERR_OK && i < plan->count; i++) {
		*at = plan->files[i].name;
		err = apply(db, &plan->files[i], i + 1);
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
	if (err == ERR_OK && have > 0) {
		err = take_snapshot(db, plan, have, env);
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
		err = apply_all(db, plan, (size_t)have, &at);
		if (err != ERR_OK) {
			(void)snprintf(why, why_bytes,
				"The database could not be changed by %s: %s.", at, db_why(db));
			db_rollback(db);
		}
	}
	return err;
}
