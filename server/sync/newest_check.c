/*
 * One feed at a time, CHECK_SLICE signatures in one job: behind whatever else waits for the pool,
 * so that a long row of feeds to be checked takes a small and even share of it. What is checked is
 * read back from the store and not kept in memory: two thousand windows are many, and after a start
 * there is nothing else.
 */
#include "sync/newest_state.h"

#include "base/table.h"
#include "store/ahead.h"

#include <assert.h>
#include <stdlib.h>

enum { CHECK_SLICE = 8, CHECK_ROUNDS = 16 };

void newest_check_put(struct newest *newest, struct hold *hold)
{
	/* Windows that joined are more than one check; a damaged row must not be an endless one. */
	if (!hold->is_check_due && hold->rounds < CHECK_ROUNDS) {
		hold->rounds++;
		hold->is_check_due = true;
		hold->next_check = NULL;
		if (newest->check_last == NULL) {
			newest->check_first = hold;
		} else {
			newest->check_last->next_check = hold;
		}
		newest->check_last = hold;
	}
	newest_check_go_on(newest);
}

static struct hold *check_take(struct newest *newest)
{
	struct hold *hold = newest->check_first;
	if (hold != NULL) {
		newest->check_first = hold->next_check;
		if (newest->check_first == NULL) {
			newest->check_last = NULL;
		}
		hold->is_check_due = false;
	}
	return hold;
}

/* Worker. */
static void load_texts(struct arrival *check)
{
	struct newest_read *read = calloc(1, sizeof(*read));
	struct reader *reader = readers_take(check->newest->sync->readers);
	check->err = ERR_IO;
	if (read != NULL && reader != NULL) {
		newest_read_init(read);
		read->feed = check->feed;
		check->err = reader_ahead_unchecked(reader, read);
		for (size_t i = 0; check->err == ERR_OK && i < read->count; i++) {
			check->err = newest_in_add(check, false, read->messages[i].sequence,
				newest_read_text(read, &read->messages[i]));
		}
		newest_read_fini(read);
	}
	readers_give(check->newest->sync->readers, reader);
	free(read);
}

static void check_work(void *ctx)
{
	struct arrival *check = ctx;
	if (check->window == NULL) {
		load_texts(check);
		if (check->err == ERR_OK) {
			newest_in_read(check);
		}
	}
	if (check->err == ERR_OK) {
		check->err = window_check(check->window, CHECK_SLICE, check->hmac_key, &check->why);
	}
}

/* The newest signature was good, an older one is not: nobody who had checked this gives it. */
static void check_refused(struct arrival *check)
{
	struct newest *newest = check->newest;
	struct hold *hold = check->hold;
	struct change change = {.kind = CHANGE_AHEAD_DROP, .feed = check->feed};
	if (writer_change(newest->sync->writer, &change) != ERR_OK) {
		newest_check_put(newest, hold); /* then again */
		return;
	}
	newest_set_held(newest, hold, 0);
	if (hold->has_from) {
		newest_lied(newest, &hold->from, hold->feed, check->why);
	} else {
		newest_touch(newest);
	}
}

static void check_done(void *ctx)
{
	struct arrival *check = ctx;
	struct newest *newest = check->newest;
	struct sync *sync = newest->sync;
	if (newest->is_stopped) {
		newest_in_finish(check);
	} else if (check->err == ERR_REFUSED || check->err == ERR_LIMIT) {
		check_refused(check);
		newest_in_finish(check);
	} else if (check->err != ERR_OK) {
		/* Nothing is left to be checked; or it waits for the next start. */
		check->hold->is_checked = check->err == ERR_NOT_FOUND;
		newest_in_finish(check);
	} else if (check->window->is_checked) {
		newest_in_write(check);
	} else if (loop_work(sync->loop, check_work, check_done, check) == ERR_OK) {
		sync_job_begins(sync);
	} else {
		newest_in_finish(check);
	}
	sync_job_ends(sync);
}

static bool begin(struct newest *newest, struct hold *hold)
{
	struct arrival *check = newest_in_new(newest, NULL, hold);
	if (check == NULL) {
		return false;
	}
	check->is_check = true;
	if (loop_work(newest->sync->loop, check_work, check_done, check) != ERR_OK) {
		newest_in_free(check);
		return false;
	}
	sync_job_begins(newest->sync);
	hold->jobs++;
	newest->check = check;
	return true;
}

void newest_check_go_on(struct newest *newest)
{
	struct hold *hold;
	while (newest->check == NULL && !newest->is_stopped &&
		(hold = check_take(newest)) != NULL) {
		bool is_due = hold->newest > 0 && !hold->is_checked;
		if (!is_due || !begin(newest, hold)) {
			newest_settle(newest, hold);
		}
	}
}

/* What was held when the node stopped. */

struct load {
	struct newest *newest;
	struct {
		struct feed_id feed;
		uint64_t newest;
		bool is_checked;
	} rows[LIMIT_AHEAD_FEEDS];
	size_t count;
	enum err err;
};

static void take_row(void *ctx, const struct feed_id *feed, const struct ahead_state *state)
{
	struct load *load = ctx;
	if (load->count < LIMIT_AHEAD_FEEDS) {
		load->rows[load->count].feed = *feed;
		load->rows[load->count].newest = state->newest;
		load->rows[load->count++].is_checked = state->is_checked;
	}
}

/* Worker. */
static void load_work(void *ctx)
{
	struct load *load = ctx;
	struct readers *readers = load->newest->sync->readers;
	struct reader *reader = readers_take(readers);
	load->err = reader == NULL ? ERR_IO : reader_ahead_all(reader, take_row, load);
	readers_give(readers, reader);
}

static void load_done(void *ctx)
{
	struct load *load = ctx;
	struct newest *newest = load->newest;
	struct sync *sync = newest->sync;
	for (size_t i = 0; i < load->count && !newest->is_stopped; i++) {
		struct feed *feed = reach_wanted(sync->reach, &load->rows[i].feed);
		struct hold *hold = feed == NULL || load->rows[i].newest <= feed->head
					    ? NULL
					    : newest_hold(newest, feed, true);
		if (hold == NULL) {
			continue; /* the writer lets go of it with the new reach */
		}
		newest_set_held(newest, hold, load->rows[i].newest);
		hold->is_checked = load->rows[i].is_checked;
		if (!hold->is_checked) {
			newest_check_put(newest, hold);
		}
	}
	if (load->err != ERR_OK) {
		LOG(sync->env, LOG_WARN, "newest.unread", LOG_TEXT("why", err_text(load->err)));
	}
	newest->is_loaded = true;
	free(load);
	newest_touch(newest);
	sync_job_ends(sync);
}

void newest_check_load(struct newest *newest)
{
	struct load *load = calloc(1, sizeof(*load));
	if (load != NULL) {
		load->newest = newest;
		if (loop_work(newest->sync->loop, load_work, load_done, load) == ERR_OK) {
			sync_job_begins(newest->sync);
			return;
		}
	}
	free(load);
	newest->is_loaded = true; /* what is held is checked after the next start */
}
