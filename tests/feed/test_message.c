/* feed/message against the reference packages: every encoding vector, every verdict of protocol/01
 * §6, and the limits. */
#include "lib/cmocka.h"
#include "lib/vectors.h"

#include "base/encode.h"
#include "base/limits.h"
#include "feed/chain.h"
#include "feed/signer.h"

#include <sodium.h>
#include <stdlib.h>

struct wire {
	struct buf raw;
	uint8_t hmac_key[HMAC_KEY_BYTES];
	const uint8_t *hmac;
	bool is_hmac_fine;
};

static void wire_of(const json_t *vector, const char *field, struct wire *wire)
{
	const char *hmac = vectors_text(vector, "hmac_key");
	size_t count = 0;
	buf_init(&wire->raw, 1 * MIB);
	assert_true(vectors_hex(vector, field, &wire->raw));
	wire->hmac = NULL;
	wire->is_hmac_fine = true;
	if (hmac != NULL) {
		enum err err =
			base64_decode(span_text(hmac), wire->hmac_key, HMAC_KEY_BYTES, &count);
		wire->is_hmac_fine = err == ERR_OK && count == HMAC_KEY_BYTES;
		wire->hmac = wire->hmac_key;
	}
}

static void assert_key(const struct message *message, const char *expected)
{
	char text[MESSAGE_ID_TEXT_BYTES];
	message_id_format(&message->key, text);
	assert_string_equal(text, expected);
}

static void assert_signed_text(const json_t *vector, const struct message *message)
{
	struct buf text = BUF_INIT(1 * MIB);
	struct buf expected = BUF_INIT(1 * MIB);
	assert_int_equal(message_write_signed_text(message, &text), ERR_OK);
	if (vectors_hex(vector, "signing_hex", &expected)) {
		assert_int_equal(text.len, expected.len);
		assert_memory_equal(text.at, expected.at, text.len);
	} else {
		uint8_t hash[crypto_hash_sha256_BYTES];
		assert_true(vectors_hex(vector, "signing_sha256", &expected));
		assert_int_equal(crypto_hash_sha256(hash, text.at, text.len), 0);
		assert_memory_equal(hash, expected.at, sizeof(hash));
	}
	buf_fini(&text);
	buf_fini(&expected);
}

static void assert_forward(
	const json_t *vector, const struct wire *wire, const struct message *message)
{
	struct buf expected = BUF_INIT(1 * MIB);
	if (!vectors_hex(vector, "forward_hex", &expected)) {
		assert_int_equal(buf_append(&expected, buf_span(&wire->raw)), ERR_OK);
	}
	assert_int_equal(message->compact.len, expected.len);
	assert_memory_equal(message->compact.at, expected.at, expected.len);
	buf_fini(&expected);
}

/* What we stored reads back as the same message, with and without the signature check. */
static void assert_rereads(const struct message *message, const uint8_t *hmac)
{
	struct message *again = NULL;
	const char *why = "";
	assert_int_equal(message_reread(message->compact, &again, &why), ERR_OK);
	assert_true(message_id_equal(&again->key, &message->key));
	assert_true(span_equal(again->compact, message->compact));
	assert_true(again->timestamp == message->timestamp);
	message_free(again);
	assert_int_equal(message_verify_stored(message->compact, hmac, &again, &why), ERR_OK);
	message_free(again);
}

static void encodes_as_the_reference_packages(void **state)
{
	(void)state;
	json_t *root = vectors_load("feed-encoding");
	const json_t *vectors = json_object_get(root, "vectors");
	size_t accepted = 0;
	size_t i;
	const json_t *vector;
	assert_int_equal(json_array_size(vectors), 85);
	json_array_foreach(vectors, i, vector)
	{
		struct wire wire;
		struct message *message = NULL;
		const char *why = NULL;
		bool is_fine = vectors_text(vector, "ssb_validate") == NULL &&
			       vectors_text(vector, "ssb_classic") == NULL;
		wire_of(vector, "wire_hex", &wire);
		enum err err = message_verify(buf_span(&wire.raw), wire.hmac, &message, &why);
		if ((err == ERR_OK) != is_fine) {
			fail_msg("%s: %s", vectors_text(vector, "name"), why);
		}
		if (err == ERR_OK) {
			accepted++;
			assert_key(message, vectors_text(vector, "key"));
			assert_signed_text(vector, message);
			assert_forward(vector, &wire, message);
			assert_rereads(message, wire.hmac);
			message_free(message);
		} else {
			assert_int_equal(err, ERR_LIMIT);
		}
		buf_fini(&wire.raw);
	}
	assert_int_equal(accepted, 80);
	json_decref(root);
}

