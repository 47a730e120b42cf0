/* store/stray, store/thread_gap: what came alone is shown in its conversation and nowhere else, and
 * gives way; why something is missing. */
#include "lib/cmocka.h"
#include "lib/shelf.h"

#include "store/people.h"
#include "store/stray.h"

#include <stdio.h>
#include <string.h>

static void give(struct shelf *shelf, const struct message *message)
{
	const struct change change = {
		.kind = CHANGE_STRAY, .key = message->key, .text = message->compact};
	assert_int_equal(writer_change_wait(shelf->writer, &change), ERR_OK);
}

static bool is_held(struct shelf *shelf, const struct message *message)
{
	struct stored stored;
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	enum err err = reader_stray_message(shelf->reader, &message->key, &text, &stored);
	assert_true(err == ERR_OK || err == ERR_NOT_FOUND);
	if (err == ERR_OK) {
		assert_true(span_equal(stored.compact, message->compact));
	}
	buf_fini(&text);
	return err == ERR_OK;
}

static uint64_t forks(struct shelf *shelf)
{
	struct store_figures figures;
	assert_int_equal(reader_figures(shelf->reader, &figures), ERR_OK);
	return figures.forks;
}

/* A post of ours, Ada's answer (her second message) and Ben's answer to that, of which only ours
 * and Ben's are here. */
struct rig {
	struct shelf *shelf;
	struct author ada, ben;
	struct message_id root;
	struct message *first, *answer, *third;
	struct message_id last;
};

static void rig_init(struct rig *rig, struct shelf *shelf, const char *mentions)
{
	char root[MESSAGE_ID_TEXT_BYTES];
	char branch[MESSAGE_ID_TEXT_BYTES];
	rig->shelf = shelf;
	author_init(&rig->ada, 1);
	author_init(&rig->ben, 2);
	rig->root = shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"root\"}").key;
	rig->first = author_post(&rig->ada, "before");
	rig->answer = author_reply(&rig->ada, "from Ada", &rig->root, &rig->root);
	rig->third = author_post(&rig->ada, "after");
	message_id_format(&rig->root, root);
	message_id_format(&rig->answer->key, branch);
	struct message *last = author_say(&rig->ben,
		"{\"type\":\"post\",\"text\":\"to Ada\",\"root\":\"%s\",\"branch\":[\"%s\"],"
		"\"mentions\":[%s]}",
		root, branch, mentions);
	rig->last = last->key;
	assert_int_equal(shelf_append(shelf, last), APPEND_STORED);
}

static void rig_fini(struct rig *rig)
{
	message_free(rig->first);
	message_free(rig->answer);
	message_free(rig->third);
	author_fini(&rig->ada);
	author_fini(&rig->ben);
}

static void take_chain(struct rig *rig, const struct message *message, enum append_result result)
{
	struct message *copy = NULL;
	const char *why = NULL;
	assert_int_equal(message_reread(message->compact, &copy, &why), ERR_OK);
	assert_int_equal(shelf_append(rig->shelf, copy), result);
}

/* The conversation has three places; the second is Ada's. */
static void expect_place(struct rig *rig, bool is_missing, bool is_ahead, enum gap_why why)
{
	struct posts posts;
	struct thread_facts facts;
	assert_int_equal(shelf_thread(rig->shelf, &rig->root, &facts, &posts), ERR_OK);
	assert_int_equal(posts.count, 3);
	assert_true(message_id_equal(&posts.at[1].key, &rig->answer->key));
	assert_int_equal(posts.at[1].is_missing, is_missing);
	assert_int_equal(posts.at[1].is_ahead, is_ahead);
	assert_int_equal(posts.at[1].gap, why);
	assert_int_equal(facts.total, 3);
	assert_int_equal(facts.here, is_missing ? 2 : 3);
	posts_free(&posts);
}

