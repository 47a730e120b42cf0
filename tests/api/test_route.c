/* The endpoints over a real store: who may ask, what comes back, what is refused. */
#include "lib/api_rig.h"

#include "lib/cmocka.h"

#include "base/limits.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct api_rig rig;
static const char stranger[] = "@FbGoHeEcePDG3Evemrc+hm+S77cXKf8BRQgkYinJggg=.ed25519";

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

static void ask(const char *method, const char *target, const char *body, struct api_reply *reply)
{
	api_rig_advance(10000); /* each test has its whole allowance */
	api_rig_ask(&rig, method, target, body, "", reply);
}

static void expect_error(
	const char *method, const char *target, const char *body, unsigned status, const char *code)
{
	struct api_reply reply;
	ask(method, target, body, &reply);
	if (reply.status != status || strcmp(api_reply_text(&reply, "error.code"), code) != 0) {
		fail_msg("%s %s %s: %s", method, target, body == NULL ? "" : body, reply.text);
	}
	assert_true(strlen(api_reply_text(&reply, "error.said")) > 0);
	assert_true(json_is_false(json_object_get(json_object_get(reply.json, "error"), "lost")));
	assert_non_null(json_object_get(json_object_get(reply.json, "error"), "do"));
	api_reply_fini(&reply);
}

/* Publish; the key is the caller's: free(). */
static char *publish(const char *target, const char *body)
{
	struct api_reply reply;
	ask("POST", target, body, &reply);
	if (reply.status != 200) {
		fail_msg("%s %s: %s", target, body, reply.text);
	}
	char *key = strdup(api_reply_text(&reply, "key"));
	assert_int_equal(strlen(key), MESSAGE_ID_TEXT_BYTES - 1);
	api_reply_fini(&reply);
	return key;
}

/* The content of a message as compact JSON text; the caller's: free(). */
static char *content_of(const char *key)
{
	struct message_id id;
	char path[ID_PATH_BYTES];
	char target[96];
	struct api_reply reply;
	assert_int_equal(message_id_parse(span_text(key), &id), ERR_OK);
	id_format_path(id.at, path);
	(void)snprintf(target, sizeof(target), "/api/message/%s/raw", path);
	ask("GET", target, NULL, &reply);
	assert_int_equal(reply.status, 200);
	assert_string_equal(api_reply_text(&reply, "key"), key);
	assert_true(json_integer_value(json_object_get(reply.json, "received")) > 0);
	json_t *value = json_loads(api_reply_text(&reply, "value"), 0, NULL);
	assert_non_null(value);
	char *text = json_dumps(json_object_get(value, "content"), JSON_COMPACT);
	json_decref(value);
	api_reply_fini(&reply);
	return text;
}

static void expect_content(char *key, const char *format, const char *a, const char *b)
{
	char wanted[1024];
	char *content = content_of(key);
	(void)snprintf(wanted, sizeof(wanted), format, a, b);
	assert_string_equal(content, wanted);
	free(content);
	free(key);
}

static void path_of(const char *id, char out[static ID_PATH_BYTES])
{
	struct feed_id feed;
	struct message_id message;
	if (id[0] == '@') {
		assert_int_equal(feed_id_parse(span_text(id), &feed), ERR_OK);
		id_format_path(feed.at, out);
	} else {
		assert_int_equal(message_id_parse(span_text(id), &message), ERR_OK);
		id_format_path(message.at, out);
	}
}

/* Who may. */

static void answers_nothing_under_api_without_cookie_and_token(void **state)
{
	static const char *const targets[] = {"/api/boot", "/api/me", "/api/timeline",
		"/api/people", "/api/status", "/api/network", "/api/nothing", "/api/", "/api",
		"/api/posts?ids=x"};
	struct api_rig stranger_rig = rig;
	struct api_reply reply;
	(void)state;
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		stranger_rig.token[0] = '\0';
		api_rig_ask(&stranger_rig, "GET", targets[i], NULL, "", &reply);
		assert_int_equal(reply.status, 401);
		assert_string_equal(api_reply_text(&reply, "error.code"), "login");
		api_reply_fini(&reply);
		/* The cookie alone: what a page on another port of this machine can send. */
		char extra[128];
		(void)snprintf(extra, sizeof(extra), "Cookie: %s\r\n", rig.cookie);
		api_rig_ask(&stranger_rig, "GET", targets[i], NULL, extra, &reply);
		assert_int_equal(reply.status, 401);
		api_reply_fini(&reply);
		(void)snprintf(stranger_rig.token, sizeof(stranger_rig.token), "wrong");
		api_rig_ask(&stranger_rig, "GET", targets[i], NULL, "", &reply);
		assert_int_equal(reply.status, 401);
		api_reply_fini(&reply);
	}
}

