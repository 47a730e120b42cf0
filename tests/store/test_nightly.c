/* The node's own backups: made by the clock, so many kept, none at the price of a full disk, and
 * the good ones outlive a pause. */
#include "lib/cmocka.h"

#include "base/file.h"
#include "lib/shelf.h"
#include "store/db.h"
#include "store/nightly.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PATH_BYTES = 160, WHY_BYTES = 256 };

static char *in_shelf(const struct shelf *shelf, const char *name, char room[static PATH_BYTES])
{
	assert_true(snprintf(room, PATH_BYTES, "%s/%s", shelf->dir, name) < PATH_BYTES);
	return room;
}

/* Time goes by, also for the threads that look at the clock meanwhile. */
static void pass(struct shelf *shelf, int64_t ms)
{
	(void)__atomic_fetch_add(&shelf->wall_ms, ms, __ATOMIC_RELAXED);
}

static struct nightly *start(struct shelf *shelf)
{
	struct nightly *nightly = NULL;
	char why[WHY_BYTES] = "";
	const struct nightly_opts opts = {.store = shelf->store,
		.writer = shelf->writer,
		.signer = shelf->self.signer,
		.is_by_request_only = true};
	assert_int_equal(nightly_start(&opts, &nightly, why, sizeof(why)), ERR_OK);
	return nightly;
}

static struct nightly_job wait_for(struct nightly *nightly, uint64_t job)
{
	struct nightly_job report = {.job = 0};
	do {
		(void)usleep(1000);
		nightly_report(nightly, &report);
		assert_int_equal(report.job, job);
	} while (!report.is_over);
	return report;
}

static struct nightly_job make(struct nightly *nightly, enum nightly_kind kind, const char *pass)
{
	uint64_t job = 0;
	assert_int_equal(nightly_ask(nightly, kind, span_text(pass), &job), ERR_OK);
	return wait_for(nightly, job);
}

static size_t list(const struct nightly *nightly, struct nightly_file files[NIGHTLY_FILES_MAX])
{
	size_t count = 0;
	assert_int_equal(nightly_list(nightly_dir(nightly), files, &count), ERR_OK);
	return count;
}

static void keeps_the_last_seven(void **state)
{
	struct shelf *shelf = *state;
	struct nightly_file files[NIGHTLY_FILES_MAX];
	char names[10][NIGHTLY_NAME_BYTES];
	char path[PATH_BYTES];
	struct buf text = BUF_INIT(KIB);
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"x\"}");
	struct nightly *nightly = start(shelf);
	for (int i = 0; i < 10; i++) {
		pass(shelf, LIMIT_BACKUP_PERIOD_MS);
		struct nightly_job job = make(nightly, NIGHTLY_PLAIN, "");
		assert_int_equal(job.err, ERR_OK);
		(void)snprintf(names[i], sizeof(names[i]), "%s", job.name);
	}
	assert_int_equal(list(nightly, files), LIMIT_BACKUPS_KEPT);
	for (int i = 0; i < LIMIT_BACKUPS_KEPT; i++) {
		assert_string_equal(files[i].name, names[9 - i]);
		assert_true(files[i].bytes > 0);
		assert_int_equal(files[i].at_ms, shelf->wall_ms - i * LIMIT_BACKUP_PERIOD_MS);
	}
	nightly_stop(nightly);
	assert_int_equal(reader_setting(shelf->reader, "backup_ok", &text), ERR_OK);
	assert_non_null(buf_cstr(&text));
	assert_int_equal(strtoll((const char *)text.at, NULL, 10), shelf->wall_ms);
	assert_int_equal(access(in_shelf(shelf, "backup.copy", path), F_OK), -1);
	buf_fini(&text);
}

static void one_to_take_away_holds_the_key_and_displaces_no_night(void **state)
{
	struct shelf *shelf = *state;
	struct nightly_file files[NIGHTLY_FILES_MAX];
	char path[PATH_BYTES];
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"x\"}");
	assert_int_equal(file_create(in_shelf(shelf, "secret", path),
				 span_text("the text of the secret file"), 0600),
		ERR_OK);
	struct nightly *nightly = start(shelf);
	assert_int_equal(make(nightly, NIGHTLY_PLAIN, "").err, ERR_OK);
	for (int i = 0; i < 3; i++) {
		pass(shelf, 1000);
		struct nightly_job job = make(nightly, NIGHTLY_AWAY, "a passphrase");
		assert_int_equal(job.err, ERR_OK);
		assert_true(span_ends_with(span_text(job.name), "-away.backup"));
	}
	assert_int_equal(list(nightly, files), 2);
	uint64_t job = 0;
	assert_int_equal(nightly_ask(nightly, NIGHTLY_AWAY, span_text("seven77"), &job), ERR_LIMIT);
	nightly_stop(nightly);
}

