/*
 * The only user of the secret key. A message is signed in four steps: write it with an empty
 * signature, judge that as a stranger's message would be judged (all but the signature), sign,
 * judge again with the signature. What the signer last signed it remembers, so that two different
 * messages with one number cannot come out of it, whatever its caller believes.
 */
#include "feed/signer.h"

#include "base/limits.h"
#include "feed/key_inside.h"

#include <math.h>
#include <sodium.h>
#include <stdlib.h>

enum {
	SIGNATURE_BYTES = 64,
	SIGNED_TEXT_BYTES_MAX = 3 * LIMIT_MESSAGE_UNITS,
	MEASURED_BYTES_MAX = 8 * LIMIT_MESSAGE_BYTES,
};

/* What every signed message starts with; a handshake never signs that. */
#define MESSAGE_START "{\n  \"previous\": "

struct signer {
	struct key *key;
	bool has_hmac;
	uint8_t hmac_key[HMAC_KEY_BYTES];
	uint64_t last_sequence;                      /* 0: nothing was signed yet */
	uint8_t last_hash[crypto_hash_sha256_BYTES]; /* of the text signed under it */
};

enum err signer_new(struct key *key, const uint8_t *hmac_key, struct signer **out)
{
	struct signer *signer = calloc(1, sizeof(*signer));
	if (signer == NULL) {
		return ERR_NOMEM;
	}
	signer->key = key;
	if (hmac_key != NULL) {
		signer->has_hmac = true;
		memcpy(signer->hmac_key, hmac_key, HMAC_KEY_BYTES);
	}
	*out = signer;
	return ERR_OK;
}

void signer_free(struct signer *signer)
{
	if (signer != NULL) {
		key_free(signer->key);
		sodium_memzero(signer, sizeof(*signer));
		free(signer);
	}
}

const struct feed_id *signer_id(const struct signer *signer)
{
	return key_id(signer->key);
}

const struct key *signer_key(const struct signer *signer)
{
	return signer->key;
}

/* Now, but always later than the message before: a whole number of milliseconds where doubles still
 * have them. */
static double time_after(const struct chain_head *head, int64_t now_ms)
{
	double now = (double)now_ms;
	if (head->sequence == 0 || now > head->timestamp || !isfinite(head->timestamp)) {
		return now;
	}
	double next = floor(head->timestamp) + 1;
	if (next > head->timestamp) {
		return next;
	}
	next = nextafter(head->timestamp, INFINITY);
	return isfinite(next) ? next : now;
}

/* The message as text, with `content` as it was given and `signature`. */
static enum err write_message(const struct feed_id *id, const struct chain_head *head,
	int64_t now_ms, struct span content, const uint8_t *signature, struct buf *out)
{
	char previous[MESSAGE_ID_TEXT_BYTES];
	char author[FEED_ID_TEXT_BYTES];
	char base64[BASE64_BYTES(SIGNATURE_BYTES) + 1];
	bool is_first = head->sequence == 0;
	message_id_format(&head->key, previous);
	feed_id_format(id, author);
	base64[base64_encode(span_of(signature, SIGNATURE_BYTES), base64)] = '\0';
	buf_clear(out);
	enum err err = buf_printf(out,
		"{\"previous\":%s%s%s,\"sequence\":%llu,\"author\":\"%s\",\"timestamp\":",
		is_first ? "" : "\"", is_first ? "null" : previous, is_first ? "" : "\"",
		(unsigned long long)head->sequence + 1, author);
	if (err == ERR_OK) {
		err = json_write_number(time_after(head, now_ms), out);
	}
	if (err == ERR_OK) {
		err = buf_append_text(out, ",\"hash\":\"sha256\",\"content\":");
	}
	if (err == ERR_OK) {
		err = buf_append(out, content);
	}
	return err == ERR_OK ? buf_printf(out, ",\"signature\":\"%s.sig.ed25519\"}", base64) : err;
}

/* The content alone must be JSON, or its text could bring fields of its own. */
static enum err check_content(struct span content, const char **why)
{
	struct json_doc *doc = NULL;
	enum err err = content.len > LIMIT_MESSAGE_BYTES
			       ? ERR_LIMIT
			       : json_parse(content, LIMIT_JSON_DEPTH, &doc);
	json_doc_free(doc);
	*why = err == ERR_LIMIT ? "the content is too long or nested too deeply"
				: "the content is not JSON";
	return err;
}

/* May this text be signed as number `sequence`? Writes down that it is about to be. */
static enum err claim(struct signer *signer, uint64_t sequence, struct span text, const char **why)
{
	uint8_t hash[crypto_hash_sha256_BYTES];
	if (crypto_hash_sha256(hash, text.at, text.len) != 0) {
		return ERR_NOMEM;
	}
	bool is_same = sequence == signer->last_sequence &&
		       memcmp(hash, signer->last_hash, sizeof(hash)) == 0;
	if (sequence <= signer->last_sequence && !is_same) {
		*why = "another message was signed under this number before";
		return ERR_EXISTS;
	}
	signer->last_sequence = sequence;
	memcpy(signer->last_hash, hash, sizeof(hash));
	return ERR_OK;
}

