/* store/fork: what an owner whose feed is forked can do. Nothing that was ever signed is lost, no
 * number ever holds two messages in one feed, and no kill leaves a node that publishes. */
#include "lib/cmocka.h"
#include "lib/death.h"
#include "lib/shelf.h"

#include "base/limits.h"
#include "store/audit.h"
#include "store/fence.h"
#include "store/fork.h"
#include "store/inside.h"
#include "store/safety.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One and two on both sides; here three, four and five; elsewhere others, `theirs` of them. */
struct fork {
	struct shelf shelf;
	struct author twin;
	struct author ben;
	struct message *theirs[8];
	int count;
};

static void post_here(struct shelf *shelf, int from, int to)
{
	for (int i = from; i <= to; i++) {
		(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"here %d\"}", i);
	}
}

static bool take_head(void *ctx, const struct stored *stored)
{
	*(struct chain_head *)ctx = (struct chain_head){
		.sequence = stored->sequence, .key = stored->key, .timestamp = 1800000000000};
	return false;
}

static struct message *copy_of(const struct message *message)
{
	struct message *copy = NULL;
	const char *why = NULL;
	assert_int_equal(message_verify(message->compact, NULL, &copy, &why), ERR_OK);
	return copy;
}

static void fork_init(struct fork *fork, int count)
{
	struct chain_head head = {0};
	*fork = (struct fork){.count = count};
	struct shelf *shelf = &fork->shelf;
	shelf_init(shelf);
	author_init(&fork->ben, 1);
	post_here(shelf, 1, 2);
	(void)shelf_contact(shelf, &fork->ben.id, EDGE_FOLLOW);
	post_here(shelf, 4, 5);
	assert_int_equal(shelf_append(shelf, author_post(&fork->ben, "hello")), APPEND_STORED);
	assert_int_equal(
		reader_feed(shelf->reader, &shelf->self.id, 2, 1, take_head, &head), ERR_OK);
	author_twin(&fork->twin, 0, &head);
	fork->twin.now_ms = 1800000100000;
	for (int i = 0; i < count; i++) {
		fork->theirs[i] = i == 0 ? author_name(&fork->twin, "Ana of there")
					 : author_post(&fork->twin, "there");
	}
}

/* Of the other side, one message. */
static void hear(struct fork *fork, int i)
{
	(void)shelf_append(&fork->shelf, copy_of(fork->theirs[i]));
}

static void fork_fini(struct fork *fork)
{
	for (int i = 0; i < fork->count; i++) {
		message_free(fork->theirs[i]);
	}
	author_fini(&fork->ben);
	author_fini(&fork->twin);
	shelf_fini(&fork->shelf);
}

static struct guard_report report_of(struct fork *fork)
{
	struct guard_report report;
	writer_guard(fork->shelf.writer, &report);
	return report;
}

/* Of a closed shelf. */
static enum err choose(struct fork *fork, enum fork_choice choice, struct fork_done *done)
{
	struct store *store = NULL;
	char why[256];
	const struct store_opts opts = {
		.dir = fork->shelf.dir, .env = &fork->shelf.env, .self = fork->shelf.self.id};
	assert_int_equal(store_open(&opts, &store, why, sizeof(why)), ERR_OK);
	enum err err = fork_choose(store, NULL, choice, done);
	store_close(store);
	return err;
}

static void expect(const struct fork *fork, const char *sql, const char *wanted)
{
	char *text = shelf_dump(&fork->shelf, sql);
	assert_string_equal(text, wanted);
	free(text);
}

