/*
 * Starting and stopping in the order of server/node.c. The writer is stepped: after each turn of
 * the loop, and when it asked for it, a step of it is due a moment of chance later, as if its
 * thread had woken up then. A process that dies is taken down like one that stops, only that the
 * world has cut it off before: what it still writes goes to a disk nobody reads, what it says
 * nobody hears.
 */
#include "sim/node.h"

#include "sim/judge.h"
#include "store/fence.h"
#include "sync/core.h"
#include "sync/ingest.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { WRITER_US_MAX = 1500 };
#define NODE_DIR "/node"

const uint8_t node_network_key[32] = {0xd4, 0xa1, 0xcb, 0x88, 0xa6, 0x6f, 0x02, 0xf8, 0xdb, 0x63,
	0x5c, 0xe2, 0x64, 0x41, 0xcc, 0x5d, 0xac, 0x1b, 0x08, 0x42, 0x0c, 0xea, 0xac, 0x23, 0x08,
	0x39, 0xb7, 0x55, 0x84, 0x5a, 0x9f, 0xfb};

bool node_is_alive(const struct node *node)
{
	return node->life != NODE_DOWN && !node->is_dying && !disk_is_dead(node->disk);
}

/* The writer. */

static void plan_writer(struct node *node)
{
	bool is_soon = event_is_set(&node->writer_event) &&
		       node->writer_event.at_us <= world.now_us + WRITER_US_MAX;
	if (node->writer != NULL && !is_soon) {
		event_set(&node->writer_event, dice_between(DICE_WORK, 1, WRITER_US_MAX));
	}
}

static void run_writer(struct node *node)
{
	struct host *before = host_now;
	host_now = &node->host;
	while (writer_step(node->writer)) {
	}
	host_now = before;
}

static void on_writer(void *ctx)
{
	struct node *node = ctx;
	run_writer(node);
	if (node_bury(node)) {
		return;
	}
	int64_t due_ms = writer_due_ms(node->writer);
	if (due_ms != INT64_MAX) {
		int64_t left_ms = due_ms - env_mono_ms(&node->host.env);
		event_set(&node->writer_event, left_ms <= 0 ? WRITER_US_MAX : left_ms * MILLI_US);
	}
}

static void on_turn(void *ctx)
{
	struct node *node = ctx;
	plan_writer(node);
	judge_turn(node);
}

static void on_commit(void *ctx, const struct commit *commit)
{
	struct node *node = ctx;
	if (node->sync != NULL) {
		sync_on_commit(node->sync, commit);
	}
	judge_commit(node, commit);
}

static void on_state(void *ctx)
{
	struct node *node = ctx;
	if (node->sync != NULL) {
		sync_on_state(node->sync);
	}
	judge_state(node);
}

/* What a killed process leaves: its disk as it is now. */
static void dig(struct node *node)
{
	node->grave = disk_new();
	disk_copy(node->grave, node->disk);
	disk_place(node->grave, 1, node->place);
}

/* kill -9 between two steps of publishing: what is written is written, the rest never was. */
static void on_step(void *ctx, enum writer_step step)
{
	struct node *node = ctx;
	if (node->die_at == (int)step && node_is_alive(node)) {
		node->die_at = -1;
		trace("%u is killed behind step %d", node->host.number, (int)step);
		node->is_dying = true;
		dig(node);
	}
}

static void on_log(void *ctx, enum log_level level, const char *line)
{
	const struct node *node = ctx;
	(void)level;
	if (world.is_verbose) {
		(void)printf("           %u| %s\n", node->host.number, line);
	}
}

/* Life. */

void node_init(struct node *node, unsigned number, unsigned person)
{
	*node = (struct node){.person = person, .is_lan_on = true, .die_at = -1};
	host_init(&node->host, number);
	node->host.on_turn = on_turn;
	node->host.on_log = on_log;
	node->host.ctx = node;
	node->writer_event = (struct event){.fn = on_writer, .ctx = node};
	node->disk = disk_new();
	node->place = number + 1;
	disk_place(node->disk, 1, node->place);
}

