/*
 * Pictures and files that private words name. Nothing of it is in a table that tells of messages: a
 * blob is only wanted, kept and offered like any other. Ours are offered when the message is new;
 * those of people we follow come along when it is recent, and are never evicted; those of strangers
 * come when somebody looks at them.
 */
#include "store/private_inside.h"

#include "base/limits.h"
#include "store/blob_links.h"

enum { NEW_MS = 60 * 60 * 1000 };

QUERY(sql_private_follows, "SELECT c.edge FROM feeds f CROSS JOIN contacts c ON c.feed = 1 AND "
			   "c.about = f.feed WHERE f.id = ?1");

static bool is_followed(struct private_book *book, const struct feed_id *author)
{
	sqlite3_stmt *stmt = NULL;
	enum contact_edge edge = EDGE_NEITHER;
	if (private_edge(book, author, &edge)) {
		return edge == EDGE_FOLLOW;
	}
	enum err err = db_query(book->reader->db, &sql_private_follows, &stmt);
	if (err == ERR_OK) {
		db_blob(stmt, 1, span_of(author->at, ID_BYTES));
		err = db_step(book->reader->db, stmt);
	}
	bool is_so = err == ERR_OK && sqlite3_column_int(stmt, 0) == EDGE_FOLLOW;
	if (err == ERR_OK) {
		db_reset(stmt);
	}
	return is_so;
}

void private_blobs_note(
	struct private_book *book, struct span plain, const struct private_message *message)
{
	struct blob_links links;
	int64_t now_ms = env_wall_ms(book->env);
	struct change change = {.kind = CHANGE_BLOB_WANT, .number = 1, .order = BLOB_OWN};
	blob_links_read(plain, &links);
	if (links.count == 0 || book->opts.writer == NULL) {
		return;
	}
	if (message->is_own && message->received_ms >= now_ms - NEW_MS) {
		change.kind = CHANGE_BLOB_OFFER;
	} else if (!message->is_own && (message->at_ms < now_ms - LIMIT_BLOB_WANT_AGE_MS ||
					       !is_followed(book, &message->author))) {
		return;
	}
	for (size_t i = 0; i < links.count && i < LIMIT_BLOBS_PER_POST; i++) {
		change.blob = links.ids[i];
		if (writer_change(book->opts.writer, &change) != ERR_OK) {
			return; /* the writer is busy: they come when somebody looks at them */
		}
	}
}
