/* wire/boxstream against the vectors of pull-box-stream, in one piece and byte by byte. */
#include "wire/vectors.h"

#include "wire/boxstream.h"

#include <sodium.h>

enum { ROOM = 1 << 20 };

static void add_write(const json_t *write, struct buf *out)
{
	if (json_is_string(write)) {
		vectors_unhex(json_string_value(write), out);
		return;
	}
	uint8_t byte = 0;
	vectors_bytes(write, "byte", &byte, 1);
	for (json_int_t i = 0; i < json_integer_value(json_object_get(write, "repeat")); i++) {
		assert_int_equal(buf_append_byte(out, byte), ERR_OK);
	}
}

/* Seal the writes of a vector, with the goodbye. `*plain` gets what was written. */
static void seal_vector(const json_t *vector, struct buf *stream, struct buf *plain)
{
	uint8_t key[32];
	uint8_t nonce[24];
	struct boxstream_sealer sealer;
	vectors_bytes(vector, "key", key, 32);
	vectors_bytes(vector, "nonce", nonce, 24);
	boxstream_sealer_init(&sealer, key, nonce);
	size_t i;
	json_t *write;
	json_array_foreach(json_object_get(vector, "writes"), i, write)
	{
		size_t before = plain->len;
		add_write(write, plain);
		assert_int_equal(
			boxstream_seal(&sealer, span_skip(buf_span(plain), before), stream),
			ERR_OK);
	}
	assert_int_equal(boxstream_seal_goodbye(&sealer, stream), ERR_OK);
}

static void open_as_the_owner_does(
	const json_t *vector, struct span stream, size_t step, struct span wanted)
{
	uint8_t key[32];
	uint8_t nonce[24];
	struct boxstream_opener opener;
	struct buf in = BUF_INIT(ROOM);
	struct buf out = BUF_INIT(ROOM);
	vectors_bytes(vector, "key", key, 32);
	vectors_bytes(vector, "nonce", nonce, 24);
	boxstream_opener_init(&opener, key, nonce);
	while (stream.len > 0) {
		size_t used = 0;
		assert_false(opener.is_ended);
		assert_int_equal(buf_append(&in, span_take(stream, step)), ERR_OK);
		stream = span_skip(stream, step);
		assert_int_equal(boxstream_open(&opener, buf_span(&in), &out, &used), ERR_OK);
		buf_consume(&in, used);
	}
	assert_true(opener.is_ended);
	assert_int_equal(in.len, 0);
	assert_bytes(buf_span(&out), wanted);
	buf_fini(&in);
	buf_fini(&out);
}

static void seals_and_opens_every_vector(void **state)
{
	(void)state;
	json_t *root = vectors_load("boxstream");
	size_t i;
	json_t *vector;
	json_array_foreach(json_object_get(root, "vectors"), i, vector)
	{
		struct buf stream = BUF_INIT(ROOM);
		struct buf plain = BUF_INIT(ROOM);
		uint8_t hash[32];
		uint8_t wanted[32];
		seal_vector(vector, &stream, &plain);
		assert_int_equal(
			stream.len, json_integer_value(json_object_get(vector, "stream_length")));
		vectors_bytes(vector, "stream_sha256", wanted, 32);
		assert_int_equal(crypto_hash_sha256(hash, stream.at, stream.len), 0);
		assert_memory_equal(hash, wanted, 32);
		open_as_the_owner_does(vector, buf_span(&stream), stream.len, buf_span(&plain));
		open_as_the_owner_does(vector, buf_span(&stream), 1, buf_span(&plain));
		open_as_the_owner_does(vector, buf_span(&stream), 33, buf_span(&plain));
		buf_fini(&stream);
		buf_fini(&plain);
	}
	assert_true(i >= 10);
	json_decref(root);
}

