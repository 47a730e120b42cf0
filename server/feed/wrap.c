/*
 * A key locked with a passphrase. The text is read strictly, line by line: what would not have been
 * written by wrap_lock() is refused before any work is done for it.
 */
#include "feed/wrap.h"

#include "base/encode.h"
#include "feed/key_inside.h"

#include <sodium.h>

enum {
	SEED_BYTES = 32,
	SALT_BYTES = crypto_pwhash_argon2id_SALTBYTES,
	NONCE_BYTES = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
	KEY_BYTES = crypto_aead_xchacha20poly1305_ietf_KEYBYTES,
	SEALED_BYTES = SEED_BYTES + crypto_aead_xchacha20poly1305_ietf_ABYTES,
	DIGITS_MAX = 9
};
_Static_assert(SALT_BYTES == 16 && NONCE_BYTES == 24 && KEY_BYTES == 32 && SEALED_BYTES == 48,
	"the format says so");

const struct wrap_cost wrap_cost_usual = {.memory_kib = 65536, .passes = 3};

#define MAGIC "kith locked secret 1\n"
#define NOTE                                                                              \
	"# This is your SECRET key, locked with a passphrase. Never show it to anyone.\n" \
	"# Never use it on two machines at once: that splits your feed for good.\n"       \
	"# Without the passphrase nobody can open it, and nobody can give it back.\n"

/* What a file says, and how many of its bytes stand before the line `sealed`. */
struct lines {
	struct feed_id id;
	struct wrap_cost cost;
	uint8_t salt[SALT_BYTES], nonce[NONCE_BYTES], sealed[SEALED_BYTES];
	size_t head_bytes;
};

static bool take_text(struct span *text, const char *wanted)
{
	if (!span_starts_with(*text, wanted)) {
		return false;
	}
	*text = span_skip(*text, strlen(wanted));
	return true;
}

/* A number as it would be printed. */
static bool take_number(struct span *text, uint32_t *out)
{
	size_t len = 0;
	uint32_t value = 0;
	while (len < text->len && len <= DIGITS_MAX && text->at[len] >= '0' &&
		text->at[len] <= '9') {
		value = value * 10 + (uint32_t)(text->at[len] - '0');
		len++;
	}
	if (len == 0 || len > DIGITS_MAX || text->at[0] == '0') {
		return false;
	}
	*text = span_skip(*text, len);
	*out = value;
	return true;
}

/* The rest of a line. */
static bool take_line(struct span *text, struct span *line)
{
	const uint8_t *end = text->len == 0 ? NULL : memchr(text->at, '\n', text->len);
	if (end == NULL) {
		return false;
	}
	*line = span_take(*text, (size_t)(end - text->at));
	*text = span_skip(*text, line->len + 1);
	return true;
}

/* A line of exactly `bytes` bytes in base64; base/encode takes only the canonical spelling. */
static bool take_bytes(struct span *text, uint8_t *out, size_t bytes)
{
	struct span line;
	size_t count = 0;
	return take_line(text, &line) && base64_decode(line, out, bytes, &count) == ERR_OK &&
	       count == bytes;
}

static bool take_id(struct span *text, struct feed_id *out)
{
	struct span line;
	return take_line(text, &line) && feed_id_parse(line, out) == ERR_OK;
}

static bool is_bearable(const struct wrap_cost *cost)
{
	return cost->memory_kib >= LIMIT_WRAP_MEMORY_KIB_MIN &&
	       cost->memory_kib <= LIMIT_WRAP_MEMORY_KIB && cost->passes >= 1 &&
	       cost->passes <= LIMIT_WRAP_PASSES;
}

static enum err read_lines(struct span text, struct lines *out, const char **why)
{
	struct span rest = text;
	*why = "the locked secret file is not as kith writes it";
	if (!take_text(&rest, MAGIC NOTE "id: ") || !take_id(&rest, &out->id) ||
		!take_text(&rest, "argon2id: ") || !take_number(&rest, &out->cost.memory_kib) ||
		!take_text(&rest, " KiB, ") || !take_number(&rest, &out->cost.passes) ||
		!take_text(&rest, " passes\nsalt: ") || !take_bytes(&rest, out->salt, SALT_BYTES) ||
		!take_text(&rest, "nonce: ") || !take_bytes(&rest, out->nonce, NONCE_BYTES)) {
		return ERR_REFUSED;
	}
	out->head_bytes = text.len - rest.len;
	if (!take_text(&rest, "sealed: ") || !take_bytes(&rest, out->sealed, SEALED_BYTES) ||
		rest.len > 0) {
		return ERR_REFUSED;
	}
	*why = "the locked secret file asks for more work than kith ever asks for";
	return is_bearable(&out->cost) ? ERR_OK : ERR_REFUSED;
}

bool wrap_is(struct span text)
{
	return span_starts_with(text, MAGIC);
}

enum err wrap_read_id(struct span text, struct feed_id *out, const char **why)
{
	struct lines lines;
	enum err err = read_lines(text, &lines, why);
	if (err == ERR_OK) {
		*out = lines.id;
	}
	return err;
}

