/* Socket addresses. Every judgement first reduces IPv6 forms that hold an IPv4 address to that
 * address. */
#include "net/sock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <uv.h>

struct v4_net {
	uint32_t net;
	int bits;
};

enum err sock_parse(const char *text, uint16_t port, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof(*out));
	if (uv_ip4_addr(text, port, (struct sockaddr_in *)out) == 0 ||
		uv_ip6_addr(text, port, (struct sockaddr_in6 *)out) == 0) {
		return ERR_OK;
	}
	return ERR_REFUSED;
}

static bool has_prefix(const uint8_t *at, const char *prefix, size_t count)
{
	return memcmp(at, prefix, count) == 0;
}

static bool is_mapped(const uint8_t *six)
{
	return has_prefix(six, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
}

/* The IPv4 address, also when mapped; host order. */
static bool as_v4(const struct sockaddr *addr, uint32_t *out)
{
	uint32_t raw;
	if (addr->sa_family == AF_INET) {
		raw = ((const struct sockaddr_in *)addr)->sin_addr.s_addr;
	} else {
		const uint8_t *six = ((const struct sockaddr_in6 *)addr)->sin6_addr.s6_addr;
		if (addr->sa_family != AF_INET6 || !is_mapped(six)) {
			return false;
		}
		memcpy(&raw, six + 12, sizeof(raw));
	}
	*out = ntohl(raw);
	return true;
}

static uint16_t port_of(const struct sockaddr *addr)
{
	return ntohs(addr->sa_family == AF_INET ? ((const struct sockaddr_in *)addr)->sin_port
						: ((const struct sockaddr_in6 *)addr)->sin6_port);
}

void sock_format(const struct sockaddr *addr, char text[static SOCK_TEXT_BYTES])
{
	char host[INET6_ADDRSTRLEN] = "";
	uint32_t four;
	if (as_v4(addr, &four)) {
		struct in_addr raw = {.s_addr = htonl(four)};
		(void)inet_ntop(AF_INET, &raw, host, sizeof(host));
		(void)snprintf(text, SOCK_TEXT_BYTES, "%s:%u", host, port_of(addr));
	} else if (addr->sa_family == AF_INET6) {
		(void)inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)addr)->sin6_addr, host,
			sizeof(host));
		(void)snprintf(text, SOCK_TEXT_BYTES, "[%s]:%u", host, port_of(addr));
	} else {
		(void)snprintf(text, SOCK_TEXT_BYTES, "unknown");
	}
}

bool sock_is_loopback(const struct sockaddr *addr)
{
	uint32_t four;
	if (as_v4(addr, &four)) {
		return four >> 24 == 127;
	}
	return addr->sa_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)addr)->sin6_addr);
}

/* The IANA registry of special-purpose addresses, as far as one could be reached by connecting. */
static bool is_public_v4(uint32_t four)
{
	static const struct v4_net special[] = {
		{0x00000000, 8},  /* this network */
		{0x0a000000, 8},  /* private */
		{0x64400000, 10}, /* carrier-grade NAT */
		{0x7f000000, 8},  /* loopback */
		{0xa9fe0000, 16}, /* link-local */
		{0xac100000, 12}, /* private */
		{0xc0000000, 24}, /* protocol assignments */
		{0xc0a80000, 16}, /* private */
		{0xc6120000, 15}, /* benchmarking */
		{0xe0000000, 3},  /* multicast, reserved, broadcast */
	};
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
		if ((four ^ special[i].net) >> (32 - special[i].bits) == 0) {
			return false;
		}
	}
	return true;
}

static uint32_t v4_at(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static bool is_public_v6(const uint8_t *six)
{
	if (is_mapped(six) || has_prefix(six, "\0\0\0\0\0\0\0\0\0\0\0\0", 12)) {
		return is_public_v4(v4_at(six + 12)); /* ::1 and :: fall under 0/8 */
	}
	if (has_prefix(six, "\0\x64\xff\x9b", 4)) {
		return has_prefix(six + 4, "\0\0\0\0\0\0\0\0", 8) && is_public_v4(v4_at(six + 12));
	}
	if (has_prefix(six, "\x20\x02", 2)) {
		return is_public_v4(v4_at(six + 2));
	}
	return six[0] >> 5 == 1; /* 2000::/3 is all that is given out for the Internet */
}

bool sock_is_public(const struct sockaddr *addr)
{
	uint32_t four;
	if (as_v4(addr, &four)) {
		return is_public_v4(four);
	}
	return addr->sa_family == AF_INET6 &&
	       is_public_v6(((const struct sockaddr_in6 *)addr)->sin6_addr.s6_addr);
}

void sock_place(const struct sockaddr *addr, uint8_t place[static 32])
{
	uint32_t four;
	memset(place, 0, 32);
	if (as_v4(addr, &four)) {
		place[0] = 4;
		memcpy(place + 1, &four, sizeof(four));
	} else if (addr->sa_family == AF_INET6) {
		place[0] = 6;
		memcpy(place + 1, ((const struct sockaddr_in6 *)addr)->sin6_addr.s6_addr, 8);
	}
}

bool sock_same_host(const struct sockaddr *a, const struct sockaddr *b)
{
	uint32_t one = 0;
	uint32_t two = 0;
	bool one_is_v4 = as_v4(a, &one);
	bool two_is_v4 = as_v4(b, &two);
	if (one_is_v4 || two_is_v4) {
		return one_is_v4 && two_is_v4 && one == two;
	}
	return a->sa_family == AF_INET6 && b->sa_family == AF_INET6 &&
	       memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr,
		       &((const struct sockaddr_in6 *)b)->sin6_addr, 16) == 0;
}
