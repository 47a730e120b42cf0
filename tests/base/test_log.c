/* base/log: one line per event, whatever a stranger puts into a value, and no more than so many in
 * a second. */
#include "lib/cmocka.h"

#include "base/limits.h"
#include "base/log.h"

#include <stdio.h>

struct world {
	int64_t now_ms;
	size_t lines;
	char last[2 * LIMIT_LOG_LINE_BYTES];
};

static int64_t mono(void *ctx)
{
	return ((struct world *)ctx)->now_ms;
}

static void take_line(void *ctx, enum log_level level, const char *line)
{
	struct world *world = ctx;
	(void)level;
	world->lines++;
	(void)snprintf(world->last, sizeof(world->last), "%s", line);
}

/* Each test has a second of its own: the count of lines is the process's. */
static struct env env_of(struct world *world, int64_t second)
{
	world->now_ms = second * 1000;
	world->lines = 0;
	world->last[0] = '\0';
	return (struct env){.mono_ms = mono, .wall_ms = mono, .log_line = take_line, .ctx = world};
}

static void writes_names_and_values(void **state)
{
	(void)state;
	struct world world;
	struct env env = env_of(&world, 1);
	LOG(&env, LOG_INFO, "peer.connected", LOG_TEXT("host", "10.0.0.1"), LOG_NUM("ms", -12),
		LOG_TEXT("why", "two words"), LOG_TEXT("none", ""));
	assert_string_equal(
		world.last, "peer.connected host=10.0.0.1 ms=-12 why=\"two words\" none=\"\"");
}

static void a_value_cannot_forge_a_line_or_a_field(void **state)
{
	(void)state;
	struct world world;
	struct env env = env_of(&world, 2);
	LOG(&env, LOG_INFO, "x", LOG_SPAN("text", span_of("a\nb\"\\\x1b[31m\0\xff", 12)));
	assert_int_equal(world.lines, 1);
	assert_string_equal(world.last, "x text=\"a\\x0ab\\x22\\x5c\\x1b[31m\\x00\\xff\"");
}

static void tells_keys_and_addresses_in_full_only_when_everything_is_logged(void **state)
{
	static const struct {
		const char *address, *shown;
	} cases[] = {{"203.0.113.7:8008", "203.0.*"}, {"net:203.0.113.7:8008~shs:abc", "203.0.*"},
		{"[2001:db8:1::2]:8008", "2001:db8:*"}, {"::1", "::*"}, {"pub.example.org", "name"},
		{"ab.cd.example.org:8008", "name"}, {"net:be.example.org:80~shs:x", "name"},
		{"127.0.0.1", "127.0.*"}, {"12", "name"}, {"fe80::1%eth0", "fe80::*"}, {"", "\"\""},
		{"local", "local"}, {"1.beef:80", "name"},
		{"1111111111111111.2222222222222222", "name"}};
	static const char key[] = "@AAAABBBBCCCCDDDDEEEEFFFFGGGGHHHHIIIIJJJJKKKK=.ed25519";
	char wanted[256];
	(void)state;
	struct world world;
	struct env env = env_of(&world, 6);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		LOG(&env, LOG_INFO, "x", LOG_ADDRESS("at", span_text(cases[i].address)));
		(void)snprintf(wanted, sizeof(wanted), "x at=%s", cases[i].shown);
		assert_string_equal(world.last, wanted);
	}
	LOG(&env, LOG_INFO, "x", LOG_KEY("peer", key), LOG_KEY("feed", "?"));
	assert_string_equal(world.last, "x peer=@AAAABBBB… feed=?");
	log_set_level(LOG_DEBUG);
	LOG(&env, LOG_INFO, "x", LOG_KEY("peer", key), LOG_ADDRESS("at", span_text("10.1.2.3")));
	(void)snprintf(wanted, sizeof(wanted), "x peer=%s at=10.1.2.3", key);
	assert_string_equal(world.last, wanted);
	log_set_level(LOG_INFO);
}

