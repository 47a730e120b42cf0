/*
 * Publishing: the only way to append to our own feed (restore.md §4 P). The order is the whole
 * point: sign, put the complete signed bytes into the fence and sync, insert, COMMIT with
 * synchronous=FULL, and only then announce and answer. What was signed once is never signed again:
 * when the COMMIT fails, the same bytes stay pending in the fence and are the first thing inserted
 * next time, in this run or the next.
 */
#include "store/writer_inside.h"

#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { NONCES_KEPT = 10000 };

QUERY(sql_nonce_get, "SELECT n.sequence, m.key_head, m.key_tail FROM nonces n JOIN messages m ON "
		     "m.feed = 1 AND m.sequence = n.sequence WHERE n.nonce = ?1");
QUERY(sql_nonce_add, "INSERT OR REPLACE INTO nonces (nonce, sequence) VALUES (?1, ?2)");
QUERY(sql_nonce_draft, "DELETE FROM drafts WHERE nonce = ?1");
QUERY(sql_nonce_trim, "DELETE FROM nonces WHERE sequence <= ?1");

void writer_publish_job_free(struct publish_job *job)
{
	buf_fini(&job->content);
	writer_waiter_fini(&job->waiter);
	free(job);
}

static enum err fail(struct publish_job *job, enum err err, const char *format, ...)
	PRINTF_LIKE(3, 4);
static enum err fail(struct publish_job *job, enum err err, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	(void)vsnprintf(job->result.why, sizeof(job->result.why), format, args);
	va_end(args);
	return err;
}

static struct span nonce_of(const struct publish_job *job)
{
	return span_of(job->nonce, job->nonce_len);
}

