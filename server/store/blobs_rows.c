/* What is asked about blobs: rows, sums, wants and pushes, each over a reader's connection. */
#include "store/blobs.h"
#include "store/reader_inside.h"

#include <stdio.h>

QUERY(sql_blob_row, "SELECT id, bytes, at, used, keep, type FROM blobs WHERE id = ?1");
QUERY(sql_blob_rows,
	"SELECT id, bytes, at, used, keep, type FROM blobs WHERE id > ?1 ORDER BY id LIMIT 256");
QUERY(sql_blobs_unused,
	"SELECT id, bytes, at, used, keep, type FROM blobs WHERE keep = ?1 ORDER BY "
	"used, id");
/* SCAN: of the index by `keep` there is no sum; asked for by people only. */
QUERY(sql_blobs_sum, "SELECT keep, count(*), sum(bytes) FROM blobs GROUP BY keep");
/* SCAN: all of it is asked for, at most LIMIT_BLOB_WANTS rows. */
QUERY(sql_blob_wants, "SELECT id, at FROM blob_wants ORDER BY at");
QUERY(sql_blob_wanted, "SELECT at FROM blob_wants WHERE id = ?1");
/* SCAN: all of it is asked for. */
QUERY(sql_blob_pushes, "SELECT id, at FROM blob_pushes ORDER BY at");

QUERY(sql_uploads,
	"SELECT u.id, b.keep FROM uploads u CROSS JOIN blobs b ON b.id = u.id WHERE u.id > ?1 AND "
	"u.at < ?2 AND NOT EXISTS (SELECT 1 FROM behind) ORDER BY u.id LIMIT ?3");

QUERY(sql_blob_near,
	"SELECT l.feed FROM blob_links l LEFT JOIN contacts c ON c.feed = 1 AND c.about = l.feed "
	"WHERE l.blob = ?1 AND (l.feed = 1 OR c.edge = 1) LIMIT 1");

static bool row_from(sqlite3_stmt *stmt, struct blob_row *out)
{
	struct span type = db_column(stmt, 5);
	*out = (struct blob_row){.bytes = (uint64_t)sqlite3_column_int64(stmt, 1),
		.at_ms = sqlite3_column_int64(stmt, 2),
		.used_ms = sqlite3_column_int64(stmt, 3),
		.keep = (enum blob_keep)sqlite3_column_int64(stmt, 4)};
	if (type.len >= sizeof(out->type) || out->keep > BLOB_OWN) {
		return false;
	}
	if (type.len > 0) {
		memcpy(out->type, type.at, type.len);
	}
	return db_column_id(stmt, 0, out->id.at);
}

/* The one row a query finds by an id. */
static enum err find(struct reader *reader, const struct query *query, const struct blob_id *id,
	sqlite3_stmt **stmt)
{
	enum err err = db_query(reader->db, query, stmt);
	if (err == ERR_OK) {
		db_blob(*stmt, 1, span_of(id->at, ID_BYTES));
		err = db_step(reader->db, *stmt);
	}
	return err;
}

enum err blobs_look(struct reader *reader, const struct blob_id *id, struct blob_row *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = find(reader, &sql_blob_row, id, &stmt);
	if (err == ERR_OK) {
		err = row_from(stmt, out) ? ERR_OK : ERR_IO;
		db_reset(stmt);
	}
	return reader_end(reader, err);
}

/* Rows of a bound statement, until `on_row` has enough (`*is_over`) or there are no more. */
static enum err give_rows(struct reader *reader, sqlite3_stmt *stmt, struct blob_row *last,
	bool (*on_row)(void *ctx, const struct blob_row *row), void *ctx, bool *is_over)
{
	enum err err = ERR_OK;
	size_t count = 0;
	*is_over = false;
	while (!*is_over && (err = db_step(reader->db, stmt)) == ERR_OK) {
		count++;
		if (!row_from(stmt, last)) {
			err = ERR_IO;
			break;
		}
		*is_over = !on_row(ctx, last);
	}
	db_reset(stmt);
	*is_over = *is_over || count == 0;
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* In pieces, so that no transaction is long, and what is done with a row may take its time. */
enum err blobs_list(struct reader *reader, const struct blob_id *after,
	bool (*on_row)(void *ctx, const struct blob_row *row), void *ctx)
{
	struct blob_row last = {.bytes = 0};
	bool is_over = false;
	enum err err = ERR_OK;
	if (after != NULL) {
		last.id = *after;
	}
	while (err == ERR_OK && !is_over) {
		sqlite3_stmt *stmt = NULL;
		const struct blob_id from = last.id;
		err = reader_begin(reader);
		if (err != ERR_OK) {
			break;
		}
		err = db_query(reader->db, &sql_blob_rows, &stmt);
		if (err == ERR_OK) {
			db_blob(stmt, 1, span_of(from.at, ID_BYTES));
			err = give_rows(reader, stmt, &last, on_row, ctx, &is_over);
		}
		err = reader_end(reader, err);
	}
	return err;
}

enum err blobs_unused(struct reader *reader, enum blob_keep keep,
	bool (*on_row)(void *ctx, const struct blob_row *row), void *ctx)
{
	sqlite3_stmt *stmt = NULL;
	struct blob_row row;
	bool is_over = false;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, &sql_blobs_unused, &stmt);
	if (err == ERR_OK) {
		db_int(stmt, 1, keep);
		err = give_rows(reader, stmt, &row, on_row, ctx, &is_over);
	}
	return reader_end(reader, err);
}

