/* `kith private`: words for certain people, written and read. */
#include "cmd/client.h"

#include "base/limits.h"
#include "feed/id.h"
#include "feed/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TARGET_BYTES = 128, QUERY_BYTES_MAX = 16 * LIMIT_SEARCH_CHARS };

struct private_options {
	struct client_options common;
	struct cmd_list to;
	bool is_new;
};

/* Sending. */

/* {"text","readers":[…]}; NULL: it said what is wrong. */
static json_t *make_body(const struct private_options *options, const char *text)
{
	json_t *readers = json_array();
	for (int i = 0; i < options->to.count; i++) {
		char id_text[FEED_ID_TEXT_BYTES];
		struct feed_id id;
		if (feed_id_parse_any(span_text(options->to.at[i]), &id) != ERR_OK) {
			(void)cmd_fail(
				"private", "%s is not the key of a person", options->to.at[i]);
			json_decref(readers);
			return NULL;
		}
		feed_id_format(&id, id_text);
		(void)json_array_append_new(readers, json_string(id_text));
	}
	json_t *body = json_pack("{s:s, s:O}", "text", text, "readers", readers);
	if (body == NULL) {
		(void)cmd_fail("private", "the text is not valid UTF-8");
	}
	json_decref(readers);
	return body;
}

/* The root under which the conversation of these people goes on, into `body`. False: it said why
 * not. */
static bool put_root(struct client *client, json_t *body)
{
	json_t *answer = client_post(client, "/api/private",
		json_pack("{s:O}", "with", json_object_get(body, "readers")));
	json_t *root = json_object_get(json_object_get(answer, "conversation"), "root");
	if (json_is_string(root)) {
		(void)json_object_set(body, "root", root);
	}
	bool is_answered = answer != NULL;
	json_decref(answer);
	return is_answered;
}

/* What is not to stand on the command line, where neighbours may read it. */
static const char *read_text(const char *argument, struct buf *out)
{
	char part[4096];
	size_t len = 0;
	if (strcmp(argument, "-") != 0) {
		return argument;
	}
	while ((len = fread(part, 1, sizeof(part), stdin)) > 0) {
		if (buf_append(out, span_of(part, len)) != ERR_OK) {
			return NULL;
		}
	}
	while (out->len > 0 && out->at[out->len - 1] == '\n') {
		buf_truncate(out, out->len - 1);
	}
	return ferror(stdin) == 0 ? buf_cstr(out) : NULL;
}

static int send(const struct private_options *options, struct client *client, const char *argument)
{
	struct buf room = BUF_INIT(LIMIT_HTTP_BODY_BYTES);
	const char *text = read_text(argument, &room);
	if (text == NULL) {
		buf_wipe(&room);
		return cmd_fail("private", "the text is too long, or cannot be read");
	}
	json_t *body = make_body(options, text);
	buf_wipe(&room);
	if (body == NULL) {
		return EXIT_BAD;
	}
	if (!options->is_new && !put_root(client, body)) {
		json_decref(body);
		return EXIT_BAD;
	}
	json_t *answer = client_post(client, "/api/post", body);
	int code = answer == NULL            ? EXIT_BAD
		   : options->common.is_json ? client_print_json(answer)
					     : client_print_text(answer, "key");
	json_decref(answer);
	return code;
}

/* Reading. */

/* One line: the content as it is, but for blanks between its parts. */
static int print_content(const json_t *row)
{
	struct json_doc *doc = NULL;
	const json_t *content = json_object_get(row, "content");
	struct span text = span_of(json_string_value(content), json_string_length(content));
	struct buf out = BUF_INIT(4 * LIMIT_MESSAGE_BYTES);
	enum err err = json_parse(text, LIMIT_JSON_DEPTH, &doc);
	if (err == ERR_OK) {
		err = buf_printf(&out,
			"{\"key\":\"%s\",\"author\":\"%s\",\"content\":", client_text(row, "key"),
			client_text(row, "author"));
	}
	if (err == ERR_OK) {
		err = json_write_compact(json_root(doc), &out);
	}
	if (err == ERR_OK) {
		err = buf_append_text(&out, "}\n");
	}
	if (err == ERR_OK && fwrite(out.at, 1, out.len, stdout) != out.len) {
		err = ERR_CLOSED;
	}
	json_doc_wipe(doc);
	buf_wipe(&out);
	return err == ERR_OK ? EXIT_GOOD : cmd_fail("private", "%s", err_text(err));
}

