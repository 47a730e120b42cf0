/*
 * One worker job at a time, so that messages reach the writer in the order they came: the other
 * side of a fork is then a chain. What equals our stored text byte for byte needs no signature
 * check. What differs, or has a number we do not find, is the writer's to judge; the answer is of
 * no interest here, as a fork is told by the change of state.
 */
#include "sync/replay.h"

#include "sync/confirm.h"
#include "sync/peers.h"

#include <stdlib.h>

enum { RETRY_MS = 100, MINUTE_MS = 60000 };

struct replayed {
	struct replayed *next;
	uint64_t sequence;
	uint64_t serial; /* of the partner it came from */
	bool is_same;
	struct message_id key;   /* when valid */
	struct message *message; /* when valid and not the same */
	enum err err;
	const char *why;
	size_t len;
	uint8_t raw[];
};

struct looking {
	struct replay *replay;
	size_t count;
	struct replayed *items[LIMIT_VERIFY_BATCH];
};

struct replay {
	struct sync *sync;
	struct replayed *first, *last; /* waiting */
	size_t count, bytes;           /* with those being looked at */
	struct append_job *refused;    /* by a busy writer */
	struct loop_timer *timer;
	bool is_looking, is_stopped;
};

static void replayed_free(struct replayed *item)
{
	message_free(item->message);
	free(item);
}

/* Worker. */

struct comparing {
	struct replayed *item;
	bool is_same;
};

static bool compare(void *ctx, const struct stored *stored)
{
	struct comparing *comparing = ctx;
	struct replayed *item = comparing->item;
	if (stored->sequence == item->sequence &&
		span_equal(stored->compact, span_of(item->raw, item->len))) {
		comparing->is_same = true;
		item->key = stored->key;
	}
	return false;
}

static void look_at(struct looking *job, struct reader *reader, struct replayed *item)
{
	const struct sync *sync = job->replay->sync;
	struct comparing comparing = {.item = item};
	/* A failure to read leaves the comparison to the writer. */
	if (reader != NULL &&
		reader_feed(reader, &sync->self, item->sequence, 1, compare, &comparing) ==
			ERR_OK &&
		comparing.is_same) {
		item->is_same = true;
		return;
	}
	item->err = message_verify(
		span_of(item->raw, item->len), sync_hmac(sync), &item->message, &item->why);
	if (item->err != ERR_OK) {
		return;
	}
	if (!feed_id_equal(&item->message->author, &sync->self) ||
		item->message->sequence != item->sequence) {
		item->err = ERR_REFUSED;
		item->why = "author or sequence is not what it was announced as";
		return;
	}
	item->key = item->message->key;
}

static void work(void *ctx)
{
	struct looking *job = ctx;
	struct reader *reader = readers_take(job->replay->sync->readers);
	for (size_t i = 0; i < job->count; i++) {
		look_at(job, reader, job->items[i]);
	}
	readers_give(job->replay->sync->readers, reader);
}

/* Loop. */

/* Writer thread: what became of them is told by the state. */
static void on_appended(void *ctx, struct append_job *job)
{
	(void)ctx;
	append_job_free(job);
}

static void go_on(struct replay *replay);

static void give(struct replay *replay, struct append_job *job)
{
	if (job->count == 0) {
		append_job_free(job);
	} else if (writer_append(replay->sync->writer, job) != ERR_OK) {
		replay->refused = job;
		loop_timer_set(replay->timer, RETRY_MS);
	}
}

static void judge(struct replay *replay, struct replayed *item, struct append_job *job)
{
	struct sync *sync = replay->sync;
	struct partner *from = peers_by_serial(sync, item->serial);
	if (item->err != ERR_OK && item->err != ERR_NOMEM) {
		sync->counters.refused++;
		LOG(sync->env, LOG_INFO, "own.refused", LOG_NUM("sequence", item->sequence),
			LOG_TEXT("why", item->why == NULL ? err_text(item->err) : item->why));
	}
	if (item->message != NULL && job != NULL) {
		job->messages[job->count++] = item->message;
		item->message = NULL;
	}
	if (from != NULL) {
		confirm_compared(from, item->sequence, item->err == ERR_OK ? &item->key : NULL);
	}
}

