/**
 * api/live: the WebSockets of open pages: one thread that only moves frames. The only file that
 * knows libwebsockets.
 *
 * libwebsockets never listens and never reads a head that we did not write: http hands over sockets
 * that the gate and the session let pass (architecture.md §3).
 */
#ifndef API_LIVE_H
#define API_LIVE_H

#include "api/events.h"
#include "api/http.h"
#include "api/session.h"

struct live;

struct live_opts {
	const struct env *env;
	struct sessions *sessions;
	struct events *events;
};

MUST_USE enum err live_start(
	const struct live_opts *opts, struct live **out, char *why, size_t why_bytes);
/** Take over an upgrade; any thread. It ends with http_upgrade_over(). */
void live_take(struct live *live, struct upgrade *upgrade);
/** There is something in `events`. Any thread; cheap. */
void live_wake(struct live *live);
/** Sessions are over: their sockets are told and close. Any thread. */
void live_check_sessions(struct live *live);
/** Say goodbye, close all, end the thread; upgrades that come later are over at once. */
void live_stop(struct live *live);
/** After http_stop(): nothing can call live_take() any more. */
void live_free(struct live *live);

/** The version of the library behind it, for people. */
const char *live_engine(void);

#endif
