/* `kith post` and `kith publish`: sign one message and print its key. */
#include "cmd/client.h"

#include "base/limits.h"

#include <stdio.h>

static int print_result(const struct client_options *options, const json_t *answer)
{
	return options->is_json ? client_print_json(answer) : client_print_text(answer, "key");
}

static int finish(const struct client_options *options, struct client *client, json_t *answer)
{
	int code = answer == NULL ? EXIT_BAD : print_result(options, answer);
	json_decref(answer);
	client_close(client);
	return code;
}

int cmd_post(int argc, char **argv)
{
	struct client_options options = {.data = NULL};
	int code = client_options(&options, argc, argv, 1, 1, "it takes one text (in quotes)");
	struct client *client = code < 0 ? client_open(&options, false) : NULL;
	if (client == NULL) {
		return code < 0 ? EXIT_BAD : code;
	}
	json_t *body = json_pack("{s:s}", "text", argv[1]);
	return finish(&options, client, client_post(client, "/api/post", body));
}

/* The content as bytes: from the argument, or from standard input when it is "-". */
static bool read_content(const char *argument, struct buf *out)
{
	if (strcmp(argument, "-") != 0) {
		return buf_append_text(out, argument) == ERR_OK;
	}
	char part[4096];
	size_t len = 0;
	while ((len = fread(part, 1, sizeof(part), stdin)) > 0) {
		if (buf_append(out, span_of(part, len)) != ERR_OK) {
			return false;
		}
	}
	return ferror(stdin) == 0;
}

int cmd_publish(int argc, char **argv)
{
	struct client_options options = {.data = NULL};
	struct buf content = BUF_INIT(LIMIT_HTTP_BODY_BYTES);
	int code = client_options(
		&options, argc, argv, 1, 1, "it takes one JSON object, or - for standard input");
	if (code >= 0) {
		return code;
	}
	if (!read_content(argv[1], &content)) {
		buf_fini(&content);
		return cmd_fail("publish", "the content is too large or cannot be read");
	}
	struct client *client = client_open(&options, false);
	code = EXIT_BAD;
	if (client != NULL) {
		code = finish(&options, client,
			client_ask(client, "POST", "/api/publish", buf_span(&content)));
	}
	buf_fini(&content);
	return code;
}
