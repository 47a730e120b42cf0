/*
 * The follow graph, as ssb-friends computes it (protocol/04 §4; layered-graph, dynamic-dijkstra).
 * Layer by layer from ourselves: what hangs on a person at distance h lies at h + 1 (follow), −(h +
 * 1) (block) or −(h + 2) (neither). The smallest absolute value wins, and on a tie the positive
 * one. Only persons at 0 ≤ h < max are asked for their edges. A value with absolute value h + 1 or
 * h + 2 cannot change what lies at ≤ h, so each person is expanded once.
 *
 * What lies further than a friend was brought by one: the first, in the order of rows, from whom a
 * way leads there. A friend brings at most LIMIT_FEEDS_PER_FRIEND, those first that this node has
 * known longest; the others are as if that friend had not named them, and another friend may still
 * bring them. When all together are more than there is room for, every friend has the same share.
 */
#include "store/people.h"

#include "store/layer.h"
#include "store/reader_inside.h"

#include <stdlib.h>

QUERY(sql_edges, "SELECT about, edge FROM contacts WHERE feed = ?1 ORDER BY about");
QUERY(sql_feed_max, "SELECT max(feed) FROM feeds");
QUERY(sql_feed_id, "SELECT id FROM feeds WHERE feed = ?1");
QUERY(sql_blocks,
	"SELECT a.id, b.id FROM main.contacts c INDEXED BY contacts_blocks CROSS JOIN feeds a "
	"ON a.feed = c.feed CROSS JOIN feeds b ON b.feed = c.about WHERE c.edge = 2 AND (c.feed <> "
	"1 OR c.about NOT IN (SELECT feed FROM lifted))");

enum { FAR = INT8_MAX };

struct graph {
	struct reader *reader;
	int8_t *hops; /* by feed row; FAR: not reached */
	int64_t rows;
	uint32_t *friends; /* by feed row: the row of the friend who brought it; 0: nobody */
	uint32_t *brought; /* by row of a friend: how many it brought */
};

static bool is_better(int candidate, int present)
{
	int a = candidate < 0 ? -candidate : candidate;
	int b = present < 0 ? -present : present;
	return present == FAR || a < b || (a == b && candidate > present);
}

/* A follow leads to `about`. False when the friend at the beginning of the way has its share. */
static bool bring(struct graph *graph, int64_t by, int64_t about, int hops)
{
	if (hops < 2) {
		return true; /* followed by ourselves */
	}
	uint32_t friend = hops == 2 ? (uint32_t)by : graph->friends[by];
	if (graph->brought[friend] >= LIMIT_FEEDS_PER_FRIEND) {
		return false;
	}
	graph->brought[friend]++;
	graph->friends[about] = friend;
	return true;
}

static enum err expand(struct graph *graph, int64_t feed, int hops)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(graph->reader->db, &sql_edges, &stmt);
	if (err != ERR_OK) {
		return err;
	}
	db_int(stmt, 1, feed);
	while ((err = db_step(graph->reader->db, stmt)) == ERR_OK) {
		static const int signs[][2] = {
			[EDGE_NEITHER] = {-1, 2}, [EDGE_FOLLOW] = {1, 1}, [EDGE_BLOCK] = {-1, 1}};
		int64_t about = sqlite3_column_int64(stmt, 0);
		int edge = sqlite3_column_int(stmt, 1);
		if (about < 1 || about >= graph->rows || edge < EDGE_NEITHER || edge > EDGE_BLOCK) {
			continue;
		}
		int candidate = signs[edge][0] * (hops + signs[edge][1]);
		if (is_better(candidate, graph->hops[about]) &&
			(candidate < 0 || bring(graph, feed, about, candidate))) {
			graph->hops[about] = (int8_t)candidate;
		}
	}
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

static enum err count_rows(struct graph *graph)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = db_query(graph->reader->db, &sql_feed_max, &stmt);
	if (err == ERR_OK) {
		err = db_step(graph->reader->db, stmt);
	}
	if (err == ERR_OK) {
		graph->rows = sqlite3_column_int64(stmt, 0) + 1;
		db_reset(stmt);
	}
	return err;
}

static enum err walk(struct graph *graph, int hops_max)
{
	enum err err = ERR_OK;
	graph->hops[FEED_SELF] = 0;
	for (int hops = 0; err == ERR_OK && hops < hops_max; hops++) {
		for (int64_t feed = 1; err == ERR_OK && feed < graph->rows; feed++) {
			if (graph->hops[feed] == hops) {
				err = expand(graph, feed, hops);
			}
		}
	}
	return err;
}

