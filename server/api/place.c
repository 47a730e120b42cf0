/*
 * The place of the page. Texts of the owner's are read strictly: what is not understood is an
 * error with a sentence, never a guess, as each of them decides who comes in.
 */
#include "api/place.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { V4_BITS = 96, ADDRESS_BITS = 128 };

static const uint8_t v4_start[12] = {[10] = 0xff, [11] = 0xff};

/* Addresses. */

static void from_v4(const struct in_addr *v4, struct place_address *out)
{
	memcpy(out->at, v4_start, sizeof(v4_start));
	memcpy(out->at + sizeof(v4_start), v4, sizeof(*v4));
}

static bool is_v4(const struct place_address *address)
{
	return memcmp(address->at, v4_start, sizeof(v4_start)) == 0;
}

static bool read_address(const char *text, struct place_address *out)
{
	struct in_addr v4;
	struct in6_addr v6;
	if (inet_pton(AF_INET, text, &v4) == 1) {
		from_v4(&v4, out);
		return true;
	}
	if (inet_pton(AF_INET6, text, &v6) == 1) {
		memcpy(out->at, &v6, sizeof(out->at));
		return true;
	}
	return false;
}

bool place_address_of(const struct sockaddr *from, struct place_address *out)
{
	if (from != NULL && from->sa_family == AF_INET) {
		from_v4(&((const struct sockaddr_in *)(const void *)from)->sin_addr, out);
		return true;
	}
	if (from != NULL && from->sa_family == AF_INET6) {
		memcpy(out->at, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr,
			sizeof(out->at));
		return true;
	}
	return false;
}

bool place_is_loopback(const struct place_address *address)
{
	static const struct place_address v6 = {.at = {[15] = 1}};
	return is_v4(address) ? address->at[12] == 127
			      : memcmp(address->at, v6.at, sizeof(v6.at)) == 0;
}

static bool is_within(const struct place_net *net, const struct place_address *address)
{
	size_t whole = net->bits / 8;
	unsigned rest = net->bits % 8;
	if (memcmp(net->start.at, address->at, whole) != 0) {
		return false;
	}
	return rest == 0 || ((net->start.at[whole] ^ address->at[whole]) >> (8 - rest)) == 0;
}

bool place_trusts(const struct place *place, const struct place_address *address)
{
	for (size_t i = 0; i < place->trusted_count; i++) {
		if (is_within(&place->trusted[i], address)) {
			return true;
		}
	}
	return false;
}

static void write_address(const struct place_address *address, char out[static PLACE_ADDRESS_BYTES])
{
	bool is_short = is_v4(address);
	const void *at = is_short ? address->at + sizeof(v4_start) : address->at;
	(void)inet_ntop(is_short ? AF_INET : AF_INET6, at, out, PLACE_ADDRESS_BYTES);
}

void place_name_client(const struct sockaddr *from, char out[static PLACE_ADDRESS_BYTES])
{
	struct place_address address;
	if (place_address_of(from, &address)) {
		write_address(&address, out);
	} else {
		(void)snprintf(out, PLACE_ADDRESS_BYTES, "local");
	}
}

/* The options. */

static bool read_net(const char *text, struct place_net *out)
{
	char address[PLACE_ADDRESS_BYTES];
	const char *slash = strchr(text, '/');
	size_t len = slash == NULL ? strlen(text) : (size_t)(slash - text);
	if (len >= sizeof(address)) {
		return false;
	}
	memcpy(address, text, len);
	address[len] = '\0';
	if (!read_address(address, &out->start)) {
		return false;
	}
	bool is_short = strchr(address, ':') == NULL;
	out->bits = ADDRESS_BITS;
	if (slash != NULL) {
		size_t digits = strspn(slash + 1, "0123456789");
		if (digits == 0 || digits > 3 || slash[1 + digits] != '\0') {
			return false;
		}
		unsigned bits = (unsigned)strtoul(slash + 1, NULL, 10);
		out->bits = bits + (is_short ? V4_BITS : 0);
	}
	return out->bits <= ADDRESS_BITS;
}

