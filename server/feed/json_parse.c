/*
 * The reader. The text is copied once and read in place: strings stay where they are in the copy
 * (escapes only shrink), and only a string with invalid UTF-8 needs memory of its own. A NUL behind
 * the copy stops every loop, for no token may contain one.
 *
 * Values of an open array or object wait on a stack, and are copied next to each other when it
 * closes; so a node is found by its number at once, and nothing is allocated per node.
 */
#include "base/limits.h"
#include "feed/json_tree.h"
#include "feed/utf8.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

struct json_block {
	struct json_block *next;
	size_t used; /* bytes of `at` */
	size_t size;
	max_align_t at[];
};

enum { STACK_NODES = 96, BLOCK_BYTES = 2048, NODES_BESIDE_TEXT_BYTES = 1024 };

struct parser {
	const uint8_t *at;
	const uint8_t *end; /* where the NUL is */
	struct json_doc *doc;
	unsigned depth_max;
	struct json *stack;
	size_t stack_count;
	size_t stack_max;
	struct json first_stack[STACK_NODES];
};

static struct json_block *block_new(size_t size)
{
	struct json_block *block = malloc(sizeof(*block) + size);
	if (block != NULL) {
		*block = (struct json_block){.size = size};
	}
	return block;
}

static void *take_bytes(struct json_doc *doc, size_t count)
{
	size_t align = sizeof(struct json);
	size_t need = (count + align - 1) / align * align;
	struct json_block *block = doc->blocks;
	if (need > block->size - block->used) {
		size_t size = block->size * 2 > BLOCK_BYTES ? block->size * 2 : BLOCK_BYTES;
		if (size < need) {
			size = need;
		}
		block = block_new(size);
		if (block == NULL) {
			return NULL;
		}
		block->next = doc->blocks;
		doc->blocks = block;
	}
	void *out = (uint8_t *)block->at + block->used;
	block->used += need;
	return out;
}

static enum err push(struct parser *p, const struct json *value)
{
	if (p->stack_count == p->stack_max) {
		size_t max = p->stack_max * 2;
		struct json *stack = malloc(max * sizeof(*stack));
		if (stack == NULL) {
			return ERR_NOMEM;
		}
		memcpy(stack, p->stack, p->stack_count * sizeof(*stack));
		if (p->stack != p->first_stack) {
			free(p->stack);
		}
		p->stack = stack;
		p->stack_max = max;
	}
	p->stack[p->stack_count++] = *value;
	return ERR_OK;
}

/* Move the nodes above `base` from the stack to where they stay. */
static enum err settle(struct parser *p, size_t base, size_t count, struct json **items)
{
	*items = NULL;
	p->stack_count = base;
	if (count == 0) {
		return ERR_OK;
	}
	*items = take_bytes(p->doc, count * sizeof(struct json));
	if (*items == NULL) {
		return ERR_NOMEM;
	}
	memcpy(*items, p->stack + base, count * sizeof(struct json));
	return ERR_OK;
}

static void skip_blanks(struct parser *p)
{
	while (*p->at == ' ' || *p->at == '\n' || *p->at == '\t' || *p->at == '\r') {
		p->at++;
	}
}

