/* api/body: what a page sends. The count of brackets before the parser must never be less than how
 * deep the tree is; what is taken is UTF-8, and what is cleaned stays as it is. */
#include "api/body.h"

#include "base/limits.h"
#include "feed/utf8.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_BYTES_MAX = 1 * MIB };

static void must(bool is_so)
{
	if (!is_so) {
		abort();
	}
}

static bool is_utf8(struct span text)
{
	return utf8_valid_bytes(text, UTF8_STRICT) == text.len;
}

static unsigned depth_of(const json_t *tree)
{
	unsigned deepest = 0;
	size_t i = 0;
	const char *name = NULL;
	json_t *member = NULL;
	if (!json_is_array(tree) && !json_is_object(tree)) {
		return 0;
	}
	json_array_foreach(tree, i, member)
	{
		unsigned depth = depth_of(member);
		deepest = depth > deepest ? depth : deepest;
	}
	json_object_foreach((json_t *)(uintptr_t)tree, name, member)
	{
		unsigned depth = depth_of(member);
		deepest = depth > deepest ? depth : deepest;
	}
	return deepest + 1;
}

static void read_body(struct span text)
{
	const char *name = NULL;
	json_t *member = NULL;
	json_t *body = body_parse(text);
	if (body == NULL) {
		return;
	}
	must(json_is_object(body) && depth_of(body) <= LIMIT_HTTP_BODY_DEPTH);
	json_object_foreach(body, name, member)
	{
		struct span value;
		must(body_has(body, name) == !json_is_null(member));
		must(body_text(body, name, &value) == json_is_string(member));
		must(!json_is_string(member) || is_utf8(value));
	}
	json_decref(body);
}

static void read_query(struct span query, const char *name)
{
	struct buf value = BUF_INIT(LIMIT_HTTP_TARGET_BYTES);
	if (body_query(query, name, &value) == ERR_OK) {
		must(is_utf8(buf_span(&value)) && value.len <= query.len);
	}
	buf_fini(&value);
}

static void clean(struct span text)
{
	struct buf once = BUF_INIT(TEXT_BYTES_MAX);
	struct buf twice = BUF_INIT(TEXT_BYTES_MAX);
	must(body_clean(text, &once) == ERR_OK && is_utf8(buf_span(&once)));
	must(body_clean(buf_span(&once), &twice) == ERR_OK);
	must(span_equal(buf_span(&once), buf_span(&twice)));
	must(!is_utf8(text) || span_equal(buf_span(&once), text));
	json_t *string = body_string(text);
	must(string != NULL && span_equal(buf_span(&once), span_of(json_string_value(string),
								   json_string_length(string))));
	json_decref(string);
	buf_fini(&twice);
	buf_fini(&once);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of(data, size);
	read_body(text);
	read_query(text, "q");
	read_query(text, "before");
	clean(text);
	return 0;
}
