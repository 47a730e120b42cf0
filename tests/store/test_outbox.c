/* store/writer_outbox, store/writer_writing: what may be taken back is not signed, what was signed
 * is not taken back, and no text is ever lost. */
#include "lib/cmocka.h"
#include "lib/shelf.h"

#include "base/limits.h"
#include "store/inside.h"
#include "store/safety.h"
#include "store/writing.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The monotonic clock of a shelf runs on by itself: nothing is told to the millisecond. */
enum { HOLD_MS = 30000, AFTER_START_MS = 2 * LIMIT_GREETING_MS, NEARLY_MS = 5000 };

static enum err hold_for(struct shelf *shelf, const char *nonce, const char *text, int64_t hold_ms,
	struct publish_result *result)
{
	char content[256];
	int64_t due_ms = 0;
	(void)snprintf(content, sizeof(content), "{\"type\":\"post\",\"text\":\"%s\"}", text);
	const struct hold_request request = {
		.publish = {.content = span_text(content), .nonce = span_text(nonce)},
		.body = span_text(text),
		.writing = span_text("home"),
		.hold_ms = hold_ms};
	return writer_hold(shelf->writer, &request, &due_ms, result);
}

static void hold(struct shelf *shelf, const char *nonce, const char *text)
{
	struct publish_result result;
	assert_int_equal(hold_for(shelf, nonce, text, HOLD_MS, &result), ERR_OK);
	assert_int_equal(result.sequence, 0);
}

static enum err take_back(struct shelf *shelf, const char *nonce, bool *is_spare)
{
	uint64_t rev = 0;
	const struct undo_request request = {.nonce = span_text(nonce),
		.name = span_text("home"),
		.spare = span_text("spare"),
		.body = span_text("taken back")};
	*is_spare = false;
	return writer_undo(shelf->writer, &request, is_spare, &rev);
}

static uint64_t head_of(struct shelf *shelf)
{
	struct chain_head head = {.sequence = 0};
	enum err err = reader_head(shelf->reader, &shelf->self.id, &head);
	assert_true(err == ERR_OK || err == ERR_NOT_FOUND);
	return head.sequence;
}

struct rows {
	size_t count;
	char text[LIMIT_OUTBOX + 1][64];
};

static void add_row(struct rows *rows, struct span text)
{
	assert_in_range(rows->count, 0, LIMIT_OUTBOX);
	(void)snprintf(rows->text[rows->count++], sizeof(rows->text[0]), "%.*s", (int)text.len,
		(const char *)text.at);
}

static void on_held(void *ctx, const struct outbox_row *row)
{
	add_row(ctx, row->body);
}

static void on_writing(void *ctx, const struct writing_row *row)
{
	add_row(ctx, row->body);
}

static void on_draft(void *ctx, const struct draft_row *row)
{
	add_row(ctx, row->content);
}

static size_t held(struct shelf *shelf)
{
	struct rows rows = {.count = 0};
	assert_int_equal(reader_outbox(shelf->reader, span_of(NULL, 0), on_held, &rows), ERR_OK);
	return rows.count;
}

static void expect_writing(struct shelf *shelf, const char *name, const char *body)
{
	struct rows rows = {.count = 0};
	assert_int_equal(reader_writing(shelf->reader, span_text(name), on_writing, &rows), ERR_OK);
	assert_int_equal(rows.count, 1);
	assert_string_equal(rows.text[0], body);
}

static size_t drafts(struct shelf *shelf, struct rows *rows)
{
	rows->count = 0;
	assert_int_equal(reader_drafts(shelf->reader, on_draft, rows), ERR_OK);
	return rows->count;
}

static int set_up_stepped(void **state)
{
	assert_int_equal(shelf_set_up(state), 0);
	struct shelf *shelf = *state;
	shelf_close(shelf);
	shelf->is_stepped = true;
	shelf_open(shelf);
	shelf_pass(shelf, AFTER_START_MS);
	return 0;
}

