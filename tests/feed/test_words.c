/* feed/words: the words others would write for the same key, forgiving about how they are written
 * down, and not about what they are. */
#include "lib/cmocka.h"
#include "lib/vectors.h"

#include "feed/words.h"

#include "feed/key_inside.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum { PHRASE_BYTES = 2048 };

static const char phrase[] =
	"body hair useful camp warm into cause riot two bamboo kick educate dinosaur advice seed "
	"type crisp where guilt avocado output rely lunch goddess";
#define PHRASE_ID "@1nf1T1tUSa43dWglCHzyKIxV61jG/EeeL1Xq1Nk8I3U=.ed25519"

static void assert_means(const char *text, const char *id)
{
	struct key *key = NULL;
	char why[WORDS_WHY_BYTES] = "";
	char have[FEED_ID_TEXT_BYTES];
	if (words_to_key(span_text(text), &key, why) != ERR_OK) {
		fail_msg("%s: %s", why, text);
	}
	feed_id_format(key_id(key), have);
	assert_string_equal(have, id);
	key_free(key);
}

static void assert_refused(const char *text, const char *part)
{
	struct key *key = NULL;
	char why[WORDS_WHY_BYTES] = "";
	assert_int_equal(words_to_key(span_text(text), &key, why), ERR_REFUSED);
	assert_null(key);
	if (strstr(why, part) == NULL || strchr(why, '\n') != NULL) {
		fail_msg("\"%s\" and not \"%s\": %s", why, part, text);
	}
}

static void join(const struct key *key, char out[static WORDS_TEXT_BYTES])
{
	uint16_t words[LIMIT_KEY_WORDS];
	size_t len = 0;
	words_of_key(key, words);
	for (size_t i = 0; i < LIMIT_KEY_WORDS; i++) {
		len += (size_t)snprintf(out + len, WORDS_TEXT_BYTES - len, "%s%s",
			i == 0 ? "" : " ", words_text(words[i]));
	}
	assert_true(len < WORDS_TEXT_BYTES);
}

static void agrees_with_the_vectors_of_bip_39(void **state)
{
	(void)state;
	json_t *file = vectors_load("words");
	const json_t *rows = json_object_get(file, "bip39");
	assert_int_equal(json_array_size(rows), 8);
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);
		struct buf seed = BUF_INIT(64);
		struct key *key = NULL;
		struct key *back = NULL;
		char text[WORDS_TEXT_BYTES];
		char why[WORDS_WHY_BYTES];
		assert_true(vectors_hex(row, "seed_hex", &seed));
		assert_int_equal(seed.len, 32);
		assert_int_equal(key_from_seed(seed.at, &key), ERR_OK);
		join(key, text);
		assert_string_equal(text, vectors_text(row, "words"));
		assert_int_equal(words_to_key(span_text(text), &back, why), ERR_OK);
		assert_memory_equal(back->secret, key->secret, sizeof(key->secret));
		key_free(key);
		key_free(back);
		buf_fini(&seed);
	}
	json_decref(file);
}

static void reads_and_writes_the_phrases_of_ssb_keys_mnemonic(void **state)
{
	(void)state;
	json_t *file = vectors_load("words");
	const json_t *rows = json_object_get(file, "ssb");
	assert_int_equal(json_array_size(rows), 5);
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);
		struct key *key = NULL;
		char text[WORDS_TEXT_BYTES];
		char why[WORDS_WHY_BYTES];
		assert_means(vectors_text(row, "words"), vectors_text(row, "id"));
		assert_means(vectors_text(row, "words_48"), vectors_text(row, "id"));
		assert_int_equal(
			words_to_key(span_text(vectors_text(row, "words_48")), &key, why), ERR_OK);
		join(key, text);
		assert_string_equal(text, vectors_text(row, "words"));
		key_free(key);
	}
	json_decref(file);
}

static void forgives_how_the_words_were_written_down(void **state)
{
	(void)state;
	assert_means(phrase, PHRASE_ID);
	assert_means("  BODY Hair useful camp\twarm into\r\n\r\ncause riot two bamboo kick educate "
		     "dinosaur advice seed type crisp where guilt avocado output rely lunch "
		     "goddess\n",
		PHRASE_ID);
	assert_means("body, hair, useful, camp, warm, into, cause, riot, two, bamboo, kick, "
		     "educate, dinosaur, advice, seed, type, crisp, where, guilt, avocado, output, "
		     "rely, lunch, goddess.",
		PHRASE_ID);
	assert_means("1. body 2. hair 3. useful 4. camp 5. warm 6. into 7. cause 8. riot 9. two\n"
		     "10) bamboo 11) kick 12) educate 13) dinosaur 14) advice 15) seed 16) type\n"
		     "17: crisp 18: where 19: guilt 20: avocado 21: output\n"
		     "22 rely\n23 lunch\n24 goddess",
		PHRASE_ID);
	assert_means("body hair usef camp warm into caus riot two bamb kick educ dino advi seed "
		     "type cris wher guil avoc outp rely lunc godd",
		PHRASE_ID);
}

static void names_the_place_of_a_word_that_is_none(void **state)
{
	static const char *const wrong[] = {"bodies", "bod", "bo", "xxxx", "abandons",
		"b\xc3\xb6"
		"dy",
		"camping", "body/", "abandonabandon"};
	char text[PHRASE_BYTES];
	char part[16];
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		(void)snprintf(text, sizeof(text), "%s%s", wrong[i], phrase + 4);
		assert_refused(text, "word 1 is not on the list");
	}
	for (size_t place = 1; place <= LIMIT_KEY_WORDS; place++) {
		size_t len = 0;
		for (size_t i = 1; i <= LIMIT_KEY_WORDS; i++) {
			len += (size_t)snprintf(
				text + len, sizeof(text) - len, "%s ", i == place ? "qqqq" : "zoo");
		}
		(void)snprintf(part, sizeof(part), "word %zu ", place);
		assert_refused(text, part);
	}
}

