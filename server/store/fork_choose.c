/*
 * The owner's choice. What was signed and never stored (the fence's intent) is kept first, in a
 * transaction that changes nothing else. Then the fence says SUSPECT and the head that is to be;
 * then the database follows in one transaction. Between these two the database still says FORKED,
 * and the worse of two states counts at a start.
 */
#include "store/fork_inside.h"

#include "base/encode.h"
#include "base/limits.h"
#include "store/fence.h"
#include "store/guard.h"
#include "store/index.h"
#include "store/pack.h"
#include "store/repair.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { NONCE_BYTES = 48, NONCE_KEY_BYTES = 16, SENTENCE_BYTES = 512, NUMBER_BYTES = 24 };

QUERY(sql_fork_keep, "INSERT INTO branch (sequence, key, body, at, is_settled) VALUES (?1, ?2, ?3, "
		     "?4, 1) ON CONFLICT (sequence, key) DO UPDATE SET is_settled = 1");
QUERY(sql_fork_draft,
	"INSERT OR IGNORE INTO drafts (nonce, at, content) SELECT ?1, ?2, ?3 WHERE (SELECT "
	"count(*) FROM drafts) < ?4");
QUERY(sql_fork_cut, "DELETE FROM messages WHERE feed = 1 AND sequence >= ?1");
QUERY(sql_fork_put, "INSERT INTO messages (feed, sequence, key_head, key_tail, received, body) "
		    "VALUES (1, ?1, ?2, ?3, ?4, ?5)");
QUERY(sql_fork_taken, "DELETE FROM branch WHERE sequence = ?1 AND key = ?2");
/* SCAN: of the table `branch`, once. */
QUERY(sql_fork_settle, "UPDATE branch SET is_settled = 1");
QUERY(sql_fork_head,
	"UPDATE feeds SET sequence = ?1, head = ?2, timestamp = ?3, at = ?4 WHERE feed = 1");
QUERY(sql_fork_nonces, "DELETE FROM nonces WHERE sequence >= ?1");
/* SCAN: of tables about peers, once. */
QUERY(sql_fork_clocks, "DELETE FROM clocks WHERE feed = 1");
QUERY(sql_fork_holders, "UPDATE holders SET sequence = min(sequence, ?1), told = -1, is_confirmed "
			"= 0, confirmed_at = 0");
QUERY(sql_fork_witnesses, "DELETE FROM witnesses");
QUERY(sql_fork_unproved, "DELETE FROM forks WHERE feed = 1");
QUERY(sql_fork_proof, "INSERT OR REPLACE INTO forks (feed, at, proof) VALUES (1, ?1, ?2)");
QUERY(sql_fork_set, "INSERT OR REPLACE INTO settings (name, text) VALUES (?1, ?2)");
QUERY(sql_fork_unset, "DELETE FROM settings WHERE name IN (CAST('fork_sequence' AS BLOB), "
		      "CAST('fork_ours' AS BLOB), CAST('fork_theirs' AS BLOB))");
QUERY(sql_fork_spell,
	"INSERT INTO settings (name, text) VALUES (CAST('spell' AS BLOB), CAST('1' AS "
	"BLOB)) ON CONFLICT (name) DO UPDATE SET text = CAST(CAST(CAST(text AS TEXT) "
	"AS INTEGER) + 1 AS BLOB)");
QUERY(sql_fork_newest, "SELECT max(at) FROM holders");
QUERY(sql_fork_log, "INSERT INTO safety_log (at, event, sequence, text) VALUES (?1, ?2, ?3, ?4)");

struct choosing {
	struct store *store;
	struct db *db;
	const uint8_t *hmac_key;
	enum fork_choice choice;
	struct fork_done *done;
	struct fork_tree tree;
	int *path; /* of the other side, in order */
	struct fence *fence;
	struct message *intent; /* signed, not in the feed, and not to go into it; NULL: none */
	struct chain_head head; /* that is to be */
	int64_t head_at_ms;
};

