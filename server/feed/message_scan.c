/*
 * Nearly every message arrives exactly as JSON.stringify printed it. Such text is read once: each
 * byte is judged and copied into the pretty text at the same time, line breaks and indents are put
 * between, and the seven fields are picked up on the way. What JSON.stringify would not have
 * printed so (a blank, an escape that need not be, a number of another form, a name that is an
 * array index or stands twice, bytes that are not UTF-8), what is unusual (a name with an escape,
 * \u, many members) and what is wrong ends the scan without a verdict: the tree gives it.
 *
 * The pretty text has room for the whole input and for `slack` bytes more, so that copying needs no
 * check and only what is put between is counted.
 */
#include "feed/json_tree.h"
#include "feed/message_inside.h"
#include "feed/utf8.h"

enum { STRIDE = 8, MEMBERS_MAX = 16, BLANKS_AT_ONCE = 16, NUMBER_BYTES_MAX = 31, DIGITS_SURE = 15 };

struct scan {
	const uint8_t *at, *end;
	uint8_t *out;
	size_t slack;
	bool is_ascii;
};

static uint8_t look(const struct scan *scan)
{
	return scan->at < scan->end ? *scan->at : 0;
}

/* Take `in` and put `out` for it, which is never shorter. */
static inline bool swap(
	struct scan *scan, const char *in, size_t in_len, const char *out, size_t out_len)
{
	if ((size_t)(scan->end - scan->at) < in_len || scan->slack < out_len - in_len ||
		memcmp(scan->at, in, in_len) != 0) {
		return false;
	}
	memcpy(scan->out, out, out_len);
	scan->at += in_len;
	scan->out += out_len;
	scan->slack -= out_len - in_len;
	return true;
}

#define SWAP(scan, in, out) swap(scan, in, sizeof(in) - 1, out, sizeof(out) - 1)
#define TAKE(scan, text) SWAP(scan, text, text)

static void copy(struct scan *scan, size_t count)
{
	memcpy(scan->out, scan->at, count);
	scan->at += count;
	scan->out += count;
}

/* A new line and `level` indents. */
static bool put_line(struct scan *scan, unsigned level)
{
	static const char blanks[] =
		"\n                                                                "
		"                                                                  ";
	_Static_assert(sizeof(blanks) > 1 + 2 * LIMIT_JSON_DEPTH, "the deepest line fits");
	size_t len = 1 + 2 * (size_t)level;
	if (scan->slack < len + BLANKS_AT_ONCE) {
		return false;
	}
	if (len <= BLANKS_AT_ONCE) {
		memcpy(scan->out, blanks, BLANKS_AT_ONCE);
	} else {
		memcpy(scan->out, blanks, len);
	}
	scan->out += len;
	scan->slack -= len;
	return true;
}

static bool scan_escape(struct scan *scan)
{
	static const char letters[] = {'"', '\\', 'b', 'f', 'n', 'r', 't'};
	if (memchr(letters, scan->at[1], sizeof(letters)) == NULL) {
		return false;
	}
	copy(scan, 2);
	return true;
}

static bool scan_character(struct scan *scan)
{
	bool is_valid = false;
	size_t count = utf8_step(
		span_of(scan->at, (size_t)(scan->end - scan->at)), UTF8_STRICT, &is_valid);
	scan->is_ascii = false;
	copy(scan, count);
	return is_valid;
}

/* A string with its quotes; `*text` is what stands between them, as written. The signature stands
 * behind every string but itself, so that a stride never reaches over the end. */
static bool scan_string(struct scan *scan, struct span *text, bool *has_escape)
{
	*has_escape = false;
	if (look(scan) != '"') {
		return false;
	}
	copy(scan, 1);
	const uint8_t *start = scan->at;
	for (;;) {
		size_t left = (size_t)(scan->end - scan->at);
		size_t plain = json_copy_plain(scan->at, left, scan->out);
		scan->at += plain;
		scan->out += plain;
		if (left - plain < STRIDE) {
			return false;
		}
		uint8_t c = *scan->at;
		if (c == '"') {
			*text = span_of(start, (size_t)(scan->at - start));
			copy(scan, 1);
			return true;
		}
		if (c == '\\') {
			*has_escape = true;
		}
		if (c < 0x20 || !(c == '\\' ? scan_escape(scan) : scan_character(scan))) {
			return false;
		}
	}
}

/* Names are compared as they are written, so one with an escape is left to the tree; and one that
 * begins with a digit, for it may be an array index. */
