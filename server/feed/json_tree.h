/**
 * feed/json, inside: the nodes of a tree. Only the json_*.c files of this folder include this.
 *
 * A node is 16 bytes. The members of an object are pairs of nodes, name then value, in canonical
 * order.
 */
#ifndef FEED_JSON_TREE_H
#define FEED_JSON_TREE_H

#include "feed/json.h"

struct json {
	uint8_t type; /* enum json_kind */
	uint32_t len; /* bytes of a string, elements of an array, members of an object */
	union {
		double number;
		const uint8_t *text; /* WTF-8 */
		struct json *items;  /* `len` elements, or 2 × `len` nodes of an object */
	};
};

struct json_block; /* memory of a document */

struct json_doc {
	struct json root;
	struct json_block *blocks;
};

enum { JSON_NUMBER_CHARS = 32 }; /* room for any printed number */

/**
 * Put `*members` pairs as they came into JavaScript's order and drop doubles; `*members` becomes
 * what is left. ERR_NOMEM. Source: protocol/01 §4.3.
 */
MUST_USE enum err json_order_members(struct json *pairs, size_t *members);

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
/**
 * Of eight bytes: the top bit of the first that does not stand for itself in a JSON string (bits
 * above it mean nothing), or 0. ASCII but control characters, quotes and backslashes stands for
 * itself. Subtracting sets a byte's top bit where it was below, and borrows only reach bytes behind
 * the first such.
 */
static inline uint64_t json_special_bits(uint64_t x)
{
	const uint64_t ones = 0x0101010101010101;
	const uint64_t tops = 0x8080808080808080;
	uint64_t quote = x ^ ones * '"';
	uint64_t slash = x ^ ones * '\\';
	return (((x - ones * 0x20) | (quote - ones) | (slash - ones)) & ~x & tops) | (x & tops);
}
#endif

/** How many bytes at the start of a text stand for themselves in a JSON string. */
static inline size_t json_plain_bytes(const uint8_t *at, size_t len)
{
	size_t i = 0;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	for (; i + 8 <= len; i += 8) {
		uint64_t x = 0;
		memcpy(&x, at + i, 8);
		uint64_t hit = json_special_bits(x);
		if (hit != 0) {
			return i + (size_t)__builtin_ctzll(hit) / 8;
		}
	}
#endif
	while (i < len && at[i] >= 0x20 && at[i] < 0x80 && at[i] != '"' && at[i] != '\\') {
		i++;
	}
	return i;
}

/** The same, and copies them to `out`, where up to seven bytes behind them are overwritten too. */
static inline size_t json_copy_plain(const uint8_t *at, size_t len, uint8_t *out)
{
	size_t i = 0;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	for (; i + 8 <= len; i += 8) {
		uint64_t x = 0;
		memcpy(&x, at + i, 8);
		memcpy(out + i, &x, 8);
		uint64_t hit = json_special_bits(x);
		if (hit != 0) {
			return i + (size_t)__builtin_ctzll(hit) / 8;
		}
	}
#endif
	size_t rest = json_plain_bytes(at + i, len - i);
	memcpy(out + i, at + i, rest);
	return i + rest;
}

/**
 * Read one JSON number from text that ends with a NUL somewhere behind it. Returns the first byte
 * behind the number, or NULL when there is none here.
 */
const uint8_t *json_number_read(const uint8_t *at, double *out);
/** Print as V8 does, without a NUL; returns the number of characters. */
size_t json_number_print(double value, char out[static JSON_NUMBER_CHARS]);

#endif
