/*
 * What was to be published while publishing was paused. A draft is done with when its message is
 * stored: by its nonce when this node publishes it, by its content when it comes back from others,
 * for a copy that was made in a pause still holds what was published behind it.
 */
#include "store/writer_inside.h"

QUERY(sql_draft_of, "SELECT draft FROM drafts WHERE nonce = ?1");
QUERY(sql_draft_put, "INSERT INTO drafts (nonce, at, content) SELECT ?1, ?2, ?3 WHERE (SELECT "
		     "count(*) FROM drafts) < ?4");
/* SCAN: of at most LIMIT_DRAFTS rows, and only when a message of ours comes back. */
QUERY(sql_draft_before,
	"SELECT draft, nonce, content FROM drafts WHERE at <= ?1 AND at < ?2 ORDER BY draft");
QUERY(sql_draft_drop, "DELETE FROM drafts WHERE draft = ?1");

static int64_t now_ms(const struct writer *writer)
{
	return env_wall_ms(store_env(writer->store));
}

static enum err put(struct writer *writer, struct span content, struct span nonce, int64_t *draft)
{
	sqlite3_stmt *stmt = NULL;
	*draft = 0;
	enum err err = db_query(writer->db, &sql_draft_of, &stmt);
	if (err == ERR_OK && nonce.len > 0) {
		db_blob(stmt, 1, nonce);
		err = db_step(writer->db, stmt);
		if (err == ERR_OK) {
			*draft = sqlite3_column_int64(stmt, 0);
			db_reset(stmt);
			return ERR_OK;
		}
		err = err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	if (err == ERR_OK) {
		err = db_query(writer->db, &sql_draft_put, &stmt);
	}
	if (err != ERR_OK) {
		return err;
	}
	if (nonce.len > 0) {
		db_blob(stmt, 1, nonce);
	}
	db_int(stmt, 2, now_ms(writer));
	db_blob(stmt, 3, content);
	db_int(stmt, 4, LIMIT_DRAFTS);
	err = db_run(writer->db, stmt);
	(void)sqlite3_clear_bindings(stmt);
	if (err == ERR_OK && sqlite3_changes(db_handle(writer->db)) > 0) {
		*draft = sqlite3_last_insert_rowid(db_handle(writer->db));
	}
	return err;
}

enum err writer_draft_put(
	struct writer *writer, struct span content, struct span nonce, int64_t *draft)
{
	enum err err = put(writer, content, nonce, draft);
	/* What was held is a draft now, and only one of the two. */
	return err == ERR_OK && *draft > 0 ? writer_outbox_drop(writer, nonce) : err;
}

enum err writer_draft_drop(struct writer *writer, int64_t draft)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(writer->db, &sql_draft_drop, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, draft);
	return db_run(writer->db, stmt);
}

/* Does this draft say what that text says, however it is written? */
static enum err is_content(struct span draft, struct span compact, struct buf *room, bool *is_so)
{
	struct json_doc *doc = NULL;
	*is_so = false;
	buf_clear(room);
	enum err err = json_parse(draft, LIMIT_JSON_DEPTH, &doc);
	if (err == ERR_OK) {
		err = json_write_compact(json_root(doc), room);
	}
	json_doc_free(doc);
	*is_so = err == ERR_OK && span_equal(buf_span(room), compact);
	return err == ERR_NOMEM ? err : ERR_OK;
}

/* What was written since this pause began was never published. */
static int64_t paused_at(const struct writer *writer)
{
	return writer_may_publish(writer) ? now_ms(writer) : writer->report.since_ms;
}

/* The oldest draft that was there when `message` was signed and says the same; 0: there is none. */
static enum err find_draft(struct writer *writer, const struct message *message,
	struct span compact, struct buf *nonce, int64_t *draft)
{
	struct buf room = BUF_INIT(LIMIT_MESSAGE_BYTES);
	sqlite3_stmt *stmt = NULL;
	bool is_so = false;
	*draft = 0;
	enum err err = db_query(writer->db, &sql_draft_before, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, index_at_ms(message->timestamp, now_ms(writer)));
	db_int(stmt, 2, paused_at(writer));
	while (!is_so && (err = db_step(writer->db, stmt)) == ERR_OK) {
		err = is_content(db_column(stmt, 2), compact, &room, &is_so);
		if (err == ERR_OK && is_so) {
			*draft = sqlite3_column_int64(stmt, 0);
			err = buf_append(nonce, db_column(stmt, 1));
		}
		if (err != ERR_OK) {
			break;
		}
	}
	if (err != ERR_NOT_FOUND) {
		db_reset(stmt);
	}
	buf_fini(&room);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err writer_draft_returned(struct writer *writer, const struct message *message)
{
	struct buf nonce = BUF_INIT(FENCE_NONCE_BYTES_MAX);
	int64_t draft = 0;
	enum err err = find_draft(writer, message, message->content_text, &nonce, &draft);
	if (err == ERR_OK && draft > 0) {
		err = writer_draft_drop(writer, draft);
	}
	if (err == ERR_OK && draft > 0) {
		err = writer_put_nonce(writer, buf_span(&nonce), message->sequence);
	}
	buf_fini(&nonce);
	return err;
}