static void close_all(struct node *node)
{
	event_clear(&node->writer_event);
	writer_stop(node->writer);
	if (node->sync != NULL) {
		bool is_freed = sync_free(node->sync);
		assert(is_freed);
		(void)is_freed;
	}
	reader_close(node->reader);
	loop_free(node->host.loop);
	store_close(node->store);
	signer_free(node->signer);
	node->sync = NULL;
	node->writer = NULL;
	node->host.loop = NULL;
	node->store = NULL;
	node->signer = NULL;
	node->reader = NULL;
	node->life = NODE_DOWN;
}

static enum err open_store(struct node *node, char *why, size_t why_bytes)
{
	const struct store_opts store_opts = {.dir = NODE_DIR,
		.env = &node->host.env,
		.self = *ledger_id(node->person),
		.vfs = disk_vfs(node->disk)};
	const struct writer_opts opts = {.signer = ledger_signer(node->person),
		.on_commit = on_commit,
		.on_state = on_state,
		.on_step = on_step,
		.is_stepped = true,
		.ctx = node};
	struct writer_opts writer_opts = opts;
	node->signer = opts.signer;
	enum err err = store_open(&store_opts, &node->store, why, why_bytes);
	if (err != ERR_OK) {
		return err;
	}
	writer_opts.store = node->store;
	err = writer_start(&writer_opts, &node->writer, why, why_bytes);
	return err == ERR_OK ? reader_open(node->store, &node->reader) : err;
}

static enum err start_sync(struct node *node, char *why, size_t why_bytes)
{
	enum err err = loop_new(&node->host.env, &node->host.loop);
	const struct sync_opts opts = {.loop = node->host.loop,
		.store = node->store,
		.writer = node->writer,
		.signer = node->signer,
		.network_key = node_network_key,
		.host = "0.0.0.0",
		.port = HOST_PORT,
		.hops_max = 2,
		.is_lan_on = node->is_lan_on,
		.ctx = node};
	return err == ERR_OK ? sync_start(&opts, &node->sync, why, why_bytes) : err;
}

/* What `kith init` does when it makes the key. */
static enum err make_key_fence(struct node *node)
{
	if (!node->is_first_start) {
		return ERR_OK;
	}
	node->is_first_start = false;
	return fence_make_new(
		disk_vfs(node->disk), NODE_DIR, ledger_id(node->person), &node->host.env);
}

bool node_start(struct node *node)
{
	char why[256] = "";
	struct host *before = host_now;
	assert(node->life == NODE_DOWN);
	node->is_dying = false;
	node->is_cut = false;
	node->seen_count = 0;
	node->claim_us = 0;
	node->started_us = world.now_us;
	host_now = &node->host;
	node->life = NODE_UP;
	enum err err = make_key_fence(node);
	if (err == ERR_OK) {
		err = open_store(node, why, sizeof(why));
	}
	if (err == ERR_OK) {
		err = start_sync(node, why, sizeof(why));
	}
	host_now = before;
	trace("%u starts: %s", node->host.number, err == ERR_OK ? "up" : why);
	if (err != ERR_OK) {
		close_all(node);
		if (disk_is_dead(node->disk)) {
			disk_cut(node->disk, dice_word(DICE_PLOT));
		}
		return false;
	}
	judge_start(node);
	plan_writer(node);
	return !node_bury(node);
}

/* Nothing points to `sync` any more, and the writer has nothing left that would tell it something.
 */
static bool is_idle(void *ctx)
{
	struct node *node = ctx;
	run_writer(node);
	return node->life == NODE_DOWN && node->sync->jobs == 0;
}

static void on_stopped(void *ctx)
{
	struct node *node = ctx;
	node->life = NODE_DOWN;
}

