/*
 * Every stored row is looked at once, from the oldest on; most are no boxes, which their packed
 * bodies tell by one byte. A box costs one multiplication. Live ones are tried before their turn,
 * as soon as their commit was told. What opens goes into the book at once, and to the writer with
 * the place the walk has come to, in one transaction: after a crash both are as they were.
 *
 * The mark names a row and the beginning of its key. When that row is another one (messages were
 * removed, the file is older than the mark) everything is looked at again; the book knows what is
 * in it already.
 */
#include "store/private_inside.h"

#include "base/log.h"
#include "store/index.h"
#include "store/pack.h"

#include <inttypes.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	MARK_TEXT_BYTES = 128,
	TYPE_UNITS_MIN = 3,
	TYPE_UNITS_MAX = 52,
	UNIT_ROWS = 8 * LIMIT_PRIVATE_UNIT, /* looked at in one go */
	TIDY_ROWS = 256,
	BEGIN_AGAIN_MS = 60000
};

/* SCAN: all of them, once at the start. */
QUERY(sql_private_rows,
	"SELECT message, sealed FROM private_messages ORDER BY message DESC LIMIT ?1");
QUERY(sql_private_key, "SELECT key_head, key_tail FROM messages WHERE message = ?1");
QUERY(sql_private_next,
	"SELECT message, feed, sequence, key_head, key_tail, received, body FROM messages WHERE "
	"message > ?1 ORDER BY message LIMIT ?2");
QUERY(sql_private_one,
	"SELECT message, feed, sequence, key_head, key_tail, received, body FROM messages WHERE "
	"feed = (SELECT feed FROM feeds WHERE id = ?1) AND sequence = ?2");
QUERY(sql_private_feed, "SELECT id FROM feeds WHERE feed = ?1");
QUERY(sql_private_last, "SELECT max(message) FROM messages");

/* What is to be written down: rows, each behind its number and length; no bytes: it goes. */
static enum err put_pending(struct private_book *book, int64_t message, struct span sealed)
{
	uint8_t head[12];
	size_t before = book->pending.len;
	for (size_t i = 0; i < sizeof(head); i++) {
		head[i] = i < 8 ? (uint8_t)((uint64_t)message >> 8 * i)
				: (uint8_t)(sealed.len >> 8 * (i - 8));
	}
	enum err err = buf_append(&book->pending, span_of(head, sizeof(head)));
	if (err == ERR_OK) {
		err = buf_append(&book->pending, sealed);
	}
	if (err != ERR_OK) {
		buf_truncate(&book->pending, before);
	}
	return err;
}

enum err private_save(struct private_book *book)
{
	char text[MARK_TEXT_BYTES];
	if (book->pending.len == 0 && !book->is_foreign &&
		book->mark.message == book->saved.message &&
		book->mark.key_head == book->saved.key_head) {
		return ERR_OK;
	}
	(void)snprintf(text, sizeof(text), "v1 %s %" PRId64 " %" PRId64, book->fingerprint,
		book->mark.message, book->mark.key_head);
	const struct change change = {.kind = CHANGE_PRIVATE,
		.number = book->is_foreign ? 1 : 0,
		.text = buf_span(&book->pending),
		.name = span_text(text)};
	enum err err =
		book->opts.writer == NULL ? ERR_OK : writer_change_wait(book->opts.writer, &change);
	if (err == ERR_OK) {
		book->is_foreign = false;
		book->saved = book->mark;
		book->saved_ms = env_mono_ms(book->env);
		buf_clear(&book->pending);
	} else {
		LOG(book->env, LOG_WARN, "private.not_noted", LOG_TEXT("why", err_text(err)));
	}
	return err;
}

/* What was written down. */

bool private_mark_parse(const char *text, struct private_mark_text *out)
{
	char *end = NULL;
	const char *space = strncmp(text, "v1 ", 3) == 0 ? strchr(text + 3, ' ') : NULL;
	if (space == NULL || space - (text + 3) != sizeof(out->fingerprint) - 1) {
		return false;
	}
	memcpy(out->fingerprint, text + 3, sizeof(out->fingerprint) - 1);
	out->fingerprint[sizeof(out->fingerprint) - 1] = '\0';
	out->mark.message = strtoll(space, &end, 10);
	if (end == space || *end != ' ') {
		return false;
	}
	space = end;
	out->mark.key_head = strtoll(space, &end, 10);
	return end != space && *end == '\0';
}

