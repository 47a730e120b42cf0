/* Nodes without a web port, for tests of replication. */
#include "lib/nodes.h"

#include "base/log.h"
#include "store/fence.h"

#include "lib/cmocka.h"
#include "lib/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const uint8_t nodes_network_key[32] = {0x6b, 0x69, 0x74, 0x68};

static void on_commit(void *ctx, const struct commit *commit)
{
	struct node *node = ctx;
	struct sync *sync = atomic_load(&node->told);
	if (sync != NULL) {
		sync_on_commit(sync, commit);
	}
}

static void on_state(void *ctx)
{
	struct node *node = ctx;
	struct sync *sync = atomic_load(&node->told);
	if (sync != NULL) {
		sync_on_state(sync);
	}
}

static void on_changed(void *ctx)
{
	struct node *node = ctx;
	(void)atomic_fetch_add(&node->changes, 1);
}

static void *run(void *ctx)
{
	struct node *node = ctx;
	loop_run(node->loop);
	return NULL;
}

static void start_sync(struct node *node)
{
	char why[256] = "";
	const struct sync_opts opts = {
		.loop = node->loop,
		.store = node->store,
		.writer = node->writer,
		.blobs = node->blobs,
		.signer = node->self.signer,
		.network_key = nodes_network_key,
		.host = node->host,
		.port = node->port,
		.hops_max = node->hops_max,
		.peers_max = node->peers_max,
		.on_changed = on_changed,
		.ctx = node,
	};
	if (sync_start(&opts, &node->sync, why, sizeof(why)) != ERR_OK) {
		fail_msg("sync_start: %s", why);
	}
	node->port = sync_port(node->sync);
	atomic_store(&node->told, node->sync);
}

void node_start(struct node *node)
{
	char why[256] = "";
	author_init(&node->self, node->number);
	const struct store_opts opts = {.dir = node->dir, .env = node->env, .self = node->self.id};
	if (store_open(&opts, &node->store, why, sizeof(why)) != ERR_OK) {
		fail_msg("store_open: %s", why);
	}
	const struct writer_opts writer_opts = {.store = node->store,
		.signer = node->self.signer,
		.on_commit = on_commit,
		.on_state = on_state,
		.ctx = node};
	if (writer_start(&writer_opts, &node->writer, why, sizeof(why)) != ERR_OK) {
		fail_msg("writer_start: %s", why);
	}
	assert_int_equal(blobs_start(node->store, node->writer, &node->blobs), ERR_OK);
	assert_int_equal(reader_open(node->store, &node->reader), ERR_OK);
	assert_int_equal(loop_new(node->env, &node->loop), ERR_OK);
	start_sync(node);
	assert_int_equal(pthread_create(&node->thread, NULL, run, node), 0);
}

static void on_stopped(void *ctx)
{
	struct node *node = ctx;
	loop_stop(node->loop);
}

static void stop_sync(void *ctx)
{
	struct node *node = ctx;
	sync_stop(node->sync, on_stopped, node);
}

void node_stop(struct node *node)
{
	assert_int_equal(loop_post(node->loop, stop_sync, node), ERR_OK);
	assert_int_equal(pthread_join(node->thread, NULL), 0);
	atomic_store(&node->told, NULL);
	blobs_stop(node->blobs);
	writer_stop(node->writer);
	assert_true(sync_free(node->sync));
	loop_free(node->loop);
	blobs_free(node->blobs);
	reader_close(node->reader);
	store_close(node->store);
	author_fini(&node->self);
	node->store = NULL;
}

void node_init(struct node *node, unsigned number)
{
	*node = (struct node){
		.number = number, .hops_max = 2, .host = "127.0.0.1", .env = env_system()};
	log_set_level(getenv("NODES_LOG") != NULL ? LOG_DEBUG : LOG_ERROR);
	folder_make(node->dir, sizeof(node->dir), "kith-node");
	struct author self;
	author_init(&self, number);
	assert_int_equal(fence_make_new(NULL, node->dir, &self.id, env_system()), ERR_OK);
	author_fini(&self);
	node_start(node);
}

void node_fini(struct node *node)
{
	if (node->store != NULL) {
		node_stop(node);
	}
	folder_remove(node->dir);
}

struct guard_report node_guard(struct node *node)
{
	struct guard_report report;
	writer_guard(node->writer, &report);
	return report;
}

void node_wait_state(struct node *node, enum fence_state state)
{
	WAIT_UNTIL(node_guard(node).state == state);
}

static void path_of(const struct node *node, const char *name, char path[static 128])
{
	(void)snprintf(path, 128, "%s/%s", node->dir, name);
}

static void copy_file(const char *from, const char *to)
{
	char bytes[1 << 16];
	FILE *in = fopen(from, "rb");
	FILE *out = fopen(to, "wb");
	assert_non_null(in);
	assert_non_null(out);
	for (size_t len = fread(bytes, 1, sizeof(bytes), in); len > 0;
		len = fread(bytes, 1, sizeof(bytes), in)) {
		assert_int_equal(fwrite(bytes, 1, len, out), len);
	}
	assert_int_equal(fclose(in), 0);
	assert_int_equal(fclose(out), 0);
}

static const char *const beside[] = {"kith.db-wal", "kith.db-shm"};

void node_save(const struct node *node)
{
	char path[128];
	char saved[128];
	for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
		path_of(node, beside[i], path);
		assert_int_not_equal(access(path, F_OK), 0); /* all of it is in the one file */
	}
	path_of(node, "kith.db", path);
	path_of(node, "saved", saved);
	copy_file(path, saved);
	path_of(node, "fence", path);
	path_of(node, "saved-fence", saved);
	copy_file(path, saved);
}

