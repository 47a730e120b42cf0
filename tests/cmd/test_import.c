/* kith import as a person uses it: lines of every shape that a log of messages comes in. */
#include "lib/authors.h"
#include "lib/cmocka.h"
#include "lib/folder.h"

#include "base/encode.h"
#include "base/limits.h"

#include <jansson.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char program[4096]; /* the kith of the same build */

struct place {
	char dir[64];
	char file[96];
	FILE *lines;
};

static void run(const char *format, ...) PRINTF_LIKE(1, 2);
static void run(const char *format, ...)
{
	char *command = NULL;
	va_list args;
	va_start(args, format);
	assert_true(vasprintf(&command, format, args) > 0);
	va_end(args);
	if (system(command) != 0) {
		fail_msg("%s", command);
	}
	free(command);
}

static void place_init(struct place *place)
{
	folder_make(place->dir, sizeof(place->dir), "kith-import");
	(void)snprintf(place->file, sizeof(place->file), "%s/lines", place->dir);
	run("'%s' init --data %s/node > %s/out", program, place->dir, place->dir);
	place->lines = fopen(place->file, "w");
	assert_non_null(place->lines);
}

/* The counts that the import of all lines so far prints. */
static json_t *import(struct place *place)
{
	char command[sizeof(program) + 256];
	assert_int_equal(fclose(place->lines), 0);
	(void)snprintf(command, sizeof(command), "'%s' import --json --data %s/node %s", program,
		place->dir, place->file);
	FILE *out = popen(command, "r");
	assert_non_null(out);
	json_t *counts = json_loadf(out, 0, NULL);
	assert_int_equal(pclose(out), 0);
	assert_non_null(counts);
	return counts;
}

static long long count_of(const json_t *counts, const char *name)
{
	return json_integer_value(json_object_get(counts, name));
}

static void place_fini(struct place *place)
{
	run("rm -r %s", place->dir);
}

static void put(
	struct place *place, const char *before, const struct message *message, const char *behind)
{
	(void)fprintf(place->lines, "%s%.*s%s\n", before, (int)message->compact.len,
		(const char *)message->compact.at, behind);
}

static void every_shape_of_a_line_brings_its_message(void **state)
{
	(void)state;
	struct place place;
	struct author ben;
	char key[MESSAGE_ID_TEXT_BYTES];
	char before[128];
	place_init(&place);
	author_init(&ben, 1);
	for (int i = 0; i < 8; i++) {
		struct message *message = author_post(&ben, "\\u0000 caf\u00e9");
		message_id_format(&message->key, key);
		switch (i) {
		case 0:
			put(&place, "", message, "");
			break;
		case 1:
			put(&place, " \t", message, " \r");
			break;
		case 2:
			(void)snprintf(before, sizeof(before), "{\"key\":\"%s\",\"value\":", key);
			put(&place, before, message, "}");
			break;
		case 3:
			put(&place, before, message, "}"); /* the key is the last one's */
			(void)snprintf(before, sizeof(before), "{\"key\":\"%s\",\"value\":", key);
			put(&place, before, message, ",\"timestamp\":1.5}");
			break;
		case 4:
			(void)snprintf(before, sizeof(before), "{\"key\":\"%s\",\"value\":", key);
			put(&place, before, message, ",\"seen\":{\"by\":\"me\"}}");
			break;
		case 5:
			(void)snprintf(before, sizeof(before),
				"{\"timestamp\":1,\"key\":\"%s\",\"value\": ", key);
			put(&place, before, message, " }");
			break;
		case 6:
			put(&place, "{\"value\":", message, "}");
			break;
		default:
			put(&place, "{\"value\":null,\"val\\u0075e\":", message, "}");
			break;
		}
		message_free(message);
	}
	json_t *counts = import(&place);
	assert_int_equal(count_of(counts, "stored"), 8);
	assert_int_equal(count_of(counts, "refused"), 1);
	assert_int_equal(count_of(counts, "lines"), 9);
	json_decref(counts);
	author_fini(&ben);
	place_fini(&place);
}

static void fill_line(struct place *place, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		assert_int_equal(fputc('x', place->lines), 'x');
	}
	assert_int_equal(fputc('\n', place->lines), '\n');
}

static void rubbish_is_counted_and_what_stands_between_is_kept(void **state)
{
	(void)state;
	static const char *const rubbish[] = {"{", "[]", "null", "{\"key\":1,\"value\":2}",
		"{\"value\":{}}", "\xff\xfe", "{\"key\":\"%\",\"value\":{\"previous\":null}}"};
	size_t count = sizeof(rubbish) / sizeof(rubbish[0]);
	struct place place;
	struct author ben;
	place_init(&place);
	author_init(&ben, 1);
	for (size_t i = 0; i < count; i++) {
		struct message *message = author_post(&ben, "x");
		put(&place, "", message, "");
		message_free(message);
		(void)fprintf(place.lines, "%s\n\n", rubbish[i]);
	}
	fill_line(&place, LIMIT_MESSAGE_BYTES);
	fill_line(&place, LIMIT_MESSAGE_BYTES + 1);
	fill_line(&place, (size_t)100 * LIMIT_MESSAGE_BYTES);
	struct message *last = author_post(&ben, "last");
	put(&place, "", last, "");
	message_free(last);
	json_t *counts = import(&place);
	assert_int_equal(count_of(counts, "stored"), count + 1);
	assert_int_equal(count_of(counts, "refused"), count + 3);
	json_decref(counts);
	author_fini(&ben);
	place_fini(&place);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_shape_of_a_line_brings_its_message),
		cmocka_unit_test(rubbish_is_counted_and_what_stands_between_is_kept),
	};
	(void)argc;
	(void)snprintf(program, sizeof(program), "%s/../../kith", dirname(argv[0]));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
