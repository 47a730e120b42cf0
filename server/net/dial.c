/*
 * One dial is a list of addresses and at most one socket under way. Its timer is the share of the
 * address being tried: what is left of LIMIT_DIAL_MS divided by the addresses left, so that a first
 * address that swallows packets does not use up the time of the others. libuv's requests cannot
 * always be taken back, so the memory goes when nothing of it is in libuv's hands any more.
 */
#include "net/dial.h"

#include "base/limits.h"
#include "net/link_tcp.h"
#include "net/sock.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

enum { REASON_BYTES = 96, NAME_SHARE = 2 };

struct dial {
	struct loop *loop;
	void (*on_done)(void *ctx, struct link *link, const char *reason);
	void *ctx;
	uint16_t port;
	bool is_learned;
	int64_t until_ms; /* monotonic */
	struct loop_timer *timer;
	struct loop_task turn;
	uv_getaddrinfo_t lookup;
	uv_connect_t connect;
	struct link *link; /* being connected */
	struct sockaddr_storage at[LIMIT_DIAL_ADDRESSES];
	size_t count, next;
	bool is_looking_up, is_connecting; /* libuv holds the request */
	bool is_over;                      /* on_done came, or never will */
	char reason[REASON_BYTES];
};

static void release(struct dial *dial)
{
	if (dial->is_over && !dial->is_looking_up && !dial->is_connecting) {
		free(dial);
	}
}

static void stop(struct dial *dial)
{
	dial->is_over = true;
	loop_timer_free(dial->timer);
	dial->timer = NULL;
	loop_task_cancel(&dial->turn);
	if (dial->is_looking_up) {
		(void)uv_cancel((uv_req_t *)&dial->lookup); /* its callback comes in any case */
	}
	if (dial->link != NULL) {
		link_tcp_discard(dial->link);
		dial->link = NULL;
	}
}

static void finish(struct dial *dial, struct link *link)
{
	stop(dial);
	dial->on_done(dial->ctx, link, link == NULL ? dial->reason : NULL);
	release(dial);
}

static void set_reason(struct dial *dial, const char *reason)
{
	(void)snprintf(dial->reason, sizeof(dial->reason), "%s", reason);
}

static const char *reason_of(int uv_err)
{
	switch (uv_err) {
	case UV_ECONNREFUSED:
		return "connection refused: nothing listens there";
	case UV_EHOSTUNREACH:
	case UV_ENETUNREACH:
	case UV_EADDRNOTAVAIL:
		return "no way to that network";
	case UV_ETIMEDOUT:
		return "timed out";
	case UV_EAI_NONAME:
	case UV_EAI_NODATA:
		return "no such host";
	case UV_EAI_AGAIN:
	case UV_EAI_FAIL:
		return "the name could not be looked up";
	default:
		return uv_strerror(uv_err);
	}
}

static int64_t left_ms(const struct dial *dial)
{
	int64_t left = dial->until_ms - env_mono_ms(loop_env(dial->loop));
	return left > 0 ? left : 0;
}

static void on_turn(void *ctx);

static void try_next(struct dial *dial)
{
	loop_timer_clear(dial->timer);
	loop_task_queue(dial->loop, &dial->turn);
}

static void on_connected(uv_connect_t *req, int status)
{
	struct dial *dial = req->data;
	struct link *link = dial->link;
	dial->is_connecting = false;
	if (dial->is_over) {
		release(dial);
		return;
	}
	if (link == NULL) { /* its share of the time was over */
		try_next(dial);
		return;
	}
	dial->link = NULL;
	if (status == 0 &&
		link_tcp_start(link, (struct sockaddr *)&dial->at[dial->next - 1]) == ERR_OK) {
		finish(dial, link);
		return;
	}
	link_tcp_discard(link);
	set_reason(dial, status == 0 ? "connection reset" : reason_of(status));
	try_next(dial);
}

static void connect_to(struct dial *dial, const struct sockaddr *at)
{
	dial->link = link_tcp_new(dial->loop);
	if (dial->link == NULL) {
		set_reason(dial, err_text(ERR_NOMEM));
		dial->next = dial->count;
		try_next(dial);
		return;
	}
	dial->connect.data = dial;
	int rc = uv_tcp_connect(&dial->connect, link_tcp_uv(dial->link), at, on_connected);
	if (rc != 0) {
		link_tcp_discard(dial->link);
		dial->link = NULL;
		set_reason(dial, reason_of(rc));
		try_next(dial);
		return;
	}
	dial->is_connecting = true;
	loop_timer_set(dial->timer, left_ms(dial) / (int64_t)(dial->count - dial->next + 1));
}