static enum err load_mark(struct private_book *book)
{
	struct buf text = BUF_INIT(MARK_TEXT_BYTES);
	struct private_mark_text read = {.fingerprint = ""};
	enum err err = reader_setting(book->reader, PRIVATE_MARK, &text);
	const char *string = err == ERR_OK ? buf_cstr(&text) : NULL;
	if (string != NULL && (!private_mark_parse(string, &read) ||
				      strcmp(read.fingerprint, book->fingerprint) != 0)) {
		/* Of another key, or of nobody: nothing of it counts. */
		read.mark = (struct private_mark){.message = 0};
		book->is_foreign = true;
	}
	book->mark = read.mark;
	book->saved = read.mark;
	buf_fini(&text);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err load_row(struct private_book *book, sqlite3_stmt *stmt, size_t *lost)
{
	struct private_row row;
	int64_t message = sqlite3_column_int64(stmt, 0);
	enum err err = private_row_open(book, message, db_column(stmt, 1), &row);
	if (err == ERR_OK) {
		err = private_book_put(book, &row);
	}
	sodium_memzero(&row, sizeof(row));
	if (err == ERR_DAMAGED) {
		(*lost)++;
		err = put_pending(book, message, span_of(NULL, 0));
	}
	return err == ERR_EXISTS || err == ERR_LIMIT ? ERR_OK : err;
}

static enum err load_rows(struct private_book *book, size_t *lost)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = reader_begin(book->reader);
	if (err != ERR_OK) {
		return err;
	}
	db_deadline(book->reader->db, 0); /* nobody waits for it but the start */
	err = db_query(book->reader->db, &sql_private_rows, &stmt);
	if (err == ERR_OK) {
		db_int(stmt, 1, LIMIT_PRIVATE_MESSAGES);
	}
	while (err == ERR_OK && (err = db_step(book->reader->db, stmt)) == ERR_OK) {
		err = load_row(book, stmt, lost);
	}
	private_reset(stmt);
	return reader_end(book->reader, err == ERR_NOT_FOUND ? ERR_OK : err);
}

enum err private_load(struct private_book *book)
{
	size_t lost = 0;
	enum err err = load_mark(book);
	if (err == ERR_OK && !book->is_foreign) {
		(void)pthread_mutex_lock(&book->lock);
		err = load_rows(book, &lost);
		(void)pthread_mutex_unlock(&book->lock);
	}
	if (lost > 0) {
		LOG(book->env, LOG_WARN, "private.reread", LOG_NUM("rows", lost));
		book->mark = (struct private_mark){.message = 0};
	}
	return err;
}

/* One row of `messages`. */
struct candidate {
	int64_t message, feed, received_ms;
	uint64_t sequence;
	struct message_id key;
	struct span body;
};

static bool candidate_from(sqlite3_stmt *stmt, struct candidate *out)
{
	out->message = sqlite3_column_int64(stmt, 0);
	out->feed = sqlite3_column_int64(stmt, 1);
	out->sequence = (uint64_t)sqlite3_column_int64(stmt, 2);
	out->received_ms = sqlite3_column_int64(stmt, 5);
	out->body = db_column(stmt, 6);
	return db_column_key(stmt, 3, 4, &out->key);
}

static enum err read_author(struct private_book *book, int64_t feed, struct feed_id *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(book->reader->db, &sql_private_feed, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, feed);
	err = db_step(book->reader->db, stmt);
	if (err == ERR_OK) {
		err = db_column_id(stmt, 0, out->at) ? ERR_OK : ERR_NOT_FOUND;
		private_reset(stmt);
	}
	return err;
}

/* The message around a box: what it is bound to, and when it says it was written. */
struct around {
	struct buf text, bytes;
	struct json_doc *doc;
	double claimed;
};

static void around_fini(struct around *around)
{
	json_doc_free(around->doc);
	buf_fini(&around->text);
	buf_fini(&around->bytes);
}

/* ERR_NOT_FOUND: its content is not private after all, or is nothing that can be read. */
static enum err read_around(
	const struct candidate *from, struct sealed_box *box, struct around *out)
{
	struct span text;
	enum err err = pack_text(from->body, &box->author, from->sequence, &out->text);
	if (err == ERR_OK) {
		err = json_parse(buf_span(&out->text), LIMIT_JSON_DEPTH, &out->doc);
	}
	if (err != ERR_OK) {
		return err == ERR_NOMEM ? err : ERR_NOT_FOUND;
	}
	const struct json *root = json_root(out->doc);
	box->has_previous = json_text(json_get(root, "previous"), &text) &&
			    message_id_parse(text, &box->previous) == ERR_OK;
	if (!json_number(json_get(root, "timestamp"), &out->claimed)) {
		out->claimed = INFINITY; /* 1e400, of which the text says null */
	}
	if (!json_text(json_get(root, "content"), &text)) {
		return ERR_NOT_FOUND;
	}
	err = signer_unpack(text, &out->bytes, &box->is_box2);
	box->bytes = buf_span(&out->bytes);
	return err == ERR_NOMEM ? err : err == ERR_OK ? ERR_OK : ERR_NOT_FOUND;
}

