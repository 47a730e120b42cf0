/* `kith status`: how the node is, in a few lines. */
#include "cmd/client.h"

#include <stdio.h>

static long long number(const json_t *tree, const char *group, const char *name)
{
	return json_integer_value(json_object_get(json_object_get(tree, group), name));
}

static const char *plural(long long n)
{
	return n == 1 ? "" : "s";
}

static void print_uptime(long long seconds)
{
	static const struct {
		long long seconds;
		const char *name;
	} units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
	size_t i = 0;
	while (i < 3 && seconds < units[i].seconds) {
		i++;
	}
	long long n = seconds / units[i].seconds;
	(void)printf("node      running for %lld %s%s\n", n, units[i].name, plural(n));
}

static void print_shares(const json_t *status)
{
	long long feeds = number(status, "counters", "feeds_paused");
	long long peers = number(status, "counters", "peers_paused");
	if (feeds > 0) {
		(void)printf(
			"waiting   %lld feed%s sent all of a day's share, and may go on tomorrow\n",
			feeds, plural(feeds));
	}
	if (peers > 0) {
		(void)printf("waiting   %lld peer%s used up the share of this hour\n", peers,
			plural(peers));
	}
}

static int print_status(const json_t *status, bool is_running)
{
	const char *state = client_text(status, "state");
	const char *address =
		json_string_value(json_object_get(json_object_get(status, "listen"), "address"));
	bool is_paused = strcmp(state, "CLEAN") != 0 && strcmp(state, "NEW") != 0;
	(void)printf("key       %s\n", client_text(status, "me"));
	if (is_running) {
		print_uptime(client_number(status, "uptime_ms") / 1000);
		(void)printf("address   %s\n", address == NULL ? "none" : address);
		(void)printf("page      %s (`kith link` prints a link that opens it)\n",
			client_text(json_object_get(status, "http"), "page"));
		(void)printf("peers     %lld connected, %lld dialling\n",
			number(status, "peers", "connected"), number(status, "peers", "dialling"));
		(void)printf("to come   %lld messages\n", number(status, "sync", "behind"));
		print_shares(status);
	} else {
		(void)printf("node      not running: `kith run` starts it\n");
	}
	if (is_paused) {
		(void)printf("paused    %s (`kith safety` tells more)\n",
			client_text(status, "state_why"));
	}
	long long messages = number(status, "store", "messages");
	long long feeds = number(status, "store", "feeds");
	(void)printf("holds     %lld message%s of %lld feed%s, %.1f MiB\n", messages,
		plural(messages), feeds, plural(feeds),
		(double)number(status, "store", "bytes") / (1024 * 1024));
	return printf("disk      %lld MiB free\n",
		       number(status, "store", "disk_free") / (1024 * 1024)) > 0
		       ? EXIT_GOOD
		       : EXIT_BAD;
}

int cmd_status(int argc, char **argv)
{
	struct client_options options = {.data = NULL};
	int code = client_options(&options, argc, argv, 0, 0, "it takes no argument");
	struct client *client = code < 0 ? client_open(&options, false) : NULL;
	if (client == NULL) {
		return code < 0 ? EXIT_BAD : code;
	}
	json_t *answer = client_ask(client, "GET", "/api/status", span_of(NULL, 0));
	code = EXIT_BAD;
	if (answer != NULL) {
		code = options.is_json ? client_print_json(answer)
				       : print_status(answer, client_is_running(client));
	}
	json_decref(answer);
	client_close(client);
	return code;
}
