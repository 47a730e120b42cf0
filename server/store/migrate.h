/**
 * store/migrate, inside: bring a database to the schema of this program. Forward only; PRAGMA
 * user_version counts the files of schema/ that were applied.
 */
#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

#include "store/db.h"
#include "store/store.h"

struct migrate_plan {
	const struct embedded_file *files; /* in order; file i makes version i + 1 */
	size_t count;
	const char *snapshot_dir;
	const char *vfs; /* of the database; NULL: the system's */
	struct store_progress progress;
};

/**
 * Apply what is missing, each file in one transaction with its number. A database that held
 * something is first copied to `snapshot_dir`/kith-v<version>-<wall ms>.db by VACUUM INTO; earlier
 * copies of the same version go then.
 * ERR_TIMEOUT: `progress` said to stop, and nothing was changed. ERR_NEWER with nothing touched
 * when it has more than we know; `why` gets one sentence on failure.
 */
MUST_USE enum err migrate_run(struct db *db, const struct migrate_plan *plan, const struct env *env,
	char *why, size_t why_bytes);
/** ERR_NEWER when it is newer, ERR_REFUSED when it is older: for commands that may not change it.
 */
MUST_USE enum err migrate_check(struct db *db, size_t version, char *why, size_t why_bytes);

#endif
