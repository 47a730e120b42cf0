/*
 * What is known of people (schedule_table) becomes plain facts, choose() judges them, and its
 * choices are done here. Nothing runs on a beat while nobody is connected and nobody waits: the
 * timer is set to the next moment somebody is due, and every event (gone, added, reach changed)
 * looks again. While there is somebody a look comes at least every LIMIT_PULSE_MS: it measures over
 * which connections messages stream, and notices that this machine slept.
 *
 * A sleep shows as the wall clock running away from the monotonic one (which stands still in a
 * suspended machine, as do all timers), or as a timer that comes much too late. It must not be
 * mistaken for time in which peers could have spoken, so base/env keeps the clock that stops.
 */
#include "sync/schedule_state.h"

#include "sync/ebt.h"
#include "sync/peers.h"
#include "sync/ping.h"
#include "sync/recover.h"
#include "sync/schedule.h"

#include <stdlib.h>

enum { LOOK_MS = 20, BUSY_MESSAGES = 10, BUSY_BYTES = 16 * KIB };

uint32_t schedule_dice(const struct schedule *schedule)
{
	const struct env *env = schedule->sync->env;
	uint32_t drawn = 0;
	env->random(env->ctx, (uint8_t *)&drawn, sizeof(drawn));
	return drawn;
}

static void timer_set(struct schedule *schedule, int64_t ms)
{
	schedule->timer_ms = schedule_now_ms(schedule) + ms;
	loop_timer_set(schedule->timer, ms);
}

/* Whom may we dial? */

static int hops_of(const struct schedule *schedule, const struct feed_id *id)
{
	const struct feed *feed = reach_wanted(schedule->sync->reach, id);
	return feed == NULL || feed->hops <= 0 ? LIMIT_HOPS_MAX + 1 : feed->hops;
}

static bool is_near(const struct schedule *schedule, const struct feed_id *id)
{
	return hops_of(schedule, id) <= LIMIT_HOPS_MAX;
}

bool schedule_is_wanted(const struct schedule *schedule, const struct candidate *candidate)
{
	const struct sync *sync = schedule->sync;
	/* Who has our feed when it is to be found again, nobody knows: ask all who are near. */
	bool is_asked = candidate->ways != NULL && candidate->ways->is_lan &&
			recover_is_looking(sync->recover);
	return candidate->ways != NULL && !candidate->is_held && !candidate->is_dialling &&
	       (candidate->is_named || is_asked || is_near(schedule, &candidate->id)) &&
	       !reach_is_blocking(sync->reach, &sync->self, &candidate->id) &&
	       !feed_id_equal(&sync->self, &candidate->id);
}

/* Waits. */

void schedule_back_off(struct schedule *schedule, struct candidate *candidate, bool is_offline)
{
	bool is_lan = candidate->ways != NULL && candidate->ways->is_lan;
	int64_t max = is_offline ? LIMIT_DIAL_BACKOFF_MS_MAX_OFFLINE
		      : is_lan   ? LIMIT_DIAL_BACKOFF_MS_MAX_LAN
				 : LIMIT_DIAL_BACKOFF_MS_MAX;
	candidate->due_ms = schedule_now_ms(schedule) +
			    choose_backoff_ms(candidate->failures, max, schedule_dice(schedule));
}

void schedule_forgive(struct schedule *schedule, const struct feed_id *except)
{
	struct candidate *candidate;
	int64_t now = schedule_now_ms(schedule);
	for (size_t cursor = 0;
		(candidate = candidate_next(&schedule->candidates, &cursor)) != NULL;) {
		int64_t due = now + choose_spread_ms(LIMIT_SPREAD_MS, schedule_dice(schedule));
		if (except != NULL && feed_id_equal(except, &candidate->id)) {
			continue;
		}
		candidate->failures = 0;
		candidate->tries = 0;
		candidate->due_ms = due < candidate->due_ms ? due : candidate->due_ms;
	}
	schedule->forgiven_ms = now;
}

