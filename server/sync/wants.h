/**
 * sync/wants: blobs between peers, as ssb-blobs 1.2.2 and 2.0.1 do it (protocol/04 §5): who wants
 * which, who has it, getting and giving. server/sync/README.md says what is kith's own about it.
 *
 * Ours are the wants of the owner (`blob_wants`), told to everybody and fetched as long as it
 * takes, and what an own message names (`blob_pushes`), offered until LIMIT_BLOB_PUSHES peers have
 * it. Others' wants live in memory, within limits; we want with them (sympathy) only for peers
 * within reach, or that we dialled ourselves.
 *
 * Loop thread only; other threads call sync_blob(). Disk and database are the workers' business.
 */
#ifndef SYNC_WANTS_H
#define SYNC_WANTS_H

#include "store/blobs.h"
#include "sync/core.h"

/** Reads what the owner wants and offers, in the calling thread. `blobs` may be NULL: then nothing
 * is here, and nothing is taken. */
MUST_USE enum err wants_new(struct sync *sync, struct blobs *blobs, struct wants **out);
void wants_free(struct wants *wants);
/** What is being fetched is given up. */
void wants_stop(struct wants *wants);
/** Something was committed about blobs. */
void wants_news(struct wants *wants, const struct blob_news *news, size_t count);
/** Who is within reach, or is blocked, may have changed. */
void wants_reach_changed(struct wants *wants);

/** A connection is ready, or is over: all its calls end. */
void wants_ready(struct partner *partner);
void wants_drop(struct partner *partner);

/** What the network knows of a blob. */
void wants_look(const struct wants *wants, const struct blob_id *id, struct sync_blob *out);
struct wants_figures {
	uint64_t in, in_bytes;   /* blobs that came whole, and what came of all */
	uint64_t out, out_bytes; /* blobs and parts that were given */
	uint64_t lies;           /* that came and were not what was asked for */
	uint64_t wanted;         /* now, by us and others */
};
void wants_figures(const struct wants *wants, struct wants_figures *out);

/* Calls of peers. */
void wants_serve_wants(struct partner *partner, struct rpc_call *call, const struct json *args);
void wants_serve_changes(struct partner *partner, struct rpc_call *call, const struct json *args);
void wants_serve_has(struct partner *partner, struct rpc_call *call, const struct json *args);
void wants_serve_size(struct partner *partner, struct rpc_call *call, const struct json *args);
void wants_serve_get(struct partner *partner, struct rpc_call *call, const struct json *args);
void wants_serve_slice(struct partner *partner, struct rpc_call *call, const struct json *args);

#endif
