/*
 * The input is a story of some sessions of ebt.replicate: who connects and goes, what is noted,
 * sent, stored, followed, blocked and paused, when time passes and workers answer. The engine
 * (sync/ebt*.c) is the real one; the world around it is made of the fakes below. It must never send
 * what was not asked for, out of order, of a feed that is refused or blocked, or that is not
 * stored; never tell a number above what is stored; ask one session for a feed at most. In the end
 * somebody honest comes who has everything: it must all arrive, whatever the others claim.
 */
#include "sync/ebt_state.h"
#include "sync/fetch.h"
#include "sync/newest.h"
#include "sync/peers.h"
#include "sync/recover.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	FEEDS = 7,
	PEERS = 4, /* the last one is the honest one */
	HONEST = PEERS - 1,
	ITEMS_MAX = 64,
	HELD_MAX = 12, /* messages of a feed */
	NEVER = -1
};

struct rpc_call {
	unsigned peer;
	struct rpc_handler handler;
	bool is_live;
};

struct loop_timer {
	struct loop_timer *next;
	void (*on_due)(void *ctx);
	void *ctx;
	int64_t due_ms; /* NEVER: not set */
};

/* What the peer said and got, as it must be remembered. */
struct said {
	bool is_asked;
	uint64_t expected; /* the last number it has, by its note and what was sent since */
	uint64_t proved;   /* … or by a message of its own */
	bool is_even;      /* what it was told */
	bool is_turned_down;
};

struct item {
	struct feed *feed;
	uint64_t sequence;
	uint64_t serial;
	uint32_t epoch;
	bool is_bad;
};

struct job {
	void (*done)(void *ctx);
	void *ctx;
};

static struct {
	struct sync sync;
	struct feed feeds[FEEDS]; /* the first one is our own */
	struct feed *wanted[FEEDS];
	struct partner partners[PEERS];
	struct rpc_call calls[PEERS];
	struct said said[PEERS][FEEDS];
	bool is_blocking[FEEDS][PEERS];
	bool is_full[PEERS];
	int64_t stored_clocks[PEERS][FEEDS]; /* NEVER − 1: none */
	bool is_live[PEERS];
	struct loop_timer *timers;
	struct pull *pull[PEERS + 1];
	struct job jobs[ITEMS_MAX];
	size_t job_count;
	struct item items[ITEMS_MAX];
	size_t item_count;
	bool is_next_bad;
	bool is_rewound;
	int64_t now_ms;
} world;

