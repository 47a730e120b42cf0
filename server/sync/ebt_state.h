/**
 * sync/ebt_state: what ebt.c (the conversation), ebt_clock.c (what is remembered of a peer),
 * ebt_source.c (whom a feed is taken from) and ebt_send.c (notes and messages out) share. For these
 * four only.
 */
#ifndef SYNC_EBT_STATE_H
#define SYNC_EBT_STATE_H

#include "sync/ebt.h"
#include "sync/pull.h"
#include "wire/note.h"

enum { EBT_NONE = UINT16_MAX, EBT_PAGE = 64, THEIRS_UNKNOWN = -2, THEIRS_NOT = -1 };

_Static_assert(LIMIT_FEEDS_KNOWN < EBT_NONE, "slots fit into 16 bits");

/* One feed in one session. 256 sessions may hold LIMIT_FEEDS of these each: keep it at 16 bytes. */
struct ebt_feed {
	int32_t theirs; /* what the peer told or proved to have; or one of the two above */
	uint32_t sent;  /* where sending stands */
	uint16_t next_send, next_dirty;
	bool they_want : 1;  /* their last note was even */
	bool is_noted : 1;   /* we told something */
	bool is_told : 1;    /* … and it was our present head */
	bool is_wanting : 1; /* … and it was an even note */
	bool is_refused : 1; /* … and it was −1 */
	bool is_claimed : 1; /* … and it was all we have, the last time */
	bool is_stopped : 1; /* an invalid or forked message came from this peer */
	bool is_tried : 1;   /* it was asked, and gave nothing since */
	bool is_queued : 1, is_dirty : 1;
};

_Static_assert(sizeof(struct ebt_feed) == 16, "40 MB for 256 peers that share 10,000 feeds");

struct slots {
	uint16_t first, last;
};

struct clocks;

struct ebt {
	struct partner *partner;
	struct rpc_call *call; /* NULL once its end was heard */
	bool is_dialler;
	bool has_clocks;  /* what is stored about the peer has been read */
	bool has_heard;   /* its first notes came */
	bool is_open;     /* our notes may go out */
	bool is_note_due; /* even if it is empty */
	bool is_over;
	struct clocks *clocks;
	struct ebt_feed **pages; /* by slot / EBT_PAGE; NULL: nothing was said of any of them */
	uint32_t page_count;
	struct slots sending, dirty;
	struct feed_id *refused; /* to be answered with −1, and not known here */
	size_t refused_count, refused_room;
	struct pull *pull;
	struct loop_timer *flush_timer, *tick_timer;
	bool is_rewinding; /* our own feed is noted as `rewind_to` next */
	uint64_t rewind_to;
	bool is_tick_set;
	int64_t last_in_ms;
	unsigned ticks;
	unsigned asks;        /* even notes said again, since it last gave something */
	unsigned rest, rests; /* ticks without such, and how many the next time */
};

/** Can the peer have what follows its own number? Not below what was let go (store/let_go). */
static inline bool ebt_may_serve(const struct feed *feed, const struct ebt_feed *at)
{
	return feed->first <= 1 ||
	       (at->theirs != THEIRS_NOT && (uint64_t)at->sent + 1 >= feed->first);
}

/** The feed in this session; NULL without memory. Valid as long as the session. */
struct ebt_feed *ebt_at(struct ebt *ebt, const struct feed *feed);
/** … NULL when nothing was said of it. */
struct ebt_feed *ebt_look(const struct ebt *ebt, const struct feed *feed);
bool ebt_is_shared(const struct ebt *ebt, const struct feed *feed);
/** Its note shall go out at the end of this turn. */
void ebt_mark(struct ebt *ebt, const struct feed *feed);
/** Answer −1 for a feed nobody here knows. */
void ebt_mark_refused(struct ebt *ebt, const struct feed_id *id);
/** It has messages to be sent. */
void ebt_queue(struct ebt *ebt, const struct feed *feed);
/** Send what notes are due, and messages, while the connection takes them. */
void ebt_flush(struct ebt *ebt);
/** Look in a while whether the peer gave what it has. */
void ebt_tick(struct ebt *ebt);

/** Read what is stored of the peer; ebt_clocks_read() follows, perhaps at once. */
void ebt_clocks_load(struct ebt *ebt);
void ebt_clocks_read(struct ebt *ebt);
/** The session ends: nobody waits for the clocks any more. */
void ebt_clocks_drop(struct ebt *ebt);
void ebt_clocks_save(struct ebt *ebt);

/** Nobody feeds it, or nobody as well as this session would: it becomes the source. */
void ebt_source_offer(struct ebt *ebt, struct feed *feed);
/** The peer told a number. */
void ebt_source_told(struct ebt *ebt, struct feed *feed);
/** This session cannot be its source (any more): the best of the others, if one has more. */
void ebt_source_lose(struct ebt *ebt, struct feed *feed);
/** … of anything. */
void ebt_source_lose_all(struct ebt *ebt);
/** LIMIT_EBT_STALL_MS passed: who gave nothing is passed over. */
void ebt_source_judge(struct ebt *ebt);
/** It claims more than is stored or on its way. */
bool ebt_is_ahead(const struct ebt_feed *at, const struct feed *feed);

#endif
