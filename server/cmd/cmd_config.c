/* `kith config`: whether kith.conf is sound, what counts and who said it, and a file to begin with.
 */
#include "cmd/client.h"
#include "cmd/flags.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COLUMN = 40 };

static const char *const origins[] = {
	[SETTINGS_PRESET] = "default",
	[SETTINGS_FILE] = "file",
	[SETTINGS_ENV] = "environment",
	[SETTINGS_FLAG] = "flag",
};

/* A path may be no UTF-8: then it is shown as well as can be. */
static json_t *text_or_null(const char *text)
{
	json_t *value = text == NULL ? json_null() : json_string(text);
	char *copy = value == NULL && text != NULL ? strdup(text) : NULL;
	for (char *c = copy; c != NULL && *c != '\0'; c++) {
		*c = (unsigned char)*c < 0x80 ? *c : '?';
	}
	if (copy != NULL) {
		value = json_string(copy);
	}
	free(copy);
	return value;
}

/* Names of the environment that look as if they were meant for kith. */
static json_t *unknown_names(void)
{
	json_t *names = json_array();
	for (char *const *at = environ; *at != NULL; at++) {
		struct span name = span_of(*at, strcspn(*at, "="));
		if (span_starts_with(name, "KITH_") && options_find_env(name) == OPTION_COUNT) {
			(void)json_array_append_new(
				names, json_stringn((const char *)name.at,
					       name.len)); /* UTF-8, or left out */
		}
	}
	return names;
}

static json_t *fault_rows(const struct settings_faults *faults)
{
	json_t *rows = json_array();
	for (unsigned i = 0; i < faults->count && i < LIMIT_CONF_FAULTS; i++) {
		const struct settings_fault *fault = &faults->at[i];
		(void)json_array_append_new(
			rows, json_pack("{s:s, s:i, s:o}", "origin", origins[fault->origin], "line",
				      (int)fault->line, "text", text_or_null(fault->text)));
	}
	return rows;
}

static int print_check_json(const struct settings *settings, const struct settings_faults *faults)
{
	json_t *answer = json_pack("{s:b, s:o, s:i, s:o, s:o}", "ok", faults->count == 0, "file",
		text_or_null(settings_file(settings)), "count", (int)faults->count, "faults",
		fault_rows(faults), "unknown", unknown_names());
	int code = client_print_json(answer);
	json_decref(answer);
	return code;
}

static void print_check(const struct settings *settings, const struct settings_faults *faults)
{
	const char *file = settings_file(settings);
	json_t *names = unknown_names();
	for (unsigned i = 0; i < faults->count && i < LIMIT_CONF_FAULTS; i++) {
		cmd_print_sentence(faults->at[i].text);
	}
	if (faults->count > LIMIT_CONF_FAULTS) {
		(void)printf("And %u more.\n", faults->count - LIMIT_CONF_FAULTS);
	}
	for (size_t i = 0; i < json_array_size(names); i++) {
		(void)printf("Note: no option is called %s in the environment.\n",
			json_string_value(json_array_get(names, i)));
	}
	if (faults->count == 0 && file != NULL) {
		(void)printf("%s is good.\n", file);
	} else if (faults->count == 0) {
		(void)printf("All is good. There is no kith.conf.\n");
	}
	json_decref(names);
}

static int check(const char *const flags[static OPTION_COUNT], bool is_json)
{
	struct settings_faults faults;
	struct settings *settings = NULL;
	if (flags_read(flags, &settings, &faults) == ERR_NOMEM) {
		return cmd_fail("config", "there is no memory");
	}
	int code = EXIT_GOOD;
	if (is_json) {
		code = print_check_json(settings, &faults);
	} else {
		print_check(settings, &faults);
	}
	settings_free(settings);
	return code == EXIT_GOOD && faults.count > 0 ? EXIT_BAD : code;
}

static json_t *value_json(const struct settings *settings, enum option option)
{
	enum option_kind kind = options_row(option)->kind;
	const char *text = settings_text(settings, option);
	return text == NULL            ? json_null()
	       : kind == OPTION_SWITCH ? json_boolean(settings_is_on(settings, option))
	       : kind == OPTION_NUMBER ? json_integer(settings_number(settings, option))
				       : text_or_null(text);
}

