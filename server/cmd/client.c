/*
 * A running node is asked by HTTP over its socket. When the socket is absent or
 * refuses, nobody runs: then store, writer and api are opened here for as long as the command
 * lives. Another command may be doing just that, so the lock is waited for a little.
 */
#include "cmd/client.h"

#include "cmd/socket.h"
#include "cmd/unlock.h"
#include "config/config.h"

#include "api/api.h"
#include "api/bind.h"
#include "api/body.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "store/blobs.h"
#include "store/private.h"
#include "store/reader.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { WHY_BYTES = 512, DIR_BYTES = 4096, LOCK_TRIES = 200, LOCK_WAIT_MS = 50, ANSWER_S = 40 };

struct client {
	const char *name;
	struct buf dir;
	struct buf socket_path;
	/* A running node. */
	char short_path[BIND_PATH_BYTES];
	int dir_fd; /* keeps short_path alive; −1: not needed */
	/* Without one. */
	int lock_fd;
	struct signer *signer;
	struct store *store;
	struct writer *writer;
	struct blobs *blobs;
	struct private_book *book;
	struct api *api;
};

int client_options(struct client_options *options, int argc, char **argv, int least, int most,
	const char *wanted)
{
	struct cmd_option rows[2 + CLIENT_EXTRA_MAX] = {
		{"--data", &options->data, NULL}, {"--json", NULL, &options->is_json}};
	options->name = argv[0];
	for (int i = 0; i < options->extra_count && i < CLIENT_EXTRA_MAX; i++) {
		rows[2 + i] = options->extra[i];
	}
	int plain = cmd_options(argv[0], argc, argv, rows, 2 + options->extra_count);
	if (plain < 0) {
		return EXIT_USAGE;
	}
	argv[plain + 1] = NULL; /* what is left behind are options */
	if (plain < least || plain > most) {
		return cmd_usage(cmd_find(argv[0]), "%s", wanted);
	}
	return -1;
}

/* A running node. */

/* Does somebody listen at the socket? */
static bool find_node(struct client *client)
{
	struct buf answer = BUF_INIT(CLIENT_ANSWER_BYTES_MAX);
	unsigned status = 0;
	if (client->dir_fd >= 0) {
		(void)close(client->dir_fd);
	}
	if (!bind_short_path(
		    (const char *)client->socket_path.at, client->short_path, &client->dir_fd)) {
		return false;
	}
	enum err err = socket_ask(
		client->short_path, "GET", "/livez", span_of(NULL, 0), ANSWER_S, &status, &answer);
	buf_fini(&answer);
	return err != ERR_CLOSED;
}

/* No node: open all that is needed here. */

static enum err open_signer(struct client *client, struct feed_id *self, char *why)
{
	struct key *key = NULL;
	enum err err = unlock_key_why((const char *)client->dir.at, NULL, &key, why, WHY_BYTES);
	if (err != ERR_OK) {
		return err;
	}
	*self = *key_id(key);
	err = signer_new(key, NULL, &client->signer);
	if (err != ERR_OK) {
		key_free(key);
	}
	return err;
}

static enum err open_here(struct client *client, char *why)
{
	struct feed_id self;
	/* A command says itself what it did; the log of its moment is for what went wrong. */
	log_set_level(LOG_ERROR);
	enum err err = open_signer(client, &self, why);
	if (err == ERR_OK) {
		const struct store_opts opts = {
			.dir = (const char *)client->dir.at, .env = env_system(), .self = self};
		err = store_open(&opts, &client->store, why, WHY_BYTES);
	}
	if (err == ERR_OK) {
		const struct writer_opts opts = {.store = client->store, .signer = client->signer};
		err = writer_start(&opts, &client->writer, why, WHY_BYTES);
	}
	if (err == ERR_OK) {
		err = blobs_start(client->store, client->writer, &client->blobs);
	}
	if (err == ERR_OK) {
		const struct private_opts opts = {.store = client->store,
			.writer = client->writer,
			.signer = client->signer,
			.is_stepped = true};
		err = private_start(&opts, &client->book);
	}
	if (err == ERR_OK) {
		const struct api_opts opts = {.env = env_system(),
			.store = client->store,
			.writer = client->writer,
			.blobs = client->blobs,
			.signer = client->signer,
			.book = client->book,
			.is_book_stepped = true,
			.self = self};
		err = api_start_local(&opts, &client->api);
	}
	return err;
}

/* The node, or the lock, whichever is to be had first. */
static enum err find_node_or_lock(struct client *client)
{
	const struct timespec rest = {.tv_nsec = LOCK_WAIT_MS * 1000000L};
	enum err err = ERR_BUSY;
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (find_node(client)) {
			return ERR_OK;
		}
		err = file_lock_dir((const char *)client->dir.at, &client->lock_fd);
		if (err != ERR_BUSY) {
			return err;
		}
		(void)nanosleep(&rest, NULL);
	}
	return err;
}

static struct client *give_up(struct client *client, const char *name, const char *why)
{
	(void)cmd_fail(name, "%s", why);
	client_close(client);
	return NULL;
}

static struct client *open_stopped(struct client *client, const char *name)
{
	char why[WHY_BYTES] = "";
	enum err err = open_here(client, why);
	return err == ERR_OK ? client : give_up(client, name, why[0] != '\0' ? why : err_text(err));
}

