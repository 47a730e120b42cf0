/* The program as somebody uses it who makes every mistake: one sentence, an exit code, and nothing
 * broken. */
#include "lib/cmocka.h"
#include "lib/folder.h"

#include "base/span.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGS_MAX = 16, TEXT_BYTES = 8192, PATH_BYTES = 256, PROGRAM_BYTES = 4096 };

static char program[PROGRAM_BYTES]; /* the kith of the same build */
static char dir[64];

struct result {
	int code; /* of the exit; −1: ended by a signal */
	char out[TEXT_BYTES];
	char err[TEXT_BYTES];
};

static void slurp(int fd, char text[static TEXT_BYTES])
{
	size_t len = 0;
	ssize_t count = 0;
	char rest[256];
	while ((count = read(fd, len < TEXT_BYTES - 1 ? text + len : rest,
			len < TEXT_BYTES - 1 ? TEXT_BYTES - 1 - len : sizeof(rest))) > 0) {
		len += len < TEXT_BYTES - 1 ? (size_t)count : 0;
	}
	text[len] = '\0';
	(void)close(fd);
}

static pid_t spawn(const char *const *argv, const char *out_path, int *out, int *err)
{
	int outs[2];
	int errs[2];
	assert_int_equal(pipe(outs), 0);
	assert_int_equal(pipe(errs), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int to = out_path == NULL ? outs[1] : open(out_path, O_WRONLY);
		(void)dup2(to, STDOUT_FILENO);
		(void)dup2(errs[1], STDERR_FILENO);
		(void)close(STDIN_FILENO);
		(void)open("/dev/null", O_RDONLY);
		(void)close(outs[0]);
		(void)close(errs[0]);
		(void)execv(program, (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	(void)close(outs[1]);
	(void)close(errs[1]);
	*out = outs[0];
	*err = errs[0];
	return pid;
}

static int code_of(pid_t pid)
{
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* `kith` with the arguments up to NULL; output to `out_path` when it is given. */
static struct result kith_to(const char *out_path, va_list list)
{
	static struct result result;
	const char *argv[ARGS_MAX] = {program};
	int count = 1;
	int out = -1;
	int err = -1;
	for (const char *arg; count < ARGS_MAX - 1 && (arg = va_arg(list, const char *)) != NULL;) {
		argv[count++] = arg;
	}
	pid_t pid = spawn(argv, out_path, &out, &err);
	slurp(out, result.out); /* small: a pipe has room for what goes to the other */
	slurp(err, result.err);
	result.code = code_of(pid);
	return result;
}

static struct result kith(const char *first, ...)
{
	va_list list;
	va_list copy;
	(void)first;
	va_start(list, first);
	va_copy(copy, list);
	struct result result = kith_to(NULL, copy);
	va_end(copy);
	va_end(list);
	return result;
}

/* The first argument of kith() names the case; a sentence on standard error, nothing on the other.
 */
static void assert_sentence(struct result result, int code, const char *part)
{
	if (result.code != code || strstr(result.err, part) == NULL) {
		fail_msg("exit %d instead of %d, and \"%s\" instead of \"%s\"", result.code, code,
			result.err, part);
	}
	assert_string_equal(result.out, "");
	const char *end = strchr(result.err, '\n');
	assert_non_null(end);
	assert_true(strncmp(result.err, "kith", 4) == 0);
	assert_true(end[1] == '\0' || strncmp(end + 1, "usage: ", 7) == 0);
	assert_true(strlen(result.err) < 1000);
}

static char *in_dir(char room[static PATH_BYTES], const char *name)
{
	assert_true(snprintf(room, PATH_BYTES, "%s/%s", dir, name) < PATH_BYTES);
	return room;
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	(void)fputs(text, file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, 0600), 0);
}

static void says_what_is_wrong_with_the_place(void **state)
{
	char path[PATH_BYTES];
	static char huge[100001];
	static const char *const commands[] = {"status", "whoami", "check", "peers", "link"};
	(void)state;
	memset(huge, 'x', sizeof(huge) - 1);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		assert_sentence(kith("huge", commands[i], "--data", huge, NULL), 1,
			"the path of the data directory is too long");
		assert_int_equal(
			kith("none", commands[i], "--data", in_dir(path, "none"), NULL).code, 1);
		assert_int_not_equal(access(path, F_OK), 0); /* nothing is made by asking */
	}
	assert_sentence(kith("none", "whoami", "--data", path, NULL), 1, "there is no key");
	write_file(in_dir(path, "file"), "");
	assert_sentence(kith("file", "init", "--data", path, NULL), 1, "Not a directory");
	assert_sentence(kith("file", "status", "--data", path, NULL), 1, "Not a directory");
	assert_sentence(kith("below", "run", "--data", in_dir(path, "file/below"), NULL), 1,
		"Not a directory");
}

static void takes_as_many_peers_as_are_allowed_and_no_more(void **state)
{
	static const char *const wrong[] = {"0", "-1", "16001", "16000000", "many", ""};
	static const char *const right[] = {"1", "16000"};
	static const char sentence[] = "--peers-max takes a number from 1 to 16000";
	char path[PATH_BYTES];
	(void)state;
	write_file(in_dir(path, "peers"), "");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct result result =
			kith("wrong", "run", "--peers-max", wrong[i], "--data", path, NULL);
		assert_sentence(result, result.code, sentence);
		assert_int_not_equal(result.code, 0);
	}
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
		struct result result =
			kith("right", "run", "--peers-max", right[i], "--data", path, NULL);
		assert_int_equal(result.code, 1); /* it is no directory */
		assert_null(strstr(result.err, sentence));
	}
}

