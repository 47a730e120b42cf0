/**
 * store/audit: `kith check`: reads every message of every feed again, and believes nothing: hash,
 * signature, link, number; the rows that follow from them (feeds, posts, likes, contacts, profiles,
 * figures); the proofs of forks; what hangs on nothing; and the fence. What no message tells cannot
 * be judged: our time of arrival, addresses, clocks, sessions, settings.
 */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include "store/reader.h"

/* What is wrong, by what can be done about it (store/repair). */
enum audit_kind {
	AUDIT_FILE,  /* the database file: a page, an index */
	AUDIT_OWN,   /* our own feed: nobody mends it here */
	AUDIT_FEED,  /* somebody else's: it is cut back and fetched again */
	AUDIT_VIEW,  /* what follows from the messages: made again */
	AUDIT_ROW,   /* a small row that hangs on nothing: dropped */
	AUDIT_PROOF, /* of a fork of somebody's, and proves nothing: dropped */
	AUDIT_FENCE, /* the safety file and the database disagree */
	AUDIT_KINDS
};

struct audit_fault {
	enum audit_kind kind;
	int64_t feed;         /* AUDIT_FEED, AUDIT_PROOF: its row */
	uint64_t sequence;    /* AUDIT_FEED: the first number that is not as it should be */
	const char *sentence; /* for people; borrowed for the call */
};

struct audit {
	uint64_t feeds, messages;
	uint64_t faults;
	void (*on_fault)(void *ctx, const struct audit_fault *fault);
	void *ctx;
};
/** ERR_OK also when there are faults: look at `faults`. Beside a running node what changes
 * meanwhile is left out. */
MUST_USE enum err audit_run(struct store *store, const uint8_t *hmac_key, struct audit *audit);

#endif
