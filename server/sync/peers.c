/*
 * A partner is made when a dial starts or a link is accepted, and freed after its last callback.
 * One connection per key: when a second one becomes ready while the first is young and goes the
 * other way (both dialled at once), the one dialled by the smaller key stays, on both sides;
 * otherwise the newer replaces the older, which is probably dead without knowing.
 */
#include "sync/peers.h"

#include "base/table.h"
#include "sync/ebt.h"
#include "sync/fetch.h"
#include "sync/methods.h"
#include "sync/missing.h"
#include "sync/newest.h"
#include "sync/ping.h"
#include "sync/recover.h"
#include "sync/schedule.h"
#include "sync/shares.h"
#include "sync/twin.h"
#include "sync/wants.h"

#include <assert.h>
#include <stdlib.h>

enum { CROSSING_MS = 5000 };

/* Tables go by 32 bytes. */
static void serial_name(uint64_t serial, uint8_t out[static 32])
{
	memset(out, 0, 32);
	memcpy(out, &serial, sizeof(serial));
}

static void partner_free(struct partner *partner)
{
	struct sync *sync = partner->sync;
	uint8_t name[32];
	serial_name(partner->serial, name);
	(void)table_remove(sync->by_serial, name);
	if (partner->prev != NULL) {
		partner->prev->next = partner->next;
	} else {
		sync->partners = partner->next;
	}
	if (partner->next != NULL) {
		partner->next->prev = partner->prev;
	}
	sync->partner_count--;
	loop_timer_free(partner->timer);
	free(partner);
}

/* No EBT yet: open it again if it was lost, else ask the old way. */
static void on_timer(void *ctx)
{
	struct partner *partner = ctx;
	if (!partner->is_ready || partner->is_closing || ebt_is_running(partner)) {
		return;
	}
	if (partner->is_ebt_lost) {
		ebt_open(partner);
	} else {
		fetch_start(partner);
	}
}

static struct partner *partner_new(struct sync *sync)
{
	struct partner *partner = calloc(1, sizeof(*partner));
	if (partner == NULL) {
		return NULL;
	}
	partner->timer = loop_timer_new(sync->loop, on_timer, partner);
	uint8_t name[32];
	serial_name(sync->serial + 1, name);
	if (partner->timer == NULL || table_put(sync->by_serial, name, partner) != ERR_OK) {
		if (partner->timer != NULL) {
			loop_timer_free(partner->timer);
		}
		free(partner);
		return NULL;
	}
	partner->sync = sync;
	partner->serial = ++sync->serial;
	partner->next = sync->partners;
	if (partner->next != NULL) {
		partner->next->prev = partner;
	}
	sync->partners = partner;
	sync->partner_count++;
	return partner;
}

static bool is_welcome(void *ctx, const struct feed_id *id)
{
	struct partner *partner = ctx;
	struct sync *sync = partner->sync;
	if (feed_id_equal(id, &sync->self)) {
		/* Nobody of us dials our own key here: let both sides prove what they are. */
		return !sync->is_stopping && twin_is_elsewhere(partner);
	}
	return !sync->is_stopping && !reach_is_blocking(sync->reach, &sync->self, id);
}

/* Of two connections with one key: is `newer` the one to give up? */
static bool loses(const struct partner *newer, const struct partner *older)
{
	const struct sync *sync = newer->sync;
	bool is_crossing = !older->is_closing &&
			   newer->is_dialled_by_us != older->is_dialled_by_us &&
			   env_mono_ms(sync->env) - older->ready_ms < CROSSING_MS;
	if (!is_crossing) {
		return false;
	}
	bool are_we_smaller = memcmp(sync->self.at, newer->id.at, ID_BYTES) < 0;
	return newer->is_dialled_by_us != are_we_smaller;
}

/* Out of reach, and it dialled us: keys like that are free. */
static bool is_stranger(const struct partner *partner)
{
	return partner->is_ready && !partner->is_closing && !partner->is_dialled_by_us &&
	       reach_wanted(partner->sync->reach, &partner->id) == NULL;
}

