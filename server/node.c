/*
 * A node: lock, doors and cage; then, once per life, key, store, writer, loop, sync, api come up in
 * this order and go down in the reverse one. A life without a key has only loop and api. Commits
 * are announced on the writer thread to sync and api, which queue them; changes of the connections
 * on the loop thread to api.
 */
#include "node_inside.h"

#include "api/api.h"
#include "api/session.h"
#include "api/uploads.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "cage.h"
#include "config/config.h"
#include "net/loop.h"
#include "store/blobs.h"
#include "store/ceiling.h"
#include "store/nightly.h"
#include "store/password.h"
#include "store/private.h"
#include "store/secret.h"
#include "store/writer.h"
#include "sync/sync.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	NODE_PATH_BYTES = 4096,
	NODE_LINK_BYTES = PLACE_LINK_BYTES,
	NODE_LOCK_TRIES = 60,
	NODE_LOCK_WAIT_MS = 50
};

static void on_commit(void *ctx, const struct commit *commit)
{
	struct node *node = ctx;
	(void)pthread_mutex_lock(&node->tell);
	if (node->sync != NULL) {
		sync_on_commit(node->sync, commit);
	}
	if (node->book != NULL) {
		private_on_commit(node->book, commit);
	}
	if (node->api != NULL) {
		api_on_commit(node->api, commit);
	}
	(void)pthread_mutex_unlock(&node->tell);
}

/* Publishing is paused or goes on, or a backup's job does. */
static void on_state(void *ctx)
{
	struct node *node = ctx;
	(void)pthread_mutex_lock(&node->tell);
	if (node->sync != NULL) {
		sync_on_state(node->sync);
	}
	if (node->api != NULL) {
		api_on_state(node->api);
	}
	(void)pthread_mutex_unlock(&node->tell);
}

static void on_outbox(void *ctx, const struct outbox_news *news)
{
	struct node *node = ctx;
	(void)pthread_mutex_lock(&node->tell);
	if (node->api != NULL) {
		api_on_outbox(node->api, news);
	}
	(void)pthread_mutex_unlock(&node->tell);
}

static void on_private(void *ctx, const struct private_news *news)
{
	struct node *node = ctx;
	(void)pthread_mutex_lock(&node->tell);
	if (node->api != NULL) {
		api_on_private(node->api, news);
	}
	(void)pthread_mutex_unlock(&node->tell);
}

static void on_sync_changed(void *ctx)
{
	struct node *node = ctx;
	(void)pthread_mutex_lock(&node->tell);
	if (node->api != NULL) {
		api_on_sync_changed(node->api);
	}
	(void)pthread_mutex_unlock(&node->tell);
}

/* From here on the writer and the loop thread may tell `sync` and `api`; NULL: no longer. */
static void set_listeners(struct node *node, struct sync *sync, struct api *api)
{
	(void)pthread_mutex_lock(&node->tell);
	node->sync = sync;
	node->api = api;
	(void)pthread_mutex_unlock(&node->tell);
}

static void on_sync_stopped(void *ctx)
{
	struct node *node = ctx;
	loop_stop(node->loop);
}

/* Loop thread. What sync began ends on the loop, before anything it points to goes. */
void node_end_life(void *ctx)
{
	struct node *node = ctx;
	if (node->is_stopping) {
		return;
	}
	node->is_stopping = true;
	if (node->sync != NULL) {
		sync_stop(node->sync, on_sync_stopped, node);
	} else {
		loop_stop(node->loop);
	}
}

void node_set_next_key(struct node *node, struct key *key, bool is_replacing)
{
	(void)pthread_mutex_lock(&node->tell);
	node->is_over = node->is_over || key == NULL;
	key_free(node->next_key);
	node->next_key = node->is_over ? NULL : key;
	node->is_replacing = is_replacing;
	if (node->is_over) {
		key_free(key);
	}
	(void)pthread_mutex_unlock(&node->tell);
}

/* A thread of the api. */
static void on_key(void *ctx, struct key *key, enum api_key why)
{
	struct node *node = ctx;
	node_set_next_key(node, key, why == API_KEY_REPLACED);
	node_end_life_soon(node);
}

