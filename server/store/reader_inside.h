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
	int depth;             /* queries that call queries share one transaction */
	bool is_bare;          /* nothing is laid over its tables */
	uint64_t layer_number; /* of the layer it has laid over its tables; 0: none */
	size_t layer_follows;  /* people it follows */
};

MUST_USE enum err reader_begin(struct reader *reader);
/** Ends what reader_begin() began; returns `err`, or why the end failed. */
MUST_USE enum err reader_end(struct reader *reader, enum err err);

/** Between transactions: what is private lies over what its queries read (store/layer). */
MUST_USE enum err reader_lay(struct reader *reader);
/** The row of a feed; ERR_NOT_FOUND. */
MUST_USE enum err reader_feed_number(struct reader *reader, const struct feed_id *id, int64_t *out);

/** Every row of a query is given to `on_row`. Its one parameter is `bytes`, or `number` where that
 * is NULL. */
MUST_USE enum err reader_each(struct reader *reader, const struct query *query, int64_t number,
	const struct span *bytes, void (*on_row)(void *ctx, sqlite3_stmt *stmt), void *ctx);
/** One message by its key; the query finds it by ?1 and ?2, head and tail of that, and has columns
 * head, tail, sequence, received, author and compact text, which is appended to `text`.
 * ERR_NOT_FOUND. */
MUST_USE enum err reader_one(struct reader *reader, const struct query *query,
	const struct message_id *key, struct buf *text, struct stored *out);

#endif
