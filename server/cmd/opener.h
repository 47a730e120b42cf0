/**
 * cmd/opener: what seals or opens a backup, as a person has it: a passphrase (typed without echo,
 * or in a file), the key of a data directory, a secret file, words. Secrets are in memory from
 * sodium_malloc and wiped when freed.
 */
#ifndef CMD_OPENER_H
#define CMD_OPENER_H

#include "cmd/ask.h"
#include "feed/key.h"
#include "store/bundle.h"

struct opener {
	struct ask *passphrase; /* NULL: none */
	uint8_t *derived;       /* NULL: none */
	struct key *key;        /* the one `derived` comes from; NULL: none */
	struct bundle_opener is;
};

/** A new passphrase: from `file` (may be NULL), or typed twice on a terminal. ERR_NOT_FOUND: nobody
 * can be asked, or, when `may_be_none`, the answer was empty. On any other failure it was said why
 * in the name of `command`. */
MUST_USE enum err opener_make_passphrase(
	const char *command, const char *file, bool may_be_none, struct opener *out);
/** A passphrase that was given once. On failure it was said why. */
MUST_USE enum err opener_ask_passphrase(const char *command, const char *file, struct opener *out);
/** By a key, which is taken over also on failure. On failure it was said why. */
MUST_USE enum err opener_by_key(const char *command, struct key *key, struct opener *out);
/** The key of a secret file that is not locked, or of words from standard input (`file` NULL). On
 * failure it was said why. */
MUST_USE enum err opener_read_key(const char *command, const char *file, struct key **out);
/** The key of a secret file, locked or not; its passphrase is in `passphrase_file`, or asked for
 * when that is NULL. On failure it was said why. */
MUST_USE enum err opener_read_secret(
	const char *command, const char *file, const char *passphrase_file, struct key **out);
/** The same of a data directory; ERR_NOT_FOUND, of which nothing was said: there is none. */
MUST_USE enum err opener_own_key(
	const char *command, const char *data, const char *passphrase_file, struct key **out);
void opener_fini(struct opener *opener);

#endif
