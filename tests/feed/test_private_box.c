/* feed/private_box and the signer's half of it: what private-box@0.3.1 wrote byte for byte, who can
 * open what, and boxes made to hurt. */
#include "wire/vectors.h"

#include "feed/private_box.h"
#include "feed/signer.h"

#include <sodium.h>

enum { ROOM = 8192, PEOPLE = 9 };

static struct signer *signer_of(const uint8_t seed[static 32])
{
	struct key *key = NULL;
	struct signer *signer = NULL;
	assert_int_equal(key_from_seed(seed, &key), ERR_OK);
	assert_int_equal(signer_new(key, NULL, &signer), ERR_OK);
	return signer;
}

static struct signer *person(uint8_t number)
{
	const uint8_t seed[32] = {number, 1, 2};
	return signer_of(seed);
}

/* Open a content text as `signer` would; `out` is empty unless it opens. */
static enum err open_text(
	const struct signer *signer, const char *content, struct open_key *key, struct buf *out)
{
	struct sealed_box box = {.author = {{0}}};
	struct buf bytes = BUF_INIT(ROOM);
	buf_clear(out);
	assert_int_equal(signer_unpack(span_text(content), &bytes, &box.is_box2), ERR_OK);
	box.bytes = buf_span(&bytes);
	enum err err = signer_open(signer, &box, key, out);
	if (err == ERR_OK) {
		struct buf again = BUF_INIT(ROOM);
		assert_int_equal(signer_open_again(&box, key, &again), ERR_OK);
		assert_bytes(buf_span(&again), buf_span(out));
		buf_fini(&again);
	}
	buf_fini(&bytes);
	return err;
}

static bool is_object(struct span text)
{
	struct json_doc *doc = NULL;
	bool is_so = json_parse(text, LIMIT_JSON_DEPTH, &doc) == ERR_OK &&
		     json_kind(json_root(doc)) == JSON_KIND_OBJECT;
	json_doc_free(doc);
	return is_so;
}

static void read_dice(const json_t *vector, struct private_box_dice *out)
{
	vectors_bytes(vector, "nonce", out->nonce, sizeof(out->nonce));
	vectors_bytes(vector, "eph_sk", out->scalar, sizeof(out->scalar));
	vectors_bytes(vector, "body_key", out->body_key, sizeof(out->body_key));
}

static size_t read_ids(const json_t *recipients, struct feed_id *out)
{
	size_t count = json_array_size(recipients);
	for (size_t i = 0; i < count; i++) {
		const char *id = vectors_text(json_array_get(recipients, i), "id");
		assert_int_equal(feed_id_parse(span_text(id), &out[i]), ERR_OK);
	}
	return count;
}

static void writes_what_the_library_writes(void **state)
{
	(void)state;
	json_t *file = vectors_load("private-box");
	const json_t *vectors = json_object_get(file, "vectors");
	for (size_t i = 0; i < json_array_size(vectors); i++) {
		const json_t *vector = json_array_get(vectors, i);
		struct private_box_dice dice;
		struct feed_id ids[16];
		struct buf plain = BUF_INIT(ROOM);
		struct buf wanted = BUF_INIT(ROOM);
		struct buf box = BUF_INIT(ROOM);
		size_t count = read_ids(json_object_get(vector, "recipients"), ids);
		read_dice(vector, &dice);
		assert_true(vectors_hex(vector, "plaintext_utf8_hex", &plain));
		assert_true(vectors_hex(vector, "ciphertext_hex", &wanted));
		enum err err = private_box_write(&dice, buf_span(&plain), ids, count, &box);
		if (count > LIMIT_BOX_RECIPIENTS) {
			assert_int_equal(err, ERR_LIMIT);
			assert_int_equal(box.len, 0);
		} else {
			assert_int_equal(err, ERR_OK);
			assert_bytes(buf_span(&box), buf_span(&wanted));
			assert_int_equal(box.len, private_box_bytes(plain.len, count));
		}
		buf_fini(&plain);
		buf_fini(&wanted);
		buf_fini(&box);
	}
	json_decref(file);
}

