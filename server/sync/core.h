/**
 * sync/core: what the files of this folder share; nobody outside includes it. Everything here lives
 * on the loop thread, except `mail`, which other threads fill under its lock.
 */
#ifndef SYNC_CORE_H
#define SYNC_CORE_H

#include "base/log.h"
#include "net/dial.h"
#include "net/lan.h"
#include "net/listen.h"
#include "net/peer.h"
#include "sync/readers.h"
#include "sync/sync.h"

#include <pthread.h>

struct blobs;
struct confirm;
struct ebt;
struct fetch;
struct ingest;
struct lane;
struct missing;
struct missing_peer;
struct newest;
struct newest_peer;
struct ping;
struct reach;
struct recover;
struct replay;
struct schedule;
struct shares;
struct budget;
struct twin;
struct wants;
struct wants_peer;

/* What the author of a committed contact message says of somebody now. */
struct mail_edge {
	struct feed_id from, to;
	enum contact_edge edge;
};

/* What the writer thread left for the loop: finished append jobs and committed messages, in order.
 */
struct mail {
	struct mail *next;
	struct append_job *job;  /* or NULL: then a commit */
	struct ahead_job *ahead; /* or that */
	bool is_graph_changed;
	bool has_let_go;
	struct let_go_news let_go;
	size_t count, edge_count, blob_count;
	struct mail_edge *edges; /* behind `stored`, in the same memory */
	struct blob_news *blobs; /* … and behind these */
	struct {
		struct feed_id author;
		uint64_t sequence;
	} stored[];
};

struct history;

/* Where messages wait on their way in: for their verification, for the writer. */
enum lane_stage { LANE_RECEIVED, LANE_VERIFIED, LANE_STAGES };

/* One connection, from the dial or the accept until it is gone. */
struct partner {
	struct sync *sync;
	struct partner *next, *prev; /* in sync->partners */
	uint64_t serial;             /* never used again */
	struct peer *peer;           /* NULL while TCP is being dialled */
	struct dial *dial;
	bool is_ready, is_closing;
	bool is_dialled_by_us;
	bool is_paused;                    /* by ingest */
	size_t ingest_count, ingest_bytes; /* between socket and writer, from this connection */
	struct lane *lanes[LANE_STAGES];   /* sync/ingest_lanes'; NULL: nothing waits there */
	int64_t bad_ms;                    /* a minute began, of invalid messages */
	unsigned bad;
	struct feed_id id;      /* when ready, or when we dialled */
	struct address address; /* when we dialled */
	enum peer_via via;
	int64_t ready_ms;   /* monotonic */
	const char *reason; /* static: why we close it, for `why` */
	struct ebt *ebt;
	struct fetch *fetch;
	struct ping *ping;
	struct history *histories; /* streams the peer opened */
	struct newest_peer *newest;
	struct missing_peer *missing;
	struct wants_peer *wants;
	struct loop_timer *timer; /* until something is done about missing EBT */
	bool is_ebt_lost;         /* … by opening it again */
	struct confirm *confirm;
	struct budget *budget; /* sync/shares'; NULL until ready */
	bool has_told;         /* what it has of our own feed */
	uint64_t claimed;      /* of our own feed, as reported */
	int64_t replay_ms;     /* a minute began, of messages of ours it sent again, unasked */
	unsigned replays;
	uint64_t received;
	int64_t seen_ms; /* wall, when bytes were last told of */
	/* For the schedule: what stood when it last measured, and when messages last streamed. */
	struct {
		uint64_t received, bytes_out;
		int64_t busy_ms;
	} pace;
};

struct sync_counters {
	uint64_t messages_in, messages_out, refused, duplicates;
	int64_t last_in_ms;
	uint64_t calls_refused, handshakes_failed;
	uint64_t note_bytes_in, note_bytes_out;
	uint64_t bytes_in, bytes_out; /* of connections that are gone */
};

struct sync {
	struct loop *loop;
	const struct env *env;
	struct store *store;
	struct readers *readers;
	struct writer *writer;
	struct blobs *blobs; /* may be NULL */
	struct signer *signer;
	struct feed_id self;
	uint8_t network_key[32];
	bool has_hmac_key;
	uint8_t hmac_key[32];
	int hops_max;
	unsigned peers_max;
	void (*on_changed)(void *ctx);
	void *ctx;

	struct reach *reach;
	struct recover *recover;
	struct replay *replay;
	struct twin *twin;
	struct ingest *ingest;
	struct newest *newest;
	struct missing *missing;
	struct wants *wants;
	struct schedule *schedule;
	struct shares *shares;
	struct listener *listener;
	uint16_t port; /* of the listener; never changed after the start: any thread */
	struct lan *lan;

	struct partner *partners; /* all, newest first */
	size_t partner_count;
	struct table *ready;     /* partner by id, ready ones */
	struct table *by_serial; /* partner by its serial, all of them */
	uint64_t serial;

	struct sync_counters counters;
	struct loop_timer *changed_timer;
	int64_t changed_ms;
	bool is_changed_due;

	pthread_mutex_t mail_lock;
	struct mail *mail_first, *mail_last;
	bool is_mail_posted;
	bool is_state_due; /* the writer's state is to be looked at */

	unsigned jobs; /* worker jobs and append jobs under way: they hold pointers to us */
	bool is_stopping;
	struct loop_timer *stop_timer;
	void (*on_stopped)(void *ctx);
	void *stopped_ctx;
};

/** Something a person looks at changed: on_changed follows within 250 ms. */
void sync_changed(struct sync *sync);
/** A worker or append job began or ended; a stopping node waits for them. */
void sync_job_begins(struct sync *sync);
void sync_job_ends(struct sync *sync);
/** Any thread: give `mail` to the loop. */
void sync_mail(struct sync *sync, struct mail *mail);

static inline const uint8_t *sync_hmac(const struct sync *sync)
{
	return sync->has_hmac_key ? sync->hmac_key : NULL;
}

#endif
