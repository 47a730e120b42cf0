/* base/buf: capped growth, failures that change nothing, and bytes given up at the front. */
#include "lib/cmocka.h"

#include "base/buf.h"

static void holds_up_to_its_cap_and_not_one_byte_more(void **state)
{
	(void)state;
	struct buf buf = BUF_INIT(1000);
	static const uint8_t bytes[1001] = {1};
	assert_int_equal(buf_append(&buf, span_of(bytes, 999)), ERR_OK);
	assert_int_equal(buf_append_byte(&buf, 7), ERR_OK);
	assert_int_equal(buf_append_byte(&buf, 8), ERR_LIMIT);
	assert_int_equal(buf_append(&buf, span_of(bytes, 1001)), ERR_LIMIT);
	assert_int_equal(buf_append_text(&buf, "x"), ERR_LIMIT);
	assert_int_equal(buf_printf(&buf, "%d", 1), ERR_LIMIT);
	assert_null(buf_reserve(&buf, 1));
	assert_null(buf_reserve(&buf, SIZE_MAX));
	assert_int_equal(buf.len, 1000);
	assert_int_equal(buf.at[999], 7);
	buf_fini(&buf);
	buf_fini(&buf);
	assert_int_equal(buf.len, 0);
}

static void wiping_covers_what_was_consumed_and_leaves_it_empty(void **state)
{
	(void)state;
	struct buf buf = BUF_INIT(300);
	assert_int_equal(buf_append_text(&buf, "secret"), ERR_OK);
	buf_consume(&buf, 3);
	buf_wipe(&buf); /* under ASan: nothing outside of it, and nothing is left */
	assert_int_equal(buf.len, 0);
	assert_null(buf.at);
	assert_int_equal(buf.max, 300);
	buf_wipe(&buf);
}

static void prints_at_the_cap_without_room_for_a_nul(void **state)
{
	(void)state;
	struct buf buf = BUF_INIT(5);
	assert_int_equal(buf_printf(&buf, "%s", "12345"), ERR_OK);
	assert_true(span_equal_text(buf_span(&buf), "12345"));
	assert_string_equal(buf_cstr(&buf), "12345");
	assert_int_equal(buf.len, 5);
	buf_fini(&buf);
}

static void keeps_what_follows_the_consumed_bytes(void **state)
{
	(void)state;
	struct buf buf = BUF_INIT(300);
	uint8_t next_in = 0;
	uint8_t next_out = 0;
	/* Ten times the cap goes through; what is inside never passes it. */
	for (int round = 0; round < 100; round++) {
		for (int i = 0; i < 30; i++) {
			assert_int_equal(buf_append_byte(&buf, next_in++), ERR_OK);
		}
		for (int i = 0; i < 30; i += 10) {
			for (int k = 0; k < 10; k++) {
				assert_int_equal(buf.at[k], next_out++);
			}
			buf_consume(&buf, 10);
		}
	}
	assert_int_equal(buf.len, 0);
	assert_true(buf.cap <= 512);
	buf_consume(&buf, 10);
	buf_fini(&buf);
}

static void wins_consumed_room_back(void **state)
{
	(void)state;
	struct buf buf = BUF_INIT(256);
	uint8_t bytes[256];
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (uint8_t)i;
	}
	assert_int_equal(buf_append(&buf, span_of(bytes, 256)), ERR_OK);
	buf_consume(&buf, 100);
	assert_int_equal(buf_append(&buf, span_of(bytes, 100)), ERR_OK);
	assert_int_equal(buf_append_byte(&buf, 0), ERR_LIMIT);
	assert_memory_equal(buf.at, bytes + 100, 156);
	assert_memory_equal(buf.at + 156, bytes, 100);
	buf_truncate(&buf, 156);
	assert_int_equal(buf.len, 156);
	buf_clear(&buf);
	assert_int_equal(buf_append(&buf, span_of(bytes, 256)), ERR_OK);
	assert_memory_equal(buf.at, bytes, 256);
	buf_fini(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(holds_up_to_its_cap_and_not_one_byte_more),
		cmocka_unit_test(prints_at_the_cap_without_room_for_a_nul),
		cmocka_unit_test(wiping_covers_what_was_consumed_and_leaves_it_empty),
		cmocka_unit_test(keeps_what_follows_the_consumed_bytes),
		cmocka_unit_test(wins_consumed_room_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
