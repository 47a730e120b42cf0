/**
 * sync/history: createHistoryStream as we serve it (protocol/04 §2).
 */
#ifndef SYNC_HISTORY_H
#define SYNC_HISTORY_H

#include "sync/reach.h"

void history_serve(struct partner *partner, struct rpc_call *call, const struct json *args);
void history_committed(struct partner *partner, struct feed *feed);
/** Blocks may have changed: streams that may no longer be served end. */
void history_reach_changed(struct partner *partner);

#endif
