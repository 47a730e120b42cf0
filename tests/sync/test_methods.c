/* sync/methods: what a peer may call, and how the rest is refused. */
#include "lib/cmocka.h"
#include "lib/script.h"

#include "sync/methods.h"

#include <stdlib.h>

struct stage {
	struct node node;
	struct script peer;
};

static int set_up(void **state)
{
	struct stage *stage = calloc(1, sizeof(*stage));
	node_init(&stage->node, 0);
	script_init(&stage->peer, 1);
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

static struct script_call *call(struct stage *stage, const char *name, enum rpc_kind kind)
{
	struct script_call *made = script_open(&stage->peer, name, kind, "[]");
	SCRIPT_UNTIL(&stage->peer, made->is_ended);
	return made;
}

static void the_manifest_lists_what_is_answered_and_nothing_else(void **state)
{
	static const char manifest[] =
		"{\"manifest\":\"sync\",\"whoami\":\"sync\",\"createHistoryStream\":\"source\","
		"\"blobs\":{\"changes\":\"source\",\"createWants\":\"source\","
		"\"get\":\"source\",\"getSlice\":\"source\",\"has\":\"async\","
		"\"push\":\"async\",\"size\":\"async\"},"
		"\"ebt\":{\"replicate\":\"duplex\"},\"gossip\":{\"ping\":\"duplex\"},"
		"\"kith\":{\"message\":\"source\",\"newest\":\"source\"}}";
	struct stage *stage = *state;
	struct script_call *made = call(stage, "manifest", RPC_ASYNC);
	assert_true(script_has(made, manifest));
	struct buf text = BUF_INIT(4096);
	assert_int_equal(methods_manifest(&text), ERR_OK);
	assert_true(span_equal_text(buf_span(&text), manifest));
	buf_fini(&text);
}

static void whoami_tells_the_key(void **state)
{
	struct stage *stage = *state;
	struct script_call *made = call(stage, "whoami", RPC_ASYNC);
	assert_true(script_has(made, stage->node.self.text));
	assert_false(made->has_error);
}

static void what_is_not_offered_is_refused_in_the_words_peers_compare(void **state)
{
	struct stage *stage = *state;
	assert_string_equal(call(stage, "blobs.push", RPC_ASYNC)->error,
		"method:blobs,push is not in list of allowed methods");
	assert_string_equal(call(stage, "blobs.add", RPC_SINK)->error,
		"method:blobs,add is not in list of allowed methods");
	assert_string_equal(call(stage, "private.read", RPC_SOURCE)->error,
		"method:private,read is not in list of allowed methods");
	assert_string_equal(call(stage, "publish", RPC_ASYNC)->error,
		"method:publish is not in list of allowed methods");
	assert_string_equal(call(stage, "createHistoryStream", RPC_ASYNC)->error,
		"no async:createHistoryStream");
	assert_string_equal(
		call(stage, "ebt.replicate", RPC_SOURCE)->error, "no source:ebt,replicate");
	assert_int_equal(node_figures(&stage->node).calls_refused, 6);
	assert_false(stage->peer.is_closed);
}

static void a_ping_is_answered_later_than_at_once_and_stays_open(void **state)
{
	struct stage *stage = *state;
	struct script_call *ping =
		script_open(&stage->peer, "gossip.ping", RPC_DUPLEX, "[{\"timeout\":300000}]");
	int64_t before = env_wall_ms(env_system());
	script_send(ping, "%lld", (long long)before);
	SCRIPT_UNTIL(&stage->peer, ping->items == 1);
	long long answer = strtoll(buf_cstr(&ping->text), NULL, 10);
	assert_true(answer > before);
	assert_false(ping->is_ended);
	/* A flood is not answered item by item. */
	for (int i = 0; i < 100; i++) {
		script_send(ping, "1");
	}
	script_linger(&stage->peer, 100);
	assert_in_range(ping->items, 2, 20);
}

static void as_dialler_we_ping_first(void **state)
{
	struct stage *stage = *state;
	struct script other;
	script_init(&other, 2);
	script_listen(&other);
	struct address address = script_address(&other);
	sync_address_added(stage->node.sync, &address);
	SCRIPT_UNTIL(&other, script_called(&other, "gossip.ping", 0) != NULL);
	struct script_call *ping = script_called(&other, "gossip.ping", 0);
	SCRIPT_UNTIL(&other, ping->items == 1);
	assert_true(strtoll(buf_cstr(&ping->text), NULL, 10) > 1500000000000);
	/* Its answer is not answered again; a time of theirs is. */
	script_send(ping, "1");
	script_linger(&other, 50);
	assert_int_equal(ping->items, 1);
	script_send(ping, "2");
	SCRIPT_UNTIL(&other, ping->items == 2);
	script_fini(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define SCENE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		SCENE(the_manifest_lists_what_is_answered_and_nothing_else),
		SCENE(whoami_tells_the_key),
		SCENE(what_is_not_offered_is_refused_in_the_words_peers_compare),
		SCENE(a_ping_is_answered_later_than_at_once_and_stays_open),
		SCENE(as_dialler_we_ping_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
