/* store/writer: what is appended is kept in order, what is published is on disk before anybody
 * hears of it. */
#include "lib/cmocka.h"
#include "lib/shelf.h"

#include "base/limits.h"
#include "store/fence.h"
#include "store/inside.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct seen {
	size_t count;
	uint64_t sequence;
	struct message_id key;
	struct buf text;
};

static bool on_message(void *ctx, const struct stored *stored)
{
	struct seen *seen = ctx;
	seen->count++;
	assert_int_equal(stored->sequence, seen->sequence + 1);
	seen->sequence = stored->sequence;
	seen->key = stored->key;
	assert_int_equal(buf_append(&seen->text, stored->compact), ERR_OK);
	return true;
}

static void a_foreign_feed_comes_back_byte_for_byte(void **state)
{
	struct shelf *shelf = *state;
	struct author ben;
	author_init(&ben, 1);
	struct message *messages[20];
	struct buf want = BUF_INIT(1 << 20);
	struct seen seen = {.text = BUF_INIT(1 << 20)};
	for (size_t i = 0; i < 20; i++) {
		messages[i] = i == 7 ? author_say(&ben, "{\"type\":\"odd\",\"2\":\"b\",\"1\":\"a\","
							"\"x\":\"\\u0000\\ud800\"}")
				     : author_post(&ben, "hello");
		assert_int_equal(buf_append(&want, messages[i]->compact), ERR_OK);
	}
	enum append_result results[20];
	shelf_append_all(shelf, messages, 20, results);
	for (size_t i = 0; i < 20; i++) {
		assert_int_equal(results[i], APPEND_STORED);
	}
	assert_int_equal(reader_feed(shelf->reader, &ben.id, 1, 1000, on_message, &seen), ERR_OK);
	assert_int_equal(seen.count, 20);
	assert_int_equal(seen.text.len, want.len);
	assert_memory_equal(seen.text.at, want.at, want.len);
	struct chain_head head;
	assert_int_equal(reader_head(shelf->reader, &ben.id, &head), ERR_OK);
	assert_int_equal(head.sequence, 20);
	assert_true(message_id_equal(&head.key, &ben.head.key));
	struct stored stored;
	buf_clear(&want);
	assert_int_equal(reader_message(shelf->reader, &ben.head.key, &want, &stored), ERR_OK);
	assert_int_equal(stored.sequence, 20);
	assert_true(feed_id_equal(&stored.author, &ben.id));
	seen.sequence = 14;
	seen.count = 0;
	assert_int_equal(reader_feed(shelf->reader, &ben.id, 15, 3, on_message, &seen), ERR_OK);
	assert_int_equal(seen.count, 3);
	assert_int_equal(shelf->committed, 20);
	struct store_figures figures;
	assert_int_equal(reader_figures(shelf->reader, &figures), ERR_OK);
	assert_int_equal(figures.messages, 20);
	assert_int_equal(figures.posts, 19);
	assert_int_equal(figures.feeds, 1);
	assert_true(figures.database_bytes > 0);
	buf_fini(&want);
	buf_fini(&seen.text);
	author_fini(&ben);
}

static void gaps_and_repeats_change_nothing(void **state)
{
	struct shelf *shelf = *state;
	struct author ben;
	author_init(&ben, 1);
	struct message *one = author_post(&ben, "one");
	struct message *two = author_post(&ben, "two");
	struct message *three = author_post(&ben, "three");
	struct author twin;
	author_init(&twin, 1);
	struct message *again = author_post(&twin, "one");
	assert_int_equal(shelf_append(shelf, two), APPEND_GAP);
	assert_int_equal(shelf_append(shelf, one), APPEND_STORED);
	assert_int_equal(shelf_append(shelf, three), APPEND_GAP);
	assert_int_equal(shelf_append(shelf, again), APPEND_KNOWN);
	struct chain_head head;
	assert_int_equal(reader_head(shelf->reader, &ben.id, &head), ERR_OK);
	assert_int_equal(head.sequence, 1);
	author_fini(&twin);
	author_fini(&ben);
}

