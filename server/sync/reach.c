/*
 * The snapshot is taken by a worker with its own reader: distances, block edges and heads. Heads
 * only grow, so a commit that was announced while the snapshot was on its way is not undone by it.
 * A feed stays in memory once known; only its `hops` says whether it is replicated.
 */
#include "sync/reach.h"

#include "base/table.h"
#include "store/let_go.h"
#include "store/safety.h"
#include "sync/ebt.h"
#include "sync/fetch.h"
#include "sync/history.h"
#include "sync/ingest_lanes.h"
#include "sync/newest.h"
#include "sync/peers.h"
#include "sync/recover.h"
#include "sync/schedule.h"
#include "sync/shares.h"
#include "sync/wants.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

enum { REACH_DEBOUNCE_MS = 50, RETRY_MS = 1000, NEWS_MAX = 2 * LIMIT_GRAPH_EDGES_PER_AUTHOR };

struct edge {
	struct feed_id from, to;
};

struct head_row {
	struct feed_id feed;
	uint64_t sequence;
	uint64_t first; /* 0: not said here */
};

/* What the worker read. */
struct snapshot {
	struct reach *reach;
	struct readers *readers;
	int hops_max;
	enum err err;
	struct reach_entry *entries;
	size_t entry_count;
	struct edge *edges;
	size_t edge_count, edge_room;
	struct head_row *heads;
	size_t head_count, head_room;
	struct feed_id self;
	uint64_t falls; /* of heads, when it was begun */
};

struct reach {
	struct sync *sync;
	struct table *feeds; /* struct feed by id */
	struct feed **slots;
	uint32_t slot_count, slot_room;
	struct feed **wanted; /* in order of distance */
	size_t wanted_count;
	struct table *blocks; /* hash of from and to */
	struct feed *self;
	struct loop_timer *timer;
	uint64_t
		falls; /* how often a head fell back: heads of an older snapshot say nothing then */
	bool is_computing, is_stale, is_stopped;
	struct mail_edge *news; /* told while a snapshot is made: it may not know them */
	size_t news_count, news_room;
	bool is_unsaved; /* the writer has not taken the set; it would refuse what is new in it */
};

static void snapshot_free(struct snapshot *snapshot)
{
	if (snapshot != NULL) {
		free(snapshot->entries);
		free(snapshot->edges);
		free(snapshot->heads);
		free(snapshot);
	}
}

/* Room for one more in an array that doubles; false without memory. */
static bool has_room(void **at, size_t count, size_t *room, size_t bytes, size_t max)
{
	if (count < *room) {
		return true;
	}
	size_t wanted = *room == 0 ? 64 : *room * 2;
	if (count >= max) {
		return false;
	}
	void *grown = realloc(*at, wanted * bytes);
	if (grown == NULL) {
		return false;
	}
	*at = grown;
	*room = wanted;
	return true;
}

static void take_edge(void *ctx, const struct feed_id *from, const struct feed_id *to)
{
	struct snapshot *snapshot = ctx;
	if (!has_room((void **)&snapshot->edges, snapshot->edge_count, &snapshot->edge_room,
		    sizeof(*snapshot->edges), LIMIT_GRAPH_EDGES)) {
		snapshot->err = ERR_NOMEM;
		return;
	}
	snapshot->edges[snapshot->edge_count++] = (struct edge){.from = *from, .to = *to};
}

static void take_head(void *ctx, const struct feed_id *feed, const struct chain_head *head)
{
	struct snapshot *snapshot = ctx;
	if (!has_room((void **)&snapshot->heads, snapshot->head_count, &snapshot->head_room,
		    sizeof(*snapshot->heads), LIMIT_FEEDS_KNOWN)) {
		return;
	}
	snapshot->heads[snapshot->head_count++] =
		(struct head_row){.feed = *feed, .sequence = head->sequence};
}

static void take_first(void *ctx, const struct let_go_row *row)
{
	struct snapshot *snapshot = ctx;
	if (row->again == LET_GO_COMING ||
		!has_room((void **)&snapshot->heads, snapshot->head_count, &snapshot->head_room,
			sizeof(*snapshot->heads), 2 * (size_t)LIMIT_FEEDS_KNOWN)) {
		return;
	}
	snapshot->heads[snapshot->head_count++] =
		(struct head_row){.feed = row->feed, .first = row->below};
}

