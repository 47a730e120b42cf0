/*
 * What the fence says at the start (restore.md §4 B). It is compared with the database: an intent
 * that a crash kept from the database is inserted now, byte for byte, and never signed again;
 * everything else that does not fit pauses publishing. What is found, the epoch and the install id
 * are committed together, the database first, then the fence: a cut between the two leaves the
 * database ahead by one, which is allowed, and the worse of two states wins. A pause that goes on
 * keeps its spell; files that were exchanged or moved meanwhile begin a new one.
 */
#include "store/writer_inside.h"

#include "base/file.h"
#include "base/log.h"
#include "store/vfs.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum { SETTING_BYTES = 320, INSTALL_BYTES = 33 };

QUERY(sql_setting, "SELECT text FROM settings WHERE name = ?1");

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
		if (text.len > 0) {
			memcpy(out, text.at, text.len);
		}
		out[text.len] = '\0';
		db_reset(stmt);
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err read_number(struct writer *writer, const char *name, uint64_t *out)
{
	char text[24];
	enum err err = read_setting(writer, name, text, sizeof(text));
	*out = strtoull(text, NULL, 10);
	return err;
}

static enum err read_key(struct writer *writer, const char *name, struct message_id *out)
{
	char text[2 * ID_BYTES + 1];
	size_t len = 0;
	enum err err = read_setting(writer, name, text, sizeof(text));
	if (err == ERR_OK &&
		sodium_hex2bin(out->at, ID_BYTES, text, strlen(text), NULL, &len, NULL) != 0) {
		memset(out->at, 0, ID_BYTES);
	}
	return err;
}

/* What the database remembers of the last run, and what is wrong now. */
struct start {
	struct feed_entry *self;
	char install[INSTALL_BYTES];
	uint64_t epoch;
	enum fence_state state;
	enum guard_cause cause;
	char why[256];
	bool is_restored;
	bool is_fence_kept; /* the file is ours: what it says is carried on */
	bool is_same_files; /* fence and database were together all the time */
	bool is_elsewhere;  /* … and are where they were not: there may be two of both */
	struct move found;
	uint64_t fork_sequence;
	struct message_id fork_ours, fork_theirs;
};

/* The first thing found says why; only a fork is worse than another pause. */
static void found(struct start *start, enum guard_cause cause, const char *format, ...)
	PRINTF_LIKE(3, 4);
static void found(struct start *start, enum guard_cause cause, const char *format, ...)
{
	enum fence_state state = cause == GUARD_FORK ? FENCE_FORKED : FENCE_SUSPECT;
	va_list args;
	if (start->found.state >= state) {
		return;
	}
	start->found.state = state;
	start->found.cause = cause;
	va_start(args, format);
	(void)vsnprintf(start->found.why, sizeof(start->found.why), format, args);
	va_end(args);
}

static void found_plain(struct start *start, enum guard_cause cause)
{
	found(start, cause, "%s", guard_cause_said(cause));
}

static enum fence_state state_of(const char *text)
{
	for (int state = FENCE_NEW; state < FENCE_STATE_COUNT; state++) {
		if (strcmp(text, fence_state_text((enum fence_state)state)) == 0) {
			return (enum fence_state)state;
		}
	}
	return FENCE_NEW;
}

static enum err read_state(struct writer *writer, struct start *start)
{
	char text[SETTING_BYTES];
	enum err err = read_setting(writer, "state", text, sizeof(text));
	start->state = state_of(text);
	if (err == ERR_OK) {
		err = read_setting(writer, "cause", text, sizeof(text));
		start->cause = guard_cause_of(span_text(text));
	}
	if (err == ERR_OK) {
		err = read_setting(writer, "state_why", start->why, sizeof(start->why));
	}
	if (err == ERR_OK) {
		err = read_setting(writer, "restored_at", text, sizeof(text));
		start->is_restored = text[0] != '\0';
	}
	if (err == ERR_OK) {
		err = read_setting(writer, "run", text, sizeof(text));
		writer->is_cut = text[0] != '\0';
	}
	return err;
}

