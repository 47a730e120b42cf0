/**
 * feed/key: an Ed25519 key pair in guarded memory, and the text of the JavaScript secret file
 * (protocol/01 §2).
 *
 * Only feed/signer, feed/words and feed/wrap look inside. Memory comes from sodium_malloc, is
 * locked, and is wiped when freed. libsodium must be initialised (sodium_init) before anything here
 * is called.
 */
#ifndef FEED_KEY_H
#define FEED_KEY_H

#include "feed/id.h"

struct key;

/** A fresh random pair. ERR_NOMEM. */
MUST_USE enum err key_generate(struct key **out);
MUST_USE enum err key_from_seed(const uint8_t seed[static 32], struct key **out);
/** From libsodium's 64-byte form; ERR_REFUSED when its public half does not belong to its seed. */
MUST_USE enum err key_from_secret(const uint8_t secret[static 64], struct key **out);
/**
 * Read the text of a secret file as ssb-keys does, then check what it does not: curve, sizes, that
 * the three texts agree and that the public key derives from the seed. ERR_REFUSED with `*why`
 * (static) otherwise; ERR_LIMIT over LIMIT_SECRET_FILE_BYTES.
 */
MUST_USE enum err key_from_text(struct span text, struct key **out, const char **why);
/** Append the exact text ssb-keys writes. The caller wipes the buffer's memory (sodium_memzero)
 * before freeing it. */
MUST_USE enum err key_to_text(const struct key *key, struct buf *out);
void key_free(struct key *key);
/**
 * 32 bytes for one purpose, named by `context`: who has them learns neither the key nor the bytes
 * for another purpose. The same key and context always give the same.
 */
MUST_USE enum err key_derive(const struct key *key, const char *context, uint8_t out[static 32]);

const struct feed_id *key_id(const struct key *key);

#endif
