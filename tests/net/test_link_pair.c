/* net/link_pair: a byte stream in memory behaves as net/link promises. */
#include "net/net_lib.h"

#include "net/link_pair.h"

struct pair {
	struct loop *loop;
	struct ear one, two;
};

static void pair_up(struct pair *pair, size_t chunk)
{
	struct link *one;
	struct link *two;
	memset(pair, 0, sizeof(*pair));
	pair->loop = loop_for_test();
	assert_int_equal(link_pair_new(pair->loop, chunk, &one, &two), ERR_OK);
	ear_take(&pair->one, one);
	ear_take(&pair->two, two);
}

static void pair_down(struct pair *pair)
{
	if (pair->one.link != NULL) {
		link_close(pair->one.link, false);
	}
	TURN_UNTIL(pair->loop, pair->one.closes == 1 && pair->two.closes == 1);
	assert_int_equal(*loop_buffered(pair->loop), 0);
	buf_fini(&pair->one.heard);
	buf_fini(&pair->two.heard);
	loop_free(pair->loop);
}

static void bytes_arrive_in_order_one_at_a_time(void **state)
{
	(void)state;
	struct pair pair;
	pair_up(&pair, 1);
	pair.two.keeps = true;
	assert_int_equal(link_write(pair.one.link, span_text("hello ")), ERR_OK);
	assert_int_equal(link_write(pair.one.link, span_text("world")), ERR_OK);
	assert_int_equal(pair.two.calls, 0);
	TURN_UNTIL(pair.loop, pair.two.bytes == 11);
	assert_int_equal(pair.two.calls, 11);
	assert_memory_equal(pair.two.heard.at, "hello world", 11);
	pair_down(&pair);
}

static void a_flushed_close_delivers_what_was_written_and_a_hard_one_does_not(void **state)
{
	(void)state;
	for (int is_flushed = 0; is_flushed < 2; is_flushed++) {
		struct pair pair;
		pair_up(&pair, 2);
		assert_int_equal(link_write(pair.one.link, span_text("goodbye")), ERR_OK);
		link_close(pair.one.link, is_flushed);
		assert_int_equal(pair.one.closes, 0);
		assert_int_equal(link_write(pair.one.link, span_text("more")), ERR_CLOSED);
		TURN_UNTIL(pair.loop, pair.two.closes == 1);
		assert_int_equal(pair.two.bytes, is_flushed ? 7 : 0);
		assert_string_equal(pair.two.reason, "the other side closed the connection");
		assert_string_equal(pair.one.reason, "closed");
		pair_down(&pair);
	}
}

static void a_paused_end_hears_nothing_and_its_queue_is_bounded(void **state)
{
	(void)state;
	struct pair pair;
	static uint8_t block[64 * KIB];
	pair_up(&pair, 0);
	link_pause(pair.two.link);
	size_t written = 0;
	enum err err = ERR_OK;
	while (err == ERR_OK && written < (size_t)10 * LIMIT_PEER_OUT_BYTES) {
		err = link_write(pair.one.link, span_of(block, sizeof(block)));
		written += err == ERR_OK ? sizeof(block) : 0;
		assert_true(link_is_full(pair.one.link) == (written > LIMIT_PEER_OUT_LOW_BYTES));
	}
	assert_int_equal(err, ERR_LIMIT);
	assert_int_equal(written, LIMIT_PEER_OUT_BYTES);
	turns(pair.loop, 20);
	assert_int_equal(pair.two.calls, 0);
	assert_int_equal(pair.one.lows, 0);
	link_resume(pair.two.link);
	assert_int_equal(pair.two.calls, 0);
	TURN_UNTIL(pair.loop, pair.two.bytes == written);
	assert_int_equal(pair.one.lows, 1);
	assert_false(link_is_full(pair.one.link));
	pair_down(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_arrive_in_order_one_at_a_time),
		cmocka_unit_test(a_flushed_close_delivers_what_was_written_and_a_hard_one_does_not),
		cmocka_unit_test(a_paused_end_hears_nothing_and_its_queue_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
