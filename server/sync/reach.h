/**
 * sync/reach: which feeds we replicate, how far each is stored, and who blocks whom. In memory, for
 * the loop; computed by the store in a worker whenever the follow graph changed, and told to the
 * writer (CHANGE_REACH).
 */
#ifndef SYNC_REACH_H
#define SYNC_REACH_H

#include "sync/core.h"

/* A feed we know of. Never freed while the node runs, so pointers to it may be kept. `id` and
 * `slot` never change. */
struct feed {
	struct feed_id id;
	uint32_t slot;    /* a small number, for arrays */
	int hops;         /* 0 ourselves, 1 followed …; −1: not replicated */
	uint64_t head;    /* committed */
	uint64_t first;   /* what is here without a hole begins with it (store/let_go); 0, 1: all */
	uint64_t pending; /* head and what is between socket and writer behind it */
	uint32_t epoch;   /* counts the times `pending` fell back */
	uint32_t blocking;   /* people its author blocks */
	struct share *share; /* sync/shares'; NULL: nothing was counted */
	bool is_chosen;      /* scratch of reach.c */
	bool is_paused; /* it has sent its share of today (sync/shares): noted odd, asked of nobody,
			   taken from nobody until tomorrow; never a gap */

	/* Of the present epoch: in which lane of sync/ingest_lanes its messages wait. */
	struct lane_wait {
		struct lane *lane; /* NULL: none do */
		uint32_t count;
	} wait[LANE_STAGES];

	struct ebt *source; /* the session that feeds it, or NULL (sync/ebt_source) */
	int64_t source_ms;  /* … since when, or when it last gave something; monotonic */
};

/** Reads the first time at once, in the calling thread. ERR_IO, ERR_NOMEM. */
MUST_USE enum err reach_new(struct sync *sync, struct reach **out);
void reach_free(struct reach *reach);

/** What is known under `id`, or NULL. */
struct feed *reach_known(struct reach *reach, const struct feed_id *id);
/** The feed when we replicate it, else NULL. */
struct feed *reach_wanted(struct reach *reach, const struct feed_id *id);
struct feed *reach_self(struct reach *reach);
/** Feeds by slot, 0 … reach_slots() − 1. */
struct feed *reach_at(struct reach *reach, uint32_t slot);
uint32_t reach_slots(const struct reach *reach);
/** Replicated feeds, ourselves and the nearest first. */
size_t reach_count(const struct reach *reach);
struct feed *reach_nth(struct reach *reach, size_t i);
static inline bool feed_is_wanted(const struct feed *feed)
{
	return feed->hops >= 0;
}

/** Does `from` (we, or somebody we replicate) block `to`? */
bool reach_is_blocking(struct reach *reach, const struct feed_id *from, const struct feed_id *to);
/** May messages of `feed` go to or come from `peer`? (protocol/04 §3.7) */
bool reach_is_shared(struct reach *reach, const struct feed *feed, const struct feed_id *peer);

/** A message was committed: moves the head. NULL when there is no room for one more feed. */
struct feed *reach_committed(struct reach *reach, const struct feed_id *author, uint64_t sequence);
/**
 * What authors say of others now. A block counts from here on, before the graph is computed again:
 * whom we block is no longer wanted, asked or served, and loses its connection; to whom an author
 * blocks, nothing more of it goes.
 */
void reach_edges(struct reach *reach, const struct mail_edge *edges, size_t count);
/** Old messages of a feed were let go; or all of it, and it is to come again. */
void reach_let_go(struct reach *reach, const struct let_go_news *news);
/** The graph changed: compute again soon. */
void reach_touch(struct reach *reach);
/** No more computing; for the stop. */
void reach_stop(struct reach *reach);

#endif
