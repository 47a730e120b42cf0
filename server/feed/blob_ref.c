/* Finding ids of blobs in texts. An id is read sign by sign, as each may be escaped, and then
 * judged by the strict parser. */
#include "feed/blob_ref.h"

enum { BASE64_ID = BASE64_BYTES(ID_BYTES), LABEL_BYTES_MAX = 1024, URI_BYTES_MAX = 128 };

static int hex_value(uint8_t byte)
{
	if (byte >= '0' && byte <= '9') {
		return byte - '0';
	}
	byte = (uint8_t)(byte | 0x20);
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* The sign at the front of `text`, escaped or not; how many bytes it takes, 0 at the end. */
static size_t sign(struct span text, uint8_t *out)
{
	if (text.len == 0) {
		return 0;
	}
	*out = text.at[0];
	if (text.len >= 3 && text.at[0] == '%' && hex_value(text.at[1]) >= 0 &&
		hex_value(text.at[2]) >= 0) {
		*out = (uint8_t)(hex_value(text.at[1]) << 4 | hex_value(text.at[2]));
		return 3;
	}
	return 1;
}

/* 44 signs of base64 at the front of `text`; how many bytes they take, 0: they are not there. */
static size_t base64_signs(struct span text, char out[static BASE64_ID])
{
	size_t used = 0;
	for (size_t i = 0; i < BASE64_ID; i++) {
		uint8_t byte = 0;
		size_t step = sign(span_skip(text, used), &byte);
		if (step == 0) {
			return 0;
		}
		out[i] = byte == ' ' ? '+' : (char)byte;
		used += step;
	}
	return used;
}

/* 32 bytes in base64 at the front of `text`; how many bytes they take, 0: none. */
static size_t take_bytes(struct span text, uint8_t out[static ID_BYTES])
{
	char signs[BASE64_ID];
	size_t count = 0;
	size_t used = base64_signs(text, signs);
	if (used == 0 ||
		base64_decode(span_of(signs, sizeof(signs)), out, ID_BYTES, &count) != ERR_OK ||
		count != ID_BYTES) {
		return 0;
	}
	return used;
}

/* `?unbox=<key>.boxs` at the front of `text`; how many bytes it takes. */
static size_t take_key(struct span text, struct blob_ref *out)
{
	static const char mark[] = "?unbox=";
	size_t used = strlen(mark);
	if (!span_starts_with(text, mark)) {
		return 0;
	}
	size_t key = take_bytes(span_skip(text, used), out->key);
	if (key == 0) {
		return 0;
	}
	out->has_key = true;
	used += key;
	return used + (span_starts_with(span_skip(text, used), ".boxs") ? strlen(".boxs") : 0);
}

/* An id behind its sigil. */
static size_t take_sigil(struct span text, struct blob_ref *out)
{
	static const char suffix[] = ".sha256";
	size_t used = take_bytes(text, out->id.at);
	return used > 0 && span_starts_with(span_skip(text, used), suffix) ? used + strlen(suffix)
									   : 0;
}

static bool is_uri_sign(uint8_t byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= 'a' && byte <= 'z') || (byte != 0 && strchr(":/_-=", byte) != NULL);
}

static size_t take_uri(struct span text, struct blob_ref *out)
{
	size_t len = 0;
	while (len < text.len && len < URI_BYTES_MAX && is_uri_sign(text.at[len])) {
		len++;
	}
	return blob_id_parse_link(span_take(text, len), &out->id) == ERR_OK ? len : 0;
}

/* What may begin at the front of `text`: the bytes it takes, 0: nothing. */
static size_t take(struct span text, struct blob_ref *out)
{
	size_t used = 0;
	if (text.at[0] == '&') {
		used = take_sigil(span_skip(text, 1), out);
		used += used > 0 ? 1 : 0;
	} else if (span_starts_with(text, "%26")) {
		used = take_sigil(span_skip(text, 3), out);
		used += used > 0 ? 3 : 0;
	} else if (span_starts_with(text, "ssb:")) {
		used = take_uri(text, out);
	}
	return used == 0 ? 0 : used + take_key(span_skip(text, used), out);
}

/* Most texts name none: that is seen without going through them sign by sign. */
static bool may_have(struct span text)
{
	return text.len > 0 && (memchr(text.at, '&', text.len) != NULL ||
				       memmem(text.at, text.len, "%26", 3) != NULL ||
				       memmem(text.at, text.len, "ssb:", 4) != NULL);
}

bool blob_ref_next(struct span text, size_t *at, struct blob_ref *out)
{
	if (!may_have(span_skip(text, *at))) {
		return false;
	}
	for (size_t i = *at; i < text.len; i++) {
		uint8_t byte = text.at[i];
		if (byte != '&' && byte != '%' && byte != 's') {
			continue;
		}
		*out = (struct blob_ref){.from = i};
		size_t used = take(span_skip(text, i), out);
		if (used > 0) {
			out->to = i + used;
			*at = out->to;
			return true;
		}
	}
	return false;
}

struct span blob_ref_label(struct span text, const struct blob_ref *ref, bool *is_image)
{
	size_t end = ref->from;
	*is_image = false;
	if (end > 0 && text.at[end - 1] == '<') {
		end--;
	}
	if (end < 2 || text.at[end - 1] != '(' || text.at[end - 2] != ']') {
		return span_of(NULL, 0);
	}
	end -= 2;
	size_t depth = 1;
	for (size_t at = end; at > 0 && end - at < LABEL_BYTES_MAX; at--) {
		bool is_escaped = at > 1 && text.at[at - 2] == '\\';
		if (text.at[at - 1] == ']' && !is_escaped) {
			depth++;
		} else if (text.at[at - 1] == '[' && !is_escaped && --depth == 0) {
			*is_image = at > 1 && text.at[at - 2] == '!';
			return span_of(text.at + at, end - at);
		}
	}
	return span_of(NULL, 0);
}
