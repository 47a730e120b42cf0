/* store/let_go: old messages go with all that follows from them; the feed goes on. */
#include "lib/cmocka.h"
#include "lib/shelf.h"

#include "store/audit.h"
#include "store/let_go.h"
#include "store/repair.h"
#include "store/search.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SAID = 40, KILLS = 20 };

static struct author ben;
static struct author dee;
static struct message_id ours; /* our first post */

/* Posts with tags, answers to us, likes given and taken back, follows, names. */
static struct message *says(struct author *author, int i)
{
	char text[64];
	const struct message_id other = {{(uint8_t)(i % 3)}};
	(void)snprintf(text, sizeof(text), "word number%d #tag%d", i, i % 4);
	switch (i % 8) {
	case 0:
		return author_reply(author, text, &ours, &ours);
	case 1:
		return author_like(author, &ours, i % 16 == 1);
	case 2:
		return author_like(author, &other, i % 3 != 0);
	case 3:
		return author_contact(author, &dee.id, i % 16 == 3 ? EDGE_FOLLOW : EDGE_BLOCK);
	case 4:
		return author_name(author, text);
	default:
		return author_post(author, text);
	}
}

/* Ben says SAID things; gives the key of one of his posts. */
static struct message_id fill(struct shelf *shelf)
{
	struct message *messages[SAID];
	struct message_id keys[SAID];
	shelf_close(shelf);
	shelf->is_stepped = true;
	shelf_open(shelf);
	author_init(&ben, 1);
	author_init(&dee, 2);
	ours = shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"ours\"}").key;
	for (int i = 0; i < SAID; i++) {
		messages[i] = says(&ben, i);
		keys[i] = messages[i]->key;
	}
	assert_int_equal(shelf_append_all(shelf, messages, SAID, NULL), ERR_OK);
	shelf_settle(shelf);
	return keys[5];
}

static void done(void)
{
	author_fini(&ben);
	author_fini(&dee);
}

static struct let_go_result let_go(struct shelf *shelf, enum let_go_why why, uint64_t below)
{
	const struct let_go_request request = {
		.feed = ben.id, .why = why, .below = below, .at_least = 1000, .at_most = 1000};
	struct let_go_result result;
	assert_int_equal(writer_let_go(shelf->writer, &request, &result), ERR_OK);
	return result;
}

static void say(void *ctx, const struct audit_fault *fault)
{
	(void)ctx;
	print_message("%s\n", fault->sentence);
}

static void assert_sound(struct shelf *shelf)
{
	struct audit audit = {.on_fault = say};
	assert_int_equal(audit_run(shelf->store, NULL, &audit), ERR_OK);
	assert_int_equal(audit.faults, 0);
}

static int64_t count(struct shelf *shelf, const char *sql)
{
	char *text = shelf_dump(shelf, sql);
	int64_t number = strtoll(text, NULL, 10);
	free(text);
	return number;
}

static uint64_t head_of(struct shelf *shelf)
{
	struct chain_head head = {.sequence = 0};
	enum err err = reader_head(shelf->reader, &ben.id, &head);
	assert_true(err == ERR_OK || err == ERR_NOT_FOUND);
	return head.sequence;
}

static void keep(struct shelf *shelf, const struct message_id *key)
{
	const struct change change = {.kind = CHANGE_BOOKMARK, .key = *key, .number = 1};
	assert_int_equal(writer_change_wait(shelf->writer, &change), ERR_OK);
}

static void old_messages_go_and_the_feed_goes_on(void **state)
{
	struct shelf *shelf = *state;
	uint64_t first = 0;
	(void)fill(shelf);
	size_t found = shelf_found(shelf, "word");
	struct let_go_result result = let_go(shelf, LET_GO_FOR_ROOM, 21);
	assert_int_equal(result.gone, 20);
	assert_int_equal(result.kept, 0);
	assert_int_equal(result.first, 21);
	assert_true(result.is_done);
	assert_int_equal(head_of(shelf), SAID);
	assert_int_equal(reader_first(shelf->reader, &ben.id, &first), ERR_OK);
	assert_int_equal(first, 21);
	assert_int_equal(count(shelf, "SELECT count(*) FROM messages WHERE feed > 1"), 20);
	assert_true(shelf_found(shelf, "word") < found);
	assert_int_equal(shelf_found(shelf, "number6"), 0);
	assert_int_equal(shelf_found(shelf, "number30"), 1);
	assert_sound(shelf);
	assert_int_equal(shelf_append(shelf, author_post(&ben, "new")), APPEND_STORED);
	assert_int_equal(head_of(shelf), SAID + 1);
	assert_sound(shelf);
	done();
}

