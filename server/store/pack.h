/**
 * store/pack, inside: a message as its row of `messages` holds it. What the row knows already (the
 * author, the number) and what is the same in every message (names of fields, ends of ids) is left
 * out; ids, signatures and boxes are their raw bytes. The text that comes back is the same to the
 * byte, by construction: each thing left out or shortened is compared first, and a message of which
 * one cannot be is stored as its text.
 *
 * A body that begins with '{' is text, as all bodies of older databases are. Any other is
 *
 *   form 1, previous 0 or 32, time 1 … 25, signature 64, content
 *
 * where `form` is PACK_FORM and flags. Within the content a byte below 32, which no canonical JSON
 * has, stands for an id, a box or one of the words that contents are full of (pack.c). What a code
 * means never changes: bodies are never written again.
 *
 * `previous` is kept though the row before has it: to fetch that costs a page of posts a third of
 * its time, and one damaged row would take its neighbour along.
 */
#ifndef STORE_PACK_H
#define STORE_PACK_H

#include "base/buf.h"
#include "feed/id.h"

enum {
	PACK_FORM = 0x80,
	PACK_PREVIOUS = 1,     /* there is one */
	PACK_AUTHOR_FIRST = 2, /* the author stands before the sequence */
	PACK_TIME_TEXT = 4,    /* the time is not a plain whole number: one byte of length, text */
	PACK_FLAGS = 7
};

/** Append the body for a message's compact text. ERR_LIMIT, ERR_NOMEM (of `out`). */
MUST_USE enum err pack_body(
	struct span compact, const struct feed_id *author, uint64_t sequence, struct buf *out);
/**
 * Append the compact text that a body stands for. `author` and `sequence` are the row's; with
 * others the text is another one, which no signature fits. ERR_DAMAGED: it is no body, or its text
 * is longer than LIMIT_MESSAGE_BYTES; ERR_LIMIT, ERR_NOMEM (of `out`). After an error `out` is as
 * it was.
 */
MUST_USE enum err pack_text(
	struct span body, const struct feed_id *author, uint64_t sequence, struct buf *out);

/* What a body holds, told without unpacking it. */
enum pack_kind {
	PACK_OPEN,    /* anything but the next two */
	PACK_BOX,     /* a private content, ".box": its bytes are at hand */
	PACK_PRIVATE, /* perhaps another one: the text tells */
};
/** `*box` is borrowed from `body`, and set for PACK_BOX. */
enum pack_kind pack_kind(struct span body, struct span *box);

#endif
