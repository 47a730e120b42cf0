/**
 * config/settings: the value of every option, and who said it. The command line goes before the
 * environment, that before the file, and that before what is so anyway.
 *
 * One file is read: the one that `config` names; else kith.conf in the data directory, when it is
 * there; else SETTINGS_ETC. `data` may stand in any but the one in the data directory itself.
 */
#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H

#include "base/limits.h"
#include "config/options.h"

#define SETTINGS_ETC "/etc/kith/kith.conf"

enum settings_origin { SETTINGS_PRESET = 0, SETTINGS_FILE, SETTINGS_ENV, SETTINGS_FLAG };

struct settings;

struct settings_opts {
	const char *flags[OPTION_COUNT]; /* what the command line says; NULL: nothing */
	char *const *environment; /* "NAME=value" …, NULL at the end; NULL: there is none */
	const char *etc;          /* SETTINGS_ETC, but in tests; NULL: there is none */
};

enum { SETTINGS_TEXT_BYTES = 512 };
struct settings_faults {
	struct settings_fault {
		enum settings_origin origin;
		unsigned line;                  /* in the file; 0: all of it */
		char text[SETTINGS_TEXT_BYTES]; /* a whole sentence, without its full stop */
	} at[LIMIT_CONF_FAULTS];
	unsigned count; /* also of those that had no room */
};

/**
 * Read everything. ERR_REFUSED: `faults` tells what is wrong, and `*out` (for looking at it) has
 * what is right. ERR_NOMEM: `*out` is NULL.
 */
MUST_USE enum err settings_load(
	const struct settings_opts *opts, struct settings **out, struct settings_faults *faults);
void settings_free(struct settings *settings);

/** Borrowed; NULL: nobody said it, and there is no preset. A switch is "on" or "off". */
const char *settings_text(const struct settings *settings, enum option option);
/** Of an option of the kind OPTION_NUMBER. */
int64_t settings_number(const struct settings *settings, enum option option);
/** Of an OPTION_SWITCH. */
bool settings_is_on(const struct settings *settings, enum option option);

enum settings_origin settings_origin(const struct settings *settings, enum option option);
/** "--port", "KITH_PORT", "/etc/kith/kith.conf line 3" or "default". */
void settings_origin_text(
	const struct settings *settings, enum option option, char out[static SETTINGS_TEXT_BYTES]);
/** The file that was read; NULL: none. */
const char *settings_file(const struct settings *settings);

#endif
