/**
 * base/span: borrowed bytes. A span never owns, is never NUL-terminated, and may hold NUL bytes.
 * It is valid only as long as what it points into.
 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const uint8_t *at; /* may be NULL when len is 0 */
	size_t len;        /* bytes */
};

static inline struct span span_of(const void *at, size_t len)
{
	return (struct span){.at = (const uint8_t *)at, .len = len};
}

/** The bytes of a C string without its NUL; NULL gives the empty span. */
static inline struct span span_text(const char *text)
{
	return span_of(text, text == NULL ? 0 : strlen(text));
}

static inline bool span_equal(struct span a, struct span b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool span_equal_text(struct span a, const char *text)
{
	return span_equal(a, span_text(text));
}

static inline bool span_starts_with(struct span a, const char *prefix)
{
	size_t len = strlen(prefix);
	return a.len >= len && memcmp(a.at, prefix, len) == 0;
}

static inline bool span_ends_with(struct span a, const char *suffix)
{
	size_t len = strlen(suffix);
	return a.len >= len && memcmp(a.at + (a.len - len), suffix, len) == 0;
}

/** What is left of `a` after its first `count` bytes; `count` above the length gives the empty
 * span. */
static inline struct span span_skip(struct span a, size_t count)
{
	if (count >= a.len) {
		return span_of(NULL, 0);
	}
	return span_of(a.at + count, a.len - count);
}

/** The first `count` bytes of `a`, or all of it when it is shorter. */
static inline struct span span_take(struct span a, size_t count)
{
	return span_of(a.at, count < a.len ? count : a.len);
}

#endif
