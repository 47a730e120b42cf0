/**
 * net/link_pair: two ends of a byte stream in memory, on one loop. For tests, and for connections
 * of the node with itself.
 */
#ifndef NET_LINK_PAIR_H
#define NET_LINK_PAIR_H

#include "net/link.h"
#include "net/loop.h"

/**
 * What is written to one end comes out of the other on a later turn, at most `chunk` bytes at a
 * time (0: as much as there is). Same limits as TCP; on_closed comes to both ends. ERR_NOMEM.
 */
MUST_USE enum err link_pair_new(
	struct loop *loop, size_t chunk, struct link **one, struct link **two);

#endif
