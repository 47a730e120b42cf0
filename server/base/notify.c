/*
 * The protocol is a datagram of lines; libsystemd would be a library more for thirty lines. Sent by
 * a socket that is connected once.
 */
#include "base/notify.h"

#include "base/limits.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { TEXT_BYTES = 512 };

/* False: it is no name of a socket. */
static bool fill_address(const char *to, struct sockaddr_un *out, socklen_t *len)
{
	size_t bytes = strlen(to);
	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	if ((to[0] != '/' && to[0] != '@') || bytes < 2 || bytes >= sizeof(out->sun_path)) {
		return false;
	}
	memcpy(out->sun_path, to, bytes);
	if (to[0] == '@') {
		out->sun_path[0] = '\0';
	}
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + bytes + (to[0] == '/'));
	return true;
}

void notify_open(struct notify *notify, const char *to)
{
	const struct timeval patience = {
		.tv_sec = LIMIT_NOTIFY_MS / 1000, .tv_usec = LIMIT_NOTIFY_MS % 1000 * 1000};
	struct sockaddr_un address;
	socklen_t len = 0;
	notify->fd = -1;
	if (to == NULL || !fill_address(to, &address, &len)) {
		return;
	}
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&address, len) != 0) {
		(void)close(fd);
		return;
	}
	notify->fd = fd;
}

void notify_close(struct notify *notify)
{
	if (notify->fd >= 0) {
		(void)close(notify->fd);
	}
	notify->fd = -1;
}

void notify_say(const struct notify *notify, const char *format, ...)
{
	char text[TEXT_BYTES];
	va_list list;
	if (notify->fd < 0) {
		return;
	}
	va_start(list, format);
	int len = vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	if (len > 0 && (size_t)len < sizeof(text)) {
		(void)!send(notify->fd, text, (size_t)len, MSG_NOSIGNAL);
	}
}

/* A decimal number above 0; 0: it is none. */
static long long number(const char *text)
{
	char *end = NULL;
	long long value =
		text == NULL || text[0] < '0' || text[0] > '9' ? 0 : strtoll(text, &end, 10);
	return end == NULL || *end != '\0' || value == INT64_MAX ? 0 : value;
}

int64_t notify_watchdog_ms(const char *usec, const char *pid)
{
	if (pid != NULL && number(pid) != (long long)getpid()) {
		return 0; /* it is meant for our parent */
	}
	return number(usec) / 1000;
}
