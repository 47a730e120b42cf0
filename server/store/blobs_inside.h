/**
 * store/blobs, inside: what its files share. blobs.c: in, out, remove, want. blobs_rows.c: what is
 * asked. blobs_file.c: the folder. blobs_tidy.c: what a kill left.
 */
#ifndef STORE_BLOBS_INSIDE_H
#define STORE_BLOBS_INSIDE_H

#include "store/blobs.h"
#include "store/inside.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
	BLOBS_FOLDERS = 256,
	BLOBS_LOCKS = 16,
	BLOB_NEW_BYTES = 48, /* the name of a file that is still written, with its NUL */
	BLOB_NAME_BYTES = 2 * (ID_BYTES - 1) + 1,
};

struct blobs {
	struct store *store;
	struct writer *writer;
	int root;    /* DIR/blobs */
	char tag[9]; /* of this run, in the names of files that are still written */
	atomic_uint_fast64_t made;
	/* What becomes of a blob's file and of its row goes together: whoever changes either holds
	 * its lock until both are done. By the first byte of the id. */
	pthread_mutex_t locks[BLOBS_LOCKS];
	pthread_t tidy;
	bool has_tidy;
	atomic_bool is_stopping;
	pthread_mutex_t settled_lock;
	pthread_cond_t settled_cond;
	bool is_settled;
};

static inline pthread_mutex_t *blobs_lock_of(struct blobs *blobs, const struct blob_id *id)
{
	return &blobs->locks[id->at[0] % BLOBS_LOCKS];
}

/* The folder. `blobs->root` is open; names are made of the bytes of ids alone, and no link is
 * followed. */

/** ERR_IO, ERR_DISK_FULL, ERR_NOMEM. */
MUST_USE enum err blob_files_open(struct blobs *blobs);
/** A new file to be written, mode 0600, of this name. */
MUST_USE enum err blob_file_new(struct blobs *blobs, char name[static BLOB_NEW_BYTES], int *fd);
void blob_file_drop_new(struct blobs *blobs, const char *name);
/** The bytes and the name are on the disk; `*was_there`: there was a file of that id, and this is
 * in its place. */
MUST_USE enum err blob_file_keep(
	struct blobs *blobs, int fd, const char *name, const struct blob_id *id, bool *was_there);
/** For reading. ERR_NOT_FOUND; ERR_IO: also what is no plain file. */
MUST_USE enum err blob_file_open(
	struct blobs *blobs, const struct blob_id *id, int *fd, uint64_t *bytes);
/** Also when there is none: ERR_OK. */
MUST_USE enum err blob_file_drop(struct blobs *blobs, const struct blob_id *id);
/** Every file in the folder of ids that begin with `first`. */
MUST_USE enum err blob_files_list(struct blobs *blobs, uint8_t first,
	enum err (*on_file)(void *ctx, const struct blob_id *id), void *ctx);
/** Remove what earlier runs left unfinished. */
void blob_files_drop_left(struct blobs *blobs);
/** Read up to `room` bytes at `at`, all that there are. */
MUST_USE enum err blob_file_read(int fd, uint64_t at, uint8_t *into, size_t room, size_t *got);

/** writer_change_wait(), unless the end has come (ERR_CLOSED); a lock is held. */
MUST_USE enum err blobs_change(struct blobs *blobs, const struct change *change);
/** Put the row of a file that is there, and wait; its lock is held. */
MUST_USE enum err blobs_put_row(struct blobs *blobs, const struct blob_row *row, bool is_draft);
/** The row has no file, or not its own: it goes, and what the owner had is wanted again. Its lock
 * is held; does not wait. */
void blobs_mend(struct blobs *blobs, const struct blob_row *row);

/** Start and end the thread that puts right what a kill left. */
MUST_USE enum err blobs_tidy_start(struct blobs *blobs);
void blobs_tidy_stop(struct blobs *blobs);

#endif