static void removes_what_a_kill_left_and_nothing_else(void **state)
{
	struct shelf *shelf = *state;
	char path[PATH_BYTES];
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"x\"}");
	struct nightly *nightly = start(shelf);
	assert_int_equal(file_make_dir(in_shelf(shelf, "backups", path)), ERR_OK);
	assert_int_equal(
		file_create(in_shelf(shelf, "backups/kith-20200101-000000.backup.partial", path),
			span_text("x"), 0600),
		ERR_OK);
	assert_int_equal(
		file_create(in_shelf(shelf, "backups/holiday.partial", path), span_text("x"), 0600),
		ERR_OK);
	assert_int_equal(make(nightly, NIGHTLY_PLAIN, "").err, ERR_OK);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(
		access(in_shelf(shelf, "backups/kith-20200101-000000.backup.partial", path), F_OK),
		-1);
	nightly_stop(nightly);
}

static void a_failure_is_told_and_remembered(void **state)
{
	struct shelf *shelf = *state;
	char path[PATH_BYTES];
	struct buf text = BUF_INIT(KIB);
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"x\"}");
	assert_int_equal(
		file_create(in_shelf(shelf, "backups", path), span_text("no folder"), 0600),
		ERR_OK);
	struct nightly *nightly = start(shelf);
	struct nightly_job job = make(nightly, NIGHTLY_PLAIN, "");
	assert_int_not_equal(job.err, ERR_OK);
	assert_string_equal(job.name, "");
	assert_string_not_equal(job.said, "");
	nightly_stop(nightly);
	const struct change last = {
		.kind = CHANGE_SETTING, .name = span_text("behind-it"), .text = span_text("x")};
	assert_int_equal(writer_change_wait(shelf->writer, &last), ERR_OK);
	assert_int_equal(reader_setting(shelf->reader, "backup_error", &text), ERR_OK);
	assert_true(span_equal_text(buf_span(&text), job.said));
	buf_fini(&text);
}

static void a_pause_costs_none_of_the_good_ones(void **state)
{
	struct shelf *shelf = *state;
	struct nightly_file files[NIGHTLY_FILES_MAX];
	char path[PATH_BYTES];
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"x\"}");
	struct nightly *nightly = start(shelf);
	for (int i = 0; i < LIMIT_BACKUPS_KEPT; i++) {
		pass(shelf, LIMIT_BACKUP_PERIOD_MS);
		assert_int_equal(make(nightly, NIGHTLY_PLAIN, "").err, ERR_OK);
	}
	nightly_stop(nightly);
	shelf_close(shelf);
	assert_int_equal(unlink(in_shelf(shelf, "fence", path)), 0);
	shelf_open(shelf);
	nightly = start(shelf);
	for (int i = 0; i < 3; i++) {
		pass(shelf, LIMIT_BACKUP_PERIOD_MS);
		struct nightly_job job = make(nightly, NIGHTLY_PLAIN, "");
		assert_int_equal(job.err, ERR_OK);
		assert_true(span_ends_with(span_text(job.name), "-paused.backup"));
	}
	assert_int_equal(list(nightly, files), LIMIT_BACKUPS_KEPT + 1);
	assert_true(span_ends_with(span_text(files[0].name), "-paused.backup"));
	for (int i = 1; i <= LIMIT_BACKUPS_KEPT; i++) {
		assert_false(span_ends_with(span_text(files[i].name), "-paused.backup"));
	}
	nightly_stop(nightly);
}

