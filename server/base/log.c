/* Log lines: formatting into one fixed buffer on the stack, a rate limit shared by all threads. */
#include "base/log.h"

#include "base/limits.h"

#include <pthread.h>
#include <stdio.h>

struct line {
	char at[LIMIT_LOG_LINE_BYTES];
	size_t len;
};

static struct {
	pthread_mutex_t lock;
	enum log_level level;
	int64_t second;
	unsigned written;
	unsigned dropped;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER, .level = LOG_INFO};

static void put(struct line *line, char c)
{
	if (line->len + 1 < sizeof(line->at)) {
		line->at[line->len++] = c;
	}
}

static void put_text(struct line *line, const char *text)
{
	while (*text != '\0') {
		put(line, *text++);
	}
}

static bool is_plain(uint8_t c)
{
	return c > ' ' && c < 0x7f && c != '"' && c != '\\' && c != '=';
}

static void put_value(struct line *line, struct span value)
{
	static const char digits[] = "0123456789abcdef";
	struct span shown = span_take(value, LIMIT_LOG_VALUE_BYTES);
	bool is_bare = shown.len > 0 && shown.len == value.len;
	for (size_t i = 0; i < shown.len && is_bare; i++) {
		is_bare = is_plain(shown.at[i]) || shown.at[i] == '=';
	}
	if (!is_bare) {
		put(line, '"');
	}
	for (size_t i = 0; i < shown.len; i++) {
		uint8_t c = shown.at[i];
		if (is_plain(c) || c == ' ' || c == '=') {
			put(line, (char)c);
		} else {
			put_text(line, "\\x");
			put(line, digits[c >> 4]);
			put(line, digits[c & 15]);
		}
	}
	if (!is_bare) {
		put_text(line, shown.len < value.len ? "…\"" : "\"");
	}
}

/* May a line be written in this second? `*dropped` gets the number of lines lost before it. */
static bool may_write(int64_t second, unsigned *dropped)
{
	bool may = true;
	(void)pthread_mutex_lock(&state.lock);
	if (second != state.second) {
		state.second = second;
		state.written = 0;
	}
	if (state.written >= LIMIT_LOG_LINES_PER_SECOND) {
		state.dropped++;
		may = false;
	} else {
		state.written++;
		*dropped = state.dropped;
		state.dropped = 0;
	}
	(void)pthread_mutex_unlock(&state.lock);
	return may;
}

void log_set_level(enum log_level level)
{
	(void)pthread_mutex_lock(&state.lock);
	state.level = level;
	(void)pthread_mutex_unlock(&state.lock);
}

static bool is_wanted(enum log_level level)
{
	(void)pthread_mutex_lock(&state.lock);
	bool is = level >= state.level;
	(void)pthread_mutex_unlock(&state.lock);
	return is;
}

void log_write(const struct env *env, enum log_level level, const char *event,
	const struct log_field *fields, size_t count)
{
	unsigned dropped = 0;
	if (!is_wanted(level) || !may_write(env_mono_ms(env) / 1000, &dropped)) {
		return;
	}
	struct line line = {.len = 0};
	put_text(&line, event);
	for (size_t i = 0; i < count; i++) {
		put(&line, ' ');
		put_text(&line, fields[i].name);
		put(&line, '=');
		if (fields[i].is_text) {
			put_value(&line, fields[i].text);
		} else {
			char number[24];
			(void)snprintf(number, sizeof(number), "%lld", (long long)fields[i].number);
			put_text(&line, number);
		}
	}
	if (dropped > 0) {
		char number[40];
		(void)snprintf(number, sizeof(number), " lines_dropped=%u", dropped);
		put_text(&line, number);
	}
	line.at[line.len] = '\0';
	env->log_line(env->ctx, level, line.at);
}
