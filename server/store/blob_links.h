/**
 * store/blob_links, inside: the view of which messages name which blobs (schema 006), as part of
 * what store/index, store/behind and store/audit do. It is made from the whole text of a public
 * message: wherever a blob is named in it, and in whatever form (feed/blob_ref). Whoever is not
 * shown (blocked, muted) has no rows.
 */
#ifndef STORE_BLOB_LINKS_H
#define STORE_BLOB_LINKS_H

#include "base/limits.h"
#include "feed/blob_ref.h"
#include "store/db.h"

/* The blobs of one message, each once. */
enum { BLOB_LINKS_MAX = LIMIT_BLOB_LINKS };
struct blob_links {
	struct blob_id ids[BLOB_LINKS_MAX];
	size_t count;
};
/** From the compact text of a message. */
void blob_links_read(struct span text, struct blob_links *out);

/** Rows of a message; those that are there stay. */
MUST_USE enum err blob_links_put(
	struct db *db, const struct blob_links *links, int64_t message, int64_t feed);
MUST_USE enum err blob_links_drop_feed(struct db *db, int64_t feed);
/** For who makes all of it again. */
MUST_USE enum err blob_links_clear(struct db *db);
/** How many of them have no row. */
MUST_USE enum err blob_links_missing(
	struct db *db, const struct blob_links *links, int64_t message, size_t *missing);
MUST_USE enum err blob_links_count(struct db *db, int64_t feed, size_t *count);

#endif
