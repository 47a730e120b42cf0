/*
 * `received` (in lanes, one per connection, each in its turn) → verify jobs (finished in any order,
 * taken over in the order they were started) → `ready` (verified, in lanes again: the writer may be
 * the slow one) → append jobs. Each feed stays in order all the way. `feed->pending` runs ahead of
 * the stored head, so that a second copy of what is on its way is dropped unseen. Peers written in
 * JavaScript send message by message; a job and a transaction for each would cost more than its
 * signature. So when many come in, they are gathered for GATHER_MS, or until they fill a job; few
 * go on at once.
 *
 * When one message fails, `pending` falls back to the head, the epoch of the feed counts up, and
 * later failures of the older epoch change nothing.
 */
#include "sync/ingest.h"

#include "feed/content.h"
#include "sync/confirm.h"
#include "sync/ebt.h"
#include "sync/fetch.h"
#include "sync/ingest_lanes.h"
#include "sync/peers.h"
#include "sync/replay.h"
#include "sync/schedule.h"
#include "sync/shares.h"

#include <assert.h>
#include <stdlib.h>

enum {
	MINUTE_MS = 60000,
	SHUN_MS = 60 * MINUTE_MS,
	RETRY_MS = 10,
	/* The writer gathers as many messages in a bulk, and the others are verified meanwhile. */
	APPEND_JOBS_MAX = LIMIT_INGEST_MESSAGES / 2 / LIMIT_VERIFY_BATCH + 1,
	GATHER_MS = 20,
	MANY = 8,
	PREPARED_VALUES = 100
};

struct verify {
	struct verify *next;
	struct ingest *ingest;
	const uint8_t *hmac_key;
	struct item *items[LIMIT_VERIFY_BATCH];
	size_t count;
	bool is_done;
};

struct ingest {
	struct sync *sync;
	struct lanes received, ready;
	struct verify *first, *last; /* jobs in the order they were started */
	/* Jobs that could not be started; each goes before any other. */
	struct verify *stuck_verify;
	struct append_job *stuck_append;
	unsigned verifying, appending;
	size_t count, bytes; /* everywhere */
	struct loop_timer *start_timer, *retry_timer;
	int64_t since_ms;                 /* when the present span of GATHER_MS began */
	unsigned arrived, arrived_before; /* in it, and in the one before */
	bool is_start_due, is_stopped;
};

static bool is_full(const struct ingest *ingest)
{
	return ingest->count >= LIMIT_INGEST_MESSAGES || ingest->bytes >= LIMIT_INGEST_BYTES;
}

/* Has this connection its share? The rest stays for whoever sends little. */
static bool has_share(const struct partner *partner)
{
	return partner->ingest_count >=
		       LIMIT_INGEST_MESSAGES - LIMIT_INGEST_MESSAGES / LIMIT_INGEST_SHARE ||
	       partner->ingest_bytes >=
		       LIMIT_INGEST_BYTES - LIMIT_INGEST_BYTES / LIMIT_INGEST_SHARE;
}

/* A connection that was paused alone goes on when half of its share is free. */
static void give_share_back(struct ingest *ingest, const struct item *item)
{
	struct partner *from = peers_by_serial(ingest->sync, item->serial);
	if (from == NULL) {
		return;
	}
	assert(from->ingest_count > 0 && from->ingest_bytes >= item->len);
	from->ingest_count--;
	from->ingest_bytes -= item->len;
	if (from->is_paused && !is_full(ingest) &&
		from->ingest_count <= LIMIT_INGEST_MESSAGES / 2 &&
		from->ingest_bytes <= LIMIT_INGEST_BYTES / 2) {
		from->is_paused = false;
		peer_resume(from->peer);
	}
}

static void resume_all(struct ingest *ingest)
{
	for (struct partner *partner = ingest->sync->partners; partner != NULL;
		partner = partner->next) {
		if (partner->is_paused) {
			partner->is_paused = false;
			peer_resume(partner->peer);
		}
	}
}

static void item_free(struct ingest *ingest, struct item *item)
{
	assert(ingest->count > 0 && ingest->bytes >= item->len);
	ingest->count--;
	ingest->bytes -= item->len;
	give_share_back(ingest, item);
	message_free(item->message);
	free(item);
	if (ingest->count <= LIMIT_INGEST_MESSAGES / 2 && ingest->bytes <= LIMIT_INGEST_BYTES / 2) {
		resume_all(ingest);
	}
}

