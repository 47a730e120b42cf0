/*
 * The state of publishing (restore.md §4 D, S, U, M). What a transaction learns about our feed is
 * settled before its COMMIT, in its rows, and done everywhere else behind it: memory, fence,
 * listeners. Between the two the database says the worse of two states, and the worse one wins at
 * a start. A bare claim of a peer is the exception: it lives in memory only, for a minute at most,
 * and after an empty one there is rest for an hour, so that liars delay but never silence.
 */
#include "store/writer_inside.h"

#include "base/log.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { NUMBER_BYTES = 24, RECHECK_MS = 3600000 };

/* Which signal counts when there are several: the first of these. */
static const enum guard_cause by_weight[] = {
	GUARD_FORK, GUARD_TWIN, GUARD_RETURNED, GUARD_DAMAGE, GUARD_WITNESS, GUARD_CLAIM};

void writer_signal_fork(struct writer *writer, uint64_t sequence, const struct message_id *ours,
	const struct message_id *theirs)
{
	struct signals *signals = &writer->signals;
	writer_signal(writer, GUARD_FORK);
	if (sequence > 0 && (signals->fork_sequence == 0 || sequence < signals->fork_sequence)) {
		signals->fork_sequence = sequence;
		signals->fork_ours = *ours;
		signals->fork_theirs = *theirs;
	}
}

static enum err put_number(struct writer *writer, const char *name, uint64_t number)
{
	char text[NUMBER_BYTES];
	(void)snprintf(text, sizeof(text), "%" PRIu64, number);
	return writer_setting_put(writer, name, span_text(text));
}

static enum err put_key(struct writer *writer, const char *name, const struct message_id *key)
{
	char text[2 * ID_BYTES + 1];
	hex_encode(span_of(key->at, ID_BYTES), text);
	return writer_setting_put(writer, name, span_text(text));
}

/* The lowest number that is known, from wherever: what the fence proved is in no signal. */
static enum err put_fork(struct writer *writer)
{
	const struct signals *signals = &writer->signals;
	const struct guard_report *report = &writer->report;
	bool is_lower =
		signals->fork_sequence > 0 &&
		(report->fork_sequence == 0 || signals->fork_sequence < report->fork_sequence);
	uint64_t sequence = is_lower ? signals->fork_sequence : report->fork_sequence;
	if (sequence == 0) {
		return ERR_OK;
	}
	enum err err = put_number(writer, "fork_sequence", sequence);
	if (err == ERR_OK) {
		err = put_key(
			writer, "fork_ours", is_lower ? &signals->fork_ours : &report->fork_ours);
	}
	return err == ERR_OK ? put_key(writer, "fork_theirs",
				       is_lower ? &signals->fork_theirs : &report->fork_theirs)
			     : err;
}

static const char *why_of(const struct move *move)
{
	return move->why[0] != '\0' ? move->why : guard_cause_said(move->cause);
}

static enum err put_spell(struct writer *writer, const struct move *move)
{
	struct feed_entry *self = NULL;
	int64_t known_ms = 0;
	enum err err = put_number(writer, "spell", writer->report.spell + 1);
	if (err != ERR_OK || move->is_in_memory) {
		return err;
	}
	err = feeds_get(writer->feeds, store_self(writer->store), &self);
	if (err == ERR_OK) {
		err = put_number(writer, "start_sequence",
			move->is_without_history ? 0 : self->head.sequence);
	}
	if (err == ERR_OK) {
		err = writer_witnesses_renew(writer, self->head.sequence, move->is_start);
	}
	if (err == ERR_OK) {
		err = put_number(writer, "since", (uint64_t)env_wall_ms(store_env(writer->store)));
	}
	if (err == ERR_OK) {
		err = writer_newest_sighting(writer, &known_ms);
	}
	return err == ERR_OK ? put_number(writer, "known_at", (uint64_t)known_ms) : err;
}

