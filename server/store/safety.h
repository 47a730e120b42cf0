/**
 * store/safety: reading what schema/003-safety.sql keeps: holders, witnesses, drafts, the log.
 */
#ifndef STORE_SAFETY_H
#define STORE_SAFETY_H

#include "store/guard.h"
#include "store/reader.h"

/** Holders, who has most first; `told` and `agreement` are of `spell`. At most LIMIT_HOLDERS. */
MUST_USE enum err reader_holders(struct reader *reader, uint64_t spell,
	void (*on_holder)(void *ctx, const struct guard_holder *holder), void *ctx);

struct witness_row {
	struct span name; /* "browser …", "backup", "file" */
	struct guard_witness said;
	int64_t at_ms;
};
MUST_USE enum err reader_witnesses(struct reader *reader,
	void (*on_witness)(void *ctx, const struct witness_row *row), void *ctx);

struct draft_row {
	int64_t draft;
	int64_t at_ms;
	struct span content; /* JSON text; borrowed for the call */
};
/** Newest first, at most LIMIT_DRAFTS. */
MUST_USE enum err reader_drafts(
	struct reader *reader, void (*on_draft)(void *ctx, const struct draft_row *row), void *ctx);
/** ERR_NOT_FOUND. The text is appended to `content`, and the request's idempotency id, if it had
 * one, to `nonce`: publishing with it takes the draft away in the same transaction. */
MUST_USE enum err reader_draft(
	struct reader *reader, int64_t draft, struct buf *content, struct buf *nonce);

struct log_row {
	int64_t at_ms;
	struct span event;
	uint64_t sequence;
	struct span text;
};
/** Newest first. */
MUST_USE enum err reader_safety_log(struct reader *reader, size_t count_max,
	void (*on_entry)(void *ctx, const struct log_row *row), void *ctx);

/** Feeds wanted without a follow message. */
MUST_USE enum err reader_wants(
	struct reader *reader, void (*on_want)(void *ctx, const struct feed_id *feed), void *ctx);

/** Messages of ours that are not in our feed: the other side of a fork, by number. Borrowed. */
MUST_USE enum err reader_branch(
	struct reader *reader, void (*on_message)(void *ctx, struct span compact), void *ctx);

#endif
