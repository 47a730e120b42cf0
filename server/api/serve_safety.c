/*
 * What keeps our feed whole, for the one it belongs to: why publishing is paused, what it waits
 * for, what browsers remember, and the owner's word that it goes on.
 */
#include "api/body.h"
#include "api/shape.h"
#include "base/encode.h"
#include "store/safety.h"

#include <stdio.h>

enum { WITNESS_HASH_BYTES = 8, WITNESS_NAME_BYTES = 32, WHY_BYTES = 256 };

static void wrong(struct call *call, const char *sentence)
{
	answer_error(&call->exchange->answer, SAID_BAD_REQUEST, sentence);
}

static struct span witness_name(struct call *call, char out[static WITNESS_NAME_BYTES])
{
	char hash[2 * WITNESS_HASH_BYTES + 1];
	if (call->exchange->is_owner) {
		return span_text("owner");
	}
	/* Of the hash of a cookie, so that it names a browser and opens nothing. */
	hex_encode(span_of(call->exchange->session.at, WITNESS_HASH_BYTES), hash);
	int len = snprintf(out, WITNESS_NAME_BYTES, "browser %s", hash);
	return span_of(out, (size_t)len);
}

static void answer_safety(struct call *call)
{
	char name[WITNESS_NAME_BYTES];
	json_t *tree = NULL;
	struct reader *reader = inside_reader(call);
	if (reader == NULL) {
		return;
	}
	enum err err = shape_safety(call->api, reader, witness_name(call, name), &tree);
	if (err != ERR_OK) {
		answer_err(&call->exchange->answer, err);
		return;
	}
	answer_json(&call->exchange->answer, 200, tree);
}

void serve_safety(struct call *call)
{
	answer_safety(call);
}

/* A number of a message: from 1 on, and no more than JavaScript can count. */
static bool read_sequence(const json_t *body, const char *name, uint64_t *out)
{
	const json_t *number = json_object_get(body, name);
	*out = (uint64_t)json_integer_value(number);
	return json_is_integer(number) && json_integer_value(number) >= 1 &&
	       json_integer_value(number) <= 9007199254740991;
}

void serve_witness(struct call *call)
{
	char name[WITNESS_NAME_BYTES];
	char why[WHY_BYTES];
	struct span text;
	uint64_t sequence = 0;
	struct change change = {.kind = CHANGE_WITNESS, .name = witness_name(call, name)};
	if (!read_sequence(call->body, "sequence", &sequence)) {
		wrong(call, "`sequence` is the number of a message.");
		return;
	}
	if (body_has(call->body, "key") &&
		(!body_text(call->body, "key", &text) ||
			message_id_parse_any(text, &change.key) != ERR_OK)) {
		wrong(call, "`key` is the key of a message.");
		return;
	}
	change.number = (int64_t)sequence;
	enum err err = writer_change_wait(call->api->opts.writer, &change);
	if (err != ERR_OK) {
		answer_err(&call->exchange->answer, err);
		return;
	}
	const char *state = writer_state(call->api->opts.writer, why, sizeof(why));
	answer_json(&call->exchange->answer, 200, json_pack("{s:s}", "state", state));
}

/* What the owner cannot lift, and what they must say otherwise. */
static void answer_refused(struct call *call, const char *why)
{
	struct answer *answer = &call->exchange->answer;
	struct guard_report report;
	char said[WHY_BYTES + 64];
	writer_guard(call->api->opts.writer, &report);
	if (report.state == FENCE_SUSPECT) {
		/* The page has a button for it. */
		(void)snprintf(said, sizeof(said), "%s%s", why,
			call->exchange->is_owner ? " `kith resume --accept` says it." : "");
		answer_error(answer, SAID_REFUSED, said);
	} else {
		answer_paused(answer, why[0] == '\0' ? NULL : why, 0);
	}
}

void serve_resume(struct call *call)
{
	char why[WHY_BYTES] = "";
	struct guard_report report;
	uint64_t last = 0;
	const json_t *accept = json_object_get(call->body, "accept");
	bool has_last = body_has(call->body, "last");
	if ((has_last && !read_sequence(call->body, "last", &last)) ||
		(body_has(call->body, "accept") && !json_is_boolean(accept)) ||
		(!has_last && !json_is_true(accept))) {
		wrong(call, "It takes `last`, the number of the newest message you remember, or "
			    "`accept`: true.");
		return;
	}
	writer_guard(call->api->opts.writer, &report);
	if (report.state == FENCE_CLEAN && last > report.sequence && !json_is_true(accept)) {
		answer_error(&call->exchange->answer, SAID_REFUSED,
			"Publishing is not paused, but this node does not know that message.");
		return;
	}
	if (report.state != FENCE_CLEAN) {
		enum err err = writer_resume(
			call->api->opts.writer, last, json_is_true(accept), why, sizeof(why));
		if (err == ERR_REFUSED) {
			answer_refused(call, why);
			return;
		}
		if (err != ERR_OK) {
			answer_err(&call->exchange->answer, err);
			return;
		}
	}
	answer_safety(call);
}

struct wanting {
	const struct feed_id *id;
	size_t others;
};

static void count_want(void *ctx, const struct feed_id *feed)
{
	struct wanting *wanting = ctx;
	wanting->others += feed_id_equal(feed, wanting->id) ? 0 : 1;
}

void serve_want(struct call *call)
{
	struct serve_pasted pasted;
	json_t *address = NULL;
	struct wanting wanting = {.id = &pasted.id};
	struct reader *reader = inside_reader(call);
	if (reader == NULL || !serve_read_pasted(call, &pasted)) {
		return;
	}
	enum err err = reader_wants(reader, count_want, &wanting);
	if (err == ERR_OK && wanting.others >= LIMIT_WANTS) {
		err = ERR_LIMIT;
	}
	if (err == ERR_OK) {
		err = serve_wanted(call, &pasted, &address);
	}
	if (err == ERR_LIMIT) {
		answer_error(&call->exchange->answer, SAID_REFUSED,
			"There are 100 such people already.");
	} else if (err != ERR_OK) {
		answer_err(&call->exchange->answer, err);
	} else {
		answer_json(&call->exchange->answer, 200,
			json_pack(
				"{s:o, s:O}", "id", shape_feed_id(&pasted.id), "address", address));
	}
	json_decref(address);
}