static enum err sign_text(const struct signer *signer, struct span text, uint8_t *signature)
{
	uint8_t mac[crypto_auth_BYTES];
	if (signer->has_hmac) {
		if (crypto_auth(mac, text.at, text.len, signer->hmac_key) != 0) {
			return ERR_NOMEM;
		}
		text = span_of(mac, sizeof(mac));
	}
	return crypto_sign_detached(signature, NULL, text.at, text.len, signer->key->secret) == 0
		       ? ERR_OK
		       : ERR_NOMEM;
}

/* The signed text of `unsigned_text` as a message. */
static enum err sign_and_read(struct signer *signer, const struct chain_head *head, int64_t now_ms,
	struct span content, struct span unsigned_text, struct message **out, const char **why)
{
	uint8_t signature[SIGNATURE_BYTES] = {0};
	struct buf text = BUF_INIT(2 * LIMIT_MESSAGE_BYTES);
	enum err err = sign_text(signer, unsigned_text, signature);
	if (err == ERR_OK) {
		err = write_message(signer_id(signer), head, now_ms, content, signature, &text);
	}
	if (err == ERR_OK) {
		err = message_verify(
			buf_span(&text), signer->has_hmac ? signer->hmac_key : NULL, out, why);
	}
	buf_fini(&text);
	return err;
}

enum err signer_sign_next(struct signer *signer, const struct chain_head *head, int64_t now_ms,
	struct span content, struct message **out, const char **why)
{
	static const uint8_t nothing[SIGNATURE_BYTES];
	const uint64_t last_sequence = signer->last_sequence;
	uint8_t last_hash[sizeof(signer->last_hash)];
	struct message *unsigned_message = NULL;
	struct buf text = BUF_INIT(2 * LIMIT_MESSAGE_BYTES);
	struct buf signed_text = BUF_INIT(SIGNED_TEXT_BYTES_MAX);
	memcpy(last_hash, signer->last_hash, sizeof(last_hash));
	*why = "there is no memory";
	enum err err = check_content(content, why);
	if (err == ERR_OK) {
		err = write_message(signer_id(signer), head, now_ms, content, nothing, &text);
	}
	if (err == ERR_OK) {
		err = message_reread(buf_span(&text), &unsigned_message, why);
	}
	if (err == ERR_OK) {
		err = message_write_signed_text(unsigned_message, &signed_text);
	}
	if (err == ERR_OK) {
		err = claim(signer, head->sequence + 1, buf_span(&signed_text), why);
	}
	if (err == ERR_OK) {
		err = sign_and_read(
			signer, head, now_ms, content, buf_span(&signed_text), out, why);
		if (err != ERR_OK) {
			/* The signature ended here: nobody has it, so the number is free. */
			signer->last_sequence = last_sequence;
			memcpy(signer->last_hash, last_hash, sizeof(last_hash));
		}
	}
	message_free(unsigned_message);
	buf_fini(&text);
	buf_fini(&signed_text);
	return err;
}

enum err signer_measure(const struct feed_id *author, const struct chain_head *head, int64_t now_ms,
	struct span content, size_t *units)
{
	static const uint8_t nothing[SIGNATURE_BYTES];
	struct json_doc *doc = NULL;
	struct buf text = BUF_INIT(MEASURED_BYTES_MAX);
	struct buf pretty = BUF_INIT(2 * MEASURED_BYTES_MAX);
	enum err err = write_message(author, head, now_ms, content, nothing, &text);
	if (err == ERR_OK) {
		err = json_parse(buf_span(&text), LIMIT_JSON_DEPTH, &doc);
	}
	if (err == ERR_OK) {
		err = json_write_pretty(json_root(doc), &pretty);
	}
	if (err == ERR_OK) {
		*units = json_units(buf_span(&pretty));
	}
	json_doc_free(doc);
	buf_fini(&text);
	buf_fini(&pretty);
	return err;
}

enum err signer_handshake_sign(
	const struct signer *signer, struct span bytes, uint8_t signature[static 64])
{
	/* Neither a message's text nor the HMAC of one may get a signature through this door. */
	if (bytes.len <= crypto_auth_BYTES || span_starts_with(bytes, MESSAGE_START)) {
		return ERR_REFUSED;
	}
	int rc = crypto_sign_detached(signature, NULL, bytes.at, bytes.len, signer->key->secret);
	return rc == 0 ? ERR_OK : ERR_NOMEM;
}

enum err signer_handshake_scalar(
	const struct signer *signer, const uint8_t their_public[static 32], uint8_t out[static 32])
{
	uint8_t scalar[crypto_scalarmult_SCALARBYTES];
	enum err err = ERR_NOMEM;
	if (crypto_sign_ed25519_sk_to_curve25519(scalar, signer->key->secret) == 0) {
		err = crypto_scalarmult(out, scalar, their_public) == 0 ? ERR_OK : ERR_REFUSED;
	}
	sodium_memzero(scalar, sizeof(scalar));
	return err;
}

enum err signer_derive(const struct signer *signer, const char *context, uint8_t out[static 32])
{
	return key_derive(signer->key, context, out);
}
