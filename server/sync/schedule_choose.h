/**
 * sync/schedule_choose: whom to dial and whom to let go, judged from plain facts: no clock, no
 * memory of its own.
 *
 * The slots (connections the schedule makes) belong to three groups: people we follow, others
 * within reach who are heard in the local network, and the rest. What a group does not use anybody
 * may have. When all are taken:
 *
 * - who waits while its group has less than its slots takes one from a group that has more;
 * - the nearer group takes one from the farther group that has more, in any case;
 * - else it takes one of its own group, from whoever was connected for LIMIT_TURN_MS.
 *
 * Nobody gives way while messages stream over its connection, and nobody is let go for somebody who
 * may not answer: the one who waits is dialled first, one at a time, beyond the slots, and only
 * when that connection stands the other is closed. Within a group the one whose last turn is
 * longest ago comes first, so that each has its turn.
 */
#ifndef SYNC_SCHEDULE_CHOOSE_H
#define SYNC_SCHEDULE_CHOOSE_H

#include "base/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum choose_group { CHOOSE_FRIENDS, CHOOSE_LAN, CHOOSE_OTHERS, CHOOSE_GROUPS };
enum choose_state { CHOOSE_WAITING, CHOOSE_DIALLING, CHOOSE_CONNECTED, CHOOSE_NOBODY };

#define CHOOSE_NONE SIZE_MAX
#define CHOOSE_NEVER INT64_MIN

/* One person who may be dialled, is being dialled, or is connected because we dialled. Times are
 * monotonic. */
struct choose_fact {
	enum choose_state state;
	int hops;         /* 1 followed; LIMIT_HOPS_MAX + 1: out of reach, named by the owner */
	bool is_lan;      /* the way to be tried next, or in use, was heard */
	bool is_on_top;   /* the owner asked for it: takes no slot, and never gives way */
	int64_t due_ms;   /* waiting: not before */
	int64_t turn_ms;  /* waiting: when its last turn or try ended, or CHOOSE_NEVER */
	int64_t since_ms; /* connected since */
	int64_t busy_ms;  /* connected: when messages last streamed, or CHOOSE_NEVER */
};

struct choose_slots {
	size_t of[CHOOSE_GROUPS];
	size_t dials; /* under way at once */
};
extern const struct choose_slots choose_slots; /* of base/limits.h */

struct choice {
	size_t dial, close; /* indices, or CHOOSE_NONE; at most one of the two */
	int64_t next_ms;    /* when to look again if nothing happens before; −1: no need */
};

enum choose_group choose_group(const struct choose_fact *fact);
/** The next step. To be called again, with what it changed, until it has none. */
void choose(const struct choose_fact *facts, size_t count, const struct choose_slots *slots,
	int64_t now_ms, struct choice *out);

/**
 * How long to wait after so many failures in a row: anything up to a bound that doubles from
 * LIMIT_DIAL_BACKOFF_MS_MIN to `max_ms` (full jitter), half the least bound at least. `dice` is
 * drawn afresh.
 */
int64_t choose_backoff_ms(unsigned failures, int64_t max_ms, uint32_t dice);
/** Anything from 0 to `max_ms`. */
int64_t choose_spread_ms(int64_t max_ms, uint32_t dice);

#endif
