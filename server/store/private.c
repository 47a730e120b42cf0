/*
 * The thread behind the book: asleep until the writer tells of a commit. Live boxes are tried at
 * once. What a bulk brought, and what was there before, is worked off in units, and after each the
 * thread rests as long as the unit took, so that at most half a CPU goes into it.
 */
#include "store/private_inside.h"

#include "base/log.h"

#include <sodium.h>
#include <stdlib.h>
#include <time.h>

enum {
	CALM_MS = 1000,  /* after messages that are no boxes */
	AGAIN_MS = 1000, /* after a failure */
	MARK_MS = 60000, /* the mark is written down after so long, or so many rows */
	MARK_ROWS = 64,
	REST_MS_MAX = 200 /* after one unit */
};

static void until(int64_t ms, struct timespec *out)
{
	(void)clock_gettime(CLOCK_MONOTONIC, out);
	out->tv_sec += ms / 1000;
	out->tv_nsec += (ms % 1000) * 1000000;
	if (out->tv_nsec >= 1000000000) {
		out->tv_sec++;
		out->tv_nsec -= 1000000000;
	}
}

/* What was told since the last turn; with the wake lock. */
static void take_told(struct private_book *book)
{
	book->is_edges_stale = book->is_edges_stale || book->has_edges;
	if (book->is_tidy_asked) {
		book->is_tidied = false;
		book->tidied = 0;
	}
	book->has_edges = false;
	book->has_rows = false;
	book->is_tidy_asked = false;
}

/* Wait for boxes that came just now, at most so long; without limit when negative, but then any
 * row wakes after CALM_MS. False: the end. */
static bool rest(struct private_book *book, int64_t ms)
{
	struct timespec end;
	int rc = 0;
	(void)pthread_mutex_lock(&book->wake_lock);
	while (ms < 0 && !book->is_stopping && book->urgent_count == 0 && !book->has_rows &&
		!book->has_edges) {
		(void)pthread_cond_wait(&book->wake, &book->wake_lock);
	}
	until(ms < 0 ? CALM_MS : ms, &end);
	while (rc == 0 && !book->is_stopping && book->urgent_count == 0 && !book->has_edges) {
		rc = pthread_cond_timedwait(&book->wake, &book->wake_lock, &end);
	}
	take_told(book);
	bool goes_on = !book->is_stopping;
	(void)pthread_mutex_unlock(&book->wake_lock);
	return goes_on;
}

static int64_t rest_after(int64_t took_ms)
{
	return took_ms < 1 ? 1 : took_ms > REST_MS_MAX ? REST_MS_MAX : took_ms;
}

static void *book_main(void *ctx)
{
	struct private_book *book = ctx;
	bool goes_on = true;
	while (goes_on) {
		int64_t began_ms = env_mono_ms(book->env);
		(void)pthread_mutex_lock(&book->wake_lock);
		uint64_t told = book->told;
		(void)pthread_mutex_unlock(&book->wake_lock);
		bool is_busy = private_walk(book);
		(void)pthread_mutex_lock(&book->wake_lock);
		book->tried = told;
		(void)pthread_mutex_unlock(&book->wake_lock);
		int64_t now_ms = env_mono_ms(book->env);
		bool is_late = book->pending.len > 0 || book->is_edges_stale || book->is_again_owed;
		bool is_far = book->mark.message >= book->saved.message + MARK_ROWS ||
			      now_ms - book->saved_ms > MARK_MS;
		if (!is_busy && !is_late && is_far) {
			(void)!private_save(book);
		}
		goes_on = rest(book, is_busy   ? rest_after(now_ms - began_ms)
				     : is_late ? AGAIN_MS
					       : -1);
	}
	return NULL;
}

bool private_step(struct private_book *book)
{
	(void)pthread_mutex_lock(&book->wake_lock);
	take_told(book);
	(void)pthread_mutex_unlock(&book->wake_lock);
	return private_walk(book);
}

