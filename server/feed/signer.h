/**
 * feed/signer: the things a secret key may do. Nobody else touches feed/key's bytes, but for
 * feed/words and feed/wrap, which write it down.
 *
 *   - sign the message that follows my own head (and never two different ones with one number),
 *   - take part in a secret handshake,
 *   - open what was boxed for us, and box for others,
 *   - derive bytes for one named purpose (sealing this node's copies).
 *
 * One signer per key; the publishing half is the writer thread's, all else is safe on any thread.
 */
#ifndef FEED_SIGNER_H
#define FEED_SIGNER_H

#include "feed/chain.h"
#include "feed/key.h"
#include "feed/private_box.h"

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
/* Private content of a message, and what it is bound to. */
struct sealed_box {
	bool is_box2; /* ".box2"; else ".box" */
	struct span bytes;
	struct feed_id author;
	bool has_previous;
	struct message_id previous; /* of the message that holds it */
};
/* What opens one such message again, without our key and without a curve. */
struct open_key {
	bool is_box2;
	uint8_t at[PRIVATE_BOX_KEY_BYTES]; /* of box2: 0, then its read key */
};

/** Is `text` the content of a private message, as message_verify() takes it? Its bytes are appended
 * to `bytes`. ERR_REFUSED: it is not; ERR_LIMIT, ERR_NOMEM. */
MUST_USE enum err signer_unpack(struct span text, struct buf *bytes, bool *is_box2);
/**
 * Open it: `.box` with one multiplication and LIMIT_BOX_SLOTS tries; `.box2` as something from its
 * author to us alone or among others, in LIMIT_BOX2_SLOTS slots. Appends the text as it is, which
 * is its author's word and perhaps no JSON. ERR_REFUSED: not for us; ERR_LIMIT, ERR_NOMEM. Any
 * thread.
 */
MUST_USE enum err signer_open(const struct signer *signer, const struct sealed_box *box,
	struct open_key *key, struct buf *out);
/** The same with the key it was opened with before. Needs no signer. Any thread. */
MUST_USE enum err signer_open_again(
	const struct sealed_box *box, const struct open_key *key, struct buf *out);
/**
 * Box `plain` (a content, compact JSON) for these readers, who must include ourselves; appends the
 * JSON text of the message's content, "….box" with its quotes. What comes out was opened again.
 * ERR_LIMIT: more than LIMIT_BOX_RECIPIENTS, none, or no room in `content`; ERR_REFUSED: we are not
 * among them, or one of them is no key; ERR_NOMEM; ERR_DAMAGED: the machine failed. Any thread.
 */
MUST_USE enum err signer_seal(const struct signer *signer, struct span plain,
	const struct feed_id *recipients, size_t count, struct buf *content);

/** key_derive() of our key. Any thread. */
MUST_USE enum err signer_derive(
	const struct signer *signer, const char *context, uint8_t out[static 32]);

#endif
