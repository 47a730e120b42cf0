/* Owned, capped bytes. Growth doubles, so appending n bytes costs O(n); the cap is checked before
 * memory is asked for. */
#include "base/buf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUF_FIRST_BYTES = 256 };

void buf_init(struct buf *buf, size_t bytes_max)
{
	*buf = BUF_INIT(bytes_max);
}

void buf_fini(struct buf *buf)
{
	if (buf->at != NULL) {
		free(buf->at - buf->skip);
	}
	*buf = BUF_INIT(buf->max);
}

void buf_wipe(struct buf *buf)
{
	if (buf->at != NULL) {
		explicit_bzero(buf->at - buf->skip, buf->skip + buf->cap);
	}
	buf_fini(buf);
}

static void win_back(struct buf *buf)
{
	if (buf->skip == 0) {
		return;
	}
	uint8_t *start = buf->at - buf->skip;
	memmove(start, buf->at, buf->len);
	buf->cap += buf->skip;
	buf->at = start;
	buf->skip = 0;
}

uint8_t *buf_reserve(struct buf *buf, size_t count)
{
	if (count > buf->max || buf->len > buf->max - count) {
		return NULL;
	}
	size_t need = buf->len + count;
	if (buf->at != NULL && need <= buf->cap) {
		return buf->at + buf->len;
	}
	if (buf->at != NULL) {
		win_back(buf);
		if (need <= buf->cap) {
			return buf->at + buf->len;
		}
	}
	size_t cap = buf->cap == 0 ? BUF_FIRST_BYTES : buf->cap;
	while (cap < need) {
		cap *= 2;
	}
	uint8_t *at = realloc(buf->at, cap);
	if (at == NULL) {
		return NULL;
	}
	buf->at = at;
	buf->cap = cap;
	return buf->at + buf->len;
}

void buf_added(struct buf *buf, size_t count)
{
	assert(buf->len + count <= buf->cap);
	buf->len += count;
}

enum err buf_append(struct buf *buf, struct span bytes)
{
	if (bytes.len == 0) {
		return ERR_OK;
	}
	if (bytes.len > buf->max || buf->len > buf->max - bytes.len) {
		return ERR_LIMIT;
	}
	uint8_t *room = buf_reserve(buf, bytes.len);
	if (room == NULL) {
		return ERR_NOMEM;
	}
	memcpy(room, bytes.at, bytes.len);
	buf->len += bytes.len;
	return ERR_OK;
}

enum err buf_append_byte(struct buf *buf, uint8_t byte)
{
	return buf_append(buf, span_of(&byte, 1));
}

enum err buf_append_text(struct buf *buf, const char *text)
{
	return buf_append(buf, span_text(text));
}

enum err buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args;
	va_list again;
	va_start(args, format);
	va_copy(again, args);
	enum err err = ERR_IO;
	int count = vsnprintf(NULL, 0, format, args);
	if (count < 0) {
		goto out;
	}
	err = (size_t)count > buf->max || buf->len > buf->max - (size_t)count ? ERR_LIMIT
									      : ERR_NOMEM;
	if (err == ERR_LIMIT) {
		goto out;
	}
	/* vsnprintf writes a NUL behind the text, which must fit in memory but does not count. */
	size_t max = buf->max;
	buf->max = max + 1;
	uint8_t *room = buf_reserve(buf, (size_t)count + 1);
	buf->max = max;
	if (room == NULL) {
		goto out;
	}
	(void)vsnprintf((char *)room, (size_t)count + 1, format, again);
	buf->len += (size_t)count;
	err = ERR_OK;
out:
	va_end(again);
	va_end(args);
	return err;
}

void buf_consume(struct buf *buf, size_t count)
{
	if (count >= buf->len) {
		buf_clear(buf);
		return;
	}
	buf->at += count;
	buf->skip += count;
	buf->cap -= count;
	buf->len -= count;
}

void buf_clear(struct buf *buf)
{
	if (buf->at != NULL) {
		buf->len = 0;
		win_back(buf);
	}
}

void buf_truncate(struct buf *buf, size_t len)
{
	assert(len <= buf->len);
	buf->len = len;
}

const char *buf_cstr(struct buf *buf)
{
	size_t max = buf->max;
	buf->max = max + 1;
	uint8_t *room = buf_reserve(buf, 1);
	buf->max = max;
	if (room == NULL) {
		return NULL;
	}
	*room = 0;
	return (const char *)buf->at;
}
