/**
 * sync/schedule_table: who could be dialled, and where: one candidate per key, with up to
 * LIMIT_WAYS addresses, the next one to be tried first. Knows nothing of connections. For
 * schedule.c only.
 */
#ifndef SYNC_SCHEDULE_TABLE_H
#define SYNC_SCHEDULE_TABLE_H

#include "base/table.h"
#include "sync/core.h"

enum { WHY_BYTES = 96 };

struct way {
	struct way *next;
	struct address address;
	bool is_lan;  /* heard; forgotten when it falls silent */
	bool is_kept; /* in the store, or to be put there when it works */
	int64_t heard_ms;
	int64_t worked_ms; /* wall, 0: never */
};

struct waiter {
	struct waiter *next;
	struct address address;
	void (*on_outcome)(void *ctx, const char *why);
	void *ctx;
};

struct candidate {
	struct feed_id id;
	struct way *ways;
	size_t way_count;
	bool is_named; /* by the owner: dialled out of reach too */
	bool is_held;
	bool is_dialling; /* by the schedule or for a waiter */
	bool is_up;       /* connected, whoever dialled */
	bool is_asked;    /* this dial or connection is the owner's: it takes no slot */
	unsigned failures;
	size_t tries;       /* ways that failed since the last wait */
	int64_t due_ms;     /* monotonic */
	int64_t shunned_ms; /* monotonic: nor before that, whatever moves due_ms; 0 never */
	int64_t turn_ms;    /* monotonic: its last connection or try ended; CHOOSE_NEVER */
	int64_t news_ms;    /* monotonic: its wait was last ended by a beacon; 0 never */
	int64_t seen_ms;    /* wall */
	uint64_t looked;    /* the look that found it connected, or being dialled */
	char why[WHY_BYTES];
	struct waiter *waiters;
};

struct candidates {
	struct table *table;
	size_t lan_count; /* ways that were heard */
};

/** ERR_NOMEM. */
MUST_USE enum err candidates_init(struct candidates *candidates, const struct env *env);
void candidates_fini(struct candidates *candidates);
struct candidate *candidate_get(const struct candidates *candidates, const struct feed_id *id);
/** The candidate, made if need be. NULL: no memory, or LIMIT_KNOWN_ADDRESSES keys that count. */
struct candidate *candidate_make(struct candidates *candidates, const struct feed_id *id);
/** Let go of somebody without ways whom nobody asks for. True: it is gone. */
bool candidate_drop_empty(struct candidates *candidates, struct candidate *candidate);
/** Walk: start with `*cursor = 0`; NULL at the end. */
struct candidate *candidate_next(const struct candidates *candidates, size_t *cursor);

bool way_is_same(const struct address *a, const struct address *b);
struct way *way_get(const struct candidate *candidate, const struct address *address);
/**
 * The way, put in front if it is new. At LIMIT_WAYS one that was only heard makes room; what is
 * kept gives way to an address the owner named, but never to one somebody in the local network
 * claims. NULL: no room, or no memory.
 */
struct way *way_make(struct candidates *candidates, struct candidate *candidate,
	const struct address *address, bool is_heard);
/** The way just tried goes to the end. */
void way_rotate(struct candidate *candidate);
/** What worked is tried first. */
void way_first(struct candidate *candidate, struct way *way);
/** Mark as heard now. ERR_LIMIT: LIMIT_LAN_PEERS ways were, all of late. */
MUST_USE enum err way_heard(struct candidates *candidates, const struct address *address,
	int64_t now_ms, struct candidate **candidate, bool *is_news);
/** Ways that have been silent are forgotten, and who has none left and nobody asks for. */
void candidates_forget(struct candidates *candidates, int64_t now_ms);

#endif
