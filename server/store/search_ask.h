/**
 * store/search_ask: what people type into the search box, taken apart: words, "several words in a
 * row", -words that must not be there, #tags, and the operators from: tag: before: after:. Nothing
 * else in it means anything. An operator that cannot be understood is left out, and said.
 */
#ifndef STORE_SEARCH_ASK_H
#define STORE_SEARCH_ASK_H

#include "base/err.h"
#include "base/limits.h"
#include "feed/tag.h"

enum search_said {
	SEARCH_SAID_NOTHING,
	SEARCH_SAID_DATE,     /* not a year, month or day */
	SEARCH_SAID_TAG,      /* no letter in it */
	SEARCH_SAID_TWICE,    /* from:, before: or after: is there twice; the last one counts */
	SEARCH_SAID_ONLY_NOT, /* only what must not be there */
	SEARCH_SAID_NOBODY,   /* nobody here is called so (search_people) */
};

struct search_part {
	struct span text;
	bool is_phrase; /* between quotes: whole words, in a row */
	bool is_not;
};

/* Spans point into what was read. */
struct search_ask {
	struct search_part parts[LIMIT_SEARCH_WORDS];
	size_t count;
	bool has_from;
	struct span from;
	struct tag tags[LIMIT_SEARCH_WORDS];
	size_t tag_count;
	bool has_before, has_after;
	int64_t before_ms; /* earlier than this: where the named day, month or year begins */
	int64_t after_ms;  /* not earlier than this, the same */
	enum search_said said;
	struct span said_about;
};
/**
 * Take `text` (UTF-8) apart; days begin `zone_minutes` before those of UTC. ERR_LIMIT: more than
 * LIMIT_SEARCH_WORDS parts and operators or LIMIT_SEARCH_CHARS characters; ERR_REFUSED: there is
 * nothing in it, or a NUL. An operator with nothing behind it, as while somebody types, is nothing.
 */
MUST_USE enum err search_ask_read(struct span text, int zone_minutes, struct search_ask *out);

/** A short name of what could not be understood ("date", "tag", …), and a sentence about it. */
const char *search_said_code(enum search_said said);
const char *search_said_text(enum search_said said);

#endif