static enum err refuse(struct choosing *choosing, const char *format, ...) PRINTF_LIKE(2, 3);
static enum err refuse(struct choosing *choosing, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	(void)vsnprintf(choosing->done->why, sizeof(choosing->done->why), format, args);
	va_end(args);
	return ERR_REFUSED;
}

static int64_t now_ms(const struct choosing *choosing)
{
	return env_wall_ms(store_env(choosing->store));
}

static enum err run(struct choosing *choosing, const struct query *query)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(choosing->db, query, &stmt);
	return err == ERR_OK ? db_run(choosing->db, stmt) : err;
}

static enum err run_number(struct choosing *choosing, const struct query *query, uint64_t number)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(choosing->db, query, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, number > INT64_MAX ? INT64_MAX : (int64_t)number);
	return db_run(choosing->db, stmt);
}

/* Looking. */

static enum err open_fence(struct choosing *choosing)
{
	char *path = store_path(choosing->store, "fence");
	enum err err = path == NULL ? ERR_NOMEM
				    : fence_open_in(choosing->store->vfs, path, &choosing->fence);
	free(path);
	if (err == ERR_NOT_FOUND || err == ERR_REFUSED) {
		return ERR_OK; /* without it every start pauses */
	}
	if (err == ERR_OK && !feed_id_equal(&fence_facts(choosing->fence)->identity,
				     store_self(choosing->store))) {
		fence_close(choosing->fence);
		choosing->fence = NULL;
	}
	return err;
}

static enum err check_state(struct choosing *choosing)
{
	enum fence_state state =
		choosing->fence == NULL ? FENCE_NEW : fence_facts(choosing->fence)->state;
	if (state == FENCE_RETIRED) {
		return refuse(choosing,
			"This node has moved out: whatever is decided about its feed is decided "
			"where it moved to.");
	}
	if (state != FENCE_FORKED && !choosing->tree.sides.is_forked) {
		return refuse(choosing, "Your feed is not forked: there is nothing to decide.");
	}
	return ERR_OK;
}

/* Every hash, signature and link of the other side, again. */
static enum err verify_theirs(struct choosing *choosing)
{
	const struct fork_sides *sides = &choosing->tree.sides;
	struct chain_head head = {.sequence = sides->sequence - 1};
	const char *why = NULL;
	enum err err =
		head.sequence > 0 ? fork_own_key(choosing->db, head.sequence, &head.key) : ERR_OK;
	for (uint64_t i = 0; err == ERR_OK && i < sides->theirs_count; i++) {
		const struct fork_link *link = &choosing->tree.links[choosing->path[i]];
		struct message *message = NULL;
		err = message_verify_stored(
			link->message->compact, choosing->hmac_key, &message, &why);
		if (err == ERR_NOMEM) {
			return err;
		}
		if (err != ERR_OK || chain_judge(&head, message) != CHAIN_NEXT ||
			!feed_id_equal(&message->author, store_self(choosing->store))) {
			uint64_t number = head.sequence + 1;
			message_free(message);
			return refuse(choosing,
				"Message %" PRIu64 " of the other side is not valid: %s.", number,
				err != ERR_OK ? why : "it does not follow the one before");
		}
		head = (struct chain_head){.sequence = message->sequence,
			.key = message->key,
			.timestamp = message->timestamp};
		choosing->head_at_ms = index_at_ms(message->timestamp, link->at_ms);
		message_free(message);
	}
	choosing->head = head;
	return err;
}

static enum err take_head(void *ctx, const struct message *message, int64_t received_ms)
{
	struct choosing *choosing = ctx;
	choosing->head = (struct chain_head){.sequence = message->sequence,
		.key = message->key,
		.timestamp = message->timestamp};
	choosing->head_at_ms = index_at_ms(message->timestamp, received_ms);
	return ERR_OK;
}

QUERY(sql_fork_last, "SELECT sequence FROM feeds WHERE feed = 1");

