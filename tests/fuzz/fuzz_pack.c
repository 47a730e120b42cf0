/*
 * store/pack: any bytes on the disk are a body or are refused, and never more than a message's
 * bytes; what a body stands for can be packed again and comes back to the byte. Any bytes taken for
 * a message's text come back too.
 */
#include "base/limits.h"
#include "store/pack.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_fine)
{
	if (!is_fine) {
		abort();
	}
}

static void round_trip(struct span text, const struct feed_id *author, uint64_t sequence)
{
	struct buf body = BUF_INIT(LIMIT_MESSAGE_BYTES);
	struct buf again = BUF_INIT(LIMIT_MESSAGE_BYTES);
	must(pack_body(text, author, sequence, &body) == ERR_OK);
	must(body.len <= text.len);
	must(pack_text(buf_span(&body), author, sequence, &again) == ERR_OK);
	must(span_equal(buf_span(&again), text));
	buf_fini(&body);
	buf_fini(&again);
}

/* The author and the number that the text itself says, so that it is packed. */
static void find_place(struct span text, struct feed_id *author, uint64_t *sequence)
{
	static const char before_id[] = "\"author\":\"";
	static const char before_number[] = "\"sequence\":";
	const uint8_t *at = memmem(text.at, text.len, before_id, sizeof(before_id) - 1);
	struct span id = span_take(
		span_skip(text,
			at == NULL ? text.len : (size_t)(at - text.at) + sizeof(before_id) - 1),
		FEED_ID_TEXT_BYTES - 1);
	if (feed_id_parse(id, author) != ERR_OK) {
		memset(author->at, 0, ID_BYTES);
	}
	at = memmem(text.at, text.len, before_number, sizeof(before_number) - 1);
	*sequence = 0;
	for (size_t i = at == NULL ? text.len : (size_t)(at - text.at) + sizeof(before_number) - 1;
		i < text.len && text.at[i] >= '0' && text.at[i] <= '9' && *sequence < 1U << 30;
		i++) {
		*sequence = *sequence * 10 + (uint64_t)(text.at[i] - '0');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed_id author = {{0}};
	struct buf text = BUF_INIT(8 * LIMIT_MESSAGE_BYTES);
	uint64_t sequence = 1;
	enum err err = pack_text(span_of(data, size), &author, 1, &text);
	must(err == ERR_OK || (err == ERR_DAMAGED && text.len == 0));
	must(text.len <= LIMIT_MESSAGE_BYTES);
	if (err == ERR_OK) {
		round_trip(buf_span(&text), &author, 1);
	}
	buf_fini(&text);
	if (size > 0 && size <= LIMIT_MESSAGE_BYTES && data[0] == '{') {
		find_place(span_of(data, size), &author, &sequence);
		round_trip(span_of(data, size), &author, sequence);
	}
	return 0;
}
