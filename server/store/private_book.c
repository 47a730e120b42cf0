/*
 * The book in memory: one entry for each message that opens, found by its key, by its row, by whom
 * it is between, and by what it is about. Some 220 bytes each with its places in the lists; people
 * and sets of people are kept once. Of more than LIMIT_PRIVATE_MESSAGES the newest are kept.
 */
#include "store/private_inside.h"

#include "base/log.h"

#include <stdlib.h>

enum {
	PEOPLE_MAX = LIMIT_PRIVATE_MESSAGES * 2,
	SETS_MAX = LIMIT_PRIVATE_MESSAGES,
	ABOUT_MAX = LIMIT_PRIVATE_MESSAGES * 2
};

enum err private_book_init(struct private_book *book)
{
	book->entries = table_new(book->env, LIMIT_PRIVATE_MESSAGES);
	book->people = table_new(book->env, PEOPLE_MAX);
	book->sets = table_new(book->env, SETS_MAX);
	book->about = table_new(book->env, ABOUT_MAX);
	return book->entries == NULL || book->people == NULL || book->sets == NULL ||
			       book->about == NULL
		       ? ERR_NOMEM
		       : ERR_OK;
}

/* Lists. */

static bool list_has_room(struct private_list *list)
{
	if (list->count < list->room) {
		return true;
	}
	size_t room = list->room == 0 ? 2 : list->room * 2;
	struct private_entry **at = realloc(list->at, room * sizeof(struct private_entry *));
	if (at == NULL) {
		return false;
	}
	list->at = at;
	list->room = room;
	return true;
}

static void list_insert(struct private_list *list, size_t i, struct private_entry *entry)
{
	memmove(&list->at[i + 1], &list->at[i], (list->count - i) * sizeof(struct private_entry *));
	list->at[i] = entry;
	list->count++;
}

static void list_remove(struct private_list *list, const struct private_entry *entry)
{
	for (size_t i = list->count; i-- > 0;) {
		if (list->at[i] == entry) {
			list->count--;
			memmove(&list->at[i], &list->at[i + 1],
				(list->count - i) * sizeof(struct private_entry *));
			return;
		}
	}
}

static bool is_before(const struct private_entry *entry, const struct private_place *place)
{
	return entry->at_ms != place->at_ms ? entry->at_ms < place->at_ms
					    : entry->message < place->order;
}

