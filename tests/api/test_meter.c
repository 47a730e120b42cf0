/* api/meter on a clock of the test's own. */
#include "lib/cmocka.h"

#include "api/meter.h"

static int64_t now_ms;

static int64_t mono_ms(void *ctx)
{
	(void)ctx;
	return now_ms;
}

static const struct env env = {.mono_ms = mono_ms};

static void files_each_request_by_how_long_it_took(void **state)
{
	struct meter meter;
	struct meter_row rows[METER_KINDS];
	uint64_t failed = 0;
	(void)state;
	meter_init(&meter, &env);
	for (size_t i = 0; i < METER_BUCKETS; i++) {
		now_ms = 1000 + meter_ends[i]; /* at its end, and just above it */
		meter_count(&meter, METER_READ, 1000, 200);
		meter_count(&meter, METER_READ, 999, 503);
	}
	now_ms = 10;
	meter_count(&meter, METER_PUBLISH, 20, 200); /* a clock that went back took no time */
	meter_read(&meter, rows, &failed);
	assert_int_equal(rows[METER_READ].buckets[0], 1);
	for (size_t i = 1; i < METER_BUCKETS; i++) {
		assert_int_equal(rows[METER_READ].buckets[i], 2);
	}
	assert_int_equal(rows[METER_READ].count, 2 * METER_BUCKETS);
	assert_int_equal(failed, METER_BUCKETS);
	assert_int_equal(rows[METER_PUBLISH].buckets[0], 1);
	assert_int_equal(rows[METER_PUBLISH].sum_ms, 0);
	assert_int_equal(rows[METER_PAGE].count, 0);
	meter_fini(&meter);
}

static void knows_who_is_served_the_longest(void **state)
{
	struct meter meter;
	size_t places[METER_SERVING];
	(void)state;
	now_ms = 0; /* a clock may begin there */
	meter_init(&meter, &env);
	assert_int_equal(meter_longest_ms(&meter), 0);
	for (size_t i = 0; i < METER_SERVING; i++) {
		places[i] = meter_enters(&meter);
		now_ms += 10;
	}
	assert_int_equal(meter_enters(&meter), METER_SERVING); /* no place, and no harm */
	meter_leaves(&meter, METER_SERVING);
	assert_int_equal(meter_longest_ms(&meter), 10 * METER_SERVING - 1);
	meter_leaves(&meter, places[0]);
	assert_int_equal(meter_longest_ms(&meter), 10 * METER_SERVING - 10);
	for (size_t i = 1; i < METER_SERVING; i++) {
		meter_leaves(&meter, places[i]);
	}
	assert_int_equal(meter_longest_ms(&meter), 0);
	meter_fini(&meter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_each_request_by_how_long_it_took),
		cmocka_unit_test(knows_who_is_served_the_longest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
