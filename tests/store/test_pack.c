/* store/pack: whatever was stored comes back to the byte, whatever stands on the disk is read or
 * refused, and it is worth it. */
#include "bench/corpus.h"
#include "lib/authors.h"
#include "lib/cmocka.h"
#include "lib/vectors.h"

#include "base/limits.h"
#include "store/pack.h"

#include <stdlib.h>

static const struct feed_id nobody;

/* Pack and unpack; true when it was packed and did not stay text. */
static bool round_trip(struct span text, const struct feed_id *author, uint64_t sequence)
{
	struct buf body = BUF_INIT(LIMIT_MESSAGE_BYTES);
	struct buf again = BUF_INIT(2 * LIMIT_MESSAGE_BYTES);
	assert_int_equal(buf_append_text(&again, "before"), ERR_OK);
	assert_int_equal(pack_body(text, author, sequence, &body), ERR_OK);
	assert_true(body.len <= text.len);
	bool is_packed = body.at[0] != '{';
	assert_true(is_packed || span_equal(buf_span(&body), text));
	assert_int_equal(pack_text(buf_span(&body), author, sequence, &again), ERR_OK);
	assert_true(span_equal(span_skip(buf_span(&again), 6), text));
	buf_fini(&body);
	buf_fini(&again);
	return is_packed;
}

static void round_trip_message(const struct message *message)
{
	assert_true(round_trip(message->compact, &message->author, message->sequence));
	/* A row that knows another author or number than the message keeps its text. */
	assert_false(round_trip(message->compact, &nobody, message->sequence));
	assert_false(round_trip(message->compact, &message->author, message->sequence + 1));
}

/* Both orders of fields, fractions, exponents, null for Infinity, lone surrogates, boxes, … */
static void every_message_of_the_vectors_comes_back(void **state)
{
	(void)state;
	json_t *root = vectors_load("feed-encoding");
	const json_t *vector = NULL;
	size_t packed = 0;
	size_t i = 0;
	json_array_foreach(json_object_get(root, "vectors"), i, vector)
	{
		struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
		struct message *message = NULL;
		const char *why = NULL;
		if (!vectors_hex(vector, "forward_hex", &text)) {
			continue;
		}
		if (message_reread(buf_span(&text), &message, &why) == ERR_OK) {
			assert_true(span_equal(message->compact, buf_span(&text)));
			round_trip_message(message);
			packed++;
			message_free(message);
		} else {
			(void)round_trip(buf_span(&text), &nobody, 1);
		}
		buf_fini(&text);
	}
	assert_in_range(packed, 20, 85);
	json_decref(root);
}

/* … and of a made-up network, in little more than half the bytes. */
static void a_network_s_messages_come_back_and_take_60_of_100_bytes(void **state)
{
	(void)state;
	enum { MESSAGES = 4000, AUTHORS = 20 };
	struct corpus *corpus = corpus_new(AUTHORS, 7);
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	struct buf body = BUF_INIT(LIMIT_MESSAGE_BYTES);
	size_t raw_bytes = 0;
	size_t packed_bytes = 0;
	for (int i = 0; i < MESSAGES; i++) {
		struct message *message = NULL;
		const char *why = NULL;
		buf_clear(&text);
		buf_clear(&body);
		corpus_next(corpus, &text);
		assert_int_equal(message_reread(buf_span(&text), &message, &why), ERR_OK);
		round_trip_message(message);
		assert_int_equal(
			pack_body(buf_span(&text), &message->author, message->sequence, &body),
			ERR_OK);
		raw_bytes += text.len;
		packed_bytes += body.len;
		message_free(message);
	}
	assert_true(packed_bytes * 100 <= raw_bytes * 60);
	buf_fini(&text);
	buf_fini(&body);
	corpus_free(corpus);
}

