/* A node whose key waits for its passphrase: the door is there, nothing behind it; a session that
 * was opened before goes on afterwards, on the same port. */
#include "lib/api_rig.h"

#include "lib/cmocka.h"
#include "lib/folder.h"

#include "api/bind.h"
#include "api/session.h"
#include "base/limits.h"
#include "store/secret.h"

#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

enum { AT_ONCE = 14 };

static struct api_rig rig;
static struct bind_doors doors;
static struct sessions *sessions;
static struct key *given; /* by on_key */

static void on_key(void *ctx, struct key *key, enum api_key why)
{
	(void)ctx;
	assert_int_equal(why, API_KEY_UNLOCKED);
	key_free(__atomic_exchange_n(&given, key, __ATOMIC_ACQ_REL));
}

static void start_locked(void)
{
	char why[512] = "";
	const struct api_opts opts = {.env = api_rig_env(),
		.is_locked = true,
		.dir = rig.dir,
		.doors = &doors,
		.sessions = sessions,
		.on_key = on_key};
	if (api_start(&opts, &rig.api, why, sizeof(why)) != ERR_OK) {
		fail_msg("%s", why);
	}
	rig.port = api_port(rig.api);
}

static int set_up(void **state)
{
	struct key *key = NULL;
	char why[512] = "";
	(void)state;
	assert_true(sodium_init() >= 0);
	memset(&rig, 0, sizeof(rig));
	folder_make(rig.dir, sizeof(rig.dir), "kith-test");
	(void)snprintf(rig.socket_path, sizeof(rig.socket_path), "%s/api.sock", rig.dir);
	assert_int_equal(key_generate(&key), ERR_OK);
	assert_int_equal(secret_create(rig.dir, key, why, sizeof(why)), ERR_OK);
	assert_int_equal(
		secret_rewrite(rig.dir, key, span_text("let me in"), why, sizeof(why)), ERR_OK);
	rig.self = *key_id(key);
	key_free(key);
	const struct bind_opts bind = {.socket_path = rig.socket_path};
	assert_int_equal(bind_doors_open(&bind, &doors, why, sizeof(why)), ERR_OK);
	assert_int_equal(
		sessions_new(&(struct session_opts){.env = api_rig_env()}, &sessions), ERR_OK);
	start_locked();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	api_stop(rig.api);
	bind_doors_close(&doors);
	sessions_free(sessions);
	key_free(given);
	given = NULL;
	folder_remove(rig.dir);
	return 0;
}

static unsigned ask(const char *method, const char *target, const char *body, bool is_owner)
{
	struct api_reply reply;
	if (is_owner) {
		api_rig_ask_owner(&rig, method, target, body, &reply);
	} else {
		api_rig_ask(&rig, method, target, body, "", &reply);
	}
	unsigned status = reply.status;
	if (status == 423) {
		assert_string_equal(api_reply_text(&reply, "error.code"), "locked");
	}
	api_reply_fini(&reply);
	return status;
}

static const char wrong[] = "{\"passphrase\":\"let me inn\"}";
static const char right[] = "{\"passphrase\":\"let me in\"}";

static void shows_the_page_and_answers_423_to_the_rest(void **state)
{
	static const char *const gets[] = {"/api/boot?limit=20", "/api/status", "/api/me",
		"/api/timeline", "/api/people", "/api/network", "/api/safety", "/api/safety/words",
		"/api/drafts", "/api/nothing"};
	static const char *const posts[] = {"/api/post", "/api/code", "/api/publish",
		"/api/safety/words", "/api/safety/identity", "/api/safety/passphrase",
		"/api/safety/resume", "/api/safety/backup", "/api/network/connect", "/api/nothing"};
	(void)state;
	for (int owner = 0; owner < 2; owner++) {
		assert_int_equal(ask("GET", "/livez", NULL, owner != 0), 200);
		for (size_t i = 0; i < sizeof(gets) / sizeof(gets[0]); i++) {
			assert_int_equal(ask("GET", gets[i], NULL, owner != 0), 423);
		}
		for (size_t i = 0; i < sizeof(posts) / sizeof(posts[0]); i++) {
			assert_int_equal(ask("POST", posts[i], "{}", owner != 0), 423);
		}
	}
	assert_int_equal(ask("GET", "/api/session", NULL, false), 200);
	assert_int_equal(ask("POST", "/api/session", "{\"password\":\"let me in\"}", false), 401);
	assert_int_equal(ask("GET", "/", NULL, false), 200);
	assert_int_equal(ask("GET", "/settings/safety", NULL, false), 200);
	struct api_reply reply;
	char text[512];
	(void)snprintf(text, sizeof(text),
		"GET /api/live HTTP/1.1\r\nHost: localhost:%u\r\nOrigin: http://localhost:%u\r\n"
		"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
		rig.port, rig.port);
	api_rig_raw(&rig, text, &reply);
	assert_int_equal(reply.status, 423);
	api_reply_fini(&reply);
}

