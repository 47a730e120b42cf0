/*
 * Multiserver addresses (protocol/05 §1). The grammar is judged first, by a scan that knows only
 * bytes; then alternatives, protocols and fields are cut at their separators and unescaped. Hosts
 * are judged as ssb-ref does, ports from 1 to 65535. Addresses come from strangers' feeds, so what
 * does not fit is refused without a word.
 */
#include "wire/address.h"

#include <arpa/inet.h>
#include <sodium.h>
#include <stdio.h>

enum { KEY_TEXT_BYTES = 44, LABEL_BYTES_MAX = 63 };

static bool is_lower(uint8_t c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
	return is_lower(c) || (c >= 'A' && c <= 'Z');
}

static bool is_one_of(uint8_t c, const char *set)
{
	while (*set != '\0' && (uint8_t)*set != c) {
		set++;
	}
	return *set != '\0';
}

/* The grammar of multiserver-address@1.0.1: name (":" data)* ("~" …)* (";" …)*. */

static bool scan_name(struct span text, size_t *at)
{
	size_t start = *at;
	while (*at < text.len &&
		(is_lower(text.at[*at]) ||
			(*at > start && (is_digit(text.at[*at]) || text.at[*at] == '-')))) {
		(*at)++;
	}
	return *at - start >= 2;
}

static void scan_data(struct span text, size_t *at)
{
	while (*at < text.len) {
		uint8_t c = text.at[*at];
		if ((c >= 0x22 && c <= 0x39) || (c >= 0x3c && c <= 0x7d)) {
			(*at)++;
		} else if (c == '!' && *at + 1 < text.len && is_one_of(text.at[*at + 1], "!~:;")) {
			*at += 2;
		} else {
			return;
		}
	}
}

bool address_is_wellformed(struct span text)
{
	size_t at = 0;
	for (;;) {
		if (!scan_name(text, &at)) {
			return false;
		}
		while (at < text.len && text.at[at] == ':') {
			at++;
			scan_data(text, &at);
		}
		if (at == text.len) {
			return true;
		}
		if (text.at[at] != '~' && text.at[at] != ';') {
			return false;
		}
		at++;
	}
}

/* Cut the part before the first unescaped `separator` off the front of `rest`. False when nothing
 * is left. */
static bool cut(struct span *rest, char separator, struct span *part)
{
	if (rest->at == NULL) {
		return false;
	}
	size_t i = 0;
	while (i < rest->len && rest->at[i] != (uint8_t)separator) {
		i += rest->at[i] == '!' && i + 1 < rest->len ? 2 : 1;
	}
	*part = span_take(*rest, i);
	*rest = i < rest->len ? span_of(rest->at + i + 1, rest->len - i - 1) : span_of(NULL, 0);
	return true;
}

/* Unescape into `out` of `room` bytes with a NUL. False when it is too long. */
static bool unescape(struct span text, char *out, size_t room)
{
	size_t made = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == '!' && i + 1 < text.len) {
			i++;
		}
		if (made + 1 >= room) {
			return false;
		}
		out[made++] = (char)text.at[i];
	}
	out[made] = '\0';
	return true;
}

/* Hosts, as ssb-ref's isHost(): IPv4, IPv6, localhost, or a domain name. */

static bool label_is_ok(struct span label, bool is_last)
{
	if (label.len == 0 || label.len > LABEL_BYTES_MAX || label.at[0] == '-' ||
		label.at[label.len - 1] == '-') {
		return false;
	}
	for (size_t i = 0; i < label.len; i++) {
		uint8_t c = label.at[i];
		if (!is_letter(c) && !is_digit(c) && c != '-' && (c != '_' || is_last)) {
			return false;
		}
		/* Two dashes only in the prefix of an internationalised label. */
		if (c == '-' && i > 0 && label.at[i - 1] == '-' &&
			(i != 3 || (label.at[0] | 32) != 'x' || (label.at[1] | 32) != 'n')) {
			return false;
		}
	}
	return true;
}

static bool top_label_is_ok(struct span label)
{
	bool is_number = true;
	size_t start = label.len > 4 && (span_starts_with(label, "xn--") ||
						span_starts_with(label, "XN--"))
			       ? 4
			       : 0;
	for (size_t i = start; i < label.len; i++) {
		if (!is_letter(label.at[i]) && !is_digit(label.at[i])) {
			return false;
		}
		is_number = is_number && is_digit(label.at[i]);
	}
	return label.len > 0 && label.len <= LABEL_BYTES_MAX && !is_number;
}

