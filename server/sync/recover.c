/*
 * What peers have of our feed is kept in memory and goes to the writer every FLUSH_MS and when a
 * connection ends, not with each message. Only those in reach, already known, or dialled by us have
 * a row: keys are free; at LIMIT_HOLDERS the writer forgets who was silent longest. The state is
 * looked at when the writer says that it changed, and at the start.
 *
 * The greeting waits for holders that the schedule will dial: each has had its moment when it told
 * its number, or when it could not be reached.
 */
#include "sync/recover.h"

#include "base/table.h"
#include "store/safety.h"
#include "sync/confirm.h"
#include "sync/ebt.h"
#include "sync/peers.h"
#include "sync/schedule.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { FLUSH_MS = 2000 };

struct recover {
	struct sync *sync;
	struct table *holders;
	size_t dirty;
	struct guard_report report;
	struct loop_timer *flush_timer, *confirm_timer, *greeting_timer;
	size_t awaited;
	bool is_stopped;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t greeted;
	bool is_greeted, has_lock;
};

static struct holder *holder_of(const struct recover *recover, const struct feed_id *peer)
{
	return table_get(recover->holders, peer->at);
}

static struct holder *holder_make(struct recover *recover, const struct feed_id *peer)
{
	struct holder *holder = holder_of(recover, peer);
	if (holder == NULL) {
		holder = calloc(1, sizeof(*holder));
		if (holder != NULL && table_put(recover->holders, peer->at, holder) != ERR_OK) {
			free(holder);
			holder = NULL;
		}
	}
	return holder;
}

/* Writing down. */

bool recover_counts(struct recover *recover, const struct partner *partner)
{
	const struct holder *holder = holder_of(recover, &partner->id);
	return (holder != NULL && holder->is_kept) ||
	       reach_known(recover->sync->reach, &partner->id) != NULL ||
	       (partner->is_dialled_by_us && partner->via == PEER_VIA_NET);
}

static bool may_keep(struct recover *recover, const struct feed_id *peer)
{
	const struct partner *partner = peers_ready(recover->sync, peer);
	return reach_known(recover->sync->reach, peer) != NULL ||
	       (partner != NULL && recover_counts(recover, partner));
}

static void keep(struct recover *recover, const struct feed_id *peer, struct holder *holder)
{
	if (!holder->is_kept && may_keep(recover, peer)) {
		holder->is_kept = true;
	}
	if (holder->is_kept && !holder->is_dirty && holder->sequence > 0) {
		holder->is_dirty = true;
		if (recover->dirty++ == 0 && !recover->is_stopped) {
			loop_timer_set(recover->flush_timer, FLUSH_MS);
		}
	}
}

static bool flush_one(struct recover *recover, const struct feed_id *peer, struct holder *holder)
{
	struct change change = {
		.kind = CHANGE_HOLDS, .feed = *peer, .number = (int64_t)holder->sequence};
	if (holder->is_dirty && writer_change(recover->sync->writer, &change) == ERR_OK) {
		holder->is_dirty = false;
		recover->dirty--;
	}
	return !holder->is_dirty;
}

static void flush(struct recover *recover)
{
	const uint8_t *id;
	void *value;
	for (size_t cursor = 0;
		recover->dirty > 0 && table_next(recover->holders, &cursor, &id, &value);) {
		struct feed_id peer;
		memcpy(peer.at, id, ID_BYTES);
		if (!flush_one(recover, &peer, value)) {
			break; /* the writer is busy */
		}
	}
	if (recover->dirty > 0 && !recover->is_stopped) {
		loop_timer_set(recover->flush_timer, FLUSH_MS);
	}
}

static void on_flush_due(void *ctx)
{
	flush(ctx);
}

void recover_holds(struct recover *recover, const struct feed_id *peer, uint64_t sequence)
{
	struct holder *holder = holder_make(recover, peer);
	if (holder == NULL) {
		return;
	}
	if (sequence > holder->sequence) {
		holder->sequence = sequence;
		keep(recover, peer, holder);
		sync_changed(recover->sync);
	}
}

/* Greeting. */

static void greeted(struct recover *recover)
{
	(void)pthread_mutex_lock(&recover->lock);
	recover->is_greeted = true;
	(void)pthread_cond_broadcast(&recover->greeted);
	(void)pthread_mutex_unlock(&recover->lock);
}

static void no_longer_awaited(struct recover *recover, struct holder *holder)
{
	if (holder != NULL && holder->is_awaited) {
		holder->is_awaited = false;
		if (--recover->awaited == 0) {
			greeted(recover);
		}
	}
}

static void on_greeting_due(void *ctx)
{
	greeted(ctx);
}

