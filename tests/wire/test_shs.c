/* wire/shs against the transcripts of secret-handshake and its forgeries, in one piece and byte by
 * byte. */
#include "wire/vectors.h"

#include "wire/shs.h"

#include <sodium.h>

enum { ROOM = 1024 };

/* One side of a transcript. */
struct side {
	struct signer *signer;
	struct shs *shs;
	uint8_t network_key[32];
	uint8_t ephemeral[32];
	struct feed_id server_id;
};

static struct signer *signer_of_seed(const json_t *vector, const char *name)
{
	uint8_t seed[32];
	struct key *key = NULL;
	struct signer *signer = NULL;
	vectors_bytes(vector, name, seed, 32);
	assert_int_equal(key_from_seed(seed, &key), ERR_OK);
	assert_int_equal(signer_new(key, NULL, &signer), ERR_OK);
	return signer;
}

static bool nobody_is_welcome(void *ctx, const struct feed_id *client)
{
	*(struct feed_id *)ctx = *client;
	return false;
}

static void side_init(
	struct side *side, const json_t *vector, bool is_server, struct feed_id *refused)
{
	side->signer =
		signer_of_seed(vector, is_server ? "server_longterm_seed" : "client_longterm_seed");
	vectors_bytes(vector, "network_key", side->network_key, 32);
	vectors_bytes(vector, is_server ? "server_ephemeral_sk" : "client_ephemeral_sk",
		side->ephemeral, 32);
	vectors_bytes(vector, "server_longterm_pk", side->server_id.at, 32);
	struct shs_opts opts = {
		.network_key = side->network_key,
		.signer = side->signer,
		.server_id = is_server ? NULL : &side->server_id,
		.is_welcome = refused == NULL ? NULL : nobody_is_welcome,
		.ctx = refused,
		.ephemeral_secret = side->ephemeral,
	};
	assert_int_equal(shs_new(&opts, &side->shs), ERR_OK);
}

static void side_fini(struct side *side)
{
	shs_free(side->shs);
	signer_free(side->signer);
}

/* Feed `in` in steps; stops at the first error. */
static enum err side_feed(struct side *side, struct span in, size_t step, struct buf *out)
{
	enum err err = ERR_OK;
	do {
		size_t used = 0;
		struct span part = span_take(in, step);
		err = shs_step(side->shs, part, out, &used);
		if (err == ERR_OK) {
			assert_int_equal(used, part.len);
		}
		in = span_skip(in, part.len);
	} while (in.len > 0 && err == ERR_OK);
	return err;
}

static void feed_message(struct side *side, const json_t *vector, const char *message, size_t step,
	const char *answer)
{
	struct buf in = BUF_INIT(ROOM);
	struct buf out = BUF_INIT(ROOM);
	struct buf wanted = BUF_INIT(ROOM);
	if (message != NULL) {
		vectors_unhex(vectors_text(vector, message), &in);
	}
	if (answer != NULL) {
		vectors_unhex(vectors_text(vector, answer), &wanted);
	}
	assert_int_equal(side_feed(side, buf_span(&in), step, &out), ERR_OK);
	assert_bytes(buf_span(&out), buf_span(&wanted));
	buf_fini(&in);
	buf_fini(&out);
	buf_fini(&wanted);
}

static void assert_keys(const struct shs *shs, const json_t *vector, bool is_server)
{
	struct shs_keys keys;
	uint8_t wanted[32];
	const char *const to_them[] = {"client_to_server_key", "client_to_server_nonce"};
	const char *const to_us[] = {"server_to_client_key", "server_to_client_nonce"};
	assert_true(shs_is_done(shs));
	assert_int_equal(shs_wants(shs), 0);
	shs_keys(shs, &keys);
	vectors_bytes(vector, is_server ? to_us[0] : to_them[0], wanted, 32);
	assert_memory_equal(keys.encrypt_key, wanted, 32);
	vectors_bytes(vector, is_server ? to_us[1] : to_them[1], wanted, 24);
	assert_memory_equal(keys.encrypt_nonce, wanted, 24);
	vectors_bytes(vector, is_server ? to_them[0] : to_us[0], wanted, 32);
	assert_memory_equal(keys.decrypt_key, wanted, 32);
	vectors_bytes(vector, is_server ? to_them[1] : to_us[1], wanted, 24);
	assert_memory_equal(keys.decrypt_nonce, wanted, 24);
	vectors_bytes(vector, is_server ? "client_longterm_pk" : "server_longterm_pk", wanted, 32);
	assert_memory_equal(shs_remote(shs)->at, wanted, 32);
}

