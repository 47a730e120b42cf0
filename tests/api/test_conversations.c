/* Conversations by who takes part: requests, what is unread, threads, likes, search, hostile
 * contents; and that nothing public has any of it. */
#include "lib/letters.h"

#include "lib/cmocka.h"

#include "base/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct letters letters;

static int set_up(void **state)
{
	(void)state;
	letters_start(&letters);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	letters_stop(&letters);
	return 0;
}

#define ASK(...) letters_ask(&letters, __VA_ARGS__)
#define TELL(...) json_decref(letters_ask(&letters, __VA_ARGS__))

static const char *id(unsigned who)
{
	return letters.people[who].text;
}

/* A post of somebody to us, and to `also`. */
static struct message_id write_to_us(unsigned who, int also, const char *text)
{
	const int others[] = {also, -1};
	letters.people[who].now_ms = env_wall_ms(api_rig_env());
	return also < 0 ? letters_box(&letters, who, NULL,
				  "{\"type\":\"post\",\"text\":\"%s\",\"recps\":[\"%s\",\"%s\"]}",
				  text, id(who), letters.self)
			: letters_box(&letters, who, others,
				  "{\"type\":\"post\",\"text\":\"%s\",\"recps\":[\"%s\",\"%s\","
				  "\"%s\"]}",
				  text, id(who), letters.self, id((unsigned)also));
}

static void follow(unsigned who)
{
	TELL(200, "POST", "/api/relation", "{\"id\":\"%s\",\"is\":\"follow\"}", id(who));
}

static json_int_t unread(void)
{
	TELL(200, "GET", "/api/private?limit=1", "%s", "");
	json_t *boot = ASK(200, "GET", "/api/boot?limit=1", "%s", "");
	json_int_t count = json_integer_value(letters_at(boot, "unread.private"));
	json_decref(boot);
	return count;
}

static size_t listed(const char *target)
{
	json_t *list = ASK(200, "GET", target, "%s", "");
	size_t count = json_array_size(letters_at(list, "conversations"));
	json_decref(list);
	return count;
}

static void key_text(const struct message_id *key, char out[static MESSAGE_ID_TEXT_BYTES])
{
	message_id_format(key, out);
}

static void a_conversation_is_a_set_of_people_whoever_writes(void **state)
{
	(void)state;
	char target[128];
	follow(0);
	(void)write_to_us(0, -1, "one");
	TELL(200, "POST", "/api/post", "{\"text\":\"two\",\"readers\":[\"%s\"]}", id(0));
	(void)write_to_us(0, 1, "three of us");
	json_t *list = ASK(200, "GET", "/api/private", "%s", "");
	assert_int_equal(json_array_size(letters_at(list, "conversations")), 2);
	assert_string_equal(letters_text(list, "conversations.0.last.text"), "three of us");
	assert_int_equal(json_array_size(letters_at(list, "conversations.0.readers")), 3);
	assert_int_equal(json_integer_value(letters_at(list, "conversations.0.limit_left")), 4);
	assert_string_equal(letters_text(list, "conversations.1.last.text"), "two");
	(void)snprintf(target, sizeof(target), "/api/private/%s?limit=1",
		letters_text(list, "conversations.1.id"));
	json_t *page = ASK(200, "GET", target, "%s", "");
	assert_string_equal(letters_text(page, "posts.0.text"), "two");
	assert_true(json_is_true(letters_at(page, "posts.0.readers_proven")));
	assert_int_equal(json_array_size(letters_at(page, "posts.0.readers")), 2);
	assert_string_equal(letters_text(page, "posts.0.conversation"),
		letters_text(list, "conversations.1.id"));
	(void)snprintf(target, sizeof(target), "/api/private/%s?limit=1&before=%s",
		letters_text(list, "conversations.1.id"), letters_text(page, "cursor"));
	json_t *more = ASK(200, "GET", target, "%s", "");
	assert_string_equal(letters_text(more, "posts.0.text"), "one");
	assert_true(json_is_false(letters_at(more, "posts.0.readers_proven")));
	assert_true(json_is_null(letters_at(more, "cursor")));
	/* Named by its people, in any order, it is the same. */
	json_t *named = ASK(200, "POST", "/api/private", "{\"with\":[\"%s\",\"%s\",\"%s\"]}",
		letters.self, id(0), id(0));
	assert_string_equal(
		letters_text(named, "conversation.id"), letters_text(list, "conversations.1.id"));
	json_decref(named);
	json_decref(more);
	json_decref(page);
	json_decref(list);
}

