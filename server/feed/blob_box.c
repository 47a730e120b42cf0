/* Encrypted blobs: the box stream of a connection over a whole file, with boxes as full as they can
 * be. */
#include "feed/blob_box.h"

#include "base/encode.h"

#include <sodium.h>

enum { KEY_TEXT_CHARS = BASE64_BYTES(BLOB_BOX_KEY_BYTES) };

static const uint8_t first_nonce[24];

void blob_box_begin(struct blob_box *box, const uint8_t key[static BLOB_BOX_KEY_BYTES])
{
	boxstream_sealer_init(&box->sealer, key, first_nonce);
	box->part_len = 0;
}

static enum err seal_part(struct blob_box *box, struct buf *out)
{
	enum err err = boxstream_seal(&box->sealer, span_of(box->part, box->part_len), out);
	box->part_len = 0;
	return err;
}

enum err blob_box_seal(struct blob_box *box, struct span plain, struct buf *out)
{
	enum err err = ERR_OK;
	while (err == ERR_OK && plain.len > 0) {
		struct span some = span_take(plain, sizeof(box->part) - box->part_len);
		memcpy(box->part + box->part_len, some.at, some.len);
		box->part_len += some.len;
		plain = span_skip(plain, some.len);
		if (box->part_len == sizeof(box->part)) {
			err = seal_part(box, out);
		}
	}
	return err;
}

enum err blob_box_finish(struct blob_box *box, struct buf *out)
{
	enum err err = seal_part(box, out);
	if (err == ERR_OK) {
		err = boxstream_seal_goodbye(&box->sealer, out);
	}
	blob_box_wipe(box);
	return err;
}

void blob_box_wipe(struct blob_box *box)
{
	sodium_memzero(box, sizeof(*box));
}

uint64_t blob_box_bytes(uint64_t plain)
{
	uint64_t boxes = (plain + LIMIT_BOX_BODY_BYTES - 1) / LIMIT_BOX_BODY_BYTES;
	return plain + (boxes + 1) * BOXSTREAM_HEAD_BYTES;
}

uint64_t blob_box_plain_bytes(uint64_t boxed)
{
	uint64_t rest = boxed < BOXSTREAM_HEAD_BYTES ? 0 : boxed - BOXSTREAM_HEAD_BYTES;
	uint64_t boxes = (rest + BLOB_BOX_FIRST_BYTES - 1) / BLOB_BOX_FIRST_BYTES;
	uint64_t heads = boxes * BOXSTREAM_HEAD_BYTES;
	return rest < heads ? 0 : rest - heads;
}

/* As much as there are whole boxes. `*is_ended`: it came to the end. */
static enum err open_some(struct span boxed, const uint8_t key[static BLOB_BOX_KEY_BYTES],
	struct buf *out, bool *is_ended)
{
	struct boxstream_opener opener;
	size_t used = 0;
	boxstream_opener_init(&opener, key, first_nonce);
	enum err err = boxstream_open(&opener, boxed, out, &used);
	*is_ended = opener.is_ended;
	if (err == ERR_CLOSED) {
		err = ERR_REFUSED; /* more behind its end */
	}
	if (err == ERR_OK && opener.has_head && boxed.len - used >= opener.body_len) {
		err = ERR_LIMIT; /* there was no room */
	}
	sodium_memzero(&opener, sizeof(opener));
	return err;
}

static void take_back(struct buf *out, size_t before)
{
	if (out->len > before) {
		sodium_memzero(out->at + before, out->len - before);
	}
	buf_truncate(out, before);
}

enum err blob_box_open(
	struct span boxed, const uint8_t key[static BLOB_BOX_KEY_BYTES], struct buf *out)
{
	size_t before = out->len;
	bool is_ended = false;
	enum err err = open_some(boxed, key, out, &is_ended);
	if (err == ERR_OK && !is_ended) {
		err = ERR_REFUSED; /* cut short */
	}
	if (err != ERR_OK) {
		take_back(out, before);
	}
	return err;
}

enum err blob_box_peek(
	struct span boxed, const uint8_t key[static BLOB_BOX_KEY_BYTES], struct buf *out)
{
	size_t before = out->len;
	bool is_ended = false;
	enum err err = open_some(boxed, key, out, &is_ended);
	if (err != ERR_OK) {
		take_back(out, before);
	}
	return err;
}

enum err blob_box_key_parse(struct span text, uint8_t key[static BLOB_BOX_KEY_BYTES])
{
	char clean[KEY_TEXT_CHARS];
	uint8_t parsed[BLOB_BOX_KEY_BYTES];
	size_t len = 0;
	if (span_ends_with(text, ".boxs")) {
		text.len -= strlen(".boxs");
	}
	if (text.len != sizeof(clean)) {
		return ERR_REFUSED;
	}
	for (size_t i = 0; i < sizeof(clean); i++) {
		uint8_t byte = text.at[i];
		clean[i] = byte == ' ' || byte == '-' ? '+' : byte == '_' ? '/' : (char)byte;
	}
	enum err err = base64_decode(span_of(clean, sizeof(clean)), parsed, sizeof(parsed), &len);
	if (err == ERR_OK && len == sizeof(parsed)) {
		memcpy(key, parsed, sizeof(parsed));
	} else {
		err = ERR_REFUSED;
	}
	sodium_memzero(clean, sizeof(clean));
	sodium_memzero(parsed, sizeof(parsed));
	return err;
}

void blob_box_key_format(
	const uint8_t key[static BLOB_BOX_KEY_BYTES], char text[static BLOB_BOX_KEY_TEXT_BYTES])
{
	size_t len = base64_encode(span_of(key, BLOB_BOX_KEY_BYTES), text);
	memcpy(text + len, ".boxs", sizeof(".boxs"));
}
