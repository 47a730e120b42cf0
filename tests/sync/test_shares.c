/* sync/shares, sync/reach: nobody gets the node for itself, and a block counts from its commit. */
#include "lib/cmocka.h"
#include "lib/script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char replicate[] = "[{\"version\":3,\"format\":\"classic\"}]";
enum { DAY_MS = 24 * 3600 * 1000, MESSAGES = 5, FLOOD = 1000 * MESSAGES };

struct stage {
	struct node node;
	struct script peer;
	struct author far; /* followed by the peer, whom we follow */
	struct message *messages[MESSAGES];
	struct env env;
	atomic_llong ahead_ms; /* of the wall clock */
};

static int64_t late_wall(void *ctx)
{
	const struct stage *stage = ctx;
	return env_wall_ms(env_system()) + atomic_load(&stage->ahead_ms);
}

static int64_t true_mono(void *ctx)
{
	(void)ctx;
	return env_mono_ms(env_system());
}

static void true_random(void *ctx, uint8_t *out, size_t count)
{
	(void)ctx;
	env_system()->random(env_system()->ctx, out, count);
}

static void no_log(void *ctx, enum log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	(void)line;
}

static int set_up(void **state)
{
	struct stage *stage = calloc(1, sizeof(*stage));
	node_init(&stage->node, 0);
	script_init(&stage->peer, 1);
	author_init(&stage->far, 2);
	for (size_t i = 0; i < MESSAGES; i++) {
		stage->messages[i] = author_post(&stage->far, "from afar");
	}
	node_contact(&stage->node, &stage->peer.self.id, EDGE_FOLLOW);
	struct message *follow = author_contact(&stage->peer.self, &stage->far.id, EDGE_FOLLOW);
	node_append(&stage->node, &follow, 1);
	stage->env = (struct env){.mono_ms = true_mono,
		.wall_ms = late_wall,
		.random = true_random,
		.log_line = no_log,
		.ctx = stage};
	*state = stage;
	return 0;
}

static int tear_down(void **state)
{
	struct stage *stage = *state;
	script_fini(&stage->peer);
	node_fini(&stage->node);
	for (size_t i = 0; i < MESSAGES; i++) {
		message_free(stage->messages[i]);
	}
	author_fini(&stage->far);
	free(stage);
	return 0;
}

/* As if the far feed had sent that much today, or some days ago. */
static void sent_before(struct stage *stage, int64_t days_ago, int64_t messages, int64_t bytes)
{
	struct change change = {.kind = CHANGE_SHARE,
		.feed = stage->far.id,
		.number = env_wall_ms(env_system()) / DAY_MS - days_ago,
		.share = {.messages = messages, .bytes = bytes}};
	assert_int_equal(writer_change_wait(stage->node.writer, &change), ERR_OK);
	node_stop(&stage->node);
	stage->node.env = &stage->env;
	node_start(&stage->node);
}

static char *note(char room[static 96], const struct author *author, int value)
{
	(void)snprintf(room, 96, "\"%s\":%d", author->text, value);
	return room;
}

/* Connected, and the far feed is offered. */
static struct script_call *offer(struct stage *stage)
{
	char room[96];
	script_dial(&stage->peer, &stage->node);
	struct script_call *ebt = script_open(&stage->peer, "ebt.replicate", RPC_DUPLEX, replicate);
	SCRIPT_UNTIL(&stage->peer, ebt->items >= 1);
	script_send(ebt, "{%s}", note(room, &stage->far, MESSAGES * 2 + 1));
	return ebt;
}

static void send_from(struct stage *stage, struct script_call *ebt, size_t first)
{
	for (size_t i = first; i < MESSAGES; i++) {
		script_send_span(ebt, stage->messages[i]->compact);
	}
}

static void wait_head(struct stage *stage, uint64_t sequence)
{
	SCRIPT_UNTIL(&stage->peer, node_head(&stage->node, &stage->far.id) >= sequence);
	script_linger(&stage->peer, 30);
	assert_int_equal(node_head(&stage->node, &stage->far.id), sequence);
}

