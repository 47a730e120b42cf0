/* net/lan: beacons of both forms are read, ours can be read by others, and noise is refused. */
#include "net/net_lib.h"

#include "base/encode.h"
#include "net/lan.h"
#include "net/sock.h"

#include <sodium.h>
#include <stdio.h>
#include <uv.h>

/* protocol/02 §1, and vectors/addresses.json lan_broadcast. */
static const char main_key[] = "d4a1cb88a66f02f8db635ce26441cc5dac1b08420ceaac230839b755845a9ffb";
static const char sealed_hex[] =
	"e156990130ae668cff5e8c54c3d44ac5cf3135a37ef849e15892c7d88e47f673afe1b1738e4fb7fa92489075"
	"dba57c579e282b5d9a2d9ddc177849bf05792b768313429402d96df07f888f267953b24cb7f5ede57cdcb350"
	"8393f6160c9f0d9b94a708da212d7b4b38603bdae9ee30e3ff72b912fa584b6dd87605ce256e3a524ad40d5e"
	"4de12cbe53b322c550db3b893d58f3fe74cbc004c2a975243106177c446ebb8504";
static const char plain[] =
	"net:192.168.1.10:26831~shs:/RckOFqgx1tk+3jNYC+h2ZH96/drE8WO1wLqyDXp9hg=";

static void key_of(uint8_t key[static 32])
{
	assert_int_equal(hex_decode(span_text(main_key), key, 32), ERR_OK);
}

static enum err parse(struct span datagram, struct address *out)
{
	uint8_t key[32];
	key_of(key);
	return lan_parse(datagram, key, out);
}

static void both_forms_of_a_beacon_are_read(void **state)
{
	(void)state;
	struct address one;
	struct address two;
	uint8_t sealed[165];
	assert_int_equal(sizeof(sealed_hex) - 1, 2 * sizeof(sealed));
	assert_int_equal(hex_decode(span_text(sealed_hex), sealed, sizeof(sealed)), ERR_OK);
	assert_int_equal(parse(span_text(plain), &one), ERR_OK);
	assert_int_equal(parse(span_of(sealed, sizeof(sealed)), &two), ERR_OK);
	assert_string_equal(one.host, "192.168.1.10");
	assert_int_equal(one.port, 26831);
	assert_string_equal(two.host, one.host);
	assert_int_equal(two.port, one.port);
	assert_true(feed_id_equal(&one.key, &two.key));
}

static void a_list_gives_the_address_we_can_dial(void **state)
{
	(void)state;
	struct address address;
	char text[300];
	(void)snprintf(text, sizeof(text), "ws://192.168.1.10:8989~shs:%s;%s",
		strrchr(plain, ':') + 1, plain);
	assert_int_equal(parse(span_text(text), &address), ERR_OK);
	assert_string_equal(address.host, "192.168.1.10");
}

static void what_is_not_a_beacon_is_refused(void **state)
{
	(void)state;
	struct address address;
	char text[LIMIT_BEACON_BYTES * 1000];
	uint8_t sealed[165];
	const char *key = strrchr(plain, ':') + 1;
	assert_int_equal(parse(span_of("", 0), &address), ERR_REFUSED);
	assert_int_equal(parse(span_text("hello"), &address), ERR_REFUSED);
	/* a name, which we would have to look up */
	(void)snprintf(text, sizeof(text), "net:example.org:8008~shs:%s", key);
	assert_int_equal(parse(span_text(text), &address), ERR_REFUSED);
	/* an invite */
	(void)snprintf(text, sizeof(text), "net:192.168.1.10:8008~shs:%s:%s", key, key);
	assert_int_equal(parse(span_text(text), &address), ERR_REFUSED);
	/* a box of another network, a cut one, one with a bit turned */
	assert_int_equal(hex_decode(span_text(sealed_hex), sealed, sizeof(sealed)), ERR_OK);
	uint8_t other[32] = {1};
	assert_int_equal(lan_parse(span_of(sealed, sizeof(sealed)), other, &address), ERR_REFUSED);
	for (size_t len = 0; len < sizeof(sealed); len++) {
		assert_int_equal(parse(span_of(sealed, len), &address), ERR_REFUSED);
	}
	sealed[40] ^= 1;
	assert_int_equal(parse(span_of(sealed, sizeof(sealed)), &address), ERR_REFUSED);
	/* at the limit, above, far above */
	memset(text, 'a', sizeof(text));
	assert_int_equal(parse(span_of(text, LIMIT_BEACON_BYTES), &address), ERR_REFUSED);
	assert_int_equal(parse(span_of(text, LIMIT_BEACON_BYTES + 1), &address), ERR_LIMIT);
	assert_int_equal(parse(span_of(text, sizeof(text)), &address), ERR_LIMIT);
}

