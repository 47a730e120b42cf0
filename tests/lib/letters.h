/** tests/lib/letters: an api/ whose owner gets and writes private words, and people who write to
 * it. Every helper ends the test when something fails. */
#ifndef TESTS_LIB_LETTERS_H
#define TESTS_LIB_LETTERS_H

#include "lib/api_rig.h"
#include "lib/authors.h"

enum { LETTERS_PEOPLE = 9 };

struct letters {
	struct api_rig rig;
	struct author people[LETTERS_PEOPLE]; /* strangers, until somebody is followed */
	char self[FEED_ID_TEXT_BYTES];
};

void letters_start(struct letters *letters);
void letters_stop(struct letters *letters);

/** One request of a signed-in browser, with its whole allowance; printf-like body ("" for none).
 * The answer is the caller's to json_decref(). */
json_t *letters_ask(struct letters *letters, unsigned status, const char *method,
	const char *target, const char *format, ...) PRINTF_LIKE(5, 6);
/** The text at a path of members and indices like "posts.0.id"; "" when there is none. */
const char *letters_text(const json_t *tree, const char *path);
const json_t *letters_at(const json_t *tree, const char *path);

/** Somebody's next message, stored. */
struct message_id letters_say(struct letters *letters, unsigned who, const char *format, ...)
	PRINTF_LIKE(3, 4);
/** … boxed to its author, the owner and `also` (numbers of people, ended by −1). */
struct message_id letters_box(struct letters *letters, unsigned who, const int *also,
	const char *format, ...) PRINTF_LIKE(4, 5);
/** … boxed to the owner alone, whatever it claims. */
struct message_id letters_forge(struct letters *letters, unsigned who, const char *format, ...)
	PRINTF_LIKE(3, 4);

/** What this person reads of the owner's newest message; NULL when it is no box, or not for them.
 * json_decref() it. */
json_t *letters_read_newest(struct letters *letters, unsigned who);
/** The owner's newest message as it is stored. */
void letters_newest(struct letters *letters, struct buf *text);

#endif