static bool has_type(const struct json *content)
{
	struct span type;
	if (json_kind(content) != JSON_KIND_OBJECT ||
		!json_text(json_get(content, "type"), &type)) {
		return false;
	}
	size_t units = json_units(type);
	return units >= TYPE_UNITS_MIN && units <= TYPE_UNITS_MAX;
}

static void take_content(const struct content *content, struct private_message *m)
{
	m->type = content->type;
	switch (content->type) {
	case CONTENT_POST:
		m->has_root = content->post.has_root;
		m->root = content->post.root;
		m->has_fork = content->post.has_fork;
		m->fork = content->post.fork;
		break;
	case CONTENT_VOTE:
		m->has_root = true;
		m->root = content->vote.link;
		m->is_like = content->vote.is_like;
		break;
	case CONTENT_CONTACT:
		m->subject = content->contact.contact;
		m->edge = content->contact.edge;
		break;
	case CONTENT_ABOUT:
		break;
	default:
		m->type = CONTENT_OTHER;
		break;
	}
}

/* What the box says, judged as a stranger's content. ERR_NOT_FOUND: it is none. */
static enum err read_plain(struct private_book *book, struct span plain, struct private_row *row)
{
	struct json_doc *doc = NULL;
	struct content *content = NULL;
	enum err err = json_parse(plain, LIMIT_JSON_DEPTH, &doc);
	if (err != ERR_OK) {
		return err == ERR_NOMEM ? err : ERR_NOT_FOUND;
	}
	err = ERR_NOT_FOUND;
	if (has_type(json_root(doc))) {
		content = calloc(1, sizeof(*content));
		err = content == NULL ? ERR_NOMEM
				      : private_row_readers(book, json_root(doc), &row->m.author,
						&row->m.readers);
	}
	if (err == ERR_OK) {
		content_read_json(json_root(doc), content);
		take_content(content, &row->m);
	}
	free(content);
	json_doc_wipe(doc);
	return err;
}

/* ERR_NOT_FOUND: not for us. */
static enum err open_candidate(
	struct private_book *book, const struct candidate *from, struct private_row *row)
{
	struct sealed_box box = {.is_box2 = false};
	struct around around = {
		.text = BUF_INIT(LIMIT_MESSAGE_BYTES), .bytes = BUF_INIT(LIMIT_MESSAGE_BYTES)};
	struct buf plain = BUF_INIT(LIMIT_MESSAGE_BYTES);
	enum pack_kind kind = pack_kind(from->body, &box.bytes);
	enum err err = read_author(book, from->feed, &box.author);
	*row = (struct private_row){.m = {.message = from->message,
					    .key = from->key,
					    .author = box.author,
					    .sequence = from->sequence,
					    .received_ms = from->received_ms}};
	row->m.is_own = feed_id_equal(&box.author, &book->self);
	/* All at once, so that no growing leaves a part of it behind. */
	if (err == ERR_OK && buf_reserve(&plain, from->body.len) == NULL) {
		err = ERR_NOMEM;
	}
	if (err == ERR_OK && kind == PACK_PRIVATE) {
		err = read_around(from, &box, &around);
	}
	if (err == ERR_OK) {
		err = signer_open(book->opts.signer, &box, &row->open, &plain);
	}
	if (err == ERR_OK && kind == PACK_BOX) {
		err = read_around(from, &box, &around);
	}
	if (err == ERR_OK) {
		row->m.at_ms = index_at_ms(around.claimed, from->received_ms);
		err = read_plain(book, buf_span(&plain), row);
	}
	if (err == ERR_OK) {
		private_blobs_note(book, buf_span(&plain), &row->m);
	}
	buf_wipe(&plain);
	around_fini(&around);
	return err == ERR_REFUSED || err == ERR_LIMIT ? ERR_NOT_FOUND : err;
}

/* What one unit found, for those who listen. */
struct found {
	struct private_message *news;
	size_t count;
	bool is_cut, has_edges;
};

static void tell_later(struct private_book *book, const struct message_id *key, struct found *found)
{
	const struct private_entry *entry = private_book_get(book, key);
	if (entry == NULL || !private_is_shown(entry)) {
		return;
	}
	if (found->count == PRIVATE_NEWS_MAX) {
		found->is_cut = true;
	} else {
		private_book_tell(entry, &found->news[found->count++]);
	}
}

