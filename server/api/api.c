/*
 * The whole of api/: started in the order store → sessions → live → http, stopped the other way
 * round, and between the two the judgement every request meets: does the row exist, who asks, how
 * often.
 *
 * A row that takes seconds (dialling) runs on a thread of its own, at most SLOW_MAX at a time,
 * while its connection is suspended.
 */
#include "api/api.h"

#include "api/body.h"
#include "api/health.h"
#include "api/inside.h"
#include "api/watch.h"
#include "base/log.h"
#include "store/private.h"

#include <stdio.h>
#include <stdlib.h>

enum { SLOW_MAX = 8 };

/* Who asks. */

static bool is_open(struct api *api)
{
	(void)pthread_mutex_lock(&api->lock);
	while (!api->is_open && !api->is_stopping) {
		/* Who came first to a door that was just opened waits for the last steps. */
		(void)pthread_cond_wait(&api->changed, &api->lock);
	}
	bool is = !api->is_stopping;
	(void)pthread_mutex_unlock(&api->lock);
	return is;
}

static bool spend(struct api *api, struct exchange *exchange, enum session_cost cost)
{
	int64_t retry_s = 1;
	if (sessions_spend(api->sessions, &exchange->session, cost, &retry_s) == ERR_OK) {
		return true;
	}
	answer_slow_down(&exchange->answer, retry_s);
	return false;
}

/* A browser's request for a row that needs a session. False: answered. */
static bool admit_session(struct api *api, struct exchange *exchange)
{
	if (!inside_is_in(api, exchange)) {
		answer_error(&exchange->answer, SAID_LOGIN, NULL);
		return false;
	}
	exchange->is_known = true;
	return spend(api, exchange, SESSION_ASKS);
}

/* An element of a page asks: it can send no token. False: answered. */
static bool admit_element(struct api *api, struct exchange *exchange)
{
	char name[PLACE_COOKIE_BYTES];
	struct span cookie;
	inside_cookie_name(api, exchange, name);
	if (exchange->head.is_foreign) {
		answer_error(&exchange->answer, SAID_DENIED, "This comes from another page.");
		return false;
	}
	if (!gate_cookie(&exchange->head, name, &cookie) ||
		sessions_check_cookie(api->sessions, cookie, &exchange->session) != ERR_OK) {
		answer_error(&exchange->answer, SAID_LOGIN, NULL);
		return false;
	}
	exchange->is_known = true;
	return spend(api, exchange, SESSION_LOOKS);
}

/* What anything but GET needs besides. False: answered. */
static bool admit_change(const struct route *route, struct exchange *exchange)
{
	if (!gate_origin_fits(&exchange->head)) {
		answer_error(&exchange->answer, SAID_DENIED, "This comes from another page.");
		return false;
	}
	if (route->begin != NULL && !gate_is_bytes(&exchange->head)) {
		answer_error(&exchange->answer, SAID_BAD_REQUEST,
			"The content type must be application/octet-stream.");
		return false;
	}
	if (route->begin == NULL && !gate_is_json(&exchange->head)) {
		answer_error(&exchange->answer, SAID_BAD_REQUEST,
			"The content type must be application/json.");
		return false;
	}
	return true;
}

/* A node whose key waits for its passphrase shows its door, and nothing else. True: answered. */
static bool is_shut(const struct api *api, const struct route *route, struct exchange *exchange)
{
	if (api->opts.starting != NULL) {
		health_starting(api, &exchange->answer);
		return true;
	}
	if (!api->opts.is_locked || (route != NULL && route->may == MAY_ANYBODY)) {
		return false;
	}
	answer_error(&exchange->answer, SAID_LOCKED, NULL);
	return true;
}

