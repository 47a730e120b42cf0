/* The key through the page: its words until they were practised, its passphrase, another key for a
 * node that has said nothing yet. */
#include "lib/api_rig.h"

#include "lib/cmocka.h"

#include "feed/words.h"
#include "store/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

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

/* The passphrase. */

static const char passphrase_target[] = "/api/safety/passphrase";

static bool is_wrapped(void)
{
	struct secret_facts facts;
	char why[512];
	assert_int_equal(secret_look(rig.dir, &facts, why, sizeof(why)), ERR_OK);
	assert_true(feed_id_equal(&facts.id, &rig.self));
	return facts.is_wrapped;
}

static bool opens(const char *passphrase)
{
	struct key *key = NULL;
	char why[512];
	enum err err = secret_load(rig.dir, span_text(passphrase), &key, why, sizeof(why));
	key_free(key);
	return err == ERR_OK;
}

static int set_up_with_secret(void **state)
{
	char why[512];
	(void)set_up(state);
	assert_int_equal(secret_create(rig.dir, signer_key(rig.signer), why, sizeof(why)), ERR_OK);
	return 0;
}

static void locks_changes_and_unlocks_the_secret_file(void **state)
{
	(void)state;
	assert_int_equal(ask("POST", passphrase_target, "{\"new\":\"first one\"}"), 200);
	assert_true(is_wrapped() && opens("first one"));
	assert_int_equal(
		ask("POST", passphrase_target, "{\"old\":\"first one\",\"new\":\"second one\"}"),
		200);
	assert_true(!opens("first one") && opens("second one"));
	assert_int_equal(
		ask("POST", passphrase_target, "{\"old\":\"second one\",\"new\":null}"), 200);
	assert_false(is_wrapped());
	assert_true(opens(""));
}

static void changes_nothing_without_the_old_passphrase(void **state)
{
	static const char *const bodies[] = {"{\"new\":\"second one\"}",
		"{\"old\":null,\"new\":\"second one\"}", "{\"old\":\"\",\"new\":null}",
		"{\"old\":\"first two\",\"new\":null}", "{\"new\":null}", "{}"};
	(void)state;
	assert_int_equal(ask("POST", passphrase_target, "{\"new\":\"first one\"}"), 200);
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		api_rig_advance(16 * 60 * 1000);
		assert_int_equal(ask("POST", passphrase_target, bodies[i]), 422);
		assert_true(opens("first one"));
	}
	static const char *const malformed[] = {
		"{\"old\":7,\"new\":null}", "{\"old\":\"first one\",\"new\":7}"};
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(ask("POST", passphrase_target, malformed[i]), 400);
	}
	assert_true(opens("first one"));
}

static void takes_new_passphrases_of_8_to_1024_bytes(void **state)
{
	static const struct {
		size_t len;
		unsigned status;
	} rows[] = {{0, 422}, {LIMIT_PASSPHRASE_BYTES_MIN - 1, 422},
		{LIMIT_PASSPHRASE_BYTES + 1, 422}, {50 * LIMIT_PASSPHRASE_BYTES, 422},
		{LIMIT_PASSPHRASE_BYTES_MIN, 200}};
	static char body[51 * LIMIT_PASSPHRASE_BYTES];
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = (size_t)snprintf(body, sizeof(body), "{\"new\":\"");
		memset(body + len, 'p', rows[i].len);
		(void)snprintf(body + len + rows[i].len, 8, "\"}");
		assert_int_equal(ask("POST", passphrase_target, body), rows[i].status);
		assert_int_equal(is_wrapped(), rows[i].status == 200);
	}
}

static void counts_wrong_passphrases_like_wrong_codes(void **state)
{
	(void)state;
	const char *wrong = "{\"old\":\"first two\",\"new\":null}";
	const char *right = "{\"old\":\"first one\",\"new\":null}";
	assert_int_equal(ask("POST", passphrase_target, "{\"new\":\"first one\"}"), 200);
	for (int i = 0; i < LIMIT_LOGIN_FAILURES; i++) {
		assert_int_equal(ask("POST", passphrase_target, wrong), 422);
	}
	assert_int_equal(ask("POST", passphrase_target, right), 429);
	assert_true(is_wrapped());
	api_rig_advance(15 * 60 * 1000 + 1000);
	assert_int_equal(ask("POST", passphrase_target, right), 200);
	assert_false(is_wrapped());
}