/* Two more fit; then it is noted odd, and goes on where it was when `go_on` has changed things. */
static void check_pause(struct stage *stage, void (*go_on)(struct stage *stage))
{
	char room[96];
	struct script_call *ebt = offer(stage);
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->far, 0)));
	send_from(stage, ebt, 0);
	wait_head(stage, 2);
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->far, 2 * 2 + 1)));
	assert_int_equal(node_figures(&stage->node).feeds_paused, 1);
	for (size_t i = 0; i < FLOOD && !rpc_is_full(ebt->call); i++) {
		script_send_span(ebt, stage->messages[2]->compact);
	}
	script_linger(&stage->peer, 100);
	wait_head(stage, 2);
	buf_clear(&ebt->text);
	go_on(stage);
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->far, 2 * 2)));
	send_from(stage, ebt, 2);
	wait_head(stage, MESSAGES);
	assert_int_equal(node_figures(&stage->node).feeds_paused, 0);
	assert_int_equal(node_figures(&stage->node).refused, 0);
}

/* The node looks at the clock at the latest after an hour, and whenever the graph changes. */
static void the_next_day(struct stage *stage)
{
	struct author somebody;
	author_init(&somebody, 9);
	atomic_store(&stage->ahead_ms, DAY_MS);
	node_contact(&stage->node, &somebody.id, EDGE_FOLLOW);
	author_fini(&somebody);
}

static void a_follow_of_ours(struct stage *stage)
{
	node_contact(&stage->node, &stage->far.id, EDGE_FOLLOW);
}

static void a_far_feed_pauses_at_its_share_and_goes_on_the_next_day_where_it_was(void **state)
{
	struct stage *stage = *state;
	sent_before(stage, 3, 0, 0); /* it is no newcomer */
	sent_before(stage, 0, LIMIT_FAR_FEED_MESSAGES_PER_DAY - 2, 0);
	check_pause(stage, the_next_day);
}

static void on_its_first_day_a_far_feed_may_bring_its_history(void **state)
{
	struct stage *stage = *state;
	sent_before(stage, 0, LIMIT_FAR_FEED_FIRST_MESSAGES - 2, 0);
	check_pause(stage, the_next_day);
}

static void the_pause_ends_when_we_follow_its_author(void **state)
{
	struct stage *stage = *state;
	sent_before(stage, 0, LIMIT_FAR_FEED_FIRST_MESSAGES - 2, 0);
	check_pause(stage, a_follow_of_ours);
}

static void bytes_have_a_share_too(void **state)
{
	struct stage *stage = *state;
	int64_t two = (int64_t)(stage->messages[0]->compact.len + stage->messages[1]->compact.len);
	sent_before(stage, 0, 0, LIMIT_FAR_FEED_BYTES_PER_DAY - two);
	check_pause(stage, the_next_day);
}

static void a_pause_outlives_a_restart(void **state)
{
	struct stage *stage = *state;
	char room[96];
	sent_before(stage, 0, LIMIT_FAR_FEED_FIRST_MESSAGES - 2, 0);
	struct script_call *ebt = offer(stage);
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->far, 0)));
	send_from(stage, ebt, 0);
	wait_head(stage, 2);
	node_stop(&stage->node);
	SCRIPT_UNTIL(&stage->peer, stage->peer.is_closed);
	node_start(&stage->node);
	assert_int_equal(node_figures(&stage->node).feeds_paused, 1);
	ebt = offer(stage);
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->far, 2 * 2 + 1)));
	send_from(stage, ebt, 2);
	wait_head(stage, 2);
}

static void a_history_stream_pauses_as_well(void **state)
{
	struct stage *stage = *state;
	sent_before(stage, 0, LIMIT_FAR_FEED_FIRST_MESSAGES, 0);
	stage->peer.refuses_ebt = true;
	script_dial(&stage->peer, &stage->node);
	struct script_call *ask = script_open(&stage->peer, "createHistoryStream", RPC_SOURCE,
		"[{\"id\":\"@AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=.ed25519\"}]");
	SCRIPT_UNTIL(&stage->peer, ask->is_ended);
	SCRIPT_UNTIL(&stage->peer, script_called(&stage->peer, "createHistoryStream", 0) != NULL);
	script_linger(&stage->peer, 100);
	const struct script_call *call;
	for (size_t i = 0; (call = script_called(&stage->peer, "createHistoryStream", i)) != NULL;
		i++) {
		assert_null(strstr(call->args, stage->far.text));
	}
}

/* Peers. */

