/* sync/newest: the newest messages of a feed before its history, asked and given; what is shown of
 * them, and every way to lie. */
#include "lib/cmocka.h"
#include "lib/script.h"

#include "feed/window.h"
#include "store/ahead.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STORED = 120 };

struct stage {
	struct node node;
	struct script peer;
	struct author author; /* whose feed it is about */
	struct message *messages[STORED];
};

static int set_up(void **state)
{
	struct stage *stage = calloc(1, sizeof(*stage));
	assert_non_null(stage);
	node_init(&stage->node, 0);
	script_init(&stage->peer, 1);
	author_init(&stage->author, 2);
	stage->messages[0] = author_name(&stage->author, "Ada");
	for (int i = 1; i < STORED; i++) {
		stage->messages[i] = author_say(
			&stage->author, "{\"type\":\"post\",\"text\":\"number %d\"}", i + 1);
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

/* Messages first … last (numbers) into the node's store, as if imported. */
static void store(struct stage *stage, size_t first, size_t last)
{
	struct message *copies[STORED];
	const char *why = NULL;
	for (size_t i = first; i <= last; i++) {
		assert_int_equal(message_verify(stage->messages[i - 1]->compact, NULL,
					 &copies[i - first], &why),
			ERR_OK);
	}
	node_append(&stage->node, copies, last - first + 1);
}

static bool is_ahead(struct stage *stage, struct ahead_state *out)
{
	enum err err = reader_ahead(stage->node.reader, &stage->author.id, out);
	assert_true(err == ERR_OK || err == ERR_NOT_FOUND);
	return err == ERR_OK;
}

/* What we give. */

static struct script_call *ask(struct stage *stage, const char *format, ...)
{
	char args[4096];
	va_list list;
	va_start(list, format);
	(void)vsnprintf(args, sizeof(args), format, list);
	va_end(list);
	struct script_call *call = script_open(&stage->peer, "kith.newest", RPC_SOURCE, args);
	SCRIPT_UNTIL(&stage->peer, call->is_ended);
	return call;
}

static struct script_call *ask_above(struct stage *stage, uint64_t above, int limit)
{
	return ask(stage,
		"[{\"version\":1,\"feeds\":[{\"id\":\"%s\",\"above\":%llu}],\"limit\":%d}]",
		stage->author.text, (unsigned long long)above, limit);
}

/* The items of a call are exactly a head, `profiles` first and then messages first … STORED. */
static void expect_items(
	struct stage *stage, const struct script_call *call, bool has_profile, size_t first)
{
	struct buf expected = BUF_INIT(1 << 20);
	assert_int_equal(
		buf_printf(&expected,
			"{\"feed\":\"%s\",\"newest\":%d,\"profiles\":%d,\"messages\":%zu}\n",
			stage->author.text, STORED, has_profile, STORED + 1 - first),
		ERR_OK);
	for (size_t i = has_profile ? 0 : first - 1; i < STORED; i = i == 0 ? first - 1 : i + 1) {
		assert_int_equal(buf_append(&expected, stage->messages[i]->compact), ERR_OK);
		assert_int_equal(buf_append_byte(&expected, '\n'), ERR_OK);
	}
	assert_false(call->has_error);
	assert_true(span_equal(buf_span(&call->text), buf_span(&expected)));
	buf_fini(&expected);
}

static void follow_and_store(struct stage *stage)
{
	node_contact(&stage->node, &stage->author.id, EDGE_FOLLOW);
	store(stage, 1, STORED);
	script_dial(&stage->peer, &stage->node);
	/* The reach is computed again when the follow was stored. */
	WAIT_UNTIL(ask_above(stage, 0, 50)->items > 1);
}

static void gives_the_newest_and_the_authors_word_about_itself_before_them(void **state)
{
	struct stage *stage = *state;
	follow_and_store(stage);
	expect_items(stage, ask_above(stage, 0, 50), true, STORED - 49);
	expect_items(stage, ask_above(stage, 0, 3), true, STORED - 2);
	expect_items(stage, ask_above(stage, 0, 1000000), true, STORED - 49);
	/* Who has the name need not be told it again. */
	expect_items(stage, ask_above(stage, 1, 50), false, STORED - 49);
	expect_items(stage, ask_above(stage, 100, 50), false, 101);
}

static void gives_nothing_to_who_is_there_already_and_says_so(void **state)
{
	struct stage *stage = *state;
	char expected[256];
	follow_and_store(stage);
	(void)snprintf(expected, sizeof(expected),
		"{\"feed\":\"%s\",\"newest\":%d,\"profiles\":0,\"messages\":0}\n",
		stage->author.text, STORED);
	struct script_call *call = ask_above(stage, STORED, 50);
	assert_true(span_equal_text(buf_span(&call->text), expected));
	call = ask_above(stage, 1000000, 50);
	assert_true(span_equal_text(buf_span(&call->text), expected));
}

static void expect_nothing(struct stage *stage)
{
	char expected[256];
	(void)snprintf(expected, sizeof(expected),
		"{\"feed\":\"%s\",\"newest\":0,\"profiles\":0,\"messages\":0}\n",
		stage->author.text);
	struct script_call *call = ask_above(stage, 0, 50);
	assert_false(call->has_error);
	assert_true(span_equal_text(buf_span(&call->text), expected));
}

static void gives_nothing_of_whom_it_does_not_replicate(void **state)
{
	struct stage *stage = *state;
	script_dial(&stage->peer, &stage->node);
	expect_nothing(stage);
	store(stage, 1, STORED);
	expect_nothing(stage);
}

static void gives_nothing_to_whom_the_author_blocks(void **state)
{
	struct stage *stage = *state;
	follow_and_store(stage);
	struct author twin;
	author_twin(&twin, 2, &stage->author.head);
	struct message *block = author_contact(&twin, &stage->peer.self.id, EDGE_BLOCK);
	node_append(&stage->node, &block, 1);
	author_fini(&twin);
	WAIT_UNTIL(ask_above(stage, 0, 50)->items == 1);
	expect_nothing(stage);
}

static void gives_nothing_of_whom_we_block(void **state)
{
	struct stage *stage = *state;
	follow_and_store(stage);
	node_contact(&stage->node, &stage->author.id, EDGE_BLOCK);
	WAIT_UNTIL(ask_above(stage, 0, 50)->items == 1);
	expect_nothing(stage);
}

static void names_the_versions_it_speaks(void **state)
{
	static const char *const others[] = {"[{\"version\":2,\"feeds\":[],\"limit\":50}]",
		"[{\"version\":0}]", "[{\"version\":\"1\"}]", "[{\"feeds\":[],\"limit\":50}]", "[]",
		"[null]", "[7]"};
	struct stage *stage = *state;
	script_dial(&stage->peer, &stage->node);
	for (size_t i = 0; i < 7 * 3; i++) {
		struct script_call *call = ask(stage, "%s", others[i % 7]);
		assert_string_equal(call->error, "kith.newest: versions spoken here: 1");
	}
	/* Politely: it is no reason to hang up. */
	assert_false(stage->peer.is_closed);
}

static void refuses_what_is_no_question(void **state)
{
	static const char *const wrong[] = {"[{\"version\":1}]",
		"[{\"version\":1,\"feeds\":{},\"limit\":1}]",
		"[{\"version\":1,\"feeds\":[7],\"limit\":1}]",
		"[{\"version\":1,\"feeds\":[{\"id\":\"x\",\"above\":1}],\"limit\":1}]",
		"[{\"version\":1,\"feeds\":[],\"limit\":0}]",
		"[{\"version\":1,\"feeds\":[],\"limit\":1.5}]"};
	struct stage *stage = *state;
	script_dial(&stage->peer, &stage->node);
	for (size_t i = 0; i < 6; i++) {
		assert_string_equal(ask(stage, "%s", wrong[i])->error,
			"kith.newest: what is asked for is not understood");
	}
	char text[256];
	(void)snprintf(text, sizeof(text), "{\"id\":\"%s\",\"above\":-1}", stage->author.text);
	assert_string_equal(ask(stage, "[{\"version\":1,\"feeds\":[%s],\"limit\":1}]", text)->error,
		"kith.newest: what is asked for is not understood");
	struct script_call *nothing = ask(stage, "[{\"version\":1,\"feeds\":[],\"limit\":9}]");
	assert_false(nothing->has_error);
	assert_int_equal(nothing->items, 0);
}

static struct script_call *open_many(struct stage *stage, size_t count)
{
	struct buf args = BUF_INIT(1 << 20);
	assert_int_equal(buf_append_text(&args, "[{\"version\":1,\"feeds\":["), ERR_OK);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(buf_printf(&args, "%s{\"id\":\"%s\",\"above\":0}",
					 i == 0 ? "" : ",", stage->author.text),
			ERR_OK);
	}
	assert_int_equal(buf_append_text(&args, "],\"limit\":50}]"), ERR_OK);
	struct script_call *call =
		script_open(&stage->peer, "kith.newest", RPC_SOURCE, buf_cstr(&args));
	buf_fini(&args);
	return call;
}

static void takes_32_feeds_in_a_call_and_refuses_more(void **state)
{
	struct stage *stage = *state;
	follow_and_store(stage);
	struct script_call *call = open_many(stage, LIMIT_NEWEST_FEEDS);
	SCRIPT_UNTIL(&stage->peer, call->is_ended);
	assert_false(call->has_error);
	assert_int_equal(call->items, LIMIT_NEWEST_FEEDS * (1 + 1 + 50));
	static const size_t above[] = {LIMIT_NEWEST_FEEDS + 1, 700};
	for (size_t i = 0; i < 2; i++) {
		call = open_many(stage, above[i]);
		SCRIPT_UNTIL(&stage->peer, call->is_ended);
		assert_string_equal(call->error, "kith.newest: too many feeds in one call");
	}
	/* A thousand times as many do not fit into a body (LIMIT_RPC_JSON_BYTES). */
	assert_false(stage->peer.is_closed);
}

static void takes_60_calls_a_minute_and_hangs_up_on_a_flood(void **state)
{
	struct stage *stage = *state;
	script_dial(&stage->peer, &stage->node);
	for (int i = 0; i < LIMIT_NEWEST_PER_MINUTE; i++) {
		assert_false(ask_above(stage, 0, 50)->has_error);
	}
	for (int i = 0; i < LIMIT_RPC_ERRORS_PER_MINUTE; i++) {
		assert_string_equal(
			ask_above(stage, 0, 50)->error, "kith.newest: too many calls in a minute");
	}
	struct script_call *call = ask_above(stage, 0, 50);
	assert_true(call->has_error);
	SCRIPT_UNTIL(&stage->peer, stage->peer.is_closed);
}

static void answers_two_calls_at_once(void **state)
{
	struct stage *stage = *state;
	follow_and_store(stage);
	struct script_call *calls[3];
	for (int i = 0; i < 3; i++) {
		calls[i] = open_many(stage, LIMIT_NEWEST_FEEDS);
	}
	for (int i = 0; i < 3; i++) {
		SCRIPT_UNTIL(&stage->peer, calls[i]->is_ended);
	}
	assert_false(calls[0]->has_error);
	assert_false(calls[1]->has_error);
	assert_string_equal(calls[2]->error, "kith.newest: too many calls at once");
	assert_false(ask_above(stage, 0, 50)->has_error);
}

/* What we ask. */

static struct script_call *asked(struct stage *stage, size_t n)
{
	SCRIPT_UNTIL(&stage->peer, script_called(&stage->peer, "kith.newest", n) != NULL);
	return script_called(&stage->peer, "kith.newest", n);
}

static void say_head(struct stage *stage, struct script_call *call, uint64_t newest,
	size_t profiles, size_t messages)
{
	script_send(call, "{\"feed\":\"%s\",\"newest\":%llu,\"profiles\":%zu,\"messages\":%zu}",
		stage->author.text, (unsigned long long)newest, profiles, messages);
}

static void give(struct stage *stage, struct script_call *call, size_t first, size_t last)
{
	for (size_t i = first; i <= last; i++) {
		script_send_span(call, stage->messages[i - 1]->compact);
	}
}

/* Connected, and the node begins to follow somebody. */
static struct script_call *followed(struct stage *stage)
{
	script_dial(&stage->peer, &stage->node);
	node_contact(&stage->node, &stage->author.id, EDGE_FOLLOW);
	return asked(stage, 0);
}

static void asks_at_once_for_whom_we_begin_to_follow_and_shows_the_window(void **state)
{
	struct stage *stage = *state;
	struct ahead_state ahead;
	char expected[256];
	struct script_call *call = followed(stage);
	(void)snprintf(expected, sizeof(expected),
		"[{\"version\":1,\"feeds\":[{\"id\":\"%s\",\"above\":0}],\"limit\":50}]",
		stage->author.text);
	assert_string_equal(call->args, expected);
	say_head(stage, call, STORED, 1, 50);
	give(stage, call, 1, 1);
	give(stage, call, STORED - 49, STORED);
	rpc_end(call->call);
	SCRIPT_UNTIL(&stage->peer, is_ahead(stage, &ahead));
	SCRIPT_UNTIL(&stage->peer, is_ahead(stage, &ahead) && ahead.is_checked);
	assert_int_equal(ahead.first, STORED - 49);
	assert_int_equal(ahead.newest, STORED);
	/* It moved no head, and is given to nobody. */
	assert_int_equal(node_head(&stage->node, &stage->author.id), 0);
	call = ask_above(stage, 0, 50);
	assert_int_equal(call->items, 1);
	assert_true(script_has(call, "\"newest\":0"));
	script_linger(&stage->peer, 50);
	assert_null(script_called(&stage->peer, "kith.newest", 1));
}

static void the_chain_takes_over_what_was_held_ahead(void **state)
{
	struct stage *stage = *state;
	struct ahead_state ahead;
	struct script_call *call = followed(stage);
	say_head(stage, call, STORED, 0, 50);
	give(stage, call, STORED - 49, STORED);
	rpc_end(call->call);
	SCRIPT_UNTIL(&stage->peer, is_ahead(stage, &ahead) && ahead.is_checked);
	store(stage, 1, 60);
	assert_true(is_ahead(stage, &ahead));
	store(stage, 61, STORED);
	assert_int_equal(node_head(&stage->node, &stage->author.id), STORED);
	assert_false(is_ahead(stage, &ahead));
}

static void asks_another_peer_when_one_has_nothing(void **state)
{
	struct stage *stage = *state;
	struct script other;
	struct ahead_state ahead;
	struct script_call *call = followed(stage);
	say_head(stage, call, 0, 0, 0);
	rpc_end(call->call);
	script_linger(&stage->peer, 50);
	script_init(&other, 3);
	script_dial(&other, &stage->node);
	SCRIPT_UNTIL(&other, script_called(&other, "kith.newest", 0) != NULL);
	call = script_called(&other, "kith.newest", 0);
	say_head(stage, call, STORED, 0, 50);
	give(stage, call, STORED - 49, STORED);
	SCRIPT_UNTIL(&other, is_ahead(stage, &ahead));
	/* The first one is asked again only when it tells that it has it now. */
	script_linger(&stage->peer, 50);
	assert_null(script_called(&stage->peer, "kith.newest", 1));
	script_fini(&other);
}

static void asks_a_peer_that_tells_to_be_far_ahead(void **state)
{
	struct stage *stage = *state;
	node_contact(&stage->node, &stage->author.id, EDGE_FOLLOW);
	store(stage, 1, 20);
	script_dial(&stage->peer, &stage->node);
	struct script_call *ebt = script_open(&stage->peer, "ebt.replicate", RPC_DUPLEX,
		"[{\"version\":3,\"format\":\"classic\"}]");
	SCRIPT_UNTIL(&stage->peer, ebt->items > 0);
	script_send(ebt, "{\"%s\":%d}", stage->author.text, 2 * (20 + LIMIT_WINDOW_MESSAGES));
	script_linger(&stage->peer, 50);
	assert_null(script_called(&stage->peer, "kith.newest", 0));
	script_send(ebt, "{\"%s\":%d}", stage->author.text, 2 * STORED);
	struct script_call *call = asked(stage, 0);
	assert_non_null(strstr(call->args, "\"above\":20}"));
}

static void expect_lie(struct stage *stage)
{
	struct ahead_state ahead;
	SCRIPT_UNTIL(&stage->peer, node_figures(&stage->node).refused > 0);
	assert_false(is_ahead(stage, &ahead));
	/* Not asked again, in this connection or another. */
	script_close(&stage->peer);
	script_dial(&stage->peer, &stage->node);
	script_linger(&stage->peer, 50);
	assert_null(script_called(&stage->peer, "kith.newest", 1));
}

static void a_gap_is_a_lie(void **state)
{
	struct stage *stage = *state;
	struct script_call *call = followed(stage);
	say_head(stage, call, STORED, 0, 49);
	give(stage, call, STORED - 49, STORED - 20);
	give(stage, call, STORED - 18, STORED);
	expect_lie(stage);
}

static void somebody_elses_messages_are_a_lie(void **state)
{
	struct stage *stage = *state;
	struct author other;
	author_init(&other, 9);
	struct message *message = author_post(&other, "not mine");
	struct script_call *call = followed(stage);
	say_head(stage, call, STORED, 0, 1);
	script_send_span(call, message->compact);
	expect_lie(stage);
	message_free(message);
	author_fini(&other);
}

static void more_than_was_announced_is_a_lie(void **state)
{
	struct stage *stage = *state;
	struct script_call *call = followed(stage);
	say_head(stage, call, STORED, 0, 0);
	give(stage, call, STORED, STORED);
	expect_lie(stage);
}

static void more_than_a_window_is_a_lie(void **state)
{
	struct stage *stage = *state;
	struct script_call *call = followed(stage);
	say_head(stage, call, STORED, 0, LIMIT_WINDOW_MESSAGES + 1);
	expect_lie(stage);
}

static void another_feed_than_was_asked_for_is_a_lie(void **state)
{
	struct stage *stage = *state;
	struct script_call *call = followed(stage);
	script_send(call, "{\"feed\":\"%s\",\"newest\":1,\"profiles\":0,\"messages\":1}",
		stage->peer.self.text);
	expect_lie(stage);
}

static void no_head_at_all_is_a_lie(void **state)
{
	struct stage *stage = *state;
	struct script_call *call = followed(stage);
	give(stage, call, STORED, STORED);
	expect_lie(stage);
}

/* Texts of a window whose message `broken` (from its end) has a signature that is none, chained up
 * by its author. */
static void broken_window(struct stage *stage, struct message *out[static 3])
{
	struct author again;
	struct chain_head head = {.sequence = STORED,
		.key = stage->messages[STORED - 1]->key,
		.timestamp = stage->messages[STORED - 1]->timestamp};
	const char *why = NULL;
	author_twin(&again, 2, &head);
	struct message *good = author_post(&again, "broken");
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	assert_int_equal(buf_append(&text, good->compact), ERR_OK);
	uint8_t *at = memmem(text.at, text.len, "\"signature\":\"", 13);
	assert_non_null(at);
	at[13] = at[13] == 'A' ? 'B' : 'A';
	assert_int_equal(message_read(buf_span(&text), &out[0], &why), ERR_OK);
	again.head.key = out[0]->key;
	out[1] = author_post(&again, "good");
	out[2] = author_post(&again, "newest");
	message_free(good);
	buf_fini(&text);
	author_fini(&again);
}

static void a_broken_older_signature_is_found_and_all_of_it_taken_away(void **state)
{
	struct stage *stage = *state;
	struct message *window[3];
	struct ahead_state ahead;
	broken_window(stage, window);
	struct script_call *call = followed(stage);
	say_head(stage, call, STORED + 3, 0, 3);
	for (size_t i = 0; i < 3; i++) {
		script_send_span(call, window[i]->compact);
		message_free(window[i]);
	}
	SCRIPT_UNTIL(&stage->peer, node_figures(&stage->node).refused > 0);
	SCRIPT_UNTIL(&stage->peer, !is_ahead(stage, &ahead));
	expect_lie(stage);
}

/* Hold a window as the writer would have at the first paint. */
static void on_held(void *ctx, struct ahead_job *job)
{
	atomic_bool *is_done = ctx;
	assert_int_equal(job->err, ERR_OK);
	assert_true(job->is_kept);
	ahead_job_free(job);
	atomic_store(is_done, true);
}

static void hold(struct stage *stage, const struct span *texts, size_t count)
{
	struct ahead_job *job = ahead_job_new();
	const char *why = NULL;
	atomic_bool is_done = false;
	assert_non_null(job);
	assert_int_equal(
		window_read(&stage->author.id, texts, count, NULL, 0, NULL, &job->window, &why),
		ERR_OK);
	job->on_done = on_held;
	job->ctx = &is_done;
	assert_int_equal(writer_ahead(stage->node.writer, job), ERR_OK);
	WAIT_UNTIL(atomic_load(&is_done));
}

static void what_was_not_checked_is_checked_after_a_start(void **state)
{
	struct stage *stage = *state;
	struct span texts[LIMIT_WINDOW_MESSAGES];
	struct ahead_state ahead;
	node_contact(&stage->node, &stage->author.id, EDGE_FOLLOW);
	for (size_t i = 0; i < LIMIT_WINDOW_MESSAGES; i++) {
		texts[i] = stage->messages[STORED - LIMIT_WINDOW_MESSAGES + i]->compact;
	}
	hold(stage, texts, LIMIT_WINDOW_MESSAGES);
	assert_true(is_ahead(stage, &ahead) && !ahead.is_checked);
	node_stop(&stage->node);
	node_start(&stage->node);
	WAIT_UNTIL(is_ahead(stage, &ahead) && ahead.is_checked);
}

static void what_turns_out_to_be_wrong_after_a_start_is_taken_away(void **state)
{
	struct stage *stage = *state;
	struct message *window[3];
	struct span texts[3];
	struct ahead_state ahead;
	broken_window(stage, window);
	node_contact(&stage->node, &stage->author.id, EDGE_FOLLOW);
	for (size_t i = 0; i < 3; i++) {
		texts[i] = window[i]->compact;
	}
	hold(stage, texts, 3);
	node_stop(&stage->node);
	node_start(&stage->node);
	WAIT_UNTIL(!is_ahead(stage, &ahead));
	for (size_t i = 0; i < 3; i++) {
		message_free(window[i]);
	}
}

/* Peers that do not know the call. */

static struct script_call *refused(struct stage *stage)
{
	node_contact(&stage->node, &stage->author.id, EDGE_FOLLOW);
	script_dial(&stage->peer, &stage->node);
	struct script_call *call = asked(stage, 0);
	rpc_refuse_not_allowed(call->call, "kith.newest");
	struct script_call *ebt = script_open(&stage->peer, "ebt.replicate", RPC_DUPLEX,
		"[{\"version\":3,\"format\":\"classic\"}]");
	SCRIPT_UNTIL(&stage->peer, ebt->items > 0);
	script_send(ebt, "{\"%s\":%d}", stage->author.text, 2 * STORED);
	SCRIPT_UNTIL(&stage->peer, script_called(&stage->peer, "createHistoryStream", 0) != NULL);
	return script_called(&stage->peer, "createHistoryStream", 0);
}

static void asks_by_a_history_stream_who_refuses_the_call(void **state)
{
	struct stage *stage = *state;
	struct ahead_state ahead;
	char expected[256];
	struct script_call *call = refused(stage);
	(void)snprintf(expected, sizeof(expected),
		"[{\"id\":\"%s\",\"sequence\":%d,\"limit\":50,\"live\":false,\"keys\":false}]",
		stage->author.text, STORED - 49);
	assert_string_equal(call->args, expected);
	/* In any order. */
	give(stage, call, STORED - 20, STORED);
	give(stage, call, STORED - 49, STORED - 21);
	rpc_end(call->call);
	SCRIPT_UNTIL(&stage->peer, is_ahead(stage, &ahead) && ahead.is_checked);
	assert_int_equal(ahead.count, 50);
	assert_null(script_called(&stage->peer, "kith.newest", 1));
}

static void a_history_stream_that_gives_nothing_is_not_asked_for_again(void **state)
{
	struct stage *stage = *state;
	struct script_call *call = refused(stage);
	rpc_end(call->call);
	script_linger(&stage->peer, 100);
	assert_null(script_called(&stage->peer, "createHistoryStream", 1));
	assert_null(script_called(&stage->peer, "kith.newest", 1));
}

/* So many history streams of the node are open that ask for newest messages. */
static size_t streams_open(const struct stage *stage)
{
	size_t count = 0;
	for (size_t i = 0; i < stage->peer.call_count; i++) {
		const struct script_call *call = stage->peer.calls[i];
		count += !call->is_ours && call->call != NULL && !call->is_ended &&
			 strcmp(call->name, "createHistoryStream") == 0 &&
			 strstr(call->args, "\"limit\":50") != NULL;
	}
	return count;
}

/* We follow `count` people, of whom the peer has much and will not answer the call. */
static void refused_of_many(struct stage *stage, unsigned count)
{
	struct author *authors = calloc(count, sizeof(*authors));
	assert_non_null(authors);
	for (unsigned i = 0; i < count; i++) {
		author_init(&authors[i], 100 + i);
		node_contact(&stage->node, &authors[i].id, EDGE_FOLLOW);
	}
	script_dial(&stage->peer, &stage->node);
	rpc_refuse_not_allowed(asked(stage, 0)->call, "kith.newest");
	struct script_call *ebt = script_open(&stage->peer, "ebt.replicate", RPC_DUPLEX,
		"[{\"version\":3,\"format\":\"classic\"}]");
	SCRIPT_UNTIL(&stage->peer, ebt->items > 0);
	struct buf notes = BUF_INIT(LIMIT_RPC_NOTE_BYTES);
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(buf_printf(&notes, "%s\"%s\":%d", i == 0 ? "{" : ",",
					 authors[i].text, 2 * STORED),
			ERR_OK);
		author_fini(&authors[i]);
	}
	assert_int_equal(buf_append_text(&notes, "}"), ERR_OK);
	script_send_span(ebt, buf_span(&notes));
	buf_fini(&notes);
	free(authors);
}

