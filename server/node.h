/**
 * node: a whole running node: start order, stop order, and who tells whom. Nothing else.
 *
 * A process may live several lives: locked, until its key's passphrase came; with its key; and
 * anew when the owner brought another key. The web port, its sessions and codes are the same in
 * all.
 */
#ifndef NODE_H
#define NODE_H

#include "base/env.h"
#include "feed/key.h"

/* What a running node can be told anew. */
struct node_live {
	unsigned peers_max; /* 0: LIMIT_PEERS; at most LIMIT_PEERS_MAX */
	bool is_backup_off; /* none by itself */
};

/* What on_hangup found. */
enum node_hangup {
	NODE_HANGUP_NOTHING, /* all stays as it is */
	NODE_HANGUP_LIVE,    /* `live` counts from now on */
	NODE_HANGUP_STOP     /* it was meant as an end */
};

struct node_opts {
	const struct env *env;
	const char *dir;       /* data directory, made when missing */
	const char *host;      /* where peers connect, numeric; NULL: every address */
	uint16_t port;         /* 0: any free one */
	const char *http_host; /* NULL: loopback; this and the next two: api/place */
	const char *public_url, *trusted_proxies; /* NULL: none */
	uint16_t http_port;                       /* 0: any free one */
	const uint8_t *network_key;               /* 32 bytes */
	const uint8_t *hmac_key;                  /* NULL normally */
	int hops_max;
	struct node_live live;
	bool is_lan_on;
	uint16_t beacon_port;
	int64_t memory_max;     /* base/memory: bytes to stay below; 0: none said */
	const char *backup_dir; /* for the node's own backups; NULL: DIR/backups */
	bool is_caged;          /* confine the process (cage.h), for good */
	const char *conf_path;  /* a file that is read again on SIGHUP; NULL: none */
	const char *web_dir;    /* serve the page from here; NULL: from the program */
	struct key *key; /* of a locked secret file, which was opened already; taken over. NULL: the
			    node opens the file, or waits for its passphrase */
	/* SIGHUP came: read again what may be read again. The keeper's thread. NULL: nothing is. */
	enum node_hangup (*on_hangup)(void *ctx, struct node_live *live);
	/* Once, when everything is up: the link with its one-time code. Loop thread. */
	void (*on_ready)(void *ctx, const char *link, const char *address);
	/* The key is locked: the node waits at this page. */
	void (*on_locked)(void *ctx, const char *link);
	void *ctx;
};

/** Run until SIGINT or SIGTERM. `why` gets a sentence when the node could not start. */
MUST_USE enum err node_run(const struct node_opts *opts, char *why, size_t why_bytes);

#endif
