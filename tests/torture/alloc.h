/**
 * torture/alloc: every allocation of this program, its libraries included, can be made to fail.
 * Linking alloc.c replaces malloc() and its kin.
 */
#ifndef TORTURE_ALLOC_H
#define TORTURE_ALLOC_H

#include <stdbool.h>
#include <stdint.h>

/** From now on count, and let the `at`-th fail (0: none), and all behind it when `is_for_good`. */
void alloc_arm(uint64_t at, bool is_for_good);
/** Stop; how many there were. */
uint64_t alloc_disarm(void);
/** Pieces in use. */
int64_t alloc_live(void);

#endif
