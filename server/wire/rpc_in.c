/*
 * Receiving (protocol/03): packets are cut out of the plaintext, judged by their heads before any
 * memory is asked for, and handed to the call they belong to. A body that comes in one piece is
 * read where it lies; a body that nobody wants is passed over without being kept.
 *
 * Unknown positive numbers open calls. Numbers that were open not long ago are not unknown: what
 * the peer sent before our end reached it is dropped without a word.
 */
#include "wire/rpc_body.h"
#include "wire/rpc_state.h"

#include <assert.h>

enum {
	MINUTE_MS = 60000,
	OPEN_DEPTH = LIMIT_RPC_ARGS_DEPTH + 1, /* the body itself is one level */
};

/* Strangers' mistakes, at most so many a minute. */
static enum err count_error(struct rpc *rpc)
{
	int64_t now = env_mono_ms(rpc->opts.env);
	if (rpc->errors == 0 || now - rpc->errors_since_ms >= MINUTE_MS) {
		rpc->errors = 0;
		rpc->errors_since_ms = now;
	}
	rpc->errors++;
	return rpc->errors > LIMIT_RPC_ERRORS_PER_MINUTE ? ERR_REFUSED : ERR_OK;
}

/* Receiving */

/* A call opened by the peer that exists only to be refused. */
static enum err refuse_unopened(struct rpc *rpc, bool is_stream, const char *message)
{
	struct rpc_call *call =
		rpc_call_new(rpc, rpc->head.request, is_stream ? RPC_DUPLEX : RPC_ASYNC, false);
	if (call == NULL) {
		return ERR_NOMEM;
	}
	rpc_send_end_error(call, message);
	rpc_call_finish(call);
	return count_error(rpc);
}

static enum err open_call(struct rpc *rpc, const struct rpc_request *request)
{
	struct rpc_call *call = rpc_call_new(rpc, rpc->head.request, request->kind, false);
	if (call == NULL) {
		return ERR_NOMEM;
	}
	if (request->name[0] != '\0') {
		rpc->opts.on_call(rpc->opts.ctx, call, request->name, request->kind, request->args);
	}
	if (!call->is_finished && !call->is_accepted) {
		rpc_refuse_not_allowed(call, request->name);
	}
	return call->is_accepted ? ERR_OK : count_error(rpc);
}

static enum err on_unknown(struct rpc *rpc, struct span body)
{
	struct json_doc *doc = NULL;
	const char *wrong = "invalid call: not JSON";
	struct rpc_request request;
	const struct muxrpc_head *head = &rpc->head;
	bool may_be_late = head->request <= rpc->highest_seen;
	if (!may_be_late) {
		rpc->highest_seen = head->request;
	}
	if (head->is_end) {
		return ERR_OK;
	}
	if (head->type == MUXRPC_JSON && body.len > 0) {
		enum err err = json_parse(body, OPEN_DEPTH, &doc);
		if (err == ERR_LIMIT) {
			wrong = "invalid call: nested too deeply";
		} else if (err != ERR_OK) {
			return err;
		} else {
			wrong = rpc_body_read_request(json_root(doc), head->is_stream, &request);
		}
	}
	enum err err = ERR_OK;
	if (wrong == NULL && rpc->theirs.count >= LIMIT_RPC_STREAMS) {
		err = refuse_unopened(rpc, head->is_stream, "too many open calls");
	} else if (wrong == NULL) {
		err = open_call(rpc, &request);
	} else if (!may_be_late) {
		err = refuse_unopened(rpc, head->is_stream, wrong);
	}
	json_doc_free(doc);
	return err;
}

/* Does the owner of the call still want items? After our end only a duplex goes on in the other
 * direction. */
static bool wants_items(const struct rpc_call *call)
{
	if (call->handler.on_item == NULL || call->they_ended) {
		return false;
	}
	switch (call->kind) {
	case RPC_ASYNC:
	case RPC_SOURCE:
		return call->is_ours && !call->we_ended;
	case RPC_SINK:
		return !call->is_ours && !call->we_ended;
	case RPC_DUPLEX:
		return true;
	}
	return false;
}

