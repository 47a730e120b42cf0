/*
 * `kith words`: the key as 24 words for paper, and the practice with them. They go to a terminal
 * only, unless --plain says otherwise: a file or a pipe keeps what nobody meant to keep.
 */
#include "cmd/ask.h"
#include "cmd/client.h"
#include "cmd/unlock.h"
#include "config/config.h"

#include "feed/words.h"

#include <sodium.h>
#include <stdio.h>
#include <unistd.h>

enum { DIR_BYTES = 4096, PER_LINE = 4, PLACES = 4 };

static bool is_yes(struct span text)
{
	return text.len > 0 && (text.at[0] == 'y' || text.at[0] == 'Y');
}

/* Nobody should stand behind you. */
static bool is_confirmed(struct ask *ask)
{
	enum err err = ask_line(ask,
		"Whoever sees these words can write as you, for good. Show them now? [y/N] ",
		false);
	return err == ERR_OK && is_yes(ask_span(ask));
}

static int show(const uint16_t words[static LIMIT_KEY_WORDS])
{
	for (unsigned i = 0; i < LIMIT_KEY_WORDS; i++) {
		bool is_last = (i + 1) % PER_LINE == 0;
		(void)printf(is_last ? "%2u. %s\n" : "%2u. %-10s", i + 1, words_text(words[i]));
	}
	return EXIT_GOOD;
}

/* PLACES different places, in order. */
static void choose(unsigned places[static PLACES])
{
	for (unsigned i = 0; i < PLACES; i++) {
		/* One in each quarter. */
		places[i] = i * LIMIT_KEY_WORDS / PLACES +
			    randombytes_uniform(LIMIT_KEY_WORDS / PLACES);
	}
}

static bool ask_word(struct ask *ask, unsigned place, uint16_t word)
{
	char prompt[32];
	(void)snprintf(prompt, sizeof(prompt), "Word %u: ", place + 1);
	return ask_line(ask, prompt, false) == ERR_OK && words_find(ask_span(ask)) == word;
}

/* The node notes it too: then the page stops reminding. */
static int tell_node(const char *data, const unsigned places[static PLACES],
	const uint16_t words[static LIMIT_KEY_WORDS])
{
	const struct client_options options = {.name = "words", .data = data};
	json_t *answers = json_array();
	for (unsigned i = 0; i < PLACES; i++) {
		(void)json_array_append_new(
			answers, json_pack("{s:i, s:s}", "n", (int)places[i] + 1, "word",
					 words_text(words[places[i]])));
	}
	struct client *client = client_open(&options, false);
	json_t *answer = client == NULL ? NULL
					: client_post(client, "/api/safety/words",
						  json_pack("{s:O}", "answers", answers));
	bool is_noted = answer != NULL;
	json_decref(answers);
	json_decref(answer);
	client_close(client);
	return is_noted ? EXIT_GOOD : EXIT_BAD;
}

static int practise(struct ask *ask, const char *data, const uint16_t words[static LIMIT_KEY_WORDS])
{
	unsigned places[PLACES];
	if (!ask_is_possible()) {
		return cmd_fail("words", "--check asks on a terminal, and there is none");
	}
	choose(places);
	for (unsigned i = 0; i < PLACES; i++) {
		if (!ask_word(ask, places[i], words[places[i]])) {
			return cmd_fail("words",
				"word %u on your list is not the one of this key: compare the list "
				"with `kith words`",
				places[i] + 1);
		}
	}
	int code = tell_node(data, places, words);
	if (code == EXIT_GOOD) {
		(void)puts("These are the words of your key.");
	}
	return code;
}

static int run(struct ask *ask, const char *data, const char *dir, bool is_check, bool is_plain)
{
	struct key *key = NULL;
	uint16_t words[LIMIT_KEY_WORDS];
	bool is_terminal = isatty(STDOUT_FILENO) == 1;
	if (!is_check && !is_plain && !is_terminal) {
		return cmd_fail("words",
			"standard output is not a terminal; --plain prints the words all the same");
	}
	if (unlock_key("words", dir, NULL, &key) != ERR_OK) {
		return EXIT_BAD;
	}
	words_of_key(key, words);
	key_free(key);
	int code = EXIT_GOOD;
	if (is_check) {
		code = practise(ask, data, words);
	} else if (is_plain || !ask_is_possible() || is_confirmed(ask)) {
		code = show(words);
	} else {
		code = cmd_fail("words", "nothing was shown");
	}
	sodium_memzero(words, sizeof(words));
	return code;
}

int cmd_words(int argc, char **argv)
{
	const char *data = NULL;
	bool is_check = false, is_plain = false;
	const struct cmd_option options[] = {{"--data", &data, NULL}, {"--check", NULL, &is_check},
		{"--plain", NULL, &is_plain}};
	int plain = cmd_options("words", argc, argv, options, 3);
	if (plain != 0) {
		return plain < 0 ? EXIT_USAGE
				 : cmd_usage(cmd_find("words"), "it takes no argument");
	}
	struct buf dir = BUF_INIT(DIR_BYTES);
	struct ask *ask = ask_new();
	enum err err = config_data_dir(data, &dir);
	int code = EXIT_BAD;
	if (ask == NULL || err != ERR_OK) {
		(void)cmd_fail("words", "%s", config_data_dir_why(ask == NULL ? ERR_NOMEM : err));
	} else {
		code = run(ask, data, (const char *)dir.at, is_check, is_plain);
	}
	ask_free(ask);
	buf_fini(&dir);
	return code;
}
