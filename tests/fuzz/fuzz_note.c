/* The input is an item of ebt.replicate; its notes, written again, must read as the same notes,
 * also when they are wrapped. */
#include "base/limits.h"
#include "wire/note.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct told {
	struct buf item;
	size_t count;
};

static void on_note(void *ctx, const struct feed_id *feed, const struct note *note)
{
	struct told *told = ctx;
	struct note again;
	if (note_decode(note_encode(note), &again) != ERR_OK ||
		again.is_replicated != note->is_replicated || again.sequence != note->sequence ||
		again.wants != note->wants || note_add(&told->item, feed, note) != ERR_OK) {
		abort();
	}
	told->count++;
}

/* Notes of `text`, written into told->item. */
static void tell(struct span text, struct told *told)
{
	struct json_doc *doc = NULL;
	*told = (struct told){.item = BUF_INIT(4 * MIB)};
	if (json_parse(text, LIMIT_JSON_DEPTH, &doc) != ERR_OK) {
		return;
	}
	if (note_open(&told->item) != ERR_OK ||
		note_each(json_root(doc), on_note, told) != ERR_OK ||
		note_close(&told->item) != ERR_OK) {
		assert(json_count(json_root(doc)) > LIMIT_NOTE_ENTRIES ||
			json_get(json_root(doc), "clock") != NULL);
	}
	(void)note_is_message(json_root(doc));
	json_doc_free(doc);
}

static void must_be_same(const struct told *first, struct span text)
{
	struct told again;
	tell(text, &again);
	assert(again.count == first->count &&
		span_equal(buf_span(&first->item), buf_span(&again.item)));
	buf_fini(&again.item);
}

static void wrap(const struct told *first)
{
	struct buf text = BUF_INIT(4 * MIB);
	enum err err = buf_append(&text, span_text("{\"more\":[1],\"clock\":"));
	if (err == ERR_OK) {
		err = buf_append(&text, buf_span(&first->item));
	}
	if (err == ERR_OK) {
		err = buf_append_byte(&text, '}');
	}
	assert(err == ERR_OK);
	must_be_same(first, buf_span(&text));
	buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct told first;
	tell(span_of(data, size), &first);
	if (first.count > 0) {
		must_be_same(&first, buf_span(&first.item));
		wrap(&first);
	}
	buf_fini(&first.item);
	return 0;
}
