/**
 * store/activity: what others did that concerns the owner, ready to be shown. Likes of one post on
 * one day (UTC) are one item, and so are the follows of a day; an item stands where its newest part
 * does. A post that answers and mentions is shown as an answer.
 */
#ifndef STORE_ACTIVITY_H
#define STORE_ACTIVITY_H

#include "store/reader.h"

enum activity_kind {
	ACTIVITY_MENTION = 1,
	ACTIVITY_REPLY = 2,
	ACTIVITY_LIKE = 3,
	ACTIVITY_FOLLOW = 4
};
enum { ACTIVITY_KINDS = 5, ACTIVITY_ALL = 0x1e, ACTIVITY_WHO_MAX = 8 };

/** "mention", "reply", "like", "follow": in the API and in the setting `activity`. */
const char *activity_kind_text(enum activity_kind kind);
/** Which kinds the owner wants counted and shown (the setting `activity`, JSON): a bit 1 << kind
 * each; all of them until something else was said. */
MUST_USE enum err activity_wanted(struct reader *reader, unsigned *out);

struct activity_item {
	enum activity_kind kind;
	int64_t at_ms, order;                 /* of its newest part */
	struct feed_id who[ACTIVITY_WHO_MAX]; /* the latest first */
	size_t who_count;
	uint32_t n; /* how many people did it */
	bool has_id, has_about;
	struct message_id id;    /* what they wrote */
	struct message_id about; /* our post */
	bool is_new;             /* after the mark */
};

struct activity_query {
	unsigned kinds; /* bits; 0 gives nothing */
	bool has_before;
	int64_t at_ms, order; /* the cursor: strictly older */
	size_t limit;         /* 1 … LIMIT_PAGE_ROWS */
};

struct activity_page {
	struct activity_item *items; /* newest first */
	size_t count;
	bool has_more;
	bool has_newest; /* is there anything, of any kind? */
	int64_t newest_at_ms, newest_order;
};
/** ERR_LIMIT. activity_page_free() it on ERR_OK. */
MUST_USE enum err activity_page(
	struct reader *reader, const struct activity_query *query, struct activity_page *out);
void activity_page_free(struct activity_page *page);

/** Items of those kinds after the mark "activity", up to UNREAD_MAX. */
MUST_USE enum err activity_unread(struct reader *reader, unsigned kinds, uint32_t *out);

#endif