/* Contents that look like what is shortened, and are not quite. */
static void contents_that_nearly_are_something_come_back(void **state)
{
	(void)state;
#define ID "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define OTHER "BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define LOOSE "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB="
	static const char *const contents[] = {
		"{\"type\":\"post\",\"text\":\"@" ID ".ed25519\"}",
		"{\"type\":\"post\",\"text\":\"@" LOOSE ".ed25519 is not canonical\"}",
		"{\"type\":\"post\",\"text\":\"@" ID ".sha256 %" ID ".ed25519 &" ID ".ed25519\"}",
		"{\"type\":\"post\",\"text\":\"%" ID ".sha256%" ID ".sha256&" ID ".sha256&" ID
		".sha256%" OTHER ".sha256%" ID ".sha256\"}",
		"{\"type\":\"post\",\"text\":\"@@@@%%%%&&&&@" ID ".ed2551\"}",
		"{\"type\":\"post\",\"text\":\"%" ID ".sha25\"}",
		"{\"type\":\"post\",\"text\":\"\\u0001\\u001f\\b\\n\\\"\\\\ \x7f\"}",
		"{\"type\":\"post\",\"text\":\"\\ud800 lone, \\udc00 lone\"}",
		"{\"type\":\"post\",\"text\":\"\xf0\x9f\x98\x80 \xe8\x8c\xb6 \xc3\xa4\"}",
		"{\"type\":\"post\",\"text\":\"{\\\"type\\\":\\\"post\\\",\\\"text\\\":\\\"\"}",
		"{\"type\":\"post\",\"text\":\"\",\"root\":\"%" ID ".sha256\",\"branch\":[\"%" ID
		".sha256\"],\"mentions\":[{\"link\":\"@" ID
		".ed25519\",\"name\":\"x\"}],\"channel\":\"\"}",
		"{\"type\":\"vote\",\"vote\":{\"link\":\"%" ID
		".sha256\",\"value\":1,\"expression\":\"Like\"}}",
		"{\"type\":\"about\",\"about\":\"@" ID ".ed25519\",\"image\":{\"link\":\"&" ID
		".sha256\",\"type\":\"image/jpeg\",\"size\":5}}",
		"\"" ID ".box\"",
		"\".box\"",
		"\"" ID ".box2\"",
		"\"" LOOSE ".box\"",
		"\"" ID "\"",
		"\"\"",
		"\"",
		"{}",
		"null",
		"1",
		"",
	};
	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
		char signature[BASE64_BYTES(64) + 1];
		uint8_t bytes[64];
		struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
		memset(bytes, (int)i, sizeof(bytes));
		signature[base64_encode(span_of(bytes, sizeof(bytes)), signature)] = '\0';
		assert_int_equal(
			buf_printf(&text,
				"{\"previous\":\"%%" ID ".sha256\",\"author\":\"@" ID
				".ed25519\",\"sequence\":9007199254740991,\"timestamp\":%s,"
				"\"hash\":\"sha256\",\"content\":%s,\"signature\":\"%s"
				".sig.ed25519\"}",
				i % 3 == 0   ? "0"
				: i % 3 == 1 ? "-1.5e-7"
					     : "9007199254740993",
				contents[i], signature),
			ERR_OK);
		assert_true(round_trip(buf_span(&text), &nobody, 9007199254740991));
		buf_fini(&text);
	}
}

/* What has no short form stays text: each change makes one thing another than it is written. */
static void what_is_not_quite_a_message_stays_text(void **state)
{
	(void)state;
	static const struct {
		const char *from, *to;
	} changes[] = {
		{"{\"previous\":null", "{ \"previous\":null"},
		{"null", "nul1"},
		{"null", "\"%x\""},
		{"\"sequence\":1", "\"sequence\":01"},
		{"\"sequence\":1", "\"sequence\":1.0"},
		{"\"timestamp\":", "\"timestamp\": "},
		{"\"timestamp\":", "\"timestamp\":01"},
		{"sha256", "sha512"},
		{"hello", "hel\x01o"},
		{"hello", "hel\x1fo"},
		{"hello", "hel\no"},
		{".sig.ed25519\"}", ".sig.ed25518\"}"},
		{".sig.ed25519\"}", ".sig.ed25519\"} "},
		{".sig", "=.sig"},
	};
	struct author ana;
	author_init(&ana, 1);
	struct message *message = author_post(&ana, "hello");
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
		struct span old = message->compact;
		uint8_t *at = memmem(old.at, old.len, changes[i].from, strlen(changes[i].from));
		assert_non_null(at);
		size_t before = (size_t)(at - old.at);
		assert_int_equal(buf_append(&text, span_take(old, before)), ERR_OK);
		assert_int_equal(buf_append_text(&text, changes[i].to), ERR_OK);
		assert_int_equal(
			buf_append(&text, span_skip(old, before + strlen(changes[i].from))),
			ERR_OK);
		/* A time that is no number as it would be printed is kept as it is. */
		bool is_time = strstr(changes[i].from, "timestamp") != NULL;
		assert_int_equal(round_trip(buf_span(&text), &ana.id, 1), is_time);
		buf_fini(&text);
	}
	message_free(message);
	author_fini(&ana);
}

