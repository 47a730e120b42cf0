/* The keeper with parts that the test plays: who is told what, and when the service manager hears
 * nothing. */
#include "lib/cmocka.h"
#include "lib/folder.h"

#include "keeper.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WAIT_MS = 20000 };

static struct {
	struct keeper *keeper;
	int manager; /* the service manager's end */
	char folder[64];
	atomic_int asked[KEEPER_PARTS];
	atomic_bool is_silent[KEEPER_PARTS]; /* it does not answer */
	atomic_bool is_absent[KEEPER_PARTS];
	atomic_int stops, hangups;
} rig;

static void on_stop(void *ctx, int signal)
{
	(void)ctx;
	assert_int_equal(signal, SIGTERM);
	atomic_fetch_add(&rig.stops, 1);
}

static void on_hangup(void *ctx)
{
	(void)ctx;
	atomic_fetch_add(&rig.hangups, 1);
}

static bool ask(void *ctx, enum keeper_part part)
{
	(void)ctx;
	atomic_fetch_add(&rig.asked[part], 1);
	if (!atomic_load(&rig.is_silent[part]) && !atomic_load(&rig.is_absent[part])) {
		keeper_answered(rig.keeper, part);
	}
	return !atomic_load(&rig.is_absent[part]);
}

/* The next datagram; "" when none came in `ms`. */
static const char *heard(int ms)
{
	static char text[600];
	struct pollfd fd = {.fd = rig.manager, .events = POLLIN};
	ssize_t len = poll(&fd, 1, ms) == 1 ? recv(rig.manager, text, sizeof(text) - 1, 0) : 0;
	assert_true(len >= 0);
	text[len] = '\0';
	return text;
}

static void hears(const char *wanted)
{
	const char *text = heard(WAIT_MS);
	if (strcmp(text, wanted) != 0) {
		fail_msg("\"%s\" instead of \"%s\"", text, wanted);
	}
}

static int set_up(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	(void)state;
	memset(&rig, 0, sizeof(rig));
	folder_make(rig.folder, sizeof(rig.folder), "kith-keeper");
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", rig.folder);
	rig.manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(rig.manager, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", address.sun_path, 1), 0);
	assert_int_equal(unsetenv("WATCHDOG_PID"), 0);
	assert_int_equal(unsetenv("WATCHDOG_USEC"), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)close(rig.manager);
	folder_remove(rig.folder);
	return 0;
}

static void start(void)
{
	const struct keeper_opts opts = {
		.env = env_system(), .on_stop = on_stop, .on_hangup = on_hangup, .ask = ask};
	keeper_block();
	assert_int_equal(keeper_new(&opts, &rig.keeper), ERR_OK);
	assert_int_equal(keeper_start(rig.keeper), ERR_OK);
}

static void tells_of_start_reload_and_stop(void **state)
{
	(void)state;
	start();
	keeper_is_starting(rig.keeper, "getting on");
	hears("EXTEND_TIMEOUT_USEC=120000000\nSTATUS=getting on");
	keeper_ready(rig.keeper, "serving");
	hears("READY=1\nSTATUS=serving");
	assert_int_equal(kill(getpid(), SIGHUP), 0);
	assert_memory_equal(heard(WAIT_MS), "RELOADING=1\nMONOTONIC_USEC=", 27);
	hears("READY=1");
	assert_int_equal(atomic_load(&rig.hangups), 1);
	assert_int_equal(kill(getpid(), SIGTERM), 0);
	hears("STOPPING=1\nSTATUS=stopping");
	keeper_stop(rig.keeper);
	assert_int_equal(atomic_load(&rig.stops), 1);
}

/* Until every part that is there was asked once more. */
static void wait_for_questions(enum keeper_part part, int count)
{
	for (int i = 0; i < WAIT_MS && atomic_load(&rig.asked[part]) < count; i++) {
		(void)usleep(1000);
	}
	assert_true(atomic_load(&rig.asked[part]) >= count);
}

static void feeds_the_watchdog_while_every_part_answers(void **state)
{
	(void)state;
	assert_int_equal(setenv("WATCHDOG_USEC", "300000", 1), 0);
	atomic_store(&rig.is_absent[KEEPER_WRITER], true); /* a locked node has none */
	start();
	for (int i = 0; i < 5; i++) {
		hears("WATCHDOG=1");
	}
	keeper_stop(rig.keeper);
}

static void does_not_feed_it_when_one_part_hangs(void **state)
{
	(void)state;
	assert_int_equal(setenv("WATCHDOG_USEC", "300000", 1), 0);
	for (int part = 0; part < KEEPER_PARTS; part++) {
		memset(rig.is_silent, 0, sizeof(rig.is_silent));
		memset(rig.asked, 0, sizeof(rig.asked));
		atomic_store(&rig.is_silent[part], true);
		enum keeper_part other = part == KEEPER_LOOP ? KEEPER_WEB : KEEPER_LOOP;
		start();
		hears("WATCHDOG=1"); /* when nobody had been asked yet */
		wait_for_questions(other, 4);
		assert_string_equal(heard(0), "");
		assert_int_equal(atomic_load(&rig.asked[part]), 1); /* one question waits */
		/* It comes back: an answer to that question, and all is well. */
		atomic_store(&rig.is_silent[part], false);
		keeper_answered(rig.keeper, (enum keeper_part)part);
		hears("WATCHDOG=1");
		keeper_stop(rig.keeper);
		while (heard(0)[0] != '\0') {
		}
	}
}

static void a_second_signal_ends_the_process_at_once(void **state)
{
	(void)state;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		start();
		keeper_ready(rig.keeper, "serving");
		for (;;) {
			(void)pause();
		}
	}
	hears("READY=1\nSTATUS=serving"); /* from here on it is the keeper that takes signals */
	assert_int_equal(kill(pid, SIGTERM), 0);
	hears("STOPPING=1\nSTATUS=stopping"); /* one that nobody took yet would swallow the second
					       */
	int status = 0;
	(void)kill(pid, SIGTERM);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tells_of_start_reload_and_stop, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			feeds_the_watchdog_while_every_part_answers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			does_not_feed_it_when_one_part_hangs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_second_signal_ends_the_process_at_once, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