struct listening {
	struct lan *lan;
	int heard, own;
	struct address last, last_own;
};

static void on_heard(void *ctx, const struct address *address)
{
	struct listening *listening = ctx;
	listening->heard++;
	listening->last = *address;
}

static void on_own_key(void *ctx, const struct address *address)
{
	struct listening *listening = ctx;
	listening->own++;
	listening->last_own = *address;
}

static uint16_t free_udp_port(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
	(void)close(fd);
	return ntohs(at.sin_port);
}

static void listening_up(struct listening *listening, struct loop *loop, uint8_t self,
	uint16_t port, uint16_t peer_port)
{
	uint8_t key[32];
	char why[96];
	key_of(key);
	memset(listening, 0, sizeof(*listening));
	struct lan_opts opts = {.loop = loop,
		.self = {{self}},
		.network_key = key,
		.peer_port = peer_port,
		.beacon_port = port,
		.is_on_loopback = true,
		.on_heard = on_heard,
		.on_own_key = on_own_key,
		.ctx = listening};
	assert_int_equal(lan_start(&opts, &listening->lan, why, sizeof(why)), ERR_OK);
}

static void two_nodes_on_one_network_hear_each_other_and_not_themselves(void **state)
{
	(void)state;
	struct loop *loop = loop_for_test();
	struct listening one;
	struct listening two;
	uint16_t port = free_udp_port();
	listening_up(&two, loop, 2, port, 0);
	listening_up(&one, loop, 1, port, 40001);
	TURN_UNTIL(loop, two.heard >= 1);
	assert_int_equal(two.last.port, 40001);
	assert_int_equal(two.last.key.at[0], 1);
	turns(loop, 20);
	assert_int_equal(one.heard, 0);
	assert_int_equal(one.own, 0);
	struct lan_figures figures;
	lan_figures(one.lan, &figures);
	assert_true(figures.sent >= 1);
	assert_int_equal(figures.refused, 0);
	lan_stop(one.lan);
	lan_stop(two.lan);
	loop_free(loop);
}

static void send_to(uint16_t port, struct span bytes)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(
		sendto(fd, bytes.at, bytes.len, 0, (struct sockaddr *)&to, sizeof(to)), bytes.len);
	(void)close(fd);
}

static uint64_t refused(const struct listening *listening)
{
	struct lan_figures figures;
	lan_figures(listening->lan, &figures);
	return figures.refused;
}

/* A beacon of our own key, as a copy of this node would send it. */
static void send_own(uint16_t to, const char *host, unsigned port)
{
	char key[BASE64_BYTES(ID_BYTES)];
	char text[200];
	const uint8_t self[ID_BYTES] = {1};
	size_t len = base64_encode(span_of(self, ID_BYTES), key);
	int bytes = snprintf(text, sizeof(text), "net:%s:%u~shs:%.*s", host, port, (int)len, key);
	send_to(to, span_of(text, (size_t)bytes));
}

/* An address of this machine in a local network; false when it has none. */
static bool own_host(char host[static 64])
{
	uv_interface_address_t *list = NULL;
	int count = 0;
	bool is_found = false;
	assert_int_equal(uv_interface_addresses(&list, &count), 0);
	for (int i = 0; i < count && !is_found; i++) {
		const struct sockaddr *at = (const struct sockaddr *)&list[i].address;
		is_found = at->sa_family == AF_INET && !list[i].is_internal &&
			   !sock_is_public(at) &&
			   uv_ip4_name(&list[i].address.address4, host, 64) == 0;
	}
	uv_free_interface_addresses(list, count);
	return is_found;
}

