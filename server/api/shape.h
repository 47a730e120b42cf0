/**
 * api/shape: the JSON shapes of API.md, from what store and sync know.
 */
#ifndef API_SHAPE_H
#define API_SHAPE_H

#include "api/inside.h"
#include "store/people.h"
#include "store/timeline.h"

#include <jansson.h>

enum { SHAPE_PEOPLE_MAX = 2048 };

/* People named in an answer, each once, in the order they were named. */
struct shape_people {
	struct feed_id at[SHAPE_PEOPLE_MAX];
	size_t count;
};
void shape_name(struct shape_people *people, const struct feed_id *id);
/** [person, …] for all that were named. */
MUST_USE enum err shape_people(
	struct reader *reader, const struct shape_people *people, json_t **out);

json_t *shape_feed_id(const struct feed_id *id);
json_t *shape_message_id(const struct message_id *id);
json_t *shape_person(const struct person *person);

/** [post, …]; everybody in them is named in `people`. */
MUST_USE enum err shape_posts(struct api *api, struct reader *reader, const struct posts *posts,
	struct shape_people *people, json_t **out);
/** [blob, …] of a post. shape_blobs.c */
MUST_USE enum err shape_blobs(
	struct api *api, struct reader *reader, const struct post *post, json_t **out);
/** The cursor of a row, for `before` and `after`. */
json_t *shape_cursor(const struct post *post);
MUST_USE enum err shape_read_cursor(struct span text, int64_t *at_ms, int64_t *order);

MUST_USE enum err shape_status(struct api *api, struct reader *reader, json_t **out);
/** [peer, …]; an empty list when no node runs. */
MUST_USE enum err shape_peers(struct api *api, struct shape_people *people, json_t **out);
/** Own addresses as others would dial them, the best first; an empty list when no node runs. */
json_t *shape_addresses(struct api *api);
/** {"sequence","key"} or null. */
MUST_USE enum err shape_head(struct reader *reader, const struct feed_id *self, json_t **out);
/** Who holds our message `sequence`: how many, and up to three names. */
MUST_USE enum err shape_holders(
	struct api *api, struct reader *reader, uint64_t sequence, struct events_holders *out);
/** The safety object of API.md; `browser` names the witness that asks. shape_safety.c */
MUST_USE enum err shape_safety(
	struct api *api, struct reader *reader, struct span browser, json_t **out);

/** What the disk is spent on, by its name in the API. */
extern const char *const shape_class_names[];

#endif
