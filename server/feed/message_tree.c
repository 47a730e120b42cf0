/*
 * The long way from bytes to a message: a tree, its fields judged one by one, and the tree written
 * again, pretty and compact. It takes whatever JSON.parse would take, and is the truth for what
 * message_scan() leaves.
 */
#include "feed/message_inside.h"

#include <math.h>

enum { FIELD_COUNT = 7 };

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
		feed_id_parse(text, &draft->fields.author) != ERR_OK) {
		return refuse(draft, "the author is not a feed id");
	}
	return ERR_OK;
}

static enum err read_signature(struct draft *draft, const struct json *root)
{
	struct span text;
	if (!json_text(json_get(root, "signature"), &text) ||
		!message_read_signature(text, draft->signature)) {
		return refuse(draft, "the signature is not an Ed25519 signature");
	}
	return ERR_OK;
}

static enum err read_place(struct draft *draft, const struct json *root)
{
	struct message *message = &draft->fields;
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
	if (!json_number(timestamp, &draft->fields.timestamp)) {
		/* Infinity is a number in JavaScript, is signed as `null`, and so comes back from
		 * the store as null. */
		if (draft->source != FROM_STORE || json_kind(timestamp) != JSON_KIND_NULL) {
			return refuse(draft, "the timestamp is not a number");
		}
		draft->fields.timestamp = INFINITY;
	}
	if (!json_text(json_get(root, "hash"), &text) || !span_equal_text(text, "sha256")) {
		return refuse(draft, "the hash is not \"sha256\"");
	}
	return ERR_OK;
}

static enum err read_content(struct draft *draft, const struct json *root)
{
	const struct json *content = json_get(root, "content");
	struct span text;
	if (json_text(content, &text)) {
		draft->fields.is_encrypted = true;
		return message_is_box(text)
			       ? ERR_OK
			       : refuse(draft, "content text is not base64 ending .box or .box2");
	}
	if (json_kind(content) != JSON_KIND_OBJECT) {
		return refuse(draft, "the content is neither an object nor encrypted text");
	}
	if (!json_text(json_get(content, "type"), &draft->type)) {
		return refuse(draft, "the content has no type");
	}
	if (!message_is_type(draft->type)) {
		return refuse(draft, "the content's type is not 3 to 52 characters long");
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
	enum err err = json_parse(raw, LIMIT_JSON_DEPTH, &draft->doc);
	if (err == ERR_REFUSED) {
		draft->why = "the message is not JSON";
	} else if (err == ERR_LIMIT) {
		draft->why = "the message is nested too deeply";
	}
	return err;
}

static enum err write_pretty(struct draft *draft, const struct json *root)
{
	struct buf pretty = BUF_INIT(PRETTY_BYTES_MAX);
	enum err err = json_write_pretty(root, &pretty);
	if (err == ERR_LIMIT) {
		draft->why = "the message is longer than 8192 UTF-16 units";
	}
	if (err == ERR_OK) {
		memcpy(draft->pretty, pretty.at, pretty.len);
		draft->pretty_len = pretty.len;
	}
	buf_fini(&pretty);
	return err;
}

static enum err write_compact(struct draft *draft, const struct json *root)
{
	buf_init(&draft->text, LIMIT_MESSAGE_BYTES);
	enum err err = json_write_compact(root, &draft->text);
	if (err != ERR_OK) {
		return err;
	}
	draft->compact = buf_span(&draft->text);
	return json_slice(draft->compact, "content", &draft->content) ? ERR_OK : ERR_NOMEM;
}

enum err message_read_tree(struct draft *draft, struct span raw)
{
	draft->fields = (struct message){0};
	draft->is_ascii = false;
	draft->type = span_of(NULL, 0);
	enum err err = read_tree(draft, raw);
	if (err != ERR_OK) {
		return err;
	}
	const struct json *root = json_root(draft->doc);
	err = check_shape(draft, root);
	if (err == ERR_OK) {
		err = write_pretty(draft, root);
	}
	return err == ERR_OK ? write_compact(draft, root) : err;
}
