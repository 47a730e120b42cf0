/**
 * api/mentions: what a post's text refers to: people, messages, blobs and tags, as content.mentions
 * lists them (protocol/07 §5). Pure.
 */
#ifndef API_MENTIONS_H
#define API_MENTIONS_H

#include "feed/id.h"

enum { MENTIONS_MAX = 64, MENTION_TAG_BYTES_MAX = 96 };

/* What is known of blobs, to be told with them. */
struct mentions_blob {
	const char *type; /* static; "": not known */
	uint64_t bytes;   /* 0: not known */
};
struct mentions_known {
	/* `unbox`: the key as the text has it; empty: it is not encrypted. */
	struct mentions_blob (*look)(void *ctx, const struct blob_id *id, struct span unbox);
	void *ctx;
};

/**
 * Append a JSON array of the mentions in the Markdown `text` (UTF-8), each once, at most
 * MENTIONS_MAX; with type and size of the blobs that `known` knows (NULL: none). `*count` tells how
 * many. Code spans and code blocks are left out. ERR_LIMIT (over out->max), ERR_NOMEM.
 */
MUST_USE enum err mentions_find(
	struct span text, const struct mentions_known *known, struct buf *out, size_t *count);

#endif
