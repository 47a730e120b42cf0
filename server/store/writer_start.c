/*
 * What the fence says (restore.md §4 B). At the start it is compared with the database: an intent
 * that a crash kept from the database is inserted now, byte for byte, and never signed again; a
 * fence that knows a later message than the database pauses publishing. Epochs go up in both at
 * each start, the database first; a cut between the two leaves the database ahead by one, which is
 * allowed, and the next start takes the same number again, so that it stays one.
 */
#include "store/writer_inside.h"

#include "base/file.h"
#include "base/log.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

QUERY(sql_setting, "SELECT text FROM settings WHERE name = ?1");
QUERY(sql_own_key, "SELECT key_head, key_tail FROM messages WHERE feed = 1 AND sequence = ?1");

static enum err read_setting(struct writer *writer, const char *name, char *out, size_t room)
{
	sqlite3_stmt *stmt = NULL;
	out[0] = '\0';
	enum err err = db_query(writer->db, &sql_setting, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_blob(stmt, 1, span_text(name));
	err = db_step(writer->db, stmt);
	if (err == ERR_OK) {
		struct span text = span_take(db_column(stmt, 0), room - 1);
		memcpy(out, text.at, text.len);
		out[text.len] = '\0';
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* Settings outside a batch: the epoch and the state. */
static enum err put_settings(struct writer *writer, const char *const (*rows)[2], size_t count)
{
	enum err err = writer_sync_full(writer);
	if (err == ERR_OK) {
		err = writer_begin(writer);
	}
	if (err != ERR_OK) {
		return err;
	}
	for (size_t i = 0; err == ERR_OK && i < count; i++) {
		err = writer_setting_put(writer, rows[i][0], span_text(rows[i][1]));
	}
	if (err == ERR_OK) {
		err = writer_commit(writer);
	} else {
		writer_rollback(writer);
	}
	writer_sync_normal(writer);
	return err;
}

static void fill_hints(struct writer *writer, struct fence_facts *facts)
{
	struct buf id = BUF_INIT(256);
	if (file_read("/etc/machine-id", &id) == ERR_OK) {
		int rc = crypto_hash_sha256(facts->machine, id.at, id.len);
		if (rc != 0) {
			memset(facts->machine, 0, sizeof(facts->machine));
		}
	}
	buf_fini(&id);
	store_place(writer->store, &facts->device, &facts->inode);
}

static enum err make_fence(struct writer *writer, const char *path, uint64_t epoch)
{
	const struct env *env = store_env(writer->store);
	struct fence_facts facts = {
		.identity = *store_self(writer->store), .state = FENCE_CLEAN, .epoch = epoch};
	env->random(env->ctx, facts.install, sizeof(facts.install));
	fill_hints(writer, &facts);
	char text[33];
	hex_encode(span_of(facts.install, sizeof(facts.install)), text);
	const char *const rows[][2] = {{"install", text}};
	enum err err = put_settings(writer, rows, 1);
	return err == ERR_OK ? fence_create_in(writer->store->vfs, path, &facts, &writer->fence)
			     : err;
}

static enum err own_key_is(
	struct writer *writer, uint64_t sequence, const struct message_id *key, bool *is_so)
{
	sqlite3_stmt *stmt = NULL;
	struct message_id held;
	enum err err = db_query(writer->db, &sql_own_key, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, (int64_t)sequence);
	err = db_step(writer->db, stmt);
	*is_so = err == ERR_OK && db_column_key(stmt, 0, 1, &held) && message_id_equal(&held, key);
	if (err == ERR_OK) {
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* A crash between intent and COMMIT: the same bytes go in now. `*is_fit` false: they are not the
 * next message of what we hold. */
static enum err insert_intent(struct writer *writer, struct feed_entry *self, bool *is_fit)
{
	struct message *message = NULL;
	const char *why = NULL;
	*is_fit = false;
	enum err err = message_reread(fence_intent(writer->fence), &message, &why);
	if (err != ERR_OK) {
		return err == ERR_NOMEM ? err : ERR_OK;
	}
	*is_fit = feed_id_equal(&message->author, store_self(writer->store)) &&
		  message_id_equal(&message->key, &writer->facts.intent_key) &&
		  chain_judge(&self->head, message) == CHAIN_NEXT;
	if (*is_fit) {
		err = writer_sync_full(writer);
		if (err == ERR_OK) {
			err = writer_begin(writer);
		}
		if (err == ERR_OK) {
			err = writer_insert(
				writer, message, self, writer->facts.intent_received_ms);
		}
		if (err == ERR_OK) {
			err = writer_put_nonce(writer,
				span_of(writer->facts.intent_nonce, writer->facts.intent_nonce_len),
				message->sequence);
		}
		err = err == ERR_OK ? writer_commit(writer) : err;
		if (err != ERR_OK) {
			writer_rollback(writer);
		}
		writer_sync_normal(writer);
	}
	if (*is_fit && err == ERR_OK) {
		LOG(store_env(writer->store), LOG_WARN, "publish.finished",
			LOG_NUM("sequence", message->sequence));
	}
	message_free(message);
	return err;
}

static void suspect(struct writer *writer, const char *why)
{
	writer_set_state(writer, FENCE_SUSPECT, why);
}

/* Fence and database are both there and belong together: compare heads. */
static enum err compare_heads(struct writer *writer)
{
	struct feed_entry *self = NULL;
	bool is_so = false;
	enum err err = feeds_get(writer->feeds, store_self(writer->store), &self);
	if (err != ERR_OK) {
		return err;
	}
	const struct fence_facts *facts = &writer->facts;
	if (facts->intent_sequence > self->head.sequence) {
		err = insert_intent(writer, self, &is_so);
		if (err == ERR_OK && !is_so) {
			suspect(writer,
				"The safety file holds a message of yours that does not follow "
				"what the database has: the database was rolled back.");
		}
		if (err != ERR_OK || !is_so) {
			return err;
		}
		err = feeds_get(writer->feeds, store_self(writer->store), &self);
		if (err != ERR_OK) {
			return err;
		}
	} else if (facts->intent_sequence > 0) {
		err = own_key_is(writer, facts->intent_sequence, &facts->intent_key, &is_so);
		if (err == ERR_OK && !is_so) {
			writer_set_state(writer, FENCE_FORKED,
				"The safety file and the database hold two different messages of "
				"yours with one number.");
		}
		if (err != ERR_OK || !is_so) {
			return err;
		}
	}
	if (facts->sequence > self->head.sequence) {
		suspect(writer, "You have published messages that this database does not hold: it "
				"was rolled back, perhaps from a backup.");
		return ERR_OK;
	}
	if (facts->sequence > 0) {
		err = own_key_is(writer, facts->sequence, &facts->head, &is_so);
		if (err == ERR_OK && !is_so) {
			writer_set_state(writer, FENCE_FORKED,
				"The safety file and the database hold two different histories of "
				"yours.");
		}
	}
	if (err == ERR_OK && writer->state == FENCE_CLEAN) {
		writer->facts.sequence = self->head.sequence;
		writer->facts.head = self->head.key;
		writer->facts.intent_sequence = 0;
	}
	return err;
}

static enum err raise_epoch(struct writer *writer, uint64_t epoch)
{
	char text[24];
	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)epoch);
	const char *const rows[][2] = {{"epoch", text}};
	enum err err = put_settings(writer, rows, 1);
	if (err == ERR_OK) {
		writer->facts.epoch = epoch;
		fill_hints(writer, &writer->facts);
		err = fence_write(writer->fence, &writer->facts, span_of(NULL, 0));
	}
	return err;
}

static enum err open_fence(struct writer *writer, uint64_t epoch)
{
	struct feed_entry *self = NULL;
	enum err err = feeds_get(writer->feeds, store_self(writer->store), &self);
	char *path = store_path(writer->store, "fence");
	if (path == NULL) {
		return ERR_NOMEM;
	}
	if (err == ERR_OK) {
		err = fence_open_in(writer->store->vfs, path, &writer->fence);
	}
	if (err == ERR_NOT_FOUND && self->head.sequence == 0) {
		err = make_fence(writer, path, epoch);
	} else if (err == ERR_NOT_FOUND) {
		suspect(writer, "The safety file beside the database is missing: this looks like a "
				"restored or copied node.");
		err = ERR_OK;
	} else if (err == ERR_REFUSED) {
		suspect(writer, "The safety file beside the database is damaged.");
		err = ERR_OK;
	}
	free(path);
	return err;
}

static bool belongs(struct writer *writer, uint64_t epoch, const char *install)
{
	char text[33];
	hex_encode(span_of(writer->facts.install, sizeof(writer->facts.install)), text);
	if (!feed_id_equal(&writer->facts.identity, store_self(writer->store)) ||
		strcmp(text, install) != 0) {
		suspect(writer, "The safety file belongs to another node.");
		return false;
	}
	if (writer->facts.epoch != epoch && writer->facts.epoch + 1 != epoch) {
		suspect(writer, "The database and its safety file are not of the same time: one of "
				"them was replaced.");
		return false;
	}
	return true;
}

enum err writer_check_fence(struct writer *writer)
{
	char epoch_text[24] = "";
	char install[40] = "";
	char state[16] = "";
	writer->state = FENCE_CLEAN;
	enum err err = read_setting(writer, "epoch", epoch_text, sizeof(epoch_text));
	uint64_t epoch = strtoull(epoch_text, NULL, 10);
	if (err == ERR_OK) {
		err = open_fence(writer, epoch);
	}
	if (err == ERR_OK) {
		err = read_setting(writer, "install", install, sizeof(install));
	}
	if (err == ERR_OK) {
		err = read_setting(writer, "state", state, sizeof(state));
	}
	if (err == ERR_OK && writer->fence != NULL) {
		writer->facts = *fence_facts(writer->fence);
		if (belongs(writer, epoch, install)) {
			err = compare_heads(writer);
		}
	}
	if (err == ERR_OK &&
		(strcmp(state, "FORKED") == 0 ||
			(writer->fence != NULL && writer->facts.state == FENCE_FORKED))) {
		writer_set_state(writer, FENCE_FORKED,
			"Two different messages of yours carry one number. Publishing has "
			"stopped.");
	}
	if (err == ERR_OK && writer->state == FENCE_CLEAN) {
		err = raise_epoch(writer, writer->facts.epoch + 1);
	}
	if (err == ERR_OK) {
		const char *const rows[][2] = {
			{"state", fence_state_text(writer->state)}, {"state_why", writer->why}};
		err = put_settings(writer, rows, 2);
	}
	return err;
}

void writer_after_own(struct writer *writer)
{
	if (writer->became_forked) {
		writer_set_state(writer, FENCE_FORKED,
			"Somebody holds another message of yours with a number you have used. "
			"Publishing has stopped.");
	}
	if (writer->fence == NULL || (!writer->has_own && !writer->became_forked)) {
		return;
	}
	const struct feed_entry *self = feeds_known(writer->feeds, store_self(writer->store));
	bool was_even = writer->state == FENCE_CLEAN && self != NULL;
	if (!was_even && !writer->became_forked) {
		return;
	}
	if (was_even) {
		writer->facts.sequence = self->head.sequence;
		writer->facts.head = self->head.key;
		if (writer->pending == NULL) {
			writer->facts.intent_sequence = 0;
		}
	}
	if (writer->became_forked) {
		writer->facts.state = FENCE_FORKED;
	}
	struct span intent =
		writer->facts.intent_sequence > 0 ? fence_intent(writer->fence) : span_of(NULL, 0);
	enum err err = fence_write(writer->fence, &writer->facts, intent);
	writer->is_fence_behind = err != ERR_OK;
	if (err != ERR_OK) {
		LOG(store_env(writer->store), LOG_ERROR, "fence.write",
			LOG_TEXT("why", err_text(err)));
	}
}

void writer_close_fence(struct writer *writer)
{
	if (writer->fence == NULL || !writer->is_fence_behind || writer->pending != NULL) {
		return;
	}
	if (fence_write(writer->fence, &writer->facts, span_of(NULL, 0)) != ERR_OK) {
		LOG(store_env(writer->store), LOG_ERROR, "fence.write", LOG_TEXT("at", "stop"));
	}
}