static void a_fork_keeps_the_first_seen_and_one_proof(void **state)
{
	struct shelf *shelf = *state;
	struct author ben;
	struct author twin;
	author_init(&ben, 1);
	assert_int_equal(shelf_append(shelf, author_post(&ben, "one")), APPEND_STORED);
	author_twin(&twin, 1, &ben.head);
	assert_int_equal(shelf_append(shelf, author_post(&ben, "two")), APPEND_STORED);
	assert_int_equal(shelf_append(shelf, author_post(&twin, "another two")), APPEND_FORKED);
	/* The other branch's next: the right number, the wrong previous. */
	assert_int_equal(shelf_append(shelf, author_post(&twin, "another three")), APPEND_FORKED);
	assert_int_equal(shelf_append(shelf, author_post(&ben, "three")), APPEND_STORED);
	struct chain_head head;
	assert_int_equal(reader_head(shelf->reader, &ben.id, &head), ERR_OK);
	assert_int_equal(head.sequence, 3);
	assert_true(message_id_equal(&head.key, &ben.head.key));
	struct store_figures figures;
	assert_int_equal(reader_figures(shelf->reader, &figures), ERR_OK);
	assert_int_equal(figures.forks, 1);
	/* Others' forks do not stop us. */
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"x\"}");
	author_fini(&twin);
	author_fini(&ben);
}

static void publishing_makes_one_chain_with_growing_times(void **state)
{
	struct shelf *shelf = *state;
	struct chain_head before = {0};
	for (uint64_t i = 1; i <= 5; i++) {
		shelf->wall_ms -= 1000000; /* the clock runs backwards */
		struct publish_result result =
			shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"%d\"}", (int)i);
		struct chain_head head;
		assert_int_equal(result.sequence, i);
		assert_int_equal(reader_head(shelf->reader, &shelf->self.id, &head), ERR_OK);
		assert_int_equal(head.sequence, i);
		assert_true(message_id_equal(&head.key, &result.key));
		assert_true(head.timestamp > before.timestamp);
		before = head;
	}
	assert_int_equal(shelf->commits, 5);
	assert_true(shelf->last.is_home);
	shelf_close(shelf);
	shelf_open(shelf);
	assert_int_equal(shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"6\"}").sequence, 6);
}

static void the_same_nonce_publishes_once(void **state)
{
	struct shelf *shelf = *state;
	struct publish_result first;
	struct publish_result second;
	const struct publish_request request = {
		.content = span_text("{\"type\":\"post\",\"text\":\"x\"}"),
		.nonce = span_text("n-1")};
	assert_int_equal(writer_publish(shelf->writer, &request, &first), ERR_OK);
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"y\"}");
	assert_int_equal(writer_publish(shelf->writer, &request, &second), ERR_OK);
	assert_int_equal(second.sequence, 1);
	assert_true(message_id_equal(&first.key, &second.key));
	shelf_close(shelf);
	shelf_open(shelf);
	assert_int_equal(writer_publish(shelf->writer, &request, &second), ERR_OK);
	assert_int_equal(second.sequence, 1);
	struct chain_head head;
	assert_int_equal(reader_head(shelf->reader, &shelf->self.id, &head), ERR_OK);
	assert_int_equal(head.sequence, 2);
}

static void a_nonce_has_at_most_64_bytes(void **state)
{
	struct shelf *shelf = *state;
	static char long_nonce[64 * 1024];
	memset(long_nonce, 'n', sizeof(long_nonce));
	const size_t lens[] = {64, 65, sizeof(long_nonce)};
	for (size_t i = 0; i < 3; i++) {
		struct publish_result result;
		const struct publish_request request = {
			.content = span_text("{\"type\":\"post\",\"text\":\"x\"}"),
			.nonce = span_of(long_nonce, lens[i])};
		assert_int_equal(writer_publish(shelf->writer, &request, &result),
			i == 0 ? ERR_OK : ERR_LIMIT);
	}
}

