/*
 * store/writer at the start: every row of restore.md §4 B, and what goes on from one start to the
 * next. The promises R3, R14 to R17 are here by name.
 */
#include "lib/cmocka.h"
#include "lib/shelf.h"

#include "base/file.h"
#include "store/fence.h"
#include "store/inside.h"
#include "store/safety.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const int64_t day_ms = 24LL * 3600 * 1000;

static void path_in(const struct shelf *shelf, const char *name, char out[static 128])
{
	(void)snprintf(out, 128, "%s/%s", shelf->dir, name);
}

static void copy(const struct shelf *shelf, const char *from, const char *to)
{
	char source[128];
	char target[128];
	struct buf bytes = BUF_INIT(64 << 20);
	path_in(shelf, from, source);
	path_in(shelf, to, target);
	assert_int_equal(file_read(source, &bytes), ERR_OK);
	assert_int_equal(file_replace(target, buf_span(&bytes), 0600), ERR_OK);
	buf_fini(&bytes);
}

static void drop(const struct shelf *shelf, const char *name)
{
	char path[128];
	path_in(shelf, name, path);
	assert_int_equal(unlink(path), 0);
}

/* Change what the fence says while nobody runs. */
static void edit_fence(const struct shelf *shelf, void (*edit)(struct fence_facts *facts))
{
	char path[128];
	struct fence *fence = NULL;
	path_in(shelf, "fence", path);
	assert_int_equal(fence_open(path, &fence), ERR_OK);
	struct fence_facts facts = *fence_facts(fence);
	facts.intent_sequence = 0;
	edit(&facts);
	assert_int_equal(fence_write(fence, &facts, span_of(NULL, 0)), ERR_OK);
	fence_close(fence);
}

static struct fence_facts read_fence(const struct shelf *shelf)
{
	char path[128];
	struct fence *fence = NULL;
	path_in(shelf, "fence", path);
	assert_int_equal(fence_open(path, &fence), ERR_OK);
	struct fence_facts facts = *fence_facts(fence);
	fence_close(fence);
	return facts;
}

static void run_sql(const struct shelf *shelf, const char *sql)
{
	char path[128];
	struct db *db = NULL;
	path_in(shelf, "kith.db", path);
	assert_int_equal(db_open(path, DB_WRITER, &shelf->env, &db), ERR_OK);
	assert_int_equal(db_exec(db, sql), ERR_OK);
	db_close(db);
}

static struct guard_report report_of(struct shelf *shelf)
{
	struct guard_report report;
	writer_guard(shelf->writer, &report);
	return report;
}

/* Somebody holds our feed: nothing unlocks by itself at once. */
static void add_holder(struct shelf *shelf, uint64_t sequence)
{
	struct author ben;
	author_init(&ben, 1);
	const struct change known = {.kind = CHANGE_ADDRESS_PUT,
		.feed = ben.id,
		.text = span_text("net:ben.example:8008")};
	const struct change holds = {
		.kind = CHANGE_HOLDS, .feed = ben.id, .number = (int64_t)sequence};
	assert_int_equal(writer_change_wait(shelf->writer, &known), ERR_OK);
	assert_int_equal(writer_change_wait(shelf->writer, &holds), ERR_OK);
	author_fini(&ben);
}

/* A node with `count` messages and one holder, closed. */
static void make(struct shelf *shelf, int count)
{
	shelf_init(shelf);
	for (int i = 0; i < count; i++) {
		(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"%d\"}", i);
	}
	add_holder(shelf, (uint64_t)count);
	shelf_close(shelf);
}

