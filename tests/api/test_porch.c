/* Whose place it is when places run out: limits at, above and far above, and who gives way. */
#include "api/porch.h"

#include "lib/cmocka.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* All of FAR come in less time than a stranger has for a head, so that the porch's own watcher,
 * which looks every two seconds of a real clock, has nothing to find. */
enum { FAR = 100 * LIMIT_HTTP_CONNECTIONS, STEP_MS = 1 };

/* A connection as the porch sees it; `other` is the client's end. */
struct visit {
	int fd, other;
	struct porch_conn *conn;
};

static int64_t now_ms;

static int64_t mono_ms(void *ctx)
{
	(void)ctx;
	return __atomic_load_n(&now_ms, __ATOMIC_RELAXED);
}

static void pass_ms(int64_t ms)
{
	(void)__atomic_add_fetch(&now_ms, ms, __ATOMIC_RELAXED);
}

static const struct env env = {.mono_ms = mono_ms};
static struct porch *porch;

static int set_up(void **state)
{
	(void)state;
	now_ms = 1000000;
	return porch_new(&env, &porch) == ERR_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	porch_free(porch);
	return 0;
}

static struct porch_guest guest_from(unsigned number)
{
	struct porch_guest guest = {.fd = -1};
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(number)};
	assert_true(place_address_of((const struct sockaddr *)&from, &guest.from));
	return guest;
}

static void come(struct visit *visit, struct porch_guest guest)
{
	int fds[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	guest.fd = fds[0];
	*visit = (struct visit){.fd = fds[0], .other = fds[1]};
	pass_ms(STEP_MS);
	visit->conn = porch_enter(porch, &guest);
	assert_non_null(visit->conn);
}

static void come_from(struct visit *visit, unsigned number)
{
	come(visit, guest_from(number));
}

static void do_at(const struct visit *visit, enum porch_phase phase)
{
	pass_ms(STEP_MS);
	porch_set(porch, visit->conn, phase);
}

static void log_in(const struct visit *visit)
{
	porch_know(porch, visit->conn);
	do_at(visit, PORCH_BUSY);
	do_at(visit, PORCH_IDLE);
}

static bool is_shut(const struct visit *visit)
{
	struct pollfd wait = {.fd = visit->other, .events = POLLIN};
	return poll(&wait, 1, 0) > 0;
}

static void leave(struct visit *visits, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		porch_leave(porch, visits[i].conn);
		(void)close(visits[i].fd);
		(void)close(visits[i].other);
	}
	struct porch_figures figures;
	porch_figures(porch, &figures);
	assert_int_equal(figures.here, 0);
}

static size_t shut_of(const struct visit *visits, size_t count)
{
	size_t shut = 0;
	for (size_t i = 0; i < count; i++) {
		shut += is_shut(&visits[i]) ? 1 : 0;
	}
	return shut;
}

static void gives_each_stranger_no_more_than_its_share(void **state)
{
	static struct visit visits[FAR];
	static const size_t counts[] = {
		LIMIT_HTTP_PER_ADDRESS, LIMIT_HTTP_PER_ADDRESS + 1, 100 * LIMIT_HTTP_PER_ADDRESS};
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		for (size_t j = 0; j < counts[i]; j++) {
			come_from(&visits[j], 1);
		}
		assert_int_equal(shut_of(visits, counts[i]), counts[i] - LIMIT_HTTP_PER_ADDRESS);
		/* The first ones gave way. */
		assert_false(is_shut(&visits[counts[i] - LIMIT_HTTP_PER_ADDRESS]));
		leave(visits, counts[i]);
	}
}

static void holds_no_more_than_its_places_in_all(void **state)
{
	static struct visit visits[FAR];
	static const size_t counts[] = {LIMIT_HTTP_CONNECTIONS, LIMIT_HTTP_CONNECTIONS + 1, FAR};
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		for (size_t j = 0; j < counts[i]; j++) {
			come_from(&visits[j], (unsigned)j);
		}
		assert_int_equal(shut_of(visits, counts[i]), counts[i] - LIMIT_HTTP_CONNECTIONS);
		assert_false(is_shut(&visits[counts[i] - LIMIT_HTTP_CONNECTIONS]));
		leave(visits, counts[i]);
	}
}

static void counts_no_session_to_the_share_of_its_address(void **state)
{
	struct visit visits[2 * LIMIT_HTTP_PER_ADDRESS];
	(void)state;
	for (size_t i = 0; i < 2 * LIMIT_HTTP_PER_ADDRESS; i++) {
		come_from(&visits[i], 1);
		log_in(&visits[i]);
	}
	assert_int_equal(shut_of(visits, 2 * LIMIT_HTTP_PER_ADDRESS), 0);
	leave(visits, 2 * LIMIT_HTTP_PER_ADDRESS);
}

