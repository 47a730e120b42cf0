/*
 * The matrix of security.md §5: raw requests against the node's own listening socket, each three
 * times: as the first request of a connection, as the second of one that was served before, and in
 * one piece with the first. What is refused is answered once, the connection is closed behind it,
 * and a request hidden behind it is never served.
 *
 * In a row: $P is the port, $K a session's cookie and token, $0 a NUL, $N; N bytes "a".
 */
#include "lib/api_rig.h"

#include "lib/cmocka.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { REQUEST_BYTES = 70 * KIB, ROWS_MIN = 60 };

#define N "\r\n"
#define H "Host: localhost:$P" N
#define GET "GET /livez HTTP/1.1" N
#define POST "POST /api/mute HTTP/1.1" N
#define ORIGIN "Origin: http://localhost:$P" N
#define JSON "Content-Type: application/json" N
#define UPGRADE "GET /api/live HTTP/1.1" N
#define SOCKET "Sec-WebSocket-Version: 13" N "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==" N
#define TWO "Content-Length: 2" N

/* 0: closed without an answer, as the library does where it cannot tell what was meant. */
struct row {
	const char *text;
	unsigned status;
};

static const struct row refused[] = {
	/* Transfer-Encoding, whatever it says */
	{POST H "$K" ORIGIN JSON "Transfer-Encoding: chunked" N N "2" N "{}" N "0" N N, 400},
	{POST H "$K" ORIGIN JSON "Transfer-Encoding: chunked" N TWO N "0" N N, 400},
	{POST H "$K" ORIGIN JSON "Transfer-Encoding: identity" N TWO N "{}", 400},
	{POST H "$K" ORIGIN JSON "Transfer-Encoding: xchunked" N TWO N "{}", 400},
	{POST H "$K" ORIGIN JSON "transfer-encoding:\tchunked" N N "0" N N, 400},
	{GET H "Transfer-Encoding:" N N, 400},
	{GET H "Transfer-Encoding: chunked" N N "0" N N, 400},
	{POST H "$K" ORIGIN JSON "Content-Encoding: gzip" N TWO N "{}", 400},
	/* Host */
	{GET N, 400},
	{"GET /livez HTTP/1.0" N N, 400},
	{GET "Host:" N N, 400},
	{GET "Host: evil.example" N N, 400},
	{GET "Host: localhost" N N, 400},
	{GET "Host: localhost:1" N N, 400},
	{GET "Host: localhost:$P.evil.example" N N, 400},
	{GET "Host: evil.example:$P" N N, 400},
	{GET "Host: localhost:$P, evil.example" N N, 400},
	{GET "Host: evil.example@localhost:$P" N N, 400},
	{GET "Host: localhost:$P/evil" N N, 400},
	{GET "Host: 0.0.0.0:$P" N N, 400},
	{GET "Host: 127.1:$P" N N, 400},
	{GET "Host: [::ffff:127.0.0.1]:$P" N N, 400},
	{GET "Host: kith" N N, 400},
	{GET H H N, 400},
	{GET H "Host: evil.example" N N, 400},
	{GET "Host: evil.example" N H N, 400},
	{GET H "hOsT: localhost:$P" N N, 400},
	{GET "Host: evil.example" N "X-Forwarded-Host: localhost:$P" N N, 400},
	/* Content-Length */
	{POST H "$K" ORIGIN JSON "Content-Length: 2" N "Content-Length: 2" N N "{}", 400},
	{POST H "$K" ORIGIN JSON "Content-Length: 2" N "Content-Length: 40" N N "{}", 400},
	{POST H "$K" ORIGIN JSON "Content-Length: 2, 2" N N "{}", 400},
	{POST H "$K" ORIGIN JSON "Content-Length: +2" N N "{}", 400},
	{POST H "$K" ORIGIN JSON "Content-Length: -2" N N "{}", 400},
	{POST H "$K" ORIGIN JSON "Content-Length: 0x2" N N "{}", 400},
	{POST H "$K" ORIGIN JSON "Content-Length: 2 2" N N "{}", 400},
	{POST H "$K" ORIGIN JSON "Content-Length:" N N "{}", 400},
	{POST H "$K" ORIGIN JSON "Content-Length: 99999999999999999999" N N "{}", 413},
	{POST H "$K" ORIGIN JSON "Content-Length: 70000" N N "{}", 413},
	{GET H TWO N "{}", 400},
	{"HEAD /livez HTTP/1.1" N H TWO N "{}", 400},
	/* The target */
	{"GET http://localhost:$P/livez HTTP/1.1" N H N, 400},
	{"GET //livez HTTP/1.1" N H N, 400},
	{"GET //evil.example/livez HTTP/1.1" N H N, 400},
	{"GET livez HTTP/1.1" N H N, 400},
	{"GET * HTTP/1.1" N H N, 400},
	{"OPTIONS * HTTP/1.1" N H N, 400},
	{"GET \\livez HTTP/1.1" N H N, 400},
	{"GET /a\\b HTTP/1.1" N H N, 400},
	{"GET /a%5cb HTTP/1.1" N H N, 400},
	{"GET /a%2fb HTTP/1.1" N H N, 400},
	{"GET /a%2Fb HTTP/1.1" N H N, 400},
	{"GET /livez%00 HTTP/1.1" N H N, 400},
	{"GET /livez?x=%00 HTTP/1.1" N H N, 400},
	{"GET /livez$0x HTTP/1.1" N H N, 400},
	{"GET /livez?$0x HTTP/1.1" N H N, 400},
	{"GET /a/../livez HTTP/1.1" N H N, 400},
	{"GET /./livez HTTP/1.1" N H N, 400},
	{"GET /.. HTTP/1.1" N H N, 400},
	{"GET /%2e%2e/livez HTTP/1.1" N H N, 400},
	{"GET /.%2E/livez HTTP/1.1" N H N, 400},
	{"GET /livez% HTTP/1.1" N H N, 400},
	{"GET /livez%zz HTTP/1.1" N H N, 400},
	{"GET /livez#x HTTP/1.1" N H N, 400},
	{"GET /a\x01"
	 "b HTTP/1.1" N H N,
		400},
	{"GET /a\x7f HTTP/1.1" N H N, 400},
	{"GET /\xc3\xa4 HTTP/1.1" N H N, 400},
	{"GET /a b HTTP/1.1" N H N, 400},
	{"GET /a\tb HTTP/1.1" N H N, 400},
	{"GET /livez?<script> HTTP/1.1" N H N, 400},
	{"GET /$2048; HTTP/1.1" N H N, 400},
	/* The request line */
	{"get /livez HTTP/1.1" N H N, 400},
	{"CONNECT localhost:$P HTTP/1.1" N H N, 400},
	{"TRACE /livez HTTP/1.1" N H N, 400},
	{"GET /livez HTTP/2.0" N H N, 505},
	{"GET /livez HTTP/1.11" N H N, 400},
	{"GET /livez HTTQ/1.1" N H N, 400},
	{"GET /livez" N H N, 400},
	{"PRI * HTTP/2.0" N N "SM" N N, 505},
	{"\x16\x03\x01\x02$0\x01$0\x01\xfc\x03\x03" N N, 0},
	/* Headers */
	{GET "Host : localhost:$P" N N, 400},
	{GET H "X-A : b" N N, 400},
	{GET H "X-A\t: b" N N, 400},
	{GET H ": x" N N, 400},
	{GET H ":" N N, 400},
	{GET H " : x" N N, 400},
	{GET H ": x" N "X-A: b" N N, 400},
	{GET ": x" N H N, 400},
	{POST H "$K" ORIGIN JSON ": x" N TWO N "{}", 400},
	{POST H "$K" ORIGIN JSON ": x" N "Transfer-Encoding: chunked" N N "0" N N, 400},
	{POST H "$K" ORIGIN JSON TWO ": x" N N "{}", 400},
	{GET H "X-A: b\n" N, 400},
	{GET H "X-A: b\n\n", 400},
	{GET H "X-A: b\rX-B: c" N N, 400},
	{"GET /livez HTTP/1.1\n" H N, 400},
	{"GET$0 /livez HTTP/1.1" N H N, 400},
	{"GET /livez HTTP/1.1$0x" N H N, 400},
	{"GET /livez HTTP/1.1 " N H N, 400},
	{"GET  /livez HTTP/1.1" N H N, 400},
	{GET H "$0" N N, 400},
	{GET H "X(A): b" N N, 400},
	{GET H "X-\xc3\xa4: b" N N, 400},
	{GET H "X-A: a\x01"
	       "b" N N,
		400},
	{GET H "X-A: a\rb" N N, 400},
	{GET H "X-A: a$0b" N N, 400},
	{GET H "X-A$0: b" N N, 400},
	{GET H "no colon" N N, 400},
	{GET " " H N, 400},
	{GET H " folded: x" N N, 400},
	{GET H "X-A: $16500;" N N, 400},
	{GET H "Expect: something" N N, 400},
	{GET H "Cookie: a=1" N "Cookie: b=2" N N, 400},
	{GET H "X-Kith-Token: a" N "X-Kith-Token: a" N N, 400},
	{GET H ORIGIN ORIGIN N, 400},
	{GET H "Sec-Fetch-Site: none" N "Sec-Fetch-Site: none" N N, 400},
	{GET H "X-Forwarded-For: 1.1.1.1" N "X-Forwarded-For: 2.2.2.2" N N, 400},
	/* Upgrades */
	{"GET / HTTP/1.1" N H "Connection: Upgrade, HTTP2-Settings" N "Upgrade: h2c" N
	 "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA" N N,
		400},
	{UPGRADE H "Upgrade: TLS/1.0" N "Connection: Upgrade" N N, 400},
	{UPGRADE H "Upgrade: websocket, h2c" N "Connection: Upgrade" N SOCKET N, 400},
	{UPGRADE H "Upgrade: websocket" N "Upgrade: h2c" N "Connection: Upgrade" N SOCKET N, 400},
	{UPGRADE H "Upgrade: websocket" N SOCKET N, 400},
	{UPGRADE H "Connection: Upgrade" N SOCKET N, 400},
	{UPGRADE H "Upgrade: websocket" N "Connection: Upgrade" N N, 400},
	{"POST /api/live HTTP/1.1" N H "Upgrade: websocket" N "Connection: Upgrade" N SOCKET N,
		400},
	{"GET /api/live HTTP/1.0" N H "Upgrade: websocket" N "Connection: Upgrade" N SOCKET N, 400},
	{UPGRADE H "Upgrade: websocket" N "Connection: Upgrade" N SOCKET TWO N "{}", 400},
	{UPGRADE H "Upgrade: websocket" N "Connection: Upgrade" N SOCKET "$K" N, 403},
	{UPGRADE H "Upgrade: websocket" N "Connection: Upgrade" N SOCKET "$K"
		   "Origin: http://evil.example" N N,
		403},
	{UPGRADE H "Upgrade: websocket" N "Connection: Upgrade" N SOCKET "$K"
		   "Origin: null" N N,
		403},
	{UPGRADE H "Upgrade: websocket" N "Connection: Upgrade" N SOCKET ORIGIN N, 401},
	{"GET /api/me HTTP/1.1" N H "Upgrade: websocket" N "Connection: Upgrade" N SOCKET ORIGIN
	 "$K" N,
		404},
};

