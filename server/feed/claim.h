/**
 * feed/claim: whose message, and which one, bytes say they are, read off their beginning. Nothing
 * is verified: it tells where the bytes belong, so that nobody parses them on the way to
 * message_verify(). What does not begin as JSON.stringify would write a message is no claim; then
 * the tree tells.
 */
#ifndef FEED_CLAIM_H
#define FEED_CLAIM_H

#include "feed/id.h"
#include "feed/json.h"

struct claim {
	struct feed_id author;
	uint64_t sequence; /* 1 … 2^53 − 1 */
};

/** False: `*out` is untouched. Cost: one base64. */
bool claim_read(struct span raw, struct claim *out);
/** The same from a tree, for bytes in any other form. */
bool claim_of(const struct json *message, struct claim *out);

#endif