static void expect(struct shelf *shelf, enum fence_state state, enum guard_cause cause)
{
	struct publish_result result;
	const struct publish_request request = {
		.content = span_text("{\"type\":\"post\",\"text\":\"no\"}")};
	struct guard_report report = report_of(shelf);
	assert_string_equal(fence_state_text(report.state), fence_state_text(state));
	assert_string_equal(guard_cause_name(report.cause), guard_cause_name(cause));
	if (state == FENCE_CLEAN) {
		assert_string_equal(report.why, "");
		return;
	}
	uint64_t before = report.sequence;
	assert_true(strlen(report.why) > 20);
	assert_int_equal(writer_publish(shelf->writer, &request, &result), ERR_PAUSED);
	assert_string_equal(result.why, report.why);
	assert_true(result.draft > 0);
	assert_int_equal(report_of(shelf).sequence, before);
	assert_int_equal(read_fence(shelf).state, state);
	assert_int_equal(read_fence(shelf).cause, cause);
}

/* It is so at this start, and at the next, in the same pause. */
static void expect_lasting(struct shelf *shelf, enum fence_state state, enum guard_cause cause)
{
	shelf_open(shelf);
	expect(shelf, state, cause);
	struct guard_report first = report_of(shelf);
	shelf_close(shelf);
	shelf->wall_ms += 1000;
	shelf_open(shelf);
	expect(shelf, state, cause);
	struct guard_report second = report_of(shelf);
	assert_int_equal(second.spell, first.spell);
	assert_int_equal(second.since_ms, first.since_ms);
	assert_int_equal(second.start_sequence, first.start_sequence);
	assert_string_equal(second.why, first.why);
}

static void a_key_just_made_starts_clean_and_stays_so(void **state)
{
	struct shelf *shelf = *state;
	expect(shelf, FENCE_CLEAN, GUARD_NONE);
	assert_int_equal(shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"1\"}").sequence, 1);
	for (int i = 0; i < 3; i++) {
		uint64_t epoch = read_fence(shelf).epoch;
		shelf_close(shelf);
		shelf_open(shelf);
		expect(shelf, FENCE_CLEAN, GUARD_NONE);
		assert_int_equal(read_fence(shelf).epoch, epoch + 1);
	}
	assert_int_equal(shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"2\"}").sequence, 2);
}

static void a_key_brought_along_waits_for_its_feed(void **state)
{
	struct shelf shelf;
	(void)state;
	shelf_init(&shelf);
	shelf_close(&shelf);
	drop(&shelf, "kith.db");
	drop(&shelf, "fence");
	expect_lasting(&shelf, FENCE_SUSPECT, GUARD_IMPORTED);
	assert_int_equal(report_of(&shelf).start_sequence, 0);
	shelf_fini(&shelf);
}

static void a_restored_database_begins_a_new_pause_each_time(void **state)
{
	struct shelf shelf;
	(void)state;
	make(&shelf, 3);
	drop(&shelf, "fence");
	run_sql(&shelf, "INSERT INTO settings (name, text) VALUES (CAST('restored_at' AS BLOB), "
			"CAST('1700000000000' AS BLOB))");
	expect_lasting(&shelf, FENCE_SUSPECT, GUARD_RESTORED);
	uint64_t spell = report_of(&shelf).spell;
	shelf_close(&shelf);
	drop(&shelf, "fence"); /* again, while it waits */
	run_sql(&shelf, "UPDATE settings SET text = CAST('1700000000001' AS BLOB) WHERE name = "
			"CAST('restored_at' AS BLOB)");
	shelf_open(&shelf);
	expect(&shelf, FENCE_SUSPECT, GUARD_RESTORED);
	assert_true(report_of(&shelf).spell > spell);
	shelf_fini(&shelf);
}

static void r16_a_deleted_fence_pauses(void **state)
{
	struct shelf shelf;
	(void)state;
	make(&shelf, 3);
	drop(&shelf, "fence");
	expect_lasting(&shelf, FENCE_SUSPECT, GUARD_NO_FENCE);
	shelf_fini(&shelf);
}

