/**
 * store/activity_rows, inside: the rows of `activity` that follow from one message of somebody
 * else. They are the same in whatever order messages come and however often a message is looked
 * at: of likes and follows the author's latest word counts. Our own messages make none, and the
 * caller leaves out whom we block and mute.
 */
#ifndef STORE_ACTIVITY_ROWS_H
#define STORE_ACTIVITY_ROWS_H

#include "store/activity.h"
#include "store/index.h"

/**
 * Where it stands in the list: what came up to LIMIT_ACTIVITY_LATE_MS after it was written stands
 * where it came, or somebody who was away for a week would answer below everything that was read
 * long ago; older history stands where it was written.
 */
int64_t activity_at_ms(int64_t at_ms, int64_t received_ms);
/** Is this a post of ours that is stored? */
MUST_USE enum err activity_is_own_post(struct db *db, const struct message_id *id, bool *out);
/** Does a post name `self`: in its mentions, or by the key in its text? */
bool activity_mentions(const struct content_post *post, const struct feed_id *self);
/** Which post of ours it answers: the first of its branches, else its root. */
MUST_USE enum err activity_answered(
	struct db *db, const struct content_post *post, bool *is_answer, struct message_id *out);

/** A mention and a reply. */
MUST_USE enum err activity_put_post(
	struct index *index, const struct content_post *post, const struct index_row *row);
/** A like or its withdrawal; its row of `votes` is there. */
MUST_USE enum err activity_put_vote(
	struct index *index, const struct content_vote *vote, const struct index_row *row);
/** A follow or its end; its row of `contacts` is there. */
MUST_USE enum err activity_put_contact(
	struct index *index, const struct content_contact *contact, const struct index_row *row);
/** What somebody's message says, whichever of these it is. */
MUST_USE enum err activity_put(
	struct index *index, const struct content *content, const struct index_row *row);
/** A message of ours came back from others: what was stored before about it concerns us now. */
MUST_USE enum err activity_own_back(struct index *index, const struct message *own);
/** Somebody is shown nowhere from now on. */
MUST_USE enum err activity_drop_feed(struct db *db, int64_t feed);

#endif