static void await(struct recover *recover)
{
	const uint8_t *id;
	void *value;
	for (size_t cursor = 0; table_next(recover->holders, &cursor, &id, &value);) {
		struct holder *holder = value;
		struct feed_id peer;
		memcpy(peer.at, id, ID_BYTES);
		holder->is_awaited = schedule_may_dial(recover->sync->schedule, &peer);
		recover->awaited += holder->is_awaited ? 1 : 0;
	}
	if (recover->awaited == 0) {
		greeted(recover);
	} else {
		loop_timer_set(recover->greeting_timer, LIMIT_GREETING_MS);
	}
}

void recover_greeting(struct recover *recover)
{
	struct timespec until;
	int rc = clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (LIMIT_GREETING_MS + 999) / 1000; /* whatever the loop is doing */
	(void)pthread_mutex_lock(&recover->lock);
	while (rc == 0 && !recover->is_greeted) {
		rc = pthread_cond_timedwait(&recover->greeted, &recover->lock, &until);
	}
	(void)pthread_mutex_unlock(&recover->lock);
}

/* State. */

const struct guard_report *recover_report(const struct recover *recover)
{
	return &recover->report;
}

bool recover_is_asking(const struct recover *recover)
{
	return recover->report.state == FENCE_SUSPECT || recover->report.state == FENCE_FORKED;
}

bool recover_is_looking(const struct recover *recover)
{
	return recover->report.state == FENCE_SUSPECT;
}

static void ask_all(struct recover *recover)
{
	for (struct partner *partner = recover->sync->partners; partner != NULL;
		partner = partner->next) {
		if (partner->is_ready && !partner->is_closing) {
			ebt_note_own(partner);
			confirm_again(partner);
		}
	}
}

void recover_look(struct recover *recover)
{
	const struct guard_report old = recover->report;
	struct guard_report *now = &recover->report;
	if (recover->is_stopped) {
		return;
	}
	writer_guard(recover->sync->writer, now);
	if (now->state == old.state && now->spell == old.spell &&
		now->fork_sequence == old.fork_sequence) {
		return;
	}
	LOG(recover->sync->env, LOG_INFO, "publishing.state",
		LOG_TEXT("state", fence_state_text(now->state)),
		LOG_TEXT("cause", guard_cause_name(now->cause)));
	if (recover_is_asking(recover)) {
		ask_all(recover);
	}
	schedule_touch(recover->sync->schedule);
	sync_changed(recover->sync);
}

void recover_claims(struct partner *partner, uint64_t sequence)
{
	struct sync *sync = partner->sync;
	struct change change = {
		.kind = CHANGE_CLAIM, .feed = partner->id, .number = (int64_t)sequence};
	if (sequence <= reach_self(sync->reach)->head || sequence <= partner->claimed) {
		return;
	}
	if (writer_change(sync->writer, &change) == ERR_OK) {
		partner->claimed = sequence;
		LOG(sync->env, LOG_INFO, "own.claimed",
			LOG_ADDRESS("peer", span_text(peer_remote(partner->peer))),
			LOG_NUM("sequence", sequence));
	}
}

void recover_told(struct partner *partner, int64_t note)
{
	struct recover *recover = partner->sync->recover;
	if (note >= 0) {
		recover_holds(recover, &partner->id, (uint64_t)note);
		recover_claims(partner, (uint64_t)note);
	}
	struct holder *holder = holder_of(recover, &partner->id);
	if (holder != NULL) {
		if (!partner->has_told) {
			keep(recover, &partner->id, holder); /* the time it last told */
		}
		partner->has_told = true;
		holder->has_told = true;
		no_longer_awaited(recover, holder);
	}
	confirm_told(partner, note);
}

bool recover_must_note(struct recover *recover, const struct feed_id *peer)
{
	const struct holder *holder = holder_of(recover, peer);
	return recover_is_asking(recover) ||
	       (holder != NULL && holder->is_kept && !holder->has_told);
}

bool recover_must_compare(struct recover *recover, const struct feed_id *peer)
{
	struct holder *holder = holder_of(recover, peer);
	enum fence_state state = recover->report.state;
	bool must = holder != NULL && holder->is_kept && !holder->is_compared &&
		    (state == FENCE_CLEAN || state == FENCE_NEW);
	if (must) {
		holder->is_compared = true;
	}
	return must;
}

void recover_not_compared(struct recover *recover, const struct feed_id *peer)
{
	struct holder *holder = holder_of(recover, peer);
	if (holder != NULL) {
		holder->is_compared = false;
	}
}

/* Connections. */

static void on_confirm_due(void *ctx)
{
	struct recover *recover = ctx;
	struct sync *sync = recover->sync;
	int64_t now = env_mono_ms(sync->env);
	for (struct partner *partner = sync->partners; partner != NULL; partner = partner->next) {
		if (confirm_due_ms(partner) <= now) {
			confirm_go_on(partner);
		}
	}
	recover_touch(recover);
}