static void both_sides_speak_every_transcript(void **state)
{
	(void)state;
	json_t *root = vectors_load("shs");
	size_t i;
	json_t *vector;
	json_array_foreach(json_object_get(root, "transcripts"), i, vector)
	{
		for (size_t step = 1; step <= ROOM; step *= 32) {
			struct side client;
			struct side server;
			side_init(&client, vector, false, NULL);
			side_init(&server, vector, true, NULL);
			feed_message(&client, vector, NULL, step, "msg1");
			feed_message(&server, vector, "msg1", step, "msg2");
			feed_message(&client, vector, "msg2", step, "msg3");
			feed_message(&server, vector, "msg3", step, "msg4");
			feed_message(&client, vector, "msg4", step, NULL);
			assert_keys(client.shs, vector, false);
			assert_keys(server.shs, vector, true);
			side_fini(&client);
			side_fini(&server);
		}
	}
	assert_int_equal(i, 4);
	json_decref(root);
}

/* A side that has come as far as waiting for `message` of the transcript. */
static void bring_to(struct side *side, const json_t *vector, const char *message)
{
	bool is_server = strcmp(message, "msg1") == 0 || strcmp(message, "msg3") == 0;
	side_init(side, vector, is_server, NULL);
	if (!is_server) {
		feed_message(side, vector, NULL, ROOM, "msg1");
	}
	if (strcmp(message, "msg3") == 0) {
		feed_message(side, vector, "msg1", ROOM, "msg2");
	}
	if (strcmp(message, "msg4") == 0) {
		feed_message(side, vector, "msg2", ROOM, "msg3");
	}
}

static void assert_says_nothing(const json_t *vector, const char *message, const char *hex)
{
	for (size_t step = 1; step <= ROOM; step *= ROOM) {
		struct side side;
		struct buf in = BUF_INIT(ROOM);
		struct buf out = BUF_INIT(ROOM);
		size_t used = 0;
		bring_to(&side, vector, message);
		vectors_unhex(hex, &in);
		assert_int_equal(side_feed(&side, buf_span(&in), step, &out), ERR_REFUSED);
		assert_int_equal(out.len, 0);
		assert_false(shs_is_done(side.shs));
		/* And stays silent, whatever comes. */
		assert_int_equal(shs_step(side.shs, buf_span(&in), &out, &used), ERR_REFUSED);
		assert_int_equal(used, 0);
		assert_int_equal(out.len, 0);
		buf_fini(&in);
		buf_fini(&out);
		side_fini(&side);
	}
}

static void says_nothing_after_any_forged_message(void **state)
{
	(void)state;
	json_t *root = vectors_load("shs");
	const json_t *base = json_array_get(json_object_get(root, "transcripts"), 0);
	size_t i;
	json_t *negative;
	json_array_foreach(json_object_get(root, "negative"), i, negative)
	{
		const char *message = vectors_text(negative, "message");
		const char *hex = vectors_text(negative, "hex");
		assert_string_equal(vectors_text(negative, "base"), vectors_text(base, "name"));
		if (strcmp(message, "msg1 or msg2") == 0) {
			assert_says_nothing(base, "msg1", hex);
			assert_says_nothing(base, "msg2", hex);
		} else {
			assert_says_nothing(base, message, hex);
		}
	}
	assert_int_equal(i, 17);
	json_decref(root);
}

static void every_flipped_bit_of_every_message_is_refused(void **state)
{
	(void)state;
	static const char *const messages[] = {"msg1", "msg2", "msg3", "msg4"};
	json_t *root = vectors_load("shs");
	const json_t *base = json_array_get(json_object_get(root, "transcripts"), 0);
	for (int m = 0; m < 4; m++) {
		struct buf in = BUF_INIT(ROOM);
		vectors_unhex(vectors_text(base, messages[m]), &in);
		for (size_t i = 0; i < in.len; i += 3) {
			struct side side;
			struct buf out = BUF_INIT(ROOM);
			bring_to(&side, base, messages[m]);
			in.at[i] ^= (uint8_t)(1U << (i % 8));
			assert_int_equal(side_feed(&side, buf_span(&in), ROOM, &out), ERR_REFUSED);
			assert_int_equal(out.len, 0);
			in.at[i] ^= (uint8_t)(1U << (i % 8));
			buf_fini(&out);
			side_fini(&side);
		}
		buf_fini(&in);
	}
	json_decref(root);
}

