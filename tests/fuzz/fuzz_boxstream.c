/*
 * The input twice: as a stream from a stranger, and as bodies that are sealed, damaged at one place
 * and opened in pieces. Nothing but a prefix of what was sealed may ever come out.
 */
#include "wire/boxstream.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 1 << 20 };

/* The key of the vectors, so that their streams are seeds that open. */
static const uint8_t key[32] = {0x90, 0xe0, 0x31, 0x30, 0xed, 0x1d, 0xf4, 0x5f, 0xf2, 0x6d, 0xae,
	0x89, 0x5d, 0x0a, 0x4c, 0xcb, 0xe1, 0x3b, 0xc7, 0xcf, 0xc1, 0xc3, 0xc7, 0x98, 0x9c, 0x8b,
	0x85, 0xc4, 0x48, 0x32, 0x06, 0x37};
static const uint8_t nonce[24] = {0x2d, 0x1c, 0x73, 0x12, 0xe2, 0xb1, 0xa8, 0xfb, 0x13, 0x56, 0xda,
	0xcf, 0xd8, 0xa9, 0x48, 0xdf, 0x87, 0x0a, 0x86, 0x59, 0x31, 0x35, 0x2e, 0x1c};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return sodium_init() < 0 ? 1 : 0;
}

/* Open in pieces as an owner does. */
static enum err open_pieces(struct span stream, size_t piece, struct buf *out)
{
	struct boxstream_opener opener;
	struct buf in = BUF_INIT(ROOM);
	enum err err = ERR_OK;
	boxstream_opener_init(&opener, key, nonce);
	while (stream.len > 0 && err == ERR_OK) {
		size_t used = 0;
		if (buf_append(&in, span_take(stream, piece)) != ERR_OK) {
			abort();
		}
		stream = span_skip(stream, piece);
		err = boxstream_open(&opener, buf_span(&in), out, &used);
		assert(used <= in.len);
		buf_consume(&in, used);
		assert(err != ERR_OK || in.len < BOXSTREAM_HEAD_BYTES + LIMIT_BOX_BODY_BYTES);
	}
	buf_fini(&in);
	return err;
}

static void there_and_back(const uint8_t *data, size_t size)
{
	struct boxstream_sealer sealer;
	struct buf stream = BUF_INIT(ROOM);
	struct buf out = BUF_INIT(ROOM);
	struct span body = span_of(data + 4, size - 4);
	size_t split = data[0] * (size_t)64;
	size_t damage = (size_t)(data[1] << 8 | data[2]);
	boxstream_sealer_init(&sealer, key, nonce);
	if (boxstream_seal(&sealer, span_take(body, split), &stream) != ERR_OK ||
		boxstream_seal(&sealer, span_skip(body, split), &stream) != ERR_OK ||
		boxstream_seal_goodbye(&sealer, &stream) != ERR_OK) {
		abort();
	}
	bool is_damaged = data[3] != 0 && damage < stream.len;
	if (is_damaged) {
		stream.at[damage] ^= data[3];
	}
	enum err err = open_pieces(buf_span(&stream), split + 1, &out);
	assert(err == (is_damaged ? ERR_REFUSED : ERR_OK));
	(void)err;
	assert(is_damaged ? out.len <= body.len : out.len == body.len);
	assert(out.len == 0 || memcmp(out.at, body.at, out.len) == 0);
	buf_fini(&stream);
	buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out = BUF_INIT(ROOM);
	if (size < 4 || size > ROOM / 2) {
		return 0;
	}
	(void)open_pieces(span_of(data, size), 17, &out);
	buf_fini(&out);
	there_and_back(data, size);
	return 0;
}
