/*
 * Conversations: sets of people, as the book of private words (store/private) knows them, with what
 * the owner read and decided (store/private_marks). One that somebody began whom we neither follow
 * nor ever wrote to is a request, until it is answered or accepted: it counts in nothing else.
 *
 * A conversation goes on under the root of its newest post (`root`), so that Patchwork and
 * Manyverse, which show a thread for each root, show one thread and not one for each answer.
 * Whoever wants another thread posts without a root.
 */
#include "api/body.h"
#include "api/conversations.h"
#include "api/letters.h"
#include "api/shape.h"
#include "base/encode.h"
#include "store/private_posts.h"

#include <stdlib.h>
#include <time.h>

enum {
	LAST_BYTES = 600,
	LOOKED_BACK = 50, /* newest posts, for what came late among them */
	ALL_ROWS = 100,
	CATCH_UP_MS = 2000,
	CATCH_UP_STEP_MS = 5,
};

/* What was stored a moment ago is tried behind everything else: a little patience finds it, and a
 * command without a node tries it here and now. */
void serve_catch_up(struct api *api)
{
	const struct timespec rest = {.tv_nsec = CATCH_UP_STEP_MS * 1000000L};
	struct private_book *book = api->opts.book;
	if (book != NULL && api->opts.is_book_stepped) {
		while (private_step(book)) {
		}
		return;
	}
	uint64_t told = book == NULL ? 0 : private_told(book);
	for (int ms = 0; book != NULL && ms < CATCH_UP_MS && !private_has_tried(book, told);
		ms += CATCH_UP_STEP_MS) {
		(void)nanosleep(&rest, NULL);
	}
}

/* The book; NULL: answered. */
static struct private_book *book_of(struct call *call)
{
	if (call->api->opts.book == NULL) {
		answer_error(&call->exchange->answer, SAID_NOT_RUNNING,
			"Private words are not at hand now.");
		return NULL;
	}
	serve_catch_up(call->api);
	return call->api->opts.book;
}

/* Shapes. */

static json_t *place_json(bool is_there, struct private_place place)
{
	const struct post post = {.at_ms = place.at_ms, .order = place.order};
	return is_there ? shape_cursor(&post) : json_null();
}

static struct private_place place_of(const struct private_message *message)
{
	return (struct private_place){.at_ms = message->at_ms, .order = message->message};
}

static json_t *name_json(const struct private_name *name)
{
	char path[ID_PATH_BYTES];
	id_format_path(name->at, path);
	return json_string(path);
}

/* {"author","text","cw","at"} of the newest post, or null. */
static enum err shape_last(struct private_book *book, struct reader *reader,
	const struct private_message *last, struct shape_people *people, json_t **out)
{
	struct posts posts = {.count = 0};
	*out = json_null();
	enum err err = private_posts_read(book, reader, last, 1, &posts);
	if (err == ERR_OK && posts.count > 0) {
		const struct post *post = &posts.at[0];
		shape_name(people, &post->author);
		*out = json_pack("{s:o, s:o, s:o, s:I, s:o}", "author",
			shape_feed_id(&post->author), "text",
			body_string(span_take(post->text, LAST_BYTES)), "cw",
			post->warning.len == 0 ? json_null() : body_string(post->warning), "at",
			(json_int_t)post->at_ms, "id", shape_message_id(&post->key));
	}
	posts_free(&posts);
	return err;
}

