/* Hex and base64. Branches on data are fine here: nothing secret but the key file passes through,
 * and that one never over a wire. */
#include "base/encode.h"

static const char digits[] = "0123456789abcdef";
static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void hex_encode(struct span in, char *out)
{
	for (size_t i = 0; i < in.len; i++) {
		*out++ = digits[in.at[i] >> 4];
		*out++ = digits[in.at[i] & 15];
	}
	*out = '\0';
}

static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	if (c >= 'a' && c <= 'f') {
		return c - 'a' + 10;
	}
	return -1;
}

enum err hex_decode(struct span text, uint8_t *out, size_t count)
{
	if (text.len != 2 * count) {
		return ERR_REFUSED;
	}
	for (size_t i = 0; i < count; i++) {
		int high = hex_value(text.at[2 * i]);
		int low = hex_value(text.at[2 * i + 1]);
		if (high < 0 || low < 0) {
			return ERR_REFUSED;
		}
		out[i] = (uint8_t)(high << 4 | low);
	}
	return ERR_OK;
}

static size_t encode_with(const char *alphabet, bool is_padded, struct span in, char *out)
{
	char *start = out;
	size_t i = 0;
	for (; i + 3 <= in.len; i += 3) {
		uint32_t v = (uint32_t)in.at[i] << 16 | (uint32_t)in.at[i + 1] << 8 | in.at[i + 2];
		*out++ = alphabet[v >> 18];
		*out++ = alphabet[v >> 12 & 63];
		*out++ = alphabet[v >> 6 & 63];
		*out++ = alphabet[v & 63];
	}
	size_t left = in.len - i;
	if (left > 0) {
		uint32_t v = (uint32_t)in.at[i] << 16;
		if (left == 2) {
			v |= (uint32_t)in.at[i + 1] << 8;
		}
		*out++ = alphabet[v >> 18];
		*out++ = alphabet[v >> 12 & 63];
		if (left == 2) {
			*out++ = alphabet[v >> 6 & 63];
		} else if (is_padded) {
			*out++ = '=';
		}
		if (is_padded) {
			*out++ = '=';
		}
	}
	return (size_t)(out - start);
}

/* Value + 1 of each character; 0: none. */
#define LETTERS_AND_DIGITS                                                                      \
	['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, ['G'] = 7, ['H'] = 8, \
	['I'] = 9, ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15,      \
	['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22,     \
	['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29,     \
	['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36,     \
	['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42, ['q'] = 43,     \
	['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49, ['x'] = 50,     \
	['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56, ['4'] = 57,     \
	['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62

static const uint8_t standard_values[256] = {LETTERS_AND_DIGITS, ['+'] = 63, ['/'] = 64};
static const uint8_t url_safe_values[256] = {LETTERS_AND_DIGITS, ['-'] = 63, ['_'] = 64};

/* The whole groups of four at the start of `text`; false at a character of another alphabet. */
static bool decode_groups(const uint8_t *values, struct span text, uint8_t *out)
{
	for (size_t i = 0; i + 4 <= text.len; i += 4) {
		const uint8_t *at = text.at + i;
		uint32_t a = values[at[0]];
		uint32_t b = values[at[1]];
		uint32_t c = values[at[2]];
		uint32_t d = values[at[3]];
		if (a == 0 || b == 0 || c == 0 || d == 0) {
			return false;
		}
		uint32_t v = (a - 1) << 18 | (b - 1) << 12 | (c - 1) << 6 | (d - 1);
		if (out != NULL) {
			*out++ = (uint8_t)(v >> 16);
			*out++ = (uint8_t)(v >> 8);
			*out++ = (uint8_t)v;
		}
	}
	return true;
}

/* Decode unpadded text; with `out` NULL only judge it. */
static enum err decode_with(const uint8_t *values, struct span text, uint8_t *out, size_t *count)
{
	size_t tail = text.len % 4;
	size_t made = text.len / 4 * 3;
	uint32_t v = 0;
	if (tail == 1 || !decode_groups(values, text, out)) {
		return ERR_REFUSED;
	}
	for (size_t i = text.len - tail; i < text.len; i++) {
		if (values[text.at[i]] == 0) {
			return ERR_REFUSED;
		}
		v = v << 6 | (uint32_t)(values[text.at[i]] - 1);
	}
	if ((tail == 2 && (v & 15) != 0) || (tail == 3 && (v & 3) != 0)) {
		return ERR_REFUSED;
	}
	if (tail == 2) {
		if (out != NULL) {
			out[made] = (uint8_t)(v >> 4);
		}
		made += 1;
	} else if (tail == 3) {
		if (out != NULL) {
			out[made] = (uint8_t)(v >> 10);
			out[made + 1] = (uint8_t)(v >> 2);
		}
		made += 2;
	}
	*count = made;
	return ERR_OK;
}

static enum err strip_padding(struct span *text)
{
	if (text->len % 4 != 0) {
		return ERR_REFUSED;
	}
	for (int i = 0; i < 2 && text->len > 0 && text->at[text->len - 1] == '='; i++) {
		text->len--;
	}
	return ERR_OK;
}

size_t base64_encode(struct span in, char *out)
{
	return encode_with(standard, true, in, out);
}

enum err base64_decode(struct span text, uint8_t *out, size_t room, size_t *count)
{
	enum err err = strip_padding(&text);
	if (err != ERR_OK) {
		return err;
	}
	if (text.len * 3 / 4 > room) {
		return ERR_LIMIT;
	}
	return decode_with(standard_values, text, out, count);
}

bool base64_is_canonical(struct span text)
{
	size_t count = 0;
	return strip_padding(&text) == ERR_OK &&
	       decode_with(standard_values, text, NULL, &count) == ERR_OK;
}

size_t base64url_encode(struct span in, char *out)
{
	return encode_with(url_safe, false, in, out);
}

enum err base64url_decode(struct span text, uint8_t *out, size_t room, size_t *count)
{
	if (text.len * 3 / 4 > room) {
		return ERR_LIMIT;
	}
	return decode_with(url_safe_values, text, out, count);
}