#define MUST(condition)                                                    \
	do {                                                               \
		if (!(condition)) {                                        \
			fprintf(stderr, "%d: %s\n", __LINE__, #condition); \
			abort();                                           \
		}                                                          \
	} while (0)

/* The fakes: time and work. */

static int64_t mono_ms(void *ctx)
{
	(void)ctx;
	return world.now_ms;
}

static void no_log(void *ctx, enum log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	(void)line;
}

static const struct env env = {.mono_ms = mono_ms, .wall_ms = mono_ms, .log_line = no_log};

struct loop_timer *loop_timer_new(struct loop *loop, void (*on_due)(void *ctx), void *ctx)
{
	struct loop_timer *timer = calloc(1, sizeof(*timer));
	(void)loop;
	MUST(timer != NULL);
	*timer = (struct loop_timer){
		.next = world.timers, .on_due = on_due, .ctx = ctx, .due_ms = NEVER};
	world.timers = timer;
	return timer;
}

void loop_timer_set(struct loop_timer *timer, int64_t ms)
{
	timer->due_ms = world.now_ms + ms;
}

void loop_timer_clear(struct loop_timer *timer)
{
	timer->due_ms = NEVER;
}

void loop_timer_free(struct loop_timer *timer)
{
	struct loop_timer **at = &world.timers;
	while (*at != timer) {
		at = &(*at)->next;
	}
	*at = timer->next;
	free(timer);
}

static bool run_due(void)
{
	for (struct loop_timer *timer = world.timers; timer != NULL; timer = timer->next) {
		if (timer->due_ms != NEVER && timer->due_ms <= world.now_ms) {
			timer->due_ms = NEVER;
			timer->on_due(timer->ctx);
			return true;
		}
	}
	return false;
}

enum err loop_work(struct loop *loop, void (*work)(void *ctx), void (*done)(void *ctx), void *ctx)
{
	(void)loop;
	if (world.job_count == ITEMS_MAX) {
		return ERR_BUSY;
	}
	work(ctx);
	world.jobs[world.job_count++] = (struct job){.done = done, .ctx = ctx};
	return ERR_OK;
}

static void finish_job(void)
{
	if (world.job_count > 0) {
		struct job job = world.jobs[0];
		world.job_count--;
		memmove(world.jobs, world.jobs + 1, world.job_count * sizeof(world.jobs[0]));
		job.done(job.ctx);
	}
}

void sync_job_begins(struct sync *sync)
{
	sync->jobs++;
}

void sync_job_ends(struct sync *sync)
{
	sync->jobs--;
}

void sync_changed(struct sync *sync)
{
	(void)sync;
}

/* The fakes: feeds. */

static unsigned index_of(const struct feed_id *peer)
{
	return (unsigned)(peer->at[0] - 100);
}

struct feed *reach_known(struct reach *reach, const struct feed_id *id)
{
	(void)reach;
	bool is_one = id->at[0] < FEEDS && feed_id_equal(id, &world.feeds[id->at[0]].id);
	return is_one ? &world.feeds[id->at[0]] : NULL;
}

struct feed *reach_wanted(struct reach *reach, const struct feed_id *id)
{
	struct feed *feed = reach_known(reach, id);
	return feed != NULL && feed_is_wanted(feed) ? feed : NULL;
}

struct feed *reach_self(struct reach *reach)
{
	(void)reach;
	return &world.feeds[0];
}

struct feed *reach_at(struct reach *reach, uint32_t slot)
{
	(void)reach;
	MUST(slot < FEEDS);
	return &world.feeds[slot];
}

uint32_t reach_slots(const struct reach *reach)
{
	(void)reach;
	return FEEDS;
}

size_t reach_count(const struct reach *reach)
{
	size_t count = 0;
	(void)reach;
	for (size_t i = 0; i < FEEDS; i++) {
		if (feed_is_wanted(&world.feeds[i])) {
			world.wanted[count++] = &world.feeds[i];
		}
	}
	return count;
}

struct feed *reach_nth(struct reach *reach, size_t i)
{
	(void)reach;
	return world.wanted[i];
}

bool reach_is_shared(struct reach *reach, const struct feed *feed, const struct feed_id *peer)
{
	(void)reach;
	return feed_is_wanted(feed) && !world.is_blocking[feed->slot][index_of(peer)];
}

/* The fakes: the store. */

enum ingest_verdict ingest_put(struct ingest *ingest, struct partner *from, struct feed *feed,
	uint64_t sequence, struct span raw)
{
	(void)ingest;
	(void)raw;
	MUST(!feed->is_paused || feed->slot == 0);
	if (sequence <= feed->pending) {
		return INGEST_DUPLICATE;
	}
	if (sequence != feed->pending + 1) {
		return INGEST_GAP;
	}
	if (world.item_count == ITEMS_MAX || sequence > HELD_MAX) {
		return INGEST_FAILED;
	}
	feed->pending++;
	world.items[world.item_count++] = (struct item){.feed = feed,
		.sequence = sequence,
		.serial = from->serial,
		.epoch = feed->epoch,
		.is_bad = world.is_next_bad};
	return INGEST_TAKEN;
}

struct partner *peers_by_serial(struct sync *sync, uint64_t serial)
{
	for (struct partner *partner = sync->partners; partner != NULL; partner = partner->next) {
		if (partner->serial == serial) {
			return partner;
		}
	}
	return NULL;
}

static void moved(struct feed *feed, uint64_t head)
{
	feed->head = head;
	feed->pending = feed->pending < head ? head : feed->pending;
	for (struct partner *partner = world.sync.partners; partner != NULL;
		partner = partner->next) {
		ebt_committed(partner, feed);
	}
	ebt_feed_moved(&world.sync, feed);
}

static void failed(const struct item *item, enum ingest_failure failure)
{
	bool is_news = item->epoch == item->feed->epoch;
	if (is_news) {
		item->feed->epoch++;
		item->feed->pending = item->feed->head;
	}
	if (is_news || failure == FAILURE_INVALID) {
		ebt_feed_failed(&world.sync, item->feed, peers_by_serial(&world.sync, item->serial),
			failure);
	}
}

static void store_one(void)
{
	if (world.item_count == 0) {
		return;
	}
	struct item item = world.items[0];
	world.item_count--;
	memmove(world.items, world.items + 1, world.item_count * sizeof(item));
	if (item.is_bad) {
		failed(&item, FAILURE_INVALID);
	} else if (item.epoch != item.feed->epoch) {
		failed(&item, FAILURE_GAP);
	} else if (!feed_is_wanted(item.feed)) {
		failed(&item, FAILURE_UNWANTED);
	} else if (item.sequence == item.feed->head + 1) {
		moved(item.feed, item.sequence);
	}
}

struct pull *pull_new(struct sync *sync)
{
	struct pull *pull = calloc(1, sizeof(*pull));
	MUST(pull != NULL);
	pull->sync = sync;
	pull->text = BUF_INIT(LIMIT_HISTORY_CHUNK_BYTES);
	return pull;
}

void pull_free(struct pull *pull)
{
	buf_fini(&pull->text);
	free(pull->items);
	free(pull);
}

void pull_cancel(struct pull *pull)
{
	if (pull != NULL) {
		pull->on_done = NULL;
	}
}

struct span pull_text(const struct pull *pull, const struct pull_item *item)
{
	return span_of(pull->text.at + item->at, item->len);
}

enum err pull_start(struct pull *pull)
{
	for (size_t i = 0; i < PEERS + 1; i++) {
		if (world.pull[i] == NULL) {
			world.pull[i] = pull;
			return ERR_OK;
		}
	}
	return ERR_BUSY;
}

/* A worker comes back, with `room` messages at most; each is two bytes. */
static void finish_pull(size_t n, size_t room)
{
	struct pull *pull = world.pull[n];
	if (pull == NULL) {
		return;
	}
	world.pull[n] = NULL;
	pull->items = calloc(room + 1, sizeof(*pull->items));
	MUST(pull->items != NULL);
	for (uint32_t i = 0; i < pull->want_count && room > 0; i++) {
		struct pull_want *want = &pull->wants[i];
		want->is_read = true;
		want->next = want->from;
		for (; room > 0 && want->next - want->from < want->count_max; room--) {
			uint8_t text[] = {(uint8_t)want->slot, (uint8_t)want->next};
			pull->items[pull->item_count++] = (struct pull_item){.want = i,
				.sequence = want->next++,
				.at = pull->text.len,
				.len = sizeof(text)};
			MUST(buf_append(&pull->text, span_of(text, sizeof(text))) == ERR_OK);
		}
	}
	if (pull->on_done == NULL) {
		pull_free(pull);
	} else {
		pull->on_done(pull->ctx, pull);
	}
}

struct reader *readers_take(struct readers *readers)
{
	(void)readers;
	return (struct reader *)&world;
}

void readers_give(struct readers *readers, struct reader *reader)
{
	(void)readers;
	(void)reader;
}

enum err reader_clocks(struct reader *reader, const struct feed_id *peer,
	void (*on_clock)(void *ctx, const struct feed_id *feed, int64_t note), void *ctx)
{
	(void)reader;
	for (size_t i = 0; i < FEEDS; i++) {
		if (world.stored_clocks[index_of(peer)][i] >= -1) {
			on_clock(ctx, &world.feeds[i].id, world.stored_clocks[index_of(peer)][i]);
		}
	}
	return ERR_OK;
}

enum err writer_change(struct writer *writer, const struct change *change)
{
	(void)writer;
	MUST(change->kind == CHANGE_CLOCKS);
	for (size_t i = 0; i < change->clock_count; i++) {
		world.stored_clocks[index_of(&change->feed)][change->clocks[i].feed.at[0]] =
			change->clocks[i].note;
	}
	return ERR_OK;
}

/* The fakes: what else the engine calls. */

void recover_claims(struct partner *partner, uint64_t sequence)
{
	(void)partner;
	(void)sequence;
}

void recover_told(struct partner *partner, int64_t note)
{
	(void)partner;
	(void)note;
}

void recover_holds(struct recover *recover, const struct feed_id *peer, uint64_t sequence)
{
	(void)recover;
	(void)peer;
	(void)sequence;
}

bool recover_must_note(struct recover *recover, const struct feed_id *peer)
{
	(void)recover;
	return index_of(peer) == 0;
}

void newest_consider(struct partner *partner, struct feed *feed)
{
	(void)partner;
	(void)feed;
}

void fetch_start(struct partner *partner)
{
	(void)partner;
}

void fetch_drop(struct partner *partner)
{
	(void)partner;
}

void fetch_repair(struct partner *partner)
{
	for (size_t i = 0; i < FEEDS; i++) {
		(void)ebt_owes(partner, &world.feeds[i]);
	}
}

void peers_refuse(struct partner *partner, struct rpc_call *call, const char *message)
{
	(void)partner;
	(void)message;
	call->is_live = false;
}

const char *peer_remote(const struct peer *peer)
{
	(void)peer;
	return "127.0.0.1:1";
}

struct rpc *peer_rpc(struct peer *peer)
{
	return (struct rpc *)(void *)peer;
}

enum err rpc_open(struct rpc *rpc, const char *name, enum rpc_kind kind, struct span args,
	const struct rpc_handler *rpc_handler, struct rpc_call **out)
{
	struct rpc_call *call = (struct rpc_call *)(void *)rpc;
	(void)name;
	(void)kind;
	(void)args;
	MUST(!call->is_live);
	call->handler = *rpc_handler;
	call->is_live = true;
	*out = call;
	return ERR_OK;
}

void rpc_accept(struct rpc_call *call, const struct rpc_handler *rpc_handler)
{
	call->handler = *rpc_handler;
	call->is_live = true;
}

void rpc_refuse(struct rpc_call *call, const char *message)
{
	(void)message;
	MUST(call->is_live);
	call->is_live = false;
}

void rpc_allow_notes(struct rpc_call *call, size_t bytes_max)
{
	(void)bytes_max;
	MUST(call->is_live);
}

bool rpc_is_full(const struct rpc_call *call)
{
	return world.is_full[call->peer];
}

/* What the engine says. */

static void hear_note(void *ctx, const struct feed_id *id, const struct note *note)
{
	struct rpc_call *call = ctx;
	struct feed *feed = reach_known(NULL, id);
	if (feed == NULL) {
		MUST(!note->is_replicated);
		return;
	}
	struct said *said = &world.said[call->peer][feed->slot];
	bool is_shared = reach_is_shared(NULL, feed, &world.partners[call->peer].id);
	MUST(note->is_replicated ? is_shared : !said->is_turned_down);
	said->is_turned_down = !note->is_replicated;
	said->is_even = note->is_replicated && note->wants;
	bool is_rewound = feed->slot == 0 && world.is_rewound && note->sequence < feed->head;
	MUST(!note->is_replicated || note->sequence == feed->head || is_rewound);
	MUST(!said->is_even || !feed->is_paused || feed->slot == 0);
}

static void hear_message(unsigned peer, uint8_t slot, uint64_t sequence)
{
	struct feed *feed = reach_at(NULL, slot);
	struct said *said = &world.said[peer][slot];
	MUST(said->is_asked && sequence <= feed->head);
	/* Next in order, unless the peer gave some of it itself (which may have been refused). */
	MUST(sequence > said->expected && sequence <= said->proved + 1);
	MUST(reach_is_shared(NULL, feed, &world.partners[peer].id));
	said->expected = sequence;
	said->proved = sequence;
}

enum err rpc_send(struct rpc_call *call, enum muxrpc_type type, struct span body)
{
	MUST(call->is_live && type == MUXRPC_JSON);
	if (body.at[0] != '{') {
		MUST(body.len == 2);
		hear_message(call->peer, body.at[0], body.at[1]);
		return ERR_OK;
	}
	struct json_doc *doc = NULL;
	MUST(json_parse(body, LIMIT_JSON_DEPTH, &doc) == ERR_OK);
	MUST(note_each(json_root(doc), hear_note, call) == ERR_OK);
	json_doc_free(doc);
	return ERR_OK;
}

/* What the peers do. */

static void let_go(unsigned n, const char *error)
{
	struct rpc_call *call = &world.calls[n];
	if (call->is_live) {
		call->is_live = false;
		call->handler.on_end(call->handler.ctx, call, error);
	}
}

static void part(unsigned n)
{
	struct partner *partner = &world.partners[n];
	if (!world.is_live[n]) {
		return;
	}
	world.is_live[n] = false;
	let_go(n, "unexpected end of parent stream");
	ebt_drop(partner);
	for (struct partner **at = &world.sync.partners; *at != NULL; at = &(*at)->next) {
		if (*at == partner) {
			*at = partner->next;
			break;
		}
	}
	loop_timer_free(partner->timer);
}

static void on_nothing(void *ctx)
{
	(void)ctx;
}

static void ask_for_ebt(unsigned n, const char *opts)
{
	struct json_doc *args = NULL;
	struct partner *partner = &world.partners[n];
	/* A second call replaces the first: that one is refused and gone. */
	struct rpc_call *call = &world.calls[n];
	MUST(json_parse(span_text(opts), LIMIT_JSON_DEPTH, &args) == ERR_OK);
	if (!call->is_live) {
		memset(world.said[n], 0, sizeof(world.said[n]));
		ebt_serve(partner, call, json_root(args));
	}
	json_doc_free(args);
}

static void meet(unsigned n, bool is_dialled_by_us)
{
	struct partner *partner = &world.partners[n];
	if (world.is_live[n]) {
		return;
	}
	struct feed_id id = partner->id;
	*partner = (struct partner){.sync = &world.sync,
		.next = world.sync.partners,
		.serial = ++world.sync.serial,
		.peer = (struct peer *)(void *)&world.calls[n],
		.is_ready = true,
		.is_dialled_by_us = is_dialled_by_us,
		.id = id};
	partner->timer = loop_timer_new(NULL, on_nothing, partner);
	world.sync.partners = partner;
	world.is_live[n] = true;
	if (is_dialled_by_us) {
		memset(world.said[n], 0, sizeof(world.said[n]));
		ebt_open(partner);
	} else {
		ask_for_ebt(n, "[{\"version\":3,\"format\":\"classic\"}]");
	}
}

static void deliver(unsigned n, const char *text)
{
	struct rpc_call *call = &world.calls[n];
	struct json_doc *doc = NULL;
	struct span body = span_text(text);
	if (call->is_live && json_parse(body, LIMIT_JSON_DEPTH, &doc) == ERR_OK) {
		if (!call->handler.on_text(call->handler.ctx, call, body)) {
			call->handler.on_item(
				call->handler.ctx, call, MUXRPC_JSON, body, json_root(doc));
		}
		json_doc_free(doc);
	}
}

static void say(unsigned n, unsigned slot, int64_t value)
{
	char id[FEED_ID_TEXT_BYTES];
	char text[128];
	struct said *said = &world.said[n][slot];
	if (!world.calls[n].is_live) {
		return;
	}
	feed_id_format(&world.feeds[slot].id, id);
	(void)snprintf(text, sizeof(text), "{\"%s\":%lld}", id, (long long)value);
	said->is_asked = value >= 0 && value % 2 == 0;
	said->expected = value < 0 ? 0 : (uint64_t)value / 2;
	said->proved = said->expected;
	said->is_even = said->is_even && value >= 0; /* it will send nothing, whatever was asked */
	deliver(n, text);
}

static void give(unsigned n, unsigned slot, uint64_t sequence, bool is_bad)
{
	char id[FEED_ID_TEXT_BYTES];
	char text[192];
	struct said *said = &world.said[n][slot];
	feed_id_format(&world.feeds[slot].id, id);
	(void)snprintf(text, sizeof(text),
		"{\"author\":\"%s\",\"sequence\":%llu,\"content\":\"x\"}", id,
		(unsigned long long)sequence);
	said->proved = said->proved < sequence ? sequence : said->proved;
	world.is_next_bad = is_bad;
	deliver(n, text);
	world.is_next_bad = false;
}

static void reach_moves(void)
{
	for (struct partner *partner = world.sync.partners; partner != NULL;
		partner = partner->next) {
		ebt_reach_changed(partner);
	}
}

/* At rest one session at most was told an even note of a feed, and it is the source. */
static void look(void)
{
	for (size_t i = 1; i < FEEDS; i++) {
		unsigned even = 0;
		for (unsigned n = 0; n < PEERS; n++) {
			bool is_source = world.is_live[n] && world.partners[n].ebt != NULL &&
					 world.feeds[i].source == world.partners[n].ebt;
			bool is_asked = world.calls[n].is_live && world.said[n][i].is_even;
			MUST(!is_asked || is_source || world.said[n][i].is_turned_down ||
				world.is_full[n] || !world.partners[n].ebt->is_open);
			even += is_asked && !world.is_full[n] ? 1 : 0;
		}
		MUST(even <= 1);
		MUST(!world.feeds[i].is_paused || even == 0);
	}
}

static void rest(void)
{
	unsigned turns = 0;
	while (run_due()) {
		MUST(++turns < 10000);
	}
}

static void play(uint8_t what, uint8_t who, uint8_t value)
{
	unsigned n = who % HONEST;
	unsigned slot = who / 8 % FEEDS;
	switch (what % 20) {
	case 0:
	case 1:
		meet(n, what % 20 == 0);
		break;
	case 2:
		part(n);
		break;
	case 3:
		let_go(n, value % 2 == 0 ? NULL : "reconnected to peer");
		break;
	case 4:
	case 5:
	case 6:
		say(n, slot, value == 255 ? -1 : value % (2 * HELD_MAX));
		break;
	case 7:
	case 8:
		give(n, slot, value % HELD_MAX + 1u, value > 200);
		break;
	case 9: /* what would come next */
		give(n, slot, world.feeds[slot].pending + 1, false);
		break;
	case 10:
		store_one();
		break;
	case 11:
		world.now_ms += value * 40;
		break;
	case 12:
		finish_job();
		break;
	case 13:
		finish_pull(who % (PEERS + 1), value % 8);
		break;
	case 14:
		world.is_full[n] = value % 2 == 0;
		if (!world.is_full[n] && world.calls[n].is_live) {
			world.calls[n].handler.on_room(world.calls[n].handler.ctx, &world.calls[n]);
		}
		break;
	case 15:
		if (slot > 0) {
			world.feeds[slot].hops = value % 2 == 0 ? 1 : -1;
			reach_moves();
		}
		break;
	case 16:
		world.is_blocking[slot][n] = value % 2 == 0;
		reach_moves();
		break;
	case 17:
		if (slot > 0) {
			world.feeds[slot].is_paused = value % 2 == 0;
			reach_moves();
		}
		break;
	case 18:
		if (world.feeds[slot].head == world.feeds[slot].pending &&
			world.feeds[slot].head < HELD_MAX / 2) {
			moved(&world.feeds[slot], world.feeds[slot].head + 1);
		}
		break;
	case 19:
		world.is_rewound = true;
		if (world.is_live[n] && value % 2 == 0) {
			ebt_rewind_own(&world.partners[n], value % HELD_MAX);
		} else if (world.is_live[n]) {
			ebt_note_own(&world.partners[n]);
		}
		break;
	}
}

static bool is_busy(void)
{
	bool is_pulling = false;
	for (size_t n = 0; n < PEERS + 1; n++) {
		is_pulling = is_pulling || world.pull[n] != NULL;
	}
	return is_pulling || world.job_count > 0 || world.item_count > 0;
}

/* All workers and timers up to now have their say. */
static void calm(void)
{
	unsigned turns = 0;
	rest();
	while (is_busy()) {
		MUST(++turns < 10000);
		finish_job();
		store_one();
		for (size_t n = 0; n < PEERS + 1; n++) {
			finish_pull(n, 100);
		}
		rest();
	}
}

/* Somebody comes who has all of everything, and gives what is asked of it. */
static bool bring(void)
{
	bool is_all_here = true;
	for (unsigned i = 1; i < FEEDS; i++) {
		struct feed *feed = &world.feeds[i];
		if (!feed_is_wanted(feed)) {
			continue;
		}
		if (world.said[HONEST][i].is_even) {
			for (uint64_t at = feed->head + 1; at <= HELD_MAX; at++) {
				give(HONEST, i, at, false);
				store_one();
			}
		}
		is_all_here = is_all_here && feed->head == HELD_MAX;
	}
	return is_all_here;
}

static void end_well(void)
{
	memset(world.is_full, 0, sizeof(world.is_full));
	memset(world.is_blocking, 0, sizeof(world.is_blocking));
	for (size_t i = 0; i < FEEDS; i++) {
		world.feeds[i].is_paused = false;
	}
	for (unsigned n = 0; n < HONEST; n++) {
		if (world.calls[n].is_live) {
			world.calls[n].handler.on_room(world.calls[n].handler.ctx, &world.calls[n]);
		}
	}
	reach_moves();
	calm();
	look();
	meet(HONEST, false);
	calm();
	for (unsigned i = 1; i < FEEDS; i++) {
		say(HONEST, i, HELD_MAX * 2 + 1);
	}
	bool is_all_here = false;
	for (unsigned i = 0; i < 200 && !is_all_here; i++) {
		calm();
		look();
		is_all_here = bring();
		world.now_ms += 1000;
	}
	MUST(is_all_here);
}

static void begin(void)
{
	memset(&world, 0, sizeof(world));
	world.sync.env = &env;
	world.now_ms = 1000000;
	for (uint8_t i = 0; i < FEEDS; i++) {
		world.feeds[i] = (struct feed){.slot = i, .hops = i == 0 ? 0 : 1};
		world.feeds[i].id.at[0] = i;
	}
	for (uint8_t n = 0; n < PEERS; n++) {
		world.partners[n].id.at[0] = (uint8_t)(100 + n);
		world.calls[n].peer = n;
		for (size_t i = 0; i < FEEDS; i++) {
			world.stored_clocks[n][i] = NEVER - 1;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	begin();
	for (size_t i = 0; i + 2 < size && i < 3000; i += 3) {
		play(data[i], data[i + 1], data[i + 2]);
		rest();
		look();
	}
	end_well();
	for (unsigned n = 0; n < PEERS; n++) {
		part(n);
	}
	calm();
	MUST(world.timers == NULL && world.sync.jobs == 0);
	return 0;
}
