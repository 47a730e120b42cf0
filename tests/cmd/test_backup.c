/* Backups as their owner handles them: made beside a running node, rehearsed, restored, moved,
 * damaged, and with every wrong key; with the real program. */
#include "lib/api_rig.h"
#include "lib/cmocka.h"
#include "lib/folder.h"

#include <libgen.h>
#include <poll.h>
#include <pty.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TEXT_BYTES = 16384, COMMAND_BYTES = 8192, WAIT_MS = 20000 };

static char program[4096]; /* the kith of the same build */
static char top[64];       /* of this test: data directories and files */

static int set_up(void **state)
{
	(void)state;
	(void)snprintf(top, sizeof(top), "/tmp/kith-backup-XXXXXX");
	return mkdtemp(top) == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	folder_remove(top);
	return 0;
}

/* A shell line in which `kith` is the program, run in `top`: all it prints. */
static const char *sh(int *code, const char *line)
{
	static char text[TEXT_BYTES];
	char command[3 * COMMAND_BYTES];
	(void)snprintf(command, sizeof(command),
		"cd %s; umask 077; export TMPDIR=%s KITH='%s'; kith() { \"$KITH\" \"$@\"; }; { %s; "
		"} "
		"2>&1",
		top, top, program, line);
	FILE *out = popen(command, "r");
	assert_non_null(out);
	size_t len = fread(text, 1, sizeof(text) - 1, out);
	text[len] = '\0';
	int status = pclose(out);
	*code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	return text;
}

static void assert_good(const char *line, const char *part)
{
	int code = -1;
	const char *text = sh(&code, line);
	if (code != 0 || strstr(text, part) == NULL) {
		fail_msg("%s: exit %d, \"%s\" without \"%s\"", line, code, text, part);
	}
}

static void assert_fails(const char *line, const char *part)
{
	int code = -1;
	const char *text = sh(&code, line);
	if (code != 1 || strstr(text, part) == NULL) {
		fail_msg("%s: exit %d, \"%s\" without \"%s\"", line, code, text, part);
	}
}

/* A node `a` with three posts, a file with a passphrase and one with another. */
static void make_node(void)
{
	assert_good("kith init --data a && kith post one --data a && kith post two --data a && "
		    "kith post three --data a && echo 'correct horse' > pass && "
		    "echo 'correct house' > wrong",
		".sha256");
}

static void what_was_backed_up_comes_back_and_signs_nothing(void **state)
{
	(void)state;
	make_node();
	assert_good("kith backup f --data a --passphrase-file pass", "yours up to number 3");
	assert_good("kith restore f --data b --passphrase-file pass", "publishing is paused");
	assert_good("kith check --data b", "All is well: 3 messages");
	assert_good("test \"$(kith whoami --data a)\" = \"$(kith whoami --data b)\"", "");
	assert_good("test ! -e b/fence", "");
	assert_fails("kith post four --data b", "restored from a backup");
	assert_good("kith state $(kith whoami --data b) --data b --json", "\"sequence\":3,");
	assert_good("kith status --data b --json", "\"state\":\"SUSPECT\"");
}

static void one_without_a_passphrase_opens_with_the_key_and_holds_none(void **state)
{
	(void)state;
	make_node();
	assert_good("kith backup f --data a --json </dev/null", "\"has_key\":false");
	assert_fails("kith restore f --data b </dev/null", "opens with your key");
	assert_good("test ! -e b", "");
	assert_good("kith init --data other", "ed25519");
	assert_fails("kith restore f --data b --secret other/secret", "sealed with another key");
	assert_fails("kith restore f --data other", "sealed with another key");
	assert_good("test ! -e b", "");
	assert_good("kith restore f --data b --secret a/secret", "Restored to b");
	assert_good("cmp a/secret b/secret", "");
	/* The key alone was there: its directory is enough. */
	assert_good("kith init --data c --secret a/secret", "ed25519");
	assert_good("kith restore f --data c", "Restored to c");
	assert_fails("kith post four --data c", "restored from a backup");
}

static void the_paper_words_open_it(void **state)
{
	static const char words[] =
		"body hair useful camp warm into cause riot two bamboo kick educate dinosaur "
		"advice seed type crisp where guilt avocado output rely lunch goddess";
	char line[COMMAND_BYTES];
	(void)state;
	(void)snprintf(line, sizeof(line),
		"echo '%s' > words; kith init --words --data a < words && kith status --data a",
		words);
	assert_good(line, "ed25519");
	assert_good("kith backup f --data a </dev/null", "opens with your key");
	assert_good("kith restore f --words --data b < words", "Restored to b");
	assert_good("test \"$(kith whoami --data a)\" = \"$(kith whoami --data b)\"", "");
	assert_fails("echo body hair | kith restore f --words --data c", "words");
	assert_good("test ! -e c", "");
}

