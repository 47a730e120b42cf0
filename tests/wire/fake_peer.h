/*
 * An rpc without a connection: what it sends is kept, what its calls hear is written down as lines,
 * and packets of the other side are made by hand.
 */
#ifndef TESTS_WIRE_FAKE_PEER_H
#define TESTS_WIRE_FAKE_PEER_H

#include "lib/cmocka.h"

#include "base/encode.h"
#include "base/limits.h"
#include "wire/rpc.h"

#include <stdio.h>
#include <stdlib.h>

enum { FAKE_CALLS = 128 };

struct fake {
	struct rpc *rpc;
	struct env env;
	int64_t now_ms;
	struct buf sent;
	size_t sent_max; /* over it the connection is lost */
	bool is_full;
	struct buf heard;                    /* one line for each callback */
	struct rpc_call *theirs[FAKE_CALLS]; /* in order of arrival */
	size_t theirs_count;
	/* What on_call does; NULL: accept. */
	void (*on_call)(
		struct fake *fake, struct rpc_call *call, const char *name, enum rpc_kind kind);
	/* After on_item, on_end, on_room were written down; may be NULL. */
	void (*then)(struct fake *fake, struct rpc_call *call, char what);
};

static inline void fake_hear(struct fake *fake, const char *what, struct span text)
{
	assert_int_equal(buf_append_text(&fake->heard, what), ERR_OK);
	assert_int_equal(buf_append(&fake->heard, text), ERR_OK);
	assert_int_equal(buf_append_byte(&fake->heard, '\n'), ERR_OK);
}

static inline void fake_on_item(void *ctx, struct rpc_call *call, enum muxrpc_type type,
	struct span body, const struct json *json)
{
	static const char *const names[] = {"binary ", "string ", "json "};
	struct fake *fake = ctx;
	assert_true((type == MUXRPC_JSON) == (json != NULL));
	fake_hear(fake, names[type], body);
	if (fake->then != NULL) {
		fake->then(fake, call, 'i');
	}
}

static inline void fake_on_end(void *ctx, struct rpc_call *call, const char *error)
{
	struct fake *fake = ctx;
	fake_hear(fake, error == NULL ? "end" : "error ", span_text(error));
	if (fake->then != NULL) {
		fake->then(fake, call, 'e');
	}
}

static inline void fake_on_room(void *ctx, struct rpc_call *call)
{
	struct fake *fake = ctx;
	fake_hear(fake, "room", span_of(NULL, 0));
	if (fake->then != NULL) {
		fake->then(fake, call, 'r');
	}
}

static inline struct rpc_handler fake_handler(struct fake *fake)
{
	return (struct rpc_handler){.on_item = fake_on_item,
		.on_end = fake_on_end,
		.on_room = fake_on_room,
		.ctx = fake};
}

static inline void fake_accept(struct fake *fake, struct rpc_call *call)
{
	struct rpc_handler handler = fake_handler(fake);
	rpc_accept(call, &handler);
}

static inline void fake_on_call(void *ctx, struct rpc_call *call, const char *name,
	enum rpc_kind kind, const struct json *args)
{
	struct fake *fake = ctx;
	assert_int_equal(json_kind(args), JSON_KIND_ARRAY);
	fake->theirs[fake->theirs_count++ % FAKE_CALLS] = call;
	if (fake->on_call != NULL) {
		fake->on_call(fake, call, name, kind);
	} else {
		fake_accept(fake, call);
	}
}

static inline enum err fake_send(void *ctx, struct span bytes)
{
	struct fake *fake = ctx;
	return fake->sent.len + bytes.len > fake->sent_max ? ERR_LIMIT
							   : buf_append(&fake->sent, bytes);
}

static inline bool fake_is_full(void *ctx)
{
	return ((struct fake *)ctx)->is_full;
}

static inline int64_t fake_mono_ms(void *ctx)
{
	return ((struct fake *)ctx)->now_ms;
}

