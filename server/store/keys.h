/**
 * store/keys, inside: the table `keys`, by which a message is found by its key. A live message gets
 * its row in its own transaction; those of a bulk get theirs behind it (table `behind`), sorted:
 * keys are random, and one at a time each row of a bulk would dirty a page of its own.
 */
#ifndef STORE_KEYS_H
#define STORE_KEYS_H

#include "store/db.h"

/* For queries of one message by its key: keys_bind() binds ?1 and ?2. */
#define KEYS_MESSAGES "keys k CROSS JOIN messages m ON m.message = k.message"
#define KEYS_IS "k.key_head = ?1 AND m.key_tail = ?2"

/** The key must live as long as the binding. */
static inline void keys_bind(sqlite3_stmt *stmt, const struct message_id *key)
{
	db_int(stmt, 1, db_key_head(key->at));
	db_blob(stmt, 2, db_key_tail(key->at));
}

/** Row `message` of `messages` has this key. Nothing changes when it is known already. */
MUST_USE enum err keys_add(struct db *db, const struct message_id *key, int64_t message);
/** The same for all rows from `first` to `last`, in the order of their keys. */
MUST_USE enum err keys_add_range(struct db *db, int64_t first, int64_t last);
/** All of it again, in a transaction. */
MUST_USE enum err keys_rebuild(struct db *db);

#endif
