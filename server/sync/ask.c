/*
 * What other threads ask: the question is posted to the loop and waited for, for a bounded time.
 * Who is last of the two lets it go, so that a loop that answers late finds no dangling memory.
 */
#include "sync/core.h"

#include "base/table.h"
#include "sync/ebt.h"
#include "sync/missing.h"
#include "sync/peers.h"
#include "sync/recover.h"
#include "sync/schedule.h"
#include "sync/shares.h"
#include "sync/wants.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ASK_MS = 5000, WHY_BYTES = 512 };

struct ask {
	struct sync *sync;
	void (*answer)(struct ask *ask); /* loop thread; calls ask_done() now or later */
	pthread_mutex_t lock;
	pthread_cond_t done_cond;
	bool is_done;
	int refs;
	enum err err;
	/* Questions and answers. */
	struct address address;
	struct feed_id id;
	bool has_id;
	char why[WHY_BYTES];
	struct sync_figures figures;
	struct peer_row *rows;
	struct sync_holder *holders;
	size_t count;
	struct message_id ids[LIMIT_MISSING_ASKED];
	struct missing_answer missing;
	struct blob_id blob_id;
	struct sync_blob blob;
};

static struct ask *ask_new(struct sync *sync, void (*answer)(struct ask *ask))
{
	struct ask *ask = calloc(1, sizeof(*ask));
	pthread_condattr_t attr;
	if (ask == NULL || pthread_condattr_init(&attr) != 0) {
		free(ask);
		return NULL;
	}
	ask->sync = sync;
	ask->answer = answer;
	ask->refs = 1;
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_mutex_init(&ask->lock, NULL);
	(void)pthread_cond_init(&ask->done_cond, &attr);
	(void)pthread_condattr_destroy(&attr);
	return ask;
}

static void ask_release(struct ask *ask)
{
	(void)pthread_mutex_lock(&ask->lock);
	bool is_last = --ask->refs == 0;
	(void)pthread_mutex_unlock(&ask->lock);
	if (is_last) {
		(void)pthread_cond_destroy(&ask->done_cond);
		(void)pthread_mutex_destroy(&ask->lock);
		for (size_t i = 0; i < LIMIT_MISSING_ASKED; i++) {
			message_free(ask->missing.found[i]);
		}
		free(ask->rows);
		free(ask->holders);
		free(ask);
	}
}

static void ask_done(struct ask *ask, enum err err)
{
	(void)pthread_mutex_lock(&ask->lock);
	ask->err = err;
	ask->is_done = true;
	(void)pthread_cond_signal(&ask->done_cond);
	(void)pthread_mutex_unlock(&ask->lock);
	ask_release(ask);
}

static void on_loop(void *ctx)
{
	struct ask *ask = ctx;
	if (ask->sync->is_stopping) {
		ask_done(ask, ERR_CLOSED);
	} else {
		ask->answer(ask);
	}
}

