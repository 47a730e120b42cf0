/* feed/json: numbers and strings as V8 prints them, JavaScript's member order, what is no JSON, and
 * the limits. */
#include "lib/cmocka.h"
#include "lib/vectors.h"

#include "base/limits.h"
#include "feed/json.h"

#include <locale.h>
#include <math.h>
#include <sodium.h>
#include <stdlib.h>

static struct json_doc *parsed(struct span text)
{
	struct json_doc *doc = NULL;
	assert_int_equal(json_parse(text, LIMIT_JSON_DEPTH, &doc), ERR_OK);
	return doc;
}

static void assert_compact(struct span text, struct span expected)
{
	struct buf out = BUF_INIT(4 * MIB);
	struct json_doc *doc = parsed(text);
	assert_int_equal(json_write_compact(json_root(doc), &out), ERR_OK);
	assert_int_equal(out.len, expected.len);
	assert_memory_equal(out.at, expected.at, expected.len);
	json_doc_free(doc);
	buf_fini(&out);
}

static void assert_becomes(const char *text, const char *expected)
{
	assert_compact(span_text(text), span_text(expected));
}

static void assert_refused(struct span text)
{
	struct json_doc *doc = NULL;
	assert_int_equal(json_parse(text, LIMIT_JSON_DEPTH, &doc), ERR_REFUSED);
	assert_null(doc);
}

static void prints_every_number_as_v8(void **state)
{
	(void)state;
	json_t *root = vectors_load("numbers");
	size_t i;
	const json_t *pair;
	assert_int_equal(json_array_size(json_object_get(root, "vectors")), 608);
	json_array_foreach(json_object_get(root, "vectors"), i, pair)
	{
		assert_becomes(json_string_value(json_array_get(pair, 0)),
			json_string_value(json_array_get(pair, 1)));
	}
	json_decref(root);
}

static void reads_numbers_without_asking_the_locale(void **state)
{
	(void)state;
	/* Any locale with a comma will do; without one installed, the run still checks that nothing
	 * depends on it being set. */
	static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "C.UTF-8"};
	for (size_t i = 0; i < 3 && setlocale(LC_ALL, names[i]) == NULL; i++) {
	}
	assert_becomes("[1.25,2.2250738585072011e-308,123456789012345678.5]",
		"[1.25,2.225073858507201e-308,123456789012345680]");
	assert_non_null(setlocale(LC_ALL, "C"));
}

static void reads_a_number_of_a_million_digits(void **state)
{
	(void)state;
	size_t count = 1000000;
	char *text = malloc(count + 8);
	assert_non_null(text);
	memset(text, '0', count);
	memcpy(text, "1.", 2);
	text[count - 1] = '1';
	assert_compact(span_of(text, count), span_text("1"));
	text[1] = '0';
	assert_compact(span_of(text, count), span_text("null"));
	memcpy(text + count, "e-999999", 8);
	assert_compact(span_of(text, count + 8), span_text("1"));
	free(text);
}

static void put_unit(uint32_t unit, struct buf *out)
{
	assert_int_equal(buf_printf(out, "\\u%04x", unit), ERR_OK);
}

/* The text given as escapes of its code units, which is what a tree must keep. */
static void prints_every_string_as_v8(void **state)
{
	(void)state;
	json_t *root = vectors_load("strings");
	size_t i;
	const json_t *vector;
	assert_int_equal(json_array_size(json_object_get(root, "vectors")), 72);
	json_array_foreach(json_object_get(root, "vectors"), i, vector)
	{
		struct buf units = BUF_INIT(1 * MIB);
		struct buf escaped = BUF_INIT(1 * MIB);
		struct buf expected = BUF_INIT(1 * MIB);
		assert_true(vectors_hex(vector, "utf16_hex", &units));
		assert_true(vectors_hex(vector, "json_utf8_hex", &expected));
		assert_int_equal(buf_append_byte(&escaped, '"'), ERR_OK);
		for (size_t k = 0; k < units.len; k += 2) {
			put_unit((uint32_t)units.at[k] << 8 | units.at[k + 1], &escaped);
		}
		assert_int_equal(buf_append_byte(&escaped, '"'), ERR_OK);
		assert_compact(buf_span(&escaped), buf_span(&expected));
		assert_compact(buf_span(&expected), buf_span(&expected));
		assert_int_equal(json_units(buf_span(&expected)),
			json_integer_value(json_object_get(vector, "length_utf16")));
		buf_fini(&units);
		buf_fini(&escaped);
		buf_fini(&expected);
	}
	json_decref(root);
}

static void puts_array_indices_first(void **state)
{
	(void)state;
	assert_becomes("{\"b\":1,\"10\":2,\"2\":3,\"a\":4,\"01\":5,\"0\":6}",
		"{\"0\":6,\"2\":3,\"10\":2,\"b\":1,\"a\":4,\"01\":5}");
	assert_becomes("{\"x\":1,\"4294967295\":2,\"4294967294\":3}",
		"{\"4294967294\":3,\"x\":1,\"4294967295\":2}");
}