static void all_of_it_may_go_and_what_is_new_still_follows(void **state)
{
	struct shelf *shelf = *state;
	(void)fill(shelf);
	struct let_go_result result = let_go(shelf, LET_GO_FOR_ROOM, UINT64_MAX >> 2);
	assert_int_equal(result.gone, SAID);
	assert_sound(shelf);
	assert_int_equal(count(shelf, "SELECT count(*) FROM profiles WHERE feed > 1"), 1);
	assert_int_equal(shelf_append(shelf, author_post(&ben, "new")), APPEND_STORED);
	assert_sound(shelf);
	done();
}

static void what_the_owner_keeps_stays(void **state)
{
	struct shelf *shelf = *state;
	const struct message_id kept = fill(shelf);
	keep(shelf, &kept);
	struct let_go_result result = let_go(shelf, LET_GO_FOR_ROOM, 31);
	assert_int_equal(result.gone, 29);
	assert_int_equal(result.kept, 1);
	assert_int_equal(shelf_found(shelf, "number5"), 1);
	assert_sound(shelf);
	result = let_go(shelf, LET_GO_REMOVED, 0);
	assert_int_equal(count(shelf, "SELECT count(*) FROM messages WHERE feed > 1"), 1);
	assert_sound(shelf);
	done();
}

static void a_word_that_may_be_for_us_stays_until_it_was_tried(void **state)
{
	static const char boxed[] = "\"YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXo=.box\"";
	struct shelf *shelf = *state;
	const struct change tried = {.kind = CHANGE_SETTING,
		.name = span_text("private_mark"),
		.text = span_text("v1 00112233445566778899aabbccddeeff 1000000 -5")};
	(void)fill(shelf);
	struct message *box = author_say(&ben, "%s", boxed);
	assert_int_equal(shelf_append(shelf, box), APPEND_STORED);
	struct let_go_result result = let_go(shelf, LET_GO_FOR_ROOM, UINT64_MAX >> 2);
	assert_int_equal(result.kept, 1);
	assert_int_equal(result.gone, SAID);
	assert_int_equal(writer_change_wait(shelf->writer, &tried), ERR_OK);
	box = author_say(&ben, "%s", boxed);
	assert_int_equal(shelf_append(shelf, box), APPEND_STORED);
	result = let_go(shelf, LET_GO_FOR_ROOM, UINT64_MAX >> 2);
	assert_int_equal(result.gone, 1);
	assert_sound(shelf);
	done();
}

static void never_our_own_and_nobodys_whom_we_follow_or_want(void **state)
{
	struct shelf *shelf = *state;
	struct let_go_request request = {
		.why = LET_GO_FOR_ROOM, .below = 10, .at_least = 100, .at_most = 100};
	const struct change want = {.kind = CHANGE_WANT, .feed = {{0}}, .number = 1};
	struct let_go_result result;
	(void)fill(shelf);
	request.feed = shelf->self.id;
	assert_int_equal(writer_let_go(shelf->writer, &request, &result), ERR_REFUSED);
	request.why = LET_GO_FOR_AGAIN;
	assert_int_equal(writer_let_go(shelf->writer, &request, &result), ERR_REFUSED);
	request.why = LET_GO_REMOVED;
	assert_int_equal(writer_let_go(shelf->writer, &request, &result), ERR_REFUSED);
	request.feed = ben.id;
	(void)shelf_contact(shelf, &ben.id, EDGE_FOLLOW);
	assert_int_equal(writer_let_go(shelf->writer, &request, &result), ERR_REFUSED);
	(void)shelf_contact(shelf, &ben.id, EDGE_NEITHER);
	struct change wanted = want;
	wanted.feed = ben.id;
	assert_int_equal(writer_change_wait(shelf->writer, &wanted), ERR_OK);
	assert_int_equal(writer_let_go(shelf->writer, &request, &result), ERR_REFUSED);
	assert_int_equal(count(shelf, "SELECT count(*) FROM messages WHERE feed > 1"), SAID);
	request.feed = dee.id;
	request.feed.at[0] ^= 1;
	assert_int_equal(writer_let_go(shelf->writer, &request, &result), ERR_NOT_FOUND);
	done();
}