static void what_came_alone_is_in_its_conversation_and_nowhere_else(void **state)
{
	struct shelf *shelf = *state;
	struct rig rig;
	struct posts posts;
	struct chain_head head = {0};
	struct store_figures before;
	struct store_figures after;
	rig_init(&rig, shelf, "");
	expect_place(&rig, true, false, GAP_UNKNOWN);
	assert_int_equal(reader_figures(shelf->reader, &before), ERR_OK);
	shelf->ahead = 0;
	give(shelf, rig.answer);
	expect_place(&rig, false, true, GAP_UNKNOWN);
	assert_int_equal(shelf->ahead, 1); /* open pages are told */
	assert_true(message_id_equal(&shelf->last_ahead.root, &rig.root));
	assert_int_equal(reader_figures(shelf->reader, &after), ERR_OK);
	assert_int_equal(after.messages, before.messages);
	assert_int_equal(after.posts, before.posts);
	assert_int_equal(after.feeds, before.feeds);
	const struct timeline_query wide = {.kind = TIMELINE_WIDE, .limit = 100};
	assert_int_equal(timeline_page(shelf->reader, &wide, &posts), ERR_OK);
	assert_int_equal(posts.count, 2);
	posts_free(&posts);
	assert_int_equal(reader_head(shelf->reader, &rig.ada.id, &head), ERR_NOT_FOUND);
	/* Asked for by itself it opens its conversation. */
	struct thread_facts facts;
	assert_int_equal(shelf_thread(shelf, &rig.answer->key, &facts, &posts), ERR_OK);
	assert_true(message_id_equal(&facts.root, &rig.root));
	posts_free(&posts);
	give(shelf, rig.answer); /* again: nothing changes */
	expect_place(&rig, false, true, GAP_UNKNOWN);
	rig_fini(&rig);
}

static void it_gives_way_when_the_chain_brings_it(void **state)
{
	struct shelf *shelf = *state;
	struct rig rig;
	rig_init(&rig, shelf, "");
	give(shelf, rig.answer);
	take_chain(&rig, rig.first, APPEND_STORED);
	assert_true(is_held(shelf, rig.answer));
	take_chain(&rig, rig.answer, APPEND_STORED);
	assert_false(is_held(shelf, rig.answer));
	expect_place(&rig, false, false, GAP_UNKNOWN);
	take_chain(&rig, rig.third, APPEND_STORED);
	/* Known: not held beside its history. */
	give(shelf, rig.answer);
	assert_false(is_held(shelf, rig.answer));
	assert_int_equal(forks(shelf), 0);
	rig_fini(&rig);
}

static void it_proves_a_fork_when_the_chain_brings_another(void **state)
{
	struct shelf *shelf = *state;
	struct rig rig;
	struct author twin;
	struct chain_head head;
	rig_init(&rig, shelf, "");
	head = (struct chain_head){
		.sequence = 1, .key = rig.first->key, .timestamp = rig.first->timestamp};
	author_twin(&twin, 1, &head);
	struct message *other = author_post(&twin, "another second");
	give(shelf, rig.answer);
	take_chain(&rig, rig.first, APPEND_STORED);
	shelf->is_ahead_gone = false;
	take_chain(&rig, other, APPEND_STORED);
	assert_int_equal(forks(shelf), 1);
	assert_false(is_held(shelf, rig.answer));
	assert_true(shelf->is_ahead_gone);
	expect_place(&rig, true, false, GAP_UNKNOWN);
	/* … and of somebody with two histories nothing is held alone. */
	give(shelf, rig.third);
	assert_false(is_held(shelf, rig.third));
	message_free(other);
	author_fini(&twin);
	rig_fini(&rig);
}

static void one_that_contradicts_what_is_stored_is_the_proof(void **state)
{
	struct shelf *shelf = *state;
	struct rig rig;
	struct author twin;
	struct chain_head head;
	rig_init(&rig, shelf, "");
	head = (struct chain_head){
		.sequence = 1, .key = rig.first->key, .timestamp = rig.first->timestamp};
	author_twin(&twin, 1, &head);
	struct message *other = author_post(&twin, "another second");
	take_chain(&rig, rig.first, APPEND_STORED);
	take_chain(&rig, rig.answer, APPEND_STORED);
	give(shelf, other);
	assert_false(is_held(shelf, other));
	assert_int_equal(forks(shelf), 1);
	message_free(other);
	author_fini(&twin);
	rig_fini(&rig);
}

static void of_two_with_one_number_neither_is_shown(void **state)
{
	struct shelf *shelf = *state;
	struct rig rig;
	struct author twin;
	struct chain_head head;
	rig_init(&rig, shelf, "");
	head = (struct chain_head){
		.sequence = 1, .key = rig.first->key, .timestamp = rig.first->timestamp};
	author_twin(&twin, 1, &head);
	struct message *other = author_post(&twin, "another second");
	give(shelf, rig.answer);
	give(shelf, other);
	assert_false(is_held(shelf, rig.answer));
	assert_false(is_held(shelf, other));
	expect_place(&rig, true, false, GAP_UNKNOWN);
	message_free(other);
	author_fini(&twin);
	rig_fini(&rig);
}

