/**
 * net/dial: one outgoing TCP connection. Names are resolved in the worker pool; all addresses of a
 * name are tried in turn; LIMIT_DIAL_MS for the whole.
 */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include "net/link.h"
#include "net/loop.h"

struct dial;

/**
 * `on_done` comes exactly once, on a later turn: with a link (the callee's), or with NULL and a
 * short reason ("connection refused", "no such host", "timed out"). `is_learned` means that the
 * address came from a stranger: loopback, private, link-local, multicast and unspecified targets
 * are refused after resolution. The link reads from the end of the turn on; its events must be set
 * in `on_done`. ERR_NOMEM: on_done will not come.
 */
MUST_USE enum err dial_start(struct loop *loop, const char *host, uint16_t port, bool is_learned,
	void (*on_done)(void *ctx, struct link *link, const char *reason), void *ctx,
	struct dial **out);
/** on_done will not come. Only before it came: the dial is gone when on_done was called. */
void dial_cancel(struct dial *dial);

#endif
