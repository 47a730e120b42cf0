/* Passphrases and keys for backups. */
#include "cmd/opener.h"

#include "base/file.h"
#include "config/config.h"
#include "feed/words.h"
#include "feed/wrap.h"
#include "store/secret.h"

#include <sodium.h>
#include <stdio.h>

enum { WHY_BYTES = 512, DIR_BYTES = 4096 };

void opener_fini(struct opener *opener)
{
	ask_free(opener->passphrase);
	sodium_free(opener->derived);
	key_free(opener->key);
	*opener = (struct opener){.key = NULL};
}

static enum err no_memory(const char *command)
{
	(void)cmd_fail(command, "there is no memory");
	return ERR_NOMEM;
}

static enum err judge_new(const char *command, const struct ask *ask)
{
	if (ask->len < LIMIT_PASSPHRASE_BYTES_MIN) {
		(void)cmd_fail(command, "a passphrase has at least %d characters",
			LIMIT_PASSPHRASE_BYTES_MIN);
		return ERR_REFUSED;
	}
	return ERR_OK;
}

static enum err read_file(const char *command, const char *file, struct ask *ask)
{
	char why[WHY_BYTES] = "";
	enum err err = ask_file(ask, file, why, sizeof(why));
	if (err != ERR_OK) {
		(void)cmd_fail(command, "%s", why);
		return err == ERR_NOT_FOUND ? ERR_IO : err; /* not "nobody can be asked" */
	}
	return ERR_OK;
}

static enum err type_twice(const char *command, bool may_be_none, struct ask *ask)
{
	struct ask *again = ask_new();
	enum err err = again == NULL
			       ? no_memory(command)
			       : ask_line(ask,
					 may_be_none ? "Passphrase for the backup (empty: seal "
						       "it with your key instead): "
						     : "Passphrase for the file: ",
					 true);
	if (err == ERR_OK && ask->len == 0 && may_be_none) {
		err = ERR_NOT_FOUND;
	} else if (err == ERR_OK) {
		err = judge_new(command, ask);
		if (err == ERR_OK) {
			err = ask_line(again, "The same once more: ", true);
			if (err == ERR_OK && !span_equal(ask_span(ask), ask_span(again))) {
				(void)cmd_fail(command, "the two are not the same; nothing was "
							"written");
				err = ERR_REFUSED;
			}
		}
	} else if (err != ERR_NOMEM) {
		(void)cmd_fail(command, "the passphrase cannot be read");
		err = ERR_IO;
	}
	ask_free(again);
	return err;
}

enum err opener_make_passphrase(
	const char *command, const char *file, bool may_be_none, struct opener *out)
{
	if (file == NULL && !ask_is_possible()) {
		return ERR_NOT_FOUND;
	}
	out->passphrase = ask_new();
	if (out->passphrase == NULL) {
		return no_memory(command);
	}
	enum err err = file != NULL ? read_file(command, file, out->passphrase)
				    : type_twice(command, may_be_none, out->passphrase);
	if (err == ERR_OK && file != NULL) {
		err = judge_new(command, out->passphrase);
	}
	if (err != ERR_OK) {
		opener_fini(out);
		return err;
	}
	out->is.passphrase = ask_span(out->passphrase);
	return ERR_OK;
}

enum err opener_ask_passphrase(const char *command, const char *file, struct opener *out)
{
	out->passphrase = ask_new();
	if (out->passphrase == NULL) {
		return no_memory(command);
	}
	enum err err = ERR_OK;
	if (file != NULL) {
		err = read_file(command, file, out->passphrase);
	} else {
		err = ask_line(out->passphrase, "Passphrase of the backup: ", true);
		if (err != ERR_OK) {
			(void)cmd_fail(command,
				"this backup opens with a passphrase: give it on a terminal or "
				"with --passphrase-file");
		}
	}
	if (err == ERR_OK && out->passphrase->len == 0) {
		(void)cmd_fail(command, "the passphrase is empty");
		err = ERR_REFUSED;
	}
	if (err != ERR_OK) {
		opener_fini(out);
		return err;
	}
	out->is.passphrase = ask_span(out->passphrase);
	return ERR_OK;
}

enum err opener_by_key(const char *command, struct key *key, struct opener *out)
{
	out->key = key;
	out->derived = sodium_malloc(32);
	if (out->derived == NULL || key_derive(key, BUNDLE_CONTEXT, out->derived) != ERR_OK) {
		opener_fini(out);
		return no_memory(command);
	}
	out->is.derived = out->derived;
	return ERR_OK;
}