static int show_json(const struct settings *settings)
{
	json_t *options = json_object();
	for (int i = 0; i < OPTION_COUNT; i++) {
		char where[SETTINGS_TEXT_BYTES];
		settings_origin_text(settings, (enum option)i, where);
		(void)json_object_set_new(options, options_row((enum option)i)->name,
			json_pack("{s:o, s:s, s:o, s:b}", "value",
				value_json(settings, (enum option)i), "origin",
				origins[settings_origin(settings, (enum option)i)], "where",
				text_or_null(where), "live", options_row((enum option)i)->is_live));
	}
	json_t *answer = json_pack(
		"{s:o, s:o}", "file", text_or_null(settings_file(settings)), "options", options);
	int code = client_print_json(answer);
	json_decref(answer);
	return code;
}

/* Without origins, what is printed is a kith.conf that says the same. */
static void show_row(const struct settings *settings, enum option option, bool has_origin)
{
	const struct option_row *row = options_row(option);
	const char *text = settings_text(settings, option);
	char where[SETTINGS_TEXT_BYTES];
	settings_origin_text(settings, option, where);
	int len = text != NULL && (row->where & OPTION_IN_FILE) != 0
			  ? printf("%s = %s", row->name, text)
			  : printf("# %s: %s", row->name, text != NULL ? text : row->otherwise);
	if (has_origin) {
		(void)printf("%*s  (%s)", len < COLUMN ? COLUMN - len : 0, "", where);
	}
	(void)putchar('\n');
}

static int show(const char *const flags[static OPTION_COUNT], bool has_origin, bool is_json)
{
	struct settings *settings = flags_load("config", flags);
	int code = settings == NULL ? EXIT_USAGE : EXIT_GOOD;
	if (settings != NULL && is_json) {
		code = show_json(settings);
	}
	for (int i = 0; settings != NULL && !is_json && i < OPTION_COUNT; i++) {
		show_row(settings, (enum option)i, has_origin);
	}
	settings_free(settings);
	return code;
}

static int example_json(void)
{
	json_t *rows = json_array();
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = options_row((enum option)i);
		if ((row->where & OPTION_IN_FILE) != 0) {
			(void)json_array_append_new(rows,
				json_pack("{s:s, s:s, s:o, s:o, s:b}", "name", row->name, "help",
					row->help, "form", text_or_null(row->form), "default",
					text_or_null(row->preset), "live", row->is_live));
		}
	}
	json_t *answer = json_pack("{s:o}", "options", rows);
	int code = client_print_json(answer);
	json_decref(answer);
	return code;
}

static int example(bool is_json)
{
	if (is_json) {
		return example_json();
	}
	(void)printf("# kith.conf: the options of a node; kith.conf(5) tells more of each. Take "
		     "the # away before a line that is to count.\n"
		     "# The command line goes before the environment (KITH_HTTP_PORT=…), and that "
		     "before this file.\n");
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = options_row((enum option)i);
		if ((row->where & OPTION_IN_FILE) == 0) {
			continue;
		}
		(void)printf("\n# %s%s%s%s\n", row->help, row->preset == NULL ? " (default: " : "",
			row->preset == NULL ? row->otherwise : "", row->preset == NULL ? ")" : "");
		(void)printf("%s#%s = %s\n",
			row->is_live ? "# (A running node takes it over at `kill -HUP`.)\n" : "",
			row->name, row->preset == NULL ? row->form : row->preset);
	}
	return EXIT_GOOD;
}

int cmd_config(int argc, char **argv)
{
	const char *flags[OPTION_COUNT] = {NULL};
	bool has_origin = false;
	bool is_json = false;
	const struct cmd_option extra[] = {
		{"--origin", NULL, &has_origin}, {"--json", NULL, &is_json}};
	const struct cmd *cmd = cmd_find("config");
	int plain = flags_take("config", argc, argv, extra, 2, flags);
	if (plain < 0) {
		return EXIT_USAGE;
	}
	if (plain == 2 && strcmp(argv[1], "check") == 0 && flags[OPTION_CONFIG] == NULL) {
		flags[OPTION_CONFIG] = argv[2];
		return check(flags, is_json);
	}
	if (plain == 1 && strcmp(argv[1], "check") == 0) {
		return check(flags, is_json);
	}
	if (plain == 1 && strcmp(argv[1], "show") == 0) {
		return show(flags, has_origin, is_json);
	}
	if (plain == 1 && strcmp(argv[1], "example") == 0) {
		return example(is_json);
	}
	return cmd_usage(cmd, "it takes `check`, `show` or `example`");
}
