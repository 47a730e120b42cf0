/*
 * The seven fields of a message in one of their two orders, each compared with what unpacking
 * writes. The content is walked once: bytes that can begin something short are looked at, all
 * others are copied in runs. No byte of canonical JSON is below 32 (JSON.stringify escapes them),
 * so these are the codes; a text that has one all the same is not packed.
 */
#include "store/pack.h"

#include "base/limits.h"

#include <inttypes.h>
#include <stdio.h>

enum {
	SIGNATURE_BYTES = 64,
	SIGNATURE_CHARS = BASE64_BYTES(SIGNATURE_BYTES),
	ID_CHARS = BASE64_BYTES(ID_BYTES),
	NUMBER_CHARS = 24,
	TIME_TEXT_BYTES_MAX = 24, /* as V8 prints the longest number */
	VARINT_BYTES_MAX = 8,     /* 2^53 needs that many */
	CODE_BYTES = 32           /* codes are below that, in canonical JSON nothing is */
};

/* The codes. */
enum {
	CODE_FEED = 1, /* 32 bytes: an id with its sigil and suffix */
	CODE_MESSAGE,
	CODE_BLOB,
	CODE_SAME,  /* the id before it once more */
	CODE_BOX,   /* only as the whole content: the rest are a box's bytes */
	CODE_WORDS, /* from here on: words[code − CODE_WORDS] */
};

static const struct kind {
	uint8_t sigil;
	const char *suffix;
	size_t suffix_len;
} kinds[] = {
	{'@', ".ed25519", 8},
	{'%', ".sha256", 7},
	{'&', ".sha256", 7},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* Longer ones before shorter ones that they begin with. */
#define WORD(text)                      \
	{                               \
		text, sizeof(text) - 1, \
	}
static const struct word {
	const char *text;
	size_t len;
} words[] = {
	WORD("{\"type\":\"post\",\"text\":\""),
	WORD("{\"type\":\"vote\",\"vote\":{\"link\":\""),
	WORD("{\"type\":\"contact\",\"contact\":\""),
	WORD("{\"type\":\"about\",\"about\":\""),
	WORD("{\"type\":\""),
	WORD("{\"link\":\""),
	WORD("\",\"value\":1,\"expression\":\"Like\"}}"),
	WORD("\",\"value\":1,\"expression\":\""),
	WORD("\",\"value\":0,\"expression\":\""),
	WORD("\",\"following\":true"),
	WORD("\",\"following\":false"),
	WORD(",\"blocking\":false"),
	WORD(",\"blocking\":true"),
	WORD(",\"mentions\":["),
	WORD("\",\"root\":\""),
	WORD("\",\"fork\":\""),
	WORD("\",\"branch\":\""),
	WORD("\",\"branch\":["),
	WORD("\",\"name\":\""),
	WORD("\",\"channel\":\""),
	WORD("\",\"description\":\""),
	WORD("\",\"image\":"),
	WORD("\",\"type\":\"image/jpeg\",\"size\":"),
	WORD(",\"recps\":["),
	WORD("\",\"reply\":{"),
	WORD("](https://"),
};
enum { WORDS = sizeof(words) / sizeof(words[0]) };
_Static_assert((int)CODE_WORDS + (int)WORDS <= (int)CODE_BYTES, "a code for each word");

static const char head_first[] = "{\"previous\":";
static const char head_author[] = ",\"author\":\"";
static const char head_sequence[] = ",\"sequence\":";
static const char head_time[] = ",\"timestamp\":";
static const char head_content[] = ",\"hash\":\"sha256\",\"content\":";
static const char tail_before[] = ",\"signature\":\"";
static const char tail_after[] = ".sig.ed25519\"}";
enum { TAIL_CHARS = sizeof(tail_before) - 1 + SIGNATURE_CHARS + sizeof(tail_after) - 1 };

/* Packing. Each take_… consumes what unpacking writes for it, or says false. */

/* At most what is there; unlike after span_skip(), nothing that is left is still somewhere. */
static void eat(struct span *from, size_t len)
{
	*from = span_of(from->at + len, from->len - len);
}

static bool take_text(struct span *from, const char *text, size_t len)
{
	if (from->len < len || memcmp(from->at, text, len) != 0) {
		return false;
	}
	eat(from, len);
	return true;
}
#define TAKE(from, text) take_text(from, text, sizeof(text) - 1)

/* An id of that kind; the base64 decoder takes only the one spelling that the encoder writes. */
static bool take_id(struct span *from, const struct kind *kind, uint8_t id[static ID_BYTES])
{
	size_t len = 1 + ID_CHARS + kind->suffix_len;
	size_t count = 0;
	if (from->len < len || from->at[0] != kind->sigil ||
		memcmp(from->at + 1 + ID_CHARS, kind->suffix, kind->suffix_len) != 0 ||
		base64_decode(span_of(from->at + 1, ID_CHARS), id, ID_BYTES, &count) != ERR_OK ||
		count != ID_BYTES) {
		return false;
	}
	eat(from, len);
	return true;
}

static size_t print_number(uint64_t number, char out[static NUMBER_CHARS])
{
	char digits[NUMBER_CHARS];
	size_t len = 0;
	do {
		digits[len++] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	for (size_t i = 0; i < len; i++) {
		out[i] = digits[len - 1 - i];
	}
	return len;
}

static bool take_sequence(struct span *from, uint64_t sequence)
{
	char text[NUMBER_CHARS];
	size_t len = print_number(sequence, text);
	return TAKE(from, head_sequence) && take_text(from, text, len);
}

static bool take_author(struct span *from, const struct feed_id *author)
{
	struct feed_id id;
	return TAKE(from, head_author) && take_id(from, &kinds[0], id.at) &&
	       feed_id_equal(&id, author) && TAKE(from, "\"");
}

/* A whole number as it would be printed, below 2^53. */
static bool read_whole(struct span text, uint64_t *out)
{
	if (text.len == 0 || text.len > 16 || (text.at[0] == '0' && text.len > 1)) {
		return false;
	}
	*out = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9') {
			return false;
		}
		*out = *out * 10 + (uint64_t)(text.at[i] - '0');
	}
	return *out < (uint64_t)1 << 53;
}

