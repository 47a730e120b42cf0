/* WebSockets from the hand-over to the goodbye, by a small client of its own that speaks raw
 * frames. */
#include "lib/api_rig.h"

#include "lib/cmocka.h"

#include "base/limits.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WAIT_MS = 10000, TEXT_BYTES = 128 * 1024, OP_TEXT = 1, OP_BINARY = 2, OP_CLOSE = 8 };

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

/* One byte, or false at the end. */
static bool read_exactly(int fd, void *out, size_t len)
{
	size_t done = 0;
	while (done < len) {
		struct pollfd wait = {.fd = fd, .events = POLLIN};
		ssize_t got = poll(&wait, 1, WAIT_MS) > 0
				      ? recv(fd, (char *)out + done, len - done, 0)
				      : -1;
		if (got <= 0) {
			return false;
		}
		done += (size_t)got;
	}
	return true;
}

static void read_head(int fd, char *out, size_t room)
{
	size_t len = 0;
	while (len + 1 < room && read_exactly(fd, out + len, 1)) {
		len++;
		if (len >= 4 && memcmp(out + len - 4, "\r\n\r\n", 4) == 0) {
			break;
		}
	}
	out[len] = '\0';
}

/* Ask for an upgrade with these lines besides Host; the socket, and the head of the answer. */
static int upgrade(const char *lines, char *head, size_t room)
{
	char text[1024];
	int fd = api_rig_connect(&rig);
	int len = snprintf(text, sizeof(text),
		"GET /api/live HTTP/1.1\r\nHost: localhost:%u\r\nConnection: Upgrade\r\nUpgrade: "
		"websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
		"dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
		rig.port, lines);
	api_rig_advance(1000);
	api_rig_send(fd, text, (size_t)len);
	read_head(fd, head, room);
	return fd;
}