static void is_due_by_the_clock_and_not_before(void **state)
{
	enum { SOON = 1000 };
	const int64_t wall = 1800000000000;
	const int64_t mono = SOON + LIMIT_BACKUP_FIRST_MS;
	static const struct {
		int64_t mono_more, wall_more, first, failed, ok;
		bool is_due;
	} rows[] = {
		/* Nothing was ever published; the first post is a moment old; old enough. */
		{0, 0, 0, 0, 0, false},
		{-1, 0, SOON, 0, 0, false},
		{0, 0, SOON, 0, 0, true},
		/* One was made just now, almost a period ago, a period ago, long ago. */
		{0, 0, SOON, 0, 1, false},
		{0, LIMIT_BACKUP_PERIOD_MS - 1, SOON, 0, 1, false},
		{0, LIMIT_BACKUP_PERIOD_MS, SOON, 0, 1, true},
		{0, 100 * LIMIT_BACKUP_PERIOD_MS, SOON, 0, 1, true},
		/* The clock was wrong when one was made. */
		{0, -1, SOON, 0, 1, true},
		/* One failed: almost an hour ago, an hour ago. */
		{LIMIT_BACKUP_RETRY_MS - 1, 0, SOON, 1, 0, false},
		{LIMIT_BACKUP_RETRY_MS, 0, SOON, 1, 0, true},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct nightly_clock clock = {.mono_ms = mono + rows[i].mono_more,
			.wall_ms = wall + rows[i].wall_more,
			.first_ms = rows[i].first,
			.failed_ms = rows[i].failed * mono,
			.ok_ms = rows[i].ok * wall};
		if (nightly_is_due(&clock) != rows[i].is_due) {
			fail_msg("row %zu", i);
		}
	}
}

/* Keep, or bring back, database and fence, as a snapshot of the whole machine does. */
static void copy_both(const struct shelf *shelf, const char *from, const char *to)
{
	static const char *const names[] = {"kith.db", "fence"};
	for (size_t i = 0; i < 2; i++) {
		char one[PATH_BYTES];
		char two[PATH_BYTES];
		struct buf bytes = BUF_INIT(64 * MIB);
		(void)snprintf(one, sizeof(one), "%s/%s%s", shelf->dir, names[i], from);
		(void)snprintf(two, sizeof(two), "%s/%s%s", shelf->dir, names[i], to);
		assert_int_equal(file_read(one, &bytes), ERR_OK);
		assert_int_equal(file_replace(two, buf_span(&bytes), 0600), ERR_OK);
		buf_fini(&bytes);
	}
}

/* The state once the writer has done all that was asked before. */
static void assert_state(struct shelf *shelf, const char *wanted)
{
	char why[WHY_BYTES];
	const struct change last = {
		.kind = CHANGE_SETTING, .name = span_text("behind-it"), .text = span_text("x")};
	assert_int_equal(writer_change_wait(shelf->writer, &last), ERR_OK);
	assert_string_equal(writer_state(shelf->writer, why, sizeof(why)), wanted);
}

static void a_machine_that_was_rolled_back_meets_the_copy_that_knows_better(void **state)
{
	struct shelf *shelf = *state;
	char why[WHY_BYTES];
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"one\"}");
	shelf_close(shelf);
	copy_both(shelf, "", ".kept");
	shelf_open(shelf);
	pass(shelf, 1000);
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"two\"}");
	struct nightly *nightly = start(shelf);
	assert_int_equal(make(nightly, NIGHTLY_PLAIN, "").err, ERR_OK);
	nightly_stop(nightly);
	assert_state(shelf, "CLEAN");
	shelf_close(shelf);
	copy_both(shelf, ".kept", "");
	shelf_open(shelf);
	assert_state(shelf, "CLEAN"); /* fence and database agree: nobody else can tell */
	nightly_stop(start(shelf));
	assert_state(shelf, "SUSPECT");
	/* The owner accepts the loss: the old copy does not stop the node again. */
	pass(shelf, 1000);
	assert_int_equal(writer_resume(shelf->writer, 0, true, why, sizeof(why)), ERR_OK);
	nightly_stop(start(shelf));
	assert_state(shelf, "CLEAN");
	shelf_close(shelf);
	shelf_open(shelf);
	nightly_stop(start(shelf));
	assert_state(shelf, "CLEAN");
}

static void knows_its_own_names_and_no_path(void **state)
{
	static const char *const good[] = {"kith-20261122-190342.backup",
		"kith-20261122-190342-paused.backup", "kith-20261122-190342-away.backup",
		"kith-20261122-190342-move.backup"};
	static const char *const bad[] = {"", "kith-", "kith.db", "secret", "../secret",
		"kith-20261122-190342.backup.partial", "kith-20261122-190342",
		"kith-20261122-190342/../../secret", "kith-2026112a-190342.backup",
		"kith-20261122_190342.backup", "kith-20261122-190342-other.backup",
		"/kith-20261122-190342.backup", "kith-20261122-190342.backup/",
		"kith-20261122-190342-away-away.backup",
		"kith-20261122-190342.backup000000000000000000000000000000000000000000000"};
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(nightly_name_is_ours(span_text(good[i])));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(nightly_name_is_ours(span_text(bad[i])));
	}
	assert_false(nightly_name_is_ours(span_of("kith-20261122-190342.backup", 28)));
}

