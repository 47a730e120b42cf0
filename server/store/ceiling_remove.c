/*
 * What the owner has removed by hand: all that is held of one person, in units of the writer; and
 * what is fetched again. Blobs that only they name are gathered before the messages that name them
 * go, and go after them: what a kill leaves between the two is held for nobody, and goes first when
 * room is made.
 */
#include "store/ceiling_inside.h"

#include "store/inside.h"
#include "store/layer.h"
#include "store/let_go_rows.h"

#include <stdlib.h>
#include <unistd.h>

enum { UNIT_LEAST = 256, UNIT_MOST = 4096, TRIES = 50, TRY_US = 100000 };

QUERY(sql_removal_feed, "SELECT feed FROM feeds WHERE id = ?1");
QUERY(sql_removal_keys, "SELECT key_head, key_tail FROM messages WHERE feed = ?1 AND sequence > ?2 "
			"ORDER BY sequence");
QUERY(sql_removal_kept, "SELECT 1 FROM bookmarks WHERE key = ?1");
/* SCAN: of what our key opens, when the owner asks what would go. */
QUERY(sql_removal_private, "SELECT count(*) FROM private_messages p CROSS JOIN messages m ON "
			   "m.message = p.message WHERE m.feed = ?1");
/* SCAN: only whether there are any. */
QUERY(sql_removal_bookmarks, "SELECT 1 FROM bookmarks LIMIT 1");
QUERY(sql_removal_shared, "SELECT 1 FROM blob_links WHERE blob = ?1 AND feed <> ?2 LIMIT 1");

struct gathered {
	struct reader *reader;
	int64_t feed;
	struct blob_id *ids;
	size_t count, room;
	int64_t bytes;
	bool is_shared;
	enum err err;
};

