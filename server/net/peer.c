/*
 * Bytes from the link go through shs until it is done, then through the box stream into rpc; what
 * rpc sends collects in `pending` and is sealed at the end of the turn. Everything that ends a peer
 * goes through move(CLOSING) and the link's on_closed, which frees it; so no callback ever returns
 * into a peer that is gone.
 */
#include "net/peer.h"

#include "base/log.h"
#include "wire/boxstream.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	REASON_BYTES = 96,
	BOX_BYTES_MAX = BOXSTREAM_HEAD_BYTES + LIMIT_BOX_BODY_BYTES,
	IN_BYTES_MAX = LOOP_SCRATCH_BYTES + 2 * BOX_BYTES_MAX,
	SEAL_BYTES =
		4 * LIMIT_BOX_BODY_BYTES, /* sealed at once, without waiting for the turn's end */
	SEALED_BYTES_MAX = LIMIT_PEER_OUT_BYTES + LIMIT_PEER_OUT_BYTES / 16,
	FIRST_MESSAGE_BYTES = 64,
	KEEP_BYTES = 4 * KIB,
};

enum peer_phase { PEER_SHAKING, PEER_READY, PEER_CLOSING, PEER_CLOSED };

#define B(phase) (1u << (phase))
static const uint8_t next_phases[] = {
	[PEER_SHAKING] = B(PEER_READY) | B(PEER_CLOSING) | B(PEER_CLOSED),
	[PEER_READY] = B(PEER_CLOSING) | B(PEER_CLOSED),
	[PEER_CLOSING] = B(PEER_CLOSED),
	[PEER_CLOSED] = 0,
};
#undef B

struct peer {
	enum peer_phase phase;
	struct link *link;
	struct loop *loop;
	const struct env *env;
	struct peer_events events;
	struct feed_id id;
	bool is_dialled, was_ready, was_unwelcome, is_link_paused, has_said_goodbye;
	bool is_in_spent, is_out_spent, wants_room;
	int64_t in_left, out_left; /* peer_allow() */
	unsigned pauses;
	int64_t handshake_ms, idle_ms;
	int64_t active_ms; /* monotonic, last byte in either direction */
	size_t shaken;     /* bytes of the handshake that came */
	struct shs *shs;   /* while shaking */
	struct rpc *rpc;   /* from ready on */
	struct boxstream_sealer sealer;
	struct boxstream_opener opener;
	struct buf in;      /* sealed: the part of a box, or what waits while paused */
	struct buf pending; /* plaintext to be sealed */
	struct loop_task turn;
	struct loop_timer *timer; /* handshake, then idle */
	struct peer_figures figures;
	char reason[REASON_BYTES];
};

static void move(struct peer *peer, enum peer_phase to)
{
	static const char *const names[] = {"shaking", "ready", "closing", "closed"};
	assert(next_phases[peer->phase] & (1u << to));
	LOG(peer->env, LOG_DEBUG, "peer.phase",
		LOG_ADDRESS("remote", span_text(peer->link->remote)),
		LOG_TEXT("from", names[peer->phase]), LOG_TEXT("to", names[to]));
	peer->phase = to;
}

static void set_reason(struct peer *peer, const char *reason)
{
	if (peer->reason[0] == '\0') {
		(void)snprintf(peer->reason, sizeof(peer->reason), "%s", reason);
	}
}

/* Close without another word. */
static void fail(struct peer *peer, const char *reason)
{
	if (peer->phase < PEER_CLOSING) {
		set_reason(peer, reason);
		move(peer, PEER_CLOSING);
		link_close(peer->link, false);
	}
}

void peer_close(struct peer *peer, const char *reason)
{
	if (peer->phase == PEER_READY) {
		/* The goodbye goes out at the end of the turn: rpc may be on the stack just now. */
		set_reason(peer, reason);
		move(peer, PEER_CLOSING);
		loop_task_queue(peer->loop, &peer->turn);
	} else if (peer->phase == PEER_SHAKING) {
		fail(peer, reason);
	} else if (peer->phase == PEER_CLOSING) {
		link_close(peer->link, false);
	}
}

/* What is allowed. */

