/*
 * The gate. One pass over the headers files each known one into a slot that may be filled once;
 * then every rule looks at the slots. What is not known is only judged by its shape. A rule that is
 * not sure says no: no browser, no curl and no proxy sends what is refused here.
 */
#include "api/gate.h"

#include "base/encode.h"

#include <string.h>

enum slot {
	SLOT_HOST,
	SLOT_LENGTH,
	SLOT_TRANSFER,
	SLOT_UPGRADE,
	SLOT_CONNECTION,
	SLOT_ORIGIN,
	SLOT_COOKIE,
	SLOT_TOKEN,
	SLOT_TYPE,
	SLOT_CODING,
	SLOT_WS_KEY,
	SLOT_WS_VERSION,
	SLOT_ACCEPT_CODING,
	SLOT_EXPECT,
	SLOT_RANGE,
	SLOT_IF_RANGE,
	SLOT_IF_NONE_MATCH,
	SLOT_FETCH_SITE,
	SLOT_FORWARDED_FOR,
	SLOT_FORWARDED_HOST,
	SLOT_FORWARDED_PROTO,
	SLOT_FORWARDED,
	SLOT_REAL_IP,
	SLOT_VIA,
	SLOT_AUTHORIZATION,
	SLOT_COUNT
};

static const char *const slot_names[SLOT_COUNT] = {
	[SLOT_HOST] = "host",
	[SLOT_LENGTH] = "content-length",
	[SLOT_TRANSFER] = "transfer-encoding",
	[SLOT_UPGRADE] = "upgrade",
	[SLOT_CONNECTION] = "connection",
	[SLOT_ORIGIN] = "origin",
	[SLOT_COOKIE] = "cookie",
	[SLOT_TOKEN] = "x-kith-token",
	[SLOT_TYPE] = "content-type",
	[SLOT_CODING] = "content-encoding",
	[SLOT_WS_KEY] = "sec-websocket-key",
	[SLOT_WS_VERSION] = "sec-websocket-version",
	[SLOT_ACCEPT_CODING] = "accept-encoding",
	[SLOT_EXPECT] = "expect",
	[SLOT_RANGE] = "range",
	[SLOT_IF_RANGE] = "if-range",
	[SLOT_IF_NONE_MATCH] = "if-none-match",
	[SLOT_FETCH_SITE] = "sec-fetch-site",
	[SLOT_FORWARDED_FOR] = "x-forwarded-for",
	[SLOT_FORWARDED_HOST] = "x-forwarded-host",
	[SLOT_FORWARDED_PROTO] = "x-forwarded-proto",
	[SLOT_FORWARDED] = "forwarded",
	[SLOT_REAL_IP] = "x-real-ip",
	[SLOT_VIA] = "via",
	[SLOT_AUTHORIZATION] = "authorization",
};

struct slots {
	struct span value[SLOT_COUNT];
	unsigned count[SLOT_COUNT];
};

static uint8_t lower(uint8_t byte)
{
	return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + 32) : byte;
}

static bool equal_caseless(struct span a, const char *text)
{
	if (a.len != strlen(text)) {
		return false;
	}
	for (size_t i = 0; i < a.len; i++) {
		if (lower(a.at[i]) != lower((uint8_t)text[i])) {
			return false;
		}
	}
	return true;
}

static bool is_token_char(uint8_t byte)
{
	return (byte >= '0' && byte <= '9') || (lower(byte) >= 'a' && lower(byte) <= 'z') ||
	       (byte != 0 && strchr("!#$%&'*+-.^_`|~", byte) != NULL);
}

struct span gate_trim(struct span text)
{
	while (text.len > 0 && (text.at[0] == ' ' || text.at[0] == '\t')) {
		text = span_skip(text, 1);
	}
	while (text.len > 0 && (text.at[text.len - 1] == ' ' || text.at[text.len - 1] == '\t')) {
		text.len--;
	}
	return text;
}

static bool header_is_shapely(const struct gate_header *header)
{
	if (header->name.len == 0) {
		return false;
	}
	for (size_t i = 0; i < header->name.len; i++) {
		/* A blank before the colon arrives as a blank at the name's end. */
		if (!is_token_char(header->name.at[i])) {
			return false;
		}
	}
	for (size_t i = 0; i < header->value.len; i++) {
		uint8_t byte = header->value.at[i];
		if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
			return false;
		}
	}
	return true;
}

