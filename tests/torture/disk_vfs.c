/*
 * The face towards SQLite: version 2 of its methods (shared memory, no mapping of files). A handle
 * from before a cut fails in everything but unlocking and closing.
 */
#include "torture/disk_inside.h"

#include "store/vfs.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct handle *handle_of(sqlite3_file *file)
{
	return (struct handle *)file;
}

static void lock(struct handle *handle)
{
	disk_enter(handle->disk);
}

static int unlock(struct handle *handle, int rc)
{
	disk_leave(handle->disk);
	return rc;
}

static bool is_stale(const struct handle *handle)
{
	return handle->disk->is_dead || handle->generation != handle->disk->generation;
}

static enum verdict judge(struct handle *handle, enum disk_call kind)
{
	if (handle->generation != handle->disk->generation) {
		return CALL_FAILS;
	}
	return disk_judge(handle->disk, kind);
}

static void leave_shm(struct handle *handle)
{
	struct shm *shm = handle->shm;
	if (shm == NULL) {
		return;
	}
	for (int i = 0; i < SQLITE_SHM_NLOCK; i++) {
		shm->shared[i] -= (int)(handle->shm_shared >> i & 1);
		if ((handle->shm_exclusive >> i & 1) != 0) {
			shm->exclusive[i] = NULL;
		}
	}
	handle->shm = NULL;
	handle->shm_shared = handle->shm_exclusive = 0;
	if (--shm->refs > 0) {
		return;
	}
	if (handle->inode->shm == shm) {
		handle->inode->shm = NULL;
	}
	for (int i = 0; i < shm->region_count; i++) {
		free(shm->regions[i]);
	}
	free(shm);
}

static void give_back_lock(struct handle *handle, int level)
{
	struct inode *inode = handle->inode;
	if (handle->generation == handle->disk->generation) {
		if (inode->reserved == handle && level < SQLITE_LOCK_RESERVED) {
			inode->reserved = NULL;
			inode->is_exclusive = false;
		}
		if (handle->lock >= SQLITE_LOCK_SHARED && level == SQLITE_LOCK_NONE) {
			inode->shared--;
		}
	}
	handle->lock = level;
}

static int on_close(sqlite3_file *file)
{
	struct handle *handle = handle_of(file);
	lock(handle);
	leave_shm(handle);
	give_back_lock(handle, SQLITE_LOCK_NONE);
	inode_drop(handle->inode);
	return unlock(handle, SQLITE_OK);
}

static int on_read(sqlite3_file *file, void *out, int count, sqlite3_int64 at)
{
	struct handle *handle = handle_of(file);
	lock(handle);
	if (judge(handle, DISK_READ) != CALL_GOES_ON) {
		return unlock(handle, SQLITE_IOERR_READ);
	}
	const struct bytes *now = &handle->inode->now;
	size_t have = (uint64_t)at >= now->len ? 0 : now->len - (size_t)at;
	have = have < (size_t)count ? have : (size_t)count;
	if (have > 0) {
		memcpy(out, now->at + at, have);
	}
	memset((uint8_t *)out + have, 0, (size_t)count - have);
	return unlock(handle, have == (size_t)count ? SQLITE_OK : SQLITE_IOERR_SHORT_READ);
}

/* How much of a write the room allows. */
static size_t fit(const struct handle *handle, uint64_t at, size_t count)
{
	const struct disk *disk = handle->disk;
	size_t len = handle->inode->now.len;
	if (disk->room < 0 || handle->is_temporary || at + count <= len) {
		return count;
	}
	int64_t left = disk->room - disk_bytes(disk);
	uint64_t end = len + (left > 0 ? (uint64_t)left : 0);
	return end >= at + count ? count : (end > at ? (size_t)(end - at) : 0);
}

static int on_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 at)
{
	struct handle *handle = handle_of(file);
	lock(handle);
	enum verdict verdict = judge(handle, DISK_WRITE);
	if (verdict == CALL_FAILS) {
		return unlock(handle, SQLITE_IOERR_WRITE);
	}
	size_t fits = verdict == CALL_FAILS_FULL ? (size_t)count / 2
						 : fit(handle, (uint64_t)at, (size_t)count);
	if (fits > 0) {
		inode_write(handle->inode, (uint64_t)at, bytes, fits);
	}
	if (verdict == CALL_IS_LAST) {
		return unlock(handle, SQLITE_IOERR_WRITE);
	}
	return unlock(handle, fits == (size_t)count ? SQLITE_OK : SQLITE_FULL);
}

