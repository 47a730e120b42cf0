/*
 * What there is to read: the first screen, timelines, threads, single posts, one message as its
 * bytes.
 */
#include "api/body.h"
#include "api/shape.h"
#include "feed/json.h"
#include "feed/message.h"
#include "feed/tag.h"
#include "store/ahead.h"
#include "store/marks.h"
#include "store/private_posts.h"
#include "store/safety.h"
#include "store/stray.h"

#include <stdlib.h>

enum { PAGE_ROWS_USUAL = 20, IDS_MAX = 50, TEXT_PARAM_BYTES = 64, LIKERS_MAX = 200 };

bool serve_read_param(struct call *call, const char *name, struct buf *out, bool *is_there)
{
	enum err err = body_query(call->exchange->head.query, name, out);
	*is_there = err == ERR_OK && out->len > 0;
	if (err == ERR_OK || err == ERR_NOT_FOUND) {
		return true;
	}
	answer_error(&call->exchange->answer, SAID_BAD_REQUEST, "A parameter is malformed.");
	return false;
}

bool serve_read_limit(struct call *call, size_t *out)
{
	struct buf text = BUF_INIT(TEXT_PARAM_BYTES);
	bool is_there = false;
	bool is_good = serve_read_param(call, "limit", &text, &is_there);
	*out = PAGE_ROWS_USUAL;
	if (is_good && is_there) {
		size_t value = 0;
		for (size_t i = 0; i < text.len && i < 4; i++) {
			is_good = is_good && text.at[i] >= '0' && text.at[i] <= '9';
			value = value * 10 + (size_t)(text.at[i] - '0');
		}
		is_good = is_good && text.len <= 4 && value >= 1 && value <= LIMIT_PAGE_ROWS;
		*out = value;
		if (!is_good) {
			answer_error(&call->exchange->answer, SAID_BAD_REQUEST,
				"`limit` goes from 1 to 100.");
		}
	}
	buf_fini(&text);
	return is_good;
}

static bool read_cursor(
	struct call *call, const char *name, struct timeline_query *query, bool *is_there)
{
	struct buf text = BUF_INIT(TEXT_PARAM_BYTES);
	bool is_good = serve_read_param(call, name, &text, is_there);
	if (is_good && *is_there &&
		shape_read_cursor(buf_span(&text), &query->at_ms, &query->order) != ERR_OK) {
		answer_error(&call->exchange->answer, SAID_BAD_REQUEST, "The cursor is malformed.");
		is_good = false;
	}
	buf_fini(&text);
	return is_good;
}

static bool read_query(struct call *call, struct timeline_query *query)
{
	if (!serve_read_limit(call, &query->limit) ||
		!read_cursor(call, "before", query, &query->has_before) ||
		!read_cursor(call, "after", query, &query->has_after)) {
		return false;
	}
	if (query->has_before && query->has_after) {
		answer_error(&call->exchange->answer, SAID_BAD_REQUEST,
			"`before` and `after` exclude each other.");
		return false;
	}
	return true;
}

/* Where a row stands in its list. */
static json_t *cursor_of(const struct timeline_query *query, const struct post *post)
{
	const struct post kept = {.at_ms = post->kept_ms};
	return shape_cursor(query->kind == TIMELINE_KEPT ? &kept : post);
}

/* With the newest page of a list that is marked: how far it was read. */
static enum err put_mark(struct reader *reader, const struct timeline_query *query, json_t *tree)
{
	static const char *const names[] = {[TIMELINE_HOME] = "home", [TIMELINE_WIDE] = "wide"};
	struct mark mark;
	if (query->has_before || query->has_after || query->kind > TIMELINE_WIDE) {
		return ERR_OK;
	}
	enum err err = marks_read(reader, names[query->kind], &mark);
	const struct post place = {.at_ms = mark.at_ms, .order = mark.order};
	if (err == ERR_OK && json_object_set_new(tree, "mark",
				     mark.is_set ? shape_cursor(&place) : json_null()) != 0) {
		err = ERR_NOMEM;
	}
	return err;
}

