/* `kith device`: which browsers are signed in, a code for another one, and the end of one. */
#include "cmd/client.h"

#include <stdio.h>

enum { TARGET_BYTES = 64, ID_LETTERS = 16 };

static const char wanted[] = "it takes list, add [--read-only], rename ID NAME or revoke ID";

static void print_device(const json_t *row)
{
	char seen[CMD_TIME_BYTES];
	const char *name = client_text(row, "name");
	(void)printf("%s  %s  %-5s  ", client_text(row, "id"),
		cmd_time(client_number(row, "seen"), seen), client_text(row, "may"));
	cmd_print_line(name[0] == '\0' ? "?" : name);
}

static void print_list(const json_t *answer)
{
	const json_t *rows = json_object_get(answer, "devices");
	for (size_t i = 0; i < json_array_size(rows); i++) {
		print_device(json_array_get(rows, i));
	}
	if (json_array_size(rows) == 0) {
		(void)printf("No device is signed in.\n");
	}
	(void)printf("%s\n", json_is_true(json_object_get(answer, "password"))
				     ? "A password opens the page too."
				     : "No password is set: `kith password set`.");
}

static void print_code(const json_t *answer)
{
	(void)printf("%s\n%s\nGood once, for two minutes: type the code on the other device, or "
		     "open the link there.\n",
		client_text(answer, "code"), client_text(answer, "link"));
}

static bool is_id(const char *text)
{
	return strlen(text) == ID_LETTERS && strspn(text, "0123456789abcdef") == ID_LETTERS;
}

/* What argv asks for: the function that prints the answer; NULL: nothing that there is. */
typedef void print_fn(const json_t *answer);
static print_fn *ask(struct client *client, char **argv, int count, bool is_read_only, json_t **out)
{
	char target[TARGET_BYTES];
	const char *verb = argv[1];
	(void)snprintf(target, sizeof(target), "/api/devices/%s", count > 1 ? argv[2] : "code");
	if (strcmp(verb, "list") == 0) {
		*out = client_ask(client, "GET", "/api/devices", span_of(NULL, 0));
		return print_list;
	}
	if (strcmp(verb, "add") == 0) {
		*out = client_post(
			client, target, json_pack("{s:s}", "may", is_read_only ? "read" : "write"));
		return print_code;
	}
	if (strcmp(verb, "rename") == 0) {
		*out = client_post(client, target, json_pack("{s:s}", "name", argv[3]));
		return print_device;
	}
	*out = client_ask(client, "DELETE", target, span_of(NULL, 0));
	return NULL;
}

static bool is_sound(char **argv, int count, bool is_read_only)
{
	static const struct {
		const char *verb;
		int count;
	} verbs[] = {{"list", 1}, {"add", 1}, {"rename", 3}, {"revoke", 2}};
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(argv[1], verbs[i].verb) == 0) {
			bool is_add = strcmp(argv[1], "add") == 0;
			return count == verbs[i].count && (count < 2 || is_id(argv[2])) &&
			       (is_add || !is_read_only);
		}
	}
	return false;
}

int cmd_device(int argc, char **argv)
{
	bool is_read_only = false;
	const struct cmd_option extra[] = {{"--read-only", NULL, &is_read_only}};
	struct client_options options = {.data = NULL, .extra = extra, .extra_count = 1};
	int count = 0;
	json_t *answer = NULL;
	int code = client_options(&options, argc, argv, 1, 3, wanted);
	if (code >= 0) {
		return code;
	}
	while (argv[count + 1] != NULL) {
		count++;
	}
	if (count == 0 || !is_sound(argv, count, is_read_only)) {
		return cmd_usage(cmd_find("device"), "%s", wanted);
	}
	struct client *client = client_open(&options, false);
	if (client == NULL) {
		return EXIT_BAD;
	}
	print_fn *print = ask(client, argv, count, is_read_only, &answer);
	code = answer == NULL ? EXIT_BAD : EXIT_GOOD;
	if (answer != NULL && options.is_json) {
		code = client_print_json(answer);
	} else if (answer != NULL && print != NULL) {
		print(answer);
	}
	json_decref(answer);
	client_close(client);
	return code;
}
