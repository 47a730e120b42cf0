/*
 * What a peer tells comes up the stream we opened by calling its blobs.createWants; beside that it
 * may call blobs.has, which counts as wanting what is not here (protocol/04 §5.3), and blobs.size.
 * All three look into the database, so they are looks: lists of ids that a worker goes through, one
 * after the other for each peer. What is here is answered, what is not is asked for.
 *
 * Of an item LIMIT_BLOB_WANTS_PER_ITEM wants are heard, of a minute LIMIT_BLOB_LOOKS_PER_MINUTE
 * ids; what is beyond is passed over. What a peer says that it has costs nothing unless it is
 * wanted.
 */
#include "sync/wants_state.h"

#include "sync/peers.h"
#include "wire/want.h"

#include <stdlib.h>

enum { MINUTE_MS = 60000, WAITING_MAX = 4 * LIMIT_BLOB_WANTS_PER_ITEM };

enum look_kind { LOOK_WANTS, LOOK_HAS, LOOK_SIZE };

struct look_id {
	struct blob_id id;
	int64_t distance; /* LOOK_WANTS */
	uint64_t bytes;   /* found: 0 when it is not here */
};

struct look {
	struct look *next; /* in peer->look_first … */
	struct wants *wants;
	struct wants_peer *peer; /* NULL: the connection is over */
	enum look_kind kind;
	bool is_list;          /* LOOK_HAS: several were asked for */
	struct rpc_call *call; /* LOOK_HAS, LOOK_SIZE; NULL: nobody waits */
	uint64_t arrivals;     /* when it began */
	struct look_id *ids;
	size_t count, room;
	enum err err;
};

static void look_free(struct look *look)
{
	free(look->ids);
	free(look);
}

static struct look *look_new(struct wants_peer *peer, enum look_kind kind)
{
	struct look *look = calloc(1, sizeof(*look));
	if (look != NULL) {
		look->wants = peer->wants;
		look->peer = peer;
		look->kind = kind;
	}
	return look;
}

static bool look_add(struct look *look, const struct blob_id *id, int64_t distance)
{
	if (look->count == look->room) {
		size_t room = look->room == 0 ? 4 : 2 * look->room;
		struct look_id *ids = realloc(look->ids, room * sizeof(*ids));
		if (ids == NULL) {
			return false;
		}
		look->ids = ids;
		look->room = room;
	}
	look->ids[look->count++] = (struct look_id){.id = *id, .distance = distance};
	return true;
}

/* May the peer have one more looked up? */
static bool look_is_allowed(struct wants_peer *peer)
{
	int64_t now_ms = wants_now(peer->wants);
	if (peer->minute_ms == 0 || now_ms - peer->minute_ms >= MINUTE_MS) {
		peer->minute_ms = now_ms;
		peer->looks = 0;
	}
	if (peer->looks >= LIMIT_BLOB_LOOKS_PER_MINUTE) {
		return false;
	}
	peer->looks++;
	return true;
}

/* Worker. */
static void work(void *ctx)
{
	struct look *look = ctx;
	struct reader *reader = readers_take(look->wants->sync->readers);
	look->err = reader == NULL ? ERR_IO : ERR_OK;
	for (size_t i = 0; look->err == ERR_OK && i < look->count; i++) {
		struct blob_row row;
		enum err err = blobs_look(reader, &look->ids[i].id, &row);
		look->ids[i].bytes = err == ERR_OK ? row.bytes : 0;
		look->err = err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	readers_give(look->wants->sync->readers, reader);
}

static void answer_has(struct look *look)
{
	struct buf text = BUF_INIT(LIMIT_RPC_JSON_BYTES);
	enum err err = look->is_list ? buf_append_byte(&text, '[') : ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < look->count; i++) {
		err = buf_printf(&text, "%s%s", i == 0 ? "" : ",",
			look->ids[i].bytes > 0 ? "true" : "false");
	}
	if (err == ERR_OK && look->is_list) {
		err = buf_append_byte(&text, ']');
	}
	if (err != ERR_OK || rpc_send(look->call, MUXRPC_JSON, buf_span(&text)) != ERR_OK) {
		rpc_refuse(look->call, "no answer could be made");
	}
	buf_fini(&text);
}

static void answer_size(struct look *look)
{
	struct buf text = BUF_INIT(LIMIT_RPC_JSON_BYTES);
	uint64_t bytes = look->ids[0].bytes;
	enum err err = bytes == 0 ? buf_append_text(&text, "null")
				  : buf_printf(&text, "%llu", (unsigned long long)bytes);
	if (err != ERR_OK || rpc_send(look->call, MUXRPC_JSON, buf_span(&text)) != ERR_OK) {
		rpc_refuse(look->call, "no answer could be made");
	}
	buf_fini(&text);
}

