/*
 * A walk over the facts for each question; there are some dozens of them, rarely thousands, and the
 * questions come with events, not with time.
 */
#include "sync/schedule_choose.h"

_Static_assert(LIMIT_SLOTS_FRIENDS + LIMIT_SLOTS_LAN + LIMIT_SLOTS_OTHERS == LIMIT_DIALLED_PEERS,
	"the slots are those of the groups");

const struct choose_slots choose_slots = {
	.of = {[CHOOSE_FRIENDS] = LIMIT_SLOTS_FRIENDS,
		[CHOOSE_LAN] = LIMIT_SLOTS_LAN,
		[CHOOSE_OTHERS] = LIMIT_SLOTS_OTHERS},
	.dials = LIMIT_DIALS,
};

/* What is judged, and what was counted of it. */
struct look {
	const struct choose_fact *facts;
	size_t count;
	const struct choose_slots *slots;
	int64_t now;
	size_t room;                /* slots of all groups */
	size_t taken;               /* … connected or being dialled */
	size_t dials;               /* of all kinds */
	size_t connected;           /* in slots */
	size_t used[CHOOSE_GROUPS]; /* connected, in slots */
};

enum choose_group choose_group(const struct choose_fact *fact)
{
	if (fact->hops == 1) {
		return CHOOSE_FRIENDS;
	}
	return fact->is_lan ? CHOOSE_LAN : CHOOSE_OTHERS;
}

