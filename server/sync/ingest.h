/**
 * sync/ingest: received messages on their way into the store: verified in worker jobs (both cores
 * busy), appended by the writer, each feed in order. Connections have turns (sync/ingest_lanes):
 * what one sends waits for what the workers hold or the writer holds, not for another's flood.
 * Bounded by LIMIT_INGEST_MESSAGES and LIMIT_INGEST_BYTES: a peer that fills it is paused until
 * half of it is free again. Before that, one that fills all but 1/LIMIT_INGEST_SHARE of it is
 * paused alone, so that others get in. Who sends more than LIMIT_PEER_BAD_SIGNATURES invalid
 * messages a minute is closed, and not dialled for an hour; what it left behind its lies is dropped
 * unseen.
 */
#ifndef SYNC_INGEST_H
#define SYNC_INGEST_H

#include "sync/reach.h"

struct ingest;

enum ingest_verdict {
	INGEST_TAKEN,     /* on its way */
	INGEST_DUPLICATE, /* stored, or on its way from somebody */
	INGEST_PAUSED,    /* the feed has sent its share of today (sync/shares) */
	INGEST_GAP,       /* not the next one: the caller asks again from the head */
	INGEST_FAILED,    /* no memory, or we are stopping */
};

/* Why a message that was taken did not get stored. */
enum ingest_failure {
	FAILURE_INVALID,  /* its signature or shape: this peer's copy is wrong */
	FAILURE_FORKED,   /* another history of the feed than the stored one */
	FAILURE_GAP,      /* something before it failed */
	FAILURE_MACHINE,  /* disk or memory: ask again later */
	FAILURE_UNWANTED, /* the feed is no longer wanted */
};

MUST_USE enum err ingest_new(struct sync *sync, struct ingest **out);
/** Only when nothing is in flight (sync_job_ends() counted to zero). */
void ingest_free(struct ingest *ingest);
/** Give `raw` (borrowed), read as message `sequence` of `feed`, to the pipeline. */
enum ingest_verdict ingest_put(struct ingest *ingest, struct partner *from, struct feed *feed,
	uint64_t sequence, struct span raw);
/** An append job came back from the writer. */
void ingest_appended(struct ingest *ingest, struct append_job *job);
size_t ingest_count(const struct ingest *ingest);
void ingest_stop(struct ingest *ingest);

#endif
