/**
 * base/log: one line per event, `event key=value key="value with blanks"`.
 *
 *   LOG(env, LOG_INFO, "peer.connected", LOG_KEY("peer", id), LOG_NUM("ms", 12));
 *
 * Values are escaped (control characters, quotes, bytes that are not ASCII) and cut at
 * LIMIT_LOG_VALUE_BYTES, so a stranger's string can neither forge a line nor fill the disk. Above
 * LIMIT_LOG_LINES_PER_SECOND lines are dropped and their number is told in the next line that
 * passes. Any thread.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/env.h"

enum log_kind { LOG_FIELD_TEXT, LOG_FIELD_NUMBER, LOG_FIELD_KEY, LOG_FIELD_ADDRESS };

struct log_field {
	const char *name;
	struct span text;
	int64_t number;
	enum log_kind kind;
};

#define LOG_TEXT(field, value) ((struct log_field){.name = (field), .text = span_text(value)})
#define LOG_SPAN(field, value) ((struct log_field){.name = (field), .text = (value)})
#define LOG_NUM(field, value) \
	((struct log_field){.name = (field), .number = (int64_t)(value), .kind = LOG_FIELD_NUMBER})
/* Whose key, or where somebody is: shortened, unless everything is logged (LOG_DEBUG). A log is
 * given to others more lightly than a disk. */
#define LOG_KEY(field, value) \
	((struct log_field){.name = (field), .text = span_text(value), .kind = LOG_FIELD_KEY})
#define LOG_ADDRESS(field, value) \
	((struct log_field){.name = (field), .text = (value), .kind = LOG_FIELD_ADDRESS})

/** The lowest level that is written; LOG_INFO at the start. Any thread. */
void log_set_level(enum log_level level);
/** Each line is an object: {"ts":ms,"level":"info","event":"…",…}. Any thread. */
void log_set_json(bool is_json);
void log_write(const struct env *env, enum log_level level, const char *event,
	const struct log_field *fields, size_t count);

#define LOG(env, level, event, ...)                                                 \
	log_write((env), (level), (event), (const struct log_field[]){__VA_ARGS__}, \
		sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

#endif
