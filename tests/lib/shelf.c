/* A store to test with. */
#include "lib/shelf.h"

#include "store/fence.h"
#include "store/search.h"

#include "lib/cmocka.h"
#include "lib/folder.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int64_t shelf_wall(void *ctx)
{
	const struct shelf *shelf = ctx;
	/* A test may move the clock while threads look at it. */
	return __atomic_load_n(&shelf->wall_ms, __ATOMIC_RELAXED);
}

/* The store's clock goes slowly, so that a busy machine is not taken for a slow query; shelf_pass()
 * is for what is to happen in time. */
enum { SLOWER = 8 };

static int64_t shelf_mono(void *ctx)
{
	const struct shelf *shelf = ctx;
	return env_mono_ms(env_system()) / SLOWER + shelf->added_ms;
}

static void shelf_random(void *ctx, uint8_t *out, size_t count)
{
	(void)ctx;
	env_system()->random(env_system()->ctx, out, count);
}

static void shelf_log(void *ctx, enum log_level level, const char *line)
{
	(void)ctx;
	if (level == LOG_ERROR && getenv("SHELF_LOG") != NULL) {
		(void)fprintf(stderr, "%s\n", line);
	}
}

static void on_commit(void *ctx, const struct commit *commit)
{
	struct shelf *shelf = ctx;
	shelf->commits++;
	shelf->committed += commit->count;
	if (commit->ahead_count > 0) {
		shelf->ahead = commit->ahead_count;
		shelf->last_ahead = commit->ahead[commit->ahead_count - 1];
	}
	shelf->is_ahead_gone = shelf->is_ahead_gone || commit->is_ahead_gone;
	shelf->late += commit->late_count;
	for (size_t i = 0; i < commit->blob_count; i++) {
		shelf->last_blob = commit->blobs[i];
		shelf->blobs[commit->blobs[i].event]++;
	}
	if (commit->count > 0) { /* else a want: the graph changed without a message */
		shelf->last = commit->messages[commit->count - 1];
	}
}

static void on_step(void *ctx, enum writer_step step)
{
	struct shelf *shelf = ctx;
	if (shelf->on_step != NULL) {
		shelf->on_step(shelf->step_ctx, step);
	}
}

static void on_state(void *ctx)
{
	struct shelf *shelf = ctx;
	shelf->states++;
}

static void on_outbox(void *ctx, const struct outbox_news *news)
{
	struct shelf *shelf = ctx;
	shelf->outbox[news->state]++;
}

void shelf_settle(struct shelf *shelf)
{
	int left = 100000;
	while (writer_step(shelf->writer)) {
		assert_true(left-- > 0);
	}
}

void shelf_pass(struct shelf *shelf, int64_t ms)
{
	shelf->added_ms += ms;
	shelf->wall_ms += ms;
	shelf_settle(shelf);
}

void shelf_open(struct shelf *shelf)
{
	char why[256] = "";
	const struct store_opts opts = {
		.dir = shelf->dir, .env = &shelf->env, .self = shelf->self.id};
	if (store_open(&opts, &shelf->store, why, sizeof(why)) != ERR_OK) {
		fail_msg("store_open: %s", why);
	}
	const struct writer_opts writer_opts = {.store = shelf->store,
		.signer = shelf->self.signer,
		.on_commit = on_commit,
		.on_state = on_state,
		.on_outbox = on_outbox,
		.is_stepped = shelf->is_stepped,
		.bulk_begins = shelf->bulk_begins,
		.on_step = on_step,
		.ctx = shelf};
	if (writer_start(&writer_opts, &shelf->writer, why, sizeof(why)) != ERR_OK) {
		fail_msg("writer_start: %s", why);
	}
	assert_int_equal(reader_open(shelf->store, &shelf->reader), ERR_OK);
}

void shelf_close(struct shelf *shelf)
{
	reader_close(shelf->reader);
	writer_stop(shelf->writer);
	store_close(shelf->store);
	shelf->reader = NULL;
	shelf->writer = NULL;
	shelf->store = NULL;
	/* A new run has a new signer. */
	author_fini(&shelf->self);
	author_init(&shelf->self, 0);
}

void shelf_init(struct shelf *shelf)
{
	*shelf = (struct shelf){.wall_ms = 1800000000000};
	shelf->env = (struct env){.mono_ms = shelf_mono,
		.wall_ms = shelf_wall,
		.random = shelf_random,
		.log_line = shelf_log,
		.ctx = shelf};
	author_init(&shelf->self, 0);
	folder_make(shelf->dir, sizeof(shelf->dir), "kith-shelf");
	assert_int_equal(fence_make_new(NULL, shelf->dir, &shelf->self.id, &shelf->env), ERR_OK);
	shelf_open(shelf);
}