static void r16_a_fence_that_cannot_be_read_pauses(void **state)
{
	struct shelf shelf;
	char path[128];
	(void)state;
	make(&shelf, 3);
	path_in(&shelf, "fence", path);
	assert_int_equal(file_replace(path, span_text("kithfen1 but not really"), 0600), ERR_OK);
	expect_lasting(&shelf, FENCE_SUSPECT, GUARD_FENCE_DAMAGED);
	shelf_fini(&shelf);
}

static void other_identity(struct fence_facts *facts)
{
	facts->identity.at[0] ^= 1;
}

static void other_install(struct fence_facts *facts)
{
	facts->install[0] ^= 1;
}

static void r16_a_fence_of_another_key_or_install_pauses(void **state)
{
	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		struct shelf shelf;
		make(&shelf, 3);
		edit_fence(&shelf, kind == 0 ? other_identity : other_install);
		expect_lasting(&shelf, FENCE_SUSPECT, GUARD_FOREIGN_FENCE);
		shelf_fini(&shelf);
	}
}

static void r16_a_fence_of_last_week_pauses(void **state)
{
	struct shelf shelf;
	(void)state;
	make(&shelf, 3);
	copy(&shelf, "fence", "old-fence");
	for (int i = 0; i < 3; i++) { /* nothing is posted in between: the epoch tells */
		shelf_open(&shelf);
		shelf_close(&shelf);
	}
	copy(&shelf, "old-fence", "fence");
	expect_lasting(&shelf, FENCE_SUSPECT, GUARD_EPOCH);
	shelf_fini(&shelf);
}

static void r3_a_database_of_one_ten_or_a_thousand_messages_ago_pauses(void **state)
{
	static const int missing[] = {1, 10, 1000};
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct shelf shelf;
		make(&shelf, 3);
		copy(&shelf, "kith.db", "backup.db");
		shelf_open(&shelf);
		for (int n = 0; n < missing[i]; n++) {
			(void)shelf_publish(&shelf, "{\"type\":\"post\",\"text\":\"%d\"}", n);
		}
		shelf_close(&shelf);
		copy(&shelf, "backup.db", "kith.db");
		expect_lasting(&shelf, FENCE_SUSPECT, GUARD_BEHIND);
		struct guard_report report = report_of(&shelf);
		assert_int_equal(report.sequence, 3);
		assert_int_equal(report.verdict.newest_seen, 3 + missing[i]);
		shelf_fini(&shelf);
	}
}

static void a_database_that_is_gone_says_so(void **state)
{
	struct shelf shelf;
	(void)state;
	make(&shelf, 3);
	drop(&shelf, "kith.db");
	expect_lasting(&shelf, FENCE_SUSPECT, GUARD_BEHIND);
	struct guard_report report = report_of(&shelf);
	assert_non_null(strstr(report.why, "The database is gone"));
	assert_non_null(strstr(report.why, "number 3"));
	assert_int_equal(report.verdict.newest_seen, 3);
	shelf_fini(&shelf);
	make(&shelf, 0);
	drop(&shelf, "kith.db");
	expect_lasting(&shelf, FENCE_SUSPECT, GUARD_EPOCH);
	assert_non_null(strstr(report_of(&shelf).why, "The database is gone"));
	shelf_fini(&shelf);
}

static struct message_id second_key;

static void lower_head(struct fence_facts *facts)
{
	facts->sequence = 2;
	facts->head = second_key;
}

static void a_fence_that_lags_is_led_forward(void **state)
{
	struct shelf shelf;
	(void)state;
	shelf_init(&shelf);
	(void)shelf_publish(&shelf, "{\"type\":\"post\",\"text\":\"1\"}");
	second_key = shelf_publish(&shelf, "{\"type\":\"post\",\"text\":\"2\"}").key;
	(void)shelf_publish(&shelf, "{\"type\":\"post\",\"text\":\"3\"}");
	shelf_close(&shelf);
	edit_fence(&shelf, lower_head);
	shelf_open(&shelf);
	expect(&shelf, FENCE_CLEAN, GUARD_NONE);
	assert_int_equal(read_fence(&shelf).sequence, 3);
	shelf_fini(&shelf);
}

