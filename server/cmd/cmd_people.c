/* `kith mute`, `unmute`, `petname`, `suggest`: what the owner keeps about people, never signed; and
 * whom friends follow. */
#include "cmd/client.h"

#include "feed/id.h"

#include <stdio.h>
#include <string.h>

/* Ask, and print {} or one line. */
static int keep(struct client_options *options, const char *target, json_t *body, const char *done)
{
	struct client *client = client_open(options, false);
	json_t *answer = NULL;
	if (client == NULL) {
		json_decref(body);
		return EXIT_BAD;
	}
	answer = client_post(client, target, body);
	int code = EXIT_BAD;
	if (answer != NULL) {
		code = options->is_json           ? client_print_json(answer)
		       : printf("%s\n", done) > 0 ? EXIT_GOOD
						  : EXIT_BAD;
	}
	json_decref(answer);
	client_close(client);
	return code;
}

static int change_mute(int argc, char **argv, bool is_on)
{
	struct client_options options = {.data = NULL};
	int code = client_options(&options, argc, argv, 1, 1, "it takes one key");
	return code >= 0 ? code
			 : keep(&options, "/api/mute",
				   json_pack("{s:s, s:b}", "id", argv[1], "on", is_on),
				   is_on ? "You see nothing of them from now on. Nobody can tell."
					 : "You see them again.");
}

int cmd_mute(int argc, char **argv)
{
	return change_mute(argc, argv, true);
}

int cmd_unmute(int argc, char **argv)
{
	return change_mute(argc, argv, false);
}

int cmd_petname(int argc, char **argv)
{
	struct client_options options = {.data = NULL};
	int code = client_options(
		&options, argc, argv, 1, 2, "it takes a key, and the name you give them");
	return code >= 0 ? code
			 : keep(&options, "/api/petname",
				   json_pack("{s:s, s:s?}", "id", argv[1], "name", argv[2]),
				   argv[2] == NULL ? "They go by their own name again."
						   : "You call them so. Nobody else can tell.");
}

static const json_t *find_person(const json_t *answer, const char *id)
{
	size_t i = 0;
	const json_t *person = NULL;
	json_array_foreach(json_object_get(answer, "people"), i, person)
	{
		if (strcmp(client_text(person, "id"), id) == 0) {
			return person;
		}
	}
	return NULL;
}

/* The owner's name for them, theirs, or "". */
static const char *called(const json_t *answer, const char *id)
{
	const json_t *person = find_person(answer, id);
	const char *petname = client_text(person, "petname");
	return petname[0] != '\0' ? petname : client_text(person, "name");
}

static int print_suggestion(const json_t *answer, const json_t *row)
{
	size_t i = 0;
	const json_t *through = NULL;
	const json_t *list = json_object_get(row, "through");
	const char *id = client_text(row, "id");
	if (printf("%s  %s\n    through", id, called(answer, id)) < 0) {
		return EXIT_BAD;
	}
	json_array_foreach(list, i, through)
	{
		const char *friend = json_string_value(through);
		const char *name = friend == NULL ? "" : called(answer, friend);
		if (printf("%s %s", i == 0 ? "" : ",", name[0] == '\0' ? friend : name) < 0) {
			return EXIT_BAD;
		}
	}
	long long rest = client_number(row, "total") - (long long)json_array_size(list);
	return (rest > 0 ? printf(" and %lld more\n", rest) : printf("\n")) > 0 ? EXIT_GOOD
										: EXIT_BAD;
}

int cmd_suggest(int argc, char **argv)
{
	struct client_options options = {.data = NULL};
	int code = client_options(&options, argc, argv, 0, 0, "it takes no arguments");
	if (code >= 0) {
		return code;
	}
	struct client *client = client_open(&options, false);
	json_t *answer = client == NULL
				 ? NULL
				 : client_ask(client, "GET", "/api/suggestions", span_of(NULL, 0));
	code = answer == NULL ? EXIT_BAD : EXIT_GOOD;
	if (answer != NULL && options.is_json) {
		code = client_print_json(answer);
	} else if (answer != NULL) {
		size_t i = 0;
		const json_t *row = NULL;
		json_array_foreach(json_object_get(answer, "suggestions"), i, row)
		{
			code = code == EXIT_GOOD ? print_suggestion(answer, row) : code;
		}
	}
	json_decref(answer);
	client_close(client);
	return code;
}
