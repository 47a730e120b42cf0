/* feed/tag: one tag is one tag, however it is spelt and wherever it is written. */
#include "lib/cmocka.h"

#include "feed/tag.h"

#include <stdio.h>
#include <stdlib.h>

static void expect_tag(const char *spelling, const char *tag)
{
	const struct tag found = tag_normal(span_text(spelling));
	if (strcmp(found.text, tag) != 0) {
		fail_msg("%s: %s, not %s", spelling, found.text, tag);
	}
}

/* ssb-ref@2.16.0 normalizeChannel, and what it leaves open. */
static void spellings_are_compared_as_everywhere(void **state)
{
	(void)state;
	expect_tag("Foo", "foo");
	expect_tag("#foo", "foo");
	expect_tag("foo bar", "foobar");
	expect_tag("a.b,c!", "abc");
	expect_tag("\xc3\x80\xc3\x89", "\xc3\xa0\xc3\xa9");
	expect_tag("<x>(y)[z]\"q\"", "xyzq");
	expect_tag("this-is-a-very-long-channel-name-over-30", "this-is-a-very-long-channel-na");
	expect_tag("", "");
	expect_tag("#", "");
	expect_tag("new people", "newpeople");
	expect_tag("\xd0\x9c\xd0\x9e\xd0\xa0\xd0\x95 \xce\xa9",
		"\xd0\xbc\xd0\xbe\xd1\x80\xd0\xb5\xcf\x89");
	expect_tag("\xe8\x8c\xb6\xe3\x80\x80\xe8\x8c\xb6", "\xe8\x8c\xb6\xe8\x8c\xb6");
	expect_tag("a\xe2\x80\xae"
		   "b\xe2\x80\x8b\x01",
		"ab");
	expect_tag("\xed\xa0\x80x\xff", "x"); /* no characters */
}

static void capitals_have_their_small_letters(void **state)
{
	static const uint32_t pairs[][2] = {{'A', 'a'}, {0xdc, 0xfc}, {0x178, 0xff}, {0x160, 0x161},
		{0x161, 0x161}, {0x13d, 0x13e}, {0x130, 'i'}, {0x386, 0x3ac}, {0x3a9, 0x3c9},
		{0x401, 0x451}, {0x42f, 0x44f}, {0x4c0, 0x4cf}, {0x531, 0x561}, {0x10a0, 0x2d00},
		{0x1e9e, 0xdf}, {0xff21, 0xff41}, {0x10400, 0x10428}, {0x1e921, 0x1e943},
		{0xd7, 0xd7}, {0x3a2, 0x3a2}, {0x4e00, 0x4e00}, {0x10ffff, 0x10ffff}};
	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		assert_int_equal(tag_small_letter(pairs[i][0]), pairs[i][1]);
	}
}

static void a_tag_ends_at_its_limit(void **state)
{
	static char many[1000 * LIMIT_TAG_UNITS * 4];
	(void)state;
	for (size_t units = LIMIT_TAG_UNITS; units <= 1000 * LIMIT_TAG_UNITS; units *= 10) {
		for (size_t i = 0; i < units; i++) {
			memcpy(many + 3 * i, "\xe8\x8c\xb6", 3);
		}
		struct tag tag = tag_normal(span_of(many, 3 * units));
		assert_int_equal(strlen(tag.text), 3 * LIMIT_TAG_UNITS);
		tag = tag_normal(span_of(many, 3 * (LIMIT_TAG_UNITS + 1)));
		assert_int_equal(strlen(tag.text), 3 * LIMIT_TAG_UNITS);
	}
	for (size_t i = 0; i < LIMIT_TAG_UNITS; i++) { /* each is two units */
		memcpy(many + 4 * i, "\xf0\x9f\x98\x80", 4);
	}
	assert_int_equal(strlen(tag_normal(span_of(many, sizeof(many))).text), 2 * LIMIT_TAG_UNITS);
}

/* The tags of a post with that content, with a blank behind each. */
static void expect_tags(const char *content, const char *expected)
{
	struct json_doc *doc = NULL;
	struct content read;
	struct tags tags;
	char text[4096] = "";
	assert_int_equal(json_parse(span_text(content), LIMIT_JSON_DEPTH, &doc), ERR_OK);
	content_read_json(json_root(doc), &read);
	assert_int_equal(read.type, CONTENT_POST);
	tag_set_of(&read.post, &tags);
	struct span rest = tag_set_span(&tags);
	size_t count = 0;
	for (const char *tag = tag_set_next(&rest); tag != NULL; tag = tag_set_next(&rest)) {
		(void)strcat(strcat(text, tag), " ");
		count++;
	}
	assert_int_equal(count, tags.count);
	assert_string_equal(text, expected);
	json_doc_free(doc);
}

static void tags_stand_in_channel_mentions_and_text(void **state)
{
	(void)state;
	expect_tags("{\"type\":\"post\",\"text\":\"a #Tea, #two-words (#x_1) \\\"#q\\\" end#no "
		    "http://a/#no ##no # no &#35; #\xe8\x8c\xb6\xe3\x80\x82\","
		    "\"channel\":\"Garden\",\"mentions\":[{\"link\":\"#TEA\"},{\"link\":\"#\"},{"
		    "\"link\":\"@no\"},\"#more\"]}",
		"garden tea more two-words x_1 q \xe8\x8c\xb6 ");
	expect_tags("{\"type\":\"post\",\"text\":\"`#no` #a ```\\n#no\\n``` #b ` #c\"}", "a b c ");
	expect_tags("{\"type\":\"post\",\"text\":\"\",\"channel\":7,\"mentions\":{}}", "");
}

static void a_post_has_as_many_tags_as_its_limit(void **state)
{
	char *content = malloc(64 + 1000 * LIMIT_TAGS_PER_POST * 8);
	(void)state;
	assert_non_null(content);
	for (size_t wanted = LIMIT_TAGS_PER_POST; wanted <= 1000 * LIMIT_TAGS_PER_POST;
		wanted = wanted == LIMIT_TAGS_PER_POST ? wanted + 1 : 1000 * wanted) {
		struct json_doc *doc = NULL;
		struct content read;
		struct tags tags;
		size_t len = (size_t)sprintf(content, "{\"type\":\"post\",\"text\":\"");
		for (size_t i = 0; i < wanted && i < 1000 * LIMIT_TAGS_PER_POST; i++) {
			len += (size_t)sprintf(content + len, "#t%zu ", i);
		}
		(void)sprintf(content + len, "\"}");
		assert_int_equal(json_parse(span_text(content), LIMIT_JSON_DEPTH, &doc), ERR_OK);
		content_read_json(json_root(doc), &read);
		tag_set_of(&read.post, &tags);
		assert_int_equal(tags.count, LIMIT_TAGS_PER_POST);
		json_doc_free(doc);
	}
	free(content);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spellings_are_compared_as_everywhere),
		cmocka_unit_test(capitals_have_their_small_letters),
		cmocka_unit_test(a_tag_ends_at_its_limit),
		cmocka_unit_test(tags_stand_in_channel_mentions_and_text),
		cmocka_unit_test(a_post_has_as_many_tags_as_its_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
