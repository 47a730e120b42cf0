/* kith tags: which tags there are, and how many posts have each. Read-only, beside a running node
 * too. */
#include "cmd/cmd.h"
#include "cmd/local.h"

#include "base/limits.h"
#include "feed/json.h"
#include "store/tags.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS_USUAL = 20, LINE_BYTES = 8 * LIMIT_TAG_BYTES };

static enum err print_json(const struct tag_count *row)
{
	struct buf line = BUF_INIT(LINE_BYTES);
	enum err err = buf_append_text(&line, "{\"tag\":");
	if (err == ERR_OK) {
		err = json_write_string(span_text(row->tag.text), &line);
	}
	if (err == ERR_OK) {
		err = buf_printf(
			&line, ",\"n\":%" PRIu64 ",\"at\":%" PRId64 "}\n", row->posts, row->at_ms);
	}
	if (err == ERR_OK && fwrite(line.at, 1, line.len, stdout) != line.len) {
		err = ERR_CLOSED;
	}
	buf_fini(&line);
	return err;
}

static enum err print_plain(const struct tag_count *row)
{
	char at[CMD_TIME_BYTES];
	return printf("%7" PRIu64 "  %s  #%s\n", row->posts, cmd_time(row->at_ms, at),
		       row->tag.text) > 0
		       ? ERR_OK
		       : ERR_CLOSED;
}

static int tags(const char *data, const char *start, size_t limit, bool is_json)
{
	struct store *store = NULL;
	struct reader *reader = NULL;
	struct tag_count rows[LIMIT_PAGE_ROWS];
	size_t count = 0;
	if (local_open_read("tags", data, &store, &reader) != ERR_OK) {
		return EXIT_BAD;
	}
	const struct tag from = tag_normal(span_text(start));
	enum err err = start == NULL ? tags_newest(reader, rows, limit, &count)
				     : tags_like(reader, &from, rows, limit, &count);
	for (size_t i = 0; err == ERR_OK && i < count; i++) {
		err = is_json ? print_json(&rows[i]) : print_plain(&rows[i]);
	}
	local_close_read(store, reader);
	if (err == ERR_OK && fflush(stdout) != 0) {
		err = ERR_CLOSED;
	}
	return err == ERR_OK ? EXIT_GOOD : cmd_fail("tags", "%s", err_text(err));
}

int cmd_tags(int argc, char **argv)
{
	const char *data = NULL;
	const char *limit_text = NULL;
	bool is_json = false;
	const struct cmd_option options[] = {{.name = "--data", .value = &data},
		{.name = "--limit", .value = &limit_text}, {.name = "--json", .flag = &is_json}};
	int plain = cmd_options("tags", argc, argv, options, 3);
	char *end = NULL;
	if (plain < 0) {
		return EXIT_USAGE;
	}
	if (plain > 1) {
		return cmd_usage(cmd_find("tags"), "it takes one beginning of a tag at most");
	}
	long limit = limit_text == NULL ? ROWS_USUAL : strtol(limit_text, &end, 10);
	if (limit < 1 || limit > LIMIT_PAGE_ROWS || (end != NULL && *end != '\0')) {
		return cmd_usage(cmd_find("tags"), "--limit goes from 1 to 100");
	}
	return tags(data, plain == 1 ? argv[1] : NULL, (size_t)limit, is_json);
}
