/*
 * One wish per question of the owner, in it one call to each connected peer. What comes is verified
 * by a worker, each message by itself: its signature too, since an id is the hash of only a part of
 * what was signed (protocol/01 §4). A peer that gives anything that was not asked for, or that is
 * not sound, is not asked again in its connection; the others go on.
 */
#include "sync/missing_state.h"

#include "sync/peers.h"

#include <stdio.h>
#include <stdlib.h>

enum { ARGS_BYTES = 128 + LIMIT_MISSING_ASKED * (MESSAGE_ID_TEXT_BYTES + 4) };

struct wish {
	struct wish *next, *prev; /* in missing->wishes, until it is answered */
	struct missing *missing;
	struct message_id ids[LIMIT_MISSING_ASKED];
	size_t count;
	struct question *questions;
	unsigned checks; /* under way in workers */
	bool is_answered;
	struct missing_answer answer; /* `found` by the index of the id */
	void (*on_answer)(void *ctx, struct missing_answer *answer);
	void *ctx;
	struct loop_timer *timer;
};

struct missing {
	struct sync *sync;
	struct wish *wishes;
	bool is_stopped;
};

/* One call of ours. */
struct question {
	struct question *next; /* in wish->questions */
	struct wish *wish;
	struct missing_peer *of;
	struct rpc_call *call;
	size_t items;
};

/* One message on its way through a worker. */
struct check {
	struct wish *wish;
	uint64_t serial; /* of who gave it */
	const uint8_t *hmac_key;
	struct buf text;
	struct message *message;
	enum err err;
	const char *why;
};

static void wish_free(struct wish *wish)
{
	for (size_t i = 0; i < wish->count; i++) {
		message_free(wish->answer.found[i]);
	}
	free(wish);
}

static void question_unlink(struct question *question)
{
	struct question **at = &question->wish->questions;
	while (*at != question) {
		at = &(*at)->next;
	}
	*at = question->next;
	free(question);
}

static void give_up(struct question *question)
{
	rpc_refuse(question->call, "not asked for any more");
	question_unlink(question);
}

/* How many there were. */
static unsigned give_up_all(struct wish *wish)
{
	unsigned count = 0;
	struct question *next;
	for (struct question *question = wish->questions; question != NULL; question = next) {
		next = question->next;
		give_up(question);
		count++;
	}
	return count;
}

/* Whoever waits is told; what is still on its way comes to nobody. */
static void answer(struct wish *wish)
{
	struct missing *missing = wish->missing;
	wish->answer.figures.silent += give_up_all(wish);
	if (wish->prev != NULL) {
		wish->prev->next = wish->next;
	} else {
		missing->wishes = wish->next;
	}
	if (wish->next != NULL) {
		wish->next->prev = wish->prev;
	}
	loop_timer_free(wish->timer);
	wish->is_answered = true;
	wish->on_answer(wish->ctx, &wish->answer);
	if (wish->checks == 0) {
		wish_free(wish);
	}
}

static bool has_all(const struct wish *wish)
{
	for (size_t i = 0; i < wish->count; i++) {
		if (wish->answer.found[i] == NULL) {
			return false;
		}
	}
	return true;
}

static void settle(struct wish *wish)
{
	if (has_all(wish)) {
		(void)give_up_all(wish); /* not silent: they were not waited for */
	}
	if (wish->questions == NULL && wish->checks == 0) {
		answer(wish);
	}
}

static void on_due(void *ctx)
{
	answer(ctx);
}

/* What comes. */

static void lied(struct sync *sync, struct partner *partner, const char *why)
{
	sync->counters.refused++;
	if (partner == NULL || partner->missing == NULL) {
		return;
	}
	LOG(sync->env, LOG_WARN, "missing.lie",
		LOG_ADDRESS("peer", span_text(peer_remote(partner->peer))), LOG_TEXT("why", why));
	partner->missing->is_left_out = true;
}

/* Worker. */
static void work(void *ctx)
{
	struct check *check = ctx;
	check->err = message_verify(
		buf_span(&check->text), check->hmac_key, &check->message, &check->why);
}

