/**
 * base/handed: listening sockets that whoever started us opened before: systemd's socket units
 * (sd_listen_fds(3)). One is used where the node would open the same address and port itself, so
 * the options alone say where it listens; while the node is stopped or started anew whoever
 * connects waits instead of being refused.
 */
#ifndef BASE_HANDED_H
#define BASE_HANDED_H

#include "base/limits.h"

#include <stddef.h>
#include <sys/socket.h>

struct handed {
	int fds[LIMIT_HANDED_SOCKETS];
	size_t count;
};

/**
 * Take what LISTEN_PID and LISTEN_FDS speak of: descriptors from `first` on (HANDED_FIRST). Those
 * that are no listening stream sockets are left alone, and so are all when there are more than
 * LIMIT_HANDED_SOCKETS. None goes on to another program, and the variables are gone. While there is
 * one thread.
 */
enum { HANDED_FIRST = 3 };
void handed_open(struct handed *handed, int first);
void handed_close(struct handed *handed);

/** A descriptor of the caller's own for the socket that listens at `address`, non-blocking; −1:
 * there is none. `handed` may be NULL. May be asked again: a node lives more than once. */
int handed_take(const struct handed *handed, const struct sockaddr *address);

#endif
