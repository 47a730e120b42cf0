/*
 * The loop thread on libuv. One async handle wakes it for posts and for the stop; a prepare and a
 * check handle run the tasks of the turn just before and just after the wait for sockets, so that
 * what a turn wrote leaves in that turn. With nothing to do no handle is due and the thread sleeps.
 */
#include "net/loop.h"

#include "base/limits.h"
#include "base/log.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

enum { LOOP_TASK_PASSES = 4, LOOP_THREADS_MIN = 4, LOOP_THREADS_SPARE = 2, LOOP_DRAIN_MS = 3000 };

struct post {
	void (*fn)(void *ctx);
	void *ctx;
};

struct loop {
	uv_loop_t uv;
	const struct env *env;
	uv_async_t wake;
	uv_prepare_t before_wait;
	uv_check_t after_wait;
	uv_idle_t dont_wait;

	pthread_mutex_t lock; /* over the posts */
	struct post *posts;   /* a ring */
	size_t posts_first, posts_count;
	atomic_bool is_stopped;

	struct loop_task tasks; /* ring with this as its sentinel */
	size_t buffered;
	uint8_t scratch[LOOP_SCRATCH_BYTES];
};

/* Tasks. */

static void ring_init(struct loop_task *ring)
{
	ring->next = ring->prev = ring;
}

static bool ring_is_empty(const struct loop_task *ring)
{
	return ring->next == ring;
}

void loop_task_queue(struct loop *loop, struct loop_task *task)
{
	if (task->next != NULL) {
		return;
	}
	task->prev = loop->tasks.prev;
	task->next = &loop->tasks;
	task->prev->next = task;
	loop->tasks.prev = task;
}

void loop_task_cancel(struct loop_task *task)
{
	if (task->next == NULL) {
		return;
	}
	task->prev->next = task->next;
	task->next->prev = task->prev;
	task->next = task->prev = NULL;
}

/* Run the tasks that are there now; those they queue come in the next pass. */
static void run_pass(struct loop *loop)
{
	struct loop_task pass = loop->tasks;
	if (ring_is_empty(&loop->tasks)) {
		return;
	}
	pass.next->prev = pass.prev->next = &pass;
	ring_init(&loop->tasks);
	while (!ring_is_empty(&pass)) {
		struct loop_task *task = pass.next;
		loop_task_cancel(task);
		task->fn(task->ctx);
	}
}

static void run_tasks(struct loop *loop)
{
	for (int i = 0; i < LOOP_TASK_PASSES; i++) {
		run_pass(loop);
	}
	/* Tasks that keep queueing tasks must not starve the sockets, nor may the loop sleep on
	 * them. */
	if (ring_is_empty(&loop->tasks)) {
		(void)uv_idle_stop(&loop->dont_wait);
	}
}

static void on_idle(uv_idle_t *idle)
{
	(void)idle;
}

static void on_before_wait(uv_prepare_t *handle)
{
	struct loop *loop = handle->data;
	run_tasks(loop);
	if (!ring_is_empty(&loop->tasks)) {
		(void)uv_idle_start(&loop->dont_wait, on_idle);
	}
}

static void on_after_wait(uv_check_t *handle)
{
	run_tasks(handle->data);
}

/* Posts. */

static bool take_post(struct loop *loop, struct post *out)
{
	bool has = false;
	(void)pthread_mutex_lock(&loop->lock);
	if (loop->posts_count > 0) {
		*out = loop->posts[loop->posts_first];
		loop->posts_first = (loop->posts_first + 1) % LIMIT_LOOP_POSTS;
		loop->posts_count--;
		has = true;
	}
	(void)pthread_mutex_unlock(&loop->lock);
	return has;
}

static bool has_posts(struct loop *loop)
{
	(void)pthread_mutex_lock(&loop->lock);
	bool has = loop->posts_count > 0;
	(void)pthread_mutex_unlock(&loop->lock);
	return has;
}

static void on_wake(uv_async_t *wake)
{
	struct loop *loop = wake->data;
	struct post post;
	for (int i = 0; i < LIMIT_LOOP_POSTS && take_post(loop, &post); i++) {
		post.fn(post.ctx);
	}
	if (atomic_load(&loop->is_stopped)) {
		uv_stop(&loop->uv);
	} else if (has_posts(loop)) {
		(void)uv_async_send(wake);
	}
}