/* The wish takes the message when it asked for it. */
static bool take(struct wish *wish, struct message **message)
{
	for (size_t i = 0; i < wish->count; i++) {
		if (!message_id_equal(&wish->ids[i], &(*message)->key)) {
			continue;
		}
		if (wish->answer.found[i] == NULL) {
			wish->answer.found[i] = *message;
			wish->answer.figures.found++;
			*message = NULL;
		}
		return true;
	}
	return false;
}

static void check_free(struct check *check)
{
	message_free(check->message);
	buf_fini(&check->text);
	free(check);
}

static void done(void *ctx)
{
	struct check *check = ctx;
	struct wish *wish = check->wish;
	struct sync *sync = wish->missing->sync;
	struct partner *partner = peers_by_serial(sync, check->serial);
	wish->checks--;
	if (check->err == ERR_REFUSED || check->err == ERR_LIMIT) {
		lied(sync, partner, check->why);
	} else if (check->err == ERR_OK && !take(wish, &check->message)) {
		lied(sync, partner, "it gives another message than was asked for");
	}
	check_free(check);
	if (!wish->is_answered) {
		settle(wish);
	} else if (wish->checks == 0) {
		wish_free(wish);
	}
	sync_job_ends(sync);
}

static enum err start_check(struct question *question, struct span body)
{
	struct wish *wish = question->wish;
	struct sync *sync = wish->missing->sync;
	struct check *check = calloc(1, sizeof(*check));
	if (check == NULL) {
		return ERR_NOMEM;
	}
	check->wish = wish;
	check->serial = question->of->partner->serial;
	check->hmac_key = sync_hmac(sync);
	buf_init(&check->text, LIMIT_MESSAGE_BYTES);
	enum err err = buf_append(&check->text, body);
	if (err == ERR_OK) {
		err = loop_work(sync->loop, work, done, check);
	}
	if (err != ERR_OK) {
		check_free(check);
		return err;
	}
	wish->checks++;
	sync_job_begins(sync);
	return ERR_OK;
}

static void on_item(void *ctx, struct rpc_call *call, enum muxrpc_type type, struct span body,
	const struct json *json)
{
	struct question *question = ctx;
	struct wish *wish = question->wish;
	const char *why = NULL;
	(void)call;
	(void)json;
	if (++question->items > wish->count) {
		why = "it gives more than was asked for";
	} else if (type != MUXRPC_JSON || body.len > LIMIT_MESSAGE_BYTES) {
		why = "what it gives is no message";
	}
	if (why != NULL) {
		lied(wish->missing->sync, question->of->partner, why);
		give_up(question);
		settle(wish);
		return;
	}
	if (start_check(question, body) != ERR_OK) {
		LOG(wish->missing->sync->env, LOG_WARN, "missing.unchecked",
			LOG_TEXT("why", "out of memory"));
	}
}

/* A kith that is asked too often says so in its own words; anything else does not know the call. */
static void refused(struct question *question, const char *error)
{
	static const char own[] = "kith.message:";
	static const char gone[] = "parent stream"; /* as every program says at the end */
	struct missing_peer *peer = question->of;
	if (strncmp(error, own, strlen(own)) == 0 || strstr(error, gone) != NULL) {
		question->wish->answer.figures.silent++;
		return;
	}
	question->wish->answer.figures.cannot++;
	peer->is_left_out = true;
	LOG(peer->partner->sync->env, LOG_INFO, "missing.refused",
		LOG_ADDRESS("peer", span_text(peer_remote(peer->partner->peer))),
		LOG_TEXT("why", error));
}

static void on_end(void *ctx, struct rpc_call *call, const char *error)
{
	struct question *question = ctx;
	struct wish *wish = question->wish;
	(void)call;
	if (error != NULL && question->items == 0) {
		refused(question, error);
	}
	question_unlink(question);
	settle(wish);
}

/* Asking. */

static enum err write_args(const struct wish *wish, struct buf *out)
{
	enum err err = buf_append_text(out, "[{\"version\":1,\"ids\":[");
	for (size_t i = 0; err == ERR_OK && i < wish->count; i++) {
		char id[MESSAGE_ID_TEXT_BYTES];
		message_id_format(&wish->ids[i], id);
		err = buf_printf(out, "%s\"%s\"", i == 0 ? "" : ",", id);
	}
	return err == ERR_OK ? buf_append_text(out, "]}]") : err;
}

static const struct rpc_handler handler = {.on_item = on_item, .on_end = on_end, .is_raw = true};

