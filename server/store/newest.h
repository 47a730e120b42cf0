/**
 * store/newest: the newest messages of a feed, as they are given to a peer before its history
 * (sync/newest): from `messages` only, so that what is held ahead here never leaves. And what is
 * held ahead itself, to be checked.
 */
#ifndef STORE_NEWEST_H
#define STORE_NEWEST_H

#include "store/reader.h"

struct newest_text {
	uint64_t sequence;
	size_t at, len; /* in `text` */
};

struct newest_read {
	struct feed_id feed;
	uint64_t above; /* in: only messages after this one */
	size_t count_max;
	uint64_t newest; /* out: its head; 0: nothing of it is stored */
	/* Ascending, consecutive; the last is the head. Fewer than there are when they would be
	 * more than LIMIT_WINDOW_BYTES with the others. */
	struct newest_text messages[LIMIT_WINDOW_MESSAGES];
	size_t count;
	/* Its latest messages about itself between `above` and the first of `messages`, ascending.
	 */
	struct newest_text profiles[LIMIT_WINDOW_PROFILES];
	size_t profile_count;
	struct buf text;
};

/** Zeroed but for what is asked. */
void newest_read_init(struct newest_read *read);
void newest_read_fini(struct newest_read *read);
/** Ask `read`. ERR_IO, ERR_TIMEOUT, ERR_NOMEM; a feed nobody knows has `newest` 0. */
MUST_USE enum err reader_newest(struct reader *reader, struct newest_read *read);
/** What is held ahead of read->feed and has signatures to be checked, as `messages`: consecutive,
 * from the lowest such message on, at most a window. ERR_NOT_FOUND: all are checked, or nothing is
 * held. */
MUST_USE enum err reader_ahead_unchecked(struct reader *reader, struct newest_read *read);

static inline struct span newest_read_text(
	const struct newest_read *read, const struct newest_text *text)
{
	return span_of(read->text.at + text->at, text->len);
}

#endif
