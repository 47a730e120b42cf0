/*
 * Whom a feed is taken from. One session at most is told an even note for it, all others an odd
 * one: they announce what is new by odd notes, and are asked when they are ahead of the source. The
 * author of a feed is taken before anybody else, then whoever claims the most, then the nearest.
 *
 * A source that has more and gives it is left in peace, whatever others claim. One that gives
 * nothing for LIMIT_EBT_HANDOVER_MS (busy with other feeds: LIMIT_EBT_FEED_MS) is passed over for
 * the next that has more: tried ones last, so that all are asked in turn. When all were tried, or
 * there is but one, the even note is said again, a few times; then createHistoryStream is used: EBT
 * 7 keeps the highest number it ever heard from us, and sends nothing to who lost some of it
 * (protocol/04 §3.4). Then the session rests, each time longer: claims are cheap.
 *
 * A source with nothing more to give stays the source, so that what is new is pushed at once. One
 * that is lost has no follower until somebody claims more: thousands of notes to say that nothing
 * is new would help nobody.
 */
#include "sync/ebt_state.h"

#include "sync/fetch.h"

enum {
	REVIVE_TICKS = 10, /* then one that gave nothing may try again */
	REST_TICKS = 20,
	REST_TICKS_MAX = 320
};

bool ebt_is_ahead(const struct ebt_feed *at, const struct feed *feed)
{
	return at != NULL && at->theirs > 0 && (uint64_t)at->theirs > feed->pending;
}

static bool may_feed(const struct ebt *ebt, const struct feed *feed, const struct ebt_feed *at)
{
	const struct sync *sync = ebt->partner->sync;
	return at != NULL && ebt->is_open && !ebt->is_over && !at->is_stopped &&
	       at->theirs != THEIRS_NOT && !feed->is_paused && feed != reach_self(sync->reach) &&
	       ebt_is_shared(ebt, feed);
}

static bool is_author(const struct ebt *ebt, const struct feed *feed)
{
	return feed_id_equal(&ebt->partner->id, &feed->id);
}

static int hops_of(const struct ebt *ebt)
{
	const struct feed *feed = reach_known(ebt->partner->sync->reach, &ebt->partner->id);
	return feed == NULL || feed->hops < 0 ? LIMIT_HOPS_MAX + 1 : feed->hops;
}

static bool is_better(const struct ebt *one, const struct ebt *other, const struct feed *feed)
{
	const struct ebt_feed *at_one = ebt_look(one, feed);
	const struct ebt_feed *at_other = ebt_look(other, feed);
	if (at_one->is_tried != at_other->is_tried) {
		return at_other->is_tried;
	}
	if (is_author(one, feed) || is_author(other, feed)) {
		return is_author(one, feed);
	}
	return at_one->theirs != at_other->theirs ? at_one->theirs > at_other->theirs
						  : hops_of(one) < hops_of(other);
}

/* The best of those who claim more; NULL: nobody does. */
static struct ebt *best(struct sync *sync, const struct feed *feed, const struct ebt *except)
{
	struct ebt *found = NULL;
	for (struct partner *partner = sync->partners; partner != NULL; partner = partner->next) {
		struct ebt *ebt = partner->ebt;
		const struct ebt_feed *at =
			ebt == NULL || ebt == except ? NULL : ebt_look(ebt, feed);
		if (ebt_is_ahead(at, feed) && may_feed(ebt, feed, at) &&
			(found == NULL || is_better(ebt, found, feed))) {
			found = ebt;
		}
	}
	return found;
}

/* `ebt` is asked from now on, and who was before it is told so. */
static void give(struct ebt *ebt, struct feed *feed)
{
	struct ebt *before = feed->source;
	feed->source = ebt;
	feed->source_ms = env_mono_ms(ebt->partner->sync->env);
	if (before != NULL && ebt_look(before, feed)->is_wanting) {
		ebt_mark(before, feed);
	}
	ebt_mark(ebt, feed);
	if (ebt_is_ahead(ebt_look(ebt, feed), feed)) {
		ebt_tick(ebt);
	}
}

/* Was it asked a moment ago, or did it give something since? */
static bool is_fresh(const struct ebt *source, const struct feed *feed)
{
	int64_t since = env_mono_ms(source->partner->sync->env) - feed->source_ms;
	return since < LIMIT_EBT_HANDOVER_MS;
}

/* Shall `feed` stay with its source though somebody else claims more? */
static bool is_served(const struct feed *feed)
{
	const struct ebt *source = feed->source;
	const struct ebt_feed *at = ebt_look(source, feed);
	bool may_give = at->theirs == THEIRS_UNKNOWN || ebt_is_ahead(at, feed);
	return may_give && !at->is_tried && is_fresh(source, feed);
}

void ebt_source_offer(struct ebt *ebt, struct feed *feed)
{
	const struct ebt_feed *at = ebt_look(ebt, feed);
	const struct ebt *source = feed->source;
	if (source == ebt || !may_feed(ebt, feed, at) || at->is_tried) {
		return;
	}
	if (source == NULL) {
		give(ebt, feed);
	} else if (ebt_is_ahead(at, feed)) {
		if (!is_served(feed)) {
			give(ebt, feed);
		}
	} else if (is_author(ebt, feed) && !ebt_is_ahead(ebt_look(source, feed), feed)) {
		give(ebt, feed);
	}
}

