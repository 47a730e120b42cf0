/**
 * torture/disk, inside: disk.c keeps files, names and what survives; disk_vfs.c is the face towards
 * SQLite.
 */
#ifndef TORTURE_DISK_INSIDE_H
#define TORTURE_DISK_INSIDE_H

#include "torture/disk.h"

#include "store/db.h"

#include <pthread.h>

enum { SECTOR_BYTES = 512, FILES_MAX = 64, SHM_REGIONS_MAX = 64, PATH_BYTES = 256 };

struct change {
	struct change *next;
	bool is_write;
	uint64_t at; /* of a truncation: the new length */
	size_t len;
	uint8_t bytes[];
};

struct bytes {
	uint8_t *at;
	size_t len, room;
};

struct handle;

/* The WAL's shared memory: lives as long as somebody has it mapped. */
struct shm {
	int refs;
	void *regions[SHM_REGIONS_MAX];
	int region_count;
	int shared[SQLITE_SHM_NLOCK];
	const struct handle *exclusive[SQLITE_SHM_NLOCK];
};

struct inode {
	int refs;                              /* names, changes of names, handles */
	struct bytes now, safe;                /* as programs see it; as a cut would find it */
	struct change *changes, **changes_end; /* what was done to `safe` to become `now` */
	struct shm *shm;
	int shared; /* locks of the rollback kind */
	const struct handle *reserved;
	bool is_exclusive; /* … or on the way to it, by `reserved` */
};

struct name {
	char path[PATH_BYTES];
	struct inode *inode;
};

struct names {
	struct name list[FILES_MAX];
	size_t count;
};

struct name_change {
	struct name_change *next;
	char from[PATH_BYTES]; /* "": made as `to` */
	char to[PATH_BYTES];   /* "": removed */
	struct inode *inode;
};

struct disk {
	sqlite3_vfs vfs;
	char vfs_name[32];
	pthread_mutex_t lock;
	struct names now, safe;
	struct name_change *changes, **changes_end;
	unsigned generation; /* goes up at a cut; handles of earlier ones are dead */
	bool is_dead;
	uint64_t cut_in; /* changes until the power fails; 0: never */
	uint64_t calls[6];
	struct disk_fault fault;
	bool is_faulting;
	int64_t room;
	const char *unsynced_end;
	uint64_t place[2];
	uint64_t random;
};

struct handle {
	sqlite3_file base;
	struct disk *disk;
	struct inode *inode;
	unsigned generation;
	int lock;
	bool is_dir_sync_due;
	bool is_temporary;
	char path[PATH_BYTES];
	struct shm *shm;
	unsigned shm_shared, shm_exclusive; /* bits of the locks we hold */
};

/* What a call may do. */
enum verdict {
	CALL_GOES_ON,
	CALL_FAILS,
	CALL_FAILS_FULL,
	CALL_IS_LAST /* it is done as far as programs see, and then there is no power */
};
enum verdict disk_judge(struct disk *disk, enum disk_call kind);

struct inode *disk_find(const struct names *names, const char *path);
struct inode *disk_make(struct disk *disk, const char *path);
bool disk_remove(struct disk *disk, const char *path);
void disk_move(struct disk *disk, struct inode *inode, const char *from, const char *to);
void disk_sync_names(struct disk *disk);

void inode_hold(struct inode *inode);
void inode_drop(struct inode *inode);
struct inode *inode_new(void);
void inode_write(struct inode *inode, uint64_t at, const uint8_t *bytes, size_t len);
void inode_truncate(struct inode *inode, uint64_t len);
void inode_sync(struct inode *inode);
/* The changes so far will never be safe. */
void inode_lose(struct inode *inode);

void disk_vfs_init(struct disk *disk);
void disk_enter(struct disk *disk);
void disk_leave(struct disk *disk);

#endif
