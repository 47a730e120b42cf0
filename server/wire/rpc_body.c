/* Bodies of requests and ends. Everything read here was written by a stranger. */
#include "wire/rpc_body.h"

#include <assert.h>

static const char *const kind_names[] = {
	[RPC_ASYNC] = "async",
	[RPC_SOURCE] = "source",
	[RPC_SINK] = "sink",
	[RPC_DUPLEX] = "duplex",
};

const char *rpc_kind_name(enum rpc_kind kind)
{
	return kind_names[kind];
}

enum err rpc_body_write_request(
	const char *name, enum rpc_kind kind, struct span args, struct buf *out)
{
	enum err err = buf_append_text(out, "{\"name\":[");
	for (const char *part = name; err == ERR_OK && part != NULL;) {
		const char *dot = strchr(part, '.');
		err = json_write_string(
			dot == NULL ? span_text(part) : span_of(part, (size_t)(dot - part)), out);
		part = dot == NULL ? NULL : dot + 1;
		if (err == ERR_OK && part != NULL) {
			err = buf_append_byte(out, ',');
		}
	}
	if (err == ERR_OK) {
		err = buf_append_text(out, "],\"args\":");
	}
	if (err == ERR_OK) {
		err = buf_append(out, args);
	}
	if (err == ERR_OK && kind != RPC_ASYNC) {
		err = buf_printf(out, ",\"type\":\"%s\"", kind_names[kind]);
	}
	return err == ERR_OK ? buf_append_byte(out, '}') : err;
}

/* Append one part of a name. False when no method can be called so. */
static bool add_part(struct span part, char name[static LIMIT_RPC_NAME_BYTES + 1], size_t *len)
{
	if (part.len == 0 || *len + (*len > 0) + part.len > LIMIT_RPC_NAME_BYTES) {
		return false;
	}
	for (size_t i = 0; i < part.len; i++) {
		if (part.at[i] <= ' ' || part.at[i] >= 0x7f || part.at[i] == '.') {
			return false;
		}
	}
	if (*len > 0) {
		name[(*len)++] = '.';
	}
	memcpy(name + *len, part.at, part.len);
	*len += part.len;
	name[*len] = '\0';
	return true;
}

static const char *read_name(const struct json *value, char name[static LIMIT_RPC_NAME_BYTES + 1])
{
	struct span part;
	size_t len = 0;
	bool is_name = true;
	name[0] = '\0';
	if (json_text(value, &part)) {
		is_name = add_part(part, name, &len);
	} else if (value != NULL && json_kind(value) == JSON_KIND_ARRAY && json_count(value) > 0) {
		for (size_t i = 0; i < json_count(value); i++) {
			if (!json_text(json_at(value, i), &part)) {
				return "invalid call: name is neither a string nor an array of "
				       "strings";
			}
			is_name = is_name && add_part(part, name, &len);
		}
	} else {
		return "invalid call: name is neither a string nor an array of strings";
	}
	if (!is_name) {
		name[0] = '\0';
	}
	return NULL;
}

const char *rpc_body_read_request(const struct json *body, bool is_stream, struct rpc_request *out)
{
	*out = (struct rpc_request){.kind = RPC_ASYNC};
	if (body == NULL || json_kind(body) != JSON_KIND_OBJECT) {
		return "invalid call: not an object";
	}
	if (is_stream) {
		struct span type;
		bool is_known = false;
		for (int kind = RPC_SOURCE;
			kind <= RPC_DUPLEX && json_text(json_get(body, "type"), &type); kind++) {
			if (span_equal_text(type, kind_names[kind])) {
				out->kind = (enum rpc_kind)kind;
				is_known = true;
			}
		}
		if (!is_known) {
			return "unsupported stream type";
		}
	}
	out->args = json_get(body, "args");
	if (out->args == NULL || json_kind(out->args) != JSON_KIND_ARRAY) {
		return "invalid call: args is not an array";
	}
	return read_name(json_get(body, "name"), out->name);
}

enum err rpc_body_write_error(const char *message, struct buf *out)
{
	enum err err = buf_append_text(out, "{\"message\":");
	if (err == ERR_OK) {
		err = json_write_string(span_text(message), out);
	}
	return err == ERR_OK ? buf_append_text(out, ",\"name\":\"Error\",\"stack\":\"\"}") : err;
}

bool rpc_body_read_end(
	struct span body, const struct json *json, char text[static LIMIT_RPC_ERROR_TEXT_BYTES + 1])
{
	struct span message = json == NULL ? body : span_of(NULL, 0);
	text[0] = '\0';
	if (body.len == 0 || json_says_true(json)) {
		return false;
	}
	if (json != NULL && !json_text(json, &message)) {
		(void)json_text(json_get(json, "message"), &message);
	}
	size_t len = message.len;
	if (len > LIMIT_RPC_ERROR_TEXT_BYTES) {
		len = LIMIT_RPC_ERROR_TEXT_BYTES;
		/* Do not cut a character in two. */
		while (len > 0 && (message.at[len] & 0xc0) == 0x80) {
			len--;
		}
	}
	for (size_t i = 0; i < len; i++) {
		text[i] = message.at[i] < ' ' ? ' ' : (char)message.at[i];
	}
	text[len] = '\0';
	return true;
}
