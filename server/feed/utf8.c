/* UTF-8 by the table of well-formed byte sequences of the Unicode standard (3-7): the first byte
 * tells the range of the second. */
#include "feed/utf8.h"

struct lead {
	uint8_t more;   /* bytes that follow; 0: no character starts like this */
	uint8_t lowest; /* range of the second byte */
	uint8_t highest;
};

static struct lead lead_of(uint8_t c, enum utf8_form form)
{
	if (c >= 0xc2 && c <= 0xdf) {
		return (struct lead){1, 0x80, 0xbf};
	}
	if (c >= 0xe0 && c <= 0xef) {
		uint8_t highest = c == 0xed && form == UTF8_STRICT ? 0x9f : 0xbf;
		return (struct lead){2, c == 0xe0 ? 0xa0 : 0x80, highest};
	}
	if (c >= 0xf0 && c <= 0xf4) {
		return (struct lead){3, c == 0xf0 ? 0x90 : 0x80, c == 0xf4 ? 0x8f : 0xbf};
	}
	return (struct lead){0, 0, 0};
}

size_t utf8_step(struct span text, enum utf8_form form, bool *is_valid)
{
	*is_valid = true;
	if (text.at[0] < 0x80) {
		return 1;
	}
	struct lead lead = lead_of(text.at[0], form);
	*is_valid = false;
	if (lead.more == 0) {
		return 1;
	}
	for (size_t i = 1; i <= lead.more; i++) {
		uint8_t lowest = i == 1 ? lead.lowest : 0x80;
		uint8_t highest = i == 1 ? lead.highest : 0xbf;
		if (i >= text.len || text.at[i] < lowest || text.at[i] > highest) {
			return i;
		}
	}
	*is_valid = true;
	return (size_t)lead.more + 1;
}

size_t utf8_valid_bytes(struct span text, enum utf8_form form)
{
	size_t i = 0;
	while (i < text.len) {
		if (text.at[i] < 0x80) {
			i++;
			continue;
		}
		bool is_valid = false;
		size_t count = utf8_step(span_skip(text, i), form, &is_valid);
		if (!is_valid) {
			return i;
		}
		i += count;
	}
	return i;
}

size_t utf8_put(uint32_t point, uint8_t *out)
{
	if (point < 0x80) {
		out[0] = (uint8_t)point;
		return 1;
	}
	if (point < 0x800) {
		out[0] = (uint8_t)(0xc0 | point >> 6);
		out[1] = (uint8_t)(0x80 | (point & 63));
		return 2;
	}
	if (point < 0x10000) {
		out[0] = (uint8_t)(0xe0 | point >> 12);
		out[1] = (uint8_t)(0x80 | (point >> 6 & 63));
		out[2] = (uint8_t)(0x80 | (point & 63));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | point >> 18);
	out[1] = (uint8_t)(0x80 | (point >> 12 & 63));
	out[2] = (uint8_t)(0x80 | (point >> 6 & 63));
	out[3] = (uint8_t)(0x80 | (point & 63));
	return 4;
}
