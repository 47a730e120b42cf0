/**
 * cmd/unlock: the key of a data directory for a command that works without a node: when it is
 * locked, its passphrase comes from a file or from the terminal.
 */
#ifndef CMD_UNLOCK_H
#define CMD_UNLOCK_H

#include "feed/key.h"

/**
 * `passphrase_file` may be NULL. On failure one sentence is printed in the name of `command`.
 * Errors as of secret_load() of store/secret.
 */
MUST_USE enum err unlock_key(
	const char *command, const char *dir, const char *passphrase_file, struct key **out);
/** The same with the sentence in `why`. */
MUST_USE enum err unlock_key_why(const char *dir, const char *passphrase_file, struct key **out,
	char *why, size_t why_bytes);

#endif
