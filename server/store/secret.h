/**
 * store/secret: the file `secret` of a data directory: the owner's key, plain as the JavaScript
 * programs keep it (feed/key; the default), or locked with a passphrase (feed/wrap).
 *
 * It is made with O_EXCL and mode 0600 and synced with its directory; replaced whole or not at all;
 * and refused when others may read it. Texts that hold the key live in memory from sodium_malloc or
 * are wiped. Whoever writes holds the directory's lock (base/file). Any thread, one at a time.
 *
 * `why` gets one sentence on failure, which never tells anything of the key or a passphrase.
 */
#ifndef STORE_SECRET_H
#define STORE_SECRET_H

#include "feed/key.h"

/**
 * The key. ERR_NOT_FOUND: there is none. ERR_DENIED: others may read the file. ERR_LOCKED: it is
 * locked, and `passphrase` (empty: none) does not open it; opening costs time and memory
 * (feed/wrap). ERR_REFUSED: it is no secret file. ERR_IO, ERR_NOMEM.
 */
MUST_USE enum err secret_load(
	const char *dir, struct span passphrase, struct key **out, char *why, size_t why_bytes);

struct secret_facts {
	struct feed_id id;
	bool is_wrapped;
};
/** What the file tells without a passphrase. Errors as of secret_load(), but ERR_LOCKED. */
MUST_USE enum err secret_look(
	const char *dir, struct secret_facts *out, char *why, size_t why_bytes);

/** The text of a secret file, as it is, without leaving copies of it; `*out` is empty, has room for
 * LIMIT_SECRET_FILE_BYTES, and is to be wiped: buf_wipe(). Errors of file_read(). */
MUST_USE enum err secret_read_file(const char *path, struct buf *out);

/** A new file, plain; the directory is made when missing. ERR_EXISTS: there is one already, and it
 * stays. */
MUST_USE enum err secret_create(
	const char *dir, const struct key *key, char *why, size_t why_bytes);

/**
 * Write the file anew: locked with `passphrase`, or plain when that is empty. The bytes of the file
 * before it are overwritten, as far as the file system does that in place; on failure it is what it
 * was. ERR_LIMIT: the passphrase is too short or too long; ERR_REFUSED: the file is a link.
 */
MUST_USE enum err secret_rewrite(const char *dir, const struct key *key, struct span passphrase,
	char *why, size_t why_bytes);

/**
 * Another key for this directory. The secret file, the database and the fence before it are moved
 * into `DIR/replaced-<date>/`, and stay there. Nobody else may have the database open. After a
 * power cut either key is there, and never with the fence of the other.
 */
MUST_USE enum err secret_replace(
	const char *dir, const struct key *key, int64_t wall_ms, char *why, size_t why_bytes);

/** Remove what a power cut left of an unfinished rewrite. */
void secret_tidy(const char *dir);

#endif
