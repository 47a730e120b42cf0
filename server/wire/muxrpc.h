/**
 * wire/muxrpc: the packet codec (protocol/03 §1): nine bytes of head, then the body.
 */
#ifndef WIRE_MUXRPC_H
#define WIRE_MUXRPC_H

#include "base/buf.h"

#define MUXRPC_HEAD_BYTES 9

enum muxrpc_type { MUXRPC_BINARY = 0, MUXRPC_STRING = 1, MUXRPC_JSON = 2 };

struct muxrpc_head {
	bool is_stream;
	bool is_end;     /* end or error */
	bool is_goodbye; /* all nine bytes zero */
	enum muxrpc_type type;
	uint32_t length; /* of the body, bytes */
	int32_t request;
};

/** ERR_REFUSED for the body type 3, for unknown flag bits and for request −2^31. */
MUST_USE enum err muxrpc_head_read(
	const uint8_t head[static MUXRPC_HEAD_BYTES], struct muxrpc_head *out);
void muxrpc_head_write(const struct muxrpc_head *head, uint8_t out[static MUXRPC_HEAD_BYTES]);

#endif
