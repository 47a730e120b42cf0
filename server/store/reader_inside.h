/**
 * store/reader, inside: a query of several statements that sees one state of the database and ends
 * within LIMIT_QUERY_MS.
 */
#ifndef STORE_READER_INSIDE_H
#define STORE_READER_INSIDE_H

#include "store/inside.h"
#include "store/reader.h"

struct reader {
	struct store *store;
	struct db *db;
	int depth; /* queries that call queries share one transaction */
};

MUST_USE enum err reader_begin(struct reader *reader);
/** Ends what reader_begin() began; returns `err`, or why the end failed. */
MUST_USE enum err reader_end(struct reader *reader, enum err err);

/** The row of a feed; ERR_NOT_FOUND. */
MUST_USE enum err reader_feed_number(struct reader *reader, const struct feed_id *id, int64_t *out);

#endif
