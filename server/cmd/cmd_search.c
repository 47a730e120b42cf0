/* kith search: posts by their words, the newest first. Read-only, beside a running node too. */
#include "cmd/cmd.h"
#include "cmd/local.h"

#include "store/index.h"
#include "store/people.h"
#include "store/search.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROWS_USUAL = 20, EXCERPT_BYTES = 200, WORDS_BYTES = 8 * LIMIT_SEARCH_CHARS };

/* The words may come as one argument or as several. */
static enum err join(int count, char **words, struct buf *out)
{
	enum err err = ERR_OK;
	for (int i = 0; err == ERR_OK && i < count; i++) {
		err = buf_append_text(out, i == 0 ? "" : " ");
		if (err == ERR_OK) {
			err = buf_append_text(out, words[i]);
		}
	}
	return err;
}

static enum err print_json(const struct post *post, const struct person *author)
{
	char key[MESSAGE_ID_TEXT_BYTES];
	char id[FEED_ID_TEXT_BYTES];
	struct buf out = BUF_INIT(16 * LIMIT_MESSAGE_BYTES);
	message_id_format(&post->key, key);
	feed_id_format(&post->author, id);
	enum err err = buf_printf(&out, "{\"id\":\"%s\",\"author\":\"%s\",\"name\":", key, id);
	if (err == ERR_OK) {
		err = json_write_string(span_text(author->name), &out);
	}
	if (err == ERR_OK) {
		err = buf_printf(&out,
			",\"sequence\":%" PRIu64 ",\"at\":%" PRId64 ",\"text\":", post->sequence,
			post->at_ms);
	}
	if (err == ERR_OK) {
		err = json_write_string(post->text, &out);
	}
	if (err == ERR_OK) {
		err = buf_append_text(&out, "}\n");
	}
	if (err == ERR_OK && fwrite(out.at, 1, out.len, stdout) != out.len) {
		err = ERR_CLOSED;
	}
	buf_fini(&out);
	return err;
}

/* Two lines: when, who and which; the first words. */
static enum err print_plain(const struct post *post, const struct person *author)
{
	char key[MESSAGE_ID_TEXT_BYTES];
	char id[FEED_ID_TEXT_BYTES];
	char at[CMD_TIME_BYTES];
	char text[EXCERPT_BYTES];
	message_id_format(&post->key, key);
	feed_id_format(&post->author, id);
	index_clean_text(post->text, text, sizeof(text));
	for (char *byte = text; *byte != '\0'; byte++) {
		*byte = (char)(*byte == '\n' || *byte == '\t' ? ' ' : *byte);
	}
	return printf("%s  %s  %s\n    %s\n", cmd_time(post->at_ms, at),
		       author->name[0] == '\0' ? id : author->name, key, text) > 0
		       ? ERR_OK
		       : ERR_CLOSED;
}

static enum err print_page(struct reader *reader, const struct posts *page, bool is_json)
{
	enum err err = ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < page->count; i++) {
		struct person author;
		err = people_read(reader, &page->at[i].author, 1, &author);
		if (err == ERR_OK) {
			err = is_json ? print_json(&page->at[i], &author)
				      : print_plain(&page->at[i], &author);
		}
	}
	return err == ERR_OK && fflush(stdout) != 0 ? ERR_CLOSED : err;
}

static const char *why(enum err err)
{
	return err == ERR_LIMIT     ? "look for at most 8 words, of 256 characters in all"
	       : err == ERR_REFUSED ? "write what to look for"
	       : err == ERR_TIMEOUT ? "that takes too long; try rarer words"
				    : err_text(err);
}

/* What was not understood, and what is not found yet. */
static enum err tell_rest(struct reader *reader, const struct search_ask *ask)
{
	uint64_t behind = 0;
	uint64_t ahead = 0;
	enum err err = search_behind(reader, &behind);
	if (err == ERR_OK) {
		err = search_ahead(reader, &ahead);
	}
	if (ask->said != SEARCH_SAID_NOTHING) {
		(void)fprintf(stderr, "kith search: %.*s%s%s\n", (int)ask->said_about.len,
			(const char *)ask->said_about.at, ask->said_about.len > 0 ? ": " : "",
			search_said_text(ask->said));
	}
	if (err == ERR_OK && behind + ahead > 0) {
		(void)fprintf(stderr,
			"kith search: %" PRIu64 " messages wait to be looked at for words\n",
			behind + ahead);
	}
	return err;
}

static int search(const char *data, struct span words, size_t limit, bool is_json)
{
	struct store *store = NULL;
	struct reader *reader = NULL;
	struct posts page = {.count = 0};
	struct search asked;
	struct search_cursor cursor;
	const struct search_query query = {.search = &asked, .limit = limit};
	time_t now = time(NULL);
	struct tm local = {.tm_gmtoff = 0};
	(void)localtime_r(&now, &local);
	if (local_open_read("search", data, &store, &reader) != ERR_OK) {
		return EXIT_BAD;
	}
	enum err err = search_read(reader, words, (int)(local.tm_gmtoff / 60), &asked);
	if (err == ERR_OK) {
		err = search_page(reader, &query, &page, &cursor);
	}
	if (err == ERR_OK) {
		err = print_page(reader, &page, is_json);
		posts_free(&page);
	}
	if (err == ERR_OK) {
		err = tell_rest(reader, &asked.ask);
	}
	local_close_read(store, reader);
	return err == ERR_OK ? EXIT_GOOD : cmd_fail("search", "%s", why(err));
}

int cmd_search(int argc, char **argv)
{
	const char *data = NULL;
	const char *limit_text = NULL;
	bool is_json = false;
	const struct cmd_option options[] = {{.name = "--data", .value = &data},
		{.name = "--limit", .value = &limit_text}, {.name = "--json", .flag = &is_json}};
	int plain = cmd_options("search", argc, argv, options, 3);
	struct buf words = BUF_INIT(WORDS_BYTES);
	char *end = NULL;
	if (plain < 0) {
		return EXIT_USAGE;
	}
	if (plain == 0) {
		return cmd_usage(cmd_find("search"), "write what to look for");
	}
	long limit = limit_text == NULL ? ROWS_USUAL : strtol(limit_text, &end, 10);
	if (limit < 1 || limit > LIMIT_PAGE_ROWS || (end != NULL && *end != '\0')) {
		return cmd_usage(cmd_find("search"), "--limit goes from 1 to 100");
	}
	int code = join(plain, argv + 1, &words) == ERR_OK
			   ? search(data, buf_span(&words), (size_t)limit, is_json)
			   : cmd_usage(cmd_find("search"),
				     "look for at most 8 words, of 256 characters in all");
	buf_fini(&words);
	return code;
}
