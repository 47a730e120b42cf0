/*
 * Posts that may be taken back: held on the node, signed when their time has come or when the owner
 * says so, or put back among what is being written. And how long a post would be, before it is one.
 */
#include "api/body.h"
#include "api/letters.h"
#include "feed/json.h"
#include "store/writing.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum { CONTENT_BYTES_MAX = 2 * LIMIT_HTTP_BODY_BYTES, SPARE_NONCE_BYTES = 24 };

static void wrong(struct call *call, const char *sentence)
{
	answer_error(&call->exchange->answer, SAID_BAD_REQUEST, sentence);
}

/* What is held. */

struct listing {
	struct api *api;
	json_t *list;
	int64_t now_ms;
};

/* What was sent, opened when it is sealed; null when it is nothing our key opens. */
static json_t *body_of(const struct api *api, struct span stored)
{
	struct buf text = BUF_INIT(LIMIT_HTTP_BODY_BYTES);
	json_t *body =
		letters_unseal(api, stored, &text) == ERR_OK ? body_parse(buf_span(&text)) : NULL;
	buf_wipe(&text);
	return body == NULL ? json_null() : body;
}

static void put_held(void *ctx, const struct outbox_row *row)
{
	struct listing *listing = ctx;
	int64_t left_ms = row->due_ms - listing->now_ms;
	(void)json_array_append_new(listing->list,
		json_pack("{s:o, s:I, s:I, s:I, s:o}", "nonce", body_string(row->nonce), "at",
			(json_int_t)row->at_ms, "until", (json_int_t)row->due_ms, "left_ms",
			(json_int_t)(left_ms < 0 ? 0 : left_ms), "body",
			body_of(listing->api, row->body)));
}

static json_t *held_of(struct api *api, struct reader *reader, struct span nonce, enum err *err)
{
	struct listing listing = {
		.api = api, .list = json_array(), .now_ms = env_wall_ms(api->opts.env)};
	*err = listing.list == NULL ? ERR_NOMEM : reader_outbox(reader, nonce, put_held, &listing);
	if (*err != ERR_OK) {
		json_decref(listing.list);
		listing.list = NULL;
	}
	return listing.list;
}

json_t *serve_held(struct api *api, struct reader *reader, enum err *err)
{
	return held_of(api, reader, span_of(NULL, 0), err);
}

void serve_outbox(struct call *call)
{
	enum err err = ERR_OK;
	struct reader *reader = inside_reader(call);
	if (reader == NULL) {
		return;
	}
	json_t *list = serve_held(call->api, reader, &err);
	if (err == ERR_OK) {
		answer_json(&call->exchange->answer, 200, json_pack("{s:o}", "outbox", list));
	} else {
		answer_err(&call->exchange->answer, err);
	}
}

/* How long it would be. */

/* As the longest message it can become: others may be signed before it. */
static enum err measure(struct call *call, struct span content, size_t *units)
{
	struct api *api = call->api;
	struct chain_head head = {.sequence = 0};
	struct reader *reader = reader_of_thread(api->opts.store);
	enum err err = reader == NULL ? ERR_NOMEM : reader_head(reader, &api->opts.self, &head);
	if (err != ERR_OK && err != ERR_NOT_FOUND) {
		return err;
	}
	head.sequence += LIMIT_OUTBOX;
	return signer_measure(&api->opts.self, &head, env_wall_ms(api->opts.env), content, units);
}

void serve_measure(struct call *call)
{
	size_t units = 0;
	bool is_private = false;
	struct buf content = BUF_INIT(CONTENT_BYTES_MAX);
	if (serve_read_post(call, &content, &is_private)) {
		enum err err = measure(call, buf_span(&content), &units);
		if (err == ERR_OK) {
			answer_json(&call->exchange->answer, 200,
				json_pack("{s:I, s:i}", "units", (json_int_t)units, "limit",
					LIMIT_MESSAGE_UNITS));
		} else {
			answer_err(&call->exchange->answer, err);
		}
	}
	buf_fini(&content);
}

/* Too long is said now, while the text is still in the composer. False: answered. */
static bool fits(struct call *call, struct span content)
{
	char said[160];
	size_t units = 0;
	enum err err = measure(call, content, &units);
	if (err != ERR_OK) {
		answer_err(&call->exchange->answer, err);
	} else if (units > LIMIT_MESSAGE_UNITS) {
		(void)snprintf(said, sizeof(said),
			"This post is too long: signed it would take %zu of %d characters. "
			"Nothing was sent.",
			units, LIMIT_MESSAGE_UNITS);
		answer_error(&call->exchange->answer, SAID_TOO_LARGE, said);
	}
	return err == ERR_OK && units <= LIMIT_MESSAGE_UNITS;
}

/* Hold. */

