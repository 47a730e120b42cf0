/* Where the page is and who may ask there: the three options, and what a proxy may say. */
#include "api/place.h"

#include "lib/cmocka.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

enum { WHY_BYTES = 512, PORT = 8989, MANY = 16000 };

static char why[WHY_BYTES];

static struct place place_of(const char *host, const char *url, const char *proxies)
{
	struct place place;
	const struct place_opts opts = {
		.http_host = host, .public_url = url, .trusted_proxies = proxies};
	if (place_read(&opts, &place, why, sizeof(why)) != ERR_OK) {
		fail_msg("%s", why);
	}
	return place;
}

static bool is_refused(const char *host, const char *url, const char *proxies)
{
	struct place place;
	const struct place_opts opts = {
		.http_host = host, .public_url = url, .trusted_proxies = proxies};
	why[0] = '\0';
	return place_read(&opts, &place, why, sizeof(why)) == ERR_REFUSED && why[0] != '\0';
}

/* A request: from whom, at which host, with what a proxy says; its origin is `origin`. */
struct asked {
	const char *from, *host, *is_for, *is_host, *is_proto, *origin;
};

static char client[PLACE_ADDRESS_BYTES];
static struct gate_head head;

static const char *judge(const struct place *place, const struct asked *asked)
{
	struct gate_rules rules;
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} from = {.v4 = {.sin_family = AF_INET}};
	if (inet_pton(AF_INET, asked->from, &from.v4.sin_addr) != 1) {
		from.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6};
		assert_int_equal(inet_pton(AF_INET6, asked->from, &from.v6.sin6_addr), 1);
	}
	place_rules(place, PORT, &rules);
	head = (struct gate_head){.host = span_text(asked->host),
		.origin = span_text(asked->origin == NULL ? "" : asked->origin),
		.forwarded_for = span_text(asked->is_for == NULL ? "" : asked->is_for),
		.forwarded_host = span_text(asked->is_host == NULL ? "" : asked->is_host),
		.forwarded_proto = span_text(asked->is_proto == NULL ? "" : asked->is_proto)};
	if (!gate_host_fits(&rules, head.host)) {
		return "host";
	}
	return place_judge(place, &rules, &from.any, &head, client);
}

static void reads_where_the_page_is(void **state)
{
	char link[PLACE_LINK_BYTES];
	(void)state;
	static const struct {
		const char *host, *url, *link;
	} rows[] = {
		{NULL, NULL, "http://localhost:8989/#code"},
		{"", "", "http://localhost:8989/#code"},
		{"localhost", NULL, "http://localhost:8989/#code"},
		{"::1", NULL, "http://localhost:8989/#code"},
		{"192.168.1.5", NULL, "http://192.168.1.5:8989/#code"},
		{"fd00::5", NULL, "http://[fd00::5]:8989/#code"},
		{NULL, "https://Kith.Example.ORG", "https://kith.example.org/#code"},
		{NULL, "https://kith.example.org/", "https://kith.example.org/#code"},
		{NULL, "https://kith.example.org:443/", "https://kith.example.org/#code"},
		{NULL, "https://kith.example.org:80/", "https://kith.example.org:80/#code"},
		{NULL, "https://kith.example.org:8443", "https://kith.example.org:8443/#code"},
		{"0.0.0.0", "http://[::1]:9000/kith/", "http://[::1]:9000/kith/#code"},
		{NULL, "https://example.org/a/B_2~", "https://example.org/a/B_2~/#code"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct place place = place_of(rows[i].host, rows[i].url, NULL);
		place_link(&place, PORT, "code", link);
		assert_string_equal(link, rows[i].link);
	}
}

static void refuses_options_it_does_not_understand(void **state)
{
	static const char *const hosts[] = {
		"kith.example.org", "1.2.3", "1.2.3.4:80", "[::1]", "*", "127.0.0.1 ", "0x7f.1"};
	static const char *const urls[] = {"kith.example.org", "ftp://example.org", "https://",
		"https:///kith", "https://user@example.org", "https://example.org?x",
		"https://example.org/#a", "https://example.org/a//b", "https://example.org//",
		"https://example.org/../a", "https://example.org/.a", "https://example.org/a b",
		"https://example.org/%61", "https://example.org:", "https://example.org:x",
		"https://example.org:123456", "https://[::1", "https://[kith]", "https://a\nb",
		"HTTPS://example.org", "https://*.example.org", "https://example.org;/a"};
	static const char *const proxies[] = {"nginx", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1",
		"10.0.0.0/8x", "10.0.0.0/0008", "fd00::/129", "127.0.0.1;::1", "unix", "10.0.0/8",
		"127.0.0.1 *"};
	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		assert_true(is_refused(hosts[i], NULL, NULL));
	}
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		if (!is_refused(NULL, urls[i], NULL)) {
			fail_msg("taken: %s", urls[i]);
		}
	}
	for (size_t i = 0; i < sizeof(proxies) / sizeof(proxies[0]); i++) {
		if (!is_refused(NULL, NULL, proxies[i])) {
			fail_msg("taken: %s", proxies[i]);
		}
	}
}

