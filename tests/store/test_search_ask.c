/* store/search_ask: what was typed is what was meant. */
#include "lib/cmocka.h"

#include "store/search_ask.h"

#include <stdio.h>
#include <stdlib.h>

static struct search_ask reads(const char *typed)
{
	struct search_ask ask;
	if (search_ask_read(span_text(typed), 0, &ask) != ERR_OK) {
		fail_msg("%s", typed);
	}
	return ask;
}

/* Words with their marks: - not there, "…" in a row. */
static void expect_parts(const char *typed, const char *expected)
{
	const struct search_ask ask = reads(typed);
	char text[1024] = "";
	for (size_t i = 0; i < ask.count; i++) {
		const struct search_part *part = &ask.parts[i];
		size_t len = strlen(text);
		(void)snprintf(text + len, sizeof(text) - len, "%s%s%s%.*s%s", i > 0 ? " " : "",
			part->is_not ? "-" : "", part->is_phrase ? "\"" : "", (int)part->text.len,
			(const char *)part->text.at, part->is_phrase ? "\"" : "");
	}
	assert_string_equal(text, expected);
}

static void words_phrases_and_what_must_not_be_there(void **state)
{
	(void)state;
	expect_parts("  one\ttwo\n", "one two");
	expect_parts("\"one two\" three", "\"one two\" three");
	expect_parts("\"one two", "\"one two\"");
	expect_parts("-one -\"two three\" four", "-one -\"two three\" four");
	expect_parts("- one --two \"\" -", "- one --two -");
	expect_parts("fromage: tagged x:y", "fromage: tagged x:y");
	assert_int_equal(reads("-one").said, SEARCH_SAID_ONLY_NOT);
	assert_int_equal(reads("-one from:ana").said, SEARCH_SAID_NOTHING);
}

static void operators_take_what_follows(void **state)
{
	(void)state;
	struct search_ask ask = reads("FROM:\"Ana Lee\" tag:Garden #Tea x before:2026-05");
	assert_true(ask.has_from && span_equal_text(ask.from, "Ana Lee"));
	assert_int_equal(ask.tag_count, 2);
	assert_string_equal(ask.tags[0].text, "garden");
	assert_string_equal(ask.tags[1].text, "tea");
	assert_int_equal(ask.count, 1);
	assert_true(ask.has_before && !ask.has_after);
	assert_int_equal(ask.said, SEARCH_SAID_NOTHING);
	/* Nothing yet, as while somebody types. */
	ask = reads("from: tag: before: after:\"\" x");
	assert_true(!ask.has_from && ask.tag_count == 0 && !ask.has_before && !ask.has_after);
	assert_int_equal(ask.count, 1);
	assert_int_equal(ask.said, SEARCH_SAID_NOTHING);
	ask = reads("from:ana from:ben");
	assert_true(span_equal_text(ask.from, "ben"));
	assert_int_equal(ask.said, SEARCH_SAID_TWICE);
	assert_true(span_equal_text(ask.said_about, "from:ben"));
	assert_int_equal(reads("tag:!!").said, SEARCH_SAID_TAG);
	expect_parts("# #!", "# #!");
}

static void days_begin_where_they_begin(void **state)
{
	static const struct {
		const char *typed;
		int64_t ms;
	} dates[] = {
		{"before:1970", 0},
		{"before:1970-01-02", 86400000},
		{"before:2000-03-01", 951868800000},
		{"before:2024-02-29", 1709164800000},
		{"before:2026", 1767225600000},
		{"before:2026-05", 1777593600000},
		{"before:9999-12-31", 253402214400000},
	};
	static const char *const none[] = {"before:soon", "before:26", "before:2026-5",
		"before:2026-13", "before:2026-00", "before:2026-02-29", "before:2100-02-29",
		"before:2026-04-31", "before:2026-05-01x", "before:2026-05-", "before:1969",
		"before:20260501", "before:2026-05-010", "before:-2026"};
	(void)state;
	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		const struct search_ask ask = reads(dates[i].typed);
		assert_true(ask.has_before);
		assert_int_equal(ask.before_ms, dates[i].ms);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		const struct search_ask ask = reads(none[i]);
		assert_false(ask.has_before);
		assert_int_equal(ask.said, SEARCH_SAID_DATE);
		assert_true(span_equal_text(ask.said_about, none[i]));
	}
	struct search_ask ask;
	assert_int_equal(search_ask_read(span_text("after:2026"), 120, &ask), ERR_OK);
	assert_int_equal(ask.after_ms, 1767225600000 - 2 * 3600000);
}

static void what_is_too_much_is_refused(void **state)
{
	static char many[1000 * LIMIT_SEARCH_CHARS];
	struct search_ask ask;
	(void)state;
	assert_int_equal(search_ask_read(span_text(""), 0, &ask), ERR_REFUSED);
	assert_int_equal(search_ask_read(span_text(" \n"), 0, &ask), ERR_REFUSED);
	assert_int_equal(search_ask_read(span_of("a\0b", 3), 0, &ask), ERR_REFUSED);
	for (size_t i = 0; i < sizeof(many); i++) {
		many[i] = i % 2 == 0 ? 'a' : ' ';
	}
	assert_int_equal(search_ask_read(span_of(many, 2 * LIMIT_SEARCH_WORDS), 0, &ask), ERR_OK);
	assert_int_equal(
		search_ask_read(span_of(many, 2 * LIMIT_SEARCH_WORDS + 1), 0, &ask), ERR_LIMIT);
	memset(many, 'a', sizeof(many));
	assert_int_equal(search_ask_read(span_of(many, LIMIT_SEARCH_CHARS), 0, &ask), ERR_OK);
	assert_int_equal(
		search_ask_read(span_of(many, LIMIT_SEARCH_CHARS + 1), 0, &ask), ERR_LIMIT);
	assert_int_equal(search_ask_read(span_of(many, sizeof(many)), 0, &ask), ERR_LIMIT);
	for (size_t i = 0; i + 3 <= sizeof(many); i += 3) {
		memcpy(many + i, "#a ", 3);
	}
	assert_int_equal(search_ask_read(span_of(many, 3 * LIMIT_SEARCH_WORDS), 0, &ask), ERR_OK);
	assert_int_equal(
		search_ask_read(span_of(many, 3 * LIMIT_SEARCH_WORDS + 3), 0, &ask), ERR_LIMIT);
}

static void what_was_not_understood_has_a_sentence(void **state)
{
	(void)state;
	for (int said = SEARCH_SAID_DATE; said <= SEARCH_SAID_NOBODY; said++) {
		assert_true(search_said_code((enum search_said)said)[0] != '\0');
		assert_true(strchr(search_said_text((enum search_said)said), '.') != NULL);
	}
	assert_string_equal(search_said_code(SEARCH_SAID_NOTHING), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_phrases_and_what_must_not_be_there),
		cmocka_unit_test(operators_take_what_follows),
		cmocka_unit_test(days_begin_where_they_begin),
		cmocka_unit_test(what_is_too_much_is_refused),
		cmocka_unit_test(what_was_not_understood_has_a_sentence),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