/* What passes the gate, and is let in or not. These connections stay open. */
static const struct row answered[] = {
	{GET H N, 200},
	{"GET /livez HTTP/1.1" N "Host: 127.0.0.1:$P" N N, 200},
	{"GET /livez HTTP/1.1" N "hOST:\tLOCALHOST:$P " N N, 200},
	{"GET /api/me HTTP/1.1" N H "$K" N, 200},
	{POST H "$K" ORIGIN JSON TWO N "{}", 400}, /* by the endpoint: no message is named */
	{"DELETE /api/outbox/abc HTTP/1.1" N H "$K" ORIGIN JSON N, 404},
	{"GET /api/me HTTP/1.1" N H N, 401},
	{"GET /api/me HTTP/1.1" N H "X-Kith-Token: x" N N, 401},
	{POST H ORIGIN JSON TWO N "{}", 401},
	{POST H "$K" JSON TWO N "{}", 403},
	{POST H "$K"
		"Origin: http://evil.example" N JSON TWO N "{}",
		403},
	{POST H "$K"
		"Origin: null" N JSON TWO N "{}",
		403},
	{POST H "$K"
		"Origin: https://localhost:$P" N JSON TWO N "{}",
		403},
	{POST H "$K"
		"Origin: http://localhost:$P/" N JSON TWO N "{}",
		403},
	{POST H "$K"
		"Origin: http://127.0.0.1:$P" N JSON TWO N "{}",
		403},
	{POST H "$K"
		"Origin: http://localhost:$P.evil.example" N JSON TWO N "{}",
		403},
	{POST H "$K" ORIGIN TWO N "{}", 400},
	{POST H "$K" ORIGIN "Content-Type: text/plain" N TWO N "{}", 400},
	{POST H "$K" ORIGIN "Content-Type: application/x-www-form-urlencoded" N TWO N "{}", 400},
	{POST H "$K" ORIGIN "Content-Type: multipart/form-data; boundary=application/json" N TWO N
		"{}",
		400},
	{POST H "$K" ORIGIN JSON TWO N "[]", 400},
	{POST H "$K" ORIGIN JSON TWO N "{x", 400},
	{"DELETE /api/outbox/abc HTTP/1.1" N H "$K" N, 403},
	{"PUT /api/blob HTTP/1.1" N H "$K" ORIGIN JSON TWO N "{}", 400},
	{"OPTIONS /api/mute HTTP/1.1" N H ORIGIN "Access-Control-Request-Method: POST" N N, 401},
	{"POST / HTTP/1.1" N H ORIGIN JSON TWO N "{}", 405},
	{"GET /api/nothing HTTP/1.1" N H "$K" N, 404},
	{"GET /secret.txt HTTP/1.1" N H N, 404},
};

