/*
 * The writer thread: takes everything that waits (up to BATCH_MESSAGES messages), runs it in one
 * transaction, and tells the results after the COMMIT. While much is coming in it waits a little
 * for more: a large transaction writes each page of an index once, many small ones again and again.
 * A publish has a transaction of its own, with synchronous=FULL; SQLite lets that setting change
 * only between transactions. When a transaction fails, all of it is undone and every job in it gets
 * the reason. An import is alone with the database: there a transaction stays open over many
 * batches, until it has OPEN_BYTES or anything else is to be done.
 */
#include "store/search_rows.h"
#include "store/writer_inside.h"

#include "base/limits.h"
#include "base/log.h"
#include "feed/window.h"

#include <assert.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

/* An open transaction ends with `err`; what was told done and is not stored is remembered. */
static enum err open_ended(struct writer *writer, enum err err)
{
	if (writer->is_open && err != ERR_OK && writer->open_err == ERR_OK) {
		writer->open_err = err;
	}
	writer->is_open = false;
	writer->open_bytes = 0;
	return err;
}

static enum err close_open(struct writer *writer)
{
	return writer->is_open ? open_ended(writer, writer_commit(writer)) : ERR_OK;
}

enum err writer_begin(struct writer *writer)
{
	enum err err = close_open(writer);
	if (err == ERR_OK && db_is_unsettled(writer->db)) {
		err = search_rows_settle(writer->db);
	}
	if (err != ERR_OK) {
		return err;
	}
	writer->committed_count = 0;
	writer->ahead_count = 0;
	writer->is_ahead_gone = false;
	writer->late_count = 0;
	writer->is_late_cut = false;
	writer->has_let_go = false;
	writer->is_graph_changed = false;
	writer->blob_count = 0;
	writer->has_own = false;
	writer->signals = (struct signals){0};
	return db_begin(writer->db);
}

enum err writer_sync_full(struct writer *writer)
{
	enum err err = close_open(writer);
	return err == ERR_OK ? db_exec(writer->db, "PRAGMA synchronous = FULL") : err;
}

void writer_sync_normal(struct writer *writer)
{
	if (db_exec(writer->db, "PRAGMA synchronous = NORMAL") != ERR_OK) {
		/* Then commits go on being slower than they need to be. */
		LOG(store_env(writer->store), LOG_WARN, "store.synchronous",
			LOG_TEXT("why", db_why(writer->db)));
	}
}

void writer_rollback(struct writer *writer)
{
	db_rollback(writer->db);
	feeds_forget(writer->feeds);
	behind_forget(writer->behind);
	writer->index.delta = (struct index_delta){0};
	writer->index.edges = writer->index.edges_kept;
	writer->committed_count = 0;
	writer->ahead_count = 0;
	writer->is_ahead_gone = false;
	writer->late_count = 0;
	writer->is_late_cut = false;
	writer->has_let_go = false;
	writer->is_graph_changed = false;
	writer->blob_count = 0;
	writer->has_own = false;
	writer->signals = (struct signals){0};
}

enum err writer_commit(struct writer *writer)
{
	enum err err = feeds_flush(writer->feeds);
	if (err == ERR_OK) {
		err = index_flush(&writer->index);
	}
	if (err == ERR_OK) {
		err = behind_flush(writer->behind);
	}
	if (err == ERR_OK) {
		err = db_exec(writer->db, "COMMIT");
	}
	if (err == ERR_OK) {
		behind_kept(writer->behind);
		writer->index.edges_kept = writer->index.edges;
	} else {
		LOG(store_env(writer->store), LOG_ERROR, "store.commit",
			LOG_TEXT("why", db_why(writer->db)));
		writer_rollback(writer);
	}
	return err;
}

void writer_announce(struct writer *writer)
{
	if (writer->has_own && writer->is_graph_changed) {
		store_room_ring(writer->store); /* a feed may be to come again (store/let_go) */
	}
	bool is_news = writer->committed_count > 0 || writer->is_graph_changed ||
		       writer->ahead_count > 0 || writer->is_ahead_gone || writer->late_count > 0 ||
		       writer->blob_count > 0 || writer->has_let_go;
	if (!is_news || writer->opts.on_commit == NULL) {
		return;
	}
	const struct commit commit = {
		.messages = writer->committed,
		.count = writer->committed_count,
		.is_graph_changed = writer->is_graph_changed,
		.ahead = writer->ahead,
		.ahead_count = writer->ahead_count,
		.is_ahead_gone = writer->is_ahead_gone,
		.late = writer->late,
		.late_count = writer->late_count,
		.is_late_cut = writer->is_late_cut,
		.blobs = writer->blobs,
		.blob_count = writer->blob_count,
		.let_go = writer->has_let_go ? &writer->let_go : NULL,
	};
	writer->opts.on_commit(writer->opts.ctx, &commit);
}

