/* One version back: the copy takes the place of the database, nothing is lost on the way, and
 * nothing is signed with it before others were asked. */
#include "lib/cmocka.h"

#include "base/file.h"
#include "lib/shelf.h"
#include "store/db.h"
#include "store/rollback.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 160, WHY_BYTES = 256 };

static char *in_shelf(const struct shelf *shelf, const char *name, char room[static PATH_BYTES])
{
	assert_true(snprintf(room, PATH_BYTES, "%s/%s", shelf->dir, name) < PATH_BYTES);
	return room;
}

static int64_t ask(const struct shelf *shelf, const char *file, const char *sql)
{
	char path[PATH_BYTES];
	struct db *db = NULL;
	sqlite3_stmt *stmt = NULL;
	assert_int_equal(db_open(in_shelf(shelf, file, path), DB_READER, &shelf->env, &db), ERR_OK);
	assert_int_equal(sqlite3_prepare_v2(db_handle(db), sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	int64_t value = sqlite3_column_int64(stmt, 0);
	(void)sqlite3_finalize(stmt);
	db_close(db);
	return value;
}

/* The database as version 2 left it, with one post; then brought up to date, with two. */
static void upgrade(struct shelf *shelf)
{
	char path[PATH_BYTES];
	struct db *db = NULL;
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"one\"}");
	shelf_close(shelf);
	assert_int_equal(
		db_open(in_shelf(shelf, "kith.db", path), DB_WRITER, &shelf->env, &db), ERR_OK);
	assert_int_equal(
		db_exec(db, "DROP TABLE holders; DROP TABLE witnesses; DROP TABLE drafts;"
			    "DROP TABLE wants; DROP TABLE branch; DROP TABLE safety_log;"
			    "DROP TABLE ahead; DROP TABLE keys; DROP TABLE behind;"
			    "DROP TABLE search; DROP TABLE shares; DROP TABLE ahead_feeds;"
			    "DROP TABLE profiles_from; DROP TABLE mutes; DROP TABLE petnames;"
			    "DROP TABLE bookmarks; DROP TABLE marks; DROP TABLE writing;"
			    "DROP TABLE outbox; DROP TABLE tags; DROP TABLE tag_counts;"
			    "DROP TABLE words; DROP TABLE word_parts; DROP TABLE activity;"
			    "DROP TABLE blobs;"
			    "DROP TABLE blob_wants;"
			    "DROP TABLE blob_pushes;"
			    "DROP TABLE blob_links;"
			    "DROP TABLE uploads;"
			    "DROP TABLE private_messages;"
			    "DROP TABLE private_marks;"
			    "DROP TABLE let_go;"
			    "DROP TABLE evictions; DROP TABLE lifted;"
			    "DROP INDEX messages_own; DROP TABLE strays;"
			    "CREATE INDEX messages_by_key ON messages (key_head);"
			    "PRAGMA user_version = 2"),
		ERR_OK);
	db_close(db);
	shelf_open(shelf);
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"two\"}");
	shelf_close(shelf);
}

static void the_copy_takes_the_place_and_signs_nothing(void **state)
{
	struct shelf *shelf = *state;
	struct rollback_result result;
	struct rollback_copy copies[ROLLBACK_COPIES_MAX];
	struct publish_result published;
	size_t count = 0;
	char why[WHY_BYTES] = "";
	upgrade(shelf);
	assert_int_equal(rollback_list(shelf->dir, copies, &count), ERR_OK);
	assert_int_equal(count, 1);
	assert_int_equal(copies[0].version, 2);
	assert_int_equal(rollback_run(shelf->dir, &shelf->env, &result, why, sizeof(why)), ERR_OK);
	assert_string_equal(result.copy.name, copies[0].name);
	assert_int_equal(result.version, 6);
	assert_int_equal(ask(shelf, "kith.db", "PRAGMA user_version"), 2);
	assert_int_equal(ask(shelf, "kith.db", "SELECT count(*) FROM messages"), 1);
	/* What was there, and the copy itself, are still to be had. */
	assert_int_equal(ask(shelf, result.aside, "SELECT count(*) FROM messages"), 2);
	assert_int_equal(rollback_list(shelf->dir, copies, &count), ERR_OK);
	assert_int_equal(count, 1);
	shelf_open(shelf);
	assert_string_equal(writer_state(shelf->writer, why, sizeof(why)), "SUSPECT");
	const struct publish_request request = {
		.content = span_text("{\"type\":\"post\",\"text\":\"another two\"}")};
	assert_int_equal(writer_publish(shelf->writer, &request, &published), ERR_PAUSED);
}