/* The length the vectors give is the number of hashed bytes; the hash proves the bytes, so only the
 * number is left to compare. */
static void measures_utf16_units(void **state)
{
	(void)state;
	json_t *root = vectors_load("feed-encoding");
	size_t i;
	const json_t *vector;
	json_array_foreach(json_object_get(root, "vectors"), i, vector)
	{
		struct wire wire;
		struct json_doc *doc = NULL;
		struct buf pretty = BUF_INIT(1 * MIB);
		struct buf hashed = BUF_INIT(1 * MIB);
		wire_of(vector, "wire_hex", &wire);
		assert_int_equal(json_parse(buf_span(&wire.raw), LIMIT_JSON_DEPTH, &doc), ERR_OK);
		assert_int_equal(json_write_pretty(json_root(doc), &pretty), ERR_OK);
		assert_int_equal(json_units(buf_span(&pretty)),
			json_integer_value(json_object_get(vector, "length_utf16")));
		if (vectors_hex(vector, "hash_hex", &hashed)) {
			assert_int_equal(json_units(buf_span(&pretty)), hashed.len);
		}
		json_doc_free(doc);
		buf_fini(&pretty);
		buf_fini(&hashed);
		buf_fini(&wire.raw);
	}
	json_decref(root);
}

/* The table of protocol/01 §6: where the two validators differ, this is what to do. NULL stands for
 * both saying the same. */
static bool must_accept(const json_t *vector)
{
	bool is_first = vectors_text(vector, "ssb_validate") == NULL;
	bool is_second = vectors_text(vector, "ssb_classic") == NULL;
	if (is_first == is_second) {
		return is_first;
	}
	/* Only a sequence of 2^31 and more is taken where one of the two refuses. */
	return strcmp(vectors_text(vector, "name"), "seq_2147483648") == 0;
}

static enum err judge_after(const json_t *vector, const struct wire *wire, const char **why)
{
	struct chain_head head = {0};
	struct message *message = NULL;
	struct wire before;
	if (vectors_text(vector, "previous_wire_hex") != NULL) {
		wire_of(vector, "previous_wire_hex", &before);
		assert_int_equal(
			message_verify(buf_span(&before.raw), before.hmac, &message, why), ERR_OK);
		head = (struct chain_head){message->sequence, message->key, message->timestamp};
		message_free(message);
		buf_fini(&before.raw);
	}
	if (!wire->is_hmac_fine) {
		return ERR_REFUSED;
	}
	message = NULL;
	enum err err = message_verify(buf_span(&wire->raw), wire->hmac, &message, why);
	if (err == ERR_OK && chain_judge(&head, message) != CHAIN_NEXT) {
		*why = chain_text(chain_judge(&head, message));
		err = ERR_REFUSED;
	}
	message_free(message);
	return err;
}

static void gives_the_verdicts_of_the_table(void **state)
{
	(void)state;
	json_t *root = vectors_load("feed-validation");
	const json_t *vectors = json_object_get(root, "vectors");
	size_t differing = 0;
	size_t i;
	const json_t *vector;
	assert_int_equal(json_array_size(vectors), 110);
	json_array_foreach(vectors, i, vector)
	{
		struct wire wire;
		const char *why = "";
		wire_of(vector, "wire_hex", &wire);
		differing += (vectors_text(vector, "ssb_validate") == NULL) !=
			     (vectors_text(vector, "ssb_classic") == NULL);
		enum err err = judge_after(vector, &wire, &why);
		if ((err == ERR_OK) != must_accept(vector)) {
			fail_msg("%s: %s", vectors_text(vector, "name"),
				err == ERR_OK ? "accepted" : why);
		}
		buf_fini(&wire.raw);
	}
	assert_int_equal(differing, 14);
	json_decref(root);
}

/* A first message with this content, signed by a fixed key, as compact text with `blanks` blanks
 * before it. */
