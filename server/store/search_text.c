/* Texts made ready for the full-text engine, whose own idea of a word is a run of letters between
 * other signs. */
#include "store/search_text.h"

#include "feed/utf8.h"

#include <inttypes.h>
#include <stdio.h>

#define MARK_AUTHOR "\xee\x80\x80" /* U+E000 */
#define MARK_TAG "\xee\x80\x81"    /* U+E001 */

struct range {
	uint32_t first, last;
};

static bool is_in(uint32_t point, const struct range *ranges, size_t count)
{
	for (size_t i = 0; i < count && point >= ranges[i].first; i++) {
		if (point <= ranges[i].last) {
			return true;
		}
	}
	return false;
}

bool search_is_run_letter(uint32_t point)
{
	static const struct range scripts[] = {
		{0xe01, 0xe4e},   /* Thai */
		{0xe81, 0xece},   /* Lao */
		{0x1000, 0x103f}, /* Burmese */
		{0x1100, 0x11ff}, /* Hangul, letter by letter */
		{0x1780, 0x17d3}, /* Khmer */
		{0x2e80, 0x2fdf}, /* radicals */
		{0x3005, 0x3007}, /* 々 〆 〇 */
		{0x3041, 0x309a}, /* Hiragana */
		{0x309d, 0x309f},
		{0x30a1, 0x30fa}, /* Katakana */
		{0x30fc, 0x312f}, /* … and Bopomofo */
		{0x3131, 0x318e},
		{0x31a0, 0x31bf},
		{0x31f0, 0x31ff},
		{0x3400, 0x4dbf}, /* Han */
		{0x4e00, 0x9fff},
		{0xac00, 0xd7fb}, /* Hangul */
		{0xf900, 0xfaff},
		{0xff66, 0xff9f},
		{0x1b000, 0x1b16f},
		{0x20000, 0x3ffff},
	};
	return point >= scripts[0].first &&
	       is_in(point, scripts, sizeof(scripts) / sizeof(scripts[0]));
}

static bool is_unseen(uint32_t point)
{
	static const struct range unseen[] = {{0xad, 0xad}, {0x61c, 0x61c}, {0x200c, 0x200f},
		{0x202a, 0x202e}, {0x2060, 0x2069}, {0xfe00, 0xfe0f}, {0xfeff, 0xfeff},
		{0xe0100, 0xe01ef}};
	return is_in(point, unseen, sizeof(unseen) / sizeof(unseen[0]));
}

uint32_t search_point(struct span text, size_t *len)
{
	bool is_valid = false;
	*len = utf8_step(text, UTF8_STRICT, &is_valid);
	if (!is_valid) {
		return 0xfffd;
	}
	uint32_t point = *len == 1 ? text.at[0] : text.at[0] & (0xffU >> (*len + 1));
	for (size_t i = 1; i < *len; i++) {
		point = point << 6 | (text.at[i] & 0x3fU);
	}
	return point;
}

struct writing {
	struct buf *out;
	struct span last; /* the letter of a run that came last */
	size_t run;       /* letters of it */
	enum err err;
};

static void put(struct writing *writing, struct span bytes)
{
	if (writing->err == ERR_OK) {
		writing->err = buf_append(writing->out, bytes);
	}
}

static void end_run(struct writing *writing)
{
	if (writing->run > 0) {
		put(writing, writing->last);
		put(writing, span_of(" ", 1));
		writing->run = 0;
	}
}

static void take_run_letter(struct writing *writing, struct span letter)
{
	if (writing->run > 0) {
		put(writing, writing->last);
		put(writing, letter);
	}
	put(writing, span_of(" ", 1));
	writing->last = letter;
	writing->run++;
}

/* Bytes at the start of `text` that are ASCII but NUL: they go as they are. */
static size_t plain_length(struct span text)
{
	size_t len = 0;
	while (len < text.len && text.at[len] < 0x80 && text.at[len] != 0) {
		len++;
	}
	return len;
}

static void take(struct writing *writing, struct span text)
{
	while (text.len > 0 && writing->err == ERR_OK) {
		size_t len = plain_length(text);
		if (len > 0) {
			end_run(writing);
			put(writing, span_take(text, len));
			text = span_skip(text, len);
			continue;
		}
		uint32_t point = search_point(text, &len);
		struct span letter = span_take(text, len);
		text = span_skip(text, len);
		if (search_is_run_letter(point)) {
			take_run_letter(writing, letter);
		} else if (!is_unseen(point)) {
			bool is_word =
				point != 0 && point != 0xfffd && point != 0xe000 && point != 0xe001;
			end_run(writing);
			put(writing, is_word ? letter : span_of(" ", 1));
		}
	}
}

enum err search_text_write(struct span text, struct buf *out)
{
	struct writing writing = {.out = out};
	take(&writing, text);
	end_run(&writing);
	return writing.err;
}

enum err search_text_ask(struct span text, struct buf *out, bool *is_open)
{
	struct writing writing = {.out = out};
	take(&writing, text);
	*is_open = writing.run == 1;
	writing.run = writing.run > 1 ? 0 : writing.run;
	end_run(&writing);
	return writing.err;
}

void search_mark_author(int64_t feed, char out[static SEARCH_MARK_BYTES])
{
	(void)snprintf(out, SEARCH_MARK_BYTES, MARK_AUTHOR "%" PRId64, feed);
}

void search_mark_tag(const char *tag, char out[static SEARCH_MARK_BYTES])
{
	uint64_t hash = 0xcbf29ce484222325; /* FNV-1a: signs of any kind become one short word */
	for (; *tag != '\0'; tag++) {
		hash = (hash ^ (uint8_t)*tag) * 0x100000001b3;
	}
	(void)snprintf(out, SEARCH_MARK_BYTES, MARK_TAG "%016" PRIx64, hash);
}
