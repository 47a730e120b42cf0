/*
 * What comes is gathered on the loop, read by a worker (one hash for each message, one signature
 * for nearly all) and shown by the writer. Whoever sends faster than that is dealt with is paused.
 */
#include "sync/newest_state.h"

#include "sync/peers.h"

#include <assert.h>
#include <stdlib.h>

enum { ARRIVING_HIGH = 16, ARRIVING_LOW = 8, RETRY_MS = 10 };

struct arrival *newest_in_new(struct newest *newest, struct partner *partner, struct hold *hold)
{
	struct arrival *arrival = calloc(1, sizeof(*arrival));
	if (arrival == NULL) {
		return NULL;
	}
	arrival->newest = newest;
	arrival->hold = hold;
	arrival->feed = hold->feed->id;
	arrival->hmac_key = sync_hmac(newest->sync);
	if (partner != NULL) {
		arrival->serial = partner->serial;
		arrival->from = partner->id;
	}
	buf_init(&arrival->text, LIMIT_WINDOW_BYTES);
	return arrival;
}

void newest_in_free(struct arrival *arrival)
{
	if (arrival != NULL) {
		free(arrival->mail);
		ahead_job_free(arrival->job);
		window_free(arrival->window);
		buf_fini(&arrival->text);
		free(arrival);
	}
}

enum err newest_in_add(
	struct arrival *arrival, bool is_profile, uint64_t sequence, struct span text)
{
	size_t max = is_profile ? LIMIT_WINDOW_PROFILES : LIMIT_WINDOW_MESSAGES;
	size_t *count = is_profile ? &arrival->profile_count : &arrival->count;
	struct newest_text *texts = is_profile ? arrival->profiles : arrival->messages;
	if (*count == max) {
		return ERR_LIMIT;
	}
	texts[*count] = (struct newest_text){
		.sequence = sequence, .at = arrival->text.len, .len = text.len};
	enum err err = buf_append(&arrival->text, text);
	*count += err == ERR_OK ? 1 : 0;
	return err;
}

/* Worker, from here. */

static int by_sequence(const void *a, const void *b)
{
	const struct newest_text *one = a;
	const struct newest_text *two = b;
	return (one->sequence > two->sequence) - (one->sequence < two->sequence);
}

void newest_in_read(struct arrival *arrival)
{
	struct span texts[LIMIT_WINDOW_MESSAGES];
	struct span profiles[LIMIT_WINDOW_PROFILES];
	/* ssb-db2 gives a history in the order of time, not of numbers. */
	if (arrival->count > 0 && arrival->messages[0].sequence > 0) {
		qsort(arrival->messages, arrival->count, sizeof(arrival->messages[0]), by_sequence);
	}
	for (size_t i = 0; i < arrival->count; i++) {
		texts[i] = span_of(
			arrival->text.at + arrival->messages[i].at, arrival->messages[i].len);
	}
	for (size_t i = 0; i < arrival->profile_count; i++) {
		profiles[i] = span_of(
			arrival->text.at + arrival->profiles[i].at, arrival->profiles[i].len);
	}
	arrival->err = window_read(&arrival->feed, texts, arrival->count, profiles,
		arrival->profile_count, arrival->hmac_key, &arrival->window, &arrival->why);
	buf_fini(&arrival->text);
}

static void read_work(void *ctx)
{
	newest_in_read(ctx);
}

/* Loop. */

static void resume_peers(struct newest *newest)
{
	for (struct partner *partner = newest->sync->partners; partner != NULL;
		partner = partner->next) {
		if (partner->newest != NULL && partner->newest->is_paused) {
			partner->newest->is_paused = false;
			peer_resume(partner->peer);
		}
	}
}

void newest_in_finish(struct arrival *arrival)
{
	struct newest *newest = arrival->newest;
	struct hold *hold = arrival->hold;
	bool is_check = arrival->is_check;
	assert(hold->jobs > 0);
	hold->jobs--;
	newest_settle(newest, hold);
	newest_in_free(arrival);
	if (is_check) {
		newest->check = NULL;
		newest_check_go_on(newest);
		return;
	}
	newest->arriving--;
	if (newest->arriving <= ARRIVING_LOW) {
		resume_peers(newest);
	}
}

