/**
 * base/memory: how much memory the process has, and may have.
 *
 * The budget (`--memory-max`) is what the process is to stay below in RAM. Most of what a node
 * holds is bounded by limits.h; what can be smaller at the price of speed asks memory_share() for
 * its part.
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdint.h>

struct memory_now {
	int64_t resident; /* in RAM; 0: not known */
	int64_t heap;     /* of the allocator, in use */
	int64_t budget;   /* 0: none was set */
};

/** Before threads run; and before the process confines itself, as what it reads later is opened
 * here. `budget` in bytes; 0: none. */
void memory_init(int64_t budget);
/** Any thread. */
void memory_look(struct memory_now *out);
/** What of `usual` bytes fits: all of it without a budget or with one of LIMIT_MEMORY_BYTES and
 * above, else as much less as the budget is smaller; never below `least`. Any thread. */
int64_t memory_share(int64_t usual, int64_t least);

#endif
