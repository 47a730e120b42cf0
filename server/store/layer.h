/**
 * store/layer, inside: whom we follow and block in messages that only we can read, where that is
 * our latest word about them. In memory only: no table says it, so that nobody who reads the disk
 * without our key learns it. What was made last is kept by the store; readers of the graph, of
 * people and of posts lay it over what everybody can see.
 *
 * An open block decides which rows there are (store/index). One that a private word ended is
 * *lifted*: the writer makes the rows again (table `lifted`), once the layer says so.
 */
#ifndef STORE_LAYER_H
#define STORE_LAYER_H

#include "feed/content.h"
#include "store/inside.h"

struct layer_edge {
	struct feed_id of;
	enum contact_edge edge;
};

struct layer {
	size_t refs;     /* under store->layer_lock */
	uint64_t number; /* another one each time */
	size_t count;
	struct layer_edge edges[]; /* by their bytes */
};

/** The present one, or NULL when it is empty; layer_release() it. Any thread. */
struct layer *layer_take(struct store *store);
void layer_release(struct store *store, struct layer *layer);
/** Replace it; `edges` is copied. `*is_changed`: it was another. */
MUST_USE enum err layer_set(
	struct store *store, const struct layer_edge *edges, size_t count, bool *is_changed);
/** What it says of somebody; false: nothing. `layer` may be NULL. */
bool layer_says(const struct layer *layer, const struct feed_id *of, enum contact_edge *out);
/** … of the present one. */
bool layer_is(struct store *store, const struct feed_id *of, enum contact_edge edge);

#endif