static enum err load_or_make_key(
	const struct node_opts *opts, struct key **out, char *why, size_t why_bytes)
{
	enum err err = config_load_key(opts->dir, out, why, why_bytes);
	if (err != ERR_NOT_FOUND) {
		return err;
	}
	err = config_may_make_key(opts->dir, why, why_bytes);
	if (err != ERR_OK) {
		return err;
	}
	err = key_generate(out);
	if (err != ERR_OK) {
		(void)snprintf(why, why_bytes, "cannot make a key: %s", err_text(err));
		return err;
	}
	err = config_save_key(opts->dir, *out, why, why_bytes);
	if (err == ERR_OK) {
		err = config_save_fence(opts->dir, key_id(*out), why, why_bytes);
	}
	if (err != ERR_OK) {
		key_free(*out);
		*out = NULL;
	}
	return err;
}

/* A command that found no node holds the lock for the moment of its work: wait that long for it. */
static enum err lock_dir(const char *dir, int *lock)
{
	const struct timespec rest = {.tv_nsec = NODE_LOCK_WAIT_MS * 1000000L};
	enum err err = file_lock_dir(dir, lock);
	for (int i = 0; i < NODE_LOCK_TRIES && err == ERR_BUSY; i++) {
		(void)nanosleep(&rest, NULL);
		err = file_lock_dir(dir, lock);
	}
	return err;
}

/* Where the page is, and whether it may be there. */
static enum err find_place(struct node *node, char *why, size_t why_bytes)
{
	const struct node_opts *opts = node->opts;
	const struct place_opts place = {.http_host = opts->http_host,
		.public_url = opts->public_url,
		.trusted_proxies = opts->trusted_proxies};
	enum err err = place_read(&place, &node->place, why, why_bytes);
	return err != ERR_OK
		       ? err
		       : place_may_open(&node->place, password_is_set(opts->dir), why, why_bytes);
}

/* What all lives share. */
static enum err open_doors(struct node *node, char *why, size_t why_bytes)
{
	const struct node_opts *opts = node->opts;
	struct buf socket_path = BUF_INIT(NODE_PATH_BYTES);
	(void)snprintf(why, why_bytes, "the path of the data directory is too long");
	enum err err = config_path(opts->dir, "api.sock", &socket_path);
	if (err == ERR_OK) {
		err = find_place(node, why, why_bytes);
	}
	if (err == ERR_OK) {
		const char *host = node->place.http_host;
		const struct bind_opts bind = {.host = host[0] == '\0' ? NULL : host,
			.handed = &node->handed,
			.may_be_beyond = true,
			.port = opts->http_port,
			.socket_path = (const char *)socket_path.at};
		err = bind_doors_open(&bind, &node->doors, why, why_bytes);
	}
	if (err == ERR_OK) {
		knock_at(&node->knock, &node->doors);
	}
	if (err == ERR_OK) {
		(void)snprintf(why, why_bytes, "there is no memory");
		err = sessions_new(&(struct session_opts){.env = opts->env}, &node->sessions);
	}
	buf_fini(&socket_path);
	return err;
}

static enum err open_dir(struct node *node, char *why, size_t why_bytes)
{
	enum err err = file_make_dir(node->opts->dir);
	if (err != ERR_OK) {
		(void)snprintf(why, why_bytes, "cannot make the data directory %s: %s",
			node->opts->dir, err == ERR_IO ? strerror(errno) : err_text(err));
		return err;
	}
	err = lock_dir(node->opts->dir, &node->lock);
	if (err != ERR_OK) {
		(void)snprintf(why, why_bytes,
			err == ERR_BUSY ? "another kith is using %s"
					: "cannot lock the data directory %s: may you write there?",
			node->opts->dir);
		return err;
	}
	secret_tidy(node->opts->dir);
	return open_doors(node, why, why_bytes);
}

/* The folder of the backups is made here: inside nobody could make it elsewhere. When it cannot be
 * made, the first backup says so. */
static enum err close_cage(struct node *node, char *why, size_t why_bytes)
{
	const struct node_opts *opts = node->opts;
	const char *const writable[] = {opts->dir, opts->backup_dir, NULL};
	const char *const readable[] = {opts->web_dir, NULL};
	if (opts->backup_dir != NULL) {
		(void)!file_make_dir(opts->backup_dir);
	}
	const struct cage_opts cage_opts = {
		.writable = writable, .readable = readable, .conf = opts->conf_path};
	return cage_close(&cage_opts, &node->cage, why, why_bytes);
}

