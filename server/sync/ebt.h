/**
 * sync/ebt: ebt.replicate version 3, classic format, with one peer (protocol/04 §3). Each feed is
 * taken from one of them (`feed->source`); what comes twice all the same is dropped by ingest.
 */
#ifndef SYNC_EBT_H
#define SYNC_EBT_H

#include "sync/ingest.h"

/** As dialler (or to repair): open the call. */
void ebt_open(struct partner *partner);
/** The peer called ebt.replicate. */
void ebt_serve(struct partner *partner, struct rpc_call *call, const struct json *args);
/** Save what the peer told to have, and let go of the session. The call's end, if it is still to
 * come, finds nobody. NULL-safe by partner->ebt. */
void ebt_drop(struct partner *partner);

/** Say the number of our own feed (again), even if nothing changed. */
void ebt_note_own(struct partner *partner);
/** Say that we have our own feed only up to `sequence`: the peer may send what comes after. */
void ebt_rewind_own(struct partner *partner, uint64_t sequence);

/** `feed` has a new head: push it, or say so. */
void ebt_committed(struct partner *partner, struct feed *feed);
/** … and all sessions were told: is there one that has more than its source? */
void ebt_feed_moved(struct sync *sync, struct feed *feed);
/** The set of feeds, the blocks or `feed->is_paused` changed. */
void ebt_reach_changed(struct partner *partner);
/** The beginning of `feed` is gone, or all of it comes again: who was told more than it can have is
 * told so. */
void ebt_let_go(struct partner *partner, struct feed *feed);
/** Nobody feeds it: the best of all sessions, if one has more. */
void ebt_source_find(struct sync *sync, struct feed *feed);
/** A message of `feed` failed; `from` (may be gone: NULL) gave it. */
void ebt_feed_failed(
	struct sync *sync, struct feed *feed, struct partner *from, enum ingest_failure failure);

/** Messages the peer says it has and we still want. */
uint64_t ebt_behind(const struct partner *partner);
/** Is there some of this feed, and is the peer the one to give it? */
bool ebt_owes(const struct partner *partner, const struct feed *feed);
/** How far the peer told to have this feed; 0: not at all, or not known. */
uint64_t ebt_told(const struct partner *partner, const struct feed *feed);
bool ebt_is_running(const struct partner *partner);

#endif
