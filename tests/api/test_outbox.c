/* Posts that may be taken back, drafts on the node, and how long a post would be: over the wire. */
#include "lib/api_rig.h"

#include "lib/cmocka.h"

#include "base/limits.h"

#include <stdio.h>
#include <stdlib.h>
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

static void ask(const char *method, const char *target, const char *body, struct api_reply *reply)
{
	api_rig_advance(10000); /* each request has its whole allowance */
	api_rig_ask(&rig, method, target, body, "", reply);
}

static json_t *expect(const char *method, const char *target, const char *body, unsigned status)
{
	struct api_reply reply;
	ask(method, target, body, &reply);
	if (reply.status != status) {
		fail_msg("%s %s: %s", method, target, reply.text);
	}
	json_t *json = json_incref(reply.json);
	api_reply_fini(&reply);
	return json;
}

static void expect_status(const char *method, const char *target, const char *body, unsigned status)
{
	json_decref(expect(method, target, body, status));
}

static size_t held(void)
{
	json_t *answer = expect("GET", "/api/outbox", NULL, 200);
	size_t count = json_array_size(json_object_get(answer, "outbox"));
	json_decref(answer);
	return count;
}

static long long head(void)
{
	json_t *answer = expect("GET", "/api/boot?limit=1", NULL, 200);
	long long sequence =
		json_integer_value(json_object_get(json_object_get(answer, "head"), "sequence"));
	json_decref(answer);
	return sequence;
}

static void what_is_held_is_in_boot_and_goes_back_where_it_came_from(void **state)
{
	(void)state;
	expect_status("POST", "/api/writing/home", "{\"rev\":0,\"body\":{\"text\":\"tea?\"}}", 200);
	json_t *answer = expect("POST", "/api/outbox",
		"{\"text\":\"tea?\",\"cw\":\"tea\",\"nonce\":\"n1\",\"hold_ms\":60000,"
		"\"writing\":\"home\"}",
		200);
	/* What is written next under that name goes on from this number, and from no other. */
	char next[128];
	long long rev = json_integer_value(json_object_get(answer, "rev"));
	(void)snprintf(next, sizeof(next), "{\"rev\":%lld,\"body\":{\"text\":\"x\"}}", rev - 1);
	expect_status("POST", "/api/writing/home", next, 409);
	(void)snprintf(next, sizeof(next), "{\"rev\":%lld,\"body\":{\"text\":\"x\"}}", rev);
	expect_status("POST", "/api/writing/home", next, 200);
	expect_status("DELETE", "/api/writing/home", "{}", 200);
	json_decref(answer);
	json_t *boot = expect("GET", "/api/boot?limit=1", NULL, 200);
	const json_t *row = json_array_get(json_object_get(boot, "outbox"), 0);
	assert_string_equal(json_string_value(json_object_get(row, "nonce")), "n1");
	assert_in_range(json_integer_value(json_object_get(row, "left_ms")), 1, 60000);
	assert_true(json_is_null(json_object_get(json_object_get(boot, "writing"), "body")));
	json_decref(boot);
	json_t *back = expect("DELETE", "/api/outbox/n1", "{}", 200);
	assert_string_equal(json_string_value(json_object_get(back, "writing")), "home");
	json_decref(back);
	boot = expect("GET", "/api/boot?limit=1", NULL, 200);
	const json_t *body = json_object_get(json_object_get(boot, "writing"), "body");
	assert_string_equal(json_string_value(json_object_get(body, "text")), "tea?");
	assert_string_equal(json_string_value(json_object_get(body, "cw")), "tea");
	json_decref(boot);
	expect_status("DELETE", "/api/outbox/n1", "{}", 404);
	expect_status("POST", "/api/outbox/n1", "{}", 404);
	assert_int_equal(head(), 0);
}

