/* feed/sniff: any bytes have one of the known types or none, the same one every time, and never one
 * from what stands behind the first LIMIT_SNIFF_BYTES. */
#include "base/limits.h"
#include "feed/sniff.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *type = sniff_type(span_of(data, size));
	size_t head = size < LIMIT_SNIFF_BYTES ? size : LIMIT_SNIFF_BYTES;
	if (sniff_known(span_text(type)) !=
		sniff_known(span_text(sniff_type(span_of(data, head))))) {
		abort();
	}
	if (type[0] != '\0' &&
		sniff_is_image(type) + sniff_is_sound(type) + sniff_is_video(type) != 1) {
		abort();
	}
	if (size > 0 && data[0] == '<' && type[0] != '\0') {
		abort(); /* no markup has a type */
	}
	return 0;
}