/* The text of our message with this number. */
static void expect_post(struct shelf *shelf, uint64_t sequence, const char *text)
{
	char wanted[128];
	struct buf all = BUF_INIT(LIMIT_MESSAGE_BYTES);
	struct chain_head head;
	struct stored stored;
	assert_int_equal(reader_head(shelf->reader, &shelf->self.id, &head), ERR_OK);
	assert_int_equal(head.sequence, sequence);
	assert_int_equal(reader_message(shelf->reader, &head.key, &all, &stored), ERR_OK);
	(void)snprintf(wanted, sizeof(wanted), "{\"type\":\"post\",\"text\":\"%s\"}", text);
	assert_non_null(memmem(stored.compact.at, stored.compact.len, wanted, strlen(wanted)));
	buf_fini(&all);
}

static void nothing_is_signed_before_its_time_and_all_of_it_then(void **state)
{
	struct shelf *shelf = *state;
	hold(shelf, "a", "one");
	shelf_pass(shelf, HOLD_MS - NEARLY_MS);
	assert_int_equal(head_of(shelf), 0);
	assert_int_equal(held(shelf), 1);
	assert_int_equal(shelf->outbox[OUTBOX_HELD], 1);
	expect_writing(shelf, "home", "");
	shelf_pass(shelf, NEARLY_MS);
	expect_post(shelf, 1, "one");
	assert_int_equal(held(shelf), 0);
	assert_int_equal(shelf->outbox[OUTBOX_STORED], 1);
}

static void the_same_request_is_held_once_and_published_once(void **state)
{
	struct shelf *shelf = *state;
	struct publish_result result;
	hold(shelf, "a", "one");
	shelf_pass(shelf, 5000);
	hold(shelf, "a", "one");
	assert_int_equal(held(shelf), 1);
	shelf_pass(shelf, HOLD_MS);
	assert_int_equal(head_of(shelf), 1);
	assert_int_equal(hold_for(shelf, "a", "one", HOLD_MS, &result), ERR_OK);
	assert_int_equal(result.sequence, 1);
	assert_int_equal(held(shelf), 0);
	assert_int_equal(writer_send(shelf->writer, span_text("a"), &result), ERR_OK);
	assert_int_equal(result.sequence, 1);
	shelf_pass(shelf, 60000);
	assert_int_equal(head_of(shelf), 1);
	/* Published at once while it is held: then it is held no longer. */
	hold(shelf, "b", "two");
	const struct publish_request request = {
		.content = span_text("{\"type\":\"post\",\"text\":\"two\"}"),
		.nonce = span_text("b")};
	assert_int_equal(writer_publish(shelf->writer, &request, &result), ERR_OK);
	assert_int_equal(held(shelf), 0);
	shelf_pass(shelf, 60000);
	assert_int_equal(head_of(shelf), 2);
}

static void taken_back_it_is_a_draft_and_nothing_is_signed(void **state)
{
	struct shelf *shelf = *state;
	bool is_spare = false;
	hold(shelf, "a", "one");
	shelf_pass(shelf, HOLD_MS - NEARLY_MS);
	assert_int_equal(take_back(shelf, "a", &is_spare), ERR_OK);
	assert_false(is_spare);
	shelf_pass(shelf, 600000);
	assert_int_equal(head_of(shelf), 0);
	assert_int_equal(held(shelf), 0);
	assert_int_equal(shelf->outbox[OUTBOX_TAKEN_BACK], 1);
	expect_writing(shelf, "home", "taken back");
	assert_int_equal(take_back(shelf, "a", &is_spare), ERR_NOT_FOUND);
	assert_int_equal(take_back(shelf, "never", &is_spare), ERR_NOT_FOUND);
}

static void what_is_written_meanwhile_stays_beside_what_is_taken_back(void **state)
{
	struct shelf *shelf = *state;
	struct rows rows = {.count = 0};
	bool is_spare = false;
	uint64_t rev = 0;
	hold(shelf, "a", "one");
	assert_int_equal(
		reader_writing(shelf->reader, span_text("home"), on_writing, &rows), ERR_OK);
	assert_int_equal(writer_write(shelf->writer, span_text("home"), 0, span_text("next"), &rev),
		ERR_EXISTS);
	assert_int_equal(
		writer_write(shelf->writer, span_text("home"), rev, span_text("next"), &rev),
		ERR_OK);
	assert_int_equal(take_back(shelf, "a", &is_spare), ERR_OK);
	assert_true(is_spare);
	expect_writing(shelf, "home", "next");
	expect_writing(shelf, "spare", "taken back");
}

