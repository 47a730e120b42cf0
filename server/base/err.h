/**
 * base/err: the one enum of failures. A function that can fail returns one, and its caller must
 * look.
 *
 * Three kinds are never mixed: a stranger's fault is ERR_REFUSED (or ERR_LIMIT when it was a matter
 * of size), the machine's is ERR_NOMEM, ERR_IO or ERR_DISK_FULL, and our own is an assert.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

enum err {
	ERR_OK = 0,
	ERR_REFUSED,   /* the input is wrong: its sender's fault */
	ERR_LIMIT,     /* the input or the request is over a limit of base/limits.h */
	ERR_NOMEM,     /* no memory */
	ERR_IO,        /* the machine failed: file, socket or database */
	ERR_DISK_FULL, /* no space left on the device */
	ERR_NOT_FOUND, /* there is no such thing here */
	ERR_EXISTS,    /* it is there already, and will not be overwritten */
	ERR_BUSY,      /* a queue is full or a lock is held: try again later */
	ERR_CLOSED,    /* the other side is gone, or we are stopping */
	ERR_TIMEOUT,   /* nothing happened in time */
	ERR_PAUSED,    /* publishing is paused: nothing was signed */
	ERR_NEWER,     /* written by a newer kith than this one */
	ERR_DENIED,    /* the caller may not do this */
	ERR_DAMAGED,   /* a file of ours is not what we wrote */
	ERR_LOCKED,    /* the key waits for its passphrase */
	ERR_COUNT
};

/** A short English text for `err`, static; never NULL, also for values outside the enum. */
const char *err_text(enum err err);

#endif
