/* Reading a tree, and finding the bytes of one member in a text. */
#include "feed/json.h"

#include "base/limits.h"
#include "feed/json_tree.h"
#include "feed/utf8.h"

#include <assert.h>
#include <math.h>

#define INTEGER_MAX 9007199254740991.0 /* 2^53 − 1 */

const struct json *json_root(const struct json_doc *doc)
{
	return &doc->root;
}

enum json_kind json_kind(const struct json *value)
{
	return (enum json_kind)value->type;
}

static bool is_type(const struct json *value, enum json_kind type)
{
	return value != NULL && value->type == type;
}

const struct json *json_get(const struct json *object, const char *name)
{
	if (!is_type(object, JSON_KIND_OBJECT)) {
		return NULL;
	}
	size_t len = strlen(name);
	for (uint32_t i = 0; i < object->len; i++) {
		const struct json *at = &object->items[2 * i];
		if (at->len == len && memcmp(at->text, name, len) == 0) {
			return at + 1;
		}
	}
	return NULL;
}

size_t json_count(const struct json *value)
{
	return is_type(value, JSON_KIND_ARRAY) || is_type(value, JSON_KIND_OBJECT) ? value->len : 0;
}

const struct json *json_at(const struct json *value, size_t i)
{
	assert(i < json_count(value));
	return value->type == JSON_KIND_ARRAY ? &value->items[i] : &value->items[2 * i + 1];
}

struct span json_name_at(const struct json *object, size_t i)
{
	assert(is_type(object, JSON_KIND_OBJECT) && i < object->len);
	return span_of(object->items[2 * i].text, object->items[2 * i].len);
}

bool json_text(const struct json *value, struct span *out)
{
	if (!is_type(value, JSON_KIND_STRING)) {
		return false;
	}
	*out = span_of(value->text, value->len);
	return true;
}

bool json_number(const struct json *value, double *out)
{
	if (!is_type(value, JSON_KIND_NUMBER)) {
		return false;
	}
	*out = value->number;
	return true;
}

bool json_whole(const struct json *value, int64_t *out)
{
	if (!is_type(value, JSON_KIND_NUMBER) || !(fabs(value->number) <= INTEGER_MAX)) {
		return false;
	}
	int64_t whole = (int64_t)value->number;
	if ((double)whole != value->number) {
		return false;
	}
	*out = whole;
	return true;
}

bool json_says_true(const struct json *value)
{
	return is_type(value, JSON_KIND_TRUE);
}

bool json_is_truthy(const struct json *value)
{
	if (value == NULL || value->type == JSON_KIND_NULL || value->type == JSON_KIND_FALSE) {
		return false;
	}
	if (value->type == JSON_KIND_NUMBER) {
		return value->number != 0;
	}
	return value->type != JSON_KIND_STRING || value->len > 0;
}

size_t json_units(struct span text)
{
	size_t units = 0;
	for (size_t i = 0; i < text.len; i++) {
		/* One for each byte that starts a character, and one more for those of four bytes.
		 */
		units += ((text.at[i] & 0xc0) != 0x80) + (text.at[i] >= 0xf0);
	}
	return units;
}

/* A walk over a text that json_parse() takes; at its end it finds NULs. */
struct walk {
	struct span text;
	size_t i;
};

static uint8_t look(const struct walk *walk)
{
	return walk->i < walk->text.len ? walk->text.at[walk->i] : 0;
}

static void walk_blanks(struct walk *walk)
{
	uint8_t c = look(walk);
	while (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
		walk->i++;
		c = look(walk);
	}
}

static void walk_string(struct walk *walk)
{
	for (walk->i++; walk->i < walk->text.len && look(walk) != '"'; walk->i++) {
		walk->i += look(walk) == '\\' ? 1 : 0;
	}
	walk->i++;
}

/* Past one value: to the comma or bracket behind it. */
static struct span walk_value(struct walk *walk)
{
	size_t start = walk->i;
	size_t end = start;
	for (int depth = 0; walk->i < walk->text.len;) {
		uint8_t c = look(walk);
		if (depth == 0 && (c == ',' || c == '}' || c == ']')) {
			break;
		}
		if (c == '"') {
			walk_string(walk);
		} else {
			depth += (c == '{' || c == '[') - (c == '}' || c == ']');
			walk->i++;
		}
		if (c != ' ' && c != '\n' && c != '\t' && c != '\r') {
			end = walk->i;
		}
	}
	end = end < walk->text.len ? end : walk->text.len;
	return span_of(walk->text.at + start, end - start);
}

static bool is_named(struct span token, const char *name)
{
	struct json_doc *doc = NULL;
	struct span text;
	bool is = json_parse(token, 0, &doc) == ERR_OK && json_text(json_root(doc), &text) &&
		  span_equal_text(text, name);
	json_doc_free(doc);
	return is;
}

bool json_slice(struct span text, const char *name, struct span *out)
{
	struct walk walk = {.text = text};
	bool is_found = false;
	walk_blanks(&walk);
	if (look(&walk) != '{') {
		return false;
	}
	walk.i++;
	walk_blanks(&walk);
	while (look(&walk) == '"') {
		size_t start = walk.i;
		walk_string(&walk);
		if (walk.i > text.len) {
			return false;
		}
		struct span token = span_of(text.at + start, walk.i - start);
		walk_blanks(&walk);
		walk.i++;
		walk_blanks(&walk);
		struct span value = walk_value(&walk);
		if (is_named(token, name)) {
			*out = value;
			is_found = true;
		}
		walk.i++;
		walk_blanks(&walk);
	}
	return is_found;
}
