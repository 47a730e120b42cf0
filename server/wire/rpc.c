/*
 * Calls on one connection (protocol/03). Two lists of calls, ours and theirs, because both sides
 * number from 1; a packet with a positive number belongs to a call of the peer, a negative one to a
 * call of ours. The lists are kept in turn order: whoever was served last stands last, so that
 * calls share the connection fairly.
 *
 * A finished call leaves its number in a ring, because what the peer sent before it knew arrives
 * afterwards: JavaScript would take that for a new call. Finished calls are freed between packets,
 * never while somebody may still be looking at one.
 */
#include "wire/rpc_body.h"
#include "wire/rpc_state.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* Head and body go out in one box when they fit. */
enum { FIRST_SEND_BYTES = LIMIT_BOX_BODY_BYTES };

static const char gone[] = "unexpected end of parent stream";

/* Lists */

static void list_add(struct rpc_calls *list, struct rpc_call *call)
{
	call->prev = list->last;
	call->next = NULL;
	*(list->last == NULL ? &list->first : &list->last->next) = call;
	list->last = call;
	list->count++;
}

static void list_remove(struct rpc_calls *list, struct rpc_call *call)
{
	*(call->prev == NULL ? &list->first : &call->prev->next) = call->next;
	*(call->next == NULL ? &list->last : &call->next->prev) = call->prev;
	list->count--;
}

static struct rpc_calls *list_of(const struct rpc_call *call)
{
	return call->is_ours ? &call->rpc->ours : &call->rpc->theirs;
}

/* The live call a packet of the peer belongs to. */
struct rpc_call *rpc_find_call(const struct rpc *rpc, int32_t request)
{
	const struct rpc_calls *list = request > 0 ? &rpc->theirs : &rpc->ours;
	int32_t number = request > 0 ? request : -request;
	struct rpc_call *call = list->first;
	while (call != NULL && call->number != number) {
		call = call->next;
	}
	return call;
}

const struct rpc_old_number *rpc_find_old(const struct rpc *rpc, int32_t request)
{
	/* 0 is a place not yet taken. */
	for (size_t i = 0; request != 0 && i < RPC_NUMBERS_REMEMBERED; i++) {
		if (rpc->old[i].request == request) {
			return &rpc->old[i];
		}
	}
	return NULL;
}

struct rpc_call *rpc_call_new(struct rpc *rpc, int32_t number, enum rpc_kind kind, bool is_ours)
{
	struct rpc_call *call = calloc(1, sizeof(*call));
	if (call != NULL) {
		*call = (struct rpc_call){.rpc = rpc,
			.number = number,
			.kind = kind,
			.is_ours = is_ours,
			.json_max = LIMIT_RPC_JSON_BYTES};
		list_add(list_of(call), call);
	}
	return call;
}

void rpc_call_finish(struct rpc_call *call)
{
	struct rpc *rpc = call->rpc;
	assert(!call->is_finished);
	call->is_finished = true;
	rpc->old[rpc->old_next] =
		(struct rpc_old_number){.request = call->is_ours ? -call->number : call->number,
			.json_max = call->json_max,
			.passes_large = call->passes_large};
	rpc->old_next = (rpc->old_next + 1) % RPC_NUMBERS_REMEMBERED;
	list_remove(list_of(call), call);
	list_add(&rpc->finished, call);
}

void rpc_free_finished(struct rpc *rpc)
{
	struct rpc_call *call = rpc->finished.first;
	rpc->finished = (struct rpc_calls){0};
	while (call != NULL) {
		struct rpc_call *next = call->next;
		free(call);
		call = next;
	}
}

/* Sending */

static enum err put(struct rpc *rpc, struct span bytes)
{
	if (rpc->failed == ERR_OK && bytes.len > 0) {
		rpc->failed = rpc->opts.send(rpc->opts.ctx, bytes);
	}
	return rpc->failed;
}

static enum err send_packet(struct rpc *rpc, struct muxrpc_head head, struct span body)
{
	uint8_t first[FIRST_SEND_BYTES];
	if (rpc->is_over) {
		return ERR_CLOSED;
	}
	head.length = (uint32_t)body.len;
	muxrpc_head_write(&head, first);
	struct span part = span_take(body, sizeof(first) - MUXRPC_HEAD_BYTES);
	if (part.len > 0) {
		memcpy(first + MUXRPC_HEAD_BYTES, part.at, part.len);
	}
	enum err err = put(rpc, span_of(first, MUXRPC_HEAD_BYTES + part.len));
	return err == ERR_OK ? put(rpc, span_skip(body, part.len)) : err;
}

