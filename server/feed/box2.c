/*
 * Every key of an envelope comes from another one by HKDF-Expand, which for 32 bytes is one HMAC
 * over a list of what it is for: "envelope", the author, the message before, labels. Which slot is
 * ours shows only when the header opens with what comes out of it.
 */
#include "feed/box2.h"

#include <assert.h>
#include <sodium.h>

enum {
	BFE_BYTES = 2 + ID_BYTES,
	SIDE_BYTES = 2 + 32 + BFE_BYTES, /* a public key and whose it is */
	INFO_BYTES_MAX = 256,
	HEADER_BYTES = 16,
	NONCE_BYTES = crypto_secretbox_NONCEBYTES
};

_Static_assert(BOX2_HEAD_BYTES == HEADER_BYTES + crypto_secretbox_MACBYTES, "the header's box");
_Static_assert(BOX2_MAC_BYTES == crypto_secretbox_MACBYTES, "libsodium's layout");

/* Each key is used once, so a nonce of zeros is. */
static const uint8_t nonce[NONCE_BYTES];

/* SHA-256 of "envelope-dm-v1-extract-salt". */
static const uint8_t dm_salt[32] = {0x82, 0x84, 0xdc, 0x03, 0x87, 0x86, 0x4d, 0x44, 0x98, 0x1a,
	0xa1, 0x4c, 0x66, 0xc4, 0xaf, 0xb7, 0xab, 0xd6, 0xe8, 0xdd, 0x14, 0xad, 0xb9, 0xdf, 0x2d,
	0xd8, 0xb9, 0x0e, 0x9f, 0xb9, 0x0a, 0xb0};

/* A list of byte strings, each behind its length. */
struct info {
	uint8_t at[INFO_BYTES_MAX];
	size_t len;
};

static void info_add(struct info *info, struct span bytes)
{
	assert(info->len + 2 + bytes.len < sizeof(info->at));
	info->at[info->len++] = (uint8_t)(bytes.len & 0xff);
	info->at[info->len++] = (uint8_t)(bytes.len >> 8);
	memcpy(info->at + info->len, bytes.at, bytes.len);
	info->len += bytes.len;
}

static void bfe_of(uint8_t kind, const uint8_t id[static ID_BYTES], uint8_t out[static BFE_BYTES])
{
	out[0] = kind;
	out[1] = 0;
	memcpy(out + 2, id, ID_BYTES);
}

static enum err hmac(
	const uint8_t key[static 32], struct span text, struct span more, uint8_t out[static 32])
{
	crypto_auth_hmacsha256_state state;
	bool is_done = crypto_auth_hmacsha256_init(&state, key, 32) == 0 &&
		       crypto_auth_hmacsha256_update(&state, text.at, text.len) == 0 &&
		       crypto_auth_hmacsha256_update(&state, more.at, more.len) == 0 &&
		       crypto_auth_hmacsha256_final(&state, out) == 0;
	sodium_memzero(&state, sizeof(state));
	return is_done ? ERR_OK : ERR_NOMEM;
}

static enum err expand(
	const uint8_t key[static 32], const struct info *info, uint8_t out[static 32])
{
	static const uint8_t one = 1;
	return hmac(key, span_of(info->at, info->len), span_of(&one, 1), out);
}

/* What all keys of one envelope begin with. */
static void info_of(const struct box2_place *place, struct info *out)
{
	static const struct message_id none;
	uint8_t feed[BFE_BYTES];
	uint8_t previous[BFE_BYTES];
	bfe_of(0, place->author->at, feed);
	bfe_of(1, place->previous == NULL ? none.at : place->previous->at, previous);
	out->len = 0;
	info_add(out, span_text("envelope"));
	info_add(out, span_of(feed, sizeof(feed)));
	info_add(out, span_of(previous, sizeof(previous)));
}

static enum err derive(const uint8_t key[static 32], const struct info *place, const char *label,
	const char *more, uint8_t out[static 32])
{
	struct info info = *place;
	info_add(&info, span_text(label));
	if (more != NULL) {
		info_add(&info, span_text(more));
	}
	return expand(key, &info, out);
}

static void side_write(const struct box2_side *side, uint8_t out[static SIDE_BYTES])
{
	out[0] = 3;
	out[1] = 0;
	memcpy(out + 2, side->point, 32);
	bfe_of(0, side->id.at, out + 2 + 32);
}

enum err box2_dm_keys(const uint8_t product[static 32], const struct box2_side *me,
	const struct box2_side *you, uint8_t out[static BOX2_DM_KEYS][BOX2_KEY_BYTES])
{
	uint8_t sides[2][SIDE_BYTES];
	uint8_t extracted[32];
	side_write(me, sides[0]);
	side_write(you, sides[1]);
	int first = memcmp(sides[0], sides[1], SIDE_BYTES) <= 0 ? 0 : 1;
	enum err err = hmac(dm_salt, span_of(product, 32), span_of(NULL, 0), extracted);
	for (int i = 0; err == ERR_OK && i < BOX2_DM_KEYS; i++) {
		int one = i == 0 ? first : 1 - first;
		struct info info = {.len = 0};
		info_add(&info, span_text("envelope-ssb-dm-v1/key"));
		info_add(&info, span_of(sides[one], SIDE_BYTES));
		info_add(&info, span_of(sides[1 - one], SIDE_BYTES));
		err = expand(extracted, &info, out[i]);
	}
	sodium_memzero(extracted, sizeof(extracted));
	return err;
}

