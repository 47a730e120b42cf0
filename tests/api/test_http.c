/* The web port with raw bytes: what the library would let through, limits, slow clients, headers,
 * stopping. */
#include "lib/api_rig.h"

#include "lib/cmocka.h"

#include "base/limits.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CONNECTIONS_FAR = 200 };

static struct api_rig rig;

static int set_up(void **state)
{
	(void)state;
	api_rig_start(&rig, NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	api_rig_stop(&rig);
	return 0;
}

static unsigned status_of(const char *format)
{
	char text[2048];
	struct api_reply reply;
	(void)snprintf(text, sizeof(text), format, rig.port);
	api_rig_raw(&rig, text, &reply);
	unsigned status = reply.status;
	api_reply_fini(&reply);
	return status;
}

static void answers_livez_to_everybody(void **state)
{
	struct api_reply reply;
	(void)state;
	api_rig_raw(&rig, "GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", &reply);
	assert_int_equal(reply.status, 400);
	api_reply_fini(&reply);
	assert_int_equal(
		status_of("GET /livez HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\n\r\n"),
		200);
}

static void refuses_at_the_port_what_the_gate_refuses(void **state)
{
	static const char *const texts[] = {
		"GET /livez HTTP/1.1\r\nHost: evil.example:%u\r\n\r\n",
		"GET /livez HTTP/1.1\r\n\r\n",
		"GET /livez HTTP/1.1\r\nHost: localhost:%1$u\r\nHost: localhost:%1$u\r\n\r\n",
		"GET /livez HTTP/1.1\r\nHost : localhost:%u\r\n\r\n",
		"GET /livez HTTP/1.1\r\nHost: localhost:%u\r\nX-A : b\r\n\r\n",
		"GET http://localhost:%1$u/livez HTTP/1.1\r\nHost: localhost:%1$u\r\n\r\n",
		"GET //livez HTTP/1.1\r\nHost: localhost:%u\r\n\r\n",
		"GET /w/../livez HTTP/1.1\r\nHost: localhost:%u\r\n\r\n",
		"GET /%%2e%%2e/livez HTTP/1.1\r\nHost: localhost:%u\r\n\r\n",
		"GET /livez%%00 HTTP/1.1\r\nHost: localhost:%u\r\n\r\n",
		"GET /a%%2fb HTTP/1.1\r\nHost: localhost:%u\r\n\r\n",
		"GET /a b HTTP/1.1\r\nHost: localhost:%u\r\n\r\n",
		"POST /livez HTTP/1.1\r\nHost: localhost:%u\r\nTransfer-Encoding: "
		"chunked\r\n\r\n0\r\n\r\n",
		"POST /livez HTTP/1.1\r\nHost: localhost:%u\r\nTransfer-Encoding: nonsense\r\n\r\n",
		"POST /livez HTTP/1.1\r\nHost: localhost:%u\r\nContent-Length: "
		"2\r\nContent-Length: 3\r\n\r\n{}x",
		"GET /livez HTTP/1.1\r\nHost: localhost:%u\r\nContent-Length: 2\r\n\r\n{}",
		"GET / HTTP/1.1\r\nHost: localhost:%u\r\nConnection: Upgrade, "
		"HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: "
		"AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n",
		"GET /api/live HTTP/1.1\r\nHost: localhost:%u\r\nConnection: Upgrade\r\nUpgrade: "
		"websocket\r\n\r\n",
		"get /livez HTTP/1.1\r\nHost: localhost:%u\r\n\r\n",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		unsigned status = status_of(texts[i]);
		if (status != 400) {
			fail_msg("%u for %s", status, texts[i]);
		}
	}
}

static void refuses_a_nul_in_the_request_line(void **state)
{
	char text[128];
	struct api_reply reply;
	(void)state;
	int len = snprintf(text, sizeof(text),
		"GET /livez?x HTTP/1.1\r\nHost: localhost:%u\r\n\r\n", rig.port);
	text[11] = '\0';
	int fd = api_rig_connect(&rig);
	api_rig_send(fd, text, (size_t)len);
	api_rig_read_reply(fd, &reply);
	assert_int_equal(reply.status, 400);
	api_reply_fini(&reply);
}

static void closes_behind_a_refusal(void **state)
{
	char text[512];
	struct api_reply reply;
	(void)state;
	/* What stands behind the refused head is never read as a request of its own. */
	(void)snprintf(text, sizeof(text),
		"POST /livez HTTP/1.1\r\nHost: localhost:%1$u\r\nTransfer-Encoding: "
		"chunked\r\n\r\nGET /livez HTTP/1.1\r\nHost: localhost:%1$u\r\n\r\n",
		rig.port);
	api_rig_raw(&rig, text, &reply);
	assert_int_equal(reply.status, 400);
	assert_non_null(strstr(reply.text, "Connection: close"));
	assert_null(strstr(reply.text + 9, "HTTP/1.1 200"));
	api_reply_fini(&reply);
}

static void gives_a_page_every_header_and_json_none_of_the_policy(void **state)
{
	struct api_reply reply;
	(void)state;
	api_rig_ask(&rig, "GET", "/api/status", NULL, "", &reply);
	assert_int_equal(reply.status, 200);
	assert_non_null(strstr(reply.text, "Cache-Control: no-store"));
	assert_non_null(strstr(reply.text, "X-Content-Type-Options: nosniff"));
	assert_non_null(strstr(reply.text, "Cross-Origin-Resource-Policy: same-origin"));
	assert_null(strstr(reply.text, "Access-Control-"));
	api_reply_fini(&reply);
}

static size_t count_of(const char *text, const char *part)
{
	size_t count = 0;
	for (const char *at = text; (at = strstr(at, part)) != NULL; at++) {
		count++;
	}
	return count;
}

static void serves_one_request_after_the_other_on_a_connection(void **state)
{
	char text[1024];
	struct api_reply reply;
	(void)state;
	(void)snprintf(text, sizeof(text),
		"GET /livez HTTP/1.1\r\nHost: localhost:%1$u\r\n\r\n"
		"GET /api/me HTTP/1.1\r\nHost: localhost:%1$u\r\n\r\n"
		"GET /api/me HTTP/1.1\r\nHost: localhost:%1$u\r\nCookie: %2$s\r\nX-Kith-Token: "
		"%3$s\r\n\r\n"
		"GET /livez HTTP/1.1\r\nHost: localhost:%1$u\r\nConnection: close\r\n\r\n",
		rig.port, rig.cookie, rig.token);
	api_rig_raw(&rig, text, &reply);
	assert_int_equal(count_of(reply.text, "HTTP/1.1 200"), 3);
	assert_int_equal(count_of(reply.text, "HTTP/1.1 401"), 1);
	api_reply_fini(&reply);
}

static void refuses_a_body_over_the_limit(void **state)
{
	static const size_t sizes[] = {LIMIT_HTTP_BODY_BYTES, LIMIT_HTTP_BODY_BYTES + 1,
		1000 * (size_t)LIMIT_HTTP_BODY_BYTES};
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct api_reply reply;
		char head[512];
		size_t body = i == 2 ? 0 : sizes[i];
		char *bytes = calloc(1, body + 1);
		memset(bytes, ' ', body);
		int len = snprintf(head, sizeof(head),
			"POST /api/like HTTP/1.1\r\nHost: localhost:%1$u\r\nConnection: "
			"close\r\nCookie: %2$s\r\nX-Kith-Token: %3$s\r\nOrigin: "
			"http://localhost:%1$u\r\nContent-Type: "
			"application/json\r\nContent-Length: %4$zu\r\n\r\n",
			rig.port, rig.cookie, rig.token, sizes[i]);
		int fd = api_rig_connect(&rig);
		api_rig_send(fd, head, (size_t)len);
		api_rig_send(fd, bytes, i == 0 ? body : 0);
		api_rig_read_reply(fd, &reply);
		assert_int_equal(reply.status, i == 0 ? 400 : 413);
		free(bytes);
		api_reply_fini(&reply);
	}
}