static void now_is_signed_at_once_and_can_no_longer_be_taken_back(void **state)
{
	struct shelf *shelf = *state;
	struct publish_result result;
	bool is_spare = false;
	hold(shelf, "a", "one");
	hold(shelf, "b", "two");
	assert_int_equal(writer_send(shelf->writer, span_text("b"), &result), ERR_OK);
	assert_int_equal(result.sequence, 1);
	assert_int_equal(take_back(shelf, "b", &is_spare), ERR_NOT_FOUND);
	assert_int_equal(held(shelf), 1);
	assert_int_equal(writer_send(shelf->writer, span_text("c"), &result), ERR_NOT_FOUND);
	shelf_pass(shelf, HOLD_MS);
	expect_post(shelf, 2, "one");
}

static void what_is_due_after_a_start_is_signed_in_order_once_others_had_their_say(void **state)
{
	struct shelf *shelf = *state;
	struct publish_result result;
	assert_int_equal(hold_for(shelf, "z", "one", 5000, &result), ERR_OK);
	assert_int_equal(hold_for(shelf, "a", "two", 6000, &result), ERR_OK);
	shelf_close(shelf);
	shelf->added_ms += 3600000;
	shelf->wall_ms += 3600000;
	shelf_open(shelf);
	shelf_settle(shelf);
	shelf_pass(shelf, AFTER_START_MS - NEARLY_MS);
	assert_int_equal(head_of(shelf), 0);
	shelf->added_ms += NEARLY_MS;
	assert_true(writer_step(shelf->writer));
	expect_post(shelf, 1, "one");
	shelf_settle(shelf);
	expect_post(shelf, 2, "two");
	assert_int_equal(held(shelf), 0);
}

static void a_clock_that_is_set_neither_hurries_nor_holds_it(void **state)
{
	struct shelf *shelf = *state;
	hold(shelf, "a", "one");
	shelf->wall_ms -= 24LL * 3600 * 1000;
	shelf_settle(shelf);
	shelf->added_ms += HOLD_MS - NEARLY_MS;
	shelf_settle(shelf);
	assert_int_equal(head_of(shelf), 0);
	shelf->added_ms += NEARLY_MS;
	shelf_settle(shelf);
	assert_int_equal(head_of(shelf), 1);
	hold(shelf, "b", "two");
	shelf->wall_ms -= 24LL * 3600 * 1000;
	hold(shelf, "c", "three");
	shelf_pass(shelf, LIMIT_OUTBOX_HOLD_MS);
	shelf_pass(shelf, LIMIT_OUTBOX_HOLD_MS);
	assert_int_equal(head_of(shelf), 3);
}

static void a_pause_makes_drafts_of_it_and_nothing_signs_them(void **state)
{
	struct shelf *shelf = *state;
	struct rows rows;
	char why[256];
	struct publish_result result;
	struct message_id key = {.at = {7}};
	hold(shelf, "a", "one");
	hold(shelf, "b", "two");
	const struct change witness = {
		.kind = CHANGE_WITNESS, .name = span_text("browser"), .number = 9, .key = key};
	assert_int_equal(writer_change_wait(shelf->writer, &witness), ERR_OK);
	assert_string_equal(writer_state(shelf->writer, why, sizeof(why)), "SUSPECT");
	shelf_settle(shelf);
	assert_int_equal(held(shelf), 0);
	assert_int_equal(drafts(shelf, &rows), 2);
	assert_int_equal(shelf->outbox[OUTBOX_DRAFT], 2);
	assert_int_equal(hold_for(shelf, "c", "three", HOLD_MS, &result), ERR_PAUSED);
	assert_true(result.draft > 0);
	assert_int_equal(drafts(shelf, &rows), 3);
	assert_int_equal(writer_resume(shelf->writer, 0, true, why, sizeof(why)), ERR_OK);
	shelf_pass(shelf, 600000);
	assert_int_equal(head_of(shelf), 0);
	assert_int_equal(drafts(shelf, &rows), 3);
}

