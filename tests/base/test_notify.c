/* base/notify against a socket of the test's own, as a service manager has one. */
#include "lib/cmocka.h"
#include "lib/folder.h"

#include "base/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char folder[64];

static int listen_at(const char *name, bool is_abstract)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(name);
	memcpy(address.sun_path, name, len);
	if (is_abstract) {
		address.sun_path[0] = '\0';
	}
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address,
				 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
		0);
	return fd;
}

static void hears(int fd, const char *wanted)
{
	char text[600];
	ssize_t len = recv(fd, text, sizeof(text) - 1, 0);
	assert_true(len >= 0);
	text[len] = '\0';
	assert_string_equal(text, wanted);
}

static void says_lines_to_a_path_and_to_an_abstract_name(void **state)
{
	char path[128];
	char name[64];
	struct notify notify;
	(void)state;
	folder_make(folder, sizeof(folder), "kith-notify");
	(void)snprintf(path, sizeof(path), "%s/notify", folder);
	(void)snprintf(name, sizeof(name), "@kith-notify-%d", (int)getpid());
	int fds[] = {listen_at(path, false), listen_at(name, true)};
	const char *const names[] = {path, name};
	for (int i = 0; i < 2; i++) {
		notify_open(&notify, names[i]);
		assert_true(notify.fd >= 0);
		notify_say(&notify, "READY=1\nSTATUS=%d peers", 3);
		hears(fds[i], "READY=1\nSTATUS=3 peers");
		notify_close(&notify);
		assert_int_equal(notify.fd, -1);
		assert_int_equal(close(fds[i]), 0);
	}
	folder_remove(folder);
}

static void without_a_manager_nothing_is_said(void **state)
{
	static const char *const nobody[] = {NULL, "", "/", "@", "relative", "/nowhere/at/all"};
	char far[512];
	struct notify notify;
	(void)state;
	for (size_t i = 0; i < sizeof(nobody) / sizeof(nobody[0]); i++) {
		notify_open(&notify, nobody[i]);
		assert_int_equal(notify.fd, -1);
		notify_say(&notify, "READY=1");
		notify_close(&notify);
	}
	memset(far, 'x', sizeof(far) - 1);
	far[0] = '/';
	far[sizeof(far) - 1] = '\0';
	notify_open(&notify, far);
	assert_int_equal(notify.fd, -1);
}

static void the_watchdog_is_ours_or_nobodys(void **state)
{
	char own[32];
	(void)state;
	(void)snprintf(own, sizeof(own), "%d", (int)getpid());
	assert_int_equal(notify_watchdog_ms("30000000", own), 30000);
	assert_int_equal(notify_watchdog_ms("30000000", NULL), 30000);
	assert_int_equal(notify_watchdog_ms("30000000", "1"), 0);
	assert_int_equal(notify_watchdog_ms("30000000", ""), 0);
	assert_int_equal(notify_watchdog_ms(NULL, own), 0);
	assert_int_equal(notify_watchdog_ms("", own), 0);
	assert_int_equal(notify_watchdog_ms("-5", own), 0);
	assert_int_equal(notify_watchdog_ms("12x", own), 0);
	assert_int_equal(notify_watchdog_ms("99999999999999999999999", own), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_lines_to_a_path_and_to_an_abstract_name),
		cmocka_unit_test(without_a_manager_nothing_is_said),
		cmocka_unit_test(the_watchdog_is_ours_or_nobodys),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
