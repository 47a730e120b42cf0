/*
 * Room is made in small transactions, each of whole messages: whoever waits for the writer ends the
 * present one, and nothing of it is lost. Free pages go back to the disk in another, and the WAL is
 * copied back and cut, as it is part of what is on the disk.
 */
#include "store/layer.h"
#include "store/let_go_rows.h"
#include "store/writer_inside.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { WAL_PAGE_BYTES = 4096, WAL_PAGES_MIN = 64, WAL_PAGES_MAX = 4096 };
enum { SHRINK_STEP = 64, WAIT_MS = 60000, HOUR_MS = 3600000, HOURS_KEPT = 24 * 90 };

QUERY(sql_behind_first, "SELECT min(first) FROM behind");

QUERY(sql_evicted,
	"INSERT INTO evictions (hour, what, n, bytes) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (hour, "
	"what) DO UPDATE SET n = n + ?3, bytes = bytes + ?4");
QUERY(sql_evicted_old, "DELETE FROM evictions WHERE hour < ?1");
QUERY(sql_again, "UPDATE let_go SET again = 1 WHERE feed = ?1 AND again = 0");

static bool somebody_waits(void *ctx)
{
	struct writer *writer = ctx;
	return inbox_has(writer->inbox) || atomic_load(&writer->is_stopping);
}

/* Rows of `messages` from which on something is still to be made behind a bulk. */
static enum err first_behind(struct writer *writer, int64_t *out)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(writer->db, &sql_behind_first, &stmt);
	if (err == ERR_OK) {
		err = db_step(writer->db, stmt);
	}
	if (err == ERR_OK) {
		*out = sqlite3_column_type(stmt, 0) == SQLITE_NULL ? INT64_MAX
								   : sqlite3_column_int64(stmt, 0);
		db_reset(stmt);
	}
	return err;
}

static enum err finish_feed(
	struct writer *writer, struct feed_entry *author, const struct let_go_request *request)
{
	switch (request->why) {
	case LET_GO_REMOVED:
		return let_go_rest(&writer->index, author);
	case LET_GO_FOR_AGAIN:
		return let_go_begin_again(
			&writer->index, author, env_wall_ms(store_env(writer->store)));
	default:
		return ERR_OK;
	}
}

static enum err let_go(
	struct writer *writer, const struct let_go_request *request, struct let_go_result *result)
{
	struct feed_entry *author = NULL;
	int64_t feed = 0;
	bool may = false;
	struct let_go_turn turn = {
		.below = request->why == LET_GO_FOR_ROOM ? request->below : INT64_MAX,
		.at_least = request->at_least,
		.at_most = request->at_most,
		.is_again = request->why == LET_GO_FOR_AGAIN,
		.is_person = request->why == LET_GO_REMOVED,
		.must_stop = writer->opts.is_stepped ? NULL : somebody_waits,
		.now_ms = env_wall_ms(store_env(writer->store)),
		.ctx = writer};
	enum err err = feeds_number(writer->feeds, &request->feed, false, &feed);
	if (err == ERR_OK) {
		err = feeds_get(writer->feeds, &request->feed, &author);
	}
	if (err == ERR_OK) {
		err = let_go_may(writer->db, author, &may);
	}
	may = may && !layer_is(writer->store, &request->feed, EDGE_FOLLOW);
	if (err == ERR_OK &&
		(author->feed == FEED_SELF || (!may && request->why != LET_GO_FOR_AGAIN))) {
		err = ERR_REFUSED;
	}
	if (err == ERR_OK) {
		err = first_behind(writer, &turn.rows_below);
	}
	if (err == ERR_OK) {
		err = let_go_some(&writer->index, author, &turn);
	}
	bool is_busy = err == ERR_BUSY && turn.gone > 0;
	err = is_busy ? ERR_OK : err;
	uint64_t end = author == NULL ? 0 : author->head.sequence + 1;
	*result = (struct let_go_result){.first = turn.first,
		.gone = turn.gone,
		.kept = turn.kept,
		.bytes = turn.bytes,
		.is_done = !is_busy && turn.first >= (turn.below < end ? turn.below : end)};
	if (err == ERR_OK && result->is_done) {
		err = finish_feed(writer, author, request);
	}
	return err;
}

