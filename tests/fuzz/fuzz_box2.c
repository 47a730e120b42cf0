/* feed/box2: any bytes as an envelope stay closed; behind a header that really opens, which says
 * the body is anywhere, nothing is read beyond the envelope. */
#include "feed/box2.h"
#include "feed/signer.h"

#include <sodium.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 1 << 17 };

/* HMAC over "envelope", author and previous of zeros, and labels, each behind its length. */
static void derive(const uint8_t key[32], const char *label, const char *more, uint8_t out[32])
{
	static const uint8_t ids[2][36] = {{34, 0, 0, 0}, {34, 0, 1, 0}};
	static const uint8_t one = 1;
	const char *const labels[] = {label, more};
	crypto_auth_hmacsha256_state state;
	(void)crypto_auth_hmacsha256_init(&state, key, 32);
	(void)crypto_auth_hmacsha256_update(&state, (const uint8_t *)"\x08\0envelope", 10);
	(void)crypto_auth_hmacsha256_update(&state, ids[0], 36);
	(void)crypto_auth_hmacsha256_update(&state, ids[1], 36);
	for (size_t i = 0; i < 2 && labels[i] != NULL; i++) {
		const uint8_t len[2] = {(uint8_t)strlen(labels[i]), 0};
		(void)crypto_auth_hmacsha256_update(&state, len, 2);
		(void)crypto_auth_hmacsha256_update(
			&state, (const uint8_t *)labels[i], strlen(labels[i]));
	}
	(void)crypto_auth_hmacsha256_update(&state, &one, 1);
	(void)crypto_auth_hmacsha256_final(&state, out);
}

/* An envelope for `key` in its first slot, whose header is `header`, with `rest` behind it. */
static void open_with_header(
	const uint8_t key[1][BOX2_KEY_BYTES], const uint8_t header[16], struct span rest)
{
	static const uint8_t nonce[crypto_secretbox_NONCEBYTES];
	static const uint8_t message_key[32] = {5, 6};
	static const struct feed_id author;
	const struct box2_place place = {.author = &author};
	uint8_t pad[32];
	uint8_t read_key[32];
	uint8_t header_key[32];
	struct buf out = BUF_INIT(ROOM);
	size_t len = BOX2_HEAD_BYTES + BOX2_SLOT_BYTES + rest.len;
	uint8_t *box = malloc(len);
	derive(key[0], "slot_key", BOX2_SCHEME_DM, pad);
	derive(message_key, "read_key", NULL, read_key);
	derive(read_key, "header_key", NULL, header_key);
	if (crypto_secretbox_easy(box, header, 16, nonce, header_key) != 0) {
		abort();
	}
	for (size_t i = 0; i < 32; i++) {
		box[BOX2_HEAD_BYTES + i] = message_key[i] ^ pad[i];
	}
	if (rest.len > 0) {
		memcpy(box + BOX2_HEAD_BYTES + BOX2_SLOT_BYTES, rest.at, rest.len);
	}
	if (box2_open(span_of(box, len), &place, key, 1, BOX2_SCHEME_DM, read_key, &out) ==
			ERR_OK ||
		box2_open_again(span_of(box, len), &place, read_key, &out) == ERR_OK ||
		out.len != 0) {
		abort();
	}
	free(box);
	buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t keys[BOX2_DM_KEYS][BOX2_KEY_BYTES] = {{1}, {2}};
	struct feed_id author = {{3}};
	struct message_id previous = {{4}};
	const struct box2_place place = {.author = &author, .previous = &previous};
	uint8_t read_key[BOX2_KEY_BYTES] = {0};
	struct buf out = BUF_INIT(ROOM);
	if (sodium_init() < 0) {
		abort();
	}
	if (box2_open(span_of(data, size), &place, keys, BOX2_DM_KEYS, BOX2_SCHEME_DM, read_key,
		    &out) == ERR_OK ||
		out.len != 0) {
		abort();
	}
	if (size >= 16) {
		open_with_header(keys, data, span_of(data + 16, size - 16));
		memcpy(read_key, data, 16);
		(void)!box2_open_again(span_of(data, size), &place, read_key, &out);
	}
	buf_fini(&out);
	return 0;
}