static void never_repeats_the_words_in_a_sentence(void **state)
{
	(void)state;
	struct key *key = NULL;
	char why[WORDS_WHY_BYTES] = "";
	assert_int_equal(words_to_key(span_text("zoo zoo secrets"), &key, why), ERR_REFUSED);
	assert_null(strstr(why, "zoo"));
	assert_null(strstr(why, "secrets"));
}

static void counts_the_words(void **state)
{
	char text[PHRASE_BYTES];
	(void)state;
	assert_refused("", "word 1 is missing");
	assert_refused(" 1. 2. 3.", "word 1 is missing");
	(void)snprintf(text, sizeof(text), "%.*s", (int)(strlen(phrase) - 8), phrase);
	assert_refused(text, "word 24 is missing");
	(void)snprintf(text, sizeof(text), "%s zoo", phrase);
	assert_refused(text, "word 25 is one too many");
	(void)snprintf(text, sizeof(text), "%s %s zoo", phrase, phrase);
	assert_refused(text, "word 25 is one too many");
	/* 48 words, whose second half is not the public key. */
	(void)snprintf(text, sizeof(text), "%s %s", phrase, phrase);
	assert_refused(text, "words 25 to 48 do not belong");
}

static void refuses_every_change_of_one_word_but_one_in_256(void **state)
{
	uint16_t words[LIMIT_KEY_WORDS];
	struct key *key = NULL;
	char why[WORDS_WHY_BYTES];
	unsigned taken = 0;
	unsigned tried = 0;
	(void)state;
	assert_int_equal(words_to_key(span_text(phrase), &key, why), ERR_OK);
	words_of_key(key, words);
	key_free(key);
	for (size_t place = 0; place < LIMIT_KEY_WORDS; place++) {
		for (uint16_t other = (uint16_t)place; other < WORDS_LIST_COUNT; other += 12) {
			char text[PHRASE_BYTES];
			size_t len = 0;
			for (size_t i = 0; i < LIMIT_KEY_WORDS; i++) {
				len += (size_t)snprintf(text + len, sizeof(text) - len, "%s ",
					words_text(i == place ? other : words[i]));
			}
			struct key *found = NULL;
			tried++;
			if (words_to_key(span_text(text), &found, why) == ERR_OK) {
				taken++;
			} else {
				assert_non_null(strstr(why, "checksum in word 24"));
			}
			key_free(found);
		}
	}
	assert_true(taken > 0 && taken < tried / 128);
}

static void refuses_two_words_that_changed_places(void **state)
{
	(void)state;
	assert_refused("hair body useful camp warm into cause riot two bamboo kick educate "
		       "dinosaur advice seed type crisp where guilt avocado output rely lunch "
		       "goddess",
		"checksum");
}

static void refuses_text_over_the_limit(void **state)
{
	(void)state;
	static const size_t over[] = {LIMIT_WORDS_BYTES + 1, 1000 * (size_t)LIMIT_WORDS_BYTES};
	char why[WORDS_WHY_BYTES];
	struct key *key = NULL;
	char *text = malloc(over[1]);
	assert_non_null(text);
	memset(text, ' ', over[1]);
	memcpy(text, phrase, sizeof(phrase) - 1);
	assert_int_equal(words_to_key(span_of(text, LIMIT_WORDS_BYTES), &key, why), ERR_OK);
	key_free(key);
	for (size_t i = 0; i < 2; i++) {
		key = NULL;
		assert_int_equal(words_to_key(span_of(text, over[i]), &key, why), ERR_LIMIT);
		assert_null(key);
	}
	free(text);
}

static void the_list_is_the_one_of_the_standard(void **state)
{
	/* SHA-256 of english.txt of the standard: a word and a line break each. */
	static const char wanted[] =
		"2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda";
	crypto_hash_sha256_state hash;
	uint8_t digest[crypto_hash_sha256_BYTES];
	char hex[2 * sizeof(digest) + 1];
	(void)state;
	(void)crypto_hash_sha256_init(&hash);
	for (uint16_t i = 0; i < WORDS_LIST_COUNT; i++) {
		const char *word = words_text(i);
		(void)crypto_hash_sha256_update(&hash, (const uint8_t *)word, strlen(word));
		(void)crypto_hash_sha256_update(&hash, (const uint8_t *)"\n", 1);
		assert_int_equal(words_find(span_text(word)), i);
	}
	(void)crypto_hash_sha256_final(&hash, digest);
	(void)sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest));
	assert_string_equal(hex, wanted);
	assert_string_equal(words_text(WORDS_LIST_COUNT), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_vectors_of_bip_39),
		cmocka_unit_test(reads_and_writes_the_phrases_of_ssb_keys_mnemonic),
		cmocka_unit_test(forgives_how_the_words_were_written_down),
		cmocka_unit_test(names_the_place_of_a_word_that_is_none),
		cmocka_unit_test(never_repeats_the_words_in_a_sentence),
		cmocka_unit_test(counts_the_words),
		cmocka_unit_test(refuses_every_change_of_one_word_but_one_in_256),
		cmocka_unit_test(refuses_two_words_that_changed_places),
		cmocka_unit_test(refuses_text_over_the_limit),
		cmocka_unit_test(the_list_is_the_one_of_the_standard),
	};
	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