static void somebody_is_removed_with_all_that_is_known_of_them(void **state)
{
	struct shelf *shelf = *state;
	(void)fill(shelf);
	struct let_go_result result = let_go(shelf, LET_GO_REMOVED, 0);
	assert_int_equal(result.gone, SAID);
	assert_int_equal(count(shelf, "SELECT count(*) FROM messages WHERE feed > 1"), 0);
	assert_int_equal(count(shelf, "SELECT count(*) FROM posts WHERE feed > 1"), 0);
	assert_int_equal(count(shelf, "SELECT count(*) FROM votes"), 0);
	assert_int_equal(count(shelf, "SELECT count(*) FROM activity"), 0);
	assert_int_equal(count(shelf, "SELECT count(*) FROM profiles WHERE feed > 1"), 0);
	assert_int_equal(count(shelf, "SELECT count(*) FROM contacts WHERE feed > 1"), 0);
	assert_int_equal(count(shelf, "SELECT count(*) FROM tags WHERE tag LIKE 'tag%'"), 0);
	assert_int_equal(count(shelf, "SELECT count(*) FROM keys"), 1);
	assert_int_equal(head_of(shelf), SAID);
	assert_sound(shelf);
	done();
}

/* The same messages again, from the first. */
static void tell_again(struct shelf *shelf, int from, int to)
{
	struct author again;
	author_init(&again, 1);
	for (int i = 0; i < to; i++) {
		struct message *message = says(&again, i);
		if (i < from) {
			message_free(message);
		} else {
			assert_int_equal(shelf_append(shelf, message), APPEND_STORED);
		}
	}
	author_fini(&again);
}

static void whom_the_owner_follows_comes_again_as_a_whole(void **state)
{
	struct shelf *shelf = *state;
	struct let_go_row row;
	const struct message_id kept = fill(shelf);
	keep(shelf, &kept);
	(void)let_go(shelf, LET_GO_FOR_ROOM, 21);
	(void)shelf_contact(shelf, &ben.id, EDGE_FOLLOW);
	assert_int_equal(reader_let_go(shelf->reader, &ben.id, &row), ERR_OK);
	assert_int_equal(row.again, LET_GO_LEAVING);
	struct let_go_result result = let_go(shelf, LET_GO_FOR_AGAIN, 0);
	assert_true(result.is_done);
	assert_int_equal(head_of(shelf), 0);
	assert_int_equal(reader_let_go(shelf->reader, &ben.id, &row), ERR_OK);
	assert_int_equal(row.again, LET_GO_COMING);
	assert_int_equal(row.below, SAID + 1);
	assert_int_equal(count(shelf, "SELECT count(*) FROM messages WHERE feed > 1"), 1);
	assert_int_equal(shelf_found(shelf, "number5"), 1);
	assert_sound(shelf);
	tell_again(shelf, 0, 10);
	assert_int_equal(head_of(shelf), 10);
	assert_sound(shelf);
	shelf_close(shelf);
	shelf_open(shelf);
	tell_again(shelf, 10, SAID);
	shelf_settle(shelf);
	assert_int_equal(reader_let_go(shelf->reader, &ben.id, &row), ERR_NOT_FOUND);
	assert_int_equal(count(shelf, "SELECT count(*) FROM messages WHERE feed > 1"), SAID);
	assert_sound(shelf);
	done();
}

