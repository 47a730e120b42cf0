/*
 * Start and stop, and the mail from the writer's thread. A stop lets go in this order: no new
 * links, no dials, no new work; then all peers say goodbye; then what was under way in workers and
 * in the writer comes back. `jobs` counts all of that, connections too: at zero nothing points here
 * any more.
 */
#include "sync/core.h"

#include "base/table.h"
#include "sync/ebt.h"
#include "sync/fetch.h"
#include "sync/history.h"
#include "sync/ingest.h"
#include "sync/missing.h"
#include "sync/newest.h"
#include "sync/peers.h"
#include "sync/recover.h"
#include "sync/replay.h"
#include "sync/schedule.h"
#include "sync/shares.h"
#include "sync/twin.h"
#include "sync/wants.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHANGED_MS = 250, STOP_MS = 2000 };

static void stopped(struct sync *sync)
{
	void (*on_stopped)(void *ctx) = sync->on_stopped;
	if (on_stopped != NULL) {
		sync->on_stopped = NULL;
		loop_timer_clear(sync->stop_timer);
		on_stopped(sync->stopped_ctx);
	}
}

/* Either all is over, or the time is up. */
static void on_stop_due(void *ctx)
{
	stopped(ctx);
}

void sync_job_begins(struct sync *sync)
{
	sync->jobs++;
}

void sync_job_ends(struct sync *sync)
{
	assert(sync->jobs > 0);
	sync->jobs--;
	if (sync->jobs == 0 && sync->is_stopping) {
		loop_timer_set(sync->stop_timer, 0);
	}
}

static void on_changed_due(void *ctx)
{
	struct sync *sync = ctx;
	sync->is_changed_due = false;
	sync->changed_ms = env_mono_ms(sync->env);
	if (sync->on_changed != NULL) {
		sync->on_changed(sync->ctx);
	}
}

void sync_changed(struct sync *sync)
{
	if (sync->is_changed_due || sync->is_stopping || sync->changed_timer == NULL) {
		return;
	}
	int64_t since = env_mono_ms(sync->env) - sync->changed_ms;
	sync->is_changed_due = true;
	loop_timer_set(sync->changed_timer,
		sync->changed_ms == 0 || since >= CHANGED_MS ? 0 : CHANGED_MS - since);
}

static void tell_head(struct sync *sync, struct feed *feed)
{
	if (feed == reach_self(sync->reach)) {
		recover_committed(sync->recover);
	}
	newest_committed(sync, feed);
	for (struct partner *partner = sync->partners; partner != NULL; partner = partner->next) {
		if (partner->is_ready && !partner->is_closing) {
			ebt_committed(partner, feed);
			history_committed(partner, feed);
		}
	}
	ebt_feed_moved(sync, feed);
}

static void take_commit(struct sync *sync, const struct mail *mail)
{
	struct feed *last = NULL;
	for (size_t i = 0; i < mail->count; i++) {
		struct feed *feed = reach_committed(
			sync->reach, &mail->stored[i].author, mail->stored[i].sequence);
		if (last != NULL && feed != last) {
			tell_head(sync, last);
		}
		last = feed != NULL ? feed : last;
	}
	if (last != NULL) {
		tell_head(sync, last);
	}
	if (mail->has_let_go) {
		reach_let_go(sync->reach, &mail->let_go);
	}
	/* What a block forbids stops here and now; the rest of the graph is computed behind it. */
	reach_edges(sync->reach, mail->edges, mail->edge_count);
	if (mail->is_graph_changed) {
		reach_touch(sync->reach);
	}
	wants_news(sync->wants, mail->blobs, mail->blob_count);
	sync_changed(sync);
}

static void on_mail(void *ctx)
{
	struct sync *sync = ctx;
	(void)pthread_mutex_lock(&sync->mail_lock);
	struct mail *mail = sync->mail_first;
	sync->mail_first = NULL;
	sync->mail_last = NULL;
	sync->is_mail_posted = false;
	bool is_state_due = sync->is_state_due;
	sync->is_state_due = false;
	(void)pthread_mutex_unlock(&sync->mail_lock);
	if (is_state_due) {
		recover_look(sync->recover);
	}
	while (mail != NULL) {
		struct mail *next = mail->next;
		if (mail->job != NULL) {
			ingest_appended(sync->ingest, mail->job);
		} else if (mail->ahead != NULL) {
			newest_written(sync, mail->ahead);
		} else {
			take_commit(sync, mail);
		}
		free(mail);
		mail = next;
	}
}

void sync_mail(struct sync *sync, struct mail *mail)
{
	mail->next = NULL;
	(void)pthread_mutex_lock(&sync->mail_lock);
	if (sync->mail_last == NULL) {
		sync->mail_first = mail;
	} else {
		sync->mail_last->next = mail;
	}
	sync->mail_last = mail;
	/* When the loop's queue is full the mail waits for the next one to post. */
	if (!sync->is_mail_posted) {
		sync->is_mail_posted = loop_post(sync->loop, on_mail, sync) == ERR_OK;
	}
	(void)pthread_mutex_unlock(&sync->mail_lock);
}

