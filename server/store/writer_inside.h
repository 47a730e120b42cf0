/**
 * store/writer, inside: what its files share. writer.c: thread, queue, batches. writer_append.c:
 * one received message. writer_ahead.c: what is shown before its history. writer_publish.c: one own
 * message. writer_change.c: small facts. writer_safety.c: those about who holds our feed.
 * writer_draft.c: what waits to be published. writer_start.c: what the fence says at the start.
 * writer_ceiling.c: what goes to make room. writer_guard.c: the state of publishing, how it changes
 * and what it waits for.
 */
#ifndef STORE_WRITER_INSIDE_H
#define STORE_WRITER_INSIDE_H

#include "base/inbox.h"
#include "base/limits.h"
#include "store/behind.h"
#include "store/fence.h"
#include "store/index.h"
#include "store/inside.h"
#include "store/writer.h"

#include <pthread.h>
#include <stdatomic.h>

/* Somebody waits for a job; whoever is last frees it. */
struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t done_cond;
	bool is_done;
	int refs;
	enum err err;
};
void writer_waiter_init(struct waiter *waiter);
void writer_waiter_fini(struct waiter *waiter);
/** The writer is done; true when the caller has gone and the job is to be freed here. */
bool writer_waiter_done(struct waiter *waiter, enum err err);
/** Wait; ERR_TIMEOUT after `ms`. `*is_last`: the job is to be freed here. */
enum err writer_waiter_wait(struct waiter *waiter, int64_t ms, bool *is_last);

enum job_kind {
	JOB_APPEND,
	JOB_AHEAD,
	JOB_PUBLISH,
	JOB_CHANGE,
	JOB_ORDER,
	JOB_OUTBOX,
	JOB_LET_GO,
	JOB_PING
};

struct publish_job {
	struct buf content;
	uint8_t nonce[FENCE_NONCE_BYTES_MAX];
	size_t nonce_len;
	uint64_t if_head;
	bool has_if_head_key;
	struct message_id if_head_key;
	struct publish_result result;
	struct waiter waiter;
};

struct change_job {
	struct change change; /* its spans and arrays point into `bytes` */
	struct buf bytes;
	bool has_waiter;
	enum err err;
	struct waiter waiter;
};

/* The owner's word about publishing: resume, retire. */
struct order_job {
	bool is_retirement;
	uint64_t last;
	bool is_accepted;
	char why[256];
	struct waiter waiter;
};

/* Something about posts that may still be taken back, or about what is being written. */
enum outbox_kind { OUTBOX_HOLD, OUTBOX_UNDO, OUTBOX_SEND, OUTBOX_WRITE };
struct outbox_job {
	enum outbox_kind kind;
	struct publish_job publish; /* content and nonce; of its waiter nothing is used */
	struct buf body;            /* HOLD, and the text of WRITE and UNDO */
	struct buf name, spare;     /* of a writing */
	int64_t hold_ms;
	uint64_t rev;      /* WRITE: the number it was read with */
	int64_t due_ms;    /* out, HOLD; wall */
	uint64_t rev_done; /* out, WRITE and UNDO */
	bool is_published; /* out, HOLD: before, under this nonce */
	bool is_spare;     /* out, UNDO */
	struct waiter waiter;
};

/* Room is made: messages go, or (without a feed) pages of the file. */
struct let_go_job {
	bool is_shrinking;
	struct let_go_request requests[LET_GO_FEEDS];
	struct let_go_result results[LET_GO_FEEDS];
	size_t count;
	size_t pages, freed;
	int64_t wal_bytes;
	struct waiter waiter;
};

/* Is it alive? */
struct ping_job {
	void (*fn)(void *ctx);
	void *ctx;
};

struct job {
	enum job_kind kind;
	union {
		struct append_job *append;
		struct ahead_job *ahead;
		struct publish_job *publish;
		struct change_job *change;
		struct order_job *order;
		struct outbox_job *outbox;
		struct let_go_job *let_go;
		struct ping_job ping;
	};
};

enum {
	BATCH_MESSAGES = 2000,
	OPEN_BYTES = 24 * MIB, /* of messages in one transaction of an import: a page of an index
				  is written once in it, however many rows it gets */
	BATCH_JOBS = LIMIT_WRITER_JOBS,
	BULK_MESSAGES = 32, /* in one transaction: then more is likely to come soon */
	BULK_PAUSE_MS = 100,
	GATHER_MESSAGES = 1000, /* to wait for, but only so long: */
	GATHER_MS = 100,
	OPEN_IDLE_MS = 200, /* without a job, then it ends */
	REST_MS = 2000,     /* of quiet after a bulk, then its memory is given back */
};