static void read_done(void *ctx)
{
	struct arrival *arrival = ctx;
	struct newest *newest = arrival->newest;
	struct sync *sync = newest->sync;
	if (newest->is_stopped || arrival->err == ERR_NOMEM) {
		newest_in_finish(arrival);
	} else if (arrival->err != ERR_OK) {
		newest_lied(newest, &arrival->from, arrival->hold->feed, arrival->why);
		newest_in_finish(arrival);
	} else {
		newest_in_write(arrival);
	}
	sync_job_ends(sync);
}

void newest_in_start(struct arrival *arrival)
{
	struct newest *newest = arrival->newest;
	struct partner *partner = peers_by_serial(newest->sync, arrival->serial);
	if (newest->is_stopped ||
		loop_work(newest->sync->loop, read_work, read_done, arrival) != ERR_OK) {
		newest_in_free(arrival);
		return;
	}
	sync_job_begins(newest->sync);
	arrival->hold->jobs++;
	newest->arriving++;
	if (newest->arriving >= ARRIVING_HIGH && partner != NULL && partner->newest != NULL &&
		!partner->newest->is_paused) {
		partner->newest->is_paused = true;
		peer_pause(partner->peer);
	}
}

/* Writer thread. */
static void on_job_done(void *ctx, struct ahead_job *job)
{
	struct arrival *arrival = ctx;
	struct mail *mail = arrival->mail;
	arrival->mail = NULL;
	mail->ahead = job;
	sync_mail(arrival->newest->sync, mail);
}

void newest_in_write(struct arrival *arrival)
{
	struct newest *newest = arrival->newest;
	if (arrival->job == NULL) {
		arrival->job = ahead_job_new();
		arrival->mail = calloc(1, sizeof(*arrival->mail));
		if (arrival->job == NULL || arrival->mail == NULL) {
			newest_in_finish(arrival);
			return;
		}
		arrival->job->window = arrival->window;
		arrival->job->on_done = on_job_done;
		arrival->job->ctx = arrival;
		arrival->window = NULL;
	}
	sync_job_begins(newest->sync);
	if (writer_ahead(newest->sync->writer, arrival->job) != ERR_OK) {
		sync_job_ends(newest->sync);
		arrival->next = newest->waiting;
		newest->waiting = arrival;
		loop_timer_set(newest->timer, RETRY_MS);
	}
}

void newest_in_retry(struct newest *newest)
{
	struct arrival *waiting = newest->waiting;
	newest->waiting = NULL;
	while (waiting != NULL) {
		struct arrival *next = waiting->next;
		newest_in_write(waiting);
		waiting = next;
	}
}

static void shown(struct arrival *arrival)
{
	struct newest *newest = arrival->newest;
	struct hold *hold = arrival->hold;
	const struct window *window = arrival->job->window;
	newest_set_held(newest, hold, window->messages[window->count - 1]->sequence);
	hold->has_from = true;
	hold->from = arrival->from;
	hold->is_checked = false; /* an older one may be joined to it */
	hold->rounds = 0;
	newest_check_put(newest, hold);
}

void newest_written(struct sync *sync, struct ahead_job *job)
{
	struct arrival *arrival = job->ctx;
	struct newest *newest = sync->newest;
	struct hold *hold = arrival->hold;
	if (arrival->is_check) {
		if (job->err == ERR_OK) {
			newest_check_put(newest, hold); /* until nothing is left */
		}
	} else if (job->err == ERR_OK && job->is_kept) {
		shown(arrival);
	} else {
		hold->is_closed = job->err == ERR_REFUSED;
	}
	if (hold->newest > 0 && hold->newest <= hold->feed->head) {
		newest_set_held(newest, hold, 0); /* the chain came by meanwhile */
	}
	newest_in_finish(arrival);
	sync_changed(sync);
	sync_job_ends(sync);
}
