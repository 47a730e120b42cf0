/**
 * base/log: one line per event, `event key=value key="value with blanks"`.
 *
 *   LOG(env, LOG_INFO, "peer.connected", LOG_ID("peer", id), LOG_NUM("ms", 12));
 *
 * Values are escaped (control characters, quotes, bytes that are not ASCII) and cut at
 * LIMIT_LOG_VALUE_BYTES, so a stranger's string can neither forge a line nor fill the disk. Above
 * LIMIT_LOG_LINES_PER_SECOND lines are dropped and their number is told in the next line that
 * passes. Any thread.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/env.h"

struct log_field {
	const char *name;
	struct span text; /* used when `is_text` */
	int64_t number;
	bool is_text;
};

#define LOG_TEXT(field, value) \
	((struct log_field){.name = (field), .text = span_text(value), .is_text = true})
#define LOG_SPAN(field, value) \
	((struct log_field){.name = (field), .text = (value), .is_text = true})
#define LOG_NUM(field, value) ((struct log_field){.name = (field), .number = (int64_t)(value)})

/** The lowest level that is written; LOG_INFO at the start. */
void log_set_level(enum log_level level);
void log_write(const struct env *env, enum log_level level, const char *event,
	const struct log_field *fields, size_t count);

#define LOG(env, level, event, ...)                                                 \
	log_write((env), (level), (event), (const struct log_field[]){__VA_ARGS__}, \
		sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

#endif
