/*
 * Rows about our own feed: who holds it, who remembers its head, what waits to be published, what
 * does not fit. Strangers' keys are free, so holders are only those whom we replicate, whom the
 * owner asked for, or whose address we keep; a crowd of made-up friends can neither fill the table
 * nor outvote or outwait the real ones.
 */
#include "store/writer_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

QUERY(sql_is_near,
	"SELECT 1 WHERE EXISTS (SELECT 1 FROM reach WHERE feed = ?1) OR EXISTS (SELECT 1 "
	"FROM addresses WHERE feed = ?1) OR EXISTS (SELECT 1 FROM wants WHERE feed = ?1)");
QUERY(sql_is_reached, "SELECT 1 FROM reach WHERE feed = ?1");
QUERY(sql_holder_get,
	"SELECT spell, told, is_confirmed, confirmed_at FROM holders WHERE peer = ?1");
/* SCAN: of at most LIMIT_HOLDERS rows, and only when a holder is new. */
QUERY(sql_holder_count, "SELECT count(*) FROM holders");
QUERY(sql_holder_oldest, "DELETE FROM holders WHERE peer = (SELECT peer FROM holders ORDER BY at "
			 "LIMIT 1)");
QUERY(sql_holder_put, "INSERT INTO holders (peer, sequence, at) VALUES (?1, ?2, ?3) ON CONFLICT "
		      "(peer) DO UPDATE SET sequence = max(sequence, ?2), at = ?3");
QUERY(sql_holder_told, "UPDATE holders SET sequence = ?2, at = ?3, spell = ?4, told = ?2, "
		       "is_confirmed = ?5, confirmed_at = ?6 WHERE peer = ?1");
QUERY(sql_holder_newest, "SELECT max(at) FROM holders");
QUERY(sql_holders_reask, "UPDATE holders SET is_confirmed = 0 WHERE told > ?1");
QUERY(sql_holders_forget,
	"UPDATE holders SET sequence = ?1, told = min(told, ?1) WHERE sequence > ?1");
QUERY(sql_guard_holders, "SELECT f.id, h.sequence, h.at, h.spell, h.told, h.is_confirmed FROM "
			 "holders h CROSS JOIN feeds f ON f.feed = h.peer LIMIT ?1");
/* Our own copies carry what this database said. */
QUERY(sql_guard_witnesses,
	"SELECT sequence, key, name = CAST('backup' AS BLOB) FROM witnesses LIMIT ?1");
/* Rows of before a pause may have been restored together with our head; where somebody moved to is
 * the exception: who moves out has stopped for good. */
QUERY(sql_witnesses_renew, "DELETE FROM witnesses WHERE sequence <= ?1 AND at < ?2 AND name <> "
			   "CAST('move' AS BLOB)");
QUERY(sql_witness_get, "SELECT sequence FROM witnesses WHERE name = ?1");
QUERY(sql_witness_count, "SELECT count(*) FROM witnesses");
/* Never one that knows more than we do: it is the reason why nothing is published. */
QUERY(sql_witness_oldest, "DELETE FROM witnesses WHERE name = (SELECT name FROM witnesses WHERE "
			  "sequence <= ?1 ORDER BY at LIMIT 1)");
QUERY(sql_witness_put,
	"INSERT OR REPLACE INTO witnesses (name, sequence, key, at) VALUES (?1, ?2, ?3, ?4)");
QUERY(sql_witnesses_drop, "DELETE FROM witnesses");
QUERY(sql_witness_moved_drop, "DELETE FROM witnesses WHERE name = CAST('move' AS BLOB)");
QUERY(sql_want_put, "INSERT OR IGNORE INTO wants (feed, at) SELECT ?1, ?2 WHERE (SELECT count(*) "
		    "FROM wants) < ?3");
QUERY(sql_want_drop, "DELETE FROM wants WHERE feed = ?1");
QUERY(sql_branch_put,
	"INSERT OR IGNORE INTO branch (sequence, key, body, at) SELECT ?1, ?2, ?3, ?4 "
	"WHERE (SELECT count(*) FROM branch WHERE is_settled = 0) < ?5");
QUERY(sql_branch_more,
	"INSERT OR IGNORE INTO branch (sequence, key, body, at, is_settled) SELECT ?1, ?2, ?3, ?4, "
	"1 WHERE (SELECT count(*) FROM branch) < ?5");
QUERY(sql_branch_has, "SELECT 1 FROM branch WHERE sequence = ?1 AND key = ?2");
QUERY(sql_branch_settled,
	"SELECT 1 FROM branch WHERE sequence = ?1 AND key = ?2 AND is_settled = 1");
