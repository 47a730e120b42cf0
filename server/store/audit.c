/*
 * The audit believes nothing: each body is verified again as a stranger's, its key compared with
 * the row's, its link with the message before, and the rows of posts, edges and feeds with what the
 * bodies say. It reads a few hundred messages at a time, so that no read transaction holds the WAL
 * of a running node for long; what is appended meanwhile is not looked at.
 */
#include "store/audit.h"

#include "base/limits.h"
#include "base/table.h"
#include "feed/content.h"
#include "store/index.h"
#include "store/reader_inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { AUDIT_CHUNK = 256, AUDIT_SENTENCE_BYTES = 512 };

QUERY(sql_file_check, "PRAGMA integrity_check(10)");
/* Rows that no walk along a feed would meet. */
QUERY(sql_audit_stray_messages,
	"SELECT m.feed, m.sequence FROM messages m LEFT JOIN feeds f ON f.feed = m.feed WHERE "
	"f.feed IS NULL OR m.sequence < 1 OR m.sequence > f.sequence LIMIT 10");
QUERY(sql_audit_stray_posts,
	"SELECT p.message FROM posts p LEFT JOIN messages m ON m.message = p.message WHERE "
	"m.message IS NULL LIMIT 10");
QUERY(sql_audit_stray_edges,
	"SELECT c.feed FROM contacts c LEFT JOIN feeds f ON f.feed = c.feed AND f.sequence > 0 "
	"WHERE f.feed IS NULL LIMIT 10");
QUERY(sql_audit_feeds, "SELECT feed, id, sequence, head, timestamp, at, edges FROM feeds WHERE "
		       "feed > ?1 AND sequence > 0 ORDER BY feed LIMIT 1");
QUERY(sql_audit_messages, "SELECT m.message, m.sequence, m.key_head, m.key_tail, m.received, "
			  "m.body, p.at, p.root, p.fork, p.home, p.feed FROM messages m "
			  "LEFT JOIN posts p ON p.message = m.message WHERE m.feed = ?1 AND "
			  "m.sequence > ?2 AND m.sequence <= ?3 ORDER BY m.sequence LIMIT ?4");
QUERY(sql_audit_edge, "SELECT edge FROM contacts WHERE feed = 1 AND about = ?1");
QUERY(sql_audit_sequence, "SELECT sequence FROM feeds WHERE feed = ?1");
QUERY(sql_audit_edges, "SELECT f.id, c.edge FROM contacts c CROSS JOIN feeds f ON f.feed = c.about "
		       "WHERE c.feed = ?1");