static void our_own_key_at_another_address_is_told_and_our_own_beacon_is_not(void **state)
{
	(void)state;
	enum { OURS = 40001 };
	struct loop *loop = loop_for_test();
	struct listening listening;
	uint16_t port = free_udp_port();
	char host[64];
	listening_up(&listening, loop, 1, port, OURS);
	struct lan_figures figures = {0};
	TURN_UNTIL(loop, (lan_figures(listening.lan, &figures), figures.sent >= 1));
	send_own(port, "127.0.0.1", OURS);
	send_own(port, "127.0.0.1", OURS + 1);
	if (own_host(host)) {
		send_own(port, host, OURS);
	}
	send_own(port, "192.168.77.9", OURS);
	TURN_UNTIL(loop, listening.own >= 1);
	assert_int_equal(listening.own, 1);
	assert_string_equal(listening.last_own.host, "192.168.77.9");
	if (own_host(host)) {
		/* A second node on this machine. */
		send_own(port, host, OURS + 1);
		TURN_UNTIL(loop, listening.own >= 2);
		assert_string_equal(listening.last_own.host, host);
	}
	assert_int_equal(listening.heard, 0);
	/* They count against the rate like all others'. */
	for (int i = 0; i < 10 * LIMIT_BEACONS_PER_SECOND; i++) {
		send_own(port, "192.168.77.9", OURS);
		(void)loop_step(loop);
	}
	TURN_UNTIL(loop, refused(&listening) > 0);
	lan_stop(listening.lan);
	loop_free(loop);
}

static void a_flood_is_cut_and_a_large_datagram_is_refused(void **state)
{
	(void)state;
	enum { FLOOD = 200 };
	struct loop *loop = loop_for_test();
	struct listening listening;
	uint16_t port = free_udp_port();
	static uint8_t large[60000];
	listening_up(&listening, loop, 2, port, 0);
	send_to(port, span_of(large, sizeof(large)));
	TURN_UNTIL(loop, refused(&listening) == 1);
	for (int i = 0; i < FLOOD; i++) {
		send_to(port, span_text(plain));
		(void)loop_step(loop);
	}
	TURN_UNTIL(loop, (uint64_t)listening.heard + refused(&listening) == FLOOD + 1);
	assert_true(listening.heard >= LIMIT_BEACONS_PER_SECOND);
	/* However slow the machine, each second passes no more than the limit. */
	assert_true(listening.heard < FLOOD);
	lan_stop(listening.lan);
	loop_free(loop);
}

static void a_beacon_for_a_third_party_out_there_is_refused(void **state)
{
	(void)state;
	struct loop *loop = loop_for_test();
	struct listening listening;
	char text[200];
	uint16_t port = free_udp_port();
	listening_up(&listening, loop, 2, port, 0);
	(void)snprintf(text, sizeof(text), "net:198.51.100.7:53~shs:%s", strrchr(plain, ':') + 1);
	send_to(port, span_text(text));
	TURN_UNTIL(loop, refused(&listening) == 1);
	assert_int_equal(listening.heard, 0);
	lan_stop(listening.lan);
	loop_free(loop);
}

static int setup(void **state)
{
	(void)state;
	return sodium_init() < 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_forms_of_a_beacon_are_read),
		cmocka_unit_test(a_list_gives_the_address_we_can_dial),
		cmocka_unit_test(what_is_not_a_beacon_is_refused),
		cmocka_unit_test(two_nodes_on_one_network_hear_each_other_and_not_themselves),
		cmocka_unit_test(a_flood_is_cut_and_a_large_datagram_is_refused),
		cmocka_unit_test(our_own_key_at_another_address_is_told_and_our_own_beacon_is_not),
		cmocka_unit_test(a_beacon_for_a_third_party_out_there_is_refused),
	};
	return cmocka_run_group_tests(tests, setup, NULL);
}
