/*
 * What is being written, one row for each composer. Whoever changes it says which number it read:
 * another device's words are never written over. A row whose words are posted keeps its number, so
 * that a device that slept notices; of such rows only the newest are kept, and a number that begins
 * anew begins at the time of day, above all that were.
 */
#include "store/writer_inside.h"

QUERY(sql_writing_get, "SELECT rev, body FROM writing WHERE name = ?1");
QUERY(sql_writing_put, "INSERT INTO writing (name, at, rev, body) VALUES (?1, ?2, ?2, ?3) ON "
		       "CONFLICT (name) DO UPDATE SET at = ?2, rev = rev + 1, body = ?3");
/* SCAN: of LIMIT_WRITINGS rows and as many that are done with. */
QUERY(sql_writing_count, "SELECT count(*) FROM writing WHERE length(body) > 0");
QUERY(sql_writing_trim, "DELETE FROM writing WHERE length(body) = 0 AND name NOT IN (SELECT name "
			"FROM writing WHERE length(body) = 0 ORDER BY at DESC LIMIT ?1)");

enum err writer_writing_get(
	struct writer *writer, struct span name, uint64_t *rev, bool *has_body, struct buf *body)
{
	sqlite3_stmt *stmt = NULL;
	*rev = 0;
	*has_body = false;
	enum err err = db_query(writer->db, &sql_writing_get, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_blob(stmt, 1, name);
	err = db_step(writer->db, stmt);
	if (err != ERR_OK) {
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	*rev = (uint64_t)sqlite3_column_int64(stmt, 0);
	*has_body = db_column(stmt, 1).len > 0;
	if (body != NULL) {
		err = buf_append(body, db_column(stmt, 1));
	}
	db_reset(stmt);
	return err;
}

static enum err put_row(struct writer *writer, struct span name, struct span body)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(writer->db, &sql_writing_put, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_blob(stmt, 1, name);
	db_int(stmt, 2, env_wall_ms(store_env(writer->store)));
	db_blob(stmt, 3, body);
	return db_run(writer->db, stmt);
}

static enum err trim(struct writer *writer)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(writer->db, &sql_writing_trim, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, LIMIT_WRITINGS);
	return db_run(writer->db, stmt);
}

enum err writer_writing_put(
	struct writer *writer, struct span name, struct span body, uint64_t *rev)
{
	bool has_body = false;
	enum err err = put_row(writer, name, body);
	if (err == ERR_OK && body.len == 0) {
		err = trim(writer);
	}
	return err == ERR_OK ? writer_writing_get(writer, name, rev, &has_body, NULL) : err;
}

static enum err has_room(struct writer *writer, bool *out)
{
	sqlite3_stmt *stmt = NULL;
	*out = false;
	enum err err = db_query(writer->db, &sql_writing_count, &stmt);
	if (err == ERR_OK) {
		err = db_step(writer->db, stmt);
	}
	if (err != ERR_OK) {
		return err;
	}
	*out = sqlite3_column_int64(stmt, 0) < LIMIT_WRITINGS;
	db_reset(stmt);
	return ERR_OK;
}

/* ERR_NOT_FOUND: it stands there already, so nothing is to be done. */
static enum err check(struct writer *writer, struct outbox_job *job)
{
	struct buf body = BUF_INIT(LIMIT_HTTP_BODY_BYTES);
	bool has_body = false;
	bool is_room = true;
	enum err err =
		writer_writing_get(writer, buf_span(&job->name), &job->rev_done, &has_body, &body);
	bool is_same = span_equal(buf_span(&body), buf_span(&job->body));
	buf_fini(&body);
	if (err == ERR_OK && is_same) {
		return ERR_NOT_FOUND;
	}
	if (err == ERR_OK && job->rev_done != job->rev) {
		return ERR_EXISTS;
	}
	if (err == ERR_OK && !has_body) {
		err = has_room(writer, &is_room);
	}
	return err == ERR_OK && !is_room ? ERR_LIMIT : err;
}

enum err writer_writing_change(struct writer *writer, struct outbox_job *job)
{
	enum err err = writer_begin(writer);
	if (err == ERR_OK) {
		err = check(writer, job);
	}
	if (err == ERR_OK) {
		err = writer_writing_put(
			writer, buf_span(&job->name), buf_span(&job->body), &job->rev_done);
	}
	if (err == ERR_OK) {
		return writer_commit(writer);
	}
	writer_rollback(writer);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}