static void changes_nothing_for_another_origin_or_type(void **state)
{
	static const char *const wrong[] = {
		"Content-Type: application/json\r\n",
		"Origin: http://evil.example\r\nContent-Type: application/json\r\n",
		"Origin: http://localhost:1\r\nContent-Type: application/json\r\n",
		"Origin: null\r\nContent-Type: application/json\r\n",
		"Origin: http://localhost:%u\r\nContent-Type: text/plain\r\n",
		"Origin: http://localhost:%u\r\n",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char lines[256];
		char text[1024];
		struct api_reply reply;
		(void)snprintf(lines, sizeof(lines), wrong[i], rig.port);
		(void)snprintf(text, sizeof(text),
			"POST /api/post HTTP/1.1\r\nHost: localhost:%u\r\nConnection: "
			"close\r\nCookie: %s\r\nX-Kith-Token: %s\r\n%sContent-Length: "
			"12\r\n\r\n{\"text\":\"x\"}",
			rig.port, rig.cookie, rig.token, lines);
		api_rig_raw(&rig, text, &reply);
		assert_true(reply.status == 403 || reply.status == 400);
		api_reply_fini(&reply);
	}
	struct api_reply reply;
	ask("GET", "/api/me", NULL, &reply);
	assert_true(json_is_null(json_object_get(reply.json, "head")));
	api_reply_fini(&reply);
}

static void knows_no_other_methods_or_paths(void **state)
{
	(void)state;
	expect_error("GET", "/api/nothing", NULL, 404, "not_found");
	expect_error("GET", "/api/me/", NULL, 404, "not_found");
	expect_error("GET", "/api/me/more", NULL, 404, "not_found");
	expect_error("POST", "/api/me", "{}", 405, "bad_request");
	expect_error("GET", "/api/post", NULL, 405, "bad_request");
	expect_error("GET", "/api/live", NULL, 404, "not_found");
}

static void ends_a_session_when_told_to(void **state)
{
	char code[33];
	char body[64];
	struct api_rig other = rig;
	struct api_reply reply;
	(void)state;
	ask("POST", "/api/code", "{}", &reply);
	assert_int_equal(reply.status, 200);
	(void)snprintf(code, sizeof(code), "%s", api_reply_text(&reply, "code"));
	assert_non_null(strstr(api_reply_text(&reply, "link"), code));
	api_reply_fini(&reply);
	(void)snprintf(body, sizeof(body), "{\"code\":\"%s\"}", code);
	other.token[0] = '\0';
	api_rig_ask(&other, "POST", "/api/session", body, "", &reply);
	assert_int_equal(reply.status, 200);
	const char *cookie = strstr(reply.text, "Set-Cookie: ");
	assert_non_null(strstr(cookie, "HttpOnly; SameSite=Strict; Path=/"));
	(void)snprintf(other.token, sizeof(other.token), "%s", api_reply_text(&reply, "token"));
	(void)snprintf(other.cookie, sizeof(other.cookie), "%.*s", (int)strcspn(cookie + 12, ";"),
		cookie + 12);
	api_reply_fini(&reply);
	api_rig_ask(&other, "DELETE", "/api/session", NULL, "", &reply);
	assert_int_equal(reply.status, 200);
	api_reply_fini(&reply);
	api_rig_ask(&other, "GET", "/api/me", NULL, "", &reply);
	assert_int_equal(reply.status, 401);
	api_reply_fini(&reply);
	/* The same code opens nothing again. */
	other.token[0] = '\0';
	api_rig_ask(&other, "POST", "/api/session", body, "", &reply);
	assert_int_equal(reply.status, 401);
	api_reply_fini(&reply);
}

static void keeps_sessions_over_a_restart(void **state)
{
	struct api_reply reply;
	(void)state;
	api_rig_restart(&rig);
	ask("GET", "/api/me", NULL, &reply);
	assert_int_equal(reply.status, 200);
	api_reply_fini(&reply);
}

