/*
 * Opened as a super-journal: for that type the system's VFS takes no locks and guesses no mode from
 * a neighbour's name. It never follows a symbolic link in the last part of a path. What a VFS
 * cannot say (renames, directories, modes) the system is asked directly when it is the system's.
 */
#include "store/vfs.h"

#include "base/file.h"
#include "store/db.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct vfs_file {
	sqlite3_vfs *vfs;
	sqlite3_file *file; /* szOsFile bytes; pMethods is NULL when it is not open */
	char *path;         /* SQLite's rule: it stays until xClose */
};

static sqlite3_vfs *find(const char *name)
{
	db_configure();
	sqlite3_vfs *vfs = sqlite3_vfs_find(name);
	assert(vfs != NULL); /* registered before it is named */
	return vfs;
}

static enum err from_rc(sqlite3_vfs *vfs, int rc)
{
	int error = 0;
	switch (rc & 0xff) {
	case SQLITE_OK:
		return ERR_OK;
	case SQLITE_FULL:
		return ERR_DISK_FULL;
	case SQLITE_NOMEM:
		return ERR_NOMEM;
	default:
		error = vfs->xGetLastError == NULL ? 0 : vfs->xGetLastError(vfs, 0, NULL);
		return error == ENOSPC || error == EDQUOT ? ERR_DISK_FULL : ERR_IO;
	}
}

static enum err open_as(const char *name, const char *path, int flags, struct vfs_file **out)
{
	struct vfs_file *file = calloc(1, sizeof(*file));
	if (file == NULL) {
		return ERR_NOMEM;
	}
	int got = 0;
	enum err err = ERR_NOMEM;
	file->vfs = find(name);
	file->path = strdup(path);
	file->file = calloc(1, (size_t)file->vfs->szOsFile);
	if (file->path != NULL && file->file != NULL) {
		err = from_rc(file->vfs,
			file->vfs->xOpen(file->vfs, file->path, file->file,
				flags | SQLITE_OPEN_READWRITE | SQLITE_OPEN_SUPER_JOURNAL, &got));
	}
	/* The system's VFS opens what may not be written for reading. */
	if (err == ERR_OK && (got & SQLITE_OPEN_READONLY) != 0) {
		err = ERR_IO;
	}
	if (err != ERR_OK) {
		vfs_close(file);
		return err;
	}
	*out = file;
	return ERR_OK;
}

enum err vfs_open(const char *vfs, const char *path, struct vfs_file **out)
{
	enum err err = vfs_look(vfs, path);
	return err == ERR_OK ? open_as(vfs, path, 0, out) : err;
}

void vfs_close(struct vfs_file *file)
{
	if (file == NULL) {
		return;
	}
	if (file->file != NULL && file->file->pMethods != NULL) {
		(void)file->file->pMethods->xClose(file->file);
	}
	free(file->file);
	free(file->path);
	free(file);
}

enum err vfs_read(struct vfs_file *file, uint64_t at, uint8_t *out, size_t count)
{
	int rc = file->file->pMethods->xRead(file->file, out, (int)count, (sqlite3_int64)at);
	return rc == SQLITE_IOERR_SHORT_READ ? ERR_OK : from_rc(file->vfs, rc);
}

enum err vfs_write(struct vfs_file *file, uint64_t at, struct span bytes)
{
	return from_rc(file->vfs, file->file->pMethods->xWrite(
					  file->file, bytes.at, (int)bytes.len, (sqlite3_int64)at));
}

enum err vfs_sync(struct vfs_file *file)
{
	return from_rc(file->vfs,
		file->file->pMethods->xSync(file->file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY));
}

enum err vfs_look(const char *vfs, const char *path)
{
	struct stat is;
	int there = 0;
	if (vfs == NULL) {
		bool is_there = lstat(path, &is) == 0;
		return is_there ? ERR_OK : (errno == ENOENT ? ERR_NOT_FOUND : ERR_IO);
	}
	sqlite3_vfs *found = find(vfs);
	enum err err = from_rc(found, found->xAccess(found, path, SQLITE_ACCESS_EXISTS, &there));
	return err == ERR_OK && there == 0 ? ERR_NOT_FOUND : err;
}

bool vfs_remove(const char *vfs, const char *path)
{
	if (vfs == NULL) {
		return unlink(path) == 0;
	}
	sqlite3_vfs *found = find(vfs);
	return found->xDelete(found, path, 1) == SQLITE_OK;
}

enum err vfs_make_dir(const char *vfs, const char *path)
{
	return vfs == NULL ? file_make_dir(path) : ERR_OK;
}

static enum err move_open(struct vfs_file *file, const char *to)
{
	enum err err =
		from_rc(file->vfs, file->file->pMethods->xSync(file->file, SQLITE_SYNC_NORMAL));
	if (err == ERR_OK) {
		err = from_rc(file->vfs, file->file->pMethods->xFileControl(file->file,
						 VFS_CONTROL_MOVE, (void *)(uintptr_t)to));
	}
	/* The second sync is for the name. */
	return err == ERR_OK ? from_rc(file->vfs,
				       file->file->pMethods->xSync(file->file, SQLITE_SYNC_NORMAL))
			     : err;
}

enum err vfs_move(const char *vfs, const char *from, const char *to)
{
	struct vfs_file *file = NULL;
	if (vfs == NULL) {
		return file_move(from, to);
	}
	enum err err = open_as(vfs, from, 0, &file);
	if (err == ERR_OK) {
		err = move_open(file, to);
	}
	vfs_close(file);
	return err;
}

static enum err create_part(const char *vfs, const char *part, const char *path, struct span bytes)
{
	struct vfs_file *file = NULL;
	(void)vfs_remove(vfs, part);
	enum err err = open_as(vfs, part, SQLITE_OPEN_CREATE | SQLITE_OPEN_EXCLUSIVE, &file);
	if (err == ERR_OK) {
		err = vfs_write(file, 0, bytes);
	}
	if (err == ERR_OK) {
		err = move_open(file, path);
	}
	vfs_close(file);
	if (err != ERR_OK) {
		(void)vfs_remove(vfs, part);
	}
	return err;
}

enum err vfs_create(const char *vfs, const char *path, struct span bytes)
{
	char *part = NULL;
	enum err err = vfs_look(vfs, path);
	if (err != ERR_NOT_FOUND) {
		return err == ERR_OK ? ERR_EXISTS : err;
	}
	if (vfs == NULL) {
		return file_replace(path, bytes, 0600);
	}
	if (asprintf(&part, "%s.new", path) < 0) {
		return ERR_NOMEM;
	}
	err = create_part(vfs, part, path, bytes);
	free(part);
	return err;
}
