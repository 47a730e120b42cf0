/**
 * feed/key, inside: the secret bytes. Only feed/signer includes this (and feed/key itself); `make
 * lint` checks.
 */
#ifndef FEED_KEY_INSIDE_H
#define FEED_KEY_INSIDE_H

#include "feed/key.h"

struct key {
	uint8_t secret[64]; /* libsodium's form: seed, then public key */
	struct feed_id id;
};

#endif