static enum http_next admit_upgrade(struct api *api, struct exchange *exchange)
{
	char name[PLACE_COOKIE_BYTES];
	struct span cookie;
	inside_cookie_name(api, exchange, name);
	if (is_shut(api, NULL, exchange)) {
		exchange->answer.is_last = true;
		return HTTP_ANSWER;
	}
	if (!span_equal_text(exchange->head.path, "/api/live") || exchange->is_owner) {
		answer_error(&exchange->answer, SAID_NOT_FOUND, NULL);
	} else if (!gate_origin_fits(&exchange->head)) {
		answer_error(&exchange->answer, SAID_DENIED, "This comes from another page.");
	} else if (!gate_cookie(&exchange->head, name, &cookie) ||
		   sessions_check_cookie(api->sessions, cookie, &exchange->session) != ERR_OK) {
		answer_error(&exchange->answer, SAID_LOGIN, NULL);
	} else if (spend(api, exchange, SESSION_ASKS)) {
		exchange->is_known = true;
		return HTTP_UPGRADE;
	}
	exchange->answer.is_last = true;
	return HTTP_ANSWER;
}

static enum http_next admit(struct api *api, struct exchange *exchange)
{
	struct span args[ROUTE_ARGS_MAX];
	bool is_known = false;
	const struct route *route =
		route_find(exchange->head.method, exchange->head.path, args, &is_known);
	if (is_shut(api, route, exchange)) {
		return HTTP_ANSWER;
	}
	bool is_free = exchange->is_owner || (route != NULL && route->may == MAY_ANYBODY);
	bool is_seen = route != NULL && route->is_seen;
	if (!is_free && !(is_seen ? admit_element(api, exchange) : admit_session(api, exchange))) {
		return HTTP_ANSWER;
	}
	if (route == NULL) {
		answer_error(&exchange->answer, is_known ? SAID_METHOD : SAID_NOT_FOUND, NULL);
		return HTTP_ANSWER;
	}
	if (!exchange->is_owner && route->method != GATE_GET && !admit_change(route, exchange)) {
		return HTTP_ANSWER;
	}
	if (!is_free && route->may >= MAY_WRITE &&
		!sessions_may_write(api->sessions, &exchange->session)) {
		answer_error(&exchange->answer, SAID_READ_ONLY, NULL);
		return HTTP_ANSWER;
	}
	if (!is_free && route->may == MAY_PUBLISH && !spend(api, exchange, SESSION_PUBLISHES)) {
		return HTTP_ANSWER;
	}
	exchange->route = route;
	if (route->begin != NULL) {
		struct call call = {.api = api, .exchange = exchange};
		return route->begin(&call) ? HTTP_GO_ON : HTTP_ANSWER;
	}
	return HTTP_GO_ON;
}

static enum http_next take_head(struct api *api, struct exchange *exchange)
{
	if (!is_open(api)) {
		answer_error(&exchange->answer, SAID_BUSY, "The node is starting or stopping.");
		exchange->answer.is_last = true;
		return HTTP_ANSWER;
	}
	if (!exchange->is_owner && !place_enter(&api->place, &exchange->head) &&
		!health_is_asked(exchange->head.path)) {
		answer_error(&exchange->answer, SAID_NOT_FOUND, NULL);
		return HTTP_ANSWER;
	}
	if (exchange->head.is_upgrade) {
		return admit_upgrade(api, exchange);
	}
	if (span_starts_with(exchange->head.path, "/api/") ||
		span_equal_text(exchange->head.path, "/api") ||
		span_starts_with(exchange->head.path, "/blob/")) {
		return admit(api, exchange);
	}
	if (exchange->head.method != GATE_GET && exchange->head.method != GATE_HEAD) {
		answer_error(&exchange->answer, SAID_METHOD, NULL);
		return HTTP_ANSWER;
	}
	if (health_serve(api, exchange)) {
		return HTTP_ANSWER;
	}
	serve_page(api->page, exchange);
	return HTTP_ANSWER;
}

