/* feed/id, base/encode: what is read as an id is written as the very text; the forms for links take
 * all that the strict ones take, those for people all that links have; and one text is one id. */
#include "feed/id.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DECODED_BYTES_MAX = 64 * 1024 };

static void must(bool is_so)
{
	if (!is_so) {
		abort();
	}
}

#define EACH_FORM(kind, KIND)                                                              \
	static bool try_##kind(struct span text)                                           \
	{                                                                                  \
		struct kind##_id strict = {{0}};                                           \
		struct kind##_id link = {{0}};                                             \
		struct kind##_id any = {{0}};                                              \
		struct kind##_id path = {{0}};                                             \
		char written[KIND##_ID_TEXT_BYTES];                                        \
		char short_form[ID_PATH_BYTES];                                            \
		bool is_strict = kind##_id_parse(text, &strict) == ERR_OK;                 \
		bool is_link = kind##_id_parse_link(text, &link) == ERR_OK;                \
		bool is_any = kind##_id_parse_any(text, &any) == ERR_OK;                   \
		must(is_link || !is_strict);                                               \
		must(is_any || !is_link);                                                  \
		if (is_strict) {                                                           \
			kind##_id_format(&strict, written);                                \
			must(span_equal_text(text, written));                              \
			must(kind##_id_equal(&strict, &link));                             \
		}                                                                          \
		if (is_any) {                                                              \
			must(!is_link || kind##_id_equal(&link, &any));                    \
			kind##_id_format(&any, written);                                   \
			must(kind##_id_parse(span_text(written), &strict) == ERR_OK);      \
			must(kind##_id_equal(&strict, &any));                              \
			id_format_path(any.at, short_form);                                \
			must(kind##_id_parse_any(span_text(short_form), &path) == ERR_OK); \
			must(kind##_id_equal(&path, &any));                                \
		}                                                                          \
		return is_link;                                                            \
	}
EACH_FORM(feed, FEED)
EACH_FORM(message, MESSAGE)
EACH_FORM(blob, BLOB)

static void decode(struct span text)
{
	static uint8_t bytes[DECODED_BYTES_MAX];
	static char again[2 * DECODED_BYTES_MAX + 1];
	size_t count = 0;
	bool is_base64 = base64_decode(text, bytes, sizeof(bytes), &count) == ERR_OK;
	must(!is_base64 || base64_is_canonical(text));
	if (is_base64) {
		size_t len = base64_encode(span_of(bytes, count), again);
		must(span_equal(span_of(again, len), text));
	}
	if (base64url_decode(text, bytes, sizeof(bytes), &count) == ERR_OK) {
		size_t len = base64url_encode(span_of(bytes, count), again);
		must(span_equal(span_of(again, len), text));
	}
	if (text.len <= DECODED_BYTES_MAX && hex_decode(text, bytes, text.len / 2) == ERR_OK) {
		hex_encode(span_of(bytes, text.len / 2), again);
		must(span_equal_text(text, again));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of(data, size);
	int kinds = try_feed(text) + try_message(text) + try_blob(text);
	must(kinds <= 1);
	decode(text);
	return 0;
}