void sync_on_commit(struct sync *sync, const struct commit *commit)
{
	if (commit->count == 0 && !commit->is_graph_changed && commit->blob_count == 0 &&
		commit->let_go == NULL) {
		return; /* something is shown ahead of its history: no news for peers */
	}
	size_t edge_count = 0;
	for (size_t i = 0; i < commit->count; i++) {
		edge_count += commit->messages[i].is_edge;
	}
	struct mail *mail = malloc(sizeof(*mail) + commit->count * sizeof(mail->stored[0]) +
				   edge_count * sizeof(mail->edges[0]) +
				   commit->blob_count * sizeof(mail->blobs[0]));
	if (mail == NULL) {
		LOG(sync->env, LOG_ERROR, "commit.untold", LOG_NUM("messages", commit->count));
		return;
	}
	mail->job = NULL;
	mail->ahead = NULL;
	mail->is_graph_changed = commit->is_graph_changed;
	mail->has_let_go = commit->let_go != NULL;
	if (mail->has_let_go) {
		mail->let_go = *commit->let_go;
	}
	mail->count = commit->count;
	mail->edges = (struct mail_edge *)(void *)&mail->stored[commit->count];
	mail->edge_count = 0;
	mail->blobs = (struct blob_news *)(void *)&mail->edges[edge_count];
	mail->blob_count = commit->blob_count;
	if (commit->blob_count > 0) {
		memcpy(mail->blobs, commit->blobs, commit->blob_count * sizeof(mail->blobs[0]));
	}
	for (size_t i = 0; i < commit->count; i++) {
		const struct committed *message = &commit->messages[i];
		mail->stored[i].author = message->author;
		mail->stored[i].sequence = message->sequence;
		if (message->is_edge) {
			mail->edges[mail->edge_count++] = (struct mail_edge){
				.from = message->author,
				.to = message->subject,
				.edge = message->edge,
			};
		}
	}
	sync_mail(sync, mail);
}

void sync_on_state(struct sync *sync)
{
	(void)pthread_mutex_lock(&sync->mail_lock);
	sync->is_state_due = true;
	if (!sync->is_mail_posted) {
		sync->is_mail_posted = loop_post(sync->loop, on_mail, sync) == ERR_OK;
	}
	(void)pthread_mutex_unlock(&sync->mail_lock);
}

void sync_greeting(struct sync *sync)
{
	recover_greeting(sync->recover);
}

static void on_link(void *ctx, struct link *link)
{
	peers_accept(ctx, link);
}

static void on_heard(void *ctx, const struct address *address)
{
	struct sync *sync = ctx;
	schedule_heard(sync->schedule, address);
}

static void on_own_key(void *ctx, const struct address *address)
{
	struct sync *sync = ctx;
	twin_heard(sync->twin, address);
}

void sync_set_peers_max(struct sync *sync, unsigned peers_max)
{
	sync->peers_max = peers_max == 0                ? LIMIT_PEERS
			  : peers_max > LIMIT_PEERS_MAX ? LIMIT_PEERS_MAX
							: peers_max;
	if (sync->listener != NULL) {
		listener_set_peers_max(sync->listener, sync->peers_max);
	}
}

static void copy_opts(struct sync *sync, const struct sync_opts *opts)
{
	sync->loop = opts->loop;
	sync->env = loop_env(opts->loop);
	sync->store = opts->store;
	sync->writer = opts->writer;
	sync->blobs = opts->blobs;
	sync->signer = opts->signer;
	sync->self = *signer_id(opts->signer);
	memcpy(sync->network_key, opts->network_key, sizeof(sync->network_key));
	sync->has_hmac_key = opts->hmac_key != NULL;
	if (sync->has_hmac_key) {
		memcpy(sync->hmac_key, opts->hmac_key, sizeof(sync->hmac_key));
	}
	sync->hops_max = opts->hops_max < LIMIT_HOPS_MAX ? opts->hops_max : LIMIT_HOPS_MAX;
	sync_set_peers_max(sync, opts->peers_max);
	sync->on_changed = opts->on_changed;
	sync->ctx = opts->ctx;
}

