/*
 * One message after the other, each with everything that follows from it, so that a unit may end
 * behind any of them. What follows is found by reading the message once more, as its rows were made
 * from it: the full text must be told the very words it is to forget. What other messages say
 * stays: whom an author follows and what they call themselves is a state, not history, and goes
 * only when all of somebody is removed.
 */
#include "store/let_go_rows.h"

#include "base/limits.h"
#include "feed/tag.h"
#include "store/activity_rows.h"
#include "store/ahead_rows.h"
#include "store/inside.h"
#include "store/pack.h"
#include "store/private_inside.h"
#include "store/reader_inside.h"
#include "store/search_rows.h"
#include "store/stray.h"
#include "store/tag_rows.h"

#include <math.h>
#include <stdlib.h>

QUERY(sql_let_go_get, "SELECT f.id, l.below, l.at, l.again FROM feeds f CROSS JOIN let_go l ON "
		      "l.feed = f.feed WHERE f.id = ?1");
/* SCAN: one row for each feed that is not here as a whole. */
QUERY(sql_let_go_all, "SELECT f.id, l.below, l.at, l.again FROM let_go l CROSS JOIN feeds f ON "
		      "f.feed = l.feed");
QUERY(sql_let_go_of, "SELECT below, again FROM let_go WHERE feed = ?1");
QUERY(sql_let_go_put,
	"INSERT INTO let_go (feed, below, at, again) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (feed) "
	"DO UPDATE SET below = ?2, at = ?3, again = ?4");
QUERY(sql_let_go_drop, "DELETE FROM let_go WHERE feed = ?1");
QUERY(sql_let_go_next,
	"SELECT m.message, m.sequence, m.key_head, m.key_tail, m.received, m.body, EXISTS (SELECT "
	"1 FROM private_messages p WHERE p.message = m.message) FROM messages m WHERE m.feed = ?1 "
	"AND m.sequence >= ?2 AND m.sequence < ?3 ORDER BY m.sequence LIMIT 1");
QUERY(sql_let_go_kept, "SELECT 1 FROM bookmarks WHERE key = ?1");
QUERY(sql_let_go_tried, "SELECT text FROM settings WHERE name = CAST('private_mark' AS BLOB)");
QUERY(sql_let_go_message, "DELETE FROM messages WHERE message = ?1");
QUERY(sql_let_go_key, "DELETE FROM keys WHERE key_head = ?1 AND message = ?2");
QUERY(sql_let_go_post, "DELETE FROM posts WHERE message = ?1");
QUERY(sql_let_go_vote, "DELETE FROM votes WHERE link = ?1 AND feed = ?2 AND abs(message) = ?3");
QUERY(sql_let_go_activity, "DELETE FROM activity WHERE at = ?1 AND message = ?2");
QUERY(sql_let_go_private, "DELETE FROM private_messages WHERE message = ?1");
QUERY(sql_let_go_blobs,
	"DELETE FROM blob_links WHERE feed = ?1 AND NOT EXISTS (SELECT 1 FROM messages m WHERE "
	"m.message = blob_links.message)");
QUERY(sql_let_go_edges, "DELETE FROM contacts WHERE feed = ?1");
QUERY(sql_let_go_profile, "DELETE FROM profiles WHERE feed = ?1");
QUERY(sql_let_go_profile_from, "DELETE FROM profiles_from WHERE feed = ?1");
QUERY(sql_let_go_may,
	"SELECT EXISTS (SELECT 1 FROM wants WHERE feed = ?1) OR EXISTS (SELECT 1 FROM reach WHERE "
	"feed = ?1 AND hops <= 1) OR EXISTS (SELECT 1 FROM contacts WHERE feed = 1 AND about = ?1 "
	"AND edge = 1)");

/* Reading. */

static bool row_from(sqlite3_stmt *stmt, struct let_go_row *out)
{
	out->below = (uint64_t)sqlite3_column_int64(stmt, 1);
	out->at_ms = sqlite3_column_int64(stmt, 2);
	out->again = (enum let_go_again)sqlite3_column_int(stmt, 3);
	return db_column_id(stmt, 0, out->feed.at);
}

enum err reader_let_go(struct reader *reader, const struct feed_id *feed, struct let_go_row *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, &sql_let_go_get, &stmt);
	if (err == ERR_OK) {
		db_blob(stmt, 1, span_of(feed->at, ID_BYTES));
		err = db_step(reader->db, stmt);
	}
	if (err == ERR_OK) {
		err = row_from(stmt, out) ? ERR_OK : ERR_IO;
		db_reset(stmt);
	}
	return reader_end(reader, err);
}