static void tell_spent(struct peer *peer)
{
	if (peer->phase == PEER_READY && peer->events.on_spent != NULL) {
		peer->events.on_spent(peer->events.ctx, peer);
	}
}

static void count_in(struct peer *peer, size_t count)
{
	peer->figures.bytes_in += count;
	peer->in_left -= (int64_t)count;
	if (peer->in_left <= 0 && !peer->is_in_spent) {
		peer->is_in_spent = true;
		peer_pause(peer);
		tell_spent(peer);
	}
}

static void count_out(struct peer *peer, size_t count)
{
	peer->figures.bytes_out += count;
	peer->out_left -= (int64_t)count;
	if (peer->out_left <= 0 && !peer->is_out_spent) {
		peer->is_out_spent = true;
		tell_spent(peer);
	}
}

void peer_allow(struct peer *peer, int64_t in, int64_t out)
{
	peer->in_left = in;
	peer->out_left = out;
	if (in > 0 && peer->is_in_spent) {
		peer->is_in_spent = false;
		peer_resume(peer);
	} else if (in <= 0 && !peer->is_in_spent) {
		peer->is_in_spent = true;
		peer_pause(peer);
	}
	peer->wants_room = peer->wants_room || (out > 0 && peer->is_out_spent);
	peer->is_out_spent = out <= 0;
	if (peer->wants_room && peer->phase == PEER_READY) {
		loop_task_queue(peer->loop, &peer->turn);
	}
}

void peer_allowance(const struct peer *peer, int64_t *in, int64_t *out)
{
	*in = peer->in_left;
	*out = peer->out_left;
}

/* Out. */

static enum err seal(struct peer *peer, size_t count)
{
	struct buf boxes = BUF_INIT(SEALED_BYTES_MAX);
	enum err err =
		boxstream_seal(&peer->sealer, span_take(buf_span(&peer->pending), count), &boxes);
	if (err == ERR_OK) {
		err = link_write(peer->link, buf_span(&boxes));
	}
	buf_fini(&boxes);
	buf_consume(&peer->pending, count);
	count_out(peer, count);
	if (err == ERR_LIMIT) {
		fail(peer, "the other side reads too slowly");
	} else if (err != ERR_OK) {
		fail(peer, err_text(err));
	}
	if (peer->pending.len == 0 && peer->pending.cap > KEEP_BYTES) {
		buf_fini(&peer->pending);
	}
	return err;
}

static enum err on_rpc_send(void *ctx, struct span bytes)
{
	struct peer *peer = ctx;
	bool may = peer->phase == PEER_READY || (peer->phase == PEER_CLOSING && peer->was_ready);
	if (!may || peer->has_said_goodbye) {
		return ERR_CLOSED;
	}
	enum err err = buf_append(&peer->pending, bytes);
	if (err != ERR_OK) {
		fail(peer, err == ERR_LIMIT ? "we had too much to say at once" : err_text(err));
		return err;
	}
	peer->active_ms = env_mono_ms(peer->env);
	loop_task_queue(peer->loop, &peer->turn);
	if (peer->pending.len < SEAL_BYTES) {
		return ERR_OK;
	}
	return seal(peer, peer->pending.len - peer->pending.len % LIMIT_BOX_BODY_BYTES);
}

static bool on_rpc_is_full(void *ctx)
{
	struct peer *peer = ctx;
	return peer->is_out_spent || link_is_full(peer->link);
}

static void say_goodbye(struct peer *peer)
{
	struct buf box = BUF_INIT(BOXSTREAM_HEAD_BYTES);
	enum err err = rpc_goodbye(peer->rpc);
	peer->has_said_goodbye = true;
	if (err == ERR_OK || err == ERR_CLOSED) {
		err = peer->pending.len > 0 ? seal(peer, peer->pending.len) : ERR_OK;
	}
	if (err == ERR_OK) {
		err = boxstream_seal_goodbye(&peer->sealer, &box);
	}
	if (err == ERR_OK) {
		err = link_write(peer->link, buf_span(&box));
	}
	buf_fini(&box);
	link_close(peer->link, err == ERR_OK);
}

/* In. */

