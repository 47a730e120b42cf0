/*
 * Feeds: a `share` per far feed, found through a table by id and kept with the feed (feed->share).
 * Taking counts at once and what fails is given back, so that a flood on its way cannot overshoot.
 * Who is to hear of pauses hears at most once a second: a friend may bring thousands of feeds that
 * reach their shares together.
 *
 * Peers: net/peer counts down what it was allowed and asks for more when it is spent; nothing is
 * measured in between. Budgets of peers that are gone stay until they would be full again.
 */
#include "sync/shares.h"

#include "base/table.h"
#include "store/reader.h"
#include "sync/ebt.h"
#include "sync/fetch.h"

#include <assert.h>
#include <stdlib.h>

enum {
	DAY_MS = 24 * 3600 * 1000,
	HOUR_MS = 3600 * 1000,
	MINUTES = 60,      /* of an hour's budget: the least that is given out */
	LOOK_MS = HOUR_MS, /* clocks may be set: look for the new day at least so often */
	TELL_MS = 1000,
	WRITE_MS = 5000,
	WRITES_MAX = 32, /* at once: the writer's queue has better things to carry */
};

struct share {
	struct share *next_dirty;
	struct feed_id feed;
	int64_t since, day; /* days since 1970 */
	int64_t messages, bytes;
	bool is_dirty;
};

enum way { WAY_IN, WAY_OUT, WAYS };

struct budget {
	int64_t left[WAYS];  /* at `at_ms`, monotonic, if nothing of `given` was used */
	int64_t given[WAYS]; /* to the peer, and not yet heard back from */
	int64_t at_ms;
	int64_t full; /* of either way */
	bool is_shut[WAYS];
};

struct shares {
	struct sync *sync;
	struct table *feeds; /* struct share by id */
	struct share *dirty;
	struct table *away; /* struct budget by id of peers that are gone */
	struct loop_timer *write_timer, *day_timer, *tell_timer, *refill_timer;
	bool is_write_due, is_refill_due, is_stopped;
	struct shares_figures figures;
};

/* Feeds. */

static int64_t today(const struct shares *shares)
{
	return env_wall_ms(shares->sync->env) / DAY_MS;
}

static bool is_far(const struct feed *feed)
{
	return feed->hops >= 2;
}

/* The share of `feed`, counted from zero when a day began. NULL without memory. */
static struct share *share_of(struct shares *shares, struct feed *feed)
{
	int64_t day = today(shares);
	struct share *share = feed->share;
	if (share == NULL) {
		share = table_get(shares->feeds, feed->id.at);
	}
	if (share == NULL) {
		share = calloc(1, sizeof(*share));
		if (share == NULL || table_put(shares->feeds, feed->id.at, share) != ERR_OK) {
			free(share);
			return NULL;
		}
		share->feed = feed->id;
		share->since = day;
		share->day = day;
	}
	feed->share = share;
	if (share->day != day) {
		share->day = day;
		share->messages = 0;
		share->bytes = 0;
	}
	return share;
}

static bool has_room(const struct share *share, size_t bytes)
{
	int64_t messages_max = share->day == share->since ? LIMIT_FAR_FEED_FIRST_MESSAGES
							  : LIMIT_FAR_FEED_MESSAGES_PER_DAY;
	return share->messages < messages_max &&
	       share->bytes + (int64_t)bytes <= LIMIT_FAR_FEED_BYTES_PER_DAY;
}

static void write_soon(struct shares *shares, int64_t ms)
{
	if (!shares->is_write_due && !shares->is_stopped) {
		shares->is_write_due = true;
		loop_timer_set(shares->write_timer, ms);
	}
}

static void touch(struct shares *shares, struct share *share)
{
	if (!share->is_dirty) {
		share->is_dirty = true;
		share->next_dirty = shares->dirty;
		shares->dirty = share;
	}
	write_soon(shares, WRITE_MS);
}

static bool write_one(struct shares *shares, const struct share *share)
{
	struct change change = {.kind = CHANGE_SHARE, .feed = share->feed, .number = share->day};
	change.share.messages = share->messages;
	change.share.bytes = share->bytes;
	return writer_change(shares->sync->writer, &change) == ERR_OK;
}

