/*
 * One message, judged by itself: protocol/01 §6 without step 3. The signed text, the hashed bytes
 * and the measured length are three views of one pretty text (§5): UTF-8 without the signature, the
 * low byte of every UTF-16 unit, and the number of those units.
 */
#include "feed/message.h"

#include "base/limits.h"

#include <assert.h>
#include <math.h>
#include <sodium.h>
#include <stdlib.h>

enum {
	FIELD_COUNT = 7,
	SIGNATURE_BYTES = 64,
	SIGNATURE_TEXT_BYTES = 100,
	PRETTY_FIRST_BYTES = 1536
};

/* What stands in the pretty text behind the signed part: the signature is last and has one length.
 */
#define TAIL_BEFORE ",\n  \"signature\": \""
#define TAIL_AFTER "\"\n}"
#define TAIL_BYTES (sizeof(TAIL_BEFORE) - 1 + SIGNATURE_TEXT_BYTES + sizeof(TAIL_AFTER) - 1)

/* A message of LIMIT_MESSAGE_UNITS has at most three bytes per unit. */
#define PRETTY_BYTES_MAX (3 * LIMIT_MESSAGE_UNITS)

/* Where the bytes come from. */
enum source { FROM_STRANGER, FROM_STORE };

struct draft {
	struct message *message;
	struct buf pretty;
	uint8_t signature[SIGNATURE_BYTES];
	enum source source;
	const char *why;
};

static enum err refuse(struct draft *draft, const char *why)
{
	draft->why = why;
	return ERR_REFUSED;
}

static enum err check_fields(struct draft *draft, const struct json *root)
{
	static const char *const names[2][FIELD_COUNT] = {
		{"previous", "sequence", "author", "timestamp", "hash", "content", "signature"},
		{"previous", "author", "sequence", "timestamp", "hash", "content", "signature"},
	};
	if (json_kind(root) != JSON_KIND_OBJECT) {
		return refuse(draft, "a message must be a JSON object");
	}
	if (json_count(root) != FIELD_COUNT) {
		return refuse(draft, "a message must have exactly seven fields");
	}
	int order = span_equal_text(json_name_at(root, 1), "author") ? 1 : 0;
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		if (!span_equal_text(json_name_at(root, i), names[order][i])) {
			return refuse(
				draft, "the fields are not the seven of a message, in their order");
		}
	}
	return ERR_OK;
}

static enum err read_author(struct draft *draft, const struct json *root)
{
	struct span text;
	if (!json_text(json_get(root, "author"), &text) ||
		feed_id_parse(text, &draft->message->author) != ERR_OK) {
		return refuse(draft, "the author is not a feed id");
	}
	return ERR_OK;
}

static enum err read_signature(struct draft *draft, const struct json *root)
{
	static const char suffix[] = ".sig.ed25519";
	struct span text;
	size_t count = 0;
	if (!json_text(json_get(root, "signature"), &text) || text.len != SIGNATURE_TEXT_BYTES ||
		!span_ends_with(text, suffix)) {
		return refuse(draft, "the signature is not an Ed25519 signature");
	}
	text = span_take(text, SIGNATURE_TEXT_BYTES - strlen(suffix));
	if (base64_decode(text, draft->signature, SIGNATURE_BYTES, &count) != ERR_OK ||
		count != SIGNATURE_BYTES) {
		return refuse(draft, "the signature is not canonical base64 of 64 bytes");
	}
	return ERR_OK;
}

static enum err read_place(struct draft *draft, const struct json *root)
{
	struct message *message = draft->message;
	const struct json *previous = json_get(root, "previous");
	int64_t sequence = 0;
	struct span text;
	if (!json_whole(json_get(root, "sequence"), &sequence) || sequence < 1) {
		return refuse(draft, "the sequence is not a whole number above 0");
	}
	message->sequence = (uint64_t)sequence;
	message->has_previous = json_kind(previous) != JSON_KIND_NULL;
	if (message->has_previous &&
		(!json_text(previous, &text) ||
			message_id_parse(text, &message->previous) != ERR_OK)) {
		return refuse(draft, "previous is neither null nor a message id");
	}
	if (message->has_previous == (sequence == 1)) {
		return refuse(draft, "previous must be null in the first message, and only there");
	}
	return ERR_OK;
}

