/**
 * sync/twin: another node with our key (restore.md §4 D4). A beacon only claims; a handshake
 * proves.
 */
#ifndef SYNC_TWIN_H
#define SYNC_TWIN_H

#include "sync/core.h"

struct twin;

MUST_USE struct twin *twin_new(struct sync *sync);
void twin_free(struct twin *twin);
/** A beacon with our key that is not our own: dial it and see. */
void twin_heard(struct twin *twin, const struct address *address);
/** Did this connection come from, or go to, another place than this machine's loopback? */
bool twin_is_elsewhere(const struct partner *partner);
/** A handshake proved that the other side has our key. */
void twin_proved(struct twin *twin, const struct partner *partner);

#endif
