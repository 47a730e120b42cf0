/**
 * feed/key, inside: the secret bytes. Only feed/key, feed/signer, and the two other forms a key is
 * kept in, feed/words and feed/wrap, include this.
 */
#ifndef FEED_KEY_INSIDE_H
#define FEED_KEY_INSIDE_H

#include "feed/key.h"

struct key {
	uint8_t secret[64]; /* libsodium's form: seed, then public key */
	struct feed_id id;
};

#endif