/* Post and wait. ERR_TIMEOUT: the answer may still come, to nobody. */
static enum err ask_wait(struct ask *ask, int64_t wait_ms)
{
	struct timespec until;
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ms / 1000;
	until.tv_nsec += (wait_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	ask->refs++;
	enum err err = loop_post(ask->sync->loop, on_loop, ask);
	if (err != ERR_OK) {
		ask->refs--;
		return err;
	}
	(void)pthread_mutex_lock(&ask->lock);
	int rc = 0;
	while (!ask->is_done && rc != ETIMEDOUT) {
		rc = pthread_cond_timedwait(&ask->done_cond, &ask->lock, &until);
	}
	err = ask->is_done ? ask->err : ERR_TIMEOUT;
	(void)pthread_mutex_unlock(&ask->lock);
	return err;
}

/* Peers. */

static void fill_row(struct peer_row *row, const struct partner *partner)
{
	struct sync *sync = partner->sync;
	*row = (struct peer_row){
		.id = partner->id,
		.state = partner->is_ready ? PEER_STATE_CONNECTED : PEER_STATE_DIALLING,
		.via = partner->via,
		.is_dialled_by_us = partner->is_dialled_by_us,
		.received = partner->received,
	};
	if (partner->is_dialled_by_us) {
		struct buf text = BUF_INIT(LIMIT_ADDRESS_BYTES);
		if (address_format(&partner->address, &text) == ERR_OK) {
			memcpy(row->address, text.at, text.len);
		}
		buf_fini(&text);
	} else {
		schedule_address(sync->schedule, &partner->id, row->address);
	}
	if (partner->is_ready) {
		struct peer_figures figures;
		peer_figures(partner->peer, &figures);
		row->bytes_in = figures.bytes_in;
		row->bytes_out = figures.bytes_out;
		row->behind = ebt_behind(partner);
		row->seen_ms = env_wall_ms(sync->env);
	}
}

static void answer_peers(struct ask *ask)
{
	struct sync *sync = ask->sync;
	size_t room = sync->partner_count + schedule_count(sync->schedule);
	ask->rows = calloc(room + 1, sizeof(*ask->rows));
	if (ask->rows == NULL) {
		ask_done(ask, ERR_NOMEM);
		return;
	}
	for (const struct partner *partner = sync->partners; partner != NULL;
		partner = partner->next) {
		bool is_somebody = (partner->is_ready || partner->is_dialled_by_us) &&
				   !feed_id_equal(&partner->id, &sync->self);
		if (is_somebody && !partner->is_closing) {
			fill_row(&ask->rows[ask->count++], partner);
		}
	}
	ask->count += schedule_rows(sync->schedule, ask->rows + ask->count, room - ask->count);
	ask_done(ask, ERR_OK);
}

enum err sync_peers(struct sync *sync, struct peer_row **rows, size_t *count)
{
	struct ask *ask = ask_new(sync, answer_peers);
	if (ask == NULL) {
		return ERR_NOMEM;
	}
	enum err err = ask_wait(ask, ASK_MS);
	if (err == ERR_OK) {
		*rows = ask->rows;
		*count = ask->count;
		ask->rows = NULL;
	}
	ask_release(ask);
	return err;
}

/* Connect and disconnect. */

static void on_outcome(void *ctx, const char *why)
{
	struct ask *ask = ctx;
	if (why != NULL) {
		(void)snprintf(ask->why, sizeof(ask->why), "%s", why);
	}
	ask_done(ask, why == NULL ? ERR_OK : ERR_CLOSED);
}

static void answer_connect(struct ask *ask)
{
	schedule_connect(ask->sync->schedule, &ask->address, on_outcome, ask);
}

enum err sync_connect(struct sync *sync, const struct address *address, int64_t wait_ms, char *why,
	size_t why_bytes)
{
	struct ask *ask = ask_new(sync, answer_connect);
	(void)snprintf(why, why_bytes, "%s", "");
	if (ask == NULL) {
		(void)snprintf(why, why_bytes, "There is no memory for one more connection.");
		return ERR_NOMEM;
	}
	ask->address = *address;
	enum err err = ask_wait(ask, wait_ms);
	if (err == ERR_TIMEOUT) {
		(void)snprintf(why, why_bytes, "%s:%u did not answer within %lld seconds.",
			address->host, (unsigned)address->port, (long long)(wait_ms + 999) / 1000);
	} else if (err != ERR_OK) {
		(void)snprintf(why, why_bytes, "%s",
			ask->why[0] != '\0' ? ask->why : "The node is stopping.");
	}
	ask_release(ask);
	return err;
}

static void answer_disconnect(struct ask *ask)
{
	struct partner *next;
	for (struct partner *partner = ask->sync->partners; partner != NULL; partner = next) {
		next = partner->next;
		bool is_meant = partner->is_ready && !partner->is_closing &&
				(!ask->has_id || feed_id_equal(&partner->id, &ask->id));
		if (is_meant) {
			schedule_hold(ask->sync->schedule, &partner->id);
			peers_close(partner, "disconnected by you");
			ask->count++;
		}
	}
	ask_done(ask, ask->count > 0 ? ERR_OK : ERR_NOT_FOUND);
}

enum err sync_disconnect(struct sync *sync, const struct feed_id *id)
{
	struct ask *ask = ask_new(sync, answer_disconnect);
	if (ask == NULL) {
		return ERR_NOMEM;
	}
	ask->has_id = id != NULL;
	if (id != NULL) {
		ask->id = *id;
	}
	enum err err = ask_wait(ask, ASK_MS);
	ask_release(ask);
	return err;
}

static void answer_address(struct ask *ask)
{
	schedule_add(ask->sync->schedule, &ask->address);
	ask_done(ask, ERR_OK);
}

void sync_address_added(struct sync *sync, const struct address *address)
{
	struct ask *ask = ask_new(sync, answer_address);
	if (ask == NULL) {
		return;
	}
	ask->address = *address;
	/* Nobody waits: the loop lets it go. */
	if (loop_post(sync->loop, on_loop, ask) != ERR_OK) {
		ask_release(ask);
	}
}

/* Figures. */

static void answer_figures(struct ask *ask)
{
	const struct sync *sync = ask->sync;
	const struct sync_counters *counters = &sync->counters;
	struct shares_figures shares;
	struct wants_figures wants;
	shares_figures(sync->shares, &shares);
	wants_figures(sync->wants, &wants);
	ask->figures = (struct sync_figures){
		.messages_in = counters->messages_in,
		.messages_out = counters->messages_out,
		.refused = counters->refused,
		.duplicates = counters->duplicates,
		.feeds = reach_count(sync->reach),
		.last_in_ms = counters->last_in_ms,
		.calls_refused = counters->calls_refused,
		.handshakes_failed = counters->handshakes_failed,
		.note_bytes_in = counters->note_bytes_in,
		.note_bytes_out = counters->note_bytes_out,
		.feeds_paused = shares.feeds_paused,
		.peers_paused = shares.peers_paused,
		.blobs_in = wants.in,
		.blobs_out = wants.out,
		.blob_bytes_in = wants.in_bytes,
		.blob_bytes_out = wants.out_bytes,
		.blob_lies = wants.lies,
		.blobs_wanted = wants.wanted,
		.bytes_in = counters->bytes_in,
		.bytes_out = counters->bytes_out,
		.ingest = ingest_count(sync->ingest),
	};
	for (const struct partner *partner = sync->partners; partner != NULL;
		partner = partner->next) {
		struct peer_figures peer = {.bytes_in = 0};
		if (partner->peer != NULL) {
			peer_figures(partner->peer, &peer);
		}
		ask->figures.bytes_in += peer.bytes_in;
		ask->figures.bytes_out += peer.bytes_out;
		if (partner->is_ready && !partner->is_closing) {
			ask->figures.connected++;
			ask->figures.behind += ebt_behind(partner);
		} else if (partner->is_dialled_by_us && !partner->is_closing) {
			ask->figures.dialling++;
		}
	}
	ask_done(ask, ERR_OK);
}

enum err sync_figures(struct sync *sync, struct sync_figures *out)
{
	struct ask *ask = ask_new(sync, answer_figures);
	if (ask == NULL) {
		return ERR_NOMEM;
	}
	enum err err = ask_wait(ask, ASK_MS);
	if (err == ERR_OK) {
		*out = ask->figures;
	}
	ask_release(ask);
	return err;
}

/* Who has most first; among equals the smaller id, so that an answer does not depend on a hash. */
static int by_sequence(const void *a, const void *b)
{
	const struct sync_holder *one = a;
	const struct sync_holder *two = b;
	if (one->sequence != two->sequence) {
		return one->sequence > two->sequence ? -1 : 1;
	}
	return memcmp(one->id.at, two->id.at, ID_BYTES);
}

static void answer_holders(struct ask *ask)
{
	const struct table *holders = recover_holders(ask->sync->recover);
	const uint8_t *id;
	void *value;
	ask->holders = calloc(table_count(holders) + 1, sizeof(*ask->holders));
	if (ask->holders == NULL) {
		ask_done(ask, ERR_NOMEM);
		return;
	}
	for (size_t cursor = 0; table_next(holders, &cursor, &id, &value);) {
		struct sync_holder *holder = &ask->holders[ask->count];
		memcpy(holder->id.at, id, ID_BYTES);
		holder->sequence = ((const struct holder *)value)->sequence;
		ask->count += holder->sequence > 0 ? 1 : 0;
	}
	ask_done(ask, ERR_OK);
}

enum err sync_holders(struct sync *sync, struct sync_holder *out, size_t room, size_t *count)
{
	struct ask *ask = ask_new(sync, answer_holders);
	if (ask == NULL) {
		return ERR_NOMEM;
	}
	enum err err = ask_wait(ask, ASK_MS);
	if (err == ERR_OK) {
		/* Sorted here: the loop has better things to do. */
		qsort(ask->holders, ask->count, sizeof(*ask->holders), by_sequence);
		*count = ask->count < room ? ask->count : room;
		memcpy(out, ask->holders, *count * sizeof(*out));
	}
	ask_release(ask);
	return err;
}

/* Blobs. */

static void answer_blob(struct ask *ask)
{
	wants_look(ask->sync->wants, &ask->blob_id, &ask->blob);
	ask_done(ask, ERR_OK);
}

enum err sync_blob(struct sync *sync, const struct blob_id *id, struct sync_blob *out)
{
	struct ask *ask = ask_new(sync, answer_blob);
	if (ask == NULL) {
		return ERR_NOMEM;
	}
	ask->blob_id = *id;
	enum err err = ask_wait(ask, ASK_MS);
	if (err == ERR_OK) {
		*out = ask->blob;
	}
	ask_release(ask);
	return err;
}

/* Missing messages. */

static void on_missing(void *ctx, struct missing_answer *answer)
{
	struct ask *ask = ctx;
	struct reach *reach = ask->sync->reach;
	ask->missing.figures = answer->figures;
	for (size_t i = 0; i < LIMIT_MISSING_ASKED; i++) {
		struct message *message = answer->found[i];
		answer->found[i] = NULL;
		if (message != NULL &&
			reach_is_blocking(reach, &ask->sync->self, &message->author)) {
			ask->missing.figures.blocked++;
			message_free(message);
			message = NULL;
		}
		ask->missing.found[i] = message;
	}
	ask_done(ask, ERR_OK);
}

static void answer_missing(struct ask *ask)
{
	enum err err = missing_ask(ask->sync->missing, ask->ids, ask->count, on_missing, ask);
	if (err != ERR_OK) {
		ask_done(ask, err);
	}
}

/* Waiting for the writer is the caller's time, not the loop's. */
static enum err hold_found(struct sync *sync, const struct missing_answer *answer)
{
	enum err err = ERR_OK;
	for (size_t i = 0; err == ERR_OK && i < LIMIT_MISSING_ASKED; i++) {
		const struct message *message = answer->found[i];
		if (message != NULL) {
			const struct change change = {.kind = CHANGE_STRAY,
				.key = message->key,
				.text = message->compact};
			err = writer_change_wait(sync->writer, &change);
		}
	}
	return err;
}

enum err sync_missing(
	struct sync *sync, const struct message_id *ids, size_t count, struct sync_missing *out)
{
	if (count == 0 || count > LIMIT_MISSING_ASKED) {
		return ERR_LIMIT;
	}
	struct ask *ask = ask_new(sync, answer_missing);
	if (ask == NULL) {
		return ERR_NOMEM;
	}
	memcpy(ask->ids, ids, count * sizeof(*ids));
	ask->count = count;
	enum err err = ask_wait(ask, LIMIT_MISSING_MS + ASK_MS);
	if (err == ERR_OK) {
		*out = ask->missing.figures;
		err = hold_found(sync, &ask->missing);
	}
	ask_release(ask);
	return err;
}
