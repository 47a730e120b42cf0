/**
 * sync/wants, inside: what its files share. wants.c: coming and going, the news of the store, and
 * what is due. wants_book.c: who wants what and who has it. wants_tell.c: what we tell each peer.
 * wants_hear.c: what peers tell and ask us. wants_get.c: fetching. wants_give.c: giving.
 */
#ifndef SYNC_WANTS_STATE_H
#define SYNC_WANTS_STATE_H

#include "base/table.h"
#include "sync/wants.h"

/* Somebody who wants things, by key: outlives its connections for LIMIT_BLOB_WANT_MS. */
struct asker {
	struct feed_id id;
	struct wants_peer *peer; /* NULL: not connected */
	bool is_near;            /* within reach, or dialled by us, when last connected */
	struct tie *ties;        /* what it wants, the latest first */
	unsigned tie_count;
	int64_t seen_ms;       /* monotonic, when the connection ended */
	int64_t day_ms, bytes; /* fetched because of it in the day that began then */
};

/* One wants one blob. */
struct tie {
	struct tie *next, *prev;       /* of the blob */
	struct tie *next_of, *prev_of; /* of the asker */
	struct want *want;
	struct asker *asker;
	int distance;    /* how far from us whoever wants it is, as told: 1 the asker itself */
	bool is_before;  /* told in a connection before */
	int64_t told_ms; /* monotonic */
};

/* One says it has one blob that is wanted. */
struct holder {
	struct holder *next;              /* of the blob */
	struct holder *next_of, *prev_of; /* of the peer */
	struct want *want;
	struct wants_peer *peer;
	uint64_t bytes;
	int64_t rest_ms; /* monotonic: it failed, and is not asked before */
};

/* Somebody who gave something else under that name: never asked for it again. */
struct liar {
	struct liar *next;
	struct feed_id id;
};

/* A blob that somebody wants, or that we offer. */
struct want {
	struct want *next, *prev; /* in wants->first …, by `serial` */
	uint64_t serial;          /* rises when it is to be told (again) */
	struct blob_id id;
	bool is_own;   /* the owner wants it */
	bool is_offer; /* ours, offered */
	int distance;  /* we want it for others: 2 …; 0: not */
	struct tie *ties;
	struct holder *holders;
	unsigned holder_count;
	struct liar *liars;
	unsigned liar_count;
	struct get *get;                      /* it is being fetched */
	struct want *next_ready, *prev_ready; /* somebody has it, nobody fetches it */
	bool is_ready;
	int64_t retry_ms, pause_ms;             /* of an own one */
	struct feed_id have[LIMIT_BLOB_PUSHES]; /* of an offer */
	unsigned have_count;
};

/* What a peer is told of a blob it wants and that is here. */
struct answer {
	struct blob_id id;
	uint64_t bytes;
};

/* A connection. */
struct wants_peer {
	struct wants *wants;
	struct partner *partner;
	struct wants_peer *next, *prev;
	struct asker *asker;    /* NULL until it wants something */
	struct rpc_call *up;    /* our createWants: what it tells */
	struct rpc_call *down;  /* its createWants: what we tell */
	bool is_begun;          /* `down` has had its first item */
	uint64_t told;          /* the serial up to which it was told */
	struct answer *answers; /* a ring */
	size_t answer_first, answer_count;
	unsigned unfetched; /* of what it was told it has */
	int64_t fetched_ms; /* monotonic, when that last changed */
	struct holder *holders;
	unsigned get_count; /* we fetch from it */
	unsigned lies;
	struct look *look_first, *look_last; /* wait for their turn */
	struct look *look;                   /* in a worker */
	int64_t minute_ms;
	unsigned looks;
	struct give *gives; /* the latest first */
	unsigned give_count, giving;
	struct notice *notices; /* open blobs.changes */
	unsigned notice_count;
};

enum { WANTS_RECENT = 16 };

struct wants {
	struct sync *sync;
	struct blobs *blobs;
	struct table *by_id;  /* struct want */
	struct table *askers; /* struct asker */
	struct want *first, *last;
	struct want *ready_first, *ready_last;
	uint64_t serial;
	size_t own_count, tie_count, far_tie_count; /* the last: of who is not near */
	struct wants_peer *peers;
	struct loop_task tell_task, get_task;
	struct loop_timer *timer;
	int64_t due_ms;                      /* monotonic, when it is due; INT64_MAX: not set */
	int64_t retry_ms, expire_ms;         /* … and what for */
	struct blob_id recent[WANTS_RECENT]; /* came through us; the store will tell of them too */
	unsigned recent_next;
	bool is_short;     /* out of memory at the start */
	uint64_t arrivals; /* counts them: a look that began before one may be out of date */
	struct get *gets;
	unsigned get_count, writing;
	int64_t rest_ms;    /* monotonic: the disk failed or is full, nothing is fetched before */
	uint64_t far_bytes; /* held for others */
	bool is_far_known, is_far_asked;
	int64_t far_ms; /* monotonic, when it was counted */
	struct wants_figures figures;
	bool is_stopped;
};