/* Said of one feed, and no reason to undo the others. */
static bool is_of_one(enum err err)
{
	return err == ERR_OK || err == ERR_BUSY || err == ERR_REFUSED || err == ERR_NOT_FOUND;
}

/* One feed after the other, until there was enough of it. */
static enum err let_many_go(struct writer *writer, struct let_go_job *job)
{
	size_t at_least = job->requests[0].at_least;
	size_t at_most = job->requests[0].at_most;
	enum err err = ERR_OK;
	for (size_t i = 0; is_of_one(err) && i < job->count && at_most > 0; i++) {
		struct let_go_request request = job->requests[i];
		struct let_go_result *result = &job->results[i];
		if (i > 0 && at_least == 0 && !writer->opts.is_stepped && somebody_waits(writer)) {
			break;
		}
		request.at_least = at_least;
		request.at_most = at_most;
		err = let_go(writer, &request, result);
		result->err = err;
		size_t looked = result->gone + result->kept;
		at_least -= looked < at_least ? looked : at_least;
		at_most -= looked < at_most ? looked : at_most;
	}
	return is_of_one(err) && job->count > 1 ? ERR_OK : err;
}

/* Each step moves whole pages from the end of the file into free ones. */
static enum err shrink(struct writer *writer, size_t pages, size_t *freed)
{
	enum err err = ERR_OK;
	*freed = 0;
	while (err == ERR_OK && *freed < pages &&
		(*freed == 0 || writer->opts.is_stepped || !somebody_waits(writer))) {
		err = db_exec(writer->db, "PRAGMA incremental_vacuum(64)");
		*freed += SHRINK_STEP;
	}
	return err;
}

static enum err run(struct writer *writer, struct let_go_job *job)
{
	enum err err = writer_begin(writer);
	if (err == ERR_OK) {
		err = job->is_shrinking ? shrink(writer, job->pages, &job->freed)
					: let_many_go(writer, job);
	}
	if (err == ERR_OK) {
		return writer_commit(writer);
	}
	writer_rollback(writer);
	return err;
}

/* Below a low ceiling the WAL is copied back sooner. */
static void set_checkpoint(struct writer *writer, int64_t wal_bytes)
{
	int64_t pages = wal_bytes / WAL_PAGE_BYTES / 2;
	pages = pages < WAL_PAGES_MIN ? WAL_PAGES_MIN : pages;
	db_checkpoint_at(writer->db, pages > WAL_PAGES_MAX ? WAL_PAGES_MAX : (int)pages);
}

static void empty_wal(struct writer *writer, int64_t wal_bytes)
{
	struct stat is;
	char *path = store_path(writer->store, "kith.db-wal");
	if (path != NULL && writer->store->vfs == NULL && stat(path, &is) == 0 &&
		(int64_t)is.st_size > wal_bytes) {
		db_empty_wal(writer->db);
	}
	free(path);
}

/* Each feed for itself, as whoever hears of it deals with one. */
static void announce(struct writer *writer, const struct let_go_job *job)
{
	for (size_t i = 0; i < job->count; i++) {
		const struct let_go_result *result = &job->results[i];
		if (result->err != ERR_OK || result->first == 0) {
			continue;
		}
		writer->has_let_go = true;
		writer->let_go = (struct let_go_news){.feed = job->requests[i].feed,
			.below = result->first,
			.is_again = job->requests[i].why == LET_GO_FOR_AGAIN && result->is_done};
		writer_announce(writer);
	}
}

