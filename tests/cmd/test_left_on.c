/* The program as a service manager starts it, and as a probe asks it. */
#include "lib/cmocka.h"
#include "lib/openmetrics.h"
#include "lib/shell.h"

#include "base/handed.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WAIT_MS = 60000, TEXT_BYTES = 65536 };

static int manager = -1; /* its end of NOTIFY_SOCKET */
static char notify_path[100];

static int set_up(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	assert_int_equal(shell_set_up(state), 0);
	(void)snprintf(notify_path, sizeof(notify_path), "%s/notify", shell_top);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", notify_path);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(manager, (const struct sockaddr *)&address, sizeof(address)), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)close(manager);
	return shell_tear_down(state);
}

/* `kith run` on the data directory `name`, with a service manager that wants to hear of it. */
static pid_t run(const char *name)
{
	char dir[256];
	(void)snprintf(dir, sizeof(dir), "%s/%s", shell_top, name);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		char own[32];
		(void)snprintf(own, sizeof(own), "%d", (int)getpid());
		(void)setenv("NOTIFY_SOCKET", notify_path, 1);
		(void)setenv("WATCHDOG_USEC", "300000", 1);
		(void)setenv("WATCHDOG_PID", own, 1);
		(void)execl(shell_program, shell_program, "run", "--data", dir, "--host",
			"127.0.0.1", "--port", "0", "--http-port", "0", "--no-lan", NULL);
		_exit(127);
	}
	return pid;
}

/* The same with two sockets that the manager opened: for the page, and for peers. */
static pid_t run_handed(const char *name, const int fds[static 2], const uint16_t ports[static 2])
{
	char dir[256];
	(void)snprintf(dir, sizeof(dir), "%s/%s", shell_top, name);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		char text[3][16];
		(void)snprintf(text[2], sizeof(text[2]), "%d", (int)getpid());
		(void)setenv("NOTIFY_SOCKET", notify_path, 1);
		(void)setenv("LISTEN_PID", text[2], 1);
		(void)setenv("LISTEN_FDS", "2", 1);
		for (int i = 0; i < 2; i++) {
			(void)snprintf(text[i], sizeof(text[i]), "%u", ports[i]);
			if (dup2(fds[i], HANDED_FIRST + i) < 0) {
				_exit(126);
			}
		}
		(void)execl(shell_program, shell_program, "run", "--data", dir, "--host",
			"127.0.0.1", "--port", text[1], "--http-port", text[0], "--no-lan", NULL);
		_exit(127);
	}
	return pid;
}

/* Its descriptor is above those that the child puts its own into. */
static int listen_on_loopback(uint16_t *port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int low = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int fd = fcntl(low, F_DUPFD_CLOEXEC, 100);
	(void)close(low);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	*port = ntohs(address.sin_port);
	return fd;
}

