/* To add a method: one row here, one function in the file it belongs to. Names are joined by dots;
 * rows of one group stand together. */
#include "sync/methods.h"

#include "sync/ebt.h"
#include "sync/history.h"
#include "sync/missing.h"
#include "sync/newest.h"
#include "sync/peers.h"
#include "sync/ping.h"
#include "sync/wants.h"

#include <stdio.h>

/* Who may call. Permission is decided by the key of the connection (protocol/04 §6). */
enum may_call { ANY_PEER, OWNER };

struct method {
	const char *name;
	const char *kind_text; /* in the manifest */
	enum rpc_kind kind;
	enum may_call who;
	void (*serve)(struct partner *partner, struct rpc_call *call, const struct json *args);
};

static void serve_manifest(struct partner *partner, struct rpc_call *call, const struct json *args);
static void serve_whoami(struct partner *partner, struct rpc_call *call, const struct json *args);

static const struct method methods[] = {
	{"manifest", "sync", RPC_ASYNC, ANY_PEER, serve_manifest},
	{"whoami", "sync", RPC_ASYNC, ANY_PEER, serve_whoami},
	{"createHistoryStream", "source", RPC_SOURCE, ANY_PEER, history_serve},
	{"blobs.changes", "source", RPC_SOURCE, ANY_PEER, wants_serve_changes},
	{"blobs.createWants", "source", RPC_SOURCE, ANY_PEER, wants_serve_wants},
	{"blobs.get", "source", RPC_SOURCE, ANY_PEER, wants_serve_get},
	{"blobs.getSlice", "source", RPC_SOURCE, ANY_PEER, wants_serve_slice},
	{"blobs.has", "async", RPC_ASYNC, ANY_PEER, wants_serve_has},
	{"blobs.push", "async", RPC_ASYNC, OWNER, NULL},
	{"blobs.size", "async", RPC_ASYNC, ANY_PEER, wants_serve_size},
	{"ebt.replicate", "duplex", RPC_DUPLEX, ANY_PEER, ebt_serve},
	{"gossip.ping", "duplex", RPC_DUPLEX, ANY_PEER, ping_serve},
	{"kith.message", "source", RPC_SOURCE, ANY_PEER, missing_serve},
	{"kith.newest", "source", RPC_SOURCE, ANY_PEER, newest_serve},
};
static const struct rpc_handler nothing; /* for calls of which nothing more is to be heard */
enum { METHOD_COUNT = sizeof(methods) / sizeof(methods[0]) };

/* Bytes of the group before the dot; 0 without one. */
static size_t group_len(const char *name)
{
	const char *dot = strchr(name, '.');
	return dot == NULL ? 0 : (size_t)(dot - name);
}

static bool is_same_group(const char *a, const char *b)
{
	size_t len = group_len(a);
	return len > 0 && len == group_len(b) && memcmp(a, b, len) == 0;
}

enum err methods_manifest(struct buf *out)
{
	enum err err = buf_append_byte(out, '{');
	for (size_t i = 0; err == ERR_OK && i < METHOD_COUNT; i++) {
		const struct method *method = &methods[i];
		size_t group = group_len(method->name);
		bool is_first = i == 0 || !is_same_group(methods[i - 1].name, method->name);
		bool is_last =
			i + 1 == METHOD_COUNT || !is_same_group(methods[i + 1].name, method->name);
		if (i > 0) {
			err = buf_append_byte(out, ',');
		}
		if (err == ERR_OK && group > 0 && is_first) {
			err = buf_printf(out, "\"%.*s\":{", (int)group, method->name);
		}
		if (err == ERR_OK) {
			err = buf_printf(out, "\"%s\":\"%s\"",
				method->name + (group > 0 ? group + 1 : 0), method->kind_text);
		}
		if (err == ERR_OK && group > 0 && is_last) {
			err = buf_append_byte(out, '}');
		}
	}
	return err == ERR_OK ? buf_append_byte(out, '}') : err;
}

void methods_call(struct partner *partner, struct rpc_call *call, const char *name,
	enum rpc_kind kind, const struct json *args)
{
	for (size_t i = 0; i < METHOD_COUNT; i++) {
		if (strcmp(methods[i].name, name) != 0) {
			continue;
		}
		if (methods[i].who == OWNER) {
			break; /* nobody with our key gets as far as this */
		}
		if (methods[i].kind == kind) {
			methods[i].serve(partner, call, args);
			return;
		}
		partner->sync->counters.calls_refused++;
		rpc_refuse_kind(call, name);
		return;
	}
	partner->sync->counters.calls_refused++;
	rpc_refuse_not_allowed(call, name);
}

static void answer(struct rpc_call *call, enum err err, const struct buf *text)
{
	rpc_accept(call, &nothing);
	if (err != ERR_OK || rpc_send(call, MUXRPC_JSON, buf_span(text)) != ERR_OK) {
		rpc_refuse(call, "no answer could be made");
	}
}

static void serve_manifest(struct partner *partner, struct rpc_call *call, const struct json *args)
{
	struct buf text = BUF_INIT(LIMIT_RPC_JSON_BYTES);
	(void)partner;
	(void)args;
	answer(call, methods_manifest(&text), &text);
	buf_fini(&text);
}

static void serve_whoami(struct partner *partner, struct rpc_call *call, const struct json *args)
{
	struct buf text = BUF_INIT(LIMIT_RPC_JSON_BYTES);
	char id[FEED_ID_TEXT_BYTES];
	(void)args;
	feed_id_format(&partner->sync->self, id);
	answer(call, buf_printf(&text, "{\"id\":\"%s\"}", id), &text);
	buf_fini(&text);
}
