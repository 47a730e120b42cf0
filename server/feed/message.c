/*
 * One message, judged by itself: protocol/01 §6 without step 3. The signed text, the hashed bytes
 * and the measured length are three views of one pretty text (§5): UTF-8 without the signature, the
 * low byte of every UTF-16 unit, and the number of those units.
 */
#include "feed/message_inside.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>

/* What stands in the pretty text behind the signed part: the signature is last and has one length.
 */
#define TAIL_BEFORE ",\n  \"signature\": \""
#define TAIL_AFTER "\"\n}"
#define TAIL_BYTES (sizeof(TAIL_BEFORE) - 1 + SIGNATURE_TEXT_BYTES + sizeof(TAIL_AFTER) - 1)

bool message_is_box(struct span text)
{
	size_t suffix = span_ends_with(text, ".box2") ? strlen(".box2") : strlen(".box");
	if (!span_ends_with(text, ".box") && !span_ends_with(text, ".box2")) {
		return false;
	}
	return base64_is_canonical(span_take(text, text.len - suffix));
}

bool message_read_signature(struct span text, uint8_t out[static SIGNATURE_BYTES])
{
	static const char suffix[] = ".sig.ed25519";
	size_t count = 0;
	if (text.len != SIGNATURE_TEXT_BYTES || !span_ends_with(text, suffix)) {
		return false;
	}
	text = span_take(text, SIGNATURE_TEXT_BYTES - strlen(suffix));
	return base64_decode(text, out, SIGNATURE_BYTES, &count) == ERR_OK &&
	       count == SIGNATURE_BYTES;
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
	struct span text = span_of(draft->pretty, draft->pretty_len);
	if (!draft->is_ascii) {
		size_t units = low_bytes(text, low, sizeof(low));
		text = span_of(low, units);
	}
	if (text.len > LIMIT_MESSAGE_UNITS) {
		draft->why = "the message is longer than 8192 UTF-16 units";
		return ERR_LIMIT;
	}
	return crypto_hash_sha256(draft->fields.key.at, text.at, text.len) == 0 ? ERR_OK
										: ERR_NOMEM;
}

/* Turn the pretty text into the signed one: the same without its last member. */
static void strip_signature(struct draft *draft)
{
	assert(draft->pretty_len > TAIL_BYTES);
	size_t len = draft->pretty_len - TAIL_BYTES;
	draft->pretty[len] = '\n';
	draft->pretty[len + 1] = '}';
	draft->pretty_len = len + 2;
}

static enum err check_signature(struct draft *draft, const uint8_t *hmac_key)
{
	uint8_t mac[crypto_auth_BYTES];
	struct span text = span_of(draft->pretty, draft->pretty_len);
	if (hmac_key != NULL) {
		if (crypto_auth(mac, text.at, text.len, hmac_key) != 0) {
			return ERR_NOMEM;
		}
		text = span_of(mac, sizeof(mac));
	}
	if (crypto_sign_verify_detached(
		    draft->signature, text.at, text.len, draft->fields.author.at) != 0) {
		draft->why = "the signature does not match";
		return ERR_REFUSED;
	}
	return ERR_OK;
}

/* One block: the struct, the compact text, the type. */
static struct message *message_new(const struct draft *draft)
{
	size_t compact = draft->compact.len;
	struct message *message = malloc(sizeof(*message) + compact + draft->type.len);
	if (message == NULL) {
		return NULL;
	}
	uint8_t *text = (uint8_t *)(message + 1);
	memcpy(text, draft->compact.at, compact);
	if (draft->type.len > 0) {
		memcpy(text + compact, draft->type.at, draft->type.len);
	}
	*message = draft->fields;
	message->compact = span_of(text, compact);
	message->content_text =
		span_of(text + (draft->content.at - draft->compact.at), draft->content.len);
	message->type = span_of(text + compact, draft->type.len);
	return message;
}

static void draft_init(struct draft *draft, enum source source)
{
	/* Not all of it: the pretty text is long. */
	draft->fields = (struct message){0};
	draft->source = source;
	draft->why = "there is no memory";
	draft->doc = NULL;
	draft->text = BUF_INIT(0);
}

static void draft_fini(struct draft *draft)
{
	json_doc_free(draft->doc);
	buf_fini(&draft->text);
}

