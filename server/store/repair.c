/*
 * A few rounds of: audit, and mend what it found, the log first and then what follows from it; a
 * cut may uncover a further fault, and always makes the views wrong. The last audit tells what is
 * left.
 */
#include "store/repair.h"

#include "store/audit_inside.h"
#include "store/behind.h"
#include "store/blob_links.h"
#include "store/fence.h"
#include "store/guard.h"
#include "store/keys.h"
#include "store/pack.h"
#include "store/search_rows.h"
#include "store/tag_rows.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS_MAX = 4, SENTENCE_BYTES = 512, TRIM_EVERY = 1000 };

/* Where a feed is to be cut. */
struct cut {
	int64_t feed;
	uint64_t sequence; /* the first that goes */
	bool is_proof;     /* only its proof of a fork goes */
};

struct work {
	struct repair *repair;
	struct store *store;
	struct db *db;
	const uint8_t *hmac_key;
	uint64_t found[AUDIT_KINDS]; /* in this round */
	struct cut *cuts;
	size_t cut_count, cut_room;
	bool is_out_of_memory;
	bool is_quiet; /* the faults of this round are not told */
};

/* Finding. */

static void note_cut(struct work *work, const struct audit_fault *fault)
{
	bool is_proof = fault->kind == AUDIT_PROOF;
	for (size_t i = 0; i < work->cut_count; i++) {
		struct cut *cut = &work->cuts[i];
		if (cut->feed == fault->feed && cut->is_proof == is_proof) {
			cut->sequence =
				cut->sequence < fault->sequence ? cut->sequence : fault->sequence;
			return;
		}
	}
	if (work->cut_count == work->cut_room) {
		size_t room = work->cut_room == 0 ? 64 : 2 * work->cut_room;
		struct cut *grown = realloc(work->cuts, room * sizeof(*grown));
		if (grown == NULL) {
			work->is_out_of_memory = true;
			return;
		}
		work->cuts = grown;
		work->cut_room = room;
	}
	work->cuts[work->cut_count++] = (struct cut){
		.feed = fault->feed, .sequence = fault->sequence, .is_proof = is_proof};
}

static void on_fault(void *ctx, const struct audit_fault *fault)
{
	struct work *work = ctx;
	work->found[fault->kind]++;
	if (fault->kind == AUDIT_FEED || fault->kind == AUDIT_PROOF) {
		note_cut(work, fault);
	}
	if (!work->is_quiet && work->repair->on_fault != NULL) {
		work->repair->on_fault(work->repair->ctx, fault);
	}
}

static enum err look(struct work *work, bool is_quiet)
{
	struct audit audit = {.on_fault = on_fault, .ctx = work};
	memset(work->found, 0, sizeof(work->found));
	work->cut_count = 0;
	work->is_quiet = is_quiet;
	enum err err = audit_run(work->store, work->hmac_key, &audit);
	return err == ERR_OK && work->is_out_of_memory ? ERR_NOMEM : err;
}

/* Steps. */

QUERY(sql_repair_log, "INSERT INTO safety_log (at, event, sequence, text) SELECT ?1, 'repair', "
		      "coalesce((SELECT sequence FROM feeds WHERE feed = 1), 0), ?2");
QUERY(sql_repair_feed, "SELECT id FROM feeds WHERE feed = ?1");
QUERY(sql_repair_cut, "DELETE FROM messages WHERE feed = ?1 AND (sequence >= ?2 OR sequence < 1)");
QUERY(sql_repair_last,
	"SELECT m.sequence, f.id, m.body, m.received FROM messages m CROSS JOIN feeds f ON f.feed "
	"= m.feed WHERE m.feed = ?1 AND m.sequence >= coalesce((SELECT below FROM let_go WHERE "
	"feed = "
	"?1 AND again < 2), 1) ORDER BY m.sequence DESC LIMIT 1");
/* Of a history without its beginning nothing is left that something could follow: then it is as if
 * nothing had ever come. A message that was kept by itself goes alone. */
