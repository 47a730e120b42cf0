/*
 * Items of blobs.createWants. They come from strangers, may hold any number of ids in any order,
 * and anything else too: what says nothing about a blob is passed over, as JavaScript does.
 */
#include "wire/want.h"

#include <assert.h>
#include <inttypes.h>

void want_each(const struct json *item,
	bool (*on_want)(void *ctx, const struct blob_id *id, int64_t value), void *ctx)
{
	if (item == NULL || json_kind(item) != JSON_KIND_OBJECT) {
		return;
	}
	size_t count = json_count(item);
	for (size_t i = 0; i < count; i++) {
		struct blob_id id;
		int64_t value = 0;
		if (json_whole(json_at(item, i), &value) && value != 0 &&
			blob_id_parse(json_name_at(item, i), &id) == ERR_OK &&
			!on_want(ctx, &id, value)) {
			return;
		}
	}
}

enum err want_open(struct buf *out)
{
	return buf_append_byte(out, '{');
}

enum err want_add(struct buf *out, const struct blob_id *id, int64_t value)
{
	char text[BLOB_ID_TEXT_BYTES];
	blob_id_format(id, text);
	/* The brace tells whether this one is the first: an id holds nothing JSON would escape. */
	assert(out->len > 0);
	return buf_printf(
		out, "%s\"%s\":%" PRId64, out->at[out->len - 1] == '{' ? "" : ",", text, value);
}

enum err want_close(struct buf *out)
{
	return buf_append_byte(out, '}');
}
