/* api/gate: the header Cookie. What is taken is the one cookie of that name, whatever else other
 * programs on this machine set beside it: a second one of that name is never chosen from. The input
 * is the header; the same bytes are tried as a content type. */
#include "api/gate.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool is_so)
{
	if (!is_so) {
		abort();
	}
}

/* Counted in another way than the gate does: by what stands before the name. */
static size_t cookies_of(struct span header, const char *name, size_t *value_at)
{
	size_t len = strlen(name);
	size_t count = 0;
	for (size_t i = 0; i + len < header.len; i++) {
		size_t before = i;
		while (before > 0 &&
			(header.at[before - 1] == ' ' || header.at[before - 1] == '\t')) {
			before--;
		}
		if ((before == 0 || header.at[before - 1] == ';') && header.at[i + len] == '=' &&
			memcmp(header.at + i, name, len) == 0) {
			*value_at = i + len + 1;
			count++;
		}
	}
	return count;
}

static void look_for(const struct gate_head *head, const char *name)
{
	struct span value = {0};
	size_t value_at = 0;
	size_t count = cookies_of(head->cookie, name, &value_at);
	must(gate_cookie(head, name, &value) == (count == 1));
	if (count == 1 && value.len > 0) {
		must(value.at == head->cookie.at + value_at &&
			value.len <= head->cookie.len - value_at);
		must(memchr(value.at, ';', value.len) == NULL);
		must(value.at[value.len - 1] != ' ' && value.at[value.len - 1] != '\t');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct gate_head head = {
		.cookie = span_of(data, size), .content_type = span_of(data, size)};
	look_for(&head, "kith-8989");
	look_for(&head, "__Host-kith");
	look_for(&head, "a");
	must(!gate_is_json(&head) || (size >= 16 && !gate_is_bytes(&head)));
	return 0;
}
