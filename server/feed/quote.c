/*
 * One walk makes words; a second one looks for lines that begin with >; a third one for pairs of
 * marks. A pair belongs to one paragraph, as no mark that was forgotten may take the rest of the
 * text along.
 */
#include "feed/quote.h"

#include "feed/utf8.h"

#include <stdlib.h>
#include <string.h>

enum { LONG_LETTERS = 5, ID_CHARACTERS = 43, SPAN_BYTES_MAX = 8000, TIGHT_BYTES_MAX = 600 };

struct letter {
	uint32_t point;
	size_t len;
};

static struct letter letter_at(struct span text, size_t at)
{
	bool is_valid = false;
	struct span rest = span_skip(text, at);
	struct letter letter = {0xfffd, utf8_step(rest, UTF8_WTF, &is_valid)};
	if (is_valid) {
		uint8_t lead = rest.at[0];
		letter.point = letter.len == 1 ? lead : lead & (0xffU >> (letter.len + 1));
		for (size_t i = 1; i < letter.len; i++) {
			letter.point = letter.point << 6 | (rest.at[i] & 0x3fU);
		}
	}
	return letter;
}

struct range {
	uint32_t from, to;
};

static bool is_in(uint32_t point, const struct range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (point >= ranges[i].from && point <= ranges[i].to) {
			return true;
		}
	}
	return false;
}

/* What stands inside a word and changes nothing: marks of emphasis, apostrophes, what nobody sees,
 * accents that follow their letter. */
static bool is_nothing(uint32_t point)
{
	static const struct range none[] = {{0xad, 0xad}, {0x2bc, 0x2bc}, {0x300, 0x36f},
		{0x200b, 0x200f}, {0x2018, 0x2019}, {0x202a, 0x202e}, {0x2060, 0x206f},
		{0xfe00, 0xfe0f}, {0xfeff, 0xfeff}};
	return point == '*' || point == '_' || point == '~' || point == '\'' || point == '\\' ||
	       is_in(point, none, sizeof(none) / sizeof(none[0]));
}

static bool is_gap(uint32_t point)
{
	static const struct range gaps[] = {{0x80, 0xa9}, {0xab, 0xb4}, {0xb6, 0xb9}, {0xbb, 0xbf},
		{0xd7, 0xd7}, {0xf7, 0xf7}, {0x2000, 0x2bff}, {0x2e00, 0x2e7f}, {0x3000, 0x3004},
		{0x3008, 0x3020}, {0x30fb, 0x30fb}, {0xd800, 0xf8ff}, {0xfe10, 0xfe6f},
		{0xff00, 0xff0f}, {0xff1a, 0xff20}, {0xff3b, 0xff40}, {0xff5b, 0xff65},
		{0xfff0, 0xffff}, {0x1f000, 0x1faff}, {0xe0000, 0x10ffff}};
	if (point < 0x80) {
		return !((point >= '0' && point <= '9') || (point >= 'a' && point <= 'z') ||
			 (point >= 'A' && point <= 'Z'));
	}
	return is_in(point, gaps, sizeof(gaps) / sizeof(gaps[0]));
}

static bool is_own_word(uint32_t point)
{
	static const struct range without_spaces[] = {{0xe00, 0xeff}, {0xf00, 0xfff},
		{0x1000, 0x109f}, {0x1780, 0x17ff}, {0x3005, 0x3007}, {0x3041, 0x30ff},
		{0x3400, 0x9fff}, {0xf900, 0xfaff}, {0xff66, 0xff9f}, {0x20000, 0x3ffff}};
	return is_in(point, without_spaces, sizeof(without_spaces) / sizeof(without_spaces[0]));
}