static enum err read_trusted(const char *text, struct place *out, char *why, size_t why_bytes)
{
	static const char between[] = " \t,";
	while (text[strspn(text, between)] != '\0') {
		char one[PLACE_ADDRESS_BYTES];
		text += strspn(text, between);
		size_t len = strcspn(text, between);
		if (out->trusted_count == LIMIT_TRUSTED_PROXIES) {
			(void)snprintf(why, why_bytes,
				"trusted-proxies names more than %d addresses",
				LIMIT_TRUSTED_PROXIES);
			return ERR_REFUSED;
		}
		(void)snprintf(one, sizeof(one), "%.*s", (int)len, text);
		if (len >= sizeof(one) || !read_net(one, &out->trusted[out->trusted_count])) {
			(void)snprintf(why, why_bytes,
				"trusted-proxies takes addresses like 127.0.0.1 or 10.0.0.0/8, not "
				"\"%s\"",
				one);
			return ERR_REFUSED;
		}
		out->trusted_count++;
		text += len;
	}
	return ERR_OK;
}

static enum err read_host(const char *text, struct place *out, char *why, size_t why_bytes)
{
	static const struct place_address any = {.at = {0}};
	struct place_address address;
	if (strcmp(text, "localhost") == 0) {
		return ERR_OK;
	}
	if (!read_address(text, &address)) {
		(void)snprintf(why, why_bytes,
			"http-host takes an address of this machine like 127.0.0.1 or ::, not "
			"\"%.64s\"",
			text);
		return ERR_REFUSED;
	}
	(void)snprintf(out->http_host, sizeof(out->http_host), "%s", text);
	out->is_beyond = !place_is_loopback(&address);
	out->is_any = memcmp(address.at + 12, any.at, 4) == 0 &&
		      (is_v4(&address) || memcmp(address.at, any.at, sizeof(any.at)) == 0);
	return ERR_OK;
}

static bool is_name_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '.';
}

static bool is_path_char(char c)
{
	return is_name_char(c) || (c >= 'A' && c <= 'Z') || c == '_' || c == '~';
}

/* "name", "name:443", "[::1]:8989" in lower case; the scheme's usual port is left out, as browsers
 * do. */
static bool read_public_host(const char *text, size_t len, struct place *out)
{
	const char *usual = out->is_https ? ":443" : ":80";
	char host[GATE_HOST_BYTES];
	if (len == 0 || len >= sizeof(host)) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		host[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 32 : text[i]);
	}
	host[len] = '\0';
	char *port = host;
	if (host[0] == '[') {
		struct in6_addr v6;
		char *end = strchr(host, ']');
		if (end == NULL) {
			return false;
		}
		*end = '\0';
		bool is_good = inet_pton(AF_INET6, host + 1, &v6) == 1;
		*end = ']';
		port = end + 1;
		if (!is_good) {
			return false;
		}
	} else {
		while (is_name_char(*port)) {
			port++;
		}
	}
	if (port == host || (*port != '\0' && *port != ':')) {
		return false;
	}
	if (*port == ':' && (strspn(port + 1, "0123456789") != strlen(port + 1) ||
				    strlen(port + 1) == 0 || strlen(port + 1) > 5)) {
		return false;
	}
	if (strcmp(port, usual) == 0) {
		*port = '\0';
	}
	memcpy(out->public_host, host, strlen(host) + 1);
	return true;
}

/* "/kith" or "/a/b"; a slash at its end is left out. */
static bool read_base(const char *text, struct place *out)
{
	size_t len = strlen(text);
	if (len > 0 && text[len - 1] == '/') {
		len--;
	}
	if (len >= sizeof(out->base)) {
		return false;
	}
	for (size_t i = 0; i < len; i++) {
		bool is_start = text[i] == '/';
		if (!is_start && !is_path_char(text[i])) {
			return false;
		}
		if (is_start && (i + 1 == len || text[i + 1] == '/' || text[i + 1] == '.')) {
			return false;
		}
	}
	memcpy(out->base, text, len);
	out->base[len] = '\0';
	return true;
}

static enum err read_url(const char *text, struct place *out, char *why, size_t why_bytes)
{
	static const char http[] = "http://";
	static const char https[] = "https://";
	out->is_https = strncmp(text, https, sizeof(https) - 1) == 0;
	bool is_good = out->is_https || strncmp(text, http, sizeof(http) - 1) == 0;
	if (is_good) {
		const char *host = text + (out->is_https ? sizeof(https) : sizeof(http)) - 1;
		size_t len = strcspn(host, "/");
		is_good = read_public_host(host, len, out) && read_base(host + len, out);
	}
	if (!is_good) {
		(void)snprintf(why, why_bytes,
			"public-url takes an address like https://kith.example.org or "
			"https://example.org/kith, not \"%.200s\"",
			text);
		return ERR_REFUSED;
	}
	return ERR_OK;
}

