/* api/range: whatever a client asks for, what it gets lies within the file. The first eight bytes
 * are the length of the file, the rest the header. */
#include "api/range.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t bytes = 0;
	if (size < sizeof(bytes)) {
		return 0;
	}
	memcpy(&bytes, data, sizeof(bytes));
	bytes >>= data[0] & 63;
	struct span header = span_skip(span_of(data, size), sizeof(bytes));
	struct range range = range_read(header, bytes);
	if (range.what == RANGE_PART &&
		(range.count == 0 || range.first >= bytes || range.count > bytes - range.first)) {
		abort();
	}
	if (range.what == RANGE_ALL && (range.first != 0 || range.count != bytes)) {
		abort();
	}
	(void)range_has_etag(header, "\"tag\"");
	return 0;
}
