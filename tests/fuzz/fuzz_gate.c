/* Heads from strangers: a request as text, one header a line. What passes must keep what the gate
 * promises, whatever stood in the bytes. Texts that strangers send on go through the other readers
 * of api/ too. */
#include "api/body.h"
#include "api/gate.h"
#include "api/mentions.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADERS_MAX = LIMIT_HTTP_HEADERS + 8 };

static const struct gate_rules rules = {.hosts = {"localhost:8989", "[::1]:8989"}, .host_count = 2};

static struct span until(struct span text, char byte)
{
	const uint8_t *at = text.len == 0 ? NULL : memchr(text.at, byte, text.len);
	return span_take(text, at == NULL ? text.len : (size_t)(at - text.at));
}

static struct span take(struct span *text, char byte)
{
	struct span part = until(*text, byte);
	*text = span_skip(*text, part.len + 1);
	return part;
}

static void check_path(struct span path)
{
	assert(path.len >= 1 && path.at[0] == '/' && path.len <= LIMIT_HTTP_TARGET_BYTES);
	assert(path.len < 2 || path.at[1] != '/');
	for (size_t i = 0; i < path.len; i++) {
		assert(path.at[i] > 0x20 && path.at[i] < 0x7f && path.at[i] != '\\' &&
			path.at[i] != '?');
	}
	assert(memmem(path.at, path.len, "/../", 4) == NULL && !span_ends_with(path, "/.."));
	assert(memmem(path.at, path.len, "%2f", 3) == NULL &&
		memmem(path.at, path.len, "%00", 3) == NULL);
}

static void check_passed(const struct gate_head *head)
{
	struct span value;
	check_path(head->path);
	assert(head->host.len == 14 || head->host.len == 10);
	assert(!head->is_upgrade ||
		(head->websocket_key.len == 24 && head->method == GATE_GET && head->length == 0));
	if (gate_origin_fits(head)) {
		assert(head->origin.len == head->host.len + 7);
	}
	(void)gate_is_json(head);
	if (gate_cookie(head, "kith-8989", &value)) {
		assert(value.len < head->cookie.len);
	}
}

static void read_texts(struct span text)
{
	struct buf out = BUF_INIT(1 << 20);
	size_t count = 0;
	json_decref(body_parse(text));
	(void)!body_query(text, "q", &out);
	buf_clear(&out);
	json_t *clean = body_string(text);
	assert(clean != NULL);
	json_decref(clean);
	if (mentions_find(text, NULL, &out, &count) == ERR_OK) {
		json_decref(body_parse(buf_span(&out)));
		assert(count <= MENTIONS_MAX);
	}
	buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gate_header headers[HEADERS_MAX];
	struct span left = span_of(data, size);
	struct span line = take(&left, '\n');
	struct gate_request request = {.headers = headers};
	struct gate_head head;
	request.method = take(&line, ' ');
	request.target = take(&line, ' ');
	request.version = line;
	while (left.len > 0 && request.header_count < HEADERS_MAX) {
		line = take(&left, '\n');
		headers[request.header_count].name = take(&line, ':');
		headers[request.header_count++].value = line;
	}
	if (gate_judge(&rules, &request, &head) == NULL) {
		check_passed(&head);
	}
	read_texts(span_of(data, size));
	return 0;
}
