/*
 * Runs, and what is made of the newest of them in one transaction. The messages are read from the
 * newest down and kept until the last one is read; then posts are put in by their time, in which
 * the full text and the timelines are sorted, and votes by what they are about. What waits for the
 * writer meanwhile interrupts it: nothing of the transaction is kept, and the next one is smaller.
 */
#include "store/behind_inside.h"

#include "base/limits.h"
#include "feed/tag.h"
#include "store/activity_rows.h"
#include "store/inside.h"
#include "store/pack.h"
#include "store/search_rows.h"

#include <math.h>
#include <stdlib.h>

enum { ASK_EVERY = 16, MADE_MAX = 1000 };

QUERY(sql_behind_newest, "SELECT first, last FROM behind WHERE part = ?1 ORDER BY first DESC LIMIT "
			 "1");
QUERY(sql_behind_put, "INSERT INTO behind (part, first, last) VALUES (?1, ?2, ?3)");
QUERY(sql_behind_cut, "UPDATE behind SET last = ?3 WHERE part = ?1 AND first = ?2");
QUERY(sql_behind_drop, "DELETE FROM behind WHERE part = ?1 AND first = ?2");
QUERY(sql_behind_rows,
	"SELECT m.message, m.feed, m.received, m.key_head, m.key_tail, m.sequence, f.id, iif("
	"EXISTS (SELECT 1 FROM lifted WHERE feed = m.feed), 0, c.edge), "
	"m.body, EXISTS (SELECT 1 FROM mutes WHERE feed = m.feed) FROM messages m CROSS JOIN feeds "
	"f ON f.feed = m.feed LEFT JOIN contacts c ON "
	"c.feed = 1 AND c.about = m.feed WHERE m.message BETWEEN ?1 AND ?2 ORDER BY m.message DESC "
	"LIMIT ?3");

static enum err ask_run(struct behind *behind, const struct query *query, int part, int64_t first,
	int64_t last, sqlite3_stmt **out)
{
	enum err err = db_query(behind->db, query, out);
	if (err == ERR_OK) {
		db_int(*out, 1, part);
		if (sqlite3_bind_parameter_count(*out) > 1) {
			db_int(*out, 2, first);
		}
		if (sqlite3_bind_parameter_count(*out) > 2) {
			db_int(*out, 3, last);
		}
	}
	return err;
}

static enum err change_run(
	struct behind *behind, const struct query *query, int part, int64_t first, int64_t last)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = ask_run(behind, query, part, first, last, &stmt);
	return err == ERR_OK ? db_run(behind->db, stmt) : err;
}

enum err behind_newest(struct behind *behind, enum behind_part part, int64_t *first, int64_t *last)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = ask_run(behind, &sql_behind_newest, (int)part, 0, 0, &stmt);
	if (err == ERR_OK) {
		err = db_step(behind->db, stmt);
	}
	if (err == ERR_OK) {
		*first = sqlite3_column_int64(stmt, 0);
		*last = sqlite3_column_int64(stmt, 1);
		db_reset(stmt);
	}
	return err;
}

enum err behind_run_put(struct behind *behind, enum behind_part part, int64_t first, int64_t last)
{
	return change_run(behind, &sql_behind_put, (int)part, first, last);
}

enum err behind_run_drop(struct behind *behind, enum behind_part part, int64_t first)
{
	return change_run(behind, &sql_behind_drop, (int)part, first, 0);
}

enum err behind_run_cut(struct behind *behind, enum behind_part part, int64_t first, int64_t last)
{
	return last < first ? behind_run_drop(behind, part, first)
			    : change_run(behind, &sql_behind_cut, (int)part, first, last);
}

enum err behind_new(struct index *index, struct behind **out)
{
	int64_t first = 0;
	int64_t last = 0;
	struct behind *behind = calloc(1, sizeof(*behind));
	if (behind == NULL) {
		return ERR_NOMEM;
	}
	behind->index = index;
	behind->db = index->db;
	enum err err = behind_newest(behind, BEHIND_WORDS, &first, &last);
	behind->has_words = err == ERR_OK;
	if (err == ERR_OK || err == ERR_NOT_FOUND) {
		err = behind_newest(behind, BEHIND_KEYS, &first, &last);
		behind->must_read = err == ERR_OK;
	}
	if (err != ERR_OK && err != ERR_NOT_FOUND) {
		behind_free(behind);
		return err;
	}
	*out = behind;
	return ERR_OK;
}