static enum http_next on_head(void *ctx, struct exchange *exchange)
{
	struct api *api = ctx;
	exchange->since_ms = env_mono_ms(api->opts.env);
	size_t place = meter_enters(&api->meter);
	enum http_next next = take_head(api, exchange);
	meter_leaves(&api->meter, place);
	if (next == HTTP_ANSWER) {
		meter_exchange(&api->meter, exchange);
	}
	return next;
}

/* What is served. */

static void serve(struct api *api, struct exchange *exchange)
{
	const struct route *route = exchange->route;
	struct call call = {.api = api, .exchange = exchange};
	bool is_known = false;
	(void)route_find(exchange->head.method, exchange->head.path, call.args, &is_known);
	exchange->answer.is_secret = route->is_secret;
	bool has_json = route->method == GATE_POST || route->method == GATE_DELETE;
	if (has_json && !route->is_raw) {
		bool is_empty = exchange->body.len == 0;
		call.body = is_empty ? json_object() : body_parse(buf_span(&exchange->body));
		if (call.body == NULL) {
			answer_error(&exchange->answer, SAID_BAD_REQUEST,
				"The body is not a JSON object, or nested too deep.");
			return;
		}
	}
	route->serve(&call);
	json_decref(call.body);
	if (exchange->answer.status == 0) {
		answer_error(&exchange->answer, SAID_INTERNAL, NULL);
	}
	if (exchange->answer.status >= 500 && exchange->answer.status != 502) {
		LOG(api->opts.env, LOG_WARN, "api.failed", LOG_TEXT("row", route->pattern),
			LOG_NUM("status", exchange->answer.status));
	}
}

static enum http_next on_request(void *ctx, struct exchange *exchange)
{
	const struct route *route = exchange->route;
	if (route->is_slow) {
		return HTTP_LATER;
	}
	struct api *api = ctx;
	size_t place = meter_enters(&api->meter);
	exchange->since_ms = env_mono_ms(api->opts.env); /* its body took as long as it took */
	serve(api, exchange);
	meter_leaves(&api->meter, place);
	meter_exchange(&api->meter, exchange);
	return HTTP_ANSWER;
}

struct slow {
	struct api *api;
	struct exchange *exchange;
};

static void *slow_main(void *arg)
{
	struct slow *slow = arg;
	struct api *api = slow->api;
	serve(api, slow->exchange);
	reader_close_thread();
	meter_exchange(&api->meter, slow->exchange);
	http_finish(slow->exchange);
	free(slow);
	(void)pthread_mutex_lock(&api->lock);
	api->slow_count--;
	(void)pthread_cond_broadcast(&api->changed);
	(void)pthread_mutex_unlock(&api->lock);
	return NULL;
}

static bool start_slow(struct api *api, struct exchange *exchange)
{
	pthread_t thread;
	pthread_attr_t attributes;
	struct slow *slow = malloc(sizeof(*slow));
	if (slow == NULL) {
		return false;
	}
	*slow = (struct slow){.api = api, .exchange = exchange};
	(void)pthread_mutex_lock(&api->lock);
	bool has_room = api->slow_count < SLOW_MAX && !api->is_stopping;
	api->slow_count += has_room ? 1 : 0;
	(void)pthread_mutex_unlock(&api->lock);
	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	bool is_started = has_room && pthread_create(&thread, &attributes, slow_main, slow) == 0;
	(void)pthread_attr_destroy(&attributes);
	if (is_started) {
		return true;
	}
	free(slow);
	if (has_room) {
		(void)pthread_mutex_lock(&api->lock);
		api->slow_count--;
		(void)pthread_mutex_unlock(&api->lock);
	}
	return false;
}

static void on_later(void *ctx, struct exchange *exchange)
{
	if (!start_slow(ctx, exchange)) {
		answer_error(&exchange->answer, SAID_BUSY, NULL);
		http_finish(exchange);
	}
}

