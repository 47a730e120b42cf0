/**
 * store/private_posts: private messages as posts, ready to be shown: opened, with what is liked and
 * kept of them, and without the words of people we block.
 */
#ifndef STORE_PRIVATE_POSTS_H
#define STORE_PRIVATE_POSTS_H

#include "store/private.h"
#include "store/timeline.h"

/** These, in this order; those that are no posts or are here no more are left out. posts_free(). */
MUST_USE enum err private_posts_read(struct private_book *book, struct reader *reader,
	const struct private_message *messages, size_t count, struct posts *out);
/** The thread that the private post `id` belongs to, as thread_read() gives a public one: its root
 * first, held or not, then the answers in causal order. ERR_NOT_FOUND: `id` is not in the book. */
MUST_USE enum err private_posts_thread(struct private_book *book, struct reader *reader,
	const struct thread_query *query, struct thread_facts *facts, struct posts *out);
/** The messages of `root`'s thread that no other of it refers to, the newest `room` of them: what
 * the next answer names as `branch`. At least one: the root itself when nothing is known. */
MUST_USE enum err private_posts_heads(struct private_book *book, struct reader *reader,
	const struct message_id *root, struct message_id *out, size_t room, size_t *count);
/** Those of `ids` that are in the book and shown, in their order. */
MUST_USE enum err private_posts_find(struct private_book *book, struct reader *reader,
	const struct message_id *ids, size_t count, struct posts *out);
/** Add what the owner bookmarked that is private to a page of TIMELINE_KEPT, as if it had been in
 * the same table. */
MUST_USE enum err private_posts_kept(struct private_book *book, struct reader *reader,
	const struct timeline_query *query, struct posts *page);

#endif
