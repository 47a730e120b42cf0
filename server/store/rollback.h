/**
 * store/rollback: one version back: the copy that a migration made (store/migrate) in place of the
 * database. What is there now is kept aside, under another name in the same directory.
 *
 * The fence stays, and knows that the database it meets is an older one: the next start pauses
 * publishing (restore.md §4 B), and messages of ours that were made since come back from others.
 */
#ifndef STORE_ROLLBACK_H
#define STORE_ROLLBACK_H

#include "base/env.h"
#include "base/err.h"

enum { ROLLBACK_NAME_BYTES = 64, ROLLBACK_COPIES_MAX = 64 };

struct rollback_copy {
	char name[ROLLBACK_NAME_BYTES]; /* below DIR/snapshots */
	int64_t version;                /* of the schema */
	int64_t at_ms;                  /* wall: when it was made */
	uint64_t bytes;
};
/** Newest first, at most ROLLBACK_COPIES_MAX. None when there is no such folder. */
MUST_USE enum err rollback_list(const char *dir, struct rollback_copy *copies, size_t *count);

struct rollback_result {
	struct rollback_copy copy;       /* what was put in place */
	int64_t version;                 /* of what was there; 0: it cannot be read */
	char aside[ROLLBACK_NAME_BYTES]; /* its name now, below `dir`; "" there was none */
};
/**
 * Put the newest copy of an earlier version than the database's in its place. The caller holds the
 * directory's lock. ERR_NOT_FOUND: there is no such copy; ERR_NEWER: it needs a newer kith too;
 * ERR_DAMAGED: it is not sound; ERR_DISK_FULL, ERR_IO, ERR_NOMEM; `why` gets a sentence, and
 * nothing was changed.
 */
MUST_USE enum err rollback_run(const char *dir, const struct env *env, struct rollback_result *out,
	char *why, size_t why_bytes);

#endif
