/**
 * store/search: posts by their words, the newest first. Blocked authors appear nowhere; what a bulk
 * left behind is found when its rows are made.
 */
#ifndef STORE_SEARCH_H
#define STORE_SEARCH_H

#include "store/timeline.h"

struct search_query {
	struct span words; /* UTF-8: LIMIT_SEARCH_WORDS with white space between them, in all
			      LIMIT_SEARCH_CHARS; a post has all of them. Case and accents do not
			      matter; nothing in them is an operator */
	bool has_before;
	int64_t before; /* the cursor of the page before this one */
	size_t limit;   /* 1 … LIMIT_PAGE_ROWS */
};
/**
 * One page. `*cursor` is for the next one, which there is when `out->has_more`. ERR_LIMIT: too many
 * words or characters; ERR_REFUSED: no word at all, or not UTF-8; ERR_TIMEOUT: it took longer than
 * LIMIT_SEARCH_MS.
 */
MUST_USE enum err search_page(struct reader *reader, const struct search_query *query,
	struct posts *out, int64_t *cursor);
/** How many messages wait to be looked at for words. */
MUST_USE enum err search_behind(struct reader *reader, uint64_t *out);

#endif
