/**
 * torture/rig: a whole store on a disk of torture/disk, with a ledger of everything our signer
 * produced and everybody was told. The programs of this folder do terrible things to the disk and
 * ask rig_check() afterwards.
 */
#ifndef TORTURE_RIG_H
#define TORTURE_RIG_H

#include "lib/authors.h"
#include "store/private.h"
#include "store/reader.h"
#include "store/writer.h"
#include "torture/disk.h"

enum {
	RIG_OWN_MAX = 1024,
	RIG_FOREIGN = 3,
	RIG_FOREIGN_MESSAGES = 600,
	RIG_TRIES = 8,
	RIG_TEXT_BYTES = 8192,
	RIG_PLAIN_BYTES = 1024
};

/* What is known of one number of ours. */
struct rig_signed {
	struct message_id key;
	struct message_id previous;
	uint8_t hash[32]; /* of the bytes as they are stored */
	bool has_left;    /* acknowledged, or announced to who sends it on */
	bool is_fenced;   /* in the fence, which said that it was synced */
};

/* A request, to be asked again. */
struct rig_try {
	char nonce[48];
	char content[RIG_TEXT_BYTES];
	bool may_be_undone;          /* it is held first, and then sent */
	char plain[RIG_PLAIN_BYTES]; /* of a box for ourselves; "" when everybody can read it */
	bool is_held;                /* the node said so: it is never lost */
	bool is_answered;
	struct publish_result answer;
};

struct rig {
	struct disk *disk;
	struct env env;
	int64_t wall_ms, mono_ms;
	uint64_t random;
	struct feed_id self_id;
	struct author self;
	struct store *store;
	struct writer *writer;
	struct rig_signed own[RIG_OWN_MAX + 1]; /* by number */
	uint64_t own_left;                      /* the highest that must be there */
	struct rig_try tries[RIG_TRIES];
	uint64_t try_count;
	uint64_t foreign[RIG_FOREIGN]; /* how many were handed in */
	bool has_book;                 /* from rig_start() on: some posts are boxes, and read */
	struct private_book *book;
	uint64_t boxes;        /* of ours, as the last check counted them */
	int64_t marked;        /* how far we read, as put last */
	int64_t marked_now;    /* … as stored since the start */
	int64_t marked_surely; /* … and behind it one of ours was stored, synced */
	bool is_logging;
	int cut_at_step; /* the power fails at this enum writer_step; −1: not */
	bool may_fail;   /* the disk fails calls: an error is no wonder, and a pause neither */
	char wrong[512]; /* the first promise that was broken; "" so far */
};

#define RIG_DIR "/disk"

/** Foreign messages are signed once for all rigs. */
void rig_library(void);
void rig_library_free(void);

/** An empty disk with what `kith init` leaves there. */
void rig_init(struct rig *rig, uint64_t seed);
void rig_fini(struct rig *rig);
/** Instead of rig_init(): a rig that becomes a node that has published and taken in, stopped in
 * order. */
void rig_live_a_little(struct rig *rig);
/** What is on the disk of `base` and known of it, while nothing of either is open. */
void rig_adopt(struct rig *rig, const struct rig *base);

/** A new signer, as each start needs; rig_start() does it when it was not done. */
void rig_ready(struct rig *rig);
/** Open store and writer. Anything but ERR_OK leaves nothing open. */
enum err rig_start(struct rig *rig);
void rig_stop(struct rig *rig);

/** Publish a random post with a new nonce; or ask try `number` (of try_count) again. */
enum err rig_publish(struct rig *rig);
enum err rig_ask_again(struct rig *rig, uint64_t number);
/** Hand in the next `count` messages of a stranger. */
enum err rig_append(struct rig *rig, unsigned author, size_t count);
/** Let old messages of a stranger go, `most` at once; or give free pages back. */
enum err rig_let_go(
	struct rig *rig, unsigned author, enum let_go_why why, uint64_t below, size_t most);
enum err rig_shrink(struct rig *rig);
enum err rig_setting(struct rig *rig);
/** With a book: look for boxes in what is stored, a little; say how far we read. */
void rig_read_private(struct rig *rig);
enum err rig_mark(struct rig *rig);
/** Copy the WAL back, as the node does now and then. */
void rig_checkpoint(struct rig *rig, bool is_truncating);

/** Read everything back and compare with the ledger. `is_deep`: also SQLite's own check of every
 * page. After this the rig knows what of strangers survived. */
void rig_check(struct rig *rig, bool is_deep);
/** What `kith check` does: every signature again. Takes its time. */
void rig_audit(struct rig *rig);
/** "CLEAN" … Static. */
const char *rig_state(struct rig *rig);
/** The first complaint stays. */
void rig_wrong(struct rig *rig, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
