/* Entries live in a table by id until there are FEEDS_KEPT_MAX of them; then all are dropped at
 * once and come back as they are needed. */
#include "store/feeds.h"

#include "base/table.h"
#include "store/inside.h"

#include <assert.h>
#include <stdlib.h>

enum { FEEDS_KEPT_MAX = 20000, FEEDS_TABLE_MAX = 2 * FEEDS_KEPT_MAX };

struct feeds {
	struct db *db;
	const struct env *env;
	struct table *table;
	struct feed_entry *dirty;
};

QUERY(sql_feed_get,
	"SELECT f.feed, f.sequence, f.head, f.timestamp, f.at, f.edges, a.first, a.newest, "
	"EXISTS (SELECT 1 FROM mutes WHERE feed = f.feed), (SELECT count(*) FROM strays s WHERE "
	"s.feed = f.feed), (SELECT l.below FROM let_go l WHERE l.feed = f.feed AND l.again = 2) "
	"FROM feeds f LEFT JOIN ahead_feeds a ON a.feed = f.feed WHERE f.id = "
	"?1");
QUERY(sql_feed_number, "SELECT feed FROM feeds WHERE id = ?1");
QUERY(sql_feed_add, "INSERT INTO feeds (id) VALUES (?1)");
QUERY(sql_feed_put, "UPDATE feeds SET sequence = ?2, head = ?3, timestamp = ?4, at = ?5, edges = "
		    "?6 WHERE feed = ?1");
QUERY(sql_edge_mine, "SELECT edge FROM contacts WHERE feed = 1 AND about = ?1 AND NOT EXISTS "
		     "(SELECT 1 FROM lifted WHERE feed = ?1)");

enum err feeds_new(struct db *db, const struct env *env, struct feeds **out)
{
	struct feeds *feeds = calloc(1, sizeof(*feeds));
	if (feeds == NULL) {
		return ERR_NOMEM;
	}
	feeds->db = db;
	feeds->env = env;
	feeds->table = table_new(env, FEEDS_TABLE_MAX);
	if (feeds->table == NULL) {
		free(feeds);
		return ERR_NOMEM;
	}
	*out = feeds;
	return ERR_OK;
}

void feeds_forget(struct feeds *feeds)
{
	size_t cursor = 0;
	const uint8_t *id = NULL;
	void *value = NULL;
	while (table_next(feeds->table, &cursor, &id, &value)) {
		(void)table_remove(feeds->table, id);
		free(value);
	}
	feeds->dirty = NULL;
}

void feeds_free(struct feeds *feeds)
{
	if (feeds == NULL) {
		return;
	}
	feeds_forget(feeds);
	table_free(feeds->table);
	free(feeds);
}

void feeds_trim(struct feeds *feeds)
{
	assert(feeds->dirty == NULL);
	if (table_count(feeds->table) > FEEDS_KEPT_MAX) {
		feeds_forget(feeds);
	}
}

struct feed_entry *feeds_known(struct feeds *feeds, const struct feed_id *id)
{
	return table_get(feeds->table, id->at);
}

static enum err load_edge(struct feeds *feeds, struct feed_entry *entry)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(feeds->db, &sql_edge_mine, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, entry->feed);
	err = db_step(feeds->db, stmt);
	if (err == ERR_OK) {
		entry->mine = (enum contact_edge)sqlite3_column_int(stmt, 0);
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err add(struct feeds *feeds, const struct feed_id *id, int64_t *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(feeds->db, &sql_feed_add, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_blob(stmt, 1, span_of(id->at, ID_BYTES));
	err = db_run(feeds->db, stmt);
	*out = sqlite3_last_insert_rowid(db_handle(feeds->db));
	return err;
}

static enum err load(struct feeds *feeds, struct feed_entry *entry)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(feeds->db, &sql_feed_get, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_blob(stmt, 1, span_of(entry->id.at, ID_BYTES));
	err = db_step(feeds->db, stmt);
	if (err == ERR_NOT_FOUND) {
		return add(feeds, &entry->id, &entry->feed);
	}
	if (err != ERR_OK) {
		return err;
	}
	entry->feed = sqlite3_column_int64(stmt, 0);
	entry->head.sequence = (uint64_t)sqlite3_column_int64(stmt, 1);
	bool is_whole = entry->head.sequence == 0 || db_column_id(stmt, 2, entry->head.key.at);
	entry->head.timestamp = sqlite3_column_double(stmt, 3);
	entry->at_ms = sqlite3_column_int64(stmt, 4);
	entry->edges = sqlite3_column_int64(stmt, 5);
	entry->ahead_first = (uint64_t)sqlite3_column_int64(stmt, 6);
	entry->ahead_newest = (uint64_t)sqlite3_column_int64(stmt, 7);
	entry->is_muted = sqlite3_column_int(stmt, 8) != 0;
	entry->strays = (uint64_t)sqlite3_column_int64(stmt, 9);
	entry->coming = (uint64_t)sqlite3_column_int64(stmt, 10);
	db_reset(stmt);
	return is_whole ? load_edge(feeds, entry) : ERR_IO;
}

enum err feeds_get(struct feeds *feeds, const struct feed_id *id, struct feed_entry **out)
{
	struct feed_entry *entry = table_get(feeds->table, id->at);
	if (entry != NULL) {
		*out = entry;
		return ERR_OK;
	}
	entry = calloc(1, sizeof(*entry));
	if (entry == NULL) {
		return ERR_NOMEM;
	}
	entry->id = *id;
	enum err err = load(feeds, entry);
	if (err == ERR_OK) {
		err = table_put(feeds->table, id->at, entry);
	}
	if (err != ERR_OK) {
		free(entry);
		return err;
	}
	*out = entry;
	return ERR_OK;
}

enum err feeds_number(struct feeds *feeds, const struct feed_id *id, bool may_add, int64_t *out)
{
	const struct feed_entry *entry = table_get(feeds->table, id->at);
	if (entry != NULL) {
		*out = entry->feed;
		return ERR_OK;
	}
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(feeds->db, &sql_feed_number, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_blob(stmt, 1, span_of(id->at, ID_BYTES));
	err = db_step(feeds->db, stmt);
	if (err == ERR_OK) {
		*out = sqlite3_column_int64(stmt, 0);
		db_reset(stmt);
	} else if (err == ERR_NOT_FOUND && may_add) {
		err = add(feeds, id, out);
	}
	return err;
}

void feeds_touch(struct feeds *feeds, struct feed_entry *entry)
{
	if (!entry->is_dirty) {
		entry->is_dirty = true;
		entry->next_dirty = feeds->dirty;
		feeds->dirty = entry;
	}
}

static enum err put(struct feeds *feeds, const struct feed_entry *entry)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(feeds->db, &sql_feed_put, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, entry->feed);
	db_int(stmt, 2, (int64_t)entry->head.sequence);
	db_blob(stmt, 3, span_of(entry->head.key.at, ID_BYTES));
	(void)sqlite3_bind_double(stmt, 4, entry->head.timestamp);
	db_int(stmt, 5, entry->at_ms);
	db_int(stmt, 6, entry->edges);
	return db_run(feeds->db, stmt);
}

enum err feeds_flush(struct feeds *feeds)
{
	while (feeds->dirty != NULL) {
		struct feed_entry *entry = feeds->dirty;
		enum err err = put(feeds, entry);
		if (err != ERR_OK) {
			return err;
		}
		feeds->dirty = entry->next_dirty;
		entry->next_dirty = NULL;
		entry->is_dirty = false;
	}
	return ERR_OK;
}