static void other_head(struct fence_facts *facts)
{
	facts->head.at[0] ^= 1;
}

static void two_histories_of_fence_and_database_are_a_fork(void **state)
{
	struct shelf shelf;
	(void)state;
	make(&shelf, 3);
	edit_fence(&shelf, lower_head);
	edit_fence(&shelf, other_head);
	expect_lasting(&shelf, FENCE_FORKED, GUARD_FORK);
	struct guard_report report = report_of(&shelf);
	assert_int_equal(report.fork_sequence, 2);
	assert_false(message_id_equal(&report.fork_ours, &report.fork_theirs));
	char why[256];
	assert_int_equal(writer_resume(shelf.writer, 3, true, why, sizeof(why)), ERR_REFUSED);
	assert_true(strlen(why) > 20);
	shelf_fini(&shelf);
}

static void other_machine(struct fence_facts *facts)
{
	facts->machine[0] ^= 1;
}

static void other_inode(struct fence_facts *facts)
{
	facts->inode++;
}

static void other_device(struct fence_facts *facts)
{
	facts->device++;
}

static void another_machine_or_directory_pauses_another_device_number_does_not(void **state)
{
	struct shelf shelf;
	static const uint8_t unknown[32];
	(void)state;
	make(&shelf, 3);
	edit_fence(&shelf, other_inode);
	expect_lasting(&shelf, FENCE_SUSPECT, GUARD_MOVED);
	shelf_fini(&shelf);
	make(&shelf, 3);
	if (memcmp(read_fence(&shelf).machine, unknown, sizeof(unknown)) != 0) {
		edit_fence(&shelf, other_machine);
		expect_lasting(&shelf, FENCE_SUSPECT, GUARD_MOVED);
		shelf_close(&shelf);
	}
	shelf_fini(&shelf);
	make(&shelf, 3);
	edit_fence(&shelf, other_device); /* a reboot */
	shelf_open(&shelf);
	expect(&shelf, FENCE_CLEAN, GUARD_NONE);
	shelf_fini(&shelf);
}

/* What holders said before was said to the other copy, which may have gone on since. */
static void a_pause_that_is_moved_asks_everybody_afresh_and_keeps_its_reason(void **state)
{
	struct shelf shelf;
	(void)state;
	make(&shelf, 3);
	drop(&shelf, "fence");
	expect_lasting(&shelf, FENCE_SUSPECT, GUARD_NO_FENCE);
	uint64_t spell = report_of(&shelf).spell;
	shelf_close(&shelf);
	edit_fence(&shelf, other_inode);
	expect_lasting(&shelf, FENCE_SUSPECT, GUARD_NO_FENCE);
	assert_int_equal(report_of(&shelf).spell, spell + 1);
	shelf_fini(&shelf);
	/* A key alone: that nobody is known is no proof, wherever it is. */
	shelf_init(&shelf);
	shelf_close(&shelf);
	drop(&shelf, "kith.db");
	drop(&shelf, "fence");
	expect_lasting(&shelf, FENCE_SUSPECT, GUARD_IMPORTED);
	spell = report_of(&shelf).spell;
	shelf_close(&shelf);
	edit_fence(&shelf, other_inode);
	expect_lasting(&shelf, FENCE_SUSPECT, GUARD_IMPORTED);
	assert_int_equal(report_of(&shelf).spell, spell + 1);
	assert_int_equal(report_of(&shelf).start_sequence, 0);
	shelf_fini(&shelf);
}