static bool is_blocked(const struct snapshot *snapshot, const struct feed_id *feed)
{
	for (size_t i = 0; i < snapshot->edge_count; i++) {
		const struct edge *edge = &snapshot->edges[i];
		if (feed_id_equal(&edge->from, &snapshot->self) && feed_id_equal(&edge->to, feed)) {
			return true;
		}
	}
	return false;
}

/* A feed wanted without a follow message is as near as one we follow. */
static void take_want(void *ctx, const struct feed_id *feed)
{
	struct snapshot *snapshot = ctx;
	size_t i = 0;
	while (i < snapshot->entry_count && !feed_id_equal(&snapshot->entries[i].feed, feed)) {
		i++;
	}
	if (i == LIMIT_FEEDS || is_blocked(snapshot, feed)) {
		return;
	}
	if (i == snapshot->entry_count) {
		snapshot->entry_count++;
	} else if (snapshot->entries[i].hops <= 1) {
		return;
	}
	snapshot->entries[i] = (struct reach_entry){.feed = *feed, .hops = 1};
}

static void snapshot_read(struct snapshot *snapshot, struct reader *reader)
{
	snapshot->entries = calloc(LIMIT_FEEDS, sizeof(*snapshot->entries));
	if (snapshot->entries == NULL) {
		snapshot->err = ERR_NOMEM;
		return;
	}
	snapshot->err = graph_reach(
		reader, snapshot->hops_max, snapshot->entries, LIMIT_FEEDS, &snapshot->entry_count);
	if (snapshot->err != ERR_OK) {
		return;
	}
	enum err err = graph_blocks(reader, take_edge, snapshot);
	if (snapshot->err == ERR_OK) {
		snapshot->err = err;
	}
	err = reader_wants(reader, take_want, snapshot);
	if (snapshot->err == ERR_OK) {
		snapshot->err = err;
	}
	err = reader_heads(reader, take_head, snapshot);
	if (snapshot->err == ERR_OK) {
		snapshot->err = err;
	}
	err = reader_let_go_all(reader, take_first, snapshot);
	if (snapshot->err == ERR_OK) {
		snapshot->err = err;
	}
}

/* Worker. */
static void snapshot_work(void *ctx)
{
	struct snapshot *snapshot = ctx;
	struct reader *reader = readers_take(snapshot->readers);
	if (reader == NULL) {
		snapshot->err = ERR_IO;
		return;
	}
	snapshot_read(snapshot, reader);
	readers_give(snapshot->readers, reader);
}

static void edge_name(const struct feed_id *from, const struct feed_id *to, uint8_t out[static 32])
{
	uint8_t both[2 * ID_BYTES];
	memcpy(both, from->at, ID_BYTES);
	memcpy(both + ID_BYTES, to->at, ID_BYTES);
	int failed = crypto_generichash(out, 32, both, sizeof(both), NULL, 0);
	assert(failed == 0);
	(void)failed;
}

static struct feed *feed_make(struct reach *reach, const struct feed_id *id)
{
	struct feed *feed = table_get(reach->feeds, id->at);
	if (feed != NULL) {
		return feed;
	}
	size_t room = reach->slot_room;
	if (!has_room((void **)&reach->slots, reach->slot_count, &room, sizeof(struct feed *),
		    LIMIT_FEEDS_KNOWN)) {
		return NULL;
	}
	reach->slot_room = (uint32_t)room;
	feed = calloc(1, sizeof(*feed));
	if (feed == NULL || table_put(reach->feeds, id->at, feed) != ERR_OK) {
		free(feed);
		return NULL;
	}
	feed->id = *id;
	feed->hops = -1;
	feed->slot = reach->slot_count;
	reach->slots[reach->slot_count++] = feed;
	return feed;
}

static void apply_heads(struct reach *reach, const struct snapshot *snapshot)
{
	if (snapshot->falls != reach->falls) {
		reach_touch(
			reach); /* a head fell back meanwhile: what was read may be the old one */
		return;
	}
	for (size_t i = 0; i < snapshot->head_count; i++) {
		const struct head_row *row = &snapshot->heads[i];
		struct feed *feed = table_get(reach->feeds, row->feed.at);
		if (feed != NULL && row->first == 0) {
			(void)reach_committed(reach, &feed->id, row->sequence);
		} else if (feed != NULL && row->first > feed->first) {
			feed->first = row->first;
		}
	}
}

