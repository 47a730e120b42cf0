/* `kith config`, and that nobody who adds an option forgets the manual, the example or the
 * completion. */
#include "lib/cmocka.h"
#include "lib/shell.h"

#include "base/buf.h"
#include "base/file.h"
#include "config/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MANUAL_BYTES = 1 << 20, NEEDLE_BYTES = 512 };

static const char *expect(const char *line, int wanted, const char *part)
{
	int code = -1;
	const char *text = shell_line(&code, line);
	if (code != wanted || strstr(text, part) == NULL) {
		fail_msg("%s: exit %d, \"%s\" without \"%s\"", line, code, text, part);
	}
	return text;
}

static void a_sound_file_is_good_and_its_values_are_shown_with_their_line(void **state)
{
	(void)state;
	shell_good("mkdir d && printf 'http-port = 7\\n# a word\\nlan = no\\n' >d/kith.conf", "");
	shell_good("kith config check --data d", "d/kith.conf is good.");
	shell_good("kith config show --data d", "\nhttp-port = 7\n");
	shell_good("kith config show --data d", "\nlan = off\n");
	shell_good("kith config show --data d --origin", "(d/kith.conf line 1)\n");
	shell_good("kith config show --data d --origin | grep '^lan ='", "(d/kith.conf line 3)");
	shell_good("KITH_HTTP_PORT=8 kith config show --data d --origin", "(KITH_HTTP_PORT)\n");
	shell_good("kith config show --data d --origin --no-lan", "(--no-lan)\n");
	shell_good("kith config show --data d --json",
		"\"http-port\":{\"value\":7,\"origin\":\"file\",\"where\":\"d/kith.conf line 1\","
		"\"live\":false}");
	shell_good("kith config show --data d --json", "\"lan\":{\"value\":false,");
	shell_good("kith config check --data d --json", "{\"ok\":true,\"file\":\"d/kith.conf\",");
}

static void what_show_prints_is_a_file_that_says_the_same(void **state)
{
	(void)state;
	shell_good(
		"kith config show --data /srv/kith --hops 3 --no-backups --host ::1 >a.conf", "");
	shell_good("kith config show --config a.conf >b.conf; grep -v '^# config' a.conf >a; "
		   "grep -v '^# config' b.conf >b; diff a b && echo same",
		"same");
	shell_good("kith config check a.conf", "a.conf is good.");
}

static void every_fault_is_a_sentence_and_the_exit_code_says_so(void **state)
{
	(void)state;
	shell_good("printf 'htp-port = 1\\nport = x\\n[a]\\n' >bad.conf", "");
	expect("kith config check bad.conf", 1,
		"bad.conf line 1 says htp-port, which is no option; did you mean http-port?\n"
		"bad.conf line 2 says port, which takes a number from 0 to 65535.\n"
		"bad.conf line 3 is a section; kith.conf has none.\n");
	expect("kith config check bad.conf --json", 1,
		"{\"ok\":false,\"file\":\"bad.conf\",\"count\":3,\"faults\":[{\"origin\":\"file\","
		"\"line\":1,\"text\":\"bad.conf line 1 says");
	expect("yes nonsense | head -n 100 >many.conf; kith config check many.conf", 1,
		"And 80 more.\n");
	expect("kith config check nowhere.conf", 1, "there is no file nowhere.conf.\n");
	expect("kith config check --hops 9", 1, "--hops takes a number from 1 to 3.\n");
	expect("KITH_NONSENSE=1 kith config check", 0,
		"Note: no option is called KITH_NONSENSE in the environment.\n");
	expect("kith config", 2, "usage: kith config");
	expect("kith config check a b", 2, "usage: kith config");
	expect("kith config show --lan --no-lan", 2, "--lan or --no-lan, not both");
}

