/*
 * feed/message: any bytes are a message or are refused with a sentence. What is one, signature or
 * not, reads back from its compact text with the same key, fits the limits, and its content can be
 * looked at.
 */
#include "base/limits.h"
#include "feed/content.h"

#include <sodium.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_fine)
{
	if (!is_fine) {
		abort();
	}
}

static void check(const struct message *message)
{
	struct message *again = NULL;
	struct content content;
	const char *why = NULL;
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	must(message_reread(message->compact, &again, &why) == ERR_OK);
	must(message_id_equal(&again->key, &message->key));
	must(span_equal(again->compact, message->compact));
	must(message->sequence >= 1 && message->has_previous == (message->sequence > 1));
	must(message_write_signed_text(message, &text) == ERR_OK);
	must(json_units(buf_span(&text)) <= LIMIT_MESSAGE_UNITS);
	content_read(message, &content);
	must((content.type == CONTENT_PRIVATE) == message->is_encrypted);
	message_free(again);
	buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct message *message = NULL;
	const char *why = NULL;
	must(sodium_init() >= 0);
	enum err verified = message_verify(span_of(data, size), NULL, &message, &why);
	must(verified == ERR_OK || (message == NULL && why != NULL));
	message_free(message);
	message = NULL;
	enum err reread = message_reread(span_of(data, size), &message, &why);
	must(verified != ERR_OK || reread == ERR_OK);
	if (reread == ERR_OK) {
		check(message);
	}
	message_free(message);
	return 0;
}
