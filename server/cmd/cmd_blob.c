/* `kith blob`: files by their content: in, out, asked for, asked about. */
#include "cmd/client.h"

#include "base/file.h"
#include "base/limits.h"
#include "feed/blob_box.h"
#include "feed/id.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TARGET_BYTES = 256 };

struct blob_options {
	struct client_options common;
	bool is_sealed;
	const char *out, *unbox;
};

/* /api/blob/… or /blob/…; false: it said why. */
static bool make_target(const char *before, const char *text, char target[static TARGET_BYTES])
{
	struct blob_id id;
	char path[ID_PATH_BYTES];
	if (blob_id_parse_any(span_text(text), &id) != ERR_OK) {
		(void)cmd_fail("blob", "that is not the id of a file: it begins with & and ends "
				       "with .sha256");
		return false;
	}
	id_format_path(id.at, path);
	(void)snprintf(target, TARGET_BYTES, "%s%s", before, path);
	return true;
}

static enum err read_all(const char *path, struct buf *out)
{
	struct stat is;
	bool is_input = strcmp(path, "-") == 0;
	/* A directory can be opened, but not read. */
	if (!is_input && stat(path, &is) == 0 && S_ISDIR(is.st_mode)) {
		return ERR_REFUSED;
	}
	return file_read(is_input ? "/dev/stdin" : path, out);
}

static int say_unreadable(const char *path, enum err err)
{
	if (err == ERR_LIMIT) {
		return cmd_fail("blob",
			"%s is too large: a file is smaller than 5 MiB here, as on every other "
			"node",
			path);
	}
	return cmd_fail("blob", "%s cannot be read: %s", path,
		err == ERR_NOT_FOUND ? "there is no such file"
		: err == ERR_REFUSED ? "it is a directory"
				     : err_text(err));
}

static int add(const struct blob_options *options, const char *path)
{
	struct buf bytes = BUF_INIT(LIMIT_BLOB_BYTES - 1);
	int code = EXIT_BAD;
	json_t *answer = NULL;
	struct client *client = NULL;
	enum err err = read_all(path, &bytes);
	if (err != ERR_OK) {
		(void)say_unreadable(path, err);
	} else {
		client = client_open(&options->common, false);
	}
	if (client != NULL) {
		answer = client_ask(client, "PUT",
			options->is_sealed ? "/api/blob?seal=1" : "/api/blob", buf_span(&bytes));
	}
	if (answer != NULL && options->common.is_json) {
		code = client_print_json(answer);
	} else if (answer != NULL) {
		const char *key = client_text(answer, "unbox");
		int len = printf("%s%s%s\n", client_text(answer, "id"),
			key[0] == '\0' ? "" : "?unbox=", key);
		code = len > 0 ? EXIT_GOOD : EXIT_BAD;
	}
	json_decref(answer);
	client_close(client);
	buf_wipe(&bytes);
	return code;
}

/* The key that opens it, from the option or from behind the id; false: it said why. */
static bool add_key(const struct blob_options *options, const char *id, char *target)
{
	const char *mark = strstr(id, "?unbox=");
	const char *key = options->unbox != NULL ? options->unbox
			  : mark == NULL         ? NULL
						 : mark + strlen("?unbox=");
	uint8_t bytes[BLOB_BOX_KEY_BYTES];
	char text[BLOB_BOX_KEY_TEXT_BYTES];
	if (key == NULL) {
		return true;
	}
	if (blob_box_key_parse(span_text(key), bytes) != ERR_OK) {
		(void)cmd_fail("blob", "that is not a key: it has 44 characters and perhaps .boxs");
		return false;
	}
	blob_box_key_format(bytes, text);
	size_t len = strlen(target);
	(void)snprintf(target + len, TARGET_BYTES - len, "?unbox=%s", text);
	return true;
}

static int write_out(const struct blob_options *options, struct span bytes)
{
	if (options->out != NULL) {
		enum err err = file_create(options->out, bytes, 0644);
		return err == ERR_OK ? EXIT_GOOD
				     : cmd_fail("blob", "%s cannot be written: %s", options->out,
					       err_text(err));
	}
	enum err err = file_write_all(STDOUT_FILENO, bytes);
	return err == ERR_OK ? EXIT_GOOD : cmd_fail("blob", "%s", err_text(err));
}

static int get(const struct blob_options *options, const char *id)
{
	char target[TARGET_BYTES];
	struct buf bytes = BUF_INIT(CLIENT_ANSWER_BYTES_MAX);
	int code = EXIT_BAD;
	if (!make_target("/blob/", id, target) || !add_key(options, id, target)) {
		return EXIT_BAD;
	}
	struct client *client = client_open(&options->common, false);
	if (client != NULL && client_fetch(client, target, &bytes)) {
		code = write_out(options, buf_span(&bytes));
	}
	client_close(client);
	buf_wipe(&bytes);
	return code;
}

static int want(const struct blob_options *options, const char *id)
{
	char target[TARGET_BYTES];
	if (!make_target("/api/blob/", id, target)) {
		return EXIT_BAD;
	}
	struct client *client = client_open(&options->common, false);
	json_t *answer =
		client == NULL ? NULL : client_post(client, target, json_pack("{s:b}", "want", 1));
	int code = EXIT_BAD;
	if (answer != NULL && options->common.is_json) {
		code = client_print_json(answer);
	} else if (answer != NULL) {
		bool is_here = json_is_true(json_object_get(answer, "have"));
		code = puts(is_here ? "It is here already."
				    : "Asked for. It comes when somebody who has it is "
				      "connected.") < 0
			       ? EXIT_BAD
			       : EXIT_GOOD;
	}
	json_decref(answer);
	client_close(client);
	return code;
}

static int has(const struct blob_options *options, const char *id)
{
	char target[TARGET_BYTES];
	if (!make_target("/api/blob/", id, target)) {
		return EXIT_USAGE;
	}
	struct client *client = client_open(&options->common, false);
	json_t *answer =
		client == NULL ? NULL : client_ask(client, "GET", target, span_of(NULL, 0));
	int code = EXIT_USAGE; /* not known: neither yes nor no */
	if (answer != NULL) {
		bool is_here = json_is_true(json_object_get(answer, "have"));
		int printed = options->common.is_json            ? client_print_json(answer)
			      : puts(is_here ? "yes" : "no") < 0 ? EXIT_BAD
								 : EXIT_GOOD;
		code = printed != EXIT_GOOD ? EXIT_USAGE : is_here ? EXIT_GOOD : EXIT_BAD;
	}
	json_decref(answer);
	client_close(client);
	return code;
}

int cmd_blob(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(const struct blob_options *options, const char *what);
	} ways[] = {{"add", add}, {"get", get}, {"want", want}, {"has", has}};
	struct blob_options options = {.out = NULL};
	const struct cmd_option extra[] = {{"--seal", NULL, &options.is_sealed},
		{"--out", &options.out, NULL}, {"--unbox", &options.unbox, NULL}};
	static const char wanted[] = "it takes add FILE, get ID, want ID or has ID";
	options.common.extra = extra;
	options.common.extra_count = 3;
	int code = client_options(&options.common, argc, argv, 2, 2, wanted);
	if (code >= 0) {
		return code;
	}
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (strcmp(argv[1], ways[i].name) == 0) {
			return ways[i].run(&options, argv[2]);
		}
	}
	return cmd_usage(cmd_find("blob"), "%s", wanted);
}
