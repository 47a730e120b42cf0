/* The words of the key through the page: until they were practised, to its owner, and never into
 * the log. */
#include "lib/api_rig.h"

#include "lib/cmocka.h"

#include "feed/words.h"

#include <stdio.h>

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

static unsigned ask(const char *method, const char *target, const char *body)
{
	struct api_reply reply;
	api_rig_ask(&rig, method, target, body, "", &reply);
	unsigned status = reply.status;
	api_reply_fini(&reply);
	return status;
}

/* The body that answers the places `from` … `from + count − 1` (from 1), the last one with
 * `wrong` when it is given. */
static const char *answers(size_t from, size_t count, const char *wrong)
{
	static char body[2048];
	uint16_t words[LIMIT_KEY_WORDS];
	size_t len = (size_t)snprintf(body, sizeof(body), "{\"answers\":[");
	words_of_key(signer_key(rig.signer), words);
	for (size_t i = 0; i < count; i++) {
		bool is_wrong = wrong != NULL && i + 1 == count;
		len += (size_t)snprintf(body + len, sizeof(body) - len,
			"%s{\"n\":%zu,\"word\":\"%s\"}", i == 0 ? "" : ",", from + i,
			is_wrong ? wrong : words_text(words[from + i - 1]));
	}
	(void)snprintf(body + len, sizeof(body) - len, "]}");
	return body;
}

static void tells_the_words_that_mean_the_key(void **state)
{
	struct api_reply reply;
	struct key *key = NULL;
	char text[1024];
	char why[WORDS_WHY_BYTES] = "";
	size_t len = 0;
	(void)state;
	api_rig_ask(&rig, "GET", "/api/safety/words", NULL, "", &reply);
	assert_int_equal(reply.status, 200);
	const json_t *words = json_object_get(reply.json, "words");
	assert_int_equal(json_array_size(words), LIMIT_KEY_WORDS);
	for (size_t i = 0; i < LIMIT_KEY_WORDS; i++) {
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s ",
			json_string_value(json_array_get(words, i)));
	}
	assert_int_equal(words_to_key(span_of(text, len), &key, why), ERR_OK);
	assert_true(feed_id_equal(key_id(key), &rig.self));
	key_free(key);
	api_reply_fini(&reply);
}

static void tells_the_words_to_nobody_without_a_session(void **state)
{
	char text[256];
	struct api_reply reply;
	(void)state;
	(void)snprintf(text, sizeof(text),
		"GET /api/safety/words HTTP/1.1\r\nHost: localhost:%u\r\nConnection: "
		"close\r\n\r\n",
		rig.port);
	api_rig_raw(&rig, text, &reply);
	assert_int_equal(reply.status, 401);
	api_reply_fini(&reply);
}

static void asks_for_three_places_and_no_wrong_word(void **state)
{
	(void)state;
	const char *target = "/api/safety/words";
	assert_int_equal(ask("POST", target, "{}"), 400);
	assert_int_equal(ask("POST", target, "{\"answers\":7}"), 400);
	assert_int_equal(ask("POST", target, "{\"answers\":[]}"), 422);
	assert_int_equal(ask("POST", target, "{\"answers\":[1,2,3]}"), 422);
	assert_int_equal(ask("POST", target, answers(1, 2, NULL)), 422);
	assert_int_equal(ask("POST", target, answers(5, 4, "xxxx")), 422);
	assert_int_equal(ask("POST", target,
				 "{\"answers\":[{\"n\":0,\"word\":\"a\"},{\"n\":25,\"word\":\"a\"},"
				 "{\"n\":-1,\"word\":\"a\"}]}"),
		422);
	/* The same place three times is one place. */
	char same[512];
	uint16_t words[LIMIT_KEY_WORDS];
	words_of_key(signer_key(rig.signer), words);
	const char *word = words_text(words[6]);
	(void)snprintf(same, sizeof(same),
		"{\"answers\":[{\"n\":7,\"word\":\"%s\"},{\"n\":7,\"word\":\"%s\"},{\"n\":7,"
		"\"word\":\"%s\"}]}",
		word, word, word);
	assert_int_equal(ask("POST", target, same), 422);
	assert_int_equal(ask("GET", target, NULL), 200);
}

static void hides_the_words_once_they_were_practised(void **state)
{
	(void)state;
	struct api_reply reply;
	assert_int_equal(ask("POST", "/api/safety/words", answers(22, 3, NULL)), 200);
	api_rig_ask(&rig, "GET", "/api/safety/words", NULL, "", &reply);
	assert_int_equal(reply.status, 409);
	assert_string_equal(api_reply_text(&reply, "error.code"), "refused");
	api_reply_fini(&reply);
	/* Practising again is fine. */
	assert_int_equal(ask("POST", "/api/safety/words", answers(1, 24, NULL)), 200);
	api_rig_restart(&rig);
	assert_int_equal(ask("GET", "/api/safety/words", NULL), 409);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_the_words_that_mean_the_key),
		cmocka_unit_test(tells_the_words_to_nobody_without_a_session),
		cmocka_unit_test(asks_for_three_places_and_no_wrong_word),
		cmocka_unit_test(hides_the_words_once_they_were_practised),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
