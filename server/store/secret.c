/*
 * The secret file. What is read goes straight into guarded memory; what is written goes into a
 * buffer that has its room beforehand, so that growing leaves no copy, and is wiped afterwards.
 */
#include "store/secret.h"

#include "base/file.h"
#include "base/limits.h"
#include "feed/wrap.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, PATH_TRIES = 100 };

/* The whole file in memory from sodium_malloc. */
struct text {
	size_t len;
	uint8_t at[LIMIT_SECRET_FILE_BYTES + 1];
};

static bool path_of(const char *dir, const char *name, char path[static PATH_BYTES])
{
	int len = snprintf(path, PATH_BYTES, "%s/%s", dir, name);
	return len > 0 && len < PATH_BYTES;
}

static bool secret_path(const char *dir, char path[static PATH_BYTES], char *why, size_t why_bytes)
{
	if (path_of(dir, "secret", path)) {
		return true;
	}
	(void)snprintf(why, why_bytes, "the path of the data directory is too long");
	return false;
}

/* Reading. */

static enum err open_private(
	const char *dir, const char *path, int *fd, char *why, size_t why_bytes)
{
	struct stat info;
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	if (*fd < 0 || fstat(*fd, &info) != 0) {
		enum err err = errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
		(void)snprintf(why, why_bytes,
			err == ERR_NOT_FOUND ? "there is no key in %s; `kith init` makes one"
					     : "%s cannot be looked into: %s",
			dir, strerror(errno));
		return err;
	}
	if ((info.st_mode & 077) != 0) {
		(void)snprintf(why, why_bytes,
			"%s/secret can be read by others; make it private with: chmod 600 "
			"'%s/secret'",
			dir, dir);
		return ERR_DENIED;
	}
	return ERR_OK;
}

static enum err read_all(int fd, struct text *text)
{
	text->len = 0;
	for (;;) {
		ssize_t count = read(fd, text->at + text->len, sizeof(text->at) - text->len);
		if (count < 0 && errno == EINTR) {
			continue;
		}
		if (count <= 0) {
			return count < 0 ? ERR_IO : ERR_OK;
		}
		text->len += (size_t)count;
		if (text->len > LIMIT_SECRET_FILE_BYTES) {
			return ERR_LIMIT;
		}
	}
}

/* The caller frees `*out` with sodium_free(), which wipes it. */
static enum err read_text(const char *dir, struct text **out, char *why, size_t why_bytes)
{
	char path[PATH_BYTES];
	int fd = -1;
	struct text *text = sodium_malloc(sizeof(*text));
	enum err err = ERR_LIMIT;
	if (text == NULL) {
		(void)snprintf(why, why_bytes, "there is no memory for the key");
		return ERR_NOMEM;
	}
	if (secret_path(dir, path, why, why_bytes)) {
		err = open_private(dir, path, &fd, why, why_bytes);
	}
	if (err == ERR_OK) {
		err = read_all(fd, text);
		if (err != ERR_OK) {
			(void)snprintf(why, why_bytes, "%s/secret: %s", dir,
				err == ERR_LIMIT ? "the secret file is longer than 16 KiB"
						 : strerror(errno));
		}
	}
	if (fd >= 0) {
		(void)close(fd);
	}
	if (err != ERR_OK) {
		sodium_free(text);
		return err;
	}
	*out = text;
	return ERR_OK;
}

static enum err unlock(struct span text, struct span passphrase, struct key **out, const char **why)
{
	if (passphrase.len == 0) {
		*why = "the key is locked with a passphrase";
		return ERR_LOCKED;
	}
	enum err err = wrap_unlock(text, passphrase, out, why);
	return err == ERR_DENIED ? ERR_LOCKED : err;
}

enum err secret_load(
	const char *dir, struct span passphrase, struct key **out, char *why, size_t why_bytes)
{
	struct text *text = NULL;
	const char *reason = NULL;
	enum err err = read_text(dir, &text, why, why_bytes);
	if (err != ERR_OK) {
		return err;
	}
	struct span span = span_of(text->at, text->len);
	err = wrap_is(span) ? unlock(span, passphrase, out, &reason)
			    : key_from_text(span, out, &reason);
	if (err != ERR_OK) {
		(void)snprintf(why, why_bytes, "%s/secret: %s", dir,
			reason != NULL ? reason : err_text(err));
	}
	sodium_free(text);
	return err;
}