static enum err is_shared(struct gathered *gathered, const struct blob_row *row, bool *out)
{
	sqlite3_stmt *stmt = NULL;
	*out = row->keep == BLOB_OWN;
	if (*out) {
		return ERR_OK;
	}
	enum err err = db_query(gathered->reader->db, &sql_removal_shared, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, db_key_head(row->id.at));
	db_int(stmt, 2, gathered->feed);
	err = db_step(gathered->reader->db, stmt);
	*out = err == ERR_OK;
	db_reset(stmt);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static bool gather(void *ctx, const struct blob_row *row)
{
	struct gathered *gathered = ctx;
	bool stays = false;
	gathered->err = is_shared(gathered, row, &stays);
	if (gathered->err != ERR_OK || stays) {
		gathered->is_shared = gathered->is_shared || stays;
		return gathered->err == ERR_OK;
	}
	if (gathered->count == gathered->room) {
		size_t room = gathered->room == 0 ? 64 : 2 * gathered->room;
		struct blob_id *grown = reallocarray(gathered->ids, room, sizeof(*grown));
		if (grown == NULL) {
			gathered->err = ERR_NOMEM;
			return false;
		}
		gathered->ids = grown;
		gathered->room = room;
	}
	gathered->ids[gathered->count++] = row->id;
	gathered->bytes += ceiling_on_disk(row->bytes);
	return true;
}

static enum err number_of(
	struct reader *reader, const struct query *query, int64_t bind, int64_t *out)
{
	sqlite3_stmt *stmt = NULL;
	*out = 0;
	enum err err = db_query(reader->db, query, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	if (sqlite3_bind_parameter_count(stmt) > 0) {
		db_int(stmt, 1, bind);
	}
	err = db_step(reader->db, stmt);
	if (err == ERR_OK) {
		*out = sqlite3_column_int64(stmt, 0);
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err is_bookmarked(struct reader *reader, const struct message_id *key, bool *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(reader->db, &sql_removal_kept, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_blob(stmt, 1, span_of(key->at, ID_BYTES));
	err = db_step(reader->db, stmt);
	*out = err == ERR_OK;
	db_reset(stmt);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* Messages that the owner keeps. */
static enum err count_kept(struct reader *reader, int64_t feed, uint64_t *out)
{
	int64_t of_private = 0;
	int64_t any = 0;
	sqlite3_stmt *stmt = NULL;
	enum err err = number_of(reader, &sql_removal_private, feed, &of_private);
	if (err == ERR_OK) {
		err = number_of(reader, &sql_removal_bookmarks, 0, &any);
	}
	*out = (uint64_t)of_private;
	if (err != ERR_OK || any == 0) {
		return err;
	}
	err = db_query(reader->db, &sql_removal_keys, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, feed);
	db_int(stmt, 2, 0);
	while (err == ERR_OK && (err = db_step(reader->db, stmt)) == ERR_OK) {
		struct message_id key;
		bool is_kept = false;
		if (db_column_key(stmt, 0, 1, &key)) {
			err = is_bookmarked(reader, &key, &is_kept);
		}
		*out += is_kept;
	}
	db_reset(stmt);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err look(struct reader *reader, const struct feed_id *id, struct gathered *gathered,
	struct ceiling_removal *out)
{
	struct ceiling_person person;
	sqlite3_stmt *stmt = NULL;
	bool may = false;
	*out = (struct ceiling_removal){.messages = 0};
	enum err err = db_query(reader->db, &sql_removal_feed, &stmt);
	if (err == ERR_OK) {
		db_blob(stmt, 1, span_of(id->at, ID_BYTES));
		err = db_step(reader->db, stmt);
	}
	if (err != ERR_OK) {
		return err;
	}
	gathered->feed = sqlite3_column_int64(stmt, 0);
	db_reset(stmt);
	const struct feed_entry author = {.feed = gathered->feed};
	err = let_go_may(reader->db, &author, &may);
	if (err == ERR_OK && (!may || layer_is(reader->store, id, EDGE_FOLLOW))) {
		return ERR_REFUSED;
	}
	if (err == ERR_OK) {
		err = ceiling_person(reader, id, &person);
	}
	if (err == ERR_OK) {
		err = count_kept(reader, gathered->feed, &out->kept);
	}
	if (err == ERR_OK) {
		err = ceiling_each_blob_of(reader, gathered->feed, gather, gathered);
		err = gathered->err == ERR_OK ? err : gathered->err;
	}
	if (err == ERR_OK) {
		uint64_t all = person.messages == 0 ? 1 : person.messages;
		out->kept = out->kept < person.messages ? out->kept : person.messages;
		out->messages = person.messages - out->kept;
		out->blobs = gathered->count;
		out->bytes = gathered->bytes +
			     (int64_t)((double)person.bytes * (double)out->messages / (double)all);
		out->keeps_blobs = gathered->is_shared;
	}
	return err;
}

enum err ceiling_removal(
	struct reader *reader, const struct feed_id *id, struct ceiling_removal *out)
{
	struct gathered gathered = {.reader = reader};
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = reader_end(reader, look(reader, id, &gathered, out));
	free(gathered.ids);
	return err;
}

static enum err let_all_go(struct writer *writer, const struct feed_id *id)
{
	const struct let_go_request request = {
		.feed = *id, .why = LET_GO_REMOVED, .at_least = UNIT_LEAST, .at_most = UNIT_MOST};
	struct let_go_result result = {.is_done = false};
	enum err err = ERR_OK;
	unsigned tries = 0;
	while (!result.is_done) {
		err = writer_let_go(writer, &request, &result);
		if (err == ERR_BUSY && ++tries < TRIES) {
			(void)usleep(TRY_US); /* rows of it are still to be made */
		} else if (err != ERR_OK) {
			break;
		}
	}
	return err;
}

enum err ceiling_remove(struct writer *writer, struct blobs *blobs, struct reader *reader,
	const struct feed_id *id, struct ceiling_removal *out)
{
	struct gathered gathered = {.reader = reader};
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = reader_end(reader, look(reader, id, &gathered, out));
	if (err == ERR_OK) {
		err = let_all_go(writer, id);
	}
	if (err == ERR_OK && blobs != NULL && gathered.count > 0) {
		err = blobs_remove(blobs, gathered.ids, gathered.count);
	}
	free(gathered.ids);
	return err;
}

enum err ceiling_again(struct writer *writer, const struct feed_id *id)
{
	const struct change change = {.kind = CHANGE_AGAIN, .feed = *id};
	return writer_change_wait(writer, &change);
}
