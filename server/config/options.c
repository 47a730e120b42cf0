/* The table, and what its columns mean. */
#include "config/options.h"

#include "base/encode.h"
#include "base/limits.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_BYTES = 32, HELP_COLUMN = 24, HELP_WIDTH = 90, NUMBER_DIGITS = 18 };

static const char *const levels[] = {"debug", "info", "warn", "error", NULL};

static const char *const log_forms[] = {"text", "json", NULL};

static const struct option_row rows[OPTION_COUNT] = {
	[OPTION_CONFIG] = {.name = "config",
		.kind = OPTION_TEXT,
		.form = "FILE",
		.otherwise = "kith.conf in the data directory, else /etc/kith/kith.conf",
		.where = OPTION_IN_FLAG | OPTION_IN_ENV,
		.help = "the file that says the rest of these; an empty name: none"},
	[OPTION_DATA] = {.name = "data",
		.kind = OPTION_PATH,
		.form = "DIR",
		.otherwise = "~/.local/share/kith",
		.where = OPTION_ANYWHERE,
		.help = "where the node keeps its data"},
	[OPTION_HOST] = {.name = "host",
		.kind = OPTION_TEXT,
		.form = "ADDR",
		.otherwise = "every one of this machine",
		.where = OPTION_ANYWHERE,
		.help = "the address peers connect to"},
	[OPTION_PORT] = {.name = "port",
		.kind = OPTION_NUMBER,
		.form = "N",
		.preset = "8008",
		.max = UINT16_MAX,
		.where = OPTION_ANYWHERE,
		.help = "the port for peers; 0: any free one"},
	[OPTION_HTTP_PORT] = {.name = "http-port",
		.kind = OPTION_NUMBER,
		.form = "N",
		.preset = "8989",
		.max = UINT16_MAX,
		.where = OPTION_ANYWHERE,
		.help = "the port of the page; 0: any free one"},
	[OPTION_HTTP_HOST] = {.name = "http-host",
		.kind = OPTION_TEXT,
		.form = "ADDR",
		.otherwise = "on this machine only",
		.where = OPTION_ANYWHERE,
		.help = "where the page listens"},
	[OPTION_PUBLIC_URL] = {.name = "public-url",
		.kind = OPTION_TEXT,
		.form = "URL",
		.otherwise = "there is no proxy",
		.where = OPTION_ANYWHERE,
		.help = "under which a proxy shows the page, perhaps with a path"},
	[OPTION_TRUSTED_PROXIES] = {.name = "trusted-proxies",
		.kind = OPTION_TEXT,
		.form = "LIST",
		.otherwise = "none",
		.where = OPTION_ANYWHERE,
		.help = "addresses or ADDRESS/BITS of proxies that say who asks"},
	[OPTION_NETWORK_KEY] = {.name = "network-key",
		.kind = OPTION_KEY,
		.form = "B64",
		.otherwise = "the main one",
		.where = OPTION_ANYWHERE,
		.help = "another network than the main one"},
	[OPTION_HOPS] = {.name = "hops",
		.kind = OPTION_NUMBER,
		.form = "N",
		.preset = "2",
		.min = 1,
		.max = LIMIT_HOPS_MAX,
		.where = OPTION_ANYWHERE,
		.help = "whose feeds to keep: 1 friends, 2 their friends too, 3 theirs too"},
	[OPTION_PEERS_MAX] = {.name = "peers-max",
		.kind = OPTION_NUMBER,
		.form = "N",
		.preset = "256",
		.min = 1,
		.max = LIMIT_PEERS_MAX,
		.is_live = true,
		.where = OPTION_ANYWHERE,
		.help = "connections with peers at once, at most 16000"},
	[OPTION_LAN] = {.name = "lan",
		.kind = OPTION_SWITCH,
		.preset = "on",
		.where = OPTION_ANYWHERE,
		.help = "send and hear beacons in the local network"},
	[OPTION_LAN_PORT] = {.name = "lan-port",
		.kind = OPTION_NUMBER,
		.form = "N",
		.preset = "8008",
		.max = UINT16_MAX,
		.where = OPTION_ANYWHERE,
		.help = "the port of the beacons"},
	[OPTION_BACKUPS] = {.name = "backups",
		.kind = OPTION_SWITCH,
		.preset = "on",
		.is_live = true,
		.where = OPTION_ANYWHERE,
		.help = "make a backup each night"},
	[OPTION_BACKUP_DIR] = {.name = "backup-dir",
		.kind = OPTION_PATH,
		.form = "DIR",
		.otherwise = "backups in the data directory",
		.where = OPTION_ANYWHERE,
		.help = "where each night's backup goes"},
	[OPTION_PASSPHRASE_FILE] = {.name = "passphrase-file",
		.kind = OPTION_PATH,
		.form = "FILE",
		.otherwise = "the terminal or the page asks",
		.where = OPTION_ANYWHERE,
		.help = "the passphrase of a locked key, in a file that is yours alone"},
	[OPTION_WEB_DIR] = {.name = "web-dir",
		.kind = OPTION_PATH,
		.form = "DIR",
		.otherwise = "the one in the program",
		.where = OPTION_ANYWHERE,
		.help = "serve the page from a folder, while developing it"},
	[OPTION_SANDBOX] = {.name = "sandbox",
		.kind = OPTION_SWITCH,
		.preset = "on",
		.where = OPTION_ANYWHERE,
		.help = "give up all files and system calls that a node does not need"},
	[OPTION_MEMORY_MAX] = {.name = "memory-max",
		.kind = OPTION_NUMBER,
		.form = "MIB",
		.preset = "256",
		.min = LIMIT_MEMORY_BYTES_MIN / MIB,
		.max = 1024 * 1024,
		.where = OPTION_ANYWHERE,
		.help = "memory to stay below, at the price of speed; at least 64"},
	[OPTION_LOG] = {.name = "log",
		.kind = OPTION_CHOICE,
		.form = "FORM",
		.preset = "text",
		.choices = log_forms,
		.where = OPTION_ANYWHERE,
		.help = "how lines are logged: text, or json, each line an object"},
	[OPTION_LOG_LEVEL] = {.name = "log-level",
		.kind = OPTION_CHOICE,
		.form = "LEVEL",
		.preset = "info",
		.choices = levels,
		.is_live = true,
		.where = OPTION_ANYWHERE,
		.help = "which lines are logged: debug, info, warn or error; --verbose is debug"},
};