static void one_without_a_word_is_remembered_and_not_listed(void **state)
{
	(void)state;
	char target[96];
	json_t *begun = ASK(200, "POST", "/api/private", "{\"with\":[\"%s\"]}", id(3));
	assert_true(json_is_null(letters_at(begun, "conversation.last")));
	assert_true(json_is_null(letters_at(begun, "conversation.root")));
	assert_int_equal(json_integer_value(letters_at(begun, "conversation.limit_left")), 5);
	assert_int_equal(listed("/api/private"), 0);
	api_rig_restart(&letters.rig);
	(void)snprintf(
		target, sizeof(target), "/api/private/%s", letters_text(begun, "conversation.id"));
	json_t *again = ASK(200, "GET", target, "%s", "");
	assert_int_equal(json_array_size(letters_at(again, "conversation.readers")), 2);
	json_decref(again);
	json_decref(begun);
	TELL(404, "GET", "/api/private/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "%s", "");
	TELL(404, "GET", "/api/private/nothing", "%s", "");
}

static void strangers_wait_apart_until_they_are_accepted_or_answered(void **state)
{
	(void)state;
	char target[96];
	(void)write_to_us(0, -1, "buy this");
	(void)write_to_us(1, -1, "and this");
	assert_int_equal(unread(), 0);
	assert_int_equal(listed("/api/private"), 0);
	json_t *asked = ASK(200, "GET", "/api/private?requests=1", "%s", "");
	assert_int_equal(json_integer_value(letters_at(asked, "requests")), 2);
	assert_true(json_is_true(letters_at(asked, "conversations.0.is_request")));
	(void)snprintf(target, sizeof(target), "/api/private/%s",
		letters_text(asked, "conversations.0.id"));
	TELL(200, "POST", target, "%s", "{\"accept\":true}");
	assert_int_equal(unread(), 1);
	assert_int_equal(listed("/api/private"), 1);
	/* An answer is as good. */
	TELL(200, "POST", "/api/post", "{\"text\":\"no\",\"root\":\"%s\"}",
		letters_text(asked, "conversations.1.root"));
	assert_int_equal(listed("/api/private"), 2);
	assert_int_equal(listed("/api/private?requests=1"), 0);
	/* Whom we wrote to is no stranger in company either. */
	(void)write_to_us(0, 2, "meet cy");
	assert_int_equal(listed("/api/private"), 3);
	json_decref(asked);
}

static void a_word_of_somebody_known_makes_it_no_request(void **state)
{
	(void)state;
	follow(1);
	(void)write_to_us(0, 1, "a stranger begins");
	assert_int_equal(listed("/api/private"), 0);
	(void)write_to_us(1, 0, "a friend answers");
	assert_int_equal(listed("/api/private"), 1);
	(void)write_to_us(0, 1, "the stranger goes on");
	assert_int_equal(listed("/api/private"), 1);
}

static void what_was_read_is_not_unread_and_what_is_muted_never_was(void **state)
{
	(void)state;
	char target[96];
	follow(0);
	follow(1);
	(void)write_to_us(0, -1, "one");
	(void)write_to_us(0, -1, "two");
	(void)write_to_us(1, -1, "three");
	assert_int_equal(unread(), 3);
	TELL(200, "POST", "/api/mute", "{\"id\":\"%s\",\"on\":true}", id(1));
	assert_int_equal(unread(), 2);
	assert_int_equal(listed("/api/private"), 1);
	json_t *list = ASK(200, "GET", "/api/private", "%s", "");
	(void)snprintf(target, sizeof(target), "/api/private/%s",
		letters_text(list, "conversations.0.id"));
	json_t *after = ASK(200, "POST", target, "{\"read\":\"%s\"}",
		letters_text(list, "conversations.0.newest"));
	assert_int_equal(json_integer_value(letters_at(after, "conversation.unread")), 0);
	assert_int_equal(unread(), 0);
	/* A mark never goes back. */
	TELL(200, "POST", target, "%s", "{\"read\":\"1.1\"}");
	assert_int_equal(unread(), 0);
	TELL(400, "POST", target, "%s", "{\"read\":\"soon\"}");
	TELL(400, "POST", target, "%s", "{\"accept\":1}");
	(void)write_to_us(0, -1, "four");
	assert_int_equal(unread(), 1);
	TELL(200, "POST", "/api/mute", "{\"id\":\"%s\",\"on\":false}", id(1));
	assert_int_equal(unread(), 2);
	TELL(200, "POST", "/api/relation", "{\"id\":\"%s\",\"is\":\"block\"}", id(0));
	assert_int_equal(unread(), 1);
	json_decref(after);
	json_decref(list);
}

static void what_was_written_before_and_came_late_is_unread(void **state)
{
	(void)state;
	char target[96];
	follow(0);
	int64_t before_ms = env_wall_ms(api_rig_env());
	(void)write_to_us(0, -1, "newest");
	json_t *list = ASK(200, "GET", "/api/private", "%s", "");
	(void)snprintf(target, sizeof(target), "/api/private/%s",
		letters_text(list, "conversations.0.id"));
	TELL(200, "POST", target, "{\"read\":\"%s\"}",
		letters_text(list, "conversations.0.newest"));
	TELL(200, "POST", "/api/post", "{\"text\":\"mine\",\"readers\":[\"%s\"]}", id(0));
	assert_int_equal(unread(), 0);
	letters.people[0].head.timestamp = 0;
	letters.people[0].now_ms = before_ms - 60000;
	(void)letters_box(&letters, 0, NULL,
		"{\"type\":\"post\",\"text\":\"late\",\"recps\":[\"%s\",\"%s\"]}", id(0),
		letters.self);
	assert_int_equal(unread(), 1);
	json_decref(list);
	list = ASK(200, "GET", "/api/private", "%s", "");
	assert_string_equal(letters_text(list, "conversations.0.last.text"), "mine");
	TELL(200, "POST", target, "{\"read\":\"%s\"}",
		letters_text(list, "conversations.0.newest"));
	assert_int_equal(unread(), 0);
	json_decref(list);
}

static void hidden_means_until_something_new_comes(void **state)
{
	(void)state;
	char target[96];
	follow(0);
	(void)write_to_us(0, -1, "one");
	json_t *list = ASK(200, "GET", "/api/private", "%s", "");
	(void)snprintf(target, sizeof(target), "/api/private/%s",
		letters_text(list, "conversations.0.id"));
	TELL(200, "POST", target, "%s", "{\"hide\":true}");
	assert_int_equal(listed("/api/private"), 0);
	assert_int_equal(unread(), 0);
	(void)write_to_us(0, -1, "two");
	assert_int_equal(listed("/api/private"), 1);
	json_decref(list);
}

static void threads_likes_and_single_posts_work_for_their_reader(void **state)
{
	(void)state;
	char root[MESSAGE_ID_TEXT_BYTES];
	char path[ID_PATH_BYTES];
	char target[128];
	follow(0);
	struct message_id key = write_to_us(0, -1, "root");
	key_text(&key, root);
	id_format_path(key.at, path);
	TELL(200, "POST", "/api/post", "{\"text\":\"mine\",\"root\":\"%s\"}", root);
	TELL(200, "POST", "/api/like", "{\"id\":\"%s\"}", root);
	(void)letters_box(&letters, 0, NULL,
		"{\"type\":\"vote\",\"vote\":{\"link\":\"%s\",\"value\":1},\"recps\":[\"%s\",\"%"
		"s\"]}",
		root, id(0), letters.self);
	/* What says so in public counts for nothing. */
	(void)letters_say(
		&letters, 1, "{\"type\":\"vote\",\"vote\":{\"link\":\"%s\",\"value\":1}}", root);
	(void)letters_say(&letters, 1,
		"{\"type\":\"post\",\"text\":\"public\",\"root\":\"%s\",\"branch\":\"%s\"}", root,
		root);
	(void)snprintf(target, sizeof(target), "/api/thread/%s", path);
	json_t *thread = ASK(200, "GET", target, "%s", "");
	assert_int_equal(json_array_size(letters_at(thread, "posts")), 2);
	assert_string_equal(letters_text(thread, "posts.0.text"), "root");
	assert_string_equal(letters_text(thread, "posts.1.text"), "mine");
	assert_int_equal(json_integer_value(letters_at(thread, "posts.0.likes.n")), 2);
	assert_true(json_is_true(letters_at(thread, "posts.0.likes.mine")));
	assert_int_equal(strlen(letters_text(thread, "conversation")), 43);
	json_decref(thread);
	(void)snprintf(target, sizeof(target), "/api/posts?ids=%s", path);
	json_t *posts = ASK(200, "GET", target, "%s", "");
	assert_string_equal(letters_text(posts, "posts.0.text"), "root");
	json_decref(posts);
	(void)snprintf(target, sizeof(target), "/api/message/%s/likes", path);
	json_t *likes = ASK(200, "GET", target, "%s", "");
	assert_int_equal(json_integer_value(letters_at(likes, "total")), 2);
	json_decref(likes);
	(void)snprintf(target, sizeof(target), "/api/message/%s/raw", path);
	json_t *raw = ASK(200, "GET", target, "%s", "");
	assert_non_null(strstr(letters_text(raw, "value"), ".box\""));
	assert_non_null(strstr(letters_text(raw, "opened"), "\"text\":\"root\""));
	json_decref(raw);
	TELL(200, "POST", "/api/bookmark", "{\"id\":\"%s\",\"on\":true}", root);
	json_t *open = ASK(200, "POST", "/api/post", "%s", "{\"text\":\"open\"}");
	TELL(200, "POST", "/api/bookmark", "{\"id\":\"%s\",\"on\":true}",
		letters_text(open, "key"));
	json_t *kept = ASK(200, "GET", "/api/bookmarks?limit=1", "%s", "");
	assert_string_equal(letters_text(kept, "posts.0.text"), "open");
	(void)snprintf(target, sizeof(target), "/api/bookmarks?limit=1&before=%s",
		letters_text(kept, "cursor"));
	json_t *older = ASK(200, "GET", target, "%s", "");
	assert_string_equal(letters_text(older, "posts.0.text"), "root");
	assert_true(json_is_true(letters_at(older, "posts.0.bookmarked")));
	assert_true(json_is_null(letters_at(older, "cursor")));
	json_decref(older);
	json_decref(kept);
	json_decref(open);
}

static void no_public_page_has_any_of_it(void **state)
{
	(void)state;
	char person[128];
	char path[ID_PATH_BYTES];
	follow(0);
	id_format_path(letters.people[0].id.at, path);
	(void)snprintf(person, sizeof(person), "/api/person/%s/posts?show=all", path);
	const char *const targets[] = {"/api/boot", "/api/timeline?tab=home",
		"/api/timeline?tab=wide", "/api/timeline?tab=tag&tag=quince", "/api/activity",
		"/api/tags", "/api/search?q=quince", "/api/suggest?tag=qu", "/api/suggestions",
		"/api/status", "/api/network", "/api/outbox", "/api/writing", person};
	(void)letters_box(&letters, 0, NULL,
		"{\"type\":\"post\",\"text\":\"quince #quince [@me](%s)\",\"channel\":\"quince\","
		"\"mentions\":[{\"link\":\"%s\"},{\"link\":\"#quince\"}],\"recps\":[\"%s\",\"%s\"]"
		"}",
		letters.self, letters.self, id(0), letters.self);
	TELL(200, "POST", "/api/post", "{\"text\":\"quince #quince\",\"readers\":[\"%s\"]}", id(0));
	(void)letters_box(&letters, 0, NULL,
		"{\"type\":\"about\",\"about\":\"%s\",\"name\":\"quince\"}", id(0));
	assert_int_equal(unread(), 0); /* we wrote after it had come */
	(void)write_to_us(0, -1, "quince");
	assert_int_equal(unread(), 1);
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		json_t *answer = ASK(200, "GET", targets[i], "%s", "");
		char *text = json_dumps(answer, 0);
		const char *found = strstr(text, "quince");
		/* A search tells what it looked for. */
		if (strstr(targets[i], "search") != NULL) {
			assert_int_equal(json_array_size(letters_at(answer, "posts")), 0);
		} else if (found != NULL) {
			fail_msg("%s: %s", targets[i], found);
		}
		free(text);
		json_decref(answer);
	}
	json_t *found = ASK(200, "GET", "/api/search?q=quince&private=1", "%s", "");
	assert_int_equal(json_array_size(letters_at(found, "posts")), 3);
	json_decref(found);
	found = ASK(200, "GET", "/api/search?q=quince%20from:me&private=1", "%s", "");
	assert_int_equal(json_array_size(letters_at(found, "posts")), 1);
	json_decref(found);
	found = ASK(200, "GET", "/api/search?q=quince%20before:2000&private=1", "%s", "");
	assert_int_equal(json_array_size(letters_at(found, "posts")), 0);
	json_decref(found);
}

