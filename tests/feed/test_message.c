/* feed/message against the reference packages: every encoding vector, every verdict of protocol/01
 * §6, and the limits. */
#include "lib/cmocka.h"
#include "lib/vectors.h"

#include "base/encode.h"
#include "base/limits.h"
#include "feed/chain.h"
#include "feed/signer.h"

#include <math.h>
#include <sodium.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encodes_as_the_reference_packages),
		cmocka_unit_test(measures_utf16_units),
		cmocka_unit_test(gives_the_verdicts_of_the_table),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
