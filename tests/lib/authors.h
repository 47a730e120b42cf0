/** tests/lib/authors: people made of a number, who sign messages; the same number gives the same
 * key, the same calls the same messages. */
#ifndef TESTS_LIB_AUTHORS_H
#define TESTS_LIB_AUTHORS_H

#include "feed/content.h"
#include "feed/signer.h"

struct author {
	struct signer *signer;
	struct feed_id id;
	char text[FEED_ID_TEXT_BYTES];
	struct chain_head head;
	int64_t now_ms; /* of the next message; grows by a second */
};

/** Ends the test when something fails, like all of these. */
void author_init(struct author *author, unsigned number);
void author_fini(struct author *author);
/** A twin with the same key that knows only the first `sequence` messages' head: to make forks. */
void author_twin(struct author *twin, unsigned number, const struct chain_head *head);
/** Sign the next message; printf-like content. The caller frees. */
struct message *author_say(struct author *author, const char *format, ...) PRINTF_LIKE(2, 3);
struct message *author_post(struct author *author, const char *text);
struct message *author_reply(struct author *author, const char *text, const struct message_id *root,
	const struct message_id *branch);
struct message *author_like(struct author *author, const struct message_id *link, int value);
struct message *author_contact(
	struct author *author, const struct feed_id *who, enum contact_edge edge);
struct message *author_name(struct author *author, const char *name);

#endif