void behind_free(struct behind *behind)
{
	if (behind != NULL) {
		free(behind->keys);
		free(behind);
	}
}

bool behind_has_words(const struct behind *behind)
{
	return behind->has_words;
}

/* What a transaction stores. */

enum err behind_note(struct behind *behind, int64_t message, const struct message_id *key)
{
	behind->first = behind->first == 0 ? message : behind->first;
	behind->last = message;
	return behind_key_note(behind, message, key);
}

static enum err grow(struct behind *behind, enum behind_part part)
{
	int64_t first = 0;
	int64_t last = 0;
	enum err err = behind_newest(behind, part, &first, &last);
	if (err == ERR_OK && last + 1 == behind->first) {
		return behind_run_cut(behind, part, first, behind->last);
	}
	return err == ERR_OK || err == ERR_NOT_FOUND
		       ? behind_run_put(behind, part, behind->first, behind->last)
		       : err;
}

enum err behind_flush(struct behind *behind)
{
	if (behind->first == 0) {
		return ERR_OK;
	}
	enum err err = grow(behind, BEHIND_WORDS);
	behind->has_words = true;
	return err == ERR_OK ? grow(behind, BEHIND_KEYS) : err;
}

void behind_kept(struct behind *behind)
{
	behind->first = 0;
	behind->last = 0;
	behind_keys_kept(behind);
}

void behind_forget(struct behind *behind)
{
	behind->first = 0;
	behind->last = 0;
	behind->count = behind->kept;
	behind->done = behind->done_kept;
}

/* What is made of it. */

struct held_post {
	struct index_post post;
	size_t text_at; /* in the text of the unit: first its tags */
	size_t tags_len;
	uint32_t made; /* where it is in `made` of the unit; MADE_MAX: it is not */
};

/* A row of `votes`. */
struct held_vote {
	int64_t link, feed, message;
};

struct unit {
	struct behind *behind;
	const struct behind_turn *turn;
	struct held_post *posts;
	size_t count;
	struct held_vote *votes;
	size_t vote_count;
	struct committed *made; /* of the first posts, which are the newest */
	uint32_t made_count;
	struct buf text; /* of the posts, one after another */
	struct buf body;
	size_t asked;
	int64_t low; /* the oldest message that was read; 0: none */
	size_t messages;
};

static bool must_stop(struct unit *unit)
{
	return unit->turn->must_stop != NULL && unit->turn->messages > BEHIND_UNIT_MIN &&
	       ++unit->asked % ASK_EVERY == 0 && unit->turn->must_stop(unit->turn->ctx);
}

static enum err tell(struct unit *unit, const struct committed *made)
{
	return unit->turn->on_made == NULL ? ERR_OK : unit->turn->on_made(unit->turn->ctx, made);
}

static enum err hold_post(struct unit *unit, const struct content_post *from,
	const struct index_row *row, const struct committed *made)
{
	struct held_post *held = &unit->posts[unit->count];
	*held = (struct held_post){.made = MADE_MAX, .text_at = unit->text.len};
	struct tags tags;
	held->post = index_post_of(from, row, &tags);
	held->tags_len = tags.len;
	if (unit->made_count < MADE_MAX) {
		struct committed *kept = &unit->made[unit->made_count];
		*kept = *made;
		kept->has_root = from->has_root;
		kept->root = from->root;
		kept->is_home = index_is_home_news(unit->behind->index, row->author);
		kept->is_shown = true; /* who is not has no rows, and none come here */
		held->made = unit->made_count++;
	}
	unit->count++;
	enum err err = buf_append(&unit->text, tag_set_span(&tags));
	return err == ERR_OK ? buf_append(&unit->text, from->text) : err;
}

static enum err hold_vote(struct unit *unit, const struct content_vote *vote,
	const struct index_row *row, const struct committed *made)
{
	struct committed told = *made;
	told.has_root = true;
	told.root = vote->link;
	unit->votes[unit->vote_count++] = (struct held_vote){.link = db_key_head(vote->link.at),
		.feed = row->author->feed,
		.message = vote->is_like ? row->message : -row->message};
	return tell(unit, &told);
}

/* A like of a post of ours gets its row of `votes` first, as the latest one counts. */
static enum err put_activity(
	struct unit *unit, const struct content *content, const struct index_row *row)
{
	struct index *index = unit->behind->index;
	const struct content_vote *vote = &content->vote;
	bool is_own = false;
	if (content->type != CONTENT_VOTE) {
		return activity_put(index, content, row);
	}
	enum err err = activity_is_own_post(index->db, &vote->link, &is_own);
	if (err != ERR_OK || !is_own) {
		return err;
	}
	err = index_put_vote_row(index, db_key_head(vote->link.at), row->author->feed,
		vote->is_like ? row->message : -row->message);
	return err == ERR_OK ? activity_put_vote(index, vote, row) : err;
}

