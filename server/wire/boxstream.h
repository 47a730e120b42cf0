/**
 * wire/boxstream: the encrypted stream after the handshake, one state per direction (protocol/02
 * §5). Boxes are not message boundaries.
 */
#ifndef WIRE_BOXSTREAM_H
#define WIRE_BOXSTREAM_H

#include "base/buf.h"
#include "base/limits.h"

#define BOXSTREAM_HEAD_BYTES 34

struct boxstream_sealer {
	uint8_t key[32];
	uint8_t nonce[24]; /* big-endian counter */
	bool is_ended;
};

struct boxstream_opener {
	uint8_t key[32];
	uint8_t nonce[24];
	uint8_t body_mac[16];
	uint16_t body_len;
	bool has_head; /* the head was opened, the body is awaited */
	bool is_ended; /* goodbye was read */
};

void boxstream_sealer_init(struct boxstream_sealer *sealer, const uint8_t key[static 32],
	const uint8_t nonce[static 24]);
void boxstream_opener_init(struct boxstream_opener *opener, const uint8_t key[static 32],
	const uint8_t nonce[static 24]);

/** Append `body` in boxes of at most LIMIT_BOX_BODY_BYTES; the empty body appends nothing.
 * ERR_LIMIT, ERR_NOMEM: nothing was appended. */
MUST_USE enum err boxstream_seal(
	struct boxstream_sealer *sealer, struct span body, struct buf *out);
/** Append the goodbye; nothing may be sealed after it. */
MUST_USE enum err boxstream_seal_goodbye(struct boxstream_sealer *sealer, struct buf *out);

/**
 * Open as much of `in` as holds whole boxes and append the bodies to `out`; `*used` bytes were
 * taken, the owner keeps the rest and calls again with it in front of what comes. Stops early with
 * ERR_OK when `out` has no room for the next body (nothing is lost). ERR_REFUSED: forged, garbled,
 * or a body over LIMIT_BOX_BODY_BYTES: close. ERR_CLOSED: there are bytes behind the goodbye.
 */
MUST_USE enum err boxstream_open(
	struct boxstream_opener *opener, struct span in, struct buf *out, size_t *used);

#endif
