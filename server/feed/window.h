/**
 * feed/window: the newest messages of one feed, consecutive, without the history below them; and
 * beside them a few older messages in which the author speaks of itself (name, picture).
 *
 * How far one signature carries. Each message names the key of the one before it, and a key is a
 * hash of the message with its signature. So the newest signature, when it is good, says that the
 * author stood by every *hashed byte* below it within the window: nobody but the author can have
 * left a message out, put one in or changed their order, and that costs one signature check for all
 * instead of one for each.
 *
 * But the hash does not see all of the text: of every UTF-16 unit it takes the low byte only
 * (protocol/01 §5), the signature takes all of it. A stranger may put U+4E41 where the author wrote
 * "A": the key stays, the words do not, and in a script with many characters, or by a quote that is
 * no quote (U+0122), that is room enough to put words into somebody's mouth. So a message with any
 * character above U+00FF is checked by its own signature at once. Of the others the hash sees every
 * byte: text of U+0000 to U+00FF that was one thing cannot be another. What remains: where the
 * author wrote a character above U+00FF a stranger may put the *one* character of its low byte, in
 * the whole message, and so turn it to gibberish that nobody chose. The check behind finds it.
 *
 * One signature does not say
 *  - that each older signature is good by itself: an author may chain up a message with a broken
 *    one. Strict peers refuse such a feed, and so do we: every message is checked by itself before
 *    it is counted as stored or sent to anybody;
 *  - that this is the author's only history: another branch may exist. The chain from below
 *    decides, and who held two of them has the proof;
 *  - that the window is new: a peer may give an old one. It shows less then, never something false;
 *  - that the messages about the author itself are its latest: each is checked by itself, but a
 *    peer may leave the later ones out, and an old name is shown until the chain has come.
 * So such a window may be *shown*, marked as being checked, and nothing else: it moves no head, is
 * in no clock note, is counted nowhere, decides no follow and no block.
 *
 * What it costs a liar: to give a window that is read at all takes the author's key, or a true
 * window with characters changed as above. What it costs us: LIMIT_WINDOW_MESSAGES parses and
 * hashes, and one signature for the newest, for each with a character above U+00FF and for each of
 * `profiles`.
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
	bool is_signed[LIMIT_WINDOW_MESSAGES]; /* by number of `messages`: its signature is good */
	size_t checked;                        /* how many of them */
	bool is_checked;                       /* all of them */
};

/**
 * Read `texts` as consecutive messages of `author`: each by shape, size and hash, each naming the
 * one before it, the newest and what the hash does not cover by their signatures; and `profiles`,
 * which must be abouts of `author` about itself, older than the window, each by its own signature.
 * `hmac_key` as in message_verify(). On ERR_OK `*out` is the caller's. ERR_REFUSED, ERR_LIMIT (more
 * than LIMIT_WINDOW_MESSAGES, LIMIT_WINDOW_BYTES in all, LIMIT_WINDOW_PROFILES, or no message),
 * ERR_NOMEM; `*why` a static sentence.
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
