/* The gate: what may come in, and everything that may not. */
#include "api/gate.h"

#include "lib/cmocka.h"

#include <stdio.h>
#include <stdlib.h>

enum { FIELDS_MAX = 100 };

/* A request as text, one header a line, as it would arrive. */
struct given {
	struct gate_header headers[FIELDS_MAX];
	struct gate_request request;
};

static const struct gate_rules rules = {
	.hosts = {"localhost:8989", "127.0.0.1:8989", "[::1]:8989"}, .host_count = 3};

static struct span until(struct span text, char byte)
{
	const uint8_t *at = text.len == 0 ? NULL : memchr(text.at, byte, text.len);
	return span_take(text, at == NULL ? text.len : (size_t)(at - text.at));
}

static void given_text(const char *text, struct given *out)
{
	struct span left = span_text(text);
	struct span line = until(left, '\n');
	left = span_skip(left, line.len + 1);
	*out = (struct given){.request.headers = out->headers};
	out->request.method = until(line, ' ');
	line = span_skip(line, out->request.method.len + 1);
	const uint8_t *last = memrchr(line.at, ' ', line.len);
	out->request.target = span_take(line, (size_t)(last - line.at));
	out->request.version = span_skip(line, out->request.target.len + 1);
	while (left.len > 0) {
		line = until(left, '\n');
		left = span_skip(left, line.len + 1);
		struct gate_header *header = &out->headers[out->request.header_count++];
		header->name = until(line, ':');
		header->value = span_skip(line, header->name.len + 1);
	}
}

static const char *judge(const char *text, struct gate_head *head)
{
	struct given given;
	given_text(text, &given);
	return gate_judge(&rules, &given.request, head);
}

#define H "Host: localhost:8989\n"
#define UP                                                                    \
	"Connection: Upgrade\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: " \
	"dGhlIHNhbXBsZSBub25jZQ==\n"

static const char *const passing[] = {
	"GET / HTTP/1.1\n" H,
	"GET /m/abc_-DEF HTTP/1.1\n" H,
	"GET /api/timeline?tab=home&limit=20 HTTP/1.1\n" H,
	"GET /api/suggest?q=%C3%A4h HTTP/1.1\n" H,
	"HEAD / HTTP/1.1\n" H,
	"GET / HTTP/1.0\n" H,
	"GET / HTTP/1.1\nHOST: LocalHost:8989\n",
	"GET / HTTP/1.1\nHost: 127.0.0.1:8989\n",
	"GET / HTTP/1.1\nHost: [::1]:8989\n",
	"POST /api/post HTTP/1.1\n" H
	"Content-Length: 2\nContent-Type: application/json\nOrigin: http://localhost:8989\n",
	"POST /api/post HTTP/1.1\n" H "Content-Length: 2\nExpect: 100-continue\n",
	"DELETE /api/session HTTP/1.1\n" H,
	"OPTIONS / HTTP/1.1\n" H,
	"GET /api/live HTTP/1.1\n" H "Upgrade: websocket\n" UP,
	"GET /api/live HTTP/1.1\n" H
	"Upgrade: WebSocket\nConnection: keep-alive, Upgrade\nSec-WebSocket-Version: "
	"13\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n",
	"GET /... HTTP/1.1\n" H,
	"GET /a..b/.well-known HTTP/1.1\n" H,
	"GET /x?a=.. HTTP/1.1\n" H,
	"GET / HTTP/1.1\n" H "Accept-Encoding: gzip\nAccept-Encoding: br\n",
	"GET / HTTP/1.1\n" H "X-Anything: caf\xc3\xa9\n",
};

