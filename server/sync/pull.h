/**
 * sync/pull: read stored messages of some feeds in one worker job, in order, until about
 * LIMIT_HISTORY_CHUNK_BYTES are there. For what we send.
 */
#ifndef SYNC_PULL_H
#define SYNC_PULL_H

#include "sync/core.h"

enum { PULL_WANTS_MAX = 32 };

struct pull_want {
	struct feed_id feed;
	uint64_t from;      /* first sequence */
	uint64_t count_max; /* messages */
	uint32_t slot;      /* the asker's own */
	bool is_newer_only; /* start behind the stored head instead of at `from` */
	bool is_at_end;     /* out: read to the end of the feed */
	bool is_read;       /* out: there was room to look at this one */
	uint64_t next;      /* out: the sequence behind the last one read (or to wait for) */
};

struct pull_item {
	uint32_t want; /* index */
	struct message_id key;
	uint64_t sequence;
	double received_ms;
	size_t at, len; /* in `text` */
};

struct pull {
	struct sync *sync;
	struct pull_want wants[PULL_WANTS_MAX];
	size_t want_count;
	struct buf text;
	struct pull_item *items;
	size_t item_count, item_room;
	enum err err;
	/* Loop thread, once, unless cancelled. The callee frees by pull_free(). */
	void (*on_done)(void *ctx, struct pull *pull);
	void *ctx;
};

MUST_USE struct pull *pull_new(struct sync *sync);
void pull_free(struct pull *pull);
/** ERR_NOMEM and the like: the pull stays the caller's, on_done will not come. */
MUST_USE enum err pull_start(struct pull *pull);
/** on_done will not come; frees itself. NULL is fine. */
void pull_cancel(struct pull *pull);
struct span pull_text(const struct pull *pull, const struct pull_item *item);

#endif
