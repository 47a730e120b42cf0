/* What the tests of wire/ share beyond lib/vectors: bytes of a known size, and comparing spans. */
#ifndef TESTS_WIRE_VECTORS_H
#define TESTS_WIRE_VECTORS_H

#include "lib/cmocka.h"

#include "lib/vectors.h"

#include "base/encode.h"

/* Append the bytes of a hex text. */
static inline void vectors_unhex(const char *hex, struct buf *out)
{
	size_t count = strlen(hex) / 2;
	uint8_t *room = buf_reserve(out, count);
	assert_non_null(room);
	assert_int_equal(hex_decode(span_text(hex), room, count), ERR_OK);
	buf_added(out, count);
}

static inline void vectors_bytes(const json_t *object, const char *name, uint8_t *out, size_t count)
{
	if (hex_decode(span_text(vectors_text(object, name)), out, count) != ERR_OK) {
		fail_msg("%s is not %zu bytes of hex", name, count);
	}
}

static inline void assert_bytes(struct span got, struct span wanted)
{
	assert_int_equal(got.len, wanted.len);
	if (wanted.len > 0) {
		assert_memory_equal(got.at, wanted.at, wanted.len);
	}
}

#endif