static void keeps_the_last_double_at_the_first_place(void **state)
{
	(void)state;
	assert_becomes("{\"a\":1,\"b\":2,\"a\":3,\"\\u0061\":4}", "{\"a\":4,\"b\":2}");
	assert_becomes("{\"__proto__\":1,\"x\":2,\"__proto__\":{\"y\":3}}",
		"{\"__proto__\":{\"y\":3},\"x\":2}");
}

/* More members than are compared one by one. */
static void orders_many_members_too(void **state)
{
	(void)state;
	struct buf text = BUF_INIT(4 * MIB);
	struct buf expected = BUF_INIT(4 * MIB);
	assert_int_equal(buf_append_text(&text, "{\"x\":0"), ERR_OK);
	for (int i = 0; i < 20000; i++) {
		assert_int_equal(
			buf_printf(&text, ",\"key%d\":%d,\"%d\":%d", i % 15000, i, 20000 - i, i),
			ERR_OK);
	}
	assert_int_equal(buf_append_byte(&text, '}'), ERR_OK);
	assert_int_equal(buf_append_byte(&expected, '{'), ERR_OK);
	for (int i = 1; i <= 20000; i++) {
		assert_int_equal(buf_printf(&expected, "\"%d\":%d,", i, 20000 - i), ERR_OK);
	}
	assert_int_equal(buf_append_text(&expected, "\"x\":0"), ERR_OK);
	for (int i = 0; i < 15000; i++) {
		assert_int_equal(
			buf_printf(&expected, ",\"key%d\":%d", i, i < 5000 ? i + 15000 : i),
			ERR_OK);
	}
	assert_int_equal(buf_append_byte(&expected, '}'), ERR_OK);
	assert_compact(buf_span(&text), buf_span(&expected));
	buf_fini(&text);
	buf_fini(&expected);
}

static void replaces_each_maximal_invalid_part(void **state)
{
	(void)state;
	assert_becomes("\"\xff\"", "\"\xef\xbf\xbd\"");
	assert_becomes("\"\xe2\x82"
		       "A\"",
		"\"\xef\xbf\xbd"
		"A\"");
	assert_becomes("\"\xed\xa0\xbd\xed\xb8\x80\\n\"",
		"\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\\n\"");
	assert_becomes("\"\xf0\x9f\x98\"", "\"\xef\xbf\xbd\"");
	assert_becomes("{\"\xc0\x80\":1}", "{\"\xef\xbf\xbd\xef\xbf\xbd\":1}");
}

static void refuses_what_is_not_json(void **state)
{
	(void)state;
	static const char *const bad[] = {"", " ", "{", "[", "[1,]", "[,1]", "{\"a\":1,}", "{a:1}",
		"{\"a\"}", "nul", "nulll", "True", "+1", "-", "01", "1.", ".5", "1e", "1e+", "0x10",
		"NaN", "Infinity", "\"", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\n\"",
		"\"\t\"", "'a'", "1 2", "{}{}", "\xef\xbb\xbf{}", "\xc2\xa0{}", "\xff", "[1]x",
		"\"\\\xff\""};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_refused(span_text(bad[i]));
	}
	assert_refused(span_of("\"a\0b\"", 5));
	assert_refused(span_of("1\0", 2));
	assert_refused(span_of("[\0]", 3));
}

static void nest(struct buf *out, size_t depth)
{
	buf_clear(out);
	for (size_t i = 0; i < depth; i++) {
		assert_int_equal(buf_append_byte(out, '['), ERR_OK);
	}
	for (size_t i = 0; i < depth; i++) {
		assert_int_equal(buf_append_byte(out, ']'), ERR_OK);
	}
}

static void refuses_what_is_nested_too_deeply(void **state)
{
	(void)state;
	struct buf text = BUF_INIT(4 * MIB);
	struct json_doc *doc = NULL;
	nest(&text, LIMIT_JSON_DEPTH);
	assert_int_equal(json_parse(buf_span(&text), LIMIT_JSON_DEPTH, &doc), ERR_OK);
	json_doc_free(doc);
	nest(&text, LIMIT_JSON_DEPTH + 1);
	assert_int_equal(json_parse(buf_span(&text), LIMIT_JSON_DEPTH, &doc), ERR_LIMIT);
	nest(&text, 1000 * LIMIT_JSON_DEPTH);
	assert_int_equal(json_parse(buf_span(&text), LIMIT_JSON_DEPTH, &doc), ERR_LIMIT);
	assert_int_equal(json_parse(span_text("[]"), 0, &doc), ERR_LIMIT);
	assert_int_equal(json_parse(span_text("1"), 0, &doc), ERR_OK);
	json_doc_free(doc);
	buf_fini(&text);
}

