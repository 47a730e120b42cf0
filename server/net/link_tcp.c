/*
 * A TCP socket as a link. Outgoing bytes collect in `out`; the flush task writes as much as the
 * kernel takes, and only what it does not take is moved to `sent` and given to libuv piece by
 * piece, so that progress is seen while a slow reader drains it. The read buffer is the loop's
 * (loop_scratch). States: fresh → open → (draining → shut) → closing.
 */
#include "net/link_tcp.h"

#include "base/memory.h"

#include "base/buf.h"
#include "base/limits.h"
#include "net/sock.h"

#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <uv.h>

enum { PIECE_BYTES = 64 * KIB, KEEP_BYTES = 4 * KIB };

enum tcp_state {
	LINK_FRESH,
	LINK_OPEN,
	LINK_DRAINING, /* closed by us; what is queued goes out first */
	LINK_SHUT,     /* our FIN is on its way; reading to drop until theirs */
	LINK_CLOSING,  /* uv_close was called */
};

struct link_tcp {
	struct link link; /* first: the interface */
	struct loop *loop;
	uv_tcp_t tcp;
	uv_write_t *write; /* made at the first write the kernel did not take at once */
	uv_shutdown_t shut;
	struct buf out;  /* not given to libuv yet */
	struct buf sent; /* libuv writes from its front */
	size_t piece;    /* bytes of `sent` in the present write, 0: none under way */
	struct loop_task flush;
	struct loop_timer *timer; /* stall, then linger */
	int64_t stall_ms;
	size_t stall_mark; /* what libuv had left when the stall timer was set */
	enum tcp_state state;
	bool is_paused, is_reading, was_full, is_started;
	const char *reason;
	void (*on_gone)(void *ctx);
	void *gone_ctx;
};

static struct link_tcp *tcp_of(struct link *link)
{
	return (struct link_tcp *)(void *)link;
}

static size_t queued(const struct link_tcp *tcp)
{
	return tcp->out.len + tcp->sent.len;
}

static void on_uv_closed(uv_handle_t *handle)
{
	struct link_tcp *tcp = handle->data;
	if (tcp->on_gone != NULL) {
		tcp->on_gone(tcp->gone_ctx);
	}
	if (tcp->is_started && tcp->link.events.on_closed != NULL) {
		tcp->link.events.on_closed(tcp->link.events.ctx, tcp->reason);
	}
	free(tcp->write);
	free(tcp);
}

/* The one way into LINK_CLOSING. */
static void shut_down(struct link_tcp *tcp, const char *reason)
{
	if (tcp->state == LINK_CLOSING) {
		return;
	}
	tcp->state = LINK_CLOSING;
	if (tcp->reason == NULL) {
		tcp->reason = reason;
	}
	loop_task_cancel(&tcp->flush);
	loop_timer_free(tcp->timer);
	tcp->timer = NULL;
	*loop_buffered(tcp->loop) -= queued(tcp);
	buf_fini(&tcp->out);
	if (tcp->piece == 0) {
		buf_fini(&tcp->sent);
	}
	uv_close((uv_handle_t *)&tcp->tcp, on_uv_closed);
}

static const char *reason_of(int uv_err)
{
	switch (uv_err) {
	case UV_EOF:
		return LINK_ENDED;
	case UV_ECONNRESET:
	case UV_EPIPE:
		return LINK_RESET;
	case UV_ETIMEDOUT:
		return "connection timed out";
	default:
		return uv_strerror(uv_err);
	}
}