static void what_cannot_be_gone_back_to_changes_nothing(void **state)
{
	struct shelf *shelf = *state;
	struct rollback_result result;
	struct rollback_copy copies[ROLLBACK_COPIES_MAX];
	size_t count = 0;
	char why[WHY_BYTES] = "";
	char path[PATH_BYTES];
	char copy[PATH_BYTES];
	assert_int_equal(
		rollback_run("/nowhere", &shelf->env, &result, why, sizeof(why)), ERR_NOT_FOUND);
	upgrade(shelf);
	assert_int_equal(rollback_list(shelf->dir, copies, &count), ERR_OK);
	(void)snprintf(path, sizeof(path), "snapshots/%s", copies[0].name);
	int fd = open(in_shelf(shelf, path, copy), O_WRONLY);
	assert_int_equal(pwrite(fd, "damage", 6, 4096 + 3), 6);
	(void)close(fd);
	assert_int_equal(
		rollback_run(shelf->dir, &shelf->env, &result, why, sizeof(why)), ERR_DAMAGED);
	assert_non_null(strstr(why, "nothing was changed"));
	assert_int_equal(ask(shelf, "kith.db", "SELECT count(*) FROM messages"), 2);
	assert_int_equal(access(in_shelf(shelf, "kith.db.restore", path), F_OK), -1);
	assert_int_equal(unlink(copy), 0);
	assert_int_equal(
		rollback_run(shelf->dir, &shelf->env, &result, why, sizeof(why)), ERR_NOT_FOUND);
	assert_int_equal(ask(shelf, "kith.db", "SELECT count(*) FROM messages"), 2);
	shelf_open(shelf);
	assert_string_equal(writer_state(shelf->writer, why, sizeof(why)), "CLEAN");
}

static void only_whole_copies_are_listed_the_newest_first(void **state)
{
	struct shelf *shelf = *state;
	static const char *const names[] = {"kith-v1-100.db", "kith-v2-300.db", "kith-v2-200.db",
		"kith-v2-400.db.part", "kith-v0-1.db", "kith-v-1.db", "kith-vx-1.db", "other",
		"kith-v2-99999999999999999999999999.db", "kith-v2-1.dbx"};
	struct rollback_copy copies[ROLLBACK_COPIES_MAX];
	size_t count = 0;
	char path[PATH_BYTES];
	char name[PATH_BYTES];
	assert_int_equal(rollback_list(shelf->dir, copies, &count), ERR_OK);
	assert_int_equal(count, 0);
	assert_int_equal(mkdir(in_shelf(shelf, "snapshots", path), 0700), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(name, sizeof(name), "snapshots/%s", names[i]);
		assert_int_equal(
			file_create(in_shelf(shelf, name, path), span_text("x"), 0600), ERR_OK);
	}
	assert_int_equal(rollback_list(shelf->dir, copies, &count), ERR_OK);
	assert_int_equal(count, 3);
	assert_string_equal(copies[0].name, "kith-v2-300.db");
	assert_string_equal(copies[1].name, "kith-v2-200.db");
	assert_string_equal(copies[2].name, "kith-v1-100.db");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_copy_takes_the_place_and_signs_nothing, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			what_cannot_be_gone_back_to_changes_nothing, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(only_whole_copies_are_listed_the_newest_first,
			shelf_set_up, shelf_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