/* ERR_LIMIT: nested too deeply, and nobody was told. */
static enum err on_item(struct rpc_call *call, struct span body)
{
	enum muxrpc_type type = call->rpc->head.type;
	struct json_doc *doc = NULL;
	if (!wants_items(call)) {
		return ERR_OK;
	}
	if (type == MUXRPC_JSON && body.len == 0) {
		type = MUXRPC_BINARY; /* empty: no JSON text is */
	}
	if (type == MUXRPC_JSON && !call->handler.is_raw) {
		if (call->handler.on_text != NULL &&
			call->handler.on_text(call->handler.ctx, call, body)) {
			return ERR_OK;
		}
		enum err err = json_parse(body, LIMIT_JSON_DEPTH, &doc);
		if (err != ERR_OK) {
			return err;
		}
	}
	call->handler.on_item(
		call->handler.ctx, call, type, body, doc == NULL ? NULL : json_root(doc));
	json_doc_free(doc);
	return ERR_OK;
}

static enum err on_end(struct rpc_call *call, struct span body)
{
	char text[LIMIT_RPC_ERROR_TEXT_BYTES + 1];
	struct json_doc *doc = NULL;
	const struct json *json = NULL;
	if (call->rpc->head.type == MUXRPC_JSON && body.len > 0) {
		enum err err = json_parse(body, LIMIT_JSON_DEPTH, &doc);
		if (err != ERR_OK && err != ERR_LIMIT) {
			return err;
		}
		json = doc == NULL ? NULL : json_root(doc);
	}
	bool is_error = rpc_body_read_end(body, json, text);
	rpc_tell_end(call, is_error ? text : NULL);
	if (!call->is_finished) {
		/* JS echoes an error; Go wants `true` or an object and nothing else (protocol/03
		 * §4). */
		bool is_echo = is_error && json != NULL && json_kind(json) == JSON_KIND_OBJECT &&
			       body.len <= LIMIT_RPC_ERROR_BYTES;
		rpc_send_end(call, is_echo ? body : span_text("true"));
		rpc_call_finish(call);
	}
	json_doc_free(doc);
	return ERR_OK;
}

/* The one answer to an async call of ours. */
static enum err on_answer(struct rpc_call *call, struct span body)
{
	if (call->rpc->head.is_end) {
		return on_end(call, body);
	}
	enum err err = on_item(call, body);
	if (err != ERR_OK && err != ERR_LIMIT) {
		return err;
	}
	if (!call->is_finished) {
		rpc_tell_end(call, err == ERR_OK ? NULL : "the answer is nested too deeply");
		rpc_call_finish(call);
	}
	return ERR_OK;
}

static enum err on_packet(struct rpc *rpc, struct span body)
{
	struct rpc_call *call = rpc_find_call(rpc, rpc->head.request);
	if (call == NULL) {
		bool is_old = rpc->head.request < 0 || rpc_find_old(rpc, rpc->head.request) != NULL;
		return is_old ? ERR_OK : on_unknown(rpc, body);
	}
	if (call->kind == RPC_ASYNC) {
		/* Nothing may follow the request of an async call of the peer. */
		return call->is_ours ? on_answer(call, body) : ERR_OK;
	}
	if (rpc->head.is_end) {
		return on_end(call, body);
	}
	/* An honest peer may hand on what somebody else nested too deeply: pass over it. */
	enum err err = on_item(call, body);
	return err == ERR_LIMIT ? ERR_OK : err;
}

/* Too large, but its call would rather go without it than lose the connection. */
static bool is_passed_over(const struct rpc *rpc, const struct rpc_call *call)
{
	const struct muxrpc_head *head = &rpc->head;
	const struct rpc_old_number *old = call == NULL ? rpc_find_old(rpc, head->request) : NULL;
	bool passes = call != NULL ? call->passes_large : old != NULL && old->passes_large;
	return passes && head->type == MUXRPC_JSON && !head->is_end &&
	       head->length <= LIMIT_RPC_PASSED_BYTES;
}

