/*
 * What is found of one feed's messages: the rows of the full text by the mark of their author, the
 * words of its posts in the list of words, and tags. The full text keeps no texts, so that a row
 * has just the right words cannot be seen; that there is one for each post, and none besides, can.
 */
#include "store/audit_inside.h"

#include "base/limits.h"
#include "feed/tag.h"
#include "store/ahead.h"
#include "store/search_rows.h"
#include "store/search_text.h"
#include "store/search_words.h"

#include <stdio.h>

QUERY(sql_audit_words, "SELECT rowid FROM search WHERE words MATCH ?1");
QUERY(sql_audit_words_due, "SELECT message, at FROM posts WHERE feed = ?1");
QUERY(sql_audit_word, "SELECT 1 FROM words WHERE text = ?1");
QUERY(sql_audit_tag, "SELECT 1 FROM tags WHERE tag = ?1 AND at = ?2 AND message = ?3");
/* SCAN: once, to see whether there are tags that no post has, and whether they are counted. */
QUERY(sql_audit_tags, "SELECT count(*) FROM tags WHERE message < 281474976710656");
QUERY(sql_audit_tags_all, "SELECT count(*) FROM tags");
QUERY(sql_audit_tag_counts, "SELECT coalesce(sum(n), 0) FROM tag_counts");

/* Row numbers made unlike each other, so that their sum tells which they were. */
static uint64_t mix(int64_t row)
{
	uint64_t x = (uint64_t)row * 0x9e3779b97f4a7c15;
	return (x ^ x >> 29) * 0xbf58476d1ce4e5b9;
}

static enum err is_there(struct db *db, sqlite3_stmt *stmt, bool *out)
{
	enum err err = db_step(db, stmt);
	*out = err == ERR_OK;
	if (err == ERR_OK) {
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err look_at_word(void *ctx, struct span word)
{
	struct audit_subject *subject = ctx;
	sqlite3_stmt *stmt = NULL;
	bool is_listed = false;
	if (!search_is_listed(word)) {
		return ERR_OK;
	}
	enum err err = db_query(subject->reader->db, &sql_audit_word, &stmt);
	if (err == ERR_OK) {
		db_text(stmt, 1, word);
		err = is_there(subject->reader->db, stmt, &is_listed);
	}
	subject->words.missing += err == ERR_OK && !is_listed;
	return err;
}

static enum err look_at_text(struct audit_subject *subject, struct span text)
{
	struct buf words = BUF_INIT(4 * LIMIT_MESSAGE_BYTES);
	enum err err = search_text_write(text, &words);
	if (err == ERR_OK) {
		err = search_words_of(subject->reader->db, buf_span(&words), look_at_word, subject);
	}
	buf_fini(&words);
	return err;
}

static enum err look_at_tags(struct audit_subject *subject, const struct content_post *post,
	int64_t message, int64_t at_ms)
{
	struct tags tags;
	enum err err = ERR_OK;
	tag_set_of(post, &tags);
	struct span rest = tag_set_span(&tags);
	for (const char *tag = tag_set_next(&rest); err == ERR_OK && tag != NULL;
		tag = tag_set_next(&rest)) {
		sqlite3_stmt *stmt = NULL;
		bool is_held = false;
		err = db_query(subject->reader->db, &sql_audit_tag, &stmt);
		if (err == ERR_OK) {
			db_text(stmt, 1, span_text(tag));
			db_int(stmt, 2, at_ms);
			db_int(stmt, 3, message);
			err = is_there(subject->reader->db, stmt, &is_held);
		}
		subject->words.tags += is_held;
		subject->words.tags_missing += err == ERR_OK && !is_held;
	}
	return err;
}

enum err audit_words_note(struct audit_subject *subject, sqlite3_stmt *stmt,
	const struct message *message, const struct content *content)
{
	int64_t row = sqlite3_column_int64(stmt, 0);
	int64_t at_ms = index_at_ms(message->timestamp, sqlite3_column_int64(stmt, 4));
	bool has_row = sqlite3_column_type(stmt, 6) != SQLITE_NULL;
	if (content->type != CONTENT_POST || !has_row || !search_has_room(row)) {
		return ERR_OK;
	}
	enum err err = look_at_tags(subject, &content->post, row, at_ms);
	return err == ERR_OK ? look_at_text(subject, content->post.text) : err;
}

/* One row for each post there is. */
static enum err count_due(struct audit_subject *subject, uint64_t *rows, uint64_t *sum)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(subject->reader->db, &sql_audit_words_due, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, subject->feed);
	while ((err = db_step(subject->reader->db, stmt)) == ERR_OK) {
		int64_t message = sqlite3_column_int64(stmt, 0);
		if (search_has_room(message)) {
			*rows += 1;
			*sum += mix(search_row(message, sqlite3_column_int64(stmt, 1)));
		}
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err compare_rows(struct audit_subject *subject)
{
	char mark[SEARCH_MARK_BYTES];
	char match[SEARCH_MARK_BYTES + 2];
	sqlite3_stmt *stmt = NULL;
	uint64_t rows = 0;
	uint64_t sum = 0;
	uint64_t rows_due = 0;
	uint64_t sum_due = 0;
	search_mark_author(subject->feed, mark);
	(void)snprintf(match, sizeof(match), "\"%s\"", mark);
	enum err err = count_due(subject, &rows_due, &sum_due);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(subject->reader->db, &sql_audit_words, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_text(stmt, 1, span_text(match));
	while ((err = db_step(subject->reader->db, stmt)) == ERR_OK) {
		rows++;
		sum += mix(sqlite3_column_int64(stmt, 0));
	}
	if (err == ERR_NOT_FOUND && (rows != rows_due || sum != sum_due)) {
		audit_fault(subject->audit, AUDIT_VIEW,
			"The words of the posts by %s are not what is searched.", subject->text);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err audit_words_check(struct audit_subject *subject)
{
	if (subject->words.tags_missing > 0) {
		audit_fault(subject->audit, AUDIT_VIEW,
			"%zu tags of posts by %s are missing from the list of tags.",
			subject->words.tags_missing, subject->text);
	}
	if (subject->words.missing > 0) {
		audit_fault(subject->audit, AUDIT_VIEW,
			"%zu words of posts by %s are missing from the list of words.",
			subject->words.missing, subject->text);
	}
	return compare_rows(subject);
}

enum err audit_tags(struct reader *reader, struct audit *audit, int64_t expected)
{
	int64_t held = 0;
	int64_t all = 0;
	int64_t counted = 0;
	enum err err = audit_number(reader, &sql_audit_tags, &held);
	if (err == ERR_OK) {
		err = audit_number(reader, &sql_audit_tags_all, &all);
	}
	if (err == ERR_OK) {
		err = audit_number(reader, &sql_audit_tag_counts, &counted);
	}
	if (err == ERR_OK && expected >= 0 && held > expected) {
		audit_fault(audit, AUDIT_VIEW, "The list of tags has %lld that no post has.",
			(long long)(held - expected));
	}
	if (err == ERR_OK && all != counted) {
		audit_fault(audit, AUDIT_VIEW, "The tags are counted wrongly.");
	}
	return err;
}
