/* The key as a person handles it: on paper, behind a passphrase, in the place of another one; with
 * the real program, on a terminal where that matters. */
#include "lib/api_rig.h"
#include "lib/cmocka.h"
#include "lib/folder.h"

#include "feed/words.h"

#include <libgen.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { TEXT_BYTES = 16384, COMMAND_BYTES = 8192, WAIT_MS = 20000, ARGS_MAX = 16 };

static char program[4096]; /* the kith of the same build */
static char top[64];       /* of this test: data directories and files */

static const char other_words[] =
	"body hair useful camp warm into cause riot two bamboo kick educate dinosaur advice seed "
	"type crisp where guilt avocado output rely lunch goddess";
#define OTHER_ID "@1nf1T1tUSa43dWglCHzyKIxV61jG/EeeL1Xq1Nk8I3U=.ed25519"

static int set_up(void **state)
{
	(void)state;
	folder_make(top, sizeof(top), "kith-keys");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	folder_remove(top);
	return 0;
}

/* A shell line in which `kith` is the program, run in `top`: all it prints. */
static const char *sh(int *code, const char *format, ...) PRINTF_LIKE(2, 3);
static const char *sh(int *code, const char *format, ...)
{
	static char text[TEXT_BYTES];
	char line[COMMAND_BYTES];
	char command[3 * COMMAND_BYTES];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	(void)snprintf(command, sizeof(command), "cd %s; kith() { '%s' \"$@\"; }; { %s; } 2>&1",
		top, program, line);
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
	const char *text = sh(&code, "%s", line);
	if (code != 0 || strstr(text, part) == NULL) {
		fail_msg("%s: exit %d, \"%s\"", line, code, text);
	}
}

static void assert_fails(const char *line, const char *part)
{
	int code = -1;
	const char *text = sh(&code, "%s", line);
	if (code != 1 || strstr(text, part) == NULL) {
		fail_msg("%s: exit %d, \"%s\" without \"%s\"", line, code, text, part);
	}
}

/* Somebody at a terminal: waits for a prompt, types. */

struct terminal {
	int fd;
	pid_t pid;
	char text[TEXT_BYTES]; /* all that was shown */
	size_t len, seen;
};

static void open_terminal(struct terminal *terminal, const char *const *args)
{
	const char *argv[ARGS_MAX] = {program};
	for (int i = 0; args[i] != NULL && i + 2 < ARGS_MAX; i++) {
		argv[i + 1] = args[i];
	}
	*terminal = (struct terminal){.len = 0};
	terminal->pid = forkpty(&terminal->fd, NULL, NULL, NULL);
	assert_true(terminal->pid >= 0);
	if (terminal->pid == 0) {
		(void)!chdir(top);
		(void)execv(program, (char *const *)(uintptr_t)argv);
		_exit(127);
	}
}

/* False: it ended. */
static bool read_terminal(struct terminal *terminal)
{
	struct pollfd wait = {.fd = terminal->fd, .events = POLLIN};
	assert_true(terminal->len < TEXT_BYTES - 1);
	if (poll(&wait, 1, WAIT_MS) <= 0) {
		return false;
	}
	ssize_t count =
		read(terminal->fd, terminal->text + terminal->len, TEXT_BYTES - 1 - terminal->len);
	terminal->len += count > 0 ? (size_t)count : 0;
	terminal->text[terminal->len] = '\0';
	return count > 0;
}

/* What was shown since the last prompt. */
static const char *expect(struct terminal *terminal, const char *prompt)
{
	const char *found = NULL;
	while ((found = strstr(terminal->text + terminal->seen, prompt)) == NULL) {
		if (!read_terminal(terminal)) {
			fail_msg("\"%s\" never came: %s", prompt, terminal->text);
		}
	}
	terminal->seen = (size_t)(found - terminal->text) + strlen(prompt);
	return found;
}

static void type_line(struct terminal *terminal, const char *line)
{
	assert_int_equal(write(terminal->fd, line, strlen(line)), (ssize_t)strlen(line));
	assert_int_equal(write(terminal->fd, "\n", 1), 1);
}

