/**
 * feed/json: the bounded reader and the one canonical writer of JSON that is signed, hashed or came
 * from a stranger.
 *
 * A document is parsed into a tree that keeps what V8's JSON.parse keeps: object members with the
 * array-index keys first in ascending order, then the others as they came, the last value of a
 * double key at its first place; strings as code units (held here as UTF-8 that may also contain
 * lone surrogates in their three-byte form, "WTF-8"); numbers as doubles. Bytes that are not UTF-8
 * become U+FFFD before parsing, one for each maximal invalid part. Writing a tree gives exactly
 * what JSON.stringify(value) or JSON.stringify(value, null, 2) gives. Source: protocol/01 §4.
 *
 * No name here is one of jansson's, so that a file of api/ or a test may include both, and no
 * symbol stands in for one of the library's.
 *
 * Nodes are borrowed from their document. No clock, no locale, no recursion deeper than
 * LIMIT_JSON_DEPTH.
 */
#ifndef FEED_JSON_H
#define FEED_JSON_H

#include "base/buf.h"

enum json_kind {
	JSON_KIND_NULL,
	JSON_KIND_FALSE,
	JSON_KIND_TRUE,
	JSON_KIND_NUMBER,
	JSON_KIND_STRING,
	JSON_KIND_ARRAY,
	JSON_KIND_OBJECT
};

struct json_doc;
struct json;

/**
 * Parse one JSON text (white space around it is fine). `depth_max` counts nested arrays and
 * objects: 0 allows only a scalar. Errors: ERR_REFUSED (not JSON), ERR_LIMIT (too deep), ERR_NOMEM.
 * The caller bounds text.len. The text need not outlive the call.
 */
MUST_USE enum err json_parse(struct span text, unsigned depth_max, struct json_doc **out);
void json_doc_free(struct json_doc *doc);
/** As json_doc_free(), for a document that holds a secret: its memory is overwritten first. */
void json_doc_wipe(struct json_doc *doc);
const struct json *json_root(const struct json_doc *doc);

enum json_kind json_kind(const struct json *value);
/** The member `name` of an object; NULL when there is none, when `object` is NULL or is not an
 * object. */
const struct json *json_get(const struct json *object, const char *name);
/** Elements of an array or members of an object; 0 for everything else and for NULL. */
size_t json_count(const struct json *value);
/** Element `i` of an array or value of the i-th member of an object, in canonical order. i must be
 * below json_count(). */
const struct json *json_at(const struct json *value, size_t i);
/** Name of the i-th member of an object, as WTF-8. */
struct span json_name_at(const struct json *object, size_t i);

/** True when `value` (may be NULL) is a string; `*out` is its text as WTF-8. */
bool json_text(const struct json *value, struct span *out);
/** True when `value` (may be NULL) is a number; never NaN; infinite for what JavaScript reads as
 * Infinity. */
bool json_number(const struct json *value, double *out);
/** True when `value` is a number without fraction in ±(2^53 − 1). */
bool json_whole(const struct json *value, int64_t *out);
/** True only for the literal `true`. NULL is not true. */
bool json_says_true(const struct json *value);
/** JavaScript's truthiness: false for NULL (absent), null, false, 0, and "". */
bool json_is_truthy(const struct json *value);

/** Append JSON.stringify(value): what is stored and sent. ERR_LIMIT, ERR_NOMEM. */
MUST_USE enum err json_write_compact(const struct json *value, struct buf *out);
/** Append JSON.stringify(value, null, 2): what is signed and hashed. ERR_LIMIT, ERR_NOMEM. */
MUST_USE enum err json_write_pretty(const struct json *value, struct buf *out);
/** Append `text` (UTF-8 or WTF-8) as a JSON string with its quotes. */
MUST_USE enum err json_write_string(struct span text, struct buf *out);
/** Append a number as V8 prints it. ±Infinity prints `null`. */
MUST_USE enum err json_write_number(double value, struct buf *out);

/**
 * The bytes of the member `name` as they stand in `text`, which must be one JSON object that
 * json_parse() takes; of several members of that name, the last, as in JavaScript. False when there
 * is none. For what is judged by its own bytes: a message in an envelope.
 */
bool json_slice(struct span text, const char *name, struct span *out);

/** UTF-16 code units of a WTF-8 text. */
size_t json_units(struct span text);

#endif