static enum err make_parts(struct sync *sync, const struct sync_opts *opts)
{
	sync->readers = readers_new(sync->store);
	sync->ready = table_new(sync->env, LIMIT_PEERS_MAX + LIMIT_PEERS);
	sync->by_serial = table_new(sync->env, LIMIT_PEERS_MAX + 2 * LIMIT_PEERS);
	sync->twin = twin_new(sync);
	sync->changed_timer = loop_timer_new(sync->loop, on_changed_due, sync);
	sync->stop_timer = loop_timer_new(sync->loop, on_stop_due, sync);
	if (sync->readers == NULL || sync->ready == NULL || sync->by_serial == NULL ||
		sync->twin == NULL || sync->changed_timer == NULL || sync->stop_timer == NULL) {
		return ERR_NOMEM;
	}
	enum err err = reach_new(sync, &sync->reach);
	if (err == ERR_OK) {
		err = shares_new(sync, &sync->shares);
	}
	if (err == ERR_OK) {
		err = ingest_new(sync, &sync->ingest);
	}
	if (err == ERR_OK) {
		err = newest_new(sync, &sync->newest);
	}
	if (err == ERR_OK) {
		err = missing_new(sync, &sync->missing);
	}
	if (err == ERR_OK) {
		err = wants_new(sync, opts->blobs, &sync->wants);
	}
	if (err == ERR_OK) {
		err = replay_new(sync, &sync->replay);
	}
	if (err == ERR_OK) {
		err = schedule_new(sync, &sync->schedule);
	}
	return err == ERR_OK ? recover_new(sync, &sync->recover) : err;
}

static void start_lan(struct sync *sync, const struct sync_opts *opts)
{
	char why[256] = "";
	struct lan_opts lan = {
		.loop = sync->loop,
		.self = sync->self,
		.network_key = sync->network_key,
		.peer_port = sync_port(sync),
		.beacon_port = opts->beacon_port,
		.on_heard = on_heard,
		.on_own_key = on_own_key,
		.ctx = sync,
	};
	if (opts->is_lan_on && lan_start(&lan, &sync->lan, why, sizeof(why)) != ERR_OK) {
		LOG(sync->env, LOG_WARN, "lan.off", LOG_TEXT("why", why));
	}
}

enum err sync_start(const struct sync_opts *opts, struct sync **out, char *why, size_t why_bytes)
{
	struct sync *sync = calloc(1, sizeof(*sync));
	if (sync == NULL || pthread_mutex_init(&sync->mail_lock, NULL) != 0) {
		free(sync);
		(void)snprintf(why, why_bytes, "There is no memory for connections.");
		return ERR_NOMEM;
	}
	copy_opts(sync, opts);
	/* First of all: a port that is taken ends the start before anything reads in the store. */
	struct listen_opts listen = {.loop = sync->loop,
		.host = opts->host,
		.port = opts->port,
		.handed = opts->handed,
		.peers_max = sync->peers_max,
		.on_link = on_link,
		.ctx = sync};
	enum err err = listener_start(&listen, &sync->listener, why, why_bytes);
	if (err == ERR_OK) {
		sync->port = listener_port(sync->listener);
		err = make_parts(sync, opts);
		if (err != ERR_OK) {
			(void)snprintf(why, why_bytes, "Replication could not be prepared: %s.",
				err_text(err));
			listener_stop(sync->listener);
		}
	}
	if (err != ERR_OK) {
		(void)sync_free(sync); /* nothing runs yet */
		return err;
	}
	start_lan(sync, opts);
	schedule_touch(sync->schedule);
	sync_on_state(sync); /* before the first turn of the loop whoever listens is in place */
	*out = sync;
	return ERR_OK;
}

void sync_stop(struct sync *sync, void (*on_stopped)(void *ctx), void *ctx)
{
	assert(!sync->is_stopping);
	sync->is_stopping = true;
	sync->on_stopped = on_stopped;
	sync->stopped_ctx = ctx;
	listener_stop(sync->listener);
	sync->listener = NULL;
	if (sync->lan != NULL) {
		lan_stop(sync->lan);
		sync->lan = NULL;
	}
	schedule_stop(sync->schedule);
	reach_stop(sync->reach);
	ingest_stop(sync->ingest);
	shares_stop(sync->shares);
	newest_stop(sync->newest);
	missing_stop(sync->missing);
	wants_stop(sync->wants);
	replay_stop(sync->replay);
	recover_stop(sync->recover);
	peers_close_all(sync, "the node is stopping");
	loop_timer_set(sync->stop_timer, sync->jobs == 0 ? 0 : STOP_MS);
}

bool sync_free(struct sync *sync)
{
	if (sync == NULL) {
		return true;
	}
	if (sync->jobs > 0) {
		return false;
	}
	while (sync->mail_first != NULL) {
		struct mail *next = sync->mail_first->next;
		assert(sync->mail_first->job == NULL);
		free(sync->mail_first);
		sync->mail_first = next;
	}
	table_free(sync->ready);
	table_free(sync->by_serial);
	recover_free(sync->recover);
	replay_free(sync->replay);
	twin_free(sync->twin);
	schedule_free(sync->schedule);
	newest_free(sync->newest);
	missing_free(sync->missing);
	wants_free(sync->wants);
	ingest_free(sync->ingest);
	shares_free(sync->shares);
	reach_free(sync->reach);
	readers_free(sync->readers);
	if (sync->changed_timer != NULL) {
		loop_timer_free(sync->changed_timer);
	}
	if (sync->stop_timer != NULL) {
		loop_timer_free(sync->stop_timer);
	}
	(void)pthread_mutex_destroy(&sync->mail_lock);
	free(sync);
	return true;
}

uint16_t sync_port(const struct sync *sync)
{
	return sync->port;
}
