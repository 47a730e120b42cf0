/*
 * The owner's key: its words, its passphrase, and another key in its place.
 *
 * Words go out only until the practice was passed: later they are `kith words`'s, which reads the
 * secret file. Nothing that was sent here is ever logged.
 */
#include "api/body.h"
#include "api/inside.h"

#include "base/log.h"
#include "feed/words.h"
#include "store/secret.h"

#include <sodium.h>

enum { ANSWERS_MIN = 3, SETTING_BYTES = 16, WHY_BYTES = 512 };

static const char setting_words[] = "words_done";

bool serve_is_words_done(struct reader *reader)
{
	struct buf text = BUF_INIT(SETTING_BYTES);
	bool is = reader_setting(reader, setting_words, &text) == ERR_OK &&
		  span_equal_text(buf_span(&text), "1");
	buf_fini(&text);
	return is;
}

json_t *serve_key_state(struct api *api, struct reader *reader)
{
	struct secret_facts facts = {.is_wrapped = false};
	char why[WHY_BYTES];
	bool is_wrapped = secret_look(inside_dir(api), &facts, why, sizeof(why)) == ERR_OK &&
			  facts.is_wrapped;
	return json_pack(
		"{s:b, s:b}", "is_wrapped", is_wrapped, "words_done", serve_is_words_done(reader));
}

/* The words of the key in use; false: answered. */
static bool take_words(struct call *call, uint16_t words[static LIMIT_KEY_WORDS])
{
	const struct signer *signer = call->api->opts.signer;
	if (signer == NULL) {
		answer_error(&call->exchange->answer, SAID_NOT_RUNNING, NULL);
		return false;
	}
	words_of_key(signer_key(signer), words);
	return true;
}

void serve_words(struct call *call)
{
	struct answer *answer = &call->exchange->answer;
	struct reader *reader = inside_reader(call);
	uint16_t words[LIMIT_KEY_WORDS];
	if (reader == NULL) {
		return;
	}
	if (serve_is_words_done(reader)) {
		answer_error(answer, SAID_CONFLICT,
			"You have written these words down. `kith words` shows them again.");
		return;
	}
	if (!take_words(call, words)) {
		return;
	}
	json_t *list = json_array();
	for (size_t i = 0; list != NULL && i < LIMIT_KEY_WORDS; i++) {
		(void)json_array_append_new(list, json_string(words_text(words[i])));
	}
	sodium_memzero(words, sizeof(words));
	answer_json(answer, 200, json_pack("{s:o}", "words", list));
}

/* Is `row` a place and the word that stands there? Marks the place. */
static bool fits(const json_t *row, const uint16_t words[static LIMIT_KEY_WORDS],
	bool is_seen[static LIMIT_KEY_WORDS])
{
	struct span word;
	json_int_t n = json_integer_value(json_object_get(row, "n"));
	if (n < 1 || n > LIMIT_KEY_WORDS || !body_text(row, "word", &word)) {
		return false;
	}
	is_seen[n - 1] = true;
	return words_find(word) == words[n - 1];
}

static bool is_practised(const json_t *answers, const uint16_t words[static LIMIT_KEY_WORDS])
{
	bool is_seen[LIMIT_KEY_WORDS] = {false};
	bool is_right = true;
	size_t places = 0;
	for (size_t i = 0; i < json_array_size(answers); i++) {
		is_right = fits(json_array_get(answers, i), words, is_seen) && is_right;
	}
	for (size_t i = 0; i < LIMIT_KEY_WORDS; i++) {
		places += is_seen[i] ? 1 : 0;
	}
	return is_right && places >= ANSWERS_MIN;
}

void serve_words_check(struct call *call)
{
	struct answer *answer = &call->exchange->answer;
	const json_t *answers = json_object_get(call->body, "answers");
	uint16_t words[LIMIT_KEY_WORDS];
	if (!json_is_array(answers) || json_array_size(answers) > LIMIT_KEY_WORDS) {
		answer_error(answer, SAID_BAD_REQUEST, NULL);
		return;
	}
	if (!take_words(call, words)) {
		return;
	}
	bool is_right = is_practised(answers, words);
	sodium_memzero(words, sizeof(words));
	if (!is_right) {
		answer_error(answer, SAID_REFUSED,
			"Not every word is the one on your list. Look at it and try again.");
		return;
	}
	struct change change = {
		.kind = CHANGE_SETTING, .name = span_text(setting_words), .text = span_text("1")};
	enum err err = writer_change_wait(call->api->opts.writer, &change);
	if (err == ERR_OK) {
		answer_json(answer, 200, json_object());
	} else {
		answer_err(answer, err);
	}
}

/* Passphrases. */

static void answer_secret(struct api *api, struct exchange *exchange, enum err err, const char *why)
{
	switch (err) {
	case ERR_OK:
		answer_json(&exchange->answer, 200, json_object());
		break;
	case ERR_LOCKED:
		inside_try_failed(api, exchange);
		answer_error(&exchange->answer, SAID_REFUSED,
			"That passphrase does not open the key. Try again.");
		break;
	case ERR_LIMIT:
		answer_error(
			&exchange->answer, SAID_REFUSED, "A passphrase has 8 to 1024 characters.");
		break;
	case ERR_REFUSED:
		answer_error(&exchange->answer, SAID_REFUSED, why);
		break;
	default:
		LOG(api->opts.env, LOG_WARN, "key.failed", LOG_TEXT("why", why));
		answer_err(&exchange->answer, err);
		break;
	}
}

