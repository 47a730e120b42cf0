/*
 * What the owner keeps about people and tells nobody: whom they mute, what they call them. No
 * message is made of it.
 */
#include "store/writer_inside.h"

/* SCAN: of at most LIMIT_MUTES rows, and only when the owner mutes somebody. */
QUERY(sql_mute_put, "INSERT OR IGNORE INTO mutes (feed, at) SELECT ?1, ?2 WHERE (SELECT count(*) "
		    "FROM mutes) < ?3");
QUERY(sql_mute_drop, "DELETE FROM mutes WHERE feed = ?1");
/* SCAN: of at most LIMIT_PETNAMES rows, and only when the owner gives a name. */
QUERY(sql_petname_put,
	"INSERT INTO petnames (feed, name) SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM petnames "
	"WHERE feed = ?1) OR (SELECT count(*) FROM petnames) < ?3 ON CONFLICT (feed) DO UPDATE SET "
	"name = ?2");
QUERY(sql_petname_drop, "DELETE FROM petnames WHERE feed = ?1");

static enum err put_mute(struct writer *writer, int64_t feed, bool is_muted, bool *is_changed)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(writer->db, is_muted ? &sql_mute_put : &sql_mute_drop, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, feed);
	if (is_muted) {
		db_int(stmt, 2, env_wall_ms(store_env(writer->store)));
		db_int(stmt, 3, LIMIT_MUTES);
	}
	err = db_run(writer->db, stmt);
	*is_changed = err == ERR_OK && sqlite3_changes(db_handle(writer->db)) > 0;
	return err;
}

static enum err change_mute(struct writer *writer, struct feed_entry *of, bool is_muted)
{
	bool is_changed = false;
	enum err err =
		of->feed == FEED_SELF ? ERR_OK : put_mute(writer, of->feed, is_muted, &is_changed);
	return err == ERR_OK && is_changed ? index_mute(&writer->index, of, is_muted) : err;
}

static enum err change_petname(struct writer *writer, int64_t feed, struct span said)
{
	char name[264];
	sqlite3_stmt *stmt = NULL;
	index_clean_name(said, name);
	bool is_given = name[0] != '\0';
	enum err err = db_query(writer->db, is_given ? &sql_petname_put : &sql_petname_drop, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, feed);
	if (is_given) {
		db_text(stmt, 2, span_text(name));
		db_int(stmt, 3, LIMIT_PETNAMES);
	}
	return db_run(writer->db, stmt);
}

enum err writer_people_change(struct writer *writer, const struct change *change)
{
	struct feed_entry *of = NULL;
	enum err err = feeds_get(writer->feeds, &change->feed, &of);
	if (err != ERR_OK) {
		return err;
	}
	return change->kind == CHANGE_MUTE ? change_mute(writer, of, change->number != 0)
					   : change_petname(writer, of->feed, change->name);
}