/* A fresh opener with the key of the negative vectors. */
static struct boxstream_opener negative_opener(const json_t *root)
{
	uint8_t key[32];
	uint8_t nonce[24];
	struct boxstream_opener opener;
	vectors_bytes(root, "key_for_negative", key, 32);
	vectors_bytes(root, "nonce_for_negative", nonce, 24);
	boxstream_opener_init(&opener, key, nonce);
	return opener;
}

struct outcome {
	enum err err;
	bool is_ended;
	size_t plain;
};

static struct outcome open_negative(const json_t *root, size_t number, size_t step)
{
	const json_t *vector = json_array_get(json_object_get(root, "negative"), number);
	struct boxstream_opener opener = negative_opener(root);
	struct buf stream = BUF_INIT(ROOM);
	struct buf in = BUF_INIT(ROOM);
	struct buf out = BUF_INIT(ROOM);
	struct outcome outcome = {.err = ERR_OK};
	vectors_unhex(vectors_text(vector, "stream"), &stream);
	while (stream.len > 0 && outcome.err == ERR_OK) {
		size_t used = 0;
		assert_int_equal(buf_append(&in, span_take(buf_span(&stream), step)), ERR_OK);
		buf_consume(&stream, step);
		outcome.err = boxstream_open(&opener, buf_span(&in), &out, &used);
		buf_consume(&in, used);
	}
	outcome.is_ended = opener.is_ended;
	outcome.plain = out.len;
	buf_fini(&stream);
	buf_fini(&in);
	buf_fini(&out);
	return outcome;
}

static void refuses_what_the_negative_vectors_forge(void **state)
{
	(void)state;
	static const struct outcome wanted[] = {
		{ERR_REFUSED, false, 0}, /* flip header MAC */
		{ERR_REFUSED, false, 0}, /* flip body byte */
		{ERR_OK, false, 1},      /* truncated before goodbye: no clean end */
		{ERR_REFUSED, false, 1}, /* replayed first frame */
		{ERR_OK, false, 0},      /* zero-length body with valid MAC is no goodbye */
	};
	json_t *root = vectors_load("boxstream");
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		for (size_t step = 1; step <= 100; step += 33) {
			struct outcome got = open_negative(root, i, step);
			assert_int_equal(got.err, wanted[i].err);
			assert_int_equal(got.is_ended, wanted[i].is_ended);
			assert_int_equal(got.plain, wanted[i].plain);
		}
	}
	json_decref(root);
}

/* A box with a body of `len` bytes, as a holder of the key may make one. */
static void forge_box(const struct boxstream_opener *opener, size_t len, struct buf *out)
{
	uint8_t head[18];
	uint8_t nonce[24];
	uint8_t body[UINT16_MAX] = {0};
	uint8_t sealed[UINT16_MAX];
	uint8_t head_box[BOXSTREAM_HEAD_BYTES];
	memcpy(nonce, opener->nonce, 24);
	nonce[23]++; /* the vector's nonce ends in 1c: no carry */
	head[0] = (uint8_t)(len >> 8);
	head[1] = (uint8_t)len;
	assert_int_equal(
		crypto_secretbox_detached(sealed, head + 2, body, len, nonce, opener->key), 0);
	assert_int_equal(crypto_secretbox_easy(head_box, head, 18, opener->nonce, opener->key), 0);
	assert_int_equal(buf_append(out, span_of(head_box, sizeof(head_box))), ERR_OK);
	assert_int_equal(buf_append(out, span_of(sealed, len)), ERR_OK);
}

