/* sync/missing: single messages, asked and given, and every way to lie about them. */
#include "lib/cmocka.h"
#include "lib/script.h"

#include "store/stray.h"
#include "store/timeline.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { STORED = 24 };

/* A question of the owner, asked on a thread of its own: the test's turns the peer. */
struct question {
	struct sync *sync;
	struct message_id ids[LIMIT_MISSING_ASKED + 1];
	size_t count;
	struct sync_missing answer;
	enum err err;
	pthread_t thread;
	atomic_bool is_done;
};

struct stage {
	struct node node;
	struct script peer;
	struct author author;
	struct message *messages[STORED];
	struct question question;
};

static int set_up(void **state)
{
	struct stage *stage = calloc(1, sizeof(*stage));
	assert_non_null(stage);
	node_init(&stage->node, 0);
	script_init(&stage->peer, 1);
	author_init(&stage->author, 2);
	for (int i = 0; i < STORED; i++) {
		stage->messages[i] = author_say(
			&stage->author, "{\"type\":\"post\",\"text\":\"Answer %d\"}", i + 1);
	}
	*state = stage;
	return 0;
}

static int tear_down(void **state)
{
	struct stage *stage = *state;
	script_fini(&stage->peer);
	node_fini(&stage->node);
	for (size_t i = 0; i < STORED; i++) {
		message_free(stage->messages[i]);
	}
	author_fini(&stage->author);
	free(stage);
	return 0;
}

/* What we give. */

static void store(struct stage *stage)
{
	struct message *copies[STORED];
	const char *why = NULL;
	for (size_t i = 0; i < STORED; i++) {
		assert_int_equal(
			message_verify(stage->messages[i]->compact, NULL, &copies[i], &why),
			ERR_OK);
	}
	node_append(&stage->node, copies, STORED);
}

/* `count` ids, from the first message on and around. */
static struct script_call *open_for(struct stage *stage, size_t count)
{
	struct buf args = BUF_INIT(1 << 20);
	assert_int_equal(buf_append_text(&args, "[{\"version\":1,\"ids\":["), ERR_OK);
	for (size_t i = 0; i < count; i++) {
		char id[MESSAGE_ID_TEXT_BYTES];
		message_id_format(&stage->messages[i % STORED]->key, id);
		assert_int_equal(buf_printf(&args, "%s\"%s\"", i == 0 ? "" : ",", id), ERR_OK);
	}
	assert_int_equal(buf_append_text(&args, "]}]"), ERR_OK);
	struct script_call *call =
		script_open(&stage->peer, "kith.message", RPC_SOURCE, buf_cstr(&args));
	buf_fini(&args);
	return call;
}

static struct script_call *ask_for(struct stage *stage, size_t count)
{
	struct script_call *call = open_for(stage, count);
	SCRIPT_UNTIL(&stage->peer, call->is_ended);
	return call;
}

static struct script_call *ask_text(struct stage *stage, const char *args)
{
	struct script_call *call = script_open(&stage->peer, "kith.message", RPC_SOURCE, args);
	SCRIPT_UNTIL(&stage->peer, call->is_ended);
	return call;
}

static void follow_and_store(struct stage *stage)
{
	node_contact(&stage->node, &stage->author.id, EDGE_FOLLOW);
	store(stage);
	script_dial(&stage->peer, &stage->node);
	WAIT_UNTIL(ask_for(stage, 1)->items == 1);
}

static void gives_what_it_holds_as_it_was_signed_in_the_order_asked(void **state)
{
	struct stage *stage = *state;
	struct buf expected = BUF_INIT(1 << 20);
	follow_and_store(stage);
	struct script_call *call = ask_for(stage, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(buf_append(&expected, stage->messages[i]->compact), ERR_OK);
		assert_int_equal(buf_append_byte(&expected, '\n'), ERR_OK);
	}
	assert_false(call->has_error);
	assert_true(span_equal(buf_span(&call->text), buf_span(&expected)));
	buf_fini(&expected);
}

static void expect_nothing(struct stage *stage)
{
	struct script_call *call = ask_for(stage, 2);
	assert_false(call->has_error);
	assert_int_equal(call->items, 0);
}

static void gives_nothing_of_whom_it_does_not_replicate(void **state)
{
	struct stage *stage = *state;
	script_dial(&stage->peer, &stage->node);
	expect_nothing(stage);
	store(stage);
	expect_nothing(stage);
}