static void a_browser_that_saw_more_than_we_have_pauses_publishing(void **state)
{
	struct shelf *shelf = *state;
	char why[256];
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"x\"}");
	struct publish_result result;
	struct publish_request request = {
		.content = span_text("{\"type\":\"post\",\"text\":\"y\"}"), .if_head = 2};
	assert_int_equal(writer_publish(shelf->writer, &request, &result), ERR_PAUSED);
	assert_true(strlen(result.why) > 0);
	assert_true(result.draft > 0);
	assert_string_equal(writer_state(shelf->writer, why, sizeof(why)), "SUSPECT");
	request.if_head = 1; /* it stays so whatever another page knows */
	assert_int_equal(writer_publish(shelf->writer, &request, &result), ERR_PAUSED);
	assert_int_equal(writer_resume(shelf->writer, 1, false, why, sizeof(why)), ERR_OK);
	assert_int_equal(writer_publish(shelf->writer, &request, &result), ERR_OK);
	assert_int_equal(result.sequence, 2);
}

static void content_no_peer_would_take_is_refused_and_the_next_is_fine(void **state)
{
	struct shelf *shelf = *state;
	static char big[60000];
	int len = snprintf(big, sizeof(big), "{\"type\":\"post\",\"text\":\"%08000d\"}", 0);
	const struct span bad[] = {
		span_text("{\"text\":\"no type\"}"),
		span_text("[]"),
		span_text("{"),
		span_text("\"text\""),
		span_text(""),
		span_of(big, (size_t)len),
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct publish_result result;
		const struct publish_request request = {.content = bad[i]};
		enum err err = writer_publish(shelf->writer, &request, &result);
		assert_true(err == ERR_REFUSED || err == ERR_LIMIT);
		assert_true(strlen(result.why) > 0);
	}
	assert_int_equal(shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"x\"}").sequence, 1);
}

static void our_own_messages_come_back_from_others(void **state)
{
	struct shelf *shelf = *state;
	struct author lost;
	author_init(&lost, 0);
	struct message *messages[] = {
		author_post(&lost, "a"), author_post(&lost, "b"), author_post(&lost, "c")};
	enum append_result results[3];
	shelf_append_all(shelf, messages, 3, results);
	assert_int_equal(results[2], APPEND_STORED);
	char why[256];
	assert_string_equal(writer_state(shelf->writer, why, sizeof(why)), "SUSPECT");
	assert_int_equal(writer_resume(shelf->writer, 3, false, why, sizeof(why)), ERR_OK);
	assert_int_equal(shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"d\"}").sequence, 4);
	shelf_close(shelf);
	shelf_open(shelf);
	assert_int_equal(shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"e\"}").sequence, 5);
	author_fini(&lost);
}

static void a_second_history_of_ours_stops_publishing_for_good(void **state)
{
	struct shelf *shelf = *state;
	struct author other;
	char why[256];
	author_init(&other, 0);
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"here\"}");
	assert_string_equal(writer_state(shelf->writer, why, sizeof(why)), "CLEAN");
	assert_int_equal(shelf_append(shelf, author_post(&other, "there")), APPEND_FORKED);
	assert_string_equal(writer_state(shelf->writer, why, sizeof(why)), "FORKED");
	struct publish_result result;
	const struct publish_request request = {
		.content = span_text("{\"type\":\"post\",\"text\":\"y\"}")};
	assert_int_equal(writer_publish(shelf->writer, &request, &result), ERR_PAUSED);
	assert_true(strlen(result.why) > 0);
	shelf_close(shelf);
	shelf_open(shelf);
	assert_string_equal(writer_state(shelf->writer, why, sizeof(why)), "FORKED");
	assert_int_equal(writer_publish(shelf->writer, &request, &result), ERR_PAUSED);
	author_fini(&other);
}