static void on_upgrade(void *ctx, struct upgrade *upgrade)
{
	struct api *api = ctx;
	live_take(api->live, upgrade);
}

/* Sessions in the store. */

static void put_session(void *ctx, const char *name, const char *text, int64_t expires_ms)
{
	struct api *api = ctx;
	struct change change = {.kind = CHANGE_SESSION_PUT,
		.name = span_text(name),
		.text = span_text(text),
		.number = expires_ms};
	if (writer_change(api->opts.writer, &change) != ERR_OK) {
		LOG(api->opts.env, LOG_WARN, "session.not_kept",
			LOG_TEXT("why", "the writer is busy"));
	}
}

static void drop_session(void *ctx, const char *name)
{
	struct api *api = ctx;
	struct change change = {.kind = CHANGE_SESSION_DROP, .name = span_text(name)};
	if (api->live != NULL) {
		live_check_sessions(api->live);
	}
	/* Who is told that a device is signed out must not find it back after a crash. */
	enum err err = writer_change_wait(api->opts.writer, &change);
	if (err != ERR_OK) {
		LOG(api->opts.env, LOG_WARN, "session.not_dropped", LOG_TEXT("why", err_text(err)));
	}
}

static void restore_session(void *ctx, struct span name, struct span text, int64_t expires_ms)
{
	sessions_restore(ctx, name, text, expires_ms);
}

/* Start and stop. */

static char *copy_text(const char *text)
{
	return text == NULL ? NULL : strdup(text);
}

static void api_free(struct api *api)
{
	live_free(api->live);
	serve_page_close(api->page);
	if (api->opts.sessions == NULL) {
		sessions_free(api->sessions);
	} else {
		sessions_keep_in(api->sessions, NULL, NULL, NULL);
	}
	bind_doors_close(&api->own_doors);
	events_free(api->events);
	free(api->socket_path);
	free(api->peer_host);
	(void)pthread_mutex_destroy(&api->lock);
	(void)pthread_mutex_destroy(&api->trying);
	(void)pthread_mutex_destroy(&api->deciding);
	(void)pthread_mutex_destroy(&api->disk.lock);
	free(api->disk.usage);
	meter_fini(&api->meter);
	(void)pthread_cond_destroy(&api->changed);
	free(api);
}

static void seed_hashes(const struct env *env)
{
	size_t seed = 0;
	env->random(env->ctx, (uint8_t *)&seed, sizeof(seed));
	json_object_seed(seed == 0 ? 1 : seed);
}

static enum err api_new(const struct api_opts *opts, struct api **out)
{
	struct api *api = calloc(1, sizeof(*api));
	if (api == NULL) {
		return ERR_NOMEM;
	}
	seed_hashes(opts->env);
	body_wipe_json();
	(void)pthread_mutex_init(&api->lock, NULL);
	(void)pthread_mutex_init(&api->trying, NULL);
	(void)pthread_mutex_init(&api->deciding, NULL);
	(void)pthread_mutex_init(&api->disk.lock, NULL);
	meter_init(&api->meter, opts->env);
	atomic_store(&api->is_private_new, true);
	(void)pthread_cond_init(&api->changed, NULL);
	api->opts = *opts;
	api->own_doors = (struct bind_doors){.v4 = -1, .v6 = -1, .path = -1};
	api->sessions = opts->sessions;
	api->socket_path = copy_text(opts->socket_path);
	api->peer_host = copy_text(opts->peer_host);
	api->started_ms = env_mono_ms(opts->env);
	enum err err = events_new(opts->env, &opts->self, &api->events);
	if (err == ERR_OK && api->sessions == NULL) {
		err = sessions_new(&(struct session_opts){.env = opts->env}, &api->sessions);
	}
	if (err != ERR_OK) {
		api_free(api);
		return err;
	}
	*out = api;
	return ERR_OK;
}

