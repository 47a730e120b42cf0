/**
 * store/behind, inside: rows that a bulk leaves for later. While messages pour in, the log, the
 * heads, contacts and profiles are written at once, as they decide what is fetched and what people
 * are called; rows in `keys`, `posts`, `votes`, `activity` and `search` are made behind it, the
 * newest first, or sorted, so that a page of an index is written once and not once for each
 * message. Which rows of `messages` wait stands in the table `behind`, written in the transaction
 * that stored them: after a kill the next start goes on there.
 *
 * To make a row twice changes nothing: a post is put in only when it is not there, the latest vote
 * wins whatever comes first, a key is the same key. So who must be shown at once (ourselves, live
 * messages, what was shown ahead) gets its rows at once, within a run or not.
 */
#ifndef STORE_BEHIND_H
#define STORE_BEHIND_H

#include "store/index.h"

enum {
	BEHIND_UNIT_MIN = 64, /* messages: some 3 ms, never interrupted */
	BEHIND_UNIT_FIRST = 256,
	BEHIND_UNIT_MAX =
		16384, /* in one transaction, when nobody waits: each page once for many */
	BEHIND_TEXT_BYTES = 8 << 20, /* of posts in one transaction */
	BEHIND_KEYS_MAX = 131072,    /* in memory, 16 bytes each */
	BEHIND_KEYS_SORTED = 65536,  /* so many are sorted and written in one pass */
	BEHIND_KEYS_UNIT = 4096,     /* in one transaction */
};

struct behind;

/** Looks what an earlier run left. */
MUST_USE enum err behind_new(struct index *index, struct behind **out);
void behind_free(struct behind *behind);

/** Row `message` of the present transaction gets its rows later. */
MUST_USE enum err behind_note(struct behind *behind, int64_t message, const struct message_id *key);
/** Before COMMIT: the runs of what was noted. */
MUST_USE enum err behind_flush(struct behind *behind);
/** After COMMIT, after ROLLBACK. */
void behind_kept(struct behind *behind);
void behind_forget(struct behind *behind);

/** Is there something to do? */
bool behind_has_words(const struct behind *behind);
bool behind_has_keys(const struct behind *behind);
/** Are so many keys in memory that they should be written though the bulk goes on? */
bool behind_is_full(const struct behind *behind);

/** Who works it off. */
struct behind_turn {
	size_t messages; /* at most */
	/* Asked now and then; true: stop, which is ERR_BUSY, and all of the transaction is to be
	 * undone. May be NULL. */
	bool (*must_stop)(void *ctx);
	/* A post or a vote that is known to people from now on; `made` is NULL for one of a crowd
	 * that is not told one by one. May be NULL. */
	enum err (*on_made)(void *ctx, const struct committed *made);
	void *ctx;
};
/** In a transaction: rows of `posts`, `votes` and `search` for the newest messages that wait. */
MUST_USE enum err behind_words(struct behind *behind, const struct behind_turn *turn);
/** In a transaction: some rows of `keys`. */
MUST_USE enum err behind_keys(struct behind *behind);
/** In a transaction: everything again for all of `messages` (store/repair). The tables are empty.
 */
MUST_USE enum err behind_all(struct index *index);

#endif