/* A browser that is signed in opens another connection: it comes as a stranger. */
static void lets_strangers_elsewhere_give_way_before_those_at_home(void **state)
{
	static struct visit visits[FAR];
	struct visit first;
	(void)state;
	come_from(&first, 1);
	log_in(&first);
	for (size_t i = 0; i < LIMIT_HTTP_CONNECTIONS; i++) {
		come_from(&visits[i], i < 2 * LIMIT_HTTP_PER_ADDRESS ? 1 : (unsigned)i + 2);
	}
	/* The share of an address is not for the owner's, and the first place that was taken was
	 * of the strangers elsewhere. */
	assert_int_equal(shut_of(visits, 2 * LIMIT_HTTP_PER_ADDRESS), 0);
	assert_true(is_shut(&visits[2 * LIMIT_HTTP_PER_ADDRESS]));
	for (size_t i = LIMIT_HTTP_CONNECTIONS; i < FAR; i++) {
		come_from(&visits[i], (unsigned)i + 2);
	}
	assert_int_equal(shut_of(visits, 2 * LIMIT_HTTP_PER_ADDRESS), 0);
	assert_false(is_shut(&first));
	porch_leave(porch, first.conn);
	(void)close(first.fd);
	(void)close(first.other);
	leave(visits, FAR);
}

/* More addresses than are remembered: the one that was used longest ago is a stranger's again. */
static void remembers_the_addresses_that_were_used_last(void **state)
{
	struct visit visits[LIMIT_HTTP_CONNECTIONS];
	const unsigned homes = 17;
	(void)state;
	for (unsigned i = 0; i < homes; i++) {
		come_from(&visits[i], 1000 + i);
		log_in(&visits[i]);
	}
	leave(visits, homes);
	for (unsigned i = 0; i <= LIMIT_HTTP_PER_ADDRESS; i++) {
		come_from(&visits[i], 1001);
	}
	assert_int_equal(shut_of(visits, LIMIT_HTTP_PER_ADDRESS + 1), 0);
	leave(visits, LIMIT_HTTP_PER_ADDRESS + 1);
	for (unsigned i = 0; i <= LIMIT_HTTP_PER_ADDRESS; i++) {
		come_from(&visits[i], 1000);
	}
	assert_int_equal(shut_of(visits, LIMIT_HTTP_PER_ADDRESS + 1), 1);
	leave(visits, LIMIT_HTTP_PER_ADDRESS + 1);
}

static void counts_what_a_trusted_proxy_brings_in_all_only(void **state)
{
	struct visit visits[LIMIT_HTTP_CONNECTIONS + 1];
	struct porch_guest proxy = guest_from(1);
	proxy.is_proxy = true;
	(void)state;
	for (size_t i = 0; i < LIMIT_HTTP_CONNECTIONS; i++) {
		come(&visits[i], proxy);
	}
	assert_int_equal(shut_of(visits, LIMIT_HTTP_CONNECTIONS), 0);
	come(&visits[LIMIT_HTTP_CONNECTIONS], proxy);
	assert_true(is_shut(&visits[0]));
	leave(visits, LIMIT_HTTP_CONNECTIONS + 1);
}

static void keeps_the_owners_own_door_out_of_it(void **state)
{
	struct visit visits[4 * LIMIT_HTTP_CONNECTIONS];
	(void)state;
	for (size_t i = 0; i < 4 * LIMIT_HTTP_CONNECTIONS; i++) {
		come(&visits[i], (struct porch_guest){.is_owner = true});
	}
	assert_int_equal(shut_of(visits, 4 * LIMIT_HTTP_CONNECTIONS), 0);
	leave(visits, 4 * LIMIT_HTTP_CONNECTIONS);
}

/* All places but one are at work for the owner; the last is `phase`, of a stranger or not. */
static void crowd(struct visit *visits, enum porch_phase phase, bool is_known)
{
	for (size_t i = 0; i < LIMIT_HTTP_CONNECTIONS; i++) {
		come_from(&visits[i], (unsigned)i);
		if (i > 0 || is_known) {
			log_in(&visits[i]);
		}
		do_at(&visits[i], i == 0 ? phase : i % 2 == 0 ? PORCH_AWAY : PORCH_BUSY);
	}
}

