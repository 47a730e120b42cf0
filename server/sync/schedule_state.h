/**
 * sync/schedule_state: what schedule.c (what happens to people and connections) and schedule_look.c
 * (whom to dial next) share. For these two only.
 */
#ifndef SYNC_SCHEDULE_STATE_H
#define SYNC_SCHEDULE_STATE_H

#include "sync/schedule_choose.h"
#include "sync/schedule_table.h"

/* One connection or candidate of a look, beside its fact. */
struct who {
	struct candidate *candidate;
	struct partner *partner;
};

struct schedule {
	struct sync *sync;
	struct candidates candidates;
	struct loop_timer *timer;
	bool is_stopped;

	/* The facts of the look that runs. */
	struct choose_fact *facts;
	struct who *whos;
	size_t room, count;
	uint64_t looks;

	int64_t timer_ms;    /* monotonic: when the timer is due; 0: it is not set */
	int64_t apart_ms;    /* wall minus monotonic clock, when last compared */
	int64_t measured_ms; /* monotonic */
	int64_t lost_ms;     /* monotonic: a connection that had worked was last lost … */
	int64_t lost;        /* … and as many within LIMIT_SPREAD_MS */
	int64_t alone_ms;    /* monotonic: nobody is connected since */
	int64_t forgiven_ms; /* monotonic, or CHOOSE_NEVER */
};

static inline int64_t schedule_now_ms(const struct schedule *schedule)
{
	return env_mono_ms(schedule->sync->env);
}

uint32_t schedule_dice(const struct schedule *schedule);
/** May the schedule dial it by itself? */
bool schedule_is_wanted(const struct schedule *schedule, const struct candidate *candidate);
MUST_USE enum err schedule_dial(struct schedule *schedule, struct candidate *candidate,
	const struct address *address, bool is_lan);
/** Wait as long as its failures say; `is_offline`: our own network is missing. */
void schedule_back_off(struct schedule *schedule, struct candidate *candidate, bool is_offline);
/** What failed before tells nothing any more: everybody but `except` (or NULL) is due within
 * LIMIT_SPREAD_MS. */
void schedule_forgive(struct schedule *schedule, const struct feed_id *except);
/** Do all that is due, and set the timer. Only from the timer itself. */
void schedule_look(struct schedule *schedule);

#endif