static bool is_domain(struct span host)
{
	if (host.len > 0 && host.at[host.len - 1] == '.') {
		host.len--;
	}
	size_t labels = 0;
	size_t start = 0;
	size_t dots = 0;
	for (size_t i = 0; i < host.len; i++) {
		dots += host.at[i] == '.';
	}
	for (size_t i = 0; i <= host.len; i++) {
		if (i < host.len && host.at[i] != '.') {
			continue;
		}
		struct span label = span_of(host.at + start, i - start);
		bool is_top = labels == dots;
		if (is_top ? !top_label_is_ok(label) : !label_is_ok(label, labels + 1 == dots)) {
			return false;
		}
		labels++;
		start = i + 1;
	}
	return labels >= 2;
}

/* A hidden service is no name to ask a resolver for. */
static bool host_is_ok(const char *host)
{
	uint8_t numeric[16];
	if (inet_pton(AF_INET, host, numeric) == 1 || inet_pton(AF_INET6, host, numeric) == 1) {
		return true;
	}
	struct span name = span_text(host);
	return strcmp(host, "localhost") == 0 ||
	       (is_domain(name) && !span_ends_with(name, ".onion"));
}

static bool parse_port(const char *text, uint16_t *out)
{
	size_t len = strlen(text);
	uint32_t port = 0;
	for (size_t i = 0; i < len; i++) {
		if (!is_digit((uint8_t)text[i]) || len > 5) {
			return false;
		}
		port = port * 10 + (uint32_t)(text[i] - '0');
	}
	*out = (uint16_t)port;
	return port >= 1 && port <= UINT16_MAX;
}

/* Everything before the last `:` is the host, the rest is the port; the text is unescaped already.
 */
static bool parse_host_port(char *text, struct address *out)
{
	char *colon = strrchr(text, ':');
	if (colon == NULL || (size_t)(colon - text) > LIMIT_HOST_BYTES ||
		!parse_port(colon + 1, &out->port)) {
		return false;
	}
	*colon = '\0';
	memcpy(out->host, text, (size_t)(colon - text) + 1);
	return host_is_ok(out->host);
}

static bool parse_key(struct span text, struct feed_id *out)
{
	size_t count = 0;
	return text.len == KEY_TEXT_BYTES &&
	       base64_decode(text, out->at, sizeof(out->at), &count) == ERR_OK &&
	       count == sizeof(out->at);
}

/* JavaScript does not mind set bits behind the 32 bytes of a seed, and pubs printed such codes:
 * clear them. */
static bool parse_seed(struct span text, uint8_t out[static 32])
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char canonical[KEY_TEXT_BYTES];
	size_t count = 0;
	if (text.len != KEY_TEXT_BYTES) {
		return false;
	}
	memcpy(canonical, text.at, sizeof(canonical));
	for (size_t i = 0; i < 64; i++) {
		if (alphabet[i] == canonical[KEY_TEXT_BYTES - 2]) {
			canonical[KEY_TEXT_BYTES - 2] = alphabet[i & ~(size_t)3];
			break;
		}
	}
	bool is_ok =
		base64_decode(span_of(canonical, sizeof(canonical)), out, 32, &count) == ERR_OK &&
		count == 32;
	sodium_memzero(canonical, sizeof(canonical));
	return is_ok;
}

/* The protocol `shs:key[:seed]`. */
static bool parse_shs(struct span protocol, struct address *out)
{
	struct span name;
	struct span key;
	struct span seed;
	struct span rest = protocol;
	if (!cut(&rest, ':', &name) || !span_equal_text(name, "shs") || !cut(&rest, ':', &key) ||
		!parse_key(key, &out->key)) {
		return false;
	}
	out->has_seed = cut(&rest, ':', &seed);
	return rest.at == NULL && (!out->has_seed || parse_seed(seed, out->seed));
}

/* One alternative of a list, `net:…~shs:…` and nothing more. */
static bool parse_alternative(struct span text, struct address *out)
{
	char host_port[LIMIT_ADDRESS_BYTES + 1];
	struct span net;
	struct span shs;
	*out = (struct address){0};
	if (!cut(&text, '~', &net) || !span_starts_with(net, "net:") ||
		!unescape(span_skip(net, 4), host_port, sizeof(host_port))) {
		return false;
	}
	return cut(&text, '~', &shs) && text.at == NULL && parse_shs(shs, out) &&
	       parse_host_port(host_port, out);
}

/* `host:port:@key.ed25519`, as an invite with `~seed` behind it. */
static bool parse_legacy(struct span text, struct address *out)
{
	char host_port[LIMIT_ADDRESS_BYTES + 1];
	*out = (struct address){0};
	const uint8_t *tilde = text.len == 0 ? NULL : memchr(text.at, '~', text.len);
	if (tilde != NULL) {
		struct span seed = span_skip(text, (size_t)(tilde - text.at) + 1);
		text = span_take(text, (size_t)(tilde - text.at));
		out->has_seed = true;
		if (!parse_seed(seed, out->seed)) {
			return false;
		}
	}
	size_t id_bytes = FEED_ID_TEXT_BYTES - 1;
	if (text.len <= id_bytes + 1 || text.at[text.len - id_bytes - 1] != ':' ||
		feed_id_parse(span_of(text.at + text.len - id_bytes, id_bytes), &out->key) !=
			ERR_OK) {
		return false;
	}
	size_t len = text.len - id_bytes - 1;
	memcpy(host_port, text.at, len);
	host_port[len] = '\0';
	return memchr(host_port, '\0', len) == NULL && parse_host_port(host_port, out);
}

