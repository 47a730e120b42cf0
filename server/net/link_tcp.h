/**
 * net/link_tcp: net/link over a TCP socket of libuv: for net/listen and net/dial, which make them.
 *
 * Writes are copied into one buffer and leave at the end of the loop's turn, or earlier above 64
 * KiB. A link that idles holds no buffers. After link_close(flush) our end is shut, and what the
 * other side still sends is read and dropped until it shuts its own or LIMIT_LINGER_MS passed, so
 * that our last bytes are not lost to a reset.
 */
#ifndef NET_LINK_TCP_H
#define NET_LINK_TCP_H

#include "net/link.h"
#include "net/loop.h"

struct uv_tcp_s;
struct sockaddr;

/** A link without a socket yet: accept or connect with link_tcp_uv(), then link_tcp_start() or
 * link_tcp_discard(). NULL without memory. */
MUST_USE struct link *link_tcp_new(struct loop *loop);
struct uv_tcp_s *link_tcp_uv(struct link *link);
/** The socket is connected to `remote`: read, from the end of this turn on. ERR_IO: discard it. */
MUST_USE enum err link_tcp_start(struct link *link, const struct sockaddr *remote);
/** Close and free a link that was not started: no callback comes. */
void link_tcp_discard(struct link *link);
/** Close at once with a reason of the caller's (static text): on_closed follows on a later turn. */
void link_tcp_abort(struct link *link, const char *reason);
/** `on_gone` is called when the link closes, just before on_closed; for whoever counts. NULL takes
 * it back. */
void link_tcp_on_gone(struct link *link, void (*on_gone)(void *ctx), void *ctx);
/** For tests: how long a write may make no progress; LIMIT_WRITE_STALL_MS at the start. */
void link_tcp_set_stall_ms(struct link *link, int64_t stall_ms);

#endif
