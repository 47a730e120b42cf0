/*
 * One line, as libsodium writes it: it says with which work it was made, so that an older one is
 * still understood when the limits change.
 */
#include "store/password.h"

#include "base/file.h"
#include "base/limits.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

static bool path_of(const char *dir, char path[static PATH_BYTES])
{
	int len = snprintf(path, PATH_BYTES, "%s/password", dir);
	return len > 0 && len < PATH_BYTES;
}

bool password_is_set(const char *dir)
{
	char path[PATH_BYTES];
	struct stat info;
	return path_of(dir, path) && stat(path, &info) == 0;
}

enum err password_check(const char *dir, struct span password)
{
	char path[PATH_BYTES];
	const char *typed = password.len == 0 ? "" : (const char *)password.at;
	struct buf text = BUF_INIT(crypto_pwhash_STRBYTES);
	enum err err = path_of(dir, path) ? file_read(path, &text) : ERR_LIMIT;
	if (err == ERR_OK && (text.len == 0 || text.at[text.len - 1] != '\n')) {
		err = ERR_IO; /* not one of ours */
	}
	if (err == ERR_OK) {
		text.at[text.len - 1] = '\0';
		errno = 0;
		if (crypto_pwhash_str_verify((const char *)text.at, typed, password.len) != 0) {
			/* It has no memory, or the two are not the same. */
			err = errno == EINVAL ? ERR_DENIED : ERR_NOMEM;
		}
	}
	buf_wipe(&text);
	return err;
}

enum err password_set(const char *dir, struct span password)
{
	char path[PATH_BYTES];
	char text[crypto_pwhash_STRBYTES + 1];
	if (password.len < LIMIT_PASSWORD_BYTES_MIN || password.len > LIMIT_PASSWORD_BYTES ||
		!path_of(dir, path)) {
		return ERR_LIMIT;
	}
	if (crypto_pwhash_str(text, (const char *)password.at, password.len,
		    LIMIT_PASSWORD_WORK_OPS, LIMIT_PASSWORD_WORK_BYTES) != 0) {
		return ERR_NOMEM;
	}
	size_t len = strlen(text);
	text[len] = '\n';
	enum err err = file_replace(path, span_of(text, len + 1), 0600);
	sodium_memzero(text, sizeof(text));
	return err;
}

enum err password_remove(const char *dir)
{
	char path[PATH_BYTES];
	if (!path_of(dir, path)) {
		return ERR_LIMIT;
	}
	if (unlink(path) == 0) {
		return ERR_OK;
	}
	return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
}
