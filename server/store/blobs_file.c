/*
 * The folder of blobs: 256 folders by the first byte of the id, in each a file named by the other
 * 31, and beside them those that are still written. A name is made of decoded bytes; every step is
 * taken with openat() and O_NOFOLLOW, so that a link put there leads nowhere.
 */
#include "store/blobs_inside.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err from_errno(void)
{
	if (errno == ENOSPC || errno == EDQUOT) {
		return ERR_DISK_FULL;
	}
	return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
}

static void name_of(
	const struct blob_id *id, char folder[static 3], char name[static BLOB_NAME_BYTES])
{
	hex_encode(span_of(id->at, 1), folder);
	hex_encode(span_of(id->at + 1, ID_BYTES - 1), name);
}

static int open_dir_at(int at, const char *name)
{
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

enum err blob_files_open(struct blobs *blobs)
{
	char *path = store_path(blobs->store, "blobs");
	enum err err = path == NULL ? ERR_NOMEM : ERR_OK;
	if (err == ERR_OK && mkdir(path, 0700) != 0 && errno != EEXIST) {
		err = from_errno();
	}
	if (err == ERR_OK) {
		blobs->root = open_dir_at(AT_FDCWD, path);
		err = blobs->root < 0 ? from_errno() : ERR_OK;
	}
	free(path);
	return err;
}

enum err blob_file_new(struct blobs *blobs, char name[static BLOB_NEW_BYTES], int *fd)
{
	uint64_t number = atomic_fetch_add(&blobs->made, 1);
	(void)snprintf(name, BLOB_NEW_BYTES, "new-%s-%llu", blobs->tag, (unsigned long long)number);
	*fd = openat(blobs->root, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return *fd < 0 ? from_errno() : ERR_OK;
}

void blob_file_drop_new(struct blobs *blobs, const char *name)
{
	(void)unlinkat(blobs->root, name, 0);
}

/* The folder `name`, made when it is missing, and then lasting. */
static enum err take_folder(struct blobs *blobs, const char *name, int *fd)
{
	*fd = open_dir_at(blobs->root, name);
	if (*fd >= 0 || errno != ENOENT) {
		return *fd >= 0 ? ERR_OK : from_errno();
	}
	if (mkdirat(blobs->root, name, 0700) != 0 && errno != EEXIST) {
		return from_errno();
	}
	*fd = open_dir_at(blobs->root, name);
	if (*fd < 0) {
		return from_errno();
	}
	return fsync(blobs->root) == 0 ? ERR_OK : from_errno();
}

enum err blob_file_keep(
	struct blobs *blobs, int fd, const char *name, const struct blob_id *id, bool *was_there)
{
	char folder[3];
	char last[BLOB_NAME_BYTES];
	int dir = -1;
	name_of(id, folder, last);
	enum err err = fsync(fd) == 0 ? ERR_OK : from_errno();
	if (err == ERR_OK) {
		err = take_folder(blobs, folder, &dir);
	}
	if (err == ERR_OK) {
		*was_there = faccessat(dir, last, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
		err = renameat(blobs->root, name, dir, last) == 0 ? ERR_OK : from_errno();
	}
	if (err == ERR_OK && fsync(dir) != 0) {
		err = from_errno();
		if (!*was_there) {
			(void)unlinkat(dir, last, 0);
		}
	}
	if (dir >= 0) {
		(void)close(dir);
	}
	return err;
}

static enum err check_plain(int fd, uint64_t *bytes)
{
	struct stat is;
	if (fstat(fd, &is) != 0 || !S_ISREG(is.st_mode)) {
		return ERR_IO;
	}
	*bytes = (uint64_t)is.st_size;
	return ERR_OK;
}

enum err blob_file_open(struct blobs *blobs, const struct blob_id *id, int *fd, uint64_t *bytes)
{
	char folder[3];
	char last[BLOB_NAME_BYTES];
	name_of(id, folder, last);
	int dir = open_dir_at(blobs->root, folder);
	if (dir < 0) {
		return from_errno();
	}
	/* A pipe that somebody put there must not keep us. */
	*fd = openat(dir, last, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	enum err err = *fd < 0 ? from_errno() : check_plain(*fd, bytes);
	(void)close(dir);
	if (err != ERR_OK && *fd >= 0) {
		(void)close(*fd);
		*fd = -1;
	}
	return err;
}

enum err blob_file_drop(struct blobs *blobs, const struct blob_id *id)
{
	char folder[3];
	char last[BLOB_NAME_BYTES];
	name_of(id, folder, last);
	int dir = open_dir_at(blobs->root, folder);
	if (dir < 0) {
		return errno == ENOENT ? ERR_OK : from_errno();
	}
	bool is_gone = unlinkat(dir, last, 0) == 0 || errno == ENOENT;
	enum err err = is_gone ? ERR_OK : from_errno();
	(void)close(dir);
	return err;
}

static enum err list_folder(DIR *dir, uint8_t first,
	enum err (*on_file)(void *ctx, const struct blob_id *id), void *ctx)
{
	enum err err = ERR_OK;
	struct blob_id id;
	struct dirent *entry;
	id.at[0] = first;
	while (err == ERR_OK && (entry = readdir(dir)) != NULL) {
		if (hex_decode(span_text(entry->d_name), id.at + 1, ID_BYTES - 1) == ERR_OK) {
			err = on_file(ctx, &id);
		}
	}
	return err;
}

enum err blob_files_list(struct blobs *blobs, uint8_t first,
	enum err (*on_file)(void *ctx, const struct blob_id *id), void *ctx)
{
	char folder[3];
	hex_encode(span_of(&first, 1), folder);
	int fd = open_dir_at(blobs->root, folder);
	if (fd < 0) {
		return errno == ENOENT ? ERR_OK : from_errno();
	}
	DIR *dir = fdopendir(fd);
	if (dir == NULL) {
		(void)close(fd);
		return ERR_NOMEM;
	}
	enum err err = list_folder(dir, first, on_file, ctx);
	(void)closedir(dir);
	return err;
}

void blob_files_drop_left(struct blobs *blobs)
{
	char ours[BLOB_NEW_BYTES];
	(void)snprintf(ours, sizeof(ours), "new-%s-", blobs->tag);
	int fd = open_dir_at(blobs->root, ".");
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		if (fd >= 0) {
			(void)close(fd);
		}
		return;
	}
	struct dirent *entry;
	while ((entry = readdir(dir)) != NULL) {
		struct span name = span_text(entry->d_name);
		if (span_starts_with(name, "new-") && !span_starts_with(name, ours)) {
			(void)unlinkat(blobs->root, entry->d_name, 0);
		}
	}
	(void)closedir(dir);
}

enum err blob_file_read(int fd, uint64_t at, uint8_t *into, size_t room, size_t *got)
{
	*got = 0;
	while (*got < room) {
		ssize_t count = pread(fd, into + *got, room - *got, (off_t)(at + *got));
		if (count < 0 && errno == EINTR) {
			continue;
		}
		if (count < 0) {
			return ERR_IO;
		}
		if (count == 0) {
			break;
		}
		*got += (size_t)count;
	}
	return ERR_OK;
}
