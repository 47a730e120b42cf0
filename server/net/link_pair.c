/*
 * Each end owns the bytes on their way to it (`arriving`) and one task that delivers them. An end
 * that was closed frees itself after its on_closed; until then the other end may still point to it.
 */
#include "net/link_pair.h"

#include "base/buf.h"
#include "base/limits.h"

#include <stdio.h>
#include <stdlib.h>

struct link_end {
	struct link link; /* first: the interface */
	struct loop *loop;
	struct link_end *other; /* NULL: gone or closed */
	struct buf arriving;
	size_t chunk;
	struct loop_task turn;
	const char *reason; /* set: closed by us, on_closed is due */
	bool is_paused;
	bool is_over;    /* nothing more will arrive */
	bool other_full; /* the other end was told so */
};

static struct link_end *end_of(struct link *link)
{
	return (struct link_end *)(void *)link;
}

static void finish(struct link_end *end)
{
	if (end->other != NULL) {
		end->other->other = NULL;
		end->other->is_over = true;
		loop_task_queue(end->loop, &end->other->turn);
	}
	loop_task_cancel(&end->turn);
	*loop_buffered(end->loop) -= end->arriving.len;
	buf_fini(&end->arriving);
	if (end->link.events.on_closed != NULL) {
		end->link.events.on_closed(end->link.events.ctx, end->reason);
	}
	free(end);
}

static void deliver(struct link_end *end)
{
	uint8_t part[4 * KIB];
	size_t count = end->chunk > 0 && end->chunk < sizeof(part) ? end->chunk : sizeof(part);
	if (count > end->arriving.len) {
		count = end->arriving.len;
	}
	memcpy(part, end->arriving.at, count);
	buf_consume(&end->arriving, count);
	*loop_buffered(end->loop) -= count;
	if (end->link.events.on_bytes != NULL) {
		end->link.events.on_bytes(end->link.events.ctx, span_of(part, count));
	}
}

static void on_turn(void *ctx)
{
	struct link_end *end = ctx;
	if (end->reason == NULL && end->arriving.len > 0 && !end->is_paused) {
		deliver(end);
	}
	if (end->reason == NULL && end->is_over && end->arriving.len == 0) {
		end->reason = LINK_ENDED;
	}
	if (end->reason != NULL) {
		finish(end);
		return;
	}
	struct link_end *other = end->other;
	if (end->other_full && end->arriving.len <= LIMIT_PEER_OUT_LOW_BYTES) {
		end->other_full = false;
		if (other != NULL && other->reason == NULL && other->link.events.on_low != NULL) {
			other->link.events.on_low(other->link.events.ctx);
		}
	}
	if (end->arriving.len > 0 && !end->is_paused) {
		loop_task_queue(end->loop, &end->turn);
	}
}

static enum err pair_write(struct link *link, struct span bytes)
{
	struct link_end *end = end_of(link);
	size_t *total = loop_buffered(end->loop);
	if (end->reason != NULL || end->other == NULL) {
		return ERR_CLOSED;
	}
	if (*total + bytes.len > LIMIT_PEERS_BUFFER_BYTES) {
		return ERR_LIMIT;
	}
	enum err err = buf_append(&end->other->arriving, bytes);
	if (err != ERR_OK) {
		return err;
	}
	*total += bytes.len;
	end->other->other_full |= end->other->arriving.len > LIMIT_PEER_OUT_LOW_BYTES;
	loop_task_queue(end->loop, &end->other->turn);
	return ERR_OK;
}

static bool pair_is_full(const struct link *link)
{
	const struct link_end *end = (const struct link_end *)(const void *)link;
	return end->other != NULL && end->other->other_full;
}

static void pair_pause(struct link *link)
{
	end_of(link)->is_paused = true;
}

static void pair_resume(struct link *link)
{
	struct link_end *end = end_of(link);
	end->is_paused = false;
	loop_task_queue(end->loop, &end->turn);
}

static void pair_close(struct link *link, bool flush)
{
	struct link_end *end = end_of(link);
	if (end->reason != NULL) {
		return;
	}
	end->reason = LINK_CLOSED;
	if (!flush && end->other != NULL) {
		*loop_buffered(end->loop) -= end->other->arriving.len;
		buf_clear(&end->other->arriving);
	}
	loop_task_queue(end->loop, &end->turn);
}

static const struct link_class pair_class = {
	.write = pair_write,
	.is_full = pair_is_full,
	.pause = pair_pause,
	.resume = pair_resume,
	.close = pair_close,
};

static struct link_end *end_new(struct loop *loop, size_t chunk, const char *name)
{
	struct link_end *end = calloc(1, sizeof(*end));
	if (end == NULL) {
		return NULL;
	}
	end->link.class = &pair_class;
	end->link.is_local = true;
	(void)snprintf(end->link.remote, sizeof(end->link.remote), "%s", name);
	end->loop = loop;
	end->chunk = chunk;
	end->turn = (struct loop_task){.fn = on_turn, .ctx = end};
	buf_init(&end->arriving, LIMIT_PEER_OUT_BYTES);
	return end;
}

enum err link_pair_new(struct loop *loop, size_t chunk, struct link **one, struct link **two)
{
	struct link_end *a = end_new(loop, chunk, "pair:two");
	struct link_end *b = end_new(loop, chunk, "pair:one");
	if (a == NULL || b == NULL) {
		free(a);
		free(b);
		return ERR_NOMEM;
	}
	a->other = b;
	b->other = a;
	*one = &a->link;
	*two = &b->link;
	return ERR_OK;
}
