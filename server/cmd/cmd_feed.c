/*
 * kith feed, kith state: a feed as it is stored, and where it stands. Read-only, beside a running
 * node too. Of a feed that has not arrived there are no messages and the sequence is 0: that is an
 * answer, not an error.
 */
#include "cmd/cmd.h"
#include "cmd/local.h"

#include "base/limits.h"

#include <inttypes.h>
#include <stdio.h>

enum { FEED_CHUNK = 64 };

/* Lines are made while the database is read, and printed afterwards: a slow reader of ours must not
 * hold the database. */
struct lines {
	struct buf text;
	bool is_json;
	size_t count;
	uint64_t next;
	enum err err;
};

static bool on_message(void *ctx, const struct stored *stored)
{
	struct lines *lines = ctx;
	char key[MESSAGE_ID_TEXT_BYTES];
	message_id_format(&stored->key, key);
	if (lines->is_json) {
		lines->err = buf_printf(&lines->text, "{\"key\":\"%s\",\"value\":", key);
	} else {
		lines->err = buf_printf(&lines->text, "%" PRIu64 " %s ", stored->sequence, key);
	}
	if (lines->err == ERR_OK) {
		lines->err = buf_append(&lines->text, stored->compact);
	}
	if (lines->err == ERR_OK) {
		lines->err = buf_append_text(&lines->text, lines->is_json ? "}\n" : "\n");
	}
	lines->count++;
	lines->next = stored->sequence + 1;
	return lines->err == ERR_OK;
}

static enum err print_feed(
	struct reader *reader, const struct feed_id *id, bool is_json, uint64_t *total)
{
	struct lines lines = {.text = BUF_INIT((size_t)FEED_CHUNK * 2 * LIMIT_MESSAGE_BYTES),
		.is_json = is_json,
		.next = 1};
	enum err err = ERR_OK;
	do {
		lines.count = 0;
		buf_clear(&lines.text);
		err = reader_feed(reader, id, lines.next, FEED_CHUNK, on_message, &lines);
		if (err == ERR_OK) {
			err = lines.err;
		}
		if (err == ERR_OK && lines.text.len > 0 &&
			fwrite(lines.text.at, 1, lines.text.len, stdout) != lines.text.len) {
			err = ERR_CLOSED;
		}
		*total += lines.count;
	} while (err == ERR_OK && lines.count > 0);
	buf_fini(&lines.text);
	if (err == ERR_OK && fflush(stdout) != 0) {
		err = ERR_CLOSED;
	}
	return err;
}

static int parse(const char *name, int argc, char **argv, struct feed_id *id, const char **data,
	bool *is_json)
{
	const struct cmd_option options[] = {
		{.name = "--data", .value = data}, {.name = "--json", .flag = is_json}};
	int plain = cmd_options(name, argc, argv, options, 2);
	if (plain < 0) {
		return EXIT_USAGE;
	}
	if (plain != 1) {
		return cmd_usage(cmd_find(name), "give one feed id");
	}
	if (feed_id_parse_any(span_text(argv[1]), id) != ERR_OK) {
		return cmd_usage(cmd_find(name), "%s is no feed id", argv[1]);
	}
	return EXIT_GOOD;
}

int cmd_feed(int argc, char **argv)
{
	struct feed_id id;
	const char *data = NULL;
	bool is_json = false;
	struct store *store = NULL;
	struct reader *reader = NULL;
	uint64_t total = 0;
	int code = parse("feed", argc, argv, &id, &data, &is_json);
	if (code != EXIT_GOOD) {
		return code;
	}
	if (local_open_read("feed", data, &store, &reader) != ERR_OK) {
		return EXIT_BAD;
	}
	enum err err = print_feed(reader, &id, is_json, &total);
	local_close_read(store, reader);
	if (err != ERR_OK) {
		return cmd_fail(
			"feed", "it stopped after %" PRIu64 " messages: %s", total, err_text(err));
	}
	return EXIT_GOOD;
}

int cmd_state(int argc, char **argv)
{
	struct feed_id id;
	const char *data = NULL;
	bool is_json = false;
	struct store *store = NULL;
	struct reader *reader = NULL;
	struct chain_head head;
	int code = parse("state", argc, argv, &id, &data, &is_json);
	if (code != EXIT_GOOD) {
		return code;
	}
	if (local_open_read("state", data, &store, &reader) != ERR_OK) {
		return EXIT_BAD;
	}
	enum err err = reader_head(reader, &id, &head);
	local_close_read(store, reader);
	if (err == ERR_NOT_FOUND) {
		(void)puts(is_json ? "{\"sequence\":0,\"key\":null}" : "0");
		return EXIT_GOOD;
	}
	if (err != ERR_OK) {
		return cmd_fail("state", "the database cannot be read: %s", err_text(err));
	}
	char key[MESSAGE_ID_TEXT_BYTES];
	message_id_format(&head.key, key);
	(void)printf(is_json ? "{\"sequence\":%" PRIu64 ",\"key\":\"%s\"}\n" : "%" PRIu64 " %s\n",
		head.sequence, key);
	return EXIT_GOOD;
}
