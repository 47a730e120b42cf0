/* Test data: loading and hex. */
#include "lib/vectors.h"

#include "base/encode.h"
#include "lib/cmocka.h"

#include <stdio.h>

json_t *vectors_load(const char *name)
{
	char path[256];
	json_error_t error;
	(void)snprintf(path, sizeof(path), "tests/vectors/%s.json", name);
	json_t *root = json_load_file(path, JSON_ALLOW_NUL, &error);
	if (root == NULL) {
		fail_msg("%s: %s", path, error.text);
	}
	return root;
}

const char *vectors_text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

bool vectors_hex(const json_t *object, const char *name, struct buf *out)
{
	const char *hex = vectors_text(object, name);
	if (hex == NULL) {
		return false;
	}
	size_t count = strlen(hex) / 2;
	buf_clear(out);
	uint8_t *room = buf_reserve(out, count + 1);
	assert_non_null(room);
	assert_int_equal(hex_decode(span_text(hex), room, count), ERR_OK);
	buf_added(out, count);
	return true;
}