/* The key that waits for this life, or the one in the directory. */
static enum err take_key(struct node *node, struct key **out, char *why, size_t why_bytes)
{
	const struct node_opts *opts = node->opts;
	(void)pthread_mutex_lock(&node->tell);
	struct key *key = node->next_key;
	bool is_replacing = node->is_replacing;
	node->next_key = NULL;
	(void)pthread_mutex_unlock(&node->tell);
	if (key != NULL && is_replacing &&
		secret_replace(opts->dir, key, env_wall_ms(opts->env), why, why_bytes) != ERR_OK) {
		LOG(opts->env, LOG_ERROR, "node.key_not_replaced", LOG_TEXT("why", why));
		key_free(key);
		key = NULL;
	}
	if (key == NULL) {
		return load_or_make_key(opts, out, why, why_bytes);
	}
	*out = key;
	return ERR_OK;
}

static enum err open_identity(struct node *node, char *why, size_t why_bytes)
{
	struct key *key = NULL;
	enum err err = take_key(node, &key, why, why_bytes);
	if (err != ERR_OK) {
		node->is_locked = err == ERR_LOCKED;
		return err;
	}
	node->self = *key_id(key);
	err = signer_new(key, node->opts->hmac_key, &node->signer);
	if (err != ERR_OK) {
		key_free(key);
		(void)snprintf(why, why_bytes, "cannot use the key: %s", err_text(err));
	}
	return err;
}

static enum err open_store(struct node *node, char *why, size_t why_bytes)
{
	const struct store_opts store_opts = {.dir = node->opts->dir,
		.env = node->opts->env,
		.self = node->self,
		.progress = {.on_progress = node_on_progress, .ctx = node}};
	struct writer_opts writer_opts = {.signer = node->signer,
		.on_commit = on_commit,
		.on_state = on_state,
		.on_outbox = on_outbox,
		.ctx = node};
	enum err err = store_open(&store_opts, &node->store, why, why_bytes);
	if (err == ERR_OK) {
		writer_opts.store = node->store;
		err = writer_start(&writer_opts, &node->writer, why, why_bytes);
	}
	if (err == ERR_OK) {
		err = blobs_start(node->store, node->writer, &node->blobs);
		(void)snprintf(why, why_bytes, "the folder %s/blobs cannot be used: %s",
			node->opts->dir, err_text(err));
	}
	/* What was signed and not stored waits in the fence; a start stores it, or is none. */
	if (err == ERR_DISK_FULL) {
		(void)snprintf(why, why_bytes,
			"the disk is full, so the node cannot start in %s. Nothing is lost: make "
			"some room there and start it again.",
			node->opts->dir);
	}
	return err;
}

static void set_book(struct node *node, struct private_book *book)
{
	(void)pthread_mutex_lock(&node->tell);
	node->book = book;
	(void)pthread_mutex_unlock(&node->tell);
}

static enum err start_book(struct node *node, char *why, size_t why_bytes)
{
	const struct private_opts opts = {.store = node->store,
		.writer = node->writer,
		.signer = node->signer,
		.on_news = on_private,
		.ctx = node};
	struct private_book *book = NULL;
	enum err err = private_start(&opts, &book);
	if (err == ERR_OK) {
		set_book(node, book);
	} else {
		(void)snprintf(why, why_bytes, "private words cannot be read: %s", err_text(err));
	}
	return err;
}

static struct node_live live_of(struct node *node)
{
	(void)pthread_mutex_lock(&node->tell);
	struct node_live live = node->live;
	(void)pthread_mutex_unlock(&node->tell);
	return live;
}

static enum err start_nightly(struct node *node, char *why, size_t why_bytes)
{
	const struct nightly_opts opts = {.store = node->store,
		.writer = node->writer,
		.signer = node->signer,
		.dir = node->opts->backup_dir,
		.is_by_request_only = live_of(node).is_backup_off,
		.check_after_ms = LIMIT_CHECK_AFTER_MS,
		.on_changed = on_state,
		.ctx = node};
	return nightly_start(&opts, &node->nightly, why, why_bytes);
}

/* Files for something that was never posted. */
static void on_quiet(void *ctx, atomic_bool *is_stopping)
{
	const struct node *node = ctx;
	const struct uploads_opts opts = {.store = node->store,
		.writer = node->writer,
		.blobs = node->blobs,
		.signer = node->signer,
		.book = node->book,
		.self = node->self,
		.is_stopping = is_stopping};
	uploads_tidy(&opts);
}

static enum err start_ceiling(struct node *node, char *why, size_t why_bytes)
{
	const struct ceiling_opts opts = {.store = node->store,
		.writer = node->writer,
		.blobs = node->blobs,
		.copies = node->opts->backup_dir,
		.on_quiet = on_quiet,
		.ctx = node};
	enum err err = ceiling_start(&opts, &node->ceiling);
	if (err != ERR_OK) {
		(void)snprintf(why, why_bytes, "cannot measure what the node takes of the disk: %s",
			err_text(err));
	}
	return err;
}

