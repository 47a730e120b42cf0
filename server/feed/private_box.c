/*
 * The box of Dominic Tarr's private-box, byte by byte. Slots and body share one nonce, as their
 * keys differ. A slot's key is the bare product of the two points, not hashed as crypto_box does.
 * What a slot says is its writer's word: the number of slots is compared with the length before the
 * body is looked for.
 */
#include "feed/private_box.h"

#include <sodium.h>

_Static_assert(crypto_secretbox_NONCEBYTES == PRIVATE_BOX_NONCE_BYTES, "libsodium's layout");
_Static_assert(crypto_secretbox_MACBYTES == PRIVATE_BOX_MAC_BYTES, "libsodium's layout");
_Static_assert(crypto_scalarmult_BYTES == PRIVATE_BOX_POINT_BYTES, "libsodium's layout");
_Static_assert(PRIVATE_BOX_SLOT_BYTES == PRIVATE_BOX_MAC_BYTES + PRIVATE_BOX_KEY_BYTES, "one slot");

void private_box_throw(struct private_box_dice *out)
{
	randombytes_buf(out->nonce, sizeof(out->nonce));
	randombytes_buf(out->scalar, sizeof(out->scalar));
	randombytes_buf(out->body_key, sizeof(out->body_key));
}

static enum err write_slot(const struct private_box_dice *dice, const struct feed_id *recipient,
	const uint8_t plain[static PRIVATE_BOX_KEY_BYTES], uint8_t *slot)
{
	uint8_t point[PRIVATE_BOX_POINT_BYTES];
	uint8_t shared[PRIVATE_BOX_POINT_BYTES];
	enum err err = ERR_REFUSED;
	if (crypto_sign_ed25519_pk_to_curve25519(point, recipient->at) == 0 &&
		crypto_scalarmult(shared, dice->scalar, point) == 0) {
		err = crypto_secretbox_easy(
			      slot, plain, PRIVATE_BOX_KEY_BYTES, dice->nonce, shared) == 0
			      ? ERR_OK
			      : ERR_NOMEM;
	}
	sodium_memzero(shared, sizeof(shared));
	return err;
}

static enum err write_slots(const struct private_box_dice *dice, const struct feed_id *recipients,
	size_t count, uint8_t *to)
{
	uint8_t plain[PRIVATE_BOX_KEY_BYTES];
	enum err err = ERR_OK;
	plain[0] = (uint8_t)count;
	memcpy(plain + 1, dice->body_key, sizeof(dice->body_key));
	for (size_t i = 0; err == ERR_OK && i < count; i++) {
		err = write_slot(dice, &recipients[i], plain, to + i * PRIVATE_BOX_SLOT_BYTES);
	}
	sodium_memzero(plain, sizeof(plain));
	return err;
}

enum err private_box_write(const struct private_box_dice *dice, struct span plain,
	const struct feed_id *recipients, size_t count, struct buf *out)
{
	if (count < 1 || count > LIMIT_BOX_RECIPIENTS) {
		return ERR_LIMIT;
	}
	size_t bytes = private_box_bytes(plain.len, count);
	if (plain.len > out->max || bytes > out->max - out->len) {
		return ERR_LIMIT;
	}
	uint8_t *to = buf_reserve(out, bytes);
	if (to == NULL) {
		return ERR_NOMEM;
	}
	memcpy(to, dice->nonce, PRIVATE_BOX_NONCE_BYTES);
	if (crypto_scalarmult_base(to + PRIVATE_BOX_NONCE_BYTES, dice->scalar) != 0) {
		return ERR_NOMEM;
	}
	enum err err = write_slots(dice, recipients, count, to + PRIVATE_BOX_START_BYTES);
	if (err != ERR_OK) {
		return err;
	}
	uint8_t *body = to + PRIVATE_BOX_START_BYTES + count * PRIVATE_BOX_SLOT_BYTES;
	if (crypto_secretbox_easy(body, plain.at, plain.len, dice->nonce, dice->body_key) != 0) {
		return ERR_NOMEM;
	}
	buf_added(out, bytes);
	return ERR_OK;
}

/* The first slot that our product with the box's point opens. */
static bool open_slot(struct span box, const uint8_t shared[static PRIVATE_BOX_POINT_BYTES],
	uint8_t key[static PRIVATE_BOX_KEY_BYTES])
{
	for (size_t i = 0; i < LIMIT_BOX_SLOTS; i++) {
		size_t at = PRIVATE_BOX_START_BYTES + i * PRIVATE_BOX_SLOT_BYTES;
		if (at + PRIVATE_BOX_SLOT_BYTES + PRIVATE_BOX_MAC_BYTES > box.len) {
			return false;
		}
		if (crypto_secretbox_open_easy(
			    key, box.at + at, PRIVATE_BOX_SLOT_BYTES, box.at, shared) == 0) {
			return true;
		}
	}
	return false;
}

enum err private_box_open_again(
	struct span box, const uint8_t key[static PRIVATE_BOX_KEY_BYTES], struct buf *out)
{
	size_t at = PRIVATE_BOX_START_BYTES + (size_t)key[0] * PRIVATE_BOX_SLOT_BYTES;
	if (box.len < at + PRIVATE_BOX_MAC_BYTES) {
		return ERR_REFUSED;
	}
	size_t len = box.len - at - PRIVATE_BOX_MAC_BYTES;
	if (len > out->max - out->len) {
		return ERR_LIMIT;
	}
	uint8_t nothing = 0;
	uint8_t *to = len == 0 ? &nothing : buf_reserve(out, len);
	if (to == NULL) {
		return ERR_NOMEM;
	}
	if (crypto_secretbox_open_easy(to, box.at + at, box.len - at, box.at, key + 1) != 0) {
		return ERR_REFUSED;
	}
	if (len > 0) {
		buf_added(out, len);
	}
	return ERR_OK;
}

enum err private_box_open(struct span box, const uint8_t scalar[static 32],
	uint8_t key[static PRIVATE_BOX_KEY_BYTES], struct buf *out)
{
	uint8_t shared[PRIVATE_BOX_POINT_BYTES];
	if (box.len < PRIVATE_BOX_BYTES_MIN) {
		return ERR_REFUSED;
	}
	/* A point of small order has no product that two could share. */
	if (crypto_scalarmult(shared, scalar, box.at + PRIVATE_BOX_NONCE_BYTES) != 0) {
		return ERR_REFUSED;
	}
	bool is_ours = open_slot(box, shared, key);
	sodium_memzero(shared, sizeof(shared));
	return is_ours ? private_box_open_again(box, key, out) : ERR_REFUSED;
}