static enum err read_spell(struct writer *writer)
{
	struct guard_report *report = &writer->report;
	uint64_t since = 0;
	uint64_t known = 0;
	enum err err = read_number(writer, "spell", &report->spell);
	if (err == ERR_OK) {
		err = read_number(writer, "since", &since);
	}
	if (err == ERR_OK) {
		err = read_number(writer, "start_sequence", &report->start_sequence);
	}
	if (err == ERR_OK) {
		err = read_number(writer, "known_at", &known);
	}
	if (err == ERR_OK) {
		err = read_number(writer, "fork_sequence", &report->fork_sequence);
	}
	if (err == ERR_OK) {
		err = read_key(writer, "fork_ours", &report->fork_ours);
	}
	if (err == ERR_OK) {
		err = read_key(writer, "fork_theirs", &report->fork_theirs);
	}
	report->since_ms = (int64_t)since;
	writer->guard.known_ms = (int64_t)known;
	return err;
}

static void fill_hints(const struct writer *writer, struct fence_facts *facts)
{
	struct buf id = BUF_INIT(256);
	memset(facts->machine, 0, sizeof(facts->machine));
	if (file_read("/etc/machine-id", &id) == ERR_OK &&
		crypto_hash_sha256(facts->machine, id.at, id.len) != 0) {
		memset(facts->machine, 0, sizeof(facts->machine));
	}
	buf_fini(&id);
	store_place(writer->store, &facts->device, &facts->inode);
}

static enum err open_fence(struct writer *writer, struct start *start)
{
	char *path = store_path(writer->store, "fence");
	if (path == NULL) {
		return ERR_NOMEM;
	}
	enum err err = fence_open_in(writer->store->vfs, path, &writer->fence);
	free(path);
	if (err == ERR_OK) {
		writer->facts = *fence_facts(writer->fence);
		start->is_fence_kept =
			feed_id_equal(&writer->facts.identity, store_self(writer->store));
	}
	if (err == ERR_NOT_FOUND && start->install[0] == '\0' && start->self->head.sequence == 0) {
		found_plain(start, GUARD_IMPORTED);
	} else if (err == ERR_NOT_FOUND) {
		found_plain(start, GUARD_NO_FENCE);
	} else if (err == ERR_REFUSED) {
		found_plain(start, GUARD_FENCE_DAMAGED);
	} else if (err == ERR_OK && !start->is_fence_kept) {
		found_plain(start, GUARD_FOREIGN_FENCE);
	}
	return err == ERR_NOT_FOUND || err == ERR_REFUSED ? ERR_OK : err;
}

static enum err insert_intent_row(
	struct writer *writer, const struct message *message, struct feed_entry *self)
{
	enum err err = writer_sync_full(writer);
	if (err == ERR_OK) {
		err = writer_begin(writer);
	}
	if (err == ERR_OK) {
		err = writer_insert(writer, message, self, writer->facts.intent_received_ms);
	}
	if (err == ERR_OK) {
		err = writer_put_nonce(writer,
			span_of(writer->facts.intent_nonce, writer->facts.intent_nonce_len),
			message->sequence);
	}
	if (err == ERR_OK) {
		err = writer_commit(writer);
	} else {
		writer_rollback(writer);
	}
	writer_sync_normal(writer);
	if (err == ERR_OK) {
		LOG(store_env(writer->store), LOG_WARN, "publish.finished",
			LOG_NUM("sequence", message->sequence));
	}
	return err;
}

/* A crash between intent and COMMIT: the same bytes go in now. When they do not follow what we hold
 * they are kept, and go in when the messages between have come back. */
static enum err insert_intent(struct writer *writer, struct start *start)
{
	struct message *message = NULL;
	const char *why = NULL;
	enum err err = message_reread(fence_intent(writer->fence), &message, &why);
	if (err != ERR_OK) {
		writer->facts.intent_sequence = 0; /* not what a fence of ours would hold */
		found_plain(start, GUARD_FENCE_DAMAGED);
		return err == ERR_NOMEM ? err : ERR_OK;
	}
	bool is_ours = feed_id_equal(&message->author, store_self(writer->store)) &&
		       message_id_equal(&message->key, &writer->facts.intent_key);
	if (is_ours && chain_judge(&start->self->head, message) == CHAIN_NEXT) {
		err = insert_intent_row(writer, message, start->self);
		if (err == ERR_OK) {
			writer->facts.intent_sequence = 0;
			err = feeds_get(writer->feeds, store_self(writer->store), &start->self);
		}
		message_free(message);
		return err;
	}
	writer->pending = message;
	memcpy(writer->pending_nonce, writer->facts.intent_nonce, writer->facts.intent_nonce_len);
	writer->pending_nonce_len = writer->facts.intent_nonce_len;
	return ERR_OK;
}