static void gives_nothing_to_whom_the_author_blocks(void **state)
{
	struct stage *stage = *state;
	follow_and_store(stage);
	struct message *block = author_contact(&stage->author, &stage->peer.self.id, EDGE_BLOCK);
	node_append(&stage->node, &block, 1);
	WAIT_UNTIL(ask_for(stage, 1)->items == 0);
	expect_nothing(stage);
}

static void gives_nothing_of_whom_we_block(void **state)
{
	struct stage *stage = *state;
	follow_and_store(stage);
	node_contact(&stage->node, &stage->author.id, EDGE_BLOCK);
	WAIT_UNTIL(ask_for(stage, 1)->items == 0);
	expect_nothing(stage);
}

static void takes_20_ids_in_a_call_and_refuses_more(void **state)
{
	struct stage *stage = *state;
	static const size_t above[] = {LIMIT_MISSING_ASKED + 1, 1000};
	follow_and_store(stage);
	struct script_call *call = ask_for(stage, LIMIT_MISSING_ASKED);
	assert_false(call->has_error);
	assert_int_equal(call->items, LIMIT_MISSING_ASKED);
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(ask_for(stage, above[i])->error,
			"kith.message: too many messages in one call");
	}
	/* A thousand times as many do not fit into a body (LIMIT_RPC_JSON_BYTES). */
	assert_false(stage->peer.is_closed);
}

static void refuses_what_is_no_question_and_stays(void **state)
{
	static const char *const versions[] = {"[]", "[7]", "[null]", "[{\"ids\":[]}]",
		"[{\"version\":2,\"ids\":[]}]", "[{\"version\":\"1\",\"ids\":[]}]"};
	static const char *const wrong[] = {"[{\"version\":1}]", "[{\"version\":1,\"ids\":{}}]",
		"[{\"version\":1,\"ids\":\"x\"}]", "[{\"version\":1,\"ids\":[7]}]",
		"[{\"version\":1,\"ids\":[\"%x.sha256\"]}]", "[{\"version\":1,\"ids\":[[]]}]"};
	struct stage *stage = *state;
	script_dial(&stage->peer, &stage->node);
	for (size_t i = 0; i < 6; i++) {
		assert_string_equal(ask_text(stage, versions[i])->error,
			"kith.message: versions spoken here: 1");
		assert_string_equal(ask_text(stage, wrong[i])->error,
			"kith.message: what is asked for is not understood");
	}
	struct script_call *nothing = ask_text(stage, "[{\"version\":1,\"ids\":[]}]");
	assert_false(nothing->has_error);
	assert_int_equal(nothing->items, 0);
	assert_false(stage->peer.is_closed);
}

static void takes_60_calls_a_minute_and_hangs_up_on_a_flood(void **state)
{
	struct stage *stage = *state;
	script_dial(&stage->peer, &stage->node);
	for (int i = 0; i < LIMIT_MISSING_PER_MINUTE; i++) {
		assert_false(ask_for(stage, 1)->has_error);
	}
	for (int i = 0; i < LIMIT_RPC_ERRORS_PER_MINUTE; i++) {
		assert_string_equal(
			ask_for(stage, 1)->error, "kith.message: too many calls in a minute");
	}
	assert_true(ask_for(stage, 1)->has_error);
	SCRIPT_UNTIL(&stage->peer, stage->peer.is_closed);
}

static void answers_two_calls_at_once(void **state)
{
	struct stage *stage = *state;
	struct script_call *calls[LIMIT_MISSING_CALLS + 1];
	follow_and_store(stage);
	for (int i = 0; i <= LIMIT_MISSING_CALLS; i++) {
		calls[i] = open_for(stage, LIMIT_MISSING_ASKED);
	}
	for (int i = 0; i <= LIMIT_MISSING_CALLS; i++) {
		SCRIPT_UNTIL(&stage->peer, calls[i]->is_ended);
		assert_int_equal(calls[i]->has_error, i == LIMIT_MISSING_CALLS);
	}
	assert_string_equal(
		calls[LIMIT_MISSING_CALLS]->error, "kith.message: too many calls at once");
	assert_false(ask_for(stage, 1)->has_error);
}

/* What we ask. */

static void *ask_main(void *ctx)
{
	struct question *question = ctx;
	question->err =
		sync_missing(question->sync, question->ids, question->count, &question->answer);
	atomic_store(&question->is_done, true);
	return NULL;
}