static enum err find_own_head(struct choosing *choosing)
{
	sqlite3_stmt *stmt = NULL;
	uint64_t last = 0;
	enum err err = db_query(choosing->db, &sql_fork_last, &stmt);
	if (err == ERR_OK) {
		err = db_step(choosing->db, stmt);
	}
	if (err == ERR_OK) {
		last = (uint64_t)sqlite3_column_int64(stmt, 0);
		db_reset(stmt);
		err = last == 0 ? ERR_OK
				: fork_each_own(choosing->db, last, 1, take_head, choosing);
	}
	return err;
}

static enum err find_theirs(struct choosing *choosing)
{
	const struct fork_sides *sides = &choosing->tree.sides;
	if (sides->missing > 0 || sides->theirs_count == 0) {
		return refuse(choosing,
			"The other side of your feed is not here without a gap: message %" PRIu64
			" of it is missing. Start the node, let it meet those who hold it, and "
			"try again.",
			sides->missing > 0 ? sides->missing : sides->sequence);
	}
	return verify_theirs(choosing);
}

static enum err list_theirs(struct choosing *choosing)
{
	choosing->path = calloc((size_t)choosing->tree.sides.theirs_count + 1, sizeof(int));
	if (choosing->path == NULL) {
		return ERR_NOMEM;
	}
	fork_tree_path(&choosing->tree, choosing->path);
	return ERR_OK;
}

/* An intent stays where it is when it is to follow the feed that goes on: the next start inserts
 * it. Otherwise it is given up like the messages it follows. */
static enum err find_intent(struct choosing *choosing)
{
	const char *why = NULL;
	struct message_id held;
	if (choosing->fence == NULL || fence_facts(choosing->fence)->intent_sequence == 0) {
		return ERR_OK;
	}
	enum err err = message_reread(fence_intent(choosing->fence), &choosing->intent, &why);
	if (err != ERR_OK) {
		return err == ERR_NOMEM ? err : ERR_OK; /* no intent of ours */
	}
	err = fork_own_key(choosing->db, choosing->intent->sequence, &held);
	bool is_stored = err == ERR_OK && message_id_equal(&held, &choosing->intent->key);
	bool may_follow = choosing->choice == FORK_KEEP &&
			  choosing->intent->sequence > choosing->head.sequence;
	if (is_stored || may_follow) {
		message_free(choosing->intent);
		choosing->intent = NULL;
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err look(struct choosing *choosing)
{
	enum err err = fork_tree_read(choosing->db, store_self(choosing->store), &choosing->tree);
	if (err == ERR_OK) {
		err = open_fence(choosing);
	}
	if (err == ERR_OK) {
		err = check_state(choosing);
	}
	if (err == ERR_OK) {
		err = list_theirs(choosing);
	}
	if (err == ERR_OK) {
		err = choosing->choice == FORK_ADOPT ? find_theirs(choosing)
						     : find_own_head(choosing);
	}
	return err == ERR_OK ? find_intent(choosing) : err;
}

/* Giving up. */

/* Its content as a draft, once: the nonce is made of its key. */
static enum err put_draft(struct choosing *choosing, const struct message *message, int64_t at_ms)
{
	char nonce[NONCE_BYTES] = "fork-";
	sqlite3_stmt *stmt = NULL;
	if (message->is_encrypted) {
		choosing->done->private ++;
		return ERR_OK;
	}
	hex_encode(span_of(message->key.at, NONCE_KEY_BYTES), nonce + strlen(nonce));
	enum err err = db_query(choosing->db, &sql_fork_draft, &stmt);
	if (err == ERR_OK) {
		db_blob(stmt, 1, span_text(nonce));
		db_int(stmt, 2, at_ms);
		db_blob(stmt, 3, message->content_text);
		db_int(stmt, 4, LIMIT_DRAFTS);
		err = db_run(choosing->db, stmt);
		bool is_put = sqlite3_changes(db_handle(choosing->db)) > 0;
		choosing->done->drafts += is_put;
		choosing->done->drafts_no_room += !is_put;
	}
	return err;
}

static enum err give_up(struct choosing *choosing, const struct message *message, int64_t at_ms)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(choosing->db, &sql_fork_keep, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, (int64_t)message->sequence);
	db_blob(stmt, 2, span_of(message->key.at, ID_BYTES));
	db_blob(stmt, 3, message->compact);
	db_int(stmt, 4, at_ms);
	err = db_run(choosing->db, stmt);
	if (err == ERR_OK) {
		err = put_draft(choosing, message, index_at_ms(message->timestamp, at_ms));
	}
	choosing->done->given_up++;
	return err;
}

static enum err put_proof(struct choosing *choosing, struct span proof)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(choosing->db, &sql_fork_proof, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, now_ms(choosing));
	db_blob(stmt, 2, proof);
	return db_run(choosing->db, stmt);
}

