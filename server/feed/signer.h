/**
 * feed/signer: the things a secret key may do. Nobody else touches feed/key's bytes, but for
 * feed/words and feed/wrap, which write it down.
 *
 *   - sign the message that follows my own head (and never two different ones with one number),
 *   - take part in a secret handshake,
 *   - derive bytes for one named purpose (sealing this node's copies).
 *
 * One signer per key; the publishing half is the writer thread's, the handshake half is safe on any
 * thread.
 */
#ifndef FEED_SIGNER_H
#define FEED_SIGNER_H

#include "feed/chain.h"
#include "feed/key.h"

struct signer;

/** Takes `key` over. `hmac_key` (NULL or HMAC_KEY_BYTES, copied) is the network's signing key.
 * ERR_NOMEM: `key` stays the caller's. */
MUST_USE enum err signer_new(struct key *key, const uint8_t *hmac_key, struct signer **out);
void signer_free(struct signer *signer);
const struct feed_id *signer_id(const struct signer *signer);
/** The key itself, borrowed: for feed/words and feed/wrap. */
const struct key *signer_key(const struct signer *signer);

/**
 * Sign `content` (JSON text: an object with a type, or a string ending .box or .box2) as the
 * message after `head`, with the time max(now_ms, head's + 1). The result is checked whole, as a
 * stranger's would be, before it is returned: ERR_REFUSED or ERR_LIMIT with `*why` when no peer
 * would take it, ERR_EXISTS when this number was signed before (with other bytes), ERR_NOMEM.
 */
MUST_USE enum err signer_sign_next(struct signer *signer, const struct chain_head *head,
	int64_t now_ms, struct span content, struct message **out, const char **why);

/**
 * How long `content` is as the message of `author` that follows `head`: the UTF-16 units that
 * LIMIT_MESSAGE_UNITS counts. Signs nothing and needs no key. ERR_REFUSED (not JSON), ERR_LIMIT
 * (far beyond anything), ERR_NOMEM. Any thread.
 */
MUST_USE enum err signer_measure(const struct feed_id *author, const struct chain_head *head,
	int64_t now_ms, struct span content, size_t *units);

/** Ed25519 over `bytes` with our key, for the secret handshake only. */
MUST_USE enum err signer_handshake_sign(
	const struct signer *signer, struct span bytes, uint8_t signature[static 64]);
/** X25519 of our converted key and `their_public`. ERR_REFUSED for a low-order point. */
MUST_USE enum err signer_handshake_scalar(
	const struct signer *signer, const uint8_t their_public[static 32], uint8_t out[static 32]);
/** key_derive() of our key. Any thread. */
MUST_USE enum err signer_derive(
	const struct signer *signer, const char *context, uint8_t out[static 32]);

#endif