static void set_run(const struct shelf *shelf, const char *run)
{
	char path[PATH_BYTES];
	char sql[128];
	struct db *db = NULL;
	(void)snprintf(sql, sizeof(sql),
		"UPDATE settings SET text = CAST('%s' AS BLOB) WHERE name = CAST('run' AS BLOB)",
		run);
	assert_int_equal(
		db_open(in_shelf(shelf, "kith.db", path), DB_WRITER, &shelf->env, &db), ERR_OK);
	assert_int_equal(db_exec(db, sql), ERR_OK);
	assert_int_equal(sqlite3_changes(db_handle(db)), 1);
	db_close(db);
}

static bool run_is(struct shelf *shelf, const char *run)
{
	struct buf text = BUF_INIT(KIB);
	assert_int_equal(reader_setting(shelf->reader, "run", &text), ERR_OK);
	bool is_so = span_equal_text(buf_span(&text), run);
	buf_fini(&text);
	return is_so;
}

/* Of a closed shelf: a page that no start looks at. */
static void damage(const struct shelf *shelf)
{
	char path[PATH_BYTES];
	struct db *db = NULL;
	sqlite3_stmt *stmt = NULL;
	assert_int_equal(
		db_open(in_shelf(shelf, "kith.db", path), DB_WRITER, &shelf->env, &db), ERR_OK);
	assert_int_equal(sqlite3_prepare_v2(db_handle(db),
				 "SELECT rootpage FROM sqlite_schema WHERE name = 'profiles'", -1,
				 &stmt, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	off_t at = (sqlite3_column_int64(stmt, 0) - 1) * 4096;
	(void)sqlite3_finalize(stmt);
	db_close(db);
	int fd = open(path, O_WRONLY);
	assert_int_equal(pwrite(fd, "ZZZZ", 4, at), 4);
	(void)close(fd);
}

static void expect_damage(struct shelf *shelf)
{
	struct guard_report report;
	do {
		(void)usleep(1000);
		writer_guard(shelf->writer, &report);
	} while (report.state == FENCE_CLEAN);
	assert_int_equal(report.state, FENCE_SUSPECT);
	assert_int_equal(report.cause, GUARD_DAMAGE);
	assert_non_null(strstr(report.why, "kith check"));
}

static void looks_the_database_over_after_a_run_that_was_cut(void **state)
{
	struct shelf *shelf = *state;
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"x\"}");
	shelf_close(shelf);
	set_run(shelf, "open");
	shelf_open(shelf);
	assert_true(writer_was_cut(shelf->writer));
	assert_true(run_is(shelf, "cut"));
	struct nightly *nightly = start(shelf);
	while (!run_is(shelf, "open")) {
		(void)usleep(1000);
	}
	nightly_stop(nightly);
	shelf_close(shelf);
	shelf_open(shelf);
	assert_false(writer_was_cut(shelf->writer));
	shelf_close(shelf);
	damage(shelf);
	set_run(shelf, "open");
	shelf_open(shelf);
	nightly = start(shelf);
	expect_damage(shelf);
	nightly_stop(nightly);
	shelf_close(shelf);
	shelf_open(shelf);
	assert_true(writer_was_cut(shelf->writer)); /* until it was found sound */
}

static void looks_the_database_over_when_a_copy_is_damaged(void **state)
{
	struct shelf *shelf = *state;
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"x\"}");
	shelf_close(shelf);
	damage(shelf);
	shelf_open(shelf);
	assert_false(writer_was_cut(shelf->writer));
	struct nightly *nightly = start(shelf);
	assert_int_equal(make(nightly, NIGHTLY_PLAIN, "").err, ERR_DAMAGED);
	expect_damage(shelf);
	nightly_stop(nightly);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			keeps_the_last_seven, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			one_to_take_away_holds_the_key_and_displaces_no_night, shelf_set_up,
			shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			removes_what_a_kill_left_and_nothing_else, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			a_failure_is_told_and_remembered, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			a_pause_costs_none_of_the_good_ones, shelf_set_up, shelf_tear_down),
		cmocka_unit_test(is_due_by_the_clock_and_not_before),
		cmocka_unit_test_setup_teardown(
			a_machine_that_was_rolled_back_meets_the_copy_that_knows_better,
			shelf_set_up, shelf_tear_down),
		cmocka_unit_test(knows_its_own_names_and_no_path),
		cmocka_unit_test_setup_teardown(looks_the_database_over_after_a_run_that_was_cut,
			shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(looks_the_database_over_when_a_copy_is_damaged,
			shelf_set_up, shelf_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