static enum err take_content(struct unit *unit, const struct json *tree, struct index_row *row,
	struct committed *made, int64_t received_ms)
{
	struct content content;
	double claimed = 0;
	if (!json_number(json_get(tree, "timestamp"), &claimed)) {
		claimed = INFINITY; /* 1e400, of which the text says null */
	}
	content_read_json(json_get(tree, "content"), &content);
	row->at_ms = index_at_ms(claimed, received_ms);
	row->received_ms = received_ms;
	made->at_ms = row->at_ms;
	made->type = content.type;
	if (content.type == CONTENT_ABOUT) {
		return index_put_from(unit->behind->index, &content.about, row, made->sequence);
	}
	if (!index_is_shown(row->author)) {
		return ERR_OK;
	}
	enum err err = put_activity(unit, &content, row);
	if (err != ERR_OK) {
		return err;
	}
	if (content.type == CONTENT_POST) {
		return hold_post(unit, &content.post, row, made);
	}
	return content.type == CONTENT_VOTE ? hold_vote(unit, &content.vote, row, made) : ERR_OK;
}

/* One row of sql_behind_rows. What cannot be read is nobody's post; kith check says so. */
static enum err take_row(struct unit *unit, sqlite3_stmt *stmt)
{
	struct feed_entry author = {.feed = sqlite3_column_int64(stmt, 1),
		.mine = (enum contact_edge)sqlite3_column_int(stmt, 7),
		.is_muted = sqlite3_column_int(stmt, 9) != 0};
	struct index_row row = {.message = sqlite3_column_int64(stmt, 0), .author = &author};
	struct committed made = {.sequence = (uint64_t)sqlite3_column_int64(stmt, 5)};
	struct json_doc *doc = NULL;
	unit->low = row.message;
	unit->messages++;
	if (author.mine == EDGE_BLOCK || !db_column_id(stmt, 6, author.id.at) ||
		!db_column_key(stmt, 3, 4, &made.key)) {
		return ERR_OK;
	}
	made.author = author.id;
	buf_clear(&unit->body);
	enum err err = pack_text(db_column(stmt, 8), &author.id, made.sequence, &unit->body);
	if (err == ERR_OK) {
		err = json_parse(buf_span(&unit->body), LIMIT_JSON_DEPTH, &doc);
	}
	if (err != ERR_OK) {
		return err == ERR_NOMEM ? err : ERR_OK;
	}
	err = take_content(unit, json_root(doc), &row, &made, sqlite3_column_int64(stmt, 2));
	if (err == ERR_OK) {
		err = index_put_links(unit->behind->index, buf_span(&unit->body), &row);
	}
	json_doc_free(doc);
	return err;
}

static enum err read_unit(struct unit *unit, int64_t first, int64_t last)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(unit->behind->db, &sql_behind_rows, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, first);
	db_int(stmt, 2, last);
	db_int(stmt, 3, (int64_t)unit->turn->messages);
	while ((err = db_step(unit->behind->db, stmt)) == ERR_OK) {
		err = must_stop(unit) ? ERR_BUSY : take_row(unit, stmt);
		if (err != ERR_OK || unit->text.len >= BEHIND_TEXT_BYTES) {
			break;
		}
	}
	db_reset(stmt);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static int by_time(const void *a, const void *b)
{
	const struct index_post *one = &((const struct held_post *)a)->post;
	const struct index_post *two = &((const struct held_post *)b)->post;
	int64_t x = search_row(one->message, one->at_ms);
	int64_t y = search_row(two->message, two->at_ms);
	return x < y ? -1 : x > y;
}

static enum err put_posts(struct unit *unit)
{
	enum err err = ERR_OK;
	for (size_t i = 0; i < unit->count; i++) {
		struct held_post *held = &unit->posts[i];
		size_t end = i + 1 < unit->count ? unit->posts[i + 1].text_at : unit->text.len;
		struct span all = span_of(unit->text.at + held->text_at, end - held->text_at);
		held->post.tags = span_take(all, held->tags_len);
		held->post.text = span_skip(all, held->tags_len);
	}
	qsort(unit->posts, unit->count, sizeof(*unit->posts), by_time);
	for (size_t i = 0; err == ERR_OK && i < unit->count; i++) {
		bool is_new = false;
		err = must_stop(unit)
			      ? ERR_BUSY
			      : index_put_post(unit->behind->index, &unit->posts[i].post, &is_new);
		if (err == ERR_OK && is_new) {
			uint32_t made = unit->posts[i].made;
			err = tell(unit, made == MADE_MAX ? NULL : &unit->made[made]);
		}
	}
	return err;
}

