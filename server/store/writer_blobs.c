/*
 * Rows about blobs: what is here, what the owner wants, what is offered. The files are the business
 * of store/blobs, which has written one before its row is put, and unlinked one before its row
 * goes. What changed is told with the transaction.
 */
#include "store/blob_links.h"
#include "store/writer_inside.h"

#include <stdlib.h>

enum { HOUR_MS = 60 * 60 * 1000 };

QUERY(sql_blob_get, "SELECT bytes, keep FROM blobs WHERE id = ?1");
QUERY(sql_blob_put,
	"INSERT INTO blobs (id, bytes, at, used, keep, type) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON "
	"CONFLICT (id) DO UPDATE SET bytes = ?2, type = ?6, keep = max(keep, ?5)");
QUERY(sql_blob_drop, "DELETE FROM blobs WHERE id = ?1");
QUERY(sql_blob_used, "UPDATE blobs SET used = ?2 WHERE id = ?1 AND used < ?2");
QUERY(sql_blob_keep, "UPDATE blobs SET keep = ?2 WHERE id = ?1");
QUERY(sql_blob_own, "SELECT message FROM blob_links WHERE feed = 1 AND blob = ?1 LIMIT 1");
QUERY(sql_blob_named, "SELECT feed FROM blob_links WHERE blob = ?1 ORDER BY feed LIMIT 1");
QUERY(sql_upload_put, "INSERT INTO uploads (id, at, was) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO "
		      "UPDATE SET at = ?2");
QUERY(sql_upload_again, "UPDATE uploads SET at = ?2 WHERE id = ?1");
QUERY(sql_upload_was, "SELECT was FROM uploads WHERE id = ?1 AND at < ?2");
QUERY(sql_upload_drop, "DELETE FROM uploads WHERE id = ?1");
/* SCAN: of at most LIMIT_BLOB_WANTS rows. */
QUERY(sql_blob_want_put, "INSERT OR IGNORE INTO blob_wants (id, at) SELECT ?1, ?2 WHERE (SELECT "
			 "count(*) FROM blob_wants) < ?3");
QUERY(sql_blob_want_keep, "UPDATE blob_wants SET keep = ?2 WHERE id = ?1 AND keep < ?2");
QUERY(sql_blob_want_get, "SELECT keep FROM blob_wants WHERE id = ?1");
QUERY(sql_blob_want_drop, "DELETE FROM blob_wants WHERE id = ?1");
QUERY(sql_blob_push_put, "INSERT OR IGNORE INTO blob_pushes (id, at) VALUES (?1, ?2)");
QUERY(sql_blob_push_drop, "DELETE FROM blob_pushes WHERE id = ?1");

static enum err run_for_blob(struct writer *writer, const struct query *query,
	const struct blob_id *id, int64_t a, int64_t b, bool *is_changed)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(writer->db, query, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_blob(stmt, 1, span_of(id->at, ID_BYTES));
	if (sqlite3_bind_parameter_count(stmt) > 1) {
		db_int(stmt, 2, a);
	}
	if (sqlite3_bind_parameter_count(stmt) > 2) {
		db_int(stmt, 3, b);
	}
	err = db_run(writer->db, stmt);
	*is_changed = err == ERR_OK && sqlite3_changes(db_handle(writer->db)) > 0;
	return err;
}