/* Items for a number nobody has, until the node stops reading or `bytes` are sent. */
static void pour(struct stage *stage, int64_t bytes)
{
	static uint8_t junk[32 * KIB];
	struct script_call *ebt = script_open(&stage->peer, "ebt.replicate", RPC_DUPLEX, replicate);
	int64_t sent = 0;
	for (int idle = 0; sent < bytes && idle < 2000;) {
		if (rpc_is_full(ebt->call)) {
			idle++;
			script_turn(&stage->peer);
			continue;
		}
		idle = 0;
		assert_int_equal(
			rpc_send(ebt->call, MUXRPC_BINARY, span_of(junk, sizeof(junk))), ERR_OK);
		sent += sizeof(junk);
		(void)loop_step(stage->peer.loop);
	}
}

static void a_stranger_over_its_share_waits_connected_and_others_do_not(void **state)
{
	struct stage *stage = *state;
	struct script friend = stage->peer;
	script_init(&stage->peer, 7);
	script_dial(&stage->peer, &stage->node);
	pour(stage, LIMIT_PEER_BYTES_PER_HOUR_STRANGER / 2);
	script_linger(&stage->peer, 50);
	assert_int_equal(node_figures(&stage->node).peers_paused, 0);
	pour(stage, LIMIT_PEER_BYTES_PER_HOUR_STRANGER);
	assert_int_equal(node_figures(&stage->node).peers_paused, 1);
	assert_true(node_is_connected(&stage->node, &stage->peer.self.id));
	/* A new connection with the same key has no new share: it takes over what is left of it. */
	peer_close(stage->peer.peer, "again");
	peer_close(stage->peer.peer, "now");
	SCRIPT_UNTIL(&stage->peer, stage->peer.is_closed);
	script_dial(&stage->peer, &stage->node);
	assert_true(stage->peer.is_ready);
	pour(stage, LIMIT_PEER_BYTES_PER_HOUR_STRANGER / 16);
	assert_int_equal(node_figures(&stage->node).peers_paused, 1);
	/* Somebody else notices nothing, and whom we follow has more. */
	struct stage other = {.node = stage->node, .peer = friend};
	script_dial(&other.peer, &stage->node);
	struct script_call *who = script_open(&other.peer, "whoami", RPC_ASYNC, "[]");
	SCRIPT_UNTIL(&other.peer, who->is_ended);
	assert_true(script_has(who, stage->node.self.text));
	node_contact(&stage->node, &stage->peer.self.id, EDGE_FOLLOW);
	WAIT_UNTIL(node_figures(&stage->node).peers_paused == 0);
	script_close(&other.peer);
	script_fini(&stage->peer);
	stage->peer = other.peer;
}

static void a_friend_has_a_share_too_and_a_larger_one(void **state)
{
	struct stage *stage = *state;
	node_contact(&stage->node, &stage->peer.self.id, EDGE_FOLLOW);
	script_dial(&stage->peer, &stage->node);
	pour(stage, LIMIT_PEER_BYTES_PER_HOUR_STRANGER + 4 * MIB);
	assert_int_equal(node_figures(&stage->node).peers_paused, 0);
	assert_true(stage->peer.is_ready);
}

static void strangers_leave_the_last_quarter_of_the_places(void **state)
{
	struct stage *stage = *state;
	enum { PLACES = 4, STRANGERS = 3, CROWD = 8 };
	struct script crowd[CROWD];
	node_stop(&stage->node);
	stage->node.peers_max = PLACES;
	node_start(&stage->node);
	for (unsigned i = 0; i < CROWD; i++) {
		script_init(&crowd[i], 20 + i);
		script_dial(&crowd[i], &stage->node);
		assert_true(crowd[i].is_ready);
		node_wait_peer(&stage->node, &crowd[i].self.id, true);
		if (i >= STRANGERS) {
			SCRIPT_UNTIL(&crowd[i - STRANGERS], crowd[i - STRANGERS].is_closed);
		}
		assert_true(node_figures(&stage->node).connected <= STRANGERS);
	}
	script_dial(&stage->peer, &stage->node);
	node_wait_peer(&stage->node, &stage->peer.self.id, true);
	assert_int_equal(node_figures(&stage->node).connected, PLACES);
	for (unsigned i = 0; i < CROWD; i++) {
		script_fini(&crowd[i]);
	}
}

/* Blocks. */