const struct option_row *options_row(enum option option)
{
	return &rows[option];
}

enum option options_find(const char *name)
{
	for (int i = 0; i < OPTION_COUNT; i++) {
		if (strcmp(rows[i].name, name) == 0) {
			return (enum option)i;
		}
	}
	return OPTION_COUNT;
}

void options_env_name(enum option option, char out[static OPTIONS_NAME_BYTES + 8])
{
	(void)snprintf(out, OPTIONS_NAME_BYTES + 8, "KITH_%s", rows[option].name);
	for (char *c = out; *c != '\0'; c++) {
		*c = *c == '-' ? '_' : *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
	}
}

enum option options_find_env(struct span name)
{
	char own[OPTIONS_NAME_BYTES + 8];
	for (int i = 0; i < OPTION_COUNT; i++) {
		options_env_name((enum option)i, own);
		if ((rows[i].where & OPTION_IN_ENV) != 0 && span_equal_text(name, own)) {
			return (enum option)i;
		}
	}
	return OPTION_COUNT;
}

/* How many letters must be put in, left out or changed; names longer than ours are like none. */
static size_t distance(const char *a, const char *b)
{
	size_t row[OPTIONS_NAME_BYTES + 1];
	size_t a_len = strlen(a);
	size_t b_len = strlen(b);
	if (a_len > OPTIONS_NAME_BYTES || b_len > OPTIONS_NAME_BYTES) {
		return SIZE_MAX;
	}
	for (size_t j = 0; j <= b_len; j++) {
		row[j] = j;
	}
	for (size_t i = 1; i <= a_len; i++) {
		size_t before = row[0];
		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t change = before + (a[i - 1] != b[j - 1]);
			size_t other = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
			before = row[j];
			row[j] = change < other ? change : other;
		}
	}
	return row[b_len];
}

const char *options_nearest(const char *name, unsigned where)
{
	const char *nearest = NULL;
	size_t least = strlen(name) / 3 + 2; /* farther, it is another word */
	for (int i = 0; i < OPTION_COUNT; i++) {
		size_t found = distance(name, rows[i].name);
		if ((rows[i].where & where) != 0 && found < least) {
			least = found;
			nearest = rows[i].name;
		}
	}
	return nearest;
}

static bool is_number(const char *text)
{
	size_t len = strlen(text);
	return len > 0 && len <= NUMBER_DIGITS && strspn(text, "0123456789") == len;
}

int64_t options_number(const char *text)
{
	return strtoll(text, NULL, 10);
}

static enum err judge_switch(const char *text, const char **canonical)
{
	static const char *const on[] = {"on", "yes", "true", "1"};
	static const char *const off[] = {"off", "no", "false", "0"};
	for (size_t i = 0; i < sizeof(on) / sizeof(on[0]); i++) {
		if (strcmp(text, on[i]) == 0 || strcmp(text, off[i]) == 0) {
			*canonical = strcmp(text, on[i]) == 0 ? "on" : "off";
			return ERR_OK;
		}
	}
	return ERR_REFUSED;
}

static bool is_key(const char *text)
{
	uint8_t key[KEY_BYTES];
	size_t count = 0;
	return base64_decode(span_text(text), key, sizeof(key), &count) == ERR_OK &&
	       count == sizeof(key);
}

