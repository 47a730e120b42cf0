/* Lists of posts as pages get them: tags, profiles, what the owner keeps, who likes what. */
#include "lib/api_rig.h"
#include "lib/authors.h"

#include "lib/cmocka.h"

#include <stdio.h>
#include <string.h>

static struct api_rig rig;

static unsigned status_of(const char *method, const char *target, const char *body, json_t **out)
{
	struct api_reply reply;
	api_rig_advance(10000); /* each question has its whole allowance */
	api_rig_ask(&rig, method, target, body, "", &reply);
	unsigned status = reply.status;
	if (out != NULL) {
		*out = json_incref(reply.json);
	}
	api_reply_fini(&reply);
	return status;
}

static json_t *page(const char *target)
{
	json_t *tree = NULL;
	assert_int_equal(status_of("GET", target, NULL, &tree), 200);
	assert_non_null(tree);
	return tree;
}

static size_t posts_in(const char *target)
{
	json_t *tree = page(target);
	size_t count = json_array_size(json_object_get(tree, "posts"));
	json_decref(tree);
	return count;
}

static void publish(const char *body, char key[static MESSAGE_ID_TEXT_BYTES])
{
	json_t *tree = NULL;
	assert_int_equal(status_of("POST", "/api/post", body, &tree), 200);
	(void)snprintf(
		key, MESSAGE_ID_TEXT_BYTES, "%s", json_string_value(json_object_get(tree, "key")));
	json_decref(tree);
}

static unsigned keep(const char *id, const char *on)
{
	char body[128];
	(void)snprintf(body, sizeof(body), "{\"id\":\"%s\",\"on\":%s}", id, on);
	return status_of("POST", "/api/bookmark", body, NULL);
}

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

static void what_is_kept_says_so_and_is_listed(void **state)
{
	char first[MESSAGE_ID_TEXT_BYTES];
	char second[MESSAGE_ID_TEXT_BYTES];
	(void)state;
	publish("{\"text\":\"first\"}", first);
	publish("{\"text\":\"second\"}", second);
	assert_int_equal(keep(first, "true"), 200);
	assert_int_equal(keep(first, "true"), 200);
	assert_int_equal(keep(second, "true"), 200);
	assert_int_equal(keep(second, "false"), 200);
	assert_int_equal(keep("%nonsense", "true"), 400);
	assert_int_equal(keep(first, "1"), 400);
	json_t *tree = page("/api/bookmarks");
	const json_t *posts = json_object_get(tree, "posts");
	assert_int_equal(json_array_size(posts), 1);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(posts, 0), "id")), first);
	assert_true(json_is_true(json_object_get(json_array_get(posts, 0), "bookmarked")));
	json_decref(tree);
	tree = page("/api/timeline");
	assert_true(json_is_false(
		json_object_get(json_array_get(json_object_get(tree, "posts"), 0), "bookmarked")));
	json_decref(tree);
}

static void a_page_goes_on_in_both_directions(void **state)
{
	char key[MESSAGE_ID_TEXT_BYTES];
	char target[128];
	(void)state;
	for (int i = 0; i < 5; i++) {
		publish("{\"text\":\"one of five\"}", key);
		assert_int_equal(keep(key, "true"), 200);
	}
	const char *const lists[] = {"/api/timeline?limit=2", "/api/bookmarks?limit=2"};
	for (size_t i = 0; i < 2; i++) {
		json_t *tree = page(lists[i]);
		(void)snprintf(target, sizeof(target), "%s&before=%s", lists[i],
			json_string_value(json_object_get(tree, "cursor")));
		assert_true(json_is_false(json_object_get(tree, "newer")));
		json_decref(tree);
		tree = page(target);
		(void)snprintf(target, sizeof(target), "%s&before=%s", lists[i],
			json_string_value(json_object_get(tree, "cursor")));
		json_decref(tree);
		tree = page(target);
		assert_int_equal(json_array_size(json_object_get(tree, "posts")), 1);
		assert_true(json_is_null(json_object_get(tree, "cursor")));
		(void)snprintf(target, sizeof(target), "%s&after=%s", lists[i],
			json_string_value(json_object_get(tree, "newest")));
		json_decref(tree);
		tree = page(target);
		assert_int_equal(json_array_size(json_object_get(tree, "posts")), 2);
		assert_true(json_is_true(json_object_get(tree, "newer")));
		assert_true(json_is_string(json_object_get(tree, "cursor")));
		json_decref(tree);
	}
}

