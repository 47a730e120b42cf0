/* GET /api/search: people, tags and posts for what was typed into the search box. */
#include "api/body.h"
#include "api/serve.h"
#include "api/shape.h"
#include "store/private_posts.h"
#include "store/search.h"
#include "store/tags.h"

#include <stdio.h>
#include <stdlib.h>

enum { QUERY_BYTES = 4 * LIMIT_SEARCH_CHARS, CURSOR_BYTES = 64, ZONE_MINUTES_MAX = 24 * 60 };

static const char too_much[] = "Look for at most 8 words, of 256 characters in all.";

static bool read_before(struct call *call, struct search_query *query)
{
	struct buf text = BUF_INIT(CURSOR_BYTES);
	bool is_good = serve_read_param(call, "before", &text, &query->has_before);
	if (is_good && query->has_before &&
		shape_read_cursor(buf_span(&text), &query->before_ms, &query->before) != ERR_OK) {
		answer_error(&call->exchange->answer, SAID_BAD_REQUEST, "The cursor is malformed.");
		is_good = false;
	}
	buf_fini(&text);
	return is_good;
}

/* Minutes east of UTC, where the days of `before:` and `after:` begin. */
static bool read_zone(struct call *call, int *out)
{
	struct buf text = BUF_INIT(CURSOR_BYTES);
	bool is_there = false;
	*out = 0;
	bool is_good = serve_read_param(call, "zone", &text, &is_there);
	const char *digits = is_good && is_there ? buf_cstr(&text) : NULL;
	if (digits != NULL) {
		char *end = NULL;
		long value = strtol(digits, &end, 10);
		is_good = *end == '\0' && value >= -ZONE_MINUTES_MAX && value <= ZONE_MINUTES_MAX;
		*out = is_good ? (int)value : 0;
		if (!is_good) {
			answer_error(&call->exchange->answer, SAID_BAD_REQUEST,
				"`zone` is minutes, from -1440 to 1440.");
		}
	}
	buf_fini(&text);
	return is_good;
}

static json_t *cursor_of(bool has_more, const struct search_cursor *cursor)
{
	char text[CURSOR_BYTES];
	(void)snprintf(text, sizeof(text), "%lld.%lld", (long long)cursor->at_ms,
		(long long)cursor->order);
	return has_more ? json_string(text) : json_null();
}

static json_t *said_of(const struct search_ask *ask)
{
	if (ask->said == SEARCH_SAID_NOTHING) {
		return json_null();
	}
	return json_pack("{s:s, s:o, s:s}", "code", search_said_code(ask->said), "about",
		body_string(ask->said_about), "said", search_said_text(ask->said));
}

/* What was understood. */
static json_t *shape_asked(const struct search *search, struct shape_people *people)
{
	const struct search_ask *ask = &search->ask;
	json_t *words = json_array();
	json_t *from = json_array();
	json_t *tags = json_array();
	for (size_t i = 0; i < ask->count; i++) {
		if (!ask->parts[i].is_not) {
			(void)json_array_append_new(words, body_string(ask->parts[i].text));
		}
	}
	for (size_t i = 0; i < search->from_count; i++) {
		shape_name(people, &search->from[i]);
		(void)json_array_append_new(from, shape_feed_id(&search->from[i]));
	}
	for (size_t i = 0; i < ask->tag_count; i++) {
		(void)json_array_append_new(tags, json_string(ask->tags[i].text));
	}
	json_t *asked = json_pack("{s:o, s:O?, s:o, s:O?, s:o, s:o}", "words", words, "from",
		json_array_get(from, 0), "from_any", from, "tag", json_array_get(tags, 0), "tags",
		tags, "said", said_of(ask));
	(void)json_object_set_new(asked, "before",
		ask->has_before ? json_integer((json_int_t)ask->before_ms) : json_null());
	(void)json_object_set_new(asked, "after",
		ask->has_after ? json_integer((json_int_t)ask->after_ms) : json_null());
	return asked;
}