static void book_free(struct private_book *book)
{
	reader_close(book->reader);
	private_book_fini(book);
	buf_wipe(&book->pending);
	if (book->keys != NULL) {
		sodium_free(book->keys);
	}
	(void)pthread_cond_destroy(&book->wake);
	(void)pthread_mutex_destroy(&book->wake_lock);
	(void)pthread_mutex_destroy(&book->lock);
	free(book);
}

static void locks_init(struct private_book *book)
{
	pthread_condattr_t attr;
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&book->wake, &attr);
	(void)pthread_condattr_destroy(&attr);
	(void)pthread_mutex_init(&book->wake_lock, NULL);
	(void)pthread_mutex_init(&book->lock, NULL);
}

enum err private_start(const struct private_opts *opts, struct private_book **out)
{
	struct private_book *book = calloc(1, sizeof(*book));
	if (book == NULL) {
		return ERR_NOMEM;
	}
	book->opts = *opts;
	book->env = store_env(opts->store);
	book->self = *store_self(opts->store);
	book->saved_ms = env_mono_ms(book->env);
	buf_init(&book->pending, PRIVATE_PENDING_BYTES);
	locks_init(book);
	enum err err = private_keys_make(book);
	if (err == ERR_OK) {
		err = private_book_init(book);
	}
	if (err == ERR_OK) {
		err = reader_open(opts->store, &book->reader);
	}
	if (err == ERR_OK) {
		err = private_load(book);
	}
	if (err == ERR_OK) {
		(void)private_edges_settle(book);
	}
	if (err == ERR_OK && !opts->is_stepped &&
		pthread_create(&book->thread, NULL, book_main, book) != 0) {
		err = ERR_NOMEM;
	}
	if (err != ERR_OK) {
		book_free(book);
		return err;
	}
	*out = book;
	return ERR_OK;
}

void private_stop(struct private_book *book)
{
	if (book == NULL) {
		return;
	}
	if (!book->opts.is_stepped) {
		(void)pthread_mutex_lock(&book->wake_lock);
		book->is_stopping = true;
		(void)pthread_cond_signal(&book->wake);
		(void)pthread_mutex_unlock(&book->wake_lock);
		(void)pthread_join(book->thread, NULL);
	}
	(void)!private_save(book); /* else what is new is tried again after the next start */
	book_free(book);
}

void private_on_commit(struct private_book *book, const struct commit *commit)
{
	bool has_box = false;
	(void)pthread_mutex_lock(&book->wake_lock);
	for (size_t i = 0; i < commit->count; i++) {
		const struct committed *message = &commit->messages[i];
		bool is_box = message->type == CONTENT_PRIVATE;
		has_box = has_box || is_box;
		if (is_box && book->urgent_count < PRIVATE_URGENT_MAX) {
			book->urgent[book->urgent_count++] = (struct private_urgent){
				.author = message->author, .sequence = message->sequence};
		}
		/* Our latest word about somebody counts, open or private. */
		if (message->is_edge && feed_id_equal(&message->author, &book->self)) {
			book->has_edges = true;
		}
	}
	book->told += has_box ? 1 : 0;
	book->has_rows = book->has_rows || commit->count > 0;
	if (commit->count > 0) {
		(void)pthread_cond_signal(&book->wake);
	}
	(void)pthread_mutex_unlock(&book->wake_lock);
}

uint64_t private_behind(struct private_book *book)
{
	return atomic_load(&book->behind);
}

bool private_is_full(struct private_book *book)
{
	(void)pthread_mutex_lock(&book->lock);
	bool is_full = book->by_row.count >= LIMIT_PRIVATE_MESSAGES;
	(void)pthread_mutex_unlock(&book->lock);
	return is_full;
}

uint64_t private_told(struct private_book *book)
{
	(void)pthread_mutex_lock(&book->wake_lock);
	uint64_t told = book->told;
	(void)pthread_mutex_unlock(&book->wake_lock);
	return told;
}

bool private_has_tried(struct private_book *book, uint64_t told)
{
	(void)pthread_mutex_lock(&book->wake_lock);
	bool has_tried = book->tried >= told;
	(void)pthread_mutex_unlock(&book->wake_lock);
	return has_tried;
}