static void exec(const struct fork *fork, const char *sql)
{
	char path[128];
	sqlite3 *db = NULL;
	(void)snprintf(path, sizeof(path), "%s/kith.db", fork->shelf.dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void expect_no_fault(struct fork *fork)
{
	struct audit audit = {.faults = 0};
	assert_int_equal(audit_run(fork->shelf.store, NULL, &audit), ERR_OK);
	assert_int_equal(audit.faults, 0);
}

static const char numbers[] = "SELECT sequence FROM messages WHERE feed = 1 ORDER BY sequence";
static const char given_up[] =
	"SELECT sequence, is_settled FROM branch ORDER BY sequence, is_settled";
static const char wishes[] = "SELECT content FROM drafts ORDER BY draft";
static void expect_ours_as_drafts(const struct fork *fork)
{
	char *text = shelf_dump(&fork->shelf, wishes);
	assert_non_null(strstr(text, "\"type\":\"contact\""));
	assert_non_null(strstr(text, fork->ben.text));
	assert_non_null(strstr(text, "{\"type\":\"post\",\"text\":\"here 4\"}|"));
	assert_non_null(strstr(text, "{\"type\":\"post\",\"text\":\"here 5\"}|"));
	free(text);
}

struct told {
	int ours, theirs;
	uint64_t first_ours, first_theirs;
};

static void tell(void *ctx, const struct fork_message *row)
{
	struct told *told = ctx;
	if (row->is_theirs) {
		told->first_theirs =
			told->theirs++ == 0 ? row->message->sequence : told->first_theirs;
	} else {
		told->first_ours = told->ours++ == 0 ? row->message->sequence : told->first_ours;
	}
}

static void both_sides_are_told_from_where_they_part(void **state)
{
	(void)state;
	struct fork fork;
	struct fork_sides sides;
	struct told told = {0};
	fork_init(&fork, 4);
	assert_int_equal(reader_fork(fork.shelf.reader, 100, &sides, tell, &told), ERR_OK);
	assert_false(sides.is_forked);
	assert_int_equal(sides.sequence, 0);
	assert_int_equal(told.ours + told.theirs, 0);
	/* In whatever order it comes. */
	hear(&fork, 2);
	assert_int_equal(reader_fork(fork.shelf.reader, 100, &sides, NULL, NULL), ERR_OK);
	assert_true(sides.is_forked);
	assert_int_equal(sides.sequence, 5);
	assert_int_equal(sides.missing, 4);
	assert_int_equal(sides.theirs_count, 0);
	hear(&fork, 1);
	hear(&fork, 0);
	hear(&fork, 3);
	assert_int_equal(reader_fork(fork.shelf.reader, 100, &sides, tell, &told), ERR_OK);
	assert_int_equal(sides.sequence, 3);
	assert_int_equal(sides.missing, 0);
	assert_int_equal(sides.ours_count, 3);
	assert_int_equal(sides.theirs_count, 4);
	assert_int_equal(told.ours, 3);
	assert_int_equal(told.theirs, 4);
	assert_int_equal(told.first_ours, 3);
	assert_int_equal(told.first_theirs, 3);
	assert_memory_equal(sides.theirs.at, fork.theirs[0]->key.at, ID_BYTES);
	assert_memory_equal(report_of(&fork).fork_ours.at, sides.ours.at, ID_BYTES);
	/* No more than is asked for. */
	told = (struct told){0};
	assert_int_equal(reader_fork(fork.shelf.reader, 2, &sides, tell, &told), ERR_OK);
	assert_int_equal(told.ours, 2);
	assert_int_equal(told.theirs, 2);
	assert_int_equal(sides.theirs_count, 4);
	fork_fini(&fork);
}

static void the_other_side_takes_the_place_of_ours_and_nothing_is_lost(void **state)
{
	(void)state;
	struct fork fork;
	struct fork_done done;
	char why[256];
	fork_init(&fork, 4);
	for (int i = 0; i < 4; i++) {
		hear(&fork, i);
	}
	uint64_t spell = report_of(&fork).spell;
	shelf_close(&fork.shelf);
	exec(&fork, "INSERT OR REPLACE INTO clocks (peer, feed, note) VALUES (2, 1, 5), (2, 2, 1)");
	exec(&fork, "INSERT INTO witnesses (name, sequence, key, at) VALUES (x'62', 9, NULL, 1)");
	exec(&fork, "INSERT INTO holders (peer, sequence, at, spell, told, is_confirmed) VALUES "
		    "(2, 9, 5, 0, 9, 2)");
	assert_int_equal(choose(&fork, FORK_ADOPT, &done), ERR_OK);
	assert_int_equal(done.sequence, 3);
	assert_int_equal(done.head, 6);
	assert_int_equal(done.given_up, 3);
	assert_int_equal(done.drafts, 3);
	expect(&fork, numbers, "1|2|3|4|5|6|");
	expect(&fork, given_up, "3|1|4|1|5|1|");
	expect_ours_as_drafts(&fork);
	expect(&fork, "SELECT count(*) FROM clocks WHERE feed = 1", "0|");
	expect(&fork, "SELECT count(*) FROM clocks WHERE feed = 2", "1|");
	expect(&fork, "SELECT count(*) FROM witnesses", "0|");
	expect(&fork, "SELECT sequence, told, is_confirmed FROM holders", "6|-1|0|");
	/* What followed from the messages given up is gone, what follows from the others is there.
	 */
	expect(&fork, "SELECT count(*) FROM contacts WHERE feed = 1", "0|");
	expect(&fork, "SELECT name FROM profiles WHERE feed = 1", "Ana of there|");
	expect(&fork, "SELECT event FROM safety_log WHERE event = 'fork'", "fork|");
	shelf_open(&fork.shelf);
	struct guard_report report = report_of(&fork);
	assert_int_equal(report.state, FENCE_SUSPECT);
	assert_int_equal(report.cause, GUARD_RETURNED);
	assert_int_equal(report.sequence, 6);
	assert_int_equal(report.fork_sequence, 0);
	assert_int_equal(report.spell, spell + 1);
	assert_memory_equal(report.head.at, fork.theirs[3]->key.at, ID_BYTES);
	expect_no_fault(&fork);
	struct fork_sides sides;
	assert_int_equal(reader_fork(fork.shelf.reader, 9, &sides, NULL, NULL), ERR_OK);
	assert_false(sides.is_forked);
	assert_int_equal(sides.sequence, 0);
	/* The usual rules; what is posted follows the side that was adopted. */
	struct publish_result result;
	const struct publish_request request = {
		.content = span_text("{\"type\":\"post\",\"text\":\"too early\"}")};
	assert_int_equal(writer_publish(fork.shelf.writer, &request, &result), ERR_PAUSED);
	assert_int_equal(writer_resume(fork.shelf.writer, 6, false, why, sizeof(why)), ERR_OK);
	assert_int_equal(
		shelf_publish(&fork.shelf, "{\"type\":\"post\",\"text\":\"on\"}").sequence, 7);
	shelf_close(&fork.shelf);
	shelf_open(&fork.shelf);
	assert_int_equal(report_of(&fork).state, FENCE_CLEAN);
	fork_fini(&fork);
}

static void a_side_that_was_given_up_alarms_nobody_again(void **state)
{
	(void)state;
	struct fork fork;
	struct fork_done done;
	char why[256];
	fork_init(&fork, 5);
	hear(&fork, 0);
	hear(&fork, 1);
	shelf_close(&fork.shelf);
	assert_int_equal(choose(&fork, FORK_KEEP, &done), ERR_OK);
	assert_int_equal(done.head, 5);
	assert_int_equal(done.given_up, 2);
	assert_int_equal(done.drafts, 2);
	expect(&fork, numbers, "1|2|3|4|5|");
	expect(&fork, given_up, "3|1|4|1|");
	shelf_open(&fork.shelf);
	assert_int_equal(report_of(&fork).state, FENCE_SUSPECT);
	expect_no_fault(&fork);
	assert_int_equal(writer_resume(fork.shelf.writer, 5, false, why, sizeof(why)), ERR_OK);
	/* Known, and what follows it: number five of it too, and six, which would be our next. */
	for (int i = 0; i < 4; i++) {
		hear(&fork, i);
	}
	assert_int_equal(report_of(&fork).state, FENCE_CLEAN);
	expect(&fork, given_up, "3|1|4|1|5|1|6|1|");
	assert_int_equal(
		shelf_publish(&fork.shelf, "{\"type\":\"post\",\"text\":\"on\"}").sequence, 6);
	/* A third history is another fork. */
	struct author third;
	struct chain_head head = {0};
	assert_int_equal(
		reader_feed(fork.shelf.reader, &fork.shelf.self.id, 2, 1, take_head, &head),
		ERR_OK);
	author_twin(&third, 0, &head);
	third.now_ms = 1800000500000;
	assert_int_equal(shelf_append(&fork.shelf, author_post(&third, "third")), APPEND_FORKED);
	assert_int_equal(report_of(&fork).state, FENCE_FORKED);
	assert_int_equal(report_of(&fork).fork_sequence, 3);
	shelf_close(&fork.shelf);
	assert_int_equal(choose(&fork, FORK_ADOPT, &done), ERR_OK);
	expect(&fork, numbers, "1|2|3|");
	author_fini(&third);
	shelf_open(&fork.shelf);
	expect_no_fault(&fork);
	fork_fini(&fork);
}

static void a_side_with_a_gap_is_not_adopted(void **state)
{
	(void)state;
	struct fork fork;
	struct fork_done done;
	fork_init(&fork, 5);
	hear(&fork, 0);
	hear(&fork, 1);
	hear(&fork, 3); /* of a forked feed only what follows is kept; this one conflicts */
	hear(&fork, 2);
	shelf_close(&fork.shelf);
	exec(&fork, "DELETE FROM branch WHERE sequence = 4");
	char *before = shelf_dump(&fork.shelf, "SELECT * FROM messages ORDER BY message");
	assert_int_equal(choose(&fork, FORK_ADOPT, &done), ERR_REFUSED);
	assert_non_null(strstr(done.why, "message 4 of it is missing"));
	expect(&fork, "SELECT * FROM messages ORDER BY message", before);
	expect(&fork, "SELECT count(*) FROM drafts", "0|");
	free(before);
	shelf_open(&fork.shelf);
	assert_int_equal(report_of(&fork).state, FENCE_FORKED);
	/* It comes, and all is well. */
	hear(&fork, 1);
	shelf_close(&fork.shelf);
	assert_int_equal(choose(&fork, FORK_ADOPT, &done), ERR_OK);
	shelf_open(&fork.shelf);
	expect_no_fault(&fork);
	fork_fini(&fork);
}

static void what_is_not_valid_or_not_forked_is_not_adopted(void **state)
{
	(void)state;
	struct fork fork;
	struct fork_done done;
	fork_init(&fork, 2);
	shelf_close(&fork.shelf);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(choose(&fork, (enum fork_choice)i, &done), ERR_REFUSED);
		assert_non_null(strstr(done.why, "not forked"));
	}
	shelf_open(&fork.shelf);
	assert_int_equal(report_of(&fork).state, FENCE_CLEAN);
	hear(&fork, 0);
	hear(&fork, 1);
	shelf_close(&fork.shelf);
	exec(&fork,
		"UPDATE branch SET body = CAST(replace(CAST(body AS TEXT), 'there', 'where') AS "
		"BLOB) WHERE sequence = 4");
	assert_int_equal(choose(&fork, FORK_ADOPT, &done), ERR_REFUSED);
	shelf_open(&fork.shelf);
	assert_int_equal(report_of(&fork).state, FENCE_FORKED);
	fork_fini(&fork);
}

/* What was signed last and is not known to be stored: an open intent of the fence. */

static const char intent_words[] = "signed, and then the power went";

/* Number six of this side is signed and in the fence, not in the database; the shelf is closed. */
static struct message_id leave_intent(struct fork *fork)
{
	struct author self;
	struct chain_head head = {0};
	char path[128];
	struct fence *fence = NULL;
	assert_int_equal(
		reader_feed(fork->shelf.reader, &fork->shelf.self.id, 5, 1, take_head, &head),
		ERR_OK);
	author_twin(&self, 0, &head);
	self.now_ms = 1800000200000;
	struct message *message = author_post(&self, intent_words);
	shelf_close(&fork->shelf);
	(void)snprintf(path, sizeof(path), "%s/fence", fork->shelf.dir);
	assert_int_equal(fence_open(path, &fence), ERR_OK);
	struct fence_facts facts = *fence_facts(fence);
	assert_int_equal(facts.sequence, 5);
	facts.intent_sequence = message->sequence;
	facts.intent_key = message->key;
	facts.intent_received_ms = 1800000200000;
	assert_int_equal(fence_write(fence, &facts, message->compact), ERR_OK);
	fence_close(fence);
	struct message_id key = message->key;
	assert_int_equal(message->sequence, 6);
	message_free(message);
	author_fini(&self);
	return key;
}

static uint64_t intent_of(const struct fork *fork)
{
	char path[128];
	struct fence *fence = NULL;
	(void)snprintf(path, sizeof(path), "%s/fence", fork->shelf.dir);
	assert_int_equal(fence_open(path, &fence), ERR_OK);
	uint64_t sequence = fence_facts(fence)->intent_sequence;
	fence_close(fence);
	return sequence;
}

static size_t count_of(const char *text, const char *part)
{
	size_t count = 0;
	for (const char *at = text; (at = strstr(at, part)) != NULL; at += strlen(part)) {
		count++;
	}
	return count;
}

static void expect_intent_as_one_draft(const struct fork *fork)
{
	char *text = shelf_dump(&fork->shelf, wishes);
	assert_int_equal(count_of(text, intent_words), 1);
	free(text);
}

/* The other side is as long as ours with it, or shorter: never is it put behind another history. */
static void what_was_signed_last_is_a_draft_when_the_other_side_is_adopted(void **state)
{
	(void)state;
	for (int count = 3; count <= 5; count++) {
		struct fork fork;
		struct fork_done done;
		uint64_t last = 2 + (uint64_t)count;
		fork_init(&fork, count);
		for (int i = 0; i < count; i++) {
			hear(&fork, i);
		}
		(void)leave_intent(&fork);
		assert_int_equal(choose(&fork, FORK_ADOPT, &done), ERR_OK);
		assert_int_equal(done.head, last);
		assert_int_equal(done.given_up, 4);
		assert_int_equal(done.drafts, 4);
		assert_int_equal(intent_of(&fork), 0);
		expect(&fork, given_up, "3|1|4|1|5|1|6|1|");
		expect_ours_as_drafts(&fork);
		expect_intent_as_one_draft(&fork);
		shelf_open(&fork.shelf);
		assert_int_equal(report_of(&fork).state, FENCE_SUSPECT);
		assert_int_equal(report_of(&fork).sequence, last);
		assert_memory_equal(
			report_of(&fork).head.at, fork.theirs[count - 1]->key.at, ID_BYTES);
		expect_no_fault(&fork);
		fork_fini(&fork);
	}
}

static void what_was_signed_last_follows_the_side_that_is_kept(void **state)
{
	(void)state;
	struct fork fork;
	struct fork_done done;
	char why[256];
	fork_init(&fork, 2);
	hear(&fork, 0);
	hear(&fork, 1);
	struct message_id key = leave_intent(&fork);
	assert_int_equal(choose(&fork, FORK_KEEP, &done), ERR_OK);
	assert_int_equal(done.head, 5);
	assert_int_equal(done.given_up, 2);
	assert_int_equal(intent_of(&fork), 6);
	expect(&fork, given_up, "3|1|4|1|");
	/* The same bytes, at the next start. */
	shelf_open(&fork.shelf);
	assert_int_equal(report_of(&fork).state, FENCE_SUSPECT);
	assert_int_equal(report_of(&fork).sequence, 6);
	assert_memory_equal(report_of(&fork).head.at, key.at, ID_BYTES);
	expect_no_fault(&fork);
	assert_int_equal(writer_resume(fork.shelf.writer, 6, false, why, sizeof(why)), ERR_OK);
	assert_int_equal(
		shelf_publish(&fork.shelf, "{\"type\":\"post\",\"text\":\"on\"}").sequence, 7);
	fork_fini(&fork);
}

/* Deaths. */

/* True when it got through alive. */
static bool choose_and_die(struct fork *fork_of, enum fork_choice choice, int at)
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct store *store = NULL;
		struct fork_done done;
		char why[256];
		const struct store_opts opts = {.dir = fork_of->shelf.dir,
			.env = &fork_of->shelf.env,
			.self = fork_of->shelf.self.id};
		if (store_open(&opts, &store, why, sizeof(why)) != ERR_OK) {
			_exit(1);
		}
		death_at(db_handle(store->writer), SQLITE_TRACE_STMT, at);
		_exit(fork_choose(store, NULL, choice, &done) == ERR_OK ? 0 : 1);
	}
	return death_missed(pid);
}

