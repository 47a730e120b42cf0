/*
 * One-time codes. Every row is looked at for every guess, so that the time tells nothing. A short
 * code has 39 bits and lives for two minutes, in which tries.c lets 40 guesses through from
 * everywhere: with five codes open one guess in 4,000 million would be right.
 */
#include "api/codes.h"

#include "base/encode.h"

#include <ctype.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum { LONG_RAW_BYTES = 24, SHORT_LETTERS = 8, SHORT_TEXT_BYTES = 64 };

/* Letters that are not taken for one another when they are read aloud or copied by hand. */
static const char letters[] = "ABCDEFGHJKMNPQRSTUVWXYZ23456789";
enum { LETTERS = sizeof(letters) - 1 };

static void hash_code(struct span text, uint8_t out[static SESSION_HASH_BYTES])
{
	if (crypto_generichash(out, SESSION_HASH_BYTES, text.at, text.len, NULL, 0) != 0) {
		abort(); /* it cannot fail with these sizes */
	}
}

static char random_letter(const struct env *env)
{
	uint8_t byte = 0;
	do {
		env->random(env->ctx, &byte, 1);
	} while (byte >= 256 / LETTERS * LETTERS); /* each as likely as the others */
	return letters[byte % LETTERS];
}

/* "K7MX-3PAF"; `plain` without the dash. */
static void make_short(const struct env *env, char out[static SESSION_SECRET_BYTES],
	char plain[static SHORT_LETTERS + 1])
{
	for (size_t i = 0; i < SHORT_LETTERS; i++) {
		plain[i] = random_letter(env);
	}
	plain[SHORT_LETTERS] = '\0';
	(void)snprintf(out, SESSION_SECRET_BYTES, "%.4s-%s", plain, plain + SHORT_LETTERS / 2);
}

static void make_long(const struct env *env, char out[static SESSION_SECRET_BYTES])
{
	uint8_t raw[LONG_RAW_BYTES];
	env->random(env->ctx, raw, sizeof(raw));
	out[base64url_encode(span_of(raw, sizeof(raw)), out)] = '\0';
	sodium_memzero(raw, sizeof(raw));
}

void codes_make(struct codes *codes, const struct env *env, const struct session_invite *invite,
	char out[static SESSION_SECRET_BYTES])
{
	char plain[SHORT_LETTERS + 1];
	struct code *rows = invite->is_short ? codes->at + LIMIT_LONG_CODES : codes->at;
	size_t count = invite->is_short ? LIMIT_SHORT_CODES : LIMIT_LONG_CODES;
	struct code *place = rows;
	for (size_t i = 1; i < count && place->is_used; i++) {
		if (!rows[i].is_used || rows[i].until_ms < place->until_ms) {
			place = &rows[i];
		}
	}
	*place = (struct code){.is_used = true,
		.may = invite->may,
		.until_ms = env_mono_ms(env) +
			    (invite->is_short ? LIMIT_SHORT_CODE_MS : LIMIT_LONG_CODE_MS)};
	if (invite->maker != NULL) {
		place->has_maker = true;
		place->maker = *invite->maker;
	}
	if (invite->is_short) {
		make_short(env, out, plain);
		hash_code(span_text(plain), place->hash);
		sodium_memzero(plain, sizeof(plain));
	} else {
		make_long(env, out);
		hash_code(span_text(out), place->hash);
	}
}

/* A code as somebody typed it, as it was made: only what is as short as that is changed. */
static void hash_typed(struct span text, uint8_t out[static SESSION_HASH_BYTES])
{
	char plain[SHORT_LETTERS];
	size_t len = 0;
	bool is_short = text.len < SESSION_SECRET_BYTES - 1;
	for (size_t i = 0; is_short && i < text.len; i++) {
		if (text.at[i] == '-' || text.at[i] == ' ') {
			continue;
		}
		if (len == SHORT_LETTERS) {
			is_short = false;
			break;
		}
		plain[len++] = (char)toupper(text.at[i]);
	}
	hash_code(is_short ? span_of(plain, len) : text, out);
}

bool codes_use(struct codes *codes, const struct env *env, struct span text, enum session_may *may)
{
	uint8_t hash[SESSION_HASH_BYTES];
	bool fits = false;
	int64_t now = env_mono_ms(env);
	hash_typed(text, hash);
	for (size_t i = 0; i < sizeof(codes->at) / sizeof(codes->at[0]); i++) {
		struct code *row = &codes->at[i];
		bool is_same = sodium_memcmp(row->hash, hash, sizeof(hash)) == 0;
		if (row->is_used && now > row->until_ms) {
			row->is_used = false;
		}
		if (row->is_used && is_same) {
			row->is_used = false;
			*may = row->may;
			fits = true;
		}
	}
	return fits;
}

void codes_drop_of(struct codes *codes, const struct session_id *maker)
{
	for (size_t i = 0; i < sizeof(codes->at) / sizeof(codes->at[0]); i++) {
		struct code *row = &codes->at[i];
		if (row->has_maker && memcmp(row->maker.at, maker->at, sizeof(maker->at)) == 0) {
			row->is_used = false;
		}
	}
}