static void quotes_what_it_was_given_shortened_and_harmless(void **state)
{
	static char huge[100001];
	(void)state;
	memset(huge, 'x', sizeof(huge) - 1);
	static const char *const commands[] = {"feed", "state", "unfollow", "block", "unblock"};
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct result result = kith("huge", commands[i], huge, NULL);
		assert_true(result.code == 1 || result.code == 2);
		assert_sentence(result, result.code, "xxx");
	}
	struct result result = kith("escape", "state", "\033[2J\nevil", NULL);
	assert_null(strchr(result.err, '\033'));
	assert_non_null(strstr(result.err, "?[2J?evil"));
}

static void refuses_secrets_that_are_open_or_odd(void **state)
{
	char path[PATH_BYTES];
	char secret[PATH_BYTES];
	static const unsigned modes[] = {0644, 0640, 0604, 0620};
	static const char *const texts[] = {"", "garbage", "{}", "{\"curve\":\"ed25519\"}"};
	(void)state;
	assert_int_equal(kith("init", "init", "--data", in_dir(path, "key"), NULL).code, 0);
	assert_sentence(kith("again", "init", "--data", path, NULL), 1, "there is a key in");
	(void)in_dir(secret, "key/secret");
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_equal(chmod(secret, modes[i]), 0);
		assert_sentence(kith("open", "post", "x", "--data", path, NULL), 1, "chmod 600");
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		write_file(secret, texts[i]);
		assert_sentence(kith("odd", "whoami", "--data", path, NULL), 1, "the secret file");
	}
}

static void keeps_everything_it_writes_private(void **state)
{
	static const char *const names[] = {"secret", "kith.db", "fence", "lock", "reserve"};
	char path[PATH_BYTES];
	char file[PATH_BYTES];
	struct stat info;
	(void)state;
	assert_int_equal(kith("init", "init", "--data", in_dir(path, "private"), NULL).code, 0);
	assert_int_equal(kith("post", "post", "x", "--data", path, NULL).code, 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)in_dir(file, "private/");
		(void)strncat(file, names[i], PATH_BYTES - strlen(file) - 1);
		assert_int_equal(stat(file, &info), 0);
		assert_int_equal(info.st_mode & 077, 0);
	}
}

static struct result to_full_disk(const char *first, ...)
{
	va_list list;
	va_list copy;
	(void)first;
	va_start(list, first);
	va_copy(copy, list);
	struct result result = kith_to("/dev/full", copy);
	va_end(copy);
	va_end(list);
	return result;
}

