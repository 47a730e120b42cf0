/* feed/key: any bytes are a secret file or are refused with a sentence; what is one is written so
 * that it reads as the same key. */
#include "base/limits.h"
#include "feed/key.h"

#include <sodium.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct key *key = NULL;
	struct key *again = NULL;
	const char *why = NULL;
	struct buf text = BUF_INIT(LIMIT_SECRET_FILE_BYTES);
	if (sodium_init() < 0) {
		abort();
	}
	if (key_from_text(span_of(data, size), &key, &why) != ERR_OK) {
		return why == NULL ? (abort(), 0) : 0;
	}
	if (key_to_text(key, &text) != ERR_OK ||
		key_from_text(buf_span(&text), &again, &why) != ERR_OK ||
		!feed_id_equal(key_id(key), key_id(again))) {
		abort();
	}
	key_free(key);
	key_free(again);
	buf_fini(&text);
	return 0;
}
