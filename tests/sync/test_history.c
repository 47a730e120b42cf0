/* sync/history: createHistoryStream with every option (protocol/04 §2). */
#include "lib/cmocka.h"
#include "lib/script.h"

#include <stdio.h>
#include <stdlib.h>

enum { STORED = 12 };

struct stage {
	struct node node;
	struct script peer;
};

static int set_up(void **state)
{
	struct stage *stage = calloc(1, sizeof(*stage));
	node_init(&stage->node, 0);
	script_init(&stage->peer, 1);
	for (int i = 1; i <= STORED; i++) {
		(void)node_publish(&stage->node, "{\"type\":\"post\",\"text\":\"%d\"}", i);
	}
	script_dial(&stage->peer, &stage->node);
	*state = stage;
	return 0;
}

static int tear_down(void **state)
{
	struct stage *stage = *state;
	script_fini(&stage->peer);
	node_fini(&stage->node);
	free(stage);
	return 0;
}

/* Open a stream of the node's own feed with `options` behind its id. */
static struct script_call *ask(struct stage *stage, const char *options)
{
	char args[256];
	(void)snprintf(args, sizeof(args), "[{\"id\":\"%s\"%s}]", stage->node.self.text, options);
	return script_open(&stage->peer, "createHistoryStream", RPC_SOURCE, args);
}

static void expect(struct stage *stage, const char *options, int first, int count)
{
	struct script_call *stream = ask(stage, options);
	SCRIPT_UNTIL(&stage->peer, stream->is_ended);
	assert_false(stream->has_error);
	assert_int_equal(stream->items, count);
	const char *at = buf_cstr(&stream->text);
	for (int i = first; i < first + count; i++) {
		char sequence[32];
		(void)snprintf(sequence, sizeof(sequence), "\"sequence\":%d,", i);
		at = strstr(at, sequence);
		assert_non_null(at);
	}
}

static void sequence_is_inclusive_and_goes_before_seq(void **state)
{
	struct stage *stage = *state;
	expect(stage, "", 1, STORED);
	expect(stage, ",\"sequence\":0", 1, STORED);
	expect(stage, ",\"sequence\":5", 5, STORED - 4);
	expect(stage, ",\"seq\":5", 5, STORED - 4);
	expect(stage, ",\"sequence\":7,\"seq\":5", 7, STORED - 6);
	expect(stage, ",\"sequence\":0,\"seq\":5", 5, STORED - 4);
	expect(stage, ",\"sequence\":12", 12, 1);
	expect(stage, ",\"sequence\":13", 13, 0);
	expect(stage, ",\"sequence\":9007199254740993", 1, 0);
	expect(stage, ",\"sequence\":-4", 1, STORED);
}

static void limit_counts_and_minus_one_is_no_limit(void **state)
{
	struct stage *stage = *state;
	expect(stage, ",\"limit\":3", 1, 3);
	expect(stage, ",\"limit\":-1", 1, STORED);
	expect(stage, ",\"limit\":0", 1, 0);
	expect(stage, ",\"limit\":12", 1, STORED);
	expect(stage, ",\"limit\":13", 1, STORED);
	expect(stage, ",\"sequence\":4,\"limit\":2", 4, 2);
}

static void keys_and_values_choose_the_form(void **state)
{
	struct stage *stage = *state;
	struct script_call *stream = ask(stage, ",\"limit\":1");
	SCRIPT_UNTIL(&stage->peer, stream->is_ended);
	assert_true(
		stream->text.len > 0 && strncmp(buf_cstr(&stream->text), "{\"key\":\"%", 9) == 0);
	assert_true(script_has(stream, "\"value\":{\"previous\":null,"));
	assert_true(script_has(stream, "\"timestamp\":"));
	stream = ask(stage, ",\"limit\":1,\"keys\":false");
	SCRIPT_UNTIL(&stage->peer, stream->is_ended);
	assert_true(strncmp(buf_cstr(&stream->text), "{\"previous\":null,", 17) == 0);
	stream = ask(stage, ",\"limit\":1,\"values\":false");
	SCRIPT_UNTIL(&stage->peer, stream->is_ended);
	assert_int_equal(stream->text.len, MESSAGE_ID_TEXT_BYTES);
	assert_int_equal(stream->text.at[0], '%');
}

static void a_live_stream_goes_on(void **state)
{
	struct stage *stage = *state;
	struct script_call *all = ask(stage, ",\"seq\":12,\"live\":true,\"keys\":false");
	struct script_call *fresh = ask(stage, ",\"old\":false,\"live\":true,\"keys\":false");
	SCRIPT_UNTIL(&stage->peer, all->items == 1);
	script_linger(&stage->peer, 100);
	(void)node_publish(&stage->node, "{\"type\":\"post\",\"text\":\"thirteen\"}");
	SCRIPT_UNTIL(&stage->peer, all->items == 2 && fresh->items == 1);
	(void)node_publish(&stage->node, "{\"type\":\"post\",\"text\":\"fourteen\"}");
	SCRIPT_UNTIL(&stage->peer, all->items == 3 && fresh->items == 2);
	assert_false(all->is_ended);
	assert_false(script_has(fresh, "\"sequence\":12,"));
	/* Abort: the stream stops. */
	rpc_end(all->call);
	(void)node_publish(&stage->node, "{\"type\":\"post\",\"text\":\"fifteen\"}");
	SCRIPT_UNTIL(&stage->peer, fresh->items == 3);
	script_linger(&stage->peer, 50);
	assert_int_equal(all->items, 3);
}

