/**
 * sync/ebt_state: what ebt.c (the conversation) and ebt_send.c (notes and messages out) share. For
 * these two only.
 */
#ifndef SYNC_EBT_STATE_H
#define SYNC_EBT_STATE_H

#include "sync/ebt.h"
#include "sync/pull.h"
#include "wire/note.h"

#define EBT_NONE UINT32_MAX
enum { THEIRS_UNKNOWN = -2, THEIRS_NOT = -1 };

/* One feed in one session. */
struct ebt_feed {
	int64_t theirs; /* what the peer told or proved to have; or one of the two above */
	uint64_t sent;  /* where sending stands */
	uint64_t noted; /* the head we told */
	uint32_t next_send, next_dirty;
	bool they_want;  /* their last note was even */
	bool is_noted;   /* we told something */
	bool is_wanting; /* … and it was an even note */
	bool is_refused; /* … and it was −1 */
	bool is_stopped; /* an invalid or forked message came from this peer */
	bool is_queued, is_dirty;
};

struct slots {
	uint32_t first, last;
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
	struct ebt_feed *feeds; /* by slot */
	uint32_t feed_count;
	struct slots sending, dirty;
	struct feed_id *refused; /* to be answered with −1, and not known here */
	size_t refused_count, refused_room;
	struct pull *pull;
	struct loop_timer *flush_timer, *tick_timer;
	bool is_rewinding; /* our own feed is noted as `rewind_to` next */
	uint64_t rewind_to;
	bool is_tick_set;
	int64_t last_in_ms;
	unsigned asks;
};

/** The feed in this session; NULL without memory. Valid until the next call. */
struct ebt_feed *ebt_at(struct ebt *ebt, const struct feed *feed);
bool ebt_is_shared(const struct ebt *ebt, const struct feed *feed);
/** Its note shall go out at the end of this turn. */
void ebt_mark(struct ebt *ebt, const struct feed *feed);
/** Answer −1 for a feed nobody here knows. */
void ebt_mark_refused(struct ebt *ebt, const struct feed_id *id);
/** It has messages to be sent. */
void ebt_queue(struct ebt *ebt, const struct feed *feed);
/** Send what notes are due, and messages, while the connection takes them. */
void ebt_flush(struct ebt *ebt);

#endif
