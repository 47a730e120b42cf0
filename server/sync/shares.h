/**
 * sync/shares: what each may send and take, so that nobody gets the node for itself.
 *
 * A feed that we do not follow ourselves (two hops away and further) may bring so many messages and
 * bytes a day (UTC): LIMIT_FAR_FEED_MESSAGES_PER_DAY, on the first day
 * LIMIT_FAR_FEED_FIRST_MESSAGES, LIMIT_FAR_FEED_BYTES_PER_DAY. Then it pauses: `feed->is_paused`,
 * nothing more of it is taken, and the next day it goes on with the very next message. Once we
 * follow its author, it goes on at once. What was counted is written behind (CHANGE_SHARE): a crash
 * forgets some seconds of it.
 *
 * A peer may send and be sent LIMIT_PEER_BYTES_PER_HOUR, one out of reach that dialled us
 * LIMIT_PEER_BYTES_PER_HOUR_STRANGER. Each way has a bucket that holds so much and refills evenly;
 * when it is empty, reading from the peer or serving it pauses until a minute's worth is back. The
 * connection stays. The buckets of a key outlive its connections.
 *
 * Loop thread only.
 */
#ifndef SYNC_SHARES_H
#define SYNC_SHARES_H

#include "sync/reach.h"

struct shares;
struct budget; /* of a connected peer; in partner->budget */

/** Reads what was counted before, in the calling thread; behind reach_new(). */
MUST_USE enum err shares_new(struct sync *sync, struct shares **out);
void shares_free(struct shares *shares);
/** Write what is not written yet; no more timers. */
void shares_stop(struct shares *shares);

/** Count one more message of `feed`. False: the share of today is used up, the feed is paused. */
MUST_USE bool shares_take(struct shares *shares, struct feed *feed, size_t bytes);
/** … which did not get stored. */
void shares_give_back(struct shares *shares, struct feed *feed, size_t bytes);
/** Feeds may have become nearer, peers friends. */
void shares_reach_changed(struct shares *shares);

/** The handshake succeeded; `older` is another connection with the same key, or NULL. */
void shares_ready(struct partner *partner, struct partner *older);
/** The peer's allowance is spent (peer_events.on_spent). */
void shares_spent(struct partner *partner);
/** The connection is over. */
void shares_gone(struct partner *partner);

struct shares_figures {
	uint64_t feeds_paused; /* now */
	uint64_t peers_paused; /* now, in at least one direction */
};
void shares_figures(const struct shares *shares, struct shares_figures *out);

#endif