static void take_found(struct look *look)
{
	struct wants_peer *peer = look->peer;
	for (size_t i = 0; i < look->count; i++) {
		const struct look_id *id = &look->ids[i];
		if (id->bytes > 0 && look->kind == LOOK_WANTS) {
			wants_answer(peer, &id->id, id->bytes);
		} else if (id->bytes == 0 && look->kind != LOOK_SIZE) {
			wants_ask(peer, &id->id, id->distance);
		}
	}
}

static void next_look(struct wants_peer *peer);

static void put_first(struct look *look)
{
	struct wants_peer *peer = look->peer;
	look->next = peer->look_first;
	peer->look_first = look;
	if (look->next == NULL) {
		peer->look_last = look;
	}
}

static void done(void *ctx)
{
	struct look *look = ctx;
	struct wants *wants = look->wants;
	struct wants_peer *peer = look->peer;
	if (peer != NULL) {
		peer->look = NULL;
	}
	if (look->err != ERR_OK) {
		LOG(wants->sync->env, LOG_WARN, "blobs.unread",
			LOG_TEXT("why", err_text(look->err)));
	}
	bool is_old = peer != NULL && look->err == ERR_OK && look->arrivals != wants->arrivals;
	if (is_old) {
		put_first(look); /* one came meanwhile: it may be among these */
	} else {
		if (peer != NULL && look->err == ERR_OK) {
			take_found(look);
		}
		if (look->call != NULL && look->err != ERR_OK) {
			rpc_refuse(look->call, "could not look for blobs");
		} else if (look->call != NULL) {
			(look->kind == LOOK_HAS ? answer_has : answer_size)(look);
		}
		look_free(look);
	}
	if (peer != NULL) {
		next_look(peer);
	}
	sync_job_ends(wants->sync);
}

static void next_look(struct wants_peer *peer)
{
	struct look *look = peer->look_first;
	if (look == NULL || peer->look != NULL || peer->wants->is_stopped) {
		return;
	}
	peer->look_first = look->next;
	if (peer->look_first == NULL) {
		peer->look_last = NULL;
	}
	look->next = NULL;
	look->arrivals = peer->wants->arrivals;
	if (loop_work(peer->wants->sync->loop, work, done, look) != ERR_OK) {
		if (look->call != NULL) {
			rpc_refuse(look->call, "could not look for blobs");
		}
		look_free(look);
		return;
	}
	peer->look = look;
	sync_job_begins(peer->wants->sync);
}

static void put_last(struct wants_peer *peer, struct look *look)
{
	*(peer->look_last == NULL ? &peer->look_first : &peer->look_last->next) = look;
	peer->look_last = look;
	next_look(peer);
}

/* What it tells. */

struct hearing {
	struct wants_peer *peer;
	struct look *look;
	size_t wants, waiting;
};

/* The first of these that have not begun: small items are gathered. */
static size_t count_waiting(const struct wants_peer *peer)
{
	size_t count = 0;
	for (const struct look *look = peer->look_first; look != NULL; look = look->next) {
		count += look->kind == LOOK_WANTS ? look->count : 0;
	}
	return count;
}

static bool on_want(void *ctx, const struct blob_id *id, int64_t value)
{
	struct hearing *hearing = ctx;
	struct wants_peer *peer = hearing->peer;
	if (value > 0) {
		wants_have(peer, id, (uint64_t)value);
		return true;
	}
	if (hearing->wants >= LIMIT_BLOB_WANTS_PER_ITEM || hearing->waiting >= WAITING_MAX ||
		!look_is_allowed(peer)) {
		return true; /* what it has still counts */
	}
	if (hearing->look == NULL) {
		hearing->look = look_new(peer, LOOK_WANTS);
	}
	if (hearing->look != NULL && look_add(hearing->look, id, -value)) {
		hearing->wants++;
		hearing->waiting++;
	}
	return true;
}

static void on_item(void *ctx, struct rpc_call *call, enum muxrpc_type type, struct span body,
	const struct json *json)
{
	struct wants_peer *peer = ctx;
	(void)call;
	(void)type;
	(void)body;
	struct look *last = peer->look_last;
	bool is_room = last != NULL && last->kind == LOOK_WANTS &&
		       last->count < LIMIT_BLOB_WANTS_PER_ITEM / 2;
	struct hearing hearing = {
		.peer = peer, .look = is_room ? last : NULL, .waiting = count_waiting(peer)};
	want_each(json, on_want, &hearing);
	if (hearing.look != NULL && !is_room) {
		put_last(peer, hearing.look);
	}
}