static void refuses_texts_over_their_limits(void **state)
{
	char text[MANY + 32] = "https://e.org/";
	size_t start = strlen(text);
	(void)state;
	/* The path, with its slash and without a NUL. */
	static const struct {
		size_t count;
		bool is_good;
	} rows[] = {{PLACE_PATH_BYTES - 2, true}, {PLACE_PATH_BYTES - 1, false}, {MANY, false}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(text + start, 'a', rows[i].count);
		text[start + rows[i].count] = '\0';
		assert_int_equal(is_refused(NULL, text, NULL), !rows[i].is_good);
	}
	static const size_t counts[] = {
		LIMIT_TRUSTED_PROXIES, LIMIT_TRUSTED_PROXIES + 1, LIMIT_TRUSTED_PROXIES * 100};
	for (size_t i = 0; i < 3; i++) {
		text[0] = '\0';
		for (size_t j = 0; j < counts[i]; j++) {
			memcpy(text + j * 4, "::1,", 5);
		}
		assert_int_equal(is_refused(NULL, NULL, text), i != 0);
	}
}

static void opens_beyond_loopback_only_behind_a_password_and_tls(void **state)
{
	static const struct {
		const char *host, *url, *proxies;
		bool has_password;
		const char *missing; /* NULL: it may */
	} rows[] = {
		{NULL, NULL, NULL, false, NULL},
		{"127.0.0.1", NULL, NULL, false, NULL},
		{"127.5.5.5", NULL, NULL, false, NULL},
		{"::1", "https://a.org", NULL, false, NULL},
		{"::ffff:127.0.0.1", NULL, NULL, false, NULL},
		{"0.0.0.0", "https://a.org", "127.0.0.1", false, "kith password set"},
		{"::ffff:0.0.0.0", "https://a.org", NULL, false, "kith password set"},
		{"::", NULL, NULL, false, "kith password set"},
		{"::", NULL, NULL, true, "public-url = https://NAME"},
		{"0.0.0.0", NULL, "10.0.0.0/8", true, "public-url = https://NAME"},
		{"192.168.1.5", NULL, NULL, true, "public-url = https://NAME"},
		{"192.168.1.5", NULL, "192.168.1.2", true, NULL},
		{"192.168.1.5", "http://a.org/k", NULL, true, "trusted-proxies = ADDRESS"},
		{"192.168.1.5", "http://a.org/k", NULL, true, "public-url = https://a.org/k"},
		{"192.168.1.5", "http://a.org/k", "192.168.1.2", true, NULL},
		{"::", "https://a.org", NULL, true, NULL},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct place place = place_of(rows[i].host, rows[i].url, rows[i].proxies);
		why[0] = '\0';
		enum err err = place_may_open(&place, rows[i].has_password, why, sizeof(why));
		assert_int_equal(err, rows[i].missing == NULL ? ERR_OK : ERR_DENIED);
		if (rows[i].missing != NULL && strstr(why, rows[i].missing) == NULL) {
			fail_msg("row %zu does not name \"%s\": %s", i, rows[i].missing, why);
		}
	}
}