/* Does a comma-separated list hold `word`? */
static bool list_has(struct span list, const char *word)
{
	while (list.len > 0) {
		const uint8_t *comma = memchr(list.at, ',', list.len);
		size_t len = comma == NULL ? list.len : (size_t)(comma - list.at);
		struct span item = gate_trim(span_take(list, len));
		const uint8_t *semicolon = item.len == 0 ? NULL : memchr(item.at, ';', item.len);
		if (semicolon != NULL) {
			item = gate_trim(span_take(item, (size_t)(semicolon - item.at)));
		}
		if (equal_caseless(item, word)) {
			return true;
		}
		list = span_skip(list, len + 1);
	}
	return false;
}

static const char *sort_headers(const struct gate_request *request, struct slots *slots)
{
	if (request->header_count > LIMIT_HTTP_HEADERS) {
		return "There are too many headers.";
	}
	size_t bytes = request->method.len + request->target.len + request->version.len + 4;
	for (size_t i = 0; i < request->header_count; i++) {
		const struct gate_header *header = &request->headers[i];
		bytes += header->name.len + header->value.len + 4;
		if (bytes > LIMIT_HTTP_HEAD_BYTES) {
			return "The head is too large.";
		}
		if (!header_is_shapely(header)) {
			return "A header is malformed.";
		}
		for (size_t slot = 0; slot < SLOT_COUNT; slot++) {
			if (equal_caseless(header->name, slot_names[slot])) {
				slots->value[slot] = gate_trim(header->value);
				slots->count[slot]++;
			}
		}
	}
	for (size_t slot = 0; slot < SLOT_COUNT; slot++) {
		/* Lists may be spread over several lines; nothing we judge is one, but these,
		 * which we only look into, or at. */
		if (slots->count[slot] > 1 && slot != SLOT_ACCEPT_CODING && slot != SLOT_VIA &&
			slot != SLOT_FORWARDED) {
			return "A header is there twice.";
		}
	}
	return NULL;
}

static bool is_hex(uint8_t byte)
{
	return (byte >= '0' && byte <= '9') || (lower(byte) >= 'a' && lower(byte) <= 'f');
}

static uint8_t hex_value(uint8_t byte)
{
	return byte <= '9' ? (uint8_t)(byte - '0') : (uint8_t)(lower(byte) - 'a' + 10);
}

/* One unit of a target at `*i`: a character or a %XX; false when it may not be there. */
static bool next_unit(struct span target, size_t *i, uint8_t *unit)
{
	uint8_t byte = target.at[*i];
	if (byte <= 0x20 || byte >= 0x7f || byte == '\\' || byte == '#' || byte == '"' ||
		byte == '<' || byte == '>') {
		return false;
	}
	if (byte != '%') {
		*unit = byte;
		(*i)++;
		return true;
	}
	if (*i + 2 >= target.len || !is_hex(target.at[*i + 1]) || !is_hex(target.at[*i + 2])) {
		return false;
	}
	*unit = (uint8_t)(hex_value(target.at[*i + 1]) << 4 | hex_value(target.at[*i + 2]));
	*i += 3;
	return *unit != 0 && *unit != '/' && *unit != '\\';
}

const char *gate_judge_target(struct span target, struct gate_head *out)
{
	if (target.len == 0 || target.at[0] != '/' || (target.len > 1 && target.at[1] == '/')) {
		return "The target must start with one slash.";
	}
	if (target.len > LIMIT_HTTP_TARGET_BYTES) {
		return "The target is too long.";
	}
	const uint8_t *mark = memchr(target.at, '?', target.len);
	size_t path_len = mark == NULL ? target.len : (size_t)(mark - target.at);
	size_t segment_len = 0;
	bool is_dots = true;
	for (size_t i = 0; i < target.len;) {
		size_t start = i;
		uint8_t unit = 0;
		if (!next_unit(target, &i, &unit)) {
			return "The target has a character that may not be there.";
		}
		if (start < path_len && target.at[start] != '/') {
			segment_len++;
			is_dots = is_dots && unit == '.';
		}
		if (start < path_len && (target.at[start] == '/' || i >= path_len)) {
			if (segment_len > 0 && segment_len <= 2 && is_dots) {
				return "The target has a dot segment.";
			}
		}
		if (start < path_len && target.at[start] == '/') {
			segment_len = 0;
			is_dots = true;
		}
	}
	out->path = span_take(target, path_len);
	out->query = span_skip(target, path_len + 1);
	return NULL;
}