static void a_node_does_not_start_with_a_fault(void **state)
{
	(void)state;
	expect("kith run --data new --config bad.conf", 2,
		"kith run: bad.conf line 1 says htp-port, which is no option; did you mean "
		"http-port?; and 2 more: `kith config check` tells them\n");
	expect("KITH_PORT=many kith run --data new", 2,
		"kith run: KITH_PORT takes a number from 0 to 65535\n");
	expect("kith run --data new --log-level loud", 2,
		"--log-level takes debug, info, warn or error\nusage:");
	shell_good("test ! -e new && echo nothing", "nothing");
}

static void the_example_is_sound_with_and_without_its_comments(void **state)
{
	(void)state;
	shell_good("kith config example >e.conf; kith config check e.conf", "e.conf is good.");
	/* What has a value there, said. */
	shell_good(
		"sed -n 's/^#\\([a-z-]* = [^A-Z]*\\)$/\\1/p' e.conf >said.conf; kith config check "
		"said.conf",
		"said.conf is good.");
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = options_row((enum option)i);
		char wanted[NEEDLE_BYTES];
		(void)snprintf(wanted, sizeof(wanted), "\n#%s = %s\n", row->name,
			row->preset != NULL ? row->preset : row->form);
		if ((row->where & OPTION_IN_FILE) != 0) {
			shell_good("cat e.conf", wanted);
			(void)snprintf(wanted, sizeof(wanted), "{\"name\":\"%s\"", row->name);
			shell_good("kith config example --json", wanted);
		}
	}
}

/* A manual of the tree, its backslashes taken away. */
static char *read_manual(const char *path)
{
	struct buf text = BUF_INIT(MANUAL_BYTES);
	assert_int_equal(file_read(path, &text), ERR_OK);
	char *copy = calloc(1, text.len + 2);
	assert_non_null(copy);
	char *at = copy;
	*at++ = '\n';
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] != '\\') {
			*at++ = (char)text.at[i];
		}
	}
	buf_fini(&text);
	return copy;
}

/* How often `needle` begins at a line of `text`. */
static int count_of(const char *text, const char *needle)
{
	int count = 0;
	for (const char *at = text; (at = strstr(at, needle)) != NULL; at++) {
		count++;
	}
	return count;
}

static void kith_conf_5_has_every_option_with_its_default(void **state)
{
	char *manual = read_manual("deploy/man/kith.conf.5");
	int options = 0;
	(void)state;
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = options_row((enum option)i);
		char head[NEEDLE_BYTES];
		char preset[NEEDLE_BYTES];
		if ((row->where & OPTION_IN_FILE) == 0) {
			continue;
		}
		options++;
		(void)snprintf(head, sizeof(head), "\n.TP\n.B %s = ", row->name);
		(void)snprintf(preset, sizeof(preset), "\nDefault: %s.\n",
			row->preset != NULL ? row->preset : row->otherwise);
		const char *at = strstr(manual, head);
		if (at == NULL) {
			fail_msg("kith.conf(5) does not have %s", row->name);
			break;
		}
		const char *end = strstr(at + 1, "\n.TP\n");
		end = end != NULL ? end : strstr(at, "\n.SH ");
		assert_non_null(end);
		struct buf part = BUF_INIT(MANUAL_BYTES);
		assert_int_equal(buf_append(&part, span_of(at, (size_t)(end - at) + 1)), ERR_OK);
		assert_non_null(buf_cstr(&part));
		if (strstr((const char *)part.at, preset) == NULL) {
			fail_msg("kith.conf(5) does not say of %s:%s", row->name, preset);
		}
		if ((strstr((const char *)part.at, "\nTaken over at SIGHUP.") != NULL) !=
			row->is_live) {
			fail_msg("kith.conf(5) is wrong about SIGHUP and %s", row->name);
		}
		buf_fini(&part);
	}
	assert_int_equal(count_of(strstr(manual, "\n.SH OPTIONS"), "\n.TP\n.B "), options);
	free(manual);
}