/* About what one takes with all that follows from it. */
enum { ROOM_PER_MESSAGE = 700 };

/* The jobs of one transaction. */
struct batch {
	struct job *jobs[BATCH_JOBS];
	size_t count;
	size_t messages;
	bool has_own; /* a message by ourselves comes back: as precious as a new one */
	bool is_awaited;
};

static enum err run_append(struct writer *writer, struct append_job *job, int64_t received_ms)
{
	for (size_t i = 0; i < job->count; i++) {
		enum err err =
			writer_append_one(writer, job->messages[i], received_ms, &job->results[i]);
		if (err != ERR_OK) {
			return err;
		}
		writer->open_bytes += job->messages[i]->compact.len;
	}
	return ERR_OK;
}

static enum err run_ahead(struct writer *writer, struct ahead_job *job, int64_t received_ms)
{
	bool is_refused = false;
	enum err err = writer_ahead_one(writer, job, received_ms, &is_refused);
	job->err = is_refused ? ERR_REFUSED : ERR_OK;
	return err;
}

static enum err run_job(struct writer *writer, struct job *job, int64_t received_ms)
{
	switch (job->kind) {
	case JOB_APPEND:
		return run_append(writer, job->append, received_ms);
	case JOB_AHEAD:
		return run_ahead(writer, job->ahead, received_ms);
	default:
		return writer_change_one(writer, &job->change->change);
	}
}

static bool may_stay_open(
	const struct writer *writer, const struct batch *batch, const struct move *move)
{
	return writer->opts.is_import && !batch->has_own && !batch->is_awaited && !move->is_set &&
	       writer->open_bytes < OPEN_BYTES;
}

/* Rows of feeds wait for no COMMIT, so that the table of them may be trimmed. */
static enum err stay_open(struct writer *writer)
{
	enum err err = feeds_flush(writer->feeds);
	if (err != ERR_OK) {
		writer_rollback(writer);
		return open_ended(writer, err);
	}
	writer->is_open = true;
	writer->committed_count = 0;
	return ERR_OK;
}

static enum err run_jobs(struct writer *writer, struct batch *batch, struct move *move)
{
	int64_t received_ms = env_wall_ms(store_env(writer->store));
	enum err err = ERR_OK;
	if (batch->has_own) {
		err = writer_sync_full(writer);
	}
	if (err == ERR_OK && !writer->is_open) {
		err = writer_begin(writer);
	}
	for (size_t i = 0; err == ERR_OK && i < batch->count; i++) {
		err = run_job(writer, batch->jobs[i], received_ms);
	}
	if (err == ERR_OK) {
		err = writer_settle(writer, move);
	}
	if (err == ERR_OK) {
		err = may_stay_open(writer, batch, move)
			      ? stay_open(writer)
			      : open_ended(writer, writer_commit(writer));
	} else {
		writer_rollback(writer);
		(void)open_ended(writer, err);
	}
	if (batch->has_own) {
		writer_sync_normal(writer);
	}
	return err;
}

static void finish_append(struct append_job *job, enum err err)
{
	job->err = err;
	for (size_t i = 0; err != ERR_OK && i < job->count; i++) {
		job->results[i] = APPEND_FAILED;
	}
	if (job->on_done != NULL) {
		job->on_done(job->ctx, job);
	} else {
		append_job_free(job);
	}
}

static void finish_ahead(struct ahead_job *job, enum err err)
{
	if (err != ERR_OK) {
		job->err = err;
		job->is_kept = false;
	}
	if (job->on_done != NULL) {
		job->on_done(job->ctx, job);
	} else {
		ahead_job_free(job);
	}
}

static void finish_change(struct writer *writer, struct change_job *job, enum err err)
{
	if (!job->has_waiter) {
		if (err != ERR_OK) {
			LOG(store_env(writer->store), LOG_ERROR, "store.change",
				LOG_TEXT("why", err_text(err)));
		}
		writer_change_job_free(job);
	} else if (writer_waiter_done(&job->waiter, err)) {
		writer_change_job_free(job);
	}
}

static void finish(struct writer *writer, struct job *job, enum err err)
{
	if (job->kind == JOB_APPEND) {
		finish_append(job->append, err);
	} else if (job->kind == JOB_AHEAD) {
		finish_ahead(job->ahead, err);
	} else {
		finish_change(writer, job->change, err);
	}
	free(job);
}

