/* Devices and the password: who comes in, what they may do, and that it ends at once. */
#include "lib/api_rig.h"

#include "lib/cmocka.h"

#include "api/inside.h"
#include "base/limits.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { AT_ONCE = 14, LONG_TEXT = 2000 };

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

/* json_decref() it. */
static json_t *expect(const struct api_rig *who, const char *method, const char *target,
	const char *body, unsigned status)
{
	struct api_reply reply;
	api_rig_advance(10000);
	api_rig_ask(who, method, target, body, "", &reply);
	if (reply.status != status || reply.json == NULL) {
		fail_msg("%s %s %s: %s", method, target, body == NULL ? "" : body, reply.text);
	}
	json_t *tree = json_incref(reply.json);
	api_reply_fini(&reply);
	return tree;
}

static void check(const struct api_rig *who, const char *method, const char *target,
	const char *body, unsigned status)
{
	json_decref(expect(who, method, target, body, status));
}

static void check_owner(const char *method, const char *target, const char *body, unsigned status)
{
	struct api_reply reply;
	api_rig_ask_owner(&rig, method, target, body, &reply);
	if (reply.status != status) {
		fail_msg("%s %s: %s", method, target, reply.text);
	}
	api_reply_fini(&reply);
}

static const char *text_of(const json_t *tree, const char *name)
{
	const char *text = json_string_value(json_object_get(tree, name));
	return text == NULL ? "" : text;
}

/* Cookie and token of an answer. */
static void take_keys(const struct api_reply *reply, struct api_rig *who)
{
	const char *cookie = strstr(reply->text, "Set-Cookie: ");
	assert_non_null(cookie);
	(void)snprintf(who->token, sizeof(who->token), "%s", api_reply_text(reply, "token"));
	(void)snprintf(who->cookie, sizeof(who->cookie), "%.*s", (int)strcspn(cookie + 12, ";"),
		cookie + 12);
}

static unsigned log_in(const char *body, struct api_rig *other)
{
	struct api_reply reply;
	*other = rig;
	other->token[0] = other->cookie[0] = '\0';
	api_rig_advance(60001);
	api_rig_ask(other, "POST", "/api/session", body, "", &reply);
	unsigned status = reply.status;
	if (status == 200) {
		take_keys(&reply, other);
	}
	api_reply_fini(&reply);
	return status;
}

/* Another browser, called so, with a short code. */
static void come_in(const char *label, const char *may, struct api_rig *other)
{
	char body[512];
	(void)snprintf(body, sizeof(body), "{\"may\":\"%s\"}", may);
	json_t *code = expect(&rig, "POST", "/api/devices/code", body, 200);
	(void)snprintf(body, sizeof(body), "{\"code\":\"%s\",\"name\":\"%s\"}",
		text_of(code, "code"), label);
	assert_non_null(strstr(text_of(code, "link"), text_of(code, "code")));
	json_decref(code);
	assert_int_equal(log_in(body, other), 200);
}

/* The row of the browser called so, as `who` sees it; json_decref() it. */
static json_t *row_of(const struct api_rig *who, const char *label)
{
	json_t *tree = expect(who, "GET", "/api/devices", NULL, 200);
	json_t *rows = json_object_get(tree, "devices");
	json_t *found = NULL;
	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i);
		if (strcmp(text_of(row, "name"), label) == 0) {
			found = json_incref(row);
		}
	}
	json_decref(tree);
	return found;
}

static void target_of(const char *label, char target[static 64])
{
	json_t *row = row_of(&rig, label);
	assert_non_null(row);
	assert_int_equal(strlen(text_of(row, "id")), 16);
	(void)snprintf(target, 64, "/api/devices/%s", text_of(row, "id"));
	json_decref(row);
}

static void check_session(const struct api_rig *who, bool is_in, const char *may, bool has_password)
{
	json_t *tree = expect(who, "GET", "/api/session", NULL, 200);
	assert_int_equal(json_is_true(json_object_get(tree, "in")), is_in);
	assert_int_equal(json_is_true(json_object_get(tree, "password")), has_password);
	assert_string_equal(text_of(tree, "may"), may);
	json_decref(tree);
}

