/* `kith connect`, `disconnect`, `peers`, `link`: what only a running node can do. */
#include "cmd/client.h"

#include <stdio.h>
#include <string.h>

static int finish(struct client *client, json_t *answer, int code)
{
	json_decref(answer);
	client_close(client);
	return answer == NULL ? EXIT_BAD : code;
}

int cmd_connect(int argc, char **argv)
{
	struct client_options options = {.data = NULL};
	int code = client_options(&options, argc, argv, 1, 1, "it takes one address");
	struct client *client = code < 0 ? client_open(&options, true) : NULL;
	if (client == NULL) {
		return code < 0 ? EXIT_BAD : code;
	}
	json_t *answer =
		client_post(client, "/api/network/connect", json_pack("{s:s}", "address", argv[1]));
	if (answer != NULL) {
		code = options.is_json ? client_print_json(answer)
				       : client_print_text(answer, "id");
	}
	return finish(client, answer, code);
}

int cmd_disconnect(int argc, char **argv)
{
	struct client_options options = {.data = NULL};
	int code =
		client_options(&options, argc, argv, 0, 1, "it takes one key, or nothing for all");
	struct client *client = code < 0 ? client_open(&options, true) : NULL;
	if (client == NULL) {
		return code < 0 ? EXIT_BAD : code;
	}
	json_t *body = argv[1] == NULL ? json_object() : json_pack("{s:s}", "id", argv[1]);
	json_t *answer = client_post(client, "/api/network/disconnect", body);
	if (answer != NULL && options.is_json) {
		code = client_print_json(answer);
	} else if (answer != NULL) {
		long long closed = json_integer_value(json_object_get(answer, "closed"));
		code = printf("%lld closed\n", closed) > 0 ? EXIT_GOOD : EXIT_BAD;
	}
	return finish(client, answer, code);
}

static void print_peer(const json_t *row)
{
	const char *said = client_text(json_object_get(row, "why"), "said");
	long long behind = client_number(row, "behind");
	bool is_up = strcmp(client_text(row, "state"), "connected") == 0;
	(void)printf("%-10s %s %s", client_text(row, "state"), client_text(row, "id"),
		client_text(row, "address"));
	if (is_up && behind > 0) {
		(void)printf(" %lld messages to come", behind);
	} else if (!is_up && said[0] != '\0') {
		(void)printf(" %s", said);
	}
	(void)printf("\n");
}

int cmd_peers(int argc, char **argv)
{
	struct client_options options = {.data = NULL};
	int code = client_options(&options, argc, argv, 0, 0, "it takes no argument");
	struct client *client = code < 0 ? client_open(&options, true) : NULL;
	if (client == NULL) {
		return code < 0 ? EXIT_BAD : code;
	}
	json_t *answer = client_ask(client, "GET", "/api/network", span_of(NULL, 0));
	const json_t *peers = json_object_get(answer, "peers");
	code = EXIT_GOOD;
	if (answer != NULL && options.is_json) {
		code = client_print_json(peers);
	} else if (answer != NULL && json_array_size(peers) == 0) {
		(void)printf("no peers yet\n");
	}
	for (size_t i = 0; !options.is_json && i < json_array_size(peers); i++) {
		print_peer(json_array_get(peers, i));
	}
	return finish(client, answer, code);
}

int cmd_link(int argc, char **argv)
{
	struct client_options options = {.data = NULL};
	int code = client_options(&options, argc, argv, 0, 0, "it takes no argument");
	struct client *client = code < 0 ? client_open(&options, true) : NULL;
	if (client == NULL) {
		return code < 0 ? EXIT_BAD : code;
	}
	json_t *answer = client_post(client, "/api/code", json_object());
	if (answer != NULL) {
		code = options.is_json ? client_print_json(answer)
				       : client_print_text(answer, "link");
	}
	return finish(client, answer, code);
}