/* How a message is to be read. */
struct reading {
	const uint8_t *hmac_key;
	enum source source;
	bool is_trusted; /* the signature */
	bool is_by_tree;
};

static enum err fill(struct draft *draft, struct span raw, bool is_by_tree)
{
	return !is_by_tree && message_scan(draft, raw) ? ERR_OK : message_read_tree(draft, raw);
}

static enum err judge(struct draft *draft, struct span raw, const struct reading *reading)
{
	enum err err = fill(draft, raw, reading->is_by_tree);
	if (err == ERR_OK) {
		err = measure_and_hash(draft);
	}
	if (err == ERR_OK && !reading->is_trusted) {
		strip_signature(draft);
		err = check_signature(draft, reading->hmac_key);
	}
	return err;
}

static enum err read_message(
	struct span raw, const struct reading *reading, struct message **out, const char **why)
{
	struct draft draft;
	draft_init(&draft, reading->source);
	enum err err = judge(&draft, raw, reading);
	struct message *message = err == ERR_OK ? message_new(&draft) : NULL;
	if (err == ERR_OK && message == NULL) {
		err = ERR_NOMEM;
	}
	if (err == ERR_OK) {
		*out = message;
	} else {
		*why = err == ERR_NOMEM ? "there is no memory" : draft.why;
	}
	draft_fini(&draft);
	return err;
}

enum err message_verify(
	struct span raw, const uint8_t *hmac_key, struct message **out, const char **why)
{
	const struct reading reading = {.hmac_key = hmac_key};
	return read_message(raw, &reading, out, why);
}

enum err message_verify_by_tree(
	struct span raw, const uint8_t *hmac_key, struct message **out, const char **why)
{
	const struct reading reading = {.hmac_key = hmac_key, .is_by_tree = true};
	return read_message(raw, &reading, out, why);
}

enum err message_verify_stored(
	struct span compact, const uint8_t *hmac_key, struct message **out, const char **why)
{
	const struct reading reading = {.hmac_key = hmac_key, .source = FROM_STORE};
	return read_message(compact, &reading, out, why);
}

enum err message_reread(struct span compact, struct message **out, const char **why)
{
	const struct reading reading = {.source = FROM_STORE, .is_trusted = true};
	return read_message(compact, &reading, out, why);
}

enum err message_reread_by_tree(struct span compact, struct message **out, const char **why)
{
	const struct reading reading = {
		.source = FROM_STORE, .is_trusted = true, .is_by_tree = true};
	return read_message(compact, &reading, out, why);
}

enum err message_read(struct span raw, struct message **out, const char **why)
{
	const struct reading reading = {.is_trusted = true};
	return read_message(raw, &reading, out, why);
}

void message_free(struct message *message)
{
	if (message != NULL) {
		json_doc_free(message->doc);
		free(message);
	}
}

enum err message_content(const struct message *message, const struct json **out)
{
	if (message->doc == NULL) {
		/* Never ERR_LIMIT or ERR_REFUSED: the text is a part of what was read whole. */
		struct json_doc *doc = NULL;
		enum err err = json_parse(message->content_text, LIMIT_JSON_DEPTH, &doc);
		if (err != ERR_OK) {
			return err;
		}
		/* All messages are made by message_new(), none is const by birth. */
		((struct message *)(uintptr_t)message)->doc = doc;
	}
	*out = json_root(message->doc);
	return ERR_OK;
}

enum err message_write_signed_text(const struct message *message, struct buf *out)
{
	struct draft draft;
	draft_init(&draft, FROM_STORE);
	enum err err = fill(&draft, message->compact, false);
	if (err == ERR_OK) {
		strip_signature(&draft);
		err = buf_append(out, span_of(draft.pretty, draft.pretty_len));
	}
	draft_fini(&draft);
	return err;
}

enum err message_check(const struct message *message, const uint8_t *hmac_key, const char **why)
{
	struct draft draft;
	draft_init(&draft, FROM_STORE);
	enum err err = fill(&draft, message->compact, false);
	if (err == ERR_OK) {
		strip_signature(&draft);
		err = check_signature(&draft, hmac_key);
	}
	*why = draft.why;
	draft_fini(&draft);
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