static void slows_a_browser_down_but_not_the_owner(void **state)
{
	struct api_reply reply;
	size_t served = 0;
	(void)state;
	api_rig_advance(3600 * 1000);
	for (size_t i = 0; i < LIMIT_PUBLISH_PER_MINUTE + 1; i++) {
		api_rig_ask(&rig, "POST", "/api/post", "{\"text\":\"again\"}", "", &reply);
		served += reply.status == 200 ? 1 : 0;
		if (reply.status != 200) {
			assert_int_equal(reply.status, 429);
			assert_non_null(strstr(reply.text, "Retry-After: "));
		}
		api_reply_fini(&reply);
	}
	assert_int_equal(served, LIMIT_PUBLISH_PER_MINUTE);
	for (size_t i = 0; i < 5 * LIMIT_PUBLISH_PER_MINUTE; i++) {
		api_rig_ask_owner(
			&rig, "POST", "/api/post", "{\"text\":\"from a script\"}", &reply);
		assert_int_equal(reply.status, 200);
		api_reply_fini(&reply);
	}
	api_rig_advance(3600 * 1000);
}

/* Writing. */

static void publishes_posts_as_the_network_writes_them(void **state)
{
	char body[512];
	char wanted[512];
	(void)state;
	expect_content(publish("/api/post", "{\"text\":\"plain\"}"),
		"{\"type\":\"post\",\"text\":\"plain\"}", "", "");
	expect_content(publish("/api/post", "{\"text\":\"careful\",\"cw\":\"food\"}"),
		"{\"type\":\"post\",\"text\":\"careful\",\"contentWarning\":\"food\"}", "", "");
	(void)snprintf(body, sizeof(body), "{\"text\":\"[@cinn](%s) #tag\"}", stranger);
	(void)snprintf(wanted, sizeof(wanted),
		"{\"type\":\"post\",\"text\":\"[@cinn](%1$s) "
		"#tag\",\"mentions\":[{\"link\":\"%1$s\",\"name\":\"cinn\"},{\"link\":\"#tag\"}]}",
		stranger);
	expect_content(publish("/api/post", body), "%s%s", wanted, "");
}

static void puts_a_reply_on_the_heads_of_its_thread(void **state)
{
	char body[512];
	char wanted[512];
	char path[ID_PATH_BYTES];
	char target[96];
	struct api_reply reply;
	(void)state;
	char *root = publish("/api/post", "{\"text\":\"root\"}");
	(void)snprintf(body, sizeof(body), "{\"text\":\"first\",\"root\":\"%s\"}", root);
	char *first = publish("/api/post", body);
	(void)snprintf(wanted, sizeof(wanted),
		"{\"type\":\"post\",\"text\":\"first\",\"root\":\"%s\",\"branch\":[\"%s\"]}", root,
		root);
	expect_content(strdup(first), "%s%s", wanted, "");
	(void)snprintf(body, sizeof(body), "{\"text\":\"second\",\"root\":\"%s\"}", root);
	char *second = publish("/api/post", body);
	(void)snprintf(wanted, sizeof(wanted),
		"{\"type\":\"post\",\"text\":\"second\",\"root\":\"%s\",\"branch\":[\"%s\"]}", root,
		first);
	expect_content(second, "%s%s", wanted, "");
	(void)snprintf(body, sizeof(body),
		"{\"text\":\"own branch\",\"root\":\"%s\",\"branch\":[\"%s\"],\"fork\":\"%s\"}",
		first, first, root);
	(void)snprintf(wanted, sizeof(wanted),
		"{\"type\":\"post\",\"text\":\"own "
		"branch\",\"root\":\"%s\",\"branch\":[\"%s\"],\"fork\":\"%s\"}",
		first, first, root);
	expect_content(publish("/api/post", body), "%s%s", wanted, "");
	path_of(root, path);
	(void)snprintf(target, sizeof(target), "/api/thread/%s", path);
	ask("GET", target, NULL, &reply);
	assert_int_equal(reply.status, 200);
	assert_string_equal(api_reply_text(&reply, "root"), root);
	const json_t *posts = json_object_get(reply.json, "posts");
	assert_true(json_array_size(posts) >= 3);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(posts, 0), "text")), "root");
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(posts, 1), "text")), "first");
	assert_int_equal(json_array_size(json_object_get(reply.json, "people")), 1);
	api_reply_fini(&reply);
	/* A thread we hold nothing of: the reply answers its root. */
	(void)snprintf(body, sizeof(body),
		"{\"text\":\"into the "
		"dark\",\"root\":\"%%u/WUB9aYZsCzT+7b6C1aPe51WfPtY4JOBIWhRYAYF4Q=.sha256\"}");
	expect_content(publish("/api/post", body),
		"{\"type\":\"post\",\"text\":\"into the "
		"dark\",\"root\":\"%%u/"
		"WUB9aYZsCzT+7b6C1aPe51WfPtY4JOBIWhRYAYF4Q=.sha256\",\"branch\":[\"%%u/"
		"WUB9aYZsCzT+7b6C1aPe51WfPtY4JOBIWhRYAYF4Q=.sha256\"]}%s%s",
		"", "");
	free(first);
	free(root);
}

