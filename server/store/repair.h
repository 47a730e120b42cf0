/**
 * store/repair: `kith check --repair`: mends what the audit finds, with the node stopped. Other
 * people's feeds are cut back to the last good message, so that replication brings the rest again;
 * what follows from the messages is made again from them; rows that hang on nothing go. Our own
 * feed is never written to: damage in it pauses publishing, so that peers are asked.
 *
 * Each step is one transaction with its line in the safety log, and none needs another one: a kill
 * between two loses nothing, and a second run finds nothing to do.
 */
#ifndef STORE_REPAIR_H
#define STORE_REPAIR_H

#include "store/audit.h"

struct repair {
	uint64_t steps;              /* done */
	uint64_t kinds[AUDIT_KINDS]; /* faults found at first, by kind */
	uint64_t left[AUDIT_KINDS];  /* … and at the end */
	/* One sentence per step, for people, when it is done. */
	void (*on_step)(void *ctx, const char *sentence);
	/* Each fault that is left. */
	void (*on_fault)(void *ctx, const struct audit_fault *fault);
	void *ctx;
};
/** `store` is open for writing and has no writer. ERR_OK also when faults are left. */
MUST_USE enum err repair_run(struct store *store, const uint8_t *hmac_key, struct repair *repair);

/** In the caller's transaction: make everything again that follows from the messages. Without
 * `is_own_whole` (a part of our own feed cannot be read) what our feed says of others stays. */
MUST_USE enum err repair_views(struct store *store, bool is_own_whole);

#endif