static bool is_given(const char *text)
{
	return text != NULL && text[0] != '\0';
}

enum err place_read(const struct place_opts *opts, struct place *out, char *why, size_t why_bytes)
{
	enum err err = ERR_OK;
	*out = (struct place){.is_beyond = false};
	if (is_given(opts->http_host)) {
		err = read_host(opts->http_host, out, why, why_bytes);
	}
	if (err == ERR_OK && is_given(opts->public_url)) {
		err = read_url(opts->public_url, out, why, why_bytes);
	}
	if (err == ERR_OK && is_given(opts->trusted_proxies)) {
		err = read_trusted(opts->trusted_proxies, out, why, why_bytes);
	}
	return err;
}

enum err place_may_open(const struct place *place, bool has_password, char *why, size_t why_bytes)
{
	if (!place->is_beyond) {
		return ERR_OK;
	}
	if (!has_password) {
		(void)snprintf(why, why_bytes,
			"http-host = %s shows the page to other machines, which needs a password "
			"first: run `kith password set`, or take the line http-host out",
			place->http_host);
		return ERR_DENIED;
	}
	if (place->public_host[0] == '\0' && (place->is_any || place->trusted_count == 0)) {
		(void)snprintf(why, why_bytes,
			"http-host = %s shows the page to other machines, which needs TLS before "
			"it. This line is missing in kith.conf: public-url = https://NAME (under "
			"which a proxy that ends TLS shows the page)",
			place->http_host);
		return ERR_DENIED;
	}
	if (!place->is_https && place->trusted_count == 0) {
		(void)snprintf(why, why_bytes,
			"http-host = %s with a public-url without TLS shows what you read and "
			"write to everybody on the way. This line is missing in kith.conf: "
			"trusted-proxies = ADDRESS (of the proxy before the node), or "
			"public-url = https://%s%s",
			place->http_host, place->public_host, place->base);
		return ERR_DENIED;
	}
	return ERR_OK;
}

/* Who asks. */

static void add_host(struct gate_rules *rules, const char *host, uint16_t port)
{
	(void)snprintf(rules->hosts[rules->host_count++], GATE_HOST_BYTES, "%s:%u", host, port);
}

void place_rules(const struct place *place, uint16_t port, struct gate_rules *out)
{
	*out = (struct gate_rules){.host_count = 0};
	add_host(out, "localhost", port);
	add_host(out, "127.0.0.1", port);
	add_host(out, "[::1]", port);
	if (place->public_host[0] != '\0') {
		(void)snprintf(
			out->hosts[out->host_count++], GATE_HOST_BYTES, "%s", place->public_host);
	} else if (place->is_beyond && !place->is_any) {
		char host[PLACE_ADDRESS_BYTES + 2];
		bool is_long = strchr(place->http_host, ':') != NULL;
		(void)snprintf(host, sizeof(host), is_long ? "[%s]" : "%s", place->http_host);
		add_host(out, host, port);
	}
}

/* The last address of a X-Forwarded-For that is not a proxy of ours: what stands before it may be
 * anybody's invention. */
static void follow_forwarded(
	const struct place *place, struct span list, struct place_address *client)
{
	bool is_ours = true;
	while (is_ours && list.len > 0) {
		char text[PLACE_ADDRESS_BYTES];
		const uint8_t *comma = memrchr(list.at, ',', list.len);
		size_t start = comma == NULL ? 0 : (size_t)(comma - list.at) + 1;
		struct span item = gate_trim(span_skip(list, start));
		struct place_address address;
		if (item.len >= sizeof(text)) {
			return;
		}
		(void)snprintf(text, sizeof(text), "%.*s", (int)item.len, (const char *)item.at);
		if (!read_address(text, &address)) {
			return; /* whoever wrote this is no proxy we know to read */
		}
		*client = address;
		is_ours = place_trusts(place, &address);
		list = span_take(list, start == 0 ? 0 : start - 1);
	}
}