static enum err give_up_own(void *ctx, const struct message *message, int64_t received_ms)
{
	struct choosing *choosing = ctx;
	enum err err = give_up(choosing, message, received_ms);
	if (err == ERR_OK && message->sequence == choosing->tree.sides.sequence) {
		err = put_proof(choosing, message->compact); /* that there were two */
	}
	return err;
}

static enum err put_theirs(struct choosing *choosing)
{
	enum err err = ERR_OK;
	struct buf body = BUF_INIT(LIMIT_MESSAGE_BYTES);
	for (uint64_t i = 0; err == ERR_OK && i < choosing->tree.sides.theirs_count; i++) {
		const struct fork_link *link = &choosing->tree.links[choosing->path[i]];
		const struct message *message = link->message;
		sqlite3_stmt *stmt = NULL;
		buf_clear(&body);
		err = pack_body(message->compact, &message->author, message->sequence, &body);
		if (err == ERR_OK) {
			err = db_query(choosing->db, &sql_fork_put, &stmt);
		}
		if (err == ERR_OK) {
			db_int(stmt, 1, (int64_t)message->sequence);
			db_int(stmt, 2, db_key_head(message->key.at));
			db_blob(stmt, 3, db_key_tail(message->key.at));
			db_int(stmt, 4, link->at_ms);
			db_blob(stmt, 5, buf_span(&body));
			err = db_run(choosing->db, stmt);
		}
		if (err == ERR_OK) {
			err = db_query(choosing->db, &sql_fork_taken, &stmt);
		}
		if (err == ERR_OK) {
			db_int(stmt, 1, (int64_t)message->sequence);
			db_blob(stmt, 2, span_of(message->key.at, ID_BYTES));
			err = db_run(choosing->db, stmt);
		}
	}
	buf_fini(&body);
	return err;
}

static enum err put_head(struct choosing *choosing)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(choosing->db, &sql_fork_head, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, (int64_t)choosing->head.sequence);
	db_blob(stmt, 2, span_of(choosing->head.key.at, ID_BYTES));
	(void)sqlite3_bind_double(stmt, 3, choosing->head.timestamp);
	db_int(stmt, 4, choosing->head_at_ms);
	return db_run(choosing->db, stmt);
}

/* The other side takes the place of ours. */
static enum err adopt(struct choosing *choosing)
{
	uint64_t from = choosing->tree.sides.sequence;
	enum err err = run(choosing, &sql_fork_unproved);
	if (err == ERR_OK) {
		err = fork_each_own(choosing->db, from, SIZE_MAX, give_up_own, choosing);
	}
	if (err == ERR_OK && choosing->intent != NULL && choosing->intent->sequence == from) {
		err = put_proof(choosing, choosing->intent->compact);
	}
	if (err == ERR_OK) {
		err = run_number(choosing, &sql_fork_cut, from);
	}
	if (err == ERR_OK) {
		err = put_theirs(choosing);
	}
	if (err == ERR_OK) {
		err = put_head(choosing);
	}
	if (err == ERR_OK) {
		err = run_number(choosing, &sql_fork_nonces, from);
	}
	return err == ERR_OK ? repair_views(choosing->store, true) : err;
}

