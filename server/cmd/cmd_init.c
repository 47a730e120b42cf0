/* `kith init`: make an identity, or bring one along; never over an existing one. `kith whoami`:
 * print it. */
#include "cmd/ask.h"
#include "config.h"

#include "base/file.h"
#include "base/limits.h"
#include "feed/words.h"
#include "store/secret.h"

#include <sodium.h>
#include <stdio.h>

enum { WHY_BYTES = 512, DIR_BYTES = 4096 };
_Static_assert((int)WHY_BYTES >= (int)WORDS_WHY_BYTES, "a sentence of either fits");

static int print_id(const struct feed_id *id, bool is_json)
{
	char text[FEED_ID_TEXT_BYTES];
	feed_id_format(id, text);
	(void)printf(is_json ? "{\"id\":\"%s\"}\n" : "%s\n", text);
	return EXIT_GOOD;
}

static enum err key_from_file(const char *path, struct key **out, const char **why)
{
	struct buf text = BUF_INIT(LIMIT_SECRET_FILE_BYTES);
	enum err err = file_read(path, &text);
	if (err == ERR_OK) {
		err = key_from_text(buf_span(&text), out, why);
	}
	if (text.at != NULL) {
		sodium_memzero(text.at, text.cap);
	}
	buf_fini(&text);
	return err;
}

static enum err key_from_base64(const char *seed, struct key **out, const char **why)
{
	uint8_t bytes[32];
	size_t count = 0;
	enum err err = base64_decode(span_text(seed), bytes, sizeof(bytes), &count);
	if (err != ERR_OK || count != sizeof(bytes)) {
		*why = "a seed is 32 bytes in base64 (44 characters)";
		err = ERR_REFUSED;
	} else {
		err = key_from_seed(bytes, out);
	}
	sodium_memzero(bytes, sizeof(bytes));
	return err;
}

static bool is_enough(struct span text)
{
	char why[WORDS_WHY_BYTES];
	struct key *key = NULL;
	enum err err = words_to_key(text, &key, why);
	key_free(key);
	return err == ERR_OK;
}

/* From standard input: what stands on a command line, every process may read. */
static enum err key_from_words(struct key **out, char why[static WORDS_WHY_BYTES])
{
	struct ask *words = ask_new();
	enum err err = ERR_NOMEM;
	(void)snprintf(why, WORDS_WHY_BYTES, "there is no memory for the words");
	if (words != NULL) {
		(void)snprintf(why, WORDS_WHY_BYTES, "the words cannot be read");
		err = ask_text(words, "Type the 24 words of the key, on one line or several:\n",
			LIMIT_WORDS_BYTES + 1, is_enough);
	}
	if (err == ERR_OK || err == ERR_LIMIT) {
		err = words_to_key(ask_span(words), out, why);
	}
	ask_free(words);
	return err;
}

/* From a file, from a seed, or a fresh one. */
static enum err make_key(const char *secret, const char *seed, struct key **out, const char **why)
{
	if (secret != NULL) {
		return key_from_file(secret, out, why);
	}
	return seed != NULL ? key_from_base64(seed, out, why) : key_generate(out);
}

static enum err save(
	const char *dir, const struct key *key, bool is_new, char why[static WHY_BYTES])
{
	enum err err = config_save_key(dir, key, why, WHY_BYTES);
	return err == ERR_OK && is_new ? config_save_fence(dir, key_id(key), why, WHY_BYTES) : err;
}

int cmd_init(int argc, char **argv)
{
	const char *data = NULL, *secret = NULL, *seed = NULL;
	bool is_json = false, is_words = false;
	const struct cmd_option options[] = {{"--data", &data, NULL}, {"--secret", &secret, NULL},
		{"--seed", &seed, NULL}, {"--words", NULL, &is_words}, {"--json", NULL, &is_json}};
	int plain = cmd_options("init", argc, argv, options, 5);
	if (plain != 0) {
		return plain < 0 ? EXIT_USAGE : cmd_usage(cmd_find("init"), "it takes no argument");
	}
	if ((secret != NULL) + (seed != NULL) + is_words > 1) {
		return cmd_usage(
			cmd_find("init"), "--secret, --seed and --words do not go together");
	}
	struct buf dir = BUF_INIT(DIR_BYTES);
	struct key *key = NULL;
	char why[WHY_BYTES] = "";
	const char *reason = NULL;
	int code = EXIT_GOOD;
	enum err err = config_data_dir(data, &dir);
	if (err != ERR_OK) {
		code = cmd_fail("init", "%s", config_data_dir_why(err));
		goto out;
	}
	/* A key made of fresh randomness, given or not, has never signed: its fence says so. */
	bool is_new = secret == NULL && !is_words;
	if (is_new && config_may_make_key((const char *)dir.at, why, sizeof(why)) != ERR_OK) {
		code = cmd_fail("init", "%s", why);
		goto out;
	}
	reason = is_words ? why : NULL;
	err = is_words ? key_from_words(&key, why) : make_key(secret, seed, &key, &reason);
	if (err != ERR_OK) {
		code = cmd_fail("init", "%s%s%s", secret != NULL ? secret : "",
			secret != NULL ? ": " : "", reason != NULL ? reason : err_text(err));
		goto out;
	}
	if (save((const char *)dir.at, key, is_new, why) != ERR_OK) {
		code = cmd_fail("init", "%s", why);
		goto out;
	}
	if (!is_new) {
		(void)fputs("If this key has posted before, meet a friend and let those posts come "
			    "back before writing:\na second message with one number splits a feed "
			    "for good.\n",
			stderr);
	}
	code = print_id(key_id(key), is_json);
out:
	key_free(key);
	buf_fini(&dir);
	return code;
}

int cmd_whoami(int argc, char **argv)
{
	const char *data = NULL;
	bool is_json = false;
	const struct cmd_option options[] = {{"--data", &data, NULL}, {"--json", NULL, &is_json}};
	int plain = cmd_options("whoami", argc, argv, options, 2);
	if (plain != 0) {
		return plain < 0 ? EXIT_USAGE
				 : cmd_usage(cmd_find("whoami"), "it takes no argument");
	}
	struct buf dir = BUF_INIT(DIR_BYTES);
	struct secret_facts facts;
	char why[WHY_BYTES] = "";
	int code = EXIT_BAD;
	enum err err = config_data_dir(data, &dir);
	if (err != ERR_OK) {
		(void)cmd_fail("whoami", "%s", config_data_dir_why(err));
	} else if (secret_look((const char *)dir.at, &facts, why, sizeof(why)) != ERR_OK) {
		(void)cmd_fail("whoami", "%s", why);
	} else {
		code = print_id(&facts.id, is_json);
	}
	buf_fini(&dir);
	return code;
}
