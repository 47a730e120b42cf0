/* Opening a data directory without a node. */
#include "cmd/local.h"

#include "base/encode.h"
#include "base/file.h"
#include "cmd/cmd.h"
#include "cmd/unlock.h"
#include "config/config.h"

#include <unistd.h>

enum { PATH_BYTES = 4096, WHY_BYTES = 512 };

enum err local_open_read(
	const char *command, const char *data, struct store **store, struct reader **reader)
{
	struct buf dir = BUF_INIT(PATH_BYTES);
	char why[WHY_BYTES] = "";
	*store = NULL;
	*reader = NULL;
	enum err err = config_data_dir(data, &dir);
	if (err != ERR_OK) {
		(void)cmd_fail(command, "%s", config_data_dir_why(err));
		goto out;
	}
	const struct store_opts opts = {
		.dir = (const char *)dir.at, .env = env_system(), .is_read_only = true};
	err = store_open(&opts, store, why, sizeof(why));
	if (err != ERR_OK) {
		(void)cmd_fail(command, "%s", why);
		goto out;
	}
	err = reader_open(*store, reader);
	if (err != ERR_OK) {
		(void)cmd_fail(command, "The database cannot be read: %s.", err_text(err));
	}
out:
	buf_fini(&dir);
	if (err != ERR_OK) {
		local_close_read(*store, *reader);
	}
	return err;
}

void local_close_read(struct store *store, struct reader *reader)
{
	reader_close(reader);
	store_close(store);
}

static enum err lock_dir(const char *command, const char *dir, int *lock)
{
	enum err err = file_lock_dir(dir, lock);
	if (err != ERR_OK) {
		(void)cmd_fail(command,
			err == ERR_BUSY ? "a node is running on %s; stop it first"
					: "%s cannot be locked: may you write there?",
			dir);
	}
	return err;
}

enum err local_open_write(const char *command, const char *data, struct local_writable *out)
{
	struct buf dir = BUF_INIT(PATH_BYTES);
	char why[WHY_BYTES] = "";
	*out = (struct local_writable){.lock = -1};
	enum err err = config_data_dir(data, &dir);
	if (err != ERR_OK) {
		(void)cmd_fail(command, "%s", config_data_dir_why(err));
		goto out;
	}
	err = unlock_key_why((const char *)dir.at, NULL, &out->key, why, sizeof(why));
	if (err != ERR_OK) {
		(void)cmd_fail(command, "%s", why);
		goto out;
	}
	err = lock_dir(command, (const char *)dir.at, &out->lock);
	if (err != ERR_OK) {
		goto out;
	}
	const struct store_opts opts = {
		.dir = (const char *)dir.at, .env = env_system(), .self = *key_id(out->key)};
	err = store_open(&opts, &out->store, why, sizeof(why));
	if (err != ERR_OK) {
		(void)cmd_fail(command, "%s", why);
	}
out:
	buf_fini(&dir);
	if (err != ERR_OK) {
		local_close_write(out);
	}
	return err;
}

enum err local_open_care(const char *command, const char *data, struct local_writable *out)
{
	struct buf dir = BUF_INIT(PATH_BYTES);
	char why[WHY_BYTES] = "";
	struct store *store = NULL;
	struct reader *reader = NULL;
	*out = (struct local_writable){.lock = -1};
	/* Whose it is stands in the database; this also says when there is none. */
	enum err err = local_open_read(command, data, &store, &reader);
	if (err != ERR_OK) {
		return err;
	}
	struct store_opts opts = {.env = env_system(), .self = *store_self(store)};
	local_close_read(store, reader);
	err = config_data_dir(data, &dir);
	if (err == ERR_OK) {
		opts.dir = (const char *)dir.at;
		err = lock_dir(command, opts.dir, &out->lock);
	}
	if (err == ERR_OK) {
		err = store_open(&opts, &out->store, why, sizeof(why));
		if (err != ERR_OK) {
			(void)cmd_fail(command, "%s", why);
		}
	}
	buf_fini(&dir);
	if (err != ERR_OK) {
		local_close_write(out);
	}
	return err;
}

enum err local_hmac_key(const char *command, const char *text, uint8_t room[static HMAC_KEY_BYTES],
	const uint8_t **key)
{
	size_t count = 0;
	*key = NULL;
	if (text == NULL) {
		return ERR_OK;
	}
	if (base64_decode(span_text(text), room, HMAC_KEY_BYTES, &count) != ERR_OK ||
		count != HMAC_KEY_BYTES) {
		(void)cmd_fail(command, "--hmac-key takes 32 bytes in base64 (44 characters)");
		return ERR_REFUSED;
	}
	*key = room;
	return ERR_OK;
}

void local_close_write(struct local_writable *writable)
{
	store_close(writable->store);
	key_free(writable->key);
	if (writable->lock >= 0) {
		(void)close(writable->lock);
	}
	*writable = (struct local_writable){.lock = -1};
}
