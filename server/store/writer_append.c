/* One received message: judged against the head we hold, first seen wins, one proof of a fork is
 * kept. */
#include "store/activity_rows.h"
#include "store/keys.h"
#include "store/let_go_rows.h"
#include "store/pack.h"
#include "store/stray.h"
#include "store/writer_inside.h"

#include <stdlib.h>

QUERY(sql_message_add, "INSERT INTO messages (feed, sequence, key_head, key_tail, received, body) "
		       "VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
QUERY(sql_key_at, "SELECT key_head, key_tail FROM messages WHERE feed = ?1 AND sequence = ?2");
QUERY(sql_fork_add, "INSERT OR IGNORE INTO forks (feed, at, proof) VALUES (?1, ?2, ?3)");

static enum err room_for_committed(struct writer *writer)
{
	if (writer->committed_count < writer->committed_room) {
		return ERR_OK;
	}
	size_t room = writer->committed_room == 0 ? 256 : 2 * writer->committed_room;
	struct committed *grown = realloc(writer->committed, room * sizeof(*grown));
	if (grown == NULL) {
		return ERR_NOMEM;
	}
	writer->committed = grown;
	writer->committed_room = room;
	return ERR_OK;
}

static enum err insert_row(struct writer *writer, const struct message *message,
	const struct feed_entry *author, int64_t received_ms)
{
	sqlite3_stmt *stmt = NULL;
	buf_clear(&writer->body);
	enum err err = pack_body(message->compact, &author->id, message->sequence, &writer->body);
	if (err == ERR_OK) {
		err = db_query(writer->db, &sql_message_add, &stmt);
	}
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, author->feed);
	db_int(stmt, 2, (int64_t)message->sequence);
	db_int(stmt, 3, db_key_head(message->key.at));
	db_blob(stmt, 4, db_key_tail(message->key.at));
	db_int(stmt, 5, received_ms);
	db_blob(stmt, 6, buf_span(&writer->body));
	return db_run(writer->db, stmt);
}

enum err writer_insert(struct writer *writer, const struct message *message,
	struct feed_entry *author, int64_t received_ms)
{
	bool was_shown = false;
	bool was_asked_for = author->strays > 0;
	enum err err = room_for_committed(writer);
	if (err == ERR_OK && was_asked_for) {
		err = writer_stray_reached(writer, message, author);
	}
	if (err == ERR_OK && author->ahead_first != 0) {
		err = writer_ahead_reached(writer, message, author, &was_shown);
	}
	if (err == ERR_OK && author->coming != 0) {
		err = let_go_arrives(&writer->index, author, message->sequence);
	}
	if (err == ERR_OK) {
		err = insert_row(writer, message, author, received_ms);
	}
	if (err != ERR_OK) {
		return err;
	}
	const struct index_row row = {
		.message = sqlite3_last_insert_rowid(db_handle(writer->db)),
		.at_ms = index_at_ms(message->timestamp, received_ms),
		.received_ms = received_ms,
		.author = author,
	};
	writer->index.delta.messages++;
	writer->index.delta.feeds += author->head.sequence == 0;
	author->head = (struct chain_head){.sequence = message->sequence,
		.key = message->key,
		.timestamp = message->timestamp};
	author->at_ms = row.at_ms;
	feeds_touch(writer->feeds, author);
	struct committed *out = &writer->committed[writer->committed_count];
	*out = (struct committed){.author = message->author,
		.key = message->key,
		.sequence = message->sequence,
		.at_ms = row.at_ms,
		.was_shown = was_shown,
		.is_behind = writer->is_bulk && author->feed != FEED_SELF && !was_shown &&
			     !was_asked_for};
	err = out->is_behind ? behind_note(writer->behind, row.message, &message->key)
			     : keys_add(writer->db, &message->key, row.message);
	if (err == ERR_OK) {
		err = index_message(&writer->index, message, &row, out);
	}
	if (err == ERR_OK) {
		writer->committed_count++;
		writer->is_graph_changed = writer->is_graph_changed || out->type == CONTENT_CONTACT;
		writer->has_own = writer->has_own || author->feed == FEED_SELF;
	}
	return err;
}

enum err writer_keep_proof(struct writer *writer, struct feed_entry *author, struct span proof)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(writer->db, &sql_fork_add, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, author->feed);
	db_int(stmt, 2, env_wall_ms(store_env(writer->store)));
	db_blob(stmt, 3, proof);
	err = db_run(writer->db, stmt);
	if (err == ERR_OK && sqlite3_changes(db_handle(writer->db)) > 0) {
		writer->index.delta.forks++;
	}
	if (author->feed == FEED_SELF) {
		writer_signal(writer, GUARD_FORK);
	}
	if (err == ERR_OK) {
		err = stray_drop_all(writer->db, author);
	}
	return err == ERR_OK ? writer_ahead_drop(writer, author) : err;
}