/* The owner wants messages 1 … count; the peer's end of the call. */
static struct script_call *want(struct stage *stage, size_t count)
{
	struct question *question = &stage->question;
	static size_t calls;
	calls = stage->peer.call_count;
	question->sync = stage->node.sync;
	question->count = count;
	atomic_store(&question->is_done, false);
	for (size_t i = 0; i < count; i++) {
		question->ids[i] = stage->messages[i]->key;
	}
	assert_int_equal(pthread_create(&question->thread, NULL, ask_main, question), 0);
	for (;;) {
		SCRIPT_UNTIL(&stage->peer, stage->peer.call_count > calls);
		struct script_call *call = stage->peer.calls[calls++];
		if (strcmp(call->name, "kith.message") == 0) {
			return call;
		}
	}
}

static struct sync_missing answered(struct stage *stage)
{
	SCRIPT_UNTIL(&stage->peer, atomic_load(&stage->question.is_done));
	assert_int_equal(pthread_join(stage->question.thread, NULL), 0);
	assert_int_equal(stage->question.err, ERR_OK);
	return stage->question.answer;
}

static void end_call(struct script_call *call)
{
	if (call->call != NULL) {
		rpc_end(call->call);
	}
}

static bool is_held(struct stage *stage, size_t number)
{
	struct stored stored;
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	enum err err = reader_stray_message(
		stage->node.reader, &stage->messages[number - 1]->key, &text, &stored);
	assert_true(err == ERR_OK || err == ERR_NOT_FOUND);
	buf_fini(&text);
	return err == ERR_OK;
}

static void what_comes_is_held_for_its_conversation_and_given_to_nobody(void **state)
{
	struct stage *stage = *state;
	char expected[256];
	char ids[2][MESSAGE_ID_TEXT_BYTES];
	script_dial(&stage->peer, &stage->node);
	struct script_call *call = want(stage, 2);
	message_id_format(&stage->messages[0]->key, ids[0]);
	message_id_format(&stage->messages[1]->key, ids[1]);
	(void)snprintf(expected, sizeof(expected), "[{\"version\":1,\"ids\":[\"%s\",\"%s\"]}]",
		ids[0], ids[1]);
	assert_string_equal(call->args, expected);
	script_send_span(call, stage->messages[1]->compact);
	end_call(call);
	struct sync_missing answer = answered(stage);
	assert_int_equal(answer.asked, 1);
	assert_int_equal(answer.found, 1);
	assert_int_equal(answer.cannot + answer.silent + answer.blocked, 0);
	assert_false(is_held(stage, 1));
	assert_true(is_held(stage, 2));
	assert_int_equal(node_head(&stage->node, &stage->author.id), 0);
	node_contact(&stage->node, &stage->author.id, EDGE_FOLLOW);
	script_linger(&stage->peer, 50);
	expect_nothing(stage);
}

static void asks_for_20_and_never_for_more(void **state)
{
	struct stage *stage = *state;
	struct sync_missing answer;
	struct message_id ids[LIMIT_MISSING_ASKED + 1] = {{{0}}};
	script_dial(&stage->peer, &stage->node);
	struct script_call *call = want(stage, LIMIT_MISSING_ASKED);
	for (size_t i = 0; i < LIMIT_MISSING_ASKED; i++) {
		script_send_span(call, stage->messages[i]->compact);
	}
	assert_int_equal(answered(stage).found, LIMIT_MISSING_ASKED);
	assert_int_equal(
		sync_missing(stage->node.sync, ids, LIMIT_MISSING_ASKED + 1, &answer), ERR_LIMIT);
	assert_int_equal(sync_missing(stage->node.sync, ids, 1000 * LIMIT_MISSING_ASKED, &answer),
		ERR_LIMIT);
	assert_int_equal(sync_missing(stage->node.sync, ids, 0, &answer), ERR_LIMIT);
}

static void nobody_connected_is_an_answer(void **state)
{
	struct stage *stage = *state;
	struct sync_missing answer = {.asked = 7};
	assert_int_equal(
		sync_missing(stage->node.sync, &stage->messages[0]->key, 1, &answer), ERR_OK);
	assert_int_equal(answer.asked, 0);
}

static void who_does_not_know_the_call_is_asked_once_in_a_connection(void **state)
{
	struct stage *stage = *state;
	script_dial(&stage->peer, &stage->node);
	struct script_call *call = want(stage, 1);
	rpc_refuse_not_allowed(call->call, "kith.message");
	struct sync_missing answer = answered(stage);
	assert_int_equal(answer.asked, 1);
	assert_int_equal(answer.cannot, 1);
	size_t calls = stage->peer.call_count;
	assert_int_equal(
		sync_missing(stage->node.sync, &stage->messages[0]->key, 1, &answer), ERR_OK);
	assert_int_equal(answer.cannot, 1);
	script_linger(&stage->peer, 50);
	assert_int_equal(stage->peer.call_count, calls);
	/* … but in the next. */
	script_close(&stage->peer);
	script_dial(&stage->peer, &stage->node);
	end_call(want(stage, 1));
	assert_int_equal(answered(stage).cannot, 0);
}