/* {"posts","people","cursor","newest"} into `tree`; `people` may hold some already. */
static enum err put_page(struct call *call, struct reader *reader,
	const struct timeline_query *query, struct shape_people *people, json_t *tree)
{
	struct posts page = {.count = 0};
	json_t *posts = NULL;
	json_t *list = NULL;
	enum err err = timeline_page(reader, query, &page);
	if (err == ERR_OK && query->kind == TIMELINE_KEPT && call->api->opts.book != NULL) {
		err = private_posts_kept(call->api->opts.book, reader, query, &page);
	}
	if (err != ERR_OK) {
		posts_free(&page);
		return err;
	}
	err = shape_posts(call->api, reader, &page, people, &posts);
	if (err == ERR_OK) {
		err = shape_people(reader, people, &list);
	}
	if (err == ERR_OK) {
		/* What a page after a cursor has more of is newer; below it there is that cursor's
		 * post. */
		bool has_older = query->has_after || page.has_more;
		json_t *cursor = has_older && page.count > 0
					 ? cursor_of(query, &page.at[page.count - 1])
					 : json_null();
		json_t *newest = page.count > 0 ? cursor_of(query, &page.at[0]) : json_null();
		bool is_short = json_object_set_new(tree, "posts", posts) != 0 ||
				json_object_set_new(tree, "people", list) != 0 ||
				json_object_set_new(tree, "cursor", cursor) != 0 ||
				json_object_set_new(tree, "newest", newest) != 0 ||
				json_object_set_new(tree, "newer",
					json_boolean(query->has_after && page.has_more)) != 0;
		err = is_short ? ERR_NOMEM : put_mark(reader, query, tree);
	} else {
		json_decref(posts);
	}
	posts_free(&page);
	return err;
}

static void answer_tree(struct call *call, enum err err, json_t *tree)
{
	if (err != ERR_OK) {
		json_decref(tree);
		answer_err(&call->exchange->answer, err);
		return;
	}
	answer_json(&call->exchange->answer, 200, tree);
}

static void answer_page(struct call *call, const struct timeline_query *query)
{
	struct reader *reader = inside_reader(call);
	struct shape_people *people = calloc(1, sizeof(*people));
	if (reader == NULL || people == NULL) {
		answer_err(&call->exchange->answer, ERR_NOMEM);
	} else {
		json_t *tree = json_object();
		answer_tree(call, put_page(call, reader, query, people, tree), tree);
	}
	free(people);
}

/* One of `names` in the parameter `name`, or the first; false: answered with `said`. */
static bool read_choice(struct call *call, const char *name, const char *const names[], size_t *out,
	const char *said)
{
	struct buf text = BUF_INIT(TEXT_PARAM_BYTES);
	bool is_there = false;
	bool is_good = serve_read_param(call, name, &text, &is_there);
	*out = 0;
	while (is_good && is_there && names[*out] != NULL &&
		!span_equal_text(buf_span(&text), names[*out])) {
		*out += 1;
	}
	if (is_good && names[*out] == NULL) {
		answer_error(&call->exchange->answer, SAID_BAD_REQUEST, said);
		is_good = false;
	}
	buf_fini(&text);
	return is_good;
}

/* The tag as it is compared; false: answered. */
static bool read_tag(struct call *call, struct tag *out)
{
	struct buf text = BUF_INIT(LIMIT_HTTP_TARGET_BYTES);
	bool is_there = false;
	bool is_good = serve_read_param(call, "tag", &text, &is_there);
	if (is_good) {
		*out = tag_normal(buf_span(&text));
		if (out->text[0] == '\0') {
			answer_error(&call->exchange->answer, SAID_BAD_REQUEST,
				"`tag` is the tag, without #.");
			is_good = false;
		}
	}
	buf_fini(&text);
	return is_good;
}