/* What JavaScript opens we open, and what it cannot we cannot. */
static void check_readers(const json_t *vector)
{
	const json_t *recipients = json_object_get(vector, "recipients");
	struct buf plain = BUF_INIT(ROOM);
	struct buf wanted = BUF_INIT(ROOM);
	(void)vectors_hex(vector, "plaintext_utf8_hex", &wanted);
	for (size_t i = 0; i < json_array_size(recipients); i++) {
		uint8_t seed[32];
		struct open_key key;
		vectors_bytes(json_array_get(recipients, i), "seed_hex", seed, sizeof(seed));
		struct signer *signer = signer_of(seed);
		enum err err =
			open_text(signer, vectors_text(vector, "content_string"), &key, &plain);
		const json_t *opens =
			json_array_get(json_object_get(vector, "js_opens_per_recipient"), i);
		bool is_read = err == ERR_OK && is_object(buf_span(&plain));
		assert_int_equal(is_read, json_is_true(opens));
		if (err == ERR_OK) {
			assert_bytes(buf_span(&plain), buf_span(&wanted));
			assert_int_equal(key.at[0], json_array_size(recipients));
		} else {
			assert_int_equal(err, ERR_REFUSED);
			assert_true(i >= LIMIT_BOX_SLOTS);
		}
		signer_free(signer);
	}
	buf_fini(&plain);
	buf_fini(&wanted);
}

static void opens_what_the_library_opens(void **state)
{
	(void)state;
	json_t *file = vectors_load("private-box");
	const json_t *vectors = json_object_get(file, "vectors");
	uint8_t seed[32];
	struct buf plain = BUF_INIT(ROOM);
	vectors_bytes(json_object_get(file, "outsider"), "seed_hex", seed, sizeof(seed));
	struct signer *outsider = signer_of(seed);
	assert_int_equal(json_array_size(vectors), 15);
	for (size_t i = 0; i < json_array_size(vectors); i++) {
		const json_t *vector = json_array_get(vectors, i);
		struct open_key key;
		check_readers(vector);
		assert_int_equal(
			open_text(outsider, vectors_text(vector, "content_string"), &key, &plain),
			ERR_REFUSED);
		assert_int_equal(plain.len, 0);
	}
	signer_free(outsider);
	buf_fini(&plain);
	json_decref(file);
}

/* Seal as the first of `count` people, with the text `plain`. */
static enum err seal(struct signer *const *people, size_t count, struct span plain, struct buf *out)
{
	struct feed_id ids[1000 * LIMIT_BOX_RECIPIENTS];
	for (size_t i = 0; i < count; i++) {
		ids[i] = *signer_id(people[i % PEOPLE]);
	}
	buf_clear(out);
	return signer_seal(people[0], plain, ids, count, out);
}

static void seals_for_one_to_seven(void **state)
{
	(void)state;
	const struct span said = span_text("{\"type\":\"post\",\"text\":\"between us\"}");
	struct signer *people[PEOPLE];
	struct buf content = BUF_INIT(ROOM);
	struct buf plain = BUF_INIT(ROOM);
	for (uint8_t i = 0; i < PEOPLE; i++) {
		people[i] = person(i);
	}
	for (size_t count = 1; count <= LIMIT_BOX_RECIPIENTS; count++) {
		assert_int_equal(seal(people, count, said, &content), ERR_OK);
		struct span text = span_of(content.at + 1, content.len - 2);
		assert_true(content.at[0] == '"' && content.at[content.len - 1] == '"');
		char *string = strndup((const char *)text.at, text.len);
		for (size_t i = 0; i < PEOPLE; i++) {
			struct open_key key;
			enum err err = open_text(people[i], string, &key, &plain);
			assert_int_equal(err, i < count ? ERR_OK : ERR_REFUSED);
			if (err == ERR_OK) {
				assert_bytes(buf_span(&plain), said);
			}
		}
		free(string);
	}
	assert_int_equal(seal(people, LIMIT_BOX_RECIPIENTS + 1, said, &content), ERR_LIMIT);
	assert_int_equal(seal(people, 1000 * LIMIT_BOX_RECIPIENTS, said, &content), ERR_LIMIT);
	assert_int_equal(seal(people, 0, said, &content), ERR_LIMIT);
	assert_int_equal(content.len, 0);
	for (size_t i = 0; i < PEOPLE; i++) {
		signer_free(people[i]);
	}
	buf_fini(&content);
	buf_fini(&plain);
}