static void who_has_no_time_is_asked_again(void **state)
{
	struct stage *stage = *state;
	script_dial(&stage->peer, &stage->node);
	struct script_call *call = want(stage, 1);
	rpc_refuse(call->call, "kith.message: too many calls in a minute");
	struct sync_missing answer = answered(stage);
	assert_int_equal(answer.cannot, 0);
	assert_int_equal(answer.silent, 1);
	end_call(want(stage, 1));
	assert_int_equal(answered(stage).silent, 0);
}

static void who_leaves_meanwhile_did_not_answer(void **state)
{
	struct stage *stage = *state;
	script_dial(&stage->peer, &stage->node);
	(void)want(stage, 1);
	script_close(&stage->peer);
	assert_int_equal(answered(stage).silent, 1);
}

static void what_is_by_somebody_we_block_is_not_kept(void **state)
{
	struct stage *stage = *state;
	node_contact(&stage->node, &stage->author.id, EDGE_BLOCK);
	script_dial(&stage->peer, &stage->node);
	struct script_call *call = want(stage, 1);
	script_send_span(call, stage->messages[0]->compact);
	end_call(call);
	assert_int_equal(answered(stage).blocked, 1);
	assert_false(is_held(stage, 1));
}

/* The peer gives `text` for message 1. It is a lie: nothing is held, and it is not asked again. */
static void expect_lie(struct stage *stage, struct span text)
{
	script_dial(&stage->peer, &stage->node);
	struct script_call *call = want(stage, 1);
	script_send_span(call, text);
	end_call(call);
	struct sync_missing answer = answered(stage);
	assert_int_equal(answer.found, 0);
	assert_false(is_held(stage, 1));
	assert_int_equal(node_figures(&stage->node).refused, 1);
	assert_int_equal(
		sync_missing(stage->node.sync, &stage->messages[0]->key, 1, &answer), ERR_OK);
	assert_int_equal(answer.cannot, 1);
	assert_false(stage->peer.is_closed);
}

static void another_message_than_was_asked_for_is_a_lie(void **state)
{
	struct stage *stage = *state;
	expect_lie(stage, stage->messages[1]->compact);
}

static void another_authors_message_is_a_lie(void **state)
{
	struct author other;
	author_init(&other, 9);
	struct message *message = author_say(&other, "{\"type\":\"post\",\"text\":\"Answer 1\"}");
	expect_lie(*state, message->compact);
	message_free(message);
	author_fini(&other);
}

/* Replaces the first `from` in message 1 by `to`. */
static void expect_changed_lie(struct stage *stage, const char *from, const char *to)
{
	struct span text = stage->messages[0]->compact;
	struct buf changed = BUF_INIT(LIMIT_MESSAGE_BYTES);
	const uint8_t *at = memmem(text.at, text.len, from, strlen(from));
	assert_non_null(at);
	size_t before = (size_t)(at - text.at);
	assert_int_equal(buf_append(&changed, span_take(text, before)), ERR_OK);
	assert_int_equal(buf_append_text(&changed, to), ERR_OK);
	assert_int_equal(buf_append(&changed, span_skip(text, before + strlen(from))), ERR_OK);
	expect_lie(stage, buf_span(&changed));
	buf_fini(&changed);
}

static void a_wrong_hash_is_a_lie(void **state)
{
	expect_changed_lie(*state, "Answer 1", "Answer 7");
}

/* U+0141 has the low byte of "A": the id is the same, and only the signature is not. */
static void another_text_with_the_same_id_is_a_lie(void **state)
{
	struct stage *stage = *state;
	struct message *read = NULL;
	const char *why = NULL;
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	assert_int_equal(buf_append(&text, stage->messages[0]->compact), ERR_OK);
	uint8_t *at = memmem(text.at, text.len, "Answer 1", 8);
	assert_non_null(at);
	static const uint8_t low[] = {0xc5, 0x81};
	struct buf changed = BUF_INIT(LIMIT_MESSAGE_BYTES);
	size_t before = (size_t)(at - text.at);
	assert_int_equal(buf_append(&changed, span_of(text.at, before)), ERR_OK);
	assert_int_equal(buf_append(&changed, span_of(low, 2)), ERR_OK);
	assert_int_equal(buf_append(&changed, span_skip(buf_span(&text), before + 1)), ERR_OK);
	assert_int_equal(message_read(buf_span(&changed), &read, &why), ERR_OK);
	assert_true(message_id_equal(&read->key, &stage->messages[0]->key));
	message_free(read);
	expect_lie(stage, buf_span(&changed));
	buf_fini(&changed);
	buf_fini(&text);
}

