/* The endpoints about pauses: what a page reports, what it is told, and what the owner may do. */
#include "lib/api_rig.h"

#include "lib/cmocka.h"

#include "base/limits.h"
#include "feed/signer.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct api_rig rig;
static const char stranger[] = "@FbGoHeEcePDG3Evemrc+hm+S77cXKf8BRQgkYinJggg=.ed25519";
static const char other_key[] = "%FbGoHeEcePDG3Evemrc+hm+S77cXKf8BRQgkYinJggg=.sha256";

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
	api_rig_advance(10000); /* each has its whole allowance */
	api_rig_ask(&rig, method, target, body, "", reply);
}

/* The answer, which must have this status; json_decref() it. */
static json_t *expect(const char *method, const char *target, const char *body, unsigned status)
{
	struct api_reply reply;
	ask(method, target, body, &reply);
	if (reply.status != status || reply.json == NULL) {
		fail_msg("%s %s %s: %s", method, target, body == NULL ? "" : body, reply.text);
	}
	json_t *tree = json_incref(reply.json);
	api_reply_fini(&reply);
	return tree;
}

static void expect_error(
	const char *method, const char *target, const char *body, unsigned status, const char *code)
{
	json_t *tree = expect(method, target, body, status);
	const json_t *error = json_object_get(tree, "error");
	assert_string_equal(json_string_value(json_object_get(error, "code")), code);
	assert_true(strlen(json_string_value(json_object_get(error, "said"))) > 0);
	json_decref(tree);
}

