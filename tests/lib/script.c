/* A scripted peer. */
#include "lib/script.h"

#include "lib/cmocka.h"
#include "net/dial.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void on_item(void *ctx, struct rpc_call *call, enum muxrpc_type type, struct span body,
	const struct json *json)
{
	struct script_call *mine = ctx;
	(void)call;
	(void)type;
	(void)json;
	mine->items++;
	assert_int_equal(buf_append(&mine->text, body), ERR_OK);
	assert_int_equal(buf_append_byte(&mine->text, '\n'), ERR_OK);
}

static void on_end(void *ctx, struct rpc_call *call, const char *error)
{
	struct script_call *mine = ctx;
	(void)call;
	mine->call = NULL;
	mine->is_ended = true;
	mine->has_error = error != NULL;
	(void)snprintf(mine->error, sizeof(mine->error), "%s", error == NULL ? "" : error);
}

static struct script_call *call_new(struct script *script, const char *name, enum rpc_kind kind)
{
	assert_true(script->call_count < SCRIPT_CALLS_MAX);
	struct script_call *mine = calloc(1, sizeof(*mine));
	assert_non_null(mine);
	mine->script = script;
	mine->kind = kind;
	(void)snprintf(mine->name, sizeof(mine->name), "%s", name);
	buf_init(&mine->text, 64 << 20);
	script->calls[script->call_count++] = mine;
	return mine;
}

static struct rpc_handler handler_of(struct script_call *mine)
{
	return (struct rpc_handler){.on_item = on_item, .on_end = on_end, .ctx = mine};
}

static void on_call(void *ctx, struct peer *peer, struct rpc_call *call, const char *name,
	enum rpc_kind kind, const struct json *args)
{
	struct script *script = ctx;
	struct buf text = BUF_INIT(1 << 20);
	(void)peer;
	if (script->refuses_ebt && strcmp(name, "ebt.replicate") == 0) {
		rpc_refuse_not_allowed(call, name);
		return;
	}
	struct script_call *mine = call_new(script, name, kind);
	struct rpc_handler handler = handler_of(mine);
	mine->call = call;
	assert_int_equal(json_write_compact(args, &text), ERR_OK);
	mine->args = strdup(buf_cstr(&text));
	buf_fini(&text);
	rpc_accept(call, &handler);
}

static void on_ready(void *ctx, struct peer *peer)
{
	struct script *script = ctx;
	script->peer = peer;
	script->is_ready = true;
	script->is_closed = false;
}

static void on_closed(void *ctx, struct peer *peer, const char *reason)
{
	struct script *script = ctx;
	if (script->peer == peer || script->peer == NULL) {
		script->is_closed = true;
		script->is_ready = false;
		script->peer = NULL;
		(void)snprintf(script->reason, sizeof(script->reason), "%s", reason);
	}
}

static struct peer *make_peer(
	struct script *script, struct link *link, const struct feed_id *server)
{
	struct peer *peer = NULL;
	const struct peer_opts opts = {
		.loop = script->loop,
		.network_key = nodes_network_key,
		.signer = script->self.signer,
		.server_id = server,
		.events = {.on_ready = on_ready,
			.on_call = on_call,
			.on_closed = on_closed,
			.ctx = script},
	};
	assert_int_equal(peer_new(link, &opts, &peer), ERR_OK);
	return peer;
}

void script_init(struct script *script, unsigned number)
{
	*script = (struct script){0};
	author_init(&script->self, number);
	assert_int_equal(loop_new(env_system(), &script->loop), ERR_OK);
}

void script_turn(struct script *script)
{
	(void)loop_step(script->loop);
	(void)usleep(500);
}

void script_close(struct script *script)
{
	if (script->peer != NULL) {
		peer_close(script->peer, "the script ends");
		SCRIPT_UNTIL(script, script->is_closed);
	}
}

void script_fini(struct script *script)
{
	script_close(script);
	if (script->listener != NULL) {
		listener_stop(script->listener);
	}
	for (int i = 0; i < 50; i++) {
		script_turn(script);
	}
	loop_free(script->loop);
	for (size_t i = 0; i < script->call_count; i++) {
		buf_fini(&script->calls[i]->text);
		free(script->calls[i]->args);
		free(script->calls[i]);
	}
	author_fini(&script->self);
}

struct dialling {
	struct script *script;
	const struct node *node;
};

static void on_dialled(void *ctx, struct link *link, const char *reason)
{
	struct dialling *dialling = ctx;
	(void)reason;
	assert_non_null(link);
	dialling->script->peer = make_peer(dialling->script, link, &dialling->node->self.id);
}

void script_dial(struct script *script, const struct node *node)
{
	struct dialling dialling = {.script = script, .node = node};
	struct dial *dial = NULL;
	script->is_closed = false;
	script->is_ready = false;
	assert_int_equal(dial_start(script->loop, "127.0.0.1", node->port, false, on_dialled,
				 &dialling, &dial),
		ERR_OK);
	SCRIPT_UNTIL(script, script->is_ready || script->is_closed);
}

static void on_link(void *ctx, struct link *link)
{
	struct script *script = ctx;
	(void)make_peer(script, link, NULL);
}

void script_listen(struct script *script)
{
	char why[128];
	const struct listen_opts opts = {
		.loop = script->loop, .host = "127.0.0.1", .on_link = on_link, .ctx = script};
	assert_int_equal(listener_start(&opts, &script->listener, why, sizeof(why)), ERR_OK);
	script->port = listener_port(script->listener);
}

struct address script_address(const struct script *script)
{
	struct address address = {.port = script->port, .key = script->self.id};
	(void)snprintf(address.host, sizeof(address.host), "127.0.0.1");
	return address;
}

struct script_call *script_open(
	struct script *script, const char *name, enum rpc_kind kind, const char *args)
{
	struct script_call *mine = call_new(script, name, kind);
	struct rpc_handler handler = handler_of(mine);
	mine->is_ours = true;
	assert_non_null(script->peer);
	assert_int_equal(rpc_open(peer_rpc(script->peer), name, kind, span_text(args), &handler,
				 &mine->call),
		ERR_OK);
	return mine;
}

struct script_call *script_called(struct script *script, const char *name, size_t n)
{
	for (size_t i = 0; i < script->call_count; i++) {
		struct script_call *mine = script->calls[i];
		if (!mine->is_ours && strcmp(mine->name, name) == 0 && n-- == 0) {
			return mine;
		}
	}
	return NULL;
}

void script_send_span(struct script_call *call, struct span text)
{
	assert_non_null(call->call);
	assert_int_equal(rpc_send(call->call, MUXRPC_JSON, text), ERR_OK);
}

void script_send(struct script_call *call, const char *format, ...)
{
	char text[8192];
	va_list args;
	va_start(args, format);
	int len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	assert_in_range(len, 1, sizeof(text) - 1);
	script_send_span(call, span_of(text, (size_t)len));
}

bool script_has(const struct script_call *call, const char *text)
{
	return call != NULL && call->text.len > 0 &&
	       memmem(call->text.at, call->text.len, text, strlen(text)) != NULL;
}

void script_linger(struct script *script, int ms)
{
	int64_t until = env_mono_ms(env_system()) + ms;
	while (env_mono_ms(env_system()) < until) {
		script_turn(script);
	}
}
