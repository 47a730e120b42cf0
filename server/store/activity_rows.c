/*
 * What others did that concerns the owner. Most messages concern nobody here: a post costs one
 * look-up in the small index of our own messages for each post it answers, and one walk through its
 * text. Only when it is ours are more rows read.
 */
#include "store/activity_rows.h"

#include "base/limits.h"
#include "store/inside.h"
#include "store/pack.h"

#include <math.h>
#include <stdlib.h>

QUERY(sql_activity_self, "SELECT id FROM feeds WHERE feed = 1");
QUERY(sql_activity_own,
	"SELECT m.sequence, f.id, m.body FROM messages m INDEXED BY messages_own CROSS JOIN feeds "
	"f ON f.feed = 1 WHERE m.feed = 1 AND m.key_head = ?1 AND m.key_tail = ?2");
QUERY(sql_activity_put, "INSERT OR IGNORE INTO activity (at, message, kind, feed, link) VALUES "
			"(?1, ?2, ?3, ?4, ?5)");
QUERY(sql_activity_vote, "SELECT message FROM votes WHERE link = ?1 AND feed = ?2");
QUERY(sql_activity_unlike, "DELETE FROM activity WHERE feed = ?1 AND kind = 3 AND link = ?2");
QUERY(sql_activity_unfollow, "DELETE FROM activity WHERE feed = ?1 AND kind = 4 AND message <= ?2");
QUERY(sql_activity_follows,
	"SELECT 1 FROM contacts c WHERE c.feed = ?1 AND c.about = 1 AND c.edge = 1 AND NOT EXISTS "
	"(SELECT 1 FROM activity a WHERE a.feed = ?1 AND a.kind = 4)");
QUERY(sql_activity_drop, "DELETE FROM activity WHERE feed = ?1");
QUERY(sql_activity_about,
	"SELECT message FROM posts WHERE root = ?1 AND feed <> 1 UNION SELECT message FROM posts "
	"WHERE fork = ?1 AND feed <> 1 LIMIT ?2");
QUERY(sql_activity_liked,
	"SELECT message FROM votes WHERE link = ?1 AND message > 0 AND feed <> 1 LIMIT ?2");
QUERY(sql_activity_again,
	"SELECT m.sequence, f.id, m.body, m.received, m.feed FROM messages m CROSS JOIN feeds f ON "
	"f.feed = m.feed WHERE m.message = ?1");

/* The content of a row that begins with number, author and body; `*doc` is the caller's. */
static enum err read_content(sqlite3_stmt *stmt, struct json_doc **doc, struct content *out)
{
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	struct feed_id author;
	enum err err = db_column_id(stmt, 1, author.at)
			       ? pack_text(db_column(stmt, 2), &author,
					 (uint64_t)sqlite3_column_int64(stmt, 0), &text)
			       : ERR_DAMAGED;
	if (err == ERR_OK) {
		err = json_parse(buf_span(&text), LIMIT_JSON_DEPTH, doc);
	}
	if (err == ERR_OK) {
		content_read_json(json_get(json_root(*doc), "content"), out);
	}
	buf_fini(&text);
	return err;
}

int64_t activity_at_ms(int64_t at_ms, int64_t received_ms)
{
	return received_ms - at_ms <= LIMIT_ACTIVITY_LATE_MS ? received_ms : at_ms;
}

