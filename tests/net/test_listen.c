/* net/listen: counts hold at the limit and above, and those who stay silent do not keep others out.
 */
#include "net/net_lib.h"

#include "net/link_tcp.h"
#include "net/listen.h"

#include <stdio.h>

enum { EARS_MAX = 1024 };

struct host {
	struct loop *loop;
	struct listener *listener;
	struct ear ears[EARS_MAX];
	int links;
	bool is_shaking; /* leave the handshakes under way */
};

static void on_link(void *ctx, struct link *link)
{
	struct host *host = ctx;
	assert_true(host->links < EARS_MAX);
	ear_take(&host->ears[host->links++], link);
	if (!host->is_shaking) {
		link_shaken(link);
		link_shaken(link);
	}
}

static void host_up_as(struct host *host, const struct listen_opts *opts)
{
	char why[96];
	struct listen_opts whole = *opts;
	memset(host, 0, sizeof(*host));
	host->loop = loop_for_test();
	whole.loop = host->loop;
	whole.on_link = on_link;
	whole.ctx = host;
	assert_int_equal(listener_start(&whole, &host->listener, why, sizeof(why)), ERR_OK);
	assert_true(listener_port(host->listener) > 0);
}

static void host_up(struct host *host, const char *address, size_t peers_max)
{
	host_up_as(host, &(struct listen_opts){.host = address, .peers_max = peers_max});
}

static struct listener_figures figures_of(const struct host *host)
{
	struct listener_figures figures;
	listener_figures(host->listener, &figures);
	return figures;
}

static int closed_count(const struct host *host)
{
	int count = 0;
	for (int i = 0; i < host->links; i++) {
		assert_true(host->ears[i].closes <= 1);
		count += host->ears[i].closes;
	}
	return count;
}

static void host_down(struct host *host)
{
	for (int i = 0; i < host->links; i++) {
		if (host->ears[i].link != NULL) {
			link_close(host->ears[i].link, false);
		}
	}
	TURN_UNTIL(host->loop, closed_count(host) == host->links);
	if (host->listener != NULL) {
		assert_int_equal(figures_of(host).open, 0);
		assert_int_equal(figures_of(host).shaking, 0);
	}
	listener_stop(host->listener);
	loop_free(host->loop);
}

static uint64_t judged(const struct host *host)
{
	struct listener_figures figures = figures_of(host);
	return figures.accepted + figures.refused;
}

/* Connect `count` raw sockets from `source` (an address of this machine). */
static void pour(struct host *host, int *fds, int count, const char *source)
{
	for (int i = 0; i < count; i++) {
		struct sockaddr_in from = {.sin_family = AF_INET};
		struct sockaddr_in to = {
			.sin_family = AF_INET, .sin_port = htons(listener_port(host->listener))};
		assert_int_equal(inet_pton(AF_INET, source, &from.sin_addr), 1);
		to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_true(fds[i] >= 0);
		assert_int_equal(bind(fds[i], (struct sockaddr *)&from, sizeof(from)), 0);
		assert_int_equal(connect(fds[i], (struct sockaddr *)&to, sizeof(to)), 0);
	}
}

/* … and wait until each was judged. */
static void crowd(struct host *host, int *fds, int count, const char *source)
{
	uint64_t before = judged(host);
	pour(host, fds, count, source);
	TURN_UNTIL(host->loop, judged(host) == before + (uint64_t)count);
}

static void leave(const int *fds, int count)
{
	for (int i = 0; i < count; i++) {
		(void)close(fds[i]);
	}
}

static void peers_up_to_the_limit_come_in_and_those_above_are_refused(void **state)
{
	(void)state;
	struct host host;
	int fds[60];
	host_up(&host, "127.0.0.1", 20);
	crowd(&host, fds, 20, "127.0.0.1");
	assert_int_equal(figures_of(&host).open, 20);
	assert_int_equal(figures_of(&host).refused, 0);
	crowd(&host, fds + 20, 1, "127.0.0.1");
	assert_int_equal(figures_of(&host).refused, 1);
	TURN_UNTIL(host.loop, raw_is_closed(fds[20]));
	crowd(&host, fds + 21, 39, "127.0.0.1");
	assert_int_equal(figures_of(&host).refused, 40);
	assert_int_equal(figures_of(&host).open, 20);
	assert_int_equal(host.links, 20);
	/* Who leaves makes room. */
	(void)close(fds[0]);
	TURN_UNTIL(host.loop, figures_of(&host).open == 19);
	crowd(&host, fds, 1, "127.0.0.1");
	assert_int_equal(figures_of(&host).open, 20);
	leave(fds, 60);
	host_down(&host);
}