/* A passphrase is typed once the echo is off: before that the terminal itself would show it. */
static void type_hidden(struct terminal *terminal, const char *line)
{
	struct termios is;
	do {
		assert_int_equal(tcgetattr(terminal->fd, &is), 0);
	} while ((is.c_lflag & ECHO) != 0 && usleep(1000) == 0);
	type_line(terminal, line);
}

static int close_terminal(struct terminal *terminal)
{
	int status = 0;
	while (read_terminal(terminal)) {
	}
	(void)close(terminal->fd);
	assert_int_equal(waitpid(terminal->pid, &status, 0), terminal->pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* A node of its own. */

struct running {
	pid_t pid;
	int out;
	char text[TEXT_BYTES];
	size_t len, seen;
};

static void start_node(struct running *node, const char *const *more)
{
	const char *argv[ARGS_MAX] = {program, "run", "--data", "n", "--port", "0", "--http-port",
		"0", "--host", "127.0.0.1", "--no-lan"};
	int outs[2];
	for (int i = 11; more != NULL && *more != NULL && i + 1 < ARGS_MAX; i++) {
		argv[i] = *more++;
	}
	*node = (struct running){.len = 0};
	assert_int_equal(pipe(outs), 0);
	node->pid = fork();
	assert_true(node->pid >= 0);
	if (node->pid == 0) {
		FILE *log = NULL;
		(void)!chdir(top);
		log = fopen("log", "a");
		(void)dup2(fileno(log), STDERR_FILENO);
		(void)dup2(outs[1], STDOUT_FILENO);
		(void)close(outs[0]);
		(void)close(STDIN_FILENO);
		(void)execv(program, (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	(void)close(outs[1]);
	node->out = outs[0];
}

/* The port in the link behind `sentence`; 0: it ended without. */
static unsigned wait_for(struct running *node, const char *sentence)
{
	const char *found = NULL;
	while ((found = strstr(node->text + node->seen, sentence)) == NULL ||
		strchr(found, '\n') == NULL) {
		struct pollfd wait = {.fd = node->out, .events = POLLIN};
		ssize_t count = poll(&wait, 1, WAIT_MS) <= 0
					? 0
					: read(node->out, node->text + node->len,
						  sizeof(node->text) - 1 - node->len);
		if (count <= 0) {
			fail_msg("\"%s\" never came: %s", sentence, node->text);
		}
		node->len += (size_t)count;
	}
	node->seen = (size_t)(strchr(found, '\n') - node->text);
	const char *link = strstr(found, "http://localhost:");
	return link == NULL ? 0 : (unsigned)strtoul(link + strlen("http://localhost:"), NULL, 10);
}

static int stop_node(struct running *node)
{
	int status = 0;
	assert_int_equal(kill(node->pid, SIGTERM), 0);
	assert_int_equal(waitpid(node->pid, &status, 0), node->pid);
	(void)close(node->out);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* As the owner, over the node's socket. */
static unsigned ask(const char *target, const char *body)
{
	struct api_rig rig = {.port = 0};
	struct api_reply reply;
	(void)snprintf(rig.socket_path, sizeof(rig.socket_path), "%s/n/api.sock", top);
	api_rig_ask_owner(&rig, body == NULL ? "GET" : "POST", target, body, &reply);
	unsigned status = reply.status;
	api_reply_fini(&reply);
	return status;
}

/* Paper. */

static void the_words_of_a_key_make_the_same_key_again(void **state)
{
	(void)state;
	assert_good("kith init --data n", "@");
	assert_good("kith words --plain --data n >paper; kith init --words --data m <paper >id; "
		    "kith whoami --data n | cmp - id && echo same; wc -w <paper",
		"same\n48"); /* 24 numbers, 24 words */
	assert_good("stat -c %a m/secret; cmp n/secret m/secret && echo the same file",
		"600\nthe same file");
	assert_fails("test -e m/fence", "");
}

static void words_that_are_wrong_are_told_by_place_and_leave_nothing(void **state)
{
	(void)state;
	assert_fails("echo body hair usefull camp | kith init --words --data n", "word 3 ");
	assert_fails("echo zoo | kith init --words --data n", "word 2 is missing");
	assert_fails("yes body | head -500 | kith init --words --data n", "far more than 24");
	assert_fails("kith init --words --data n </dev/null", "word 1 is missing");
	assert_fails("test -e n", "");
}

static void takes_no_words_from_the_command_line(void **state)
{
	int code = 0;
	(void)state;
	(void)sh(&code, "kith init --words body hair --data n");
	assert_int_equal(code, 2);
	assert_fails("test -e n", "");
}

static void words_go_to_a_terminal_only(void **state)
{
	(void)state;
	assert_good("kith init --data n", "@");
	assert_fails("kith words --data n >file; code=$?; test -s file || exit $code", "--plain");

	struct terminal terminal;
	const char *const args[] = {"words", "--data", "n", NULL};
	open_terminal(&terminal, args);
	expect(&terminal, "[y/N] ");
	type_line(&terminal, "n");
	assert_int_equal(close_terminal(&terminal), 1);
	assert_null(strstr(terminal.text, "24. "));

	open_terminal(&terminal, args);
	expect(&terminal, "[y/N] ");
	type_line(&terminal, "y");
	assert_int_equal(close_terminal(&terminal), 0);
	assert_non_null(strstr(terminal.text, "24. "));
}

/* Answers the questions of `kith words --check`; the last one with `wrong` when it is given. */
static int practise(struct terminal *terminal, const char *wrong)
{
	const char *const args[] = {"words", "--check", "--data", "n", NULL};
	open_terminal(terminal, args);
	for (int i = 0; i < 4; i++) {
		int code = 0;
		expect(terminal, "Word ");
		unsigned n = (unsigned)strtoul(terminal->text + terminal->seen, NULL, 10);
		expect(terminal, ": ");
		const char *line = sh(&code, "echo '%s' | tr ' ' '\\n' | sed -n %up | tr -d '\\n'",
			other_words, n);
		type_line(terminal, wrong != NULL && i == 3 ? wrong : line);
	}
	return close_terminal(terminal);
}

static void practising_is_noted_when_every_word_is_right(void **state)
{
	struct terminal terminal;
	struct running node;
	char line[512];
	(void)state;
	(void)snprintf(line, sizeof(line), "echo %s | kith init --words --data n", other_words);
	assert_good(line, OTHER_ID);
	assert_int_equal(practise(&terminal, "zoo"), 1);
	assert_non_null(strstr(terminal.text, "is not the one of this key"));
	start_node(&node, NULL);
	(void)wait_for(&node, "kith is running");
	assert_int_equal(ask("/api/safety/words", NULL), 200);
	assert_int_equal(practise(&terminal, NULL), 0);
	assert_int_equal(ask("/api/safety/words", NULL), 409);
	assert_int_equal(stop_node(&node), 0);
}

/* The passphrase. */

static void make_files(void)
{
	assert_good("umask 077; echo let me in >right; echo let me out >wrong; printf 'a new one' "
		    ">new; kith init --data n",
		"@");
}

static void locks_and_unlocks_the_key_of_a_stopped_node(void **state)
{
	(void)state;
	make_files();
	assert_good("kith whoami --data n >id; sed -n 's/.*\"private\": \"\\([^\"]*\\).*/\\1/p' "
		    "n/secret >private; test -s private && echo ok",
		"ok");
	assert_good("kith passphrase set --new-file right --data n", "locked now");
	assert_good("kith whoami --data n | cmp - id && stat -c %a n/secret", "600");
	assert_fails("grep -rFf private n", "");
	assert_fails("kith post hello --data n </dev/null", "locked with a passphrase");
	assert_fails("kith passphrase set --new-file right --data n", "locked already");
	assert_fails("kith passphrase change --passphrase-file wrong --new-file new --data n",
		"does not open");
	assert_good("kith passphrase change --passphrase-file right --new-file new --data n",
		"new passphrase");
	assert_good("kith passphrase remove --passphrase-file new --data n", "not locked");
	assert_good("grep -Ff private n/secret >/dev/null && kith whoami --data n | cmp - id && "
		    "ls n | tr '\\n' ' '",
		"secret");
	assert_fails("kith passphrase remove --passphrase-file new --data n", "is not locked");
	assert_fails("test -e n/secret.new", "");
}

static void refuses_a_passphrase_file_that_others_can_read(void **state)
{
	(void)state;
	make_files();
	assert_fails("chmod 640 right; kith passphrase set --new-file right --data n", "chmod 600");
	assert_fails(
		"kith run --data n --port 0 --http-port 0 --passphrase-file right", "chmod 600");
	assert_fails("umask 077; echo short >s; kith passphrase set --new-file s --data n",
		"8 characters");
	assert_fails("umask 077; : >e; kith passphrase set --new-file e --data n",
		"holds no passphrase");
	assert_fails("umask 077; head -c 3000 /dev/zero | tr '\\0' p >b; kith passphrase set "
		     "--new-file b --data n",
		"longer than a passphrase");
	assert_fails("kith passphrase set --new-file none --data n", "cannot be read");
}

/* systemd shows a unit its credentials as files of root, with mode 0440 where an access list lets
 * the unit's user read them, in a directory that nobody else may enter. */
static void takes_a_passphrase_the_init_system_hands_over(void **state)
{
	(void)state;
	make_files();
	assert_good("mkdir -m 550 c; cp right c/pass; chmod 440 c/pass; "
		    "export CREDENTIALS_DIRECTORY=$PWD/c; "
		    "kith passphrase set --new-file $PWD/c/pass --data n && "
		    "kith passphrase remove --passphrase-file $PWD/c/pass --data n",
		"not locked any more");
	/* Only there, and only what nobody else may read or write. */
	assert_fails("kith passphrase set --new-file $PWD/c/pass --data n", "chmod 600");
	assert_fails("mkdir d; CREDENTIALS_DIRECTORY=$PWD/d kith passphrase set --new-file "
		     "$PWD/c/pass --data n",
		"chmod 600");
	assert_fails("chmod 640 right; CREDENTIALS_DIRECTORY=$PWD/c kith passphrase set --new-file "
		     "$PWD/c/../right --data n",
		"chmod 600");
	assert_fails("chmod 460 c/pass; CREDENTIALS_DIRECTORY=$PWD/c kith passphrase set "
		     "--new-file $PWD/c/pass --data n",
		"chmod 600");
	assert_fails("chmod 444 c/pass; CREDENTIALS_DIRECTORY=$PWD/c kith passphrase set "
		     "--new-file $PWD/c/pass --data n",
		"chmod 600");
	assert_fails("chmod 440 c/pass; chmod 755 c; CREDENTIALS_DIRECTORY=$PWD/c kith passphrase "
		     "set --new-file $PWD/c/pass --data n",
		"chmod 600");
}

static void a_question_without_echo_is_left_with_ctrl_c(void **state)
{
	struct terminal terminal;
	struct termios is;
	const char *const set[] = {"passphrase", "set", "--data", "n", NULL};
	(void)state;
	make_files();
	open_terminal(&terminal, set);
	expect(&terminal, "New passphrase: ");
	do {
		assert_int_equal(tcgetattr(terminal.fd, &is), 0);
	} while ((is.c_lflag & ECHO) != 0 && usleep(1000) == 0);
	/* No line break behind it. */
	assert_int_equal(write(terminal.fd, "half of it\x03", 11), 11);
	expect(&terminal, "no passphrase was given");
	assert_int_equal(close_terminal(&terminal), 1);
	assert_null(strstr(terminal.text, "half"));
	assert_good("kith passphrase set --new-file right --data n", "locked now");
}

/* The file `secret` that was laid aside for a bad day may be a locked one. */
static void a_locked_secret_file_opens_a_backup_and_stays_locked(void **state)
{
	(void)state;
	make_files();
	assert_good("kith post one --data n && kith backup b --data n </dev/null && kith "
		    "passphrase set --new-file right "
		    "--data n && cp n/secret kept",
		"locked now");
	assert_fails(
		"kith restore b --secret kept --data m </dev/null", "locked with a passphrase");
	assert_fails(
		"kith restore b --secret kept --passphrase-file wrong --data m", "does not open");
	assert_fails("test -e m", "");
	assert_good("kith restore b --secret kept --passphrase-file right --data m && cmp kept "
		    "m/secret && stat -c %a m/secret",
		"600");
	/* The one in place, without a terminal. */
	assert_good("rm m/kith.db; kith restore b --passphrase-file right --data m && "
		    "cmp kept m/secret && echo the same",
		"the same");
	assert_fails("kith init --secret kept --data i", "is locked with a passphrase");
}

static void never_shows_a_passphrase_on_the_terminal(void **state)
{
	struct terminal terminal;
	const char *const set[] = {"passphrase", "set", "--data", "n", NULL};
	const char *const post[] = {"post", "hello", "--data", "n", NULL};
	(void)state;
	make_files();
	open_terminal(&terminal, set);
	expect(&terminal, "New passphrase: ");
	type_hidden(&terminal, "typed by hand");
	expect(&terminal, "The same again: ");
	type_hidden(&terminal, "typed by foot");
	assert_int_equal(close_terminal(&terminal), 1);
	assert_non_null(strstr(terminal.text, "not the same"));
	assert_null(strstr(terminal.text, "typed"));

	open_terminal(&terminal, set);
	expect(&terminal, "New passphrase: ");
	type_hidden(&terminal, "typed by hand");
	expect(&terminal, "The same again: ");
	type_hidden(&terminal, "typed by hand");
	assert_int_equal(close_terminal(&terminal), 0);
	assert_null(strstr(terminal.text, "typed"));

	/* Any command that needs the key asks for it. */
	open_terminal(&terminal, post);
	expect(&terminal, "Passphrase of the key: ");
	type_hidden(&terminal, "typed by hand");
	assert_int_equal(close_terminal(&terminal), 0);
	assert_non_null(strchr(terminal.text, '%'));
	assert_null(strstr(terminal.text, "typed"));
}

/* Locked starts. */

static void starts_unattended_with_a_passphrase_file(void **state)
{
	struct running node;
	const char *const more[] = {"--passphrase-file", "right", NULL};
	(void)state;
	make_files();
	assert_good("kith passphrase set --new-file right --data n", "locked now");
	assert_fails("kith run --data n --port 0 --http-port 0 --no-lan --passphrase-file wrong",
		"does not open");
	start_node(&node, more);
	assert_true(wait_for(&node, "kith is running") > 0);
	assert_null(strstr(node.text, "locked"));
	assert_good("kith post hello --data n", "%");
	assert_int_equal(stop_node(&node), 0);
}

static void asks_at_a_terminal_or_is_unlocked_later(void **state)
{
	struct terminal terminal;
	const char *const args[] = {
		"run", "--data", "n", "--port", "0", "--http-port", "0", "--no-lan", NULL};
	(void)state;
	make_files();
	assert_good("kith passphrase set --new-file right --data n", "locked now");
	open_terminal(&terminal, args);
	expect(&terminal, "Passphrase of the key ");
	type_hidden(&terminal, "let me out");
	expect(&terminal, "That was not it. ");
	type_hidden(&terminal, "let me in");
	expect(&terminal, "kith is running");
	assert_null(strstr(terminal.text, "let me"));
	assert_int_equal(kill(terminal.pid, SIGTERM), 0);
	assert_int_equal(close_terminal(&terminal), 0);

	open_terminal(&terminal, args);
	expect(&terminal, "Passphrase of the key ");
	type_hidden(&terminal, "");
	expect(&terminal, "The key of this node is locked");
	assert_int_equal(kill(terminal.pid, SIGTERM), 0);
	assert_int_equal(close_terminal(&terminal), 0);
}

static void waits_locked_and_goes_on_in_the_same_process(void **state)
{
	struct running node;
	(void)state;
	make_files();
	assert_good("kith passphrase set --new-file right --data n", "locked now");
	start_node(&node, NULL);
	unsigned port = wait_for(&node, "The key of this node is locked");
	assert_true(port > 0);
	assert_int_equal(ask("/livez", NULL), 200);
	assert_fails("kith status --data n", "locked with a passphrase");
	assert_fails("kith post hello --data n", "locked with a passphrase");
	assert_fails("kith unlock --passphrase-file wrong --data n", "does not open");
	assert_fails("kith status --data n", "locked with a passphrase");
	assert_good(
		"kith unlock --passphrase-file right --data n && kith post hello --data n", "%");
	assert_int_equal(wait_for(&node, "kith is running"), port);
	assert_good("kith unlock --passphrase-file right --data n", "has its key");
	/* Changing it beside a running node goes through the node. */
	assert_good("kith passphrase change --passphrase-file right --new-file new --data n",
		"new passphrase");
	assert_fails("kith passphrase remove --passphrase-file right --data n", "does not open");
	assert_int_equal(stop_node(&node), 0);
	assert_fails("grep -rE 'let me in|a new one' log n", "");
}

static void a_node_that_is_locked_ends_when_told(void **state)
{
	struct running node;
	(void)state;
	make_files();
	assert_good("kith passphrase set --new-file right --data n", "locked now");
	start_node(&node, NULL);
	(void)wait_for(&node, "The key of this node is locked");
	assert_int_equal(stop_node(&node), 0);
	assert_fails("test -e n/api.sock || test -e n/kith.db", "");
}

/* Another key. */

static void another_key_takes_the_place_of_one_that_said_nothing(void **state)
{
	struct running node;
	char body[512];
	const char *const more[] = {"--verbose", NULL};
	(void)state;
	assert_good("kith init --data n >id", "");
	start_node(&node, more);
	unsigned port = wait_for(&node, "kith is running");
	(void)snprintf(body, sizeof(body), "{\"words\":\"%s\"}", other_words);
	assert_int_equal(ask("/api/safety/identity", body), 200);
	assert_int_equal(wait_for(&node, "kith is running"), port);
	assert_good("kith status --data n", "key       " OTHER_ID);
	assert_good("kith whoami --data n", OTHER_ID);
	/* What was before is beside it, whole. */
	assert_good("mv n/replaced-* old && kith whoami --data old | cmp - id && ls old | tr '\\n' "
		    "' '",
		"fence kith.db secret");
	assert_fails("grep -E 'body|goddess' log", "");
	assert_int_equal(stop_node(&node), 0);
	assert_good("kith check --data n", "");
}

#define IN_A_PLACE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		IN_A_PLACE(the_words_of_a_key_make_the_same_key_again),
		IN_A_PLACE(words_that_are_wrong_are_told_by_place_and_leave_nothing),
		IN_A_PLACE(takes_no_words_from_the_command_line),
		IN_A_PLACE(words_go_to_a_terminal_only),
		IN_A_PLACE(practising_is_noted_when_every_word_is_right),
		IN_A_PLACE(locks_and_unlocks_the_key_of_a_stopped_node),
		IN_A_PLACE(refuses_a_passphrase_file_that_others_can_read),
		IN_A_PLACE(takes_a_passphrase_the_init_system_hands_over),
		IN_A_PLACE(a_question_without_echo_is_left_with_ctrl_c),
		IN_A_PLACE(a_locked_secret_file_opens_a_backup_and_stays_locked),
		IN_A_PLACE(never_shows_a_passphrase_on_the_terminal),
		IN_A_PLACE(starts_unattended_with_a_passphrase_file),
		IN_A_PLACE(asks_at_a_terminal_or_is_unlocked_later),
		IN_A_PLACE(waits_locked_and_goes_on_in_the_same_process),
		IN_A_PLACE(a_node_that_is_locked_ends_when_told),
		IN_A_PLACE(another_key_takes_the_place_of_one_that_said_nothing),
	};
	char self[4096];
	(void)argc;
	(void)snprintf(self, sizeof(self), "%s", argv[0]);
	(void)snprintf(program, sizeof(program), "%s/../../kith", dirname(self));
	char *full = realpath(program, NULL);
	if (full == NULL) {
		return 1;
	}
	(void)snprintf(program, sizeof(program), "%s", full);
	free(full);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
