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

MUST_USE enum err newest_new(struct sync *sync, struct newest **out);
void newest_free(struct newest *newest);
void newest_stop(struct newest *newest);
/** The peer is `ahead` of us by more than a window: worth asking. Called by sync/ebt for each note
 * that says so, by sync/peers when a connection is ready, and by sync/reach when a feed becomes
 * wanted. */
void newest_consider(struct partner *partner, struct feed *feed);
void newest_ready(struct partner *partner);
void newest_gone(struct partner *partner);
void newest_reach_changed(struct sync *sync);
/** The chain moved up; loop thread. */
void newest_committed(struct sync *sync, struct feed *feed);
/** `kith.newest` as we serve it. */
void newest_serve(struct partner *partner, struct rpc_call *call, const struct json *args);

#endif
