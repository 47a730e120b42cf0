/**
 * store/search_match, inside: what is looked for, in the words of the full-text engine.
 */
#ifndef STORE_SEARCH_MATCH_H
#define STORE_SEARCH_MATCH_H

#include "store/db.h"
#include "store/search.h"

enum { SEARCH_MATCH_BYTES = 512 * KIB };

/** Write it; `out` stays empty when nothing in it is a word, a person or a tag. */
MUST_USE enum err search_match(struct db *db, const struct search *search, struct buf *out);

#endif
