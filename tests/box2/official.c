/*
 * The official vectors of box2, read from their packages (envelope-spec, private-group-spec), which
 * may be used in tests only: whatever they box opens, with each key that they give, and the key of
 * two people is theirs. What they call a TFK id is two bytes of kind and the id.
 */
#include "lib/cmocka.h"

#include "base/encode.h"
#include "base/file.h"
#include "feed/box2.h"
#include "feed/signer.h"
#include "lib/vectors.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROOM = 8192, TFK_BYTES = 34 };

static const char *dir;

static json_t *load(const char *name)
{
	char path[4096];
	json_error_t why;
	(void)snprintf(path, sizeof(path), "%s/node_modules/%s", dir, name);
	json_t *file = json_load_file(path, 0, &why);
	if (file == NULL) {
		fail_msg("%s: %s", path, why.text);
	}
	return file;
}

static void read_base64(const json_t *object, const char *name, uint8_t *out, size_t wanted)
{
	size_t count = 0;
	assert_int_equal(
		base64_decode(span_text(vectors_text(object, name)), out, wanted, &count), ERR_OK);
	assert_int_equal(count, wanted);
}

static void read_tfk(const json_t *object, const char *name, uint8_t id[static 32])
{
	uint8_t tfk[TFK_BYTES];
	read_base64(object, name, tfk, sizeof(tfk));
	memcpy(id, tfk + 2, 32);
}

static void append_base64(const char *text, struct buf *out)
{
	size_t count = 0;
	uint8_t *to = buf_reserve(out, strlen(text));
	assert_non_null(to);
	assert_int_equal(base64_decode(span_text(text), to, strlen(text), &count), ERR_OK);
	buf_added(out, count);
}

static void open_with(
	const json_t *from, const json_t *recipient, const char *ciphertext, const char *wanted)
{
	struct feed_id author;
	struct message_id previous;
	uint8_t key[1][BOX2_KEY_BYTES];
	uint8_t read_key[BOX2_KEY_BYTES];
	struct buf box = BUF_INIT(ROOM);
	struct buf plain = BUF_INIT(ROOM);
	struct buf expected = BUF_INIT(ROOM);
	const struct box2_place place = {.author = &author, .previous = &previous};
	read_tfk(from, "feed_id", author.at);
	read_tfk(from, "prev_msg_id", previous.at);
	read_base64(recipient, "key", key[0], sizeof(key[0]));
	append_base64(ciphertext, &box);
	append_base64(wanted, &expected);
	assert_int_equal(box2_open(buf_span(&box), &place, (const uint8_t(*)[BOX2_KEY_BYTES])key, 1,
				 vectors_text(recipient, "scheme"), read_key, &plain),
		ERR_OK);
	assert_int_equal(plain.len, expected.len);
	assert_memory_equal(plain.at, expected.at, expected.len);
	buf_fini(&box);
	buf_fini(&plain);
	buf_fini(&expected);
}

static void opens_their_envelopes(void **state)
{
	(void)state;
	json_t *boxed = load("envelope-spec/vectors/box1.json");
	const json_t *input = json_object_get(boxed, "input");
	const json_t *recipients = json_object_get(input, "recp_keys");
	assert_int_equal(json_array_size(recipients), 2);
	for (size_t i = 0; i < 2; i++) {
		open_with(input, json_array_get(recipients, i),
			vectors_text(json_object_get(boxed, "output"), "ciphertext"),
			vectors_text(input, "plain_text"));
	}
	json_t *unbox = load("envelope-spec/vectors/unbox1.json");
	input = json_object_get(unbox, "input");
	open_with(input, json_object_get(input, "recipient"), vectors_text(input, "ciphertext"),
		vectors_text(json_object_get(unbox, "output"), "plain_text"));
	json_decref(boxed);
	json_decref(unbox);
}

static void two_people_have_their_key(void **state)
{
	(void)state;
	json_t *file = load("private-group-spec/vectors/direct-message-key1.json");
	const json_t *input = json_object_get(file, "input");
	struct box2_side me;
	struct box2_side you;
	uint8_t secret[32];
	uint8_t product[32];
	uint8_t wanted[32];
	uint8_t keys[BOX2_DM_KEYS][BOX2_KEY_BYTES];
	read_tfk(input, "my_dh_secret", secret);
	read_tfk(input, "my_dh_public", me.point);
	read_tfk(input, "my_feed_id", me.id.at);
	read_tfk(input, "your_dh_public", you.point);
	read_tfk(input, "your_feed_id", you.id.at);
	read_base64(json_object_get(file, "output"), "shared_key", wanted, sizeof(wanted));
	assert_int_equal(crypto_scalarmult(product, secret, you.point), 0);
	assert_int_equal(box2_dm_keys(product, &me, &you, keys), ERR_OK);
	assert_memory_equal(keys[0], wanted, sizeof(wanted));
	json_decref(file);
}

static bool try_message(const json_t *message, const json_t *trial, struct buf *plain)
{
	const json_t *value = json_object_get(message, "value");
	struct feed_id author;
	struct message_id previous = {{0}};
	uint8_t key[1][BOX2_KEY_BYTES];
	uint8_t read_key[BOX2_KEY_BYTES];
	bool is_box2 = false;
	struct buf bytes = BUF_INIT(ROOM);
	const char *before = vectors_text(value, "previous");
	assert_int_equal(feed_id_parse(span_text(vectors_text(value, "author")), &author), ERR_OK);
	if (before != NULL) {
		assert_int_equal(message_id_parse(span_text(before), &previous), ERR_OK);
	}
	const struct box2_place place = {
		.author = &author, .previous = before == NULL ? NULL : &previous};
	assert_int_equal(
		signer_unpack(span_text(vectors_text(value, "content")), &bytes, &is_box2), ERR_OK);
	assert_true(is_box2);
	read_base64(trial, "key", key[0], sizeof(key[0]));
	enum err err = box2_open(buf_span(&bytes), &place, (const uint8_t(*)[BOX2_KEY_BYTES])key, 1,
		vectors_text(trial, "scheme"), read_key, plain);
	buf_fini(&bytes);
	return err == ERR_OK;
}

static void opens_their_groups_messages_with_the_right_key(void **state)
{
	(void)state;
	static const char *const names[] = {"private-group-spec/vectors/unbox1.classic.json",
		"private-group-spec/vectors/unbox2.classic.json"};
	for (size_t i = 0; i < 2; i++) {
		json_t *file = load(names[i]);
		const json_t *input = json_object_get(file, "input");
		const json_t *message = json_array_get(json_object_get(input, "msgs"), 0);
		const json_t *keys = json_object_get(input, "trial_keys");
		const json_t *wanted = json_array_get(
			json_object_get(json_object_get(file, "output"), "msgsContent"), 0);
		size_t opened = 0;
		for (size_t j = 0; j < json_array_size(keys); j++) {
			struct buf plain = BUF_INIT(ROOM);
			if (try_message(message, json_array_get(keys, j), &plain)) {
				json_t *content =
					json_loadb((const char *)plain.at, plain.len, 0, NULL);
				assert_true(json_equal(content, wanted));
				json_decref(content);
				opened++;
			}
			buf_fini(&plain);
		}
		assert_int_equal(opened, 1);
		json_decref(file);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_their_envelopes),
		cmocka_unit_test(two_people_have_their_key),
		cmocka_unit_test(opens_their_groups_messages_with_the_right_key),
	};
	dir = argc > 1 ? argv[1] : "build/box2";
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