/* How many slots a box has is no claim. */
static void a_box_that_is_for_others_than_it_says_shows_it(void **state)
{
	(void)state;
	char path[ID_PATH_BYTES];
	char target[128];
	static const int also[] = {1, 2, -1};
	follow(0);
	letters.people[0].now_ms = env_wall_ms(api_rig_env());
	const struct message_id keys[] = {
		write_to_us(0, 1, "as it says"),
		letters_box(&letters, 0, also,
			"{\"type\":\"post\",\"text\":\"more\",\"recps\":[\"%s\",\"%s\"]}", id(0),
			letters.self),
		letters_forge(&letters, 0,
			"{\"type\":\"post\",\"text\":\"fewer\",\"recps\":[\"%s\",\"%s\",\"%s\"]}",
			id(0), id(1), letters.self),
	};
	static const json_int_t named[] = {3, 2, 3};
	static const json_int_t sealed[] = {3, 4, 1};
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		id_format_path(keys[i].at, path);
		(void)snprintf(target, sizeof(target), "/api/posts?ids=%s", path);
		json_t *posts = ASK(200, "GET", target, "%s", "");
		assert_int_equal(json_array_size(letters_at(posts, "posts.0.readers")), named[i]);
		assert_int_equal(
			json_integer_value(letters_at(posts, "posts.0.readers_sealed")), sealed[i]);
		assert_true(json_is_false(letters_at(posts, "posts.0.readers_proven")));
		json_decref(posts);
	}
	json_t *posts = ASK(200, "POST", "/api/post", "%s", "{\"text\":\"open\"}");
	struct message_id open;
	assert_int_equal(message_id_parse(span_text(letters_text(posts, "key")), &open), ERR_OK);
	json_decref(posts);
	id_format_path(open.at, path);
	(void)snprintf(target, sizeof(target), "/api/posts?ids=%s", path);
	posts = ASK(200, "GET", target, "%s", "");
	assert_true(json_is_null(letters_at(posts, "posts.0.readers_sealed")));
	json_decref(posts);
}

