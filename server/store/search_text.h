/**
 * store/search_text, inside: the words of a text as the full-text table gets them. Runs of letters
 * of scripts that put no blanks between words (Chinese, Japanese, Korean, Thai, Lao, Burmese,
 * Khmer) are written as pairs of neighbours and the last letter alone, so that each part of a run
 * is found: a pair and longer as words in a row, one letter as the beginning of a word. Signs that
 * nobody sees (joiners, marks of direction, soft hyphens, variants of a picture) are left out. Two
 * private characters are kept for marks that no text contains: who wrote it, and its tags.
 *
 * What is taken out of the table must be told as it was put in: whoever changes what is written
 * here makes all rows again (a schema file that drops and fills the table).
 */
#ifndef STORE_SEARCH_TEXT_H
#define STORE_SEARCH_TEXT_H

#include "base/buf.h"

/** A letter of such a script. */
bool search_is_run_letter(uint32_t point);

/** Append the words of a post's text (WTF-8). ERR_LIMIT, ERR_NOMEM. */
MUST_USE enum err search_text_write(struct span text, struct buf *out);
/** The same of something looked for: the last run may go on in the post. `*is_open`: the last word
 * is one letter of such a run, and is to be found where a word begins so. */
MUST_USE enum err search_text_ask(struct span text, struct buf *out, bool *is_open);

enum { SEARCH_MARK_BYTES = 32 };
/** The words that stand for an author and a tag (as compared), with a NUL. */
void search_mark_author(int64_t feed, char out[static SEARCH_MARK_BYTES]);
void search_mark_tag(const char *tag, char out[static SEARCH_MARK_BYTES]);

/** The first character of a text that is not empty, U+FFFD when it is none; `*len`: its bytes. */
uint32_t search_point(struct span text, size_t *len);

#endif
