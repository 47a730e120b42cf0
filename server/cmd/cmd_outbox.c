/* `kith outbox` and `kith undo`: posts that wait to be signed, and taking one back. */
#include "base/limits.h"
#include "cmd/client.h"

#include <stdio.h>
#include <string.h>

enum { TARGET_BYTES = 96 };

static json_t *ask_outbox(struct client *client)
{
	return client_ask(client, "GET", "/api/outbox", span_of(NULL, 0));
}

static void print_held(const json_t *row)
{
	(void)printf("%s  in %lld s  ", client_text(row, "nonce"),
		(client_number(row, "left_ms") + 999) / 1000);
	cmd_print_line(client_text(json_object_get(row, "body"), "text"));
}

static int list(const struct client_options *options, struct client *client)
{
	json_t *answer = ask_outbox(client);
	const json_t *held = json_object_get(answer, "outbox");
	int code = answer == NULL ? EXIT_BAD : EXIT_GOOD;
	if (answer != NULL && options->is_json) {
		code = client_print_json(answer);
	} else if (answer != NULL && json_array_size(held) == 0) {
		(void)printf("Nothing waits to be signed.\n");
	}
	for (size_t i = 0; !options->is_json && i < json_array_size(held); i++) {
		print_held(json_array_get(held, i));
	}
	json_decref(answer);
	return code;
}

static int send_now(const struct client_options *options, struct client *client, const char *nonce)
{
	char target[TARGET_BYTES];
	(void)snprintf(target, sizeof(target), "/api/outbox/%s", nonce);
	json_t *answer = client_post(client, target, json_object());
	int code = answer == NULL     ? EXIT_BAD
		   : options->is_json ? client_print_json(answer)
				      : client_print_text(answer, "key");
	json_decref(answer);
	return code;
}

/* What may stand in a path (api/serve_writing.c). */
static bool is_nonce(const char *text)
{
	size_t len =
		strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
	return len > 0 && len <= LIMIT_WRITING_NAME_BYTES && text[len] == '\0';
}

int cmd_outbox(int argc, char **argv)
{
	struct client_options options = {.data = NULL};
	const char *wanted = "it takes nothing, or `send ID`";
	int code = client_options(&options, argc, argv, 0, 2, wanted);
	if (code >= 0) {
		return code;
	}
	bool is_send = argv[1] != NULL;
	if (is_send && (strcmp(argv[1], "send") != 0 || argv[2] == NULL || !is_nonce(argv[2]))) {
		return cmd_usage(cmd_find("outbox"), "%s", wanted);
	}
	struct client *client = client_open(&options, false);
	if (client == NULL) {
		return EXIT_BAD;
	}
	code = is_send ? send_now(&options, client, argv[2]) : list(&options, client);
	client_close(client);
	return code;
}

/* What was posted last of all that waits; "" when nothing does. */
static bool newest(struct client *client, char nonce[static TARGET_BYTES])
{
	json_t *answer = ask_outbox(client);
	const json_t *held = json_object_get(answer, "outbox");
	long long at = -1;
	nonce[0] = '\0';
	for (size_t i = 0; i < json_array_size(held); i++) {
		const json_t *row = json_array_get(held, i);
		if (client_number(row, "at") >= at) {
			at = client_number(row, "at");
			(void)snprintf(nonce, TARGET_BYTES, "%s", client_text(row, "nonce"));
		}
	}
	bool is_answered = answer != NULL;
	json_decref(answer);
	return is_answered;
}

static int undo(const struct client_options *options, struct client *client, const char *nonce)
{
	char target[TARGET_BYTES];
	(void)snprintf(target, sizeof(target), "/api/outbox/%s", nonce);
	json_t *answer = client_ask(client, "DELETE", target, span_of(NULL, 0));
	if (answer == NULL) {
		return EXIT_BAD;
	}
	if (options->is_json) {
		(void)client_print_json(answer);
	} else {
		(void)printf("Taken back; nothing was signed: ");
		cmd_print_line(client_text(json_object_get(answer, "body"), "text"));
	}
	json_decref(answer);
	return EXIT_GOOD;
}

int cmd_undo(int argc, char **argv)
{
	struct client_options options = {.data = NULL};
	char nonce[TARGET_BYTES] = "";
	const char *wanted = "it takes nothing, or the ID that `kith outbox` shows";
	int code = client_options(&options, argc, argv, 0, 1, wanted);
	if (code >= 0) {
		return code;
	}
	if (argv[1] != NULL && !is_nonce(argv[1])) {
		return cmd_usage(cmd_find("undo"), "%s", wanted);
	}
	struct client *client = client_open(&options, false);
	if (client == NULL) {
		return EXIT_BAD;
	}
	code = EXIT_BAD;
	if (argv[1] != NULL) {
		code = undo(&options, client, argv[1]);
	} else if (newest(client, nonce)) {
		code = nonce[0] != '\0' ? undo(&options, client, nonce)
					: cmd_fail("undo", "nothing waits to be signed");
	}
	client_close(client);
	return code;
}
