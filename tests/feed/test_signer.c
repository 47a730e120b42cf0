/* feed/signer: own messages are like everyone's, times go up, and no number is signed twice. */
#include "lib/cmocka.h"

#include "base/limits.h"
#include "feed/key_inside.h"
#include "feed/signer.h"

#include <math.h>
#include <sodium.h>

static const uint8_t seed[32] = {9, 8, 7};

static struct signer *new_signer(const uint8_t *hmac_key)
{
	struct key *key = NULL;
	struct signer *signer = NULL;
	assert_int_equal(key_from_seed(seed, &key), ERR_OK);
	assert_int_equal(signer_new(key, hmac_key, &signer), ERR_OK);
	return signer;
}

static struct chain_head head_of(const struct message *message)
{
	return (struct chain_head){message->sequence, message->key, message->timestamp};
}

/* Sign text after `head`; NULL when the signer refuses with `expected`. */
static struct message *sign(struct signer *signer, const struct chain_head *head, int64_t now_ms,
	const char *content, enum err expected)
{
	struct message *message = NULL;
	const char *why = NULL;
	enum err err = signer_sign_next(signer, head, now_ms, span_text(content), &message, &why);
	if (err != expected) {
		fail_msg("%s: %s", err_text(err), why);
	}
	return message;
}

static void signs_a_chain_that_others_take(void **state)
{
	(void)state;
	struct signer *signer = new_signer(NULL);
	struct chain_head head = {0};
	for (uint64_t i = 1; i <= 5; i++) {
		struct message *again = NULL;
		const char *why = NULL;
		struct message *message = sign(signer, &head, 1000,
			"{ \"type\" : \"post\", \"10\":1, \"2\":1.50, \"t\":\"\\ud83d\" }", ERR_OK);
		assert_int_equal(message->sequence, i);
		assert_int_equal(chain_judge(&head, message), CHAIN_NEXT);
		assert_int_equal(message_verify(message->compact, NULL, &again, &why), ERR_OK);
		assert_true(message_id_equal(&again->key, &message->key));
		assert_true(feed_id_equal(&message->author, signer_id(signer)));
		/* The same clock each time, and still the claimed times go up. */
		assert_true(message->timestamp == 999.0 + (double)i);
		head = head_of(message);
		message_free(again);
		message_free(message);
	}
	signer_free(signer);
}

static void signs_for_a_private_network(void **state)
{
	(void)state;
	uint8_t hmac_key[HMAC_KEY_BYTES];
	memset(hmac_key, 0x42, sizeof(hmac_key));
	struct signer *signer = new_signer(hmac_key);
	struct chain_head head = {0};
	struct message *again = NULL;
	const char *why = NULL;
	struct message *message = sign(signer, &head, 1000, "{\"type\":\"post\"}", ERR_OK);
	assert_int_equal(message_verify(message->compact, hmac_key, &again, &why), ERR_OK);
	message_free(again);
	assert_int_equal(message_verify(message->compact, NULL, &again, &why), ERR_REFUSED);
	message_free(message);
	signer_free(signer);
}

static void never_signs_two_messages_with_one_number(void **state)
{
	(void)state;
	struct signer *signer = new_signer(NULL);
	struct chain_head empty = {0};
	struct message *first =
		sign(signer, &empty, 1000, "{\"type\":\"post\",\"text\":\"a\"}", ERR_OK);
	struct chain_head head = head_of(first);
	assert_null(sign(signer, &empty, 1000, "{\"type\":\"post\",\"text\":\"b\"}", ERR_EXISTS));
	assert_null(sign(signer, &empty, 1001, "{\"type\":\"post\",\"text\":\"a\"}", ERR_EXISTS));
	/* The very same message again is no second one. */
	struct message *same =
		sign(signer, &empty, 1000, "{\"type\":\"post\",\"text\":\"a\"}", ERR_OK);
	assert_true(span_equal(same->compact, first->compact));
	struct message *second =
		sign(signer, &head, 2000, "{\"type\":\"post\",\"text\":\"c\"}", ERR_OK);
	assert_null(sign(signer, &empty, 1000, "{\"type\":\"post\",\"text\":\"a\"}", ERR_EXISTS));
	assert_null(sign(signer, &head, 2000, "{\"type\":\"post\",\"text\":\"d\"}", ERR_EXISTS));
	message_free(first);
	message_free(same);
	message_free(second);
	signer_free(signer);
}