static void knows_which_addresses_are_trusted(void **state)
{
	static const struct {
		const char *proxies, *address;
		bool is;
	} rows[] = {
		{NULL, "127.0.0.1", false},
		{"127.0.0.1", "127.0.0.1", true},
		{"127.0.0.1", "::ffff:127.0.0.1", true},
		{"::ffff:127.0.0.1", "127.0.0.1", true},
		{"127.0.0.1", "127.0.0.2", false},
		{"127.0.0.1", "::1", false},
		{"10.0.0.0/8, ::1", "10.255.0.1", true},
		{"10.0.0.0/8 ::1", "::1", true},
		{"10.0.0.0/8", "11.0.0.0", false},
		{"10.0.0.128/25", "10.0.0.127", false},
		{"10.0.0.128/25", "10.0.0.129", true},
		{"10.0.0.0/31", "10.0.0.2", false},
		{"fd00::/9", "fd7f::1", true},
		{"fd00::/9", "fd80::1", false},
		{"0.0.0.0/0", "9.9.9.9", true},
		{"0.0.0.0/0", "fd00::1", false},
		{"::/0", "9.9.9.9", true},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct place place = place_of(NULL, NULL, rows[i].proxies);
		struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
		struct sockaddr_in v4 = {.sin_family = AF_INET};
		struct place_address address;
		bool is_v4 = inet_pton(AF_INET, rows[i].address, &v4.sin_addr) == 1;
		assert_true(is_v4 || inet_pton(AF_INET6, rows[i].address, &v6.sin6_addr) == 1);
		assert_true(place_address_of(
			is_v4 ? (const struct sockaddr *)&v4 : (const struct sockaddr *)&v6,
			&address));
		if (place_trusts(&place, &address) != rows[i].is) {
			fail_msg("%s in %s", rows[i].address, rows[i].proxies);
		}
	}
}

#define PUBLIC "https://a.org"

