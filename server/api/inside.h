/**
 * api/inside: what the parts of api/ share with each other, and with nobody else.
 */
#ifndef API_INSIDE_H
#define API_INSIDE_H

#include "api/api.h"
#include "api/events.h"
#include "api/live.h"
#include "api/meter.h"
#include "api/place.h"
#include "api/serve.h"
#include "store/reader.h"

#include <pthread.h>
#include <stdatomic.h>

struct api {
	struct api_opts opts;
	char *socket_path, *peer_host;
	struct sessions *sessions;
	struct place place;
	struct bind_doors own_doors; /* when opts.doors is NULL */
	struct events *events;
	struct page *page;
	struct http *http;
	struct live *live;
	struct watch *watch;
	struct meter meter;
	struct { /* what the disk was spent on when that was counted last (api/metrics) */
		pthread_mutex_t lock;
		struct ceiling_usage *usage; /* NULL: never */
		int64_t at_ms;
	} disk;
	int64_t started_ms;     /* monotonic */
	atomic_bool is_greeted; /* sync_greeting() was waited for */
	/* Under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_open; /* everything is up: requests are served */
	bool is_stopping;
	atomic_uint uploads, unsealed; /* blobs on their way in; encrypted ones in memory */
	unsigned slow_count;           /* threads with a slow request */
	unsigned trying_count;         /* of them: with a passphrase, waiting for `trying` too */
	pthread_mutex_t trying;        /* held while a secret is tried: one argon2 at a time */
	pthread_mutex_t deciding;      /* held while a private mark is read and written */
	atomic_bool is_private_new;    /* what is unread of private words is to be counted again */
	atomic_uint private_unread;    /* as of then */
};

/** The name of the cookie of a session, as it is asked for here. */
void inside_cookie_name(const struct api *api, const struct exchange *exchange,
	char out[static PLACE_COOKIE_BYTES]);
/** Give the browser this cookie; for `max_age_s` 0: take it away. Behind answer_json(). */
void inside_set_cookie(
	const struct api *api, struct exchange *exchange, const char *value, long long max_age_s);
/** Are cookie and token of this request a session's? `exchange->session` is it then. */
bool inside_is_in(struct api *api, struct exchange *exchange);

/** A passphrase or password is about to be tried: waits for its turn, one works at a time;
 * inside_end_try() gives it on. False: answered. */
bool inside_begin_try(struct api *api, struct exchange *exchange);
void inside_end_try(struct api *api);
/** It was wrong. */
void inside_try_failed(struct api *api, const struct exchange *exchange);

/** Pages are told that there is another device, or one less, or another name. */
void inside_tell_devices(struct api *api);

/** Where the node keeps its files, also while its key is locked. */
const char *inside_dir(const struct api *api);

/** The calling thread's reader; on NULL the answer is already an error. */
struct reader *inside_reader(struct call *call);

#endif
