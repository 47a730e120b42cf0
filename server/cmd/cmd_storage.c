/* `kith storage` and `kith person`: what the node takes of the disk, how much it may take, and what
 * is held of one person. */
#include "cmd/client.h"

#include "feed/id.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TARGET_BYTES = 96, SIZE_BYTES = 32, SHOWN_PEOPLE = 10 };

static const char *size_text(long long bytes, char out[static SIZE_BYTES])
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
	double value = (double)bytes;
	size_t unit = 0;
	while (value >= 1024 && unit < 4) {
		value /= 1024;
		unit++;
	}
	(void)snprintf(out, SIZE_BYTES, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
	return out;
}

/* "5G", "500M", "1.5GiB", or bytes; 0: it is none. */
static long long read_size(const char *text)
{
	char *end = NULL;
	errno = 0;
	double value = strtod(text, &end);
	double unit = 1;
	if (end == text || errno != 0 || !(value > 0)) {
		return 0;
	}
	switch (*end) {
	case 'k':
	case 'K':
		unit = 1024.0;
		break;
	case 'm':
	case 'M':
		unit = 1024.0 * 1024;
		break;
	case 'g':
	case 'G':
		unit = 1024.0 * 1024 * 1024;
		break;
	case 't':
	case 'T':
		unit = 1024.0 * 1024 * 1024 * 1024;
		break;
	default:
		break;
	}
	end += unit > 1;
	if (strcmp(end, "") != 0 && strcmp(end, "B") != 0 && strcmp(end, "iB") != 0) {
		return 0;
	}
	return value * unit > 9e15 ? 0 : (long long)(value * unit);
}

static void print_goes(const json_t *goes)
{
	char size[SIZE_BYTES];
	if (client_number(goes, "bytes") == 0) {
		(void)printf("Nothing would go.\n");
	} else {
		(void)printf("%s would go: %lld files, %lld messages of %lld people who are far "
			     "away, %lld older backups.\n",
			size_text(client_number(goes, "bytes"), size), client_number(goes, "blobs"),
			client_number(goes, "messages"), client_number(goes, "feeds"),
			client_number(goes, "backups"));
	}
	if (!json_is_true(json_object_get(goes, "enough"))) {
		(void)printf("That is not enough: the rest is yours, or of people you follow, and "
			     "stays.\n");
	}
}

static void print_people(const json_t *answer)
{
	const json_t *people = json_object_get(answer, "people");
	for (size_t i = 0; i < json_array_size(people) && i < SHOWN_PEOPLE; i++) {
		char size[SIZE_BYTES];
		const json_t *row = json_array_get(people, i);
		(void)printf("%12s  %s\n",
			size_text(client_number(row, "bytes") + client_number(row, "blob_bytes"),
				size),
			client_text(row, "id"));
	}
}

static int print_storage(const json_t *answer)
{
	static const struct {
		const char *name, *said;
	} rows[] = {{"messages", "messages"},
		{"indexes", "to find and to sort them, and the journal"},
		{"blobs_own", "your files and what you keep"},
		{"blobs_friends", "files of people you follow"}, {"blobs_far", "files of others"},
		{"backups", "backups and copies"}, {"reserve", "set aside for a full disk"},
		{"other", "everything else"}};
	char used[SIZE_BYTES];
	char ceiling[SIZE_BYTES];
	char left[SIZE_BYTES];
	(void)printf("%s of %s, and %s are free on the disk\n\n",
		size_text(client_number(answer, "used"), used),
		size_text(client_number(answer, "ceiling"), ceiling),
		size_text(client_number(answer, "disk_free"), left));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)printf("%12s  %s\n",
			size_text(client_number(json_object_get(answer, "classes"), rows[i].name),
				used),
			rows[i].said);
	}
	(void)printf("\n");
	print_goes(json_object_get(answer, "next"));
	(void)printf("\n");
	print_people(answer);
	return EXIT_GOOD;
}

