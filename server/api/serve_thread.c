/*
 * One conversation, what is missing of it and why, and asking the others for it. The store knows
 * whose histories are not all here; that some of them are on their way just now, the loop does.
 */
#include "api/body.h"
#include "api/serve.h"
#include "api/shape.h"
#include "store/private_posts.h"

#include <stdlib.h>

static bool read_id(struct call *call, struct message_id *id)
{
	if (message_id_parse_any(call->args[0], id) == ERR_OK) {
		return true;
	}
	answer_error(&call->exchange->answer, SAID_BAD_REQUEST, "This is not the id of a message.");
	return false;
}

static const char *why_text(enum gap_why why)
{
	static const char *const texts[] = {
		[GAP_UNKNOWN] = "unknown",
		[GAP_ARRIVING] = "arriving",
		[GAP_BLOCKED] = "blocked",
		[GAP_MUTED] = "muted",
		[GAP_LET_GO] = "let_go",
		[GAP_TOO_FAR] = "too_far",
	};
	return texts[why];
}

static bool is_receiving(struct api *api)
{
	struct sync_figures figures;
	return api->opts.sync != NULL && sync_figures(api->opts.sync, &figures) == ERR_OK &&
	       figures.behind > 0;
}

/* Nobody is to meet the name of somebody they block, so it is not even said who it was. */
static json_t *shape_gaps(struct api *api, const struct posts *page, struct shape_people *people)
{
	json_t *list = json_array();
	bool is_looked_up = false;
	bool is_arriving = false;
	for (size_t i = 0; i < page->count; i++) {
		const struct post *post = &page->at[i];
		enum gap_why why = post->gap;
		bool is_named = post->has_author && why != GAP_BLOCKED;
		if (!post->is_missing) {
			continue;
		}
		if (why == GAP_UNKNOWN && !is_looked_up) {
			is_looked_up = true;
			is_arriving = is_receiving(api);
		}
		if (why == GAP_UNKNOWN && is_arriving) {
			why = GAP_ARRIVING;
		}
		if (is_named) {
			shape_name(people, &post->author);
		}
		(void)json_array_append_new(
			list, json_pack("{s:o, s:s, s:o, s:I}", "id", shape_message_id(&post->key),
				      "why", why_text(why), "author",
				      is_named ? shape_feed_id(&post->author) : json_null(),
				      "replies", (json_int_t)post->replies));
	}
	return list;
}

/* Of a private thread: where its page leads. */
static const struct post *private_in(const struct posts *page)
{
	for (size_t i = 0; i < page->count; i++) {
		if (page->at[i].reader_count > 0) {
			return &page->at[i];
		}
	}
	return NULL;
}

static enum err shape_thread(struct call *call, struct reader *reader, const struct posts *page,
	const struct thread_facts *facts, json_t *tree)
{
	struct shape_people *people = calloc(1, sizeof(*people));
	json_t *posts = NULL;
	json_t *list = NULL;
	enum err err =
		people == NULL ? ERR_NOMEM : shape_posts(call->api, reader, page, people, &posts);
	if (err == ERR_OK) {
		(void)json_object_set_new(tree, "posts", posts);
		(void)json_object_set_new(tree, "gaps", shape_gaps(call->api, page, people));
		err = shape_people(reader, people, &list);
	}
	if (err == ERR_OK) {
		(void)json_object_set_new(tree, "people", list);
		(void)json_object_set_new(tree, "root", shape_message_id(&facts->root));
		(void)json_object_set_new(tree, "above",
			facts->has_above ? shape_message_id(&facts->above) : json_null());
		(void)json_object_set_new(tree, "total", json_integer((json_int_t)facts->total));
		(void)json_object_set_new(tree, "here", json_integer((json_int_t)facts->here));
		const struct post *private = private_in(page);
		char name[ID_PATH_BYTES] = "";
		if (private != NULL) {
			id_format_path(private->conversation, name);
		}
		(void)json_object_set_new(
			tree, "conversation", private == NULL ? json_null() : json_string(name));
	}
	free(people);
	return err;
}

/* A private one, which the public pages know nothing of, or a public one. */
static enum err read_thread(struct call *call, struct reader *reader,
	const struct thread_query *query, struct thread_facts *facts, struct posts *page)
{
	struct private_book *book = call->api->opts.book;
	enum err err = book == NULL ? ERR_NOT_FOUND
				    : private_posts_thread(book, reader, query, facts, page);
	return err == ERR_NOT_FOUND ? thread_read(reader, query, facts, page) : err;
}

