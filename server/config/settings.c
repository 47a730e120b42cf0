/* Three sources are read one after another into the same table; who comes first is not overwritten.
 */
#include "config/settings.h"

#include "base/file.h"
#include "config/conf.h"
#include "config/config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { PATH_BYTES = 4096, SHOWN_NAME_BYTES = 64, ENV_NAME_BYTES = OPTIONS_NAME_BYTES + 8 };

struct settings {
	struct value {
		char *text;
		enum settings_origin origin;
		unsigned line;
	} values[OPTION_COUNT];
	unsigned lines[OPTION_COUNT]; /* of the file, that said it; also when another goes before */
	char *file;
	bool is_in_data; /* the file stands in the data directory */
	bool is_short;   /* of memory */
	struct settings_faults *faults;
};

static void PRINTF_LIKE(4, 5) add_fault(struct settings *settings, enum settings_origin origin,
	unsigned line, const char *format, ...)
{
	struct settings_faults *faults = settings->faults;
	if (faults->count++ >= LIMIT_CONF_FAULTS) {
		return;
	}
	struct settings_fault *fault = &faults->at[faults->count - 1];
	size_t len = 0;
	va_list args;
	*fault = (struct settings_fault){.origin = origin, .line = line};
	if (line > 0) {
		len = (size_t)snprintf(
			fault->text, sizeof(fault->text), "%.256s line %u ", settings->file, line);
	}
	va_start(args, format);
	(void)vsnprintf(fault->text + len, sizeof(fault->text) - len, format, args);
	va_end(args);
}

/* The value becomes a copy, unless somebody who goes before said one. */
static void take_value(struct settings *settings, enum option option, enum settings_origin origin,
	unsigned line, const char *text)
{
	struct value *value = &settings->values[option];
	if (value->text != NULL) {
		return;
	}
	value->text = strdup(text);
	value->origin = origin;
	value->line = line;
	settings->is_short = settings->is_short || value->text == NULL;
}

static void judge_flag(struct settings *settings, enum option option, const char *text)
{
	char why[OPTIONS_WHY_BYTES];
	const char *canonical = NULL;
	if (options_judge(option, OPTION_IN_FLAG, text, &canonical, why) == ERR_OK) {
		take_value(settings, option, SETTINGS_FLAG, 0, canonical);
	} else {
		add_fault(settings, SETTINGS_FLAG, 0, "--%s %s", options_row(option)->name, why);
	}
}

static void judge_env(struct settings *settings, enum option option, const char *text)
{
	char why[OPTIONS_WHY_BYTES];
	char name[ENV_NAME_BYTES];
	const char *canonical = NULL;
	options_env_name(option, name);
	if (options_judge(option, OPTION_IN_ENV, text, &canonical, why) == ERR_OK) {
		take_value(settings, option, SETTINGS_ENV, 0, canonical);
	} else {
		add_fault(settings, SETTINGS_ENV, 0, "%s %s", name, why);
	}
}

/* NULL when it is not there, or empty, as a compose file leaves what it does not know. */
static const char *find_env(char *const *environment, enum option option)
{
	char name[ENV_NAME_BYTES];
	options_env_name(option, name);
	size_t len = strlen(name);
	for (; environment != NULL && *environment != NULL; environment++) {
		const char *text = *environment;
		if (strncmp(text, name, len) == 0 && text[len] == '=') {
			return text[len + 1] == '\0' && option != OPTION_CONFIG ? NULL
										: text + len + 1;
		}
	}
	return NULL;
}

static void take_flags_and_env(struct settings *settings, const struct settings_opts *opts)
{
	for (int i = 0; i < OPTION_COUNT; i++) {
		const char *text = find_env(opts->environment, (enum option)i);
		if (opts->flags[i] != NULL) {
			judge_flag(settings, (enum option)i, opts->flags[i]);
		}
		if (text != NULL && (options_row((enum option)i)->where & OPTION_IN_ENV) != 0) {
			judge_env(settings, (enum option)i, text);
		}
	}
}

/* conf_reader */
static void on_line_fault(void *ctx, unsigned line, const char *why)
{
	add_fault(ctx, SETTINGS_FILE, line, "%s", why);
}

static void on_unknown(struct settings *settings, unsigned line, const char *name)
{
	const char *nearest = options_nearest(name, OPTION_IN_FILE);
	if (nearest != NULL) {
		add_fault(settings, SETTINGS_FILE, line,
			"says %.*s, which is no option; did you mean %s?", SHOWN_NAME_BYTES, name,
			nearest);
	} else {
		add_fault(settings, SETTINGS_FILE, line, "says %.*s, which is no option",
			SHOWN_NAME_BYTES, name);
	}
}

static void on_pair(void *ctx, unsigned line, const char *name, const char *text)
{
	struct settings *settings = ctx;
	char why[OPTIONS_WHY_BYTES];
	const char *canonical = NULL;
	enum option option = options_find(name);
	if (option == OPTION_COUNT) {
		on_unknown(settings, line, name);
	} else if ((options_row(option)->where & OPTION_IN_FILE) == 0) {
		add_fault(settings, SETTINGS_FILE, line,
			"says %s, which only the command line and the environment may", name);
	} else if (option == OPTION_DATA && settings->is_in_data) {
		add_fault(settings, SETTINGS_FILE, line,
			"says data, but this file stands in the data directory");
	} else if (settings->lines[option] != 0) {
		add_fault(settings, SETTINGS_FILE, line, "says %s, as line %u does", name,
			settings->lines[option]);
	} else if (options_judge(option, OPTION_IN_FILE, text, &canonical, why) != ERR_OK) {
		add_fault(settings, SETTINGS_FILE, line, "says %s, which %s", name, why);
	} else {
		settings->lines[option] = line;
		take_value(settings, option, SETTINGS_FILE, line, canonical);
	}
}

