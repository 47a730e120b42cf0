/**
 * wire/address: multiserver addresses (protocol/05 §1), as far as this node can dial them: TCP with
 * a secret handshake. Others are recognised and skipped.
 */
#ifndef WIRE_ADDRESS_H
#define WIRE_ADDRESS_H

#include "base/limits.h"
#include "feed/id.h"

struct address {
	char host[LIMIT_HOST_BYTES + 1]; /* IPv4, IPv6 without brackets, or a name */
	uint16_t port;
	struct feed_id key;
	bool has_seed;
	uint8_t seed[32]; /* invite form: connect with this key; never store it, never print it */
};

/**
 * Take the first alternative of a `;` list that is `net:host:port~shs:key[:seed]`, or the legacy
 * form `host:port:@key.ed25519[~seed]`. Surrounding white space and a
 * `#…` behind a seed are dropped.
 * ERR_REFUSED (malformed, or nothing we can dial), ERR_LIMIT over LIMIT_ADDRESS_BYTES.
 */
MUST_USE enum err address_parse(struct span text, struct address *out);
/** Is it well-formed multiserver text, whatever the transports? (Judged as
 * multiserver-address@1.0.1 does.) */
bool address_is_wellformed(struct span text);
/** Append `net:host:port~shs:key`; IPv6 hosts as they are, without brackets; never the seed. */
MUST_USE enum err address_format(const struct address *address, struct buf *out);

/**
 * What a person may paste to follow someone: a key, an SSB URI of a feed, an address, or a key and
 * an address in one text, in any order, separated by white space or commas, possibly quoted.
 * Beside a key a bare `host:port` with a dot in it is an address too.
 * `*has_address` tells whether `*address` was filled; an address that we cannot dial still tells
 * its key. Words that are none of these are passed over. ERR_REFUSED when no key is in it, two
 * different ones, or a broken one; ERR_LIMIT over LIMIT_PASTED_BYTES.
 */
MUST_USE enum err address_parse_pasted(
	struct span text, struct feed_id *key, struct address *address, bool *has_address);

#endif
