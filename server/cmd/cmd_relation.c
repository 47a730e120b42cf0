/* `kith follow`, `unfollow`, `block`, `unblock`: what we say of somebody, signed. */
#include "cmd/client.h"

#include "feed/id.h"

#include <stdio.h>
#include <string.h>

static int relate(
	int argc, char **argv, const char *is, const char *not_while, const char *sentence);

/* Nobody is told, so there is no way to them in it either. */
static bool is_asked_private(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--private") == 0) {
			return true;
		}
	}
	return false;
}

int cmd_follow(int argc, char **argv)
{
	struct client_options options = {.data = NULL};
	if (is_asked_private(argc, argv)) {
		return relate(argc, argv, "follow", NULL, NULL);
	}
	int code = client_options(
		&options, argc, argv, 1, 2, "it takes a key, and perhaps an address");
	if (code >= 0) {
		return code;
	}
	struct client *client = client_open(&options, false);
	json_t *answer =
		client == NULL ? NULL : client_post_pasted(client, "/api/follow", argv[1], argv[2]);
	code = EXIT_BAD;
	if (answer != NULL && options.is_json) {
		code = client_print_json(answer);
	} else if (answer != NULL && json_is_null(json_object_get(answer, "key"))) {
		code = printf("You follow them already.\n") > 0 ? EXIT_GOOD : EXIT_BAD;
	} else if (answer != NULL) {
		code = client_print_text(answer, "key");
	}
	json_decref(answer);
	client_close(client);
	return code;
}

/* How it stands between us and them: "follow", "block" or "none"; false when it said why not. */
static bool read_edge(struct client *client, const struct feed_id *id, char edge[static 8])
{
	char path[ID_PATH_BYTES];
	char target[64];
	id_format_path(id->at, path);
	(void)snprintf(target, sizeof(target), "/api/person/%s", path);
	json_t *answer = client_ask(client, "GET", target, span_of(NULL, 0));
	const char *i = json_string_value(json_object_get(json_object_get(answer, "person"), "i"));
	(void)snprintf(edge, 8, "%s", i == NULL ? "none" : i);
	json_decref(answer);
	return answer != NULL;
}

/* One message decides the whole edge, so ending the one would end the other: `not_while` is
 * refused. */
static int relate(
	int argc, char **argv, const char *is, const char *not_while, const char *sentence)
{
	bool is_private = false;
	const struct cmd_option extra[] = {{.name = "--private", .flag = &is_private}};
	struct client_options options = {.extra = extra, .extra_count = 1};
	struct feed_id id;
	char edge[8];
	int code = client_options(&options, argc, argv, 1, 1, "it takes one key");
	if (code >= 0) {
		return code;
	}
	if (feed_id_parse_any(span_text(argv[1]), &id) != ERR_OK) {
		return cmd_fail(argv[0], "%s is not the key of a person", argv[1]);
	}
	struct client *client = client_open(&options, false);
	if (client == NULL) {
		return EXIT_BAD;
	}
	json_t *answer = NULL;
	if (read_edge(client, &id, edge)) {
		if (not_while != NULL && strcmp(edge, not_while) == 0) {
			(void)cmd_fail(argv[0], "%s", sentence);
		} else {
			json_t *body = json_pack("{s:s, s:s}", "id", argv[1], "is", is);
			if (is_private) {
				(void)json_object_set_new(body, "private", json_true());
			}
			answer = client_post(client, "/api/relation", body);
		}
	}
	code = answer == NULL    ? EXIT_BAD
	       : options.is_json ? client_print_json(answer)
				 : client_print_text(answer, "key");
	json_decref(answer);
	client_close(client);
	return code;
}

int cmd_unfollow(int argc, char **argv)
{
	return relate(argc, argv, "none", "block",
		"you block them, and so do not follow them; `kith unblock` ends that");
}

int cmd_block(int argc, char **argv)
{
	return relate(argc, argv, "block", NULL, NULL);
}

int cmd_unblock(int argc, char **argv)
{
	return relate(argc, argv, "none", "follow",
		"you follow them, and so do not block them; `kith unfollow` ends that");
}