static enum err log_move(struct writer *writer, const struct move *move)
{
	char text[512];
	if (move->state != FENCE_CLEAN) {
		return writer_log_put(
			writer, fence_state_text(move->state), span_text(why_of(move)));
	}
	static const char *const reasons[] = {
		[GUARD_RULE_NONE] = "this key has never published",
		[GUARD_U1] =
			"a browser or another witness and a friend hold the same newest message",
		[GUARD_U2] = "all who are known to hold your feed agree about its newest message",
		[GUARD_U3] = "half of those who hold your feed agree, and a day has passed",
		[GUARD_U4] = "nobody has ever been given your feed",
		[GUARD_U5] = "you said so",
		[GUARD_LAPSED] = "what was claimed did not come",
	};
	(void)snprintf(text, sizeof(text), "Publishing goes on: %s.", reasons[move->rule]);
	return writer_log_put(writer, "CLEAN", span_text(text));
}

enum err writer_put_move(struct writer *writer, struct move *move)
{
	move->is_set = true;
	enum err err = move->is_new_spell ? put_spell(writer, move) : ERR_OK;
	if (err != ERR_OK || move->is_in_memory) {
		return err;
	}
	err = writer_setting_put(writer, "state", span_text(fence_state_text(move->state)));
	if (err == ERR_OK) {
		err = writer_setting_put(writer, "cause", span_text(guard_cause_name(move->cause)));
	}
	if (err == ERR_OK) {
		err = writer_setting_put(writer, "state_why", span_text(why_of(move)));
	}
	if (err == ERR_OK) {
		err = put_fork(writer);
	}
	return err == ERR_OK ? log_move(writer, move) : err;
}

static void show_move(struct writer *writer, const struct move *move)
{
	const struct env *env = store_env(writer->store);
	const struct feed_entry *self = feeds_known(writer->feeds, store_self(writer->store));
	const struct signals *signals = &writer->signals;
	int64_t known_ms = 0;
	if (move->is_new_spell && writer_newest_sighting(writer, &known_ms) != ERR_OK) {
		known_ms = 0;
	}
	(void)pthread_mutex_lock(&writer->state_lock);
	struct guard_report *report = &writer->report;
	report->state = move->state;
	report->cause = move->cause;
	(void)snprintf(report->why, sizeof(report->why), "%s", why_of(move));
	if (move->is_new_spell) {
		report->spell++;
		report->since_ms = env_wall_ms(env);
		report->start_sequence = move->is_without_history ? 0
					 : self == NULL           ? report->sequence
								  : self->head.sequence;
		writer->guard.known_ms = known_ms;
		writer->guard.quiet_since_ms = env_mono_ms(env);
	}
	if (signals->fork_sequence > 0 &&
		(report->fork_sequence == 0 || signals->fork_sequence < report->fork_sequence)) {
		report->fork_sequence = signals->fork_sequence;
		report->fork_ours = signals->fork_ours;
		report->fork_theirs = signals->fork_theirs;
	}
	(void)pthread_mutex_unlock(&writer->state_lock);
}

void writer_quiet_begins(struct writer *writer)
{
	(void)pthread_mutex_lock(&writer->state_lock);
	writer->guard.quiet_since_ms = env_mono_ms(store_env(writer->store));
	(void)pthread_mutex_unlock(&writer->state_lock);
}

void writer_moved(struct writer *writer, const struct move *move)
{
	const struct env *env = store_env(writer->store);
	if (!move->is_set) {
		return;
	}
	show_move(writer, move);
	writer->is_guard_stale = true;
	if (!move->is_in_memory && writer->fence != NULL) {
		writer->facts.state = move->state;
		writer->facts.cause = (uint8_t)move->cause;
		if (writer_put_fence(writer) != ERR_OK) {
			writer->is_fence_behind = true; /* the database says it too */
			LOG(env, LOG_ERROR, "fence.write", LOG_TEXT("at", "state"));
		}
	}
	/* Retiring is what the owner asked for. */
	enum log_level level = move->state == FENCE_RETIRED    ? LOG_WARN
			       : move->state != FENCE_CLEAN    ? LOG_ERROR
			       : move->rule == GUARD_RULE_NONE ? LOG_DEBUG
							       : LOG_WARN;
	LOG(env, level, "publish.state", LOG_TEXT("state", fence_state_text(move->state)),
		LOG_TEXT("cause", guard_cause_name(move->cause)), LOG_TEXT("why", why_of(move)));
	if (writer->opts.on_state != NULL) {
		writer->opts.on_state(writer->opts.ctx);
	}
}

