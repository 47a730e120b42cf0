/**
 * sync/recover: what the network does for a feed that must not fork (restore.md §4 D, S, U): who
 * holds how much of our own feed is written down; who claims more of it is reported; while
 * publishing is paused our feed is asked of everybody (sync/confirm); and before the first message
 * of a run those who could know better are given a moment. Loop thread, unless it says otherwise.
 */
#ifndef SYNC_RECOVER_H
#define SYNC_RECOVER_H

#include "sync/reach.h"

struct recover;

/* What one peer has of our own feed, over all runs. */
struct holder {
	uint64_t sequence; /* the newest it told or was given */
	bool is_kept;      /* it has a row in the store, or may have one */
	bool is_dirty;     /* … which is older than this */
	bool has_told;     /* in this run */
	bool is_compared;  /* … and its message at our head was asked for */
	bool is_awaited;   /* by the greeting */
};

/** Reads the stored holders at once, in the calling thread. ERR_IO, ERR_NOMEM. */
MUST_USE enum err recover_new(struct sync *sync, struct recover **out);
/** What is dirty goes to the writer, and whoever waits in recover_greeting() goes on. */
void recover_stop(struct recover *recover);
void recover_free(struct recover *recover);

/** The writer's state may have changed: look. */
void recover_look(struct recover *recover);
/** As of the last look. */
const struct guard_report *recover_report(const struct recover *recover);
/** Is publishing paused, so that our feed is asked of everybody? Not of a retired node. */
bool recover_is_asking(const struct recover *recover);
/** … and is it to be found again (SUSPECT)? Then everybody in the local network is dialled too. */
bool recover_is_looking(const struct recover *recover);

/** A peer told or got our own messages up to `sequence`. */
void recover_holds(struct recover *recover, const struct feed_id *peer, uint64_t sequence);
/** May this peer be written down? Keys are free: not every stranger's. */
bool recover_counts(struct recover *recover, const struct partner *partner);
/** A peer's note or message speaks of `sequence`: beyond our head it is a claim (D1). */
void recover_claims(struct partner *partner, uint64_t sequence);
/** It has said what it has of our feed (`note` −1: it does not replicate it). */
void recover_told(struct partner *partner, int64_t note);
/** Must our own feed be noted to this peer, even if its stored clock says that it stands where we
 * stand? */
bool recover_must_note(struct recover *recover, const struct feed_id *peer);

/** While nothing is paused: is this holder's message at our head to be compared with ours? Once in
 * a run. */
bool recover_must_compare(struct recover *recover, const struct feed_id *peer);
/** The look at it brought nothing: it is still to be compared. */
void recover_not_compared(struct recover *recover, const struct feed_id *peer);

void recover_ready(struct partner *partner);
/** The connection is gone, or never came up. */
void recover_gone(struct partner *partner);
/** Our own feed has a new head. */
void recover_committed(struct recover *recover);
void recover_reach_changed(struct recover *recover);

/** The time when some confirm is due has changed. */
void recover_touch(struct recover *recover);
/** All that is known of holders: peer id -> struct holder. */
const struct table *recover_holders(const struct recover *recover);
/** sync_greeting(). Any thread but the loop. */
void recover_greeting(struct recover *recover);

#endif