static void done(void *ctx)
{
	struct looking *looking = ctx;
	struct replay *replay = looking->replay;
	struct append_job *job = append_job_new(looking->count);
	replay->is_looking = false;
	if (job != NULL) {
		job->on_done = on_appended;
	}
	for (size_t i = 0; i < looking->count; i++) {
		struct replayed *item = looking->items[i];
		replay->count--;
		replay->bytes -= item->len;
		judge(replay, item, job);
		replayed_free(item);
	}
	if (job != NULL) {
		give(replay, job);
	}
	free(looking);
	go_on(replay);
	sync_job_ends(replay->sync);
}

static struct looking *take_some(struct replay *replay)
{
	struct looking *job = calloc(1, sizeof(*job));
	if (job == NULL) {
		return NULL;
	}
	job->replay = replay;
	while (replay->first != NULL && job->count < LIMIT_VERIFY_BATCH) {
		struct replayed *item = replay->first;
		replay->first = item->next;
		job->items[job->count++] = item;
	}
	if (replay->first == NULL) {
		replay->last = NULL;
	}
	return job;
}

/* A job that could not be started: its items are lost, as if they had never been sent. */
static void drop(struct replay *replay, struct looking *job)
{
	for (size_t i = 0; i < job->count; i++) {
		replay->count--;
		replay->bytes -= job->items[i]->len;
		replayed_free(job->items[i]);
	}
	free(job);
}

static void go_on(struct replay *replay)
{
	if (replay->is_stopped || replay->is_looking || replay->refused != NULL ||
		replay->first == NULL) {
		return;
	}
	struct looking *job = take_some(replay);
	if (job == NULL) {
		loop_timer_set(replay->timer, RETRY_MS);
	} else if (loop_work(replay->sync->loop, work, done, job) == ERR_OK) {
		replay->is_looking = true;
		sync_job_begins(replay->sync);
	} else {
		drop(replay, job);
	}
}

static void on_due(void *ctx)
{
	struct replay *replay = ctx;
	struct append_job *job = replay->refused;
	if (job != NULL) {
		replay->refused = NULL;
		give(replay, job);
	}
	go_on(replay);
}

static bool is_in_rate(const struct replay *replay, struct partner *from)
{
	int64_t now = env_mono_ms(replay->sync->env);
	if (from->replays == 0 || now - from->replay_ms >= MINUTE_MS) {
		from->replay_ms = now;
		from->replays = 0;
	}
	return from->replays++ < LIMIT_OWN_REPLAYS_PER_MINUTE;
}

bool replay_put(struct replay *replay, struct partner *from, uint64_t sequence, struct span raw,
	bool is_asked)
{
	if (replay->is_stopped || (!is_asked && !is_in_rate(replay, from)) ||
		replay->count >= LIMIT_BRANCH_MESSAGES ||
		replay->bytes + raw.len > LIMIT_INGEST_BYTES) {
		return false;
	}
	struct replayed *item = calloc(1, sizeof(*item) + raw.len);
	if (item == NULL) {
		return false;
	}
	item->sequence = sequence;
	item->serial = from->serial;
	item->len = raw.len;
	memcpy(item->raw, raw.at, raw.len);
	if (replay->last == NULL) {
		replay->first = item;
	} else {
		replay->last->next = item;
	}
	replay->last = item;
	replay->count++;
	replay->bytes += raw.len;
	go_on(replay);
	return true;
}

enum err replay_new(struct sync *sync, struct replay **out)
{
	struct replay *replay = calloc(1, sizeof(*replay));
	if (replay == NULL) {
		return ERR_NOMEM;
	}
	replay->sync = sync;
	replay->timer = loop_timer_new(sync->loop, on_due, replay);
	if (replay->timer == NULL) {
		free(replay);
		return ERR_NOMEM;
	}
	*out = replay;
	return ERR_OK;
}

void replay_stop(struct replay *replay)
{
	replay->is_stopped = true;
	loop_timer_clear(replay->timer);
}

void replay_free(struct replay *replay)
{
	if (replay == NULL) {
		return;
	}
	while (replay->first != NULL) {
		struct replayed *next = replay->first->next;
		replayed_free(replay->first);
		replay->first = next;
	}
	append_job_free(replay->refused);
	loop_timer_free(replay->timer);
	free(replay);
}