/* Our fence says another message under a number we hold. */
static enum err found_fork(struct writer *writer, struct start *start, uint64_t sequence,
	const struct message_id *theirs)
{
	if (start->found.cause == GUARD_DAMAGE) {
		return ERR_OK; /* a bad row of ours proves nothing about what we signed */
	}
	start->fork_sequence = sequence;
	start->fork_theirs = *theirs;
	found(start, GUARD_FORK,
		"The safety file and the database hold two different messages of yours with the "
		"number %" PRIu64 ". Publishing has stopped.",
		sequence);
	return writer_own_key_at(writer, sequence, &start->fork_ours);
}

static void found_behind(struct start *start, uint64_t known)
{
	uint64_t held = start->self->head.sequence;
	if (start->install[0] == '\0' && held == 0) {
		found(start, GUARD_BEHIND,
			"The database is gone, and with it your messages up to number %" PRIu64
			". What your friends hold of them comes back from them.",
			known);
	} else {
		found(start, GUARD_BEHIND,
			"You have published messages up to number %" PRIu64
			", but this database ends at %" PRIu64
			": it was rolled back, perhaps from a backup.",
			known, held);
	}
}

static enum err compare_heads(struct writer *writer, struct start *start)
{
	const struct fence_facts *facts = &writer->facts;
	bool is_so = true;
	enum err err = ERR_OK;
	if (facts->intent_sequence > start->self->head.sequence) {
		err = insert_intent(writer, start);
	} else if (facts->intent_sequence > 0) {
		err = writer_own_key_is(writer, facts->intent_sequence, &facts->intent_key, &is_so);
		if (err == ERR_OK && !is_so) {
			err = found_fork(writer, start, facts->intent_sequence, &facts->intent_key);
		}
		writer->facts.intent_sequence = 0;
	}
	if (err != ERR_OK) {
		return err; /* after a rollback `self` is gone */
	}
	uint64_t held = start->self->head.sequence;
	if (facts->sequence > 0 && facts->sequence <= held) {
		err = writer_own_key_is(writer, facts->sequence, &facts->head, &is_so);
		if (err == ERR_OK && !is_so) {
			err = found_fork(writer, start, facts->sequence, &facts->head);
		}
	}
	if (err == ERR_OK && (facts->sequence > held || writer->pending != NULL)) {
		found_behind(start,
			writer->pending != NULL ? writer->pending->sequence : facts->sequence);
	}
	return err;
}

/* Were these two files together when they were last used? */
static void compare_files(const struct writer *writer, struct start *start)
{
	const struct fence_facts *facts = &writer->facts;
	char install[INSTALL_BYTES];
	hex_encode(span_of(facts->install, sizeof(facts->install)), install);
	bool is_install = strcmp(install, start->install) == 0;
	if (facts->state == FENCE_NEW && start->install[0] == '\0' &&
		start->self->head.sequence == 0) {
		start->is_same_files = true; /* the first start of a key just made */
		return;
	}
	bool is_epoch = facts->epoch == start->epoch || facts->epoch + 1 == start->epoch;
	start->is_same_files = is_install && is_epoch;
	if (start->install[0] == '\0') {
		found(start, GUARD_EPOCH,
			"The database is gone. As far as this node knows, it held no message of "
			"yours.");
	} else if (!is_install) {
		found_plain(start, GUARD_FOREIGN_FENCE);
	} else if (!is_epoch) {
		found_plain(start, GUARD_EPOCH);
	}
}

