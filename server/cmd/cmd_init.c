/* `kith init`: make an identity, or bring one along; never over an existing one. `kith whoami`:
 * print it. */
#include "cmd/opener.h"
#include "config/config.h"

#include "store/secret.h"

#include <sodium.h>
#include <stdio.h>

enum { WHY_BYTES = 512, DIR_BYTES = 4096 };

static int print_id(const struct feed_id *id, bool is_json)
{
	char text[FEED_ID_TEXT_BYTES];
	feed_id_format(id, text);
	(void)printf(is_json ? "{\"id\":\"%s\"}\n" : "%s\n", text);
	return EXIT_GOOD;
}

/* From a seed, or a fresh one. On failure it was said why. */
static enum err make_key(const char *seed, struct key **out)
{
	uint8_t bytes[32];
	size_t count = 0;
	enum err err = ERR_OK;
	if (seed != NULL &&
		(base64_decode(span_text(seed), bytes, sizeof(bytes), &count) != ERR_OK ||
			count != sizeof(bytes))) {
		(void)cmd_fail("init", "a seed is 32 bytes in base64 (44 characters)");
		err = ERR_REFUSED;
	} else {
		err = seed != NULL ? key_from_seed(bytes, out) : key_generate(out);
		if (err != ERR_OK) {
			(void)cmd_fail("init", "%s", err_text(err));
		}
	}
	sodium_memzero(bytes, sizeof(bytes));
	return err;
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
	int code = EXIT_BAD;
	enum err err = config_data_dir(data, &dir);
	if (err != ERR_OK) {
		(void)cmd_fail("init", "%s", config_data_dir_why(err));
		goto out;
	}
	/* A key made of fresh randomness, given or not, has never signed: its fence says so. */
	bool is_new = secret == NULL && !is_words;
	if (is_new && config_may_make_key((const char *)dir.at, why, sizeof(why)) != ERR_OK) {
		(void)cmd_fail("init", "%s", why);
		goto out;
	}
	err = is_new ? make_key(seed, &key) : opener_read_key("init", secret, &key);
	if (err != ERR_OK) {
		goto out;
	}
	if (save((const char *)dir.at, key, is_new, why) != ERR_OK) {
		(void)cmd_fail("init", "%s", why);
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
