/*
 * One thread as it is shown. It holds its root, everything that names it as `root`, and the
 * sub-threads that name it as `fork` (a reply to a reply), so that what is counted as a reply is
 * also on the page. Ids that posts of the thread refer to but that we do not hold, or hold from
 * somebody we block, stand in as missing right before the first post that needs them.
 */
#include "store/post.h"
#include "store/thread.h"

#include "base/limits.h"
#include "store/keys.h"

#include <stdlib.h>

struct found {
	struct post post;
	struct json_doc *doc;
	double received_ms, claimed_ms;
};

struct thread {
	struct reader *reader;
	struct posts *page;
	struct message_id root;
	struct found *found;
	size_t count;
	bool has_more;
};

QUERY(sql_thread, "SELECT " POST_COLUMNS " FROM " POST_TABLES " WHERE p.root = ?1 AND " POST_IS_HELD
		  " UNION ALL SELECT " POST_COLUMNS " FROM " POST_TABLES
		  " WHERE p.fork = ?1 AND p.root IS NOT ?1 AND " POST_IS_HELD " LIMIT ?2");
QUERY(sql_is_referred, "SELECT EXISTS (SELECT 1 FROM posts WHERE root = ?1) OR EXISTS (SELECT 1 "
		       "FROM posts WHERE fork = ?1)");
/* Held, and not by somebody we block; nobody we block has anything ahead. */
QUERY(sql_is_held,
	"SELECT 1 FROM " KEYS_MESSAGES " WHERE " KEYS_IS " AND NOT EXISTS "
	"(SELECT 1 FROM contacts c WHERE c.feed = 1 AND c.about = m.feed AND c.edge = 2) UNION ALL "
	"SELECT 1 FROM ahead a WHERE a.key_head = ?1 AND a.key_tail = ?2");

static enum err take_row(struct thread *thread, sqlite3_stmt *stmt)
{
	struct found *found = &thread->found[thread->count];
	enum err err = post_from(thread->page, stmt, &found->post, &found->doc);
	if (err != ERR_OK) {
		return err;
	}
	found->received_ms = post_received_ms(stmt);
	if (!json_number(json_get(json_root(found->doc), "timestamp"), &found->claimed_ms)) {
		found->claimed_ms = 0;
	}
	thread->count++;
	return ERR_OK;
}

/* The index knows 8 bytes of a root; the message knows all of it. */
static bool belongs(const struct thread *thread, const struct post *post)
{
	return message_id_equal(&post->key, &thread->root) ||
	       (post->has_root && message_id_equal(&post->root, &thread->root)) ||
	       (post->has_fork && message_id_equal(&post->fork, &thread->root));
}

static enum err find_root(
	struct reader *reader, const struct message_id *id, struct message_id *root)
{
	sqlite3_stmt *stmt = NULL;
	*root = *id;
	enum err err = post_find(reader, id, &stmt);
	if (err == ERR_OK) {
		struct posts scratch = {0};
		struct post post;
		err = post_from(&scratch, stmt, &post, NULL);
		db_reset(stmt);
		if (err == ERR_OK && post.has_fork) {
			*root = post.fork;
		} else if (err == ERR_OK && post.has_root) {
			*root = post.root;
		}
		posts_free(&scratch);
		return err;
	}
	if (err != ERR_NOT_FOUND) {
		return err;
	}
	err = db_query(reader->db, &sql_is_referred, &stmt);
	if (err == ERR_OK) {
		db_int(stmt, 1, db_key_head(id->at));
		err = db_step(reader->db, stmt);
	}
	if (err == ERR_OK) {
		err = sqlite3_column_int(stmt, 0) != 0 ? ERR_OK : ERR_NOT_FOUND;
		db_reset(stmt);
	}
	return err;
}

