/*
 * One conversation as it is shown. It holds its root and everything that names it as `root`. A
 * reply to one of its posts that names that post as `root` begins or goes on with a conversation of
 * its own: it is counted there and shown in its own. Ids that posts of the thread refer to but that
 * are not shown stand in as missing right before the first post that needs them.
 *
 * A long thread is looked up by key again and again, so what was read is sorted by key once.
 */
#include "store/post.h"
#include "store/thread.h"
#include "store/thread_gap.h"

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
	const struct thread_query *query;
	struct message_id root;
	struct found *found;
	size_t count;
	struct found **by_key;
	struct post *missing[LIMIT_THREAD_MISSING]; /* on the page */
	size_t missing_count;
	bool has_root;
};

QUERY(sql_thread, "SELECT " POST_COLUMNS " FROM " POST_TABLES " WHERE p.root = ?1 AND " POST_IS_HELD
		  " LIMIT ?2");
QUERY(sql_thread_strays, "SELECT " POST_STRAY_COLUMNS " FROM " POST_STRAY_TABLES
			 " WHERE s.root = ?1 AND " POST_STRAY_IS_SHOWN " LIMIT ?2");
QUERY(sql_thread_size, "SELECT count(*) FROM posts WHERE root = ?1");
/* One of each conversation that began here and names this one as where it came from. */
QUERY(sql_thread_forks,
	"SELECT " POST_COLUMNS ", min(p.message) FROM " POST_TABLES
	" WHERE p.fork = ?1 AND p.root IS NOT ?1 AND p.root IS NOT NULL AND " POST_IS_HELD
	" GROUP BY p.root LIMIT ?2");
QUERY(sql_is_referred,
	"SELECT EXISTS (SELECT 1 FROM posts WHERE root = ?1) OR EXISTS (SELECT 1 FROM posts WHERE "
	"fork = ?1) OR EXISTS (SELECT 1 FROM strays WHERE root = ?1)");

enum { FOUND_MAX = LIMIT_THREAD_POSTS + 1 }; /* the one that was asked for too */

/* What was read before, held whole and alone at once, is not read twice. */
static bool is_read(const struct thread *thread, const struct message_id *key)
{
	for (size_t i = thread->count; i > 0; i--) {
		if (message_id_equal(&thread->found[i - 1].post.key, key)) {
			return true;
		}
	}
	return false;
}

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

static void give_back(struct thread *thread)
{
	json_doc_free(thread->found[--thread->count].doc);
}

/* The index knows 8 bytes of a root; the message knows all of it. */
static bool belongs(const struct thread *thread, const struct post *post)
{
	return message_id_equal(&post->key, &thread->root) ||
	       (post->has_root && message_id_equal(&post->root, &thread->root));
}

static enum err is_referred(struct reader *reader, const struct message_id *id)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(reader->db, &sql_is_referred, &stmt);
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

static enum err find_root(struct thread *thread)
{
	struct reader *reader = thread->reader;
	sqlite3_stmt *stmt = NULL;
	thread->root = thread->query->id;
	enum err err = post_find(reader, &thread->query->id, &stmt);
	if (err == ERR_OK) {
		struct posts scratch = {0};
		struct post post;
		err = post_from(&scratch, stmt, &post, NULL);
		db_reset(stmt);
		if (err == ERR_OK && post.has_root && !thread->query->is_own) {
			thread->root = post.root;
		}
		posts_free(&scratch);
		return err;
	}
	return err == ERR_NOT_FOUND ? is_referred(reader, &thread->query->id) : err;
}

