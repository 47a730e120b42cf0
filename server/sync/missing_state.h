/**
 * sync/missing, inside: what its files share. missing.c: what is asked and what comes.
 * missing_serve.c: what we give.
 */
#ifndef SYNC_MISSING_STATE_H
#define SYNC_MISSING_STATE_H

#include "sync/missing.h"

struct missing_peer {
	struct partner *partner;
	bool is_left_out; /* it does not know the call, or lied: not asked again in this connection
			   */
	struct missing_serve *serves;
	unsigned serve_count;
	int64_t served_ms; /* a minute of its calls began */
	unsigned served;
};

void missing_serve_drop(struct missing_peer *peer);

#endif
