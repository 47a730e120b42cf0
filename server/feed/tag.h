/**
 * feed/tag: what a tag is and how it is compared. A post has the tags of its `channel`, of links in
 * `mentions` that begin with `#`, and of hashtags in its text, wherever its author wrote them: in
 * the deployed programs they are one namespace. Two spellings are one tag when tag_normal() makes
 * the same of them. Source: protocol/07 §6, §12; ssb-ref `normalizeChannel`.
 */
#ifndef FEED_TAG_H
#define FEED_TAG_H

#include "base/limits.h"
#include "feed/content.h"

/** A tag as it is compared, UTF-8 with a NUL: small letters, without white space, signs of control
 * and any of `,.?!<>()[]"#`, cut to LIMIT_TAG_UNITS UTF-16 units. Empty: it is none. */
struct tag {
	char text[LIMIT_TAG_BYTES];
};
struct tag tag_normal(struct span spelling);

/* Tags one behind the other, each with its NUL. */
struct tags {
	char at[LIMIT_TAGS_PER_POST * (3 * LIMIT_TAG_UNITS + 1)];
	size_t len, count;
};
/** The tags of a post, each once: the first LIMIT_TAGS_PER_POST of channel, mentions and text, in
 * this order. */
void tag_set_of(const struct content_post *post, struct tags *out);
static inline struct span tag_set_span(const struct tags *tags)
{
	return span_of(tags->at, tags->len);
}
/** Take the first tag off such a row of tags; NULL: there is none left. */
const char *tag_set_next(struct span *rest);

/** The small letter of a character (one to one; what has none stays). */
uint32_t tag_small_letter(uint32_t point);

#endif
