/**
 * store/fence, inside: the file beside the database that stops a restored or half-written copy from
 * forking our feed (restore.md §3). Never part of a backup.
 *
 * Format (`DIR/fence`, little-endian numbers, two slots of FENCE_SLOT_BYTES; the valid slot with
 * the higher generation counts):
 *
 *   0   8  "kithfen1"          96  32  key of the head
 *   8   8  generation          128  8  sequence of the intent; 0: none
 *   16 32  identity            136 32  key of the intent
 *   48 16  install id          168 32  hash of the machine id
 *   64  8  epoch               200  8  device of the data directory
 *   72  4  state               208  8  its inode
 *   76  4  bytes of the intent 216  8  received time of the intent, ms
 *   80  8  sequence of head    224  …  the intent: one complete signed message, compact
 *   88  8  bytes of its nonce  then  …  its nonce (store/writer.h), then 32  SHA-256 of
 *                                       everything before
 */
#ifndef STORE_FENCE_H
#define STORE_FENCE_H

#include "base/buf.h"
#include "base/env.h"
#include "feed/id.h"

enum {
	FENCE_SLOT_BYTES = 64 * 1024,
	FENCE_INTENT_BYTES_MAX = 60 * 1024,
	FENCE_NONCE_BYTES_MAX = 64
};

enum fence_state {
	FENCE_NEW = 0,
	FENCE_CLEAN,
	FENCE_SUSPECT,
	FENCE_FORKED,
	FENCE_RETIRED,
	FENCE_STATE_COUNT
};

struct fence_facts {
	struct feed_id identity;
	uint8_t install[16];
	uint64_t epoch;
	enum fence_state state;
	uint8_t cause;     /* of the state: enum guard_cause */
	uint64_t sequence; /* of our newest message as far as the fence knows; 0: none */
	struct message_id head;
	uint64_t intent_sequence; /* 0: no intent */
	struct message_id intent_key;
	int64_t intent_received_ms;
	uint8_t intent_nonce[FENCE_NONCE_BYTES_MAX]; /* with it the same request gets the same
							answer */
	size_t intent_nonce_len;
	uint8_t machine[32];
	uint64_t device, inode;
};

struct fence;

/** ERR_NOT_FOUND: there is no file. ERR_REFUSED: neither slot is whole. ERR_IO, ERR_NOMEM. */
MUST_USE enum err fence_open_in(const char *vfs, const char *path, struct fence **out);
/** Make the file at its full size (later writes need no room) with `facts` and no intent, synced
 * with its directory. ERR_EXISTS, ERR_DISK_FULL, ERR_IO, ERR_NOMEM. */
MUST_USE enum err fence_create_in(
	const char *vfs, const char *path, const struct fence_facts *facts, struct fence **out);
/** Through the VFS of that name (store_opts.vfs); these are for the system's. */
MUST_USE static inline enum err fence_open(const char *path, struct fence **out)
{
	return fence_open_in(NULL, path, out);
}
MUST_USE static inline enum err fence_create(
	const char *path, const struct fence_facts *facts, struct fence **out)
{
	return fence_create_in(NULL, path, facts, out);
}
/**
 * For whoever makes a new random key in `dir`, and nobody else: a fence in state NEW says that this
 * key has never signed anything. Without it the first start waits as after a restore. ERR_EXISTS,
 * ERR_DISK_FULL, ERR_IO, ERR_NOMEM.
 */
MUST_USE enum err fence_make_new(
	const char *vfs, const char *dir, const struct feed_id *identity, const struct env *env);
void fence_close(struct fence *fence);

const struct fence_facts *fence_facts(const struct fence *fence);
/** The open intent's bytes, borrowed until the next write; empty when there is none. */
struct span fence_intent(const struct fence *fence);

/**
 * Write new facts and an intent into the older slot, and sync. On failure the file still says what
 * it said. `intent` at most FENCE_INTENT_BYTES_MAX. There is no lazy write: with one, a power cut
 * during the write after it could tear both slots. ERR_LIMIT, ERR_IO, ERR_DISK_FULL.
 */
MUST_USE enum err fence_write(
	struct fence *fence, const struct fence_facts *facts, struct span intent);

/** "NEW", "CLEAN", … */
const char *fence_state_text(enum fence_state state);

#endif