static json_int_t number(const json_t *tree, const char *name)
{
	const json_t *value = json_object_get(tree, name);
	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

static const char *text(const json_t *tree, const char *name)
{
	const char *value = json_string_value(json_object_get(tree, name));
	return value == NULL ? "" : value;
}

static void publish(int count)
{
	for (int i = 0; i < count; i++) {
		json_decref(expect("POST", "/api/post", "{\"text\":\"x\"}", 200));
	}
}

/* This browser remembers a message that the node does not know. */
static void pause_publishing(json_int_t newest)
{
	char body[160];
	(void)snprintf(body, sizeof(body), "{\"sequence\":%lld,\"key\":\"%s\"}", (long long)newest,
		other_key);
	json_t *answer = expect("POST", "/api/safety/witness", body, 200);
	assert_string_equal(text(answer, "state"), "SUSPECT");
	json_decref(answer);
}

static json_int_t expect_paused(const char *target, const char *body)
{
	json_t *tree = expect("POST", target, body, 409);
	const json_t *error = json_object_get(tree, "error");
	assert_string_equal(text(error, "code"), "paused");
	assert_string_equal(text(error, "do"), "/recovery");
	assert_true(json_is_false(json_object_get(error, "lost")));
	assert_true(strlen(text(error, "said")) > 0);
	json_int_t draft = number(tree, "draft");
	json_decref(tree);
	return draft;
}

static void tells_that_nothing_is_wrong(void **state)
{
	(void)state;
	publish(2);
	json_t *safety = expect("GET", "/api/safety", NULL, 200);
	assert_string_equal(text(safety, "state"), "CLEAN");
	assert_true(json_is_null(json_object_get(safety, "cause")));
	assert_true(json_is_null(json_object_get(safety, "since")));
	assert_true(json_is_null(json_object_get(safety, "fork")));
	assert_int_equal(number(json_object_get(safety, "head"), "sequence"), 2);
	assert_int_equal(number(safety, "start_sequence"), 2);
	assert_int_equal(number(safety, "came_back"), 0);
	assert_int_equal(number(safety, "newest_seen"), 2);
	assert_int_equal(number(safety, "lost"), 0);
	assert_int_equal(number(safety, "drafts"), 0);
	assert_int_equal(number(safety, "holders_total"), 0);
	assert_int_equal(json_array_size(json_object_get(safety, "holders")), 0);
	assert_true(json_is_object(json_object_get(safety, "wait")));
	assert_true(json_is_object(json_object_get(safety, "backup")));
	assert_true(json_is_false(json_object_get(json_object_get(safety, "key"), "words_done")));
	json_decref(safety);
	json_t *status = expect("GET", "/api/status", NULL, 200);
	assert_string_equal(text(status, "state"), "CLEAN");
	assert_true(json_is_null(json_object_get(status, "cause")));
	assert_true(json_is_false(json_object_get(status, "words_done")));
	assert_true(json_is_boolean(json_object_get(status, "backup_late")));
	json_decref(status);
	/* A browser that remembers what is here changes nothing. */
	json_t *answer = expect("POST", "/api/safety/witness", "{\"sequence\":2}", 200);
	assert_string_equal(text(answer, "state"), "CLEAN");
	json_decref(answer);
}

static void a_browser_that_remembers_more_pauses_publishing(void **state)
{
	(void)state;
	publish(2);
	pause_publishing(5);
	json_t *safety = expect("GET", "/api/safety", NULL, 200);
	assert_string_equal(text(safety, "state"), "SUSPECT");
	assert_string_equal(text(safety, "cause"), "witness");
	assert_true(strlen(text(safety, "why")) > 0);
	assert_true(number(safety, "since") > 0);
	assert_int_equal(number(safety, "start_sequence"), 2);
	assert_int_equal(number(safety, "newest_seen"), 5);
	assert_int_equal(number(safety, "lost"), 3);
	const json_t *log = json_object_get(safety, "log");
	assert_true(json_array_size(log) > 0);
	assert_string_equal(text(json_array_get(log, 0), "event"), "SUSPECT");
	json_decref(safety);
	json_t *status = expect("GET", "/api/status", NULL, 200);
	assert_string_equal(text(status, "cause"), "witness");
	json_decref(status);
}

static void a_browser_has_one_row_however_often_it_reports(void **state)
{
	struct api_reply reply;
	(void)state;
	publish(1);
	pause_publishing(5);
	pause_publishing(7);
	json_t *safety = expect("GET", "/api/safety", NULL, 200);
	const json_t *rows = json_object_get(safety, "witnesses");
	assert_int_equal(json_array_size(rows), 1);
	const json_t *row = json_array_get(rows, 0);
	assert_int_equal(strncmp(text(row, "name"), "browser ", 8), 0);
	assert_int_equal(number(row, "sequence"), 7);
	assert_true(json_is_false(json_object_get(row, "agrees")));
	assert_true(json_is_true(json_object_get(row, "you")));
	json_decref(safety);
	/* The owner over the socket is another one. */
	api_rig_ask_owner(&rig, "POST", "/api/safety/witness", "{\"sequence\":1}", &reply);
	assert_int_equal(reply.status, 200);
	api_reply_fini(&reply);
	safety = expect("GET", "/api/safety", NULL, 200);
	assert_int_equal(json_array_size(json_object_get(safety, "witnesses")), 2);
	json_decref(safety);
}

static void every_writing_call_keeps_a_draft_while_paused(void **state)
{
	char id[128];
	char relation[160];
	char follow[160];
	(void)state;
	publish(1);
	pause_publishing(3);
	(void)snprintf(id, sizeof(id), "{\"id\":\"%s\"}", other_key);
	(void)snprintf(relation, sizeof(relation), "{\"id\":\"%s\",\"is\":\"block\"}", stranger);
	(void)snprintf(follow, sizeof(follow), "{\"text\":\"%s\"}", stranger);
	const struct {
		const char *target, *body, *type;
	} calls[] = {
		{"/api/post", "{\"text\":\"hello\"}", "post"},
		{"/api/like", id, "vote"},
		{"/api/relation", relation, "contact"},
		{"/api/follow", follow, "contact"},
		{"/api/profile", "{\"name\":\"Ana\"}", "about"},
		{"/api/publish", "{\"type\":\"other\"}", "other"},
	};
	enum { CALLS = sizeof(calls) / sizeof(calls[0]) };
	json_int_t numbers[CALLS];
	for (size_t i = 0; i < CALLS; i++) {
		numbers[i] = expect_paused(calls[i].target, calls[i].body);
	}
	json_t *answer = expect("GET", "/api/drafts", NULL, 200);
	const json_t *drafts = json_object_get(answer, "drafts");
	assert_int_equal(json_array_size(drafts), CALLS);
	assert_true(json_is_false(json_object_get(answer, "more")));
	for (size_t i = 0; i < CALLS; i++) {
		const json_t *draft = json_array_get(drafts, CALLS - 1 - i);
		assert_int_equal(number(draft, "id"), numbers[i]);
		assert_string_equal(text(draft, "type"), calls[i].type);
		assert_string_equal(text(json_object_get(draft, "content"), "type"), calls[i].type);
		assert_true(number(draft, "at") > 0);
	}
	json_decref(answer);
	/* Nothing was signed; whom we meant to follow is kept all the same. */
	json_t *safety = expect("GET", "/api/safety", NULL, 200);
	assert_int_equal(number(json_object_get(safety, "head"), "sequence"), 1);
	assert_int_equal(number(safety, "drafts"), CALLS);
	const json_t *wants = json_object_get(safety, "wants");
	assert_int_equal(json_array_size(wants), 1);
	assert_string_equal(json_string_value(json_array_get(wants, 0)), stranger);
	json_decref(safety);
}

static void a_head_the_node_does_not_have_pauses_publishing(void **state)
{
	char body[256];
	(void)state;
	publish(2);
	(void)snprintf(body, sizeof(body), "{\"text\":\"x\",\"if_head\":2,\"if_head_key\":\"%s\"}",
		other_key);
	(void)expect_paused("/api/post", body);
	json_t *safety = expect("GET", "/api/safety", NULL, 200);
	assert_true(strcmp(text(safety, "state"), "CLEAN") != 0);
	json_decref(safety);
}

static void a_number_the_node_does_not_have_pauses_publishing(void **state)
{
	(void)state;
	publish(2);
	(void)expect_paused("/api/publish?if_head=3", "{\"type\":\"post\",\"text\":\"x\"}");
	json_t *safety = expect("GET", "/api/safety", NULL, 200);
	assert_string_equal(text(safety, "state"), "SUSPECT");
	json_decref(safety);
}

static void the_right_head_publishes(void **state)
{
	char body[256];
	char target[256];
	char path[ID_PATH_BYTES];
	struct message_id id;
	(void)state;
	json_t *first = expect("POST", "/api/post", "{\"text\":\"x\"}", 200);
	(void)snprintf(body, sizeof(body), "{\"text\":\"x\",\"if_head\":1,\"if_head_key\":\"%s\"}",
		text(first, "key"));
	json_t *second = expect("POST", "/api/post", body, 200);
	assert_int_equal(message_id_parse(span_text(text(second, "key")), &id), ERR_OK);
	id_format_path(id.at, path);
	(void)snprintf(target, sizeof(target), "/api/publish?if_head=2&if_head_key=%s", path);
	json_decref(expect("POST", target, "{\"type\":\"post\",\"text\":\"x\"}", 200));
	json_decref(first);
	json_decref(second);
}

static void the_owners_word_ends_a_pause(void **state)
{
	char target[64];
	(void)state;
	publish(2);
	pause_publishing(5);
	json_int_t draft = expect_paused("/api/post", "{\"text\":\"kept\"}");
	json_int_t dropped = expect_paused("/api/post", "{\"text\":\"not kept\"}");
	expect_error("POST", "/api/safety/resume", "{\"last\":5}", 422, "refused");
	json_t *safety = expect("POST", "/api/safety/resume", "{\"last\":2}", 200);
	assert_string_equal(text(safety, "state"), "CLEAN");
	json_decref(safety);
	/* Said again it is no fault; a number that nobody knows here is not waved through. */
	expect_error("POST", "/api/safety/resume", "{\"last\":5}", 422, "refused");
	json_decref(expect("POST", "/api/safety/resume", "{\"accept\":true}", 200));
	(void)snprintf(target, sizeof(target), "/api/drafts/%lld/publish", (long long)draft);
	json_t *answer = expect("POST", target, "{\"if_head\":2}", 200);
	assert_int_equal(number(answer, "sequence"), 3);
	json_decref(answer);
	expect_error("POST", target, "{}", 404, "not_found");
	(void)snprintf(target, sizeof(target), "/api/drafts/%lld", (long long)dropped);
	json_decref(expect("DELETE", target, NULL, 200));
	expect_error("DELETE", target, NULL, 404, "not_found");
	answer = expect("GET", "/api/drafts", NULL, 200);
	assert_int_equal(json_array_size(json_object_get(answer, "drafts")), 0);
	json_decref(answer);
	answer = expect("GET", "/api/me", NULL, 200);
	assert_int_equal(number(json_object_get(answer, "head"), "sequence"), 3);
	json_decref(answer);
}

static void what_is_lost_must_be_accepted(void **state)
{
	(void)state;
	publish(2);
	pause_publishing(5);
	expect_error("POST", "/api/safety/resume", "{\"last\":9}", 422, "refused");
	expect_error("POST", "/api/safety/resume", "{\"last\":9,\"accept\":false}", 422, "refused");
	json_t *safety = expect("POST", "/api/safety/resume", "{\"accept\":true}", 200);
	assert_string_equal(text(safety, "state"), "CLEAN");
	json_decref(safety);
	publish(1);
}

static void a_draft_stays_one_draft_while_paused(void **state)
{
	char target[64];
	(void)state;
	publish(1);
	pause_publishing(3);
	json_int_t draft = expect_paused("/api/post", "{\"text\":\"kept\"}");
	(void)snprintf(target, sizeof(target), "/api/drafts/%lld/publish", (long long)draft);
	assert_int_equal(expect_paused(target, "{}"), draft);
	assert_int_equal(expect_paused(target, "{}"), draft);
	json_t *answer = expect("GET", "/api/drafts", NULL, 200);
	assert_int_equal(json_array_size(json_object_get(answer, "drafts")), 1);
	json_decref(answer);
}

/* The page asks again for what it asked while publishing was paused: once is enough. */
static void a_request_and_its_draft_are_published_once(void **state)
{
	static const char body[] = "{\"text\":\"once\",\"nonce\":\"n1\"}";
	static const char later[] = "{\"text\":\"later\",\"nonce\":\"n2\"}";
	char target[64];
	(void)state;
	publish(1);
	pause_publishing(3);
	json_int_t draft = expect_paused("/api/post", body);
	assert_int_equal(expect_paused("/api/post", body), draft);
	json_int_t other = expect_paused("/api/post", later);
	json_decref(expect("POST", "/api/safety/resume", "{\"accept\":true}", 200));
	/* The draft first, then the request again. */
	(void)snprintf(target, sizeof(target), "/api/drafts/%lld/publish", (long long)draft);
	json_t *first = expect("POST", target, "{}", 200);
	json_t *second = expect("POST", "/api/post", body, 200);
	assert_string_equal(text(first, "key"), text(second, "key"));
	json_decref(first);
	json_decref(second);
	/* The request first: then there is no draft any more. */
	json_decref(expect("POST", "/api/post", later, 200));
	(void)snprintf(target, sizeof(target), "/api/drafts/%lld/publish", (long long)other);
	expect_error("POST", target, "{}", 404, "not_found");
	json_t *safety = expect("GET", "/api/safety", NULL, 200);
	assert_int_equal(number(json_object_get(safety, "head"), "sequence"), 3);
	assert_int_equal(number(safety, "drafts"), 0);
	json_decref(safety);
}

static void many_drafts_come_in_parts(void **state)
{
	/* One in ten is short: it would still fit where the next one does not. */
	enum { DRAFTS = 600, LENGTH = 8000, SHORT = 10 };
	static char body[LENGTH + 32];
	char target[64];
	struct api_reply reply;
	size_t seen = 0;
	json_int_t before = 0;
	(void)state;
	publish(1);
	pause_publishing(3);
	for (int i = 0; i < DRAFTS; i++) {
		(void)snprintf(body, sizeof(body), "{\"type\":\"post\",\"text\":\"%0*d\"}",
			i % SHORT == 0 ? SHORT : LENGTH, 0);
		api_rig_ask_owner(&rig, "POST", "/api/publish", body, &reply);
		assert_int_equal(reply.status, 409);
		api_reply_fini(&reply);
	}
	bool is_more = true;
	for (int round = 0; is_more; round++) {
		assert_true(round < 3);
		(void)snprintf(target, sizeof(target), "/api/drafts%s%.0lld",
			round == 0 ? "" : "?before=", (long long)before);
		json_t *answer = expect("GET", target, NULL, 200);
		const json_t *drafts = json_object_get(answer, "drafts");
		seen += json_array_size(drafts);
		before = number(json_array_get(drafts, json_array_size(drafts) - 1), "id");
		is_more = json_is_true(json_object_get(answer, "more"));
		assert_true(is_more == (round == 0));
		json_decref(answer);
	}
	assert_int_equal(seen, DRAFTS);
}

static void wants_at_most_so_many(void **state)
{
	char body[128];
	char id[FEED_ID_TEXT_BYTES];
	(void)state;
	for (int i = 0; i <= LIMIT_WANTS; i++) {
		struct feed_id feed;
		uint8_t seed[crypto_sign_SEEDBYTES] = {(uint8_t)i, 1};
		uint8_t secret[crypto_sign_SECRETKEYBYTES];
		assert_int_equal(crypto_sign_seed_keypair(feed.at, secret, seed), 0);
		feed_id_format(&feed, id);
		(void)snprintf(body, sizeof(body), "{\"text\":\"%s\"}", id);
		if (i == LIMIT_WANTS) {
			expect_error("POST", "/api/safety/want", body, 422, "refused");
		} else {
			json_t *answer = expect("POST", "/api/safety/want", body, 200);
			assert_string_equal(text(answer, "id"), id);
			assert_true(json_is_null(json_object_get(answer, "address")));
			json_decref(answer);
		}
	}
	(void)snprintf(body, sizeof(body), "{\"text\":\"net:127.0.0.1:1~shs:%.44s\"}", id + 1);
	json_t *safety = expect("GET", "/api/safety", NULL, 200);
	assert_int_equal(json_array_size(json_object_get(safety, "wants")), LIMIT_WANTS);
	json_decref(safety);
}

static void a_want_remembers_the_address(void **state)
{
	(void)state;
	json_t *answer = expect("POST", "/api/safety/want",
		"{\"text\":\"net:127.0.0.1:1~shs:FbGoHeEcePDG3Evemrc+hm+S77cXKf8BRQgkYinJggg=\"}",
		200);
	assert_string_equal(text(answer, "id"), stranger);
	assert_string_equal(text(answer, "address"),
		"net:127.0.0.1:1~shs:FbGoHeEcePDG3Evemrc+hm+S77cXKf8BRQgkYinJggg=");
	json_decref(answer);
}

/* Another first message of ours comes from somewhere. */
static void hear_of_another(const char *content)
{
	struct chain_head head = {.sequence = 0};
	struct message *message = NULL;
	struct signer *signer = NULL;
	struct key *key = NULL;
	const char *why = NULL;
	assert_int_equal(key_from_seed(rig.seed, &key), ERR_OK);
	assert_int_equal(signer_new(key, NULL, &signer), ERR_OK);
	assert_int_equal(
		signer_sign_next(signer, &head, 1, span_text(content), &message, &why), ERR_OK);
	const struct change change = {
		.kind = CHANGE_FORK, .feed = rig.self, .text = message->compact};
	assert_int_equal(writer_change_wait(rig.writer, &change), ERR_OK);
	message_free(message);
	signer_free(signer);
}

static void of_a_fork_both_sides_are_told(void **state)
{
	(void)state;
	publish(3);
	hear_of_another("{\"type\":\"post\",\"text\":\"there\\u202e  and\\nso on\"}");
	json_t *safety = expect("GET", "/api/safety", NULL, 200);
	const json_t *fork = json_object_get(safety, "fork");
	const json_t *ours = json_object_get(fork, "ours");
	const json_t *theirs = json_object_get(fork, "theirs");
	assert_string_equal(text(safety, "state"), "FORKED");
	assert_int_equal(number(fork, "sequence"), 1);
	assert_int_equal(number(ours, "count"), 3);
	assert_int_equal(number(theirs, "count"), 1);
	assert_int_equal(json_array_size(json_object_get(ours, "posts")), 3);
	const json_t *post = json_array_get(json_object_get(theirs, "posts"), 0);
	assert_int_equal(number(post, "sequence"), 1);
	assert_string_equal(text(post, "type"), "post");
	assert_string_equal(text(post, "text"), "there and so on");
	assert_true(strlen(text(ours, "key")) == strlen(other_key));
	assert_string_not_equal(text(ours, "key"), text(theirs, "key"));
	assert_true(json_is_null(json_object_get(fork, "missing")));
	const json_t *holders = json_object_get(fork, "holders");
	assert_int_equal(json_array_size(json_object_get(holders, "ours")), 0);
	assert_int_equal(json_array_size(json_object_get(holders, "theirs")), 0);
	json_decref(safety);
}

/* A follow that could not be signed is a want until a message says it. */
static void a_want_ends_with_a_word_of_ours(void **state)
{
	char body[160];
	char target[64];
	(void)state;
	publish(1);
	pause_publishing(3);
	(void)snprintf(body, sizeof(body), "{\"text\":\"%s\"}", stranger);
	json_int_t draft = expect_paused("/api/follow", body);
	json_decref(expect("POST", "/api/safety/resume", "{\"accept\":true}", 200));
	(void)snprintf(target, sizeof(target), "/api/drafts/%lld/publish", (long long)draft);
	json_decref(expect("POST", target, "{}", 200));
	json_t *safety = expect("GET", "/api/safety", NULL, 200);
	assert_int_equal(json_array_size(json_object_get(safety, "wants")), 0);
	json_decref(safety);
}

static void change(const struct change *change)
{
	assert_int_equal(writer_change_wait(rig.writer, change), ERR_OK);
}

/* Who was heard in an earlier run is told too, though nobody is connected. */
static void holders_are_told_by_name_and_number(void **state)
{
	static const uint8_t seed[crypto_sign_SEEDBYTES] = {9};
	uint8_t secret[crypto_sign_SECRETKEYBYTES];
	struct feed_id holder;
	char id[FEED_ID_TEXT_BYTES];
	(void)state;
	publish(3);
	assert_int_equal(crypto_sign_seed_keypair(holder.at, secret, seed), 0);
	feed_id_format(&holder, id);
	change(&(struct change){.kind = CHANGE_ADDRESS_PUT,
		.feed = holder,
		.text = span_text("net:127.0.0.1:1~shs:x")});
	change(&(struct change){.kind = CHANGE_HOLDS, .feed = holder, .number = 2});
	json_t *safety = expect("GET", "/api/safety", NULL, 200);
	const json_t *row = json_array_get(json_object_get(safety, "holders"), 0);
	assert_int_equal(number(safety, "holders_total"), 1);
	assert_string_equal(text(json_object_get(row, "person"), "id"), id);
	assert_int_equal(number(row, "sequence"), 2);
	assert_true(json_is_null(json_object_get(row, "told")));
	assert_string_equal(text(row, "agrees"), "unasked");
	assert_true(json_is_false(json_object_get(row, "connected")));
	assert_true(number(row, "at") > 0);
	json_decref(safety);
	json_t *boot = expect("GET", "/api/boot", NULL, 200);
	const json_t *posts = json_object_get(boot, "posts");
	assert_int_equal(json_array_size(posts), 3);
	for (size_t i = 0; i < 3; i++) { /* the newest first: number 3 is held by nobody */
		const json_t *held = json_object_get(json_array_get(posts, i), "holders");
		assert_int_equal(number(held, "n"), i == 0 ? 0 : 1);
		assert_int_equal(json_array_size(json_object_get(held, "names")), i == 0 ? 0 : 1);
	}
	json_decref(boot);
}

static void bad_input_is_refused_and_changes_nothing(void **state)
{
	static const struct {
		const char *target, *body;
	} bad[] = {
		{"/api/safety/witness", "{}"},
		{"/api/safety/witness", "{\"sequence\":0}"},
		{"/api/safety/witness", "{\"sequence\":-1}"},
		{"/api/safety/witness", "{\"sequence\":1.5}"},
		{"/api/safety/witness", "{\"sequence\":\"5\"}"},
		{"/api/safety/witness", "{\"sequence\":9007199254740992}"},
		{"/api/safety/witness", "{\"sequence\":5,\"key\":\"x\"}"},
		{"/api/safety/witness", "{\"sequence\":5,\"key\":7}"},
		{"/api/safety/resume", "{}"},
		{"/api/safety/resume", "{\"last\":0}"},
		{"/api/safety/resume", "{\"last\":\"2\"}"},
		{"/api/safety/resume", "{\"accept\":false}"},
		{"/api/safety/resume", "{\"accept\":1}"},
		{"/api/safety/resume", "{\"last\":1,\"accept\":\"yes\"}"},
		{"/api/safety/want", "{}"},
		{"/api/safety/want", "{\"text\":\"nobody\"}"},
		{"/api/safety/want", "{\"text\":7}"},
		{"/api/post", "{\"text\":\"x\",\"if_head\":-1}"},
		{"/api/post", "{\"text\":\"x\",\"if_head\":\"1\"}"},
		{"/api/post", "{\"text\":\"x\",\"if_head\":1,\"if_head_key\":\"x\"}"},
		{"/api/post", "{\"text\":\"x\",\"if_head_key\":"
			      "\"%FbGoHeEcePDG3Evemrc+hm+S77cXKf8BRQgkYinJggg=.sha256\"}"},
		{"/api/publish?if_head_key=FbGoHeEcePDG3Evemrc-hm-S77cXKf8BRQgkYinJggg",
			"{\"type\":\"test\"}"},
		{"/api/publish?if_head=1&if_head_key=x", "{\"type\":\"test\"}"},
		{"/api/publish?if_head=99999999999999999", "{\"type\":\"test\"}"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		expect_error("POST", bad[i].target, bad[i].body, 400, "bad_request");
	}
	expect_error("GET", "/api/drafts?before=x", NULL, 400, "bad_request");
	expect_error("GET", "/api/drafts?before=", NULL, 400, "bad_request");
	expect_error("GET", "/api/drafts?before=9999999999999999", NULL, 400, "bad_request");
	expect_error("POST", "/api/drafts/7/publish", "{}", 404, "not_found");
	expect_error("POST", "/api/drafts/x/publish", "{}", 404, "not_found");
	expect_error("DELETE", "/api/drafts/-1", NULL, 404, "not_found");
	expect_error("DELETE", "/api/drafts/9999999999999999", NULL, 404, "not_found");
	json_t *safety = expect("GET", "/api/safety", NULL, 200);
	assert_string_equal(text(safety, "state"), "CLEAN");
	assert_true(json_is_null(json_object_get(safety, "head")));
	assert_int_equal(json_array_size(json_object_get(safety, "witnesses")), 0);
	assert_int_equal(json_array_size(json_object_get(safety, "wants")), 0);
	json_decref(safety);
}

static void nobody_else_may_ask_or_report(void **state)
{
	struct api_rig other = rig;
	struct api_reply reply;
	(void)state;
	other.token[0] = '\0';
	static const char *const calls[][2] = {{"GET", "/api/safety"}, {"GET", "/api/drafts"},
		{"POST", "/api/safety/witness"}, {"POST", "/api/safety/resume"},
		{"POST", "/api/safety/want"}, {"POST", "/api/drafts/1/publish"},
		{"DELETE", "/api/drafts/1"}};
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		api_rig_ask(&other, calls[i][0], calls[i][1], i < 2 ? NULL : "{}", "", &reply);
		assert_int_equal(reply.status, 401);
		api_reply_fini(&reply);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tells_that_nothing_is_wrong, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_browser_that_remembers_more_pauses_publishing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_browser_has_one_row_however_often_it_reports, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			every_writing_call_keeps_a_draft_while_paused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_head_the_node_does_not_have_pauses_publishing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_number_the_node_does_not_have_pauses_publishing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_right_head_publishes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_owners_word_ends_a_pause, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_lost_must_be_accepted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_draft_stays_one_draft_while_paused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_request_and_its_draft_are_published_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(many_drafts_come_in_parts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(wants_at_most_so_many, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_want_remembers_the_address, set_up, tear_down),
		cmocka_unit_test_setup_teardown(of_a_fork_both_sides_are_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_want_ends_with_a_word_of_ours, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			holders_are_told_by_name_and_number, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			bad_input_is_refused_and_changes_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nobody_else_may_ask_or_report, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
