/*
 * Sockets that listen: on loopback, and elsewhere for callers who asked place_may_open().
 */
#include "api/bind.h"

#include "api/place.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BACKLOG = 1024 /* a flood is taken in and sorted, not left at the door */ };

union any_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static enum err fail(int fd, int reason, char *why, size_t why_bytes)
{
	(void)close(fd);
	(void)snprintf(why, why_bytes, "the web port cannot be opened: %s%s", strerror(reason),
		reason == EADDRINUSE ? " (another program has it; choose one with --http-port)"
				     : "");
	return reason == EADDRNOTAVAIL ? ERR_NOT_FOUND : ERR_IO;
}

/* The port is filled in. */
static enum err listen_at(union any_address *address, socklen_t len, bool is_dual, uint16_t *port,
	int *out, char *why, size_t why_bytes)
{
	int yes = 1;
	int is_v6_only = is_dual ? 0 : 1;
	bool is_v6 = address->any.sa_family == AF_INET6;
	int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return ERR_NOT_FOUND; /* no such family on this machine */
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (is_v6) {
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &is_v6_only, sizeof(is_v6_only));
	}
	if (bind(fd, &address->any, len) != 0 || listen(fd, BACKLOG) != 0 ||
		getsockname(fd, &address->any, &len) != 0) {
		return fail(fd, errno, why, why_bytes);
	}
	*port = ntohs(is_v6 ? address->v6.sin6_port : address->v4.sin_port);
	*out = fd;
	return ERR_OK;
}

enum err bind_address(const char *host, enum bind_family *family, uint16_t *port, int *out,
	char *why, size_t why_bytes)
{
	union any_address address;
	memset(&address, 0, sizeof(address));
	if (inet_pton(AF_INET, host, &address.v4.sin_addr) == 1) {
		*family = BIND_V4;
		address.v4.sin_family = AF_INET;
		address.v4.sin_port = htons(*port);
		return listen_at(&address, sizeof(address.v4), false, port, out, why, why_bytes);
	}
	if (inet_pton(AF_INET6, host, &address.v6.sin6_addr) == 1) {
		*family = BIND_V6;
		address.v6.sin6_family = AF_INET6;
		address.v6.sin6_port = htons(*port);
		return listen_at(&address, sizeof(address.v6), strcmp(host, "::") == 0, port, out,
			why, why_bytes);
	}
	(void)snprintf(why, why_bytes, "%s is no numeric address", host);
	return ERR_REFUSED;
}

enum err bind_loopback(
	enum bind_family family, uint16_t *port, int *out, char *why, size_t why_bytes)
{
	enum bind_family is = family;
	return bind_address(
		family == BIND_V4 ? "127.0.0.1" : "::1", &is, port, out, why, why_bytes);
}

bool bind_short_path(const char *path, char out[static BIND_PATH_BYTES], int *dir_fd)
{
	*dir_fd = -1;
	if (strlen(path) < BIND_PATH_BYTES) {
		memcpy(out, path, strlen(path) + 1);
		return true;
	}
	const char *slash = strrchr(path, '/');
	char *dir = slash == NULL ? NULL : strndup(path, (size_t)(slash - path));
	if (dir == NULL) {
		return false;
	}
	*dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(dir);
	if (*dir_fd < 0) {
		return false;
	}
	int len = snprintf(out, BIND_PATH_BYTES, "/proc/self/fd/%d/%s", *dir_fd, slash + 1);
	return len > 0 && (size_t)len < BIND_PATH_BYTES;
}

enum err bind_path(const char *path, int *out, char *why, size_t why_bytes)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int dir_fd = -1;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool is_good = fd >= 0 && bind_short_path(path, address.sun_path, &dir_fd);
	if (is_good) {
		(void)unlink(path);
		/* The mode is set before there is a name, and looked after once more for file
		 * systems that ignore the first. */
		is_good = fchmod(fd, 0600) == 0 &&
			  bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
			  chmod(path, 0600) == 0 && listen(fd, BACKLOG) == 0;
	}
	int reason = errno;
	if (dir_fd >= 0) {
		(void)close(dir_fd);
	}
	if (!is_good) {
		if (fd >= 0) {
			(void)close(fd);
		}
		(void)snprintf(why, why_bytes, "%s cannot be opened: %s", path, strerror(reason));
		return ERR_IO;
	}
	*out = fd;
	return ERR_OK;
}

static enum err open_loopbacks(struct bind_doors *doors, char *why, size_t why_bytes)
{
	enum err err = bind_loopback(BIND_V4, &doors->port, &doors->v4, why, why_bytes);
	if (err == ERR_OK) {
		err = bind_loopback(BIND_V6, &doors->port, &doors->v6, why, why_bytes);
		/* A machine without IPv6 is fine. */
		err = err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	return err == ERR_NOT_FOUND ? ERR_IO : err;
}

static enum err open_one(
	const struct bind_opts *opts, struct bind_doors *doors, char *why, size_t why_bytes)
{
	struct place place;
	const struct place_opts asked = {.http_host = opts->host};
	enum bind_family family = BIND_V4;
	int fd = -1;
	enum err err = place_read(&asked, &place, why, why_bytes);
	if (err == ERR_OK && place.is_beyond && !opts->may_be_beyond) {
		(void)snprintf(why, why_bytes,
			"the page can only be served on 127.0.0.1 or ::1, not on %s; put a proxy "
			"before it",
			opts->host);
		return ERR_DENIED;
	}
	if (err == ERR_OK) {
		err = bind_address(opts->host, &family, &doors->port, &fd, why, why_bytes);
	}
	*(family == BIND_V4 ? &doors->v4 : &doors->v6) = fd;
	return err == ERR_NOT_FOUND ? ERR_IO : err;
}

enum err bind_doors_open(
	const struct bind_opts *opts, struct bind_doors *out, char *why, size_t why_bytes)
{
	*out = (struct bind_doors){.v4 = -1, .v6 = -1, .path = -1, .port = opts->port};
	enum err err = opts->host == NULL ? open_loopbacks(out, why, why_bytes)
					  : open_one(opts, out, why, why_bytes);
	if (err == ERR_OK && opts->socket_path != NULL) {
		err = bind_path(opts->socket_path, &out->path, why, why_bytes);
	}
	if (err == ERR_OK && opts->socket_path != NULL) {
		out->socket_path = strdup(opts->socket_path);
		err = out->socket_path == NULL ? ERR_NOMEM : ERR_OK;
	}
	if (err != ERR_OK) {
		bind_doors_close(out);
	}
	return err;
}

void bind_doors_close(struct bind_doors *doors)
{
	int *const fds[] = {&doors->v4, &doors->v6, &doors->path};
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (*fds[i] >= 0) {
			(void)close(*fds[i]);
		}
		*fds[i] = -1;
	}
	if (doors->socket_path != NULL) {
		(void)unlink(doors->socket_path);
		free(doors->socket_path);
		doors->socket_path = NULL;
	}
}
