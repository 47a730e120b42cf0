/*
 * The book knows who wrote when to whom; the words are opened here, one message at a time, and live
 * as long as the page they are for.
 */
#include "store/private_posts.h"

#include "store/post.h"
#include "store/thread.h"
#include "store/veil.h"

#include <stdlib.h>

/* Fills `*out`; with `doc` not NULL the content is left there, the caller's. ERR_NOT_FOUND: it is
 * no post, or gone. */
static enum err read_one(struct private_book *book, struct reader *reader, struct posts *posts,
	const struct private_message *message, struct post *out, struct json_doc **doc)
{
	struct json_doc *parsed = NULL;
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	*out = (struct post){.key = message->key,
		.author = message->author,
		.sequence = message->sequence,
		.at_ms = message->at_ms,
		.order = message->message,
		.is_readers_proven =
			message->is_own && message->sealed_for == message->readers.total,
		.sealed_for = message->sealed_for,
		.reader_count = message->readers.count};
	memcpy(out->conversation, message->readers.name.at, sizeof(out->conversation));
	enum err err = private_text(book, reader, &message->key, &text);
	if (err == ERR_OK) {
		err = json_parse(buf_span(&text), LIMIT_JSON_DEPTH, &parsed);
		err = err == ERR_NOMEM || err == ERR_OK ? err : ERR_NOT_FOUND;
	}
	if (err == ERR_OK) {
		err = post_content(posts, json_root(parsed), out);
		err = err == ERR_IO ? ERR_NOT_FOUND : err;
	}
	if (err == ERR_OK) {
		out->readers = (const void *)post_keep(posts,
			span_of(message->readers.at[0].at, ID_BYTES * message->readers.count));
		err = out->readers == NULL ? ERR_NOMEM : ERR_OK;
	}
	buf_wipe(&text);
	if (err == ERR_OK && doc != NULL) {
		*doc = parsed;
	} else {
		json_doc_wipe(parsed);
	}
	return err;
}

static enum err count_one(struct private_book *book, struct reader *reader, struct post *post)
{
	struct private_page answers = {.count = 0};
	size_t total = 0;
	enum err err = private_likes(book, reader, &post->key, post->likers, POST_LIKERS_MAX,
		&post->liker_count, &total, &post->is_liked);
	post->likes = (uint32_t)total;
	if (err == ERR_OK) {
		err = private_thread(book, reader, &post->key, 1, &answers);
	}
	post->replies = answers.total > 0 ? (uint32_t)answers.total - 1 : 0;
	private_page_fini(&answers);
	return err == ERR_OK ? post_bookmark_read(reader, &post->key, &post->kept_ms) : err;
}

static enum err count_all(struct private_book *book, struct reader *reader, struct posts *posts)
{
	enum err err = veil_posts(reader, posts);
	for (size_t i = 0; err == ERR_OK && i < posts->count; i++) {
		if (!posts->at[i].is_missing) {
			err = count_one(book, reader, &posts->at[i]);
		}
	}
	return err;
}

enum err private_posts_read(struct private_book *book, struct reader *reader,
	const struct private_message *messages, size_t count, struct posts *out)
{
	enum err err = post_page_init(out, count);
	if (err != ERR_OK) {
		return err;
	}
	err = reader_begin(reader);
	if (err == ERR_OK) {
		for (size_t i = 0; err == ERR_OK && i < count; i++) {
			err = read_one(book, reader, out, &messages[i], &out->at[out->count], NULL);
			out->count += err == ERR_OK ? 1 : 0;
			err = err == ERR_NOT_FOUND ? ERR_OK : err;
		}
		if (err == ERR_OK) {
			err = count_all(book, reader, out);
		}
		err = reader_end(reader, err);
	}
	if (err != ERR_OK) {
		posts_free(out);
	}
	return err;
}

/* Threads. */

struct found {
	struct post post;
	struct json_doc *doc;
	double received_ms;
};

struct thread {
	struct found *found;
	size_t count;
};

static void thread_fini(struct thread *thread)
{
	for (size_t i = 0; i < thread->count; i++) {
		json_doc_wipe(thread->found[i].doc);
	}
	free(thread->found);
	*thread = (struct thread){0};
}