static const char *const refused[] = {
	/* Transfer-Encoding, whatever it says */
	"POST /api/post HTTP/1.1\n" H "Transfer-Encoding: chunked\n",
	"POST /api/post HTTP/1.1\n" H "transfer-encoding: identity\n",
	"POST /api/post HTTP/1.1\n" H "Transfer-Encoding: chunked\nContent-Length: 2\n",
	"GET / HTTP/1.1\n" H "Transfer-Encoding:\n",
	"POST / HTTP/1.1\n" H "Content-Encoding: gzip\n",
	/* Host */
	"GET / HTTP/1.1\n",
	"GET / HTTP/1.1\nHost: evil.example\n",
	"GET / HTTP/1.1\nHost: localhost\n",
	"GET / HTTP/1.1\nHost: localhost:8990\n",
	"GET / HTTP/1.1\nHost: localhost:8989.evil.example\n",
	"GET / HTTP/1.1\nHost: evil.example:8989\n",
	"GET / HTTP/1.1\nHost: localhost:8989, evil.example\n",
	"GET / HTTP/1.1\nHost: user@localhost:8989\n",
	"GET / HTTP/1.1\nHost:\n",
	"GET / HTTP/1.1\n" H H,
	"GET / HTTP/1.1\n" H "Host: evil.example\n",
	"GET / HTTP/1.1\n" H "host: localhost:8989\n",
	"GET / HTTP/1.0\n",
	/* Content-Length */
	"POST / HTTP/1.1\n" H "Content-Length: 2\nContent-Length: 2\n",
	"POST / HTTP/1.1\n" H "Content-Length: 2\nContent-Length: 3\n",
	"POST / HTTP/1.1\n" H "Content-Length: 2, 2\n",
	"POST / HTTP/1.1\n" H "Content-Length: -1\n",
	"POST / HTTP/1.1\n" H "Content-Length: +1\n",
	"POST / HTTP/1.1\n" H "Content-Length: 0x10\n",
	"POST / HTTP/1.1\n" H "Content-Length:\n",
	"POST / HTTP/1.1\n" H "Content-Length: 99999999999999999999\n",
	"GET / HTTP/1.1\n" H "Content-Length: 1\n",
	/* the target */
	"GET http://localhost:8989/ HTTP/1.1\n" H,
	"GET //evil.example/ HTTP/1.1\n" H,
	"GET * HTTP/1.1\n" H,
	"GET index.html HTTP/1.1\n" H,
	"GET  HTTP/1.1\n" H,
	"GET /a b HTTP/1.1\n" H,
	"GET /a\tb HTTP/1.1\n" H,
	"GET /a\x01 HTTP/1.1\n" H,
	"GET /a\x7f HTTP/1.1\n" H,
	"GET /\xc3\xa4 HTTP/1.1\n" H,
	"GET /%00 HTTP/1.1\n" H,
	"GET /a%2fb HTTP/1.1\n" H,
	"GET /a%2Fb HTTP/1.1\n" H,
	"GET /a%5cb HTTP/1.1\n" H,
	"GET /a%5Cb HTTP/1.1\n" H,
	"GET /a\\b HTTP/1.1\n" H,
	"GET /x?q=%00 HTTP/1.1\n" H,
	"GET /x?q=%2f HTTP/1.1\n" H,
	"GET /. HTTP/1.1\n" H,
	"GET /.. HTTP/1.1\n" H,
	"GET /../etc/passwd HTTP/1.1\n" H,
	"GET /w/../secret HTTP/1.1\n" H,
	"GET /w/./x HTTP/1.1\n" H,
	"GET /w/.. HTTP/1.1\n" H,
	"GET /w/..?x HTTP/1.1\n" H,
	"GET /%2e%2e/x HTTP/1.1\n" H,
	"GET /.%2E/x HTTP/1.1\n" H,
	"GET /% HTTP/1.1\n" H,
	"GET /%4 HTTP/1.1\n" H,
	"GET /%zz HTTP/1.1\n" H,
	"GET /a#b HTTP/1.1\n" H,
	/* Upgrade */
	"GET / HTTP/1.1\n" H "Connection: Upgrade, HTTP2-Settings\nUpgrade: h2c\nHTTP2-Settings: "
	"AAMAAABkAAQCAAAAAAIAAAAA\n",
	"GET /api/live HTTP/1.1\n" H "Upgrade: h2c\n" UP,
	"GET /api/live HTTP/1.1\n" H "Upgrade: websocket, h2c\n" UP,
	"GET /api/live HTTP/1.1\n" H "Upgrade: websocket\nUpgrade: h2c\n" UP,
	"GET /api/live HTTP/1.1\n" H "Upgrade: TLS/1.0\nConnection: Upgrade\n",
	"GET /api/live HTTP/1.1\n" H "Upgrade: websocket\n",
	"GET /api/live HTTP/1.1\n" H "Upgrade: websocket\nConnection: Upgrade\n",
	"POST /api/live HTTP/1.1\n" H "Upgrade: websocket\n" UP,
	"GET /api/live HTTP/1.0\n" H "Upgrade: websocket\n" UP,
	"GET /api/live HTTP/1.1\n" H
	"Upgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Version: 12\nSec-WebSocket-Key: "
	"dGhlIHNhbXBsZSBub25jZQ==\n",
	"GET /api/live HTTP/1.1\n" H
	"Upgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: "
	"dGhlIHNhbXBsZSBub25jZQ=\n",
	"GET /api/live HTTP/1.1\n" H
	"Upgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: "
	"dGhlIHNhbXBsZSBub25jZQ==x\n",
	"GET /api/live HTTP/1.1\n" H
	"Upgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: "
	"!!!lIHNhbXBsZSBub25jZQ==\n",
	"GET / HTTP/1.1\n" H "Connection: Upgrade\n",
	/* headers and the rest */
	"GET / HTTP/1.1\n" H "X-A : 1\n",
	"GET / HTTP/1.1\nHost : localhost:8989\n",
	"GET / HTTP/1.1\n" H "X-A\t: 1\n",
	"GET / HTTP/1.1\n" H ": 1\n",
	"GET / HTTP/1.1\n" H "X(A): 1\n",
	"GET / HTTP/1.1\n" H "X-A: a\x01"
	"b\n",
	"GET / HTTP/1.1\n" H "X-A: a\rb\n",
	"GET / HTTP/1.1\n" H "Cookie: a=1\nCookie: a=2\n",
	"GET / HTTP/1.1\n" H "X-Kith-Token: a\nX-Kith-Token: b\n",
	"GET / HTTP/1.1\n" H "Origin: http://localhost:8989\nOrigin: http://evil.example\n",
	"POST / HTTP/1.1\n" H "Expect: something\n",
	"get / HTTP/1.1\n" H,
	"CONNECT / HTTP/1.1\n" H,
	"TRACE / HTTP/1.1\n" H,
	"GET / HTTP/2.0\n" H,
	"GET / HTTP/1.11\n" H,
	"GET / ICY\n" H,
};