/* `hold_ms` and `writing`; false: answered. */
static bool read_hold(struct call *call, struct hold_request *request)
{
	const json_t *hold = json_object_get(call->body, "hold_ms");
	if (!json_is_integer(hold) || json_integer_value(hold) < 0 ||
		json_integer_value(hold) > LIMIT_OUTBOX_HOLD_MS) {
		wrong(call, "`hold_ms` is a number, at most 60000.");
		return false;
	}
	request->hold_ms = (int64_t)json_integer_value(hold);
	if (!serve_is_plain_name(request->publish.nonce)) {
		wrong(call, "`nonce` is 1 to 64 letters, digits, - or _.");
		return false;
	}
	if (body_has(call->body, "writing") &&
		(!body_text(call->body, "writing", &request->writing) ||
			!serve_is_plain_name(request->writing))) {
		wrong(call, "`writing` is 1 to 64 letters, digits, - or _.");
		return false;
	}
	return true;
}

/* `text` (taken over; NULL: there was no memory) as it goes to the disk. */
static enum err put_text(
	const struct api *api, struct span name, bool is_private, char *text, struct buf *out)
{
	enum err err = text == NULL ? ERR_NOMEM
		       : is_private ? letters_seal(api, name, span_text(text), out)
				    : buf_append_text(out, text);
	if (text != NULL && is_private) {
		sodium_memzero(text, strlen(text));
	}
	free(text);
	return err;
}

/* The body for whoever shows or takes back the post: without what was for this call only; sealed
 * when it is private. */
static enum err put_kept(
	const struct api *api, const json_t *body, bool is_private, struct buf *out)
{
	static const char *const kept[] = {
		"text", "cw", "root", "fork", "branch", "readers", "writing", "nonce"};
	json_t *copy = json_object();
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		if (body_has(body, kept[i])) {
			(void)json_object_set(copy, kept[i], json_object_get(body, kept[i]));
		}
	}
	char *text = copy == NULL ? NULL : json_dumps(copy, JSON_COMPACT);
	json_decref(copy);
	return put_text(api, span_of(NULL, 0), is_private, text, out);
}

/* With the number that what is written there has now: the page writes on from it. */
static void answer_held(struct call *call, const struct hold_request *request, json_t *answer)
{
	if (request->writing.len > 0) {
		uint64_t rev = serve_tell_writing(call, request->writing);
		(void)json_object_set_new(answer, "rev", json_integer((json_int_t)rev));
	}
	answer_json(&call->exchange->answer, 200, answer);
}

static void hold(struct call *call, const struct hold_request *request)
{
	struct publish_result result;
	int64_t due_ms = 0;
	enum err err = writer_hold(call->api->opts.writer, request, &due_ms, &result);
	if (err == ERR_BUSY && result.why[0] != '\0') {
		answer_error(&call->exchange->answer, SAID_CONFLICT, result.why);
	} else if (err != ERR_OK) {
		serve_say_failure(call, err, &result);
	} else if (result.sequence > 0) {
		json_t *signed_before = serve_signed(&result);
		if (signed_before != NULL) {
			(void)json_object_set_new(signed_before, "state", json_string("stored"));
		}
		answer_held(call, request, signed_before);
	} else {
		int64_t left_ms = due_ms - env_wall_ms(call->api->opts.env);
		answer_held(call, request,
			json_pack("{s:s, s:I, s:I}", "state", "held", "until", (json_int_t)due_ms,
				"left_ms", (json_int_t)(left_ms < 0 ? 0 : left_ms)));
	}
}

void serve_hold(struct call *call)
{
	struct hold_request request = {.hold_ms = 0};
	struct message_id if_head_key;
	struct buf content = BUF_INIT(CONTENT_BYTES_MAX);
	struct buf body = BUF_INIT(LIMIT_HTTP_BODY_BYTES);
	bool is_private = false;
	if (serve_read_common(call, &request.publish, &if_head_key) && read_hold(call, &request) &&
		serve_read_post(call, &content, &is_private) && fits(call, buf_span(&content))) {
		enum err err = put_kept(call->api, call->body, is_private, &body);
		request.publish.content = buf_span(&content);
		request.body = buf_span(&body);
		if (err != ERR_OK) {
			answer_err(&call->exchange->answer, err);
		} else {
			hold(call, &request);
		}
	}
	buf_fini(&body);
	buf_fini(&content);
}

/* Now, or not at all. */

static void answer_gone(struct call *call)
{
	answer_error(&call->exchange->answer, SAID_NOT_FOUND,
		"This post does not wait any more: it was signed, or taken back.");
}