/* Ours stays; what stands beside it is given up, also where it hangs in the air. */
static enum err keep(struct choosing *choosing)
{
	enum err err = ERR_OK;
	for (int i = 0; err == ERR_OK && i < choosing->tree.count; i++) {
		const struct fork_link *link = &choosing->tree.links[i];
		err = give_up(choosing, link->message, link->at_ms);
	}
	return err;
}

/* The state. */

static enum err put_setting(struct choosing *choosing, const char *name, const char *text)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(choosing->db, &sql_fork_set, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_blob(stmt, 1, span_text(name));
	db_blob(stmt, 2, span_text(text));
	return db_run(choosing->db, stmt);
}

static enum err put_number(struct choosing *choosing, const char *name, int64_t number)
{
	char text[NUMBER_BYTES];
	(void)snprintf(text, sizeof(text), "%" PRId64, number);
	return put_setting(choosing, name, text);
}

static enum err put_log(struct choosing *choosing, const char *event, const char *text)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(choosing->db, &sql_fork_log, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, now_ms(choosing));
	db_text(stmt, 2, span_text(event));
	db_int(stmt, 3, (int64_t)choosing->head.sequence);
	db_text(stmt, 4, span_text(text));
	return db_run(choosing->db, stmt);
}

/* A new pause begins: everybody is asked afresh, about the feed as it is now. */
static enum err put_spell(struct choosing *choosing)
{
	sqlite3_stmt *stmt = NULL;
	int64_t newest_ms = 0;
	enum err err = db_query(choosing->db, &sql_fork_newest, &stmt);
	if (err == ERR_OK) {
		err = db_step(choosing->db, stmt);
	}
	if (err == ERR_OK) {
		newest_ms = sqlite3_column_int64(stmt, 0);
		db_reset(stmt);
		err = run(choosing, &sql_fork_spell);
	}
	if (err == ERR_OK) {
		err = put_number(choosing, "since", now_ms(choosing));
	}
	if (err == ERR_OK) {
		err = put_number(choosing, "start_sequence", (int64_t)choosing->head.sequence);
	}
	return err == ERR_OK ? put_number(choosing, "known_at", newest_ms) : err;
}

static enum err put_state(struct choosing *choosing)
{
	static const char said[] = "You decided about your split feed. Publishing goes on when "
				   "those who hold your feed were asked, or by your word.";
	char text[SENTENCE_BYTES];
	const struct fork_done *done = choosing->done;
	(void)snprintf(text, sizeof(text),
		choosing->choice == FORK_ADOPT
			? "From number %" PRIu64
			  " on the other side of the fork was adopted, up to "
			  "number %" PRIu64 "; %zu messages of this side were given up and are "
			  "kept, %zu of them as drafts."
			: "From number %" PRIu64 " on this side of the fork was kept, up to number "
			  "%" PRIu64 "; %zu messages of the other side were given up and are "
			  "kept, %zu of them as drafts.",
		done->sequence, done->head, done->given_up, done->drafts);
	enum err err = put_setting(choosing, "state", fence_state_text(FENCE_SUSPECT));
	if (err == ERR_OK) {
		err = put_setting(choosing, "cause", guard_cause_name(GUARD_RETURNED));
	}
	if (err == ERR_OK) {
		err = put_setting(choosing, "state_why", said);
	}
	if (err == ERR_OK) {
		err = run(choosing, &sql_fork_unset);
	}
	if (err == ERR_OK) {
		err = put_spell(choosing);
	}
	if (err == ERR_OK) {
		err = put_log(choosing, "fork", text);
	}
	return err == ERR_OK ? put_log(choosing, fence_state_text(FENCE_SUSPECT), said) : err;
}