/* What the present transaction learnt about our feed; gone with a ROLLBACK. */
struct signals {
	unsigned causes;        /* 1 << enum guard_cause */
	bool is_changed;        /* holders, witnesses: judge again */
	bool has_returned;      /* a message of ours that this node did not make was stored */
	uint64_t claim;         /* the number that a peer claims */
	uint64_t fork_sequence; /* the lowest number with two messages; 0: not known */
	struct message_id fork_ours, fork_theirs;
	char twin[LIMIT_ADDRESS_BYTES + 1];
};

/* A change of the state: put into the database with what caused it, then done everywhere else. */
struct move {
	bool is_set;
	bool is_new_spell;
	bool is_in_memory;       /* a claim: it ends by itself, and no start remembers it */
	bool is_start;           /* found at the start: nobody has spoken in it yet */
	bool is_without_history; /* the pause before did not end, and began with nothing */
	enum fence_state state;
	enum guard_cause cause;
	enum guard_rule rule; /* to CLEAN: by which one */
	char why[256];        /* "": the cause's own sentence */
};

struct writer {
	struct store *store;
	struct db *db;
	struct signer *signer;
	struct writer_opts opts;
	struct inbox *inbox;
	pthread_t thread;
	struct feeds *feeds;
	struct index index;
	struct fence *fence; /* NULL: there is none we may trust, then the state is not CLEAN */
	struct fence_facts
		facts; /* what the fence should say; written with the next intent and at the end */
	bool is_fence_behind;    /* `facts` are newer than the file */
	struct message *pending; /* signed and in the fence, but its COMMIT failed: the next thing
				    to insert */
	uint8_t pending_nonce[FENCE_NONCE_BYTES_MAX];
	size_t pending_nonce_len;
	struct buf body;             /* a message on its way into its row */
	struct committed *committed; /* of the present transaction */
	size_t committed_count, committed_room;
	struct committed *ahead; /* of the present transaction: posts that are shown ahead */
	size_t ahead_count, ahead_room;
	bool is_ahead_gone;
	bool is_graph_changed;
	bool has_own;               /* an own message among them */
	pthread_mutex_t state_lock; /* other threads read `report` and `guard` */
	struct guard_report report; /* its verdict is made when somebody asks */
	struct guard_facts guard;   /* the arrays are ours */
	struct signals signals;
	struct guard_verdict verdict; /* the last one that listeners were told of */
	bool is_guard_stale;          /* `guard` is to be read again, and judged */
	bool is_guard_unreadable;     /* … which failed: not before guard_due_ms again */
	int64_t guard_due_ms;         /* mono: judge again then, whatever happens */
	int64_t claim_rest_ms;        /* mono: no claim pauses before */
	bool is_cut;                  /* the setting `run` says so: see writer_was_cut() */
	uint64_t unchecked;       /* own messages up to this number are to be checked; 0: done */
	int64_t unchecked_due_ms; /* not before; the disk took no word of what was found */
	struct batch *batch;
	bool is_open;      /* an import's transaction goes on */
	size_t open_bytes; /* of messages in it */
	enum err open_err; /* why one that was told done is not stored */
	atomic_bool is_stopping;
	int64_t bulk_ms; /* when the last transaction ended, if it was a large one */
	bool is_bloated; /* by a bulk; see rest() */
	struct behind *behind;
	struct blob_news *blobs; /* of the present transaction */
	size_t blob_count, blob_room;
	struct committed *late; /* of the present transaction: made behind a bulk */
	size_t late_count, late_room;
	bool is_late_cut;
	struct let_go_news let_go; /* of the present transaction */
	bool has_let_go;
	bool is_bulk;         /* the present transaction leaves rows for later */
	size_t bulk_messages; /* in its large transactions so far */
	int64_t bulk_began_ms, large_ms;
	int64_t behind_again_ms; /* not before: it failed */
	size_t behind_unit;      /* messages in the next transaction of it */
	atomic_int behind_state; /* enum writer_behind */
	size_t outbox_count;     /* posts that may still be taken back */
	int64_t outbox_due_ms;   /* mono: the first of them is to be signed … */
	int64_t outbox_rest_ms;  /* … but not before this: those who hold our feed speak first */
	int64_t outbox_again_ms; /* … nor this: an attempt failed */
};