static void a_start_that_takes_its_time_shows_the_page_and_how_far_it_is(void **state)
{
	static const char *const gets[] = {
		"/api/session", "/api/boot?limit=20", "/api/status", "/api/nothing", "/blob/x"};
	static const char *const posts[] = {"/api/session", "/api/unlock", "/api/post"};
	struct api_starting starting = {.done = 0};
	struct api_reply reply;
	char why[512] = "";
	(void)state;
	api_stop(rig.api);
	const struct api_opts opts = {.env = api_rig_env(),
		.is_locked = true,
		.starting = &starting,
		.dir = rig.dir,
		.doors = &doors,
		.sessions = sessions};
	assert_int_equal(api_start(&opts, &rig.api, why, sizeof(why)), ERR_OK);
	for (int owner = 0; owner < 2; owner++) {
		for (size_t i = 0; i < sizeof(gets) / sizeof(gets[0]); i++) {
			assert_int_equal(ask("GET", gets[i], NULL, owner != 0), 503);
		}
		for (size_t i = 0; i < sizeof(posts) / sizeof(posts[0]); i++) {
			assert_int_equal(ask("POST", posts[i], "{}", owner != 0), 503);
		}
		assert_int_equal(ask("GET", "/livez", NULL, owner != 0), 200);
	}
	assert_int_equal(ask("GET", "/", NULL, false), 200);
	for (int step = 0; step < 2; step++) {
		atomic_store(&starting.is_migrating, step == 1);
		atomic_store(&starting.done, 700 * step);
		api_rig_ask(&rig, "GET", "/readyz", NULL, "", &reply);
		assert_int_equal(reply.status, 503);
		assert_string_equal(reply.body, step == 1 ? "migrating\n" : "starting\n");
		api_reply_fini(&reply);
		api_rig_ask(&rig, "GET", "/api/session", NULL, "", &reply);
		const json_t *error = json_object_get(reply.json, "error");
		assert_string_equal(api_reply_text(&reply, "error.code"), "starting");
		assert_int_equal(json_integer_value(json_object_get(error, "done")), 700 * step);
		assert_int_equal(json_integer_value(json_object_get(error, "of")), 1000);
		assert_non_null(strstr(reply.text, "Retry-After: 1"));
		api_reply_fini(&reply);
	}
}

static void opens_for_the_passphrase_alone(void **state)
{
	(void)state;
	assert_int_equal(ask("POST", "/api/unlock", "{}", false), 400);
	assert_int_equal(ask("POST", "/api/unlock", "{\"passphrase\":7}", false), 400);
	assert_int_equal(ask("POST", "/api/unlock", "{\"passphrase\":\"\"}", false), 422);
	assert_int_equal(ask("POST", "/api/unlock", wrong, false), 422);
	assert_null(given);
	assert_int_equal(ask("POST", "/api/unlock", right, false), 200);
	assert_non_null(given);
	assert_true(feed_id_equal(key_id(given), &rig.self));
}

static void lets_no_other_page_try(void **state)
{
	char text[512];
	struct api_reply reply;
	(void)state;
	(void)snprintf(text, sizeof(text),
		"POST /api/unlock HTTP/1.1\r\nHost: localhost:%u\r\nOrigin: http://evil.example\r\n"
		"Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
		rig.port, strlen(right), right);
	api_rig_raw(&rig, text, &reply);
	assert_int_equal(reply.status, 403);
	api_reply_fini(&reply);
	assert_null(given);
}

static void five_wrong_ones_close_the_door_for_15_minutes(void **state)
{
	(void)state;
	for (int i = 0; i < LIMIT_LOGIN_FAILURES; i++) {
		assert_int_equal(ask("POST", "/api/unlock", wrong, false), 422);
	}
	assert_int_equal(ask("POST", "/api/unlock", right, false), 429);
	assert_int_equal(ask("POST", "/api/session", "{\"code\":\"x\"}", false), 429);
	assert_null(given);
	/* Whoever may open the socket could as well read the secret file. */
	assert_int_equal(ask("POST", "/api/unlock", wrong, true), 422);
	api_rig_advance(15 * 60 * 1000 + 1000);
	assert_int_equal(ask("POST", "/api/unlock", right, false), 200);
	assert_non_null(given);
}

static void many_at_once_get_no_more_than_five_tries(void **state)
{
	int fds[AT_ONCE];
	unsigned tries = 0;
	char text[512];
	(void)state;
	(void)snprintf(text, sizeof(text),
		"POST /api/unlock HTTP/1.1\r\nHost: localhost:%u\r\nOrigin: http://localhost:%u\r\n"
		"Connection: close\r\nContent-Type: application/json\r\nContent-Length: "
		"%zu\r\n\r\n%s",
		rig.port, rig.port, strlen(wrong), wrong);
	for (int i = 0; i < AT_ONCE; i++) {
		fds[i] = api_rig_connect(&rig);
		api_rig_send(fds[i], text, strlen(text));
	}
	for (int i = 0; i < AT_ONCE; i++) {
		struct api_reply reply;
		api_rig_read_reply(fds[i], &reply);
		assert_true(reply.status == 422 || reply.status == 429 || reply.status == 503);
		tries += reply.status == 422 ? 1 : 0;
		api_reply_fini(&reply);
	}
	assert_in_range(tries, 1, LIMIT_LOGIN_FAILURES);
	assert_null(given);
}

