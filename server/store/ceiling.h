/**
 * store/ceiling: the whole of what the node takes of the disk stays below what its owner allows
 * (setting `ceiling`, bytes; at the first start LIMIT_CEILING_BYTES, or half of what is free when
 * that is less): messages and their indexes, blobs, copies, the WAL. What goes first stands in
 * store/ceiling_choose. Feeds that the owner follows again are fetched again from here too.
 *
 * One thread, asleep until something grew. It reads on a connection of its own and asks the writer
 * for small units, each over as soon as somebody else waits for the writer. Until there is room
 * again others' messages and blobs are refused (store_room()), own ones never.
 *
 * Used is what `du` of the data directory says; free pages of the database are part of it, and go
 * back to the disk before anything else goes. Kept to LIMIT_CEILING_PER_MILLE.
 */
#ifndef STORE_CEILING_H
#define STORE_CEILING_H

#include "store/blobs.h"
#include "store/ceiling_choose.h"
#include "store/reader.h"
#include "store/writer.h"

#include <stdatomic.h>

struct ceiling;

struct ceiling_opts {
	struct store *store;
	struct writer *writer;
	struct blobs *blobs; /* NULL: no blob ever goes (tests) */
	const char *copies;  /* the folder of backups; NULL: DIR/backups. Copied */
	bool is_stepped;     /* no thread: ceiling_step() */
	/* Its thread, once an hour, when nothing is to be done; may be NULL. */
	void (*on_quiet)(void *ctx, atomic_bool *is_stopping);
	void *ctx;
};
MUST_USE enum err ceiling_start(const struct ceiling_opts *opts, struct ceiling **out);
/** Before blobs and writer stop. NULL is fine. */
void ceiling_stop(struct ceiling *ceiling);
/** Look now: the ceiling, or whom the owner follows, changed. Any thread. */
void ceiling_look(struct ceiling *ceiling);
/** Of a stepped one: one unit of what is to be done; false: nothing is. */
bool ceiling_step(struct ceiling *ceiling);

/* As it was measured last; zeros: not yet. */
struct ceiling_now {
	int64_t used, bytes;
	bool is_full; /* others' messages and blobs wait until something went */
	uint64_t gone_messages, gone_blobs, gone_copies; /* since the start, to make room */
};
/** Any thread. */
void ceiling_state(struct store *store, struct ceiling_now *out);

/* What follows may be asked by any thread, with a reader of its own, beside a stopped node too. */

enum ceiling_class {
	CEILING_MESSAGES,
	CEILING_INDEXES,   /* with the WAL, which is the database's latest pages */
	CEILING_BLOBS_OWN, /* ours, kept, private */
	CEILING_BLOBS_NEAR,
	CEILING_BLOBS_FAR,
	CEILING_COPIES,  /* backups, snapshots, what was replaced */
	CEILING_RESERVE, /* given back when the disk is full, so that the node can go on */
	CEILING_OTHER,   /* free pages, the fence, the key, small files */
	CEILING_CLASSES
};
struct ceiling_usage {
	int64_t classes[CEILING_CLASSES];
	int64_t used;       /* the sum: what `du` says */
	int64_t free_pages; /* of the database, bytes; in CEILING_OTHER */
	int64_t wal;        /* in CEILING_INDEXES */
	int64_t disk_free;
	bool can_shrink; /* free pages can be given back */
};
MUST_USE enum err ceiling_usage(struct reader *reader, struct ceiling_usage *out);
/** What the owner allows; the default when nothing was said yet. */
MUST_USE enum err ceiling_bytes(struct reader *reader, int64_t *out);
/** What would go if the ceiling were `bytes` (0: the present one). */
MUST_USE enum err ceiling_preview(
	struct reader *reader, const char *copies, int64_t bytes, struct ceiling_goes *out);
/** ERR_LIMIT: below LIMIT_CEILING_BYTES_MIN. Returns when it is committed. */
MUST_USE enum err ceiling_set(struct writer *writer, int64_t bytes);

struct ceiling_person {
	struct feed_id id;
	uint64_t messages, blobs;
	int64_t bytes, blob_bytes;
};
/** Who takes the most, the most first, at most `room`; `*total`: of all. */
MUST_USE enum err ceiling_people(
	struct reader *reader, struct ceiling_person *out, size_t room, size_t *count);
/** One of them. */
MUST_USE enum err ceiling_person(
	struct reader *reader, const struct feed_id *id, struct ceiling_person *out);

struct ceiling_gone {
	int64_t at_ms; /* the hour */
	char what[16];
	uint64_t n;
	int64_t bytes;
};
MUST_USE enum err ceiling_gone(
	struct reader *reader, struct ceiling_gone *out, size_t room, size_t *count);

/* "Remove what I hold of this person." */
struct ceiling_removal {
	uint64_t messages, blobs; /* that go, or went */
	int64_t bytes;
	uint64_t kept;    /* messages that stay: bookmarked, private */
	bool keeps_blobs; /* some are named by others too, or by the owner */
};
/** What would go. ERR_REFUSED: ourselves, or somebody the owner follows; ERR_NOT_FOUND: nothing of
 * them is known here. */
MUST_USE enum err ceiling_removal(
	struct reader *reader, const struct feed_id *id, struct ceiling_removal *out);
/** … and it goes. */
MUST_USE enum err ceiling_remove(struct writer *writer, struct blobs *blobs, struct reader *reader,
	const struct feed_id *id, struct ceiling_removal *out);
/** Fetch a history again of which old messages were let go: their rest goes, and all of it comes
 * again from its first message. ERR_NOT_FOUND: nothing of it was let go. */
MUST_USE enum err ceiling_again(struct writer *writer, const struct feed_id *id);

#endif
