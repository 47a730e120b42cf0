/*
 * Opening the door, and closing it.
 */
#include "api/body.h"
#include "api/inside.h"
#include "base/log.h"
#include "store/password.h"

#include <sodium.h>

static const char *may_text(enum session_may may)
{
	return may == SESSION_MAY_WRITE ? "write" : "read";
}

void serve_session(struct call *call)
{
	struct api *api = call->api;
	struct exchange *exchange = call->exchange;
	bool is_in = exchange->is_owner || inside_is_in(api, exchange);
	bool may_write =
		exchange->is_owner || sessions_may_write(api->sessions, &exchange->session);
	enum session_may may = may_write ? SESSION_MAY_WRITE : SESSION_MAY_READ;
	answer_json(&exchange->answer, 200,
		json_pack("{s:b, s:s?, s:b}", "in", is_in, "may", is_in ? may_text(may) : NULL,
			"password", password_is_set(inside_dir(api))));
}

static void welcome(struct call *call, struct session_keys *keys)
{
	answer_json(&call->exchange->answer, 200,
		json_pack("{s:s, s:s}", "token", keys->token, "may", may_text(keys->may)));
	inside_set_cookie(call->api, call->exchange, keys->cookie, keys->lasts_ms / 1000);
	sodium_memzero(keys, sizeof(*keys));
}

static void log_in_with_code(struct call *call, struct span code, struct span label)
{
	struct answer *answer = &call->exchange->answer;
	const struct session_knock knock = {
		.code = code, .address = call->exchange->address, .label = label};
	struct session_keys keys;
	int64_t retry_s = 1;
	enum err err = sessions_login(call->api->sessions, &knock, &keys, &retry_s);
	if (err == ERR_OK) {
		welcome(call, &keys);
		inside_tell_devices(call->api);
	} else if (err == ERR_LIMIT) {
		answer_slow_down(answer, retry_s);
	} else {
		answer_error(answer, SAID_LOGIN,
			"This code was used already or is too old. `kith link` prints a fresh "
			"one.");
	}
}

static void log_in_with_password(struct call *call, struct span password, struct span label)
{
	struct api *api = call->api;
	struct exchange *exchange = call->exchange;
	struct session_keys keys;
	if (!password_is_set(inside_dir(api))) {
		answer_error(&exchange->answer, SAID_LOGIN, "No password is set on this node.");
		return;
	}
	if (!inside_begin_try(api, exchange)) {
		return;
	}
	enum err err = password_check(inside_dir(api), password);
	if (err == ERR_OK) {
		/* While it is our turn: nobody changes the password between the two. */
		sessions_open(api->sessions, SESSION_MAY_WRITE, label, &keys);
		welcome(call, &keys);
		inside_tell_devices(api);
	} else if (err == ERR_DENIED) {
		inside_try_failed(api, exchange);
		answer_error(&exchange->answer, SAID_LOGIN, "That is not the password.");
	} else {
		LOG(api->opts.env, LOG_WARN, "password.failed", LOG_TEXT("why", err_text(err)));
		answer_err(&exchange->answer, err);
	}
	inside_end_try(api);
}

void serve_login(struct call *call)
{
	struct span secret;
	struct span label = span_of(NULL, 0);
	(void)body_text(call->body, "name", &label);
	if (body_text(call->body, "code", &secret)) {
		log_in_with_code(call, secret, label);
	} else if (body_text(call->body, "password", &secret)) {
		log_in_with_password(call, secret, label);
	} else {
		answer_error(&call->exchange->answer, SAID_BAD_REQUEST, NULL);
	}
}

void serve_rotate(struct call *call)
{
	struct exchange *exchange = call->exchange;
	struct session_keys keys;
	int64_t retry_s = 1;
	enum err err = exchange->is_owner ? ERR_NOT_FOUND
					  : sessions_rotate(call->api->sessions, &exchange->session,
						    &keys, &retry_s);
	if (err == ERR_OK) {
		welcome(call, &keys);
	} else if (err == ERR_LIMIT) {
		answer_slow_down(&exchange->answer, retry_s);
	} else if (err == ERR_DENIED) {
		answer_error(&exchange->answer, SAID_LOGIN, NULL);
	} else {
		answer_err(&exchange->answer, err);
	}
}

void serve_logout(struct call *call)
{
	struct exchange *exchange = call->exchange;
	if (!exchange->is_owner) {
		sessions_end(call->api->sessions, &exchange->session);
		inside_tell_devices(call->api);
	}
	answer_json(&exchange->answer, 200, json_object());
	if (!exchange->is_owner) {
		inside_set_cookie(call->api, exchange, "", 0);
	}
}

void serve_code(struct call *call)
{
	struct api *api = call->api;
	struct exchange *exchange = call->exchange;
	const struct session_invite invite = {
		.may = SESSION_MAY_WRITE, .maker = exchange->is_owner ? NULL : &exchange->session};
	char code[SESSION_SECRET_BYTES];
	char link[PLACE_LINK_BYTES];
	if (api->http == NULL) {
		answer_error(&exchange->answer, SAID_NOT_RUNNING, NULL);
		return;
	}
	sessions_new_code(api->sessions, &invite, code);
	place_link(&api->place, api_port(api), code, link);
	answer_json(&exchange->answer, 200, json_pack("{s:s, s:s}", "code", code, "link", link));
}