/* With `trying` held. */
static enum err rewrite(struct call *call, struct span old, struct span fresh, char *why)
{
	const char *dir = inside_dir(call->api);
	struct secret_facts facts;
	struct key *key = NULL;
	enum err err = secret_look(dir, &facts, why, WHY_BYTES);
	if (err == ERR_OK && facts.is_wrapped) {
		err = secret_load(dir, old, &key, why, WHY_BYTES);
	}
	if (err == ERR_OK) {
		const struct key *now = signer_key(call->api->opts.signer);
		err = secret_rewrite(dir, now, fresh, why, WHY_BYTES);
	}
	key_free(key);
	return err;
}

void serve_passphrase(struct call *call)
{
	struct answer *answer = &call->exchange->answer;
	struct span old = span_of(NULL, 0);
	struct span fresh = span_of(NULL, 0);
	char why[WHY_BYTES] = "";
	bool is_text = (!body_has(call->body, "old") || body_text(call->body, "old", &old)) &&
		       (!body_has(call->body, "new") || body_text(call->body, "new", &fresh));
	if (!is_text || (body_has(call->body, "new") && fresh.len == 0)) {
		answer_error(answer, is_text ? SAID_REFUSED : SAID_BAD_REQUEST,
			is_text ? "A passphrase has 8 to 1024 characters." : NULL);
		return;
	}
	if (call->api->opts.signer == NULL) {
		answer_error(answer, SAID_NOT_RUNNING, NULL);
		return;
	}
	if (inside_begin_try(call->api, call->exchange)) {
		enum err err = rewrite(call, old, fresh, why);
		answer_secret(call->api, call->exchange, err, why);
		inside_end_try(call->api);
	}
}

static enum err unlock(struct call *call, struct span passphrase, char *why)
{
	struct api *api = call->api;
	struct key *key = NULL;
	enum err err = secret_load(inside_dir(api), passphrase, &key, why, WHY_BYTES);
	if (err == ERR_OK) {
		LOG(api->opts.env, LOG_INFO, "key.unlocked",
			LOG_ADDRESS("from", span_text(call->exchange->address)));
		api->opts.on_key(api->opts.ctx, key, API_KEY_UNLOCKED);
	}
	return err;
}

void serve_unlock(struct call *call)
{
	struct span passphrase;
	char why[WHY_BYTES] = "";
	if (!body_text(call->body, "passphrase", &passphrase)) {
		answer_error(&call->exchange->answer, SAID_BAD_REQUEST, NULL);
		return;
	}
	if (!call->api->opts.is_locked || call->api->opts.on_key == NULL) {
		/* It is open: nothing is tried, and nothing is told. */
		answer_json(&call->exchange->answer, 200, json_object());
		return;
	}
	if (inside_begin_try(call->api, call->exchange)) {
		enum err err = unlock(call, passphrase, why);
		answer_secret(call->api, call->exchange, err, why);
		inside_end_try(call->api);
	}
}

/* Another key. */

/* Only a node that has said nothing yet may become somebody else. False: answered. */
static bool is_blank(struct call *call)
{
	struct reader *reader = inside_reader(call);
	struct chain_head head;
	if (reader == NULL) {
		return false;
	}
	enum err err = reader_head(reader, &call->api->opts.self, &head);
	if (err == ERR_OK) {
		answer_error(&call->exchange->answer, SAID_CONFLICT,
			"This node has posts of its own, so it keeps its key. Bring the other key "
			"to a fresh node.");
	} else if (err != ERR_NOT_FOUND) {
		answer_err(&call->exchange->answer, err);
	}
	return err == ERR_NOT_FOUND;
}

void serve_identity(struct call *call)
{
	struct api *api = call->api;
	struct answer *answer = &call->exchange->answer;
	struct span words;
	struct key *key = NULL;
	char why[WORDS_WHY_BYTES] = "";
	char id[FEED_ID_TEXT_BYTES];
	if (!body_text(call->body, "words", &words)) {
		answer_error(answer, SAID_BAD_REQUEST, NULL);
		return;
	}
	if (api->opts.on_key == NULL) {
		answer_error(answer, SAID_NOT_RUNNING, NULL);
		return;
	}
	if (!is_blank(call)) {
		return;
	}
	enum err err = words_to_key(words, &key, why);
	if (err == ERR_NOMEM) {
		answer_err(answer, err);
		return;
	}
	if (err != ERR_OK) {
		answer_error(answer, SAID_REFUSED, why);
		return;
	}
	feed_id_format(key_id(key), id);
	answer_json(answer, 200, json_pack("{s:s}", "id", id));
	if (feed_id_equal(key_id(key), &api->opts.self)) {
		key_free(key); /* it is this node's already */
	} else {
		api->opts.on_key(api->opts.ctx, key, API_KEY_REPLACED);
	}
}
