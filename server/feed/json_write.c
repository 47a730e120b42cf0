/* The one writer of what is signed, hashed, stored and sent: JSON.stringify without and with an
 * indent of two blanks. */
#include "base/limits.h"
#include "feed/json_tree.h"
#include "feed/utf8.h"

#include <assert.h>

enum { NO_INDENT = -1 };

/* Bytes that stand for themselves: all but quotes, backslashes, control characters, and the lead
 * byte that surrogates have. */
static const bool is_special[256] = {[0x00] = true,
	[0x01] = true,
	[0x02] = true,
	[0x03] = true,
	[0x04] = true,
	[0x05] = true,
	[0x06] = true,
	[0x07] = true,
	[0x08] = true,
	[0x09] = true,
	[0x0a] = true,
	[0x0b] = true,
	[0x0c] = true,
	[0x0d] = true,
	[0x0e] = true,
	[0x0f] = true,
	[0x10] = true,
	[0x11] = true,
	[0x12] = true,
	[0x13] = true,
	[0x14] = true,
	[0x15] = true,
	[0x16] = true,
	[0x17] = true,
	[0x18] = true,
	[0x19] = true,
	[0x1a] = true,
	[0x1b] = true,
	[0x1c] = true,
	[0x1d] = true,
	[0x1e] = true,
	[0x1f] = true,
	['"'] = true,
	['\\'] = true,
	[0xed] = true};

static enum err put_unit(uint32_t unit, struct buf *out)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t text[6] = {'\\', 'u', digits[unit >> 12 & 15], digits[unit >> 8 & 15],
		digits[unit >> 4 & 15], digits[unit & 15]};
	return buf_append(out, span_of(text, sizeof(text)));
}

static enum err put_ascii(uint8_t c, struct buf *out)
{
	static const char short_form[256] = {['\b'] = 'b',
		['\t'] = 't',
		['\n'] = 'n',
		['\f'] = 'f',
		['\r'] = 'r',
		['"'] = '"',
		['\\'] = '\\'};
	if (short_form[c] == '\0') {
		return put_unit(c, out);
	}
	uint8_t text[2] = {'\\', (uint8_t)short_form[c]};
	return buf_append(out, span_of(text, 2));
}

/* `text` is WTF-8, so a lead byte is followed by its two others. */
static enum err put_special(struct span text, size_t *i, struct buf *out)
{
	const uint8_t *at = text.at + *i;
	if (at[0] != 0xed) {
		*i += 1;
		return put_ascii(at[0], out);
	}
	*i += 3;
	if (at[1] < 0xa0) {
		return buf_append(out, span_of(at, 3));
	}
	return put_unit(0xd000 | (uint32_t)(at[1] & 63) << 6 | (at[2] & 63), out);
}

static enum err put_inside(struct span text, struct buf *out)
{
	for (size_t i = 0; i < text.len;) {
		size_t start = i;
		i += json_plain_bytes(text.at + i, text.len - i);
		while (i < text.len && !is_special[text.at[i]]) {
			i++;
		}
		enum err err = buf_append(out, span_of(text.at + start, i - start));
		if (err == ERR_OK && i < text.len) {
			err = put_special(text, &i, out);
		}
		if (err != ERR_OK) {
			return err;
		}
	}
	return ERR_OK;
}

static enum err put_string(const struct json *value, struct buf *out)
{
	enum err err = buf_append_byte(out, '"');
	if (err == ERR_OK) {
		err = put_inside(span_of(value->text, value->len), out);
	}
	return err == ERR_OK ? buf_append_byte(out, '"') : err;
}

enum err json_write_string(struct span text, struct buf *out)
{
	size_t before = out->len;
	enum err err = buf_append_byte(out, '"');
	while (err == ERR_OK && text.len > 0) {
		size_t count = utf8_valid_bytes(text, UTF8_WTF);
		err = put_inside(span_take(text, count), out);
		text = span_skip(text, count);
		if (err == ERR_OK && text.len > 0) {
			bool is_valid = false;
			text = span_skip(text, utf8_step(text, UTF8_WTF, &is_valid));
			err = buf_append_text(out, UTF8_REPLACEMENT);
		}
	}
	if (err == ERR_OK) {
		err = buf_append_byte(out, '"');
	}
	if (err != ERR_OK) {
		buf_truncate(out, before);
	}
	return err;
}

enum err json_write_number(double value, struct buf *out)
{
	char text[JSON_NUMBER_CHARS];
	return buf_append(out, span_of(text, json_number_print(value, text)));
}

/* A new line and `level` indents; nothing when the text is compact (`level` below 0). */
static enum err put_line(int level, struct buf *out)
{
	static const char blanks[] =
		"\n                                                                "
		"                                                                  ";
	_Static_assert(sizeof(blanks) > 1 + 2 * LIMIT_JSON_DEPTH, "the deepest line fits");
	if (level < 0) {
		return ERR_OK;
	}
	assert(level <= LIMIT_JSON_DEPTH);
	return buf_append(out, span_of(blanks, 1 + 2 * (size_t)level));
}

static enum err put_value(const struct json *value, int level, struct buf *out);

static enum err put_item(const struct json *container, uint32_t i, int level, struct buf *out)
{
	enum err err = i == 0 ? ERR_OK : buf_append_byte(out, ',');
	if (err == ERR_OK) {
		err = put_line(level, out);
	}
	if (err != ERR_OK || container->type == JSON_KIND_ARRAY) {
		return err != ERR_OK ? err : put_value(&container->items[i], level, out);
	}
	err = put_string(&container->items[2 * i], out);
	if (err == ERR_OK) {
		err = buf_append(out, span_of(": ", level < 0 ? 1 : 2));
	}
	return err == ERR_OK ? put_value(&container->items[2 * i + 1], level, out) : err;
}

static enum err put_container(const struct json *value, int level, struct buf *out)
{
	const char *brackets = value->type == JSON_KIND_ARRAY ? "[]" : "{}";
	if (value->len == 0) {
		return buf_append(out, span_of(brackets, 2));
	}
	enum err err = buf_append_byte(out, (uint8_t)brackets[0]);
	for (uint32_t i = 0; i < value->len && err == ERR_OK; i++) {
		err = put_item(value, i, level < 0 ? level : level + 1, out);
	}
	if (err == ERR_OK) {
		err = put_line(level, out);
	}
	return err == ERR_OK ? buf_append_byte(out, (uint8_t)brackets[1]) : err;
}

static enum err put_value(const struct json *value, int level, struct buf *out)
{
	switch (value->type) {
	case JSON_KIND_NULL:
		return buf_append(out, span_of("null", 4));
	case JSON_KIND_FALSE:
		return buf_append(out, span_of("false", 5));
	case JSON_KIND_TRUE:
		return buf_append(out, span_of("true", 4));
	case JSON_KIND_NUMBER:
		return json_write_number(value->number, out);
	case JSON_KIND_STRING:
		return put_string(value, out);
	default:
		return put_container(value, level, out);
	}
}

static enum err write_whole(const struct json *value, int level, struct buf *out)
{
	size_t before = out->len;
	enum err err = put_value(value, level, out);
	if (err != ERR_OK) {
		buf_truncate(out, before);
	}
	return err;
}

enum err json_write_compact(const struct json *value, struct buf *out)
{
	return write_whole(value, NO_INDENT, out);
}

enum err json_write_pretty(const struct json *value, struct buf *out)
{
	return write_whole(value, 0, out);
}
