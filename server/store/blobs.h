/**
 * store/blobs: pictures, sound and files, each a file named by its SHA-256 below `DIR/blobs/`, and
 * a row in the table `blobs`.
 *
 * A blob is here when it has a row. Its file was written under another name, hashed meanwhile,
 * synced, renamed and its folder synced before the row was written, so what is served is whole,
 * whenever the process died. What a kill leaves (a file under another name, a file without a row, a
 * row without a file) is put right behind the start: a file without a row is hashed before it
 * counts; what the owner had and is gone is wanted again.
 *
 * Everything here may wait for the disk: any thread but the loop and the writer. What asks about
 * rows takes a reader of its thread. What changed is told in `struct commit` (store/writer), as
 * `blobs`, after it was committed: what came, what is gone, what the owner wants, what is to be
 * offered.
 *
 * Source: protocol/04 §5; limits: base/limits.h, "Blobs".
 */
#ifndef STORE_BLOBS_H
#define STORE_BLOBS_H

#include "store/reader.h"
#include "store/writer.h"

struct blobs;

/** After the writer; also looks, in a thread of its own, for what a kill left. ERR_IO: `DIR/blobs/`
 * cannot be made or opened; ERR_DISK_FULL, ERR_NOMEM. */
MUST_USE enum err blobs_start(struct store *store, struct writer *writer, struct blobs **out);
/** Before the writer stops: from now on nothing changes any more (ERR_CLOSED); what is read can be
 * read on. NULL is fine. */
void blobs_stop(struct blobs *blobs);
/** After that, when everything that was begun is finished or aborted. NULL is fine. */
void blobs_free(struct blobs *blobs);
/** Wait until what a kill left is put right (tests, and commands that need it). */
void blobs_settled(struct blobs *blobs);

enum { BLOB_TYPE_BYTES = 32 };
struct blob_row {
	struct blob_id id;
	uint64_t bytes;
	int64_t at_ms, used_ms; /* wall */
	enum blob_keep keep;
	char type[BLOB_TYPE_BYTES]; /* "image/png", as its first bytes say (feed/sniff); "": to be
				       shown nowhere */
};

/* --- In: begin, write, then finish or abort. One thread at a time. --- */

struct blob_in;
struct blob_in_opts {
	const struct blob_id *expected; /* NULL: whatever its hash will be. Copied */
	uint64_t bytes_max;             /* at most so many; 0: what LIMIT_BLOB_BYTES allows */
	/* What comes because the owner wants it (it stands in `blob_wants`) is BLOB_READ, and what
	 * an own message names BLOB_OWN, without being told here. */
	enum blob_keep keep;
	bool is_draft; /* for something that is being written; see blobs_uploads() */
};
/** ERR_DISK_FULL: less is free than LIMIT_DISK_FREE_BLOBS_BYTES (of BLOB_OWN:
 * LIMIT_DISK_FREE_OWN_BYTES); ERR_IO, ERR_NOMEM. */
MUST_USE enum err blobs_begin(
	struct blobs *blobs, const struct blob_in_opts *opts, struct blob_in **out);
/** ERR_LIMIT: it is over `bytes_max`, or not shorter than LIMIT_BLOB_BYTES; ERR_DISK_FULL, ERR_IO.
 * After an error only blob_in_abort() is left. */
MUST_USE enum err blob_in_write(struct blob_in *in, struct span bytes);
/**
 * Synced, named, its row committed; `*out` (may be NULL) is the row as it is put. What is there
 * already is put again, and nothing is told but that the owner did (BLOB_OWN). `in` is freed in any
 * case; on an error nothing is left. ERR_REFUSED: its hash is not the expected one, or it is empty;
 * ERR_DISK_FULL, ERR_IO, ERR_BUSY, ERR_CLOSED, ERR_TIMEOUT (the row may still be written).
 */
MUST_USE enum err blob_in_finish(struct blob_in *in, struct blob_row *out);
/** Nothing is left. NULL is fine. */
void blob_in_abort(struct blob_in *in);

