/**
 * config/conf: the lines of a kith.conf. `name = value`, comments from # or ; on lines of their
 * own, no sections; read by libinih, after what it would let pass was looked for: long lines, bytes
 * that are no text, sections. Pure: bytes in, callbacks out. Manual: deploy/man/kith.conf.5.
 */
#ifndef CONFIG_CONF_H
#define CONFIG_CONF_H

#include "base/err.h"
#include "base/span.h"

struct conf_reader {
	/* Lines count from 1; texts are borrowed for the call. */
	void (*on_pair)(void *ctx, unsigned line, const char *name, const char *value);
	void (*on_fault)(void *ctx, unsigned line, const char *why); /* a sentence's end */
	void *ctx;
};
/** Calls `reader` for each line that says something, in their order. ERR_OK, also when lines were
 * at fault; ERR_LIMIT above LIMIT_CONF_BYTES, without a call; ERR_NOMEM. */
MUST_USE enum err conf_read(struct span text, const struct conf_reader *reader);

#endif