static void a_reply_is_taken_back_under_its_conversation(void **state)
{
	(void)state;
	json_t *posted = expect("POST", "/api/post", "{\"text\":\"root\"}", 200);
	const char *root = json_string_value(json_object_get(posted, "key"));
	char body[256];
	char path[ID_PATH_BYTES];
	struct message_id id;
	assert_int_equal(message_id_parse(span_text(root), &id), ERR_OK);
	id_format_path(id.at, path);
	(void)snprintf(body, sizeof(body),
		"{\"text\":\"yes\",\"nonce\":\"n2\",\"hold_ms\":60000,\"root\":\"%s\"}", root);
	expect_status("POST", "/api/outbox", body, 200);
	json_t *back = expect("DELETE", "/api/outbox/n2", "{}", 200);
	assert_string_equal(json_string_value(json_object_get(back, "writing")), path);
	json_decref(back);
	json_decref(posted);
}

static void now_signs_and_says_so_again_when_asked_again(void **state)
{
	(void)state;
	expect_status("POST", "/api/outbox",
		"{\"text\":\"now\",\"nonce\":\"n3\",\"hold_ms\":60000}", 200);
	json_t *one = expect("POST", "/api/outbox/n3", "{}", 200);
	json_t *two = expect("POST", "/api/outbox/n3", "{}", 200);
	assert_true(json_equal(one, two));
	json_decref(two);
	two = expect(
		"POST", "/api/outbox", "{\"text\":\"now\",\"nonce\":\"n3\",\"hold_ms\":1}", 200);
	assert_string_equal(json_string_value(json_object_get(two, "state")), "stored");
	assert_true(json_equal(json_object_get(one, "key"), json_object_get(two, "key")));
	json_decref(one);
	json_decref(two);
	assert_int_equal(held(), 0);
}

static void what_is_not_right_is_refused_before_anything_is_held(void **state)
{
	static const char *const bodies[] = {
		"{\"text\":\"x\",\"nonce\":\"a\"}",
		"{\"text\":\"x\",\"nonce\":\"a\",\"hold_ms\":-1}",
		"{\"text\":\"x\",\"nonce\":\"a\",\"hold_ms\":60001}",
		"{\"text\":\"x\",\"nonce\":\"a\",\"hold_ms\":60000000}",
		"{\"text\":\"x\",\"nonce\":\"a\",\"hold_ms\":\"1\"}",
		"{\"text\":\"x\",\"hold_ms\":1}",
		"{\"text\":\"x\",\"nonce\":\"a b\",\"hold_ms\":1}",
		"{\"text\":\"x\",\"nonce\":\"../a\",\"hold_ms\":1}",
		"{\"text\":\"x\",\"nonce\":\"a\",\"hold_ms\":1,\"writing\":\"a/b\"}",
		"{\"text\":\"x\",\"nonce\":\"a\",\"hold_ms\":1,\"writing\":7}",
		"{\"text\":\" \",\"nonce\":\"a\",\"hold_ms\":1}",
		"{\"text\":\"x\",\"nonce\":\"a\",\"hold_ms\":1,\"root\":\"%\"}",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		expect_status("POST", "/api/outbox", bodies[i], 400);
	}
	expect_status("DELETE", "/api/outbox/a%20b", "{}", 404);
	assert_int_equal(held(), 0);
}

/* A post of `len` letters, as body of `/api/measure` and `/api/outbox`. */
static char *post_of(size_t len, const char *nonce)
{
	char *body = malloc(len + 128);
	char *text = malloc(len + 1);
	assert_non_null(body);
	assert_non_null(text);
	memset(text, 'x', len);
	text[len] = '\0';
	(void)snprintf(body, len + 128, "{\"text\":\"%s\",\"nonce\":\"%s\",\"hold_ms\":60000}",
		text, nonce);
	free(text);
	return body;
}

static long long units_of(size_t len)
{
	char *body = post_of(len, "m");
	json_t *answer = expect("POST", "/api/measure", body, 200);
	assert_int_equal(json_integer_value(json_object_get(answer, "limit")), LIMIT_MESSAGE_UNITS);
	long long units = json_integer_value(json_object_get(answer, "units"));
	json_decref(answer);
	free(body);
	return units;
}

