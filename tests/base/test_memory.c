/* base/memory: what the process takes, and what of a budget falls to whom. */
#include "lib/cmocka.h"

#include "base/limits.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static void without_a_budget_everything_is_as_usual(void **state)
{
	(void)state;
	memory_init(0);
	assert_int_equal(memory_share(16 * MIB, 1), 16 * MIB);
	memory_init(LIMIT_MEMORY_BYTES);
	assert_int_equal(memory_share(16 * MIB, 1), 16 * MIB);
	memory_init(1000 * LIMIT_MEMORY_BYTES);
	assert_int_equal(memory_share(16 * MIB, 1), 16 * MIB);
}

static void a_budget_is_shared_in_proportion_down_to_the_least(void **state)
{
	(void)state;
	memory_init(LIMIT_MEMORY_BYTES / 2);
	assert_int_equal(memory_share(16 * MIB, 1), 8 * MIB);
	memory_init(LIMIT_MEMORY_BYTES_MIN);
	assert_int_equal(memory_share(16 * MIB, 1), 4 * MIB);
	assert_int_equal(memory_share(16 * MIB, 4 * MIB), 4 * MIB);
	assert_int_equal(memory_share(16 * MIB, 4 * MIB + 1), 4 * MIB + 1);
	assert_int_equal(memory_share(256 * KIB, 256 * KIB), 256 * KIB);
	memory_init(0);
}

static void sees_what_is_taken(void **state)
{
	enum { BYTES = 32 * MIB };
	struct memory_now before;
	struct memory_now after;
	(void)state;
	memory_init(LIMIT_MEMORY_BYTES_MIN);
	memory_look(&before);
	char *taken = malloc(BYTES);
	assert_non_null(taken);
	memset(taken, 1, BYTES);
	memory_look(&after);
	assert_int_equal(after.budget, LIMIT_MEMORY_BYTES_MIN);
	assert_true(before.resident > 0);
	assert_true(after.resident - before.resident > BYTES / 2);
	free(taken);
	memory_init(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_budget_everything_is_as_usual),
		cmocka_unit_test(a_budget_is_shared_in_proportion_down_to_the_least),
		cmocka_unit_test(sees_what_is_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
