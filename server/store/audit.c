/*
 * The audit believes nothing: each body is verified again as a stranger's, its key compared with
 * the row's, its link with the message before, and the derived rows with what the body says. It
 * reads a few hundred messages at a time, so that no read transaction holds the WAL of a running
 * node for long; what is appended meanwhile is not looked at.
 */
#include "store/audit.h"

#include "base/limits.h"
#include "feed/content.h"
#include "store/index.h"
#include "store/reader_inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { AUDIT_CHUNK = 256, AUDIT_SENTENCE_BYTES = 512 };

QUERY(sql_quick_check, "PRAGMA quick_check(10)");
QUERY(sql_audit_feeds, "SELECT feed, id, sequence, head FROM feeds WHERE feed > ?1 AND sequence > "
		       "0 ORDER BY feed LIMIT 1");
QUERY(sql_audit_messages, "SELECT m.message, m.sequence, m.key_head, m.key_tail, m.received, "
			  "m.body, p.at, p.root, p.fork, p.home FROM messages m "
			  "LEFT JOIN posts p ON p.message = m.message WHERE m.feed = ?1 AND "
			  "m.sequence > ?2 AND m.sequence <= ?3 ORDER BY m.sequence LIMIT ?4");
QUERY(sql_audit_edge, "SELECT edge FROM contacts WHERE feed = 1 AND about = ?1");

struct subject {
	struct audit *audit;
	struct reader *reader;
	const uint8_t *hmac_key;
	int64_t feed;
	struct feed_id id;
	char text[FEED_ID_TEXT_BYTES];
	struct chain_head claimed; /* what the table of feeds says */
	struct chain_head head;    /* what the messages say so far */
	enum contact_edge mine;
	bool is_broken; /* one sentence per broken chain is enough */
};

static void fault(struct audit *audit, const char *format, ...) PRINTF_LIKE(2, 3);
static void fault(struct audit *audit, const char *format, ...)
{
	char sentence[AUDIT_SENTENCE_BYTES];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	audit->faults++;
	if (audit->on_fault != NULL) {
		audit->on_fault(audit->ctx, sentence);
	}
}

static bool head_is(sqlite3_stmt *stmt, int at, bool is_there, const struct message_id *id)
{
	bool is_null = sqlite3_column_type(stmt, at) == SQLITE_NULL;
	return is_there ? !is_null && sqlite3_column_int64(stmt, at) == db_key_head(id->at)
			: is_null;
}

/* Is the row of `posts` what the message says? */
static void check_views(struct subject *subject, sqlite3_stmt *stmt, const struct message *message)
{
	struct content content;
	content_read(message, &content);
	bool is_shown = content.type == CONTENT_POST && subject->mine != EDGE_BLOCK;
	bool has_row = sqlite3_column_type(stmt, 6) != SQLITE_NULL;
	if (is_shown != has_row) {
		fault(subject->audit, "Message %llu of %s is %s the list of posts.",
			(unsigned long long)message->sequence, subject->text,
			is_shown ? "missing from" : "wrongly in");
		return;
	}
	bool is_home = subject->feed == FEED_SELF || subject->mine == EDGE_FOLLOW;
	if (is_shown && (sqlite3_column_int64(stmt, 6) != index_at_ms(message->timestamp,
								  sqlite3_column_int64(stmt, 4)) ||
				!head_is(stmt, 7, content.post.has_root, &content.post.root) ||
				!head_is(stmt, 8, content.post.has_fork, &content.post.fork) ||
				(sqlite3_column_int(stmt, 9) != 0) != is_home)) {
		fault(subject->audit, "The list of posts tells message %llu of %s wrongly.",
			(unsigned long long)message->sequence, subject->text);
	}
}

static enum err check_message(struct subject *subject, sqlite3_stmt *stmt)
{
	struct message *message = NULL;
	const char *why = "";
	struct message_id key;
	uint64_t sequence = (uint64_t)sqlite3_column_int64(stmt, 1);
	struct span body = db_column(stmt, 5);
	subject->audit->messages++;
	enum err err = message_verify(body, subject->hmac_key, &message, &why);
	if (err == ERR_NOMEM) {
		return err;
	}
	if (err != ERR_OK) {
		fault(subject->audit, "Message %llu of %s is not valid: %s.",
			(unsigned long long)sequence, subject->text, why);
		subject->is_broken = true;
		return ERR_OK;
	}
	if (!feed_id_equal(&message->author, &subject->id) || message->sequence != sequence) {
		fault(subject->audit, "In the place of message %llu of %s stands another message.",
			(unsigned long long)sequence, subject->text);
	}
	if (!db_column_key(stmt, 2, 3, &key) || !message_id_equal(&key, &message->key)) {
		fault(subject->audit,
			"Message %llu of %s is stored under a key that is not its own.",
			(unsigned long long)sequence, subject->text);
	}
	if (!span_equal(body, message->compact)) {
		fault(subject->audit, "Message %llu of %s is not stored in its canonical form.",
			(unsigned long long)sequence, subject->text);
	}
	if (!subject->is_broken && chain_judge(&subject->head, message) != CHAIN_NEXT) {
		fault(subject->audit, "Message %llu of %s does not follow message %llu: %s.",
			(unsigned long long)sequence, subject->text,
			(unsigned long long)subject->head.sequence,
			chain_text(chain_judge(&subject->head, message)));
	}
	subject->is_broken = false;
	subject->head = (struct chain_head){
		.sequence = sequence, .key = message->key, .timestamp = message->timestamp};
	check_views(subject, stmt, message);
	message_free(message);
	return ERR_OK;
}