/* Into the book, and among what is to be written down. */
static enum err keep(struct private_book *book, const struct private_row *row, struct found *found)
{
	struct buf sealed = BUF_INIT(PRIVATE_ROW_BYTES_MAX + PRIVATE_SEAL_BYTES);
	enum err err = private_row_seal(book, row, &sealed);
	if (err == ERR_OK) {
		err = put_pending(book, row->m.message, buf_span(&sealed));
	}
	if (err == ERR_OK) {
		(void)pthread_mutex_lock(&book->lock);
		err = private_book_put(book, row);
		if (err == ERR_OK) {
			tell_later(book, &row->m.key, found);
		}
		(void)pthread_mutex_unlock(&book->lock);
		found->has_edges =
			found->has_edges || (row->m.is_own && row->m.type == CONTENT_CONTACT);
	}
	buf_fini(&sealed);
	return err == ERR_EXISTS || err == ERR_LIMIT ? ERR_OK : err;
}

static bool is_known(struct private_book *book, const struct candidate *from)
{
	(void)pthread_mutex_lock(&book->lock);
	const struct private_entry *entry = private_book_get(book, &from->key);
	bool is_so = entry != NULL && entry->message == from->message;
	(void)pthread_mutex_unlock(&book->lock);
	return is_so;
}