static enum err start_loop(struct node *node, char *why, size_t why_bytes)
{
	struct loop *loop = NULL;
	enum err err = loop_new(node->opts->env, &loop);
	if (err != ERR_OK) {
		(void)snprintf(why, why_bytes, "cannot start the event loop: %s", err_text(err));
	}
	(void)pthread_mutex_lock(&node->tell);
	node->loop = loop;
	(void)pthread_mutex_unlock(&node->tell);
	return err;
}

static enum err start_sync(struct node *node, char *why, size_t why_bytes)
{
	const struct node_opts *opts = node->opts;
	const struct sync_opts sync_opts = {
		.loop = node->loop,
		.store = node->store,
		.writer = node->writer,
		.blobs = node->blobs,
		.signer = node->signer,
		.network_key = opts->network_key,
		.hmac_key = opts->hmac_key,
		.host = opts->host == NULL ? "::" : opts->host,
		.port = node->port,
		.handed = &node->handed,
		.hops_max = opts->hops_max,
		.peers_max = live_of(node).peers_max,
		.is_lan_on = opts->is_lan_on,
		.beacon_port = opts->beacon_port,
		.on_changed = on_sync_changed,
		.ctx = node,
	};
	struct sync *sync = NULL;
	enum err err = sync_start(&sync_opts, &sync, why, why_bytes);
	if (err == ERR_OK) {
		node->port = sync_port(sync);
		set_listeners(node, sync, NULL);
	}
	return err;
}

static enum err start_api(struct node *node, char *why, size_t why_bytes)
{
	const struct node_opts *opts = node->opts;
	const struct api_opts api_opts = {
		.env = opts->env,
		.is_locked = node->is_locked,
		.dir = opts->dir,
		.store = node->store,
		.writer = node->writer,
		.blobs = node->blobs,
		.sync = node->sync,
		.ceiling = node->ceiling,
		.nightly = node->nightly,
		.signer = node->signer,
		.book = node->book,
		.self = node->self,
		.web_dir = opts->web_dir,
		.peer_host = opts->host,
		.public_url = opts->public_url,
		.trusted_proxies = opts->trusted_proxies,
		.http_host = opts->http_host,
		.doors = &node->doors,
		.sessions = node->sessions,
		.on_key = on_key,
		.ctx = node,
	};
	struct api *api = NULL;
	enum err err = api_start(&api_opts, &api, why, why_bytes);
	if (err == ERR_OK) {
		set_listeners(node, node->sync, api);
	}
	return err;
}

static void make_link(struct node *node, char link[static NODE_LINK_BYTES])
{
	char code[33];
	api_new_code(node->api, code);
	place_link(&node->place, api_port(node->api), code, link);
}

static void tell_locked(struct node *node)
{
	char link[NODE_LINK_BYTES];
	cage_tell(&node->cage, node->opts->env);
	make_link(node, link);
	LOG(node->opts->env, LOG_INFO, "node.locked", LOG_NUM("http_port", api_port(node->api)));
	if (node->opts->on_locked != NULL) {
		node->opts->on_locked(node->opts->ctx, link);
	}
}

static void tell_ready(struct node *node)
{
	char link[NODE_LINK_BYTES];
	char key[BASE64_BYTES(ID_BYTES) + 1];
	char address[NODE_LINK_BYTES];
	cage_tell(&node->cage, node->opts->env);
	make_link(node, link);
	key[base64_encode(span_of(node->self.at, ID_BYTES), key)] = '\0';
	const char *host = node->opts->host == NULL ? "localhost" : node->opts->host;
	(void)snprintf(
		address, sizeof(address), "net:%s:%u~shs:%s", host, sync_port(node->sync), key);
	LOG(node->opts->env, LOG_INFO, "node.ready", LOG_NUM("peer_port", sync_port(node->sync)),
		LOG_NUM("http_port", api_port(node->api)));
	if (node->opts->on_ready != NULL) {
		node->opts->on_ready(node->opts->ctx, link, address);
	}
}

/* Nobody asks these any more. */
static void forget_parts(struct node *node)
{
	(void)pthread_mutex_lock(&node->tell);
	node->is_alive = false;
	node->loop = NULL;
	node->writer = NULL;
	(void)pthread_mutex_unlock(&node->tell);
}