void serve_timeline(struct call *call)
{
	static const char *const tabs[] = {"home", "wide", "tag", NULL};
	static const enum timeline_kind kinds[] = {TIMELINE_HOME, TIMELINE_WIDE, TIMELINE_TAG};
	struct timeline_query query = {.kind = TIMELINE_HOME};
	struct tag tag;
	size_t tab = 0;
	if (!read_query(call, &query) ||
		!read_choice(call, "tab", tabs, &tab, "`tab` is home, wide or tag.")) {
		return;
	}
	query.kind = kinds[tab];
	if (query.kind == TIMELINE_TAG && !read_tag(call, &tag)) {
		return;
	}
	query.tag = tag.text;
	answer_page(call, &query);
}

void serve_bookmarks(struct call *call)
{
	struct timeline_query query = {.kind = TIMELINE_KEPT};
	if (read_query(call, &query)) {
		answer_page(call, &query);
	}
}

void serve_person_posts(struct call *call)
{
	static const char *const shows[] = {"all", "posts", "pictures", NULL};
	static const enum timeline_kind kinds[] = {
		TIMELINE_PERSON, TIMELINE_ROOTS, TIMELINE_PICTURES};
	struct timeline_query query = {.kind = TIMELINE_PERSON};
	size_t show = 0;
	if (feed_id_parse_any(call->args[0], &query.person) != ERR_OK) {
		answer_error(&call->exchange->answer, SAID_BAD_REQUEST,
			"This is not the key of a person.");
		return;
	}
	if (read_query(call, &query) &&
		read_choice(call, "show", shows, &show, "`show` is posts, pictures or all.")) {
		query.kind = kinds[show];
		answer_page(call, &query);
	}
}

/* Everything the first screen needs but the posts. */
static enum err put_boot(
	struct call *call, struct reader *reader, struct shape_people *people, json_t *tree)
{
	struct api *api = call->api;
	struct person *me = malloc(sizeof(*me));
	json_t *head = NULL;
	json_t *status = NULL;
	json_t *peers = NULL;
	json_t *settings = NULL;
	enum err err = me == NULL ? ERR_NOMEM : person_read(reader, &api->opts.self, me);
	if (err == ERR_OK) {
		shape_name(people, &api->opts.self);
		err = json_object_set_new(tree, "me", shape_person(me)) == 0 ? ERR_OK : ERR_NOMEM;
	}
	if (err == ERR_OK && (err = shape_head(reader, &api->opts.self, &head)) == ERR_OK) {
		(void)json_object_set_new(tree, "head", head);
	}
	if (err == ERR_OK && (err = shape_status(api, reader, &status)) == ERR_OK) {
		(void)json_object_set_new(tree, "status", status);
	}
	if (err == ERR_OK && (err = shape_peers(api, people, &peers)) == ERR_OK) {
		(void)json_object_set_new(tree, "peers", peers);
	}
	if (err == ERR_OK && (err = serve_settings_read(reader, &settings)) == ERR_OK) {
		(void)json_object_set_new(tree, "settings", settings);
	}
	if (err == ERR_OK) {
		(void)json_object_set_new(tree, "outbox", serve_held(api, reader, &err));
	}
	if (err == ERR_OK) {
		(void)json_object_set_new(
			tree, "writing", serve_writing_of(api, reader, span_text("home"), &err));
	}
	if (err == ERR_OK) {
		err = serve_put_marks(api, reader, tree);
	}
	free(me);
	return err;
}

void serve_boot(struct call *call)
{
	struct timeline_query query = {.kind = TIMELINE_HOME};
	if (!serve_read_limit(call, &query.limit)) {
		return;
	}
	struct reader *reader = inside_reader(call);
	struct shape_people *people = calloc(1, sizeof(*people));
	if (reader == NULL || people == NULL) {
		answer_err(&call->exchange->answer, ERR_NOMEM);
	} else {
		json_t *tree = json_object();
		enum err err = put_boot(call, reader, people, tree);
		if (err == ERR_OK) {
			err = put_page(call, reader, &query, people, tree);
		}
		answer_tree(call, err, tree);
	}
	free(people);
}

