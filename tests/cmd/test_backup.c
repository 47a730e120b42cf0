/* Backups as their owner handles them: made beside a running node, rehearsed, restored, moved,
 * damaged, and with every wrong key; with the real program. */
#include "lib/api_rig.h"
#include "lib/cmocka.h"
#include "lib/shell.h"

#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TEXT_BYTES = 16384, WAIT_MS = 20000 };

/* A node `a` with three posts, a file with a passphrase and one with another. */
static void make_node(void)
{
	(void)shell_good(
		"kith init --data a && kith post one --data a && kith post two --data a && "
		"kith post three --data a && echo 'correct horse' > pass && "
		"echo 'correct house' > wrong",
		".sha256");
}

static void what_was_backed_up_comes_back_and_signs_nothing(void **state)
{
	(void)state;
	make_node();
	(void)shell_good("kith backup f --data a --passphrase-file pass", "yours up to number 3");
	(void)shell_good("kith restore f --data b --passphrase-file pass", "publishing is paused");
	(void)shell_good("kith check --data b", "All is well: 3 messages");
	(void)shell_good("test \"$(kith whoami --data a)\" = \"$(kith whoami --data b)\"", "");
	(void)shell_good("test ! -e b/fence", "");
	shell_fails("kith post four --data b", "restored from a backup");
	(void)shell_good("kith state $(kith whoami --data b) --data b --json", "\"sequence\":3,");
	(void)shell_good("kith status --data b --json", "\"state\":\"SUSPECT\"");
}

static void one_without_a_passphrase_opens_with_the_key_and_holds_none(void **state)
{
	(void)state;
	make_node();
	(void)shell_good("kith backup f --data a --json </dev/null", "\"has_key\":false");
	shell_fails("kith restore f --data b </dev/null", "opens with your key");
	(void)shell_good("test ! -e b", "");
	(void)shell_good("kith init --data other", "ed25519");
	shell_fails("kith restore f --data b --secret other/secret", "sealed with another key");
	shell_fails("kith restore f --data other", "sealed with another key");
	(void)shell_good("test ! -e b", "");
	(void)shell_good("kith restore f --data b --secret a/secret", "Restored to b");
	(void)shell_good("cmp a/secret b/secret", "");
	/* The key alone was there: its directory is enough. */
	(void)shell_good("kith init --data c --secret a/secret", "ed25519");
	(void)shell_good("kith restore f --data c", "Restored to c");
	shell_fails("kith post four --data c", "restored from a backup");
}

static void the_paper_words_open_it(void **state)
{
	static const char words[] =
		"body hair useful camp warm into cause riot two bamboo kick educate dinosaur "
		"advice seed type crisp where guilt avocado output rely lunch goddess";
	char line[TEXT_BYTES];
	(void)state;
	(void)snprintf(line, sizeof(line),
		"echo '%s' > words; kith init --words --data a < words && kith status --data a",
		words);
	(void)shell_good(line, "ed25519");
	(void)shell_good("kith backup f --data a </dev/null", "opens with your key");
	(void)shell_good("kith restore f --words --data b < words", "Restored to b");
	(void)shell_good("test \"$(kith whoami --data a)\" = \"$(kith whoami --data b)\"", "");
	shell_fails("echo body hair | kith restore f --words --data c", "words");
	(void)shell_good("test ! -e c", "");
}

static void a_rehearsal_tells_all_and_keeps_nothing(void **state)
{
	(void)state;
	make_node();
	(void)shell_good("kith backup f --data a --passphrase-file pass", "whole");
	(void)shell_good("all=$(ls -A);"
			 "kith restore f --rehearse --data a --passphrase-file pass &&"
			 "test \"$all\" = \"$(ls -A)\"",
		"newest message in it is number 3");
	(void)shell_good(
		"kith restore f --rehearse --data a --passphrase-file pass --json", "\"faults\":0");
	(void)shell_good("all=$(ls -A);"
			 "kith restore f --rehearse --data a --passphrase-file wrong;"
			 "test \"$all\" = \"$(ls -A)\"",
		"not the passphrase");
	/* The node beside it never noticed. */
	(void)shell_good("kith post four --data a", ".sha256");
}

