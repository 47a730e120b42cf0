/**
 * store/guard: may this node sign? The judgements of restore.md §4 as pure functions of facts: no
 * clock, no database, no lock. The writer gathers the facts and obeys; tests and the simulator ask
 * the same functions.
 *
 * A state other than CLEAN begins a *spell*: a numbered pause in which holders are asked afresh.
 * Times are milliseconds; `wall` since 1970, `mono` of this process.
 */
#ifndef STORE_GUARD_H
#define STORE_GUARD_H

#include "feed/id.h"
#include "store/fence.h"

/* Why publishing is paused. The names (guard_cause_name) are in the database and in the API. */
enum guard_cause {
	GUARD_NONE = 0,
	GUARD_NO_FENCE,      /* "no_fence": copied, restored by hand, or the file was deleted */
	GUARD_FENCE_DAMAGED, /* "fence_damaged" */
	GUARD_FOREIGN_FENCE, /* "foreign_fence": identity or install differ */
	GUARD_EPOCH,         /* "epoch": database and fence are not of one time */
	GUARD_BEHIND,        /* "behind": the fence knows a later message than the database */
	GUARD_MOVED,         /* "moved": another machine or directory */
	GUARD_DAMAGE,        /* "damage": our own chain has a hole or a bad link */
	GUARD_CLOCK, /* "clock": the wall clock stands long before our last post, and a hint changed
		      */
	GUARD_IMPORTED,  /* "imported": a key alone (secret file, paper words) */
	GUARD_RESTORED,  /* "restored": kith restore wrote this database */
	GUARD_CLAIM,     /* "claim": a peer says it has more of ours (D1); ends by itself */
	GUARD_RETURNED,  /* "returned": a message of ours came that this node did not make (D2) */
	GUARD_WITNESS,   /* "witness": a browser has seen a later message (D5) */
	GUARD_TWIN,      /* "twin": another node runs with our key (D4) */
	GUARD_FORK,      /* "fork": two messages of ours carry one number (D3) */
	GUARD_MOVED_OUT, /* "moved_out": this node was retired */
	GUARD_CAUSE_COUNT
};
const char *guard_cause_name(enum guard_cause cause);
/** GUARD_NONE for a name nobody knows. */
enum guard_cause guard_cause_of(struct span name);
/** One sentence for the owner, plain words. */
const char *guard_cause_said(enum guard_cause cause);

enum guard_agreement { GUARD_UNASKED = 0, GUARD_AGREES, GUARD_DIFFERS };

struct guard_holder {
	struct feed_id peer;
	uint64_t sequence; /* the highest number of ours it ever told or was given */
	int64_t seen_ms;   /* wall: when it last told */
	int64_t told; /* in this spell; −1: nothing yet. Above our head: it has newer messages, or
			 says so, and is not confirmed */
	enum guard_agreement agreement; /* its message at min(told, our head) against ours */
};

struct guard_witness {
	uint64_t sequence;
	bool has_key;
	bool is_echo; /* it only repeats what this database said: its agreement proves nothing */
	bool is_contradicted; /* it speaks of a number below our head, and our message there has
				 another key */
	struct message_id key;
};

/* Everything a judgement needs. Arrays are borrowed. */
struct guard_facts {
	enum fence_state state;
	enum guard_cause cause;
	int64_t since_ms; /* wall: this spell began */
	int64_t known_ms; /* wall: the newest sighting of a holder that was known when the spell
			     began (an old backup remembers old sightings); 0, or later than
			     since_ms (the clock was wrong): as since_ms */
	uint64_t start_sequence; /* our head when the spell began; 0: then no holder could be known,
				    and "all of them" (U2) means nothing */
	int64_t quiet_since_ms;  /* mono: nothing newer of ours came since; the start of the process
				    at the earliest */
	uint64_t sequence;       /* our head */
	struct message_id head;
	bool is_database_current; /* the fence is ours and agrees with the database: nothing can be
				     missing here */
	const struct guard_holder *holders;
	size_t holder_count;
	const struct guard_witness *witnesses;
	size_t witness_count;
};

enum guard_rule {
	GUARD_RULE_NONE = 0,
	GUARD_U1,
	GUARD_U2,
	GUARD_U3,
	GUARD_U4,
	GUARD_U5,
	GUARD_LAPSED
};

struct guard_verdict {
	enum guard_rule rule;    /* may unlock now by this one; NONE: not yet (U5 is the owner's and
				    never here) */
	enum guard_rule nearest; /* which one waiting will most likely fulfil */
	int64_t left_ms; /* until the clocks of `nearest` are satisfied, if nothing newer comes */
	size_t confirmed, waiting_for; /* holders */
	uint64_t newest_seen; /* the highest number any holder or witness speaks of, at least our
				 head */
};
/** "U1" …, "lapsed", "none". */
const char *guard_rule_name(enum guard_rule rule);
/** `wall_ms`, `mono_ms`: now. Only SUSPECT is ever unlocked by a judgement. */
void guard_judge(const struct guard_facts *facts, int64_t wall_ms, int64_t mono_ms,
	struct guard_verdict *out);

#endif