/* {"posts","people"} for both pages, which are taken over. */
static void answer_posts(
	struct call *call, struct reader *reader, struct posts *page, struct posts *private)
{
	struct shape_people *people = calloc(1, sizeof(*people));
	json_t *tree = json_object();
	json_t *posts = NULL;
	json_t *more = NULL;
	json_t *list = NULL;
	enum err err = people == NULL || tree == NULL
			       ? ERR_NOMEM
			       : shape_posts(call->api, reader, page, people, &posts);
	if (err == ERR_OK) {
		(void)json_object_set_new(tree, "posts", posts);
		err = shape_posts(call->api, reader, private, people, &more);
	}
	if (err == ERR_OK) {
		err = json_array_extend(posts, more) == 0 ? ERR_OK : ERR_NOMEM;
		json_decref(more);
	}
	if (err == ERR_OK) {
		err = shape_people(reader, people, &list);
	}
	if (err == ERR_OK) {
		(void)json_object_set_new(tree, "people", list);
	}
	posts_free(page);
	posts_free(private);
	free(people);
	answer_tree(call, err, tree);
}

static bool read_message_id(struct call *call, struct message_id *id)
{
	if (message_id_parse_any(call->args[0], id) == ERR_OK) {
		return true;
	}
	answer_error(&call->exchange->answer, SAID_BAD_REQUEST, "This is not the id of a message.");
	return false;
}

/* Of a private message those who said so privately. */
static enum err read_likers(struct call *call, struct reader *reader, const struct message_id *id,
	struct feed_id *likers, size_t *count, size_t *total)
{
	bool is_own = false;
	struct private_book *book = call->api->opts.book;
	struct private_message *message = malloc(sizeof(*message));
	enum err err = message == NULL ? ERR_NOMEM
		       : book == NULL  ? ERR_NOT_FOUND
				       : private_find(book, reader, id, message);
	free(message);
	if (err == ERR_OK) {
		return private_likes(book, reader, id, likers, LIKERS_MAX, count, total, &is_own);
	}
	return err == ERR_NOT_FOUND ? post_likers_read(reader, id, likers, LIKERS_MAX, count, total)
				    : err;
}

void serve_likes(struct call *call)
{
	struct message_id id;
	size_t count = 0;
	size_t total = 0;
	struct feed_id *likers = calloc(LIKERS_MAX, sizeof(*likers));
	struct shape_people *people = calloc(1, sizeof(*people));
	struct reader *reader = read_message_id(call, &id) ? inside_reader(call) : NULL;
	if (reader != NULL) {
		json_t *tree = json_object();
		json_t *who = json_array();
		json_t *list = NULL;
		enum err err = likers == NULL || people == NULL
				       ? ERR_NOMEM
				       : read_likers(call, reader, &id, likers, &count, &total);
		for (size_t i = 0; err == ERR_OK && i < count; i++) {
			shape_name(people, &likers[i]);
			(void)json_array_append_new(who, shape_feed_id(&likers[i]));
		}
		if (err == ERR_OK) {
			err = shape_people(reader, people, &list);
		}
		(void)json_object_set_new(tree, "likes", who);
		(void)json_object_set_new(tree, "total", json_integer((json_int_t)total));
		if (err == ERR_OK) {
			(void)json_object_set_new(tree, "people", list);
		}
		answer_tree(call, err, tree);
	}
	free(people);
	free(likers);
}

static enum err is_kept(struct reader *reader, const struct message_id *id, bool *is_there)
{
	int64_t at_ms = 0;
	enum err err = post_bookmark_read(reader, id, &at_ms);
	*is_there = at_ms != 0;
	return err;
}