static enum err read_time_and_hash(struct draft *draft, const struct json *root)
{
	const struct json *timestamp = json_get(root, "timestamp");
	struct span text;
	if (!json_number(timestamp, &draft->message->timestamp)) {
		/* Infinity is a number in JavaScript, is signed as `null`, and so comes back from
		 * the store as null. */
		if (draft->source != FROM_STORE || json_kind(timestamp) != JSON_KIND_NULL) {
			return refuse(draft, "the timestamp is not a number");
		}
		draft->message->timestamp = INFINITY;
	}
	if (!json_text(json_get(root, "hash"), &text) || !span_equal_text(text, "sha256")) {
		return refuse(draft, "the hash is not \"sha256\"");
	}
	return ERR_OK;
}

static bool is_box(struct span text)
{
	size_t suffix = span_ends_with(text, ".box2") ? strlen(".box2") : strlen(".box");
	if (!span_ends_with(text, ".box") && !span_ends_with(text, ".box2")) {
		return false;
	}
	return base64_is_canonical(span_take(text, text.len - suffix));
}

static enum err read_content(struct draft *draft, const struct json *root)
{
	const struct json *content = json_get(root, "content");
	struct span text;
	draft->message->content = content;
	if (json_text(content, &text)) {
		draft->message->is_encrypted = true;
		return is_box(text)
			       ? ERR_OK
			       : refuse(draft, "content text is not base64 ending .box or .box2");
	}
	if (json_kind(content) != JSON_KIND_OBJECT) {
		return refuse(draft, "the content is neither an object nor encrypted text");
	}
	if (!json_text(json_get(content, "type"), &text)) {
		return refuse(draft, "the content has no type");
	}
	size_t units = json_units(text);
	if (units < LIMIT_TYPE_UNITS_MIN || units > LIMIT_TYPE_UNITS_MAX) {
		return refuse(draft, "the content's type is not 3 to 52 characters long");
	}
	return ERR_OK;
}

/* ASCII bytes from `i` on, in steps of eight, at most `room`. */
static size_t ascii_bytes(struct span text, size_t i, size_t room)
{
	size_t count = 0;
	while (count + 8 <= room && i + count + 8 <= text.len) {
		uint64_t x = 0;
		memcpy(&x, text.at + i + count, 8);
		if ((x & 0x8080808080808080) != 0) {
			break;
		}
		count += 8;
	}
	return count;
}

/* The low bytes of the UTF-16 units of `text`, which is UTF-8. Returns their number, or SIZE_MAX
 * when there are more than `room`. */
static size_t low_bytes(struct span text, uint8_t *out, size_t room)
{
	size_t count = 0;
	for (size_t i = 0; i < text.len; count++) {
		size_t ascii = ascii_bytes(text, i, room - count);
		memcpy(out + count, text.at + i, ascii);
		count += ascii;
		i += ascii;
		if (i == text.len) {
			break;
		}
		uint8_t c = text.at[i];
		if (count >= room) {
			return SIZE_MAX;
		}
		if (c < 0x80) {
			out[count] = c;
			i += 1;
		} else if (c < 0xe0) {
			out[count] = (uint8_t)(c << 6 | (text.at[i + 1] & 63));
			i += 2;
		} else if (c < 0xf0) {
			out[count] = (uint8_t)(text.at[i + 1] << 6 | (text.at[i + 2] & 63));
			i += 3;
		} else {
			/* Two units: D800 + the upper ten bits of point − 10000, DC00 + the lower
			 * ten. */
			uint32_t point =
				(uint32_t)(c & 7) << 18 | (uint32_t)(text.at[i + 1] & 63) << 12 |
				(uint32_t)(text.at[i + 2] & 63) << 6 | (text.at[i + 3] & 63);
			if (count + 1 >= room) {
				return SIZE_MAX;
			}
			out[count++] = (uint8_t)((point - 0x10000) >> 10);
			out[count] = (uint8_t)point;
			i += 4;
		}
	}
	return count;
}

