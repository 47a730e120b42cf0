/*
 * `kith passphrase`: lock the key, change its passphrase, unlock it for good: through the node when
 * one runs, else on the file itself with the directory's lock held. `kith unlock`: give a waiting
 * node its passphrase.
 */
#include "cmd/ask.h"
#include "cmd/client.h"
#include "config/config.h"

#include "api/body.h"
#include "base/file.h"
#include "store/secret.h"

#include <stdio.h>
#include <unistd.h>

enum { WHY_BYTES = 512, DIR_BYTES = 4096 };

enum deed { DEED_SET, DEED_CHANGE, DEED_REMOVE, DEED_COUNT };
static const char *const deeds[] = {"set", "change", "remove"};
static const char *const done[] = {
	"Your key is locked now. Write your 24 words down, if you have not: `kith words`.",
	"Your key has the new passphrase now.", "Your key is not locked any more."};

struct wish {
	const char *command;
	const char *data;
	const char *old_file, *new_file;
	enum deed deed;
	struct ask *old, *fresh; /* empty: none */
	struct ask *again;
};

/* A passphrase from a file or the terminal; false: it said what is wrong. */
static bool get(const char *command, struct ask *ask, const char *file, const char *prompt)
{
	char why[WHY_BYTES] = "";
	if (ask_passphrase(ask, file, prompt, why, sizeof(why)) == ERR_OK) {
		return true;
	}
	(void)cmd_fail(command, "%s", why);
	return false;
}

static bool get_fresh(struct wish *wish)
{
	if (!get(wish->command, wish->fresh, wish->new_file, "New passphrase: ")) {
		return false;
	}
	if (wish->fresh->len < LIMIT_PASSPHRASE_BYTES_MIN) {
		(void)cmd_fail(wish->command, "a passphrase has %d characters or more",
			LIMIT_PASSPHRASE_BYTES_MIN);
		return false;
	}
	if (wish->new_file != NULL) {
		return true;
	}
	if (!get(wish->command, wish->again, NULL, "The same again: ")) {
		return false;
	}
	if (!span_equal(ask_span(wish->fresh), ask_span(wish->again))) {
		(void)cmd_fail(wish->command, "the two are not the same, so nothing was changed");
		return false;
	}
	return true;
}

static bool fits_file(const struct wish *wish, const char *dir)
{
	struct secret_facts facts;
	char why[WHY_BYTES] = "";
	if (secret_look(dir, &facts, why, sizeof(why)) != ERR_OK) {
		(void)cmd_fail(wish->command, "%s", why);
		return false;
	}
	if (facts.is_wrapped == (wish->deed == DEED_SET)) {
		(void)cmd_fail(wish->command,
			facts.is_wrapped ? "the key is locked already: `kith passphrase change` "
					   "gives it another passphrase"
					 : "the key is not locked: `kith passphrase set` locks it");
		return false;
	}
	return true;
}

static int change_here(const struct wish *wish, const char *dir)
{
	struct key *key = NULL;
	char why[WHY_BYTES] = "";
	enum err err = secret_load(dir, ask_span(wish->old), &key, why, sizeof(why));
	if (err == ERR_OK) {
		err = secret_rewrite(dir, key, ask_span(wish->fresh), why, sizeof(why));
	}
	key_free(key);
	return err == ERR_OK ? EXIT_GOOD : cmd_fail(wish->command, "%s", why);
}

/* Texts that hold no NUL for jansson; NULL: none. */
static json_t *text_or_null(const struct ask *ask)
{
	return ask->len == 0 ? json_null() : json_stringn((const char *)ask->at, ask->len);
}

static int change_there(const struct wish *wish)
{
	const struct client_options options = {.name = wish->command, .data = wish->data};
	struct client *client = client_open(&options, true);
	if (client == NULL) {
		return EXIT_BAD;
	}
	json_t *answer = client_post(client, "/api/safety/passphrase",
		json_pack("{s:o, s:o}", "old", text_or_null(wish->old), "new",
			text_or_null(wish->fresh)));
	client_close(client);
	json_decref(answer);
	return answer != NULL ? EXIT_GOOD : EXIT_BAD;
}

