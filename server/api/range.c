/* Ranges and tags of files. What is not understood asks for the whole: that is always right. */
#include "api/range.h"

static struct span trim(struct span text)
{
	while (text.len > 0 && (text.at[0] == ' ' || text.at[0] == '\t')) {
		text = span_skip(text, 1);
	}
	while (text.len > 0 && (text.at[text.len - 1] == ' ' || text.at[text.len - 1] == '\t')) {
		text.len--;
	}
	return text;
}

/* Digits at the front of `text`, taken off it. A number beyond every file counts as just that. */
static bool take_number(struct span *text, uint64_t *out)
{
	size_t len = 0;
	*out = 0;
	while (len < text->len && text->at[len] >= '0' && text->at[len] <= '9') {
		*out = *out > UINT64_MAX / 100 ? UINT64_MAX / 10
					       : *out * 10 + (uint64_t)(text->at[len] - '0');
		len++;
	}
	*text = span_skip(*text, len);
	return len > 0;
}

struct range range_read(struct span header, uint64_t bytes)
{
	const struct range all = {.what = RANGE_ALL, .first = 0, .count = bytes};
	uint64_t first = 0;
	uint64_t last = 0;
	if (!span_starts_with(header, "bytes=")) {
		return all;
	}
	struct span rest = trim(span_skip(header, strlen("bytes=")));
	bool has_first = take_number(&rest, &first);
	if (rest.len == 0 || rest.at[0] != '-') {
		return all;
	}
	rest = span_skip(rest, 1);
	bool has_last = take_number(&rest, &last);
	if (rest.len > 0 || (!has_first && !has_last) || (has_first && has_last && last < first)) {
		return all;
	}
	if (!has_first) {
		/* The last `last` bytes. */
		first = last < bytes ? bytes - last : 0;
		last = last == 0 ? 0 : UINT64_MAX;
	} else if (!has_last) {
		last = UINT64_MAX;
	}
	if (first >= bytes || (!has_first && last == 0)) {
		return (struct range){.what = RANGE_OUTSIDE};
	}
	last = last < bytes ? last : bytes - 1;
	return (struct range){.what = RANGE_PART, .first = first, .count = last - first + 1};
}

bool range_has_etag(struct span header, const char *etag)
{
	if (span_equal_text(header, "*")) {
		return true;
	}
	while (header.len > 0) {
		const uint8_t *comma = memchr(header.at, ',', header.len);
		size_t len = comma == NULL ? header.len : (size_t)(comma - header.at);
		struct span item = trim(span_take(header, len));
		if (span_starts_with(item, "W/")) {
			item = span_skip(item, 2);
		}
		if (span_equal_text(item, etag)) {
			return true;
		}
		header = span_skip(header, len + 1);
	}
	return false;
}
