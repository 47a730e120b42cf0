/* Every head that is read must be written again as it came; only nine zero bytes are a goodbye. */
#include "wire/muxrpc.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t zeros[MUXRPC_HEAD_BYTES];
	for (; size >= MUXRPC_HEAD_BYTES; data++, size--) {
		struct muxrpc_head head;
		uint8_t again[MUXRPC_HEAD_BYTES];
		if (muxrpc_head_read(data, &head) != ERR_OK) {
			continue;
		}
		muxrpc_head_write(&head, again);
		assert(memcmp(again, data, sizeof(again)) == 0);
		assert(head.is_goodbye == (memcmp(data, zeros, sizeof(zeros)) == 0));
	}
	return 0;
}
