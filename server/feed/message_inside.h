/**
 * feed/message, inside: a message being judged, and the two ways to read one. Only message*.c and
 * the tests that compare the two ways include this.
 */
#ifndef FEED_MESSAGE_INSIDE_H
#define FEED_MESSAGE_INSIDE_H

#include "base/limits.h"
#include "feed/message.h"

enum {
	SIGNATURE_BYTES = 64,
	SIGNATURE_TEXT_BYTES = 100,
	/* A message of LIMIT_MESSAGE_UNITS has at most three bytes per unit … */
	PRETTY_BYTES_MAX = 3 * LIMIT_MESSAGE_UNITS,
	/* … and the scan copies eight bytes at a time, some too many. */
	PRETTY_ROOM = PRETTY_BYTES_MAX + 64,
};

/* Where the bytes come from. */
enum source { FROM_STRANGER, FROM_STORE };

struct draft {
	struct message fields; /* author, previous, sequence, timestamp, is_encrypted */
	uint8_t signature[SIGNATURE_BYTES];
	enum source source;
	const char *why;
	/* What the message is made of: places in the text that was scanned, or in these two. */
	struct span compact, content, type;
	struct json_doc *doc;
	struct buf text;
	bool is_ascii; /* the pretty text is; false also when nobody knows */
	size_t pretty_len;
	uint8_t pretty[PRETTY_ROOM];
};

/**
 * The one pass. True when `raw` is a message to its last byte (signature unseen) and exactly what
 * JSON.stringify would print: then the draft is full, and `raw` is its own compact text. False says
 * nothing: message_read_tree() tells.
 */
bool message_scan(struct draft *draft, struct span raw);
/**
 * The long way, which is the truth: a tree, judged field by field, and written again. Errors as of
 * message_verify(), with `draft->why`.
 */
MUST_USE enum err message_read_tree(struct draft *draft, struct span raw);
/** Has a type this length? */
static inline bool message_is_type(struct span text)
{
	size_t units = json_units(text);
	return units >= LIMIT_TYPE_UNITS_MIN && units <= LIMIT_TYPE_UNITS_MAX;
}
/** Is `text` base64 ending .box or .box2? */
bool message_is_box(struct span text);
/** The 100 characters of a signature. */
bool message_read_signature(struct span text, uint8_t out[static SIGNATURE_BYTES]);

/** As message_verify() and message_reread(), never by the scan: for tests that compare. */
MUST_USE enum err message_verify_by_tree(
	struct span raw, const uint8_t *hmac_key, struct message **out, const char **why);
MUST_USE enum err message_reread_by_tree(
	struct span compact, struct message **out, const char **why);

#endif
