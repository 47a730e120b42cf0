/*
 * The owner's key: its words and the practice with them.
 *
 * Words go out only until the practice was passed: later they are `kith words`'s, which reads the
 * secret file. Nothing here is ever logged.
 */
#include "api/body.h"
#include "api/inside.h"

#include "feed/words.h"

#include <sodium.h>

enum { ANSWERS_MIN = 3, SETTING_BYTES = 16 };

static const char setting_words[] = "words_done";

static bool is_words_done(struct reader *reader)
{
	struct buf text = BUF_INIT(SETTING_BYTES);
	bool is = reader_setting(reader, setting_words, &text) == ERR_OK &&
		  span_equal_text(buf_span(&text), "1");
	buf_fini(&text);
	return is;
}

json_t *serve_key_state(struct api *api, struct reader *reader)
{
	(void)api;
	return json_pack("{s:b, s:b}", "is_wrapped", 0, "words_done", is_words_done(reader));
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
	if (is_words_done(reader)) {
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
