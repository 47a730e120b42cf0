/*
 * Whom to ask for what. For each peer the feeds of our reach are looked over, the nearest first,
 * whenever something may have changed for it (is_due); what it is ahead of us with, and nobody else
 * is being asked for, goes into a call. Each peer is asked once about each feed in a connection:
 * what it gave is held, and if that was nothing, too little or a lie, another peer is asked.
 *
 * The first call to a peer goes alone. When it is refused the peer does not know the method: it is
 * asked by createHistoryStream then, and when that is refused or gives nothing, not at all.
 */
#include "sync/newest_state.h"

#include "base/table.h"
#include "sync/ebt.h"
#include "sync/fetch.h"
#include "sync/peers.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { MINUTE_MS = 60000, LATER_MS = 1000, HEAD_DEPTH = 4, HISTORY_ARGS_BYTES = 256 };

struct hold *newest_hold(struct newest *newest, struct feed *feed, bool may_add)
{
	struct hold *hold = table_get(newest->holds, feed->id.at);
	if (hold != NULL || !may_add) {
		return hold;
	}
	hold = calloc(1, sizeof(*hold));
	if (hold == NULL || table_put(newest->holds, feed->id.at, hold) != ERR_OK) {
		free(hold);
		return NULL;
	}
	hold->feed = feed;
	hold->next = newest->first;
	if (hold->next != NULL) {
		hold->next->prev = hold;
	}
	newest->first = hold;
	return hold;
}

static void hold_free(struct newest *newest, struct hold *hold)
{
	if (hold->prev != NULL) {
		hold->prev->next = hold->next;
	} else {
		newest->first = hold->next;
	}
	if (hold->next != NULL) {
		hold->next->prev = hold->prev;
	}
	(void)table_remove(newest->holds, hold->feed->id.at);
	free(hold);
}

void newest_settle(struct newest *newest, struct hold *hold)
{
	if (hold->ask == NULL && hold->jobs == 0 && hold->newest == 0 && !hold->is_check_due &&
		!hold->is_closed) {
		hold_free(newest, hold);
	}
}

void newest_set_held(struct newest *newest, struct hold *hold, uint64_t sequence)
{
	newest->held += sequence > 0 ? 1 : 0;
	newest->held -= hold->newest > 0 ? 1 : 0;
	hold->newest = sequence;
}

/* Bits by slot. */

static bool bit_get(const struct newest_peer *peer, const uint8_t *bits, const struct feed *feed)
{
	size_t at = feed->slot / 8;
	return at < peer->bit_bytes && (bits[at] >> feed->slot % 8 & 1) != 0;
}

static void bit_set(struct newest_peer *peer, bool is_none, const struct feed *feed, bool value)
{
	size_t at = feed->slot / 8;
	if (at >= peer->bit_bytes) {
		size_t bytes = reach_slots(peer->partner->sync->reach) / 8 + 1;
		uint8_t *done = value ? calloc(2, bytes) : NULL;
		if (done == NULL) {
			return; /* asked once more than need be */
		}
		if (peer->bit_bytes > 0) {
			memcpy(done, peer->done, peer->bit_bytes);
			memcpy(done + bytes, peer->none, peer->bit_bytes);
		}
		free(peer->done);
		peer->done = done;
		peer->none = done + bytes;
		peer->bit_bytes = bytes;
	}
	uint8_t *bits = is_none ? peer->none : peer->done;
	uint8_t bit = (uint8_t)(1u << feed->slot % 8);
	bits[at] = value ? bits[at] | bit : bits[at] & (uint8_t)~bit;
}

/* Calls of ours. */

static void ask_unlink(struct ask *ask)
{
	for (struct ask **at = &ask->of->asks; *at != NULL; at = &(*at)->next) {
		if (*at == ask) {
			*at = ask->next;
			break;
		}
	}
	ask->of->ask_count--;
}

static struct newest *newest_of(const struct newest_peer *peer)
{
	return peer->partner->sync->newest;
}

