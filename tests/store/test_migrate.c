/* store/migrate with the real files of schema/: a node that is killed anywhere on the way to the
 * next version goes on, loses nothing, and can go one version back. */
#include "lib/cmocka.h"
#include "lib/death.h"
#include "lib/shelf.h"

#include "base/encode.h"
#include "store/audit.h"
#include "store/migrate.h"
#include "store/pack.h"

#include <dirent.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OLD_VERSION = 2 };

/* A released file never changes (schema/README.md): databases made by it are out there. */
static void released_files_are_what_they_were(void **state)
{
	static const struct {
		const char *name, *hash;
	} released[] = {
		{"001-log.sql", "a78d15baa39c7bc8134b089c103c34083af207012c79782846df1d3063f9bfdb"},
		{"002-views.sql",
			"7b41d3dc53c23a5c82cc69808c2115aedc084055c8a3e8e7d3a8039fee09d6fd"},
		{"003-safety.sql",
			"903d7aabdf25e86e8c77fefbc2c8e7208da99eaef04bfea623a7caa4f5cc7a31"},
		{"004-stream.sql",
			"bc7f26c832204293597cdd717be37cc4e782ee83b602a6367d0312be16c072fb"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(released) / sizeof(released[0]); i++) {
		uint8_t hash[crypto_hash_sha256_BYTES];
		char text[2 * sizeof(hash) + 1];
		assert_true(i < embedded_schema_count);
		assert_string_equal(embedded_schema[i].name, released[i].name);
		assert_int_equal(
			crypto_hash_sha256(hash, embedded_schema[i].at, embedded_schema[i].len), 0);
		hex_encode(span_of(hash, sizeof(hash)), text);
		assert_string_equal(text, released[i].hash);
	}
}

static void exec(sqlite3 *db, const char *sql)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	}
}

static int64_t number_of(const char *path, const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	int64_t number = sqlite3_column_int64(stmt, 0);
	(void)sqlite3_finalize(stmt);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return number;
}

static void path_in(const struct shelf *shelf, const char *name, char out[static 128])
{
	(void)snprintf(out, 128, "%s/%s", shelf->dir, name);
}

/* As it was stored before store/pack: each body is the message's text. */
static void bodies_as_text(sqlite3 *db)
{
	sqlite3_stmt *rows = NULL;
	sqlite3_stmt *put = NULL;
	assert_int_equal(sqlite3_prepare_v2(db,
				 "SELECT m.message, m.sequence, f.id, m.body FROM messages m JOIN "
				 "feeds f ON f.feed = m.feed",
				 -1, &rows, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "UPDATE messages SET body = ?2 WHERE message = ?1",
				 -1, &put, NULL),
		SQLITE_OK);
	while (sqlite3_step(rows) == SQLITE_ROW) {
		struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
		struct feed_id author;
		assert_int_equal(sqlite3_column_bytes(rows, 2), ID_BYTES);
		memcpy(author.at, sqlite3_column_blob(rows, 2), ID_BYTES);
		assert_int_equal(pack_text(span_of(sqlite3_column_blob(rows, 3),
						   (size_t)sqlite3_column_bytes(rows, 3)),
					 &author, (uint64_t)sqlite3_column_int64(rows, 1), &text),
			ERR_OK);
		assert_int_equal(
			sqlite3_bind_int64(put, 1, sqlite3_column_int64(rows, 0)), SQLITE_OK);
		assert_int_equal(sqlite3_bind_blob(put, 2, text.at, (int)text.len, SQLITE_STATIC),
			SQLITE_OK);
		assert_int_equal(sqlite3_step(put), SQLITE_DONE);
		assert_int_equal(sqlite3_reset(put), SQLITE_OK);
		buf_fini(&text);
	}
	(void)sqlite3_finalize(rows);
	(void)sqlite3_finalize(put);
}

/* A closed shelf with some life in it, whose database is of version 2: schema 001 and 002 and
 * nothing else. */
