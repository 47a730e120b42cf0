/*
 * The watching thread: asleep until somebody wakes it, then at most one look each LOOK_MS.
 */
#include "api/watch.h"

#include "api/shape.h"

#include <stdlib.h>
#include <time.h>

enum { LOOK_MS = 250 };

struct watch {
	struct api *api;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool is_woken, is_stopping;
};

static void look(struct api *api)
{
	struct sync_figures figures;
	struct events_holders holders;
	if (api->opts.sync != NULL && sync_figures(api->opts.sync, &figures) == ERR_OK) {
		events_on_sync(api->events, figures.behind > 0, figures.behind);
	}
	struct guard_report report;
	writer_guard(api->opts.writer, &report);
	events_on_state(api->events, fence_state_text(report.state),
		report.state == FENCE_CLEAN ? "" : guard_cause_name(report.cause));
	uint64_t head = events_head(api->events);
	struct reader *reader = reader_of_thread(api->opts.store);
	struct events_unread unread;
	if (reader != NULL && serve_unread(api, reader, &unread) == ERR_OK) {
		events_on_unread(api->events, &unread);
	}
	if (reader != NULL && head > 0 && shape_holders(api, reader, head, &holders) == ERR_OK) {
		events_on_holders(api->events, &holders);
	}
	live_wake(api->live);
}

/* Under the lock: wait for a wake-up, or, when `ms` is not 0, for that long or the end. */
static void rest(struct watch *watch, long ms)
{
	struct timespec until;
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += ms * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	int over = 0;
	while (!watch->is_stopping && over == 0 && (ms != 0 || !watch->is_woken)) {
		over = ms == 0 ? pthread_cond_wait(&watch->wake, &watch->lock)
			       : pthread_cond_timedwait(&watch->wake, &watch->lock, &until);
	}
}

static void *watch_main(void *arg)
{
	struct watch *watch = arg;
	look(watch->api); /* what later looks are compared with */
	(void)pthread_mutex_lock(&watch->lock);
	for (;;) {
		rest(watch, 0);
		if (watch->is_stopping) {
			break;
		}
		watch->is_woken = false;
		(void)pthread_mutex_unlock(&watch->lock);
		look(watch->api);
		(void)pthread_mutex_lock(&watch->lock);
		rest(watch, LOOK_MS);
	}
	(void)pthread_mutex_unlock(&watch->lock);
	reader_close_thread();
	return NULL;
}

enum err watch_start(struct api *api, struct watch **out)
{
	pthread_condattr_t attributes;
	struct watch *watch = calloc(1, sizeof(*watch));
	if (watch == NULL) {
		return ERR_NOMEM;
	}
	watch->api = api;
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_mutex_init(&watch->lock, NULL);
	(void)pthread_cond_init(&watch->wake, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	if (pthread_create(&watch->thread, NULL, watch_main, watch) != 0) {
		(void)pthread_mutex_destroy(&watch->lock);
		(void)pthread_cond_destroy(&watch->wake);
		free(watch);
		return ERR_NOMEM;
	}
	*out = watch;
	return ERR_OK;
}

void watch_wake(struct watch *watch)
{
	(void)pthread_mutex_lock(&watch->lock);
	watch->is_woken = true;
	(void)pthread_cond_signal(&watch->wake);
	(void)pthread_mutex_unlock(&watch->lock);
}

void watch_stop(struct watch *watch)
{
	if (watch == NULL) {
		return;
	}
	(void)pthread_mutex_lock(&watch->lock);
	watch->is_stopping = true;
	(void)pthread_cond_signal(&watch->wake);
	(void)pthread_mutex_unlock(&watch->lock);
	(void)pthread_join(watch->thread, NULL);
	(void)pthread_mutex_destroy(&watch->lock);
	(void)pthread_cond_destroy(&watch->wake);
	free(watch);
}