static bool read_length(struct span text, uint64_t *out)
{
	if (text.len == 0 || text.len > 15) {
		return false;
	}
	*out = 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] < '0' || text.at[i] > '9') {
			return false;
		}
		*out = *out * 10 + (uint64_t)(text.at[i] - '0');
	}
	return true;
}

bool gate_is_host(struct span given, const char *host)
{
	return host[0] != '\0' && equal_caseless(given, host);
}

bool gate_host_fits(const struct gate_rules *rules, struct span host)
{
	for (size_t i = 0; i < rules->host_count; i++) {
		if (gate_is_host(host, rules->hosts[i])) {
			return true;
		}
	}
	return false;
}

static const char *judge_host(
	const struct gate_rules *rules, const struct slots *slots, struct gate_head *out)
{
	if (slots->count[SLOT_HOST] != 1) {
		return "There must be one Host.";
	}
	out->host = slots->value[SLOT_HOST];
	return gate_host_fits(rules, out->host) ? NULL : "This node does not answer to that Host.";
}

static const char *judge_body(const struct slots *slots, struct gate_head *out)
{
	if (slots->count[SLOT_TRANSFER] != 0) {
		return "Transfer-Encoding is not taken.";
	}
	if (slots->count[SLOT_CODING] != 0 &&
		!equal_caseless(slots->value[SLOT_CODING], "identity")) {
		return "Content-Encoding is not taken.";
	}
	if (slots->count[SLOT_EXPECT] != 0 &&
		!equal_caseless(slots->value[SLOT_EXPECT], "100-continue")) {
		return "That Expect is not known.";
	}
	out->has_length = slots->count[SLOT_LENGTH] != 0;
	if (out->has_length && !read_length(slots->value[SLOT_LENGTH], &out->length)) {
		return "Content-Length is malformed.";
	}
	if (out->length > 0 && (out->method == GATE_GET || out->method == GATE_HEAD)) {
		return "A GET has no body.";
	}
	return NULL;
}

static const char *judge_upgrade(const struct slots *slots, struct gate_head *out)
{
	bool says_upgrade = list_has(slots->value[SLOT_CONNECTION], "upgrade");
	if (slots->count[SLOT_UPGRADE] == 0) {
		return says_upgrade ? "Connection says upgrade, but to what?" : NULL;
	}
	uint8_t key[16];
	size_t key_len = 0;
	struct span key_text = slots->value[SLOT_WS_KEY];
	if (!equal_caseless(slots->value[SLOT_UPGRADE], "websocket") || !says_upgrade ||
		out->method != GATE_GET) {
		return "Only an upgrade to websocket is known.";
	}
	if (!span_equal_text(slots->value[SLOT_WS_VERSION], "13") || key_text.len != 24 ||
		base64_decode(key_text, key, sizeof(key), &key_len) != ERR_OK ||
		key_len != sizeof(key)) {
		return "The WebSocket key or version is wrong.";
	}
	out->is_upgrade = true;
	out->websocket_key = key_text;
	return NULL;
}

static enum gate_method read_method(struct span method)
{
	static const char *const names[] = {"GET", "HEAD", "POST", "DELETE", "PUT"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (span_equal_text(method, names[i])) {
			return (enum gate_method)i;
		}
	}
	return GATE_OTHER;
}

static bool method_is_shapely(struct span method)
{
	for (size_t i = 0; i < method.len; i++) {
		if (method.at[i] < 'A' || method.at[i] > 'Z') {
			return false;
		}
	}
	return method.len > 0 && method.len <= 16 && !span_equal_text(method, "CONNECT") &&
	       !span_equal_text(method, "TRACE");
}

