/* Log lines: formatting into one fixed buffer on the stack, a rate limit shared by all threads. */
#include "base/log.h"

#include "base/limits.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { ADDRESS_SHOWN_BYTES = 16 };

struct line {
	char at[LIMIT_LOG_LINE_BYTES];
	size_t len, max;
	bool is_full, is_json;
};

static struct {
	pthread_mutex_t lock;
	enum log_level level;
	bool is_json;
	int64_t second;
	unsigned written;
	unsigned dropped;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER, .level = LOG_INFO};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

static void put(struct line *line, char c)
{
	if (line->len < line->max) {
		line->at[line->len++] = c;
	} else {
		line->is_full = true;
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

static void put_escaped(struct line *line, struct span shown)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < shown.len; i++) {
		uint8_t c = shown.at[i];
		if (is_plain(c) || c == ' ' || c == '=') {
			put(line, (char)c);
		} else {
			put_text(line, line->is_json ? "\\u00" : "\\x");
			put(line, digits[c >> 4]);
			put(line, digits[c & 15]);
		}
	}
}

static void put_value(struct line *line, struct span value)
{
	struct span shown = span_take(value, LIMIT_LOG_VALUE_BYTES);
	bool is_bare = shown.len > 0 && shown.len == value.len && !line->is_json;
	for (size_t i = 0; i < shown.len && is_bare; i++) {
		is_bare = is_plain(shown.at[i]) || shown.at[i] == '=';
	}
	if (!is_bare) {
		put(line, '"');
	}
	put_escaped(line, shown);
	if (!is_bare) {
		put_text(line, shown.len < value.len ? "…\"" : "\"");
	}
}

/* The first eight characters behind the sigil: enough to see that two lines speak of the same. */
static void put_key(struct line *line, struct span value)
{
	enum { SHOWN = 9 };
	char text[SHOWN + 4];
	if (value.len <= SHOWN) {
		put_value(line, value);
		return;
	}
	memcpy(text, value.at, SHOWN);
	memcpy(text + SHOWN, "…", sizeof("…"));
	/* Not through put_value(), which would escape the dots. */
	put_text(line, line->is_json ? "\"" : "");
	put_escaped(line, span_of(text, SHOWN));
	put_text(line, line->is_json ? "…\"" : "…");
}

/* Its first two parts, when it is numeric. */
static bool cut_address(struct span address, char out[static ADDRESS_SHOWN_BYTES])
{
	size_t len = 0;
	unsigned parts = 0;
	bool has_letter = false;
	bool has_dot = false;
	for (size_t i = 0; i < address.len && parts < 2 && len < ADDRESS_SHOWN_BYTES - 2; i++) {
		char c = (char)address.at[i];
		bool is_letter = c >= 'a' && c <= 'f';
		if (!is_letter && c != ':' && c != '.' && (c < '0' || c > '9')) {
			return false;
		}
		has_letter = has_letter || is_letter;
		has_dot = has_dot || c == '.';
		parts += c == '.' || c == ':' ? 1 : 0;
		out[len++] = c;
	}
	out[len] = '*';
	out[len + 1] = '\0';
	return parts == 2 && !(has_letter && has_dot);
}

/* The network of a numeric address, and of a name nothing: "203.0.*", "2001:db8:*", "name". */
static void put_address(struct line *line, struct span value)
{
	char text[ADDRESS_SHOWN_BYTES];
	struct span rest = span_starts_with(value, "net:") ? span_skip(value, 4) : value;
	rest = rest.len > 0 && rest.at[0] == '[' ? span_skip(rest, 1) : rest;
	bool is_whole = value.len == 0 || span_equal_text(value, "local"); /* it is the owner's */
	put_value(line, is_whole ? value : span_text(cut_address(rest, text) ? text : "name"));
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

void log_set_json(bool is_json)
{
	(void)pthread_mutex_lock(&state.lock);
	state.is_json = is_json;
	(void)pthread_mutex_unlock(&state.lock);
}

/* As things are set now. */
static void look(bool *is_wanted, bool *is_whole, bool *is_json, enum log_level level)
{
	(void)pthread_mutex_lock(&state.lock);
	*is_wanted = level >= state.level;
	*is_whole = state.level == LOG_DEBUG;
	*is_json = state.is_json;
	(void)pthread_mutex_unlock(&state.lock);
}

static void put_field(struct line *line, const struct log_field *field, bool is_whole)
{
	size_t before = line->len;
	put_text(line, line->is_json ? ",\"" : " ");
	put_text(line, field->name);
	put_text(line, line->is_json ? "\":" : "=");
	if (field->kind == LOG_FIELD_NUMBER) {
		char number[24];
		(void)snprintf(number, sizeof(number), "%lld", (long long)field->number);
		put_text(line, number);
	} else if (field->kind == LOG_FIELD_KEY && !is_whole) {
		put_key(line, field->text);
	} else if (field->kind == LOG_FIELD_ADDRESS && !is_whole) {
		put_address(line, field->text);
	} else {
		put_value(line, field->text);
	}
	if (line->is_full && line->is_json) {
		line->len = before; /* half a field is none of JSON */
	}
}

static void begin(struct line *line, const struct env *env, enum log_level level, const char *event)
{
	if (!line->is_json) {
		put_text(line, event);
		return;
	}
	char time[32];
	(void)snprintf(time, sizeof(time), "%lld", (long long)env_wall_ms(env));
	put_text(line, "{\"ts\":");
	put_text(line, time);
	put_text(line, ",\"level\":\"");
	put_text(line, level_names[level]);
	put_text(line, "\",\"event\":\"");
	put_text(line, event);
	put(line, '"');
}

void log_write(const struct env *env, enum log_level level, const char *event,
	const struct log_field *fields, size_t count)
{
	unsigned dropped = 0;
	bool is_wanted = false;
	bool is_whole = false;
	struct line line = {.len = 0};
	look(&is_wanted, &is_whole, &line.is_json, level);
	if (!is_wanted || !may_write(env_mono_ms(env) / 1000, &dropped)) {
		return;
	}
	line.max = sizeof(line.at) - (line.is_json ? 2 : 1); /* for the brace and the NUL */
	begin(&line, env, level, event);
	for (size_t i = 0; i < count && !line.is_full; i++) {
		put_field(&line, &fields[i], is_whole);
	}
	if (dropped > 0 && !line.is_full) {
		put_field(&line, &LOG_NUM("lines_dropped", dropped), is_whole);
	}
	if (line.is_json) {
		line.at[line.len++] = '}';
	}
	line.at[line.len] = '\0';
	env->log_line(env->ctx, level, line.at);
}