static const char feed_rows[] = "SELECT sequence, key_head, hex(body) FROM messages WHERE feed = 1 "
				"ORDER BY sequence";
static const char branch_rows[] = "SELECT sequence, hex(key), is_settled FROM branch ORDER BY "
				  "sequence, key";

/* Dies at every statement in turn. What the next start finds is all as before, or all as after; a
 * second try then does it. */
static void die_everywhere(enum fork_choice choice)
{
	bool is_through = false;
	unsigned before = 0;
	unsigned after = 0;
	for (int at = 1; !is_through; at++) {
		struct fork fork;
		struct fork_done done;
		fork_init(&fork, 4);
		for (int i = 0; i < 4; i++) {
			hear(&fork, i);
		}
		shelf_close(&fork.shelf);
		char *feed = shelf_dump(&fork.shelf, feed_rows);
		char *branch = shelf_dump(&fork.shelf, branch_rows);
		is_through = choose_and_die(&fork, choice, at);
		shelf_open(&fork.shelf);
		enum fence_state now = report_of(&fork).state;
		if (now == FENCE_FORKED) {
			before++;
			assert_false(is_through);
			assert_int_equal(report_of(&fork).fork_sequence, 3);
			expect(&fork, feed_rows, feed);
			expect(&fork, branch_rows, branch);
			expect(&fork, wishes, "");
			shelf_close(&fork.shelf);
			assert_int_equal(choose(&fork, choice, &done), ERR_OK);
			shelf_open(&fork.shelf);
		} else {
			after++;
		}
		assert_int_equal(report_of(&fork).state, FENCE_SUSPECT);
		assert_int_equal(report_of(&fork).sequence, choice == FORK_ADOPT ? 6 : 5);
		expect(&fork, "SELECT count(*) FROM drafts", choice == FORK_ADOPT ? "3|" : "4|");
		expect(&fork, given_up, choice == FORK_ADOPT ? "3|1|4|1|5|1|" : "3|1|4|1|5|1|6|1|");
		expect_no_fault(&fork);
		free(feed);
		free(branch);
		fork_fini(&fork);
	}
	assert_true(before > 20); /* it did die at many places */
	assert_true(after > 0);
}