static void fill_values(const struct slots *slots, struct gate_head *out)
{
	out->origin = slots->value[SLOT_ORIGIN];
	out->cookie = slots->value[SLOT_COOKIE];
	out->token = slots->value[SLOT_TOKEN];
	out->content_type = slots->value[SLOT_TYPE];
	out->range = slots->value[SLOT_RANGE];
	out->if_range = slots->value[SLOT_IF_RANGE];
	out->if_none_match = slots->value[SLOT_IF_NONE_MATCH];
	out->forwarded_for = slots->value[SLOT_FORWARDED_FOR];
	out->forwarded_host = slots->value[SLOT_FORWARDED_HOST];
	out->forwarded_proto = slots->value[SLOT_FORWARDED_PROTO];
	out->bearer = slots->value[SLOT_AUTHORIZATION];
	for (size_t slot = SLOT_FORWARDED_FOR; slot <= SLOT_VIA; slot++) {
		out->is_forwarded = out->is_forwarded || slots->count[slot] != 0;
	}
	out->is_foreign = slots->count[SLOT_FETCH_SITE] != 0 &&
			  !equal_caseless(slots->value[SLOT_FETCH_SITE], "same-origin") &&
			  !equal_caseless(slots->value[SLOT_FETCH_SITE], "none");
	out->accepts_gzip = list_has(slots->value[SLOT_ACCEPT_CODING], "gzip");
}

const char *gate_judge(
	const struct gate_rules *rules, const struct gate_request *request, struct gate_head *out)
{
	struct slots slots = {.count = {0}};
	*out = (struct gate_head){.method = read_method(request->method)};
	if (!method_is_shapely(request->method)) {
		return "That method is not known.";
	}
	bool is_newer = span_equal_text(request->version, "HTTP/1.1");
	if (!is_newer && !span_equal_text(request->version, "HTTP/1.0")) {
		return "Only HTTP/1.1 is spoken here.";
	}
	const char *wrong = gate_judge_target(request->target, out);
	if (wrong == NULL) {
		wrong = sort_headers(request, &slots);
	}
	if (wrong == NULL) {
		wrong = judge_host(rules, &slots, out);
	}
	if (wrong == NULL) {
		wrong = judge_body(&slots, out);
	}
	if (wrong == NULL) {
		wrong = judge_upgrade(&slots, out);
	}
	if (wrong == NULL && out->is_upgrade && (out->length > 0 || !is_newer)) {
		wrong = "An upgrade has no body and is HTTP/1.1.";
	}
	fill_values(&slots, out);
	out->is_keep_alive = is_newer && !list_has(slots.value[SLOT_CONNECTION], "close");
	return wrong;
}

bool gate_origin_fits(const struct gate_head *head)
{
	const char *scheme = head->is_secure ? "https://" : "http://";
	if (!span_starts_with(head->origin, scheme)) {
		return false;
	}
	return head->host.len > 0 &&
	       span_equal(span_skip(head->origin, strlen(scheme)), head->host);
}

bool gate_is_bytes(const struct gate_head *head)
{
	return equal_caseless(head->content_type, "application/octet-stream");
}

bool gate_is_json(const struct gate_head *head)
{
	const char *json = "application/json";
	struct span type = head->content_type;
	const uint8_t *semicolon = type.len == 0 ? NULL : memchr(type.at, ';', type.len);
	if (semicolon == NULL) {
		return equal_caseless(type, json);
	}
	size_t len = (size_t)(semicolon - type.at);
	struct span rest = gate_trim(span_skip(type, len + 1));
	return equal_caseless(gate_trim(span_take(type, len)), json) &&
	       equal_caseless(rest, "charset=utf-8");
}

bool gate_cookie(const struct gate_head *head, const char *name, struct span *out)
{
	struct span rest = head->cookie;
	size_t name_len = strlen(name);
	size_t found = 0;
	while (rest.len > 0) {
		const uint8_t *semicolon = memchr(rest.at, ';', rest.len);
		size_t len = semicolon == NULL ? rest.len : (size_t)(semicolon - rest.at);
		struct span item = gate_trim(span_take(rest, len));
		if (item.len > name_len && item.at[name_len] == '=' &&
			memcmp(item.at, name, name_len) == 0) {
			*out = span_skip(item, name_len + 1);
			found++;
		}
		rest = span_skip(rest, len + 1);
	}
	return found == 1;
}
