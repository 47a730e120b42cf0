/**
 * api/mentions: what a post's text refers to: people, messages, blobs and tags, as content.mentions
 * lists them (protocol/07 §5). Pure.
 */
#ifndef API_MENTIONS_H
#define API_MENTIONS_H

#include "base/buf.h"

enum { MENTIONS_MAX = 64, MENTION_TAG_BYTES_MAX = 96 };

/**
 * Append a JSON array of the mentions in the Markdown `text` (UTF-8), each once, at most
 * MENTIONS_MAX; `*count` tells how many. Code spans and code blocks are left out. ERR_LIMIT (over
 * out->max), ERR_NOMEM.
 */
MUST_USE enum err mentions_find(struct span text, struct buf *out, size_t *count);

#endif