static enum err read_state(struct api *api)
{
	struct reader *reader = NULL;
	struct chain_head head;
	enum err err = reader_open(api->opts.store, &reader);
	if (err != ERR_OK) {
		return err;
	}
	err = reader_sessions(reader, restore_session, api->sessions);
	if (err == ERR_OK && reader_head(reader, &api->opts.self, &head) == ERR_OK) {
		events_set_head(api->events, head.sequence);
	}
	reader_close(reader);
	if (err == ERR_OK) {
		sessions_keep_in(api->sessions, put_session, drop_session, api);
	}
	return err;
}

static enum err open_doors(struct api *api, char *why, size_t why_bytes)
{
	const struct bind_opts bind = {.host = api->opts.http_host,
		.port = api->opts.http_port,
		.socket_path = api->socket_path};
	enum err err = api->opts.doors != NULL
			       ? ERR_OK
			       : bind_doors_open(&bind, &api->own_doors, why, why_bytes);
	if (err != ERR_OK) {
		return err;
	}
	const struct http_opts http = {
		.env = api->opts.env,
		.doors = api->opts.doors != NULL ? api->opts.doors : &api->own_doors,
		.place = &api->place,
		.on_head = on_head,
		.on_request = on_request,
		.on_later = on_later,
		.on_upgrade = on_upgrade,
		.ctx = api,
	};
	return http_start(&http, &api->http, why, why_bytes);
}

static enum err start_live(struct api *api, char *why, size_t why_bytes)
{
	const struct live_opts live = {
		.env = api->opts.env, .sessions = api->sessions, .events = api->events};
	return api->opts.is_locked ? ERR_OK : live_start(&live, &api->live, why, why_bytes);
}

enum err api_start(const struct api_opts *opts, struct api **out, char *why, size_t why_bytes)
{
	struct api *api = NULL;
	(void)snprintf(why, why_bytes, "the page's server does not start");
	enum err err = api_new(opts, &api);
	if (err != ERR_OK) {
		return err;
	}
	const struct place_opts place = {.http_host = opts->http_host,
		.public_url = opts->public_url,
		.trusted_proxies = opts->trusted_proxies};
	err = place_read(&place, &api->place, why, why_bytes);
	if (err == ERR_OK && !opts->is_locked) {
		err = read_state(api);
	}
	if (err == ERR_OK) {
		err = serve_page_open(opts->web_dir, api->place.base, &api->page);
	}
	if (err == ERR_OK) {
		err = start_live(api, why, why_bytes);
	}
	if (err == ERR_OK) {
		err = open_doors(api, why, why_bytes);
	}
	if (err == ERR_OK && !opts->is_locked) {
		/* Last: it asks the loop, which does not run yet, and would make a failed start
		 * wait. */
		err = watch_start(api, &api->watch);
	}
	if (err != ERR_OK) {
		api_stop(api);
		return err;
	}
	(void)pthread_mutex_lock(&api->lock);
	api->is_open = true;
	(void)pthread_cond_broadcast(&api->changed);
	(void)pthread_mutex_unlock(&api->lock);
	why[0] = '\0';
	*out = api;
	return ERR_OK;
}

void api_stop(struct api *api)
{
	if (api == NULL) {
		return;
	}
	(void)pthread_mutex_lock(&api->lock);
	api->is_stopping = true;
	(void)pthread_cond_broadcast(&api->changed);
	(void)pthread_mutex_unlock(&api->lock);
	if (api->http != NULL) {
		http_quiesce(api->http);
	}
	watch_stop(api->watch);
	if (api->live != NULL) {
		live_stop(api->live);
	}
	(void)pthread_mutex_lock(&api->lock);
	while (api->slow_count > 0) {
		(void)pthread_cond_wait(&api->changed, &api->lock);
	}
	(void)pthread_mutex_unlock(&api->lock);
	http_stop(api->http);
	api_free(api);
}

uint16_t api_port(const struct api *api)
{
	return api->http == NULL ? 0 : http_port(api->http);
}

