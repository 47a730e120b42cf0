/* base/inbox: order, a full queue, closing, and several threads at once. */
#include "lib/cmocka.h"

#include "base/inbox.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>

enum { JOBS = 20000, PUTTERS = 3 };

static int jobs[PUTTERS][JOBS];

static void gives_jobs_in_the_order_they_came(void **state)
{
	(void)state;
	struct inbox *inbox = inbox_new(10);
	assert_non_null(inbox);
	for (int round = 0; round < 7; round++) {
		for (int i = 0; i < 6; i++) {
			assert_int_equal(inbox_put(inbox, &jobs[0][i]), ERR_OK);
		}
		for (int i = 0; i < 6; i++) {
			assert_ptr_equal(inbox_take(inbox, 0), &jobs[0][i]);
		}
	}
	assert_null(inbox_take(inbox, 0));
	assert_null(inbox_take(inbox, 1));
	inbox_free(inbox);
	inbox_free(NULL);
}

static void refuses_when_full_and_never_grows(void **state)
{
	(void)state;
	struct inbox *inbox = inbox_new(10);
	assert_non_null(inbox);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(inbox_put(inbox, &jobs[0][i]), ERR_OK);
	}
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(inbox_put(inbox, &jobs[1][i]), ERR_BUSY);
	}
	assert_ptr_equal(inbox_take(inbox, -1), &jobs[0][0]);
	assert_int_equal(inbox_put(inbox, &jobs[0][10]), ERR_OK);
	for (int i = 1; i <= 10; i++) {
		assert_ptr_equal(inbox_take(inbox, -1), &jobs[0][i]);
	}
	inbox_free(inbox);
}

static void gives_what_is_left_after_closing(void **state)
{
	(void)state;
	struct inbox *inbox = inbox_new(10);
	assert_non_null(inbox);
	assert_int_equal(inbox_put(inbox, &jobs[0][0]), ERR_OK);
	inbox_close(inbox);
	assert_int_equal(inbox_put(inbox, &jobs[0][1]), ERR_CLOSED);
	assert_ptr_equal(inbox_take(inbox, -1), &jobs[0][0]);
	assert_null(inbox_take(inbox, -1));
	inbox_free(inbox);
}

struct putter {
	struct inbox *inbox;
	int *jobs;
};

static void *put_all(void *argument)
{
	struct putter *putter = argument;
	for (int i = 0; i < JOBS;) {
		putter->jobs[i] = i;
		if (inbox_put(putter->inbox, &putter->jobs[i]) == ERR_OK) {
			i++;
		} else {
			(void)sched_yield();
		}
	}
	return NULL;
}

/* From several threads every job arrives once, and those of one thread in their order. */
static void loses_nothing_between_threads(void **state)
{
	(void)state;
	struct inbox *inbox = inbox_new(64);
	struct putter putters[PUTTERS];
	pthread_t threads[PUTTERS];
	int next[PUTTERS] = {0};
	assert_non_null(inbox);
	for (int i = 0; i < PUTTERS; i++) {
		putters[i] = (struct putter){inbox, jobs[i]};
		assert_int_equal(pthread_create(&threads[i], NULL, put_all, &putters[i]), 0);
	}
	for (int count = 0; count < PUTTERS * JOBS; count++) {
		int *job = inbox_take(inbox, -1);
		assert_non_null(job);
		int from = (int)((job - jobs[0]) / JOBS);
		assert_int_equal(*job, next[from]++);
	}
	for (int i = 0; i < PUTTERS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	}
	inbox_close(inbox);
	assert_null(inbox_take(inbox, -1));
	inbox_free(inbox);
}

static void *take_one(void *argument)
{
	return inbox_take(argument, -1);
}

static void closing_wakes_every_taker(void **state)
{
	(void)state;
	struct inbox *inbox = inbox_new(4);
	pthread_t threads[PUTTERS];
	assert_non_null(inbox);
	for (int i = 0; i < PUTTERS; i++) {
		assert_int_equal(pthread_create(&threads[i], NULL, take_one, inbox), 0);
	}
	inbox_close(inbox);
	for (int i = 0; i < PUTTERS; i++) {
		void *job = inbox;
		assert_int_equal(pthread_join(threads[i], &job), 0);
		assert_null(job);
	}
	inbox_free(inbox);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_jobs_in_the_order_they_came),
		cmocka_unit_test(refuses_when_full_and_never_grows),
		cmocka_unit_test(gives_what_is_left_after_closing),
		cmocka_unit_test(loses_nothing_between_threads),
		cmocka_unit_test(closing_wakes_every_taker),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