static void never_seals_what_we_could_not_read(void **state)
{
	(void)state;
	struct signer *me = person(1);
	struct signer *you = person(2);
	struct feed_id ids[2] = {*signer_id(you), *signer_id(me)};
	struct buf content = BUF_INIT(ROOM);
	struct buf small = BUF_INIT(200);
	assert_int_equal(signer_seal(me, span_text("{}"), ids, 1, &content), ERR_REFUSED);
	assert_int_equal(signer_seal(me, span_text("{}"), ids, 2, &content), ERR_OK);
	assert_int_equal(signer_seal(me, span_text("{}"), ids, 2, &small), ERR_LIMIT);
	assert_int_equal(small.len, 0);
	/* Not every 32 bytes are a key one can write to. */
	buf_clear(&content);
	memset(ids[0].at, 0, ID_BYTES);
	assert_int_equal(signer_seal(me, span_text("{}"), ids, 2, &content), ERR_REFUSED);
	memset(ids[0].at, 0xff, ID_BYTES);
	assert_int_equal(signer_seal(me, span_text("{}"), ids, 2, &content), ERR_REFUSED);
	assert_int_equal(content.len, 0);
	signer_free(me);
	signer_free(you);
	buf_fini(&content);
	buf_fini(&small);
}

static void no_two_boxes_are_alike(void **state)
{
	(void)state;
	struct signer *me = person(1);
	struct buf one = BUF_INIT(ROOM);
	struct buf two = BUF_INIT(ROOM);
	assert_int_equal(signer_seal(me, span_text("{}"), signer_id(me), 1, &one), ERR_OK);
	assert_int_equal(signer_seal(me, span_text("{}"), signer_id(me), 1, &two), ERR_OK);
	assert_int_equal(one.len, two.len);
	/* Nonce, one-time key, slot, body: nothing of one is in the other. */
	for (size_t i = 1; i + 16 < one.len; i += 16) {
		assert_memory_not_equal(one.at + i, two.at + i, 16);
	}
	signer_free(me);
	buf_fini(&one);
	buf_fini(&two);
}

/* A box whose one slot says there are `slots` of them. */
static void make_box_that_says(const struct private_box_dice *dice, uint8_t slots,
	const struct feed_id *to, struct buf *out)
{
	uint8_t plain[PRIVATE_BOX_KEY_BYTES] = {slots};
	uint8_t point[32];
	uint8_t shared[32];
	buf_clear(out);
	assert_int_equal(
		private_box_write(dice, span_text("{\"type\":\"x\"}"), to, 1, out), ERR_OK);
	memcpy(plain + 1, dice->body_key, 32);
	assert_int_equal(crypto_sign_ed25519_pk_to_curve25519(point, to->at), 0);
	assert_int_equal(crypto_scalarmult(shared, dice->scalar, point), 0);
	assert_int_equal(crypto_secretbox_easy(out->at + PRIVATE_BOX_START_BYTES, plain,
				 sizeof(plain), dice->nonce, shared),
		0);
}

static void a_box_that_lies_about_its_slots_stays_closed(void **state)
{
	(void)state;
	struct private_box_dice dice;
	struct signer *me = person(1);
	struct buf box = BUF_INIT(ROOM);
	struct buf plain = BUF_INIT(ROOM);
	struct open_key key;
	private_box_throw(&dice);
	for (unsigned slots = 0; slots <= 255; slots++) {
		make_box_that_says(&dice, (uint8_t)slots, signer_id(me), &box);
		const struct sealed_box sealed = {.bytes = buf_span(&box)};
		buf_clear(&plain);
		assert_int_equal(
			signer_open(me, &sealed, &key, &plain), slots == 1 ? ERR_OK : ERR_REFUSED);
		assert_int_equal(plain.len, slots == 1 ? strlen("{\"type\":\"x\"}") : 0);
	}
	signer_free(me);
	buf_fini(&box);
	buf_fini(&plain);
}

