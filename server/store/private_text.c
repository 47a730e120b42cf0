/*
 * A text is opened when somebody asks for it, with the key of that one message: its row is read,
 * and no curve is needed. Nothing of it stays here.
 */
#include "store/private_inside.h"

#include "store/pack.h"

#include <sodium.h>
#include <stdlib.h>

QUERY(sql_private_text,
	"SELECT m.key_head, m.key_tail, m.sequence, f.id, m.body FROM messages m CROSS JOIN feeds "
	"f ON f.feed = m.feed WHERE m.message = ?1");

/* The content of an odd message, or of an envelope, which is bound to the message before it. */
static enum err read_content(sqlite3_stmt *stmt, struct sealed_box *box, struct buf *bytes)
{
	struct json_doc *doc = NULL;
	struct span text;
	struct buf compact = BUF_INIT(LIMIT_MESSAGE_BYTES);
	enum err err = pack_text(db_column(stmt, 4), &box->author,
		(uint64_t)sqlite3_column_int64(stmt, 2), &compact);
	if (err == ERR_OK) {
		err = json_parse(buf_span(&compact), LIMIT_JSON_DEPTH, &doc);
	}
	if (err == ERR_OK) {
		const struct json *root = json_root(doc);
		box->has_previous = json_text(json_get(root, "previous"), &text) &&
				    message_id_parse(text, &box->previous) == ERR_OK;
		err = json_text(json_get(root, "content"), &text)
			      ? signer_unpack(text, bytes, &box->is_box2)
			      : ERR_NOT_FOUND;
		box->bytes = buf_span(bytes);
	}
	json_doc_free(doc);
	buf_fini(&compact);
	return err;
}

static enum err open_stored(sqlite3_stmt *stmt, const struct private_lock *of, struct buf *content)
{
	struct sealed_box box = {.is_box2 = false};
	struct message_id key;
	struct buf bytes = BUF_INIT(LIMIT_MESSAGE_BYTES);
	enum err err = db_column_key(stmt, 0, 1, &key) && message_id_equal(&key, &of->key) &&
				       db_column_id(stmt, 3, box.author.at)
			       ? ERR_OK
			       : ERR_NOT_FOUND;
	if (err == ERR_OK && pack_kind(db_column(stmt, 4), &box.bytes) != PACK_BOX) {
		err = read_content(stmt, &box, &bytes);
	}
	if (err == ERR_OK) {
		err = signer_open_again(&box, &of->open, content);
	}
	buf_fini(&bytes);
	return err == ERR_REFUSED || err == ERR_DAMAGED ? ERR_NOT_FOUND : err;
}

enum err private_open_row(struct reader *reader, const struct private_lock *of, struct buf *content)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, &sql_private_text, &stmt);
	if (err == ERR_OK) {
		db_int(stmt, 1, of->message);
		err = db_step(reader->db, stmt);
	}
	if (err == ERR_OK) {
		err = open_stored(stmt, of, content);
		db_reset(stmt);
	}
	return reader_end(reader, err);
}

enum err private_text(struct private_book *book, struct reader *reader,
	const struct message_id *key, struct buf *content)
{
	struct private_lock of = {.key = *key};
	(void)pthread_mutex_lock(&book->lock);
	const struct private_entry *entry = private_book_get(book, key);
	if (entry != NULL) {
		of.message = entry->message;
		of.open = entry->open;
	}
	(void)pthread_mutex_unlock(&book->lock);
	enum err err = entry == NULL ? ERR_NOT_FOUND : private_open_row(reader, &of, content);
	sodium_memzero(&of, sizeof(of));
	if (entry != NULL && err == ERR_NOT_FOUND) {
		/* It was removed: the book is looked through for others. */
		(void)pthread_mutex_lock(&book->wake_lock);
		book->has_rows = true;
		book->is_tidy_asked = true;
		(void)pthread_cond_signal(&book->wake);
		(void)pthread_mutex_unlock(&book->wake_lock);
	}
	return err;
}
