/*
 * Each replicated feed is asked once from our head on; the first LIMIT_FETCH_STREAMS − 8 of them
 * live, the others one after another through the eight streams that are left, and again after a
 * pause. ssb-db2 answers by time, not by number: what comes early is held back for a while.
 */
#include "sync/fetch.h"

#include "feed/claim.h"
#include "sync/ebt.h"
#include "sync/recover.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROTATING = 8, ARGS_BYTES = 256 };

struct ahead {
	uint64_t sequence;
	size_t len;
	uint8_t *raw;
};

struct stream {
	struct stream *next;
	struct fetch *fetch; /* NULL: given up, the end is still to come */
	struct rpc_call *call;
	struct feed *feed;
	bool is_live, is_ended;
	struct ahead ahead[LIMIT_FETCH_AHEAD_MESSAGES];
	size_t ahead_count, ahead_bytes;
};

struct fetch {
	struct partner *partner;
	struct stream *streams;
	unsigned live, rotating;
	size_t at; /* the next feed of the reach to ask for */
	bool is_pausing;
	bool is_repair; /* one round, only what EBT does not bring */
	struct loop_timer *timer;
	bool *is_stopped; /* by slot: this peer's copy is bad */
	uint32_t stopped_count;
};

static void go_on(struct fetch *fetch);

static void ahead_clear(struct stream *stream)
{
	for (size_t i = 0; i < stream->ahead_count; i++) {
		free(stream->ahead[i].raw);
	}
	stream->ahead_count = 0;
	stream->ahead_bytes = 0;
}

static void unlink_stream(struct stream *stream)
{
	struct fetch *fetch = stream->fetch;
	for (struct stream **at = &fetch->streams; *at != NULL; at = &(*at)->next) {
		if (*at == stream) {
			*at = stream->next;
			break;
		}
	}
	if (stream->is_live) {
		fetch->live--;
	} else {
		fetch->rotating--;
	}
	stream->fetch = NULL;
}

static void on_end(void *ctx, struct rpc_call *call, const char *error)
{
	struct stream *stream = ctx;
	struct fetch *fetch = stream->fetch;
	(void)call;
	(void)error;
	if (fetch != NULL) {
		unlink_stream(stream);
		loop_timer_set(fetch->timer, fetch->is_pausing ? LIMIT_FETCH_PAUSE_MS : 0);
	}
	ahead_clear(stream);
	free(stream);
}

/* We want no more of it; the struct goes when the peer's end comes. */
static void give_up(struct stream *stream)
{
	if (stream->fetch != NULL) {
		unlink_stream(stream);
	}
	if (!stream->is_ended) {
		stream->is_ended = true;
		rpc_end(stream->call);
	}
}

static void keep_ahead(struct stream *stream, uint64_t sequence, struct span raw)
{
	if (stream->ahead_count == LIMIT_FETCH_AHEAD_MESSAGES ||
		stream->ahead_bytes + raw.len > LIMIT_FETCH_AHEAD_BYTES) {
		struct fetch *fetch = stream->fetch;
		give_up(stream); /* too far out of order: ask again from the head, later */
		loop_timer_set(fetch->timer, LIMIT_FETCH_PAUSE_MS);
		return;
	}
	uint8_t *copy = malloc(raw.len + 1);
	if (copy == NULL) {
		return;
	}
	memcpy(copy, raw.at, raw.len);
	stream->ahead[stream->ahead_count++] =
		(struct ahead){.sequence = sequence, .len = raw.len, .raw = copy};
	stream->ahead_bytes += raw.len;
}

/* Give on what was held back and has become the next one. */
static void use_ahead(struct stream *stream)
{
	struct partner *partner = stream->fetch->partner;
	for (size_t i = 0; i < stream->ahead_count;) {
		struct ahead ahead = stream->ahead[i];
		if (ahead.sequence > stream->feed->pending + 1) {
			i++;
			continue;
		}
		stream->ahead[i] = stream->ahead[--stream->ahead_count];
		stream->ahead_bytes -= ahead.len;
		(void)ingest_put(partner->sync->ingest, partner, stream->feed, ahead.sequence,
			span_of(ahead.raw, ahead.len));
		free(ahead.raw);
		i = 0;
	}
}