/* Also after a start that failed half-way. */
static void close_life(struct node *node)
{
	struct sync *sync = node->sync;
	struct api *api = node->api;
	struct loop *loop = node->loop;
	struct writer *writer = node->writer;
	node_close_lobby(node);
	forget_parts(node);
	set_listeners(node, sync, NULL);
	if (api != NULL) {
		api_stop(api);
	}
	if (node->next_key == NULL) {
		/* The last life: who asks now finds nobody, instead of waiting for an answer. */
		bind_doors_close(&node->doors);
	}
	set_listeners(node, NULL, NULL);
	nightly_stop(node->nightly);
	ceiling_stop(node->ceiling);
	node->ceiling = NULL;
	blobs_stop(node->blobs);
	struct private_book *book = node->book;
	set_book(node, NULL);
	private_stop(book);
	if (writer != NULL) {
		writer_stop(writer);
	}
	if (sync_free(sync)) {
		loop_free(loop);
		blobs_free(node->blobs);
		if (node->store != NULL) {
			store_close(node->store);
		}
		signer_free(node->signer);
	} else {
		/* A worker is at it still, with all of these: they are given up, not freed. */
		LOG(node->opts->env, LOG_WARN, "node.left_behind", LOG_TEXT("what", "a job"));
		store_settle(node->store);
	}
	node->nightly = NULL;
	node->blobs = NULL;
	node->store = NULL;
	node->signer = NULL;
	node->is_locked = false;
	node->is_stopping = false;
}

static enum err live_locked(struct node *node, char *why, size_t why_bytes)
{
	enum err err = start_loop(node, why, why_bytes);
	if (err == ERR_OK) {
		err = start_api(node, why, why_bytes);
	}
	if (err == ERR_OK) {
		tell_locked(node);
		node_run_life(node, "waiting for the passphrase of the key");
	}
	return err;
}

static enum err live(struct node *node, char *why, size_t why_bytes)
{
	enum err err = open_store(node, why, why_bytes);
	node_close_lobby(node);
	if (err == ERR_TIMEOUT && node_is_over(node)) {
		return ERR_OK; /* it was told to stop, and changed nothing */
	}
	if (err == ERR_OK) {
		err = start_book(node, why, why_bytes);
	}
	if (err == ERR_OK) {
		err = start_nightly(node, why, why_bytes);
	}
	if (err == ERR_OK) {
		err = start_ceiling(node, why, why_bytes);
	}
	if (err == ERR_OK) {
		err = start_loop(node, why, why_bytes);
	}
	if (err == ERR_OK) {
		err = start_sync(node, why, why_bytes);
	}
	if (err == ERR_OK) {
		err = start_api(node, why, why_bytes);
	}
	if (err == ERR_OK) {
		tell_ready(node);
		node_run_life(node, "serving");
	} else if (node->sync != NULL) {
		node_end_life(node);
		loop_run(node->loop);
	}
	return err;
}

static void live_on(struct node *node, enum err *err, char *why, size_t why_bytes)
{
	bool is_last = false;
	while (!is_last) {
		*err = open_identity(node, why, why_bytes);
		if (*err == ERR_OK) {
			*err = live(node, why, why_bytes);
		} else if (node->is_locked) {
			*err = live_locked(node, why, why_bytes);
		}
		close_life(node);
		is_last = *err != ERR_OK || node->next_key == NULL;
	}
}

enum err node_run(const struct node_opts *opts, char *why, size_t why_bytes)
{
	struct node node = {.opts = opts,
		.lock = -1,
		.doors = {.v4 = -1, .v6 = -1, .path = -1},
		.port = opts->port,
		.live = opts->live,
		.next_key = opts->key,
		.tell = PTHREAD_MUTEX_INITIALIZER};
	handed_open(&node.handed, HANDED_FIRST);
	loop_size_pool();
	keeper_block();
	memory_init(opts->memory_max);
	enum err err = node_make_keeper(&node, why, why_bytes);
	if (err == ERR_OK) {
		err = open_dir(&node, why, why_bytes);
	}
	if (err == ERR_OK && opts->is_caged) {
		err = close_cage(&node, why, why_bytes); /* there is no other thread yet */
	}
	if (err == ERR_OK) {
		err = keeper_start(node.keeper);
	}
	if (err == ERR_OK) {
		live_on(&node, &err, why, why_bytes);
	}
	keeper_stop(node.keeper);
	key_free(node.next_key);
	sessions_free(node.sessions);
	bind_doors_close(&node.doors);
	handed_close(&node.handed);
	if (node.lock >= 0) {
		(void)close(node.lock);
	}
	return err;
}
