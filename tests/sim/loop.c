/*
 * net/loop.h on the simulator's clock. A turn is one callback (a timer, a post, bytes, an answer of
 * a worker) and the tasks it queued. Worker jobs run at a moment of chance, their answers at a
 * later one, as they may in a pool of threads.
 */
#include "net/loop.h"

#include "base/limits.h"
#include "sim/net.h"

#include <assert.h>
#include <stdlib.h>

enum { TASK_PASSES = 4, POST_US_MAX = 60, WORK_US_MAX = 3000 };

struct post {
	struct post *next;
	void (*fn)(void *ctx);
	void *ctx;
};

struct work {
	struct work *next, *prev;
	struct loop *loop;
	void (*work)(void *ctx);
	void (*done)(void *ctx);
	void *ctx;
	bool is_worked;
	struct event event;
};

struct loop_timer {
	struct loop_timer *next, *prev;
	struct loop *loop;
	void (*on_due)(void *ctx);
	void *ctx;
	struct event event;
};

struct loop {
	const struct env *env;
	struct host *host;
	struct post *posts_first, *posts_last;
	size_t post_count;
	struct event posts_event, tasks_event;
	struct work *works;
	struct loop_timer *timers;
	struct loop_task tasks; /* ring with this as its sentinel */
	size_t buffered;
	bool is_stopped;
};

struct host *host_now;
static uint8_t scratch[LOOP_SCRATCH_BYTES];

/* Tasks and turns. */

void loop_task_queue(struct loop *loop, struct loop_task *task)
{
	if (task->next != NULL) {
		return;
	}
	task->prev = loop->tasks.prev;
	task->next = &loop->tasks;
	task->prev->next = task;
	loop->tasks.prev = task;
	if (host_now != loop->host && !event_is_set(&loop->tasks_event)) {
		event_set(&loop->tasks_event, 0);
	}
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

static bool has_tasks(const struct loop *loop)
{
	return loop->tasks.next != &loop->tasks;
}

static void run_pass(struct loop *loop)
{
	struct loop_task pass = loop->tasks;
	pass.next->prev = pass.prev->next = &pass;
	loop->tasks.next = loop->tasks.prev = &loop->tasks;
	while (pass.next != &pass) {
		struct loop_task *task = pass.next;
		loop_task_cancel(task);
		task->fn(task->ctx);
	}
}

void loop_turn(struct loop *loop, void (*fn)(void *ctx), void *ctx)
{
	struct host *before = host_now;
	struct host *host = loop->host;
	host_now = host;
	fn(ctx);
	for (int i = 0; i < TASK_PASSES && has_tasks(loop); i++) {
		run_pass(loop);
	}
	host_now = before;
	if (has_tasks(loop)) {
		event_set(&loop->tasks_event, 1);
	}
	if (host->on_turn != NULL) {
		host->on_turn(host->ctx);
	}
}

static void nothing(void *ctx)
{
	(void)ctx;
}

static void on_tasks(void *ctx)
{
	loop_turn(ctx, nothing, NULL);
}

/* Posts. */

static struct post *take_post(struct loop *loop)
{
	struct post *post = loop->posts_first;
	if (post != NULL) {
		loop->posts_first = post->next;
		loop->posts_last = post->next == NULL ? NULL : loop->posts_last;
		loop->post_count--;
	}
	return post;
}

static void run_posts(void *ctx)
{
	struct loop *loop = ctx;
	struct post *post;
	for (size_t left = loop->post_count; left > 0; left--) {
		post = take_post(loop);
		post->fn(post->ctx);
		free(post);
	}
}

static void on_posts(void *ctx)
{
	struct loop *loop = ctx;
	loop_turn(loop, run_posts, loop);
	if (loop->posts_first != NULL && !event_is_set(&loop->posts_event)) {
		event_set(&loop->posts_event, 1);
	}
}

enum err loop_post(struct loop *loop, void (*fn)(void *ctx), void *ctx)
{
	if (loop->is_stopped) {
		return ERR_CLOSED;
	}
	if (loop->post_count == LIMIT_LOOP_POSTS) {
		return ERR_BUSY;
	}
	struct post *post = calloc(1, sizeof(*post));
	if (post == NULL) {
		return ERR_NOMEM;
	}
	*post = (struct post){.fn = fn, .ctx = ctx};
	if (loop->posts_last == NULL) {
		loop->posts_first = post;
	} else {
		loop->posts_last->next = post;
	}
	loop->posts_last = post;
	loop->post_count++;
	if (!event_is_set(&loop->posts_event)) {
		event_set(&loop->posts_event, dice_between(DICE_WORK, 1, POST_US_MAX));
	}
	return ERR_OK;
}

/* Work. */

static void work_done(struct work *work)
{
	struct loop *loop = work->loop;
	event_clear(&work->event);
	if (work->prev != NULL) {
		work->prev->next = work->next;
	} else {
		loop->works = work->next;
	}
	if (work->next != NULL) {
		work->next->prev = work->prev;
	}
	loop_turn(loop, work->done, work->ctx);
	free(work);
}

static void work_step(struct work *work)
{
	struct host *before = host_now;
	if (work->is_worked) {
		work_done(work);
		return;
	}
	work->is_worked = true;
	host_now = work->loop->host;
	work->work(work->ctx);
	host_now = before;
}

static void on_work(void *ctx)
{
	struct work *work = ctx;
	bool is_last = work->is_worked;
	work_step(work);
	if (!is_last) {
		event_set(&work->event, dice_between(DICE_WORK, 1, WORK_US_MAX));
	}
}

enum err loop_work(struct loop *loop, void (*work)(void *ctx), void (*done)(void *ctx), void *ctx)
{
	struct work *job = calloc(1, sizeof(*job));
	if (job == NULL) {
		return ERR_NOMEM;
	}
	*job = (struct work){
		.next = loop->works, .loop = loop, .work = work, .done = done, .ctx = ctx};
	job->event = (struct event){.fn = on_work, .ctx = job};
	if (job->next != NULL) {
		job->next->prev = job;
	}
	loop->works = job;
	event_set(&job->event, dice_between(DICE_WORK, 1, WORK_US_MAX));
	return ERR_OK;
}

/* Timers. */

static void on_timer(void *ctx)
{
	struct loop_timer *timer = ctx;
	loop_turn(timer->loop, timer->on_due, timer->ctx);
}

struct loop_timer *loop_timer_new(struct loop *loop, void (*on_due)(void *ctx), void *ctx)
{
	struct loop_timer *timer = calloc(1, sizeof(*timer));
	if (timer == NULL) {
		return NULL;
	}
	*timer = (struct loop_timer){
		.next = loop->timers, .loop = loop, .on_due = on_due, .ctx = ctx};
	timer->event = (struct event){.fn = on_timer, .ctx = timer};
	if (timer->next != NULL) {
		timer->next->prev = timer;
	}
	loop->timers = timer;
	return timer;
}

void loop_timer_set(struct loop_timer *timer, int64_t ms)
{
	event_set(&timer->event, ms < 0 ? 0 : ms * MILLI_US);
}

void loop_timer_clear(struct loop_timer *timer)
{
	event_clear(&timer->event);
}

void loop_timer_free(struct loop_timer *timer)
{
	if (timer == NULL) {
		return;
	}
	event_clear(&timer->event);
	if (timer->prev != NULL) {
		timer->prev->next = timer->next;
	} else {
		timer->loop->timers = timer->next;
	}
	if (timer->next != NULL) {
		timer->next->prev = timer->prev;
	}
	free(timer);
}

/* Life. */

enum err loop_new(const struct env *env, struct loop **out)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	if (loop == NULL) {
		return ERR_NOMEM;
	}
	loop->env = env;
	loop->host = env->ctx;
	loop->tasks.next = loop->tasks.prev = &loop->tasks;
	loop->posts_event = (struct event){.fn = on_posts, .ctx = loop};
	loop->tasks_event = (struct event){.fn = on_tasks, .ctx = loop};
	*out = loop;
	return ERR_OK;
}

