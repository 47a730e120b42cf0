/*
 * What others ask the book for. First it is read whose words are not shown, then everything is
 * answered under the lock, from memory.
 */
#include "store/private_inside.h"

#include "store/marks.h"

#include <stdlib.h>

#define HIDDEN_FEEDS                                                                            \
	" CROSS JOIN feeds f ON f.feed = c.about WHERE c.feed = 1 AND c.edge = 2 UNION SELECT " \
	"f.id FROM mutes u CROSS JOIN feeds f ON f.feed = u.feed ORDER BY 1"
/* SCAN: of at most LIMIT_MUTES mutes. */
QUERY(sql_private_hidden, "SELECT f.id FROM contacts c INDEXED BY contacts_blocks" HIDDEN_FEEDS);
/* SCAN: the same, through the view that store/reader_layer lays over it. */
QUERY(sql_private_hidden_too, "SELECT f.id FROM contacts c" HIDDEN_FEEDS);

/* Who is hidden. */

struct hidden {
	struct feed_id *at;
	size_t count, room;
};

static enum err read_hidden(struct reader *reader, struct hidden *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db,
		reader->layer_number == 0 ? &sql_private_hidden : &sql_private_hidden_too, &stmt);
	while (err == ERR_OK && (err = db_step(reader->db, stmt)) == ERR_OK) {
		if (out->count == out->room) {
			size_t room = out->room == 0 ? 16 : out->room * 2;
			struct feed_id *at = realloc(out->at, room * sizeof(*at));
			if (at == NULL) {
				err = ERR_NOMEM;
				db_reset(stmt);
				break;
			}
			out->at = at;
			out->room = room;
		}
		out->count += db_column_id(stmt, 0, out->at[out->count].at);
	}
	return reader_end(reader, err == ERR_NOT_FOUND ? ERR_OK : err);
}

static void mark_people(struct private_book *book)
{
	size_t cursor = 0;
	const uint8_t *id = NULL;
	void *value = NULL;
	while (table_next(book->people, &cursor, &id, &value)) {
		struct private_person *person = value;
		person->is_hidden = private_is_among(book, &person->id);
	}
}

enum err private_hide(struct private_book *book, struct reader *reader)
{
	struct hidden hidden = {.count = 0};
	enum err err = read_hidden(reader, &hidden);
	if (err != ERR_OK) {
		free(hidden.at);
		return err;
	}
	(void)pthread_mutex_lock(&book->lock);
	if (hidden.count != book->hidden_count ||
		(hidden.count > 0 &&
			memcmp(hidden.at, book->hidden, hidden.count * sizeof(*hidden.at)) != 0)) {
		struct feed_id *old = book->hidden;
		book->hidden = hidden.at;
		book->hidden_count = hidden.count;
		hidden.at = old;
		mark_people(book);
	}
	(void)pthread_mutex_unlock(&book->lock);
	free(hidden.at);
	return ERR_OK;
}

/* Pages. */

enum err private_page_init(struct private_page *page, size_t limit)
{
	*page = (struct private_page){.at = calloc(limit == 0 ? 1 : limit, sizeof(*page->at))};
	return page->at == NULL ? ERR_NOMEM : ERR_OK;
}

void private_page_fini(struct private_page *page)
{
	free(page->at);
	*page = (struct private_page){.count = 0};
}

/* Begin an answer: the page, who is hidden, the lock. */
static enum err begin(
	struct private_book *book, struct reader *reader, size_t limit, struct private_page *page)
{
	enum err err = private_hide(book, reader);
	if (err == ERR_OK) {
		err = private_page_init(page, limit);
	}
	if (err == ERR_OK) {
		(void)pthread_mutex_lock(&book->lock);
	}
	return err;
}

static void add(struct private_page *page, const struct private_entry *entry, size_t limit)
{
	if (page->count == limit) {
		page->has_more = true;
	} else {
		private_book_tell(entry, &page->at[page->count++]);
	}
}

enum err private_posts(struct private_book *book, struct reader *reader,
	const struct private_name *name, const struct private_place *before, size_t limit,
	struct private_page *out)
{
	enum err err = begin(book, reader, limit, out);
	if (err != ERR_OK) {
		return err;
	}
	const struct private_set *set = table_get(book->sets, name->at);
	size_t i = set == NULL      ? 0
		   : before == NULL ? set->posts.count
				    : private_book_first(&set->posts, before);
	while (i-- > 0 && !out->has_more) {
		if (private_is_shown(set->posts.at[i])) {
			add(out, set->posts.at[i], limit);
		}
	}
	(void)pthread_mutex_unlock(&book->lock);
	return ERR_OK;
}

