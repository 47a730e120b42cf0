/**
 * store/thread_gap, inside: why a post that a conversation speaks of is not in it.
 */
#ifndef STORE_THREAD_GAP_H
#define STORE_THREAD_GAP_H

#include "store/post.h"

/**
 * Judge gap->key. `*is_gap` false: it is held (and no post, or about to be shown). `referrer` is
 * the message that speaks of it (NULL: none): whom it mentions may have written it, which is a
 * guess, and the only one there is.
 */
MUST_USE enum err thread_gap(
	struct reader *reader, struct post *gap, const struct json *referrer, bool *is_gap);

#endif