size_t private_book_first(const struct private_list *posts, const struct private_place *place)
{
	size_t low = 0;
	size_t high = posts->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (is_before(posts->at[middle], place)) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

static size_t first_row(const struct private_list *list, int64_t message)
{
	size_t low = 0;
	size_t high = list->count;
	/* Nearly always at the end. */
	if (high > 0 && list->at[high - 1]->message < message) {
		return high;
	}
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (list->at[middle]->message < message) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

/* What is kept once. */

bool private_is_among(const struct private_book *book, const struct feed_id *id)
{
	return book->hidden_count > 0 &&
	       bsearch(id, book->hidden, book->hidden_count, sizeof(*book->hidden),
		       private_compare_ids) != NULL;
}

static struct private_person *person_of(struct private_book *book, const struct feed_id *id)
{
	struct private_person *person = table_get(book->people, id->at);
	if (person != NULL) {
		return person;
	}
	person = calloc(1, sizeof(*person));
	if (person == NULL || table_put(book->people, id->at, person) != ERR_OK) {
		free(person);
		return NULL;
	}
	person->id = *id;
	person->is_hidden = private_is_among(book, id);
	return person;
}

static struct private_set *set_of(struct private_book *book, const struct private_readers *readers)
{
	struct private_set *set = table_get(book->sets, readers->name.at);
	if (set != NULL) {
		return set;
	}
	set = calloc(1, sizeof(*set) + readers->count * sizeof(set->ids[0]));
	if (set == NULL || table_put(book->sets, readers->name.at, set) != ERR_OK) {
		free(set);
		return NULL;
	}
	set->name = readers->name;
	set->count = readers->count;
	set->total = readers->total;
	memcpy(set->ids, readers->at, readers->count * sizeof(set->ids[0]));
	return set;
}

static struct private_list *about_of(struct private_book *book, const uint8_t id[static ID_BYTES])
{
	struct private_list *list = table_get(book->about, id);
	if (list != NULL) {
		return list;
	}
	list = calloc(1, sizeof(*list));
	if (list == NULL || table_put(book->about, id, list) != ERR_OK) {
		free(list);
		return NULL;
	}
	return list;
}

/* Entries. */

/* Into the lists of an entry; room is made in all of them first, so that this cannot stop half-way.
 */
static bool join(struct private_book *book, struct private_entry *entry)
{
	struct private_list *root = entry->has_root ? about_of(book, entry->root) : NULL;
	struct private_list *fork = entry->has_fork ? about_of(book, entry->fork) : NULL;
	bool is_post = entry->type == CONTENT_POST;
	const struct private_place place = {.at_ms = entry->at_ms, .order = entry->message};
	if ((entry->has_root && (root == NULL || !list_has_room(root))) ||
		(entry->has_fork && (fork == NULL || !list_has_room(fork))) ||
		!list_has_room(&book->by_row) || (is_post && !list_has_room(&entry->set->posts)) ||
		table_put(book->entries, entry->key.at, entry) != ERR_OK) {
		return false;
	}
	list_insert(&book->by_row, first_row(&book->by_row, entry->message), entry);
	if (is_post) {
		list_insert(
			&entry->set->posts, private_book_first(&entry->set->posts, &place), entry);
	}
	if (root != NULL) {
		list_insert(root, root->count, entry);
	}
	if (fork != NULL && fork != root) {
		list_insert(fork, fork->count, entry);
	}
	return true;
}

static void leave_about(struct private_book *book, const uint8_t id[static ID_BYTES],
	const struct private_entry *entry)
{
	struct private_list *list = table_get(book->about, id);
	if (list != NULL) {
		list_remove(list, entry);
		if (list->count == 0) {
			(void)table_remove(book->about, id);
			free(list->at);
			free(list);
		}
	}
}

void private_book_drop(struct private_book *book, struct private_entry *entry)
{
	(void)table_remove(book->entries, entry->key.at);
	list_remove(&book->by_row, entry);
	if (entry->type == CONTENT_POST) {
		list_remove(&entry->set->posts, entry);
	}
	if (entry->has_root) {
		leave_about(book, entry->root, entry);
	}
	if (entry->has_fork) {
		leave_about(book, entry->fork, entry);
	}
	explicit_bzero(entry, sizeof(*entry));
	free(entry);
}

static bool make_room(struct private_book *book, int64_t message)
{
	if (book->by_row.count < LIMIT_PRIVATE_MESSAGES) {
		return true;
	}
	if (!book->is_full_told) {
		book->is_full_told = true;
		LOG(book->env, LOG_WARN, "private.full", LOG_NUM("messages", book->by_row.count));
	}
	if (message < book->by_row.at[0]->message) {
		return false;
	}
	private_book_drop(book, book->by_row.at[0]);
	return true;
}

static void fill(struct private_entry *entry, const struct private_row *row)
{
	const struct private_message *m = &row->m;
	entry->message = m->message;
	entry->at_ms = m->at_ms;
	entry->received_ms = m->received_ms;
	entry->sequence = m->sequence;
	entry->key = m->key;
	entry->open = row->open;
	entry->type = (uint8_t)m->type;
	entry->edge = (uint8_t)m->edge;
	entry->has_root = m->has_root;
	entry->has_fork = m->has_fork;
	entry->is_like = m->is_like;
	entry->is_own = m->is_own;
	memcpy(entry->root, m->type == CONTENT_CONTACT ? m->subject.at : m->root.at, ID_BYTES);
	memcpy(entry->fork, m->fork.at, ID_BYTES);
}

enum err private_book_put(struct private_book *book, const struct private_row *row)
{
	struct private_entry *old = table_get(book->entries, row->m.key.at);
	if (old != NULL && old->message == row->m.message) {
		return ERR_EXISTS;
	}
	if (old != NULL) {
		private_book_drop(book, old);
	}
	if (!make_room(book, row->m.message)) {
		return ERR_LIMIT;
	}
	struct private_entry *entry = calloc(1, sizeof(*entry));
	if (entry == NULL) {
		return ERR_NOMEM;
	}
	fill(entry, row);
	entry->author = person_of(book, &row->m.author);
	entry->set = set_of(book, &row->m.readers);
	if (entry->author == NULL || entry->set == NULL || !join(book, entry)) {
		free(entry);
		return ERR_NOMEM;
	}
	return ERR_OK;
}

struct private_entry *private_book_get(struct private_book *book, const struct message_id *key)
{
	return table_get(book->entries, key->at);
}

const struct private_list *private_book_about(
	struct private_book *book, const uint8_t id[static ID_BYTES])
{
	return table_get(book->about, id);
}

void private_book_readers(const struct private_set *set, struct private_readers *out)
{
	*out = (struct private_readers){
		.name = set->name, .count = set->count, .total = set->total};
	memcpy(out->at, set->ids, set->count * sizeof(out->at[0]));
}

void private_book_tell(const struct private_entry *entry, struct private_message *out)
{
	*out = (struct private_message){.message = entry->message,
		.key = entry->key,
		.author = entry->author->id,
		.sequence = entry->sequence,
		.at_ms = entry->at_ms,
		.received_ms = entry->received_ms,
		.type = (enum content_type)entry->type,
		.has_root = entry->has_root,
		.has_fork = entry->has_fork,
		.is_like = entry->is_like,
		.edge = (enum contact_edge)entry->edge,
		.sealed_for = entry->open.is_box2 ? 0 : entry->open.at[0],
		.is_own = entry->is_own,
		.is_hidden = entry->author->is_hidden};
	if (entry->type == CONTENT_CONTACT) {
		memcpy(out->subject.at, entry->root, ID_BYTES);
	} else {
		memcpy(out->root.at, entry->root, ID_BYTES);
	}
	memcpy(out->fork.at, entry->fork, ID_BYTES);
	private_book_readers(entry->set, &out->readers);
	out->is_alone = entry->is_own && entry->set->total == 1;
}

/* All of it. */

static void free_list(void *value)
{
	struct private_list *list = value;
	free(list->at);
	free(list);
}

static void free_set(void *value)
{
	struct private_set *set = value;
	free(set->posts.at);
	free(set);
}

static void free_entry(void *value)
{
	explicit_bzero(value, sizeof(struct private_entry));
	free(value);
}

static void empty(struct table *table, void (*drop)(void *value))
{
	size_t cursor = 0;
	const uint8_t *id = NULL;
	void *value = NULL;
	while (table != NULL && table_next(table, &cursor, &id, &value)) {
		(void)table_remove(table, id);
		drop(value);
	}
}

void private_book_clear(struct private_book *book)
{
	empty(book->about, free_list);
	empty(book->sets, free_set);
	empty(book->people, free);
	empty(book->entries, free_entry);
	free(book->by_row.at);
	book->by_row = (struct private_list){.count = 0};
}

void private_book_fini(struct private_book *book)
{
	private_book_clear(book);
	table_free(book->entries);
	table_free(book->people);
	table_free(book->sets);
	table_free(book->about);
	free(book->hidden);
}
