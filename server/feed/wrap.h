/**
 * feed/wrap: a key locked with a passphrase: the text of the file `secret` of a node whose owner
 * chose that. An own format, because the JavaScript programs have none; theirs (feed/key) stays the
 * default, and this one is for kith alone.
 *
 *   kith locked secret 1
 *   # … three fixed lines for whoever opens the file
 *   id: @….ed25519                    public, so that the node knows itself while it is locked
 *   argon2id: 65536 KiB, 3 passes
 *   salt: base64 of 16 bytes
 *   nonce: base64 of 24 bytes
 *   sealed: base64 of 48 bytes        the 32 bytes of the seed, by XChaCha20-Poly1305
 *
 * Each line ends in one line break and nothing stands behind the last. The key of the seal is
 * argon2id of the passphrase; everything above the line `sealed` is authenticated with it, so that
 * no line can be exchanged. The text is canonical: one file has one spelling.
 *
 * Cost: 64 MiB and 3 passes, the memory of RFC 9106's second recommendation. More memory would be
 * better against guessing, but a node on a Raspberry Pi with 512 MB keeps some 100 MB for itself
 * and its pages while it changes a passphrase, and libsodium's next step, 256 MiB, would push those
 * out or fail; it takes about 2 s there, and 0.2 s on a desk.
 */
#ifndef FEED_WRAP_H
#define FEED_WRAP_H

#include "base/limits.h"
#include "feed/key.h"

struct wrap_cost {
	uint32_t memory_kib; /* LIMIT_WRAP_MEMORY_KIB_MIN … LIMIT_WRAP_MEMORY_KIB */
	uint32_t passes;     /* 1 … LIMIT_WRAP_PASSES */
};
extern const struct wrap_cost wrap_cost_usual;

/** Does `text` begin as such a file? */
bool wrap_is(struct span text);
/** Whose key it is, without the passphrase. ERR_REFUSED with `*why` (static): it is no such file.
 */
MUST_USE enum err wrap_read_id(struct span text, struct feed_id *out, const char **why);
/**
 * Lock `key` with `passphrase` (bytes as they were typed, LIMIT_PASSPHRASE_BYTES_MIN …
 * LIMIT_PASSPHRASE_BYTES, else ERR_LIMIT) and append the text. Takes the time and the memory of
 * `cost`. ERR_NOMEM.
 */
MUST_USE enum err wrap_lock(const struct key *key, struct span passphrase,
	const struct wrap_cost *cost, struct buf *out);
/**
 * ERR_DENIED: another passphrase (or a file that was changed). ERR_REFUSED: it is no such file, or
 * asks for a cost beyond the limits. ERR_NOMEM: also when there is no memory for the passphrase's
 * hash. `*why` is static.
 */
MUST_USE enum err wrap_unlock(
	struct span text, struct span passphrase, struct key **out, const char **why);

#endif
