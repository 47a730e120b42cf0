/* What is set for all browsers of the owner. */
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
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
