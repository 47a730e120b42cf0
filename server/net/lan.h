/**
 * net/lan: UDP beacons in the local network: ours every LIMIT_BEACON_MS, one packet per interface;
 * others' as they come (protocol/05 §2). IPv4 broadcast on port 8008, plain form; the encrypted
 * form of Manyverse (port 26830) is heard too. Nothing is believed: the handshake proves the key.
 */
#ifndef NET_LAN_H
#define NET_LAN_H

#include "net/loop.h"
#include "wire/address.h"

#define LAN_PORT 8008
#define LAN_SEALED_PORT 26830

struct lan;

struct lan_opts {
	struct loop *loop;
	struct feed_id self;
	const uint8_t *network_key; /* 32 bytes, copied */
	uint16_t peer_port;         /* ours, put into the beacon; 0: only listen */
	uint16_t beacon_port;       /* LAN_PORT normally; tests choose */
	/* Where the encrypted form is heard; 0: LAN_SEALED_PORT when beacon_port is LAN_PORT, else
	 * nowhere. When it cannot be had, the plain form is heard all the same. */
	uint16_t sealed_port;
	bool is_on_loopback; /* send to the loopback network too: several nodes on one machine */
	/* At most LIMIT_BEACONS_PER_SECOND; never our own key. The host is numeric, and in a local
	 * network or the sender's own address. */
	void (*on_heard)(void *ctx, const struct address *address);
	/* A beacon with our own key that is not one of ours: it names another address than our port
	 * at an interface of this machine. Only a claim. Same rate; may be NULL. */
	void (*on_own_key)(void *ctx, const struct address *address);
	void *ctx;
};
/** ERR_IO when no socket could be had: the node goes on without. */
MUST_USE enum err lan_start(
	const struct lan_opts *opts, struct lan **out, char *why, size_t why_bytes);
void lan_stop(struct lan *lan);

struct lan_figures {
	uint64_t sent, heard; /* beacons; `heard` were told to on_heard */
	uint64_t refused;     /* not a beacon, too large, or over the rate */
};
void lan_figures(const struct lan *lan, struct lan_figures *out);

/**
 * Read one datagram, plain or encrypted with the network key (the signature behind the latter is
 * not looked at, as it proves nothing the handshake does not). The host must be a numeric address.
 * ERR_REFUSED, ERR_LIMIT over LIMIT_BEACON_BYTES.
 */
MUST_USE enum err lan_parse(
	struct span datagram, const uint8_t network_key[static 32], struct address *out);

#endif
