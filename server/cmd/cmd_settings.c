/* `kith sessions` and `kith settings`: which browsers are signed in, and what is set for all of
 * them. */
#include "cmd/client.h"

#include <stdio.h>

enum { TARGET_BYTES = 96 };

static void print_session(const json_t *row)
{
	char seen[CMD_TIME_BYTES];
	const char *name = client_text(row, "name");
	(void)printf("%s  %s  %s\n", client_text(row, "id"),
		cmd_time(client_number(row, "seen"), seen), name[0] == '\0' ? "?" : name);
}

static int list_sessions(const struct client_options *options, struct client *client)
{
	json_t *answer = client_ask(client, "GET", "/api/sessions", span_of(NULL, 0));
	const json_t *rows = json_object_get(answer, "sessions");
	int code = answer == NULL ? EXIT_BAD : EXIT_GOOD;
	if (answer != NULL && options->is_json) {
		code = client_print_json(answer);
	} else if (answer != NULL && json_array_size(rows) == 0) {
		(void)printf("No browser is signed in.\n");
	}
	for (size_t i = 0; !options->is_json && i < json_array_size(rows); i++) {
		print_session(json_array_get(rows, i));
	}
	json_decref(answer);
	return code;
}

static int end_session(const struct client_options *options, struct client *client, const char *id)
{
	char target[TARGET_BYTES];
	(void)snprintf(target, sizeof(target), "/api/sessions/%s", id);
	json_t *answer = client_ask(client, "DELETE", target, span_of(NULL, 0));
	int code = answer == NULL     ? EXIT_BAD
		   : options->is_json ? client_print_json(answer)
				      : EXIT_GOOD;
	json_decref(answer);
	return code;
}

int cmd_sessions(int argc, char **argv)
{
	struct client_options options = {.data = NULL};
	const char *wanted = "it takes nothing, or `end ID`";
	int code = client_options(&options, argc, argv, 0, 2, wanted);
	if (code >= 0) {
		return code;
	}
	const char *id = argv[1] == NULL ? NULL : argv[2];
	if (argv[1] != NULL && (strcmp(argv[1], "end") != 0 || id == NULL ||
				       strspn(id, "0123456789abcdef") != strlen(id) ||
				       strlen(id) > TARGET_BYTES / 2)) {
		return cmd_usage(cmd_find("sessions"), "%s", wanted);
	}
	struct client *client = client_open(&options, true);
	if (client == NULL) {
		return EXIT_BAD;
	}
	code = id == NULL ? list_sessions(&options, client) : end_session(&options, client, id);
	client_close(client);
	return code;
}

static void print_settings(const json_t *answer)
{
	const char *name = NULL;
	json_t *is = NULL;
	json_object_foreach(json_object_get(answer, "activity"), name, is)
	{
		(void)printf("activity %-8s %s\n", name, json_is_true(is) ? "on" : "off");
	}
}

int cmd_settings(int argc, char **argv)
{
	struct client_options options = {.data = NULL};
	const char *wanted = "it takes nothing, or `KIND on`, or `KIND off`";
	int code = client_options(&options, argc, argv, 0, 2, wanted);
	if (code >= 0) {
		return code;
	}
	const char *is = argv[1] == NULL ? NULL : argv[2];
	bool is_on = is != NULL && strcmp(is, "on") == 0;
	if (argv[1] != NULL && !is_on && (is == NULL || strcmp(is, "off") != 0)) {
		return cmd_usage(cmd_find("settings"), "%s", wanted);
	}
	struct client *client = client_open(&options, false);
	if (client == NULL) {
		return EXIT_BAD;
	}
	json_t *answer = is == NULL ? client_ask(client, "GET", "/api/settings", span_of(NULL, 0))
				    : client_post(client, "/api/settings",
					      json_pack("{s:{s:b}}", "activity", argv[1], is_on));
	code = answer == NULL ? EXIT_BAD : EXIT_GOOD;
	if (answer != NULL && options.is_json) {
		code = client_print_json(answer);
	} else if (answer != NULL) {
		print_settings(answer);
	}
	json_decref(answer);
	client_close(client);
	return code;
}
