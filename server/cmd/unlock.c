/* A locked key for a command. */
#include "cmd/unlock.h"

#include "cmd/ask.h"
#include "store/secret.h"

#include <stdio.h>

enum { UNLOCK_WHY_BYTES = 512 };

enum err unlock_key_why(
	const char *dir, const char *passphrase_file, struct key **out, char *why, size_t why_bytes)
{
	struct secret_facts facts = {.is_wrapped = false};
	struct ask *ask = ask_new();
	if (ask == NULL) {
		(void)snprintf(why, why_bytes, "there is no memory for the key");
		return ERR_NOMEM;
	}
	enum err err = secret_look(dir, &facts, why, why_bytes);
	if (err == ERR_OK && facts.is_wrapped && passphrase_file == NULL && !ask_is_possible()) {
		(void)snprintf(why, why_bytes,
			"the key is locked with a passphrase, and there is no terminal to ask for "
			"it");
		err = ERR_NOT_FOUND;
	} else if (err == ERR_OK && facts.is_wrapped) {
		err = ask_passphrase(
			ask, passphrase_file, "Passphrase of the key: ", why, why_bytes);
	}
	if (err == ERR_OK) {
		err = secret_load(dir, ask_span(ask), out, why, why_bytes);
	}
	ask_free(ask);
	return err;
}

enum err unlock_key(
	const char *command, const char *dir, const char *passphrase_file, struct key **out)
{
	char why[UNLOCK_WHY_BYTES] = "";
	enum err err = unlock_key_why(dir, passphrase_file, out, why, sizeof(why));
	if (err != ERR_OK) {
		(void)cmd_fail(command, "%s", why);
	}
	return err;
}