/* What peers and browsers said of a feed that is not like that any more. */
static enum err forget(struct choosing *choosing)
{
	enum err err = run(choosing, &sql_fork_settle);
	if (err == ERR_OK) {
		err = run(choosing, &sql_fork_clocks);
	}
	if (err == ERR_OK) {
		err = run_number(choosing, &sql_fork_holders, choosing->head.sequence);
	}
	return err == ERR_OK ? run(choosing, &sql_fork_witnesses) : err;
}

/* Doing. */

static enum err begin(struct choosing *choosing)
{
	enum err err = db_exec(choosing->db, "PRAGMA synchronous = FULL");
	return err == ERR_OK ? db_begin(choosing->db) : err;
}

static enum err finish(struct choosing *choosing, enum err err)
{
	if (err == ERR_OK) {
		err = db_exec(choosing->db, "COMMIT");
	}
	if (err != ERR_OK) {
		db_rollback(choosing->db);
	}
	return err;
}

/* What was signed last leaves the fence: its words must not be gone when the rest fails. */
static enum err keep_intent(struct choosing *choosing)
{
	if (choosing->intent == NULL) {
		return ERR_OK;
	}
	enum err err = begin(choosing);
	if (err == ERR_OK) {
		err = give_up(choosing, choosing->intent,
			fence_facts(choosing->fence)->intent_received_ms);
	}
	return finish(choosing, err);
}

/* Is the head that the fence knows one of the side that is given up? */
static bool is_given_up(const struct choosing *choosing, const struct message_id *key)
{
	for (int i = 0; i < choosing->tree.count; i++) {
		if (message_id_equal(&choosing->tree.links[i].message->key, key)) {
			return true;
		}
	}
	return false;
}

static enum err write_fence(struct choosing *choosing)
{
	if (choosing->fence == NULL) {
		return ERR_OK;
	}
	struct fence_facts facts = *fence_facts(choosing->fence);
	struct span intent = fence_intent(choosing->fence);
	facts.state = FENCE_SUSPECT;
	facts.cause = GUARD_RETURNED;
	/* Who keeps a side of which the fence knows more than the database is behind it still. */
	if (choosing->choice == FORK_ADOPT || facts.sequence <= choosing->head.sequence ||
		is_given_up(choosing, &facts.head)) {
		facts.sequence = choosing->head.sequence;
		facts.head = choosing->head.key;
	}
	bool may_follow = choosing->choice == FORK_KEEP && choosing->intent == NULL &&
			  facts.intent_sequence > choosing->head.sequence;
	if (!may_follow) {
		facts.intent_sequence = 0;
		intent = span_of(NULL, 0);
	}
	return fence_write(choosing->fence, &facts, intent);
}

static enum err change(struct choosing *choosing)
{
	enum err err = begin(choosing);
	if (err == ERR_OK) {
		err = choosing->choice == FORK_ADOPT ? adopt(choosing) : keep(choosing);
	}
	if (err == ERR_OK) {
		err = forget(choosing);
	}
	if (err == ERR_OK) {
		err = put_state(choosing);
	}
	return finish(choosing, err);
}

enum err fork_choose(struct store *store, const uint8_t *hmac_key, enum fork_choice choice,
	struct fork_done *out)
{
	struct choosing choosing = {.store = store,
		.db = store->writer,
		.hmac_key = hmac_key,
		.choice = choice,
		.done = out,
		.tree = {.tip = FORK_NONE}};
	*out = (struct fork_done){0};
	enum err err = look(&choosing);
	if (err == ERR_OK) {
		out->sequence = choosing.tree.sides.sequence;
		out->head = choosing.head.sequence;
		err = keep_intent(&choosing);
	}
	if (err == ERR_OK) {
		err = write_fence(&choosing);
	}
	if (err == ERR_OK) {
		err = change(&choosing);
	}
	if (err != ERR_OK && err != ERR_REFUSED) {
		(void)snprintf(out->why, sizeof(out->why),
			"It could not be done (%s), and nothing was changed.", err_text(err));
	}
	message_free(choosing.intent);
	fence_close(choosing.fence);
	free(choosing.path);
	fork_tree_fini(&choosing.tree);
	return err;
}