static int on_truncate(sqlite3_file *file, sqlite3_int64 len)
{
	struct handle *handle = handle_of(file);
	lock(handle);
	enum verdict verdict = judge(handle, DISK_TRUNCATE);
	if (verdict == CALL_GOES_ON || verdict == CALL_IS_LAST) {
		inode_truncate(handle->inode, (uint64_t)len);
	}
	return unlock(handle, verdict == CALL_GOES_ON ? SQLITE_OK : SQLITE_IOERR_TRUNCATE);
}

static bool ends_so(const char *path, const char *end)
{
	return end != NULL && strlen(path) >= strlen(end) &&
	       strcmp(path + strlen(path) - strlen(end), end) == 0;
}

static int on_sync(sqlite3_file *file, int flags)
{
	struct handle *handle = handle_of(file);
	(void)flags;
	lock(handle);
	enum verdict verdict = judge(handle, DISK_SYNC);
	if (verdict != CALL_GOES_ON) {
		if (verdict != CALL_IS_LAST && !is_stale(handle) && handle->disk->fault.is_lossy) {
			inode_lose(handle->inode);
		}
		return unlock(handle, SQLITE_IOERR_FSYNC);
	}
	if (ends_so(handle->path, handle->disk->unsynced_end)) {
		return unlock(handle, SQLITE_OK);
	}
	inode_sync(handle->inode);
	if (handle->is_dir_sync_due) {
		handle->is_dir_sync_due = false;
		disk_sync_names(handle->disk);
	}
	return unlock(handle, SQLITE_OK);
}

static int on_size(sqlite3_file *file, sqlite3_int64 *out)
{
	struct handle *handle = handle_of(file);
	lock(handle);
	*out = (sqlite3_int64)handle->inode->now.len;
	return unlock(handle, is_stale(handle) ? SQLITE_IOERR_FSTAT : SQLITE_OK);
}

static int take_lock(struct handle *handle, int level)
{
	struct inode *inode = handle->inode;
	bool is_others = inode->reserved != NULL && inode->reserved != handle;
	if (handle->lock >= level) {
		return SQLITE_OK;
	}
	if (level == SQLITE_LOCK_SHARED) {
		if (inode->is_exclusive && is_others) {
			return SQLITE_BUSY;
		}
		inode->shared++;
	} else {
		if (is_others) {
			return SQLITE_BUSY;
		}
		inode->reserved = handle;
		if (level == SQLITE_LOCK_EXCLUSIVE) {
			inode->is_exclusive = true; /* nobody new comes in */
			if (inode->shared > 1) {
				return SQLITE_BUSY;
			}
		}
	}
	handle->lock = level;
	return SQLITE_OK;
}

static int on_lock(sqlite3_file *file, int level)
{
	struct handle *handle = handle_of(file);
	lock(handle);
	return unlock(handle, is_stale(handle) ? SQLITE_IOERR_LOCK : take_lock(handle, level));
}

static int on_unlock(sqlite3_file *file, int level)
{
	struct handle *handle = handle_of(file);
	lock(handle);
	if (level < handle->lock || handle->inode->reserved == handle) {
		give_back_lock(handle, level);
	}
	return unlock(handle, SQLITE_OK);
}

static int on_check_reserved(sqlite3_file *file, int *out)
{
	struct handle *handle = handle_of(file);
	lock(handle);
	*out = handle->inode->reserved != NULL;
	return unlock(handle, SQLITE_OK);
}

static int move(struct handle *handle, const char *to)
{
	enum verdict verdict = judge(handle, DISK_REMOVE);
	if (verdict == CALL_GOES_ON || verdict == CALL_IS_LAST) {
		disk_move(handle->disk, handle->inode, handle->path, to);
		(void)snprintf(handle->path, sizeof(handle->path), "%s", to);
		handle->is_dir_sync_due = true;
	}
	return verdict == CALL_GOES_ON ? SQLITE_OK : SQLITE_IOERR;
}

static int on_control(sqlite3_file *file, int op, void *arg)
{
	struct handle *handle = handle_of(file);
	int rc = SQLITE_NOTFOUND;
	lock(handle);
	if (op == VFS_CONTROL_MOVE) {
		rc = move(handle, arg);
	} else if (op == VFS_CONTROL_PLACE) {
		memcpy(arg, handle->disk->place, sizeof(handle->disk->place));
		rc = SQLITE_OK;
	}
	return unlock(handle, rc);
}

static int on_sector_size(sqlite3_file *file)
{
	(void)file;
	return 4096;
}