/* Another key. */

static const char other_words[] =
	"{\"words\":\"body hair useful camp warm into cause riot two bamboo kick educate dinosaur "
	"advice seed type crisp where guilt avocado output rely lunch goddess\"}";
#define OTHER_ID "@1nf1T1tUSa43dWglCHzyKIxV61jG/EeeL1Xq1Nk8I3U=.ed25519"

static void a_node_that_has_said_nothing_takes_another_key(void **state)
{
	struct api_reply reply;
	char id[FEED_ID_TEXT_BYTES];
	(void)state;
	api_rig_ask(&rig, "POST", "/api/safety/identity", other_words, "", &reply);
	assert_int_equal(reply.status, 200);
	assert_string_equal(api_reply_text(&reply, "id"), OTHER_ID);
	api_reply_fini(&reply);
	assert_non_null(rig.next_key);
	assert_int_equal(rig.next_why, API_KEY_REPLACED);
	feed_id_format(key_id(rig.next_key), id);
	assert_string_equal(id, OTHER_ID);
}

static void a_node_that_has_posted_keeps_its_key(void **state)
{
	(void)state;
	assert_int_equal(ask("POST", "/api/post", "{\"text\":\"I am here\"}"), 200);
	assert_int_equal(ask("POST", "/api/safety/identity", other_words), 409);
	assert_null(rig.next_key);
}

static void wrong_words_change_nothing(void **state)
{
	struct api_reply reply;
	(void)state;
	api_rig_ask(&rig, "POST", "/api/safety/identity", "{\"words\":\"body hair usefull camp\"}",
		"", &reply);
	assert_int_equal(reply.status, 422);
	assert_non_null(strstr(api_reply_text(&reply, "error.said"), "word 3 "));
	assert_null(strstr(reply.text, "usefull"));
	api_reply_fini(&reply);
	assert_int_equal(ask("POST", "/api/safety/identity", "{}"), 400);
	assert_int_equal(ask("POST", "/api/safety/identity", "{\"words\":[]}"), 400);
	assert_null(rig.next_key);
}

static void its_own_words_restart_nothing(void **state)
{
	char body[1024];
	uint16_t words[LIMIT_KEY_WORDS];
	size_t len = (size_t)snprintf(body, sizeof(body), "{\"words\":\"");
	(void)state;
	words_of_key(signer_key(rig.signer), words);
	for (size_t i = 0; i < LIMIT_KEY_WORDS; i++) {
		len += (size_t)snprintf(
			body + len, sizeof(body) - len, "%s ", words_text(words[i]));
	}
	(void)snprintf(body + len, sizeof(body) - len, "\"}");
	assert_int_equal(ask("POST", "/api/safety/identity", body), 200);
	assert_null(rig.next_key);
}

#define WITH_SECRET(test) cmocka_unit_test_setup_teardown(test, set_up_with_secret, tear_down)
#define BLANK(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest words[] = {
		cmocka_unit_test(tells_the_words_that_mean_the_key),
		cmocka_unit_test(tells_the_words_to_nobody_without_a_session),
		cmocka_unit_test(asks_for_three_places_and_no_wrong_word),
		cmocka_unit_test(hides_the_words_once_they_were_practised),
	};
	const struct CMUnitTest keys[] = {
		WITH_SECRET(locks_changes_and_unlocks_the_secret_file),
		WITH_SECRET(changes_nothing_without_the_old_passphrase),
		WITH_SECRET(takes_new_passphrases_of_8_to_1024_bytes),
		WITH_SECRET(counts_wrong_passphrases_like_wrong_codes),
		BLANK(a_node_that_has_said_nothing_takes_another_key),
		BLANK(a_node_that_has_posted_keeps_its_key),
		BLANK(wrong_words_change_nothing),
		BLANK(its_own_words_restart_nothing),
	};
	int failed = cmocka_run_group_tests(words, set_up, tear_down);
	return failed != 0 ? failed : cmocka_run_group_tests(keys, NULL, NULL);
}
