/**
 * store/feeds, inside: the writer's memory of feeds: their numbers, heads and our edges to them.
 * Small rows of `feeds` are written once per transaction, not once per message.
 */
#ifndef STORE_FEEDS_H
#define STORE_FEEDS_H

#include "feed/chain.h"
#include "feed/content.h"
#include "store/db.h"

struct feed_entry {
	struct feed_id id;
	int64_t feed; /* its row */
	struct chain_head head;
	int64_t at_ms;          /* of the head */
	int64_t edges;          /* rows of contacts by it */
	enum contact_edge mine; /* what we said of it for all to read; of a lifted block nothing */
	bool is_muted;          /* … and what we keep to ourselves */
	/* What is held ahead of it (store/ahead_rows), sequences; 0: nothing. */
	uint64_t ahead_first, ahead_newest;
	uint64_t strays; /* rows of it in `strays` (store/stray) */
	uint64_t coming; /* it was let go and comes again, up to before this number; 0: not so */
	bool is_dirty;
	struct feed_entry *next_dirty;
};

struct feeds;

MUST_USE enum err feeds_new(struct db *db, const struct env *env, struct feeds **out);
void feeds_free(struct feeds *feeds);

/** The entry of `id`, whose row is made when there is none. Borrowed until feeds_forget(). */
MUST_USE enum err feeds_get(struct feeds *feeds, const struct feed_id *id, struct feed_entry **out);
/** The row of `id` without remembering it; made when there is none and `may_add`, else
 * ERR_NOT_FOUND. */
MUST_USE enum err feeds_number(
	struct feeds *feeds, const struct feed_id *id, bool may_add, int64_t *out);
/** Mark head or edges as changed. */
void feeds_touch(struct feeds *feeds, struct feed_entry *entry);
/** An already remembered feed, or NULL. */
struct feed_entry *feeds_known(struct feeds *feeds, const struct feed_id *id);

/** Before COMMIT: write what was touched. */
MUST_USE enum err feeds_flush(struct feeds *feeds);
/** After ROLLBACK: forget everything, it will be read again. */
void feeds_forget(struct feeds *feeds);
/** Between transactions: forget when there are too many. */
void feeds_trim(struct feeds *feeds);

#endif
