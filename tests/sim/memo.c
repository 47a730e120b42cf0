/*
 * A signature that was good once is good again: every node of the simulator checks every message,
 * and all of them in one process. The answer is a function of the bytes alone, so it may be
 * remembered; only good ones are, under a hash of all that was asked.
 */
#include <sodium.h>
#include <stdint.h>
#include <string.h>

enum { SLOTS = 1 << 14, MEMO_BYTES = crypto_generichash_BYTES };

static uint8_t slots[SLOTS][MEMO_BYTES];

int __real_crypto_sign_verify_detached(const unsigned char *signature, const unsigned char *text,
	unsigned long long len, const unsigned char *key);
int __wrap_crypto_sign_verify_detached(const unsigned char *signature, const unsigned char *text,
	unsigned long long len, const unsigned char *key);
int __wrap_crypto_sign_verify_detached(const unsigned char *signature, const unsigned char *text,
	unsigned long long len, const unsigned char *key)
{
	crypto_generichash_state state;
	uint8_t memo[MEMO_BYTES];
	uint32_t slot = 0;
	if (crypto_generichash_init(&state, key, crypto_sign_PUBLICKEYBYTES, MEMO_BYTES) != 0 ||
		crypto_generichash_update(&state, signature, crypto_sign_BYTES) != 0 ||
		crypto_generichash_update(&state, text, len) != 0 ||
		crypto_generichash_final(&state, memo, MEMO_BYTES) != 0) {
		return __real_crypto_sign_verify_detached(signature, text, len, key);
	}
	memcpy(&slot, memo, sizeof(slot));
	slot %= SLOTS;
	if (memcmp(slots[slot], memo, MEMO_BYTES) == 0) {
		return 0;
	}
	int rc = __real_crypto_sign_verify_detached(signature, text, len, key);
	if (rc == 0) {
		memcpy(slots[slot], memo, MEMO_BYTES);
	}
	return rc;
}