void writer_bloats(struct writer *writer)
{
	if (!writer->is_bloated) {
		writer->is_bloated = true;
		db_bulk_begins(writer->db);
	}
}

/* Others' messages stop long before the disk is full, and at the node's ceiling until something has
 * gone; what the owner does goes on. */
static void refuse_appends_without_room(struct writer *writer, struct batch *batch)
{
	int64_t room = batch->messages == 0 ? -1 : store_disk_free(writer->store);
	size_t kept = 0;
	bool is_below = batch->messages == 0 || store_room_is_left(writer->store);
	if (is_below && (room < 0 || room >= LIMIT_DISK_FREE_REPLICATION_BYTES)) {
		return;
	}
	for (size_t i = 0; i < batch->count; i++) {
		struct job *job = batch->jobs[i];
		if (job->kind != JOB_CHANGE) {
			finish(writer, job, ERR_DISK_FULL);
		} else {
			batch->jobs[kept++] = job;
		}
	}
	batch->count = kept;
	batch->messages = 0;
	batch->has_own = false;
}

static void run_batch(struct writer *writer, struct batch *batch)
{
	refuse_appends_without_room(writer, batch);
	if (batch->count == 0) {
		return;
	}
	struct move move = {0};
	writer_bulk_begins(writer, batch->messages);
	enum err err = run_jobs(writer, batch, &move);
	writer->bulk_ms = batch->messages >= BULK_MESSAGES ? env_mono_ms(store_env(writer->store))
							   : -BULK_PAUSE_MS;
	if (batch->messages >= BULK_MESSAGES) {
		writer_bloats(writer);
	}
	if (err == ERR_OK) {
		store_room_take(writer->store, (int64_t)batch->messages * ROOM_PER_MESSAGE);
		writer_moved(writer, &move);
		if ((writer->signals.causes & 1U << GUARD_TWIN) != 0) {
			writer_quiet_begins(writer); /* it is still there */
		}
		writer->is_guard_stale = writer->is_guard_stale || writer->signals.is_changed;
		writer_announce(writer);
		writer_after_own(writer);
		writer_judge(writer);
	}
	for (size_t i = 0; i < batch->count; i++) {
		finish(writer, batch->jobs[i], err);
	}
	batch->count = 0;
	batch->messages = 0;
	batch->has_own = false;
	batch->is_awaited = false;
	feeds_trim(writer->feeds);
	writer_bulk_ends(writer);
}

/* What may pause publishing is on the disk before anybody hears of it, and so is a picture that the
 * owner believes to be here. */
static bool is_alarm(enum change_kind kind)
{
	return kind == CHANGE_TWIN || kind == CHANGE_WITNESS || kind == CHANGE_CHECKED ||
	       kind == CHANGE_STRAY || kind == CHANGE_BLOB_PUT;
}

static void add_to_batch(struct writer *writer, struct batch *batch, struct job *job)
{
	batch->jobs[batch->count++] = job;
	if (job->kind == JOB_AHEAD) {
		batch->messages += job->ahead->window->count;
		return;
	}
	if (job->kind == JOB_CHANGE) {
		batch->is_awaited = batch->is_awaited || job->change->has_waiter;
		batch->has_own = batch->has_own || is_alarm(job->change->change.kind);
		return;
	}
	batch->messages += job->append->count;
	for (size_t i = 0; i < job->append->count; i++) {
		batch->has_own = batch->has_own || feed_id_equal(&job->append->messages[i]->author,
							   store_self(writer->store));
	}
}

/* Is a bulk under way: a large transaction not long ago? */
static bool is_bulk(const struct writer *writer, int64_t now_ms)
{
	return now_ms - writer->bulk_ms < BULK_PAUSE_MS;
}

/* The next job that may join the batch; nobody who waits for an answer waits for more to come. */
static struct job *take_more(struct writer *writer, const struct batch *batch, int64_t since_ms)
{
	int64_t wait_ms = 0;
	if (batch->count == BATCH_JOBS || batch->messages >= BATCH_MESSAGES) {
		return NULL;
	}
	if (batch->messages < GATHER_MESSAGES && !batch->is_awaited && !writer->opts.is_stepped &&
		is_bulk(writer, since_ms)) {
		wait_ms = since_ms + GATHER_MS - env_mono_ms(store_env(writer->store));
	}
	return inbox_take(writer->inbox, wait_ms < 0 ? 0 : wait_ms);
}