static void a_device_comes_in_by_a_code_and_goes_at_once(void **state)
{
	struct api_rig other;
	char target[64];
	(void)state;
	come_in("Firefox, Linux", "write", &other);
	json_t *own = row_of(&other, "Firefox, Linux");
	assert_true(json_is_true(json_object_get(own, "you")));
	assert_string_equal(text_of(own, "may"), "write");
	assert_true(json_integer_value(json_object_get(own, "made")) > 0);
	json_decref(own);
	target_of("Firefox, Linux", target);
	check(&other, "GET", "/api/me", NULL, 200);
	check(&rig, "DELETE", target, "{}", 200);
	check(&other, "GET", "/api/me", NULL, 401);
	check(&other, "POST", "/api/like", "{}", 401);
	check(&other, "POST", "/api/session/rotate", "{}", 401);
	check_session(&other, false, "", false);
	check(&rig, "GET", "/api/me", NULL, 200);
	check(&rig, "DELETE", target, "{}", 404);
	check(&rig, "POST", target, "{\"name\":\"ghost\"}", 404);
	api_rig_restart(&rig);
	check(&other, "GET", "/api/me", NULL, 401);
	check(&rig, "GET", "/api/me", NULL, 200);
}

static void a_device_that_may_read_changes_nothing(void **state)
{
	static const struct {
		const char *method, *target;
	} refused[] = {{"POST", "/api/post"}, {"POST", "/api/like"}, {"POST", "/api/follow"},
		{"POST", "/api/profile"}, {"POST", "/api/publish"}, {"POST", "/api/outbox"},
		{"POST", "/api/settings"}, {"POST", "/api/here"}, {"POST", "/api/code"},
		{"POST", "/api/devices/code"}, {"POST", "/api/password"},
		{"DELETE", "/api/password"}, {"DELETE", "/api/devices/0123456789abcdef"},
		{"POST", "/api/devices/0123456789abcdef"}, {"POST", "/api/safety/backup"},
		{"GET", "/api/safety/backup/x"}, {"GET", "/api/safety/words"},
		{"POST", "/api/safety/passphrase"}, {"POST", "/api/network/disconnect"},
		{"POST", "/api/storage"}, {"POST", "/api/bookmark"}, {"POST", "/api/private"}};
	static const char *const open[] = {"/api/boot?limit=1", "/api/timeline", "/api/me",
		"/api/private", "/api/devices", "/api/people", "/api/settings", "/api/activity"};
	struct api_rig other;
	(void)state;
	come_in("the tablet", "read", &other);
	check_session(&other, true, "read", false);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		bool is_get = strcmp(refused[i].method, "GET") == 0;
		json_t *tree = expect(&other, refused[i].method, refused[i].target,
			is_get ? NULL : "{\"text\":\"no\"}", 403);
		assert_string_equal(text_of(json_object_get(tree, "error"), "code"), "read_only");
		json_decref(tree);
	}
	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
		check(&other, "GET", open[i], NULL, 200);
	}
	check(&other, "DELETE", "/api/session", "{}", 200);
	check(&other, "GET", "/api/me", NULL, 401);
}

static void what_a_device_may_do_changes_at_once_and_outlives_the_node(void **state)
{
	struct api_rig other;
	char target[64];
	(void)state;
	come_in("the phone", "write", &other);
	target_of("the phone", target);
	check(&other, "POST", "/api/post", "{\"text\":\"from the phone\"}", 200);
	json_t *row =
		expect(&rig, "POST", target, "{\"name\":\"old phone\",\"may\":\"read\"}", 200);
	assert_string_equal(text_of(row, "name"), "old phone");
	assert_string_equal(text_of(row, "may"), "read");
	json_decref(row);
	check(&other, "POST", "/api/post", "{\"text\":\"once more\"}", 403);
	check(&other, "POST", target, "{\"may\":\"write\"}", 403);
	api_rig_restart(&rig);
	check(&other, "POST", "/api/post", "{\"text\":\"once more\"}", 403);
	check(&other, "GET", "/api/me", NULL, 200);
	json_t *kept = row_of(&rig, "old phone");
	assert_non_null(kept);
	json_decref(kept);
	check(&rig, "POST", target, "{\"may\":\"write\"}", 200);
	check(&other, "POST", "/api/post", "{\"text\":\"once more\"}", 200);
}

static void a_name_is_cut_when_it_is_brought_and_refused_when_it_is_given(void **state)
{
	struct api_rig other;
	char label[LONG_TEXT + 1];
	char body[LONG_TEXT + 64];
	char target[64];
	(void)state;
	for (size_t i = 0; i < 100; i++) {
		memcpy(label + 2 * i, "\xc3\xa9", 2);
	}
	label[200] = '\0';
	come_in(label, "write", &other);
	label[62] = '\0'; /* 63 bytes would cut one in half */
	target_of(label, target);
	for (size_t len = 0; len <= LONG_TEXT; len += len == 0    ? 63
						      : len == 63 ? 1
								  : LONG_TEXT - 64) {
		memset(label, 'x', len);
		label[len] = '\0';
		(void)snprintf(body, sizeof(body), "{\"name\":\"%s\"}", label);
		check(&rig, "POST", target, body, len == LIMIT_DEVICE_NAME_BYTES ? 200 : 422);
	}
	static const char *const odd[] = {"{}", "{\"name\":7}", "{\"may\":\"all\"}",
		"{\"may\":true}", "{\"name\":\"x\",\"may\":\"\"}"};
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		check(&rig, "POST", target, odd[i], 400);
	}
	check(&rig, "POST", "/api/devices/code", "{}", 400);
	check(&rig, "POST", "/api/devices/code", "{\"may\":\"everything\"}", 400);
	check(&rig, "DELETE", "/api/devices/", "{}", 404);
}

