/* The input is an item of ebt.replicate; its notes, written again, must read as the same notes. */
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct told first;
	struct told second;
	tell(span_of(data, size), &first);
	if (first.count > 0) {
		tell(buf_span(&first.item), &second);
		assert(second.count == first.count &&
			span_equal(buf_span(&first.item), buf_span(&second.item)));
		buf_fini(&second.item);
	}
	buf_fini(&first.item);
	return 0;
}