static enum err measure_and_hash(struct draft *draft)
{
	uint8_t low[LIMIT_MESSAGE_UNITS];
	size_t units = low_bytes(buf_span(&draft->pretty), low, sizeof(low));
	if (units > LIMIT_MESSAGE_UNITS) {
		draft->why = "the message is longer than 8192 UTF-16 units";
		return ERR_LIMIT;
	}
	return crypto_hash_sha256(draft->message->key.at, low, units) == 0 ? ERR_OK : ERR_NOMEM;
}

/* Turn the pretty text into the signed one: the same without its last member. */
static void strip_signature(struct buf *pretty)
{
	assert(pretty->len > TAIL_BYTES);
	size_t len = pretty->len - TAIL_BYTES;
	pretty->at[len] = '\n';
	pretty->at[len + 1] = '}';
	buf_truncate(pretty, len + 2);
}

static enum err check_signature(struct draft *draft, const uint8_t *hmac_key)
{
	uint8_t mac[crypto_auth_BYTES];
	struct span text = buf_span(&draft->pretty);
	if (hmac_key != NULL) {
		if (crypto_auth(mac, text.at, text.len, hmac_key) != 0) {
			return ERR_NOMEM;
		}
		text = span_of(mac, sizeof(mac));
	}
	if (crypto_sign_verify_detached(
		    draft->signature, text.at, text.len, draft->message->author.at) != 0) {
		return refuse(draft, "the signature does not match");
	}
	return ERR_OK;
}

static enum err check_shape(struct draft *draft, const struct json *root)
{
	enum err err = check_fields(draft, root);
	if (err == ERR_OK) {
		err = read_author(draft, root);
	}
	if (err == ERR_OK) {
		err = read_signature(draft, root);
	}
	if (err == ERR_OK) {
		err = read_place(draft, root);
	}
	if (err == ERR_OK) {
		err = read_time_and_hash(draft, root);
	}
	return err == ERR_OK ? read_content(draft, root) : err;
}

static enum err read_tree(struct draft *draft, struct span raw)
{
	if (raw.len > LIMIT_MESSAGE_BYTES) {
		draft->why = "the message is longer than 64 KiB";
		return ERR_LIMIT;
	}
	enum err err = json_parse(raw, LIMIT_JSON_DEPTH, &draft->message->doc);
	if (err == ERR_REFUSED) {
		draft->why = "the message is not JSON";
	} else if (err == ERR_LIMIT) {
		draft->why = "the message is nested too deeply";
	}
	return err;
}

static enum err write_pretty(struct draft *draft, const struct json *root)
{
	buf_init(&draft->pretty, PRETTY_BYTES_MAX);
	if (buf_reserve(&draft->pretty, PRETTY_FIRST_BYTES) == NULL) {
		return ERR_NOMEM;
	}
	enum err err = json_write_pretty(root, &draft->pretty);
	if (err == ERR_LIMIT) {
		draft->why = "the message is longer than 8192 UTF-16 units";
	}
	return err;
}

