/**
 * keeper: the one thread that lives as long as the process: it takes the signals, speaks with the
 * service manager, and looks whether the others still answer.
 *
 * SIGINT and SIGTERM end the node in an orderly way; when that takes more than LIMIT_STOP_MS, or
 * at a second one, the process ends as it is (which loses nothing either: it is what a power cut
 * does). SIGHUP is passed on. With a watchdog (WATCHDOG_USEC) the manager is told that all is well
 * only when every part that is there has answered what it was asked the last time.
 */
#ifndef KEEPER_H
#define KEEPER_H

#include "base/env.h"

struct keeper;

enum keeper_part { KEEPER_LOOP, KEEPER_WRITER, KEEPER_WEB, KEEPER_PARTS };

struct keeper_opts {
	const struct env *env;
	void (*on_stop)(void *ctx, int signal); /* once */
	void (*on_hangup)(void *ctx);           /* SIGHUP */
	/* Ask `part` whether it is alive: keeper_answered() follows, from any thread, perhaps at
	 * once. False: there is no such part just now. */
	bool (*ask)(void *ctx, enum keeper_part part);
	void *ctx;
};

/** From here on the signals wait for the keeper. Before any thread is started: threads inherit it.
 */
void keeper_block(void);
/** After keeper_block(), before the process confines itself: the manager's socket is opened here.
 * ERR_NOMEM. */
MUST_USE enum err keeper_new(const struct keeper_opts *opts, struct keeper **out);
/** Its thread. ERR_NOMEM. */
MUST_USE enum err keeper_start(struct keeper *keeper);
/** Also of one that was not started. Then the signals do again what they do in any program. NULL is
 * fine. */
void keeper_stop(struct keeper *keeper);

/** Any thread. */
void keeper_answered(struct keeper *keeper, enum keeper_part part);
/** Any thread: the node serves (the first word of it makes the service started), and `status` says
 * how; static. */
void keeper_ready(struct keeper *keeper, const char *status);
/** Any thread: the start takes its time, and is getting on. */
void keeper_is_starting(struct keeper *keeper, const char *status);

#endif