static struct look look_at(const struct choose_fact *facts, size_t count,
	const struct choose_slots *slots, int64_t now)
{
	struct look look = {.facts = facts, .count = count, .slots = slots, .now = now};
	for (size_t i = 0; i < CHOOSE_GROUPS; i++) {
		look.room += slots->of[i];
	}
	for (size_t i = 0; i < count; i++) {
		const struct choose_fact *fact = &facts[i];
		bool is_dialling = fact->state == CHOOSE_DIALLING;
		bool is_connected = fact->state == CHOOSE_CONNECTED && !fact->is_on_top;
		look.dials += is_dialling ? 1 : 0;
		look.taken += is_connected || (is_dialling && !fact->is_on_top) ? 1 : 0;
		look.connected += is_connected ? 1 : 0;
		look.used[choose_group(fact)] += is_connected ? 1 : 0;
	}
	return look;
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void keep_earlier(int64_t *next, int64_t at)
{
	*next = *next < 0 || at < *next ? at : *next;
}

/* Does `a`, both of one group, come before `b`? */
static bool is_before(const struct choose_fact *a, const struct choose_fact *b)
{
	if (a->turn_ms != b->turn_ms) {
		return a->turn_ms < b->turn_ms;
	}
	return a->hops != b->hops ? a->hops < b->hops : a->due_ms < b->due_ms;
}

/* Who of `group` waits and is due, first of all; `*due_ms` gets the earliest time anybody is. */
static size_t first_due(const struct look *look, enum choose_group group, int64_t *due_ms)
{
	size_t best = CHOOSE_NONE;
	*due_ms = -1;
	for (size_t i = 0; i < look->count; i++) {
		const struct choose_fact *fact = &look->facts[i];
		if (fact->state != CHOOSE_WAITING || choose_group(fact) != group) {
			continue;
		}
		keep_earlier(due_ms, fact->due_ms);
		if (fact->due_ms <= look->now &&
			(best == CHOOSE_NONE || is_before(fact, &look->facts[best]))) {
			best = i;
		}
	}
	return best;
}

/* For somebody of `group`: from when on may `fact` be made to give way, if nothing streams? −1: not
 * as things are. */
static int64_t gives_way_at(
	const struct look *look, const struct choose_fact *fact, enum choose_group group)
{
	enum choose_group own = choose_group(fact);
	if (fact->state != CHOOSE_CONNECTED || fact->is_on_top) {
		return -1;
	}
	int64_t rest = fact->busy_ms == CHOOSE_NEVER ? 0 : fact->busy_ms + LIMIT_BUSY_MS;
	if (own == group) {
		return later(fact->since_ms + LIMIT_TURN_MS, rest);
	}
	bool may_take = group < own || look->used[group] < look->slots->of[group];
	bool has_more = look->used[own] > look->slots->of[own];
	return may_take && has_more ? later(fact->since_ms + LIMIT_STEADY_MS, rest) : -1;
}

/* The farthest group first, in it whoever had the longest turn. */
static bool goes_before(const struct choose_fact *a, const struct choose_fact *b)
{
	enum choose_group group_a = choose_group(a);
	enum choose_group group_b = choose_group(b);
	return group_a != group_b ? group_a > group_b : a->since_ms < b->since_ms;
}

/* Who gives way to somebody of `group` now; `*next_ms` gets the earliest time somebody will. */
static size_t giver(
	const struct look *look, enum choose_group group, size_t except, int64_t *next_ms)
{
	size_t best = CHOOSE_NONE;
	*next_ms = -1;
	for (size_t i = 0; i < look->count; i++) {
		const struct choose_fact *fact = &look->facts[i];
		int64_t at = i == except ? -1 : gives_way_at(look, fact, group);
		if (at < 0) {
			continue;
		}
		keep_earlier(next_ms, at);
		if (at <= look->now &&
			(best == CHOOSE_NONE || goes_before(fact, &look->facts[best]))) {
			best = i;
		}
	}
	return best;
}

/* One connection more than slots: the newest came to take over from somebody. */
static void take_over(struct look *look, struct choice *out)
{
	size_t newest = CHOOSE_NONE;
	for (size_t i = 0; i < look->count; i++) {
		const struct choose_fact *fact = &look->facts[i];
		bool is_one = fact->state == CHOOSE_CONNECTED && !fact->is_on_top;
		if (is_one &&
			(newest == CHOOSE_NONE || fact->since_ms >= look->facts[newest].since_ms)) {
			newest = i;
		}
	}
	enum choose_group group = choose_group(&look->facts[newest]);
	look->used[group]--;
	out->close = giver(look, group, newest, &out->next_ms);
}

static void fill_free(const struct look *look, struct choice *out)
{
	for (enum choose_group group = 0; group < CHOOSE_GROUPS; group++) {
		int64_t due_ms = -1;
		size_t first = first_due(look, group, &due_ms);
		if (first != CHOOSE_NONE) {
			out->dial = first;
			return;
		}
		if (due_ms >= 0) {
			keep_earlier(&out->next_ms, due_ms);
		}
	}
}

/* All slots are taken: dial only who could take one over. */
static void fill_taken(const struct look *look, struct choice *out)
{
	for (enum choose_group group = 0; group < CHOOSE_GROUPS; group++) {
		int64_t due_ms = -1;
		int64_t free_ms = -1;
		size_t first = first_due(look, group, &due_ms);
		if (due_ms < 0) {
			continue;
		}
		bool is_free = giver(look, group, CHOOSE_NONE, &free_ms) != CHOOSE_NONE;
		if (is_free && first != CHOOSE_NONE) {
			out->dial = first;
			return;
		}
		if (free_ms >= 0) {
			keep_earlier(&out->next_ms, later(due_ms, free_ms));
		}
	}
}

void choose(const struct choose_fact *facts, size_t count, const struct choose_slots *slots,
	int64_t now_ms, struct choice *out)
{
	struct look look = look_at(facts, count, slots, now_ms);
	*out = (struct choice){.dial = CHOOSE_NONE, .close = CHOOSE_NONE, .next_ms = -1};
	if (look.connected > look.room) {
		take_over(&look, out);
	} else if (look.dials >= slots->dials || look.taken > look.room) {
		return; /* the end of a dial is an event */
	} else if (look.taken < look.room) {
		fill_free(&look, out);
	} else {
		fill_taken(&look, out);
	}
	if (out->dial != CHOOSE_NONE || out->close != CHOOSE_NONE) {
		out->next_ms = -1;
	}
}

int64_t choose_spread_ms(int64_t max_ms, uint32_t dice)
{
	return max_ms <= 0 ? 0 : (int64_t)((uint64_t)dice * ((uint64_t)max_ms + 1) >> 32);
}

int64_t choose_backoff_ms(unsigned failures, int64_t max_ms, uint32_t dice)
{
	int64_t bound = LIMIT_DIAL_BACKOFF_MS_MIN;
	for (unsigned i = 1; i < failures && bound < max_ms; i++) {
		bound *= 2;
	}
	bound = bound < max_ms ? bound : max_ms;
	int64_t least = LIMIT_DIAL_BACKOFF_MS_MIN / 2;
	return least + choose_spread_ms(bound - least, dice);
}
