/**
 * net/listen: the port peers connect to. Counts before it accepts: LIMIT_PEERS, LIMIT_PEERS_PER_ADDRESS, LIMIT_HANDSHAKES, …
 */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include "net/link.h"
#include "net/loop.h"

struct listener;

struct listen_opts {
	struct loop *loop;
	const char *host; /* numeric; "::" takes IPv4 too */
	uint16_t port;    /* 0: any free one */
	/* A new connection, already counted; the callee owns it and ends it by link_close(). */
	void (*on_link)(void *ctx, struct link *link);
	void *ctx;
};
MUST_USE enum err listener_start(const struct listen_opts *opts, struct listener **out, char *why, size_t why_bytes);
uint16_t listener_port(const struct listener *listener);
/** Tell the listener that the handshake of an accepted link is over (either way), so that it no longer counts among those under way. */
void listener_handshake_over(struct listener *listener, struct link *link);
struct listener_figures {
	uint64_t accepted, refused;
};
void listener_figures(const struct listener *listener, struct listener_figures *out);
void listener_stop(struct listener *listener);

#endif
