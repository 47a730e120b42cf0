/**
 * wire/want: items of blobs.createWants (protocol/04 §5.5): an object of blob ids and whole
 * numbers. Below zero somebody wants the blob, −1 the one who says it, −2 somebody it knows, and so
 * on; above zero it is here and has so many bytes.
 */
#ifndef WIRE_WANT_H
#define WIRE_WANT_H

#include "feed/id.h"
#include "feed/json.h"

/**
 * Walk what an item says until `on_want` returns false. Names that are no blob ids, and values that
 * are not whole or 0, are passed over; an item that is no object says nothing.
 */
void want_each(const struct json *item,
	bool (*on_want)(void *ctx, const struct blob_id *id, int64_t value), void *ctx);

/** Build an item: want_open, want_add…, want_close. `{}` says that there is nothing to say. */
MUST_USE enum err want_open(struct buf *out);
MUST_USE enum err want_add(struct buf *out, const struct blob_id *id, int64_t value);
MUST_USE enum err want_close(struct buf *out);

#endif
