/**
 * store/search: what is found for what was typed: people, tags, posts by their words, the newest
 * first. Blocked and muted people appear nowhere; what a bulk left behind is found when its rows
 * are made, what is ahead of its history when that has come.
 */
#ifndef STORE_SEARCH_H
#define STORE_SEARCH_H

#include "store/search_ask.h"
#include "store/timeline.h"

/* What was asked for, with the people it names. */
struct search {
	struct search_ask ask;
	int64_t feeds[LIMIT_SEARCH_PEOPLE]; /* of `from:`: any of them */
	struct feed_id from[LIMIT_SEARCH_PEOPLE];
	size_t from_count;
};
/** Read it, and look up whom `from:` means: the key, else all with just that name, else those whose
 * name has words that begin so. Errors as search_ask_read(). */
MUST_USE enum err search_read(
	struct reader *reader, struct span text, int zone_minutes, struct search *out);

struct search_query {
	const struct search *search;
	bool has_before;
	int64_t before_ms, before; /* the cursor of the page before this one */
	size_t limit;              /* 1 … LIMIT_PAGE_ROWS */
};
struct search_cursor {
	int64_t at_ms, order;
};
/**
 * One page of posts with all of it: words, and parts of words, whatever their case and accents.
 * `*cursor` is for the next one, which there is when `out->has_more`. ERR_TIMEOUT: it took longer
 * than LIMIT_SEARCH_MS.
 */
MUST_USE enum err search_page(struct reader *reader, const struct search_query *query,
	struct posts *out, struct search_cursor *cursor);

/** People whose names (those the owner gave, too) have all of its words or words that begin so, or
 * whose key begins so; whom we follow first. */
MUST_USE enum err search_people(struct reader *reader, const struct search *search,
	struct feed_id out[static LIMIT_SEARCH_PEOPLE], size_t *count);

enum search_go_kind { SEARCH_GO_NOWHERE, SEARCH_GO_PERSON, SEARCH_GO_MESSAGE, SEARCH_GO_TAG };
struct search_go {
	enum search_go_kind kind;
	struct feed_id person;
	struct message_id message;
	struct tag tag;
};
/** Is what was typed one key, id, address with a key, SSB URI, or address of our own page? */
MUST_USE enum err search_go(struct reader *reader, struct span text, struct search_go *out);

/** How many messages wait to be looked at for words. */
MUST_USE enum err search_behind(struct reader *reader, uint64_t *out);
/** How many messages are shown ahead of their history, and are not found by their words yet. */
MUST_USE enum err search_ahead(struct reader *reader, uint64_t *out);

#endif
