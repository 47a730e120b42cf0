/*
 * Coming and going of connections, what the store tells, and the one timer: while something comes
 * or somebody does not fetch what it was told, a look each second; else when the next want of the
 * owner is to be told again, or others' wants are to be forgotten; else it is not set.
 */
#include "sync/wants_state.h"

#include "sync/reach.h"

#include <assert.h>
#include <stdlib.h>

enum { LOOK_MS = 1000, EXPIRE_MS = 3600 * 1000, GATHER_MS = 5000 };

int64_t wants_now(const struct wants *wants)
{
	return env_mono_ms(wants->sync->env);
}

bool wants_is_near(const struct partner *partner)
{
	return partner->is_dialled_by_us ||
	       reach_wanted(partner->sync->reach, &partner->id) != NULL;
}

/* What is due. */

static int64_t sooner(int64_t one, int64_t two)
{
	return one < two ? one : two;
}

/* Those of the next seconds go together. */
static int64_t retry_own(struct wants *wants, int64_t now_ms)
{
	int64_t next_ms = INT64_MAX;
	struct want *last = wants->last;
	struct want *next = NULL;
	for (struct want *want = wants->own_count > 0 ? wants->first : NULL; want != NULL;
		want = next) {
		next = want == last ? NULL : want->next; /* what is told goes to the end */
		if (want->is_own && want->retry_ms <= now_ms + GATHER_MS) {
			wants_retry(wants, want);
		}
		next_ms = want->is_own ? sooner(next_ms, want->retry_ms) : next_ms;
	}
	return next_ms;
}

static void on_due(void *ctx)
{
	struct wants *wants = ctx;
	int64_t now_ms = wants_now(wants);
	int64_t next_ms = INT64_MAX;
	if (wants->is_stopped) {
		return;
	}
	wants_get_due(wants);
	bool is_near = wants_answers_due(wants) || wants->gets != NULL;
	if (wants->retry_ms <= now_ms) {
		wants->retry_ms = retry_own(wants, now_ms);
	}
	if (wants->expire_ms <= now_ms) {
		wants_expire(wants);
		wants->expire_ms = now_ms + EXPIRE_MS;
	}
	loop_task_queue(wants->sync->loop, &wants->get_task);
	next_ms = sooner(next_ms, wants->own_count > 0 ? wants->retry_ms : INT64_MAX);
	next_ms = sooner(next_ms, wants->tie_count > 0 ? wants->expire_ms : INT64_MAX);
	next_ms = sooner(
		next_ms, is_near || wants->ready_first != NULL ? now_ms + LOOK_MS : INT64_MAX);
	wants->due_ms = next_ms;
	if (next_ms != INT64_MAX) {
		loop_timer_set(wants->timer, next_ms > now_ms ? next_ms - now_ms : 0);
	}
}

void wants_wake(struct wants *wants)
{
	int64_t now_ms = wants_now(wants);
	bool is_soon = wants->due_ms >= now_ms && wants->due_ms <= now_ms + LOOK_MS;
	if (!wants->is_stopped && !is_soon) {
		wants->due_ms = now_ms + LOOK_MS;
		loop_timer_set(wants->timer, LOOK_MS);
	}
}

/* What the store tells. */

/* Did it come through us, and was told? Each is asked once. */
static bool was_here(struct wants *wants, const struct blob_id *id)
{
	for (size_t i = 0; i < WANTS_RECENT; i++) {
		if (memcmp(wants->recent[i].at, id->at, ID_BYTES) == 0) {
			wants->recent[i] = (struct blob_id){0};
			return true;
		}
	}
	return false;
}

void wants_here(struct wants *wants, const struct blob_id *id, uint64_t bytes)
{
	wants->recent[wants->recent_next] = *id;
	wants->recent_next = (wants->recent_next + 1) % WANTS_RECENT;
	wants_notice(wants, id, false);
	wants_came(wants, id, bytes);
}

static void came(struct wants *wants, const struct blob_news *news)
{
	struct want *want = wants_find(wants, &news->id);
	bool is_fetched = want != NULL && want->get != NULL && wants_get_came(want->get);
	if (is_fetched || news->is_added) {
		wants_notice(wants, &news->id, news->is_added);
	}
	wants_came(wants, &news->id, news->bytes);
}

static void take_news(struct wants *wants, const struct blob_news *news)
{
	bool is_done = true;
	switch (news->event) {
	case BLOB_CAME:
		if (news->is_added || !was_here(wants, &news->id)) {
			came(wants, news);
		}
		break;
	case BLOB_GONE:
		is_done = wants_offer(wants, &news->id, false);
		break;
	case BLOB_WANTED:
	case BLOB_UNWANTED:
		is_done = wants_own(wants, &news->id, news->event == BLOB_WANTED);
		break;
	case BLOB_OFFERED:
		is_done = wants_offer(wants, &news->id, true);
		break;
	}
	if (!is_done) {
		LOG(wants->sync->env, LOG_ERROR, "blob.untold", LOG_TEXT("why", "out of memory"));
	}
}