static int by_link(const void *a, const void *b)
{
	const struct held_vote *one = a;
	const struct held_vote *two = b;
	if (one->link != two->link) {
		return one->link < two->link ? -1 : 1;
	}
	return one->feed < two->feed ? -1 : one->feed > two->feed;
}

static enum err put_votes(struct unit *unit)
{
	enum err err = ERR_OK;
	qsort(unit->votes, unit->vote_count, sizeof(*unit->votes), by_link);
	for (size_t i = 0; err == ERR_OK && i < unit->vote_count; i++) {
		const struct held_vote *held = &unit->votes[i];
		err = must_stop(unit) ? ERR_BUSY
				      : index_put_vote_row(unit->behind->index, held->link,
						held->feed, held->message);
	}
	return err;
}

/* The run is shorter by what was read; nothing was left of it when less was read than asked for. */
static enum err shorten(struct unit *unit, int64_t first)
{
	bool is_all = unit->messages < unit->turn->messages && unit->text.len < BEHIND_TEXT_BYTES;
	return is_all || unit->low <= first
		       ? behind_run_drop(unit->behind, BEHIND_WORDS, first)
		       : behind_run_cut(unit->behind, BEHIND_WORDS, first, unit->low - 1);
}

enum err behind_words(struct behind *behind, const struct behind_turn *turn)
{
	int64_t first = 0;
	int64_t last = 0;
	enum err err = behind_newest(behind, BEHIND_WORDS, &first, &last);
	if (err == ERR_NOT_FOUND) {
		behind->has_words = false;
		return ERR_OK;
	}
	struct unit unit = {.behind = behind,
		.turn = turn,
		.posts = malloc(turn->messages * sizeof(*unit.posts)),
		.votes = malloc(turn->messages * sizeof(*unit.votes)),
		.made = malloc(MADE_MAX * sizeof(*unit.made)),
		.text = BUF_INIT(BEHIND_TEXT_BYTES + LIMIT_MESSAGE_BYTES),
		.body = BUF_INIT(LIMIT_MESSAGE_BYTES)};
	if (err == ERR_OK && (unit.posts == NULL || unit.votes == NULL || unit.made == NULL)) {
		err = ERR_NOMEM;
	}
	if (err == ERR_OK) {
		err = read_unit(&unit, first, last);
	}
	if (err == ERR_OK) {
		err = put_posts(&unit);
	}
	if (err == ERR_OK) {
		err = put_votes(&unit);
	}
	if (err == ERR_OK) {
		err = shorten(&unit, first);
	}
	buf_fini(&unit.body);
	buf_fini(&unit.text);
	free(unit.made);
	free(unit.votes);
	free(unit.posts);
	return err;
}

QUERY(sql_behind_clear, "DELETE FROM behind");
QUERY(sql_behind_last, "SELECT max(message) FROM messages");

static enum err begin_all(struct behind *behind)
{
	sqlite3_stmt *stmt = NULL;
	int64_t last = 0;
	enum err err = db_query(behind->db, &sql_behind_clear, &stmt);
	if (err == ERR_OK) {
		err = db_run(behind->db, stmt);
	}
	if (err == ERR_OK) {
		err = db_query(behind->db, &sql_behind_last, &stmt);
	}
	if (err == ERR_OK) {
		err = db_step(behind->db, stmt);
	}
	if (err == ERR_OK) {
		last = sqlite3_column_int64(stmt, 0);
		db_reset(stmt);
	}
	if (err == ERR_OK && last > 0) {
		err = behind_run_put(behind, BEHIND_WORDS, 1, last);
	}
	behind->has_words = true;
	return err;
}

enum err behind_all(struct index *index)
{
	struct behind *behind = NULL;
	const struct behind_turn turn = {.messages = BEHIND_UNIT_MAX};
	enum err err = behind_new(index, &behind);
	if (err == ERR_OK) {
		err = begin_all(behind);
	}
	while (err == ERR_OK && behind_has_words(behind)) {
		err = behind_words(behind, &turn);
	}
	behind_free(behind);
	return err;
}