enum err loop_post(struct loop *loop, void (*fn)(void *ctx), void *ctx)
{
	enum err err = ERR_OK;
	(void)pthread_mutex_lock(&loop->lock);
	if (atomic_load(&loop->is_stopped)) {
		err = ERR_CLOSED;
	} else if (loop->posts_count == LIMIT_LOOP_POSTS) {
		err = ERR_BUSY;
	} else {
		size_t last = (loop->posts_first + loop->posts_count) % LIMIT_LOOP_POSTS;
		loop->posts[last] = (struct post){.fn = fn, .ctx = ctx};
		loop->posts_count++;
	}
	(void)pthread_mutex_unlock(&loop->lock);
	if (err == ERR_OK) {
		(void)uv_async_send(&loop->wake);
	}
	return err;
}

/* Work in the pool. */

struct job {
	uv_work_t req;
	void (*work)(void *ctx);
	void (*done)(void *ctx);
	void *ctx;
};

static void on_work(uv_work_t *req)
{
	struct job *job = req->data;
	job->work(job->ctx);
}

static void on_work_done(uv_work_t *req, int status)
{
	struct job *job = req->data;
	(void)status; /* nothing cancels jobs */
	job->done(job->ctx);
	free(job);
}

enum err loop_work(struct loop *loop, void (*work)(void *ctx), void (*done)(void *ctx), void *ctx)
{
	struct job *job = calloc(1, sizeof(*job));
	if (job == NULL) {
		return ERR_NOMEM;
	}
	job->req.data = job;
	job->work = work;
	job->done = done;
	job->ctx = ctx;
	if (uv_queue_work(&loop->uv, &job->req, on_work, on_work_done) != 0) {
		free(job);
		return ERR_IO;
	}
	return ERR_OK;
}

/* Timers. */

struct loop_timer {
	uv_timer_t uv;
	void (*on_due)(void *ctx);
	void *ctx;
};

static void on_timer(uv_timer_t *uv)
{
	struct loop_timer *timer = uv->data;
	timer->on_due(timer->ctx);
}

struct loop_timer *loop_timer_new(struct loop *loop, void (*on_due)(void *ctx), void *ctx)
{
	struct loop_timer *timer = calloc(1, sizeof(*timer));
	if (timer == NULL) {
		return NULL;
	}
	(void)uv_timer_init(&loop->uv, &timer->uv);
	timer->uv.data = timer;
	timer->on_due = on_due;
	timer->ctx = ctx;
	return timer;
}

void loop_timer_set(struct loop_timer *timer, int64_t ms)
{
	/* libuv counts from the start of the turn; a long turn must not make the timer early. */
	uv_update_time(timer->uv.loop);
	(void)uv_timer_start(&timer->uv, on_timer, ms < 0 ? 0 : (uint64_t)ms, 0);
}

void loop_timer_clear(struct loop_timer *timer)
{
	(void)uv_timer_stop(&timer->uv);
}

static void on_timer_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void loop_timer_free(struct loop_timer *timer)
{
	if (timer != NULL) {
		uv_close((uv_handle_t *)&timer->uv, on_timer_closed);
	}
}

/* Life. */

/* The size is read once, at the pool's first use: room for DNS beside one job per core. */
void loop_size_pool(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	long threads = (cores < 1 ? 1 : cores) + LOOP_THREADS_SPARE;
	char text[24];
	(void)snprintf(text, sizeof(text), "%ld",
		threads < LOOP_THREADS_MIN ? (long)LOOP_THREADS_MIN : threads);
	(void)setenv("UV_THREADPOOL_SIZE", text, 0);
}

static void start_handles(struct loop *loop)
{
	(void)uv_prepare_init(&loop->uv, &loop->before_wait);
	(void)uv_check_init(&loop->uv, &loop->after_wait);
	(void)uv_idle_init(&loop->uv, &loop->dont_wait);
	loop->before_wait.data = loop->after_wait.data = loop->dont_wait.data = loop;
	(void)uv_prepare_start(&loop->before_wait, on_before_wait);
	(void)uv_check_start(&loop->after_wait, on_after_wait);
	uv_unref((uv_handle_t *)&loop->wake);
	uv_unref((uv_handle_t *)&loop->before_wait);
	uv_unref((uv_handle_t *)&loop->after_wait);
	uv_unref((uv_handle_t *)&loop->dont_wait);
}

