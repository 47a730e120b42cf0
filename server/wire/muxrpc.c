/* The nine bytes in front of every muxrpc body (protocol/03 §1). */
#include "wire/muxrpc.h"

enum { FLAG_STREAM = 0x08, FLAG_END = 0x04, MASK_TYPE = 0x03, TYPE_INVALID = 3 };

static uint32_t read_u32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void write_u32(uint32_t value, uint8_t *at)
{
	at[0] = (uint8_t)(value >> 24);
	at[1] = (uint8_t)(value >> 16);
	at[2] = (uint8_t)(value >> 8);
	at[3] = (uint8_t)value;
}

enum err muxrpc_head_read(const uint8_t head[static MUXRPC_HEAD_BYTES], struct muxrpc_head *out)
{
	uint8_t flags = head[0];
	uint32_t request = read_u32(head + 5);
	if ((flags & ~(FLAG_STREAM | FLAG_END | MASK_TYPE)) != 0 ||
		(flags & MASK_TYPE) == TYPE_INVALID) {
		return ERR_REFUSED;
	}
	/* −2^31 has no positive counterpart, so it cannot be an answer to anything. */
	if (request == UINT32_C(0x80000000)) {
		return ERR_REFUSED;
	}
	out->is_stream = (flags & FLAG_STREAM) != 0;
	out->is_end = (flags & FLAG_END) != 0;
	out->type = (enum muxrpc_type)(flags & MASK_TYPE);
	out->length = read_u32(head + 1);
	out->request =
		request <= INT32_MAX ? (int32_t)request : -(int32_t)(UINT32_MAX - request + 1);
	/* Not every empty body is a goodbye, as JS has it: JS itself sends empty items (protocol/03
	 * §1). */
	out->is_goodbye = flags == 0 && out->length == 0 && request == 0;
	return ERR_OK;
}

void muxrpc_head_write(const struct muxrpc_head *head, uint8_t out[static MUXRPC_HEAD_BYTES])
{
	if (head->is_goodbye) {
		memset(out, 0, MUXRPC_HEAD_BYTES);
		return;
	}
	out[0] = (uint8_t)((head->is_stream ? FLAG_STREAM : 0) | (head->is_end ? FLAG_END : 0) |
			   (int)head->type);
	write_u32(head->length, out + 1);
	write_u32((uint32_t)head->request, out + 5);
}