QUERY(sql_repair_kept, "DELETE FROM messages WHERE feed = ?1 AND sequence = ?2 AND sequence < "
		       "coalesce((SELECT below FROM let_go WHERE feed = ?1 AND again < 2), 1)");
QUERY(sql_repair_let_go_rows,
	"DELETE FROM messages WHERE feed = ?1 AND EXISTS (SELECT 1 FROM let_go "
	"WHERE feed = ?1 AND again < 2)");
QUERY(sql_repair_let_go, "DELETE FROM let_go WHERE feed = ?1 AND again < 2");
QUERY(sql_repair_head,
	"UPDATE feeds SET sequence = ?2, head = ?3, timestamp = ?4, at = ?5 WHERE feed "
	"= ?1");
QUERY(sql_repair_proof, "DELETE FROM forks WHERE feed = ?1");
QUERY(sql_repair_count,
	"UPDATE figures SET n = CASE name WHEN 'messages' THEN (SELECT count(*) FROM "
	"messages) WHEN 'forks' THEN (SELECT count(*) FROM forks) WHEN 'feeds' THEN "
	"(SELECT count(*) FROM feeds WHERE sequence > 0) ELSE n END");

static enum err begin(struct work *work)
{
	enum err err = db_exec(work->db, "PRAGMA synchronous = FULL");
	return err == ERR_OK ? db_begin(work->db) : err;
}

/* COMMIT with a line in the log, and tell; or undo all of it. */
static enum err finish(struct work *work, enum err err, const char *format, ...) PRINTF_LIKE(3, 4);
static enum err finish(struct work *work, enum err err, const char *format, ...)
{
	char sentence[SENTENCE_BYTES];
	sqlite3_stmt *stmt = NULL;
	va_list args;
	va_start(args, format);
	(void)vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	if (err == ERR_OK) {
		err = db_query(work->db, &sql_repair_log, &stmt);
	}
	if (err == ERR_OK) {
		db_int(stmt, 1, env_wall_ms(store_env(work->store)));
		db_text(stmt, 2, span_text(sentence));
		err = db_run(work->db, stmt);
	}
	if (err == ERR_OK) {
		err = db_exec(work->db, "COMMIT");
	}
	if (err != ERR_OK) {
		db_rollback(work->db);
		return err;
	}
	work->repair->steps++;
	if (work->repair->on_step != NULL) {
		work->repair->on_step(work->repair->ctx, sentence);
	}
	return ERR_OK;
}

static enum err run_two(struct work *work, const struct query *query, int64_t a, int64_t b)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(work->db, query, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, a);
	if (sqlite3_bind_parameter_count(stmt) > 1) {
		db_int(stmt, 2, b);
	}
	return db_run(work->db, stmt);
}

