/* Rows of the full-text table. They are written from here and not by triggers, which a schema that
 * is not trusted does not have. */
#include "store/search_rows.h"

#include "base/limits.h"
#include "feed/tag.h"
#include "store/search_text.h"
#include "store/search_words.h"

enum { ROW_BYTES_MAX = 4 * LIMIT_MESSAGE_BYTES };

QUERY(sql_words_add, "INSERT INTO search (rowid, words) VALUES (?1, ?2)");
QUERY(sql_words_drop, "INSERT INTO search (search, rowid, words) VALUES ('delete', ?1, ?2)");
QUERY(sql_words_clear, "INSERT INTO search (search) VALUES ('delete-all')");
QUERY(sql_words_touch, "INSERT INTO search (search, rank) VALUES ('merge', 1)");
QUERY(sql_word_parts_touch, "INSERT INTO word_parts (word_parts, rank) VALUES ('merge', 1)");
QUERY(sql_word_list_clear, "DELETE FROM words");
QUERY(sql_word_parts_clear, "INSERT INTO word_parts (word_parts) VALUES ('delete-all')");

static enum err put_mark(const char *mark, struct buf *out)
{
	enum err err = buf_append_text(out, " ");
	return err == ERR_OK ? buf_append_text(out, mark) : err;
}

static enum err put_marks(const struct search_entry *entry, struct buf *out)
{
	char mark[SEARCH_MARK_BYTES];
	struct span rest = entry->tags;
	search_mark_author(entry->feed, mark);
	enum err err = put_mark(mark, out);
	for (const char *tag = tag_set_next(&rest); err == ERR_OK && tag != NULL;
		tag = tag_set_next(&rest)) {
		search_mark_tag(tag, mark);
		err = put_mark(mark, out);
	}
	return err;
}

static enum err run(struct db *db, const struct query *query, int64_t row, struct span text)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(db, query, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	if (row != 0) {
		db_int(stmt, 1, row);
		db_text(stmt, 2, text);
	}
	return db_run(db, stmt);
}

static enum err change(struct db *db, const struct search_entry *entry, bool is_put)
{
	struct buf words = BUF_INIT(ROW_BYTES_MAX);
	if (!search_has_room(entry->message)) {
		return ERR_OK;
	}
	enum err err = search_text_write(entry->text, &words);
	if (err == ERR_OK && is_put) {
		err = search_words_note(db, buf_span(&words));
	}
	if (err == ERR_OK) {
		err = put_marks(entry, &words);
	}
	if (err == ERR_OK) {
		err = run(db, is_put ? &sql_words_add : &sql_words_drop,
			search_row(entry->message, entry->at_ms), buf_span(&words));
	}
	buf_fini(&words);
	return err;
}

enum err search_row_put(struct db *db, const struct search_entry *entry)
{
	return change(db, entry, true);
}

enum err search_row_drop(struct db *db, const struct search_entry *entry)
{
	return change(db, entry, false);
}

/*
 * FTS5 reads the sums of a table with a statement of its own, and believes them to be read also
 * when there was no memory for it (fts5StorageLoadTotals). A rollback makes it forget them, but not
 * the one that SQLite did inside of that very statement, before the belief. The sums are zeros
 * then: the next row that is dropped is refused as damage, and the next that is put writes them so.
 * A transaction that has touched the table and is undone makes it forget.
 */
enum err search_rows_settle(struct db *db)
{
	enum err err = db_begin(db);
	if (err == ERR_OK) {
		err = run(db, &sql_words_touch, 0, span_of(NULL, 0));
	}
	if (err == ERR_OK) {
		err = run(db, &sql_word_parts_touch, 0, span_of(NULL, 0));
	}
	if (err == ERR_OK) {
		db_is_settled(db);
	}
	db_rollback(db);
	return err;
}

enum err search_rows_clear(struct db *db)
{
	static const struct query *const all[] = {
		&sql_words_clear, &sql_word_list_clear, &sql_word_parts_clear};
	enum err err = ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < sizeof(all) / sizeof(all[0]); i++) {
		err = run(db, all[i], 0, span_of(NULL, 0));
	}
	return err;
}