static int open_socket(void)
{
	char lines[256];
	char head[1024];
	(void)snprintf(lines, sizeof(lines), "Origin: http://localhost:%u\r\nCookie: %s\r\n",
		rig.port, rig.cookie);
	int fd = upgrade(lines, head, sizeof(head));
	assert_int_equal(strncmp(head, "HTTP/1.1 101 ", 13), 0);
	/* RFC 6455 §1.3: the answer to this very key. */
	assert_non_null(strstr(head, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
	return fd;
}

static void say_bytes(int fd, int op, const void *bytes, size_t len, bool is_last)
{
	uint8_t head[14] = {(uint8_t)((is_last ? 0x80 : 0) | op)};
	size_t head_len = 2;
	if (len < 126) {
		head[1] = (uint8_t)(0x80 | len);
	} else if (len < 65536) {
		head[1] = 0x80 | 126;
		head[2] = (uint8_t)(len >> 8);
		head[3] = (uint8_t)len;
		head_len = 4;
	} else {
		head[1] = 0x80 | 127;
		for (size_t i = 0; i < 8; i++) {
			head[2 + i] = (uint8_t)((uint64_t)len >> (56 - 8 * i));
		}
		head_len = 10;
	}
	/* The mask is four zero bytes: allowed, and it leaves the text readable. */
	api_rig_send(fd, head, head_len + 4);
	api_rig_send(fd, bytes, len);
}

static void say(int fd, const char *text)
{
	say_bytes(fd, OP_TEXT, text, strlen(text), true);
}

/* The next text frame's JSON, or NULL at the end (also a close frame). */
static json_t *hear(int fd)
{
	for (;;) {
		uint8_t head[2];
		uint8_t more[8];
		if (!read_exactly(fd, head, 2)) {
			return NULL;
		}
		uint64_t len = head[1] & 0x7f;
		assert_int_equal(head[1] & 0x80, 0);
		if (len >= 126) {
			size_t count = len == 126 ? 2 : 8;
			assert_true(read_exactly(fd, more, count));
			len = 0;
			for (size_t i = 0; i < count; i++) {
				len = len << 8 | more[i];
			}
		}
		assert_true(len <= TEXT_BYTES);
		char *text = calloc(1, (size_t)len + 1);
		assert_true(read_exactly(fd, text, (size_t)len));
		int op = head[0] & 0x0f;
		json_t *said = op == OP_TEXT ? json_loads(text, 0, NULL) : NULL;
		free(text);
		if (op == OP_TEXT) {
			assert_non_null(said);
			return said;
		}
		if (op == OP_CLOSE) {
			return NULL;
		}
	}
}

static bool is_event(const json_t *said, const char *name)
{
	const char *event = json_string_value(json_object_get(said, "ev"));
	return event != NULL && strcmp(event, name) == 0;
}

/* The next event of that name; others are passed over. */
static json_t *hear_event(int fd, const char *name)
{
	for (;;) {
		json_t *said = hear(fd);
		if (said == NULL) {
			fail_msg("no event %s", name);
		}
		if (is_event(said, name)) {
			return said;
		}
		json_decref(said);
	}
}

static void expect_end(int fd)
{
	json_t *said = NULL;
	while ((said = hear(fd)) != NULL) {
		assert_false(is_event(said, "hello"));
		json_decref(said);
	}
	(void)close(fd);
}

static int greet(void)
{
	char text[128];
	int fd = open_socket();
	(void)snprintf(text, sizeof(text), "{\"op\":\"hello\",\"token\":\"%s\"}", rig.token);
	say(fd, text);
	json_t *said = hear(fd);
	assert_true(is_event(said, "hello"));
	assert_true(json_is_integer(json_object_get(said, "head")));
	json_decref(said);
	return fd;
}

static char *publish(const char *body)
{
	struct api_reply reply;
	api_rig_ask_owner(&rig, "POST", "/api/post", body, &reply);
	assert_int_equal(reply.status, 200);
	char *key = strdup(api_reply_text(&reply, "key"));
	api_reply_fini(&reply);
	return key;
}

static void tells_a_page_of_new_posts(void **state)
{
	(void)state;
	int fd = greet();
	char *key = publish("{\"text\":\"fresh\"}");
	json_t *said = hear_event(fd, "fresh");
	assert_int_equal(json_integer_value(json_object_get(said, "n")), 1);
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(said, "ids"), 0)), key);
	json_decref(said);
	free(key);
	(void)close(fd);
}

static void tells_a_page_that_publishing_pauses_and_why(void **state)
{
	struct api_reply reply;
	(void)state;
	int fd = greet();
	api_rig_ask_owner(&rig, "POST", "/api/safety/witness", "{\"sequence\":999}", &reply);
	assert_int_equal(reply.status, 200);
	api_reply_fini(&reply);
	json_t *said = hear_event(fd, "state");
	assert_string_equal(json_string_value(json_object_get(said, "is")), "SUSPECT");
	assert_string_equal(json_string_value(json_object_get(said, "cause")), "witness");
	json_decref(said);
	api_rig_ask_owner(&rig, "POST", "/api/safety/resume", "{\"accept\":true}", &reply);
	assert_int_equal(reply.status, 200);
	api_reply_fini(&reply);
	said = hear_event(fd, "state");
	assert_string_equal(json_string_value(json_object_get(said, "is")), "CLEAN");
	assert_true(json_is_null(json_object_get(said, "cause")));
	json_decref(said);
	/* And when only what it waits for has moved. */
	api_rig_ask_owner(&rig, "POST", "/api/safety/witness", "{\"sequence\":999}", &reply);
	api_reply_fini(&reply);
	json_decref(hear_event(fd, "safety"));
	api_rig_ask_owner(&rig, "POST", "/api/safety/resume", "{\"accept\":true}", &reply);
	assert_int_equal(reply.status, 200);
	api_reply_fini(&reply);
	(void)close(fd);
}