static void apply_blocks(struct reach *reach, const struct snapshot *snapshot)
{
	struct table *blocks = table_new(reach->sync->env, LIMIT_GRAPH_EDGES);
	if (blocks == NULL) {
		return; /* the old ones stay in force */
	}
	for (uint32_t i = 0; i < reach->slot_count; i++) {
		reach->slots[i]->blocking = 0;
	}
	for (size_t i = 0; i < snapshot->edge_count; i++) {
		/* Also of who is out of reach: what we hold of it may still be asked for. */
		struct feed *from = feed_make(reach, &snapshot->edges[i].from);
		uint8_t name[32];
		if (from == NULL) {
			continue;
		}
		edge_name(&snapshot->edges[i].from, &snapshot->edges[i].to, name);
		if (table_put(blocks, name, reach) == ERR_OK) {
			from->blocking++;
		}
	}
	table_free(reach->blocks);
	reach->blocks = blocks;
}

/* True when this changed who blocks whom. */
static bool apply_edge(struct reach *reach, const struct mail_edge *edge)
{
	struct feed *from = feed_make(reach, &edge->from);
	bool is_block = edge->edge == EDGE_BLOCK;
	uint8_t name[32];
	if (from == NULL || reach->blocks == NULL || (!is_block && from->blocking == 0)) {
		return false;
	}
	edge_name(&edge->from, &edge->to, name);
	if ((table_get(reach->blocks, name) != NULL) == is_block) {
		return false;
	}
	if (is_block && table_put(reach->blocks, name, reach) != ERR_OK) {
		return false;
	}
	if (is_block) {
		from->blocking++;
	} else {
		(void)table_remove(reach->blocks, name);
		from->blocking--;
	}
	return true;
}

/* Whom we block now is wanted no longer. */
static void drop_wanted(struct reach *reach, const struct feed_id *id)
{
	struct feed *feed = reach_wanted(reach, id);
	size_t count = 0;
	if (feed == NULL || feed == reach->self) {
		return;
	}
	feed->hops = -1;
	for (size_t i = 0; i < reach->wanted_count; i++) {
		if (reach->wanted[i] != feed) {
			reach->wanted[count++] = reach->wanted[i];
		}
	}
	reach->wanted_count = count;
}

static void keep_news(struct reach *reach, const struct mail_edge *edge)
{
	if (reach->is_computing && has_room((void **)&reach->news, reach->news_count,
					   &reach->news_room, sizeof(*edge), NEWS_MAX)) {
		reach->news[reach->news_count++] = *edge;
	}
}

/* What was told while the snapshot was on its way is not undone by it. */
static void apply_news(struct reach *reach)
{
	for (size_t i = 0; i < reach->news_count; i++) {
		const struct mail_edge *edge = &reach->news[i];
		(void)apply_edge(reach, edge);
		if (edge->edge == EDGE_BLOCK && feed_id_equal(&edge->from, &reach->self->id)) {
			drop_wanted(reach, &edge->to);
		}
	}
	reach->news_count = 0;
}

/* Put the new set in place. True when it differs from the old one. */
static bool apply_wanted(struct reach *reach, const struct snapshot *snapshot)
{
	struct feed **wanted = calloc(snapshot->entry_count + 1, sizeof(struct feed *));
	if (wanted == NULL) {
		return false;
	}
	size_t count = 0;
	bool is_changed = false;
	wanted[count++] = reach->self;
	reach->self->is_chosen = true;
	for (size_t i = 0; i < snapshot->entry_count; i++) {
		struct feed *feed = feed_make(reach, &snapshot->entries[i].feed);
		if (feed == NULL || feed->is_chosen || count > LIMIT_FEEDS) {
			continue;
		}
		feed->is_chosen = true;
		is_changed = is_changed || feed->hops != snapshot->entries[i].hops;
		feed->hops = snapshot->entries[i].hops;
		wanted[count++] = feed;
	}
	for (size_t i = 0; i < reach->wanted_count; i++) {
		if (!reach->wanted[i]->is_chosen) {
			reach->wanted[i]->hops = -1;
			is_changed = true;
		}
	}
	for (size_t i = 0; i < count; i++) {
		wanted[i]->is_chosen = false;
	}
	free(reach->wanted);
	reach->wanted = wanted;
	reach->wanted_count = count;
	return is_changed;
}

