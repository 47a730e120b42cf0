/**
 * store/search_rows, inside: the words of posts, as rows of the full-text table `search`. The table
 * keeps no text: what is taken out must be told the very words that were put in, and nothing may be
 * taken out that was not put in. So a post has words there exactly while it has a row in `posts`.
 */
#ifndef STORE_SEARCH_ROWS_H
#define STORE_SEARCH_ROWS_H

#include "store/db.h"

enum { SEARCH_MESSAGE_BITS = 28, SEARCH_TIME_BITS = 20 };

/** Can this row of `messages` be found by its words at all? */
static inline bool search_has_room(int64_t message)
{
	return message > 0 && message < (int64_t)1 << SEARCH_MESSAGE_BITS;
}
/** Its row there: the newest have the greatest. */
static inline int64_t search_row(int64_t message, int64_t at_ms)
{
	return at_ms >> SEARCH_TIME_BITS << SEARCH_MESSAGE_BITS | message;
}

/* What is found of a post. */
struct search_entry {
	int64_t message, at_ms, feed;
	struct span text; /* WTF-8 */
	struct span tags; /* as tag_set_next() takes them */
};
/** Many at once cost least in the order of search_row(). */
MUST_USE enum err search_row_put(struct db *db, const struct search_entry *entry);
MUST_USE enum err search_row_drop(struct db *db, const struct search_entry *entry);
/** Between transactions: what SQLite keeps in memory of the full text is read again. It may be
 * wrong after a transaction that SQLite undid by itself (db_is_unsettled()). */
MUST_USE enum err search_rows_settle(struct db *db);
/** All of them, and all words they ever had. */
MUST_USE enum err search_rows_clear(struct db *db);

#endif
