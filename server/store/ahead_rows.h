/**
 * store/ahead_rows, inside: the rows of `ahead` and `ahead_feeds` (schema/004-stream.sql), and
 * those of `posts` that go with them, as the writer keeps them. A post is held ahead from the
 * window on until its own row of `posts` is made; no figure counts it.
 */
#ifndef STORE_AHEAD_ROWS_H
#define STORE_AHEAD_ROWS_H

#include "store/ahead.h"
#include "store/feeds.h"

struct ahead_row {
	int64_t message; /* its number, ≥ AHEAD_MESSAGE_FIRST */
	struct message_id key;
	bool is_checked;
};
/** What is held ahead under this number; ERR_NOT_FOUND. */
MUST_USE enum err ahead_row_get(
	struct db *db, const struct feed_entry *author, uint64_t sequence, struct ahead_row *out);
/** Its text, appended to `out`. */
MUST_USE enum err ahead_row_body(
	struct db *db, const struct feed_entry *author, uint64_t sequence, struct buf *out);
/** Hold a message ahead; `*number` is what its row of `posts` is to be called. */
MUST_USE enum err ahead_row_put(struct db *db, const struct feed_entry *author,
	const struct message *message, int64_t received_ms, bool is_checked, int64_t *number);
MUST_USE enum err ahead_row_check(
	struct db *db, const struct feed_entry *author, uint64_t sequence);
/** One row and its post go; with the last one also what the author said of itself. */
MUST_USE enum err ahead_row_drop(struct db *db, struct feed_entry *author, uint64_t sequence);
/** All rows but those from `first` to `newest`. */
MUST_USE enum err ahead_rows_keep(
	struct db *db, const struct feed_entry *author, uint64_t first, uint64_t newest);
/** Everything that is ahead of this feed. */
MUST_USE enum err ahead_drop_all(struct db *db, struct feed_entry *author);

#endif
