/**
 * api/place: where the page is found, by whom, and who may speak for others: the options
 * `http-host`, `public-url` and `trusted-proxies`, read once, and the part of the gate's judgement
 * that depends on them. Pure but for reading addresses; a filled place never changes.
 *
 * Loopback needs none of the three. A place beyond loopback needs a password, and either TLS that
 * ends before the node (`public-url = https://…`) or proxies that alone may ask
 * (`trusted-proxies`); the node itself ends no TLS. Source: security.md §5.
 */
#ifndef API_PLACE_H
#define API_PLACE_H

#include "api/gate.h"
#include "base/err.h"

#include <sys/socket.h>

enum {
	PLACE_PATH_BYTES = 64,         /* of a sub-path, with a NUL */
	PLACE_ADDRESS_BYTES = 64,      /* numeric, with a NUL */
	PLACE_COOKIE_BYTES = 32,       /* a cookie's name, with a NUL */
	PLACE_LINK_BYTES = 512,        /* a link with a code, with a NUL */
	PLACE_COOKIE_ATTR_BYTES = 128, /* what follows a cookie's value, with a NUL */
};

/* An address as 16 bytes: IPv4 in its mapped form, so there is one way to compare. */
struct place_address {
	uint8_t at[16];
};

/* Addresses that share their first `bits` bits. */
struct place_net {
	struct place_address start;
	unsigned bits;
};

struct place {
	char http_host[PLACE_ADDRESS_BYTES]; /* numeric; "" both loopback addresses */
	bool is_beyond;                      /* not on loopback */
	bool is_any;                         /* every address of this machine */
	char public_host[GATE_HOST_BYTES];   /* lower case, with a port unless it is the usual
						one; "" no public-url */
	bool is_https;                       /* public-url is */
	char base[PLACE_PATH_BYTES];         /* "/kith"; "" the page is at the root */
	struct place_net trusted[LIMIT_TRUSTED_PROXIES];
	size_t trusted_count;
};

struct place_opts {
	const char *http_host;  /* an address, or "localhost"; NULL: loopback */
	const char *public_url; /* NULL: none */
	const char
		*trusted_proxies; /* addresses and ADDRESS/BITS, by blanks or commas; NULL: none */
};

/** ERR_REFUSED: `why` says which option is wrong, and how. */
MUST_USE enum err place_read(
	const struct place_opts *opts, struct place *out, char *why, size_t why_bytes);
/** May the node listen there? ERR_DENIED: `why` names the line that is missing. */
MUST_USE enum err place_may_open(
	const struct place *place, bool has_password, char *why, size_t why_bytes);

/** The hosts that may be asked for at a TCP door. */
void place_rules(const struct place *place, uint16_t port, struct gate_rules *out);

/** False: neither IPv4 nor IPv6. */
MUST_USE bool place_address_of(const struct sockaddr *from, struct place_address *out);
bool place_is_loopback(const struct place_address *address);
/** May this address say who asks? */
bool place_trusts(const struct place *place, const struct place_address *address);

/** As text; "local" for what is no network address. */
void place_name_client(const struct sockaddr *from, char out[static PLACE_ADDRESS_BYTES]);

/**
 * What gate_judge() cannot know: who is it that asks, and are they asking at a host and in a way
 * that is open to them? Fills `head->is_believed`, `head->is_secure`, `address` (of the client,
 * numeric), and `head->host` where a trusted proxy names another. NULL: it passes; otherwise a
 * static sentence: answer 400 and close.
 */
const char *place_judge(const struct place *place, const struct gate_rules *rules,
	const struct sockaddr *from, struct gate_head *head,
	char address[static PLACE_ADDRESS_BYTES]);

/** Take the sub-path off `head->path`. False: it lies outside, so there is nothing. */
MUST_USE bool place_enter(const struct place *place, struct gate_head *head);

/** The link that opens the page; `code` NULL: without one. */
void place_link(const struct place *place, uint16_t port, const char *code,
	char out[static PLACE_LINK_BYTES]);
/** Browsers keep cookies by host and not by port, so the name carries the port. */
void place_cookie_name(const struct place *place, bool is_secure, uint16_t port,
	char out[static PLACE_COOKIE_BYTES]);
/** "; HttpOnly; …": what follows a cookie's value. */
void place_cookie_attributes(const struct place *place, bool is_secure, long long max_age_s,
	char out[static PLACE_COOKIE_ATTR_BYTES]);

#endif
