/**
 * net/lan: UDP beacons in the local network: ours every few seconds, one packet per interface; others' as they come (protocol/05 §2). IPv4 broadcast on port 8008, plain form; the
 * encrypted form of Manyverse (port 26830) is heard too. Nothing is believed: the handshake proves the key.
 */
#ifndef NET_LAN_H
#define NET_LAN_H

#include "net/loop.h"
#include "wire/address.h"

struct lan;

struct lan_opts {
	struct loop *loop;
	struct feed_id self;
	const uint8_t *network_key;
	uint16_t peer_port;   /* ours, put into the beacon */
	uint16_t beacon_port; /* 8008 normally; tests choose */
	void (*on_heard)(void *ctx, const struct address *address); /* at most LIMIT_BEACONS_PER_SECOND; never our own key */
	void *ctx;
};
/** ERR_IO when no socket could be had: the node goes on without. */
MUST_USE enum err lan_start(const struct lan_opts *opts, struct lan **out, char *why, size_t why_bytes);
void lan_stop(struct lan *lan);

#endif