static void write_some(struct shares *shares, unsigned max)
{
	while (shares->dirty != NULL && max-- > 0 && write_one(shares, shares->dirty)) {
		shares->dirty->is_dirty = false;
		shares->dirty = shares->dirty->next_dirty;
	}
	if (shares->dirty != NULL) {
		write_soon(shares, TELL_MS);
	}
}

static void on_write_due(void *ctx)
{
	struct shares *shares = ctx;
	shares->is_write_due = false;
	write_some(shares, WRITES_MAX);
}

/* A feed paused, or its pause ended: every peer is told what we ask of it. */
static void on_tell_due(void *ctx)
{
	struct shares *shares = ctx;
	for (struct partner *partner = shares->sync->partners; partner != NULL;
		partner = partner->next) {
		ebt_reach_changed(partner);
		fetch_reach_changed(partner);
	}
	sync_changed(shares->sync);
}

static void set_day_timer(struct shares *shares)
{
	int64_t left_ms = DAY_MS - env_wall_ms(shares->sync->env) % DAY_MS;
	loop_timer_set(shares->day_timer, left_ms < LOOK_MS ? left_ms : LOOK_MS);
}

static void pause_feed(struct shares *shares, struct feed *feed)
{
	char id[FEED_ID_TEXT_BYTES];
	if (feed->is_paused) {
		return;
	}
	feed->is_paused = true;
	shares->figures.feeds_paused++;
	feed_id_format(&feed->id, id);
	LOG(shares->sync->env, LOG_INFO, "feed.paused", LOG_KEY("feed", id),
		LOG_NUM("head", feed->pending), LOG_TEXT("why", "it has sent its share of today"));
	if (!shares->is_stopped) {
		set_day_timer(shares);
		loop_timer_set(shares->tell_timer, TELL_MS);
	}
}

/* Feeds whose day is over, that came nearer, or whom nobody wants any more, go on. */
static void look_again(struct shares *shares)
{
	struct reach *reach = shares->sync->reach;
	for (uint32_t i = 0; shares->figures.feeds_paused > 0 && i < reach_slots(reach); i++) {
		struct feed *feed = reach_at(reach, i);
		struct share *share = feed->is_paused ? share_of(shares, feed) : NULL;
		if (share == NULL || (is_far(feed) && !has_room(share, 0))) {
			continue;
		}
		feed->is_paused = false;
		shares->figures.feeds_paused--;
		loop_timer_set(shares->tell_timer, 0);
	}
	if (shares->figures.feeds_paused > 0) {
		set_day_timer(shares);
	}
}

static void on_day_due(void *ctx)
{
	look_again(ctx);
}

bool shares_take(struct shares *shares, struct feed *feed, size_t bytes)
{
	if (!is_far(feed)) {
		return true;
	}
	struct share *share = share_of(shares, feed);
	if (share == NULL) {
		return false;
	}
	if (!has_room(share, bytes)) {
		pause_feed(shares, feed);
		return false;
	}
	share->messages++;
	share->bytes += (int64_t)bytes;
	touch(shares, share);
	return true;
}

void shares_give_back(struct shares *shares, struct feed *feed, size_t bytes)
{
	struct share *share = feed->share;
	if (!is_far(feed) || share == NULL || share->messages == 0) {
		return;
	}
	share->messages--;
	share->bytes -= share->bytes < (int64_t)bytes ? share->bytes : (int64_t)bytes;
	touch(shares, share);
	if (feed->is_paused) {
		look_again(shares);
	}
}

/* Peers. */

/* Out of reach, and not one the owner named: keys like that are free. */
static int64_t full_for(const struct partner *partner)
{
	bool is_known = partner->is_dialled_by_us ||
			reach_wanted(partner->sync->reach, &partner->id) != NULL;
	return is_known ? LIMIT_PEER_BYTES_PER_HOUR : LIMIT_PEER_BYTES_PER_HOUR_STRANGER;
}

static int64_t refilled(int64_t left, int64_t full, int64_t ms)
{
	int64_t more = ms >= HOUR_MS ? full : full / HOUR_MS * ms;
	return left + more > full ? full : left + more;
}

/* Bring a budget up to now. */
static void settle(const struct shares *shares, struct budget *budget)
{
	int64_t now_ms = env_mono_ms(shares->sync->env);
	for (int way = 0; way < WAYS; way++) {
		budget->left[way] =
			refilled(budget->left[way], budget->full, now_ms - budget->at_ms);
	}
	budget->at_ms = now_ms;
}