void shelf_fini(struct shelf *shelf)
{
	if (shelf->store != NULL) {
		shelf_close(shelf);
	}
	author_fini(&shelf->self);
	folder_remove(shelf->dir);
}

void shelf_open_store(struct shelf *shelf)
{
	char why[256];
	const struct store_opts opts = {
		.dir = shelf->dir, .env = &shelf->env, .self = shelf->self.id};
	assert_int_equal(store_open(&opts, &shelf->store, why, sizeof(why)), ERR_OK);
}

void shelf_close_store(struct shelf *shelf)
{
	store_close(shelf->store);
	shelf->store = NULL;
}

char *shelf_dump(const struct shelf *shelf, const char *sql)
{
	char path[128];
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	assert_non_null(out);
	(void)snprintf(path, sizeof(path), "%s/kith.db", shelf->dir);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(stmt); i++) {
			const char *value = (const char *)sqlite3_column_text(stmt, i);
			(void)fprintf(out, "%s|", value == NULL ? "-" : value);
		}
	}
	(void)sqlite3_finalize(stmt);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(fclose(out), 0);
	return text;
}

int shelf_set_up(void **state)
{
	struct shelf *shelf = calloc(1, sizeof(*shelf));
	assert_non_null(shelf);
	shelf_init(shelf);
	*state = shelf;
	return 0;
}

int shelf_tear_down(void **state)
{
	shelf_fini(*state);
	free(*state);
	return 0;
}

struct publish_result shelf_publish(struct shelf *shelf, const char *format, ...)
{
	char content[2048];
	va_list args;
	va_start(args, format);
	int len = vsnprintf(content, sizeof(content), format, args);
	va_end(args);
	assert_in_range(len, 1, sizeof(content) - 1);
	struct publish_result result;
	const struct publish_request request = {.content = span_of(content, (size_t)len)};
	if (writer_publish(shelf->writer, &request, &result) != ERR_OK) {
		fail_msg("publish: %s", result.why);
	}
	return result;
}

struct publish_result shelf_contact(
	struct shelf *shelf, const struct feed_id *who, enum contact_edge edge)
{
	char text[FEED_ID_TEXT_BYTES];
	feed_id_format(who, text);
	return shelf_publish(shelf, "{\"type\":\"contact\",\"contact\":\"%s\",\"%s\":%s}", text,
		edge == EDGE_BLOCK ? "blocking" : "following",
		edge == EDGE_NEITHER ? "false" : "true");
}

struct done {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool is_done;
	enum err err;
	enum append_result *results;
};

static void on_done(void *ctx, struct append_job *job)
{
	struct done *done = ctx;
	(void)pthread_mutex_lock(&done->lock);
	done->err = job->err;
	if (done->results != NULL) {
		memcpy(done->results, job->results, job->count * sizeof(*job->results));
	}
	append_job_free(job);
	done->is_done = true;
	(void)pthread_cond_signal(&done->cond);
	(void)pthread_mutex_unlock(&done->lock);
}

enum err shelf_append_all(
	struct shelf *shelf, struct message **messages, size_t count, enum append_result *results)
{
	struct done done = {.lock = PTHREAD_MUTEX_INITIALIZER,
		.cond = PTHREAD_COND_INITIALIZER,
		.results = results};
	struct append_job *job = append_job_new(count);
	assert_non_null(job);
	memcpy(job->messages, messages, count * sizeof(struct message *));
	job->count = count;
	job->on_done = on_done;
	job->ctx = &done;
	assert_int_equal(writer_append(shelf->writer, job), ERR_OK);
	while (shelf->is_stepped && !done.is_done) {
		(void)writer_step(shelf->writer);
	}
	(void)pthread_mutex_lock(&done.lock);
	while (!done.is_done) {
		(void)pthread_cond_wait(&done.cond, &done.lock);
	}
	(void)pthread_mutex_unlock(&done.lock);
	return done.err;
}

enum append_result shelf_append(struct shelf *shelf, struct message *message)
{
	enum append_result result = APPEND_FAILED;
	assert_int_equal(shelf_append_all(shelf, &message, 1, &result), ERR_OK);
	return result;
}

enum err shelf_thread(struct shelf *shelf, const struct message_id *id, struct thread_facts *facts,
	struct posts *out)
{
	const struct thread_query query = {.id = *id};
	return thread_read(shelf->reader, &query, facts, out);
}

size_t shelf_found(struct shelf *shelf, const char *typed)
{
	struct posts posts;
	struct search search;
	struct search_cursor cursor;
	const struct search_query query = {.search = &search, .limit = 100};
	if (search_read(shelf->reader, span_text(typed), 0, &search) != ERR_OK ||
		search_page(shelf->reader, &query, &posts, &cursor) != ERR_OK) {
		fail_msg("%s", typed);
	}
	size_t count = posts.count;
	posts_free(&posts);
	return count;
}
