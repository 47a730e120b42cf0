/*
 * Counting happens in `guest` records, one per connection: a ring of those that wait for the common
 * rate, one of those whose handshake is under way, both oldest first, and a ring of the others.
 * `places` counts per address (net/sock) and keeps an entry for a second after its last connection,
 * for the rate. `known` are the addresses of the last finished handshakes, in a ring of slots. Not
 * accepting is how libuv pauses a listener: it goes on when uv_accept() is called.
 */
#include "net/listen.h"

#include "base/handed.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/table.h"
#include "net/link_tcp.h"
#include "net/sock.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

enum { BACKLOG = 1024, PLACES_MAX = 4096, REFILL_MS = 50 };
struct allowance {
	int64_t left; /* thousandths */
	int64_t at_ms;
};

struct place {
	size_t open, shaking;
	struct allowance rate;
};

struct guest {
	struct guest *next, *prev;
	struct listener *listener;
	struct link *link;
	uint8_t place[32];
	bool is_exempt; /* loopback: not counted by address */
	bool is_shaking;
};

/* An address from which a handshake was finished. */
struct familiar {
	uint8_t place[32];
	bool is_used;
};

struct listener {
	struct listen_opts opts;
	uv_tcp_t tcp;
	uint16_t port;
	struct guest waiting, shaking, others; /* sentinels of rings */
	size_t waiting_count;
	struct table *places;
	struct table *known; /* by address: its slot in `familiars` */
	struct familiar familiars[LIMIT_ACCEPTS_KNOWN];
	size_t next_familiar; /* the slot that is taken over next */
	struct allowance arrivals, accepts, known_accepts;
	struct loop_timer *refill;
	bool is_waiting; /* libuv holds a connection that we did not take yet */
	int64_t swept_ms;
	struct listener_figures figures;
};

/* One out of a bucket of a second's worth; false when it is empty. */
static bool spend(struct allowance *rate, int64_t now_ms, int64_t per_second)
{
	int64_t full = per_second * 1000;
	if (rate->at_ms == 0) {
		rate->left = full;
	} else {
		rate->left += (now_ms - rate->at_ms) * per_second;
	}
	rate->left = rate->left > full ? full : rate->left;
	rate->at_ms = now_ms;
	if (rate->left < 1000) {
		return false;
	}
	rate->left -= 1000;
	return true;
}

static void ring_add(struct guest *ring, struct guest *guest)
{
	guest->prev = ring->prev;
	guest->next = ring;
	ring->prev->next = guest;
	ring->prev = guest;
}

static void ring_remove(struct guest *guest)
{
	guest->prev->next = guest->next;
	guest->next->prev = guest->prev;
}

/* Places. */

static void sweep_places(struct listener *listener, int64_t now_ms)
{
	size_t cursor = 0;
	const uint8_t *id;
	void *value;
	if (now_ms - listener->swept_ms < 1000) {
		return;
	}
	listener->swept_ms = now_ms;
	while (table_next(listener->places, &cursor, &id, &value)) {
		struct place *place = value;
		if (place->open == 0 && now_ms - place->rate.at_ms > 1000) {
			(void)table_remove(listener->places, id);
			free(place);
		}
	}
}

static struct place *place_of(struct listener *listener, const uint8_t id[static 32])
{
	struct place *place = table_get(listener->places, id);
	if (place != NULL) {
		return place;
	}
	place = calloc(1, sizeof(*place));
	if (place != NULL && table_put(listener->places, id, place) != ERR_OK) {
		free(place);
		place = NULL;
	}
	return place;
}

static bool place_has_room(const struct place *place)
{
	return place->open < LIMIT_PEERS_PER_ADDRESS &&
	       place->shaking < LIMIT_HANDSHAKES_PER_ADDRESS;
}

/* Known addresses. */

static bool is_known(const struct listener *listener, const uint8_t place[static 32])
{
	return table_get(listener->known, place) != NULL;
}

static void make_known(struct listener *listener, const uint8_t place[static 32])
{
	if (is_known(listener, place)) {
		return;
	}
	struct familiar *slot = &listener->familiars[listener->next_familiar];
	if (slot->is_used) {
		(void)table_remove(listener->known, slot->place);
	}
	memcpy(slot->place, place, sizeof(slot->place));
	slot->is_used = table_put(listener->known, place, slot) == ERR_OK;
	listener->next_familiar = (listener->next_familiar + 1) % LIMIT_ACCEPTS_KNOWN;
}

