/*
 * The audit believes nothing: each body is verified again as a stranger's, its key compared with
 * the row's, its link with the message before, and the rows that follow with what the bodies say.
 * It reads a few hundred messages at a time, so that no read transaction holds the WAL of a running
 * node for long; what is appended meanwhile is not looked at.
 */
#include "store/audit_inside.h"

#include "base/limits.h"
#include "store/pack.h"

#include <stdarg.h>
#include <stdio.h>

enum { AUDIT_CHUNK = 256, AUDIT_SENTENCE_BYTES = 512 };

QUERY(sql_audit_feeds, "SELECT feed, id, sequence, head, timestamp, at, edges FROM feeds WHERE "
		       "feed > ?1 AND sequence > 0 ORDER BY feed LIMIT 1");
QUERY(sql_audit_messages, "SELECT m.message, m.sequence, m.key_head, m.key_tail, m.received, "
			  "m.body, p.at, p.root, p.fork, p.home, p.feed, coalesce((SELECT b.last "
			  "FROM behind b WHERE b.part = 1 AND b.first <= m.message ORDER BY "
			  "b.first DESC LIMIT 1), 0) >= m.message FROM messages m "
			  "LEFT JOIN posts p ON p.message = m.message WHERE m.feed = ?1 AND "
			  "m.sequence > ?2 AND m.sequence <= ?3 ORDER BY m.sequence LIMIT ?4");
QUERY(sql_audit_first, "SELECT CASE again WHEN 2 THEN 1 ELSE below END FROM let_go WHERE feed "
		       "= ?1");
/* SCAN: one row for each feed that is not here as a whole. */
QUERY(sql_audit_coming, "SELECT count(*) FROM let_go WHERE again = 2");
QUERY(sql_audit_edge, "SELECT (SELECT edge FROM contacts WHERE feed = 1 AND about = ?1 AND NOT "
		      "EXISTS (SELECT 1 FROM lifted WHERE feed = ?1)), EXISTS (SELECT 1 FROM mutes "
		      "WHERE feed = ?1)");
QUERY(sql_audit_newest, "SELECT coalesce(max(message), 0) FROM messages");
/* SCAN: once, to see whether there are likes that nobody gave. */
QUERY(sql_audit_likes, "SELECT count(*) FROM votes WHERE message > 0");

static void tell(struct audit *audit, const struct audit_fault *from, const char *format,
	va_list args) __attribute__((format(printf, 3, 0)));
static void tell(
	struct audit *audit, const struct audit_fault *from, const char *format, va_list args)
{
	char sentence[AUDIT_SENTENCE_BYTES];
	struct audit_fault fault = *from;
	(void)vsnprintf(sentence, sizeof(sentence), format, args);
	fault.sentence = sentence;
	audit->faults++;
	if (audit->on_fault != NULL) {
		audit->on_fault(audit->ctx, &fault);
	}
}

void audit_fault(struct audit *audit, enum audit_kind kind, const char *format, ...)
{
	const struct audit_fault fault = {.kind = kind};
	va_list args;
	va_start(args, format);
	tell(audit, &fault, format, args);
	va_end(args);
}

void audit_fault_about(
	struct audit *audit, enum audit_kind kind, int64_t feed, const char *format, ...)
{
	const struct audit_fault fault = {.kind = kind, .feed = feed};
	va_list args;
	va_start(args, format);
	tell(audit, &fault, format, args);
	va_end(args);
}

void audit_feed_fault(struct audit_subject *subject, uint64_t sequence, const char *format, ...)
{
	const struct audit_fault fault = {
		.kind = subject->feed == FEED_SELF ? AUDIT_OWN : AUDIT_FEED,
		.feed = subject->feed,
		.sequence = sequence};
	va_list args;
	va_start(args, format);
	tell(subject->audit, &fault, format, args);
	va_end(args);
	subject->log_faults++;
}

