/* Marks, and the posts after one. */
#include "store/marks.h"

#include "store/reader_inside.h"

QUERY(sql_mark, "SELECT at, message FROM marks WHERE name = ?1");
/* Our own do not count, but are looked at: not at more than that. */
enum { LOOKED_AT_MAX = 5 * UNREAD_MAX };

QUERY(sql_unread_home, "SELECT min(?3, count(*)) FROM (SELECT feed FROM posts WHERE home = 1 AND "
		       "(at, message) > (?1, ?2) ORDER BY at, message LIMIT ?4) WHERE feed <> 1");

enum err marks_read(struct reader *reader, const char *name, struct mark *out)
{
	sqlite3_stmt *stmt = NULL;
	*out = (struct mark){.is_set = false};
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, &sql_mark, &stmt);
	if (err == ERR_OK) {
		db_blob(stmt, 1, span_text(name));
		err = db_step(reader->db, stmt);
	}
	if (err == ERR_OK) {
		*out = (struct mark){.is_set = true,
			.at_ms = sqlite3_column_int64(stmt, 0),
			.order = sqlite3_column_int64(stmt, 1)};
		db_reset(stmt);
	}
	return reader_end(reader, err == ERR_NOT_FOUND ? ERR_OK : err);
}

enum err marks_unread_home(struct reader *reader, uint32_t *out)
{
	struct mark mark;
	sqlite3_stmt *stmt = NULL;
	*out = 0;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = marks_read(reader, "home", &mark);
	if (err == ERR_OK && mark.is_set) {
		err = db_query(reader->db, &sql_unread_home, &stmt);
	}
	if (err == ERR_OK && mark.is_set) {
		db_int(stmt, 1, mark.at_ms);
		db_int(stmt, 2, mark.order);
		db_int(stmt, 3, UNREAD_MAX);
		db_int(stmt, 4, LOOKED_AT_MAX);
		err = db_step(reader->db, stmt);
	}
	if (err == ERR_OK && mark.is_set) {
		*out = (uint32_t)sqlite3_column_int64(stmt, 0);
		db_reset(stmt);
	}
	return reader_end(reader, err);
}
