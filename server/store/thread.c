/*
 * A topological sort with a heap of what is ready, so that the result does not depend on the order
 * of the input. ssb-sort compares pairs instead, which is not transitive; on the shared vectors
 * both agree. References are hashes, so there are no cycles, but a damaged table must not hang us:
 * when nothing is ready, the first of the rest is taken.
 */
#include "store/thread.h"

#include <stdlib.h>

struct edge {
	uint32_t to;
	uint32_t next; /* 0: none, else index + 1 */
};

struct node {
	uint32_t edges; /* first, as index + 1 */
	uint32_t waits; /* ancestors not yet placed */
	bool is_placed;
};

struct sorter {
	const struct thread_item *items;
	size_t count;
	uint32_t *by_key; /* indices, sorted by key */
	struct node *nodes;
	struct edge *edges;
	size_t edge_count, edge_room;
	uint32_t *heap;
	size_t heap_count;
	enum err err;
};

static int compare_keys(const struct message_id *a, const struct message_id *b)
{
	return memcmp(a->at, b->at, ID_BYTES);
}

static int by_key(const void *a, const void *b, void *ctx)
{
	const struct thread_item *items = ctx;
	return compare_keys(&items[*(const uint32_t *)a].key, &items[*(const uint32_t *)b].key);
}

static bool is_before(const struct sorter *sorter, uint32_t a, uint32_t b)
{
	const struct thread_item *x = &sorter->items[a];
	const struct thread_item *y = &sorter->items[b];
	if (x->received_ms != y->received_ms) {
		return x->received_ms < y->received_ms;
	}
	if (x->claimed_ms != y->claimed_ms) {
		return x->claimed_ms < y->claimed_ms;
	}
	char x_text[MESSAGE_ID_TEXT_BYTES];
	char y_text[MESSAGE_ID_TEXT_BYTES];
	message_id_format(&x->key, x_text);
	message_id_format(&y->key, y_text);
	return strcmp(x_text, y_text) > 0;
}

static void heap_push(struct sorter *sorter, uint32_t item)
{
	size_t at = sorter->heap_count++;
	while (at > 0 && is_before(sorter, item, sorter->heap[(at - 1) / 2])) {
		sorter->heap[at] = sorter->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	sorter->heap[at] = item;
}

static uint32_t heap_pop(struct sorter *sorter)
{
	uint32_t top = sorter->heap[0];
	uint32_t last = sorter->heap[--sorter->heap_count];
	size_t at = 0;
	for (;;) {
		size_t child = 2 * at + 1;
		if (child >= sorter->heap_count) {
			break;
		}
		if (child + 1 < sorter->heap_count &&
			is_before(sorter, sorter->heap[child + 1], sorter->heap[child])) {
			child++;
		}
		if (!is_before(sorter, sorter->heap[child], last)) {
			break;
		}
		sorter->heap[at] = sorter->heap[child];
		at = child;
	}
	sorter->heap[at] = last;
	return top;
}

static bool find(const struct sorter *sorter, const struct message_id *key, uint32_t *out)
{
	size_t low = 0;
	size_t high = sorter->count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = compare_keys(&sorter->items[sorter->by_key[middle]].key, key);
		if (order == 0) {
			*out = sorter->by_key[middle];
			return true;
		}
		if (order < 0) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return false;
}

static void add_edge(struct sorter *sorter, uint32_t from, uint32_t to)
{
	if (sorter->edge_count == sorter->edge_room) {
		size_t room = sorter->edge_room == 0 ? 256 : 2 * sorter->edge_room;
		struct edge *grown = realloc(sorter->edges, room * sizeof(*grown));
		if (grown == NULL) {
			sorter->err = ERR_NOMEM;
			return;
		}
		memset(grown + sorter->edge_room, 0, (room - sorter->edge_room) * sizeof(*grown));
		sorter->edges = grown;
		sorter->edge_room = room;
	}
	sorter->edges[sorter->edge_count] =
		(struct edge){.to = to, .next = sorter->nodes[from].edges};
	sorter->nodes[from].edges = (uint32_t)++sorter->edge_count;
	sorter->nodes[to].waits++;
}

/* Depth is bounded by the parser (LIMIT_JSON_DEPTH). */
static void collect(struct sorter *sorter, const struct json *value, uint32_t item)
{
	struct span text;
	struct message_id id;
	uint32_t from = 0;
	if (json_text(value, &text)) {
		if (text.len == MESSAGE_ID_TEXT_BYTES - 1 &&
			message_id_parse(text, &id) == ERR_OK && find(sorter, &id, &from) &&
			from != item) {
			add_edge(sorter, from, item);
		}
		return;
	}
	for (size_t i = 0; i < json_count(value); i++) {
		collect(sorter, json_at(value, i), item);
	}
}

static void place(struct sorter *sorter, uint32_t item)
{
	sorter->nodes[item].is_placed = true;
	for (uint32_t i = sorter->nodes[item].edges; i != 0; i = sorter->edges[i - 1].next) {
		uint32_t to = sorter->edges[i - 1].to;
		if (--sorter->nodes[to].waits == 0 && !sorter->nodes[to].is_placed) {
			heap_push(sorter, to);
		}
	}
}

static uint32_t first_left(const struct sorter *sorter)
{
	uint32_t best = UINT32_MAX;
	for (uint32_t i = 0; i < sorter->count; i++) {
		if (!sorter->nodes[i].is_placed &&
			(best == UINT32_MAX || is_before(sorter, i, best))) {
			best = i;
		}
	}
	return best;
}

enum err thread_order(const struct thread_item *items, size_t count, size_t *order)
{
	struct sorter sorter = {.items = items, .count = count};
	sorter.by_key = calloc(count + 1, sizeof(*sorter.by_key));
	sorter.nodes = calloc(count + 1, sizeof(*sorter.nodes));
	sorter.heap = calloc(count + 1, sizeof(*sorter.heap));
	if (sorter.by_key == NULL || sorter.nodes == NULL || sorter.heap == NULL) {
		sorter.err = ERR_NOMEM;
		goto out;
	}
	for (uint32_t i = 0; i < count; i++) {
		sorter.by_key[i] = i;
	}
	qsort_r(sorter.by_key, count, sizeof(*sorter.by_key), by_key, (void *)(uintptr_t)items);
	for (uint32_t i = 0; i < count && sorter.err == ERR_OK; i++) {
		collect(&sorter, items[i].value, i);
	}
	if (sorter.err != ERR_OK) {
		goto out;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (sorter.nodes[i].waits == 0) {
			heap_push(&sorter, i);
		}
	}
	for (size_t i = 0; i < count; i++) {
		uint32_t item = sorter.heap_count > 0 ? heap_pop(&sorter) : first_left(&sorter);
		order[i] = item;
		place(&sorter, item);
	}
out:
	free(sorter.by_key);
	free(sorter.nodes);
	free(sorter.heap);
	free(sorter.edges);
	return sorter.err;
}