static int show(const struct client_options *options, json_t *answer, bool is_goes)
{
	int code = EXIT_BAD;
	if (answer != NULL && options->is_json) {
		code = client_print_json(answer);
	} else if (answer != NULL && is_goes) {
		print_goes(answer);
		code = EXIT_GOOD;
	} else if (answer != NULL) {
		code = print_storage(answer);
	}
	json_decref(answer);
	return code;
}

int cmd_storage(int argc, char **argv)
{
	bool is_try = false;
	const struct cmd_option extra[] = {{"--try", NULL, &is_try}};
	struct client_options options = {.extra = extra, .extra_count = 1};
	const char *wanted = "it takes nothing, or `ceiling SIZE` (as 5G or 500M)";
	int code = client_options(&options, argc, argv, 0, 2, wanted);
	if (code >= 0) {
		return code;
	}
	long long bytes = argv[1] == NULL || argv[2] == NULL ? 0 : read_size(argv[2]);
	if (argv[1] != NULL && (strcmp(argv[1], "ceiling") != 0 || bytes == 0)) {
		return cmd_usage(cmd_find("storage"), "%s", wanted);
	}
	struct client *client = client_open(&options, false);
	if (client == NULL) {
		return EXIT_BAD;
	}
	json_t *answer = argv[1] == NULL
				 ? client_ask(client, "GET", "/api/storage", span_of(NULL, 0))
				 : client_post(client, "/api/storage",
					   json_pack("{s:I, s:b}", "ceiling", (json_int_t)bytes,
						   "try", is_try));
	code = show(&options, answer, is_try && argv[1] != NULL);
	client_close(client);
	return code;
}

static int print_removal(const json_t *answer, bool is_try)
{
	char size[SIZE_BYTES];
	const char *keeps = client_text(answer, "keeps");
	(void)printf("%lld messages and %lld files, %s, %s.%s%s\n",
		client_number(answer, "messages"), client_number(answer, "blobs"),
		size_text(client_number(answer, "bytes"), size), is_try ? "would go" : "are gone",
		keeps[0] == '\0' ? "" : " ", keeps);
	return EXIT_GOOD;
}

int cmd_person(int argc, char **argv)
{
	bool is_try = false;
	char target[TARGET_BYTES];
	char path[ID_PATH_BYTES];
	struct feed_id id;
	const struct cmd_option extra[] = {{"--try", NULL, &is_try}};
	struct client_options options = {.extra = extra, .extra_count = 1};
	const char *wanted = "it takes `remove ID` or `again ID`";
	int code = client_options(&options, argc, argv, 2, 2, wanted);
	if (code >= 0) {
		return code;
	}
	bool is_removal = strcmp(argv[1], "remove") == 0;
	if (!is_removal && strcmp(argv[1], "again") != 0) {
		return cmd_usage(cmd_find("person"), "%s", wanted);
	}
	if (feed_id_parse_any(span_text(argv[2]), &id) != ERR_OK) {
		return cmd_fail("person", "that is not the key of a person");
	}
	struct client *client = client_open(&options, false);
	if (client == NULL) {
		return EXIT_BAD;
	}
	id_format_path(id.at, path);
	(void)snprintf(target, sizeof(target), "/api/person/%s/%s", path, argv[1]);
	json_t *answer = client_post(client, target,
		!is_removal ? json_object()
		: is_try    ? json_pack("{s:b}", "try", 1)
			    : json_pack("{s:s}", "confirm", "remove"));
	code = EXIT_BAD;
	if (answer != NULL && options.is_json) {
		code = client_print_json(answer);
	} else if (answer != NULL && is_removal) {
		code = print_removal(answer, is_try);
	} else if (answer != NULL) {
		code = printf("What is there of them comes again from the beginning.\n") > 0
			       ? EXIT_GOOD
			       : EXIT_BAD;
	}
	json_decref(answer);
	client_close(client);
	return code;
}
