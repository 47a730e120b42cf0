/**
 * feed/id: the three kinds of 32-byte ids, and their text forms. Different types, so that they
 * cannot be mixed up.
 *
 *   feed     @<base64>.ed25519   53 characters
 *   message  %<base64>.sha256    52
 *   blob     &<base64>.sha256    52
 *
 * Parsing is strict (canonical base64, nothing before or behind). The `_link` forms, for what
 * strangers write into messages, also take SSB URIs and drop a query from `?` on; the `_any` forms,
 * for what our own user says, take moreover the 43 characters of base64url that our paths use.
 * Source: protocol/01 §1.
 */
#ifndef FEED_ID_H
#define FEED_ID_H

#include "base/encode.h"

#define ID_BYTES 32
#define FEED_ID_TEXT_BYTES 54 /* with the NUL */
#define MESSAGE_ID_TEXT_BYTES 53
#define BLOB_ID_TEXT_BYTES 53
#define ID_PATH_BYTES 44 /* base64url without sigil, with the NUL */

struct feed_id {
	uint8_t at[ID_BYTES];
};
struct message_id {
	uint8_t at[ID_BYTES];
};
struct blob_id {
	uint8_t at[ID_BYTES];
};

/** ERR_REFUSED when `text` is not exactly such an id; then `*out` is untouched. */
MUST_USE enum err feed_id_parse(struct span text, struct feed_id *out);
MUST_USE enum err message_id_parse(struct span text, struct message_id *out);
MUST_USE enum err blob_id_parse(struct span text, struct blob_id *out);
MUST_USE enum err feed_id_parse_link(struct span text, struct feed_id *out);
MUST_USE enum err message_id_parse_link(struct span text, struct message_id *out);
MUST_USE enum err blob_id_parse_link(struct span text, struct blob_id *out);
MUST_USE enum err feed_id_parse_any(struct span text, struct feed_id *out);
MUST_USE enum err message_id_parse_any(struct span text, struct message_id *out);
MUST_USE enum err blob_id_parse_any(struct span text, struct blob_id *out);

/** Write the text form and a NUL. */
void feed_id_format(const struct feed_id *id, char text[static FEED_ID_TEXT_BYTES]);
void message_id_format(const struct message_id *id, char text[static MESSAGE_ID_TEXT_BYTES]);
void blob_id_format(const struct blob_id *id, char text[static BLOB_ID_TEXT_BYTES]);
/** Write the base64url form that paths use, and a NUL. */
void id_format_path(const uint8_t id[static ID_BYTES], char text[static ID_PATH_BYTES]);

static inline bool feed_id_equal(const struct feed_id *a, const struct feed_id *b)
{
	return memcmp(a->at, b->at, ID_BYTES) == 0;
}

static inline bool message_id_equal(const struct message_id *a, const struct message_id *b)
{
	return memcmp(a->at, b->at, ID_BYTES) == 0;
}

static inline bool blob_id_equal(const struct blob_id *a, const struct blob_id *b)
{
	return memcmp(a->at, b->at, ID_BYTES) == 0;
}

#endif
