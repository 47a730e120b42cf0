/*
 * sync/ping: who takes turns, and whose silence ends a connection. Clock, timers, calls and bytes
 * are played here.
 */
#include "lib/cmocka.h"

#include "sync/peers.h"
#include "sync/ping.h"

#include <stdlib.h>

enum { TIMERS = 3, MINUTE_MS = 60000 };

struct loop_timer {
	void (*on_due)(void *ctx);
	void *ctx;
	int64_t due_ms;
	bool is_used;
};

/* How the other side behaves. */
enum manner {
	JAVASCRIPT, /* answers each time at once, and says its own every five minutes */
	JS_DIALLER, /* the same, and it opened the call */
	GO,         /* answers the first time, and is silent then */
	DEAD,       /* answered before, and vanished */
	NEVER,      /* never says a byte */
	BUSY,       /* never answers, but other bytes come */
};

static struct world {
	struct env env;
	int64_t now_ms;
	struct loop_timer timers[TIMERS];
	struct sync sync;
	struct partner partner;
	struct rpc_handler handler;
	uint64_t bytes_in;
	unsigned sent, answers;
	bool is_held, is_serving; /* JavaScript waits for our answer */
	int64_t answer_ms, theirs_ms;
	enum manner manner;
	const char *closed;
	int64_t closed_ms;
} world;

static int64_t now_ms(void *ctx)
{
	(void)ctx;
	return world.now_ms;
}

struct loop_timer *loop_timer_new(struct loop *loop, void (*on_due)(void *ctx), void *ctx)
{
	(void)loop;
	for (int i = 0; i < TIMERS; i++) {
		if (!world.timers[i].is_used) {
			world.timers[i] = (struct loop_timer){
				.on_due = on_due, .ctx = ctx, .due_ms = -1, .is_used = true};
			return &world.timers[i];
		}
	}
	return NULL;
}

void loop_timer_set(struct loop_timer *timer, int64_t ms)
{
	timer->due_ms = world.now_ms + ms;
}

void loop_timer_free(struct loop_timer *timer)
{
	timer->is_used = false;
	timer->due_ms = -1;
}

struct rpc *peer_rpc(struct peer *peer)
{
	return (struct rpc *)peer;
}

void peer_figures(const struct peer *peer, struct peer_figures *out)
{
	(void)peer;
	*out = (struct peer_figures){.bytes_in = world.bytes_in};
}

bool peer_is_held(const struct peer *peer)
{
	(void)peer;
	return world.is_held;
}

void peers_close(struct partner *partner, const char *reason)
{
	partner->is_closing = true;
	world.closed = reason;
	world.closed_ms = world.now_ms;
}

enum err rpc_open(struct rpc *rpc, const char *name, enum rpc_kind kind, struct span args,
	const struct rpc_handler *given, struct rpc_call **out)
{
	(void)rpc;
	(void)args;
	assert_string_equal(name, "gossip.ping");
	assert_int_equal(kind, RPC_DUPLEX);
	world.handler = *given;
	*out = (struct rpc_call *)(void *)&world;
	return ERR_OK;
}

void rpc_accept(struct rpc_call *call, const struct rpc_handler *given)
{
	(void)call;
	world.handler = *given;
}

void rpc_refuse(struct rpc_call *call, const char *message)
{
	(void)call;
	(void)message;
}

/* Our time arrives there. */
enum err rpc_send(struct rpc_call *call, enum muxrpc_type type, struct span body)
{
	(void)call;
	(void)type;
	(void)body;
	world.sent++;
	if (world.is_serving) {
		world.is_serving = false; /* it was the answer they waited for */
	} else if (world.manner <= JS_DIALLER || (world.manner == GO && world.answers == 0)) {
		world.answer_ms = world.now_ms + 40;
	}
	return ERR_OK;
}

static void say_time(void)
{
	world.bytes_in += 13;
	world.handler.on_item(
		world.handler.ctx, NULL, MUXRPC_JSON, span_text("1795351736968"), NULL);
}

static void begin(enum manner manner)
{
	memset(&world, 0, sizeof(world));
	world.env.mono_ms = now_ms;
	world.env.wall_ms = now_ms;
	world.now_ms = 1000;
	world.manner = manner;
	world.answer_ms = -1;
	world.theirs_ms = manner <= JS_DIALLER ? world.now_ms + 5 * MINUTE_MS : -1;
	world.sync.env = &world.env;
	world.partner = (struct partner){.sync = &world.sync, .is_ready = true};
	if (manner == JS_DIALLER) {
		ping_serve(&world.partner, (struct rpc_call *)(void *)&world, NULL);
		world.is_serving = true;
		say_time();
	} else {
		ping_open(&world.partner);
	}
	assert_non_null(world.partner.ping);
}

