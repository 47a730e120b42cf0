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

/**
 * Read one JSON number from text that ends with a NUL somewhere behind it. Returns the first byte
 * behind the number, or NULL when there is none here.
 */
const uint8_t *json_number_read(const uint8_t *at, double *out);
/** Print as V8 does, without a NUL; returns the number of characters. */
size_t json_number_print(double value, char out[static JSON_NUMBER_CHARS]);

#endif
