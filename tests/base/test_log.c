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
		cmocka_unit_test(cuts_long_values_and_lines),
		cmocka_unit_test(drops_lines_over_the_limit_and_tells),
		cmocka_unit_test(writes_no_line_below_its_level),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