/* Judge the head before any memory is asked for, and see whether anybody wants the body. */
static enum err on_head(struct rpc *rpc)
{
	enum err err = muxrpc_head_read(rpc->head_bytes, &rpc->head);
	if (err != ERR_OK) {
		return err;
	}
	const struct muxrpc_head *head = &rpc->head;
	if (head->is_goodbye) {
		rpc->is_over = true;
		rpc->heard_goodbye = true;
		return ERR_CLOSED;
	}
	const struct rpc_call *call = rpc_find_call(rpc, head->request);
	const struct rpc_old_number *old = call == NULL ? rpc_find_old(rpc, head->request) : NULL;
	size_t max = LIMIT_RPC_BINARY_BYTES;
	if (head->type == MUXRPC_JSON) {
		max = call != NULL  ? call->json_max
		      : old != NULL ? old->json_max
				    : LIMIT_RPC_JSON_BYTES;
	}
	bool is_large = head->length > max;
	if (is_large && !is_passed_over(rpc, call)) {
		return ERR_REFUSED;
	}
	bool is_new = call == NULL && old == NULL && head->request > 0;
	rpc->is_skipped = is_large || head->request == 0 || (call == NULL && !is_new) ||
			  (call != NULL && !head->is_end && !wants_items(call) &&
				  !(call->kind == RPC_ASYNC && call->is_ours));
	rpc->skip_left = rpc->is_skipped ? head->length : 0;
	buf_init(&rpc->body, is_large ? 0 : head->length);
	return ERR_OK;
}

/* Take what is there of the body under way; true when it is whole, and then in `*body`. */
static enum err take_body(struct rpc *rpc, struct span *in, struct span *body, bool *is_whole)
{
	*is_whole = false;
	if (rpc->is_skipped) {
		struct span part = span_take(*in, rpc->skip_left);
		*in = span_skip(*in, part.len);
		rpc->skip_left -= part.len;
		*is_whole = rpc->skip_left == 0;
		return ERR_OK;
	}
	size_t missing = rpc->head.length - rpc->body.len;
	struct span part = span_take(*in, missing);
	*in = span_skip(*in, part.len);
	if (rpc->body.len == 0 && part.len == missing) {
		*body = part; /* in one piece: no copy */
		*is_whole = true;
		return ERR_OK;
	}
	enum err err = buf_append(&rpc->body, part);
	*body = buf_span(&rpc->body);
	*is_whole = err == ERR_OK && rpc->body.len == rpc->head.length;
	return err;
}

/* Go on with the packet under way. */
static enum err feed_some(struct rpc *rpc, struct span *in)
{
	if (rpc->head_len < MUXRPC_HEAD_BYTES) {
		struct span part = span_take(*in, MUXRPC_HEAD_BYTES - rpc->head_len);
		memcpy(rpc->head_bytes + rpc->head_len, part.at, part.len);
		rpc->head_len += part.len;
		*in = span_skip(*in, part.len);
		if (rpc->head_len < MUXRPC_HEAD_BYTES) {
			return ERR_OK;
		}
		enum err err = on_head(rpc);
		if (err != ERR_OK) {
			return err;
		}
	}
	struct span body = span_of(NULL, 0);
	bool is_whole = false;
	enum err err = take_body(rpc, in, &body, &is_whole);
	if (err != ERR_OK || !is_whole) {
		return err;
	}
	if (!rpc->is_skipped) {
		err = on_packet(rpc, body);
	}
	rpc->head_len = 0;
	buf_fini(&rpc->body);
	rpc_free_finished(rpc);
	return err != ERR_OK ? err : rpc->failed;
}

enum err rpc_feed(struct rpc *rpc, struct span bytes)
{
	assert(!rpc->is_busy);
	if (rpc->failed != ERR_OK || rpc->is_over) {
		return rpc->failed != ERR_OK ? rpc->failed : ERR_CLOSED;
	}
	rpc->is_busy = true;
	enum err err = ERR_OK;
	while (bytes.len > 0 && err == ERR_OK) {
		err = feed_some(rpc, &bytes);
		if (err == ERR_OK && rpc->is_over) {
			err = ERR_CLOSED; /* a callback said goodbye */
		}
	}
	rpc->is_busy = false;
	if (rpc->has_room && err == ERR_OK) {
		rpc_room(rpc);
	}
	if (err != ERR_OK && err != ERR_CLOSED) {
		rpc->failed = err;
	}
	return err;
}
