/**
 * config/options: every option of a running node, one row each. The command line (`--http-port 1`),
 * the environment (`KITH_HTTP_PORT=1`), kith.conf (`http-port = 1`), `kith run --help`, `kith
 * config` and the reloading of a node all read this table; deploy/man/kith.conf.5 is compared with
 * it.
 *
 * Add one: a name in `enum option`, a row in options.c, its paragraph in the manual, and who asks
 * settings_text() (or _number, _is_on) for it.
 */
#ifndef CONFIG_OPTIONS_H
#define CONFIG_OPTIONS_H

#include "base/buf.h"

enum option {
	OPTION_CONFIG,
	OPTION_DATA,
	OPTION_HOST,
	OPTION_PORT,
	OPTION_HTTP_PORT,
	OPTION_HTTP_HOST,
	OPTION_PUBLIC_URL,
	OPTION_TRUSTED_PROXIES,
	OPTION_NETWORK_KEY,
	OPTION_HOPS,
	OPTION_PEERS_MAX,
	OPTION_LAN,
	OPTION_LAN_PORT,
	OPTION_BACKUPS,
	OPTION_BACKUP_DIR,
	OPTION_PASSPHRASE_FILE,
	OPTION_WEB_DIR,
	OPTION_SANDBOX,
	OPTION_MEMORY_MAX,
	OPTION_LOG,
	OPTION_LOG_LEVEL,
	OPTION_COUNT
};

enum option_kind {
	OPTION_TEXT,
	OPTION_PATH,   /* in a file it begins with a slash: nobody knows where a service stands */
	OPTION_NUMBER, /* min … max */
	OPTION_SWITCH, /* --NAME and --no-NAME; on or off elsewhere */
	OPTION_CHOICE, /* one of `choices` */
	OPTION_KEY     /* 32 bytes in base64 */
};

/* Where somebody may say it. */
enum { OPTION_IN_FLAG = 1, OPTION_IN_ENV = 2, OPTION_IN_FILE = 4, OPTION_ANYWHERE = 7 };

struct option_row {
	const char *name;
	enum option_kind kind;
	const char *form;      /* what the value is called: "ADDR"; NULL for a switch */
	const char *preset;    /* the value when nobody says one; NULL: there is none … */
	const char *otherwise; /* … and this is what is so then */
	int64_t min, max;
	const char *const *choices; /* NULL at the end */
	bool is_live;               /* a running node takes a new value at SIGHUP */
	unsigned where;
	const char *help; /* what it is, in one line, for --help and the example */
};

enum { OPTIONS_WHY_BYTES = 256, OPTIONS_NAME_BYTES = 32 };

/** Static; never NULL. */
const struct option_row *options_row(enum option option);
/** OPTION_COUNT: there is none of that name. */
enum option options_find(const char *name);
/** `--help` of a node: every option that is a flag, a line or two each, with its default. */
MUST_USE enum err options_help(struct buf *out);

/** "KITH_HTTP_PORT". */
void options_env_name(enum option option, char out[static OPTIONS_NAME_BYTES + 8]);
/** Likewise for "KITH_HTTP_PORT". OPTION_COUNT: there is none of that name. */
enum option options_find_env(struct span name);
/** The name that `name` was meant to be, among those that may stand `where`; NULL: it is like none.
 */
const char *options_nearest(const char *name, unsigned where);

/**
 * May `text`, said at `where` (one of the three), be the value? `*canonical` is then `text`, or
 * "on" or "off" for a switch. Else ERR_REFUSED, or ERR_LIMIT above LIMIT_OPTION_BYTES, and `why`
 * goes on behind the name: "takes a number from 0 to 65535".
 */
MUST_USE enum err options_judge(enum option option, unsigned where, const char *text,
	const char **canonical, char why[static OPTIONS_WHY_BYTES]);
/** The number of a value that options_judge() let pass. */
int64_t options_number(const char *text);

#endif
