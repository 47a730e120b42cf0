/**
 * sync/missing: single messages that a conversation speaks of and that are not here, asked of
 * everybody who is connected. Between kith nodes by a muxrpc call of its own, `kith.message`
 * (source); others refuse it like any unknown method. server/sync/README.md is its protocol.
 *
 * Loop thread only; other threads call sync_missing().
 */
#ifndef SYNC_MISSING_H
#define SYNC_MISSING_H

#include "feed/message.h"
#include "sync/reach.h"

struct missing;

/* What came of one question. */
struct missing_answer {
	struct sync_missing figures;
	/* Verified one by one; in no order. Whoever takes one out leaves NULL. */
	struct message *found[LIMIT_MISSING_ASKED];
};

MUST_USE enum err missing_new(struct sync *sync, struct missing **out);
void missing_free(struct missing *missing);
/** Questions under way are answered with what has come. */
void missing_stop(struct missing *missing);
/**
 * Ask everybody who is connected for `count` messages, at most LIMIT_MISSING_ASKED. `on_answer` is
 * called once, now or within LIMIT_MISSING_MS. ERR_NOMEM: it will not be.
 */
MUST_USE enum err missing_ask(struct missing *missing, const struct message_id *ids, size_t count,
	void (*on_answer)(void *ctx, struct missing_answer *answer), void *ctx);

/** A connection is ready, or is over: all its calls end. */
void missing_ready(struct partner *partner);
void missing_drop(struct partner *partner);
/** `kith.message` as we serve it. */
void missing_serve(struct partner *partner, struct rpc_call *call, const struct json *args);

#endif
