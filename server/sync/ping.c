/*
 * Both ends take turns: who gets a time while not waiting for one sends its own back; who sent
 * first waits for that answer. We also send one of our own every LIMIT_PING_MS, so that no
 * connection is silent for long. The answer is held back for a few milliseconds: ssb-gossip takes a
 * round trip of 0 ms for a dead server. Nobody ends this call but the connection.
 */
#include "sync/ping.h"

#include <stdio.h>
#include <stdlib.h>

enum { PING_ANSWER_MS = 5 };

struct ping {
	struct partner *partner;
	struct rpc_call *call;
	struct loop_timer *answer_timer, *turn_timer;
	bool is_waiting; /* we sent a time and the next one is its answer */
};

static void send_now(struct ping *ping)
{
	char text[32];
	int len = snprintf(
		text, sizeof(text), "%lld", (long long)env_wall_ms(ping->partner->sync->env));
	if (ping->call != NULL &&
		rpc_send(ping->call, MUXRPC_JSON, span_of(text, (size_t)len)) == ERR_OK) {
		loop_timer_set(ping->turn_timer, LIMIT_PING_MS);
	}
}

static void on_answer_due(void *ctx)
{
	send_now(ctx);
}

static void on_turn(void *ctx)
{
	struct ping *ping = ctx;
	ping->is_waiting = true;
	send_now(ping);
}

static void on_item(void *ctx, struct rpc_call *call, enum muxrpc_type type, struct span body,
	const struct json *json)
{
	struct ping *ping = ctx;
	(void)call;
	(void)type;
	(void)body;
	(void)json;
	if (ping->is_waiting) {
		ping->is_waiting = false;
		return;
	}
	/* A flood of times gets one answer per timer turn: setting it again only moves it. */
	loop_timer_set(ping->answer_timer, PING_ANSWER_MS);
}

static void ping_free(struct ping *ping)
{
	if (ping->answer_timer != NULL) {
		loop_timer_free(ping->answer_timer);
	}
	if (ping->turn_timer != NULL) {
		loop_timer_free(ping->turn_timer);
	}
	free(ping);
}

static void on_end(void *ctx, struct rpc_call *call, const char *error)
{
	struct ping *ping = ctx;
	(void)call;
	(void)error;
	if (ping->partner->ping == ping) {
		ping->partner->ping = NULL;
	}
	ping_free(ping);
}

static struct ping *ping_new(struct partner *partner)
{
	struct ping *ping = calloc(1, sizeof(*ping));
	if (ping == NULL) {
		return NULL;
	}
	ping->partner = partner;
	ping->answer_timer = loop_timer_new(partner->sync->loop, on_answer_due, ping);
	ping->turn_timer = loop_timer_new(partner->sync->loop, on_turn, ping);
	if (ping->answer_timer == NULL || ping->turn_timer == NULL) {
		ping_free(ping);
		return NULL;
	}
	return ping;
}

static const struct rpc_handler handler = {.on_item = on_item, .on_end = on_end};

void ping_open(struct partner *partner)
{
	struct ping *ping = ping_new(partner);
	struct rpc_handler mine = handler;
	mine.ctx = ping;
	if (ping == NULL) {
		return;
	}
	if (rpc_open(peer_rpc(partner->peer), "gossip.ping", RPC_DUPLEX,
		    span_text("[{\"timeout\":300000}]"), &mine, &ping->call) != ERR_OK) {
		ping_free(ping);
		return;
	}
	partner->ping = ping;
	on_turn(ping);
}

void ping_serve(struct partner *partner, struct rpc_call *call, const struct json *args)
{
	struct ping *ping = ping_new(partner);
	struct rpc_handler mine = handler;
	(void)args; /* its timeout is a wish; ours is shorter than every connection's idle limit */
	if (ping == NULL) {
		rpc_refuse(call, "out of memory");
		return;
	}
	mine.ctx = ping;
	ping->call = call;
	rpc_accept(call, &mine);
	loop_timer_set(ping->turn_timer, LIMIT_PING_MS);
}