static void a_refused_message_takes_no_number(void **state)
{
	(void)state;
	struct signer *signer = new_signer(NULL);
	struct chain_head empty = {0};
	assert_null(sign(signer, &empty, 1000, "{\"type\":\"ab\"}", ERR_REFUSED));
	assert_null(sign(signer, &empty, 1000, "[\"type\"]", ERR_REFUSED));
	assert_null(sign(signer, &empty, 1000, "{\"type\":\"post\"}, \"hash\":\"x\"", ERR_REFUSED));
	assert_null(sign(signer, &empty, 1000, "\"no box\"", ERR_REFUSED));
	assert_null(sign(signer, &empty, 1000, "", ERR_REFUSED));
	message_free(sign(signer, &empty, 1000, "\"AAAA.box\"", ERR_OK));
	signer_free(signer);
}

static void times_go_up_after_any_head(void **state)
{
	(void)state;
	static const struct {
		double before;
		int64_t now;
		double after;
	} cases[] = {{1000, 2000, 2000}, {1000, 1000, 1001}, {1000.5, 1000, 1001},
		{3000, 1000, 3001}, {-5, 0, 0}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct signer *signer = new_signer(NULL);
		struct chain_head head = {.sequence = 3, .timestamp = cases[i].before};
		struct message *message =
			sign(signer, &head, cases[i].now, "{\"type\":\"post\"}", ERR_OK);
		assert_true(message->timestamp == cases[i].after);
		message_free(message);
		signer_free(signer);
	}
	static const double far[] = {1e21, 9007199254740992.0, 1.7976931348623157e308};
	for (size_t i = 0; i < 3; i++) {
		struct signer *signer = new_signer(NULL);
		struct chain_head head = {.sequence = 3, .timestamp = far[i]};
		struct message *message = sign(signer, &head, 1000, "{\"type\":\"post\"}", ERR_OK);
		assert_true(isfinite(message->timestamp));
		assert_true(message->timestamp > far[i] || far[i] == 1.7976931348623157e308);
		message_free(message);
		signer_free(signer);
	}
}

static void signs_handshakes_but_no_messages_by_that_door(void **state)
{
	(void)state;
	static const uint8_t bytes[96] = {1, 2, 3};
	static const char text[] =
		"{\n  \"previous\": null,\n  \"sequence\": 1,\n  \"author\": \"@\"}";
	uint8_t signature[64];
	struct signer *signer = new_signer(NULL);
	assert_int_equal(
		signer_handshake_sign(signer, span_of(bytes, sizeof(bytes)), signature), ERR_OK);
	assert_int_equal(
		crypto_sign_verify_detached(signature, bytes, sizeof(bytes), signer_id(signer)->at),
		0);
	assert_int_equal(signer_handshake_sign(signer, span_text(text), signature), ERR_REFUSED);
	assert_int_equal(signer_handshake_sign(signer, span_of(bytes, 32), signature), ERR_REFUSED);
	signer_free(signer);
}

static void agrees_on_a_secret_with_a_peer(void **state)
{
	(void)state;
	uint8_t their_public[32];
	uint8_t their_secret[32];
	uint8_t our_public[32];
	uint8_t ours[32];
	uint8_t theirs[32];
	static const uint8_t low_order[32] = {0};
	struct signer *signer = new_signer(NULL);
	assert_int_equal(crypto_box_keypair(their_public, their_secret), 0);
	assert_int_equal(
		crypto_sign_ed25519_pk_to_curve25519(our_public, signer_id(signer)->at), 0);
	assert_int_equal(signer_handshake_scalar(signer, their_public, ours), ERR_OK);
	assert_int_equal(crypto_scalarmult(theirs, their_secret, our_public), 0);
	assert_memory_equal(ours, theirs, sizeof(ours));
	assert_int_equal(signer_handshake_scalar(signer, low_order, ours), ERR_REFUSED);
	signer_free(signer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_a_chain_that_others_take),
		cmocka_unit_test(signs_for_a_private_network),
		cmocka_unit_test(never_signs_two_messages_with_one_number),
		cmocka_unit_test(a_refused_message_takes_no_number),
		cmocka_unit_test(times_go_up_after_any_head),
		cmocka_unit_test(signs_handshakes_but_no_messages_by_that_door),
		cmocka_unit_test(agrees_on_a_secret_with_a_peer),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