static void a_broken_signature_is_a_lie(void **state)
{
	struct stage *stage = *state;
	const char *mark = "\"signature\":\"";
	struct span text = stage->messages[0]->compact;
	const uint8_t *at = memmem(text.at, text.len, mark, strlen(mark));
	assert_non_null(at);
	char from[32];
	char to[32];
	(void)snprintf(from, sizeof(from), "%s%c", mark, at[strlen(mark)]);
	(void)snprintf(to, sizeof(to), "%s%c", mark, at[strlen(mark)] == 'A' ? 'B' : 'A');
	expect_changed_lie(stage, from, to);
}

static void what_is_no_message_is_a_lie(void **state)
{
	expect_lie(*state, span_text("{\"hello\":1}"));
}

static void what_is_too_large_is_a_lie(void **state)
{
	struct buf text = BUF_INIT(LIMIT_RPC_JSON_BYTES);
	assert_int_equal(buf_append_text(&text, "{\"x\":\""), ERR_OK);
	for (size_t i = 0; i < LIMIT_RPC_JSON_BYTES - 16; i++) {
		assert_int_equal(buf_append_byte(&text, 'x'), ERR_OK);
	}
	assert_int_equal(buf_append_text(&text, "\"}"), ERR_OK);
	expect_lie(*state, buf_span(&text));
	buf_fini(&text);
}

static void more_than_was_asked_for_is_a_lie(void **state)
{
	struct stage *stage = *state;
	script_dial(&stage->peer, &stage->node);
	struct script_call *call = want(stage, 2);
	script_send_span(call, stage->messages[0]->compact);
	script_send_span(call, stage->messages[0]->compact);
	script_send_span(call, stage->messages[0]->compact);
	struct sync_missing answer = answered(stage);
	assert_int_equal(answer.found, 1); /* what was sound is sound */
	assert_true(is_held(stage, 1));
	assert_int_equal(node_figures(&stage->node).refused, 1);
	end_call(call);
}

static void a_question_under_way_ends_with_the_node(void **state)
{
	struct stage *stage = *state;
	script_dial(&stage->peer, &stage->node);
	(void)want(stage, 1);
	node_stop(&stage->node);
	assert_int_equal(pthread_join(stage->question.thread, NULL), 0);
	node_start(&stage->node);
}

int main(void)
{
#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		ON_STAGE(gives_what_it_holds_as_it_was_signed_in_the_order_asked),
		ON_STAGE(gives_nothing_of_whom_it_does_not_replicate),
		ON_STAGE(gives_nothing_to_whom_the_author_blocks),
		ON_STAGE(gives_nothing_of_whom_we_block),
		ON_STAGE(takes_20_ids_in_a_call_and_refuses_more),
		ON_STAGE(refuses_what_is_no_question_and_stays),
		ON_STAGE(takes_60_calls_a_minute_and_hangs_up_on_a_flood),
		ON_STAGE(answers_two_calls_at_once),
		ON_STAGE(what_comes_is_held_for_its_conversation_and_given_to_nobody),
		ON_STAGE(asks_for_20_and_never_for_more),
		ON_STAGE(nobody_connected_is_an_answer),
		ON_STAGE(who_does_not_know_the_call_is_asked_once_in_a_connection),
		ON_STAGE(who_has_no_time_is_asked_again),
		ON_STAGE(who_leaves_meanwhile_did_not_answer),
		ON_STAGE(what_is_by_somebody_we_block_is_not_kept),
		ON_STAGE(another_message_than_was_asked_for_is_a_lie),
		ON_STAGE(another_authors_message_is_a_lie),
		ON_STAGE(a_wrong_hash_is_a_lie),
		ON_STAGE(another_text_with_the_same_id_is_a_lie),
		ON_STAGE(a_broken_signature_is_a_lie),
		ON_STAGE(what_is_no_message_is_a_lie),
		ON_STAGE(what_is_too_large_is_a_lie),
		ON_STAGE(more_than_was_asked_for_is_a_lie),
		ON_STAGE(a_question_under_way_ends_with_the_node),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
