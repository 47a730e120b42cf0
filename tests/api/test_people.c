/* People as pages get them: what the owner keeps of them, friends of friends, and what is hidden of
 * somebody blocked, in every answer. */
#include "lib/api_rig.h"
#include "lib/authors.h"

#include "lib/cmocka.h"

#include "base/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CRUEL "Your little garden looks like a rubbish heap"

static struct api_rig rig;
static struct author ben, dee;
static struct message_id quote, cruel;

static unsigned ask(
	const char *method, const char *target, const char *body, struct api_reply *reply)
{
	api_rig_advance(10000); /* each question has its whole allowance */
	api_rig_ask(&rig, method, target, body, "", reply);
	return reply->status;
}

static void come(struct message *message)
{
	const struct change settle = {
		.kind = CHANGE_SETTING, .name = span_text("test"), .text = span_text("1")};
	struct append_job *job = append_job_new(1);
	assert_non_null(job);
	job->messages[job->count++] = message;
	assert_int_equal(writer_append(rig.writer, job), ERR_OK);
	assert_int_equal(writer_change_wait(rig.writer, &settle), ERR_OK);
}

/* POST with {"id": somebody, …}; the status. */
static unsigned say(const char *target, const struct author *of, const char *rest)
{
	char body[1024];
	struct api_reply reply;
	(void)snprintf(body, sizeof(body), "{\"id\":\"%s\"%s}", of->text, rest);
	unsigned status = ask("POST", target, body, &reply);
	api_reply_fini(&reply);
	return status;
}

static void path_of(const char *pattern, const uint8_t id[static ID_BYTES], char out[static 128])
{
	char path[ID_PATH_BYTES];
	id_format_path(id, path);
	(void)snprintf(out, 128, pattern, path);
}

static int set_up(void **state)
{
	(void)state;
	api_rig_start(&rig, NULL);
	author_init(&dee, 1);
	author_init(&ben, 2);
	ben.now_ms += 3600 * 1000;
	struct message *message = NULL;
	come(author_name(&dee, "Dee"));
	message = author_post(&dee, CRUEL " #cruel");
	cruel = message->key;
	come(message);
	come(author_name(&ben, "Ben"));
	message = author_say(&ben,
		"{\"type\":\"post\",\"text\":\"> " CRUEL " #cruel\\n\\n[@dee](%s) is "
		"wrong\",\"mentions\":[{\"link\":\"%s\",\"name\":\"dee\"}]}",
		dee.text, dee.text);
	quote = message->key;
	come(message);
	come(author_contact(&ben, &dee.id, EDGE_FOLLOW));
	assert_int_equal(say("/api/relation", &ben, ",\"is\":\"follow\""), 200);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	author_fini(&ben);
	author_fini(&dee);
	api_rig_stop(&rig);
	return 0;
}

static void a_person_says_since_when_and_who_is_between(void **state)
{
	struct api_reply reply;
	char target[128];
	(void)state;
	path_of("/api/person/%s", dee.id.at, target);
	assert_int_equal(ask("GET", target, NULL, &reply), 200);
	assert_true(json_integer_value(json_object_get(reply.json, "since")) > 0);
	assert_int_equal(json_integer_value(json_object_get(reply.json, "between_total")), 1);
	const json_t *between = json_object_get(reply.json, "between");
	assert_string_equal(json_string_value(json_array_get(between, 0)), ben.text);
	assert_int_equal(json_array_size(json_object_get(reply.json, "people")), 1);
	api_reply_fini(&reply);
	path_of("/api/person/%s", quote.at, target); /* never heard of */
	assert_int_equal(ask("GET", target, NULL, &reply), 200);
	assert_true(json_is_null(json_object_get(reply.json, "since")));
	api_reply_fini(&reply);
}

static void friends_of_friends_are_suggested(void **state)
{
	struct api_reply reply;
	(void)state;
	assert_int_equal(ask("GET", "/api/suggestions", NULL, &reply), 200);
	const json_t *row = json_array_get(json_object_get(reply.json, "suggestions"), 0);
	assert_string_equal(json_string_value(json_object_get(row, "id")), dee.text);
	assert_int_equal(json_integer_value(json_object_get(row, "total")), 1);
	assert_int_equal(json_array_size(json_object_get(reply.json, "people")), 2);
	api_reply_fini(&reply);
}

static void a_petname_is_kept_taken_back_and_bounded(void **state)
{
	struct api_reply reply;
	char rest[512];
	char name[LIMIT_PETNAME_BYTES + 2];
	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	(void)snprintf(rest, sizeof(rest), ",\"name\":\"%s\"", name);
	assert_int_equal(say("/api/petname", &dee, rest), 422);
	name[LIMIT_PETNAME_BYTES] = '\0';
	(void)snprintf(rest, sizeof(rest), ",\"name\":\"%s\"", name);
	assert_int_equal(say("/api/petname", &dee, rest), 200);
	assert_int_equal(say("/api/petname", &dee, ",\"name\":7"), 400);
	assert_int_equal(say("/api/petname", &dee, ",\"name\":\"\\u200b\""), 422);
	assert_int_equal(say("/api/petname", &dee, ",\"name\":\"Trouble\""), 200);
	assert_int_equal(ask("GET", "/api/suggest?q=trou", NULL, &reply), 200);
	api_reply_fini(&reply);
	assert_int_equal(say("/api/petname", &dee, ",\"name\":null"), 200);
	assert_int_equal(ask("POST", "/api/petname", "{\"id\":\"x\",\"name\":\"y\"}", &reply), 400);
	api_reply_fini(&reply);
}