static void blocked_authors_are_not_stored(void **state)
{
	struct shelf *shelf = *state;
	struct author dee;
	author_init(&dee, 4);
	assert_int_equal(shelf_append(shelf, author_post(&dee, "one")), APPEND_STORED);
	(void)shelf_contact(shelf, &dee.id, EDGE_BLOCK);
	struct author twin;
	author_twin(&twin, 4, &dee.head);
	assert_int_equal(shelf_append(shelf, author_post(&dee, "two")), APPEND_NOT_WANTED);
	(void)shelf_contact(shelf, &dee.id, EDGE_NEITHER);
	assert_int_equal(shelf_append(shelf, author_post(&twin, "two")), APPEND_STORED);
	author_fini(&twin);
	author_fini(&dee);
}

struct many {
	struct shelf *shelf;
	unsigned number;
	bool is_same;
	uint64_t sequence;
};

static void *publish_one(void *ctx)
{
	struct many *many = ctx;
	char nonce[32];
	(void)snprintf(nonce, sizeof(nonce), "n-%u", many->is_same ? 0 : many->number);
	struct publish_result result;
	const struct publish_request request = {
		.content = span_text("{\"type\":\"post\",\"text\":\"x\"}"),
		.nonce = span_text(nonce)};
	if (writer_publish(many->shelf->writer, &request, &result) == ERR_OK) {
		many->sequence = result.sequence;
	}
	return NULL;
}

static void publish_many(struct shelf *shelf, bool is_same, struct many *many, size_t count)
{
	pthread_t threads[100];
	for (size_t i = 0; i < count; i++) {
		many[i] = (struct many){.shelf = shelf, .number = (unsigned)i, .is_same = is_same};
		assert_int_equal(pthread_create(&threads[i], NULL, publish_one, &many[i]), 0);
	}
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	}
}

static void a_hundred_at_once_make_one_chain_and_a_hundred_alike_make_one(void **state)
{
	struct shelf *shelf = *state;
	struct many many[100];
	bool is_used[101] = {false};
	struct chain_head head;
	publish_many(shelf, false, many, 100);
	for (size_t i = 0; i < 100; i++) {
		assert_in_range(many[i].sequence, 1, 100);
		assert_false(is_used[many[i].sequence]);
		is_used[many[i].sequence] = true;
	}
	uint64_t first = many[0].sequence;
	publish_many(shelf, true, many, 100);
	for (size_t i = 0; i < 100; i++) {
		assert_int_equal(many[i].sequence, first);
	}
	assert_int_equal(reader_head(shelf->reader, &shelf->self.id, &head), ERR_OK);
	assert_int_equal(head.sequence, 100);
}

static void a_full_disk_stops_cleanly_and_what_was_signed_comes_first_afterwards(void **state)
{
	struct shelf *shelf = *state;
	struct author ben;
	struct publish_result result;
	struct chain_head head;
	static char content[7000];
	author_init(&ben, 1);
	(void)snprintf(content, sizeof(content), "{\"type\":\"post\",\"text\":\"%06000d\"}", 0);
	const struct publish_request request = {
		.content = span_text(content), .nonce = span_text("the one that fails")};
	shelf_close(shelf);
	shelf_open(shelf);
	/* The writer sleeps: nothing is queued. */
	assert_int_equal(db_exec(shelf->store->writer, "PRAGMA max_page_count = 1"), ERR_OK);
	assert_int_equal(writer_publish(shelf->writer, &request, &result), ERR_DISK_FULL);
	assert_non_null(strstr(result.why, "signed and kept"));
	struct message *messages[] = {
		author_say(&ben, "%s", content), author_say(&ben, "%s", content)};
	enum append_result results[2];
	assert_int_equal(shelf_append_all(shelf, messages, 2, results), ERR_DISK_FULL);
	assert_int_equal(results[0], APPEND_FAILED);
	assert_int_equal(reader_head(shelf->reader, &shelf->self.id, &head), ERR_NOT_FOUND);
	assert_int_equal(reader_head(shelf->reader, &ben.id, &head), ERR_NOT_FOUND);
	assert_int_equal(shelf->commits, 0);
	assert_int_equal(db_exec(shelf->store->writer, "PRAGMA max_page_count = 1000000"), ERR_OK);
	assert_int_equal(shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"next\"}").sequence, 2);
	assert_int_equal(writer_publish(shelf->writer, &request, &result), ERR_OK);
	assert_int_equal(result.sequence, 1);
	assert_int_equal(reader_head(shelf->reader, &shelf->self.id, &head), ERR_OK);
	assert_int_equal(head.sequence, 2);
	author_fini(&ben);
}