static void it_is_taken_back_when_its_author_is_blocked(void **state)
{
	struct shelf *shelf = *state;
	struct rig rig;
	rig_init(&rig, shelf, "");
	give(shelf, rig.answer);
	(void)shelf_contact(shelf, &rig.ada.id, EDGE_BLOCK);
	assert_false(is_held(shelf, rig.answer));
	expect_place(&rig, true, false, GAP_UNKNOWN);
	give(shelf, rig.answer);
	assert_false(is_held(shelf, rig.answer));
	rig_fini(&rig);
}

static void another_id_than_the_texts_holds_nothing(void **state)
{
	struct shelf *shelf = *state;
	struct rig rig;
	rig_init(&rig, shelf, "");
	struct change change = {
		.kind = CHANGE_STRAY, .key = rig.first->key, .text = rig.answer->compact};
	assert_int_equal(writer_change_wait(shelf->writer, &change), ERR_OK);
	assert_false(is_held(shelf, rig.answer));
	change.text = span_text("{}");
	assert_int_equal(writer_change_wait(shelf->writer, &change), ERR_OK);
	static uint8_t much[LIMIT_MESSAGE_BYTES + 1];
	change.text = span_of(much, sizeof(much));
	assert_int_equal(writer_change_wait(shelf->writer, &change), ERR_LIMIT);
	rig_fini(&rig);
}

static void one_of_our_own_that_we_do_not_have_pauses_publishing(void **state)
{
	struct shelf *shelf = *state;
	struct author self;
	struct guard_report report;
	(void)shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"mine\"}");
	author_init(&self, 0);
	struct message *other = author_post(&self, "signed elsewhere");
	give(shelf, other);
	assert_false(is_held(shelf, other));
	writer_guard(shelf->writer, &report);
	assert_int_equal(report.state, FENCE_FORKED);
	message_free(other);
	author_fini(&self);
}

static void ten_thousand_are_held_and_the_oldest_give_way(void **state)
{
	struct shelf *shelf = *state;
	struct author ada;
	struct message *first[3];
	author_init(&ada, 1);
	message_free(author_post(&ada, "never here"));
	for (int i = 0; i < LIMIT_STRAYS + 2; i++) {
		struct message *message = author_post(&ada, "x");
		const struct change change = {
			.kind = CHANGE_STRAY, .key = message->key, .text = message->compact};
		while (writer_change(shelf->writer, &change) == ERR_BUSY) {
		}
		if (i == LIMIT_STRAYS - 1) {
			give(shelf, message);
			assert_true(is_held(shelf, first[0]));
		}
		if (i < 3) {
			first[i] = message;
		} else {
			message_free(message);
		}
	}
	give(shelf, first[2]); /* waits for all of them */
	assert_false(is_held(shelf, first[0]));
	assert_false(is_held(shelf, first[1]));
	assert_true(is_held(shelf, first[2]));
	for (int i = 0; i < 3; i++) {
		message_free(first[i]);
	}
	author_fini(&ada);
}

/* Why. */

static void mention(char out[static 128], const struct author *author)
{
	(void)snprintf(out, 128, "{\"link\":\"%s\"}", author->text);
}

static void who_is_mentioned_and_out_of_reach_is_too_far(void **state)
{
	struct rig rig;
	struct author ada;
	char ada_mention[128];
	struct posts posts;
	struct thread_facts facts;
	author_init(&ada, 1);
	mention(ada_mention, &ada);
	rig_init(&rig, *state, ada_mention);
	expect_place(&rig, true, false, GAP_TOO_FAR);
	assert_int_equal(shelf_thread(rig.shelf, &rig.last, &facts, &posts), ERR_OK);
	assert_true(posts.at[1].has_author && feed_id_equal(&posts.at[1].author, &ada.id));
	posts_free(&posts);
	(void)shelf_contact(rig.shelf, &ada.id, EDGE_FOLLOW);
	expect_place(&rig, true, false, GAP_ARRIVING);
	(void)shelf_contact(rig.shelf, &ada.id, EDGE_BLOCK);
	expect_place(&rig, true, false, GAP_BLOCKED);
	author_fini(&ada);
	rig_fini(&rig);
}