struct client *client_open(const struct client_options *options, bool must_run)
{
	struct client *client = calloc(1, sizeof(*client));
	body_wipe_json();
	if (client == NULL) {
		return give_up(NULL, options->name, "there is no memory");
	}
	*client = (struct client){.name = options->name,
		.dir = BUF_INIT(DIR_BYTES),
		.socket_path = BUF_INIT(DIR_BYTES),
		.dir_fd = -1,
		.lock_fd = -1};
	enum err err = config_data_dir(options->data, &client->dir);
	if (err == ERR_OK) {
		err = config_path((const char *)client->dir.at, "api.sock", &client->socket_path);
	}
	if (err != ERR_OK) {
		return give_up(client, options->name, config_data_dir_why(err));
	}
	if (access((const char *)client->dir.at, X_OK) != 0) {
		/* Nothing is made by asking: only `kith init` and `kith run` make a directory. */
		return open_stopped(client, options->name);
	}
	if (must_run) {
		return find_node(client)
			       ? client
			       : give_up(client, options->name,
					 "no node is running there: start it with `kith run`");
	}
	err = find_node_or_lock(client);
	if (err != ERR_OK) {
		return give_up(client, options->name,
			err == ERR_BUSY
				? "another kith is using the data directory"
				: "the data directory cannot be locked: may you write there?");
	}
	return client->lock_fd < 0 ? client : open_stopped(client, options->name);
}

void client_close(struct client *client)
{
	if (client == NULL) {
		return;
	}
	api_stop(client->api);
	blobs_stop(client->blobs);
	private_stop(client->book);
	if (client->writer != NULL) {
		writer_stop(client->writer);
	}
	blobs_free(client->blobs);
	reader_close_thread();
	if (client->store != NULL) {
		store_close(client->store);
	}
	signer_free(client->signer);
	if (client->dir_fd >= 0) {
		(void)close(client->dir_fd);
	}
	if (client->lock_fd >= 0) {
		(void)close(client->lock_fd);
	}
	buf_fini(&client->dir);
	buf_fini(&client->socket_path);
	free(client);
}

bool client_is_running(const struct client *client)
{
	return client->api == NULL;
}

/* Asking. */

static json_t *read_answer(struct client *client, unsigned status, struct span text)
{
	json_t *tree = text.len == 0
			       ? NULL
			       : json_loadb((const char *)text.at, text.len, JSON_ALLOW_NUL, NULL);
	if (tree != NULL && status >= 200 && status < 300) {
		return tree;
	}
	const char *said =
		json_string_value(json_object_get(json_object_get(tree, "error"), "said"));
	json_int_t draft = json_integer_value(json_object_get(tree, "draft"));
	if (said != NULL && draft > 0) {
		(void)cmd_fail(client->name,
			"%s It is kept as draft %lld (`kith safety` tells more).", said,
			(long long)draft);
	} else {
		(void)cmd_fail(client->name, "%s",
			said == NULL ? "the node gave no readable answer" : said);
	}
	json_decref(tree);
	return NULL;
}

/* False: it said why. */
static bool ask_raw(struct client *client, const char *method, const char *target, struct span body,
	unsigned *status, struct buf *out)
{
	bool is_here = client->api != NULL;
	enum err err = is_here ? api_request(client->api, method, target, body, status, out)
			       : socket_ask(client->short_path, method, target, body, ANSWER_S,
					 status, out);
	if (err != ERR_OK) {
		(void)cmd_fail(client->name,
			is_here ? "the answer cannot be read: %s" : "the node does not answer: %s",
			err_text(err));
	}
	return err == ERR_OK;
}

json_t *client_ask(struct client *client, const char *method, const char *target, struct span body)
{
	struct buf out = BUF_INIT(CLIENT_ANSWER_BYTES_MAX);
	unsigned status = 0;
	json_t *answer = NULL;
	if (ask_raw(client, method, target, body, &status, &out)) {
		answer = read_answer(client, status, buf_span(&out));
	}
	buf_fini(&out);
	return answer;
}

bool client_fetch(struct client *client, const char *target, struct buf *out)
{
	unsigned status = 0;
	if (!ask_raw(client, "GET", target, span_of(NULL, 0), &status, out)) {
		return false;
	}
	if (status != 200) {
		json_decref(read_answer(client, status, buf_span(out)));
	}
	return status == 200;
}

json_t *client_post(struct client *client, const char *target, json_t *body)
{
	char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
	json_decref(body);
	if (text == NULL) {
		/* jansson takes UTF-8 only: what else can stand on a command line */
		(void)cmd_fail(client->name, "the text is not valid UTF-8");
		return NULL;
	}
	json_t *answer = client_ask(client, "POST", target, span_text(text));
	sodium_memzero(text, strlen(text));
	free(text);
	return answer;
}

json_t *client_post_pasted(
	struct client *client, const char *target, const char *key, const char *address)
{
	char text[2 * LIMIT_ADDRESS_BYTES + 2];
	int len = snprintf(text, sizeof(text), "%s %s", key, address == NULL ? "" : address);
	if (len < 0 || (size_t)len >= sizeof(text)) {
		(void)cmd_fail(client->name, "that is too long to be a key with an address");
		return NULL;
	}
	return client_post(client, target, json_pack("{s:s}", "text", text));
}

const char *client_text(const json_t *tree, const char *name)
{
	const char *text = json_string_value(json_object_get(tree, name));
	return text == NULL ? "" : text;
}

long long client_number(const json_t *tree, const char *name)
{
	return (long long)json_integer_value(json_object_get(tree, name));
}

int client_print_json(const json_t *answer)
{
	char *text = json_dumps(answer, JSON_COMPACT | JSON_ENCODE_ANY);
	if (text == NULL) {
		return cmd_fail("json", "there is no memory for the answer");
	}
	(void)puts(text); /* main() looks whether it could be written */
	free(text);
	return EXIT_GOOD;
}

int client_print_text(const json_t *answer, const char *name)
{
	const char *text = json_string_value(json_object_get(answer, name));
	(void)puts(text == NULL ? "" : text);
	return EXIT_GOOD;
}