/* What was signed and follows no message that is left: its content becomes a draft. */
static enum err keep_lost_intent(struct writer *writer)
{
	int64_t draft = 0;
	if (writer->pending == NULL || writer_pending_fits(writer)) {
		return ERR_OK;
	}
	return writer_draft_put(writer, writer->pending->content_text,
		span_of(writer->pending_nonce, writer->pending_nonce_len), &draft);
}

enum err writer_move(struct writer *writer, struct move *move)
{
	enum err err = writer_sync_full(writer);
	if (err == ERR_OK) {
		err = writer_begin(writer);
	}
	if (err != ERR_OK) {
		return err;
	}
	err = writer_put_move(writer, move);
	if (err == ERR_OK && move->rule == GUARD_U5) {
		err = keep_lost_intent(writer);
	}
	if (err == ERR_OK && move->state == FENCE_CLEAN) {
		err = writer_move_is_over(writer);
	}
	if (err == ERR_OK && move->rule == GUARD_U5) {
		err = writer_safety_forget(writer);
	}
	if (err == ERR_OK) {
		err = writer_commit(writer);
	} else {
		writer_rollback(writer);
	}
	writer_sync_normal(writer);
	if (err == ERR_OK) {
		writer_moved(writer, move);
	}
	return err;
}

static void say_why(const struct writer *writer, struct move *move)
{
	const struct signals *signals = &writer->signals;
	if (move->cause == GUARD_TWIN && signals->twin[0] != '\0') {
		(void)snprintf(move->why, sizeof(move->why),
			"Another node is running with your key, at %.150s. Stop one of the two.",
			signals->twin);
	}
	if (move->cause == GUARD_DAMAGE) {
		(void)snprintf(move->why, sizeof(move->why),
			"The file of the database is damaged. `kith check` tells more.");
	}
	if (move->cause == GUARD_CLAIM) {
		(void)snprintf(move->why, sizeof(move->why),
			"Somebody says that you have published %" PRIu64
			" messages; this node knows %" PRIu64
			". It looks for the others, for a minute at most.",
			signals->claim, writer->report.sequence);
	}
	if (move->cause == GUARD_FORK && signals->fork_sequence > 0) {
		(void)snprintf(move->why, sizeof(move->why),
			"Two different messages of yours carry the number %" PRIu64
			". Publishing has stopped.",
			signals->fork_sequence);
	}
}

/* A claim pauses only a node that publishes, and not again within an hour. */
static bool may_claim(const struct writer *writer)
{
	return writer_may_publish(writer) &&
	       env_mono_ms(store_env(writer->store)) >= writer->claim_rest_ms;
}

enum err writer_settle(struct writer *writer, struct move *move)
{
	const struct guard_report *now = &writer->report;
	enum guard_cause cause = GUARD_NONE;
	*move = (struct move){0};
	for (size_t i = 0; i < sizeof(by_weight) / sizeof(by_weight[0]) && cause == GUARD_NONE;
		i++) {
		if ((writer->signals.causes & 1U << by_weight[i]) != 0) {
			cause = by_weight[i];
		}
	}
	bool is_lasting_pause = now->state == FENCE_SUSPECT && now->cause != GUARD_CLAIM;
	move->cause = cause;
	move->state = cause == GUARD_FORK ? FENCE_FORKED : FENCE_SUSPECT;
	move->is_new_spell = !is_lasting_pause;
	if (cause == GUARD_NONE || now->state == FENCE_RETIRED ||
		(cause == GUARD_CLAIM && !may_claim(writer))) {
		return ERR_OK;
	}
	bool is_earlier =
		writer->signals.fork_sequence > 0 &&
		(now->fork_sequence == 0 || writer->signals.fork_sequence < now->fork_sequence);
	if (now->state == FENCE_FORKED && !is_earlier) {
		return ERR_OK;
	}
	if (now->state == FENCE_FORKED) {
		move->is_new_spell = false; /* the same fork, known better */
	}
	if (is_lasting_pause && cause != GUARD_FORK &&
		(cause != GUARD_TWIN || now->cause == GUARD_TWIN)) {
		return ERR_OK;
	}
	move->is_in_memory = cause == GUARD_CLAIM;
	say_why(writer, move);
	return writer_put_move(writer, move);
}