static void another_number_of_peers_counts_from_now_on(void **state)
{
	(void)state;
	struct host host;
	int fds[6];
	host_up(&host, "127.0.0.1", 2);
	crowd(&host, fds, 3, "127.0.0.1");
	assert_int_equal(figures_of(&host).open, 2);
	listener_set_peers_max(host.listener, 3);
	crowd(&host, fds + 3, 2, "127.0.0.1");
	assert_int_equal(figures_of(&host).open, 3);
	assert_int_equal(figures_of(&host).refused, 2);
	listener_set_peers_max(host.listener, 1); /* who is in stays */
	crowd(&host, fds + 5, 1, "127.0.0.1");
	assert_int_equal(figures_of(&host).open, 3);
	assert_int_equal(figures_of(&host).refused, 3);
	assert_int_equal(closed_count(&host), 0);
	leave(fds, 6);
	host_down(&host);
}

static void the_oldest_handshake_gives_way_to_the_newcomer(void **state)
{
	(void)state;
	struct host host;
	int fds[LIMIT_HANDSHAKES + 3];
	host_up(&host, "127.0.0.1", 0);
	host.is_shaking = true;
	crowd(&host, fds, LIMIT_HANDSHAKES, "127.0.0.1");
	assert_int_equal(figures_of(&host).displaced, 0);
	listener_handshake_over(host.listener, host.ears[0].link);
	assert_int_equal(figures_of(&host).shaking, LIMIT_HANDSHAKES - 1);
	crowd(&host, fds + LIMIT_HANDSHAKES, 3, "127.0.0.1");
	assert_int_equal(figures_of(&host).shaking, LIMIT_HANDSHAKES);
	assert_int_equal(figures_of(&host).displaced, 2);
	assert_int_equal(figures_of(&host).refused, 0);
	TURN_UNTIL(host.loop, closed_count(&host) == 2);
	assert_int_equal(host.ears[0].closes, 0); /* its handshake was over */
	assert_string_equal(host.ears[1].reason, "the handshake gave way to newer connections");
	assert_int_equal(host.ears[2].closes, 1);
	leave(fds, LIMIT_HANDSHAKES + 3);
	host_down(&host);
}

static void handshakes_never_displace_finished_peers(void **state)
{
	(void)state;
	struct host host;
	int fds[14];
	host_up(&host, "127.0.0.1", 10);
	crowd(&host, fds, 9, "127.0.0.1");
	host.is_shaking = true;
	crowd(&host, fds + 9, 5, "127.0.0.1");
	assert_int_equal(figures_of(&host).displaced, 4);
	assert_int_equal(figures_of(&host).open, 10);
	TURN_UNTIL(host.loop, closed_count(&host) == 4);
	for (int i = 0; i < 9; i++) {
		assert_int_equal(host.ears[i].closes, 0);
	}
	leave(fds, 14);
	host_down(&host);
}

static void a_crowd_above_the_rate_waits_and_all_come_in(void **state)
{
	(void)state;
	enum { CROWD = LIMIT_ACCEPTS_PER_SECOND + 20 };
	struct host host;
	int fds[CROWD];
	host_up(&host, "127.0.0.1", 0);
	host.is_shaking = true; /* else the address is known */
	int64_t before = env_mono_ms(env_system());
	crowd(&host, fds, CROWD, "127.0.0.1");
	/* The allowance is one second's worth; the rest cannot come at once. */
	assert_true(env_mono_ms(env_system()) - before >= 20 * 1000 / LIMIT_ACCEPTS_PER_SECOND);
	assert_int_equal(figures_of(&host).accepted, CROWD);
	assert_int_equal(figures_of(&host).refused, 0);
	leave(fds, CROWD);
	host_down(&host);
}

static void a_known_address_does_not_wait_behind_a_flood(void **state)
{
	(void)state;
	enum { FLOOD = LIMIT_ACCEPTS_PER_SECOND + LIMIT_ACCEPTS_WAITING };
	struct host host;
	int fds[FLOOD + 2];
	host_up(&host, "127.0.0.1", 0);
	crowd(&host, fds, 1, "127.0.0.1");
	host.is_shaking = true;
	pour(&host, fds + 1, FLOOD, "127.0.0.2");
	TURN_UNTIL(host.loop, figures_of(&host).accepted >= LIMIT_ACCEPTS_PER_SECOND);
	turns(host.loop, 3);
	pour(&host, fds + 1 + FLOOD, 1, "127.0.0.1");
	/* It is let in though those before it are not yet. */
	TURN_UNTIL(
		host.loop, strncmp(host.ears[host.links - 1].link->remote, "127.0.0.1:", 10) == 0);
	assert_true(judged(&host) < FLOOD + 2);
	TURN_UNTIL(host.loop, judged(&host) == FLOOD + 2);
	assert_int_equal(figures_of(&host).refused, 0);
	leave(fds, FLOOD + 2);
	host_down(&host);
}

static void a_flood_above_who_may_wait_is_refused(void **state)
{
	(void)state;
	enum { FLOOD = 900 };
	struct host host;
	int fds[FLOOD];
	host_up(&host, "127.0.0.1", 0);
	host.is_shaking = true;
	pour(&host, fds, FLOOD, "127.0.0.2");
	TURN_UNTIL(host.loop, judged(&host) == FLOOD);
	assert_true(figures_of(&host).accepted >= LIMIT_ACCEPTS_PER_SECOND + LIMIT_ACCEPTS_WAITING);
	assert_true(figures_of(&host).refused > 0);
	leave(fds, FLOOD);
	host_down(&host);
}

