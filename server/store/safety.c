/* Reading what the writer keeps about our own feed. */
#include "store/safety.h"

#include "store/reader_inside.h"

QUERY(sql_holders,
	"SELECT f.id, h.sequence, h.at, h.spell, h.told, h.is_confirmed FROM holders h "
	"CROSS JOIN feeds f ON f.feed = h.peer ORDER BY h.sequence DESC, h.at DESC LIMIT ?1");
QUERY(sql_witnesses,
	"SELECT name, sequence, key, at FROM witnesses ORDER BY sequence DESC LIMIT ?1");
QUERY(sql_drafts, "SELECT draft, at, content FROM drafts ORDER BY draft DESC LIMIT ?1");
QUERY(sql_draft, "SELECT content, nonce FROM drafts WHERE draft = ?1");
QUERY(sql_log, "SELECT at, event, sequence, text FROM safety_log ORDER BY entry DESC LIMIT ?1");
QUERY(sql_wants, "SELECT f.id FROM wants w CROSS JOIN feeds f ON f.feed = w.feed LIMIT ?1");
QUERY(sql_branches, "SELECT body FROM branch ORDER BY sequence, key LIMIT ?1");

/* Whom a row is given to; `on_row` is one of the functions below. */
struct holders_call {
	uint64_t spell;
	void (*on_holder)(void *ctx, const struct guard_holder *holder);
	void *ctx;
};

static void give_holder(void *ctx, sqlite3_stmt *stmt)
{
	const struct holders_call *call = ctx;
	bool is_of_spell = (uint64_t)sqlite3_column_int64(stmt, 3) == call->spell;
	struct guard_holder holder = {
		.sequence = (uint64_t)sqlite3_column_int64(stmt, 1),
		.seen_ms = sqlite3_column_int64(stmt, 2),
		.told = is_of_spell ? sqlite3_column_int64(stmt, 4) : -1,
		.agreement = is_of_spell ? (enum guard_agreement)sqlite3_column_int(stmt, 5)
					 : GUARD_UNASKED,
	};
	if (db_column_id(stmt, 0, holder.peer.at)) {
		call->on_holder(call->ctx, &holder);
	}
}

enum err reader_holders(struct reader *reader, uint64_t spell,
	void (*on_holder)(void *ctx, const struct guard_holder *holder), void *ctx)
{
	struct holders_call call = {.spell = spell, .on_holder = on_holder, .ctx = ctx};
	return reader_each(reader, &sql_holders, LIMIT_HOLDERS, NULL, give_holder, &call);
}

struct witnesses_call {
	void (*on_witness)(void *ctx, const struct witness_row *row);
	void *ctx;
};

static void give_witness(void *ctx, sqlite3_stmt *stmt)
{
	const struct witnesses_call *call = ctx;
	struct witness_row row = {
		.name = db_column(stmt, 0), .at_ms = sqlite3_column_int64(stmt, 3)};
	row.said.sequence = (uint64_t)sqlite3_column_int64(stmt, 1);
	row.said.has_key = db_column_id(stmt, 2, row.said.key.at);
	call->on_witness(call->ctx, &row);
}

enum err reader_witnesses(struct reader *reader,
	void (*on_witness)(void *ctx, const struct witness_row *row), void *ctx)
{
	struct witnesses_call call = {.on_witness = on_witness, .ctx = ctx};
	return reader_each(reader, &sql_witnesses, LIMIT_WITNESSES, NULL, give_witness, &call);
}

struct drafts_call {
	void (*on_draft)(void *ctx, const struct draft_row *row);
	void *ctx;
};

static void give_draft(void *ctx, sqlite3_stmt *stmt)
{
	const struct drafts_call *call = ctx;
	const struct draft_row row = {.draft = sqlite3_column_int64(stmt, 0),
		.at_ms = sqlite3_column_int64(stmt, 1),
		.content = db_column(stmt, 2)};
	call->on_draft(call->ctx, &row);
}

enum err reader_drafts(
	struct reader *reader, void (*on_draft)(void *ctx, const struct draft_row *row), void *ctx)
{
	struct drafts_call call = {.on_draft = on_draft, .ctx = ctx};
	return reader_each(reader, &sql_drafts, LIMIT_DRAFTS, NULL, give_draft, &call);
}

enum err reader_draft(struct reader *reader, int64_t draft, struct buf *content, struct buf *nonce)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, &sql_draft, &stmt);
	if (err == ERR_OK) {
		db_int(stmt, 1, draft);
		err = db_step(reader->db, stmt);
	}
	if (err == ERR_OK) {
		err = buf_append(content, db_column(stmt, 0));
		if (err == ERR_OK) {
			err = buf_append(nonce, db_column(stmt, 1));
		}
		db_reset(stmt);
	}
	return reader_end(reader, err);
}

struct log_call {
	void (*on_entry)(void *ctx, const struct log_row *row);
	void *ctx;
};

static void give_entry(void *ctx, sqlite3_stmt *stmt)
{
	const struct log_call *call = ctx;
	const struct log_row row = {.at_ms = sqlite3_column_int64(stmt, 0),
		.event = db_column(stmt, 1),
		.sequence = (uint64_t)sqlite3_column_int64(stmt, 2),
		.text = db_column(stmt, 3)};
	call->on_entry(call->ctx, &row);
}

enum err reader_safety_log(struct reader *reader, size_t count_max,
	void (*on_entry)(void *ctx, const struct log_row *row), void *ctx)
{
	struct log_call call = {.on_entry = on_entry, .ctx = ctx};
	return reader_each(reader, &sql_log, (int64_t)count_max, NULL, give_entry, &call);
}

struct wants_call {
	void (*on_want)(void *ctx, const struct feed_id *feed);
	void *ctx;
};

static void give_want(void *ctx, sqlite3_stmt *stmt)
{
	const struct wants_call *call = ctx;
	struct feed_id feed;
	if (db_column_id(stmt, 0, feed.at)) {
		call->on_want(call->ctx, &feed);
	}
}

enum err reader_wants(
	struct reader *reader, void (*on_want)(void *ctx, const struct feed_id *feed), void *ctx)
{
	struct wants_call call = {.on_want = on_want, .ctx = ctx};
	return reader_each(reader, &sql_wants, LIMIT_WANTS, NULL, give_want, &call);
}

struct branch_call {
	void (*on_message)(void *ctx, struct span compact);
	void *ctx;
};

static void give_branch(void *ctx, sqlite3_stmt *stmt)
{
	const struct branch_call *call = ctx;
	call->on_message(call->ctx, db_column(stmt, 0));
}

enum err reader_branch(
	struct reader *reader, void (*on_message)(void *ctx, struct span compact), void *ctx)
{
	struct branch_call call = {.on_message = on_message, .ctx = ctx};
	return reader_each(reader, &sql_branches, LIMIT_BRANCH_MESSAGES, NULL, give_branch, &call);
}
