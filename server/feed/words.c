/*
 * The seed of a key as words. 256 bits and the first 8 of their SHA-256 make 24 numbers of 11 bits.
 * Everything that holds a part of the seed on the way is wiped before it is left.
 */
#include "feed/words.h"

#include "feed/key_inside.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	SEED_BYTES = 32,
	BITS_PER_WORD = 11,
	WORD_LETTERS_MAX = 8,
	START_LETTERS = 4,
	WORDS_TAKEN = 2 * LIMIT_KEY_WORDS
};

/* Made at build time from the package's list (deploy/make/words.mjs): sorted, and no two words
 * begin with the same four letters. */
extern const char words_english[WORDS_LIST_COUNT][WORD_LETTERS_MAX + 1];

/* The seed and its checksum. */
struct bits {
	uint8_t at[SEED_BYTES + 1];
};

static uint8_t checksum(const uint8_t seed[static SEED_BYTES])
{
	uint8_t hash[crypto_hash_sha256_BYTES];
	if (crypto_hash_sha256(hash, seed, SEED_BYTES) != 0) {
		abort(); /* it has no way to fail */
	}
	uint8_t first = hash[0];
	sodium_memzero(hash, sizeof(hash));
	return first;
}

static void read_bits(const struct bits *bits, uint16_t words[static LIMIT_KEY_WORDS])
{
	for (unsigned i = 0; i < LIMIT_KEY_WORDS; i++) {
		unsigned word = 0;
		for (unsigned bit = i * BITS_PER_WORD; bit < (i + 1) * BITS_PER_WORD; bit++) {
			word = word << 1 | (bits->at[bit / 8] >> (7 - bit % 8) & 1U);
		}
		words[i] = (uint16_t)word;
	}
}

/* False: the checksum does not fit. */
static bool write_bits(const uint16_t words[static LIMIT_KEY_WORDS], struct bits *bits)
{
	sodium_memzero(bits, sizeof(*bits));
	for (unsigned bit = 0; bit < LIMIT_KEY_WORDS * BITS_PER_WORD; bit++) {
		unsigned is =
			words[bit / BITS_PER_WORD] >> (BITS_PER_WORD - 1 - bit % BITS_PER_WORD) &
			1U;
		bits->at[bit / 8] = (uint8_t)(bits->at[bit / 8] | is << (7 - bit % 8));
	}
	return bits->at[SEED_BYTES] == checksum(bits->at);
}

void words_of_key(const struct key *key, uint16_t words[static LIMIT_KEY_WORDS])
{
	struct bits bits;
	memcpy(bits.at, key->secret, SEED_BYTES);
	bits.at[SEED_BYTES] = checksum(key->secret);
	read_bits(&bits, words);
	sodium_memzero(&bits, sizeof(bits));
}

const char *words_text(uint16_t word)
{
	return word < WORDS_LIST_COUNT ? words_english[word] : "";
}

/* `text` as small letters in `word`. False: it has other bytes, or too many. */
static bool lower(struct span text, char word[static WORD_LETTERS_MAX + 1])
{
	if (text.len == 0 || text.len > WORD_LETTERS_MAX) {
		return false;
	}
	for (size_t i = 0; i < text.len; i++) {
		char c = (char)(text.at[i] | 0x20);
		if (c < 'a' || c > 'z') {
			return false;
		}
		word[i] = c;
	}
	word[text.len] = '\0';
	return true;
}

int words_find(struct span text)
{
	char word[WORD_LETTERS_MAX + 1];
	int found = -1;
	bool is_word = lower(text, word);
	/* Every row is looked at, so that the time tells nothing of the word. */
	for (int i = 0; is_word && i < WORDS_LIST_COUNT; i++) {
		size_t len = strlen(words_english[i]);
		bool is_start = text.len >= START_LETTERS && text.len < len &&
				memcmp(words_english[i], word, text.len) == 0;
		bool is_whole = text.len == len && memcmp(words_english[i], word, len) == 0;
		found = is_start || is_whole ? i : found;
	}
	sodium_memzero(word, sizeof(word));
	return found;
}