static void old_shelf(struct shelf *shelf)
{
	static const char *const tables[] = {"feeds", "messages", "forks", "clocks", "addresses",
		"reach", "sessions", "settings", "nonces", "figures", "posts", "votes", "contacts",
		"profiles"};
	char path[128];
	char new_path[128];
	char sql[512];
	char why[256];
	struct author ben;
	struct db *db = NULL;
	shelf_init(shelf);
	author_init(&ben, 1);
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"one\"}");
	(void)shelf_contact(shelf, &ben.id, EDGE_FOLLOW);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(shelf_append(shelf, author_post(&ben, "hello")), APPEND_STORED);
	}
	author_fini(&ben);
	shelf_close(shelf);
	path_in(shelf, "old.db", path);
	path_in(shelf, "kith.db", new_path);
	const struct migrate_plan plan = {
		.files = embedded_schema, .count = OLD_VERSION, .snapshot_dir = "/nowhere"};
	assert_int_equal(db_open(path, DB_WRITER, &shelf->env, &db), ERR_OK);
	assert_int_equal(migrate_run(db, &plan, &shelf->env, why, sizeof(why)), ERR_OK);
	db_close(db);
	sqlite3 *raw = NULL;
	assert_int_equal(sqlite3_open(path, &raw), SQLITE_OK);
	(void)snprintf(sql, sizeof(sql), "ATTACH '%s' AS new", new_path);
	exec(raw, sql);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		(void)snprintf(sql, sizeof(sql),
			"DELETE FROM main.%s; INSERT INTO main.%s SELECT %s FROM new.%s", tables[i],
			tables[i], strcmp(tables[i], "votes") == 0 ? "link, feed" : "*", tables[i]);
		exec(raw, sql);
	}
	bodies_as_text(raw);
	assert_int_equal(sqlite3_close(raw), SQLITE_OK);
	assert_int_equal(rename(path, new_path), 0);
}

static size_t count_files(const char *dir, const char *ending, char last[static 256])
{
	size_t count = 0;
	DIR *open = opendir(dir);
	for (struct dirent *entry = open == NULL ? NULL : readdir(open); entry != NULL;
		entry = readdir(open)) {
		size_t len = strlen(entry->d_name);
		if (len > strlen(ending) &&
			strcmp(entry->d_name + len - strlen(ending), ending) == 0) {
			count++;
			(void)snprintf(last, 256, "%.120s/%.120s", dir, entry->d_name);
		}
	}
	if (open != NULL) {
		(void)closedir(open);
	}
	return count;
}

/* The version-2 program's own check, and that all rows are there. */
static void assert_old_and_whole(const struct shelf *shelf, const char *path)
{
	struct db *db = NULL;
	char why[256];
	assert_int_equal(db_open(path, DB_WRITER, &shelf->env, &db), ERR_OK);
	const struct migrate_plan plan = {
		.files = embedded_schema, .count = OLD_VERSION, .snapshot_dir = "/nowhere"};
	assert_int_equal(migrate_check(db, OLD_VERSION, why, sizeof(why)), ERR_OK);
	assert_int_equal(migrate_run(db, &plan, &shelf->env, why, sizeof(why)), ERR_OK);
	db_close(db);
	assert_int_equal(number_of(path, "SELECT count(*) FROM messages"), 22);
	assert_int_equal(number_of(path, "SELECT sum(sequence) FROM feeds"), 22);
	assert_int_equal(number_of(path, "SELECT count(*) FROM sqlite_schema WHERE name = "
					 "'safety_log'"),
		0);
}

/* Steps of SQLite on the way: each statement once when it begins and once when it ended. */
/* Migrate in a process of its own that dies at step `at`; true when it got through alive. */
static bool migrate_and_die(const struct shelf *shelf, int at)
{
	char path[128];
	char snapshots[128];
	path_in(shelf, "kith.db", path);
	path_in(shelf, "snapshots", snapshots);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct db *db = NULL;
		char why[256];
		const struct migrate_plan plan = {.files = embedded_schema,
			.count = embedded_schema_count,
			.snapshot_dir = snapshots};
		if (db_open(path, DB_WRITER, &shelf->env, &db) != ERR_OK) {
			_exit(1);
		}
		death_at(db_handle(db), SQLITE_TRACE_STMT | SQLITE_TRACE_PROFILE, at);
		_exit(migrate_run(db, &plan, &shelf->env, why, sizeof(why)) == ERR_OK ? 0 : 1);
	}
	return death_missed(pid);
}

/* The next start finishes, with nothing lost. */
static void assert_start_finishes(struct shelf *shelf)
{
	char path[128];
	char snapshots[128];
	char copy[256] = "";
	char part[256] = "";
	struct audit audit = {.on_fault = NULL};
	struct chain_head head;
	path_in(shelf, "kith.db", path);
	path_in(shelf, "snapshots", snapshots);
	shelf->wall_ms++; /* so that its copy has another name */
	shelf_open(shelf);
	assert_int_equal(reader_head(shelf->reader, &shelf->self.id, &head), ERR_OK);
	assert_int_equal(head.sequence, 2);
	assert_int_equal(audit_run(shelf->store, NULL, &audit), ERR_OK);
	assert_int_equal(audit.faults, 0);
	assert_int_equal(audit.messages, 22);
	assert_int_equal(number_of(path, "PRAGMA user_version"), embedded_schema_count);
	(void)number_of(path, "SELECT count(*) FROM safety_log");
	/* One copy, whole, and nothing half-made. */
	assert_int_equal(count_files(snapshots, ".db", copy), 1);
	assert_int_equal(count_files(snapshots, ".part", part), 0);
	assert_old_and_whole(shelf, copy);
	shelf_close(shelf);
}