static size_t put_varint(uint64_t number, uint8_t out[static VARINT_BYTES_MAX])
{
	size_t len = 0;
	for (; number > 127; number >>= 7) {
		out[len++] = (uint8_t)(number | 128);
	}
	out[len++] = (uint8_t)number;
	return len;
}

/* What comes before the signature, gathered. */
struct head {
	uint8_t at[1 + ID_BYTES + 1 + TIME_TEXT_BYTES_MAX];
	size_t len;
};

static bool take_previous(struct span *from, struct head *head)
{
	if (!TAKE(from, head_first)) {
		return false;
	}
	if (TAKE(from, "null")) {
		return true;
	}
	if (!TAKE(from, "\"") || !take_id(from, &kinds[1], head->at + head->len) ||
		!TAKE(from, "\"")) {
		return false;
	}
	head->at[0] |= PACK_PREVIOUS;
	head->len += ID_BYTES;
	return true;
}

static bool take_time(struct span *from, struct head *head)
{
	uint64_t whole = 0;
	if (!TAKE(from, head_time)) {
		return false;
	}
	const uint8_t *end = memchr(from->at, ',', from->len);
	struct span text = span_of(from->at, end == NULL ? 0 : (size_t)(end - from->at));
	if (read_whole(text, &whole)) {
		head->len += put_varint(whole, head->at + head->len);
	} else {
		if (text.len == 0 || text.len > TIME_TEXT_BYTES_MAX) {
			return false;
		}
		head->at[0] |= PACK_TIME_TEXT;
		head->at[head->len++] = (uint8_t)text.len;
		memcpy(head->at + head->len, text.at, text.len);
		head->len += text.len;
	}
	eat(from, text.len);
	return true;
}

static bool take_head(
	struct span *from, const struct feed_id *author, uint64_t sequence, struct head *head)
{
	head->at[0] = PACK_FORM;
	head->len = 1;
	if (!take_previous(from, head)) {
		return false;
	}
	if (span_starts_with(*from, head_author)) {
		head->at[0] |= PACK_AUTHOR_FIRST;
		if (!take_author(from, author) || !take_sequence(from, sequence)) {
			return false;
		}
	} else if (!take_sequence(from, sequence) || !take_author(from, author)) {
		return false;
	}
	return take_time(from, head) && TAKE(from, head_content);
}

static bool take_signature(struct span *from, uint8_t signature[static SIGNATURE_BYTES])
{
	size_t count = 0;
	if (from->len < TAIL_CHARS) {
		return false;
	}
	struct span tail = span_skip(*from, from->len - TAIL_CHARS);
	from->len -= TAIL_CHARS;
	if (!TAKE(&tail, tail_before) ||
		base64_decode(span_take(tail, SIGNATURE_CHARS), signature, SIGNATURE_BYTES,
			&count) != ERR_OK ||
		count != SIGNATURE_BYTES) {
		return false;
	}
	tail = span_skip(tail, SIGNATURE_CHARS);
	return TAKE(&tail, tail_after);
}

