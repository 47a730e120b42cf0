/* A blocking client. The head of the answer is looked at before it is taken, so that what is left
 * in the socket is the body and nothing else. */
#include "cmd/socket.h"

#include "base/limits.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static enum err open_socket(const char *path, int wait_s, int *out)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	const struct timeval wait = {.tv_sec = wait_s};
	if (strlen(path) >= sizeof(to.sun_path)) {
		return ERR_LIMIT;
	}
	memcpy(to.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return ERR_IO;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) != 0 ||
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) != 0 ||
		connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0) {
		(void)close(fd);
		return ERR_CLOSED;
	}
	*out = fd;
	return ERR_OK;
}

static enum err what_went_wrong(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK ? ERR_TIMEOUT : ERR_IO;
}

static enum err send_all(int fd, struct span bytes)
{
	for (size_t at = 0; at < bytes.len;) {
		ssize_t count = send(fd, bytes.at + at, bytes.len - at, MSG_NOSIGNAL);
		if (count < 0 && errno == EINTR) {
			continue;
		}
		if (count < 0) {
			return what_went_wrong();
		}
		at += (size_t)count;
	}
	return ERR_OK;
}

static enum err send_request(int fd, const char *method, const char *target, struct span body)
{
	char head[LIMIT_HTTP_TARGET_BYTES + 256];
	char length[64] = "";
	if (strcmp(method, "GET") != 0) {
		(void)snprintf(length, sizeof(length), "Content-Length: %zu\r\n", body.len);
	}
	int len = snprintf(head, sizeof(head),
		"%s %s HTTP/1.1\r\nHost: kith\r\nContent-Type: application/json\r\n"
		"Connection: close\r\n%s\r\n",
		method, target, length);
	if (len < 0 || (size_t)len >= sizeof(head)) {
		return ERR_LIMIT;
	}
	enum err err = send_all(fd, span_of(head, (size_t)len));
	/* A node that refuses early may close before it read all: its answer still counts. */
	if (err == ERR_OK && send_all(fd, body) == ERR_TIMEOUT) {
		err = ERR_TIMEOUT;
	}
	return err;
}

static enum err read_some(int fd, void *at, size_t room, int flags, size_t *count)
{
	ssize_t got;
	do {
		got = recv(fd, at, room, flags);
	} while (got < 0 && errno == EINTR);
	*count = got > 0 ? (size_t)got : 0;
	return got > 0 ? ERR_OK : got == 0 ? ERR_IO : what_went_wrong();
}

/* Take bytes up to the empty line. */
static enum err read_head(int fd, char head[static LIMIT_HTTP_HEAD_BYTES])
{
	for (size_t len = 0; len + 1 < LIMIT_HTTP_HEAD_BYTES;) {
		size_t seen = 0;
		size_t taken = 0;
		enum err err =
			read_some(fd, head + len, LIMIT_HTTP_HEAD_BYTES - 1 - len, MSG_PEEK, &seen);
		if (err != ERR_OK) {
			return err;
		}
		const char *end = memmem(head, len + seen, "\r\n\r\n", 4);
		size_t wanted = end == NULL ? seen : (size_t)(end - head) + 4 - len;
		err = read_some(fd, head + len, wanted, 0, &taken);
		len += taken;
		if (err != ERR_OK || taken != wanted) {
			return err == ERR_OK ? ERR_IO : err;
		}
		if (end != NULL) {
			head[len] = '\0';
			return ERR_OK;
		}
	}
	return ERR_LIMIT;
}

static enum err parse_head(const char *head, unsigned *status, size_t *length)
{
	static const char name[] = "Content-Length:";
	char *end = NULL;
	if (strncmp(head, "HTTP/1.1 ", strlen("HTTP/1.1 ")) != 0) {
		return ERR_IO;
	}
	*status = (unsigned)strtoul(head + strlen("HTTP/1.1 "), &end, 10);
	for (const char *line = strchr(head, '\n'); line != NULL; line = strchr(line + 1, '\n')) {
		if (strncasecmp(line + 1, name, sizeof(name) - 1) == 0) {
			*length = strtoul(line + sizeof(name), &end, 10);
			return ERR_OK;
		}
	}
	return ERR_IO;
}

static enum err take_answer(int fd, unsigned *status, struct buf *out)
{
	char head[LIMIT_HTTP_HEAD_BYTES];
	size_t length = 0;
	enum err err = read_head(fd, head);
	if (err == ERR_OK) {
		err = parse_head(head, status, &length);
	}
	uint8_t *at = err == ERR_OK && length > 0 ? buf_reserve(out, length) : NULL;
	if (err != ERR_OK || length == 0) {
		return err;
	}
	if (at == NULL) {
		return ERR_LIMIT;
	}
	for (size_t have = 0; err == ERR_OK && have < length;) {
		size_t count = 0;
		err = read_some(fd, at + have, length - have, 0, &count);
		have += count;
	}
	if (err == ERR_OK) {
		buf_added(out, length);
	}
	return err;
}

enum err socket_ask(const char *path, const char *method, const char *target, struct span body,
	int wait_s, unsigned *status, struct buf *out)
{
	int fd = -1;
	enum err err = open_socket(path, wait_s, &fd);
	if (err != ERR_OK) {
		return err;
	}
	err = send_request(fd, method, target, body);
	if (err == ERR_OK) {
		err = take_answer(fd, status, out);
	}
	(void)close(fd);
	return err;
}