/* A web address some pubs put behind an invite. */
static struct span drop_redirect(struct span text)
{
	const uint8_t *hash = text.len == 0 ? NULL : memchr(text.at, '#', text.len);
	return hash == NULL ? text : span_take(text, (size_t)(hash - text.at));
}

static bool is_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct span trim(struct span text)
{
	while (text.len > 0 && is_space(text.at[0])) {
		text = span_of(text.at + 1, text.len - 1);
	}
	while (text.len > 0 && is_space(text.at[text.len - 1])) {
		text.len--;
	}
	return text;
}

enum err address_parse(struct span text, struct address *out)
{
	struct address address;
	text = trim(text);
	if (text.len > LIMIT_ADDRESS_BYTES) {
		return ERR_LIMIT;
	}
	text = drop_redirect(text);
	enum err err = ERR_REFUSED;
	if (address_is_wellformed(text)) {
		struct span alternative;
		for (struct span rest = text; err != ERR_OK && cut(&rest, ';', &alternative);) {
			err = parse_alternative(alternative, &address) ? ERR_OK : ERR_REFUSED;
		}
	}
	/* `localhost:8008:@…` is both by the grammar, so the older form is tried last and always.
	 */
	if (err != ERR_OK && parse_legacy(text, &address)) {
		err = ERR_OK;
	}
	if (err == ERR_OK) {
		*out = address;
	}
	sodium_memzero(&address, sizeof(address));
	return err;
}

enum err address_format(const struct address *address, struct buf *out)
{
	char key[KEY_TEXT_BYTES + 1];
	key[base64_encode(span_of(address->key.at, sizeof(address->key.at)), key)] = '\0';
	return buf_printf(out, "net:%s:%u~shs:%s", address->host, (unsigned)address->port, key);
}

/* The key of a well-formed address we cannot dial (ws, onion, a room's tunnel): still tells whom to
 * follow. */
static bool key_of_undialable(struct span text, struct feed_id *out)
{
	struct span alternative;
	struct span protocol;
	if (!address_is_wellformed(text)) {
		return false;
	}
	while (cut(&text, ';', &alternative)) {
		while (cut(&alternative, '~', &protocol)) {
			struct span name;
			struct span key;
			if (cut(&protocol, ':', &name) && span_equal_text(name, "shs") &&
				cut(&protocol, ':', &key)) {
				return parse_key(key, out);
			}
		}
	}
	return false;
}

static int hex_digit(uint8_t c)
{
	if (is_digit(c)) {
		return c - '0';
	}
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undo %xx into `out`; false for a broken escape or too much text. */
static bool percent_decode(
	struct span text, uint8_t out[static LIMIT_ADDRESS_BYTES], struct span *decoded)
{
	size_t made = 0;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.at[i];
		if (c == '%') {
			int high = i + 2 < text.len ? hex_digit(text.at[i + 1]) : -1;
			int low = i + 2 < text.len ? hex_digit(text.at[i + 2]) : -1;
			if (high < 0 || low < 0) {
				return false;
			}
			c = (uint8_t)(high << 4 | low);
			i += 2;
		}
		if (made == LIMIT_ADDRESS_BYTES) {
			return false;
		}
		out[made++] = c;
	}
	*decoded = span_of(out, made);
	return true;
}

/* ssb:address/multiserver?multiserverAddress=…, also with `ssb://` and with `:` for `/`. */
static bool uri_address(struct span uri, struct span *value)
{
	static const char *const starts[] = {"ssb:address/multiserver?",
		"ssb://address/multiserver?", "ssb:address:multiserver?"};
	static const char parameter[] = "multiserverAddress=";
	size_t skip = 0;
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		skip = span_starts_with(uri, starts[i]) ? strlen(starts[i]) : skip;
	}
	if (skip == 0) {
		return false;
	}
	uri = span_skip(uri, skip);
	while (uri.len > 0) {
		const uint8_t *amp = memchr(uri.at, '&', uri.len);
		struct span part = amp == NULL ? uri : span_take(uri, (size_t)(amp - uri.at));
		if (span_starts_with(part, parameter)) {
			*value = span_skip(part, strlen(parameter));
			return true;
		}
		uri = span_skip(uri, part.len + 1);
	}
	return false;
}