/* Strangers never take the last quarter of the places: of too many the one that came first goes. */
static void make_room_for_friends(struct sync *sync)
{
	size_t max = (size_t)sync->peers_max * LIMIT_STRANGERS_OF_4 / 4;
	struct partner *oldest = NULL;
	size_t count = 0;
	if (table_count(sync->ready) <= max) {
		return;
	}
	for (struct partner *partner = sync->partners; partner != NULL; partner = partner->next) {
		if (is_stranger(partner)) {
			count++;
			oldest = partner;
		}
	}
	if (count > max) {
		peers_close(oldest, "it gave way to newer connections");
	}
}

static void begin(struct partner *partner)
{
	partner->is_ready = true;
	partner->ready_ms = env_mono_ms(partner->sync->env);
	partner->seen_ms = env_wall_ms(partner->sync->env);
	recover_ready(partner);
	newest_ready(partner);
	missing_ready(partner);
	wants_ready(partner);
	if (partner->is_dialled_by_us) {
		ebt_open(partner);
		ping_open(partner);
	} else {
		loop_timer_set(partner->timer, LIMIT_EBT_WAIT_MS);
	}
}

static void on_ready(void *ctx, struct peer *peer)
{
	struct partner *partner = ctx;
	struct sync *sync = partner->sync;
	char id[FEED_ID_TEXT_BYTES];
	partner->peer = peer;
	partner->id = *peer_id(peer);
	if (sync->is_stopping || feed_id_equal(&partner->id, &sync->self)) {
		twin_proved(sync->twin, partner);
		peers_close(partner, "our own key");
		return;
	}
	struct partner *older = table_get(sync->ready, partner->id.at);
	if (older != NULL && loses(partner, older)) {
		schedule_ready(sync->schedule, partner);
		peers_close(partner, "connected already");
		return;
	}
	if (table_put(sync->ready, partner->id.at, partner) != ERR_OK) {
		peers_close(partner, "no memory");
		return;
	}
	if (older != NULL) {
		peers_close(older, "replaced by a newer connection");
	}
	shares_ready(partner, older);
	feed_id_format(&partner->id, id);
	LOG(sync->env, LOG_INFO, "peer.connected", LOG_KEY("peer", id),
		LOG_ADDRESS("at", span_text(peer_remote(peer))),
		LOG_NUM("dialled", partner->is_dialled_by_us));
	begin(partner);
	schedule_ready(sync->schedule, partner);
	if (is_stranger(partner)) {
		make_room_for_friends(sync);
	}
	sync_changed(sync);
}

static void on_call(void *ctx, struct peer *peer, struct rpc_call *call, const char *name,
	enum rpc_kind kind, const struct json *args)
{
	struct partner *partner = ctx;
	(void)peer;
	if (!partner->is_ready || partner->is_closing) {
		rpc_refuse(call, "parent stream is closing");
		return;
	}
	methods_call(partner, call, name, kind, args);
}

static void gone(struct partner *partner, const char *reason)
{
	struct sync *sync = partner->sync;
	char id[FEED_ID_TEXT_BYTES];
	ebt_drop(partner);
	fetch_drop(partner);
	shares_gone(partner);
	newest_drop(partner);
	missing_drop(partner);
	wants_drop(partner);
	assert(partner->histories == NULL && partner->ping == NULL);
	if (partner->is_ready && table_get(sync->ready, partner->id.at) == partner) {
		(void)table_remove(sync->ready, partner->id.at);
	}
	if (!partner->is_ready && partner->reason == NULL) {
		sync->counters.handshakes_failed++;
	}
	feed_id_format(&partner->id, id);
	LOG(sync->env, partner->is_ready ? LOG_INFO : LOG_DEBUG, "peer.gone",
		LOG_KEY("peer", partner->is_ready || partner->is_dialled_by_us ? id : "?"),
		LOG_TEXT("why", reason));
	schedule_gone(sync->schedule, partner, reason);
	recover_gone(partner);
	partner_free(partner);
	sync_changed(sync);
	sync_job_ends(sync);
}

static void on_spent(void *ctx, struct peer *peer)
{
	(void)peer;
	shares_spent(ctx);
}

static void on_closed(void *ctx, struct peer *peer, const char *reason)
{
	struct partner *partner = ctx;
	struct peer_figures figures;
	peer_figures(peer, &figures);
	partner->sync->counters.bytes_in += figures.bytes_in;
	partner->sync->counters.bytes_out += figures.bytes_out;
	gone(partner, partner->reason != NULL ? partner->reason : reason);
}