static void an_unknown_feed_is_silence_when_live_and_an_empty_end_when_not(void **state)
{
	struct stage *stage = *state;
	struct author carol;
	char args[256];
	author_init(&carol, 2);
	(void)snprintf(args, sizeof(args), "[{\"id\":\"%s\"}]", carol.text);
	struct script_call *stream =
		script_open(&stage->peer, "createHistoryStream", RPC_SOURCE, args);
	SCRIPT_UNTIL(&stage->peer, stream->is_ended);
	assert_false(stream->has_error);
	assert_int_equal(stream->items, 0);
	(void)snprintf(args, sizeof(args), "[{\"id\":\"%s\",\"live\":true}]", carol.text);
	stream = script_open(&stage->peer, "createHistoryStream", RPC_SOURCE, args);
	script_linger(&stage->peer, 100);
	assert_false(stream->is_ended);
	/* Until something of it arrives. */
	struct message *hers[] = {author_post(&carol, "hers")};
	node_append(&stage->node, hers, 1);
	SCRIPT_UNTIL(&stage->peer, stream->items == 1);
	author_fini(&carol);
}

static void rubbish_ends_without_items(void **state)
{
	struct stage *stage = *state;
	static const char *const rubbish[] = {"[]", "[1]", "[\"@x\",3]", "[{}]", "[{\"id\":7}]",
		"[{\"id\":\"@x.ed25519\"}]", "[null]"};
	for (size_t i = 0; i < sizeof(rubbish) / sizeof(rubbish[0]); i++) {
		struct script_call *stream =
			script_open(&stage->peer, "createHistoryStream", RPC_SOURCE, rubbish[i]);
		SCRIPT_UNTIL(&stage->peer, stream->is_ended);
		assert_int_equal(stream->items, 0);
	}
	expect(stage, ",\"sequence\":\"x\",\"limit\":null,\"live\":0", 1, STORED);
}

static void an_author_who_blocks_the_asker_and_one_we_block_end_empty(void **state)
{
	struct stage *stage = *state;
	struct author carol;
	struct author dave;
	char args[2][256];
	author_init(&carol, 2);
	author_init(&dave, 3);
	node_contact(&stage->node, &carol.id, EDGE_FOLLOW);
	struct message *messages[] = {author_post(&carol, "hers"), author_post(&dave, "his")};
	node_append(&stage->node, messages, 2);
	(void)snprintf(args[0], sizeof(args[0]), "[{\"id\":\"%s\",\"live\":true}]", carol.text);
	(void)snprintf(args[1], sizeof(args[1]), "[{\"id\":\"%s\",\"live\":true}]", dave.text);
	struct script_call *streams[2];
	for (size_t i = 0; i < 2; i++) {
		streams[i] = script_open(&stage->peer, "createHistoryStream", RPC_SOURCE, args[i]);
		SCRIPT_UNTIL(&stage->peer, streams[i]->items == 1);
	}
	struct message *block[] = {author_contact(&carol, &stage->peer.self.id, EDGE_BLOCK)};
	node_append(&stage->node, block, 1);
	node_contact(&stage->node, &dave.id, EDGE_BLOCK);
	for (size_t i = 0; i < 2; i++) {
		SCRIPT_UNTIL(&stage->peer, streams[i]->is_ended);
		streams[i] = script_open(&stage->peer, "createHistoryStream", RPC_SOURCE, args[i]);
		SCRIPT_UNTIL(&stage->peer, streams[i]->is_ended);
		assert_int_equal(streams[i]->items, 0);
	}
	author_fini(&carol);
	author_fini(&dave);
}

static void a_long_feed_to_a_slow_reader_comes_whole_and_in_order(void **state)
{
	struct stage *stage = *state;
	struct author carol;
	enum { COUNT = 1500 };
	struct message *messages[COUNT];
	char args[160];
	author_init(&carol, 2);
	char filler[2001];
	memset(filler, 'x', sizeof(filler) - 1);
	filler[sizeof(filler) - 1] = '\0';
	for (size_t i = 0; i < COUNT; i++) {
		messages[i] = author_post(&carol, filler);
	}
	node_append(&stage->node, messages, COUNT);
	(void)snprintf(args, sizeof(args), "[{\"id\":\"%s\",\"keys\":false}]", carol.text);
	struct script_call *stream =
		script_open(&stage->peer, "createHistoryStream", RPC_SOURCE, args);
	peer_pause(stage->peer.peer);
	script_linger(&stage->peer, 300);
	peer_resume(stage->peer.peer);
	SCRIPT_UNTIL(&stage->peer, stream->is_ended);
	assert_int_equal(stream->items, COUNT);
	assert_false(stage->peer.is_closed);
	author_fini(&carol);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define SCENE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		SCENE(sequence_is_inclusive_and_goes_before_seq),
		SCENE(limit_counts_and_minus_one_is_no_limit),
		SCENE(keys_and_values_choose_the_form),
		SCENE(a_live_stream_goes_on),
		SCENE(an_unknown_feed_is_silence_when_live_and_an_empty_end_when_not),
		SCENE(rubbish_ends_without_items),
		SCENE(an_author_who_blocks_the_asker_and_one_we_block_end_empty),
		SCENE(a_long_feed_to_a_slow_reader_comes_whole_and_in_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