static void a_copy_of_the_directory_signs_nothing_of_it_by_itself(void **state)
{
	struct shelf *shelf = *state;
	char path[128];
	char why[256];
	struct rows rows;
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"before\"}");
	hold(shelf, "a", "one");
	shelf_close(shelf);
	(void)snprintf(path, sizeof(path), "%s/fence", shelf->dir);
	assert_int_equal(unlink(path), 0);
	shelf_open(shelf);
	assert_string_equal(writer_state(shelf->writer, why, sizeof(why)), "SUSPECT");
	shelf_settle(shelf);
	assert_int_equal(drafts(shelf, &rows), 1);
	assert_non_null(strstr(rows.text[0], "one"));
	assert_int_equal(writer_resume(shelf->writer, 0, true, why, sizeof(why)), ERR_OK);
	shelf_pass(shelf, 600000);
	assert_int_equal(head_of(shelf), 1);
}

static void a_full_disk_signs_later_and_what_is_signed_cannot_be_taken_back(void **state)
{
	struct shelf *shelf = *state;
	bool is_spare = false;
	static char text[6000];
	static char content[6100];
	struct publish_result result;
	int64_t due_ms = 0;
	memset(text, 'a', sizeof(text) - 1);
	(void)snprintf(content, sizeof(content), "{\"type\":\"post\",\"text\":\"%s\"}", text);
	const struct hold_request request = {
		.publish = {.content = span_text(content), .nonce = span_text("a")},
		.body = span_text("x"),
		.hold_ms = HOLD_MS};
	assert_int_equal(writer_hold(shelf->writer, &request, &due_ms, &result), ERR_OK);
	shelf_close(shelf);
	shelf_open(shelf);
	shelf_pass(shelf, AFTER_START_MS - NEARLY_MS);
	assert_int_equal(db_exec(shelf->store->writer, "PRAGMA max_page_count = 1"), ERR_OK);
	shelf_pass(shelf, HOLD_MS);
	assert_int_equal(shelf->outbox[OUTBOX_FAILED], 1);
	assert_int_equal(held(shelf), 1);
	assert_int_equal(take_back(shelf, "a", &is_spare), ERR_NOT_FOUND);
	assert_int_equal(db_exec(shelf->store->writer, "PRAGMA max_page_count = 1000000"), ERR_OK);
	shelf_pass(shelf, HOLD_MS);
	assert_int_equal(head_of(shelf), 1);
	assert_int_equal(held(shelf), 0);
	shelf_pass(shelf, 600000);
	assert_int_equal(head_of(shelf), 1);
}

static void at_most_twenty_wait_and_none_longer_than_a_minute(void **state)
{
	struct shelf *shelf = *state;
	struct publish_result result;
	char nonce[16];
	for (int i = 0; i < LIMIT_OUTBOX; i++) {
		(void)snprintf(nonce, sizeof(nonce), "n%d", i);
		assert_int_equal(hold_for(shelf, nonce, nonce, INT64_MAX / 2, &result), ERR_OK);
	}
	for (int i = LIMIT_OUTBOX; i < 100; i++) {
		(void)snprintf(nonce, sizeof(nonce), "n%d", i);
		assert_int_equal(hold_for(shelf, nonce, nonce, HOLD_MS, &result), ERR_BUSY);
	}
	assert_int_equal(held(shelf), LIMIT_OUTBOX);
	shelf_pass(shelf, LIMIT_OUTBOX_HOLD_MS - NEARLY_MS);
	assert_int_equal(head_of(shelf), 0);
	shelf_pass(shelf, NEARLY_MS);
	assert_int_equal(head_of(shelf), LIMIT_OUTBOX);
	expect_post(shelf, LIMIT_OUTBOX, "n9");
}