static int on_characteristics(sqlite3_file *file)
{
	(void)file;
	return SQLITE_IOCAP_POWERSAFE_OVERWRITE; /* as the system's VFS says of every disk */
}

static int on_shm_map(
	sqlite3_file *file, int region, int size, int is_extending, void volatile **out)
{
	struct handle *handle = handle_of(file);
	*out = NULL;
	lock(handle);
	if (is_stale(handle)) {
		return unlock(handle, SQLITE_IOERR_SHMMAP);
	}
	if (handle->shm == NULL) {
		struct inode *inode = handle->inode;
		inode->shm = inode->shm == NULL ? calloc(1, sizeof(*inode->shm)) : inode->shm;
		if (inode->shm == NULL) {
			return unlock(handle, SQLITE_NOMEM);
		}
		handle->shm = inode->shm;
		handle->shm->refs++;
	}
	struct shm *shm = handle->shm;
	while (is_extending != 0 && shm->region_count <= region) {
		void *memory = region < SHM_REGIONS_MAX ? calloc(1, (size_t)size) : NULL;
		if (memory == NULL) {
			return unlock(handle, SQLITE_NOMEM);
		}
		shm->regions[shm->region_count++] = memory;
	}
	*out = region < shm->region_count ? shm->regions[region] : NULL;
	return unlock(handle, SQLITE_OK);
}

static bool is_shm_free(const struct handle *handle, int i, bool is_shared)
{
	const struct shm *shm = handle->shm;
	int mine = (int)(handle->shm_shared >> i & 1);
	bool is_excluded = shm->exclusive[i] != NULL && shm->exclusive[i] != handle;
	return !is_excluded && (is_shared || shm->shared[i] - mine == 0);
}

static void set_shm(struct handle *handle, int i, int flags)
{
	unsigned bit = 1u << i;
	if ((flags & SQLITE_SHM_LOCK) != 0 && (flags & SQLITE_SHM_SHARED) != 0) {
		handle->shm->shared[i] += (handle->shm_shared & bit) == 0;
		handle->shm_shared |= bit;
	} else if ((flags & SQLITE_SHM_LOCK) != 0) {
		handle->shm->exclusive[i] = handle;
		handle->shm_exclusive |= bit;
	} else {
		handle->shm->shared[i] -= (handle->shm_shared & bit) != 0;
		handle->shm_shared &= ~bit;
		if ((handle->shm_exclusive & bit) != 0) {
			handle->shm->exclusive[i] = NULL;
			handle->shm_exclusive &= ~bit;
		}
	}
}

static int on_shm_lock(sqlite3_file *file, int first, int count, int flags)
{
	struct handle *handle = handle_of(file);
	lock(handle);
	bool is_locking = (flags & SQLITE_SHM_LOCK) != 0;
	if (handle->shm == NULL || (is_locking && is_stale(handle))) {
		return unlock(handle, SQLITE_IOERR_SHMLOCK);
	}
	for (int i = first; is_locking && i < first + count; i++) {
		if (!is_shm_free(handle, i, (flags & SQLITE_SHM_SHARED) != 0)) {
			return unlock(handle, SQLITE_BUSY);
		}
	}
	for (int i = first; i < first + count; i++) {
		set_shm(handle, i, flags);
	}
	return unlock(handle, SQLITE_OK);
}

static void on_shm_barrier(sqlite3_file *file)
{
	lock(handle_of(file));
	(void)unlock(handle_of(file), SQLITE_OK);
}

static int on_shm_unmap(sqlite3_file *file, int is_deleting)
{
	struct handle *handle = handle_of(file);
	(void)is_deleting;
	lock(handle);
	leave_shm(handle);
	return unlock(handle, SQLITE_OK);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = on_close,
	.xRead = on_read,
	.xWrite = on_write,
	.xTruncate = on_truncate,
	.xSync = on_sync,
	.xFileSize = on_size,
	.xLock = on_lock,
	.xUnlock = on_unlock,
	.xCheckReservedLock = on_check_reserved,
	.xFileControl = on_control,
	.xSectorSize = on_sector_size,
	.xDeviceCharacteristics = on_characteristics,
	.xShmMap = on_shm_map,
	.xShmLock = on_shm_lock,
	.xShmBarrier = on_shm_barrier,
	.xShmUnmap = on_shm_unmap,
};

