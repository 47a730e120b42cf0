/* `kith thread`: a conversation in its order, with what is missing of it. `kith fetch`: ask
 * everybody connected for one message. */
#include "cmd/client.h"

#include "feed/id.h"
#include "store/index.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TARGET_BYTES = 128, LINE_BYTES = 16 * 1024 };

/* "/api/<before><id><behind>"; false when it said that `text` is no id. */
static bool write_target(char *name, const char *text, const char *before, const char *behind,
	char out[static TARGET_BYTES])
{
	struct message_id id;
	char path[ID_PATH_BYTES];
	if (message_id_parse_any(span_text(text), &id) != ERR_OK) {
		(void)cmd_fail(name, "%s is not the id of a message", text);
		return false;
	}
	id_format_path(id.at, path);
	(void)snprintf(out, TARGET_BYTES, "/api/%s%s%s", before, path, behind);
	return true;
}

/* A stranger's words, without what would move a terminal's cursor. */
static void print_words(const char *text)
{
	static char clean[LINE_BYTES];
	index_clean_text(span_text(text), clean, sizeof(clean));
	const char *line = clean;
	while (*line != '\0') {
		size_t len = strcspn(line, "\n");
		(void)printf("    %.*s\n", (int)len, line);
		line += len + (line[len] == '\n' ? 1 : 0);
	}
}

static const char *name_of(const json_t *people, const char *id)
{
	for (size_t i = 0; i < json_array_size(people); i++) {
		const json_t *person = json_array_get(people, i);
		const char *name = client_text(person, "name");
		if (strcmp(client_text(person, "id"), id) == 0 && name[0] != '\0') {
			return name;
		}
	}
	return id;
}

static const char *why_missing(const json_t *gaps, const char *id)
{
	static const char *const said[][2] = {
		{"arriving", "older messages are still on their way"},
		{"blocked", "you block who wrote it"},
		{"muted", "you muted who wrote it"},
		{"too_far", "it seems to be by somebody who is not among the friends of friends"},
	};
	for (size_t i = 0; i < json_array_size(gaps); i++) {
		const json_t *gap = json_array_get(gaps, i);
		if (strcmp(client_text(gap, "id"), id) != 0) {
			continue;
		}
		for (size_t k = 0; k < sizeof(said) / sizeof(said[0]); k++) {
			if (strcmp(client_text(gap, "why"), said[k][0]) == 0) {
				return said[k][1];
			}
		}
	}
	return "it has not reached this node";
}

static void print_post(const json_t *answer, const json_t *post)
{
	char at[CMD_TIME_BYTES];
	const char *id = client_text(post, "id");
	bool is_root = strcmp(id, client_text(answer, "root")) == 0;
	long long own = client_number(post, "replies");
	if (json_is_true(json_object_get(post, "missing"))) {
		(void)printf("-- missing: %s  %s\n",
			why_missing(json_object_get(answer, "gaps"), id), id);
		return;
	}
	(void)printf("%s  %s  %s\n", cmd_time(client_number(post, "at"), at),
		name_of(json_object_get(answer, "people"), client_text(post, "author")), id);
	print_words(client_text(post, "text"));
	if (!is_root && own > 0) {
		(void)printf("    (%lld in a conversation of their own: kith thread --own %s)\n",
			own, id);
	}
}

static int print_thread(const json_t *answer)
{
	const json_t *posts = json_object_get(answer, "posts");
	for (size_t i = 0; i < json_array_size(posts); i++) {
		print_post(answer, json_array_get(posts, i));
	}
	return printf("%lld of %lld messages here\n", client_number(answer, "here"),
		       client_number(answer, "total")) > 0
		       ? EXIT_GOOD
		       : EXIT_BAD;
}

int cmd_thread(int argc, char **argv)
{
	bool is_own = false;
	const struct cmd_option extra[] = {{.name = "--own", .flag = &is_own}};
	struct client_options options = {.data = NULL, .extra = extra, .extra_count = 1};
	char target[TARGET_BYTES];
	int code = client_options(&options, argc, argv, 1, 1, "it takes one id of a message");
	if (code >= 0) {
		return code;
	}
	if (!write_target(argv[0], argv[1], "thread/", is_own ? "?own=1" : "", target)) {
		return EXIT_BAD;
	}
	struct client *client = client_open(&options, false);
	json_t *answer =
		client == NULL ? NULL : client_ask(client, "GET", target, span_of(NULL, 0));
	code = answer == NULL    ? EXIT_BAD
	       : options.is_json ? client_print_json(answer)
				 : print_thread(answer);
	json_decref(answer);
	client_close(client);
	return code;
}

static int print_fetched(const json_t *answer)
{
	if (json_is_true(json_object_get(answer, "found"))) {
		return printf("it is here\n") > 0 ? EXIT_GOOD : EXIT_BAD;
	}
	if (json_is_true(json_object_get(answer, "blocked"))) {
		(void)printf("it is by somebody you block, and is not kept\n");
		return EXIT_BAD;
	}
	(void)printf("asked %lld, nobody has it yet", client_number(answer, "asked"));
	if (client_number(answer, "cannot") > 0) {
		(void)printf("; %lld cannot be asked this", client_number(answer, "cannot"));
	}
	if (client_number(answer, "silent") > 0) {
		(void)printf("; %lld did not answer", client_number(answer, "silent"));
	}
	(void)printf("\n");
	return EXIT_BAD;
}

int cmd_fetch(int argc, char **argv)
{
	struct client_options options = {.data = NULL};
	char target[TARGET_BYTES];
	int code = client_options(&options, argc, argv, 1, 1, "it takes one id of a message");
	if (code >= 0) {
		return code;
	}
	if (!write_target(argv[0], argv[1], "message/", "/fetch", target)) {
		return EXIT_BAD;
	}
	struct client *client = client_open(&options, true);
	json_t *answer = client == NULL ? NULL : client_post(client, target, json_object());
	if (answer != NULL && options.is_json) {
		code = client_print_json(answer);
	} else {
		code = answer == NULL ? EXIT_BAD : print_fetched(answer);
	}
	json_decref(answer);
	client_close(client);
	return code;
}