enum err private_all(struct private_book *book, struct reader *reader, int64_t after, size_t limit,
	struct private_page *out)
{
	enum err err = begin(book, reader, limit, out);
	if (err != ERR_OK) {
		return err;
	}
	size_t low = 0;
	for (size_t high = book->by_row.count; low < high;) {
		size_t middle = low + (high - low) / 2;
		if (book->by_row.at[middle]->message <= after) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	for (; low < book->by_row.count && !out->has_more; low++) {
		if (private_is_shown(book->by_row.at[low])) {
			add(out, book->by_row.at[low], limit);
		}
	}
	(void)pthread_mutex_unlock(&book->lock);
	return ERR_OK;
}

static int by_place(const void *a, const void *b)
{
	const struct private_message *one = a;
	const struct private_message *two = b;
	if (one->at_ms != two->at_ms) {
		return one->at_ms < two->at_ms ? -1 : 1;
	}
	return one->message < two->message ? -1 : one->message > two->message;
}

/* Every answer, however many: they are sorted before the page is cut. */
static enum err gather(struct private_book *book, const struct message_id *root, size_t limit,
	struct private_page *out)
{
	const struct private_list *list = private_book_about(book, root->at);
	const struct private_entry *first = private_book_get(book, root);
	size_t most = 1 + (list == NULL ? 0 : list->count);
	struct private_page all;
	enum err err = private_page_init(&all, most);
	if (err != ERR_OK) {
		return err;
	}
	for (size_t i = 0; list != NULL && i < list->count; i++) {
		if (list->at[i]->type == CONTENT_POST && list->at[i] != first &&
			private_is_shown(list->at[i])) {
			add(&all, list->at[i], most);
		}
	}
	qsort(all.at, all.count, sizeof(*all.at), by_place);
	if (first != NULL && first->type == CONTENT_POST && private_is_shown(first)) {
		add(out, first, limit);
	}
	out->total = all.count + out->count;
	for (size_t i = 0; i < all.count && out->count < limit; i++) {
		out->at[out->count++] = all.at[i];
	}
	out->has_more = out->total > out->count;
	private_page_fini(&all);
	return ERR_OK;
}

enum err private_thread(struct private_book *book, struct reader *reader,
	const struct message_id *root, size_t limit, struct private_page *out)
{
	enum err err = begin(book, reader, limit, out);
	if (err != ERR_OK) {
		return err;
	}
	err = gather(book, root, limit, out);
	(void)pthread_mutex_unlock(&book->lock);
	if (err != ERR_OK) {
		private_page_fini(out);
	}
	return err;
}

enum err private_find(struct private_book *book, struct reader *reader,
	const struct message_id *key, struct private_message *out)
{
	enum err err = private_hide(book, reader);
	if (err != ERR_OK) {
		return err;
	}
	(void)pthread_mutex_lock(&book->lock);
	const struct private_entry *entry = private_book_get(book, key);
	if (entry != NULL) {
		private_book_tell(entry, out);
	}
	(void)pthread_mutex_unlock(&book->lock);
	return entry == NULL ? ERR_NOT_FOUND : ERR_OK;
}

/* Is there a later vote of the same author about the same message? */
static bool is_latest(const struct private_list *list, const struct private_entry *vote)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct private_entry *other = list->at[i];
		if (other->type == CONTENT_VOTE && other->author == vote->author &&
			other->sequence > vote->sequence) {
			return false;
		}
	}
	return true;
}

enum err private_likes(struct private_book *book, struct reader *reader,
	const struct message_id *key, struct feed_id *out, size_t room, size_t *count,
	size_t *total, bool *is_own)
{
	*count = 0;
	*total = 0;
	*is_own = false;
	enum err err = private_hide(book, reader);
	if (err != ERR_OK) {
		return err;
	}
	(void)pthread_mutex_lock(&book->lock);
	const struct private_list *list = private_book_about(book, key->at);
	for (size_t i = 0; list != NULL && i < list->count; i++) {
		const struct private_entry *vote = list->at[i];
		if (vote->type != CONTENT_VOTE || !vote->is_like || !private_is_shown(vote) ||
			!is_latest(list, vote)) {
			continue;
		}
		*is_own = *is_own || vote->is_own;
		(*total)++;
		if (*count < room) {
			out[(*count)++] = vote->author->id;
		}
	}
	(void)pthread_mutex_unlock(&book->lock);
	return ERR_OK;
}