static void what_strangers_put_into_boxes_is_shown_or_left_out(void **state)
{
	(void)state;
	struct buf deep = BUF_INIT(64 * 1024);
	follow(0);
	(void)letters_forge(&letters, 0, "%s", "no JSON at all");
	(void)letters_forge(&letters, 0, "%s", "[1,2,3]");
	(void)letters_forge(&letters, 0, "%s", "\"just a text\"");
	(void)letters_forge(&letters, 0, "%s", "{\"text\":\"no type\"}");
	(void)letters_forge(&letters, 0, "%s", "{\"type\":7,\"text\":\"odd type\"}");
	(void)letters_forge(&letters, 0, "%s", "{\"type\":\"post\",\"text\":{\"a\":1}}");
	(void)letters_forge(&letters, 0, "%s", "\xff\xfe{\"type\":\"post\"}");
	for (unsigned i = 0; i < 2000; i++) {
		assert_int_equal(buf_append_text(&deep, "["), ERR_OK);
	}
	assert_non_null(buf_cstr(&deep));
	(void)letters_forge(&letters, 0, "{\"type\":\"post\",\"text\":\"deep\",\"x\":%s",
		(const char *)deep.at);
	buf_fini(&deep);
	assert_int_equal(listed("/api/private"), 0);
	/* These are posts, whoever they say can read them. */
	(void)letters_forge(&letters, 0, "%s",
		"{\"type\":\"post\",\"text\":\"a\",\"recps\":[null,7,{},[],\"@x\",{\"link\":9}]}");
	(void)letters_forge(
		&letters, 0, "%s", "{\"type\":\"post\",\"text\":\"b\",\"recps\":\"all\"}");
	(void)letters_forge(&letters, 0,
		"{\"type\":\"post\",\"text\":\"c\",\"recps\":[{\"link\":\"%s\",\"name\":\"x\"}]}",
		letters.self);
	(void)letters_forge(
		&letters, 0, "{\"type\":\"post\",\"text\":\"d\",\"to\":[\"%s\"]}", letters.self);
	(void)letters_forge(
		&letters, 0, "{\"type\":\"post\",\"text\":\"e\",\"to\":\"%s\"}", letters.self);
	json_t *list = ASK(200, "GET", "/api/private", "%s", "");
	assert_int_equal(json_array_size(letters_at(list, "conversations")), 1);
	assert_int_equal(json_array_size(letters_at(list, "conversations.0.readers")), 2);
	json_decref(list);
	/* More people than a box is for: it is shown, and cannot be answered. */
	struct buf many = BUF_INIT(64 * 1024);
	for (unsigned i = 0; i < 60; i++) {
		struct feed_id other;
		char text[FEED_ID_TEXT_BYTES];
		memset(other.at, (int)i + 1, ID_BYTES);
		feed_id_format(&other, text);
		assert_int_equal(buf_printf(&many, "%s\"%s\"", i == 0 ? "" : ",", text), ERR_OK);
	}
	assert_non_null(buf_cstr(&many));
	struct message_id key = letters_forge(&letters, 0,
		"{\"type\":\"post\",\"text\":\"f\",\"recps\":[%s]}", (const char *)many.at);
	buf_fini(&many);
	char text[MESSAGE_ID_TEXT_BYTES];
	key_text(&key, text);
	TELL(422, "POST", "/api/post", "{\"text\":\"no\",\"root\":\"%s\"}", text);
	json_t *all = ASK(200, "GET", "/api/private/all", "%s", "");
	assert_true(json_array_size(letters_at(all, "messages")) >= 6);
	json_decref(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_conversation_is_a_set_of_people_whoever_writes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			one_without_a_word_is_remembered_and_not_listed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			strangers_wait_apart_until_they_are_accepted_or_answered, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_word_of_somebody_known_makes_it_no_request, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_was_read_is_not_unread_and_what_is_muted_never_was, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_was_written_before_and_came_late_is_unread, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			hidden_means_until_something_new_comes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			threads_likes_and_single_posts_work_for_their_reader, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_box_that_is_for_others_than_it_says_shows_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_public_page_has_any_of_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_strangers_put_into_boxes_is_shown_or_left_out, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