static void a_rehearsal_tells_all_and_keeps_nothing(void **state)
{
	(void)state;
	make_node();
	assert_good("kith backup f --data a --passphrase-file pass", "whole");
	assert_good("all=$(ls -A);"
		    "kith restore f --rehearse --data a --passphrase-file pass &&"
		    "test \"$all\" = \"$(ls -A)\"",
		"newest message in it is number 3");
	assert_good(
		"kith restore f --rehearse --data a --passphrase-file pass --json", "\"faults\":0");
	assert_good("all=$(ls -A);"
		    "kith restore f --rehearse --data a --passphrase-file wrong;"
		    "test \"$all\" = \"$(ls -A)\"",
		"not the passphrase");
	/* The node beside it never noticed. */
	assert_good("kith post four --data a", ".sha256");
}

static void whatever_fails_leaves_the_place_as_it_was(void **state)
{
	(void)state;
	make_node();
	assert_good("kith backup f --data a --passphrase-file pass", "whole");
	assert_fails("kith backup f --data a --passphrase-file pass", "is there already");
	assert_fails("kith backup none/f --data a --passphrase-file pass", "is not there");
	assert_fails("echo short > s; kith backup g --data a --passphrase-file s",
		"at least 8 characters");
	assert_fails("kith backup g --data none --passphrase-file pass", "no database");
	assert_good("test ! -e g && test ! -e g.partial && test ! -e a/backup.copy", "");
	assert_fails("kith restore f --data b --passphrase-file wrong", "not the passphrase");
	assert_fails("kith restore f --data b </dev/null", "opens with a passphrase");
	assert_fails("kith restore none --data b --passphrase-file pass", "No such file");
	assert_fails("kith restore a/secret --data b --passphrase-file pass", "not a backup");
	assert_fails("head -c 70000 f > cut; kith restore cut --data b --passphrase-file pass",
		"cut short");
	assert_fails("{ cat f; echo; } > long; kith restore long --data b --passphrase-file pass",
		"backup");
	assert_good("test ! -e b", "");
	/* An empty directory stays, and empty but for its lock. */
	assert_fails("mkdir b; kith restore cut --data b --passphrase-file pass", "cut short");
	assert_good("test \"$(ls -A b)\" = lock", "");
	/* What is there is never written over. */
	assert_fails("kith restore f --data a --passphrase-file pass", "database in a already");
	assert_good("kith init --data c && cp c/secret c.secret", "ed25519");
	assert_fails("kith restore f --data c --passphrase-file pass", "not of the same person");
	assert_good(
		"cmp c/secret c.secret && test ! -e c/kith.db && test ! -e c/kith.db.restore", "");
}

static void a_fence_that_was_left_is_heard_and_never_trusted(void **state)
{
	(void)state;
	make_node();
	assert_good("kith backup f --data a --passphrase-file pass", "number 3");
	assert_good("kith post four --data a && rm a/kith.db", "sha256");
	assert_good("kith restore f --data a --passphrase-file pass", "Restored");
	assert_fails("kith post five --data a", "restored from a backup");
	assert_good("kith state $(kith whoami --data a) --data a --json", "\"sequence\":3,");
	/* The backup was of the newest message: still nothing is signed before others were asked.
	 */
	assert_good("rm -rf b; cp -r a c; rm c/kith.db c/fence*", "");
	assert_good("kith restore f --data c --passphrase-file pass", "Restored");
	assert_fails("kith post five --data c", "restored from a backup");
}

static void who_moves_out_never_publishes_again_and_goes_on_elsewhere(void **state)
{
	(void)state;
	make_node();
	assert_fails("kith move-out m --data a </dev/null", "needs a passphrase");
	assert_fails("kith move-out none/m --data a --passphrase-file pass", "nothing was changed");
	assert_good("kith post four --data a", "sha256");
	assert_good("kith move-out m --data a --passphrase-file pass", "This node is retired");
	assert_fails("kith post five --data a", "retired");
	/* The file was lost: another one can be had. */
	assert_good("kith move-out again --data a --passphrase-file pass", "This node is retired");
	assert_good("kith restore m --data b --passphrase-file pass --json", "\"kind\":\"move\"");
	assert_good("kith status --data b --json", "\"state\":\"SUSPECT\"");
	/* A copy of a retired node is a retired node. */
	assert_good("kith backup f --data a --passphrase-file pass", "number 4");
	assert_good("kith restore f --data c --passphrase-file pass", "Restored");
	assert_good("kith status --data c --json", "\"state\":\"RETIRED\"");
}

#define RUN "\"$KITH\" run --host 127.0.0.1 --port 0 --http-port 0 --no-lan"

static void works_beside_a_running_node(void **state)
{
	(void)state;
	make_node();
	assert_good(RUN " --data a > link & until test -s link; do sleep 0.05; done;"
			"kith backup f --data a --passphrase-file pass; kith post four --data a;"
			"kith move-out m --data a --passphrase-file pass; kith post five --data a;"
			"kill $!; wait; true",
		"This node is retired");
	assert_good("kith restore f --rehearse --data a --passphrase-file pass", "number 3");
	assert_good("kith restore m --data b --passphrase-file pass", "number 4");
	assert_fails("kith post five --data a", "retired");
}