/* What the words of a pasted text have told so far. */
struct pasted {
	struct feed_id key;
	struct address address;
	bool has_key;
	bool has_address;
	struct span place; /* a bare `host:port`, which needs a key from elsewhere; empty: none */
};

static enum err tell_key(struct pasted *pasted, const struct feed_id *key)
{
	if (pasted->has_key && !feed_id_equal(&pasted->key, key)) {
		return ERR_REFUSED;
	}
	pasted->key = *key;
	pasted->has_key = true;
	return ERR_OK;
}

static enum err tell_address(struct pasted *pasted, struct span word)
{
	struct address address;
	struct feed_id key;
	if (address_parse(word, &address) == ERR_OK) {
		enum err err = tell_key(pasted, &address.key);
		if (err == ERR_OK && !pasted->has_address) {
			pasted->address = address;
			pasted->has_address = true;
		}
		sodium_memzero(&address, sizeof(address));
		return err;
	}
	return key_of_undialable(word, &key) ? tell_key(pasted, &key) : ERR_NOT_FOUND;
}

/* Words that were surely meant as an id or an address must be right; other words may stand around
 * them. */
static bool is_meant(struct span word)
{
	for (size_t i = 0; i + 5 <= word.len; i++) {
		if (memcmp(word.at + i, "~shs:", 5) == 0) {
			return true;
		}
	}
	return span_ends_with(word, ".ed25519") || span_starts_with(word, "ssb:");
}

/* A name or an IPv4 address and a port, as people say where a machine is. Without a dot it might as
 * well be a time of day. */
static bool is_place(struct span word)
{
	const uint8_t *colon = memchr(word.at, ':', word.len);
	if (colon == NULL || memchr(word.at, '.', (size_t)(colon - word.at)) == NULL) {
		return false;
	}
	struct span port = span_skip(word, (size_t)(colon - word.at) + 1);
	for (size_t i = 0; i < port.len; i++) {
		if (!is_digit(port.at[i])) {
			return false;
		}
	}
	return port.len > 0;
}

/* The bare place with the key that stood beside it; left alone when they make no address. */
static void join_place(struct pasted *pasted)
{
	char text[LIMIT_HOST_BYTES + KEY_TEXT_BYTES + 32];
	char key[KEY_TEXT_BYTES + 1];
	if (pasted->place.len == 0 || pasted->place.len > LIMIT_HOST_BYTES || pasted->has_address) {
		return;
	}
	key[base64_encode(span_of(pasted->key.at, sizeof(pasted->key.at)), key)] = '\0';
	int len = snprintf(text, sizeof(text), "net:%.*s~shs:%s", (int)pasted->place.len,
		(const char *)pasted->place.at, key);
	pasted->has_address = len > 0 && (size_t)len < sizeof(text) &&
			      address_parse(span_of(text, (size_t)len), &pasted->address) == ERR_OK;
}

static enum err tell_word(struct pasted *pasted, struct span word)
{
	struct feed_id key;
	struct span value;
	uint8_t decoded[LIMIT_ADDRESS_BYTES];
	if (word.len == 0) {
		return ERR_OK;
	}
	if (feed_id_parse_any(word, &key) == ERR_OK) {
		return tell_key(pasted, &key);
	}
	enum err err = ERR_NOT_FOUND;
	if (uri_address(word, &value)) {
		if (percent_decode(value, decoded, &value)) {
			err = tell_address(pasted, value);
		}
	} else {
		err = tell_address(pasted, word);
	}
	if (err == ERR_NOT_FOUND) {
		if (pasted->place.len == 0 && is_place(word)) {
			pasted->place = word;
		}
		return is_meant(word) ? ERR_REFUSED : ERR_OK;
	}
	return err;
}

static bool is_between_words(uint8_t c)
{
	return is_space(c) || is_one_of(c, ",\"'`<>()");
}

enum err address_parse_pasted(
	struct span text, struct feed_id *key, struct address *address, bool *has_address)
{
	struct pasted pasted = {0};
	enum err err = text.len > LIMIT_PASTED_BYTES ? ERR_LIMIT : ERR_OK;
	size_t start = 0;
	for (size_t i = 0; err == ERR_OK && i <= text.len; i++) {
		if (i == text.len || is_between_words(text.at[i])) {
			err = tell_word(&pasted, span_of(text.at + start, i - start));
			start = i + 1;
		}
	}
	if (err == ERR_OK && !pasted.has_key) {
		err = ERR_REFUSED;
	}
	if (err == ERR_OK) {
		join_place(&pasted);
		*key = pasted.key;
		*has_address = pasted.has_address;
		if (pasted.has_address) {
			*address = pasted.address;
		}
	}
	sodium_memzero(&pasted, sizeof(pasted));
	return err;
}
