/**
 * store/writer, inside: what its files share. writer.c: thread, queue, batches. writer_append.c:
 * one received message. writer_publish.c: one own message. writer_change.c: small facts.
 * writer_start.c: what the fence says at the start.
 */
#ifndef STORE_WRITER_INSIDE_H
#define STORE_WRITER_INSIDE_H

#include "base/inbox.h"
#include "base/limits.h"
#include "store/fence.h"
#include "store/index.h"
#include "store/inside.h"
#include "store/writer.h"

#include <pthread.h>

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

enum job_kind { JOB_APPEND, JOB_PUBLISH, JOB_CHANGE };

struct publish_job {
	struct buf content;
	uint8_t nonce[FENCE_NONCE_BYTES_MAX];
	size_t nonce_len;
	uint64_t if_head;
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

struct job {
	enum job_kind kind;
	union {
		struct append_job *append;
		struct publish_job *publish;
		struct change_job *change;
	};
};

enum {
	BATCH_MESSAGES = 2000,
	BATCH_JOBS = LIMIT_WRITER_JOBS,
	BULK_MESSAGES = 32, /* in one transaction: then more is likely to come soon */
	BULK_PAUSE_MS = 100,
	GATHER_MESSAGES = 512, /* to wait for, but only so long: */
	GATHER_MS = 50,
	REST_MS = 2000, /* of quiet after a bulk, then its memory is given back */
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
	struct committed *committed; /* of the present transaction */
	size_t committed_count, committed_room;
	bool is_graph_changed;
	bool has_own; /* an own message among them */
	pthread_mutex_t state_lock;
	enum fence_state state;
	char why[160];
	bool became_forked; /* in the present transaction */
	int64_t bulk_ms;    /* when the last transaction ended, if it was a large one */
	bool is_bloated;    /* by a bulk; see rest() */
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
/** Tell subscribers what the last commit stored. */
void writer_announce(struct writer *writer);

/** Judge and store one received message, in a transaction. */
MUST_USE enum err writer_append_one(struct writer *writer, const struct message *message,
	int64_t received_ms, enum append_result *result);
/** Insert a message that is the next of its feed. */
MUST_USE enum err writer_insert(struct writer *writer, const struct message *message,
	struct feed_entry *author, int64_t received_ms);
/** Keep one proof per feed. */
MUST_USE enum err writer_keep_proof(
	struct writer *writer, struct feed_entry *author, struct span proof);

/** One publish, with its own transaction. */
void writer_publish_one(struct writer *writer, struct publish_job *job);
void writer_publish_job_free(struct publish_job *job);
/** Remember which request an own message answers, in its transaction; the empty nonce is none. */
MUST_USE enum err writer_put_nonce(struct writer *writer, struct span nonce, uint64_t sequence);

/** One change, in a transaction. */
MUST_USE enum err writer_change_one(struct writer *writer, const struct change *change);
MUST_USE enum err writer_setting_put(struct writer *writer, const char *name, struct span text);
void writer_change_job_free(struct change_job *job);

/** Compare fence and database and repair what a crash left (restore.md §4 B). ERR_OK also when
 * publishing is paused. */
MUST_USE enum err writer_check_fence(struct writer *writer);
/** After a commit of received messages: when own ones were among them, the fence follows; when they
 * prove a fork of ours, publishing stops. */
void writer_after_own(struct writer *writer);
/** At the end: the fence says what the database says. */
void writer_close_fence(struct writer *writer);
void writer_set_state(struct writer *writer, enum fence_state state, const char *why);

#endif
