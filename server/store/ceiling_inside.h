/**
 * store/ceiling, inside: ceiling.c: the thread and its units. ceiling_choose.c: what goes, pure.
 * ceiling_load.c: what there is, for the choice. ceiling_count.c: what it takes. ceiling_remove.c:
 * what the owner has removed, or fetched again.
 */
#ifndef STORE_CEILING_INSIDE_H
#define STORE_CEILING_INSIDE_H

#include "store/ceiling.h"
#include "store/nightly.h"
#include "store/reader_inside.h"

enum {
	CEILING_BLOCK = 4096,       /* a file takes whole ones */
	CEILING_BLOBS_MAX = 100000, /* looked at in one choice, the longest unused first */
};

/** What a file of so many bytes takes. */
static inline int64_t ceiling_on_disk(uint64_t bytes)
{
	return (int64_t)((bytes + CEILING_BLOCK - 1) / CEILING_BLOCK) * CEILING_BLOCK;
}

struct ceiling_load {
	struct ceiling_all all;
	size_t blob_room, feed_room;
	struct nightly_file files[NIGHTLY_FILES_MAX]; /* beside all.copies */
	struct ceiling_copy copies[NIGHTLY_FILES_MAX];
};
/** Everything the choice is made of. `copies`: as in ceiling_opts. */
MUST_USE enum err ceiling_load(struct reader *reader, const char *copies, struct ceiling_load *out);
void ceiling_load_fini(struct ceiling_load *load);

/* Whose a blob is. */
struct ceiling_whose {
	enum ceiling_group group;
	int hops;
};
/** As ceiling_usage(), without telling whose the blobs are: all of them stand in
 * CEILING_BLOBS_FAR. `*held`: bytes of those held for others. */
MUST_USE enum err ceiling_used(struct reader *reader, struct ceiling_usage *out, int64_t *held);
/** Each blob, and whose it is; in the order of their ids. */
MUST_USE enum err ceiling_each_blob(struct reader *reader,
	bool (*on_blob)(void *ctx, const struct blob_row *row, const struct ceiling_whose *whose),
	void *ctx);
/** Which feeds' messages name a blob. */
MUST_USE enum err ceiling_each_namer(struct reader *reader, const struct blob_id *id,
	void (*on_feed)(void *ctx, int64_t feed), void *ctx);

/** The blobs that messages of one feed name and that are here. */
MUST_USE enum err ceiling_each_blob_of(struct reader *reader, int64_t feed,
	bool (*on_blob)(void *ctx, const struct blob_row *row), void *ctx);

/** What one message takes with all that follows from it, on the average; and of that in its own
 * row. */
struct ceiling_average {
	uint64_t messages;
	double body, row, all; /* bytes of one */
};
MUST_USE enum err ceiling_average(struct reader *reader, struct ceiling_average *out);
/** The folder of backups. free(). */
MUST_USE char *ceiling_copies_dir(const struct store *store, const char *copies);

#endif