/* So many of each friend's feeds fit into what the nearer ones leave of `room`. */
static uint32_t share_of_each(const struct graph *graph, size_t room)
{
	uint32_t share = LIMIT_FEEDS_PER_FRIEND;
	size_t near = 0;
	for (int64_t feed = 1; feed < graph->rows; feed++) {
		near += graph->hops[feed] == 0 || graph->hops[feed] == 1;
	}
	uint32_t above = share + 1;
	for (share = 0; above - share > 1;) {
		uint32_t middle = share + (above - share) / 2;
		size_t sum = near;
		for (int64_t feed = 1; feed < graph->rows && sum <= room; feed++) {
			sum += graph->brought[feed] < middle ? graph->brought[feed] : middle;
		}
		*(sum <= room ? &share : &above) = middle;
	}
	return share;
}

/* `used` counts by friend. */
static bool is_let_in(const struct graph *graph, int64_t feed, uint32_t share, uint32_t *used)
{
	uint32_t friend = graph->friends[feed];
	return friend == 0 || used[friend]++ < share;
}

static enum err put_out(struct graph *graph, int hops_max, uint32_t *used, struct reach_entry *out,
	size_t room, size_t *count)
{
	sqlite3_stmt *stmt = NULL;
	uint32_t share = share_of_each(graph, room);
	*count = 0;
	for (int hops = 0; hops <= hops_max; hops++) {
		for (int64_t feed = 1; feed < graph->rows && *count < room; feed++) {
			if (graph->hops[feed] != hops || !is_let_in(graph, feed, share, used)) {
				continue;
			}
			enum err err = db_query(graph->reader->db, &sql_feed_id, &stmt);
			if (err != ERR_OK) {
				return err;
			}
			db_int(stmt, 1, feed);
			err = db_step(graph->reader->db, stmt);
			if (err != ERR_OK) {
				return err == ERR_NOT_FOUND ? ERR_IO : err;
			}
			out[*count].hops = hops;
			*count += db_column_id(stmt, 0, out[*count].feed.at);
			db_reset(stmt);
		}
	}
	return ERR_OK;
}

enum err graph_reach(
	struct reader *reader, int hops_max, struct reach_entry *out, size_t room, size_t *count)
{
	struct graph graph = {.reader = reader};
	*count = 0;
	if (hops_max < 0 || hops_max > LIMIT_HOPS_MAX) {
		return ERR_LIMIT;
	}
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = count_rows(&graph);
	uint32_t *used = NULL;
	if (err == ERR_OK) {
		size_t rows = (size_t)graph.rows + 1;
		graph.hops = malloc(rows);
		graph.friends = calloc(rows, sizeof(*graph.friends));
		graph.brought = calloc(rows, sizeof(*graph.brought));
		used = calloc(rows, sizeof(*used));
		bool is_whole = graph.hops != NULL && graph.friends != NULL &&
				graph.brought != NULL && used != NULL;
		err = is_whole ? ERR_OK : ERR_NOMEM;
	}
	if (err == ERR_OK) {
		memset(graph.hops, FAR, (size_t)graph.rows + 1);
		err = walk(&graph, hops_max);
	}
	if (err == ERR_OK) {
		err = put_out(&graph, hops_max, used, out, room, count);
	}
	free(graph.hops);
	free(graph.friends);
	free(graph.brought);
	free(used);
	return reader_end(reader, err);
}

/* Whom we block in messages only we can read. */
static void tell_private(struct store *store,
	void (*on_block)(void *ctx, const struct feed_id *from, const struct feed_id *to),
	void *ctx)
{
	struct layer *layer = layer_take(store);
	for (size_t i = 0; layer != NULL && i < layer->count; i++) {
		if (layer->edges[i].edge == EDGE_BLOCK) {
			on_block(ctx, &store->self, &layer->edges[i].of);
		}
	}
	layer_release(store, layer);
}

enum err graph_blocks(struct reader *reader,
	void (*on_block)(void *ctx, const struct feed_id *from, const struct feed_id *to),
	void *ctx)
{
	sqlite3_stmt *stmt = NULL;
	enum err err = reader_begin(reader);
	if (err != ERR_OK) {
		return err;
	}
	err = db_query(reader->db, &sql_blocks, &stmt);
	while (err == ERR_OK && (err = db_step(reader->db, stmt)) == ERR_OK) {
		struct feed_id from;
		struct feed_id to;
		if (db_column_id(stmt, 0, from.at) && db_column_id(stmt, 1, to.at)) {
			on_block(ctx, &from, &to);
		}
	}
	if (err == ERR_NOT_FOUND) {
		err = ERR_OK;
		tell_private(reader->store, on_block, ctx);
	}
	return reader_end(reader, err);
}
