/**
 * store/thread, inside: the order in which a thread is read (protocol/07 §4).
 */
#ifndef STORE_THREAD_H
#define STORE_THREAD_H

#include "feed/id.h"
#include "feed/json.h"

struct thread_item {
	struct message_id key;
	double received_ms;
	double claimed_ms;
	const struct json *value; /* the whole message: every string in it that is a message id
				     counts as a reference */
};

/**
 * `order[0…count)` becomes the indices of `items` in reading order: an ancestor first; then by time
 * of arrival, claimed time, key text descending. Ancestors that are not among the items do not
 * matter. ERR_NOMEM.
 */
MUST_USE enum err thread_order(const struct thread_item *items, size_t count, size_t *order);

#endif