static void tells_who_watches_a_thread_of_its_replies(void **state)
{
	char body[160];
	(void)state;
	char *root = publish("{\"text\":\"root\"}");
	int fd = greet();
	(void)snprintf(body, sizeof(body), "{\"op\":\"watch\",\"id\":\"%s\"}", root);
	say(fd, body);
	(void)snprintf(body, sizeof(body), "{\"text\":\"reply\",\"root\":\"%s\"}", root);
	char *reply = publish(body);
	bool has_root = false;
	bool has_reply = false;
	while (!has_root || !has_reply) {
		json_t *said = hear_event(fd, "changed");
		const char *id = json_string_value(json_array_get(json_object_get(said, "ids"), 0));
		has_root = has_root || strcmp(id, root) == 0;
		has_reply = has_reply || strcmp(id, reply) == 0;
		json_decref(said);
	}
	free(root);
	free(reply);
	(void)close(fd);
}

static void upgrades_nobody_without_cookie_or_of_another_origin(void **state)
{
	static const struct {
		const char *origin;
		bool has_cookie;
		unsigned status;
	} cases[] = {{"http://localhost:%u", false, 401}, {"http://evil.example", true, 403},
		{"http://localhost:1", true, 403}, {"null", true, 403}, {NULL, true, 403}};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char origin[96] = "";
		char lines[256] = "";
		char head[1024];
		if (cases[i].origin != NULL) {
			int len = snprintf(origin, sizeof(origin), "Origin: ");
			(void)snprintf(origin + len, sizeof(origin) - (size_t)len, cases[i].origin,
				rig.port);
		}
		(void)snprintf(lines, sizeof(lines), "%s%s%s%s%s", origin,
			origin[0] == '\0' ? "" : "\r\n", cases[i].has_cookie ? "Cookie: " : "",
			cases[i].has_cookie ? rig.cookie : "", cases[i].has_cookie ? "\r\n" : "");
		int fd = upgrade(lines, head, sizeof(head));
		assert_int_equal(strtoul(head + 9, NULL, 10), cases[i].status);
		(void)close(fd);
	}
}

static void ends_a_page_with_a_wrong_hello(void **state)
{
	static const char *const hellos[] = {"{\"op\":\"hello\",\"token\":\"wrong\"}",
		"{\"op\":\"hello\"}", "{\"op\":\"watch\"}", "{}", "[]", "rubbish", "",
		"{\"op\":\"hello\",\"op\":\"hello\"}",
		"{\"a\":[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]}"};
	(void)state;
	for (size_t i = 0; i < sizeof(hellos) / sizeof(hellos[0]); i++) {
		int fd = open_socket();
		say(fd, hellos[i]);
		expect_end(fd);
	}
	int fd = open_socket();
	say_bytes(fd, OP_BINARY, "{\"op\":\"hello\"}", 14, true);
	expect_end(fd);
}

static void ends_a_page_that_says_nothing(void **state)
{
	(void)state;
	expect_end(open_socket());
}

static void takes_a_frame_at_the_limit_and_none_above(void **state)
{
	char *text = malloc(2 * LIMIT_LIVE_FRAME_BYTES);
	(void)state;
	memset(text, ' ', 2 * LIMIT_LIVE_FRAME_BYTES);
	memcpy(text, "{\"op\":\"unwatch\"}", 16);
	int fd = greet();
	/* In two fragments: the limit is the message's. */
	say_bytes(fd, OP_TEXT, text, LIMIT_LIVE_FRAME_BYTES / 2, false);
	say_bytes(fd, 0, text + LIMIT_LIVE_FRAME_BYTES / 2, LIMIT_LIVE_FRAME_BYTES / 2, true);
	free(publish("{\"text\":\"still here\"}"));
	json_decref(hear_event(fd, "fresh"));
	say_bytes(fd, OP_TEXT, text, LIMIT_LIVE_FRAME_BYTES, false);
	say_bytes(fd, 0, text, 1, true);
	expect_end(fd);
	free(text);
}

static void ends_a_page_that_speaks_without_pause(void **state)
{
	(void)state;
	int fd = greet();
	for (int i = 0; i < 100 * LIMIT_LIVE_MESSAGES_PER_SECOND; i++) {
		say(fd, "{\"op\":\"unwatch\"}");
	}
	expect_end(fd);
}