static enum err read_thread(struct private_book *book, struct reader *reader, struct posts *posts,
	const struct message_id *root, struct thread *out, size_t *total)
{
	struct private_page page = {.count = 0};
	*out = (struct thread){0};
	enum err err = private_thread(book, reader, root, LIMIT_THREAD_POSTS, &page);
	*total = page.total;
	if (err == ERR_OK) {
		out->found = calloc(page.count + 1, sizeof(*out->found));
		err = out->found == NULL ? ERR_NOMEM : ERR_OK;
	}
	for (size_t i = 0; err == ERR_OK && i < page.count; i++) {
		struct found *found = &out->found[out->count];
		err = read_one(book, reader, posts, &page.at[i], &found->post, &found->doc);
		found->received_ms = (double)page.at[i].received_ms;
		/* What began a thread of its own from here (`fork`) is read there. */
		bool is_of_it = message_id_equal(&page.at[i].key, root) ||
				(page.at[i].has_root && message_id_equal(&page.at[i].root, root));
		if (err == ERR_OK && !is_of_it) {
			json_doc_wipe(found->doc);
		}
		out->count += err == ERR_OK && is_of_it ? 1 : 0;
		err = err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	private_page_fini(&page);
	return err;
}

static enum err order_thread(const struct thread *thread, size_t **order)
{
	struct thread_item *items = calloc(thread->count + 1, sizeof(*items));
	*order = calloc(thread->count + 1, sizeof(**order));
	enum err err = items == NULL || *order == NULL ? ERR_NOMEM : ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < thread->count; i++) {
		const struct found *found = &thread->found[i];
		items[i] = (struct thread_item){.key = found->post.key,
			.received_ms = found->received_ms,
			.claimed_ms = (double)found->post.at_ms,
			.value = json_root(found->doc)};
	}
	if (err == ERR_OK) {
		err = thread_order(items, thread->count, *order);
	}
	free(items);
	return err;
}

/* Root first, held or not; then the others in order. */
static enum err lay_out(const struct thread *thread, const struct message_id *root,
	const size_t *order, struct posts *out)
{
	for (size_t i = 0; i < thread->count; i++) {
		if (message_id_equal(&thread->found[i].post.key, root)) {
			out->at[out->count++] = thread->found[i].post;
		}
	}
	if (out->count == 0) {
		out->at[out->count++] = (struct post){.key = *root, .is_missing = true};
	}
	for (size_t i = 0; i < thread->count; i++) {
		const struct post *post = &thread->found[order[i]].post;
		if (!message_id_equal(&post->key, root)) {
			out->at[out->count++] = *post;
		}
	}
	return ERR_OK;
}

static enum err make_thread(struct private_book *book, struct reader *reader,
	struct thread_facts *facts, struct posts *out)
{
	struct thread thread = {0};
	size_t *order = NULL;
	size_t total = 0;
	struct posts texts = {0};
	enum err err = read_thread(book, reader, &texts, &facts->root, &thread, &total);
	if (err == ERR_OK) {
		err = order_thread(&thread, &order);
	}
	if (err == ERR_OK) {
		err = post_page_init(out, thread.count + 1);
	}
	if (err == ERR_OK) {
		out->arena = texts.arena;
		texts.arena = NULL;
		err = lay_out(&thread, &facts->root, order, out);
	}
	if (err == ERR_OK) {
		bool has_root = !out->at[0].is_missing;
		facts->here = total > thread.count ? total : thread.count;
		facts->total = facts->here + (has_root ? 0 : 1);
		facts->has_above = has_root && out->at[0].has_root;
		facts->above = out->at[0].root;
		err = count_all(book, reader, out);
	}
	free(order);
	thread_fini(&thread);
	posts_free(&texts);
	return err;
}

enum err private_posts_thread(struct private_book *book, struct reader *reader,
	const struct thread_query *query, struct thread_facts *facts, struct posts *out)
{
	struct private_message *message = malloc(sizeof(*message));
	*facts = (struct thread_facts){.root = query->id};
	*out = (struct posts){0};
	enum err err =
		message == NULL ? ERR_NOMEM : private_find(book, reader, &query->id, message);
	if (err == ERR_OK && message->is_hidden) {
		err = ERR_NOT_FOUND;
	}
	if (err == ERR_OK && message->has_root && !query->is_own) {
		facts->root = message->root;
	}
	if (err == ERR_OK) {
		err = reader_begin(reader);
	}
	if (err == ERR_OK) {
		err = reader_end(reader, make_thread(book, reader, facts, out));
	}
	if (err != ERR_OK) {
		posts_free(out);
	}
	free(message);
	return err;
}

/* Does another one of the thread refer to it: by its branches, or as the next of the same feed? */
static bool is_referred_to(const struct thread *thread, const struct post *post)
{
	for (size_t i = 0; i < thread->count; i++) {
		const struct post *other = &thread->found[i].post;
		if (feed_id_equal(&other->author, &post->author) &&
			other->sequence == post->sequence + 1) {
			return true;
		}
		for (size_t k = 0; k < other->branch_count; k++) {
			if (message_id_equal(&other->branches[k], &post->key)) {
				return true;
			}
		}
	}
	return false;
}

