/* `kith safety`, `resume`, `want`: why publishing is paused, and what the owner can do about it. */
#include "cmd/client.h"

#include <stdio.h>
#include <stdlib.h>

enum { NAME_KEY_CHARS = 9 };

static void print_holder(const json_t *row)
{
	char at[CMD_TIME_BYTES];
	const json_t *person = json_object_get(row, "person");
	const char *name = client_text(person, "name");
	const char *agrees = client_text(row, "agrees");
	const json_t *told = json_object_get(row, "told");
	if (name[0] == '\0') {
		(void)printf("  %-20.*s", NAME_KEY_CHARS, client_text(person, "id"));
	} else {
		(void)printf("  %-20s", name);
	}
	(void)printf("  has %lld, heard of %s", client_number(row, "sequence"),
		cmd_time(client_number(row, "at"), at));
	if (strcmp(agrees, "yes") == 0) {
		(void)printf(", agrees");
	} else if (strcmp(agrees, "no") == 0) {
		(void)printf(", HAS ANOTHER MESSAGE UNDER THAT NUMBER");
	} else if (json_is_integer(told)) {
		(void)printf(", told %lld", (long long)json_integer_value(told));
	}
	(void)printf("%s\n", json_is_true(json_object_get(row, "connected")) ? ", connected" : "");
}

static void print_wait(const json_t *safety)
{
	const json_t *wait = json_object_get(safety, "wait");
	long long left_ms = client_number(wait, "left_ms");
	(void)printf("waits for ");
	if (client_number(wait, "of") > client_number(wait, "confirmed")) {
		(void)printf("%lld more of those who hold your feed to confirm it",
			client_number(wait, "of") - client_number(wait, "confirmed"));
	} else if (left_ms > 0) {
		(void)printf("nothing newer to come");
	} else {
		(void)printf("somebody who holds your feed");
	}
	if (left_ms > 0) {
		(void)printf(", at least %lld minutes more", (left_ms + 59999) / 60000);
	}
	(void)printf("\n          or for your word: `kith resume NUMBER`, the number of the "
		     "newest message you remember\n");
}

static void print_pause(const json_t *safety)
{
	char at[CMD_TIME_BYTES];
	const json_t *fork = json_object_get(safety, "fork");
	const char *state = client_text(safety, "state");
	(void)printf("why       %s\n", client_text(safety, "why"));
	if (client_number(safety, "since") > 0) {
		(void)printf("since     %s\n", cmd_time(client_number(safety, "since"), at));
	}
	if (client_number(safety, "came_back") > 0) {
		(void)printf("came back %lld messages\n", client_number(safety, "came_back"));
	}
	if (client_number(safety, "lost") > 0) {
		(void)printf("missing   %lld messages: somebody speaks of number %lld\n",
			client_number(safety, "lost"), client_number(safety, "newest_seen"));
	}
	if (json_is_object(fork)) {
		(void)printf("fork      two messages carry number %lld: `kith fork` shows both "
			     "sides\n",
			client_number(fork, "sequence"));
	}
	if (strcmp(state, "SUSPECT") == 0) {
		print_wait(safety);
	}
}

static int print_safety(const json_t *safety)
{
	const json_t *head = json_object_get(safety, "head");
	const json_t *holders = json_object_get(safety, "holders");
	const char *state = client_text(safety, "state");
	bool is_paused = strcmp(state, "CLEAN") != 0 && strcmp(state, "NEW") != 0;
	(void)printf("state     %s%s\n", state, is_paused ? ": publishing is paused" : "");
	(void)printf("newest    number %lld %s\n", client_number(head, "sequence"),
		client_text(head, "key"));
	if (is_paused) {
		print_pause(safety);
	}
	if (client_number(safety, "drafts") > 0) {
		(void)printf("drafts    %lld: `kith drafts` shows them\n",
			client_number(safety, "drafts"));
	}
	(void)printf("holders   %lld who have messages of yours\n",
		client_number(safety, "holders_total"));
	for (size_t i = 0; i < json_array_size(holders); i++) {
		print_holder(json_array_get(holders, i));
	}
	return EXIT_GOOD;
}

static int finish(const struct client_options *options, struct client *client, json_t *answer,
	int (*print)(const json_t *answer))
{
	int code = answer == NULL     ? EXIT_BAD
		   : options->is_json ? client_print_json(answer)
				      : print(answer);
	json_decref(answer);
	client_close(client);
	return code;
}

int cmd_safety(int argc, char **argv)
{
	struct client_options options = {.data = NULL};
	int code = client_options(&options, argc, argv, 0, 0, "it takes no argument");
	struct client *client = code < 0 ? client_open(&options, false) : NULL;
	if (client == NULL) {
		return code < 0 ? EXIT_BAD : code;
	}
	return finish(&options, client, client_ask(client, "GET", "/api/safety", span_of(NULL, 0)),
		print_safety);
}

static int print_resumed(const json_t *safety)
{
	const json_t *head = json_object_get(safety, "head");
	(void)printf("Publishing goes on. Your next message is number %lld.\n",
		client_number(head, "sequence") + 1);
	return EXIT_GOOD;
}

static bool read_number(const char *text, json_int_t *out)
{
	char *end = NULL;
	*out = strtoll(text, &end, 10);
	return text[0] >= '1' && text[0] <= '9' && *end == '\0' && strlen(text) <= 15;
}

int cmd_resume(int argc, char **argv)
{
	bool is_accepted = false;
	const struct cmd_option extra = {.name = "--accept", .flag = &is_accepted};
	struct client_options options = {.extra = &extra, .extra_count = 1};
	json_int_t last = 0;
	int code = client_options(&options, argc, argv, 0, 1, "it takes one number");
	if (code >= 0) {
		return code;
	}
	bool has_last = argv[1] != NULL;
	if (has_last == is_accepted || (has_last && !read_number(argv[1], &last))) {
		return cmd_usage(cmd_find("resume"),
			"it takes the number of the newest message you remember, or --accept");
	}
	struct client *client = client_open(&options, false);
	if (client == NULL) {
		return EXIT_BAD;
	}
	json_t *body =
		has_last ? json_pack("{s:I}", "last", last) : json_pack("{s:b}", "accept", 1);
	return finish(
		&options, client, client_post(client, "/api/safety/resume", body), print_resumed);
}

static int print_wanted(const json_t *answer)
{
	return client_print_text(answer, "id");
}

int cmd_want(int argc, char **argv)
{
	struct client_options options = {.data = NULL};
	int code = client_options(
		&options, argc, argv, 1, 2, "it takes a key, and perhaps an address");
	if (code >= 0) {
		return code;
	}
	struct client *client = client_open(&options, false);
	if (client == NULL) {
		return EXIT_BAD;
	}
	return finish(&options, client,
		client_post_pasted(client, "/api/safety/want", argv[1], argv[2]), print_wanted);
}
