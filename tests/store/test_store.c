/* store/store, store/migrate, store/db: opening, changing and refusing databases; the plan of every
 * query. */
#include "lib/cmocka.h"
#include "lib/shelf.h"

#include "base/file.h"
#include "store/db.h"
#include "store/inside.h"
#include "store/migrate.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void path_in(const struct shelf *shelf, const char *name, char out[static 128])
{
	(void)snprintf(out, 128, "%s/%s", shelf->dir, name);
}

static size_t count_files(const char *dir)
{
	size_t count = 0;
	DIR *open = opendir(dir);
	if (open == NULL) {
		return 0;
	}
	for (struct dirent *entry = readdir(open); entry != NULL; entry = readdir(open)) {
		count += entry->d_name[0] != '.';
	}
	(void)closedir(open);
	return count;
}

static void exec(const char *path, const char *sql)
{
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void a_newer_database_is_refused_and_untouched(void **state)
{
	(void)state;
	struct shelf shelf;
	struct store *store = NULL;
	struct buf before = BUF_INIT(16 << 20);
	struct buf after = BUF_INIT(16 << 20);
	char path[128];
	char why[256];
	shelf_init(&shelf);
	shelf_close(&shelf);
	path_in(&shelf, "kith.db", path);
	exec(path, "PRAGMA user_version = 99");
	assert_int_equal(file_read(path, &before), ERR_OK);
	for (int round = 0; round < 2; round++) {
		const struct store_opts opts = {.dir = shelf.dir,
			.env = &shelf.env,
			.self = shelf.self.id,
			.is_read_only = round == 1};
		assert_int_equal(store_open(&opts, &store, why, sizeof(why)), ERR_NEWER);
		assert_non_null(strstr(why, "newer kith"));
	}
	assert_int_equal(file_read(path, &after), ERR_OK);
	assert_int_equal(before.len, after.len);
	assert_memory_equal(before.at, after.at, before.len);
	buf_fini(&before);
	buf_fini(&after);
	shelf_fini(&shelf);
}

static void a_change_of_the_schema_is_preceded_by_a_copy(void **state)
{
	(void)state;
	static const struct embedded_file files[] = {
		{.name = "001.sql", .at = (const unsigned char *)"CREATE TABLE a (x);", .len = 19},
		{.name = "002.sql",
			.at = (const unsigned char
					*)"CREATE TABLE b (x); INSERT INTO b VALUES (1);",
			.len = 45},
		{.name = "003.sql",
			.at = (const unsigned char *)"CREATE TABLE c (x); nonsense;",
			.len = 29},
	};
	struct shelf shelf;
	struct db *db = NULL;
	char path[128];
	char snapshots[128];
	char why[256];
	shelf_init(&shelf);
	path_in(&shelf, "old.db", path);
	path_in(&shelf, "copies", snapshots);
	struct migrate_plan plan = {.files = files, .count = 1, .snapshot_dir = snapshots};
	assert_int_equal(db_open(path, DB_WRITER, &shelf.env, &db), ERR_OK);
	assert_int_equal(migrate_run(db, &plan, &shelf.env, why, sizeof(why)), ERR_OK);
	assert_int_equal(count_files(snapshots), 0); /* it was empty: nothing to lose */
	assert_int_equal(db_exec(db, "INSERT INTO a VALUES (7)"), ERR_OK);
	plan.count = 2;
	assert_int_equal(migrate_run(db, &plan, &shelf.env, why, sizeof(why)), ERR_OK);
	assert_int_equal(count_files(snapshots), 1);
	assert_int_equal(migrate_run(db, &plan, &shelf.env, why, sizeof(why)), ERR_OK);
	assert_int_equal(count_files(snapshots), 1); /* nothing to do, nothing copied */
	plan.count = 3;
	shelf.wall_ms++;
	assert_int_equal(migrate_run(db, &plan, &shelf.env, why, sizeof(why)), ERR_IO);
	assert_non_null(strstr(why, "003.sql"));
	/* The failed file left nothing, also not its first table; its number was not written. */
	assert_int_equal(migrate_check(db, 2, why, sizeof(why)), ERR_OK);
	assert_int_not_equal(db_exec(db, "SELECT * FROM c"), ERR_OK);
	assert_int_equal(db_exec(db, "SELECT * FROM a, b"), ERR_OK);
	db_close(db);
	/* The copy is the database as it was: version 1, with its row. */
	char copy[256];
	(void)snprintf(
		copy, sizeof(copy), "%s/kith-v1-%lld.db", snapshots, (long long)shelf.wall_ms - 1);
	assert_int_equal(db_open(copy, DB_READER, &shelf.env, &db), ERR_OK);
	assert_int_equal(migrate_check(db, 1, why, sizeof(why)), ERR_OK);
	assert_int_equal(db_exec(db, "SELECT x FROM a"), ERR_OK);
	db_close(db);
	shelf_fini(&shelf);
}

static void a_database_belongs_to_one_key(void **state)
{
	(void)state;
	struct shelf shelf;
	struct author other;
	struct store *store = NULL;
	char why[256];
	shelf_init(&shelf);
	shelf_close(&shelf);
	author_init(&other, 5);
	const struct store_opts opts = {.dir = shelf.dir, .env = &shelf.env, .self = other.id};
	assert_int_equal(store_open(&opts, &store, why, sizeof(why)), ERR_REFUSED);
	assert_non_null(strstr(why, "another key"));
	author_fini(&other);
	shelf_fini(&shelf);
}

static void reading_works_beside_a_writer_and_after_it(void **state)
{
	(void)state;
	struct shelf shelf;
	char why[256];
	shelf_init(&shelf);
	(void)shelf_publish(&shelf, "{\"type\":\"post\",\"text\":\"x\"}");
	for (int round = 0; round < 2; round++) {
		struct store *store = NULL;
		struct reader *reader = NULL;
		struct chain_head head;
		const struct store_opts opts = {
			.dir = shelf.dir, .env = &shelf.env, .is_read_only = true};
		assert_int_equal(store_open(&opts, &store, why, sizeof(why)), ERR_OK);
		assert_true(feed_id_equal(store_self(store), &shelf.self.id));
		assert_int_equal(reader_open(store, &reader), ERR_OK);
		assert_int_equal(reader_head(reader, &shelf.self.id, &head), ERR_OK);
		assert_int_equal(head.sequence, 1);
		reader_close(reader);
		store_close(store);
		if (round == 0) {
			shelf_close(&shelf);
		}
	}
	shelf_fini(&shelf);
}

static void no_database_is_not_made_by_reading(void **state)
{
	(void)state;
	struct store *store = NULL;
	char dir[] = "/tmp/kith-empty-XXXXXX";
	char why[256];
	assert_non_null(mkdtemp(dir));
	const struct store_opts opts = {.dir = dir, .env = env_system(), .is_read_only = true};
	assert_int_equal(store_open(&opts, &store, why, sizeof(why)), ERR_NOT_FOUND);
	assert_int_equal(count_files(dir), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void *use_thread_reader(void *ctx)
{
	struct shelf *shelf = ctx;
	struct chain_head head;
	struct reader *reader = reader_of_thread(shelf->store);
	assert_non_null(reader);
	assert_ptr_equal(reader, reader_of_thread(shelf->store));
	assert_int_equal(reader_head(reader, &shelf->self.id, &head), ERR_NOT_FOUND);
	return NULL;
}

static void a_threads_reader_ends_with_it(void **state)
{
	(void)state;
	struct shelf shelf;
	pthread_t thread;
	shelf_init(&shelf);
	assert_int_equal(pthread_create(&thread, NULL, use_thread_reader, &shelf), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	(void)use_thread_reader(&shelf);
	reader_close_thread();
	shelf_close(&shelf); /* asserts that no reader is left */
	shelf_open(&shelf);
	(void)use_thread_reader(&shelf);
	reader_close_thread();
	shelf_fini(&shelf);
}

static void a_query_over_its_time_is_stopped_and_the_next_one_runs(void **state)
{
	(void)state;
	struct shelf shelf;
	struct db *db = NULL;
	char path[128];
	shelf_init(&shelf);
	path_in(&shelf, "kith.db", path);
	assert_int_equal(db_open(path, DB_READER, &shelf.env, &db), ERR_OK);
	db_deadline(db, 1);
	assert_int_equal(db_exec(db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM "
				     "n) SELECT sum(i) FROM n"),
		ERR_TIMEOUT);
	db_deadline(db, 0);
	assert_int_equal(db_exec(db, "SELECT 1"), ERR_OK);
	db_close(db);
	shelf_fini(&shelf);
}

static void a_reader_cannot_write_and_nothing_foreign_runs(void **state)
{
	(void)state;
	struct shelf shelf;
	struct db *db = NULL;
	char path[128];
	shelf_init(&shelf);
	path_in(&shelf, "kith.db", path);
	assert_int_equal(db_open(path, DB_READER, &shelf.env, &db), ERR_OK);
	static const char *const bad[] = {
		"DELETE FROM messages",
		"PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = ''",
		"SELECT load_extension('x')",
		"SELECT \"no such column\"",
		"ATTACH '/tmp/a' AS a; ATTACH '/tmp/b' AS b",
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_not_equal(db_exec(db, bad[i]), ERR_OK);
	}
	assert_int_equal(db_exec(db, "SELECT length(zeroblob(1000000))"), ERR_OK);
	assert_int_equal(db_exec(db, "SELECT length(zeroblob(1000001))"), ERR_LIMIT);
	assert_int_equal(db_exec(db, "SELECT length(zeroblob(1000000000))"), ERR_LIMIT);
	db_close(db);
	shelf_fini(&shelf);
}

/* One line per step of each query's plan, as in tests/store/plans.txt. */
static void print_plan(sqlite3 *handle, const struct query *query, struct buf *out)
{
	sqlite3_stmt *stmt = NULL;
	char *sql = NULL;
	assert_true(asprintf(&sql, "EXPLAIN QUERY PLAN %s", query->sql) > 0);
	if (sqlite3_prepare_v2(handle, sql, -1, &stmt, NULL) != SQLITE_OK) {
		fail_msg("%s: %s", query->name, sqlite3_errmsg(handle));
	}
	assert_int_equal(buf_printf(out, "%s\n", query->name), ERR_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		assert_int_equal(
			buf_printf(out, "\t%s\n", (const char *)sqlite3_column_text(stmt, 3)),
			ERR_OK);
	}
	(void)sqlite3_finalize(stmt);
	free(sql);
}

static int by_name(const void *a, const void *b)
{
	const struct query *x = *(const struct query *const *)a;
	const struct query *y = *(const struct query *const *)b;
	int order = strcmp(x->name, y->name);
	return order != 0 ? order : strcmp(x->sql, y->sql);
}

static void every_query_has_the_plan_that_was_looked_at(void **state)
{
	(void)state;
	struct shelf shelf;
	struct db *db = NULL;
	struct buf plans = BUF_INIT(1 << 20);
	struct buf golden = BUF_INIT(1 << 20);
	char path[128];
	size_t count = 0;
	shelf_init(&shelf);
	path_in(&shelf, "kith.db", path);
	assert_int_equal(db_open(path, DB_READER, &shelf.env, &db), ERR_OK);
	/* As a reader lays it over the tables where something is private. */
	assert_int_equal(db_exec(db, "PRAGMA query_only = OFF; CREATE TEMP TABLE private_edges "
				     "(feed INTEGER PRIMARY KEY, edge INTEGER NOT NULL)"),
		ERR_OK);
	const struct query *const *listed = db_queries(&count);
	assert_in_range(count, 50, 500);
	const struct query **queries = calloc(count, sizeof(*queries));
	assert_non_null(queries);
	memcpy(queries, listed, count * sizeof(*queries));
	qsort(queries, count, sizeof(*queries), by_name);
	for (size_t i = 0; i < count; i++) {
		print_plan(db_handle(db), queries[i], &plans);
	}
	/* PLANS_WRITE=1 writes the file anew; read the difference before it is kept: a SCAN needs a
	 * reason above its query. */
	if (getenv("PLANS_WRITE") != NULL) {
		assert_int_equal(
			file_replace("tests/store/plans.txt", buf_span(&plans), 0644), ERR_OK);
	}
	assert_int_equal(file_read("tests/store/plans.txt", &golden), ERR_OK);
	assert_non_null(buf_cstr(&plans));
	assert_non_null(buf_cstr(&golden));
	assert_string_equal((const char *)plans.at, (const char *)golden.at);
	free(queries);
	buf_fini(&plans);
	buf_fini(&golden);
	db_close(db);
	shelf_fini(&shelf);
}

/* Commits a page or two, until `is_due` is so; how many it took. */
static int commit_until(struct db *db, bool is_due)
{
	int count = 0;
	do {
		assert_int_equal(
			db_exec(db,
				"INSERT OR REPLACE INTO settings VALUES (x'70', zeroblob(3000))"),
			ERR_OK);
		count++;
	} while (db_checkpoint_is_due(db) != is_due && count < 1000);
	return count;
}

static void the_wal_waits_for_a_quiet_moment_until_it_is_twice_as_long(void **state)
{
	(void)state;
	struct shelf shelf;
	shelf_init(&shelf);
	shelf_close(&shelf);
	shelf.is_stepped = true;
	shelf_open(&shelf);
	struct db *db = shelf.store->writer;
	db_checkpoint_at(db, 40);
	assert_true(commit_until(db, true) < 1000);
	/* Nobody has a quiet moment: it is done by the commit that makes it twice as long. */
	assert_in_range(commit_until(db, false), 5, 40);
	assert_true(commit_until(db, true) < 1000);
	shelf_settle(&shelf);
	assert_false(db_checkpoint_is_due(db));
	shelf_fini(&shelf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_newer_database_is_refused_and_untouched),
		cmocka_unit_test(a_change_of_the_schema_is_preceded_by_a_copy),
		cmocka_unit_test(a_database_belongs_to_one_key),
		cmocka_unit_test(reading_works_beside_a_writer_and_after_it),
		cmocka_unit_test(no_database_is_not_made_by_reading),
		cmocka_unit_test(a_threads_reader_ends_with_it),
		cmocka_unit_test(a_query_over_its_time_is_stopped_and_the_next_one_runs),
		cmocka_unit_test(a_reader_cannot_write_and_nothing_foreign_runs),
		cmocka_unit_test(the_wal_waits_for_a_quiet_moment_until_it_is_twice_as_long),
		cmocka_unit_test(every_query_has_the_plan_that_was_looked_at),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