static int change(struct wish *wish, const char *dir)
{
	int lock = -1;
	if (!fits_file(wish, dir) ||
		(wish->deed != DEED_SET && !get(wish->command, wish->old, wish->old_file,
						   "Passphrase of the key: ")) ||
		(wish->deed != DEED_REMOVE && !get_fresh(wish))) {
		return EXIT_BAD;
	}
	/* Whoever holds the lock is a node, and is asked. */
	enum err err = file_lock_dir(dir, &lock);
	if (err != ERR_OK && err != ERR_BUSY) {
		return cmd_fail(wish->command, "%s cannot be locked: may you write there?", dir);
	}
	int code = err == ERR_OK ? change_here(wish, dir) : change_there(wish);
	if (lock >= 0) {
		(void)close(lock);
	}
	if (code == EXIT_GOOD) {
		(void)puts(done[wish->deed]);
	}
	return code;
}

static enum deed deed_named(const char *name)
{
	enum deed deed = DEED_SET;
	while (deed < DEED_COUNT && strcmp(deeds[deed], name) != 0) {
		deed++;
	}
	return deed;
}

int cmd_passphrase(int argc, char **argv)
{
	struct wish wish = {.command = "passphrase"};
	const struct cmd_option options[] = {{"--data", &wish.data, NULL},
		{"--passphrase-file", &wish.old_file, NULL}, {"--new-file", &wish.new_file, NULL}};
	int plain = cmd_options("passphrase", argc, argv, options, 3);
	if (plain < 0) {
		return EXIT_USAGE;
	}
	wish.deed = plain == 1 ? deed_named(argv[1]) : DEED_COUNT;
	if (wish.deed == DEED_COUNT) {
		return cmd_usage(
			cmd_find("passphrase"), "it takes one word: set, change or remove");
	}
	body_wipe_json();
	struct buf dir = BUF_INIT(DIR_BYTES);
	int code = EXIT_BAD;
	enum err err = config_data_dir(wish.data, &dir);
	wish.old = ask_new();
	wish.fresh = ask_new();
	wish.again = ask_new();
	if (err != ERR_OK || wish.old == NULL || wish.fresh == NULL || wish.again == NULL) {
		(void)cmd_fail(
			"passphrase", "%s", config_data_dir_why(err != ERR_OK ? err : ERR_NOMEM));
	} else {
		code = change(&wish, (const char *)dir.at);
	}
	ask_free(wish.old);
	ask_free(wish.fresh);
	ask_free(wish.again);
	buf_fini(&dir);
	return code;
}

int cmd_unlock(int argc, char **argv)
{
	const char *file = NULL;
	struct client_options client_options = {.name = "unlock"};
	const struct cmd_option options[] = {
		{"--data", &client_options.data, NULL}, {"--passphrase-file", &file, NULL}};
	int plain = cmd_options("unlock", argc, argv, options, 2);
	if (plain != 0) {
		return plain < 0 ? EXIT_USAGE
				 : cmd_usage(cmd_find("unlock"), "it takes no argument");
	}
	struct ask *ask = ask_new();
	struct client *client = NULL;
	json_t *answer = NULL;
	if (ask == NULL) {
		return cmd_fail("unlock", "there is no memory");
	}
	client = client_open(&client_options, true);
	if (client != NULL && get("unlock", ask, file, "Passphrase of the key: ")) {
		answer = client_post(client, "/api/unlock",
			json_pack("{s:o}", "passphrase",
				json_stringn((const char *)ask->at, ask->len)));
	}
	ask_free(ask);
	client_close(client);
	json_decref(answer);
	if (answer == NULL) {
		return EXIT_BAD;
	}
	(void)puts("The node has its key.");
	return EXIT_GOOD;
}
