/* net/link_tcp: a socket as a link: order, caps, pause, stalls, and ends, always told once. */
#include "net/net_lib.h"

#include "net/dial.h"
#include "net/link_tcp.h"
#include "net/listen.h"

struct pair {
	struct loop *loop;
	struct listener *listener;
	struct ear dialled, accepted;
	bool has_dialled, has_accepted;
};

static void on_accepted(void *ctx, struct link *link)
{
	struct pair *pair = ctx;
	ear_take(&pair->accepted, link);
	pair->has_accepted = true;
}

static void on_dialled(void *ctx, struct link *link, const char *reason)
{
	struct pair *pair = ctx;
	assert_non_null(link);
	assert_null(reason);
	ear_take(&pair->dialled, link);
	pair->has_dialled = true;
}

static void pair_listen(struct pair *pair)
{
	char why[96];
	memset(pair, 0, sizeof(*pair));
	pair->loop = loop_for_test();
	struct listen_opts opts = {
		.loop = pair->loop, .host = "127.0.0.1", .on_link = on_accepted, .ctx = pair};
	assert_int_equal(listener_start(&opts, &pair->listener, why, sizeof(why)), ERR_OK);
}

static void pair_up(struct pair *pair)
{
	struct dial *dial;
	pair_listen(pair);
	assert_int_equal(dial_start(pair->loop, "127.0.0.1", listener_port(pair->listener), false,
				 on_dialled, pair, &dial),
		ERR_OK);
	TURN_UNTIL(pair->loop, pair->has_dialled && pair->has_accepted);
	assert_true(pair->accepted.link->is_local);
}

static void pair_down(struct pair *pair)
{
	if (pair->dialled.link != NULL) {
		link_close(pair->dialled.link, false);
	}
	if (pair->accepted.link != NULL) {
		link_close(pair->accepted.link, false);
	}
	TURN_UNTIL(pair->loop, pair->accepted.link == NULL && pair->dialled.link == NULL);
	assert_int_equal(pair->accepted.closes, pair->has_accepted);
	assert_int_equal(pair->dialled.closes, pair->has_dialled);
	listener_stop(pair->listener);
	assert_int_equal(*loop_buffered(pair->loop), 0);
	buf_fini(&pair->dialled.heard);
	buf_fini(&pair->accepted.heard);
	loop_free(pair->loop);
}

static void bytes_arrive_whole_and_in_order(void **state)
{
	(void)state;
	struct pair pair;
	enum { TOTAL = 8 * MIB, STEP = 7919 };
	static uint8_t block[STEP];
	pair_up(&pair);
	pair.accepted.keeps = true;
	uint32_t next = 0;
	size_t sent = 0;
	while (sent < TOTAL) {
		if (link_is_full(pair.dialled.link)) {
			(void)loop_step(pair.loop);
			continue;
		}
		for (size_t i = 0; i < STEP; i++) {
			block[i] = (uint8_t)(next++ * 2654435761u >> 24);
		}
		assert_int_equal(
			link_write(pair.dialled.link, span_of(block, sizeof(block))), ERR_OK);
		sent += sizeof(block);
	}
	TURN_UNTIL(pair.loop, pair.accepted.bytes == sent);
	for (uint32_t i = 0; i < next; i++) {
		if (pair.accepted.heard.at[i] != (uint8_t)(i * 2654435761u >> 24)) {
			fail_msg("byte %u is not what was sent", i);
		}
	}
	pair_down(&pair);
}

static void a_flushed_close_brings_the_last_bytes_and_then_ends_both(void **state)
{
	(void)state;
	struct pair pair;
	static uint8_t block[700 * KIB];
	pair_up(&pair);
	assert_int_equal(link_write(pair.dialled.link, span_of(block, sizeof(block))), ERR_OK);
	/* Bytes the other way that nobody reads must not turn our end into a reset. */
	assert_int_equal(link_write(pair.accepted.link, span_of(block, 100)), ERR_OK);
	link_close(pair.dialled.link, true);
	assert_int_equal(link_write(pair.dialled.link, span_text("x")), ERR_CLOSED);
	TURN_UNTIL(pair.loop, pair.accepted.closes == 1 && pair.dialled.closes == 1);
	assert_int_equal(pair.accepted.bytes, sizeof(block));
	assert_string_equal(pair.accepted.reason, "the other side closed the connection");
	assert_string_equal(pair.dialled.reason, "closed");
	pair_down(&pair);
}

static void an_other_side_that_never_shuts_is_left_after_the_linger(void **state)
{
	(void)state;
	struct pair pair;
	pair_listen(&pair);
	int fd = raw_connect(listener_port(pair.listener));
	TURN_UNTIL(pair.loop, pair.has_accepted);
	assert_int_equal(link_write(pair.accepted.link, span_text("bye")), ERR_OK);
	link_close(pair.accepted.link, true);
	TURN_UNTIL(pair.loop, pair.accepted.closes == 1);
	(void)close(fd);
	pair_down(&pair);
}

