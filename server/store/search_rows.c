/* Rows of the full-text table. They are written from here and not by triggers, which a schema that
 * is not trusted does not have. */
#include "store/search_rows.h"

QUERY(sql_words_add, "INSERT INTO search (rowid, words) VALUES (?1, ?2)");
QUERY(sql_words_drop, "INSERT INTO search (search, rowid, words) VALUES ('delete', ?1, ?2)");
QUERY(sql_words_clear, "INSERT INTO search (search) VALUES ('delete-all')");

static enum err run(struct db *db, const struct query *query, int64_t row, struct span text)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(db, query, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, row);
	db_text(stmt, 2, text);
	return db_run(db, stmt);
}

enum err search_row_put(struct db *db, int64_t message, int64_t at_ms, struct span text)
{
	return search_has_room(message) ? run(db, &sql_words_add, search_row(message, at_ms), text)
					: ERR_OK;
}

enum err search_row_drop(struct db *db, int64_t message, int64_t at_ms, struct span text)
{
	return search_has_room(message) ? run(db, &sql_words_drop, search_row(message, at_ms), text)
					: ERR_OK;
}

enum err search_rows_clear(struct db *db)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(db, &sql_words_clear, &stmt);
	return err == ERR_OK ? db_run(db, stmt) : err;
}
