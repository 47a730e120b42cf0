/**
 * feed/quote: a text as words that can be compared, whatever their case, marks and markup, and the
 * parts of it that stand as quotes. Pure; for store/veil, which takes out the words of people whom
 * the owner blocks.
 */
#ifndef FEED_QUOTE_H
#define FEED_QUOTE_H

#include "base/err.h"
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

enum { QUOTE_RUN_WORDS = 4, QUOTE_PARTS_MAX = 128 };

/* A word: letters and digits in a row, as they are compared: without case, accents of Latin
 * letters, apostrophes and emphasis. A letter of a script that is written without spaces is a word;
 * an address or an id is one. */
struct quote_word {
	uint32_t from, to; /* bytes of the text */
	uint64_t hash;
	bool is_link;
	bool is_long;   /* five letters at least */
	bool is_letter; /* of a script without spaces */
};

enum quote_kind {
	QUOTE_BLOCK, /* lines that begin with > */
	QUOTE_MARKS, /* between quotation marks of any kind */
	QUOTE_WEAK,  /* between marks of code or emphasis, or the text of a link: perhaps */
};

struct quote_part {
	enum quote_kind kind;
	uint32_t from, to;   /* bytes, marks included */
	uint32_t first, end; /* words: first ≤ i < end */
};

struct quote {
	struct quote_word *words;
	size_t count, room;
	struct quote_part parts[QUOTE_PARTS_MAX]; /* in the order of kinds, then of the text; more
						     than fit are left out */
	size_t part_count;
};

/** Take `text` (WTF-8) apart; quote_free() it, also after an error. ERR_NOMEM. */
MUST_USE enum err quote_read(struct span text, struct quote *out);
void quote_free(struct quote *quote);

/** The same for the same `count` words in the same order, and hardly ever for others. */
uint64_t quote_hash(const struct quote_word *words, size_t count);

#endif