static json_t *shape_go(const struct search_go *go)
{
	char id[ID_PATH_BYTES] = "";
	if (go->kind == SEARCH_GO_NOWHERE) {
		return json_null();
	}
	if (go->kind == SEARCH_GO_TAG) {
		return json_sprintf("/tag/%s", go->tag.text);
	}
	bool is_person = go->kind == SEARCH_GO_PERSON;
	id_format_path(is_person ? go->person.at : go->message.at, id);
	return json_sprintf("/%s/%s", is_person ? "p" : "m", id);
}

/* The tags that begin with the one word there is, or with the tag that is asked for. */
static enum err find_tags(struct reader *reader, const struct search_ask *ask, json_t *out)
{
	struct tag_count tags[LIMIT_SEARCH_TAGS];
	size_t count = 0;
	bool is_tag = ask->count == 0 && ask->tag_count == 1;
	bool is_word = ask->count == 1 && ask->tag_count == 0 && !ask->parts[0].is_not;
	if ((!is_tag && !is_word) || ask->has_from) {
		return ERR_OK;
	}
	const struct tag start = is_tag ? ask->tags[0] : tag_normal(ask->parts[0].text);
	enum err err = start.text[0] == '\0'
			       ? ERR_OK
			       : tags_like(reader, &start, tags, LIMIT_SEARCH_TAGS, &count);
	for (size_t i = 0; err == ERR_OK && i < count; i++) {
		(void)json_array_append_new(out, serve_tag(&tags[i]));
	}
	return err;
}

/* What is found beside posts; only with the first page. */
static enum err find_others(struct reader *reader, struct span text, const struct search *search,
	struct shape_people *people, json_t *out)
{
	struct feed_id ids[LIMIT_SEARCH_PEOPLE];
	struct search_go go;
	size_t count = 0;
	json_t *found = json_array();
	json_t *tags = json_array();
	enum err err = search_people(reader, search, ids, &count);
	for (size_t i = 0; i < count; i++) {
		shape_name(people, &ids[i]);
		(void)json_array_append_new(found, shape_feed_id(&ids[i]));
	}
	if (err == ERR_OK) {
		err = find_tags(reader, &search->ask, tags);
	}
	if (err == ERR_OK) {
		err = search_go(reader, text, &go);
	}
	(void)json_object_set_new(out, "people", found);
	(void)json_object_set_new(out, "tags", tags);
	if (err == ERR_OK) {
		(void)json_object_set_new(out, "go", shape_go(&go));
	}
	return err;
}

static enum err put_waiting(struct reader *reader, json_t *tree)
{
	uint64_t behind = 0;
	uint64_t ahead = 0;
	enum err err = search_behind(reader, &behind);
	if (err == ERR_OK) {
		err = search_ahead(reader, &ahead);
	}
	if (err == ERR_OK && behind + ahead > 0) {
		(void)json_object_set_new(
			tree, "behind", json_integer((json_int_t)behind + (json_int_t)ahead));
	}
	return err;
}

/* Only our private words; the public search never has them, nor this one others. */
static enum err search_private(struct call *call, struct reader *reader,
	const struct search_query *query, struct posts *out, struct search_cursor *cursor)
{
	struct private_book *book = call->api->opts.book;
	const struct private_place before = {query->before_ms, query->before};
	struct private_place end = {0};
	struct private_page page = {.count = 0};
	enum err err = private_search(book, reader, query->search,
		query->has_before ? &before : NULL, query->limit, &page, &end);
	if (err == ERR_OK) {
		err = private_posts_read(book, reader, page.at, page.count, out);
	}
	out->has_more = err == ERR_OK && page.has_more;
	*cursor = (struct search_cursor){end.at_ms, end.order};
	private_page_fini(&page);
	return err;
}

static enum err put_posts(struct call *call, struct reader *reader, bool is_private,
	const struct search_query *query, struct shape_people *people, json_t *tree)
{
	struct posts page = {.count = 0};
	struct search_cursor cursor;
	json_t *posts = NULL;
	enum err err = is_private ? search_private(call, reader, query, &page, &cursor)
				  : search_page(reader, query, &page, &cursor);
	if (err == ERR_OK) {
		err = shape_posts(call->api, reader, &page, people, &posts);
	}
	if (err == ERR_OK) {
		(void)json_object_set_new(tree, "posts", posts);
		(void)json_object_set_new(tree, "cursor", cursor_of(page.has_more, &cursor));
	}
	posts_free(&page);
	return err;
}