static size_t listed(const char *list)
{
	struct api_reply reply;
	assert_int_equal(ask("GET", "/api/people", NULL, &reply), 200);
	size_t count = json_array_size(json_object_get(reply.json, list));
	api_reply_fini(&reply);
	return count;
}

static void a_mute_is_listed_and_hides_until_it_ends(void **state)
{
	struct api_reply reply;
	char target[128];
	(void)state;
	assert_int_equal(say("/api/mute", &dee, ""), 400);
	assert_int_equal(say("/api/mute", &dee, ",\"on\":1"), 400);
	assert_int_equal(say("/api/mute", &dee, ",\"on\":true"), 200);
	assert_int_equal(listed("mutes"), 1);
	assert_int_equal(listed("blocks"), 0);
	path_of("/api/person/%s/posts", dee.id.at, target);
	assert_int_equal(ask("GET", target, NULL, &reply), 200);
	assert_int_equal(json_array_size(json_object_get(reply.json, "posts")), 0);
	api_reply_fini(&reply);
	assert_int_equal(say("/api/mute", &dee, ",\"on\":false"), 200);
	assert_int_equal(ask("GET", target, NULL, &reply), 200);
	assert_int_equal(json_array_size(json_object_get(reply.json, "posts")), 1);
	api_reply_fini(&reply);
	assert_int_equal(listed("mutes"), 0);
}

/* The last test: from here on Dee is blocked. */
static void no_answer_has_words_of_somebody_blocked(void **state)
{
	static const char *const plain[] = {"/api/boot?limit=100", "/api/timeline?tab=home",
		"/api/timeline?tab=wide", "/api/timeline?tab=tag&tag=cruel", "/api/tags",
		"/api/search?q=rubbish", "/api/search?q=wrong", "/api/suggest?tag=c",
		"/api/suggest?q=d", "/api/activity", "/api/suggestions"};
	static const char *const of_quote[] = {
		"/api/thread/%s", "/api/posts?ids=%s", "/api/message/%s/raw"};
	struct api_reply reply;
	char target[128];
	(void)state;
	assert_int_equal(say("/api/relation", &dee, ",\"is\":\"block\""), 200);
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		assert_int_equal(ask("GET", plain[i], NULL, &reply), 200);
		assert_null(strstr(reply.body, "heap"));
		assert_null(strstr(reply.body, "#cruel"));
		api_reply_fini(&reply);
	}
	for (size_t i = 0; i < sizeof(of_quote) / sizeof(of_quote[0]); i++) {
		path_of(of_quote[i], quote.at, target);
		assert_int_equal(ask("GET", target, NULL, &reply), 200);
		assert_null(strstr(reply.body, "heap"));
		assert_null(strstr(reply.body, "\"Dee\""));
		assert_null(strstr(reply.body, "@dee"));
		api_reply_fini(&reply);
	}
	path_of("/api/posts?ids=%s", quote.at, target);
	assert_int_equal(ask("GET", target, NULL, &reply), 200);
	const json_t *post = json_array_get(json_object_get(reply.json, "posts"), 0);
	assert_int_equal(json_integer_value(json_object_get(post, "hidden")), 2);
	assert_string_equal(json_string_value(json_object_get(post, "text")),
		"> [hidden quote]\n\n[someone you blocked] is wrong");
	api_reply_fini(&reply);
}

static void a_raw_message_is_given_when_it_is_asked_for_twice(void **state)
{
	struct api_reply reply;
	char target[128];
	(void)state;
	const struct message_id *both[] = {&quote, &cruel};
	for (int i = 0; i < 2; i++) {
		path_of("/api/message/%s/raw", both[i]->at, target);
		assert_int_equal(ask("GET", target, NULL, &reply), 200);
		assert_true(json_is_null(json_object_get(reply.json, "value")));
		assert_true(json_integer_value(json_object_get(reply.json, "hidden")) > 0);
		api_reply_fini(&reply);
		path_of("/api/message/%s/raw?hidden=show", both[i]->at, target);
		assert_int_equal(ask("GET", target, NULL, &reply), 200);
		assert_non_null(strstr(reply.body, "heap"));
		api_reply_fini(&reply);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_person_says_since_when_and_who_is_between),
		cmocka_unit_test(friends_of_friends_are_suggested),
		cmocka_unit_test(a_petname_is_kept_taken_back_and_bounded),
		cmocka_unit_test(a_mute_is_listed_and_hides_until_it_ends),
		cmocka_unit_test(no_answer_has_words_of_somebody_blocked),
		cmocka_unit_test(a_raw_message_is_given_when_it_is_asked_for_twice),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