void loop_free(struct loop *loop)
{
	if (loop == NULL) {
		return;
	}
	assert(loop->timers == NULL && loop->works == NULL && !has_tasks(loop));
	assert(loop->buffered == 0);
	struct post *post;
	while ((post = take_post(loop)) != NULL) {
		free(post);
	}
	event_clear(&loop->posts_event);
	event_clear(&loop->tasks_event);
	free(loop);
}

void loop_stop(struct loop *loop)
{
	loop->is_stopped = true;
}

/* One thing that is ready. A worker's job and its answer at once: nobody sees the difference. */
static bool drain_one(struct loop *loop)
{
	if (loop->posts_first != NULL) {
		loop_turn(loop, run_posts, loop);
	} else if (has_tasks(loop)) {
		on_tasks(loop);
	} else if (loop->works != NULL) {
		struct work *work = loop->works;
		work_step(work);
	} else {
		return false;
	}
	return true;
}

static struct loop_timer *first_timer(struct loop *loop)
{
	struct loop_timer *first = NULL;
	for (struct loop_timer *timer = loop->timers; timer != NULL; timer = timer->next) {
		bool is_set = event_is_set(&timer->event);
		if (is_set && (first == NULL || timer->event.at_us < first->event.at_us ||
				      (timer->event.at_us == first->event.at_us &&
					      timer->event.serial < first->event.serial))) {
			first = timer;
		}
	}
	return first;
}

void loop_drain(struct loop *loop, bool (*is_done)(void *ctx), void *ctx)
{
	int64_t now_us = world.now_us;
	while (!is_done(ctx)) {
		if (drain_one(loop)) {
			continue;
		}
		struct loop_timer *timer = first_timer(loop);
		assert(timer != NULL); /* else it would wait for ever */
		world.now_us =
			timer->event.at_us > world.now_us ? timer->event.at_us : world.now_us;
		event_clear(&timer->event);
		on_timer(timer);
	}
	world.now_us = now_us;
}

uint8_t *loop_scratch(struct loop *loop)
{
	(void)loop;
	return scratch;
}

size_t *loop_buffered(struct loop *loop)
{
	return &loop->buffered;
}

const struct env *loop_env(const struct loop *loop)
{
	return loop->env;
}

struct host *loop_host(const struct loop *loop)
{
	return loop->host;
}