static uint32_t fold(uint32_t point)
{
	static const char latin[] = "aaaaaaaceeeeiiiidnooooo*ouuuuyps";
	static const struct {
		uint32_t from, to, add;
	} shifts[] = {{'A', 'Z', 32}, {0x391, 0x3a9, 32}, {0x400, 0x40f, 80}, {0x410, 0x42f, 32},
		{0x531, 0x556, 48}};
	if (point >= 0xff01 && point <= 0xff5e) {
		point -= 0xfee0;
	}
	if (point >= 0xc0 && point <= 0xff) {
		return (uint32_t)latin[(point - 0xc0) % 32];
	}
	if ((point >= 0x100 && point <= 0x137) || (point >= 0x14a && point <= 0x177)) {
		return point | 1;
	}
	if ((point >= 0x139 && point <= 0x148) || (point >= 0x179 && point <= 0x17e)) {
		return point + (point & 1);
	}
	for (size_t i = 0; i < sizeof(shifts) / sizeof(shifts[0]); i++) {
		if (point >= shifts[i].from && point <= shifts[i].to) {
			return point + shifts[i].add;
		}
	}
	return point == 0x3c2 ? 0x3c3 : point;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ULL;
	return hash ^ (hash >> 29);
}

uint64_t quote_hash(const struct quote_word *words, size_t count)
{
	uint64_t hash = count;
	for (size_t i = 0; i < count; i++) {
		hash = mix(hash, words[i].hash);
	}
	return hash;
}

static enum err add(struct quote *quote, const struct quote_word *word)
{
	if (quote->count == quote->room) {
		size_t room = quote->room == 0 ? 128 : 2 * quote->room;
		struct quote_word *words = realloc(quote->words, room * sizeof(*words));
		if (words == NULL) {
			return ERR_NOMEM;
		}
		quote->words = words;
		quote->room = room;
	}
	quote->words[quote->count++] = *word;
	return ERR_OK;
}

static bool begins(struct span text, const char *with)
{
	size_t len = strlen(with);
	return text.len >= len && memcmp(text.at, with, len) == 0;
}

static bool is_base64(uint8_t byte)
{
	return !is_gap(byte) || byte == '+' || byte == '/' || byte == '-' || byte == '_';
}

/* Bytes of an address or an id that begins here; 0: none does. */
static size_t link_len(struct span text)
{
	size_t len = 0;
	bool is_address = begins(text, "http://") || begins(text, "https://") ||
			  begins(text, "ssb:") || begins(text, "www.");
	if (text.at[0] == '@' || text.at[0] == '%' || text.at[0] == '&') {
		for (len = 1; len < text.len && is_base64(text.at[len]); len++) {
		}
		is_address = len == ID_CHARACTERS + 1 && len < text.len && text.at[len] == '=';
	}
	if (!is_address) {
		return 0;
	}
	for (len = 0;
		len < text.len && text.at[len] > ' ' && strchr("()<>[]\"", text.at[len]) == NULL;
		len++) {
	}
	return len;
}

/* Bytes of a character written as &name; — they are no word. */
static size_t entity_len(struct span text)
{
	size_t len = 1;
	while (len < text.len && len < 10 && (text.at[len] == '#' || !is_gap(text.at[len]))) {
		len++;
	}
	return text.at[0] == '&' && len > 2 && len < text.len && text.at[len] == ';' ? len + 1 : 0;
}

static enum err read_words(struct span text, struct quote *out)
{
	struct quote_word word = {.hash = 0};
	size_t letters = 0;
	enum err err = ERR_OK;
	for (size_t at = 0; err == ERR_OK && at <= text.len;) {
		struct letter letter =
			at < text.len ? letter_at(text, at) : (struct letter){' ', 1};
		struct span rest = span_skip(text, at);
		size_t link = at < text.len && letters == 0 ? link_len(rest) : 0;
		bool is_word = !is_gap(letter.point) && !is_nothing(letter.point);
		bool is_own = is_word && is_own_word(letter.point);
		if (letters > 0 && (is_own || (!is_word && !is_nothing(letter.point)))) {
			word.is_long = letters >= LONG_LETTERS;
			err = add(out, &word);
			letters = 0;
		}
		if (err == ERR_OK && link > 0) {
			word = (struct quote_word){
				.from = (uint32_t)at, .to = (uint32_t)(at + link), .is_link = true};
			for (size_t i = 0; i < link; i++) {
				word.hash = mix(word.hash, rest.at[i]);
			}
			err = add(out, &word);
			letter.len = link;
		} else if (err == ERR_OK && is_own) {
			word = (struct quote_word){.from = (uint32_t)at,
				.to = (uint32_t)(at + letter.len),
				.hash = mix(0, fold(letter.point)),
				.is_letter = true};
			err = add(out, &word);
		} else if (is_word) {
			if (letters++ == 0) {
				word = (struct quote_word){.from = (uint32_t)at};
			}
			word.hash = mix(word.hash, fold(letter.point));
			word.to = (uint32_t)(at + letter.len);
		} else if (letter.point == '&' && at < text.len) {
			size_t entity = entity_len(rest);
			letter.len = entity > 0 ? entity : letter.len;
		}
		at += letter.len;
	}
	return err;
}

