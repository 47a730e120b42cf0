/*
 * The book knows who wrote where; the marks, what the owner read and decided; the graph, whom we
 * follow. A conversation that somebody began whom we neither follow nor ever wrote to, and in which
 * nobody wrote whom we know, is a request until it is answered or accepted.
 */
#include "api/conversations.h"

#include "api/watch.h"
#include "store/marks.h"
#include "store/people.h"

#include <stdlib.h>

enum {
	CONVERSATIONS_MAX = 20000, /* looked at for a list */
	LOOKED_BACK = 50,          /* newest posts of a request, for a word of somebody known */
};

void conversations_fini(struct conversations *rows)
{
	free(rows->at);
	free(rows->known);
	*rows = (struct conversations){0};
}

static int by_id(const void *a, const void *b)
{
	return memcmp(a, b, ID_BYTES);
}

/* Room for one more of `size` bytes. */
static bool make_room(void **at, size_t count, size_t *room, size_t size)
{
	if (count < *room) {
		return true;
	}
	size_t more = *room == 0 ? 64 : 2 * *room;
	void *grown = realloc(*at, more * size);
	if (grown == NULL) {
		return false;
	}
	*at = grown;
	*room = more;
	return true;
}

static bool know(struct conversations *rows, const struct private_readers *readers)
{
	for (size_t i = 0; i < readers->count; i++) {
		if (!make_room((void **)&rows->known, rows->known_count, &rows->known_room,
			    sizeof(*rows->known))) {
			return false;
		}
		rows->known[rows->known_count++] = readers->at[i];
	}
	return true;
}

static bool take_row(void *ctx, const struct private_conversation *conversation)
{
	struct conversations *rows = ctx;
	bool has_room = make_room((void **)&rows->at, rows->count, &rows->room, sizeof(*rows->at));
	if (has_room && conversation->own > 0) {
		has_room = know(rows, &conversation->readers);
	}
	if (!has_room) {
		rows->err = ERR_NOMEM;
		return false;
	}
	rows->at[rows->count++] = (struct conversation_row){.name = conversation->readers.name,
		.first_author = conversation->first_author,
		.last = {conversation->last.at_ms, conversation->last.message},
		.own = conversation->own,
		.is_pair = conversation->readers.count <= 2};
	return rows->count < CONVERSATIONS_MAX;
}

static int by_name(const void *a, const void *b)
{
	const struct conversation_row *const *x = a;
	const struct conversation_row *const *y = b;
	return memcmp((*x)->name.at, (*y)->name.at, sizeof((*x)->name.at));
}

static int is_name(const void *key, const void *b)
{
	const struct conversation_row *const *y = b;
	return memcmp(key, (*y)->name.at, sizeof((*y)->name.at));
}

struct marking {
	struct conversation_row **by_name;
	size_t count;
};

static void take_mark(void *ctx, const struct private_decision *mark)
{
	const struct marking *marking = ctx;
	struct conversation_row **found = bsearch(mark->name.at, marking->by_name, marking->count,
		sizeof(struct conversation_row *), is_name);
	if (found != NULL) {
		(*found)->has_mark = true;
		(*found)->mark = *mark;
	}
}

static enum err read_marks(
	struct private_book *book, struct reader *reader, struct conversations *rows)
{
	struct marking marking = {.count = rows->count,
		.by_name = calloc(rows->count + 1, sizeof(struct conversation_row *))};
	enum err err = marking.by_name == NULL ? ERR_NOMEM : ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < rows->count; i++) {
		marking.by_name[i] = &rows->at[i];
	}
	if (err == ERR_OK) {
		qsort(marking.by_name, marking.count, sizeof(struct conversation_row *), by_name);
		err = private_marks_each(book, reader, take_mark, &marking);
	}
	free(marking.by_name);
	return err;
}

bool conversations_is_after(const struct private_place *a, const struct private_place *b)
{
	return a->at_ms != b->at_ms ? a->at_ms > b->at_ms : a->order > b->order;
}

/* Do we follow this person, openly or not? */
static enum err look_up_edge(
	struct private_book *book, struct reader *reader, const struct feed_id *id, bool *out)
{
	enum contact_edge edge = EDGE_NEITHER;
	struct person *person = NULL;
	enum err err = ERR_OK;
	*out = false;
	if (private_edge(book, id, &edge) && edge == EDGE_FOLLOW) {
		*out = true;
		return ERR_OK;
	}
	person = malloc(sizeof(*person));
	err = person == NULL ? ERR_NOMEM : people_read(reader, id, 1, person);
	*out = err == ERR_OK && person->mine == EDGE_FOLLOW;
	free(person);
	return err;
}

/* A flood of conversations has few authors: the last ones looked up are remembered. */
static enum err is_followed(struct private_book *book, struct reader *reader,
	struct conversations *rows, const struct feed_id *id, bool *out)
{
	struct conversations_author *slot = &rows->authors[id->at[0] % CONVERSATIONS_AUTHORS];
	enum err err = ERR_OK;
	if (!slot->is_set || !feed_id_equal(&slot->id, id)) {
		err = look_up_edge(book, reader, id, &slot->is_followed);
		slot->is_set = err == ERR_OK;
		slot->id = *id;
	}
	*out = err == ERR_OK && slot->is_followed;
	return err;
}