static void compare_place(const struct writer *writer, struct start *start)
{
	static const uint8_t unknown[sizeof(writer->facts.machine)];
	const struct fence_facts *was = &writer->facts;
	struct fence_facts is = {0};
	fill_hints(writer, &is);
	bool is_known = memcmp(was->machine, unknown, sizeof(unknown)) != 0 &&
			memcmp(is.machine, unknown, sizeof(unknown)) != 0;
	bool is_other_machine =
		is_known && memcmp(was->machine, is.machine, sizeof(is.machine)) != 0;
	bool is_other_inode = was->inode != 0 && is.inode != 0 && was->inode != is.inode;
	bool is_other_device = was->device != 0 && is.device != 0 && was->device != is.device;
	double ahead_ms =
		start->self->head.timestamp - (double)env_wall_ms(store_env(writer->store));
	if (start->self->head.sequence > 0 && ahead_ms > (double)LIMIT_GUARD_CLOCK_BACK_MS) {
		LOG(store_env(writer->store), LOG_WARN, "clock.back",
			LOG_NUM("hours", (int64_t)(ahead_ms / 3600000)));
		if (is_other_device || is_other_machine || is_other_inode) {
			found_plain(start, GUARD_CLOCK);
		}
	}
	start->is_elsewhere = is_other_machine || is_other_inode;
	if (start->is_elsewhere) {
		found_plain(start, GUARD_MOVED);
	}
}

/* The newest now, the rest behind the start. */
static enum err check_newest(struct writer *writer, struct start *start)
{
	uint64_t last = start->self->head.sequence;
	uint64_t first = last > LIMIT_OWN_CHECKED ? last - LIMIT_OWN_CHECKED + 1 : 1;
	uint64_t bad = 0;
	bool is_head = true;
	char why[256];
	if (last == 0) {
		return ERR_OK;
	}
	enum err err = writer_check_own(writer, first, last, &bad);
	if (err == ERR_OK) {
		err = writer_own_key_is(writer, last, &start->self->head.key, &is_head);
	}
	if (err == ERR_OK && (bad > 0 || !is_head)) {
		writer_say_damage(why, bad > 0 ? bad : last);
		found(start, GUARD_DAMAGE, "%s", why);
	}
	writer->unchecked = first - 1;
	return err;
}

/* A key that this program just made and that has nothing yet is clean from here on. */
static enum fence_state stored_state(const struct writer *writer, const struct start *start)
{
	enum fence_state state = start->state;
	if (start->is_fence_kept && writer->facts.state > state) {
		state = writer->facts.state;
	}
	return state == FENCE_NEW ? FENCE_CLEAN : state;
}

/* The state of this run: what was found, or what goes on from the last one. `move->is_set` when it
 * is to be written. */
static void decide(struct writer *writer, struct start *start, struct move *move)
{
	struct guard_report *report = &writer->report;
	enum fence_state stored = stored_state(writer, start);
	bool goes_on = start->is_same_files && !start->is_restored && start->state == stored;
	*move = start->found;
	if (stored > start->found.state || (stored == start->found.state && goes_on)) {
		bool is_known = start->state == stored;
		move->state = stored;
		move->cause = is_known ? start->cause : (enum guard_cause)writer->facts.cause;
		(void)snprintf(move->why, sizeof(move->why), "%s", is_known ? start->why : "");
	}
	if (move->cause == GUARD_NONE && move->state >= FENCE_SUSPECT) {
		move->cause = move->state == FENCE_SUSPECT  ? GUARD_EPOCH
			      : move->state == FENCE_FORKED ? GUARD_FORK
							    : GUARD_MOVED_OUT;
	}
	bool was_paused = start->state == FENCE_SUSPECT;
	move->is_new_spell =
		move->state == FENCE_SUSPECT && !(goes_on && was_paused && !start->is_elsewhere);
	move->is_start = true;
	move->is_without_history = was_paused && report->start_sequence == 0;
	move->is_set = move->state != start->state || move->is_new_spell;
	report->state = move->state;
	report->cause = move->cause;
	(void)snprintf(report->why, sizeof(report->why), "%s",
		move->why[0] != '\0' ? move->why : guard_cause_said(move->cause));
	writer->guard.quiet_since_ms = env_mono_ms(store_env(writer->store));
}

