/**
 * store/search_words, inside: the words of a text as the full-text engine compares them (small
 * letters, without accents), by its own tokenizer; and the table of every different word that is in
 * it, by whose parts a part of a word is found.
 */
#ifndef STORE_SEARCH_WORDS_H
#define STORE_SEARCH_WORDS_H

#include "store/db.h"

/** Called with each word in turn; anything but ERR_OK ends the walk, and is its result. */
typedef enum err (*search_on_word)(void *ctx, struct span word);
/** Walk over the words of a text that search_text_write() or search_text_ask() made. */
MUST_USE enum err search_words_of(
	struct db *db, struct span text, search_on_word on_word, void *ctx);

/** Is it in the table of words when a post has it? Not what is too short, too long, looks like a
 * piece of a key, or is of a script whose words have no ends. */
bool search_is_listed(struct span word);
/** Put the words of such a text into the table, those that are new. */
MUST_USE enum err search_words_note(struct db *db, struct span text);

/** Fill `out` with strings of the full-text engine, joined by OR: the words that contain `part`
 * (three letters or more) or begin with it, the shortest LIMIT_SEARCH_PARTS, `part` itself first.
 */
MUST_USE enum err search_words_like(struct db *db, struct span part, struct buf *out);

#endif
