/**
 * sync/sync: replication as one thing: who is connected, what is asked and served, whom to dial.
 * Starts on the loop thread; the functions marked "any thread" post to it and wait.
 */
#ifndef SYNC_SYNC_H
#define SYNC_SYNC_H

#include "net/loop.h"
#include "store/people.h"
#include "store/writer.h"
#include "wire/address.h"

struct blobs;
struct sync;

struct sync_opts {
	struct loop *loop;
	struct store *store;
	struct writer *writer;
	struct blobs *blobs; /* store/blobs; NULL: none are kept (the simulator) */
	struct signer *signer;
	const uint8_t *network_key;  /* 32 bytes, copied */
	const uint8_t *hmac_key;     /* NULL or 32 bytes */
	const char *host;            /* to listen on, numeric */
	const struct handed *handed; /* sockets that listen already; NULL: none */
	uint16_t port;
	int hops_max;
	unsigned peers_max; /* 0: LIMIT_PEERS; at most LIMIT_PEERS_MAX */
	bool is_lan_on;
	uint16_t beacon_port;
	/* Peers, states or progress changed; on the loop thread, at most every 250 ms. */
	void (*on_changed)(void *ctx);
	void *ctx;
};

MUST_USE enum err sync_start(
	const struct sync_opts *opts, struct sync **out, char *why, size_t why_bytes);
/** Loop thread: close all peers with a goodbye; `on_stopped` when the last is gone (at most 2 s).
 */
void sync_stop(struct sync *sync, void (*on_stopped)(void *ctx), void *ctx);
/** Behind the loop and the writer. False: a job of a worker was slower than the stop waits; then
 * nothing is freed, and loop, store and signer must stay as they are too. */
bool sync_free(struct sync *sync);
uint16_t sync_port(const struct sync *sync);
/** Loop thread: from now on; who is connected stays. 0: LIMIT_PEERS; at most LIMIT_PEERS_MAX. */
void sync_set_peers_max(struct sync *sync, unsigned peers_max);

/** Writer thread: messages were committed. Copies what it needs and posts to the loop. */
void sync_on_commit(struct sync *sync, const struct commit *commit);

/** Writer thread: publishing was paused or goes on (writer_guard() tells). While it is paused our
 * own feed is asked of everybody, and whoever holds it is asked to confirm its head. */
void sync_on_state(struct sync *sync);
/**
 * Any thread but the loop: wait until those who hold our feed and can be reached had a chance to
 * tell of newer messages, LIMIT_GREETING_MS after the start at the latest; at once when nobody
 * holds it. Before the first message of a run is signed.
 */
void sync_greeting(struct sync *sync);

enum peer_state { PEER_STATE_AWAY, PEER_STATE_LOOKING, PEER_STATE_DIALLING, PEER_STATE_CONNECTED };
enum peer_via { PEER_VIA_NET, PEER_VIA_LAN };

/* One person we are or could be connected with. */
struct peer_row {
	struct feed_id id;
	char address[LIMIT_ADDRESS_BYTES +
		     1]; /* "" when they dialled us and no way back is known */
	enum peer_state state;
	enum peer_via via;
	bool is_dialled_by_us;
	uint64_t bytes_in, bytes_out;
	uint64_t behind;   /* messages they say they have and we still want */
	uint64_t received; /* messages stored from them in this connection */
	int64_t seen_ms;   /* wall, 0 never */
	char why[96];      /* why not connected, short English; "" */
};
/** Any thread but the loop. `*rows` is the caller's: free(). */
MUST_USE enum err sync_peers(struct sync *sync, struct peer_row **rows, size_t *count);
/** Any thread but the loop: dial, and wait until the peer is ready or it failed (then `why` is a
 * sentence). Remembers the address when it worked. */
MUST_USE enum err sync_connect(struct sync *sync, const struct address *address, int64_t wait_ms,
	char *why, size_t why_bytes);
/** Any thread but the loop: close the connection with `id` (NULL: with all) and do not redial it by
 * itself within this run. ERR_NOT_FOUND when not connected. */
MUST_USE enum err sync_disconnect(struct sync *sync, const struct feed_id *id);
/** Any thread: an address became known (follow by key and address): dial soon. */
void sync_address_added(struct sync *sync, const struct address *address);

struct sync_figures {
	uint64_t connected, dialling;
	uint64_t messages_in, messages_out, refused, duplicates;
	uint64_t feeds;     /* replicated */
	uint64_t behind;    /* over all peers */
	int64_t last_in_ms; /* wall, when a message last arrived; 0 never */
	uint64_t calls_refused, handshakes_failed;
	uint64_t note_bytes_in, note_bytes_out; /* clock notes */
	uint64_t feeds_paused;                  /* have sent their share of today (sync/shares) */
	uint64_t peers_paused;                  /* have sent or taken their share of this hour */
	uint64_t blobs_in, blobs_out;           /* whole ones that came, calls that were answered */
	uint64_t blob_bytes_in, blob_bytes_out;
	uint64_t blob_lies;           /* came and were not what was asked for */
	uint64_t blobs_wanted;        /* now, by us and by others */
	uint64_t bytes_in, bytes_out; /* all that was said in all connections, plaintext */
	uint64_t ingest;              /* messages between socket and writer, now */
};
/** Any thread but the loop. */
MUST_USE enum err sync_figures(struct sync *sync, struct sync_figures *out);

struct sync_holder {
	struct feed_id id;
	uint64_t sequence; /* the newest message of ours it told or was seen to have */
};
/** Who has messages of our own feed, as far as heard in this run: who has most comes first. Fills
 * at most `room`. Any thread but the loop. */
MUST_USE enum err sync_holders(
	struct sync *sync, struct sync_holder *out, size_t room, size_t *count);

/* What the network knows of a blob that is wanted or offered. */
struct sync_blob {
	unsigned holders; /* connected, who say they have it; of an offered one, who have it */
	uint64_t received, bytes; /* while it comes; 0, 0: it does not */
};
/** Any thread but the loop. */
MUST_USE enum err sync_blob(struct sync *sync, const struct blob_id *id, struct sync_blob *out);

/* What came of asking for messages that a conversation speaks of. */
struct sync_missing {
	unsigned asked;  /* everybody connected … */
	unsigned cannot; /* … of whom so many do not know the question, or gave something false */
	unsigned silent; /* … and so many did not answer in time, or had no time */
	unsigned found;  /* messages that came, each verified by itself */
	unsigned blocked; /* … of which so many are by people we block: not kept */
};
/**
 * Any thread but the loop: ask everybody connected for `count` (1 … LIMIT_MISSING_ASKED) messages,
 * and hold what comes (CHANGE_STRAY). Takes LIMIT_MISSING_MS at most. ERR_LIMIT, ERR_BUSY,
 * ERR_CLOSED, ERR_TIMEOUT, ERR_NOMEM.
 */
MUST_USE enum err sync_missing(
	struct sync *sync, const struct message_id *ids, size_t count, struct sync_missing *out);

#endif