static void a_kill_at_every_step_of_a_migration_loses_nothing(void **state)
{
	(void)state;
	bool is_through = false;
	int at = 1;
	for (; !is_through; at++) {
		struct shelf shelf;
		char path[128];
		old_shelf(&shelf);
		path_in(&shelf, "kith.db", path);
		is_through = migrate_and_die(&shelf, at);
		if (!is_through && number_of(path, "PRAGMA user_version") == OLD_VERSION) {
			assert_old_and_whole(&shelf, path);
		}
		assert_start_finishes(&shelf);
		shelf_fini(&shelf);
	}
	assert_in_range(at, 20, 400); /* it did die at many places */
}

struct heard {
	struct reader *reader;
	size_t count;
};

/* Each is found by its key too. */
static bool hear(void *ctx, const struct stored *stored)
{
	struct heard *heard = ctx;
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	struct stored again;
	assert_int_equal(reader_message(heard->reader, &stored->key, &text, &again), ERR_OK);
	assert_true(span_equal(again.compact, stored->compact));
	assert_int_equal(again.sequence, ++heard->count);
	buf_fini(&text);
	return true;
}

/* Nothing is written anew: text stays text, beside what is packed from then on. */
static void messages_of_before_are_read_and_found_as_text(void **state)
{
	(void)state;
	static const char text_rows[] = "SELECT count(*) FROM messages WHERE substr(body, 1, 1) = "
					"x'7b'";
	struct shelf shelf;
	struct author ben;
	struct audit audit = {.on_fault = NULL};
	char path[128];
	old_shelf(&shelf);
	path_in(&shelf, "kith.db", path);
	assert_int_equal(number_of(path, text_rows), 22);
	shelf_open(&shelf);
	author_init(&ben, 1);
	for (int i = 0; i < 20; i++) {
		message_free(author_post(&ben, "hello")); /* as old_shelf() did */
	}
	assert_int_equal(shelf_append(&shelf, author_post(&ben, "packed")), APPEND_STORED);
	assert_int_equal(number_of(path, text_rows), 22);
	assert_int_equal(number_of(path, "SELECT count(*) FROM messages"), 23);
	assert_int_equal(number_of(path, "SELECT count(*) FROM keys k JOIN messages m ON m.message "
					 "= k.message AND m.key_head = k.key_head"),
		23);
	struct heard heard = {.reader = shelf.reader};
	assert_int_equal(reader_feed(shelf.reader, &ben.id, 1, 100, hear, &heard), ERR_OK);
	assert_int_equal(heard.count, 21);
	heard.count = 0;
	assert_int_equal(reader_feed(shelf.reader, &shelf.self.id, 1, 100, hear, &heard), ERR_OK);
	assert_int_equal(heard.count, 2);
	assert_int_equal(audit_run(shelf.store, NULL, &audit), ERR_OK);
	assert_int_equal(audit.faults, 0);
	author_fini(&ben);
	shelf_fini(&shelf);
}

static void a_node_killed_at_each_start_keeps_one_copy(void **state)
{
	(void)state;
	struct shelf shelf;
	char snapshots[128];
	char copy[256] = "";
	old_shelf(&shelf);
	path_in(&shelf, "snapshots", snapshots);
	int steps = 1;
	/* Deaths at ever later steps, all on one database, until it gets through. */
	while (!migrate_and_die(&shelf, steps)) {
		steps++;
		shelf.wall_ms++;
		assert_true(count_files(snapshots, ".db", copy) <= 1);
	}
	assert_int_equal(count_files(snapshots, ".db", copy), 1);
	shelf.wall_ms++;
	assert_start_finishes(&shelf);
	shelf_fini(&shelf);
}