/* Conversations. */

static const struct private_entry *last_of(const struct private_set *set)
{
	for (size_t i = set->posts.count; i-- > 0;) {
		if (private_is_shown(set->posts.at[i])) {
			return set->posts.at[i];
		}
	}
	return NULL;
}

static void tell(const struct private_set *set, struct private_conversation *out)
{
	*out = (struct private_conversation){.posts = 0};
	private_book_readers(set, &out->readers);
	for (size_t i = 0; i < set->posts.count; i++) {
		const struct private_entry *post = set->posts.at[i];
		if (private_is_shown(post)) {
			if (out->posts++ == 0) {
				out->first_author = post->author->id;
			}
			out->own += post->is_own;
		}
	}
	private_book_tell(last_of(set), &out->last);
}

static int latest_first(const void *a, const void *b)
{
	const struct private_place *one = &(*(const struct private_set *const *)a)->last;
	const struct private_place *two = &(*(const struct private_set *const *)b)->last;
	if (one->at_ms != two->at_ms) {
		return one->at_ms > two->at_ms ? -1 : 1;
	}
	return one->order > two->order ? -1 : one->order < two->order;
}

static size_t gather_sets(
	struct private_book *book, const struct private_place *before, struct private_set **sets)
{
	size_t count = 0;
	size_t cursor = 0;
	const uint8_t *id = NULL;
	void *value = NULL;
	while (table_next(book->sets, &cursor, &id, &value)) {
		struct private_set *set = value;
		const struct private_entry *last = last_of(set);
		if (last == NULL) {
			continue;
		}
		set->last = (struct private_place){.at_ms = last->at_ms, .order = last->message};
		bool is_in = before == NULL || set->last.at_ms < before->at_ms ||
			     (set->last.at_ms == before->at_ms && set->last.order < before->order);
		if (is_in) {
			sets[count++] = set;
		}
	}
	qsort(sets, count, sizeof(struct private_set *), latest_first);
	return count;
}

enum err private_conversations(struct private_book *book, struct reader *reader,
	const struct private_place *before,
	bool (*on_conversation)(void *ctx, const struct private_conversation *conversation),
	void *ctx)
{
	enum err err = private_hide(book, reader);
	if (err != ERR_OK) {
		return err;
	}
	(void)pthread_mutex_lock(&book->lock);
	struct private_set **sets =
		calloc(table_count(book->sets) + 1, sizeof(struct private_set *));
	size_t count = sets == NULL ? 0 : gather_sets(book, before, sets);
	bool goes_on = true;
	for (size_t i = 0; goes_on && i < count; i++) {
		struct private_conversation conversation;
		tell(sets[i], &conversation);
		goes_on = on_conversation(ctx, &conversation);
	}
	(void)pthread_mutex_unlock(&book->lock);
	free(sets);
	return sets == NULL ? ERR_NOMEM : ERR_OK;
}

enum err private_conversation(struct private_book *book, struct reader *reader,
	const struct private_name *name, struct private_conversation *out)
{
	enum err err = private_hide(book, reader);
	if (err != ERR_OK) {
		return err;
	}
	(void)pthread_mutex_lock(&book->lock);
	const struct private_set *set = table_get(book->sets, name->at);
	bool is_there = set != NULL && last_of(set) != NULL;
	if (is_there) {
		tell(set, out);
	}
	(void)pthread_mutex_unlock(&book->lock);
	return is_there ? ERR_OK : ERR_NOT_FOUND;
}

enum err private_unread(struct private_book *book, struct reader *reader,
	const struct private_name *name, int64_t after, uint32_t *out)
{
	*out = 0;
	enum err err = private_hide(book, reader);
	if (err != ERR_OK) {
		return err;
	}
	(void)pthread_mutex_lock(&book->lock);
	const struct private_set *set = table_get(book->sets, name->at);
	for (size_t i = set == NULL ? 0 : set->posts.count; i-- > 0 && *out < UNREAD_MAX;) {
		const struct private_entry *post = set->posts.at[i];
		*out += post->message > after && !post->is_own && private_is_shown(post);
	}
	(void)pthread_mutex_unlock(&book->lock);
	return ERR_OK;
}