static void short_and_spoilt_boxes_stay_closed(void **state)
{
	(void)state;
	struct private_box_dice dice;
	struct signer *me = person(1);
	struct buf box = BUF_INIT(ROOM);
	struct buf plain = BUF_INIT(ROOM);
	struct open_key key;
	private_box_throw(&dice);
	assert_int_equal(private_box_write(&dice, span_text("{}"), signer_id(me), 1, &box), ERR_OK);
	for (size_t len = 0; len < box.len; len++) {
		/* In memory of just that size, so that a sanitizer sees the first byte too far. */
		uint8_t *part = malloc(len == 0 ? 1 : len);
		memcpy(part, box.at, len);
		const struct sealed_box sealed = {.bytes = span_of(part, len)};
		assert_int_equal(signer_open(me, &sealed, &key, &plain), ERR_REFUSED);
		free(part);
	}
	for (size_t i = 0; i < box.len; i++) {
		const struct sealed_box sealed = {.bytes = buf_span(&box)};
		/* X25519 does not look at the highest bit of a point. */
		box.at[i] ^= 1;
		assert_int_equal(signer_open(me, &sealed, &key, &plain), ERR_REFUSED);
		box.at[i] ^= 1;
	}
	assert_int_equal(plain.len, 0);
	signer_free(me);
	buf_fini(&box);
	buf_fini(&plain);
}

static void a_point_of_small_order_is_nobodys(void **state)
{
	(void)state;
	struct private_box_dice dice;
	struct signer *me = person(1);
	struct buf box = BUF_INIT(ROOM);
	struct buf plain = BUF_INIT(ROOM);
	struct open_key key;
	private_box_throw(&dice);
	assert_int_equal(private_box_write(&dice, span_text("{}"), signer_id(me), 1, &box), ERR_OK);
	for (uint8_t low = 0; low <= 1; low++) {
		/* With such a point everybody's product is zero: a slot sealed with that is a trap.
		 */
		static const uint8_t shared[32];
		uint8_t slot[PRIVATE_BOX_KEY_BYTES] = {1};
		memcpy(slot + 1, dice.body_key, 32);
		memset(box.at + PRIVATE_BOX_NONCE_BYTES, 0, 32);
		box.at[PRIVATE_BOX_NONCE_BYTES] = low;
		assert_int_equal(crypto_secretbox_easy(box.at + PRIVATE_BOX_START_BYTES, slot,
					 sizeof(slot), dice.nonce, shared),
			0);
		const struct sealed_box sealed = {.bytes = buf_span(&box)};
		assert_int_equal(signer_open(me, &sealed, &key, &plain), ERR_REFUSED);
	}
	signer_free(me);
	buf_fini(&box);
	buf_fini(&plain);
}

static void only_base64_before_the_dot_is_a_box(void **state)
{
	(void)state;
	static const char *const wrong[] = {"", ".box", "AAAA", "AAAA.boxs", "AAA.box", "A?AA.box",
		"AAAA.box.box", "AAAA.sig.box", " AAAA.box", "AAB=.box", "{}"};
	struct buf bytes = BUF_INIT(ROOM);
	bool is_box2 = false;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		bool is_empty = strcmp(wrong[i], ".box") == 0;
		enum err err = signer_unpack(span_text(wrong[i]), &bytes, &is_box2);
		assert_int_equal(err, is_empty ? ERR_OK : ERR_REFUSED);
		assert_int_equal(bytes.len, 0);
	}
	assert_int_equal(signer_unpack(span_text("AAEC.box"), &bytes, &is_box2), ERR_OK);
	assert_false(is_box2);
	assert_int_equal(signer_unpack(span_text("AAEC.box2"), &bytes, &is_box2), ERR_OK);
	assert_true(is_box2);
	assert_int_equal(bytes.len, 6);
	buf_fini(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_what_the_library_writes),
		cmocka_unit_test(opens_what_the_library_opens),
		cmocka_unit_test(seals_for_one_to_seven),
		cmocka_unit_test(never_seals_what_we_could_not_read),
		cmocka_unit_test(no_two_boxes_are_alike),
		cmocka_unit_test(a_box_that_lies_about_its_slots_stays_closed),
		cmocka_unit_test(short_and_spoilt_boxes_stay_closed),
		cmocka_unit_test(a_point_of_small_order_is_nobodys),
		cmocka_unit_test(only_base64_before_the_dot_is_a_box),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