static inline void fake_init(struct fake *fake)
{
	*fake = (struct fake){.sent = BUF_INIT(16 * MIB),
		.heard = BUF_INIT(16 * MIB),
		.sent_max = 16 * MIB,
		.now_ms = 1000};
	fake->env = (struct env){.mono_ms = fake_mono_ms, .ctx = fake};
	struct rpc_opts opts = {.env = &fake->env,
		.send = fake_send,
		.is_full = fake_is_full,
		.on_call = fake_on_call,
		.ctx = fake};
	assert_int_equal(rpc_new(&opts, &fake->rpc), ERR_OK);
}

static inline void fake_fini(struct fake *fake)
{
	rpc_free(fake->rpc);
	buf_fini(&fake->sent);
	buf_fini(&fake->heard);
}

/* A packet of the other side; flags as on the wire. */
static inline void fake_packet(struct buf *out, uint8_t flags, int32_t request, struct span body)
{
	uint8_t head[MUXRPC_HEAD_BYTES];
	struct muxrpc_head fields = {
		.is_stream = (flags & 8) != 0,
		.is_end = (flags & 4) != 0,
		.type = (enum muxrpc_type)(flags & 3),
		.length = (uint32_t)body.len,
		.request = request,
	};
	muxrpc_head_write(&fields, head);
	assert_int_equal(buf_append(out, span_of(head, sizeof(head))), ERR_OK);
	assert_int_equal(buf_append(out, body), ERR_OK);
}

static inline enum err fake_feed(struct fake *fake, struct span bytes, size_t step)
{
	enum err err = ERR_OK;
	while (bytes.len > 0 && err == ERR_OK) {
		err = rpc_feed(fake->rpc, span_take(bytes, step));
		bytes = span_skip(bytes, step);
	}
	return err;
}

static inline enum err fake_receive_bytes(
	struct fake *fake, uint8_t flags, int32_t request, struct span body)
{
	struct buf packet = BUF_INIT(16 * MIB);
	fake_packet(&packet, flags, request, body);
	enum err err = rpc_feed(fake->rpc, buf_span(&packet));
	buf_fini(&packet);
	return err;
}

static inline enum err fake_receive(
	struct fake *fake, uint8_t flags, int32_t request, const char *body)
{
	return fake_receive_bytes(fake, flags, request, span_text(body));
}

/* The oldest packet we sent and nobody looked at must be this one. */
static inline void fake_sent(struct fake *fake, uint8_t flags, int32_t request, const char *body)
{
	struct buf wanted = BUF_INIT(16 * MIB);
	fake_packet(&wanted, flags, request, span_text(body));
	if (fake->sent.len < wanted.len || memcmp(fake->sent.at, wanted.at, wanted.len) != 0) {
		const char *got = buf_cstr(&fake->sent);
		fail_msg("sent %zu bytes, \"%s\", instead of %02x %d \"%s\"", fake->sent.len,
			got == NULL || fake->sent.len < 9 ? "" : got + 9, flags, request, body);
	}
	buf_consume(&fake->sent, wanted.len);
	buf_fini(&wanted);
}

static inline void fake_sent_nothing(struct fake *fake)
{
	assert_int_equal(fake->sent.len, 0);
}

/* What the calls heard since last asked. */
static inline void fake_heard(struct fake *fake, const char *wanted)
{
	const char *got = buf_cstr(&fake->heard);
	assert_non_null(got);
	assert_string_equal(got, wanted);
	buf_clear(&fake->heard);
}

static inline struct rpc_call *fake_open(
	struct fake *fake, const char *name, enum rpc_kind kind, const char *args)
{
	struct rpc_call *call = NULL;
	struct rpc_handler handler = fake_handler(fake);
	assert_int_equal(rpc_open(fake->rpc, name, kind, span_text(args), &handler, &call), ERR_OK);
	return call;
}

#endif
