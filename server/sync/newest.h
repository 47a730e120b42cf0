/**
 * sync/newest: the newest messages of a feed before its history, from whoever has them; shown at
 * once, held apart (feed/window, store/ahead) until the chain has come up to them.
 *
 * Between kith nodes by a muxrpc call of its own, `kith.newest` (source); a peer that does not know
 * it refuses it like any unknown method, and is asked by createHistoryStream from a late sequence,
 * for feeds we follow ourselves, when its clock notes told how far it is. server/sync/README.md is
 * its protocol.
 */
#ifndef SYNC_NEWEST_H
#define SYNC_NEWEST_H

#include "sync/reach.h"

struct newest;
struct ahead_job;

MUST_USE enum err newest_new(struct sync *sync, struct newest **out);
void newest_free(struct newest *newest);
void newest_stop(struct newest *newest);
/** The peer told how far it has `feed`: perhaps worth asking. For each note that says more than we
 * have. Cheap; what is asked is asked on a later turn. */
void newest_consider(struct partner *partner, struct feed *feed);
/** A connection is ready: asks at once for what we follow and have nothing of. Before anything else
 * is said, so that it is not answered behind a bulk. */
void newest_ready(struct partner *partner);
/** End all calls, ours and the peer's. */
void newest_drop(struct partner *partner);
/** The set of feeds or the blocks changed; asks at once, like newest_ready(). */
void newest_reach_changed(struct sync *sync);
/** The chain moved up; loop thread. */
void newest_committed(struct sync *sync, struct feed *feed);
/** The writer has done a job of ours; loop thread. */
void newest_written(struct sync *sync, struct ahead_job *job);
/** `kith.newest` as we serve it. */
void newest_serve(struct partner *partner, struct rpc_call *call, const struct json *args);

#endif
