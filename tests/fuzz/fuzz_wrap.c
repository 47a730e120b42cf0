/* feed/wrap: any bytes are a locked secret file or are refused with a sentence, before any costly
 * work is done; what is one begins as one and names a key. */
#include "feed/wrap.h"

#include <sodium.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed_id id;
	char text[FEED_ID_TEXT_BYTES];
	const char *why = NULL;
	struct span file = span_of(data, size);
	if (sodium_init() < 0) {
		abort();
	}
	if (wrap_read_id(file, &id, &why) != ERR_OK) {
		return why == NULL ? (abort(), 0) : 0;
	}
	feed_id_format(&id, text);
	if (!wrap_is(file) || size > 700 || memmem(data, size, text, strlen(text)) == NULL) {
		abort();
	}
	return 0;
}