static enum err is_known(struct private_book *book, struct reader *reader,
	struct conversations *rows, const struct feed_id *id, bool *out)
{
	*out = rows->known_count > 0 &&
	       bsearch(id, rows->known, rows->known_count, sizeof(*rows->known), by_id) != NULL;
	return *out ? ERR_OK : is_followed(book, reader, rows, id, out);
}

static enum err judge_hidden(
	struct private_book *book, struct reader *reader, struct conversation_row *row)
{
	uint32_t count = 0;
	enum err err = ERR_OK;
	if (row->has_mark && row->mark.is_hidden) {
		err = private_unread(book, reader, &row->name, row->mark.hidden.order, &count);
		row->is_hidden =
			count == 0 && !conversations_is_after(&row->last, &row->mark.hidden);
	}
	return err;
}

/* Has anybody written in it whom we know? */
static enum err judge_row(struct private_book *book, struct reader *reader,
	struct conversations *rows, struct conversation_row *row)
{
	struct private_page page = {.count = 0};
	bool is_by_known = false;
	enum err err = judge_hidden(book, reader, row);
	if (err != ERR_OK || row->own > 0 || (row->has_mark && row->mark.is_accepted)) {
		return err;
	}
	err = is_known(book, reader, rows, &row->first_author, &is_by_known);
	if (err == ERR_OK && !is_by_known && !row->is_pair) {
		err = private_posts(book, reader, &row->name, NULL, LOOKED_BACK, &page);
	}
	for (size_t i = 0; err == ERR_OK && !is_by_known && i < page.count; i++) {
		err = is_known(book, reader, rows, &page.at[i].author, &is_by_known);
	}
	private_page_fini(&page);
	row->is_request = !is_by_known;
	return err;
}

enum err conversations_read(
	struct private_book *book, struct reader *reader, struct conversations *rows)
{
	*rows = (struct conversations){0};
	enum err err = private_conversations(book, reader, NULL, take_row, rows);
	err = err == ERR_OK ? rows->err : err;
	if (err == ERR_OK && rows->known_count > 0) {
		qsort(rows->known, rows->known_count, sizeof(*rows->known), by_id);
	}
	if (err == ERR_OK) {
		err = read_marks(book, reader, rows);
	}
	for (size_t i = 0; err == ERR_OK && i < rows->count; i++) {
		err = judge_row(book, reader, rows, &rows->at[i]);
	}
	if (err != ERR_OK) {
		conversations_fini(rows);
	}
	return err;
}

/* Where reading goes on: the mark, or behind the newest of our own words, which we wrote after
 * reading, perhaps in another program. */
enum err conversations_place(struct private_book *book, struct reader *reader,
	const struct conversation_row *row, struct private_place *out)
{
	struct private_page page = {.count = 0};
	*out = row->mark.read;
	if (row->own == 0 || (row->has_mark && row->mark.is_read)) {
		return ERR_OK;
	}
	enum err err = private_posts(book, reader, &row->name, NULL, LOOKED_BACK, &page);
	for (size_t i = 0; err == ERR_OK && i < page.count; i++) {
		if (page.at[i].is_own) {
			*out = (struct private_place){page.at[i].at_ms, page.at[i].message};
			break;
		}
	}
	private_page_fini(&page);
	return err;
}

enum err conversations_unread(struct private_book *book, struct reader *reader,
	const struct conversation_row *row, uint32_t *out)
{
	struct private_place place;
	*out = 0;
	enum err err = conversations_place(book, reader, row, &place);
	return err == ERR_OK ? private_unread(book, reader, &row->name, place.order, out) : err;
}

enum err serve_private_unread(struct api *api, struct reader *reader, uint32_t *out)
{
	struct conversations rows;
	struct private_book *book = api->opts.book;
	*out = atomic_load(&api->private_unread);
	if (book == NULL || !atomic_exchange(&api->is_private_new, false)) {
		return ERR_OK;
	}
	*out = 0;
	enum err err = conversations_read(book, reader, &rows);
	for (size_t i = 0; err == ERR_OK && i < rows.count && *out < UNREAD_MAX; i++) {
		uint32_t unread = 0;
		if (!rows.at[i].is_request && !rows.at[i].is_hidden) {
			err = conversations_unread(book, reader, &rows.at[i], &unread);
		}
		*out = *out + unread < UNREAD_MAX ? *out + unread : UNREAD_MAX;
	}
	conversations_fini(&rows);
	if (err == ERR_OK) {
		atomic_store(&api->private_unread, *out);
	} else {
		atomic_store(&api->is_private_new, true);
	}
	return err;
}

void serve_private_changed(struct api *api)
{
	atomic_store(&api->is_private_new, true);
	if (api->watch != NULL) {
		watch_wake(api->watch);
	}
}