static enum err name_feed(struct work *work, int64_t feed, char text[static FEED_ID_TEXT_BYTES])
{
	sqlite3_stmt *stmt = NULL;
	struct feed_id id;
	(void)snprintf(text, FEED_ID_TEXT_BYTES, "nobody");
	enum err err = db_query(work->db, &sql_repair_feed, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, feed);
	err = db_step(work->db, stmt);
	if (err == ERR_OK) {
		if (db_column_id(stmt, 0, id.at)) {
			feed_id_format(&id, text);
		}
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* The message of a row that begins with its number, its author's id and its body. */
static enum err read_row(sqlite3_stmt *stmt, struct message **out)
{
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	struct feed_id author;
	const char *why = NULL;
	enum err err = ERR_DAMAGED;
	if (db_column_id(stmt, 1, author.at)) {
		err = pack_text(db_column(stmt, 2), &author,
			(uint64_t)sqlite3_column_int64(stmt, 0), &text);
	}
	if (err == ERR_OK) {
		err = message_reread(buf_span(&text), out, &why);
	}
	buf_fini(&text);
	return err;
}

/* The last message that is left, as the feed's row tells it. */
static enum err read_last(struct work *work, int64_t feed, struct chain_head *head, int64_t *at_ms)
{
	sqlite3_stmt *stmt = NULL;
	struct message *message = NULL;
	*head = (struct chain_head){.sequence = 0};
	*at_ms = 0;
	enum err err = db_query(work->db, &sql_repair_last, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, feed);
	err = db_step(work->db, stmt);
	if (err != ERR_OK) {
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	err = read_row(stmt, &message);
	if (err == ERR_OK) {
		head->sequence = (uint64_t)sqlite3_column_int64(stmt, 0);
		head->key = message->key;
		head->timestamp = message->timestamp;
		*at_ms = index_at_ms(message->timestamp, sqlite3_column_int64(stmt, 3));
		message_free(message);
	}
	db_reset(stmt);
	return err == ERR_NOMEM || err == ERR_OK ? err : ERR_DAMAGED;
}

static enum err put_head(
	struct work *work, int64_t feed, const struct chain_head *head, int64_t at_ms)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(work->db, &sql_repair_head, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, feed);
	db_int(stmt, 2, (int64_t)head->sequence);
	if (head->sequence > 0) {
		db_blob(stmt, 3, span_of(head->key.at, ID_BYTES));
	}
	(void)sqlite3_bind_double(stmt, 4, head->timestamp);
	db_int(stmt, 5, at_ms);
	return db_run(work->db, stmt);
}

static enum err cut_feed(struct work *work, const struct cut *cut)
{
	char text[FEED_ID_TEXT_BYTES] = "";
	struct chain_head head = {.sequence = 0};
	int64_t at_ms = 0;
	int64_t from = cut->sequence > INT64_MAX ? INT64_MAX : (int64_t)cut->sequence;
	int gone = 0;
	enum err err = begin(work);
	if (err == ERR_OK) {
		err = name_feed(work, cut->feed, text);
	}
	if (err == ERR_OK) {
		err = run_two(work, &sql_repair_kept, cut->feed, from);
		gone = sqlite3_changes(db_handle(work->db));
	}
	if (err == ERR_OK && gone > 0) {
		return finish(work, err, "Message %llu of %s, which was kept, is damaged and gone.",
			(unsigned long long)cut->sequence, text);
	}
	if (err == ERR_OK) {
		err = run_two(work, &sql_repair_cut, cut->feed, from);
		gone = sqlite3_changes(db_handle(work->db));
	}
	if (err == ERR_OK) {
		err = read_last(work, cut->feed, &head, &at_ms);
	}
	if (err == ERR_OK && head.sequence == 0) {
		err = run_two(work, &sql_repair_let_go_rows, cut->feed, 0);
	}
	if (err == ERR_OK && head.sequence == 0) {
		err = run_two(work, &sql_repair_let_go, cut->feed, 0);
	}
	if (err == ERR_OK) {
		err = put_head(work, cut->feed, &head, at_ms);
	}
	if (gone == 0) {
		return finish(work, err, "The feed of %s ends with number %llu, as it is stored.",
			text, (unsigned long long)head.sequence);
	}
	return finish(work, err,
		"The feed of %s now ends with its last good message, number %llu; %d messages "
		"behind it are gone and come again from those who hold them.",
		text, (unsigned long long)head.sequence, gone);
}

static enum err drop_proof(struct work *work, const struct cut *cut)
{
	char text[FEED_ID_TEXT_BYTES] = "";
	enum err err = begin(work);
	if (err == ERR_OK) {
		err = name_feed(work, cut->feed, text);
	}
	if (err == ERR_OK) {
		err = run_two(work, &sql_repair_proof, cut->feed, 0);
	}
	return finish(work, err, "What proved no fork of %s is gone.", text);
}

static enum err make_cuts(struct work *work)
{
	enum err err = ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < work->cut_count; i++) {
		const struct cut *cut = &work->cuts[i];
		err = cut->is_proof ? drop_proof(work, cut) : cut_feed(work, cut);
	}
	return err;
}

static enum err drop_strays(struct work *work)
{
	const char *what = NULL;
	enum err err = ERR_OK;
	for (size_t i = 0; err == ERR_OK; i++) {
		const struct query *drop = audit_stray_drop(i, &what);
		sqlite3_stmt *stmt = NULL;
		if (what == NULL) {
			break;
		}
		if (drop == NULL) {
			continue;
		}
		err = begin(work);
		if (err == ERR_OK) {
			err = db_query(work->db, drop, &stmt);
		}
		if (err == ERR_OK) {
			err = db_run(work->db, stmt);
		}
		int gone = err == ERR_OK ? sqlite3_changes(db_handle(work->db)) : 0;
		if (err == ERR_OK && gone == 0) {
			db_rollback(work->db);
		} else {
			err = finish(work, err, "%s: %d such rows are gone.", what, gone);
		}
	}
	return err;
}

/* An index can be made again from its table; a page of a table cannot. */
static enum err mend_file(struct work *work)
{
	enum err err = begin(work);
	if (err == ERR_OK) {
		err = db_exec(work->db, "REINDEX");
	}
	return finish(work, err, "The indexes of the database were made again.");
}

/* Views. */

#define REBUILD_ROWS                                                                            \
	"SELECT m.sequence, f.id, m.body, m.received, m.message, m.feed FROM messages m CROSS " \
	"JOIN feeds f ON f.feed = m.feed "
QUERY(sql_rebuild_log, REBUILD_ROWS "ORDER BY m.message");
QUERY(sql_rebuild_own, REBUILD_ROWS "WHERE m.feed = 1 ORDER BY m.sequence");

QUERY(sql_rebuild_ahead, "SELECT message, received, body FROM ahead");

static enum err rebuild_one(struct index *index, sqlite3_stmt *stmt, bool is_own_pass)
{
	struct message *message = NULL;
	struct feed_entry *author = NULL;
	struct index_row row = {.message = sqlite3_column_int64(stmt, 4)};
	enum err err = read_row(stmt, &message);
	if (err != ERR_OK) {
		return err == ERR_NOMEM ? err : ERR_OK; /* damage in our own feed: nobody's view */
	}
	err = feeds_get(index->feeds, &message->author, &author);
	if (err == ERR_OK && author->feed == sqlite3_column_int64(stmt, 5)) {
		row.author = author;
		row.at_ms = index_at_ms(message->timestamp, sqlite3_column_int64(stmt, 3));
		err = index_again(index, message, &row, is_own_pass);
		if (message->sequence == author->head.sequence) {
			author->head.timestamp = message->timestamp;
			author->at_ms = row.at_ms;
			feeds_touch(index->feeds, author);
		}
	}
	message_free(message);
	return err;
}

/* What is held ahead has no other rows to be made again than those of its posts. */
static enum err rebuild_ahead(struct index *index)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(index->db, &sql_rebuild_ahead, &stmt);
	while (err == ERR_OK && (err = db_step(index->db, stmt)) == ERR_OK) {
		struct message *message = NULL;
		struct committed told = {.sequence = 0};
		const char *why = NULL;
		struct index_row row = {.message = sqlite3_column_int64(stmt, 0)};
		err = message_reread(db_column(stmt, 2), &message, &why);
		if (err == ERR_OK) {
			err = feeds_get(index->feeds, &message->author, &row.author);
		}
		if (err == ERR_OK) {
			row.at_ms = index_at_ms(message->timestamp, sqlite3_column_int64(stmt, 1));
			err = index_ahead(index, message, &row, &told);
		}
		message_free(message);
		err = err == ERR_REFUSED || err == ERR_LIMIT ? ERR_OK : err;
	}
	if (stmt != NULL) {
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err rebuild_pass(struct index *index, bool is_own_pass)
{
	sqlite3_stmt *stmt = NULL;
	int count = 0;
	enum err err =
		db_query(index->db, is_own_pass ? &sql_rebuild_own : &sql_rebuild_log, &stmt);
	while (err == ERR_OK && (err = db_step(index->db, stmt)) == ERR_OK) {
		err = rebuild_one(index, stmt, is_own_pass);
		if (err == ERR_OK && ++count % TRIM_EVERY == 0) {
			err = feeds_flush(index->feeds);
			if (err == ERR_OK) {
				feeds_trim(index->feeds);
			}
		}
	}
	if (stmt != NULL) {
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* What was said in messages that were let go (store/let_go) cannot be made again, and stays. What
 * our own feed says of others stays when a part of it cannot be read: a block must not end by
 * damage. */
static const char sql_clear_all[] =
	"DELETE FROM posts; DELETE FROM votes; DELETE FROM activity; DELETE FROM contacts WHERE "
	"feed NOT IN (SELECT feed FROM let_go); DELETE FROM profiles WHERE feed NOT IN (SELECT "
	"feed FROM let_go); DELETE FROM profiles_from WHERE feed NOT IN (SELECT feed FROM let_go); "
	"UPDATE feeds SET edges = (SELECT count(*) FROM contacts c WHERE c.feed = feeds.feed); "
	"DELETE FROM figures; INSERT INTO figures (name, n) VALUES ('feeds', 0), ('forks', 0), "
	"('messages', 0), ('posts', 0); INSERT INTO figures (name, n) SELECT 'edges', count(*) "
	"FROM contacts";
static const char sql_clear_others[] =
	"DELETE FROM posts; DELETE FROM votes; DELETE FROM activity; DELETE FROM contacts WHERE "
	"feed <> 1 AND feed NOT IN (SELECT feed FROM let_go); DELETE FROM profiles WHERE feed <> 1 "
	"AND feed NOT IN (SELECT feed FROM let_go); DELETE FROM profiles_from WHERE feed <> 1 AND "
	"feed NOT IN (SELECT feed FROM let_go); UPDATE feeds SET edges = (SELECT count(*) FROM "
	"contacts c WHERE c.feed = feeds.feed); DELETE FROM figures; INSERT INTO "
	"figures (name, n) VALUES ('feeds', 0), ('forks', 0), ('messages', 0), ('posts', 0); "
	"INSERT "
	"INTO figures (name, n) SELECT 'edges', count(*) FROM contacts";

QUERY(sql_drop_lifted, "DELETE FROM lifted WHERE feed NOT IN (SELECT about FROM contacts WHERE "
		       "feed = 1 AND edge = 2)");

/* Once it is known again whom we block. */
static enum err drop_lifted(struct index *index)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(index->db, &sql_drop_lifted, &stmt);
	return err == ERR_OK ? db_run(index->db, stmt) : err;
}

/* Whom we follow and block first, for all others' posts depend on it; then contacts and profiles in
 * the order of arrival; then posts, votes and words, as behind a bulk. */
static enum err rebuild_all(struct store *store, struct index *index, bool is_own_whole)
{
	enum err err = db_exec(index->db, is_own_whole ? sql_clear_all : sql_clear_others);
	if (err == ERR_OK) {
		err = index_load(index);
	}
	if (err == ERR_OK) {
		err = feeds_new(index->db, store_env(store), &index->feeds);
	}
	if (err == ERR_OK && is_own_whole) {
		err = rebuild_pass(index, true);
	}
	if (err == ERR_OK) {
		err = drop_lifted(index);
	}
	if (err == ERR_OK) {
		err = rebuild_pass(index, false);
	}
	if (err == ERR_OK) {
		err = search_rows_clear(index->db);
	}
	if (err == ERR_OK) {
		err = tag_rows_clear(index->db);
	}
	if (err == ERR_OK) {
		err = blob_links_clear(index->db);
	}
	if (err == ERR_OK) {
		err = rebuild_ahead(index);
	}
	if (err == ERR_OK) {
		err = feeds_flush(index->feeds);
	}
	if (err == ERR_OK) {
		err = behind_all(index);
	}
	return err == ERR_OK ? index_flush(index) : err;
}

enum err repair_views(struct store *store, bool is_own_whole)
{
	struct index index = {.db = store->writer};
	sqlite3_stmt *stmt = NULL;
	enum err err = rebuild_all(store, &index, is_own_whole);
	if (err == ERR_OK) {
		err = keys_rebuild(index.db);
	}
	if (err == ERR_OK) {
		err = db_query(index.db, &sql_repair_count, &stmt);
	}
	if (err == ERR_OK) {
		err = db_run(index.db, stmt);
	}
	feeds_free(index.feeds);
	return err;
}

static enum err rebuild(struct work *work)
{
	enum err err = begin(work);
	if (err == ERR_OK) {
		err = repair_views(work->store, work->found[AUDIT_OWN] == 0);
	}
	return finish(work, err, "What follows from the messages was made again.");
}

/* Our own feed. */

/* Damage in it pauses publishing; the next start says so, and asks those who hold the feed. */
static enum err suspect(struct work *work)
{
	struct fence *fence = NULL;
	char *path = store_path(work->store, "fence");
	enum err err = path == NULL ? ERR_NOMEM : fence_open_in(work->store->vfs, path, &fence);
	free(path);
	if (err == ERR_NOT_FOUND || err == ERR_REFUSED) {
		return ERR_OK; /* without it every start pauses */
	}
	if (err != ERR_OK) {
		return err;
	}
	struct fence_facts facts = *fence_facts(fence);
	bool is_new = facts.state == FENCE_NEW || facts.state == FENCE_CLEAN;
	if (is_new) {
		facts.state = FENCE_SUSPECT;
		facts.cause = GUARD_DAMAGE;
		err = begin(work);
		if (err == ERR_OK) {
			err = fence_write(fence, &facts, fence_intent(fence));
		}
		err = finish(work, err,
			"Your own feed is damaged here: publishing is paused until those who hold "
			"it were asked.");
	}
	fence_close(fence);
	return err;
}

static enum err mend(struct work *work)
{
	enum err err = ERR_OK;
	if (work->found[AUDIT_FILE] > 0) {
		err = mend_file(work);
	}
	if (err == ERR_OK) {
		err = make_cuts(work);
	}
	if (err == ERR_OK && work->found[AUDIT_ROW] > 0) {
		err = drop_strays(work);
	}
	if (err == ERR_OK && (work->found[AUDIT_VIEW] > 0 || work->cut_count > 0 ||
				     work->found[AUDIT_ROW] > 0)) {
		err = rebuild(work);
	}
	return err;
}

static bool has_work(const struct work *work)
{
	return work->found[AUDIT_FILE] > 0 || work->found[AUDIT_FEED] > 0 ||
	       work->found[AUDIT_VIEW] > 0 || work->found[AUDIT_ROW] > 0 ||
	       work->found[AUDIT_PROOF] > 0;
}

enum err repair_run(struct store *store, const uint8_t *hmac_key, struct repair *repair)
{
	struct work work = {
		.repair = repair, .store = store, .db = store->writer, .hmac_key = hmac_key};
	enum err err = look(&work, true);
	memcpy(repair->kinds, work.found, sizeof(repair->kinds));
	for (int round = 0; err == ERR_OK && has_work(&work) && round < ROUNDS_MAX; round++) {
		err = mend(&work);
		if (err == ERR_OK) {
			err = look(&work, true);
		}
	}
	if (err == ERR_OK && work.found[AUDIT_OWN] > 0) {
		err = suspect(&work);
	}
	if (err == ERR_OK) {
		err = look(&work, false);
		memcpy(repair->left, work.found, sizeof(repair->left));
	}
	if (err == ERR_OK) {
		err = db_exec(work.db, "PRAGMA wal_checkpoint(TRUNCATE)");
	}
	free(work.cuts);
	return err;
}