void writer_show_head(struct writer *writer)
{
	struct feed_entry *self = NULL;
	if (feeds_get(writer->feeds, store_self(writer->store), &self) != ERR_OK) {
		return; /* the next message tries again */
	}
	(void)pthread_mutex_lock(&writer->state_lock);
	writer->report.sequence = self->head.sequence;
	writer->report.head = self->head.key;
	writer->guard.sequence = self->head.sequence;
	writer->guard.head = self->head.key;
	(void)pthread_mutex_unlock(&writer->state_lock);
}

/* Nothing can be missing here: the fence was ours all the time and says what the database says. */
static bool is_database_current(const struct writer *writer)
{
	const struct guard_report *report = &writer->report;
	return (report->cause == GUARD_MOVED || report->cause == GUARD_CLOCK) &&
	       writer->facts.sequence == report->sequence && writer->pending == NULL;
}

/* The fence remembers too: a later message than the database has. */
static enum err add_fence(struct writer *writer, struct guard_facts *facts)
{
	const struct fence_facts *fence = &writer->facts;
	uint64_t sequence =
		fence->intent_sequence > fence->sequence ? fence->intent_sequence : fence->sequence;
	if (writer->fence == NULL || sequence <= facts->sequence) {
		return ERR_OK;
	}
	struct guard_witness *grown = realloc((struct guard_witness *)(uintptr_t)facts->witnesses,
		(facts->witness_count + 1) * sizeof(*grown));
	if (grown == NULL) {
		return ERR_NOMEM;
	}
	grown[facts->witness_count] = (struct guard_witness){.sequence = sequence};
	facts->witnesses = grown;
	facts->witness_count++;
	return ERR_OK;
}

static void free_arrays(const struct guard_facts *facts)
{
	free((struct guard_holder *)(uintptr_t)facts->holders);
	free((struct guard_witness *)(uintptr_t)facts->witnesses);
}

static enum err read_guard(struct writer *writer)
{
	const struct guard_report *report = &writer->report;
	struct guard_facts facts = writer->guard;
	facts.holders = NULL;
	facts.witnesses = NULL;
	facts.holder_count = 0;
	facts.witness_count = 0;
	facts.state = report->state;
	facts.cause = report->cause;
	facts.since_ms = report->since_ms;
	facts.start_sequence = report->start_sequence;
	facts.is_database_current = is_database_current(writer);
	enum err err = ERR_OK;
	if (report->state == FENCE_SUSPECT) {
		err = writer_read_holders(writer, &facts);
		if (err == ERR_OK) {
			err = add_fence(writer, &facts);
		}
	}
	if (err != ERR_OK) {
		free_arrays(&facts);
		return err;
	}
	(void)pthread_mutex_lock(&writer->state_lock);
	free_arrays(&writer->guard);
	writer->guard = facts;
	(void)pthread_mutex_unlock(&writer->state_lock);
	return ERR_OK;
}

/* A claim that nobody could prove: no other one pauses for a while. */
static void lapse(struct writer *writer)
{
	const struct move move = {
		.state = FENCE_CLEAN, .rule = GUARD_LAPSED, .is_in_memory = true, .is_set = true};
	writer->claim_rest_ms = env_mono_ms(store_env(writer->store)) + LIMIT_GUARD_CLAIM_REST_MS;
	writer_moved(writer, &move);
}

