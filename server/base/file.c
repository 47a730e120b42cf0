/* Small files. Everything that must survive a power cut is synced together with the directory that
 * names it. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_CHUNK_BYTES = 16384 };

static enum err from_errno(void)
{
	if (errno == ENOSPC || errno == EDQUOT) {
		return ERR_DISK_FULL;
	}
	if (errno == ENOENT) {
		return ERR_NOT_FOUND;
	}
	return errno == EEXIST ? ERR_EXISTS : ERR_IO;
}

enum err file_make_dir(const char *path)
{
	char *copy = strdup(path);
	enum err err = ERR_OK;
	if (copy == NULL) {
		return ERR_NOMEM;
	}
	for (char *slash = copy; err == ERR_OK; slash++) {
		if ((*slash != '/' || slash == copy) && *slash != '\0') {
			continue;
		}
		bool is_last = *slash == '\0';
		*slash = '\0';
		if (mkdir(copy, 0700) != 0 && errno != EEXIST) {
			err = ERR_IO;
		}
		if (is_last) {
			break;
		}
		*slash = '/';
	}
	free(copy);
	return err;
}

enum err file_read(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return from_errno();
	}
	enum err err = ERR_OK;
	uint8_t chunk[FILE_CHUNK_BYTES];
	while (err == ERR_OK) {
		ssize_t count = read(fd, chunk, sizeof(chunk));
		if (count < 0 && errno == EINTR) {
			continue;
		}
		if (count <= 0) {
			err = count < 0 ? ERR_IO : ERR_OK;
			break;
		}
		err = buf_append(out, span_of(chunk, (size_t)count));
	}
	explicit_bzero(chunk, sizeof(chunk)); /* it may be a secret that is read */
	(void)close(fd);
	return err;
}

enum err file_write_all(int fd, struct span bytes)
{
	while (bytes.len > 0) {
		ssize_t count = write(fd, bytes.at, bytes.len);
		if (count < 0 && errno == EINTR) {
			continue;
		}
		if (count < 0) {
			return from_errno();
		}
		bytes = span_skip(bytes, (size_t)count);
	}
	return ERR_OK;
}

static enum err sync_parent(const char *path)
{
	char *copy = strdup(path);
	if (copy == NULL) {
		return ERR_NOMEM;
	}
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(copy);
	if (fd < 0) {
		return ERR_IO;
	}
	int rc = fsync(fd);
	(void)close(fd);
	return rc == 0 ? ERR_OK : ERR_IO;
}

enum err file_create(const char *path, struct span bytes, unsigned mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0) {
		return from_errno();
	}
	enum err err = file_write_all(fd, bytes);
	if (err == ERR_OK && fsync(fd) != 0) {
		err = from_errno();
	}
	if (close(fd) != 0 && err == ERR_OK) {
		err = from_errno();
	}
	if (err == ERR_OK) {
		err = sync_parent(path);
	}
	if (err != ERR_OK) {
		(void)unlink(path);
	}
	return err;
}

enum err file_replace(const char *path, struct span bytes, unsigned mode)
{
	char *temporary = NULL;
	if (asprintf(&temporary, "%s.new", path) < 0) {
		return ERR_NOMEM;
	}
	(void)unlink(temporary);
	enum err err = file_create(temporary, bytes, mode);
	if (err == ERR_OK && rename(temporary, path) != 0) {
		err = from_errno();
		(void)unlink(temporary);
	}
	if (err == ERR_OK) {
		err = sync_parent(path);
	}
	free(temporary);
	return err;
}

enum err file_move(const char *from, const char *to)
{
	int fd = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		return from_errno();
	}
	enum err err = fsync(fd) == 0 ? ERR_OK : from_errno();
	(void)close(fd);
	if (err == ERR_OK && rename(from, to) != 0) {
		err = from_errno();
	}
	return err == ERR_OK ? sync_parent(to) : err;
}

enum err file_lock_dir(const char *dir, int *fd)
{
	char *path = NULL;
	if (asprintf(&path, "%s/lock", dir) < 0) {
		return ERR_NOMEM;
	}
	int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	free(path);
	if (lock < 0) {
		return from_errno();
	}
	if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
		enum err err = errno == EWOULDBLOCK ? ERR_BUSY : ERR_IO;
		(void)close(lock);
		return err;
	}
	*fd = lock;
	return ERR_OK;
}