/* In one transaction, with one measure for all; who may not go keeps nobody. */
static void several_feeds_go_together(void **state)
{
	struct shelf *shelf = *state;
	struct let_go_request requests[4];
	struct let_go_result results[4];
	struct author kim;
	(void)fill(shelf);
	author_init(&kim, 3);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(shelf_append(shelf, author_post(&dee, "x")), APPEND_STORED);
		assert_int_equal(shelf_append(shelf, author_post(&kim, "y")), APPEND_STORED);
	}
	shelf_settle(shelf);
	const struct feed_id *ids[4] = {&ben.id, &shelf->self.id, &dee.id, &kim.id};
	for (int i = 0; i < 4; i++) {
		requests[i] = (struct let_go_request){.feed = *ids[i],
			.why = LET_GO_FOR_ROOM,
			.below = 9,
			.at_least = 10,
			.at_most = 12};
	}
	uint64_t commits = shelf->commits;
	assert_int_equal(writer_let_go_many(shelf->writer, requests, results, 4), ERR_OK);
	assert_int_equal(results[0].gone, 8);
	assert_true(results[0].is_done);
	assert_int_equal(results[1].err, ERR_REFUSED);
	assert_int_equal(results[2].gone, 4);
	assert_false(results[2].is_done || results[3].is_done);
	assert_int_equal(results[3].gone, 0);
	assert_int_equal(shelf->commits - commits, 2); /* told of each that changed */
	assert_sound(shelf);
	assert_int_equal(writer_let_go_many(shelf->writer, requests + 2, results, 2), ERR_OK);
	assert_int_equal(results[0].gone, 4);
	assert_int_equal(results[1].gone, 8);
	assert_true(results[0].is_done && results[1].is_done);
	assert_int_equal(
		count(shelf, "SELECT count(*) FROM messages WHERE feed > 1"), SAID - 8 + 2 + 2);
	assert_sound(shelf);
	author_fini(&kim);
	done();
}

static void what_is_made_again_is_what_it_was(void **state)
{
	static const char rows[] =
		"SELECT * FROM contacts UNION ALL SELECT feed, name, bio FROM profiles UNION ALL "
		"SELECT name, n, 0 FROM figures UNION ALL SELECT message, at, home FROM posts";
	struct shelf *shelf = *state;
	(void)fill(shelf);
	(void)let_go(shelf, LET_GO_FOR_ROOM, 31);
	shelf_close(shelf);
	char *before = shelf_dump(shelf, rows);
	free(shelf_dump(shelf, "DELETE FROM posts"));
	shelf_open_store(shelf);
	struct repair repair = {.on_fault = NULL};
	assert_int_equal(repair_run(shelf->store, NULL, &repair), ERR_OK);
	assert_true(repair.kinds[AUDIT_VIEW] > 0);
	assert_int_equal(repair.left[AUDIT_VIEW], 0);
	shelf_close_store(shelf);
	char *after = shelf_dump(shelf, rows);
	assert_string_equal(before, after);
	free(before);
	free(after);
	shelf_open(shelf);
	assert_sound(shelf);
	done();
}

static void it_gives_way_after_what_it_must_do(void **state)
{
	struct shelf *shelf = *state;
	const struct let_go_request request = {
		.why = LET_GO_FOR_ROOM, .below = 30, .at_least = 4, .at_most = 10};
	struct let_go_request mine = request;
	struct let_go_result result;
	(void)fill(shelf);
	mine.feed = ben.id;
	assert_int_equal(writer_let_go(shelf->writer, &mine, &result), ERR_OK);
	assert_int_equal(result.gone, 10);
	assert_int_equal(result.first, 11);
	assert_false(result.is_done);
	assert_sound(shelf);
	done();
}

