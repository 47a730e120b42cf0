/* feed/box2 against envelope-js: the keys of two people in both orders, an envelope with all that
 * comes between, and envelopes moved, cut and spoilt. */
#include "wire/vectors.h"

#include "feed/box2.h"
#include "feed/signer.h"

#include <sodium.h>

enum { ROOM = 8192 };

static void read_base64(const json_t *object, const char *name, uint8_t *out, size_t room)
{
	size_t count = 0;
	struct span text = span_text(vectors_text(object, name));
	assert_int_equal(base64_decode(text, out, room, &count), ERR_OK);
	assert_int_equal(count, room);
}

static struct signer *signer_of(const json_t *person)
{
	uint8_t secret[64];
	struct key *key = NULL;
	struct signer *signer = NULL;
	read_base64(person, "ed25519_secret_b64", secret, sizeof(secret));
	assert_int_equal(key_from_secret(secret, &key), ERR_OK);
	assert_int_equal(signer_new(key, NULL, &signer), ERR_OK);
	return signer;
}

static void read_side(const json_t *person, struct box2_side *out)
{
	vectors_bytes(person, "x25519_public_hex", out->point, 32);
	assert_int_equal(feed_id_parse(span_text(vectors_text(person, "id")), &out->id), ERR_OK);
}

static void two_people_have_the_keys_of_both_orders(void **state)
{
	(void)state;
	json_t *file = vectors_load("box2-dm-keys");
	const json_t *cases = json_object_get(file, "cases");
	assert_int_equal(json_array_size(cases), 2);
	for (size_t i = 0; i < 2; i++) {
		const json_t *vector = json_array_get(cases, i);
		struct box2_side a;
		struct box2_side b;
		uint8_t product[32];
		uint8_t spec[32];
		uint8_t js[32];
		uint8_t keys[BOX2_DM_KEYS][BOX2_KEY_BYTES];
		uint8_t others[BOX2_DM_KEYS][BOX2_KEY_BYTES];
		read_side(json_object_get(vector, "a"), &a);
		read_side(json_object_get(vector, "b"), &b);
		vectors_bytes(vector, "shared_secret_hex", product, sizeof(product));
		vectors_bytes(vector, "spec_key_hex", spec, sizeof(spec));
		vectors_bytes(vector, "js_key_hex", js, sizeof(js));
		assert_int_equal(box2_dm_keys(product, &a, &b, keys), ERR_OK);
		assert_int_equal(box2_dm_keys(product, &b, &a, others), ERR_OK);
		assert_memory_equal(keys, others, sizeof(keys));
		assert_memory_equal(keys[0], spec, 32);
		bool is_same = json_is_true(json_object_get(vector, "same"));
		assert_memory_equal(keys[is_same ? 0 : 1], js, 32);
	}
	json_decref(file);
}

/* The message of the vectors, ready to be opened. */
struct sent {
	json_t *file;
	struct signer *author, *recipient;
	struct sealed_box box;
	struct buf bytes;
	uint8_t own_key[BOX2_KEY_BYTES], read_key[BOX2_KEY_BYTES];
};

static void sent_init(struct sent *sent)
{
	*sent = (struct sent){.file = vectors_load("box2-dm-message"), .bytes = BUF_INIT(ROOM)};
	sent->author = signer_of(json_object_get(sent->file, "author"));
	sent->recipient = signer_of(json_object_get(sent->file, "recipient"));
	const json_t *value = json_object_get(json_object_get(sent->file, "message"), "value");
	assert_int_equal(signer_unpack(span_text(vectors_text(value, "content")), &sent->bytes,
				 &sent->box.is_box2),
		ERR_OK);
	assert_true(sent->box.is_box2);
	sent->box.bytes = buf_span(&sent->bytes);
	sent->box.author = *signer_id(sent->author);
	vectors_bytes(sent->file, "own_key_hex", sent->own_key, BOX2_KEY_BYTES);
	vectors_bytes(sent->file, "read_key_hex", sent->read_key, BOX2_KEY_BYTES);
}

static void sent_fini(struct sent *sent)
{
	signer_free(sent->author);
	signer_free(sent->recipient);
	buf_fini(&sent->bytes);
	json_decref(sent->file);
}