/* … of a connected peer: first what it used of what it was given. */
static void settle_partner(struct partner *partner)
{
	struct budget *budget = partner->budget;
	int64_t unused[WAYS];
	peer_allowance(partner->peer, &unused[WAY_IN], &unused[WAY_OUT]);
	for (int way = 0; way < WAYS; way++) {
		budget->left[way] -= budget->given[way] - unused[way];
		budget->given[way] = unused[way];
	}
	settle(partner->sync->shares, budget);
}

static bool is_spent(const struct budget *budget)
{
	return budget->is_shut[WAY_IN] || budget->is_shut[WAY_OUT];
}

/* Let the peer have what is left. A way that ran out stays shut until a minute's worth is back. */
static void allow(struct partner *partner)
{
	struct shares *shares = partner->sync->shares;
	struct budget *budget = partner->budget;
	bool was_spent = is_spent(budget);
	for (int way = 0; way < WAYS; way++) {
		int64_t least = budget->is_shut[way] ? budget->full / MINUTES : 1;
		budget->is_shut[way] = budget->left[way] < least;
		budget->given[way] = budget->is_shut[way] ? 0 : budget->left[way];
	}
	peer_allow(partner->peer, budget->given[WAY_IN], budget->given[WAY_OUT]);
	if (is_spent(budget) && !was_spent) {
		shares->figures.peers_paused++;
		LOG(partner->sync->env, LOG_INFO, "peer.over_share",
			LOG_ADDRESS("peer", span_text(peer_remote(partner->peer))),
			LOG_NUM("in", budget->is_shut[WAY_IN]),
			LOG_NUM("out", budget->is_shut[WAY_OUT]));
	} else if (was_spent && !is_spent(budget)) {
		shares->figures.peers_paused--;
	}
	if (is_spent(budget) && !shares->is_refill_due && !shares->is_stopped) {
		shares->is_refill_due = true;
		loop_timer_set(shares->refill_timer, HOUR_MS / MINUTES);
	}
}

static void on_refill_due(void *ctx)
{
	struct shares *shares = ctx;
	shares->is_refill_due = false;
	for (struct partner *partner = shares->sync->partners; partner != NULL;
		partner = partner->next) {
		if (partner->budget != NULL && is_spent(partner->budget)) {
			settle_partner(partner);
			allow(partner);
		}
	}
}

static void set_full(struct budget *budget, int64_t full)
{
	for (int way = 0; way < WAYS; way++) {
		budget->left[way] += full - budget->full;
	}
	budget->full = full;
}

/* From the connection before, from memory, or a new one. NULL without memory. */
static struct budget *budget_for(struct partner *partner, struct partner *older)
{
	struct shares *shares = partner->sync->shares;
	struct budget *budget = NULL;
	if (older != NULL && older->budget != NULL) {
		settle_partner(older);
		budget = older->budget;
		older->budget = NULL;
		shares->figures.peers_paused -= is_spent(budget);
	} else {
		budget = table_remove(shares->away, partner->id.at);
	}
	if (budget == NULL) {
		budget = calloc(1, sizeof(*budget));
	}
	if (budget != NULL) {
		memset(budget->is_shut, 0, sizeof(budget->is_shut));
		settle(shares, budget);
		set_full(budget, full_for(partner));
	}
	return budget;
}

void shares_ready(struct partner *partner, struct partner *older)
{
	partner->budget = budget_for(partner, older);
	if (partner->budget != NULL) {
		allow(partner);
	}
}

void shares_spent(struct partner *partner)
{
	if (partner->budget != NULL) {
		settle_partner(partner);
		allow(partner);
	}
}

static bool is_full_again(const struct budget *budget)
{
	int64_t nearly = budget->full - budget->full / MINUTES;
	return budget->left[WAY_IN] >= nearly && budget->left[WAY_OUT] >= nearly;
}

/* Who used little is forgotten; so are budgets that are full again, when there are many. */
static void keep(struct shares *shares, const struct feed_id *id, struct budget *budget)
{
	size_t cursor = 0;
	const uint8_t *at;
	void *value;
	while (table_count(shares->away) >= LIMIT_BUDGETS &&
		table_next(shares->away, &cursor, &at, &value)) {
		settle(shares, value);
		if (is_full_again(value)) {
			(void)table_remove(shares->away, at);
			free(value);
		}
	}
	if (is_full_again(budget) || table_put(shares->away, id->at, budget) != ERR_OK) {
		free(budget);
	}
}