static void likes_and_takes_it_back(void **state)
{
	char body[256];
	char wanted[256];
	(void)state;
	char *post = publish("/api/post", "{\"text\":\"likeable\"}");
	(void)snprintf(body, sizeof(body), "{\"id\":\"%s\",\"on\":true}", post);
	(void)snprintf(wanted, sizeof(wanted),
		"{\"type\":\"vote\",\"vote\":{\"link\":\"%s\",\"value\":1,\"expression\":\"Like\"}"
		"}",
		post);
	expect_content(publish("/api/like", body), "%s%s", wanted, "");
	(void)snprintf(body, sizeof(body), "{\"id\":\"%s\",\"on\":false}", post);
	(void)snprintf(wanted, sizeof(wanted),
		"{\"type\":\"vote\",\"vote\":{\"link\":\"%s\",\"value\":0,\"expression\":"
		"\"Unlike\"}}",
		post);
	expect_content(publish("/api/like", body), "%s%s", wanted, "");
	free(post);
}

static void relates_in_the_one_field_that_says_it(void **state)
{
	static const struct {
		const char *is, *field;
	} steps[] = {{"follow", "\"following\":true"}, {"none", "\"following\":false"},
		{"block", "\"blocking\":true"}, {"none", "\"blocking\":false"},
		{"follow", "\"following\":true"}};
	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		char body[160];
		(void)snprintf(
			body, sizeof(body), "{\"id\":\"%s\",\"is\":\"%s\"}", stranger, steps[i].is);
		expect_content(publish("/api/relation", body),
			"{\"type\":\"contact\",\"contact\":\"%s\",%s}", stranger, steps[i].field);
	}
	struct api_reply reply;
	ask("GET", "/api/people", NULL, &reply);
	assert_int_equal(reply.status, 200);
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(reply.json, "follows"), 0)),
		stranger);
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(json_object_get(reply.json, "people"), 0), "i")),
		"follow");
	api_reply_fini(&reply);
}

static void follows_what_is_pasted_and_keeps_the_address(void **state)
{
	static const char id[] = "@u/WUB9aYZsCzT+7b6C1aPe51WfPtY4JOBIWhRYAYF4Q=.ed25519";
	static const char body[] =
		"{\"text\":\"  "
		"net:198.51.100.7:8008~shs:u/WUB9aYZsCzT+7b6C1aPe51WfPtY4JOBIWhRYAYF4Q= \"}";
	struct api_reply reply;
	(void)state;
	ask("POST", "/api/follow", body, &reply);
	assert_int_equal(reply.status, 200);
	assert_string_equal(api_reply_text(&reply, "id"), id);
	assert_string_equal(api_reply_text(&reply, "address"),
		"net:198.51.100.7:8008~shs:u/WUB9aYZsCzT+7b6C1aPe51WfPtY4JOBIWhRYAYF4Q=");
	assert_true(strlen(api_reply_text(&reply, "key")) > 0);
	api_reply_fini(&reply);
	/* Once more: nothing new is signed. */
	ask("POST", "/api/follow", body, &reply);
	assert_int_equal(reply.status, 200);
	assert_true(json_is_null(json_object_get(reply.json, "key")));
	api_reply_fini(&reply);
}

#define FACE "&FbGoHeEcePDG3Evemrc+hm+S77cXKf8BRQgkYinJggg=.sha256"

