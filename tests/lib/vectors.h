/** tests/lib/vectors: test data from tests/vectors/, read with jansson; all helpers end the test
 * when something is missing. */
#ifndef TESTS_LIB_VECTORS_H
#define TESTS_LIB_VECTORS_H

#include "base/buf.h"

#include <jansson.h>

/** The file tests/vectors/NAME.json; free with json_decref(). Tests run from the top of the tree.
 */
json_t *vectors_load(const char *name);
/** A text field; NULL when it is absent or null. */
const char *vectors_text(const json_t *object, const char *name);
/** A field in hex, appended to `*out` (reset first). False when it is absent or null. */
bool vectors_hex(const json_t *object, const char *name, struct buf *out);

#endif
