/**
 * sync/peers: the connections there are, one per key. Makes them from links, wires their calls to
 * methods, and takes them down.
 */
#ifndef SYNC_PEERS_H
#define SYNC_PEERS_H

#include "sync/reach.h"

/** An accepted link; taken over. */
void peers_accept(struct sync *sync, struct link *link);
/**
 * Dial. `is_learned` as dial_start(). The outcome goes to schedule_ready() or schedule_gone().
 * ERR_BUSY, ERR_NOMEM …: nothing was started.
 */
MUST_USE enum err peers_dial(
	struct sync *sync, const struct address *address, enum peer_via via, bool is_learned);
/** Close (or give up dialling); `reason` is static. schedule_gone() follows on a later turn. */
void peers_close(struct partner *partner, const char *reason);
void peers_close_all(struct sync *sync, const char *reason);
/** After the graph changed: those we block must go. */
void peers_close_blocked(struct sync *sync);

/** The ready connection with `id`, or NULL. */
struct partner *peers_ready(struct sync *sync, const struct feed_id *id);
/** A connection that is ready or on its way to `id`, or NULL. */
struct partner *peers_any(struct sync *sync, const struct feed_id *id);
struct partner *peers_by_serial(struct sync *sync, uint64_t serial);
/** A call of the peer was refused. */
void peers_refuse(struct partner *partner, struct rpc_call *call, const char *message);

#endif
