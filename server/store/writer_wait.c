/* Whoever asks the writer and waits for the answer: two hold the place where it is left, so that a
 * caller whose time is over may go while the writer still works for it. The last one frees it. */
#include "store/writer_inside.h"

#include <stdlib.h>
#include <time.h>

void writer_waiter_init(struct waiter *waiter)
{
	pthread_condattr_t attr;
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&waiter->done_cond, &attr);
	(void)pthread_condattr_destroy(&attr);
	(void)pthread_mutex_init(&waiter->lock, NULL);
	waiter->refs = 2;
}

void writer_waiter_fini(struct waiter *waiter)
{
	(void)pthread_cond_destroy(&waiter->done_cond);
	(void)pthread_mutex_destroy(&waiter->lock);
}

bool writer_waiter_done(struct waiter *waiter, enum err err)
{
	(void)pthread_mutex_lock(&waiter->lock);
	waiter->is_done = true;
	waiter->err = err;
	bool is_last = --waiter->refs == 0;
	(void)pthread_cond_signal(&waiter->done_cond);
	(void)pthread_mutex_unlock(&waiter->lock);
	return is_last;
}

enum err writer_waiter_wait(struct waiter *waiter, int64_t ms, bool *is_last)
{
	struct timespec until;
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	(void)pthread_mutex_lock(&waiter->lock);
	int rc = 0;
	while (!waiter->is_done && rc == 0) {
		rc = pthread_cond_timedwait(&waiter->done_cond, &waiter->lock, &until);
	}
	enum err err = waiter->is_done ? waiter->err : ERR_TIMEOUT;
	*is_last = --waiter->refs == 0;
	(void)pthread_mutex_unlock(&waiter->lock);
	return err;
}

size_t writer_waiting(struct writer *writer)
{
	return inbox_count(writer->inbox);
}

enum err writer_ping(struct writer *writer, void (*fn)(void *ctx), void *ctx)
{
	struct job *job = calloc(1, sizeof(*job));
	if (job == NULL) {
		return ERR_NOMEM;
	}
	job->kind = JOB_PING;
	job->ping = (struct ping_job){.fn = fn, .ctx = ctx};
	enum err err = inbox_put(writer->inbox, job);
	if (err != ERR_OK) {
		free(job);
	}
	return err;
}

enum err writer_wait(struct writer *writer, struct waiter *waiter, int64_t ms, bool *is_last)
{
	while (writer->opts.is_stepped && !waiter->is_done) {
		(void)writer_step(writer);
	}
	return writer_waiter_wait(waiter, ms, is_last);
}