/* Guests. */

static struct place *counted_place(const struct guest *guest)
{
	return guest->is_exempt ? NULL : table_get(guest->listener->places, guest->place);
}

/* Counted by address from its arrival on, in all when it is let in. */
static struct guest *guest_new(
	struct listener *listener, struct link *link, const uint8_t id[static 32], bool is_exempt)
{
	struct guest *guest = calloc(1, sizeof(*guest));
	if (guest == NULL) {
		return NULL;
	}
	guest->listener = listener;
	guest->link = link;
	guest->is_exempt = is_exempt;
	guest->is_shaking = true;
	memcpy(guest->place, id, sizeof(guest->place));
	struct place *place = counted_place(guest);
	if (place != NULL) {
		place->open++;
		place->shaking++;
	}
	return guest;
}

static void guest_free(struct guest *guest)
{
	struct place *place = counted_place(guest);
	if (place != NULL) {
		place->open--;
		place->shaking -= guest->is_shaking;
	}
	free(guest);
}

static void guest_gone(void *ctx)
{
	struct guest *guest = ctx;
	struct listener *listener = guest->listener;
	listener->figures.open--;
	listener->figures.shaking -= guest->is_shaking;
	ring_remove(guest);
	guest_free(guest);
}

static void guest_shaken(void *ctx, struct link *link)
{
	struct guest *guest = ctx;
	(void)link;
	if (guest->is_shaking) {
		struct place *place = counted_place(guest);
		guest->is_shaking = false;
		guest->listener->figures.shaking--;
		if (place != NULL) {
			place->shaking--;
		}
		make_known(guest->listener, guest->place);
		ring_remove(guest);
		ring_add(&guest->listener->others, guest);
	}
}

static void forget_guest(struct guest *guest)
{
	link_tcp_on_gone(guest->link, NULL, NULL);
	guest->link->on_shaken = NULL;
}

/* The oldest handshake under way makes room: at once in the counts, its link on a later turn. */
static void displace_oldest(struct listener *listener)
{
	struct guest *guest = listener->shaking.next;
	struct link *link = guest->link;
	forget_guest(guest);
	guest_gone(guest);
	listener->figures.displaced++;
	link_tcp_abort(link, "the handshake gave way to newer connections");
}

static bool make_room(struct listener *listener)
{
	struct listener_figures *figures = &listener->figures;
	if (figures->open < listener->opts.peers_max && figures->shaking < LIMIT_HANDSHAKES) {
		return true;
	}
	if (figures->shaking == 0) {
		return false;
	}
	displace_oldest(listener);
	return true;
}

/* Closed at once. The guest is in no ring. */
static void refuse(struct guest *guest)
{
	guest->listener->figures.refused++;
	link_tcp_discard(guest->link);
	guest_free(guest);
}

static void let_in(struct guest *guest)
{
	struct listener *listener = guest->listener;
	struct link *link = guest->link;
	struct sockaddr_storage remote = {0};
	int len = sizeof(remote);
	if (uv_tcp_getpeername(link_tcp_uv(link), (struct sockaddr *)&remote, &len) != 0 ||
		!make_room(listener) ||
		link_tcp_start(link, (struct sockaddr *)&remote) != ERR_OK) {
		refuse(guest);
		return;
	}
	listener->figures.accepted++;
	listener->figures.open++;
	listener->figures.shaking++;
	ring_add(&listener->shaking, guest);
	link_tcp_on_gone(link, guest_gone, guest);
	link->on_shaken = guest_shaken;
	link->on_shaken_ctx = guest;
	listener->opts.on_link(listener->opts.ctx, link);
}

static void wait_or_refuse(struct guest *guest)
{
	struct listener *listener = guest->listener;
	if (listener->waiting_count >= LIMIT_ACCEPTS_WAITING) {
		refuse(guest);
		return;
	}
	listener->waiting_count++;
	ring_add(&listener->waiting, guest);
	loop_timer_set(listener->refill, REFILL_MS);
}