void shares_gone(struct partner *partner)
{
	struct shares *shares = partner->sync->shares;
	struct budget *budget = partner->budget;
	if (budget == NULL) {
		return;
	}
	settle_partner(partner);
	partner->budget = NULL;
	shares->figures.peers_paused -= is_spent(budget);
	keep(shares, &partner->id, budget);
}

/* Both. */

void shares_reach_changed(struct shares *shares)
{
	look_again(shares);
	for (struct partner *partner = shares->sync->partners; partner != NULL;
		partner = partner->next) {
		int64_t full = partner->budget == NULL ? 0 : full_for(partner);
		if (partner->budget != NULL && full != partner->budget->full) {
			settle_partner(partner);
			set_full(partner->budget, full);
			allow(partner);
		}
	}
}

void shares_figures(const struct shares *shares, struct shares_figures *out)
{
	*out = shares->figures;
}

static void take_row(void *ctx, const struct share_row *row)
{
	struct shares *shares = ctx;
	struct feed *feed = reach_known(shares->sync->reach, &row->feed);
	struct share *share = calloc(1, sizeof(*share));
	if (share == NULL || table_put(shares->feeds, row->feed.at, share) != ERR_OK) {
		free(share);
		return; /* counted from zero: a day too many at worst */
	}
	*share = (struct share){.feed = row->feed,
		.since = row->since,
		.day = row->day,
		.messages = row->messages,
		.bytes = row->bytes};
	if (feed != NULL && is_far(feed) && !has_room(share_of(shares, feed), 0)) {
		pause_feed(shares, feed);
	}
}

static enum err load(struct shares *shares)
{
	struct reader *reader = readers_take(shares->sync->readers);
	enum err err = reader == NULL ? ERR_IO : reader_shares(reader, take_row, shares);
	readers_give(shares->sync->readers, reader);
	return err;
}

enum err shares_new(struct sync *sync, struct shares **out)
{
	struct shares *shares = calloc(1, sizeof(*shares));
	if (shares == NULL) {
		return ERR_NOMEM;
	}
	shares->sync = sync;
	shares->feeds = table_new(sync->env, LIMIT_FEEDS_KNOWN);
	shares->away = table_new(sync->env, LIMIT_BUDGETS);
	shares->write_timer = loop_timer_new(sync->loop, on_write_due, shares);
	shares->day_timer = loop_timer_new(sync->loop, on_day_due, shares);
	shares->tell_timer = loop_timer_new(sync->loop, on_tell_due, shares);
	shares->refill_timer = loop_timer_new(sync->loop, on_refill_due, shares);
	enum err err = ERR_NOMEM;
	if (shares->feeds != NULL && shares->away != NULL && shares->write_timer != NULL &&
		shares->day_timer != NULL && shares->tell_timer != NULL &&
		shares->refill_timer != NULL) {
		err = load(shares);
	}
	if (err != ERR_OK) {
		shares_free(shares);
		return err;
	}
	*out = shares;
	return ERR_OK;
}

void shares_stop(struct shares *shares)
{
	shares->is_stopped = true;
	write_some(shares, UINT32_MAX);
	loop_timer_clear(shares->write_timer);
	loop_timer_clear(shares->day_timer);
	loop_timer_clear(shares->tell_timer);
	loop_timer_clear(shares->refill_timer);
}

static void free_all(struct table *table)
{
	size_t cursor = 0;
	const uint8_t *id;
	void *value;
	while (table != NULL && table_next(table, &cursor, &id, &value)) {
		free(value);
	}
	table_free(table);
}

void shares_free(struct shares *shares)
{
	if (shares == NULL) {
		return;
	}
	struct loop_timer *timers[] = {
		shares->write_timer, shares->day_timer, shares->tell_timer, shares->refill_timer};
	for (size_t i = 0; i < sizeof(timers) / sizeof(timers[0]); i++) {
		if (timers[i] != NULL) {
			loop_timer_free(timers[i]);
		}
	}
	free_all(shares->feeds);
	free_all(shares->away);
	free(shares);
}