const struct json *fetch_value(const struct json *item)
{
	const struct json *value = json_get(item, "value");
	const struct json *message =
		value != NULL && json_kind(value) == JSON_KIND_OBJECT ? value : item;
	return json_get(message, "author") == NULL ? NULL : message;
}

static void take(struct stream *stream, const struct claim *claim, struct span raw)
{
	struct partner *partner = stream->fetch->partner;
	if (!feed_id_equal(&claim->author, &stream->feed->id) || stream->feed->is_paused) {
		return;
	}
	if (stream->feed == reach_self(partner->sync->reach)) {
		recover_claims(partner, claim->sequence);
	}
	if (ingest_put(partner->sync->ingest, partner, stream->feed, claim->sequence, raw) ==
		INGEST_GAP) {
		keep_ahead(stream, claim->sequence, raw);
	} else {
		use_ahead(stream);
	}
}

/* A message in its usual form is not parsed before a worker does it. */
static bool on_text(void *ctx, struct rpc_call *call, struct span body)
{
	struct stream *stream = ctx;
	struct claim claim;
	(void)call;
	if (stream->fetch == NULL || !claim_read(body, &claim)) {
		return false;
	}
	take(stream, &claim, body);
	return true;
}

static void on_item(void *ctx, struct rpc_call *call, enum muxrpc_type type, struct span body,
	const struct json *json)
{
	struct stream *stream = ctx;
	struct claim claim;
	(void)call;
	if (stream->fetch == NULL || type != MUXRPC_JSON || json == NULL ||
		json_kind(json) != JSON_KIND_OBJECT) {
		return;
	}
	const struct json *message = fetch_value(json);
	if (message == NULL || !claim_of(message, &claim)) {
		return;
	}
	if (message == json) {
		take(stream, &claim, body);
	} else {
		struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
		if (json_write_compact(message, &text) == ERR_OK) {
			take(stream, &claim, buf_span(&text));
		}
		buf_fini(&text);
	}
}

static const struct rpc_handler handler = {
	.on_item = on_item, .on_text = on_text, .on_end = on_end};

static bool ask(struct fetch *fetch, struct feed *feed, bool is_live)
{
	char id[FEED_ID_TEXT_BYTES];
	char args[ARGS_BYTES];
	struct stream *stream = calloc(1, sizeof(*stream));
	struct rpc_handler mine = handler;
	if (stream == NULL) {
		return false;
	}
	mine.ctx = stream;
	feed_id_format(&feed->id, id);
	int len = snprintf(args, sizeof(args),
		"[{\"id\":\"%s\",\"seq\":%llu,\"live\":%s,\"keys\":false}]", id,
		(unsigned long long)feed->pending + 1, is_live ? "true" : "false");
	if (rpc_open(peer_rpc(fetch->partner->peer), "createHistoryStream", RPC_SOURCE,
		    span_of(args, (size_t)len), &mine, &stream->call) != ERR_OK) {
		free(stream);
		return false;
	}
	stream->feed = feed;
	stream->is_live = is_live;
	stream->fetch = fetch;
	stream->next = fetch->streams;
	fetch->streams = stream;
	fetch->live += is_live ? 1 : 0;
	fetch->rotating += is_live ? 0 : 1;
	return true;
}

static bool is_asked(const struct fetch *fetch, const struct feed *feed)
{
	for (const struct stream *stream = fetch->streams; stream != NULL; stream = stream->next) {
		if (stream->feed == feed) {
			return true;
		}
	}
	return false;
}

static bool may_ask(const struct fetch *fetch, const struct feed *feed)
{
	bool is_stopped = feed->slot < fetch->stopped_count && fetch->is_stopped[feed->slot];
	return !is_stopped && !feed->is_paused &&
	       (!fetch->is_repair || ebt_owes(fetch->partner, feed)) &&
	       reach_is_shared(fetch->partner->sync->reach, feed, &fetch->partner->id) &&
	       !is_asked(fetch, feed);
}

