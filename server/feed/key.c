/*
 * Key pairs and the secret file of the JavaScript programs. The pair lives in memory from
 * sodium_malloc: locked, fenced by guard pages, left out of core dumps, made read-only once it is
 * complete, wiped when freed. Copies made on the way are wiped by whoever made them.
 */
#include "feed/key_inside.h"

#include "base/limits.h"
#include "feed/json.h"

#include <assert.h>
#include <sodium.h>

_Static_assert(crypto_sign_SECRETKEYBYTES == 64, "libsodium's layout");
_Static_assert(crypto_sign_PUBLICKEYBYTES == ID_BYTES, "libsodium's layout");

enum { FILE_DEPTH = 4 };

#define SUFFIX ".ed25519"

static enum err seal(struct key *key, struct key **out)
{
	if (sodium_mprotect_readonly(key) != 0) {
		key_free(key);
		return ERR_NOMEM;
	}
	*out = key;
	return ERR_OK;
}

static struct key *key_new(void)
{
	struct key *key = sodium_malloc(sizeof(*key));
	if (key != NULL) {
		sodium_memzero(key, sizeof(*key));
	}
	return key;
}

enum err key_generate(struct key **out)
{
	struct key *key = key_new();
	if (key == NULL) {
		return ERR_NOMEM;
	}
	if (crypto_sign_keypair(key->id.at, key->secret) != 0) {
		key_free(key);
		return ERR_NOMEM;
	}
	return seal(key, out);
}

enum err key_from_seed(const uint8_t seed[static 32], struct key **out)
{
	struct key *key = key_new();
	if (key == NULL) {
		return ERR_NOMEM;
	}
	if (crypto_sign_seed_keypair(key->id.at, key->secret, seed) != 0) {
		key_free(key);
		return ERR_NOMEM;
	}
	return seal(key, out);
}

enum err key_from_secret(const uint8_t secret[static 64], struct key **out)
{
	struct key *key = NULL;
	enum err err = key_from_seed(secret, &key);
	if (err != ERR_OK) {
		return err;
	}
	if (sodium_memcmp(key->secret, secret, 64) != 0) {
		key_free(key);
		return ERR_REFUSED;
	}
	*out = key;
	return ERR_OK;
}

void key_free(struct key *key)
{
	if (key != NULL) {
		/* sodium_free() makes the pages writable again and wipes them. */
		sodium_free(key);
	}
}

const struct feed_id *key_id(const struct key *key)
{
	return &key->id;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/*
 * What ssb-keys does: drop each `#` up to the end of its line with the white space before it, and
 * every line break. No `#` can occur in base64, so nothing of the keys is lost; do not use this
 * elsewhere. Returns how many bytes are left.
 */
static size_t strip_comments(struct span text, uint8_t *out)
{
	size_t len = 0;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.at[i];
		if (c == '#') {
			while (len > 0 && is_blank(out[len - 1])) {
				len--;
			}
			while (i + 1 < text.len && text.at[i + 1] != '\n') {
				i++;
			}
			continue;
		}
		out[len++] = c;
	}
	size_t kept = 0;
	for (size_t i = 0; i < len; i++) {
		if (out[i] != '\n') {
			out[kept++] = out[i];
		}
	}
	return kept;
}

static bool read_base64(struct span text, uint8_t *out, size_t bytes)
{
	size_t count = 0;
	if (!span_ends_with(text, SUFFIX)) {
		return false;
	}
	text = span_take(text, text.len - strlen(SUFFIX));
	return base64_decode(text, out, bytes, &count) == ERR_OK && count == bytes;
}

/* Is the id absent, without its sigil (old files), or "@" and the public text? */
static bool is_id_fine(const struct json *id, struct span public_text)
{
	struct span text;
	if (id == NULL) {
		return true;
	}
	if (!json_text(id, &text)) {
		return false;
	}
	if (text.len > 0 && text.at[0] == '@') {
		text = span_skip(text, 1);
	}
	return span_equal(text, public_text);
}

