/*
 * Sockets that listen: on loopback, and elsewhere for callers who asked place_may_open().
 */
#include "api/bind.h"

#include "api/place.h"
#include "base/handed.h"

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

/* A socket that listens there: one that was handed over, or a new one. ERR_NOT_FOUND: this machine
 * has no such address. */
static enum err listen_at(const union any_address *address, bool is_dual,
	const struct handed *handed, int *out, char *why, size_t why_bytes)
{
	int yes = 1;
	int is_v6_only = is_dual ? 0 : 1;
	bool is_v6 = address->any.sa_family == AF_INET6;
	int fd = handed_take(handed, &address->any);
	if (fd >= 0) {
		*out = fd;
		return ERR_OK;
	}
	fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return ERR_NOT_FOUND; /* no such family on this machine */
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (is_v6) {
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &is_v6_only, sizeof(is_v6_only));
	}
	socklen_t len = is_v6 ? sizeof(address->v6) : sizeof(address->v4);
	if (bind(fd, &address->any, len) != 0 || listen(fd, BACKLOG) != 0) {
		return fail(fd, errno, why, why_bytes);
	}
	*out = fd;
	return ERR_OK;
}

/* The door of that address's family; its port is filled in. */
static enum err open_door(const char *host, const struct handed *handed, struct bind_doors *doors,
	char *why, size_t why_bytes)
{
	union any_address address;
	bool is_v6 = strchr(host, ':') != NULL;
	memset(&address, 0, sizeof(address));
	address.any.sa_family = is_v6 ? AF_INET6 : AF_INET;
	if (inet_pton(address.any.sa_family, host,
		    is_v6 ? (void *)&address.v6.sin6_addr : (void *)&address.v4.sin_addr) != 1) {
		(void)snprintf(why, why_bytes, "%s is no numeric address", host);
		return ERR_REFUSED;
	}
	in_port_t *port = is_v6 ? &address.v6.sin6_port : &address.v4.sin_port;
	*port = htons(doors->port);
	int *fd = is_v6 ? &doors->v6 : &doors->v4;
	enum err err = listen_at(&address, strcmp(host, "::") == 0, handed, fd, why, why_bytes);
	socklen_t len = sizeof(address);
	if (err == ERR_OK && getsockname(*fd, &address.any, &len) == 0) {
		doors->port = ntohs(*port);
	}
	return err;
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

static enum err open_loopbacks(
	const struct bind_opts *opts, struct bind_doors *doors, char *why, size_t why_bytes)
{
	enum err err = open_door("127.0.0.1", opts->handed, doors, why, why_bytes);
	if (err == ERR_OK) {
		err = open_door("::1", opts->handed, doors, why, why_bytes);
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
	enum err err = place_read(&asked, &place, why, why_bytes);
	if (err == ERR_OK && place.is_beyond && !opts->may_be_beyond) {
		(void)snprintf(why, why_bytes,
			"the page can only be served on 127.0.0.1 or ::1, not on %s; put a proxy "
			"before it",
			opts->host);
		return ERR_DENIED;
	}
	if (err == ERR_OK) {
		err = open_door(opts->host, opts->handed, doors, why, why_bytes);
	}
	return err == ERR_NOT_FOUND ? ERR_IO : err;
}

enum err bind_doors_open(
	const struct bind_opts *opts, struct bind_doors *out, char *why, size_t why_bytes)
{
	*out = (struct bind_doors){.v4 = -1, .v6 = -1, .path = -1, .port = opts->port};
	enum err err = opts->host == NULL ? open_loopbacks(opts, out, why, why_bytes)
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
