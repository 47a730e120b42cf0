/**
 * cmd/socket: one HTTP request to our own node over its Unix socket, and its answer. Nothing else
 * speaks at that end, so this is all of HTTP that is needed: one request per connection, answers
 * with a Content-Length. (A library for all of HTTP brought twenty-five others into every start.)
 */
#ifndef CMD_SOCKET_H
#define CMD_SOCKET_H

#include "base/buf.h"

/**
 * Send `method` `target` with `body` (JSON; borrowed, not copied: it may hold a passphrase) to the
 * socket at `path`, a path short enough for an address, and read the answer's body into `out`,
 * which bounds it. ERR_CLOSED: nobody listens there. ERR_TIMEOUT: `wait_s` seconds went by without
 * a byte. ERR_LIMIT: target or answer too long. ERR_IO: the connection broke, or that was not HTTP.
 */
MUST_USE enum err socket_ask(const char *path, const char *method, const char *target,
	struct span body, int wait_s, unsigned *status, struct buf *out);

#endif
