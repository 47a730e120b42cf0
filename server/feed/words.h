/**
 * feed/words: a key on paper: the 32 bytes of its seed as 24 words of BIP-39's English list, whose
 * last 8 bits are a checksum. The words are the seed itself; nothing is stretched or derived.
 *
 * The same words as Manyverse's recovery phrase: ssb-keys-mnemonic 1.0.1 (npm) writes 24 words of
 * the seed, exactly these. Its versions before 1.0 wrote 48: those of the seed, then those of the
 * public key. 1.0.1 takes 24 to 48 words and looks at the first 24 only; here 48 are taken when the
 * second half is the public key of the first, and other counts are refused.
 *
 * Source: BIP-39 "Generating the mnemonic"; the list comes from the npm package @scure/bip39.
 */
#ifndef FEED_WORDS_H
#define FEED_WORDS_H

#include "base/limits.h"
#include "feed/key.h"

enum {
	WORDS_LIST_COUNT = 2048,
	WORDS_WHY_BYTES = 192,
	WORDS_TEXT_BYTES = LIMIT_KEY_WORDS * 9 /* all words, a blank between two, and a NUL */
};

/** The words of `key`, as numbers on the list: as secret as the key; the caller wipes them. */
void words_of_key(const struct key *key, uint16_t words[static LIMIT_KEY_WORDS]);
/** The word with this number (below WORDS_LIST_COUNT): 3 to 8 small letters. Static. */
const char *words_text(uint16_t word);
/** The word that `text` means (as in words_to_key()); −1: none. */
int words_find(struct span text);

/**
 * The key whose words these are. Between words stand blanks, line breaks, commas, full stops or
 * numbers ("1.", "2)"); capitals are as small letters; of a word of four letters or more the first
 * four suffice, but what follows must be right too. ERR_REFUSED: a word is not on the list, there
 * are too few or too many, or the checksum does not fit; `why` gets one sentence, with the place of
 * the word and never the word; ERR_LIMIT over LIMIT_WORDS_BYTES; ERR_NOMEM.
 */
MUST_USE enum err words_to_key(
	struct span text, struct key **out, char why[static WORDS_WHY_BYTES]);

#endif