static const char *follow_proxy(const struct place *place, const struct gate_rules *rules,
	struct gate_head *head, struct place_address *client)
{
	if (head->forwarded_host.len > 0) {
		if (!gate_host_fits(rules, head->forwarded_host)) {
			return "This node does not answer to that X-Forwarded-Host.";
		}
		head->host = head->forwarded_host;
	}
	if (head->forwarded_proto.len > 0 && gate_is_host(head->host, place->public_host) &&
		!span_equal_text(head->forwarded_proto, place->is_https ? "https" : "http")) {
		return "X-Forwarded-Proto is not that of public-url.";
	}
	follow_forwarded(place, head->forwarded_for, client);
	return NULL;
}

/* The address it listens at, where there is no other name. */
static bool is_own_host(const struct place *place, const struct gate_rules *rules, struct span host)
{
	return place->is_beyond && !place->is_any && place->public_host[0] == '\0' &&
	       gate_is_host(host, rules->hosts[rules->host_count - 1]);
}

const char *place_judge(const struct place *place, const struct gate_rules *rules,
	const struct sockaddr *from, struct gate_head *head,
	char address[static PLACE_ADDRESS_BYTES])
{
	struct place_address next; /* whom the connection is from */
	const char *wrong = NULL;
	if (!place_address_of(from, &next)) {
		return "It cannot be told who asks.";
	}
	struct place_address client = next;
	if (place_trusts(place, &next)) {
		head->is_believed = true;
		wrong = follow_proxy(place, rules, head, &client);
	} else if (place->trusted_count > 0 && !place_is_loopback(&next)) {
		wrong = "Only the node's proxy may ask from there.";
	}
	write_address(&client, address);
	bool is_public = gate_is_host(head->host, place->public_host);
	head->is_secure = is_public && place->is_https;
	/* Names of this machine are for who is on it. */
	bool is_near = place_is_loopback(&next) && place_is_loopback(&client);
	if (wrong == NULL && !is_public && !is_near && !is_own_host(place, rules, head->host)) {
		wrong = "This node does not answer to that Host from there.";
	}
	return wrong;
}

bool place_enter(const struct place *place, struct gate_head *head)
{
	size_t len = strlen(place->base);
	if (len == 0) {
		return true;
	}
	if (!span_starts_with(head->path, place->base)) {
		return false;
	}
	struct span rest = span_skip(head->path, len);
	if (rest.len == 0) {
		head->path = span_text("/");
		return true;
	}
	/* "//" at the start of a target is refused by the gate; so it is here. */
	if (rest.at[0] != '/' || (rest.len > 1 && rest.at[1] == '/')) {
		return false;
	}
	head->path = rest;
	return true;
}

/* What browsers are told. */

void place_link(const struct place *place, uint16_t port, const char *code,
	char out[static PLACE_LINK_BYTES])
{
	const char *mark = code == NULL ? "" : "#";
	const char *text = code == NULL ? "" : code;
	if (place->public_host[0] != '\0') {
		(void)snprintf(out, PLACE_LINK_BYTES, "%s://%s%s/%s%s",
			place->is_https ? "https" : "http", place->public_host, place->base, mark,
			text);
	} else if (place->is_beyond && !place->is_any) {
		bool is_long = strchr(place->http_host, ':') != NULL;
		(void)snprintf(out, PLACE_LINK_BYTES,
			is_long ? "http://[%s]:%u/%s%s" : "http://%s:%u/%s%s", place->http_host,
			port, mark, text);
	} else {
		(void)snprintf(out, PLACE_LINK_BYTES, "http://localhost:%u/%s%s", port, mark, text);
	}
}

void place_cookie_name(const struct place *place, bool is_secure, uint16_t port,
	char out[static PLACE_COOKIE_BYTES])
{
	/* __Host- wants the path "/"; below a sub-path the neighbours would see the cookie then. */
	const char *prefix = !is_secure ? "" : place->base[0] == '\0' ? "__Host-" : "__Secure-";
	(void)snprintf(out, PLACE_COOKIE_BYTES, "%skith-%u", prefix, port);
}

void place_cookie_attributes(const struct place *place, bool is_secure, long long max_age_s,
	char out[static PLACE_COOKIE_ATTR_BYTES])
{
	(void)snprintf(out, PLACE_COOKIE_ATTR_BYTES,
		"; HttpOnly; SameSite=Strict; Path=%s; Max-Age=%lld%s",
		place->base[0] == '\0' ? "/" : place->base, max_age_s, is_secure ? "; Secure" : "");
}
