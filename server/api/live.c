/*
 * Open pages. All sockets, queues and timers belong to the one thread in live_main(); other threads
 * leave an upgrade or a wish under the lock and call lws_cancel_service(), which is the one thing
 * of the library that they may do.
 *
 * A socket: handed over → NEW (our head is being read) → GREETED (waiting for the token,
 * LIMIT_LIVE_HELLO_MS) → READY → gone. Whatever way it goes, the library's last callback for it
 * (WSI_DESTROY, after its socket is closed) ends the upgrade, exactly once.
 */
#include "api/live.h"

#include "api/body.h"
#include "base/log.h"

#include <libwebsockets.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	UPGRADES_MAX = LIMIT_HTTP_CONNECTIONS,
	FAREWELL_MS = 300,
	PING_S = 30,
	HANGUP_S = 75,
	FD_LIMIT = LIMIT_HTTP_CONNECTIONS + 32,
};

enum socket_state { SOCKET_NEW, SOCKET_GREETED, SOCKET_READY, SOCKET_LEAVING };

struct frame {
	struct frame *next;
	size_t len;
	uint8_t bytes[]; /* LWS_PRE free bytes, then the text */
};

struct socket {
	struct socket *next;
	struct live *live;
	struct lws *wsi;
	struct upgrade *upgrade;
	enum socket_state state;
	bool is_watching;
	struct message_id watched;
	struct buf in;
	struct frame *first, **last;
	size_t queued_bytes;
	bool owes_resync;
	bool is_signed_out; /* and goes when its timer says so */
	double tokens;      /* messages it may still send at once */
	int64_t tokens_at_ms;
};

struct live {
	struct live_opts opts;
	struct lws_context *context;
	struct lws_vhost *vhost;
	pthread_t thread;
	/* Under the lock. */
	pthread_mutex_t lock;
	struct upgrade *upgrades[UPGRADES_MAX];
	size_t upgrade_count;
	bool is_checking; /* sessions ended */
	bool is_stopping; /* no new upgrades, no wake-ups */
	/* The thread's own. */
	struct socket *sockets;
	struct socket *adopting;
	lws_sorted_usec_list_t flush_timer, farewell_timer;
	bool is_flush_set, is_leaving, is_done;
	int64_t flushed_at_ms;
};

/* Queues. */

static void drop_frames(struct socket *socket)
{
	while (socket->first != NULL) {
		struct frame *frame = socket->first;
		socket->first = frame->next;
		free(frame);
	}
	socket->last = &socket->first;
	socket->queued_bytes = 0;
}

static void queue_text(struct socket *socket, const char *text)
{
	size_t len = strlen(text);
	if (socket->owes_resync) {
		return; /* it will fetch afresh anyway */
	}
	struct frame *frame = socket->queued_bytes + len > LIMIT_LIVE_QUEUE_BYTES
				      ? NULL
				      : malloc(sizeof(*frame) + LWS_PRE + len);
	if (frame == NULL) {
		/* A page that does not read: forget what it missed and say so once it reads again.
		 */
		drop_frames(socket);
		socket->owes_resync = true;
	} else {
		frame->next = NULL;
		frame->len = len;
		/* A frame carries its length; the NUL stays behind. */
		for (size_t i = 0; i < len; i++) {
			frame->bytes[LWS_PRE + i] = (uint8_t)text[i];
		}
		*socket->last = frame;
		socket->last = &frame->next;
		socket->queued_bytes += len;
	}
	(void)lws_callback_on_writable(socket->wsi);
}

static void say_bye(struct socket *socket, const char *why)
{
	char text[96];
	if (socket->state == SOCKET_LEAVING) {
		return;
	}
	(void)snprintf(text, sizeof(text), "{\"ev\":\"bye\",\"why\":\"%s\"}", why);
	socket->owes_resync = false;
	queue_text(socket, text);
	socket->state = SOCKET_LEAVING;
}