void schedule_woke(struct schedule *schedule)
{
	struct sync *sync = schedule->sync;
	if (schedule->is_stopped) {
		return;
	}
	LOG(sync->env, LOG_INFO, "schedule.woke", LOG_NUM("partners", sync->partner_count));
	schedule_forgive(schedule, NULL);
	for (struct partner *partner = sync->partners; partner != NULL; partner = partner->next) {
		if (partner->is_ready && !partner->is_closing) {
			ping_probe(partner);
		}
	}
	schedule_touch(schedule);
}

/* Did this machine sleep, or stand still, since the last look? */
static bool has_slept(struct schedule *schedule, int64_t now)
{
	int64_t apart = env_wall_ms(schedule->sync->env) - now;
	bool is_apart = apart - schedule->apart_ms >= LIMIT_ASLEEP_MS;
	bool is_late = schedule->timer_ms > 0 && now - schedule->timer_ms >= LIMIT_ASLEEP_MS;
	schedule->apart_ms = apart;
	return is_apart || is_late;
}

void schedule_touch(struct schedule *schedule)
{
	if (schedule == NULL || schedule->is_stopped) {
		return;
	}
	/* Events that come thick and fast must not put the look off again and again. */
	int64_t left = schedule->timer_ms - schedule_now_ms(schedule);
	if (schedule->timer_ms == 0 || left > LOOK_MS) {
		timer_set(schedule, LOOK_MS);
	}
}

/* Looking. */

static bool has_room_for(struct schedule *schedule, size_t count)
{
	if (count <= schedule->room) {
		return true;
	}
	size_t room = count + count / 2;
	struct choose_fact *facts = realloc(schedule->facts, room * sizeof(*facts));
	if (facts == NULL) {
		return false;
	}
	schedule->facts = facts;
	struct who *whos = realloc(schedule->whos, room * sizeof(*whos));
	if (whos == NULL) {
		return false;
	}
	schedule->whos = whos;
	schedule->room = room;
	return true;
}

static void measure(struct schedule *schedule, int64_t now)
{
	if (now - schedule->measured_ms < LIMIT_PULSE_MS) {
		return;
	}
	schedule->measured_ms = now;
	for (struct partner *partner = schedule->sync->partners; partner != NULL;
		partner = partner->next) {
		if (!partner->is_ready || partner->is_closing) {
			continue;
		}
		struct peer_figures figures;
		peer_figures(partner->peer, &figures);
		uint64_t received = partner->received - partner->pace.received;
		bool is_feeding =
			received >= BUSY_MESSAGES || (received > 0 && ebt_behind(partner) > 0);
		bool is_fed = figures.bytes_out - partner->pace.bytes_out >= BUSY_BYTES;
		partner->pace.busy_ms = is_feeding || is_fed ? now : partner->pace.busy_ms;
		partner->pace.received = partner->received;
		partner->pace.bytes_out = figures.bytes_out;
	}
}

static void add_fact(struct schedule *schedule, const struct choose_fact *fact,
	struct candidate *candidate, struct partner *partner)
{
	schedule->facts[schedule->count] = *fact;
	schedule->whos[schedule->count++] =
		(struct who){.candidate = candidate, .partner = partner};
}

static void add_partner(struct schedule *schedule, struct partner *partner)
{
	struct candidate *candidate = candidate_get(&schedule->candidates, &partner->id);
	bool is_somebody = partner->is_ready || partner->is_dialled_by_us;
	if (partner->is_closing || !is_somebody) {
		return;
	}
	if (candidate != NULL) {
		candidate->looked = schedule->looks;
	}
	if (!partner->is_dialled_by_us) {
		return;
	}
	const struct choose_fact fact = {
		.state = partner->is_ready ? CHOOSE_CONNECTED : CHOOSE_DIALLING,
		.hops = hops_of(schedule, &partner->id),
		.is_lan = partner->via == PEER_VIA_LAN,
		.is_on_top = candidate == NULL || candidate->is_asked,
		.since_ms = partner->ready_ms,
		.busy_ms = partner->pace.busy_ms == 0 ? CHOOSE_NEVER : partner->pace.busy_ms,
	};
	add_fact(schedule, &fact, candidate, partner);
}

