/* feed/message_scan against the tree: the same verdict, the same sentence, the same message, for
 * the vectors, for messages with one thing changed, and for many more with some bytes changed. */
#include "lib/cmocka.h"
#include "lib/vectors.h"

#include "feed/message_inside.h"

#include <sodium.h>
#include <stdlib.h>

#define AUTHOR "@CyBVI+VCzD4kbq4cIGlX2HBtRN/67REahLYG5NAksW0=.ed25519"
#define KEY "%CyBVI+VCzD4kbq4cIGlX2HBtRN/67REahLYG5NAksW0=.sha256"
#define SIGNATURE                                                                                  \
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==" \
	".sig.ed25519"
#define BEFORE                                                          \
	"{\"previous\":\"" KEY "\",\"sequence\":2,\"author\":\"" AUTHOR \
	"\",\"timestamp\":1514517067954,\"hash\":\"sha256\",\"content\":"
#define BEHIND ",\"signature\":\"" SIGNATURE "\"}"

enum { MUTATIONS = 400, CHANGES_MAX = 3 };

static struct draft scanned;

static bool is_scanned(struct span raw)
{
	memset(&scanned, 0, sizeof(scanned));
	return message_scan(&scanned, raw);
}

static void assert_same_message(const struct message *a, const struct message *b)
{
	assert_memory_equal(&a->author, &b->author, sizeof(a->author));
	assert_memory_equal(&a->key, &b->key, sizeof(a->key));
	assert_memory_equal(&a->previous, &b->previous, sizeof(a->previous));
	assert_true(a->has_previous == b->has_previous);
	assert_true(a->sequence == b->sequence);
	assert_true(a->timestamp == b->timestamp);
	assert_true(a->is_encrypted == b->is_encrypted);
	assert_true(span_equal(a->compact, b->compact));
	assert_true(span_equal(a->content_text, b->content_text));
	assert_true(span_equal(a->type, b->type));
}

/* Both ways give the same; true when it was a message. */
static bool agree(struct span raw)
{
	struct message *usual = NULL;
	struct message *slow = NULL;
	const char *usual_why = "";
	const char *slow_why = "";
	enum err err = message_reread(raw, &usual, &usual_why);
	if (message_reread_by_tree(raw, &slow, &slow_why) != err ||
		(err != ERR_OK && strcmp(usual_why, slow_why) != 0)) {
		fail_msg("%.*s: %s, %s", (int)raw.len, (const char *)raw.at, usual_why, slow_why);
	}
	if (err == ERR_OK) {
		assert_same_message(usual, slow);
	}
	message_free(usual);
	message_free(slow);
	return err == ERR_OK;
}

static void agrees_with_the_tree_on_all_vectors(void **state)
{
	(void)state;
	static const char *const files[] = {"feed-encoding", "feed-validation"};
	size_t scans = 0;
	for (size_t k = 0; k < 2; k++) {
		json_t *root = vectors_load(files[k]);
		size_t i;
		const json_t *vector;
		json_array_foreach(json_object_get(root, "vectors"), i, vector)
		{
			struct buf raw = BUF_INIT(1 * MIB);
			assert_true(vectors_hex(vector, "wire_hex", &raw));
			(void)agree(buf_span(&raw));
			scans += is_scanned(buf_span(&raw));
			buf_fini(&raw);
		}
		json_decref(root);
	}
	assert_true(scans > 60);
}

static void scan_content(const char *content, bool must_scan, bool must_agree)
{
	struct buf text = BUF_INIT(1 * MIB);
	assert_int_equal(buf_append_text(&text, BEFORE), ERR_OK);
	assert_int_equal(buf_append_text(&text, content), ERR_OK);
	assert_int_equal(buf_append_text(&text, BEHIND), ERR_OK);
	if (is_scanned(buf_span(&text)) != must_scan) {
		fail_msg("%s", content);
	}
	if (agree(buf_span(&text)) != must_agree) {
		fail_msg("%s", content);
	}
	buf_fini(&text);
}

static void reads_what_json_stringify_prints(void **state)
{
	(void)state;
	static const char *const contents[] = {
		"{\"type\":\"post\"}",
		"{\"type\":\"post\",\"text\":\"\"}",
		"{\"type\":\"post\",\"text\":\"a \\\" b \\\\ c \\n \\t \\r \\b \\f / \x7f\"}",
		"{\"type\":\"post\",\"text\":\"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 "
		"\xe2\x80\xa8\"}",
		"{\"type\":\"post\",\"\xc3\xa4\":\"\xc3\xa4\"}",
		"{\"text\":\"\",\"type\":\"post\",\"\":1,\"a1\":2}",
		"{\"type\":\"post\",\"a\":[],\"b\":{},\"c\":[[],{}],\"d\":[1,[2,{\"e\":null}]]}",
		"{\"type\":\"post\",\"a\":[true,false,null,0,1,-1,123456789012345]}",
		"{\"type\":\"post\",\"a\":[0.5,-0.25,1.5e+21,1e-7,0.000001,1e+21,1514517067954.002]"
		"}",
		"{\"type\":\"post\",\"a\":[9007199254740993,5e-324,1.7976931348623157e+308]}",
		"\"AAAA.box\"",
		"\"AAA=.box2\"",
		"\".box\"",
	};
	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
		/* 2^53 + 1 is not what is printed. */
		bool is_printed = strstr(contents[i], "9007199254740993") == NULL;
		scan_content(contents[i], is_printed, true);
	}
}

