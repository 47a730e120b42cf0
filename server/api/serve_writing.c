/*
 * What is being written, kept on the node for all devices of the owner. The text of a composer is
 * the page's own JSON; here it is only stored, and another device's is never written over.
 */
#include "api/body.h"
#include "api/letters.h"
#include "store/writing.h"

#include <sodium.h>
#include <stdlib.h>

static const char too_long[] = "This draft is too long to be kept on the node.";

bool serve_is_plain_name(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t byte = text.at[i];
		bool is_plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
				(byte >= 'a' && byte <= 'z') || byte == '-' || byte == '_';
		if (!is_plain) {
			return false;
		}
	}
	return text.len > 0 && text.len <= LIMIT_WRITING_NAME_BYTES;
}

struct listing {
	const struct api *api;
	json_t *list;
};

/* Opened when it is sealed; null also when our key does not open it. */
static json_t *body_json(const struct api *api, struct span stored)
{
	struct buf text = BUF_INIT(LIMIT_WRITING_BYTES);
	enum err err = stored.len == 0 ? ERR_NOT_FOUND : letters_unseal(api, stored, &text);
	json_t *body = err == ERR_OK ? body_parse(buf_span(&text)) : NULL;
	buf_wipe(&text);
	return body == NULL ? json_null() : body;
}

static void put_row(void *ctx, const struct writing_row *row)
{
	const struct listing *listing = ctx;
	(void)json_array_append_new(
		listing->list, json_pack("{s:o, s:I, s:I, s:o}", "name", body_string(row->name),
				       "at", (json_int_t)row->at_ms, "rev", (json_int_t)row->rev,
				       "body", body_json(listing->api, row->body)));
}

json_t *serve_writing_of(struct api *api, struct reader *reader, struct span name, enum err *err)
{
	json_t *list = json_array();
	json_t *row = NULL;
	struct listing listing = {.api = api, .list = list};
	*err = list == NULL ? ERR_NOMEM : reader_writing(reader, name, put_row, &listing);
	if (*err == ERR_OK) {
		row = json_incref(json_array_get(list, 0));
	}
	json_decref(list);
	return row == NULL ? json_null() : row;
}

void serve_writings(struct call *call)
{
	struct buf name = BUF_INIT(LIMIT_WRITING_NAME_BYTES);
	struct reader *reader = inside_reader(call);
	if (reader == NULL) {
		return;
	}
	enum err err = body_query(call->exchange->head.query, "name", &name);
	if (err != ERR_NOT_FOUND && (err != ERR_OK || !serve_is_plain_name(buf_span(&name)))) {
		answer_error(&call->exchange->answer, SAID_BAD_REQUEST, "This is not a name.");
		buf_fini(&name);
		return;
	}
	json_t *list = json_array();
	struct listing listing = {.api = call->api, .list = list};
	err = list == NULL ? ERR_NOMEM : reader_writing(reader, buf_span(&name), put_row, &listing);
	buf_fini(&name);
	if (err == ERR_OK) {
		answer_json(&call->exchange->answer, 200, json_pack("{s:o}", "writing", list));
	} else {
		json_decref(list);
		answer_err(&call->exchange->answer, err);
	}
}

/* Another device was quicker: what it wrote goes back, and nothing is lost. */
static void answer_other(struct call *call)
{
	struct answer *answer = &call->exchange->answer;
	enum err err = ERR_OK;
	struct reader *reader = inside_reader(call);
	if (reader == NULL) {
		return;
	}
	json_t *now = serve_writing_of(call->api, reader, call->args[0], &err);
	if (err != ERR_OK) {
		json_decref(now);
		answer_err(answer, err);
		return;
	}
	answer_json(answer, 409,
		json_pack("{s:{s:s, s:s, s:b, s:n}, s:o}", "error", "code", "refused", "said",
			"Another device changed this draft meanwhile.", "lost", 0, "do", "now",
			now));
}

static void tell(struct call *call, struct span name, uint64_t rev)
{
	events_on_writing(call->api->events, name, rev);
	if (call->api->live != NULL) {
		live_wake(call->api->live);
	}
}

