/**
 * cmd/reload: what SIGHUP does to a running node: kith.conf is read again, as at the start, and
 * what a running node can take over (options_row()->is_live) counts from then on.
 */
#ifndef CMD_RELOAD_H
#define CMD_RELOAD_H

#include "cmd/flags.h"
#include "node.h"

struct reload {
	const struct env *env;
	const char *const *flags;        /* of the command line, OPTION_COUNT */
	const struct settings *settings; /* with which the node was started */
	bool has_terminal;               /* it was started from one, which may close */
};

/** With what is set up: the level of the log; what the node is told goes to `live`. */
void reload_apply(const struct settings *settings, struct node_live *live);

/** node_opts.on_hangup; `ctx` is a struct reload. What is wrong is told in the log, and nothing
 * changes then. */
enum node_hangup reload_now(void *ctx, struct node_live *live);

/** Each peer is an open file, and so is who waits to become one: may this process have so many?
 * 0: LIMIT_PEERS, or what there is room for. */
bool reload_has_room_for(unsigned peers);

#endif
