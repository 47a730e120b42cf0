/*
 * The encrypted stream after the handshake (protocol/02 §5). A body's MAC travels inside the head
 * that comes before it, so the body is boxed first, with the nonce after the head's. The nonce is a
 * 24-byte big-endian counter that wraps; libsodium's own increment is little-endian and would be
 * wrong here.
 */
#include "wire/boxstream.h"

#include <assert.h>
#include <sodium.h>

enum { MAC_BYTES = 16, HEAD_PLAIN_BYTES = 18, NONCE_BYTES = 24 };

static void nonce_next(uint8_t nonce[static NONCE_BYTES])
{
	for (int i = NONCE_BYTES - 1; i >= 0; i--) {
		nonce[i]++;
		if (nonce[i] != 0) {
			return;
		}
	}
}

void boxstream_sealer_init(struct boxstream_sealer *sealer, const uint8_t key[static 32],
	const uint8_t nonce[static 24])
{
	*sealer = (struct boxstream_sealer){0};
	memcpy(sealer->key, key, sizeof(sealer->key));
	memcpy(sealer->nonce, nonce, sizeof(sealer->nonce));
}

void boxstream_opener_init(struct boxstream_opener *opener, const uint8_t key[static 32],
	const uint8_t nonce[static 24])
{
	*opener = (struct boxstream_opener){0};
	memcpy(opener->key, key, sizeof(opener->key));
	memcpy(opener->nonce, nonce, sizeof(opener->nonce));
}

/* Make room for `count` bytes, or say why there is none. */
static enum err reserve(struct buf *out, size_t count, uint8_t **room)
{
	if (count > out->max || out->len > out->max - count) {
		return ERR_LIMIT;
	}
	*room = buf_reserve(out, count);
	return *room == NULL ? ERR_NOMEM : ERR_OK;
}

/* One box: BOXSTREAM_HEAD_BYTES + body.len bytes at `out`. */
static enum err seal_one(struct boxstream_sealer *sealer, struct span body, uint8_t *out)
{
	uint8_t head[HEAD_PLAIN_BYTES];
	uint8_t body_nonce[NONCE_BYTES];
	memcpy(body_nonce, sealer->nonce, NONCE_BYTES);
	nonce_next(body_nonce);
	head[0] = (uint8_t)(body.len >> 8);
	head[1] = (uint8_t)body.len;
	if (crypto_secretbox_detached(out + BOXSTREAM_HEAD_BYTES, head + 2, body.at, body.len,
		    body_nonce, sealer->key) != 0 ||
		crypto_secretbox_easy(out, head, sizeof(head), sealer->nonce, sealer->key) != 0) {
		return ERR_IO;
	}
	nonce_next(body_nonce);
	memcpy(sealer->nonce, body_nonce, NONCE_BYTES);
	return ERR_OK;
}

enum err boxstream_seal(struct boxstream_sealer *sealer, struct span body, struct buf *out)
{
	assert(!sealer->is_ended);
	if (body.len == 0) {
		return ERR_OK;
	}
	if (body.len > out->max) {
		return ERR_LIMIT;
	}
	size_t boxes = (body.len + LIMIT_BOX_BODY_BYTES - 1) / LIMIT_BOX_BODY_BYTES;
	size_t total = body.len + boxes * BOXSTREAM_HEAD_BYTES;
	uint8_t *at = NULL;
	enum err err = reserve(out, total, &at);
	if (err != ERR_OK) {
		return err;
	}
	while (body.len > 0) {
		struct span part = span_take(body, LIMIT_BOX_BODY_BYTES);
		err = seal_one(sealer, part, at);
		if (err != ERR_OK) {
			return err;
		}
		at += BOXSTREAM_HEAD_BYTES + part.len;
		body = span_skip(body, part.len);
	}
	buf_added(out, total);
	return ERR_OK;
}

enum err boxstream_seal_goodbye(struct boxstream_sealer *sealer, struct buf *out)
{
	assert(!sealer->is_ended);
	static const uint8_t zeros[HEAD_PLAIN_BYTES];
	uint8_t *at = NULL;
	enum err err = reserve(out, BOXSTREAM_HEAD_BYTES, &at);
	if (err != ERR_OK) {
		return err;
	}
	if (crypto_secretbox_easy(at, zeros, sizeof(zeros), sealer->nonce, sealer->key) != 0) {
		return ERR_IO;
	}
	buf_added(out, BOXSTREAM_HEAD_BYTES);
	nonce_next(sealer->nonce);
	sealer->is_ended = true;
	return ERR_OK;
}

static enum err open_head(struct boxstream_opener *opener, const uint8_t *in)
{
	uint8_t head[HEAD_PLAIN_BYTES];
	if (crypto_secretbox_open_easy(
		    head, in, BOXSTREAM_HEAD_BYTES, opener->nonce, opener->key) != 0) {
		return ERR_REFUSED;
	}
	nonce_next(opener->nonce);
	if (sodium_is_zero(head, sizeof(head))) {
		opener->is_ended = true;
		return ERR_OK;
	}
	opener->body_len = (uint16_t)(head[0] << 8 | head[1]);
	/* The head is authentic, so a liar holds the session key; JS never sends more than 4096 and
	 * Go refuses it. */
	if (opener->body_len > LIMIT_BOX_BODY_BYTES) {
		return ERR_REFUSED;
	}
	memcpy(opener->body_mac, head + 2, MAC_BYTES);
	opener->has_head = true;
	return ERR_OK;
}

static enum err open_body(struct boxstream_opener *opener, const uint8_t *in, struct buf *out)
{
	uint8_t nothing[1];
	uint8_t *at = nothing;
	if (opener->body_len > 0) {
		at = buf_reserve(out, opener->body_len);
		if (at == NULL) {
			return ERR_NOMEM;
		}
	}
	if (crypto_secretbox_open_detached(
		    at, in, opener->body_mac, opener->body_len, opener->nonce, opener->key) != 0) {
		return ERR_REFUSED;
	}
	nonce_next(opener->nonce);
	if (opener->body_len > 0) {
		buf_added(out, opener->body_len);
	}
	opener->has_head = false;
	return ERR_OK;
}

enum err boxstream_open(
	struct boxstream_opener *opener, struct span in, struct buf *out, size_t *used)
{
	static const uint8_t nothing[1];
	*used = 0;
	for (;;) {
		if (opener->is_ended) {
			return in.len == *used ? ERR_OK : ERR_CLOSED;
		}
		size_t left = in.len - *used;
		const uint8_t *at = in.at == NULL ? nothing : in.at + *used;
		enum err err = ERR_OK;
		size_t count = BOXSTREAM_HEAD_BYTES;
		if (opener->has_head) {
			count = opener->body_len;
			if (left < count || count > out->max || out->len > out->max - count) {
				return ERR_OK;
			}
			err = open_body(opener, at, out);
		} else {
			if (left < count) {
				return ERR_OK;
			}
			err = open_head(opener, at);
		}
		if (err != ERR_OK) {
			return err;
		}
		*used += count;
	}
}