/* A child lets go until it is killed; what it left is whole, and all that must stay is there. */
static void a_kill_in_the_middle_loses_nothing_it_may_not(void **state)
{
	struct shelf *shelf = *state;
	const struct message_id kept = fill(shelf);
	keep(shelf, &kept);
	shelf_close(shelf);
	for (int i = 0; i < KILLS; i++) {
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			const struct let_go_request request = {.feed = ben.id,
				.why = LET_GO_FOR_ROOM,
				.below = SAID - 2,
				.at_least = 1,
				.at_most = 1};
			struct let_go_result result = {.is_done = false};
			shelf_open(shelf);
			while (!result.is_done &&
				writer_let_go(shelf->writer, &request, &result) == ERR_OK) {
			}
			_exit(0);
		}
		(void)usleep((unsigned)(i * 2500));
		(void)kill(child, SIGKILL);
		int status = 0;
		assert_int_equal(waitpid(child, &status, 0), child);
		shelf_open(shelf);
		assert_sound(shelf);
		assert_int_equal(shelf_found(shelf, "number5"), 1);
		assert_int_equal(shelf_found(shelf, "ours"), 1);
		assert_int_equal(head_of(shelf), SAID);
		shelf_close(shelf);
	}
	shelf_open(shelf);
	(void)let_go(shelf, LET_GO_FOR_ROOM, SAID - 2);
	assert_sound(shelf);
	done();
}

struct publishing {
	struct shelf *shelf;
	atomic_bool is_over;
	unsigned published;
};

static void *publish_on(void *ctx)
{
	struct publishing *publishing = ctx;
	while (!atomic_load(&publishing->is_over)) {
		char text[64];
		struct publish_result result;
		int len = snprintf(text, sizeof(text), "{\"type\":\"post\",\"text\":\"p%u\"}",
			publishing->published);
		const struct publish_request request = {.content = span_of(text, (size_t)len)};
		assert_int_equal(
			writer_publish(publishing->shelf->writer, &request, &result), ERR_OK);
		publishing->published++;
	}
	return NULL;
}

static void publishing_and_reading_go_on_meanwhile(void **state)
{
	struct shelf *shelf = *state;
	struct publishing publishing = {.shelf = shelf};
	pthread_t thread;
	uint64_t first = 1;
	(void)fill(shelf);
	for (int i = 0; i < 8; i++) {
		struct message *more[100];
		for (int j = 0; j < 100; j++) {
			more[j] = says(&ben, j);
		}
		assert_int_equal(shelf_append_all(shelf, more, 100, NULL), ERR_OK);
	}
	shelf_pass(shelf, 2000);
	shelf_close(shelf);
	shelf->is_stepped = false;
	shelf_open(shelf);
	assert_int_equal(pthread_create(&thread, NULL, publish_on, &publishing), 0);
	const struct let_go_request request = {.feed = ben.id,
		.why = LET_GO_FOR_ROOM,
		.below = 8 * 100,
		.at_least = 8,
		.at_most = 1000};
	struct let_go_result result = {.is_done = false};
	while (!result.is_done) {
		enum err err = writer_let_go(shelf->writer, &request, &result);
		assert_true(err == ERR_OK || err == ERR_BUSY);
		uint64_t now = 0;
		assert_int_equal(reader_first(shelf->reader, &ben.id, &now), ERR_OK);
		assert_true(now >= first);
		first = now;
		(void)shelf_found(shelf, "word");
	}
	atomic_store(&publishing.is_over, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(publishing.published > 0);
	assert_int_equal(count(shelf, "SELECT sequence FROM feeds WHERE feed = 1"),
		(int64_t)publishing.published + 1);
	assert_sound(shelf);
	done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			old_messages_go_and_the_feed_goes_on, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(all_of_it_may_go_and_what_is_new_still_follows,
			shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			what_the_owner_keeps_stays, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(a_word_that_may_be_for_us_stays_until_it_was_tried,
			shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(never_our_own_and_nobodys_whom_we_follow_or_want,
			shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(somebody_is_removed_with_all_that_is_known_of_them,
			shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(whom_the_owner_follows_comes_again_as_a_whole,
			shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			several_feeds_go_together, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			what_is_made_again_is_what_it_was, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			it_gives_way_after_what_it_must_do, shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(a_kill_in_the_middle_loses_nothing_it_may_not,
			shelf_set_up, shelf_tear_down),
		cmocka_unit_test_setup_teardown(
			publishing_and_reading_go_on_meanwhile, shelf_set_up, shelf_tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