/* One frame, or the end. −1 closes. */
static int on_writable(struct socket *socket)
{
	uint8_t resync[LWS_PRE + 32];
	if (socket->first == NULL && socket->owes_resync) {
		static const char text[] = "{\"ev\":\"resync\"}";
		socket->owes_resync = false;
		memcpy(resync + LWS_PRE, text, sizeof(text) - 1);
		return lws_write(socket->wsi, resync + LWS_PRE, sizeof(text) - 1, LWS_WRITE_TEXT) <
				       0
			       ? -1
			       : 0;
	}
	struct frame *frame = socket->first;
	if (frame == NULL) {
		if (socket->state != SOCKET_LEAVING) {
			return 0;
		}
		lws_close_reason(socket->wsi, LWS_CLOSE_STATUS_GOINGAWAY, NULL, 0);
		return -1;
	}
	socket->first = frame->next;
	if (socket->first == NULL) {
		socket->last = &socket->first;
	}
	socket->queued_bytes -= frame->len;
	int written = lws_write(socket->wsi, frame->bytes + LWS_PRE, frame->len, LWS_WRITE_TEXT);
	free(frame);
	if (written < 0) {
		return -1;
	}
	(void)lws_callback_on_writable(socket->wsi);
	return 0;
}

/* What pages say. */

static size_t count_of_session(const struct live *live, const struct session_id *session)
{
	size_t count = 0;
	for (const struct socket *socket = live->sockets; socket != NULL; socket = socket->next) {
		count += socket->state == SOCKET_READY &&
					 memcmp(socket->upgrade->session.at, session->at,
						 SESSION_HASH_BYTES) == 0
				 ? 1
				 : 0;
	}
	return count;
}

static int on_hello(struct socket *socket, const json_t *said)
{
	struct live *live = socket->live;
	struct span op;
	struct span token;
	char text[64];
	if (!body_text(said, "op", &op) || !span_equal_text(op, "hello") ||
		!body_text(said, "token", &token) ||
		sessions_check_token(live->opts.sessions, &socket->upgrade->session, token) !=
			ERR_OK) {
		lws_close_reason(socket->wsi, LWS_CLOSE_STATUS_POLICY_VIOLATION, NULL, 0);
		return -1;
	}
	lws_set_timer_usecs(socket->wsi, LWS_SET_TIMER_USEC_CANCEL);
	if (count_of_session(live, &socket->upgrade->session) >= LIMIT_LIVE_PER_SESSION) {
		say_bye(socket, "Too many pages are open.");
		return 0;
	}
	socket->state = SOCKET_READY;
	(void)snprintf(text, sizeof(text), "{\"ev\":\"hello\",\"head\":%llu}",
		(unsigned long long)events_head(live->opts.events));
	queue_text(socket, text);
	return 0;
}

static int on_wish(struct socket *socket, const json_t *said)
{
	struct span op;
	struct span id;
	if (!body_text(said, "op", &op)) {
		return -1;
	}
	if (span_equal_text(op, "watch")) {
		socket->is_watching = body_text(said, "id", &id) &&
				      message_id_parse_any(id, &socket->watched) == ERR_OK;
	} else if (span_equal_text(op, "unwatch")) {
		socket->is_watching = false;
	}
	/* An op of a newer page is not an error. */
	return 0;
}

static bool may_speak(struct socket *socket)
{
	int64_t now = env_mono_ms(socket->live->opts.env);
	socket->tokens +=
		(double)(now - socket->tokens_at_ms) * LIMIT_LIVE_MESSAGES_PER_SECOND / 1000.0;
	socket->tokens = socket->tokens > LIMIT_LIVE_MESSAGES_PER_SECOND
				 ? LIMIT_LIVE_MESSAGES_PER_SECOND
				 : socket->tokens;
	socket->tokens_at_ms = now;
	if (socket->tokens < 1) {
		return false;
	}
	socket->tokens -= 1;
	return true;
}

static int on_message(struct socket *socket)
{
	if (!may_speak(socket)) {
		lws_close_reason(socket->wsi, LWS_CLOSE_STATUS_POLICY_VIOLATION, NULL, 0);
		return -1;
	}
	json_t *said = body_parse(buf_span(&socket->in));
	int result = -1;
	buf_clear(&socket->in);
	if (said == NULL) {
		lws_close_reason(socket->wsi, LWS_CLOSE_STATUS_INVALID_PAYLOAD, NULL, 0);
	} else if (socket->state == SOCKET_GREETED) {
		result = on_hello(socket, said);
	} else if (socket->state == SOCKET_READY) {
		result = on_wish(socket, said);
	} else {
		result = 0;
	}
	json_decref(said);
	return result;
}

