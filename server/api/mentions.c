/*
 * One pass over the text with just enough of Markdown: code fences, indented code, code spans,
 * backslashes, links with their brackets, and bare ids and tags. It finds what ssb-mentions and
 * remark-ssb-mentions find (vectors-extended/mentions.json); where they differ: each mention once,
 * names without "@".
 */
#include "api/mentions.h"

#include "feed/id.h"
#include "feed/json.h"

enum { LINK_TEXT_BYTES_MAX = 1024, UNBOX_BYTES_MAX = 64, ITEM_BYTES_MAX = 4096 };

struct scan {
	struct span text;
	size_t at;
	const struct mentions_known *known;
	struct buf *out;
	struct {
		size_t start, len;
	} items[MENTIONS_MAX]; /* where each mention stands in `out` */
	size_t count;
	enum err err;
};

static bool is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static bool is_word(uint8_t byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= 'a' && byte <= 'z') || byte == '_' || byte == '-' || byte >= 0x80;
}

/* Adding. */

struct said {
	struct span link, name, unbox;
	struct mentions_blob blob;
};

static enum err write_blob(const struct mentions_blob *blob, struct buf *out)
{
	enum err err = ERR_OK;
	if (blob->type != NULL && blob->type[0] != '\0') {
		err = buf_printf(out, ",\"type\":\"%s\"", blob->type);
	}
	if (err == ERR_OK && blob->bytes > 0) {
		err = buf_printf(out, ",\"size\":%llu", (unsigned long long)blob->bytes);
	}
	return err;
}

static enum err write_mention(const struct said *said, struct buf *out)
{
	struct span link = said->link;
	struct span name = said->name;
	struct span unbox = said->unbox;
	enum err err = buf_append_text(out, "{\"link\":");
	if (err == ERR_OK) {
		err = json_write_string(link, out);
	}
	if (err == ERR_OK && name.len > 0) {
		err = buf_append_text(out, ",\"name\":");
		err = err == ERR_OK ? json_write_string(name, out) : err;
	}
	if (err == ERR_OK) {
		err = write_blob(&said->blob, out);
	}
	if (err == ERR_OK && unbox.len > 0) {
		err = buf_append_text(out, ",\"query\":{\"unbox\":");
		err = err == ERR_OK ? json_write_string(unbox, out) : err;
		err = err == ERR_OK ? buf_append_text(out, "}") : err;
	}
	return err == ERR_OK ? buf_append_text(out, "}") : err;
}

static void add(struct scan *scan, const struct said *said)
{
	struct buf item = BUF_INIT(ITEM_BYTES_MAX);
	if (scan->count == MENTIONS_MAX || scan->err != ERR_OK) {
		return;
	}
	enum err err = write_mention(said, &item);
	bool is_new = err == ERR_OK;
	for (size_t i = 0; is_new && i < scan->count; i++) {
		is_new = !span_equal(
			span_of(scan->out->at + scan->items[i].start, scan->items[i].len),
			buf_span(&item));
	}
	if (is_new) {
		err = scan->count == 0 ? ERR_OK : buf_append_text(scan->out, ",");
		scan->items[scan->count].start = scan->out->len;
		scan->items[scan->count].len = item.len;
		err = err == ERR_OK ? buf_append(scan->out, buf_span(&item)) : err;
		scan->count++;
	}
	scan->err = err;
	buf_fini(&item);
}

static void add_feed(struct scan *scan, const struct feed_id *id, struct span name)
{
	char text[FEED_ID_TEXT_BYTES];
	feed_id_format(id, text);
	if (name.len > 0 && name.at[0] == '@') {
		name = span_skip(name, 1);
	}
	add(scan, &(struct said){.link = span_text(text), .name = name});
}

static void add_blob(
	struct scan *scan, const struct blob_id *id, struct span name, struct span unbox)
{
	char text[BLOB_ID_TEXT_BYTES];
	struct said said = {.name = name, .unbox = unbox};
	blob_id_format(id, text);
	said.link = span_text(text);
	if (scan->known != NULL) {
		said.blob = scan->known->look(scan->known->ctx, id, unbox);
	}
	add(scan, &said);
}