static void judges_who_asks_at_which_host(void **state)
{
	static const struct {
		const char *host, *url, *proxies; /* the options */
		struct asked asked;
		bool passes;
		const char *client;
		bool is_secure;
	} rows[] = {
		/* Without options: loopback alone. */
		{NULL, NULL, NULL, {.from = "127.0.0.1", "localhost:8989"}, true, "127.0.0.1",
			false},
		{NULL, NULL, NULL, {.from = "::1", "[::1]:8989"}, true, "::1", false},
		{NULL, NULL, NULL, {.from = "10.0.0.1", "localhost:8989"}, false, "10.0.0.1",
			false},
		{NULL, NULL, NULL, {.from = "127.0.0.1", "a.org"}, false, NULL, false},
		/* A proxy nobody named may say what it likes. */
		{NULL, PUBLIC, NULL, {.from = "127.0.0.1", "a.org", "9.9.9.9", "b.org", "http"},
			true, "127.0.0.1", true},
		{NULL, PUBLIC, NULL,
			{.from = "127.0.0.1", "localhost:8989", "9.9.9.9", "a.org", "https"}, true,
			"127.0.0.1", false},
		/* One that is named is believed. */
		{NULL, PUBLIC, "127.0.0.1",
			{.from = "127.0.0.1", "a.org", "9.9.9.9", NULL, "https"}, true, "9.9.9.9",
			true},
		{NULL, PUBLIC, "127.0.0.1", {.from = "127.0.0.1", "A.ORG", "9.9.9.9"}, true,
			"9.9.9.9", true},
		{NULL, PUBLIC, "127.0.0.1", {.from = "127.0.0.1", "a.org", "9.9.9.9", NULL, "http"},
			false, NULL, false},
		{NULL, PUBLIC, "127.0.0.1",
			{.from = "127.0.0.1", "a.org", "9.9.9.9", "b.org", "https"}, false, NULL,
			false},
		{NULL, PUBLIC, "127.0.0.1",
			{.from = "127.0.0.1", "localhost:8989", "9.9.9.9", "a.org", "https"}, true,
			"9.9.9.9", true},
		/* It forgot to pass the Host on: names of this machine are not for who is
		   elsewhere. */
		{NULL, PUBLIC, "127.0.0.1", {.from = "127.0.0.1", "localhost:8989", "9.9.9.9"},
			false, NULL, false},
		{NULL, PUBLIC, "127.0.0.1", {.from = "127.0.0.1", "localhost:8989"}, true,
			"127.0.0.1", false},
		/* The last that is not ours counts; what a client invented stands before it. */
		{NULL, PUBLIC, "127.0.0.1, 10.0.0.0/8",
			{.from = "127.0.0.1", "a.org", "1.1.1.1, 9.9.9.9, 10.0.0.7"}, true,
			"9.9.9.9", true},
		{NULL, PUBLIC, "127.0.0.1 10.0.0.0/8", {.from = "127.0.0.1", "a.org", "10.0.0.7"},
			true, "10.0.0.7", true},
		{NULL, PUBLIC, "127.0.0.1", {.from = "127.0.0.1", "a.org", "1.1.1.1, nonsense"},
			true, "127.0.0.1", true},
		{NULL, PUBLIC, "127.0.0.1", {.from = "127.0.0.1", "a.org", "nonsense, 9.9.9.9"},
			true, "9.9.9.9", true},
		{NULL, PUBLIC, "127.0.0.1", {.from = "127.0.0.1", "a.org", ",,"}, true, "127.0.0.1",
			true},
		{NULL, PUBLIC, "127.0.0.1", {.from = "127.0.0.1", "a.org", "fd00::9"}, true,
			"fd00::9", true},
		{NULL, PUBLIC, "127.0.0.1", {.from = "127.0.0.1", "a.org", "9.9.9.9:4711"}, true,
			"127.0.0.1", true},
		/* Beyond loopback. */
		{"::", PUBLIC, NULL, {.from = "9.9.9.9", "a.org"}, true, "9.9.9.9", true},
		{"::", PUBLIC, NULL, {.from = "::ffff:9.9.9.9", "a.org"}, true, "9.9.9.9", true},
		{"::", PUBLIC, NULL, {.from = "9.9.9.9", "localhost:8989"}, false, NULL, false},
		{"::", PUBLIC, NULL, {.from = "127.0.0.1", "localhost:8989"}, true, "127.0.0.1",
			false},
		{"::", PUBLIC, "10.0.0.2", {.from = "9.9.9.9", "a.org"}, false, "9.9.9.9", false},
		{"::", PUBLIC, "10.0.0.2", {.from = "10.0.0.2", "a.org", "9.9.9.9"}, true,
			"9.9.9.9", true},
		{"10.0.0.1", NULL, "10.0.0.2", {.from = "10.0.0.2", "10.0.0.1:8989", "9.9.9.9"},
			true, "9.9.9.9", false},
		{"10.0.0.1", NULL, "10.0.0.2", {.from = "10.0.0.3", "10.0.0.1:8989"}, false,
			"10.0.0.3", false},
		{"10.0.0.1", PUBLIC, NULL, {.from = "10.0.0.2", "10.0.0.1:8989"}, false, NULL,
			false},
		/* In a container whose port is shown on this machine alone. */
		{"::", "http://localhost:8989", "172.16.0.0/12",
			{.from = "172.17.0.1", "localhost:8989"}, true, "172.17.0.1", false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct place place = place_of(rows[i].host, rows[i].url, rows[i].proxies);
		const char *wrong = judge(&place, &rows[i].asked);
		if ((wrong == NULL) != rows[i].passes) {
			fail_msg("row %zu: %s", i, wrong == NULL ? "it passes" : wrong);
		}
		if (rows[i].client != NULL) {
			assert_string_equal(client, rows[i].client);
		}
		if (rows[i].passes && head.is_secure != rows[i].is_secure) {
			fail_msg("row %zu: secure %d", i, head.is_secure);
		}
	}
}

static void takes_the_origin_of_the_host_that_was_asked_for(void **state)
{
	static const struct {
		const char *url;
		struct asked asked;
		bool fits;
	} rows[] = {
		{NULL, {.from = "127.0.0.1", "localhost:8989", .origin = "http://localhost:8989"},
			true},
		{PUBLIC, {.from = "127.0.0.1", "localhost:8989", .origin = "http://localhost:8989"},
			true},
		{PUBLIC, {.from = "127.0.0.1", "localhost:8989", .origin = "https://a.org"}, false},
		{PUBLIC, {.from = "127.0.0.1", "a.org", .origin = "https://a.org"}, true},
		{PUBLIC, {.from = "127.0.0.1", "a.org", .origin = "http://a.org"}, false},
		{PUBLIC, {.from = "127.0.0.1", "a.org", .origin = "https://a.org.evil"}, false},
		{PUBLIC, {.from = "127.0.0.1", "a.org", .origin = "https://a.org:443"}, false},
		{PUBLIC, {.from = "127.0.0.1", "a.org", .origin = "null"}, false},
		{PUBLIC, {.from = "127.0.0.1", "a.org", .origin = ""}, false},
		{"http://a.org", {.from = "127.0.0.1", "a.org", .origin = "http://a.org"}, true},
		{"http://a.org", {.from = "127.0.0.1", "a.org", .origin = "https://a.org"}, false},
		/* A trusted proxy that sends another Host along. */
		{PUBLIC,
			{.from = "127.0.0.1",
				"localhost:8989",
				"9.9.9.9",
				"a.org",
				"https",
				"https://a.org"},
			true},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct place place = place_of(NULL, rows[i].url, "127.0.0.1");
		assert_null(judge(&place, &rows[i].asked));
		if (gate_origin_fits(&head) != rows[i].fits) {
			fail_msg("row %zu: %s", i, rows[i].asked.origin);
		}
	}
}

static void takes_the_sub_path_off(void **state)
{
	static const struct {
		const char *url, *path, *inner; /* NULL: outside */
	} rows[] = {
		{PUBLIC, "/kith/m", "/kith/m"},
		{PUBLIC "/kith", "/kith", "/"},
		{PUBLIC "/kith", "/kith/", "/"},
		{PUBLIC "/kith", "/kith/api/me", "/api/me"},
		{PUBLIC "/kith/", "/kith/api/me", "/api/me"},
		{PUBLIC "/a/b", "/a/b/w/x.js", "/w/x.js"},
		{PUBLIC "/kith", "/", NULL},
		{PUBLIC "/kith", "/api/me", NULL},
		{PUBLIC "/kith", "/kithy/api/me", NULL},
		{PUBLIC "/kith", "/KITH/api/me", NULL},
		{PUBLIC "/kith", "/kith//api/me", NULL},
		{PUBLIC "/kith", "/k", NULL},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct place place = place_of(NULL, rows[i].url, NULL);
		struct gate_head asked = {.path = span_text(rows[i].path)};
		assert_int_equal(place_enter(&place, &asked), rows[i].inner != NULL);
		assert_true(span_equal_text(
			asked.path, rows[i].inner == NULL ? rows[i].path : rows[i].inner));
	}
}

static void names_cookies_by_port_and_place(void **state)
{
	char name[PLACE_COOKIE_BYTES], attributes[PLACE_COOKIE_ATTR_BYTES];
	(void)state;
	struct place root = place_of(NULL, PUBLIC, NULL);
	struct place below = place_of(NULL, PUBLIC "/kith", NULL);
	place_cookie_name(&root, false, PORT, name);
	assert_string_equal(name, "kith-8989");
	place_cookie_attributes(&root, false, 60, attributes);
	assert_string_equal(attributes, "; HttpOnly; SameSite=Strict; Path=/; Max-Age=60");
	place_cookie_name(&root, true, UINT16_MAX, name);
	assert_string_equal(name, "__Host-kith-65535");
	place_cookie_attributes(&root, true, 60, attributes);
	assert_string_equal(attributes, "; HttpOnly; SameSite=Strict; Path=/; Max-Age=60; Secure");
	place_cookie_name(&below, true, PORT, name);
	assert_string_equal(name, "__Secure-kith-8989");
	place_cookie_attributes(&below, true, 60, attributes);
	assert_string_equal(
		attributes, "; HttpOnly; SameSite=Strict; Path=/kith; Max-Age=60; Secure");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_where_the_page_is),
		cmocka_unit_test(refuses_options_it_does_not_understand),
		cmocka_unit_test(refuses_texts_over_their_limits),
		cmocka_unit_test(opens_beyond_loopback_only_behind_a_password_and_tls),
		cmocka_unit_test(knows_which_addresses_are_trusted),
		cmocka_unit_test(judges_who_asks_at_which_host),
		cmocka_unit_test(takes_the_origin_of_the_host_that_was_asked_for),
		cmocka_unit_test(takes_the_sub_path_off),
		cmocka_unit_test(names_cookies_by_port_and_place),
	};
	return cmocka_run_group_tests_name("api/place", tests, NULL, NULL);
}