/* The feeds it was not told of are free again. */
static void ask_free(struct ask *ask)
{
	struct newest *newest = newest_of(ask->of);
	ask_unlink(ask);
	newest_in_free(ask->arrival);
	for (size_t i = ask->at; i < ask->count; i++) {
		struct hold *hold = newest_hold(newest, ask->feeds[i], false);
		if (hold != NULL && hold->ask == ask) {
			hold->ask = NULL;
			newest_settle(newest, hold);
		}
	}
	loop_timer_free(ask->timer);
	free(ask);
}

void newest_give_up(struct ask *ask)
{
	if (ask->call != NULL) {
		rpc_refuse(ask->call, "not asked for any more");
	}
	ask_free(ask);
}

static void give_up_all(struct newest_peer *peer)
{
	struct ask *next;
	for (struct ask *ask = peer->asks; ask != NULL; ask = next) {
		next = ask->next;
		newest_give_up(ask);
	}
}

static void due_soon(struct newest *newest, struct newest_peer *peer)
{
	peer->is_due = true;
	if (!newest->is_stopped) {
		loop_timer_set(newest->timer, 0);
	}
}

void newest_touch(struct newest *newest)
{
	for (struct partner *partner = newest->sync->partners; partner != NULL;
		partner = partner->next) {
		if (partner->newest != NULL) {
			partner->newest->is_due = true;
		}
	}
	if (!newest->is_stopped) {
		loop_timer_set(newest->timer, 0);
	}
}

/* Not again of this peer, in this connection. */
static void finish_rest(struct ask *ask)
{
	for (size_t i = ask->at; i < ask->count; i++) {
		bit_set(ask->of, false, ask->feeds[i], true);
	}
}

static void on_ask_due(void *ctx)
{
	struct ask *ask = ctx;
	struct newest *newest = newest_of(ask->of);
	/* Who is slow but gives may be asked again; who gives nothing not. */
	if (ask->at == 0) {
		finish_rest(ask);
	}
	newest_give_up(ask);
	newest_touch(newest);
}

void newest_lied(
	struct newest *newest, const struct feed_id *peer, const struct feed *feed, const char *why)
{
	char peer_text[FEED_ID_TEXT_BYTES];
	char feed_text[FEED_ID_TEXT_BYTES];
	struct partner *partner = peers_ready(newest->sync, peer);
	feed_id_format(peer, peer_text);
	feed_id_format(&feed->id, feed_text);
	newest->sync->counters.refused++;
	LOG(newest->sync->env, LOG_WARN, "newest.lie", LOG_KEY("peer", peer_text),
		LOG_KEY("feed", feed_text), LOG_TEXT("why", why));
	if (table_put(newest->liars, peer->at, newest) != ERR_OK) {
		LOG(newest->sync->env, LOG_DEBUG, "newest.forgets", LOG_KEY("peer", peer_text));
	}
	if (partner != NULL && partner->newest != NULL) {
		partner->newest->way = WAY_NONE;
		give_up_all(partner->newest);
	}
	newest_touch(newest);
}

static void lied(struct ask *ask, const char *why)
{
	size_t at = ask->at < ask->count ? ask->at : ask->count - 1;
	newest_lied(newest_of(ask->of), &ask->of->partner->id, ask->feeds[at], why);
}

/* What comes. */

static void next_feed(struct ask *ask)
{
	struct newest *newest = newest_of(ask->of);
	struct hold *hold = newest_hold(newest, ask->feeds[ask->at], false);
	struct arrival *arrival = ask->arrival;
	ask->arrival = NULL;
	bit_set(ask->of, false, ask->feeds[ask->at], true);
	ask->at++;
	ask->has_head = false;
	if (arrival != NULL) {
		newest_in_start(arrival); /* keeps the hold */
	}
	if (hold != NULL) {
		hold->ask = NULL;
		newest_settle(newest, hold);
	}
}

