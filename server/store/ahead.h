/**
 * store/ahead: reading what is held ahead of a feed's history (schema/004-stream.sql). Posts of it
 * are in `posts` like all others, so timelines, profiles and threads show them.
 */
#ifndef STORE_AHEAD_H
#define STORE_AHEAD_H

#include "store/reader.h"

/* Row numbers from here on are rows of `ahead`, not of `messages`. */
#define AHEAD_MESSAGE_FIRST ((int64_t)1 << 48)

struct ahead_state {
	uint64_t first, newest; /* sequences */
	uint64_t count;
	bool is_checked; /* every signature of it */
};
/** ERR_NOT_FOUND: nothing is held ahead of this feed. */
MUST_USE enum err reader_ahead(
	struct reader *reader, const struct feed_id *feed, struct ahead_state *out);
/** All feeds with something ahead of them. */
MUST_USE enum err reader_ahead_all(struct reader *reader,
	void (*on_feed)(void *ctx, const struct feed_id *feed, const struct ahead_state *state),
	void *ctx);

/**
 * As reader_message(), of what is held ahead: for showing what was signed, never for passing it on.
 * ERR_NOT_FOUND.
 */
MUST_USE enum err reader_ahead_message(
	struct reader *reader, const struct message_id *key, struct buf *text, struct stored *out);

#endif