uint64_t serve_tell_writing(struct call *call, struct span name)
{
	enum err err = ERR_OK;
	uint64_t rev = 0;
	struct reader *reader = reader_of_thread(call->api->opts.store);
	json_t *now =
		reader == NULL ? json_null() : serve_writing_of(call->api, reader, name, &err);
	if (err == ERR_OK) {
		rev = (uint64_t)json_integer_value(json_object_get(now, "rev"));
		tell(call, name, rev);
	}
	json_decref(now);
	return rev;
}

static void write_and_answer(struct call *call, uint64_t rev, struct span text)
{
	uint64_t rev_now = 0;
	enum err err = writer_write(call->api->opts.writer, call->args[0], rev, text, &rev_now);
	if (err == ERR_EXISTS) {
		answer_other(call);
	} else if (err == ERR_LIMIT) {
		answer_error(&call->exchange->answer, SAID_TOO_LARGE,
			text.len > LIMIT_WRITING_BYTES + LIMIT_WRITING_SEAL_BYTES ||
					(text.len > LIMIT_WRITING_BYTES &&
						text.at[0] != WRITER_SEALED)
				? too_long
				: "There are too many drafts on the node.");
	} else if (err != ERR_OK) {
		answer_err(&call->exchange->answer, err);
	} else {
		tell(call, call->args[0], rev_now);
		answer_json(&call->exchange->answer, 200,
			json_pack("{s:I}", "rev", (json_int_t)rev_now));
	}
}

/* A number from the body; false: answered. */
static bool read_rev(struct call *call, uint64_t *out)
{
	const json_t *rev = json_object_get(call->body, "rev");
	if (!json_is_integer(rev) || json_integer_value(rev) < 0) {
		answer_error(&call->exchange->answer, SAID_BAD_REQUEST,
			"`rev` is the number that was read, 0 for something new.");
		return false;
	}
	*out = (uint64_t)json_integer_value(rev);
	return true;
}

static bool has_name(struct call *call)
{
	if (serve_is_plain_name(call->args[0])) {
		return true;
	}
	answer_error(&call->exchange->answer, SAID_BAD_REQUEST,
		"A name is 1 to 64 letters, digits, - or _.");
	return false;
}

static void write_sealed(struct call *call, uint64_t rev, struct span text)
{
	struct buf sealed = BUF_INIT(LIMIT_WRITING_BYTES + LIMIT_WRITING_SEAL_BYTES);
	enum err err = letters_seal(call->api, call->args[0], text, &sealed);
	if (err == ERR_OK) {
		write_and_answer(call, rev, buf_span(&sealed));
	} else if (err == ERR_LIMIT) {
		answer_error(&call->exchange->answer, SAID_TOO_LARGE, too_long);
	} else {
		answer_err(&call->exchange->answer, err);
	}
	buf_fini(&sealed);
}

void serve_write(struct call *call)
{
	uint64_t rev = 0;
	const json_t *body = json_object_get(call->body, "body");
	if (!has_name(call) || !read_rev(call, &rev)) {
		return;
	}
	if (!json_is_object(body)) {
		answer_error(&call->exchange->answer, SAID_BAD_REQUEST, "`body` is an object.");
		return;
	}
	char *text = json_dumps(body, JSON_COMPACT);
	if (text == NULL) {
		answer_err(&call->exchange->answer, ERR_NOMEM);
	} else if (letters_is_private(call->api, call->args[0], body)) {
		write_sealed(call, rev, span_text(text));
		sodium_memzero(text, strlen(text));
	} else {
		write_and_answer(call, rev, span_text(text));
	}
	free(text);
}

void serve_write_done(struct call *call)
{
	enum err err = ERR_OK;
	struct reader *reader = inside_reader(call);
	if (reader == NULL || !has_name(call)) {
		return;
	}
	json_t *now = serve_writing_of(call->api, reader, call->args[0], &err);
	uint64_t rev = (uint64_t)json_integer_value(json_object_get(now, "rev"));
	json_decref(now);
	if (err != ERR_OK) {
		answer_err(&call->exchange->answer, err);
		return;
	}
	write_and_answer(call, rev, span_of(NULL, 0));
}
