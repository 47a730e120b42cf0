/* GET /api/search: posts by their words. */
#include "api/body.h"
#include "api/shape.h"
#include "store/search.h"

#include <stdio.h>
#include <stdlib.h>

enum { QUERY_BYTES = 4 * LIMIT_SEARCH_CHARS, CURSOR_BYTES = 48 };

/* The cursor is a row of the full text, in the form of the other cursors. */
static bool read_before(struct call *call, struct search_query *query)
{
	struct buf text = BUF_INIT(CURSOR_BYTES);
	int64_t none = 0;
	bool is_good = serve_read_param(call, "before", &text, &query->has_before);
	if (is_good && query->has_before &&
		shape_read_cursor(buf_span(&text), &none, &query->before) != ERR_OK) {
		answer_error(&call->exchange->answer, SAID_BAD_REQUEST, "The cursor is malformed.");
		is_good = false;
	}
	buf_fini(&text);
	return is_good;
}

static json_t *cursor_of(bool has_more, int64_t row)
{
	char text[CURSOR_BYTES];
	(void)snprintf(text, sizeof(text), "0.%lld", (long long)row);
	return has_more ? json_string(text) : json_null();
}

static enum err fill(struct call *call, struct reader *reader, const struct posts *page,
	int64_t cursor, json_t *tree)
{
	struct shape_people *people = calloc(1, sizeof(*people));
	json_t *posts = NULL;
	json_t *list = NULL;
	uint64_t behind = 0;
	enum err err =
		people == NULL ? ERR_NOMEM : shape_posts(call->api, reader, page, people, &posts);
	if (err == ERR_OK) {
		err = shape_people(reader, people, &list);
	}
	if (err == ERR_OK) {
		err = search_behind(reader, &behind);
	}
	free(people);
	if (err != ERR_OK) {
		json_decref(posts);
		json_decref(list);
		return err;
	}
	bool is_short =
		json_object_set_new(tree, "posts", posts) != 0 ||
		json_object_set_new(tree, "people", list) != 0 ||
		json_object_set_new(tree, "cursor", cursor_of(page->has_more, cursor)) != 0 ||
		(behind > 0 &&
			json_object_set_new(tree, "behind", json_integer((json_int_t)behind)) != 0);
	return is_short ? ERR_NOMEM : ERR_OK;
}

static void answer_search(struct call *call, const struct search_query *query)
{
	struct answer *answer = &call->exchange->answer;
	struct reader *reader = inside_reader(call);
	struct posts page = {.count = 0};
	int64_t cursor = 0;
	if (reader == NULL) {
		return;
	}
	enum err err = search_page(reader, query, &page, &cursor);
	if (err == ERR_LIMIT || err == ERR_REFUSED) {
		answer_error(answer, SAID_BAD_REQUEST,
			err == ERR_REFUSED ? "Write what to look for."
					   : "Look for at most 8 words, of 256 characters in all.");
		return;
	}
	json_t *tree = err == ERR_OK ? json_object() : NULL;
	if (err == ERR_OK) {
		err = fill(call, reader, &page, cursor, tree);
	}
	posts_free(&page);
	if (err == ERR_TIMEOUT) {
		json_decref(tree);
		answer_error(answer, SAID_BUSY, "That takes too long. Try rarer words.");
	} else if (err != ERR_OK) {
		json_decref(tree);
		answer_err(answer, err);
	} else {
		answer_json(answer, 200, tree);
	}
}

void serve_search(struct call *call)
{
	struct search_query query = {.limit = 0};
	struct buf words = BUF_INIT(QUERY_BYTES);
	enum err err = body_query(call->exchange->head.query, "q", &words);
	if (err == ERR_LIMIT) {
		answer_error(&call->exchange->answer, SAID_BAD_REQUEST,
			"Look for at most 8 words, of 256 characters in all.");
	} else if (err != ERR_OK) {
		answer_error(&call->exchange->answer, SAID_BAD_REQUEST,
			"The parameter `q` is missing or malformed.");
	} else if (serve_read_limit(call, &query.limit) && read_before(call, &query)) {
		query.words = buf_span(&words);
		answer_search(call, &query);
	}
	buf_fini(&words);
}
