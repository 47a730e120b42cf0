/** tests/sim/plot: what a seed is about: who there is, and what happens to them. */
#ifndef TESTS_SIM_PLOT_H
#define TESTS_SIM_PLOT_H

#include <stdbool.h>
#include <stdint.h>

/* Ways to break things on purpose, so that the judge must notice: disks that lie about syncs;
 * backups that bring the fence along; a guard that unlocks at once, and browsers that say nothing.
 */
enum sabotage { SABOTAGE_NONE, SABOTAGE_SYNC, SABOTAGE_FENCE, SABOTAGE_GUARD };
extern enum sabotage plot_sabotage;

/** One whole life of the world; true when no promise was broken. `*trace` tells two runs of a seed
 * apart. */
bool plot_run(uint64_t seed, bool is_verbose, uint64_t *trace);

#endif
