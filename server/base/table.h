/**
 * base/table: a map from 32-byte ids to pointers, hashed with a random key (SipHash), so that
 * nobody can choose ids that collide. Grows by doubling up to `entries_max`. One thread at a time.
 */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include "base/env.h"

struct table;

/** NULL when there is no memory. The values stay the caller's: table_free() does not touch them. */
MUST_USE struct table *table_new(const struct env *env, size_t entries_max);
void table_free(struct table *table);

/** The value under `id`, or NULL. */
void *table_get(const struct table *table, const uint8_t id[static 32]);
/** Put `value` (not NULL) under `id`, replacing what was there. ERR_LIMIT at `entries_max`,
 * ERR_NOMEM. */
MUST_USE enum err table_put(struct table *table, const uint8_t id[static 32], void *value);
/** Take out and return the value under `id`, or NULL. */
void *table_remove(struct table *table, const uint8_t id[static 32]);
size_t table_count(const struct table *table);

/**
 * Walk all entries in no particular order: start with `*cursor = 0`; false at the end. Neither put
 * nor remove during a walk, except removing the entry just returned.
 */
bool table_next(const struct table *table, size_t *cursor, const uint8_t **id, void **value);

#endif
