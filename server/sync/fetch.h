/**
 * sync/fetch: createHistoryStream as we call it, for peers without EBT: our own feed and all we
 * replicate, LIMIT_FETCH_STREAMS at once.
 */
#ifndef SYNC_FETCH_H
#define SYNC_FETCH_H

#include "sync/ingest.h"

/** Begin, unless it runs already. */
void fetch_start(struct partner *partner);
/** Beside EBT: once, the feeds of which the peer says it has more (ebt_owes) and gives none.
 */
void fetch_repair(struct partner *partner);
/** End all streams. */
void fetch_drop(struct partner *partner);
void fetch_reach_changed(struct partner *partner);
void fetch_feed_failed(
	struct sync *sync, struct feed *feed, struct partner *from, enum ingest_failure failure);
/** The message in an item of a history stream, bare or as {key, value, timestamp}; NULL when it is
 * something else ({"sync":true}). */
const struct json *fetch_value(const struct json *item);
bool fetch_is_running(const struct partner *partner);

#endif
