/**
 * api/tries: how often a secret may be guessed: LIMIT_LOGIN_FAILURES from one address in a quarter
 * of an hour, LIMIT_LOGIN_PER_MINUTE from everywhere. An IPv6 address counts with its whole /64,
 * which is what one household or one rented machine has. No lock of its own: session.c holds one.
 */
#ifndef API_TRIES_H
#define API_TRIES_H

#include "base/err.h"

#include <stdint.h>

enum { TRIES_ADDRESSES_MAX = 64, TRIES_ADDRESS_BYTES = 64 };

struct tries {
	struct tries_row {
		char address[TRIES_ADDRESS_BYTES];
		unsigned failures;
		int64_t since_ms;
	} at[TRIES_ADDRESSES_MAX];
	unsigned attempts;
	int64_t attempts_since_ms;
};

/** May one more guess be made from `address` (numeric text)? It counts as an attempt. ERR_LIMIT: in
 * `*retry_s` seconds. `now_ms` is monotonic. */
MUST_USE enum err tries_begin(
	struct tries *tries, const char *address, int64_t now_ms, int64_t *retry_s);
/** It was wrong. */
void tries_failed(struct tries *tries, const char *address, int64_t now_ms);

#endif
