/**
 * net/listen: the port peers connect to. Counts before it hands over: LIMIT_PEERS in all and
 * LIMIT_PEERS_PER_ADDRESS; LIMIT_HANDSHAKES_PER_ADDRESS under way;
 * LIMIT_ACCEPTS_PER_SECOND_ADDRESS. What is over one of them is accepted, closed at once and
 * counted. Loopback is exempt from the limits per address unless is_loopback_limited.
 *
 * A crowd of silent sockets must not lock out a good peer: over LIMIT_HANDSHAKES, or when only
 * handshakes under way fill LIMIT_PEERS, the oldest of these gives way to the newcomer. Above
 * LIMIT_ACCEPTS_PER_SECOND newcomers wait, LIMIT_ACCEPTS_WAITING of them and in the order they
 * came; more are refused. Addresses from which a handshake was finished lately (the last
 * LIMIT_ACCEPTS_KNOWN) do not wait behind them: they have LIMIT_ACCEPTS_PER_SECOND_KNOWN.
 */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include "net/link.h"
#include "net/loop.h"

struct listener;

struct listen_opts {
	struct loop *loop;
	const char *host;            /* numeric; "::" takes IPv4 too */
	uint16_t port;               /* 0: any free one */
	const struct handed *handed; /* used where it has the same address; NULL: none */
	size_t peers_max;            /* 0: LIMIT_PEERS */
	bool is_loopback_limited; /* hold this machine's own connections to the limits per address
				   */
	/* A new connection, already counted; the callee owns it and ends it by link_close(). */
	void (*on_link)(void *ctx, struct link *link);
	void *ctx;
};
MUST_USE enum err listener_start(
	const struct listen_opts *opts, struct listener **out, char *why, size_t why_bytes);
uint16_t listener_port(const struct listener *listener);
/** From now on; who is connected stays. 0: LIMIT_PEERS. */
void listener_set_peers_max(struct listener *listener, size_t peers_max);
/** Tell the listener that the handshake of an accepted link is over, so that it no longer counts
 * among those under way. net/peer does so itself (link_shaken); safe to repeat. */
void listener_handshake_over(struct listener *listener, struct link *link);
struct listener_figures {
	uint64_t accepted;    /* handed over */
	uint64_t refused;     /* over a limit, closed at once */
	uint64_t displaced;   /* handshakes that gave way to newer ones */
	size_t open, shaking; /* now; `open` counts those shaking too */
};
void listener_figures(const struct listener *listener, struct listener_figures *out);
/** Stops listening; links that were handed over live on. */
void listener_stop(struct listener *listener);

#endif
