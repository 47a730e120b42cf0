/**
 * net/sock: socket addresses: text, kinds, and the prefix that counts as one place.
 */
#ifndef NET_SOCK_H
#define NET_SOCK_H

#include "base/err.h"
#include "base/span.h"

#include <sys/socket.h>

#define SOCK_TEXT_BYTES 64 /* with the NUL */

/** Numeric `text` (IPv4, or IPv6 without brackets, `%zone` allowed) and `port` as an address.
 * ERR_REFUSED for anything else. */
MUST_USE enum err sock_parse(const char *text, uint16_t port, struct sockaddr_storage *out);
/** "192.0.2.1:8008" or "[2001:db8::1]:8008"; an IPv4 address mapped into IPv6 is shown as IPv4. */
void sock_format(const struct sockaddr *addr, char text[static SOCK_TEXT_BYTES]);

bool sock_is_loopback(const struct sockaddr *addr);
/**
 * Could this be a host out in the Internet? Not so: loopback, private, link-local, carrier-grade
 * NAT, multicast, broadcast, reserved and unspecified addresses, nor IPv6 forms that hold such an
 * IPv4 address (mapped, compatible, 6to4, NAT64).
 */
bool sock_is_public(const struct sockaddr *addr);
/** What counts as one place: an IPv4 address, or the /64 of an IPv6 address, in 32 bytes fit for
 * base/table. */
void sock_place(const struct sockaddr *addr, uint8_t place[static 32]);
bool sock_same_host(const struct sockaddr *a, const struct sockaddr *b);

#endif