/* Reading. */

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *buf)
{
	struct link_tcp *tcp = handle->data;
	(void)wanted;
	*buf = uv_buf_init((char *)loop_scratch(tcp->loop), LOOP_SCRATCH_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
	struct link_tcp *tcp = stream->data;
	if (count < 0) {
		tcp->is_reading = false;
		if (tcp->state == LINK_DRAINING && count == UV_EOF) {
			(void)uv_read_stop(
				stream); /* they have shut their half; ours still goes out */
			return;
		}
		shut_down(tcp, reason_of((int)count));
	} else if (count > 0 && tcp->state == LINK_OPEN && tcp->link.events.on_bytes != NULL) {
		tcp->link.events.on_bytes(tcp->link.events.ctx, span_of(buf->base, (size_t)count));
	}
}

static void start_reading(struct link_tcp *tcp)
{
	if (!tcp->is_reading && tcp->state != LINK_CLOSING) {
		tcp->is_reading = uv_read_start((uv_stream_t *)&tcp->tcp, on_alloc, on_read) == 0;
	}
}

static void tcp_pause(struct link *link)
{
	struct link_tcp *tcp = tcp_of(link);
	tcp->is_paused = true;
	if (tcp->is_reading && tcp->state == LINK_OPEN) {
		(void)uv_read_stop((uv_stream_t *)&tcp->tcp);
		tcp->is_reading = false;
	}
}

static void tcp_resume(struct link *link)
{
	struct link_tcp *tcp = tcp_of(link);
	tcp->is_paused = false;
	if (tcp->state == LINK_OPEN) {
		/* At the end of the turn: bytes must not come while the caller is still in here. */
		loop_task_queue(tcp->loop, &tcp->flush);
	}
}

/* Writing. */

static void on_timer(void *ctx)
{
	struct link_tcp *tcp = ctx;
	size_t left = uv_stream_get_write_queue_size((uv_stream_t *)&tcp->tcp);
	if (tcp->state == LINK_SHUT) {
		shut_down(tcp, LINK_CLOSED);
	} else if (left < tcp->stall_mark) {
		tcp->stall_mark = left;
		loop_timer_set(tcp->timer, tcp->stall_ms);
	} else {
		shut_down(tcp, "the other side stopped reading");
	}
}

static bool set_timer(struct link_tcp *tcp, int64_t ms)
{
	if (tcp->timer == NULL) {
		tcp->timer = loop_timer_new(tcp->loop, on_timer, tcp);
	}
	if (tcp->timer == NULL) {
		shut_down(tcp, err_text(ERR_NOMEM));
		return false;
	}
	loop_timer_set(tcp->timer, ms);
	return true;
}

static void on_shut(uv_shutdown_t *req, int status)
{
	struct link_tcp *tcp = req->data;
	if (tcp->state == LINK_CLOSING) {
		return;
	}
	if (status < 0) {
		shut_down(tcp, reason_of(status));
		return;
	}
	start_reading(tcp);
	if (!tcp->is_reading) {
		shut_down(tcp, LINK_CLOSED);
	}
}

static void shut_our_half(struct link_tcp *tcp)
{
	tcp->state = LINK_SHUT;
	tcp->shut.data = tcp;
	if (uv_shutdown(&tcp->shut, (uv_stream_t *)&tcp->tcp, on_shut) != 0) {
		shut_down(tcp, LINK_CLOSED);
		return;
	}
	(void)set_timer(tcp, LIMIT_LINGER_MS);
}

static void consumed(struct link_tcp *tcp, struct buf *from, size_t count)
{
	buf_consume(from, count);
	*loop_buffered(tcp->loop) -= count;
	if (from->len == 0 && from->cap > KEEP_BYTES) {
		buf_fini(from);
	}
}

static void write_some(struct link_tcp *tcp);

static void on_written(uv_write_t *req, int status)
{
	struct link_tcp *tcp = req->data;
	size_t piece = tcp->piece;
	tcp->piece = 0;
	if (tcp->state == LINK_CLOSING) {
		buf_fini(&tcp->sent);
		return;
	}
	if (status < 0) {
		shut_down(tcp, reason_of(status));
		return;
	}
	loop_timer_clear(tcp->timer);
	consumed(tcp, &tcp->sent, piece);
	write_some(tcp);
}

/* Give libuv the next piece; it writes from `sent`, which stays where it is until on_written. */
static void write_piece(struct link_tcp *tcp)
{
	if (tcp->write == NULL) {
		tcp->write = calloc(1, sizeof(*tcp->write));
	}
	if (tcp->write == NULL) {
		shut_down(tcp, err_text(ERR_NOMEM));
		return;
	}
	tcp->write->data = tcp;
	tcp->piece = tcp->sent.len < PIECE_BYTES ? tcp->sent.len : PIECE_BYTES;
	uv_buf_t buf = uv_buf_init((char *)tcp->sent.at, (unsigned)tcp->piece);
	int rc = uv_write(tcp->write, (uv_stream_t *)&tcp->tcp, &buf, 1, on_written);
	if (rc != 0) {
		tcp->piece = 0;
		shut_down(tcp, reason_of(rc));
		return;
	}
	tcp->stall_mark = tcp->piece;
	(void)set_timer(tcp, tcp->stall_ms);
}

/* What the kernel takes at once. False when the link broke. */
static bool try_write(struct link_tcp *tcp, struct buf *from)
{
	while (from->len > 0) {
		uv_buf_t buf = uv_buf_init((char *)from->at, (unsigned)from->len);
		int rc = uv_try_write((uv_stream_t *)&tcp->tcp, &buf, 1);
		if (rc == UV_EAGAIN) {
			return true;
		}
		if (rc < 0) {
			shut_down(tcp, reason_of(rc));
			return false;
		}
		consumed(tcp, from, (size_t)rc);
	}
	return true;
}

/* For all links together. */
static size_t room(void)
{
	return (size_t)memory_share(LIMIT_PEERS_BUFFER_BYTES, LIMIT_PEERS_BUFFER_BYTES_MIN);
}

/* Above which queue sources should pause: less for everybody when all links together hold much. */
static size_t low_mark(const struct link_tcp *tcp)
{
	bool is_tight = *loop_buffered(tcp->loop) > room() / 2;
	return is_tight ? LIMIT_PEER_OUT_LOW_BYTES / 8 : LIMIT_PEER_OUT_LOW_BYTES;
}

static void tell_low(struct link_tcp *tcp)
{
	if (tcp->was_full && queued(tcp) <= low_mark(tcp) && tcp->state == LINK_OPEN) {
		tcp->was_full = false;
		if (tcp->link.events.on_low != NULL) {
			tcp->link.events.on_low(tcp->link.events.ctx);
		}
	}
}

static void write_some(struct link_tcp *tcp)
{
	if (tcp->piece > 0 || !try_write(tcp, &tcp->sent)) {
		return;
	}
	if (tcp->sent.len == 0) {
		if (!try_write(tcp, &tcp->out)) {
			return;
		}
		struct buf empty = tcp->sent;
		tcp->sent = tcp->out;
		tcp->out = empty;
	}
	if (tcp->sent.len > 0) {
		write_piece(tcp);
	} else if (tcp->state == LINK_DRAINING) {
		shut_our_half(tcp);
	}
	tell_low(tcp);
}

static void on_flush(void *ctx)
{
	struct link_tcp *tcp = ctx;
	if (tcp->state == LINK_OPEN && !tcp->is_paused) {
		start_reading(tcp);
	}
	write_some(tcp);
}

static enum err tcp_write(struct link *link, struct span bytes)
{
	struct link_tcp *tcp = tcp_of(link);
	size_t *total = loop_buffered(tcp->loop);
	if (tcp->state != LINK_OPEN) {
		return ERR_CLOSED;
	}
	if (bytes.len > LIMIT_PEER_OUT_BYTES || queued(tcp) > LIMIT_PEER_OUT_BYTES - bytes.len ||
		*total + bytes.len > room()) {
		return ERR_LIMIT;
	}
	enum err err = buf_append(&tcp->out, bytes);
	if (err != ERR_OK) {
		return err;
	}
	*total += bytes.len;
	tcp->was_full = tcp->was_full || queued(tcp) > low_mark(tcp);
	loop_task_queue(tcp->loop, &tcp->flush);
	if (tcp->piece == 0 && tcp->out.len >= PIECE_BYTES) {
		(void)try_write(tcp, &tcp->out); /* on failure on_closed tells, on a later turn */
	}
	return ERR_OK;
}

static bool tcp_is_full(const struct link *link)
{
	const struct link_tcp *tcp = (const struct link_tcp *)(const void *)link;
	return tcp->was_full;
}

static void tcp_close(struct link *link, bool flush)
{
	struct link_tcp *tcp = tcp_of(link);
	if (!flush) {
		shut_down(tcp, LINK_CLOSED);
	} else if (tcp->state == LINK_OPEN) {
		tcp->state = LINK_DRAINING;
		tcp->reason = LINK_CLOSED;
		start_reading(tcp); /* to see their end, also when we were paused */
		loop_task_queue(tcp->loop, &tcp->flush);
	}
}

static const struct link_class tcp_class = {
	.write = tcp_write,
	.is_full = tcp_is_full,
	.pause = tcp_pause,
	.resume = tcp_resume,
	.close = tcp_close,
};

/* Life. */

struct link *link_tcp_new(struct loop *loop)
{
	struct link_tcp *tcp = calloc(1, sizeof(*tcp));
	if (tcp == NULL) {
		return NULL;
	}
	tcp->link.class = &tcp_class;
	tcp->loop = loop;
	tcp->flush = (struct loop_task){.fn = on_flush, .ctx = tcp};
	tcp->stall_ms = LIMIT_WRITE_STALL_MS;
	buf_init(&tcp->out, LIMIT_PEER_OUT_BYTES);
	buf_init(&tcp->sent, LIMIT_PEER_OUT_BYTES);
	(void)uv_tcp_init(loop_uv(loop), &tcp->tcp);
	tcp->tcp.data = tcp;
	return &tcp->link;
}

struct uv_tcp_s *link_tcp_uv(struct link *link)
{
	return &tcp_of(link)->tcp;
}

/* A host that vanished acknowledges nothing: without this the kernel goes on for a quarter of an
 * hour. What cannot be set is not needed. */
static void watch_host(struct link_tcp *tcp)
{
	uv_os_fd_t fd = -1;
	unsigned ms = LIMIT_UNACKED_MS;
	if (uv_fileno((const uv_handle_t *)&tcp->tcp, &fd) == 0) {
		(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof(ms));
		/* What waits in the kernel cannot be overtaken: little of it, so that an answer to
		 * a question is not behind seconds of a bulk. */
		int unsent = LIMIT_SOCKET_UNSENT_BYTES;
		int unread = LIMIT_SOCKET_UNREAD_BYTES;
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &unread, sizeof(unread));
	}
}

enum err link_tcp_start(struct link *link, const struct sockaddr *remote)
{
	struct link_tcp *tcp = tcp_of(link);
	assert(tcp->state == LINK_FRESH);
	if (uv_tcp_nodelay(&tcp->tcp, 1) != 0) {
		return ERR_IO; /* the socket is gone already */
	}
	watch_host(tcp);
	sock_format(remote, link->remote);
	link->is_local = sock_is_loopback(remote);
	tcp->state = LINK_OPEN;
	tcp->is_started = true;
	loop_task_queue(tcp->loop, &tcp->flush);
	return ERR_OK;
}

void link_tcp_discard(struct link *link)
{
	if (link != NULL) {
		assert(!tcp_of(link)->is_started);
		shut_down(tcp_of(link), "discarded");
	}
}

void link_tcp_abort(struct link *link, const char *reason)
{
	shut_down(tcp_of(link), reason);
}

void link_tcp_on_gone(struct link *link, void (*on_gone)(void *ctx), void *ctx)
{
	tcp_of(link)->on_gone = on_gone;
	tcp_of(link)->gone_ctx = ctx;
}

void link_tcp_set_stall_ms(struct link *link, int64_t stall_ms)
{
	tcp_of(link)->stall_ms = stall_ms;
}
