/**
 * base/file: small files, whole or not at all, and the lock that keeps a second process out of a
 * data directory. Paths are ours (built from the data directory), never a stranger's.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"

/** Make `path` and its missing parents, mode 0700. An existing directory is fine. ERR_IO with errno
 * set. */
MUST_USE enum err file_make_dir(const char *path);
/** Append the whole file to `out`. ERR_NOT_FOUND, ERR_LIMIT (over out->max), ERR_IO, ERR_NOMEM. */
MUST_USE enum err file_read(const char *path, struct buf *out);
/** Write all of `bytes` to an open file, where it stands. ERR_DISK_FULL, ERR_IO. */
MUST_USE enum err file_write_all(int fd, struct span bytes);
/** Write a new file with `mode`, synced with its directory. ERR_EXISTS when there is one; nothing
 * is left behind on failure. */
MUST_USE enum err file_create(const char *path, struct span bytes, unsigned mode);
/** Replace (or create) a file: temporary file, fsync, rename, fsync of the directory. */
MUST_USE enum err file_replace(const char *path, struct span bytes, unsigned mode);
/** Sync the file `from` and rename it to `to` (in place of what had that name), with the directory
 * of `to`. ERR_NOT_FOUND, ERR_IO. */
MUST_USE enum err file_move(const char *from, const char *to);

/**
 * Take the one lock of a data directory (`DIR/lock`, flock): `*fd` keeps it until it is closed, and
 * the kernel frees it when the process dies. ERR_BUSY when another process has it.
 */
MUST_USE enum err file_lock_dir(const char *dir, int *fd);

#endif