void writer_let_go_one(struct writer *writer, struct let_go_job *job)
{
	enum err err = job->is_shrinking && job->pages == 0 ? ERR_OK : run(writer, job);
	if (err == ERR_OK && !job->is_shrinking) {
		announce(writer, job);
	}
	if (job->is_shrinking) {
		set_checkpoint(writer, job->wal_bytes);
		empty_wal(writer, job->wal_bytes);
	}
	if (writer_waiter_done(&job->waiter, err)) {
		writer_waiter_fini(&job->waiter);
		free(job);
	}
}

static enum err ask(struct writer *writer, struct let_go_job *let_go, struct let_go_job *out)
{
	struct job *job = calloc(1, sizeof(*job));
	bool is_last = false;
	if (job == NULL) {
		free(let_go);
		return ERR_NOMEM;
	}
	writer_waiter_init(&let_go->waiter);
	job->kind = JOB_LET_GO;
	job->let_go = let_go;
	enum err err = inbox_put(writer->inbox, job);
	if (err != ERR_OK) {
		free(job);
		is_last = true;
	} else {
		err = writer_wait(writer, &let_go->waiter, WAIT_MS, &is_last);
		if (err != ERR_TIMEOUT) {
			memcpy(out->results, let_go->results, sizeof(out->results));
			out->freed = let_go->freed;
		}
	}
	if (is_last) {
		writer_waiter_fini(&let_go->waiter);
		free(let_go);
	}
	return err;
}

enum err writer_let_go_many(struct writer *writer, const struct let_go_request *requests,
	struct let_go_result *results, size_t count)
{
	struct let_go_job out = {.pages = 0};
	struct let_go_job *job = calloc(1, sizeof(*job));
	assert(count > 0 && count <= LET_GO_FEEDS);
	memset(results, 0, count * sizeof(*results));
	if (job == NULL) {
		return ERR_NOMEM;
	}
	memcpy(job->requests, requests, count * sizeof(*requests));
	job->count = count;
	enum err err = ask(writer, job, &out);
	if (err == ERR_OK) {
		memcpy(results, out.results, count * sizeof(*results));
	}
	return err;
}

enum err writer_let_go(
	struct writer *writer, const struct let_go_request *request, struct let_go_result *result)
{
	return writer_let_go_many(writer, request, result, 1);
}

enum err writer_shrink(struct writer *writer, size_t pages, int64_t wal_bytes, size_t *freed)
{
	struct let_go_job *job = calloc(1, sizeof(*job));
	struct let_go_job out = {.pages = 0};
	if (job == NULL) {
		return ERR_NOMEM;
	}
	job->is_shrinking = true;
	job->pages = pages;
	job->wal_bytes = wal_bytes;
	enum err err = ask(writer, job, &out);
	*freed = out.freed;
	return err;
}

static enum err note_evicted(struct writer *writer, const struct change *change)
{
	int64_t hour = env_wall_ms(store_env(writer->store)) / HOUR_MS;
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(writer->db, &sql_evicted, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, hour);
	db_text(stmt, 2, change->name);
	db_int(stmt, 3, change->number);
	db_int(stmt, 4, change->order);
	err = db_run(writer->db, stmt);
	if (err == ERR_OK) {
		err = db_query(writer->db, &sql_evicted_old, &stmt);
	}
	if (err == ERR_OK) {
		db_int(stmt, 1, hour - HOURS_KEPT);
		err = db_run(writer->db, stmt);
	}
	return err;
}

enum err writer_ceiling_change(struct writer *writer, const struct change *change)
{
	sqlite3_stmt *stmt = NULL;
	int64_t feed = 0;
	if (change->kind == CHANGE_EVICTED) {
		return note_evicted(writer, change);
	}
	enum err err = feeds_number(writer->feeds, &change->feed, false, &feed);
	if (err != ERR_OK) {
		return err == ERR_NOT_FOUND ? ERR_OK : err;
	}
	err = db_query(writer->db, &sql_again, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, feed);
	return db_run(writer->db, stmt);
}