static void each_line_is_an_object_when_asked_for(void **state)
{
	static char text[100 * LIMIT_LOG_VALUE_BYTES];
	(void)state;
	struct world world;
	struct env env = env_of(&world, 7);
	log_set_json(true);
	LOG(&env, LOG_WARN, "x.y", LOG_TEXT("why", "a \"b\"\n\xff"), LOG_NUM("n", -3),
		LOG_KEY("peer", "@AAAABBBBCCCC"), LOG_ADDRESS("at", span_text("10.1.2.3")));
	assert_string_equal(world.last,
		"{\"ts\":7000,\"level\":\"warn\",\"event\":\"x.y\",\"why\":\"a "
		"\\u0022b\\u0022\\u000a\\u00ff\",\"n\":-3,\"peer\":\"@AAAABBBB…\",\"at\":\"10.1.*"
		"\"}");
	/* A field that does not fit is left out whole, and what follows it. */
	memset(text, '\n', sizeof(text));
	struct span span = span_of(text, sizeof(text));
	LOG(&env, LOG_INFO, "x", LOG_SPAN("a", span), LOG_SPAN("b", span), LOG_NUM("c", 1));
	size_t len = strlen(world.last);
	assert_true(len < LIMIT_LOG_LINE_BYTES);
	assert_non_null(strstr(world.last, "\"a\":"));
	assert_null(strstr(world.last, "\"b\""));
	assert_string_equal(world.last + len - 2, "\"}");
	log_set_json(false);
}

static void cuts_long_values_and_lines(void **state)
{
	(void)state;
	struct world world;
	struct env env = env_of(&world, 3);
	static char text[100 * LIMIT_LOG_VALUE_BYTES];
	memset(text, 'a', sizeof(text));
	LOG(&env, LOG_INFO, "x", LOG_SPAN("v", span_of(text, LIMIT_LOG_VALUE_BYTES)));
	assert_int_equal(strlen(world.last), strlen("x v=") + LIMIT_LOG_VALUE_BYTES);
	LOG(&env, LOG_INFO, "x", LOG_SPAN("v", span_of(text, LIMIT_LOG_VALUE_BYTES + 1)));
	assert_int_equal(strlen(world.last), strlen("x v=\"…\"") + LIMIT_LOG_VALUE_BYTES);
	memset(text, '\n', sizeof(text));
	struct span span = span_of(text, sizeof(text));
	LOG(&env, LOG_INFO, "x", LOG_SPAN("a", span), LOG_SPAN("b", span), LOG_SPAN("c", span),
		LOG_SPAN("d", span));
	assert_int_equal(strlen(world.last), LIMIT_LOG_LINE_BYTES - 1);
}

static void drops_lines_over_the_limit_and_tells(void **state)
{
	(void)state;
	struct world world;
	struct env env = env_of(&world, 4);
	for (size_t i = 0; i < 1000 * LIMIT_LOG_LINES_PER_SECOND; i++) {
		LOG(&env, LOG_INFO, "x", LOG_NUM("i", i));
	}
	assert_int_equal(world.lines, LIMIT_LOG_LINES_PER_SECOND);
	world.now_ms += 1000;
	LOG(&env, LOG_INFO, "x", LOG_NUM("i", 7));
	assert_string_equal(world.last, "x i=7 lines_dropped=99900");
}

static void writes_no_line_below_its_level(void **state)
{
	(void)state;
	struct world world;
	struct env env = env_of(&world, 6);
	LOG(&env, LOG_DEBUG, "x", LOG_NUM("i", 1));
	assert_int_equal(world.lines, 0);
	log_set_level(LOG_WARN);
	LOG(&env, LOG_INFO, "x", LOG_NUM("i", 2));
	LOG(&env, LOG_WARN, "x", LOG_NUM("i", 3));
	log_set_level(LOG_INFO);
	assert_int_equal(world.lines, 1);
	assert_string_equal(world.last, "x i=3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_names_and_values),
		cmocka_unit_test(a_value_cannot_forge_a_line_or_a_field),
		cmocka_unit_test(tells_keys_and_addresses_in_full_only_when_everything_is_logged),
		cmocka_unit_test(each_line_is_an_object_when_asked_for),
		cmocka_unit_test(cuts_long_values_and_lines),
		cmocka_unit_test(drops_lines_over_the_limit_and_tells),
		cmocka_unit_test(writes_no_line_below_its_level),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