static void opens_eight_pages_and_not_nine(void **state)
{
	int fds[LIMIT_LIVE_PER_SESSION];
	char text[128];
	(void)state;
	for (size_t i = 0; i < LIMIT_LIVE_PER_SESSION; i++) {
		fds[i] = greet();
	}
	int fd = open_socket();
	(void)snprintf(text, sizeof(text), "{\"op\":\"hello\",\"token\":\"%s\"}", rig.token);
	say(fd, text);
	json_t *said = hear(fd);
	assert_true(is_event(said, "bye"));
	json_decref(said);
	expect_end(fd);
	for (size_t i = 0; i < LIMIT_LIVE_PER_SESSION; i++) {
		(void)close(fds[i]);
	}
	/* The places come back. */
	for (int i = 0; i < 50; i++) {
		struct pollfd nothing = {.fd = -1};
		(void)poll(&nothing, 1, 20);
	}
	(void)close(greet());
}

/* Open one more session; the rig speaks as it from now on. */
static void log_in(void)
{
	struct api_rig other = rig;
	struct api_reply reply;
	char code[33];
	char body[64];
	api_new_code(rig.api, code);
	(void)snprintf(body, sizeof(body), "{\"code\":\"%s\"}", code);
	other.token[0] = '\0';
	api_rig_ask(&other, "POST", "/api/session", body, "", &reply);
	assert_int_equal(reply.status, 200);
	(void)snprintf(rig.token, sizeof(rig.token), "%s", api_reply_text(&reply, "token"));
	const char *cookie = strstr(reply.text, "Set-Cookie: ") + 12;
	(void)snprintf(rig.cookie, sizeof(rig.cookie), "%.*s", (int)strcspn(cookie, ";"), cookie);
	api_reply_fini(&reply);
}

static void become(const struct api_rig *who)
{
	(void)snprintf(rig.token, sizeof(rig.token), "%s", who->token);
	(void)snprintf(rig.cookie, sizeof(rig.cookie), "%s", who->cookie);
}

static void tells_pages_of_a_device_that_came_in_and_of_one_that_changed(void **state)
{
	struct api_rig mine = rig;
	struct api_reply reply;
	char target[64];
	(void)state;
	int fd = greet();
	log_in();
	json_decref(hear_event(fd, "devices"));
	become(&mine);
	api_rig_ask(&rig, "GET", "/api/devices", NULL, "", &reply);
	(void)snprintf(target, sizeof(target), "/api/devices/%s",
		json_string_value(json_object_get(
			json_array_get(json_object_get(reply.json, "devices"), 0), "id")));
	api_reply_fini(&reply);
	api_rig_ask(&rig, "POST", target, "{\"name\":\"the tablet\"}", "", &reply);
	assert_int_equal(reply.status, 200);
	api_reply_fini(&reply);
	json_decref(hear_event(fd, "devices"));
	(void)close(fd);
}

static void says_goodbye_when_the_session_ends(void **state)
{
	struct api_rig mine = rig;
	struct api_reply reply;
	(void)state;
	api_rig_advance(120000);
	log_in();
	int fd = greet();
	api_rig_ask(&rig, "DELETE", "/api/session", NULL, "", &reply);
	assert_int_equal(reply.status, 200);
	api_reply_fini(&reply);
	json_t *said = hear_event(fd, "bye");
	json_decref(said);
	expect_end(fd);
	become(&mine);
}

/* Until the other side has closed the socket for good: what is sent then is reset. */
static void expect_reset(int fd)
{
	bool is_reset = false;
	for (int i = 0; i < 20 * WAIT_MS && !is_reset; i += 20) {
		struct pollfd nothing = {.fd = -1};
		(void)poll(&nothing, 1, 20);
		is_reset = send(fd, "\x8a\x80\0\0\0\0", 6, MSG_NOSIGNAL) < 0;
	}
	assert_true(is_reset);
	(void)close(fd);
}

