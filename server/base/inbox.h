/**
 * base/inbox: a bounded queue of pointers between threads. Full means refuse, never grow. Putting a
 * job hands over its memory; on ERR_BUSY or ERR_CLOSED it stays the caller's.
 */
#ifndef BASE_INBOX_H
#define BASE_INBOX_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inbox;

MUST_USE struct inbox *inbox_new(size_t jobs_max);
/** The queue must be empty of jobs that own memory: take them out first. */
void inbox_free(struct inbox *inbox);

/** Any thread; never blocks. ERR_BUSY when full, ERR_CLOSED after inbox_close(). */
MUST_USE enum err inbox_put(struct inbox *inbox, void *job);
/** Wait up to `wait_ms` (negative: for ever) and take the oldest job; NULL on time-out, or when
 * closed and empty. */
void *inbox_take(struct inbox *inbox, int64_t wait_ms);
/** Does a job wait? */
bool inbox_has(struct inbox *inbox);
/** How many do? */
size_t inbox_count(struct inbox *inbox);
/** No further puts; takers get what is left, then NULL. */
void inbox_close(struct inbox *inbox);

#endif