/* The guest of a connection that just came; NULL when its address has enough. */
static struct guest *receive(
	struct listener *listener, struct link *link, const struct sockaddr *remote, int64_t now_ms)
{
	uint8_t id[32];
	bool is_exempt = !listener->opts.is_loopback_limited && sock_is_loopback(remote);
	sock_place(remote, id);
	sweep_places(listener, now_ms);
	if (!is_exempt) {
		struct place *place = place_of(listener, id);
		if (place == NULL || !place_has_room(place) ||
			!spend(&place->rate, now_ms, LIMIT_ACCEPTS_PER_SECOND_ADDRESS)) {
			return NULL;
		}
	}
	return guest_new(listener, link, id, is_exempt);
}

/* Known addresses have a rate of their own: a flood of others does not use it up. */
static void judge(struct listener *listener, struct guest *guest, int64_t now_ms)
{
	bool is_first = listener->waiting_count == 0;
	if ((is_known(listener, guest->place) &&
		    spend(&listener->known_accepts, now_ms, LIMIT_ACCEPTS_PER_SECOND_KNOWN)) ||
		(is_first && spend(&listener->accepts, now_ms, LIMIT_ACCEPTS_PER_SECOND))) {
		let_in(guest);
	} else {
		wait_or_refuse(guest);
	}
}

/* Take the connection that libuv holds. */
static void take_one(struct listener *listener, int64_t now_ms)
{
	struct sockaddr_storage remote = {0};
	int len = sizeof(remote);
	struct link *link = link_tcp_new(listener->opts.loop);
	listener->is_waiting = false;
	if (link == NULL) {
		listener->is_waiting = true; /* it waits for memory */
		loop_timer_set(listener->refill, 1000);
		return;
	}
	uv_tcp_t *tcp = link_tcp_uv(link);
	bool is_good = uv_accept((uv_stream_t *)&listener->tcp, (uv_stream_t *)tcp) == 0 &&
		       uv_tcp_getpeername(tcp, (struct sockaddr *)&remote, &len) == 0;
	struct guest *guest =
		is_good ? receive(listener, link, (struct sockaddr *)&remote, now_ms) : NULL;
	if (guest == NULL) {
		listener->figures.refused++;
		link_tcp_discard(link);
		return;
	}
	judge(listener, guest, now_ms);
}

static void take_or_wait(struct listener *listener)
{
	int64_t now_ms = env_mono_ms(loop_env(listener->opts.loop));
	if (spend(&listener->arrivals, now_ms, LIMIT_REFUSALS_PER_SECOND)) {
		take_one(listener, now_ms);
	} else {
		listener->is_waiting = true;
		loop_timer_set(listener->refill, REFILL_MS);
	}
}

static void on_connection(uv_stream_t *server, int status)
{
	struct listener *listener = server->data;
	if (status < 0) {
		/* Out of descriptors, most likely: libuv has already shed one and goes on. */
		LOG(loop_env(listener->opts.loop), LOG_WARN, "listen.accept_failed",
			LOG_TEXT("why", uv_strerror(status)));
		return;
	}
	take_or_wait(listener);
}

static void on_refill(void *ctx)
{
	struct listener *listener = ctx;
	int64_t now_ms = env_mono_ms(loop_env(listener->opts.loop));
	struct guest *next;
	for (struct guest *guest = listener->waiting.next;
		guest != &listener->waiting &&
		spend(&listener->accepts, now_ms, LIMIT_ACCEPTS_PER_SECOND);
		guest = next) {
		next = guest->next;
		listener->waiting_count--;
		ring_remove(guest);
		let_in(guest);
	}
	if (listener->waiting_count > 0) {
		loop_timer_set(listener->refill, REFILL_MS);
	}
	if (listener->is_waiting) {
		take_or_wait(listener);
	}
}

/* Life. */

static void free_listener(struct listener *listener)
{
	size_t cursor = 0;
	const uint8_t *id;
	void *value;
	while (listener->places != NULL && table_next(listener->places, &cursor, &id, &value)) {
		free(value);
	}
	table_free(listener->places);
	table_free(listener->known);
	free(listener);
}

static void on_uv_closed(uv_handle_t *handle)
{
	free_listener(handle->data);
}

