/*
 * EBT clock notes (protocol/04 §3.2). The low bit means "do NOT send". JavaScript packs them with
 * 32-bit operations; here they are 64 bits wide, so that sequences above 2^30 stay what they are.
 * Strangers' items hold anything: what is no note is skipped and never ends a session.
 */
#include "wire/note.h"

#include "base/limits.h"

#include <assert.h>
#include <inttypes.h>

#define NOTE_MAX (INT64_C(1) << 54)

int64_t note_encode(const struct note *note)
{
	if (!note->is_replicated) {
		return -1;
	}
	assert(note->sequence <= (uint64_t)NOTE_MAX >> 1);
	return (int64_t)(note->sequence << 1) | (note->wants ? 0 : 1);
}

enum err note_decode(int64_t value, struct note *out)
{
	if (value < -1 || value > NOTE_MAX) {
		return ERR_REFUSED;
	}
	*out = (struct note){.is_replicated = value >= 0};
	if (value >= 0) {
		out->sequence = (uint64_t)value >> 1;
		out->wants = (value & 1) == 0;
	}
	return ERR_OK;
}

static bool is_feed(const struct json *value)
{
	struct span text;
	struct feed_id feed;
	return json_text(value, &text) && feed_id_parse(text, &feed) == ERR_OK;
}

bool note_is_message(const struct json *item)
{
	int64_t sequence = 0;
	return json_whole(json_get(item, "sequence"), &sequence) && sequence > 0 &&
	       is_feed(json_get(item, "author")) && json_is_truthy(json_get(item, "content"));
}

enum err note_each(const struct json *item,
	void (*on_note)(void *ctx, const struct feed_id *feed, const struct note *note), void *ctx)
{
	const struct json *clock = json_get(item, "clock");
	if (clock == NULL || json_kind(clock) != JSON_KIND_OBJECT) {
		clock = item;
	}
	if (clock == NULL || json_kind(clock) != JSON_KIND_OBJECT) {
		return ERR_OK;
	}
	size_t count = json_count(clock);
	if (count > LIMIT_NOTE_ENTRIES) {
		return ERR_LIMIT;
	}
	for (size_t i = 0; i < count; i++) {
		struct feed_id feed;
		struct note note;
		int64_t value = 0;
		if (feed_id_parse(json_name_at(clock, i), &feed) == ERR_OK &&
			json_whole(json_at(clock, i), &value) &&
			note_decode(value, &note) == ERR_OK) {
			on_note(ctx, &feed, &note);
		}
	}
	return ERR_OK;
}

enum err note_open(struct buf *out)
{
	return buf_append_byte(out, '{');
}

enum err note_add(struct buf *out, const struct feed_id *feed, const struct note *note)
{
	char text[FEED_ID_TEXT_BYTES];
	feed_id_format(feed, text);
	/* An id holds nothing that JSON would escape. The item may stand behind others in the
	 * buffer, so the brace tells whether this note is its first. */
	assert(out->len > 0);
	return buf_printf(out, "%s\"%s\":%" PRId64, out->at[out->len - 1] == '{' ? "" : ",", text,
		note_encode(note));
}

enum err note_close(struct buf *out)
{
	return buf_append_byte(out, '}');
}