static void writes_nothing_when_the_room_is_too_small(void **state)
{
	(void)state;
	struct json_doc *doc = parsed(span_text("{\"a\":[1,2,{\"b\":\"long enough\"}]}"));
	struct buf out = BUF_INIT(20);
	assert_int_equal(buf_append_byte(&out, 'x'), ERR_OK);
	assert_int_equal(json_write_compact(json_root(doc), &out), ERR_LIMIT);
	assert_int_equal(out.len, 1);
	assert_int_equal(json_write_pretty(json_root(doc), &out), ERR_LIMIT);
	assert_int_equal(json_write_string(span_text("twenty characters long"), &out), ERR_LIMIT);
	assert_int_equal(out.len, 1);
	json_doc_free(doc);
	buf_fini(&out);
}

static void writes_strangers_bytes_as_valid_text(void **state)
{
	(void)state;
	struct buf out = BUF_INIT(1000);
	assert_int_equal(json_write_string(span_of("a\xff\"\xed\xa0\x80\0\xc3", 8), &out), ERR_OK);
	assert_true(
		span_equal_text(buf_span(&out), "\"a\xef\xbf\xbd\\\"\\ud800\\u0000\xef\xbf\xbd\""));
	buf_fini(&out);
}

static void reads_members_by_type(void **state)
{
	(void)state;
	struct json_doc *doc = parsed(span_text("{\"t\":true,\"one\":1,\"text\":\"true\",\"big\":"
						"9007199254740993,\"half\":0.5,\"far\":1e400,"
						"\"zero\":-0,\"empty\":\"\",\"list\":[]}"));
	const struct json *root = json_root(doc);
	int64_t whole = 7;
	double number = 0;
	assert_true(json_says_true(json_get(root, "t")));
	assert_false(json_says_true(json_get(root, "one")) ||
		     json_says_true(json_get(root, "text")) || json_says_true(NULL));
	assert_true(json_whole(json_get(root, "one"), &whole) && whole == 1);
	assert_false(json_whole(json_get(root, "big"), &whole) ||
		     json_whole(json_get(root, "half"), &whole));
	assert_false(json_whole(json_get(root, "far"), &whole) || json_whole(NULL, &whole));
	assert_true(json_number(json_get(root, "far"), &number) && isinf(number));
	assert_true(json_is_truthy(json_get(root, "list")) &&
		    json_is_truthy(json_get(root, "far")) &&
		    json_is_truthy(json_get(root, "text")));
	assert_false(json_is_truthy(json_get(root, "zero")) ||
		     json_is_truthy(json_get(root, "empty")) || json_is_truthy(NULL));
	assert_null(json_get(root, "none"));
	assert_null(json_get(json_get(root, "one"), "x"));
	assert_int_equal(json_count(root), 9);
	assert_int_equal(json_count(json_get(root, "text")), 0);
	json_doc_free(doc);
}

static void slices_a_member_as_it_stands(void **state)
{
	(void)state;
	static const char text[] = " { \"a\" : {\"value\":0} ,\"value\":1, \"b\\\"\":\"}\\\"]\", "
				   "\"v\\u0061lue\" : [ 1.0, \"]\\\\\" ] , \"z\":null } ";
	struct span out;
	assert_true(json_slice(span_text(text), "value", &out));
	assert_true(span_equal_text(out, "[ 1.0, \"]\\\\\" ]"));
	assert_true(json_slice(span_text(text), "z", &out));
	assert_true(span_equal_text(out, "null"));
	assert_true(json_slice(span_text(text), "b\"", &out));
	assert_true(span_equal_text(out, "\"}\\\"]\""));
	assert_false(json_slice(span_text(text), "none", &out));
	assert_false(json_slice(span_text("{}"), "a", &out) ||
		     json_slice(span_text("[\"a\",1]"), "a", &out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prints_every_number_as_v8),
		cmocka_unit_test(reads_numbers_without_asking_the_locale),
		cmocka_unit_test(reads_a_number_of_a_million_digits),
		cmocka_unit_test(prints_every_string_as_v8),
		cmocka_unit_test(puts_array_indices_first),
		cmocka_unit_test(keeps_the_last_double_at_the_first_place),
		cmocka_unit_test(orders_many_members_too),
		cmocka_unit_test(replaces_each_maximal_invalid_part),
		cmocka_unit_test(refuses_what_is_not_json),
		cmocka_unit_test(refuses_what_is_nested_too_deeply),
		cmocka_unit_test(writes_nothing_when_the_room_is_too_small),
		cmocka_unit_test(writes_strangers_bytes_as_valid_text),
		cmocka_unit_test(reads_members_by_type),
		cmocka_unit_test(slices_a_member_as_it_stands),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