static enum err stretch(struct span passphrase, const struct wrap_cost *cost,
	const uint8_t salt[static SALT_BYTES], uint8_t key[static KEY_BYTES])
{
	int rc = crypto_pwhash(key, KEY_BYTES, (const char *)passphrase.at, passphrase.len, salt,
		cost->passes, (size_t)cost->memory_kib * KIB, crypto_pwhash_ALG_ARGON2ID13);
	return rc == 0 ? ERR_OK : ERR_NOMEM;
}

static enum err append_head(const struct lines *lines, struct buf *out)
{
	char id[FEED_ID_TEXT_BYTES];
	char salt[BASE64_BYTES(SALT_BYTES) + 1];
	char nonce[BASE64_BYTES(NONCE_BYTES) + 1];
	feed_id_format(&lines->id, id);
	salt[base64_encode(span_of(lines->salt, SALT_BYTES), salt)] = '\0';
	nonce[base64_encode(span_of(lines->nonce, NONCE_BYTES), nonce)] = '\0';
	return buf_printf(out,
		MAGIC NOTE "id: %s\nargon2id: %u KiB, %u passes\nsalt: %s\nnonce: %s\n", id,
		lines->cost.memory_kib, lines->cost.passes, salt, nonce);
}

static enum err append_sealed(const struct lines *lines, struct buf *out)
{
	char sealed[BASE64_BYTES(SEALED_BYTES) + 1];
	sealed[base64_encode(span_of(lines->sealed, SEALED_BYTES), sealed)] = '\0';
	return buf_printf(out, "sealed: %s\n", sealed);
}

static bool seal(struct lines *lines, struct span head, const struct key *key,
	const uint8_t with[static KEY_BYTES])
{
	unsigned long long len = 0;
	return crypto_aead_xchacha20poly1305_ietf_encrypt(lines->sealed, &len, key->secret,
		       SEED_BYTES, head.at, head.len, NULL, lines->nonce, with) == 0 &&
	       len == SEALED_BYTES;
}

static bool unseal(const struct lines *lines, struct span head, uint8_t seed[static SEED_BYTES],
	const uint8_t with[static KEY_BYTES])
{
	unsigned long long len = 0;
	return crypto_aead_xchacha20poly1305_ietf_decrypt(seed, &len, NULL, lines->sealed,
		       SEALED_BYTES, head.at, head.len, lines->nonce, with) == 0 &&
	       len == SEED_BYTES;
}

enum err wrap_lock(const struct key *key, struct span passphrase, const struct wrap_cost *cost,
	struct buf *out)
{
	struct lines lines = {.id = key->id, .cost = *cost};
	struct buf text = BUF_INIT(LIMIT_SECRET_FILE_BYTES);
	uint8_t with[KEY_BYTES];
	if (passphrase.len < LIMIT_PASSPHRASE_BYTES_MIN ||
		passphrase.len > LIMIT_PASSPHRASE_BYTES || !is_bearable(cost)) {
		return ERR_LIMIT;
	}
	randombytes_buf(lines.salt, sizeof(lines.salt));
	randombytes_buf(lines.nonce, sizeof(lines.nonce));
	enum err err = stretch(passphrase, cost, lines.salt, with);
	if (err == ERR_OK) {
		err = append_head(&lines, &text);
	}
	if (err == ERR_OK && !seal(&lines, buf_span(&text), key, with)) {
		err = ERR_NOMEM;
	}
	if (err == ERR_OK) {
		err = append_sealed(&lines, &text);
	}
	if (err == ERR_OK) {
		err = buf_append(out, buf_span(&text));
	}
	sodium_memzero(with, sizeof(with));
	buf_fini(&text);
	return err;
}

static enum err open_lines(const struct lines *lines, struct span head, struct span passphrase,
	struct key **out, const char **why)
{
	uint8_t with[KEY_BYTES];
	uint8_t seed[SEED_BYTES];
	struct key *key = NULL;
	*why = "there is not enough memory to try the passphrase";
	enum err err = stretch(passphrase, &lines->cost, lines->salt, with);
	if (err == ERR_OK && !unseal(lines, head, seed, with)) {
		*why = "that passphrase does not open the key";
		err = ERR_DENIED;
	}
	if (err == ERR_OK) {
		err = key_from_seed(seed, &key);
	}
	sodium_memzero(with, sizeof(with));
	sodium_memzero(seed, sizeof(seed));
	if (err == ERR_OK && !feed_id_equal(key_id(key), &lines->id)) {
		/* Sealed by somebody who had the passphrase, and not as we do it. */
		*why = "the locked secret file holds another key than it says";
		key_free(key);
		err = ERR_REFUSED;
	}
	if (err == ERR_OK) {
		*out = key;
	}
	return err;
}

enum err wrap_unlock(struct span text, struct span passphrase, struct key **out, const char **why)
{
	struct lines lines;
	enum err err = read_lines(text, &lines, why);
	if (err != ERR_OK) {
		return err;
	}
	if (passphrase.len == 0 || passphrase.len > LIMIT_PASSPHRASE_BYTES) {
		*why = "that passphrase does not open the key";
		return ERR_DENIED;
	}
	return open_lines(&lines, span_take(text, lines.head_bytes), passphrase, out, why);
}
