/* Reading two small tables, whole or one row of them. */
#include "store/writing.h"

#include "store/reader_inside.h"

/* SCAN: at most LIMIT_WRITINGS rows and as many that are done with; at most LIMIT_OUTBOX. */
QUERY(sql_writings, "SELECT name, at, rev, body FROM writing WHERE iif(length(?1) = 0, "
		    "length(body) > 0, name = ?1) ORDER BY at DESC");
QUERY(sql_held, "SELECT nonce, at, due, body FROM outbox WHERE length(?1) = 0 OR nonce = ?1 ORDER "
		"BY due, at, nonce");

struct writing_call {
	void (*on_writing)(void *ctx, const struct writing_row *row);
	void *ctx;
};

static void give_writing(void *ctx, sqlite3_stmt *stmt)
{
	const struct writing_call *call = ctx;
	const struct writing_row row = {.name = db_column(stmt, 0),
		.at_ms = sqlite3_column_int64(stmt, 1),
		.rev = (uint64_t)sqlite3_column_int64(stmt, 2),
		.body = db_column(stmt, 3)};
	call->on_writing(call->ctx, &row);
}

enum err reader_writing(struct reader *reader, struct span name,
	void (*on_writing)(void *ctx, const struct writing_row *row), void *ctx)
{
	struct writing_call call = {.on_writing = on_writing, .ctx = ctx};
	return reader_each(reader, &sql_writings, 0, &name, give_writing, &call);
}

struct outbox_call {
	void (*on_held)(void *ctx, const struct outbox_row *row);
	void *ctx;
};

static void give_held(void *ctx, sqlite3_stmt *stmt)
{
	const struct outbox_call *call = ctx;
	const struct outbox_row row = {.nonce = db_column(stmt, 0),
		.at_ms = sqlite3_column_int64(stmt, 1),
		.due_ms = sqlite3_column_int64(stmt, 2),
		.body = db_column(stmt, 3)};
	call->on_held(call->ctx, &row);
}

enum err reader_outbox(struct reader *reader, struct span nonce,
	void (*on_held)(void *ctx, const struct outbox_row *row), void *ctx)
{
	struct outbox_call call = {.on_held = on_held, .ctx = ctx};
	return reader_each(reader, &sql_held, 0, &nonce, give_held, &call);
}
