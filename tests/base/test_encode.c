/* base/encode: strict in, canonical out. */
#include "lib/cmocka.h"

#include "base/encode.h"

static void hex_goes_there_and_back(void **state)
{
	(void)state;
	char text[9];
	uint8_t out[4];
	hex_encode(span_of("\x00\x7f\x80\xff", 4), text);
	assert_string_equal(text, "007f80ff");
	assert_int_equal(hex_decode(span_text(text), out, 4), ERR_OK);
	assert_memory_equal(out, "\x00\x7f\x80\xff", 4);
}

static void hex_refuses_other_lengths_and_capitals(void **state)
{
	(void)state;
	uint8_t out[4];
	assert_int_equal(hex_decode(span_text("00ff0"), out, 2), ERR_REFUSED);
	assert_int_equal(hex_decode(span_text("00FF"), out, 2), ERR_REFUSED);
	assert_int_equal(hex_decode(span_text("00fg"), out, 2), ERR_REFUSED);
}

static void base64_goes_there_and_back_at_every_length(void **state)
{
	(void)state;
	uint8_t in[100];
	for (size_t i = 0; i < sizeof(in); i++) {
		in[i] = (uint8_t)(i * 37 + 11);
	}
	for (size_t len = 0; len <= sizeof(in); len++) {
		char text[BASE64_BYTES(sizeof(in))];
		uint8_t out[sizeof(in)];
		size_t count = 0;
		size_t made = base64_encode(span_of(in, len), text);
		assert_int_equal(made, BASE64_BYTES(len));
		assert_int_equal(
			base64_decode(span_of(text, made), out, sizeof(out), &count), ERR_OK);
		assert_int_equal(count, len);
		assert_memory_equal(out, in, len);
		made = base64url_encode(span_of(in, len), text);
		assert_int_equal(made, BASE64URL_BYTES(len));
		assert_int_equal(
			base64url_decode(span_of(text, made), out, sizeof(out), &count), ERR_OK);
		assert_int_equal(count, len);
		assert_memory_equal(out, in, len);
	}
}

static void base64_refuses_what_is_not_canonical(void **state)
{
	(void)state;
	static const char *const bad[] = {"A", "AA", "AAA", "AB==", "AAB=", "AA=A",
		"A===", "====", "AA==AA==", "AA-_", " AAA", "AAA\n", "AAAA=", "AAAA=="};
	uint8_t out[16];
	size_t count = 0;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(
			base64_decode(span_text(bad[i]), out, sizeof(out), &count), ERR_REFUSED);
		assert_false(base64_is_canonical(span_text(bad[i])));
	}
	assert_true(base64_is_canonical(span_text("")));
	assert_true(base64_is_canonical(span_text("AA==")));
	assert_int_equal(base64_decode(span_text("AAAAAAAA"), out, 5, &count), ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hex_goes_there_and_back),
		cmocka_unit_test(hex_refuses_other_lengths_and_capitals),
		cmocka_unit_test(base64_goes_there_and_back_at_every_length),
		cmocka_unit_test(base64_refuses_what_is_not_canonical),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
