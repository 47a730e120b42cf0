/**
 * wire/note: EBT clock notes (protocol/04 §3.2). A note is −1 (I do not replicate this feed) or
 * (sequence << 1) | (want ? 0 : 1): even means "send me what comes after".
 */
#ifndef WIRE_NOTE_H
#define WIRE_NOTE_H

#include "feed/id.h"
#include "feed/json.h"

struct note {
	bool is_replicated; /* false: −1 */
	bool wants;         /* send me what comes after `sequence` */
	uint64_t sequence;
};

int64_t note_encode(const struct note *note);
/** ERR_REFUSED below −1 or above 2^54. */
MUST_USE enum err note_decode(int64_t value, struct note *out);

/** Is this EBT item a message (author is a feed id, sequence an integer above 0, content truthy)?
 * Everything else is notes. */
bool note_is_message(const struct json *item);
/**
 * Walk the notes of an item, also when wrapped as {"clock":{…}}. Keys that are not feed ids and
 * values that are not notes are skipped. ERR_LIMIT when there are more than LIMIT_NOTE_ENTRIES
 * members: nothing was reported then.
 */
MUST_USE enum err note_each(const struct json *item,
	void (*on_note)(void *ctx, const struct feed_id *feed, const struct note *note), void *ctx);

/** Build an item: note_open, note_add…, note_close. An item without notes is `{}`. */
MUST_USE enum err note_open(struct buf *out);
MUST_USE enum err note_add(struct buf *out, const struct feed_id *feed, const struct note *note);
MUST_USE enum err note_close(struct buf *out);

#endif
