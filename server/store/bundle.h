/**
 * store/bundle: the format of a backup: one file, encrypted and authenticated as a whole, written
 * and read in one pass with flat memory. A file that was damaged, cut, lengthened or reordered
 * anywhere is noticed, at the latest by bundle_end().
 *
 * The head, BUNDLE_HEAD_BYTES in the clear, has this form in every version (little-endian):
 *
 *   0   8  "kithback"        24  16  salt
 *   8   4  version           40  24  header of the stream
 *   12  4  lock              64  16  check of the key, so that a wrong passphrase is told
 *   16  4  argon2id passes            from damage
 *   20  4  … and KiB         80  16  BLAKE2b of everything before
 *
 * A master key comes from the passphrase (argon2id, salt) or from 32 bytes that the node's key
 * derives for BUNDLE_CONTEXT (BLAKE2b, salt); crypto_kdf makes of it the stream's key (1) and the
 * check (2). Then follows crypto_secretstream_xchacha20poly1305 in chunks of BUNDLE_CHUNK_BYTES,
 * each with the head as additional data; only the last is shorter, and it has the final tag.
 * Inside: 4 bytes length, the manifest (JSON), and the entries' bytes in the manifest's order.
 */
#ifndef STORE_BUNDLE_H
#define STORE_BUNDLE_H

#include "base/buf.h"
#include "base/env.h"
#include "base/limits.h"
#include "feed/id.h"

#define BUNDLE_CONTEXT "backup 1"

enum {
	BUNDLE_VERSION = 1,
	BUNDLE_HEAD_BYTES = 96,
	BUNDLE_CHUNK_BYTES = 64 * KIB,
	BUNDLE_TAG_BYTES = 17, /* of each chunk */
	BUNDLE_ENTRIES_MAX = 8,
	BUNDLE_NAME_BYTES = 32,
};

enum bundle_lock { BUNDLE_BY_PASSPHRASE = 1, BUNDLE_BY_KEY = 2 };

/* What seals or opens a bundle: one of the two. Borrowed. */
struct bundle_opener {
	struct span passphrase; /* 1 … LIMIT_PASSPHRASE_BYTES */
	const uint8_t *derived; /* 32 bytes: key_derive(…, BUNDLE_CONTEXT, …); or NULL */
};

enum bundle_kind { BUNDLE_BACKUP = 0, BUNDLE_MOVE };

struct bundle_holder {
	struct feed_id peer;
	uint64_t sequence; /* of ours, the highest it told or was given */
	int64_t seen_ms;
};
struct bundle_entry {
	char name[BUNDLE_NAME_BYTES]; /* "kith.db", "secret" */
	uint64_t bytes;
	uint8_t sha256[32];
};
struct bundle_manifest {
	enum bundle_kind kind;
	struct feed_id identity;
	int64_t created_ms;     /* wall */
	uint64_t sequence;      /* of our newest message in it; 0: none */
	struct message_id head; /* … and its key */
	bool was_served;        /* somebody was given, or told of, messages of ours */
	uint64_t feeds, messages, posts;
	struct bundle_holder holders[LIMIT_HOLDERS];
	size_t holder_count;
	struct bundle_entry entries[BUNDLE_ENTRIES_MAX];
	size_t entry_count;
};
/** As JSON. ERR_LIMIT, ERR_NOMEM. */
MUST_USE enum err bundle_manifest_write(const struct bundle_manifest *manifest, struct buf *out);
/** ERR_REFUSED: not one that bundle_manifest_write() wrote; ERR_NEWER; ERR_NOMEM. */
MUST_USE enum err bundle_manifest_parse(struct span text, struct bundle_manifest *out);

/* What the head says. */
struct bundle_head {
	enum bundle_lock lock;
	uint32_t passes, kib;
};
/** ERR_REFUSED: not a bundle; ERR_DAMAGED; ERR_NEWER. `why` gets a sentence. Pure. */
MUST_USE enum err bundle_head_parse(
	struct span bytes, struct bundle_head *out, char *why, size_t why_bytes);

/* Writing. */
struct bundle_writer;
/** Writes head and manifest to `fd`, which stays the caller's. ERR_IO, ERR_DISK_FULL, ERR_NOMEM
 * (argon2id wants LIMIT_BACKUP_WORK_BYTES). */
MUST_USE enum err bundle_create(int fd, const struct bundle_opener *opener, const struct env *env,
	const struct bundle_manifest *manifest, struct bundle_writer **out);
/** The entries' bytes, one after the other. */
MUST_USE enum err bundle_write(struct bundle_writer *writer, struct span bytes);
/** The end. Syncing the file is the caller's. */
MUST_USE enum err bundle_finish(struct bundle_writer *writer);
void bundle_writer_free(struct bundle_writer *writer);

/* Reading. */
struct bundle_reader;
/**
 * Reads head and manifest from `fd` (at its present place). ERR_REFUSED: not a bundle; ERR_DENIED:
 * the opener is not the right one; ERR_DAMAGED, ERR_NEWER, ERR_IO, ERR_NOMEM; `why` gets one
 * sentence.
 */
MUST_USE enum err bundle_open(int fd, const struct bundle_opener *opener,
	struct bundle_reader **out, char *why, size_t why_bytes);
const struct bundle_manifest *bundle_manifest(const struct bundle_reader *reader);
/**
 * Give the next entry's bytes to `on_bytes` (which may fail: its error is returned), then compare
 * its hash. NULL: only look. ERR_DAMAGED. What was given before an error is not to be trusted.
 */
MUST_USE enum err bundle_read_entry(struct bundle_reader *reader,
	enum err (*on_bytes)(void *ctx, struct span bytes), void *ctx);
/** All entries were read: is this the end of the file as it was written? ERR_DAMAGED. */
MUST_USE enum err bundle_end(struct bundle_reader *reader);
/** The sentence of the last failure. */
const char *bundle_why(const struct bundle_reader *reader);
/** Bytes of the file that were read so far. */
uint64_t bundle_position(const struct bundle_reader *reader);
void bundle_reader_free(struct bundle_reader *reader);

#endif
