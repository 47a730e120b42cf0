/**
 * net/peer: link + handshake + box stream + rpc = an authenticated peer. Loop thread only.
 *
 * States: SHAKING → READY → CLOSING → CLOSED. The handshake has LIMIT_HANDSHAKE_MS in all; after it
 * a connection without bytes in either direction for LIMIT_PEER_IDLE_MS is closed, and one whose
 * writes make no progress for LIMIT_WRITE_STALL_MS too.
 *
 * What calls write in one turn of the loop is sealed together at its end, in full boxes, and leaves
 * in one write. JavaScript peers end with the goodbye of rpc or with none: both are fine.
 */
#ifndef NET_PEER_H
#define NET_PEER_H

#include "base/limits.h"
#include "net/link.h"
#include "net/loop.h"
#include "wire/rpc.h"
#include "wire/shs.h"

struct peer;

struct peer_events {
	/* Server side, between messages 3 and 4: may this key come in? NULL: everybody. */
	bool (*is_welcome)(void *ctx, const struct feed_id *id);
	void (*on_ready)(void *ctx, struct peer *peer);
	/* A call the peer opened; as rpc_opts.on_call. */
	void (*on_call)(void *ctx, struct peer *peer, struct rpc_call *call, const char *name,
		enum rpc_kind kind, const struct json *args);
	/* What peer_allow() gave is used up in one direction; once for each giving. May be NULL. */
	void (*on_spent)(void *ctx, struct peer *peer);
	/* Once, last. The rpc's calls have had their on_end. `reason` is short English. The peer is
	 * freed when this returns. */
	void (*on_closed)(void *ctx, struct peer *peer, const char *reason);
	void *ctx;
};

struct peer_opts {
	struct loop *loop;
	const uint8_t *network_key;
	const struct signer *signer;
	const struct feed_id *server_id; /* we dialled; NULL: we were dialled */
	struct peer_events events;
	int64_t handshake_ms; /* 0: LIMIT_HANDSHAKE_MS; tests shorten it */
	int64_t idle_ms;      /* 0: LIMIT_PEER_IDLE_MS */
};

/** Takes the link over, also on failure; then no event comes. ERR_REFUSED: server_id is no usable
 * key. */
MUST_USE enum err peer_new(struct link *link, const struct peer_opts *opts, struct peer **out);
/** Say goodbye (when ready), let what is queued go out, and close; on_closed follows on a later
 * turn. Called a second time it stops waiting. From any callback. */
void peer_close(struct peer *peer, const char *reason);

bool peer_is_ready(const struct peer *peer);
const struct feed_id *peer_id(const struct peer *peer); /* when ready; of one we dial, always */
const char *peer_remote(const struct peer *peer);       /* as link->remote */
struct rpc *peer_rpc(struct peer *peer);                /* when ready */
/** Stop and go on reading from the socket, when ingest is full. Counted: as many resumes as pauses.
 * What was decrypted already (at most PEER_PLAIN_BYTES) still comes. */
#define PEER_PLAIN_BYTES (4 * LIMIT_BOX_BODY_BYTES)
void peer_pause(struct peer *peer);
void peer_resume(struct peer *peer);
/** Is it paused, or its queue full? Then its silence tells nothing. */
bool peer_is_held(const struct peer *peer);

/** So many bytes (plaintext) may still come and go; not limited before the first call. When one of
 * the two is used up, nothing more is read, or rpc counts as full; what answers and ends calls
 * still goes out and is counted below zero. Giving more goes on with it. */
void peer_allow(struct peer *peer, int64_t in, int64_t out);
/** What is left of it. */
void peer_allowance(const struct peer *peer, int64_t *in, int64_t *out);

struct peer_figures {
	uint64_t bytes_in, bytes_out; /* plaintext */
	int64_t since_ms;             /* monotonic, ready since */
};
void peer_figures(const struct peer *peer, struct peer_figures *out);

#endif