static void log_in(const char *code)
{
	char body[64];
	struct api_reply reply;
	(void)snprintf(body, sizeof(body), "{\"code\":\"%s\"}", code);
	rig.cookie[0] = rig.token[0] = '\0';
	api_rig_ask(&rig, "POST", "/api/session", body, "", &reply);
	assert_int_equal(reply.status, 200);
	(void)snprintf(rig.token, sizeof(rig.token), "%s", api_reply_text(&reply, "token"));
	const char *cookie = strstr(reply.text, "Set-Cookie: ");
	assert_non_null(cookie);
	cookie += strlen("Set-Cookie: ");
	(void)snprintf(rig.cookie, sizeof(rig.cookie), "%.*s", (int)strcspn(cookie, ";"), cookie);
	api_reply_fini(&reply);
}

/* What the node does: the same doors and sessions, with a store behind them. */
static void start_open(const char *dir)
{
	char why[512] = "";
	const struct store_opts store = {.dir = dir, .env = api_rig_env(), .self = rig.self};
	assert_int_equal(store_open(&store, &rig.store, why, sizeof(why)), ERR_OK);
	const struct writer_opts writer = {.store = rig.store};
	assert_int_equal(writer_start(&writer, &rig.writer, why, sizeof(why)), ERR_OK);
	const struct api_opts opts = {.env = api_rig_env(),
		.store = rig.store,
		.writer = rig.writer,
		.self = rig.self,
		.doors = &doors,
		.sessions = sessions};
	if (api_start(&opts, &rig.api, why, sizeof(why)) != ERR_OK) {
		fail_msg("%s", why);
	}
}

static void stop_open(void)
{
	api_stop(rig.api);
	writer_stop(rig.writer);
	reader_close_thread();
	store_close(rig.store);
}

static void sessions_and_codes_live_on_behind_the_same_door(void **state)
{
	char before[33];
	char after[33];
	(void)state;
	api_new_code(rig.api, before);
	api_new_code(rig.api, after);
	log_in(before);
	assert_int_equal(ask("GET", "/api/status", NULL, false), 423);
	assert_int_equal(ask("POST", "/api/unlock", right, false), 200);
	api_stop(rig.api);

	/* Who comes between two lives waits, and is answered by the second. */
	char text[512];
	struct api_reply reply;
	int fd = api_rig_connect(&rig);
	(void)snprintf(text, sizeof(text),
		"GET /api/status HTTP/1.1\r\nHost: localhost:%u\r\nCookie: %s\r\nX-Kith-Token: "
		"%s\r\nConnection: close\r\n\r\n",
		rig.port, rig.cookie, rig.token);
	api_rig_send(fd, text, strlen(text));
	start_open(rig.dir);
	api_rig_read_reply(fd, &reply);
	assert_int_equal(reply.status, 200);
	api_reply_fini(&reply);
	assert_int_equal(ask("POST", "/api/unlock", wrong, false), 200); /* it is open */

	/* Another store, as after another key: the session is kept in that one too. */
	char other[64];
	folder_make(other, sizeof(other), "kith-test");
	stop_open();
	start_open(other);
	assert_int_equal(ask("GET", "/api/status", NULL, false), 200);
	stop_open();
	struct sessions *fresh = NULL;
	assert_int_equal(
		sessions_new(&(struct session_opts){.env = api_rig_env()}, &fresh), ERR_OK);
	sessions_free(sessions);
	sessions = fresh;
	start_open(other);
	assert_int_equal(ask("GET", "/api/status", NULL, false), 200);
	stop_open();
	folder_remove(other);
	rig.api = NULL;
}

static void a_code_from_before_opens_the_door_afterwards(void **state)
{
	char code[33];
	(void)state;
	api_new_code(rig.api, code);
	api_stop(rig.api);
	start_open(rig.dir);
	log_in(code);
	assert_int_equal(ask("GET", "/api/status", NULL, false), 200);
	stop_open();
	rig.api = NULL;
}

#define LOCKED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOCKED(a_start_that_takes_its_time_shows_the_page_and_how_far_it_is),
		LOCKED(shows_the_page_and_answers_423_to_the_rest),
		LOCKED(opens_for_the_passphrase_alone),
		LOCKED(lets_no_other_page_try),
		LOCKED(five_wrong_ones_close_the_door_for_15_minutes),
		LOCKED(many_at_once_get_no_more_than_five_tries),
		LOCKED(sessions_and_codes_live_on_behind_the_same_door),
		LOCKED(a_code_from_before_opens_the_door_afterwards),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
