/*
 * The web port on libmicrohttpd: one daemon per listening address (127.0.0.1, ::1, the Unix
 * socket), each with its own pool of threads and a socket bound here.
 *
 * What the library does not do is done here: the raw target is kept before the library splits it;
 * api/porch keeps the places, and a connection has LIMIT_HTTP_HEAD_MS for a whole head and again
 * for a whole body, however slowly its bytes drip (the library's time-out starts anew with each
 * byte); and a WebSocket's connection is suspended while its duplicate socket lives elsewhere.
 */
#include "api/http.h"

#include "api/porch.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	DOORS_MAX = 3,
	POOL_BYTES =
		40 *
		KIB, /* per connection: the head, the library's nodes for it, the answer's head */
	STACK_BYTES = 512 * KIB,
	IDLE_S = 10,
	LINGER_STEP_MS = 5,
	LINE_END = 2,
	/* The porch keeps the limits; the library counts those too that were just shut. */
	ROOM_AT_DOOR = 4 * LIMIT_HTTP_CONNECTIONS,
};

struct door {
	struct http *http;
	struct MHD_Daemon *daemon;
	struct gate_rules rules;
	int quiet_fd; /* the listening socket after http_quiesce(); −1 before */
	bool is_owner;
};

struct http {
	struct http_opts opts;
	struct door doors[DOORS_MAX];
	size_t door_count;
	uint16_t port;
	struct porch *porch;
	pthread_mutex_t lock; /* what is below */
	struct http_figures figures;
};

enum step { STEP_FRESH, STEP_BODY, STEP_LATER, STEP_AWAY, STEP_OVER };

/* One request. The public part comes first, so that an exchange is a request. */
struct request {
	struct exchange exchange;
	struct http *http;
	struct MHD_Connection *connection;
	const char *target; /* as it came; in the library's memory until the request is over */
	char *kept_target;  /* a copy: the library writes into its own */
	enum step step;
	uint64_t taken; /* of a body that goes into a sink, since its clock was set */
};

/* Connections and their clock. */

static struct porch_conn *conn_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	return info == NULL ? NULL : info->socket_context;
}

static void set_phase(struct request *request, enum porch_phase phase)
{
	porch_set(request->http->porch, conn_of(request->connection), phase);
}

static const struct sockaddr *client_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	return info == NULL ? NULL : info->client_addr;
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **context,
	enum MHD_ConnectionNotificationCode what)
{
	struct door *door = cls;
	struct http *http = door->http;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (what != MHD_CONNECTION_NOTIFY_STARTED) {
		/* The library closes the socket only after this, so nobody shuts a number that is
		 * somebody else's by now. */
		porch_leave(http->porch, *context);
		*context = NULL;
		return;
	}
	struct porch_guest guest = {
		.fd = info == NULL ? -1 : info->connect_fd, .is_owner = door->is_owner};
	if (!door->is_owner && place_address_of(client_of(connection), &guest.from)) {
		guest.is_proxy = place_trusts(http->opts.place, &guest.from);
	}
	*context = porch_enter(http->porch, &guest);
}

/* Requests. */

static size_t keep_as_it_is(void *cls, struct MHD_Connection *connection, char *text)
{
	(void)cls;
	(void)connection;
	return strlen(text);
}

static void *on_target(void *cls, const char *target, struct MHD_Connection *connection)
{
	struct door *door = cls;
	struct request *request = calloc(1, sizeof(*request));
	if (request == NULL) {
		return NULL;
	}
	request->http = door->http;
	request->connection = connection;
	request->target = target;
	request->kept_target = target == NULL ? NULL : strdup(target);
	request->exchange.is_owner = door->is_owner;
	place_name_client(client_of(connection), request->exchange.address);
	request->exchange.body = BUF_INIT(LIMIT_HTTP_BODY_BYTES);
	answer_init(&request->exchange.answer);
	return request;
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **context,
	enum MHD_RequestTerminationCode why)
{
	struct door *door = cls;
	struct request *request = *context;
	(void)why;
	porch_set(door->http->porch, conn_of(connection), PORCH_IDLE);
	if (request != NULL) {
		if (request->exchange.sink.take != NULL) {
			request->exchange.sink.drop(request->exchange.sink.ctx);
		}
		answer_fini(&request->exchange.answer);
		/* It may have held a passphrase. Its room was made at once, so there is no other
		 * copy of ours. */
		buf_wipe(&request->exchange.body);
		free(request->kept_target);
		free(request);
	}
	*context = NULL;
}