/* The program, opened for another user to run, who may not see the folders it is in. */
static int open_for_others(void)
{
	char copy[PATH_BYTES];
	char line[PROGRAM_BYTES + 3 * PATH_BYTES];
	struct stat is;
	int fd = open(program, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &is), 0);
	if ((is.st_mode & 05) == 05) {
		return fd;
	}
	(void)close(fd);
	(void)snprintf(line, sizeof(line), "cp '%s' '%s' && chmod 755 '%s'", program,
		in_dir(copy, "kith"), copy);
	assert_int_equal(system(line), 0);
	fd = open(copy, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* The files of a process in /proc are root's when nobody may look into it, and else its user's. */
static void no_command_can_be_looked_into_by_its_neighbours(void **state)
{
	enum { NOBODY = 65534, TRIES = 2000 };
	static char words[2][8] = {"kith", "verify"};
	static char *const argv[] = {words[0], words[1], NULL};
	char environ_path[64];
	char none = 0;
	int in[2];
	int begun[2]; /* closed by the exec */
	struct stat is = {.st_uid = NOBODY};
	(void)state;
	int fd = open_for_others();
	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe2(begun, O_CLOEXEC), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)dup2(in[0], STDIN_FILENO);
		(void)close(in[1]);
		if (geteuid() == 0 && setuid(NOBODY) != 0) {
			_exit(126);
		}
		(void)fexecve(fd, argv, environ);
		_exit(127);
	}
	(void)close(fd);
	(void)close(begun[1]);
	assert_int_equal(read(begun[0], &none, 1), 0);
	(void)close(begun[0]);
	(void)snprintf(environ_path, sizeof(environ_path), "/proc/%d/environ", (int)pid);
	for (int i = 0; i < TRIES && is.st_uid != 0; i++) {
		(void)usleep(5000);
		assert_int_equal(stat(environ_path, &is), 0);
	}
	(void)close(in[0]);
	(void)close(in[1]);
	assert_int_equal(code_of(pid), 0);
	assert_int_equal(is.st_uid, 0);
}

static void fails_when_its_output_cannot_be_written(void **state)
{
	char path[PATH_BYTES];
	static const char *const commands[] = {"whoami", "status", "check"};
	(void)state;
	assert_int_equal(kith("init", "init", "--data", in_dir(path, "full"), NULL).code, 0);
	assert_int_equal(kith("post", "post", "x", "--data", path, NULL).code, 0);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		assert_sentence(to_full_disk("full", commands[i], "--data", path, NULL), 1,
			"standard output cannot be written");
		assert_sentence(to_full_disk("full", commands[i], "--json", "--data", path, NULL),
			1, "standard output cannot be written");
	}
}

static void both_signals_at_once_stop_it_and_break_nothing(void **state)
{
	char path[PATH_BYTES];
	char line[TEXT_BYTES];
	int out = -1;
	int err = -1;
	(void)state;
	const char *argv[] = {program, "run", "--data", in_dir(path, "both"), "--host", "127.0.0.1",
		"--port", "0", "--http-port", "0", "--no-lan", NULL};
	for (int round = 0; round < 5; round++) {
		pid_t pid = spawn(argv, NULL, &out, &err);
		assert_true(read(out, line, sizeof(line)) > 0); /* it says that it runs */
		(void)kill(pid, SIGTERM);
		(void)kill(pid, SIGINT);
#ifdef __SANITIZE_THREAD__
		/* The sanitizer puts signals off, and may sleep over them until the next one. */
		(void)usleep(1000000);
		(void)kill(pid, SIGINT);
#endif
		(void)close(out);
		slurp(err, line);
		assert_null(strstr(line, "Assertion"));
		int status = 0;
		assert_int_equal(waitpid(pid, &status, 0), pid);
		/* The second may come when nobody listens any more. */
		assert_true(WIFEXITED(status)
				    ? WEXITSTATUS(status) == 0
				    : WTERMSIG(status) == SIGTERM || WTERMSIG(status) == SIGINT);
	}
}