static void opens_what_envelope_js_wrote(void **state)
{
	(void)state;
	struct sent sent;
	struct open_key key;
	struct buf plain = BUF_INIT(ROOM);
	struct buf again = BUF_INIT(ROOM);
	sent_init(&sent);
	const char *wanted = vectors_text(sent.file, "plaintext_utf8");
	assert_int_equal(signer_open(sent.recipient, &sent.box, &key, &plain), ERR_OK);
	assert_bytes(buf_span(&plain), span_text(wanted));
	assert_memory_equal(key.at + 1, sent.read_key, BOX2_KEY_BYTES);
	assert_int_equal(signer_open_again(&sent.box, &key, &again), ERR_OK);
	assert_bytes(buf_span(&again), span_text(wanted));
	/* Another kind of box with the same key is not opened by mistake. */
	struct sealed_box other = sent.box;
	other.is_box2 = false;
	assert_int_equal(signer_open_again(&other, &key, &again), ERR_REFUSED);
	sent_fini(&sent);
	buf_fini(&plain);
	buf_fini(&again);
}

static void opens_with_the_key_for_oneself_when_there_is_one(void **state)
{
	(void)state;
	struct sent sent;
	uint8_t read_key[BOX2_KEY_BYTES];
	struct buf plain = BUF_INIT(ROOM);
	sent_init(&sent);
	const struct box2_place place = {.author = &sent.box.author};
	assert_int_equal(box2_open(sent.box.bytes, &place, &sent.own_key, 1,
				 "envelope-symmetric-key-for-self", read_key, &plain),
		ERR_OK);
	assert_memory_equal(read_key, sent.read_key, BOX2_KEY_BYTES);
	buf_clear(&plain);
	assert_int_equal(box2_open(sent.box.bytes, &place, &sent.own_key, 1,
				 "envelope-large-symmetric-group", read_key, &plain),
		ERR_REFUSED);
	/* This node has none: what somebody's own node wrote with it stays closed. */
	struct open_key key;
	assert_int_equal(signer_open(sent.author, &sent.box, &key, &plain), ERR_REFUSED);
	assert_int_equal(plain.len, 0);
	sent_fini(&sent);
	buf_fini(&plain);
}

static void nothing_opens_in_another_place(void **state)
{
	(void)state;
	struct sent sent;
	struct open_key key;
	struct buf plain = BUF_INIT(ROOM);
	sent_init(&sent);
	struct sealed_box moved = sent.box;
	moved.has_previous = true;
	assert_int_equal(signer_open(sent.recipient, &moved, &key, &plain), ERR_OK);
	buf_clear(&plain); /* "none" is 32 zeros, so this is the same place */
	moved.previous.at[31] = 1;
	assert_int_equal(signer_open(sent.recipient, &moved, &key, &plain), ERR_REFUSED);
	moved = sent.box;
	moved.author.at[0] ^= 1;
	assert_int_equal(signer_open(sent.recipient, &moved, &key, &plain), ERR_REFUSED);
	assert_int_equal(signer_open(sent.recipient, &sent.box, &key, &plain), ERR_OK);
	buf_clear(&plain);
	assert_int_equal(signer_open_again(&moved, &key, &plain), ERR_REFUSED);
	assert_int_equal(plain.len, 0);
	sent_fini(&sent);
	buf_fini(&plain);
}

static void cut_and_spoilt_envelopes_stay_closed(void **state)
{
	(void)state;
	struct sent sent;
	struct open_key key;
	struct buf plain = BUF_INIT(ROOM);
	sent_init(&sent);
	for (size_t len = 0; len < sent.bytes.len; len++) {
		struct sealed_box part = sent.box;
		uint8_t *bytes = malloc(len == 0 ? 1 : len);
		memcpy(bytes, sent.bytes.at, len);
		part.bytes = span_of(bytes, len);
		assert_int_equal(signer_open(sent.recipient, &part, &key, &plain), ERR_REFUSED);
		free(bytes);
	}
	for (size_t i = 0; i < sent.bytes.len; i++) {
		bool is_authors_slot = i >= 32 && i < 64;
		sent.bytes.at[i] ^= 0x80;
		assert_int_equal(signer_open(sent.recipient, &sent.box, &key, &plain),
			is_authors_slot ? ERR_OK : ERR_REFUSED);
		sent.bytes.at[i] ^= 0x80;
		buf_clear(&plain);
	}
	sent_fini(&sent);
	buf_fini(&plain);
}

/* HMAC over a list of byte strings, each behind its length, as the format has it. */
static void derive(const uint8_t key[static 32], const struct box2_place *place,
	const char *const *labels, size_t count, uint8_t out[static 32])
{
	crypto_auth_hmacsha256_state state;
	uint8_t ids[2][36] = {{34, 0, 0, 0}, {34, 0, 1, 0}};
	static const uint8_t one = 1;
	memcpy(ids[0] + 4, place->author->at, 32);
	if (place->previous != NULL) {
		memcpy(ids[1] + 4, place->previous->at, 32);
	}
	(void)crypto_auth_hmacsha256_init(&state, key, 32);
	(void)crypto_auth_hmacsha256_update(&state, (const uint8_t *)"\x08\0envelope", 10);
	(void)crypto_auth_hmacsha256_update(&state, ids[0], 36);
	(void)crypto_auth_hmacsha256_update(&state, ids[1], 36);
	for (size_t i = 0; i < count; i++) {
		uint8_t len[2] = {(uint8_t)strlen(labels[i]), 0};
		(void)crypto_auth_hmacsha256_update(&state, len, 2);
		(void)crypto_auth_hmacsha256_update(
			&state, (const uint8_t *)labels[i], strlen(labels[i]));
	}
	(void)crypto_auth_hmacsha256_update(&state, &one, 1);
	(void)crypto_auth_hmacsha256_final(&state, out);
}