static void a_moved_node_that_nobody_was_given_goes_on_by_itself(void **state)
{
	struct shelf shelf;
	(void)state;
	shelf_init(&shelf);
	(void)shelf_publish(&shelf, "{\"type\":\"post\",\"text\":\"1\"}");
	shelf_close(&shelf);
	edit_fence(&shelf, other_inode);
	shelf_open(&shelf);
	expect(&shelf, FENCE_CLEAN, GUARD_NONE); /* U4 */
	assert_int_equal(report_of(&shelf).spell, 1);
	assert_int_equal(shelf_publish(&shelf, "{\"type\":\"post\",\"text\":\"2\"}").sequence, 2);
	shelf_fini(&shelf);
}

static void a_hole_or_a_bad_row_of_our_own_feed_pauses(void **state)
{
	static const char *const damages[] = {
		"DELETE FROM messages WHERE feed = 1 AND sequence = 2",
		"UPDATE messages SET body = zeroblob(9) WHERE feed = 1 AND sequence = 2",
		"UPDATE messages SET key_head = key_head + 1 WHERE feed = 1 AND sequence = 3",
		"UPDATE feeds SET head = zeroblob(32) WHERE feed = 1",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		struct shelf shelf;
		make(&shelf, 3);
		run_sql(&shelf, damages[i]);
		expect_lasting(&shelf, FENCE_SUSPECT, GUARD_DAMAGE);
		shelf_fini(&shelf);
	}
}

/* Many own messages, as they come back from a friend. */
static void take_back(struct shelf *shelf, size_t count)
{
	struct author self;
	char why[256];
	author_init(&self, 0);
	struct message **messages = calloc(count, sizeof(struct message *));
	assert_non_null(messages);
	for (size_t i = 0; i < count; i++) {
		messages[i] = author_post(&self, "x");
	}
	assert_int_equal(shelf_append_all(shelf, messages, count, NULL), ERR_OK);
	assert_int_equal(writer_resume(shelf->writer, count, false, why, sizeof(why)), ERR_OK);
	free(messages);
	author_fini(&self);
}

static void the_newest_thousand_are_checked_at_the_start_the_rest_behind_it(void **state)
{
	static const uint64_t at[] = {LIMIT_OWN_CHECKED + 500, 501, 500, 1};
	(void)state;
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		struct shelf shelf;
		char sql[128];
		shelf_init(&shelf);
		take_back(&shelf, LIMIT_OWN_CHECKED + 500);
		shelf_close(&shelf);
		(void)snprintf(sql, sizeof(sql),
			"UPDATE messages SET body = zeroblob(9) WHERE feed = 1 AND sequence = %d",
			(int)at[i]);
		run_sql(&shelf, sql);
		shelf.is_stepped = true;
		shelf_open(&shelf);
		bool is_found = at[i] > 500;
		assert_int_equal(report_of(&shelf).state, is_found ? FENCE_SUSPECT : FENCE_CLEAN);
		shelf_settle(&shelf);
		expect(&shelf, FENCE_SUSPECT, GUARD_DAMAGE);
		shelf_fini(&shelf);
	}
}

static void r15_a_clock_ten_years_back_warns_and_times_go_on_growing(void **state)
{
	struct shelf shelf;
	struct chain_head before;
	struct chain_head after;
	(void)state;
	make(&shelf, 3);
	shelf.wall_ms -= 3650 * day_ms;
	shelf_open(&shelf);
	expect(&shelf, FENCE_CLEAN, GUARD_NONE);
	assert_int_equal(reader_head(shelf.reader, &shelf.self.id, &before), ERR_OK);
	(void)shelf_publish(&shelf, "{\"type\":\"post\",\"text\":\"4\"}");
	assert_int_equal(reader_head(shelf.reader, &shelf.self.id, &after), ERR_OK);
	assert_true(after.timestamp > before.timestamp);
	shelf_fini(&shelf);
}

