/*
 * Tags are compared as ssb-ref compares channels, so that a tag leads to the same posts here and
 * elsewhere. Small letters come from a table of ranges of the Unicode standard: one character
 * becomes one character, which is what matters for comparing. Hashtags in a text are looked for
 * outside of code, at the start of a word, as the deployed renderers do; whoever publishes with
 * this program has them in `mentions` too.
 */
#include "feed/tag.h"

#include "feed/utf8.h"

/* Capital letters: every `step`-th from `first` to `last` has its small letter `up` above it. */
struct capitals {
	uint32_t first, last;
	int32_t up;
	uint32_t step;
};
static const struct capitals capitals[] = {
	{0x41, 0x5a, 32, 1},
	{0xc0, 0xd6, 32, 1},
	{0xd8, 0xde, 32, 1},
	{0x100, 0x12e, 1, 2},
	{0x130, 0x130, -199, 1},
	{0x132, 0x136, 1, 2},
	{0x139, 0x147, 1, 2},
	{0x14a, 0x176, 1, 2},
	{0x178, 0x178, -121, 1},
	{0x179, 0x17d, 1, 2},
	{0x1cd, 0x1db, 1, 2},
	{0x1de, 0x1ee, 1, 2},
	{0x1f8, 0x21e, 1, 2},
	{0x222, 0x232, 1, 2},
	{0x386, 0x386, 38, 1},
	{0x388, 0x38a, 37, 1},
	{0x38c, 0x38c, 64, 1},
	{0x38e, 0x38f, 63, 1},
	{0x391, 0x3a1, 32, 1},
	{0x3a3, 0x3ab, 32, 1},
	{0x3d8, 0x3ee, 1, 2},
	{0x400, 0x40f, 80, 1},
	{0x410, 0x42f, 32, 1},
	{0x460, 0x480, 1, 2},
	{0x48a, 0x4be, 1, 2},
	{0x4c0, 0x4c0, 15, 1},
	{0x4c1, 0x4cd, 1, 2},
	{0x4d0, 0x52e, 1, 2},
	{0x531, 0x556, 48, 1},
	{0x10a0, 0x10c5, 7264, 1},
	{0x1e00, 0x1e94, 1, 2},
	{0x1e9e, 0x1e9e, -7615, 1},
	{0x1ea0, 0x1efe, 1, 2},
	{0x2c00, 0x2c2e, 48, 1},
	{0x2c80, 0x2ce2, 1, 2},
	{0xa640, 0xa66c, 1, 2},
	{0xff21, 0xff3a, 32, 1},
	{0x10400, 0x10427, 40, 1},
	{0x1e900, 0x1e921, 34, 1},
};

uint32_t tag_small_letter(uint32_t point)
{
	for (size_t i = 0; i < sizeof(capitals) / sizeof(capitals[0]); i++) {
		const struct capitals *range = &capitals[i];
		if (point < range->first) {
			return point;
		}
		if (point <= range->last) {
			return (point - range->first) % range->step == 0
				       ? (uint32_t)((int32_t)point + range->up)
				       : point;
		}
	}
	return point;
}

/* The first character of a text that is not empty; 0: it is none. */
static uint32_t first_point(struct span text, size_t *len)
{
	bool is_valid = false;
	*len = utf8_step(text, UTF8_STRICT, &is_valid);
	if (!is_valid) {
		return 0;
	}
	uint32_t point = *len == 1 ? text.at[0] : text.at[0] & (0xffU >> (*len + 1));
	for (size_t i = 1; i < *len; i++) {
		point = point << 6 | (text.at[i] & 0x3fU);
	}
	return point;
}

static bool is_blank(uint32_t point)
{
	return point <= 0x20 || (point >= 0x7f && point <= 0xa0) || point == 0xad ||
	       point == 0x61c || point == 0x1680 || (point >= 0x2000 && point <= 0x200f) ||
	       (point >= 0x2028 && point <= 0x202f) || (point >= 0x205f && point <= 0x206f) ||
	       point == 0x3000 || point == 0xfeff || (point >= 0xfff9 && point <= 0xfffb);
}

static bool is_left_out(uint32_t point)
{
	return is_blank(point) || (point < 0x80 && strchr(",.?!<>()[]\"#", (int)point) != NULL);
}