static inline void writer_at(const struct writer *writer, enum writer_step step)
{
	if (writer->opts.on_step != NULL) {
		writer->opts.on_step(writer->opts.ctx, step);
	}
}

MUST_USE enum err writer_begin(struct writer *writer);
/** Flush what is remembered and COMMIT; on failure everything is rolled back. */
MUST_USE enum err writer_commit(struct writer *writer);
void writer_rollback(struct writer *writer);
/** The next commits reach the disk before they return (own messages), or when SQLite likes
 * (everything else). */
MUST_USE enum err writer_sync_full(struct writer *writer);
void writer_sync_normal(struct writer *writer);
/** A bulk takes memory; it is given back when it is over (rest() in writer.c). */
void writer_bloats(struct writer *writer);
/** Tell subscribers what the last commit stored. */
void writer_announce(struct writer *writer);

/** Judge and store one received message, in a transaction. */
MUST_USE enum err writer_append_one(struct writer *writer, const struct message *message,
	int64_t received_ms, enum append_result *result);
/** Insert a message that is the next of its feed. */
MUST_USE enum err writer_insert(struct writer *writer, const struct message *message,
	struct feed_entry *author, int64_t received_ms);
/** Show what a job brings ahead of its feed's history, in a transaction; judges it. */
MUST_USE enum err writer_ahead_one(
	struct writer *writer, struct ahead_job *job, int64_t received_ms, bool *is_refused);
/** The chain of a feed that has something ahead comes up to `message`, which may be part of that
 * (`*was_shown`), or show that it is another history's. Before the message's own rows are made. */
MUST_USE enum err writer_ahead_reached(struct writer *writer, const struct message *message,
	struct feed_entry *author, bool *was_shown);
/** Nothing is shown ahead of this feed any more. */
MUST_USE enum err writer_ahead_drop(struct writer *writer, struct feed_entry *author);
/** … nor of feeds that are no longer replicated. */
MUST_USE enum err writer_ahead_tidy(struct writer *writer);
/** People hear of it with this transaction, peers do not. */
MUST_USE enum err writer_ahead_tell(struct writer *writer, const struct committed *post);
/** CHANGE_STRAY: hold a message that came alone. */
MUST_USE enum err writer_stray_put(struct writer *writer, const struct change *change);
/** The chain comes up to `message`: what came alone under its number gives way, or is the proof of
 * another history. Before the message's own rows are made. */
MUST_USE enum err writer_stray_reached(
	struct writer *writer, const struct message *message, struct feed_entry *author);
/** Keep one proof per feed. */
MUST_USE enum err writer_keep_proof(
	struct writer *writer, struct feed_entry *author, struct span proof);

/** A transaction of so many messages begins: is it part of a bulk (writer_behind.c)? */
void writer_bulk_begins(struct writer *writer, size_t messages);
/** It has ended, and was told: time for a little of what waits. */
void writer_bulk_ends(struct writer *writer);
/** Make some of what waits; of `words` messages, or (0) of keys. False: it failed. */
bool writer_behind_some(struct writer *writer, size_t words);
/** The same, as much as may be, unless somebody waits. */
void writer_behind_turn(struct writer *writer);
/** Mono; INT64_MAX: nothing is behind. */
int64_t writer_behind_due_ms(const struct writer *writer);

/** One job that makes room, with its own transactions (writer_ceiling.c). */
void writer_let_go_one(struct writer *writer, struct let_go_job *job);
/** One publish, with its own transaction. */
void writer_publish_one(struct writer *writer, struct publish_job *job);
/** A message that was signed earlier and could not be stored is stored when it follows our head. */
MUST_USE enum err writer_clear_way(struct writer *writer);
/** Does it? */
bool writer_pending_fits(struct writer *writer);
void writer_publish_job_free(struct publish_job *job);
/** Remember which request an own message answers, in its transaction; the empty nonce is none. */
MUST_USE enum err writer_put_nonce(struct writer *writer, struct span nonce, uint64_t sequence);

