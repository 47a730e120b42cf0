/* What others did, as pages get it, and how far the owner has read. */
#include "lib/api_rig.h"
#include "lib/authors.h"

#include "lib/cmocka.h"

#include <stdio.h>
#include <string.h>

static struct api_rig rig;
static struct author ben, ana;
static struct message_id mine;
static char mine_text[MESSAGE_ID_TEXT_BYTES];

static void ask_for(unsigned status, const char *method, const char *target, const char *body,
	struct api_reply *reply)
{
	api_rig_advance(10000); /* each question has its whole allowance */
	api_rig_ask(&rig, method, target, body, "", reply);
	if (reply->status != status) {
		fail_msg("%s %s: %s", method, target, reply->text);
	}
}

static void tell(const char *target, const char *body)
{
	struct api_reply reply;
	ask_for(200, "POST", target, body, &reply);
	api_reply_fini(&reply);
}

static void append(struct message *message)
{
	struct append_job *job = append_job_new(1);
	assert_non_null(job);
	job->messages[job->count++] = message;
	assert_int_equal(writer_append(rig.writer, job), ERR_OK);
	assert_int_equal(writer_flush(rig.writer), ERR_OK);
}

static int set_up(void **state)
{
	struct api_reply reply;
	(void)state;
	api_rig_start(&rig, NULL);
	author_init(&ben, 1);
	author_init(&ana, 2);
	ben.now_ms = env_wall_ms(api_rig_env());
	ana.now_ms = ben.now_ms;
	ask_for(200, "POST", "/api/post", "{\"text\":\"mine\"}", &reply);
	(void)snprintf(mine_text, sizeof(mine_text), "%s", api_reply_text(&reply, "key"));
	assert_int_equal(message_id_parse(span_text(mine_text), &mine), ERR_OK);
	api_reply_fini(&reply);
	append(author_contact(&ben, &rig.self, EDGE_FOLLOW));
	append(author_like(&ben, &mine, 1));
	append(author_like(&ana, &mine, 1));
	append(author_reply(&ana, "so it is", &mine, &mine));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	author_fini(&ana);
	author_fini(&ben);
	api_rig_stop(&rig);
	return 0;
}

static json_int_t unread(const char *name)
{
	struct api_reply reply;
	ask_for(200, "GET", "/api/boot", NULL, &reply);
	json_int_t n =
		json_integer_value(json_object_get(json_object_get(reply.json, "unread"), name));
	api_reply_fini(&reply);
	return n;
}

static const json_t *item(const struct api_reply *reply, size_t i)
{
	return json_array_get(json_object_get(reply->json, "items"), i);
}

static const char *said(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text == NULL ? "" : text;
}

static void the_page_has_items_their_posts_and_their_people(void **state)
{
	struct api_reply reply;
	(void)state;
	ask_for(200, "GET", "/api/activity", NULL, &reply);
	assert_int_equal(json_array_size(json_object_get(reply.json, "items")), 3);
	assert_string_equal(said(item(&reply, 0), "kind"), "reply");
	assert_string_equal(said(item(&reply, 0), "about"), mine_text);
	assert_true(said(item(&reply, 0), "id")[0] == '%');
	assert_string_equal(said(item(&reply, 1), "kind"), "like");
	assert_string_equal(said(item(&reply, 1), "about"), mine_text);
	assert_true(json_is_null(json_object_get(item(&reply, 1), "id")));
	assert_int_equal(json_integer_value(json_object_get(item(&reply, 1), "n")), 2);
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(item(&reply, 1), "who"), 0)),
		ana.text);
	assert_string_equal(said(item(&reply, 2), "kind"), "follow");
	assert_true(json_is_true(json_object_get(item(&reply, 2), "is_new")));
	assert_int_equal(json_array_size(json_object_get(reply.json, "posts")), 2);
	assert_true(json_array_size(json_object_get(reply.json, "people")) >= 2);
	assert_true(json_is_null(json_object_get(reply.json, "cursor")));
	api_reply_fini(&reply);
}