/* Under which root it goes on: that of its newest post, when that is here and of these people. */
static enum err find_root(struct private_book *book, struct reader *reader,
	const struct private_message *last, struct message_id *root, bool *has_root)
{
	*root = last->has_root ? last->root : last->key;
	*has_root = true;
	if (!last->has_root) {
		return ERR_OK;
	}
	struct private_message *message = malloc(sizeof(*message));
	enum err err = message == NULL ? ERR_NOMEM : private_find(book, reader, root, message);
	*has_root = err == ERR_OK && memcmp(message->readers.name.at, last->readers.name.at,
					     sizeof(last->readers.name.at)) == 0;
	free(message);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static json_t *readers_json(const struct private_readers *readers, struct shape_people *people)
{
	json_t *list = json_array();
	for (size_t i = 0; i < readers->count; i++) {
		shape_name(people, &readers->at[i]);
		(void)json_array_append_new(list, shape_feed_id(&readers->at[i]));
	}
	return list;
}

/* `row` NULL: nothing is in it yet. */
static enum err shape_conversation(struct private_book *book, struct reader *reader,
	const struct private_conversation *conversation, const struct conversation_row *row,
	struct shape_people *people, json_t **out)
{
	const struct private_message *last = &conversation->last;
	struct private_place read = {0};
	struct message_id root;
	bool has_root = false;
	uint32_t unread = 0;
	json_t *last_json = json_null();
	enum err err = ERR_OK;
	if (row != NULL) {
		err = shape_last(book, reader, last, people, &last_json);
	}
	if (err == ERR_OK && row != NULL) {
		err = find_root(book, reader, last, &root, &has_root);
	}
	if (err == ERR_OK && row != NULL) {
		err = conversations_unread(book, reader, row, &unread);
	}
	if (err == ERR_OK && row != NULL) {
		err = conversations_place(book, reader, row, &read);
	}
	if (err != ERR_OK) {
		json_decref(last_json);
		return err;
	}
	size_t total = conversation->readers.total > conversation->readers.count
			       ? conversation->readers.total
			       : conversation->readers.count;
	*out = json_pack("{s:o, s:o, s:o, s:I, s:o, s:b, s:b, s:o, s:i, s:o, s:o}", "id",
		name_json(&conversation->readers.name), "readers",
		readers_json(&conversation->readers, people), "at",
		row == NULL ? json_null() : json_integer((json_int_t)last->at_ms), "unread",
		(json_int_t)unread, "last", last_json, "is_request", row != NULL && row->is_request,
		"is_hidden", row != NULL && row->is_hidden, "root",
		has_root ? shape_message_id(&root) : json_null(), "limit_left",
		total >= LIMIT_BOX_RECIPIENTS ? 0 : (int)(LIMIT_BOX_RECIPIENTS - total), "read",
		place_json(read.at_ms != 0, read), "newest",
		place_json(row != NULL, place_of(last)));
	return *out == NULL ? ERR_NOMEM : ERR_OK;
}

static void answer_tree(struct call *call, enum err err, json_t *tree)
{
	if (err == ERR_OK) {
		answer_json(&call->exchange->answer, 200, tree);
	} else {
		json_decref(tree);
		answer_err(&call->exchange->answer, err);
	}
}

/* Lists. */

struct listing {
	bool is_requests;
	bool has_before;
	struct private_place before;
	size_t limit;
};

static bool read_place_param(struct call *call, bool *is_there, struct private_place *out)
{
	struct buf text = BUF_INIT(64);
	bool is_good = serve_read_param(call, "before", &text, is_there);
	if (is_good && *is_there &&
		shape_read_cursor(buf_span(&text), &out->at_ms, &out->order) != ERR_OK) {
		answer_error(&call->exchange->answer, SAID_BAD_REQUEST,
			"`before` is a cursor of an earlier answer.");
		is_good = false;
	}
	buf_fini(&text);
	return is_good;
}

static bool read_listing(struct call *call, struct listing *out)
{
	struct buf text = BUF_INIT(8);
	bool is_there = false;
	if (!serve_read_limit(call, &out->limit) ||
		!read_place_param(call, &out->has_before, &out->before)) {
		return false;
	}
	bool is_good = serve_read_param(call, "requests", &text, &is_there);
	out->is_requests = is_there && span_equal_text(buf_span(&text), "1");
	buf_fini(&text);
	return is_good;
}

static bool is_listed(const struct listing *listing, const struct conversation_row *row)
{
	return row->is_request == listing->is_requests && !row->is_hidden &&
	       (!listing->has_before || conversations_is_after(&listing->before, &row->last));
}

static enum err put_conversations(struct private_book *book, struct reader *reader,
	const struct listing *listing, const struct conversations *rows,
	struct shape_people *people, json_t *tree)
{
	json_t *list = json_array();
	json_t *cursor = json_null();
	size_t count = 0;
	enum err err = ERR_OK;
	const struct conversation_row *last = NULL;
	struct private_conversation *conversation = malloc(sizeof(*conversation));
	err = conversation == NULL || list == NULL ? ERR_NOMEM : ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < rows->count; i++) {
		const struct conversation_row *row = &rows->at[i];
		json_t *shaped = NULL;
		if (!is_listed(listing, row)) {
			continue;
		}
		if (last != NULL && count >= listing->limit) {
			cursor = place_json(true, last->last);
			break;
		}
		err = private_conversation(book, reader, &row->name, conversation);
		if (err == ERR_OK) {
			err = shape_conversation(book, reader, conversation, row, people, &shaped);
		}
		if (err == ERR_OK) {
			(void)json_array_append_new(list, shaped);
			last = row;
			count++;
		}
		err = err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	(void)json_object_set_new(tree, "conversations", list);
	(void)json_object_set_new(tree, "cursor", cursor);
	free(conversation);
	return err;
}

static json_int_t count_requests(const struct conversations *rows)
{
	json_int_t count = 0;
	for (size_t i = 0; i < rows->count; i++) {
		count += rows->at[i].is_request && !rows->at[i].is_hidden ? 1 : 0;
	}
	return count;
}

void serve_private(struct call *call)
{
	struct listing listing = {.limit = 0};
	struct conversations rows = {0};
	struct shape_people *people = calloc(1, sizeof(*people));
	struct reader *reader = read_listing(call, &listing) ? inside_reader(call) : NULL;
	struct private_book *book = reader == NULL ? NULL : book_of(call);
	json_t *tree = json_object();
	json_t *list = NULL;
	if (book == NULL) {
		free(people);
		json_decref(tree);
		return;
	}
	enum err err = people == NULL ? ERR_NOMEM : conversations_read(book, reader, &rows);
	if (err == ERR_OK) {
		err = put_conversations(book, reader, &listing, &rows, people, tree);
	}
	if (err == ERR_OK) {
		err = shape_people(reader, people, &list);
	}
	if (err == ERR_OK) {
		(void)json_object_set_new(tree, "people", list);
		(void)json_object_set_new(tree, "requests", json_integer(count_requests(&rows)));
		(void)json_object_set_new(
			tree, "behind", json_integer((json_int_t)private_behind(book)));
	}
	conversations_fini(&rows);
	free(people);
	answer_tree(call, err, tree);
}

/* One conversation. */

static bool read_name(struct call *call, struct private_name *out)
{
	size_t count = 0;
	if (base64url_decode(call->args[0], out->at, sizeof(out->at), &count) == ERR_OK &&
		count == sizeof(out->at)) {
		return true;
	}
	answer_error(&call->exchange->answer, SAID_NOT_FOUND, "There is no such conversation.");
	return false;
}

/* The conversation with its row; without posts (`*has_row` false) as the owner began it.
 * ERR_NOT_FOUND: nobody did. */
static enum err find(struct private_book *book, struct reader *reader,
	const struct private_name *name, struct private_conversation *out,
	struct conversation_row *row, bool *has_row)
{
	struct conversations rows;
	struct private_decision mark;
	*has_row = false;
	*out = (struct private_conversation){.posts = 0};
	enum err err = conversations_read(book, reader, &rows);
	for (size_t i = 0; err == ERR_OK && i < rows.count; i++) {
		if (memcmp(rows.at[i].name.at, name->at, sizeof(name->at)) == 0) {
			*row = rows.at[i];
			*has_row = true;
		}
	}
	if (err == ERR_OK) {
		conversations_fini(&rows);
	}
	if (err == ERR_OK && *has_row) {
		return private_conversation(book, reader, name, out);
	}
	if (err == ERR_OK) {
		err = private_mark_read(book, reader, name, &mark);
	}
	if (err == ERR_OK) {
		err = mark.with_count == 0
			      ? ERR_NOT_FOUND
			      : private_readers_of(book, mark.with, mark.with_count, &out->readers);
	}
	return err;
}

static enum err put_one(struct private_book *book, struct reader *reader,
	const struct private_name *name, struct shape_people *people, json_t *tree)
{
	struct private_conversation *conversation = malloc(sizeof(*conversation));
	struct conversation_row row;
	bool has_row = false;
	json_t *shaped = NULL;
	enum err err = conversation == NULL
			       ? ERR_NOMEM
			       : find(book, reader, name, conversation, &row, &has_row);
	if (err == ERR_OK) {
		err = shape_conversation(
			book, reader, conversation, has_row ? &row : NULL, people, &shaped);
	}
	if (err == ERR_OK) {
		(void)json_object_set_new(tree, "conversation", shaped);
	}
	free(conversation);
	return err;
}

static void answer_one(struct call *call, struct private_book *book, struct reader *reader,
	enum err err, const struct private_name *name)
{
	struct shape_people *people = calloc(1, sizeof(*people));
	json_t *tree = json_object();
	json_t *list = NULL;
	if (err == ERR_OK) {
		err = people == NULL || tree == NULL ? ERR_NOMEM
						     : put_one(book, reader, name, people, tree);
	}
	if (err == ERR_OK) {
		err = shape_people(reader, people, &list);
	}
	if (err == ERR_OK) {
		(void)json_object_set_new(tree, "people", list);
	}
	free(people);
	answer_tree(call, err, tree);
}

static enum err put_posts(struct call *call, struct private_book *book, struct reader *reader,
	const struct private_name *name, const struct listing *listing, struct shape_people *people,
	json_t *tree)
{
	struct private_page page = {.count = 0};
	struct posts posts = {.count = 0};
	json_t *list = NULL;
	enum err err = private_posts(book, reader, name,
		listing->has_before ? &listing->before : NULL, listing->limit, &page);
	if (err == ERR_OK) {
		err = private_posts_read(book, reader, page.at, page.count, &posts);
	}
	if (err == ERR_OK) {
		err = shape_posts(call->api, reader, &posts, people, &list);
	}
	if (err == ERR_OK) {
		static const struct private_message nothing;
		bool is_empty = page.at == NULL || page.count == 0;
		const struct private_message *newest = is_empty ? &nothing : &page.at[0];
		const struct private_message *end = is_empty ? &nothing : &page.at[page.count - 1];
		(void)json_object_set_new(tree, "posts", list);
		(void)json_object_set_new(tree, "cursor", place_json(page.has_more, place_of(end)));
		(void)json_object_set_new(tree, "newest", place_json(!is_empty, place_of(newest)));
	}
	private_page_fini(&page);
	posts_free(&posts);
	return err;
}

void serve_private_one(struct call *call)
{
	struct listing listing = {.limit = 0};
	struct private_name name;
	struct shape_people *people = calloc(1, sizeof(*people));
	bool is_good = read_name(call, &name) && serve_read_limit(call, &listing.limit) &&
		       read_place_param(call, &listing.has_before, &listing.before);
	struct reader *reader = is_good ? inside_reader(call) : NULL;
	struct private_book *book = reader == NULL ? NULL : book_of(call);
	json_t *tree = json_object();
	json_t *list = NULL;
	if (book == NULL) {
		free(people);
		json_decref(tree);
		return;
	}
	enum err err = people == NULL ? ERR_NOMEM : put_one(book, reader, &name, people, tree);
	if (err == ERR_OK) {
		err = put_posts(call, book, reader, &name, &listing, people, tree);
	}
	if (err == ERR_OK) {
		err = shape_people(reader, people, &list);
	}
	if (err == ERR_OK) {
		(void)json_object_set_new(tree, "people", list);
	}
	free(people);
	answer_tree(call, err, tree);
}

/* Begun or not: the conversation of these people. */
void serve_private_begin(struct call *call)
{
	struct letter letter;
	struct private_readers readers;
	struct private_decision mark;
	if (!letters_read_list(call, "with", &letter)) {
		return;
	}
	struct reader *reader = inside_reader(call);
	struct private_book *book = reader == NULL ? NULL : book_of(call);
	if (book == NULL) {
		return;
	}
	enum err err = private_readers_of(book, letter.readers, letter.count, &readers);
	if (err == ERR_OK) {
		err = private_mark_read(book, reader, &readers.name, &mark);
	}
	if (err == ERR_OK && mark.with_count == 0) {
		mark.with_count = letter.count;
		memcpy(mark.with, letter.readers, letter.count * sizeof(letter.readers[0]));
		err = private_mark_put(book, call->api->opts.writer, &mark);
	}
	answer_one(call, book, reader, err, &readers.name);
}

/* What the owner read or decided. */

static bool says(struct call *call, const char *name, bool *out)
{
	const json_t *value = json_object_get(call->body, name);
	*out = json_is_true(value);
	return !body_has(call->body, name) || json_is_boolean(value);
}

/* The body into `mark`. False: answered. */
/* Whoever read up to the newest post read everything that came, also what came late; else what came
 * behind that post is not read. */
static enum err mark_read(struct private_book *book, struct reader *reader,
	const struct private_place *read, struct private_decision *mark)
{
	struct private_page page = {.count = 0};
	int64_t row = read->order;
	enum err err = private_posts(book, reader, &mark->name, NULL, LOOKED_BACK, &page);
	bool is_all = page.count > 0 && page.at[0].message == read->order;
	for (size_t i = 0; err == ERR_OK && is_all && i < page.count; i++) {
		row = page.at[i].message > row ? page.at[i].message : row;
	}
	private_page_fini(&page);
	mark->is_read = true;
	mark->read.at_ms = read->at_ms > mark->read.at_ms ? read->at_ms : mark->read.at_ms;
	mark->read.order = row > mark->read.order ? row : mark->read.order;
	return err;
}

static bool read_decision(struct call *call, struct private_book *book, struct reader *reader,
	struct private_decision *mark)
{
	struct span text;
	struct private_place read;
	struct private_page page = {.count = 0};
	bool is_accepted = false;
	bool is_hidden = false;
	bool is_good = says(call, "accept", &is_accepted) && says(call, "hide", &is_hidden);
	if (is_good && body_has(call->body, "read")) {
		is_good = body_text(call->body, "read", &text) &&
			  shape_read_cursor(text, &read.at_ms, &read.order) == ERR_OK;
		if (is_good && mark_read(book, reader, &read, mark) != ERR_OK) {
			answer_error(&call->exchange->answer, SAID_INTERNAL, NULL);
			return false;
		}
	}
	if (!is_good) {
		answer_error(&call->exchange->answer, SAID_BAD_REQUEST,
			"`read` is a cursor, `accept` and `hide` are true or false.");
		return false;
	}
	mark->is_accepted = body_has(call->body, "accept") ? is_accepted : mark->is_accepted;
	if (body_has(call->body, "hide")) {
		mark->is_hidden = is_hidden;
		enum err err = private_posts(book, reader, &mark->name, NULL, LOOKED_BACK, &page);
		for (size_t i = 0; err == ERR_OK && i < page.count; i++) {
			mark->hidden.at_ms = i == 0 ? page.at[i].at_ms : mark->hidden.at_ms;
			mark->hidden.order = page.at[i].message > mark->hidden.order
						     ? page.at[i].message
						     : mark->hidden.order;
		}
		private_page_fini(&page);
	}
	return true;
}

void serve_private_decide(struct call *call)
{
	struct private_name name;
	struct private_decision mark;
	struct reader *reader = read_name(call, &name) ? inside_reader(call) : NULL;
	struct private_book *book = reader == NULL ? NULL : book_of(call);
	struct api *api = call->api;
	bool is_good = false;
	if (book == NULL) {
		return;
	}
	/* Two browsers that read at once: neither takes back what the other said. */
	(void)pthread_mutex_lock(&api->deciding);
	enum err err = private_mark_read(book, reader, &name, &mark);
	if (err == ERR_OK) {
		is_good = read_decision(call, book, reader, &mark);
	}
	if (is_good) {
		err = private_mark_put(book, api->opts.writer, &mark);
	}
	(void)pthread_mutex_unlock(&api->deciding);
	if (err == ERR_OK && !is_good) {
		return;
	}
	if (err == ERR_OK) {
		serve_private_changed(api);
	}
	answer_one(call, book, reader, err, &name);
}

/* Everything that opens, content by content: what `kith private list` prints. */

static enum err put_content(struct private_book *book, struct reader *reader,
	const struct private_message *message, json_t *list)
{
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	enum err err = private_text(book, reader, &message->key, &text);
	if (err == ERR_OK) {
		json_t *row = json_pack("{s:o, s:o, s:I, s:o}", "key",
			shape_message_id(&message->key), "author", shape_feed_id(&message->author),
			"at", (json_int_t)message->at_ms, "content", body_string(buf_span(&text)));
		err = json_array_append_new(list, row) == 0 ? ERR_OK : ERR_NOMEM;
	}
	buf_wipe(&text);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

void serve_private_all(struct call *call)
{
	struct private_page page = {.count = 0};
	struct buf after = BUF_INIT(24);
	bool is_there = false;
	struct reader *reader =
		serve_read_param(call, "after", &after, &is_there) ? inside_reader(call) : NULL;
	struct private_book *book = reader == NULL ? NULL : book_of(call);
	json_t *list = json_array();
	int64_t row = 0;
	for (size_t i = 0; i < after.len && i < 18; i++) {
		row = row * 10 + (after.at[i] >= '0' && after.at[i] <= '9' ? after.at[i] - '0' : 0);
	}
	buf_fini(&after);
	if (book == NULL) {
		json_decref(list);
		return;
	}
	enum err err = private_all(book, reader, row, ALL_ROWS, &page);
	for (size_t i = 0; err == ERR_OK && i < page.count; i++) {
		row = page.at[i].message;
		if (!page.at[i].is_hidden) {
			err = put_content(book, reader, &page.at[i], list);
		}
	}
	bool has_more = page.has_more;
	private_page_fini(&page);
	if (err != ERR_OK) {
		json_decref(list);
		answer_err(&call->exchange->answer, err);
		return;
	}
	answer_json(&call->exchange->answer, 200,
		json_pack("{s:o, s:o, s:I}", "messages", list, "after",
			has_more ? json_integer((json_int_t)row) : json_null(), "behind",
			(json_int_t)private_behind(book)));
}
