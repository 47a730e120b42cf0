/* `kith post` and `kith publish`: sign one message and print its key. */
#include "cmd/client.h"

#include "base/limits.h"
#include "feed/id.h"

#include <stdio.h>

enum { TARGET_BYTES_MAX = 4096 };

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

/* "/api/publish", with everybody who is to read it. */
static bool put_target(const struct cmd_list *to, struct buf *out)
{
	enum err err = buf_append_text(out, "/api/publish");
	for (int i = 0; err == ERR_OK && i < to->count; i++) {
		struct feed_id id;
		char path[ID_PATH_BYTES];
		if (feed_id_parse_any(span_text(to->at[i]), &id) != ERR_OK) {
			(void)cmd_fail("publish", "%s is not the key of a person", to->at[i]);
			return false;
		}
		id_format_path(id.at, path);
		err = buf_printf(out, "%sto=%s", i == 0 ? "?" : "&", path);
	}
	return err == ERR_OK && buf_cstr(out) != NULL;
}

int cmd_publish(int argc, char **argv)
{
	struct cmd_list to = {.count = 0};
	struct client_options options = {.data = NULL};
	struct buf target = BUF_INIT(TARGET_BYTES_MAX);
	struct buf content = BUF_INIT(LIMIT_HTTP_BODY_BYTES);
	argc = cmd_take_list("publish", argc, argv, "--to", &to);
	if (argc < 0) {
		return EXIT_USAGE;
	}
	int code = client_options(
		&options, argc, argv, 1, 1, "it takes one JSON object, or - for standard input");
	if (code >= 0) {
		return code;
	}
	if (!put_target(&to, &target)) {
		buf_fini(&target);
		return EXIT_BAD;
	}
	if (!read_content(argv[1], &content)) {
		buf_fini(&target);
		buf_fini(&content);
		return cmd_fail("publish", "the content is too large or cannot be read");
	}
	struct client *client = client_open(&options, false);
	code = EXIT_BAD;
	if (client != NULL) {
		code = finish(&options, client,
			client_ask(client, "POST", (const char *)target.at, buf_span(&content)));
	}
	buf_fini(&target);
	buf_fini(&content);
	return code;
}