static void shuts_a_head_that_drips_past_its_time(void **state)
{
	struct api_reply reply;
	(void)state;
	int slow = api_rig_connect(&rig);
	api_rig_send(slow, "GET /livez HT", 13);
	/* It keeps dripping; the deadline is for the whole head. */
	api_rig_advance(LIMIT_HTTP_HEAD_MS / 2);
	api_rig_send(slow, "TP/1.1\r\nX", 9);
	assert_int_equal(
		status_of("GET /livez HTTP/1.1\r\nHost: localhost:%u\r\nConnection: close\r\n\r\n"),
		200);
	api_rig_advance(LIMIT_HTTP_HEAD_MS / 2 + 1);
	api_rig_read_reply(slow, &reply);
	assert_int_equal(reply.status, 0);
	api_reply_fini(&reply);
	assert_int_equal(
		status_of("GET /livez HTTP/1.1\r\nHost: localhost:%u\r\nConnection: close\r\n\r\n"),
		200);
}

static void shuts_a_body_that_drips_past_its_time(void **state)
{
	char head[512];
	struct api_reply reply;
	(void)state;
	int len = snprintf(head, sizeof(head),
		"POST /api/like HTTP/1.1\r\nHost: localhost:%1$u\r\nCookie: %2$s\r\nX-Kith-Token: "
		"%3$s\r\nOrigin: http://localhost:%1$u\r\nContent-Type: "
		"application/json\r\nContent-Length: 100\r\n\r\n{",
		rig.port, rig.cookie, rig.token);
	int slow = api_rig_connect(&rig);
	api_rig_send(slow, head, (size_t)len);
	assert_int_equal(
		status_of("GET /livez HTTP/1.1\r\nHost: localhost:%u\r\nConnection: close\r\n\r\n"),
		200);
	struct pollfd wait = {.fd = slow, .events = POLLIN};
	(void)poll(&wait, 1, 300); /* let the head arrive, whatever the machine does */
	api_rig_advance(LIMIT_HTTP_HEAD_MS + 1);
	api_rig_read_reply(slow, &reply);
	assert_int_equal(reply.status, 0);
	api_reply_fini(&reply);
}

