/**
 * store/nightly: the node's own copies: one thread that makes a backup every
 * LIMIT_BACKUP_PERIOD_MS by the wall clock, keeps the last LIMIT_BACKUPS_KEPT, and makes others on
 * request, one at a time.
 *
 * The nightly ones are sealed with the node's key and do not hold it. They are given up, with a
 * reason in the log and in the setting `backup_error`, when less than LIMIT_BACKUP_ROOM_BYTES would
 * stay free even after older ones were dropped. While publishing is paused the good ones of before
 * stay: then one file beside them ("…-paused") is written anew each night. Every head that was
 * copied while all was well becomes the witness "backup", by number; the newest file's also when
 * the node starts, so that a database that was rolled back meets the copy that knows better. A copy
 * of before publishing last went on counts no more: what it knew was settled then.
 *
 * The same thread looks the database file over: after a run that was cut, and when a copy was found
 * damaged. What it finds is CHANGE_CHECKED.
 *
 * Names: kith-YYYYMMDD-HHMMSS.backup (UTC), with -paused, -away (asked for, with a passphrase and
 * the key in it; the last one is kept) or -move before the dot.
 */
#ifndef STORE_NIGHTLY_H
#define STORE_NIGHTLY_H

#include "feed/signer.h"
#include "store/backup.h"
#include "store/writer.h"

enum {
	NIGHTLY_NAME_BYTES = 48,
	NIGHTLY_SAID_BYTES = 256,
	NIGHTLY_FILES_MAX = 64,
};

struct nightly;

struct nightly_opts {
	struct store *store;
	struct writer *writer;
	const struct signer *signer;
	const char *dir;         /* for the files; NULL: DIR/backups. Copied; made when missing */
	bool is_by_request_only; /* no nightly ones */
	/* After a run that was cut (writer_was_cut()) the database file is looked over, so long
	 * after the start; negative: never. */
	int64_t check_after_ms;
	/* A job's phase or figures changed (at most a few times a second). Any thread. May be NULL.
	 */
	void (*on_changed)(void *ctx);
	void *ctx;
};
MUST_USE enum err nightly_start(
	const struct nightly_opts *opts, struct nightly **out, char *why, size_t why_bytes);
/** A job under way is given up, and leaves nothing. Before the writer stops. */
void nightly_stop(struct nightly *nightly);

enum nightly_kind { NIGHTLY_PLAIN = 0, NIGHTLY_AWAY, NIGHTLY_MOVE };
/**
 * Make one now. NIGHTLY_PLAIN is one like each night's; the others want a passphrase (copied, and
 * wiped when it is done) and hold the key. `*job` is its number. ERR_BUSY: one is being made or
 * waits; ERR_LIMIT: the passphrase's length; ERR_NOMEM. Any thread.
 */
MUST_USE enum err nightly_ask(
	struct nightly *nightly, enum nightly_kind kind, struct span passphrase, uint64_t *job);

struct nightly_job {
	uint64_t job; /* 0: there was none yet */
	enum nightly_kind kind;
	bool is_over;
	enum err err; /* when over */
	enum backup_phase phase;
	uint64_t done_bytes, total_bytes;
	char name[NIGHTLY_NAME_BYTES]; /* of the file, when it is there */
	char said[NIGHTLY_SAID_BYTES]; /* a sentence when it failed */
};
/** The job under way, or the last one. Any thread. */
void nightly_report(struct nightly *nightly, struct nightly_job *out);
const char *nightly_dir(const struct nightly *nightly);

/** Does this node make backups by itself? Any thread. */
bool nightly_is_by_itself(const struct nightly *nightly);
/** From its next look on. One under way is made. Any thread. */
void nightly_set_by_itself(struct nightly *nightly, bool is_by_itself);

/* What decides whether one is due; times that never were are 0. */
struct nightly_clock {
	int64_t mono_ms, wall_ms; /* now */
	int64_t first_ms;         /* mono: posts were first seen */
	int64_t failed_ms;        /* mono: the last one that failed, when none succeeded since */
	int64_t ok_ms;            /* wall: the last one that succeeded */
};
bool nightly_is_due(const struct nightly_clock *clock);

/** Is `name` one of ours, and nothing else? */
bool nightly_name_is_ours(struct span name);
struct nightly_file {
	char name[NIGHTLY_NAME_BYTES];
	int64_t at_ms; /* what its name says */
	uint64_t bytes;
};
/** The files of `dir`, newest first, at most NIGHTLY_FILES_MAX. None when it is not there. */
MUST_USE enum err nightly_list(const char *dir, struct nightly_file *files, size_t *count);
/** Remove what a killed process left half-written in `dir`. */
void nightly_tidy(const char *dir);

#endif