void api_new_code(struct api *api, char code[static 33])
{
	sessions_new_code(api->sessions, &(struct session_invite){.may = SESSION_MAY_WRITE}, code);
}

void api_on_private(struct api *api, const struct private_news *news)
{
	for (size_t i = 0; i < news->count; i++) {
		const struct private_message *message = &news->messages[i];
		if (message->type == CONTENT_CONTACT) {
			continue;
		}
		events_on_private(api->events, message->readers.name.at, &message->key);
	}
	if (news->is_cut || news->is_edges_changed) {
		events_on_hidden(api->events);
	}
	serve_private_changed(api);
	if (api->live != NULL) {
		live_wake(api->live);
	}
}

void api_on_commit(struct api *api, const struct commit *commit)
{
	events_on_commit(api->events, commit);
	if (commit->is_graph_changed) {
		atomic_store(&api->is_private_new, true); /* whom we block counts for nothing */
	}
	if (api->live != NULL) {
		live_wake(api->live);
	}
	if (api->watch != NULL) {
		watch_wake(api->watch);
	}
}

void api_on_sync_changed(struct api *api)
{
	events_on_peers(api->events);
	if (api->watch != NULL) {
		watch_wake(api->watch);
	}
}

void api_on_state(struct api *api)
{
	events_on_safety(api->events);
	if (api->watch != NULL) {
		watch_wake(api->watch); /* it asks for the state and tells both */
	}
}

void api_on_outbox(struct api *api, const struct outbox_news *news)
{
	events_on_outbox(api->events, news);
	if (api->live != NULL) {
		live_wake(api->live);
	}
}

/* Without a socket. */

enum err api_start_local(const struct api_opts *opts, struct api **out)
{
	enum err err = api_new(opts, out);
	if (err == ERR_OK && (err = read_state(*out)) != ERR_OK) {
		api_free(*out);
	}
	return err;
}

static bool method_named(const char *name, enum gate_method *out)
{
	static const char *const names[] = {"GET", "HEAD", "POST", "DELETE", "PUT"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]) == 0) {
			*out = (enum gate_method)i;
			return true;
		}
	}
	return false;
}

static enum err answer_here(struct api *api, struct exchange *exchange, struct span body)
{
	enum err err = ERR_OK;
	if (admit(api, exchange) != HTTP_GO_ON) {
		return ERR_OK;
	}
	if (exchange->sink.take != NULL) {
		exchange->sink.take(exchange->sink.ctx, body);
	} else if (body.len > LIMIT_HTTP_BODY_BYTES) {
		answer_error(&exchange->answer, SAID_TOO_LARGE, NULL);
		return ERR_OK;
	} else {
		err = buf_append(&exchange->body, body);
	}
	if (err == ERR_OK) {
		serve(api, exchange);
	}
	return err;
}

enum err api_request(struct api *api, const char *method, const char *target, struct span body,
	unsigned *status, struct buf *out)
{
	struct exchange exchange = {.is_owner = true, .body = BUF_INIT(LIMIT_HTTP_BODY_BYTES)};
	answer_init(&exchange.answer);
	enum err err = ERR_OK;
	if (!method_named(method, &exchange.head.method) ||
		gate_judge_target(span_text(target), &exchange.head) != NULL) {
		answer_error(&exchange.answer, SAID_BAD_REQUEST, NULL);
	} else {
		exchange.head.has_length = body.len > 0;
		exchange.head.length = body.len;
		err = answer_here(api, &exchange, body);
	}
	if (err == ERR_OK) {
		*status = exchange.answer.status;
		err = answer_read(&exchange.answer, out);
	}
	if (exchange.sink.take != NULL) {
		exchange.sink.drop(exchange.sink.ctx);
	}
	answer_fini(&exchange.answer);
	buf_wipe(&exchange.body); /* words or a passphrase may have been in it */
	return err;
}