enum err audit_number(struct reader *reader, const struct query *query, int64_t *out)
{
	sqlite3_stmt *stmt = NULL;
	*out = 0;
	enum err err = db_query(reader->db, query, &stmt);
	if (err == ERR_OK) {
		err = db_step(reader->db, stmt);
	}
	if (err == ERR_OK) {
		*out = sqlite3_column_int64(stmt, 0);
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static void check_message(struct audit_subject *subject, sqlite3_stmt *stmt,
	const struct message *message, struct span text)
{
	struct message_id key;
	uint64_t sequence = (uint64_t)sqlite3_column_int64(stmt, 1);
	unsigned long long shown = sequence;
	if (!feed_id_equal(&message->author, &subject->id) || message->sequence != sequence) {
		audit_feed_fault(subject, sequence,
			"In the place of message %llu of %s stands another message.", shown,
			subject->text);
	}
	if (!db_column_key(stmt, 2, 3, &key) || !message_id_equal(&key, &message->key)) {
		audit_feed_fault(subject, sequence,
			"Message %llu of %s is stored under a key that is not its own.", shown,
			subject->text);
	}
	if (!span_equal(text, message->compact)) {
		audit_feed_fault(subject, sequence,
			"Message %llu of %s is not stored in its canonical form.", shown,
			subject->text);
	}
	if (sequence < subject->first) {
		return; /* kept by itself, of what was let go around it */
	}
	if (sequence == subject->first && sequence > 1) {
		return; /* what it follows was let go */
	}
	if (!subject->is_broken && chain_judge(&subject->head, message) != CHAIN_NEXT) {
		audit_feed_fault(subject, sequence,
			"Message %llu of %s does not follow message %llu: %s.", shown,
			subject->text, (unsigned long long)subject->head.sequence,
			chain_text(chain_judge(&subject->head, message)));
	}
}

static enum err check_row(struct audit_subject *subject, sqlite3_stmt *stmt)
{
	struct message *message = NULL;
	const char *why = "it cannot be read";
	uint64_t sequence = (uint64_t)sqlite3_column_int64(stmt, 1);
	subject->audit->messages++;
	buf_clear(&subject->body);
	enum err err = pack_text(db_column(stmt, 5), &subject->id, sequence, &subject->body);
	if (err == ERR_OK) {
		err = message_verify_stored(
			buf_span(&subject->body), subject->hmac_key, &message, &why);
	}
	if (err == ERR_NOMEM) {
		return err;
	}
	if (err != ERR_OK) {
		audit_feed_fault(subject, sequence, "Message %llu of %s is not valid: %s.",
			(unsigned long long)sequence, subject->text, why);
		subject->is_broken = true;
		return ERR_OK;
	}
	check_message(subject, stmt, message, buf_span(&subject->body));
	subject->is_broken = false;
	if (sequence < subject->first) {
		subject->head.sequence = subject->first - 1; /* so far nothing is missing */
	} else {
		subject->head = (struct chain_head){
			.sequence = sequence, .key = message->key, .timestamp = message->timestamp};
		subject->head_at_ms =
			index_at_ms(message->timestamp, sqlite3_column_int64(stmt, 4));
	}
	struct content content;
	subject->is_behind = subject->is_behind || sqlite3_column_int(stmt, 11) != 0;
	err = content_read(message, &content);
	if (err == ERR_OK) {
		audit_post(subject, stmt, message, &content);
		err = audit_views_note(subject, &content);
	}
	if (err == ERR_OK) {
		err = audit_words_note(subject, stmt, message, &content);
	}
	if (err == ERR_OK) {
		err = audit_activity_note(subject, stmt, message, &content);
	}
	if (err == ERR_OK) {
		err = audit_blobs_note(subject, stmt, message->compact);
	}
	message_free(message);
	return err;
}

static enum err check_chunk(struct audit_subject *subject, uint64_t *after, size_t *count)
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
		subject->is_muted = err == ERR_OK && sqlite3_column_int(stmt, 1) != 0;
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
		err = check_row(subject, stmt);
	}
	if (stmt != NULL) {
		db_reset(stmt);
	}
	return reader_end(subject->reader, err == ERR_NOT_FOUND ? ERR_OK : err);
}

/* Its row in the table of feeds against its last message. */
static void check_head(struct audit_subject *subject)
{
	if (subject->first > 1 && subject->claimed.sequence < subject->first) {
		return; /* nothing of it is left */
	}
	if (subject->head.sequence != subject->claimed.sequence ||
		!message_id_equal(&subject->head.key, &subject->claimed.key)) {
		audit_feed_fault(subject, subject->head.sequence + 1,
			"The newest message of %s is said to be number %llu; the last one held is "
			"number %llu.",
			subject->text, (unsigned long long)subject->claimed.sequence,
			(unsigned long long)subject->head.sequence);
	} else if (subject->head.timestamp != subject->claimed.timestamp ||
		   subject->head_at_ms != subject->claimed_at_ms) {
		audit_fault(subject->audit, AUDIT_VIEW,
			"The time of the newest message of %s is kept wrongly.", subject->text);
	}
}

