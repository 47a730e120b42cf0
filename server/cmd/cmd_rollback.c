/* `kith rollback`: back to the database as it was before the last change of its form. */
#include "cmd/client.h"
#include "config/config.h"

#include "base/file.h"
#include "store/rollback.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { WHY_BYTES = 512, DIR_BYTES = 4096 };

static json_t *show_copy(const struct rollback_copy *copy)
{
	return json_pack("{s:s,s:I,s:I,s:I}", "name", copy->name, "version",
		(json_int_t)copy->version, "at", (json_int_t)copy->at_ms, "bytes",
		(json_int_t)copy->bytes);
}

static int list(const char *dir, bool is_json)
{
	static struct rollback_copy copies[ROLLBACK_COPIES_MAX];
	size_t count = 0;
	if (rollback_list(dir, copies, &count) != ERR_OK) {
		return cmd_fail("rollback", "the copies in %s/snapshots cannot be read", dir);
	}
	if (is_json) {
		json_t *rows = json_array();
		for (size_t i = 0; i < count; i++) {
			(void)json_array_append_new(rows, show_copy(&copies[i]));
		}
		json_t *answer = json_pack("{s:o}", "copies", rows);
		int code = client_print_json(answer);
		json_decref(answer);
		return code;
	}
	if (count == 0) {
		(void)puts("There are no copies: the database has had one form only.");
	}
	for (size_t i = 0; i < count; i++) {
		char date[CMD_TIME_BYTES];
		(void)cmd_time(copies[i].at_ms, date);
		(void)printf("version %" PRId64 ", of %s, %.1f MB\n", copies[i].version, date,
			(double)copies[i].bytes / 1000000.0);
	}
	return EXIT_GOOD;
}

static int print_result(const struct rollback_result *result, bool is_json)
{
	char date[CMD_TIME_BYTES];
	if (is_json) {
		json_t *answer = json_pack("{s:o,s:I,s:s?}", "copy", show_copy(&result->copy),
			"version", (json_int_t)result->version, "aside",
			result->aside[0] == '\0' ? NULL : result->aside);
		int code = client_print_json(answer);
		json_decref(answer);
		return code;
	}
	(void)cmd_time(result->copy.at_ms, date);
	(void)printf("The database is again as it was at %s (version %" PRId64 ").\n", date,
		result->copy.version);
	if (result->aside[0] != '\0') {
		(void)printf("The one before is kept as %s.\n", result->aside);
	}
	(void)puts("Start the older kith with it: a newer one brings it up to date again. "
		   "Publishing is paused at first, until your later messages have come back "
		   "from others.");
	return EXIT_GOOD;
}

static int roll_back(const char *dir, bool is_json)
{
	struct rollback_result result;
	char why[WHY_BYTES] = "";
	int lock = -1;
	enum err err = file_lock_dir(dir, &lock);
	if (err != ERR_OK) {
		return cmd_fail("rollback",
			err == ERR_BUSY ? "a node is running on %s; stop it first"
					: "%s cannot be locked: may you write there?",
			dir);
	}
	err = rollback_run(dir, env_system(), &result, why, sizeof(why));
	(void)close(lock);
	return err == ERR_OK ? print_result(&result, is_json) : cmd_fail("rollback", "%s", why);
}

int cmd_rollback(int argc, char **argv)
{
	const char *data = NULL;
	bool is_json = false;
	bool is_list = false;
	const struct cmd_option options[] = {
		{"--data", &data, NULL}, {"--list", NULL, &is_list}, {"--json", NULL, &is_json}};
	struct buf dir = BUF_INIT(DIR_BYTES);
	int plain = cmd_options("rollback", argc, argv, options, 3);
	if (plain != 0) {
		return plain < 0 ? EXIT_USAGE
				 : cmd_usage(cmd_find("rollback"), "it takes no argument");
	}
	enum err err = config_data_dir(data, &dir);
	int code = err != ERR_OK ? cmd_fail("rollback", "%s", config_data_dir_why(err))
		   : access((const char *)dir.at, X_OK) != 0
			   ? cmd_fail("rollback", "there is no data directory %s",
				     (const char *)dir.at)
		   : is_list ? list((const char *)dir.at, is_json)
			     : roll_back((const char *)dir.at, is_json);
	buf_fini(&dir);
	return code;
}