static bool is_choice(const struct option_row *row, const char *text)
{
	for (size_t i = 0; row->choices[i] != NULL; i++) {
		if (strcmp(row->choices[i], text) == 0) {
			return true;
		}
	}
	return false;
}

static void say_choices(const struct option_row *row, char why[static OPTIONS_WHY_BYTES])
{
	size_t len = (size_t)snprintf(why, OPTIONS_WHY_BYTES, "takes %s", row->choices[0]);
	for (size_t i = 1; row->choices[i] != NULL && len < OPTIONS_WHY_BYTES; i++) {
		len += (size_t)snprintf(why + len, OPTIONS_WHY_BYTES - len, "%s%s",
			row->choices[i + 1] == NULL ? " or " : ", ", row->choices[i]);
	}
}

static bool has_control(const char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f) {
			return true;
		}
	}
	return false;
}

enum err options_judge(enum option option, unsigned where, const char *text, const char **canonical,
	char why[static OPTIONS_WHY_BYTES])
{
	const struct option_row *row = &rows[option];
	bool is_good = true;
	*canonical = text;
	if (strlen(text) > LIMIT_OPTION_BYTES) {
		(void)snprintf(
			why, OPTIONS_WHY_BYTES, "takes %d bytes at most", LIMIT_OPTION_BYTES);
		return ERR_LIMIT;
	}
	switch (row->kind) {
	case OPTION_TEXT:
		is_good = !has_control(text);
		(void)snprintf(why, OPTIONS_WHY_BYTES, "takes no control characters");
		break;
	case OPTION_PATH:
		is_good = !has_control(text) && (where != OPTION_IN_FILE || text[0] == '/');
		(void)snprintf(why, OPTIONS_WHY_BYTES,
			where == OPTION_IN_FILE ? "takes a path that begins with /"
						: "takes no control characters");
		break;
	case OPTION_NUMBER:
		is_good = is_number(text) && options_number(text) >= row->min &&
			  options_number(text) <= row->max;
		(void)snprintf(why, OPTIONS_WHY_BYTES,
			"takes a number from %" PRId64 " to %" PRId64, row->min, row->max);
		break;
	case OPTION_SWITCH:
		is_good = judge_switch(text, canonical) == ERR_OK;
		(void)snprintf(why, OPTIONS_WHY_BYTES, "takes on or off");
		break;
	case OPTION_CHOICE:
		is_good = is_choice(row, text);
		say_choices(row, why);
		break;
	case OPTION_KEY:
		is_good = is_key(text);
		(void)snprintf(why, OPTIONS_WHY_BYTES, "takes 32 bytes in base64 (44 characters)");
		break;
	}
	return is_good ? ERR_OK : ERR_REFUSED;
}

/* Words of a paragraph, from `column` on, and each further line too. */
static enum err put_words(struct buf *out, const char *text, size_t column)
{
	enum err err = ERR_OK;
	size_t at = column;
	while (err == ERR_OK && *text != '\0') {
		size_t len = strcspn(text, " ");
		if (at > column && at + len > HELP_WIDTH) {
			err = buf_printf(out, "\n%*s", (int)column, "");
			at = column;
		}
		if (err == ERR_OK) {
			err = buf_printf(out, "%s%.*s", at > column ? " " : "", (int)len, text);
		}
		at += len + 1;
		text += len + (text[len] == ' ');
	}
	return err;
}

static enum err put_row(struct buf *out, const struct option_row *row)
{
	char flag[HELP_COLUMN * 2];
	char said[OPTIONS_WHY_BYTES];
	bool is_switch = row->kind == OPTION_SWITCH;
	bool is_on = is_switch && strcmp(row->preset, "on") == 0;
	(void)snprintf(flag, sizeof(flag), "  --%s%s%s%s", is_on ? "no-" : "", row->name,
		is_switch ? "" : " ", is_switch ? "" : row->form);
	if (is_switch) {
		(void)snprintf(said, sizeof(said), "%s%s", is_on ? "do not " : "", row->help);
	} else {
		(void)snprintf(said, sizeof(said), "%s (default: %s)", row->help,
			row->preset != NULL ? row->preset : row->otherwise);
	}
	enum err err = strlen(flag) >= HELP_COLUMN
			       ? buf_printf(out, "%s\n%*s", flag, HELP_COLUMN, "")
			       : buf_printf(out, "%-*s", HELP_COLUMN, flag);
	if (err == ERR_OK) {
		err = put_words(out, said, HELP_COLUMN);
	}
	return err == ERR_OK ? buf_append_byte(out, '\n') : err;
}

enum err options_help(struct buf *out)
{
	enum err err = ERR_OK;
	for (int i = 0; err == ERR_OK && i < OPTION_COUNT; i++) {
		if ((rows[i].where & OPTION_IN_FLAG) != 0) {
			err = put_row(out, &rows[i]);
		}
	}
	return err;
}