void node_restore(const struct node *node, bool with_fence)
{
	char path[128];
	char saved[128];
	path_of(node, "kith.db", path);
	path_of(node, "saved", saved);
	copy_file(saved, path);
	if (with_fence) {
		path_of(node, "fence", path);
		path_of(node, "saved-fence", saved);
		copy_file(saved, path);
	}
}

void node_lose_all(const struct node *node)
{
	char path[128];
	path_of(node, "kith.db", path);
	assert_int_equal(unlink(path), 0);
	path_of(node, "fence", path);
	assert_int_equal(unlink(path), 0);
}

struct publish_result node_publish(struct node *node, const char *format, ...)
{
	char content[8192];
	va_list args;
	va_start(args, format);
	int len = vsnprintf(content, sizeof(content), format, args);
	va_end(args);
	assert_in_range(len, 1, sizeof(content) - 1);
	struct publish_result result;
	const struct publish_request request = {.content = span_of(content, (size_t)len)};
	if (writer_publish(node->writer, &request, &result) != ERR_OK) {
		fail_msg("publish: %s", result.why);
	}
	return result;
}

void node_contact(struct node *node, const struct feed_id *who, enum contact_edge edge)
{
	char text[FEED_ID_TEXT_BYTES];
	feed_id_format(who, text);
	(void)node_publish(node, "{\"type\":\"contact\",\"contact\":\"%s\",\"%s\":%s}", text,
		edge == EDGE_BLOCK ? "blocking" : "following",
		edge == EDGE_NEITHER ? "false" : "true");
}

struct wait {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool is_done;
};

static void on_appended(void *ctx, struct append_job *job)
{
	struct wait *wait = ctx;
	(void)pthread_mutex_lock(&wait->lock);
	assert_int_equal(job->err, ERR_OK);
	append_job_free(job);
	wait->is_done = true;
	(void)pthread_cond_signal(&wait->cond);
	(void)pthread_mutex_unlock(&wait->lock);
}

void node_append(struct node *node, struct message **messages, size_t count)
{
	struct wait wait = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
	struct append_job *job = append_job_new(count);
	assert_non_null(job);
	memcpy(job->messages, messages, count * sizeof(struct message *));
	job->count = count;
	job->on_done = on_appended;
	job->ctx = &wait;
	assert_int_equal(writer_append(node->writer, job), ERR_OK);
	(void)pthread_mutex_lock(&wait.lock);
	while (!wait.is_done) {
		(void)pthread_cond_wait(&wait.cond, &wait.lock);
	}
	(void)pthread_mutex_unlock(&wait.lock);
}

struct address node_address(const struct node *node)
{
	struct address address = {.port = node->port, .key = node->self.id};
	(void)snprintf(address.host, sizeof(address.host), "127.0.0.1");
	return address;
}

enum err node_try(struct node *from, const struct node *to, char *why)
{
	struct address address = node_address(to);
	return sync_connect(from->sync, &address, 20000, why, 256);
}

void node_connect(struct node *from, const struct node *to)
{
	char why[256] = "";
	if (node_try(from, to, why) != ERR_OK) {
		fail_msg("sync_connect: %s", why);
	}
}

void nodes_nap(void)
{
	(void)usleep(5000);
}

uint64_t node_head(struct node *node, const struct feed_id *feed)
{
	struct chain_head head = {0};
	enum err err = reader_head(node->reader, feed, &head);
	assert_true(err == ERR_OK || err == ERR_NOT_FOUND);
	return head.sequence;
}

void node_wait(struct node *node, const struct feed_id *feed, uint64_t sequence)
{
	WAIT_UNTIL(node_head(node, feed) >= sequence);
}

bool node_is_connected(struct node *node, const struct feed_id *id)
{
	struct peer_row *rows = NULL;
	size_t count = 0;
	bool is_connected = false;
	assert_int_equal(sync_peers(node->sync, &rows, &count), ERR_OK);
	for (size_t i = 0; i < count; i++) {
		is_connected = is_connected || (rows[i].state == PEER_STATE_CONNECTED &&
						       feed_id_equal(&rows[i].id, id));
	}
	free(rows);
	return is_connected;
}

void node_wait_peer(struct node *node, const struct feed_id *id, bool is_connected)
{
	WAIT_UNTIL(node_is_connected(node, id) == is_connected);
}

struct sync_figures node_figures(struct node *node)
{
	struct sync_figures figures;
	/* What a reader sees is told to the loop a moment later: behind a further job it was. */
	assert_int_equal(writer_flush(node->writer), ERR_OK);
	assert_int_equal(sync_figures(node->sync, &figures), ERR_OK);
	return figures;
}

static bool take(void *ctx, const struct stored *stored)
{
	assert_int_equal(buf_append(ctx, stored->compact), ERR_OK);
	return true;
}

void nodes_agree(struct node *one, struct node *two, const struct feed_id *feed)
{
	struct buf a = BUF_INIT(64 << 20);
	struct buf b = BUF_INIT(64 << 20);
	assert_int_equal(reader_feed(one->reader, feed, 1, SIZE_MAX / 2, take, &a), ERR_OK);
	assert_int_equal(reader_feed(two->reader, feed, 1, SIZE_MAX / 2, take, &b), ERR_OK);
	assert_true(a.len > 0 && span_equal(buf_span(&a), buf_span(&b)));
	buf_fini(&a);
	buf_fini(&b);
}
