/* store/writer: small facts. None of them can take others' messages with it, and no stranger fills
 * the disk with them. */
#include "lib/cmocka.h"
#include "lib/shelf.h"

#include "base/limits.h"
#include "store/inside.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int64_t rows_of(struct shelf *shelf, const char *count)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db = db_handle(shelf->store->writer); /* the writer sleeps: its jobs are done */
	assert_int_equal(sqlite3_prepare_v2(db, count, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	int64_t rows = sqlite3_column_int64(stmt, 0);
	(void)sqlite3_finalize(stmt);
	return rows;
}

struct heard {
	size_t count;
	struct address_row last;
	int64_t note;
};

static void on_address(void *ctx, const struct address_row *row)
{
	struct heard *heard = ctx;
	heard->count++;
	heard->last = *row;
}

static void on_clock(void *ctx, const struct feed_id *feed, int64_t note)
{
	struct heard *heard = ctx;
	(void)feed;
	heard->count++;
	heard->note = note;
}

static enum err put_address(struct shelf *shelf, const struct feed_id *feed, struct span text)
{
	const struct change change = {.kind = CHANGE_ADDRESS_PUT, .feed = *feed, .text = text};
	return writer_change_wait(shelf->writer, &change);
}

static void an_address_is_remembered_with_how_it_went(void **state)
{
	struct shelf *shelf = *state;
	struct heard heard = {0};
	struct author ben;
	author_init(&ben, 1);
	struct change change = {.kind = CHANGE_ADDRESS_TRIED,
		.feed = ben.id,
		.text = span_text("net:ben.example:8008"),
		.number = 0};
	assert_int_equal(put_address(shelf, &ben.id, change.text), ERR_OK);
	assert_int_equal(put_address(shelf, &ben.id, change.text), ERR_OK);
	assert_int_equal(writer_change_wait(shelf->writer, &change), ERR_OK);
	assert_int_equal(writer_change_wait(shelf->writer, &change), ERR_OK);
	assert_int_equal(reader_addresses(shelf->reader, on_address, &heard), ERR_OK);
	assert_int_equal(heard.count, 1);
	assert_string_equal(heard.last.text, "net:ben.example:8008");
	assert_int_equal(heard.last.failures, 2);
	assert_int_equal(heard.last.reached_ms, 0);
	change.number = 1;
	assert_int_equal(writer_change_wait(shelf->writer, &change), ERR_OK);
	assert_int_equal(reader_addresses(shelf->reader, on_address, &heard), ERR_OK);
	assert_int_equal(heard.last.failures, 0);
	assert_int_equal(heard.last.reached_ms, heard.last.tried_ms);
	change.kind = CHANGE_ADDRESS_FORGET;
	assert_int_equal(writer_change_wait(shelf->writer, &change), ERR_OK);
	heard.count = 0;
	assert_int_equal(reader_addresses(shelf->reader, on_address, &heard), ERR_OK);
	assert_int_equal(heard.count, 0);
	author_fini(&ben);
}

static void an_address_has_at_most_512_bytes(void **state)
{
	struct shelf *shelf = *state;
	struct heard heard = {0};
	size_t far = (size_t)1000 * LIMIT_ADDRESS_BYTES;
	char *text = malloc(far);
	assert_non_null(text);
	memset(text, 'a', far);
	assert_int_equal(
		put_address(shelf, &shelf->self.id, span_of(text, LIMIT_ADDRESS_BYTES)), ERR_OK);
	assert_int_equal(
		put_address(shelf, &shelf->self.id, span_of(text, LIMIT_ADDRESS_BYTES + 1)),
		ERR_LIMIT);
	assert_int_equal(put_address(shelf, &shelf->self.id, span_of(text, far)), ERR_LIMIT);
	assert_int_equal(reader_addresses(shelf->reader, on_address, &heard), ERR_OK);
	assert_int_equal(heard.count, 1);
	assert_int_equal(strlen(heard.last.text), LIMIT_ADDRESS_BYTES);
	free(text);
}

static void at_most_4096_addresses_are_remembered(void **state)
{
	struct shelf *shelf = *state;
	char text[32];
	for (int i = 0; i < 2 * LIMIT_KNOWN_ADDRESSES; i++) {
		int len = snprintf(text, sizeof(text), "net:n%d.example:1", i);
		const struct change change = {.kind = CHANGE_ADDRESS_PUT,
			.feed = shelf->self.id,
			.text = span_of(text, (size_t)len)};
		enum err err = writer_change(shelf->writer, &change);
		if (err == ERR_BUSY) {
			err = writer_change_wait(shelf->writer, &change);
		}
		while (err == ERR_BUSY) {
			err = writer_change(shelf->writer, &change);
		}
		assert_int_equal(err, ERR_OK);
		if (i == LIMIT_KNOWN_ADDRESSES - 1) {
			const struct change last = {.kind = CHANGE_SETTING};
			while ((err = writer_change_wait(shelf->writer, &last)) == ERR_BUSY) {
			}
			assert_int_equal(rows_of(shelf, "SELECT count(*) FROM addresses"),
				LIMIT_KNOWN_ADDRESSES);
		}
	}
	shelf_close(shelf); /* everything queued is done */
	shelf_open(shelf);
	assert_int_equal(rows_of(shelf, "SELECT count(*) FROM addresses"), LIMIT_KNOWN_ADDRESSES);
}

static void clocks_are_kept_of_those_we_have_heard_of(void **state)
{
	struct shelf *shelf = *state;
	struct heard heard = {0};
	struct author ben;
	struct author stranger;
	author_init(&ben, 1);
	author_init(&stranger, 2);
	(void)shelf_contact(shelf, &ben.id, EDGE_FOLLOW);
	const struct clock_entry entries[] = {
		{.feed = shelf->self.id, .note = 7}, {.feed = stranger.id, .note = 9}};
	struct change change = {
		.kind = CHANGE_CLOCKS, .feed = ben.id, .clocks = entries, .clock_count = 2};
	assert_int_equal(writer_change_wait(shelf->writer, &change), ERR_OK);
	assert_int_equal(reader_clocks(shelf->reader, &ben.id, on_clock, &heard), ERR_OK);
	assert_int_equal(heard.count, 1);
	assert_int_equal(heard.note, 7);
	change.feed = stranger.id;
	assert_int_equal(writer_change_wait(shelf->writer, &change), ERR_OK);
	assert_int_equal(rows_of(shelf, "SELECT count(*) FROM clocks"), 1);
	assert_int_equal(rows_of(shelf, "SELECT count(*) FROM feeds"), 2);
	author_fini(&ben);
	author_fini(&stranger);
}

/* Holds the writer in the middle of a publish, so that what is queued meanwhile is one batch. */
struct gate {
	struct shelf *shelf;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_reached, is_open;
};

static void on_step(void *ctx, enum writer_step step)
{
	struct gate *gate = ctx;
	if (step != WRITER_ANNOUNCED) {
		return;
	}
	(void)pthread_mutex_lock(&gate->lock);
	gate->is_reached = true;
	(void)pthread_cond_broadcast(&gate->changed);
	while (!gate->is_open) {
		(void)pthread_cond_wait(&gate->changed, &gate->lock);
	}
	(void)pthread_mutex_unlock(&gate->lock);
}

static void *publish(void *ctx)
{
	struct gate *gate = ctx;
	(void)shelf_publish(gate->shelf, "{\"type\":\"post\",\"text\":\"x\"}");
	return NULL;
}

static void on_appended(void *ctx, struct append_job *job)
{
	*(enum err *)ctx = job->err;
	append_job_free(job);
}

static void without_room_for_others_messages_the_owner_still_changes_things(void **state)
{
	struct shelf *shelf = *state;
	struct gate gate = {.shelf = shelf,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER};
	struct author ben;
	struct buf text = BUF_INIT(100);
	pthread_t publisher;
	enum err appended = ERR_OK;
	static char full[] = "/proc"; /* a file system that never has room */
	author_init(&ben, 1);
	shelf_close(shelf);
	shelf->on_step = on_step;
	shelf->step_ctx = &gate;
	shelf_open(shelf);
	char *dir = shelf->store->dir;
	assert_int_equal(pthread_create(&publisher, NULL, publish, &gate), 0);
	(void)pthread_mutex_lock(&gate.lock);
	while (!gate.is_reached) {
		(void)pthread_cond_wait(&gate.changed, &gate.lock);
	}
	shelf->store->dir = full;
	struct append_job *job = append_job_new(1);
	assert_non_null(job);
	job->messages[0] = author_post(&ben, "x");
	job->count = 1;
	job->on_done = on_appended;
	job->ctx = &appended;
	assert_int_equal(writer_append(shelf->writer, job), ERR_OK);
	const struct change change = {
		.kind = CHANGE_SETTING, .name = span_text("n"), .text = span_text("t")};
	assert_int_equal(writer_change(shelf->writer, &change), ERR_OK);
	gate.is_open = true;
	(void)pthread_cond_broadcast(&gate.changed);
	(void)pthread_mutex_unlock(&gate.lock);
	assert_int_equal(pthread_join(publisher, NULL), 0);
	const struct change after = {.kind = CHANGE_SETTING, .name = span_text("after")};
	assert_int_equal(writer_change_wait(shelf->writer, &after), ERR_OK);
	assert_int_equal(appended, ERR_DISK_FULL);
	assert_int_equal(reader_setting(shelf->reader, "n", &text), ERR_OK);
	struct publish_result result;
	const struct publish_request request = {
		.content = span_text("{\"type\":\"post\",\"text\":\"x\"}")};
	assert_int_equal(writer_publish(shelf->writer, &request, &result), ERR_DISK_FULL);
	assert_non_null(strstr(result.why, "nothing was signed"));
	shelf->store->dir = dir;
	assert_int_equal(shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"y\"}").sequence, 2);
	buf_fini(&text);
	author_fini(&ben);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			an_address_is_remembered_with_how_it_went, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			an_address_has_at_most_512_bytes, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			at_most_4096_addresses_are_remembered, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			clocks_are_kept_of_those_we_have_heard_of, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			without_room_for_others_messages_the_owner_still_changes_things,
			shelf_set_up, shelf_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
