/**
 * store/backup: a copy of the database as it is at one moment, sealed into one file (store/bundle),
 * read back whole before it gets its name. Works beside a running node: it only reads, and holds
 * nobody up.
 *
 * In it: the database with everything the owner set and wrote (also drafts and who holds our
 * messages), and on request the secret file. Not in it: the fence, ever; sessions, because a copy
 * may fall into other hands and would open the page of a running node; the memory of witnesses,
 * because what a browser remembered when the copy was made says nothing about what came after.
 */
#ifndef STORE_BACKUP_H
#define STORE_BACKUP_H

#include "store/bundle.h"
#include "store/store.h"

enum backup_phase { BACKUP_COPYING = 0, BACKUP_SEALING, BACKUP_CHECKING };
/** "copying", "sealing", "checking": for the API. */
const char *backup_phase_text(enum backup_phase phase);

struct backup_opts {
	struct store *store; /* read-only is enough */
	const char *path;    /* where the file goes; `path`.partial on the way */
	enum bundle_kind kind;
	struct bundle_opener opener;
	struct span secret; /* text of the secret file; empty: not in it */
	int64_t room_bytes; /* that stay free on the disks beside copy and file */
	/* Now and then; false: give up (ERR_CLOSED). May be NULL. */
	bool (*on_progress)(
		void *ctx, enum backup_phase phase, uint64_t done_bytes, uint64_t total_bytes);
	void *ctx;
};

struct backup_result {
	uint64_t bytes; /* of the file */
	int64_t created_ms;
	uint64_t sequence; /* of our newest message in it; 0: none */
	struct message_id head;
	uint64_t messages;
	size_t holders;
};

/**
 * Make one. ERR_EXISTS: `path` is there already, and stays; ERR_BUSY: another one is being made of
 * this directory; ERR_DISK_FULL: it would not fit (also: looked at before anything is written);
 * ERR_DAMAGED: the copy of the database is not sound; ERR_IO, ERR_NOMEM, ERR_CLOSED. `why` gets a
 * sentence. On failure nothing is left behind; what a kill leaves is removed by the next one.
 */
MUST_USE enum err backup_write(
	const struct backup_opts *opts, struct backup_result *out, char *why, size_t why_bytes);

#endif
