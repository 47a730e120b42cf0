/* SIGHUP: what a running node takes over, what waits for the next start, and that a fault changes
 * nothing. */
#include "lib/cmocka.h"
#include "lib/shell.h"

#include <netinet/in.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE_BYTES = 1024 };

static pid_t node;
static in_port_t peer_port;

/* Ask again and again, as long as the test may run: a machine may hesitate. */
#define WAIT_UNTIL(line) "until " line "; do sleep 0.05; done"

static long number_of(const char *line)
{
	int code = -1;
	const char *text = shell_line(&code, line);
	assert_int_equal(code, 0);
	return strtol(text, NULL, 10);
}

static int start_node(void **state)
{
	(void)state;
	shell_good("printf 'log-level = info\\n' >c.conf; : >log", "");
	/* kith() would leave a shell around it. */
	node = (pid_t)number_of("\"$KITH\" run --data n --host 127.0.0.1 --port 0 --http-port 0 "
				"--no-lan --config c.conf >out 2>>log </dev/null & echo $!");
	assert_true(node > 1);
	shell_good(WAIT_UNTIL("grep -q 'kith is running' out"), "");
	peer_port =
		(in_port_t)number_of("sed -n 's/.*node.ready peer_port=\\([0-9]*\\).*/\\1/p' log");
	assert_true(peer_port > 0);
	return 0;
}

static int stop_node(void **state)
{
	int status = 0;
	(void)state;
	assert_int_equal(kill(node, SIGTERM), 0);
	assert_int_equal(waitpid(node, &status, 0), node);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	shell_good("rm -rf n c.conf out log", "");
	return 0;
}

/* Write kith.conf, and read what the log says of it. */
static const char *reload(const char *conf)
{
	char line[LINE_BYTES];
	int code = -1;
	(void)snprintf(line, sizeof(line), "printf '%s' >c.conf; : >log", conf);
	shell_good(line, "");
	assert_int_equal(kill(node, SIGHUP), 0);
	const char *text = shell_line(
		&code, WAIT_UNTIL("grep -q 'config.reloaded\\|config.not_taken' log") "; cat log");
	assert_int_equal(code, 0);
	return text;
}

static int come_in(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(peer_port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static void assert_says(const char *text, const char *part, bool is_there)
{
	if ((strstr(text, part) != NULL) != is_there) {
		fail_msg("\"%s\" should%s be in \"%s\"", part, is_there ? "" : " not", text);
	}
}

static void the_level_of_the_log_counts_at_once(void **state)
{
	(void)state;
	(void)reload("log-level = debug\\n");
	(void)close(come_in());
	shell_good(WAIT_UNTIL("grep -q '^debug peer.phase' log") " && echo heard", "heard");
}

static void fewer_peers_count_for_who_comes_next(void **state)
{
	char byte = 0;
	(void)state;
	assert_says(reload("peers-max = 1\\nbackups = off\\nlog-level = debug\\n"),
		" peers_max=1 backups=off", true);
	int first = come_in();
	int second = come_in(); /* takes the place of the first, whose handshake is not over */
	assert_true(recv(first, &byte, 1, 0) <= 0);
	shell_good(WAIT_UNTIL("grep -q 'peer.gone.*gave way to newer' log") " && echo so", "so");
	(void)close(first);
	(void)close(second);
	assert_says(reload("peers-max = 300\\n"), " peers_max=300 backups=on", true);
}

static void what_waits_for_the_next_start_is_named(void **state)
{
	(void)state;
	const char *text = reload("http-port = 1\\nhops = 3\\nlog-level = info\\n");
	assert_says(text, "warn config.needs_a_new_start option=hops", true);
	assert_says(text, "option=http-port", false); /* the command line goes before */
	assert_says(text, "option=log-level", false);
	assert_says(text, "info config.reloaded", true);
}

static void a_fault_is_told_and_everything_stays(void **state)
{
	(void)state;
	(void)reload("peers-max = 7\\n");
	const char *text = reload("peers-max = 8\\nnonsense = 1\\nlog-level = error\\n");
	assert_says(text, "error config.not_taken why=\"c.conf line 2 says nonsense", true);
	assert_says(text, "config.reloaded", false);
	assert_says(
		reload("peers-max = 7\\n"), " peers_max=7 ", true); /* and lines of that level */
}

/* A node that somebody started in a window goes with the window. */
static void a_terminal_that_is_closed_ends_its_node(void **state)
{
	char data[LINE_BYTES];
	char text[4096] = "";
	size_t len = 0;
	int terminal = -1;
	int status = 0;
	(void)state;
	(void)snprintf(data, sizeof(data), "%s/t", shell_top);
	const char *argv[] = {shell_program, "run", "--data", data, "--port", "0", "--http-port",
		"0", "--no-lan", "--config", "", NULL};
	pid_t pid = forkpty(&terminal, NULL, NULL, NULL);
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)execv(shell_program, (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	while (strstr(text, "kith is running") == NULL) {
		ssize_t count = read(terminal, text + len, sizeof(text) - 1 - len);
		assert_true(count > 0);
		len += (size_t)count;
	}
	(void)close(terminal);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_node, stop_node)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(the_level_of_the_log_counts_at_once),
		TEST(fewer_peers_count_for_who_comes_next),
		TEST(what_waits_for_the_next_start_is_named),
		TEST(a_fault_is_told_and_everything_stays),
		cmocka_unit_test(a_terminal_that_is_closed_ends_its_node),
	};
	(void)argc;
	/* What a shell started in the background is ours to wait for. */
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	shell_find(argv[0]);
	return cmocka_run_group_tests(tests, shell_set_up, shell_tear_down);
}