static bool read_count(const struct json *head, const char *name, int64_t max, int64_t *out)
{
	return json_whole(json_get(head, name), out) && *out >= 0 && *out <= max;
}

static bool take_head(struct ask *ask, const struct json *head)
{
	struct feed *feed = ask->feeds[ask->at];
	struct span text;
	struct feed_id id;
	int64_t newest = 0;
	int64_t profiles = 0;
	int64_t messages = 0;
	if (!json_text(json_get(head, "feed"), &text) || feed_id_parse(text, &id) != ERR_OK ||
		!feed_id_equal(&id, &feed->id) || !read_count(head, "newest", INT64_MAX, &newest) ||
		!read_count(head, "profiles", LIMIT_WINDOW_PROFILES, &profiles) ||
		!read_count(head, "messages", LIMIT_WINDOW_MESSAGES, &messages) ||
		(messages == 0 && profiles > 0)) {
		return false;
	}
	if (messages == 0) {
		bit_set(ask->of, true, feed, newest == 0);
		next_feed(ask);
		return true;
	}
	ask->has_head = true;
	ask->profiles = (size_t)profiles;
	ask->messages = (size_t)messages;
	struct hold *hold = newest_hold(newest_of(ask->of), feed, false);
	assert(hold != NULL && hold->ask == ask);
	ask->arrival = newest_in_new(newest_of(ask->of), ask->of->partner, hold);
	return true;
}

static void take_text(struct ask *ask, struct span body)
{
	struct arrival *arrival = ask->arrival;
	bool is_profile = ask->profiles > 0;
	enum err err = arrival == NULL ? ERR_NOMEM : newest_in_add(arrival, is_profile, 0, body);
	if (err == ERR_LIMIT) {
		lied(ask, "the window is too large");
		return;
	}
	if (err != ERR_OK) {
		newest_in_free(arrival);
		ask->arrival = NULL;
	}
	if (is_profile) {
		ask->profiles--;
	} else {
		ask->messages--;
	}
	if (ask->messages == 0) {
		next_feed(ask);
	}
}

static void on_item(void *ctx, struct rpc_call *call, enum muxrpc_type type, struct span body,
	const struct json *json)
{
	struct ask *ask = ctx;
	struct json_doc *doc = NULL;
	(void)call;
	(void)json;
	ask->has_answered = true;
	ask->of->way = WAY_CALL;
	if (type != MUXRPC_JSON || ask->at == ask->count) {
		lied(ask, "it gives what was not asked for");
		return;
	}
	if (ask->has_head) {
		take_text(ask, body);
		return;
	}
	bool is_head =
		json_parse(body, HEAD_DEPTH, &doc) == ERR_OK && take_head(ask, json_root(doc));
	json_doc_free(doc);
	if (!is_head) {
		lied(ask, "it does not say what it gives");
	}
}

static void on_end(void *ctx, struct rpc_call *call, const char *error)
{
	struct ask *ask = ctx;
	struct newest_peer *peer = ask->of;
	(void)call;
	ask->call = NULL;
	if (peer->way == WAY_UNSURE) {
		peer->way = WAY_HISTORY;
		LOG(peer->partner->sync->env, LOG_INFO, "newest.refused",
			LOG_ADDRESS("peer", span_text(peer_remote(peer->partner->peer))),
			LOG_TEXT("why", error == NULL ? "it ended" : error));
	} else {
		finish_rest(ask);
	}
	ask_free(ask);
	due_soon(newest_of(peer), peer);
}

/* createHistoryStream from a late sequence. */

static void on_history_item(void *ctx, struct rpc_call *call, enum muxrpc_type type,
	struct span body, const struct json *json)
{
	struct ask *ask = ctx;
	int64_t sequence = 0;
	(void)call;
	const struct json *message =
		type == MUXRPC_JSON && json != NULL && json_kind(json) == JSON_KIND_OBJECT
			? fetch_value(json)
			: NULL;
	if (message == NULL || !json_whole(json_get(message, "sequence"), &sequence) ||
		sequence < 1 || ask->arrival == NULL) {
		return;
	}
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	enum err err = ERR_OK;
	if (message != json) {
		err = json_write_compact(message, &text);
		body = buf_span(&text);
	}
	if (err == ERR_OK) {
		err = newest_in_add(ask->arrival, false, (uint64_t)sequence, body);
	}
	ask->has_answered = true;
	if (err == ERR_LIMIT) {
		lied(ask, "it gives more than was asked for");
	}
	buf_fini(&text);
}

