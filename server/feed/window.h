/**
 * feed/window: the newest messages of one feed, consecutive, without the history below them; and
 * beside them a few older messages in which the author speaks of itself (name, picture).
 *
 * How far one signature carries. Each message names the key of the one before it, and a key is the
 * hash of the whole text with its signature. So the newest signature, when it is good, says that
 * the author stood by every byte below it within the window: nobody but the author can have put
 * words there, left any out, or changed their order, and that costs one signature check for all
 * instead of one for each. It does not say
 *  - that each older signature is good by itself: an author may chain up a message with a broken
 * one. Strict peers refuse such a feed, and so do we: every message is checked by itself before it
 * is counted as stored or sent to anybody;
 *  - that this is the author's only history: another branch may exist. The chain from below
 * decides, and who held two of them has the proof;
 *  - that the window is new: a peer may give an old one. It shows less then, never something false.
 * So such a window may be *shown*, marked as being checked, and nothing else: it moves no head, is
 * in no clock note, is counted nowhere, decides no follow and no block.
 *
 * Pure; any thread.
 */
#ifndef FEED_WINDOW_H
#define FEED_WINDOW_H

#include "base/limits.h"
#include "feed/message.h"

struct window {
	struct feed_id author;
	/* Ascending; the last is the newest. A message here is not yet a verified one, whatever its
	 * type says, unless is_checked: nothing but store/ahead and the page may read it. */
	struct message *messages[LIMIT_WINDOW_MESSAGES];
	size_t count;
	/* Each checked by itself, in any order of sequence, below the window. */
	struct message *profiles[LIMIT_WINDOW_PROFILES];
	size_t profile_count;
	size_t checked;  /* of messages, from the newest down: their own signatures were checked */
	bool is_checked; /* all of them */
};

/**
 * Read `texts` as consecutive messages of `author`: each by shape, size and hash, each naming the
 * one before it, the newest by its signature; and `profiles`, each by its own signature. `hmac_key`
 * as in message_verify(). On ERR_OK `*out` is the caller's. ERR_REFUSED, ERR_LIMIT (more than
 * LIMIT_WINDOW_MESSAGES or LIMIT_WINDOW_PROFILES, or none), ERR_NOMEM; `*why` a static sentence.
 */
MUST_USE enum err window_read(const struct feed_id *author, const struct span *texts, size_t count,
	const struct span *profiles, size_t profile_count, const uint8_t *hmac_key,
	struct window **out, const char **why);
/** Check at most `max` more signatures, newest first. ERR_REFUSED: one is wrong; the window is
 * worthless. */
MUST_USE enum err window_check(
	struct window *window, size_t max, const uint8_t *hmac_key, const char **why);
void window_free(struct window *window);

#endif