static void pages_follow_one_another(void **state)
{
	struct api_reply reply;
	char target[128] = "/api/activity?limit=1";
	const char *kinds[] = {"reply", "like", "follow"};
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		ask_for(200, "GET", target, NULL, &reply);
		assert_int_equal(json_array_size(json_object_get(reply.json, "items")), 1);
		assert_string_equal(said(item(&reply, 0), "kind"), kinds[i]);
		(void)snprintf(target, sizeof(target), "/api/activity?limit=1&before=%s",
			said(reply.json, "cursor"));
		assert_true((said(reply.json, "cursor")[0] == '\0') == (i == 2));
		api_reply_fini(&reply);
	}
	ask_for(200, "GET", "/api/activity?kind=like", NULL, &reply);
	assert_int_equal(json_array_size(json_object_get(reply.json, "items")), 1);
	api_reply_fini(&reply);
	ask_for(400, "GET", "/api/activity?kind=shout", NULL, &reply);
	api_reply_fini(&reply);
	ask_for(400, "GET", "/api/activity?before=now", NULL, &reply);
	api_reply_fini(&reply);
	ask_for(400, "GET", "/api/activity?limit=101", NULL, &reply);
	api_reply_fini(&reply);
}

static void a_mark_is_shared_by_all_browsers_and_never_goes_back(void **state)
{
	struct api_reply reply;
	char body[128];
	(void)state;
	assert_int_equal(unread("activity"), 3);
	ask_for(200, "GET", "/api/activity", NULL, &reply);
	(void)snprintf(body, sizeof(body), "{\"activity\":\"%s\"}", said(reply.json, "newest"));
	api_reply_fini(&reply);
	ask_for(200, "POST", "/api/here", body, &reply);
	assert_int_equal(json_integer_value(json_object_get(
				 json_object_get(reply.json, "unread"), "activity")),
		0);
	api_reply_fini(&reply);
	tell("/api/here", "{\"activity\":\"1000.1\",\"home\":\"1000.1\"}");
	assert_int_equal(unread("activity"), 0);
	ask_for(200, "GET", "/api/boot", NULL, &reply);
	const json_t *marks = json_object_get(reply.json, "marks");
	assert_non_null(strstr(body, said(marks, "activity")));
	assert_string_equal(said(marks, "home"), "1000.1");
	assert_true(json_is_null(json_object_get(marks, "wide")));
	api_reply_fini(&reply);
	append(author_say(&ben, "{\"type\":\"post\",\"text\":\"hello %.53s\"}", "nobody"));
	assert_int_equal(unread("activity"), 0);
	append(author_like(&ben, &mine, 0));
	append(author_like(&ben, &mine, 1));
	assert_int_equal(unread("activity"), 1);
	ask_for(400, "POST", "/api/here", "{\"activity\":\"soon\"}", &reply);
	api_reply_fini(&reply);
	ask_for(400, "POST", "/api/here", "{\"activity\":\"99999999999999999.1\"}", &reply);
	api_reply_fini(&reply);
	assert_int_equal(unread("activity"), 1);
}

static void home_counts_what_others_posted_after_the_mark(void **state)
{
	char body[256];
	(void)state;
	assert_int_equal(unread("home"), 0);
	tell("/api/here", "{\"home\":\"1000.1\"}");
	assert_int_equal(unread("home"), 0);
	(void)snprintf(body, sizeof(body), "{\"id\":\"%s\",\"is\":\"follow\"}", ana.text);
	tell("/api/relation", body);
	append(author_post(&ana, "one more"));
	append(author_post(&ben, "from elsewhere"));
	assert_int_equal(unread("home"), 2);
}

static void kinds_that_are_switched_off_do_not_count_and_do_not_show(void **state)
{
	struct api_reply reply;
	(void)state;
	tell("/api/settings", "{\"activity\":{\"like\":false,\"reply\":false}}");
	assert_int_equal(unread("activity"), 1);
	ask_for(200, "GET", "/api/activity", NULL, &reply);
	assert_int_equal(json_array_size(json_object_get(reply.json, "items")), 1);
	assert_string_equal(said(item(&reply, 0), "kind"), "follow");
	api_reply_fini(&reply);
	tell("/api/settings", "{\"activity\":{\"like\":true}}");
	assert_int_equal(unread("activity"), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_page_has_items_their_posts_and_their_people, set_up, tear_down),
		cmocka_unit_test_setup_teardown(pages_follow_one_another, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_mark_is_shared_by_all_browsers_and_never_goes_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			home_counts_what_others_posted_after_the_mark, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			kinds_that_are_switched_off_do_not_count_and_do_not_show, set_up,
			tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