static bool is_between(uint8_t c)
{
	return c <= ' ' || (c >= '0' && c <= '9') || c == ',' || c == '.' || c == ')' || c == ':' ||
	       c == ';' || c == '-';
}

/* The next word of `text`, which is cut from it; empty at the end. */
static struct span next_word(struct span *text)
{
	while (text->len > 0 && is_between(text->at[0])) {
		*text = span_skip(*text, 1);
	}
	size_t len = 0;
	while (len < text->len && !is_between(text->at[len])) {
		len++;
	}
	struct span word = span_take(*text, len);
	*text = span_skip(*text, len);
	return word;
}

/* All words of `text` as numbers. `*count` counts on beyond what `words` has room for. */
static enum err read_words(struct span text, uint16_t words[static WORDS_TAKEN], size_t *count,
	char why[static WORDS_WHY_BYTES])
{
	*count = 0;
	for (struct span word = next_word(&text); word.len > 0; word = next_word(&text)) {
		int number = words_find(word);
		if (number < 0) {
			(void)snprintf(why, WORDS_WHY_BYTES,
				"word %zu is not on the list of words: look at its spelling",
				*count + 1);
			return ERR_REFUSED;
		}
		if (*count < WORDS_TAKEN) {
			words[*count] = (uint16_t)number;
		}
		*count += 1;
	}
	return ERR_OK;
}

static enum err judge_count(size_t count, char why[static WORDS_WHY_BYTES])
{
	if (count == LIMIT_KEY_WORDS || count == WORDS_TAKEN) {
		return ERR_OK;
	}
	(void)snprintf(why, WORDS_WHY_BYTES,
		count < LIMIT_KEY_WORDS
			? "word %zu is missing: a key is 24 words, and these are only %zu"
			: "word %zu is one too many: a key is 24 words, and these are %zu",
		count < LIMIT_KEY_WORDS ? count + 1 : (size_t)LIMIT_KEY_WORDS + 1, count);
	return ERR_REFUSED;
}

static enum err key_of_half(
	const uint16_t *words, size_t count, struct bits *bits, struct key **out, char *why)
{
	if (!write_bits(words, bits)) {
		(void)snprintf(why, WORDS_WHY_BYTES,
			"the checksum in word 24 does not fit the words 1 to 23: one of the 24 is "
			"another word of the list, or two have changed places");
		return ERR_REFUSED;
	}
	struct key *key = NULL;
	enum err err = key_from_seed(bits->at, &key);
	if (err != ERR_OK) {
		(void)snprintf(why, WORDS_WHY_BYTES, "there is no memory for the key");
		return err;
	}
	if (count == WORDS_TAKEN && (!write_bits(words + LIMIT_KEY_WORDS, bits) ||
					    memcmp(bits->at, key->id.at, ID_BYTES) != 0)) {
		key_free(key);
		(void)snprintf(why, WORDS_WHY_BYTES,
			"words 25 to 48 do not belong to the first 24: give the first 24 alone");
		return ERR_REFUSED;
	}
	*out = key;
	return ERR_OK;
}

enum err words_to_key(struct span text, struct key **out, char why[static WORDS_WHY_BYTES])
{
	uint16_t words[WORDS_TAKEN];
	struct bits bits;
	size_t count = 0;
	if (text.len > LIMIT_WORDS_BYTES) {
		(void)snprintf(why, WORDS_WHY_BYTES, "that is far more than 24 words");
		return ERR_LIMIT;
	}
	enum err err = read_words(text, words, &count, why);
	if (err == ERR_OK) {
		err = judge_count(count, why);
	}
	if (err == ERR_OK) {
		err = key_of_half(words, count, &bits, out, why);
	}
	sodium_memzero(words, sizeof(words));
	sodium_memzero(&bits, sizeof(bits));
	return err;
}