/* A number we hold: the same message again, or another one in its place? */
static enum err compare_known(struct writer *writer, const struct message *message,
	const struct feed_entry *author, bool *is_same)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(writer->db, &sql_key_at, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, author->feed);
	db_int(stmt, 2, (int64_t)message->sequence);
	err = db_step(writer->db, stmt);
	if (err != ERR_OK) {
		*is_same = true; /* a hole in our log is kith check's finding, not a proof against
				    the author */
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	struct message_id held;
	*is_same = db_column_key(stmt, 0, 1, &held) && message_id_equal(&held, &message->key);
	db_reset(stmt);
	return ERR_OK;
}

/* A message of ours that does not fit into our feed: D3, and the other side is kept. */
static enum err keep_branch(struct writer *writer, const struct message *message)
{
	sqlite3_stmt *stmt = NULL;
	struct message_id held;
	enum err err = writer_branch_put(writer, message);
	if (err == ERR_OK) {
		err = db_query(writer->db, &sql_key_at, &stmt);
	}
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, FEED_SELF);
	db_int(stmt, 2, (int64_t)message->sequence);
	err = db_step(writer->db, stmt);
	if (err == ERR_OK) {
		if (db_column_key(stmt, 0, 1, &held)) {
			writer_signal_fork(writer, message->sequence, &held, &message->key);
		}
		db_reset(stmt);
	} else if (err == ERR_NOT_FOUND && writer->pending != NULL &&
		   writer->pending->sequence == message->sequence) {
		writer_signal_fork(writer, message->sequence, &writer->pending->key, &message->key);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* More of the other side of a fork of ours. */
static enum err follow_branch(struct writer *writer, const struct message *message)
{
	bool is_so = false;
	bool is_forked = writer->report.state == FENCE_FORKED ||
			 (writer->signals.causes & 1U << GUARD_FORK) != 0;
	if (!is_forked || !message->has_previous) {
		return ERR_OK;
	}
	enum err err = writer_branch_has(writer, message->sequence - 1, &message->previous, &is_so);
	return err == ERR_OK && is_so ? writer_branch_put(writer, message) : err;
}

/* A message of ours that this node did not make (D2). */
static enum err take_back(struct writer *writer, const struct message *message,
	struct feed_entry *self, int64_t received_ms)
{
	bool is_made_here =
		writer->pending != NULL && message_id_equal(&writer->pending->key, &message->key);
	enum err err = writer_insert(writer, message, self, received_ms);
	if (err == ERR_OK && !is_made_here) {
		writer->signals.has_returned = true;
		writer->signals.is_changed = true;
		writer_signal(writer, GUARD_RETURNED);
		err = activity_own_back(&writer->index, message);
	}
	if (err == ERR_OK && !is_made_here) {
		err = writer_holders_reask(writer, message->sequence - 1);
		if (err == ERR_OK) {
			err = writer_draft_returned(writer, message);
		}
	}
	return err;
}

enum err writer_append_one(struct writer *writer, const struct message *message,
	int64_t received_ms, enum append_result *result)
{
	struct feed_entry *author = NULL;
	enum err err = feeds_get(writer->feeds, &message->author, &author);
	if (err != ERR_OK) {
		return err;
	}
	if (writer_is_blocked(writer, author)) {
		*result = APPEND_NOT_WANTED;
		return ERR_OK;
	}
	bool is_self = author->feed == FEED_SELF;
	bool is_same = false;
	switch (chain_judge(&author->head, message)) {
	case CHAIN_NEXT:
		if (is_self && writer->pending != NULL &&
			!message_id_equal(&writer->pending->key, &message->key) &&
			writer->pending->sequence == message->sequence) {
			break; /* we signed another message with this number that is still to be
				  stored */
		}
		*result = APPEND_STORED;
		return is_self ? take_back(writer, message, author, received_ms)
			       : writer_insert(writer, message, author, received_ms);
	case CHAIN_GAP:
		*result = APPEND_GAP;
		err = is_self ? writer_branch_settled(writer, message, &is_same) : ERR_OK;
		return err == ERR_OK && is_self && !is_same ? follow_branch(writer, message) : err;
	case CHAIN_KNOWN:
		err = compare_known(writer, message, author, &is_same);
		if (err != ERR_OK || is_same) {
			*result = APPEND_KNOWN;
			return err;
		}
		break;
	case CHAIN_FORK:
		break;
	}
	*result = APPEND_FORKED;
	bool is_settled = false;
	if (is_self) {
		err = writer_branch_settled(writer, message, &is_settled);
	}
	if (err != ERR_OK || is_settled) {
		return err; /* its owner knows, and has decided */
	}
	err = is_self ? keep_branch(writer, message) : ERR_OK;
	return err == ERR_OK ? writer_keep_proof(writer, author, message->compact) : err;
}

struct append_job *append_job_new(size_t count_max)
{
	struct append_job *job = calloc(1, sizeof(*job));
	if (job == NULL) {
		return NULL;
	}
	job->messages = calloc(count_max, sizeof(void *));
	job->results = calloc(count_max, sizeof(*job->results));
	if (job->messages == NULL || job->results == NULL) {
		append_job_free(job);
		return NULL;
	}
	return job;
}

void append_job_free(struct append_job *job)
{
	if (job == NULL) {
		return;
	}
	for (size_t i = 0; job->messages != NULL && i < job->count; i++) {
		message_free(job->messages[i]);
	}
	free(job->messages);
	free(job->results);
	free(job);
}