static void refuses_a_body_over_the_limit(void **state)
{
	(void)state;
	static const size_t sizes[] = {
		LIMIT_BOX_BODY_BYTES, LIMIT_BOX_BODY_BYTES + 1, 5000, UINT16_MAX};
	json_t *root = vectors_load("boxstream");
	for (size_t i = 0; i < 4; i++) {
		struct boxstream_opener opener = negative_opener(root);
		struct buf in = BUF_INIT(ROOM);
		struct buf out = BUF_INIT(ROOM);
		size_t used = 0;
		forge_box(&opener, sizes[i], &in);
		/* Judged by the head alone, before a byte of the body came and before memory is
		 * taken. */
		enum err err = boxstream_open(
			&opener, span_take(buf_span(&in), BOXSTREAM_HEAD_BYTES), &out, &used);
		assert_int_equal(err, i == 0 ? ERR_OK : ERR_REFUSED);
		assert_null(out.at);
		if (i == 0) {
			buf_consume(&in, used);
			assert_int_equal(
				boxstream_open(&opener, buf_span(&in), &out, &used), ERR_OK);
			assert_int_equal(out.len, LIMIT_BOX_BODY_BYTES);
		}
		buf_fini(&in);
		buf_fini(&out);
	}
	json_decref(root);
}

static const uint8_t some_key[32] = {1};
static const uint8_t some_nonce[24] = {2};

static void stops_without_loss_when_there_is_no_room(void **state)
{
	(void)state;
	struct boxstream_sealer sealer;
	struct boxstream_opener opener;
	struct buf stream = BUF_INIT(ROOM);
	struct buf out = BUF_INIT(5000);
	uint8_t body[9000];
	size_t used = 0;
	randombytes_buf(body, sizeof(body));
	boxstream_sealer_init(&sealer, some_key, some_nonce);
	boxstream_opener_init(&opener, some_key, some_nonce);
	assert_int_equal(boxstream_seal(&sealer, span_of(body, sizeof(body)), &stream), ERR_OK);
	size_t taken = 0;
	while (stream.len > 0) {
		assert_int_equal(boxstream_open(&opener, buf_span(&stream), &out, &used), ERR_OK);
		buf_consume(&stream, used);
		assert_true(out.len > 0);
		assert_memory_equal(out.at, body + taken, out.len);
		taken += out.len;
		buf_clear(&out);
	}
	assert_int_equal(taken, sizeof(body));
	buf_fini(&stream);
	buf_fini(&out);
}

static void appends_nothing_when_the_stream_has_no_room(void **state)
{
	(void)state;
	struct boxstream_sealer sealer;
	uint8_t body[5000] = {0};
	struct buf out = BUF_INIT(5000 + 2 * BOXSTREAM_HEAD_BYTES);
	boxstream_sealer_init(&sealer, some_key, some_nonce);
	out.max--;
	assert_int_equal(boxstream_seal(&sealer, span_of(body, sizeof(body)), &out), ERR_LIMIT);
	assert_int_equal(out.len, 0);
	assert_memory_equal(sealer.nonce, some_nonce, 24);
	out.max++;
	assert_int_equal(boxstream_seal(&sealer, span_of(body, sizeof(body)), &out), ERR_OK);
	assert_int_equal(boxstream_seal_goodbye(&sealer, &out), ERR_LIMIT);
	buf_fini(&out);
}

static void tells_of_bytes_behind_the_goodbye(void **state)
{
	(void)state;
	struct boxstream_sealer sealer;
	struct boxstream_opener opener;
	struct buf stream = BUF_INIT(ROOM);
	struct buf out = BUF_INIT(ROOM);
	size_t used = 0;
	boxstream_sealer_init(&sealer, some_key, some_nonce);
	boxstream_opener_init(&opener, some_key, some_nonce);
	assert_int_equal(boxstream_seal_goodbye(&sealer, &stream), ERR_OK);
	assert_int_equal(buf_append_byte(&stream, 0), ERR_OK);
	assert_int_equal(boxstream_open(&opener, buf_span(&stream), &out, &used), ERR_CLOSED);
	assert_true(opener.is_ended);
	buf_fini(&stream);
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seals_and_opens_every_vector),
		cmocka_unit_test(refuses_what_the_negative_vectors_forge),
		cmocka_unit_test(refuses_a_body_over_the_limit),
		cmocka_unit_test(stops_without_loss_when_there_is_no_room),
		cmocka_unit_test(appends_nothing_when_the_stream_has_no_room),
		cmocka_unit_test(tells_of_bytes_behind_the_goodbye),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