enum err blobs_sum(struct reader *reader, struct blob_sums *out)
{
	sqlite3_stmt *stmt = NULL;
	*out = (struct blob_sums){.count = {0}};
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, &sql_blobs_sum, &stmt);
	while (err == ERR_OK && (err = db_step(reader->db, stmt)) == ERR_OK) {
		int64_t keep = sqlite3_column_int64(stmt, 0);
		if (keep >= 0 && keep <= BLOB_OWN) {
			out->count[keep] = (uint64_t)sqlite3_column_int64(stmt, 1);
			out->bytes[keep] = (uint64_t)sqlite3_column_int64(stmt, 2);
		}
	}
	return reader_end(reader, err == ERR_NOT_FOUND ? ERR_OK : err);
}

static enum err give_times(struct reader *reader, const struct query *query,
	void (*on_row)(void *ctx, const struct blob_id *id, int64_t at_ms), void *ctx)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, query, &stmt);
	while (err == ERR_OK && (err = db_step(reader->db, stmt)) == ERR_OK) {
		struct blob_id id;
		if (db_column_id(stmt, 0, id.at)) {
			on_row(ctx, &id, sqlite3_column_int64(stmt, 1));
		}
	}
	return reader_end(reader, err == ERR_NOT_FOUND ? ERR_OK : err);
}

enum err blobs_wants(struct reader *reader,
	void (*on_want)(void *ctx, const struct blob_id *id, int64_t at_ms), void *ctx)
{
	return give_times(reader, &sql_blob_wants, on_want, ctx);
}

enum err blobs_pushes(struct reader *reader,
	void (*on_push)(void *ctx, const struct blob_id *id, int64_t at_ms), void *ctx)
{
	return give_times(reader, &sql_blob_pushes, on_push, ctx);
}

enum err blobs_uploads(struct reader *reader, int64_t before_ms, const struct blob_id *after,
	struct blob_upload *out, size_t room, size_t *count)
{
	const struct blob_id first = {{0}};
	sqlite3_stmt *stmt = NULL;
	*count = 0;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, &sql_uploads, &stmt);
	if (err == ERR_OK) {
		db_blob(stmt, 1, span_of(after == NULL ? first.at : after->at, ID_BYTES));
		db_int(stmt, 2, before_ms);
		db_int(stmt, 3, (int64_t)room);
	}
	while (err == ERR_OK && *count < room && (err = db_step(reader->db, stmt)) == ERR_OK) {
		out[*count].keep = (enum blob_keep)sqlite3_column_int64(stmt, 1);
		*count += db_column_id(stmt, 0, out[*count].id.at) ? 1 : 0;
	}
	if (stmt != NULL) {
		db_reset(stmt);
	}
	return reader_end(reader, err == ERR_NOT_FOUND ? ERR_OK : err);
}

enum err blobs_wanted(struct reader *reader, const struct blob_id *id, int64_t *at_ms)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = find(reader, &sql_blob_wanted, id, &stmt);
	if (err == ERR_OK) {
		*at_ms = sqlite3_column_int64(stmt, 0);
		db_reset(stmt);
	}
	return reader_end(reader, err);
}

enum err blobs_is_near(struct reader *reader, const struct blob_id *id, bool *is_near)
{
	sqlite3_stmt *stmt = NULL;
	*is_near = false;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, &sql_blob_near, &stmt);
	if (err == ERR_OK) {
		db_int(stmt, 1, db_key_head(id->at));
		err = db_step(reader->db, stmt);
		*is_near = err == ERR_OK;
		db_reset(stmt);
	}
	return reader_end(reader, err == ERR_NOT_FOUND ? ERR_OK : err);
}
