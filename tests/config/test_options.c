/* config/options: one table, and every value judged alike wherever it was said. */
#include "lib/cmocka.h"

#include "base/limits.h"
#include "config/options.h"

#include <stdio.h>
#include <stdlib.h>

static char why[OPTIONS_WHY_BYTES];

static enum err judge(enum option option, unsigned where, const char *text)
{
	const char *canonical = NULL;
	return options_judge(option, where, text, &canonical, why);
}

static void every_row_is_whole_and_takes_its_own_preset(void **state)
{
	(void)state;
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = options_row((enum option)i);
		assert_non_null(row->name);
		assert_in_range(strlen(row->name), 1, OPTIONS_NAME_BYTES - 1);
		assert_int_equal(
			strspn(row->name, "abcdefghijklmnopqrstuvwxyz-"), strlen(row->name));
		assert_int_equal(options_find(row->name), i);
		assert_non_null(row->help);
		assert_int_not_equal(row->where, 0);
		assert_true((row->preset != NULL) != (row->otherwise != NULL));
		assert_true((row->form != NULL) == (row->kind != OPTION_SWITCH));
		assert_true(row->preset != NULL ||
			    (row->kind != OPTION_SWITCH && row->kind != OPTION_NUMBER));
		if (row->preset != NULL) {
			assert_int_equal(
				judge((enum option)i, OPTION_IN_FILE, row->preset), ERR_OK);
		}
	}
	assert_int_equal(options_find("no-such-thing"), OPTION_COUNT);
}

static void presets_are_what_the_limits_say(void **state)
{
	(void)state;
	assert_int_equal(options_number(options_row(OPTION_PEERS_MAX)->preset), LIMIT_PEERS);
	assert_int_equal(options_row(OPTION_PEERS_MAX)->max, LIMIT_PEERS_MAX);
}

static void a_number_is_digits_within_its_bounds(void **state)
{
	static const char *const wrong[] = {"", "-1", "+1", " 1", "1 ", "0x10", "1e3", "65536",
		"99999999999999999999999999", "1.0", "eight"};
	(void)state;
	assert_int_equal(judge(OPTION_PORT, OPTION_IN_FLAG, "0"), ERR_OK);
	assert_int_equal(judge(OPTION_PORT, OPTION_IN_FLAG, "65535"), ERR_OK);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(judge(OPTION_PORT, OPTION_IN_FLAG, wrong[i]), ERR_REFUSED);
		assert_string_equal(why, "takes a number from 0 to 65535");
	}
	assert_int_equal(judge(OPTION_HOPS, OPTION_IN_FILE, "0"), ERR_REFUSED);
	assert_int_equal(judge(OPTION_HOPS, OPTION_IN_FILE, "3"), ERR_OK);
	assert_int_equal(judge(OPTION_HOPS, OPTION_IN_FILE, "4"), ERR_REFUSED);
}

static void a_switch_understands_the_common_words_and_no_others(void **state)
{
	static const char *const on[] = {"on", "yes", "true", "1"};
	static const char *const off[] = {"off", "no", "false", "0"};
	static const char *const wrong[] = {"", "On", "ON", "2", "maybe", "on off"};
	const char *canonical = NULL;
	(void)state;
	for (size_t i = 0; i < sizeof(on) / sizeof(on[0]); i++) {
		assert_int_equal(
			options_judge(OPTION_LAN, OPTION_IN_ENV, on[i], &canonical, why), ERR_OK);
		assert_string_equal(canonical, "on");
		assert_int_equal(
			options_judge(OPTION_LAN, OPTION_IN_ENV, off[i], &canonical, why), ERR_OK);
		assert_string_equal(canonical, "off");
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(judge(OPTION_LAN, OPTION_IN_ENV, wrong[i]), ERR_REFUSED);
		assert_string_equal(why, "takes on or off");
	}
}

