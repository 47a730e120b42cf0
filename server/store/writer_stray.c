/*
 * A message that came alone. Its signature was checked by whoever brought it; here it is judged
 * against what we hold: of our own feed it is as precious as any that returns, of a feed that we
 * have up to it, it is known or the proof of a fork, and of what is above our head it is kept for
 * its conversation (store/stray). Two of one number contradict each other: neither is shown.
 */
#include "store/stray.h"
#include "store/writer_inside.h"

QUERY(sql_stray_author_forked, "SELECT 1 FROM forks WHERE feed = ?1");
QUERY(sql_stray_is_ahead, "SELECT key_head, key_tail FROM ahead WHERE feed = ?1 AND sequence = ?2");

/* Is more than one history known of it? */
static enum err is_forked(struct writer *writer, const struct feed_entry *author, bool *is_so)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(writer->db, &sql_stray_author_forked, &stmt);
	if (err == ERR_OK) {
		db_int(stmt, 1, author->feed);
		err = db_step(writer->db, stmt);
	}
	*is_so = err == ERR_OK;
	if (err == ERR_OK) {
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* Is something shown ahead under its number: itself, or another? */
static enum err is_ahead(struct writer *writer, const struct feed_entry *author,
	const struct message *message, bool *is_so)
{
	sqlite3_stmt *stmt = NULL;
	*is_so = false;
	if (author->ahead_first == 0) {
		return ERR_OK;
	}
	enum err err = db_query(writer->db, &sql_stray_is_ahead, &stmt);
	if (err == ERR_OK) {
		db_int(stmt, 1, author->feed);
		db_int(stmt, 2, (int64_t)message->sequence);
		err = db_step(writer->db, stmt);
	}
	*is_so = err == ERR_OK;
	if (err == ERR_OK) {
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err tell(
	struct writer *writer, const struct message *message, const struct stray_row *row)
{
	const struct committed post = {.author = message->author,
		.key = message->key,
		.sequence = message->sequence,
		.at_ms = row->at_ms,
		.type = CONTENT_POST,
		.has_root = row->has_root,
		.root = row->root};
	return writer_ahead_tell(writer, &post);
}

static enum err keep(
	struct writer *writer, const struct message *message, struct feed_entry *author)
{
	int64_t now_ms = env_wall_ms(store_env(writer->store));
	struct content content;
	struct stray_row row = {.message = message,
		.at_ms = index_at_ms(message->timestamp, now_ms),
		.received_ms = now_ms};
	enum err err = content_read(message, &content);
	if (err == ERR_OK && content.type == CONTENT_POST) {
		row.is_post = true;
		row.has_root = content.post.has_root;
		row.root = content.post.root;
	}
	if (err == ERR_OK) {
		err = stray_put(writer->db, author, &row);
	}
	return err == ERR_OK && row.is_post ? tell(writer, message, &row) : err;
}

/* Another one of its number is held already? Then both go. */
static enum err judge_held(struct writer *writer, const struct message *message,
	struct feed_entry *author, bool *may_stay)
{
	struct message_id held;
	struct buf body = BUF_INIT(LIMIT_MESSAGE_BYTES);
	enum err err = author->strays == 0
			       ? ERR_NOT_FOUND
			       : stray_get(writer->db, author, message->sequence, &held, &body);
	*may_stay = err == ERR_NOT_FOUND;
	if (err == ERR_OK && !message_id_equal(&held, &message->key)) {
		writer->is_ahead_gone = true;
		err = stray_drop(writer->db, author, message->sequence);
	}
	buf_fini(&body);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err put(struct writer *writer, const struct message *message)
{
	struct feed_entry *author = NULL;
	enum append_result result;
	bool is_other = false;
	bool may_stay = false;
	enum err err = feeds_get(writer->feeds, &message->author, &author);
	if (err != ERR_OK || writer_is_blocked(writer, author)) {
		return err;
	}
	enum chain_verdict verdict = chain_judge(&author->head, message);
	if (author->feed == FEED_SELF || verdict == CHAIN_KNOWN || verdict == CHAIN_FORK) {
		/* Known, or the proof of a fork: judged like any that comes. */
		return writer_append_one(
			writer, message, env_wall_ms(store_env(writer->store)), &result);
	}
	err = is_forked(writer, author, &is_other);
	if (err == ERR_OK && !is_other) {
		err = is_ahead(writer, author, message, &is_other);
	}
	if (err == ERR_OK && !is_other) {
		err = judge_held(writer, message, author, &may_stay);
	}
	return err == ERR_OK && may_stay ? keep(writer, message, author) : err;
}

enum err writer_stray_put(struct writer *writer, const struct change *change)
{
	struct message *message = NULL;
	const char *why = NULL;
	if (message_reread(change->text, &message, &why) != ERR_OK) {
		return ERR_OK; /* its bringer's bytes are no message; a job must not fail */
	}
	enum err err =
		message_id_equal(&message->key, &change->key) ? put(writer, message) : ERR_OK;
	message_free(message);
	return err;
}

enum err writer_stray_reached(
	struct writer *writer, const struct message *message, struct feed_entry *author)
{
	struct message_id held;
	struct buf body = BUF_INIT(LIMIT_MESSAGE_BYTES);
	enum err err = stray_get(writer->db, author, message->sequence, &held, &body);
	if (err == ERR_OK && !message_id_equal(&held, &message->key)) {
		writer->is_ahead_gone = true;
		err = writer_keep_proof(writer, author, buf_span(&body));
	}
	if (err == ERR_OK) {
		err = stray_drop(writer->db, author, message->sequence);
	}
	buf_fini(&body);
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}