/** CHANGE_EVICTED, CHANGE_AGAIN (writer_ceiling.c). */
MUST_USE enum err writer_ceiling_change(struct writer *writer, const struct change *change);
/** CHANGE_MUTE, CHANGE_PETNAME (writer_people.c). */
MUST_USE enum err writer_people_change(struct writer *writer, const struct change *change);
/** Rows about blobs (writer_blobs.c), each in a transaction. */
MUST_USE enum err writer_blob_change(struct writer *writer, const struct change *change);
MUST_USE enum err writer_blob_want(struct writer *writer, const struct blob_id *id, bool is_on);
/** The same, as the index calls it. */
MUST_USE enum err writer_blob_wanted(void *ctx, const struct blob_id *id, bool is_on);
/** An own message names it: never evicted from now on, and offered. Nothing when it is not here. */
MUST_USE enum err writer_blob_offer(struct writer *writer, const struct blob_id *id);
/** … all that a message of ours names where everybody can read it. */
MUST_USE enum err writer_blobs_offer(struct writer *writer, const struct message *message);

/** Do we block them, for all to see or in messages only we can read (store/layer)? */
bool writer_is_blocked(const struct writer *writer, const struct feed_entry *author);
/** CHANGE_PRIVATE, CHANGE_PRIVATE_MARK, CHANGE_EDGES (writer_private.c). */
MUST_USE enum err writer_private_change(struct writer *writer, const struct change *change);
/** What comes before signing: a nonce that was published (ERR_OK, `*is_published`), a pause (the
 * draft is kept), no room. */
MUST_USE enum err writer_publish_before(
	struct writer *writer, struct publish_job *job, bool *is_published);
/** Was something published under the job's nonce? Its result is filled then. */
MUST_USE enum err writer_publish_known(
	struct writer *writer, struct publish_job *job, bool *is_published);
/** The one way to sign: publish(), with a sentence for every failure. */
MUST_USE enum err writer_publish_try(struct writer *writer, struct publish_job *job);
void writer_publish_say(struct publish_job *job, enum err err);
bool writer_publish_fits(const struct publish_request *request, struct publish_result *result);
MUST_USE enum err writer_publish_fill(
	struct publish_job *job, const struct publish_request *request);

/* Posts that may still be taken back (writer_outbox.c), and what is being written
 * (writer_writing.c). */
/** Read from the table what is due when; at the start and after each change. */
MUST_USE enum err writer_outbox_look(struct writer *writer);
/** Mono; INT64_MAX: nothing waits. */
int64_t writer_outbox_due_ms(const struct writer *writer);
/** Sign the first that is due, or make drafts of all while publishing is paused. */
void writer_outbox_turn(struct writer *writer);
void writer_outbox_one(struct writer *writer, struct outbox_job *job);
/** In a transaction: it is held no longer; the empty nonce is none. */
MUST_USE enum err writer_outbox_drop(struct writer *writer, struct span nonce);
/** In a transaction: `body` (may be empty) under `name`; `*rev` is its new number. */
MUST_USE enum err writer_writing_put(
	struct writer *writer, struct span name, struct span body, uint64_t *rev);
/** Is there something under this name? */
MUST_USE enum err writer_writing_get(
	struct writer *writer, struct span name, uint64_t *rev, bool *has_body, struct buf *body);
/** … when it still has the number `rev`; ERR_EXISTS with the number it has. */
MUST_USE enum err writer_writing_change(struct writer *writer, struct outbox_job *job);

/** One change, in a transaction. */
MUST_USE enum err writer_change_one(struct writer *writer, const struct change *change);
MUST_USE enum err writer_setting_put(struct writer *writer, const char *name, struct span text);
void writer_change_job_free(struct change_job *job);

/** Compare fence and database and repair what a crash left (restore.md §4 B). ERR_OK also when
 * publishing is paused. */
MUST_USE enum err writer_check_fence(struct writer *writer);
/** After a commit: when own messages were among it, the fence follows. */
void writer_after_own(struct writer *writer);
/** At the end: the database says that the run was not cut. */
void writer_end_run(struct writer *writer);
/** … and the fence says what the database says. */
void writer_close_fence(struct writer *writer);
/** The fence as it is to be, with the intent that is still open. */
MUST_USE enum err writer_put_fence(struct writer *writer);
/** Is our message with this number the one with that key? False when there is none. */
MUST_USE enum err writer_own_key_is(
	struct writer *writer, uint64_t sequence, const struct message_id *key, bool *is_so);
/** Its key; zeros when there is none. */
MUST_USE enum err writer_own_key_at(
	struct writer *writer, uint64_t sequence, struct message_id *out);