/* A link's target that may be an id. %2B and blanks stand for '+' in what some programs write. */
static void add_target(struct scan *scan, struct span target, struct span name)
{
	struct feed_id feed;
	struct message_id message;
	struct blob_id blob;
	char text[MESSAGE_ID_TEXT_BYTES];
	struct span unbox = span_of(NULL, 0);
	const uint8_t *query = target.len == 0 ? NULL : memchr(target.at, '?', target.len);
	if (query != NULL) {
		struct span rest = span_skip(target, (size_t)(query - target.at) + 1);
		if (span_starts_with(rest, "unbox=") && span_ends_with(rest, ".boxs") &&
			rest.len <= UNBOX_BYTES_MAX) {
			unbox = span_skip(rest, 6);
		}
	}
	bool is_sigil = target.len > 44 || span_starts_with(target, "ssb:");
	if (!is_sigil) {
		return;
	}
	if (feed_id_parse_any(target, &feed) == ERR_OK) {
		add_feed(scan, &feed, name);
	} else if (message_id_parse_any(target, &message) == ERR_OK) {
		message_id_format(&message, text);
		add(scan, &(struct said){.link = span_text(text), .name = name});
	} else if (blob_id_parse_any(target, &blob) == ERR_OK) {
		add_blob(scan, &blob, name, unbox);
	}
}

/* Skipping. */

static struct span rest_of(const struct scan *scan)
{
	return span_skip(scan->text, scan->at);
}

static size_t line_length(struct span text)
{
	const uint8_t *end = text.len == 0 ? NULL : memchr(text.at, '\n', text.len);
	return end == NULL ? text.len : (size_t)(end - text.at) + 1;
}

static size_t run_length(struct span text, uint8_t byte)
{
	size_t len = 0;
	while (len < text.len && text.at[len] == byte) {
		len++;
	}
	return len;
}

/* A fence at the start of `line`: its length, and which character; 0 when there is none. */
static size_t fence_length(struct span line, uint8_t *byte)
{
	size_t indent = run_length(line, ' ');
	line = span_skip(line, indent);
	if (indent > 3 || line.len == 0 || (line.at[0] != '`' && line.at[0] != '~')) {
		return 0;
	}
	size_t len = run_length(line, line.at[0]);
	if (len < 3 || (line.at[0] == '`' &&
			       memchr(line.at + len, '`', line_length(line) - len) != NULL)) {
		return 0;
	}
	*byte = line.at[0];
	return len;
}

/* At the start of a line: step over a whole code block. False when there is none. */
static bool skip_fence(struct scan *scan)
{
	uint8_t byte = 0;
	size_t len = fence_length(rest_of(scan), &byte);
	if (len == 0) {
		return false;
	}
	scan->at += line_length(rest_of(scan));
	while (scan->at < scan->text.len) {
		uint8_t end = 0;
		size_t end_len = fence_length(rest_of(scan), &end);
		scan->at += line_length(rest_of(scan));
		if (end_len >= len && end == byte) {
			break;
		}
	}
	return true;
}

static bool is_indented_code(const struct scan *scan, bool was_blank_line)
{
	struct span rest = rest_of(scan);
	return was_blank_line && (span_starts_with(rest, "    ") || span_starts_with(rest, "\t"));
}

/* At a backtick: step over the code span, or over the backticks when nothing closes it. */
static void skip_code(struct scan *scan)
{
	size_t len = run_length(rest_of(scan), '`');
	size_t at = scan->at + len;
	while (at < scan->text.len) {
		struct span rest = span_skip(scan->text, at);
		size_t run = run_length(rest, '`');
		if (run == len) {
			scan->at = at + run;
			return;
		}
		if (span_starts_with(rest, "\n\n")) {
			break;
		}
		at += run > 0 ? run : 1;
	}
	scan->at += len;
}

/* Length of a bracketed part that starts at `text`, with both brackets; 0 when it does not close.
 */
static size_t bracketed(struct span text, uint8_t open, uint8_t close)
{
	size_t depth = 0;
	for (size_t i = 0; i < text.len && i < LINK_TEXT_BYTES_MAX; i++) {
		if (text.at[i] == '\\') {
			i++;
		} else if (text.at[i] == open) {
			depth++;
		} else if (text.at[i] == close && --depth == 0) {
			return i + 1;
		}
	}
	return 0;
}