static int call(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* Wait until the manager hears `wanted`; words before it are passed over. */
static void hears(const char *wanted)
{
	char text[600] = "";
	struct pollfd fd = {.fd = manager, .events = POLLIN};
	while (strcmp(text, wanted) != 0) {
		assert_int_equal(poll(&fd, 1, WAIT_MS), 1);
		ssize_t len = recv(manager, text, sizeof(text) - 1, 0);
		assert_true(len >= 0);
		text[len] = '\0';
	}
}

/* Ended by itself, with 0. */
static void ends_well(pid_t pid)
{
	int status = -1;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* All that GET of `path` answers over the Unix socket of `name`; static. */
static const char *fetched(const char *name, const char *path)
{
	static char text[TEXT_BYTES];
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = 0;
	ssize_t count = 0;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)snprintf(
		address.sun_path, sizeof(address.sun_path), "%s/%s/api.sock", shell_top, name);
	assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	int asked = snprintf(text, sizeof(text),
		"GET %s HTTP/1.1\r\nHost: kith\r\nConnection: close\r\n\r\n", path);
	assert_int_equal(send(fd, text, (size_t)asked, MSG_NOSIGNAL), asked);
	while ((count = recv(fd, text + len, sizeof(text) - 1 - len, 0)) > 0) {
		len += (size_t)count;
	}
	text[len] = '\0';
	(void)close(fd);
	return text;
}

static void answers(const char *name, const char *path, const char *status, const char *body)
{
	const char *text = fetched(name, path);
	const char *end = strstr(text, "\r\n\r\n");
	assert_non_null(end);
	if (strncmp(text, status, strlen(status)) != 0 || strstr(end, body) == NULL) {
		fail_msg("%s: %s", path, text);
	}
}

/* Is there a sample of that name? */
static bool is_exported(const char *figures, const char *name, size_t len)
{
	for (const char *at = strchr(figures, '\n'); at != NULL; at = strchr(at + 1, '\n')) {
		if (strncmp(at + 1, name, len) == 0 && (at[1 + len] == ' ' || at[1 + len] == '{')) {
			return true;
		}
	}
	return false;
}

/* Each name that a query of the dashboard asks for. */
static void judge_dashboard(const char *figures)
{
	static char text[TEXT_BYTES];
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz_0123456789";
	FILE *file = fopen("deploy/grafana/kith.json", "r");
	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	assert_int_equal(fclose(file), 0);
	unsigned count = 0;
	for (const char *query = text; (query = strstr(query, "\"expr\": \"")) != NULL; query++) {
		const char *end = strchr(query + 9, '"');
		const char *at = query + 9;
		while ((at = strstr(at, "kith_")) != NULL && at < end) {
			size_t len = strspn(at, letters);
			if (!is_exported(figures, at, len)) {
				fail_msg("the dashboard asks for %.*s", (int)len, at);
			}
			at += len;
			count++;
		}
	}
	assert_true(count > 20);
}

static void figures_of_a_node_are_sound_and_the_dashboard_asks_for_no_others(void **state)
{
	char why[256];
	(void)state;
	pid_t pid = run("figures");
	hears("READY=1\nSTATUS=serving");
	shell_good("kith post hello --data figures", "%");
	const char *figures = strstr(fetched("figures", "/metrics"), "\r\n\r\n");
	assert_non_null(figures);
	if (!openmetrics_is_sound(figures + 4, why)) {
		fail_msg("%s", why);
	}
	assert_true(openmetrics_value(figures, "kith_peers{state=\"connected\"}") == 0);
	assert_true(openmetrics_value(figures, "kith_store_messages") == 1);
	assert_true(openmetrics_value(figures, "kith_memory_resident_bytes") > 0);
	judge_dashboard(figures);
	assert_int_equal(kill(pid, SIGTERM), 0);
	ends_well(pid);
}

static void tells_when_it_serves_that_it_lives_and_when_it_stops(void **state)
{
	(void)state;
	pid_t pid = run("plain");
	hears("READY=1\nSTATUS=serving");
	/* The first is said before anybody was asked; from the second on all have answered. */
	for (int i = 0; i < 4; i++) {
		hears("WATCHDOG=1");
	}
	answers("plain", "/livez", "HTTP/1.1 200 ", "ok");
	answers("plain", "/readyz", "HTTP/1.1 200 ", "ready");
	assert_int_equal(kill(pid, SIGHUP), 0);
	hears("READY=1");
	assert_int_equal(kill(pid, SIGTERM), 0);
	hears("STOPPING=1\nSTATUS=stopping");
	ends_well(pid);
	/* Closed in order: nothing is left for the next start to look after. */
	shell_good("test ! -e plain/kith.db-wal && test ! -e plain/api.sock && echo gone", "gone");
}

static void a_locked_node_lives_and_is_not_ready(void **state)
{
	(void)state;
	shell_good("echo correct horse battery > pass; kith init --data locked && kith "
		   "passphrase set --new-file pass --data locked",
		"");
	pid_t pid = run("locked");
	hears("READY=1\nSTATUS=waiting for the passphrase of the key");
	for (int i = 0; i < 3; i++) {
		hears("WATCHDOG=1");
	}
	answers("locked", "/livez", "HTTP/1.1 200 ", "ok");
	answers("locked", "/readyz", "HTTP/1.1 503 ", "locked");
	shell_good("kith unlock --passphrase-file pass --data locked", "");
	hears("READY=1\nSTATUS=serving");
	for (int i = 0; i < 3; i++) {
		hears("WATCHDOG=1");
	}
	answers("locked", "/readyz", "HTTP/1.1 200 ", "ready");
	assert_int_equal(kill(pid, SIGINT), 0);
	ends_well(pid);
}

/* Whoever asks while no node runs waits, and is answered by the next one. */
static void sockets_of_the_manager_outlive_the_node(void **state)
{
	static const char line[] =
		"GET /livez HTTP/1.1\r\nHost: localhost:%u\r\nConnection: close\r\n\r\n";
	uint16_t ports[2];
	int fds[2] = {listen_on_loopback(&ports[0]), listen_on_loopback(&ports[1])};
	(void)state;
	for (int life = 0; life < 2; life++) {
		char text[512];
		int web = call(ports[0]);
		int peer = call(ports[1]);
		int asked = snprintf(text, sizeof(text), line, ports[0]);
		assert_int_equal(send(web, text, (size_t)asked, MSG_NOSIGNAL), asked);
		pid_t pid = run_handed("handed", fds, ports);
		ssize_t len = recv(web, text, sizeof(text) - 1, 0);
		assert_true(len > 0);
		text[len] = '\0';
		assert_memory_equal(text, "HTTP/1.1 200", 12);
		hears("READY=1\nSTATUS=serving");
		/* A peer that says no handshake is let go: so it was taken. */
		assert_int_equal(send(peer, text, 64, MSG_NOSIGNAL), 64);
		assert_true(recv(peer, text, sizeof(text), 0) <= 0);
		(void)close(web);
		(void)close(peer);
		assert_int_equal(kill(pid, SIGTERM), 0);
		ends_well(pid);
	}
	(void)close(fds[0]);
	(void)close(fds[1]);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			tells_when_it_serves_that_it_lives_and_when_it_stops, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			sockets_of_the_manager_outlive_the_node, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_locked_node_lives_and_is_not_ready, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			figures_of_a_node_are_sound_and_the_dashboard_asks_for_no_others, set_up,
			tear_down),
	};
	(void)argc;
	shell_find(argv[0]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