static void whose_history_is_all_here_cannot_have_written_it(void **state)
{
	struct shelf *shelf = *state;
	struct rig rig;
	struct author cleo;
	char cleo_mention[128];
	author_init(&cleo, 5);
	(void)shelf_contact(shelf, &cleo.id, EDGE_FOLLOW);
	assert_int_equal(shelf_append(shelf, author_post(&cleo, "all of me")), APPEND_STORED);
	mention(cleo_mention, &cleo);
	rig_init(&rig, shelf, cleo_mention);
	expect_place(&rig, true, false, GAP_UNKNOWN);
	author_fini(&cleo);
	rig_fini(&rig);
}

static void what_is_held_and_not_shown_says_so(void **state)
{
	struct shelf *shelf = *state;
	struct rig rig;
	rig_init(&rig, shelf, "");
	take_chain(&rig, rig.first, APPEND_STORED);
	take_chain(&rig, rig.answer, APPEND_STORED);
	expect_place(&rig, false, false, GAP_UNKNOWN);
	struct change mute = {.kind = CHANGE_MUTE, .feed = rig.ada.id, .number = 1};
	assert_int_equal(writer_change_wait(shelf->writer, &mute), ERR_OK);
	expect_place(&rig, true, false, GAP_MUTED);
	mute.number = 0;
	assert_int_equal(writer_change_wait(shelf->writer, &mute), ERR_OK);
	(void)shelf_contact(shelf, &rig.ada.id, EDGE_BLOCK);
	expect_place(&rig, true, false, GAP_BLOCKED);
	rig_fini(&rig);
}

static void the_beginning_of_a_conversation_of_its_own_that_is_not_here_is_a_gap(void **state)
{
	struct shelf *shelf = *state;
	struct author ben;
	struct posts posts;
	struct thread_facts facts;
	char root[MESSAGE_ID_TEXT_BYTES];
	char missing[MESSAGE_ID_TEXT_BYTES];
	const struct message_id none = {{7}};
	author_init(&ben, 2);
	struct message_id root_key = shelf_publish(shelf, "{\"type\":\"post\",\"text\":\"r\"}").key;
	message_id_format(&root_key, root);
	message_id_format(&none, missing);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(shelf_append(shelf,
					 author_say(&ben,
						 "{\"type\":\"post\",\"text\":\"aside\",\"root\":"
						 "\"%s\",\"fork\":\"%s\",\"branch\":[\"%s\"]}",
						 missing, root, missing)),
			APPEND_STORED);
	}
	assert_int_equal(shelf_thread(shelf, &root_key, &facts, &posts), ERR_OK);
	assert_int_equal(posts.count, 2);
	assert_true(posts.at[1].is_missing && message_id_equal(&posts.at[1].key, &none));
	assert_int_equal(posts.at[1].replies, 2);
	posts_free(&posts);
	author_fini(&ben);
}

int main(void)
{
#define ON_SHELF(test) cmocka_unit_test_setup_teardown(test, shelf_set_up, shelf_tear_down)
	const struct CMUnitTest tests[] = {
		ON_SHELF(what_came_alone_is_in_its_conversation_and_nowhere_else),
		ON_SHELF(it_gives_way_when_the_chain_brings_it),
		ON_SHELF(it_proves_a_fork_when_the_chain_brings_another),
		ON_SHELF(one_that_contradicts_what_is_stored_is_the_proof),
		ON_SHELF(of_two_with_one_number_neither_is_shown),
		ON_SHELF(it_is_taken_back_when_its_author_is_blocked),
		ON_SHELF(another_id_than_the_texts_holds_nothing),
		ON_SHELF(one_of_our_own_that_we_do_not_have_pauses_publishing),
		ON_SHELF(ten_thousand_are_held_and_the_oldest_give_way),
		ON_SHELF(who_is_mentioned_and_out_of_reach_is_too_far),
		ON_SHELF(whose_history_is_all_here_cannot_have_written_it),
		ON_SHELF(what_is_held_and_not_shown_says_so),
		ON_SHELF(the_beginning_of_a_conversation_of_its_own_that_is_not_here_is_a_gap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