static void publish(struct reach *reach)
{
	struct reach_entry *entries = calloc(reach->wanted_count, sizeof(*entries));
	reach->is_unsaved = true;
	if (entries == NULL) {
		loop_timer_set(reach->timer, RETRY_MS);
		return;
	}
	for (size_t i = 0; i < reach->wanted_count; i++) {
		entries[i] = (struct reach_entry){
			.feed = reach->wanted[i]->id, .hops = reach->wanted[i]->hops};
	}
	struct change change = {
		.kind = CHANGE_REACH, .reach = entries, .reach_count = reach->wanted_count};
	reach->is_unsaved = writer_change(reach->sync->writer, &change) != ERR_OK;
	if (reach->is_unsaved) {
		LOG(reach->sync->env, LOG_WARN, "reach.unsaved",
			LOG_NUM("feeds", reach->wanted_count));
		loop_timer_set(reach->timer, RETRY_MS);
	}
	free(entries);
}

static void apply(struct reach *reach, const struct snapshot *snapshot)
{
	bool is_changed = apply_wanted(reach, snapshot);
	apply_blocks(reach, snapshot);
	apply_news(reach);
	apply_heads(reach, snapshot);
	if (is_changed || reach->is_unsaved) {
		publish(reach);
	}
}

static void tell_one(struct partner *partner)
{
	ebt_reach_changed(partner);
	fetch_reach_changed(partner);
	history_reach_changed(partner);
}

/* Loop thread: everybody hears of the new reach; each part looks for itself what changed. */
static void tell(struct reach *reach)
{
	struct sync *sync = reach->sync;
	peers_close_blocked(sync);
	newest_reach_changed(sync);
	for (struct partner *partner = sync->partners; partner != NULL; partner = partner->next) {
		tell_one(partner);
	}
	shares_reach_changed(sync->shares);
	wants_reach_changed(sync->wants);
	recover_reach_changed(sync->recover);
	schedule_touch(sync->schedule);
	sync_changed(sync);
}

static void compute(struct reach *reach);

static void snapshot_done(void *ctx)
{
	struct snapshot *snapshot = ctx;
	struct reach *reach = snapshot->reach;
	reach->is_computing = false;
	if (!reach->is_stopped) {
		if (snapshot->err == ERR_OK) {
			apply(reach, snapshot);
			tell(reach);
		} else {
			LOG(reach->sync->env, LOG_WARN, "reach.failed",
				LOG_TEXT("why", err_text(snapshot->err)));
			loop_timer_set(reach->timer, RETRY_MS);
		}
		if (reach->is_stale) {
			compute(reach);
		}
	}
	snapshot_free(snapshot);
	sync_job_ends(reach->sync);
}

static struct snapshot *snapshot_new(struct reach *reach)
{
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
	if (snapshot != NULL) {
		snapshot->reach = reach;
		snapshot->readers = reach->sync->readers;
		snapshot->hops_max = reach->sync->hops_max;
		snapshot->self = reach->sync->self;
	}
	return snapshot;
}

static void compute(struct reach *reach)
{
	if (reach->is_computing) {
		reach->is_stale = true;
		return;
	}
	struct snapshot *snapshot = snapshot_new(reach);
	if (snapshot == NULL ||
		loop_work(reach->sync->loop, snapshot_work, snapshot_done, snapshot) != ERR_OK) {
		snapshot_free(snapshot);
		loop_timer_set(reach->timer, RETRY_MS);
		return;
	}
	snapshot->falls = reach->falls;
	reach->is_stale = false;
	reach->is_computing = true;
	reach->news_count = 0;
	sync_job_begins(reach->sync);
}

static void on_due(void *ctx)
{
	compute(ctx);
}

static enum err load(struct reach *reach)
{
	struct snapshot *snapshot = snapshot_new(reach);
	enum err err = ERR_NOMEM;
	if (snapshot != NULL) {
		snapshot_work(snapshot);
		err = snapshot->err;
	}
	if (err == ERR_OK) {
		apply(reach, snapshot);
		publish(reach);
	}
	snapshot_free(snapshot);
	return err;
}

enum err reach_new(struct sync *sync, struct reach **out)
{
	struct reach *reach = calloc(1, sizeof(*reach));
	if (reach == NULL) {
		return ERR_NOMEM;
	}
	enum err err = ERR_NOMEM;
	reach->sync = sync;
	reach->feeds = table_new(sync->env, LIMIT_FEEDS_KNOWN);
	reach->timer = loop_timer_new(sync->loop, on_due, reach);
	if (reach->feeds == NULL || reach->timer == NULL) {
		goto out;
	}
	reach->self = feed_make(reach, &sync->self);
	if (reach->self == NULL) {
		goto out;
	}
	reach->self->hops = 0;
	err = load(reach);
	if (err == ERR_OK) {
		*out = reach;
		return ERR_OK;
	}
out:
	reach_free(reach);
	return err;
}

