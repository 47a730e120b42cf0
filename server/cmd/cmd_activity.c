/* `kith activity`: what others did that concerns you. */
#include "cmd/client.h"

#include <stdio.h>

enum { TARGET_BYTES = 96, NAMES = 3, KIND_CHARS = 16 };

static const char *name_of(const json_t *answer, const char *id)
{
	const char *name = id;
	size_t i = 0;
	const json_t *person = NULL;
	json_array_foreach(json_object_get(answer, "people"), i, person)
	{
		if (strcmp(client_text(person, "id"), id) == 0) {
			const char *petname = client_text(person, "petname");
			const char *own = client_text(person, "name");
			name = petname[0] != '\0' ? petname : own[0] != '\0' ? own : id;
		}
	}
	return name;
}

/* "Ana, Ben and 3 others" */
static void print_names(const json_t *answer, const json_t *item)
{
	const json_t *who = json_object_get(item, "who");
	long long n = client_number(item, "n");
	size_t shown = json_array_size(who) < NAMES ? json_array_size(who) : NAMES;
	for (size_t i = 0; i < shown; i++) {
		bool is_last = i + 1 == shown && (long long)shown == n;
		(void)printf("%s%s",
			i == 0    ? ""
			: is_last ? " and "
				  : ", ",
			name_of(answer, json_string_value(json_array_get(who, i))));
	}
	if ((long long)shown < n) {
		(void)printf(" and %lld %s", n - (long long)shown,
			n - (long long)shown == 1 ? "other" : "others");
	}
}

static void print_item(const json_t *answer, const json_t *item)
{
	static const struct {
		const char *kind, *one, *many;
	} words[] = {{"mention", " mentioned you", " mentioned you"},
		{"reply", " answered you", " answered you"},
		{"like", " liked your post", " liked your post"},
		{"follow", " follows you", " follow you"}};
	char at[CMD_TIME_BYTES];
	const char *about = client_text(item, "about");
	const char *id = client_text(item, "id");
	(void)printf("%s %s  ", json_is_true(json_object_get(item, "is_new")) ? "*" : " ",
		cmd_time(client_number(item, "at"), at));
	print_names(answer, item);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i].kind, client_text(item, "kind")) == 0) {
			bool is_one = client_number(item, "n") == 1;
			(void)fputs(is_one ? words[i].one : words[i].many, stdout);
		}
	}
	(void)printf("%s%s\n", id[0] != '\0' || about[0] != '\0' ? "  " : "",
		id[0] != '\0' ? id : about);
}

static bool mark_seen(struct client *client, const json_t *answer)
{
	const char *newest = client_text(answer, "newest");
	if (newest[0] == '\0') {
		return true;
	}
	json_t *done = client_post(client, "/api/here", json_pack("{s:s}", "activity", newest));
	bool is_done = done != NULL;
	json_decref(done);
	return is_done;
}

static int show(const struct client_options *options, struct client *client, const char *target,
	bool is_seen)
{
	json_t *answer = client_ask(client, "GET", target, span_of(NULL, 0));
	const json_t *items = json_object_get(answer, "items");
	int code = answer == NULL ? EXIT_BAD : EXIT_GOOD;
	if (answer != NULL && options->is_json) {
		code = client_print_json(answer);
	} else if (answer != NULL && json_array_size(items) == 0) {
		(void)printf("Nothing yet.\n");
	}
	for (size_t i = 0; !options->is_json && i < json_array_size(items); i++) {
		print_item(answer, json_array_get(items, i));
	}
	if (code == EXIT_GOOD && is_seen && !mark_seen(client, answer)) {
		code = EXIT_BAD;
	}
	json_decref(answer);
	return code;
}

int cmd_activity(int argc, char **argv)
{
	char target[TARGET_BYTES];
	const char *limit = NULL;
	bool is_seen = false;
	const struct cmd_option extra[] = {
		{.name = "--limit", .value = &limit}, {.name = "--seen", .flag = &is_seen}};
	struct client_options options = {.data = NULL, .extra = extra, .extra_count = 2};
	const char *wanted = "it takes nothing, or one of mention, reply, like and follow";
	int code = client_options(&options, argc, argv, 0, 1, wanted);
	if (code >= 0) {
		return code;
	}
	const char *kind = argv[1] == NULL ? "" : argv[1];
	if (strspn(kind, "abcdefghijklmnopqrstuvwxyz") != strlen(kind) ||
		strlen(kind) > KIND_CHARS) {
		return cmd_usage(cmd_find("activity"), "%s", wanted);
	}
	if (limit != NULL && (strspn(limit, "0123456789") != strlen(limit) || strlen(limit) > 3)) {
		return cmd_usage(cmd_find("activity"), "--limit goes from 1 to 100");
	}
	(void)snprintf(target, sizeof(target), "/api/activity?limit=%s%s%s",
		limit == NULL ? "20" : limit, kind[0] == '\0' ? "" : "&kind=", kind);
	struct client *client = client_open(&options, false);
	if (client == NULL) {
		return EXIT_BAD;
	}
	code = show(&options, client, target, is_seen);
	client_close(client);
	return code;
}