static void closing_twice_or_hard_during_a_soft_close_tells_once(void **state)
{
	(void)state;
	struct pair pair;
	pair_up(&pair);
	link_close(pair.dialled.link, true);
	link_close(pair.dialled.link, false);
	link_close(pair.dialled.link, false);
	assert_int_equal(pair.dialled.closes, 0);
	TURN_UNTIL(pair.loop, pair.dialled.closes == 1 && pair.accepted.closes == 1);
	turns(pair.loop, 20);
	pair_down(&pair);
}

/* Fill a link whose reader does not read; returns how much was taken. */
static size_t fill(struct pair *pair)
{
	static uint8_t block[64 * KIB];
	size_t written = 0;
	for (int calm = 0; calm < 50;) {
		enum err err = link_write(pair->accepted.link, span_of(block, sizeof(block)));
		if (err == ERR_OK) {
			written += sizeof(block);
			calm = 0;
		} else {
			assert_int_equal(err, ERR_LIMIT);
			assert_true(*loop_buffered(pair->loop) <= LIMIT_PEER_OUT_BYTES);
			turns(pair->loop, 1);
			calm++;
		}
	}
	return written;
}

static void the_queue_to_a_slow_reader_is_capped_and_low_is_told_once(void **state)
{
	(void)state;
	struct pair pair;
	pair_up(&pair);
	link_pause(pair.dialled.link);
	turns(pair.loop, 3);
	size_t written = fill(&pair);
	assert_true(link_is_full(pair.accepted.link));
	assert_int_equal(pair.dialled.calls, 0);
	int lows = pair.accepted.lows;
	link_resume(pair.dialled.link);
	assert_int_equal(pair.dialled.calls, 0);
	TURN_UNTIL(pair.loop, pair.dialled.bytes == written);
	TURN_UNTIL(pair.loop, *loop_buffered(pair.loop) == 0);
	assert_int_equal(pair.accepted.lows, lows + 1);
	assert_false(link_is_full(pair.accepted.link));
	pair_down(&pair);
}

static void all_links_together_hold_so_much_and_no_more(void **state)
{
	(void)state;
	static const uint8_t body[LIMIT_PEER_OUT_BYTES];
	static const size_t above[] = {101, 100 * 1000};
	struct pair pair;
	pair_up(&pair);
	size_t *held = loop_buffered(pair.loop); /* as if others held the rest */
	const size_t others = LIMIT_PEERS_BUFFER_BYTES - 100;
	*held += others;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(link_write(pair.dialled.link, span_of(body, above[i])), ERR_LIMIT);
		assert_int_equal(*held, others);
	}
	assert_int_equal(link_write(pair.dialled.link, span_of(body, 100)), ERR_OK);
	assert_int_equal(link_write(pair.dialled.link, span_of(body, 1)), ERR_LIMIT);
	TURN_UNTIL(pair.loop, pair.accepted.bytes == 100);
	assert_int_equal(*held, others);
	*held -= others;
	pair_down(&pair);
}

static void a_write_that_makes_no_progress_closes_the_link(void **state)
{
	(void)state;
	struct pair pair;
	pair_listen(&pair);
	int fd = raw_connect(listener_port(pair.listener));
	TURN_UNTIL(pair.loop, pair.has_accepted);
	static uint8_t block[64 * KIB];
	link_tcp_set_stall_ms(pair.accepted.link, 30);
	while (link_write(pair.accepted.link, span_of(block, sizeof(block))) == ERR_OK) {
	}
	assert_int_equal(pair.accepted.closes, 0);
	TURN_UNTIL(pair.loop, pair.accepted.closes == 1);
	assert_string_equal(pair.accepted.reason, "the other side stopped reading");
	(void)close(fd);
	pair_down(&pair);
}

static void a_reset_is_told(void **state)
{
	(void)state;
	struct pair pair;
	pair_listen(&pair);
	int fd = raw_connect(listener_port(pair.listener));
	TURN_UNTIL(pair.loop, pair.has_accepted);
	struct linger hard = {.l_onoff = 1, .l_linger = 0};
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
	(void)close(fd);
	TURN_UNTIL(pair.loop, pair.accepted.closes == 1);
	assert_string_equal(pair.accepted.reason, "connection reset");
	pair_down(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_arrive_whole_and_in_order),
		cmocka_unit_test(a_flushed_close_brings_the_last_bytes_and_then_ends_both),
		cmocka_unit_test(an_other_side_that_never_shuts_is_left_after_the_linger),
		cmocka_unit_test(closing_twice_or_hard_during_a_soft_close_tells_once),
		cmocka_unit_test(the_queue_to_a_slow_reader_is_capped_and_low_is_told_once),
		cmocka_unit_test(all_links_together_hold_so_much_and_no_more),
		cmocka_unit_test(a_write_that_makes_no_progress_closes_the_link),
		cmocka_unit_test(a_reset_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
