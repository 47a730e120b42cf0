/**
 * base/buf: owned bytes that grow up to a cap given at the start, and never above it.
 *
 * `struct buf b = BUF_INIT(LIMIT_X);` is an empty buffer; buf_fini() frees it and leaves it empty,
 * so it may be called twice. After a failed append the contents are what they were before.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/err.h"
#include "base/span.h"

#include <stdarg.h>

struct buf {
	uint8_t *at; /* NULL while empty */
	size_t len;  /* bytes in use */
	size_t cap;  /* bytes allocated */
	size_t max;  /* bytes at the most */
	size_t skip; /* bytes before `at` that buf_consume() gave up and that a growth wins back */
};

#define BUF_INIT(bytes_max) ((struct buf){.max = (bytes_max)})

void buf_init(struct buf *buf, size_t bytes_max);
void buf_fini(struct buf *buf);
/** As buf_fini() for what nobody may find in memory later. It knows of no copies that growing left
 * behind: reserve all the room first. */
void buf_wipe(struct buf *buf);

/** Errors of the four: ERR_LIMIT (over `max`), ERR_NOMEM. */
MUST_USE enum err buf_append(struct buf *buf, struct span bytes);
MUST_USE enum err buf_append_byte(struct buf *buf, uint8_t byte);
MUST_USE enum err buf_append_text(struct buf *buf, const char *text);
MUST_USE enum err buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);

/** Make room for `count` more bytes and return where they go; count them in with buf_added(). NULL
 * on failure. */
MUST_USE uint8_t *buf_reserve(struct buf *buf, size_t count);
void buf_added(struct buf *buf, size_t count);

/** Drop the first `count` bytes (at most all of them); cheap: nothing is moved until the next
 * growth. */
void buf_consume(struct buf *buf, size_t count);
/** Drop the contents, keep the memory. */
void buf_clear(struct buf *buf);
/** Cut to `len` bytes; `len` must not be above the present length. */
void buf_truncate(struct buf *buf, size_t len);

static inline struct span buf_span(const struct buf *buf)
{
	return span_of(buf->at, buf->len);
}

/**
 * Append one NUL that is not counted in `len` and return the contents as a C string, valid until
 * the next change. NULL when there is no room for the NUL.
 */
MUST_USE const char *buf_cstr(struct buf *buf);

#endif
