/* base/table: puts, replacements, removals, walks, and the cap. */
#include "lib/cmocka.h"

#include "base/table.h"

#include <sodium.h>

enum { ENTRIES = 5000 };

static int values[ENTRIES + 1];

static const uint8_t *id_of(uint32_t i)
{
	static uint8_t id[32];
	memset(id, 0, sizeof(id));
	memcpy(id, &i, sizeof(i));
	return id;
}

static void finds_what_was_put_and_nothing_else(void **state)
{
	(void)state;
	struct table *table = table_new(env_system(), ENTRIES);
	assert_non_null(table);
	for (uint32_t i = 0; i < ENTRIES; i++) {
		assert_int_equal(table_put(table, id_of(i), &values[i]), ERR_OK);
	}
	assert_int_equal(table_count(table), ENTRIES);
	for (uint32_t i = 0; i < ENTRIES; i++) {
		assert_ptr_equal(table_get(table, id_of(i)), &values[i]);
	}
	assert_null(table_get(table, id_of(ENTRIES)));
	table_free(table);
	table_free(NULL);
}

static void refuses_more_than_its_cap_but_still_replaces(void **state)
{
	(void)state;
	struct table *table = table_new(env_system(), 100);
	assert_non_null(table);
	for (uint32_t i = 0; i < 100; i++) {
		assert_int_equal(table_put(table, id_of(i), &values[i]), ERR_OK);
	}
	for (uint32_t i = 100; i < ENTRIES; i++) {
		assert_int_equal(table_put(table, id_of(i), &values[i]), ERR_LIMIT);
	}
	assert_int_equal(table_put(table, id_of(7), &values[70]), ERR_OK);
	assert_ptr_equal(table_get(table, id_of(7)), &values[70]);
	assert_ptr_equal(table_remove(table, id_of(7)), &values[70]);
	assert_int_equal(table_put(table, id_of(200), &values[200]), ERR_OK);
	assert_int_equal(table_count(table), 100);
	table_free(table);
}

/* Removals leave marks behind; a table that only ever holds a few must not fill with them. */
static void survives_many_removals(void **state)
{
	(void)state;
	struct table *table = table_new(env_system(), 20);
	assert_non_null(table);
	for (uint32_t i = 0; i < 20000; i++) {
		assert_int_equal(table_put(table, id_of(i), &values[i % ENTRIES]), ERR_OK);
		if (i >= 10) {
			assert_ptr_equal(
				table_remove(table, id_of(i - 10)), &values[(i - 10) % ENTRIES]);
			assert_null(table_remove(table, id_of(i - 10)));
		}
	}
	assert_int_equal(table_count(table), 10);
	for (uint32_t i = 19990; i < 20000; i++) {
		assert_non_null(table_get(table, id_of(i)));
	}
	table_free(table);
}

static void walks_every_entry_once_and_may_remove_it(void **state)
{
	(void)state;
	struct table *table = table_new(env_system(), ENTRIES);
	static int seen[1000];
	const uint8_t *id = NULL;
	void *value = NULL;
	size_t cursor = 0;
	assert_non_null(table);
	for (uint32_t i = 0; i < 1000; i++) {
		assert_int_equal(table_put(table, id_of(i), &seen[i]), ERR_OK);
	}
	while (table_next(table, &cursor, &id, &value)) {
		uint32_t i = 0;
		memcpy(&i, id, sizeof(i));
		assert_ptr_equal(value, &seen[i]);
		seen[i]++;
		if (i % 2 == 0) {
			assert_ptr_equal(table_remove(table, id_of(i)), value);
		}
	}
	for (size_t i = 0; i < 1000; i++) {
		assert_int_equal(seen[i], 1);
	}
	assert_int_equal(table_count(table), 500);
	table_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_was_put_and_nothing_else),
		cmocka_unit_test(refuses_more_than_its_cap_but_still_replaces),
		cmocka_unit_test(survives_many_removals),
		cmocka_unit_test(walks_every_entry_once_and_may_remove_it),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