static enum err judge(
	struct draft *draft, struct span raw, const uint8_t *hmac_key, bool is_trusted)
{
	enum err err = read_tree(draft, raw);
	if (err != ERR_OK) {
		return err;
	}
	const struct json *root = json_root(draft->message->doc);
	err = check_shape(draft, root);
	if (err == ERR_OK) {
		err = write_pretty(draft, root);
	}
	if (err == ERR_OK) {
		err = measure_and_hash(draft);
	}
	if (err == ERR_OK && !is_trusted) {
		strip_signature(&draft->pretty);
		err = check_signature(draft, hmac_key);
	}
	if (err == ERR_OK) {
		buf_init(&draft->message->owned, LIMIT_MESSAGE_BYTES);
		err = buf_reserve(&draft->message->owned,
			      raw.len < LIMIT_MESSAGE_BYTES ? raw.len : LIMIT_MESSAGE_BYTES) == NULL
			      ? ERR_NOMEM
			      : json_write_compact(root, &draft->message->owned);
		draft->message->compact = buf_span(&draft->message->owned);
	}
	return err;
}

static enum err read_message(struct span raw, const uint8_t *hmac_key, enum source source,
	bool is_trusted, struct message **out, const char **why)
{
	struct draft draft = {.source = source, .why = "there is no memory"};
	draft.message = calloc(1, sizeof(*draft.message));
	if (draft.message == NULL) {
		*why = draft.why;
		return ERR_NOMEM;
	}
	enum err err = judge(&draft, raw, hmac_key, is_trusted);
	buf_fini(&draft.pretty);
	if (err != ERR_OK) {
		*why = draft.why;
		message_free(draft.message);
		return err;
	}
	*out = draft.message;
	return ERR_OK;
}

enum err message_verify(
	struct span raw, const uint8_t *hmac_key, struct message **out, const char **why)
{
	return read_message(raw, hmac_key, FROM_STRANGER, false, out, why);
}

enum err message_verify_stored(
	struct span compact, const uint8_t *hmac_key, struct message **out, const char **why)
{
	return read_message(compact, hmac_key, FROM_STORE, false, out, why);
}

enum err message_reread(struct span compact, struct message **out, const char **why)
{
	return read_message(compact, NULL, FROM_STORE, true, out, why);
}

enum err message_read(struct span raw, struct message **out, const char **why)
{
	return read_message(raw, NULL, FROM_STRANGER, true, out, why);
}

void message_free(struct message *message)
{
	if (message != NULL) {
		json_doc_free(message->doc);
		buf_fini(&message->owned);
		free(message);
	}
}

enum err message_write_signed_text(const struct message *message, struct buf *out)
{
	struct buf pretty = BUF_INIT(PRETTY_BYTES_MAX);
	enum err err = json_write_pretty(json_root(message->doc), &pretty);
	if (err == ERR_OK) {
		strip_signature(&pretty);
		err = buf_append(out, buf_span(&pretty));
	}
	buf_fini(&pretty);
	return err;
}

enum err message_check(const struct message *message, const uint8_t *hmac_key, const char **why)
{
	struct draft draft = {.message = (struct message *)message, .why = "there is no memory"};
	buf_init(&draft.pretty, PRETTY_BYTES_MAX);
	enum err err = read_signature(&draft, json_root(message->doc));
	if (err == ERR_OK) {
		err = message_write_signed_text(message, &draft.pretty);
	}
	if (err == ERR_OK) {
		err = check_signature(&draft, hmac_key);
	}
	buf_fini(&draft.pretty);
	*why = draft.why;
	return err;
}

enum err message_write_kvt(
	const struct message_id *key, struct span compact, double received_ms, struct buf *out)
{
	char id[MESSAGE_ID_TEXT_BYTES];
	message_id_format(key, id);
	size_t before = out->len;
	enum err err = buf_printf(out, "{\"key\":\"%s\",\"value\":", id);
	if (err == ERR_OK) {
		err = buf_append(out, compact);
	}
	if (err == ERR_OK) {
		err = buf_append_text(out, ",\"timestamp\":");
	}
	if (err == ERR_OK) {
		err = json_write_number(received_ms, out);
	}
	if (err == ERR_OK) {
		err = buf_append_byte(out, '}');
	}
	if (err != ERR_OK) {
		buf_truncate(out, before);
	}
	return err;
}