/* Bytes at which a run ends: those that begin a word or an id, and codes, which refuse the text. */
static const uint8_t is_stop[256] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	1, ['"'] = 1, ['{'] = 1, [','] = 1, [']'] = 1, ['@'] = 1, ['%'] = 1, ['&'] = 1};

static const struct kind *find_kind(uint8_t sigil)
{
	for (size_t i = 0; i < KINDS; i++) {
		if (kinds[i].sigil == sigil) {
			return &kinds[i];
		}
	}
	return NULL;
}

/* The last id that was packed, for CODE_SAME. */
struct last_id {
	uint8_t kind; /* its code; 0: none yet */
	uint8_t id[ID_BYTES];
};

/* Something short for what `from` begins with; returns how many bytes of `out` it takes, 0: none.
 */
static size_t shorten(struct span *from, struct last_id *last, uint8_t out[static 1 + ID_BYTES])
{
	const struct kind *kind = find_kind(from->at[0]);
	if (kind != NULL) {
		uint8_t code = (uint8_t)(CODE_FEED + (kind - kinds));
		if (!take_id(from, kind, out + 1)) {
			return 0;
		}
		if (last->kind == code && memcmp(last->id, out + 1, ID_BYTES) == 0) {
			out[0] = CODE_SAME;
			return 1;
		}
		out[0] = code;
		last->kind = code;
		memcpy(last->id, out + 1, ID_BYTES);
		return 1 + ID_BYTES;
	}
	for (size_t i = 0; i < WORDS; i++) {
		if (from->at[0] == (uint8_t)words[i].text[0] &&
			take_text(from, words[i].text, words[i].len)) {
			out[0] = (uint8_t)(CODE_WORDS + i);
			return 1;
		}
	}
	return 0;
}

/* `to` has room for as many bytes as `from` has: nothing becomes longer. SIZE_MAX: not packable. */
static size_t pack_content(struct span from, uint8_t *to)
{
	uint8_t *start = to;
	struct last_id last = {.kind = 0};
	uint8_t code[1 + ID_BYTES];
	while (from.len > 0) {
		size_t run = 0;
		while (run < from.len && !is_stop[from.at[run]]) {
			run++;
		}
		memcpy(to, from.at, run);
		to += run;
		from = span_skip(from, run);
		if (from.len == 0) {
			break;
		}
		if (from.at[0] < CODE_BYTES) {
			return SIZE_MAX;
		}
		size_t len = shorten(&from, &last, code);
		memcpy(to, code, len);
		to += len;
		if (len == 0) {
			*to++ = from.at[0];
			from = span_skip(from, 1);
		}
	}
	return (size_t)(to - start);
}

/* "<base64>.box": its bytes. 0: it is none. */
static size_t pack_box(struct span from, uint8_t *to)
{
	static const char suffix[] = ".box\"";
	size_t count = 0;
	if (from.len <= sizeof(suffix) || from.at[0] != '"' || !span_ends_with(from, suffix)) {
		return 0;
	}
	struct span text = span_of(from.at + 1, from.len - sizeof(suffix));
	to[0] = CODE_BOX;
	if (base64_decode(text, to + 1, from.len - 1, &count) != ERR_OK) {
		return 0;
	}
	return 1 + count;
}

enum err pack_body(
	struct span compact, const struct feed_id *author, uint64_t sequence, struct buf *out)
{
	struct head head;
	uint8_t signature[SIGNATURE_BYTES];
	struct span rest = compact;
	if (!take_head(&rest, author, sequence, &head) || !take_signature(&rest, signature)) {
		return buf_append(out, compact);
	}
	/* Never more than the text: each part is shorter than what it stands for. */
	uint8_t *to = buf_reserve(out, compact.len);
	if (to == NULL) {
		return compact.len > out->max - out->len ? ERR_LIMIT : ERR_NOMEM;
	}
	uint8_t *at = to;
	memcpy(at, head.at, head.len);
	at += head.len;
	memcpy(at, signature, SIGNATURE_BYTES);
	at += SIGNATURE_BYTES;
	size_t len = pack_box(rest, at);
	if (len == 0) {
		len = pack_content(rest, at);
	}
	if (len == SIZE_MAX) {
		return buf_append(out, compact);
	}
	buf_added(out, (size_t)(at - to) + len);
	return ERR_OK;
}

/* Unpacking. Room is asked for once, for the usual; then for each piece. */

static bool get(struct span *from, size_t len, struct span *out)
{
	if (from->len < len) {
		return false;
	}
	*out = span_take(*from, len);
	*from = span_skip(*from, len);
	return true;
}

