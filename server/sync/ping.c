/*
 * Both ends take turns: who gets a time while not waiting for one sends its own back; who sent
 * first waits for that answer. We also send one of our own every LIMIT_PING_MS, so that no
 * connection is silent for long. The answer is held back for a few milliseconds: ssb-gossip takes a
 * round trip of 0 ms for a dead server. Nobody ends this call but the connection.
 *
 * Behind each time of ours we watch whether anything comes. JavaScript answers a time at once,
 * unless it waits for an answer itself (then its own time came or is on its way), and sends one of
 * its own only every five minutes; go-ssb answers the first time and none after it. So only who has
 * answered twice is held to it, and any byte counts as an answer. Others have LIMIT_PEER_IDLE_MS
 * and one turn of ours. A peer that we do not read, or whose queue is full, cannot be judged: that
 * is the write stall's part. A host that is gone for good the kernel finds out (LIMIT_UNACKED_MS),
 * as there is something to be acknowledged.
 */
#include "sync/ping.h"

#include "sync/peers.h"

#include <stdio.h>
#include <stdlib.h>

enum { PING_ANSWER_MS = 5, PING_GRACE_MS = 2000, PING_ANSWERS = 2 };

struct ping {
	struct partner *partner;
	struct rpc_call *call;
	struct loop_timer *answer_timer, *turn_timer, *watch_timer;
	bool is_waiting;   /* we sent a time and the next one is its answer */
	bool is_late;      /* nothing came in time: what is in the socket is read before we judge */
	unsigned answers;  /* to times of ours, in turn */
	uint64_t bytes_in; /* when the watch began */
	int64_t in_ms;     /* monotonic: something is known to have come since */
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

static uint64_t bytes_in(const struct ping *ping)
{
	struct peer_figures figures;
	peer_figures(ping->partner->peer, &figures);
	return figures.bytes_in;
}

static void watch(struct ping *ping, int64_t ms)
{
	ping->is_late = false;
	ping->bytes_in = bytes_in(ping);
	loop_timer_set(ping->watch_timer, ms);
}

static void judge(struct ping *ping)
{
	const struct sync *sync = ping->partner->sync;
	int64_t silent_ms = env_mono_ms(sync->env) - ping->in_ms;
	if (ping->answers >= PING_ANSWERS) {
		peers_close(ping->partner, "no answer to a ping");
	} else if (silent_ms >= LIMIT_PEER_IDLE_MS + LIMIT_PING_MS) {
		peers_close(ping->partner, "idle for too long");
	}
}

static void on_watch_due(void *ctx)
{
	struct ping *ping = ctx;
	const struct partner *partner = ping->partner;
	if (!partner->is_ready || partner->is_closing) {
		return;
	}
	if (bytes_in(ping) != ping->bytes_in) {
		ping->in_ms = env_mono_ms(partner->sync->env);
	} else if (peer_is_held(partner->peer)) {
		watch(ping, LIMIT_PING_ANSWER_MS);
	} else if (!ping->is_late) {
		ping->is_late = true;
		loop_timer_set(ping->watch_timer, PING_GRACE_MS);
	} else {
		judge(ping);
	}
}

static void ask(struct ping *ping, int64_t answer_ms)
{
	ping->is_waiting = true;
	send_now(ping);
	watch(ping, answer_ms);
}

static void on_turn(void *ctx)
{
	ask(ctx, LIMIT_PING_ANSWER_MS);
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
		ping->answers++;
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
	if (ping->watch_timer != NULL) {
		loop_timer_free(ping->watch_timer);
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
	ping->watch_timer = loop_timer_new(partner->sync->loop, on_watch_due, ping);
	ping->in_ms = env_mono_ms(partner->sync->env);
	if (ping->answer_timer == NULL || ping->turn_timer == NULL || ping->watch_timer == NULL) {
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
	if (partner->ping == NULL) {
		partner->ping = ping;
	}
}

void ping_probe(struct partner *partner)
{
	if (partner->ping != NULL) {
		ask(partner->ping, LIMIT_PROBE_MS);
	}
}