static void on_history_end(void *ctx, struct rpc_call *call, const char *error)
{
	struct ask *ask = ctx;
	struct newest_peer *peer = ask->of;
	(void)call;
	ask->call = NULL;
	if (error != NULL || !ask->has_answered) {
		peer->way = WAY_NONE;
		finish_rest(ask);
	} else if (ask->at < ask->count) {
		next_feed(ask);
	}
	ask_free(ask);
	due_soon(newest_of(peer), peer);
}

/* Asking. */

static const struct rpc_handler call_handler = {
	.on_item = on_item, .on_end = on_end, .is_raw = true};
static const struct rpc_handler history_handler = {
	.on_item = on_history_item, .on_end = on_history_end};

static enum err write_args(const struct ask *ask, struct buf *out)
{
	enum err err = buf_append_text(out, "[{\"version\":1,\"feeds\":[");
	for (size_t i = 0; err == ERR_OK && i < ask->count; i++) {
		char id[FEED_ID_TEXT_BYTES];
		feed_id_format(&ask->feeds[i]->id, id);
		err = buf_printf(out, "%s{\"id\":\"%s\",\"above\":%llu}", i == 0 ? "" : ",", id,
			(unsigned long long)ask->feeds[i]->pending);
	}
	return err == ERR_OK ? buf_printf(out, "],\"limit\":%d}]", LIMIT_WINDOW_MESSAGES) : err;
}

static enum err write_history_args(const struct ask *ask, struct buf *out)
{
	const struct feed *feed = ask->feeds[0];
	char id[FEED_ID_TEXT_BYTES];
	uint64_t told = ebt_told(ask->of->partner, feed);
	uint64_t from = told - LIMIT_WINDOW_MESSAGES + 1;
	feed_id_format(&feed->id, id);
	return buf_printf(out,
		"[{\"id\":\"%s\",\"sequence\":%llu,\"limit\":%d,\"live\":false,\"keys\":false}]",
		id, (unsigned long long)from, LIMIT_WINDOW_MESSAGES);
}

static enum err open_call(struct ask *ask)
{
	struct buf args = BUF_INIT(LIMIT_RPC_JSON_BYTES);
	struct rpc_handler mine = ask->is_history ? history_handler : call_handler;
	mine.ctx = ask;
	enum err err = ask->is_history ? write_history_args(ask, &args) : write_args(ask, &args);
	if (err == ERR_OK) {
		err = rpc_open(peer_rpc(ask->of->partner->peer),
			ask->is_history ? "createHistoryStream" : "kith.newest", RPC_SOURCE,
			buf_span(&args), &mine, &ask->call);
	}
	buf_fini(&args);
	return err;
}

/* Is it worth asking this peer for this feed now? */
static bool is_worth(struct newest_peer *peer, struct feed *feed)
{
	struct sync *sync = peer->partner->sync;
	struct newest *newest = sync->newest;
	if (bit_get(peer, peer->done, feed) || feed == reach_self(sync->reach) || feed->is_paused) {
		return false;
	}
	uint64_t told = ebt_told(peer->partner, feed);
	bool is_near = feed->hops <= 1;
	struct hold *hold = newest_hold(newest, feed, false);
	uint64_t have = hold != NULL && hold->newest > feed->pending ? hold->newest : feed->pending;
	if (hold != NULL && (hold->ask != NULL || hold->jobs > 0 || hold->is_closed)) {
		return false;
	}
	bool is_ahead = told > have + LIMIT_WINDOW_MESSAGES;
	/* Nothing is known of somebody new: who is connected may have him. */
	bool is_new = told == 0 && have == 0 && is_near && peer->way <= WAY_CALL &&
		      !bit_get(peer, peer->none, feed);
	bool has_room = newest->held < LIMIT_AHEAD_FEEDS || is_near;
	return (is_ahead || is_new) && has_room && (is_near || peer->way != WAY_HISTORY) &&
	       reach_is_shared(sync->reach, feed, &peer->partner->id);
}