static bool scan_name(struct scan *scan, struct span *names, size_t count)
{
	struct span *name = &names[count];
	bool has_escape = false;
	if (!scan_string(scan, name, &has_escape) || has_escape ||
		(name->len > 0 && name->at[0] >= '0' && name->at[0] <= '9')) {
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		if (span_equal(names[i], *name)) {
			return false;
		}
	}
	return true;
}

/* The bytes that may belong to a number. */
static size_t number_bytes(const struct scan *scan)
{
	size_t left = (size_t)(scan->end - scan->at);
	size_t len = 0;
	while (len < left && len <= NUMBER_BYTES_MAX &&
		((scan->at[len] >= '0' && scan->at[len] <= '9') || scan->at[len] == '-' ||
			scan->at[len] == '+' || scan->at[len] == '.' || scan->at[len] == 'e')) {
		len++;
	}
	return len;
}

/* A whole number that a double holds and prints digit by digit; 0 when it is not so simple. */
static size_t whole_bytes(const struct scan *scan, double *value)
{
	const uint8_t *at = scan->at;
	size_t left = (size_t)(scan->end - at);
	uint64_t whole = 0;
	size_t len = 0;
	while (len < left && len <= DIGITS_SURE && at[len] >= '0' && at[len] <= '9') {
		whole = whole * 10 + (uint64_t)(at[len++] - '0');
	}
	if (len == 0 || len > DIGITS_SURE || len == left || at[len] == '.' || at[len] == 'e' ||
		at[len] == 'E' || (at[0] == '0' && len > 1)) {
		return 0;
	}
	*value = (double)whole;
	return len;
}

/* Any other number is right when reading and printing it gives the same bytes. */
static size_t printed_bytes(const struct scan *scan, double *value)
{
	char printed[JSON_NUMBER_CHARS];
	uint8_t text[NUMBER_BYTES_MAX + 1] = {0};
	size_t len = number_bytes(scan);
	if (len == 0 || len > NUMBER_BYTES_MAX) {
		return 0;
	}
	memcpy(text, scan->at, len);
	if (json_number_read(text, value) != text + len ||
		json_number_print(*value, printed) != len || memcmp(printed, text, len) != 0) {
		return 0;
	}
	return len;
}

static bool scan_number(struct scan *scan, double *value)
{
	size_t len = whole_bytes(scan, value);
	if (len == 0) {
		len = printed_bytes(scan, value);
	}
	copy(scan, len);
	return len > 0;
}

static bool scan_value(struct scan *scan, unsigned depth);

static bool scan_array(struct scan *scan, unsigned depth)
{
	copy(scan, 1);
	if (look(scan) == ']') {
		copy(scan, 1);
		return true;
	}
	for (;;) {
		if (!put_line(scan, depth + 1) || !scan_value(scan, depth + 1)) {
			return false;
		}
		if (look(scan) != ',') {
			break;
		}
		copy(scan, 1);
	}
	return look(scan) == ']' && put_line(scan, depth) && TAKE(scan, "]");
}

/* Behind the name: a value, or the type when `type` is given. */
static bool scan_member(struct scan *scan, struct span name, unsigned depth, struct span *type)
{
	bool has_escape = false;
	if (!SWAP(scan, ":", ": ")) {
		return false;
	}
	if (type != NULL && span_equal_text(name, "type")) {
		return scan_string(scan, type, &has_escape) && !has_escape;
	}
	return scan_value(scan, depth + 1);
}

/* `type` is where the text of the member `type` goes, or NULL. */
static bool scan_object(struct scan *scan, unsigned depth, struct span *type)
{
	struct span names[MEMBERS_MAX];
	copy(scan, 1);
	if (look(scan) == '}') {
		copy(scan, 1);
		return true;
	}
	for (size_t count = 0; count < MEMBERS_MAX; count++) {
		if (!put_line(scan, depth + 1) || !scan_name(scan, names, count) ||
			!scan_member(scan, names[count], depth, type)) {
			return false;
		}
		if (look(scan) != ',') {
			return look(scan) == '}' && put_line(scan, depth) && TAKE(scan, "}");
		}
		copy(scan, 1);
	}
	return false;
}

/* `depth` counts the arrays and objects around the value. */
static bool scan_value(struct scan *scan, unsigned depth)
{
	struct span text;
	bool has_escape = false;
	double number = 0;
	switch (look(scan)) {
	case '"':
		return scan_string(scan, &text, &has_escape);
	case '[':
		return depth < LIMIT_JSON_DEPTH && scan_array(scan, depth);
	case '{':
		return depth < LIMIT_JSON_DEPTH && scan_object(scan, depth, NULL);
	case 'n':
		return TAKE(scan, "null");
	case 't':
		return TAKE(scan, "true");
	case 'f':
		return TAKE(scan, "false");
	default:
		return scan_number(scan, &number);
	}
}

