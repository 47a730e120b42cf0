/* GET /api/search, /api/tags and the completion of tags, as the page asks for them. */
#include "lib/api_rig.h"

#include "lib/cmocka.h"

#include <stdio.h>

static struct api_rig rig;

static void ask(const char *method, const char *target, const char *body, unsigned status,
	struct api_reply *reply)
{
	api_rig_advance(60000); /* each question has its whole allowance */
	api_rig_ask(&rig, method, target, body, "", reply);
	if (reply->status != status) {
		fail_msg("%s %s: %s", method, target, reply->text);
	}
}

static void publish(const char *text)
{
	char body[512];
	struct api_reply reply;
	(void)snprintf(body, sizeof(body), "{\"text\":\"%s\"}", text);
	ask("POST", "/api/post", body, 200, &reply);
	api_reply_fini(&reply);
}

static int set_up(void **state)
{
	struct api_reply reply;
	(void)state;
	api_rig_start(&rig, NULL);
	ask("POST", "/api/profile", "{\"name\":\"Ana Lee\"}", 200, &reply);
	api_reply_fini(&reply);
	publish("tea in the #Garden");
	publish("gardening");
	publish("nothing of that");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	api_rig_stop(&rig);
	return 0;
}

static size_t size_at(const struct api_reply *reply, const char *object, const char *name)
{
	const json_t *at = object == NULL ? reply->json : json_object_get(reply->json, object);
	return json_array_size(json_object_get(at, name));
}

static void people_tags_and_posts_come_in_one_answer(void **state)
{
	struct api_reply reply;
	(void)state;
	ask("GET", "/api/search?q=gard", NULL, 200, &reply);
	assert_int_equal(size_at(&reply, NULL, "posts"), 2);
	assert_int_equal(size_at(&reply, "found", "tags"), 1);
	assert_int_equal(size_at(&reply, "found", "people"), 0);
	assert_int_equal(size_at(&reply, "query", "words"), 1);
	assert_true(json_is_null(json_object_get(reply.json, "cursor")));
	assert_null(json_object_get(reply.json, "behind"));
	api_reply_fini(&reply);
	ask("GET", "/api/search?q=lee", NULL, 200, &reply);
	assert_int_equal(size_at(&reply, "found", "people"), 1);
	api_reply_fini(&reply);
	ask("GET", "/api/search?q=from:me%20tag:garden%20before:soon", NULL, 200, &reply);
	assert_int_equal(size_at(&reply, NULL, "posts"), 1);
	assert_string_equal(api_reply_text(&reply, "query.tag"), "garden");
	assert_true(api_reply_text(&reply, "query.from")[0] == '@');
	assert_string_equal(api_reply_text(&reply, "query.said.code"), "date");
	assert_string_equal(api_reply_text(&reply, "query.said.about"), "before:soon");
	api_reply_fini(&reply);
}

static void pages_follow_each_other(void **state)
{
	struct api_reply reply;
	char target[128];
	(void)state;
	ask("GET", "/api/search?q=gard&limit=1", NULL, 200, &reply);
	assert_int_equal(size_at(&reply, NULL, "posts"), 1);
	(void)snprintf(target, sizeof(target), "/api/search?q=gard&limit=1&before=%s",
		api_reply_text(&reply, "cursor"));
	api_reply_fini(&reply);
	ask("GET", target, NULL, 200, &reply);
	assert_int_equal(size_at(&reply, NULL, "posts"), 1);
	assert_null(json_object_get(reply.json, "found"));
	api_reply_fini(&reply);
}

static void what_was_pasted_is_a_place_to_go(void **state)
{
	struct api_reply reply;
	char target[128];
	char path[ID_PATH_BYTES];
	char expected[64];
	(void)state;
	id_format_path(rig.self.at, path);
	(void)snprintf(target, sizeof(target), "/api/search?q=http://localhost/p/%s", path);
	(void)snprintf(expected, sizeof(expected), "/p/%s", path);
	ask("GET", target, NULL, 200, &reply);
	assert_string_equal(api_reply_text(&reply, "found.go"), expected);
	api_reply_fini(&reply);
}

static void what_is_no_question_is_refused_in_a_sentence(void **state)
{
	static const char *const bad[] = {"/api/search", "/api/search?q=", "/api/search?q=%20",
		"/api/search?q=a%20b%20c%20d%20e%20f%20g%20h%20i", "/api/search?q=a&before=x",
		"/api/search?q=a&limit=0", "/api/search?q=a&zone=east", "/api/search?q=a&zone=1441",
		"/api/search?q=a&q=b", "/api/suggest?tag=a&tag=b", "/api/tags?limit=101"};
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct api_reply reply;
		ask("GET", bad[i], NULL, 400, &reply);
		assert_true(api_reply_text(&reply, "error.said")[0] != '\0');
		api_reply_fini(&reply);
	}
}

static void tags_are_listed_and_completed(void **state)
{
	struct api_reply reply;
	(void)state;
	ask("GET", "/api/tags", NULL, 200, &reply);
	assert_int_equal(size_at(&reply, NULL, "tags"), 1);
	api_reply_fini(&reply);
	ask("GET", "/api/suggest?tag=GA", NULL, 200, &reply);
	assert_int_equal(size_at(&reply, NULL, "tags"), 1);
	api_reply_fini(&reply);
	ask("GET", "/api/suggest?tag=x", NULL, 200, &reply);
	assert_int_equal(size_at(&reply, NULL, "tags"), 0);
	api_reply_fini(&reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(people_tags_and_posts_come_in_one_answer),
		cmocka_unit_test(pages_follow_each_other),
		cmocka_unit_test(what_was_pasted_is_a_place_to_go),
		cmocka_unit_test(what_is_no_question_is_refused_in_a_sentence),
		cmocka_unit_test(tags_are_listed_and_completed),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