static void a_tag_is_asked_for_however_it_is_written(void **state)
{
	char key[MESSAGE_ID_TEXT_BYTES];
	(void)state;
	publish("{\"text\":\"in the #Garten, gr\xc3\xbcn\"}", key);
	publish("{\"text\":\"all #Gr\xc3\xbcn\"}", key);
	assert_int_equal(posts_in("/api/timeline?tab=tag&tag=garten"), 1);
	assert_int_equal(posts_in("/api/timeline?tab=tag&tag=GR%C3%9CN"), 1);
	assert_int_equal(posts_in("/api/timeline?tab=tag&tag=nothing"), 0);
	assert_int_equal(status_of("GET", "/api/timeline?tab=tag", NULL, NULL), 400);
	assert_int_equal(status_of("GET", "/api/timeline?tab=tag&tag=%23", NULL, NULL), 400);
	assert_int_equal(status_of("GET", "/api/timeline?tab=elsewhere", NULL, NULL), 400);
}

static void a_profile_shows_posts_pictures_or_all(void **state)
{
	char root[MESSAGE_ID_TEXT_BYTES];
	char key[MESSAGE_ID_TEXT_BYTES];
	char body[256];
	char target[128];
	char path[FEED_ID_TEXT_BYTES];
	(void)state;
	publish("{\"text\":\"a post\"}", root);
	(void)snprintf(body, sizeof(body), "{\"text\":\"an answer\",\"root\":\"%s\"}", root);
	publish(body, key);
	publish("{\"text\":\"![two](&FbGoHeEcePDG3Evemrc+hm+S77cXKf8BRQgkYinJggg=.sha256) "
		"![three](&u/WUB9aYZsCzT+7b6C1aPe51WfPtY4JOBIWhRYAYF4Q=.sha256)\"}",
		key);
	id_format_path(rig.self.at, path);
	const struct {
		const char *show;
		size_t count;
	} cases[] = {{"", 3}, {"?show=all", 3}, {"?show=posts", 2}, {"?show=pictures", 1}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)snprintf(
			target, sizeof(target), "/api/person/%s/posts%s", path, cases[i].show);
		assert_int_equal(posts_in(target), cases[i].count);
	}
	(void)snprintf(target, sizeof(target), "/api/person/%s/posts?show=some", path);
	assert_int_equal(status_of("GET", target, NULL, NULL), 400);
}

static void who_likes_a_post_is_told_with_names(void **state)
{
	char key[MESSAGE_ID_TEXT_BYTES];
	char body[128];
	char target[128];
	char path[MESSAGE_ID_TEXT_BYTES];
	struct message_id id;
	(void)state;
	publish("{\"text\":\"mine\"}", key);
	assert_int_equal(message_id_parse(span_text(key), &id), ERR_OK);
	(void)snprintf(body, sizeof(body), "{\"id\":\"%s\",\"on\":true}", key);
	assert_int_equal(status_of("POST", "/api/like", body, NULL), 200);
	id_format_path(id.at, path);
	(void)snprintf(target, sizeof(target), "/api/message/%s/likes", path);
	json_t *tree = page(target);
	assert_int_equal(json_integer_value(json_object_get(tree, "total")), 1);
	assert_int_equal(json_array_size(json_object_get(tree, "likes")), 1);
	assert_int_equal(json_array_size(json_object_get(tree, "people")), 1);
	json_decref(tree);
	assert_int_equal(status_of("GET", "/api/message/nonsense/likes", NULL, NULL), 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_is_kept_says_so_and_is_listed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_page_goes_on_in_both_directions, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_tag_is_asked_for_however_it_is_written, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_profile_shows_posts_pictures_or_all, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			who_likes_a_post_is_told_with_names, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
