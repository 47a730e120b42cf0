/* Paths, and where the key is. */
#include "config/config.h"

#include "config/settings.h"
#include "store/fence.h"
#include "store/secret.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CONFIG_PATH_BYTES = 4096 };

const uint8_t config_main_network_key[32] = {0xd4, 0xa1, 0xcb, 0x88, 0xa6, 0x6f, 0x02, 0xf8, 0xdb,
	0x63, 0x5c, 0xe2, 0x64, 0x41, 0xcc, 0x5d, 0xac, 0x1b, 0x08, 0x42, 0x0c, 0xea, 0xac, 0x23,
	0x08, 0x39, 0xb7, 0x55, 0x84, 0x5a, 0x9f, 0xfb};

static enum err finish_text(struct buf *out)
{
	return buf_cstr(out) == NULL ? ERR_NOMEM : ERR_OK;
}

enum err config_home_dir(struct buf *out)
{
	const char *data_home = getenv("XDG_DATA_HOME");
	const char *home = getenv("HOME");
	enum err err = ERR_NOT_FOUND;
	if (data_home != NULL && data_home[0] == '/') {
		err = buf_printf(out, "%s/kith", data_home);
	} else if (home != NULL && home[0] == '/') {
		err = buf_printf(out, "%s/.local/share/kith", home);
	}
	return err == ERR_OK ? finish_text(out) : err;
}

enum err config_data_dir(const char *option, struct buf *out)
{
	const struct settings_opts opts = {.environment = environ, .etc = SETTINGS_ETC};
	struct settings_faults faults; /* the node tells them; a command needs only the place */
	struct settings *settings = NULL;
	enum err err = ERR_OK;
	const char *text = option;
	if (text == NULL || text[0] == '\0') {
		err = settings_load(&opts, &settings, &faults);
		text = settings == NULL ? NULL : settings_text(settings, OPTION_DATA);
		err = settings == NULL ? err : text == NULL ? ERR_NOT_FOUND : ERR_OK;
	}
	if (err == ERR_OK) {
		err = buf_append_text(out, text);
	}
	settings_free(settings);
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

enum err config_load_key(const char *dir, struct key **out, char *why, size_t why_bytes)
{
	return secret_load(dir, span_of(NULL, 0), out, why, why_bytes);
}

/* ERR_OK: it is there. */
static enum err look_for(const char *dir, const char *name)
{
	struct buf path = BUF_INIT(CONFIG_PATH_BYTES);
	struct stat info;
	enum err err = config_path(dir, name, &path);
	if (err == ERR_OK && stat((const char *)path.at, &info) != 0) {
		err = ERR_NOT_FOUND;
	}
	buf_fini(&path);
	return err;
}

enum err config_may_make_key(const char *dir, char *why, size_t why_bytes)
{
	if (look_for(dir, "secret") == ERR_LIMIT) {
		(void)snprintf(why, why_bytes, "the path of the data directory is too long");
		return ERR_LIMIT;
	}
	if (look_for(dir, "secret") == ERR_OK) {
		return ERR_OK; /* config_save_key() will say so */
	}
	if (look_for(dir, "kith.db") == ERR_OK) {
		(void)snprintf(why, why_bytes,
			"there is a database in %s but no key: put its secret file back", dir);
		return ERR_EXISTS;
	}
	if (look_for(dir, "fence") == ERR_OK) {
		(void)snprintf(why, why_bytes,
			"there is the safety file of another key in %s: put its secret file back, "
			"or take another directory",
			dir);
		return ERR_EXISTS;
	}
	return ERR_OK;
}

enum err config_save_key(const char *dir, const struct key *key, char *why, size_t why_bytes)
{
	return secret_create(dir, key, why, why_bytes);
}

enum err config_save_fence(const char *dir, const struct feed_id *self, char *why, size_t why_bytes)
{
	enum err err = fence_make_new(NULL, dir, self, env_system());
	if (err != ERR_OK) {
		(void)snprintf(why, why_bytes, "cannot write %s/fence: %s", dir,
			err == ERR_IO ? strerror(errno) : err_text(err));
	}
	return err;
}