static enum err check_chunk(struct subject *subject, uint64_t *after, size_t *count)
{
	sqlite3_stmt *stmt = NULL;
	*count = 0;
	enum err err = reader_begin(subject->reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(subject->reader->db, &sql_audit_edge, &stmt);
	if (err == ERR_OK) {
		db_int(stmt, 1, subject->feed);
		err = db_step(subject->reader->db, stmt);
		subject->mine = err == ERR_OK ? (enum contact_edge)sqlite3_column_int(stmt, 0)
					      : EDGE_NEITHER;
		db_reset(stmt);
	}
	if (err == ERR_OK || err == ERR_NOT_FOUND) {
		err = db_query(subject->reader->db, &sql_audit_messages, &stmt);
	}
	if (err == ERR_OK) {
		db_int(stmt, 1, subject->feed);
		db_int(stmt, 2, (int64_t)*after);
		db_int(stmt, 3, (int64_t)subject->claimed.sequence);
		db_int(stmt, 4, AUDIT_CHUNK);
	}
	while (err == ERR_OK && (err = db_step(subject->reader->db, stmt)) == ERR_OK) {
		(*count)++;
		*after = (uint64_t)sqlite3_column_int64(stmt, 1);
		err = check_message(subject, stmt);
	}
	if (stmt != NULL) {
		db_reset(stmt);
	}
	return reader_end(subject->reader, err == ERR_NOT_FOUND ? ERR_OK : err);
}

static enum err check_feed(struct subject *subject)
{
	uint64_t after = 0;
	size_t count = 0;
	enum err err = ERR_OK;
	subject->audit->feeds++;
	do {
		err = check_chunk(subject, &after, &count);
	} while (err == ERR_OK && count == AUDIT_CHUNK);
	if (err != ERR_OK) {
		return err;
	}
	if (subject->head.sequence != subject->claimed.sequence ||
		!message_id_equal(&subject->head.key, &subject->claimed.key)) {
		fault(subject->audit,
			"The newest message of %s is said to be number %llu; the last one held is "
			"number %llu.",
			subject->text, (unsigned long long)subject->claimed.sequence,
			(unsigned long long)subject->head.sequence);
	}
	return ERR_OK;
}

static enum err next_feed(struct reader *reader, int64_t after, struct subject *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, &sql_audit_feeds, &stmt);
	if (err == ERR_OK) {
		db_int(stmt, 1, after);
		err = db_step(reader->db, stmt);
	}
	if (err == ERR_OK) {
		out->feed = sqlite3_column_int64(stmt, 0);
		out->claimed.sequence = (uint64_t)sqlite3_column_int64(stmt, 2);
		bool is_whole = db_column_id(stmt, 1, out->id.at) &&
				db_column_id(stmt, 3, out->claimed.key.at);
		err = is_whole ? ERR_OK : ERR_IO;
		db_reset(stmt);
	}
	return reader_end(reader, err);
}

static enum err check_file(struct reader *reader, struct audit *audit)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(reader->db, &sql_quick_check, &stmt);
	while (err == ERR_OK && (err = db_step(reader->db, stmt)) == ERR_OK) {
		struct span said = db_column(stmt, 0);
		if (!span_equal_text(said, "ok")) {
			fault(audit, "The database file is damaged: %.*s.", (int)said.len,
				(const char *)said.at);
		}
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err audit_run(struct store *store, const uint8_t *hmac_key, struct audit *audit)
{
	struct reader *reader = NULL;
	int64_t after = 0;
	enum err err = reader_open(store, &reader);
	if (err != ERR_OK) {
		return err;
	}
	err = check_file(reader, audit);
	while (err == ERR_OK) {
		struct subject subject = {.audit = audit, .reader = reader, .hmac_key = hmac_key};
		err = next_feed(reader, after, &subject);
		if (err == ERR_OK) {
			after = subject.feed;
			feed_id_format(&subject.id, subject.text);
			err = check_feed(&subject);
		}
	}
	reader_close(reader);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}
