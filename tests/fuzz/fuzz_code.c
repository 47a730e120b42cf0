/* api/codes: a code as somebody typed it. Whatever is typed opens only when it is the code, but for
 * case, dashes and blanks; and only once. The input is what is typed: a full stop stands for the
 * code's next letter, a comma for the same in lower case. */
#include "api/codes.h"

#include <ctype.h>
#include <sodium.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TYPED_BYTES = 64 };

static void must(bool is_so)
{
	if (!is_so) {
		abort();
	}
}

static int64_t now_ms(void *ctx)
{
	(void)ctx;
	return 1000;
}

/* The same code each time, and all its letters different. */
static void not_random(void *ctx, uint8_t *out, size_t count)
{
	uint8_t *next = ctx;
	for (size_t i = 0; i < count; i++) {
		out[i] = (*next)++;
	}
}

static bool is_meant(struct span typed, const char *code)
{
	size_t at = 0;
	size_t len = strlen(code);
	for (size_t i = 0; i < typed.len; i++) {
		if (typed.at[i] == '-' || typed.at[i] == ' ') {
			continue;
		}
		while (at < len && code[at] == '-') {
			at++;
		}
		if (at == len || toupper(typed.at[i]) != code[at]) {
			return false;
		}
		at++;
	}
	return at == len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t random = 0;
	const struct env env = {.mono_ms = now_ms, .random = not_random, .ctx = &random};
	const struct session_invite invite = {.is_short = true, .may = SESSION_MAY_READ};
	struct codes codes = {0};
	char code[SESSION_SECRET_BYTES];
	uint8_t typed[TYPED_BYTES];
	enum session_may may = SESSION_MAY_WRITE;
	size_t len = 0;
	must(sodium_init() >= 0);
	codes_make(&codes, &env, &invite, code);
	for (size_t i = 0, at = 0; i < size && len < sizeof(typed); i++) {
		char next = code[at] == '-' ? code[++at] : code[at];
		bool is_next = (data[i] == '.' || data[i] == ',') && next != '\0';
		typed[len++] = !is_next         ? data[i]
			       : data[i] == '.' ? (uint8_t)next
						: (uint8_t)tolower(next);
		at += is_next;
	}
	/* What is as long as a link's code is taken as it is. */
	bool is_meant_so = len < SESSION_SECRET_BYTES - 1 && is_meant(span_of(typed, len), code);
	must(codes_use(&codes, &env, span_of(typed, len), &may) == is_meant_so);
	must(may == (is_meant_so ? SESSION_MAY_READ : SESSION_MAY_WRITE));
	must(!codes_use(&codes, &env, span_of(typed, len), &may));
	return 0;
}
