/**
 * wire/rpc_body: the bodies that open and end calls (protocol/03 §3–4). Used by wire/rpc only.
 */
#ifndef WIRE_RPC_BODY_H
#define WIRE_RPC_BODY_H

#include "base/limits.h"
#include "wire/rpc.h"

struct rpc_request {
	char name[LIMIT_RPC_NAME_BYTES +
		  1]; /* parts joined by dots; empty when it cannot be any method's name */
	enum rpc_kind kind;
	const struct json *args; /* borrowed from the body */
};

/** Append {"name":[…],"args":…} with the type unless async. `name` by dots. */
MUST_USE enum err rpc_body_write_request(
	const char *name, enum rpc_kind kind, struct span args, struct buf *out);
/** Read such a body. Returns NULL, or a static text to refuse the call with. A part with a dot or a
 * control character makes the name empty. */
MUST_USE const char *rpc_body_read_request(
	const struct json *body, bool is_stream, struct rpc_request *out);

/** Append {"message":…,"name":"Error","stack":""}, in the order JavaScript has. */
MUST_USE enum err rpc_body_write_error(const char *message, struct buf *out);
/**
 * What an end says: false for a normal end (JSON true or nothing), true for an error, whose message
 * goes to `text`, cut and without control characters. `json` is NULL unless the body is JSON.
 */
bool rpc_body_read_end(struct span body, const struct json *json,
	char text[static LIMIT_RPC_ERROR_TEXT_BYTES + 1]);

#endif