static void whom_we_block_is_gone_with_the_commit(void **state)
{
	struct stage *stage = *state;
	char room[96];
	struct script_call *ebt = offer(stage);
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->far, 0)));
	send_from(stage, ebt, 3); /* a gap: nothing is stored */
	buf_clear(&ebt->text);
	node_contact(&stage->node, &stage->far.id, EDGE_BLOCK);
	SCRIPT_UNTIL(&stage->peer, script_has(ebt, note(room, &stage->far, -1)));
	send_from(stage, ebt, 0);
	script_linger(&stage->peer, 100);
	assert_int_equal(node_head(&stage->node, &stage->far.id), 0);
	node_contact(&stage->node, &stage->peer.self.id, EDGE_BLOCK);
	SCRIPT_UNTIL(&stage->peer, stage->peer.is_closed);
	script_dial(&stage->peer, &stage->node);
	SCRIPT_UNTIL(&stage->peer, stage->peer.is_closed);
}

/* `script` asks for the far feed by a live history stream; how many messages came? */
static struct script_call *ask_far(struct stage *stage)
{
	char args[128];
	(void)snprintf(args, sizeof(args), "[{\"id\":\"%s\",\"live\":true,\"keys\":false}]",
		stage->far.text);
	return script_open(&stage->peer, "createHistoryStream", RPC_SOURCE, args);
}

static void a_feed_whose_author_blocks_the_asker_ends_in_the_middle_of_a_stream(void **state)
{
	struct stage *stage = *state;
	char room[96];
	node_append(&stage->node, stage->messages, 2);
	stage->messages[0] = stage->messages[1] = NULL;
	script_dial(&stage->peer, &stage->node);
	struct script_call *live = ask_far(stage);
	struct script_call *ebt = script_open(&stage->peer, "ebt.replicate", RPC_DUPLEX, replicate);
	SCRIPT_UNTIL(&stage->peer, ebt->items >= 1 && live->items == 2);
	script_send(ebt, "{%s}", note(room, &stage->far, 2 * 2));
	struct author twin;
	author_twin(&twin, 2, &stage->far.head);
	for (size_t i = 2; i < MESSAGES; i++) {
		node_append(&stage->node, &stage->messages[i], 1);
		stage->messages[i] = NULL;
	}
	SCRIPT_UNTIL(&stage->peer, live->items == MESSAGES && script_has(ebt, "from afar"));
	struct message *block = author_contact(&twin, &stage->peer.self.id, EDGE_BLOCK);
	struct message *later = author_post(&twin, "not for everybody");
	node_append(&stage->node, &block, 1);
	node_append(&stage->node, &later, 1);
	SCRIPT_UNTIL(&stage->peer, live->is_ended);
	script_linger(&stage->peer, 100);
	assert_false(script_has(live, "not for everybody"));
	assert_false(script_has(ebt, "not for everybody"));
	assert_true(script_has(ebt, note(room, &stage->far, -1)));
	struct script_call *again = ask_far(stage);
	SCRIPT_UNTIL(&stage->peer, again->is_ended);
	assert_int_equal(again->items, 0);
	author_fini(&twin);
}

static void what_a_feed_out_of_reach_blocks_counts_after_a_restart_too(void **state)
{
	struct stage *stage = *state;
	struct author twin;
	author_twin(&twin, 2, &stage->far.head);
	struct message *all[MESSAGES + 1];
	memcpy(all, stage->messages, sizeof(stage->messages));
	memset(stage->messages, 0, sizeof(stage->messages));
	all[MESSAGES] = author_contact(&twin, &stage->peer.self.id, EDGE_BLOCK);
	node_append(&stage->node, all, MESSAGES + 1);
	node_contact(&stage->node, &stage->peer.self.id, EDGE_NEITHER);
	node_stop(&stage->node);
	node_start(&stage->node);
	script_dial(&stage->peer, &stage->node);
	struct script_call *call = ask_far(stage);
	SCRIPT_UNTIL(&stage->peer, call->is_ended);
	assert_int_equal(call->items, 0);
	author_fini(&twin);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_far_feed_pauses_at_its_share_and_goes_on_the_next_day_where_it_was),
		TEST(on_its_first_day_a_far_feed_may_bring_its_history),
		TEST(the_pause_ends_when_we_follow_its_author),
		TEST(bytes_have_a_share_too),
		TEST(a_pause_outlives_a_restart),
		TEST(a_history_stream_pauses_as_well),
		TEST(a_stranger_over_its_share_waits_connected_and_others_do_not),
		TEST(a_friend_has_a_share_too_and_a_larger_one),
		TEST(strangers_leave_the_last_quarter_of_the_places),
		TEST(whom_we_block_is_gone_with_the_commit),
		TEST(a_feed_whose_author_blocks_the_asker_ends_in_the_middle_of_a_stream),
		TEST(what_a_feed_out_of_reach_blocks_counts_after_a_restart_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
