/**
 * store/vfs, inside: the files beside the database, through the same SQLite VFS as the database
 * itself, so that one disk (and in tests one that loses its power) is under all of them. `vfs` is
 * the name of a VFS, or NULL for the system's; then files are made by base/file.
 *
 * A named VFS keeps no directories and answers two opcodes of xFileControl that SQLite does not
 * know.
 */
#ifndef STORE_VFS_H
#define STORE_VFS_H

#include "base/buf.h"

enum {
	VFS_CONTROL_MOVE = 0x6b740001,  /* char *: the open file gets this name, in place of what
					   had it; as lasting as rename() before the sync of its
					   directory */
	VFS_CONTROL_PLACE = 0x6b740002, /* uint64_t[2]: what stands for device and inode of the data
					   directory */
};

struct vfs_file;

/** An existing file, for reading and writing. ERR_NOT_FOUND; ERR_IO (also: a symbolic link, or only
 * readable), ERR_NOMEM. */
MUST_USE enum err vfs_open(const char *vfs, const char *path, struct vfs_file **out);
void vfs_close(struct vfs_file *file);
/** `out` is filled up with zeros behind the end of the file. */
MUST_USE enum err vfs_read(struct vfs_file *file, uint64_t at, uint8_t *out, size_t count);
MUST_USE enum err vfs_write(struct vfs_file *file, uint64_t at, struct span bytes);
/** The bytes are on the disk, and what is needed to find them. */
MUST_USE enum err vfs_sync(struct vfs_file *file);

/** ERR_OK: there is such a file; ERR_NOT_FOUND; ERR_IO: the disk does not say. */
MUST_USE enum err vfs_look(const char *vfs, const char *path);
/** A new file, mode 0600, whole or not at all, synced with its directory. ERR_EXISTS. */
MUST_USE enum err vfs_create(const char *vfs, const char *path, struct span bytes);
/** Sync `from` and give it the name `to`, synced with its directory. */
MUST_USE enum err vfs_move(const char *vfs, const char *from, const char *to);
/** True when there was one. */
bool vfs_remove(const char *vfs, const char *path);
MUST_USE enum err vfs_make_dir(const char *vfs, const char *path);

#endif
