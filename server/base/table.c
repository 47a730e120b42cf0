/* Open addressing with linear probing; removal leaves a tombstone that the next growth sweeps away.
 */
#include "base/table.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

enum slot_state { SLOT_EMPTY = 0, SLOT_USED, SLOT_GONE };

struct slot {
	uint8_t id[32];
	void *value;
	enum slot_state state;
};

struct table {
	uint8_t key[crypto_shorthash_KEYBYTES];
	struct slot *slots;
	size_t capacity; /* a power of two */
	size_t used;
	size_t gone;
	size_t max;
};

enum { TABLE_FIRST_SLOTS = 16 };

struct table *table_new(const struct env *env, size_t entries_max)
{
	struct table *table = calloc(1, sizeof(*table));
	if (table == NULL) {
		return NULL;
	}
	table->slots = calloc(TABLE_FIRST_SLOTS, sizeof(*table->slots));
	if (table->slots == NULL) {
		free(table);
		return NULL;
	}
	table->capacity = TABLE_FIRST_SLOTS;
	table->max = entries_max;
	env->random(env->ctx, table->key, sizeof(table->key));
	return table;
}

void table_free(struct table *table)
{
	if (table != NULL) {
		free(table->slots);
		free(table);
	}
}

static size_t first_slot(const struct table *table, const uint8_t *id)
{
	uint8_t hash[crypto_shorthash_BYTES];
	uint64_t value = 0;
	(void)crypto_shorthash(hash, id, 32, table->key);
	memcpy(&value, hash, sizeof(value));
	return (size_t)value & (table->capacity - 1);
}

/* The slot that holds `id`, or NULL. At least one slot is always empty, so the walk ends. */
static struct slot *find(const struct table *table, const uint8_t *id)
{
	for (size_t i = first_slot(table, id);; i = (i + 1) & (table->capacity - 1)) {
		struct slot *slot = &table->slots[i];
		if (slot->state == SLOT_EMPTY) {
			return NULL;
		}
		if (slot->state == SLOT_USED && memcmp(slot->id, id, 32) == 0) {
			return slot;
		}
	}
}

static void insert(struct table *table, const uint8_t *id, void *value)
{
	size_t i = first_slot(table, id);
	while (table->slots[i].state == SLOT_USED) {
		i = (i + 1) & (table->capacity - 1);
	}
	if (table->slots[i].state == SLOT_GONE) {
		table->gone--;
	}
	memcpy(table->slots[i].id, id, 32);
	table->slots[i].value = value;
	table->slots[i].state = SLOT_USED;
	table->used++;
}

static enum err grow(struct table *table)
{
	size_t old_capacity = table->capacity;
	struct slot *old = table->slots;
	size_t capacity = table->used * 2 >= old_capacity ? old_capacity * 2 : old_capacity;
	struct slot *slots = calloc(capacity, sizeof(*slots));
	if (slots == NULL) {
		return ERR_NOMEM;
	}
	table->slots = slots;
	table->capacity = capacity;
	table->used = 0;
	table->gone = 0;
	for (size_t i = 0; i < old_capacity; i++) {
		if (old[i].state == SLOT_USED) {
			insert(table, old[i].id, old[i].value);
		}
	}
	free(old);
	return ERR_OK;
}

void *table_get(const struct table *table, const uint8_t id[static 32])
{
	const struct slot *slot = find(table, id);
	return slot == NULL ? NULL : slot->value;
}

enum err table_put(struct table *table, const uint8_t id[static 32], void *value)
{
	assert(value != NULL);
	struct slot *slot = find(table, id);
	if (slot != NULL) {
		slot->value = value;
		return ERR_OK;
	}
	if (table->used >= table->max) {
		return ERR_LIMIT;
	}
	if ((table->used + table->gone + 1) * 4 > table->capacity * 3) {
		enum err err = grow(table);
		if (err != ERR_OK) {
			return err;
		}
	}
	insert(table, id, value);
	return ERR_OK;
}

void *table_remove(struct table *table, const uint8_t id[static 32])
{
	struct slot *slot = find(table, id);
	if (slot == NULL) {
		return NULL;
	}
	slot->state = SLOT_GONE;
	table->used--;
	table->gone++;
	return slot->value;
}

size_t table_count(const struct table *table)
{
	return table->used;
}

bool table_next(const struct table *table, size_t *cursor, const uint8_t **id, void **value)
{
	for (; *cursor < table->capacity; (*cursor)++) {
		const struct slot *slot = &table->slots[*cursor];
		if (slot->state == SLOT_USED) {
			*id = slot->id;
			*value = slot->value;
			(*cursor)++;
			return true;
		}
	}
	return false;
}