struct header_list {
	struct gate_header at[LIMIT_HTTP_HEADERS + 1];
	size_t count;
	const char *next; /* where the next line begins, when nothing lies between */
	bool is_torn;
};

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *name,
	size_t name_len, const char *value, size_t value_len)
{
	struct header_list *list = cls;
	(void)kind;
	list->is_torn = list->is_torn || name != list->next;
	list->next = value + value_len + LINE_END;
	if (list->count <= LIMIT_HTTP_HEADERS) {
		list->at[list->count++] = (struct gate_header){
			.name = span_of(name, name_len), .value = span_of(value, value_len)};
	}
	return MHD_YES;
}

/*
 * The library hands out strings, and others read bytes: behind a NUL they see more, a lone CR or
 * LF ends a line for it and not for all, and a header without a name ends the head for it alone,
 * so that what follows would be a request of its own. All strings point into the head as it came.
 * So each must begin where the one before it ends, by CR and LF, and the last where the head does.
 */
static bool is_whole(
	struct request *request, const char *method, const char *version, struct header_list *list)
{
	const union MHD_ConnectionInfo *size = MHD_get_connection_info(
		request->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	if (size == NULL || version[0] == '\0' || request->target != method + strlen(method) + 1 ||
		version != request->target + strlen(request->kept_target) + 1) {
		return false;
	}
	list->next = version + strlen(version) + LINE_END;
	(void)MHD_get_connection_values_n(request->connection, MHD_HEADER_KIND, on_header, list);
	return !list->is_torn && list->next + LINE_END == method + size->header_size;
}

static const char *judge(
	struct door *door, struct request *request, const char *method, const char *version)
{
	struct header_list list = {.count = 0};
	if (request->kept_target == NULL || !is_whole(request, method, version, &list)) {
		return "The head is malformed.";
	}
	struct gate_request head = {
		.method = span_text(method),
		.target = span_text(request->kept_target),
		.version = span_text(version),
		.headers = list.at,
		.header_count = list.count,
	};
	const char *wrong = gate_judge(&door->rules, &head, &request->exchange.head);
	return wrong != NULL || door->is_owner
		       ? wrong
		       : place_judge(door->http->opts.place, &door->rules,
				 client_of(request->connection), &request->exchange.head,
				 request->exchange.address);
}

static bool add_headers(struct MHD_Response *response, const struct answer *answer)
{
	struct answer_headers headers;
	answer_list_headers(answer, &headers);
	for (size_t i = 0; i < headers.count; i++) {
		if (MHD_add_response_header(response, headers.at[i].name, headers.at[i].value) !=
			MHD_YES) {
			return false;
		}
	}
	return true;
}

static enum MHD_Result send_answer(struct request *request)
{
	struct answer *answer = &request->exchange.answer;
	bool is_fixed = answer->fixed.len > 0;
	struct span body = is_fixed ? answer->fixed : buf_span(&answer->body);
	struct MHD_Response *response = NULL;
	if (answer->fd >= 0) {
		/* Sent piece by piece, and closed by the library. */
		response = MHD_create_response_from_fd_at_offset64(
			answer->fd_bytes, answer->fd, answer->fd_at);
		answer->fd = response == NULL ? answer->fd : -1;
	} else {
		/* What is secret is not copied: it stays in `answer`, which lives until the request
		 * is over. The library takes a writable pointer, and writes nothing through it. */
		response = MHD_create_response_from_buffer(body.len, (void *)(uintptr_t)body.at,
			is_fixed || answer->is_secret ? MHD_RESPMEM_PERSISTENT
						      : MHD_RESPMEM_MUST_COPY);
	}
	enum MHD_Result result = MHD_NO;
	request->step = STEP_OVER;
	set_phase(request, PORCH_BUSY);
	if (response != NULL && add_headers(response, answer)) {
		result = MHD_queue_response(request->connection, answer->status, response);
	}
	if (response != NULL) {
		MHD_destroy_response(response);
	}
	return result;
}

static enum MHD_Result send_away(struct request *request)
{
	struct http *http = request->http;
	struct upgrade *upgrade = calloc(1, sizeof(*upgrade));
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	int fd = info == NULL ? -1 : fcntl(info->connect_fd, F_DUPFD_CLOEXEC, 3);
	if (upgrade == NULL || fd < 0) {
		free(upgrade);
		if (fd >= 0) {
			(void)close(fd);
		}
		answer_error(&request->exchange.answer, SAID_BUSY, NULL);
		return send_answer(request);
	}
	upgrade->fd = fd;
	memcpy(upgrade->key, request->exchange.head.websocket_key.at, sizeof(upgrade->key) - 1);
	upgrade->session = request->exchange.session;
	upgrade->connection = request;
	request->step = STEP_AWAY;
	set_phase(request, PORCH_AWAY);
	/* Suspend first: the other side may be done with it before on_upgrade returns. */
	MHD_suspend_connection(request->connection);
	http->opts.on_upgrade(http->opts.ctx, upgrade);
	return MHD_YES;
}

void http_upgrade_over(struct upgrade *upgrade)
{
	struct request *request = upgrade->connection;
	free(upgrade);
	MHD_resume_connection(request->connection);
}

void http_finish(struct exchange *exchange)
{
	struct request *request = (struct request *)(void *)exchange;
	MHD_resume_connection(request->connection);
}

static enum MHD_Result take_head(
	struct door *door, struct request *request, const char *method, const char *version)
{
	struct http *http = request->http;
	struct exchange *exchange = &request->exchange;
	const char *wrong = judge(door, request, method, version);
	(void)pthread_mutex_lock(&http->lock);
	http->figures.requests++;
	http->figures.refused_by_gate += wrong == NULL ? 0 : 1;
	(void)pthread_mutex_unlock(&http->lock);
	if (wrong != NULL) {
		LOG(http->opts.env, LOG_INFO, "http.refused", LOG_TEXT("why", wrong),
			LOG_ADDRESS("from", span_text(exchange->address)));
		answer_error(&exchange->answer, SAID_BAD_REQUEST, wrong);
		exchange->answer.is_last = true;
		return send_answer(request);
	}
	enum http_next next = http->opts.on_head(http->opts.ctx, exchange);
	if (exchange->is_known) {
		porch_know(http->porch, conn_of(request->connection));
	}
	if (next == HTTP_GO_ON && exchange->sink.take == NULL &&
		exchange->head.length > LIMIT_HTTP_BODY_BYTES) {
		answer_error(&exchange->answer, SAID_TOO_LARGE, NULL);
		next = HTTP_ANSWER;
	}
	if (next == HTTP_UPGRADE) {
		return send_away(request);
	}
	if (next == HTTP_ANSWER && exchange->head.length == 0 && !exchange->answer.is_last) {
		/* The library closes the connection behind an answer given now; at its next call,
		 * with the request complete, it does not. */
		request->step = STEP_LATER;
		return MHD_YES;
	}
	if (next == HTTP_ANSWER) {
		exchange->answer.is_last = exchange->answer.is_last || exchange->head.length > 0;
		return send_answer(request);
	}
	request->step = STEP_BODY;
	set_phase(request, PORCH_BODY);
	return MHD_YES;
}

static enum MHD_Result take_body(struct request *request, const char *bytes, size_t *count)
{
	struct http *http = request->http;
	struct exchange *exchange = &request->exchange;
	if (*count > 0 && exchange->sink.take != NULL) {
		exchange->sink.take(exchange->sink.ctx, span_of(bytes, *count));
		request->taken += *count;
		*count = 0;
		if (request->taken >= LIMIT_UPLOAD_STEP_BYTES) {
			request->taken = 0;
			set_phase(request, PORCH_BODY);
		}
		return MHD_YES;
	}
	if (*count > 0) {
		/* The length was announced and is within the limit; this can only fail for want of
		 * memory. */
		enum err err =
			exchange->body.at == NULL && buf_reserve(&exchange->body,
							     (size_t)exchange->head.length) == NULL
				? ERR_NOMEM
				: buf_append(&exchange->body, span_of(bytes, *count));
		*count = 0;
		return err == ERR_OK ? MHD_YES : MHD_NO;
	}
	set_phase(request, PORCH_BUSY);
	if (http->opts.on_request(http->opts.ctx, exchange) != HTTP_LATER) {
		return send_answer(request);
	}
	request->step = STEP_LATER;
	set_phase(request, PORCH_AWAY);
	MHD_suspend_connection(request->connection);
	http->opts.on_later(http->opts.ctx, exchange);
	return MHD_YES;
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *bytes, size_t *count, void **context)
{
	struct door *door = cls;
	struct request *request = *context;
	(void)connection;
	(void)url;
	if (request == NULL) {
		return MHD_NO; /* no memory */
	}
	switch (request->step) {
	case STEP_FRESH:
		return take_head(door, request, method, version);
	case STEP_BODY:
		return take_body(request, bytes, count);
	case STEP_LATER:
		return send_answer(request);
	default:
		return MHD_NO; /* a WebSocket that is over: drop our side */
	}
}

/* Doors. */

static enum err open_door(struct http *http, int fd, bool is_owner, unsigned threads,
	unsigned connections, char *why, size_t why_bytes)
{
	struct door *door = &http->doors[http->door_count];
	*door = (struct door){.http = http, .quiet_fd = -1, .is_owner = is_owner};
	if (is_owner) {
		(void)snprintf(door->rules.hosts[0], GATE_HOST_BYTES, "kith");
		door->rules.host_count = 1;
	} else {
		place_rules(http->opts.place, http->port, &door->rules);
	}
	door->daemon = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, 0,
		NULL, NULL, on_access, door, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_THREAD_POOL_SIZE, threads, MHD_OPTION_THREAD_STACK_SIZE,
		(size_t)STACK_BYTES, MHD_OPTION_CONNECTION_LIMIT, connections,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)POOL_BYTES, MHD_OPTION_UNESCAPE_CALLBACK, keep_as_it_is, NULL,
		MHD_OPTION_URI_LOG_CALLBACK, on_target, door, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, door, MHD_OPTION_NOTIFY_CONNECTION, on_connection, door,
		MHD_OPTION_STRICT_FOR_CLIENT, 0, MHD_OPTION_END);
	if (door->daemon == NULL) {
		(void)close(fd);
		(void)snprintf(why, why_bytes, "the web port does not start: %s", strerror(errno));
		return ERR_IO;
	}
	http->door_count++;
	return ERR_OK;
}