static void a_clock_a_day_back_pauses_when_the_disk_is_another_one_too(void **state)
{
	static const int64_t back_ms[] = {LIMIT_GUARD_CLOCK_BACK_MS - 10000,
		LIMIT_GUARD_CLOCK_BACK_MS + 10000, 1000 * LIMIT_GUARD_CLOCK_BACK_MS};
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct shelf shelf;
		make(&shelf, 3);
		edit_fence(&shelf, other_device);
		shelf.wall_ms -= back_ms[i];
		shelf_open(&shelf);
		expect(&shelf, i == 0 ? FENCE_CLEAN : FENCE_SUSPECT,
			i == 0 ? GUARD_NONE : GUARD_CLOCK);
		shelf_fini(&shelf);
	}
}

static void fence_says_forked(struct fence_facts *facts)
{
	facts->state = FENCE_FORKED;
	facts->cause = GUARD_FORK;
}

static void fence_says_suspect(struct fence_facts *facts)
{
	facts->state = FENCE_SUSPECT;
	facts->cause = GUARD_TWIN;
}

static void a_run_that_was_cut_is_known_until_the_file_was_looked_over(void **state)
{
	struct shelf *shelf = *state;
	const struct change sound = {.kind = CHANGE_CHECKED, .number = 1};
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"1\"}");
	shelf_close(shelf);
	shelf_open(shelf);
	assert_false(writer_was_cut(shelf->writer));
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"2\"}");
	copy(shelf, "kith.db", "cut.db");
	copy(shelf, "kith.db-wal", "cut.db-wal");
	shelf_close(shelf);
	copy(shelf, "cut.db", "kith.db");
	copy(shelf, "cut.db-wal", "kith.db-wal");
	for (int i = 0; i < 2; i++) {
		shelf_open(shelf);
		expect(shelf, FENCE_CLEAN, GUARD_NONE);
		assert_true(writer_was_cut(shelf->writer));
		shelf_close(shelf);
	}
	shelf_open(shelf);
	assert_int_equal(writer_change_wait(shelf->writer, &sound), ERR_OK);
	shelf_close(shelf);
	shelf_open(shelf);
	assert_false(writer_was_cut(shelf->writer));
}

static void of_two_states_the_worse_one_wins(void **state)
{
	struct shelf shelf;
	(void)state;
	make(&shelf, 3);
	edit_fence(&shelf, fence_says_forked);
	expect_lasting(&shelf, FENCE_FORKED, GUARD_FORK);
	shelf_fini(&shelf);
	make(&shelf, 3);
	edit_fence(&shelf, fence_says_suspect);
	expect_lasting(&shelf, FENCE_SUSPECT, GUARD_TWIN);
	shelf_fini(&shelf);
	make(&shelf, 3);
	run_sql(&shelf, "UPDATE settings SET text = CAST('SUSPECT' AS BLOB) WHERE name = "
			"CAST('state' AS BLOB); UPDATE settings SET text = CAST('twin' AS BLOB) "
			"WHERE name = CAST('cause' AS BLOB)");
	shelf_open(&shelf);
	expect(&shelf, FENCE_SUSPECT, GUARD_TWIN);
	shelf_fini(&shelf);
}

static void r14_of_two_processes_one_is_refused(void **state)
{
	struct shelf *shelf = *state;
	int lock = -1;
	assert_int_equal(file_lock_dir(shelf->dir, &lock), ERR_OK);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		int other = -1;
		_exit(file_lock_dir(shelf->dir, &other) == ERR_BUSY ? 0 : 1);
	}
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	(void)close(lock);
}

static void r17_a_retired_node_never_publishes_again(void **state)
{
	struct shelf shelf;
	char why[256];
	(void)state;
	make(&shelf, 3);
	shelf_open(&shelf);
	assert_int_equal(writer_retire(shelf.writer, why, sizeof(why)), ERR_OK);
	assert_int_equal(read_fence(&shelf).state, FENCE_RETIRED);
	expect(&shelf, FENCE_RETIRED, GUARD_MOVED_OUT);
	assert_int_equal(writer_retire(shelf.writer, why, sizeof(why)), ERR_PAUSED);
	assert_int_equal(writer_resume(shelf.writer, 3, true, why, sizeof(why)), ERR_REFUSED);
	assert_non_null(strstr(why, "retired"));
	shelf_close(&shelf);
	expect_lasting(&shelf, FENCE_RETIRED, GUARD_MOVED_OUT);
	shelf_close(&shelf);
	copy(&shelf, "fence", "retired-fence");
	drop(&shelf, "kith.db"); /* an older database beside it changes nothing */
	expect_lasting(&shelf, FENCE_RETIRED, GUARD_MOVED_OUT);
	shelf_fini(&shelf);
}