static void a_running_node_makes_its_own_where_it_is_told(void **state)
{
	(void)state;
	make_node();
	assert_good(RUN " --data a --backup-dir kept/here > link &"
			"until test -s link; do sleep 0.05; done;"
			"curl -s --unix-socket a/api.sock -H 'Content-Type: application/json' "
			"-d '{}' http://kith/api/safety/backup;"
			"until ls kept/here/kith-*.backup 2>/dev/null; do sleep 0.05; done;"
			"kill $!; wait; true",
		"\"job\":1");
	assert_good("test ! -e a/backups && cp kept/here/kith-*.backup f", "");
	assert_good("kith restore f --rehearse --data a", "every hash, signature and link");
	assert_good(RUN " --data a > second & until test -s second; do sleep 0.05; done;"
			"kith safety --json --data a; kill $!; wait; true",
		"a/backups");
}

/* Somebody at a terminal. */

struct terminal {
	int fd;
	pid_t pid;
	char text[TEXT_BYTES];
	size_t len;
};

static void open_terminal(struct terminal *terminal, const char *const *argv)
{
	*terminal = (struct terminal){.len = 0};
	terminal->pid = forkpty(&terminal->fd, NULL, NULL, NULL);
	assert_true(terminal->pid >= 0);
	if (terminal->pid == 0) {
		(void)!chdir(top);
		(void)execv(program, (char *const *)(uintptr_t)argv);
		_exit(127);
	}
}

static bool read_more(struct terminal *terminal)
{
	struct pollfd wait = {.fd = terminal->fd, .events = POLLIN};
	if (poll(&wait, 1, WAIT_MS) <= 0) {
		return false;
	}
	ssize_t count =
		read(terminal->fd, terminal->text + terminal->len, TEXT_BYTES - 1 - terminal->len);
	terminal->len += count > 0 ? (size_t)count : 0;
	terminal->text[terminal->len] = '\0';
	return count > 0;
}

static void answer(struct terminal *terminal, const char *prompt, const char *line)
{
	while (strstr(terminal->text, prompt) == NULL) {
		if (!read_more(terminal)) {
			fail_msg("\"%s\" never came: %s", prompt, terminal->text);
		}
	}
	assert_int_equal(write(terminal->fd, line, strlen(line)), (ssize_t)strlen(line));
}

static int end_of(struct terminal *terminal)
{
	int status = 0;
	while (read_more(terminal)) {
	}
	assert_int_equal(waitpid(terminal->pid, &status, 0), terminal->pid);
	(void)close(terminal->fd);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_passphrase_is_typed_twice_and_never_shown(void **state)
{
	struct terminal terminal;
	char name[] = "f";
	const char *const make[] = {program, "backup", name, "--data", "a", NULL};
	const char *const open[] = {program, "restore", name, "--data", "b", NULL};
	(void)state;
	make_node();
	open_terminal(&terminal, make);
	answer(&terminal, "Passphrase for the backup", "correct horse\n");
	answer(&terminal, "once more", "correct house\n");
	assert_int_equal(end_of(&terminal), 1);
	assert_non_null(strstr(terminal.text, "not the same"));
	assert_good("test ! -e f", "");
	open_terminal(&terminal, make);
	answer(&terminal, "Passphrase for the backup", "correct horse\n");
	answer(&terminal, "once more", "correct horse\n");
	assert_int_equal(end_of(&terminal), 0);
	assert_null(strstr(terminal.text, "correct horse"));
	open_terminal(&terminal, open);
	answer(&terminal, "Passphrase of the backup", "correct horse\n");
	assert_int_equal(end_of(&terminal), 0);
	assert_null(strstr(terminal.text, "correct horse"));
	/* Nothing typed: sealed with the key. */
	name[0] = 'g';
	open_terminal(&terminal, make);
	answer(&terminal, "Passphrase for the backup", "\n");
	assert_int_equal(end_of(&terminal), 0);
	assert_non_null(strstr(terminal.text, "opens with your key"));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_was_backed_up_comes_back_and_signs_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			one_without_a_passphrase_opens_with_the_key_and_holds_none, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(the_paper_words_open_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_rehearsal_tells_all_and_keeps_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			whatever_fails_leaves_the_place_as_it_was, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_fence_that_was_left_is_heard_and_never_trusted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			who_moves_out_never_publishes_again_and_goes_on_elsewhere, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(works_beside_a_running_node, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_running_node_makes_its_own_where_it_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_passphrase_is_typed_twice_and_never_shown, set_up, tear_down),
	};
	(void)argc;
	/* build/tests/cmd/test_backup -> build/kith */
	char *real = realpath(argv[0], NULL);
	(void)snprintf(program, sizeof(program), "%s/../../kith", dirname(real));
	free(real);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