void serve_thread(struct call *call)
{
	struct thread_query query = {.is_own = false};
	struct thread_facts facts;
	struct posts page = {.count = 0};
	struct buf own = BUF_INIT(8);
	struct reader *reader = read_id(call, &query.id) ? inside_reader(call) : NULL;
	if (reader == NULL) {
		return;
	}
	enum err err = body_query(call->exchange->head.query, "own", &own);
	query.is_own = err == ERR_OK && span_equal_text(buf_span(&own), "1");
	buf_fini(&own);
	err = read_thread(call, reader, &query, &facts, &page);
	if (err == ERR_NOT_FOUND) {
		answer_error(&call->exchange->answer, SAID_NOT_FOUND,
			"This post has not reached us yet.");
		return;
	}
	json_t *tree = json_object();
	if (err == ERR_OK) {
		err = tree == NULL ? ERR_NOMEM : shape_thread(call, reader, &page, &facts, tree);
		posts_free(&page);
	}
	if (err == ERR_OK) {
		answer_json(&call->exchange->answer, 200, tree);
	} else {
		json_decref(tree);
		answer_err(&call->exchange->answer, err);
	}
}

/* Asking the others. */

/* The one in the path, and those of the body's `also`. False: answered. */
static bool read_ids(struct call *call, struct message_id *ids, size_t *count)
{
	const json_t *also = json_object_get(call->body, "also");
	bool is_right = also == NULL || json_is_array(also);
	*count = 1;
	if (!read_id(call, &ids[0])) {
		return false;
	}
	for (size_t i = 0; is_right && i < json_array_size(also); i++) {
		const char *text = json_string_value(json_array_get(also, i));
		is_right = text != NULL && *count < LIMIT_MISSING_ASKED &&
			   message_id_parse_any(span_text(text), &ids[*count]) == ERR_OK;
		*count += is_right ? 1 : 0;
	}
	if (!is_right) {
		answer_error(&call->exchange->answer, SAID_BAD_REQUEST,
			"`also` is a list of ids of messages, at most 19.");
	}
	return is_right;
}

/* How many of them are shown now; `*why` is that of the first. */
static enum err look(struct reader *reader, const struct message_id *ids, size_t count,
	unsigned *shown, enum gap_why *why)
{
	enum err err = ERR_OK;
	*shown = 0;
	for (size_t i = 0; err == ERR_OK && i < count; i++) {
		struct post gap;
		bool is_gap = true;
		err = post_gap(reader, &ids[i], &is_gap, &gap);
		*shown += is_gap ? 0 : 1;
		*why = i == 0 ? gap.gap : *why;
	}
	return err;
}

void serve_message_fetch(struct call *call)
{
	struct message_id ids[LIMIT_MISSING_ASKED];
	size_t count = 0;
	struct sync_missing asked = {0};
	enum gap_why why = GAP_UNKNOWN;
	unsigned shown = 0;
	struct reader *reader = read_ids(call, ids, &count) ? inside_reader(call) : NULL;
	if (reader == NULL) {
		return;
	}
	enum err err = look(reader, ids, count, &shown, &why);
	bool is_known = why == GAP_BLOCKED || why == GAP_MUTED; /* it is here, and not shown */
	if (err == ERR_OK && shown < count && !is_known) {
		err = call->api->opts.sync == NULL
			      ? ERR_CLOSED
			      : sync_missing(call->api->opts.sync, ids, count, &asked);
	}
	if (err == ERR_CLOSED) {
		answer_error(&call->exchange->answer, SAID_NOT_RUNNING, NULL);
		return;
	}
	if (err == ERR_OK) {
		err = look(reader, ids, count, &shown, &why);
	}
	if (err != ERR_OK) {
		answer_err(&call->exchange->answer, err);
		return;
	}
	bool is_blocked = asked.blocked > 0 || why == GAP_BLOCKED;
	answer_json(&call->exchange->answer, 200,
		json_pack("{s:b, s:i, s:i, s:i, s:i, s:b}", "found", shown == count, "came",
			(int)shown, "asked", (int)asked.asked, "cannot", (int)asked.cannot,
			"silent", (int)asked.silent, "blocked", is_blocked));
}