static void when_there_is_no_room_for_drafts_what_is_held_stays_held(void **state)
{
	struct shelf *shelf = *state;
	struct publish_result result;
	char why[256];
	char sql[256];
	(void)snprintf(sql, sizeof(sql),
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
		"INSERT INTO drafts (at, content) SELECT 1, x'7b7d' FROM n",
		LIMIT_DRAFTS);
	assert_int_equal(db_exec(shelf->store->writer, sql), ERR_OK);
	hold(shelf, "a", "one");
	const struct change witness = {
		.kind = CHANGE_WITNESS, .name = span_text("browser"), .number = 9};
	assert_int_equal(writer_change_wait(shelf->writer, &witness), ERR_OK);
	shelf_pass(shelf, 60000);
	assert_int_equal(held(shelf), 1);
	assert_true(shelf->outbox[OUTBOX_FAILED] > 0);
	assert_int_equal(db_exec(shelf->store->writer, "DELETE FROM drafts"), ERR_OK);
	assert_int_equal(writer_send(shelf->writer, span_text("a"), &result), ERR_PAUSED);
	assert_true(result.draft > 0);
	assert_int_equal(held(shelf), 0);
	(void)writer_state(shelf->writer, why, sizeof(why));
	assert_string_equal(result.why, why);
}

/* Two threads, one post: whoever comes first. */
struct race {
	struct shelf *shelf;
	const char *nonce;
	unsigned wait_us;
	enum err undone;
};

static void *undo_late(void *ctx)
{
	struct race *race = ctx;
	bool is_spare = false;
	(void)usleep(race->wait_us);
	race->undone = take_back(race->shelf, race->nonce, &is_spare);
	return NULL;
}

static void of_taking_back_and_its_time_exactly_one_wins(void **state)
{
	struct shelf *shelf = *state;
	uint64_t published = 0;
	unsigned undone = 0;
	shelf->added_ms += AFTER_START_MS; /* the writer was told no time yet: nothing waits */
	for (unsigned i = 0; i < 60; i++) {
		char nonce[16];
		pthread_t thread;
		struct publish_result result;
		struct race race = {.shelf = shelf, .nonce = nonce, .wait_us = 40 * i};
		(void)snprintf(nonce, sizeof(nonce), "race %u", i);
		assert_int_equal(hold_for(shelf, nonce, nonce, 1, &result), ERR_OK);
		assert_int_equal(pthread_create(&thread, NULL, undo_late, &race), 0);
		assert_int_equal(pthread_join(thread, NULL), 0);
		assert_true(race.undone == ERR_OK || race.undone == ERR_NOT_FOUND);
		enum err sent = writer_send(shelf->writer, span_text(nonce), &result);
		assert_int_equal(sent, race.undone == ERR_OK ? ERR_NOT_FOUND : ERR_OK);
		undone += race.undone == ERR_OK;
		published += race.undone != ERR_OK;
		assert_int_equal(head_of(shelf), published);
		assert_int_equal(held(shelf), 0);
	}
	assert_int_equal(undone + published, 60);
}

static void another_devices_words_are_never_written_over(void **state)
{
	struct shelf *shelf = *state;
	uint64_t rev = 0;
	uint64_t first = 0;
	struct span name = span_text("home");
	assert_int_equal(writer_write(shelf->writer, name, 0, span_text("a"), &first), ERR_OK);
	assert_true(first > 0);
	/* The same words once more change nothing, whatever they were read with. */
	assert_int_equal(writer_write(shelf->writer, name, 0, span_text("a"), &rev), ERR_OK);
	assert_int_equal(rev, first);
	assert_int_equal(writer_write(shelf->writer, name, 0, span_text("b"), &rev), ERR_EXISTS);
	assert_int_equal(rev, first);
	expect_writing(shelf, "home", "a");
	assert_int_equal(writer_write(shelf->writer, name, first, span_text("b"), &rev), ERR_OK);
	assert_int_equal(rev, first + 1);
	assert_int_equal(
		writer_write(shelf->writer, name, first, span_text("c"), &rev), ERR_EXISTS);
	assert_int_equal(writer_write(shelf->writer, name, rev, span_of(NULL, 0), &rev), ERR_OK);
	assert_int_equal(rev, first + 2);
	assert_int_equal(writer_write(shelf->writer, name, 0, span_text("d"), &rev), ERR_EXISTS);
	expect_writing(shelf, "home", "");
}

