/* `kith settings`: what is set for all browsers of the owner. */
#include "cmd/client.h"

#include <stdio.h>

static void print_settings(const json_t *answer)
{
	const char *name = NULL;
	json_t *is = NULL;
	json_object_foreach(json_object_get(answer, "activity"), name, is)
	{
		(void)printf("activity %-8s %s\n", name, json_is_true(is) ? "on" : "off");
	}
}

int cmd_settings(int argc, char **argv)
{
	struct client_options options = {.data = NULL};
	const char *wanted = "it takes nothing, or `KIND on`, or `KIND off`";
	int code = client_options(&options, argc, argv, 0, 2, wanted);
	if (code >= 0) {
		return code;
	}
	const char *is = argv[1] == NULL ? NULL : argv[2];
	bool is_on = is != NULL && strcmp(is, "on") == 0;
	if (argv[1] != NULL && !is_on && (is == NULL || strcmp(is, "off") != 0)) {
		return cmd_usage(cmd_find("settings"), "%s", wanted);
	}
	struct client *client = client_open(&options, false);
	if (client == NULL) {
		return EXIT_BAD;
	}
	json_t *answer = is == NULL ? client_ask(client, "GET", "/api/settings", span_of(NULL, 0))
				    : client_post(client, "/api/settings",
					      json_pack("{s:{s:b}}", "activity", argv[1], is_on));
	code = answer == NULL ? EXIT_BAD : EXIT_GOOD;
	if (answer != NULL && options.is_json) {
		code = client_print_json(answer);
	} else if (answer != NULL) {
		print_settings(answer);
	}
	json_decref(answer);
	client_close(client);
	return code;
}