/* A fence of another key, or one that cannot be read, makes room for one of ours. */
static void fresh_facts(struct writer *writer, const struct start *start)
{
	const struct env *env = store_env(writer->store);
	if (!start->is_fence_kept) {
		writer->facts = (struct fence_facts){.identity = *store_self(writer->store)};
	}
	if (!start->is_same_files) {
		env->random(env->ctx, writer->facts.install, sizeof(writer->facts.install));
	}
	struct fence_facts *facts = &writer->facts;
	/* After two cuts in a row between database and fence the same number is taken again. */
	bool is_ahead = start->epoch > facts->epoch && !start->is_same_files;
	facts->epoch = (is_ahead ? start->epoch : facts->epoch) + 1;
	facts->state = writer->report.state;
	facts->cause = (uint8_t)writer->report.cause;
	if (facts->sequence <= start->self->head.sequence && start->found.state != FENCE_FORKED) {
		facts->sequence = start->self->head.sequence;
		facts->head = start->self->head.key;
	}
	fill_hints(writer, facts);
}

static enum err put_start(struct writer *writer, const struct start *start, struct move *move)
{
	char install[INSTALL_BYTES];
	char epoch[24];
	hex_encode(span_of(writer->facts.install, sizeof(writer->facts.install)), install);
	(void)snprintf(epoch, sizeof(epoch), "%" PRIu64, writer->facts.epoch);
	enum err err = writer_sync_full(writer);
	if (err == ERR_OK) {
		err = writer_begin(writer);
	}
	if (err != ERR_OK) {
		return err;
	}
	if (start->fork_sequence > 0) {
		writer_signal_fork(
			writer, start->fork_sequence, &start->fork_ours, &start->fork_theirs);
	}
	err = writer_setting_put(writer, "install", span_text(install));
	if (err == ERR_OK) {
		err = writer_setting_put(writer, "epoch", span_text(epoch));
	}
	if (err == ERR_OK) {
		err = writer_setting_put(writer, "run", span_text(writer->is_cut ? "cut" : "open"));
	}
	if (err == ERR_OK && start->is_restored) {
		err = writer_setting_put(writer, "restored_at", span_of(NULL, 0));
	}
	if (err == ERR_OK && move->is_set) {
		err = writer_put_move(writer, move);
	}
	if (err == ERR_OK) {
		err = writer_commit(writer);
	} else {
		writer_rollback(writer);
	}
	writer_sync_normal(writer);
	return err;
}

/* The fence in its new form; made anew when the old one is not ours. */
static enum err put_first_fence(struct writer *writer, const struct start *start)
{
	if (writer->fence != NULL && start->is_fence_kept) {
		return writer_put_fence(writer);
	}
	char *path = store_path(writer->store, "fence");
	if (path == NULL) {
		return ERR_NOMEM;
	}
	fence_close(writer->fence);
	writer->fence = NULL;
	(void)vfs_remove(writer->store->vfs, path);
	enum err err = fence_create_in(writer->store->vfs, path, &writer->facts, &writer->fence);
	free(path);
	return err;
}

static enum err look(struct writer *writer, struct start *start)
{
	enum err err = read_setting(writer, "install", start->install, sizeof(start->install));
	if (err == ERR_OK) {
		err = read_number(writer, "epoch", &start->epoch);
	}
	if (err == ERR_OK) {
		err = read_state(writer, start);
	}
	if (err == ERR_OK) {
		err = read_spell(writer);
	}
	if (err == ERR_OK && start->is_restored) {
		found_plain(start, GUARD_RESTORED);
	}
	if (err == ERR_OK) {
		err = open_fence(writer, start);
	}
	if (err == ERR_OK) {
		err = check_newest(writer, start);
	}
	if (err == ERR_OK && start->is_fence_kept) {
		err = compare_heads(writer, start);
	}
	if (err == ERR_OK && start->is_fence_kept) {
		compare_files(writer, start);
		compare_place(writer, start);
	}
	return err;
}

enum err writer_check_fence(struct writer *writer)
{
	struct start start = {0};
	struct move move;
	enum err err = feeds_get(writer->feeds, store_self(writer->store), &start.self);
	if (err == ERR_OK) {
		err = look(writer, &start);
	}
	if (err != ERR_OK) {
		return err;
	}
	decide(writer, &start, &move);
	fresh_facts(writer, &start);
	writer_show_head(writer);
	err = put_start(writer, &start, &move);
	if (err == ERR_OK) {
		err = put_first_fence(writer, &start);
	}
	if (err == ERR_OK) {
		writer_moved(writer, &move);
		writer->is_guard_stale = true;
		writer_judge(writer);
	}
	return err;
}
