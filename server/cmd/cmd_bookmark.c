/* `kith bookmark`: posts the owner keeps for themselves. */
#include "cmd/client.h"

#include <stdio.h>
#include <string.h>

enum { WORDS_SHOWN = 72 };

/* One line: which, and how it begins. */
static int print_post(const json_t *post)
{
	char words[WORDS_SHOWN + 1];
	(void)snprintf(words, sizeof(words), "%s", client_text(post, "text"));
	for (char *at = words; *at != '\0'; at++) {
		*at = (char)((unsigned char)*at < ' ' ? ' ' : *at);
	}
	size_t len = strlen(words);
	while (len > 0 && (words[len - 1] & 0xc0) == 0x80) {
		len--; /* a letter that was cut goes as a whole */
	}
	bool is_cut = strlen(client_text(post, "text")) > WORDS_SHOWN && len > 0;
	words[is_cut ? len - 1 : strlen(words)] = '\0';
	return printf("%s  %s\n", client_text(post, "id"), words) > 0 ? EXIT_GOOD : EXIT_BAD;
}

static int print_all(const json_t *answer)
{
	int code = EXIT_GOOD;
	size_t i = 0;
	const json_t *post = NULL;
	json_array_foreach(json_object_get(answer, "posts"), i, post)
	{
		code = code == EXIT_GOOD ? print_post(post) : code;
	}
	return code;
}

static int list(struct client *client, bool is_json)
{
	json_t *answer = client_ask(client, "GET", "/api/bookmarks?limit=100", span_of(NULL, 0));
	int code = answer == NULL ? EXIT_BAD
		   : is_json      ? client_print_json(answer)
				  : print_all(answer);
	json_decref(answer);
	return code;
}

static int change(struct client *client, const char *id, bool is_on, bool is_json)
{
	json_t *answer = client_post(
		client, "/api/bookmark", json_pack("{s:s, s:b}", "id", id, "on", is_on));
	int code = answer == NULL ? EXIT_BAD
		   : is_json      ? client_print_json(answer)
		   : printf("%s\n", is_on ? "Kept. Only you see it." : "Not kept any more.") > 0
			   ? EXIT_GOOD
			   : EXIT_BAD;
	json_decref(answer);
	return code;
}

int cmd_bookmark(int argc, char **argv)
{
	struct client_options options = {.data = NULL};
	int code = client_options(&options, argc, argv, 1, 2, "it takes add ID, remove ID or list");
	if (code >= 0) {
		return code;
	}
	bool is_list = strcmp(argv[1], "list") == 0;
	bool is_add = strcmp(argv[1], "add") == 0;
	if ((!is_list && !is_add && strcmp(argv[1], "remove") != 0) ||
		is_list != (argv[2] == NULL)) {
		return cmd_usage(cmd_find("bookmark"), "it takes add ID, remove ID or list");
	}
	struct client *client = client_open(&options, false);
	if (client == NULL) {
		return EXIT_BAD;
	}
	code = is_list ? list(client, options.is_json)
		       : change(client, argv[2], is_add, options.is_json);
	client_close(client);
	return code;
}
