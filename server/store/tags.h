/**
 * store/tags: the tags of the posts that are shown here, and how many have each. Posts with a tag
 * are a timeline (store/timeline).
 */
#ifndef STORE_TAGS_H
#define STORE_TAGS_H

#include "feed/tag.h"
#include "store/reader.h"

struct tag_count {
	struct tag tag;
	uint64_t posts;
	int64_t at_ms; /* of the newest */
};
/** The tags used last, the newest first, at most `room`. */
MUST_USE enum err tags_newest(
	struct reader *reader, struct tag_count *out, size_t room, size_t *count);
/** Tags that begin with `start` (as compared), those with most posts first, at most `room`. */
MUST_USE enum err tags_like(struct reader *reader, const struct tag *start, struct tag_count *out,
	size_t room, size_t *count);

#endif
