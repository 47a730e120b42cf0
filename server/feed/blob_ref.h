/**
 * feed/blob_ref: blobs that a text names, in all the forms deployed programs write (protocol/07
 * §6):
 * `&<base64>.sha256`, where `+` may be a blank or `%2B` and any other sign escaped too, with or
 * without `?unbox=<key>` behind it, and SSB URIs. The text may be Markdown or JSON; what stands
 * around an id does not matter. Pure.
 */
#ifndef FEED_BLOB_REF_H
#define FEED_BLOB_REF_H

#include "feed/blob_box.h"
#include "feed/id.h"

struct blob_ref {
	struct blob_id id;
	bool has_key; /* it is encrypted, and this opens it */
	uint8_t key[BLOB_BOX_KEY_BYTES];
	size_t from, to; /* bytes of the text: the id and what belongs to it */
};

/** The next one at `*at` or behind it; `*at` is then behind it. False: there is none. */
bool blob_ref_next(struct span text, size_t *at, struct blob_ref *out);

/** What the brackets before it say when it is the target of a Markdown link or image; empty when it
 * is none. */
struct span blob_ref_label(struct span text, const struct blob_ref *ref, bool *is_image);

#endif
