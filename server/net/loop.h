/**
 * net/loop: the loop thread: sockets, timers, what other threads post, and jobs for the worker
 * pool. On libuv.
 *
 * Everything here is called on the loop thread unless it says otherwise.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "base/env.h"

struct loop;
struct loop_timer;
typedef struct uv_loop_s uv_loop_t;

/** How many workers there will be, told to libuv through the environment. loop_new() does so too;
 * where other threads read the environment before that, ask while there are none. Keeps what the
 * environment says already. */
void loop_size_pool(void);
MUST_USE enum err loop_new(const struct env *env, struct loop **out);
/** After loop_run() returned and everything that used the loop is closed. */
void loop_free(struct loop *loop);
/** Runs until loop_stop(); what was posted before it is run still. The calling thread becomes the
 * loop thread. */
void loop_run(struct loop *loop);
/** Any thread. */
void loop_stop(struct loop *loop);
/** Run what is ready without waiting: for tests and for draining at the end. True when something is
 * still open or under way (set timers count, posts and tasks too). */
bool loop_step(struct loop *loop);

/** Run `fn(ctx)` on the loop thread soon. Any thread. ERR_BUSY when LIMIT_LOOP_POSTS wait,
 * ERR_CLOSED after loop_stop(). */
MUST_USE enum err loop_post(struct loop *loop, void (*fn)(void *ctx), void *ctx);
/** Run `work(ctx)` on a worker thread, then `done(ctx)` on the loop thread. */
MUST_USE enum err loop_work(
	struct loop *loop, void (*work)(void *ctx), void (*done)(void *ctx), void *ctx);

MUST_USE struct loop_timer *loop_timer_new(struct loop *loop, void (*on_due)(void *ctx), void *ctx);
/** Due once, `ms` from now; replaces an earlier setting. */
void loop_timer_set(struct loop_timer *timer, int64_t ms);
void loop_timer_clear(struct loop_timer *timer);
void loop_timer_free(struct loop_timer *timer);

/**
 * Something to be done at the end of this turn of the loop, once however often it is asked for:
 * flushing what the turn wrote, telling an owner that a thing closed. Embedded in its owner,
 * zeroed, with `fn` and `ctx` set; cancel it before its memory goes. Runs after all callbacks that
 * are on the stack now have returned.
 */
struct loop_task {
	void (*fn)(void *ctx);
	void *ctx;
	struct loop_task *next, *prev; /* the loop's */
};
void loop_task_queue(struct loop *loop, struct loop_task *task);
void loop_task_cancel(struct loop_task *task);

/**
 * LOOP_SCRATCH_BYTES that every reader of a socket shares: libuv asks for memory and hands it back
 * filled in one go, so that 10,000 idle connections hold none. Not to be kept.
 */
#define LOOP_SCRATCH_BYTES (64 * 1024)
uint8_t *loop_scratch(struct loop *loop);
/** Bytes that wait in the queues of all links; they add and subtract here
 * (LIMIT_PEERS_BUFFER_BYTES). */
size_t *loop_buffered(struct loop *loop);

/** The version of the library behind it, for people. */
const char *loop_engine(void);
const struct env *loop_env(const struct loop *loop);
uv_loop_t *loop_uv(struct loop *loop);

#endif