/* An honest peer checks what it passes on; signatures that are wrong cost us a core. */
static void count_bad(struct partner *from)
{
	struct sync *sync = from->sync;
	int64_t now_ms = env_mono_ms(sync->env);
	if (from->bad == 0 || now_ms - from->bad_ms >= MINUTE_MS) {
		from->bad = 0;
		from->bad_ms = now_ms;
	}
	from->bad++;
	if (from->bad > LIMIT_PEER_BAD_SIGNATURES && !from->is_closing) {
		schedule_shun(sync->schedule, &from->id, SHUN_MS);
		peers_close(from, "it sent too many invalid messages");
	}
}

static void item_failed(struct ingest *ingest, struct item *item, enum ingest_failure failure)
{
	struct sync *sync = ingest->sync;
	struct feed *feed = item->feed;
	struct partner *from = peers_by_serial(sync, item->serial);
	bool is_news = item->epoch == feed->epoch;
	shares_give_back(sync->shares, feed, item->len);
	if (is_news) {
		feed->epoch++;
		feed->pending = feed->head;
		lanes_feed_failed(feed);
	}
	if (failure == FAILURE_INVALID || failure == FAILURE_FORKED) {
		char id[FEED_ID_TEXT_BYTES];
		feed_id_format(&feed->id, id);
		sync->counters.refused++;
		LOG(sync->env, LOG_INFO, "message.refused", LOG_KEY("feed", id),
			LOG_NUM("sequence", item->sequence),
			LOG_TEXT("why",
				item->why == NULL ? "another history of this feed" : item->why));
	}
	if (is_news || failure == FAILURE_INVALID || failure == FAILURE_FORKED) {
		ebt_feed_failed(sync, feed, from, failure);
		fetch_feed_failed(sync, feed, from, failure);
	}
	if (failure == FAILURE_INVALID && from != NULL) {
		count_bad(from);
	}
}

/* A tree of so many values takes no more memory than the queue's bounds foresee. */
static bool is_simple(struct span text)
{
	size_t values = 0;
	for (size_t i = 0; i < text.len && values <= PREPARED_VALUES; i++) {
		values += text.at[i] == ',' || text.at[i] == '[' || text.at[i] == '{';
	}
	return values <= PREPARED_VALUES;
}

/* What the writer will look for in it is read here, so that its thread reads no JSON. */
static enum err prepare(const struct message *message)
{
	const struct json *content = NULL;
	enum content_type named = content_named(message);
	return named == CONTENT_OTHER || named == CONTENT_PRIVATE ||
			       !is_simple(message->content_text)
		       ? ERR_OK
		       : message_content(message, &content);
}

/* Worker: no state but the job's own. */
static void verify_work(void *ctx)
{
	struct verify *job = ctx;
	for (size_t i = 0; i < job->count; i++) {
		struct item *item = job->items[i];
		item->err = message_verify(
			span_of(item->raw, item->len), job->hmac_key, &item->message, &item->why);
		if (item->err == ERR_OK &&
			(!feed_id_equal(&item->message->author, &item->feed->id) ||
				item->message->sequence != item->sequence)) {
			item->err = ERR_REFUSED;
			item->why = "author or sequence is not what it was announced as";
		}
		if (item->err == ERR_OK) {
			item->err = prepare(item->message);
		}
	}
}

static void start_appends(struct ingest *ingest);
static void start_verifies(struct ingest *ingest, bool is_gathered);

/* Finished jobs leave in the order they were started. */
static void verify_done(void *ctx)
{
	struct verify *job = ctx;
	struct ingest *ingest = job->ingest;
	job->is_done = true;
	ingest->verifying--;
	while (ingest->first != NULL && ingest->first->is_done) {
		struct verify *first = ingest->first;
		ingest->first = first->next;
		if (ingest->first == NULL) {
			ingest->last = NULL;
		}
		for (size_t i = 0; i < first->count; i++) {
			lanes_put(&ingest->ready, first->items[i]);
		}
		free(first);
	}
	start_appends(ingest);
	start_verifies(ingest, false);
	sync_job_ends(ingest->sync);
}