static enum err put_id(struct buf *out, const struct kind *kind, const uint8_t id[static ID_BYTES])
{
	size_t len = 1 + ID_CHARS + kind->suffix_len;
	uint8_t *to = buf_reserve(out, len);
	if (to == NULL) {
		return len > out->max - out->len ? ERR_LIMIT : ERR_NOMEM;
	}
	to[0] = kind->sigil;
	(void)base64_encode(span_of(id, ID_BYTES), (char *)to + 1);
	memcpy(to + 1 + ID_CHARS, kind->suffix, kind->suffix_len);
	buf_added(out, len);
	return ERR_OK;
}

static enum err put_base64(struct buf *out, struct span bytes)
{
	size_t len = BASE64_BYTES(bytes.len);
	uint8_t *to = buf_reserve(out, len);
	if (to == NULL) {
		return len > out->max - out->len ? ERR_LIMIT : ERR_NOMEM;
	}
	buf_added(out, base64_encode(bytes, (char *)to));
	return ERR_OK;
}

#define PUT(out, text) buf_append(out, span_of(text, sizeof(text) - 1))

static enum err put_number(struct buf *out, uint64_t number)
{
	char text[NUMBER_CHARS];
	size_t len = print_number(number, text);
	return buf_append(out, span_of(text, len));
}

static enum err put_sequence(struct buf *out, uint64_t sequence)
{
	enum err err = PUT(out, head_sequence);
	return err == ERR_OK ? put_number(out, sequence) : err;
}

static enum err put_author(struct buf *out, const struct feed_id *author)
{
	enum err err = PUT(out, head_author);
	if (err == ERR_OK) {
		err = put_id(out, &kinds[0], author->at);
	}
	return err == ERR_OK ? PUT(out, "\"") : err;
}

static enum err put_previous(struct buf *out, unsigned flags, struct span *from)
{
	struct span id;
	enum err err = PUT(out, head_first);
	if (err != ERR_OK || (flags & PACK_PREVIOUS) == 0) {
		return err == ERR_OK ? PUT(out, "null") : err;
	}
	if (!get(from, ID_BYTES, &id)) {
		return ERR_DAMAGED;
	}
	err = PUT(out, "\"");
	if (err == ERR_OK) {
		err = put_id(out, &kinds[1], id.at);
	}
	return err == ERR_OK ? PUT(out, "\"") : err;
}

static bool get_varint(struct span *from, uint64_t *out)
{
	*out = 0;
	for (unsigned i = 0; i < VARINT_BYTES_MAX && i < from->len; i++) {
		*out |= (uint64_t)(from->at[i] & 127) << 7 * i;
		if (from->at[i] < 128) {
			*from = span_skip(*from, i + 1);
			return true;
		}
	}
	return false;
}

static enum err put_time(struct buf *out, unsigned flags, struct span *from)
{
	uint64_t whole = 0;
	struct span text;
	enum err err = PUT(out, head_time);
	if (err != ERR_OK) {
		return err;
	}
	if ((flags & PACK_TIME_TEXT) == 0) {
		return get_varint(from, &whole) ? put_number(out, whole) : ERR_DAMAGED;
	}
	if (!get(from, 1, &text) || !get(from, text.at[0], &text)) {
		return ERR_DAMAGED;
	}
	return buf_append(out, text);
}

static enum err put_head(struct buf *out, const struct feed_id *author, uint64_t sequence,
	unsigned flags, struct span *from)
{
	bool is_author_first = (flags & PACK_AUTHOR_FIRST) != 0;
	enum err err = put_previous(out, flags, from);
	if (err == ERR_OK) {
		err = is_author_first ? put_author(out, author) : put_sequence(out, sequence);
	}
	if (err == ERR_OK) {
		err = is_author_first ? put_sequence(out, sequence) : put_author(out, author);
	}
	if (err == ERR_OK) {
		err = put_time(out, flags, from);
	}
	return err == ERR_OK ? PUT(out, head_content) : err;
}

static enum err put_box(struct buf *out, struct span box)
{
	enum err err = PUT(out, "\"");
	if (err == ERR_OK) {
		err = put_base64(out, box);
	}
	return err == ERR_OK ? PUT(out, ".box\"") : err;
}

