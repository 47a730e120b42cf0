/*
 * What others did that concerns the owner, how far any browser has read, and what is new since.
 */
#include "api/body.h"
#include "api/shape.h"
#include "api/watch.h"
#include "store/activity.h"
#include "store/marks.h"

#include <stdlib.h>

enum { PARAM_BYTES = 64, AHEAD_MS = 24 * 3600 * 1000 };

static const char *const lists[] = {"home", "wide", "activity"};
enum { LISTS = sizeof(lists) / sizeof(lists[0]) };

static json_t *cursor_of(int64_t at_ms, int64_t order)
{
	const struct post place = {.at_ms = at_ms, .order = order};
	return shape_cursor(&place);
}

/* `before` and `kind`; false: answered. */
static bool read_place(struct call *call, struct activity_query *query)
{
	struct buf text = BUF_INIT(PARAM_BYTES);
	bool is_there = false;
	bool is_good = serve_read_param(call, "before", &text, &query->has_before);
	if (is_good && query->has_before &&
		shape_read_cursor(buf_span(&text), &query->at_ms, &query->order) != ERR_OK) {
		answer_error(&call->exchange->answer, SAID_BAD_REQUEST, "The cursor is malformed.");
		is_good = false;
	}
	buf_clear(&text);
	is_good = is_good && serve_read_param(call, "kind", &text, &is_there);
	if (is_good && is_there) {
		query->kinds = 0;
		for (unsigned kind = ACTIVITY_MENTION; kind < ACTIVITY_KINDS; kind++) {
			bool is_it = span_equal_text(buf_span(&text), activity_kind_text(kind));
			query->kinds |= is_it ? 1U << kind : 0;
		}
		is_good = query->kinds != 0;
		if (!is_good) {
			answer_error(&call->exchange->answer, SAID_BAD_REQUEST,
				"`kind` is mention, reply, like or follow.");
		}
	}
	buf_fini(&text);
	return is_good;
}

static json_t *shape_item(const struct activity_item *item, struct shape_people *people)
{
	json_t *who = json_array();
	for (size_t i = 0; i < item->who_count; i++) {
		shape_name(people, &item->who[i]);
		(void)json_array_append_new(who, shape_feed_id(&item->who[i]));
	}
	return json_pack("{s:s, s:I, s:o, s:I, s:o, s:o, s:b}", "kind",
		activity_kind_text(item->kind), "at", (json_int_t)item->at_ms, "who", who, "n",
		(json_int_t)item->n, "id", item->has_id ? shape_message_id(&item->id) : json_null(),
		"about", item->has_about ? shape_message_id(&item->about) : json_null(), "is_new",
		item->is_new);
}

static void name_post(struct message_id *ids, size_t *count, const struct message_id *id)
{
	for (size_t i = 0; i < *count; i++) {
		if (message_id_equal(&ids[i], id)) {
			return;
		}
	}
	ids[(*count)++] = *id;
}

/* The posts that the items are about, each once. */
static enum err put_posts(struct call *call, struct reader *reader,
	const struct activity_page *page, struct shape_people *people, json_t *tree)
{
	struct posts posts = {.count = 0};
	json_t *list = NULL;
	size_t count = 0;
	struct message_id *ids = calloc(2 * page->count + 1, sizeof(*ids));
	for (size_t i = 0; ids != NULL && i < page->count; i++) {
		if (page->items[i].has_id) {
			name_post(ids, &count, &page->items[i].id);
		}
		if (page->items[i].has_about) {
			name_post(ids, &count, &page->items[i].about);
		}
	}
	enum err err = ids == NULL ? ERR_NOMEM : posts_read(reader, ids, count, &posts);
	if (err == ERR_OK) {
		err = shape_posts(call->api, reader, &posts, people, &list);
		posts_free(&posts);
	}
	if (err == ERR_OK && json_object_set_new(tree, "posts", list) != 0) {
		err = ERR_NOMEM;
	}
	free(ids);
	return err;
}

static enum err put_page(struct call *call, struct reader *reader, const struct activity_page *page,
	struct shape_people *people, json_t *tree)
{
	json_t *items = json_array();
	json_t *list = NULL;
	for (size_t i = 0; i < page->count; i++) {
		(void)json_array_append_new(items, shape_item(&page->items[i], people));
	}
	const struct activity_item *last =
		page->has_more && page->count > 0 ? &page->items[page->count - 1] : NULL;
	bool is_short =
		json_object_set_new(tree, "items", items) != 0 ||
		json_object_set_new(tree, "cursor",
			last == NULL ? json_null() : cursor_of(last->at_ms, last->order)) != 0 ||
		json_object_set_new(tree, "newest",
			page->has_newest ? cursor_of(page->newest_at_ms, page->newest_order)
					 : json_null()) != 0;
	enum err err = is_short ? ERR_NOMEM : put_posts(call, reader, page, people, tree);
	if (err == ERR_OK) {
		err = shape_people(reader, people, &list);
	}
	return err == ERR_OK && json_object_set_new(tree, "people", list) != 0 ? ERR_NOMEM : err;
}