static enum err read_one(struct thread *thread, const struct message_id *key)
{
	sqlite3_stmt *stmt = NULL;
	if (is_read(thread, key)) {
		return ERR_OK;
	}
	enum err err = post_find(thread->reader, key, &stmt);
	if (err == ERR_OK) {
		err = take_row(thread, stmt);
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* `is_alone`: the rows are of messages that came alone, of which the history may have come too. */
static enum err read_rows(struct thread *thread, const struct query *query, bool is_alone)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(thread->reader->db, query, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, db_key_head(thread->root.at));
	db_int(stmt, 2, LIMIT_THREAD_POSTS);
	while ((err = db_step(thread->reader->db, stmt)) == ERR_OK) {
		if (thread->count >= LIMIT_THREAD_POSTS) {
			break;
		}
		err = take_row(thread, stmt);
		if (err != ERR_OK) {
			break;
		}
		struct found last = thread->found[thread->count - 1];
		thread->count--;
		bool is_again = message_id_equal(&last.post.key, &thread->root) ||
				(is_alone && is_read(thread, &last.post.key));
		thread->count++;
		if (!belongs(thread, &last.post) || is_again) {
			give_back(thread);
		}
	}
	db_reset(stmt);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err read_all(struct thread *thread)
{
	enum err err = read_one(thread, &thread->root);
	thread->has_root = thread->count > 0;
	if (err == ERR_OK) {
		err = read_rows(thread, &sql_thread, false);
	}
	if (err == ERR_OK) {
		err = read_rows(thread, &sql_thread_strays, true);
	}
	if (err == ERR_OK) {
		err = read_one(thread, &thread->query->id);
	}
	return err;
}

static enum err count_here(struct thread *thread, struct thread_facts *facts)
{
	sqlite3_stmt *stmt = NULL;
	facts->here = thread->count;
	facts->total = facts->here + thread->missing_count + (thread->has_root ? 0 : 1);
	if (thread->count < LIMIT_THREAD_POSTS) {
		return ERR_OK;
	}
	enum err err = db_query(thread->reader->db, &sql_thread_size, &stmt);
	if (err == ERR_OK) {
		db_int(stmt, 1, db_key_head(thread->root.at));
		err = db_step(thread->reader->db, stmt);
	}
	if (err == ERR_OK) {
		size_t size = (size_t)sqlite3_column_int64(stmt, 0) + (thread->has_root ? 1 : 0);
		db_reset(stmt);
		facts->total += size > facts->here ? size - facts->here : 0;
		facts->here = size > facts->here ? size : facts->here;
	}
	return err;
}

static int by_key(const void *a, const void *b)
{
	const struct found *const *x = a;
	const struct found *const *y = b;
	return memcmp((*x)->post.key.at, (*y)->post.key.at, ID_BYTES);
}

static int is_key(const void *key, const void *b)
{
	const struct found *const *y = b;
	return memcmp(((const struct message_id *)key)->at, (*y)->post.key.at, ID_BYTES);
}

static bool is_found(const struct thread *thread, const struct message_id *id)
{
	return bsearch(id, thread->by_key, thread->count, sizeof(struct found *), is_key) != NULL;
}

static bool is_placed_missing(const struct thread *thread, const struct message_id *id)
{
	for (size_t i = 0; i < thread->missing_count; i++) {
		if (message_id_equal(&thread->missing[i]->key, id)) {
			return true;
		}
	}
	return !thread->has_root && message_id_equal(id, &thread->root);
}

static enum err place_missing(
	struct thread *thread, const struct message_id *id, const struct json_doc *referrer)
{
	bool is_gap = false;
	struct post *gap = &thread->page->at[thread->page->count];
	if (thread->missing_count >= LIMIT_THREAD_MISSING || is_found(thread, id) ||
		is_placed_missing(thread, id)) {
		return ERR_OK;
	}
	*gap = (struct post){.key = *id, .is_missing = true};
	enum err err = thread_gap(thread->reader, gap, json_root(referrer), &is_gap);
	if (err == ERR_OK && is_gap) {
		thread->missing[thread->missing_count++] = gap;
		thread->page->count++;
	}
	return err;
}

/* Who answers the root speaks of it; the first in order does. It stands even when it is held and no
 * post. */
static enum err place_root(struct thread *thread, const size_t *order)
{
	bool is_gap = false;
	struct post *gap = &thread->page->at[thread->page->count++];
	*gap = (struct post){.key = thread->root, .is_missing = true};
	const struct json *first =
		thread->count > 0 ? json_root(thread->found[order[0]].doc) : NULL;
	return thread_gap(thread->reader, gap, first, &is_gap);
}

/* What conversations began with and is not here. */
static enum err place_forks(struct thread *thread)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(thread->reader->db, &sql_thread_forks, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, db_key_head(thread->root.at));
	db_int(stmt, 2, LIMIT_THREAD_MISSING);
	while ((err = db_step(thread->reader->db, stmt)) == ERR_OK) {
		struct post post;
		struct json_doc *doc = NULL;
		err = post_from(thread->page, stmt, &post, &doc);
		if (err == ERR_OK && post.has_fork && post.has_root &&
			message_id_equal(&post.fork, &thread->root)) {
			err = place_missing(thread, &post.root, doc);
		}
		json_doc_free(doc);
		if (err != ERR_OK) {
			break;
		}
	}
	db_reset(stmt);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err place_all(struct thread *thread, const size_t *order)
{
	enum err err = thread->has_root ? ERR_OK : place_root(thread, order);
	for (size_t i = 0; err == ERR_OK && i < thread->count; i++) {
		const struct found *found = &thread->found[order[i]];
		bool is_root = message_id_equal(&found->post.key, &thread->root);
		for (size_t k = 0; err == ERR_OK && !is_root && k < found->post.branch_count; k++) {
			err = place_missing(thread, &found->post.branches[k], found->doc);
		}
		thread->page->at[thread->page->count++] = found->post;
	}
	return err == ERR_OK ? place_forks(thread) : err;
}

/* Root first, held or not; then the others in order, each after what it needs. */
static enum err lay_out(struct thread *thread)
{
	enum err err = ERR_NOMEM;
	struct thread_item *items = calloc(thread->count + 1, sizeof(*items));
	size_t *order = calloc(thread->count + 1, sizeof(*order));
	thread->by_key = calloc(thread->count + 1, sizeof(void *));
	if (items == NULL || order == NULL || thread->by_key == NULL) {
		goto out;
	}
	for (size_t i = 0; i < thread->count; i++) {
		struct found *found = &thread->found[i];
		items[i] = (struct thread_item){
			.key = found->post.key,
			.received_ms = found->received_ms,
			.claimed_ms = found->claimed_ms,
			.value = json_root(found->doc),
		};
		thread->by_key[i] = found;
	}
	qsort(thread->by_key, thread->count, sizeof(void *), by_key);
	err = thread_order(items, thread->count, order);
	if (err == ERR_OK) {
		err = place_all(thread, order);
	}
out:
	free(items);
	free(order);
	free(thread->by_key);
	thread->by_key = NULL;
	return err;
}

static enum err read_in(struct thread *thread, struct thread_facts *facts)
{
	enum err err = find_root(thread);
	if (err == ERR_OK) {
		err = read_all(thread);
	}
	if (err == ERR_OK) {
		err = lay_out(thread);
	}
	if (err == ERR_OK) {
		err = count_here(thread, facts);
	}
	if (err == ERR_OK) {
		err = post_count_all(thread->reader, thread->page);
	}
	facts->root = thread->root;
	if (thread->has_root) {
		facts->has_above = thread->found[0].post.has_root;
		facts->above = thread->found[0].post.root;
	}
	return err;
}

enum err thread_read(struct reader *reader, const struct thread_query *query,
	struct thread_facts *facts, struct posts *out)
{
	struct thread thread = {.reader = reader, .page = out, .query = query};
	*facts = (struct thread_facts){0};
	enum err err = post_page_init(out, FOUND_MAX + LIMIT_THREAD_MISSING + 1);
	thread.found = calloc(FOUND_MAX, sizeof(*thread.found));
	if (thread.found == NULL) {
		err = ERR_NOMEM;
	}
	if (err == ERR_OK) {
		err = reader_begin(reader);
	}
	if (err == ERR_OK) {
		err = reader_end(reader, read_in(&thread, facts));
	}
	out->has_more = facts->here > thread.count;
	for (size_t i = 0; thread.found != NULL && i < thread.count; i++) {
		json_doc_free(thread.found[i].doc);
	}
	free(thread.found);
	if (err != ERR_OK) {
		posts_free(out);
	}
	return err;
}
