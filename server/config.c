/* Paths, ports, and where the key is. */
#include "config.h"

#include "store/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { CONFIG_PATH_BYTES = 4096 };

const uint8_t config_main_network_key[32] = {0xd4, 0xa1, 0xcb, 0x88, 0xa6, 0x6f, 0x02, 0xf8, 0xdb,
	0x63, 0x5c, 0xe2, 0x64, 0x41, 0xcc, 0x5d, 0xac, 0x1b, 0x08, 0x42, 0x0c, 0xea, 0xac, 0x23,
	0x08, 0x39, 0xb7, 0x55, 0x84, 0x5a, 0x9f, 0xfb};

static enum err finish_text(struct buf *out)
{
	return buf_cstr(out) == NULL ? ERR_NOMEM : ERR_OK;
}

enum err config_data_dir(const char *option, struct buf *out)
{
	const char *data_home = getenv("XDG_DATA_HOME");
	const char *home = getenv("HOME");
	enum err err = ERR_NOT_FOUND;
	if (option != NULL && option[0] != '\0') {
		err = buf_append_text(out, option);
	} else if (data_home != NULL && data_home[0] == '/') {
		err = buf_printf(out, "%s/kith", data_home);
	} else if (home != NULL && home[0] == '/') {
		err = buf_printf(out, "%s/.local/share/kith", home);
	}
	return err == ERR_OK ? finish_text(out) : err;
}

const char *config_data_dir_why(enum err err)
{
	return err == ERR_LIMIT   ? "the path of the data directory is too long"
	       : err == ERR_NOMEM ? "there is no memory"
				  : "no data directory: say one with --data";
}

enum err config_path(const char *dir, const char *name, struct buf *out)
{
	enum err err = buf_printf(out, "%s/%s", dir, name);
	return err == ERR_OK ? finish_text(out) : err;
}

enum err config_port(const char *text, uint16_t *out)
{
	unsigned long value = 0;
	if (text[0] == '\0') {
		return ERR_REFUSED;
	}
	for (const char *c = text; *c != '\0'; c++) {
		if (*c < '0' || *c > '9') {
			return ERR_REFUSED;
		}
		value = value * 10 + (unsigned long)(*c - '0');
		if (value > UINT16_MAX) {
			return ERR_REFUSED;
		}
	}
	*out = (uint16_t)value;
	return ERR_OK;
}

enum err config_load_key(const char *dir, struct key **out, char *why, size_t why_bytes)
{
	return secret_load(dir, span_of(NULL, 0), out, why, why_bytes);
}

enum err config_may_make_key(const char *dir, char *why, size_t why_bytes)
{
	struct buf path = BUF_INIT(CONFIG_PATH_BYTES);
	struct stat info;
	enum err err = config_path(dir, "kith.db", &path);
	if (err != ERR_OK) {
		(void)snprintf(why, why_bytes, "the path of the data directory is too long");
	} else if (stat((const char *)path.at, &info) == 0) {
		err = ERR_EXISTS;
		(void)snprintf(why, why_bytes,
			"there is a database in %s but no key: put its secret file back", dir);
	}
	buf_fini(&path);
	return err;
}

enum err config_save_key(const char *dir, const struct key *key, char *why, size_t why_bytes)
{
	return secret_create(dir, key, why, why_bytes);
}