static void a_taken_port_ends_the_start_cleanly(void **state)
{
	char path[PATH_BYTES];
	char other[PATH_BYTES];
	char line[TEXT_BYTES] = "";
	int out = -1;
	int err = -1;
	(void)state;
	const char *argv[] = {program, "run", "--data", in_dir(path, "first"), "--host",
		"127.0.0.1", "--port", "0", "--http-port", "0", "--no-lan", NULL};
	pid_t pid = spawn(argv, NULL, &out, &err);
	assert_true(read(out, line, sizeof(line) - 1) > 0);
	const char *at = strstr(line, "localhost:");
	assert_non_null(at);
	char port[8] = "";
	(void)snprintf(port, sizeof(port), "%d", atoi(at + 10));
	assert_sentence(kith("taken", "run", "--data", in_dir(other, "second"), "--host",
				"127.0.0.1", "--port", "0", "--http-port", port, "--no-lan", NULL),
		1, "Address already in use"); /* that sentence, and no other line */
	struct sockaddr_in at_peers = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at_peers);
	int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(taken, (struct sockaddr *)&at_peers, len), 0);
	assert_int_equal(listen(taken, 1), 0);
	assert_int_equal(getsockname(taken, (struct sockaddr *)&at_peers, &len), 0);
	(void)snprintf(port, sizeof(port), "%u", ntohs(at_peers.sin_port));
	assert_sentence(kith("peers", "run", "--data", other, "--host", "127.0.0.1", "--port", port,
				"--http-port", "0", "--no-lan", NULL),
		1, "address already in use");
	(void)close(taken);
	assert_sentence(kith("same", "run", "--data", path, "--port", "0", "--http-port", "0",
				"--no-lan", NULL),
		1, "another kith is using");
	(void)kill(pid, SIGTERM);
	(void)close(out);
	slurp(err, line);
	assert_int_equal(code_of(pid), 0);
}

static void makes_no_new_key_beside_a_database(void **state)
{
	char path[PATH_BYTES];
	char secret[PATH_BYTES];
	(void)state;
	assert_int_equal(kith("init", "init", "--data", in_dir(path, "lost"), NULL).code, 0);
	assert_int_equal(kith("post", "post", "x", "--data", path, NULL).code, 0);
	assert_int_equal(unlink(in_dir(secret, "lost/secret")), 0);
	assert_sentence(kith("run", "run", "--data", path, "--port", "0", "--http-port", "0",
				"--no-lan", NULL),
		1, "put its secret file back");
	assert_sentence(kith("init", "init", "--data", path, NULL), 1, "put its secret file back");
	assert_int_not_equal(access(secret, F_OK), 0);
}

static void says_that_a_database_is_damaged(void **state)
{
	static const char *const commands[] = {"check", "status", "run"};
	char path[PATH_BYTES];
	char file[PATH_BYTES];
	(void)state;
	assert_int_equal(kith("init", "init", "--data", in_dir(path, "damaged"), NULL).code, 0);
	assert_int_equal(kith("post", "post", "x", "--data", path, NULL).code, 0);
	assert_int_equal(truncate(in_dir(file, "damaged/kith.db"), 5000), 0);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		assert_sentence(
			kith("damaged", commands[i], "--data", path, NULL), 1, "is damaged");
	}
}

static void a_socket_that_cannot_be_had_ends_the_start(void **state)
{
	char path[PATH_BYTES];
	char file[PATH_BYTES];
	(void)state;
	assert_int_equal(kith("init", "init", "--data", in_dir(path, "socket"), NULL).code, 0);
	assert_int_equal(mkdir(in_dir(file, "socket/api.sock"), 0700), 0);
	assert_sentence(kith("run", "run", "--data", path, "--port", "0", "--http-port", "0",
				"--no-lan", NULL),
		1, "api.sock cannot be opened");
}

static int make_place(void **state)
{
	(void)state;
	folder_make(dir, sizeof(dir), "kith-program");
	return 0;
}

static int remove_place(void **state)
{
	char command[PATH_BYTES + 16];
	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_is_wrong_with_the_place),
		cmocka_unit_test(takes_as_many_peers_as_are_allowed_and_no_more),
		cmocka_unit_test(quotes_what_it_was_given_shortened_and_harmless),
		cmocka_unit_test(refuses_secrets_that_are_open_or_odd),
		cmocka_unit_test(keeps_everything_it_writes_private),
		cmocka_unit_test(no_command_can_be_looked_into_by_its_neighbours),
		cmocka_unit_test(fails_when_its_output_cannot_be_written),
		cmocka_unit_test(both_signals_at_once_stop_it_and_break_nothing),
		cmocka_unit_test(a_taken_port_ends_the_start_cleanly),
		cmocka_unit_test(makes_no_new_key_beside_a_database),
		cmocka_unit_test(says_that_a_database_is_damaged),
		cmocka_unit_test(a_socket_that_cannot_be_had_ends_the_start),
	};
	(void)argc;
	/* build/tests/cmd/test_program -> build/kith */
	(void)snprintf(program, sizeof(program), "%s/../../kith", dirname(argv[0]));
	return cmocka_run_group_tests(tests, make_place, remove_place);
}