/* Behind https://kith.example/sub, by a trusted proxy on this machine. */
#define NAMED "Host: kith.example" N
#define BY(proto) "X-Forwarded-For: 9.9.9.9" N "X-Forwarded-Proto: " proto N
#define INSIDE "Host: kith.example" N BY("https")
static const struct row behind_a_proxy[] = {
	{"GET /sub/m HTTP/1.1" N INSIDE N, 200},
	{"GET /livez HTTP/1.1" N INSIDE N, 200},
	{"GET /sub HTTP/1.1" N H N, 200},
	{"GET /sub/ HTTP/1.1" N H N, 200},
	{"GET /sub/api/me HTTP/1.1" N H "$K" N, 200},
	{"GET /api/me HTTP/1.1" N H "$K" N, 404},
	{"GET / HTTP/1.1" N H N, 404},
	{"GET /subway HTTP/1.1" N INSIDE N, 404},
	{"GET /sub//api/me HTTP/1.1" N INSIDE N, 404},
	/* A cookie that was given without TLS opens nothing by TLS. */
	{"GET /sub/api/me HTTP/1.1" N INSIDE "$K" N, 401},
	{"POST /sub/api/session HTTP/1.1" N INSIDE "Origin: http://kith.example" N JSON TWO N "{}",
		403},
	{"POST /sub/api/session HTTP/1.1" N INSIDE "Origin: https://kith.example" N JSON TWO N "{}",
		400},
	{"POST /sub/api/session HTTP/1.1" N H "Origin: https://kith.example" N JSON TWO N "{}",
		403},
};
static const struct row refused_behind_a_proxy[] = {
	{"GET /livez HTTP/1.1" N NAMED BY("http") N, 400},
	{"GET /livez HTTP/1.1" N NAMED BY("https, http") N, 400},
	{"GET /livez HTTP/1.1" N INSIDE "X-Forwarded-Host: evil.example" N N, 400},
	{"GET /livez HTTP/1.1" N INSIDE "X-Forwarded-Host: kith.example, evil.example" N N, 400},
	{"GET /livez HTTP/1.1" N
	 "Host: evil.example" N BY("https") "X-Forwarded-Host: kith.example" N N,
		400},
	{"GET /livez HTTP/1.1" N "Host: kith.example:443" N BY("https") N, 400},
	{"GET /livez HTTP/1.1" N "Host: kith.example." N BY("https") N, 400},
	{"GET /livez HTTP/1.1" N H BY("https") N, 400},
	{"GET /sub/../livez HTTP/1.1" N INSIDE N, 400},
	{"GET //sub/livez HTTP/1.1" N INSIDE N, 400},
};