static void other_kinds_take_what_they_say(void **state)
{
	(void)state;
	assert_int_equal(judge(OPTION_LOG_LEVEL, OPTION_IN_FLAG, "warn"), ERR_OK);
	assert_int_equal(judge(OPTION_LOG_LEVEL, OPTION_IN_FLAG, "loud"), ERR_REFUSED);
	assert_string_equal(why, "takes debug, info, warn or error");
	assert_int_equal(judge(OPTION_NETWORK_KEY, OPTION_IN_FLAG,
				 "1KHLiKZvAvjbY1ziZEHMXawbCEIM6qwjCDm3VYRan/s="),
		ERR_OK);
	assert_int_equal(judge(OPTION_NETWORK_KEY, OPTION_IN_FLAG, "1KHL"), ERR_REFUSED);
	assert_int_equal(judge(OPTION_NETWORK_KEY, OPTION_IN_FLAG, "none"), ERR_REFUSED);
	assert_int_equal(judge(OPTION_HOST, OPTION_IN_FLAG, "::1"), ERR_OK);
	assert_int_equal(judge(OPTION_HOST, OPTION_IN_FLAG, "a\nb"), ERR_REFUSED);
	assert_int_equal(judge(OPTION_DATA, OPTION_IN_FLAG, "data"), ERR_OK);
	assert_int_equal(judge(OPTION_DATA, OPTION_IN_ENV, "a\tb"), ERR_REFUSED);
	assert_int_equal(judge(OPTION_DATA, OPTION_IN_FILE, "data"), ERR_REFUSED);
	assert_string_equal(why, "takes a path that begins with /");
	assert_int_equal(judge(OPTION_DATA, OPTION_IN_FILE, "/data"), ERR_OK);
}

static void a_value_ends_at_its_limit(void **state)
{
	static const size_t sizes[] = {
		LIMIT_OPTION_BYTES, LIMIT_OPTION_BYTES + 1, LIMIT_OPTION_BYTES * 1000};
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		char *text = malloc(sizes[i] + 1);
		assert_non_null(text);
		memset(text, '/', sizes[i]);
		text[sizes[i]] = '\0';
		assert_int_equal(
			judge(OPTION_DATA, OPTION_IN_FILE, text), i == 0 ? ERR_OK : ERR_LIMIT);
		free(text);
	}
	assert_string_equal(why, "takes 2048 bytes at most");
}

static void a_slip_finds_the_name_that_was_meant(void **state)
{
	char huge[5000];
	(void)state;
	memset(huge, 'p', sizeof(huge) - 1);
	huge[sizeof(huge) - 1] = '\0';
	assert_string_equal(options_nearest("htp-port", OPTION_IN_FILE), "http-port");
	assert_string_equal(options_nearest("peers_max", OPTION_IN_FILE), "peers-max");
	assert_string_equal(options_nearest("loglevel", OPTION_IN_FILE), "log-level");
	assert_string_equal(options_nearest("Port", OPTION_IN_FILE), "port");
	assert_string_equal(options_nearest("confg", OPTION_IN_FLAG), "config");
	assert_null(options_nearest("confg", OPTION_IN_FILE)); /* it may not stand there */
	assert_null(options_nearest("favourite-colour", OPTION_IN_FILE));
	assert_null(options_nearest("", OPTION_IN_FILE));
	assert_null(options_nearest(huge, OPTION_IN_FILE));
}

static void help_has_every_flag_and_no_line_is_wide(void **state)
{
	struct buf out = BUF_INIT(65536);
	(void)state;
	assert_int_equal(options_help(&out), ERR_OK);
	const char *text = buf_cstr(&out);
	assert_non_null(text);
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = options_row((enum option)i);
		char flag[64];
		bool is_no = row->kind == OPTION_SWITCH && strcmp(row->preset, "on") == 0;
		(void)snprintf(flag, sizeof(flag), "\n  --%s%s", is_no ? "no-" : "", row->name);
		if ((row->where & OPTION_IN_FLAG) != 0 && strstr(text, flag + 1) == NULL) {
			fail_msg("no %s in %s", flag, text);
		}
	}
	for (const char *line = text; *line != '\0';) {
		size_t len = strcspn(line, "\n");
		assert_in_range(len, 1, 90);
		line += len + 1;
	}
	buf_fini(&out);
}

static void names_of_the_environment_are_capitals(void **state)
{
	char name[OPTIONS_NAME_BYTES + 8];
	(void)state;
	options_env_name(OPTION_HTTP_PORT, name);
	assert_string_equal(name, "KITH_HTTP_PORT");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_whole_and_takes_its_own_preset),
		cmocka_unit_test(presets_are_what_the_limits_say),
		cmocka_unit_test(a_number_is_digits_within_its_bounds),
		cmocka_unit_test(a_switch_understands_the_common_words_and_no_others),
		cmocka_unit_test(other_kinds_take_what_they_say),
		cmocka_unit_test(a_value_ends_at_its_limit),
		cmocka_unit_test(a_slip_finds_the_name_that_was_meant),
		cmocka_unit_test(help_has_every_flag_and_no_line_is_wide),
		cmocka_unit_test(names_of_the_environment_are_capitals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