static int tear_down(void **state)
{
	(void)state;
	world.handler.on_end(world.handler.ctx, NULL, NULL);
	assert_null(world.partner.ping);
	return 0;
}

static void run(int64_t ms)
{
	for (int64_t until = world.now_ms + ms; world.now_ms < until && world.closed == NULL;
		world.now_ms += 5) {
		if (world.answer_ms >= 0 && world.now_ms >= world.answer_ms) {
			world.answer_ms = -1;
			world.answers++;
			say_time();
		}
		if (world.theirs_ms >= 0 && world.now_ms >= world.theirs_ms) {
			world.theirs_ms = world.now_ms + 5 * MINUTE_MS;
			world.is_serving = true;
			say_time();
		}
		if (world.manner == BUSY && world.now_ms % 30000 == 0) {
			world.bytes_in += 100;
		}
		for (int i = 0; i < TIMERS; i++) {
			struct loop_timer *timer = &world.timers[i];
			if (timer->is_used && timer->due_ms >= 0 && timer->due_ms <= world.now_ms) {
				timer->due_ms = -1;
				timer->on_due(timer->ctx);
			}
		}
	}
}

static void javascript_is_never_cut(void **state)
{
	(void)state;
	begin(JAVASCRIPT);
	run(24LL * 60 * MINUTE_MS);
	assert_null(world.closed);
	assert_true(world.answers > 24 * 20);
}

static void a_javascript_dialler_is_never_cut(void **state)
{
	(void)state;
	begin(JS_DIALLER);
	run(24LL * 60 * MINUTE_MS);
	assert_null(world.closed);
	assert_false(world.is_serving); /* each of its times was answered */
}

static void who_answered_and_is_silent_now_is_closed_within_three_minutes(void **state)
{
	(void)state;
	begin(JAVASCRIPT);
	run(20LL * MINUTE_MS);
	world.manner = DEAD;
	world.theirs_ms = -1;
	int64_t died_ms = world.now_ms;
	run(60LL * MINUTE_MS);
	assert_string_equal(world.closed, "no answer to a ping");
	assert_true(world.closed_ms - died_ms <= LIMIT_PING_MS + LIMIT_PING_ANSWER_MS + 3000);
}

static void after_a_sleep_it_takes_seconds(void **state)
{
	(void)state;
	begin(JAVASCRIPT);
	run(20LL * MINUTE_MS);
	ping_probe(&world.partner);
	run(5LL * MINUTE_MS);
	assert_null(world.closed);
	world.manner = DEAD;
	world.theirs_ms = -1;
	int64_t woke_ms = world.now_ms;
	ping_probe(&world.partner);
	run(60LL * MINUTE_MS);
	assert_string_equal(world.closed, "no answer to a ping");
	assert_true(world.closed_ms - woke_ms <= LIMIT_PROBE_MS + 3000);
}

static void who_answers_only_once_has_the_idle_limit(void **state)
{
	(void)state;
	begin(GO);
	run(60LL * MINUTE_MS);
	assert_string_equal(world.closed, "idle for too long");
	assert_true(world.closed_ms >= LIMIT_PEER_IDLE_MS);
	assert_true(world.closed_ms <= LIMIT_PEER_IDLE_MS + 3 * LIMIT_PING_MS);
}

static void who_never_says_anything_is_closed(void **state)
{
	(void)state;
	begin(NEVER);
	run(60LL * MINUTE_MS);
	assert_string_equal(world.closed, "idle for too long");
}

static void any_byte_is_a_sign_of_life(void **state)
{
	(void)state;
	begin(BUSY);
	run(24LL * 60 * MINUTE_MS);
	assert_null(world.closed);
}

static void who_is_not_read_is_not_judged(void **state)
{
	(void)state;
	begin(JAVASCRIPT);
	run(20LL * MINUTE_MS);
	world.manner = DEAD;
	world.theirs_ms = -1;
	world.is_held = true;
	run(60LL * MINUTE_MS);
	assert_null(world.closed);
	world.is_held = false;
	run(5LL * MINUTE_MS);
	assert_string_equal(world.closed, "no answer to a ping");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define SCENE(name) cmocka_unit_test_teardown(name, tear_down)
		SCENE(javascript_is_never_cut),
		SCENE(a_javascript_dialler_is_never_cut),
		SCENE(who_answered_and_is_silent_now_is_closed_within_three_minutes),
		SCENE(after_a_sleep_it_takes_seconds),
		SCENE(who_answers_only_once_has_the_idle_limit),
		SCENE(who_never_says_anything_is_closed),
		SCENE(any_byte_is_a_sign_of_life),
		SCENE(who_is_not_read_is_not_judged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
