/* feed/blob_box, feed/blob_ref: what is sealed in any pieces opens again; what is not sealed is
 * refused and leaves nothing; a text names only what is in it. */
#include "feed/blob_box.h"
#include "feed/blob_ref.h"

#include <sodium.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_so)
{
	if (!is_so) {
		abort();
	}
}

static void seal_and_open(struct span plain, size_t step, const uint8_t key[32])
{
	struct blob_box box;
	struct buf boxed = BUF_INIT(1 << 18);
	struct buf opened = BUF_INIT(1 << 18);
	blob_box_begin(&box, key);
	for (size_t at = 0; at < plain.len; at += step) {
		must(blob_box_seal(&box, span_take(span_skip(plain, at), step), &boxed) == ERR_OK);
	}
	must(blob_box_finish(&box, &boxed) == ERR_OK);
	must(boxed.len == blob_box_bytes(plain.len));
	must(blob_box_open(buf_span(&boxed), key, &opened) == ERR_OK);
	must(span_equal(buf_span(&opened), plain));
	buf_fini(&boxed);
	buf_fini(&opened);
}

static void find_all(struct span text)
{
	struct blob_ref ref;
	size_t at = 0;
	size_t before = 0;
	while (blob_ref_next(text, &at, &ref)) {
		bool is_image = false;
		must(ref.from >= before && ref.to > ref.from && ref.to <= text.len && at == ref.to);
		before = ref.to;
		struct span label = blob_ref_label(text, &ref, &is_image);
		must(label.len == 0 || (label.at >= text.at && label.len < text.len));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t key[32] = {1, 2, 3};
	struct span all = span_of(data, size);
	struct buf opened = BUF_INIT(1 << 18);
	uint8_t parsed[BLOB_BOX_KEY_BYTES];
	if (size < 2 || sodium_init() < 0) {
		return 0;
	}
	struct span rest = span_skip(all, 2);
	if (blob_box_open(rest, key, &opened) != ERR_OK) {
		must(opened.len == 0);
	}
	buf_fini(&opened);
	(void)!blob_box_key_parse(rest, parsed);
	seal_and_open(rest, 1 + (data[0] | (size_t)data[1] << 8), key);
	find_all(rest);
	return 0;
}