/* How a wanted one is kept when it comes; *keep stays when it is not wanted. */
static enum err look_at_want(struct writer *writer, const struct blob_id *id, int64_t *keep)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(writer->db, &sql_blob_want_get, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_blob(stmt, 1, span_of(id->at, ID_BYTES));
	err = db_step(writer->db, stmt);
	if (err == ERR_OK) {
		int64_t wanted = sqlite3_column_int64(stmt, 0);
		*keep = wanted > *keep ? wanted : *keep;
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* ERR_NOT_FOUND: it is not here. */
static enum err look(
	struct writer *writer, const struct blob_id *id, uint64_t *bytes, int64_t *keep)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(writer->db, &sql_blob_get, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_blob(stmt, 1, span_of(id->at, ID_BYTES));
	err = db_step(writer->db, stmt);
	if (err == ERR_OK) {
		*bytes = (uint64_t)sqlite3_column_int64(stmt, 0);
		*keep = sqlite3_column_int64(stmt, 1);
		db_reset(stmt);
	}
	return err;
}

static enum err tell(struct writer *writer, const struct blob_news *news)
{
	if (writer->opts.on_commit == NULL) {
		return ERR_OK;
	}
	if (writer->blob_count == writer->blob_room) {
		size_t room = writer->blob_room == 0 ? 16 : 2 * writer->blob_room;
		struct blob_news *grown = realloc(writer->blobs, room * sizeof(*grown));
		if (grown == NULL) {
			return ERR_NOMEM;
		}
		writer->blobs = grown;
		writer->blob_room = room;
	}
	writer->blobs[writer->blob_count++] = *news;
	return ERR_OK;
}

static enum err is_named_by_us(struct writer *writer, const struct blob_id *id, bool *is_own)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(writer->db, &sql_blob_own, &stmt);
	if (err == ERR_OK) {
		db_int(stmt, 1, db_key_head(id->at));
		err = db_step(writer->db, stmt);
		*is_own = err == ERR_OK;
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* Raise `*keep` to what it is at least when a message that is here names it. */
static enum err nearest_namer(struct writer *writer, const struct blob_id *id, int64_t *keep)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(writer->db, &sql_blob_named, &stmt);
	if (err == ERR_OK) {
		db_int(stmt, 1, db_key_head(id->at));
		err = db_step(writer->db, stmt);
	}
	if (err == ERR_OK) {
		int64_t least = sqlite3_column_int64(stmt, 0) == FEED_SELF ? BLOB_OWN : BLOB_READ;
		*keep = least > *keep ? least : *keep;
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err put_row(struct writer *writer, const struct change *change, int64_t keep)
{
	int64_t now_ms = env_wall_ms(store_env(writer->store));
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(writer->db, &sql_blob_put, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_blob(stmt, 1, span_of(change->blob.at, ID_BYTES));
	db_int(stmt, 2, change->number);
	db_int(stmt, 3, now_ms);
	db_int(stmt, 4, now_ms - now_ms % HOUR_MS);
	db_int(stmt, 5, keep);
	db_text(stmt, 6, change->name);
	return db_run(writer->db, stmt);
}

/* Of what the page took in it is remembered how it was kept before, until something names it; what
 * the owner puts here by hand stays. `was` is -1 when it was not here. */
static enum err note_upload(
	struct writer *writer, const struct change *change, int64_t was, bool is_kept)
{
	int64_t now_ms = env_wall_ms(store_env(writer->store));
	bool is_changed = false;
	if (change->order != BLOB_OWN) {
		return ERR_OK;
	}
	if (!change->is_draft || is_kept) {
		return run_for_blob(writer, &sql_upload_drop, &change->blob, 0, 0, &is_changed);
	}
	return was == BLOB_OWN ? run_for_blob(writer, &sql_upload_again, &change->blob, now_ms, 0,
					 &is_changed)
			       : run_for_blob(writer, &sql_upload_put, &change->blob, now_ms, was,
					 &is_changed);
}

static enum err blob_put(struct writer *writer, const struct change *change)
{
	struct blob_news news = {.event = BLOB_CAME,
		.id = change->blob,
		.bytes = (uint64_t)change->number,
		.is_added = change->order == BLOB_OWN};
	uint64_t bytes = 0;
	int64_t was = -1;
	int64_t wanted = -1;
	bool is_own = false;
	enum err err = look(writer, &change->blob, &bytes, &was);
	bool is_new = err == ERR_NOT_FOUND;
	if (err == ERR_OK || is_new) {
		err = look_at_want(writer, &change->blob, &wanted);
	}
	if (err == ERR_OK) {
		err = run_for_blob(
			writer, &sql_blob_want_drop, &change->blob, 0, 0, &news.was_wanted);
	}
	if (err == ERR_OK) {
		err = is_named_by_us(writer, &change->blob, &is_own);
	}
	if (err == ERR_OK) {
		is_own = is_own || wanted == BLOB_OWN;
		err = note_upload(writer, change, was > wanted ? was : wanted, is_own);
	}
	if (err == ERR_OK) {
		int64_t keep = wanted > change->order ? wanted : change->order;
		err = put_row(writer, change, is_own ? BLOB_OWN : keep);
	}
	return err == ERR_OK && (is_new || news.is_added) ? tell(writer, &news) : err;
}

/* Nothing is being written with it any more. It goes back to what it was; when it was not here it
 * is held like any other until its file has gone, and no crash in between has it wanted again. */
static enum err upload_old(struct writer *writer, const struct change *change)
{
	const struct blob_id *id = &change->blob;
	sqlite3_stmt *stmt = NULL;
	int64_t was = -1;
	bool is_changed = false;
	enum err err = db_query(writer->db, &sql_upload_was, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_blob(stmt, 1, span_of(id->at, ID_BYTES));
	db_int(stmt, 2, change->number);
	err = db_step(writer->db, stmt);
	if (err != ERR_OK) {
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	was = sqlite3_column_int64(stmt, 0);
	db_reset(stmt);
	err = nearest_namer(writer, id, &was);
	if (err == ERR_OK && was >= 0) {
		err = run_for_blob(writer, &sql_upload_drop, id, 0, 0, &is_changed);
	}
	return err == ERR_OK ? run_for_blob(writer, &sql_blob_keep, id,
				       was < BLOB_FAR ? BLOB_FAR : was, 0, &is_changed)
			     : err;
}

static enum err blobs_gone(struct writer *writer, const struct change *change)
{
	enum err err = ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < change->blob_count; i++) {
		const struct blob_news news = {.event = BLOB_GONE, .id = change->blobs[i]};
		bool is_changed = false;
		bool was_offered = false;
		err = run_for_blob(writer, &sql_blob_drop, &news.id, 0, 0, &is_changed);
		if (err == ERR_OK) {
			err = run_for_blob(
				writer, &sql_blob_push_drop, &news.id, 0, 0, &was_offered);
		}
		if (err == ERR_OK) {
			err = run_for_blob(writer, &sql_upload_drop, &news.id, 0, 0, &was_offered);
		}
		if (err == ERR_OK && is_changed) {
			err = tell(writer, &news);
		}
	}
	return err;
}

static enum err want(
	struct writer *writer, const struct blob_id *id, bool is_on, enum blob_keep keep_as)
{
	struct blob_news news = {.event = is_on ? BLOB_WANTED : BLOB_UNWANTED, .id = *id};
	bool is_changed = false;
	bool is_raised = false;
	uint64_t bytes = 0;
	int64_t keep = 0;
	keep_as = keep_as < BLOB_READ ? BLOB_READ : keep_as;
	enum err err = is_on ? look(writer, id, &bytes, &keep) : ERR_NOT_FOUND;
	if (err == ERR_OK) {
		err = run_for_blob(writer, &sql_upload_drop, id, 0, 0, &is_changed);
	}
	if (err == ERR_OK && keep < (int64_t)keep_as) {
		return run_for_blob(writer, &sql_blob_keep, id, keep_as, 0, &is_changed);
	}
	if (err != ERR_NOT_FOUND) {
		return err;
	}
	err = run_for_blob(writer, is_on ? &sql_blob_want_put : &sql_blob_want_drop, id,
		env_wall_ms(store_env(writer->store)), LIMIT_BLOB_WANTS, &is_changed);
	if (err == ERR_OK && is_on && keep_as > BLOB_READ) {
		err = run_for_blob(writer, &sql_blob_want_keep, id, keep_as, 0, &is_raised);
	}
	return err == ERR_OK && is_changed ? tell(writer, &news) : err;
}

enum err writer_blob_want(struct writer *writer, const struct blob_id *id, bool is_on)
{
	return want(writer, id, is_on, BLOB_READ);
}

enum err writer_blob_offer(struct writer *writer, const struct blob_id *id)
{
	struct blob_news news = {.event = BLOB_OFFERED, .id = *id};
	bool is_changed = false;
	int64_t keep = 0;
	enum err err = look(writer, id, &news.bytes, &keep);
	if (err != ERR_OK) {
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	err = run_for_blob(writer, &sql_blob_keep, id, BLOB_OWN, 0, &is_changed);
	if (err == ERR_OK) {
		err = run_for_blob(writer, &sql_upload_drop, id, 0, 0, &is_changed);
	}
	if (err == ERR_OK) {
		err = run_for_blob(writer, &sql_blob_push_put, id,
			env_wall_ms(store_env(writer->store)), 0, &is_changed);
	}
	return err == ERR_OK && is_changed ? tell(writer, &news) : err;
}

enum err writer_blob_wanted(void *ctx, const struct blob_id *id, bool is_on)
{
	return writer_blob_want(ctx, id, is_on);
}

enum err writer_blobs_offer(struct writer *writer, const struct message *message)
{
	struct blob_links links;
	enum err err = ERR_OK;
	blob_links_read(message->compact, &links);
	for (size_t i = 0; err == ERR_OK && i < links.count && i < LIMIT_BLOBS_PER_POST; i++) {
		err = writer_blob_offer(writer, &links.ids[i]);
	}
	return err;
}

enum err writer_blob_change(struct writer *writer, const struct change *change)
{
	int64_t now_ms = env_wall_ms(store_env(writer->store));
	bool is_changed = false;
	switch (change->kind) {
	case CHANGE_BLOB_PUT:
		return blob_put(writer, change);
	case CHANGE_BLOBS_GONE:
		return blobs_gone(writer, change);
	case CHANGE_BLOB_WANT:
		return want(
			writer, &change->blob, change->number != 0, (enum blob_keep)change->order);
	case CHANGE_BLOB_OFFER:
		return writer_blob_offer(writer, &change->blob);
	case CHANGE_BLOB_PUSHED:
		return run_for_blob(writer, &sql_blob_push_drop, &change->blob, 0, 0, &is_changed);
	case CHANGE_UPLOAD_OLD:
		return upload_old(writer, change);
	case CHANGE_BLOB_USED:
		return run_for_blob(writer, &sql_blob_used, &change->blob,
			now_ms - now_ms % HOUR_MS, 0, &is_changed);
	default: /* CHANGE_BLOB_KEEP */
		return run_for_blob(
			writer, &sql_blob_keep, &change->blob, change->number, 0, &is_changed);
	}
}