static void sets_the_profile_and_shows_it(void **state)
{
	char me[FEED_ID_TEXT_BYTES];
	struct api_reply reply;
	(void)state;
	feed_id_format(&rig.self, me);
	expect_content(publish("/api/profile", "{\"name\":\"Amara\",\"bio\":\"Beekeeper\"}"),
		"{\"type\":\"about\",\"about\":\"%s\",\"name\":\"Amara\",\"description\":"
		"\"Beekeeper\"}%s",
		me, "");
	expect_content(publish("/api/profile", "{\"image\":\"" FACE "\"}"),
		"{\"type\":\"about\",\"about\":\"%s\",\"image\":\"" FACE "\"}%s", me, "");
	ask("GET", "/api/me", NULL, &reply);
	assert_string_equal(api_reply_text(&reply, "person.image"), FACE);
	assert_string_equal(api_reply_text(&reply, "person.name"), "Amara");
	assert_string_equal(api_reply_text(&reply, "bio"), "Beekeeper");
	assert_string_equal(api_reply_text(&reply, "id"), me);
	api_reply_fini(&reply);
	expect_content(publish("/api/profile", "{\"image\":\"\"}"),
		"{\"type\":\"about\",\"about\":\"%s\",\"image\":{\"remove\":true}}%s", me, "");
	ask("GET", "/api/me", NULL, &reply);
	json_t *person = json_object_get(reply.json, "person");
	assert_true(json_is_null(json_object_get(person, "image")));
	assert_string_equal(api_reply_text(&reply, "person.name"), "Amara");
	api_reply_fini(&reply);
}

static void publishes_any_content_from_its_own_bytes(void **state)
{
	struct api_reply reply;
	(void)state;
	/* What jansson would refuse or change: key order, 1e3, lone surrogates, a number beyond
	 * 2^64. */
	char *key = publish("/api/publish",
		"{\"type\":\"odd\",\"z\":1e3,\"2\":0,\"1\":\"\\ud800\",\"big\":1e400}");
	struct message_id id;
	char path[ID_PATH_BYTES];
	char target[96];
	assert_int_equal(message_id_parse(span_text(key), &id), ERR_OK);
	id_format_path(id.at, path);
	(void)snprintf(target, sizeof(target), "/api/message/%s/raw", path);
	ask("GET", target, NULL, &reply);
	assert_non_null(strstr(api_reply_text(&reply, "value"),
		"{\"1\":\"\\ud800\",\"2\":0,\"type\":\"odd\",\"z\":1000,\"big\":null}"));
	api_reply_fini(&reply);
	free(key);
	expect_error("POST", "/api/publish", "{\"text\":\"without a type\"}", 422, "refused");
	expect_error("POST", "/api/publish", "[1]", 422, "refused");
	expect_error("POST", "/api/publish", "rubbish", 422, "refused");
	expect_error("POST", "/api/publish", NULL, 422, "refused");
}

static void publishes_once_for_one_nonce(void **state)
{
	struct api_reply reply;
	(void)state;
	char *a = publish("/api/post", "{\"text\":\"once\",\"nonce\":\"n-1\"}");
	char *b = publish("/api/post", "{\"text\":\"once\",\"nonce\":\"n-1\"}");
	char *c = publish("/api/publish?nonce=n-2", "{\"type\":\"once\"}");
	char *d = publish("/api/publish?nonce=n-2", "{\"type\":\"once\"}");
	assert_string_equal(a, b);
	assert_string_equal(c, d);
	assert_string_not_equal(a, c);
	char body[256];
	char nonce[66];
	memset(nonce, 'n', sizeof(nonce));
	nonce[64] = '\0';
	(void)snprintf(body, sizeof(body), "{\"text\":\"long\",\"nonce\":\"%s\"}", nonce);
	char *e = publish("/api/post", body);
	nonce[64] = 'n';
	nonce[65] = '\0';
	(void)snprintf(body, sizeof(body), "{\"text\":\"longer\",\"nonce\":\"%s\"}", nonce);
	expect_error("POST", "/api/post", body, 400, "bad_request");
	(void)snprintf(body, sizeof(body), "/api/publish?nonce=%s", nonce);
	ask("POST", body, "{\"type\":\"longer\"}", &reply);
	assert_int_equal(reply.status, 400);
	api_reply_fini(&reply);
	free(a);
	free(b);
	free(c);
	free(d);
	free(e);
}