static void whatever_fails_leaves_the_place_as_it_was(void **state)
{
	(void)state;
	make_node();
	(void)shell_good("kith backup f --data a --passphrase-file pass", "whole");
	shell_fails("kith backup f --data a --passphrase-file pass", "is there already");
	shell_fails("kith backup none/f --data a --passphrase-file pass", "is not there");
	shell_fails("echo short > s; kith backup g --data a --passphrase-file s",
		"at least 8 characters");
	shell_fails("kith backup g --data none --passphrase-file pass", "no database");
	(void)shell_good("test ! -e g && test ! -e g.partial && test ! -e a/backup.copy", "");
	shell_fails("kith restore f --data b --passphrase-file wrong", "not the passphrase");
	shell_fails("kith restore f --data b </dev/null", "opens with a passphrase");
	shell_fails("kith restore none --data b --passphrase-file pass", "No such file");
	shell_fails("kith restore a/secret --data b --passphrase-file pass", "not a backup");
	shell_fails("head -c 70000 f > cut; kith restore cut --data b --passphrase-file pass",
		"cut short");
	shell_fails("{ cat f; echo; } > long; kith restore long --data b --passphrase-file pass",
		"backup");
	(void)shell_good("test ! -e b", "");
	/* An empty directory stays, and empty but for its lock. */
	shell_fails("mkdir b; kith restore cut --data b --passphrase-file pass", "cut short");
	(void)shell_good("test \"$(ls -A b)\" = lock", "");
	/* What is there is never written over. */
	shell_fails("kith restore f --data a --passphrase-file pass", "database in a already");
	(void)shell_good("kith init --data c && cp c/secret c.secret", "ed25519");
	shell_fails("kith restore f --data c --passphrase-file pass", "not of the same person");
	(void)shell_good(
		"cmp c/secret c.secret && test ! -e c/kith.db && test ! -e c/kith.db.restore", "");
}

static void a_fence_that_was_left_is_heard_and_never_trusted(void **state)
{
	(void)state;
	make_node();
	(void)shell_good("kith backup f --data a --passphrase-file pass", "number 3");
	(void)shell_good("kith post four --data a && rm a/kith.db", "sha256");
	(void)shell_good("kith restore f --data a --passphrase-file pass", "Restored");
	shell_fails("kith post five --data a", "restored from a backup");
	(void)shell_good("kith state $(kith whoami --data a) --data a --json", "\"sequence\":3,");
	/* The backup was of the newest message: still nothing is signed before others were asked.
	 */
	(void)shell_good("rm -rf b; cp -r a c; rm c/kith.db c/fence*", "");
	(void)shell_good("kith restore f --data c --passphrase-file pass", "Restored");
	shell_fails("kith post five --data c", "restored from a backup");
}

static void who_moves_out_never_publishes_again_and_goes_on_elsewhere(void **state)
{
	(void)state;
	make_node();
	shell_fails("kith move-out m --data a </dev/null", "needs a passphrase");
	shell_fails("kith move-out none/m --data a --passphrase-file pass", "nothing was changed");
	(void)shell_good("kith post four --data a", "sha256");
	(void)shell_good("kith move-out m --data a --passphrase-file pass", "This node is retired");
	shell_fails("kith post five --data a", "retired");
	/* The file was lost: another one can be had. */
	(void)shell_good(
		"kith move-out again --data a --passphrase-file pass", "This node is retired");
	(void)shell_good(
		"kith restore m --data b --passphrase-file pass --json", "\"kind\":\"move\"");
	(void)shell_good("kith status --data b --json", "\"state\":\"SUSPECT\"");
	/* A copy of a retired node is a retired node. */
	(void)shell_good("kith backup f --data a --passphrase-file pass", "number 4");
	(void)shell_good("kith restore f --data c --passphrase-file pass", "Restored");
	(void)shell_good("kith status --data c --json", "\"state\":\"RETIRED\"");
}

