/* The list of keys. */
#include "store/keys.h"

QUERY(sql_keys_add, "INSERT OR IGNORE INTO keys (key_head, message) VALUES (?1, ?2)");
QUERY(sql_keys_add_range,
	"INSERT OR IGNORE INTO keys (key_head, message) SELECT key_head, message FROM messages "
	"WHERE message BETWEEN ?1 AND ?2 ORDER BY key_head, message");

enum err keys_add(struct db *db, const struct message_id *key, int64_t message)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(db, &sql_keys_add, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, db_key_head(key->at));
	db_int(stmt, 2, message);
	return db_run(db, stmt);
}

enum err keys_add_range(struct db *db, int64_t first, int64_t last)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(db, &sql_keys_add_range, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, first);
	db_int(stmt, 2, last);
	return db_run(db, stmt);
}

enum err keys_rebuild(struct db *db)
{
	enum err err = db_exec(db, "DELETE FROM keys");
	return err == ERR_OK ? keys_add_range(db, INT64_MIN, INT64_MAX) : err;
}
