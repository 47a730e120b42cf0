/*
 * Our own chain, and the fence that follows it. At the start the newest messages are checked, the
 * rest on idle turns of the writer: each has the number, the key and the link that it says. When
 * own messages come back the fence moves with them, and what it remembered of later ones is
 * compared with what came.
 */
#include "store/writer_inside.h"

#include "base/limits.h"
#include "base/log.h"
#include "store/pack.h"

#include <inttypes.h>
#include <stdio.h>

enum { CHECK_CHUNK = 200 };

QUERY(sql_own_key, "SELECT key_head, key_tail FROM messages WHERE feed = 1 AND sequence = ?1");
QUERY(sql_own_range, "SELECT sequence, key_head, key_tail, body FROM messages WHERE feed = 1 AND "
		     "sequence BETWEEN ?1 AND ?2 ORDER BY sequence");

enum err writer_own_key_is(
	struct writer *writer, uint64_t sequence, const struct message_id *key, bool *is_so)
{
	sqlite3_stmt *stmt = NULL;
	struct message_id held;
	*is_so = false;
	enum err err = db_query(writer->db, &sql_own_key, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, (int64_t)sequence);
	err = db_step(writer->db, stmt);
	if (err == ERR_OK) {
		*is_so = db_column_key(stmt, 0, 1, &held) && message_id_equal(&held, key);
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* Our own key at a number, for the record of a fork; zeros when there is none. */
enum err writer_own_key_at(struct writer *writer, uint64_t sequence, struct message_id *out)
{
	sqlite3_stmt *stmt = NULL;
	*out = (struct message_id){0};
	enum err err = db_query(writer->db, &sql_own_key, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, (int64_t)sequence);
	err = db_step(writer->db, stmt);
	if (err == ERR_OK) {
		(void)db_column_key(stmt, 0, 1, out);
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* Is this row of ours what it says, and does it follow `before`? ERR_NOMEM: who knows. */
static enum err judge_row(struct writer *writer, sqlite3_stmt *stmt,
	const struct chain_head *before, struct chain_head *out, bool *is_sound)
{
	struct message *message = NULL;
	const char *why = NULL;
	struct message_id key;
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	enum err err = pack_text(db_column(stmt, 3), store_self(writer->store),
		(uint64_t)sqlite3_column_int64(stmt, 0), &text);
	if (err == ERR_OK) {
		err = message_reread(buf_span(&text), &message, &why);
	}
	buf_fini(&text);
	*is_sound = false;
	if (err != ERR_OK) {
		return err == ERR_NOMEM ? err : ERR_OK;
	}
	*is_sound = db_column_key(stmt, 1, 2, &key) && message_id_equal(&key, &message->key) &&
		    (int64_t)message->sequence == sqlite3_column_int64(stmt, 0) &&
		    feed_id_equal(&message->author, store_self(writer->store)) &&
		    chain_judge(before, message) == CHAIN_NEXT;
	*out = (struct chain_head){.sequence = message->sequence, .key = message->key};
	message_free(message);
	return ERR_OK;
}

/* Check our messages from `first` to `last`. `*bad` is the first that is missing or wrong, 0: none.
 */
enum err writer_check_own(struct writer *writer, uint64_t first, uint64_t last, uint64_t *bad)
{
	struct chain_head head = {.sequence = first - 1};
	sqlite3_stmt *stmt = NULL;
	*bad = 0;
	enum err err = writer_own_key_at(writer, first - 1, &head.key);
	if (err == ERR_OK) {
		err = db_query(writer->db, &sql_own_range, &stmt);
	}
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, (int64_t)first);
	db_int(stmt, 2, (int64_t)last);
	while (*bad == 0 && (err = db_step(writer->db, stmt)) == ERR_OK) {
		struct chain_head before = head;
		bool is_sound = false;
		err = judge_row(writer, stmt, &before, &head, &is_sound);
		if (err != ERR_OK) {
			db_reset(stmt);
			return err;
		}
		if (!is_sound) {
			*bad = before.sequence + 1;
			db_reset(stmt);
		}
	}
	if (*bad == 0 && head.sequence != last) {
		*bad = head.sequence + 1;
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

void writer_say_damage(char why[static 256], uint64_t bad)
{
	(void)snprintf(why, 256,
		"Your own message %" PRIu64
		" in this database is missing or damaged. `kith check` tells more.",
		bad);
}

void writer_check_some(struct writer *writer)
{
	uint64_t last = writer->unchecked;
	uint64_t first = last > CHECK_CHUNK ? last - CHECK_CHUNK + 1 : 1;
	uint64_t bad = 0;
	enum err err = writer_check_own(writer, first, last, &bad);
	writer->unchecked = err == ERR_OK && bad == 0 ? first - 1 : 0;
	if (err != ERR_OK) {
		LOG(store_env(writer->store), LOG_ERROR, "store.check",
			LOG_TEXT("why", err_text(err)));
	}
	if (bad > 0 && writer_may_publish(writer)) {
		struct move move = {
			.state = FENCE_SUSPECT, .cause = GUARD_DAMAGE, .is_new_spell = true};
		writer_say_damage(move.why, bad);
		if (writer_move(writer, &move) != ERR_OK) {
			writer->unchecked = last; /* once more, a little later */
			writer->unchecked_due_ms =
				env_mono_ms(store_env(writer->store)) + LIMIT_GUARD_CLAIM_MS;
		}
	}
}

enum err writer_put_fence(struct writer *writer)
{
	struct span intent =
		writer->facts.intent_sequence > 0 ? fence_intent(writer->fence) : span_of(NULL, 0);
	enum err err = fence_write(writer->fence, &writer->facts, intent);
	writer->is_fence_behind = err != ERR_OK;
	if (err != ERR_OK) {
		LOG(store_env(writer->store), LOG_ERROR, "fence.write",
			LOG_TEXT("why", err_text(err)));
	}
	return err;
}

/* What the fence knew of later messages, and what has come back under their numbers: the same? */
static enum err compare_returned(
	struct writer *writer, uint64_t sequence, const struct message_id *key, bool *is_fork)
{
	bool is_so = true;
	struct message_id ours;
	*is_fork = false;
	if (sequence == 0 || sequence > writer->report.sequence) {
		return ERR_OK;
	}
	enum err err = writer_own_key_is(writer, sequence, key, &is_so);
	if (err != ERR_OK || is_so) {
		return err;
	}
	*is_fork = true;
	err = writer_own_key_at(writer, sequence, &ours);
	struct move move = {.state = FENCE_FORKED, .cause = GUARD_FORK};
	(void)snprintf(move.why, sizeof(move.why),
		"Two different messages of yours carry the number %" PRIu64
		". Publishing has stopped.",
		sequence);
	if (err == ERR_OK && writer->report.fork_sequence == 0) {
		(void)pthread_mutex_lock(&writer->state_lock);
		writer->report.fork_sequence = sequence;
		writer->report.fork_ours = ours;
		writer->report.fork_theirs = *key;
		(void)pthread_mutex_unlock(&writer->state_lock);
	}
	if (err == ERR_OK && writer->report.state < FENCE_FORKED) {
		err = writer_move(writer, &move);
	}
	return err;
}

void writer_after_own(struct writer *writer)
{
	bool is_fork = false;
	if (!writer->has_own) {
		return;
	}
	writer->has_own = false;
	writer_show_head(writer);
	if (writer->signals.has_returned) {
		writer_quiet_begins(writer);
	}
	if (writer->fence == NULL) {
		return;
	}
	struct fence_facts *facts = &writer->facts;
	enum err err = compare_returned(writer, facts->sequence, &facts->head, &is_fork);
	if (err == ERR_OK && !is_fork && facts->sequence <= writer->report.sequence) {
		facts->sequence = writer->report.sequence;
		facts->head = writer->report.head;
	}
	if (err == ERR_OK && !is_fork && facts->intent_sequence > 0 &&
		facts->intent_sequence <= writer->report.sequence) {
		err = compare_returned(
			writer, facts->intent_sequence, &facts->intent_key, &is_fork);
		facts->intent_sequence = 0;
		message_free(writer->pending);
		writer->pending = NULL;
	}
	if (err != ERR_OK || writer_put_fence(writer) != ERR_OK) {
		writer->is_fence_behind = true;
	}
}

bool writer_was_cut(const struct writer *writer)
{
	return writer->is_cut;
}

void writer_end_run(struct writer *writer)
{
	if (writer->is_cut) {
		return; /* it stays so until the file was looked over */
	}
	enum err err = writer_begin(writer);
	if (err == ERR_OK) {
		err = writer_setting_put(writer, "run", span_of(NULL, 0));
		if (err == ERR_OK) {
			err = writer_commit(writer);
		} else {
			writer_rollback(writer);
		}
	}
	if (err != ERR_OK) {
		LOG(store_env(writer->store), LOG_WARN, "store.end",
			LOG_TEXT("why", err_text(err)));
	}
}

void writer_close_fence(struct writer *writer)
{
	if (writer->fence != NULL && writer->is_fence_behind && writer->pending == NULL &&
		writer_put_fence(writer) != ERR_OK) {
		LOG(store_env(writer->store), LOG_ERROR, "fence.write", LOG_TEXT("at", "stop"));
	}
}
