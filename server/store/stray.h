/**
 * store/stray: messages that came alone (schema/005-page.sql): a conversation spoke of them, and
 * the owner had them asked for. Each was verified by itself; what is below it in its feed is not
 * here, so it is in no feed, no count and no page but its conversation's, and never leaves. It
 * gives way to its own history.
 */
#ifndef STORE_STRAY_H
#define STORE_STRAY_H

#include "feed/message.h"
#include "store/reader.h"

struct db;
struct feed_entry;

/** As reader_message(), for showing what was signed. ERR_NOT_FOUND. */
MUST_USE enum err reader_stray_message(
	struct reader *reader, const struct message_id *key, struct buf *text, struct stored *out);

/* The rest is the writer's, in a transaction. */

struct stray_row {
	const struct message *message;
	int64_t at_ms, received_ms;
	bool is_post, has_root;
	struct message_id root;
};
/** Hold one more; beyond LIMIT_STRAYS the oldest goes. Held already: nothing changes. */
MUST_USE enum err stray_put(struct db *db, struct feed_entry *author, const struct stray_row *row);
/** The key held under this number; ERR_NOT_FOUND. */
MUST_USE enum err stray_get(struct db *db, const struct feed_entry *author, uint64_t sequence,
	struct message_id *key, struct buf *body);
MUST_USE enum err stray_drop(struct db *db, struct feed_entry *author, uint64_t sequence);
/** Everything of this feed. */
MUST_USE enum err stray_drop_all(struct db *db, struct feed_entry *author);

#endif
