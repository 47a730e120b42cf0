/*
 * The only user of the secret key. A message is signed in four steps: write it with an empty
 * signature, judge that as a stranger's message would be judged (all but the signature), sign,
 * judge again with the signature. What the signer last signed it remembers, so that two different
 * messages with one number cannot come out of it, whatever its caller believes.
 */
#include "feed/signer.h"

#include "base/encode.h"
#include "base/limits.h"
#include "feed/box2.h"
#include "feed/key_inside.h"
#include "feed/message_inside.h"

#include <math.h>
#include <sodium.h>
#include <stdlib.h>

enum {
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

enum err signer_unpack(struct span text, struct buf *bytes, bool *is_box2)
{
	size_t count = 0;
	if (!message_is_box(text)) {
		return ERR_REFUSED;
	}
	*is_box2 = text.at[text.len - 1] == '2';
	text = span_take(text, text.len - (*is_box2 ? strlen(".box2") : strlen(".box")));
	if (text.len > bytes->max - bytes->len) {
		return ERR_LIMIT;
	}
	uint8_t *to = text.len == 0 ? NULL : buf_reserve(bytes, text.len);
	if (to == NULL) {
		return text.len == 0 ? ERR_OK : ERR_NOMEM;
	}
	enum err err = base64_decode(text, to, text.len, &count);
	if (err == ERR_OK) {
		buf_added(bytes, count);
	}
	return err;
}

static struct box2_place place_of(const struct sealed_box *box)
{
	return (struct box2_place){
		.author = &box->author, .previous = box->has_previous ? &box->previous : NULL};
}

/* From its author to us; of our own nothing opens, as we keep no key for those. */
static enum err open_dm(const struct signer *signer, const uint8_t scalar[static 32],
	const struct sealed_box *box, struct open_key *key, struct buf *out)
{
	const struct box2_place place = place_of(box);
	struct box2_side me = {.id = *signer_id(signer)};
	struct box2_side you = {.id = box->author};
	uint8_t product[crypto_scalarmult_BYTES];
	uint8_t keys[BOX2_DM_KEYS][BOX2_KEY_BYTES];
	if (feed_id_equal(&me.id, &you.id) || box->bytes.len < BOX2_BYTES_MIN ||
		crypto_sign_ed25519_pk_to_curve25519(me.point, me.id.at) != 0 ||
		crypto_sign_ed25519_pk_to_curve25519(you.point, you.id.at) != 0 ||
		crypto_scalarmult(product, scalar, you.point) != 0) {
		return ERR_REFUSED;
	}
	enum err err = box2_dm_keys(product, &me, &you, keys);
	if (err == ERR_OK) {
		key->at[0] = 0;
		err = box2_open(box->bytes, &place, (const uint8_t(*)[BOX2_KEY_BYTES])keys,
			BOX2_DM_KEYS, BOX2_SCHEME_DM, key->at + 1, out);
	}
	sodium_memzero(product, sizeof(product));
	sodium_memzero(keys, sizeof(keys));
	return err;
}

enum err signer_open(const struct signer *signer, const struct sealed_box *box,
	struct open_key *key, struct buf *out)
{
	uint8_t scalar[crypto_scalarmult_SCALARBYTES];
	enum err err = ERR_NOMEM;
	key->is_box2 = box->is_box2;
	if (crypto_sign_ed25519_sk_to_curve25519(scalar, signer->key->secret) == 0) {
		err = box->is_box2 ? open_dm(signer, scalar, box, key, out)
				   : private_box_open(box->bytes, scalar, key->at, out);
	}
	sodium_memzero(scalar, sizeof(scalar));
	return err;
}

enum err signer_open_again(
	const struct sealed_box *box, const struct open_key *key, struct buf *out)
{
	const struct box2_place place = place_of(box);
	if (box->is_box2 != key->is_box2) {
		return ERR_REFUSED;
	}
	return box->is_box2 ? box2_open_again(box->bytes, &place, key->at + 1, out)
			    : private_box_open_again(box->bytes, key->at, out);
}

/* What nobody could read is not sent: we are one of its readers. */
static enum err check_box(const struct signer *signer, struct span bytes, struct span plain)
{
	const struct sealed_box box = {.bytes = bytes, .author = *signer_id(signer)};
	struct open_key key;
	struct buf text = BUF_INIT(LIMIT_MESSAGE_BYTES);
	enum err err = signer_open(signer, &box, &key, &text);
	if (err == ERR_OK && !span_equal(buf_span(&text), plain)) {
		err = ERR_DAMAGED;
	}
	sodium_memzero(&key, sizeof(key));
	buf_wipe(&text);
	return err;
}

static enum err write_box_text(struct span box, struct buf *content)
{
	size_t len = BASE64_BYTES(box.len);
	if (len + strlen("\".box\"") > content->max - content->len) {
		return ERR_LIMIT;
	}
	enum err err = buf_append_byte(content, '"');
	uint8_t *to = err == ERR_OK ? buf_reserve(content, len) : NULL;
	if (to == NULL) {
		return ERR_NOMEM;
	}
	buf_added(content, base64_encode(box, (char *)to));
	return buf_append_text(content, ".box\"");
}

enum err signer_seal(const struct signer *signer, struct span plain,
	const struct feed_id *recipients, size_t count, struct buf *content)
{
	struct private_box_dice dice;
	struct buf box = BUF_INIT(LIMIT_MESSAGE_BYTES);
	bool is_among = false;
	for (size_t i = 0; i < count; i++) {
		is_among = is_among || feed_id_equal(&recipients[i], signer_id(signer));
	}
	if (!is_among) {
		return count == 0 ? ERR_LIMIT : ERR_REFUSED;
	}
	private_box_throw(&dice);
	enum err err = private_box_write(&dice, plain, recipients, count, &box);
	sodium_memzero(&dice, sizeof(dice));
	if (err == ERR_OK) {
		err = check_box(signer, buf_span(&box), plain);
	}
	if (err == ERR_OK) {
		err = write_box_text(buf_span(&box), content);
	}
	buf_fini(&box);
	return err;
}

enum err signer_derive(const struct signer *signer, const char *context, uint8_t out[static 32])
{
	return key_derive(signer->key, context, out);
}