void serve_activity(struct call *call)
{
	struct activity_query query = {.kinds = ACTIVITY_ALL};
	struct activity_page page = {.count = 0};
	struct reader *reader = inside_reader(call);
	if (reader == NULL || !serve_read_limit(call, &query.limit)) {
		return;
	}
	enum err err = activity_wanted(reader, &query.kinds);
	if (err == ERR_OK && !read_place(call, &query)) {
		return;
	}
	struct shape_people *people = calloc(1, sizeof(*people));
	json_t *tree = json_object();
	if (err == ERR_OK) {
		err = people == NULL || tree == NULL ? ERR_NOMEM
						     : activity_page(reader, &query, &page);
	}
	if (err == ERR_OK) {
		err = put_page(call, reader, &page, people, tree);
	}
	activity_page_free(&page);
	free(people);
	if (err == ERR_OK) {
		answer_json(&call->exchange->answer, 200, tree);
	} else {
		json_decref(tree);
		answer_err(&call->exchange->answer, err);
	}
}

enum err serve_unread(struct api *api, struct reader *reader, struct events_unread *out)
{
	unsigned kinds = 0;
	enum err err = marks_unread_home(reader, &out->home);
	if (err == ERR_OK) {
		err = activity_wanted(reader, &kinds);
	}
	if (err == ERR_OK) {
		err = activity_unread(reader, kinds, &out->activity);
	}
	return err == ERR_OK ? serve_private_unread(api, reader, &out->private) : err;
}

static enum err put_unread(struct api *api, struct reader *reader, json_t *tree)
{
	struct events_unread unread = {0};
	enum err err = serve_unread(api, reader, &unread);
	json_t *shaped = err == ERR_OK
				 ? json_pack("{s:I, s:I, s:I}", "home", (json_int_t)unread.home,
					   "activity", (json_int_t)unread.activity, "private",
					   (json_int_t)unread.private)
				 : NULL;
	return err == ERR_OK && json_object_set_new(tree, "unread", shaped) != 0 ? ERR_NOMEM : err;
}

enum err serve_put_marks(struct api *api, struct reader *reader, json_t *tree)
{
	json_t *marks = json_object();
	enum err err = marks == NULL ? ERR_NOMEM : ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < LISTS; i++) {
		struct mark mark;
		err = marks_read(reader, lists[i], &mark);
		if (err == ERR_OK && json_object_set_new(marks, lists[i],
					     mark.is_set ? cursor_of(mark.at_ms, mark.order)
							 : json_null()) != 0) {
			err = ERR_NOMEM;
		}
	}
	if (err != ERR_OK) {
		json_decref(marks);
		return err;
	}
	if (json_object_set_new(tree, "marks", marks) != 0) {
		return ERR_NOMEM;
	}
	return put_unread(api, reader, tree);
}

/* Every member is read before any is kept. */
static bool read_marks(struct call *call, struct mark marks[static LISTS])
{
	struct span text;
	int64_t latest_ms = env_wall_ms(call->api->opts.env) + AHEAD_MS;
	for (size_t i = 0; i < LISTS; i++) {
		marks[i] = (struct mark){.is_set = body_has(call->body, lists[i])};
		if (!marks[i].is_set) {
			continue;
		}
		/* Beyond the clock nothing could be new any more. */
		if (!body_text(call->body, lists[i], &text) ||
			shape_read_cursor(text, &marks[i].at_ms, &marks[i].order) != ERR_OK ||
			marks[i].at_ms > latest_ms) {
			answer_error(&call->exchange->answer, SAID_BAD_REQUEST,
				"The cursor is malformed.");
			return false;
		}
	}
	return true;
}

void serve_here(struct call *call)
{
	struct mark marks[LISTS];
	struct reader *reader = inside_reader(call);
	json_t *tree = NULL;
	enum err err = ERR_OK;
	if (reader == NULL || !read_marks(call, marks)) {
		return;
	}
	for (size_t i = 0; err == ERR_OK && i < LISTS; i++) {
		const struct change change = {.kind = CHANGE_MARK,
			.name = span_text(lists[i]),
			.number = marks[i].at_ms,
			.order = marks[i].order};
		err = marks[i].is_set ? writer_change_wait(call->api->opts.writer, &change)
				      : ERR_OK;
	}
	if (call->api->watch != NULL) {
		watch_wake(call->api->watch); /* other browsers are told */
	}
	tree = err == ERR_OK ? json_object() : NULL;
	if (err == ERR_OK) {
		err = tree == NULL ? ERR_NOMEM : put_unread(call->api, reader, tree);
	}
	if (err == ERR_OK) {
		answer_json(&call->exchange->answer, 200, tree);
	} else {
		json_decref(tree);
		answer_err(&call->exchange->answer, err);
	}
}