static void judge_feed(struct peer *peer, enum err err)
{
	switch (err) {
	case ERR_OK:
		break;
	case ERR_CLOSED:
		peer_close(peer, "the other side said goodbye");
		break;
	case ERR_REFUSED:
	case ERR_LIMIT:
		fail(peer, "the other side broke the protocol");
		break;
	default:
		fail(peer, err_text(err));
	}
}

static bool may_read(const struct peer *peer)
{
	return peer->phase == PEER_READY && peer->pauses == 0;
}

/* Open boxes of `in` and feed them to rpc; returns how many bytes were dealt with. */
static size_t open_boxes(struct peer *peer, struct span in)
{
	struct buf plain = BUF_INIT(PEER_PLAIN_BYTES);
	size_t total = 0;
	size_t used = 1;
	while (may_read(peer) && used > 0) {
		buf_clear(&plain);
		enum err err = boxstream_open(&peer->opener, span_skip(in, total), &plain, &used);
		total += used;
		if (err == ERR_REFUSED || err == ERR_NOMEM) {
			fail(peer,
				err == ERR_NOMEM ? err_text(err) : "a box was forged or garbled");
			break;
		}
		count_in(peer, plain.len);
		if (plain.len > 0) {
			judge_feed(peer, rpc_feed(peer->rpc, buf_span(&plain)));
		}
		if (peer->opener.is_ended) {
			peer_close(peer, "the other side said goodbye");
			break;
		}
	}
	buf_fini(&plain);
	return total;
}

static void keep_rest(struct peer *peer, struct span rest)
{
	if (peer->phase == PEER_READY && buf_append(&peer->in, rest) != ERR_OK) {
		fail(peer, err_text(ERR_NOMEM));
	}
}

static void take(struct peer *peer, struct span bytes)
{
	while (may_read(peer) && peer->in.len > 0 && bytes.len > 0) {
		struct span part = span_take(bytes, BOX_BYTES_MAX);
		keep_rest(peer, part);
		bytes = span_skip(bytes, part.len);
		buf_consume(&peer->in, open_boxes(peer, buf_span(&peer->in)));
	}
	if (may_read(peer) && peer->in.len == 0) {
		bytes = span_skip(bytes, open_boxes(peer, bytes));
	}
	keep_rest(peer, bytes);
}

static void read_on(struct peer *peer)
{
	if (peer->in.len > 0) {
		buf_consume(&peer->in, open_boxes(peer, buf_span(&peer->in)));
		if (peer->in.len == 0 && peer->in.cap > KEEP_BYTES) {
			buf_fini(&peer->in);
		}
	}
	if (may_read(peer) && peer->is_link_paused) {
		peer->is_link_paused = false;
		link_resume(peer->link);
	}
}

static void on_turn(void *ctx)
{
	struct peer *peer = ctx;
	if (may_read(peer)) {
		read_on(peer);
	}
	if (peer->phase == PEER_READY && peer->wants_room) {
		peer->wants_room = false;
		rpc_room(peer->rpc);
	}
	if (peer->phase == PEER_READY && peer->pending.len > 0) {
		(void)seal(peer, peer->pending.len);
	}
	/* Not `else`: what was read just now may have ended the peer. */
	if (peer->phase == PEER_CLOSING && peer->was_ready && !peer->has_said_goodbye) {
		say_goodbye(peer);
	}
}

/* The handshake. */

static bool on_welcome(void *ctx, const struct feed_id *client)
{
	struct peer *peer = ctx;
	bool is = peer->events.is_welcome == NULL ||
		  peer->events.is_welcome(peer->events.ctx, client);
	peer->was_unwelcome = !is;
	return is;
}

static void on_rpc_call(void *ctx, struct rpc_call *call, const char *name, enum rpc_kind kind,
	const struct json *args)
{
	struct peer *peer = ctx;
	if (peer->phase == PEER_READY && peer->events.on_call != NULL) {
		peer->events.on_call(peer->events.ctx, peer, call, name, kind, args);
	}
}

static const char *why_refused(const struct peer *peer)
{
	if (peer->was_unwelcome) {
		return "not welcome here";
	}
	if (peer->shaken < FIRST_MESSAGE_BYTES) {
		return "wrong network key, or not a Scuttlebutt node";
	}
	return peer->is_dialled ? "the other side is not who we dialled"
				: "the handshake failed: it expected another key, or is garbled";
}