static void a_kill_while_adopting_leaves_all_as_before_or_as_after(void **state)
{
	(void)state;
	die_everywhere(FORK_ADOPT);
}

static void a_kill_while_keeping_leaves_all_as_before_or_as_after(void **state)
{
	(void)state;
	die_everywhere(FORK_KEEP);
}

/* Wherever it dies: the words of what was signed last are a draft, once. */
static void a_kill_while_adopting_does_not_lose_what_was_signed_last(void **state)
{
	(void)state;
	bool is_through = false;
	unsigned before = 0;
	for (int at = 1; !is_through; at++) {
		struct fork fork;
		struct fork_done done;
		fork_init(&fork, 4);
		for (int i = 0; i < 4; i++) {
			hear(&fork, i);
		}
		(void)leave_intent(&fork);
		is_through = choose_and_die(&fork, FORK_ADOPT, at);
		shelf_open(&fork.shelf);
		if (report_of(&fork).state == FENCE_FORKED) {
			before++;
			assert_false(is_through);
			shelf_close(&fork.shelf);
			assert_int_equal(choose(&fork, FORK_ADOPT, &done), ERR_OK);
			shelf_open(&fork.shelf);
		}
		assert_int_equal(report_of(&fork).state, FENCE_SUSPECT);
		assert_int_equal(report_of(&fork).sequence, 6);
		assert_memory_equal(report_of(&fork).head.at, fork.theirs[3]->key.at, ID_BYTES);
		expect(&fork, "SELECT count(*) FROM drafts", "4|");
		expect(&fork, given_up, "3|1|4|1|5|1|6|1|");
		expect_intent_as_one_draft(&fork);
		expect_no_fault(&fork);
		fork_fini(&fork);
	}
	assert_true(before > 20); /* it did die at many places */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_sides_are_told_from_where_they_part),
		cmocka_unit_test(the_other_side_takes_the_place_of_ours_and_nothing_is_lost),
		cmocka_unit_test(a_side_that_was_given_up_alarms_nobody_again),
		cmocka_unit_test(a_side_with_a_gap_is_not_adopted),
		cmocka_unit_test(what_is_not_valid_or_not_forked_is_not_adopted),
		cmocka_unit_test(what_was_signed_last_is_a_draft_when_the_other_side_is_adopted),
		cmocka_unit_test(what_was_signed_last_follows_the_side_that_is_kept),
		cmocka_unit_test(a_kill_while_adopting_leaves_all_as_before_or_as_after),
		cmocka_unit_test(a_kill_while_keeping_leaves_all_as_before_or_as_after),
		cmocka_unit_test(a_kill_while_adopting_does_not_lose_what_was_signed_last),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
