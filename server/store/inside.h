/**
 * store, inside: what the files of this folder share of an open store.
 */
#ifndef STORE_INSIDE_H
#define STORE_INSIDE_H

#include "store/db.h"
#include "store/store.h"

#include <pthread.h>
#include <stdatomic.h>

/* What may still be written before the node's ceiling (store/ceiling) is reached, as it was
 * measured last and taken from since. */
struct store_room {
	atomic_bool is_set;         /* somebody measures at all */
	atomic_llong left;          /* bytes; below 0: none */
	atomic_llong low;           /* below this the one who measures is woken */
	atomic_llong wanted;        /* bytes that somebody waits for */
	atomic_llong used, ceiling; /* as measured last */
	atomic_ullong gone_messages, gone_blobs, gone_copies;
	pthread_mutex_t lock;
	pthread_cond_t bell;
	bool is_rung; /* under the lock */
};

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
	struct store_room room;
	pthread_mutex_t veil_lock;
	struct veil *veil; /* under the lock: what was made last (store/veil); may be NULL */
	pthread_mutex_t layer_lock;
	struct layer *layer; /* under the lock: the present one (store/layer); NULL: it is empty */
	uint64_t layer_number; /* … how many there were */
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
/** So much was written. */
void store_room_take(struct store *store, int64_t bytes);
/** May others' messages be stored? */
bool store_room_is_left(struct store *store);
/** May somebody else's blob of so many bytes come? When not, room is made for it, if there is
 * anything that may go. */
bool store_room_for(struct store *store, int64_t bytes);
/** Wake who measures. */
void store_room_ring(struct store *store);
/** Device and inode of the data directory, as the store's VFS has them; zeros when they are not
 * known. The writer's thread, or before it runs. */
void store_place(const struct store *store, uint64_t *device, uint64_t *inode);

#endif