static enum err put_code(struct buf *out, struct span *from, struct last_id *last)
{
	struct span id;
	uint8_t code = from->at[0];
	*from = span_skip(*from, 1);
	if (code >= CODE_WORDS && code < CODE_WORDS + WORDS) {
		const struct word *word = &words[code - CODE_WORDS];
		return buf_append(out, span_of(word->text, word->len));
	}
	if (code == CODE_SAME && last->kind != 0) {
		return put_id(out, &kinds[last->kind - CODE_FEED], last->id);
	}
	if (code < CODE_FEED || code > CODE_BLOB || !get(from, ID_BYTES, &id)) {
		return ERR_DAMAGED;
	}
	last->kind = code;
	memcpy(last->id, id.at, ID_BYTES);
	return put_id(out, &kinds[code - CODE_FEED], id.at);
}

static enum err put_content(struct buf *out, struct span from)
{
	struct last_id last = {.kind = 0};
	enum err err = ERR_OK;
	if (from.len > 0 && from.at[0] == CODE_BOX) {
		return put_box(out, span_skip(from, 1));
	}
	while (err == ERR_OK && from.len > 0) {
		size_t run = 0;
		while (run < from.len && from.at[run] >= CODE_BYTES) {
			run++;
		}
		err = buf_append(out, span_take(from, run));
		from = span_skip(from, run);
		if (err == ERR_OK && from.len > 0) {
			err = put_code(out, &from, &last);
		}
	}
	return err;
}

static enum err put_message(
	struct buf *out, const struct feed_id *author, uint64_t sequence, struct span body)
{
	struct span signature;
	unsigned flags = body.at[0] & PACK_FLAGS;
	struct span from = span_skip(body, 1);
	enum err err = put_head(out, author, sequence, flags, &from);
	if (err == ERR_OK && !get(&from, SIGNATURE_BYTES, &signature)) {
		err = ERR_DAMAGED;
	}
	if (err == ERR_OK) {
		err = put_content(out, from);
	}
	if (err == ERR_OK) {
		err = PUT(out, tail_before);
	}
	if (err == ERR_OK) {
		err = put_base64(out, signature);
	}
	return err == ERR_OK ? PUT(out, tail_after) : err;
}

enum err pack_text(
	struct span body, const struct feed_id *author, uint64_t sequence, struct buf *out)
{
	if (body.len == 0 || body.len > LIMIT_MESSAGE_BYTES) {
		return ERR_DAMAGED;
	}
	if (body.at[0] == '{') {
		return buf_append(out, body);
	}
	if ((body.at[0] & ~PACK_FLAGS) != PACK_FORM) {
		return ERR_DAMAGED;
	}
	size_t before = out->len;
	size_t max = out->max;
	/* So no body writes more than a message may have. */
	bool is_capped = max - before >= LIMIT_MESSAGE_BYTES;
	if (is_capped) {
		out->max = before + LIMIT_MESSAGE_BYTES;
	}
	size_t usual = 2 * body.len + 512;
	enum err err = ERR_OK;
	if (usual <= out->max - before && buf_reserve(out, usual) == NULL) {
		err = ERR_NOMEM;
	}
	if (err == ERR_OK) {
		err = put_message(out, author, sequence, body);
	}
	out->max = max;
	if (err != ERR_OK) {
		buf_truncate(out, before);
	}
	return err == ERR_LIMIT && is_capped ? ERR_DAMAGED : err;
}

/* Over everything that comes before the content. */
static bool skip_head(struct span body, struct span *content)
{
	unsigned flags = body.at[0] & PACK_FLAGS;
	struct span from = span_skip(body, 1);
	struct span part;
	uint64_t whole = 0;
	if ((flags & PACK_PREVIOUS) != 0 && !get(&from, ID_BYTES, &part)) {
		return false;
	}
	if ((flags & PACK_TIME_TEXT) == 0) {
		if (!get_varint(&from, &whole)) {
			return false;
		}
	} else if (!get(&from, 1, &part) || !get(&from, part.at[0], &part)) {
		return false;
	}
	if (!get(&from, SIGNATURE_BYTES, &part)) {
		return false;
	}
	*content = from;
	return true;
}

enum pack_kind pack_kind(struct span body, struct span *box)
{
	static const char before[] = "\"content\":\"";
	struct span content;
	if (body.len > 0 && body.at[0] == '{') {
		return memmem(body.at, body.len, before, sizeof(before) - 1) != NULL ? PACK_PRIVATE
										     : PACK_OPEN;
	}
	if (body.len == 0 || (body.at[0] & ~PACK_FLAGS) != PACK_FORM ||
		!skip_head(body, &content) || content.len == 0) {
		return PACK_OPEN;
	}
	if (content.at[0] == CODE_BOX) {
		*box = span_skip(content, 1);
		return PACK_BOX;
	}
	return content.at[0] == '"' ? PACK_PRIVATE : PACK_OPEN;
}