static struct message *sign_first(struct span content, enum err *err, const char **why)
{
	static const uint8_t seed[32] = {1};
	struct key *key = NULL;
	struct signer *signer = NULL;
	struct message *message = NULL;
	struct chain_head head = {0};
	assert_int_equal(key_from_seed(seed, &key), ERR_OK);
	assert_int_equal(signer_new(key, NULL, &signer), ERR_OK);
	*err = signer_sign_next(signer, &head, 1514517067954, content, &message, why);
	signer_free(signer);
	return message;
}

static struct message *assert_signs(struct span content, enum err expected)
{
	enum err err = ERR_OK;
	const char *why = "";
	struct message *message = sign_first(content, &err, &why);
	if (err != expected) {
		fail_msg("%s: %s", err_text(err), why);
	}
	return message;
}

/* Content whose signed message has exactly `units` UTF-16 units. */
static void fill_content(size_t units, struct buf *out)
{
	struct message *message =
		assert_signs(span_text("{\"type\":\"post\",\"text\":\"\"}"), ERR_OK);
	struct json_doc *doc = NULL;
	struct buf pretty = BUF_INIT(1 * MIB);
	assert_int_equal(json_parse(message->compact, LIMIT_JSON_DEPTH, &doc), ERR_OK);
	assert_int_equal(json_write_pretty(json_root(doc), &pretty), ERR_OK);
	json_doc_free(doc);
	buf_clear(out);
	assert_int_equal(buf_append_text(out, "{\"type\":\"post\",\"text\":\""), ERR_OK);
	for (size_t i = pretty.len; i < units; i++) {
		assert_int_equal(buf_append_byte(out, 'x'), ERR_OK);
	}
	assert_int_equal(buf_append_text(out, "\"}"), ERR_OK);
	message_free(message);
	buf_fini(&pretty);
}

static void refuses_messages_over_8192_units(void **state)
{
	(void)state;
	struct buf content = BUF_INIT(16 * MIB);
	fill_content(LIMIT_MESSAGE_UNITS, &content);
	message_free(assert_signs(buf_span(&content), ERR_OK));
	fill_content(LIMIT_MESSAGE_UNITS + 1, &content);
	assert_null(assert_signs(buf_span(&content), ERR_LIMIT));
	fill_content(LIMIT_MESSAGE_UNITS * 7, &content);
	assert_null(assert_signs(buf_span(&content), ERR_LIMIT));
	fill_content(LIMIT_MESSAGE_UNITS * 1000, &content);
	assert_null(assert_signs(buf_span(&content), ERR_LIMIT));
	buf_fini(&content);
}

static void refuses_raw_messages_over_64_kib(void **state)
{
	(void)state;
	struct message *message = assert_signs(span_text("{\"type\":\"post\"}"), ERR_OK);
	struct message *out = NULL;
	const char *why = "";
	size_t far = 1000 * (size_t)LIMIT_MESSAGE_BYTES;
	uint8_t *raw = malloc(far);
	assert_non_null(raw);
	memset(raw, ' ', far);
	memcpy(raw, message->compact.at, message->compact.len);
	assert_int_equal(
		message_verify(span_of(raw, LIMIT_MESSAGE_BYTES), NULL, &out, &why), ERR_OK);
	message_free(out);
	out = NULL;
	assert_int_equal(
		message_verify(span_of(raw, LIMIT_MESSAGE_BYTES + 1), NULL, &out, &why), ERR_LIMIT);
	assert_int_equal(message_verify(span_of(raw, far), NULL, &out, &why), ERR_LIMIT);
	assert_null(out);
	free(raw);
	message_free(message);
}