static void go_on(struct fetch *fetch)
{
	struct reach *reach = fetch->partner->sync->reach;
	size_t live_max = fetch->is_repair ? 0
			  : reach_count(reach) <= LIMIT_FETCH_STREAMS
				  ? LIMIT_FETCH_STREAMS
				  : LIMIT_FETCH_STREAMS - ROTATING;
	for (; fetch->at < reach_count(reach) &&
		fetch->live + fetch->rotating < LIMIT_FETCH_STREAMS;
		fetch->at++) {
		struct feed *feed = reach_nth(reach, fetch->at);
		if (may_ask(fetch, feed) && !ask(fetch, feed, fetch->live < live_max)) {
			break;
		}
	}
	fetch->is_pausing = fetch->at >= reach_count(reach) && fetch->rotating == 0;
	if (fetch->is_pausing && fetch->is_repair) {
		loop_timer_set(fetch->timer, 0);
	} else if (fetch->is_pausing && reach_count(reach) > fetch->live) {
		loop_timer_set(fetch->timer, LIMIT_FETCH_PAUSE_MS);
	}
}

static void on_due(void *ctx)
{
	struct fetch *fetch = ctx;
	if (fetch->is_pausing && fetch->is_repair) {
		fetch_drop(fetch->partner);
		return;
	}
	if (fetch->is_pausing) {
		fetch->at = 0;
	}
	go_on(fetch);
}

static void start(struct partner *partner, bool is_repair)
{
	if (partner->fetch != NULL || partner->is_closing) {
		return;
	}
	struct fetch *fetch = calloc(1, sizeof(*fetch));
	if (fetch == NULL) {
		return;
	}
	fetch->partner = partner;
	fetch->is_repair = is_repair;
	fetch->timer = loop_timer_new(partner->sync->loop, on_due, fetch);
	if (fetch->timer == NULL) {
		free(fetch);
		return;
	}
	partner->fetch = fetch;
	LOG(partner->sync->env, LOG_INFO, "history.used",
		LOG_ADDRESS("peer", span_text(peer_remote(partner->peer))),
		LOG_NUM("beside_ebt", is_repair));
	go_on(fetch);
}

void fetch_start(struct partner *partner)
{
	start(partner, false);
}

void fetch_repair(struct partner *partner)
{
	start(partner, true);
}

void fetch_drop(struct partner *partner)
{
	struct fetch *fetch = partner->fetch;
	if (fetch == NULL) {
		return;
	}
	partner->fetch = NULL;
	while (fetch->streams != NULL) {
		give_up(fetch->streams);
	}
	loop_timer_free(fetch->timer);
	free(fetch->is_stopped);
	free(fetch);
}

void fetch_reach_changed(struct partner *partner)
{
	struct fetch *fetch = partner->fetch;
	if (fetch == NULL) {
		return;
	}
	struct stream *next;
	for (struct stream *stream = fetch->streams; stream != NULL; stream = next) {
		next = stream->next;
		if (stream->feed->is_paused ||
			!reach_is_shared(partner->sync->reach, stream->feed, &partner->id)) {
			give_up(stream);
		}
	}
	fetch->at = 0;
	go_on(fetch);
}

static void stop_feed(struct fetch *fetch, const struct feed *feed)
{
	if (feed->slot >= fetch->stopped_count) {
		uint32_t count = reach_slots(fetch->partner->sync->reach);
		bool *grown = realloc(fetch->is_stopped, count * sizeof(*grown));
		if (grown == NULL) {
			return;
		}
		memset(grown + fetch->stopped_count, 0,
			(count - fetch->stopped_count) * sizeof(*grown));
		fetch->is_stopped = grown;
		fetch->stopped_count = count;
	}
	fetch->is_stopped[feed->slot] = true;
}

void fetch_feed_failed(
	struct sync *sync, struct feed *feed, struct partner *from, enum ingest_failure failure)
{
	for (struct partner *partner = sync->partners; partner != NULL; partner = partner->next) {
		struct fetch *fetch = partner->fetch;
		bool is_bad = partner == from &&
			      (failure == FAILURE_INVALID || failure == FAILURE_FORKED);
		struct stream *stream = fetch == NULL ? NULL : fetch->streams;
		while (stream != NULL && stream->feed != feed) {
			stream = stream->next;
		}
		if (fetch != NULL && is_bad) {
			stop_feed(fetch, feed); /* its stream may be over already */
		}
		if (stream == NULL) {
			continue;
		}
		/* Whatever follows in this stream would be a gap: ask anew, from the head. */
		give_up(stream);
		fetch->is_pausing = !fetch->is_repair;
		loop_timer_set(fetch->timer, 1000);
	}
}

bool fetch_is_running(const struct partner *partner)
{
	return partner->fetch != NULL;
}