static struct api_rig rig;

static void put(struct buf *out, const char *text, size_t len)
{
	assert_int_equal(buf_append(out, span_of(text, len)), ERR_OK);
}

/* A row as bytes. */
static void write_row(const char *text, struct buf *out)
{
	char piece[256];
	for (; *text != '\0'; text++) {
		int len = 1;
		if (*text != '$') {
			put(out, text, 1);
			continue;
		}
		text++;
		if (*text == 'P') {
			len = snprintf(piece, sizeof(piece), "%u", rig.port);
			put(out, piece, (size_t)len);
		} else if (*text == 'K') {
			len = snprintf(piece, sizeof(piece), "Cookie: %s\r\nX-Kith-Token: %s\r\n",
				rig.cookie, rig.token);
			put(out, piece, (size_t)len);
		} else if (text[0] == '0') {
			put(out, "", 1);
		} else {
			char *end = NULL;
			for (unsigned long i = strtoul(text, &end, 10); i > 0; i--) {
				put(out, "a", 1);
			}
			assert_int_equal(*end, ';');
			text = end;
		}
	}
}

static size_t count_of(const char *text, const char *part)
{
	size_t count = 0;
	for (const char *at = text; (at = strstr(at, part)) != NULL; at++) {
		count++;
	}
	return count;
}

enum mode { AS_FIRST, AS_SECOND, IN_ONE_PIECE, MODES };
static const char *const mode_names[] = {"first", "second", "in one piece with the first"};

