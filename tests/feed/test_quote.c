/* feed/quote: words as they are compared, and what stands as a quote. */
#include "lib/cmocka.h"

#include "base/buf.h"
#include "feed/quote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t hash_of(const char *text, size_t count)
{
	struct quote quote;
	assert_int_equal(quote_read(span_text(text), &quote), ERR_OK);
	if (quote.count != count) {
		fail_msg("%s: %zu words, not %zu", text, quote.count, count);
	}
	uint64_t hash = quote_hash(quote.words, quote.count);
	quote_free(&quote);
	return hash;
}

static void words_are_the_same_however_they_are_dressed(void **state)
{
	static const struct {
		const char *one, *two;
		size_t count;
	} same[] = {
		{"unkind words", "UNKIND,\n words!", 2},
		{"unkind words", "**un**kind _words_", 2},
		{"don't", "don\xe2\x80\x99t", 1},
		{"dont", "don't", 1},
		{"caf\xc3\xa9", "CAFE", 1},
		{"caf\xc3\xa9", "cafe\xcc\x81", 1},
		{"un\xe2\x80\x8bkind", "unkind", 1},
		{"\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82",
			"\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82", 1},
		{"a&nbsp;b", "a b", 2},
		{"\xe4\xbd\xa0\xe5\xa5\xbd", "\xe4\xbd\xa0, \xe5\xa5\xbd", 2},
		{"see https://a.example/b?c=1", "see <https://a.example/b?c=1>", 2},
		{"", " \xf0\x9f\x98\x80 ...", 0},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		if (hash_of(same[i].one, same[i].count) != hash_of(same[i].two, same[i].count)) {
			fail_msg("%s and %s differ", same[i].one, same[i].two);
		}
	}
	assert_true(hash_of("one two", 2) != hash_of("two one", 2));
	assert_true(hash_of("one", 1) != hash_of("ones", 1));
}

static void expect_parts(const char *text, const char *parts)
{
	struct quote quote;
	char found[512] = "";
	assert_int_equal(quote_read(span_text(text), &quote), ERR_OK);
	for (size_t i = 0; i < quote.part_count; i++) {
		const struct quote_part *part = &quote.parts[i];
		size_t len = strlen(found);
		(void)snprintf(found + len, sizeof(found) - len, "%c%u(%.*s)", "bmw"[part->kind],
			part -> end - part -> first, (int)(part->to - part->from),
			text + part -> from);
	}
	quote_free(&quote);
	assert_string_equal(found, parts);
}

static void lines_and_marks_are_found(void **state)
{
	(void)state;
	expect_parts("> a b\n> c\n\nd", "b3(> a b\n> c)");
	expect_parts("a\n  - > b", "b1(  - > b)");
	expect_parts("a > b", "");
	expect_parts("a \"b c\" d \"e\"", "m2(\"b c\")m1(\"e\")");
	expect_parts("a \"b\n\nc\" d", "");
	expect_parts("\xe2\x80\x9e"
		     "a\xe2\x80\x9c",
		"m1(\xe2\x80\x9e"
		"a\xe2\x80\x9c)");
	expect_parts("it's Ana's", "");
	expect_parts("'a b' it's", "m2('a b')");
	expect_parts("```\na\n```", "w1(```\na\n```)w1(`\na\n`)");
	expect_parts("[a](b)", "w1([a])");
	expect_parts("*a* b", "w1(*a*)");
	expect_parts("\"\" \"!\"", "");
}

/* Of each of these as much as a message holds: it ends, and stays inside the text. */
static void whatever_people_write_is_read(void **state)
{
	static const char *const pieces[] = {"\"", "'a ", " 'a", "[", "*", "`", "> ", ">\n", "\n",
		"\xe2\x80\x9c", "\xe3\x80\x8c", "@", "@a", "&amp;", "&", "_a ", "~~~\n", "```\n",
		"1. ", "https://", "\xed\xa0\x80", "\xff", "\xc3", "a", "a ", "\xe4\xbd\xa0"};
	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		struct quote quote;
		struct buf text = BUF_INIT(32 * 1024);
		while (text.len < 24 * 1024) {
			assert_int_equal(buf_append_text(&text, pieces[i]), ERR_OK);
		}
		assert_int_equal(quote_read(buf_span(&text), &quote), ERR_OK);
		assert_in_range(quote.part_count, 0, QUOTE_PARTS_MAX);
		for (size_t k = 0; k < quote.count; k++) {
			assert_in_range(quote.words[k].to, quote.words[k].from + 1, text.len);
		}
		for (size_t k = 0; k < quote.part_count; k++) {
			assert_in_range(quote.parts[k].to, quote.parts[k].from + 1, text.len);
			assert_in_range(quote.parts[k].end, quote.parts[k].first + 1, quote.count);
		}
		quote_free(&quote);
		buf_fini(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_the_same_however_they_are_dressed),
		cmocka_unit_test(lines_and_marks_are_found),
		cmocka_unit_test(whatever_people_write_is_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