enum err secret_look(const char *dir, struct secret_facts *out, char *why, size_t why_bytes)
{
	struct text *text = NULL;
	struct key *key = NULL;
	const char *reason = NULL;
	enum err err = read_text(dir, &text, why, why_bytes);
	if (err != ERR_OK) {
		return err;
	}
	struct span span = span_of(text->at, text->len);
	out->is_wrapped = wrap_is(span);
	if (out->is_wrapped) {
		err = wrap_read_id(span, &out->id, &reason);
	} else {
		err = key_from_text(span, &key, &reason);
		if (err == ERR_OK) {
			out->id = *key_id(key);
		}
	}
	if (err != ERR_OK) {
		(void)snprintf(why, why_bytes, "%s/secret: %s", dir,
			reason != NULL ? reason : err_text(err));
	}
	key_free(key);
	sodium_free(text);
	return err;
}

enum err secret_read_file(const char *path, struct buf *out)
{
	/* All the room at once: growing would leave copies behind. */
	return buf_reserve(out, LIMIT_SECRET_FILE_BYTES) == NULL ? ERR_NOMEM : file_read(path, out);
}

/* Writing. */

static enum err text_of(const struct key *key, struct span passphrase, struct buf *out)
{
	/* All the room at once: growing would leave copies behind. */
	if (buf_reserve(out, LIMIT_SECRET_FILE_BYTES) == NULL) {
		return ERR_NOMEM;
	}
	return passphrase.len == 0 ? key_to_text(key, out)
				   : wrap_lock(key, passphrase, &wrap_cost_usual, out);
}

static void say_why(enum err err, int error, const char *dir, char *why, size_t why_bytes)
{
	if (err == ERR_EXISTS) {
		(void)snprintf(
			why, why_bytes, "there is a key in %s already, and it stays as it is", dir);
	} else if (err == ERR_LIMIT) {
		(void)snprintf(why, why_bytes, "a passphrase has %d to %d characters",
			LIMIT_PASSPHRASE_BYTES_MIN, LIMIT_PASSPHRASE_BYTES);
	} else {
		(void)snprintf(why, why_bytes, "cannot write %s/secret: %s", dir,
			err == ERR_IO ? strerror(error) : err_text(err));
	}
}

enum err secret_create(const char *dir, const struct key *key, char *why, size_t why_bytes)
{
	char path[PATH_BYTES];
	struct buf text = BUF_INIT(LIMIT_SECRET_FILE_BYTES + 1);
	if (!secret_path(dir, path, why, why_bytes)) {
		return ERR_LIMIT;
	}
	enum err err = file_make_dir(dir);
	if (err == ERR_OK) {
		err = text_of(key, span_of(NULL, 0), &text);
	}
	if (err == ERR_OK) {
		err = file_create(path, buf_span(&text), 0600);
	}
	if (err != ERR_OK) {
		say_why(err, errno, dir, why, why_bytes);
	}
	buf_wipe(&text);
	return err;
}

/* The bytes of a file that has no name any more; of one that has, they are somebody else's. The
 * best that can be done: where it fails, the file is gone all the same. Closes `fd`. */
static void overwrite(int fd)
{
	static const uint8_t zeros[4096];
	struct stat info;
	bool is_nameless = fstat(fd, &info) == 0 && info.st_nlink == 0;
	for (off_t at = 0; is_nameless && at < info.st_size; at += (off_t)sizeof(zeros)) {
		off_t left = info.st_size - at;
		size_t len = left < (off_t)sizeof(zeros) ? (size_t)left : sizeof(zeros);
		is_nameless = pwrite(fd, zeros, len, at) == (ssize_t)len;
	}
	(void)fsync(fd);
	(void)close(fd);
}

static void remove_wiped(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	(void)unlink(path);
	if (fd >= 0) {
		overwrite(fd);
	}
}

void secret_tidy(const char *dir)
{
	char path[PATH_BYTES];
	if (path_of(dir, "secret.new", path) && access(path, F_OK) == 0) {
		remove_wiped(path);
	}
}

enum err secret_rewrite(
	const char *dir, const struct key *key, struct span passphrase, char *why, size_t why_bytes)
{
	char path[PATH_BYTES];
	struct buf text = BUF_INIT(LIMIT_SECRET_FILE_BYTES + 1);
	if (!secret_path(dir, path, why, why_bytes)) {
		return ERR_LIMIT;
	}
	int before = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (before < 0) {
		(void)snprintf(why, why_bytes,
			errno == ELOOP ? "%s/secret is a link: put the file itself there first"
				       : "%s/secret cannot be opened for writing",
			dir);
		return errno == ELOOP ? ERR_REFUSED : ERR_IO;
	}
	secret_tidy(dir);
	enum err err = text_of(key, passphrase, &text);
	if (err == ERR_OK) {
		err = file_replace(path, buf_span(&text), 0600);
	}
	if (err != ERR_OK) {
		say_why(err, errno, dir, why, why_bytes);
		(void)close(before);
	} else {
		overwrite(before);
	}
	buf_wipe(&text);
	return err;
}