static void refuses_what_makes_no_sense_with_a_sentence(void **state)
{
	static const char *const bodies[][2] = {
		{"/api/post", "{}"},
		{"/api/post", "{\"text\":\"\"}"},
		{"/api/post", "{\"text\":\" \\n\"}"},
		{"/api/post", "{\"text\":1}"},
		{"/api/post", "{\"text\":\"x\",\"root\":\"@FbGoHeEcePDG3Evemrc+hm+"
			      "S77cXKf8BRQgkYinJggg=.ed25519\"}"},
		{"/api/post", "{\"text\":\"x\",\"branch\":[]}{}"},
		{"/api/post", "{\"text\":\"x\",\"branch\":[\"%u/"
			      "WUB9aYZsCzT+7b6C1aPe51WfPtY4JOBIWhRYAYF4Q=.sha256\"]}"},
		{"/api/post", "{\"text\":\"x\",\"text\":\"y\"}"},
		{"/api/post", "[]"},
		{"/api/post", "null"},
		{"/api/post", "{\"text\":\"x\",\"if_head\":\"1\"}"},
		{"/api/post", "{\"text\":\"x\",\"cw\":[]}"},
		{"/api/post", "{\"text\":\"x\",\"a\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}"},
		{"/api/like", "{}"},
		{"/api/like", "{\"id\":\"%short\"}"},
		{"/api/like", "{\"id\":\"%u/"
			      "WUB9aYZsCzT+7b6C1aPe51WfPtY4JOBIWhRYAYF4Q=.sha256\",\"on\":1}"},
		{"/api/relation", "{\"id\":\"@FbGoHeEcePDG3Evemrc+hm+S77cXKf8BRQgkYinJggg=."
				  "ed25519\",\"is\":\"mute\"}"},
		{"/api/relation", "{\"id\":\"nobody\",\"is\":\"follow\"}"},
		{"/api/follow", "{\"text\":\"no key here\"}"},
		{"/api/profile", "{}"},
		{"/api/profile", "{\"name\":\" \"}"},
		{"/api/profile", "{\"image\":\"nothing\"}"},
		{"/api/profile", "{\"image\":null}"},
		{"/api/network/connect", "{\"address\":\"nowhere\"}"},
		{"/api/network/disconnect", "{\"id\":\"nobody\"}"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		expect_error("POST", bodies[i][0], bodies[i][1], 400, "bad_request");
	}
	char me[FEED_ID_TEXT_BYTES];
	char body[128];
	feed_id_format(&rig.self, me);
	(void)snprintf(body, sizeof(body), "{\"id\":\"%s\",\"is\":\"block\"}", me);
	expect_error("POST", "/api/relation", body, 400, "bad_request");
	expect_error("POST", "/api/network/connect",
		"{\"address\":\"net:127.0.0.1:1~shs:u/"
		"WUB9aYZsCzT+7b6C1aPe51WfPtY4JOBIWhRYAYF4Q=\"}",
		503, "not_running");
}

static void refuses_a_text_no_peer_would_take(void **state)
{
	enum { TEXT_BYTES = 9000 };
	char *body = malloc(TEXT_BYTES + 32);
	struct api_reply reply;
	(void)state;
	int len = snprintf(body, 32, "{\"text\":\"");
	memset(body + len, 'x', TEXT_BYTES);
	memcpy(body + len + TEXT_BYTES, "\"}", 3);
	ask("POST", "/api/post", body, &reply);
	assert_true(reply.status == 413 || reply.status == 422);
	api_reply_fini(&reply);
	free(body);
}

/* Reading. */

static void boots_with_everything_the_first_screen_needs(void **state)
{
	static const char *const members[] = {
		"me", "head", "status", "peers", "posts", "people", "cursor"};
	struct api_reply reply;
	(void)state;
	free(publish("/api/post", "{\"text\":\"newest\"}"));
	ask("GET", "/api/boot?limit=2", NULL, &reply);
	assert_int_equal(reply.status, 200);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		assert_non_null(json_object_get(reply.json, members[i]));
	}
	assert_int_equal(json_array_size(json_object_get(reply.json, "posts")), 2);
	const json_t *post = json_array_get(json_object_get(reply.json, "posts"), 0);
	static const char *const of_post[] = {"id", "author", "sequence", "at", "text", "cw",
		"channel", "root", "fork", "branch", "mentions", "replies", "likes", "missing",
		"holders"};
	for (size_t i = 0; i < sizeof(of_post) / sizeof(of_post[0]); i++) {
		assert_non_null(json_object_get(post, of_post[i]));
	}
	assert_string_equal(json_string_value(json_object_get(post, "text")), "newest");
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(post, "holders"), "n")), 0);
	api_reply_fini(&reply);
}

