/**
 * api/api: what the browser and the command line see, started and stopped as one. The wire form is
 * in server/API.md.
 */
#ifndef API_API_H
#define API_API_H

#include "base/buf.h"
#include "store/writer.h"
#include "sync/sync.h"

#include <stdatomic.h>

struct api;
struct blobs;
struct ceiling;
struct nightly;
struct private_book;
struct bind_doors;
struct sessions;

/* Why a node goes on with another key than the one in use. */
enum api_key { API_KEY_UNLOCKED, API_KEY_REPLACED };

/* A start that takes its time: how far it has come. Written by whoever starts, read by the http
 * threads. */
struct api_starting {
	atomic_bool is_migrating; /* else something else is done */
	atomic_int done;          /* of API_STARTING_OF */
};
enum { API_STARTING_OF = 1000 };

struct api_opts {
	const struct env *env;
	/* The key waits for its passphrase: no store, no writer, no sync; only the page's files,
	 * POST /api/session and POST /api/unlock are served, the rest answers 423. */
	bool is_locked;
	/* The node is on its way: nothing of it is there yet (is_locked is true as well), and
	 * everything but the page's files answers 503. NULL: it is there. Borrowed. */
	const struct api_starting *starting;
	const char *dir; /* data directory, when it is locked; borrowed */
	struct store *store;
	struct writer *writer;
	struct blobs *blobs;
	struct ceiling *ceiling;     /* NULL: no node runs */
	struct sync *sync;           /* NULL: no node is running (a command on a stopped node) */
	struct nightly *nightly;     /* NULL: no backups are made */
	const struct signer *signer; /* NULL: the key's words are not told */
	struct private_book *book;   /* NULL: nothing private is known */
	bool is_book_stepped;        /* it has no thread: whoever asks does its work */
	struct feed_id self;
	/* Of api/place; borrowed for the start. A host beyond loopback needs `doors`, which were
	 * opened by somebody who asked place_may_open(). */
	const char *http_host; /* NULL: loopback, both families */
	const char *public_url, *trusted_proxies;
	uint16_t http_port;      /* 0: any free one */
	const char *socket_path; /* Unix socket for the command line; NULL: none */
	/* Sockets that listen already, instead of the three above; they stay the caller's. NULL
	 * normally. */
	const struct bind_doors *doors;
	struct sessions *sessions; /* the caller's, to outlive this api; NULL: its own */
	/* The owner opened the locked key, or brought another one: stop this api and start again
	 * with it. Takes `key` over; soon after the answer is on its way. Any thread. NULL: no node
	 * is running. */
	void (*on_key)(void *ctx, struct key *key, enum api_key why);
	void *ctx;
	const char
		*web_dir; /* serve the page from here instead of from the program; NULL normally */
	const char *peer_host; /* what sync listens on, to tell our own address; NULL or a wildcard:
				  this machine's addresses are told */
};

/** Everything on; `why` gets a sentence on failure. */
MUST_USE enum err api_start(
	const struct api_opts *opts, struct api **out, char *why, size_t why_bytes);
/**
 * Quiesce, close WebSockets, stop. Not on one of its own threads, and not on the loop thread:
 * requests under way may be waiting for the loop, which must still run.
 */
void api_stop(struct api *api);
/** Is no request being served for so long that its thread hangs (LIMIT_SERVING_MS)? Any thread. */
bool api_is_well(struct api *api);
uint16_t api_port(const struct api *api);

/** A fresh one-time code for the first page, valid for 10 minutes or until used. */
void api_new_code(struct api *api, char code[static 33]);

/** Writer thread: messages were committed. Loop thread: peers changed. Writer thread: publishing
 * was paused or goes on, or waits for something else. All only queue. */
void api_on_commit(struct api *api, const struct commit *commit);
void api_on_sync_changed(struct api *api);
void api_on_state(struct api *api);
/** Writer thread: something became of a post that may be taken back. */
void api_on_outbox(struct api *api, const struct outbox_news *news);
/** The book's thread: private words came, or were found. Only queues. */
struct private_news;
void api_on_private(struct api *api, const struct private_news *news);

/**
 * Answer one request as the owner, without a socket: what commands use when no node runs. `*status`
 * is the HTTP status; the JSON answer is appended to `out`. An api started with neither http nor
 * socket (api_start_local) serves only this.
 */
MUST_USE enum err api_start_local(const struct api_opts *opts, struct api **out);
MUST_USE enum err api_request(struct api *api, const char *method, const char *target,
	struct span body, unsigned *status, struct buf *out);

#endif