/* The header's key comes from `read_key`: does it open? `*body_at` is where it says the body is. */
static enum err open_header(struct span box, const struct info *place,
	const uint8_t read_key[static 32], size_t *body_at)
{
	uint8_t key[32];
	uint8_t header[HEADER_BYTES];
	enum err err = derive(read_key, place, "header_key", NULL, key);
	if (err == ERR_OK &&
		crypto_secretbox_open_easy(header, box.at, BOX2_HEAD_BYTES, nonce, key) != 0) {
		err = ERR_REFUSED;
	}
	sodium_memzero(key, sizeof(key));
	if (err == ERR_OK) {
		*body_at = (size_t)header[0] | (size_t)header[1] << 8;
	}
	return err;
}

static enum err open_body(struct span box, size_t at, const struct info *place,
	const uint8_t read_key[static 32], struct buf *out)
{
	uint8_t key[32];
	if (at < BOX2_HEAD_BYTES + BOX2_SLOT_BYTES || at + BOX2_MAC_BYTES > box.len) {
		return ERR_REFUSED;
	}
	size_t len = box.len - at - BOX2_MAC_BYTES;
	if (len > out->max - out->len) {
		return ERR_LIMIT;
	}
	uint8_t nothing = 0;
	uint8_t *to = len == 0 ? &nothing : buf_reserve(out, len);
	enum err err = to == NULL ? ERR_NOMEM : derive(read_key, place, "body_key", NULL, key);
	if (err != ERR_OK) {
		return err;
	}
	int rc = crypto_secretbox_open_easy(to, box.at + at, box.len - at, nonce, key);
	sodium_memzero(key, sizeof(key));
	if (rc == 0 && len > 0) {
		buf_added(out, len);
	}
	return rc == 0 ? ERR_OK : ERR_REFUSED;
}

static enum err open_at(struct span box, const struct info *place,
	const uint8_t read_key[static 32], struct buf *out)
{
	size_t body_at = 0;
	enum err err = open_header(box, place, read_key, &body_at);
	return err == ERR_OK ? open_body(box, body_at, place, read_key, out) : err;
}

/* One key on every slot. */
static enum err try_key(struct span box, const struct info *place, const uint8_t key[static 32],
	const char *scheme, uint8_t read_key[static BOX2_KEY_BYTES], struct buf *out)
{
	uint8_t pad[32];
	uint8_t message_key[32];
	enum err err = derive(key, place, "slot_key", scheme, pad);
	bool is_open = false;
	for (size_t i = 0; err == ERR_OK && !is_open && i < LIMIT_BOX2_SLOTS; i++) {
		size_t at = BOX2_HEAD_BYTES + i * BOX2_SLOT_BYTES;
		if (at + BOX2_SLOT_BYTES + BOX2_MAC_BYTES > box.len) {
			break;
		}
		for (size_t j = 0; j < sizeof(message_key); j++) {
			message_key[j] = box.at[at + j] ^ pad[j];
		}
		err = derive(message_key, place, "read_key", NULL, read_key);
		if (err == ERR_OK) {
			err = open_at(box, place, read_key, out);
			is_open = err == ERR_OK;
			err = err == ERR_REFUSED ? ERR_OK : err;
		}
	}
	sodium_memzero(pad, sizeof(pad));
	sodium_memzero(message_key, sizeof(message_key));
	return err == ERR_OK && !is_open ? ERR_REFUSED : err;
}

enum err box2_open(struct span box, const struct box2_place *place,
	const uint8_t (*keys)[BOX2_KEY_BYTES], size_t count, const char *scheme,
	uint8_t read_key[static BOX2_KEY_BYTES], struct buf *out)
{
	struct info info;
	enum err err = ERR_REFUSED;
	if (box.len < BOX2_BYTES_MIN) {
		return ERR_REFUSED;
	}
	info_of(place, &info);
	for (size_t i = 0; err == ERR_REFUSED && i < count; i++) {
		err = try_key(box, &info, keys[i], scheme, read_key, out);
	}
	if (err != ERR_OK) {
		sodium_memzero(read_key, BOX2_KEY_BYTES);
	}
	return err;
}

enum err box2_open_again(struct span box, const struct box2_place *place,
	const uint8_t read_key[static BOX2_KEY_BYTES], struct buf *out)
{
	struct info info;
	if (box.len < BOX2_BYTES_MIN) {
		return ERR_REFUSED;
	}
	info_of(place, &info);
	return open_at(box, &info, read_key, out);
}
