/* What a text refers to: the cases deployed clients agree on, and a few of our own. */
#include "api/mentions.h"

#include "lib/cmocka.h"

#include <stdlib.h>

#define FEED "@FbGoHeEcePDG3Evemrc+hm+S77cXKf8BRQgkYinJggg=.ed25519"
#define BLOB "&A1IH98vCxuYI8uNKNVYcjydhgcY8zEa98jxvHa8+3yk=.sha256"
#define MESSAGE "%u/WUB9aYZsCzT+7b6C1aPe51WfPtY4JOBIWhRYAYF4Q=.sha256"
#define UNBOX "dSUYOFGx7+jVvcJxRKeUtxeXYgqBEQtSBlQdDO6AyvQ=.boxs"

static void expect(const char *text, const char *wanted)
{
	struct buf out = BUF_INIT(1 << 20);
	size_t count = 0;
	assert_int_equal(mentions_find(span_text(text), NULL, &out, &count), ERR_OK);
	if (!span_equal_text(buf_span(&out), wanted)) {
		fail_msg("%s: %.*s", text, (int)out.len, (const char *)out.at);
	}
	buf_fini(&out);
}

static void finds_what_deployed_clients_find(void **state)
{
	(void)state;
	/* vectors-extended/mentions.json, as ssb-mentions has them */
	expect("[@cinn](" FEED ") hi", "[{\"link\":\"" FEED "\",\"name\":\"cinn\"}]");
	expect("bare " FEED " x", "[{\"link\":\"" FEED "\"}]");
	expect("![pic.png](" BLOB ")", "[{\"link\":\"" BLOB "\",\"name\":\"pic.png\"}]");
	expect("![pic.png](" BLOB "?unbox=" UNBOX ")",
		"[{\"link\":\"" BLOB "\",\"name\":\"pic.png\",\"query\":{\"unbox\":\"" UNBOX
		"\"}}]");
	expect("[doc.pdf](" BLOB ")", "[{\"link\":\"" BLOB "\",\"name\":\"doc.pdf\"}]");
	expect("see " MESSAGE " and [thr](" MESSAGE ")",
		"[{\"link\":\"" MESSAGE "\"},{\"link\":\"" MESSAGE "\",\"name\":\"thr\"}]");
	expect("#tag one #Two, `#code`", "[{\"link\":\"#tag\"},{\"link\":\"#Two\"}]");
	expect("[@cinn](" FEED ") [@cinn](" FEED ")",
		"[{\"link\":\"" FEED "\",\"name\":\"cinn\"}]");
	expect("[@other name](" FEED ")", "[{\"link\":\"" FEED "\",\"name\":\"other name\"}]");
	expect("http://x.example/ nothing", "[]");
	expect("ssb:feed/classic/FbGoHeEcePDG3Evemrc-hm-S77cXKf8BRQgkYinJggg=", "[]");
	expect("@barename hello", "[]");
	expect("\n```\n" FEED "\n```\n", "[]");
}

static void leaves_code_alone(void **state)
{
	(void)state;
	expect("`" FEED "` ``#a ` b`` #c", "[{\"link\":\"#c\"}]");
	expect("~~~ js\n#a\n~~~~\n#b", "[{\"link\":\"#b\"}]");
	expect("```\n#a\n~~~\n#b", "[]");
	expect("text\n\n    #indented\n\n#b", "[{\"link\":\"#b\"}]");
	expect("` #a", "[{\"link\":\"#a\"}]");
	expect("\\#a \\[x](" FEED ")", "[{\"link\":\"" FEED "\"}]");
}

static void takes_tags_only_at_the_start_of_a_word(void **state)
{
	(void)state;
	expect("end#nope", "[]");
	expect("(#in) *#bold* \"#quoted\"",
		"[{\"link\":\"#in\"},{\"link\":\"#bold\"},{\"link\":\"#quoted\"}]");
	expect("https://x.example/#fragment", "[]");
	expect("# heading\n## second", "[]");
	expect("#gr\xc3\xbc\xc3\x9f"
	       "e, #caf\xc3\xa9\xe2\x80\x94no",
		"[{\"link\":\"#gr\xc3\xbc\xc3\x9f"
		"e\"},{\"link\":\"#caf\xc3\xa9\"}]");
	expect("#", "[]");
}

static void copes_with_brackets_that_never_close(void **state)
{
	(void)state;
	expect("[a](", "[]");
	expect("[a [b](" FEED ")", "[{\"link\":\"" FEED "\",\"name\":\"b\"}]");
	expect("[[nested]](" FEED ")", "[{\"link\":\"" FEED "\",\"name\":\"[nested]\"}]");
	expect("[t](<" MESSAGE "> \"title\")", "[{\"link\":\"" MESSAGE "\",\"name\":\"t\"}]");
	expect("[x](http://example.org) [y](@short)", "[]");
	expect("\\", "[]");
	expect("", "[]");
}

static size_t count_tags(size_t tags)
{
	struct buf text = BUF_INIT(1 << 20);
	struct buf out = BUF_INIT(1 << 20);
	size_t count = 0;
	for (size_t i = 0; i < tags; i++) {
		assert_int_equal(buf_printf(&text, "#t%zu ", i), ERR_OK);
	}
	assert_int_equal(mentions_find(buf_span(&text), NULL, &out, &count), ERR_OK);
	buf_fini(&text);
	buf_fini(&out);
	return count;
}

static void finds_no_more_than_the_limit(void **state)
{
	(void)state;
	assert_int_equal(count_tags(MENTIONS_MAX), MENTIONS_MAX);
	assert_int_equal(count_tags(MENTIONS_MAX + 1), MENTIONS_MAX);
	assert_int_equal(count_tags(1000 * MENTIONS_MAX), MENTIONS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_deployed_clients_find),
		cmocka_unit_test(leaves_code_alone),
		cmocka_unit_test(takes_tags_only_at_the_start_of_a_word),
		cmocka_unit_test(copes_with_brackets_that_never_close),
		cmocka_unit_test(finds_no_more_than_the_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