static void kith_1_has_every_command_and_no_other(void **state)
{
	char *manual = read_manual("deploy/man/kith.1");
	int code = -1;
	int commands = 0;
	(void)state;
	char *names = strdup(shell_line(&code, "kith --help | sed -n 's/^  kith \\([a-z-]*\\) .*/"
					       "\\1/p'"));
	assert_non_null(names);
	assert_int_equal(code, 0);
	for (char *name = names; *name != '\0'; commands++) {
		char head[NEEDLE_BYTES];
		char *end = strchr(name, '\n');
		assert_non_null(end);
		*end = '\0';
		(void)snprintf(head, sizeof(head), "\n.TP\n.B kith %s", name);
		const char *at = strstr(manual, head);
		if (at == NULL || strchr(" \n", at[strlen(head)]) == NULL) {
			fail_msg("kith(1) does not have %s", name);
		}
		name = end + 1;
	}
	assert_true(commands > 40);
	assert_int_equal(count_of(manual, "\n.TP\n.B kith "), commands);
	free(names);
	free(manual);
}

/* What bash offers behind `words`, one a line, sorted as it comes. */
static const char *offered(const char *words)
{
	char line[4096];
	char tree[2048];
	int code = -1;
	assert_non_null(getcwd(tree, sizeof(tree)));
	(void)snprintf(line, sizeof(line),
		"bash -c '. %s/deploy/completion/kith; COMP_WORDS=(\"$KITH\" %s); "
		"COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _kith; printf \"%%s \" "
		"\"${COMPREPLY[@]}\"'",
		tree, words);
	const char *text = shell_line(&code, line);
	assert_int_equal(code, 0);
	return text;
}

static void bash_completes_commands_words_options_and_values(void **state)
{
	char words[NEEDLE_BYTES];
	(void)state;
	assert_string_equal(offered("ru"), "run ");
	assert_non_null(strstr(offered("\"\""), " move-out "));
	assert_string_equal(offered("config \"\""), "check show example ");
	assert_string_equal(offered("passphrase c"), "change ");
	assert_string_equal(offered("run --log-level = w"), "warn ");
	assert_string_equal(offered("run --no-l"), "--no-lan ");
	assert_string_equal(offered("config show --orig"), "--origin ");
	assert_string_equal(offered("nonsense x"), " ");
	shell_good("mkdir -p disk1 && touch disk2", "");
	assert_string_equal(offered("run --backup-dir disk"), "disk1 ");
	assert_string_equal(offered("backup --passphrase-file disk2"), "disk2 ");
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = options_row((enum option)i);
		bool is_no = row->kind == OPTION_SWITCH && strcmp(row->preset, "on") == 0;
		char flag[64];
		(void)snprintf(flag, sizeof(flag), "--%s%s", is_no ? "no-" : "", row->name);
		(void)snprintf(words, sizeof(words), "run %s", flag);
		if ((row->where & OPTION_IN_FLAG) != 0 &&
			strncmp(offered(words), flag, strlen(flag)) != 0) {
			fail_msg("bash is not offered %s", flag);
		}
		for (size_t j = 0; row->kind == OPTION_CHOICE && row->choices[j] != NULL; j++) {
			(void)snprintf(words, sizeof(words), "run %s %s", flag, row->choices[j]);
			if (strncmp(offered(words), row->choices[j], strlen(row->choices[j])) !=
				0) {
				fail_msg("bash is not offered %s", words);
			}
		}
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sound_file_is_good_and_its_values_are_shown_with_their_line),
		cmocka_unit_test(what_show_prints_is_a_file_that_says_the_same),
		cmocka_unit_test(every_fault_is_a_sentence_and_the_exit_code_says_so),
		cmocka_unit_test(a_node_does_not_start_with_a_fault),
		cmocka_unit_test(the_example_is_sound_with_and_without_its_comments),
		cmocka_unit_test(kith_conf_5_has_every_option_with_its_default),
		cmocka_unit_test(kith_1_has_every_command_and_no_other),
		cmocka_unit_test(bash_completes_commands_words_options_and_values),
	};
	(void)argc;
	shell_find(argv[0]);
	return cmocka_run_group_tests(tests, shell_set_up, shell_tear_down);
}
