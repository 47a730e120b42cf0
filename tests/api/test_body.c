/* Clients' JSON and query strings, and strangers' texts made fit for an answer. */
#include "api/body.h"

#include "lib/cmocka.h"

#include "base/limits.h"

#include <stdlib.h>

static bool is_taken(const char *text)
{
	json_t *tree = body_parse(span_text(text));
	bool is = tree != NULL;
	json_decref(tree);
	return is;
}

static void takes_only_one_plain_object(void **state)
{
	static const char *const wrong[] = {"", " ", "[]", "null", "1", "\"a\"", "{", "{}x",
		"{\"a\":1,\"a\":2}", "{\"a\":\"\\ud800\"}", "{\"a\":\"\xff\"}", "{'a':1}",
		"{\"a\":NaN}", "{\"a\":1,}"};
	(void)state;
	assert_true(is_taken("{}"));
	assert_true(is_taken(" {\"a\":[1,\"[[[[\",{\"b\":null}]} "));
	assert_true(is_taken("{\"a\":\"\\u0000\"}"));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_false(is_taken(wrong[i]));
	}
}

static bool is_taken_at_depth(size_t depth)
{
	struct buf text = BUF_INIT(1 << 20);
	assert_int_equal(buf_append_text(&text, "{\"a\":"), ERR_OK);
	for (size_t i = 1; i < depth; i++) {
		assert_int_equal(buf_append_byte(&text, '['), ERR_OK);
	}
	assert_int_equal(buf_append_text(&text, depth == 1 ? "1" : ""), ERR_OK);
	for (size_t i = 1; i < depth; i++) {
		assert_int_equal(buf_append_byte(&text, ']'), ERR_OK);
	}
	assert_int_equal(buf_append_byte(&text, '}'), ERR_OK);
	json_t *tree = body_parse(buf_span(&text));
	bool is = tree != NULL;
	json_decref(tree);
	buf_fini(&text);
	return is;
}

static void refuses_a_body_nested_deeper_than_the_limit(void **state)
{
	(void)state;
	assert_true(is_taken_at_depth(1));
	assert_true(is_taken_at_depth(LIMIT_HTTP_BODY_DEPTH));
	assert_false(is_taken_at_depth(LIMIT_HTTP_BODY_DEPTH + 1));
	assert_false(is_taken_at_depth(1000 * LIMIT_HTTP_BODY_DEPTH));
}

static void expect_query(const char *query, const char *name, enum err wanted, const char *value)
{
	struct buf out = BUF_INIT(32);
	assert_int_equal(body_query(span_text(query), name, &out), wanted);
	if (wanted == ERR_OK) {
		assert_true(span_equal_text(buf_span(&out), value));
	}
	buf_fini(&out);
}

static void reads_each_parameter_once_and_decoded(void **state)
{
	(void)state;
	expect_query("a=1&b=2", "b", ERR_OK, "2");
	expect_query("ab=1&b=", "b", ERR_OK, "");
	expect_query("a=x+y%20z%C3%A4", "a", ERR_OK, "x y z\xc3\xa4");
	expect_query("a=1", "b", ERR_NOT_FOUND, NULL);
	expect_query("", "b", ERR_NOT_FOUND, NULL);
	expect_query("a", "a", ERR_NOT_FOUND, NULL);
	expect_query("a=1&a=1", "a", ERR_REFUSED, NULL);
	expect_query("a=%ff", "a", ERR_REFUSED, NULL);
	expect_query("a=%", "a", ERR_REFUSED, NULL);
	expect_query("a=%4", "a", ERR_REFUSED, NULL);
	expect_query("a=12345678901234567890123456789012", "a", ERR_OK,
		"12345678901234567890123456789012");
	expect_query("a=123456789012345678901234567890123", "a", ERR_LIMIT, NULL);
}

static void expect_clean(const char *text, const char *wanted)
{
	json_t *value = body_string(span_text(text));
	assert_non_null(value);
	assert_string_equal(json_string_value(value), wanted);
	json_decref(value);
}

static void makes_utf8_of_whatever_strangers_wrote(void **state)
{
	(void)state;
	expect_clean("", "");
	expect_clean("plain \xf0\x9f\x90\x9d", "plain \xf0\x9f\x90\x9d");
	expect_clean("a\xed\xa0\x80"
		     "b",
		"a\xef\xbf\xbd"
		"b");
	expect_clean("\xed\xa0\xbd\xed\xb0\x9d", "\xef\xbf\xbd\xef\xbf\xbd");
	expect_clean("\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd");
	expect_clean("cut \xe2\x82", "cut \xef\xbf\xbd");
	expect_clean("\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd");
	json_t *nul = body_string(span_of("a\0b", 3));
	assert_int_equal(json_string_length(nul), 3);
	json_decref(nul);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_only_one_plain_object),
		cmocka_unit_test(refuses_a_body_nested_deeper_than_the_limit),
		cmocka_unit_test(reads_each_parameter_once_and_decoded),
		cmocka_unit_test(makes_utf8_of_whatever_strangers_wrote),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
