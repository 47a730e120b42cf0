/**
 * store/behind, inside: what its files share. behind.c: the runs, and posts, votes and words.
 * behind_keys.c: keys.
 */
#ifndef STORE_BEHIND_INSIDE_H
#define STORE_BEHIND_INSIDE_H

#include "store/behind.h"

enum behind_part { BEHIND_WORDS = 1, BEHIND_KEYS = 2 };

struct key_row {
	int64_t head, message;
};

struct behind {
	struct index *index;
	struct db *db;
	int64_t first, last; /* noted in the present transaction; 0: none */
	bool has_words;      /* there may be runs of BEHIND_WORDS */
	/* Keys in memory: those up to `sorted` are being written, `done` of them are; those up to
	 * `kept` are committed. They are of the newest runs of BEHIND_KEYS. */
	struct key_row *keys;
	size_t count, room, kept, sorted, done;
	size_t done_kept;
	int64_t keys_first, keys_last; /* the rows that keys[0 … sorted] belong to */
	bool must_read;  /* there are runs whose keys are not in memory; nothing is gathered then */
	bool is_reading; /* … one of them, from `read_at` down to `read_first` */
	int64_t read_first, read_at;
};

/** The newest run of a part; ERR_NOT_FOUND. */
MUST_USE enum err behind_newest(
	struct behind *behind, enum behind_part part, int64_t *first, int64_t *last);
MUST_USE enum err behind_run_put(
	struct behind *behind, enum behind_part part, int64_t first, int64_t last);
MUST_USE enum err behind_run_drop(struct behind *behind, enum behind_part part, int64_t first);
/** A run ends earlier from now on. */
MUST_USE enum err behind_run_cut(
	struct behind *behind, enum behind_part part, int64_t first, int64_t last);

/** After COMMIT. */
void behind_keys_kept(struct behind *behind);
/** Gather a key. */
MUST_USE enum err behind_key_note(
	struct behind *behind, int64_t message, const struct message_id *key);

#endif
