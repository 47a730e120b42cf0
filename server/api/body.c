/*
 * Reading clients' JSON with jansson (never messages: those are feed/json's), and making strangers'
 * texts fit for it: jansson refuses what is not UTF-8, and feeds hold lone surrogates.
 */
#include "api/body.h"

#include "base/limits.h"
#include "feed/utf8.h"

#include <malloc.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

bool body_is_shallow(struct span text, unsigned depth_max)
{
	unsigned depth = 0;
	bool is_text = false;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t byte = text.at[i];
		if (is_text) {
			if (byte == '\\') {
				i++;
			} else if (byte == '"') {
				is_text = false;
			}
		} else if (byte == '"') {
			is_text = true;
		} else if (byte == '{' || byte == '[') {
			if (++depth > depth_max) {
				return false;
			}
		} else if ((byte == '}' || byte == ']') && depth > 0) {
			depth--;
		}
	}
	return true;
}

json_t *body_parse(struct span text)
{
	if (text.len == 0 || !body_is_shallow(text, LIMIT_HTTP_BODY_DEPTH)) {
		return NULL;
	}
	json_t *tree = json_loadb(
		(const char *)text.at, text.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	if (!json_is_object(tree)) {
		json_decref(tree);
		return NULL;
	}
	return tree;
}

bool body_has(const json_t *body, const char *name)
{
	const json_t *value = json_object_get(body, name);
	return value != NULL && !json_is_null(value);
}

bool body_text(const json_t *body, const char *name, struct span *out)
{
	const json_t *value = json_object_get(body, name);
	if (!json_is_string(value)) {
		return false;
	}
	*out = span_of(json_string_value(value), json_string_length(value));
	return true;
}

static void wipe_and_free(void *memory)
{
	if (memory != NULL) {
		sodium_memzero(memory, malloc_usable_size(memory));
		free(memory);
	}
}

static void set_wiping(void)
{
	json_set_alloc_funcs(malloc, wipe_and_free);
}

void body_wipe_json(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	(void)pthread_once(&once, set_wiping);
}

static int hex_digit(uint8_t byte)
{
	if (byte >= '0' && byte <= '9') {
		return byte - '0';
	}
	byte |= 0x20;
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static enum err decode(struct span text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		uint8_t byte = text.at[i] == '+' ? ' ' : text.at[i];
		if (byte == '%') {
			int high = i + 2 < text.len ? hex_digit(text.at[i + 1]) : -1;
			int low = i + 2 < text.len ? hex_digit(text.at[i + 2]) : -1;
			if (high < 0 || low < 0) {
				return ERR_REFUSED;
			}
			byte = (uint8_t)(high << 4 | low);
			i += 2;
		}
		enum err err = buf_append_byte(out, byte);
		if (err != ERR_OK) {
			return err;
		}
	}
	return ERR_OK;
}

static bool is_utf8(struct span text)
{
	return utf8_valid_bytes(text, UTF8_STRICT) == text.len;
}

enum err body_clean(struct span text, struct buf *out)
{
	while (text.len > 0) {
		size_t good = utf8_valid_bytes(text, UTF8_STRICT);
		enum err err = buf_append(out, span_take(text, good));
		text = span_skip(text, good);
		if (err != ERR_OK || text.len == 0) {
			return err;
		}
		/* A lone surrogate in three bytes is one wrong character, not three. */
		bool is_surrogate = false;
		bool is_valid = false;
		size_t strict = utf8_step(text, UTF8_STRICT, &is_valid);
		size_t loose = utf8_step(text, UTF8_WTF, &is_surrogate);
		err = buf_append_text(out, UTF8_REPLACEMENT);
		if (err != ERR_OK) {
			return err;
		}
		text = span_skip(text, is_surrogate ? loose : strict);
	}
	return ERR_OK;
}

json_t *body_string(struct span text)
{
	if (is_utf8(text)) {
		return text.len == 0 ? json_string("")
				     : json_stringn_nocheck((const char *)text.at, text.len);
	}
	struct buf clean = BUF_INIT(3 * text.len);
	json_t *value = NULL;
	if (body_clean(text, &clean) == ERR_OK) {
		value = json_stringn_nocheck((const char *)clean.at, clean.len);
	}
	buf_fini(&clean);
	return value;
}

enum err body_query(struct span query, const char *name, struct buf *out)
{
	size_t name_len = strlen(name);
	bool is_found = false;
	size_t start = out->len;
	while (query.len > 0) {
		const uint8_t *ampersand = memchr(query.at, '&', query.len);
		size_t len = ampersand == NULL ? query.len : (size_t)(ampersand - query.at);
		struct span item = span_take(query, len);
		query = span_skip(query, len + 1);
		if (item.len <= name_len || item.at[name_len] != '=' ||
			memcmp(item.at, name, name_len) != 0) {
			continue;
		}
		if (is_found) {
			return ERR_REFUSED;
		}
		is_found = true;
		enum err err = decode(span_skip(item, name_len + 1), out);
		if (err != ERR_OK) {
			return err;
		}
	}
	if (!is_found) {
		return ERR_NOT_FOUND;
	}
	return is_utf8(span_of(out->at == NULL ? NULL : out->at + start, out->len - start))
		       ? ERR_OK
		       : ERR_REFUSED;
}
