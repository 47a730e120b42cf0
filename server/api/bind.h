/**
 * api/bind: the listening sockets of the web port and of the command line, bound before any library
 * sees them.
 */
#ifndef API_BIND_H
#define API_BIND_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

/** Listen on a Unix socket, mode 0600; what a dead process left at `path` is removed first (the
 * caller holds the directory's lock). */
MUST_USE enum err bind_path(const char *path, int *fd, char *why, size_t why_bytes);

enum { BIND_PATH_BYTES = sizeof(((struct sockaddr_un *)0)->sun_path) };
/**
 * A name for `path` that fits into a socket's address: itself, or, when it is too long, one through
 * a descriptor of its directory, which is then in `*dir_fd` (else −1) and must stay open while the
 * name is used. False when there is no such directory.
 */
MUST_USE bool bind_short_path(const char *path, char out[static BIND_PATH_BYTES], int *dir_fd);

/**
 * The listening sockets of one node. They are opened before, and closed after, everything behind
 * them: who connects while that is started anew waits in the backlog.
 */
struct bind_doors {
	int v4, v6, path; /* −1: not open */
	uint16_t port;
	char *socket_path;
};
struct bind_opts {
	const char *host; /* NULL: 127.0.0.1 and ::1; else one numeric address; "::" takes IPv4 too
			   */
	const struct handed *handed; /* used where it has the same address; NULL: none */
	bool may_be_beyond;          /* place_may_open() was asked, so it need not be loopback */
	uint16_t port;               /* 0: any free one */
	const char *socket_path;     /* NULL: none */
};
/** ERR_DENIED: the host is not this machine's alone; ERR_IO; ERR_NOMEM. `why` gets a sentence. */
MUST_USE enum err bind_doors_open(
	const struct bind_opts *opts, struct bind_doors *out, char *why, size_t why_bytes);
/** Also after it failed, and twice. The Unix socket's name is removed. */
void bind_doors_close(struct bind_doors *doors);

#endif