struct tag tag_normal(struct span spelling)
{
	struct tag tag = {""};
	size_t len = 0;
	size_t units = 0;
	while (spelling.len > 0) {
		size_t step = 0;
		uint32_t point = first_point(spelling, &step);
		spelling = span_skip(spelling, step);
		if (point == 0 || is_left_out(point)) {
			continue;
		}
		point = tag_small_letter(point);
		units += point < 0x10000 ? 1 : 2;
		if (units > LIMIT_TAG_UNITS) {
			break;
		}
		len += utf8_put(point, (uint8_t *)tag.text + len);
	}
	tag.text[len] = '\0';
	return tag;
}
_Static_assert(3 * LIMIT_TAG_UNITS < LIMIT_TAG_BYTES, "three bytes a unit are the most");

const char *tag_set_next(struct span *rest)
{
	const char *tag = (const char *)rest->at;
	if (rest->len == 0) {
		return NULL;
	}
	*rest = span_skip(*rest, strlen(tag) + 1);
	return tag;
}

static void add(struct tags *tags, struct span spelling)
{
	struct span rest = tag_set_span(tags);
	if (tags->count == LIMIT_TAGS_PER_POST || spelling.len == 0) {
		return;
	}
	const struct tag tag = tag_normal(spelling);
	bool is_new = tag.text[0] != '\0';
	for (const char *other = tag_set_next(&rest); is_new && other != NULL;
		other = tag_set_next(&rest)) {
		is_new = strcmp(other, tag.text) != 0;
	}
	if (is_new) {
		size_t len = strlen(tag.text) + 1;
		memcpy(tags->at + tags->len, tag.text, len);
		tags->len += len;
		tags->count++;
	}
}

/* Letters, digits, `_` and `-`. Above ASCII everything but blanks and the usual signs. */
static bool is_tag_letter(uint32_t point)
{
	if (point < 0x80) {
		return (point >= '0' && point <= '9') || (point >= 'A' && point <= 'Z') ||
		       (point >= 'a' && point <= 'z') || point == '_' || point == '-';
	}
	return !is_blank(point) && !(point >= 0xa1 && point <= 0xbf) && point != 0xd7 &&
	       point != 0xf7 && !(point >= 0x2010 && point <= 0x2027) &&
	       !(point >= 0x2030 && point <= 0x205e) && !(point >= 0x3001 && point <= 0x3003) &&
	       !(point >= 0x3008 && point <= 0x3020) && !(point >= 0xff01 && point <= 0xff0f) &&
	       !(point >= 0xff1a && point <= 0xff20) && !(point >= 0xff3b && point <= 0xff65);
}

/* Bytes of a tag without its `#`; 0: none. */
static size_t tag_length(struct span text)
{
	size_t len = 0;
	while (len < text.len) {
		size_t step = 0;
		uint32_t point = first_point(span_skip(text, len), &step);
		if (point == 0 || !is_tag_letter(point)) {
			break;
		}
		len += step;
	}
	return len;
}

static size_t run_length(struct span text, uint8_t byte)
{
	size_t len = 0;
	while (len < text.len && text.at[len] == byte) {
		len++;
	}
	return len;
}

/* Bytes of the code that begins with backticks at the start of `text`; of the backticks alone when
 * nothing closes it. */
static size_t code_length(struct span text)
{
	size_t run = run_length(text, '`');
	for (size_t at = run; at < text.len;) {
		size_t here = run_length(span_skip(text, at), '`');
		if (here == run) {
			return at + here;
		}
		at += here > 0 ? here : 1;
	}
	return run;
}

static bool is_word_start(struct span text, size_t at)
{
	uint8_t before = at == 0 ? ' ' : text.at[at - 1];
	return before <= ' ' || strchr("([{\"'*_~,;:!?.", before) != NULL;
}

static void find_in_text(struct span text, struct tags *tags)
{
	for (size_t at = 0; at < text.len && tags->count < LIMIT_TAGS_PER_POST;) {
		if (text.at[at] == '`') {
			at += code_length(span_skip(text, at));
		} else if (text.at[at] == '#' && is_word_start(text, at)) {
			size_t len = tag_length(span_skip(text, at + 1));
			add(tags, span_take(span_skip(text, at + 1), len));
			at += 1 + len;
		} else {
			at++;
		}
	}
}

void tag_set_of(const struct content_post *post, struct tags *out)
{
	out->len = 0;
	out->count = 0;
	add(out, post->channel);
	for (size_t i = 0; i < post->mention_count; i++) {
		if (post->mentions[i].kind == MENTION_TAG) {
			add(out, post->mentions[i].tag);
		}
	}
	find_in_text(post->text, out);
}
