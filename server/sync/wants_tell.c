/*
 * What a peer is told goes down the stream it opened by calling blobs.createWants: one item at
 * once, if only `{}`, then what is new. Items hold LIMIT_BLOB_WANTS_PER_ITEM ids at most, and wait
 * while the connection is full.
 *
 * That a blob is here is told only to whom it was named by, and at most LIMIT_BLOB_ANSWERS ahead of
 * what it fetches: JavaScript opens a blobs.get at once for each that it hears of, and a connection
 * has LIMIT_RPC_STREAMS of them.
 */
#include "sync/wants_state.h"

#include "sync/peers.h"
#include "wire/want.h"

#include <stdlib.h>

enum { UNFETCHED_MS = 2000, NOTICES_MAX = 4, ANSWERS_MAX = LIMIT_BLOB_WANTS_PER_PEER };

/* An open call of blobs.changes. */
struct notice {
	struct notice *next, *prev;
	struct wants_peer *peer;
	struct rpc_call *call;
};

/* Answers: a ring, made when the first is there. */

void wants_answer(struct wants_peer *peer, const struct blob_id *id, uint64_t bytes)
{
	if (peer->answers == NULL) {
		peer->answers = calloc(ANSWERS_MAX, sizeof(*peer->answers));
	}
	if (peer->answers == NULL || peer->answer_count == ANSWERS_MAX) {
		return; /* it may ask again */
	}
	size_t at = (peer->answer_first + peer->answer_count) % ANSWERS_MAX;
	peer->answers[at] = (struct answer){.id = *id, .bytes = bytes};
	peer->answer_count++;
	loop_task_queue(peer->wants->sync->loop, &peer->wants->tell_task);
}

static bool may_answer(const struct wants_peer *peer)
{
	return peer->answer_count > 0 && peer->unfetched < LIMIT_BLOB_ANSWERS;
}

static enum err add_answers(struct wants_peer *peer, struct buf *item, size_t *count)
{
	enum err err = ERR_OK;
	while (err == ERR_OK && may_answer(peer) && *count < LIMIT_BLOB_WANTS_PER_ITEM) {
		const struct answer *answer = &peer->answers[peer->answer_first];
		err = want_add(item, &answer->id, (int64_t)answer->bytes);
		peer->answer_first = (peer->answer_first + 1) % ANSWERS_MAX;
		peer->answer_count--;
		peer->unfetched++;
		peer->fetched_ms = wants_now(peer->wants);
		(*count)++;
	}
	if (peer->answer_count == 0) {
		free(peer->answers);
		peer->answers = NULL;
	}
	return err;
}

/* What the peer is told of a want; 0: nothing. */
static int value_for(const struct wants_peer *peer, const struct want *want)
{
	for (unsigned i = 0; i < want->have_count; i++) {
		if (feed_id_equal(&want->have[i], &peer->partner->id)) {
			return 0;
		}
	}
	return want->is_own || want->is_offer ? -1 : -want->distance;
}

static enum err add_wants(struct wants_peer *peer, struct buf *item, size_t *count)
{
	const struct wants *wants = peer->wants;
	enum err err = ERR_OK;
	const struct want *want = wants->last;
	while (want != NULL && want->prev != NULL && want->prev->serial > peer->told) {
		want = want->prev;
	}
	for (; err == ERR_OK && want != NULL && *count < LIMIT_BLOB_WANTS_PER_ITEM;
		want = want->next) {
		int value = want->serial > peer->told ? value_for(peer, want) : 0;
		peer->told = want->serial > peer->told ? want->serial : peer->told;
		if (value != 0) {
			err = want_add(item, &want->id, value);
			(*count)++;
		}
	}
	return err;
}

static bool has_news(const struct wants_peer *peer)
{
	const struct want *last = peer->wants->last;
	return !peer->is_begun || may_answer(peer) || (last != NULL && last->serial > peer->told);
}

/* One item. */
static enum err tell_some(struct wants_peer *peer)
{
	struct buf item = BUF_INIT(LIMIT_RPC_JSON_BYTES);
	size_t count = 0;
	enum err err = want_open(&item);
	if (err == ERR_OK) {
		err = add_answers(peer, &item, &count);
	}
	if (err == ERR_OK) {
		err = add_wants(peer, &item, &count);
	}
	if (err == ERR_OK) {
		err = want_close(&item);
	}
	if (err == ERR_OK && (count > 0 || !peer->is_begun)) {
		peer->is_begun = true;
		err = rpc_send(peer->down, MUXRPC_JSON, buf_span(&item));
	}
	buf_fini(&item);
	return err;
}

static void tell(struct wants_peer *peer)
{
	enum err err = ERR_OK;
	while (err == ERR_OK && peer->down != NULL && has_news(peer) && !rpc_is_full(peer->down)) {
		err = tell_some(peer);
	}
	if (peer->answer_count > 0 && !may_answer(peer)) {
		wants_wake(peer->wants); /* perhaps it does not fetch them */
	}
}