static int bind_and_listen(struct listener *listener, const struct sockaddr_storage *at)
{
	struct sockaddr_storage bound;
	int len = sizeof(bound);
	int fd = handed_take(listener->opts.handed, (const struct sockaddr *)at);
	int rc = fd >= 0 ? uv_tcp_open(&listener->tcp, fd)
			 : uv_tcp_bind(&listener->tcp, (const struct sockaddr *)at, 0);
	if (rc != 0 && fd >= 0) {
		(void)close(fd);
	}
	if (rc == 0) {
		rc = uv_listen((uv_stream_t *)&listener->tcp, BACKLOG, on_connection);
	}
	if (rc == 0) {
		rc = uv_tcp_getsockname(&listener->tcp, (struct sockaddr *)&bound, &len);
	}
	if (rc == 0) {
		listener->port = ntohs(bound.ss_family == AF_INET
					       ? ((struct sockaddr_in *)&bound)->sin_port
					       : ((struct sockaddr_in6 *)&bound)->sin6_port);
	}
	return rc;
}

void listener_set_peers_max(struct listener *listener, size_t peers_max)
{
	listener->opts.peers_max = peers_max == 0 ? LIMIT_PEERS : peers_max;
}

enum err listener_start(
	const struct listen_opts *opts, struct listener **out, char *why, size_t why_bytes)
{
	struct sockaddr_storage at;
	if (sock_parse(opts->host, opts->port, &at) != ERR_OK) {
		(void)snprintf(why, why_bytes, "%s is not a numeric address", opts->host);
		return ERR_REFUSED;
	}
	struct listener *listener = calloc(1, sizeof(*listener));
	if (listener == NULL) {
		(void)snprintf(why, why_bytes, "%s", err_text(ERR_NOMEM));
		return ERR_NOMEM;
	}
	listener->opts = *opts;
	listener_set_peers_max(listener, opts->peers_max);
	listener->waiting.next = listener->waiting.prev = &listener->waiting;
	listener->shaking.next = listener->shaking.prev = &listener->shaking;
	listener->others.next = listener->others.prev = &listener->others;
	listener->places = table_new(loop_env(opts->loop), PLACES_MAX);
	listener->known = table_new(loop_env(opts->loop), LIMIT_ACCEPTS_KNOWN);
	listener->refill = loop_timer_new(opts->loop, on_refill, listener);
	(void)uv_tcp_init(loop_uv(opts->loop), &listener->tcp);
	listener->tcp.data = listener;
	int rc = listener->places == NULL || listener->known == NULL || listener->refill == NULL
			 ? UV_ENOMEM
			 : bind_and_listen(listener, &at);
	if (rc != 0) {
		(void)snprintf(why, why_bytes, "cannot listen on %s port %u: %s", opts->host,
			opts->port, uv_strerror(rc));
		listener_stop(listener);
		return rc == UV_ENOMEM ? ERR_NOMEM : ERR_IO;
	}
	*out = listener;
	return ERR_OK;
}

uint16_t listener_port(const struct listener *listener)
{
	return listener->port;
}

void listener_handshake_over(struct listener *listener, struct link *link)
{
	struct guest *ring = &listener->shaking;
	for (struct guest *guest = ring->next; guest != ring; guest = guest->next) {
		if (guest->link == link) {
			guest_shaken(guest, link);
			return;
		}
	}
}

void listener_figures(const struct listener *listener, struct listener_figures *out)
{
	*out = listener->figures;
}

static void forget_all(struct guest *ring)
{
	struct guest *next;
	for (struct guest *guest = ring->next; guest != ring; guest = next) {
		next = guest->next;
		forget_guest(guest);
		guest_gone(guest);
	}
}

void listener_stop(struct listener *listener)
{
	if (listener == NULL) {
		return;
	}
	struct guest *next;
	for (struct guest *guest = listener->waiting.next; guest != &listener->waiting;
		guest = next) {
		next = guest->next;
		listener->waiting_count--;
		ring_remove(guest);
		refuse(guest);
	}
	forget_all(&listener->shaking);
	forget_all(&listener->others);
	loop_timer_free(listener->refill);
	uv_close((uv_handle_t *)&listener->tcp, on_uv_closed);
}