enum err reader_let_go_all(
	struct reader *reader, void (*on_row)(void *ctx, const struct let_go_row *row), void *ctx)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, &sql_let_go_all, &stmt);
	while (err == ERR_OK && (err = db_step(reader->db, stmt)) == ERR_OK) {
		struct let_go_row row = {.below = 1};
		if (row_from(stmt, &row)) {
			on_row(ctx, &row);
		}
	}
	return reader_end(reader, err == ERR_NOT_FOUND ? ERR_OK : err);
}

enum err reader_first(struct reader *reader, const struct feed_id *feed, uint64_t *out)
{
	struct let_go_row row = {.below = 1};
	enum err err = reader_let_go(reader, feed, &row);
	*out = err == ERR_OK && row.again != LET_GO_COMING && row.below > 1 ? row.below : 1;
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* Writing. */

static enum err run(struct db *db, const struct query *query, int64_t a, int64_t b, int64_t c)
{
	const int64_t values[] = {a, b, c};
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(db, query, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	for (int i = 0; i < 3 && i < sqlite3_bind_parameter_count(stmt); i++) {
		db_int(stmt, i + 1, values[i]);
	}
	return db_run(db, stmt);
}

static enum err number(struct db *db, const struct query *query, int64_t feed, int64_t *out)
{
	sqlite3_stmt *stmt = NULL;
	*out = 0;
	enum err err = db_query(db, query, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	if (sqlite3_bind_parameter_count(stmt) > 0) {
		db_int(stmt, 1, feed);
	}
	err = db_step(db, stmt);
	if (err == ERR_OK) {
		*out = sqlite3_column_int64(stmt, 0);
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err let_go_may(struct db *db, const struct feed_entry *author, bool *out)
{
	int64_t is_near = 0;
	enum err err = number(db, &sql_let_go_may, author->feed, &is_near);
	*out = err == ERR_OK && is_near == 0 && author->feed != FEED_SELF &&
	       author->mine != EDGE_FOLLOW;
	return err;
}

/* One row of `messages`, as it was read. */
struct leaving {
	int64_t message, at_ms, received_ms;
	uint64_t sequence;
	struct message_id key;
	bool is_private;
	size_t bytes;
	struct buf text;
	struct json_doc *doc; /* NULL: it cannot be read */
	struct content content;
};

static void leaving_fini(struct leaving *leaving)
{
	json_doc_free(leaving->doc);
	buf_fini(&leaving->text);
}

static enum err leaving_read(
	struct leaving *leaving, const struct feed_entry *author, struct span body)
{
	double claimed = 0;
	enum err err = pack_text(body, &author->id, leaving->sequence, &leaving->text);
	if (err == ERR_OK) {
		err = json_parse(buf_span(&leaving->text), LIMIT_JSON_DEPTH, &leaving->doc);
	}
	if (err != ERR_OK) {
		return err == ERR_NOMEM ? err : ERR_OK; /* damaged: nothing followed from it */
	}
	const struct json *root = json_root(leaving->doc);
	if (!json_number(json_get(root, "timestamp"), &claimed)) {
		claimed = INFINITY;
	}
	leaving->at_ms = index_at_ms(claimed, leaving->received_ms);
	content_read_json(json_get(root, "content"), &leaving->content);
	return ERR_OK;
}

/* ERR_NOT_FOUND: there is none in [from, below). */
static enum err leaving_next(struct index *index, const struct feed_entry *author, uint64_t from,
	uint64_t below, struct leaving *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(index->db, &sql_let_go_next, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, author->feed);
	db_int(stmt, 2, (int64_t)from);
	db_int(stmt, 3, (int64_t)below);
	err = db_step(index->db, stmt);
	if (err != ERR_OK) {
		return err;
	}
	out->message = sqlite3_column_int64(stmt, 0);
	out->sequence = (uint64_t)sqlite3_column_int64(stmt, 1);
	out->received_ms = sqlite3_column_int64(stmt, 4);
	out->is_private = sqlite3_column_int(stmt, 6) != 0;
	out->bytes = (size_t)sqlite3_column_bytes(stmt, 5);
	if (!db_column_key(stmt, 2, 3, &out->key)) {
		out->key = (struct message_id){{0}};
	}
	err = leaving_read(out, author, db_column(stmt, 5));
	db_reset(stmt);
	return err;
}

/* How far boxes were tried (store/private); 0: nothing was. */
static enum err boxes_tried(struct index *index, int64_t *out)
{
	char text[128];
	struct private_mark_text mark;
	sqlite3_stmt *stmt = NULL;
	*out = 0;
	enum err err = db_query(index->db, &sql_let_go_tried, &stmt);
	if (err == ERR_OK) {
		err = db_step(index->db, stmt);
	}
	if (err != ERR_OK) {
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	struct span said = span_take(db_column(stmt, 0), sizeof(text) - 1);
	memcpy(text, said.at, said.len);
	text[said.len] = '\0';
	*out = private_mark_parse(text, &mark) ? mark.mark.message : 0;
	db_reset(stmt);
	return ERR_OK;
}

/* Does the owner keep it, or may it be a word to the owner that was not opened yet? */
static enum err is_kept(struct index *index, const struct leaving *leaving, bool *out)
{
	sqlite3_stmt *stmt = NULL;
	int64_t tried = 0;
	*out = leaving->is_private;
	if (*out) {
		return ERR_OK;
	}
	if (leaving->doc != NULL && leaving->content.type == CONTENT_PRIVATE) {
		enum err err = boxes_tried(index, &tried);
		*out = leaving->message > tried;
		return err;
	}
	enum err err = db_query(index->db, &sql_let_go_kept, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_blob(stmt, 1, span_of(leaving->key.at, ID_BYTES));
	err = db_step(index->db, stmt);
	*out = err == ERR_OK;
	db_reset(stmt);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err drop_post(
	struct index *index, const struct feed_entry *author, const struct leaving *leaving)
{
	struct tags tags;
	enum err err = run(index->db, &sql_let_go_post, leaving->message, 0, 0);
	if (err != ERR_OK || sqlite3_changes(db_handle(index->db)) == 0) {
		return err; /* it was not shown, or is still to be */
	}
	index->delta.posts--;
	tag_set_of(&leaving->content.post, &tags);
	const struct search_entry entry = {.message = leaving->message,
		.at_ms = leaving->at_ms,
		.feed = author->feed,
		.text = leaving->content.post.text,
		.tags = tag_set_span(&tags)};
	err = search_row_drop(index->db, &entry);
	return err == ERR_OK
		       ? tag_rows_drop(index->db, leaving->message, leaving->at_ms, entry.tags)
		       : err;
}

static enum err drop_views(
	struct index *index, const struct feed_entry *author, const struct leaving *leaving)
{
	enum err err = ERR_OK;
	if (leaving->doc == NULL) {
		return run(index->db, &sql_let_go_post, leaving->message, 0, 0);
	}
	if (leaving->content.type == CONTENT_POST) {
		err = drop_post(index, author, leaving);
	} else if (leaving->content.type == CONTENT_VOTE) {
		err = run(index->db, &sql_let_go_vote, db_key_head(leaving->content.vote.link.at),
			author->feed, leaving->message);
	}
	if (err == ERR_OK) {
		err = run(index->db, &sql_let_go_activity,
			activity_at_ms(leaving->at_ms, leaving->received_ms), leaving->message, 0);
	}
	return err;
}

static enum err drop_one(
	struct index *index, const struct feed_entry *author, const struct leaving *leaving)
{
	enum err err = drop_views(index, author, leaving);
	if (err == ERR_OK && leaving->is_private) {
		err = run(index->db, &sql_let_go_private, leaving->message, 0, 0);
	}
	if (err == ERR_OK) {
		err = run(index->db, &sql_let_go_key, db_key_head(leaving->key.at),
			leaving->message, 0);
	}
	if (err == ERR_OK) {
		err = run(index->db, &sql_let_go_message, leaving->message, 0, 0);
	}
	if (err == ERR_OK) {
		index->delta.messages--;
	}
	return err;
}

static enum err state_of(
	struct db *db, const struct feed_entry *author, uint64_t *below, enum let_go_again *again)
{
	sqlite3_stmt *stmt = NULL;
	*below = 1;
	*again = LET_GO_GONE;
	enum err err = db_query(db, &sql_let_go_of, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, author->feed);
	err = db_step(db, stmt);
	if (err == ERR_OK) {
		*below = (uint64_t)sqlite3_column_int64(stmt, 0);
		*again = (enum let_go_again)sqlite3_column_int(stmt, 1);
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err put_state(
	struct index *index, int64_t feed, uint64_t below, int64_t at_ms, enum let_go_again again)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(index->db, &sql_let_go_put, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, feed);
	db_int(stmt, 2, (int64_t)below);
	db_int(stmt, 3, at_ms);
	db_int(stmt, 4, (int64_t)again);
	return db_run(index->db, stmt);
}

/* One message; `*at` moves behind it. ERR_NOT_FOUND: there was none, ERR_BUSY: views of it are
 * still to be made. */
static enum err one(struct index *index, const struct feed_entry *author, struct let_go_turn *turn,
	uint64_t below, uint64_t *at)
{
	struct leaving leaving = {.text = BUF_INIT(LIMIT_MESSAGE_BYTES)};
	bool stays = false;
	enum err err = leaving_next(index, author, *at, below, &leaving);
	if (err == ERR_OK && leaving.message >= turn->rows_below) {
		err = ERR_BUSY;
	}
	if (err == ERR_OK) {
		err = is_kept(index, &leaving, &stays);
	}
	if (err == ERR_OK && !stays) {
		err = drop_one(index, author, &leaving);
	}
	if (err == ERR_OK) {
		*at = leaving.sequence + 1;
		turn->gone += !stays;
		turn->kept += stays;
		turn->bytes += stays ? 0 : (int64_t)leaving.bytes;
	}
	leaving_fini(&leaving);
	return err;
}

/* As many as may be; `*at` is behind the last of them. */
static enum err some(struct index *index, const struct feed_entry *author, struct let_go_turn *turn,
	uint64_t below, uint64_t *at)
{
	enum err err = ERR_OK;
	for (size_t done = 0; err == ERR_OK && done < turn->at_most; done++) {
		if (done >= turn->at_least && turn->must_stop != NULL &&
			turn->must_stop(turn->ctx)) {
			return ERR_OK;
		}
		err = one(index, author, turn, below, at);
	}
	if (err == ERR_NOT_FOUND) {
		*at = below > *at ? below : *at;
		err = ERR_OK;
	}
	return err;
}

enum err let_go_some(struct index *index, struct feed_entry *author, struct let_go_turn *turn)
{
	enum let_go_again again = LET_GO_GONE;
	uint64_t from = 1;
	uint64_t end = author->head.sequence + 1;
	uint64_t below = turn->below > end ? end : turn->below;
	enum err err = state_of(index->db, author, &from, &again);
	if (err == ERR_OK && again == LET_GO_COMING && !turn->is_person) {
		return ERR_BUSY;
	}
	from = again == LET_GO_COMING ? 1 : from;
	again = turn->is_again ? LET_GO_LEAVING : turn->is_person ? LET_GO_GONE : again;
	turn->first = from;
	err = err == ERR_OK ? some(index, author, turn, below, &turn->first) : err;
	bool is_busy = err == ERR_BUSY;
	if (is_busy || err == ERR_OK) {
		err = turn->gone > 0 ? run(index->db, &sql_let_go_blobs, author->feed, 0, 0)
				     : ERR_OK;
	}
	if (err == ERR_OK && (turn->first > from || turn->is_again || turn->is_person)) {
		err = put_state(index, author->feed, turn->first, turn->now_ms, again);
	}
	return err == ERR_OK && is_busy ? ERR_BUSY : err;
}

/* Whatever there is from `from` on to before `below`, kept or not. */
static enum err drop_all(
	struct index *index, const struct feed_entry *author, uint64_t from, uint64_t below)
{
	enum err err = ERR_OK;
	while (err == ERR_OK) {
		struct leaving leaving = {.text = BUF_INIT(LIMIT_MESSAGE_BYTES)};
		err = leaving_next(index, author, from, below, &leaving);
		if (err == ERR_OK) {
			err = drop_one(index, author, &leaving);
		}
		leaving_fini(&leaving);
	}
	return err == ERR_NOT_FOUND ? run(index->db, &sql_let_go_blobs, author->feed, 0, 0) : err;
}

enum err let_go_rest(struct index *index, struct feed_entry *author)
{
	static const struct query *const drops[] = {
		&sql_let_go_profile, &sql_let_go_profile_from, &sql_let_go_edges};
	enum err err = drop_all(index, author, author->head.sequence + 1, INT64_MAX);
	author->coming = 0;
	if (err == ERR_OK) {
		err = ahead_drop_all(index->db, author);
	}
	if (err == ERR_OK) {
		err = stray_drop_all(index->db, author);
	}
	for (size_t i = 0; err == ERR_OK && i < sizeof(drops) / sizeof(drops[0]); i++) {
		err = run(index->db, drops[i], author->feed, 0, 0);
	}
	if (err == ERR_OK) {
		int64_t edges = sqlite3_changes(db_handle(index->db));
		index->delta.edges -= edges;
		index->edges -= edges;
		author->edges = 0;
		feeds_touch(index->feeds, author);
	}
	return err;
}

enum err let_go_begin_again(struct index *index, struct feed_entry *author, int64_t now_ms)
{
	uint64_t end = author->head.sequence + 1;
	enum err err = ahead_drop_all(index->db, author);
	if (err == ERR_OK) {
		err = stray_drop_all(index->db, author);
	}
	if (err == ERR_OK) {
		err = put_state(index, author->feed, end, now_ms, LET_GO_COMING);
	}
	if (err == ERR_OK) {
		index->delta.feeds -= author->head.sequence > 0;
		author->head = (struct chain_head){.sequence = 0};
		author->coming = end;
		feeds_touch(index->feeds, author);
	}
	return err;
}

enum err let_go_arrives(struct index *index, struct feed_entry *author, uint64_t sequence)
{
	enum err err = drop_all(index, author, sequence, sequence + 1);
	if (err == ERR_OK && sequence + 1 >= author->coming) {
		author->coming = 0;
		err = run(index->db, &sql_let_go_drop, author->feed, 0, 0);
	}
	return err;
}