static int on_bytes(struct socket *socket, struct span bytes)
{
	if (lws_frame_is_binary(socket->wsi) != 0 || buf_append(&socket->in, bytes) != ERR_OK) {
		lws_close_reason(socket->wsi, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, NULL, 0);
		return -1;
	}
	if (lws_remaining_packet_payload(socket->wsi) > 0 || !lws_is_final_fragment(socket->wsi)) {
		return 0;
	}
	return on_message(socket);
}

/* Coming and going. */

static void socket_free(struct socket *socket)
{
	struct upgrade *upgrade = socket->upgrade;
	drop_frames(socket);
	buf_fini(&socket->in);
	free(socket);
	http_upgrade_over(upgrade);
}

static void on_gone(struct socket *socket)
{
	struct live *live = socket->live;
	for (struct socket **at = &live->sockets; *at != NULL; at = &(*at)->next) {
		if (*at == socket) {
			*at = socket->next;
			break;
		}
	}
	socket_free(socket);
	if (live->is_leaving && live->sockets == NULL) {
		live->is_done = true;
	}
}

static void adopt(struct live *live, struct upgrade *upgrade)
{
	char head[256];
	struct socket *socket = calloc(1, sizeof(*socket));
	if (socket == NULL) {
		(void)close(upgrade->fd);
		http_upgrade_over(upgrade);
		return;
	}
	*socket = (struct socket){.live = live,
		.upgrade = upgrade,
		.in = BUF_INIT(LIMIT_LIVE_FRAME_BYTES),
		.tokens = LIMIT_LIVE_MESSAGES_PER_SECOND};
	socket->last = &socket->first;
	socket->tokens_at_ms = env_mono_ms(live->opts.env);
	int len = snprintf(head, sizeof(head),
		"GET /api/live HTTP/1.1\r\nHost: kith\r\nConnection: Upgrade\r\nUpgrade: "
		"websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n",
		upgrade->key);
	live->adopting = socket;
	(void)lws_adopt_socket_vhost_readbuf(live->vhost, upgrade->fd, head, (size_t)len);
	if (live->adopting != NULL) {
		/* No callback ever came for it: the library closed the socket (or had no place for
		 * it) and knows nothing of ours. */
		live->adopting = NULL;
		socket_free(socket);
	}
}

/* The socket behind a callback; in adopt() the first callback with its descriptor binds the two. */
static struct socket *socket_of(struct live *live, struct lws *wsi)
{
	struct socket *socket = lws_get_opaque_user_data(wsi);
	if (socket == NULL && live->adopting != NULL &&
		lws_get_socket_fd(wsi) == live->adopting->upgrade->fd) {
		socket = live->adopting;
		live->adopting = NULL;
		socket->wsi = wsi;
		socket->next = live->sockets;
		live->sockets = socket;
		lws_set_opaque_user_data(wsi, socket);
	}
	return socket;
}

/* The thread's turns. */

static void flush(lws_sorted_usec_list_t *timer)
{
	struct live *live = lws_container_of(timer, struct live, flush_timer);
	struct events_batch *batch = malloc(sizeof(*batch));
	live->is_flush_set = false;
	live->flushed_at_ms = env_mono_ms(live->opts.env);
	if (batch == NULL) {
		return;
	}
	events_take(live->opts.events, batch);
	for (struct socket *socket = live->sockets; socket != NULL; socket = socket->next) {
		if (socket->state != SOCKET_READY) {
			continue;
		}
		for (size_t i = 0; i < batch->frame_count; i++) {
			queue_text(socket, batch->frames[i]);
		}
		char *thread =
			socket->is_watching ? events_thread_frame(batch, &socket->watched) : NULL;
		if (thread != NULL) {
			queue_text(socket, thread);
			free(thread);
		}
	}
	events_batch_fini(batch);
	free(batch);
	if (events_is_waiting(live->opts.events)) {
		live->is_flush_set = true;
		lws_sul_schedule(live->context, 0, &live->flush_timer, flush,
			EVENTS_FLUSH_MS * LWS_US_PER_MS);
	}
}