/* Doomed by an earlier message of its feed, and nobody is left to be told: it costs nothing more.
 */
static bool is_lost(const struct ingest *ingest, const struct item *item)
{
	const struct partner *from = peers_by_serial(ingest->sync, item->serial);
	return item->epoch != item->feed->epoch && (from == NULL || from->is_closing);
}

static struct verify *verify_new(struct ingest *ingest)
{
	struct verify *job = calloc(1, sizeof(*job));
	struct item *item;
	if (job == NULL) {
		return NULL;
	}
	job->ingest = ingest;
	job->hmac_key = sync_hmac(ingest->sync);
	while (job->count < LIMIT_VERIFY_BATCH && (item = lanes_take(&ingest->received)) != NULL) {
		if (is_lost(ingest, item)) {
			item_failed(ingest, item, FAILURE_GAP);
			item_free(ingest, item);
		} else {
			job->items[job->count++] = item;
		}
	}
	return job;
}

static void start_soon(struct ingest *ingest)
{
	bool is_few = ingest->arrived + ingest->arrived_before < MANY;
	bool is_full_job = ingest->received.count >= LIMIT_VERIFY_BATCH;
	ingest->is_start_due = true;
	loop_timer_set(ingest->start_timer, is_few || is_full_job ? 0 : GATHER_MS);
}

static void count_arrival(struct ingest *ingest)
{
	int64_t now_ms = env_mono_ms(ingest->sync->env);
	int64_t spans = (now_ms - ingest->since_ms) / GATHER_MS;
	if (spans > 0) {
		ingest->arrived_before = spans == 1 ? ingest->arrived : 0;
		ingest->arrived = 0;
		ingest->since_ms = now_ms;
	}
	ingest->arrived++;
}

/* False: later. */
static bool start_verify(struct ingest *ingest)
{
	struct verify *job =
		ingest->stuck_verify != NULL ? ingest->stuck_verify : verify_new(ingest);
	ingest->stuck_verify = NULL;
	if (job != NULL && job->count == 0) {
		free(job); /* all of it was lost */
		return true;
	}
	if (job == NULL || loop_work(ingest->sync->loop, verify_work, verify_done, job) != ERR_OK) {
		ingest->stuck_verify = job;
		loop_timer_set(ingest->retry_timer, RETRY_MS);
		return false;
	}
	if (ingest->last == NULL) {
		ingest->first = job;
	} else {
		ingest->last->next = job;
	}
	ingest->last = job;
	ingest->verifying++;
	sync_job_begins(ingest->sync);
	return true;
}

/* Full batches go when there is a place; what was gathered, when not every core has its job. */
static void start_verifies(struct ingest *ingest, bool is_gathered)
{
	if (ingest->is_stopped) {
		return; /* what was not begun yet is asked for again some day */
	}
	while (ingest->verifying < LIMIT_VERIFY_JOBS &&
		(ingest->stuck_verify != NULL || ingest->received.count >= LIMIT_VERIFY_BATCH ||
			(is_gathered && ingest->received.count > 0 && ingest->verifying < 2))) {
		if (!start_verify(ingest)) {
			return;
		}
	}
	if (ingest->received.count > 0 && !ingest->is_start_due && ingest->verifying < 2) {
		start_soon(ingest);
	}
}

/* What the append job's ctx points to: whose the messages are. */
struct appending {
	struct ingest *ingest;
	struct mail *mail; /* made beforehand: the writer's thread must not fail to answer */
	size_t count;
	struct item *items[LIMIT_VERIFY_BATCH];
};

/* Writer thread. */
static void append_done(void *ctx, struct append_job *job)
{
	struct appending *appending = ctx;
	struct sync *sync = appending->ingest->sync;
	struct mail *mail = appending->mail;
	mail->job = job;
	sync_mail(sync, mail);
}

/*
 * The next message for the writer. What is invalid, and what an earlier failure of its feed has
 * doomed, ends here: in its turn, so that the good messages before it are on their way already.
 */