static void takes_types_of_3_to_52_units(void **state)
{
	(void)state;
	static const struct {
		size_t units;
		enum err err;
	} cases[] = {{0, ERR_REFUSED}, {2, ERR_REFUSED}, {3, ERR_OK}, {52, ERR_OK},
		{53, ERR_REFUSED}, {5200, ERR_REFUSED}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf content = BUF_INIT(64 * KIB);
		assert_int_equal(buf_append_text(&content, "{\"type\":\""), ERR_OK);
		for (size_t k = 0; k < cases[i].units; k++) {
			assert_int_equal(buf_append_byte(&content, 't'), ERR_OK);
		}
		assert_int_equal(buf_append_text(&content, "\"}"), ERR_OK);
		message_free(assert_signs(buf_span(&content), cases[i].err));
		buf_fini(&content);
	}
	/* Units, not bytes and not characters: 26 emoji fit, 27 do not; one emoji is two. */
	struct buf emoji = BUF_INIT(64 * KIB);
	for (size_t count = 1; count <= 27; count++) {
		buf_clear(&emoji);
		assert_int_equal(buf_append_text(&emoji, "{\"type\":\""), ERR_OK);
		for (size_t k = 0; k < count; k++) {
			assert_int_equal(buf_append_text(&emoji, "\xf0\x9f\x98\x80"), ERR_OK);
		}
		assert_int_equal(buf_append_text(&emoji, "\"}"), ERR_OK);
		message_free(assert_signs(
			buf_span(&emoji), count >= 2 && count <= 26 ? ERR_OK : ERR_REFUSED));
	}
	buf_fini(&emoji);
}

static void refuses_messages_that_are_nested_too_deeply(void **state)
{
	(void)state;
	/* 62 arrays below the content are within the depth, but no message of 8192 units can hold
	 * them; 10,000 must not exhaust the stack. */
	static const size_t depths[] = {60, 62, 63, 10000};
	for (size_t i = 0; i < 4; i++) {
		struct buf content = BUF_INIT(64 * KIB);
		assert_int_equal(buf_append_text(&content, "{\"type\":\"post\",\"a\":"), ERR_OK);
		for (size_t k = 0; k < 2 * depths[i]; k++) {
			assert_int_equal(
				buf_append_byte(&content, k < depths[i] ? '[' : ']'), ERR_OK);
		}
		assert_int_equal(buf_append_byte(&content, '}'), ERR_OK);
		message_free(assert_signs(buf_span(&content), i == 0 ? ERR_OK : ERR_LIMIT));
		buf_fini(&content);
	}
}

static void refuses_every_message_with_one_byte_changed(void **state)
{
	(void)state;
	struct message *message = assert_signs(
		span_text("{\"type\":\"post\",\"text\":\"A \\u00e9 \\ud83d\"}"), ERR_OK);
	struct buf raw = BUF_INIT(LIMIT_MESSAGE_BYTES);
	assert_int_equal(buf_append(&raw, message->compact), ERR_OK);
	for (size_t i = 0; i < raw.len; i++) {
		struct message *out = NULL;
		const char *why = NULL;
		raw.at[i] ^= 1;
		enum err err = message_verify(buf_span(&raw), NULL, &out, &why);
		raw.at[i] ^= 1;
		/* A blank more or less would not matter, but in compact text there is none outside
		 * strings. */
		assert_int_equal(err, ERR_REFUSED);
		assert_null(out);
		assert_non_null(why);
	}
	message_free(message);
	buf_fini(&raw);
}

static void writes_the_keyed_form(void **state)
{
	(void)state;
	struct message_id key = {{0}};
	struct buf out = BUF_INIT(1000);
	assert_int_equal(
		message_write_kvt(&key, span_text("{\"a\":1}"), 1514517067954.25, &out), ERR_OK);
	assert_true(span_equal_text(buf_span(&out),
		"{\"key\":\"%AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=.sha256\","
		"\"value\":{\"a\":1},\"timestamp\":1514517067954.25}"));
	struct buf small = BUF_INIT(80);
	assert_int_equal(message_write_kvt(&key, span_text("{\"a\":1}"), 1, &small), ERR_LIMIT);
	assert_int_equal(small.len, 0);
	buf_fini(&out);
	buf_fini(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encodes_as_the_reference_packages),
		cmocka_unit_test(measures_utf16_units),
		cmocka_unit_test(gives_the_verdicts_of_the_table),
		cmocka_unit_test(refuses_messages_over_8192_units),
		cmocka_unit_test(refuses_raw_messages_over_64_kib),
		cmocka_unit_test(takes_types_of_3_to_52_units),
		cmocka_unit_test(refuses_messages_that_are_nested_too_deeply),
		cmocka_unit_test(refuses_every_message_with_one_byte_changed),
		cmocka_unit_test(writes_the_keyed_form),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