static void leaves_other_forms_to_the_tree(void **state)
{
	(void)state;
	static const char *const contents[] = {
		" {\"type\":\"post\"}",
		"{ \"type\":\"post\"}",
		"{\"type\": \"post\"}",
		"{\"type\":\"post\" }",
		"{\"type\":\"post\",\"a\":[1, 2]}",
		"{\"type\":\"p\\u006fst\"}",
		"{\"type\":\"post\",\"a\":\"\\u0041\"}",
		"{\"type\":\"post\",\"a\":\"\\/\"}",
		"{\"type\":\"post\",\"a\":\"\\ud800\"}",
		"{\"type\":\"post\",\"a\":\"\\u001f\"}",
		"{\"type\":\"post\",\"a\":\"\xff\"}",
		"{\"type\":\"post\",\"a\":\"\xed\xa0\x80\"}",
		"{\"type\":\"post\",\"a\":\"\xc3\"}",
		"{\"type\":\"post\",\"1\":1}",
		"{\"type\":\"post\",\"a\":{\"b\":1,\"0\":2}}",
		"{\"type\":\"post\",\"a\":1,\"a\":2}",
		"{\"type\":\"post\",\"type\":\"vote\"}",
		"{\"type\":\"post\"},\"content\":{\"type\":\"vote\"}",
		"{\"type\":\"post\",\"\\n\":1,\"\\u000a\":2}",
		"{\"type\":\"post\",\"a\":-0}",
		"{\"type\":\"post\",\"a\":1.0}",
		"{\"type\":\"post\",\"a\":1e3}",
		"{\"type\":\"post\",\"a\":1E3}",
		"{\"type\":\"post\",\"a\":1.5E3}",
		"{\"type\":\"post\",\"a\":1e400}",
		"{\"type\":\"post\",\"a\":0.0000001}",
		"{\"type\":\"post\",\"a\":0.30000000000000004000}",
		"{\"type\":\"post\",\"a\":1000000000000000000000}",
		"{\"type\":\"post\",\"a\":"
		"123456789012345678901234567890123456789012345678901234567890}",
		"{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,\"i\":9,\"j\":10,"
		"\"k\":11,\"l\":12,\"m\":13,\"n\":14,\"o\":15,\"p\":16,\"type\":\"post\"}",
	};
	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
		scan_content(contents[i], false, true);
	}
}

static void says_nothing_about_what_is_wrong(void **state)
{
	(void)state;
	static const char *const contents[] = {
		"",
		"1",
		"null",
		"[]",
		"{}",
		"{\"type\":1}",
		"{\"type\":\"ab\"}",
		"{\"a\":\"type\"}",
		"{\"type\":null}",
		"{\"type\":\"post\"",
		"{\"type\":\"post\"}}",
		"{\"type\":\"post\",}",
		"{\"type\":\"post\",\"a\":}",
		"{\"type\":\"post\",\"a\"}",
		"{\"type\":\"post\",\"a\":01}",
		"{\"type\":\"post\",\"a\":.5}",
		"{\"type\":\"post\",\"a\":1.}",
		"{\"type\":\"post\",\"a\":+1}",
		"{\"type\":\"post\",\"a\":--1}",
		"{\"type\":\"post\",\"a\":1e}",
		"{\"type\":\"post\",\"a\":tru}",
		"{\"type\":\"post\",\"a\":[1,]}",
		"{\"type\":\"post\",\"a\":[1",
		"{\"type\":\"post\",\"a\":\"\n\"}",
		"{\"type\":\"post\",\"a\":\"\\x\"}",
		"{\"type\":\"post\",\"a\":\"",
		"\"AAAA\"",
		"\"AAA.box\"",
		"\"AAB=.box\"",
		"\"AAAA.box3\"",
		"\".b\\u006fx\"x",
		"{type:\"post\"}",
		"{\"type\":\"12345678901234567890123456789012345678901234567890123\"}",
	};
	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
		scan_content(contents[i], false, false);
	}
}