static enum err make_peer(struct partner *partner, struct link *link)
{
	const struct sync *sync = partner->sync;
	struct peer_opts opts = {
		.loop = sync->loop,
		.network_key = sync->network_key,
		.signer = sync->signer,
		.server_id = partner->is_dialled_by_us ? &partner->id : NULL,
		.events = {.is_welcome = is_welcome,
			.on_ready = on_ready,
			.on_call = on_call,
			.on_spent = on_spent,
			.on_closed = on_closed,
			.ctx = partner},
	};
	return peer_new(link, &opts, &partner->peer);
}

void peers_accept(struct sync *sync, struct link *link)
{
	struct partner *partner = sync->is_stopping ? NULL : partner_new(sync);
	if (partner == NULL) {
		link_close(link, false);
		return;
	}
	sync_job_begins(sync);
	if (make_peer(partner, link) != ERR_OK) {
		gone(partner, "no memory");
	}
}

static void on_dialled(void *ctx, struct link *link, const char *reason)
{
	struct partner *partner = ctx;
	partner->dial = NULL;
	if (link == NULL) {
		gone(partner, reason);
		return;
	}
	enum err err = make_peer(partner, link);
	if (err != ERR_OK) {
		/* A key that is no point of the curve: nobody can have it. */
		gone(partner, err == ERR_REFUSED ? "nobody can have this key" : "no memory");
	}
}

enum err peers_dial(
	struct sync *sync, const struct address *address, enum peer_via via, bool is_learned)
{
	struct partner *partner = sync->is_stopping || table_count(sync->ready) >= sync->peers_max
					  ? NULL
					  : partner_new(sync);
	if (partner == NULL) {
		return ERR_BUSY;
	}
	partner->is_dialled_by_us = true;
	partner->address = *address;
	partner->id = address->key;
	partner->via = via;
	enum err err = dial_start(sync->loop, address->host, address->port, is_learned, on_dialled,
		partner, &partner->dial);
	if (err != ERR_OK) {
		partner_free(partner);
		return err;
	}
	sync_job_begins(sync);
	return ERR_OK;
}

void peers_close(struct partner *partner, const char *reason)
{
	if (partner->dial != NULL) {
		dial_cancel(partner->dial);
		partner->dial = NULL;
		gone(partner, reason);
	} else if (!partner->is_closing) {
		partner->is_closing = true;
		partner->reason = reason;
		ebt_drop(partner);
		fetch_drop(partner);
		newest_drop(partner);
		missing_drop(partner);
		wants_drop(partner);
		peer_close(partner->peer, reason);
	}
}

void peers_close_all(struct sync *sync, const char *reason)
{
	struct partner *next;
	for (struct partner *partner = sync->partners; partner != NULL; partner = next) {
		next = partner->next;
		peers_close(partner, reason);
	}
}

void peers_close_blocked(struct sync *sync)
{
	struct partner *next;
	for (struct partner *partner = sync->partners; partner != NULL; partner = next) {
		next = partner->next;
		bool is_somebody = partner->is_ready || partner->is_dialled_by_us;
		if (is_somebody && reach_is_blocking(sync->reach, &sync->self, &partner->id)) {
			peers_close(partner, "blocked");
		}
	}
}

struct partner *peers_ready(struct sync *sync, const struct feed_id *id)
{
	struct partner *partner = table_get(sync->ready, id->at);
	return partner != NULL && partner->is_closing ? NULL : partner;
}

struct partner *peers_any(struct sync *sync, const struct feed_id *id)
{
	struct partner *partner = peers_ready(sync, id);
	if (partner != NULL) {
		return partner;
	}
	for (partner = sync->partners; partner != NULL; partner = partner->next) {
		if (partner->is_dialled_by_us && !partner->is_closing &&
			feed_id_equal(&partner->id, id)) {
			return partner;
		}
	}
	return NULL;
}

struct partner *peers_by_serial(struct sync *sync, uint64_t serial)
{
	uint8_t name[32];
	serial_name(serial, name);
	return table_get(sync->by_serial, name);
}

void peers_refuse(struct partner *partner, struct rpc_call *call, const char *message)
{
	partner->sync->counters.calls_refused++;
	rpc_refuse(call, message);
}