static void farewell_over(lws_sorted_usec_list_t *timer)
{
	struct live *live = lws_container_of(timer, struct live, farewell_timer);
	live->is_done = true;
	lws_cancel_service(live->context); /* or the library would wait for the next event first */
}

static void leave(struct live *live)
{
	live->is_leaving = true;
	live->is_done = live->sockets == NULL;
	for (struct socket *socket = live->sockets; socket != NULL; socket = socket->next) {
		say_bye(socket, "The node is stopping.");
	}
	lws_sul_schedule(live->context, 0, &live->farewell_timer, farewell_over,
		FAREWELL_MS * LWS_US_PER_MS);
}

/* Whoever is signed out gets nothing more, not even what was queued, and has FAREWELL_MS to go. */
static void check_sessions(struct live *live)
{
	for (struct socket *socket = live->sockets; socket != NULL; socket = socket->next) {
		if (sessions_is_open(live->opts.sessions, &socket->upgrade->session)) {
			continue;
		}
		drop_frames(socket);
		say_bye(socket, "This session is over.");
		socket->is_signed_out = true;
		lws_set_timer_usecs(socket->wsi, FAREWELL_MS * LWS_US_PER_MS);
	}
}

static void turn(struct live *live)
{
	struct upgrade *upgrades[UPGRADES_MAX];
	(void)pthread_mutex_lock(&live->lock);
	size_t count = live->upgrade_count;
	bool is_checking = live->is_checking;
	bool is_stopping = live->is_stopping;
	for (size_t i = 0; i < count; i++) {
		upgrades[i] = live->upgrades[i];
	}
	live->upgrade_count = 0;
	live->is_checking = false;
	(void)pthread_mutex_unlock(&live->lock);
	for (size_t i = 0; i < count; i++) {
		adopt(live, upgrades[i]);
	}
	if (is_checking) {
		check_sessions(live);
	}
	if (is_stopping && !live->is_leaving) {
		leave(live);
	}
	if (!live->is_flush_set && events_is_waiting(live->opts.events)) {
		int64_t quiet = env_mono_ms(live->opts.env) - live->flushed_at_ms;
		int64_t wait = quiet < 0 || quiet >= EVENTS_FLUSH_MS ? 0 : EVENTS_FLUSH_MS - quiet;
		live->is_flush_set = true;
		lws_sul_schedule(live->context, 0, &live->flush_timer, flush, wait * LWS_US_PER_MS);
	}
}

static int on_event(
	struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct live *live = lws_context_user(lws_get_context(wsi));
	(void)user;
	if (reason == LWS_CALLBACK_EVENT_WAIT_CANCELLED) {
		turn(live);
		return 0;
	}
	if (reason == LWS_CALLBACK_PROTOCOL_INIT || reason == LWS_CALLBACK_PROTOCOL_DESTROY) {
		return 0;
	}
	struct socket *socket = socket_of(live, wsi);
	switch (reason) {
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return socket != NULL && in != NULL && strcmp(in, "websocket") == 0 ? 0 : -1;
	case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
		return socket != NULL ? 0 : -1;
	case LWS_CALLBACK_HTTP:
		return -1;
	case LWS_CALLBACK_ESTABLISHED:
		socket->state = SOCKET_GREETED;
		lws_set_timer_usecs(wsi, LIMIT_LIVE_HELLO_MS * LWS_US_PER_MS);
		return 0;
	case LWS_CALLBACK_TIMER:
		/* One that was cancelled may still come. */
		return socket != NULL && (socket->state == SOCKET_GREETED || socket->is_signed_out)
			       ? -1
			       : 0;
	case LWS_CALLBACK_RECEIVE:
		return socket == NULL ? -1 : on_bytes(socket, span_of(in, len));
	case LWS_CALLBACK_SERVER_WRITEABLE:
		return socket == NULL ? -1 : on_writable(socket);
	case LWS_CALLBACK_WSI_DESTROY:
		if (socket != NULL) {
			lws_set_opaque_user_data(wsi, NULL);
			on_gone(socket);
		}
		return 0;
	default:
		return 0;
	}
}

