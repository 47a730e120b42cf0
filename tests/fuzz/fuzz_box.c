/* feed/private_box: any bytes as a box stay closed; behind a slot that is really ours, which says
 * any number of slots, nothing is read beyond the box. Texts of contents are unpacked, and what we
 * write we read. */
#include "feed/private_box.h"
#include "feed/signer.h"

#include <sodium.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 1 << 17 };

static struct signer *me(void)
{
	static const uint8_t seed[32] = {1, 2, 3};
	static struct signer *signer;
	struct key *key = NULL;
	if (signer == NULL && (sodium_init() < 0 || key_from_seed(seed, &key) != ERR_OK ||
				      signer_new(key, NULL, &signer) != ERR_OK)) {
		abort();
	}
	return signer;
}

/* A box whose first slot is ours and says `slots`, with `rest` behind it. */
static void open_with_slot(const struct private_box_dice *dice, uint8_t slots, struct span rest)
{
	uint8_t plain[PRIVATE_BOX_KEY_BYTES] = {slots};
	uint8_t point[32];
	uint8_t shared[32];
	struct open_key key;
	struct buf out = BUF_INIT(ROOM);
	size_t len = PRIVATE_BOX_START_BYTES + PRIVATE_BOX_SLOT_BYTES + rest.len;
	uint8_t *box = malloc(len);
	memcpy(plain + 1, dice->body_key, sizeof(dice->body_key));
	memcpy(box, dice->nonce, sizeof(dice->nonce));
	if (crypto_scalarmult_base(box + PRIVATE_BOX_NONCE_BYTES, dice->scalar) != 0 ||
		crypto_sign_ed25519_pk_to_curve25519(point, signer_id(me())->at) != 0 ||
		crypto_scalarmult(shared, dice->scalar, point) != 0 ||
		crypto_secretbox_easy(box + PRIVATE_BOX_START_BYTES, plain, sizeof(plain),
			dice->nonce, shared) != 0) {
		abort();
	}
	if (rest.len > 0) {
		memcpy(box + PRIVATE_BOX_START_BYTES + PRIVATE_BOX_SLOT_BYTES, rest.at, rest.len);
	}
	const struct sealed_box sealed = {.bytes = span_of(box, len)};
	/* Nobody finds a body's authenticator by trying. */
	if (signer_open(me(), &sealed, &key, &out) == ERR_OK || out.len != 0) {
		abort();
	}
	free(box);
	buf_fini(&out);
}

static void write_and_read(struct span plain)
{
	bool is_box2 = true;
	struct open_key key;
	struct buf content = BUF_INIT(ROOM);
	struct buf bytes = BUF_INIT(ROOM);
	struct buf out = BUF_INIT(ROOM);
	if (signer_seal(me(), plain, signer_id(me()), 1, &content) == ERR_OK) {
		struct span text = span_of(content.at + 1, content.len - 2);
		if (signer_unpack(text, &bytes, &is_box2) != ERR_OK || is_box2) {
			abort();
		}
		const struct sealed_box sealed = {.bytes = buf_span(&bytes)};
		if (signer_open(me(), &sealed, &key, &out) != ERR_OK ||
			!span_equal(buf_span(&out), plain)) {
			abort();
		}
	}
	buf_fini(&content);
	buf_fini(&bytes);
	buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct private_box_dice dice = {.scalar = {9, 8, 7}, .body_key = {4}};
	struct open_key key;
	bool is_box2 = false;
	struct buf out = BUF_INIT(ROOM);
	const struct sealed_box sealed = {.bytes = span_of(data, size)};
	if (signer_open(me(), &sealed, &key, &out) == ERR_OK || out.len != 0) {
		abort();
	}
	(void)!signer_unpack(span_of(data, size), &out, &is_box2);
	if (size > 0) {
		open_with_slot(&dice, data[0], span_of(data + 1, size - 1));
		memcpy(key.at, data, size < sizeof(key.at) ? size : sizeof(key.at));
		buf_clear(&out);
		(void)!signer_open_again(&sealed, &key, &out);
	}
	if (size < 8192) {
		write_and_read(span_of(data, size));
	}
	buf_fini(&out);
	return 0;
}
