/**
 * feed/utf8: is this UTF-8, and where does it stop being so? As WHATWG and Node decode: overlong
 * forms, surrogates and values over U+10FFFF are invalid, and every maximal invalid part stands for
 * one U+FFFD. Source: protocol/01 §4.1.
 */
#ifndef FEED_UTF8_H
#define FEED_UTF8_H

#include "base/err.h"
#include "base/span.h"

#define UTF8_REPLACEMENT "\xef\xbf\xbd"

enum utf8_form {
	UTF8_STRICT, /* UTF-8 */
	UTF8_WTF,    /* also takes lone surrogates in their three-byte form */
};

/**
 * Bytes of the first character of `text`, which must not be empty; `*is_valid` false: bytes of the
 * maximal invalid part it starts with (1 to 3).
 */
size_t utf8_step(struct span text, enum utf8_form form, bool *is_valid);
/** Bytes at the start of `text` that are valid. */
size_t utf8_valid_bytes(struct span text, enum utf8_form form);
/** Write one code point (also a lone surrogate) to `out`, which has 4 bytes of room; returns how
 * many were written. */
size_t utf8_put(uint32_t point, uint8_t *out);

#endif