QUERY(sql_log_put, "INSERT INTO safety_log (at, event, sequence, text) VALUES (?1, ?2, ?3, ?4)");

static int64_t now_ms(const struct writer *writer)
{
	return env_wall_ms(store_env(writer->store));
}

static bool is_no_key(const struct message_id *key)
{
	static const struct message_id none;
	return message_id_equal(key, &none);
}

/* The first column of a query about one number, 0 when there is no row. */
static enum err ask(struct writer *writer, const struct query *query, int64_t about, int64_t *out)
{
	sqlite3_stmt *stmt = NULL;
	*out = 0;
	enum err err = db_query(writer->db, query, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	if (sqlite3_bind_parameter_count(stmt) > 0) {
		db_int(stmt, 1, about);
	}
	err = db_step(writer->db, stmt);
	if (err == ERR_OK) {
		*out = sqlite3_column_int64(stmt, 0);
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* Run a query about one number. */
static enum err run_about(struct writer *writer, const struct query *query, int64_t about)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(writer->db, query, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	if (sqlite3_bind_parameter_count(stmt) > 0) {
		db_int(stmt, 1, about);
	}
	return db_run(writer->db, stmt);
}

/* The row of a peer when it may be a holder; 0: it may not. */
static enum err near_peer(
	struct writer *writer, const struct feed_id *id, const struct query *is_near, int64_t *out)
{
	int64_t peer = 0;
	int64_t is_so = 0;
	*out = 0;
	enum err err = feeds_number(writer->feeds, id, false, &peer);
	if (err == ERR_NOT_FOUND || peer == FEED_SELF) {
		return ERR_OK;
	}
	if (err == ERR_OK) {
		err = ask(writer, is_near, peer, &is_so);
	}
	*out = is_so != 0 ? peer : 0;
	return err;
}

static enum err put_holder(struct writer *writer, int64_t peer, int64_t number)
{
	sqlite3_stmt *stmt = NULL;
	int64_t count = 0;
	enum err err = db_query(writer->db, &sql_holder_get, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, peer);
	err = db_step(writer->db, stmt);
	if (err == ERR_OK) {
		db_reset(stmt);
	} else if (err == ERR_NOT_FOUND) {
		if (number <= 0) {
			return ERR_OK; /* it has nothing of ours and never had */
		}
		err = ask(writer, &sql_holder_count, 0, &count);
		if (err == ERR_OK && count >= LIMIT_HOLDERS) {
			err = run_about(writer, &sql_holder_oldest, 0);
		}
	}
	if (err == ERR_OK) {
		err = db_query(writer->db, &sql_holder_put, &stmt);
	}
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, peer);
	db_int(stmt, 2, number < 0 ? 0 : number);
	db_int(stmt, 3, now_ms(writer));
	return db_run(writer->db, stmt);
}

static enum err change_holds(struct writer *writer, const struct change *change)
{
	int64_t peer = 0;
	enum err err = near_peer(writer, &change->feed, &sql_is_near, &peer);
	if (err != ERR_OK || peer == 0) {
		return err;
	}
	writer->signals.is_changed = writer->report.state == FENCE_SUSPECT;
	return put_holder(writer, peer, change->number);
}

/* What this holder was known for in the present spell. */
struct known {
	bool is_of_spell;
	int64_t told, confirmed_at;
	int agreement;
};

static enum err get_known(struct writer *writer, int64_t peer, struct known *out)
{
	sqlite3_stmt *stmt = NULL;
	*out = (struct known){0};
	enum err err = db_query(writer->db, &sql_holder_get, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, peer);
	err = db_step(writer->db, stmt);
	if (err == ERR_OK) {
		out->is_of_spell = (uint64_t)sqlite3_column_int64(stmt, 0) == writer->report.spell;
		out->told = sqlite3_column_int64(stmt, 1);
		out->agreement = sqlite3_column_int(stmt, 2);
		out->confirmed_at = sqlite3_column_int64(stmt, 3);
		db_reset(stmt);
	}
	return err;
}

/* Somebody who says more than it can show had its minute: what it showed counts. */
static int64_t told_for_good(
	const struct writer *writer, const struct known *known, int64_t number, int64_t head)
{
	bool had_its_time = known->is_of_spell && known->told > head && known->agreement == 1 &&
			    now_ms(writer) - known->confirmed_at >= LIMIT_GUARD_CLAIM_MS;
	return number > head && had_its_time ? head : number;
}

static enum err change_confirm(struct writer *writer, const struct change *change)
{
	struct feed_entry *self = NULL;
	struct known known;
	int64_t peer = 0;
	bool is_same = false;
	enum err err = near_peer(writer, &change->feed, &sql_is_near, &peer);
	if (err == ERR_OK) {
		err = feeds_get(writer->feeds, store_self(writer->store), &self);
	}
	if (err != ERR_OK || peer == 0) {
		return err;
	}
	int64_t head = (int64_t)self->head.sequence;
	int64_t number = change->number < 0 ? 0 : change->number;
	int64_t at = number < head ? number : head;
	bool has_none = is_no_key(&change->key);
	if (at > 0 && !has_none) {
		err = writer_own_key_is(writer, (uint64_t)at, &change->key, &is_same);
	}
	if (err == ERR_OK) {
		err = put_holder(writer, peer, number);
	}
	if (err == ERR_OK) {
		err = get_known(writer, peer, &known);
	}
	if (err != ERR_OK) {
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	/* Without a key nothing was compared, unless there is nothing to compare. */
	int agreement = at == 0    ? GUARD_AGREES
			: has_none ? GUARD_UNASKED
			: is_same  ? GUARD_AGREES
				   : GUARD_DIFFERS;
	sqlite3_stmt *stmt = NULL;
	err = db_query(writer->db, &sql_holder_told, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	bool is_again = known.is_of_spell && known.told > head && known.agreement == agreement;
	db_int(stmt, 1, peer);
	db_int(stmt, 2, told_for_good(writer, &known, number, head));
	db_int(stmt, 3, now_ms(writer));
	db_int(stmt, 4, (int64_t)writer->report.spell);
	db_int(stmt, 5, agreement);
	db_int(stmt, 6, is_again ? known.confirmed_at : now_ms(writer));
	writer->signals.is_changed = true;
	return db_run(writer->db, stmt);
}

static enum err change_claim(struct writer *writer, const struct change *change)
{
	struct feed_entry *self = NULL;
	int64_t peer = 0;
	enum err err = near_peer(writer, &change->feed, &sql_is_reached, &peer);
	if (err == ERR_OK) {
		err = feeds_get(writer->feeds, store_self(writer->store), &self);
	}
	if (err == ERR_OK && peer != 0 && change->number > (int64_t)self->head.sequence) {
		writer->signals.claim = (uint64_t)change->number;
		writer_signal(writer, GUARD_CLAIM);
	}
	return err;
}

static enum err change_twin(struct writer *writer, const struct change *change)
{
	struct span text = span_take(change->text, LIMIT_ADDRESS_BYTES);
	memcpy(writer->signals.twin, text.at, text.len);
	writer->signals.twin[text.len] = '\0';
	writer_signal(writer, GUARD_TWIN);
	return ERR_OK;
}

static enum err make_room_for_witness(struct writer *writer, uint64_t head)
{
	int64_t count = 0;
	enum err err = ask(writer, &sql_witness_count, 0, &count);
	if (err == ERR_OK && count >= LIMIT_WITNESSES) {
		err = run_about(writer, &sql_witness_oldest, (int64_t)head);
	}
	if (err == ERR_OK) {
		err = ask(writer, &sql_witness_count, 0, &count);
	}
	return err == ERR_OK && count >= LIMIT_WITNESSES ? ERR_LIMIT : err;
}

/* What a name remembered before; −1: nothing. */
static enum err remembered(struct writer *writer, struct span name, int64_t *out)
{
	sqlite3_stmt *stmt = NULL;
	*out = -1;
	enum err err = db_query(writer->db, &sql_witness_get, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_blob(stmt, 1, name);
	err = db_step(writer->db, stmt);
	if (err == ERR_OK) {
		*out = sqlite3_column_int64(stmt, 0);
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err put_witness_row(
	struct writer *writer, struct span name, uint64_t sequence, const struct message_id *key)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(writer->db, &sql_witness_put, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_blob(stmt, 1, name);
	db_int(stmt, 2, (int64_t)sequence);
	if (key != NULL) {
		db_blob(stmt, 3, span_of(key->at, ID_BYTES));
	}
	db_int(stmt, 4, now_ms(writer));
	err = db_run(writer->db, stmt);
	(void)sqlite3_clear_bindings(stmt);
	return err;
}

enum err writer_witness_put(
	struct writer *writer, struct span name, uint64_t sequence, const struct message_id *key)
{
	struct feed_entry *self = NULL;
	int64_t had = 0;
	bool is_same = true;
	enum err err = feeds_get(writer->feeds, store_self(writer->store), &self);
	if (err == ERR_OK) {
		err = remembered(writer, name, &had);
	}
	if (err == ERR_OK && key != NULL && sequence <= self->head.sequence) {
		err = writer_own_key_is(writer, sequence, key, &is_same);
	}
	if (err != ERR_OK || (is_same && had >= 0 && (uint64_t)had > sequence)) {
		return err; /* it has seen more before; another history is news all the same */
	}
	if (had < 0) {
		err = make_room_for_witness(writer, self->head.sequence);
	}
	if (err == ERR_OK) {
		err = put_witness_row(writer, name, sequence, key);
	}
	if (sequence > self->head.sequence || !is_same) {
		writer_signal(writer, GUARD_WITNESS);
	}
	writer->signals.is_changed = true;
	return err == ERR_LIMIT ? ERR_OK : err;
}

static enum err change_witness(struct writer *writer, const struct change *change)
{
	if (change->number <= 0) {
		return ERR_OK;
	}
	return writer_witness_put(writer, change->name, (uint64_t)change->number,
		is_no_key(&change->key) ? NULL : &change->key);
}

static enum err change_want(struct writer *writer, const struct change *change)
{
	sqlite3_stmt *stmt = NULL;
	int64_t feed = 0;
	enum err err = feeds_number(writer->feeds, &change->feed, change->number != 0, &feed);
	if (err != ERR_OK || feed == FEED_SELF) {
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	writer->is_graph_changed = true; /* whom we replicate is to be computed again */
	if (change->number == 0) {
		return run_about(writer, &sql_want_drop, feed);
	}
	err = db_query(writer->db, &sql_want_put, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, feed);
	db_int(stmt, 2, now_ms(writer));
	db_int(stmt, 3, LIMIT_WANTS);
	return db_run(writer->db, stmt);
}

enum err writer_log_put(struct writer *writer, const char *event, struct span text)
{
	struct feed_entry *self = NULL;
	sqlite3_stmt *stmt = NULL;
	enum err err = feeds_get(writer->feeds, store_self(writer->store), &self);
	if (err == ERR_OK) {
		err = db_query(writer->db, &sql_log_put, &stmt);
	}
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, now_ms(writer));
	db_text(stmt, 2, span_text(event));
	db_int(stmt, 3, (int64_t)self->head.sequence);
	db_text(stmt, 4, text);
	return db_run(writer->db, stmt);
}

static enum err change_log(struct writer *writer, const struct change *change)
{
	char event[LIMIT_SAFETY_NAME_BYTES + 1];
	struct span name = span_take(change->name, sizeof(event) - 1);
	memcpy(event, name.at, name.len);
	event[name.len] = '\0';
	return writer_log_put(writer, event, change->text);
}

enum err writer_safety_change(struct writer *writer, const struct change *change)
{
	switch (change->kind) {
	case CHANGE_HOLDS:
		return change_holds(writer, change);
	case CHANGE_CLAIM:
		return change_claim(writer, change);
	case CHANGE_CONFIRM:
		return change_confirm(writer, change);
	case CHANGE_TWIN:
		return change_twin(writer, change);
	case CHANGE_WITNESS:
		return change_witness(writer, change);
	case CHANGE_WANT:
		return change_want(writer, change);
	case CHANGE_DRAFT_DROP:
		return writer_draft_drop(writer, change->number);
	case CHANGE_LOG:
		return change_log(writer, change);
	default:
		return ERR_REFUSED;
	}
}

static enum err put_branch(
	struct writer *writer, const struct query *query, const struct message *message)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(writer->db, query, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, (int64_t)message->sequence);
	db_blob(stmt, 2, span_of(message->key.at, ID_BYTES));
	db_blob(stmt, 3, message->compact);
	db_int(stmt, 4, now_ms(writer));
	db_int(stmt, 5, LIMIT_BRANCH_MESSAGES);
	return db_run(writer->db, stmt);
}

enum err writer_branch_put(struct writer *writer, const struct message *message)
{
	return put_branch(writer, &sql_branch_put, message);
}

static enum err ask_branch(struct writer *writer, const struct query *query, uint64_t sequence,
	const struct message_id *key, bool *is_so)
{
	sqlite3_stmt *stmt = NULL;
	*is_so = false;
	enum err err = db_query(writer->db, query, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, (int64_t)sequence);
	db_blob(stmt, 2, span_of(key->at, ID_BYTES));
	err = db_step(writer->db, stmt);
	if (err == ERR_OK) {
		*is_so = true;
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err writer_branch_has(
	struct writer *writer, uint64_t sequence, const struct message_id *key, bool *is_so)
{
	return ask_branch(writer, &sql_branch_has, sequence, key, is_so);
}

/* It is one that was given up, or it follows one: then it is kept beside that, and told of. */
enum err writer_branch_settled(struct writer *writer, const struct message *message, bool *is_so)
{
	char text[160];
	enum err err =
		ask_branch(writer, &sql_branch_settled, message->sequence, &message->key, is_so);
	if (err != ERR_OK || *is_so || !message->has_previous) {
		return err;
	}
	err = ask_branch(
		writer, &sql_branch_settled, message->sequence - 1, &message->previous, is_so);
	if (err == ERR_OK && *is_so) {
		err = put_branch(writer, &sql_branch_more, message);
	}
	if (err != ERR_OK || !*is_so || sqlite3_changes(db_handle(writer->db)) == 0) {
		return err; /* also when there is no room for more of them */
	}
	(void)snprintf(text, sizeof(text),
		"Message %" PRIu64
		" of the side you gave up came, too. It is kept beside your feed.",
		message->sequence);
	return writer_log_put(writer, "fork", span_text(text));
}

enum err writer_holders_reask(struct writer *writer, uint64_t head)
{
	return run_about(writer, &sql_holders_reask, (int64_t)head);
}

enum err writer_safety_forget(struct writer *writer)
{
	enum err err = run_about(writer, &sql_witnesses_drop, 0);
	return err == ERR_OK
		       ? run_about(writer, &sql_holders_forget, (int64_t)writer->report.sequence)
		       : err;
}

enum err writer_move_is_over(struct writer *writer)
{
	return run_about(writer, &sql_witness_moved_drop, 0);
}

enum err writer_newest_sighting(struct writer *writer, int64_t *out)
{
	return ask(writer, &sql_holder_newest, 0, out);
}

enum err writer_witnesses_renew(struct writer *writer, uint64_t head, bool is_start)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(writer->db, &sql_witnesses_renew, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, (int64_t)head);
	/* Not the one whose word begins this pause. */
	db_int(stmt, 2, is_start ? INT64_MAX : now_ms(writer));
	return db_run(writer->db, stmt);
}

static enum err read_witnesses(struct writer *writer, struct guard_facts *out)
{
	sqlite3_stmt *stmt = NULL;
	struct guard_witness *rows = calloc(LIMIT_WITNESSES + 1, sizeof(*rows));
	enum err err = rows == NULL ? ERR_NOMEM : db_query(writer->db, &sql_guard_witnesses, &stmt);
	out->witnesses = rows;
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, LIMIT_WITNESSES);
	while ((err = db_step(writer->db, stmt)) == ERR_OK) {
		struct guard_witness *row = &rows[out->witness_count++];
		row->sequence = (uint64_t)sqlite3_column_int64(stmt, 0);
		row->has_key = db_column_id(stmt, 1, row->key.at);
		row->is_echo = sqlite3_column_int(stmt, 2) != 0;
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err compare_witnesses(struct writer *writer, const struct guard_facts *facts)
{
	struct guard_witness *rows = (struct guard_witness *)(uintptr_t)facts->witnesses;
	enum err err = ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < facts->witness_count; i++) {
		bool is_same = true;
		if (rows[i].has_key && rows[i].sequence < facts->sequence) {
			err = writer_own_key_is(writer, rows[i].sequence, &rows[i].key, &is_same);
		}
		rows[i].is_contradicted = !is_same;
	}
	return err;
}

enum err writer_read_holders(struct writer *writer, struct guard_facts *out)
{
	sqlite3_stmt *stmt = NULL;
	struct guard_holder *rows = calloc(LIMIT_HOLDERS, sizeof(*rows));
	enum err err = rows == NULL ? ERR_NOMEM : db_query(writer->db, &sql_guard_holders, &stmt);
	out->holders = rows;
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, LIMIT_HOLDERS);
	while ((err = db_step(writer->db, stmt)) == ERR_OK) {
		struct guard_holder *row = &rows[out->holder_count];
		bool is_of_spell = (uint64_t)sqlite3_column_int64(stmt, 3) == writer->report.spell;
		row->sequence = (uint64_t)sqlite3_column_int64(stmt, 1);
		row->seen_ms = sqlite3_column_int64(stmt, 2);
		row->told = is_of_spell ? sqlite3_column_int64(stmt, 4) : -1;
		row->agreement = is_of_spell ? (enum guard_agreement)sqlite3_column_int(stmt, 5)
					     : GUARD_UNASKED;
		out->holder_count += db_column_id(stmt, 0, row->peer.at);
	}
	if (err == ERR_NOT_FOUND) {
		err = read_witnesses(writer, out);
	}
	return err == ERR_OK ? compare_witnesses(writer, out) : err;
}