static void lets_honest_requests_through(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
		struct gate_head head;
		const char *why = judge(passing[i], &head);
		if (why != NULL) {
			fail_msg("refused (%s): %s", why, passing[i]);
		}
	}
}

static void refuses_every_row_of_the_matrix(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct gate_head head;
		if (judge(refused[i], &head) == NULL) {
			fail_msg("passed: %s", refused[i]);
		}
	}
	assert_true(sizeof(refused) / sizeof(refused[0]) >= 60);
}

static void splits_the_target_and_names_what_it_found(void **state)
{
	struct gate_head head;
	(void)state;
	assert_null(judge("POST /api/post?a=b?c HTTP/1.1\n" H
			  "Content-Length: 17\nCookie: x=1; kith-8989=abc\nX-Kith-Token: "
			  "tok\nAccept-Encoding: br, gzip;q=0.5\n",
		&head));
	assert_int_equal(head.method, GATE_POST);
	assert_true(span_equal_text(head.path, "/api/post"));
	assert_true(span_equal_text(head.query, "a=b?c"));
	assert_int_equal(head.length, 17);
	assert_true(span_equal_text(head.token, "tok"));
	assert_true(head.accepts_gzip);
	struct span value;
	assert_true(gate_cookie(&head, "kith-8989", &value));
	assert_true(span_equal_text(value, "abc"));
	assert_false(gate_cookie(&head, "kith-898", &value));
}

static void takes_no_cookie_that_is_there_twice(void **state)
{
	struct gate_head head;
	struct span value;
	(void)state;
	assert_null(judge("GET / HTTP/1.1\n" H "Cookie: kith=a; kith=b\n", &head));
	assert_false(gate_cookie(&head, "kith", &value));
}

