/* config/conf: what a line of kith.conf means, and which it is when it means nothing. */
#include "lib/cmocka.h"

#include "base/buf.h"
#include "base/limits.h"
#include "config/conf.h"

#include <stdlib.h>

static struct buf said;

static void on_pair(void *ctx, unsigned line, const char *name, const char *value)
{
	(void)ctx;
	assert_int_equal(buf_printf(&said, "%u{%s}{%.40s%s}", line, name, value,
				 strlen(value) > 40 ? "…" : ""),
		ERR_OK);
}

static void on_fault(void *ctx, unsigned line, const char *why)
{
	(void)ctx;
	assert_int_equal(buf_printf(&said, "%u! %s.", line, why), ERR_OK);
}

/* What is said of `text`, static. */
static const char *read_span(struct span text)
{
	const struct conf_reader reader = {.on_pair = on_pair, .on_fault = on_fault};
	buf_fini(&said);
	said = BUF_INIT(1 * MIB);
	assert_int_equal(conf_read(text, &reader), ERR_OK);
	const char *out = buf_cstr(&said);
	assert_non_null(out);
	return out;
}

static const char *read_text(const char *text)
{
	return read_span(span_text(text));
}

static void names_and_values_lose_the_blanks_around_them(void **state)
{
	(void)state;
	assert_string_equal(read_text("port = 8008\n"), "1{port}{8008}");
	assert_string_equal(read_text("port=8008"), "1{port}{8008}");
	assert_string_equal(read_text("\n\n  port\t=  8008 \t\r\n"), "3{port}{8008}");
	assert_string_equal(read_text("port: 8008"), "1{port}{8008}");
	assert_string_equal(read_text("host = ::1\nhops = 2"), "1{host}{::1}2{hops}{2}");
	assert_string_equal(read_text("\xef\xbb\xbfport = 1"), "1{port}{1}");
	assert_string_equal(read_text("port ="), "1{port}{}");
	assert_string_equal(read_text(""), "");
}

static void a_comment_has_a_line_of_its_own(void **state)
{
	(void)state;
	assert_string_equal(
		read_text("# port = 1\n; port = 2\n   # [x]\n\t;\nport = 3"), "5{port}{3}");
	assert_string_equal(read_text("data = /a ; b # c"), "1{data}{/a ; b # c}");
}

static void an_indented_line_is_no_continuation(void **state)
{
	(void)state;
	assert_string_equal(read_text("port = 1\n  hops = 2\n"), "1{port}{1}2{hops}{2}");
}

static void what_is_no_pair_is_told_and_the_rest_is_read(void **state)
{
	(void)state;
	assert_string_equal(read_text("port 8008\nhops = 2\nlan\n"),
		"1! is not `name = value`.2{hops}{2}3! is not `name = value`.");
	assert_string_equal(read_text("[node]\nhops = 2\n[=]"),
		"1! is a section; kith.conf has none.2{hops}{2}3! is a section; kith.conf has "
		"none.");
	assert_string_equal(read_text(" = 5"), "1! has no name before its =.");
	assert_string_equal(read_text("\xef\xbb\xbf[x]"), "1! is a section; kith.conf has none.");
}

static void what_is_no_text_is_told(void **state)
{
	(void)state;
	assert_string_equal(
		read_span(span_of("a = b\0c\nd = e", 13)), "1! is not plain text.2{d}{e}");
	assert_string_equal(read_text("a = \xff\nd = e"), "1! is not plain text.2{d}{e}");
	assert_string_equal(read_text("a = \x1b[2J"), "1! is not plain text.");
	assert_string_equal(read_text("a = b\rc = d"), "1! is not plain text.");
	assert_string_equal(read_text("data = /srv/k\xc3\xa4se"), "1{data}{/srv/k\xc3\xa4se}");
	assert_string_equal(
		read_text("\xef\xbb\xbf\xef\xbb\xbf[a=b\nc = d"), "1! is not plain text.2{c}{d}");
}

/* `count` times `c` behind `head`. */
static struct span filled(struct buf *room, const char *head, char c, size_t count)
{
	*room = BUF_INIT(16 * MIB);
	assert_int_equal(buf_append_text(room, head), ERR_OK);
	uint8_t *at = buf_reserve(room, count);
	assert_non_null(at);
	memset(at, c, count);
	buf_added(room, count);
	return buf_span(room);
}

static void a_line_ends_at_its_limit(void **state)
{
	static const size_t over[] = {1, 100, LIMIT_CONF_LINE_BYTES * 10};
	struct buf room;
	(void)state;
	const char *out = read_span(filled(&room, "a = ", 'x', LIMIT_CONF_LINE_BYTES - 4));
	assert_string_equal(out, "1{a}{xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…}");
	buf_fini(&room);
	for (size_t i = 0; i < sizeof(over) / sizeof(over[0]); i++) {
		(void)filled(&room, "a = ", 'x', LIMIT_CONF_LINE_BYTES - 4 + over[i]);
		assert_int_equal(buf_append_text(&room, "\nb = c"), ERR_OK);
		assert_string_equal(read_span(buf_span(&room)), "1! is too long.2{b}{c}");
		buf_fini(&room);
	}
	out = read_span(filled(&room, "a = b", ' ', LIMIT_CONF_LINE_BYTES));
	assert_string_equal(out, "1! is too long.");
	buf_fini(&room);
}

static void a_file_ends_at_its_limit(void **state)
{
	const struct conf_reader reader = {.on_pair = on_pair, .on_fault = on_fault};
	struct buf room;
	(void)state;
	const char *out = read_span(filled(&room, "a = b\n", '\n', LIMIT_CONF_BYTES - 6));
	assert_string_equal(out, "1{a}{b}");
	assert_int_equal(buf_append_byte(&room, '\n'), ERR_OK);
	buf_clear(&said);
	assert_int_equal(conf_read(buf_span(&room), &reader), ERR_LIMIT);
	buf_fini(&room);
	assert_int_equal(conf_read(filled(&room, "a = b\n", '\n', 10 * MIB), &reader), ERR_LIMIT);
	buf_fini(&room);
	assert_int_equal(said.len, 0);
}

static int forget(void **state)
{
	(void)state;
	buf_fini(&said);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_values_lose_the_blanks_around_them),
		cmocka_unit_test(a_comment_has_a_line_of_its_own),
		cmocka_unit_test(an_indented_line_is_no_continuation),
		cmocka_unit_test(what_is_no_pair_is_told_and_the_rest_is_read),
		cmocka_unit_test(what_is_no_text_is_told),
		cmocka_unit_test(a_line_ends_at_its_limit),
		cmocka_unit_test(a_file_ends_at_its_limit),
	};
	return cmocka_run_group_tests(tests, NULL, forget);
}
