/*
 * feed/json: any bytes are read or refused. What is read prints to a text that reads and prints as
 * itself, compact and pretty alike; and each member's own bytes read as the member.
 */
#include "base/limits.h"
#include "feed/json.h"

#include <assert.h>
#include <stdlib.h>

enum { TEXT_BYTES_MAX = 64 * MIB };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_fine)
{
	if (!is_fine) {
		abort();
	}
}

static void print_again(struct span text, struct buf *compact)
{
	struct json_doc *doc = NULL;
	must(json_parse(text, LIMIT_JSON_DEPTH, &doc) == ERR_OK);
	must(json_write_compact(json_root(doc), compact) == ERR_OK);
	json_doc_free(doc);
}

static void check_member(struct span text, const struct json *root, size_t i)
{
	struct span name = json_name_at(root, i);
	struct span slice;
	struct buf expected = BUF_INIT(TEXT_BYTES_MAX);
	struct buf got = BUF_INIT(TEXT_BYTES_MAX);
	char *c_name = strndup((const char *)name.at, name.len);
	must(c_name != NULL);
	if (strlen(c_name) == name.len) {
		must(json_get(root, c_name) == json_at(root, i));
		must(json_slice(text, c_name, &slice));
		must(json_write_compact(json_at(root, i), &expected) == ERR_OK);
		print_again(slice, &got);
		must(span_equal(buf_span(&got), buf_span(&expected)));
	}
	free(c_name);
	buf_fini(&expected);
	buf_fini(&got);
}

static void check(struct span text, const struct json *root)
{
	struct buf compact = BUF_INIT(TEXT_BYTES_MAX);
	struct buf pretty = BUF_INIT(TEXT_BYTES_MAX);
	struct buf again = BUF_INIT(TEXT_BYTES_MAX);
	must(json_write_compact(root, &compact) == ERR_OK);
	must(json_write_pretty(root, &pretty) == ERR_OK);
	print_again(buf_span(&compact), &again);
	must(span_equal(buf_span(&again), buf_span(&compact)));
	buf_clear(&again);
	print_again(buf_span(&pretty), &again);
	must(span_equal(buf_span(&again), buf_span(&compact)));
	for (size_t i = 0; json_kind(root) == JSON_KIND_OBJECT && i < json_count(root) && i < 20;
		i++) {
		check_member(text, root, i);
	}
	buf_fini(&compact);
	buf_fini(&pretty);
	buf_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_doc *doc = NULL;
	struct span text = span_of(data, size);
	struct span slice;
	struct buf out = BUF_INIT(TEXT_BYTES_MAX);
	if (json_parse(text, LIMIT_JSON_DEPTH, &doc) == ERR_OK) {
		check(text, json_root(doc));
	}
	json_doc_free(doc);
	/* Neither of these may mind what is no JSON. */
	(void)json_slice(text, "value", &slice);
	must(json_write_string(text, &out) == ERR_OK);
	buf_fini(&out);
	return 0;
}