struct subject {
	struct audit *audit;
	struct reader *reader;
	const uint8_t *hmac_key;
	int64_t feed;
	struct feed_id id;
	char text[FEED_ID_TEXT_BYTES];
	struct chain_head claimed; /* what the table of feeds says */
	int64_t claimed_at_ms, claimed_edges;
	struct chain_head head; /* what the messages say so far */
	int64_t head_at_ms;
	struct table *edges; /* by whom it is about: the last contact message's edge, plus one */
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

/* Remember what a contact message says, as store/index does: the last one about somebody counts,
 * and over the limit there are no new ones. */
static enum err note_edge(struct subject *subject, const struct content *content)
{
	const struct content_contact *contact = &content->contact;
	if (content->type != CONTENT_CONTACT || feed_id_equal(&contact->contact, &subject->id)) {
		return ERR_OK;
	}
	void *value = (void *)((uintptr_t)contact->edge + 1);
	enum err err = table_put(subject->edges, contact->contact.at, value);
	return err == ERR_LIMIT ? ERR_OK : err;
}

/* Is the row of `posts` what the message says? */
static void check_post(struct subject *subject, sqlite3_stmt *stmt, const struct message *message,
	const struct content *content)
{
	bool is_shown = content->type == CONTENT_POST && subject->mine != EDGE_BLOCK;
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
				!head_is(stmt, 7, content->post.has_root, &content->post.root) ||
				!head_is(stmt, 8, content->post.has_fork, &content->post.fork) ||
				sqlite3_column_int64(stmt, 10) != subject->feed ||
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
	enum err err = message_verify_stored(body, subject->hmac_key, &message, &why);
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
	subject->head_at_ms = index_at_ms(message->timestamp, sqlite3_column_int64(stmt, 4));
	struct content content;
	content_read(message, &content);
	check_post(subject, stmt, message, &content);
	err = note_edge(subject, &content);
	message_free(message);
	return err;
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

/* Has the feed grown since we began with it? Then its edges may be newer than what we read. */
static enum err is_unchanged(struct subject *subject, bool *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(subject->reader->db, &sql_audit_sequence, &stmt);
	*out = false;
	if (err == ERR_OK) {
		db_int(stmt, 1, subject->feed);
		err = db_step(subject->reader->db, stmt);
	}
	if (err == ERR_OK) {
		*out = (uint64_t)sqlite3_column_int64(stmt, 0) == subject->claimed.sequence;
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err count_wrong_edges(struct subject *subject, size_t *wrong)
{
	sqlite3_stmt *stmt = NULL;
	size_t count = 0;
	enum err err = db_query(subject->reader->db, &sql_audit_edges, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, subject->feed);
	while ((err = db_step(subject->reader->db, stmt)) == ERR_OK) {
		struct feed_id about = {{0}};
		uintptr_t edge = (uintptr_t)sqlite3_column_int64(stmt, 1);
		bool is_there = db_column_id(stmt, 0, about.at);
		uintptr_t said = (uintptr_t)table_get(subject->edges, about.at);
		*wrong += !is_there || said != edge + 1;
		count++;
	}
	/* Fewer than were said may be right, for all edges together have a limit; not our own. */
	*wrong += (int64_t)count != subject->claimed_edges ||
		  (subject->feed == FEED_SELF && count != table_count(subject->edges));
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* Do the feed's rows of `contacts` say what its messages say? */
static enum err check_edges(struct subject *subject)
{
	bool may_compare = false;
	size_t wrong = 0;
	enum err err = reader_begin(subject->reader);
	if (err != ERR_OK) {
		return err;
	}
	err = is_unchanged(subject, &may_compare);
	if (err == ERR_OK && may_compare) {
		err = count_wrong_edges(subject, &wrong);
	}
	if (err == ERR_OK && wrong > 0) {
		fault(subject->audit, "The list of whom %s follows and blocks is wrong.",
			subject->text);
	}
	return reader_end(subject->reader, err);
}

static enum err check_feed(struct subject *subject)
{
	uint64_t after = 0;
	size_t count = 0;
	enum err err = ERR_OK;
	uint64_t faults = subject->audit->faults;
	subject->audit->feeds++;
	do {
		err = check_chunk(subject, &after, &count);
	} while (err == ERR_OK && count == AUDIT_CHUNK);
	if (err == ERR_OK && subject->audit->faults == faults) {
		err = check_edges(subject); /* of messages that are all right */
	}
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
	} else if (subject->head.timestamp != subject->claimed.timestamp ||
		   subject->head_at_ms != subject->claimed_at_ms) {
		fault(subject->audit, "The time of the newest message of %s is kept wrongly.",
			subject->text);
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

/* Rows that hang on nothing. Each query is one statement, and so sees one state. */
static enum err check_strays(struct reader *reader, struct audit *audit)
{
	static const struct {
		const struct query *query;
		const char *what;
	} strays[] = {
		{&sql_audit_stray_messages, "A stored message is of no feed, or beyond its end"},
		{&sql_audit_stray_posts, "The list of posts has one that is no stored message"},
		{&sql_audit_stray_edges, "Somebody is said to follow or block without a message"},
	};
	enum err err = ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < sizeof(strays) / sizeof(strays[0]); i++) {
		sqlite3_stmt *stmt = NULL;
		err = db_query(reader->db, strays[i].query, &stmt);
		while (err == ERR_OK && (err = db_step(reader->db, stmt)) == ERR_OK) {
			fault(audit, "%s (row of %lld).", strays[i].what,
				(long long)sqlite3_column_int64(stmt, 0));
		}
		err = err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	return err;
}

static enum err check_file(struct reader *reader, struct audit *audit)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(reader->db, &sql_file_check, &stmt);
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
	if (err == ERR_OK) {
		err = check_strays(reader, audit);
	}
	while (err == ERR_OK) {
		struct subject subject = {.audit = audit, .reader = reader, .hmac_key = hmac_key};
		err = next_feed(reader, after, &subject);
		if (err == ERR_OK) {
			after = subject.feed;
			feed_id_format(&subject.id, subject.text);
			subject.edges = table_new(store_env(store),
				subject.feed == FEED_SELF ? LIMIT_GRAPH_EDGES
							  : LIMIT_GRAPH_EDGES_PER_AUTHOR);
			err = subject.edges == NULL ? ERR_NOMEM : check_feed(&subject);
			table_free(subject.edges);
		}
	}
	reader_close(reader);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}