/* The source has no more to give: does another one? Tried ones wait for their tick. */
static void look_around(struct sync *sync, struct feed *feed)
{
	struct ebt *other = best(sync, feed, feed->source);
	if (other != NULL && !ebt_look(other, feed)->is_tried) {
		give(other, feed);
	}
}

void ebt_source_told(struct ebt *ebt, struct feed *feed)
{
	struct ebt_feed *at = ebt_look(ebt, feed);
	if (ebt_is_ahead(at, feed)) {
		ebt_tick(ebt);
	}
	if (feed->source != ebt) {
		ebt_source_offer(ebt, feed);
	} else if (!ebt_is_ahead(at, feed)) {
		look_around(ebt->partner->sync, feed);
	}
}

void ebt_source_find(struct sync *sync, struct feed *feed)
{
	struct ebt *found = feed->source != NULL ? NULL : best(sync, feed, NULL);
	if (found != NULL) {
		give(found, feed);
	}
}

void ebt_source_lose(struct ebt *ebt, struct feed *feed)
{
	struct sync *sync = ebt->partner->sync;
	if (feed->source == ebt) {
		feed->source = NULL;
		if (!sync->is_stopping) {
			ebt_source_find(sync, feed);
		}
	}
}

void ebt_source_lose_all(struct ebt *ebt)
{
	struct reach *reach = ebt->partner->sync->reach;
	for (uint32_t i = 0; i < reach_slots(reach); i++) {
		ebt_source_lose(ebt, reach_at(reach, i));
	}
}

void ebt_feed_moved(struct sync *sync, struct feed *feed)
{
	if (feed->source != NULL && !feed->is_paused && !sync->is_stopping &&
		!ebt_is_ahead(ebt_look(feed->source, feed), feed)) {
		look_around(sync, feed);
	}
}

/* The sweep. */

static bool is_stalled(const struct ebt *ebt, const struct feed *feed)
{
	int64_t now = env_mono_ms(ebt->partner->sync->env);
	return !is_fresh(ebt, feed) && (now - ebt->last_in_ms >= LIMIT_EBT_HANDOVER_MS ||
					       now - feed->source_ms >= LIMIT_EBT_FEED_MS);
}

/* It is the source and gives nothing. Was somebody else found who was not tried yet? */
static bool pass_over(struct ebt *ebt, struct feed *feed)
{
	ebt_look(ebt, feed)->is_tried = true;
	struct ebt *next = best(ebt->partner->sync, feed, ebt);
	if (next == NULL || ebt_look(next, feed)->is_tried) {
		return false;
	}
	give(next, feed);
	return true;
}

/* All were tried: round once more, or the same again when there is but one. */
static void ask_again(struct ebt *ebt, struct feed *feed)
{
	struct ebt *next = best(ebt->partner->sync, feed, ebt);
	if (next == NULL) {
		ebt_mark(ebt, feed);
		return;
	}
	ebt_look(next, feed)->is_tried = false;
	give(next, feed);
}

/* Somebody else, or nobody, is the source: may this one try? */
static void step_in(struct ebt *ebt, struct feed *feed, struct ebt_feed *at)
{
	bool is_idle = feed->source == NULL ||
		       (!ebt_is_ahead(ebt_look(feed->source, feed), feed) && !is_served(feed));
	if (is_idle && (!at->is_tried || ebt->ticks % REVIVE_TICKS == 0)) {
		at->is_tried = false;
		give(ebt, feed);
	}
}

static void begin_rest(struct ebt *ebt)
{
	ebt->asks = 0;
	ebt->rests = ebt->rests == 0 ? REST_TICKS : ebt->rests * 2;
	ebt->rests = ebt->rests < REST_TICKS_MAX ? ebt->rests : REST_TICKS_MAX;
	ebt->rest = ebt->rests;
}

void ebt_source_judge(struct ebt *ebt)
{
	struct reach *reach = ebt->partner->sync->reach;
	const struct feed *self = reach_self(reach);
	bool is_asking = ebt->rest == 0 && ebt->asks < LIMIT_EBT_ASKS;
	bool is_lonely = false;
	ebt->ticks++;
	for (uint32_t i = 0; i < reach_slots(reach); i++) {
		struct feed *feed = reach_at(reach, i);
		struct ebt_feed *at = ebt_look(ebt, feed);
		bool is_own = feed == self;
		if (!ebt_is_ahead(at, feed) || (!is_own && !may_feed(ebt, feed, at))) {
			continue;
		}
		if (!is_own && feed->source != ebt) {
			step_in(ebt, feed, at);
		} else if (is_stalled(ebt, feed) && (is_own || !pass_over(ebt, feed))) {
			is_lonely = true;
			if (is_own && is_asking) {
				ebt_mark(ebt, feed);
			} else if (is_asking) {
				ask_again(ebt, feed);
			}
		}
	}
	if (ebt->rest > 0) {
		ebt->rest--;
	} else if (is_lonely && is_asking) {
		ebt->asks++;
	} else if (is_lonely) {
		fetch_repair(ebt->partner);
		begin_rest(ebt);
	}
}