static void expect_streams(struct stage *stage, size_t count)
{
	SCRIPT_UNTIL(&stage->peer, streams_open(stage) == count);
	script_linger(&stage->peer, 100);
	assert_int_equal(streams_open(stage), count);
}

static void as_many_history_streams_as_may_be_are_open_at_once(void **state)
{
	refused_of_many(*state, LIMIT_NEWEST_HISTORY);
	expect_streams(*state, LIMIT_NEWEST_HISTORY);
}

static void one_more_waits(void **state)
{
	refused_of_many(*state, LIMIT_NEWEST_HISTORY + 1);
	expect_streams(*state, LIMIT_NEWEST_HISTORY);
}

static void hundreds_wait(void **state)
{
	refused_of_many(*state, 100 * LIMIT_NEWEST_HISTORY);
	expect_streams(*state, LIMIT_NEWEST_HISTORY);
}

/* Both sides. */

static void two_nodes_show_the_newest_and_get_all(void **state)
{
	struct stage *stage = *state;
	struct node other;
	node_contact(&stage->node, &stage->author.id, EDGE_FOLLOW);
	store(stage, 1, STORED);
	node_init(&other, 7);
	node_connect(&other, &stage->node);
	node_contact(&other, &stage->author.id, EDGE_FOLLOW);
	node_wait(&other, &stage->author.id, STORED);
	nodes_agree(&other, &stage->node, &stage->author.id);
	struct ahead_state ahead;
	WAIT_UNTIL(reader_ahead(other.reader, &stage->author.id, &ahead) == ERR_NOT_FOUND);
	assert_int_equal(node_figures(&other).refused, 0);
	node_fini(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define SCENE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		SCENE(gives_the_newest_and_the_authors_word_about_itself_before_them),
		SCENE(gives_nothing_to_who_is_there_already_and_says_so),
		SCENE(gives_nothing_of_whom_it_does_not_replicate),
		SCENE(gives_nothing_to_whom_the_author_blocks),
		SCENE(gives_nothing_of_whom_we_block),
		SCENE(names_the_versions_it_speaks),
		SCENE(refuses_what_is_no_question),
		SCENE(takes_32_feeds_in_a_call_and_refuses_more),
		SCENE(takes_60_calls_a_minute_and_hangs_up_on_a_flood),
		SCENE(answers_two_calls_at_once),
		SCENE(asks_at_once_for_whom_we_begin_to_follow_and_shows_the_window),
		SCENE(the_chain_takes_over_what_was_held_ahead),
		SCENE(asks_another_peer_when_one_has_nothing),
		SCENE(asks_a_peer_that_tells_to_be_far_ahead),
		SCENE(a_gap_is_a_lie),
		SCENE(somebody_elses_messages_are_a_lie),
		SCENE(more_than_was_announced_is_a_lie),
		SCENE(more_than_a_window_is_a_lie),
		SCENE(another_feed_than_was_asked_for_is_a_lie),
		SCENE(no_head_at_all_is_a_lie),
		SCENE(a_broken_older_signature_is_found_and_all_of_it_taken_away),
		SCENE(what_was_not_checked_is_checked_after_a_start),
		SCENE(what_turns_out_to_be_wrong_after_a_start_is_taken_away),
		SCENE(asks_by_a_history_stream_who_refuses_the_call),
		SCENE(a_history_stream_that_gives_nothing_is_not_asked_for_again),
		SCENE(as_many_history_streams_as_may_be_are_open_at_once),
		SCENE(one_more_waits),
		SCENE(hundreds_wait),
		SCENE(two_nodes_show_the_newest_and_get_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
