/**
 * sync/schedule: whom to dial, and when. Ways come from the store, from the owner and from the
 * local network. Dialled are people within reach and whoever the owner named; others in the local
 * network are only listed. There are LIMIT_DIALLED_PEERS slots, for people we follow first, and
 * with more people than slots each has its turn (schedule_choose). Failures wait longer each time,
 * with jitter; after a sleep they are forgotten, and silent connections found out.
 */
#ifndef SYNC_SCHEDULE_H
#define SYNC_SCHEDULE_H

#include "sync/reach.h"

struct schedule;

/** Reads the stored addresses at once, in the calling thread. */
MUST_USE enum err schedule_new(struct sync *sync, struct schedule **out);
void schedule_free(struct schedule *schedule);
/** No more dialling; whoever waits is told. */
void schedule_stop(struct schedule *schedule);

/** Something changed that may let us dial: look soon. */
void schedule_touch(struct schedule *schedule);
/** This machine slept, or its network changed: what is connected must prove that it lives, and who
 * failed before is tried again over some seconds. */
void schedule_woke(struct schedule *schedule);
/** A beacon came: a claim of anybody in the local network. */
void schedule_heard(struct schedule *schedule, const struct address *address);
/** The owner named an address: dial soon, and keep it. */
void schedule_add(struct schedule *schedule, const struct address *address);
/**
 * Dial now. `on_outcome` comes once, maybe before this returns: `why` is NULL when the connection
 * stands, else a sentence. An address that worked is kept.
 */
void schedule_connect(struct schedule *schedule, const struct address *address,
	void (*on_outcome)(void *ctx, const char *why), void *ctx);
/** The owner closed the connection: do not dial `id` again by ourselves. */
void schedule_hold(struct schedule *schedule, const struct feed_id *id);
/** It did us harm: do not dial `id` by ourselves for `ms`, whatever is heard of it meanwhile. Only
 * the owner ends it sooner, by naming an address or dialling. */
void schedule_shun(struct schedule *schedule, const struct feed_id *id, int64_t ms);

/** From peers: a connection stands; it is gone or never came up. */
void schedule_ready(struct schedule *schedule, struct partner *partner);
void schedule_gone(struct schedule *schedule, struct partner *partner, const char *reason);

/** Rows for everybody who is not connected or being dialled; `max` at most. Returns how many. */
size_t schedule_rows(struct schedule *schedule, struct peer_row *rows, size_t max);
size_t schedule_count(const struct schedule *schedule);
/** Will the schedule dial `id` by itself, as far as it knows now? */
bool schedule_may_dial(struct schedule *schedule, const struct feed_id *id);
/** A way back to a connected peer, if one is known: fills `text`. */
void schedule_address(struct schedule *schedule, const struct feed_id *id,
	char text[static LIMIT_ADDRESS_BYTES + 1]);

#endif
