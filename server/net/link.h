/**
 * net/link: one byte stream with pause, resume and a low-water signal: an interface. Implemented over uv TCP in net (link_tcp), by tests with a pair in memory (link_pair), later by tunnels.
 * Loop thread only.
 */
#ifndef NET_LINK_H
#define NET_LINK_H

#include "base/err.h"
#include "base/span.h"

struct link;

struct link_events {
	void (*on_bytes)(void *ctx, struct span bytes);   /* borrowed */
	void (*on_low)(void *ctx);                        /* the outgoing queue fell below LIMIT_PEER_OUT_LOW_BYTES after link_is_full() */
	void (*on_closed)(void *ctx, const char *reason); /* once, last; also after link_close(), on a later turn of the loop */
	void *ctx;
};

struct link_class {
	enum err (*write)(struct link *link, struct span bytes); /* copies; ERR_LIMIT above LIMIT_PEER_OUT_BYTES, ERR_CLOSED */
	bool (*is_full)(const struct link *link);
	void (*pause)(struct link *link);  /* no on_bytes until resume */
	void (*resume)(struct link *link);
	void (*close)(struct link *link, bool flush); /* flush: what is queued goes out first (bounded by LIMIT_WRITE_STALL_MS) */
};

/* Implementations start with this. */
struct link {
	const struct link_class *class;
	struct link_events events;
	char remote[64]; /* numeric "host:port", or a name for other kinds */
	bool is_local;   /* the other end is on this machine */
};

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
