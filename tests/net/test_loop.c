/* net/loop: posts, jobs, timers, tasks, signals, and an idle loop that sleeps. */
#include "net/net_lib.h"

#include <pthread.h>
#include <stdatomic.h>

struct count {
	struct loop *loop;
	struct loop_task task;
	int times, more;
};

static void add_one(void *ctx)
{
	((struct count *)ctx)->times++;
}

static void posts_run_in_order_and_a_full_queue_refuses(void **state)
{
	(void)state;
	struct loop *loop = loop_for_test();
	struct count count = {0};
	for (int i = 0; i < LIMIT_LOOP_POSTS; i++) {
		assert_int_equal(loop_post(loop, add_one, &count), ERR_OK);
	}
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(loop_post(loop, add_one, &count), ERR_BUSY);
	}
	TURN_UNTIL(loop, count.times == LIMIT_LOOP_POSTS);
	assert_int_equal(loop_post(loop, add_one, &count), ERR_OK);
	TURN_UNTIL(loop, count.times == LIMIT_LOOP_POSTS + 1);
	loop_free(loop);
}

struct poster {
	struct loop *loop;
	struct count *count;
	int posted;
};

static void *post_many(void *ctx)
{
	struct poster *poster = ctx;
	enum err err = ERR_OK;
	while (err != ERR_CLOSED) {
		err = loop_post(poster->loop, add_one, poster->count);
		poster->posted += err == ERR_OK;
	}
	return NULL;
}

static void stop_when_many(void *ctx)
{
	struct count *count = ctx;
	if (count->times > 5000) {
		loop_stop(count->loop);
	} else {
		loop_task_queue(count->loop, &count->task);
	}
}

static void what_was_posted_before_the_stop_is_run_and_nothing_after(void **state)
{
	(void)state;
	struct loop *loop = loop_for_test();
	struct count count = {.loop = loop};
	struct poster posters[3];
	pthread_t threads[3];
	count.task = (struct loop_task){.fn = stop_when_many, .ctx = &count};
	loop_task_queue(loop, &count.task);
	for (int i = 0; i < 3; i++) {
		posters[i] = (struct poster){.loop = loop, .count = &count};
		assert_int_equal(pthread_create(&threads[i], NULL, post_many, &posters[i]), 0);
	}
	loop_run(loop);
	int posted = 0;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		posted += posters[i].posted;
	}
	assert_int_equal(count.times, posted);
	assert_int_equal(loop_post(loop, add_one, &count), ERR_CLOSED);
	loop_free(loop);
}

struct job {
	pthread_t loop_thread;
	bool ran_elsewhere, done_here;
};

static void job_work(void *ctx)
{
	struct job *job = ctx;
	job->ran_elsewhere = !pthread_equal(pthread_self(), job->loop_thread);
}

static void job_done(void *ctx)
{
	struct job *job = ctx;
	job->done_here = job->ran_elsewhere && pthread_equal(pthread_self(), job->loop_thread);
}

static void jobs_run_on_another_thread_and_end_on_the_loop(void **state)
{
	(void)state;
	struct loop *loop = loop_for_test();
	struct job jobs[20] = {0};
	for (int i = 0; i < 20; i++) {
		jobs[i].loop_thread = pthread_self();
		assert_int_equal(loop_work(loop, job_work, job_done, &jobs[i]), ERR_OK);
	}
	for (int i = 0; i < 20; i++) {
		TURN_UNTIL(loop, jobs[i].done_here);
	}
	loop_free(loop);
}

static void a_timer_is_due_once_and_can_be_set_again_or_cleared(void **state)
{
	(void)state;
	struct loop *loop = loop_for_test();
	struct count one = {0};
	struct count two = {0};
	struct loop_timer *timer = loop_timer_new(loop, add_one, &one);
	struct loop_timer *cleared = loop_timer_new(loop, add_one, &two);
	assert_non_null(timer);
	assert_non_null(cleared);
	loop_timer_set(timer, 1000000);
	loop_timer_set(timer, 1);
	loop_timer_set(cleared, 1);
	loop_timer_clear(cleared);
	TURN_UNTIL(loop, one.times == 1);
	turns(loop, 20);
	assert_int_equal(one.times, 1);
	assert_int_equal(two.times, 0);
	loop_timer_set(timer, 0);
	TURN_UNTIL(loop, one.times == 2);
	loop_timer_free(timer);
	loop_timer_free(cleared);
	loop_timer_free(NULL);
	loop_free(loop);
}

static void again(void *ctx)
{
	struct count *count = ctx;
	count->times++;
	if (count->times < count->more) {
		loop_task_queue(count->loop, &count->task);
		loop_task_queue(count->loop, &count->task);
	}
}

static void a_task_runs_once_per_request_and_a_cancelled_one_never(void **state)
{
	(void)state;
	struct loop *loop = loop_for_test();
	struct count one = {.loop = loop, .more = 100};
	struct count two = {.loop = loop};
	one.task = (struct loop_task){.fn = again, .ctx = &one};
	two.task = (struct loop_task){.fn = again, .ctx = &two};
	loop_task_queue(loop, &one.task);
	loop_task_queue(loop, &one.task);
	loop_task_queue(loop, &two.task);
	loop_task_cancel(&two.task);
	loop_task_cancel(&two.task);
	assert_int_equal(one.times, 0);
	TURN_UNTIL(loop, one.times == 100);
	while (loop_step(loop)) {
	}
	assert_int_equal(one.times, 100);
	assert_int_equal(two.times, 0);
	loop_free(loop);
}

static int64_t thread_cpu_us(void)
{
	struct timespec at;
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
	return (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

static void end_of_idleness(void *ctx)
{
	loop_stop(ctx);
}

/* Not a timed assertion: a loop that spins instead of sleeping burns the whole 300 ms. */
static void an_idle_loop_sleeps(void **state)
{
	(void)state;
	struct loop *loop = loop_for_test();
	struct count count = {.loop = loop, .more = 10};
	struct loop_timer *timer = loop_timer_new(loop, end_of_idleness, loop);
	assert_non_null(timer);
	count.task = (struct loop_task){.fn = again, .ctx = &count};
	loop_task_queue(loop, &count.task);
	loop_timer_set(timer, 300);
	int64_t before = thread_cpu_us();
	loop_run(loop);
	assert_true(thread_cpu_us() - before < 150000);
	assert_int_equal(count.times, 10);
	loop_timer_free(timer);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(posts_run_in_order_and_a_full_queue_refuses),
		cmocka_unit_test(what_was_posted_before_the_stop_is_run_and_nothing_after),
		cmocka_unit_test(jobs_run_on_another_thread_and_end_on_the_loop),
		cmocka_unit_test(a_timer_is_due_once_and_can_be_set_again_or_cleared),
		cmocka_unit_test(a_task_runs_once_per_request_and_a_cancelled_one_never),
		cmocka_unit_test(an_idle_loop_sleeps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
