/**
 * torture/disk: a disk in memory under SQLite, which remembers what of each file has been synced.
 * It can lose its power, run out of room, and fail. The whole store (database, fence, copies) sits
 * on it when `store_opts.vfs` is disk_vfs().
 *
 * It behaves as ext4 under the system's VFS does in the worst case that is still honest: writes of
 * a file that are not synced may survive or not, each sector of 512 bytes for itself and torn
 * anywhere, also when a later one survived; bytes outside of a write are never touched; names that
 * were made, removed or moved since the last sync of their directory may or may not have been.
 * (A directory is synced by the first sync of a journal, WAL or moved file, and by a removal that
 * asks for it, as the system's VFS does.)
 *
 * Everything is a function of the seeds and of the calls. Safe from any thread.
 */
#ifndef TORTURE_DISK_H
#define TORTURE_DISK_H

#include "base/buf.h"

struct disk;

/** Aborts without memory. Each disk is a VFS of its own, until disk_free(), which wants every file
 * closed. */
struct disk *disk_new(void);
void disk_free(struct disk *disk);
/** The name of the VFS, for store_opts.vfs; as long as the disk. */
const char *disk_vfs(const struct disk *disk);

/** Everything on `to` becomes what is on `from` now, as if it were synced: a prepared database, a
 * snapshot of a machine. Files open on `to` are dead. */
void disk_copy(struct disk *to, const struct disk *from);
/** What stands for device and inode of the data directory (1, 1 at first). */
void disk_place(struct disk *disk, uint64_t device, uint64_t inode);

/** Lose the power now: `seed` says what of the unsynced survives. Files that are open fail from now
 * on and can only be closed; what is opened afterwards sees what survived. */
void disk_cut(struct disk *disk, uint64_t seed);
/** The power fails at the `count`-th change from now (0: never): it and all that follows fails.
 * Then disk_cut() says what survived. */
void disk_cut_at(struct disk *disk, uint64_t count);
bool disk_is_dead(const struct disk *disk);

enum disk_call {
	DISK_READ = 1,
	DISK_WRITE = 2,
	DISK_SYNC = 4,
	DISK_TRUNCATE = 8,
	DISK_OPEN = 16,   /* … and looking whether there is such a file */
	DISK_REMOVE = 32, /* … and moving */
	DISK_CHANGES = DISK_WRITE | DISK_SYNC | DISK_TRUNCATE | DISK_REMOVE,
	DISK_ALL = 63
};
/** How many calls of these kinds there were so far. */
uint64_t disk_calls(const struct disk *disk, unsigned kinds);

struct disk_fault {
	unsigned kinds;
	uint64_t at;      /* the how manieth such call from now fails; 0: none */
	bool is_for_good; /* and all such calls after it, until another disk_fail() */
	bool is_full;     /* ENOSPC, else EIO. Syncs, reads and removals only ever get EIO */
	bool is_lossy;    /* a sync that fails loses what it should have synced, as Linux does: the
			     next sync succeeds without it */
};
/** Replaces the fault before it; all zero: none. */
void disk_fail(struct disk *disk, const struct disk_fault *fault);
/** All files together may have so many bytes; negative: no end. */
void disk_room(struct disk *disk, int64_t bytes);
int64_t disk_bytes(const struct disk *disk);

/** Sabotage, to prove that a test sees it: syncs of files whose name ends so are answered and not
 * done. NULL: none. Static. */
void disk_ignore_syncs(struct disk *disk, const char *name_end);

/** Whole files, for tampering; what is written so is synced. */
bool disk_get_file(const struct disk *disk, const char *path, struct buf *out);
void disk_put_file(struct disk *disk, const char *path, struct span bytes);
bool disk_drop_file(struct disk *disk, const char *path);

/** This thread is inside of a disk: what it allocates now is the test's, not the program's. */
bool disk_is_inside(void);

/** The next number of a small generator, for tests that need one. */
uint64_t disk_random(uint64_t *state);

#endif