/* A string of a known length, whose characters the caller judges. */
static bool scan_fixed(struct scan *scan, size_t len, struct span *text)
{
	if ((size_t)(scan->end - scan->at) < len + 2 || scan->at[0] != '"' ||
		scan->at[len + 1] != '"') {
		return false;
	}
	*text = span_of(scan->at + 1, len);
	copy(scan, len + 2);
	return true;
}

static bool scan_previous(struct scan *scan, struct message *fields)
{
	struct span text;
	if (look(scan) == 'n') {
		return TAKE(scan, "null");
	}
	fields->has_previous = true;
	return scan_fixed(scan, MESSAGE_ID_TEXT_BYTES - 1, &text) &&
	       message_id_parse(text, &fields->previous) == ERR_OK;
}

static bool scan_author(struct scan *scan, struct message *fields)
{
	struct span text;
	return SWAP(scan, ",\"author\":", ",\n  \"author\": ") &&
	       scan_fixed(scan, FEED_ID_TEXT_BYTES - 1, &text) &&
	       feed_id_parse(text, &fields->author) == ERR_OK;
}

static bool scan_sequence(struct scan *scan, struct message *fields)
{
	double value = 0;
	if (!SWAP(scan, ",\"sequence\":", ",\n  \"sequence\": ")) {
		return false;
	}
	size_t len = whole_bytes(scan, &value);
	copy(scan, len);
	fields->sequence = (uint64_t)value;
	return fields->sequence >= 1;
}

static bool scan_place(struct scan *scan, struct message *fields)
{
	static const char author_next[] = ",\"a";
	if (!SWAP(scan, "{\"previous\":", "{\n  \"previous\": ") || !scan_previous(scan, fields)) {
		return false;
	}
	bool is_author_first =
		span_starts_with(span_of(scan->at, (size_t)(scan->end - scan->at)), author_next);
	return (is_author_first ? scan_author(scan, fields) && scan_sequence(scan, fields)
				: scan_sequence(scan, fields) && scan_author(scan, fields)) &&
	       fields->has_previous == (fields->sequence > 1);
}

static bool scan_content(struct scan *scan, struct draft *draft)
{
	const uint8_t *start = scan->at;
	bool has_escape = false;
	bool is_fine = false;
	struct span text = span_of(NULL, 0);
	if (look(scan) == '{') {
		is_fine = scan_object(scan, 1, &draft->type) && draft->type.at != NULL &&
			  message_is_type(draft->type);
	} else {
		is_fine = scan_string(scan, &text, &has_escape) && message_is_box(text);
		draft->fields.is_encrypted = true;
	}
	draft->content = span_of(start, (size_t)(scan->at - start));
	return is_fine;
}

static bool scan_signature(struct scan *scan, struct draft *draft)
{
	struct span text;
	return SWAP(scan, ",\"signature\":", ",\n  \"signature\": ") &&
	       scan_fixed(scan, SIGNATURE_TEXT_BYTES, &text) &&
	       message_read_signature(text, draft->signature);
}

bool message_scan(struct draft *draft, struct span raw)
{
	if (raw.len > PRETTY_BYTES_MAX) {
		return false;
	}
	struct scan scan = {
		.at = raw.at,
		.end = raw.at + raw.len,
		.out = draft->pretty,
		.slack = PRETTY_BYTES_MAX - raw.len,
		.is_ascii = true,
	};
	draft->type = span_of(NULL, 0);
	bool is_fine = scan_place(&scan, &draft->fields) &&
		       SWAP(&scan, ",\"timestamp\":", ",\n  \"timestamp\": ") &&
		       scan_number(&scan, &draft->fields.timestamp) &&
		       SWAP(&scan, ",\"hash\":\"sha256\",\"content\":",
			       ",\n  \"hash\": \"sha256\",\n  \"content\": ") &&
		       scan_content(&scan, draft) && scan_signature(&scan, draft) &&
		       SWAP(&scan, "}", "\n}") && scan.at == scan.end;
	draft->compact = raw;
	draft->is_ascii = scan.is_ascii;
	draft->pretty_len = (size_t)(scan.out - draft->pretty);
	return is_fine;
}