enum err activity_is_own_post(struct db *db, const struct message_id *id, bool *out)
{
	sqlite3_stmt *stmt = NULL;
	struct json_doc *doc = NULL;
	struct content content;
	*out = false;
	enum err err = db_query(db, &sql_activity_own, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, db_key_head(id->at));
	db_blob(stmt, 2, db_key_tail(id->at));
	err = db_step(db, stmt);
	if (err != ERR_OK) {
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	err = read_content(stmt, &doc, &content);
	*out = err == ERR_OK && content.type == CONTENT_POST;
	json_doc_free(doc);
	db_reset(stmt);
	return err == ERR_NOMEM ? err : ERR_OK; /* damage is kith check's finding */
}

bool activity_mentions(const struct content_post *post, const struct feed_id *self)
{
	char text[FEED_ID_TEXT_BYTES];
	for (size_t i = 0; i < post->mention_count; i++) {
		if (post->mentions[i].kind == MENTION_FEED &&
			memcmp(post->mentions[i].id, self->at, ID_BYTES) == 0) {
			return true;
		}
	}
	feed_id_format(self, text);
	return post->text.len > 0 &&
	       memmem(post->text.at, post->text.len, text, strlen(text)) != NULL;
}

enum err activity_answered(
	struct db *db, const struct content_post *post, bool *is_answer, struct message_id *out)
{
	enum err err = ERR_OK;
	*is_answer = false;
	for (size_t i = 0; err == ERR_OK && !*is_answer && i < post->branch_count; i++) {
		*out = post->branches[i];
		err = activity_is_own_post(db, out, is_answer);
	}
	if (err == ERR_OK && !*is_answer && post->has_root) {
		*out = post->root;
		err = activity_is_own_post(db, out, is_answer);
	}
	return err;
}

static enum err read_self(struct index *index)
{
	sqlite3_stmt *stmt = NULL;
	if (index->has_self) {
		return ERR_OK;
	}
	enum err err = db_query(index->db, &sql_activity_self, &stmt);
	if (err == ERR_OK) {
		err = db_step(index->db, stmt);
	}
	if (err == ERR_OK) {
		index->has_self = db_column_id(stmt, 0, index->self.at);
		db_reset(stmt);
	}
	return err == ERR_OK && !index->has_self ? ERR_IO : err;
}

static enum err put_row(struct index *index, const struct index_row *row, enum activity_kind kind,
	const struct message_id *link)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(index->db, &sql_activity_put, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, activity_at_ms(row->at_ms, row->received_ms));
	db_int(stmt, 2, row->message);
	db_int(stmt, 3, kind);
	db_int(stmt, 4, row->author->feed);
	if (link != NULL) {
		db_int(stmt, 5, db_key_head(link->at));
	}
	return db_run(index->db, stmt);
}

enum err activity_put_post(
	struct index *index, const struct content_post *post, const struct index_row *row)
{
	struct message_id link;
	bool is_answer = false;
	if (row->author->feed == FEED_SELF) {
		return ERR_OK;
	}
	enum err err = read_self(index);
	if (err == ERR_OK) {
		err = activity_answered(index->db, post, &is_answer, &link);
	}
	if (err == ERR_OK && is_answer) {
		err = put_row(index, row, ACTIVITY_REPLY, &link);
	}
	if (err == ERR_OK && activity_mentions(post, &index->self)) {
		err = put_row(index, row, ACTIVITY_MENTION, NULL);
	}
	return err;
}

static enum err run_two(struct db *db, const struct query *query, int64_t a, int64_t b)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(db, query, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, a);
	if (sqlite3_bind_parameter_count(stmt) > 1) {
		db_int(stmt, 2, b);
	}
	return db_run(db, stmt);
}

/* The first column of a query of up to two numbers; ERR_NOT_FOUND. */
static enum err ask_two(
	struct db *db, const struct query *query, int64_t a, int64_t b, int64_t *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(db, query, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, a);
	if (sqlite3_bind_parameter_count(stmt) > 1) {
		db_int(stmt, 2, b);
	}
	err = db_step(db, stmt);
	if (err == ERR_OK) {
		*out = sqlite3_column_int64(stmt, 0);
		db_reset(stmt);
	}
	return err;
}

enum err activity_put_vote(
	struct index *index, const struct content_vote *vote, const struct index_row *row)
{
	int64_t feed = row->author->feed;
	int64_t link = db_key_head(vote->link.at);
	int64_t latest = 0;
	bool is_own = false;
	if (feed == FEED_SELF) {
		return ERR_OK;
	}
	enum err err = activity_is_own_post(index->db, &vote->link, &is_own);
	if (err != ERR_OK || !is_own) {
		return err;
	}
	err = ask_two(index->db, &sql_activity_vote, link, feed, &latest);
	if (err != ERR_OK || (latest != row->message && latest != -row->message)) {
		return err == ERR_NOT_FOUND ? ERR_OK : err; /* they said more since */
	}
	err = run_two(index->db, &sql_activity_unlike, feed, link);
	return err == ERR_OK && latest > 0 ? put_row(index, row, ACTIVITY_LIKE, &vote->link) : err;
}