/* ERR_LOCKED, of which nothing is said yet: `text` is a key behind a passphrase. */
static enum err key_of_text(
	const char *command, const char *file, struct span text, struct key **out)
{
	const char *reason = NULL;
	if (wrap_is(text)) {
		return ERR_LOCKED;
	}
	enum err err = key_from_text(text, out, &reason);
	if (err != ERR_OK) {
		(void)cmd_fail(command, "%s: %s", file, reason != NULL ? reason : err_text(err));
	}
	return err;
}

static enum err read_text(const char *command, const char *file, struct buf *out)
{
	enum err err = secret_read_file(file, out);
	if (err != ERR_OK) {
		(void)cmd_fail(command, "%s: %s", file, err_text(err));
	}
	return err;
}

static enum err key_of_file(const char *command, const char *file, struct key **out)
{
	struct buf text = BUF_INIT(LIMIT_SECRET_FILE_BYTES);
	enum err err = read_text(command, file, &text);
	if (err == ERR_OK) {
		err = key_of_text(command, file, buf_span(&text), out);
	}
	if (err == ERR_LOCKED) {
		(void)cmd_fail(command,
			"%s is locked with a passphrase: put the file itself into the data "
			"directory, as `secret`",
			file);
	}
	buf_wipe(&text);
	return err;
}

static enum err unwrap(const char *command, const char *file, const char *passphrase_file,
	struct span text, struct key **out)
{
	char why[WHY_BYTES] = "";
	const char *reason = NULL;
	struct ask *ask = ask_new();
	if (ask == NULL) {
		return no_memory(command);
	}
	enum err err =
		ask_passphrase(ask, passphrase_file, "Passphrase of your key: ", why, sizeof(why));
	if (err == ERR_OK) {
		err = wrap_unlock(text, ask_span(ask), out, &reason);
		if (err != ERR_OK) {
			(void)cmd_fail(command, "%s: %s", file, reason);
		}
	} else {
		(void)cmd_fail(command, "%s is locked with a passphrase: %s", file, why);
	}
	ask_free(ask);
	return err;
}

enum err opener_read_secret(
	const char *command, const char *file, const char *passphrase_file, struct key **out)
{
	struct buf text = BUF_INIT(LIMIT_SECRET_FILE_BYTES);
	enum err err = read_text(command, file, &text);
	if (err == ERR_OK) {
		err = key_of_text(command, file, buf_span(&text), out);
	}
	if (err == ERR_LOCKED) {
		err = unwrap(command, file, passphrase_file, buf_span(&text), out);
	}
	buf_wipe(&text);
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

static enum err key_of_words(const char *command, struct key **out)
{
	char why[WORDS_WHY_BYTES] = "the words cannot be read";
	struct ask *words = ask_new();
	if (words == NULL) {
		return no_memory(command);
	}
	enum err err = ask_text(words, "Type the 24 words of the key, on one line or several:\n",
		LIMIT_WORDS_BYTES + 1, is_enough);
	if (err == ERR_OK || err == ERR_LIMIT) {
		err = words_to_key(ask_span(words), out, why);
	}
	if (err != ERR_OK) {
		(void)cmd_fail(command, "%s", why);
	}
	ask_free(words);
	return err;
}

enum err opener_read_key(const char *command, const char *file, struct key **out)
{
	return file != NULL ? key_of_file(command, file, out) : key_of_words(command, out);
}

static enum err unlock(
	const char *dir, const char *passphrase_file, struct key **out, char *why, size_t why_bytes)
{
	struct ask *ask = ask_new();
	if (ask == NULL) {
		return ERR_NOMEM;
	}
	enum err err =
		ask_passphrase(ask, passphrase_file, "Passphrase of your key: ", why, why_bytes);
	if (err == ERR_OK) {
		err = secret_load(dir, ask_span(ask), out, why, why_bytes);
	} else {
		err = ERR_LOCKED; /* `why` says it */
	}
	ask_free(ask);
	return err;
}
enum err opener_own_key(
	const char *command, const char *data, const char *passphrase_file, struct key **out)
{
	struct buf dir = BUF_INIT(DIR_BYTES);
	char why[WHY_BYTES] = "";
	enum err err = config_data_dir(data, &dir);
	if (err != ERR_OK) {
		(void)cmd_fail(command, "%s", config_data_dir_why(err));
		buf_fini(&dir);
		return ERR_IO;
	}
	err = secret_load((const char *)dir.at, span_of(NULL, 0), out, why, sizeof(why));
	if (err == ERR_LOCKED && (passphrase_file != NULL || ask_is_possible())) {
		err = unlock((const char *)dir.at, passphrase_file, out, why, sizeof(why));
	}
	if (err != ERR_OK && err != ERR_NOT_FOUND) {
		(void)cmd_fail(command, "%s", why);
	}
	buf_fini(&dir);
	return err;
}
