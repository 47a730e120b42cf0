/*
 * The input is what a peer sends. Calls of ours are open, calls of the peer are taken, refused or
 * answered, and every callback ends, refuses, sends or waits as the next byte of the input's first
 * eight says. What we send is read again: it must be whole packets, none empty, none after our end
 * of a call, and for each of the peer's async calls at most one.
 */
#include "base/limits.h"
#include "wire/rpc.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHOICE_BYTES = 8, OUR_CALLS = 4, ENDS = 1 << 12 };

struct peer {
	struct rpc *rpc;
	struct env env;
	const uint8_t *choices;
	size_t chosen;
	struct buf sent;
	struct rpc_call *last; /* accepted last; forgotten when it ends */
	int32_t ended[ENDS];
	size_t ended_count;
};

static unsigned choose(struct peer *peer)
{
	unsigned choice = peer->choices[peer->chosen % CHOICE_BYTES] +
			  (unsigned)(peer->chosen / CHOICE_BYTES);
	peer->chosen++;
	return choice % 8;
}

static void act(struct peer *peer, struct rpc_call *call, bool may_forget)
{
	static const char item[] = "\"item\"";
	switch (choose(peer)) {
	case 0:
		rpc_end(call);
		break;
	case 1:
		if (may_forget) {
			peer->last = call == peer->last ? NULL : peer->last;
			rpc_refuse(call, "refused \"here\"");
		}
		break;
	case 2:
		(void)rpc_is_full(call);
		break;
	case 3:
		rpc_allow_notes(call, LIMIT_RPC_NOTE_BYTES_STRANGER);
		break;
	case 4:
		if (peer->last != NULL) {
			rpc_end(peer->last);
		}
		break;
	default:
		/* An async call of ours has nothing to send, and its name tells: the ctx is NULL
		 * for those. */
		if (rpc_call_ctx(call) != NULL &&
			rpc_send(call, MUXRPC_JSON, span_text(item)) == ERR_NOMEM) {
			abort();
		}
	}
}

static struct peer *the_peer; /* async calls of ours have no ctx */

static void on_item(void *ctx, struct rpc_call *call, enum muxrpc_type type, struct span body,
	const struct json *json)
{
	(void)ctx;
	assert((type == MUXRPC_JSON) == (json != NULL));
	assert(body.len <= LIMIT_RPC_NOTE_BYTES);
	act(the_peer, call, true);
}

static void on_end(void *ctx, struct rpc_call *call, const char *error)
{
	(void)ctx;
	assert(error == NULL || strlen(error) <= LIMIT_RPC_ERROR_TEXT_BYTES);
	the_peer->last = call == the_peer->last ? NULL : the_peer->last;
	act(the_peer, call, true);
}

static void on_room(void *ctx, struct rpc_call *call)
{
	(void)ctx;
	act(the_peer, call, true);
}

static struct rpc_handler handler_with(void *ctx)
{
	return (struct rpc_handler){
		.on_item = on_item, .on_end = on_end, .on_room = on_room, .ctx = ctx};
}

static void on_call(void *ctx, struct rpc_call *call, const char *name, enum rpc_kind kind,
	const struct json *args)
{
	struct peer *peer = ctx;
	struct rpc_handler handler = handler_with(peer);
	assert(json_kind(args) == JSON_KIND_ARRAY);
	assert(strlen(name) > 0 && strlen(name) <= LIMIT_RPC_NAME_BYTES);
	switch (choose(peer)) {
	case 0:
		rpc_refuse_kind(call, name);
		return;
	case 1:
		return;
	default:
		rpc_accept(call, &handler);
	}
	if (kind != RPC_ASYNC) {
		peer->last = call;
		act(peer, call, true);
	}
}

static enum err on_send(void *ctx, struct span bytes)
{
	return buf_append(&((struct peer *)ctx)->sent, bytes);
}

static bool on_is_full(void *ctx)
{
	return (((struct peer *)ctx)->chosen & 1) != 0;
}

static int64_t on_mono_ms(void *ctx)
{
	/* A minute between any two: errors never add up to a close. */
	return (int64_t)((struct peer *)ctx)->chosen++ * 60000;
}

static bool was_ended(const struct peer *peer, int32_t request)
{
	for (size_t i = 0; i < peer->ended_count; i++) {
		if (peer->ended[i] == request) {
			return true;
		}
	}
	return false;
}

/* What we sent so far, read as the other side reads it. */
static void check_sent(struct peer *peer)
{
	struct span rest = buf_span(&peer->sent);
	while (rest.len > 0) {
		struct muxrpc_head head;
		assert(rest.len >= MUXRPC_HEAD_BYTES);
		if (muxrpc_head_read(rest.at, &head) != ERR_OK) {
			abort();
		}
		assert(head.is_goodbye || head.length > 0);
		assert(rest.len - MUXRPC_HEAD_BYTES >= head.length);
		assert(head.is_goodbye || !was_ended(peer, head.request));
		/* An async answer is an end by itself; our own async requests are positive. */
		if ((head.is_end || (!head.is_stream && head.request < 0)) &&
			peer->ended_count < ENDS) {
			peer->ended[peer->ended_count++] = head.request;
		}
		rest = span_skip(rest, MUXRPC_HEAD_BYTES + head.length);
	}
	buf_clear(&peer->sent);
}

static void open_calls(struct peer *peer)
{
	static const enum rpc_kind kinds[OUR_CALLS] = {RPC_ASYNC, RPC_SOURCE, RPC_SINK, RPC_DUPLEX};
	for (int i = 0; i < OUR_CALLS; i++) {
		struct rpc_call *call = NULL;
		struct rpc_handler handler =
			handler_with(kinds[i] == RPC_SINK || kinds[i] == RPC_DUPLEX ? peer : NULL);
		if (rpc_open(peer->rpc, "a.b", kinds[i], span_text("[]"), &handler, &call) !=
			ERR_OK) {
			abort();
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct peer peer;
	if (size < CHOICE_BYTES + 1) {
		return 0;
	}
	peer = (struct peer){.choices = data, .sent = BUF_INIT(64 * MIB)};
	peer.env = (struct env){.mono_ms = on_mono_ms, .ctx = &peer};
	the_peer = &peer;
	struct rpc_opts opts = {.env = &peer.env,
		.send = on_send,
		.is_full = on_is_full,
		.on_call = on_call,
		.ctx = &peer};
	if (rpc_new(&opts, &peer.rpc) != ERR_OK) {
		abort();
	}
	open_calls(&peer);
	size_t piece = (size_t)data[CHOICE_BYTES] + 1;
	enum err err = ERR_OK;
	for (struct span in = span_of(data + CHOICE_BYTES + 1, size - CHOICE_BYTES - 1);
		in.len > 0 && err == ERR_OK; in = span_skip(in, piece)) {
		err = rpc_feed(peer.rpc, span_take(in, piece));
		rpc_room(peer.rpc);
		check_sent(&peer);
	}
	peer.last = NULL;
	(void)rpc_goodbye(peer.rpc);
	check_sent(&peer);
	rpc_free(peer.rpc);
	assert(peer.sent.len == 0);
	buf_fini(&peer.sent);
	return 0;
}
