/* net/dial: a link or a reason a person understands, once, and nothing after a cancel. */
#include "net/net_lib.h"

#include "net/dial.h"
#include "net/listen.h"

struct call {
	struct loop *loop;
	int times;
	struct ear ear;
	char reason[96];
};

static void on_done(void *ctx, struct link *link, const char *reason)
{
	struct call *call = ctx;
	call->times++;
	if (link != NULL) {
		assert_null(reason);
		ear_take(&call->ear, link);
	} else {
		(void)strncpy(call->reason, reason, sizeof(call->reason) - 1);
	}
}

static void dial_to(struct call *call, const char *host, uint16_t port, bool is_learned)
{
	struct dial *dial = NULL;
	assert_int_equal(
		dial_start(call->loop, host, port, is_learned, on_done, call, &dial), ERR_OK);
	assert_non_null(dial);
	assert_int_equal(call->times, 0);
	TURN_UNTIL(call->loop, call->times == 1);
}

static void expect_failure(const char *host, bool is_learned, const char *reason)
{
	struct call call = {.loop = loop_for_test()};
	dial_to(&call, host, free_port(), is_learned);
	assert_null(call.ear.link);
	assert_string_equal(call.reason, reason);
	turns(call.loop, 20);
	assert_int_equal(call.times, 1);
	loop_free(call.loop);
}

static void a_port_where_nobody_listens_is_told(void **state)
{
	(void)state;
	expect_failure("127.0.0.1", false, "connection refused: nothing listens there");
}

static void names_that_cannot_be_are_told(void **state)
{
	(void)state;
	char longest[LIMIT_HOST_BYTES + 100];
	expect_failure("", false, "no such host");
	memset(longest, 'a', sizeof(longest));
	longest[LIMIT_HOST_BYTES + 1] = '\0';
	expect_failure(longest, false, "no such host");
	longest[LIMIT_HOST_BYTES + 1] = 'a';
	longest[sizeof(longest) - 1] = '\0';
	expect_failure(longest, false, "no such host");
}

static void a_stranger_cannot_make_us_dial_our_own_networks(void **state)
{
	(void)state;
	static const char *const hosts[] = {"127.0.0.1", "127.1.2.3", "0.0.0.0", "10.1.2.3",
		"172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.1.1", "100.64.0.1",
		"224.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
		"::7f00:1", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "64:ff9b::7f00:1",
		"2002:7f00:1::", "localhost"};
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		expect_failure(hosts[i], true,
			"that address is not in the Internet, and a stranger named it");
	}
}

static void nothing(void *ctx, struct link *link)
{
	(void)ctx;
	link_close(link, false);
}

static void a_name_with_several_addresses_is_tried_until_one_answers(void **state)
{
	(void)state;
	struct call call = {.loop = loop_for_test()};
	struct listener *listener;
	char why[96];
	struct listen_opts opts = {.loop = call.loop, .host = "127.0.0.1", .on_link = nothing};
	assert_int_equal(listener_start(&opts, &listener, why, sizeof(why)), ERR_OK);
	/* ::1 is asked first where it exists, and refuses. */
	dial_to(&call, "localhost", listener_port(listener), false);
	assert_non_null(call.ear.link);
	assert_true(call.ear.link->is_local);
	TURN_UNTIL(call.loop, call.ear.closes == 1);
	listener_stop(listener);
	loop_free(call.loop);
}

static void a_cancelled_dial_says_nothing(void **state)
{
	(void)state;
	static const char *const hosts[] = {"127.0.0.1", "localhost", "192.0.2.1"};
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		for (int later = 0; later < 2; later++) {
			struct call call = {.loop = loop_for_test()};
			struct dial *dial = NULL;
			assert_int_equal(dial_start(call.loop, hosts[i], free_port(), false,
						 on_done, &call, &dial),
				ERR_OK);
			/* A step may already end it: then there is nothing to cancel. */
			if (later == 1) {
				(void)loop_step(call.loop);
			}
			if (call.times == 0) {
				dial_cancel(dial);
				turns(call.loop, 20);
				assert_int_equal(call.times, 0);
			}
			loop_free(call.loop);
		}
	}
	dial_cancel(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_port_where_nobody_listens_is_told),
		cmocka_unit_test(names_that_cannot_be_are_told),
		cmocka_unit_test(a_stranger_cannot_make_us_dial_our_own_networks),
		cmocka_unit_test(a_name_with_several_addresses_is_tried_until_one_answers),
		cmocka_unit_test(a_cancelled_dial_says_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
