/* `kith fork`: a feed that has split: both sides, and the owner's choice between them. */
#include "cmd/ask.h"
#include "cmd/client.h"
#include "cmd/local.h"

#include "store/fork.h"

#include <inttypes.h>
#include <stdio.h>

/* Showing. */

static const char *name_of(const json_t *safety, const char *id)
{
	const json_t *holders = json_object_get(safety, "holders");
	for (size_t i = 0; i < json_array_size(holders); i++) {
		const json_t *person = json_object_get(json_array_get(holders, i), "person");
		if (strcmp(client_text(person, "id"), id) == 0 &&
			client_text(person, "name")[0] != '\0') {
			return client_text(person, "name");
		}
	}
	return id;
}

static void print_side(const json_t *safety, const char *side, const char *title)
{
	char at[CMD_TIME_BYTES];
	const json_t *fork = json_object_get(safety, "fork");
	const json_t *posts = json_object_get(json_object_get(fork, side), "posts");
	const json_t *holders = json_object_get(json_object_get(fork, "holders"), side);
	long long count = client_number(json_object_get(fork, side), "count");
	(void)printf("\n%s: %lld messages\n", title, count);
	for (size_t i = 0; i < json_array_size(posts); i++) {
		const json_t *post = json_array_get(posts, i);
		(void)printf("  %lld  %s  %s  %s\n", client_number(post, "sequence"),
			cmd_time(client_number(post, "at"), at), client_text(post, "type"),
			client_text(post, "text"));
	}
	if (count > (long long)json_array_size(posts)) {
		(void)printf("  … and %lld more\n", count - (long long)json_array_size(posts));
	}
	(void)printf("  held by %s", json_array_size(holders) == 0 ? "nobody who is known" : "");
	for (size_t i = 0; i < json_array_size(holders); i++) {
		(void)printf("%s%s", i > 0 ? ", " : "",
			name_of(safety, json_string_value(json_array_get(holders, i))));
	}
	(void)printf("\n");
}

static int print_fork(const json_t *safety)
{
	const json_t *fork = json_object_get(safety, "fork");
	long long number = client_number(fork, "sequence");
	if (strcmp(client_text(safety, "state"), "FORKED") != 0) {
		(void)puts("Your feed is not forked.");
		return EXIT_GOOD;
	}
	if (number == 0) {
		(void)puts("Your feed has split; where is not known yet.");
		return EXIT_GOOD;
	}
	(void)printf(
		"Your feed has split: two different messages carry the number %lld.\n", number);
	print_side(safety, "ours", "On this node");
	print_side(safety, "theirs", "Elsewhere");
	if (client_number(fork, "missing") > 0) {
		(void)printf("\nMessage %lld of the other side is not here yet: let the node run "
			     "until it has met somebody who holds it.\n",
			client_number(fork, "missing"));
	}
	(void)puts("\nStop the other node for good, and this one. Then `kith fork adopt` goes on "
		   "with the other side,\n`kith fork keep` with this one. Who holds the side you "
		   "give up never sees you again.");
	return EXIT_GOOD;
}

static int show(const char *data, bool is_json)
{
	const struct client_options options = {.data = data, .is_json = is_json};
	struct client *client = client_open(&options, false);
	if (client == NULL) {
		return EXIT_BAD;
	}
	json_t *safety = client_ask(client, "GET", "/api/safety", span_of(NULL, 0));
	int code = safety == NULL ? EXIT_BAD
		   : is_json      ? client_print_json(json_object_get(safety, "fork"))
				  : print_fork(safety);
	json_decref(safety);
	client_close(client);
	return code;
}

/* Choosing. */

static int print_done(enum fork_choice choice, const struct fork_done *done, bool is_json)
{
	if (is_json) {
		json_t *answer = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "chosen",
			choice == FORK_ADOPT ? "adopt" : "keep", "sequence",
			(json_int_t)done->sequence, "head", (json_int_t)done->head, "given_up",
			(json_int_t)done->given_up, "drafts", (json_int_t)done->drafts, "no_room",
			(json_int_t)done->drafts_no_room, "private", (json_int_t)done->private);
		int code = client_print_json(answer);
		json_decref(answer);
		return code;
	}
	(void)printf("Your feed ends with number %" PRIu64 " now. %zu messages were given up; all "
		     "of them are kept, and %zu are drafts (`kith drafts`).\n",
		done->head, done->given_up, done->drafts);
	if (done->drafts_no_room > 0) {
		(void)printf("For %zu there was no room among the drafts.\n", done->drafts_no_room);
	}
	if (done->private > 0) {
		(void)printf("%zu are encrypted and no drafts.\n", done->private);
	}
	(void)puts(
		"Publishing is paused until those who hold your feed were asked: start the node, "
		"and see `kith safety`.");
	return EXIT_GOOD;
}

static bool is_meant(enum fork_choice choice)
{
	struct ask *ask = ask_new();
	(void)fprintf(stderr,
		"%s\nWho holds the side you give up never sees you again. The other "
		"node must not run any more.\n",
		choice == FORK_ADOPT
			? "The other side takes the place of this node's messages, which become "
			  "drafts."
			: "This node's messages stay; those of the other side become drafts.");
	bool is_so = ask != NULL && ask_line(ask, "Type yes to do it: ", false) == ERR_OK &&
		     span_equal_text(ask_span(ask), "yes");
	ask_free(ask);
	return is_so;
}

static int choose(const char *data, const uint8_t *hmac_key, enum fork_choice choice, bool is_json)
{
	struct local_writable local;
	struct fork_done done;
	if (local_open_care("fork", data, &local) != ERR_OK) {
		return EXIT_BAD;
	}
	enum err err = fork_choose(local.store, hmac_key, choice, &done);
	local_close_write(&local);
	return err == ERR_OK ? print_done(choice, &done, is_json)
			     : cmd_fail("fork", "%s", done.why);
}

int cmd_fork(int argc, char **argv)
{
	const char *data = NULL;
	const char *hmac = NULL;
	uint8_t room[HMAC_KEY_BYTES];
	const uint8_t *hmac_key = NULL;
	bool is_yes = false;
	bool is_json = false;
	const struct cmd_option options[] = {{"--data", &data, NULL}, {"--hmac-key", &hmac, NULL},
		{"--yes", NULL, &is_yes}, {"--json", NULL, &is_json}};
	int plain = cmd_options("fork", argc, argv, options, 4);
	if (plain < 0) {
		return EXIT_USAGE;
	}
	bool is_adopt = plain == 1 && strcmp(argv[1], "adopt") == 0;
	bool is_keep = plain == 1 && strcmp(argv[1], "keep") == 0;
	if (plain > 1 || (plain == 1 && !is_adopt && !is_keep)) {
		return cmd_usage(cmd_find("fork"), "it takes nothing, `adopt` or `keep`");
	}
	if (local_hmac_key("fork", hmac, room, &hmac_key) != ERR_OK) {
		return EXIT_USAGE;
	}
	if (plain == 0) {
		return show(data, is_json);
	}
	enum fork_choice choice = is_adopt ? FORK_ADOPT : FORK_KEEP;
	if (!is_yes && !is_meant(choice)) {
		return cmd_fail("fork", "nothing was done; say --yes to do it without being asked");
	}
	return choose(data, hmac_key, choice, is_json);
}
