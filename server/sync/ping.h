/**
 * sync/ping: gossip.ping, which keeps connections alive and which ssb-gossip judges servers by
 * (protocol/04 §6, 12.7).
 */
#ifndef SYNC_PING_H
#define SYNC_PING_H

#include "sync/core.h"

/** As dialler: open the call and send the first time. */
void ping_open(struct partner *partner);
void ping_serve(struct partner *partner, struct rpc_call *call, const struct json *args);
/** After a sleep: does it still live? Who does not answer within LIMIT_PROBE_MS is closed. */
void ping_probe(struct partner *partner);

#endif