/* At '[': a whole link [name](target "title"). False when it is not one. */
static bool take_link(struct scan *scan)
{
	struct span rest = rest_of(scan);
	size_t name_len = bracketed(rest, '[', ']');
	struct span tail = span_skip(rest, name_len);
	size_t target_len =
		name_len > 0 && tail.len > 0 && tail.at[0] == '(' ? bracketed(tail, '(', ')') : 0;
	if (target_len < 2) {
		return false;
	}
	struct span name = span_of(rest.at + 1, name_len - 2);
	struct span target = span_of(tail.at + 1, target_len - 2);
	while (target.len > 0 && is_blank(target.at[0])) {
		target = span_skip(target, 1);
	}
	if (target.len > 1 && target.at[0] == '<') {
		target = span_skip(target, 1);
	}
	size_t len = 0;
	while (len < target.len && !is_blank(target.at[len]) && target.at[len] != '>') {
		len++;
	}
	add_target(scan, span_take(target, len), name);
	scan->at += name_len + target_len;
	return true;
}

/* At a sigil: a bare id. False when it is not one. */
static bool take_id(struct scan *scan)
{
	struct span rest = rest_of(scan);
	size_t len = rest.at[0] == '@' ? FEED_ID_TEXT_BYTES - 1 : MESSAGE_ID_TEXT_BYTES - 1;
	struct feed_id feed;
	struct message_id message;
	struct blob_id blob;
	struct span id = span_take(rest, len);
	if (blob_id_parse(id, &blob) == ERR_OK) {
		add_blob(scan, &blob, span_of(NULL, 0), span_of(NULL, 0));
	} else if (feed_id_parse(id, &feed) == ERR_OK || message_id_parse(id, &message) == ERR_OK) {
		add(scan, &(struct said){.link = id});
	} else {
		return false;
	}
	scan->at += len;
	return true;
}

/* At '#' at the start of a word. */
static void take_tag(struct scan *scan)
{
	struct span rest = rest_of(scan);
	size_t len = 1;
	/* General punctuation (U+2000 … U+206F) and the ideographic blank end a tag; all else above
	 * ASCII counts as letters. */
	while (len < rest.len && is_word(rest.at[len]) &&
		!(rest.at[len] == 0xe2 && len + 1 < rest.len &&
			(rest.at[len + 1] == 0x80 || rest.at[len + 1] == 0x81)) &&
		!span_starts_with(span_skip(rest, len), "\xe3\x80\x80")) {
		len++;
	}
	if (len > 1 && len <= MENTION_TAG_BYTES_MAX) {
		add(scan, &(struct said){.link = span_take(rest, len)});
	}
	scan->at += len;
}

static bool is_word_start(const struct scan *scan)
{
	uint8_t before = scan->at == 0 ? ' ' : scan->text.at[scan->at - 1];
	return is_blank(before) || (before != 0 && strchr("([{\"'*_~,;:!?.", before) != NULL);
}

/* Inside a line: one step. */
static void step(struct scan *scan)
{
	uint8_t byte = scan->text.at[scan->at];
	struct span rest = rest_of(scan);
	if (byte == '\\') {
		scan->at += 2;
	} else if (byte == '`') {
		skip_code(scan);
	} else if (byte == '[' && take_link(scan)) {
		return;
	} else if ((byte == '@' || byte == '%' || byte == '&') && take_id(scan)) {
		return;
	} else if (byte == '#' && is_word_start(scan)) {
		take_tag(scan);
	} else if (span_starts_with(rest, "http://") || span_starts_with(rest, "https://")) {
		while (scan->at < scan->text.len && !is_blank(scan->text.at[scan->at]) &&
			scan->text.at[scan->at] != ')') {
			scan->at++;
		}
	} else {
		scan->at++;
	}
}

enum err mentions_find(
	struct span text, const struct mentions_known *known, struct buf *out, size_t *count)
{
	struct scan scan = {.text = text, .known = known, .out = out};
	bool is_line_start = true;
	bool was_blank_line = true;
	enum err err = buf_append_text(out, "[");
	while (err == ERR_OK && scan.err == ERR_OK && scan.at < text.len) {
		if (is_line_start && skip_fence(&scan)) {
			was_blank_line = false;
			continue;
		}
		if (is_line_start && is_indented_code(&scan, was_blank_line)) {
			scan.at += line_length(rest_of(&scan));
			continue;
		}
		if (is_line_start) {
			struct span rest = rest_of(&scan);
			size_t len = line_length(rest);
			was_blank_line = run_length(rest, ' ') + 1 >= len;
		}
		is_line_start = text.at[scan.at] == '\n';
		if (is_line_start) {
			scan.at++;
		} else {
			step(&scan);
		}
	}
	*count = scan.count;
	if (err == ERR_OK) {
		err = scan.err;
	}
	return err == ERR_OK ? buf_append_text(out, "]") : err;
}
