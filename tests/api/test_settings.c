/* What is set for all browsers of the owner, and which browsers there are. */
#include "lib/api_rig.h"

#include "lib/cmocka.h"

#include <stdio.h>
#include <string.h>

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
		fail_msg("%s %s: %s", method, target, reply.text);
	}
	json_t *tree = json_incref(reply.json);
	api_reply_fini(&reply);
	return tree;
}

static bool is_on(const char *kind)
{
	json_t *tree = expect(&rig, "GET", "/api/settings", NULL, 200);
	const json_t *is = json_object_get(json_object_get(tree, "activity"), kind);
	assert_true(json_is_boolean(is));
	bool answer = json_is_true(is);
	json_decref(tree);
	return answer;
}

static void everything_is_on_until_it_is_switched_off(void **state)
{
	static const char *const kinds[] = {"mention", "reply", "like", "follow"};
	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		assert_true(is_on(kinds[i]));
	}
	json_t *tree =
		expect(&rig, "POST", "/api/settings", "{\"activity\":{\"like\":false}}", 200);
	assert_true(json_is_false(json_object_get(json_object_get(tree, "activity"), "like")));
	json_decref(tree);
	assert_false(is_on("like"));
	assert_true(is_on("reply"));
}

static void what_is_set_outlives_the_node_and_stands_in_boot(void **state)
{
	(void)state;
	json_decref(
		expect(&rig, "POST", "/api/settings", "{\"activity\":{\"follow\":false}}", 200));
	api_rig_restart(&rig);
	assert_false(is_on("follow"));
	json_t *boot = expect(&rig, "GET", "/api/boot", NULL, 200);
	const json_t *activity = json_object_get(json_object_get(boot, "settings"), "activity");
	assert_true(json_is_false(json_object_get(activity, "follow")));
	assert_true(json_is_true(json_object_get(activity, "mention")));
	json_decref(boot);
}

static void an_unknown_setting_changes_nothing(void **state)
{
	static const char *const bodies[] = {"{}", "{\"activity\":[]}", "{\"activity\":true}",
		"{\"activity\":{\"gossip\":false}}", "{\"activity\":{\"like\":0}}",
		"{\"activity\":{\"like\":false,\"gossip\":false}}"};
	(void)state;
	json_decref(expect(&rig, "POST", "/api/settings", "{\"activity\":{\"like\":true}}", 200));
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		json_decref(expect(&rig, "POST", "/api/settings", bodies[i], 400));
	}
	assert_true(is_on("like"));
}

/* Another browser, called so. */
static void come_in(const char *label, struct api_rig *other)
{
	char body[512];
	struct api_reply reply;
	*other = rig;
	json_t *code = expect(&rig, "POST", "/api/code", "{}", 200);
	(void)snprintf(body, sizeof(body), "{\"code\":\"%s\",\"name\":\"%s\"}",
		json_string_value(json_object_get(code, "code")), label);
	json_decref(code);
	other->token[0] = '\0';
	api_rig_advance(60000);
	api_rig_ask(other, "POST", "/api/session", body, "", &reply);
	assert_int_equal(reply.status, 200);
	const char *cookie = strstr(reply.text, "Set-Cookie: ");
	(void)snprintf(other->token, sizeof(other->token), "%s", api_reply_text(&reply, "token"));
	(void)snprintf(other->cookie, sizeof(other->cookie), "%.*s", (int)strcspn(cookie + 12, ";"),
		cookie + 12);
	api_reply_fini(&reply);
}

/* The row of the browser called so, as `who` sees it; json_decref() it. */
static json_t *row_of(const struct api_rig *who, const char *label)
{
	json_t *tree = expect(who, "GET", "/api/sessions", NULL, 200);
	json_t *rows = json_object_get(tree, "sessions");
	json_t *found = NULL;
	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i);
		if (strcmp(json_string_value(json_object_get(row, "name")), label) == 0) {
			found = json_incref(row);
		}
	}
	json_decref(tree);
	return found;
}

