/* store/search_ask, search_text, feed/tag: whatever is typed or posted is taken apart within its
 * limits, and what was taken apart lies in what was typed. */
#include "store/search_ask.h"
#include "store/search_text.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_so)
{
	if (!is_so) {
		abort();
	}
}

static bool is_inside(struct span part, const uint8_t *data, size_t size)
{
	return part.len == 0 || (part.at >= data && part.at + part.len <= data + size);
}

static void write_both(struct span text)
{
	struct buf out = BUF_INIT(4 * LIMIT_MESSAGE_BYTES);
	struct buf again = BUF_INIT(4 * LIMIT_MESSAGE_BYTES);
	bool is_open = false;
	if (text.len <= LIMIT_MESSAGE_BYTES) {
		must(search_text_write(text, &out) == ERR_OK);
		must(out.len == 0 || memmem(out.at, out.len, "\xee\x80\x80", 3) == NULL);
		must(search_text_write(text, &again) == ERR_OK);
		must(span_equal(buf_span(&out), buf_span(&again)));
		buf_clear(&out);
		must(search_text_ask(text, &out, &is_open) == ERR_OK);
	}
	buf_fini(&again);
	buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct search_ask ask;
	struct tags tags;
	const struct content_post post = {.text = span_of(data, size)};
	if (search_ask_read(span_of(data, size), 60, &ask) == ERR_OK) {
		for (size_t i = 0; i < ask.count; i++) {
			must(is_inside(ask.parts[i].text, data, size) && ask.parts[i].text.len > 0);
			write_both(ask.parts[i].text);
		}
		must(is_inside(ask.from, data, size) && is_inside(ask.said_about, data, size));
		for (size_t i = 0; i < ask.tag_count; i++) {
			const struct tag tag = tag_normal(span_text(ask.tags[i].text));
			must(tag.text[0] != '\0' && strcmp(tag.text, ask.tags[i].text) == 0);
		}
	}
	write_both(span_of(data, size));
	tag_set_of(&post, &tags);
	must(tags.count <= LIMIT_TAGS_PER_POST && tags.len <= sizeof(tags.at));
	return 0;
}
