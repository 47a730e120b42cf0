/**
 * store/ceiling_choose, inside: what goes when the node takes more of the disk than its owner
 * allows. Pure: it is given what there is, and says what of it, in this order:
 *
 *   1. blobs of people far away, and those held for others: the farthest, then the longest unused;
 *   2. blobs of people near, the longest unused;
 *   3. copies of the database that are older than the newest CEILING_COPIES_KEPT;
 *   4. old messages of people two hops away and farther: the farthest, then the oldest;
 *   5. profile pictures of people the owner follows.
 *
 * Never: what the owner made, kept (bookmarked) or got as a private word, and messages of people
 * the owner follows. It stops as soon as there is enough.
 */
#ifndef STORE_CEILING_CHOOSE_H
#define STORE_CEILING_CHOOSE_H

#include "feed/id.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CEILING_HOPS_NONE = 9, CEILING_COPIES_KEPT = 2 };

enum ceiling_group {
	CEILING_FAR,     /* of nobody within one hop */
	CEILING_NEAR,    /* of somebody the owner follows */
	CEILING_PICTURE, /* the profile picture of such a one */
	CEILING_KEPT,    /* never goes */
};

struct ceiling_blob {
	struct blob_id id;
	int64_t bytes; /* on the disk */
	int64_t used_ms;
	enum ceiling_group group;
	int hops;     /* of the nearest who named it; CEILING_HOPS_NONE: nobody within reach */
	bool is_held; /* for others: its own share is smaller */
	bool goes;    /* out */
};

struct ceiling_feed {
	struct feed_id id;
	int hops;             /* CEILING_HOPS_NONE: out of reach */
	bool is_kept;         /* ourselves, or followed or wanted: never goes, whatever its hops */
	uint64_t first, head; /* what is here: numbers; nothing when first > head */
	int64_t oldest_ms, newest_ms;
	int64_t message_bytes; /* of one of its messages, with all that follows from it */
	uint64_t below;        /* out: what is lower goes */
};

struct ceiling_copy {
	int64_t bytes;
	bool goes; /* out */
};

struct ceiling_goes {
	int64_t bytes; /* all of it */
	uint64_t blobs;
	int64_t blob_bytes;
	uint64_t feeds, messages;
	int64_t message_bytes;
	uint64_t copies;
	int64_t copy_bytes;
	bool is_enough;
};

struct ceiling_all {
	struct ceiling_blob *blobs; /* sorted by the call */
	size_t blob_count;
	struct ceiling_copy *copies; /* the newest first */
	size_t copy_count;
	struct ceiling_feed *feeds;
	size_t feed_count;
};
/** Mark what goes so that `need` bytes are free; 0 or less: nothing does. */
void ceiling_choose(struct ceiling_all *all, int64_t need, struct ceiling_goes *out);
/** Of those held for others (`blobs` are nothing else), so that `share` bytes are left: the longest
 * unused. Gives the bytes that go. */
int64_t ceiling_choose_share(struct ceiling_blob *blobs, size_t count, int64_t share);

#endif
