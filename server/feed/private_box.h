/**
 * feed/private_box: the boxes that deployed clients write and read (protocol/06): some text for one
 * to seven readers, none of them named outside.
 *
 *   24 nonce, 32 one-time key, 49 for each reader (how many there are, and the body's key), body
 *
 * Pure: the secret scalar is the caller's (feed/signer), which wipes it.
 */
#ifndef FEED_PRIVATE_BOX_H
#define FEED_PRIVATE_BOX_H

#include "base/limits.h"
#include "feed/id.h"

enum {
	PRIVATE_BOX_NONCE_BYTES = 24,
	PRIVATE_BOX_POINT_BYTES = 32,
	PRIVATE_BOX_SLOT_BYTES = 49,
	PRIVATE_BOX_MAC_BYTES = 16,
	PRIVATE_BOX_KEY_BYTES = 33, /* how many slots there are, the body's key */
	PRIVATE_BOX_START_BYTES = PRIVATE_BOX_NONCE_BYTES + PRIVATE_BOX_POINT_BYTES,
	PRIVATE_BOX_BYTES_MIN =
		PRIVATE_BOX_START_BYTES + PRIVATE_BOX_SLOT_BYTES + PRIVATE_BOX_MAC_BYTES,
};

/** Bytes of a box with so many bytes of text in it. */
static inline size_t private_box_bytes(size_t plain_bytes, size_t recipients)
{
	return PRIVATE_BOX_START_BYTES + PRIVATE_BOX_SLOT_BYTES * recipients +
	       PRIVATE_BOX_MAC_BYTES + plain_bytes;
}

/* What is random in a box. Never used for two. */
struct private_box_dice {
	uint8_t nonce[PRIVATE_BOX_NONCE_BYTES];
	uint8_t scalar[32];
	uint8_t body_key[32];
};
/** Throw them. */
void private_box_throw(struct private_box_dice *out);

/**
 * Append the box of `plain` for these readers, in this order; somebody listed twice gets two slots.
 * ERR_LIMIT: none or more than LIMIT_BOX_RECIPIENTS, or no room; ERR_REFUSED: an id that is no
 * point one can write to; ERR_NOMEM. After an error `out` is as it was.
 */
MUST_USE enum err private_box_write(const struct private_box_dice *dice, struct span plain,
	const struct feed_id *recipients, size_t count, struct buf *out);

/**
 * Open a box with our secret scalar: one multiplication, at most LIMIT_BOX_SLOTS slots. Appends the
 * text, and `key` opens it again. ERR_REFUSED: it is not for us, or is no box; ERR_LIMIT, ERR_NOMEM
 * (of `out`).
 */
MUST_USE enum err private_box_open(struct span box, const uint8_t scalar[static 32],
	uint8_t key[static PRIVATE_BOX_KEY_BYTES], struct buf *out);
/** Open it with the key it was opened with before. */
MUST_USE enum err private_box_open_again(
	struct span box, const uint8_t key[static PRIVATE_BOX_KEY_BYTES], struct buf *out);

#endif