enum err private_posts_heads(struct private_book *book, struct reader *reader,
	const struct message_id *root, struct message_id *out, size_t room, size_t *count)
{
	struct thread thread = {0};
	struct posts texts = {0};
	size_t total = 0;
	*count = 0;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = reader_end(reader, read_thread(book, reader, &texts, root, &thread, &total));
	for (size_t i = thread.count; err == ERR_OK && i > 0 && *count < room; i--) {
		const struct post *post = &thread.found[i - 1].post;
		bool is_answered =
			message_id_equal(&post->key, root) && thread.count > 1; /* by the others */
		if (!is_answered && !is_referred_to(&thread, post)) {
			out[(*count)++] = post->key;
		}
	}
	if (err == ERR_OK && *count == 0) {
		out[(*count)++] = *root;
	}
	thread_fini(&thread);
	posts_free(&texts);
	return err;
}

enum err private_posts_find(struct private_book *book, struct reader *reader,
	const struct message_id *ids, size_t count, struct posts *out)
{
	size_t found = 0;
	struct private_message *messages = calloc(count + 1, sizeof(*messages));
	*out = (struct posts){0};
	enum err err = messages == NULL ? ERR_NOMEM : ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < count; i++) {
		err = private_find(book, reader, &ids[i], &messages[found]);
		found += err == ERR_OK && !messages[found].is_hidden ? 1 : 0;
		err = err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	if (err == ERR_OK) {
		err = private_posts_read(book, reader, messages, found, out);
	}
	free(messages);
	return err;
}

/* Bookmarks. */

/* SCAN: of at most LIMIT_BOOKMARKS rows. */
QUERY(sql_kept_before, "SELECT key FROM bookmarks WHERE at < ?1 ORDER BY at DESC");
QUERY(sql_kept_after, "SELECT key FROM bookmarks WHERE at > ?1 ORDER BY at");

struct kept {
	struct private_message *at;
	size_t count, room;
};

static enum err find_kept(struct private_book *book, struct reader *reader,
	const struct timeline_query *query, struct kept *out)
{
	sqlite3_stmt *stmt = NULL;
	struct message_id key;
	enum err err =
		db_query(reader->db, query->has_after ? &sql_kept_after : &sql_kept_before, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, query->has_before || query->has_after ? query->at_ms : INT64_MAX);
	while (out->count < out->room && (err = db_step(reader->db, stmt)) == ERR_OK) {
		struct private_message *message = &out->at[out->count];
		err = db_column_id(stmt, 0, key.at) ? private_find(book, reader, &key, message)
						    : ERR_NOT_FOUND;
		if (err == ERR_OK && !message->is_hidden && message->type == CONTENT_POST) {
			out->count++;
		} else if (err != ERR_OK && err != ERR_NOT_FOUND) {
			break;
		}
		err = ERR_OK;
	}
	db_reset(stmt);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static int latest_kept_first(const void *a, const void *b)
{
	int64_t x = ((const struct post *)a)->kept_ms;
	int64_t y = ((const struct post *)b)->kept_ms;
	return x < y ? 1 : x > y ? -1 : 0;
}

/* The texts of `from` become the page's. */
static enum err merge(struct posts *page, struct posts *from, size_t limit, bool is_after)
{
	struct post *at = calloc(page->count + from->count + 1, sizeof(*at));
	struct arena **end = &page->arena;
	size_t count = page->count + from->count;
	if (at == NULL) {
		return ERR_NOMEM;
	}
	memcpy(at, page->at, page->count * sizeof(*at));
	memcpy(at + page->count, from->at, from->count * sizeof(*at));
	post_arena_join(end, &from->arena);
	qsort(at, count, sizeof(*at), latest_kept_first);
	if (count > limit) {
		/* After a cursor come the oldest of those that are newer. */
		memmove(at, at + (is_after ? count - limit : 0), limit * sizeof(*at));
		count = limit;
		page->has_more = true;
	}
	free(page->at);
	page->at = at;
	page->count = count;
	return ERR_OK;
}

enum err private_posts_kept(struct private_book *book, struct reader *reader,
	const struct timeline_query *query, struct posts *page)
{
	struct posts found = {0};
	struct kept kept = {.room = query->limit + 1};
	kept.at = calloc(kept.room, sizeof(*kept.at));
	enum err err = kept.at == NULL ? ERR_NOMEM : reader_begin(reader);
	if (err == ERR_OK) {
		err = reader_end(reader, find_kept(book, reader, query, &kept));
	}
	if (err == ERR_OK && kept.count > 0) {
		err = private_posts_read(book, reader, kept.at, kept.count, &found);
	}
	if (err == ERR_OK && found.count > 0) {
		err = merge(page, &found, query->limit, query->has_after);
	}
	posts_free(&found);
	free(kept.at);
	return err;
}