static void ends_what_a_revoked_device_has_open_whatever_it_does(void **state)
{
	struct api_rig mine = rig;
	struct api_reply reply;
	char target[64];
	(void)state;
	api_rig_advance(120000);
	log_in();
	int ready = greet();
	int silent = greet(); /* never reads, and answers no goodbye */
	int late = open_socket();
	json_t *rows = NULL;
	api_rig_ask(&rig, "GET", "/api/devices", NULL, "", &reply);
	rows = json_object_get(reply.json, "devices");
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);
		if (json_is_true(json_object_get(row, "you"))) {
			(void)snprintf(target, sizeof(target), "/api/devices/%s",
				json_string_value(json_object_get(row, "id")));
		}
	}
	api_reply_fini(&reply);
	char text[128];
	(void)snprintf(text, sizeof(text), "{\"op\":\"hello\",\"token\":\"%s\"}", rig.token);
	become(&mine);
	api_rig_ask(&rig, "DELETE", target, NULL, "", &reply);
	assert_int_equal(reply.status, 200);
	api_reply_fini(&reply);
	free(publish("{\"text\":\"not for them\"}"));
	say(late, text);
	expect_end(late);
	json_t *said = NULL;
	bool is_bye = false;
	while ((said = hear(ready)) != NULL) {
		assert_false(is_event(said, "fresh"));
		is_bye = is_bye || is_event(said, "bye");
		json_decref(said);
	}
	assert_true(is_bye);
	(void)close(ready);
	expect_reset(silent);
}

static void says_goodbye_when_the_session_gives_way_to_newer_ones(void **state)
{
	struct api_rig mine = rig;
	struct api_reply reply;
	(void)state;
	log_in();
	int fd = greet();
	for (size_t i = 1; i < LIMIT_SESSIONS; i++) {
		api_rig_advance(4000); /* so many may log in */
		log_in();
		struct api_rig newest = rig;
		become(&mine); /* not the quietest */
		api_rig_ask(&rig, "GET", "/api/me", NULL, "", &reply);
		assert_int_equal(reply.status, 200);
		api_reply_fini(&reply);
		become(&newest);
	}
	json_t *said = hear_event(fd, "bye");
	json_decref(said);
	expect_end(fd);
	become(&mine);
}

static void says_goodbye_when_the_node_stops(void **state)
{
	(void)state;
	int ready = greet();
	int silent = open_socket();
	api_rig_restart(&rig);
	json_decref(hear_event(ready, "bye"));
	expect_end(ready);
	expect_end(silent);
	(void)close(greet());
}

static void drops_a_page_that_vanishes(void **state)
{
	(void)state;
	for (int i = 0; i < 3 * LIMIT_HTTP_PER_ADDRESS; i++) {
		int fd = i % 2 == 0 ? greet() : open_socket();
		(void)close(fd);
		struct pollfd nothing = {.fd = -1};
		(void)poll(&nothing, 1, 20);
	}
	(void)close(greet());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_a_page_of_new_posts),
		cmocka_unit_test(tells_a_page_that_publishing_pauses_and_why),
		cmocka_unit_test(tells_who_watches_a_thread_of_its_replies),
		cmocka_unit_test(upgrades_nobody_without_cookie_or_of_another_origin),
		cmocka_unit_test(ends_a_page_with_a_wrong_hello),
		cmocka_unit_test(ends_a_page_that_says_nothing),
		cmocka_unit_test(takes_a_frame_at_the_limit_and_none_above),
		cmocka_unit_test(ends_a_page_that_speaks_without_pause),
		cmocka_unit_test(opens_eight_pages_and_not_nine),
		cmocka_unit_test(tells_pages_of_a_device_that_came_in_and_of_one_that_changed),
		cmocka_unit_test(says_goodbye_when_the_session_ends),
		cmocka_unit_test(ends_what_a_revoked_device_has_open_whatever_it_does),
		cmocka_unit_test(says_goodbye_when_the_session_gives_way_to_newer_ones),
		cmocka_unit_test(says_goodbye_when_the_node_stops),
		cmocka_unit_test(drops_a_page_that_vanishes),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
