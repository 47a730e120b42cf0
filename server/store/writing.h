/**
 * store/writing: reading what the owner is writing, and what was posted and may still be taken back
 * (schema/005-page.sql). Bodies are JSON as the page sent it.
 */
#ifndef STORE_WRITING_H
#define STORE_WRITING_H

#include "store/reader.h"

struct writing_row {
	struct span name;
	int64_t at_ms;
	uint64_t rev;
	struct span body; /* borrowed for the call; empty: done with */
};
/** What is being written, the latest first; with a `name` that one alone, also when it is done
 * with. */
MUST_USE enum err reader_writing(struct reader *reader, struct span name,
	void (*on_writing)(void *ctx, const struct writing_row *row), void *ctx);

struct outbox_row {
	struct span nonce;
	int64_t at_ms, due_ms; /* wall */
	struct span body;      /* borrowed for the call */
};
/** What is held, in the order it will be signed; with a `nonce` that one alone. */
MUST_USE enum err reader_outbox(struct reader *reader, struct span nonce,
	void (*on_held)(void *ctx, const struct outbox_row *row), void *ctx);

#endif
