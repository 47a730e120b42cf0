/**
 * store/fork, inside: the other messages under our key, and how they hang together.
 */
#ifndef STORE_FORK_INSIDE_H
#define STORE_FORK_INSIDE_H

#include "store/fork.h"
#include "store/inside.h"

enum { FORK_NONE = -1 };

struct fork_link {
	struct message *message;
	int64_t at_ms; /* when it came */
	int parent;    /* the link it follows; FORK_NONE: a message of our feed, or nothing here */
	int length;    /* counted from the parting; 0: it does not hang together with our feed */
};

struct fork_tree {
	struct fork_link *links; /* by number */
	int count;
	int tip; /* of the longest chain; FORK_NONE: there is none */
	struct fork_sides sides;
};

/** What the database knows; free with fork_tree_fini(), also after an error. */
MUST_USE enum err fork_tree_read(struct db *db, const struct feed_id *self, struct fork_tree *tree);
void fork_tree_fini(struct fork_tree *tree);
/** The links of the longest chain in order: `path` has room for tree->sides.theirs_count. */
void fork_tree_path(const struct fork_tree *tree, int *path);

/** Our message under a number; ERR_NOT_FOUND. */
MUST_USE enum err fork_own_key(struct db *db, uint64_t sequence, struct message_id *out);
/** Our messages from a number on, in order, until `on_message` fails. */
MUST_USE enum err fork_each_own(struct db *db, uint64_t from, size_t count_max,
	enum err (*on_message)(void *ctx, const struct message *message, int64_t received_ms),
	void *ctx);

#endif
