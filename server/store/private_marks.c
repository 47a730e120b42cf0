/*
 * One row for each conversation, of one length whatever is in it:
 *
 *   1 version, 1 flags, 8 × 4 places (read, hidden), 1 how many people, 32 × 7 people
 */
#include "store/private_marks.h"

#include "store/reader_inside.h"

#include <sodium.h>

#define PURPOSE "mark"

enum {
	VERSION = 1,
	FLAG_READ = 1,
	FLAG_ACCEPTED = 2,
	FLAG_HIDDEN = 4,
	AT_PLACES = 2,
	AT_COUNT = AT_PLACES + 4 * 8,
	AT_PEOPLE = AT_COUNT + 1,
	PLAIN_BYTES = AT_PEOPLE + LIMIT_BOX_RECIPIENTS * ID_BYTES,
};

/* SCAN: all marks, at most LIMIT_PRIVATE_MARKS. */
QUERY(sql_private_marks, "SELECT name, sealed FROM private_marks WHERE length(?1) = 0");
QUERY(sql_private_mark, "SELECT name, sealed FROM private_marks WHERE name = ?1");

static void put_i64(uint8_t *at, int64_t value)
{
	uint64_t bits = (uint64_t)value;
	for (size_t i = 0; i < 8; i++) {
		at[i] = (uint8_t)(bits >> (8 * i));
	}
}

static int64_t get_i64(const uint8_t *at)
{
	uint64_t bits = 0;
	for (size_t i = 0; i < 8; i++) {
		bits |= (uint64_t)at[i] << (8 * i);
	}
	return (int64_t)bits;
}

static void write_mark(const struct private_decision *mark, uint8_t out[static PLAIN_BYTES])
{
	memset(out, 0, PLAIN_BYTES);
	out[0] = VERSION;
	out[1] = (uint8_t)((mark->is_read ? FLAG_READ : 0) |
			   (mark->is_accepted ? FLAG_ACCEPTED : 0) |
			   (mark->is_hidden ? FLAG_HIDDEN : 0));
	put_i64(out + AT_PLACES, mark->read.at_ms);
	put_i64(out + AT_PLACES + 8, mark->read.order);
	put_i64(out + AT_PLACES + 16, mark->hidden.at_ms);
	put_i64(out + AT_PLACES + 24, mark->hidden.order);
	out[AT_COUNT] = (uint8_t)mark->with_count;
	memcpy(out + AT_PEOPLE, mark->with, mark->with_count * ID_BYTES);
}

static bool read_mark(struct span plain, struct private_decision *out)
{
	if (plain.len != PLAIN_BYTES || plain.at[0] != VERSION ||
		plain.at[AT_COUNT] > LIMIT_BOX_RECIPIENTS) {
		return false;
	}
	out->is_read = (plain.at[1] & FLAG_READ) != 0;
	out->is_accepted = (plain.at[1] & FLAG_ACCEPTED) != 0;
	out->is_hidden = (plain.at[1] & FLAG_HIDDEN) != 0;
	out->read.at_ms = get_i64(plain.at + AT_PLACES);
	out->read.order = get_i64(plain.at + AT_PLACES + 8);
	out->hidden.at_ms = get_i64(plain.at + AT_PLACES + 16);
	out->hidden.order = get_i64(plain.at + AT_PLACES + 24);
	out->with_count = plain.at[AT_COUNT];
	memcpy(out->with, plain.at + AT_PEOPLE, out->with_count * ID_BYTES);
	return true;
}

struct reading {
	struct private_book *book;
	void (*on_mark)(void *ctx, const struct private_decision *mark);
	void *ctx;
	enum err err;
};

/* A row of another key, as after a node got one, says nothing. */
static void give(void *ctx, sqlite3_stmt *stmt)
{
	struct reading *reading = ctx;
	struct private_decision mark = {.is_read = false};
	struct buf plain = BUF_INIT(PLAIN_BYTES);
	if (reading->err != ERR_OK || !db_column_id(stmt, 0, mark.name.at)) {
		return;
	}
	enum err err = private_unseal(reading->book, PURPOSE, db_column(stmt, 1), &plain);
	if (err == ERR_NOMEM) {
		reading->err = err;
	} else if (err == ERR_OK && read_mark(buf_span(&plain), &mark)) {
		reading->on_mark(reading->ctx, &mark);
	}
	buf_wipe(&plain);
}

static enum err read_rows(
	struct reader *reader, const struct query *query, struct span name, struct reading *reading)
{
	enum err err = reader_each(reader, query, 0, &name, give, reading);
	return err == ERR_OK ? reading->err : err;
}

enum err private_marks_each(struct private_book *book, struct reader *reader,
	void (*on_mark)(void *ctx, const struct private_decision *mark), void *ctx)
{
	struct reading reading = {.book = book, .on_mark = on_mark, .ctx = ctx};
	return read_rows(reader, &sql_private_marks, span_text(""), &reading);
}

static void take(void *ctx, const struct private_decision *mark)
{
	*(struct private_decision *)ctx = *mark;
}

enum err private_mark_read(struct private_book *book, struct reader *reader,
	const struct private_name *name, struct private_decision *out)
{
	struct reading reading = {.book = book, .on_mark = take, .ctx = out};
	*out = (struct private_decision){.name = *name};
	return read_rows(reader, &sql_private_mark, span_of(name->at, sizeof(name->at)), &reading);
}

enum err private_mark_put(
	struct private_book *book, struct writer *writer, const struct private_decision *mark)
{
	uint8_t plain[PLAIN_BYTES];
	struct buf sealed = BUF_INIT(LIMIT_PRIVATE_MARK_BYTES);
	struct change change = {.kind = CHANGE_PRIVATE_MARK};
	write_mark(mark, plain);
	enum err err = private_seal(book, PURPOSE, span_of(plain, sizeof(plain)), &sealed);
	if (err == ERR_OK) {
		memcpy(change.key.at, mark->name.at, ID_BYTES);
		change.text = buf_span(&sealed);
		err = writer_change_wait(writer, &change);
	}
	sodium_memzero(plain, sizeof(plain));
	buf_fini(&sealed);
	return err;
}