static void an_unwelcome_client_is_known_by_name_and_gets_no_message_4(void **state)
{
	(void)state;
	json_t *root = vectors_load("shs");
	const json_t *base = json_array_get(json_object_get(root, "transcripts"), 0);
	struct feed_id refused = {{0}};
	struct side server;
	struct buf in = BUF_INIT(ROOM);
	struct buf out = BUF_INIT(ROOM);
	uint8_t client_id[32];
	vectors_bytes(base, "client_longterm_pk", client_id, 32);
	side_init(&server, base, true, &refused);
	feed_message(&server, base, "msg1", ROOM, "msg2");
	vectors_unhex(vectors_text(base, "msg3"), &in);
	assert_int_equal(side_feed(&server, buf_span(&in), ROOM, &out), ERR_REFUSED);
	assert_memory_equal(refused.at, client_id, 32);
	assert_int_equal(out.len, 0);
	buf_fini(&in);
	buf_fini(&out);
	side_fini(&server);
	json_decref(root);
}

static void leaves_what_follows_the_handshake(void **state)
{
	(void)state;
	json_t *root = vectors_load("shs");
	const json_t *base = json_array_get(json_object_get(root, "transcripts"), 0);
	struct side server;
	struct buf in = BUF_INIT(ROOM);
	struct buf out = BUF_INIT(ROOM);
	size_t used = 0;
	side_init(&server, base, true, NULL);
	feed_message(&server, base, "msg1", ROOM, "msg2");
	vectors_unhex(vectors_text(base, "msg3"), &in);
	assert_int_equal(buf_append_text(&in, "box stream"), ERR_OK);
	assert_int_equal(shs_wants(server.shs), 112);
	assert_int_equal(shs_step(server.shs, buf_span(&in), &out, &used), ERR_OK);
	assert_int_equal(used, 112);
	assert_int_equal(shs_step(server.shs, buf_span(&in), &out, &used), ERR_OK);
	assert_int_equal(used, 0);
	buf_fini(&in);
	buf_fini(&out);
	side_fini(&server);
	json_decref(root);
}

static void refuses_to_dial_a_key_that_is_no_point(void **state)
{
	(void)state;
	/* Small order, not on the curve, and not canonical. */
	static const struct feed_id bad[] = {
		{{0}}, {{1}}, {{2}}, {{0xed, [1 ... 30] = 0xff, [31] = 0x7f}}};
	json_t *root = vectors_load("shs");
	const json_t *base = json_array_get(json_object_get(root, "transcripts"), 0);
	struct signer *signer = signer_of_seed(base, "client_longterm_seed");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct shs *shs = NULL;
		struct shs_opts opts = {
			.network_key = bad[0].at, .signer = signer, .server_id = &bad[i]};
		assert_int_equal(shs_new(&opts, &shs), ERR_REFUSED);
		assert_null(shs);
	}
	signer_free(signer);
	json_decref(root);
}

static void two_fresh_handshakes_share_no_byte_of_their_hellos(void **state)
{
	(void)state;
	json_t *root = vectors_load("shs");
	const json_t *base = json_array_get(json_object_get(root, "transcripts"), 0);
	struct signer *signer = signer_of_seed(base, "client_longterm_seed");
	struct buf out = BUF_INIT(ROOM);
	for (int i = 0; i < 2; i++) {
		struct shs *shs = NULL;
		size_t used = 0;
		struct shs_opts opts = {.network_key = signer_id(signer)->at,
			.signer = signer,
			.server_id = signer_id(signer)};
		assert_int_equal(shs_new(&opts, &shs), ERR_OK);
		assert_int_equal(shs_step(shs, span_of(NULL, 0), &out, &used), ERR_OK);
		shs_free(shs);
	}
	assert_int_equal(out.len, 128);
	assert_memory_not_equal(out.at, out.at + 64, 32);
	assert_memory_not_equal(out.at + 32, out.at + 96, 32);
	buf_fini(&out);
	signer_free(signer);
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_sides_speak_every_transcript),
		cmocka_unit_test(says_nothing_after_any_forged_message),
		cmocka_unit_test(every_flipped_bit_of_every_message_is_refused),
		cmocka_unit_test(an_unwelcome_client_is_known_by_name_and_gets_no_message_4),
		cmocka_unit_test(leaves_what_follows_the_handshake),
		cmocka_unit_test(refuses_to_dial_a_key_that_is_no_point),
		cmocka_unit_test(two_fresh_handshakes_share_no_byte_of_their_hellos),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
