/* api/place: the owner's options, and what a proxy says. Lines: http-host, public-url,
 * trusted-proxies, whom the connection is from, then a request as of fuzz_gate. What passes was
 * asked for at a host that is allowed; and who is no trusted proxy speaks for nobody but itself. */
#include "api/place.h"

#include <arpa/inet.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADERS_MAX = LIMIT_HTTP_HEADERS + 8, OPTION_BYTES = 1024 };

static void must(bool is_so)
{
	if (!is_so) {
		abort();
	}
}

static struct span take(struct span *text, char byte)
{
	const uint8_t *at = text->len == 0 ? NULL : memchr(text->at, byte, text->len);
	struct span part = span_take(*text, at == NULL ? text->len : (size_t)(at - text->at));
	*text = span_skip(*text, part.len + 1);
	return part;
}

static char *take_option(struct span *text, char out[static OPTION_BYTES])
{
	struct span line = span_take(take(text, '\n'), OPTION_BYTES - 1);
	if (line.len > 0) {
		memcpy(out, line.at, line.len);
	}
	out[line.len] = '\0';
	return out;
}

static void check_place(const struct place *place)
{
	size_t len = strlen(place->base);
	must(len < PLACE_PATH_BYTES && strlen(place->public_host) < GATE_HOST_BYTES);
	must(len == 0 || (place->base[0] == '/' && place->base[len - 1] != '/'));
	must(strstr(place->base, "//") == NULL && strstr(place->base, "/.") == NULL);
	must(strpbrk(place->base, "\\%?#;, \"<>") == NULL);
	must(strpbrk(place->public_host, "/\\@%?#;, \"<>ABCXYZ") == NULL);
	must(place->trusted_count <= LIMIT_TRUSTED_PROXIES);
}

static struct sockaddr_storage somebody(char which)
{
	static const char *const names[] = {
		"127.0.0.1", "::1", "10.0.0.1", "203.0.113.7", "2001:db8::1", "::ffff:10.0.0.1"};
	const char *name = names[(unsigned char)which % (sizeof(names) / sizeof(names[0]))];
	struct sockaddr_storage from = {0};
	struct sockaddr_in *v4 = (struct sockaddr_in *)&from;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&from;
	if (inet_pton(AF_INET, name, &v4->sin_addr) == 1) {
		from.ss_family = AF_INET;
	} else {
		must(inet_pton(AF_INET6, name, &v6->sin6_addr) == 1);
		from.ss_family = AF_INET6;
	}
	return from;
}

static void judge(const struct place *place, const struct gate_rules *rules,
	const struct sockaddr *from, struct gate_head *head)
{
	char address[PLACE_ADDRESS_BYTES];
	char next[PLACE_ADDRESS_BYTES];
	struct place_address who;
	uint8_t number[16];
	const struct span host = head->host;
	bool is_good = place_judge(place, rules, from, head, address) == NULL;
	must(inet_pton(strchr(address, ':') == NULL ? AF_INET : AF_INET6, address, number) == 1);
	must(place_address_of(from, &who));
	if (!place_trusts(place, &who)) {
		place_name_client(from, next);
		must(strcmp(address, next) == 0 && head->host.at == host.at);
	}
	if (!is_good) {
		return;
	}
	must(gate_host_fits(rules, head->host));
	must(!head->is_secure || place->is_https);
	must(place_is_loopback(&who) || place->trusted_count == 0 || place_trusts(place, &who));
	if (place_enter(place, head)) {
		must(head->path.len > 0 && head->path.at[0] == '/');
		must(head->path.len == 1 || head->path.at[1] != '/');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char texts[3][OPTION_BYTES];
	char which[OPTION_BYTES];
	char why[512] = "";
	struct gate_header headers[HEADERS_MAX];
	struct gate_request request = {.headers = headers};
	struct gate_rules rules;
	struct gate_head head = {0};
	struct place place;
	struct span left = span_of(data, size);
	const struct place_opts opts = {.http_host = take_option(&left, texts[0]),
		.public_url = take_option(&left, texts[1]),
		.trusted_proxies = take_option(&left, texts[2])};
	if (place_read(&opts, &place, why, sizeof(why)) != ERR_OK) {
		must(why[0] != '\0');
		return 0;
	}
	check_place(&place);
	place_rules(&place, 8989, &rules);
	const struct sockaddr_storage from = somebody(take_option(&left, which)[0]);
	struct span line = take(&left, '\n');
	request.method = take(&line, ' ');
	request.target = take(&line, ' ');
	request.version = line;
	while (left.len > 0 && request.header_count < HEADERS_MAX) {
		line = take(&left, '\n');
		headers[request.header_count].name = take(&line, ':');
		headers[request.header_count++].value = line;
	}
	if (gate_judge(&rules, &request, &head) == NULL) {
		judge(&place, &rules, (const struct sockaddr *)&from, &head);
	}
	return 0;
}