/* The other side went away during the handshake, which is all the protocol has for a refusal. */
static const char *why_left(const struct peer *peer)
{
	if (!peer->is_dialled) {
		return "the other side left during the handshake";
	}
	return peer->shaken < FIRST_MESSAGE_BYTES
		       ? "the other side hung up: wrong network key, or not a Scuttlebutt node"
		       : "the other side refused us: it has another key, or we are not welcome";
}

static enum err become_ready(struct peer *peer)
{
	struct rpc_opts opts = {
		.env = peer->env,
		.send = on_rpc_send,
		.is_full = on_rpc_is_full,
		.on_call = on_rpc_call,
		.ctx = peer,
	};
	struct shs_keys keys;
	enum err err = rpc_new(&opts, &peer->rpc);
	if (err != ERR_OK) {
		return err;
	}
	shs_keys(peer->shs, &keys);
	boxstream_sealer_init(&peer->sealer, keys.encrypt_key, keys.encrypt_nonce);
	boxstream_opener_init(&peer->opener, keys.decrypt_key, keys.decrypt_nonce);
	sodium_memzero(&keys, sizeof(keys));
	peer->id = *shs_remote(peer->shs);
	shs_free(peer->shs);
	peer->shs = NULL;
	peer->was_ready = true;
	peer->figures.since_ms = env_mono_ms(peer->env);
	move(peer, PEER_READY);
	loop_timer_set(peer->timer, peer->idle_ms);
	link_shaken(peer->link);
	if (peer->events.on_ready != NULL) {
		peer->events.on_ready(peer->events.ctx, peer);
	}
	return ERR_OK;
}

/*
 * Returns what is left of `bytes`. The first message is fed by itself, so that a refusal can be
 * told apart from one of a later message.
 */
static struct span shake(struct peer *peer, struct span bytes)
{
	struct buf out = BUF_INIT(2 * SHS_OUT_BYTES_MAX);
	bool is_first = peer->shaken < FIRST_MESSAGE_BYTES;
	struct span part = is_first ? span_take(bytes, FIRST_MESSAGE_BYTES - peer->shaken) : bytes;
	size_t used = 0;
	enum err err = shs_step(peer->shs, part, &out, &used);
	if (err == ERR_REFUSED) {
		fail(peer, why_refused(peer));
	}
	peer->shaken += used;
	if (err == ERR_OK && out.len > 0) {
		err = link_write(peer->link, buf_span(&out));
	}
	buf_fini(&out);
	if (err == ERR_OK && shs_is_done(peer->shs)) {
		err = become_ready(peer);
	}
	if (err != ERR_OK) {
		fail(peer, err_text(err));
	}
	return span_skip(bytes, used);
}

/* What the link and the clock tell. */

static void on_link_bytes(void *ctx, struct span bytes)
{
	struct peer *peer = ctx;
	peer->active_ms = env_mono_ms(peer->env);
	while (peer->phase == PEER_SHAKING && bytes.len > 0) {
		bytes = shake(peer, bytes);
	}
	if (peer->phase == PEER_READY) {
		take(peer, bytes);
	}
}

static void on_link_low(void *ctx)
{
	struct peer *peer = ctx;
	if (peer->phase == PEER_READY) {
		rpc_room(peer->rpc);
	}
}

static void free_peer(struct peer *peer)
{
	loop_task_cancel(&peer->turn);
	loop_timer_free(peer->timer);
	shs_free(peer->shs);
	buf_fini(&peer->in);
	buf_fini(&peer->pending);
	sodium_memzero(&peer->sealer, sizeof(peer->sealer));
	sodium_memzero(&peer->opener, sizeof(peer->opener));
	free(peer);
}

static void on_link_closed(void *ctx, const char *reason)
{
	struct peer *peer = ctx;
	bool has_left = strcmp(reason, LINK_ENDED) == 0 || strcmp(reason, LINK_RESET) == 0;
	set_reason(peer, has_left && peer->phase == PEER_SHAKING ? why_left(peer) : reason);
	move(peer, PEER_CLOSED);
	rpc_free(peer->rpc);
	peer->rpc = NULL;
	if (peer->events.on_closed != NULL) {
		peer->events.on_closed(peer->events.ctx, peer, peer->reason);
	}
	free_peer(peer);
}

