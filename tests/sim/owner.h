/** tests/sim/owner: the person in front of a node, and the browser that remembers for them. */
#ifndef TESTS_SIM_OWNER_H
#define TESTS_SIM_OWNER_H

#include "sim/judge.h"

/** From now on the owner does something every few seconds. */
void owner_begin(struct node *node);
/** One post now, if the node is up; true when it was acknowledged. */
bool owner_posts(struct node *node);
void owner_blocks(struct node *node, unsigned person, bool is_blocked);
/** Moves away: false when the node does not retire now. */
bool owner_retires(struct node *node, char *why, size_t why_bytes);
/** Types the address of another node, as after a start with nothing but the key. */
void owner_names(struct node *node, const struct node *other);

#endif
