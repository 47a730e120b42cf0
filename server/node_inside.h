/**
 * node, inside: what node.c and node_watch.c share.
 */
#ifndef NODE_INSIDE_H
#define NODE_INSIDE_H

#include "node.h"

#include "api/api.h"
#include "api/bind.h"
#include "api/knock.h"
#include "api/place.h"
#include "base/handed.h"
#include "cage.h"
#include "keeper.h"

#include <pthread.h>

struct node {
	const struct node_opts *opts;
	struct keeper *keeper;
	int lock;
	struct place place;
	struct handed handed;
	struct bind_doors doors;
	struct knock knock; /* at these */
	struct cage cage;
	struct sessions *sessions;
	uint16_t port;         /* for peers: the same in every life */
	struct node_live live; /* under `tell` */
	/* The key of the life that comes, under `tell`; NULL: this one is the last. */
	struct key *next_key;
	bool is_replacing; /* it takes the place of another */
	bool is_over;      /* a signal came: there is no next life */
	/* A start that takes its time: what answers at the doors meanwhile. */
	struct api_starting starting;
	struct api *lobby;
	/* Of this life. */
	bool is_stopping; /* loop thread */
	bool is_alive;    /* under `tell`: loop, writer and web answer; the keeper may ask them */
	bool is_locked;
	struct feed_id self;
	struct signer *signer;
	struct store *store;
	struct writer *writer;
	struct blobs *blobs;
	struct ceiling *ceiling;
	struct nightly *nightly;
	struct loop *loop;
	pthread_mutex_t tell; /* held while somebody is told, so that nobody is freed meanwhile */
	struct private_book *book;
	struct sync *sync;
	struct api *api;
};

/** Loop thread: this life ends. */
void node_end_life(void *ctx);
/** Any thread: the same, soon. */
void node_end_life_soon(struct node *node);
/** A key for the next life, taken over; NULL: there is none, and none comes later. */
void node_set_next_key(struct node *node, struct key *key, bool is_replacing);
/** A signal came. */
bool node_is_over(struct node *node);

/** keeper_start() is the caller's. */
MUST_USE enum err node_make_keeper(struct node *node, char *why, size_t why_bytes);
/** For store_opts: opens the lobby when a migration is under way. */
bool node_on_progress(void *ctx, int per_mille);
void node_close_lobby(struct node *node);
/** Everything is up: the loop runs, and is watched, until the life ends. */
void node_run_life(struct node *node, const char *status);

#endif