static enum err read_all(struct thread *thread)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = post_find(thread->reader, &thread->root, &stmt);
	if (err == ERR_OK) {
		err = take_row(thread, stmt);
		db_reset(stmt);
	}
	if (err == ERR_OK || err == ERR_NOT_FOUND) {
		err = db_query(thread->reader->db, &sql_thread, &stmt);
	}
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, db_key_head(thread->root.at));
	db_int(stmt, 2, LIMIT_THREAD_POSTS + 1);
	while ((err = db_step(thread->reader->db, stmt)) == ERR_OK) {
		if (thread->count == LIMIT_THREAD_POSTS) {
			thread->has_more = true;
			break;
		}
		err = take_row(thread, stmt);
		if (err != ERR_OK) {
			break;
		}
		const struct found *last = &thread->found[thread->count - 1];
		if (!belongs(thread, &last->post)) {
			json_doc_free(last->doc);
			thread->count--;
		}
	}
	db_reset(stmt);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err is_held(struct reader *reader, const struct message_id *id, bool *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(reader->db, &sql_is_held, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	keys_bind(stmt, id);
	err = db_step(reader->db, stmt);
	*out = err == ERR_OK;
	if (err == ERR_OK) {
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static bool is_on_page(const struct posts *page, const struct message_id *id)
{
	for (size_t i = 0; i < page->count; i++) {
		if (message_id_equal(&page->at[i].key, id)) {
			return true;
		}
	}
	return false;
}

static bool is_found(const struct thread *thread, const struct message_id *id)
{
	for (size_t i = 0; i < thread->count; i++) {
		if (message_id_equal(&thread->found[i].post.key, id)) {
			return true;
		}
	}
	return false;
}

static enum err place_missing(struct thread *thread, const struct message_id *id, size_t *missing)
{
	bool held = false;
	if (*missing >= LIMIT_THREAD_MISSING || is_on_page(thread->page, id) ||
		is_found(thread, id)) {
		return ERR_OK;
	}
	enum err err = is_held(thread->reader, id, &held);
	if (err != ERR_OK || held) {
		return err;
	}
	thread->page->at[thread->page->count++] = (struct post){.key = *id, .is_missing = true};
	(*missing)++;
	return ERR_OK;
}

/* Root first, held or not; then the others in order, each after what it needs. */
static enum err lay_out(struct thread *thread)
{
	enum err err = ERR_NOMEM;
	size_t missing = 0;
	struct thread_item *items = calloc(thread->count + 1, sizeof(*items));
	size_t *order = calloc(thread->count + 1, sizeof(*order));
	if (items == NULL || order == NULL) {
		goto out;
	}
	for (size_t i = 0; i < thread->count; i++) {
		const struct found *found = &thread->found[i];
		items[i] = (struct thread_item){
			.key = found->post.key,
			.received_ms = found->received_ms,
			.claimed_ms = found->claimed_ms,
			.value = json_root(found->doc),
		};
	}
	err = thread_order(items, thread->count, order);
	if (err == ERR_OK && !is_found(thread, &thread->root)) {
		thread->page->at[thread->page->count++] =
			(struct post){.key = thread->root, .is_missing = true};
	}
	for (size_t i = 0; err == ERR_OK && i < thread->count; i++) {
		const struct post *post = &thread->found[order[i]].post;
		bool is_root = message_id_equal(&post->key, &thread->root);
		for (size_t k = 0; err == ERR_OK && !is_root && k < post->branch_count; k++) {
			err = place_missing(thread, &post->branches[k], &missing);
		}
		thread->page->at[thread->page->count++] = *post;
	}
out:
	free(items);
	free(order);
	return err;
}

enum err thread_read(struct reader *reader, const struct message_id *id, struct message_id *root,
	struct posts *out)
{
	struct thread thread = {.reader = reader, .page = out};
	enum err err = post_page_init(out, LIMIT_THREAD_POSTS + LIMIT_THREAD_MISSING + 1);
	thread.found = calloc(LIMIT_THREAD_POSTS, sizeof(*thread.found));
	if (thread.found == NULL) {
		err = ERR_NOMEM;
	}
	if (err == ERR_OK) {
		err = reader_begin(reader);
	}
	if (err != ERR_OK) {
		goto out;
	}
	err = find_root(reader, id, &thread.root);
	if (err == ERR_OK) {
		err = read_all(&thread);
	}
	if (err == ERR_OK) {
		err = lay_out(&thread);
	}
	if (err == ERR_OK) {
		err = post_count_all(reader, out);
	}
	err = reader_end(reader, err);
	out->has_more = thread.has_more;
	*root = thread.root;
out:
	for (size_t i = 0; thread.found != NULL && i < thread.count; i++) {
		json_doc_free(thread.found[i].doc);
	}
	free(thread.found);
	if (err != ERR_OK) {
		posts_free(out);
	}
	return err;
}