/* Another key. */

/* What belongs to the key before it, in the order of moving: the fence first, so that the rest is
 * never found beside a fence that vouches for it. */
static const char *const belongings[] = {"fence", "kith.db-shm", "kith.db-wal", "kith.db"};
enum { BELONGINGS = sizeof(belongings) / sizeof(belongings[0]) };

static enum err sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 ? -1 : fsync(fd);
	if (fd >= 0) {
		(void)close(fd);
	}
	return rc == 0 ? ERR_OK : ERR_IO;
}

/* `DIR/replaced-2026-11-22`, or with a number behind it when that is taken. */
static enum err make_attic(const char *dir, int64_t wall_ms, char attic[static PATH_BYTES])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm day;
	if (gmtime_r(&seconds, &day) == NULL) {
		return ERR_IO;
	}
	for (int i = 1; i <= PATH_TRIES; i++) {
		char name[64];
		char number[16] = "";
		if (i > 1) {
			(void)snprintf(number, sizeof(number), "-%d", i);
		}
		(void)snprintf(name, sizeof(name), "replaced-%04d-%02d-%02d%s", day.tm_year + 1900,
			day.tm_mon + 1, day.tm_mday, number);
		if (!path_of(dir, name, attic)) {
			return ERR_LIMIT;
		}
		if (mkdir(attic, 0700) == 0) {
			return ERR_OK;
		}
		if (errno != EEXIST) {
			return ERR_IO;
		}
	}
	return ERR_EXISTS;
}

static enum err move(const char *from_dir, const char *to_dir, const char *name)
{
	char from[PATH_BYTES];
	char to[PATH_BYTES];
	if (!path_of(from_dir, name, from) || !path_of(to_dir, name, to)) {
		return ERR_LIMIT;
	}
	return rename(from, to) == 0 || errno == ENOENT ? ERR_OK : ERR_IO;
}

static enum err move_all(const char *from, const char *to)
{
	enum err err = ERR_OK;
	for (int i = 0; err == ERR_OK && i < BELONGINGS; i++) {
		err = move(from, to, belongings[i]);
	}
	return err == ERR_OK ? sync_dir(to) : err;
}

/* The old secret file gets its second name in the attic; then the new one takes its place. */
static enum err swap_secrets(const char *dir, const char *attic, const char *fresh)
{
	char path[PATH_BYTES];
	char old[PATH_BYTES];
	if (!path_of(dir, "secret", path) || !path_of(attic, "secret", old)) {
		return ERR_LIMIT;
	}
	if (link(path, old) != 0 || sync_dir(attic) != ERR_OK || rename(fresh, path) != 0) {
		return ERR_IO;
	}
	return sync_dir(dir);
}

static enum err move_aside(const char *dir, const char *attic, const char *fresh)
{
	enum err err = move_all(dir, attic);
	if (err == ERR_OK) {
		err = swap_secrets(dir, attic, fresh);
	}
	if (err != ERR_OK) {
		char old[PATH_BYTES];
		int error = errno;
		(void)!move_all(attic, dir);
		if (path_of(attic, "secret", old)) {
			(void)unlink(old); /* its other name is still in place */
		}
		(void)rmdir(attic);
		errno = error;
	}
	return err;
}

enum err secret_replace(
	const char *dir, const struct key *key, int64_t wall_ms, char *why, size_t why_bytes)
{
	char attic[PATH_BYTES];
	char fresh[PATH_BYTES];
	struct buf text = BUF_INIT(LIMIT_SECRET_FILE_BYTES + 1);
	enum err err = path_of(dir, "secret.new", fresh) ? ERR_OK : ERR_LIMIT;
	if (err == ERR_OK) {
		secret_tidy(dir);
		err = text_of(key, span_of(NULL, 0), &text);
	}
	if (err == ERR_OK) {
		err = file_create(fresh, buf_span(&text), 0600);
	}
	if (err == ERR_OK) {
		err = make_attic(dir, wall_ms, attic);
	}
	if (err == ERR_OK) {
		err = move_aside(dir, attic, fresh);
	}
	if (err != ERR_OK) {
		(void)snprintf(why, why_bytes, "the key before it cannot be moved aside in %s: %s",
			dir, err == ERR_IO ? strerror(errno) : err_text(err));
		secret_tidy(dir);
	}
	buf_wipe(&text);
	return err;
}