/* Read `path`; false: there is no such file. What is wrong with it is a fault. */
static bool read_file(struct settings *settings, const char *path)
{
	struct buf text = BUF_INIT(LIMIT_CONF_BYTES);
	const struct conf_reader reader = {
		.on_pair = on_pair, .on_fault = on_line_fault, .ctx = settings};
	enum err err = file_read(path, &text);
	int code = errno;
	bool is_there = err != ERR_NOT_FOUND && !(err == ERR_IO && code == ENOTDIR);
	if (is_there) {
		settings->file = strdup(path);
		settings->is_short = settings->is_short || settings->file == NULL;
	}
	if (err == ERR_OK && !settings->is_short) {
		err = conf_read(buf_span(&text), &reader);
	}
	if (err == ERR_LIMIT) {
		add_fault(settings, SETTINGS_FILE, 0, "%.256s is larger than %d bytes", path,
			LIMIT_CONF_BYTES);
	} else if (err == ERR_IO && is_there) {
		add_fault(settings, SETTINGS_FILE, 0, "%.256s cannot be read: %s", path,
			strerror(code));
	}
	settings->is_short = settings->is_short || err == ERR_NOMEM;
	buf_fini(&text);
	return is_there;
}

/* kith.conf in the data directory that is meant so far. */
static bool read_in_data(struct settings *settings)
{
	struct buf path = BUF_INIT(PATH_BYTES);
	bool is_there = false;
	const char *data = settings_text(settings, OPTION_DATA);
	enum err err = data != NULL ? buf_append_text(&path, data) : config_home_dir(&path);
	if (err == ERR_OK) {
		err = buf_append_text(&path, "/kith.conf");
	}
	const char *text = err == ERR_OK ? buf_cstr(&path) : NULL;
	if (text != NULL) {
		settings->is_in_data = true;
		is_there = read_file(settings, text);
		settings->is_in_data = false;
	}
	settings->is_short = settings->is_short || err == ERR_NOMEM;
	buf_fini(&path);
	return is_there;
}

static void take_file(struct settings *settings, const char *etc)
{
	const char *named = settings_text(settings, OPTION_CONFIG);
	if (named == NULL) {
		if (!read_in_data(settings) && etc != NULL) {
			(void)read_file(settings, etc);
		}
	} else if (named[0] != '\0' && !read_file(settings, named)) {
		add_fault(settings, settings_origin(settings, OPTION_CONFIG), 0,
			"there is no file %.256s", named);
	}
}

static void take_presets(struct settings *settings)
{
	struct buf dir = BUF_INIT(PATH_BYTES);
	for (int i = 0; i < OPTION_COUNT; i++) {
		const char *preset = options_row((enum option)i)->preset;
		if (preset != NULL) {
			take_value(settings, (enum option)i, SETTINGS_PRESET, 0, preset);
		}
	}
	if (settings->values[OPTION_DATA].text == NULL && config_home_dir(&dir) == ERR_OK) {
		take_value(settings, OPTION_DATA, SETTINGS_PRESET, 0, (const char *)dir.at);
	}
	buf_fini(&dir);
}

enum err settings_load(
	const struct settings_opts *opts, struct settings **out, struct settings_faults *faults)
{
	struct settings *settings = calloc(1, sizeof(*settings));
	*out = NULL;
	faults->count = 0;
	if (settings == NULL) {
		return ERR_NOMEM;
	}
	settings->faults = faults;
	take_flags_and_env(settings, opts);
	/* Which file it is may hang on what is wrong there. */
	if (faults->count == 0) {
		take_file(settings, opts->etc);
	}
	take_presets(settings);
	settings->faults = NULL;
	if (settings->is_short) {
		settings_free(settings);
		return ERR_NOMEM;
	}
	*out = settings;
	return faults->count == 0 ? ERR_OK : ERR_REFUSED;
}

void settings_free(struct settings *settings)
{
	if (settings == NULL) {
		return;
	}
	for (int i = 0; i < OPTION_COUNT; i++) {
		free(settings->values[i].text);
	}
	free(settings->file);
	free(settings);
}

const char *settings_text(const struct settings *settings, enum option option)
{
	return settings->values[option].text;
}

int64_t settings_number(const struct settings *settings, enum option option)
{
	return options_number(settings->values[option].text);
}

bool settings_is_on(const struct settings *settings, enum option option)
{
	return strcmp(settings->values[option].text, "on") == 0;
}

enum settings_origin settings_origin(const struct settings *settings, enum option option)
{
	return settings->values[option].origin;
}

void settings_origin_text(
	const struct settings *settings, enum option option, char out[static SETTINGS_TEXT_BYTES])
{
	const struct value *value = &settings->values[option];
	char name[ENV_NAME_BYTES];
	switch (value->origin) {
	case SETTINGS_FLAG:
		(void)snprintf(out, SETTINGS_TEXT_BYTES, "--%s%s",
			options_row(option)->kind == OPTION_SWITCH &&
					!settings_is_on(settings, option)
				? "no-"
				: "",
			options_row(option)->name);
		break;
	case SETTINGS_ENV:
		options_env_name(option, name);
		(void)snprintf(out, SETTINGS_TEXT_BYTES, "%s", name);
		break;
	case SETTINGS_FILE:
		(void)snprintf(
			out, SETTINGS_TEXT_BYTES, "%.400s line %u", settings->file, value->line);
		break;
	case SETTINGS_PRESET:
		(void)snprintf(out, SETTINGS_TEXT_BYTES, "default");
		break;
	}
}

const char *settings_file(const struct settings *settings)
{
	return settings->file;
}
