/* A ring under one mutex. The condition waits on the monotonic clock, so a jump of the wall clock
 * cannot stall a taker. */
#include "base/inbox.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

struct inbox {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	void **jobs;
	size_t max;
	size_t first;
	size_t count;
	bool is_closed;
};

struct inbox *inbox_new(size_t jobs_max)
{
	struct inbox *inbox = calloc(1, sizeof(*inbox));
	if (inbox == NULL) {
		return NULL;
	}
	inbox->jobs = calloc(jobs_max, sizeof(*inbox->jobs));
	inbox->max = jobs_max;
	pthread_condattr_t attr;
	if (inbox->jobs == NULL || pthread_condattr_init(&attr) != 0) {
		free(inbox->jobs);
		free(inbox);
		return NULL;
	}
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&inbox->filled, &attr);
	(void)pthread_mutex_init(&inbox->lock, NULL);
	(void)pthread_condattr_destroy(&attr);
	return inbox;
}

void inbox_free(struct inbox *inbox)
{
	if (inbox == NULL) {
		return;
	}
	(void)pthread_cond_destroy(&inbox->filled);
	(void)pthread_mutex_destroy(&inbox->lock);
	free(inbox->jobs);
	free(inbox);
}

enum err inbox_put(struct inbox *inbox, void *job)
{
	enum err err = ERR_OK;
	(void)pthread_mutex_lock(&inbox->lock);
	if (inbox->is_closed) {
		err = ERR_CLOSED;
	} else if (inbox->count == inbox->max) {
		err = ERR_BUSY;
	} else {
		inbox->jobs[(inbox->first + inbox->count) % inbox->max] = job;
		inbox->count++;
		(void)pthread_cond_signal(&inbox->filled);
	}
	(void)pthread_mutex_unlock(&inbox->lock);
	return err;
}

static struct timespec deadline_in(int64_t wait_ms)
{
	struct timespec at;
	(void)clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += wait_ms / 1000;
	at.tv_nsec += (wait_ms % 1000) * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	return at;
}

void *inbox_take(struct inbox *inbox, int64_t wait_ms)
{
	void *job = NULL;
	struct timespec deadline = deadline_in(wait_ms < 0 ? 0 : wait_ms);
	(void)pthread_mutex_lock(&inbox->lock);
	while (inbox->count == 0 && !inbox->is_closed && wait_ms != 0) {
		int rc = wait_ms < 0
				 ? pthread_cond_wait(&inbox->filled, &inbox->lock)
				 : pthread_cond_timedwait(&inbox->filled, &inbox->lock, &deadline);
		if (rc != 0) {
			break;
		}
	}
	if (inbox->count > 0) {
		job = inbox->jobs[inbox->first];
		inbox->first = (inbox->first + 1) % inbox->max;
		inbox->count--;
	}
	(void)pthread_mutex_unlock(&inbox->lock);
	return job;
}

size_t inbox_count(struct inbox *inbox)
{
	(void)pthread_mutex_lock(&inbox->lock);
	size_t count = inbox->count;
	(void)pthread_mutex_unlock(&inbox->lock);
	return count;
}

bool inbox_has(struct inbox *inbox)
{
	return inbox_count(inbox) > 0;
}

void inbox_close(struct inbox *inbox)
{
	(void)pthread_mutex_lock(&inbox->lock);
	inbox->is_closed = true;
	(void)pthread_cond_broadcast(&inbox->filled);
	(void)pthread_mutex_unlock(&inbox->lock);
}
