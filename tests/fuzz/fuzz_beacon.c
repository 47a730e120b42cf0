/* net/lan: any datagram is read or refused; what is read can be written and read again. */
#include "net/lan.h"

#include <assert.h>
#include <sodium.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t network_key[32] = {1, 2, 3};
	struct address one;
	struct address two;
	if (sodium_init() < 0 || lan_parse(span_of(data, size), network_key, &one) != ERR_OK) {
		return 0;
	}
	struct buf text = BUF_INIT(LIMIT_ADDRESS_BYTES);
	assert(address_format(&one, &text) == ERR_OK);
	assert(lan_parse(buf_span(&text), network_key, &two) == ERR_OK);
	assert(strcmp(one.host, two.host) == 0 && one.port == two.port);
	assert(feed_id_equal(&one.key, &two.key));
	buf_fini(&text);
	return 0;
}
