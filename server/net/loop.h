/**
 * net/loop: the loop thread: sockets, timers, what other threads post, and jobs for the worker pool. On libuv.
 *
 * Everything here is called on the loop thread unless it says otherwise.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "base/env.h"

struct loop;
struct loop_timer;
typedef struct uv_loop_s uv_loop_t;

MUST_USE enum err loop_new(const struct env *env, struct loop **out);
/** After loop_run() returned and everything that used the loop is closed. */
void loop_free(struct loop *loop);
/** Runs until loop_stop(). The calling thread becomes the loop thread. */
void loop_run(struct loop *loop);
/** Any thread, also a signal's callback. */
void loop_stop(struct loop *loop);
/** Run what is ready without waiting: for tests and for draining at the end. True when something is still open. */
bool loop_step(struct loop *loop);

/** Run `fn(ctx)` on the loop thread soon. Any thread. ERR_BUSY when 4,096 wait, ERR_CLOSED after loop_stop(). */
MUST_USE enum err loop_post(struct loop *loop, void (*fn)(void *ctx), void *ctx);
/** Run `work(ctx)` on a worker thread, then `done(ctx)` on the loop thread. */
MUST_USE enum err loop_work(struct loop *loop, void (*work)(void *ctx), void (*done)(void *ctx), void *ctx);

MUST_USE struct loop_timer *loop_timer_new(struct loop *loop, void (*on_due)(void *ctx), void *ctx);
/** Due once, `ms` from now; replaces an earlier setting. */
void loop_timer_set(struct loop_timer *timer, int64_t ms);
void loop_timer_clear(struct loop_timer *timer);
void loop_timer_free(struct loop_timer *timer);

/** SIGINT and SIGTERM call `on_signal` once each. */
MUST_USE enum err loop_on_signals(struct loop *loop, void (*on_signal)(void *ctx, int signal), void *ctx);

const struct env *loop_env(const struct loop *loop);
uv_loop_t *loop_uv(struct loop *loop);

#endif
