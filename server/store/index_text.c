/* Strangers' texts made safe to stand in one line beside other names. The input is WTF-8, checked
 * by feed/json. */
#include "store/index.h"

#include "feed/utf8.h"

enum { NAME_CHARACTERS_MAX = 64 };

struct letter {
	uint32_t point;
	size_t len;
};

static struct letter first_letter(struct span in)
{
	uint8_t lead = in.at[0];
	size_t len = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	if (len > in.len) {
		return (struct letter){0xfffd, in.len};
	}
	uint32_t point = len == 1 ? lead : lead & (0xffu >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		point = point << 6 | (in.at[i] & 0x3fu);
	}
	bool is_surrogate = point >= 0xd800 && point <= 0xdfff;
	return (struct letter){is_surrogate ? 0xfffd : point, len};
}

static bool is_bidi(uint32_t point)
{
	return point == 0x61c || point == 0x200e || point == 0x200f ||
	       (point >= 0x202a && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
}

static bool is_control(uint32_t point)
{
	return point < 0x20 || (point >= 0x7f && point <= 0x9f) || point == 0xfeff ||
	       (point >= 0xfff9 && point <= 0xfffb) || point == 0x200b || point == 0x2060;
}

static bool is_blank(uint32_t point)
{
	return point == ' ' || (point >= 0x09 && point <= 0x0d) || point == 0x85 || point == 0xa0 ||
	       point == 0x2028 || point == 0x2029 || point == 0x3000;
}

void index_clean_name(struct span in, char out[static 264])
{
	size_t len = 0;
	size_t characters = 0;
	bool is_gap = false;
	while (in.len > 0 && characters < NAME_CHARACTERS_MAX) {
		struct letter letter = first_letter(in);
		in = span_skip(in, letter.len);
		if (is_blank(letter.point)) {
			is_gap = len > 0;
			continue;
		}
		if (is_bidi(letter.point) || is_control(letter.point)) {
			continue;
		}
		if (is_gap && characters + 1 < NAME_CHARACTERS_MAX) {
			out[len++] = ' ';
			characters++;
		}
		is_gap = false;
		len += utf8_put(letter.point, (uint8_t *)out + len);
		characters++;
	}
	out[len] = '\0';
}

void index_clean_text(struct span in, char *out, size_t room)
{
	size_t len = 0;
	while (in.len > 0) {
		struct letter letter = first_letter(in);
		uint8_t bytes[4];
		in = span_skip(in, letter.len);
		if (is_control(letter.point) && letter.point != '\n' && letter.point != '\t') {
			continue;
		}
		size_t count = utf8_put(letter.point, bytes);
		if (len + count + 1 > room) {
			break;
		}
		memcpy(out + len, bytes, count);
		len += count;
	}
	out[len] = '\0';
}