static enum err read_file_object(
	const struct json *root, uint8_t secret[static 64], const char **why)
{
	struct span curve;
	struct span public_text;
	struct span private_text;
	uint8_t public_key[ID_BYTES];
	*why = "the secret file holds no JSON object with curve, public and private";
	if (!json_text(json_get(root, "curve"), &curve) ||
		!json_text(json_get(root, "public"), &public_text) ||
		!json_text(json_get(root, "private"), &private_text)) {
		return ERR_REFUSED;
	}
	*why = "the secret file's curve is not ed25519";
	if (!span_equal_text(curve, "ed25519")) {
		return ERR_REFUSED;
	}
	*why = "the secret file's public key is not 32 bytes of base64 and .ed25519";
	if (!read_base64(public_text, public_key, sizeof(public_key))) {
		return ERR_REFUSED;
	}
	*why = "the secret file's private key is not 64 bytes of base64 and .ed25519";
	if (!read_base64(private_text, secret, 64)) {
		return ERR_REFUSED;
	}
	*why = "the secret file's private key does not belong to its public key";
	if (memcmp(secret + 32, public_key, sizeof(public_key)) != 0) {
		return ERR_REFUSED;
	}
	*why = "the secret file's id is not its public key";
	return is_id_fine(json_get(root, "id"), public_text) ? ERR_OK : ERR_REFUSED;
}

static enum err key_from_json(struct span json, struct key **out, const char **why)
{
	uint8_t secret[64];
	struct json_doc *doc = NULL;
	enum err err = json_parse(json, FILE_DEPTH, &doc);
	if (err != ERR_OK) {
		*why = "the secret file is not JSON with comments";
		return err == ERR_LIMIT ? ERR_REFUSED : err;
	}
	err = read_file_object(json_root(doc), secret, why);
	if (err == ERR_OK) {
		*why = "the secret file's public key does not come from its seed";
		err = key_from_secret(secret, out);
	}
	sodium_memzero(secret, sizeof(secret));
	json_doc_wipe(doc);
	return err;
}

enum err key_from_text(struct span text, struct key **out, const char **why)
{
	if (text.len > LIMIT_SECRET_FILE_BYTES) {
		*why = "the secret file is longer than 16 KiB";
		return ERR_LIMIT;
	}
	*why = "there is no memory for the key";
	uint8_t *json = sodium_malloc(text.len + 1);
	if (json == NULL) {
		return ERR_NOMEM;
	}
	enum err err = key_from_json(span_of(json, strip_comments(text, json)), out, why);
	sodium_free(json);
	return err;
}

static const char template_before[] =
	"# WARNING: Never show this to anyone.\n"
	"# WARNING: Never edit it or use it on multiple devices at once.\n"
	"#\n"
	"# This is your SECRET, it gives you magical powers. With your secret you can\n"
	"# sign your messages so that your friends can verify that the messages came\n"
	"# from you. If anyone learns your secret, they can use it to impersonate you.\n"
	"#\n"
	"# If you use this secret on more than one device you will create a fork and\n"
	"# your friends will stop replicating your content.\n"
	"#\n";

enum err key_to_text(const struct key *key, struct buf *out)
{
	char private_text[BASE64_BYTES(64) + 1];
	char id[FEED_ID_TEXT_BYTES];
	private_text[base64_encode(span_of(key->secret, sizeof(key->secret)), private_text)] = '\0';
	feed_id_format(&key->id, id);
	/* Growing would leave copies of the secret behind in freed memory: make room for all of it
	 * at once. */
	enum err err = buf_reserve(out, sizeof(template_before) + 1024) == NULL
			       ? (out->max - out->len < sizeof(template_before) + 1024 ? ERR_LIMIT
										       : ERR_NOMEM)
			       : buf_append_text(out, template_before);
	if (err == ERR_OK) {
		err = buf_printf(out,
			"{\n  \"curve\": \"ed25519\",\n  \"public\": \"%s\",\n  \"private\": "
			"\"%s" SUFFIX "\",\n"
			"  \"id\": \"%s\"\n}\n#\n# The only part of this file that's safe to share "
			"is your public name:\n#\n#   %s",
			id + 1, private_text, id, id);
	}
	sodium_memzero(private_text, sizeof(private_text));
	return err;
}

enum err key_derive(const struct key *key, const char *context, uint8_t out[static 32])
{
	/* Ed25519 hashes the seed with SHA-512; this is BLAKE2b keyed with it, so neither says
	 * anything about the other. */
	static const char prefix[] = "kith derive ";
	crypto_generichash_state state;
	bool is_done =
		crypto_generichash_init(&state, key->secret, 32, 32) == 0 &&
		crypto_generichash_update(&state, (const uint8_t *)prefix, sizeof(prefix) - 1) ==
			0 &&
		crypto_generichash_update(&state, (const uint8_t *)context, strlen(context)) == 0 &&
		crypto_generichash_final(&state, out, 32) == 0;
	sodium_memzero(&state, sizeof(state));
	return is_done ? ERR_OK : ERR_NOMEM;
}
