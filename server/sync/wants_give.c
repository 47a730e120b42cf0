/*
 * Giving: blobs.get and blobs.getSlice. LIMIT_BLOB_SERVED_PER_PEER of a connection are given at
 * once, the others wait for their turn: JavaScript asks for everything it wants at the same time,
 * and never again for what was refused. A worker opens the file and reads CHUNK_BYTES of it
 * whenever the connection has room, so a peer that does not read costs nothing but its buffer: no
 * file stays open and no memory is held between two chunks.
 */
#include "sync/wants_state.h"

#include "sync/peers.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHUNK_BYTES = 64 * KIB, WHY_BYTES = 192 };

static const char missing[] = "could not get blob";

struct give_job {
	struct wants *wants;
	struct give *give; /* NULL: nobody waits any more */
	struct blob_id id;
	uint64_t at;
	size_t room;
	uint64_t bytes; /* of the blob */
	size_t got;
	enum err err;
	uint8_t chunk[];
};

struct give {
	struct give *next, *prev; /* in peer->gives, the latest first */
	struct wants_peer *peer;
	struct rpc_call *call;
	struct blob_id id;
	bool has_size, has_max, is_open, is_running, is_ended;
	bool is_all;          /* from its first byte to its last */
	double size, max;     /* as asked */
	uint64_t at, end;     /* what is still to be given */
	struct give_job *job; /* under way */
};

static void pump(struct give *give);

/* Places. */

static void next_turn(struct wants_peer *peer)
{
	struct give *oldest = NULL;
	if (peer->giving >= LIMIT_BLOB_SERVED_PER_PEER) {
		return;
	}
	for (struct give *give = peer->gives; give != NULL; give = give->next) {
		oldest = give->is_running || give->is_ended ? oldest : give;
	}
	if (oldest != NULL) {
		oldest->is_running = true;
		peer->giving++;
		pump(oldest);
	}
}

static void leave(struct give *give)
{
	struct wants_peer *peer = give->peer;
	if (give->job != NULL) {
		give->job->give = NULL;
		give->job = NULL;
	}
	if (give->is_running) {
		give->is_running = false;
		peer->giving--;
		wants_fetched(peer);
		next_turn(peer);
	}
}

static void give_free(struct give *give)
{
	struct wants_peer *peer = give->peer;
	*(give->prev == NULL ? &peer->gives : &give->prev->next) = give->next;
	if (give->next != NULL) {
		give->next->prev = give->prev;
	}
	peer->give_count--;
	give->is_ended = true;
	leave(give);
	free(give);
}

static void on_end(void *ctx, struct rpc_call *call, const char *error)
{
	struct give *give = ctx;
	struct wants *wants = give->peer->wants;
	struct want *want = wants_find(wants, &give->id);
	(void)call;
	if (error == NULL && give->is_ended && give->is_all && want != NULL && want->is_offer) {
		wants_has_offer(wants, want, &give->peer->partner->id);
	}
	give_free(give);
}

static void end(struct give *give)
{
	if (!give->is_ended) {
		give->is_ended = true;
		rpc_end(give->call);
		leave(give);
	}
}

static void refuse(struct give *give, const char *why)
{
	rpc_refuse(give->call, why);
	give_free(give);
}

/* Chunks. */

static void work(void *ctx)
{
	struct give_job *job = ctx;
	struct blob_out *out = NULL;
	struct blob_row row;
	struct reader *reader = readers_take(job->wants->sync->readers);
	job->err = reader == NULL ? ERR_IO
				  : blobs_read(job->wants->blobs, reader, &job->id, &row, &out);
	readers_give(job->wants->sync->readers, reader);
	if (job->err == ERR_OK) {
		job->bytes = row.bytes;
		job->err = blob_out_read(out, job->at, job->chunk, job->room, &job->got);
	}
	blob_out_close(out);
}

/* The words of JavaScript. */
static void refuse_length(struct give *give, uint64_t bytes)
{
	char id[BLOB_ID_TEXT_BYTES];
	char size[32] = "undefined";
	char why[WHY_BYTES];
	blob_id_format(&give->id, id);
	if (give->has_size) {
		(void)snprintf(size, sizeof(size), "%.17g", give->size);
	}
	(void)snprintf(why, sizeof(why),
		"incorrect file length, requested:%s file was:%" PRIu64 " for file:%s", size, bytes,
		id);
	refuse(give, why);
}

/* False: it was refused. */
static bool opened(struct give *give, uint64_t bytes)
{
	if ((give->has_size && give->size != (double)bytes) ||
		(give->has_max && give->max < (double)bytes)) {
		refuse_length(give, bytes);
		return false;
	}
	give->is_open = true;
	give->end = give->end < bytes ? give->end : bytes;
	give->is_all = give->at == 0 && give->end == bytes;
	return true;
}

static void send_chunk(struct give *give, const struct give_job *job)
{
	struct wants_figures *figures = &give->peer->wants->figures;
	size_t left = give->at < give->end ? (size_t)(give->end - give->at) : 0;
	size_t len = job->got < left ? job->got : left;
	if (len > 0 && rpc_send(give->call, MUXRPC_BINARY, span_of(job->chunk, len)) != ERR_OK) {
		return; /* the connection is lost: on_end follows */
	}
	give->at += len;
	figures->out_bytes += len;
	if (len == 0 || give->at >= give->end) {
		figures->out++;
		end(give);
	} else {
		pump(give);
	}
}