static void drafts_have_limits_in_length_and_in_number(void **state)
{
	struct shelf *shelf = *state;
	static char long_text[LIMIT_WRITING_BYTES * 1000];
	char name[16];
	uint64_t rev = 0;
	memset(long_text, 'x', sizeof(long_text));
	assert_int_equal(writer_write(shelf->writer, span_text("l"), 0,
				 span_of(long_text, LIMIT_WRITING_BYTES), &rev),
		ERR_OK);
	assert_int_equal(writer_write(shelf->writer, span_text("m"), 0,
				 span_of(long_text, LIMIT_WRITING_BYTES + 1), &rev),
		ERR_LIMIT);
	assert_int_equal(writer_write(shelf->writer, span_text("m"), 0,
				 span_of(long_text, sizeof(long_text)), &rev),
		ERR_LIMIT);
	for (int i = 1; i < LIMIT_WRITINGS; i++) {
		(void)snprintf(name, sizeof(name), "n%d", i);
		assert_int_equal(
			writer_write(shelf->writer, span_text(name), 0, span_text("x"), &rev),
			ERR_OK);
	}
	assert_int_equal(
		writer_write(shelf->writer, span_text("one"), 0, span_text("x"), &rev), ERR_LIMIT);
	/* What is there may still change, and room comes back. */
	assert_int_equal(writer_write(shelf->writer, span_text(name), rev, span_text("y"), &rev),
		ERR_EXISTS);
	assert_int_equal(
		writer_write(shelf->writer, span_text(name), rev, span_text("y"), &rev), ERR_OK);
	assert_int_equal(
		writer_write(shelf->writer, span_text(name), rev, span_of(NULL, 0), &rev), ERR_OK);
	assert_int_equal(
		writer_write(shelf->writer, span_text("one"), 0, span_text("x"), &rev), ERR_OK);
	/* Rows that are done with do not pile up. */
	for (int i = 0; i < 3 * LIMIT_WRITINGS; i++) {
		(void)snprintf(name, sizeof(name), "e%d", i);
		hold(shelf, name, "x");
		bool is_spare = false;
		assert_int_equal(take_back(shelf, name, &is_spare), ERR_OK);
		assert_int_equal(
			writer_write(shelf->writer, span_text("home"), 0, span_of(NULL, 0), &rev),
			ERR_EXISTS);
		assert_int_equal(
			writer_write(shelf->writer, span_text("home"), rev, span_of(NULL, 0), &rev),
			ERR_OK);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			nothing_is_signed_before_its_time_and_all_of_it_then, set_up_stepped,
			shelf_tear_down),
		cmocka_unit_test_setup_teardown(the_same_request_is_held_once_and_published_once,
			set_up_stepped, shelf_tear_down),
		cmocka_unit_test_setup_teardown(taken_back_it_is_a_draft_and_nothing_is_signed,
			set_up_stepped, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			what_is_written_meanwhile_stays_beside_what_is_taken_back, set_up_stepped,
			shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			now_is_signed_at_once_and_can_no_longer_be_taken_back, set_up_stepped,
			shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			what_is_due_after_a_start_is_signed_in_order_once_others_had_their_say,
			set_up_stepped, shelf_tear_down),
		cmocka_unit_test_setup_teardown(a_clock_that_is_set_neither_hurries_nor_holds_it,
			set_up_stepped, shelf_tear_down),
		cmocka_unit_test_setup_teardown(a_pause_makes_drafts_of_it_and_nothing_signs_them,
			set_up_stepped, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			a_copy_of_the_directory_signs_nothing_of_it_by_itself, set_up_stepped,
			shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			a_full_disk_signs_later_and_what_is_signed_cannot_be_taken_back,
			set_up_stepped, shelf_tear_down),
		cmocka_unit_test_setup_teardown(at_most_twenty_wait_and_none_longer_than_a_minute,
			set_up_stepped, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			when_there_is_no_room_for_drafts_what_is_held_stays_held, set_up_stepped,
			shelf_tear_down),
		cmocka_unit_test_setup_teardown(of_taking_back_and_its_time_exactly_one_wins,
			shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(another_devices_words_are_never_written_over,
			set_up_stepped, shelf_tear_down),
		cmocka_unit_test_setup_teardown(drafts_have_limits_in_length_and_in_number,
			set_up_stepped, shelf_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