static void works_beside_a_running_node(void **state)
{
	(void)state;
	make_node();
	(void)shell_good(SHELL_RUN
		" --data a > link & until test -s link; do sleep 0.05; done;"
		"kith backup f --data a --passphrase-file pass; kith post four --data a;"
		"kith move-out m --data a --passphrase-file pass; kith post five --data a;"
		"kill $!; wait; true",
		"This node is retired");
	(void)shell_good("kith restore f --rehearse --data a --passphrase-file pass", "number 3");
	(void)shell_good("kith restore m --data b --passphrase-file pass", "number 4");
	shell_fails("kith post five --data a", "retired");
}

static void a_running_node_makes_its_own_where_it_is_told(void **state)
{
	(void)state;
	make_node();
	(void)shell_good(SHELL_RUN
		" --data a --backup-dir kept/here > link &"
		"until test -s link; do sleep 0.05; done;"
		"curl -s --unix-socket a/api.sock -H 'Content-Type: application/json' "
		"-d '{}' http://kith/api/safety/backup;"
		"until ls kept/here/kith-*.backup 2>/dev/null; do sleep 0.05; done;"
		"kill $!; wait; true",
		"\"job\":1");
	(void)shell_good("test ! -e a/backups && cp kept/here/kith-*.backup f", "");
	(void)shell_good("kith restore f --rehearse --data a", "every hash, signature and link");
	(void)shell_good(SHELL_RUN " --data a > second & until test -s second; do sleep 0.05; done;"
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
		(void)!chdir(shell_top);
		(void)execv(shell_program, (char *const *)(uintptr_t)argv);
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
	const char *const make[] = {shell_program, "backup", name, "--data", "a", NULL};
	const char *const open[] = {shell_program, "restore", name, "--data", "b", NULL};
	(void)state;
	make_node();
	open_terminal(&terminal, make);
	answer(&terminal, "Passphrase for the backup", "correct horse\n");
	answer(&terminal, "once more", "correct house\n");
	assert_int_equal(end_of(&terminal), 1);
	assert_non_null(strstr(terminal.text, "not the same"));
	(void)shell_good("test ! -e f", "");
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
		cmocka_unit_test_setup_teardown(what_was_backed_up_comes_back_and_signs_nothing,
			shell_set_up, shell_tear_down),
		cmocka_unit_test_setup_teardown(
			one_without_a_passphrase_opens_with_the_key_and_holds_none, shell_set_up,
			shell_tear_down),
		cmocka_unit_test_setup_teardown(
			the_paper_words_open_it, shell_set_up, shell_tear_down),
		cmocka_unit_test_setup_teardown(
			a_rehearsal_tells_all_and_keeps_nothing, shell_set_up, shell_tear_down),
		cmocka_unit_test_setup_teardown(
			whatever_fails_leaves_the_place_as_it_was, shell_set_up, shell_tear_down),
		cmocka_unit_test_setup_teardown(a_fence_that_was_left_is_heard_and_never_trusted,
			shell_set_up, shell_tear_down),
		cmocka_unit_test_setup_teardown(
			who_moves_out_never_publishes_again_and_goes_on_elsewhere, shell_set_up,
			shell_tear_down),
		cmocka_unit_test_setup_teardown(
			works_beside_a_running_node, shell_set_up, shell_tear_down),
		cmocka_unit_test_setup_teardown(a_running_node_makes_its_own_where_it_is_told,
			shell_set_up, shell_tear_down),
		cmocka_unit_test_setup_teardown(
			a_passphrase_is_typed_twice_and_never_shown, shell_set_up, shell_tear_down),
	};
	(void)argc;
	shell_find(argv[0]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
