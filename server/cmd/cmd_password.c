/* `kith password`: what opens the page on a device that has no code. Whoever may ask on this
 * machine is the owner, so the one before is not asked for. */
#include "cmd/ask.h"
#include "cmd/client.h"

#include <stdio.h>

enum { WHY_BYTES = 512 };

/* From the file, or twice from the terminal; false: it said what is wrong. */
static bool get(const char *file, struct ask *fresh, struct ask *again)
{
	char why[WHY_BYTES] = "";
	enum err err = ask_passphrase(fresh, file, "New password: ", why, sizeof(why));
	if (err == ERR_OK && fresh->len < LIMIT_PASSWORD_BYTES_MIN) {
		(void)snprintf(why, sizeof(why), "a password has %d characters or more",
			LIMIT_PASSWORD_BYTES_MIN);
		err = ERR_LIMIT;
	}
	if (err == ERR_OK && file == NULL) {
		err = ask_passphrase(again, NULL, "The same again: ", why, sizeof(why));
	}
	if (err == ERR_OK && file == NULL && !span_equal(ask_span(fresh), ask_span(again))) {
		(void)snprintf(
			why, sizeof(why), "the two are not the same, so nothing was changed");
		err = ERR_REFUSED;
	}
	if (err != ERR_OK) {
		(void)cmd_fail("password", "%s", why);
	}
	return err == ERR_OK;
}

static json_t *set(struct client *client, const char *file)
{
	struct ask *fresh = ask_new();
	struct ask *again = ask_new();
	json_t *answer = NULL;
	if (fresh == NULL || again == NULL) {
		(void)cmd_fail("password", "there is no memory");
	} else if (get(file, fresh, again)) {
		answer = client_post(client, "/api/password",
			json_pack(
				"{s:o}", "new", json_stringn((const char *)fresh->at, fresh->len)));
	}
	ask_free(fresh);
	ask_free(again);
	return answer;
}

int cmd_password(int argc, char **argv)
{
	static const char wanted[] = "it takes one word: set or remove";
	const char *file = NULL;
	const struct cmd_option extra[] = {{"--password-file", &file, NULL}};
	struct client_options options = {.data = NULL, .extra = extra, .extra_count = 1};
	int code = client_options(&options, argc, argv, 1, 1, wanted);
	if (code >= 0) {
		return code;
	}
	bool is_set = strcmp(argv[1], "set") == 0;
	if (!is_set && (strcmp(argv[1], "remove") != 0 || file != NULL)) {
		return cmd_usage(cmd_find("password"), "%s", wanted);
	}
	struct client *client = client_open(&options, false);
	if (client == NULL) {
		return EXIT_BAD;
	}
	json_t *answer = is_set ? set(client, file)
				: client_ask(client, "DELETE", "/api/password", span_of(NULL, 0));
	client_close(client);
	code = answer == NULL ? EXIT_BAD : EXIT_GOOD;
	if (answer != NULL && options.is_json) {
		code = client_print_json(answer);
	} else if (answer != NULL) {
		(void)puts(is_set ? "The page opens with the new password now; every device is "
				    "signed out."
				  : "No password opens the page now; every device is signed out.");
	}
	json_decref(answer);
	return code;
}