void serve_send(struct call *call)
{
	struct publish_result result;
	serve_greet(call->api);
	enum err err = writer_send(call->api->opts.writer, call->args[0], &result);
	if (err == ERR_OK) {
		answer_json(&call->exchange->answer, 200, serve_signed(&result));
	} else if (err == ERR_NOT_FOUND) {
		answer_gone(call);
	} else {
		serve_say_failure(call, err, &result);
	}
}

/* Where its words go: the composer they came from. */
static void name_of(const json_t *body, char out[static LIMIT_WRITING_NAME_BYTES + 1])
{
	struct span name;
	struct message_id root;
	(void)snprintf(out, LIMIT_WRITING_NAME_BYTES + 1, "home");
	if (body_text(body, "writing", &name) && serve_is_plain_name(name)) {
		memcpy(out, name.at, name.len);
		out[name.len] = '\0';
	} else if (body_text(body, "root", &name) && message_id_parse_any(name, &root) == ERR_OK) {
		id_format_path(root.at, out);
	}
}

/* {"text","cw"} as the page keeps it, with where a reply belongs. */
static char *writing_of(const json_t *body)
{
	static const char *const thread[] = {"root", "fork", "branch", "readers"};
	const char *cw = json_string_value(json_object_get(body, "cw"));
	json_t *tree = json_pack(
		"{s:O, s:s}", "text", json_object_get(body, "text"), "cw", cw == NULL ? "" : cw);
	for (size_t i = 0; tree != NULL && i < sizeof(thread) / sizeof(thread[0]); i++) {
		if (body_has(body, thread[i])) {
			(void)json_object_set(tree, thread[i], json_object_get(body, thread[i]));
		}
	}
	char *text = tree == NULL ? NULL : json_dumps(tree, JSON_COMPACT);
	json_decref(tree);
	return text;
}

/* Beside a composer that has something else in it by now: that of a conversation has a place for
 * it, which may be filled too. */
static enum err name_spare(
	struct call *call, const char *name, char out[static LIMIT_WRITING_NAME_BYTES + 1])
{
	enum err err = ERR_OK;
	size_t room = LIMIT_WRITING_NAME_BYTES + 1;
	bool is_private = span_starts_with(span_text(name), "p-");
	bool is_free = false;
	struct reader *reader = is_private ? reader_of_thread(call->api->opts.store) : NULL;
	if (reader != NULL && snprintf(out, room, "%s-back", name) < (int)room) {
		json_t *row = serve_writing_of(call->api, reader, span_text(out), &err);
		is_free = err == ERR_OK && !body_has(row, "body");
		json_decref(row);
	}
	if (!is_free) {
		(void)snprintf(out, room, "%sback-%.*s", is_private ? "p-" : "",
			(int)span_take(call->args[0], SPARE_NONCE_BYTES).len,
			(const char *)call->args[0].at);
	}
	return err;
}

static void take_back(struct call *call, json_t *body)
{
	char name[LIMIT_WRITING_NAME_BYTES + 1];
	char spare[LIMIT_WRITING_NAME_BYTES + 1];
	bool is_spare = false;
	uint64_t rev = 0;
	struct buf text = BUF_INIT(LIMIT_HTTP_BODY_BYTES);
	name_of(body, name);
	bool is_private = letters_is_private(call->api, span_text(name), body);
	enum err err = put_text(call->api, span_text(name), is_private, writing_of(body), &text);
	if (err == ERR_OK) {
		err = name_spare(call, name, spare);
	}
	const struct undo_request request = {.nonce = call->args[0],
		.name = span_text(name),
		.spare = span_text(spare),
		.body = buf_span(&text)};
	if (err == ERR_OK) {
		err = writer_undo(call->api->opts.writer, &request, &is_spare, &rev);
	}
	buf_fini(&text);
	if (err == ERR_NOT_FOUND) {
		answer_gone(call);
	} else if (err != ERR_OK) {
		answer_err(&call->exchange->answer, err);
	} else {
		const char *where = is_spare ? spare : name;
		(void)serve_tell_writing(call, span_text(where));
		answer_json(&call->exchange->answer, 200,
			json_pack("{s:O, s:s, s:I}", "body", body, "writing", where, "rev",
				(json_int_t)rev));
	}
}

void serve_undo(struct call *call)
{
	enum err err = ERR_OK;
	struct reader *reader = inside_reader(call);
	if (reader == NULL) {
		return;
	}
	json_t *list = call->args[0].len > 0 && call->args[0].len <= LIMIT_WRITING_NAME_BYTES
			       ? held_of(call->api, reader, call->args[0], &err)
			       : json_array();
	json_t *body = json_object_get(json_array_get(list, 0), "body");
	if (err != ERR_OK) {
		answer_err(&call->exchange->answer, err);
	} else if (!json_is_object(body)) {
		answer_gone(call);
	} else {
		take_back(call, body);
	}
	json_decref(list);
}