static struct muxrpc_head head_for(const struct rpc_call *call, enum muxrpc_type type, bool is_end)
{
	return (struct muxrpc_head){
		.is_stream = call->kind != RPC_ASYNC,
		.is_end = is_end,
		.type = type,
		.request = call->is_ours ? call->number : -call->number,
	};
}

/* Our end, once. An async call of ours has none. A failure to send shows in rpc->failed. */
void rpc_send_end(struct rpc_call *call, struct span json)
{
	if (call->we_ended) {
		return;
	}
	call->we_ended = true;
	if (call->kind != RPC_ASYNC || !call->is_ours) {
		(void)send_packet(call->rpc, head_for(call, MUXRPC_JSON, true), json);
	}
}

void rpc_send_end_error(struct rpc_call *call, const char *message)
{
	struct buf body = BUF_INIT(LIMIT_RPC_JSON_BYTES);
	if (rpc_body_write_error(message, &body) == ERR_OK) {
		rpc_send_end(call, buf_span(&body));
	} else {
		rpc_send_end(
			call, span_text("{\"message\":\"\",\"name\":\"Error\",\"stack\":\"\"}"));
	}
	buf_fini(&body);
}

void rpc_tell_end(struct rpc_call *call, const char *error)
{
	call->they_ended = true;
	if (call->handler.on_end != NULL) {
		call->handler.on_end(call->handler.ctx, call, error);
	}
}

/* Owner's side */

enum err rpc_new(const struct rpc_opts *opts, struct rpc **out)
{
	struct rpc *rpc = calloc(1, sizeof(*rpc));
	if (rpc == NULL) {
		return ERR_NOMEM;
	}
	rpc->opts = *opts;
	rpc->next_number = 1;
	*out = rpc;
	return ERR_OK;
}

void rpc_free(struct rpc *rpc)
{
	if (rpc == NULL) {
		return;
	}
	assert(!rpc->is_busy);
	rpc->is_busy = true;
	rpc->is_over = true;
	struct rpc_calls *lists[] = {&rpc->ours, &rpc->theirs};
	for (size_t i = 0; i < 2; i++) {
		while (lists[i]->first != NULL) {
			struct rpc_call *call = lists[i]->first;
			rpc_tell_end(call, gone);
			if (!call->is_finished) {
				rpc_call_finish(call);
			}
		}
	}
	rpc_free_finished(rpc);
	buf_fini(&rpc->body);
	free(rpc);
}

/* Calls that wait, from the one that was served longest ago. */
static struct rpc_call *next_waiting(const struct rpc_calls *list)
{
	struct rpc_call *call = list->first;
	while (call != NULL && !call->waits_for_room) {
		call = call->next;
	}
	return call;
}

static size_t serve_waiting(struct rpc *rpc, struct rpc_calls *list)
{
	struct rpc_call *call = next_waiting(list);
	if (call == NULL || rpc->is_over || rpc->opts.is_full(rpc->opts.ctx)) {
		return 0;
	}
	list_remove(list, call);
	list_add(list, call);
	call->waits_for_room = false;
	if (call->handler.on_room != NULL) {
		call->handler.on_room(call->handler.ctx, call);
	}
	return 1;
}

void rpc_room(struct rpc *rpc)
{
	if (rpc->is_busy) {
		rpc->has_room = true;
		return;
	}
	rpc->is_busy = true;
	rpc->has_room = false;
	/* One turn each at most: who fills the queue again waits for the next room. */
	size_t turns = rpc->ours.count + rpc->theirs.count;
	size_t served = 1;
	while (turns > 0 && served > 0) {
		served = serve_waiting(rpc, &rpc->theirs) + serve_waiting(rpc, &rpc->ours);
		turns = turns > served ? turns - served : 0;
	}
	rpc->is_busy = false;
	rpc_free_finished(rpc);
}

static void say_gone(struct rpc_calls *list)
{
	for (struct rpc_call *call = list->first; call != NULL; call = call->next) {
		rpc_send_end_error(call, gone);
	}
}

enum err rpc_goodbye(struct rpc *rpc)
{
	static const uint8_t goodbye[MUXRPC_HEAD_BYTES];
	if (rpc->is_over && !rpc->heard_goodbye) {
		return ERR_CLOSED;
	}
	if (!rpc->heard_goodbye) {
		say_gone(&rpc->ours);
		say_gone(&rpc->theirs);
	}
	rpc->is_over = true;
	rpc->heard_goodbye = false; /* said only once */
	return put(rpc, span_of(goodbye, sizeof(goodbye)));
}