static int hex_of(uint8_t c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits at `at`, or −1. A digit is never the NUL or quote that ends the text, so this
 * stops in time. */
static int32_t read_unit(const uint8_t *at)
{
	int32_t unit = 0;
	for (int i = 0; i < 4; i++) {
		int digit = hex_of(at[i]);
		if (digit < 0) {
			return -1;
		}
		unit = unit << 4 | digit;
	}
	return unit;
}

/* One escape; `*at` is behind the backslash and moves behind the escape. Returns the code point (a
 * lone surrogate is one), or −1. */
static int32_t read_escape(const uint8_t **at)
{
	static const char names[] = "\"\\/bfnrt";
	static const char meant[] = "\"\\/\b\f\n\r\t";
	uint8_t c = *(*at)++;
	if (c != 'u') {
		const char *found = c == '\0' ? NULL : strchr(names, c);
		return found == NULL ? -1 : meant[found - names];
	}
	int32_t unit = read_unit(*at);
	if (unit < 0) {
		return -1;
	}
	*at += 4;
	if (unit < 0xd800 || unit > 0xdbff || (*at)[0] != '\\' || (*at)[1] != 'u') {
		return unit;
	}
	int32_t low = read_unit(*at + 2);
	if (low < 0xdc00 || low > 0xdfff) {
		return unit;
	}
	*at += 6;
	return 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
}

/* Decode the text between two quotes to `out`, which may be the text itself when it is valid UTF-8.
 */
static enum err decode_string(const uint8_t *at, const uint8_t *end, uint8_t *out, uint32_t *len)
{
	uint8_t *start = out;
	while (at < end) {
		size_t plain = json_plain_bytes(at, (size_t)(end - at));
		if (plain > 0) {
			memmove(out, at, plain);
			out += plain;
			at += plain;
			continue;
		}
		if (*at == '\\') {
			at++;
			int32_t point = read_escape(&at);
			if (point < 0) {
				return ERR_REFUSED;
			}
			out += utf8_put((uint32_t)point, out);
			continue;
		}
		bool is_valid = false;
		size_t count = utf8_step(span_of(at, (size_t)(end - at)), UTF8_STRICT, &is_valid);
		if (is_valid) {
			memmove(out, at, count);
			out += count;
		} else {
			out += utf8_put(0xfffd, out);
		}
		at += count;
	}
	*len = (uint32_t)(out - start);
	return ERR_OK;
}

/* The rest of a string that is not plain ASCII; `start` is behind the opening quote, p->at at the
 * first byte that is not plain. */
static enum err parse_rich_string(struct parser *p, const uint8_t *start, struct json *out)
{
	bool has_escape = false;
	size_t bad = 0;
	const uint8_t *at = p->at;
	while (*at != '"') {
		if (*at < 0x20 || (*at == '\\' && at[1] < 0x20)) {
			return ERR_REFUSED;
		}
		bool is_valid = true;
		size_t count = 2;
		if (*at == '\\') {
			has_escape = true;
			/* What follows may be anything, also half a character: decode_string()
			 * judges it. */
		} else {
			count = utf8_step(
				span_of(at, (size_t)(p->end - at)), UTF8_STRICT, &is_valid);
		}
		bad += is_valid ? 0 : 1;
		at += count;
	}
	p->at = at + 1;
	out->text = start;
	out->len = (uint32_t)(at - start);
	if (!has_escape && bad == 0) {
		return ERR_OK;
	}
	/* The copy is ours to write on: json_parse() made it. */
	uint8_t *room = (uint8_t *)(uintptr_t)start;
	if (bad > 0) {
		room = take_bytes(p->doc, (size_t)(at - start) + 3 * bad);
		if (room == NULL) {
			return ERR_NOMEM;
		}
	}
	out->text = room;
	return decode_string(start, at, room, &out->len);
}

static enum err parse_string(struct parser *p, struct json *out)
{
	const uint8_t *start = ++p->at;
	out->type = JSON_KIND_STRING;
	p->at += json_plain_bytes(p->at, (size_t)(p->end - p->at));
	if (*p->at != '"') {
		return parse_rich_string(p, start, out);
	}
	out->text = start;
	out->len = (uint32_t)(p->at - start);
	p->at++;
	return ERR_OK;
}

static enum err parse_value(struct parser *p, unsigned depth, struct json *out);

static enum err parse_array(struct parser *p, unsigned depth, struct json *out)
{
	size_t base = p->stack_count;
	p->at++;
	skip_blanks(p);
	bool is_over = *p->at == ']';
	while (!is_over) {
		struct json value = {0};
		enum err err = parse_value(p, depth + 1, &value);
		if (err == ERR_OK) {
			err = push(p, &value);
		}
		if (err != ERR_OK) {
			return err;
		}
		skip_blanks(p);
		is_over = *p->at == ']';
		if (!is_over && *p->at++ != ',') {
			return ERR_REFUSED;
		}
		if (!is_over) {
			skip_blanks(p);
		}
	}
	p->at++;
	out->type = JSON_KIND_ARRAY;
	out->len = (uint32_t)(p->stack_count - base);
	return settle(p, base, out->len, &out->items);
}

/* Name, colon and value: two nodes on the stack. */
static enum err parse_member(struct parser *p, unsigned depth)
{
	struct json node = {0};
	if (*p->at != '"') {
		return ERR_REFUSED;
	}
	enum err err = parse_string(p, &node);
	if (err == ERR_OK) {
		err = push(p, &node);
	}
	if (err != ERR_OK) {
		return err;
	}
	skip_blanks(p);
	if (*p->at++ != ':') {
		return ERR_REFUSED;
	}
	skip_blanks(p);
	err = parse_value(p, depth + 1, &node);
	return err == ERR_OK ? push(p, &node) : err;
}

static enum err parse_object(struct parser *p, unsigned depth, struct json *out)
{
	size_t base = p->stack_count;
	p->at++;
	skip_blanks(p);
	bool is_over = *p->at == '}';
	while (!is_over) {
		enum err err = parse_member(p, depth);
		if (err != ERR_OK) {
			return err;
		}
		skip_blanks(p);
		is_over = *p->at == '}';
		if (!is_over && *p->at++ != ',') {
			return ERR_REFUSED;
		}
		if (!is_over) {
			skip_blanks(p);
		}
	}
	p->at++;
	size_t members = (p->stack_count - base) / 2;
	enum err err = json_order_members(p->stack + base, &members);
	if (err != ERR_OK) {
		return err;
	}
	out->type = JSON_KIND_OBJECT;
	out->len = (uint32_t)members;
	return settle(p, base, 2 * members, &out->items);
}

static enum err parse_word(
	struct parser *p, const char *word, enum json_kind type, struct json *out)
{
	for (; *word != '\0'; word++) {
		if (*p->at++ != (uint8_t)*word) {
			return ERR_REFUSED;
		}
	}
	out->type = (uint8_t)type;
	return ERR_OK;
}

static enum err parse_number(struct parser *p, struct json *out)
{
	const uint8_t *behind = json_number_read(p->at, &out->number);
	if (behind == NULL) {
		return ERR_REFUSED;
	}
	p->at = behind;
	out->type = JSON_KIND_NUMBER;
	return ERR_OK;
}

/* `depth` counts the arrays and objects around the value. */
static enum err parse_value(struct parser *p, unsigned depth, struct json *out)
{
	switch (*p->at) {
	case '"':
		return parse_string(p, out);
	case '[':
		return depth < p->depth_max ? parse_array(p, depth, out) : ERR_LIMIT;
	case '{':
		return depth < p->depth_max ? parse_object(p, depth, out) : ERR_LIMIT;
	case 'n':
		return parse_word(p, "null", JSON_KIND_NULL, out);
	case 't':
		return parse_word(p, "true", JSON_KIND_TRUE, out);
	case 'f':
		return parse_word(p, "false", JSON_KIND_FALSE, out);
	default:
		return parse_number(p, out);
	}
}

static struct json_doc *doc_new(struct span text, uint8_t **copy)
{
	struct json_doc *doc = calloc(1, sizeof(*doc));
	if (doc == NULL) {
		return NULL;
	}
	doc->blocks = block_new(text.len + sizeof(struct json) + NODES_BESIDE_TEXT_BYTES);
	if (doc->blocks == NULL) {
		free(doc);
		return NULL;
	}
	*copy = take_bytes(doc, text.len + 1);
	if (text.len > 0) {
		memcpy(*copy, text.at, text.len);
	}
	(*copy)[text.len] = '\0';
	return doc;
}

enum err json_parse(struct span text, unsigned depth_max, struct json_doc **out)
{
	assert(depth_max <= LIMIT_JSON_DEPTH);
	/* Lengths inside are 32 bits, and invalid UTF-8 may grow threefold. */
	if (text.len > UINT32_MAX / 4) {
		return ERR_LIMIT;
	}
	uint8_t *copy = NULL;
	struct json_doc *doc = doc_new(text, &copy);
	if (doc == NULL) {
		return ERR_NOMEM;
	}
	struct parser p;
	p.at = copy;
	p.end = copy + text.len;
	p.doc = doc;
	p.depth_max = depth_max;
	p.stack = p.first_stack;
	p.stack_count = 0;
	p.stack_max = STACK_NODES;
	skip_blanks(&p);
	enum err err = parse_value(&p, 0, &doc->root);
	if (err == ERR_OK) {
		skip_blanks(&p);
		err = p.at == p.end ? ERR_OK : ERR_REFUSED;
	}
	if (p.stack != p.first_stack) {
		free(p.stack);
	}
	if (err != ERR_OK) {
		json_doc_free(doc);
		return err;
	}
	*out = doc;
	return ERR_OK;
}

void json_doc_free(struct json_doc *doc)
{
	if (doc == NULL) {
		return;
	}
	while (doc->blocks != NULL) {
		struct json_block *next = doc->blocks->next;
		free(doc->blocks);
		doc->blocks = next;
	}
	free(doc);
}

void json_doc_wipe(struct json_doc *doc)
{
	if (doc == NULL) {
		return;
	}
	for (struct json_block *block = doc->blocks; block != NULL; block = block->next) {
		sodium_memzero(block->at, block->size);
	}
	json_doc_free(doc);
}