static void the_copy_takes_the_place_of_the_database_one_version_back(void **state)
{
	(void)state;
	struct shelf shelf;
	char path[128];
	char snapshots[128];
	char copy[256] = "";
	old_shelf(&shelf);
	path_in(&shelf, "kith.db", path);
	path_in(&shelf, "snapshots", snapshots);
	assert_true(migrate_and_die(&shelf, 1 << 20));
	assert_int_equal(count_files(snapshots, ".db", copy), 1);
	/* The log beside the database belongs to what is replaced: it must go first. */
	static const char *const logs[] = {"kith.db-wal", "kith.db-shm"};
	for (size_t i = 0; i < 2; i++) {
		char log[128];
		path_in(&shelf, logs[i], log);
		(void)unlink(log);
	}
	assert_int_equal(rename(copy, path), 0);
	assert_old_and_whole(&shelf, path);
	/* And forward again. */
	assert_start_finishes(&shelf);
	shelf_fini(&shelf);
}

/* A stranger's table is in the way of the third file: the sentence says which and why. */
static void a_change_that_fails_changes_nothing_and_says_why(void **state)
{
	(void)state;
	struct shelf shelf;
	char path[128];
	char snapshots[128];
	char why[256] = "";
	struct db *db = NULL;
	old_shelf(&shelf);
	path_in(&shelf, "kith.db", path);
	path_in(&shelf, "snapshots", snapshots);
	const struct migrate_plan plan = {.files = embedded_schema,
		.count = embedded_schema_count,
		.snapshot_dir = snapshots};
	assert_int_equal(db_open(path, DB_WRITER, &shelf.env, &db), ERR_OK);
	exec(db_handle(db), "CREATE TABLE holders (stranger)");
	assert_int_not_equal(migrate_run(db, &plan, &shelf.env, why, sizeof(why)), ERR_OK);
	assert_non_null(strstr(why, "003-"));
	assert_non_null(strstr(why, "holders already exists"));
	exec(db_handle(db), "DROP TABLE holders");
	db_close(db);
	assert_old_and_whole(&shelf, path);
	shelf_fini(&shelf);
}

struct told {
	int calls, last;
	int stop_at; /* of these calls says to stop; 0: none */
};

static bool on_progress(void *ctx, int per_mille)
{
	struct told *told = ctx;
	assert_in_range(per_mille, told->last, 1000);
	told->last = per_mille;
	told->calls++;
	return told->calls != told->stop_at;
}

static enum err open_old(struct shelf *shelf, struct told *told, struct store **out)
{
	char why[256];
	const struct store_opts opts = {.dir = shelf->dir,
		.env = &shelf->env,
		.self = shelf->self.id,
		.progress = {.on_progress = on_progress, .ctx = told}};
	return store_open(&opts, out, why, sizeof(why));
}

/* Each word of the clock is far from the last one, so every look is told of. */
static int64_t leap_ms(void *ctx)
{
	static int64_t now_ms;
	(void)ctx;
	now_ms += LIMIT_STARTING_MS;
	return now_ms;
}

static void tells_how_far_it_is_and_stops_when_told(void **state)
{
	struct shelf shelf;
	struct store *store = NULL;
	struct told told = {.calls = 0};
	char path[128];
	(void)state;
	old_shelf(&shelf);
	path_in(&shelf, "kith.db", path);
	int64_t (*const mono_ms)(void *ctx) = shelf.env.mono_ms;
	shelf.env.mono_ms = leap_ms;
	int64_t messages = number_of(path, "SELECT count(*) FROM messages");
	told.stop_at = 1;
	assert_int_equal(open_old(&shelf, &told, &store), ERR_TIMEOUT);
	assert_int_equal(told.calls, 1);
	assert_int_equal(number_of(path, "PRAGMA user_version"), OLD_VERSION);
	assert_int_equal(number_of(path, "SELECT count(*) FROM messages"), messages);
	told = (struct told){.calls = 0};
	assert_int_equal(open_old(&shelf, &told, &store), ERR_OK);
	assert_true(told.calls > 0);
	store_close(store);
	assert_int_equal(number_of(path, "PRAGMA user_version"), embedded_schema_count);
	/* What is up to date says nothing. */
	told = (struct told){.calls = 0};
	assert_int_equal(open_old(&shelf, &told, &store), ERR_OK);
	assert_int_equal(told.calls, 0);
	store_close(store);
	shelf.env.mono_ms = mono_ms;
	assert_start_finishes(&shelf);
	shelf_fini(&shelf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(released_files_are_what_they_were),
		cmocka_unit_test(tells_how_far_it_is_and_stops_when_told),
		cmocka_unit_test(a_kill_at_every_step_of_a_migration_loses_nothing),
		cmocka_unit_test(messages_of_before_are_read_and_found_as_text),
		cmocka_unit_test(a_node_killed_at_each_start_keeps_one_copy),
		cmocka_unit_test(the_copy_takes_the_place_of_the_database_one_version_back),
		cmocka_unit_test(a_change_that_fails_changes_nothing_and_says_why),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