/* The words that lie in these bytes. */
static void find_words(const struct quote *quote, struct quote_part *part)
{
	size_t low = 0;
	size_t high = quote->count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (quote->words[middle].from < part->from) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	part->first = (uint32_t)low;
	for (part->end = part->first;
		part->end < quote->count && quote->words[part->end].to <= part->to; part->end++) {
	}
}

static void add_part(struct quote *quote, enum quote_kind kind, size_t from, size_t to)
{
	struct quote_part part = {.kind = kind, .from = (uint32_t)from, .to = (uint32_t)to};
	find_words(quote, &part);
	if (quote->part_count < QUOTE_PARTS_MAX && part.first < part.end) {
		quote->parts[quote->part_count++] = part;
	}
}

/* Does this line begin with >, behind spaces and marks of a list? */
static bool is_quoted_line(struct span line)
{
	size_t at = 0;
	while (at < line.len) {
		size_t digits = at;
		while (digits < line.len && line.at[digits] >= '0' && line.at[digits] <= '9') {
			digits++;
		}
		bool is_number = digits > at && digits < line.len &&
				 (line.at[digits] == '.' || line.at[digits] == ')');
		if (line.at[at] == '>') {
			return true;
		}
		if (is_number) {
			at = digits + 1;
		} else if (strchr(" \t-*+", line.at[at]) != NULL) {
			at++;
		} else {
			return false;
		}
	}
	return false;
}

static size_t line_end(struct span text, size_t at)
{
	const uint8_t *end = at < text.len ? memchr(text.at + at, '\n', text.len - at) : NULL;
	return end == NULL ? text.len : (size_t)(end - text.at);
}

static void find_blocks(struct span text, struct quote *out)
{
	size_t from = 0;
	bool is_inside = false;
	size_t to = 0;
	for (size_t at = 0; at < text.len; at = line_end(text, at) + 1) {
		size_t end = line_end(text, at);
		bool is_quoted = is_quoted_line(span_of(text.at + at, end - at));
		if (is_inside && !is_quoted) {
			add_part(out, QUOTE_BLOCK, from, to);
		} else if (is_quoted && !is_inside) {
			from = at;
		}
		is_inside = is_quoted;
		to = end;
	}
	if (is_inside) {
		add_part(out, QUOTE_BLOCK, from, to);
	}
}

/* The character of which three begin a block of code; 0: the line begins none. */
static uint8_t fence_of(struct span line)
{
	while (line.len > 0 && line.at[0] == ' ') {
		line = span_skip(line, 1);
	}
	bool is_fence = line.len >= 3 && (line.at[0] == '`' || line.at[0] == '~') &&
			line.at[1] == line.at[0] && line.at[2] == line.at[0];
	return is_fence ? line.at[0] : 0;
}

static void find_fences(struct span text, struct quote *out)
{
	uint8_t fence = 0;
	size_t from = 0;
	for (size_t at = 0; at < text.len; at = line_end(text, at) + 1) {
		size_t end = line_end(text, at);
		uint8_t found = fence_of(span_of(text.at + at, end - at));
		if (fence == 0 && found != 0) {
			fence = found;
			from = at;
		} else if (fence != 0 && found == fence) {
			add_part(out, QUOTE_WEAK, from, end);
			fence = 0;
		}
	}
	if (fence != 0) {
		add_part(out, QUOTE_WEAK, from, text.len);
	}
}