static void a_text_that_ends_early_stays_text(void **state)
{
	(void)state;
	struct author ana;
	author_init(&ana, 1);
	struct message *message = author_post(&ana, "hello");
	for (size_t len = 1; len < message->compact.len; len++) {
		assert_false(round_trip(span_take(message->compact, len), &ana.id, 1));
	}
	message_free(message);
	author_fini(&ana);
}

static void a_damaged_body_is_refused_or_another_text_and_nothing_else(void **state)
{
	(void)state;
	struct author ana;
	struct buf body = BUF_INIT(LIMIT_MESSAGE_BYTES);
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	author_init(&ana, 1);
	message_free(author_post(&ana, "first"));
	struct message *message = author_contact(&ana, &ana.id, EDGE_FOLLOW);
	assert_int_equal(pack_body(message->compact, &ana.id, 2, &body), ERR_OK);
	/* Up to its signature, and within an id, every cut is seen. */
	for (size_t len = 0; len < body.len; len++) {
		enum err err = pack_text(span_of(body.at, len), &ana.id, 2, &text);
		assert_true(err == ERR_DAMAGED || (err == ERR_OK && len >= 100));
		assert_false(span_equal(buf_span(&text), message->compact));
		buf_clear(&text);
	}
	for (size_t i = 0; i < body.len; i++) {
		for (int bit = 0; bit < 8; bit++) {
			body.at[i] ^= (uint8_t)(1 << bit);
			enum err err = pack_text(buf_span(&body), &ana.id, 2, &text);
			assert_true(err == ERR_OK || err == ERR_DAMAGED);
			assert_true(
				err != ERR_OK || !span_equal(buf_span(&text), message->compact));
			assert_true(err == ERR_OK || text.len == 0);
			buf_clear(&text);
			body.at[i] ^= (uint8_t)(1 << bit);
		}
	}
	message_free(message);
	author_fini(&ana);
	buf_fini(&body);
	buf_fini(&text);
}

/* A code of one byte stands for up to 40: a body must not become more than a message may be. */
static void no_body_writes_more_than_a_message_may_have(void **state)
{
	(void)state;
	static uint8_t body[1000 * KIB];
	struct buf text = BUF_INIT(64 * MIB);
	static const size_t sizes[] = {
		2000, 20000, LIMIT_MESSAGE_BYTES, LIMIT_MESSAGE_BYTES + 1, 1000 * KIB};
	body[0] = PACK_FORM;
	body[1] = 1;
	memset(body + 2 + 64, 6, sizeof(body) - 2 - 64);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		enum err err = pack_text(span_of(body, sizes[i]), &nobody, 1, &text);
		assert_int_equal(err, sizes[i] == 2000 ? ERR_OK : ERR_DAMAGED);
		assert_true(text.len <= LIMIT_MESSAGE_BYTES);
		assert_true(text.cap <= 2 * LIMIT_MESSAGE_BYTES);
		buf_clear(&text);
	}
	buf_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_message_of_the_vectors_comes_back),
		cmocka_unit_test(a_network_s_messages_come_back_and_take_60_of_100_bytes),
		cmocka_unit_test(contents_that_nearly_are_something_come_back),
		cmocka_unit_test(what_is_not_quite_a_message_stays_text),
		cmocka_unit_test(a_text_that_ends_early_stays_text),
		cmocka_unit_test(a_damaged_body_is_refused_or_another_text_and_nothing_else),
		cmocka_unit_test(no_body_writes_more_than_a_message_may_have),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
