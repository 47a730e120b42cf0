/**
 * cmd/client: how a command asks the node: over the Unix socket of the data directory while one
 * runs, else in this very process, with the directory's lock held. Either way it is the same API.
 */
#ifndef CMD_CLIENT_H
#define CMD_CLIENT_H

#include "base/buf.h"
#include "cmd/cmd.h"

#include <jansson.h>

enum { CLIENT_ANSWER_BYTES_MAX = 8 * 1024 * 1024, CLIENT_EXTRA_MAX = 4 };

/* The options every such command has. */
struct client_options {
	const char *name;               /* of the command */
	const char *data;               /* --data, or NULL */
	bool is_json;                   /* --json */
	const struct cmd_option *extra; /* what this one has besides; at most CLIENT_EXTRA_MAX */
	int extra_count;
};

struct client;

/**
 * Read the options; the plain arguments are then argv[1…], ended by NULL, between `least` and
 * `most` of them. −1: all is well; otherwise the exit code: it said what is wrong.
 */
int client_options(struct client_options *options, int argc, char **argv, int least, int most,
	const char *wanted);

/** `must_run`: fail when no node runs. On failure (NULL) it said why. */
MUST_USE struct client *client_open(const struct client_options *options, bool must_run);
void client_close(struct client *client);
/** True when a running node answers. */
bool client_is_running(const struct client *client);

/**
 * One request. The answer as JSON, the caller's to json_decref(); NULL when it failed: it said why.
 */
MUST_USE json_t *client_ask(
	struct client *client, const char *method, const char *target, struct span body);
/** GET what is no JSON: its bytes are appended to `out`. False: it said why. */
MUST_USE bool client_fetch(struct client *client, const char *target, struct buf *out);
/** POST `body`, which is taken over. */
MUST_USE json_t *client_post(struct client *client, const char *target, json_t *body);

/** A member of an answer: "" or 0 when it is missing or something else. */
const char *client_text(const json_t *tree, const char *name);
long long client_number(const json_t *tree, const char *name);

/** POST a key and perhaps an address (NULL: none), as the API takes what was pasted. As
 * client_post(). */
MUST_USE json_t *client_post_pasted(
	struct client *client, const char *target, const char *key, const char *address);

/** Print an answer as one line of JSON. */
int client_print_json(const json_t *answer);
/** Print the member `name` as a line. */
int client_print_text(const json_t *answer, const char *name);

#endif
