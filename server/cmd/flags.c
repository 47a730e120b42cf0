/* A row of the table is one option of the command line, or two for a switch. */
#include "cmd/flags.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FLAGS_EXTRA_MAX = 8, FLAG_NAME_BYTES = OPTIONS_NAME_BYTES + 8 };

struct flag {
	char yes[FLAG_NAME_BYTES]; /* "--lan" */
	char no[FLAG_NAME_BYTES];  /* "--no-lan" */
	bool is_yes, is_no;
};

/* Every flag as cmd_options() wants it; returns how many. */
static int list_options(struct flag flags[static OPTION_COUNT],
	const char *texts[static OPTION_COUNT], struct cmd_option *out)
{
	int count = 0;
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = options_row((enum option)i);
		struct flag *flag = &flags[i];
		if ((row->where & OPTION_IN_FLAG) == 0) {
			continue;
		}
		(void)snprintf(flag->yes, sizeof(flag->yes), "--%s", row->name);
		(void)snprintf(flag->no, sizeof(flag->no), "--no-%s", row->name);
		if (row->kind == OPTION_SWITCH) {
			out[count++] = (struct cmd_option){flag->yes, NULL, &flag->is_yes};
			out[count++] = (struct cmd_option){flag->no, NULL, &flag->is_no};
		} else {
			out[count++] = (struct cmd_option){flag->yes, &texts[i], NULL};
		}
	}
	return count;
}

int flags_take(const char *command, int argc, char **argv, const struct cmd_option *extra,
	int extra_count, const char *texts[static OPTION_COUNT])
{
	struct flag flags[OPTION_COUNT] = {0};
	struct cmd_option options[OPTION_COUNT * 2 + FLAGS_EXTRA_MAX + 1];
	bool is_verbose = false;
	assert(extra_count <= FLAGS_EXTRA_MAX);
	int count = list_options(flags, texts, options);
	options[count++] = (struct cmd_option){"--verbose", NULL, &is_verbose};
	for (int i = 0; i < extra_count; i++) {
		options[count++] = extra[i];
	}
	int plain = cmd_options(command, argc, argv, options, count);
	for (int i = 0; plain >= 0 && i < OPTION_COUNT; i++) {
		if (flags[i].is_yes && flags[i].is_no) {
			(void)cmd_usage(
				cmd_find(command), "%s or %s, not both", flags[i].yes, flags[i].no);
			return -1;
		}
		if (flags[i].is_yes || flags[i].is_no) {
			texts[i] = flags[i].is_yes ? "on" : "off";
		}
	}
	if (is_verbose && texts[OPTION_LOG_LEVEL] == NULL) {
		texts[OPTION_LOG_LEVEL] = "debug";
	}
	return plain;
}

enum err flags_read(const char *const flags[static OPTION_COUNT], struct settings **out,
	struct settings_faults *faults)
{
	struct settings_opts opts = {.environment = environ, .etc = SETTINGS_ETC};
	memcpy(opts.flags, flags, sizeof(opts.flags));
	return settings_load(&opts, out, faults);
}

struct settings *flags_load(const char *command, const char *const flags[static OPTION_COUNT])
{
	struct settings_faults faults;
	struct settings *settings = NULL;
	enum err err = flags_read(flags, &settings, &faults);
	if (err == ERR_REFUSED && faults.at[0].origin == SETTINGS_FLAG) {
		(void)cmd_usage(cmd_find(command), "%s", faults.at[0].text);
	} else if (err == ERR_REFUSED && faults.count > 1) {
		(void)cmd_fail(command, "%s; and %u more: `kith config check` tells them",
			faults.at[0].text, faults.count - 1);
	} else if (err != ERR_OK) {
		(void)cmd_fail(command, "%s",
			err == ERR_REFUSED ? faults.at[0].text : "there is no memory");
	}
	if (err != ERR_OK) {
		settings_free(settings);
		settings = NULL;
	}
	return settings;
}
