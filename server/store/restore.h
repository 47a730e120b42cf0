/**
 * store/restore: from a backup (store/backup) to a data directory. Everything is unpacked and
 * judged under another name first; a backup with anything wrong in it leaves nothing behind.
 *
 * What is restored may be older than what others hold, so nothing is signed with it before that is
 * known: no fence is written, the setting `restored_at` says when, and the next start pauses
 * publishing (restore.md §4 K). The head that the backup names is kept as a witness: of a move,
 * where nothing can follow it, with its key ("move"); of any other copy only its number ("backup"),
 * because to agree with it says nothing about posts that came after. A safety file that is found
 * in the directory is put aside, and what it knows becomes a witness ("fence").
 */
#ifndef STORE_RESTORE_H
#define STORE_RESTORE_H

#include "store/bundle.h"

struct restore_opts {
	int fd; /* the backup, from its beginning */
	struct bundle_opener opener;
	const char *dir; /* exists, without a database; the caller holds its lock */
	const struct env *env;
};

/**
 * Unpack beside the names that count. `*manifest` is what the backup says of itself; the secret
 * file's text is appended to `secret` when it is in it. ERR_EXISTS: there is a database in `dir`;
 * ERR_REFUSED, ERR_DENIED, ERR_DAMAGED, ERR_NEWER, ERR_DISK_FULL, ERR_IO, ERR_NOMEM; `why` gets a
 * sentence.
 */
MUST_USE enum err restore_unpack(const struct restore_opts *opts, struct bundle_manifest *manifest,
	struct buf *secret, char *why, size_t why_bytes);
/** Give the database its name; synced. Until then restore_undo() takes everything back. */
MUST_USE enum err restore_finish(const char *dir, char *why, size_t why_bytes);
void restore_undo(const char *dir);

#endif
