/* base/handed: which sockets of a service manager are taken, and which are not. */
#include "lib/cmocka.h"

#include "base/handed.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FIRST = 200, FAR_MORE = 1000 * LIMIT_HANDED_SOCKETS };

/* A socket at 127.0.0.1 with the descriptor `at`; its address in `out`. */
static void open_at(int at, int type, bool is_listening, struct sockaddr_in *out)
{
	socklen_t len = sizeof(*out);
	int fd = socket(AF_INET, type, 0);
	*out = (struct sockaddr_in){
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_int_equal(bind(fd, (const struct sockaddr *)out, sizeof(*out)), 0);
	assert_true(!is_listening || listen(fd, 1) == 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)out, &len), 0);
	assert_int_equal(dup2(fd, at), at);
	(void)close(fd);
}

static void say(long pid, long count)
{
	char text[32];
	(void)snprintf(text, sizeof(text), "%ld", pid);
	assert_int_equal(setenv("LISTEN_PID", text, 1), 0);
	(void)snprintf(text, sizeof(text), "%ld", count);
	assert_int_equal(setenv("LISTEN_FDS", text, 1), 0);
	assert_int_equal(setenv("LISTEN_FDNAMES", "a:b", 1), 0);
}

static int take(const struct handed *handed, const struct sockaddr_in *address)
{
	return handed_take(handed, (const struct sockaddr *)address);
}

static void gives_the_socket_of_the_same_address_as_often_as_it_is_asked(void **state)
{
	struct handed handed;
	struct sockaddr_in one;
	struct sockaddr_in two;
	(void)state;
	open_at(FIRST, SOCK_STREAM, true, &one);
	open_at(FIRST + 1, SOCK_STREAM, true, &two);
	say(getpid(), 2);
	handed_open(&handed, FIRST);
	assert_int_equal(handed.count, 2);
	assert_null(getenv("LISTEN_PID"));
	assert_null(getenv("LISTEN_FDS"));
	assert_null(getenv("LISTEN_FDNAMES"));
	for (int life = 0; life < 2; life++) {
		int fd = take(&handed, &two);
		int client = socket(AF_INET, SOCK_STREAM, 0);
		assert_true(fd >= 0 && fd != FIRST + 1);
		assert_true((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
		assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
		assert_true((fcntl(FIRST + 1, F_GETFD) & FD_CLOEXEC) != 0);
		assert_int_equal(connect(client, (const struct sockaddr *)&two, sizeof(two)), 0);
		int taken = accept(fd, NULL, NULL);
		assert_true(taken >= 0);
		(void)close(taken);
		(void)close(client);
		(void)close(fd);
	}
	struct sockaddr_in other = two;
	other.sin_addr.s_addr = htonl(INADDR_ANY);
	assert_int_equal(take(&handed, &other), -1);
	other = two;
	other.sin_port = 0;
	assert_int_equal(take(&handed, &other), -1);
	assert_int_equal(take(NULL, &two), -1);
	handed_close(&handed);
	assert_int_equal(fcntl(FIRST, F_GETFD), -1);
	assert_int_equal(take(&handed, &two), -1);
}

static void what_is_not_for_us_is_left_alone(void **state)
{
	static const char *const wrong[] = {"", "x", "-1", "2x", " 2", "99999999999999999999"};
	struct handed handed;
	struct sockaddr_in address;
	(void)state;
	open_at(FIRST, SOCK_STREAM, true, &address);
	say(getpid() + 1, 1); /* of another process */
	handed_open(&handed, FIRST);
	assert_int_equal(handed.count, 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		say(getpid(), 1);
		assert_int_equal(setenv("LISTEN_FDS", wrong[i], 1), 0);
		handed_open(&handed, FIRST);
		assert_int_equal(handed.count, 0);
	}
	handed_open(&handed, FIRST); /* nobody said anything */
	assert_int_equal(handed.count, 0);
	assert_true(fcntl(FIRST, F_GETFD) >= 0);
	(void)close(FIRST);
}

static void only_streams_that_listen_count(void **state)
{
	struct handed handed;
	struct sockaddr_in quiet;
	struct sockaddr_in packets;
	struct sockaddr_in good;
	(void)state;
	open_at(FIRST, SOCK_STREAM, false, &quiet);
	open_at(FIRST + 1, SOCK_DGRAM, false, &packets);
	open_at(FIRST + 2, SOCK_STREAM, true, &good);
	say(getpid(), 4); /* the fourth is no descriptor at all */
	handed_open(&handed, FIRST);
	assert_int_equal(handed.count, 1);
	int fd = take(&handed, &good);
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(take(&handed, &quiet), -1);
	assert_int_equal(take(&handed, &packets), -1);
	handed_close(&handed);
	(void)close(FIRST);
	(void)close(FIRST + 1);
}

static void eight_are_taken_and_of_more_none(void **state)
{
	static const long counts[] = {LIMIT_HANDED_SOCKETS, LIMIT_HANDED_SOCKETS + 1, FAR_MORE};
	struct handed handed;
	struct sockaddr_in address;
	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		for (int at = 0; at <= LIMIT_HANDED_SOCKETS; at++) {
			open_at(FIRST + at, SOCK_STREAM, true, &address);
		}
		say(getpid(), counts[i]);
		handed_open(&handed, FIRST);
		assert_int_equal(handed.count, i == 0 ? LIMIT_HANDED_SOCKETS : 0);
		handed_close(&handed);
		for (int at = 0; at <= LIMIT_HANDED_SOCKETS; at++) {
			(void)close(FIRST + at);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_the_socket_of_the_same_address_as_often_as_it_is_asked),
		cmocka_unit_test(what_is_not_for_us_is_left_alone),
		cmocka_unit_test(only_streams_that_listen_count),
		cmocka_unit_test(eight_are_taken_and_of_more_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
