/* One pass from left to right; each part ends at white space or at its closing quote, which may be
 * missing while somebody types. */
#include "store/search_ask.h"

static bool is_space(uint8_t byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static size_t count_chars(struct span text)
{
	size_t count = 0;
	for (size_t i = 0; i < text.len; i++) {
		count += (text.at[i] & 0xc0) != 0x80;
	}
	return count;
}

/* Take what is between quotes, or up to white space, off the front. */
static struct span take_value(struct span *rest, bool *is_quoted)
{
	size_t len = 0;
	*is_quoted = rest->len > 0 && rest->at[0] == '"';
	if (*is_quoted) {
		*rest = span_skip(*rest, 1);
		const uint8_t *end = rest->len == 0 ? NULL : memchr(rest->at, '"', rest->len);
		struct span value =
			span_take(*rest, end == NULL ? rest->len : (size_t)(end - rest->at));
		*rest = span_skip(*rest, value.len + (end != NULL));
		return value;
	}
	while (len < rest->len && !is_space(rest->at[len])) {
		len++;
	}
	struct span value = span_take(*rest, len);
	*rest = span_skip(*rest, len);
	return value;
}

static bool starts_with_word(struct span text, const char *word)
{
	size_t len = strlen(word);
	for (size_t i = 0; i < len; i++) {
		if (i >= text.len) {
			return false;
		}
		uint8_t byte = text.at[i];
		if ((byte >= 'A' && byte <= 'Z' ? byte + 32 : byte) != word[i]) {
			return false;
		}
	}
	return true;
}

static void say(struct search_ask *ask, enum search_said said, struct span about)
{
	if (ask->said == SEARCH_SAID_NOTHING) {
		ask->said = said;
		ask->said_about = about;
	}
}

static bool read_number(struct span *text, size_t digits, int *out)
{
	*out = 0;
	for (size_t i = 0; i < digits; i++) {
		if (i >= text->len || text->at[i] < '0' || text->at[i] > '9') {
			return false;
		}
		*out = *out * 10 + (text->at[i] - '0');
	}
	*text = span_skip(*text, digits);
	return true;
}

static bool read_next_number(struct span *text, int *out)
{
	if (text->len == 0) {
		return true; /* it may end here */
	}
	if (text->at[0] != '-') {
		return false;
	}
	*text = span_skip(*text, 1);
	return read_number(text, 2, out);
}

static int days_in(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return month == 2 && is_leap ? 29 : days[month - 1];
}

/* Days from 1970-01-01. */
static int64_t day_of(int year, int month, int day)
{
	int64_t days = day - 1;
	for (int m = 1; m < month; m++) {
		days += days_in(year, m);
	}
	int64_t y = year - 1;
	return days + 365 * y + y / 4 - y / 100 + y / 400 - 719162;
}

/* 2026, 2026-05 or 2026-05-01: when it begins. */
static bool read_date(struct span text, int zone_minutes, int64_t *out)
{
	int year = 0;
	int month = 1;
	int day = 1;
	if (!read_number(&text, 4, &year) || !read_next_number(&text, &month) ||
		!read_next_number(&text, &day) || text.len > 0) {
		return false;
	}
	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_in(year, month)) {
		return false;
	}
	*out = (day_of(year, month, day) * 1440 - zone_minutes) * 60000;
	return true;
}

static void take_date(struct search_ask *ask, struct span value, struct span all, int zone_minutes,
	bool is_before)
{
	bool *has = is_before ? &ask->has_before : &ask->has_after;
	int64_t at_ms = 0;
	if (!read_date(value, zone_minutes, &at_ms)) {
		say(ask, SEARCH_SAID_DATE, all);
		return;
	}
	if (*has) {
		say(ask, SEARCH_SAID_TWICE, all);
	}
	*has = true;
	*(is_before ? &ask->before_ms : &ask->after_ms) = at_ms;
}

static enum err take_tag(struct search_ask *ask, struct span value, struct span all)
{
	if (ask->tag_count == LIMIT_SEARCH_WORDS) {
		return ERR_LIMIT;
	}
	ask->tags[ask->tag_count] = tag_normal(value);
	if (ask->tags[ask->tag_count].text[0] == '\0') {
		say(ask, SEARCH_SAID_TAG, all);
	} else {
		ask->tag_count++;
	}
	return ERR_OK;
}

