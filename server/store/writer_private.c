/* Rows of private messages and of how far a conversation was read, sealed by store/private: the
 * writer cannot read them. The messages and how far boxes were tried are of one transaction. */
#include "store/layer.h"
#include "store/private_inside.h"
#include "store/writer_inside.h"

QUERY(sql_private_put, "INSERT OR REPLACE INTO private_messages (message, sealed) VALUES (?1, ?2)");
QUERY(sql_private_drop, "DELETE FROM private_messages WHERE message = ?1");
QUERY(sql_lifted, "SELECT l.feed, f.id FROM lifted l CROSS JOIN feeds f ON f.feed = l.feed WHERE "
		  "l.feed > ?1 ORDER BY l.feed LIMIT 1");
QUERY(sql_private_clear, "DELETE FROM private_messages");
/* SCAN: of at most LIMIT_PRIVATE_MARKS rows, and only when the owner reads a conversation. */
QUERY(sql_private_mark_put,
	"INSERT INTO private_marks (name, sealed) SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM "
	"private_marks WHERE name = ?1) OR (SELECT count(*) FROM private_marks) < ?3 ON CONFLICT "
	"(name) DO UPDATE SET sealed = ?2");

static uint64_t number_at(const uint8_t *at, size_t bytes)
{
	uint64_t number = 0;
	for (size_t i = 0; i < bytes; i++) {
		number |= (uint64_t)at[i] << 8 * i;
	}
	return number;
}

static enum err put_row(struct writer *writer, int64_t message, struct span sealed)
{
	sqlite3_stmt *stmt = NULL;
	enum err err =
		db_query(writer->db, sealed.len == 0 ? &sql_private_drop : &sql_private_put, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, message);
	if (sealed.len > 0) {
		db_blob(stmt, 2, sealed);
	}
	return db_run(writer->db, stmt);
}

static enum err clear(struct writer *writer)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(writer->db, &sql_private_clear, &stmt);
	return err == ERR_OK ? db_run(writer->db, stmt) : err;
}

bool writer_is_blocked(const struct writer *writer, const struct feed_entry *author)
{
	return author->mine == EDGE_BLOCK ||
	       (author->feed != FEED_SELF && layer_is(writer->store, &author->id, EDGE_BLOCK));
}

static enum err next_lifted(struct writer *writer, int64_t *feed, struct feed_id *id)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(writer->db, &sql_lifted, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, *feed);
	err = db_step(writer->db, stmt);
	if (err == ERR_OK) {
		*feed = sqlite3_column_int64(stmt, 0);
		err = db_column_id(stmt, 1, id->at) ? ERR_OK : ERR_IO;
		db_reset(stmt);
	}
	return err;
}

static bool is_to_be_lifted(const struct layer *layer, const struct feed_id *id)
{
	enum contact_edge edge = EDGE_BLOCK;
	return layer_says(layer, id, &edge) && edge != EDGE_BLOCK;
}

/* Which open blocks a later word that only we can read has ended. */
static enum err settle_lifted(struct writer *writer, const struct layer *layer)
{
	struct feed_id id;
	int64_t feed = 0;
	struct feed_entry *of = NULL;
	enum err err = ERR_OK;
	while ((err = next_lifted(writer, &feed, &id)) == ERR_OK) {
		if (is_to_be_lifted(layer, &id)) {
			continue;
		}
		err = feeds_get(writer->feeds, &id, &of);
		if (err == ERR_OK) {
			err = index_lift(&writer->index, of, false);
		}
		if (err != ERR_OK) {
			return err;
		}
	}
	err = err == ERR_NOT_FOUND ? ERR_OK : err;
	for (size_t i = 0; err == ERR_OK && layer != NULL && i < layer->count; i++) {
		if (layer->edges[i].edge == EDGE_BLOCK) {
			continue;
		}
		err = feeds_get(writer->feeds, &layer->edges[i].of, &of);
		if (err == ERR_OK && of->mine == EDGE_BLOCK) {
			err = index_lift(&writer->index, of, true);
		}
	}
	return err;
}

/* Of somebody else no more than a row for them is written: what we say of them is in memory. */
static enum err change_edges(struct writer *writer, const struct change *change)
{
	struct feed_entry *of = NULL;
	writer->is_graph_changed = true;
	if (!feed_id_equal(&change->feed, store_self(writer->store))) {
		return feeds_get(writer->feeds, &change->feed, &of);
	}
	struct layer *layer = layer_take(writer->store);
	enum err err = settle_lifted(writer, layer);
	layer_release(writer->store, layer);
	return err;
}

static enum err change_rows(struct writer *writer, const struct change *change)
{
	struct span from = change->text;
	enum err err = change->number == 1 ? clear(writer) : ERR_OK;
	while (err == ERR_OK && from.len >= PRIVATE_PENDING_HEAD) {
		int64_t message = (int64_t)number_at(from.at, 8);
		size_t len = (size_t)number_at(from.at + 8, 4);
		from = span_skip(from, PRIVATE_PENDING_HEAD);
		err = put_row(writer, message, span_take(from, len));
		from = span_skip(from, len);
	}
	return err == ERR_OK ? writer_setting_put(writer, PRIVATE_MARK, change->name) : err;
}

static enum err change_private_mark(struct writer *writer, const struct change *change)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(writer->db, &sql_private_mark_put, &stmt);
	if (err == ERR_OK) {
		db_blob(stmt, 1, span_of(change->key.at, ID_BYTES));
		db_blob(stmt, 2, change->text);
		db_int(stmt, 3, LIMIT_PRIVATE_MARKS);
		err = db_run(writer->db, stmt);
	}
	return err;
}

enum err writer_private_change(struct writer *writer, const struct change *change)
{
	switch (change->kind) {
	case CHANGE_EDGES:
		return change_edges(writer, change);
	case CHANGE_PRIVATE_MARK:
		return change_private_mark(writer, change);
	default:
		return change_rows(writer, change);
	}
}