static void the_longest_post_that_measures_right_is_signed_and_one_more_is_refused(void **state)
{
	(void)state;
	size_t most = (size_t)(LIMIT_MESSAGE_UNITS - (units_of(1) - 1));
	assert_int_equal(units_of(most), LIMIT_MESSAGE_UNITS);
	assert_int_equal(units_of(most + 1), LIMIT_MESSAGE_UNITS + 1);
	assert_int_equal(units_of(60000), LIMIT_MESSAGE_UNITS + 60000 - (long long)most);
	long long before = head();
	char *body = post_of(most, "long");
	expect_status("POST", "/api/outbox", body, 200);
	expect_status("POST", "/api/outbox/long", "{}", 200);
	free(body);
	assert_int_equal(head(), before + 1);
	body = post_of(most + 1, "longer");
	expect_status("POST", "/api/outbox", body, 413);
	free(body);
	body = post_of(60000, "longest");
	expect_status("POST", "/api/outbox", body, 413);
	free(body);
	assert_int_equal(held(), 0);
	assert_int_equal(head(), before + 1);
}

static void another_devices_draft_comes_back_with_the_refusal(void **state)
{
	(void)state;
	json_t *first =
		expect("POST", "/api/writing/a_b-9", "{\"rev\":0,\"body\":{\"text\":\"1\"}}", 200);
	long long rev = json_integer_value(json_object_get(first, "rev"));
	json_decref(first);
	json_t *other =
		expect("POST", "/api/writing/a_b-9", "{\"rev\":0,\"body\":{\"text\":\"2\"}}", 409);
	const json_t *now = json_object_get(other, "now");
	assert_int_equal(json_integer_value(json_object_get(now, "rev")), rev);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(now, "body"), "text")), "1");
	json_decref(other);
	expect_status("DELETE", "/api/writing/a_b-9", "{}", 200);
	json_t *one = expect("GET", "/api/writing?name=a_b-9", NULL, 200);
	now = json_array_get(json_object_get(one, "writing"), 0);
	assert_true(json_is_null(json_object_get(now, "body")));
	assert_int_equal(json_integer_value(json_object_get(now, "rev")), rev + 1);
	json_decref(one);
	expect_status("DELETE", "/api/writing/never", "{}", 200);
}

static void drafts_have_names_numbers_and_a_size(void **state)
{
	(void)state;
	char target[256] = "/api/writing/";
	size_t at = strlen(target);
	memset(target + at, 'n', LIMIT_WRITING_NAME_BYTES);
	target[at + LIMIT_WRITING_NAME_BYTES] = '\0';
	expect_status("POST", target, "{\"rev\":0,\"body\":{}}", 200);
	memset(target + at, 'n', LIMIT_WRITING_NAME_BYTES + 1);
	target[at + LIMIT_WRITING_NAME_BYTES + 1] = '\0';
	expect_status("POST", target, "{\"rev\":0,\"body\":{}}", 400);
	expect_status("POST", "/api/writing/a.b", "{\"rev\":0,\"body\":{}}", 400);
	expect_status("POST", "/api/writing/x", "{\"body\":{}}", 400);
	expect_status("POST", "/api/writing/x", "{\"rev\":-1,\"body\":{}}", 400);
	expect_status("POST", "/api/writing/x", "{\"rev\":0,\"body\":\"x\"}", 400);
	expect_status("POST", "/api/writing/x", "{\"rev\":0}", 400);
	expect_status("GET", "/api/writing?name=a.b", NULL, 400);
	size_t most = LIMIT_WRITING_BYTES - strlen("{\"text\":\"\"}");
	for (size_t more = 0; more < 2; more++) {
		char *body = malloc(most + 64);
		assert_non_null(body);
		int start = snprintf(body, most + 64, "{\"rev\":0,\"body\":{\"text\":\"");
		memset(body + start, 'x', most + more);
		(void)snprintf(body + start + most + more, 8, "\"}}");
		expect_status("POST", "/api/writing/big", body, more == 0 ? 200 : 413);
		free(body);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_held_is_in_boot_and_goes_back_where_it_came_from),
		cmocka_unit_test(a_reply_is_taken_back_under_its_conversation),
		cmocka_unit_test(now_signs_and_says_so_again_when_asked_again),
		cmocka_unit_test(what_is_not_right_is_refused_before_anything_is_held),
		cmocka_unit_test(
			the_longest_post_that_measures_right_is_signed_and_one_more_is_refused),
		cmocka_unit_test(another_devices_draft_comes_back_with_the_refusal),
		cmocka_unit_test(drafts_have_names_numbers_and_a_size),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
