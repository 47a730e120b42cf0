/**
 * store/password: the password of the web port, as argon2id keeps it: the file `password` in the
 * data directory, mode 0600. It is in no backup and opens no key; the directory's owner may remove
 * it.
 */
#ifndef STORE_PASSWORD_H
#define STORE_PASSWORD_H

#include "base/err.h"
#include "base/span.h"

bool password_is_set(const char *dir);
/** Is this it? Takes LIMIT_PASSWORD_WORK_BYTES for a moment. ERR_DENIED: no; ERR_NOT_FOUND: none is
 * set; ERR_NOMEM, ERR_IO. */
MUST_USE enum err password_check(const char *dir, struct span password);
/** In place of the one before. ERR_LIMIT: shorter than LIMIT_PASSWORD_BYTES_MIN or longer than
 * LIMIT_PASSWORD_BYTES; ERR_NOMEM, ERR_DISK_FULL, ERR_IO. */
MUST_USE enum err password_set(const char *dir, struct span password);
/** ERR_NOT_FOUND, ERR_IO. */
MUST_USE enum err password_remove(const char *dir);

#endif