static void on_up_end(void *ctx, struct rpc_call *call, const char *error)
{
	struct wants_peer *peer = ctx;
	(void)call;
	(void)error; /* it does not know the call, or will say nothing more */
	peer->up = NULL;
}

static const struct rpc_handler up = {.on_item = on_item, .on_end = on_up_end};

void wants_hear(struct wants_peer *peer)
{
	struct rpc_handler mine = up;
	mine.ctx = peer;
	if (rpc_open(peer_rpc(peer->partner->peer), "blobs.createWants", RPC_SOURCE,
		    span_text("[]"), &mine, &peer->up) != ERR_OK) {
		peer->up = NULL;
		return;
	}
	/* A JavaScript pub tells all that anybody ever wanted of it in its first item. */
	rpc_allow_notes(peer->up, wants_is_near(peer->partner) ? LIMIT_RPC_NOTE_BYTES
							       : LIMIT_RPC_NOTE_BYTES_STRANGER);
	rpc_pass_large(peer->up);
}

/* What it asks. Async calls of a peer hear of no end but the connection's. */

static void on_asked_end(void *ctx, struct rpc_call *call, const char *error)
{
	struct look *look = ctx;
	(void)call;
	(void)error;
	look->call = NULL;
}

static const struct rpc_handler asked = {.on_end = on_asked_end};
static const struct rpc_handler nothing;

static void serve(struct look *look, struct rpc_call *call)
{
	struct rpc_handler mine = asked;
	mine.ctx = look;
	look->call = call;
	rpc_accept(call, &mine);
	put_last(look->peer, look);
}

static bool is_id(const struct json *value, struct blob_id *out)
{
	struct span text;
	if (value != NULL && json_kind(value) == JSON_KIND_OBJECT) {
		value = json_get(value, "id");
	}
	return json_text(value, &text) && blob_id_parse(text, out) == ERR_OK;
}

/* NULL, or why not. */
static const char *read_ids(struct look *look, const struct json *asked_for)
{
	struct blob_id id;
	look->is_list = asked_for != NULL && json_kind(asked_for) == JSON_KIND_ARRAY;
	size_t count = look->is_list ? json_count(asked_for) : 1;
	if (count > LIMIT_BLOB_HAS_IDS) {
		return "blobs.has: too many ids in one call";
	}
	for (size_t i = 0; i < count; i++) {
		if (!is_id(look->is_list ? json_at(asked_for, i) : asked_for, &id)) {
			return "invalid id";
		}
		if (!look_is_allowed(look->peer)) {
			return "blobs.has: too many ids in a minute";
		}
		if (!look_add(look, &id, 1)) {
			return "out of memory";
		}
	}
	return NULL;
}

static void serve_look(struct partner *partner, struct rpc_call *call, const struct json *args,
	enum look_kind kind)
{
	struct wants_peer *peer = partner->wants;
	const struct json *asked_for = json_count(args) > 0 ? json_at(args, 0) : NULL;
	struct look *look = peer == NULL ? NULL : look_new(peer, kind);
	const char *why = look == NULL ? "out of memory" : read_ids(look, asked_for);
	if (why == NULL && kind == LOOK_SIZE && look->is_list) {
		why = "invalid id";
	}
	if (why != NULL) {
		if (look != NULL) {
			look_free(look);
		}
		rpc_accept(call, &nothing);
		rpc_refuse(call, why);
		return;
	}
	serve(look, call);
}

void wants_serve_has(struct partner *partner, struct rpc_call *call, const struct json *args)
{
	serve_look(partner, call, args, LOOK_HAS);
}

void wants_serve_size(struct partner *partner, struct rpc_call *call, const struct json *args)
{
	serve_look(partner, call, args, LOOK_SIZE);
}

void wants_hear_drop(struct wants_peer *peer)
{
	if (peer->up != NULL) {
		rpc_refuse(peer->up, "parent stream is closing");
		peer->up = NULL;
	}
	while (peer->look_first != NULL) {
		struct look *look = peer->look_first;
		peer->look_first = look->next;
		if (look->call != NULL) {
			rpc_refuse(look->call, "parent stream is closing");
		}
		look_free(look);
	}
	peer->look_last = NULL;
	if (peer->look != NULL) {
		if (peer->look->call != NULL) {
			rpc_refuse(peer->look->call, "parent stream is closing");
			peer->look->call = NULL;
		}
		peer->look->peer = NULL;
		peer->look = NULL;
	}
}