static void a_browser_is_listed_with_its_name_and_can_be_signed_out(void **state)
{
	struct api_rig other;
	char target[64];
	(void)state;
	come_in("Firefox, Linux", &other);
	json_t *seen = row_of(&rig, "Firefox, Linux");
	json_t *own = row_of(&other, "Firefox, Linux");
	assert_true(json_is_false(json_object_get(seen, "you")));
	assert_true(json_is_true(json_object_get(own, "you")));
	assert_true(json_integer_value(json_object_get(seen, "since")) > 0);
	(void)snprintf(target, sizeof(target), "/api/sessions/%s",
		json_string_value(json_object_get(seen, "id")));
	json_decref(own);
	json_decref(seen);
	json_decref(expect(&rig, "DELETE", target, "{}", 200));
	json_decref(expect(&other, "GET", "/api/me", NULL, 401));
	json_decref(expect(&rig, "GET", "/api/me", NULL, 200));
	json_decref(expect(&rig, "DELETE", target, "{}", 404));
	json_decref(expect(&rig, "DELETE", "/api/sessions/", "{}", 404));
}

static void a_name_outlives_the_node_and_is_cut_between_letters(void **state)
{
	struct api_rig other;
	char label[201];
	char shown[63];
	(void)state;
	for (size_t i = 0; i < 100; i++) {
		memcpy(label + 2 * i, "\xc3\xa9", 2);
	}
	label[200] = '\0';
	memcpy(shown, label, 62); /* 63 bytes would cut one in half */
	shown[62] = '\0';
	come_in(label, &other);
	api_rig_restart(&rig);
	json_t *row = row_of(&rig, shown);
	assert_non_null(row);
	json_decref(row);
}

static void refused(const char *target, const char *body, unsigned status)
{
	json_decref(expect(&rig, "POST", target, body, status));
}

static void the_ceiling_is_tried_before_it_is_set(void **state)
{
	static const char *const classes[] = {"messages", "indexes", "blobs_own", "blobs_friends",
		"blobs_far", "backups", "reserve", "other"};
	json_int_t sum = 0;
	(void)state;
	json_t *tree = expect(&rig, "GET", "/api/storage", NULL, 200);
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		const json_t *class = json_object_get(json_object_get(tree, "classes"), classes[i]);
		assert_true(json_is_integer(class));
		sum += json_integer_value(class);
	}
	assert_int_equal(sum, json_integer_value(json_object_get(tree, "used")));
	json_int_t before = json_integer_value(json_object_get(tree, "ceiling"));
	json_decref(tree);
	tree = expect(&rig, "POST", "/api/storage", "{\"ceiling\":67108864,\"try\":true}", 200);
	assert_true(json_is_true(json_object_get(tree, "enough")));
	json_decref(tree);
	tree = expect(&rig, "GET", "/api/storage", NULL, 200);
	assert_int_equal(json_integer_value(json_object_get(tree, "ceiling")), before);
	json_decref(tree);
	tree = expect(&rig, "POST", "/api/storage", "{\"ceiling\":67108864}", 200);
	assert_int_equal(json_integer_value(json_object_get(tree, "ceiling")), 67108864);
	json_decref(tree);
	refused("/api/storage", "{\"ceiling\":67108863}", 422);
	refused("/api/storage", "{\"ceiling\":-5}", 422);
	refused("/api/storage", "{\"ceiling\":\"much\"}", 400);
	refused("/api/storage", "{}", 400);
}

static void nobody_removes_themselves_nor_somebody_unknown(void **state)
{
	char target[128];
	char path[ID_PATH_BYTES];
	struct feed_id nobody = {{7}};
	(void)state;
	id_format_path(rig.self.at, path);
	(void)snprintf(target, sizeof(target), "/api/person/%s/remove", path);
	refused(target, "{\"confirm\":\"remove\"}", 409);
	refused(target, "{\"try\":true}", 409);
	refused(target, "{}", 400);
	refused(target, "{\"confirm\":\"yes\"}", 400);
	id_format_path(nobody.at, path);
	(void)snprintf(target, sizeof(target), "/api/person/%s/remove", path);
	refused(target, "{\"try\":true}", 404);
	(void)snprintf(target, sizeof(target), "/api/person/%s/again", path);
	refused(target, "{}", 404);
	refused("/api/person/rubbish/remove", "{\"try\":true}", 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_on_until_it_is_switched_off),
		cmocka_unit_test(what_is_set_outlives_the_node_and_stands_in_boot),
		cmocka_unit_test(an_unknown_setting_changes_nothing),
		cmocka_unit_test(the_ceiling_is_tried_before_it_is_set),
		cmocka_unit_test(nobody_removes_themselves_nor_somebody_unknown),
		cmocka_unit_test(a_browser_is_listed_with_its_name_and_can_be_signed_out),
		cmocka_unit_test(a_name_outlives_the_node_and_is_cut_between_letters),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