static void *live_main(void *arg)
{
	struct live *live = arg;
	while (!live->is_done && lws_service(live->context, 0) >= 0) {
	}
	(void)pthread_mutex_lock(&live->lock);
	live->is_stopping = true;
	(void)pthread_mutex_unlock(&live->lock);
	/* Each socket that is left ends in here by its WSI_DESTROY; then those that never became
	 * one. */
	lws_context_destroy(live->context);
	for (size_t i = 0; i < live->upgrade_count; i++) {
		(void)close(live->upgrades[i]->fd);
		http_upgrade_over(live->upgrades[i]);
	}
	return NULL;
}

enum err live_start(const struct live_opts *opts, struct live **out, char *why, size_t why_bytes)
{
	static const struct lws_protocols protocols[] = {
		{.name = "kith", .callback = on_event, .rx_buffer_size = 4096},
		{.name = NULL},
	};
	static const lws_retry_bo_t keep_alive = {
		.secs_since_valid_ping = PING_S, .secs_since_valid_hangup = HANGUP_S};
	struct live *live = calloc(1, sizeof(*live));
	if (live == NULL) {
		return ERR_NOMEM;
	}
	live->opts = *opts;
	live->flushed_at_ms = env_mono_ms(opts->env) - EVENTS_FLUSH_MS;
	(void)pthread_mutex_init(&live->lock, NULL);
	lws_set_log_level(0, NULL);
	struct lws_context_creation_info info;
	memset(&info, 0, sizeof(info));
	info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
	info.protocols = protocols;
	info.user = live;
	info.gid = (gid_t)-1;
	info.uid = (uid_t)-1;
	info.fd_limit_per_thread = FD_LIMIT;
	info.retry_and_idle_policy = &keep_alive;
	info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
	live->context = lws_create_context(&info);
	live->vhost = live->context == NULL ? NULL : lws_create_vhost(live->context, &info);
	if (live->vhost == NULL || pthread_create(&live->thread, NULL, live_main, live) != 0) {
		(void)snprintf(why, why_bytes, "the WebSocket thread does not start");
		if (live->context != NULL) {
			lws_context_destroy(live->context);
		}
		live_free(live);
		return ERR_NOMEM;
	}
	*out = live;
	return ERR_OK;
}

void live_take(struct live *live, struct upgrade *upgrade)
{
	(void)pthread_mutex_lock(&live->lock);
	bool is_taken = !live->is_stopping && live->upgrade_count < UPGRADES_MAX;
	if (is_taken) {
		live->upgrades[live->upgrade_count++] = upgrade;
		lws_cancel_service(live->context);
	}
	(void)pthread_mutex_unlock(&live->lock);
	if (!is_taken) {
		(void)close(upgrade->fd);
		http_upgrade_over(upgrade);
	}
}

void live_wake(struct live *live)
{
	(void)pthread_mutex_lock(&live->lock);
	if (!live->is_stopping) {
		lws_cancel_service(live->context);
	}
	(void)pthread_mutex_unlock(&live->lock);
}

void live_check_sessions(struct live *live)
{
	(void)pthread_mutex_lock(&live->lock);
	if (!live->is_stopping) {
		live->is_checking = true;
		lws_cancel_service(live->context);
	}
	(void)pthread_mutex_unlock(&live->lock);
}

void live_stop(struct live *live)
{
	(void)pthread_mutex_lock(&live->lock);
	if (!live->is_stopping) {
		live->is_stopping = true;
		lws_cancel_service(live->context);
	}
	(void)pthread_mutex_unlock(&live->lock);
	(void)pthread_join(live->thread, NULL);
}

void live_free(struct live *live)
{
	if (live != NULL) {
		(void)pthread_mutex_destroy(&live->lock);
		free(live);
	}
}

const char *live_engine(void)
{
	return lws_get_library_version();
}