static void those_who_wait_are_closed_with_the_listener(void **state)
{
	(void)state;
	enum { CROWD = LIMIT_ACCEPTS_PER_SECOND + 50 };
	struct host host;
	int fds[CROWD];
	host_up(&host, "127.0.0.1", 0);
	host.is_shaking = true;
	pour(&host, fds, CROWD, "127.0.0.2");
	TURN_UNTIL(host.loop, host.links >= LIMIT_ACCEPTS_PER_SECOND);
	listener_stop(host.listener);
	host.listener = NULL;
	turns(host.loop, 3);
	assert_true(host.links < CROWD);
	TURN_UNTIL(host.loop, raw_is_closed(fds[CROWD - 1]));
	leave(fds, CROWD);
	host_down(&host);
}

static void one_address_has_its_own_limits(void **state)
{
	(void)state;
	const char *address = "127.0.0.1";
	struct host host;
	int fds[LIMIT_PEERS_PER_ADDRESS * 4];
	host_up_as(&host, &(struct listen_opts){.host = address, .is_loopback_limited = true});
	host.is_shaking = true;
	crowd(&host, fds, LIMIT_HANDSHAKES_PER_ADDRESS, address);
	assert_int_equal(figures_of(&host).refused, 0);
	crowd(&host, fds + LIMIT_HANDSHAKES_PER_ADDRESS, 2, address);
	assert_int_equal(figures_of(&host).refused, 2);
	assert_int_equal(figures_of(&host).displaced, 0);
	for (int i = 0; i < LIMIT_HANDSHAKES_PER_ADDRESS; i++) {
		link_shaken(host.ears[i].link);
	}
	host.is_shaking = false;
	int next = LIMIT_HANDSHAKES_PER_ADDRESS + 2;
	crowd(&host, fds + next, 20, address);
	/* The rate of one address: the crowd came within a second or so. */
	assert_true(figures_of(&host).open >= LIMIT_ACCEPTS_PER_SECOND_ADDRESS);
	assert_true(figures_of(&host).open <= LIMIT_PEERS_PER_ADDRESS);
	assert_true(figures_of(&host).refused >= 2 + 20 - 12);
	leave(fds, next + 20);
	host_down(&host);
}

static void the_rest_of_a_listener_that_stopped_lives_on(void **state)
{
	(void)state;
	struct host host;
	int fds[4];
	host_up(&host, "127.0.0.1", 0);
	crowd(&host, fds, 2, "127.0.0.1");
	host.is_shaking = true;
	crowd(&host, fds + 2, 2, "127.0.0.1");
	listener_stop(host.listener);
	host.listener = NULL;
	turns(host.loop, 10);
	assert_int_equal(closed_count(&host), 0);
	for (int i = 0; i < 4; i++) {
		link_shaken(host.ears[i].link);
		assert_int_equal(write(fds[i], "x", 1), 1);
	}
	for (int i = 0; i < 4; i++) {
		TURN_UNTIL(host.loop, host.ears[i].bytes == 1);
	}
	leave(fds, 4);
	host_down(&host);
}

static void a_port_in_use_and_a_name_are_refused_with_a_sentence(void **state)
{
	(void)state;
	struct host host;
	struct listener *second = NULL;
	char why[96] = "";
	host_up(&host, "127.0.0.1", 0);
	struct listen_opts opts = {.loop = host.loop,
		.host = "127.0.0.1",
		.port = listener_port(host.listener),
		.on_link = on_link,
		.ctx = &host};
	assert_int_equal(listener_start(&opts, &second, why, sizeof(why)), ERR_IO);
	assert_non_null(strstr(why, "address already in use"));
	opts.host = "example.org";
	assert_int_equal(listener_start(&opts, &second, why, sizeof(why)), ERR_REFUSED);
	assert_string_equal(why, "example.org is not a numeric address");
	assert_null(second);
	host_down(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peers_up_to_the_limit_come_in_and_those_above_are_refused),
		cmocka_unit_test(another_number_of_peers_counts_from_now_on),
		cmocka_unit_test(the_oldest_handshake_gives_way_to_the_newcomer),
		cmocka_unit_test(handshakes_never_displace_finished_peers),
		cmocka_unit_test(a_crowd_above_the_rate_waits_and_all_come_in),
		cmocka_unit_test(a_known_address_does_not_wait_behind_a_flood),
		cmocka_unit_test(a_flood_above_who_may_wait_is_refused),
		cmocka_unit_test(those_who_wait_are_closed_with_the_listener),
		cmocka_unit_test(one_address_has_its_own_limits),
		cmocka_unit_test(the_rest_of_a_listener_that_stopped_lives_on),
		cmocka_unit_test(a_port_in_use_and_a_name_are_refused_with_a_sentence),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