void recover_touch(struct recover *recover)
{
	int64_t due = INT64_MAX;
	for (const struct partner *partner = recover->sync->partners; partner != NULL;
		partner = partner->next) {
		int64_t theirs = confirm_due_ms(partner);
		due = theirs < due ? theirs : due;
	}
	if (due != INT64_MAX && !recover->is_stopped) {
		int64_t now = env_mono_ms(recover->sync->env);
		loop_timer_set(recover->confirm_timer, due > now ? due - now : 0);
	}
}

void recover_ready(struct partner *partner)
{
	confirm_new(partner);
}

void recover_gone(struct partner *partner)
{
	struct recover *recover = partner->sync->recover;
	struct holder *holder = holder_of(recover, &partner->id);
	confirm_free(partner);
	if (holder != NULL && peers_ready(recover->sync, &partner->id) == NULL) {
		no_longer_awaited(recover, holder);
	}
	if (holder != NULL) {
		(void)flush_one(recover, &partner->id, holder);
	}
}

void recover_committed(struct recover *recover)
{
	struct partner *partner = recover_is_asking(recover) ? recover->sync->partners : NULL;
	for (; partner != NULL; partner = partner->next) {
		confirm_again(partner);
	}
}

void recover_reach_changed(struct recover *recover)
{
	const uint8_t *id;
	void *value;
	for (size_t cursor = 0; table_next(recover->holders, &cursor, &id, &value);) {
		struct holder *holder = value;
		struct feed_id peer;
		memcpy(peer.at, id, ID_BYTES);
		if (!holder->is_kept) {
			keep(recover, &peer, holder);
		}
	}
	for (struct partner *partner = recover->sync->partners; partner != NULL;
		partner = partner->next) {
		confirm_reach_changed(partner);
	}
}

/* Life. */

const struct table *recover_holders(const struct recover *recover)
{
	return recover->holders;
}

static void take_holder(void *ctx, const struct guard_holder *row)
{
	struct recover *recover = ctx;
	struct holder *holder = holder_make(recover, &row->peer);
	if (holder != NULL) {
		holder->sequence = row->sequence;
		holder->is_kept = true;
	}
}

static enum err load(struct recover *recover)
{
	struct reader *reader = readers_take(recover->sync->readers);
	writer_guard(recover->sync->writer, &recover->report);
	enum err err = reader == NULL ? ERR_IO
				      : reader_holders(reader, recover->report.spell, take_holder,
						recover);
	readers_give(recover->sync->readers, reader);
	return err;
}

static enum err make_lock(struct recover *recover)
{
	pthread_condattr_t attr;
	if (pthread_condattr_init(&attr) != 0) {
		return ERR_NOMEM;
	}
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_mutex_init(&recover->lock, NULL);
	(void)pthread_cond_init(&recover->greeted, &attr);
	(void)pthread_condattr_destroy(&attr);
	recover->has_lock = true;
	return ERR_OK;
}

enum err recover_new(struct sync *sync, struct recover **out)
{
	struct recover *recover = calloc(1, sizeof(*recover));
	if (recover == NULL) {
		return ERR_NOMEM;
	}
	recover->sync = sync;
	recover->holders = table_new(sync->env, LIMIT_KNOWN_ADDRESSES);
	recover->flush_timer = loop_timer_new(sync->loop, on_flush_due, recover);
	recover->confirm_timer = loop_timer_new(sync->loop, on_confirm_due, recover);
	recover->greeting_timer = loop_timer_new(sync->loop, on_greeting_due, recover);
	enum err err = make_lock(recover);
	if (recover->holders == NULL || recover->flush_timer == NULL ||
		recover->confirm_timer == NULL || recover->greeting_timer == NULL) {
		err = ERR_NOMEM;
	}
	if (err == ERR_OK) {
		err = load(recover);
	}
	if (err != ERR_OK) {
		recover_free(recover);
		return err;
	}
	*out = recover;
	await(recover);
	return ERR_OK;
}

void recover_stop(struct recover *recover)
{
	flush(recover);
	recover->is_stopped = true;
	loop_timer_clear(recover->flush_timer);
	loop_timer_clear(recover->confirm_timer);
	loop_timer_clear(recover->greeting_timer);
	greeted(recover);
}

void recover_free(struct recover *recover)
{
	if (recover == NULL) {
		return;
	}
	const uint8_t *id;
	void *value;
	for (size_t cursor = 0;
		recover->holders != NULL && table_next(recover->holders, &cursor, &id, &value);) {
		free(value);
	}
	table_free(recover->holders);
	loop_timer_free(recover->flush_timer);
	loop_timer_free(recover->confirm_timer);
	loop_timer_free(recover->greeting_timer);
	if (recover->has_lock) {
		(void)pthread_cond_destroy(&recover->greeted);
		(void)pthread_mutex_destroy(&recover->lock);
	}
	free(recover);
}