/* Try the next address, or give up. */
static void on_turn(void *ctx)
{
	struct dial *dial = ctx;
	assert(!dial->is_connecting && !dial->is_looking_up);
	while (dial->next < dial->count && left_ms(dial) > 0) {
		const struct sockaddr *at = (const struct sockaddr *)&dial->at[dial->next++];
		if (dial->is_learned && !sock_is_public(at)) {
			set_reason(dial,
				"that address is not in the Internet, and a stranger named it");
			continue;
		}
		connect_to(dial, at);
		return;
	}
	finish(dial, NULL);
}

static void on_timer(void *ctx)
{
	struct dial *dial = ctx;
	if (dial->is_looking_up) {
		set_reason(dial, "the name was not looked up in time");
		finish(dial, NULL);
		return;
	}
	/* on_connected comes with ECANCELED and goes on from there. */
	assert(dial->is_connecting && dial->link != NULL);
	link_tcp_discard(dial->link);
	dial->link = NULL;
	set_reason(dial, "timed out");
}

static void take_addresses(struct dial *dial, const struct addrinfo *list)
{
	for (; list != NULL && dial->count < LIMIT_DIAL_ADDRESSES; list = list->ai_next) {
		if (list->ai_family != AF_INET && list->ai_family != AF_INET6) {
			continue;
		}
		struct sockaddr_storage *at = &dial->at[dial->count++];
		memcpy(at, list->ai_addr, list->ai_addrlen);
		/* sin_port and sin6_port are at the same place. */
		((struct sockaddr_in *)at)->sin_port = htons(dial->port);
	}
}

static void on_looked_up(uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
	struct dial *dial = req->data;
	dial->is_looking_up = false;
	if (dial->is_over) {
		release(dial);
	} else if (status != 0) {
		set_reason(dial, reason_of(status));
		try_next(dial);
	} else {
		take_addresses(dial, list);
		set_reason(dial, "no such host");
		try_next(dial);
	}
	uv_freeaddrinfo(list);
}

/* "localhost" is this machine, whatever a hosts file or a name server says (RFC 6761 §6.3). */
static void take_loopback(struct dial *dial)
{
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&dial->at[dial->count++];
	struct sockaddr_in *four = (struct sockaddr_in *)&dial->at[dial->count++];
	*six = (struct sockaddr_in6){.sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
		.sin6_port = htons(dial->port)};
	*four = (struct sockaddr_in){.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(dial->port)};
	try_next(dial);
}

static enum err look_up(struct dial *dial, const char *host)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	if (strcmp(host, "localhost") == 0) {
		take_loopback(dial);
		return ERR_OK;
	}
	if (strlen(host) > LIMIT_HOST_BYTES || host[0] == '\0') {
		set_reason(dial, "no such host");
		try_next(dial);
		return ERR_OK;
	}
	dial->lookup.data = dial;
	int rc = uv_getaddrinfo(
		loop_uv(dial->loop), &dial->lookup, on_looked_up, host, NULL, &hints);
	if (rc == UV_ENOMEM) {
		return ERR_NOMEM;
	}
	if (rc != 0) { /* not even the form of a name */
		set_reason(dial, "no such host");
		try_next(dial);
		return ERR_OK;
	}
	dial->is_looking_up = true;
	loop_timer_set(dial->timer, LIMIT_DIAL_MS / NAME_SHARE);
	return ERR_OK;
}

enum err dial_start(struct loop *loop, const char *host, uint16_t port, bool is_learned,
	void (*on_done)(void *ctx, struct link *link, const char *reason), void *ctx,
	struct dial **out)
{
	struct dial *dial = calloc(1, sizeof(*dial));
	if (dial == NULL) {
		return ERR_NOMEM;
	}
	dial->loop = loop;
	dial->on_done = on_done;
	dial->ctx = ctx;
	dial->port = port;
	dial->is_learned = is_learned;
	dial->until_ms = env_mono_ms(loop_env(loop)) + LIMIT_DIAL_MS;
	dial->turn = (struct loop_task){.fn = on_turn, .ctx = dial};
	dial->timer = loop_timer_new(loop, on_timer, dial);
	if (dial->timer == NULL) {
		free(dial);
		return ERR_NOMEM;
	}
	set_reason(dial, "timed out");
	enum err err = ERR_OK;
	if (sock_parse(host, port, &dial->at[0]) == ERR_OK) {
		dial->count = 1;
		try_next(dial);
	} else {
		err = look_up(dial, host);
	}
	if (err != ERR_OK) {
		loop_timer_free(dial->timer);
		free(dial);
		return err;
	}
	*out = dial;
	return ERR_OK;
}

void dial_cancel(struct dial *dial)
{
	if (dial != NULL) {
		stop(dial);
		release(dial);
	}
}
