/*
 * How a node is watched from outside: signals, the service manager's questions, and what answers at
 * the doors while a start takes its time.
 */
#include "node_inside.h"

#include "base/log.h"
#include "net/loop.h"
#include "store/nightly.h"
#include "sync/sync.h"

#include <signal.h>
#include <stdio.h>

enum { WHY_BYTES = 256 };

bool node_is_over(struct node *node)
{
	(void)pthread_mutex_lock(&node->tell);
	bool is = node->is_over;
	(void)pthread_mutex_unlock(&node->tell);
	return is;
}

void node_end_life_soon(struct node *node)
{
	(void)pthread_mutex_lock(&node->tell);
	node->is_alive = false;
	if (node->loop != NULL) {
		(void)!loop_post(
			node->loop, node_end_life, node); /* refused: it is ending already */
	}
	(void)pthread_mutex_unlock(&node->tell);
}

/* The keeper's thread, as the next three. */
static void on_stop(void *ctx, int signal)
{
	struct node *node = ctx;
	(void)signal;
	node_set_next_key(node, NULL, false);
	node_end_life_soon(node);
}

/* Loop thread, in a life that is up. */
static void apply_live(void *ctx)
{
	struct node *node = ctx;
	(void)pthread_mutex_lock(&node->tell);
	struct node_live live = node->live;
	(void)pthread_mutex_unlock(&node->tell);
	if (node->sync != NULL && !node->is_stopping) {
		sync_set_peers_max(node->sync, live.peers_max);
	}
	if (node->nightly != NULL) {
		nightly_set_by_itself(node->nightly, !live.is_backup_off);
	}
}

static void on_hangup(void *ctx)
{
	struct node *node = ctx;
	struct node_live live = {.is_backup_off = false};
	enum node_hangup what = node->opts->on_hangup == NULL
					? NODE_HANGUP_NOTHING
					: node->opts->on_hangup(node->opts->ctx, &live);
	if (what == NODE_HANGUP_STOP) {
		on_stop(node, SIGHUP);
	} else if (what == NODE_HANGUP_LIVE) {
		(void)pthread_mutex_lock(&node->tell);
		node->live = live; /* a life that begins later takes it from here */
		if (node->loop != NULL && node->is_alive) {
			(void)!loop_post(node->loop, apply_live, node);
		}
		(void)pthread_mutex_unlock(&node->tell);
	}
}

static void loop_answers(void *ctx)
{
	struct node *node = ctx;
	keeper_answered(node->keeper, KEEPER_LOOP);
}

static void writer_answers(void *ctx)
{
	struct node *node = ctx;
	keeper_answered(node->keeper, KEEPER_WRITER);
}

/* Where strangers fill the port a knock may go unheard; its threads are well then unless one of
 * them is at a request for good. */
static bool web_answers(struct node *node)
{
	enum knock_heard heard = knock_web(&node->knock, LIMIT_KNOCK_MS);
	(void)pthread_mutex_lock(&node->tell);
	bool is_well = node->api == NULL || api_is_well(node->api);
	(void)pthread_mutex_unlock(&node->tell);
	return heard == KNOCK_GOOD || (heard == KNOCK_SILENT && is_well);
}

static bool ask(void *ctx, enum keeper_part part)
{
	struct node *node = ctx;
	enum err err = ERR_OK;
	(void)pthread_mutex_lock(&node->tell);
	bool is_there = node->is_alive && (part != KEEPER_WRITER || node->writer != NULL);
	if (is_there && part == KEEPER_LOOP) {
		err = loop_post(node->loop, loop_answers, node);
	} else if (is_there && part == KEEPER_WRITER) {
		err = writer_ping(node->writer, writer_answers, node);
	}
	(void)pthread_mutex_unlock(&node->tell);
	if (is_there && part == KEEPER_WEB && web_answers(node)) {
		keeper_answered(node->keeper, KEEPER_WEB);
	}
	return is_there && err != ERR_CLOSED;
}

static void open_lobby(struct node *node)
{
	char why[WHY_BYTES];
	const struct api_opts api_opts = {
		.env = node->opts->env,
		.is_locked = true,
		.starting = &node->starting,
		.dir = node->opts->dir,
		.web_dir = node->opts->web_dir,
		.http_host = node->opts->http_host,
		.public_url = node->opts->public_url,
		.trusted_proxies = node->opts->trusted_proxies,
		.doors = &node->doors,
		.sessions = node->sessions,
	};
	if (api_start(&api_opts, &node->lobby, why, sizeof(why)) != ERR_OK) {
		/* Who asks waits for the end of the start, as at any other. */
		LOG(node->opts->env, LOG_WARN, "node.no_lobby", LOG_TEXT("why", why));
		node->lobby = NULL;
	}
}

void node_close_lobby(struct node *node)
{
	api_stop(node->lobby);
	node->lobby = NULL;
}

/* The database is brought up to date, which may take minutes. */
bool node_on_progress(void *ctx, int per_mille)
{
	struct node *node = ctx;
	atomic_store(&node->starting.is_migrating, true);
	atomic_store(&node->starting.done, per_mille);
	if (node->lobby == NULL) {
		LOG(node->opts->env, LOG_INFO, "node.migrating", LOG_NUM("per_mille", per_mille));
		open_lobby(node);
	}
	keeper_is_starting(node->keeper, "bringing the database up to date");
	return !node_is_over(node);
}

/* Everything is up: from here on it is watched. A signal that came before there was a loop ends it
 * at its first turn. */
void node_run_life(struct node *node, const char *status)
{
	keeper_ready(node->keeper, status);
	(void)pthread_mutex_lock(&node->tell);
	node->is_alive = !node->is_over;
	bool is_over = node->is_over;
	(void)pthread_mutex_unlock(&node->tell);
	if (is_over) {
		node_end_life_soon(node);
	}
	loop_run(node->loop);
}

enum err node_make_keeper(struct node *node, char *why, size_t why_bytes)
{
	const struct keeper_opts opts = {.env = node->opts->env,
		.on_stop = on_stop,
		.on_hangup = on_hangup,
		.ask = ask,
		.ctx = node};
	(void)snprintf(why, why_bytes, "there is no memory");
	return keeper_new(&opts, &node->keeper);
}