static enum err unlock(struct writer *writer, enum guard_rule rule)
{
	struct move move = {.state = FENCE_CLEAN, .rule = rule};
	const struct fence_facts before = writer->facts;
	if (rule == GUARD_LAPSED || writer->report.cause == GUARD_CLAIM) {
		lapse(writer);
		return ERR_OK;
	}
	bool is_lost = writer->pending != NULL && !writer_pending_fits(writer);
	writer->facts.sequence = writer->report.sequence;
	writer->facts.head = writer->report.head;
	if (is_lost || writer->pending == NULL) {
		writer->facts.intent_sequence = 0;
	}
	enum err err = writer_move(writer, &move);
	if (err != ERR_OK) {
		writer->facts = before;
	} else if (is_lost) {
		message_free(writer->pending);
		writer->pending = NULL;
	}
	return err;
}

/* Did what is waited for change, but for the time? */
static bool is_news(const struct guard_verdict *a, const struct guard_verdict *b)
{
	return a->rule != b->rule || a->nearest != b->nearest || a->confirmed != b->confirmed ||
	       a->waiting_for != b->waiting_for || a->newest_seen != b->newest_seen;
}

void writer_judge(struct writer *writer)
{
	const struct env *env = store_env(writer->store);
	struct guard_verdict verdict;
	bool was_stale = writer->is_guard_stale;
	if (!was_stale && env_mono_ms(env) < writer->guard_due_ms) {
		return;
	}
	writer->guard_due_ms =
		writer->report.state == FENCE_SUSPECT ? env_mono_ms(env) + RECHECK_MS : INT64_MAX;
	/* A signed message whose turn has come is stored in every state but the worst. */
	if (was_stale && writer->pending != NULL && writer_clear_way(writer) != ERR_OK) {
		LOG(env, LOG_ERROR, "publish.pending", LOG_TEXT("at", "judge"));
	}
	writer->is_guard_unreadable = was_stale && read_guard(writer) != ERR_OK;
	if (writer->is_guard_unreadable) {
		writer->guard_due_ms = env_mono_ms(env) + LIMIT_GUARD_CLAIM_MS;
		return; /* paused as before; it is tried again */
	}
	writer->is_guard_stale = false;
	guard_judge(&writer->guard, env_wall_ms(env), env_mono_ms(env), &verdict);
	if (verdict.rule != GUARD_RULE_NONE) {
		if (unlock(writer, verdict.rule) != ERR_OK) {
			writer->guard_due_ms = env_mono_ms(env) + LIMIT_GUARD_CLAIM_MS;
			return;
		}
		if (read_guard(writer) == ERR_OK) {
			writer->is_guard_stale = false;
			writer->guard_due_ms = INT64_MAX;
		}
		return;
	}
	if (verdict.nearest != GUARD_RULE_NONE && verdict.left_ms > 0 &&
		env_mono_ms(env) + verdict.left_ms < writer->guard_due_ms) {
		writer->guard_due_ms = env_mono_ms(env) + verdict.left_ms;
	}
	if (is_news(&verdict, &writer->verdict) && !writer_may_publish(writer) &&
		writer->opts.on_state != NULL) {
		writer->opts.on_state(writer->opts.ctx);
	}
	writer->verdict = verdict;
}

int64_t writer_guard_due_ms(const struct writer *writer)
{
	bool is_at_once = writer->is_guard_stale && !writer->is_guard_unreadable;
	return is_at_once ? INT64_MIN : writer->guard_due_ms;
}

static enum err order_failed(struct order_job *job, enum err err, const char *why)
{
	(void)snprintf(job->why, sizeof(job->why), "%s", why);
	return err;
}

