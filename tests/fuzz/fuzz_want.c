/* The input is an item of blobs.createWants; what it says, written again, must read as the same. */
#include "base/limits.h"
#include "wire/want.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct told {
	struct buf item;
	size_t count;
};

static bool on_want(void *ctx, const struct blob_id *id, int64_t value)
{
	struct told *told = ctx;
	if (value == 0 || want_add(&told->item, id, value) != ERR_OK) {
		abort();
	}
	told->count++;
	return told->count < LIMIT_BLOB_WANTS_PER_ITEM;
}

static void tell(struct span text, struct told *told)
{
	struct json_doc *doc = NULL;
	*told = (struct told){.item = BUF_INIT(4 * MIB)};
	if (json_parse(text, LIMIT_JSON_DEPTH, &doc) != ERR_OK) {
		return;
	}
	if (want_open(&told->item) != ERR_OK) {
		abort();
	}
	want_each(json_root(doc), on_want, told);
	if (want_close(&told->item) != ERR_OK) {
		abort();
	}
	json_doc_free(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct told first;
	struct told again;
	tell(span_of(data, size), &first);
	if (first.count > 0) {
		tell(buf_span(&first.item), &again);
		assert(again.count == first.count &&
			span_equal(buf_span(&first.item), buf_span(&again.item)));
		buf_fini(&again.item);
	}
	buf_fini(&first.item);
	return 0;
}
