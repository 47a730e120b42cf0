/**
 * net/link: one byte stream with pause, resume and a low-water signal: an interface. Implemented
 * over uv TCP in net (link_tcp), by tests with a pair in memory (link_pair), later by tunnels. Loop
 * thread only.
 *
 * A link belongs to whom it was handed to. The owner fills in `events` at once (no callback comes
 * before the present turn of the loop ends), and is done with the link when on_closed returns: then
 * it frees itself. Until then link_close() may be called again: with `flush` false it stops waiting
 * for what is queued.
 */
#ifndef NET_LINK_H
#define NET_LINK_H

#include "base/err.h"
#include "base/span.h"

struct link;

/* The reasons of on_closed that others compare; further ones are short English. */
#define LINK_CLOSED "closed" /* by link_close() */
#define LINK_ENDED "the other side closed the connection"
#define LINK_RESET "connection reset"

struct link_events {
	void (*on_bytes)(void *ctx, struct span bytes); /* borrowed */
	void (*on_low)(void *ctx); /* the outgoing queue fell below LIMIT_PEER_OUT_LOW_BYTES after
				      link_is_full() */
	void (*on_closed)(void *ctx, const char *reason); /* once, last; also after link_close(), on
							     a later turn of the loop */
	void *ctx;
};

struct link_class {
	enum err (*write)(struct link *link,
		struct span bytes); /* copies; ERR_LIMIT above LIMIT_PEER_OUT_BYTES, ERR_CLOSED */
	bool (*is_full)(
		const struct link *link); /* over LIMIT_PEER_OUT_LOW_BYTES, or all links together
					     near LIMIT_PEERS_BUFFER_BYTES: sources should pause */
	void (*pause)(struct link *link); /* no on_bytes until resume */
	void (*resume)(struct link *link);
	void (*close)(struct link *link, bool flush); /* flush: what is queued goes out first
							 (bounded by LIMIT_WRITE_STALL_MS) */
};

/* Implementations start with this. */
struct link {
	const struct link_class *class;
	struct link_events events;
	char remote[64]; /* numeric "192.0.2.1:8008" or "[2001:db8::1]:8008", or a name for other
			    kinds */
	bool is_local;   /* the other end is on this machine */
	/* Set by whoever counts connections under way (net/listen); net/peer calls it when the
	 * handshake succeeded. */
	void (*on_shaken)(void *ctx, struct link *link);
	void *on_shaken_ctx;
};

/** Tell whoever counts that the handshake is over. May be called more than once. */
static inline void link_shaken(struct link *link)
{
	if (link->on_shaken != NULL) {
		link->on_shaken(link->on_shaken_ctx, link);
	}
}

static inline enum err link_write(struct link *link, struct span bytes)
{
	return link->class->write(link, bytes);
}
static inline bool link_is_full(const struct link *link)
{
	return link->class->is_full(link);
}
static inline void link_pause(struct link *link)
{
	link->class->pause(link);
}
static inline void link_resume(struct link *link)
{
	link->class->resume(link);
}
static inline void link_close(struct link *link, bool flush)
{
	link->class->close(link, flush);
}

#endif
