/**
 * sync/replay: messages of our own feed at numbers we hold, sent to us again: each is compared with
 * ours in a worker, and one that differs goes to the writer, which proves the fork (restore.md §4
 * D3). In every state.
 */
#ifndef SYNC_REPLAY_H
#define SYNC_REPLAY_H

#include "sync/reach.h"

struct replay;

MUST_USE enum err replay_new(struct sync *sync, struct replay **out);
void replay_stop(struct replay *replay);
/** Only when no job is under way. */
void replay_free(struct replay *replay);
/**
 * Look at `raw` (borrowed), read as our message `sequence`. What was not asked for is looked at
 * LIMIT_OWN_REPLAYS_PER_MINUTE times per connection. True when it was taken: then
 * confirm_compared() follows.
 */
bool replay_put(struct replay *replay, struct partner *from, uint64_t sequence, struct span raw,
	bool is_asked);

#endif