static size_t choose(struct newest_peer *peer, struct feed **out, size_t room)
{
	struct reach *reach = peer->partner->sync->reach;
	size_t count = 0;
	for (size_t i = 0; i < reach_count(reach) && count < room; i++) {
		struct feed *feed = reach_nth(reach, i);
		if (is_worth(peer, feed)) {
			out[count++] = feed;
		}
	}
	return count;
}

static struct ask *ask_new(struct newest_peer *peer)
{
	struct newest *newest = newest_of(peer);
	struct ask *ask = calloc(1, sizeof(*ask));
	if (ask == NULL) {
		return NULL;
	}
	ask->timer = loop_timer_new(newest->sync->loop, on_ask_due, ask);
	if (ask->timer == NULL) {
		free(ask);
		return NULL;
	}
	ask->of = peer;
	ask->is_history = peer->way == WAY_HISTORY;
	ask->count = choose(peer, ask->feeds, ask->is_history ? 1 : LIMIT_NEWEST_FEEDS);
	ask->next = peer->asks;
	peer->asks = ask;
	peer->ask_count++;
	return ask;
}

/* False: there is nothing to ask, or it cannot be asked. */
static bool ask_one(struct newest_peer *peer)
{
	struct newest *newest = newest_of(peer);
	struct ask *ask = ask_new(peer);
	if (ask == NULL) {
		return false;
	}
	enum err err = ask->count == 0 ? ERR_NOT_FOUND : ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < ask->count; i++) {
		struct hold *hold = newest_hold(newest, ask->feeds[i], true);
		if (hold == NULL) {
			err = ERR_NOMEM;
		} else {
			hold->ask = ask;
		}
	}
	if (err == ERR_OK && ask->is_history) {
		ask->arrival = newest_in_new(
			newest, peer->partner, newest_hold(newest, ask->feeds[0], false));
		err = ask->arrival == NULL ? ERR_NOMEM : ERR_OK;
	}
	if (err == ERR_OK) {
		err = open_call(ask);
	}
	if (err != ERR_OK) {
		ask_free(ask);
		return false;
	}
	loop_timer_set(ask->timer, LIMIT_NEWEST_MS);
	return true;
}

static bool may_call(struct newest_peer *peer)
{
	static const unsigned most[] = {[WAY_UNSURE] = 1,
		[WAY_CALL] = LIMIT_NEWEST_CALLS,
		[WAY_HISTORY] = LIMIT_NEWEST_HISTORY,
		[WAY_NONE] = 0};
	int64_t now_ms = env_mono_ms(peer->partner->sync->env);
	if (now_ms - peer->minute_ms >= MINUTE_MS || peer->minute_ms == 0) {
		peer->minute_ms = now_ms;
		peer->calls = 0;
	}
	return peer->ask_count < most[peer->way] && peer->calls < LIMIT_NEWEST_PER_MINUTE;
}

static void look(struct newest_peer *peer)
{
	struct partner *partner = peer->partner;
	struct newest *newest = partner->sync->newest;
	if (newest->is_stopped || !newest->is_loaded || !partner->is_ready || partner->is_closing) {
		return;
	}
	peer->is_due = false;
	while (may_call(peer)) {
		if (!ask_one(peer)) {
			return;
		}
		peer->calls++;
	}
	if (peer->calls >= LIMIT_NEWEST_PER_MINUTE) {
		peer->is_due = true;
		loop_timer_set(newest->timer, LATER_MS);
	}
}