static enum err resume(struct writer *writer, struct order_job *job)
{
	const struct guard_report *report = &writer->report;
	if (report->state >= FENCE_FORKED) {
		return order_failed(job, ERR_REFUSED, report->why);
	}
	if (writer_may_publish(writer)) {
		return ERR_OK;
	}
	if (!job->is_accepted && (job->last == 0 || job->last > report->sequence)) {
		(void)snprintf(job->why, sizeof(job->why),
			"This node holds your messages up to number %" PRIu64
			". If you accept that later ones are lost, say so.",
			report->sequence);
		return ERR_REFUSED;
	}
	enum err err = unlock(writer, GUARD_U5);
	return err == ERR_OK ? ERR_OK : order_failed(job, err, err_text(err));
}

static enum err retire(struct writer *writer, struct order_job *job)
{
	struct move move = {.state = FENCE_RETIRED, .cause = GUARD_MOVED_OUT};
	if (!writer_may_publish(writer) || writer->fence == NULL) {
		return order_failed(job, ERR_PAUSED, writer->report.why);
	}
	/* What was signed and kept would come out at a later start, behind the head that moved. */
	enum err err = writer_clear_way(writer);
	if (err != ERR_OK || writer->pending != NULL) {
		return order_failed(job, err == ERR_OK ? ERR_IO : err,
			"Your newest message is signed and not stored yet. Make room on the disk, "
			"and try again.");
	}
	err = writer_move(writer, &move);
	if (err == ERR_OK && writer->is_fence_behind) {
		err = writer_put_fence(writer);
	}
	return err == ERR_OK ? ERR_OK : order_failed(job, err, err_text(err));
}

void writer_order_one(struct writer *writer, struct order_job *job)
{
	enum err err = job->is_retirement ? retire(writer, job) : resume(writer, job);
	writer_judge(writer);
	if (writer_waiter_done(&job->waiter, err)) {
		writer_waiter_fini(&job->waiter);
		free(job);
	}
}

static enum err give_order(
	struct writer *writer, const struct order_job *order, char *why, size_t why_bytes)
{
	struct order_job *order_job = calloc(1, sizeof(*order_job));
	struct job *job = calloc(1, sizeof(*job));
	bool is_last = false;
	(void)snprintf(why, why_bytes, "The node is busy. Try again.");
	if (order_job == NULL || job == NULL) {
		free(order_job);
		free(job);
		return ERR_NOMEM;
	}
	*order_job = *order;
	writer_waiter_init(&order_job->waiter);
	job->kind = JOB_ORDER;
	job->order = order_job;
	enum err err = inbox_put(writer->inbox, job);
	if (err != ERR_OK) {
		writer_waiter_fini(&order_job->waiter);
		free(order_job);
		free(job);
		return err;
	}
	err = writer_wait(writer, &order_job->waiter, LIMIT_PUBLISH_WAIT_MS, &is_last);
	if (is_last) {
		(void)snprintf(why, why_bytes, "%s", order_job->why);
		writer_waiter_fini(&order_job->waiter);
		free(order_job);
	}
	return err;
}

enum err writer_resume(
	struct writer *writer, uint64_t last, bool is_accepted, char *why, size_t why_bytes)
{
	const struct order_job order = {.last = last, .is_accepted = is_accepted};
	return give_order(writer, &order, why, why_bytes);
}

enum err writer_retire(struct writer *writer, char *why, size_t why_bytes)
{
	const struct order_job order = {.is_retirement = true};
	return give_order(writer, &order, why, why_bytes);
}

void writer_guard(struct writer *writer, struct guard_report *out)
{
	const struct env *env = store_env(writer->store);
	(void)pthread_mutex_lock(&writer->state_lock);
	*out = writer->report;
	guard_judge(&writer->guard, env_wall_ms(env), env_mono_ms(env), &out->verdict);
	(void)pthread_mutex_unlock(&writer->state_lock);
}

const char *writer_state(struct writer *writer, char *why, size_t why_bytes)
{
	(void)pthread_mutex_lock(&writer->state_lock);
	enum fence_state state = writer->report.state;
	(void)snprintf(why, why_bytes, "%s", writer->report.why);
	(void)pthread_mutex_unlock(&writer->state_lock);
	return fence_state_text(state);
}

void writer_guard_fini(struct writer *writer)
{
	free_arrays(&writer->guard);
}