/* An envelope for the holder of `key` in slot `slot` of `slots`, whose header says `offset`. */
static void make(const uint8_t key[static 32], const struct box2_place *place, size_t slot,
	size_t slots, uint16_t offset, struct buf *out)
{
	static const uint8_t nonce[crypto_secretbox_NONCEBYTES];
	static const uint8_t message_key[32] = {7, 7, 7};
	uint8_t pad[32];
	uint8_t read_key[32];
	uint8_t header_key[32];
	uint8_t body_key[32];
	const uint8_t header[16] = {(uint8_t)(offset & 0xff), (uint8_t)(offset >> 8)};
	size_t len = 32 + 32 * slots + 16 + 2;
	buf_clear(out);
	uint8_t *to = buf_reserve(out, len);
	assert_non_null(to);
	memset(to, 0xa5, len);
	derive(key, place, (const char *const[]){"slot_key", BOX2_SCHEME_DM}, 2, pad);
	derive(message_key, place, (const char *const[]){"read_key"}, 1, read_key);
	derive(read_key, place, (const char *const[]){"header_key"}, 1, header_key);
	derive(read_key, place, (const char *const[]){"body_key"}, 1, body_key);
	for (size_t i = 0; i < 32; i++) {
		to[32 + 32 * slot + i] = message_key[i] ^ pad[i];
	}
	assert_int_equal(crypto_secretbox_easy(to, header, sizeof(header), nonce, header_key), 0);
	assert_int_equal(crypto_secretbox_easy(
				 to + 32 + 32 * slots, (const uint8_t *)"{}", 2, nonce, body_key),
		0);
	buf_added(out, len);
}

static enum err try_slot(size_t slot, size_t slots, uint16_t offset)
{
	static const uint8_t key[1][BOX2_KEY_BYTES] = {{1, 2, 3}};
	const struct feed_id author = {{4}};
	const struct message_id previous = {{5}};
	const struct box2_place place = {.author = &author, .previous = &previous};
	uint8_t read_key[BOX2_KEY_BYTES];
	struct buf box = BUF_INIT(1 << 20);
	struct buf plain = BUF_INIT(1 << 20);
	make(key[0], &place, slot, slots, offset, &box);
	enum err err = box2_open(buf_span(&box), &place, key, 1, BOX2_SCHEME_DM, read_key, &plain);
	assert_int_equal(plain.len, err == ERR_OK ? 2 : 0);
	buf_fini(&box);
	buf_fini(&plain);
	return err;
}

static void tries_sixteen_slots_and_no_more(void **state)
{
	(void)state;
	for (size_t slot = 0; slot < LIMIT_BOX2_SLOTS; slot++) {
		size_t slots = slot + 1;
		assert_int_equal(try_slot(slot, slots, (uint16_t)(32 + 32 * slots)), ERR_OK);
	}
	size_t above = LIMIT_BOX2_SLOTS;
	assert_int_equal(try_slot(above, above + 1, (uint16_t)(64 + 32 * above)), ERR_REFUSED);
	size_t far = 1000;
	assert_int_equal(try_slot(far, far + 1, (uint16_t)(64 + 32 * far)), ERR_REFUSED);
}

static void a_header_that_points_elsewhere_is_refused(void **state)
{
	(void)state;
	assert_int_equal(try_slot(0, 1, 64), ERR_OK);
	static const uint16_t wrong[] = {0, 1, 31, 32, 63, 65, 66, 67, 82, 83, 0x7fff, 0xffff};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(try_slot(0, 1, wrong[i]), ERR_REFUSED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_people_have_the_keys_of_both_orders),
		cmocka_unit_test(opens_what_envelope_js_wrote),
		cmocka_unit_test(opens_with_the_key_for_oneself_when_there_is_one),
		cmocka_unit_test(nothing_opens_in_another_place),
		cmocka_unit_test(cut_and_spoilt_envelopes_stay_closed),
		cmocka_unit_test(tries_sixteen_slots_and_no_more),
		cmocka_unit_test(a_header_that_points_elsewhere_is_refused),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