static void on_timer(void *ctx)
{
	struct peer *peer = ctx;
	if (peer->phase == PEER_SHAKING) {
		fail(peer, "the handshake took too long");
	} else if (peer->phase == PEER_READY) {
		int64_t idle_ms = env_mono_ms(peer->env) - peer->active_ms;
		if (idle_ms >= peer->idle_ms) {
			peer_close(peer, "idle for too long");
		} else {
			loop_timer_set(peer->timer, peer->idle_ms - idle_ms);
		}
	}
}

/* Life. */

static enum err start(struct peer *peer, const struct peer_opts *opts)
{
	struct shs_opts shs = {
		.network_key = opts->network_key,
		.signer = opts->signer,
		.server_id = opts->server_id,
		.is_welcome = on_welcome,
		.ctx = peer,
	};
	peer->timer = loop_timer_new(opts->loop, on_timer, peer);
	if (peer->timer == NULL) {
		return ERR_NOMEM;
	}
	enum err err = shs_new(&shs, &peer->shs);
	if (err != ERR_OK || !peer->is_dialled) {
		return err;
	}
	struct buf out = BUF_INIT(SHS_OUT_BYTES_MAX);
	size_t used = 0;
	err = shs_step(peer->shs, span_of(NULL, 0), &out, &used);
	if (err == ERR_OK) {
		err = link_write(peer->link, buf_span(&out));
	}
	buf_fini(&out);
	return err;
}

enum err peer_new(struct link *link, const struct peer_opts *opts, struct peer **out)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	if (peer == NULL) {
		link_close(link, false);
		return ERR_NOMEM;
	}
	peer->link = link;
	peer->loop = opts->loop;
	peer->env = loop_env(opts->loop);
	peer->events = opts->events;
	peer->is_dialled = opts->server_id != NULL;
	peer->handshake_ms = opts->handshake_ms > 0 ? opts->handshake_ms : LIMIT_HANDSHAKE_MS;
	peer->idle_ms = opts->idle_ms > 0 ? opts->idle_ms : LIMIT_PEER_IDLE_MS;
	peer->active_ms = env_mono_ms(peer->env);
	peer->turn = (struct loop_task){.fn = on_turn, .ctx = peer};
	peer->in_left = INT64_MAX;
	peer->out_left = INT64_MAX;
	buf_init(&peer->in, IN_BYTES_MAX);
	buf_init(&peer->pending, LIMIT_PEER_OUT_BYTES);
	if (opts->server_id != NULL) {
		peer->id = *opts->server_id;
	}
	enum err err = start(peer, opts);
	if (err != ERR_OK) {
		link->events = (struct link_events){0};
		link_close(link, false);
		free_peer(peer);
		return err;
	}
	link->events = (struct link_events){
		.on_bytes = on_link_bytes,
		.on_low = on_link_low,
		.on_closed = on_link_closed,
		.ctx = peer,
	};
	loop_timer_set(peer->timer, peer->handshake_ms);
	*out = peer;
	return ERR_OK;
}

void peer_pause(struct peer *peer)
{
	peer->pauses++;
	if (peer->pauses == 1 && peer->phase == PEER_READY) {
		peer->is_link_paused = true;
		link_pause(peer->link);
	}
}

void peer_resume(struct peer *peer)
{
	assert(peer->pauses > 0);
	peer->pauses--;
	if (peer->pauses == 0 && peer->phase == PEER_READY) {
		loop_task_queue(peer->loop, &peer->turn);
	}
}

bool peer_is_held(const struct peer *peer)
{
	return peer->pauses > 0 || link_is_full(peer->link);
}

bool peer_is_ready(const struct peer *peer)
{
	return peer->phase == PEER_READY;
}

const struct feed_id *peer_id(const struct peer *peer)
{
	return &peer->id;
}

const char *peer_remote(const struct peer *peer)
{
	return peer->link->remote;
}

struct rpc *peer_rpc(struct peer *peer)
{
	return peer->rpc;
}

void peer_figures(const struct peer *peer, struct peer_figures *out)
{
	*out = peer->figures;
}