static void lets_everybody_give_way_who_is_not_at_work(void **state)
{
	static const struct {
		enum porch_phase phase;
		bool is_known;
		int64_t after_ms;
		bool gives_way;
	} rows[] = {
		{PORCH_HEAD, false, 0, true},
		{PORCH_IDLE, false, 0, true},
		{PORCH_BODY, false, 0, true},
		{PORCH_BUSY, false, LIMIT_HTTP_PATIENCE_MS / 2, false},
		{PORCH_BUSY, false, LIMIT_HTTP_PATIENCE_MS, true},
		{PORCH_AWAY, false, LIMIT_HTTP_PATIENCE_MS, false},
		{PORCH_IDLE, true, 0, true},
		{PORCH_HEAD, true, 0, false},
		{PORCH_BODY, true, 0, false},
		{PORCH_BUSY, true, LIMIT_HTTP_PATIENCE_MS, false},
		{PORCH_AWAY, true, LIMIT_HTTP_PATIENCE_MS, false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct visit visits[LIMIT_HTTP_CONNECTIONS + 1];
		crowd(visits, rows[i].phase, rows[i].is_known);
		/* As if it had just begun; and no longer than a row says. */
		porch_set(porch, visits[0].conn, rows[i].phase);
		pass_ms(rows[i].after_ms);
		come_from(&visits[LIMIT_HTTP_CONNECTIONS], 1);
		if (is_shut(&visits[0]) != rows[i].gives_way ||
			is_shut(&visits[LIMIT_HTTP_CONNECTIONS]) == rows[i].gives_way) {
			fail_msg("row %zu", i);
		}
		assert_int_equal(shut_of(visits, LIMIT_HTTP_CONNECTIONS + 1), 1);
		leave(visits, LIMIT_HTTP_CONNECTIONS + 1);
	}
}

static void lets_strangers_give_way_before_the_owners_page(void **state)
{
	struct visit visits[LIMIT_HTTP_CONNECTIONS + 2];
	(void)state;
	for (size_t i = 0; i < LIMIT_HTTP_CONNECTIONS; i++) {
		come_from(&visits[i], (unsigned)i);
		log_in(&visits[i]);
	}
	/* A stranger that just came goes before a page that rests for long. */
	come_from(&visits[LIMIT_HTTP_CONNECTIONS], 1000);
	assert_true(is_shut(&visits[0]));
	come_from(&visits[LIMIT_HTTP_CONNECTIONS + 1], 1001);
	assert_true(is_shut(&visits[LIMIT_HTTP_CONNECTIONS]));
	assert_int_equal(shut_of(visits, LIMIT_HTTP_CONNECTIONS + 2), 2);
	leave(visits, LIMIT_HTTP_CONNECTIONS + 2);
}

/* By TCP, as only there the kernel tells of bytes that nobody read. */
static void come_by_tcp(struct visit *visit, unsigned number)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	struct porch_guest guest = guest_from(number);
	int listening = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(listening, (const struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(listening, 1), 0);
	assert_int_equal(getsockname(listening, (struct sockaddr *)&at, &len), 0);
	visit->other = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(visit->other, (const struct sockaddr *)&at, len), 0);
	visit->fd = guest.fd = accept(listening, NULL, NULL);
	assert_true(visit->fd >= 0);
	(void)close(listening);
	pass_ms(STEP_MS);
	visit->conn = porch_enter(porch, &guest);
	assert_non_null(visit->conn);
}

static void speak(const struct visit *visit)
{
	struct pollfd wait = {.fd = visit->fd, .events = POLLIN};
	assert_int_equal(send(visit->other, "GET", 3, 0), 3);
	assert_int_equal(poll(&wait, 1, 60000), 1);
}

/* A resting connection whose next request is on its way already. */
static void lets_no_page_give_way_that_just_began_a_request(void **state)
{
	struct visit visits[LIMIT_HTTP_CONNECTIONS + 1];
	(void)state;
	come_by_tcp(&visits[0], 0);
	log_in(&visits[0]);
	for (size_t i = 1; i < LIMIT_HTTP_CONNECTIONS; i++) {
		come_from(&visits[i], (unsigned)i);
		log_in(&visits[i]);
	}
	speak(&visits[0]);
	come_from(&visits[LIMIT_HTTP_CONNECTIONS], 1000);
	assert_false(is_shut(&visits[0]));
	assert_true(is_shut(&visits[1]));
	leave(visits, LIMIT_HTTP_CONNECTIONS + 1);
}

/* A flood came in between, before a thread had time to read what the first one said. */
static void lets_who_is_silent_give_way_before_who_spoke(void **state)
{
	static struct visit visits[FAR];
	(void)state;
	come_by_tcp(&visits[0], 0);
	speak(&visits[0]);
	for (size_t i = 1; i < 2 * LIMIT_HTTP_CONNECTIONS; i++) {
		come_from(&visits[i], (unsigned)i);
		pass_ms(-STEP_MS);
	}
	assert_false(is_shut(&visits[0]));
	/* Not for ever: a head that drips is like one that does not come. */
	pass_ms(LIMIT_HTTP_PATIENCE_MS);
	come_from(&visits[2 * LIMIT_HTTP_CONNECTIONS], 1000);
	assert_true(is_shut(&visits[0]));
	leave(visits, 2 * LIMIT_HTTP_CONNECTIONS + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			gives_each_stranger_no_more_than_its_share, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			holds_no_more_than_its_places_in_all, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			counts_no_session_to_the_share_of_its_address, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			lets_strangers_elsewhere_give_way_before_those_at_home, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			remembers_the_addresses_that_were_used_last, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			counts_what_a_trusted_proxy_brings_in_all_only, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			keeps_the_owners_own_door_out_of_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			lets_everybody_give_way_who_is_not_at_work, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			lets_strangers_give_way_before_the_owners_page, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			lets_no_page_give_way_that_just_began_a_request, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			lets_who_is_silent_give_way_before_who_spoke, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