static enum err put_question(struct wish *wish, struct missing_peer *peer, struct span args)
{
	struct question *question = calloc(1, sizeof(*question));
	struct rpc_handler mine = handler;
	if (question == NULL) {
		return ERR_NOMEM;
	}
	mine.ctx = question;
	question->wish = wish;
	question->of = peer;
	enum err err = rpc_open(peer_rpc(peer->partner->peer), "kith.message", RPC_SOURCE, args,
		&mine, &question->call);
	if (err != ERR_OK) {
		free(question);
		return err;
	}
	question->next = wish->questions;
	wish->questions = question;
	return ERR_OK;
}

static void ask_everybody(struct wish *wish, struct span args)
{
	struct sync *sync = wish->missing->sync;
	struct sync_missing *figures = &wish->answer.figures;
	for (struct partner *partner = sync->partners; partner != NULL; partner = partner->next) {
		if (partner->missing == NULL || !partner->is_ready || partner->is_closing) {
			continue;
		}
		figures->asked++;
		if (partner->missing->is_left_out) {
			figures->cannot++;
		} else if (put_question(wish, partner->missing, args) != ERR_OK) {
			figures->silent++; /* it has too many calls of ours to answer as it is */
		}
	}
}

static struct wish *wish_new(struct missing *missing, const struct message_id *ids, size_t count)
{
	struct wish *wish = calloc(1, sizeof(*wish));
	if (wish == NULL) {
		return NULL;
	}
	wish->timer = loop_timer_new(missing->sync->loop, on_due, wish);
	if (wish->timer == NULL) {
		free(wish);
		return NULL;
	}
	wish->missing = missing;
	wish->count = count < LIMIT_MISSING_ASKED ? count : LIMIT_MISSING_ASKED;
	memcpy(wish->ids, ids, wish->count * sizeof(wish->ids[0]));
	wish->next = missing->wishes;
	if (wish->next != NULL) {
		wish->next->prev = wish;
	}
	missing->wishes = wish;
	return wish;
}

enum err missing_ask(struct missing *missing, const struct message_id *ids, size_t count,
	void (*on_answer)(void *ctx, struct missing_answer *answer), void *ctx)
{
	struct buf args = BUF_INIT(ARGS_BYTES);
	struct wish *wish = wish_new(missing, ids, count);
	if (wish == NULL) {
		return ERR_NOMEM;
	}
	wish->on_answer = on_answer;
	wish->ctx = ctx;
	if (!missing->is_stopped && write_args(wish, &args) == ERR_OK) {
		ask_everybody(wish, buf_span(&args));
	}
	buf_fini(&args);
	loop_timer_set(wish->timer, LIMIT_MISSING_MS);
	settle(wish);
	return ERR_OK;
}

/* Coming and going. */

void missing_ready(struct partner *partner)
{
	partner->missing = calloc(1, sizeof(*partner->missing));
	if (partner->missing != NULL) {
		partner->missing->partner = partner;
	}
}

/* True: the wish had a question to this peer, which is over. */
static bool drop_from(struct wish *wish, const struct missing_peer *peer)
{
	for (struct question *question = wish->questions; question != NULL;
		question = question->next) {
		if (question->of == peer) {
			wish->answer.figures.silent++;
			give_up(question);
			return true;
		}
	}
	return false;
}

void missing_drop(struct partner *partner)
{
	struct missing_peer *peer = partner->missing;
	struct wish *next;
	if (peer == NULL) {
		return;
	}
	for (struct wish *wish = partner->sync->missing->wishes; wish != NULL; wish = next) {
		next = wish->next;
		if (drop_from(wish, peer)) {
			settle(wish);
		}
	}
	missing_serve_drop(peer);
	partner->missing = NULL;
	free(peer);
}

enum err missing_new(struct sync *sync, struct missing **out)
{
	struct missing *missing = calloc(1, sizeof(*missing));
	if (missing == NULL) {
		return ERR_NOMEM;
	}
	missing->sync = sync;
	*out = missing;
	return ERR_OK;
}

void missing_stop(struct missing *missing)
{
	missing->is_stopped = true;
	struct wish *next;
	for (struct wish *wish = missing->wishes; wish != NULL; wish = next) {
		next = wish->next;
		answer(wish);
	}
}

void missing_free(struct missing *missing)
{
	free(missing);
}
