/** tests/lib/death: a process of its own that dies at a statement of SQLite, as if its power were
 * cut. */
#ifndef TESTS_LIB_DEATH_H
#define TESTS_LIB_DEATH_H

#include <sqlite3.h>
#include <stdbool.h>
#include <sys/types.h>

/** In the child: die at the `steps`-th event of these (SQLITE_TRACE_…) on this connection. */
void death_at(sqlite3 *db, unsigned events, int steps);
/** In the parent: true when the child came through alive and well; it may have died, but not
 * failed. */
bool death_missed(pid_t child);

#endif