/* `*tried` counts the boxes that cost something. */
static enum err look_at(
	struct private_book *book, const struct candidate *from, struct found *found, size_t *tried)
{
	struct span box;
	struct private_row row;
	if (pack_kind(from->body, &box) == PACK_OPEN || is_known(book, from)) {
		return ERR_OK;
	}
	(*tried)++;
	enum err err = open_candidate(book, from, &row);
	if (err == ERR_OK) {
		err = keep(book, &row, found);
	}
	sodium_memzero(&row, sizeof(row));
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* Boxes that came just now. Those not found wait for the walk. */
static enum err look_at_urgent(struct private_book *book, struct found *found, size_t *tried)
{
	struct private_urgent urgent[PRIVATE_URGENT_MAX];
	(void)pthread_mutex_lock(&book->wake_lock);
	size_t count = book->urgent_count;
	memcpy(urgent, book->urgent, count * sizeof(urgent[0]));
	book->urgent_count = 0;
	(void)pthread_mutex_unlock(&book->wake_lock);
	enum err err = ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < count; i++) {
		struct candidate candidate;
		sqlite3_stmt *stmt = NULL;
		err = db_query(book->reader->db, &sql_private_one, &stmt);
		if (err != ERR_OK) {
			break;
		}
		db_blob(stmt, 1, span_of(urgent[i].author.at, ID_BYTES));
		db_int(stmt, 2, (int64_t)urgent[i].sequence);
		err = db_step(book->reader->db, stmt);
		if (err == ERR_OK && candidate_from(stmt, &candidate)) {
			err = look_at(book, &candidate, found, tried);
		}
		private_reset(stmt);
		err = err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	return err;
}

/* Everything is looked at again; of a damaged database, in which no row is the one it was, not all
 * the time. */
static void begin_again(struct private_book *book)
{
	int64_t now_ms = env_mono_ms(book->env);
	book->is_again_owed = book->again_ms != 0 && now_ms - book->again_ms < BEGIN_AGAIN_MS;
	if (book->is_again_owed) {
		return;
	}
	LOG(book->env, LOG_INFO, "private.again", LOG_NUM("row", book->mark.message));
	book->again_ms = now_ms;
	book->mark = (struct private_mark){.message = 0};
	book->tidied = 0;
	book->is_tidied = false;
}

/* Is the row of the mark still the one it was? */
static enum err check_mark(struct private_book *book)
{
	sqlite3_stmt *stmt = NULL;
	if (book->mark.message == 0) {
		return ERR_OK;
	}
	if (book->is_again_owed) {
		begin_again(book);
		return ERR_OK;
	}
	enum err err = db_query(book->reader->db, &sql_private_key, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, book->mark.message);
	err = db_step(book->reader->db, stmt);
	bool is_it = err == ERR_OK && sqlite3_column_int64(stmt, 0) == book->mark.key_head;
	private_reset(stmt);
	if ((err == ERR_OK || err == ERR_NOT_FOUND) && !is_it) {
		begin_again(book);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err count_behind(struct private_book *book)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(book->reader->db, &sql_private_last, &stmt);
	if (err == ERR_OK) {
		err = db_step(book->reader->db, stmt);
	}
	if (err == ERR_OK) {
		int64_t last = sqlite3_column_int64(stmt, 0);
		private_reset(stmt);
		atomic_store(&book->behind,
			last > book->mark.message ? (uint64_t)(last - book->mark.message) : 0);
	}
	return err;
}

/* Some rows upwards from the mark. */
static enum err look_up(
	struct private_book *book, struct found *found, size_t *tried, bool *is_moved)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(book->reader->db, &sql_private_next, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, book->mark.message);
	db_int(stmt, 2, UNIT_ROWS);
	while (*tried < LIMIT_PRIVATE_UNIT && (err = db_step(book->reader->db, stmt)) == ERR_OK) {
		struct candidate candidate;
		const struct private_mark mark = {.message = sqlite3_column_int64(stmt, 0),
			.key_head = sqlite3_column_int64(stmt, 3)};
		if (mark.message <= book->mark.message) {
			err = ERR_DAMAGED; /* rows that do not ascend would never end */
		} else if (candidate_from(stmt, &candidate)) {
			err = look_at(book, &candidate, found, tried);
		}
		if (err != ERR_OK) {
			break;
		}
		book->mark = mark;
		*is_moved = true;
	}
	private_reset(stmt);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* Entries whose message is here no more go from the book, some in each turn. */
static enum err tidy(struct private_book *book)
{
	enum err err = ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < TIDY_ROWS && !book->is_tidied; i++) {
		struct message_id key;
		sqlite3_stmt *stmt = NULL;
		(void)pthread_mutex_lock(&book->lock);
		book->is_tidied = book->tidied >= book->by_row.count;
		struct private_entry *entry =
			book->is_tidied ? NULL : book->by_row.at[book->tidied];
		if (entry != NULL &&
			(err = db_query(book->reader->db, &sql_private_key, &stmt)) == ERR_OK) {
			db_int(stmt, 1, entry->message);
			err = db_step(book->reader->db, stmt);
			bool is_it = err == ERR_OK && db_column_key(stmt, 0, 1, &key) &&
				     message_id_equal(&key, &entry->key);
			private_reset(stmt);
			if ((err == ERR_OK || err == ERR_NOT_FOUND) && !is_it) {
				err = put_pending(book, entry->message, span_of(NULL, 0));
				private_book_drop(book, entry);
				book->is_edges_stale = true;
			} else {
				book->tidied++;
			}
			err = err == ERR_NOT_FOUND ? ERR_OK : err;
		}
		(void)pthread_mutex_unlock(&book->lock);
	}
	return err;
}

static enum err look(struct private_book *book, struct found *found, bool *is_moved)
{
	size_t tried = 0;
	enum err err = reader_begin(book->reader);
	if (err != ERR_OK) {
		return err;
	}
	err = look_at_urgent(book, found, &tried);
	*is_moved = tried > 0;
	if (err == ERR_OK) {
		err = check_mark(book);
	}
	if (err == ERR_OK) {
		err = look_up(book, found, &tried, is_moved);
	}
	if (err == ERR_OK && !*is_moved && !book->is_tidied) {
		err = tidy(book);
		*is_moved = !book->is_tidied;
	}
	if (err == ERR_OK) {
		err = count_behind(book);
	}
	return reader_end(book->reader, err);
}

static void announce(struct private_book *book, const struct found *found, bool is_edges_changed)
{
	const struct private_news news = {.messages = found->news,
		.count = found->count,
		.is_cut = found->is_cut,
		.is_edges_changed = is_edges_changed};
	if (book->opts.on_news != NULL && (found->count > 0 || is_edges_changed)) {
		book->opts.on_news(book->opts.ctx, &news);
	}
}

bool private_walk(struct private_book *book)
{
	bool is_moved = false;
	struct found found = {.news = calloc(PRIVATE_NEWS_MAX, sizeof(*found.news))};
	if (found.news == NULL || private_hide(book, book->reader) != ERR_OK) {
		free(found.news);
		return false;
	}
	enum err err = look(book, &found, &is_moved);
	if (err != ERR_OK) {
		LOG(book->env, LOG_WARN, "private.stopped", LOG_TEXT("why", err_text(err)));
		is_moved = false;
	}
	bool is_due = book->pending.len > 0 || book->is_foreign ||
		      book->mark.message >= book->saved.message + PRIVATE_MARK_EVERY ||
		      book->mark.message < book->saved.message;
	if (is_due && private_save(book) != ERR_OK) {
		is_moved = false; /* again a little later */
	}
	if (found.has_edges || book->is_edges_stale) {
		book->is_edges_stale = false;
		announce(book, &found, private_edges_settle(book));
	} else {
		announce(book, &found, false);
	}
	free(found.news);
	return is_moved;
}