static void fits_only_the_origin_of_its_own_host(void **state)
{
	static const char *const wrong[] = {"http://evil.example", "https://localhost:8989",
		"http://localhost:8990", "http://localhost:8989/", "null", "",
		"http://127.0.0.1:8989", "http://localhost:8989.evil.example",
		"HTTP://localhost:8989"};
	char text[256];
	struct gate_head head;
	(void)state;
	assert_null(judge("POST / HTTP/1.1\n" H "Origin: http://localhost:8989\n", &head));
	assert_true(gate_origin_fits(&head));
	assert_null(judge("POST / HTTP/1.1\n" H, &head));
	assert_false(gate_origin_fits(&head));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		(void)snprintf(text, sizeof(text), "POST / HTTP/1.1\n" H "Origin: %s\n", wrong[i]);
		assert_null(judge(text, &head));
		assert_false(gate_origin_fits(&head));
	}
}

static void knows_json_by_its_type_alone(void **state)
{
	static const struct {
		const char *type;
		bool is;
	} cases[] = {{"application/json", true}, {"Application/JSON; charset=UTF-8", true},
		{"application/json;charset=utf-8", true}, {"text/plain", false},
		{"application/x-www-form-urlencoded", false}, {"application/jsonp", false},
		{"application/json; charset=latin1", false}, {"", false},
		{"multipart/form-data; boundary=application/json", false}};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct gate_head head = {.content_type = span_text(cases[i].type)};
		assert_int_equal(gate_is_json(&head), cases[i].is);
	}
}

/* Limits: at, above, far above. */

static const char *judge_target_of(size_t bytes)
{
	char *target = malloc(bytes);
	struct gate_head head;
	memset(target, 'a', bytes);
	target[0] = '/';
	const char *why = gate_judge_target(span_of(target, bytes), &head);
	free(target);
	return why;
}

static void refuses_a_target_over_the_limit(void **state)
{
	(void)state;
	assert_null(judge_target_of(LIMIT_HTTP_TARGET_BYTES));
	assert_non_null(judge_target_of(LIMIT_HTTP_TARGET_BYTES + 1));
	assert_non_null(judge_target_of(1000 * LIMIT_HTTP_TARGET_BYTES));
}

static const char *judge_headers(size_t count, size_t value_bytes)
{
	struct gate_header *headers = calloc(count, sizeof(*headers));
	char *value = malloc(value_bytes + 1);
	struct gate_head head;
	memset(value, 'v', value_bytes);
	headers[0] = (struct gate_header){
		.name = span_text("Host"), .value = span_text("localhost:8989")};
	for (size_t i = 1; i < count; i++) {
		headers[i] = (struct gate_header){
			.name = span_text("X"), .value = span_of(value, i == 1 ? value_bytes : 0)};
	}
	struct gate_request request = {.method = span_text("GET"),
		.target = span_text("/"),
		.version = span_text("HTTP/1.1"),
		.headers = headers,
		.header_count = count};
	const char *why = gate_judge(&rules, &request, &head);
	free(value);
	free(headers);
	return why;
}

static void refuses_more_headers_than_the_limit(void **state)
{
	(void)state;
	assert_null(judge_headers(LIMIT_HTTP_HEADERS, 0));
	assert_non_null(judge_headers(LIMIT_HTTP_HEADERS + 1, 0));
	assert_non_null(judge_headers(1000 * LIMIT_HTTP_HEADERS, 0));
}

static void refuses_a_head_over_the_limit(void **state)
{
	/* "GET / HTTP/1.1" with its ends, Host, and the empty X: the rest is the value's. */
	const size_t rest = 3 + 1 + 8 + 4 + (4 + 14 + 4) + (1 + 4);
	(void)state;
	assert_null(judge_headers(2, LIMIT_HTTP_HEAD_BYTES - rest));
	assert_non_null(judge_headers(2, LIMIT_HTTP_HEAD_BYTES - rest + 1));
	assert_non_null(judge_headers(2, 1000 * LIMIT_HTTP_HEAD_BYTES));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lets_honest_requests_through),
		cmocka_unit_test(refuses_every_row_of_the_matrix),
		cmocka_unit_test(splits_the_target_and_names_what_it_found),
		cmocka_unit_test(takes_no_cookie_that_is_there_twice),
		cmocka_unit_test(fits_only_the_origin_of_its_own_host),
		cmocka_unit_test(knows_json_by_its_type_alone),
		cmocka_unit_test(refuses_a_target_over_the_limit),
		cmocka_unit_test(refuses_more_headers_than_the_limit),
		cmocka_unit_test(refuses_a_head_over_the_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
