/**
 * sync/newest, inside: what its files share. newest.c: what is asked of whom. newest_in.c: what
 * comes. newest_check.c: every signature of it, behind. newest_serve.c: what we give.
 */
#ifndef SYNC_NEWEST_STATE_H
#define SYNC_NEWEST_STATE_H

#include "feed/window.h"
#include "store/newest.h"
#include "sync/newest.h"

/* What is asked of, or held ahead of, one feed. */
struct hold {
	struct hold *next, *prev; /* in newest->holds */
	struct hold *next_check;  /* in newest->check_first … */
	struct feed *feed;
	struct ask *ask;     /* asks for it now */
	unsigned jobs;       /* that read, write or check what came */
	uint64_t newest;     /* held ahead up to here; 0: nothing */
	bool is_checked;     /* … and every signature of it */
	bool is_check_due;   /* in the list */
	unsigned rounds;     /* checks since something was shown */
	bool is_closed;      /* the writer takes nothing ahead of it */
	bool has_from;       /* known since this start */
	struct feed_id from; /* who gave what is held */
};

struct newest {
	struct sync *sync;
	struct table *holds; /* by feed */
	struct hold *first;
	size_t held;             /* holds with something ahead */
	struct table *liars;     /* ids of peers; the value is this struct */
	struct arrival *waiting; /* for room in the writer's inbox */
	unsigned arriving;       /* without checks */
	struct hold *check_first, *check_last;
	struct arrival *check; /* the one that runs */
	struct loop_timer *timer;
	bool is_loaded, is_stopped;
};

/* What a peer turned out to speak, in this connection. */
enum newest_way { WAY_UNSURE, WAY_CALL, WAY_HISTORY, WAY_NONE };

struct newest_peer {
	struct partner *partner;
	enum newest_way way;
	struct ask *asks;
	unsigned ask_count;
	bool is_due;       /* there may be something to ask for */
	bool is_paused;    /* by us, until what came is dealt with */
	uint8_t *done;     /* bits by slot: it answered about this feed, or failed to */
	uint8_t *none;     /* … it said that it has nothing of it */
	size_t bit_bytes;  /* of each */
	int64_t minute_ms; /* of our calls */
	unsigned calls;
	struct serve *serves;
	unsigned serve_count;
	int64_t served_ms; /* a minute of its calls began */
	unsigned served;
};

/* One call of ours. */
struct ask {
	struct ask *next;
	struct newest_peer *of;
	struct rpc_call *call;
	struct loop_timer *timer;
	bool is_history;
	bool has_answered; /* at least an item came */
	struct feed *feeds[LIMIT_NEWEST_FEEDS];
	size_t count, at; /* the one that is being told of */
	bool has_head;
	struct arrival *arrival;   /* being filled */
	size_t profiles, messages; /* announced */
};

/* A window on its way: bytes, then read by a worker, then with the writer. A check is one too: it
 * begins with what is held, and all signatures are looked at before the writer hears of it. */
struct arrival {
	struct arrival *next;
	bool is_check;
	struct newest *newest;
	struct hold *hold;
	struct feed_id feed;
	uint64_t serial; /* of the partner */
	struct feed_id from;
	const uint8_t *hmac_key;
	struct buf text;
	struct newest_text messages[LIMIT_WINDOW_MESSAGES], profiles[LIMIT_WINDOW_PROFILES];
	size_t count, profile_count;
	struct window *window;
	struct ahead_job *job; /* for the writer */
	struct mail *mail;     /* made beforehand: the writer's thread must not fail to answer */
	enum err err;
	const char *why;
};

/** The hold of a feed, made when there is none and `may_add`; NULL without. */
struct hold *newest_hold(struct newest *newest, struct feed *feed, bool may_add);
/** Free it when it says nothing. */
void newest_settle(struct newest *newest, struct hold *hold);
void newest_set_held(struct newest *newest, struct hold *hold, uint64_t sequence);
/** Every peer may have something for us again. */
void newest_touch(struct newest *newest);
/** The peer gave something false: it is not asked any more. `partner` may be gone (NULL). */
void newest_lied(struct newest *newest, const struct feed_id *peer, const struct feed *feed,
	const char *why);
/** Give up a call of ours; its feeds may be asked of others. */
void newest_give_up(struct ask *ask);

struct arrival *newest_in_new(struct newest *newest, struct partner *partner, struct hold *hold);
void newest_in_free(struct arrival *arrival);
/** ERR_LIMIT, ERR_NOMEM. */
MUST_USE enum err newest_in_add(
	struct arrival *arrival, bool is_profile, uint64_t sequence, struct span text);
/** It is complete: read and show it. Taken over. */
void newest_in_start(struct arrival *arrival);
/** Those that wait for the writer. */
void newest_in_retry(struct newest *newest);

/** Check what is held of it, some day soon. */
void newest_check_put(struct newest *newest, struct hold *hold);
void newest_check_go_on(struct newest *newest);
/** Begin what is asked about the feeds that were held when the node stopped. */
void newest_check_load(struct newest *newest);
/** Give what was read or checked to the writer; taken over. */
void newest_in_write(struct arrival *arrival);
/** All is done with it, its job too. */
void newest_in_finish(struct arrival *arrival);
/** Worker: the texts become a window. */
void newest_in_read(struct arrival *arrival);

void newest_serve_drop(struct newest_peer *peer);

#endif