/* Until the first answer is complete: its body is "ok\n". */
static void await_first(int fd)
{
	char text[1024] = "";
	size_t len = 0;
	while (strstr(text, "\r\n\r\nok\n") == NULL) {
		struct pollfd wait = {.fd = fd, .events = POLLIN};
		assert_true(len + 1 < sizeof(text) && poll(&wait, 1, 60000) == 1);
		ssize_t got = read(fd, text + len, sizeof(text) - 1 - len);
		assert_true(got > 0);
		len += (size_t)got;
		text[len] = '\0';
	}
}

/* `behind` follows the row on its connection. */
static void play(const struct row *row, enum mode mode, const char *behind, struct api_reply *reply)
{
	static const char first[] = GET H N;
	struct buf text = BUF_INIT(REQUEST_BYTES);
	int fd = api_rig_connect(&rig);
	if (mode != AS_FIRST) {
		write_row(first, &text);
	}
	if (mode == AS_SECOND) {
		api_rig_send(fd, text.at, text.len);
		await_first(fd);
		buf_clear(&text);
	}
	write_row(row->text, &text);
	write_row(behind, &text);
	api_rig_send(fd, text.at, text.len);
	buf_fini(&text);
	api_rig_read_reply(fd, reply);
}

/* The status of the answer to the row itself; 0: none. */
static unsigned status_in(const struct api_reply *reply, enum mode mode)
{
	const char *at = strstr(reply->text, "HTTP/1.1 ");
	if (mode == IN_ONE_PIECE && at != NULL) {
		assert_int_equal(reply->status, 200);
		at = strstr(at + 1, "HTTP/1.1 ");
	}
	return at == NULL ? 0 : (unsigned)strtoul(at + 9, NULL, 10);
}

static void refuse_each(const struct row *table, size_t count)
{
	static const char hidden[] = "GET /livez?hidden HTTP/1.1" N H "Connection: close" N N;
	for (size_t i = 0; i < count; i++) {
		for (enum mode mode = AS_FIRST; mode < MODES; mode++) {
			struct api_reply reply;
			play(&table[i], mode, hidden, &reply);
			unsigned status = status_in(&reply, mode);
			size_t served = count_of(reply.text, "HTTP/1.1 200");
			if (status != table[i].status || served > (mode == IN_ONE_PIECE ? 1 : 0)) {
				fail_msg("%u and %zu served, as the %s: %s\n%s", status, served,
					mode_names[mode], table[i].text, reply.text);
			}
			api_reply_fini(&reply);
		}
	}
}

static void answer_each(const struct row *table, size_t count)
{
	static const char last[] = "GET /livez HTTP/1.1" N H "Connection: close" N N;
	for (size_t i = 0; i < count; i++) {
		for (enum mode mode = AS_FIRST; mode < MODES; mode++) {
			struct api_reply reply;
			api_rig_advance(1000); /* it is not for asking too often */
			play(&table[i], mode, last, &reply);
			unsigned status = status_in(&reply, mode);
			if (status != table[i].status) {
				fail_msg("%u as the %s: %s\n%s", status, mode_names[mode],
					table[i].text, reply.text);
			}
			api_reply_fini(&reply);
		}
	}
}

static void refuses_every_row_wherever_it_stands(void **state)
{
	(void)state;
	api_rig_start(&rig, NULL);
	refuse_each(refused, sizeof(refused) / sizeof(refused[0]));
	assert_true(sizeof(refused) / sizeof(refused[0]) >= ROWS_MIN);
	api_rig_stop(&rig);
}

static void lets_in_whom_it_should_and_nobody_else(void **state)
{
	(void)state;
	api_rig_start(&rig, NULL);
	answer_each(answered, sizeof(answered) / sizeof(answered[0]));
	api_rig_stop(&rig);
}

static void judges_the_same_behind_a_proxy_and_below_a_path(void **state)
{
	(void)state;
	api_rig_start_at(&rig, "https://kith.example/sub", "/sub", "127.0.0.1");
	refuse_each(refused_behind_a_proxy,
		sizeof(refused_behind_a_proxy) / sizeof(refused_behind_a_proxy[0]));
	answer_each(behind_a_proxy, sizeof(behind_a_proxy) / sizeof(behind_a_proxy[0]));
	api_rig_stop(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_every_row_wherever_it_stands),
		cmocka_unit_test(lets_in_whom_it_should_and_nobody_else),
		cmocka_unit_test(judges_the_same_behind_a_proxy_and_below_a_path),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
