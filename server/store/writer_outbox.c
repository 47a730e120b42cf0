/*
 * Posts that may still be taken back. A row of `outbox` is content that was measured and waits;
 * when its time has come it goes through writer_publish_try() like any other, and its row goes in
 * the transaction that stores the message (writer_put_nonce) or the draft (writer_draft_put). So
 * after a crash it is held, or stored, or a draft, and never two of these. When the first is due is
 * kept as monotonic time: a wall clock that is set neither hurries nor holds a post for longer than
 * LIMIT_OUTBOX_HOLD_MS.
 */
#include "store/writer_inside.h"

#include "base/log.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { RETRY_MS = 10000 };

QUERY(sql_outbox_look, "SELECT count(*), min(due) FROM outbox");
QUERY(sql_outbox_first, "SELECT nonce, content FROM outbox ORDER BY due, at, nonce LIMIT 1");
QUERY(sql_outbox_get, "SELECT due, content FROM outbox WHERE nonce = ?1");
QUERY(sql_outbox_put,
	"INSERT INTO outbox (nonce, at, due, content, body) VALUES (?1, ?2, ?3, ?4, ?5)");
QUERY(sql_outbox_drop, "DELETE FROM outbox WHERE nonce = ?1");
QUERY(sql_outbox_draft, "INSERT OR IGNORE INTO drafts (nonce, at, content) SELECT nonce, at, "
			"content FROM outbox WHERE nonce = ?1 AND (SELECT count(*) FROM drafts) < "
			"?2");
QUERY(sql_outbox_is_draft, "SELECT draft FROM drafts WHERE nonce = ?1");

static int64_t wall_ms(const struct writer *writer)
{
	return env_wall_ms(store_env(writer->store));
}

static int64_t mono_ms(const struct writer *writer)
{
	return env_mono_ms(store_env(writer->store));
}

static struct span nonce_of(const struct publish_job *job)
{
	return span_of(job->nonce, job->nonce_len);
}

static void tell(struct writer *writer, const struct publish_job *job, enum outbox_state state)
{
	const struct outbox_news news = {.state = state,
		.nonce = nonce_of(job),
		.key = job->result.key,
		.sequence = job->result.sequence,
		.draft = job->result.draft,
		.why = job->result.why};
	if (writer->opts.on_outbox != NULL) {
		writer->opts.on_outbox(writer->opts.ctx, &news);
	}
}

enum err writer_outbox_look(struct writer *writer)
{
	sqlite3_stmt *stmt = NULL;
	writer->outbox_count = 0;
	if (writer->signer == NULL || writer->opts.is_import) {
		return ERR_OK;
	}
	enum err err = db_query(writer->db, &sql_outbox_look, &stmt);
	if (err == ERR_OK) {
		err = db_step(writer->db, stmt);
	}
	if (err != ERR_OK) {
		return err;
	}
	int64_t left_ms = sqlite3_column_int64(stmt, 1) - wall_ms(writer);
	left_ms = left_ms < 0 ? 0 : left_ms;
	left_ms = left_ms > LIMIT_OUTBOX_HOLD_MS ? LIMIT_OUTBOX_HOLD_MS : left_ms;
	writer->outbox_count = (size_t)sqlite3_column_int64(stmt, 0);
	writer->outbox_due_ms = mono_ms(writer) + left_ms;
	db_reset(stmt);
	return ERR_OK;
}

int64_t writer_outbox_due_ms(const struct writer *writer)
{
	if (writer->outbox_count == 0) {
		return INT64_MAX;
	}
	if (!writer_may_publish(writer)) {
		return writer->outbox_again_ms; /* a pause makes drafts of them at once */
	}
	int64_t due_ms = writer->outbox_due_ms;
	due_ms = due_ms > writer->outbox_rest_ms ? due_ms : writer->outbox_rest_ms;
	return due_ms > writer->outbox_again_ms ? due_ms : writer->outbox_again_ms;
}