int64_t wants_now(const struct wants *wants);
/** Something may be due sooner than the timer is set. */
void wants_wake(struct wants *wants);
/** Within reach, or dialled by us: not somebody anybody can make up. */
bool wants_is_near(const struct partner *partner);

/** It is here now, through us. */
void wants_here(struct wants *wants, const struct blob_id *id, uint64_t bytes);

/* wants_book */
struct want *wants_find(const struct wants *wants, const struct blob_id *id);
/** The peer wants a blob that is not here, or knows somebody who does: `distance` from 1. */
void wants_ask(struct wants_peer *peer, const struct blob_id *id, int64_t distance);
/** The peer has it. */
void wants_have(struct wants_peer *peer, const struct blob_id *id, uint64_t bytes);
/** One has what we offer. */
void wants_has_offer(struct wants *wants, struct want *want, const struct feed_id *id);
/** The owner wants it, or no longer. False without memory. */
bool wants_own(struct wants *wants, const struct blob_id *id, bool is_on);
/** Tell everybody again that the owner wants it; the pause until the next time doubles. */
void wants_retry(struct wants *wants, struct want *want);
/** It is offered, or no longer. False without memory. */
bool wants_offer(struct wants *wants, const struct blob_id *id, bool is_on);
/** It is here: whoever wanted it is told, nobody wants it any more. */
void wants_came(struct wants *wants, const struct blob_id *id, uint64_t bytes);
/** Does somebody we would fetch it for want it? */
static inline bool wants_is_wanted(const struct want *want)
{
	return want->is_own || want->distance > 0;
}
/** Into the list of those that can be fetched, or out of it. */
void wants_settle(struct wants *wants, struct want *want);
struct holder *wants_holder(const struct want *want, const struct wants_peer *peer);
void wants_drop_holder(struct wants *wants, struct holder *holder);
/** It gave something else. */
void wants_lied(struct wants *wants, struct want *want, const struct feed_id *id);
/** Somebody near for whom so many bytes may still be fetched today, the one who had least; NULL:
 * nobody. */
struct asker *wants_payer(struct wants *wants, const struct want *want, uint64_t bytes);
/** What it had today, and more of it. */
int64_t wants_spent(struct asker *asker, int64_t now_ms);
void wants_spend(struct asker *asker, int64_t now_ms, uint64_t bytes);
/** The connection is over: what it has is forgotten, what it wants stays for a while if it is near.
 */
void wants_forget_peer(struct wants_peer *peer);
/** Old wants of others go. */
void wants_expire(struct wants *wants);
/** Nobody wants or offers it and nothing is under way: it goes. */
void wants_let_go(struct wants *wants, struct want *want);
void wants_free_all(struct wants *wants);

/* wants_tell */
void wants_tell_task(void *ctx);
void wants_answer(struct wants_peer *peer, const struct blob_id *id, uint64_t bytes);
/** It fetched one of those it was told. */
void wants_fetched(struct wants_peer *peer);
/** Go on with those who do not fetch what they were told. True: come again in a second. */
bool wants_answers_due(struct wants *wants);
/** Open calls of blobs.changes hear of it; `is_ours`: strangers too. */
void wants_notice(struct wants *wants, const struct blob_id *id, bool is_ours);
void wants_tell_drop(struct wants_peer *peer);

/* wants_hear */
void wants_hear(struct wants_peer *peer);
void wants_hear_drop(struct wants_peer *peer);

/* wants_get */
void wants_get_soon(struct wants *wants);
/** What it is fetched for is gone: it came otherwise, or nobody wants it. */
void wants_get_cancel(struct get *get);
/** It is here. True: it came through this. */
bool wants_get_came(struct get *get);
/** The connection it comes from is over. */
void wants_get_drop(struct wants_peer *peer);
/** Look for those that stand still. */
void wants_get_due(struct wants *wants);
void wants_get_look(const struct get *get, uint64_t *received, uint64_t *bytes);
void wants_get_stop(struct wants *wants);
void wants_get_task(void *ctx);

/* wants_give */
void wants_give_drop(struct wants_peer *peer);

#endif