/* Behind a duplicate of `listening`; −1: there is no such door. */
static enum err open_at(struct http *http, int listening, bool is_owner, unsigned threads,
	unsigned connections, char *why, size_t why_bytes)
{
	if (listening < 0) {
		return ERR_OK;
	}
	int fd = fcntl(listening, F_DUPFD_CLOEXEC, 3);
	if (fd < 0) {
		(void)snprintf(why, why_bytes, "the web port does not start: %s", strerror(errno));
		return ERR_IO;
	}
	return open_door(http, fd, is_owner, threads, connections, why, why_bytes);
}

static enum err open_doors(struct http *http, char *why, size_t why_bytes)
{
	const struct bind_doors *doors = http->opts.doors;
	http->port = doors->port;
	enum err err = open_at(http, doors->v4, false, 4, ROOM_AT_DOOR, why, why_bytes);
	if (err == ERR_OK) {
		err = open_at(http, doors->v6, false, 2, ROOM_AT_DOOR, why, why_bytes);
	}
	if (err == ERR_OK) {
		err = open_at(http, doors->path, true, 2, LIMIT_HTTP_CONNECTIONS, why, why_bytes);
	}
	return err;
}

enum err http_start(const struct http_opts *opts, struct http **out, char *why, size_t why_bytes)
{
	struct http *http = calloc(1, sizeof(*http));
	if (http == NULL) {
		return ERR_NOMEM;
	}
	http->opts = *opts;
	(void)pthread_mutex_init(&http->lock, NULL);
	enum err err = porch_new(opts->env, &http->porch);
	if (err == ERR_OK) {
		err = open_doors(http, why, why_bytes);
	}
	if (err != ERR_OK) {
		http_stop(http);
		return err;
	}
	*out = http;
	return ERR_OK;
}