static void the_owners_word_resumes_and_is_remembered(void **state)
{
	struct shelf shelf;
	char why[256];
	(void)state;
	make(&shelf, 3);
	copy(&shelf, "kith.db", "backup.db");
	shelf_open(&shelf);
	(void)shelf_publish(&shelf, "{\"type\":\"post\",\"text\":\"lost\"}");
	shelf_close(&shelf);
	copy(&shelf, "backup.db", "kith.db");
	shelf_open(&shelf);
	assert_int_equal(writer_resume(shelf.writer, 4, false, why, sizeof(why)), ERR_REFUSED);
	assert_non_null(strstr(why, "number 3"));
	assert_int_equal(writer_resume(shelf.writer, 0, false, why, sizeof(why)), ERR_REFUSED);
	assert_int_equal(writer_resume(shelf.writer, 0, true, why, sizeof(why)), ERR_OK);
	expect(&shelf, FENCE_CLEAN, GUARD_NONE);
	assert_int_equal(shelf_publish(&shelf, "{\"type\":\"post\",\"text\":\"4\"}").sequence, 4);
	shelf_close(&shelf);
	shelf_open(&shelf);
	expect(&shelf, FENCE_CLEAN, GUARD_NONE);
	shelf_fini(&shelf);
}

#define SHELF(test) cmocka_unit_test_setup_teardown(test, shelf_set_up, shelf_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHELF(a_key_just_made_starts_clean_and_stays_so),
		cmocka_unit_test(a_key_brought_along_waits_for_its_feed),
		cmocka_unit_test(a_restored_database_begins_a_new_pause_each_time),
		cmocka_unit_test(r16_a_deleted_fence_pauses),
		cmocka_unit_test(r16_a_fence_that_cannot_be_read_pauses),
		cmocka_unit_test(r16_a_fence_of_another_key_or_install_pauses),
		cmocka_unit_test(r16_a_fence_of_last_week_pauses),
		cmocka_unit_test(r3_a_database_of_one_ten_or_a_thousand_messages_ago_pauses),
		cmocka_unit_test(a_database_that_is_gone_says_so),
		cmocka_unit_test(a_fence_that_lags_is_led_forward),
		cmocka_unit_test(two_histories_of_fence_and_database_are_a_fork),
		cmocka_unit_test(
			another_machine_or_directory_pauses_another_device_number_does_not),
		cmocka_unit_test(a_pause_that_is_moved_asks_everybody_afresh_and_keeps_its_reason),
		cmocka_unit_test(a_moved_node_that_nobody_was_given_goes_on_by_itself),
		cmocka_unit_test(a_hole_or_a_bad_row_of_our_own_feed_pauses),
		cmocka_unit_test(the_newest_thousand_are_checked_at_the_start_the_rest_behind_it),
		cmocka_unit_test(r15_a_clock_ten_years_back_warns_and_times_go_on_growing),
		cmocka_unit_test(a_clock_a_day_back_pauses_when_the_disk_is_another_one_too),
		SHELF(a_run_that_was_cut_is_known_until_the_file_was_looked_over),
		cmocka_unit_test(of_two_states_the_worse_one_wins),
		SHELF(r14_of_two_processes_one_is_refused),
		cmocka_unit_test(r17_a_retired_node_never_publishes_again),
		cmocka_unit_test(the_owners_word_resumes_and_is_remembered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