static int print_row(const json_t *row)
{
	char at[CMD_TIME_BYTES];
	json_t *content = json_loads(client_text(row, "content"), JSON_ALLOW_NUL, NULL);
	const char *text = client_text(content, "text");
	(void)printf(
		"%s  %s  ", cmd_time(client_number(row, "at"), at), client_text(row, "author"));
	cmd_print_line(text[0] == '\0' ? client_text(content, "type") : text);
	json_decref(content);
	return EXIT_GOOD;
}

static int list(const struct private_options *options, struct client *client)
{
	char target[TARGET_BYTES] = "/api/private/all";
	int code = EXIT_GOOD;
	bool has_more = true;
	while (code == EXIT_GOOD && has_more) {
		json_t *answer = client_ask(client, "GET", target, span_of(NULL, 0));
		const json_t *rows = json_object_get(answer, "messages");
		const json_t *after = json_object_get(answer, "after");
		code = answer == NULL ? EXIT_BAD : EXIT_GOOD;
		for (size_t i = 0; code == EXIT_GOOD && i < json_array_size(rows); i++) {
			const json_t *row = json_array_get(rows, i);
			code = options->common.is_json ? print_content(row) : print_row(row);
		}
		has_more = json_is_integer(after);
		if (has_more) {
			(void)snprintf(target, sizeof(target), "/api/private/all?after=%lld",
				(long long)json_integer_value(after));
		} else if (client_number(answer, "behind") > 0) {
			(void)fprintf(stderr,
				"kith private: %lld messages are still to be looked at\n",
				client_number(answer, "behind"));
		}
		json_decref(answer);
	}
	return code;
}

static const char *name_of(const json_t *answer, const char *id)
{
	size_t i = 0;
	json_t *person = NULL;
	json_array_foreach(json_object_get(answer, "people"), i, person)
	{
		if (strcmp(client_text(person, "id"), id) == 0) {
			const char *called = client_text(person, "petname");
			called = called[0] == '\0' ? client_text(person, "name") : called;
			return called[0] == '\0' ? id : called;
		}
	}
	return id;
}

static void print_conversation(const json_t *answer, const json_t *row)
{
	char at[CMD_TIME_BYTES];
	size_t i = 0;
	json_t *reader = NULL;
	const json_t *readers = json_object_get(row, "readers");
	(void)printf("%s  ", cmd_time(client_number(row, "at"), at));
	json_array_foreach(readers, i, reader)
	{
		(void)printf(
			"%s%s", i == 0 ? "" : ", ", name_of(answer, json_string_value(reader)));
	}
	if (client_number(row, "unread") > 0) {
		(void)printf("  (%lld unread)", client_number(row, "unread"));
	}
	(void)printf("\n    ");
	cmd_print_line(client_text(json_object_get(row, "last"), "text"));
}

static int conversations(const struct private_options *options, struct client *client)
{
	json_t *answer = client_ask(client, "GET", "/api/private?limit=100", span_of(NULL, 0));
	size_t i = 0;
	json_t *row = NULL;
	int code = answer == NULL ? EXIT_BAD : EXIT_GOOD;
	if (answer != NULL && options->common.is_json) {
		code = client_print_json(answer);
	} else if (answer != NULL) {
		json_array_foreach(json_object_get(answer, "conversations"), i, row)
		{
			print_conversation(answer, row);
		}
		if (client_number(answer, "requests") > 0) {
			(void)printf(
				"%lld strangers wrote to you: --json with the page shows them\n",
				client_number(answer, "requests"));
		}
	}
	json_decref(answer);
	return code;
}

