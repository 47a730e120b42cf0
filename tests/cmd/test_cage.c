/* The cage, from inside: each attempt is made by a process of its own, as nobody gets out again.
 * Then the real program, with a spy among its libraries that tries the same from the threads of a
 * node at work (tests/cmd/cage_spy.c). */
#include "lib/cmocka.h"
#include "lib/folder.h"
#include "lib/shell.h"

#include "base/log.h"
#include "cage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <pthread.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_BYTES = 256, LINE_BYTES = 512 };

/* What a child ends with. */
enum outcome { ALL_WELL = 0, NOT_CLOSED = 70, FAILED_AT = 100 };

static char dir[64]; /* in/ is the node's, out/ is not */

static const char *at(const char *name)
{
	static char room[4][PATH_BYTES];
	static int turn;
	turn = (turn + 1) % 4;
	(void)snprintf(room[turn], PATH_BYTES, "%s/%s", dir, name);
	return room[turn];
}

static void put_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
	static const char *const folders[] = {"in", "in/a", "in/b", "out", "read", "kith", "other"};
	(void)state;
	folder_make(dir, sizeof(dir), "kith-cage");
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		assert_int_equal(mkdir(at(folders[i]), 0700), 0);
	}
	put_file(at("out/diary"), "dear diary");
	put_file(at("read/page"), "a page");
	put_file(at("kith/kith.conf"), "hops = 2");
	put_file(at("kith/next"), "hops = 3");
	put_file(at("other/my.conf"), "hops = 2");
	put_file(at("other/letter"), "a letter");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	folder_remove(dir);
	return 0;
}

static char said[LINE_BYTES]; /* the last line of the log, of a child */

static void keep_line(void *ctx, enum log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	(void)snprintf(said, sizeof(said), "%s", line);
}

static bool close_it(const char *conf)
{
	struct env env = *env_system();
	char why[LINE_BYTES] = "";
	const char *const writable[] = {at("in"), at("not-there"), NULL};
	const char *const readable[] = {at("read"), NULL};
	struct cage cage;
	env.log_line = keep_line;
	const struct cage_opts opts = {.writable = writable, .readable = readable, .conf = conf};
	bool is_closed = cage_close(&opts, &cage, why, sizeof(why)) == ERR_OK;
	cage_tell(&cage, &env);
	return is_closed;
}

/* What waitpid() says of a child that closed the cage and made the attempt. */
static int status_of(enum outcome (*attempt)(void))
{
	int status = 0;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		_exit(close_it(NULL) ? (int)attempt() : NOT_CLOSED);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void assert_well(enum outcome (*attempt)(void))
{
	int status = status_of(attempt);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != ALL_WELL) {
		fail_msg("status %x: exit %d (from 100 on: which step), signal %d", status,
			WEXITSTATUS(status), WTERMSIG(status));
	}
}

static void assert_killed(enum outcome (*attempt)(void))
{
	int status = status_of(attempt);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static bool has_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= 2;
}

#define STEP(n, condition)                                      \
	do {                                                    \
		if (!(condition)) {                             \
			return (enum outcome)(FAILED_AT + (n)); \
		}                                               \
	} while (0)

static bool is_refused(int rc, int reason)
{
	return rc < 0 && errno == reason;
}

/* Files. */