/* False without memory: then the next look has another chance. */
static bool gather(struct schedule *schedule)
{
	struct sync *sync = schedule->sync;
	struct candidate *candidate;
	schedule->count = 0;
	schedule->looks++;
	if (!has_room_for(
		    schedule, sync->partner_count + table_count(schedule->candidates.table))) {
		return false;
	}
	for (struct partner *partner = sync->partners; partner != NULL; partner = partner->next) {
		add_partner(schedule, partner);
	}
	for (size_t cursor = 0;
		(candidate = candidate_next(&schedule->candidates, &cursor)) != NULL;) {
		if (candidate->looked == schedule->looks ||
			!schedule_is_wanted(schedule, candidate)) {
			continue;
		}
		const struct choose_fact fact = {
			.state = CHOOSE_WAITING,
			.hops = hops_of(schedule, &candidate->id),
			.is_lan = candidate->ways->is_lan,
			.due_ms = candidate->due_ms > candidate->shunned_ms ? candidate->due_ms
									    : candidate->shunned_ms,
			.turn_ms = candidate->turn_ms,
		};
		add_fact(schedule, &fact, candidate, NULL);
	}
	return true;
}

enum err schedule_dial(struct schedule *schedule, struct candidate *candidate,
	const struct address *address, bool is_lan)
{
	enum err err =
		peers_dial(schedule->sync, address, is_lan ? PEER_VIA_LAN : PEER_VIA_NET, false);
	if (err == ERR_OK) {
		candidate->is_dialling = true;
		sync_changed(schedule->sync);
	}
	return err;
}

static void dial_chosen(struct schedule *schedule, size_t chosen)
{
	struct candidate *candidate = schedule->whos[chosen].candidate;
	struct choose_fact *fact = &schedule->facts[chosen];
	candidate->is_asked = false;
	if (schedule_dial(schedule, candidate, &candidate->ways->address,
		    candidate->ways->is_lan) == ERR_OK) {
		fact->state = CHOOSE_DIALLING;
		return;
	}
	candidate->failures++;
	schedule_back_off(schedule, candidate, false);
	fact->due_ms = candidate->due_ms;
}

static void close_chosen(struct schedule *schedule, size_t chosen)
{
	peers_close(schedule->whos[chosen].partner, "waiting for its next turn");
	schedule->facts[chosen].state = CHOOSE_NOBODY;
}

void schedule_look(struct schedule *schedule)
{
	int64_t now = schedule_now_ms(schedule);
	struct choice choice = {.next_ms = -1};
	if (schedule->is_stopped) {
		return;
	}
	if (has_slept(schedule, now)) {
		schedule->timer_ms = 0;
		schedule_woke(schedule);
		return;
	}
	schedule->timer_ms = 0;
	measure(schedule, now);
	bool is_gathered = gather(schedule);
	for (bool is_going = is_gathered; is_going;) {
		choose(schedule->facts, schedule->count, &choose_slots, now, &choice);
		is_going = choice.dial != CHOOSE_NONE || choice.close != CHOOSE_NONE;
		if (choice.close != CHOOSE_NONE) {
			close_chosen(schedule, choice.close);
		} else if (choice.dial != CHOOSE_NONE) {
			dial_chosen(schedule, choice.dial);
		}
	}
	if (schedule->count == 0 && schedule->sync->partner_count == 0 && is_gathered) {
		return; /* nobody at all: no beat */
	}
	int64_t wait = choice.next_ms < 0 ? LIMIT_PULSE_MS : choice.next_ms - now;
	timer_set(schedule, wait < LIMIT_PULSE_MS ? wait : LIMIT_PULSE_MS);
}