static void pages_the_timeline_by_cursor_without_gap_or_repetition(void **state)
{
	char target[128];
	char seen[8][MESSAGE_ID_TEXT_BYTES];
	size_t count = 0;
	struct api_reply reply;
	(void)state;
	for (int i = 0; i < 5; i++) {
		free(publish("/api/post", "{\"text\":\"page\"}"));
	}
	(void)snprintf(target, sizeof(target), "/api/timeline?tab=home&limit=2");
	while (count < 6) {
		ask("GET", target, NULL, &reply);
		assert_int_equal(reply.status, 200);
		const json_t *posts = json_object_get(reply.json, "posts");
		assert_int_equal(json_array_size(posts), 2);
		for (size_t i = 0; i < 2; i++) {
			const char *id =
				json_string_value(json_object_get(json_array_get(posts, i), "id"));
			for (size_t j = 0; j < count; j++) {
				assert_string_not_equal(seen[j], id);
			}
			(void)snprintf(seen[count++], MESSAGE_ID_TEXT_BYTES, "%s", id);
		}
		(void)snprintf(target, sizeof(target), "/api/timeline?tab=home&limit=2&before=%s",
			api_reply_text(&reply, "cursor"));
		api_reply_fini(&reply);
	}
	ask("GET", "/api/timeline?limit=1", NULL, &reply);
	(void)snprintf(
		target, sizeof(target), "/api/timeline?after=%s", api_reply_text(&reply, "newest"));
	api_reply_fini(&reply);
	free(publish("/api/post", "{\"text\":\"after\"}"));
	ask("GET", target, NULL, &reply);
	assert_int_equal(json_array_size(json_object_get(reply.json, "posts")), 1);
	api_reply_fini(&reply);
}

static void refuses_crooked_parameters(void **state)
{
	static const char *const targets[] = {"/api/timeline?limit=0", "/api/timeline?limit=101",
		"/api/timeline?limit=100000", "/api/timeline?limit=x", "/api/timeline?tab=best",
		"/api/timeline?before=1", "/api/timeline?before=1.x",
		"/api/timeline?before=1.1&after=1.1", "/api/timeline?before=1.1&before=1.1",
		"/api/timeline?limit=%zz", "/api/thread/abc", "/api/person/abc",
		"/api/person/abc/posts", "/api/message/abc/raw", "/api/posts", "/api/posts?ids=abc",
		"/api/suggest", "/api/suggest?q=%ff"};
	(void)state;
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		expect_error("GET", targets[i], NULL, 400, "bad_request");
	}
	struct api_reply reply;
	ask("GET", "/api/timeline?limit=100", NULL, &reply);
	assert_int_equal(reply.status, 200);
	api_reply_fini(&reply);
}

static void knows_people_it_never_heard_of(void **state)
{
	char path[ID_PATH_BYTES];
	char target[128];
	struct api_reply reply;
	(void)state;
	path_of("@AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=.ed25519", path);
	(void)snprintf(target, sizeof(target), "/api/person/%s", path);
	ask("GET", target, NULL, &reply);
	assert_int_equal(reply.status, 200);
	assert_string_equal(api_reply_text(&reply, "person.name"), "");
	assert_string_equal(api_reply_text(&reply, "person.i"), "none");
	api_reply_fini(&reply);
	(void)snprintf(target, sizeof(target), "/api/person/%s/follows", path);
	ask("GET", target, NULL, &reply);
	assert_int_equal(json_integer_value(json_object_get(reply.json, "total")), 0);
	api_reply_fini(&reply);
	(void)snprintf(target, sizeof(target), "/api/thread/%s", path);
	ask("GET", target, NULL, &reply);
	assert_int_equal(reply.status, 404);
	api_reply_fini(&reply);
}