const char *http_engine(void)
{
	return MHD_get_version();
}

uint16_t http_port(const struct http *http)
{
	return http->port;
}

void http_quiesce(struct http *http)
{
	for (size_t i = 0; i < http->door_count; i++) {
		http->doors[i].quiet_fd = MHD_quiesce_daemon(http->doors[i].daemon);
	}
}

/* Stopping a daemon cuts its connections: the answer that tells of the stop is let out first. */
static void linger(struct http *http)
{
	const struct timespec rest = {.tv_nsec = LINGER_STEP_MS * 1000000L};
	for (int ms = 0; ms < LIMIT_LINGER_MS && porch_is_answering(http->porch);
		ms += LINGER_STEP_MS) {
		(void)nanosleep(&rest, NULL);
	}
}

void http_stop(struct http *http)
{
	if (http == NULL) {
		return;
	}
	if (http->porch != NULL) {
		linger(http);
	}
	for (size_t i = 0; i < http->door_count; i++) {
		MHD_stop_daemon(http->doors[i].daemon);
		if (http->doors[i].quiet_fd >= 0) {
			(void)close(http->doors[i].quiet_fd);
		}
	}
	porch_free(http->porch);
	(void)pthread_mutex_destroy(&http->lock);
	free(http);
}

void http_figures(struct http *http, struct http_figures *out)
{
	(void)pthread_mutex_lock(&http->lock);
	*out = http->figures;
	(void)pthread_mutex_unlock(&http->lock);
	struct porch_figures porch;
	porch_figures(http->porch, &porch);
	out->too_slow = porch.too_slow;
	out->gave_way = porch.gave_way;
}
