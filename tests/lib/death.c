/* The child leaves at once from inside SQLite, so nothing of it is closed or rolled back. */
#include "lib/death.h"

#include "lib/cmocka.h"

#include <sys/wait.h>
#include <unistd.h>

enum { KILLED = 77 };

static int steps_until_death;

static int on_trace(unsigned what, void *ctx, void *stmt, void *more)
{
	(void)what;
	(void)ctx;
	(void)stmt;
	(void)more;
	if (--steps_until_death == 0) {
		_exit(KILLED);
	}
	return 0;
}

void death_at(sqlite3 *db, unsigned events, int steps)
{
	steps_until_death = steps;
	(void)sqlite3_trace_v2(db, events, on_trace, NULL);
}

bool death_missed(pid_t child)
{
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == KILLED);
	return WEXITSTATUS(status) == 0;
}
