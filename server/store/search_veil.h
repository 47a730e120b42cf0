/**
 * store/search_veil, inside: a post that is found only by words of somebody we block (store/veil)
 * is not found.
 */
#ifndef STORE_SEARCH_VEIL_H
#define STORE_SEARCH_VEIL_H

#include "store/reader_inside.h"
#include "store/timeline.h"

/** Leave of a page, from which is taken out what is hidden, the posts that `match` (a query of the
 * full-text engine) still finds. */
MUST_USE enum err search_veil(struct reader *reader, struct span match, struct posts *page);

/** Leave of a page of posts with a tag those that have it without what is hidden; the last one
 * stays when more follow, as the next page begins behind it. */
MUST_USE enum err search_veil_tagged(struct posts *page, const char *tag);

#endif
