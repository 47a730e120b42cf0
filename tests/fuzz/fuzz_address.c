/* Addresses and pasted text from strangers: what is taken must print as an address that is taken
 * again as the same. */
#include "wire/address.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void print_and_parse(const struct address *address)
{
	struct address again;
	struct buf text = BUF_INIT(LIMIT_ADDRESS_BYTES);
	if (address_format(address, &text) != ERR_OK ||
		address_parse(buf_span(&text), &again) != ERR_OK) {
		abort();
	}
	assert(address_is_wellformed(buf_span(&text)));
	assert(strcmp(again.host, address->host) == 0 && again.port == address->port &&
		feed_id_equal(&again.key, &address->key));
	assert(!again.has_seed);
	buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of(data, size);
	struct address address;
	struct feed_id key;
	bool has_address = false;
	(void)address_is_wellformed(text);
	if (address_parse(text, &address) == ERR_OK) {
		print_and_parse(&address);
	}
	if (address_parse_pasted(text, &key, &address, &has_address) == ERR_OK && has_address) {
		assert(feed_id_equal(&key, &address.key));
		print_and_parse(&address);
	}
	return 0;
}