/* ERR_OK: published before, the answer is filled in. */
static enum err look_up_nonce(struct writer *writer, struct publish_job *job)
{
	if (job->nonce_len == 0) {
		return ERR_NOT_FOUND;
	}
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(writer->db, &sql_nonce_get, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_blob(stmt, 1, nonce_of(job));
	err = db_step(writer->db, stmt);
	if (err != ERR_OK) {
		return err;
	}
	job->result.sequence = (uint64_t)sqlite3_column_int64(stmt, 0);
	bool is_whole = db_column_key(stmt, 1, 2, &job->result.key);
	db_reset(stmt);
	return is_whole ? ERR_OK : ERR_IO;
}

enum err writer_put_nonce(struct writer *writer, struct span nonce, uint64_t sequence)
{
	sqlite3_stmt *stmt = NULL;
	if (nonce.len == 0) {
		return ERR_OK;
	}
	enum err err = db_query(writer->db, &sql_nonce_add, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_blob(stmt, 1, nonce);
	db_int(stmt, 2, (int64_t)sequence);
	err = db_run(writer->db, stmt);
	/* What was held or kept as a draft of the same request is published by this. */
	if (err == ERR_OK) {
		err = writer_outbox_drop(writer, nonce);
	}
	if (err == ERR_OK) {
		err = db_query(writer->db, &sql_nonce_draft, &stmt);
	}
	if (err == ERR_OK) {
		db_blob(stmt, 1, nonce);
		err = db_run(writer->db, stmt);
	}
	if (err == ERR_OK && sequence > NONCES_KEPT) {
		err = db_query(writer->db, &sql_nonce_trim, &stmt);
		if (err == ERR_OK) {
			db_int(stmt, 1, (int64_t)sequence - NONCES_KEPT);
			err = db_run(writer->db, stmt);
		}
	}
	return err;
}

/* Step 5: the complete signed bytes, on disk before the database hears of them. */
static enum err write_intent(
	struct writer *writer, const struct message *message, int64_t received_ms)
{
	struct fence_facts facts = writer->facts;
	facts.intent_sequence = message->sequence;
	facts.intent_key = message->key;
	facts.intent_received_ms = received_ms;
	facts.intent_nonce_len = writer->pending_nonce_len;
	memcpy(facts.intent_nonce, writer->pending_nonce, writer->pending_nonce_len);
	enum err err = fence_write(writer->fence, &facts, message->compact);
	if (err == ERR_OK) {
		writer->facts = facts;
		writer->is_fence_behind = true; /* until the head moves behind the COMMIT */
	}
	return err;
}

/* Steps 6 and 7 for `writer->pending`. */
static enum err insert_pending(struct writer *writer)
{
	const struct message *message = writer->pending;
	struct feed_entry *self = NULL;
	enum err err = writer_sync_full(writer);
	if (err == ERR_OK) {
		err = writer_begin(writer);
	}
	if (err == ERR_OK) {
		err = feeds_get(writer->feeds, store_self(writer->store), &self);
	}
	if (err == ERR_OK) {
		err = writer_insert(writer, message, self, writer->facts.intent_received_ms);
	}
	if (err == ERR_OK) {
		err = writer_put_nonce(writer,
			span_of(writer->pending_nonce, writer->pending_nonce_len),
			message->sequence);
	}
	if (err == ERR_OK) {
		err = writer_blobs_offer(writer, message);
	}
	if (err == ERR_OK) {
		writer_at(writer, WRITER_INSERTED);
		err = writer_commit(writer);
	} else {
		writer_rollback(writer);
	}
	writer_sync_normal(writer);
	if (err != ERR_OK) {
		return err;
	}
	writer_at(writer, WRITER_COMMITTED);
	/* The intent stays in the file until the next one replaces it, or the end: a start finds it
	 * stored and is content. */
	writer->facts.sequence = message->sequence;
	writer->facts.head = message->key;
	writer->facts.intent_sequence = 0;
	message_free(writer->pending);
	writer->pending = NULL;
	writer_show_head(writer);
	writer_announce(writer);
	writer_at(writer, WRITER_ANNOUNCED);
	return ERR_OK;
}

static enum err finish_pending(struct writer *writer)
{
	enum err err = insert_pending(writer);
	if (err == ERR_DISK_FULL && store_reserve_give(writer->store)) {
		LOG(store_env(writer->store), LOG_WARN, "disk.reserve_used",
			LOG_NUM("bytes", LIMIT_DISK_RESERVE_BYTES));
		err = insert_pending(writer);
	}
	return err;
}

static enum err check_room(struct writer *writer, struct publish_job *job)
{
	int64_t room = store_disk_free(writer->store);
	if (room < 0 || room >= LIMIT_DISK_FREE_OWN_BYTES || store_reserve_give(writer->store)) {
		return ERR_OK;
	}
	return fail(job, ERR_DISK_FULL,
		"The disk is full; nothing was signed. Make some room and try again.");
}

/* Content that a draft may hold: what signing would refuse at once is refused now. */
static enum err check_draft(struct publish_job *job, bool *is_follow, struct feed_id *who)
{
	struct json_doc *doc = NULL;
	struct content content;
	*is_follow = false;
	enum err err = json_parse(buf_span(&job->content), LIMIT_JSON_DEPTH, &doc);
	if (err == ERR_NOMEM) {
		return err;
	}
	if (err != ERR_OK) {
		return fail(job, ERR_REFUSED, "That is not JSON, or it is nested too deeply.");
	}
	content_read_json(json_root(doc), &content);
	if (content.type == CONTENT_CONTACT && content.contact.edge == EDGE_FOLLOW) {
		*is_follow = true;
		*who = content.contact.contact;
	}
	json_doc_free(doc);
	return ERR_OK;
}

static enum err put_draft(
	struct writer *writer, struct publish_job *job, bool is_follow, const struct change *want)
{
	enum err err = writer_sync_full(writer); /* the owner is told that it is kept */
	if (err == ERR_OK) {
		err = writer_begin(writer);
	}
	if (err == ERR_OK) {
		err = writer_draft_put(
			writer, buf_span(&job->content), nonce_of(job), &job->result.draft);
	}
	if (err == ERR_OK && is_follow) {
		err = writer_safety_change(writer, want);
	}
	if (err == ERR_OK) {
		err = writer_commit(writer);
	} else {
		writer_rollback(writer);
	}
	writer_sync_normal(writer);
	if (err != ERR_OK) {
		job->result.draft = 0;
	}
	return err;
}

/* Publishing is paused: nothing is signed, nothing is lost. Whom the owner wanted to follow is
 * wanted without a message. */
static enum err keep_draft(struct writer *writer, struct publish_job *job)
{
	bool is_follow = false;
	struct change want = {.kind = CHANGE_WANT, .number = 1};
	enum err err = check_draft(job, &is_follow, &want.feed);
	if (err != ERR_OK) {
		return err;
	}
	err = put_draft(writer, job, is_follow, &want);
	if (err == ERR_DISK_FULL) {
		return fail(job, ERR_PAUSED,
			"%s It was not kept: the disk is full. Make some room and try again.",
			writer->report.why);
	}
	if (err != ERR_OK) {
		return fail(job, ERR_PAUSED, "%s It was not kept: it could not be stored (%s).",
			writer->report.why, err_text(err));
	}
	return fail(job, ERR_PAUSED, "%s%s", writer->report.why,
		job->result.draft > 0 ? "" : " It was not kept: there is no room for more drafts.");
}

/* D5: the page has seen something of ours that we do not hold. */
static enum err look_at_witness(struct writer *writer, const struct publish_job *job)
{
	struct move move = {0};
	if (job->if_head == 0) {
		return ERR_OK;
	}
	bool is_same = job->if_head <= writer->report.sequence;
	if (is_same && job->has_if_head_key) {
		enum err err = writer_own_key_is(writer, job->if_head, &job->if_head_key, &is_same);
		if (err != ERR_OK) {
			return err;
		}
	}
	if (is_same) {
		return ERR_OK;
	}
	enum err err = writer_sync_full(writer);
	if (err == ERR_OK) {
		err = writer_begin(writer);
	}
	if (err == ERR_OK) {
		err = writer_witness_put(writer, span_text("page"), job->if_head,
			job->has_if_head_key ? &job->if_head_key : NULL);
	}
	if (err == ERR_OK) {
		err = writer_settle(writer, &move);
	}
	if (err == ERR_OK) {
		err = writer_commit(writer);
	} else {
		writer_rollback(writer);
	}
	writer_sync_normal(writer);
	if (err == ERR_OK) {
		writer_moved(writer, &move);
		writer->is_guard_stale = true;
	}
	return err;
}

/* Step 3: what the fence says is what the database says. */
static bool is_fence_even(const struct writer *writer, const struct feed_entry *self)
{
	const struct fence_facts *facts = &writer->facts;
	return writer->fence != NULL && facts->sequence == self->head.sequence &&
	       facts->intent_sequence == 0 &&
	       (self->head.sequence == 0 || message_id_equal(&facts->head, &self->head.key));
}

static enum err check_before(
	struct writer *writer, struct publish_job *job, const struct feed_entry *self)
{
	if (writer->signer == NULL) {
		return fail(job, ERR_PAUSED, "This command cannot publish.");
	}
	enum err err = look_at_witness(writer, job);
	if (err != ERR_OK) {
		return err;
	}
	if (!writer_may_publish(writer)) {
		return keep_draft(writer, job);
	}
	if (!is_fence_even(writer, self)) {
		return fail(job, ERR_PAUSED,
			"The safety file and the database disagree about your newest message. "
			"Nothing was signed; start the node again.");
	}
	return check_room(writer, job);
}

static enum err sign(struct writer *writer, struct publish_job *job, const struct chain_head *head,
	int64_t now_ms)
{
	const char *why = NULL;
	struct message *message = NULL;
	enum err err = signer_sign_next(
		writer->signer, head, now_ms, buf_span(&job->content), &message, &why);
	if (err == ERR_EXISTS) {
		return fail(job, ERR_PAUSED,
			"Message %llu was signed before and is not stored. Nothing was signed; "
			"start the node again.",
			(unsigned long long)head->sequence + 1);
	}
	if (err != ERR_OK) {
		return fail(job, err, "%s", why == NULL ? err_text(err) : why);
	}
	writer->pending = message;
	memcpy(writer->pending_nonce, job->nonce, job->nonce_len);
	writer->pending_nonce_len = job->nonce_len;
	writer->facts.intent_received_ms = now_ms;
	writer_at(writer, WRITER_SIGNED);
	err = write_intent(writer, message, now_ms);
	writer_at(writer, WRITER_FENCED);
	return err;
}

bool writer_pending_fits(struct writer *writer)
{
	struct feed_entry *self = NULL;
	return writer->pending != NULL &&
	       feeds_get(writer->feeds, store_self(writer->store), &self) == ERR_OK &&
	       chain_judge(&self->head, writer->pending) == CHAIN_NEXT;
}

/* A message that was signed earlier and could not be stored comes first, unless the same bytes came
 * back from elsewhere meanwhile. */
enum err writer_clear_way(struct writer *writer)
{
	struct feed_entry *self = NULL;
	if (writer->pending == NULL) {
		return ERR_OK;
	}
	enum err err = feeds_get(writer->feeds, store_self(writer->store), &self);
	if (err != ERR_OK) {
		return err;
	}
	if (self->head.sequence >= writer->pending->sequence) {
		message_free(writer->pending);
		writer->pending = NULL;
		writer->facts.intent_sequence = 0;
		writer->is_fence_behind = true;
		return ERR_OK;
	}
	if (!writer_pending_fits(writer) || writer->report.state >= FENCE_FORKED) {
		return ERR_OK; /* it waits for what comes before it */
	}
	if (writer->facts.intent_sequence != writer->pending->sequence) {
		err = write_intent(writer, writer->pending, writer->facts.intent_received_ms);
	}
	return err == ERR_OK ? finish_pending(writer) : err;
}

enum err writer_publish_known(struct writer *writer, struct publish_job *job, bool *is_published)
{
	enum err err = look_up_nonce(writer, job);
	*is_published = err == ERR_OK;
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err writer_publish_before(struct writer *writer, struct publish_job *job, bool *is_published)
{
	struct feed_entry *self = NULL;
	*is_published = false;
	enum err err = writer_clear_way(writer);
	if (err == ERR_OK) {
		err = writer_publish_known(writer, job, is_published);
	}
	if (err == ERR_OK && !*is_published) {
		err = feeds_get(writer->feeds, store_self(writer->store), &self);
	}
	return err == ERR_OK && !*is_published ? check_before(writer, job, self) : err;
}

static enum err publish(struct writer *writer, struct publish_job *job)
{
	struct feed_entry *self = NULL;
	bool is_published = false;
	writer_at(writer, WRITER_BEGUN);
	enum err err = writer_publish_before(writer, job, &is_published);
	if (err == ERR_OK && !is_published) {
		err = feeds_get(writer->feeds, store_self(writer->store), &self);
	}
	if (err != ERR_OK || is_published) {
		return err;
	}
	struct chain_head head = self->head;
	err = sign(writer, job, &head, env_wall_ms(store_env(writer->store)));
	if (writer->pending == NULL) {
		return err;
	}
	struct message_id key = writer->pending->key;
	uint64_t sequence = writer->pending->sequence;
	if (err == ERR_OK) {
		err = finish_pending(writer);
	}
	if (err != ERR_OK) {
		return fail(job, err,
			"Your message is signed and kept, but could not be stored (%s). It goes "
			"out as soon as that is mended.",
			err_text(err));
	}
	job->result.key = key;
	job->result.sequence = sequence;
	return ERR_OK;
}

void writer_publish_say(struct publish_job *job, enum err err)
{
	if (err != ERR_OK && job->result.why[0] == '\0') {
		(void)fail(job, err, "It could not be stored: %s.", err_text(err));
	}
}

enum err writer_publish_try(struct writer *writer, struct publish_job *job)
{
	enum err err = publish(writer, job);
	writer_publish_say(job, err);
	writer_judge(writer);
	return err;
}

void writer_publish_one(struct writer *writer, struct publish_job *job)
{
	enum err err = writer_publish_try(writer, job);
	if (writer_waiter_done(&job->waiter, err)) {
		writer_publish_job_free(job);
	}
}

enum err writer_publish_fill(struct publish_job *job, const struct publish_request *request)
{
	buf_init(&job->content, LIMIT_MESSAGE_BYTES);
	if (request->nonce.len > 0) {
		memcpy(job->nonce, request->nonce.at, request->nonce.len);
	}
	job->nonce_len = request->nonce.len;
	job->if_head = request->if_head;
	job->has_if_head_key = request->if_head_key != NULL;
	if (request->if_head_key != NULL) {
		job->if_head_key = *request->if_head_key;
	}
	return buf_append(&job->content, request->content);
}

bool writer_publish_fits(const struct publish_request *request, struct publish_result *result)
{
	bool fits = request->nonce.len <= FENCE_NONCE_BYTES_MAX &&
		    request->content.len <= LIMIT_MESSAGE_BYTES;
	if (!fits) {
		(void)snprintf(result->why, sizeof(result->why), "That is too long.");
	}
	return fits;
}

enum err writer_publish(
	struct writer *writer, const struct publish_request *request, struct publish_result *result)
{
	*result = (struct publish_result){0};
	if (!writer_publish_fits(request, result)) {
		return ERR_LIMIT;
	}
	struct publish_job *publish_job = calloc(1, sizeof(*publish_job));
	struct job *job = calloc(1, sizeof(*job));
	enum err err = ERR_NOMEM;
	if (publish_job == NULL || job == NULL) {
		goto out;
	}
	writer_waiter_init(&publish_job->waiter);
	err = writer_publish_fill(publish_job, request);
	job->kind = JOB_PUBLISH;
	job->publish = publish_job;
	if (err == ERR_OK) {
		err = inbox_put(writer->inbox, job);
	}
	if (err != ERR_OK) {
		writer_publish_job_free(publish_job);
		publish_job = NULL;
		goto out;
	}
	bool is_last = false;
	err = writer_wait(writer, &publish_job->waiter, LIMIT_PUBLISH_WAIT_MS, &is_last);
	if (err == ERR_TIMEOUT && !is_last) {
		(void)snprintf(result->why, sizeof(result->why),
			"The node is busy; it may still be published. Try again, it will not be "
			"published twice.");
		return err;
	}
	*result = publish_job->result;
	writer_publish_job_free(publish_job);
	return err;
out:
	free(job);
	free(publish_job);
	(void)snprintf(result->why, sizeof(result->why), "The node cannot take it now: %s.",
		err_text(err));
	return err;
}