static void take_down(struct node *node, bool is_heard)
{
	struct host *before = host_now;
	event_clear(&node->writer_event);
	node->writer_event.fn = on_writer;
	net_drop(&node->host, is_heard);
	if (node->life == NODE_UP) {
		node->life = NODE_STOPPING;
		sync_stop(node->sync, on_stopped, node);
	} else if (node->sync->on_stopped != NULL) {
		node->sync->on_stopped = on_stopped;
	}
	loop_drain(node->host.loop, is_idle, node);
	host_now = &node->host;
	close_all(node);
	host_now = before;
	trace("%u is down", node->host.number);
}

static void on_gone(void *ctx)
{
	take_down(ctx, true);
}

/* Called within a turn of the loop: what follows must not be on its stack. */
static void on_stopped_well(void *ctx)
{
	struct node *node = ctx;
	node->life = NODE_DOWN;
	node->writer_event.fn = on_gone;
	event_set(&node->writer_event, 0);
}

static void ask_to_stop(void *ctx)
{
	struct node *node = ctx;
	sync_stop(node->sync, on_stopped_well, node);
}

void node_stop(struct node *node)
{
	assert(node->life == NODE_UP);
	trace("%u stops", node->host.number);
	node->life = NODE_STOPPING;
	loop_turn(node->host.loop, ask_to_stop, node);
}

void node_kill(struct node *node)
{
	if (node->sync == NULL) {
		return;
	}
	trace("%u is killed", node->host.number);
	node->is_dying = true;
	dig(node);
	(void)node_bury(node);
}

void node_cut(struct node *node)
{
	trace("%u loses its power", node->host.number);
	disk_cut(node->disk, dice_word(DICE_PLOT));
	if (node->sync != NULL) {
		node->is_dying = true;
		take_down(node, false);
	}
}

bool node_bury(struct node *node)
{
	if (node->sync == NULL || (!node->is_dying && !disk_is_dead(node->disk))) {
		return false;
	}
	bool is_cut = disk_is_dead(node->disk);
	node->is_dying = true;
	take_down(node, !is_cut);
	if (is_cut) {
		trace("%u has lost its power in the middle of a write", node->host.number);
		disk_cut(node->disk, dice_word(DICE_PLOT));
	}
	if (node->grave != NULL) {
		disk_free(node->disk);
		node->disk = node->grave;
		node->grave = NULL;
	}
	return true;
}

void node_fini(struct node *node)
{
	if (node->sync != NULL) {
		node->is_dying = true;
		take_down(node, false);
	}
	disk_free(node->disk);
	if (node->grave != NULL) {
		disk_free(node->grave);
	}
	event_clear(&node->owner_event);
}

/* Looking into it. */

uint64_t node_head(struct node *node, const struct feed_id *feed, struct message_id *key)
{
	struct chain_head head = {0};
	if (node->reader == NULL || reader_head(node->reader, feed, &head) != ERR_OK) {
		return 0;
	}
	if (key != NULL) {
		*key = head.key;
	}
	return head.sequence;
}

static bool take_key(void *ctx, const struct stored *message)
{
	struct message_id *key = ctx;
	*key = message->key;
	return false;
}

bool node_key_at(
	struct node *node, const struct feed_id *feed, uint64_t sequence, struct message_id *key)
{
	struct message_id none = {{0}};
	*key = none;
	return node->reader != NULL &&
	       reader_feed(node->reader, feed, sequence, 1, take_key, key) == ERR_OK &&
	       !message_id_equal(key, &none);
}

struct address node_address(const struct node *node)
{
	struct address address = {.port = HOST_PORT, .key = *ledger_id(node->person)};
	(void)snprintf(address.host, sizeof(address.host), "%s", node->host.name);
	return address;
}

struct node *node_now(void)
{
	return host_now != NULL && host_now->on_turn == on_turn ? host_now->ctx : NULL;
}