static void a_code_opens_once_and_none_opens_after_its_maker_went(void **state)
{
	struct api_rig other;
	struct api_rig third;
	char body[128];
	char target[64];
	(void)state;
	come_in("the maker", "write", &other);
	json_t *code = expect(&other, "POST", "/api/devices/code", "{\"may\":\"write\"}", 200);
	(void)snprintf(body, sizeof(body), "{\"code\":\"%s\"}", text_of(code, "code"));
	json_decref(code);
	assert_int_equal(log_in(body, &third), 200);
	assert_int_equal(log_in(body, &third), 401);
	code = expect(&other, "POST", "/api/code", "{}", 200);
	(void)snprintf(body, sizeof(body), "{\"code\":\"%s\"}", text_of(code, "code"));
	json_decref(code);
	target_of("the maker", target);
	check(&rig, "DELETE", target, NULL, 200);
	assert_int_equal(log_in(body, &third), 401);
}

static void a_pair_is_changed_for_another(void **state)
{
	struct api_rig old;
	struct api_reply reply;
	(void)state;
	come_in("rotating", "read", &old);
	struct api_rig fresh = old;
	api_rig_ask(&old, "POST", "/api/session/rotate", "{}", "", &reply);
	assert_int_equal(reply.status, 200);
	take_keys(&reply, &fresh);
	api_reply_fini(&reply);
	check(&old, "POST", "/api/session/rotate", "{}", 429);
	check(&old, "GET", "/api/me", NULL, 200);
	check(&fresh, "GET", "/api/me", NULL, 200);
	check_session(&fresh, true, "read", false);
	api_rig_advance(LIMIT_ROTATE_MS);
	check(&old, "GET", "/api/me", NULL, 401);
	api_rig_restart(&rig);
	check(&fresh, "GET", "/api/me", NULL, 200);
	check(&old, "GET", "/api/me", NULL, 401);
}

static const char right[] = "{\"password\":\"correct horse\",\"name\":\"by password\"}";
static const char wrong[] = "{\"password\":\"correct hors\"}";

static void the_password_opens_and_signs_all_others_out(void **state)
{
	struct api_rig other;
	struct api_rig third;
	struct stat info;
	char path[160];
	(void)state;
	assert_int_equal(log_in(right, &other), 401);
	come_in("before", "write", &other);
	check(&rig, "POST", "/api/password", "{\"old\":null,\"new\":\"correct horse\"}", 200);
	(void)snprintf(path, sizeof(path), "%s/password", rig.dir);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	check(&other, "GET", "/api/me", NULL, 401);
	check_session(&rig, true, "write", true);
	assert_int_equal(log_in(wrong, &other), 401);
	assert_int_equal(log_in("{\"password\":\"\"}", &other), 401);
	assert_int_equal(log_in(right, &other), 200);
	check_session(&other, true, "write", true);
	api_rig_restart(&rig);
	check(&other, "GET", "/api/me", NULL, 200);

	check(&rig, "POST", "/api/password", "{\"new\":\"battery staple\"}", 422);
	check(&rig, "POST", "/api/password",
		"{\"old\":\"correct hors\",\"new\":\"battery staple\"}", 422);
	check(&other, "GET", "/api/me", NULL, 200);
	check(&rig, "POST", "/api/password",
		"{\"old\":\"correct horse\",\"new\":\"battery staple\"}", 200);
	check(&other, "GET", "/api/me", NULL, 401);
	assert_int_equal(log_in(right, &other), 401);
	assert_int_equal(log_in("{\"password\":\"battery staple\"}", &other), 200);

	check(&other, "DELETE", "/api/password", "{\"old\":\"correct horse\"}", 422);
	check(&other, "DELETE", "/api/password", "{\"old\":\"battery staple\"}", 200);
	check(&rig, "GET", "/api/me", NULL, 401);
	check_session(&other, true, "write", false);
	check(&other, "DELETE", "/api/password", "{\"old\":\"battery staple\"}", 404);
	assert_int_equal(log_in("{\"password\":\"battery staple\"}", &third), 401);
}

