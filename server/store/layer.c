/* Never changed once it is made: who uses it keeps it, and whoever comes later gets the next. */
#include "store/layer.h"

#include <stdlib.h>

static int by_id(const void *a, const void *b)
{
	return memcmp(((const struct layer_edge *)a)->of.at, ((const struct layer_edge *)b)->of.at,
		ID_BYTES);
}

struct layer *layer_take(struct store *store)
{
	(void)pthread_mutex_lock(&store->layer_lock);
	struct layer *layer = store->layer;
	if (layer != NULL) {
		layer->refs++;
	}
	(void)pthread_mutex_unlock(&store->layer_lock);
	return layer;
}

void layer_release(struct store *store, struct layer *layer)
{
	if (layer == NULL) {
		return;
	}
	(void)pthread_mutex_lock(&store->layer_lock);
	bool is_last = --layer->refs == 0;
	(void)pthread_mutex_unlock(&store->layer_lock);
	if (is_last) {
		explicit_bzero(layer->edges, layer->count * sizeof(layer->edges[0]));
		free(layer);
	}
}

static bool is_same(const struct layer *layer, const struct layer_edge *edges, size_t count)
{
	if (layer == NULL || layer->count != count) {
		return layer == NULL && count == 0;
	}
	for (size_t i = 0; i < count; i++) {
		if (!feed_id_equal(&layer->edges[i].of, &edges[i].of) ||
			layer->edges[i].edge != edges[i].edge) {
			return false;
		}
	}
	return true;
}

enum err layer_set(
	struct store *store, const struct layer_edge *edges, size_t count, bool *is_changed)
{
	struct layer *made = NULL;
	*is_changed = false;
	if (count > 0) {
		made = calloc(1, sizeof(*made) + count * sizeof(made->edges[0]));
		if (made == NULL) {
			return ERR_NOMEM;
		}
		made->refs = 1;
		made->count = count;
		memcpy(made->edges, edges, count * sizeof(made->edges[0]));
		qsort(made->edges, count, sizeof(made->edges[0]), by_id);
	}
	(void)pthread_mutex_lock(&store->layer_lock);
	struct layer *old = store->layer;
	*is_changed = !is_same(old, made == NULL ? NULL : made->edges, count);
	store->layer = made;
	store->layer_number += *is_changed ? 1 : 0;
	if (made != NULL) {
		made->number = store->layer_number;
	}
	(void)pthread_mutex_unlock(&store->layer_lock);
	layer_release(store, old);
	return ERR_OK;
}

bool layer_says(const struct layer *layer, const struct feed_id *of, enum contact_edge *out)
{
	const struct layer_edge wanted = {.of = *of};
	const struct layer_edge *edge = layer == NULL ? NULL
						      : bsearch(&wanted, layer->edges, layer->count,
								sizeof(layer->edges[0]), by_id);
	if (edge != NULL) {
		*out = edge->edge;
	}
	return edge != NULL;
}

bool layer_is(struct store *store, const struct feed_id *of, enum contact_edge edge)
{
	enum contact_edge said = EDGE_NEITHER;
	struct layer *layer = layer_take(store);
	bool is_so = layer_says(layer, of, &said) && said == edge;
	layer_release(store, layer);
	return is_so;
}
