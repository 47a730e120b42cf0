/* What is shown before its history, as pages get it. */
#include "lib/api_rig.h"
#include "lib/authors.h"

#include "lib/cmocka.h"

#include "feed/window.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum { FEED = 6, FIRST = 4 };

static struct api_rig rig;
static struct author ben;
static struct message *feed[FEED];
static char path[ID_PATH_BYTES];

static void ask(const char *method, const char *target, const char *body, struct api_reply *reply)
{
	api_rig_advance(10000); /* each question has its whole allowance */
	api_rig_ask(&rig, method, target, body, "", reply);
	if (reply->status != 200) {
		fail_msg("%s %s: %s", method, target, reply->text);
	}
}

static void settle(void)
{
	const struct change change = {
		.kind = CHANGE_SETTING, .name = span_text("test"), .text = span_text("1")};
	assert_int_equal(writer_change_wait(rig.writer, &change), ERR_OK);
}

static int set_up(void **state)
{
	char body[256];
	struct api_reply reply;
	struct span texts[FEED];
	const char *why = NULL;
	struct ahead_job *job = ahead_job_new();
	(void)state;
	assert_non_null(job);
	api_rig_start(&rig, NULL);
	author_init(&ben, 1);
	id_format_path(ben.id.at, path);
	for (int i = 0; i < FEED; i++) {
		feed[i] = i == 4 ? author_name(&ben, "Ben") : author_post(&ben, "hello");
		texts[i] = feed[i]->compact;
	}
	(void)snprintf(body, sizeof(body), "{\"id\":\"%s\",\"is\":\"follow\"}", ben.text);
	ask("POST", "/api/relation", body, &reply);
	api_reply_fini(&reply);
	assert_int_equal(window_read(&ben.id, texts + FIRST - 1, FEED - FIRST + 1, NULL, 0, NULL,
				 &job->window, &why),
		ERR_OK);
	assert_int_equal(writer_ahead(rig.writer, job), ERR_OK);
	settle();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (int i = 0; i < FEED; i++) {
		message_free(feed[i]);
	}
	author_fini(&ben);
	api_rig_stop(&rig);
	return 0;
}

static void come(void)
{
	struct append_job *job = append_job_new(FEED);
	const char *why = NULL;
	assert_non_null(job);
	for (; job->count < FEED; job->count++) {
		assert_int_equal(
			message_reread(feed[job->count]->compact, &job->messages[job->count], &why),
			ERR_OK);
	}
	assert_int_equal(writer_append(rig.writer, job), ERR_OK);
	settle();
}

/* The person as `GET /api/person/…` has it, to be given back with the reply. */
static const json_t *person_of(struct api_reply *reply)
{
	char target[128];
	(void)snprintf(target, sizeof(target), "/api/person/%s", path);
	ask("GET", target, NULL, reply);
	return json_object_get(reply->json, "person");
}

static json_int_t number(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static void a_person_has_the_numbers_of_what_is_ahead(void **state)
{
	struct api_reply reply;
	(void)state;
	const json_t *person = person_of(&reply);
	assert_int_equal(number(json_object_get(person, "ahead"), "first"), FIRST);
	assert_int_equal(number(json_object_get(person, "ahead"), "newest"), FEED);
	assert_int_equal(number(person, "sequence"), 0);
	assert_string_equal(json_string_value(json_object_get(person, "name")), "Ben");
	api_reply_fini(&reply);
	come();
	person = person_of(&reply);
	assert_true(json_is_null(json_object_get(person, "ahead")));
	assert_int_equal(number(person, "sequence"), FEED);
	api_reply_fini(&reply);
}

/* Of the posts on home: how many there are, how many say `name`. */
static void expect_home(const char *name, size_t all, size_t marked)
{
	struct api_reply reply;
	size_t found = 0;
	ask("GET", "/api/timeline?tab=home", NULL, &reply);
	const json_t *posts = json_object_get(reply.json, "posts");
	for (size_t i = 0; i < json_array_size(posts); i++) {
		const json_t *mark = json_object_get(json_array_get(posts, i), name);
		assert_true(json_is_boolean(mark));
		found += json_is_true(mark) ? 1 : 0;
	}
	assert_int_equal(json_array_size(posts), all);
	assert_int_equal(found, marked);
	api_reply_fini(&reply);
}

static void posts_are_marked_until_their_history_has_come(void **state)
{
	(void)state;
	expect_home("ahead", 2, 2);
	expect_home("checking", 2, 1); /* the newest was checked at once */
	come();
	expect_home("ahead", 5, 0);
	expect_home("checking", 5, 0);
}

static void expect_raw(bool is_ahead)
{
	char target[128];
	char key[ID_PATH_BYTES];
	struct api_reply reply;
	id_format_path(feed[FEED - 1]->key.at, key);
	(void)snprintf(target, sizeof(target), "/api/message/%s/raw", key);
	ask("GET", target, NULL, &reply);
	assert_true(span_equal_text(feed[FEED - 1]->compact, api_reply_text(&reply, "value")));
	assert_true(json_is_true(json_object_get(reply.json, "ahead")) == is_ahead);
	api_reply_fini(&reply);
}

static void what_was_signed_can_be_looked_at(void **state)
{
	(void)state;
	expect_raw(true);
	come();
	expect_raw(false);
}

static void they_are_liked_and_answered_like_others(void **state)
{
	char id[MESSAGE_ID_TEXT_BYTES];
	char body[512];
	char key[ID_PATH_BYTES];
	char target[128];
	struct api_reply reply;
	(void)state;
	message_id_format(&feed[FEED - 1]->key, id);
	(void)snprintf(body, sizeof(body), "{\"id\":\"%s\",\"on\":true}", id);
	ask("POST", "/api/like", body, &reply);
	api_reply_fini(&reply);
	(void)snprintf(body, sizeof(body), "{\"text\":\"yes\",\"root\":\"%s\"}", id);
	ask("POST", "/api/post", body, &reply);
	api_reply_fini(&reply);
	id_format_path(feed[FEED - 1]->key.at, key);
	(void)snprintf(target, sizeof(target), "/api/thread/%s", key);
	for (int round = 0; round < 2; round++) {
		ask("GET", target, NULL, &reply);
		const json_t *posts = json_object_get(reply.json, "posts");
		const json_t *root = json_array_get(posts, 0);
		assert_int_equal(json_array_size(posts), 2);
		assert_true(json_is_true(json_object_get(root, "ahead")) == (round == 0));
		assert_int_equal(number(root, "replies"), 1);
		assert_int_equal(number(json_object_get(root, "likes"), "n"), 1);
		api_reply_fini(&reply);
		come();
	}
}

int main(void)
{
	if (sodium_init() < 0) {
		return 1;
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_person_has_the_numbers_of_what_is_ahead, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			posts_are_marked_until_their_history_has_come, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_was_signed_can_be_looked_at, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			they_are_liked_and_answered_like_others, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