static void the_owner_needs_no_old_password_and_signs_all_out(void **state)
{
	(void)state;
	check_owner("POST", "/api/password", "{\"new\":\"correct horse\"}", 200);
	check(&rig, "GET", "/api/me", NULL, 401);
	check_owner("POST", "/api/password", "{\"new\":\"battery staple\"}", 200);
	check_owner("DELETE", "/api/password", NULL, 200);
	check_owner("DELETE", "/api/password", NULL, 404);
	check_owner("POST", "/api/session/rotate", "{}", 404);
}

static void a_page_that_other_machines_see_keeps_its_password(void **state)
{
	(void)state;
	check_owner("POST", "/api/password", "{\"new\":\"correct horse\"}", 200);
	rig.api->place.is_beyond = true; /* as with http-host: tests listen on loopback alone */
	check_owner("DELETE", "/api/password", NULL, 422);
	rig.api->place.is_beyond = false;
	check_owner("DELETE", "/api/password", NULL, 200);
}

static void a_password_has_ten_bytes_and_1024_at_most(void **state)
{
	static const struct {
		size_t len;
		unsigned status;
	} cases[] = {{0, 422}, {9, 422}, {10, 200}, {1024, 200}, {1025, 422}, {60000, 422}};
	static char body[61000];
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int at = snprintf(body, sizeof(body), "{\"new\":\"");
		memset(body + at, 'p', cases[i].len);
		(void)snprintf(body + at + cases[i].len, 3, "\"}");
		check_owner("POST", "/api/password", body, cases[i].status);
	}
	check_owner("POST", "/api/password", "{\"new\":7}", 400);
	check_owner("POST", "/api/password", "{}", 400);
}

static void five_wrong_passwords_close_the_door_for_15_minutes(void **state)
{
	struct api_reply reply;
	struct api_rig other = rig;
	(void)state;
	check_owner("POST", "/api/password", "{\"new\":\"correct horse\"}", 200);
	other.token[0] = '\0';
	for (int i = 0; i < LIMIT_LOGIN_FAILURES + 3; i++) {
		api_rig_ask(&other, "POST", "/api/session", wrong, "", &reply);
		assert_int_equal(reply.status, i < LIMIT_LOGIN_FAILURES ? 401 : 429);
		api_reply_fini(&reply);
	}
	assert_int_equal(log_in(right, &other), 429);
	api_rig_advance(15 * 60 * 1000);
	assert_int_equal(log_in(right, &other), 200);
}

static void of_many_passwords_at_once_few_are_tried(void **state)
{
	int fds[AT_ONCE];
	unsigned tries = 0;
	char text[512];
	(void)state;
	check_owner("POST", "/api/password", "{\"new\":\"correct horse\"}", 200);
	(void)snprintf(text, sizeof(text),
		"POST /api/session HTTP/1.1\r\nHost: localhost:%u\r\nOrigin: "
		"http://localhost:%u\r\n"
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
		assert_true(reply.status == 401 || reply.status == 429 || reply.status == 503);
		tries += reply.status == 401 ? 1 : 0;
		api_reply_fini(&reply);
	}
	assert_in_range(tries, 1, LIMIT_LOGIN_FAILURES);
}

static void whether_one_is_in_is_told_to_anybody_and_nothing_more(void **state)
{
	struct api_rig other = rig;
	(void)state;
	other.token[0] = '\0';
	check_session(&other, false, "", false);
	(void)snprintf(other.token, sizeof(other.token), "wrong");
	check_session(&other, false, "", false);
	check_session(&rig, true, "write", false);
	check(&other, "GET", "/api/devices", NULL, 401);
	check(&other, "POST", "/api/devices/code", "{\"may\":\"write\"}", 401);
	check(&other, "POST", "/api/password", "{\"new\":\"correct horse\"}", 401);
}

#define DEVICES(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		DEVICES(a_device_comes_in_by_a_code_and_goes_at_once),
		DEVICES(a_device_that_may_read_changes_nothing),
		DEVICES(what_a_device_may_do_changes_at_once_and_outlives_the_node),
		DEVICES(a_name_is_cut_when_it_is_brought_and_refused_when_it_is_given),
		DEVICES(a_code_opens_once_and_none_opens_after_its_maker_went),
		DEVICES(a_pair_is_changed_for_another),
		DEVICES(the_password_opens_and_signs_all_others_out),
		DEVICES(the_owner_needs_no_old_password_and_signs_all_out),
		DEVICES(a_page_that_other_machines_see_keeps_its_password),
		DEVICES(a_password_has_ten_bytes_and_1024_at_most),
		DEVICES(five_wrong_passwords_close_the_door_for_15_minutes),
		DEVICES(of_many_passwords_at_once_few_are_tried),
		DEVICES(whether_one_is_in_is_told_to_anybody_and_nothing_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
