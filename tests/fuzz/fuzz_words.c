/* feed/words: any text is the words of a key or is refused with a sentence; the words of a key that
 * was read mean that key. */
#include "feed/words.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct key *key = NULL;
	struct key *again = NULL;
	uint16_t words[LIMIT_KEY_WORDS];
	char text[WORDS_TEXT_BYTES];
	char why[WORDS_WHY_BYTES] = "";
	size_t len = 0;
	if (sodium_init() < 0) {
		abort();
	}
	if (words_to_key(span_of(data, size), &key, why) != ERR_OK) {
		return why[0] == '\0' ? (abort(), 0) : 0;
	}
	words_of_key(key, words);
	for (size_t i = 0; i < LIMIT_KEY_WORDS; i++) {
		len += (size_t)snprintf(
			text + len, sizeof(text) - len, "%s ", words_text(words[i]));
	}
	if (words_to_key(span_of(text, strlen(text)), &again, why) != ERR_OK ||
		!feed_id_equal(key_id(key), key_id(again))) {
		abort();
	}
	key_free(key);
	key_free(again);
	return 0;
}