void serve_bookmark(struct call *call)
{
	struct answer *answer = &call->exchange->answer;
	struct span text = {0};
	struct message_id id;
	const json_t *on = json_object_get(call->body, "on");
	bool is_there = false;
	if (!body_text(call->body, "id", &text) || message_id_parse_any(text, &id) != ERR_OK) {
		answer_error(answer, SAID_BAD_REQUEST, "`id` is the id of a message.");
		return;
	}
	if (!json_is_boolean(on)) {
		answer_error(answer, SAID_BAD_REQUEST, "`on` is true or false.");
		return;
	}
	const struct change change = {
		.kind = CHANGE_BOOKMARK, .key = id, .number = json_is_true(on)};
	struct reader *reader = inside_reader(call);
	enum err err =
		reader == NULL ? ERR_NOMEM : writer_change_wait(call->api->opts.writer, &change);
	if (err == ERR_OK) {
		err = is_kept(reader, &id, &is_there);
	}
	if (err != ERR_OK) {
		answer_err(answer, err);
		return;
	}
	if (is_there != json_is_true(on)) {
		answer_error(
			answer, SAID_REFUSED, "You keep as many posts as this node remembers.");
		return;
	}
	events_on_kept(call->api->events);
	if (call->api->live != NULL) {
		live_wake(call->api->live);
	}
	answer_json(answer, 200, json_object());
}

/* Up to IDS_MAX ids between commas. */
static enum err read_ids(struct span text, struct message_id *ids, size_t *count)
{
	*count = 0;
	while (text.len > 0) {
		const uint8_t *comma = memchr(text.at, ',', text.len);
		size_t len = comma == NULL ? text.len : (size_t)(comma - text.at);
		if (*count == IDS_MAX ||
			message_id_parse_any(span_take(text, len), &ids[*count]) != ERR_OK) {
			return ERR_REFUSED;
		}
		(*count)++;
		text = span_skip(text, len + 1);
	}
	return ERR_OK;
}

void serve_posts(struct call *call)
{
	struct message_id ids[IDS_MAX];
	size_t count = 0;
	struct posts page = {.count = 0};
	struct posts private = {.count = 0};
	struct buf text = BUF_INIT(LIMIT_HTTP_TARGET_BYTES);
	enum err err = body_query(call->exchange->head.query, "ids", &text);
	if (err == ERR_OK) {
		err = read_ids(buf_span(&text), ids, &count);
	}
	buf_fini(&text);
	if (err != ERR_OK) {
		answer_error(&call->exchange->answer, SAID_BAD_REQUEST,
			"`ids` is a list of at most 50 ids of messages.");
		return;
	}
	struct reader *reader = inside_reader(call);
	if (reader == NULL) {
		return;
	}
	err = posts_read(reader, ids, count, &page);
	if (err == ERR_OK && call->api->opts.book != NULL) {
		err = private_posts_find(call->api->opts.book, reader, ids, count, &private);
	}
	if (err != ERR_OK) {
		posts_free(&page);
		answer_err(&call->exchange->answer, err);
		return;
	}
	answer_posts(call, reader, &page, &private);
}

/* The other side of a fork of our own feed is in no feed, but kept: to be shown beside ours. */
struct branch_search {
	struct message_id id;
	struct buf *text;
	bool is_found;
};

static void look_at_branch(void *ctx, struct span compact)
{
	struct branch_search *search = ctx;
	struct message *message = NULL;
	const char *why = NULL;
	if (search->is_found || message_reread(compact, &message, &why) != ERR_OK) {
		return;
	}
	search->is_found = message_id_equal(&message->key, &search->id) &&
			   buf_append(search->text, compact) == ERR_OK;
	message_free(message);
}