static struct item *take_sound(struct ingest *ingest)
{
	struct item *item;
	while ((item = lanes_take(&ingest->ready)) != NULL) {
		if (item->err == ERR_OK && item->epoch == item->feed->epoch) {
			break;
		}
		item_failed(ingest, item,
			item->err == ERR_OK      ? FAILURE_GAP
			: item->err == ERR_NOMEM ? FAILURE_MACHINE
						 : FAILURE_INVALID);
		item_free(ingest, item);
	}
	return item;
}

static struct append_job *append_new(struct ingest *ingest)
{
	size_t count =
		ingest->ready.count < LIMIT_VERIFY_BATCH ? ingest->ready.count : LIMIT_VERIFY_BATCH;
	struct appending *appending = calloc(1, sizeof(*appending));
	struct append_job *job = append_job_new(count);
	struct mail *mail = calloc(1, sizeof(*mail));
	if (appending == NULL || job == NULL || mail == NULL) {
		free(mail);
		free(appending);
		append_job_free(job);
		return NULL;
	}
	appending->ingest = ingest;
	appending->mail = mail;
	for (size_t i = 0; i < count; i++) {
		struct item *item = take_sound(ingest);
		if (item == NULL) {
			break;
		}
		appending->items[appending->count] = item;
		job->messages[appending->count++] = item->message;
		item->message = NULL;
	}
	job->count = appending->count;
	job->on_done = append_done;
	job->ctx = appending;
	return job;
}

static void append_free(struct append_job *job)
{
	struct appending *appending = job->ctx;
	free(appending->mail);
	free(appending);
	append_job_free(job);
}

/* False: later. */
static bool start_append(struct ingest *ingest)
{
	struct append_job *job =
		ingest->stuck_append != NULL ? ingest->stuck_append : append_new(ingest);
	ingest->stuck_append = NULL;
	if (job != NULL && job->count == 0) {
		append_free(job); /* nothing of it was sound */
		return true;
	}
	if (job == NULL || writer_append(ingest->sync->writer, job) != ERR_OK) {
		ingest->stuck_append = job;
		loop_timer_set(ingest->retry_timer, RETRY_MS);
		return false;
	}
	ingest->appending++;
	sync_job_begins(ingest->sync);
	return true;
}

static void start_appends(struct ingest *ingest)
{
	bool is_going = true;
	while (is_going && (ingest->ready.count > 0 || ingest->stuck_append != NULL) &&
		ingest->appending < APPEND_JOBS_MAX) {
		is_going = start_append(ingest);
	}
}

static void stored(struct ingest *ingest, const struct item *item)
{
	struct sync *sync = ingest->sync;
	struct partner *from = peers_by_serial(sync, item->serial);
	sync->counters.messages_in++;
	sync->counters.last_in_ms = env_wall_ms(sync->env);
	(void)reach_committed(sync->reach, &item->feed->id, item->sequence);
	if (from != NULL) {
		from->received++;
	}
}

static void judge(struct ingest *ingest, struct item *item, enum append_result result)
{
	switch (result) {
	case APPEND_STORED:
		stored(ingest, item);
		break;
	case APPEND_KNOWN:
		ingest->sync->counters.duplicates++;
		(void)reach_committed(ingest->sync->reach, &item->feed->id, item->sequence);
		break;
	case APPEND_GAP:
		item_failed(ingest, item, FAILURE_GAP);
		break;
	case APPEND_FORKED:
		item_failed(ingest, item, FAILURE_FORKED); /* the writer kept the proof */
		break;
	case APPEND_FAILED:
		item_failed(ingest, item, FAILURE_MACHINE);
		break;
	case APPEND_NOT_WANTED:
		item_failed(ingest, item, FAILURE_UNWANTED);
		break;
	}
}

void ingest_appended(struct ingest *ingest, struct append_job *job)
{
	struct appending *appending = job->ctx;
	ingest->appending--;
	for (size_t i = 0; i < appending->count; i++) {
		struct item *item = appending->items[i];
		judge(ingest, item, job->err == ERR_OK ? job->results[i] : APPEND_FAILED);
		item_free(ingest, item);
	}
	if (job->err != ERR_OK) {
		LOG(ingest->sync->env, LOG_WARN, "append.failed",
			LOG_TEXT("why", err_text(job->err)));
	}
	free(appending);
	append_job_free(job);
	start_appends(ingest);
	start_verifies(ingest, false);
	sync_changed(ingest->sync);
	sync_job_ends(ingest->sync);
}