enum err activity_put_contact(
	struct index *index, const struct content_contact *contact, const struct index_row *row)
{
	int64_t feed = row->author->feed;
	int64_t is_so = 0;
	enum err err = feed == FEED_SELF ? ERR_OK : read_self(index);
	if (err != ERR_OK || feed == FEED_SELF || !feed_id_equal(&contact->contact, &index->self)) {
		return err;
	}
	err = run_two(index->db, &sql_activity_unfollow, feed, row->message);
	if (err != ERR_OK || contact->edge != EDGE_FOLLOW) {
		return err;
	}
	err = ask_two(index->db, &sql_activity_follows, feed, 0, &is_so);
	if (err != ERR_OK) {
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	return put_row(index, row, ACTIVITY_FOLLOW, NULL);
}

enum err activity_put(
	struct index *index, const struct content *content, const struct index_row *row)
{
	switch (content->type) {
	case CONTENT_POST:
		return activity_put_post(index, &content->post, row);
	case CONTENT_VOTE:
		return activity_put_vote(index, &content->vote, row);
	case CONTENT_CONTACT:
		return activity_put_contact(index, &content->contact, row);
	default:
		return ERR_OK;
	}
}

/* A message that was stored before, looked at again. One that is held ahead comes by itself. */
static enum err put_again(struct index *index, int64_t message)
{
	sqlite3_stmt *stmt = NULL;
	struct json_doc *doc = NULL;
	struct content content;
	struct feed_entry author = {.feed = 0};
	struct index_row row = {.message = message, .author = &author};
	double claimed = INFINITY;
	enum err err = db_query(index->db, &sql_activity_again, &stmt);
	if (err == ERR_OK) {
		db_int(stmt, 1, message);
		err = db_step(index->db, stmt);
	}
	if (err != ERR_OK) {
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	err = read_content(stmt, &doc, &content);
	if (err == ERR_OK) {
		author.feed = sqlite3_column_int64(stmt, 4);
		(void)json_number(json_get(json_root(doc), "timestamp"), &claimed);
		row.received_ms = sqlite3_column_int64(stmt, 3);
		row.at_ms = index_at_ms(claimed, row.received_ms);
	}
	db_reset(stmt);
	err = err == ERR_OK ? activity_put(index, &content, &row) : err == ERR_NOMEM ? err : ERR_OK;
	json_doc_free(doc);
	return err;
}

static enum err put_all_again(
	struct index *index, const struct query *query, const struct message_id *about)
{
	sqlite3_stmt *stmt = NULL;
	size_t count = 0;
	int64_t *found = malloc(LIMIT_THREAD_POSTS * sizeof(*found));
	enum err err = found == NULL ? ERR_NOMEM : db_query(index->db, query, &stmt);
	if (err == ERR_OK) {
		db_int(stmt, 1, db_key_head(about->at));
		db_int(stmt, 2, LIMIT_THREAD_POSTS);
	}
	while (err == ERR_OK && count < LIMIT_THREAD_POSTS &&
		(err = db_step(index->db, stmt)) == ERR_OK) {
		found[count++] = sqlite3_column_int64(stmt, 0);
	}
	if (stmt != NULL) {
		db_reset(stmt);
	}
	err = err == ERR_NOT_FOUND ? ERR_OK : err;
	for (size_t i = 0; err == ERR_OK && i < count; i++) {
		err = put_again(index, found[i]);
	}
	free(found);
	return err;
}

enum err activity_own_back(struct index *index, const struct message *own)
{
	struct content content;
	enum err err = content_read(own, &content);
	if (err != ERR_OK || content.type != CONTENT_POST) {
		return err;
	}
	err = put_all_again(index, &sql_activity_liked, &own->key);
	if (err == ERR_OK) {
		err = put_all_again(index, &sql_activity_about, &own->key);
	}
	/* An answer to a reply of ours names the same conversation. */
	if (err == ERR_OK && content.post.has_root) {
		err = put_all_again(index, &sql_activity_about, &content.post.root);
	}
	if (err == ERR_OK && content.post.has_fork) {
		err = put_all_again(index, &sql_activity_about, &content.post.fork);
	}
	return err;
}

enum err activity_drop_feed(struct db *db, int64_t feed)
{
	return run_two(db, &sql_activity_drop, feed, 0);
}
