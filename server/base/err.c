/* Texts for the one enum of failures. */
#include "base/err.h"

#include <stddef.h>

static const char *const texts[ERR_COUNT] = {
	[ERR_OK] = "no error",
	[ERR_REFUSED] = "refused",
	[ERR_LIMIT] = "over a limit",
	[ERR_NOMEM] = "out of memory",
	[ERR_IO] = "input or output failed",
	[ERR_DISK_FULL] = "the disk is full",
	[ERR_NOT_FOUND] = "not found",
	[ERR_EXISTS] = "exists already",
	[ERR_BUSY] = "busy, try again",
	[ERR_CLOSED] = "closed",
	[ERR_TIMEOUT] = "no answer in time",
	[ERR_PAUSED] = "publishing is paused",
	[ERR_NEWER] = "written by a newer version",
	[ERR_DENIED] = "not allowed",
	[ERR_DAMAGED] = "the file is damaged",
	[ERR_LOCKED] = "the key is locked with a passphrase",
};

const char *err_text(enum err err)
{
	if ((unsigned)err >= ERR_COUNT || texts[err] == NULL) {
		return "unknown error";
	}
	return texts[err];
}