static void on_start(void *ctx)
{
	struct ingest *ingest = ctx;
	ingest->is_start_due = false;
	start_verifies(ingest, true);
}

static void on_retry(void *ctx)
{
	struct ingest *ingest = ctx;
	start_appends(ingest);
	start_verifies(ingest, true);
}

enum err ingest_new(struct sync *sync, struct ingest **out)
{
	struct ingest *ingest = calloc(1, sizeof(*ingest));
	if (ingest == NULL) {
		return ERR_NOMEM;
	}
	ingest->sync = sync;
	ingest->received = (struct lanes){.sync = sync, .stage = LANE_RECEIVED};
	ingest->ready = (struct lanes){.sync = sync, .stage = LANE_VERIFIED};
	ingest->start_timer = loop_timer_new(sync->loop, on_start, ingest);
	ingest->retry_timer = loop_timer_new(sync->loop, on_retry, ingest);
	if (ingest->start_timer == NULL || ingest->retry_timer == NULL) {
		ingest_free(ingest);
		return ERR_NOMEM;
	}
	*out = ingest;
	return ERR_OK;
}

static void free_stuck(struct ingest *ingest)
{
	struct verify *verify = ingest->stuck_verify;
	for (size_t i = 0; verify != NULL && i < verify->count; i++) {
		item_free(ingest, verify->items[i]);
	}
	free(verify);
	if (ingest->stuck_append != NULL) {
		struct appending *appending = ingest->stuck_append->ctx;
		for (size_t i = 0; i < appending->count; i++) {
			item_free(ingest, appending->items[i]);
		}
		append_free(ingest->stuck_append);
	}
}

void ingest_free(struct ingest *ingest)
{
	if (ingest == NULL) {
		return;
	}
	struct item *item;
	while ((item = lanes_take(&ingest->received)) != NULL ||
		(item = lanes_take(&ingest->ready)) != NULL) {
		item_free(ingest, item);
	}
	free_stuck(ingest);
	if (ingest->start_timer != NULL) {
		loop_timer_free(ingest->start_timer);
	}
	if (ingest->retry_timer != NULL) {
		loop_timer_free(ingest->retry_timer);
	}
	free(ingest);
}

enum ingest_verdict ingest_put(struct ingest *ingest, struct partner *from, struct feed *feed,
	uint64_t sequence, struct span raw)
{
	if (sequence <= feed->pending) {
		ingest->sync->counters.duplicates++;
		if (feed == reach_self(ingest->sync->reach)) {
			/* Of our own feed another message with this number must not go unseen. */
			(void)replay_put(ingest->sync->replay, from, sequence, raw,
				confirm_is_expected(from, sequence));
		}
		return INGEST_DUPLICATE;
	}
	if (sequence != feed->pending + 1) {
		return INGEST_GAP;
	}
	if (!shares_take(ingest->sync->shares, feed, raw.len)) {
		return INGEST_PAUSED;
	}
	struct item *item = ingest->is_stopped ? NULL : malloc(sizeof(*item) + raw.len);
	if (item == NULL) {
		shares_give_back(ingest->sync->shares, feed, raw.len);
		return INGEST_FAILED;
	}
	*item = (struct item){.feed = feed,
		.sequence = sequence,
		.epoch = feed->epoch,
		.serial = from->serial,
		.len = raw.len};
	memcpy(item->raw, raw.at, raw.len);
	feed->pending = sequence;
	lanes_put(&ingest->received, item);
	ingest->count++;
	ingest->bytes += raw.len;
	from->ingest_count++;
	from->ingest_bytes += raw.len;
	if ((is_full(ingest) || has_share(from)) && !from->is_paused) {
		from->is_paused = true;
		peer_pause(from->peer);
	}
	count_arrival(ingest);
	if (!ingest->is_start_due || ingest->received.count == LIMIT_VERIFY_BATCH) {
		start_soon(ingest);
	}
	return INGEST_TAKEN;
}

size_t ingest_count(const struct ingest *ingest)
{
	return ingest->count;
}

void ingest_stop(struct ingest *ingest)
{
	ingest->is_stopped = true;
	loop_timer_clear(ingest->start_timer);
	loop_timer_clear(ingest->retry_timer);
}