struct mark {
	uint32_t open, close, other; /* `other` closes too; 0: nothing else does */
	enum quote_kind kind;
	bool is_tight; /* it is also an apostrophe or the like: no letter on its outer side */
};
static const struct mark marks[] = {
	{'"', '"', 0, QUOTE_MARKS, false},
	{0x201c, 0x201d, 0x201c, QUOTE_MARKS, false},
	{0x201d, 0x201d, 0x201c, QUOTE_MARKS, false},
	{0x201e, 0x201c, 0x201d, QUOTE_MARKS, false},
	{0xab, 0xbb, 0, QUOTE_MARKS, false},
	{0xbb, 0xab, 0xbb, QUOTE_MARKS, false},
	{0x2039, 0x203a, 0, QUOTE_MARKS, false},
	{0x203a, 0x2039, 0, QUOTE_MARKS, false},
	{0x2018, 0x2019, 0, QUOTE_MARKS, true},
	{0x201a, 0x2018, 0x2019, QUOTE_MARKS, true},
	{'\'', '\'', 0, QUOTE_MARKS, true},
	{0x300c, 0x300d, 0, QUOTE_MARKS, false},
	{0x300e, 0x300f, 0, QUOTE_MARKS, false},
	{0x300a, 0x300b, 0, QUOTE_MARKS, false},
	{0x3008, 0x3009, 0, QUOTE_MARKS, false},
	{0xff02, 0xff02, 0, QUOTE_MARKS, false},
	{'`', '`', 0, QUOTE_WEAK, false},
	{'*', '*', 0, QUOTE_WEAK, false},
	{'_', '_', 0, QUOTE_WEAK, true},
	{'~', '~', 0, QUOTE_WEAK, false},
	{'[', ']', 0, QUOTE_WEAK, false},
};

static bool is_letter_at(struct span text, size_t at)
{
	return at < text.len && !is_gap(letter_at(text, at).point);
}

/* Where the pair that `mark` opens ends; 0: nowhere in this paragraph. */
static size_t close_of(struct span text, size_t at, const struct mark *mark)
{
	bool is_line_empty = false;
	size_t most = mark->is_tight ? TIGHT_BYTES_MAX : SPAN_BYTES_MAX;
	size_t end = text.len - at < most ? text.len : at + most;
	for (size_t next = 0; at < end; at += next) {
		struct letter letter = letter_at(text, at);
		next = letter.len;
		if (letter.point == '\n' && is_line_empty) {
			return 0;
		}
		is_line_empty = letter.point == '\n' ||
				(is_line_empty && (letter.point == ' ' || letter.point == '\t'));
		bool is_close = letter.point == mark->close ||
				(mark->other != 0 && letter.point == mark->other);
		if (is_close && !(mark->is_tight && is_letter_at(text, at + next))) {
			return at + next;
		}
	}
	return 0;
}

/* Pairs of one kind. A pair that lies in another one is found too when its mark is another. */
static void find_pairs(struct span text, const struct mark *mark, struct quote *out)
{
	bool is_after_letter = false;
	for (size_t at = 0; at < text.len;) {
		struct letter letter = letter_at(text, at);
		size_t next = at + letter.len;
		if (letter.point == mark->open && !(mark->is_tight && is_after_letter)) {
			size_t end = close_of(text, next, mark);
			if (end == 0 && !mark->is_tight) {
				/* Nothing more in this paragraph. */
				const uint8_t *gap = memmem(text.at + at, text.len - at, "\n\n", 2);
				next = gap == NULL ? text.len : (size_t)(gap - text.at);
			} else if (end > 0) {
				add_part(out, mark->kind, at, end);
				next = end;
			}
		}
		is_after_letter = !is_gap(letter.point);
		at = next;
	}
}

enum err quote_read(struct span text, struct quote *out)
{
	*out = (struct quote){.count = 0};
	enum err err = ERR_OK;
	if (text.len == 0) {
		return ERR_OK;
	}
	err = text.len > UINT32_MAX / 2 ? ERR_LIMIT : read_words(text, out);
	if (err == ERR_OK) {
		find_blocks(text, out);
		find_fences(text, out);
		for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
			bool is_there = marks[i].open >= 0x80 ||
					memchr(text.at, (int)marks[i].open, text.len) != NULL;
			if (is_there) {
				find_pairs(text, &marks[i], out);
			}
		}
	}
	return err;
}

void quote_free(struct quote *quote)
{
	free(quote->words);
	*quote = (struct quote){.count = 0};
}