static void what_was_signed_and_comes_back_before_it_is_stored_is_stored_once(void **state)
{
	struct shelf *shelf = *state;
	struct publish_result result;
	struct fence *fence = NULL;
	struct message *signed_message = NULL;
	const char *why = NULL;
	char *path = store_path(shelf->store, "fence");
	static char content[7000];
	(void)snprintf(content, sizeof(content), "{\"type\":\"post\",\"text\":\"%06000d\"}", 0);
	const struct publish_request request = {.content = span_text(content)};
	assert_int_equal(db_exec(shelf->store->writer, "PRAGMA max_page_count = 1"), ERR_OK);
	assert_int_equal(writer_publish(shelf->writer, &request, &result), ERR_DISK_FULL);
	assert_int_equal(db_exec(shelf->store->writer, "PRAGMA max_page_count = 1000000"), ERR_OK);
	assert_int_equal(fence_open(path, &fence), ERR_OK);
	assert_int_equal(message_verify(fence_intent(fence), NULL, &signed_message, &why), ERR_OK);
	fence_close(fence);
	assert_int_equal(shelf_append(shelf, signed_message), APPEND_STORED);
	assert_int_equal(shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"next\"}").sequence, 2);
	shelf_close(shelf);
	shelf_open(shelf);
	assert_int_equal(shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"then\"}").sequence, 3);
	free(path);
}

static void what_waits_together_is_committed_together(void **state)
{
	struct shelf *shelf = *state;
	struct author ben;
	struct message *messages[1000];
	author_init(&ben, 1);
	for (size_t i = 0; i < 1000; i++) {
		messages[i] = author_post(&ben, "x");
	}
	assert_int_equal(shelf_append_all(shelf, messages, 1000, NULL), ERR_OK);
	assert_int_equal(shelf->commits, 1);
	assert_int_equal(shelf->committed, 1000);
	author_fini(&ben);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_foreign_feed_comes_back_byte_for_byte, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			gaps_and_repeats_change_nothing, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			a_fork_keeps_the_first_seen_and_one_proof, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(publishing_makes_one_chain_with_growing_times,
			shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			the_same_nonce_publishes_once, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			a_nonce_has_at_most_64_bytes, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			a_browser_that_saw_more_than_we_have_pauses_publishing, shelf_set_up,
			shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			content_no_peer_would_take_is_refused_and_the_next_is_fine, shelf_set_up,
			shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			our_own_messages_come_back_from_others, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(a_second_history_of_ours_stops_publishing_for_good,
			shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			blocked_authors_are_not_stored, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			a_hundred_at_once_make_one_chain_and_a_hundred_alike_make_one, shelf_set_up,
			shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			a_full_disk_stops_cleanly_and_what_was_signed_comes_first_afterwards,
			shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			what_was_signed_and_comes_back_before_it_is_stored_is_stored_once,
			shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			what_waits_together_is_committed_together, shelf_set_up, shelf_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