/* Searching. */

static enum err put_escaped(const char *text, struct buf *out)
{
	enum err err = ERR_OK;
	for (const unsigned char *c = (const unsigned char *)text; err == ERR_OK && *c != '\0';
		c++) {
		bool is_plain = strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				       "0123456789-_.:/",
					*c) != NULL;
		/* No backslash may stand in an address; in words it parts them like a blank. */
		err = is_plain ? buf_append_byte(out, *c)
			       : buf_printf(out, "%%%02X", *c == '\\' ? ' ' : *c);
	}
	return err;
}

static int print_found(const struct private_options *options, const json_t *answer)
{
	char at[CMD_TIME_BYTES];
	size_t i = 0;
	json_t *post = NULL;
	if (options->common.is_json) {
		return client_print_json(answer);
	}
	json_array_foreach(json_object_get(answer, "posts"), i, post)
	{
		(void)printf("%s  %s  %s\n    ", cmd_time(client_number(post, "at"), at),
			name_of(answer, client_text(post, "author")), client_text(post, "id"));
		cmd_print_line(client_text(post, "text"));
	}
	return EXIT_GOOD;
}

static int search(const struct private_options *options, struct client *client, char **words)
{
	struct buf target = BUF_INIT(QUERY_BYTES_MAX);
	enum err err = buf_append_text(&target, "/api/search?private=1&q=");
	for (int i = 0; err == ERR_OK && words[i] != NULL; i++) {
		err = i == 0 ? ERR_OK : buf_append_text(&target, "%20");
		err = err == ERR_OK ? put_escaped(words[i], &target) : err;
	}
	if (err != ERR_OK || buf_cstr(&target) == NULL) {
		buf_fini(&target);
		return cmd_fail("private", "look for at most 8 words, of 256 characters in all");
	}
	json_t *answer = client_ask(client, "GET", (const char *)target.at, span_of(NULL, 0));
	int code = answer == NULL ? EXIT_BAD : print_found(options, answer);
	json_decref(answer);
	buf_fini(&target);
	return code;
}

static int run(const struct private_options *options, struct client *client, char **argv)
{
	if (strcmp(argv[1], "send") == 0) {
		return send(options, client, argv[2]);
	}
	if (strcmp(argv[1], "list") == 0) {
		return list(options, client);
	}
	return strcmp(argv[1], "search") == 0 ? search(options, client, argv + 2)
					      : conversations(options, client);
}

/* Is what was asked for complete? */
static bool is_right(const struct private_options *options, char **argv)
{
	const char *what = argv[1];
	bool is_send = strcmp(what, "send") == 0;
	if (is_send) {
		return argv[2] != NULL && argv[3] == NULL && options->to.count > 0;
	}
	if (options->to.count > 0 || options->is_new) {
		return false;
	}
	return strcmp(what, "search") == 0
		       ? argv[2] != NULL
		       : (strcmp(what, "list") == 0 || strcmp(what, "conversations") == 0) &&
				 argv[2] == NULL;
}

int cmd_private(int argc, char **argv)
{
	struct private_options options = {.is_new = false};
	const struct cmd_option extra[] = {{.name = "--new", .flag = &options.is_new}};
	const char *wanted = "it takes `send --to ID TEXT`, `list`, `conversations` or `search "
			     "WORD…`";
	options.common.extra = extra;
	options.common.extra_count = 1;
	argc = cmd_take_list("private", argc, argv, "--to", &options.to);
	if (argc < 0) {
		return EXIT_USAGE;
	}
	int code = client_options(&options.common, argc, argv, 1, 64, wanted);
	if (code >= 0) {
		return code;
	}
	if (!is_right(&options, argv)) {
		return cmd_usage(cmd_find("private"), "%s", wanted);
	}
	struct client *client = client_open(&options.common, false);
	if (client == NULL) {
		return EXIT_BAD;
	}
	code = run(&options, client, argv);
	client_close(client);
	return code;
}