/* --- Out. --- */

struct blob_out;
/** Open for reading, with its row. It can be read to its end also when it is removed meanwhile.
 * ERR_NOT_FOUND (no row, or its file is gone or has another length: then it is put right). */
MUST_USE enum err blobs_read(struct blobs *blobs, struct reader *reader, const struct blob_id *id,
	struct blob_row *row, struct blob_out **out);
/** `*got` bytes from `at` on: all of `room` but at the end; 0: behind it. ERR_IO. Any thread. */
MUST_USE enum err blob_out_read(
	const struct blob_out *out, uint64_t at, uint8_t *into, size_t room, size_t *got);
/** Its descriptor, the caller's from now on, for who sends it in one piece; `out` is freed. */
MUST_USE int blob_out_take_fd(struct blob_out *out);
/** NULL is fine. */
void blob_out_close(struct blob_out *out);

/** What is known of it: has and size. ERR_NOT_FOUND: it is not here. */
MUST_USE enum err blobs_look(struct reader *reader, const struct blob_id *id, struct blob_row *out);
/** Rows in the order of their ids, behind `after` (NULL: from the first), until `on_row` returns
 * false. */
MUST_USE enum err blobs_list(struct reader *reader, const struct blob_id *after,
	bool (*on_row)(void *ctx, const struct blob_row *row), void *ctx);
/** Those that are kept so, the longest unused first, until `on_row` returns false: what goes first.
 */
MUST_USE enum err blobs_unused(struct reader *reader, enum blob_keep keep,
	bool (*on_row)(void *ctx, const struct blob_row *row), void *ctx);

struct blob_sums {
	uint64_t count[BLOB_OWN + 1], bytes[BLOB_OWN + 1]; /* by enum blob_keep */
};
MUST_USE enum err blobs_sum(struct reader *reader, struct blob_sums *out);

/* --- Wants and pushes of the owner (schema 006). --- */

/** What the owner wants and is not here, the oldest first; `at_ms`: since when (wall). */
MUST_USE enum err blobs_wants(struct reader *reader,
	void (*on_want)(void *ctx, const struct blob_id *id, int64_t at_ms), void *ctx);
/** Since when (wall)? ERR_NOT_FOUND: the owner does not want it. */
MUST_USE enum err blobs_wanted(struct reader *reader, const struct blob_id *id, int64_t *at_ms);
/** Own blobs that are to be offered until enough peers have them. */
MUST_USE enum err blobs_pushes(struct reader *reader,
	void (*on_push)(void *ctx, const struct blob_id *id, int64_t at_ms), void *ctx);

/** What was put with `is_draft` before `before_ms` (wall), and no message that everybody can read
 * names; in the order of their ids, behind `after` (NULL: from the first), at most `room`. None
 * while views wait to be made. */
struct blob_upload {
	struct blob_id id;
	enum blob_keep keep; /* now */
};
MUST_USE enum err blobs_uploads(struct reader *reader, int64_t before_ms,
	const struct blob_id *after, struct blob_upload *out, size_t room, size_t *count);

/** Does a message of ours, or of somebody we follow, name it where everybody can read it? */
MUST_USE enum err blobs_is_near(struct reader *reader, const struct blob_id *id, bool *is_near);

/*
 * Changes. The loop may not wait: it queues them by writer_change() itself (CHANGE_BLOB_WANT,
 * CHANGE_BLOB_OFFER, CHANGE_BLOB_PUSHED, CHANGE_BLOB_USED, CHANGE_BLOB_KEEP).
 */

/** Files and rows go; ids that are not here are passed over. Returns when it is committed. */
MUST_USE enum err blobs_remove(struct blobs *blobs, const struct blob_id *ids, size_t count);
/** The owner wants it (or no longer): asked for until it comes. Nothing changes when it is here.
 * ERR_LIMIT: LIMIT_BLOB_WANTS stand there. Returns when it is committed. */
MUST_USE enum err blobs_want(
	struct blobs *blobs, struct reader *reader, const struct blob_id *id, bool is_on);

#endif