/* Once after a bulk: give back the pages it filled, and what the allocator kept of its messages. */
static void rest(struct writer *writer)
{
	writer->is_bloated = false;
	db_bulk_ends(writer->db);
	(void)malloc_trim(0);
}

static void run_alone(struct writer *writer, struct job *job)
{
	if (job->kind == JOB_PUBLISH) {
		writer_publish_one(writer, job->publish);
	} else if (job->kind == JOB_OUTBOX) {
		writer_outbox_one(writer, job->outbox);
	} else if (job->kind == JOB_LET_GO) {
		writer_let_go_one(writer, job->let_go);
	} else if (job->kind == JOB_PING) {
		job->ping.fn(job->ping.ctx);
	} else {
		writer_order_one(writer, job->order);
	}
	free(job);
	feeds_trim(writer->feeds);
}

/* Run `job` and what else waits and may join it in one transaction. */
static void run_from(struct writer *writer, struct job *job)
{
	struct batch *batch = writer->batch;
	int64_t since_ms = env_mono_ms(store_env(writer->store));
	while (job != NULL &&
		(job->kind == JOB_APPEND || job->kind == JOB_AHEAD || job->kind == JOB_CHANGE)) {
		add_to_batch(writer, batch, job);
		job = take_more(writer, batch, since_ms);
	}
	run_batch(writer, batch);
	if (job != NULL) {
		run_alone(writer, job);
	}
}

/* What is to be done without a job: nothing waits for it. */
static bool run_due(struct writer *writer)
{
	int64_t now_ms = env_mono_ms(store_env(writer->store));
	if (writer->unchecked > 0 && writer->unchecked_due_ms <= now_ms) {
		writer_check_some(writer);
		return true;
	}
	if (writer_guard_due_ms(writer) <= now_ms) {
		writer_judge(writer);
		return true;
	}
	if (writer_behind_due_ms(writer) <= now_ms) {
		writer_behind_turn(writer);
		return true;
	}
	if (db_checkpoint_is_due(writer->db)) {
		db_checkpoint(writer->db);
		return true;
	}
	return false;
}

/* What may no longer be taken back goes before the jobs: under a bulk there is always one more. */
static bool run_outbox(struct writer *writer)
{
	if (writer_outbox_due_ms(writer) > env_mono_ms(store_env(writer->store)) ||
		atomic_load(&writer->is_stopping)) {
		return false;
	}
	writer_outbox_turn(writer);
	return true;
}

int64_t writer_due_ms(const struct writer *writer)
{
	int64_t due_ms = writer_guard_due_ms(writer);
	int64_t behind_ms = writer_behind_due_ms(writer);
	int64_t outbox_ms = writer_outbox_due_ms(writer);
	if (writer->unchecked > 0 && writer->unchecked_due_ms < due_ms) {
		due_ms = writer->unchecked_due_ms;
	}
	due_ms = outbox_ms < due_ms ? outbox_ms : due_ms;
	return behind_ms < due_ms ? behind_ms : due_ms;
}

bool writer_step(struct writer *writer)
{
	assert(writer->opts.is_stepped);
	if (run_outbox(writer)) {
		return true;
	}
	struct job *job = inbox_take(writer->inbox, 0);
	if (job == NULL) {
		return run_due(writer);
	}
	run_from(writer, job);
	return true;
}

/* How long the thread may wait for a job; negative: for ever. */
static int64_t wait_ms(const struct writer *writer)
{
	int64_t now_ms = env_mono_ms(store_env(writer->store));
	int64_t due_ms = writer_due_ms(writer);
	if (due_ms <= now_ms) {
		return 0;
	}
	if (writer->is_open) {
		return due_ms - now_ms < OPEN_IDLE_MS ? due_ms - now_ms : OPEN_IDLE_MS;
	}
	if (writer->is_bloated || db_checkpoint_is_due(writer->db)) {
		return due_ms - now_ms < REST_MS ? due_ms - now_ms : REST_MS;
	}
	return due_ms == INT64_MAX ? -1 : due_ms - now_ms;
}

/* One turn: wait for a job, take what else waits, run it. False when the queue is closed and empty.
 */
static bool writer_turn(struct writer *writer)
{
	if (run_outbox(writer)) {
		return true;
	}
	int64_t longest_ms = wait_ms(writer);
	struct job *job = inbox_take(writer->inbox, longest_ms);
	if (job != NULL) {
		run_from(writer, job);
	} else if (writer->is_open) {
		(void)close_open(writer);
	} else if (longest_ms < 0 || atomic_load(&writer->is_stopping)) {
		return false;
	} else if (!run_due(writer) && writer->is_bloated) {
		rest(writer);
	}
	return true;
}

