/**
 * api/route: the table of endpoints: method, pattern, who may, function; and how a request finds
 * its row.
 */
#ifndef API_ROUTE_H
#define API_ROUTE_H

#include "api/http.h"

struct api;

enum { ROUTE_ARGS_MAX = 2 };

/* One request on its way through a serve function, which must fill `exchange->answer`. */
struct call {
	struct api *api;
	struct exchange *exchange;
	struct span args[ROUTE_ARGS_MAX]; /* what stands for the pattern's `:names`, in order */
	json_t *body; /* POST with JSON: parsed, an object; borrowed. NULL otherwise */
};

enum route_may {
	MAY_ANYBODY, /* no session: it is how one gets a session */
	MAY_READ,
	MAY_WRITE,
	MAY_PUBLISH, /* a write that signs: LIMIT_PUBLISH_PER_MINUTE */
};

struct route {
	enum gate_method method;
	const char *pattern;
	enum route_may may;
	void (*serve)(struct call *call);
	bool is_raw;  /* the body is not JSON of ours */
	bool is_seen; /* a GET of pages' elements: the session's cookie alone opens it */
	/* The body is bytes, taken as they come: makes `exchange->sink`, or fills the answer. */
	bool (*begin)(struct call *call);
	bool is_slow;   /* takes seconds: not on an http thread */
	bool is_secret; /* a passphrase or words go in or out: the bodies are wiped */
};

/** The row for a request, with `args` filled; NULL: none. `*is_known` tells whether another method
 * would have fitted. HEAD is as GET. */
const struct route *route_find(enum gate_method method, struct span path,
	struct span args[static ROUTE_ARGS_MAX], bool *is_known);

#endif
