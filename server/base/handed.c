/*
 * What is handed over is kept until the end, and callers get copies of the descriptor: the starter
 * holds the socket too, so that a second one at the same address could not be opened.
 */
#include "base/handed.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

union handed_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* A whole decimal number in that variable, 0 … `max`; else −1. The variable is removed. */
static long take_number(const char *name, long max)
{
	const char *text = getenv(name);
	char *end = NULL;
	long value = -1;
	if (text != NULL && text[0] >= '0' && text[0] <= '9') {
		value = strtol(text, &end, 10);
		value = *end != '\0' || value > max ? -1 : value;
	}
	(void)unsetenv(name);
	return value;
}

static bool is_listening(int fd)
{
	int type = 0;
	int listens = 0;
	socklen_t len = sizeof(type);
	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM &&
	       getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens != 0;
}

void handed_open(struct handed *handed, int first)
{
	long pid = take_number("LISTEN_PID", INT32_MAX);
	long count = take_number("LISTEN_FDS", LIMIT_HANDED_SOCKETS);
	(void)unsetenv("LISTEN_FDNAMES");
	*handed = (struct handed){.count = 0};
	for (long i = 0; pid == (long)getpid() && i < count; i++) {
		int fd = first + (int)i;
		if (is_listening(fd) && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0) {
			handed->fds[handed->count++] = fd;
		}
	}
}

void handed_close(struct handed *handed)
{
	for (size_t i = 0; i < handed->count; i++) {
		(void)close(handed->fds[i]);
	}
	handed->count = 0;
}

static bool is_same(const union handed_address *a, const union handed_address *b)
{
	if (a->any.sa_family != b->any.sa_family) {
		return false;
	}
	if (a->any.sa_family == AF_INET) {
		return a->v4.sin_port == b->v4.sin_port &&
		       a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
	}
	return a->any.sa_family == AF_INET6 && a->v6.sin6_port == b->v6.sin6_port &&
	       memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof(a->v6.sin6_addr)) == 0;
}

int handed_take(const struct handed *handed, const struct sockaddr *address)
{
	union handed_address wanted = {.any.sa_family = AF_UNSPEC};
	if (address->sa_family == AF_INET || address->sa_family == AF_INET6) {
		memcpy(&wanted, address,
			address->sa_family == AF_INET ? sizeof(wanted.v4) : sizeof(wanted.v6));
	}
	for (size_t i = 0; handed != NULL && i < handed->count; i++) {
		union handed_address has = {.any.sa_family = AF_UNSPEC};
		socklen_t len = sizeof(has);
		if (getsockname(handed->fds[i], &has.any, &len) == 0 && is_same(&has, &wanted)) {
			int fd = fcntl(handed->fds[i], F_DUPFD_CLOEXEC, 0);
			int flags = fd < 0 ? -1 : fcntl(fd, F_GETFL);
			if (flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0) {
				return fd;
			}
			if (fd >= 0) {
				(void)close(fd);
			}
		}
	}
	return -1;
}
