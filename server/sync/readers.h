/**
 * sync/readers: read-only connections lent to worker jobs, so that the pool's threads keep nothing
 * between jobs and all can be closed at the stop.
 */
#ifndef SYNC_READERS_H
#define SYNC_READERS_H

#include "store/reader.h"

struct readers;

MUST_USE struct readers *readers_new(struct store *store);
/** All must have been given back. */
void readers_free(struct readers *readers);
/** Any thread. NULL when none could be opened. */
MUST_USE struct reader *readers_take(struct readers *readers);
/** Any thread; NULL is fine. */
void readers_give(struct readers *readers, struct reader *reader);

#endif
