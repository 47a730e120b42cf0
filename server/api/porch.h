/**
 * api/porch: the connections of the web port, and whose place it is when places run out.
 *
 * Whoever comes gets in: a newcomer over a limit takes the place of somebody who does not use
 * theirs, the longest first: of strangers (no request with a session came that way) who are silent
 * or drip, then of strangers who take an answer slowly, then of strangers whose request is on its
 * way; after these the same of strangers at addresses where sessions lately came from, as a browser
 * opens new connections; last of those the owner's page leaves idle. Only when all of them are at
 * work for the owner is the newcomer turned away. One thread shuts what lets a head or a body drip
 * past its time, however steadily. Any thread.
 */
#ifndef API_PORCH_H
#define API_PORCH_H

#include "api/place.h"
#include "base/env.h"

struct porch;
struct porch_conn;

/* What a connection is doing. */
enum porch_phase {
	PORCH_IDLE, /* between two requests */
	PORCH_HEAD, /* a head comes */
	PORCH_BODY,
	PORCH_BUSY, /* it is being answered */
	PORCH_AWAY, /* suspended: a slow answer is made, or its socket lives elsewhere */
};

MUST_USE enum err porch_new(const struct env *env, struct porch **out);
/** After the last connection left. */
void porch_free(struct porch *porch);

struct porch_guest {
	int fd;                    /* stays the caller's, open until porch_leave() */
	struct place_address from; /* whom to count it for */
	bool is_owner;             /* came by the Unix socket: never counted, never in the way */
	bool is_proxy;             /* a trusted one: the share of an address is not for it */
};
/** NULL: no memory; it is served uncounted. */
struct porch_conn *porch_enter(struct porch *porch, const struct porch_guest *guest);
void porch_leave(struct porch *porch, struct porch_conn *conn);
/** `conn` NULL is fine. */
void porch_set(struct porch *porch, struct porch_conn *conn, enum porch_phase phase);
/** A request with a session came this way. */
void porch_know(struct porch *porch, struct porch_conn *conn);
/** Is anybody being answered? */
bool porch_is_answering(struct porch *porch);

struct porch_figures {
	size_t here;       /* counted connections */
	uint64_t too_slow; /* shut for dripping */
	uint64_t gave_way; /* shut for a newcomer */
	uint64_t turned_away;
};
void porch_figures(struct porch *porch, struct porch_figures *out);

#endif
