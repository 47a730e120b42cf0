/**
 * store/tag_rows, inside: the rows of `tags` and `tag_counts` (schema/005-page.sql). A post has its
 * tags there exactly while it has a row in `posts`.
 */
#ifndef STORE_TAG_ROWS_H
#define STORE_TAG_ROWS_H

#include "store/db.h"

/** The tags (as tag_set_next() takes them) of a post that has just got its row, or has lost it. */
MUST_USE enum err tag_rows_put(struct db *db, int64_t message, int64_t at_ms, struct span tags);
MUST_USE enum err tag_rows_drop(struct db *db, int64_t message, int64_t at_ms, struct span tags);
/** The same of a post that is ahead of its history, from what the tables say. */
MUST_USE enum err tag_rows_drop_ahead(struct db *db, int64_t message);
MUST_USE enum err tag_rows_clear(struct db *db);

#endif