void reach_free(struct reach *reach)
{
	if (reach == NULL) {
		return;
	}
	for (uint32_t i = 0; i < reach->slot_count; i++) {
		free(reach->slots[i]);
	}
	free(reach->slots);
	free(reach->wanted);
	free(reach->news);
	table_free(reach->feeds);
	table_free(reach->blocks);
	if (reach->timer != NULL) {
		loop_timer_free(reach->timer);
	}
	free(reach);
}

struct feed *reach_known(struct reach *reach, const struct feed_id *id)
{
	return table_get(reach->feeds, id->at);
}

struct feed *reach_wanted(struct reach *reach, const struct feed_id *id)
{
	struct feed *feed = table_get(reach->feeds, id->at);
	return feed != NULL && feed_is_wanted(feed) ? feed : NULL;
}

struct feed *reach_self(struct reach *reach)
{
	return reach->self;
}

struct feed *reach_at(struct reach *reach, uint32_t slot)
{
	assert(slot < reach->slot_count);
	return reach->slots[slot];
}

uint32_t reach_slots(const struct reach *reach)
{
	return reach->slot_count;
}

size_t reach_count(const struct reach *reach)
{
	return reach->wanted_count;
}

struct feed *reach_nth(struct reach *reach, size_t i)
{
	assert(i < reach->wanted_count);
	return reach->wanted[i];
}

bool reach_is_blocking(struct reach *reach, const struct feed_id *from, const struct feed_id *to)
{
	const struct feed *feed = table_get(reach->feeds, from->at);
	if (feed == NULL || feed->blocking == 0) {
		return false;
	}
	uint8_t name[32];
	edge_name(from, to, name);
	return table_get(reach->blocks, name) != NULL;
}

bool reach_is_shared(struct reach *reach, const struct feed *feed, const struct feed_id *peer)
{
	return feed_is_wanted(feed) && !reach_is_blocking(reach, &feed->id, peer);
}

struct feed *reach_committed(struct reach *reach, const struct feed_id *author, uint64_t sequence)
{
	struct feed *feed = feed_make(reach, author);
	if (feed == NULL) {
		return NULL;
	}
	if (sequence > feed->head) {
		feed->head = sequence;
	}
	if (feed->pending < feed->head) {
		feed->pending = feed->head;
	}
	return feed;
}

void reach_edges(struct reach *reach, const struct mail_edge *edges, size_t count)
{
	bool is_ours = false;
	for (size_t i = 0; i < count && !reach->is_stopped; i++) {
		const struct mail_edge *edge = &edges[i];
		bool is_changed = apply_edge(reach, edge);
		keep_news(reach, edge);
		struct partner *partner =
			is_changed ? table_get(reach->sync->ready, edge->to.at) : NULL;
		if (is_changed && feed_id_equal(&edge->from, &reach->self->id)) {
			is_ours = true;
			if (edge->edge == EDGE_BLOCK) {
				drop_wanted(reach, &edge->to);
			}
		} else if (partner != NULL) {
			tell_one(partner);
		}
	}
	if (is_ours) {
		tell(reach);
	}
}

/* It is asked for again as if nothing had ever come. */
static void begin_again(struct sync *sync, struct feed *feed)
{
	feed->head = 0;
	feed->pending = 0;
	feed->epoch++;
	lanes_feed_failed(feed);
	ebt_feed_failed(sync, feed, NULL, FAILURE_GAP);
	fetch_feed_failed(sync, feed, NULL, FAILURE_GAP);
	ebt_source_find(sync, feed);
}

void reach_let_go(struct reach *reach, const struct let_go_news *news)
{
	struct feed *feed = table_get(reach->feeds, news->feed.at);
	struct sync *sync = reach->sync;
	reach->falls += news->is_again;
	if (feed == NULL) {
		return;
	}
	feed->first = news->is_again ? 1 : news->below;
	if (news->is_again) {
		begin_again(sync, feed);
	}
	for (struct partner *partner = sync->partners; partner != NULL; partner = partner->next) {
		ebt_let_go(partner, feed);
		if (news->is_again && ebt_told(partner, feed) > 0) {
			newest_consider(partner, feed);
		}
	}
}

void reach_touch(struct reach *reach)
{
	if (!reach->is_stopped) {
		loop_timer_set(reach->timer, REACH_DEBOUNCE_MS);
	}
}

void reach_stop(struct reach *reach)
{
	reach->is_stopped = true;
	loop_timer_clear(reach->timer);
}
