/**
 * wire/rpc: calls on one connection, both directions, as a state machine: plaintext in, callbacks
 * up, plaintext out (protocol/03).
 *
 * Numbers: each side numbers its own requests from 1; here a `struct rpc_call` stands for one
 * request, ours or the peer's. A call lives from rpc_open() or on_call until one of these, and must
 * not be touched afterwards:
 *   - on_end returned (each call hears it at most once; if our half is still open then, rpc ends
 * it: the same error object back, or `true`),
 *   - an async call of the peer was answered by rpc_send() or rpc_end(): no on_end,
 *   - rpc_refuse() on it: no callback any more; what still arrives for it is dropped.
 * The memory stays until the packet under way has been dealt with. Callbacks may call any rpc_
 * function of any live call, also end calls, but neither rpc_feed() nor rpc_free().
 *
 * An async call of ours hears on_item with the answer and then on_end(NULL), or only on_end with
 * the error text. After rpc_end() on a source of ours or on a sink of the peer items still in
 * flight are dropped; a duplex hears its other half to the end.
 *
 * Bounded: body sizes by type (LIMIT_RPC_JSON_BYTES; notes on a call marked by rpc_allow_notes),
 * LIMIT_RPC_STREAMS calls of the peer, LIMIT_RPC_REQUESTS of ours, LIMIT_RPC_ERRORS_PER_MINUTE
 * refusals before ERR_REFUSED closes the connection. Lengths are judged before memory is asked for.
 */
#ifndef WIRE_RPC_H
#define WIRE_RPC_H

#include "base/env.h"
#include "feed/json.h"
#include "wire/muxrpc.h"

enum rpc_kind { RPC_ASYNC, RPC_SOURCE, RPC_SINK, RPC_DUPLEX };

struct rpc;
struct rpc_call;

/* What a call wants to hear. Any may be NULL. `ctx` is the call's own. */
struct rpc_handler {
	/*
	 * An item (streams) or the answer (async, type tells the kind of value). `body` and `json`
	 * are borrowed; json is NULL unless type is JSON. An empty body is an empty binary or
	 * string item. JSON nested deeper than LIMIT_JSON_DEPTH is dropped.
	 */
	void (*on_item)(void *ctx, struct rpc_call *call, enum muxrpc_type type, struct span body,
		const struct json *json);
	/* A JSON item is offered here first, unparsed and unchecked (not to a call that is_raw).
	 * True: it is dealt with. Else it is parsed, and on_item hears of it. */
	bool (*on_text)(void *ctx, struct rpc_call *call, struct span body);
	/* The peer ended its half, or the connection goes. `error` is NULL for a normal end, else
	 * the message text (may be empty). Last callback. */
	void (*on_end)(void *ctx, struct rpc_call *call, const char *error);
	/* The transport has room again after rpc_is_full() was true. */
	void (*on_room)(void *ctx, struct rpc_call *call);
	void *ctx;
	bool is_raw; /* JSON items are handed up unparsed and unchecked, json NULL: for who parses
			them elsewhere */
};

struct rpc_opts {
	const struct env *env;
	/* Append plaintext to the connection. ERR_LIMIT when its queue is over the hard cap: the
	 * connection is lost. */
	enum err (*send)(void *ctx, struct span bytes);
	/* Is the connection's outgoing queue above its low mark, so that sources should pause? */
	bool (*is_full)(void *ctx);
	/*
	 * The peer opened a call. `name` is joined by dots ("blobs.get"), `args` is always an
	 * array. Accept by rpc_accept() inside this callback, or refuse with rpc_refuse(); doing
	 * neither refuses with "not in list of allowed methods".
	 */
	void (*on_call)(void *ctx, struct rpc_call *call, const char *name, enum rpc_kind kind,
		const struct json *args);
	void *ctx;
};

MUST_USE enum err rpc_new(const struct rpc_opts *opts, struct rpc **out);
/** Delivers on_end("unexpected end of parent stream") to every live call, then frees. Sends
 * nothing. Not from a callback of this rpc. */
void rpc_free(struct rpc *rpc);

/** Feed plaintext, any split. ERR_REFUSED: the peer broke the protocol, close. ERR_CLOSED: it said
 * goodbye: answer by rpc_goodbye() and close. */
MUST_USE enum err rpc_feed(struct rpc *rpc, struct span bytes);
/** Tell calls waiting for room that there is some. The owner calls it when its queue fell below the
 * low mark. */
void rpc_room(struct rpc *rpc);
/** End all calls (JS: optional) and send the nine zero bytes. */
MUST_USE enum err rpc_goodbye(struct rpc *rpc);

/** Open a call of ours. `name` by dots, `args` JSON text of an array. ERR_BUSY over
 * LIMIT_RPC_REQUESTS, ERR_NOMEM, ERR_LIMIT. */
MUST_USE enum err rpc_open(struct rpc *rpc, const char *name, enum rpc_kind kind, struct span args,
	const struct rpc_handler *handler, struct rpc_call **out);
/** In on_call only: take the call. */
void rpc_accept(struct rpc_call *call, const struct rpc_handler *handler);
/**
 * In on_call, or later: end the call with an error the peer sees, and forget it (an async call of
 * ours is only forgotten). `message` must not hold paths or secrets. Refusals inside on_call count
 * towards LIMIT_RPC_ERRORS_PER_MINUTE, unless the call was accepted first.
 */
void rpc_refuse(struct rpc_call *call, const char *message);
/** The texts peers compare: `method:ebt,replicate is not in list of allowed methods`, and `no
 * source:blobs,get` for a method of another kind. */
void rpc_refuse_not_allowed(struct rpc_call *call, const char *name);
void rpc_refuse_kind(struct rpc_call *call, const char *name);
/** "async", "source", "sink" or "duplex". */
const char *rpc_kind_name(enum rpc_kind kind);

/**
 * Send one item, or the one answer of an async call (which finishes it). An empty body must not be
 * sent on a stream: it is skipped, ERR_OK. After our end: ERR_CLOSED.
 */
MUST_USE enum err rpc_send(struct rpc_call *call, enum muxrpc_type type, struct span body);
/** End our half normally; ends of both halves finish the call. On an async call of the peer: answer
 * "no value" (JSON false). Safe to call once more after the end. */
void rpc_end(struct rpc_call *call);
/** Should this call pause its source? */
bool rpc_is_full(const struct rpc_call *call);
/** Let JSON items of this call be as large as a clock note: `bytes_max` is LIMIT_RPC_NOTE_BYTES or
 * LIMIT_RPC_NOTE_BYTES_STRANGER. */
void rpc_allow_notes(struct rpc_call *call, size_t bytes_max);
/** JSON items of this call that are larger are passed over, up to LIMIT_RPC_PASSED_BYTES, and do
 * not close the connection: they need no memory, and nobody hears of them. */
void rpc_pass_large(struct rpc_call *call);
/** The handler's ctx. */
void *rpc_call_ctx(const struct rpc_call *call);

#endif