static void take_from(struct search_ask *ask, struct span value, struct span all)
{
	if (ask->has_from) {
		say(ask, SEARCH_SAID_TWICE, all);
	}
	ask->has_from = true;
	ask->from = value;
}

enum search_op { OP_FROM, OP_TAG, OP_BEFORE, OP_AFTER, OP_NONE };

static enum search_op take_operator(struct span *rest)
{
	static const char *const names[] = {"from:", "tag:", "before:", "after:"};
	for (int i = 0; i < OP_NONE; i++) {
		if (starts_with_word(*rest, names[i])) {
			*rest = span_skip(*rest, strlen(names[i]));
			return (enum search_op)i;
		}
	}
	return OP_NONE;
}

static enum err take_part(struct search_ask *ask, struct span *rest)
{
	struct search_part part = {.is_not = false};
	if (rest->len > 1 && rest->at[0] == '-' && !is_space(rest->at[1]) && rest->at[1] != '-') {
		part.is_not = true;
		*rest = span_skip(*rest, 1);
	}
	struct span whole = *rest;
	part.text = take_value(rest, &part.is_phrase);
	whole.len -= rest->len;
	if (!part.is_not && !part.is_phrase && part.text.len > 1 && part.text.at[0] == '#') {
		struct tag tag = tag_normal(part.text);
		if (tag.text[0] != '\0') {
			return take_tag(ask, part.text, whole);
		}
	}
	if (part.text.len == 0) {
		return ERR_OK;
	}
	if (ask->count == LIMIT_SEARCH_WORDS) {
		return ERR_LIMIT;
	}
	ask->parts[ask->count++] = part;
	return ERR_OK;
}

static enum err take(struct search_ask *ask, struct span *rest, int zone_minutes)
{
	struct span all = *rest;
	bool is_quoted = false;
	enum search_op op = take_operator(rest);
	if (op == OP_NONE) {
		return take_part(ask, rest);
	}
	struct span value = take_value(rest, &is_quoted);
	all.len -= rest->len;
	if (value.len == 0) {
		return ERR_OK;
	}
	if (op == OP_TAG) {
		return take_tag(ask, value, all);
	}
	if (op == OP_FROM) {
		take_from(ask, value, all);
	} else {
		take_date(ask, value, all, zone_minutes, op == OP_BEFORE);
	}
	return ERR_OK;
}

static void look_for_only_not(struct search_ask *ask)
{
	bool has_word = ask->has_from || ask->tag_count > 0;
	for (size_t i = 0; i < ask->count; i++) {
		has_word = has_word || !ask->parts[i].is_not;
	}
	if (!has_word && ask->count > 0) {
		say(ask, SEARCH_SAID_ONLY_NOT, span_of(NULL, 0));
	}
}

enum err search_ask_read(struct span text, int zone_minutes, struct search_ask *out)
{
	*out = (struct search_ask){.count = 0};
	if (count_chars(text) > LIMIT_SEARCH_CHARS) {
		return ERR_LIMIT;
	}
	if (text.len == 0 || memchr(text.at, '\0', text.len) != NULL) {
		return ERR_REFUSED;
	}
	bool is_empty = true;
	while (text.len > 0) {
		if (is_space(text.at[0])) {
			text = span_skip(text, 1);
			continue;
		}
		is_empty = false;
		enum err err = take(out, &text, zone_minutes);
		if (err != ERR_OK) {
			return err;
		}
	}
	look_for_only_not(out);
	return is_empty ? ERR_REFUSED : ERR_OK;
}

const char *search_said_code(enum search_said said)
{
	static const char *const codes[] = {"", "date", "tag", "twice", "only_not", "nobody"};
	return codes[said];
}

const char *search_said_text(enum search_said said)
{
	static const char *const texts[] = {
		"",
		"This is no date: write 2026, 2026-05 or 2026-05-01.",
		"There is no letter in this tag.",
		"This is there twice; the last one counts.",
		"Write also what is to be found, not only what is not.",
		"Nobody here is called so.",
	};
	return texts[said];
}
