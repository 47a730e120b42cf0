/* config/settings: who goes before whom, which file is read, and one sentence for each thing that
 * is wrong. */
#include "lib/cmocka.h"
#include "lib/folder.h"

#include "config/config.h"
#include "config/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 256 };

static char dir[64];  /* a data directory */
static char etc[128]; /* the machine's file */
static char in_data[128];

static struct settings *settings;
static struct settings_faults faults;

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	(void)fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

/* With the data directory said by the environment, as first of it. */
static enum err load(struct settings_opts opts)
{
	settings_free(settings);
	opts.etc = etc;
	return settings_load(&opts, &settings, &faults);
}

static int set_up(void **state)
{
	(void)state;
	folder_make(dir, sizeof(dir), "kith-settings");
	(void)snprintf(etc, sizeof(etc), "%s/etc.conf", dir);
	(void)snprintf(in_data, sizeof(in_data), "%s/kith/kith.conf", dir);
	char data[96];
	(void)snprintf(data, sizeof(data), "%s/kith", dir);
	assert_int_equal(mkdir(data, 0700), 0);
	assert_int_equal(setenv("XDG_DATA_HOME", dir, 1), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	settings_free(settings);
	settings = NULL;
	folder_remove(dir);
	return 0;
}

static void assert_origin(enum option option, const char *text, const char *origin)
{
	char said[SETTINGS_TEXT_BYTES];
	char wanted[SETTINGS_TEXT_BYTES];
	settings_origin_text(settings, option, said);
	(void)snprintf(wanted, sizeof(wanted), origin, etc);
	assert_string_equal(settings_text(settings, option), text);
	assert_string_equal(said, wanted);
}

static void without_a_word_everything_is_as_it_always_was(void **state)
{
	char data[96];
	(void)state;
	assert_int_equal(load((struct settings_opts){0}), ERR_OK);
	assert_int_equal(settings_number(settings, OPTION_PORT), 8008);
	assert_int_equal(settings_number(settings, OPTION_HTTP_PORT), 8989);
	assert_true(settings_is_on(settings, OPTION_LAN));
	assert_null(settings_text(settings, OPTION_HOST));
	assert_null(settings_file(settings));
	(void)snprintf(data, sizeof(data), "%s/kith", dir);
	assert_origin(OPTION_DATA, data, "default");
}

static void the_command_line_goes_before_the_environment_before_the_file(void **state)
{
	char port[] = "KITH_PORT=2", http_port[] = "KITH_HTTP_PORT=3", hops[] = "KITH_HOPS=";
	char *environment[] = {port, http_port, hops, NULL};
	struct settings_opts opts = {.environment = environment};
	(void)state;
	write_file(etc, "port = 4\nhttp-port = 5\n\nlan-port = 6\nhops = 1\nlan = no\n");
	opts.flags[OPTION_PORT] = "1";
	assert_int_equal(load(opts), ERR_OK);
	assert_origin(OPTION_PORT, "1", "--port");
	assert_origin(OPTION_HTTP_PORT, "3", "KITH_HTTP_PORT");
	assert_origin(OPTION_LAN_PORT, "6", "%s line 4");
	assert_origin(OPTION_HOPS, "1", "%s line 5"); /* what is empty says nothing */
	assert_origin(OPTION_LAN, "off", "%s line 6");
	assert_origin(OPTION_PEERS_MAX, "256", "default");
	assert_false(settings_is_on(settings, OPTION_LAN));
}

static void the_nearest_file_is_read_and_only_that(void **state)
{
	char other[PATH_BYTES];
	char named[PATH_BYTES + 16];
	char *environment[] = {named, NULL};
	char *data_environment[] = {other, NULL};
	struct settings_opts opts = {.environment = environment};
	(void)state;
	write_file(etc, "port = 1\nhops = 1\n");
	write_file(in_data, "port = 2\n");
	(void)snprintf(other, sizeof(other), "%s/other.conf", dir);
	(void)snprintf(named, sizeof(named), "KITH_CONFIG=%s", other);
	write_file(other, "port = 3\n");
	assert_int_equal(load(opts), ERR_OK);
	assert_string_equal(settings_file(settings), other);
	assert_int_equal(settings_number(settings, OPTION_PORT), 3);
	assert_int_equal(settings_number(settings, OPTION_HOPS), 2);
	opts.flags[OPTION_CONFIG] = etc; /* the command line names another */
	assert_int_equal(load(opts), ERR_OK);
	assert_string_equal(settings_file(settings), etc);
	assert_int_equal(load((struct settings_opts){0}), ERR_OK);
	assert_string_equal(settings_file(settings), in_data);
	opts.flags[OPTION_CONFIG] = ""; /* none */
	assert_int_equal(load(opts), ERR_OK);
	assert_null(settings_file(settings));
	assert_int_equal(settings_number(settings, OPTION_PORT), 8008);
	(void)snprintf(other, sizeof(other), "KITH_DATA=%s", dir); /* where there is none */
	assert_int_equal(load((struct settings_opts){.environment = data_environment}), ERR_OK);
	assert_string_equal(settings_file(settings), etc);
}

static void a_file_says_where_the_data_are_but_not_from_within(void **state)
{
	char text[SETTINGS_TEXT_BYTES];
	(void)state;
	write_file(etc, "data = /srv/kith\n");
	assert_int_equal(load((struct settings_opts){0}), ERR_OK);
	assert_origin(OPTION_DATA, "/srv/kith", "%s line 1");
	write_file(in_data, "data = /srv/kith\n");
	assert_int_equal(load((struct settings_opts){0}), ERR_REFUSED);
	(void)snprintf(text, sizeof(text),
		"%s line 1 says data, but this file stands in the data directory", in_data);
	assert_string_equal(faults.at[0].text, text);
}

static void assert_fault(unsigned i, enum settings_origin origin, unsigned line, const char *end)
{
	assert_true(i < faults.count);
	assert_int_equal(faults.at[i].origin, origin);
	assert_int_equal(faults.at[i].line, line);
	if (!span_ends_with(span_text(faults.at[i].text), end)) {
		fail_msg("\"%s\" does not end with \"%s\"", faults.at[i].text, end);
	}
}

static void all_that_is_wrong_is_told_with_its_line(void **state)
{
	(void)state;
	write_file(etc, "htp-port = 1\nport = many\nhops = 2\nhops = 2\n[x]\nconfig = /x\n"
			"favourite-colour = red\nbackup-dir = backups\nlan = on\n");
	assert_int_equal(load((struct settings_opts){0}), ERR_REFUSED);
	assert_int_equal(faults.count, 7);
	assert_fault(0, SETTINGS_FILE, 1,
		" line 1 says htp-port, which is no option; did you mean "
		"http-port?");
	assert_fault(1, SETTINGS_FILE, 2, " says port, which takes a number from 0 to 65535");
	assert_fault(2, SETTINGS_FILE, 4, " says hops, as line 3 does");
	assert_fault(3, SETTINGS_FILE, 5, " is a section; kith.conf has none");
	assert_fault(4, SETTINGS_FILE, 6,
		" says config, which only the command line and the environment may");
	assert_fault(5, SETTINGS_FILE, 7, " says favourite-colour, which is no option");
	assert_fault(
		6, SETTINGS_FILE, 8, " says backup-dir, which takes a path that begins with /");
	assert_origin(OPTION_HOPS, "2", "%s line 3"); /* what is right can be looked at */
}

static void a_value_that_does_not_count_must_be_right_too(void **state)
{
	struct settings_opts opts = {.flags = {[OPTION_PORT] = "1"}};
	(void)state;
	write_file(etc, "port = many\n");
	assert_int_equal(load(opts), ERR_REFUSED);
	assert_fault(0, SETTINGS_FILE, 1, "takes a number from 0 to 65535");
}

static void what_the_command_line_and_the_environment_say_is_judged(void **state)
{
	char port[] = "KITH_PORT=tcp://10.0.0.1:8008", unknown[] = "KITH_UNKNOWN=1";
	char *environment[] = {port, unknown, NULL};
	struct settings_opts opts = {.environment = environment};
	(void)state;
	assert_int_equal(load(opts), ERR_REFUSED);
	assert_int_equal(faults.count, 1);
	assert_fault(0, SETTINGS_ENV, 0, "KITH_PORT takes a number from 0 to 65535");
	opts.flags[OPTION_HOPS] = "4";
	assert_int_equal(load(opts), ERR_REFUSED);
	assert_int_equal(faults.count, 2);
	assert_fault(1, SETTINGS_FLAG, 0, "--hops takes a number from 1 to 3");
}

static void a_file_that_cannot_be_read_is_told(void **state)
{
	struct settings_opts opts = {.flags = {[OPTION_CONFIG] = "/nowhere/kith.conf"}};
	(void)state;
	assert_int_equal(load(opts), ERR_REFUSED);
	assert_fault(0, SETTINGS_FLAG, 0, "there is no file /nowhere/kith.conf");
	opts.flags[OPTION_CONFIG] = dir;
	assert_int_equal(load(opts), ERR_REFUSED);
	assert_fault(0, SETTINGS_FILE, 0, " cannot be read: Is a directory");
	opts.flags[OPTION_CONFIG] = "/dev/zero";
	assert_int_equal(load(opts), ERR_REFUSED);
	assert_fault(0, SETTINGS_FILE, 0, "/dev/zero is larger than 65536 bytes");
}

static void of_many_faults_the_first_are_told_and_all_are_counted(void **state)
{
	FILE *file = fopen(etc, "w");
	(void)state;
	assert_non_null(file);
	for (int i = 0; i < LIMIT_CONF_FAULTS * 10; i++) {
		(void)fputs("nonsense\n", file);
	}
	assert_int_equal(fclose(file), 0);
	assert_int_equal(load((struct settings_opts){0}), ERR_REFUSED);
	assert_int_equal(faults.count, LIMIT_CONF_FAULTS * 10);
	assert_fault(
		LIMIT_CONF_FAULTS - 1, SETTINGS_FILE, LIMIT_CONF_FAULTS, " is not `name = value`");
}

static void commands_find_the_data_where_the_node_has_them(void **state)
{
	struct buf out = BUF_INIT(4096);
	(void)state;
	assert_int_equal(setenv("KITH_CONFIG", etc, 1), 0);
	write_file(etc, "data = /srv/kith\nnonsense\n");
	assert_int_equal(config_data_dir(NULL, &out), ERR_OK);
	assert_string_equal((const char *)out.at, "/srv/kith");
	buf_clear(&out);
	assert_int_equal(setenv("KITH_DATA", "/srv/other", 1), 0);
	assert_int_equal(config_data_dir(NULL, &out), ERR_OK);
	assert_string_equal((const char *)out.at, "/srv/other");
	buf_clear(&out);
	assert_int_equal(config_data_dir("mine", &out), ERR_OK);
	assert_string_equal((const char *)out.at, "mine");
	assert_int_equal(unsetenv("KITH_DATA"), 0);
	assert_int_equal(unsetenv("KITH_CONFIG"), 0);
	buf_fini(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_a_word_everything_is_as_it_always_was),
		TEST(the_command_line_goes_before_the_environment_before_the_file),
		TEST(the_nearest_file_is_read_and_only_that),
		TEST(a_file_says_where_the_data_are_but_not_from_within),
		TEST(all_that_is_wrong_is_told_with_its_line),
		TEST(a_value_that_does_not_count_must_be_right_too),
		TEST(what_the_command_line_and_the_environment_say_is_judged),
		TEST(a_file_that_cannot_be_read_is_told),
		TEST(of_many_faults_the_first_are_told_and_all_are_counted),
		TEST(commands_find_the_data_where_the_node_has_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
