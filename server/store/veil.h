/**
 * store/veil, inside: words of people we block do not show, not even where somebody else repeats
 * them. What is taken out of a post on its way to a reader:
 *
 * - lines and pairs of marks that quote, when words in them are of somebody we block: four in a
 *   row, or all of a short post;
 * - any words in a row of theirs that are long enough not to be everybody's: four with three long
 *   ones among them, or eight; four of any kind in a conversation they are part of;
 * - in such a conversation (they are answered or named there, wrote in it, or what is answered is
 *   not here) everything that stands as a quote, unless its words are somebody else's there;
 * - their key and their name as a mention.
 *
 * Only what was said after them counts as repeated. Compared is with what is stored of them: a
 * block ends that, so of later words only the last two hold.
 */
#ifndef STORE_VEIL_H
#define STORE_VEIL_H

#include "store/post.h"

/* What stands in the place of a quote, of a name. */
#define VEIL_QUOTE "[hidden quote]"
#define VEIL_NAME "[someone you blocked]"

struct veil;

/** What holds in the reader's transaction; NULL in `*out` when nobody is blocked. Made when it is
 * not yet; veil_release() it. ERR_NOMEM, ERR_IO. */
MUST_USE enum err veil_of(struct reader *reader, struct veil **out);
void veil_release(struct veil *veil);

bool veil_has_person(const struct veil *veil, const struct feed_id *id);
enum veil_sign {
	VEIL_RUN = 1,   /* QUOTE_RUN_WORDS words in a row (quote_hash) */
	VEIL_WHOLE = 2, /* all words of a shorter post */
	VEIL_TAG = 4,   /* a tag of a post of theirs (veil_tag_hash) */
	VEIL_TALK = 3,  /* db_key_head() of a message of theirs, or that they answered */
};
uint64_t veil_tag_hash(const char *tag);
/** Is it among what is stored of people we block, said before `at_ms`? */
bool veil_has(const struct veil *veil, enum veil_sign sign, uint64_t hash, int64_t at_ms);

/** Take out of one post what is to be taken out; `post->hidden` counts. `posts` keeps the texts. */
MUST_USE enum err veil_post(
	struct reader *reader, const struct veil *veil, struct posts *posts, struct post *post);
/** The same for all of a page. */
MUST_USE enum err veil_posts(struct reader *reader, struct posts *posts);
/** The same for a text that stands alone, a profile's: all of it is replaced, in `room` bytes. */
MUST_USE enum err veil_text(struct reader *reader, char *text, size_t room);

#endif
