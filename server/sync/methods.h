/**
 * sync/methods: what a peer may call: one table; the manifest is printed from it.
 */
#ifndef SYNC_METHODS_H
#define SYNC_METHODS_H

#include "sync/core.h"

/** A peer opened a call: serve or refuse it. */
void methods_call(struct partner *partner, struct rpc_call *call, const char *name,
	enum rpc_kind kind, const struct json *args);
/** Append the manifest as JSON. */
MUST_USE enum err methods_manifest(struct buf *out);
#endif
