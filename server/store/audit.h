/**
 * store/audit: `kith check`: reads every message of every feed again, and believes nothing: hash,
 * signature, link, number; and the rows of feeds, posts and contacts that follow from them. What no
 * message tells cannot be judged: our time of arrival, addresses, clocks, sessions, settings.
 */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include "store/reader.h"

struct audit {
	uint64_t feeds, messages;
	uint64_t faults;
	/* One sentence per fault, for people. */
	void (*on_fault)(void *ctx, const char *sentence);
	void *ctx;
};
/** ERR_OK also when there are faults: look at `faults`. */
MUST_USE enum err audit_run(struct store *store, const uint8_t *hmac_key, struct audit *audit);

#endif