void wants_news(struct wants *wants, const struct blob_news *news, size_t count)
{
	for (size_t i = 0; i < count && !wants->is_stopped; i++) {
		take_news(wants, &news[i]);
	}
}

/* Connections. */

void wants_ready(struct partner *partner)
{
	struct wants *wants = partner->sync->wants;
	struct wants_peer *peer = calloc(1, sizeof(*peer));
	partner->wants = peer;
	if (peer == NULL) {
		return;
	}
	peer->wants = wants;
	peer->partner = partner;
	peer->next = wants->peers;
	if (peer->next != NULL) {
		peer->next->prev = peer;
	}
	wants->peers = peer;
	wants_hear(peer);
}

void wants_drop(struct partner *partner)
{
	struct wants_peer *peer = partner->wants;
	if (peer == NULL) {
		return;
	}
	partner->wants = NULL;
	wants_get_drop(peer);
	wants_give_drop(peer);
	wants_hear_drop(peer);
	wants_tell_drop(peer);
	wants_forget_peer(peer);
	*(peer->prev == NULL ? &peer->wants->peers : &peer->prev->next) = peer->next;
	if (peer->next != NULL) {
		peer->next->prev = peer->prev;
	}
	free(peer);
}

/* What others ask. */

void wants_look(const struct wants *wants, const struct blob_id *id, struct sync_blob *out)
{
	const struct want *want = wants_find(wants, id);
	*out = (struct sync_blob){0};
	if (want == NULL) {
		return;
	}
	out->holders = want->is_offer ? want->have_count : want->holder_count;
	if (want->get != NULL) {
		wants_get_look(want->get, &out->received, &out->bytes);
	}
}

void wants_figures(const struct wants *wants, struct wants_figures *out)
{
	*out = wants->figures;
	out->wanted = table_count(wants->by_id);
}

/* Life. */

static void on_own(void *ctx, const struct blob_id *id, int64_t at_ms)
{
	struct wants *wants = ctx;
	(void)at_ms;
	wants->is_short |= !wants_own(wants, id, true);
}

static void on_offer(void *ctx, const struct blob_id *id, int64_t at_ms)
{
	struct wants *wants = ctx;
	(void)at_ms;
	wants->is_short |= !wants_offer(wants, id, true);
}

static enum err load(struct wants *wants)
{
	struct reader *reader = readers_take(wants->sync->readers);
	enum err err = reader == NULL ? ERR_IO : blobs_wants(reader, on_own, wants);
	if (err == ERR_OK) {
		err = blobs_pushes(reader, on_offer, wants);
	}
	readers_give(wants->sync->readers, reader);
	return err == ERR_OK && wants->is_short ? ERR_NOMEM : err;
}

enum err wants_new(struct sync *sync, struct blobs *blobs, struct wants **out)
{
	struct wants *wants = calloc(1, sizeof(*wants));
	if (wants == NULL) {
		return ERR_NOMEM;
	}
	wants->sync = sync;
	wants->blobs = blobs;
	wants->due_ms = INT64_MAX;
	wants->tell_task = (struct loop_task){.fn = wants_tell_task, .ctx = wants};
	wants->get_task = (struct loop_task){.fn = wants_get_task, .ctx = wants};
	wants->by_id = table_new(sync->env, 4 * LIMIT_BLOB_WANTS);
	wants->askers = table_new(sync->env, LIMIT_BLOB_WANTS + LIMIT_PEERS_MAX);
	wants->timer = loop_timer_new(sync->loop, on_due, wants);
	enum err err = ERR_NOMEM;
	if (wants->by_id != NULL && wants->askers != NULL && wants->timer != NULL) {
		err = blobs == NULL ? ERR_OK : load(wants);
	}
	if (err != ERR_OK) {
		wants_free(wants);
		return err;
	}
	*out = wants;
	return ERR_OK;
}

void wants_stop(struct wants *wants)
{
	wants->is_stopped = true;
	loop_timer_clear(wants->timer);
	loop_task_cancel(&wants->tell_task);
	wants_get_stop(wants);
	loop_task_cancel(&wants->get_task);
}

void wants_free(struct wants *wants)
{
	if (wants == NULL) {
		return;
	}
	loop_task_cancel(&wants->tell_task);
	loop_task_cancel(&wants->get_task);
	wants_free_all(wants);
	table_free(wants->by_id);
	table_free(wants->askers);
	if (wants->timer != NULL) {
		loop_timer_free(wants->timer);
	}
	free(wants);
}