static void on_timer(void *ctx)
{
	struct newest *newest = ctx;
	newest_in_retry(newest);
	for (struct partner *partner = newest->sync->partners; partner != NULL;
		partner = partner->next) {
		if (partner->newest != NULL && partner->newest->is_due) {
			look(partner->newest);
		}
	}
}

/* From outside. */

enum err newest_new(struct sync *sync, struct newest **out)
{
	struct newest *newest = calloc(1, sizeof(*newest));
	if (newest == NULL) {
		return ERR_NOMEM;
	}
	newest->sync = sync;
	newest->holds = table_new(sync->env, LIMIT_FEEDS_KNOWN);
	newest->liars = table_new(sync->env, LIMIT_FEEDS_KNOWN);
	newest->timer = loop_timer_new(sync->loop, on_timer, newest);
	if (newest->holds == NULL || newest->liars == NULL || newest->timer == NULL) {
		newest_free(newest);
		return ERR_NOMEM;
	}
	*out = newest;
	newest_check_load(newest);
	return ERR_OK;
}

void newest_free(struct newest *newest)
{
	if (newest == NULL) {
		return;
	}
	while (newest->waiting != NULL) {
		struct arrival *next = newest->waiting->next;
		newest_in_free(newest->waiting);
		newest->waiting = next;
	}
	while (newest->first != NULL) {
		assert(newest->first->prev == NULL);
		hold_free(newest, newest->first);
	}
	table_free(newest->holds);
	table_free(newest->liars);
	if (newest->timer != NULL) {
		loop_timer_free(newest->timer);
	}
	free(newest);
}

void newest_stop(struct newest *newest)
{
	newest->is_stopped = true;
	loop_timer_clear(newest->timer);
}

void newest_ready(struct partner *partner)
{
	struct newest *newest = partner->sync->newest;
	struct newest_peer *peer = calloc(1, sizeof(*peer));
	if (peer == NULL) {
		return;
	}
	peer->partner = partner;
	peer->way = table_get(newest->liars, partner->id.at) == NULL ? WAY_UNSURE : WAY_NONE;
	partner->newest = peer;
	peer->is_due = true;
	look(peer);
}

void newest_drop(struct partner *partner)
{
	struct newest_peer *peer = partner->newest;
	if (peer == NULL) {
		return;
	}
	struct newest *newest = newest_of(peer);
	bool was_asked = peer->asks != NULL;
	give_up_all(peer);
	newest_serve_drop(peer);
	if (peer->is_paused) {
		peer_resume(partner->peer);
	}
	partner->newest = NULL;
	free(peer->done);
	free(peer);
	if (was_asked) {
		newest_touch(newest); /* what it was asked for, others may have */
	}
}

void newest_consider(struct partner *partner, struct feed *feed)
{
	if (partner->newest == NULL) {
		return;
	}
	bit_set(partner->newest, true, feed, false);
	if (is_worth(partner->newest, feed)) {
		due_soon(partner->sync->newest, partner->newest);
	}
}

void newest_reach_changed(struct sync *sync)
{
	struct newest *newest = sync->newest;
	struct hold *next;
	for (struct hold *hold = newest->first; hold != NULL; hold = next) {
		next = hold->next;
		hold->is_closed = false;
		if (!feed_is_wanted(hold->feed) && hold->newest > 0) {
			newest_set_held(newest, hold, 0); /* the writer has dropped it */
		}
		newest_settle(newest, hold);
	}
	for (struct partner *partner = sync->partners; partner != NULL; partner = partner->next) {
		if (partner->newest != NULL) {
			look(partner->newest);
		}
	}
}

void newest_committed(struct sync *sync, struct feed *feed)
{
	struct newest *newest = sync->newest;
	struct hold *hold = newest_hold(newest, feed, false);
	if (hold != NULL && hold->newest > 0 && hold->newest <= feed->head) {
		newest_set_held(newest, hold, 0);
		newest_settle(newest, hold);
	}
}