enum err loop_new(const struct env *env, struct loop **out)
{
	loop_size_pool();
	struct loop *loop = calloc(1, sizeof(*loop));
	if (loop == NULL) {
		return ERR_NOMEM;
	}
	enum err err = ERR_NOMEM;
	loop->posts = calloc(LIMIT_LOOP_POSTS, sizeof(*loop->posts));
	if (loop->posts == NULL) {
		goto out;
	}
	err = ERR_IO;
	/* Who writes to a peer that went is told so by the call. */
	(void)signal(SIGPIPE, SIG_IGN);
	if (uv_loop_init(&loop->uv) != 0) {
		goto out;
	}
	if (uv_async_init(&loop->uv, &loop->wake, on_wake) != 0) {
		(void)uv_loop_close(&loop->uv);
		goto out;
	}
	(void)pthread_mutex_init(&loop->lock, NULL);
	loop->env = env;
	loop->wake.data = loop;
	ring_init(&loop->tasks);
	start_handles(loop);
	*out = loop;
	return ERR_OK;
out:
	free(loop->posts);
	free(loop);
	return err;
}

void loop_free(struct loop *loop)
{
	if (loop == NULL) {
		return;
	}
	bool is_alive = true;
	for (int i = 0; i < LOOP_DRAIN_MS && is_alive; i++) {
		is_alive = loop_step(loop); /* jobs that still run, handles that still close */
		if (is_alive) {
			uv_sleep(1);
		}
	}
	if (is_alive) {
		/* A look-up of a name can block for longer than anybody wants to wait at the end.
		 */
		LOG(loop->env, LOG_WARN, "loop.left_behind", LOG_NUM("waited_ms", LOOP_DRAIN_MS));
		return;
	}
	uv_close((uv_handle_t *)&loop->wake, NULL);
	uv_close((uv_handle_t *)&loop->before_wait, NULL);
	uv_close((uv_handle_t *)&loop->after_wait, NULL);
	uv_close((uv_handle_t *)&loop->dont_wait, NULL);
	(void)uv_run(&loop->uv, UV_RUN_DEFAULT);
	int rc = uv_loop_close(&loop->uv);
	assert(rc == 0); /* else someone left a handle of theirs open */
	(void)rc;
	(void)pthread_mutex_destroy(&loop->lock);
	free(loop->posts);
	free(loop);
}

void loop_run(struct loop *loop)
{
	struct post post;
	uv_ref((uv_handle_t *)&loop->wake);
	while (!atomic_load(&loop->is_stopped)) {
		(void)uv_run(&loop->uv, UV_RUN_DEFAULT);
	}
	uv_unref((uv_handle_t *)&loop->wake);
	/* A post that passed the test for the stop just before it is in the ring by now. */
	while (take_post(loop, &post)) {
		post.fn(post.ctx);
	}
}

void loop_stop(struct loop *loop)
{
	atomic_store(&loop->is_stopped, true);
	(void)uv_async_send(&loop->wake);
}

bool loop_step(struct loop *loop)
{
	/* libuv does not turn at all when nothing counts as alive, but tasks and posts may wait. */
	uv_ref((uv_handle_t *)&loop->wake);
	(void)uv_run(&loop->uv, UV_RUN_NOWAIT);
	uv_unref((uv_handle_t *)&loop->wake);
	return uv_loop_alive(&loop->uv) != 0 || !ring_is_empty(&loop->tasks) || has_posts(loop);
}

uint8_t *loop_scratch(struct loop *loop)
{
	return loop->scratch;
}

size_t *loop_buffered(struct loop *loop)
{
	return &loop->buffered;
}

const char *loop_engine(void)
{
	return uv_version_string();
}

const struct env *loop_env(const struct loop *loop)
{
	return loop->env;
}

uv_loop_t *loop_uv(struct loop *loop)
{
	return &loop->uv;
}
