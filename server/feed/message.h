/**
 * feed/message: a classic message, read and verified. Nothing outside takes an author or a sequence
 * for true that has not become a `struct message` here (feed/claim only tells where bytes belong).
 *
 * The fields are for reading. The compact text, the tree of the content and everything that points
 * into them live until message_free(). Text that already is what JSON.stringify prints, as nearly
 * all is, is read in one pass and without a tree.
 */
#ifndef FEED_MESSAGE_H
#define FEED_MESSAGE_H

#include "feed/id.h"
#include "feed/json.h"

#define HMAC_KEY_BYTES 32

struct message {
	struct feed_id author;
	struct message_id key;
	struct message_id previous; /* meaningful only when has_previous */
	bool has_previous;          /* false: `previous` was null */
	uint64_t sequence;          /* 1 … 2^53 − 1 */
	double timestamp;    /* claimed, ms since 1970; may be fractional or negative; finite or
				 infinite */
	bool is_encrypted;   /* content is a string ending .box or .box2 */
	struct span compact; /* JSON.stringify(value), UTF-8: what is stored and sent */
	struct span content_text; /* JSON.stringify(value.content), within `compact` */
	struct span type;         /* content.type as WTF-8; empty when is_encrypted */
	struct json_doc *doc;     /* the content's tree, once message_content() was asked */
};

/**
 * Verify one message by itself: size, depth, shape, hash and signature, everything of protocol/01
 * §6 but the chain (step 3; see feed/chain). `hmac_key` is NULL on networks without a signing key,
 * else HMAC_KEY_BYTES bytes.
 *
 * On ERR_OK `*out` is the caller's. Otherwise `*out` is untouched and `*why` is a static sentence.
 * Errors: ERR_REFUSED, ERR_LIMIT (sizes), ERR_NOMEM. Cost: one signature check, two hashes of the
 * text.
 */
MUST_USE enum err message_verify(
	struct span raw, const uint8_t *hmac_key, struct message **out, const char **why);

/**
 * As message_verify() but trusts the signature: for bytes that this node has verified before and
 * reads back from its own store.
 */
MUST_USE enum err message_reread(struct span compact, struct message **out, const char **why);
/**
 * As message_verify() for text that came out of `compact`: checks the signature again (kith check).
 * The difference is one oddity: a timestamp of 1e400 is valid, but stands as `null` in the signed
 * and in the stored text, so only here null is taken for it.
 */
MUST_USE enum err message_verify_stored(
	struct span compact, const uint8_t *hmac_key, struct message **out, const char **why);
/**
 * As message_verify() without the signature: for text whose key something else vouches for
 * (feed/window). What comes out is *not* a verified message until message_check() says so.
 */
MUST_USE enum err message_read(struct span raw, struct message **out, const char **why);
/** The signature of what message_read() gave. ERR_REFUSED, ERR_NOMEM. */
MUST_USE enum err message_check(
	const struct message *message, const uint8_t *hmac_key, const char **why);
/**
 * The content's tree. It is made when it is first asked for: a message belongs to one thread at a
 * time, and whoever asks early spares the next one. ERR_NOMEM.
 */
MUST_USE enum err message_content(const struct message *message, const struct json **out);
/** Append the text that is signed: pretty, without the signature. ERR_LIMIT, ERR_NOMEM. */
MUST_USE enum err message_write_signed_text(const struct message *message, struct buf *out);
void message_free(struct message *message);

/**
 * Append {"key":…,"value":…,"timestamp":…} as createHistoryStream sends it. `received_ms` is the
 * local time of arrival.
 */
MUST_USE enum err message_write_kvt(
	const struct message_id *key, struct span compact, double received_ms, struct buf *out);

#endif
