/* What the tests of net share: turning a loop until something is so, and an end of a link that
 * records what it hears. */
#ifndef TESTS_NET_LIB_H
#define TESTS_NET_LIB_H

#include "lib/cmocka.h"

#include "base/buf.h"
#include "base/limits.h"
#include "net/link.h"
#include "net/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Far above what any machine needs; only a failure waits for it. */
#define NET_PATIENCE_TURNS 60000

#define TURN_UNTIL(loop, condition)                        \
	do {                                               \
		int turns_left = NET_PATIENCE_TURNS;       \
		while (!(condition) && turns_left-- > 0) { \
			(void)loop_step(loop);             \
			if (!(condition)) {                \
				(void)usleep(200);         \
			}                                  \
		}                                          \
		assert_true(condition);                    \
	} while (0)

static inline void turns(struct loop *loop, int count)
{
	for (int i = 0; i < count; i++) {
		(void)loop_step(loop);
		(void)usleep(200);
	}
}

static inline struct loop *loop_for_test(void)
{
	struct loop *loop = NULL;
	assert_int_equal(loop_new(env_system(), &loop), ERR_OK);
	return loop;
}

struct ear {
	struct link *link;
	struct buf heard;
	uint64_t bytes;
	int calls, lows, closes;
	bool keeps; /* append to `heard` */
	char reason[96];
};

static inline void ear_on_bytes(void *ctx, struct span bytes)
{
	struct ear *ear = ctx;
	assert_int_equal(ear->closes, 0);
	ear->calls++;
	ear->bytes += bytes.len;
	if (ear->keeps) {
		assert_int_equal(buf_append(&ear->heard, bytes), ERR_OK);
	}
}

static inline void ear_on_low(void *ctx)
{
	((struct ear *)ctx)->lows++;
}

static inline void ear_on_closed(void *ctx, const char *reason)
{
	struct ear *ear = ctx;
	ear->closes++;
	ear->link = NULL;
	(void)strncpy(ear->reason, reason, sizeof(ear->reason) - 1);
}

static inline void ear_take(struct ear *ear, struct link *link)
{
	buf_init(&ear->heard, 64 * MIB);
	ear->link = link;
	link->events = (struct link_events){
		.on_bytes = ear_on_bytes,
		.on_low = ear_on_low,
		.on_closed = ear_on_closed,
		.ctx = ear,
	};
}

/* A plain blocking socket to 127.0.0.1; the kernel's backlog answers the connect. */
static inline int raw_connect(uint16_t port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

/* Is the other side gone, seen from a raw socket? Does not wait. */
static inline bool raw_is_closed(int fd)
{
	char bytes[4096];
	ssize_t count;
	do {
		count = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	} while (count > 0);
	return count == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

/* A port of 127.0.0.1 on which nothing listens just now. */
static inline uint16_t free_port(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t len = sizeof(at);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	(void)close(fd);
	return ntohs(at.sin_port);
}

#endif
