/* `kith drafts`: what was written while publishing was paused. */
#include "cmd/client.h"

#include <stdio.h>

enum { TARGET_BYTES = 64, DIGITS_MAX = 15 };

static void print_draft(const json_t *row)
{
	char at[CMD_TIME_BYTES];
	const json_t *content = json_object_get(row, "content");
	const char *type = json_string_value(json_object_get(row, "type"));
	const char *text = json_string_value(json_object_get(content, "text"));
	(void)printf("%-5lld %s  %-8s ", (long long)json_integer_value(json_object_get(row, "id")),
		cmd_time(json_integer_value(json_object_get(row, "at")), at),
		type == NULL ? "?" : type);
	cmd_print_line(text == NULL ? "" : text);
}

static int list_drafts(const struct client_options *options, struct client *client)
{
	json_t *answer = client_ask(client, "GET", "/api/drafts", span_of(NULL, 0));
	const json_t *drafts = json_object_get(answer, "drafts");
	int code = answer == NULL ? EXIT_BAD : EXIT_GOOD;
	if (answer != NULL && options->is_json) {
		code = client_print_json(answer);
	} else if (answer != NULL && json_array_size(drafts) == 0) {
		(void)printf("There are no drafts.\n");
	}
	for (size_t i = 0; !options->is_json && i < json_array_size(drafts); i++) {
		print_draft(json_array_get(drafts, i));
	}
	if (!options->is_json && json_is_true(json_object_get(answer, "more"))) {
		(void)printf("There are older ones.\n");
	}
	json_decref(answer);
	return code;
}

static int change_draft(
	const struct client_options *options, struct client *client, bool is_publish, const char *n)
{
	char target[TARGET_BYTES];
	(void)snprintf(target, sizeof(target), "/api/drafts/%s%s", n, is_publish ? "/publish" : "");
	json_t *answer = is_publish ? client_post(client, target, json_object())
				    : client_ask(client, "DELETE", target, span_of(NULL, 0));
	int code = answer == NULL     ? EXIT_BAD
		   : options->is_json ? client_print_json(answer)
		   : is_publish       ? client_print_text(answer, "key")
				      : EXIT_GOOD;
	json_decref(answer);
	return code;
}

static bool is_number(const char *text)
{
	size_t len = strspn(text, "0123456789");
	return len > 0 && len <= DIGITS_MAX && text[len] == '\0';
}

int cmd_drafts(int argc, char **argv)
{
	struct client_options options = {.data = NULL};
	const char *wanted = "it takes nothing, or `publish N`, or `drop N`";
	int code = client_options(&options, argc, argv, 0, 2, wanted);
	if (code >= 0) {
		return code;
	}
	const char *what = argv[1];
	bool is_publish = what != NULL && strcmp(what, "publish") == 0;
	bool is_drop = what != NULL && strcmp(what, "drop") == 0;
	if (what != NULL && ((!is_publish && !is_drop) || argv[2] == NULL || !is_number(argv[2]))) {
		return cmd_usage(cmd_find("drafts"), "%s", wanted);
	}
	const char *number = argv[1] == NULL ? NULL : argv[2];
	struct client *client = client_open(&options, false);
	if (client == NULL) {
		return EXIT_BAD;
	}
	code = what == NULL ? list_drafts(&options, client)
			    : change_draft(&options, client, is_publish, number);
	client_close(client);
	return code;
}
