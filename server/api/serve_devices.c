/*
 * The owner's devices, how another one comes in, and the password.
 */
#include "api/body.h"
#include "api/inside.h"
#include "base/log.h"
#include "store/password.h"

enum { WHY_BYTES = 320 };

static const struct session_id *maker(const struct exchange *exchange)
{
	return exchange->is_owner ? NULL : &exchange->session;
}

static json_t *device(const struct session_row *row)
{
	return json_pack("{s:s, s:o, s:s, s:I, s:I, s:b}", "id", row->id, "name",
		body_string(span_text(row->label)), "may",
		row->may == SESSION_MAY_WRITE ? "write" : "read", "made", (json_int_t)row->made_ms,
		"seen", (json_int_t)row->seen_ms, "you", row->is_you ? 1 : 0);
}

void serve_devices(struct call *call)
{
	struct session_row rows[LIMIT_SESSIONS];
	size_t count = sessions_list(call->api->sessions, maker(call->exchange), rows);
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++) {
		(void)json_array_append_new(list, device(&rows[i]));
	}
	if (json_array_size(list) == count) {
		answer_json(&call->exchange->answer, 200,
			json_pack("{s:o, s:b}", "devices", list, "password",
				password_is_set(inside_dir(call->api))));
	} else {
		json_decref(list);
		answer_err(&call->exchange->answer, ERR_NOMEM);
	}
}

static bool read_may(const json_t *body, enum session_may *out)
{
	struct span text;
	if (!body_text(body, "may", &text)) {
		return false;
	}
	*out = span_equal_text(text, "write") ? SESSION_MAY_WRITE : SESSION_MAY_READ;
	return *out == SESSION_MAY_WRITE || span_equal_text(text, "read");
}

void serve_device_code(struct call *call)
{
	struct api *api = call->api;
	struct session_invite invite = {.is_short = true, .maker = maker(call->exchange)};
	char code[SESSION_SECRET_BYTES];
	char link[PLACE_LINK_BYTES];
	int64_t until_ms = env_wall_ms(api->opts.env) + LIMIT_SHORT_CODE_MS;
	if (!read_may(call->body, &invite.may)) {
		answer_error(&call->exchange->answer, SAID_BAD_REQUEST, NULL);
		return;
	}
	if (api->http == NULL) {
		answer_error(&call->exchange->answer, SAID_NOT_RUNNING, NULL);
		return;
	}
	sessions_new_code(api->sessions, &invite, code);
	place_link(&api->place, api_port(api), code, link);
	answer_json(&call->exchange->answer, 200,
		json_pack("{s:s, s:s, s:I}", "code", code, "link", link, "until",
			(json_int_t)until_ms));
}

/* False: answered. */
static bool find_device(struct call *call, struct session_id *out)
{
	if (sessions_find_row(call->api->sessions, call->args[0], out) == ERR_OK) {
		return true;
	}
	answer_error(&call->exchange->answer, SAID_NOT_FOUND, "This device is signed out already.");
	return false;
}

static void answer_device(struct call *call)
{
	struct session_row rows[LIMIT_SESSIONS];
	size_t count = sessions_list(call->api->sessions, maker(call->exchange), rows);
	for (size_t i = 0; i < count; i++) {
		if (span_equal_text(call->args[0], rows[i].id)) {
			answer_json(&call->exchange->answer, 200, device(&rows[i]));
			return;
		}
	}
	answer_error(&call->exchange->answer, SAID_NOT_FOUND, NULL);
}

void serve_device_change(struct call *call)
{
	struct answer *answer = &call->exchange->answer;
	struct session_change change = {
		.has_label = body_has(call->body, "name"), .has_may = body_has(call->body, "may")};
	struct session_id id;
	if ((!change.has_label && !change.has_may) ||
		(change.has_label && !body_text(call->body, "name", &change.label)) ||
		(change.has_may && !read_may(call->body, &change.may))) {
		answer_error(answer, SAID_BAD_REQUEST, NULL);
		return;
	}
	if (change.has_label &&
		(change.label.len == 0 || change.label.len > LIMIT_DEVICE_NAME_BYTES)) {
		answer_error(answer, SAID_REFUSED, "A device's name has 1 to 63 bytes.");
		return;
	}
	if (!find_device(call, &id)) {
		return;
	}
	enum err err = sessions_change(call->api->sessions, &id, &change);
	if (err == ERR_OK) {
		inside_tell_devices(call->api);
		answer_device(call);
	} else {
		answer_err(answer, err);
	}
}

void serve_device_end(struct call *call)
{
	struct session_id id;
	if (find_device(call, &id)) {
		sessions_end(call->api->sessions, &id);
		inside_tell_devices(call->api);
		answer_json(&call->exchange->answer, 200, json_object());
	}
}

/* The password. */

/* With the turn: does whoever asks know the one that is set? False: answered. */
static bool knows_old(struct call *call)
{
	struct api *api = call->api;
	struct span old = span_of(NULL, 0);
	if (call->exchange->is_owner || !password_is_set(inside_dir(api))) {
		return true;
	}
	(void)body_text(call->body, "old", &old);
	enum err err = password_check(inside_dir(api), old);
	if (err == ERR_DENIED) {
		inside_try_failed(api, call->exchange);
		answer_error(&call->exchange->answer, SAID_REFUSED,
			"That is not the password this node has now.");
	} else if (err != ERR_OK) {
		LOG(api->opts.env, LOG_WARN, "password.failed", LOG_TEXT("why", err_text(err)));
		answer_err(&call->exchange->answer, err);
	}
	return err == ERR_OK;
}

static void answer_password(struct call *call, enum err err)
{
	struct answer *answer = &call->exchange->answer;
	if (err == ERR_OK) {
		sessions_end_others(call->api->sessions, maker(call->exchange));
		answer_json(answer, 200, json_object());
	} else if (err == ERR_LIMIT) {
		answer_error(answer, SAID_REFUSED, "A password has 10 to 1024 characters.");
	} else {
		LOG(call->api->opts.env, LOG_WARN, "password.failed",
			LOG_TEXT("why", err_text(err)));
		answer_err(answer, err);
	}
}

void serve_password(struct call *call)
{
	struct span fresh;
	if (!body_text(call->body, "new", &fresh)) {
		answer_error(&call->exchange->answer, SAID_BAD_REQUEST, NULL);
		return;
	}
	if (!inside_begin_try(call->api, call->exchange)) {
		return;
	}
	if (knows_old(call)) {
		answer_password(call, password_set(inside_dir(call->api), fresh));
	}
	inside_end_try(call->api);
}

void serve_password_remove(struct call *call)
{
	char why[WHY_BYTES];
	/* What the next start would refuse is not done now. */
	if (place_may_open(&call->api->place, false, why, sizeof(why)) != ERR_OK) {
		answer_error(&call->exchange->answer, SAID_REFUSED, why);
		return;
	}
	if (!inside_begin_try(call->api, call->exchange)) {
		return;
	}
	if (knows_old(call)) {
		enum err err = password_remove(inside_dir(call->api));
		if (err == ERR_NOT_FOUND) {
			answer_error(&call->exchange->answer, SAID_NOT_FOUND,
				"No password is set on this node.");
		} else {
			answer_password(call, err);
		}
	}
	inside_end_try(call->api);
}
