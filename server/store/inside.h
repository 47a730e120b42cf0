/**
 * store, inside: what the files of this folder share of an open store.
 */
#ifndef STORE_INSIDE_H
#define STORE_INSIDE_H

#include "store/db.h"
#include "store/store.h"

#include <pthread.h>
#include <stdatomic.h>

struct store {
	char *dir;
	char *database;  /* path of kith.db */
	const char *vfs; /* store_opts.vfs */
	const struct env *env;
	struct feed_id self;
	struct db *writer; /* the read-write connection; NULL when read-only. The writer thread's
			      alone once it runs */
	uint64_t number;   /* of this opening, so that a thread's reader is never used with another
			      store at the same address */
	atomic_int readers;
	pthread_mutex_t veil_lock;
	struct veil *veil; /* under the lock: what was made last (store/veil); may be NULL */
};

enum { FEED_SELF = 1 }; /* our own row in `feeds` */

/** `name` below the data directory; free(). NULL without memory. */
MUST_USE char *store_path(const struct store *store, const char *name);
/** Bytes an owner's process may still write; −1 unknown (also of a VFS that is not the system's).
 */
int64_t store_disk_free(const struct store *store);
/** Create the reserve file when there is plenty of room; give it up (true when there was one). */
void store_reserve_take(const struct store *store);
bool store_reserve_give(const struct store *store);
/** Device and inode of the data directory, as the store's VFS has them; zeros when they are not
 * known. The writer's thread, or before it runs. */
void store_place(const struct store *store, uint64_t *device, uint64_t *inode);

#endif