/* What a search of private words has beside them. */
static enum err put_private_waiting(struct call *call, json_t *tree)
{
	uint64_t behind = private_behind(call->api->opts.book);
	return behind == 0 || json_object_set_new(
				      tree, "behind", json_integer((json_int_t)behind)) == 0
		       ? ERR_OK
		       : ERR_NOMEM;
}

static enum err fill(struct call *call, struct reader *reader, struct span text, bool is_private,
	const struct search_query *query, json_t *tree)
{
	struct shape_people *people = calloc(1, sizeof(*people));
	json_t *found = json_object();
	json_t *list = NULL;
	enum err err = people == NULL || found == NULL || tree == NULL ? ERR_NOMEM : ERR_OK;
	bool has_others = !query->has_before && !is_private;
	if (err == ERR_OK && has_others) {
		err = find_others(reader, text, query->search, people, found);
	}
	if (err == ERR_OK) {
		err = put_posts(call, reader, is_private, query, people, tree);
	}
	if (err == ERR_OK) {
		(void)json_object_set_new(tree, "query", shape_asked(query->search, people));
		err = shape_people(reader, people, &list);
	}
	if (err == ERR_OK) {
		(void)json_object_set_new(tree, "people", list);
		err = is_private ? put_private_waiting(call, tree) : put_waiting(reader, tree);
	}
	if (err == ERR_OK && has_others) {
		(void)json_object_set(tree, "found", found);
	}
	json_decref(found);
	free(people);
	return err;
}

static void answer_search(struct call *call, struct span text, int zone_minutes, bool is_private,
	const struct search_query *asked)
{
	struct answer *answer = &call->exchange->answer;
	struct reader *reader = inside_reader(call);
	struct search search;
	struct search_query query = *asked;
	if (reader == NULL) {
		return;
	}
	enum err err = search_read(reader, text, zone_minutes, &search);
	if (err == ERR_LIMIT || err == ERR_REFUSED) {
		answer_error(answer, SAID_BAD_REQUEST,
			err == ERR_REFUSED ? "Write what to look for." : too_much);
		return;
	}
	json_t *tree = json_object();
	query.search = &search;
	if (err == ERR_OK) {
		err = fill(call, reader, text, is_private, &query, tree);
	}
	if (err == ERR_OK) {
		answer_json(answer, 200, tree);
		return;
	}
	json_decref(tree);
	if (err == ERR_TIMEOUT) {
		answer_error(answer, SAID_BUSY, "That takes too long. Try rarer words.");
	} else {
		answer_err(answer, err);
	}
}

/* ?private=1; false: answered. */
static bool read_private(struct call *call, bool *out)
{
	bool is_there = false;
	struct buf text = BUF_INIT(8);
	bool is_good = serve_read_param(call, "private", &text, &is_there);
	*out = is_there && span_equal_text(buf_span(&text), "1");
	buf_fini(&text);
	if (is_good && *out && call->api->opts.book == NULL) {
		answer_error(&call->exchange->answer, SAID_NOT_RUNNING,
			"Private words are not at hand now.");
		return false;
	}
	if (is_good && *out) {
		serve_catch_up(call->api);
	}
	return is_good;
}

void serve_search(struct call *call)
{
	struct search_query query = {.limit = 0};
	struct buf text = BUF_INIT(QUERY_BYTES);
	int zone_minutes = 0;
	bool is_private = false;
	enum err err = body_query(call->exchange->head.query, "q", &text);
	if (err == ERR_LIMIT) {
		answer_error(&call->exchange->answer, SAID_BAD_REQUEST, too_much);
	} else if (err != ERR_OK) {
		answer_error(&call->exchange->answer, SAID_BAD_REQUEST,
			"The parameter `q` is missing or malformed.");
	} else if (serve_read_limit(call, &query.limit) && read_before(call, &query) &&
		   read_zone(call, &zone_minutes) && read_private(call, &is_private)) {
		answer_search(call, buf_span(&text), zone_minutes, is_private, &query);
	}
	buf_fini(&text);
}