/* From where on the history is to be whole. */
static enum err read_first(struct audit_subject *subject, uint64_t *first)
{
	sqlite3_stmt *stmt = NULL;
	*first = 1;
	subject->is_once_more = false;
	enum err err = reader_begin(subject->reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(subject->reader->db, &sql_audit_first, &stmt);
	if (err == ERR_OK) {
		db_int(stmt, 1, subject->feed);
		err = db_step(subject->reader->db, stmt);
	}
	if (err == ERR_OK) {
		*first = (uint64_t)sqlite3_column_int64(stmt, 0);
		subject->is_once_more = true;
		db_reset(stmt);
	}
	return reader_end(subject->reader, err == ERR_NOT_FOUND ? ERR_OK : err);
}

static enum err check_feed(struct audit_subject *subject)
{
	uint64_t after = 0;
	size_t count = 0;
	enum err err = ERR_OK;
	subject->audit->feeds++;
	err = read_first(subject, &subject->first);
	if (err != ERR_OK) {
		return err;
	}
	subject->head.sequence = subject->first - 1;
	do {
		err = check_chunk(subject, &after, &count);
	} while (err == ERR_OK && count == AUDIT_CHUNK);
	if (err == ERR_OK && subject->log_faults == 0) {
		err = audit_views_check(subject); /* of messages that are all right */
	} else {
		*subject->likes_total = -1;
		*subject->tags_total = -1;
	}
	uint64_t first = subject->first;
	if (err == ERR_OK) {
		err = read_first(subject, &first);
	}
	if (err == ERR_OK && first == subject->first) {
		check_head(subject);
		*subject->tags_total = subject->log_faults > 0 ? -1 : *subject->tags_total;
	}
	return err;
}

static enum err next_feed(struct reader *reader, int64_t after, struct audit_subject *out)
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
		out->claimed.timestamp = sqlite3_column_double(stmt, 4);
		out->claimed_at_ms = sqlite3_column_int64(stmt, 5);
		out->claimed_edges = sqlite3_column_int64(stmt, 6);
		if (!db_column_id(stmt, 1, out->id.at) ||
			!db_column_id(stmt, 3, out->claimed.key.at)) {
			/* Of such a head no message is; the walk says so. */
			memset(out->claimed.key.at, 0, ID_BYTES);
		}
		db_reset(stmt);
	}
	return reader_end(reader, err);
}

static enum err check_feeds(struct reader *reader, const uint8_t *hmac_key, struct audit *audit,
	int64_t *likes, int64_t *tags)
{
	int64_t after = 0;
	enum err err = ERR_OK;
	while (err == ERR_OK) {
		struct audit_subject subject = {.audit = audit,
			.reader = reader,
			.hmac_key = hmac_key,
			.body = BUF_INIT(LIMIT_MESSAGE_BYTES),
			.tags_total = tags,
			.likes_total = likes};
		err = next_feed(reader, after, &subject);
		if (err == ERR_OK) {
			after = subject.feed;
			feed_id_format(&subject.id, subject.text);
			err = audit_views_init(&subject);
		}
		if (err == ERR_OK) {
			err = check_feed(&subject);
		}
		audit_views_fini(&subject);
		buf_fini(&subject.body);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* All likes that somebody gave and all tags were found; are there more? Not to be told when
 * messages came in meanwhile. */
static enum err check_likes(struct reader *reader, struct audit *audit, int64_t newest_before,
	int64_t likes, int64_t tags)
{
	int64_t newest = 0;
	int64_t coming = 0;
	int64_t held = 0;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	db_deadline(reader->db, 0);
	err = audit_number(reader, &sql_audit_newest, &newest);
	if (err == ERR_OK) {
		err = audit_number(reader, &sql_audit_coming, &coming);
	}
	if (coming > 0) {
		tags = -1; /* what is kept above such a feed's head was not walked over */
	}
	if (err == ERR_OK) {
		err = audit_number(reader, &sql_audit_likes, &held);
	}
	if (err == ERR_OK && newest == newest_before && likes >= 0 && held > likes) {
		audit_fault(audit, AUDIT_VIEW, "The list of likes has %lld that nobody gave.",
			(long long)(held - likes));
	}
	if (err == ERR_OK && newest == newest_before) {
		err = audit_tags(reader, audit, tags);
	}
	return reader_end(reader, err);
}

enum err audit_run(struct store *store, const uint8_t *hmac_key, struct audit *audit)
{
	struct reader *reader = NULL;
	int64_t newest = 0;
	int64_t likes = 0;
	int64_t tags = 0;
	enum err err = reader_open(store, &reader);
	if (err != ERR_OK) {
		return err;
	}
	reader->is_bare = true; /* what is stored, whatever is shown of it */
	err = audit_file(reader, audit);
	if (err == ERR_OK) {
		err = audit_strays(reader, audit);
	}
	if (err == ERR_OK) {
		err = audit_number(reader, &sql_audit_newest, &newest);
	}
	if (err == ERR_OK) {
		err = check_feeds(reader, hmac_key, audit, &likes, &tags);
	}
	if (err == ERR_OK) {
		err = check_likes(reader, audit, newest, likes, tags);
	}
	if (err == ERR_OK) {
		err = audit_figures(reader, audit);
	}
	if (err == ERR_OK) {
		err = audit_proofs(reader, hmac_key, audit);
	}
	if (err == ERR_OK) {
		err = audit_fence(reader, audit);
	}
	reader_close(reader);
	return err;
}
