/**
 * tests/lib/api_rig: a whole api/ over a store in a directory of its own, and clients that speak to
 * it in raw bytes.
 */
#ifndef TESTS_LIB_API_RIG_H
#define TESTS_LIB_API_RIG_H

#include "api/api.h"

#include "store/blobs.h"
#include "store/reader.h"

#include <jansson.h>

struct api_rig {
	char dir[64];
	char socket_path[96];
	uint8_t seed[32]; /* of its key, for another node with it */
	struct signer *signer;
	struct store *store;
	struct writer *writer;
	struct blobs *blobs;
	struct nightly *nightly;
	struct private_book *book;
	struct api *api;
	struct feed_id self;
	uint16_t port;
	char cookie[64]; /* "kith-PORT=…" */
	char token[64];
	/* Of api_rig_start_at(). */
	const char *public_url, *trusted_proxies, *base;
	/* What api_opts.on_key was given last; the rig's. It goes on as it was. */
	struct key *next_key;
	enum api_key next_why;
};

struct api_reply {
	unsigned status; /* 0: nothing came */
	char *text;      /* all of it */
	size_t len;
	const char *body; /* in `text` */
	json_t *json;     /* the body, when it is JSON */
};

/* Time of the api under test: the real one and what the test adds. */
void api_rig_advance(int64_t ms);
const struct env *api_rig_env(void);

/** Everything on, with an open session. `web_dir` may be NULL. */
void api_rig_start(struct api_rig *rig, const char *web_dir);
/** The same behind a public-url, whose path is `base` ("" none). */
void api_rig_start_at(
	struct api_rig *rig, const char *public_url, const char *base, const char *trusted_proxies);
/** The same over the same directory once more; the session's cookie and token are kept. */
void api_rig_restart(struct api_rig *rig);
void api_rig_stop(struct api_rig *rig);

int api_rig_connect(const struct api_rig *rig);
int api_rig_connect_unix(const struct api_rig *rig);
void api_rig_send(int fd, const void *bytes, size_t len);
/** All until the other side closes, at most 10 s. */
void api_rig_read_reply(int fd, struct api_reply *reply);

/** Send `text` as it is; read until it closes. */
void api_rig_raw(const struct api_rig *rig, const char *text, struct api_reply *reply);
/** A request as the page makes it. `body` NULL: none. `extra` is more header lines, each with CRLF,
 * or "". */
void api_rig_ask(const struct api_rig *rig, const char *method, const char *target,
	const char *body, const char *extra, struct api_reply *reply);
/** The same as the owner, over the Unix socket. */
void api_rig_ask_owner(const struct api_rig *rig, const char *method, const char *target,
	const char *body, struct api_reply *reply);
void api_reply_fini(struct api_reply *reply);
/** The text at a path of members like "error.code"; "" when it is absent. */
const char *api_reply_text(const struct api_reply *reply, const char *path);

#endif