static void done(void *ctx)
{
	struct give_job *job = ctx;
	struct give *give = job->give;
	struct sync *sync = job->wants->sync;
	if (give != NULL) {
		give->job = NULL;
		if (job->err != ERR_OK) {
			refuse(give, missing);
		} else if (give->is_open || opened(give, job->bytes)) {
			send_chunk(give, job);
		}
	}
	free(job);
	sync_job_ends(sync);
}

static struct give_job *job_new(struct give *give)
{
	struct give_job *job = calloc(1, sizeof(*job) + CHUNK_BYTES);
	if (job != NULL) {
		uint64_t left = give->end - give->at;
		job->wants = give->peer->wants;
		job->give = give;
		job->id = give->id;
		job->at = give->at;
		job->room = left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES;
	}
	return job;
}

static void pump(struct give *give)
{
	struct wants *wants = give->peer->wants;
	if (!give->is_running || give->job != NULL || give->is_ended || rpc_is_full(give->call)) {
		return;
	}
	struct give_job *job = wants->blobs == NULL ? NULL : job_new(give);
	if (job == NULL || loop_work(wants->sync->loop, work, done, job) != ERR_OK) {
		free(job);
		refuse(give, missing);
		return;
	}
	give->job = job;
	sync_job_begins(wants->sync);
}

static void on_room(void *ctx, struct rpc_call *call)
{
	(void)call;
	pump(ctx);
}

/* What is asked for. */

static bool read_id(const struct json *asked, struct blob_id *out)
{
	static const char *const names[] = {"id", "key", "hash"};
	struct span text;
	const struct json *name = asked;
	for (size_t i = 0; asked != NULL && json_kind(asked) == JSON_KIND_OBJECT && i < 3; i++) {
		name = json_get(asked, names[i]);
		if (json_is_truthy(name)) {
			break;
		}
	}
	return json_text(name, &text) && blob_id_parse(text, out) == ERR_OK;
}

/* A place in the blob: not below its beginning, not behind what a blob can have. */
static uint64_t place(double value)
{
	if (!(value > 0)) {
		return 0;
	}
	return value < (double)LIMIT_BLOB_BYTES ? (uint64_t)floor(value) : LIMIT_BLOB_BYTES;
}

/* NULL, or why not. */
static const char *read_range(struct give *give, const struct json *asked)
{
	double start = 0;
	double end = 0;
	if (!json_number(json_get(asked, "start"), &start)) {
		return "multiblob.getSlice: {start} must be a number";
	}
	if (!json_number(json_get(asked, "end"), &end)) {
		return "multiblob.getSlice: {end} must be a number";
	}
	give->at = place(start);
	give->end = place(end);
	give->end = give->end > give->at ? give->end : give->at;
	return NULL;
}

static const char *read_args(struct give *give, const struct json *args, bool is_slice)
{
	const struct json *asked = json_count(args) > 0 ? json_at(args, 0) : NULL;
	if (!read_id(asked, &give->id)) {
		return is_slice ? "multiblob.getSlice: {id} is mandatory"
				: "multiblob.get: {id} is mandatory";
	}
	give->has_size = json_number(json_get(asked, "size"), &give->size);
	give->has_max = json_number(json_get(asked, "max"), &give->max);
	give->end = LIMIT_BLOB_BYTES;
	return is_slice ? read_range(give, asked) : NULL;
}

static const struct rpc_handler handler = {.on_end = on_end, .on_room = on_room};
static const struct rpc_handler nothing;

static void serve(
	struct partner *partner, struct rpc_call *call, const struct json *args, bool is_slice)
{
	struct wants_peer *peer = partner->wants;
	struct give *give = peer == NULL ? NULL : calloc(1, sizeof(*give));
	const char *why = give == NULL ? "out of memory" : read_args(give, args, is_slice);
	struct rpc_handler mine = handler;
	if (why != NULL) {
		free(give);
		rpc_accept(call, &nothing);
		rpc_refuse(call, why);
		return;
	}
	mine.ctx = give;
	give->peer = peer;
	give->call = call;
	give->next = peer->gives;
	if (give->next != NULL) {
		give->next->prev = give;
	}
	peer->gives = give;
	peer->give_count++;
	rpc_accept(call, &mine);
	next_turn(peer);
}

void wants_serve_get(struct partner *partner, struct rpc_call *call, const struct json *args)
{
	serve(partner, call, args, false);
}

void wants_serve_slice(struct partner *partner, struct rpc_call *call, const struct json *args)
{
	serve(partner, call, args, true);
}

void wants_give_drop(struct wants_peer *peer)
{
	/* Nothing gets a turn any more. */
	for (struct give *give = peer->gives; give != NULL; give = give->next) {
		give->is_ended = give->is_ended || !give->is_running;
	}
	struct give *next;
	for (struct give *give = peer->gives; give != NULL; give = next) {
		next = give->next;
		rpc_refuse(give->call, "parent stream is closing");
		give_free(give);
	}
}
