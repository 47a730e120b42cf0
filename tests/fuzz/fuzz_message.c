/*
 * feed/message: any bytes are a message or are refused with a sentence. What is one, signature or
 * not, reads back from its compact text with the same key, fits the limits, and its content can be
 * looked at. The one pass and the tree give the same verdict with the same sentence, and the same
 * message.
 */
#include "base/limits.h"
#include "feed/content.h"
#include "feed/message_inside.h"

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
	must(content_read(message, &content) == ERR_OK);
	must((content.type == CONTENT_PRIVATE) == message->is_encrypted);
	message_free(again);
	buf_fini(&text);
}

static void compare(const struct message *scanned, const struct message *read)
{
	must(feed_id_equal(&scanned->author, &read->author));
	must(message_id_equal(&scanned->key, &read->key));
	must(scanned->has_previous == read->has_previous);
	must(!read->has_previous || message_id_equal(&scanned->previous, &read->previous));
	must(scanned->sequence == read->sequence);
	must(scanned->timestamp == read->timestamp);
	must(scanned->is_encrypted == read->is_encrypted);
	must(span_equal(scanned->compact, read->compact));
	must(span_equal(scanned->content_text, read->content_text));
	must(span_equal(scanned->type, read->type));
}

/* `how` are the two ways to read, first the usual one. */
static void both_ways(
	struct span raw, enum err (*const how[2])(struct span, struct message **, const char **))
{
	struct message *messages[2] = {NULL, NULL};
	const char *why[2] = {"", ""};
	enum err err[2];
	for (int i = 0; i < 2; i++) {
		err[i] = how[i](raw, &messages[i], &why[i]);
	}
	must(err[0] == err[1]);
	if (err[0] == ERR_OK) {
		compare(messages[0], messages[1]);
	} else {
		must(strcmp(why[0], why[1]) == 0);
	}
	message_free(messages[0]);
	message_free(messages[1]);
}

static enum err verify(struct span raw, struct message **out, const char **why)
{
	return message_verify(raw, NULL, out, why);
}

static enum err verify_by_tree(struct span raw, struct message **out, const char **why)
{
	return message_verify_by_tree(raw, NULL, out, why);
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
	both_ways(span_of(data, size), (enum err(*const[2])(struct span, struct message **,
					       const char **)){verify, verify_by_tree});
	both_ways(span_of(data, size),
		(enum err(*const[2])(struct span, struct message **, const char **)){
			message_reread, message_reread_by_tree});
	return 0;
}