/* The page. */

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[256];
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void serves_the_page_with_every_header(void **state)
{
	static const char *const headers[] = {
		"Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
		"img-src 'self' blob:; media-src 'self'; font-src 'self'; connect-src 'self'; "
		"manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
		"require-trusted-types-for 'script'; trusted-types 'none'\r\n",
		"X-Content-Type-Options: nosniff\r\n", "Referrer-Policy: no-referrer\r\n",
		"Cross-Origin-Opener-Policy: same-origin\r\n",
		"Cross-Origin-Resource-Policy: same-origin\r\n",
		"Cross-Origin-Embedder-Policy: require-corp\r\n", "X-Frame-Options: DENY\r\n",
		"Cache-Control: no-store\r\n", "Content-Type: text/html; charset=utf-8\r\n"};
	static const char *const paths[] = {"/", "/people", "/m/abc", "/settings/about"};
	char dir[] = "/tmp/kith-web-XXXXXX";
	char sub[64];
	struct api_rig page;
	struct api_reply reply;
	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(sub, sizeof(sub), "%s/lib", dir);
	assert_int_equal(mkdir(sub, 0700), 0);
	write_file(dir, "index.html",
		"<script src=/w/TREE/boot.js></script><link href=/w/TREE/css/a.css>");
	write_file(dir, "boot.js", "boot()");
	write_file(sub, "a.js", "a()");
	api_rig_start(&page, dir);
	page.token[0] = '\0';
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		api_rig_ask(&page, "GET", paths[i], NULL, "", &reply);
		assert_int_equal(reply.status, 200);
		assert_string_equal(reply.body,
			"<script src=/w/dev/boot.js></script><link href=/w/dev/css/a.css>");
		for (size_t j = 0; j < sizeof(headers) / sizeof(headers[0]); j++) {
			if (strstr(reply.text, headers[j]) == NULL) {
				fail_msg("no %s in %s", headers[j], reply.text);
			}
		}
		api_reply_fini(&reply);
	}
	api_rig_ask(&page, "GET", "/w/dev/lib/a.js", NULL, "", &reply);
	assert_int_equal(reply.status, 200);
	assert_non_null(strstr(reply.text, "Content-Type: text/javascript; charset=utf-8\r\n"));
	assert_null(strstr(reply.text, "Content-Security-Policy"));
	api_reply_fini(&reply);
	static const char *const missing[] = {"/w/dev/nothing.js", "/w/other/boot.js", "/w/dev/",
		"/w/dev/lib", "/favicon.ico", "/w/dev/.hidden"};
	for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++) {
		api_rig_ask(&page, "GET", missing[i], NULL, "", &reply);
		assert_int_equal(reply.status, 404);
		api_reply_fini(&reply);
	}
	api_rig_stop(&page);
	(void)snprintf(sub, sizeof(sub), "rm -r %s", dir);
	char path[128];
	static const char *const files[] = {"index.html", "boot.js", "lib/a.js"};
	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		(void)unlink(path);
	}
	(void)snprintf(path, sizeof(path), "%s/lib", dir);
	(void)rmdir(path);
	(void)rmdir(dir);
}

static void answers_without_a_socket(void **state)
{
	struct buf out = BUF_INIT(1 << 20);
	unsigned status = 0;
	(void)state;
	assert_int_equal(
		api_request(rig.api, "GET", "/api/me", span_of(NULL, 0), &status, &out), ERR_OK);
	assert_int_equal(status, 200);
	buf_clear(&out);
	assert_int_equal(
		api_request(rig.api, "GET", "/api/%2f", span_of(NULL, 0), &status, &out), ERR_OK);
	assert_int_equal(status, 400);
	buf_clear(&out);
	assert_int_equal(api_request(rig.api, "POST", "/api/post",
				 span_text("{\"text\":\"local\"}"), &status, &out),
		ERR_OK);
	assert_int_equal(status, 200);
	buf_fini(&out);
	reader_close_thread();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_nothing_under_api_without_cookie_and_token),
		cmocka_unit_test(changes_nothing_for_another_origin_or_type),
		cmocka_unit_test(knows_no_other_methods_or_paths),
		cmocka_unit_test(ends_a_session_when_told_to),
		cmocka_unit_test(keeps_sessions_over_a_restart),
		cmocka_unit_test(slows_a_browser_down_but_not_the_owner),
		cmocka_unit_test(publishes_posts_as_the_network_writes_them),
		cmocka_unit_test(puts_a_reply_on_the_heads_of_its_thread),
		cmocka_unit_test(likes_and_takes_it_back),
		cmocka_unit_test(relates_in_the_one_field_that_says_it),
		cmocka_unit_test(follows_what_is_pasted_and_keeps_the_address),
		cmocka_unit_test(sets_the_profile_and_shows_it),
		cmocka_unit_test(publishes_any_content_from_its_own_bytes),
		cmocka_unit_test(publishes_once_for_one_nonce),
		cmocka_unit_test(refuses_what_makes_no_sense_with_a_sentence),
		cmocka_unit_test(refuses_a_text_no_peer_would_take),
		cmocka_unit_test(boots_with_everything_the_first_screen_needs),
		cmocka_unit_test(pages_the_timeline_by_cursor_without_gap_or_repetition),
		cmocka_unit_test(refuses_crooked_parameters),
		cmocka_unit_test(knows_people_it_never_heard_of),
		cmocka_unit_test(serves_the_page_with_every_header),
		cmocka_unit_test(answers_without_a_socket),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
