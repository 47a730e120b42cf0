/** cmd/flags: what the command line says of the options of a node (config/options), for `run` and
 * `config`. */
#ifndef CMD_FLAGS_H
#define CMD_FLAGS_H

#include "cmd/cmd.h"
#include "config/settings.h"

/** As cmd_options(): the options of the table and those in `extra` leave argv; the texts of the
 * former are borrowed in `flags`. */
int flags_take(const char *command, int argc, char **argv, const struct cmd_option *extra,
	int extra_count, const char *flags[static OPTION_COUNT]);

/** Read all settings, of the flags and of this process's world: settings_load(). */
MUST_USE enum err flags_read(const char *const flags[static OPTION_COUNT], struct settings **out,
	struct settings_faults *faults);
/** Likewise; on failure NULL, after it printed the first thing that is wrong. */
struct settings *flags_load(const char *command, const char *const flags[static OPTION_COUNT]);

#endif
