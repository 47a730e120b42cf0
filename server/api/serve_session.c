/*
 * Opening the door, and closing it; which browsers have come in.
 */
#include "api/body.h"
#include "api/inside.h"

#include <sodium.h>

void serve_login(struct call *call)
{
	struct answer *answer = &call->exchange->answer;
	struct api *api = call->api;
	struct span code;
	char cookie[SESSION_SECRET_BYTES];
	char token[SESSION_SECRET_BYTES];
	int64_t retry_s = 1;
	if (!body_text(call->body, "code", &code)) {
		answer_error(answer, SAID_BAD_REQUEST, NULL);
		return;
	}
	enum err err = sessions_login(
		api->sessions, code, call->exchange->address, cookie, token, &retry_s);
	if (err == ERR_LIMIT) {
		answer_slow_down(answer, retry_s);
		return;
	}
	if (err != ERR_OK) {
		answer_error(answer, SAID_LOGIN,
			"This link was used already or is too old. `kith link` prints a fresh "
			"one.");
		return;
	}
	struct span label;
	if (body_text(call->body, "name", &label)) {
		sessions_name(api->sessions, span_text(cookie), label);
	}
	answer_json(answer, 200, json_pack("{s:s}", "token", token));
	inside_set_cookie(api, call->exchange, cookie, LIMIT_SESSION_MS / 1000);
	sodium_memzero(cookie, sizeof(cookie));
	sodium_memzero(token, sizeof(token));
}

void serve_logout(struct call *call)
{
	struct api *api = call->api;
	if (!call->exchange->is_owner) {
		sessions_end(api->sessions, &call->exchange->session);
	}
	answer_json(&call->exchange->answer, 200, json_object());
	if (!call->exchange->is_owner) {
		inside_set_cookie(api, call->exchange, "", 0);
	}
}

void serve_code(struct call *call)
{
	struct api *api = call->api;
	char code[SESSION_SECRET_BYTES];
	char link[PLACE_LINK_BYTES];
	if (api->http == NULL) {
		answer_error(&call->exchange->answer, SAID_NOT_RUNNING, NULL);
		return;
	}
	sessions_new_code(api->sessions, code);
	place_link(&api->place, api_port(api), code, link);
	answer_json(
		&call->exchange->answer, 200, json_pack("{s:s, s:s}", "code", code, "link", link));
}

void serve_sessions(struct call *call)
{
	static const char form[] = "{s:s, s:o, s:I, s:I, s:b}";
	struct session_row rows[LIMIT_SESSIONS];
	const struct exchange *exchange = call->exchange;
	size_t count = sessions_list(
		call->api->sessions, exchange->is_owner ? NULL : &exchange->session, rows);
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++) {
		json_t *row = json_pack(form, "id", rows[i].id, "name",
			body_string(span_text(rows[i].label)), "since", (json_int_t)rows[i].made_ms,
			"seen", (json_int_t)rows[i].seen_ms, "you", rows[i].is_you ? 1 : 0);
		(void)json_array_append_new(list, row);
	}
	if (json_array_size(list) == count) {
		answer_json(&call->exchange->answer, 200, json_pack("{s:o}", "sessions", list));
	} else {
		json_decref(list);
		answer_err(&call->exchange->answer, ERR_NOMEM);
	}
}

void serve_session_end(struct call *call)
{
	if (sessions_end_row(call->api->sessions, call->args[0]) == ERR_OK) {
		answer_json(&call->exchange->answer, 200, json_object());
	} else {
		answer_error(&call->exchange->answer, SAID_NOT_FOUND,
			"This browser is signed out already.");
	}
}
