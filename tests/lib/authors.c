/* Deterministic authors. */
#include "lib/authors.h"

#include "lib/cmocka.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

static const int64_t first_ms = 1700000000000;

void author_init(struct author *author, unsigned number)
{
	uint8_t seed[32] = {0x6b, 0x69, 0x74, 0x68};
	struct key *key = NULL;
	for (int i = 0; i < 4; i++) {
		seed[4 + i] = (uint8_t)(number >> (8 * i));
	}
	assert_true(sodium_init() >= 0);
	*author = (struct author){.now_ms = first_ms};
	assert_int_equal(key_from_seed(seed, &key), ERR_OK);
	author->id = *key_id(key);
	assert_int_equal(signer_new(key, NULL, &author->signer), ERR_OK);
	feed_id_format(&author->id, author->text);
}

void author_fini(struct author *author)
{
	signer_free(author->signer);
	author->signer = NULL;
}

void author_twin(struct author *twin, unsigned number, const struct chain_head *head)
{
	author_init(twin, number);
	twin->head = *head;
	twin->now_ms += 500;
}

struct message *author_say(struct author *author, const char *format, ...)
{
	char *content = NULL;
	va_list args;
	va_start(args, format);
	int len = vasprintf(&content, format, args);
	va_end(args);
	assert_true(len > 0);
	struct message *message = NULL;
	const char *why = NULL;
	assert_int_equal(signer_sign_next(author->signer, &author->head, author->now_ms,
				 span_of(content, (size_t)len), &message, &why),
		ERR_OK);
	free(content);
	author->head = (struct chain_head){.sequence = message->sequence,
		.key = message->key,
		.timestamp = message->timestamp};
	author->now_ms += 1000;
	return message;
}

struct message *author_post(struct author *author, const char *text)
{
	return author_say(author, "{\"type\":\"post\",\"text\":\"%s\"}", text);
}

struct message *author_reply(struct author *author, const char *text, const struct message_id *root,
	const struct message_id *branch)
{
	char root_text[MESSAGE_ID_TEXT_BYTES];
	char branch_text[MESSAGE_ID_TEXT_BYTES];
	message_id_format(root, root_text);
	message_id_format(branch, branch_text);
	return author_say(author,
		"{\"type\":\"post\",\"text\":\"%s\",\"root\":\"%s\",\"branch\":\"%s\"}", text,
		root_text, branch_text);
}

struct message *author_like(struct author *author, const struct message_id *link, int value)
{
	char text[MESSAGE_ID_TEXT_BYTES];
	message_id_format(link, text);
	return author_say(author,
		"{\"type\":\"vote\",\"vote\":{\"link\":\"%s\",\"value\":%d,\"expression\":\"Like\"}"
		"}",
		text, value);
}

struct message *author_contact(
	struct author *author, const struct feed_id *who, enum contact_edge edge)
{
	char text[FEED_ID_TEXT_BYTES];
	feed_id_format(who, text);
	return author_say(author, "{\"type\":\"contact\",\"contact\":\"%s\",\"%s\":%s}", text,
		edge == EDGE_BLOCK ? "blocking" : "following",
		edge == EDGE_NEITHER ? "false" : "true");
}

struct message *author_name(struct author *author, const char *name)
{
	return author_say(author, "{\"type\":\"about\",\"about\":\"%s\",\"name\":\"%s\"}",
		author->text, name);
}