static void lets_who_waits_longest_give_way_to_who_comes(void **state)
{
	int fds[CONNECTIONS_FAR];
	(void)state;
	for (size_t i = 0; i < CONNECTIONS_FAR; i++) {
		fds[i] = api_rig_connect(&rig);
	}
	/* Whoever comes is served. */
	assert_int_equal(
		status_of("GET /livez HTTP/1.1\r\nHost: localhost:%u\r\nConnection: close\r\n\r\n"),
		200);
	/* All of one address: all but its share are shut, which takes the threads a moment. */
	struct pollfd waits[CONNECTIONS_FAR];
	int shut = 0;
	for (size_t i = 0; i < CONNECTIONS_FAR; i++) {
		waits[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
	}
	while (shut < CONNECTIONS_FAR - LIMIT_HTTP_PER_ADDRESS) {
		struct pollfd nothing = {.fd = -1};
		(void)poll(&nothing, 1, 10);
		shut = poll(waits, CONNECTIONS_FAR, 0);
	}
	for (size_t i = 0; i < CONNECTIONS_FAR; i++) {
		(void)close(fds[i]);
	}
	/* And the owner's own door was never in the way. */
	struct api_reply reply;
	api_rig_ask_owner(&rig, "GET", "/api/status", NULL, &reply);
	assert_int_equal(reply.status, 200);
	api_reply_fini(&reply);
}

static void opens_the_socket_for_the_owner_only(void **state)
{
	struct stat info;
	struct api_reply reply;
	(void)state;
	assert_int_equal(stat(rig.socket_path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	api_rig_ask_owner(&rig, "GET", "/api/me", NULL, &reply);
	assert_int_equal(reply.status, 200);
	api_reply_fini(&reply);
	int fd = api_rig_connect_unix(&rig);
	static const char text[] = "GET /api/me HTTP/1.1\r\nHost: localhost\r\n\r\n";
	api_rig_send(fd, text, sizeof(text) - 1);
	api_rig_read_reply(fd, &reply);
	assert_int_equal(reply.status, 400);
	api_reply_fini(&reply);
}

static void stops_while_clients_hang_on(void **state)
{
	int fds[4];
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		fds[i] = api_rig_connect(&rig);
		api_rig_send(fds[i], "GET /", 5);
	}
	uint16_t port = rig.port;
	api_rig_restart(&rig);
	assert_int_equal(rig.port, port);
	for (size_t i = 0; i < 4; i++) {
		(void)close(fds[i]);
	}
	assert_int_equal(
		status_of("GET /livez HTTP/1.1\r\nHost: localhost:%u\r\nConnection: close\r\n\r\n"),
		200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_livez_to_everybody),
		cmocka_unit_test(refuses_at_the_port_what_the_gate_refuses),
		cmocka_unit_test(refuses_a_nul_in_the_request_line),
		cmocka_unit_test(closes_behind_a_refusal),
		cmocka_unit_test(gives_a_page_every_header_and_json_none_of_the_policy),
		cmocka_unit_test(serves_one_request_after_the_other_on_a_connection),
		cmocka_unit_test(refuses_a_body_over_the_limit),
		cmocka_unit_test(shuts_a_head_that_drips_past_its_time),
		cmocka_unit_test(shuts_a_body_that_drips_past_its_time),
		cmocka_unit_test(lets_who_waits_longest_give_way_to_who_comes),
		cmocka_unit_test(opens_the_socket_for_the_owner_only),
		cmocka_unit_test(stops_while_clients_hang_on),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