void wants_tell_task(void *ctx)
{
	struct wants *wants = ctx;
	for (struct wants_peer *peer = wants->peers; peer != NULL; peer = peer->next) {
		tell(peer);
	}
}

void wants_fetched(struct wants_peer *peer)
{
	peer->unfetched -= peer->unfetched > 0;
	peer->fetched_ms = wants_now(peer->wants);
	if (may_answer(peer)) {
		loop_task_queue(peer->wants->sync->loop, &peer->wants->tell_task);
	}
}

bool wants_answers_due(struct wants *wants)
{
	bool is_waiting = false;
	int64_t now_ms = wants_now(wants);
	for (struct wants_peer *peer = wants->peers; peer != NULL; peer = peer->next) {
		if (peer->answer_count == 0 || may_answer(peer)) {
			continue;
		}
		is_waiting = true;
		if (peer->give_count == 0 && now_ms - peer->fetched_ms >= UNFETCHED_MS) {
			peer->unfetched = 0; /* it has them from elsewhere, or wants them no more */
			loop_task_queue(wants->sync->loop, &wants->tell_task);
		}
	}
	return is_waiting;
}

/* blobs.createWants */

static void on_room(void *ctx, struct rpc_call *call)
{
	(void)call;
	tell(ctx);
}

static void on_end(void *ctx, struct rpc_call *call, const char *error)
{
	struct wants_peer *peer = ctx;
	(void)error;
	if (peer->down == call) {
		peer->down = NULL;
	}
}

static const struct rpc_handler handler = {.on_room = on_room, .on_end = on_end};

void wants_serve_wants(struct partner *partner, struct rpc_call *call, const struct json *args)
{
	struct wants_peer *peer = partner->wants;
	struct rpc_handler mine = handler;
	(void)args;
	if (peer == NULL) {
		peers_refuse(partner, call, "out of memory");
		return;
	}
	struct rpc_call *before = peer->down;
	mine.ctx = peer;
	rpc_accept(call, &mine);
	peer->down = call;
	peer->is_begun = false;
	peer->told = 0;
	if (before != NULL) {
		rpc_refuse(before, "another call of createWants took its place");
	}
	tell(peer);
}

/* blobs.changes */

static void notice_unlink(struct notice *notice)
{
	struct wants_peer *peer = notice->peer;
	*(notice->prev == NULL ? &peer->notices : &notice->prev->next) = notice->next;
	if (notice->next != NULL) {
		notice->next->prev = notice->prev;
	}
	peer->notice_count--;
	free(notice);
}

static void on_notice_end(void *ctx, struct rpc_call *call, const char *error)
{
	(void)call;
	(void)error;
	notice_unlink(ctx);
}

static const struct rpc_handler notice_handler = {.on_end = on_notice_end};

void wants_serve_changes(struct partner *partner, struct rpc_call *call, const struct json *args)
{
	struct wants_peer *peer = partner->wants;
	bool has_room = peer != NULL && peer->notice_count < NOTICES_MAX;
	struct notice *notice = has_room ? calloc(1, sizeof(*notice)) : NULL;
	struct rpc_handler mine = notice_handler;
	(void)args;
	if (notice == NULL) {
		peers_refuse(partner, call, "blobs.changes: too many calls at once");
		return;
	}
	notice->peer = peer;
	notice->call = call;
	notice->next = peer->notices;
	if (notice->next != NULL) {
		notice->next->prev = notice;
	}
	peer->notices = notice;
	peer->notice_count++;
	mine.ctx = notice;
	rpc_accept(call, &mine);
}

/* Did this peer name the blob itself? */
static bool has_asked(const struct wants_peer *peer, const struct want *want)
{
	const struct tie *tie = want == NULL ? NULL : want->ties;
	while (tie != NULL && tie->asker != peer->asker) {
		tie = tie->next;
	}
	return tie != NULL;
}

void wants_notice(struct wants *wants, const struct blob_id *id, bool is_ours)
{
	char text[BLOB_ID_TEXT_BYTES];
	const struct want *want = wants_find(wants, id);
	blob_id_format(id, text);
	for (struct wants_peer *peer = wants->peers; peer != NULL; peer = peer->next) {
		bool may_hear = is_ours || wants_is_near(peer->partner) || has_asked(peer, want);
		for (struct notice *notice = peer->notices; notice != NULL && may_hear;
			notice = notice->next) {
			if (!rpc_is_full(notice->call) &&
				rpc_send(notice->call, MUXRPC_STRING, span_text(text)) != ERR_OK) {
				break; /* the connection is lost */
			}
		}
	}
}

void wants_tell_drop(struct wants_peer *peer)
{
	struct notice *next;
	for (struct notice *notice = peer->notices; notice != NULL; notice = next) {
		next = notice->next;
		rpc_refuse(notice->call, "parent stream is closing");
		notice_unlink(notice);
	}
	if (peer->down != NULL) {
		rpc_refuse(peer->down, "parent stream is closing");
		peer->down = NULL;
	}
	free(peer->answers);
	peer->answers = NULL;
}
