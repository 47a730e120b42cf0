/* Each line passes next_line(), which knows its number, on its way to libinih. */
#include "config/conf.h"

#include "base/limits.h"
#include "feed/utf8.h"

#include <assert.h>
#include <ini.h>
#include <stdio.h>

struct lines {
	struct span left;
	unsigned line; /* the one that libinih has */
	const struct conf_reader *reader;
};

static const char mark[] = "\xef\xbb\xbf";

static void tell_fault(struct lines *lines, const char *why)
{
	lines->reader->on_fault(lines->reader->ctx, lines->line, why);
}

static bool is_text(struct span line)
{
	/* libinih takes a mark of the byte order off the first line too, behind which may stand
	 * what is not looked for here. */
	if (span_starts_with(line, mark)) {
		return false;
	}
	for (size_t i = 0; i < line.len; i++) {
		if ((line.at[i] < ' ' && line.at[i] != '\t') || line.at[i] == 0x7f) {
			return false;
		}
	}
	return utf8_valid_bytes(line, UTF8_STRICT) == line.len;
}

/* What libinih would take in another sense than it was meant, or drop without a word; NULL. */
static const char *why_not(struct span line)
{
	if (line.len > LIMIT_CONF_LINE_BYTES) {
		return "is too long";
	}
	if (!is_text(line)) {
		return "is not plain text";
	}
	while (line.len > 0 && (line.at[0] == ' ' || line.at[0] == '\t')) {
		line = span_skip(line, 1);
	}
	if (line.len == 0 || line.at[0] == '#' || line.at[0] == ';') {
		return NULL;
	}
	if (line.at[0] == '[') {
		return "is a section; kith.conf has none";
	}
	bool is_pair =
		memchr(line.at, '=', line.len) != NULL || memchr(line.at, ':', line.len) != NULL;
	return is_pair ? NULL : "is not `name = value`";
}

/* In the manner of fgets(), for libinih: `room` has space for a line of the limit, a line's end and
 * a NUL. */
static char *next_line(char *room, int size, void *ctx)
{
	struct lines *lines = ctx;
	if (lines->left.len == 0) {
		return NULL;
	}
	const uint8_t *end = memchr(lines->left.at, '\n', lines->left.len);
	size_t len = end == NULL ? lines->left.len : (size_t)(end - lines->left.at);
	struct span line = span_take(lines->left, len);
	lines->left = span_skip(lines->left, end == NULL ? len : len + 1);
	lines->line++;
	if (line.len > 0 && line.at[line.len - 1] == '\r') {
		line.len--;
	}
	const char *why = why_not(line);
	if (why != NULL) {
		tell_fault(lines, why);
		line.len = 0;
	}
	assert(line.len < (size_t)size);
	if (line.len > 0) {
		memcpy(room, line.at, line.len);
	}
	room[line.len] = '\0';
	return room;
}

static int on_pair(void *ctx, const char *section, const char *name, const char *value)
{
	struct lines *lines = ctx;
	(void)section;
	if (name[0] == '\0') {
		tell_fault(lines, "has no name before its =");
	} else {
		lines->reader->on_pair(lines->reader->ctx, lines->line, name, value);
	}
	return 1;
}

enum err conf_read(struct span text, const struct conf_reader *reader)
{
	struct lines lines = {.left = text, .reader = reader};
	if (text.len > LIMIT_CONF_BYTES) {
		return ERR_LIMIT;
	}
	if (span_starts_with(text, mark)) {
		lines.left = span_skip(text, sizeof(mark) - 1); /* some editors begin a file so */
	}
	/* Debian's libinih has these as variables. Its own ways would join an indented line to the
	 * one before it and cut values at a semicolon. */
	ini_use_stack = false;
	ini_max_line = LIMIT_CONF_LINE_BYTES + 3;
	ini_initial_alloc = LIMIT_CONF_LINE_BYTES + 3;
	ini_allow_multiline = false;
	ini_allow_inline_comments = false;
	int code = ini_parse_stream(next_line, &lines, on_pair, &lines);
	assert(code <= 0); /* next_line() let nothing pass that it would complain of */
	return code == 0 ? ERR_OK : ERR_NOMEM;
}
