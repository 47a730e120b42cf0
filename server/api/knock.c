/* One request over TCP, with time-outs of the kernel's. Not over the Unix socket, which a confined
 * node could not open (cage.h). */
#include "api/knock.h"

#include "base/span.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

void knock_at(struct knock *knock, const struct bind_doors *doors)
{
	int fd = doors->v4 >= 0 ? doors->v4 : doors->v6;
	memset(knock, 0, sizeof(*knock));
	knock->len = sizeof(knock->at);
	knock->port = doors->port;
	if (fd < 0 || getsockname(fd, &knock->at.any, &knock->len) != 0) {
		knock->len = 0;
	} else if (knock->at.any.sa_family == AF_INET &&
		   knock->at.v4.sin_addr.s_addr == htonl(INADDR_ANY)) {
		knock->at.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	} else if (knock->at.any.sa_family == AF_INET6 &&
		   IN6_IS_ADDR_UNSPECIFIED(&knock->at.v6.sin6_addr)) {
		knock->at.v6.sin6_addr = in6addr_loopback;
	}
}

static enum knock_heard ask(int fd, const struct knock *knock)
{
	static const char good[] = "HTTP/1.1 200 ";
	char text[128];
	int len = snprintf(text, sizeof(text),
		"GET /livez HTTP/1.1\r\nHost: localhost:%u\r\nConnection: close\r\n\r\n",
		knock->port);
	if (connect(fd, &knock->at.any, knock->len) != 0 ||
		send(fd, text, (size_t)len, MSG_NOSIGNAL) != len) {
		return KNOCK_SILENT;
	}
	ssize_t got = recv(fd, text, sizeof(good) - 1, MSG_WAITALL);
	if (got < 0 && errno != ECONNRESET) {
		return KNOCK_SILENT;
	}
	return got <= 0 || (got == (ssize_t)(sizeof(good) - 1) &&
				   memcmp(text, good, (size_t)got) == 0)
		       ? KNOCK_GOOD
		       : KNOCK_WRONG;
}

enum knock_heard knock_web(const struct knock *knock, int64_t wait_ms)
{
	const struct timeval patience = {
		.tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000};
	int fd = knock->len == 0 ? -1
				 : socket(knock->at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return KNOCK_SILENT;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	enum knock_heard heard = ask(fd, knock);
	(void)close(fd);
	return heard;
}