/* SQLITE_OK and the inode with a reference of the caller's. */
static int find_or_make(struct disk *disk, const char *path, int flags, struct inode **out)
{
	struct inode *inode = path == NULL ? inode_new() : disk_find(&disk->now, path);
	if (inode != NULL && path != NULL && (flags & SQLITE_OPEN_EXCLUSIVE) != 0) {
		return SQLITE_CANTOPEN;
	}
	if (inode == NULL && (flags & SQLITE_OPEN_CREATE) == 0) {
		return SQLITE_CANTOPEN;
	}
	*out = inode == NULL ? disk_make(disk, path) : inode;
	inode_hold(*out);
	return SQLITE_OK;
}

static int on_open(
	sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *out_flags)
{
	enum { SYNCS_DIR = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL };
	struct disk *disk = vfs->pAppData;
	struct handle *handle = handle_of(file);
	memset(handle, 0, sizeof(*handle));
	disk_enter(disk);
	int rc = disk_judge(disk, DISK_OPEN) == CALL_GOES_ON
			 ? find_or_make(disk, path, flags, &handle->inode)
			 : SQLITE_CANTOPEN;
	disk_leave(disk);
	if (rc != SQLITE_OK) {
		return rc;
	}
	handle->disk = disk;
	handle->generation = disk->generation;
	/* As the system's VFS: also when there was such a file, whose name may not be safe yet. */
	handle->is_dir_sync_due = (flags & SQLITE_OPEN_CREATE) != 0 && (flags & SYNCS_DIR) != 0;
	handle->is_temporary = path == NULL;
	(void)snprintf(handle->path, sizeof(handle->path), "%s", path == NULL ? "" : path);
	handle->base.pMethods = &methods;
	if (out_flags != NULL) {
		*out_flags = flags;
	}
	return SQLITE_OK;
}

static int on_delete(sqlite3_vfs *vfs, const char *path, int is_synced)
{
	struct disk *disk = vfs->pAppData;
	disk_enter(disk);
	int rc = SQLITE_IOERR_DELETE;
	enum verdict verdict = disk_judge(disk, DISK_REMOVE);
	if (verdict == CALL_GOES_ON || verdict == CALL_IS_LAST) {
		rc = disk_remove(disk, path) ? SQLITE_OK : SQLITE_IOERR_DELETE_NOENT;
	}
	if (verdict == CALL_GOES_ON && is_synced != 0) {
		disk_sync_names(disk);
	}
	disk_leave(disk);
	return verdict == CALL_IS_LAST ? SQLITE_IOERR_DELETE : rc;
}

static int on_access(sqlite3_vfs *vfs, const char *path, int flags, int *out)
{
	struct disk *disk = vfs->pAppData;
	(void)flags;
	disk_enter(disk);
	int rc = disk_judge(disk, DISK_OPEN) == CALL_GOES_ON ? SQLITE_OK : SQLITE_IOERR_ACCESS;
	*out = rc == SQLITE_OK && disk_find(&disk->now, path) != NULL;
	disk_leave(disk);
	return rc;
}

static int on_full_path(sqlite3_vfs *vfs, const char *path, int room, char *out)
{
	(void)vfs;
	int len = snprintf(out, (size_t)room, "%s", path);
	return len < room ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int on_randomness(sqlite3_vfs *vfs, int count, char *out)
{
	struct disk *disk = vfs->pAppData;
	for (int i = 0; i < count; i++) {
		out[i] = (char)disk_random(&disk->random);
	}
	return count;
}

static int on_sleep(sqlite3_vfs *vfs, int microseconds)
{
	(void)vfs;
	(void)usleep((useconds_t)microseconds);
	return microseconds;
}

static int on_time(sqlite3_vfs *vfs, double *out)
{
	(void)vfs;
	*out = 2461000.5; /* no query asks for the time */
	return SQLITE_OK;
}

static int on_last_error(sqlite3_vfs *vfs, int room, char *out)
{
	(void)vfs;
	(void)room;
	(void)out;
	return 0;
}

void disk_vfs_init(struct disk *disk)
{
	disk->vfs = (sqlite3_vfs){
		.iVersion = 1,
		.szOsFile = sizeof(struct handle),
		.mxPathname = PATH_BYTES - 1,
		.zName = disk->vfs_name,
		.pAppData = disk,
		.xOpen = on_open,
		.xDelete = on_delete,
		.xAccess = on_access,
		.xFullPathname = on_full_path,
		.xRandomness = on_randomness,
		.xSleep = on_sleep,
		.xCurrentTime = on_time,
		.xGetLastError = on_last_error,
	};
	int rc = sqlite3_vfs_register(&disk->vfs, 0);
	if (rc != SQLITE_OK) {
		(void)fprintf(stderr, "torture/disk: SQLite takes no VFS\n");
		abort();
	}
}
