/* config/conf, config/options: any bytes are lines with a name and a value, or are told with their
 * number; and what a value may be is decided alike twice. */
#include "base/limits.h"
#include "config/conf.h"
#include "config/options.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned last;
static unsigned pairs;

static void on_fault(void *ctx, unsigned line, const char *why)
{
	(void)ctx;
	if (line <= last || why[0] == '\0') {
		abort();
	}
	last = line;
}

static void judge(enum option option, unsigned where, const char *value)
{
	char why[OPTIONS_WHY_BYTES] = "";
	const char *canonical = NULL;
	const char *again = NULL;
	if (options_judge(option, where, value, &canonical, why) != ERR_OK) {
		return why[0] == '\0' ? abort() : (void)0;
	}
	if (strlen(value) > LIMIT_OPTION_BYTES ||
		options_judge(option, where, canonical, &again, why) != ERR_OK ||
		strcmp(canonical, again) != 0) {
		abort();
	}
}

static void on_pair(void *ctx, unsigned line, const char *name, const char *value)
{
	(void)ctx;
	if (line <= last || name[0] == '\0' ||
		strlen(name) + strlen(value) >= LIMIT_CONF_LINE_BYTES) {
		abort();
	}
	last = line;
	pairs++;
	enum option option = options_find(name);
	if (option == OPTION_COUNT) {
		const char *nearest = options_nearest(name, OPTION_IN_FILE);
		if (nearest != NULL && options_find(nearest) == OPTION_COUNT) {
			abort();
		}
	}
	/* Every kind sees the value, whatever its name. */
	for (int i = 0; i < OPTION_COUNT; i++) {
		judge((enum option)i, OPTION_IN_FILE, value);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct conf_reader reader = {.on_pair = on_pair, .on_fault = on_fault};
	last = pairs = 0;
	enum err err = conf_read(span_of(data, size), &reader);
	if (err != (size > LIMIT_CONF_BYTES ? ERR_LIMIT : ERR_OK) ||
		(err == ERR_LIMIT && last > 0) || pairs > last) {
		abort();
	}
	return 0;
}
