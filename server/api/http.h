/**
 * api/http: the web port: listening, parsing, limits, time-outs. The only file that knows
 * libmicrohttpd.
 *
 * A request is an exchange. `on_head` sees it when its head is complete and has passed the gate, on
 * one of the http threads: it may answer at once, or let the body come. `on_request` sees it with
 * its body and must answer. Both are plain blocking code. A request that takes seconds would hold
 * up the others of its thread: on_request returns HTTP_LATER for it, and on_later gives it to
 * another thread.
 */
#ifndef API_HTTP_H
#define API_HTTP_H

#include "api/answer.h"
#include "api/bind.h"
#include "api/gate.h"
#include "api/place.h"
#include "api/session.h"
#include "base/env.h"

struct http;

/* Who takes a body as it comes, instead of `body`. */
struct http_sink {
	void (*take)(void *ctx, struct span bytes);
	/* The request is over, and nobody emptied this: what was taken is dropped. */
	void (*drop)(void *ctx);
	void *ctx;
};

struct exchange {
	struct gate_head head;
	struct buf body;
	struct http_sink sink; /* filled by on_head, with HTTP_GO_ON; `take` NULL: none */
	struct answer answer;
	bool is_owner;                     /* came over the Unix socket */
	bool is_known;                     /* on_head found a session */
	char address[PLACE_ADDRESS_BYTES]; /* of the client, numeric; for counting failures */
	struct session_id session;         /* filled by on_head */
	int64_t since_ms;                  /* monotonic: its head was complete; filled by on_head */
	const void *route;                 /* the callee's */
};

enum http_next {
	HTTP_GO_ON,   /* on_head: let the body come */
	HTTP_ANSWER,  /* `answer` is filled */
	HTTP_UPGRADE, /* on_head of an upgrade: hand the socket over */
	HTTP_LATER,   /* on_request: on_later will finish it */
};

/* A socket on its way to the WebSocket thread. */
struct upgrade {
	int fd;       /* a duplicate: the receiver's */
	char key[25]; /* Sec-WebSocket-Key, checked */
	struct session_id session;
	void *connection; /* http's */
};

struct http_opts {
	const struct env *env;
	const struct bind_doors *doors; /* where to listen; they stay the caller's */
	const struct place *place;      /* stays the caller's */
	enum http_next (*on_head)(void *ctx, struct exchange *exchange);
	enum http_next (*on_request)(void *ctx, struct exchange *exchange);
	/* Must lead to one http_finish(), from any thread, perhaps at once. */
	void (*on_later)(void *ctx, struct exchange *exchange);
	/* Takes `upgrade` over; must end with http_upgrade_over(), perhaps at once. */
	void (*on_upgrade)(void *ctx, struct upgrade *upgrade);
	void *ctx;
};

MUST_USE enum err http_start(
	const struct http_opts *opts, struct http **out, char *why, size_t why_bytes);
/** The version of the library behind it, for people. */
const char *http_engine(void);
uint16_t http_port(const struct http *http);

/** The answer of an exchange that was HTTP_LATER is filled. */
void http_finish(struct exchange *exchange);
/** The WebSocket is closed (its duplicate socket too): http drops its side and frees `upgrade`.
 * Exactly once. */
void http_upgrade_over(struct upgrade *upgrade);

/** No new connections; running ones go on. */
void http_quiesce(struct http *http);
/** After every upgrade and every later answer is over. Answers under way have LIMIT_LINGER_MS to
 * leave. */
void http_stop(struct http *http);

struct http_figures {
	uint64_t requests, refused_by_gate, too_slow, gave_way;
};
void http_figures(struct http *http, struct http_figures *out);

#endif