static void *writer_main(void *ctx)
{
	struct writer *writer = ctx;
	while (writer_turn(writer)) {
	}
	return NULL;
}

static void writer_free(struct writer *writer)
{
	feeds_free(writer->feeds);
	fence_close(writer->fence);
	message_free(writer->pending);
	inbox_free(writer->inbox);
	(void)pthread_mutex_destroy(&writer->state_lock);
	writer_guard_fini(writer);
	free(writer->batch);
	free(writer->committed);
	free(writer->ahead);
	buf_fini(&writer->body);
	free(writer->blobs);
	free(writer->late);
	behind_free(writer->behind);
	free(writer);
}

enum err writer_start(
	const struct writer_opts *opts, struct writer **out, char *why, size_t why_bytes)
{
	(void)snprintf(why, why_bytes, "There is no memory left.");
	assert(opts->store->writer != NULL);
	struct writer *writer = calloc(1, sizeof(*writer));
	if (writer == NULL) {
		return ERR_NOMEM;
	}
	writer->store = opts->store;
	writer->db = opts->store->writer;
	writer->signer = opts->signer;
	writer->opts = *opts;
	writer->index.db = writer->db;
	writer->index.store = writer->store;
	buf_init(&writer->body, LIMIT_MESSAGE_BYTES);
	writer->bulk_ms = -BULK_PAUSE_MS;
	writer->behind_unit = BEHIND_UNIT_FIRST;
	(void)pthread_mutex_init(&writer->state_lock, NULL);
	writer->guard_due_ms = INT64_MAX;
	writer->claim_rest_ms = INT64_MIN;
	writer->inbox = inbox_new(LIMIT_WRITER_JOBS);
	writer->batch = calloc(1, sizeof(*writer->batch));
	enum err err = writer->inbox == NULL || writer->batch == NULL
			       ? ERR_NOMEM
			       : feeds_new(writer->db, store_env(writer->store), &writer->feeds);
	if (err == ERR_OK) {
		writer->index.feeds = writer->feeds;
		writer->index.want_blob = writer_blob_wanted;
		writer->index.want_ctx = writer;
		writer->index.env = store_env(writer->store);
		err = index_load(&writer->index);
	}
	if (err == ERR_OK) {
		err = behind_new(&writer->index, &writer->behind);
	}
	if (err == ERR_OK && writer_behind_due_ms(writer) != INT64_MAX) {
		atomic_store(&writer->behind_state, WRITER_BEHIND_WORKS);
	}
	if (err == ERR_OK) {
		writer->opts.on_state = NULL; /* whoever starts us asks */
		err = writer_check_fence(writer);
		writer->opts.on_state = opts->on_state;
	}
	if (err == ERR_OK) {
		writer->outbox_rest_ms =
			env_mono_ms(store_env(writer->store)) + 2LL * LIMIT_GREETING_MS;
		err = writer_outbox_look(writer);
	}
	if (err == ERR_OK && !opts->is_stepped &&
		pthread_create(&writer->thread, NULL, writer_main, writer) != 0) {
		err = ERR_NOMEM;
	}
	if (err != ERR_OK) {
		(void)snprintf(
			why, why_bytes, "The database cannot be written: %s.", err_text(err));
		writer_free(writer);
		return err;
	}
	why[0] = '\0';
	*out = writer;
	return ERR_OK;
}

void writer_stop(struct writer *writer)
{
	if (writer == NULL) {
		return;
	}
	atomic_store(&writer->is_stopping, true);
	inbox_close(writer->inbox);
	if (!writer->opts.is_stepped) {
		(void)pthread_join(writer->thread, NULL);
	}
	/* A stepped writer finishes here what is queued. */
	for (struct job *job = inbox_take(writer->inbox, 0); job != NULL;
		job = inbox_take(writer->inbox, 0)) {
		run_from(writer, job);
	}
	writer_end_run(writer);
	writer_close_fence(writer);
	writer_free(writer);
}

enum err writer_append(struct writer *writer, struct append_job *append)
{
	struct job *job = calloc(1, sizeof(*job));
	if (job == NULL) {
		return ERR_NOMEM;
	}
	job->kind = JOB_APPEND;
	job->append = append;
	enum err err = inbox_put(writer->inbox, job);
	if (err != ERR_OK) {
		free(job);
	}
	return err;
}