static enum outcome work_inside(void)
{
	char text[16] = "";
	int fd = open(at("in/a/new"), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	STEP(0, fd >= 0 && write(fd, "words", 5) == 5 && fsync(fd) == 0);
	STEP(1, pread(fd, text, sizeof(text), 0) == 5 && strcmp(text, "words") == 0);
	STEP(2, ftruncate(fd, 2) == 0 && close(fd) == 0);
	STEP(3, rename(at("in/a/new"), at("in/b/named")) == 0); /* as a blob gets its name */
	STEP(4, link(at("in/b/named"), at("in/a/kept")) == 0);  /* as a key is put away */
	STEP(5, mkdir(at("in/c"), 0700) == 0 && rmdir(at("in/c")) == 0);
	STEP(6, truncate(at("in/a/kept"), 0) == 0 && unlink(at("in/a/kept")) == 0);
	DIR *folder = opendir(at("in/b"));
	STEP(7, folder != NULL && readdir(folder) != NULL && closedir(folder) == 0);
	STEP(8, open(at("read/page"), O_RDONLY | O_CLOEXEC) >= 0);
	STEP(9, open("/dev/null", O_RDWR | O_CLOEXEC) >= 0);
	STEP(10, open("/dev/urandom", O_RDONLY | O_CLOEXEC) >= 0);
	STEP(11, open("/proc/self/status", O_RDONLY | O_CLOEXEC) >= 0);
	return ALL_WELL;
}

static enum outcome reach_out(void)
{
	STEP(0, is_refused(open(at("out/diary"), O_RDONLY | O_CLOEXEC), EACCES));
	STEP(1, is_refused(open(at("out/diary"), O_WRONLY | O_CLOEXEC), EACCES));
	STEP(2, is_refused(open(at("out/new"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600), EACCES));
	STEP(3, is_refused(open("/etc/shadow", O_RDONLY | O_CLOEXEC), EACCES));
	STEP(4, opendir(at("out")) == NULL && errno == EACCES);
	STEP(5, is_refused(unlink(at("out/diary")), EACCES));
	STEP(6, is_refused(mkdir(at("out/new"), 0700), EACCES));
	STEP(7, rename(at("out/diary"), at("in/diary")) != 0);
	STEP(8, rename(at("in/a"), at("out/a")) != 0);
	STEP(9, link(at("out/diary"), at("in/diary")) != 0);
	STEP(10, symlink(at("out/diary"), at("in/way")) != 0);
	STEP(11, is_refused(truncate(at("out/diary"), 0), EACCES));
	STEP(12, is_refused(open(at("in/../out/diary"), O_RDONLY | O_CLOEXEC), EACCES));
	STEP(13, is_refused(open(at("read/page"), O_WRONLY | O_CLOEXEC), EACCES));
	STEP(14, is_refused(open("/proc/1/environ", O_RDONLY | O_CLOEXEC), EACCES));
	STEP(15, mknod(at("in/device"), S_IFCHR | 0600, 0) != 0);
	return ALL_WELL;
}

static void *reach_out_too(void *result)
{
	*(enum outcome *)result = reach_out();
	return NULL;
}

static enum outcome reach_out_of_a_thread(void)
{
	pthread_t thread;
	enum outcome result = FAILED_AT;
	STEP(50, pthread_create(&thread, NULL, reach_out_too, &result) == 0);
	STEP(51, pthread_setname_np(thread, "prisoner") == 0 || errno != ENOSYS);
	STEP(52, pthread_join(thread, NULL) == 0);
	return result;
}

static void *wait_outside(void *ignored)
{
	(void)ignored;
	(void)pause();
	return NULL;
}

/* It would go on outside, with the same memory. */
static void does_not_close_behind_another_thread(void **state)
{
	int status = 0;
	(void)state;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		pthread_t thread;
		(void)close(STDERR_FILENO); /* the assertion is meant */
		_exit(pthread_create(&thread, NULL, wait_outside, NULL) == 0 && close_it(NULL)
				? ALL_WELL
				: NOT_CLOSED);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void works_below_its_own_directory(void **state)
{
	(void)state;
	assert_well(work_inside);
}

static void reaches_no_file_elsewhere(void **state)
{
	(void)state;
	if (!has_landlock()) {
		skip();
	}
	assert_well(reach_out);
}

static void a_thread_that_is_started_later_is_inside_too(void **state)
{
	(void)state;
	if (!has_landlock()) {
		skip();
	}
	assert_well(reach_out_of_a_thread);
}

/* An editor writes another file and gives it the name. */
static int read_again(const char *conf, const char *next)
{
	int status = 0;
	int pipes[2];
	char go = 0;
	assert_int_equal(pipe(pipes), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		bool is_closed = close_it(conf) && read(pipes[0], &go, 1) == 1;
		_exit(!is_closed                                              ? NOT_CLOSED
			: open(conf, O_RDONLY | O_CLOEXEC) < 0                ? FAILED_AT
			: open(at("other/letter"), O_RDONLY | O_CLOEXEC) >= 0 ? FAILED_AT + 1
			: open(conf, O_WRONLY | O_CLOEXEC) >= 0               ? FAILED_AT + 2
									      : ALL_WELL);
	}
	if (next != NULL) {
		/* Not before the rule is made of the old one. */
		char status_path[64];
		char line[LINE_BYTES] = "";
		(void)snprintf(status_path, sizeof(status_path), "/proc/%d/status", (int)pid);
		for (bool is_closed = false; !is_closed;) {
			FILE *file = fopen(status_path, "r");
			assert_non_null(file);
			while (fgets(line, sizeof(line), file) != NULL) {
				is_closed = is_closed || strcmp(line, "Seccomp:\t2\n") == 0;
			}
			(void)fclose(file);
		}
		assert_int_equal(rename(next, conf), 0);
	}
	assert_int_equal(write(pipes[1], "g", 1), 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	(void)close(pipes[0]);
	(void)close(pipes[1]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void reads_its_conf_again_and_nothing_beside_it(void **state)
{
	(void)state;
	if (!has_landlock()) {
		skip();
	}
	assert_int_equal(read_again(at("kith/kith.conf"), at("kith/next")), ALL_WELL);
	assert_int_equal(read_again(at("other/my.conf"), NULL), ALL_WELL);
}

/* Programs and processes. */

static enum outcome start_a_program(void)
{
	(void)execl("/bin/true", "true", (char *)NULL);
	return FAILED_AT;
}

static enum outcome trace_another(void)
{
	(void)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
	return FAILED_AT;
}

static enum outcome read_anothers_memory(void)
{
	char byte = 0;
	struct iovec here = {&byte, 1};
	(void)process_vm_readv(getppid(), &here, 1, &here, 1, 0);
	return FAILED_AT;
}

static void dies_when_it_starts_a_program_or_looks_into_one(void **state)
{
	(void)state;
	assert_killed(start_a_program);
	assert_killed(trace_another);
	assert_killed(read_anothers_memory);
}

static enum outcome bear_children(void)
{
	STEP(0, is_refused(fork(), ENOSYS));
	STEP(1, is_refused(vfork(), ENOSYS));
	return ALL_WELL;
}

static volatile sig_atomic_t heard;

static void hear(int signal)
{
	heard = signal;
}

static enum outcome send_signals(void)
{
	STEP(0, is_refused(kill(getppid(), 0), ENOSYS));
	STEP(1, signal(SIGUSR1, hear) != SIG_ERR && raise(SIGUSR1) == 0 && heard == SIGUSR1);
	return ALL_WELL;
}

static void has_no_children_and_signals_nobody(void **state)
{
	(void)state;
	assert_well(bear_children);
	assert_well(send_signals);
}

static enum outcome give_up(void)
{
	abort();
}

static void a_failed_assertion_still_ends_it(void **state)
{
	(void)state;
	int status = status_of(give_up);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

/* Sockets, memory, the rest. */

static enum outcome open_sockets(void)
{
	struct ifaddrs *list = NULL;
	struct addrinfo *found = NULL;
	STEP(0, socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0);
	STEP(1, socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0);
	STEP(2, socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) < 0);
	STEP(3, socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0) < 0 && errno == ENOSYS);
	STEP(4, socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 9) < 0 && errno == ENOSYS); /* audit */
	STEP(5, getifaddrs(&list) == 0 && list != NULL);
	STEP(6, getaddrinfo("localhost", "80", NULL, &found) == 0 && found != NULL);
	return ALL_WELL;
}

static void speaks_to_the_network_and_to_no_program_of_the_machine(void **state)
{
	(void)state;
	assert_well(open_sockets);
}

static enum outcome make_code(void)
{
	const int both = PROT_READ | PROT_WRITE | PROT_EXEC;
	STEP(0, mmap(NULL, 4096, both, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	STEP(1, page != MAP_FAILED);
	STEP(2, is_refused(mprotect(page, 4096, PROT_READ | PROT_EXEC), ENOSYS));
	STEP(3, mprotect(page, 4096, PROT_READ) == 0);
	STEP(4, mlock(page, 4096) == 0 && munlock(page, 4096) == 0);
	return ALL_WELL;
}

static void memory_that_was_written_is_never_run(void **state)
{
	(void)state;
	assert_well(make_code);
}

static enum outcome call_the_unknown(void)
{
	char letter = 'x';
	STEP(0, is_refused((int)syscall(SYS_io_uring_setup, 1, NULL), ENOSYS));
	STEP(1, is_refused((int)syscall(SYS_bpf, 0, NULL, 0), ENOSYS));
	STEP(2, is_refused((int)syscall(SYS_unshare, 0), ENOSYS));
	STEP(3, is_refused((int)syscall(SYS_memfd_create, "x", 0), ENOSYS));
	STEP(4, is_refused((int)syscall(SYS_keyctl, 0, 0), ENOSYS));
	STEP(5, is_refused((int)syscall(SYS_setuid, 0), ENOSYS));
	STEP(6, is_refused((int)syscall(100000), ENOSYS));
	STEP(7, is_refused(ioctl(0, TIOCSTI, &letter), ENOSYS));
	return ALL_WELL;
}

static void a_call_it_does_not_need_is_not_there(void **state)
{
	(void)state;
	assert_well(call_the_unknown);
}

static void a_kernel_without_landlock_is_told_in_one_line(void **state)
{
	int status = 0;
	(void)state;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		/* As such a kernel answers. */
		scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
		int rc = seccomp_rule_add(
			filter, SCMP_ACT_ERRNO(ENOSYS), SYS_landlock_create_ruleset, 0);
		bool is_closed = rc == 0 && seccomp_load(filter) == 0 && close_it(NULL);
		_exit(!is_closed ? NOT_CLOSED
			: strcmp(said, "cage.half_closed files=\"this kernel has no Landlock\" "
				       "calls=filtered") != 0
				? FAILED_AT
				: (int)bear_children());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), ALL_WELL);
}

/* The real program. */

/* Starts the node `n`, waits until it says that it runs, does `what`, and ends it: its exit code is
 * the line's. What the spy saw is in the file `spied`. */
#define WAIT                                                      \
	"wait_for() { for i in $(seq 400); do \"$@\" && return; " \
	"grep -q 'State:.[^Z]' /proc/$pid/status || return; sleep 0.05; done; }; "
#define NODE(env, options, what)                                                              \
	WAIT "mkdir -p out; echo dear diary >out/diary; " env                                 \
	     " SPY_OUTSIDE=$PWD/out SPY_TO=$PWD/spied "                                       \
	     "LD_PRELOAD=${KITH%/kith}/tests/cmd/cage_spy.so " SHELL_RUN " --data n " options \
	     " >said 2>log & pid=$!; wait_for grep -q 'is running' said; " what               \
	     "; kill $pid; wait $pid"

/* Another node is found by its name, and what it wrote comes. */
static void the_program_works_in_it(void **state)
{
	(void)state;
	if (CAGE_IS_SANITIZED) {
		skip();
	}
	shell_good(
		NODE("", "--backup-dir b",
			SHELL_RUN " --data m >other 2>&1 & peer=$!; "
				  "wait_for grep -q ready other; "
				  "kith post 'from m' --data m; "
				  "kith post 'from n' --data n && kith blob add said --data n; "
				  "port=$(sed -n 's/.*peer_port=\\([0-9]*\\).*/\\1/p' other); "
				  "id=$(kith whoami --data m | tr -d @ | cut -d. -f1); "
				  "kith follow @$id.ed25519 net:localhost:$port~shs:$id --data n; "
				  "came() { kith feed @$id.ed25519 --data n | grep 'from m'; }; "
				  "wait_for came; kill $peer; wait $peer"),
		"from m");
	shell_good("cat log; test -d b",
		has_landlock() ? "cage.closed landlock=" : "cage.half_closed");
}

/* At least from the writer and from a thread of the web port. */
static void the_programs_threads_reach_nothing_outside(void **state)
{
	(void)state;
	if (CAGE_IS_SANITIZED || !has_landlock()) {
		skip();
	}
	shell_good(NODE("", "", "kith post hello --data n; kith blob add log --data n"), "");
	/* Each line: what was tried, and how it ended. */
	shell_good("test $(grep -c '^thread' spied) -ge 2 && sort -u spied | grep -v '^thread'",
		"fork ENOSYS\nmake EACCES\nread EACCES\nshadow EACCES\nunix ENOSYS\n");
	shell_good("sort -u spied | grep -v '^thread' | wc -l", "5\n");
}

static void the_program_dies_when_it_starts_another(void **state)
{
	(void)state;
	if (CAGE_IS_SANITIZED) {
		skip();
	}
	int code = 0;
	(void)shell_line(&code, NODE("SPY_DEADLY=exec", "", "kith post hello --data n"));
	assert_int_equal(code, 128 + SIGSYS);
	(void)shell_line(&code, NODE("SPY_DEADLY=ptrace", "", "kith post hello --data n"));
	assert_int_equal(code, 128 + SIGSYS);
}

static void no_sandbox_leaves_it_open(void **state)
{
	(void)state;
	shell_good(NODE("", "--no-sandbox",
			   "kith post hello --data n; grep -e Seccomp: -e NoNewPrivs: "
			   "/proc/$pid/status"),
		"NoNewPrivs:\t0\nSeccomp:\t0\n");
	shell_good("test ! -s spied && ! grep cage log", "");
}

/* feed/key's memory is sodium_malloc's; inside, as outside, it is never swapped out. */
static void its_key_is_in_locked_pages(void **state)
{
	(void)state;
	if (CAGE_IS_SANITIZED) {
		skip(); /* sanitizers lock nothing */
	}
	shell_good(NODE("", "", "awk '/^VmLck:/ && $2 >= 4 {print \"locked\"}' /proc/$pid/status"),
		"locked\n");
	shell_good(NODE("", "", "cat /proc/$pid/limits"),
		"Max core file size        0                    0");
}

int main(int argc, char **argv)
{
	assert_true(argc > 0);
	shell_find(argv[0]);
#define INSIDE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define PROGRAM(test) cmocka_unit_test_setup_teardown(test, shell_set_up, shell_tear_down)
	const struct CMUnitTest tests[] = {
		INSIDE(does_not_close_behind_another_thread),
		INSIDE(works_below_its_own_directory),
		INSIDE(reaches_no_file_elsewhere),
		INSIDE(a_thread_that_is_started_later_is_inside_too),
		INSIDE(reads_its_conf_again_and_nothing_beside_it),
		INSIDE(dies_when_it_starts_a_program_or_looks_into_one),
		INSIDE(has_no_children_and_signals_nobody),
		INSIDE(a_failed_assertion_still_ends_it),
		INSIDE(speaks_to_the_network_and_to_no_program_of_the_machine),
		INSIDE(memory_that_was_written_is_never_run),
		INSIDE(a_call_it_does_not_need_is_not_there),
		INSIDE(a_kernel_without_landlock_is_told_in_one_line),
		PROGRAM(the_program_works_in_it),
		PROGRAM(the_programs_threads_reach_nothing_outside),
		PROGRAM(the_program_dies_when_it_starts_another),
		PROGRAM(no_sandbox_leaves_it_open),
		PROGRAM(its_key_is_in_locked_pages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