static enum err answer_branch(
	struct call *call, struct reader *reader, const struct message_id *id, struct buf *text)
{
	struct branch_search search = {.id = *id, .text = text};
	buf_clear(text);
	enum err err = reader_branch(reader, look_at_branch, &search);
	if (err == ERR_OK && !search.is_found) {
		err = ERR_NOT_FOUND;
	}
	if (err == ERR_OK) {
		answer_json(&call->exchange->answer, 200,
			json_pack("{s:o, s:o, s:n}", "key", shape_message_id(id), "value",
				body_string(buf_span(text)), "received"));
	}
	return err;
}

/* How much of somebody we block is in a message: all of it counts as one. */
static enum err count_hidden(struct reader *reader, const struct stored *stored, uint64_t *out)
{
	struct posts posts = {.count = 0};
	struct person *author = malloc(sizeof(*author));
	enum err err = author == NULL ? ERR_NOMEM : people_read(reader, &stored->author, 1, author);
	*out = err == ERR_OK && author->mine == EDGE_BLOCK;
	free(author);
	if (err == ERR_OK && *out == 0) {
		err = posts_read(reader, &stored->key, 1, &posts);
	}
	if (posts.count > 0) {
		*out = posts.at[0].hidden;
	}
	posts_free(&posts);
	return err;
}

/* ?hidden=show: the owner wants to see it all the same. False: answered. */
static bool read_hidden(struct call *call, bool *is_wanted)
{
	bool is_there = false;
	struct buf text = BUF_INIT(TEXT_PARAM_BYTES);
	bool is_good = serve_read_param(call, "hidden", &text, &is_there);
	*is_wanted = is_there && span_equal_text(buf_span(&text), "show");
	buf_fini(&text);
	return is_good;
}

/* Of a private message what is in it, null when our key does not open it; of others nothing. */
static enum err put_opened(struct call *call, struct reader *reader, const struct message_id *id,
	struct span compact, json_t *tree)
{
	struct span content;
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	struct private_book *book = call->api->opts.book;
	if (!json_slice(compact, "content", &content) || content.len == 0 || content.at[0] != '"') {
		return ERR_OK;
	}
	enum err err = book == NULL ? ERR_NOT_FOUND : private_text(book, reader, id, &text);
	if (err == ERR_OK || err == ERR_NOT_FOUND) {
		(void)json_object_set_new(
			tree, "opened", err == ERR_OK ? body_string(buf_span(&text)) : json_null());
		err = ERR_OK;
	}
	buf_wipe(&text);
	return err;
}

void serve_message_raw(struct call *call)
{
	struct message_id id;
	struct stored stored;
	uint64_t hidden = 0;
	bool is_wanted = false;
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	struct reader *reader = read_message_id(call, &id) && read_hidden(call, &is_wanted)
					? inside_reader(call)
					: NULL;
	if (reader == NULL) {
		return;
	}
	bool is_ahead = false;
	enum err err = reader_message(reader, &id, &text, &stored);
	if (err == ERR_NOT_FOUND) {
		err = reader_ahead_message(reader, &id, &text, &stored);
		is_ahead = err == ERR_OK;
	}
	if (err == ERR_NOT_FOUND) {
		err = reader_stray_message(reader, &id, &text, &stored);
		is_ahead = err == ERR_OK;
	}
	if (err == ERR_OK && !is_wanted) {
		err = count_hidden(reader, &stored, &hidden);
	}
	if (err == ERR_OK) {
		json_t *tree =
			json_pack("{s:o, s:o, s:I, s:b, s:I}", "key", shape_message_id(&stored.key),
				"value", hidden > 0 ? json_null() : body_string(stored.compact),
				"received", (json_int_t)stored.received_ms, "ahead", is_ahead,
				"hidden", (json_int_t)hidden);
		err = hidden > 0 ? ERR_OK : put_opened(call, reader, &id, stored.compact, tree);
		answer_tree(call, err, tree);
		err = ERR_OK;
	} else if (err == ERR_NOT_FOUND) {
		err = answer_branch(call, reader, &id, &text);
	}
	if (err != ERR_OK) {
		answer_err(&call->exchange->answer, err);
	}
	buf_fini(&text);
}