/* The depth at which the tree stops, and the content's arrays around it. */
static void stops_at_the_depth_of_the_tree(void **state)
{
	(void)state;
	for (int depth = LIMIT_JSON_DEPTH - 4; depth <= LIMIT_JSON_DEPTH + 1; depth++) {
		struct buf text = BUF_INIT(1 * MIB);
		assert_int_equal(
			buf_append_text(&text, BEFORE "{\"type\":\"post\",\"a\":"), ERR_OK);
		for (int i = 0; i < depth - 2; i++) {
			assert_int_equal(buf_append_byte(&text, '['), ERR_OK);
		}
		for (int i = 0; i < depth - 2; i++) {
			assert_int_equal(buf_append_byte(&text, ']'), ERR_OK);
		}
		assert_int_equal(buf_append_text(&text, "}" BEHIND), ERR_OK);
		assert_true(is_scanned(buf_span(&text)) == (depth <= LIMIT_JSON_DEPTH));
		(void)agree(buf_span(&text));
		buf_fini(&text);
	}
}

/* Never a byte beyond what was given: each length in its own memory, for the sanitizer. */
static void stays_within_its_bytes(void **state)
{
	(void)state;
	static const char whole[] = BEFORE
		"{\"type\":\"post\",\"text\":\"x \\n\xe2\x82\xac\",\"a\":[1,-2.5,true]}" BEHIND;
	for (size_t len = 0; len < sizeof(whole) - 1; len++) {
		uint8_t *part = malloc(len + 1);
		assert_non_null(part);
		memcpy(part, whole, len);
		uint8_t *exact = realloc(part, len == 0 ? 1 : len);
		assert_non_null(exact);
		assert_false(is_scanned(span_of(exact, len)));
		free(exact);
	}
	assert_true(is_scanned(span_text(whole)));
	assert_true(scanned.pretty_len <= PRETTY_BYTES_MAX);
}

static void takes_only_what_fits_its_room(void **state)
{
	(void)state;
	static const size_t sizes[] = {7000, 8000, 8192, 9000, 23000, 24000, 24200, 24500, 24576,
		25000, 65536, 70000, 16 * MIB};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct buf text = BUF_INIT(32 * MIB);
		assert_int_equal(
			buf_append_text(&text, BEFORE "{\"type\":\"post\",\"text\":\""), ERR_OK);
		while (text.len < sizes[i]) {
			assert_int_equal(buf_append_text(&text, "\xe2\x82\xac"), ERR_OK);
		}
		assert_int_equal(buf_append_text(&text, "\"}" BEHIND), ERR_OK);
		if (is_scanned(buf_span(&text))) {
			assert_true(scanned.pretty_len <= PRETTY_BYTES_MAX);
		}
		(void)agree(buf_span(&text));
		buf_fini(&text);
	}
}

static uint32_t random_below(uint64_t *seed, uint32_t bound)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 33) % bound;
}

/* Bytes that matter in JSON, put, taken away or put in place of others. */
static void mutate(struct buf *text, uint64_t *seed)
{
	static const char bytes[] =
		"{}[]\":,\\0123456789-+.eE ntfu\x01\x7f\x80\xc3\xa4\xed\xa0\xff";
	uint32_t changes = 1 + random_below(seed, CHANGES_MAX);
	for (uint32_t i = 0; i < changes && text->len > 2; i++) {
		size_t at = random_below(seed, (uint32_t)text->len - 1);
		uint8_t byte = (uint8_t)bytes[random_below(seed, sizeof(bytes) - 1)];
		switch (random_below(seed, 3)) {
		case 0:
			text->at[at] = byte;
			break;
		case 1:
			memmove(text->at + at, text->at + at + 1, text->len - at - 1);
			buf_truncate(text, text->len - 1);
			break;
		default:
			assert_int_equal(buf_append_byte(text, 0), ERR_OK);
			memmove(text->at + at + 1, text->at + at, text->len - at - 1);
			text->at[at] = byte;
		}
	}
}

static void agrees_with_the_tree_on_changed_messages(void **state)
{
	(void)state;
	json_t *root = vectors_load("feed-encoding");
	uint64_t seed = 1;
	size_t messages = 0;
	size_t scans = 0;
	size_t i;
	const json_t *vector;
	json_array_foreach(json_object_get(root, "vectors"), i, vector)
	{
		for (int k = 0; k < MUTATIONS; k++) {
			struct buf raw = BUF_INIT(1 * MIB);
			assert_true(vectors_hex(vector, "wire_hex", &raw));
			if (raw.len > 2000) {
				buf_fini(&raw);
				break;
			}
			mutate(&raw, &seed);
			messages += agree(buf_span(&raw));
			scans += is_scanned(buf_span(&raw));
			buf_fini(&raw);
		}
	}
	assert_true(messages > 1000);
	assert_true(scans > 500 && scans < messages);
	json_decref(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_tree_on_all_vectors),
		cmocka_unit_test(reads_what_json_stringify_prints),
		cmocka_unit_test(leaves_other_forms_to_the_tree),
		cmocka_unit_test(says_nothing_about_what_is_wrong),
		cmocka_unit_test(stops_at_the_depth_of_the_tree),
		cmocka_unit_test(stays_within_its_bytes),
		cmocka_unit_test(takes_only_what_fits_its_room),
		cmocka_unit_test(agrees_with_the_tree_on_changed_messages),
	};
	if (sodium_init() < 0) {
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