static void look_again(struct writer *writer)
{
	if (writer_outbox_look(writer) != ERR_OK) {
		writer->outbox_count = 1; /* the next turn tells */
		writer->outbox_due_ms = mono_ms(writer) + RETRY_MS;
	}
}

enum err writer_outbox_drop(struct writer *writer, struct span nonce)
{
	sqlite3_stmt *stmt = NULL;
	if (nonce.len == 0) {
		return ERR_OK;
	}
	enum err err = db_query(writer->db, &sql_outbox_drop, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_blob(stmt, 1, nonce);
	return db_run(writer->db, stmt);
}

/* One row into `job`: the first that is due (no nonce), or the one with the job's nonce. */
static enum err read_row(struct writer *writer, struct publish_job *job, int64_t *due_ms)
{
	sqlite3_stmt *stmt = NULL;
	bool is_first = job->nonce_len == 0;
	enum err err = db_query(writer->db, is_first ? &sql_outbox_first : &sql_outbox_get, &stmt);
	if (err == ERR_OK && !is_first) {
		db_blob(stmt, 1, nonce_of(job));
	}
	if (err == ERR_OK) {
		err = db_step(writer->db, stmt);
	}
	if (err != ERR_OK) {
		return err;
	}
	if (is_first) {
		struct span nonce = span_take(db_column(stmt, 0), sizeof(job->nonce));
		memcpy(job->nonce, nonce.at, nonce.len);
		job->nonce_len = nonce.len;
	} else {
		*due_ms = sqlite3_column_int64(stmt, 0);
	}
	buf_clear(&job->content);
	err = buf_append(&job->content, db_column(stmt, 1));
	db_reset(stmt);
	return err;
}

/* In a transaction: what is held is a draft. `*draft` is 0 when there is no room for it. */
static enum err make_draft(struct writer *writer, struct span nonce, int64_t *draft)
{
	sqlite3_stmt *stmt = NULL;
	*draft = 0;
	enum err err = db_query(writer->db, &sql_outbox_draft, &stmt);
	if (err == ERR_OK) {
		db_blob(stmt, 1, nonce);
		db_int(stmt, 2, LIMIT_DRAFTS);
		err = db_run(writer->db, stmt);
	}
	if (err == ERR_OK) {
		err = db_query(writer->db, &sql_outbox_is_draft, &stmt);
	}
	if (err != ERR_OK) {
		return err;
	}
	db_blob(stmt, 1, nonce);
	err = db_step(writer->db, stmt);
	if (err != ERR_OK) {
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	*draft = sqlite3_column_int64(stmt, 0);
	db_reset(stmt);
	return writer_outbox_drop(writer, nonce);
}

/* The owner is told of what comes next: it is on the disk first. */
static enum err begin(struct writer *writer)
{
	enum err err = writer_sync_full(writer);
	return err == ERR_OK ? writer_begin(writer) : err;
}

static enum err end(struct writer *writer, enum err err)
{
	if (err == ERR_OK) {
		err = writer_commit(writer);
	} else {
		writer_rollback(writer);
	}
	writer_sync_normal(writer);
	return err;
}

/* No peer would take it, or nothing is signed now: a draft, which nothing signs by itself. */
static enum err keep_as_draft(struct writer *writer, struct publish_job *job)
{
	enum err err = begin(writer);
	if (err == ERR_OK) {
		err = make_draft(writer, nonce_of(job), &job->result.draft);
	}
	err = end(writer, err);
	if (err != ERR_OK) {
		job->result.draft = 0;
	}
	return err;
}

/* What is signed waits for nothing but its COMMIT, and cannot be taken back. */
static bool is_signed(const struct writer *writer, struct span nonce)
{
	return writer->pending != NULL &&
	       span_equal(span_of(writer->pending_nonce, writer->pending_nonce_len), nonce);
}

/* While publishing is paused a row is a draft from the time it was held (`at`), for a message of
 * ours that comes back may be this very post. */
static enum err try_row(struct writer *writer, struct publish_job *job)
{
	if (writer_may_publish(writer) || is_signed(writer, nonce_of(job))) {
		return writer_publish_try(writer, job);
	}
	(void)snprintf(job->result.why, sizeof(job->result.why), "%s", writer->report.why);
	return keep_as_draft(writer, job) == ERR_OK ? ERR_PAUSED : ERR_IO;
}

/* What became of a row that was to be signed. */
static void settle(struct writer *writer, struct publish_job *job, enum err err)
{
	if ((err == ERR_REFUSED || err == ERR_LIMIT) && keep_as_draft(writer, job) != ERR_OK) {
		LOG(store_env(writer->store), LOG_WARN, "outbox.draft",
			LOG_TEXT("why", db_why(writer->db)));
	}
	if (err == ERR_OK) {
		tell(writer, job, OUTBOX_STORED);
	} else if (job->result.draft > 0) {
		tell(writer, job, OUTBOX_DRAFT);
	} else {
		writer->outbox_again_ms = mono_ms(writer) + RETRY_MS;
		tell(writer, job, OUTBOX_FAILED);
	}
	look_again(writer);
}

void writer_outbox_turn(struct writer *writer)
{
	struct publish_job job = {.content = BUF_INIT(LIMIT_MESSAGE_BYTES)};
	int64_t due_ms = 0;
	enum err err = read_row(writer, &job, &due_ms);
	if (err == ERR_OK) {
		settle(writer, &job, try_row(writer, &job));
	} else {
		look_again(writer);
		if (err != ERR_NOT_FOUND) {
			writer->outbox_again_ms = mono_ms(writer) + RETRY_MS;
		}
	}
	buf_fini(&job.content);
}

/* The jobs. */

static enum err put_row(struct writer *writer, struct outbox_job *job)
{
	sqlite3_stmt *stmt = NULL;
	uint64_t rev = 0;
	int64_t now_ms = wall_ms(writer);
	enum err err = begin(writer);
	if (err == ERR_OK) {
		err = db_query(writer->db, &sql_outbox_put, &stmt);
	}
	if (err == ERR_OK) {
		db_blob(stmt, 1, nonce_of(&job->publish));
		db_int(stmt, 2, now_ms);
		db_int(stmt, 3, now_ms + job->hold_ms);
		db_blob(stmt, 4, buf_span(&job->publish.content));
		db_blob(stmt, 5, buf_span(&job->body));
		err = db_run(writer->db, stmt);
	}
	if (err == ERR_OK && job->name.len > 0) {
		err = writer_writing_put(writer, buf_span(&job->name), span_of(NULL, 0), &rev);
	}
	job->due_ms = now_ms + job->hold_ms;
	return end(writer, err);
}

static enum err hold(struct writer *writer, struct outbox_job *job)
{
	enum err err = writer_publish_before(writer, &job->publish, &job->is_published);
	if (err != ERR_OK || job->is_published) {
		return err;
	}
	struct publish_job held = {.content = BUF_INIT(LIMIT_MESSAGE_BYTES)};
	memcpy(held.nonce, job->publish.nonce, job->publish.nonce_len);
	held.nonce_len = job->publish.nonce_len;
	err = read_row(writer, &held, &job->due_ms);
	buf_fini(&held.content);
	if (err != ERR_NOT_FOUND) {
		return err; /* the same request again gets the same answer */
	}
	if (writer->outbox_count >= LIMIT_OUTBOX) {
		(void)snprintf(job->publish.result.why, sizeof(job->publish.result.why),
			"%d posts wait to be signed already.", LIMIT_OUTBOX);
		return ERR_BUSY;
	}
	err = put_row(writer, job);
	if (err == ERR_OK) {
		look_again(writer);
		tell(writer, &job->publish, OUTBOX_HELD);
	}
	return err;
}

static enum err take_back(struct writer *writer, struct outbox_job *job)
{
	bool has_body = false;
	enum err err = writer_outbox_drop(writer, nonce_of(&job->publish));
	if (err == ERR_OK && sqlite3_changes(db_handle(writer->db)) == 0) {
		return ERR_NOT_FOUND;
	}
	if (err == ERR_OK) {
		err = writer_writing_get(
			writer, buf_span(&job->name), &job->rev_done, &has_body, NULL);
	}
	job->is_spare = has_body;
	if (err == ERR_OK) {
		err = writer_writing_put(writer, buf_span(has_body ? &job->spare : &job->name),
			buf_span(&job->body), &job->rev_done);
	}
	return err;
}

static enum err undo(struct writer *writer, struct outbox_job *job)
{
	if (is_signed(writer, nonce_of(&job->publish))) {
		return ERR_NOT_FOUND;
	}
	enum err err = begin(writer);
	err = end(writer, err == ERR_OK ? take_back(writer, job) : err);
	if (err == ERR_OK) {
		look_again(writer);
		tell(writer, &job->publish, OUTBOX_TAKEN_BACK);
	}
	return err;
}

static enum err send(struct writer *writer, struct outbox_job *job)
{
	int64_t due_ms = 0;
	bool is_published = false;
	enum err err = read_row(writer, &job->publish, &due_ms);
	if (err == ERR_NOT_FOUND) {
		err = writer_publish_known(writer, &job->publish, &is_published);
		return err == ERR_OK && !is_published ? ERR_NOT_FOUND : err;
	}
	if (err != ERR_OK) {
		return err;
	}
	err = try_row(writer, &job->publish);
	settle(writer, &job->publish, err);
	return err;
}

static void free_job(struct outbox_job *job)
{
	buf_fini(&job->publish.content);
	buf_fini(&job->body);
	buf_fini(&job->name);
	buf_fini(&job->spare);
	writer_waiter_fini(&job->waiter);
	free(job);
}

void writer_outbox_one(struct writer *writer, struct outbox_job *job)
{
	enum err err = ERR_REFUSED;
	switch (job->kind) {
	case OUTBOX_HOLD:
		err = hold(writer, job);
		break;
	case OUTBOX_UNDO:
		err = undo(writer, job);
		break;
	case OUTBOX_SEND:
		err = send(writer, job);
		break;
	case OUTBOX_WRITE:
		err = writer_writing_change(writer, job);
		break;
	}
	writer_publish_say(&job->publish, err);
	if (job->kind != OUTBOX_WRITE) {
		writer_judge(writer);
	}
	if (writer_waiter_done(&job->waiter, err)) {
		free_job(job);
	}
}

/* Whoever asks. */

static struct outbox_job *new_job(enum outbox_kind kind)
{
	struct outbox_job *job = calloc(1, sizeof(*job));
	if (job != NULL) {
		job->kind = kind;
		buf_init(&job->publish.content, LIMIT_MESSAGE_BYTES);
		buf_init(&job->body, LIMIT_HTTP_BODY_BYTES);
		buf_init(&job->name, LIMIT_WRITING_NAME_BYTES);
		buf_init(&job->spare, LIMIT_WRITING_NAME_BYTES);
		writer_waiter_init(&job->waiter);
	}
	return job;
}

/* Queue `outbox` and wait. False: it is gone already. */
static bool ask(struct writer *writer, struct outbox_job *outbox, enum err *err)
{
	struct job *job = calloc(1, sizeof(*job));
	bool is_last = false;
	if (*err == ERR_OK) {
		*err = job == NULL ? ERR_NOMEM : ERR_OK;
	}
	if (*err == ERR_OK) {
		job->kind = JOB_OUTBOX;
		job->outbox = outbox;
		*err = inbox_put(writer->inbox, job);
	}
	if (*err != ERR_OK) {
		free(job);
		return true;
	}
	*err = writer_wait(writer, &outbox->waiter, LIMIT_PUBLISH_WAIT_MS, &is_last);
	return is_last;
}

static enum err said(struct publish_result *result, enum err err)
{
	if (err != ERR_OK && result->why[0] == '\0') {
		(void)snprintf(result->why, sizeof(result->why), "The node cannot take it now: %s.",
			err_text(err));
	}
	return err;
}

enum err writer_hold(struct writer *writer, const struct hold_request *request, int64_t *due_ms,
	struct publish_result *result)
{
	*result = (struct publish_result){0};
	assert(request->publish.nonce.len > 0);
	if (!writer_publish_fits(&request->publish, result)) {
		return ERR_LIMIT;
	}
	struct outbox_job *job = new_job(OUTBOX_HOLD);
	if (job == NULL) {
		return said(result, ERR_NOMEM);
	}
	job->hold_ms = request->hold_ms < 0 ? 0 : request->hold_ms;
	job->hold_ms = job->hold_ms > LIMIT_OUTBOX_HOLD_MS ? LIMIT_OUTBOX_HOLD_MS : job->hold_ms;
	enum err err = writer_publish_fill(&job->publish, &request->publish);
	if (err == ERR_OK) {
		err = buf_append(&job->body, request->body);
	}
	if (err == ERR_OK) {
		err = buf_append(&job->name, request->writing);
	}
	if (ask(writer, job, &err)) {
		*result = job->publish.result;
		*due_ms = job->due_ms;
		free_job(job);
	}
	return said(result, err);
}

static enum err set_nonce(struct outbox_job *job, struct span nonce)
{
	if (nonce.len == 0 || nonce.len > sizeof(job->publish.nonce)) {
		return ERR_NOT_FOUND;
	}
	memcpy(job->publish.nonce, nonce.at, nonce.len);
	job->publish.nonce_len = nonce.len;
	return ERR_OK;
}

enum err writer_send(struct writer *writer, struct span nonce, struct publish_result *result)
{
	*result = (struct publish_result){0};
	struct outbox_job *job = new_job(OUTBOX_SEND);
	if (job == NULL) {
		return said(result, ERR_NOMEM);
	}
	enum err err = set_nonce(job, nonce);
	if (ask(writer, job, &err)) {
		*result = job->publish.result;
		free_job(job);
	}
	return said(result, err);
}

enum err writer_undo(
	struct writer *writer, const struct undo_request *request, bool *is_spare, uint64_t *rev)
{
	struct outbox_job *job = new_job(OUTBOX_UNDO);
	if (job == NULL) {
		return ERR_NOMEM;
	}
	enum err err = set_nonce(job, request->nonce);
	if (err == ERR_OK) {
		err = buf_append(&job->name, request->name);
	}
	if (err == ERR_OK) {
		err = buf_append(&job->spare, request->spare);
	}
	if (err == ERR_OK) {
		err = buf_append(&job->body, request->body);
	}
	if (ask(writer, job, &err)) {
		*is_spare = job->is_spare;
		*rev = job->rev_done;
		free_job(job);
	}
	return err;
}

enum err writer_write(
	struct writer *writer, struct span name, uint64_t rev, struct span body, uint64_t *rev_now)
{
	size_t len = body.len;
	if (len > 0 && body.at[0] == WRITER_SEALED) {
		len = len < LIMIT_WRITING_SEAL_BYTES ? 0 : len - LIMIT_WRITING_SEAL_BYTES;
	}
	if (len > LIMIT_WRITING_BYTES) {
		return ERR_LIMIT;
	}
	struct outbox_job *job = new_job(OUTBOX_WRITE);
	if (job == NULL) {
		return ERR_NOMEM;
	}
	job->rev = rev;
	enum err err = buf_append(&job->name, name);
	if (err == ERR_OK) {
		err = buf_append(&job->body, body);
	}
	if (ask(writer, job, &err)) {
		*rev_now = job->rev_done;
		free_job(job);
	}
	return err;
}