/** Check our messages from `first` to `last`. `*bad` is the first that is missing or wrong, 0:
 * none.
 */
MUST_USE enum err writer_check_own(
	struct writer *writer, uint64_t first, uint64_t last, uint64_t *bad);
void writer_say_damage(char why[static 256], uint64_t bad);
/** Check some of the own messages that the start left; DAMAGE is signalled when one is bad. */
void writer_check_some(struct writer *writer);

/* The state (writer_guard.c). */
static inline bool writer_may_publish(const struct writer *writer)
{
	return writer->report.state == FENCE_NEW || writer->report.state == FENCE_CLEAN;
}
static inline void writer_signal(struct writer *writer, enum guard_cause cause)
{
	writer->signals.causes |= 1U << cause;
}
/** A message of ours was found under a number that holds another one, or that does not fit. */
void writer_signal_fork(struct writer *writer, uint64_t sequence, const struct message_id *ours,
	const struct message_id *theirs);
/** In a transaction, before COMMIT: what the signals make of the state. `*move` is done after the
 * COMMIT by writer_moved(). */
MUST_USE enum err writer_settle(struct writer *writer, struct move *move);
/** Write a move's rows, in a transaction. */
MUST_USE enum err writer_put_move(struct writer *writer, struct move *move);
void writer_moved(struct writer *writer, const struct move *move);
/** Something of ours was heard of elsewhere: the time without news is counted from now on. */
void writer_quiet_begins(struct writer *writer);
/** The same in a transaction of its own. */
MUST_USE enum err writer_move(struct writer *writer, struct move *move);
/** Our head changed. */
void writer_show_head(struct writer *writer);
/** Read again what publishing waits for when that changed or is due, and go on when it may. */
void writer_judge(struct writer *writer);
/** Mono; INT64_MAX: never. */
int64_t writer_guard_due_ms(const struct writer *writer);
void writer_order_one(struct writer *writer, struct order_job *job);
void writer_guard_fini(struct writer *writer);

/* Rows about our feed (writer_safety.c), each in a transaction. */
MUST_USE enum err writer_safety_change(struct writer *writer, const struct change *change);
MUST_USE enum err writer_log_put(struct writer *writer, const char *event, struct span text);
/** Keep what was to be published. `*draft` is 0 when there is no room for it. */
MUST_USE enum err writer_draft_put(
	struct writer *writer, struct span content, struct span nonce, int64_t *draft);
MUST_USE enum err writer_draft_drop(struct writer *writer, int64_t draft);
/** A message of ours came back: the draft it was published from is done with. */
MUST_USE enum err writer_draft_returned(struct writer *writer, const struct message *message);
/** Keep a message of ours that does not fit into our feed. */
MUST_USE enum err writer_branch_put(struct writer *writer, const struct message *message);
/** A pause begins: what others remembered before, up to `head`, must be said again to count. */
MUST_USE enum err writer_witnesses_renew(struct writer *writer, uint64_t head, bool is_start);
/** Does a branch we keep hold this message? */
MUST_USE enum err writer_branch_has(
	struct writer *writer, uint64_t sequence, const struct message_id *key, bool *is_so);
/** Is it of a side that the owner gave up (store/fork)? More of such a side is kept at once. */
MUST_USE enum err writer_branch_settled(
	struct writer *writer, const struct message *message, bool *is_so);
MUST_USE enum err writer_witness_put(
	struct writer *writer, struct span name, uint64_t sequence, const struct message_id *key);
/** Own messages came back: who was compared at a lower head is asked again. */
MUST_USE enum err writer_holders_reask(struct writer *writer, uint64_t head);
/** The owner accepts what is lost: nobody's memory of more keeps publishing paused. */
MUST_USE enum err writer_safety_forget(struct writer *writer);
/** Publishing goes on: that nothing can have followed where this node moved from is over. */
MUST_USE enum err writer_move_is_over(struct writer *writer);
/** Fill writer->guard's arrays. */
MUST_USE enum err writer_read_holders(struct writer *writer, struct guard_facts *out);
/** Wall: the newest sighting of a holder; 0: none. */
MUST_USE enum err writer_newest_sighting(struct writer *writer, int64_t *out);
/** Put a job into the queue and wait; a stepped writer runs it. */
MUST_USE enum err writer_wait(
	struct writer *writer, struct waiter *waiter, int64_t ms, bool *is_last);

#endif
