/**
 * wire/shs: the secret handshake, both sides, as a state machine (protocol/02 §1–4). It knows no
 * socket and no clock: the 5 s limit is the owner's (net/peer). A refusal sends nothing more: the
 * owner closes.
 */
#ifndef WIRE_SHS_H
#define WIRE_SHS_H

#include "base/buf.h"
#include "feed/signer.h"

#define SHS_OUT_BYTES_MAX 112 /* the longest single message */

struct shs;

struct shs_opts {
	const uint8_t *network_key;      /* 32 bytes, copied */
	const struct signer *signer;     /* ours; outlives the handshake */
	const struct feed_id *server_id; /* whom we dial; NULL: we are the server */
	/* Server only, may be NULL (everybody is welcome): after message 3 is verified and before
	 * message 4. */
	bool (*is_welcome)(void *ctx, const struct feed_id *client);
	void *ctx;
	const uint8_t *ephemeral_secret; /* 32 bytes of X25519 for tests; NULL: fresh */
};

/* What a finished handshake leaves: the order of `kith shs`' 112 bytes. */
struct shs_keys {
	uint8_t encrypt_key[32];
	uint8_t encrypt_nonce[24];
	uint8_t decrypt_key[32];
	uint8_t decrypt_nonce[24];
};

/** ERR_REFUSED when server_id is not a usable point, ERR_NOMEM. */
MUST_USE enum err shs_new(const struct shs_opts *opts, struct shs **out);
/** Wipes everything secret. */
void shs_free(struct shs *shs);

/**
 * Take bytes from the other side and append what must be sent. The client's first call passes an
 * empty span to get message 1. `*used` is how many bytes were taken: what follows the handshake in
 * the same segment is left over. Any number of bytes at a time, one by one too. ERR_REFUSED: the
 * other side is wrong (bad HMAC, box, signature, low-order point) or unwelcome; nothing was
 * appended. Then only shs_free().
 */
MUST_USE enum err shs_step(struct shs *shs, struct span in, struct buf *out, size_t *used);

/** How many bytes the message under way still lacks; 0 when done or refused. For owners that must
 * not read beyond the handshake. */
size_t shs_wants(const struct shs *shs);

bool shs_is_done(const struct shs *shs);
/** Only when done. */
void shs_keys(const struct shs *shs, struct shs_keys *out);
/** Who the other side has proven to be. Only when done. */
const struct feed_id *shs_remote(const struct shs *shs);

#endif