enum err rpc_open(struct rpc *rpc, const char *name, enum rpc_kind kind, struct span args,
	const struct rpc_handler *handler, struct rpc_call **out)
{
	if (rpc->is_over || rpc->failed != ERR_OK) {
		return ERR_CLOSED;
	}
	if (rpc->ours.count >= LIMIT_RPC_REQUESTS) {
		return ERR_BUSY;
	}
	if (rpc->next_number == INT32_MAX) {
		return ERR_LIMIT;
	}
	struct buf body = BUF_INIT(LIMIT_RPC_JSON_BYTES);
	enum err err = rpc_body_write_request(name, kind, args, &body);
	struct rpc_call *call =
		err == ERR_OK ? rpc_call_new(rpc, rpc->next_number, kind, true) : NULL;
	if (err == ERR_OK && call == NULL) {
		err = ERR_NOMEM;
	}
	if (err == ERR_OK) {
		rpc->next_number++;
		call->is_accepted = true;
		call->handler = *handler;
		err = send_packet(rpc, head_for(call, MUXRPC_JSON, false), buf_span(&body));
		if (err != ERR_OK) {
			rpc_call_finish(call);
		}
	}
	if (err == ERR_OK) {
		*out = call;
	}
	buf_fini(&body);
	return err;
}

/* A call's side */

void rpc_accept(struct rpc_call *call, const struct rpc_handler *handler)
{
	assert(!call->is_ours);
	call->is_accepted = true;
	call->handler = *handler;
}

void rpc_refuse(struct rpc_call *call, const char *message)
{
	if (call->is_finished) {
		return;
	}
	rpc_send_end_error(call, message);
	/* While its last callback runs, its owner's on_end, the call is finished by the one who
	 * called that. */
	if (!call->they_ended) {
		rpc_call_finish(call);
	}
}

/* `before` and `name` with its dots as commas and `after`. */
static void refuse_named(
	struct rpc_call *call, const char *before, const char *name, const char *after)
{
	char text[LIMIT_RPC_NAME_BYTES + 64];
	int start = (int)strlen(before);
	int len = snprintf(text, sizeof(text), "%s%s%s", before, name, after);
	assert(len > 0 && (size_t)len < sizeof(text));
	for (int i = start; i < start + (int)strlen(name); i++) {
		text[i] = text[i] == '.' ? ',' : text[i];
	}
	rpc_refuse(call, text);
}

void rpc_refuse_not_allowed(struct rpc_call *call, const char *name)
{
	refuse_named(call, "method:", name, " is not in list of allowed methods");
}

void rpc_refuse_kind(struct rpc_call *call, const char *name)
{
	char before[16];
	(void)snprintf(before, sizeof(before), "no %s:", rpc_kind_name(call->kind));
	refuse_named(call, before, name, "");
}

static enum err answer(struct rpc_call *call, enum muxrpc_type type, struct span body)
{
	call->is_accepted = true;
	call->we_ended = true;
	enum err err = send_packet(call->rpc, head_for(call, type, false), body);
	rpc_call_finish(call);
	return err;
}

enum err rpc_send(struct rpc_call *call, enum muxrpc_type type, struct span body)
{
	if (call->is_finished || call->we_ended || call->rpc->is_over) {
		return ERR_CLOSED;
	}
	if (body.len > LIMIT_RPC_NOTE_BYTES) {
		return ERR_LIMIT;
	}
	if (call->kind != RPC_ASYNC) {
		/* JS reads every empty body as a goodbye (protocol/12 §1). */
		return body.len == 0 ? ERR_OK
				     : send_packet(call->rpc, head_for(call, type, false), body);
	}
	assert(!call->is_ours);
	if (body.len == 0) {
		body = span_text(type == MUXRPC_STRING ? "\"\"" : "false");
		type = MUXRPC_JSON;
	}
	return answer(call, type, body);
}

void rpc_end(struct rpc_call *call)
{
	if (call->is_finished || call->rpc->is_over) {
		return;
	}
	if (call->kind == RPC_ASYNC && !call->is_ours) {
		/* No value: JS sends false. */
		(void)answer(call, MUXRPC_JSON, span_text("false"));
		return;
	}
	rpc_send_end(call, span_text("true"));
}

bool rpc_is_full(const struct rpc_call *call)
{
	bool is_full = call->rpc->opts.is_full(call->rpc->opts.ctx);
	if (is_full) {
		((struct rpc_call *)(uintptr_t)call)->waits_for_room = true;
	}
	return is_full;
}

void rpc_allow_notes(struct rpc_call *call, size_t bytes_max)
{
	assert(bytes_max <= LIMIT_RPC_NOTE_BYTES);
	call->json_max = bytes_max;
}

void rpc_pass_large(struct rpc_call *call)
{
	call->passes_large = true;
}

void *rpc_call_ctx(const struct rpc_call *call)
{
	return call->handler.ctx;
}
